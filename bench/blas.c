/* Dense layers by hand with a BLAS: a product of matrices for each layer forwards and two backwards; the product adds the update of plain
   gradient descent itself. */
#include "peer.h"

#include "blas.h"
#include "mlp.h"

enum { MOST = 1024 /* of a layer's sizes */ };

static const int size[] = {SIZES};
static float parameters[LAYERS * (MOST + 1) * MOST];
static float *W[LAYERS], *b[LAYERS];                           /* in parameters */
static float y[LAYERS][BATCH * MOST], d[LAYERS][BATCH * MOST]; /* results of each layer, derivatives of its sums */

#ifdef ADAM

static float gradient[(MOST + 1) * MOST], mean[LAYERS * (MOST + 1) * MOST], square[LAYERS * (MOST + 1) * MOST];
static int steps;

static void update(int l, const float *x) {
    const int in = size[l], out = size[l + 1], n = out * in + out; /* b stands behind W */
    const float correct_mean = (float)(1.0 - pow(0.9, steps)), correct_square = (float)(1.0 - pow(0.999, steps));
    float *restrict w = W[l], *restrict m = mean + (w - parameters), *restrict v = square + (w - parameters);
    dense_add(BATCH, in, out, 1.0f, d[l], x, 0.0f, gradient, gradient + out * in);
    for (int i = 0; i < n; i++) {
        m[i] = 0.9f * m[i] + 0.1f * gradient[i];
        v[i] = 0.999f * v[i] + 0.001f * gradient[i] * gradient[i];
        w[i] -= RATE * (m[i] / correct_mean) / (sqrtf(v[i] / correct_square) + 1e-8f);
    }
}

#else

static void update(int l, const float *x) { dense_add(BATCH, size[l], size[l + 1], -RATE, d[l], x, 1.0f, W[l], b[l]); }

#endif

static float step(const float *x, const float *t) {
    for (int l = 0; l < LAYERS; l++) {
        dense(BATCH, size[l], size[l + 1], W[l], b[l], l == 0 ? x : y[l - 1], y[l]);
        if (l + 1 == LAYERS) break;
        for (int i = 0; i < BATCH * size[l + 1]; i++) y[l][i] = activate(y[l][i]);
    }
    const float loss = judge(y[LAYERS - 1], t, d[LAYERS - 1]);
    for (int l = LAYERS - 1; l > 0; l--) {
        dense_backward(BATCH, size[l], size[l + 1], W[l], d[l], d[l - 1]);
        for (int i = 0; i < BATCH * size[l]; i++) d[l - 1][i] *= slope(y[l - 1][i]);
        update(l, y[l - 1]);
    }
    update(0, x);
    return loss;
}

void peer_start(const float *from) {
    int n = 0;
    for (int l = 0; l < LAYERS; l++) {
        W[l] = parameters + n;
        b[l] = W[l] + size[l] * size[l + 1];
        n += (size[l] + 1) * size[l + 1];
    }
    memcpy(parameters, from, (size_t)n * sizeof *parameters);
#ifdef ADAM
    memset(mean, 0, sizeof mean);
    memset(square, 0, sizeof square);
    steps = 0;
#endif
}

double peer_train(const float *x, const float *t, size_t n) {
    double loss = 0.0;
    for (size_t first = 0; first < n; first += BATCH) {
#ifdef ADAM
        steps++;
#endif
        loss += (double)step(x + first * INPUTS, t + first * TARGETS);
    }
    return loss;
}
