/* Interior and border apart: a loop whose index decides whether a read lies inside its tensor runs in pieces, so that most of them need
   not ask.

   Requires: nodes as lower.c made them. Ensures: the same elements in the same order; no read with a default in a piece in which it is
   always inside, none at all in one in which it is always outside.
   Example:  for i in 0..5: y[i] := (a[i] default 0) + (b[i - 3] default 0)          with a[3], b[2] becomes
             for i in 0..3: y[i] := a[i];  for i in 0..2: y[i + 3] := b[i]
   A piece in which its own index leaves the question open (a border) is not cut along the loops inside it. */
#include "loop/loop.h"
#include "tensor/affine.h"

enum { MOST_PIECES = 5, MOST_NODES = 40 };

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Pool *pool;
} Split;

static void split_list(Split *s, Nodes *nodes);

/* ---- Where the answer changes */

typedef struct {
    Pool *pool;
    Index *index;
    int64_t at[2 * MOST_PIECES];
    int count;
    bool many, open; /* open: somewhere the index does not decide */
} Cuts;

static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b != 0 && a < 0); } /* b > 0 */

static void cut_at(Cuts *cuts, int64_t at) {
    if (at <= 0 || at >= cuts->index->size) return;
    int to = cuts->count;
    for (int i = 0; i < cuts->count; i++) {
        if (cuts->at[i] == at) return;
    }
    if (cuts->count == MOST_PIECES - 1) {
        cuts->many = true;
        return;
    }
    for (; to > 0 && cuts->at[to - 1] > at; to--) cuts->at[to] = cuts->at[to - 1];
    cuts->at[to] = at;
    cuts->count++;
}

/* 0 <= subscript < size: always, never, or open? */
static void look_at_subscript(Cuts *cuts, Expr subscript, int64_t size) {
    if (!expr_depends(subscript, cuts->index)) return;
    Interval all = interval_of(subscript);
    if (all.known && all.low >= 0 && all.high < size) return;
    cuts->open = true;
    Affine affine;
    int64_t c = 0;
    if (!affine_of(cuts->pool, subscript, &affine)) return;
    for (size_t i = 0; i < affine.terms.count; i++) {
        Expr term = affine.terms.at[i].term;
        if (term->kind == EXPR_INDEX && term->index == cuts->index) c = affine.terms.at[i].coefficient;
        else if (expr_depends(term, cuts->index)) return;
        else if (term->kind == EXPR_INDEX && term->index->size > cuts->index->size) return; /* rather along that one */
    }
    Interval rest = interval_of(expr_substitute(cuts->pool, subscript, &cuts->index, (Expr[]){expr_number(cuts->pool, 0)}, 1));
    if (!rest.known || c == 0) return;
    /* for c > 0, c i + rest reaches `bound` at ceil((bound - rest) / c); for c < 0 it is below it from floor((rest - bound) / -c) + 1 on */
    const int64_t rests[] = {rest.low, rest.high}, bounds[] = {0, size};
    for (int r = 0; r < 2; r++) {
        for (int b = 0; b < 2; b++) {
            int64_t distance = bounds[b] - rests[r];
            cut_at(cuts, c > 0 ? -floor_of(-distance, c) : floor_of(-distance, -c) + 1);
        }
    }
}

/* index + c == v, < v, ...: where does the answer change? */
static void look_at_condition(Cuts *cuts, Expr e) {
    Affine affine;
    if (e->count != 2 || !e->kids[0]->integer || !e->kids[1]->integer || !expr_depends(e, cuts->index) || e->free_count != 1)
        return;
    if (!affine_of(cuts->pool, expr_op2(cuts->pool, OP_SUB, e->kids[0], e->kids[1]), &affine)) return;
    if (affine.terms.count != 1 || affine.terms.at[0].term->kind != EXPR_INDEX) return;
    cuts->open = true;
    int64_t c = affine.terms.at[0].coefficient, at = c > 0 ? -affine.constant : affine.constant;
    if (c != 1 && c != -1) return;
    cut_at(cuts, at);
    cut_at(cuts, at + 1);
}

static void look_at_read(void *context, Expr e) {
    if (e->kind == EXPR_OP && e->condition) look_at_condition(context, e);
    if (e->kind != EXPR_READ || !e->has_default) return;
    for (int i = 0; i < e->tensor->rank; i++) look_at_subscript(context, e->kids[i], e->tensor->shape[i]);
}

static int look_at_nodes(Cuts *cuts, const Nodes *nodes) {
    int count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->value != NULL) expr_visit(cuts->pool, node->value, look_at_read, cuts);
        count += 1 + look_at_nodes(cuts, &node->body);
    }
    return count;
}

/* ---- A copy of nodes with an index replaced; local variables are the copy's own */

typedef struct {
    Split *split;
    Index *from;
    Expr to;
    Vec(const Tensor *) old;
    Vec(Tensor *) fresh;
} Copy;

static Tensor *own(Copy *copy, Tensor *local) {
    for (size_t i = 0; i < copy->old.count; i++) {
        if (copy->old.at[i] == local) return copy->fresh.at[i];
    }
    return local;
}

static Expr own_read(void *context, Expr e) {
    if (e->kind != EXPR_READ) return e;
    Copy *copy = context;
    Tensor *mine = own(copy, e->tensor);
    if (mine == e->tensor) return e;
    return expr_read(copy->split->pool, mine, e->kids, mine->rank, e->has_default ? e->kids[e->count - 1] : NULL);
}

static Expr copied(Copy *copy, Expr e) {
    e = expr_substitute(copy->split->pool, e, &copy->from, &copy->to, 1);
    return copy->old.count > 0 ? expr_replace(copy->split->pool, e, own_read, copy) : e;
}

/* x := x, which is left of x := x + 0 */
static bool stays_what_it_is(const Node *node) {
    Expr e = node->value;
    bool writes = node->kind == NODE_STORE || node->kind == NODE_SET;
    if (!writes || e->kind != EXPR_READ || e->tensor != node->target || e->has_default) return false;
    for (int i = 0; i < e->tensor->rank; i++) {
        if (e->kids[i] != node->subscripts[i]) return false;
    }
    return true;
}

static void copy_nodes(Copy *copy, const Nodes *nodes, Nodes *out) {
    Arena *arena = copy->split->loop->arena;
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *from = nodes->at[i];
        Node *to = NEW(arena, Node);
        *to = *from;
        to->body = (Nodes){0};
        to->any_order = (Tensors){0};
        for (size_t k = 0; k < from->any_order.count; k++) vec_push(arena, &to->any_order, own(copy, from->any_order.at[k]));
        if (from->value != NULL) to->value = copied(copy, from->value);
        if (from->low != NULL) to->low = copied(copy, from->low);
        if (from->high != NULL) to->high = copied(copy, from->high);
        to->elements = (Exprs){0};
        for (size_t k = 0; k < from->elements.count; k++) vec_push(arena, &to->elements, copied(copy, from->elements.at[k]));
        if (from->kind == NODE_LET && from->target->local && (!from->target->array || from->elements.count > 0)) {
            vec_push(arena, &copy->old, from->target);
            vec_push(arena, &copy->fresh,
                     local_new(copy->split->loop, copy->split->routine, from->target->name, from->target->index_range));
            Tensor *fresh = copy->fresh.at[copy->fresh.count - 1];
            fresh->lanes = from->target->lanes;
            fresh->array = from->target->array;
            fresh->rank = from->target->rank;
            fresh->shape = from->target->shape;
        }
        if (from->target != NULL) to->target = own(copy, from->target);
        if (from->subscripts != NULL) {
            to->subscripts = NEW_ARRAY(arena, Expr, from->target->rank + 1);
            for (int k = 0; k < from->target->rank; k++) to->subscripts[k] = copied(copy, from->subscripts[k]);
        }
        copy_nodes(copy, &from->body, &to->body);
        bool nothing = (to->kind == NODE_LOOP && to->body.count == 0) || stays_what_it_is(to);
        if (!nothing) vec_push(arena, out, to);
    }
}

/* ---- Pieces */

static void add_piece(Split *s, const Node *loop, int64_t from, int64_t to, Nodes *out) {
    Index *index = index_like(s->pool, loop->index);
    index->size = to - from;
    index->id = loop->index->id; /* stands where the other stood */
    index->piece_of = loop->index->piece_of != NULL ? loop->index->piece_of : loop->index;
    Node *piece = NEW(s->loop->arena, Node);
    *piece = *loop;
    piece->index = index;
    piece->body = (Nodes){0};
    Expr at = expr_op2(s->pool, OP_ADD, expr_index(s->pool, index), expr_number(s->pool, (double)from));
    copy_nodes(&(Copy){.split = s, .from = loop->index, .to = at}, &loop->body, &piece->body);
    Cuts left = {.pool = s->pool, .index = index};
    look_at_nodes(&left, &piece->body);
    if (!left.open) split_list(s, &piece->body);
    if (piece->body.count == 0) return;
    if (index->size > 1) vec_push(s->loop->arena, out, piece);
    else copy_nodes(&(Copy){.split = s, .from = index, .to = expr_number(s->pool, 0)}, &piece->body, out);
}

static void split_loop(Split *s, Node *node, Nodes *out) {
    Cuts cuts = {.pool = s->pool, .index = node->index};
    bool whole = node->index->batch || node->index->lanes || node->reversed || node->index->first > 0 || node->step > 1 ||
                 node->rest > 0 || node->low != NULL || node->high != NULL;
    bool large = !whole && look_at_nodes(&cuts, &node->body) > MOST_NODES;
    if (whole || large || cuts.many || cuts.count == 0) {
        if (whole || !cuts.open) split_list(s, &node->body);
        vec_push(s->loop->arena, out, node);
        return;
    }
    for (int i = 0; i <= cuts.count; i++)
        add_piece(s, node, i == 0 ? 0 : cuts.at[i - 1], i == cuts.count ? node->index->size : cuts.at[i], out);
}

static void split_block(Split *s, Node *block) {
    if (block->lines || block->turned > 0) return;
    split_list(s, &block->body);
    block->scoped |= block->body.count > 1;
}

static void split_list(Split *s, Nodes *nodes) {
    Nodes out = {0};
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->kind == NODE_LOOP) split_loop(s, node, &out);
        else vec_push(s->loop->arena, &out, node);
        if (node->kind == NODE_BLOCK) split_block(s, node);
    }
    *nodes = out;
}

void split(LoopProgram *loop, Routine *routine) {
    Split s = {.loop = loop, .routine = routine, .pool = routine->program->pool};
    split_list(&s, &routine->body);
}
