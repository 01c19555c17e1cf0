/* Sums and products in a normal form: equal terms collected, common factors in front, constants together, what does not depend on
   the indices of a sum before it.

       sum     coefficient * product + coefficient * product + ...
       product base^power * base^power * ...          (a quotient has negative powers)

   A formula is replaced only by a cheaper one (expr_cost), so what was written stays as it was written unless algebra makes it shorter.
   Two normal forms are tried, one with products of sums multiplied out: that is how (1 - t) p - t (1 - p) becomes p - t. */
#include "tensor/sums.h"

#include <math.h>

enum { TERM_LIMIT = 32 };

static bool whole(double x) { return x == floor(x) && fabs(x) < 1e15; }

/* ---- Reading */

static void multiply_number(Term *term, double value, double power) {
    if (power == 1) term->over *= value;
    else if (power == -1) term->under *= value;
    else term->over *= pow(value, power);
}

void term_multiply_factor(Arena *arena, Term *term, Expr base, double power) {
    for (size_t i = 0; i < term->factors.count; i++) {
        Factor *f = &term->factors.at[i];
        if (f->base != base) continue;
        f->power += power;
        if (f->power != 0) return;
        term->factors.count--;
        memmove(f, f + 1, sizeof *f * (term->factors.count - i));
        return;
    }
    vec_push(arena, &term->factors, (Factor){base, power});
}

void term_multiply(Arena *arena, Term *term, Expr e, double power) {
    for (;;) {
        if (e->kind == EXPR_CONST && !e->condition && (e->value != 0 || power > 0) && !isinf(e->value)) {
            multiply_number(term, e->value, power);
            return;
        }
        if (expr_is_op(e, OP_NEG) && (power == 1 || power == -1)) {
            term->over = -term->over;
            e = e->kids[0];
        } else if (expr_is_op(e, OP_MUL) && whole(power)) {
            term_multiply(arena, term, e->kids[0], power);
            e = e->kids[1];
        } else if (expr_is_op(e, OP_DIV) && whole(power)) {
            term_multiply(arena, term, e->kids[0], power);
            e = e->kids[1];
            power = -power;
        } else if (expr_is_op(e, OP_POW) && e->kids[1]->kind == EXPR_CONST && whole(e->kids[1]->value) && whole(power)) {
            power *= e->kids[1]->value;
            e = e->kids[0];
        } else {
            term_multiply_factor(arena, term, e, power);
            return;
        }
    }
}

static Term copy_of(Arena *arena, const Term *term) {
    Term copy = {.over = term->over, .under = term->under};
    for (size_t i = 0; i < term->factors.count; i++) vec_push(arena, &copy.factors, term->factors.at[i]);
    return copy;
}

static bool same_factors(const Term *a, const Term *b) {
    if (a->factors.count != b->factors.count) return false;
    for (size_t i = 0; i < a->factors.count; i++) {
        bool found = false;
        for (size_t k = 0; k < b->factors.count; k++)
            found |= a->factors.at[i].base == b->factors.at[k].base && a->factors.at[i].power == b->factors.at[k].power;
        if (!found) return false;
    }
    return true;
}

static void reduce_fraction(Term *term) {
    if (term->under < 0) term->over = -term->over, term->under = -term->under;
    if (whole(term->over) && whole(term->under)) {
        double a = fabs(term->over), b = term->under;
        while (b != 0) {
            double rest = fmod(a, b);
            a = b;
            b = rest;
        }
        if (a != 0) term->over /= a, term->under /= a;
    } else if (term->under != 1 && term->over != 1) {
        term->over /= term->under;
        term->under = 1;
    }
}

void sum_add(Sum *sum, Term term) {
    reduce_fraction(&term);
    for (size_t i = 0; i < sum->terms.count; i++) {
        Term *old = &sum->terms.at[i];
        if (!same_factors(old, &term)) continue;
        if (old->under == term.under) {
            old->over += term.over;
        } else {
            old->over = old->over * term.under + term.over * old->under;
            old->under *= term.under;
        }
        reduce_fraction(old);
        if (old->over != 0) return;
        sum->terms.count--;
        memmove(old, old + 1, sizeof *old * (sum->terms.count - i));
        return;
    }
    if (term.over == 0) return;
    if (sum->terms.count >= TERM_LIMIT) sum->too_large = true;
    else vec_push(sum->arena, &sum->terms, term);
}

/* scale * a * b, where a or b may be a sum that is multiplied out */
static void read_product(Sum *sum, Expr a, Expr b, const Term *scale) {
    Sum left = {.program = sum->program, .pool = sum->pool, .arena = sum->arena, .expand = true};
    sum_read(&left, a, scale);
    sum->too_large |= left.too_large;
    for (size_t i = 0; i < left.terms.count && !sum->too_large; i++) sum_read(sum, b, &left.terms.at[i]);
}

void sum_read(Sum *sum, Expr e, const Term *scale) {
    if (sum->too_large) return;
    if (expr_is_op(e, OP_ADD) || expr_is_op(e, OP_SUB)) {
        Term negative = copy_of(sum->arena, scale);
        if (e->op == OP_SUB) negative.over = -negative.over;
        sum_read(sum, e->kids[0], scale);
        sum_read(sum, e->kids[1], &negative);
    } else if (expr_is_op(e, OP_NEG)) {
        Term negative = copy_of(sum->arena, scale);
        negative.over = -negative.over;
        sum_read(sum, e->kids[0], &negative);
    } else if (sum->expand && expr_is_op(e, OP_MUL)) {
        read_product(sum, e->kids[0], e->kids[1], scale);
    } else if (sum->expand && expr_is_op(e, OP_DIV)) {
        Term divided = copy_of(sum->arena, scale);
        term_multiply(sum->arena, &divided, e->kids[1], -1);
        sum_read(sum, e->kids[0], &divided);
    } else {
        Term term = copy_of(sum->arena, scale);
        term_multiply(sum->arena, &term, e, 1);
        sum_add(sum, term);
    }
}

/* ---- Writing */

static Expr power_of(Pool *pool, Expr base, double power) { return expr_op2(pool, OP_POW, base, expr_number(pool, power)); }

static Expr times(Pool *pool, Expr a, Expr b) { return a == NULL ? b : expr_op2(pool, OP_MUL, a, b); }

/* |coefficient| * product */
Expr term_write(Pool *pool, const Term *term) {
    Expr above = fabs(term->over) == 1 ? NULL : expr_number(pool, fabs(term->over)),
         below = term->under == 1 ? NULL : expr_number(pool, term->under);
    for (size_t i = 0; i < term->factors.count; i++) {
        Factor f = term->factors.at[i];
        if (f.power > 0) above = times(pool, above, power_of(pool, f.base, f.power));
        else below = times(pool, below, power_of(pool, f.base, -f.power));
    }
    if (above == NULL) above = expr_number(pool, 1);
    return below == NULL ? above : expr_op2(pool, OP_DIV, above, below);
}

/* What all terms have in common is taken out of them. */
Term sum_take_common(Sum *sum) {
    Term common = ONE_TERM;
    Term *first = &sum->terms.at[0];
    Term start = copy_of(sum->arena, first);
    for (size_t f = 0; f < start.factors.count; f++) {
        Factor factor = start.factors.at[f];
        bool everywhere = true;
        for (size_t i = 1; i < sum->terms.count && everywhere; i++) {
            bool found = false;
            for (size_t k = 0; k < sum->terms.at[i].factors.count; k++) {
                Factor other = sum->terms.at[i].factors.at[k];
                if (other.base != factor.base || (other.power > 0) != (factor.power > 0)) continue;
                found = true;
                if (fabs(other.power) < fabs(factor.power)) factor.power = other.power;
            }
            everywhere = found;
        }
        if (!everywhere) continue;
        vec_push(sum->arena, &common.factors, factor);
        for (size_t i = 0; i < sum->terms.count; i++)
            term_multiply_factor(sum->arena, &sum->terms.at[i], factor.base, -factor.power);
    }
    bool same_over = true, same_under = true;
    for (size_t i = 1; i < sum->terms.count; i++) {
        same_over &= fabs(sum->terms.at[i].over) == fabs(first->over);
        same_under &= sum->terms.at[i].under == first->under;
    }
    if (same_over) common.over = fabs(first->over);
    if (same_under) common.under = first->under;
    for (size_t i = 0; i < sum->terms.count; i++) {
        sum->terms.at[i].over /= common.over;
        sum->terms.at[i].under /= common.under;
    }
    bool all_negative = true;
    for (size_t i = 0; i < sum->terms.count; i++) all_negative &= sum->terms.at[i].over < 0;
    for (size_t i = 0; all_negative && i < sum->terms.count; i++) sum->terms.at[i].over = -sum->terms.at[i].over;
    if (all_negative) common.over = -common.over;
    return common;
}

Expr sum_write(Sum *sum) {
    Expr result = NULL;
    size_t first = 0;
    while (first < sum->terms.count && sum->terms.at[first].over < 0) first++;
    if (first == sum->terms.count) first = 0;
    for (size_t k = 0; k < sum->terms.count; k++) { /* a positive term comes first */
        size_t i = k == 0 ? first : k <= first ? k - 1 : k;
        Expr product = term_write(sum->pool, &sum->terms.at[i]);
        bool negative = sum->terms.at[i].over < 0;
        if (result == NULL) result = negative ? expr_op1(sum->pool, OP_NEG, product) : product;
        else result = expr_op2(sum->pool, negative ? OP_SUB : OP_ADD, result, product);
    }
    return result == NULL ? expr_number(sum->pool, 0) : result;
}

Expr term_times(Pool *pool, Arena *arena, const Term *common, Expr inner) {
    Term whole_term = copy_of(arena, common);
    if (!expr_is(inner, 1)) { /* the sum stands where a reader expects it: behind what multiplies it */
        if (expr_is_op(inner, OP_ADD) || expr_is_op(inner, OP_SUB) || inner->kind != EXPR_OP)
            term_multiply_factor(arena, &whole_term, inner, 1);
        else term_multiply(arena, &whole_term, inner, 1);
    }
    Expr result = term_write(pool, &whole_term);
    return whole_term.over < 0 ? expr_op1(pool, OP_NEG, result) : result;
}

Expr sum_write_factored(Sum *sum) {
    if (sum->terms.count == 0) return expr_number(sum->pool, 0);
    Term common = sum_take_common(sum);
    return term_times(sum->pool, sum->arena, &common, sum_write(sum));
}

/* ---- softplus(-a) = softplus(a) - a and sigmoid(-a) = 1 - sigmoid(a), where both stand in one formula */

typedef struct {
    Pool *pool;
    Arena *arena;
    Vec(Expr) softplus;
    Vec(Expr) sigmoid;
} Pairs;

static void meet_pair(void *context, Expr e) {
    Pairs *pairs = context;
    if (expr_is_op(e, OP_SOFTPLUS)) vec_push(pairs->arena, &pairs->softplus, e->kids[0]);
    if (expr_is_op(e, OP_SIGMOID)) vec_push(pairs->arena, &pairs->sigmoid, e->kids[0]);
}

static Expr unpair(void *context, Expr e) {
    Pairs *pairs = context;
    bool softplus = expr_is_op(e, OP_SOFTPLUS);
    if (!softplus && !expr_is_op(e, OP_SIGMOID)) return e;
    Expr a = e->kids[0],
         other = expr_is_op(a, OP_SUB) ? expr_op2(pairs->pool, OP_SUB, a->kids[1], a->kids[0]) : expr_op1(pairs->pool, OP_NEG, a);
    const Expr *list = softplus ? pairs->softplus.at : pairs->sigmoid.at;
    size_t count = softplus ? pairs->softplus.count : pairs->sigmoid.count;
    for (size_t i = 0; i < count; i++) {
        bool turn = list[i] == other && (expr_is_op(a, OP_NEG) || (!expr_is_op(other, OP_NEG) && a->id > other->id));
        if (!turn) continue;
        if (softplus) return expr_op2(pairs->pool, OP_SUB, expr_op1(pairs->pool, OP_SOFTPLUS, other), other);
        return expr_op2(pairs->pool, OP_SUB, expr_number(pairs->pool, 1), expr_op1(pairs->pool, OP_SIGMOID, other));
    }
    return e;
}

static Expr unpaired(Pool *pool, Arena *arena, Expr e) {
    Pairs pairs = {.pool = pool, .arena = arena};
    expr_visit(pool, e, meet_pair, &pairs);
    if (pairs.softplus.count < 2 && pairs.sigmoid.count < 2) return e;
    return expr_rewrite(pool, e, unpair, &pairs);
}

/* ---- One arithmetic node */

static Expr rewritten_sum(Program *program, Arena *arena, Expr e, bool expand) {
    Sum sum = {.program = program, .pool = program->pool, .arena = arena, .expand = expand};
    Term one = ONE_TERM;
    sum_read(&sum, e, &one);
    return sum.too_large ? e : sum_write_factored(&sum);
}

static bool has_products_of_sums(Expr e) {
    if (!expr_is_op(e, OP_ADD) && !expr_is_op(e, OP_SUB) && !expr_is_op(e, OP_MUL) && !expr_is_op(e, OP_DIV) &&
        !expr_is_op(e, OP_NEG))
        return false;
    for (int k = 0; k < e->count; k++) {
        bool sum = expr_is_op(e->kids[k], OP_ADD) || expr_is_op(e->kids[k], OP_SUB);
        if ((e->op == OP_MUL || e->op == OP_DIV) && sum) return true;
        if (has_products_of_sums(e->kids[k])) return true;
    }
    return false;
}

Expr cheaper(Expr a, Expr b) { return a != b && expr_cost(b) < expr_cost(a) ? b : a; }

Expr shorter_sum(Program *program, Expr e) {
    Arena *arena = arena_new();
    Expr best = cheaper(e, rewritten_sum(program, arena, e, false));
    if (has_products_of_sums(e)) {
        best = cheaper(best, rewritten_sum(program, arena, e, true));
        Expr other = unpaired(program->pool, arena, e);
        if (other != e) best = cheaper(best, rewritten_sum(program, arena, other, true));
    } else {
        Expr other = unpaired(program->pool, arena, e);
        if (other != e) best = cheaper(best, rewritten_sum(program, arena, other, false));
    }
    arena_free(arena);
    return best;
}
