/* attention.nn by hand with a BLAS: queries, keys and values of a batch are one product each; scores and their use are products of an
   example and a head, whose columns lie in those of all heads. */
#include "peer.h"

#include <math.h>

#include "blas.h"

enum { STEPS = 64, WIDTH = 128, HEADS = 4, PART = WIDTH / HEADS, ROWS = BATCH * STEPS };

static struct { float Q[WIDTH * WIDTH], K[WIDTH * WIDTH], V[WIDTH * WIDTH], O[WIDTH * WIDTH]; } model;

static float q[ROWS * WIDTH], k[ROWS * WIDTH], v[ROWS * WIDTH], z[ROWS * WIDTH], y[ROWS * WIDTH];
static float dq[ROWS * WIDTH], dk[ROWS * WIDTH], dv[ROWS * WIDTH], dz[ROWS * WIDTH];
static float p[BATCH * HEADS][STEPS * STEPS], ds[STEPS * STEPS];

/* y = x W' */
static void map(const float *x, const float *W, float *out) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, WIDTH, WIDTH, 1.0f, x, WIDTH, W, WIDTH, 0.0f, out, WIDTH);
}

static void update(const float *d, const float *x, float *W) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, WIDTH, WIDTH, ROWS, -RATE, d, WIDTH, x, WIDTH, 1.0f, W, WIDTH);
}

/* steps x steps: factor a b', of one head */
static void scores(float factor, const float *a, const float *b, float *out) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, STEPS, STEPS, PART, factor, a, WIDTH, b, WIDTH, 0.0f, out, STEPS);
}

/* out = factor s a, or with the transpose of s, of one head */
static void weigh(enum CBLAS_TRANSPOSE transpose, float factor, const float *s, const float *a, float *out) {
    cblas_sgemm(CblasRowMajor, transpose, CblasNoTrans, STEPS, PART, STEPS, factor, s, STEPS, a, WIDTH, 0.0f, out, WIDTH);
}

static void softmax(float *restrict row) {
    float max = row[0], sum = 0.0f;
    for (int j = 1; j < STEPS; j++) max = row[j] > max ? row[j] : max;
    for (int j = 0; j < STEPS; j++) {
        row[j] = expf(row[j] - max);
        sum += row[j];
    }
    for (int j = 0; j < STEPS; j++) row[j] /= sum;
}

/* d = p (d - p d), row by row */
static void softmax_backward(const float *restrict row, float *restrict d) {
    float dot = 0.0f;
    for (int j = 0; j < STEPS; j++) dot += row[j] * d[j];
    for (int j = 0; j < STEPS; j++) d[j] = row[j] * (d[j] - dot);
}

/* Mean squared error; y is overwritten with its derivative. Returns the sum over the examples. */
static float judge(const float *t) {
    float loss = 0.0f;
    for (int i = 0; i < ROWS * WIDTH; i++) {
        const float difference = y[i] - t[i];
        loss += difference * difference;
        y[i] = difference * 2.0f / (ROWS * WIDTH);
    }
    return loss / (STEPS * WIDTH);
}

static float step(const float *x, const float *t) {
    const float scale = 1.0f / sqrtf(PART);
    map(x, model.Q, q);
    map(x, model.K, k);
    map(x, model.V, v);
    for (int e = 0; e < BATCH * HEADS; e++) {
        const int at = e / HEADS * STEPS * WIDTH + e % HEADS * PART;
        scores(scale, q + at, k + at, p[e]);
        for (int i = 0; i < STEPS; i++) softmax(p[e] + i * STEPS);
        weigh(CblasNoTrans, 1.0f, p[e], v + at, z + at);
    }
    map(z, model.O, y);
    const float loss = judge(t);
    dense_backward(ROWS, WIDTH, WIDTH, model.O, y, dz);
    for (int e = 0; e < BATCH * HEADS; e++) {
        const int at = e / HEADS * STEPS * WIDTH + e % HEADS * PART;
        weigh(CblasTrans, 1.0f, p[e], dz + at, dv + at);
        scores(1.0f, dz + at, v + at, ds);
        for (int i = 0; i < STEPS; i++) softmax_backward(p[e] + i * STEPS, ds + i * STEPS);
        weigh(CblasNoTrans, scale, ds, k + at, dq + at);
        weigh(CblasTrans, scale, ds, q + at, dk + at);
    }
    update(y, z, model.O);
    update(dq, x, model.Q);
    update(dk, x, model.K);
    update(dv, x, model.V);
    return loss;
}

#include "peer_steps.h"
