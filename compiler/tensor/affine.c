#include "tensor/affine.h"

#include <math.h>

#include "tensor/program.h"

enum { EXACT_BITS = 53 };
static const int64_t EXACT = (int64_t)1 << EXACT_BITS;

static bool exact(int64_t value) { return value > -EXACT && value < EXACT; }

static bool constant_of(Expr e, int64_t *value) {
    if (e->kind != EXPR_CONST || !e->integer) return false;
    *value = (int64_t)e->value;
    return true;
}

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

static int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

/* ---- Reading the normal form off */

/* Indices come first, in the order in which they were introduced: x[2 * r + u], the loop before what is summed over. */
static bool comes_before(Expr a, Expr b) {
    bool x = a->kind == EXPR_INDEX, y = b->kind == EXPR_INDEX;
    if (x && y) return a->index->id < b->index->id;
    return x != y ? x : a->id < b->id;
}

static bool add_term(Arena *arena, Affine *affine, Expr term, int64_t coefficient) {
    size_t at = 0;
    while (at < affine->terms.count && comes_before(affine->terms.at[at].term, term)) at++;
    if (at < affine->terms.count && affine->terms.at[at].term == term) {
        affine->terms.at[at].coefficient += coefficient;
        if (!exact(affine->terms.at[at].coefficient)) return false;
        if (affine->terms.at[at].coefficient != 0) return true;
        affine->terms.count--;
        memmove(affine->terms.at + at, affine->terms.at + at + 1, sizeof *affine->terms.at * (affine->terms.count - at));
        return true;
    }
    if (coefficient == 0) return true;
    vec_push(arena, &affine->terms, (AffineTerm){0});
    memmove(affine->terms.at + at + 1, affine->terms.at + at, sizeof *affine->terms.at * (affine->terms.count - 1 - at));
    affine->terms.at[at] = (AffineTerm){term, coefficient};
    return true;
}

/* affine += scale * e. Sums are chains (left-deep), so this loops along them and recurses only where both sides are sums. */
static bool accumulate(Arena *arena, Affine *affine, Expr e, int64_t scale) {
    for (;;) {
        int64_t c;
        if (!exact(scale)) return false;
        if (constant_of(e, &c)) {
            int64_t product;
            if (__builtin_mul_overflow(c, scale, &product) || !exact(product)) return false;
            affine->constant += product;
            return exact(affine->constant);
        }
        if (expr_is_op(e, OP_NEG)) {
            scale = -scale;
            e = e->kids[0];
        } else if (expr_is_op(e, OP_MUL) && constant_of(e->kids[0], &c)) {
            if (__builtin_mul_overflow(c, scale, &scale)) return false;
            e = e->kids[1];
        } else if (expr_is_op(e, OP_MUL) && constant_of(e->kids[1], &c)) {
            if (__builtin_mul_overflow(c, scale, &scale)) return false;
            e = e->kids[0];
        } else if (expr_is_op(e, OP_ADD) || expr_is_op(e, OP_SUB)) {
            if (!accumulate(arena, affine, e->kids[1], e->op == OP_ADD ? scale : -scale)) return false;
            e = e->kids[0];
        } else {
            return add_term(arena, affine, e, scale);
        }
    }
}

/* Is `division` x / c, also as y / (k c) where x is y / k? */
static bool divides(Expr division, Expr x, int64_t c) {
    int64_t by, k;
    if (!expr_is_op(division, OP_FLOORDIV) || !constant_of(division->kids[1], &by)) return false;
    if (division->kids[0] == x) return by == c;
    return expr_is_op(x, OP_FLOORDIV) && x->kids[0] == division->kids[0] && constant_of(x->kids[1], &k) && by == k * c;
}

/* Digits that belong together:  c (x / c) + x mod c  is x. */
static bool join_digits(Arena *arena, Affine *affine) {
    for (size_t m = 0; m < affine->terms.count; m++) {
        AffineTerm digit = affine->terms.at[m];
        int64_t c;
        if (!expr_is_op(digit.term, OP_MOD) || !constant_of(digit.term->kids[1], &c) || c <= 0) continue;
        for (size_t d = 0; d < affine->terms.count; d++) {
            AffineTerm rest = affine->terms.at[d];
            if (rest.coefficient != digit.coefficient * c || !divides(rest.term, digit.term->kids[0], c)) continue;
            bool fine =
                add_term(arena, affine, rest.term, -rest.coefficient) && add_term(arena, affine, digit.term, -digit.coefficient);
            return fine && accumulate(arena, affine, digit.term->kids[0], digit.coefficient) && join_digits(arena, affine);
        }
    }
    return true;
}

bool affine_of(Pool *pool, Expr e, Affine *affine) {
    *affine = (Affine){0};
    return e->integer && accumulate(pool_arena(pool), affine, e, 1) && join_digits(pool_arena(pool), affine);
}

bool affine_in_indices(Pool *pool, Expr e, Affine *affine) {
    if (!affine_of(pool, e, affine)) return false;
    for (size_t i = 0; i < affine->terms.count; i++) {
        if (affine->terms.at[i].term->kind != EXPR_INDEX) return false;
    }
    return true;
}

/* ---- Building it, with expr_op_raw: what stands here is the normal form already */

static Expr raw(Pool *pool, Op op, Expr a, Expr b) { return expr_op_raw(pool, op, (Expr[]){a, b}); }

static Expr scaled(Pool *pool, Expr term, int64_t coefficient) {
    return coefficient == 1 ? term : raw(pool, OP_MUL, expr_number(pool, (double)coefficient), term);
}

Expr affine_expr(Pool *pool, const Affine *affine) {
    Expr sum = NULL;
    for (int sign = 1; sign >= -1; sign -= 2) { /* what is added first, then what is subtracted: "j - i", not "-i + j" */
        for (size_t i = 0; i < affine->terms.count; i++) {
            int64_t c = affine->terms.at[i].coefficient;
            if ((c > 0) != (sign > 0)) continue;
            Expr term = scaled(pool, affine->terms.at[i].term, c < 0 ? -c : c);
            if (sum == NULL && c < 0 && affine->constant > 0) sum = expr_number(pool, (double)affine->constant);
            sum = sum == NULL ? (c < 0 ? raw(pool, OP_NEG, term, NULL) : term) : raw(pool, c < 0 ? OP_SUB : OP_ADD, sum, term);
        }
    }
    if (sum == NULL) return expr_number(pool, (double)affine->constant);
    bool leading = affine->constant > 0;
    for (size_t i = 0; i < affine->terms.count; i++) leading &= affine->terms.at[i].coefficient < 0;
    if (affine->constant == 0 || leading) return sum;
    double size = (double)(affine->constant < 0 ? -affine->constant : affine->constant);
    return raw(pool, affine->constant < 0 ? OP_SUB : OP_ADD, sum, expr_number(pool, size));
}

/* ---- Ranges */

static Interval unknown(void) { return (Interval){false, 0, 0}; }

static Interval between(int64_t low, int64_t high) { return exact(low) && exact(high) ? (Interval){true, low, high} : unknown(); }

static Interval divided(Interval a, int64_t by) {
    if (by == 0) return unknown();
    int64_t x = floor_div(a.low, by), y = floor_div(a.high, by);
    return x < y ? between(x, y) : between(y, x);
}

static Interval interval_of_op(Expr e) {
    Interval a = interval_of(e->kids[e->op == OP_IF ? 1 : 0]);
    if (!a.known) return a;
    if (e->op == OP_NEG) return between(-a.high, -a.low);
    if (e->op == OP_STOP) return a;
    if (e->count < 2) return unknown();
    Interval b = interval_of(e->kids[e->op == OP_IF ? 2 : 1]);
    if (!b.known) return b;
    if (e->op == OP_ADD) return between(a.low + b.low, a.high + b.high);
    if (e->op == OP_SUB) return between(a.low - b.high, a.high - b.low);
    if (e->op == OP_IF) return between(a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high);
    if (e->op == OP_MAX) return between(a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high);
    if (e->op == OP_MIN) return between(a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high);
    if (e->op == OP_FLOORDIV && b.low == b.high) return divided(a, b.low);
    if (e->op == OP_MOD && b.low == b.high && b.low > 0) {
        return a.low >= 0 && a.high < b.low                          ? a
               : floor_div(a.low, b.low) == floor_div(a.high, b.low) ? between(floor_mod(a.low, b.low), floor_mod(a.high, b.low))
                                                                     : between(0, b.low - 1);
    }
    if (e->op == OP_MUL) {
        int64_t corner[4] = {0}, low = INT64_MAX, high = INT64_MIN;
        int64_t x[2] = {a.low, a.high}, y[2] = {b.low, b.high};
        for (int i = 0; i < 4; i++) {
            if (__builtin_mul_overflow(x[i / 2], y[i % 2], &corner[i])) return unknown();
            low = corner[i] < low ? corner[i] : low;
            high = corner[i] > high ? corner[i] : high;
        }
        return between(low, high);
    }
    return unknown();
}

/* Of a tensor of type index, or of its default. */
static Interval interval_of_read(Expr e) {
    Interval inside = between(0, e->tensor->index_range - 1);
    if (!e->has_default) return inside;
    Interval other = interval_of(e->kids[e->count - 1]);
    if (!other.known) return unknown();
    return between(other.low < inside.low ? other.low : inside.low, other.high > inside.high ? other.high : inside.high);
}

Interval interval_of(Expr e) {
    int64_t c;
    if (constant_of(e, &c)) return between(c, c);
    if (!e->integer) return unknown();
    switch (e->kind) {
    case EXPR_INDEX: return e->index->size > 0 ? between(e->index->first, e->index->size - 1) : unknown();
    case EXPR_READ: return interval_of_read(e);
    case EXPR_REDUCE: return between(0, (int64_t)index_product(e->bound, e->bound_count) - 1);
    case EXPR_OP: return interval_of_op(e);
    case EXPR_CONST:
    case EXPR_DRAW: return unknown();
    }
    return unknown();
}

/* ---- Normalising */

static Expr rest_of(Pool *pool, const Affine *affine, int64_t by, bool multiples) {
    Affine part = {0};
    for (size_t i = 0; i < affine->terms.count; i++) {
        AffineTerm t = affine->terms.at[i];
        if ((t.coefficient % by == 0) == multiples) {
            vec_push(pool_arena(pool), &part.terms, (AffineTerm){t.term, multiples ? t.coefficient / by : t.coefficient});
        }
    }
    part.constant = multiples ? floor_div(affine->constant, by) : floor_mod(affine->constant, by);
    return affine_expr(pool, &part);
}

/* Of by and all coefficients. */
static int64_t common_divisor(const Affine *affine, int64_t by) {
    for (size_t i = 0; i < affine->terms.count; i++) {
        for (int64_t b = affine->terms.at[i].coefficient; b != 0;) {
            int64_t rest = by % b;
            by = b;
            b = rest;
        }
    }
    return by < 0 ? -by : by;
}

/* (by * q + r) div by = q + r div by, and q alone where 0 <= r < by; likewise mod.
   (c * q + k) div (c * n) = q div n, where 0 <= k < c, and (c * q + k) mod (c * n) = c * (q mod n) + k. */
static Expr divide(Pool *pool, Op op, Expr a, Expr divisor) {
    int64_t by, inner;
    if (!constant_of(divisor, &by) || by <= 0) return NULL;
    if (by == 1) return op == OP_FLOORDIV ? a : expr_number(pool, 0);
    if (op == OP_FLOORDIV && expr_is_op(a, OP_FLOORDIV) && constant_of(a->kids[1], &inner) && inner > 0 && exact(inner * by)) {
        return expr_op2(pool, OP_FLOORDIV, a->kids[0], expr_number(pool, (double)(inner * by)));
    }
    if (op == OP_MOD && expr_is_op(a, OP_MOD) && constant_of(a->kids[1], &inner) && inner > 0 && inner % by == 0) {
        return expr_op2(pool, OP_MOD, a->kids[0], divisor);
    }
    Affine affine;
    if (!affine_of(pool, a, &affine)) return NULL;
    Expr rest = rest_of(pool, &affine, by, false), multiples = rest_of(pool, &affine, by, true);
    Interval range = interval_of(rest);
    if (range.known && range.low >= 0 && range.high < by) return op == OP_FLOORDIV ? multiples : rest;
    int64_t c = common_divisor(&affine, by);
    if (c > 1) {
        Expr digit = expr_op2(pool, op, rest_of(pool, &affine, c, true), expr_number(pool, (double)(by / c)));
        if (op == OP_FLOORDIV) return digit;
        digit = expr_op2(pool, OP_MUL, expr_number(pool, (double)c), digit);
        return expr_op2(pool, OP_ADD, digit, expr_number(pool, (double)floor_mod(affine.constant, c)));
    }
    if (rest == a) return NULL;
    Expr part = expr_op2(pool, op, rest, divisor);
    return op == OP_FLOORDIV ? expr_op2(pool, OP_ADD, multiples, part) : part;
}

Expr affine_op(Pool *pool, Op op, const Expr *kids) {
    if (op == OP_FLOORDIV || op == OP_MOD) return divide(pool, op, kids[0], kids[1]);
    if (op != OP_ADD && op != OP_SUB && op != OP_MUL && op != OP_NEG) return NULL;
    int64_t c;
    if (op == OP_MUL && !constant_of(kids[0], &c) && !constant_of(kids[1], &c)) return NULL;
    Arena *arena = pool_arena(pool);
    Affine affine = {0};
    bool fine;
    if (op == OP_MUL) {
        bool left = constant_of(kids[0], &c);
        if (left && kids[1]->kind != EXPR_OP) return NULL; /* c * i is its own normal form */
        fine = accumulate(arena, &affine, left ? kids[1] : kids[0], c);
    } else {
        fine = accumulate(arena, &affine, kids[0], op == OP_NEG ? -1 : 1);
        if (op != OP_NEG) fine = fine && accumulate(arena, &affine, kids[1], op == OP_SUB ? -1 : 1);
    }
    if (!fine || !join_digits(arena, &affine)) return NULL;
    return affine_expr(pool, &affine);
}
