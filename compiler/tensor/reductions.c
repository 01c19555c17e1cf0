/* Reductions made shorter: what does not depend on their indices stands before them, a sum that picks one element is that element, a
   flat index becomes the indices of the axes that it runs over.

       sum(i: c * x[i])                          =  c * sum(i: x[i])
       sum(i: if i == k then f(i) else 0)        =  f(k)
       sum(i: W[i / 6, i mod 6]^2)               =  sum(i, j: W[i, j]^2)
       sum(r: if r mod 2 == 0 then f(r) else 0)  =  sum(m: f(2 m))                  strides.c
       sum(i: t[b, i])                           =  1           where the rows of t are known to sum to one */
#include <math.h>

#include "tensor/sums.h"

static Expr size_of(Program *program, Index *const *bound, int count) {
    Expr size = expr_number(program->pool, 1);
    for (int i = 0; i < count; i++) {
        Expr one = bound[i]->batch ? expr_read(program->pool, program->batch_size, NULL, 0, NULL)
                                   : expr_number(program->pool, (double)bound[i]->size);
        size = expr_op2(program->pool, OP_MUL, size, one);
    }
    return size;
}

static bool reads_whole_row(Expr e, const Index *index) {
    if (e->kind != EXPR_READ || e->has_default || !e->tensor->facts.sums_to_one || e->tensor->rank == 0) return false;
    Expr last = e->kids[e->tensor->rank - 1];
    for (int i = 0; i + 1 < e->tensor->rank; i++) {
        if (expr_depends(e->kids[i], index)) return false;
    }
    return last->kind == EXPR_INDEX && last->index == index && index->size == e->tensor->shape[e->tensor->rank - 1];
}

/* An indicator as a factor:  (if c then 1 else 0) * f  as  if c then f else 0, or NULL */
static Expr with_condition_outside(Pool *pool, Expr e) {
    if (expr_is_op(e, OP_IF) && expr_is(e->kids[2], 0)) return e;
    if (expr_is_op(e, OP_NEG)) {
        Expr inner = with_condition_outside(pool, e->kids[0]);
        return inner == NULL ? NULL : expr_if(pool, inner->kids[0], expr_op1(pool, OP_NEG, inner->kids[1]), inner->kids[2]);
    }
    if (!expr_is_op(e, OP_MUL) && !expr_is_op(e, OP_DIV)) return NULL;
    for (int k = 0; k < (e->op == OP_MUL ? 2 : 1); k++) {
        Expr inner = with_condition_outside(pool, e->kids[k]);
        if (inner == NULL) continue;
        Expr kids[2] = {e->kids[0], e->kids[1]};
        kids[k] = inner->kids[1];
        return expr_if(pool, inner->kids[0], expr_op(pool, e->op, kids), inner->kids[2]);
    }
    return NULL;
}

/* argmax(i: if i == k then 1 else 0) = k */
static Expr picked_position(Expr e) {
    Expr body = e->kids[0];
    if (e->reduction != REDUCE_ARGMAX || e->bound_count != 1 || !expr_is_op(body, OP_IF) || !expr_is_op(body->kids[0], OP_EQ))
        return NULL;
    if (!expr_is(body->kids[1], 1) || !expr_is(body->kids[2], 0)) return NULL;
    for (int side = 0; side < 2; side++) {
        Expr i = body->kids[0]->kids[side], k = body->kids[0]->kids[1 - side];
        Interval range = interval_of(k);
        bool inside = k->integer && range.known && range.low >= 0 && range.high < e->bound[0]->size;
        if (i->kind == EXPR_INDEX && i->index == e->bound[0] && inside && !expr_depends(k, e->bound[0])) return k;
    }
    return NULL;
}

static void parts_of(Expr condition, Exprs *parts, Arena *arena) {
    if (!expr_is_op(condition, OP_AND)) {
        vec_push(arena, parts, condition);
        return;
    }
    parts_of(condition->kids[0], parts, arena);
    parts_of(condition->kids[1], parts, arena);
}

Expr condition_without(Pool *pool, Expr condition, size_t k, Expr *part) {
    Exprs parts = {0};
    Expr others = expr_truth(pool, true);
    parts_of(condition, &parts, pool_arena(pool));
    if (k >= parts.count) return NULL;
    *part = parts.at[k];
    for (size_t i = 0; i < parts.count; i++) {
        if (i != k) others = expr_op2(pool, OP_AND, others, parts.at[i]);
    }
    return others;
}

/* sum(i: if i == k and c(i) then f(i) else 0) = if c(k) then f(k) else 0 */
static Expr picked(Pool *pool, Expr body, Index *index) {
    Expr part, others;
    body = with_condition_outside(pool, body);
    if (body == NULL) return NULL;
    for (size_t n = 0; (others = condition_without(pool, body->kids[0], n, &part)) != NULL; n++) {
        for (int side = 0; side < 2 && expr_is_op(part, OP_EQ); side++) {
            Expr i = part->kids[side], k = part->kids[1 - side];
            Interval range = interval_of(k);
            if (i->kind != EXPR_INDEX || i->index != index || !k->integer || expr_depends(k, index)) continue;
            if (!range.known || range.low < 0 || range.high >= index->size) continue;
            Expr rest = expr_if(pool, others, body->kids[1], expr_number(pool, 0));
            return expr_substitute(pool, rest, &index, &k, 1);
        }
    }
    return NULL;
}

/* ---- A flat index, split:  i = c q + p, where `i / c` or `i mod c` stand in the body and c divides the range */

typedef struct {
    const Index *index;
    int64_t by; /* the largest divisor found, 0: none */
} Divisor;

static void look_for_divisor(void *context, Expr e) {
    Divisor *d = context;
    bool division =
        (expr_is_op(e, OP_FLOORDIV) || expr_is_op(e, OP_MOD)) && e->kids[0]->kind == EXPR_INDEX && e->kids[0]->index == d->index;
    if (!division || e->kids[1]->kind != EXPR_CONST) return;
    int64_t by = (int64_t)e->kids[1]->value;
    if (by > 1 && d->index->size > by && d->index->size % by == 0 && by > d->by) d->by = by;
}

static Expr split(Pool *pool, Expr e) {
    if (e->kind != EXPR_REDUCE || e->reduction == REDUCE_ARGMAX || e->reduction == REDUCE_ARGMIN)
        return e; /* the value of these is the flat position */
    for (int i = 0; i < e->bound_count; i++) {
        Index *index = e->bound[i];
        Divisor d = {.index = index};
        expr_visit(pool, e->kids[0], look_for_divisor, &d);
        if (d.by == 0) continue;
        static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
        Index *q = index_new(pool, index->name, index->size / d.by),
              *p = index_new(pool, name_of(pool_names(pool), letters[(i + 1) % 6]), d.by);
        Expr parts = expr_op2(pool, OP_ADD, expr_op2(pool, OP_MUL, expr_number(pool, (double)d.by), expr_index(pool, q)),
                              expr_index(pool, p));
        Index *bound[e->bound_count + 1];
        for (int k = 0; k < e->bound_count; k++) bound[k < i ? k : k + 1] = e->bound[k];
        bound[i] = q;
        bound[i + 1] = p;
        return split(pool, expr_reduce(pool, e->reduction, bound, e->bound_count + 1,
                                       expr_substitute(pool, e->kids[0], &index, &parts, 1)));
    }
    return e;
}

Expr shorter_reduction(Program *program, Expr e) {
    Pool *pool = program->pool;
    Expr position = picked_position(e);
    if (position != NULL) return position;
    e = sum_over_multiples(pool, split(pool, e));
    if (e->kind != EXPR_REDUCE) return e;
    Expr body = e->kids[0];
    Index *bound[e->bound_count];
    int count = 0, free_count = 0;
    Index *idle[e->bound_count]; /* the body does not depend on them */
    for (int i = 0; i < e->bound_count; i++) {
        if (expr_depends(body, e->bound[i])) bound[count++] = e->bound[i];
        else idle[free_count++] = e->bound[i];
    }
    if (e->reduction != REDUCE_SUM) return e;
    for (int i = 0; i < count; i++) {
        Expr picks = picked(pool, body, bound[i]);
        if (picks == NULL) continue;
        for (int k = i; k + 1 < count; k++) bound[k] = bound[k + 1];
        Expr rest = expr_reduce(pool, REDUCE_SUM, bound, count - 1, picks);
        return expr_op2(pool, OP_MUL, size_of(program, idle, free_count), rest);
    }
    Arena *arena = arena_new();
    Sum sum = {.program = program, .pool = pool, .arena = arena};
    Term one = ONE_TERM, outer = ONE_TERM, inner = ONE_TERM;
    sum_read(&sum, body, &one);
    Expr result = e;
    if (!sum.too_large && sum.terms.count > 0) {
        Term common = sum_take_common(&sum);
        Expr rest = sum_write(&sum);
        if (expr_is_op(rest, OP_ADD) || expr_is_op(rest, OP_SUB)) term_multiply_factor(arena, &common, rest, 1);
        else term_multiply(arena, &common, rest, 1);
        outer.over = common.over;
        outer.under = common.under;
        for (size_t i = 0; i < common.factors.count; i++) {
            Factor f = common.factors.at[i];
            term_multiply_factor(arena, expr_depends_any(f.base, bound, count) ? &inner : &outer, f.base, f.power);
        }
        Expr inside = term_write(pool, &inner), total;
        if (count == 1 && reads_whole_row(inside, bound[0])) total = expr_number(pool, 1);
        else total = expr_reduce(pool, REDUCE_SUM, bound, count, inside);
        total = expr_op2(pool, OP_MUL, size_of(program, idle, free_count), total);
        result = term_times(pool, arena, &outer, total);
    }
    arena_free(arena);
    return cheaper(e, result);
}

/* logsumexp(r: c) = c + ln n, of n terms; logsumexp(r: a + c) = logsumexp(r: a) + c where c does not depend on r  (the maximum that a careful writer subtracts goes away) */
Expr logsumexp_of(Program *program, Index *const *bound, int count, Expr body) {
    Pool *pool = program->pool;
    if (body->kind == EXPR_CONST && !bound[0]->batch) return expr_number(pool, body->value + log(index_product(bound, count)));
    Arena *arena = arena_new();
    Sum sum = {.program = program, .pool = pool, .arena = arena}, inner = sum, outer = sum;
    Term one = ONE_TERM;
    sum_read(&sum, body, &one);
    for (size_t i = 0; i < sum.terms.count; i++) {
        bool depends = false;
        for (size_t f = 0; f < sum.terms.at[i].factors.count; f++)
            depends |= expr_depends_any(sum.terms.at[i].factors.at[f].base, bound, count);
        sum_add(depends ? &inner : &outer, sum.terms.at[i]);
    }
    Expr result = NULL;
    if (sum.too_large || outer.terms.count == 0 || inner.terms.count == 0)
        result = expr_reduce(pool, REDUCE_LOGSUMEXP, bound, count, body);
    else result = expr_op2(pool, OP_ADD, expr_reduce(pool, REDUCE_LOGSUMEXP, bound, count, sum_write(&inner)), sum_write(&outer));
    arena_free(arena);
    return result;
}
