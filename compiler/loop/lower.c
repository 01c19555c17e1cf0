/* Statements become nodes: each index and each reduction a loop.

   Requires: groups of statements in the order in which they run. Ensures: no reduction is left; terms are added in the order of their
   indices, but where fast arithmetic says otherwise.
   Order: the loops of a statement are its indices, outermost first. A sum either runs innermost into a local variable; or, where its
   operands lie side by side along an index of the target, that index runs innermost and the sums of a whole row grow together:

       for j: sum := 0; for i: sum += W[j, i] * x[i]               operands side by side along i
       for j: row[i] := 0 for all i; for b: for i: row[i] += d[b, j] * x[b, i]         ... along i, an index of the target

   Both add the same numbers in the same order. The second is vector code without reordering a single addition. */
#include "loop/lowering.h"

#include "tensor/affine.h"

/* ---- Groups of statements */

/* Where the statement's element stands along an axis of its target. */
static Expr axis_of(const Lowering *l, const Statement *s, int axis) {
    Expr at = expr_index(l->pool, s->indices[axis]);
    if (s->target->ring == 0 || s->indices[axis] != l->step) return at;
    return expr_op2(l->pool, OP_MOD, at, expr_number(l->pool, (double)s->target->ring));
}

static void store_value(Lowering *l, const Statement *s, Expr value) {
    value = lowered(l, value);
    Expr at[s->target->rank + 1];
    for (int i = 0; i < s->target->rank; i++) at[i] = axis_of(l, s, i);
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
                last != NULL && !last->batch && last != l->step;
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
        for (int i = 0; i < s->target->rank; i++) at[i] = shifted(l, axis_of(l, s, i), index, k);
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

bool choose_lines(Lowering *l, const Group *group, const char **why) {
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

void lower_group(Lowering *l, const Group *group) {
    Statement *s = group->list.at[0];
    if (s->scan != NULL && l->step == NULL) {
        lower_scan(l, group);
        return;
    }
    Node *block = node_new(l, NODE_BLOCK);
    block->statements = group->list;
    block->inner = l->step != NULL;
    Nodes *outer = l->out;
    l->out = &block->body;
    if (s->subscripts != NULL) {
        lower_scatter(l, s);
        l->out = outer;
        return;
    }
    bool lines = block->inner ? l->lines : choose_lines(l, group, &block->choice);
    block->lines = lines && !block->inner;
    Index *across = row_index(l, s, lines);
    Expr value = without_single_indices(l, s->value);
    Index *together = across == NULL && !lines ? index_together(l, group) : NULL;
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
