/* Dense layers by hand with a BLAS: a product of matrices for each layer forwards and two backwards, the update of plain gradient descent
   added by the product itself; for one example products of matrix and vector. */
#include "peer.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "mlp.h"

enum { MOST = 1024 /* of a layer's sizes */ };

static const int size[] = {SIZES};
static float *W[LAYERS], *b[LAYERS];                           /* in parameters */
static float y[LAYERS][BATCH * MOST], d[LAYERS][BATCH * MOST]; /* y[l]: results of layer l; d: their derivatives */
static float parameters[LAYERS * (MOST + 1) * MOST];

#ifdef ADAM
static float gradient[(MOST + 1) * MOST], mean[LAYERS * (MOST + 1) * MOST], square[LAYERS * (MOST + 1) * MOST];
static int steps;

static void adam(float *w, size_t n) {
    const float correct_mean = (float)(1.0 - pow(0.9, steps)), correct_square = (float)(1.0 - pow(0.999, steps));
    float *restrict m = mean + (w - parameters), *restrict v = square + (w - parameters);
    for (size_t i = 0; i < n; i++) {
        m[i] = 0.9f * m[i] + 0.1f * gradient[i];
        v[i] = 0.999f * v[i] + 0.001f * gradient[i] * gradient[i];
        w[i] -= RATE * (m[i] / correct_mean) / (sqrtf(v[i] / correct_square) + 1e-8f);
    }
}
#endif

static void forward(int l, const float *x) {
    const int in = size[l], out = size[l + 1];
    for (int e = 0; e < BATCH; e++) memcpy(y[l] + e * out, b[l], (size_t)out * sizeof *b[l]);
    if (BATCH == 1) cblas_sgemv(CblasRowMajor, CblasNoTrans, out, in, 1.0f, W[l], in, x, 1, 1.0f, y[l], 1);
    else cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, out, in, 1.0f, x, in, W[l], in, 1.0f, y[l], out);
    if (l + 1 < LAYERS) {
        for (int i = 0; i < BATCH * out; i++) y[l][i] = activate(y[l][i]);
    }
}

/* d[l - 1] from d[l] */
static void backward(int l) {
    const int in = size[l], out = size[l + 1];
    if (BATCH == 1) cblas_sgemv(CblasRowMajor, CblasTrans, out, in, 1.0f, W[l], in, d[l], 1, 0.0f, d[l - 1], 1);
    else cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, in, out, 1.0f, d[l], out, W[l], in, 0.0f, d[l - 1], in);
    for (int i = 0; i < BATCH * in; i++) d[l - 1][i] *= slope(y[l - 1][i]);
}

static void update(int l, const float *x) {
    const int in = size[l], out = size[l + 1];
#ifdef ADAM
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, BATCH, 1.0f, d[l], out, x, in, 0.0f, gradient, in);
    adam(W[l], (size_t)(out * in));
    memset(gradient, 0, (size_t)out * sizeof *gradient);
    for (int e = 0; e < BATCH; e++) cblas_saxpy(out, 1.0f, d[l] + e * out, 1, gradient, 1);
    adam(b[l], (size_t)out);
#else
    if (BATCH == 1) cblas_sger(CblasRowMajor, out, in, -RATE, d[l], 1, x, 1, W[l], in);
    else cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, BATCH, -RATE, d[l], out, x, in, 1.0f, W[l], in);
    for (int e = 0; e < BATCH; e++) {
        for (int j = 0; j < out; j++) b[l][j] -= RATE * d[l][e * out + j];
    }
#endif
}

static float step(const float *x, const float *t) {
#ifdef ADAM
    steps++;
#endif
    for (int l = 0; l < LAYERS; l++) forward(l, l == 0 ? x : y[l - 1]);
    const float loss = judge(y[LAYERS - 1], t, d[LAYERS - 1]);
    for (int l = LAYERS - 1; l >= 0; l--) {
        if (l > 0) backward(l);
        update(l, l == 0 ? x : y[l - 1]);
    }
    return loss;
}

void peer_start(const float *from) {
    size_t n = 0;
    for (int l = 0; l < LAYERS; l++) {
        W[l] = parameters + n;
        n += (size_t)(size[l] * size[l + 1]);
        b[l] = parameters + n;
        n += (size_t)size[l + 1];
    }
    memcpy(parameters, from, n * sizeof *parameters);
#ifdef ADAM
    memset(mean, 0, sizeof mean);
    memset(square, 0, sizeof square);
    steps = 0;
#endif
}

double peer_train(const float *x, const float *t, size_t n) {
    double loss = 0.0;
    for (size_t first = 0; first < n; first += BATCH) loss += (double)step(x + first * INPUTS, t + first * TARGETS);
    return loss;
}
