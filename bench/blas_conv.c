/* conv.nn and strided.nn by hand with a BLAS: the convolution of an example is a product with the matrix of its windows (im2col). */
#include "peer.h"

#include "blas.h"
#include "conv.h"

enum { PIXELS = TARGETS / FILTERS, WINDOW = MAPS * KERNEL * KERNEL };

static struct { float gain[INPUTS], W[FILTERS * WINDOW], b[FILTERS]; } model;

static float padded[MAPS * PADDED * PADDED], dpadded[MAPS * PADDED * PADDED]; /* the border of padded stays 0 */
static float windows[WINDOW * PIXELS], dwindows[WINDOW * PIXELS], dy[TARGETS];
static float dgain[INPUTS], dW[FILTERS * WINDOW], db[FILTERS];

/* Where row (a, u, v) of the windows begins in the padded image */
static inline int place(int a, int u, int v) { return (a * PADDED + DILATION * u) * PADDED + DILATION * v; }

static void im2col(void) {
    float *to = windows;
    for (int row = 0; row < WINDOW; row++) {
        const float *from = padded + place(row / (KERNEL * KERNEL), row / KERNEL % KERNEL, row % KERNEL);
        for (int r = 0; r < OUT; r++) {
            for (int s = 0; s < OUT; s++) *to++ = from[STRIDE * (r * PADDED + s)];
        }
    }
}

/* The adjoint: every pixel gets the sum of its places in the windows. */
static void col2im(void) {
    const float *from = dwindows;
    memset(dpadded, 0, sizeof dpadded);
    for (int row = 0; row < WINDOW; row++) {
        float *to = dpadded + place(row / (KERNEL * KERNEL), row / KERNEL % KERNEL, row % KERNEL);
        for (int r = 0; r < OUT; r++) {
            for (int s = 0; s < OUT; s++) to[STRIDE * (r * PADDED + s)] += *from++;
        }
    }
}

/* Mean squared error; y is overwritten with its derivative. */
static float judge(float *y, const float *t) {
    float loss = 0.0f;
    for (int i = 0; i < TARGETS; i++) {
        const float difference = y[i] - t[i];
        loss += difference * difference;
        y[i] = difference * 2.0f / (TARGETS * BATCH);
    }
    return loss / TARGETS;
}

static float example(const float *x, const float *t) {
    for (int row = 0; row < MAPS * SIDE; row++) {
        float *to = padded + (row / SIDE * PADDED + row % SIDE + PAD) * PADDED + PAD;
        for (int s = 0; s < SIDE; s++) to[s] = model.gain[row * SIDE + s] * x[row * SIDE + s];
    }
    im2col();
    for (int i = 0; i < TARGETS; i++) dy[i] = model.b[i / PIXELS];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, FILTERS, PIXELS, WINDOW, 1.0f, model.W, WINDOW, windows, PIXELS, 1.0f,
                dy, PIXELS);
    const float loss = judge(dy, t);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, FILTERS, WINDOW, PIXELS, 1.0f, dy, PIXELS, windows, PIXELS, 1.0f, dW,
                WINDOW);
    for (int i = 0; i < TARGETS; i++) db[i / PIXELS] += dy[i];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, WINDOW, PIXELS, FILTERS, 1.0f, model.W, WINDOW, dy, PIXELS, 0.0f,
                dwindows, PIXELS);
    col2im();
    for (int row = 0; row < MAPS * SIDE; row++) {
        const float *from = dpadded + (row / SIDE * PADDED + row % SIDE + PAD) * PADDED + PAD;
        for (int s = 0; s < SIDE; s++) dgain[row * SIDE + s] += from[s] * x[row * SIDE + s];
    }
    return loss;
}

static float step(const float *x, const float *t) {
    float loss = 0.0f;
    memset(dgain, 0, sizeof dgain);
    memset(dW, 0, sizeof dW);
    memset(db, 0, sizeof db);
    for (int e = 0; e < BATCH; e++) loss += example(x + e * INPUTS, t + e * TARGETS);
    for (int i = 0; i < INPUTS; i++) model.gain[i] -= RATE * dgain[i];
    for (int i = 0; i < FILTERS * WINDOW; i++) model.W[i] -= RATE * dW[i];
    for (int i = 0; i < FILTERS; i++) model.b[i] -= RATE * db[i];
    return loss;
}

#include "peer_steps.h"
