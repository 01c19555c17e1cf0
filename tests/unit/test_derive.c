/* Derived formulas as text: what a reader of `nnc --dump=simplify` is promised. The numbers are test_gradients' concern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_model.h"

typedef struct {
    const char *body;     /* of a model with  input x[4], target t[3], z = x -> dense(3) */
    bool one_hot;         /* t */
    const char *expected; /* the statement of an adjoint (or of another tensor) after simplify */
} Formula;

#define SOFTMAX "p = z -> softmax\n"
#define SIGMOID "p = z -> sigmoid\n"
#define HAND "s = sum(j: exp(z[j]))\np[i] = exp(z[i]) / s\n"

/* clang-format off */
static const Formula formulas[] = {
    /* softmax and cross-entropy: p - t where t sums to one */
    {SOFTMAX "loss = cross_entropy(p, t)", true, "dz[b, j] = (exp(z[b, j] - p_logsumexp[b]) - t[b, j]) / batch_size"},
    {HAND "loss = -sum(i: t[i] * log(p[i]))", true, "dz[b, j] = (exp(z[b, j] - p_logsumexp[b]) - t[b, j]) / batch_size"},
    {SOFTMAX "loss = -log(sum(i: t[i] * p[i]))", true, "dz[b, j] = (exp(z[b, j] - p_logsumexp[b]) - t[b, j]) / batch_size"},
    {SOFTMAX "loss = cross_entropy(p, t)\nmetric = accuracy(p, t)", true, "dz[b, j] = (p[b, j] - t[b, j]) / batch_size"},
    {SOFTMAX "loss = cross_entropy(p, t)", false, "dp_logsumexp_sum[b] = sum(i: t[b, i])"},
    {SOFTMAX "loss = cross_entropy(p, t)", false, "dz[b, j] = (dp_logsumexp_sum[b] * exp(z[b, j] - p_logsumexp[b]) - t[b, j]) / batch_size"},
    /* sigmoid and binary cross-entropy */
    {SIGMOID "loss = -sum(i: t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i]))", false, "dz[b, j] = (sigmoid(z[b, j]) - t[b, j]) / batch_size"},
    {SIGMOID "loss = binary_cross_entropy(p, t)", false, "dz[b, j] = (sigmoid(z[b, j]) - t[b, j]) / (3 * batch_size)"},
    {SIGMOID "loss = binary_cross_entropy(p, t)\nmetric = binary_accuracy(p, t)", false, "dz[b, j] = (p[b, j] - t[b, j]) / (3 * batch_size)"},
    {"p[i] = 1 / (1 + exp(-z[i]))\nloss = binary_cross_entropy(p, t)", false, "dz[b, j] = (sigmoid(z[b, j]) - t[b, j]) / (3 * batch_size)"},
    /* other losses */
    {"loss = half_squared_error(z, t)", false, "dz[b, j] = (z[b, j] - t[b, j]) / batch_size"},
    {"loss = mean_squared_error(z, t)", false, "dz[b, j] = 2 * (z[b, j] - t[b, j]) / (3 * batch_size)"},
    {"loss = mean_absolute_error(z, t)", false, "dz[b, j] = sign(z[b, j] - t[b, j]) / (3 * batch_size)"},
    {"loss = log_cosh(z, t)", false, "dz[b, j] = tanh(z[b, j] - t[b, j]) / (3 * batch_size)"},
    /* a dense layer is two products of matrices and a sum */
    {"loss = half_squared_error(z, t)", false, "dz.b[i] = sum(b: dz[b, i])"},
    {"loss = half_squared_error(z, t)", false, "dz.W[i, j] = sum(b: dz[b, i] * x[b, j])"},
    {"y = z -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = sum(j2: dy[b, j2] * y.W[j2, j])"},
    /* derivatives use the result */
    {"y = z -> tanh -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = sum(j2: dy[b, j2] * y.W[j2, j]) * (1 - y.tanh[b, j]^2)"},
    {"y = z -> sigmoid -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = sum(j2: dy[b, j2] * y.W[j2, j]) * y.sigmoid[b, j] * (1 - y.sigmoid[b, j])"},
    {"y = z -> exp -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = sum(j2: dy[b, j2] * y.W[j2, j]) * y.exp[b, j]"},
    {"y = z -> relu -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = if y.relu[b, j] > 0 then sum(j2: dy[b, j2] * y.W[j2, j]) else 0"},
    {"y = z -> leaky_relu -> dense(3)\nloss = half_squared_error(y, t)", false, "dz[b, j] = if y.leaky_relu[b, j] > 0 then sum(j2: dy[b, j2] * y.W[j2, j]) else sum(j2: dy[b, j2] * y.W[j2, j]) * 0.01"},
    {"y = z -> relu -> dense(3)\nloss = half_squared_error(y, t) + sum(i: z[i]^3)", false, "dz[b, j] = 3 * z[b, j]^2 / batch_size + (if z[b, j] > 0 then sum(j2: dy[b, j2] * y.W[j2, j]) else 0)"},
    /* softmax alone: y (dy - sum y dy) */
    {SOFTMAX "loss = half_squared_error(p, t)", false, "dz[b, j] = p[b, j] * (dp[b, j] - dp_logsumexp_sum[b])"},
    /* scatters become gathers */
    {"y = z -> slice(1, 3)\nloss = sum_squares(y)", false, "dz[b, j] = dy[b, j - 1] default 0"},
    {"y[i in 0..3] = z[2 - i] * x[i]\nloss = sum_squares(y)", false, "dz[b, j] = dy[b, 2 - j] * x[b, 2 - j]"},
    {"y[k in 0..12] = z[k / 4]\nloss = sum(k: sin(y[k]))", false, "dz[b, j] = sum(k: dy[b, 4 * j + k])"},
    {"y = max(i: z[i])\nloss = y^2", false, "dz[b, j] = if j == y_argmax[b] then dy[b] else 0"},
};
/* clang-format on */

static ModelRun compiled(const Formula *f, const char *stop) {
    char text[2000];
    snprintf(text, sizeof text, "model d\ninput x[4]\ntarget t[3]\nz = x -> dense(3)\n%s\noptimizer = sgd(rate = 0.1)\n%s",
             f->body, f->one_hot ? "data train {\n    x = [[1, 2, 3, 4]]\n    t = [[2]] -> one_hot\n}\n" : "");
    return model_new(text, stop);
}

static bool states(Arena *arena, const Statements *list, const char *expected, Text *all) {
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        Text *one = text_new(arena);
        statement_print(one, list->at[i]);
        found |= strcmp(text_string(one), expected) == 0;
        text_printf(all, "    %s\n", text_string(one));
    }
    return found;
}

static void test_formulas(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        const Formula *f = &formulas[i];
        ModelRun run = compiled(f, "simplify");
        if (run.program == NULL) {
            wrong++;
        } else {
            Arena *arena = pool_arena(run.program->pool);
            Text *all = text_new(arena);
            if (!states(arena, &run.program->backward, f->expected, all)) {
                print_error("%s\nis to give\n    %s\nbut there is\n%s", f->body, f->expected, text_string(all));
                wrong++;
            }
        }
        model_free(&run);
    }
    assert_int_equal(wrong, 0);
}

/* No scatter is left, and no adjoint but those on the way from the loss to a trained parameter. */
static void test_gathers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        ModelRun run = compiled(&formulas[i], "derive");
        if (run.program == NULL) continue;
        assert_true(run.program->backward.count > 0);
        for (size_t s = 0; s < run.program->backward.count; s++) {
            assert_null(run.program->backward.at[s]->subscripts);
            assert_int_equal(run.program->backward.at[s]->target->kind, TENSOR_ADJOINT);
            assert_true(run.program->backward.at[s]->target->of->kind != TENSOR_INPUT &&
                        run.program->backward.at[s]->target->of->kind != TENSOR_TARGET);
        }
        model_free(&run);
    }
}

/* ---- Kinks and edges, through the whole compiler: w starts at a number and gets exactly this derivative */

static void test_edges(void **state) {
    (void)state;
    const struct {
        const char *value; /* of w, and of v */
        const char *loss;
        double by_w;
    } edges[] = {
        {"0", "relu(w)", 0},
        {"0", "max(0, w)", 0},
        {"0", "max(w, 0)", 1},
        {"0", "min(w, 0)", 1},
        {"0", "min(0, w)", 0},
        {"0", "abs(w)", 0},
        {"0", "leaky_relu(w)", 0.01},
        {"0", "elu(w)", 1},
        {"0", "w^2", 0},
        {"0", "w^1", 1},
        {"0", "w^0", 0},
        {"0", "(1 + w)^(2 * w)", 0},
        {"0", "2^w", 0.6931471805599453},
        {"0", "w * w", 0},
        {"0", "hard_sigmoid(6 * w - 3)", 0},
        {"0", "hard_sigmoid(6 * w + 3)", 0},
        {"0", "if w > 0 then log(w) else 3 * w", 3}, /* the branch not taken is not finite */
        {"0", "if w >= 0 then 2 * w else 1 / w", 2},
        {"0", "prod(i in 0..3: w + i)", 2},
        {"0", "prod(i in 0..3: w * (i + 1))", 0},
        {"1", "sum(i in 0..3: if i == 1 then w^3 else stop(w) * w)", 5},
        {"1", "max(i in 0..3: w * (1 - (i - 1)^2))", 1},
        {"1", "max(i in 0..4: if i mod 2 == 1 then i * w else 3 * w)", 3}, /* the first of two winners */
        {"1", "min(i in 0..4: if i mod 2 == 1 then w^2 else w)", 1},
        {"2", "log(exp(400 * w) + exp(400 * w))", 400},
        {"2", "floor(w * 1.3) + sign(w) + w", 1},
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        char text[1000];
        snprintf(text, sizeof text,
                 "model edge\ninput x[1]\nlayer l(x[n]) -> y[n] {\n    param w = %s\n    y[k] = %s + 0 * x[k]\n}\noutput = x -> "
                 "l\nloss = sum(i: output[i])\noptimizer = sgd(rate = 0.1)\n",
                 edges[i].value, edges[i].loss);
        static const char *const stops[] = {"derive", "simplify"};
        for (int s = 0; s < 2; s++) {
            ModelRun run = model_new(text, stops[s]);
            assert_non_null(run.program);
            machine_run(run.machine, &run.program->initial);
            machine_batch(run.machine, 3);
            model_loss(&run);
            machine_run(run.machine, &run.program->backward);
            const double *derived = model_gradient(&run, run.program->parameters.at[0]);
            double actual = derived == NULL ? 0 : *derived;
            if (!(fabs(actual - edges[i].by_w) <= 1e-12 * fabs(edges[i].by_w)))
                fail_msg("%s at %s, after %s: %.17g", edges[i].loss, edges[i].value, stops[s], actual);
            model_free(&run);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_gathers),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests_name("derive", tests, NULL, NULL);
}
