/* Stable forms, however they were written: softmax, cross-entropy, sigmoid and their kin in many arrangements, at logits that
   overflow every exponential. Loss and gradient must be those of the closed form, written here in plain C.

   The logits are elements of a parameter, Z[row, i], picked by a one-hot input: exactly that number, and dZ is the derivative of the
   loss by it. Rows are the examples of a batch, or their steps where the arrangement is over sequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_model.h"

enum { N = 5, BATCH = 3, STEPS = 2, ROWS = BATCH * STEPS };

/* ---- Closed forms: the loss of one row, and its derivative by each logit */

typedef void (*Form)(const double *z, const double *t, double *loss, double *gradient);

static double log_sum_exp(const double *z, int count) {
    double largest = z[0], sum = 0;
    for (int i = 1; i < count; i++) largest = fmax(largest, z[i]);
    for (int i = 0; i < count; i++) sum += exp(z[i] - largest);
    return largest + log(sum);
}

static double softplus(double z) { return fmax(z, 0) + log1p(exp(-fabs(z))); }
static double sigmoid(double z) { return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z)); }

static void scaled_cross_entropy(const double *z, const double *t, double scale, double *loss, double *gradient) {
    double y[N], total = 0;
    for (int i = 0; i < N; i++) y[i] = scale * z[i];
    double lse = log_sum_exp(y, N);
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += t[i] * (lse - y[i]);
        total += t[i];
    }
    for (int i = 0; i < N; i++) gradient[i] = scale * (exp(y[i] - lse) * total - t[i]);
}

static void cross_entropy(const double *z, const double *t, double *loss, double *gradient) {
    scaled_cross_entropy(z, t, 1, loss, gradient);
}
static void sharp_cross_entropy(const double *z, const double *t, double *loss, double *gradient) {
    scaled_cross_entropy(z, t, 2, loss, gradient);
}
static void warm_cross_entropy(const double *z, const double *t, double *loss, double *gradient) {
    scaled_cross_entropy(z, t, 1 / 2.5, loss, gradient);
}
static void negative_cross_entropy(const double *z, const double *t, double *loss, double *gradient) {
    scaled_cross_entropy(z, t, -1, loss, gradient);
}

static void smooth_cross_entropy(const double *z, const double *t, double *loss, double *gradient) {
    double soft[N];
    for (int i = 0; i < N; i++) soft[i] = 0.9 * t[i] + 0.1 / N;
    cross_entropy(z, soft, loss, gradient);
}

static void divergence(const double *z, const double *t, double *loss, double *gradient) {
    cross_entropy(z, t, loss, gradient);
    for (int i = 0; i < N; i++) *loss += t[i] > 0 ? t[i] * log(t[i]) : 0;
}

static void binary(const double *z, const double *t, double *loss, double *gradient) {
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += (t[i] * softplus(-z[i]) + (1 - t[i]) * softplus(z[i])) / N;
        gradient[i] = (t[i] * (sigmoid(z[i]) - 1) + (1 - t[i]) * sigmoid(z[i])) / N;
    }
}

/* -sum t ln p over the first four, the last is masked */
static void masked(const double *z, const double *t, double *loss, double *gradient) {
    double lse = log_sum_exp(z, N - 1), total = 0;
    *loss = 0;
    for (int i = 0; i < N - 1; i++) {
        *loss += t[i] * (lse - z[i]);
        total += t[i];
    }
    for (int i = 0; i < N; i++) gradient[i] = i < N - 1 ? exp(z[i] - lse) * total - t[i] : 0;
}

/* -sum t ln(p + 1e-7) */
static void with_epsilon(const double *z, const double *t, double *loss, double *gradient) {
    double lse = log_sum_exp(z, N), d[N], total = 0;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        double p = exp(z[i] - lse);
        *loss -= t[i] * log(p + 1e-7);
        d[i] = -t[i] * p / (p + 1e-7); /* by ln p */
        total += d[i];
    }
    for (int i = 0; i < N; i++) gradient[i] = d[i] - total * exp(z[i] - lse);
}

static void sum_softplus(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += softplus(z[i]);
        gradient[i] = sigmoid(z[i]);
    }
}

static void sum_sigmoid(const double *z, const double *t, double *loss, double *gradient) {
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += t[i] * sigmoid(z[i]);
        gradient[i] = t[i] * sigmoid(z[i]) * sigmoid(-z[i]);
    }
}

static void sum_tanh(const double *z, const double *t, double *loss, double *gradient) {
    *loss = 0;
    for (int i = 0; i < N; i++) {
        double both = 1 / cosh(z[i]);
        *loss += t[i] * tanh(z[i]);
        gradient[i] = t[i] * both * both;
    }
}

static void normaliser(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    *loss = log_sum_exp(z, N);
    for (int i = 0; i < N; i++) gradient[i] = exp(z[i] - *loss);
}

static void mean_normaliser(const double *z, const double *t, double *loss, double *gradient) {
    normaliser(z, t, loss, gradient);
    *loss -= log(N);
}

/* sum p t: what attention does with its values */
static void attended(const double *z, const double *t, double *loss, double *gradient) {
    double lse = log_sum_exp(z, N);
    *loss = 0;
    for (int i = 0; i < N; i++) *loss += exp(z[i] - lse) * t[i];
    for (int i = 0; i < N; i++) gradient[i] = exp(z[i] - lse) * (t[i] - *loss);
}

static void squares(const double *z, const double *t, double *loss, double *gradient) {
    double lse = log_sum_exp(z, N), p[N], inner = 0;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        p[i] = exp(z[i] - lse);
        *loss += (p[i] - t[i]) * (p[i] - t[i]);
        inner += 2 * (p[i] - t[i]) * p[i];
    }
    for (int i = 0; i < N; i++) gradient[i] = p[i] * (2 * (p[i] - t[i]) - inner);
}

static void entropy(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    double lse = log_sum_exp(z, N);
    *loss = 0;
    for (int i = 0; i < N; i++) *loss += exp(z[i] - lse) * (z[i] - lse);
    for (int i = 0; i < N; i++) gradient[i] = exp(z[i] - lse) * (z[i] - lse - *loss);
}

/* -sum t (1 - p)^2 ln p */
static void focal(const double *z, const double *t, double *loss, double *gradient) {
    double lse = log_sum_exp(z, N), d[N], total = 0;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        double l = z[i] - lse, p = exp(l), q = -expm1(l);
        *loss -= t[i] * q * q * l;
        d[i] = -t[i] * (q * q - 2 * q * p * l); /* by l */
        total += d[i];
    }
    for (int i = 0; i < N; i++) gradient[i] = d[i] - total * exp(z[i] - lse);
}

/* two classes: softmax of (z[0], z[1]) and -ln of the first */
static void first_of_two(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    *loss = softplus(z[1] - z[0]);
    for (int i = 0; i < N; i++) gradient[i] = 0;
    gradient[0] = sigmoid(z[1] - z[0]) * -1;
    gradient[1] = sigmoid(z[1] - z[0]);
}

/* -ln sum p e^-8 (i - 4 t[0])^2: a mixture, whose weights are a softmax */
static void mixture(const double *z, const double *t, double *loss, double *gradient) {
    double y[N], lse = log_sum_exp(z, N), all;
    for (int i = 0; i < N; i++) y[i] = z[i] - 8 * (i - 4 * t[0]) * (i - 4 * t[0]);
    all = log_sum_exp(y, N);
    *loss = lse - all;
    for (int i = 0; i < N; i++) gradient[i] = exp(z[i] - lse) - exp(y[i] - all);
}

/* sum ln cosh z */
static void log_cosh(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += fabs(z[i]) + log1p(exp(-2 * fabs(z[i]))) - log(2);
        gradient[i] = tanh(z[i]);
    }
}

/* mean ln(1 + e^-s z) with s = 1 or -1 as t is above 1/2 or not */
static void logistic(const double *z, const double *t, double *loss, double *gradient) {
    *loss = 0;
    for (int i = 0; i < N; i++) {
        double s = t[i] > 0.5 ? 1 : -1;
        *loss += softplus(-s * z[i]) / N;
        gradient[i] = -s * sigmoid(-s * z[i]) / N;
    }
}

static void sum_silu(const double *z, const double *t, double *loss, double *gradient) {
    (void)t;
    *loss = 0;
    for (int i = 0; i < N; i++) {
        *loss += z[i] * sigmoid(z[i]);
        gradient[i] = sigmoid(z[i]) + z[i] * sigmoid(z[i]) * sigmoid(-z[i]);
    }
}

/* ---- Arrangements: from the logits z[5] (and the target t[5]) to the loss */

typedef enum { GENERAL, ONE_HOT, SEQUENCE } Kind;

typedef struct {
    const char *name;
    Kind target;
    Form form;
    const char *body;
} Arrangement;

#define SOFTMAX "p[i] = exp(z[i]) / sum(j: exp(z[j]))\n"
#define ENTROPY "loss = -sum(i: t[i] * log(p[i]))"
#define BINARY "loss = -mean(i: t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i]))"

/* clang-format off */
static const Arrangement arrangements[] = {
    /* softmax and cross-entropy */
    {"library", GENERAL, cross_entropy, "p = z -> softmax\nloss = cross_entropy(p, t)"},
    {"library, one-hot", ONE_HOT, cross_entropy, "p = z -> softmax\nloss = cross_entropy(p, t)"},
    {"library, sequence", SEQUENCE, cross_entropy, "p = z -> softmax\nloss = cross_entropy(p, t)"},
    {"library, log_softmax", GENERAL, cross_entropy, "l = z -> log_softmax\nloss = -sum(i: t[i] * l[i])"},
    {"one statement", GENERAL, cross_entropy, "loss = -sum(i: t[i] * log(exp(z[i]) / sum(j: exp(z[j]))))"},
    {"one statement, one-hot", ONE_HOT, cross_entropy, "loss = -sum(i: t[i] * log(exp(z[i]) / sum(j: exp(z[j]))))"},
    {"two statements", GENERAL, cross_entropy, SOFTMAX ENTROPY},
    {"three statements", GENERAL, cross_entropy, "q[i] = exp(z[i])\ns = sum(j: q[j])\np[i] = q[i] / s\n" ENTROPY},
    {"shifted by the maximum", GENERAL, cross_entropy, "m = max(i: z[i])\np[i] = exp(z[i] - m) / sum(j: exp(z[j] - m))\n" ENTROPY},
    {"shifted by the maximum, in one", GENERAL, cross_entropy, "p[i] = exp(z[i] - max(k: z[k])) / sum(j: exp(z[j] - max(k: z[k])))\n" ENTROPY},
    {"shifted first", GENERAL, cross_entropy, "m = max(i: z[i])\ny[i] = z[i] - m\nq[i] = exp(y[i])\np[i] = q[i] / sum(j: q[j])\n" ENTROPY},
    {"shifted by the mean", GENERAL, cross_entropy, "m = mean(i: z[i])\np[i] = exp(z[i] - m) / sum(j: exp(z[j] - m))\n" ENTROPY},
    {"a named logarithm", GENERAL, cross_entropy, SOFTMAX "l[i] = log(p[i])\nloss = -sum(i: t[i] * l[i])"},
    {"times 1 / s", GENERAL, cross_entropy, "s = sum(j: exp(z[j]))\nr = 1 / s\np[i] = exp(z[i]) * r\n" ENTROPY},
    {"times (1 / s)", GENERAL, cross_entropy, "p[i] = exp(z[i]) * (1 / sum(j: exp(z[j])))\n" ENTROPY},
    {"times s^-1", GENERAL, cross_entropy, "p[i] = exp(z[i]) * sum(j: exp(z[j]))^-1\n" ENTROPY},
    {"exp(z - log s)", GENERAL, cross_entropy, "p[i] = exp(z[i] - log(sum(j: exp(z[j]))))\n" ENTROPY},
    {"exp(z - log s), s named", GENERAL, cross_entropy, "s = sum(j: exp(z[j]))\np[i] = exp(z[i] - log(s))\n" ENTROPY},
    {"differences in a sum", GENERAL, cross_entropy, "p[i] = 1 / sum(j: exp(z[j] - z[i]))\n" ENTROPY},
    {"a square of roots", GENERAL, cross_entropy, "p[i] = exp(z[i] / 2)^2 / sum(j: exp(z[j] / 2)^2)\n" ENTROPY},
    {"a product of roots", GENERAL, cross_entropy, "p[i] = exp(z[i] / 2) * exp(z[i] / 2) / sum(j: exp(z[j]))\n" ENTROPY},
    {"a square root", GENERAL, cross_entropy, "p[i] = sqrt(exp(2 * z[i])) / sum(j: sqrt(exp(2 * z[j])))\n" ENTROPY},
    {"log s - z by hand", GENERAL, cross_entropy, "loss = sum(i: t[i] * (log(sum(j: exp(z[j]))) - z[i]))"},
    {"log s outside", ONE_HOT, cross_entropy, "loss = log(sum(j: exp(z[j]))) - sum(i: t[i] * z[i])"},
    {"log-sum-exp by hand", GENERAL, cross_entropy, "m = max(i: z[i])\nl = m + log(sum(j: exp(z[j] - m)))\nloss = sum(i: t[i] * (l - z[i]))"},
    {"log of 1 / p", GENERAL, cross_entropy, SOFTMAX "loss = sum(i: t[i] * log(1 / p[i]))"},
    {"quotient of logarithms", GENERAL, cross_entropy, "loss = -sum(i: t[i] * (log(exp(z[i])) - log(sum(j: exp(z[j])))))"},
    {"log sum t p", ONE_HOT, cross_entropy, SOFTMAX "loss = -log(sum(i: t[i] * p[i]))"},
    {"log sum p t", ONE_HOT, cross_entropy, SOFTMAX "loss = -log(sum(i: p[i] * t[i]))"},
    {"log prod p^t", ONE_HOT, cross_entropy, SOFTMAX "loss = -log(prod(i: p[i]^t[i]))"},
    {"log prod p^t, general", GENERAL, cross_entropy, SOFTMAX "loss = -log(prod(i: p[i]^t[i]))"},
    {"temperature", GENERAL, warm_cross_entropy, "y[i] = z[i] / 2.5\np = y -> softmax\nloss = cross_entropy(p, t)"},
    {"temperature inside", GENERAL, warm_cross_entropy, "p[i] = exp(z[i] / 2.5) / sum(j: exp(z[j] / 2.5))\n" ENTROPY},
    {"temperature as a power", GENERAL, warm_cross_entropy, "q[i] = exp(z[i])\np[i] = q[i]^0.4 / sum(j: q[j]^0.4)\n" ENTROPY},
    {"sharpened", GENERAL, sharp_cross_entropy, "q = z -> softmax\np[i] = q[i]^2 / sum(j: q[j]^2)\n" ENTROPY},
    {"a product of experts", GENERAL, sharp_cross_entropy, "q = z -> softmax\nr = z -> softmax\np[i] = q[i] * r[i] / sum(j: q[j] * r[j])\n" ENTROPY},
    {"softmin", GENERAL, negative_cross_entropy, "p[i] = exp(-z[i]) / sum(j: exp(-z[j]))\n" ENTROPY},
    {"softmin of reciprocals", GENERAL, negative_cross_entropy, "q[i] = 1 / exp(z[i])\np[i] = q[i] / sum(j: q[j])\n" ENTROPY},
    {"label smoothing", GENERAL, smooth_cross_entropy, "p = z -> softmax\nloss = -sum(i: (0.9 * t[i] + 0.1 / 5) * log(p[i]))"},
    {"label smoothing, one-hot", ONE_HOT, smooth_cross_entropy, "p = z -> softmax\nsoft[i] = 0.9 * t[i] + 0.02\nloss = cross_entropy(p, soft)"},
    {"divergence", GENERAL, divergence, "p = z -> softmax\nloss = kl_divergence(p, t)"},
    {"divergence, one-hot", ONE_HOT, divergence, "p = z -> softmax\nloss = kl_divergence(p, t)"},
    {"divergence, sequence", SEQUENCE, divergence, "p = z -> softmax\nloss = kl_divergence(p, t)"},
    {"divergence, written out", GENERAL, divergence, "p = z -> softmax\nloss = sum(i: t[i] * log(t[i] / p[i]))"},
    {"focal", GENERAL, focal, "p = z -> softmax\nloss = -sum(i: t[i] * (1 - p[i])^2 * log(p[i]))"},
    {"squares", GENERAL, squares, "p = z -> softmax\nloss = sum(i: (p[i] - t[i])^2)"},
    {"divergence, log(p / t)", GENERAL, divergence, "p = z -> softmax\nloss = -sum(i: t[i] * log(p[i] / t[i]))"},
    {"divergence, log(p * r)", GENERAL, divergence, "p = z -> softmax\nr[i] = 1 / t[i]\nloss = -sum(i: t[i] * log(p[i] * r[i]))"},
    {"entropy", GENERAL, entropy, "p = z -> softmax\nloss = sum(i: p[i] * log(p[i]))"},
    {"entropy, written out", SEQUENCE, entropy, "p = z -> softmax\nfunction h(p[n]) = sum(i: p[i] * log(p[i]))\nloss = mean(s: h(p[s]))"},
    {"mixture", GENERAL, mixture, "p = z -> softmax\nloss = -log(sum(i: p[i] * exp(-8 * (i - 4 * t[0])^2)))"},
    {"masked", GENERAL, masked, "p[i] = (if i < 4 then exp(z[i]) else 0) / sum(j: if j < 4 then exp(z[j]) else 0)\nloss = -sum(i in 0..4: t[i] * log(p[i]))"},
    {"masked by -inf", GENERAL, masked, "y[i] = if i == 4 then -inf else z[i]\np = y -> softmax\nloss = -sum(i in 0..4: t[i] * log(p[i]))"},
    {"with an epsilon", GENERAL, with_epsilon, "p = z -> softmax\nloss = -sum(i: t[i] * log(p[i] + 0.0000001))"},
    {"first of two", GENERAL, first_of_two, "p = exp(z[0]) / (exp(z[0]) + exp(z[1]))\nloss = -log(p)"},
    {"first of two, one function", GENERAL, first_of_two, "loss = -log(1 / (1 + exp(z[1] - z[0])))"},
    {"first of two, slice", GENERAL, first_of_two, "p = z -> slice(0, 2) -> softmax\nloss = -log(p[0])"},
    {"first of two, sigmoid", GENERAL, first_of_two, "loss = -log(sigmoid(z[0] - z[1]))"},
    /* the normaliser, and weights of a sum */
    {"log sum exp", GENERAL, normaliser, "loss = log(sum(i: exp(z[i])))"},
    {"log sum exp, with the maximum", GENERAL, normaliser, "m = max(i: z[i])\nloss = m + log(sum(i: exp(z[i] - m)))"},
    {"log sum exp, two statements", GENERAL, normaliser, "s = sum(i: exp(z[i]))\nloss = log(s)"},
    {"log mean exp", GENERAL, mean_normaliser, "loss = log(mean(i: exp(z[i])))"},
    {"attention", GENERAL, attended, "p = z -> softmax\nloss = sum(i: p[i] * t[i])"},
    {"attention, one quotient", GENERAL, attended, "loss = sum(i: exp(z[i]) * t[i]) / sum(i: exp(z[i]))"},
    {"attention, three statements", GENERAL, attended, "q[i] = exp(z[i])\ns = sum(i: q[i])\nn = sum(i: t[i] * q[i])\nloss = n / s"},
    {"attention, shifted", GENERAL, attended, "m = max(i: z[i])\nloss = sum(i: exp(z[i] - m) * t[i]) / sum(i: exp(z[i] - m))"},
    /* sigmoid and binary cross-entropy */
    {"binary", GENERAL, binary, "p = z -> sigmoid\nloss = binary_cross_entropy(p, t)"},
    {"binary, one-hot", ONE_HOT, binary, "p = z -> sigmoid\nloss = binary_cross_entropy(p, t)"},
    {"binary, sequence", SEQUENCE, binary, "p = z -> sigmoid\nloss = binary_cross_entropy(p, t)"},
    {"binary, one statement", GENERAL, binary, "loss = -mean(i: t[i] * log(sigmoid(z[i])) + (1 - t[i]) * log(1 - sigmoid(z[i])))"},
    {"binary, 1 / (1 + exp(-z))", GENERAL, binary, "p[i] = 1 / (1 + exp(-z[i]))\n" BINARY},
    {"binary, 1 / (exp(-z) + 1)", GENERAL, binary, "p[i] = 1 / (exp(-z[i]) + 1)\n" BINARY},
    {"binary, exp(z) / (1 + exp(z))", GENERAL, binary, "p[i] = exp(z[i]) / (1 + exp(z[i]))\n" BINARY},
    {"binary, exp(z) / (exp(z) + 1), named", GENERAL, binary, "q[i] = exp(z[i])\np[i] = q[i] / (q[i] + 1)\n" BINARY},
    {"binary, tanh", GENERAL, binary, "p[i] = (1 + tanh(z[i] / 2)) / 2\n" BINARY},
    {"binary, 0.5 * tanh + 0.5", GENERAL, binary, "p[i] = 0.5 * tanh(0.5 * z[i]) + 0.5\n" BINARY},
    {"binary, 0.5 * (tanh + 1)", GENERAL, binary, "p[i] = 0.5 * (tanh(0.5 * z[i]) + 1)\n" BINARY},
    {"binary, two names", GENERAL, binary, "p = z -> sigmoid\nq[i] = 1 - p[i]\nloss = -mean(i: t[i] * log(p[i]) + (1 - t[i]) * log(q[i]))"},
    {"binary, 1 - p written out", GENERAL, binary, "loss = -mean(i: t[i] * log(1 / (1 + exp(-z[i]))) + (1 - t[i]) * log(1 / (1 + exp(z[i]))))"},
    {"binary, power of the target", GENERAL, binary, "p = z -> sigmoid\nloss = -mean(i: log(p[i]^t[i] * (1 - p[i])^(1 - t[i])))"},
    {"binary, by softplus", GENERAL, binary, "loss = mean(i: softplus(z[i]) - t[i] * z[i])"},
    {"binary, by log(1 + exp(z))", GENERAL, binary, "loss = mean(i: log(1 + exp(z[i])) - t[i] * z[i])"},
    {"logistic", GENERAL, logistic, "loss = mean(i: log(1 + exp(-(if t[i] > 0.5 then 1 else -1) * z[i])))"},
    {"logistic, chosen", GENERAL, logistic, "p = z -> sigmoid\nloss = -mean(i: log(if t[i] > 0.5 then p[i] else 1 - p[i]))"},
    {"softplus", GENERAL, sum_softplus, "loss = sum(i: softplus(z[i]))"},
    {"softplus, written out", GENERAL, sum_softplus, "loss = sum(i: log(1 + exp(z[i])))"},
    {"softplus, exp(z) + 1", GENERAL, sum_softplus, "q[i] = exp(z[i])\nloss = sum(i: log(q[i] + 1))"},
    {"softplus, as a product", GENERAL, sum_softplus, "loss = log(prod(i: 1 + exp(z[i])))"},
    {"softplus, careful", GENERAL, sum_softplus, "loss = sum(i: max(z[i], 0) + log(1 + exp(-abs(z[i]))))"},
    {"sigmoid", GENERAL, sum_sigmoid, "loss = sum(i: t[i] / (1 + exp(-z[i])))"},
    {"sigmoid, exp(z) / (1 + exp(z))", GENERAL, sum_sigmoid, "loss = sum(i: t[i] * (exp(z[i]) / (1 + exp(z[i]))))"},
    {"sigmoid, t exp(z) / (1 + exp(z))", GENERAL, sum_sigmoid, "loss = sum(i: t[i] * exp(z[i]) / (1 + exp(z[i])))"},
    {"silu", GENERAL, sum_silu, "loss = sum(i: z[i] / (1 + exp(-z[i])))"},
    {"tanh", GENERAL, sum_tanh, "loss = sum(i: t[i] * ((exp(z[i]) - exp(-z[i])) / (exp(z[i]) + exp(-z[i]))))"},
    {"tanh, exp(2 z)", GENERAL, sum_tanh, "loss = sum(i: t[i] * ((exp(2 * z[i]) - 1) / (exp(2 * z[i]) + 1)))"},
    {"tanh, exp(-2 z)", GENERAL, sum_tanh, "y[i] = (1 - exp(-2 * z[i])) / (1 + exp(-2 * z[i]))\nloss = sum(i: t[i] * y[i])"},
    {"tanh, by a sigmoid", GENERAL, sum_tanh, "loss = sum(i: t[i] * (2 * sigmoid(2 * z[i]) - 1))"},
    {"tanh, sinh / cosh", GENERAL, sum_tanh, "loss = sum(i: t[i] * (sinh(z[i]) / cosh(z[i])))"},
    {"sigmoid, (1 - tanh) / 2", GENERAL, sum_sigmoid, "loss = sum(i: t[i] * ((1 - tanh(-z[i] / 2)) / 2))"},
    {"sigmoid, 0.5 - 0.5 * tanh", GENERAL, sum_sigmoid, "loss = sum(i: t[i] * (0.5 - 0.5 * tanh(-0.5 * z[i])))"},
    {"log cosh", GENERAL, log_cosh, "loss = sum(i: log(cosh(z[i])))"},
    {"log cosh, written out", GENERAL, log_cosh, "loss = sum(i: log((exp(z[i]) + exp(-z[i])) / 2))"},
};
/* clang-format on */
enum { ARRANGEMENTS = sizeof arrangements / sizeof *arrangements };

static char *text_of(const Arrangement *a) {
    bool steps = a->target == SEQUENCE;
    char *text = malloc(4000);
    snprintf(text, 4000,
             "model stable\ninput pick[%s%d]\ntarget t[%s%d]\n"
             "layer picked(x[m], n) -> z[n] {\n    param Z[m, n] = 0\n    z[i] = sum(k: x[k] * Z[k, i])\n}\n"
             "z = pick -> picked(%d)\n%s\noptimizer = sgd(rate = 1)\n%s",
             steps ? "2, " : "", ROWS, steps ? "2, " : "", N, N, a->body,
             a->target == ONE_HOT ? "data train {\n    pick = [[1, 0, 0, 0, 0, 0]]\n    t = [[2]] -> one_hot\n}\n" : "");
    return text;
}

static bool close_to(double a, double b) { return fabs(a - b) <= 1e-12 * fmax(1, fabs(b)); }

/* At logits of about +- scale; returns whether all is as it should be. */
static bool holds(const Arrangement *a, ModelRun *run, double scale, uint64_t seed, bool shown) {
    const Tensor *Z = model_find(run, "z.Z"), *pick = model_find(run, "pick"), *t = model_find(run, "t");
    int rows = a->target == SEQUENCE ? ROWS : BATCH;
    model_fill(run, seed);
    double *z = machine_values(run->machine, Z), *target = machine_values(run->machine, t), loss = 0, gradient[ROWS][N];
    memset(machine_values(run->machine, pick), 0, sizeof(double) * (size_t)tensor_points(pick));
    for (int row = 0; row < rows; row++) {
        machine_values(run->machine, pick)[row * ROWS + row] = 1;
        for (int i = 0; i < N; i++) z[row * N + i] = scale * (2 * model_uniform(seed, "logits", row * N + i) - 1);
        if (row == 0) z[0] = scale, z[1] = -scale, z[2] = scale; /* the extremes, and a tie */
        double one, two[N];
        a->form(z + row * N, target + row * N, &one, two);
        loss += one / rows;
        for (int i = 0; i < N; i++) gradient[row][i] = two[i] / rows;
    }
    double actual = model_loss(run);
    machine_run(run->machine, &run->program->backward);
    bool fine = close_to(actual, loss);
    if (!fine && shown) print_error("%s, logits +- %g: the loss is %.17g instead of %.17g\n", a->name, scale, actual, loss);
    const double *derived = model_gradient(run, Z);
    for (int i = 0; i < rows * N; i++) {
        double g = derived == NULL ? 0 : derived[i], expected = gradient[i / N][i % N];
        if (close_to(g, expected)) continue;
        if (fine && shown)
            print_error("%s, logits +- %g: the derivative by z[%d, %d] is %.17g instead of %.17g\n", a->name, scale, i / N, i % N,
                        g, expected);
        fine = false;
    }
    return fine;
}

static void test_arrangements(void **state) {
    (void)state;
    static const double scales[] = {1, 20, 80, 3000};
    int wrong = 0;
    for (size_t i = 0; i < ARRANGEMENTS; i++) {
        char *text = text_of(&arrangements[i]);
        ModelRun run = model_new(text, "simplify");
        bool fine = run.program != NULL;
        for (size_t s = 0; fine && s < sizeof scales / sizeof *scales; s++) {
            for (uint64_t seed = 1; fine && seed <= 3; seed++) fine = holds(&arrangements[i], &run, scales[s], seed, true);
        }
        wrong += !fine;
        model_free(&run);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrangements),
    };
    return cmocka_run_group_tests_name("stable", tests, NULL, NULL);
}
