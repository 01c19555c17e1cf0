/* A sum of which only every so manieth term is not 0, over those alone.

       sum(r: if (r + e) mod c == 0 then a[r] * b[(r + e) / c] else 0)  =  sum(m: (a[c m - e] default 0) * b[m])

   Requires: that r alone is the subscript of a factor, along an axis of its length, so that reading beyond it as 0 leaves out what is no
   value of r; the other factors are read anyhow, or do not depend on r. Ensures: a sum that is not much longer than those terms.
   Example: the gradient of a transposed convolution's weights, which becomes that of a convolution with that stride. */
#include "tensor/sums.h"

typedef struct {
    Pool *pool;
    Index *r, *m;
    Expr position, at; /* (r + e) / c or (e - r) / c, and what r is there */
    int64_t low, high; /* of m: from low to high */
    bool fits, zero_outside;
} Stride;

/* c, where the condition is  a mod c == 0  and a is r or -r and what does not depend on r; else 0 */
static int64_t stride_of(Pool *pool, Expr condition, const Index *r, Expr *a, int *sign) {
    Affine affine;
    if (!expr_is_op(condition, OP_EQ)) return 0;
    int side = expr_is(condition->kids[0], 0);
    Expr division = condition->kids[side];
    if (!expr_is(condition->kids[1 - side], 0) || !expr_is_op(division, OP_MOD) || division->kids[1]->kind != EXPR_CONST)
        return 0;
    *a = division->kids[0];
    *sign = 0;
    if (!affine_of(pool, *a, &affine)) return 0;
    for (size_t i = 0; i < affine.terms.count; i++) {
        Expr term = affine.terms.at[i].term;
        int64_t c = affine.terms.at[i].coefficient;
        if (term->kind == EXPR_INDEX && term->index == r && (c == 1 || c == -1)) *sign = (int)c;
        else if (expr_depends(term, r)) return 0;
    }
    return *sign == 0 ? 0 : (int64_t)division->kids[1]->value;
}

/* What the factors need, and the range of m beyond which one of them is 0. */
static void look_at_factor(Stride *s, Expr e) {
    if (expr_is_op(e, OP_MUL) || (expr_is_op(e, OP_DIV) && !expr_depends(e->kids[1], s->r))) {
        look_at_factor(s, e->kids[0]);
        if (e->op == OP_MUL) look_at_factor(s, e->kids[1]);
        return;
    }
    if (expr_is_op(e, OP_NEG)) {
        look_at_factor(s, e->kids[0]);
        return;
    }
    if (!expr_depends(e, s->r)) return;
    bool zero = e->kind == EXPR_READ && (!e->has_default || expr_is(e->kids[e->count - 1], 0));
    s->fits &= zero;
    for (int i = 0; zero && i < e->tensor->rank; i++) {
        int64_t size = e->tensor->shape[i];
        s->zero_outside |= e->kids[i]->kind == EXPR_INDEX && e->kids[i]->index == s->r && size == s->r->size;
        if (!e->has_default || e->kids[i] != s->position) continue;
        if (s->low < 0) s->low = 0;
        if (s->high > size - 1) s->high = size - 1;
    }
}

static Expr put_multiple(void *context, Expr e) {
    Stride *s = context;
    if (e->kind == EXPR_INDEX && e->index == s->r) return s->at;
    if (e->kind != EXPR_READ || e->has_default || !expr_depends(e, s->m)) return e;
    return expr_read(s->pool, e->tensor, e->kids, e->tensor->rank, expr_number(s->pool, 0));
}

/* The body for values of m instead of *r, which becomes m; NULL: it is not such a sum, or not shorter so. */
static Expr over_multiples(Pool *pool, Expr body, Expr condition, Expr others, Index **bound) {
    Index *r = *bound;
    Expr a;
    int sign;
    int64_t c = r->batch || r->first > 0 ? 0 : stride_of(pool, condition, r, &a, &sign);
    Interval range = c > 1 ? interval_of(a) : (Interval){0};
    if (!range.known) return NULL;
    Expr by = expr_number(pool, (double)c);
    Stride s = {.pool = pool, .r = r, .position = expr_op2(pool, OP_FLOORDIV, a, by), .fits = true};
    s.low = -(-range.low / c) + (range.low > 0 && range.low % c != 0);
    s.high = range.high / c - (range.high < 0 && range.high % c != 0);
    look_at_factor(&s, body);
    int64_t count = s.high - s.low + 1;
    if (!s.fits || !s.zero_outside || count < 1 || count * c > r->size + r->size / 4) return NULL;
    s.m = index_new(pool, r->name, count);
    Expr position = expr_op2(pool, OP_ADD, expr_index(pool, s.m), expr_number(pool, (double)s.low));
    Expr rest = expr_op2(pool, OP_SUB, a, expr_op2(pool, OP_MUL, expr_number(pool, sign), expr_index(pool, r))); /* e */
    s.at = expr_op2(pool, OP_SUB, expr_op2(pool, OP_MUL, by, position), rest);
    if (sign < 0) s.at = expr_op1(pool, OP_NEG, s.at);
    *bound = s.m;
    return expr_rewrite(pool, expr_if(pool, others, body, expr_number(pool, 0)), put_multiple, &s);
}

/* a * (if c then b else 0)  as  if c then a * b else 0 */
static Expr chosen_outside(Pool *pool, Expr e) {
    for (int i = 0; expr_is_op(e, OP_MUL) && i < 2; i++) {
        Expr choice = chosen_outside(pool, e->kids[i]);
        if (expr_is_op(choice, OP_IF) && expr_is(choice->kids[2], 0))
            return expr_if(pool, choice->kids[0], expr_op2(pool, OP_MUL, e->kids[1 - i], choice->kids[1]), choice->kids[2]);
    }
    return e;
}

Expr sum_over_multiples(Pool *pool, Expr e) {
    if (e->kind != EXPR_REDUCE || e->reduction != REDUCE_SUM) return e; /* nothing is left of some sums */
    Expr body = chosen_outside(pool, e->kids[0]), part, others;
    if (!expr_is_op(body, OP_IF) || !expr_is(body->kids[2], 0)) return e;
    for (int i = 0; i < e->bound_count; i++) {
        for (size_t k = 0; (others = condition_without(pool, body->kids[0], k, &part)) != NULL; k++) {
            Index *bound[e->bound_count];
            for (int n = 0; n < e->bound_count; n++) bound[n] = e->bound[n];
            Expr found = over_multiples(pool, body->kids[1], part, others, &bound[i]);
            if (found != NULL) return sum_over_multiples(pool, expr_reduce(pool, REDUCE_SUM, bound, e->bound_count, found));
        }
    }
    return e;
}
