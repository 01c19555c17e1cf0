/* experts.nn by hand with a BLAS: the four experts are one dense layer, 128 to 4 x 64, the gate another. */
#include "peer.h"

#include <math.h>

#include "blas.h"

enum { IN = INPUTS, EXPERTS = 4, UNITS = TARGETS, ALL = EXPERTS * UNITS };

static struct { float G[EXPERTS * IN], W[ALL * IN], b[ALL]; } model;

static float p[BATCH * EXPERTS], y[BATCH * ALL], dp[BATCH * EXPERTS], d[BATCH * ALL];
static float zero[EXPERTS]; /* the gate has no bias */

/* One example: p = softmax(p), the loss of sum(e: p[e] y[e]) by mean squared error, and the derivatives of the sums in p and y. */
static float example(float *restrict gate, float *restrict a, const float *restrict t, float *restrict dgate,
                     float *restrict da) {
    float max = gate[0], sum = 0.0f, dot = 0.0f, loss = 0.0f, output[UNITS] = {0};
    for (int e = 1; e < EXPERTS; e++) max = gate[e] > max ? gate[e] : max;
    for (int e = 0; e < EXPERTS; e++) sum += gate[e] = expf(gate[e] - max);
    for (int e = 0; e < EXPERTS; e++) gate[e] /= sum;
    for (int i = 0; i < ALL; i++) a[i] = tanhf(a[i]);
    for (int e = 0; e < EXPERTS; e++) {
        for (int j = 0; j < UNITS; j++) output[j] += gate[e] * a[e * UNITS + j];
    }
    for (int j = 0; j < UNITS; j++) {
        output[j] -= t[j];
        loss += output[j] * output[j];
        output[j] *= 2.0f / (UNITS * BATCH);
    }
    for (int e = 0; e < EXPERTS; e++) {
        dgate[e] = 0.0f;
        for (int j = 0; j < UNITS; j++) {
            dgate[e] += output[j] * a[e * UNITS + j];
            da[e * UNITS + j] = output[j] * gate[e] * (1.0f - a[e * UNITS + j] * a[e * UNITS + j]);
        }
        dot += gate[e] * dgate[e];
    }
    for (int e = 0; e < EXPERTS; e++) dgate[e] = gate[e] * (dgate[e] - dot);
    return loss / UNITS;
}

static float step(const float *x, const float *t) {
    float loss = 0.0f;
    dense(BATCH, IN, EXPERTS, model.G, zero, x, p);
    dense(BATCH, IN, ALL, model.W, model.b, x, y);
    for (int e = 0; e < BATCH; e++) loss += example(p + e * EXPERTS, y + e * ALL, t + e * TARGETS, dp + e * EXPERTS, d + e * ALL);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, EXPERTS, IN, BATCH, -RATE, dp, EXPERTS, x, IN, 1.0f, model.G, IN);
    dense_add(BATCH, IN, ALL, -RATE, d, x, 1.0f, model.W, model.b);
    return loss;
}

#include "peer_steps.h"
