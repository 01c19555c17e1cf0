/* The table of elementary functions: each partial of each row against differences of the row's meaning, and the choices made at
   kinks and edges, which are PyTorch's. The derivation itself is asked, so that what stands between the table and a derivative
   (the result read where it is known, choices kept out of products) is tested with it. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "tensor/evaluate.h"

enum { MOST_POINTS = 512 };

/* ---- d loss / d argument   for   y[i] = op(a[i], b[i], c[i]),  loss = sum(i: u[i] * y[i])  at many points at once */

typedef struct {
    Op op;
    int count; /* points */
    double at[3][MOST_POINTS], weight[MOST_POINTS], derived[3][MOST_POINTS];
    bool exists[3]; /* is there an adjoint? */
} Case;

static const Tensor *adjoint_of(const Program *program, const Tensor *tensor) {
    for (size_t i = 0; i < program->all.count; i++) {
        if (program->all.at[i]->kind == TENSOR_ADJOINT && program->all.at[i]->of == tensor) return program->all.at[i];
    }
    return NULL;
}

/* The first argument of `if`, and those of `and`, `or` and `not`, are  argument > 0;  a condition becomes  if it then 2 else 3. */
static Expr operation(Pool *pool, Op op, const Expr *arguments) {
    Expr kids[3];
    for (int k = 0; k < op_info(op)->arity; k++) {
        bool condition = op_wants_condition(op, k);
        kids[k] = condition ? expr_op2(pool, OP_GT, arguments[k], expr_number(pool, 0)) : arguments[k];
    }
    Expr e = expr_op(pool, op, kids);
    return e->condition ? expr_if(pool, e, expr_number(pool, 2), expr_number(pool, 3)) : e;
}

/* named: y is a tensor of its own; else all stands in one sum. */
static void derive(Case *c, bool named) {
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    Pool *pool = pool_new(arena, names);
    Program *program = program_new(pool, name_of(names, "ops"));
    const int64_t shape[] = {c->count};
    int arity = op_info(c->op)->arity;
    Tensor *argument[3], *u = tensor_new(program, TENSOR_INPUT, "u", 1, shape);
    Index *i = index_new(pool, name_of(names, "i"), c->count), *j = index_new(pool, name_of(names, "j"), c->count);
    vec_push(arena, &program->inputs, u);
    static const char *const letters[] = {"a", "b", "c"};
    Expr reads[3];
    for (int k = 0; k < arity; k++) {
        argument[k] = tensor_new(program, TENSOR_PARAMETER, letters[k], 1, shape);
        vec_push(arena, &program->parameters, argument[k]);
        reads[k] = tensor_at(program, argument[k], &i);
    }
    Expr value = operation(pool, c->op, reads);
    if (named) {
        Tensor *y = tensor_new(program, TENSOR_VALUE, "y", 1, shape);
        statement_add(program, &program->forward, y, &i, 1, value, (Origin){0});
        value = tensor_at(program, y, &j);
    } else {
        value = expr_substitute(pool, value, &i, (Expr[]){expr_index(pool, j)}, 1);
    }
    program->loss = tensor_new(program, TENSOR_VALUE, "loss", 0, NULL);
    Expr body = expr_op2(pool, OP_MUL, tensor_at(program, u, &j), value);
    statement_add(program, &program->forward, program->loss, NULL, 0, expr_reduce(pool, REDUCE_SUM, &j, 1, body), (Origin){0});
    normalize(program);
    differentiate(program);
    Machine *machine = machine_new(program);
    for (int k = 0; k < arity; k++) memcpy(machine_values(machine, argument[k]), c->at[k], sizeof(double) * (size_t)c->count);
    memcpy(machine_values(machine, u), c->weight, sizeof(double) * (size_t)c->count);
    machine_run(machine, &program->forward);
    machine_run(machine, &program->backward);
    for (int k = 0; k < arity; k++) {
        const Tensor *adjoint = adjoint_of(program, argument[k]);
        c->exists[k] = adjoint != NULL;
        for (int p = 0; p < c->count; p++) c->derived[k][p] = adjoint == NULL ? 0 : machine_values(machine, adjoint)[p];
    }
    machine_free(machine);
    arena_free(arena);
}

/* ---- The truth: differences of op_value, extrapolated twice (Richardson 1911), right to h^6 */

static double meaning(const Case *c, int point, int argument, double moved) {
    double x[3] = {c->at[0][point], c->at[1][point], c->at[2][point]};
    if (argument >= 0) x[argument] = moved;
    for (int k = 0; k < op_info(c->op)->arity; k++) {
        if (op_wants_condition(c->op, k)) x[k] = x[k] > 0;
    }
    double value = op_value(c->op, x[0], x[1], x[2]);
    return op_info(c->op)->condition ? (value != 0 ? 2 : 3) : value;
}

static double slope(const Case *c, int point, int argument, double h) {
    double x = c->at[argument][point], above = x + h, below = x - h;
    return (meaning(c, point, argument, above) - meaning(c, point, argument, below)) / (above - below);
}

static double measured(const Case *c, int point, int argument) {
    double h = 4e-3 * fmax(1, fabs(c->at[argument][point])), one = slope(c, point, argument, h);
    double half = slope(c, point, argument, h / 2), quarter = slope(c, point, argument, h / 4);
    double first = (4 * half - one) / 3, second = (4 * quarter - half) / 3;
    return (16 * second - first) / 15;
}

/* ---- The grid: no point lies near a kink or a step of any row */

static const double grid[] = {-30.3, -7.4, -3.3, -2.2, -1.7, -0.9, -0.35, -0.06, 0.06, 0.35, 0.8, 1.3, 1.9, 2.7, 3.6, 8.2, 29.8};
enum { GRID = sizeof grid / sizeof *grid };

static bool inside_domain(Op op, const double *x) {
    switch ((int)op) {
    case OP_LOG:
    case OP_SQRT: return x[0] > 0.05;
    case OP_TAN: return fabs(x[0]) < 4 && fabs(cos(x[0])) > 0.2;
    case OP_SINH:
    case OP_COSH:
    case OP_EXP: return fabs(x[0]) < 10;
    case OP_POW: return x[0] > 0.3 && fabs(x[1]) < 9 && x[0] < 9;
    case OP_DIV: return fabs(x[1]) > 0.1;
    case OP_MOD:
    case OP_FLOORDIV: {
        double turns = x[0] / x[1];
        return fabs(x[1]) > 0.5 && fabs(turns - round(turns)) > 0.2;
    }
    default: return true;
    }
}

static void fill_grid(Case *c) {
    int arity = op_info(c->op)->arity;
    c->count = 0;
    for (int a = 0; a < GRID; a++) {
        for (int b = 0; b < (arity > 1 ? GRID : 1); b++) {
            /* other numbers than those of a: max and min have no tie, comparisons no equality */
            double x[3] = {grid[a], 1.03 * grid[b] + 0.13, 0.7 * grid[(a + 5 * b) % GRID] + 0.017};
            if (!inside_domain(c->op, x)) continue;
            for (int k = 0; k < 3; k++) c->at[k][c->count] = x[k];
            c->weight[c->count] = 0.5 + nnc_random_uniform(3, c->op, 0, (uint64_t)c->count);
            c->count++;
        }
    }
    assert_true(c->count >= 5);
}

/* What no derivative passes by definition, although differences would see one. */
static bool stopped(Op op) { return op == OP_STOP; }

static void test_partials(void **state) {
    (void)state;
    Case *c = calloc(1, sizeof *c);
    int wrong = 0;
    for (int op = 0; op < OP_COUNT; op++) {
        for (int named = 0; named < 2; named++) {
            c->op = (Op)op;
            fill_grid(c);
            derive(c, named);
            for (int k = 0; k < op_info(c->op)->arity; k++) {
                for (int p = 0; p < c->count; p++) {
                    double expected = stopped(c->op) ? 0 : c->weight[p] * measured(c, p, k), actual = c->derived[k][p];
                    double tolerance = 1e-8 * fmax(fabs(expected), fabs(actual)) + 1e-10 * fmax(1, fabs(meaning(c, p, -1, 0)));
                    if (fabs(expected - actual) <= tolerance) continue;
                    if (wrong++ < 20) {
                        print_error("%s at (%g, %g, %g), argument %d: %.12g derived, %.12g measured\n", op_info(c->op)->spelling,
                                    c->at[0][p], c->at[1][p], c->at[2][p], k + 1, actual, expected);
                    }
                }
            }
        }
    }
    free(c);
    assert_int_equal(wrong, 0);
}

/* Steps, comparisons and stop() let nothing through: there is not even an adjoint. */
static void test_nothing_flows(void **state) {
    (void)state;
    Case *c = calloc(1, sizeof *c);
    for (int op = 0; op < OP_COUNT; op++) {
        bool step = op_info((Op)op)->condition || op == OP_SIGN || op == OP_FLOOR || op == OP_FLOORDIV || op == OP_STOP;
        c->op = (Op)op;
        fill_grid(c);
        derive(c, true);
        for (int k = 0; k < op_info(c->op)->arity; k++) {
            bool flows = !step && !op_wants_condition(c->op, k);
            bool zero = true;
            for (int p = 0; p < c->count; p++) zero &= c->derived[k][p] == 0;
            if (flows == zero)
                fail_msg("argument %d of %s: %s flows", k + 1, op_info(c->op)->spelling, zero ? "nothing" : "something");
        }
    }
    free(c);
}

/* ---- Kinks and edges */

typedef struct {
    Op op;
    double at[3], derived[3];
} Edge;

static void test_edges(void **state) {
    (void)state;
    const double inf = INFINITY;
    static const double log2 = 0.6931471805599453;
    const Edge edges[] = {
        {OP_ABS, {0}, {0}},
        {OP_ABS, {-1e-300}, {-1}},
        {OP_MAX, {0, 0}, {1, 0}}, /* on a tie the first argument wins */
        {OP_MIN, {0, 0}, {1, 0}},
        {OP_MAX, {2, 2}, {1, 0}},
        {OP_MAX, {-inf, 1}, {0, 1}},
        {OP_MIN, {inf, 1}, {0, 1}},
        {OP_POW, {0, 2}, {0, 0}}, /* x^y: nothing to y where x <= 0 */
        {OP_POW, {0, 1}, {1, 0}},
        {OP_POW, {0, 0}, {0, 0}}, /* nothing to x where y = 0 */
        {OP_POW, {2, 0}, {0, log2}},
        {OP_POW, {-3, 2}, {-6, 0}},
        {OP_POW, {-2, 3}, {12, 0}},
        {OP_POW, {2, 3}, {12, 8 * log2}},
        {OP_SIGN, {0}, {0}},
        {OP_FLOOR, {2}, {0}},
        {OP_SIGMOID, {800}, {0}},
        {OP_SIGMOID, {-800}, {0}},
        {OP_SOFTPLUS, {800}, {1}},
        {OP_SOFTPLUS, {-800}, {0}},
        {OP_TANH, {800}, {0}},
        {OP_TANH, {-800}, {0}},
        {OP_ERF, {40}, {0}},
        {OP_EXP, {-800}, {0}},
        {OP_IF, {1, 5, inf}, {0, 1, 0}}, /* the branch that is not taken may hold anything */
        {OP_IF, {-1, NAN, 5}, {0, 0, 1}},
        {OP_SQRT, {0}, {inf}},
    };
    Case *c = calloc(1, sizeof *c);
    for (size_t e = 0; e < sizeof edges / sizeof *edges; e++) {
        for (int named = 0; named < 2; named++) {
            c->op = edges[e].op;
            c->count = 1;
            c->weight[0] = 1;
            for (int k = 0; k < 3; k++) c->at[k][0] = edges[e].at[k];
            derive(c, named);
            for (int k = 0; k < op_info(c->op)->arity; k++) {
                double actual = c->derived[k][0], expected = edges[e].derived[k];
                if (actual == expected || fabs(actual - expected) <= 1e-14 * fabs(expected)) continue;
                fail_msg("%s at (%g, %g, %g), argument %d: %.17g instead of %.17g", op_info(c->op)->spelling, edges[e].at[0],
                         edges[e].at[1], edges[e].at[2], k + 1, actual, expected);
            }
        }
    }
    free(c);
}

/* ---- Values that a careless formula would lose */

static void test_values(void **state) {
    (void)state;
    const struct {
        Op op;
        double a, b, value;
    } cases[] = {
        {OP_SIGMOID, -800, 0, 0},
        {OP_SIGMOID, 800, 0, 1},
        {OP_SIGMOID, -40, 0, 4.248354255291589e-18},
        {OP_SOFTPLUS, -40, 0, 4.248354255291589e-18},
        {OP_SOFTPLUS, 800, 0, 800},
        {OP_SOFTPLUS, -800, 0, 0},
        {OP_MOD, -1, 3, 2},
        {OP_MOD, 7, 3, 1},
        {OP_FLOORDIV, -1, 3, -1},
        {OP_FLOORDIV, 7, 3, 2},
        {OP_SIGN, -2, 0, -1},
        {OP_SIGN, 0, 0, 0},
        {OP_SIGN, 3, 0, 1},
        {OP_POW, 0, 0, 1},
        {OP_POW, -2, 3, -8},
        {OP_AND, 1, 1, 1},
        {OP_AND, 1, 0, 0},
        {OP_AND, 0, 1, 0},
        {OP_AND, 0, 0, 0},
        {OP_OR, 1, 1, 1},
        {OP_OR, 1, 0, 1},
        {OP_OR, 0, 1, 1},
        {OP_OR, 0, 0, 0},
        {OP_NOT, 1, 0, 0},
        {OP_NOT, 0, 0, 1},
        {OP_LT, 1, 1, 0},
        {OP_LE, 1, 1, 1},
        {OP_GT, 1, 1, 0},
        {OP_GE, 1, 1, 1},
        {OP_EQ, 1, 1, 1},
        {OP_NE, 1, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = op_value(cases[i].op, cases[i].a, cases[i].b, 0);
        if (fabs(value - cases[i].value) > 1e-15 * fabs(cases[i].value)) {
            fail_msg("%s(%g, %g) is %.17g instead of %.17g", op_info(cases[i].op)->spelling, cases[i].a, cases[i].b, value,
                     cases[i].value);
        }
    }
    assert_true(isnan(op_value(OP_MAX, 1, NAN, 0)) && isnan(op_value(OP_MAX, NAN, 1, 0))); /* as PyTorch's */
    assert_true(isnan(op_value(OP_MIN, 1, NAN, 0)) && isnan(op_value(OP_MIN, NAN, 1, 0)));
}

/* ---- What constructors write: equal expressions are one node, so that a pointer tells */

static void test_identities(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    Pool *pool = pool_new(arena, names);
    Program *program = program_new(pool, name_of(names, "identities"));
    Index *i = index_new(pool, name_of(names, "i"), 4);
    Expr at = expr_index(pool, i), a = expr_read(pool, tensor_new(program, TENSOR_INPUT, "a", 1, (int64_t[]){4}), &at, 1, NULL),
         b = expr_read(pool, tensor_new(program, TENSOR_INPUT, "b", 1, (int64_t[]){4}), &at, 1, NULL);
    Expr zero = expr_number(pool, 0), one = expr_number(pool, 1), less = expr_number(pool, -1),
         large = expr_number(pool, INFINITY), small = expr_number(pool, -INFINITY), yes = expr_truth(pool, true),
         no = expr_truth(pool, false);
    Expr c = expr_op2(pool, OP_GT, a, zero), d = expr_op2(pool, OP_GT, b, zero), minus = expr_op1(pool, OP_NEG, a);
    const struct {
        Op op;
        Expr left, right, result;
    } rows[] = {
        {OP_ADD, zero, a, a},
        {OP_ADD, a, zero, a},
        {OP_SUB, a, zero, a},
        {OP_SUB, zero, a, minus},
        {OP_SUB, a, a, zero},
        {OP_MUL, a, zero, zero},
        {OP_MUL, zero, a, zero},
        {OP_MUL, one, a, a},
        {OP_MUL, a, one, a},
        {OP_MUL, less, a, minus},
        {OP_MUL, a, less, minus},
        {OP_DIV, a, one, a},
        {OP_DIV, zero, a, zero},
        {OP_POW, a, one, a},
        {OP_POW, a, zero, one},
        {OP_AND, yes, c, c},
        {OP_AND, c, yes, c},
        {OP_AND, no, c, no},
        {OP_AND, c, no, no},
        {OP_AND, c, c, c},
        {OP_OR, yes, c, yes},
        {OP_OR, c, yes, yes},
        {OP_OR, no, c, c},
        {OP_OR, c, no, c},
        {OP_MAX, a, small, a},
        {OP_MAX, small, a, a},
        {OP_MIN, a, large, a},
        {OP_MIN, large, a, a},
        {OP_LT, at, expr_number(pool, 4), yes}, /* an index is in 0..4 */
        {OP_LE, at, expr_number(pool, 3), yes},
        {OP_GE, at, zero, yes},
        {OP_GT, at, less, yes},
        {OP_NE, at, expr_number(pool, 4), yes},
        {OP_LT, at, zero, no},
        {OP_LE, at, less, no},
        {OP_GE, at, expr_number(pool, 4), no},
        {OP_GT, at, expr_number(pool, 3), no},
        {OP_EQ, at, less, no},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        if (expr_op2(pool, rows[k].op, rows[k].left, rows[k].right) != rows[k].result)
            fail_msg("row %zu, '%s', is something else", k, op_info(rows[k].op)->spelling);
    }
    static const Op decided[] = {OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE};
    for (size_t k = 0; k < sizeof decided / sizeof *decided; k++) { /* by nothing that is known of an index in 0..4 */
        double bound = decided[k] == OP_LE || decided[k] == OP_GT ? 2 : 3;
        Expr e = expr_op2(pool, decided[k], at, expr_number(pool, bound));
        if (e == yes || e == no) fail_msg("'%s' depends on the index", op_info(decided[k])->spelling);
    }
    assert_ptr_equal(expr_op1(pool, OP_NEG, minus), a);
    assert_ptr_equal(expr_op1(pool, OP_NOT, expr_op1(pool, OP_NOT, c)), c);
    assert_ptr_equal(expr_op1(pool, OP_STOP, expr_op1(pool, OP_STOP, a)), expr_op1(pool, OP_STOP, a));
    assert_ptr_equal(expr_op1(pool, OP_STOP, at), at);
    assert_ptr_equal(expr_if(pool, yes, a, b), a);
    assert_ptr_equal(expr_if(pool, no, a, b), b);
    assert_ptr_equal(expr_if(pool, c, a, a), a);
    assert_ptr_not_equal(expr_op2(pool, OP_AND, c, d), c);
    assert_ptr_not_equal(expr_op2(pool, OP_AND, c, d), d);
    assert_ptr_not_equal(expr_op2(pool, OP_DIV, zero, zero), zero);
    assert_ptr_not_equal(expr_op2(pool, OP_DIV, a, a), one);
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partials), cmocka_unit_test(test_nothing_flows), cmocka_unit_test(test_edges),
        cmocka_unit_test(test_values),   cmocka_unit_test(test_identities),
    };
    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
