/* Sums and products in a normal form: equal terms collected, common factors in front, constants together, what does not depend on
   the indices of a sum before it.

       sum     coefficient * product + coefficient * product + ...
       product base^power * base^power * ...          (a quotient has negative powers)

   A formula is replaced only by a cheaper one (expr_cost), so what was written stays as it was written unless algebra makes it shorter.
   Two normal forms are tried, one with products of sums multiplied out: that is how (1 - t) p - t (1 - p) becomes p - t. */
#include <math.h>

#include "tensor/steps.h"

enum { TERM_LIMIT = 32 };

typedef struct {
    Expr base;
    double power;
} Factor;

typedef struct {
    double over, under; /* the coefficient is over / under, so that x / 3 stays a division */
    Vec(Factor) factors;
} Term;

typedef struct {
    Program *program;
    Pool *pool;
    Arena *arena;
    bool expand, too_large;
    Vec(Term) terms;
} Sum;

static bool whole(double x) { return x == floor(x) && fabs(x) < 1e15; }

/* ---- Reading */

static void multiply_number(Term *term, double value, double power) {
    if (power == 1) term->over *= value;
    else if (power == -1) term->under *= value;
    else term->over *= pow(value, power);
}

static void multiply_factor(Arena *arena, Term *term, Expr base, double power) {
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

static void multiply(Arena *arena, Term *term, Expr e, double power) {
    for (;;) {
        if (e->kind == EXPR_CONST && !e->condition && (e->value != 0 || power > 0) && !isinf(e->value)) {
            multiply_number(term, e->value, power);
            return;
        }
        if (expr_is_op(e, OP_NEG) && (power == 1 || power == -1)) {
            term->over = -term->over;
            e = e->kids[0];
        } else if (expr_is_op(e, OP_MUL) && whole(power)) {
            multiply(arena, term, e->kids[0], power);
            e = e->kids[1];
        } else if (expr_is_op(e, OP_DIV) && whole(power)) {
            multiply(arena, term, e->kids[0], power);
            e = e->kids[1];
            power = -power;
        } else if (expr_is_op(e, OP_POW) && e->kids[1]->kind == EXPR_CONST && whole(e->kids[1]->value) && whole(power)) {
            power *= e->kids[1]->value;
            e = e->kids[0];
        } else {
            multiply_factor(arena, term, e, power);
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
        for (size_t k = 0; k < b->factors.count; k++) found |= a->factors.at[i].base == b->factors.at[k].base && a->factors.at[i].power == b->factors.at[k].power;
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

static void add_term(Sum *sum, Term term) {
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

static void read_sum(Sum *sum, Expr e, const Term *scale);

/* scale * a * b, where a or b may be a sum that is multiplied out */
static void read_product(Sum *sum, Expr a, Expr b, const Term *scale) {
    Sum left = {.program = sum->program, .pool = sum->pool, .arena = sum->arena, .expand = true};
    read_sum(&left, a, scale);
    sum->too_large |= left.too_large;
    for (size_t i = 0; i < left.terms.count && !sum->too_large; i++) read_sum(sum, b, &left.terms.at[i]);
}

static void read_sum(Sum *sum, Expr e, const Term *scale) {
    if (sum->too_large) return;
    if (expr_is_op(e, OP_ADD) || expr_is_op(e, OP_SUB)) {
        Term negative = copy_of(sum->arena, scale);
        if (e->op == OP_SUB) negative.over = -negative.over;
        read_sum(sum, e->kids[0], scale);
        read_sum(sum, e->kids[1], &negative);
    } else if (expr_is_op(e, OP_NEG)) {
        Term negative = copy_of(sum->arena, scale);
        negative.over = -negative.over;
        read_sum(sum, e->kids[0], &negative);
    } else if (sum->expand && expr_is_op(e, OP_MUL)) {
        read_product(sum, e->kids[0], e->kids[1], scale);
    } else if (sum->expand && expr_is_op(e, OP_DIV)) {
        Term divided = copy_of(sum->arena, scale);
        multiply(sum->arena, &divided, e->kids[1], -1);
        read_sum(sum, e->kids[0], &divided);
    } else {
        Term term = copy_of(sum->arena, scale);
        multiply(sum->arena, &term, e, 1);
        add_term(sum, term);
    }
}

/* ---- Writing */

static Expr power_of(Pool *pool, Expr base, double power) { return expr_op2(pool, OP_POW, base, expr_number(pool, power)); }

static Expr times(Pool *pool, Expr a, Expr b) { return a == NULL ? b : expr_op2(pool, OP_MUL, a, b); }

/* |coefficient| * product */
static Expr write_product(Pool *pool, const Term *term) {
    Expr above = fabs(term->over) == 1 ? NULL : expr_number(pool, fabs(term->over)), below = term->under == 1 ? NULL : expr_number(pool, term->under);
    for (size_t i = 0; i < term->factors.count; i++) {
        Factor f = term->factors.at[i];
        if (f.power > 0) above = times(pool, above, power_of(pool, f.base, f.power));
        else below = times(pool, below, power_of(pool, f.base, -f.power));
    }
    if (above == NULL) above = expr_number(pool, 1);
    return below == NULL ? above : expr_op2(pool, OP_DIV, above, below);
}

/* What all terms have in common is taken out of them. */
static Term take_common(Sum *sum) {
    Term common = {.over = 1, .under = 1};
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
        for (size_t i = 0; i < sum->terms.count; i++) multiply_factor(sum->arena, &sum->terms.at[i], factor.base, -factor.power);
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

static Expr write_terms(Sum *sum) {
    Expr result = NULL;
    size_t first = 0;
    while (first < sum->terms.count && sum->terms.at[first].over < 0) first++;
    if (first == sum->terms.count) first = 0;
    for (size_t k = 0; k < sum->terms.count; k++) { /* a positive term comes first */
        size_t i = k == 0 ? first : k <= first ? k - 1 : k;
        Expr product = write_product(sum->pool, &sum->terms.at[i]);
        bool negative = sum->terms.at[i].over < 0;
        if (result == NULL) result = negative ? expr_op1(sum->pool, OP_NEG, product) : product;
        else result = expr_op2(sum->pool, negative ? OP_SUB : OP_ADD, result, product);
    }
    return result == NULL ? expr_number(sum->pool, 0) : result;
}

static Expr with_common(Pool *pool, Arena *arena, const Term *common, Expr inner) {
    Term whole_term = copy_of(arena, common);
    if (!expr_is(inner, 1)) { /* the sum stands where a reader expects it: behind what multiplies it */
        if (expr_is_op(inner, OP_ADD) || expr_is_op(inner, OP_SUB) || inner->kind != EXPR_OP) multiply_factor(arena, &whole_term, inner, 1);
        else multiply(arena, &whole_term, inner, 1);
    }
    Expr result = write_product(pool, &whole_term);
    return whole_term.over < 0 ? expr_op1(pool, OP_NEG, result) : result;
}

static Expr write_sum(Sum *sum) {
    if (sum->terms.count == 0) return expr_number(sum->pool, 0);
    Term common = take_common(sum);
    return with_common(sum->pool, sum->arena, &common, write_terms(sum));
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
    Expr a = e->kids[0], other = expr_is_op(a, OP_SUB) ? expr_op2(pairs->pool, OP_SUB, a->kids[1], a->kids[0]) : expr_op1(pairs->pool, OP_NEG, a);
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
    Term one = {.over = 1, .under = 1};
    read_sum(&sum, e, &one);
    return sum.too_large ? e : write_sum(&sum);
}

static bool has_products_of_sums(Expr e) {
    if (!expr_is_op(e, OP_ADD) && !expr_is_op(e, OP_SUB) && !expr_is_op(e, OP_MUL) && !expr_is_op(e, OP_DIV) && !expr_is_op(e, OP_NEG)) return false;
    for (int k = 0; k < e->count; k++) {
        bool sum = expr_is_op(e->kids[k], OP_ADD) || expr_is_op(e->kids[k], OP_SUB);
        if ((e->op == OP_MUL || e->op == OP_DIV) && sum) return true;
        if (has_products_of_sums(e->kids[k])) return true;
    }
    return false;
}

static Expr cheaper(Expr a, Expr b) { return a != b && expr_cost(b) < expr_cost(a) ? b : a; }

static Expr shorter(Program *program, Expr e) {
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

/* ---- Reductions */

static Expr size_of(Program *program, Index *const *bound, int count) {
    Expr size = expr_number(program->pool, 1);
    for (int i = 0; i < count; i++) {
        Expr one = bound[i]->batch ? expr_read(program->pool, program->batch_size, NULL, 0, NULL) : expr_number(program->pool, (double)bound[i]->size);
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

/* sum(i: if i == k then f(i) else 0) = f(k) */
static Expr picked(Pool *pool, Expr body, Index *index) {
    if (!expr_is_op(body, OP_IF) || !expr_is(body->kids[2], 0) || !expr_is_op(body->kids[0], OP_EQ)) return NULL;
    for (int side = 0; side < 2; side++) {
        Expr i = body->kids[0]->kids[side], k = body->kids[0]->kids[1 - side];
        Interval range = interval_of(k);
        if (i->kind != EXPR_INDEX || i->index != index || !k->integer || expr_depends(k, index)) continue;
        if (range.known && range.low >= 0 && range.high < index->size) return expr_substitute(pool, body->kids[1], &index, &k, 1);
    }
    return NULL;
}

static Expr shorter_reduction(Program *program, Expr e) {
    Pool *pool = program->pool;
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
    Term one = {.over = 1, .under = 1}, outer = {.over = 1, .under = 1}, inner = {.over = 1, .under = 1};
    read_sum(&sum, body, &one);
    Expr result = e;
    if (!sum.too_large && sum.terms.count > 0) {
        Term common = take_common(&sum);
        Expr rest = write_terms(&sum);
        if (expr_is_op(rest, OP_ADD) || expr_is_op(rest, OP_SUB)) multiply_factor(arena, &common, rest, 1);
        else multiply(arena, &common, rest, 1);
        outer.over = common.over;
        outer.under = common.under;
        for (size_t i = 0; i < common.factors.count; i++) {
            Factor f = common.factors.at[i];
            multiply_factor(arena, expr_depends_any(f.base, bound, count) ? &inner : &outer, f.base, f.power);
        }
        Expr inside = write_product(pool, &inner), total;
        if (count == 1 && reads_whole_row(inside, bound[0])) total = expr_number(pool, 1);
        else total = expr_reduce(pool, REDUCE_SUM, bound, count, inside);
        total = expr_op2(pool, OP_MUL, size_of(program, idle, free_count), total);
        result = with_common(pool, arena, &outer, total);
    }
    arena_free(arena);
    return cheaper(e, result);
}

/* logsumexp(r: a + c) = logsumexp(r: a) + c where c does not depend on r  (the maximum that a careful writer subtracts goes away) */
Expr logsumexp_of(Program *program, Index *const *bound, int count, Expr body) {
    Pool *pool = program->pool;
    Arena *arena = arena_new();
    Sum sum = {.program = program, .pool = pool, .arena = arena}, inner = sum, outer = sum;
    Term one = {.over = 1, .under = 1};
    read_sum(&sum, body, &one);
    for (size_t i = 0; i < sum.terms.count; i++) {
        bool depends = false;
        for (size_t f = 0; f < sum.terms.at[i].factors.count; f++) depends |= expr_depends_any(sum.terms.at[i].factors.at[f].base, bound, count);
        add_term(depends ? &inner : &outer, sum.terms.at[i]);
    }
    Expr result = NULL;
    if (sum.too_large || outer.terms.count == 0 || inner.terms.count == 0) result = expr_reduce(pool, REDUCE_LOGSUMEXP, bound, count, body);
    else result = expr_op2(pool, OP_ADD, expr_reduce(pool, REDUCE_LOGSUMEXP, bound, count, write_terms(&inner)), write_terms(&outer));
    arena_free(arena);
    return result;
}

/* ---- Signs */

static bool sign_known(Expr e, bool strictly, int depth) {
    if (depth > 12 || e->condition) return false;
    if (e->kind == EXPR_CONST) return strictly ? e->value > 0 : e->value >= 0;
    if (e->kind == EXPR_INDEX) return !strictly;
    if (e->kind == EXPR_READ) {
        bool size = e->tensor->kind == TENSOR_SETTING && (!strictly || strcmp(e->tensor->name, "epoch") != 0);
        return size || (!strictly && !e->has_default && (e->tensor->facts.sums_to_one || e->tensor->index_range > 0));
    }
    if (e->kind == EXPR_REDUCE) {
        return e->reduction != REDUCE_LOGSUMEXP && e->reduction != REDUCE_ARGMAX && e->reduction != REDUCE_ARGMIN && sign_known(e->kids[0], strictly, depth + 1);
    }
    if (e->kind != EXPR_OP) return false;
    if (e->op == OP_EXP || e->op == OP_COSH || e->op == OP_SIGMOID || e->op == OP_SOFTPLUS) return true;
    if (!strictly && (e->op == OP_ABS || e->op == OP_SQRT)) return true;
    if (!strictly && e->op == OP_POW && expr_is(e->kids[1], 2)) return true;
    if (e->op == OP_SQRT || e->op == OP_POW) return sign_known(e->kids[0], strictly, depth + 1);
    if (e->op == OP_ADD && strictly) {
        return (sign_known(e->kids[0], true, depth + 1) && sign_known(e->kids[1], false, depth + 1)) ||
               (sign_known(e->kids[0], false, depth + 1) && sign_known(e->kids[1], true, depth + 1));
    }
    if (e->op == OP_IF) return sign_known(e->kids[1], strictly, depth + 1) && sign_known(e->kids[2], strictly, depth + 1);
    if (e->op != OP_ADD && e->op != OP_MUL && e->op != OP_DIV) return false;
    return sign_known(e->kids[0], strictly, depth + 1) && sign_known(e->kids[1], strictly, depth + 1);
}

bool is_positive(Expr e) { return sign_known(e, true, 0); }
bool is_not_negative(Expr e) { return sign_known(e, false, 0); }

/* ---- All together */

void note_rewrite(Program *program, Statement *statement, const char *rule) {
    for (size_t i = 0; i < statement->rewrites.count; i++) {
        if (strcmp(statement->rewrites.at[i], rule) == 0) return;
    }
    vec_push(pool_arena(program->pool), &statement->rewrites, rule);
}

typedef struct {
    Program *program;
    Rules *rules;
    Statement *statement;
} Context;

static Expr step(void *context, Expr e) {
    Context *c = context;
    if (e->integer || e->condition) return e;
    for (int round = 0; round < 20; round++) {
        const char *name = NULL;
        Expr next = rules_algebra(c->rules, e, &name);
        if (next == NULL) break;
        note_rewrite(c->program, c->statement, name);
        e = next;
        if (e->kind != EXPR_OP) return e;
    }
    if (e->kind == EXPR_REDUCE) {
        Expr next = shorter_reduction(c->program, e);
        if (next != e) note_rewrite(c->program, c->statement, "what does not depend on the index of a sum stands before it");
        return next;
    }
    if (!expr_is_op(e, OP_ADD) && !expr_is_op(e, OP_SUB) && !expr_is_op(e, OP_MUL) && !expr_is_op(e, OP_DIV) && !expr_is_op(e, OP_NEG)) return e;
    Expr next = shorter(c->program, e);
    if (next != e) note_rewrite(c->program, c->statement, "sums and products collected");
    return next;
}

Expr algebra(Program *program, Rules *rules, Expr e, Statement *noted) {
    enum { MOST_ROUNDS = 6 }; /* what one rewrite brings together another may shorten */
    Context context = {program, rules, noted};
    for (int round = 0; round < MOST_ROUNDS; round++) {
        Expr before = e;
        e = expr_rewrite(program->pool, e, step, &context);
        if (e == before) break;
    }
    return e;
}
