/* Scans become loops over their steps, with a block inside for each statement.

   Requires: a group of statements of one scan. Ensures: as lower.c. Steps at which reads lie outside their tensors, or a choice falls
   otherwise (the first, mostly), are loops of their own: in the others nothing is asked.
   Borders are drawn step by step, so that later steps may read them, and those of steps that there are not at first.
   Example:  scan t in 0..5 { h[t] = a[t] + (h[t-1] default 0) }   becomes   h[0] := a[0];  for t in 1..5: h[t] := a[t] + h[t - 1] */
#include "loop/lowering.h"

#include "tensor/affine.h"

enum { MOST_PIECES = 4, MOST_STEPS = 4096 /* to look for pieces among */ };

/* ---- Where something changes with the step: conditions and reads with a default that depend on it alone */

typedef struct {
    Pool *pool;
    Index *index;
    int64_t step; /* that is looked at */
    uint64_t answers;
} Look;

static bool depends_on_step_alone(Expr e, const Index *index) { return e->free_count == 1 && e->free[0] == index && e->integer; }

static void add_answer(Look *look, bool answer) {
    look->answers = look->answers * UINT64_C(1099511628211) + answer + 1;
} /* FNV */

static bool reads_any(Expr e) {
    bool reads = e->kind == EXPR_READ;
    for (int k = 0; k < e->count && !reads; k++) reads = reads_any(e->kids[k]);
    return reads;
}

static void look_at(void *context, Expr e) {
    Look *look = context;
    Expr step = expr_number(look->pool, (double)look->step);
    if (e->kind == EXPR_OP && e->condition && e->count == 2 && e->kids[0]->integer && e->kids[1]->integer && e->free_count == 1 &&
        e->free[0] == look->index && !reads_any(e)) {
        Expr value = expr_substitute(look->pool, e, &look->index, &step, 1);
        if (value->kind == EXPR_CONST) add_answer(look, value->value != 0);
    }
    if (e->kind != EXPR_READ || !e->has_default) return;
    for (int i = 0; i < e->tensor->rank; i++) {
        if (!depends_on_step_alone(e->kids[i], look->index) || reads_any(e->kids[i])) continue;
        Expr at = expr_substitute(look->pool, e->kids[i], &look->index, &step, 1);
        if (at->kind == EXPR_CONST) add_answer(look, at->value >= 0 && at->value < (double)e->tensor->shape[i]);
    }
}

/* Fills cuts[0 .. count]: pieces run from one to the next. */
static int find_pieces(Lowering *l, const Group *group, Index *index, int64_t *cuts) {
    int count = 1;
    uint64_t before = 0;
    cuts[0] = 0;
    for (int64_t t = 0; t < index->size && index->size <= MOST_STEPS; t++) {
        Look look = {.pool = l->pool, .index = index, .step = t};
        for (size_t i = 0; i < group->list.count; i++) expr_visit(l->pool, group->list.at[i]->value, look_at, &look);
        if (t > 0 && look.answers != before) {
            if (count == MOST_PIECES) {
                count = 1;
                break;
            }
            cuts[count++] = t;
        }
        before = look.answers;
    }
    cuts[count] = index->size;
    return count;
}

/* ---- Pieces */

Statement *for_piece(Lowering *l, const Statement *s, Index *old, Index *index) {
    Statement *piece = NEW(l->arena, Statement);
    *piece = *s;
    piece->indices = NEW_ARRAY(l->arena, Index *, s->count + 1);
    for (int i = 0; i < s->count; i++) piece->indices[i] = s->indices[i] == old ? index : s->indices[i];
    piece->value = expr_substitute(l->pool, with_flat_draws(l, s->value), &old, (Expr[]){expr_index(l->pool, index)}, 1);
    return piece;
}

static void lower_each(Lowering *l, const Statements *list, Index *whole, Index *piece) {
    Groups each = {0};
    for (size_t i = 0; i < list->count; i++) {
        Group one = {0};
        vec_push(l->arena, &one.list, for_piece(l, list->at[i], whole, piece));
        vec_push(l->arena, &each, one);
    }
    Groups fused = fuse(l, &each);
    for (size_t i = 0; i < fused.count; i++) lower_group(l, &fused.at[i]);
}

/* A read that may leave its tensor, but not what stands in memory: this step's border, or that of one that is over. */
static Expr covered(void *context, Expr e) {
    Lowering *l = context;
    bool asks = e->kind == EXPR_READ && e->has_default;
    return asks && border_covers(e, 0) ? expr_read(l->pool, e->tensor, e->kids, e->tensor->rank, NULL) : e;
}

/* As schedule.c planned them. */
static void lower_planned(Lowering *l, const Groups *steps, Index *whole, Index *piece) {
    for (size_t i = 0; i < steps->count; i++) {
        Group group = {.held = steps->at[i].held, .choice = steps->at[i].choice};
        for (size_t k = 0; k < steps->at[i].list.count; k++) {
            Statement *s = for_piece(l, steps->at[i].list.at[k], whole, piece);
            s->value = expr_replace(l->pool, s->value, covered, l);
            vec_push(l->arena, &group.list, s);
        }
        lower_group(l, &group);
        draw_borders(l, &group, l->out->count);
    }
}

static void lower_piece(Lowering *l, const Group *group, const Scan *scan, int64_t from, int64_t to) {
    Index *index = index_like(l->pool, scan->index);
    index->first = from;
    index->size = to;
    Nodes *outer = open_loops(l, &index, 1, NULL);
    if (l->out != outer) outer->at[outer->count - 1]->reversed = scan->reversed;
    l->step = index;
    if (group->steps != NULL) lower_planned(l, group->steps, scan->index, index);
    else lower_each(l, &group->list, scan->index, index);
    l->step = NULL;
    l->out = outer;
}

static void remove_node(Nodes *nodes, const Node *node) {
    size_t count = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->at[i] != node) nodes->at[count++] = nodes->at[i];
    }
    nodes->count = count;
}

void lower_scan(Lowering *l, const Group *group) {
    const Scan *scan = group->list.at[0]->scan;
    int64_t cuts[MOST_PIECES + 1];
    int count = find_pieces(l, group, scan->index, cuts);
    Node *block = node_new(l, NODE_BLOCK);
    Nodes *outer = l->out;
    block->statements = group->list;
    block->scan = scan;
    block->lines = l->lines = choose_lines(l, group, &block->choice);
    l->out = &block->body;
    draw_borders(l, group, 0); /* of the steps that there are not: the first ones may read them */
    Node *before = node_new(l, NODE_BLOCK);
    before->inner = before->for_steps = true;
    l->before_steps = &before->body;
    l->of_all_steps.count = 0;
    for (int i = 0; i < count; i++) {
        int k = scan->reversed ? count - 1 - i : i;
        lower_piece(l, group, scan, cuts[k], cuts[k + 1]);
    }
    before->scoped = before->body.count > 1;
    if (before->body.count == 0) remove_node(&block->body, before);
    l->before_steps = NULL;
    l->lines = false;
    l->out = outer;
}

/* ---- What a scan does in each step is planned like the rest */

Groups with_steps(Lowering *l, const Groups *groups) {
    Groups all = {0};
    for (size_t i = 0; i < groups->count; i++) {
        const Group *group = &groups->at[i];
        const Scan *scan = group->list.at[0]->scan;
        if (scan == NULL || group->lines) {
            vec_push(l->arena, &all, *group);
            continue;
        }
        Groups steps = {0};
        for (size_t k = 0; k < group->list.count; k++) {
            Group one = {0};
            vec_push(l->arena, &one.list, group->list.at[k]);
            vec_push(l->arena, &steps, one);
        }
        l->step = scan->index;
        Groups fused = fuse(l, &steps);
        l->step = NULL;
        for (size_t k = 0; k < fused.count; k++) vec_push(l->arena, &all, fused.at[k]);
    }
    return all;
}

Groups without_steps(Lowering *l, const Groups *planned) {
    Groups all = {0};
    for (size_t i = 0; i < planned->count; i++) {
        const Group *group = &planned->at[i];
        const Scan *scan = group->list.at[0]->scan;
        Group *last = all.count > 0 ? &all.at[all.count - 1] : NULL;
        if (scan == NULL || group->lines) {
            vec_push(l->arena, &all, *group);
            continue;
        }
        if (last == NULL || last->list.at[0]->scan != scan) {
            vec_push(l->arena, &all, (Group){0});
            last = &all.at[all.count - 1];
            last->steps = NEW(l->arena, Groups);
        }
        vec_push(l->arena, last->steps, *group);
        for (size_t k = 0; k < group->list.count; k++) vec_push(l->arena, &last->list, group->list.at[k]);
    }
    return all;
}
