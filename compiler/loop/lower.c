/* Statements become nodes: each index and each reduction a loop.

   Requires: groups of statements in the order in which they run. Ensures: no reduction is left; terms are added in the order of their
   indices, but where fast arithmetic says otherwise.
   Order: the loops of a statement are its indices, outermost first. A sum either runs innermost into a local variable; or, where its
   operands lie side by side along an index of the target, that index runs innermost and the sums of a whole row grow together:

       for j: sum := 0; for i: sum += W[j, i] * x[i]               operands side by side along i
       for j: row[i] := 0 for all i; for b: for i: row[i] += d[b, j] * x[b, i]         ... along i, an index of the target

   Both add the same numbers in the same order. The second is vector code without reordering a single addition. */
#include "loop/loop.h"

#include <math.h>

#include "tensor/affine.h"

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Program *program;
    Pool *pool;
    Arena *arena;
    Nodes *out; /* where nodes go */
    bool unrolls;
} Lowering;

/* ---- Nodes */

static Node *node_new(Lowering *l, NodeKind kind) {
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

static Expr read_local(Lowering *l, Tensor *local) { return expr_read(l->pool, local, NULL, 0, NULL); }

static Tensor *let(Lowering *l, const char *name, int64_t index_range, Expr value, bool constant) {
    Node *node = node_new(l, NODE_LET);
    node->target = local_new(l->loop, l->routine, name, index_range);
    node->value = value;
    node->constant = constant;
    return node->target;
}

static void set(Lowering *l, Tensor *local, Expr value) {
    Node *node = node_new(l, NODE_SET);
    node->target = local;
    node->value = value;
}

/* Opens loops over the indices; returns what to give to `out` when they are closed. An index with one value needs no loop. */
static Nodes *open_loops(Lowering *l, Index *const *indices, int count, const Index *except) {
    Nodes *outer = l->out;
    for (int i = 0; i < count; i++) {
        if (indices[i]->size == 1 || indices[i] == except) continue;
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

static Expr only_value(void *context, Expr e) {
    Lowering *l = context;
    if (e->kind == EXPR_DRAW) return flat_draw(l, e);
    if (e->kind == EXPR_INDEX && e->index->size == 1) return expr_number(l->pool, 0);
    bool one = e->kind == EXPR_READ && e->tensor == l->program->batch_size && l->program->batch->size == 1;
    return one ? expr_number(l->pool, 1) : e;
}

static Expr without_single_indices(Lowering *l, Expr e) { return expr_replace(l->pool, e, only_value, l); }

static void store(Lowering *l, Tensor *target, const Expr *subscripts, Expr value) {
    Node *node = node_new(l, NODE_STORE);
    node->target = target;
    node->value = value;
    node->subscripts = NEW_ARRAY(l->arena, Expr, target->rank + 1);
    for (int i = 0; i < target->rank; i++) node->subscripts[i] = without_single_indices(l, subscripts[i]);
}

static Expr read_at(Lowering *l, Tensor *target, const Expr *subscripts) {
    Expr kids[target->rank + 1];
    for (int i = 0; i < target->rank; i++) kids[i] = without_single_indices(l, subscripts[i]);
    return expr_read(l->pool, target, kids, target->rank, NULL);
}

/* ---- How operands lie in memory */

enum { SHORT_ROW = 4, LONG_SUM = 8 };

typedef struct {
    const Index *index;
    int side_by_side, apart; /* reads whose neighbours along the index are neighbours in memory, or are not */
} Strides;

static void look_at_read(void *context, Expr e) {
    Strides *s = context;
    if (e->kind != EXPR_READ || !expr_depends(e, s->index)) return;
    int rank = e->tensor->rank;
    bool last = rank > 0 && e->kids[rank - 1]->kind == EXPR_INDEX && e->kids[rank - 1]->index == s->index;
    if (rank > 1 && !last && expr_depends(e->kids[rank - 1], s->index) && expr_is_op(e->kids[rank - 1], OP_ADD)) {
        for (int k = 0; k < 2; k++)
            last |= e->kids[rank - 1]->kids[k]->kind == EXPR_INDEX && e->kids[rank - 1]->kids[k]->index == s->index;
    }
    for (int i = 0; i + 1 < rank; i++) last &= !expr_depends(e->kids[i], s->index);
    if (last && !e->has_default) s->side_by_side++;
    else s->apart++;
}

static bool runs_along(Lowering *l, Expr e, const Index *index) {
    Strides s = {.index = index};
    expr_visit(l->pool, e, look_at_read, &s);
    return s.side_by_side > 0 && s.apart == 0;
}

/* ---- Reductions into a local variable */

static Expr lowered(Lowering *l, Expr e);

static Expr flat_point(Lowering *l, Expr reduce) {
    Expr flat = expr_number(l->pool, 0);
    for (int i = 0; i < reduce->bound_count; i++) {
        flat = expr_op2(l->pool, OP_MUL, flat, expr_number(l->pool, (double)reduce->bound[i]->size));
        flat = expr_op2(l->pool, OP_ADD, flat, expr_index(l->pool, reduce->bound[i]));
    }
    return without_single_indices(l, flat);
}

/* Fast arithmetic: the innermost loop, which was opened last, may sum in lanes where its operands lie side by side. */
static void may_sum_in_any_order(Lowering *l, Nodes *outer, Expr reduce, Tensor *sum) {
    if (!l->loop->options.fast || l->out == outer) return;
    Node *innermost = outer->at[outer->count - 1];
    while (&innermost->body != l->out) innermost = innermost->body.at[innermost->body.count - 1];
    if (innermost->index->size >= LONG_SUM && runs_along(l, reduce->kids[0], innermost->index))
        vec_push(l->arena, &innermost->any_order, sum);
}

/* acc := first; for all points: acc := op(acc, body) */
static Expr fold(Lowering *l, Expr reduce, Expr first, Op op) {
    bool single = true;
    for (int i = 0; i < reduce->bound_count; i++) single &= reduce->bound[i]->size == 1;
    if (single) return lowered(l, reduce->kids[0]);
    Tensor *acc = let(l, reduction_name(reduce->reduction), 0, first, false);
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
    return read_local(l, at);
}

/* max + log(sum of exp(body - max))  (Blanchard, Higham, Higham 2021); NaN where all of body is -inf */
static Expr logsumexp(Lowering *l, Expr reduce) {
    Expr body = reduce->kids[0], zero = expr_number(l->pool, 0);
    Expr largest = fold(l, expr_reduce(l->pool, REDUCE_MAX, reduce->bound, reduce->bound_count, body),
                        expr_number(l->pool, -INFINITY), OP_MAX);
    Tensor *sum = let(l, "sum", 0, zero, false);
    Nodes *outer = open_loops(l, reduce->bound, reduce->bound_count, NULL);
    Expr term = expr_op1(l->pool, OP_EXP, expr_op2(l->pool, OP_SUB, lowered(l, body), largest));
    set(l, sum, expr_op2(l->pool, OP_ADD, read_local(l, sum), term));
    l->out = outer;
    return expr_op2(l->pool, OP_ADD, largest, expr_op1(l->pool, OP_LOG, read_local(l, sum)));
}

static Expr reduction(Lowering *l, Expr e) {
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
static Expr lowered(Lowering *l, Expr e) {
    if (e->kind == EXPR_REDUCE) return reduction(l, e);
    if (e->count == 0 || e->integer) return e;
    Expr kids[e->count + 1];
    for (int k = 0; k < e->count; k++) kids[k] = lowered(l, e->kids[k]);
    bool power = expr_is_op(e, OP_POW) && (expr_is(e->kids[1], 2) || expr_is(e->kids[1], 3));
    return power ? small_power(l, kids[0], e->kids[1]->value) : expr_rebuild(l->pool, e, kids);
}

/* ---- Sums that grow in rows */

enum { MOST_AXES = 8, SHORT_ARRAY = 64, SHORT_SUMMED_ROW = 16, TERMS_AT_A_TIME = 4 };

static Expr shifted(Lowering *l, Expr e, Index *index, int by) {
    Expr to = expr_op2(l->pool, OP_ADD, expr_index(l->pool, index), expr_number(l->pool, by));
    return expr_substitute(l->pool, e, &index, &to, 1);
}

typedef struct {
    Index *across;
    Tensor *target; /* the first row grows in the target itself where it may, the others in buffers of their own */
    Index *const *indices;
    const char *name;
} Row;

/* for all points of the sum: for all of the row: row := row + term. Fast arithmetic adds several terms before it adds them to the row,
   where the innermost index of the sum is long. */
static void grow(Lowering *l, Tensor *row, const Expr *at, Index *across, Expr reduce) {
    Index *last = reduce->bound[reduce->bound_count - 1];
    Expr body = reduce->kids[0];
    bool several = l->loop->options.fast && across->size <= SHORT_SUMMED_ROW && last->size >= 2 * TERMS_AT_A_TIME &&
                   expr_depends(body, last) && body->nodes <= 40;
    open_loops(l, reduce->bound, reduce->bound_count - several, NULL);
    Nodes *inner = l->out;
    for (int rest = 0; several && rest < 2; rest++) {
        if (rest == 1 && !last->batch && last->size % TERMS_AT_A_TIME == 0) return;
        l->out = inner;
        Node *loop = node_new(l, NODE_LOOP);
        loop->index = last;
        if (rest == 0) loop->step = TERMS_AT_A_TIME;
        else loop->rest = TERMS_AT_A_TIME;
        l->out = &loop->body;
        open_loops(l, &across, 1, NULL);
        Expr sum = lowered(l, body);
        for (int k = 1; k < (rest == 0 ? TERMS_AT_A_TIME : 1); k++)
            sum = expr_op2(l->pool, OP_ADD, sum, lowered(l, shifted(l, body, last, k)));
        store(l, row, at, expr_op2(l->pool, OP_ADD, read_at(l, row, at), sum));
    }
    if (several) return;
    open_loops(l, &across, 1, NULL);
    store(l, row, at, expr_op2(l->pool, OP_ADD, read_at(l, row, at), lowered(l, body)));
}

static Expr grow_row(Lowering *l, Row *row, Expr reduce) {
    Tensor *tensor = row->across->size <= SHORT_ARRAY ? NULL : row->target; /* a short one stays in registers */
    Expr at[MOST_AXES];
    for (int i = 0; tensor != NULL && i < tensor->rank; i++) at[i] = expr_index(l->pool, row->indices[i]);
    if (tensor == NULL) {
        tensor = tensor_new(l->program, TENSOR_PART, arena_printf(l->arena, "%s_row", row->name), 1, &row->across->size);
        tensor->array = row->across->size <= SHORT_ARRAY;
        at[0] = expr_index(l->pool, row->across);
    }
    if (tensor->array) node_new(l, NODE_LET)->target = tensor;
    row->target = NULL;
    Nodes *outer = open_loops(l, &row->across, 1, NULL);
    store(l, tensor, at, expr_number(l->pool, 0));
    l->out = outer;
    grow(l, tensor, at, row->across, reduce);
    l->out = outer;
    return read_at(l, tensor, at);
}

typedef struct {
    Expr first;  /* reduction */
    bool others; /* a reduction that is no sum */
    bool leaves; /* a read may lie outside: split.c cuts its loops */
} Sums;

static void look_at_reduction(void *context, Expr e) {
    Sums *sums = context;
    sums->leaves |= e->kind == EXPR_READ && e->has_default;
    if (e->kind != EXPR_REDUCE) return;
    if (e->reduction != REDUCE_SUM) sums->others = true;
    else if (sums->first == NULL) sums->first = e;
}

/* The index of the statement along which its sums are to grow: the longest whose operands lie side by side, if it is longer than the
   index of the sum itself that could run innermost. */
static Index *row_index(Lowering *l, const Statement *s, bool lines) {
    Sums sums = {0};
    expr_visit(l->pool, s->value, look_at_reduction, &sums);
    if (sums.first == NULL || sums.others || s->subscripts != NULL || s->count > MOST_AXES) return NULL;
    bool over_batch = false;
    for (int i = 0; i < sums.first->bound_count; i++) over_batch |= sums.first->bound[i]->batch && sums.first->bound[i]->size > 1;
    if (lines && !over_batch) return NULL; /* each sum is one expression */
    Index *best = NULL, *inner = sums.first->bound[sums.first->bound_count - 1];
    double points = index_product(sums.first->bound, sums.first->bound_count);
    for (int i = 0; i < s->count; i++) {
        Index *index = s->indices[i];
        if (index->batch || index->size < SHORT_ROW || !runs_along(l, sums.first->kids[0], index)) continue;
        bool in_target = i + 1 == s->count; /* side by side there, too */
        if (best == NULL || in_target || index->size > best->size) best = index;
    }
    if (best == NULL || points < 2) return NULL;
    return runs_along(l, sums.first->kids[0], inner) && inner->size > best->size ? NULL : best;
}

/* ---- Groups of statements */

static void store_value(Lowering *l, const Statement *s, Expr value) {
    value = lowered(l, value);
    Expr at[s->target->rank + 1];
    for (int i = 0; i < s->target->rank; i++) at[i] = expr_index(l->pool, s->indices[i]);
    store(l, s->target, at, value);
}

typedef struct {
    const Tensor *tensor;
    Expr value;
} Variable;

static Expr variable_for(void *context, Expr e) {
    const Variable *variable = context;
    return e->kind == EXPR_READ && e->tensor == variable->tensor ? variable->value : e;
}

/* A gradient that is needed in the same loops alone: a variable of its name. A sum ends in a variable anyway. */
static Variable gradient_variable(Lowering *l, const Statement *s, Expr value) {
    value = lowered(l, value);
    if (value->kind == EXPR_READ && (value->tensor->local || value->tensor->array)) {
        value->tensor->name = s->target->name;
        return (Variable){s->target, value};
    }
    Node *node = node_new(l, NODE_LET);
    node->target = s->target;
    node->value = value;
    node->constant = true;
    vec_push(l->arena, &l->routine->in_place, s->target);
    return (Variable){0};
}

/* Values in which each sum has been replaced by what reads its row. */
static Expr read_of(void *context, Expr e) {
    Expr read = expr_map_get(context, e);
    return read != NULL ? read : e;
}

typedef struct {
    Lowering *l;
    Row *row;
    ExprMap read;
} Rows;

static void grow_rows(void *context, Expr e) {
    Rows *rows = context;
    if (e->kind == EXPR_REDUCE) expr_map_put(&rows->read, e, grow_row(rows->l, rows->row, e));
}

/* The loops of the statement are open but for the one across; returns false where the rows are all there is to do. */
static bool sums_across(Lowering *l, const Group *group, Index *across, Expr *value) {
    Statement *s = group->list.at[0];
    bool in_target = !group->in_place && s->target->index_range == 0;
    Row row = {.across = across, .target = in_target ? s->target : NULL, .indices = s->indices, .name = s->target->name};
    Rows rows = {.l = l, .row = &row, .read = {.arena = l->arena}};
    expr_visit(l->pool, *value, grow_rows, &rows);
    *value = expr_rewrite(l->pool, *value, read_of, &rows.read);
    Expr own[s->count + 1];
    for (int i = 0; i < s->count; i++) own[i] = expr_index(l->pool, s->indices[i]);
    return !in_target || *value != read_at(l, s->target, own);
}

/* ---- Several elements at a time: their sums run in one loop, share operands, and do not wait for each other */

enum { MOST_AT_A_TIME = 8 };

typedef struct {
    Lowering *l;
    Index *index;
    int count;
    ExprMap found[MOST_AT_A_TIME]; /* for each of the elements: the sum's variable */
} Together;

/* Lanes of a vector hide the latency of additions, too: where sums may not be split into lanes, fewer elements keep more registers. */
static int count_together(const Lowering *l) { return l->loop->options.fast ? MOST_AT_A_TIME : MOST_AT_A_TIME / 2; }

static void sum_together(void *context, Expr e) {
    Together *t = context;
    Lowering *l = t->l;
    if (e->kind != EXPR_REDUCE) return;
    Tensor *sums[MOST_AT_A_TIME];
    for (int k = 0; k < t->count; k++) {
        sums[k] = let(l, "sum", 0, expr_number(l->pool, 0), false);
        expr_map_put(&t->found[k], e, read_local(l, sums[k]));
    }
    Nodes *outer = open_loops(l, e->bound, e->bound_count, NULL);
    for (int k = 0; k < t->count; k++) {
        may_sum_in_any_order(l, outer, e, sums[k]);
        set(l, sums[k], expr_op2(l->pool, OP_ADD, read_local(l, sums[k]), lowered(l, shifted(l, e->kids[0], t->index, k))));
    }
    l->out = outer;
}

/* The innermost index of the statement, if its sums are worth it. */
static Index *index_together(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    Sums sums = {0};
    expr_visit(l->pool, s->value, look_at_reduction, &sums);
    Index *last = s->count > 0 ? s->indices[s->count - 1] : NULL;
    bool fits = group->list.count == 1 && s->subscripts == NULL && sums.first != NULL && !sums.others && !sums.leaves &&
                last != NULL && !last->batch;
    if (!fits || last->size < 2 * count_together(l) || index_product(sums.first->bound, sums.first->bound_count) < LONG_SUM)
        return NULL;
    return expr_depends(sums.first->kids[0], last) ? last : NULL;
}

static void lower_together(Lowering *l, const Statement *s, Index *index) {
    int count = count_together(l);
    Expr value = without_single_indices(l, s->value);
    open_loops(l, s->indices, s->count, index);
    Nodes *outer = l->out;
    Node *loop = node_new(l, NODE_LOOP);
    loop->index = index;
    loop->step = count;
    l->out = &loop->body;
    Together together = {.l = l, .index = index, .count = count};
    for (int k = 0; k < count; k++) together.found[k].arena = l->arena;
    expr_visit(l->pool, value, sum_together, &together);
    for (int k = 0; k < count; k++) {
        Expr one = shifted(l, expr_rewrite(l->pool, value, read_of, &together.found[k]), index, k), at[s->target->rank + 1];
        for (int i = 0; i < s->target->rank; i++) at[i] = shifted(l, expr_index(l->pool, s->indices[i]), index, k);
        store(l, s->target, at, lowered(l, one));
    }
    l->out = outer;
    if (index->size % count == 0) return;
    Node *rest = node_new(l, NODE_LOOP);
    rest->index = index;
    rest->rest = count;
    l->out = &rest->body;
    store_value(l, s, value);
}

/* ---- Straight lines or loops: loops of a vector's length beat straight lines from about thirty multiply-adds on */

static bool choose_lines(Lowering *l, const Group *group, const char **why) {
    double operations = 0;
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *s = group->list.at[i];
        double points = 1;
        for (int k = 0; k < s->count; k++) points *= s->indices[k]->batch ? 1 : (double)s->indices[k]->size;
        operations += points * (1 + expr_cost(s->value));
    }
    int32_t limit = l->loop->options.unroll;
    if (!l->unrolls || limit == UNROLL_NONE) return false;
    if (limit == UNROLL_AUTO) limit = LINES_UP_TO;
    bool lines = operations <= (double)limit || l->loop->options.unroll == UNROLL_FULL;
    *why = arena_printf(l->arena, "%s: %.0f operations for an example, %s the limit of %d", lines ? "straight lines" : "loops",
                        operations, operations <= (double)limit ? "within" : "above", limit);
    return lines;
}

/* target[subscripts] += value, which the data say where; what lies outside adds 0 to the first element. The target of a gradient begins
   at 0, a parameter from what it is. */
static void lower_scatter(Lowering *l, const Statement *s) {
    Tensor *target = s->target;
    Nodes *outer = l->out;
    Expr at[target->rank + 1], inside = expr_truth(l->pool, true), zero = expr_number(l->pool, 0);
    if (!tensor_is_persistent(target)) {
        static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
        Index *axes[target->rank + 1];
        for (int i = 0; i < target->rank; i++) {
            axes[i] = target->batched && i == 0
                          ? l->program->batch
                          : index_new(l->pool, name_of(pool_names(l->pool), letters[i % 6]), target->shape[i]);
            at[i] = expr_index(l->pool, axes[i]);
        }
        open_loops(l, axes, target->rank, NULL);
        store(l, target, at, zero);
        l->out = outer;
    }
    for (int i = 0; i < target->rank; i++) {
        Interval range = interval_of(s->subscripts[i]);
        at[i] = s->subscripts[i];
        if (target->batched && i == 0) continue;
        if (!range.known || range.low < 0) inside = expr_op2(l->pool, OP_AND, inside, expr_op2(l->pool, OP_GE, at[i], zero));
        if (!range.known || range.high >= target->shape[i])
            inside = expr_op2(l->pool, OP_AND, inside,
                              expr_op2(l->pool, OP_LT, at[i], expr_number(l->pool, (double)target->shape[i])));
    }
    for (int i = 0; i < target->rank; i++) at[i] = expr_if(l->pool, inside, at[i], zero);
    open_loops(l, s->indices, s->count, NULL);
    Expr value = lowered(l, without_single_indices(l, expr_if(l->pool, inside, s->value, zero)));
    store(l, target, at, expr_op2(l->pool, OP_ADD, read_at(l, target, at), value));
    l->out = outer;
}

static void lower_group(Lowering *l, const Group *group) {
    Statement *s = group->list.at[0];
    Node *block = node_new(l, NODE_BLOCK);
    block->statements = group->list;
    Nodes *outer = l->out;
    l->out = &block->body;
    if (s->subscripts != NULL) {
        lower_scatter(l, s);
        l->out = outer;
        return;
    }
    block->lines = choose_lines(l, group, &block->choice);
    Index *across = row_index(l, s, block->lines);
    Expr value = without_single_indices(l, s->value);
    Index *together = across == NULL && !block->lines ? index_together(l, group) : NULL;
    if (together != NULL) {
        lower_together(l, s, together);
        l->out = outer;
        return;
    }
    open_loops(l, s->indices, s->count, across);
    if (across == NULL || sums_across(l, group, across, &value)) {
        if (across != NULL) open_loops(l, &across, 1, NULL);
        Variable gradient = {0};
        if (group->in_place) gradient = gradient_variable(l, s, value);
        else store_value(l, s, value);
        for (size_t i = 1; i < group->list.count; i++) {
            Expr next = without_single_indices(l, group->list.at[i]->value);
            store_value(l, group->list.at[i], expr_replace(l->pool, next, variable_for, &gradient));
        }
    }
    block->scoped = block->body.count > 1;
    l->out = outer;
}

void lower_groups(LoopProgram *loop, Routine *routine, Program *program, const Groups *groups, const bool *wanted) {
    Lowering l = {
        .loop = loop, .routine = routine, .program = program, .pool = program->pool, .arena = loop->arena, .out = &routine->body};
    l.unrolls = routine != &loop->forward && routine != &loop->initial;
    routine->program = program;
    for (size_t i = 0; i < groups->count; i++) {
        if (wanted == NULL || wanted[groups->at[i].list.at[0]->target->id]) lower_group(&l, &groups->at[i]);
    }
}
