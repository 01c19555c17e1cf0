/* The algebra: random formulas keep their value and never become dearer, and every rule of rules.def fires where it should and stays
   away where its condition does not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_model.h"
#include "tensor/steps.h"

/* ---- Random formulas over reads x[k], i and sums */

enum { ROUNDS = 20000, TOGETHER = 200, POINTS = 4, SIZE = 3, TENSORS = 4 };

typedef struct {
    Arena *arena;
    Pool *pool;
    Program *program;
    Tensor *x[TENSORS];
    Index *i, *j, *k; /* i is free, sums go over j and k */
    uint64_t seed, drawn;
} Fixture;

static double drawn(Fixture *f) { return nnc_random_uniform(f->seed, 11, 0, f->drawn++); }
static int below(Fixture *f, int limit) { return (int)(drawn(f) * limit); }

static void fixture_new(Fixture *f, uint64_t seed) {
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    *f = (Fixture){.arena = arena, .pool = pool_new(arena, names), .seed = seed};
    f->program = program_new(f->pool, name_of(names, "algebra"));
    f->i = index_new(f->pool, name_of(names, "i"), SIZE);
    f->j = index_new(f->pool, name_of(names, "j"), SIZE);
    f->k = index_new(f->pool, name_of(names, "k"), SIZE);
    static const char *const letters[] = {"p", "q", "r", "s"};
    for (int k = 0; k < TENSORS; k++) f->x[k] = tensor_new(f->program, TENSOR_INPUT, letters[k], 1, (int64_t[]){SIZE});
}

static Expr leaf(Fixture *f, bool bound) {
    static const double numbers[] = {0, 1, 2, -1, 0.5, 3, -2, 0.25};
    if (below(f, 3) == 0) return expr_number(f->pool, numbers[below(f, 8)]);
    Index *index = bound && below(f, 2) == 0 ? (below(f, 3) == 0 ? f->k : f->j) : f->i;
    if (below(f, 12) == 0) return expr_index(f->pool, index);
    return tensor_at(f->program, f->x[below(f, TENSORS)], &index);
}

static Expr formula(Fixture *f, int depth, bool bound) {
    static const Op twos[] = {OP_ADD, OP_SUB, OP_MUL, OP_MUL, OP_DIV, OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN};
    static const Op ones[] = {OP_NEG, OP_NEG,  OP_EXP, OP_LOG,     OP_SQRT,    OP_SIN,      OP_COS,      OP_TANH,
                              OP_ABS, OP_SIGN, OP_ERF, OP_SIGMOID, OP_SIGMOID, OP_SOFTPLUS, OP_SOFTPLUS, OP_COSH};
    static const double powers[] = {2, 3, -1, -2, 0.5, 1, 0};
    if (depth == 0) return leaf(f, bound);
    int kind = below(f, 20);
    if (kind < 10) {
        Expr a = formula(f, depth - 1, bound), b = below(f, 5) == 0 ? a : formula(f, below(f, depth), bound);
        return below(f, 2) == 0 ? expr_op2(f->pool, twos[below(f, 10)], a, b) : expr_op2(f->pool, twos[below(f, 10)], b, a);
    }
    if (kind < 15) return expr_op1(f->pool, ones[below(f, 16)], formula(f, depth - 1, bound));
    if (kind < 17) return expr_op2(f->pool, OP_POW, formula(f, depth - 1, bound), expr_number(f->pool, powers[below(f, 7)]));
    if (kind == 17) {
        static const Op tests[] = {OP_GT, OP_LE, OP_LT, OP_GE};
        Expr condition = expr_op2(f->pool, tests[below(f, 4)], leaf(f, bound), leaf(f, bound));
        return expr_if(f->pool, condition, formula(f, depth - 1, bound), formula(f, depth - 1, bound));
    }
    if (bound) return formula(f, depth - 1, true);
    static const Reduction reductions[] = {REDUCE_SUM, REDUCE_SUM, REDUCE_SUM, REDUCE_MAX, REDUCE_PROD, REDUCE_LOGSUMEXP};
    Expr body = formula(f, depth - 1, true);
    if (below(f, 3) == 0) { /* one element is picked */
        Expr which =
            below(f, 3) == 0 ? expr_number(f->pool, below(f, SIZE)) : expr_index(f->pool, below(f, 4) == 0 ? f->k : f->i);
        body = expr_if(f->pool, expr_op2(f->pool, OP_EQ, expr_index(f->pool, f->j), which), body,
                       expr_number(f->pool, below(f, 8) == 0));
    }
    return expr_reduce(f->pool, reductions[below(f, 6)], (Index *[]){f->j, f->k}, 2, body);
}

/* Of the kind that rules for exp, log and sigmoid look for. */
static Expr exponential(Fixture *f, int depth, bool bound) {
    if (depth == 0) return below(f, 4) == 0 ? expr_number(f->pool, below(f, 3)) : leaf(f, bound);
    Expr a = exponential(f, depth - 1, bound), b = below(f, 3) == 0 ? a : exponential(f, below(f, depth), bound),
         one = expr_number(f->pool, 1);
    Expr e = expr_op1(f->pool, OP_EXP, a);
    switch (below(f, 14)) {
    case 0: return e;
    case 1: return expr_op1(f->pool, OP_LOG, a);
    case 2: return expr_op2(f->pool, OP_DIV, b, a);
    case 3: return expr_op2(f->pool, OP_MUL, b, e);
    case 4: return expr_op2(f->pool, OP_ADD, one, e);
    case 5: return expr_op2(f->pool, OP_DIV, one, expr_op2(f->pool, OP_ADD, e, one));
    case 6: return expr_op1(f->pool, OP_SIGMOID, a);
    case 7: return expr_op2(f->pool, OP_SUB, one, expr_op1(f->pool, OP_SIGMOID, a));
    case 8: return expr_op2(f->pool, OP_ADD, e, expr_op1(f->pool, OP_EXP, b));
    case 9: return expr_op2(f->pool, OP_DIV, e, expr_op2(f->pool, OP_ADD, e, expr_op1(f->pool, OP_EXP, b)));
    case 10: return expr_op1(f->pool, below(f, 2) == 0 ? OP_TANH : OP_COSH, a);
    case 11: return expr_op1(f->pool, OP_LOG, expr_op2(f->pool, OP_ADD, one, e));
    case 12: return expr_op2(f->pool, OP_POW, e, expr_number(f->pool, below(f, 4) - 1.5));
    default: break;
    }
    if (bound) return e;
    Expr inside = exponential(f, depth - 1, true);
    Expr sum = expr_reduce(f->pool, below(f, 5) == 0 ? REDUCE_PROD : REDUCE_SUM, (Index *[]){f->j, f->k}, 2,
                           expr_op1(f->pool, OP_EXP, inside));
    Expr here = expr_index(f->pool, f->i);
    Expr at = expr_op1(f->pool, OP_EXP, expr_substitute(f->pool, inside, (Index *[]){f->j, f->k}, (Expr[]){here, here}, 2));
    return below(f, 3) == 0 ? expr_op1(f->pool, OP_LOG, sum) : expr_op2(f->pool, OP_DIV, below(f, 3) == 0 ? b : at, sum);
}

/* A point: what the tensors hold, and where the indices in scope stand. */
typedef struct {
    Fixture *f;
    double x[TENSORS][SIZE];
    const Index *index[16];
    int at[16], depth;
} Point;

static double value_of(Point *p, Expr e, double *largest);

/* The terms of a reduction, one after the other; returns how many. */
static int terms(Point *p, Expr e, int level, double *all, int count, double *largest) {
    if (level == e->bound_count) {
        all[count] = value_of(p, e->kids[0], largest);
        return count + 1;
    }
    int slot = p->depth++;
    p->index[slot] = e->bound[level];
    for (p->at[slot] = 0; p->at[slot] < e->bound[level]->size; p->at[slot]++) count = terms(p, e, level + 1, all, count, largest);
    p->depth--;
    return count;
}

static double reduced(Point *p, Expr e, double *largest) {
    double all[SIZE * SIZE], sum = 0, product = 1, most = -INFINITY, shifted = 0;
    int count = terms(p, e, 0, all, 0, largest);
    for (int k = 0; k < count; k++) {
        sum += all[k];
        product *= all[k];
        most = isnan(all[k]) || isnan(most) ? NAN : fmax(most, all[k]);
    }
    if (e->reduction == REDUCE_SUM) return sum;
    if (e->reduction == REDUCE_PROD) return product;
    if (e->reduction == REDUCE_MAX || !isfinite(most)) return most;
    for (int k = 0; k < count; k++) shifted += exp(all[k] - most);
    return most + log(shifted);
}

/* *largest: how large, or how small, anything got on the way: where parts are huge their difference says little. */
static double value_of(Point *p, Expr e, double *largest) {
    double value = NAN, kid[3] = {0};
    if (e->kind == EXPR_CONST) {
        value = e->value;
    } else if (e->kind == EXPR_INDEX) {
        for (int k = 0; k < p->depth; k++) value = p->index[k] == e->index ? p->at[k] : value;
    } else if (e->kind == EXPR_READ) {
        int at = (int)value_of(p, e->kids[0], largest);
        for (int k = 0; k < TENSORS; k++) value = p->f->x[k] == e->tensor ? p->x[k][at] : value;
    } else if (e->kind == EXPR_OP) {
        for (int k = 0; k < e->count; k++) kid[k] = value_of(p, e->kids[k], largest);
        value = op_value(e->op, kid[0], kid[1], kid[2]);
    } else {
        value = reduced(p, e, largest);
    }
    double size = !isfinite(value) ? INFINITY : e->condition || value == 0 ? 0 : fmax(fabs(value), 1 / fabs(value));
    *largest = fmax(*largest, size);
    return value;
}

static const char *text_of(Fixture *f, Expr e) {
    Text *text = text_new(f->arena);
    expr_print(text, e);
    return text_string(text);
}

static void compare(Fixture *f, Expr before, Expr after, int *compared, int *wrong) {
    for (int point = 0; point < POINTS; point++) {
        Point p = {.f = f, .index = {f->i}, .depth = 1};
        for (int k = 0; k < TENSORS; k++) {
            for (int i = 0; i < SIZE; i++) p.x[k][i] = 4 * drawn(f) - (point % 2 == 0 ? 0 : 2);
        }
        for (p.at[0] = 0; p.at[0] < SIZE; p.at[0]++) {
            double large = 1, other = 1, a = value_of(&p, before, &large), b = value_of(&p, after, &other);
            if (!isfinite(a) || large > 1e4 || (isfinite(b) && other > 1e5)) continue;
            ++*compared;
            if (fabs(a - b) <= 1e-9 * large) continue;
            if (++*wrong > 10) return;
            print_error("%s\nbecomes %s\nat a point where they are %.17g and %.17g\n", text_of(f, before), text_of(f, after), a,
                        b);
            return;
        }
    }
}

/* Operations as they are written, every part each time that it stands there. */
static double written(Expr e) {
    double own = e->kind == EXPR_OP ? op_info(e->op)->cost : 0;
    if (expr_is_op(e, OP_POW) && expr_is(e->kids[1], 2)) own = 1;
    for (int k = 0; k < e->count; k++) own += written(e->kids[k]);
    return e->kind == EXPR_REDUCE ? (own + 1) * index_product(e->bound, e->bound_count) : own;
}

/* Rules look at one place: what was shared with another place may become dearer by a little, but then less is written. */
static bool grew(Expr before, Expr after) { return expr_cost(after) > expr_cost(before) && written(after) > written(before); }

static void count_round(Fixture *f, Expr before, Expr after, int *changed, int *compared, int *wrong) {
    if (after == before) return;
    ++*changed;
    compare(f, before, after, compared, wrong);
}

static void test_random_algebra(void **state) {
    (void)state;
    Fixture f;
    Statement noted = {0};
    int changed = 0, compared = 0, wrong = 0;
    for (int start = 0; start < ROUNDS && wrong < 10; start += TOGETHER) {
        fixture_new(&f, 1000 + (uint64_t)start);
        Rules *rules = rules_of(f.program);
        for (int round = 0; round < TOGETHER; round++) {
            Expr before = formula(&f, 2 + round % 4, false);
            noted = (Statement){0};
            Expr after = algebra(f.program, rules, before, &noted);
            if (grew(before, after)) {
                print_error("%s\nbecomes %s\nwhich costs %g instead of %g\n", text_of(&f, before), text_of(&f, after),
                            expr_cost(after), expr_cost(before));
                wrong++;
            }
            count_round(&f, before, after, &changed, &compared, &wrong);
        }
        arena_free(f.arena);
    }
    assert_int_equal(wrong, 0);
    assert_true(changed > ROUNDS / 4);
    assert_true(compared > ROUNDS);
}

/* Statements in which exponentials, their sums and quotients abound. */
static void test_random_stable(void **state) {
    (void)state;
    Fixture f;
    int changed = 0, compared = 0, wrong = 0;
    for (int start = 0; start < ROUNDS && wrong < 10; start += TOGETHER) {
        fixture_new(&f, 500000 + (uint64_t)start);
        Vec(Expr) before = {0};
        for (int round = 0; round < TOGETHER; round++) {
            Tensor *y = tensor_new(f.program, TENSOR_VALUE, "y", 1, (int64_t[]){SIZE});
            vec_push(f.arena, &before, exponential(&f, 1 + round % 4, false));
            statement_add(f.program, &f.program->forward, y, &f.i, 1, before.at[round], (Origin){0});
        }
        stabilize(f.program);
        for (int round = 0; round < TOGETHER; round++) {
            count_round(&f, before.at[round], f.program->forward.at[round]->value, &changed, &compared, &wrong);
        }
        arena_free(f.arena);
    }
    assert_int_equal(wrong, 0);
    assert_true(changed > ROUNDS / 10);
    assert_true(compared > ROUNDS / 10);
}

/* ---- Each rule: a formula where it fires, with what comes out, and one where it must not */

typedef enum { RULE_STABLE, RULE_LN, RULE_ALGEBRA, RULE_EXACT } Family;

typedef struct {
    Family family;
    const char *name, *pattern;
} Rule;

static const Rule rules_table[] = {
#define STABLE(name, pattern, ...) {RULE_STABLE, name, pattern},
#define LN(name, pattern, ...) {RULE_LN, name, pattern},
#define ALGEBRA(name, pattern, ...) {RULE_ALGEBRA, name, pattern},
#define EXACT(name, pattern, ...) {RULE_EXACT, name, pattern},
#include "tensor/rules.def"
#undef STABLE
#undef LN
#undef ALGEBRA
#undef EXACT
};
enum { RULES = sizeof rules_table / sizeof *rules_table };

typedef struct {
    const char *pattern, *fires, *result,
        *near_miss; /* near_miss: comes out as `missed`, or as it was written where that is NULL */
} Firing;

/* a, b, u, v: any numbers. t: one-hot. All over i (or j) in 0..3. */
/* clang-format off */
static const Firing firings[] = {
    {"log(a)", "log(exp(a[i]))", "a[i]", "log(a[i])"},
    {"1 / (1 + exp(a))", "1 / (1 + exp(a[i]))", "sigmoid(-a[i])", "1 / (2 + exp(a[i]))"},
    {"exp(a) / (1 + exp(a))", "exp(a[i]) / (1 + exp(a[i]))", "sigmoid(a[i])", "exp(a[i]) / (2 + exp(a[i]))"},
    {"exp(a) / (exp(a) + exp(b))", "exp(a[i]) / (exp(b[i]) + exp(a[i]))", "sigmoid(a[i] - b[i])", "exp(a[i]) / (exp(b[i]) + exp(u[i]))"},
    {"(1 + tanh(a)) / 2", "(1 + tanh(a[i])) / 2", "sigmoid(2 * a[i])", "(2 + tanh(a[i])) / 2"},
    {"(1 - tanh(a)) / 2", "(1 - tanh(a[i])) / 2", "sigmoid(-2 * a[i])", "(1 - tanh(a[i])) / 3"},
    {"0.5 * (1 + tanh(a))", "(1 + tanh(a[i])) * 0.5", "sigmoid(2 * a[i])", "0.25 * (1 + tanh(a[i]))"},
    {"0.5 * (1 - tanh(a))", "0.5 * (1 - tanh(a[i]))", "sigmoid(-2 * a[i])", "0.5 * (tanh(a[i]) - 1)"},
    {"0.5 + 0.5 * tanh(a)", "tanh(a[i]) * 0.5 + 0.5", "sigmoid(2 * a[i])", "0.5 + 0.25 * tanh(a[i])"},
    {"0.5 - 0.5 * tanh(a)", "0.5 - 0.5 * tanh(a[i])", "sigmoid(-2 * a[i])", "0.5 * tanh(a[i]) - 0.5"},
    {"(exp(a) - exp(-a)) / (exp(a) + exp(-a))", "(exp(a[i]) - exp(-a[i])) / (exp(-a[i]) + exp(a[i]))", "tanh(a[i])", "(exp(a[i]) - exp(-b[i])) / (exp(a[i]) + exp(-a[i]))"},
    {"(exp(2 * a) - 1) / (exp(2 * a) + 1)", "(exp(2 * a[i]) - 1) / (exp(2 * a[i]) + 1)", "tanh(a[i])", "(exp(2 * a[i]) - 1) / (exp(2 * a[i]) + 2)"},
    {"(1 - exp(-2 * a)) / (1 + exp(-2 * a))", "(1 - exp(-2 * a[i])) / (1 + exp(-2 * a[i]))", "tanh(a[i])", "(1 - exp(-2 * a[i])) / (2 + exp(-2 * a[i]))"},
    {"sinh(a) / cosh(a)", "sinh(a[i]) / cosh(a[i])", "tanh(a[i])", "sinh(a[i]) / cosh(b[i])"},
    {"log(a / b)", "log(b[i] / sum(j: exp(a[j])))", "log(b[i]) - logsumexp(j: a[j])", "log(b[i] / a[i])"},
    {"log(a / b)", "log(sum(j: exp(a[j])) / b[i])", "logsumexp(j: a[j]) - log(b[i])", "log(exp(a[i]) / b[i])"},
    {"log(a / b)", "log(sum(j: exp(a[j])) / (b[i] * sum(j: exp(u[j]))))", "logsumexp(j: a[j]) - (log(b[i]) + logsumexp(j2: u[j2]))", "log(exp(a[i]) / (b[i] * u[i]))"}, /* in two rounds */
    {"log(a * b)", "log(b[i] * sum(j: exp(a[j])))", "log(b[i]) + logsumexp(j: a[j])", "log(b[i] * a[i])"},
    {"log(a * b)", "log(sum(j: exp(a[j])) * b[i])", "logsumexp(j: a[j]) + log(b[i])", "log(exp(a[i]) * b[i])"},
    {"b * exp(a) / (1 + exp(a))", "b[i] * exp(a[i]) / (1 + exp(a[i]))", "b[i] * sigmoid(a[i])", "b[i] * exp(a[i]) / (2 + exp(a[i]))"},
    {"b / (1 + exp(a))", "b[i] / (1 + exp(a[i]))", "b[i] * sigmoid(-a[i])", "b[i] / (1 + a[i])"},
    {"a / b", "exp(a[i]) / sum(j: exp(a[j]))", "exp(a[i] - logsumexp(j: a[j]))", "b[i] / sum(j: exp(a[j]))"},
    {"a * b", "exp(a[i]) * sum(j: exp(a[j]))", "exp(a[i] + logsumexp(j: a[j]))", "b[i] * sum(j: exp(a[j]))"},
    {"a * b", "sum(j: exp(a[j])) * exp(a[i])", "exp(logsumexp(j: a[j]) + a[i])", "exp(a[i]) * sum(j: a[j])"},
    {"sum(r: a * b) / c", "sum(j: exp(a[j]) * b[j]) / sum(j: exp(a[j]))", "sum(j: exp(a[j] - logsumexp(j2: a[j2])) * b[j])", "sum(j: a[j] * b[j]) / sum(j: exp(a[j]))"},
    {"sum(r: b * a) / c", "sum(j: b[j] * exp(a[j])) / sum(j: exp(a[j]))", "sum(j: b[j] * exp(a[j] - logsumexp(j2: a[j2])))", "sum(j: b[j] * exp(a[j])) / sum(j: a[j])"},

    {"exp(a)", "log(exp(a[i]))", "a[i]", "log(a[i])"},
    {"a * b", "log(exp(a[i]) * sigmoid(b[i]))", "a[i] - softplus(-b[i])", "log(exp(a[i]) * b[i])"},
    {"a / b", "log(exp(a[i]) / exp(b[i]))", "a[i] - b[i]", "log(exp(a[i]) / b[i])"},
    {"sqrt(a)", "log(sqrt(exp(a[i])))", "a[i] / 2", "log(sqrt(a[i]))"},
    {"a ^ c", "log(exp(a[i])^b[i])", "b[i] * a[i]", "log(a[i]^b[i])"},
    {"sigmoid(a)", "log(sigmoid(a[i]))", "-softplus(-a[i])", "log(tanh(a[i]))"},
    {"1 - sigmoid(a)", "log(1 - sigmoid(a[i]))", "-softplus(a[i])", "log(2 - sigmoid(a[i]))"},
    {"cosh(a)", "log(cosh(a[i]))", "a[i] + softplus(-2 * a[i]) - 0.6931471805599453", "log(sinh(a[i]))"},
    {"1 + a", "log(exp(a[i]) + 1)", "softplus(a[i])", "log(1 - exp(a[i]))"},
    {"a + b", "log(exp(a[i]) + (if b[i] > 0 then exp(b[i]) else exp(-inf)))", "if (if b[i] > 0 then b[i] else -inf) == -inf then a[i] else (if b[i] > 0 then b[i] else -inf) + softplus(a[i] - (if b[i] > 0 then b[i] else -inf))", "log(exp(a[i]) + (if b[i] > 0 then b[i] else -inf))"},
    {"a + b", "log(exp(a[i]) + exp(b[i]))", "a[i] + softplus(b[i] - a[i])", "log(exp(a[i]) + b[i])"},
    {"sum(r: a)", "log(sum(j: exp(a[j])))", "logsumexp(j: a[j])", "log(sum(j: a[j]))"},
    {"sum(r: a * b)", "log(sum(j: t[j] * sigmoid(a[j])))", "-sum(j: t[j] * softplus(-a[j]))", "log(sum(j: b[j] * sigmoid(a[j])))"},
    {"sum(r: a * b)", "log(sum(j: sigmoid(a[j]) * t[j]))", "-sum(j: softplus(-a[j]) * t[j])", "log(sum(j: sigmoid(a[j]) * t[i]))"},
    {"prod(r: a)", "log(prod(j: exp(a[j]) * exp(b[i])))", "sum(j: a[j] + b[i])", "log(prod(j: a[j]))"},
    {"if c then a else b", "log(if b[i] > 0 then exp(a[i]) else 2)", "if b[i] > 0 then a[i] else 0.6931471805599453", "log(if b[i] > 0 then exp(a[i]) else a[i])"},

    {"-(a - b)", "-(a[i] - b[i])", "b[i] - a[i]", "-(a[i] + b[i])"},
    {"a - (-b)", "a[i] - -b[i]", "a[i] + b[i]", "a[i] - b[i]"},
    {"a + (-b)", "-b[i] + a[i]", "a[i] - b[i]", "a[i] + b[i]"},
    {"(-a) * (-b)", "-a[i] * -b[i]", "a[i] * b[i]", "a[i] * b[i]"},
    {"(-a) / (-b)", "-a[i] / -b[i]", "a[i] / b[i]", "a[i] / b[i]"},
    {"(-a) ^ 2", "(-a[i])^2", "a[i]^2", "(-a[i])^3"},
    {"a ^ -1", "a[i]^-1", "1 / a[i]", "a[i]^-3"},
    {"a ^ -2", "a[i]^-2", "1 / a[i]^2", "a[i]^-2.5"},
    {"a ^ 0.5", "a[i]^0.5", "sqrt(a[i])", "a[i]^0.25"},
    {"a ^ -0.5", "a[i]^-0.5", "1 / sqrt(a[i])", "a[i]^-1.5"},
    {"sqrt(a) ^ 2", "sqrt(exp(a[i]) + b[i]^2)^2", "exp(a[i]) + b[i]^2", "sqrt(a[i])^2"},
    {"sqrt(a ^ 2)", "sqrt(a[i]^2)", "abs(a[i])", "sqrt(a[i]^3)"},
    {"abs(a) ^ 2", "abs(a[i])^2", "a[i]^2", "abs(a[i])^3"},
    {"abs(-a)", "abs(-a[i])", "abs(a[i])", "abs(1 - a[i])"},
    {"abs(a)", "abs(exp(a[i]) + t[i])", "exp(a[i]) + t[i]", "abs(a[i])"},
    {"sign(a) * abs(a)", "abs(a[i]) * sign(a[i])", "a[i]", "sign(a[i]) * abs(b[i])"},
    {"sign(a)", "sign(exp(a[i]) + b[i]^2)", "1", "sign(b[i]^2)"},
    {"exp(log(a))", "exp(log(sigmoid(a[i]) + 1))", "sigmoid(a[i]) + 1", "exp(log(a[i]))"},
    {"tanh(-a)", "tanh(-a[i])", "-tanh(a[i])", "tanh(1 - a[i])"},
    {"sin(-a)", "sin(-a[i])", "-sin(a[i])", "sin(1 - a[i])"},
    {"cos(-a)", "cos(-a[i])", "cos(a[i])", "cos(1 - a[i])"},
    {"erf(-a)", "erf(-a[i])", "-erf(a[i])", "erf(1 - a[i])"},
    {"softplus(a) - a", "softplus(a[i]) - a[i]", "softplus(-a[i])", "softplus(a[i]) - b[i]"},
    {"1 - sigmoid(-a)", "1 - sigmoid(-a[i])", "sigmoid(a[i])", "2 - sigmoid(-a[i])"},
    {"1 - 2 * sigmoid(-2 * a)", "1 - 2 * sigmoid(-2 * a[i])", "tanh(a[i])", "1 - 2 * sigmoid(-3 * a[i])"},
    {"2 * sigmoid(2 * a) - 1", "2 * sigmoid(2 * a[i]) - 1", "tanh(a[i])", "2 * sigmoid(3 * a[i]) - 1"},
    {"max(a, a)", "max(a[i], a[i])", "a[i]", "max(a[i], b[i])"},
    {"min(a, a)", "min(a[i], a[i])", "a[i]", "min(a[i], b[i])"},
    {"if c then (if c then a else b) else d", "if u[i] > 0 then (if u[i] > 0 then a[i] else b[i]) else v[i]", "if u[i] > 0 then a[i] else v[i]", "if u[i] > 0 then (if a[i] > 0 then a[i] else b[i]) else v[i]"},
    {"if c then a else (if c then b else d)", "if u[i] > 0 then a[i] else if u[i] > 0 then b[i] else v[i]", "if u[i] > 0 then a[i] else v[i]", "if u[i] > 0 then a[i] else if u[i] > 1 then b[i] else v[i]"},
    {"(if c then a else 0) + (if c then 0 else b)", "(if u[i] > 0 then 0 else b[i]) + (if u[i] > 0 then a[i] else 0)", "if u[i] > 0 then a[i] else b[i]", "(if u[i] > 0 then a[i] else 0) + (if u[i] > 1 then 0 else b[i])"},
    {"(if c then a else 0) - (if c then 0 else b)", "(if u[i] > 0 then a[i] else 0) - (if u[i] > 0 then 0 else b[i])", "if u[i] > 0 then a[i] else -b[i]", "(if u[i] > 0 then a[i] else 1) - (if v[i] > 0 then 0 else b[i])"},
    {"(if c then a else 0) + (if c then b else 0)", "(if u[i] > 0 then a[i] else 0) + (if u[i] > 0 then b[i] else 0)", "if u[i] > 0 then a[i] + b[i] else 0", "(if u[i] > 0 then a[i] else 0) + (if v[i] > 0 then b[i] else 0)"},
    {"(if c then a else 0) - (if c then b else 0)", "(if u[i] > 0 then a[i] else 0) - (if u[i] > 0 then b[i] else 0)", "if u[i] > 0 then a[i] - b[i] else 0", "(if u[i] > 0 then a[i] else 0) - (if v[i] > 0 then b[i] else 1)"},
    {"if c then (if d then a else b) else b", "if u[i] > 0 then (if v[i] > 0 then a[i] else b[i]) else b[i]", "if u[i] > 0 and v[i] > 0 then a[i] else b[i]", "if u[i] > 0 then (if v[i] > 0 then a[i] else b[i]) else a[i]"},
    {"1 - c ^ a", "1 - 0.5^a[i]", "-expm1(-0.6931471805599453 * a[i])", "1 - b[i]^a[i]"},
};
/* clang-format on */
enum { FIRINGS = sizeof firings / sizeof *firings };

/* What comes of a formula after the family's step; *names: the rules that were applied, each in a line. */
static const char *outcome(Arena *arena, Family family, const char *expression, const char **names, bool *same) {
    char text[2000];
    snprintf(text, sizeof text,
             "model rules\ninput a[3]\ninput b[3]\ninput u[3]\ninput v[3]\ntarget t[3]\ny[i in 0..3] = %s\nloss = sum(i: y[i])\n"
             "data train {\n    a = [[1, 2, 3]]\n    b = [[1, 2, 3]]\n    u = [[1, 2, 3]]\n    v = [[1, 2, 3]]\n    t = [[2]] -> "
             "one_hot\n}\n",
             expression);
    ModelRun run = model_new(text, "tensor");
    assert_non_null(run.program);
    Statement *s = model_find(&run, "y")->definition;
    Expr before = s->value;
    if (family == RULE_ALGEBRA) s->value = algebra(run.program, rules_of(run.program), s->value, s);
    else if (family == RULE_EXACT) keep_digits(run.program);
    else stabilize(run.program);
    Text *out = text_new(arena), *applied = text_new(arena);
    for (size_t i = 0; i < s->rewrites.count; i++) text_printf(applied, "%s\n", s->rewrites.at[i]);
    const char *shown;
    *same = s->value == before;
    expr_print(out, s->value);
    shown = text_string(out);
    *names = text_string(applied);
    model_free(&run);
    char *plain = NEW_ARRAY(arena, char, strlen(shown) + 1), *to = plain; /* without the batch:  a[b, i]  is  a[i] */
    for (const char *from = shown; *from != '\0'; from++) {
        if (strncmp(from, "[b, ", 4) == 0) {
            *to++ = '[';
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return plain;
}

static void test_rules(void **state) {
    (void)state;
    Arena *arena = arena_new();
    bool tested[RULES] = {false};
    int wrong = 0;
    for (size_t k = 0; k < FIRINGS; k++) {
        const Firing *f = &firings[k];
        /* the first rule of this pattern that has no case yet, in the order of rules.def */
        size_t r = 0;
        while (r < RULES && (tested[r] || strcmp(rules_table[r].pattern, f->pattern) != 0)) r++;
        bool again = r == RULES && k > 0 && strcmp(firings[k - 1].pattern, f->pattern) == 0;
        while (again && r-- > 0 && strcmp(rules_table[r].pattern, f->pattern) != 0) continue;
        if (r >= RULES) fail_msg("there is no rule with the pattern %s", f->pattern);
        tested[r] = true;
        const Rule *rule = &rules_table[r];
        const char *names, *name = rule->family == RULE_LN ? "log of an exponential form" : rule->name;
        bool same;
        const char *result = outcome(arena, rule->family, f->fires, &names, &same);
        if (strcmp(result, f->result) != 0 || strstr(names, name) == NULL) {
            print_error("%s: %s becomes %s by\n%s", rule->name, f->fires, result, names);
            wrong++;
        }
        result = outcome(arena, rule->family, f->near_miss, &names, &same);
        if (!same || *names != '\0') {
            print_error("%s must not be applied: %s becomes %s by\n%s", rule->name, f->near_miss, result, names);
            wrong++;
        }
    }
    for (size_t r = 0; r < RULES; r++) {
        if (tested[r]) continue;
        print_error("the rule %s: %s has no case\n", rules_table[r].name, rules_table[r].pattern);
        wrong++;
    }
    arena_free(arena);
    assert_int_equal(wrong, 0);
}

/* ---- Sums, products and choices, which are collected: what a textbook makes of them */

static void test_collected(void **state) {
    static const char *const formulas[][2] = {
        {"2 * a[i] + 3 * a[i]", "5 * a[i]"},
        {"a[i] / 2 + a[i] / 2", "a[i]"},
        {"a[i] / 2 - a[i] / 3", "a[i] / 6"},
        {"a[i] * b[i] / a[i]", "b[i]"},
        {"a[i] * u[i] + b[i] * u[i]", "u[i] * (a[i] + b[i])"},
        {"a[i] * b[i] + a[i] * u[i] + v[i]", "a[i] * (b[i] + u[i]) + v[i]"},
        {"(a[i] + b[i]) * u[i] - b[i] * u[i]", "a[i] * u[i]"},
        {"(a[i] + b[i]) * (a[i] - b[i]) + b[i]^2", "a[i]^2"},
        {"(a[i] + b[i]) * (u[i] + 1) - a[i] * u[i] - b[i] * u[i]", "a[i] + b[i]"},
        {"softplus(a[i]) - softplus(-a[i])", "a[i]"},
        {"sigmoid(a[i]) + sigmoid(-a[i])", "1"},
        {"(if u[i] > 0 then a[i] else 1) * (if u[i] > 0 then b[i] else 2)", "if u[i] > 0 then a[i] * b[i] else 2"},
        {"v[i] * ((if u[i] > 0 then a[i] else 0) * b[i] - (if u[i] > 0 then 0 else b[i]))",
         "v[i] * (if u[i] > 0 then a[i] * b[i] else -b[i])"},
        {"sum(j: a[i] * b[j])", "a[i] * sum(j: b[j])"},
        {"sum(j: if j == i then a[j] * b[j] else 0)", "a[i] * b[i]"},
        {"sum(j: (if j == i then a[j] else 0) * b[j])", "a[i] * b[i]"},
        {"sum(j: a[j] * (if j == i then b[j] else 0))", "a[i] * b[i]"},
        {"sum(j: (if j == i then a[j] else 0) / b[j])", "a[i] / b[i]"},
        {"sum(j: if j == i + 1 then a[j] else 0)", "sum(j: if j == i + 1 then a[j] else 0)"}, /* i + 1 may be outside */
        {"sum(j: if j < i then a[j] else 0)", "sum(j: if j < i then a[j] else 0)"},
        {"sum(j in 0..3: if j == i then 1 else 0)", "1"},
        {"max(j in 0..3: if j == i then 1 else 0)", "max(j: if j == i then 1 else 0)"},
        {"argmax(j in 0..3: if j == i then 1 else 0)", "i"},
        {"argmax(j in 0..3: if j <= i then 1 else 0)", "argmax(j: if j <= i then 1 else 0)"},
        {"sum(j in 0..3: a[i])", "a[i] * 3"},
    };
    (void)state;
    Arena *arena = arena_new();
    int wrong = 0;
    for (size_t k = 0; k < sizeof formulas / sizeof *formulas; k++) {
        const char *names;
        bool same;
        const char *result = outcome(arena, RULE_ALGEBRA, formulas[k][0], &names, &same);
        if (strcmp(result, formulas[k][1]) == 0) continue;
        print_error("%s becomes %s instead of %s\n", formulas[k][0], result, formulas[k][1]);
        wrong++;
    }
    arena_free(arena);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_algebra),
        cmocka_unit_test(test_random_stable),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_collected),
    };
    return cmocka_run_group_tests_name("algebra", tests, NULL, NULL);
}
