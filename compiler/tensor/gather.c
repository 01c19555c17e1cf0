/* Scatter to gather: the subscripts of a read are inverted.

       dA[f(i)] += value(i)  over all i      becomes      dA[w] = sum(rest: if guard then value(i(w, rest)) else 0)

   1. A subscript with `/` or `mod` by c is made affine: an index whose range is a multiple of c is split, i = c q + p; otherwise
      x / c = w is written x = c w + p with a new index p below c.
   2. The equations  f_k(i) = w_k  are solved one after the other, those with the fewest unknowns first: in mixed radix where the
      coefficients nest, else for the index of the largest range whose solution is no division that another equation would contain.
      What must hold for a solution to exist becomes a guard: divisibility, and the ranges of the indices that were solved for.
   3. A range guard that says no more than "the adjoint is read inside" becomes a read with default 0. */
#include "tensor/steps.h"

typedef struct {
    Affine side; /* = axis, over unknowns and axes */
    Index *axis;
} Equation;

typedef struct {
    Pool *pool;
    Arena *arena;
    Vec(Index *) unknowns;
    Vec(Equation) equations;
    Expr value, seed, guard;
} Gather;

static int64_t positive(int64_t x) { return x < 0 ? -x : x; }
static Expr number(Gather *g, int64_t x) { return expr_number(g->pool, (double)x); }
static Expr index_of(Gather *g, Index *index) { return expr_index(g->pool, index); }
static void require(Gather *g, Expr condition) { g->guard = expr_op2(g->pool, OP_AND, g->guard, condition); }

static bool is_unknown(const Gather *g, Expr term) {
    for (size_t i = 0; term->kind == EXPR_INDEX && i < g->unknowns.count; i++) {
        if (g->unknowns.at[i] == term->index) return true;
    }
    return false;
}

static void forget(Gather *g, const Index *index) {
    for (size_t i = 0; i < g->unknowns.count; i++) {
        if (g->unknowns.at[i] != index) continue;
        g->unknowns.count--;
        memmove(g->unknowns.at + i, g->unknowns.at + i + 1, sizeof *g->unknowns.at * (g->unknowns.count - i));
        return;
    }
}

/* ---- Replacing an unknown by what it was found to be */

static void replace(Gather *g, Index *index, Expr by) {
    g->value = expr_substitute(g->pool, g->value, &index, &by, 1);
    g->seed = expr_substitute(g->pool, g->seed, &index, &by, 1);
    g->guard = expr_substitute(g->pool, g->guard, &index, &by, 1);
    forget(g, index);
}

static bool replace_in_equations(Gather *g, Index *index, Expr by) {
    for (size_t i = 0; i < g->equations.count; i++) {
        Expr side = expr_substitute(g->pool, affine_expr(g->pool, &g->equations.at[i].side), &index, &by, 1);
        if (!affine_of(g->pool, side, &g->equations.at[i].side)) return false;
    }
    return true;
}

/* ---- 1. `/` and `mod` */

static Expr innermost_division(Expr e) {
    for (int k = 0; k < e->count; k++) {
        Expr inner = e->kind == EXPR_OP ? innermost_division(e->kids[k]) : NULL;
        if (inner != NULL) return inner;
    }
    return expr_is_op(e, OP_FLOORDIV) || expr_is_op(e, OP_MOD) ? e : NULL;
}

static bool splittable(Pool *pool, Expr division, int64_t by, Index **found) {
    Affine x;
    if (!affine_in_indices(pool, division->kids[0], &x)) return false;
    for (size_t i = 0; i < x.terms.count; i++) {
        Index *index = x.terms.at[i].term->index;
        bool others_fit = x.constant % by == 0; /* so that q and p are the quotient and the remainder */
        for (size_t k = 0; k < x.terms.count; k++) others_fit &= k == i || x.terms.at[k].coefficient % by == 0;
        if (x.terms.at[i].coefficient == 1 && others_fit && index->size % by == 0 && index->size > by) {
            *found = index;
            return true;
        }
    }
    return false;
}

/* An axis whose division cannot be solved is `left`: its subscript stays as it is. */
static void make_affine(Gather *g, Expr *subscripts, int rank, Index *const *axes, bool *left) {
    for (int rounds = 0; rounds < 64; rounds++) {
        Expr division = NULL;
        int where = 0;
        for (int k = 0; k < rank && division == NULL; k++) {
            if (!left[k]) division = innermost_division(subscripts[k]);
            where = k;
        }
        if (division == NULL) break;
        Expr divisor = division->kids[1];
        int64_t by = divisor->kind == EXPR_CONST ? (int64_t)divisor->value : 0;
        Index *split;
        if (by <= 0) {
            left[where] = true;
            continue;
        }
        if (splittable(g->pool, division, by, &split)) {
            Index *q = index_new(g->pool, split->name, split->size / by), *p = index_new(g->pool, split->name, by);
            Expr parts = expr_op2(g->pool, OP_ADD, expr_op2(g->pool, OP_MUL, number(g, by), index_of(g, q)), index_of(g, p));
            replace(g, split, parts);
            for (int k = 0; k < rank; k++) subscripts[k] = expr_substitute(g->pool, subscripts[k], &split, &parts, 1);
            vec_push(g->arena, &g->unknowns, q);
            vec_push(g->arena, &g->unknowns, p);
            continue;
        }
        /* x / c + rest = w:  x = c (w - rest) + p.   x mod c + rest = w:  x = c q + (w - rest), 0 <= w - rest < c */
        Affine side;
        Interval range = interval_of(division->kids[0]);
        bool affine = range.known && affine_of(g->pool, subscripts[where], &side);
        int64_t coefficient = 0;
        for (size_t i = 0; affine && i < side.terms.count; i++) {
            if (side.terms.at[i].term == division) coefficient = side.terms.at[i].coefficient;
        }
        if (coefficient != 1) {
            left[where] = true;
            continue;
        }
        Expr rest = expr_op2(g->pool, OP_SUB, subscripts[where], division);
        Expr w = expr_op2(g->pool, OP_SUB, index_of(g, axes[where]), rest), equal;
        if (division->op == OP_FLOORDIV) {
            Index *p = index_new(g->pool, axes[where]->name, by);
            vec_push(g->arena, &g->unknowns, p);
            equal = expr_op2(g->pool, OP_ADD, expr_op2(g->pool, OP_MUL, number(g, by), w), index_of(g, p));
        } else {
            int64_t low = range.low >= 0 ? range.low / by : -((-range.low + by - 1) / by),
                    high = range.high >= 0 ? range.high / by : -((-range.high + by - 1) / by);
            Index *q = index_new(g->pool, axes[where]->name, high - low + 1);
            vec_push(g->arena, &g->unknowns, q);
            Expr turns = expr_op2(g->pool, OP_ADD, index_of(g, q), number(g, low));
            equal = expr_op2(g->pool, OP_ADD, expr_op2(g->pool, OP_MUL, number(g, by), turns), w);
            require(g, expr_op2(g->pool, OP_GE, w, number(g, 0)));
            require(g, expr_op2(g->pool, OP_LT, w, number(g, by)));
        }
        /* as an equation  axis = (x - equal) + axis */
        subscripts[where] =
            expr_op2(g->pool, OP_ADD, expr_op2(g->pool, OP_SUB, division->kids[0], equal), index_of(g, axes[where]));
    }
}

/* ---- 2. Solving */

static size_t count_unknowns(const Gather *g, const Equation *equation) {
    size_t count = 0;
    for (size_t i = 0; i < equation->side.terms.count; i++) count += is_unknown(g, equation->side.terms.at[i].term);
    return count;
}

static void look_for_other_reads(void *context, Expr e) {
    Expr *state =
        context; /* state[0]: the seed; state[1]: the index, as an expression; state[2]: not NULL if it is used elsewhere */
    bool relevant = e->kind == EXPR_READ && expr_depends(e, state[1]->index);
    if (relevant && e != state[0]) state[2] = e;
}

static Expr replace_seed(void *context, Expr e) {
    Expr *state = context;
    return e == state[0] ? state[1] : e;
}

/* May the guard "the solution lies in the range of `index`" be left to a read of the adjoint with default 0? */
static bool leave_to_default(Gather *g, Index *index) {
    Expr seed = g->seed;
    if (seed->kind != EXPR_READ || g->value->integer) return false;
    bool plain = false;
    for (int i = 0; i < seed->tensor->rank; i++) {
        if (seed->kids[i]->kind == EXPR_INDEX && seed->kids[i]->index == index) plain = seed->tensor->shape[i] == index->size;
    }
    Expr state[3] = {seed, index_of(g, index), NULL};
    expr_visit(g->pool, g->value, look_for_other_reads, state);
    if (!plain || state[2] != NULL) return false;
    Expr dummy[2] = {seed, expr_number(g->pool, 0.5)}; /* does anything but the seed depend on it? */
    Expr without = expr_rewrite(g->pool, g->value, replace_seed, dummy);
    return !expr_depends(without, index);
}

/* The same, but with default 0 whatever the range: expr_read drops a default that cannot be read, so the index stands for itself
   until it is replaced. */
static void give_default(Gather *g, Index *index, Expr by) {
    Expr seed = g->seed, subscripts[seed->tensor->rank];
    for (int i = 0; i < seed->tensor->rank; i++) subscripts[i] = expr_substitute(g->pool, seed->kids[i], &index, &by, 1);
    Expr read = expr_read(g->pool, seed->tensor, subscripts, seed->tensor->rank, expr_number(g->pool, 0));
    Expr state[2] = {seed, read};
    g->value = expr_rewrite(g->pool, g->value, replace_seed, state);
    g->seed = read;
}

static void within(Gather *g, Index *index, Expr solution) {
    Interval range = interval_of(solution);
    bool low = !range.known || range.low < 0, high = !range.known || range.high >= index->size;
    if (index->batch) low = high = false; /* an example stays what it is */
    if ((low || high) && leave_to_default(g, index)) {
        give_default(g, index, solution);
        return;
    }
    if (low) require(g, expr_op2(g->pool, OP_GE, solution, number(g, 0)));
    if (high) require(g, expr_op2(g->pool, OP_LT, solution, number(g, index->size)));
}

/* axis - constant - terms of what is known */
static Expr known_side(Gather *g, const Equation *equation, const Index *except) {
    Expr side = expr_op2(g->pool, OP_SUB, index_of(g, equation->axis), number(g, equation->side.constant));
    for (size_t i = 0; i < equation->side.terms.count; i++) {
        AffineTerm t = equation->side.terms.at[i];
        if (t.term->kind == EXPR_INDEX && t.term->index == except) continue;
        side = expr_op2(g->pool, OP_SUB, side, expr_op2(g->pool, OP_MUL, number(g, t.coefficient), t.term));
    }
    return side;
}

/* Do the unknowns form the digits of a number (each coefficient is the next one times its index' size), and stand nowhere else? */
static bool is_mixed_radix(const Gather *g, const Equation *equation, AffineTerm *digits, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < equation->side.terms.count; i++) {
        AffineTerm t = equation->side.terms.at[i];
        if (!is_unknown(g, t.term) || t.coefficient < 0) return false;
        size_t to = at++;
        while (to > 0 && digits[to - 1].coefficient < t.coefficient) {
            digits[to] = digits[to - 1];
            to--;
        }
        digits[to] = t;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        if (digits[i].coefficient != digits[i + 1].coefficient * digits[i + 1].term->index->size) return false;
    }
    for (size_t e = 0; e < g->equations.count; e++) {
        for (size_t i = 0; i < g->equations.at[e].side.terms.count; i++) {
            for (size_t k = 0; k < count; k++) {
                if (g->equations.at[e].side.terms.at[i].term == digits[k].term) return false;
            }
        }
    }
    return count > 1;
}

static void solve_mixed_radix(Gather *g, const Equation *equation, const AffineTerm *digits, size_t count) {
    int64_t unit = digits[count - 1].coefficient;
    Expr value = expr_op2(g->pool, OP_SUB, index_of(g, equation->axis), number(g, equation->side.constant));
    if (unit != 1) {
        require(g, expr_op2(g->pool, OP_EQ, expr_op2(g->pool, OP_MOD, value, number(g, unit)), number(g, 0)));
        value = expr_op2(g->pool, OP_FLOORDIV, value, number(g, unit));
    }
    for (size_t i = 0; i < count; i++) {
        Index *index = digits[i].term->index;
        Expr digit = expr_op2(g->pool, OP_FLOORDIV, value, number(g, digits[i].coefficient / unit));
        if (i > 0) digit = expr_op2(g->pool, OP_MOD, digit, number(g, index->size));
        else within(g, index, digit);
        replace(g, index, digit);
    }
}

/* A division in its solution would stand in another equation, too, which could not be solved then. */
static bool divides_another(const Gather *g, AffineTerm t) {
    bool divides = false;
    for (size_t i = 0; i < g->equations.count && positive(t.coefficient) > 1; i++) {
        for (size_t k = 0; k < g->equations.at[i].side.terms.count; k++)
            divides |= g->equations.at[i].side.terms.at[k].term == t.term;
    }
    return divides;
}

/* The unknown that the equation is to be solved for. */
static AffineTerm best_unknown(const Gather *g, const Equation *equation) {
    AffineTerm best = {0};
    for (size_t i = 0; i < equation->side.terms.count; i++) {
        AffineTerm t = equation->side.terms.at[i];
        if (!is_unknown(g, t.term)) continue;
        bool better = best.term == NULL || t.term->index->size > best.term->index->size ||
                      (t.term->index->batch && !best.term->index->batch);
        if (best.term != NULL && divides_another(g, t) != divides_another(g, best)) better = divides_another(g, best);
        if (better) best = t;
    }
    return best;
}

static bool solve_for(Gather *g, const Equation *equation, AffineTerm best) {
    Index *index = best.term->index;
    Expr solution = known_side(g, equation, index);
    if (best.coefficient < 0) solution = expr_op1(g->pool, OP_NEG, solution);
    int64_t by = positive(best.coefficient);
    if (by > 1) {
        require(g, expr_op2(g->pool, OP_EQ, expr_op2(g->pool, OP_MOD, solution, number(g, by)), number(g, 0)));
        solution = expr_op2(g->pool, OP_FLOORDIV, solution, number(g, by));
    }
    within(g, index, solution);
    replace(g, index, solution);
    return replace_in_equations(g, index, solution);
}

static bool solve(Gather *g) {
    while (g->equations.count > 0) {
        size_t best = 0;
        for (size_t i = 1; i < g->equations.count; i++) {
            if (count_unknowns(g, &g->equations.at[i]) < count_unknowns(g, &g->equations.at[best])) best = i;
        }
        Equation equation = g->equations.at[best];
        g->equations.count--;
        memmove(g->equations.at + best, g->equations.at + best + 1, sizeof equation * (g->equations.count - best));
        size_t unknowns = count_unknowns(g, &equation);
        AffineTerm digits[equation.side.terms.count + 1], chosen = best_unknown(g, &equation);
        if (unknowns == 0 || (!is_mixed_radix(g, &equation, digits, unknowns) && divides_another(g, chosen))) {
            require(g, expr_op2(g->pool, OP_EQ, affine_expr(g->pool, &equation.side), index_of(g, equation.axis)));
        } else if (is_mixed_radix(g, &equation, digits, unknowns)) {
            solve_mixed_radix(g, &equation, digits, unknowns);
        } else if (!solve_for(g, &equation, chosen)) {
            return false;
        }
    }
    return true;
}

/* `if` does not widen what may be read: a read that only the guard keeps inside gets a default, which is never used. */
static Expr with_default(void *context, Expr e) {
    Gather *g = context;
    if (e->kind != EXPR_READ || e->has_default) return e;
    return expr_read(g->pool, e->tensor, e->kids, e->tensor->rank, number(g, 0));
}

/* In a scan its steps are known before all else, so that what reads the other axes is never asked for another step. */
static bool solve_step(Gather *g, Expr *subscripts, int rank, Index *const *axes, int step) {
    Affine side;
    if (!affine_in_indices(g->pool, subscripts[step], &side) || side.terms.count != 1) return false;
    Index *index = side.terms.at[0].term->index;
    Expr solution = expr_op2(g->pool, OP_SUB, index_of(g, axes[step]), number(g, side.constant));
    within(g, index, solution);
    replace(g, index, solution);
    for (int i = 0; i < rank; i++) subscripts[i] = expr_substitute(g->pool, subscripts[i], &index, &solution, 1);
    return true;
}

Expr gathered(Pool *pool, const Tensor *target, Index *const *axes, Index *const *indices, int count, const Expr *read,
              Expr value, Expr seed, int step) {
    Gather gather = {.pool = pool, .arena = pool_arena(pool), .value = value, .seed = seed, .guard = expr_truth(pool, true)};
    Gather *g = &gather;
    Expr subscripts[target->rank + 1];
    for (int i = 0; i < target->rank; i++) subscripts[i] = read[i];
    for (int i = 0; i < count; i++) vec_push(g->arena, &g->unknowns, indices[i]);
    bool left[target->rank + 1];
    memset(left, 0, sizeof left);
    bool known = step >= 0 && solve_step(g, subscripts, target->rank, axes, step);
    for (int i = 0; known && i < target->rank; i++) /* a division of the step is known, not solved for */
        left[i] = expr_depends(subscripts[i], axes[step]) && innermost_division(subscripts[i]) != NULL;
    make_affine(g, subscripts, target->rank, axes, left);
    for (int i = 0; i < target->rank; i++) {
        Equation equation = {.axis = axes[i]};
        if (known && i == step) continue;
        if (!left[i] && !expr_has_reads(subscripts[i]) && affine_in_indices(pool, subscripts[i], &equation.side))
            vec_push(g->arena, &g->equations, equation);
        else require(g, expr_op2(pool, OP_EQ, subscripts[i], index_of(g, axes[i]))); /* all points are tried */
    }
    if (!solve(g)) return NULL;
    for (size_t i = 0; i < g->unknowns.count && step < 0; i++) { /* trying all points costs more than a scatter */
        for (int k = 0; k < target->rank; k++) {
            if (expr_has_reads(read[k]) && expr_depends(g->guard, g->unknowns.at[i])) return NULL;
        }
    }
    g->value = expr_rewrite(pool, g->value, with_default, g);
    g->guard = expr_rewrite(pool, g->guard, with_default, g); /* an index tensor, read where the adjoint is 0 */
    Expr body = expr_if(pool, g->guard, g->value, expr_number(pool, 0));
    return expr_reduce(pool, REDUCE_SUM, g->unknowns.at, (int)g->unknowns.count, body);
}
