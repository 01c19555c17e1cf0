/* Nodes for one value: reductions become loops that fold into a local variable, in the order of their indices. */
#include "loop/lowering.h"

#include "tensor/steps.h"

#include <math.h>

#include "tensor/affine.h"

/* ---- Nodes */

Node *node_new(Lowering *l, NodeKind kind) {
    Node *node = NEW(l->arena, Node);
    node->kind = kind;
    vec_push(l->arena, l->out, node);
    return node;
}

Tensor *local_new(LoopProgram *loop, const Routine *routine, const char *name, int64_t index_range) {
    Tensor *local = NEW(loop->arena, Tensor);
    *local = (Tensor){.name = name_of(pool_names(routine->program->pool), name),
                      .kind = TENSOR_PART,
                      .local = true,
                      .index_range = index_range};
    local->id = (uint32_t)(FIRST_LOCAL + loop->locals++); /* tells it apart in hashes */
    return local;
}

Expr read_local(Lowering *l, Tensor *local) { return expr_read(l->pool, local, NULL, 0, NULL); }

Tensor *let(Lowering *l, const char *name, int64_t index_range, Expr value, bool constant) {
    Node *node = node_new(l, NODE_LET);
    node->target = local_new(l->loop, l->routine, name, index_range);
    node->value = value;
    node->constant = constant;
    if (is_wide(value, l->lane)) node->target->lanes = (int)l->lane->size;
    return node->target;
}

Expr let_read(Lowering *l, Expr read) {
    const char *dot = strrchr(read->tensor->name, '.');
    return read_local(l, let(l, dot != NULL ? dot + 1 : read->tensor->name, read->tensor->index_range, read, true));
}

void set(Lowering *l, Tensor *local, Expr value) {
    if (value == read_local(l, local)) return;
    Node *node = node_new(l, NODE_SET);
    node->target = local;
    node->value = value;
    if (is_wide(value, l->lane)) local->lanes = (int)l->lane->size;
}

Nodes *open_loops(Lowering *l, Index *const *indices, int count, const Index *except) {
    Nodes *outer = l->out;
    for (int i = 0; i < count; i++) {
        if (is_single(indices[i]) || indices[i] == except || indices[i] == l->step) continue;
        Node *node = node_new(l, NODE_LOOP);
        node->index = indices[i];
        l->out = &node->body;
    }
    return outer;
}

/* ---- An index with one value is 0, and the size of a batch that can only be one example is 1; the point of a random number is one
   number, which stays the same when its indices become numbers */

static Expr flat_draw(Lowering *l, Expr e) {
    bool bernoulli = e->draw == DRAW_BERNOULLI;
    Expr flat = expr_number(l->pool, 0);
    for (int i = 0; i < e->count - bernoulli; i++) {
        flat = expr_op2(l->pool, OP_MUL, flat, expr_number(l->pool, (double)interval_of(e->kids[i]).high + 1));
        flat = expr_op2(l->pool, OP_ADD, flat, e->kids[i]);
    }
    return expr_draw(l->pool, e->draw, (int)e->value, (Expr[]){flat, e->kids[e->count - 1]}, 1 + bernoulli);
}

static Expr flat_if_draw(void *context, Expr e) { return e->kind == EXPR_DRAW ? flat_draw(context, e) : e; }

Expr with_flat_draws(Lowering *l, Expr e) { return e->draws ? expr_replace(l->pool, e, flat_if_draw, l) : e; }

static Expr only_value(void *context, Expr e) {
    Lowering *l = context;
    if (e->kind == EXPR_DRAW) return flat_draw(l, e);
    if (e->kind == EXPR_INDEX && is_single(e->index)) return expr_number(l->pool, (double)e->index->first);
    if (e->kind == EXPR_READ && e->tensor->ring > 0) return read_ring(l->pool, e);
    bool one = e->kind == EXPR_READ && e->tensor == l->program->batch_size && l->loop->model->settings.batch == 1;
    return one ? expr_number(l->pool, 1) : e;
}

Expr without_single_indices(Lowering *l, Expr e) { return expr_replace(l->pool, e, only_value, l); }

void store(Lowering *l, Tensor *target, const Expr *subscripts, Expr value) {
    Node *node = node_new(l, NODE_STORE);
    node->target = target;
    node->value = value;
    node->subscripts = NEW_ARRAY(l->arena, Expr, target->rank + 1);
    for (int i = 0; i < target->rank; i++) node->subscripts[i] = without_single_indices(l, subscripts[i]);
}

Expr read_at(Lowering *l, Tensor *target, const Expr *subscripts) {
    Expr kids[target->rank + 1];
    for (int i = 0; i < target->rank; i++) kids[i] = without_single_indices(l, subscripts[i]);
    return expr_read(l->pool, target, kids, target->rank, NULL);
}

/* ---- How operands lie in memory */

typedef struct {
    Pool *pool;
    Index *index;
    int side_by_side, apart; /* reads whose neighbours along the index are neighbours in memory, or are not */
} Strides;

static void look_at_read(void *context, Expr e) {
    Strides *s = context;
    if (e->kind != EXPR_READ || !expr_depends(e, s->index)) return;
    int inner = inner_axis(e->tensor);
    Expr rest = inner >= 0 ? expr_op2(s->pool, OP_SUB, e->kids[inner], expr_index(s->pool, s->index)) : NULL;
    bool last = inner >= 0 && e->kids[inner]->integer && !expr_depends(rest, s->index);
    for (int i = 0; i < e->tensor->rank; i++) last &= i == inner || !expr_depends(e->kids[i], s->index);
    if (last) s->side_by_side++;
    else s->apart++;
}

bool runs_along(Lowering *l, Expr e, Index *index) {
    Strides s = {.pool = l->pool, .index = index};
    expr_visit(l->pool, e, look_at_read, &s);
    return s.side_by_side > 0 && s.apart == 0;
}

Expr shifted(Lowering *l, Expr e, Index *index, int by) {
    Expr to = expr_op2(l->pool, OP_ADD, expr_index(l->pool, index), expr_number(l->pool, by));
    return expr_substitute(l->pool, e, &index, &to, 1);
}

/* ---- Reductions into a local variable */

static Expr flat_point(Lowering *l, Expr reduce) {
    Expr flat = expr_number(l->pool, 0);
    for (int i = 0; i < reduce->bound_count; i++) {
        flat = expr_op2(l->pool, OP_MUL, flat, expr_number(l->pool, (double)reduce->bound[i]->size));
        flat = expr_op2(l->pool, OP_ADD, flat, expr_index(l->pool, reduce->bound[i]));
    }
    return without_single_indices(l, flat);
}

/* Fast arithmetic: the innermost loop, which was opened last, may sum in lanes where its operands lie side by side. */
void may_sum_in_any_order(Lowering *l, Nodes *outer, Expr reduce, Tensor *sum) {
    bool searches = l->routine == &l->loop->forward; /* in the program, which is compiled with any flags */
    if (!l->loop->options.fast || searches || l->out == outer) return;
    Node *innermost = outer->at[outer->count - 1];
    while (&innermost->body != l->out) innermost = innermost->body.at[innermost->body.count - 1];
    if (innermost->index->size >= LONG_SUM && runs_along(l, reduce->kids[0], innermost->index))
        vec_push(l->arena, &innermost->any_order, sum);
}

/* acc := first; for all points: acc := op(acc, body) */
static Expr fold(Lowering *l, Expr reduce, Expr first, Op op) {
    bool single = true;
    Expr begins_at = l->begins_at;
    l->begins_at = NULL;
    for (int i = 0; i < reduce->bound_count; i++) single &= reduce->bound[i]->size == 1;
    if (single && begins_at == NULL) return lowered(l, reduce->kids[0]);
    if (single) return expr_op2(l->pool, OP_ADD, begins_at, lowered(l, reduce->kids[0]));
    Tensor *acc = let(l, reduction_name(reduce->reduction), 0, begins_at != NULL ? begins_at : first, false);
    Nodes *outer = open_loops(l, reduce->bound, reduce->bound_count, NULL);
    if (op == OP_ADD) may_sum_in_any_order(l, outer, reduce, acc);
    set(l, acc, expr_op2(l->pool, op, read_local(l, acc), lowered(l, reduce->kids[0])));
    l->out = outer;
    return read_local(l, acc);
}

/* The first winner, and where it stands. */
static Expr find_winner(Lowering *l, Expr reduce) {
    bool largest = reduce->reduction == REDUCE_ARGMAX;
    Expr zero = expr_number(l->pool, 0);
    Tensor *best = let(l, largest ? "max" : "min", 0, expr_number(l->pool, largest ? -INFINITY : INFINITY), false);
    Tensor *at =
        let(l, reduction_name(reduce->reduction), (int64_t)index_product(reduce->bound, reduce->bound_count), zero, false);
    Nodes *outer = open_loops(l, reduce->bound, reduce->bound_count, NULL);
    Tensor *candidate = let(l, "candidate", 0, lowered(l, reduce->kids[0]), true);
    Expr body = read_local(l, candidate), old = read_local(l, best);
    Expr wins = expr_op2(l->pool, largest ? OP_GT : OP_LT, body, old);
    set(l, at, expr_if(l->pool, wins, flat_point(l, reduce), read_local(l, at)));
    set(l, best, expr_if(l->pool, wins, body, old));
    l->out = outer;
    l->winner_of = reduce;
    l->winner = read_local(l, best);
    return read_local(l, at);
}

bool wins_there(const Expr extreme, const Expr winner) {
    bool largest = extreme->reduction == REDUCE_MAX && winner->reduction == REDUCE_ARGMAX;
    bool least = extreme->reduction == REDUCE_MIN && winner->reduction == REDUCE_ARGMIN;
    bool same = (largest || least) && extreme->kids[0] == winner->kids[0] && extreme->bound_count == winner->bound_count;
    for (int i = 0; same && i < extreme->bound_count; i++) same = extreme->bound[i] == winner->bound[i];
    return same;
}

/* max + log(sum of exp(body - max))  (Blanchard, Higham, Higham 2021); -inf where all of body is */
static Expr logsumexp(Lowering *l, Expr reduce) {
    Expr body = reduce->kids[0], zero = expr_number(l->pool, 0);
    Expr largest = fold(l, expr_reduce(l->pool, REDUCE_MAX, reduce->bound, reduce->bound_count, body),
                        expr_number(l->pool, -INFINITY), OP_MAX);
    Tensor *sum = let(l, "sum", 0, zero, false);
    Nodes *outer = open_loops(l, reduce->bound, reduce->bound_count, NULL);
    Expr term = expr_op1(l->pool, OP_EXP, expr_op2(l->pool, OP_SUB, lowered(l, body), finite_shift(l->pool, body, largest)));
    set(l, sum, expr_op2(l->pool, OP_ADD, read_local(l, sum), term));
    l->out = outer;
    return expr_op2(l->pool, OP_ADD, largest, expr_op1(l->pool, OP_LOG, read_local(l, sum)));
}

static Expr reduction(Lowering *l, Expr e) {
    if (l->winner_of != NULL && wins_there(e, l->winner_of)) return l->winner;
    switch (e->reduction) {
    case REDUCE_SUM: return fold(l, e, expr_number(l->pool, 0), OP_ADD);
    case REDUCE_PROD: return fold(l, e, expr_number(l->pool, 1), OP_MUL);
    case REDUCE_MAX: return fold(l, e, expr_number(l->pool, -INFINITY), OP_MAX);
    case REDUCE_MIN: return fold(l, e, expr_number(l->pool, INFINITY), OP_MIN);
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN: return find_winner(l, e);
    case REDUCE_LOGSUMEXP: return logsumexp(l, e);
    }
    bug("no reduction %d", (int)e->reduction);
}

/* a^2 and a^3 as products: a is computed once */
static Expr small_power(Lowering *l, Expr base, double power) {
    if (base->kind != EXPR_READ && base->kind != EXPR_INDEX) base = read_local(l, let(l, "base", 0, base, true));
    Expr square = expr_op2(l->pool, OP_MUL, base, base);
    return power == 2 ? square : expr_op2(l->pool, OP_MUL, square, base);
}

/* e without reductions and small powers: what they need is written before it. */
Expr lowered(Lowering *l, Expr e) {
    if (e->kind == EXPR_REDUCE) return reduction(l, e);
    if (e->count == 0 || (e->integer && !e->reduces)) return e;
    Expr kids[e->count + 1];
    for (int k = 0; k < e->count; k++) kids[k] = lowered(l, e->kids[k]);
    bool power = expr_is_op(e, OP_POW) && (expr_is(e->kids[1], 2) || expr_is(e->kids[1], 3));
    return power ? small_power(l, kids[0], e->kids[1]->value) : expr_rebuild(l->pool, e, kids);
}
