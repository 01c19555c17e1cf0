/* lenet.nn by hand with a BLAS: each convolution of an example is a product with the matrix of its windows (im2col). */
#include "peer.h"

#include "blas.h"
#include "mlp.h"

/* Convolution: side of the image, with its border; windows of KERNEL x KERNEL; side of the result */
enum { KERNEL = 5, SIDE1 = 32, OUT1 = 28, MAPS1 = 6, SIDE2 = 14, OUT2 = 10, MAPS2 = 16 };
enum { WINDOW1 = KERNEL * KERNEL, WINDOW2 = MAPS1 * WINDOW1, PIXELS1 = OUT1 * OUT1, PIXELS2 = OUT2 * OUT2 };
enum { POOLED1 = MAPS1 * SIDE2 * SIDE2, POOLED2 = MAPS2 * PIXELS2 / 4, HIDDEN1 = 120, HIDDEN2 = 84, BORDER = 2 };

static struct {
    float W1[MAPS1 * WINDOW1], b1[MAPS1], W2[MAPS2 * WINDOW2], b2[MAPS2];
    float W3[HIDDEN1 * POOLED2], b3[HIDDEN1], W4[HIDDEN2 * HIDDEN1], b4[HIDDEN2], W5[TARGETS * HIDDEN2], b5[TARGETS];
} model;

static float windows1[BATCH][WINDOW1 * PIXELS1], windows2[BATCH][WINDOW2 * PIXELS2];
static float pooled1[BATCH][POOLED1], pooled2[BATCH][POOLED2], dpooled2[BATCH][POOLED2];
static int winner1[BATCH][POOLED1], winner2[BATCH][POOLED2]; /* which pixel is the largest of its window */
static float dconv1[BATCH][MAPS1 * PIXELS1], dconv2[BATCH][MAPS2 * PIXELS2];
static float y3[BATCH * HIDDEN1], y4[BATCH * HIDDEN2], y5[BATCH * TARGETS];
static float d3[BATCH * HIDDEN1], d4[BATCH * HIDDEN2], d5[BATCH * TARGETS];

/* Row (map, u, v) holds pixel (r + u, s + v) of the map for each (r, s). */
static inline void im2col(int maps, int side, int out, const float *x, float *windows) {
    for (int a = 0; a < maps; a++) {
        for (int u = 0; u < KERNEL; u++) {
            for (int v = 0; v < KERNEL; v++) {
                for (int r = 0; r < out; r++, windows += out)
                    memcpy(windows, x + (a * side + r + u) * side + v, (size_t)out * sizeof *x);
            }
        }
    }
}

/* The adjoint: every pixel gets the sum of its places in the windows. */
static inline void col2im(int maps, int side, int out, const float *restrict windows, float *restrict x) {
    memset(x, 0, (size_t)(maps * side * side) * sizeof *x);
    for (int a = 0; a < maps; a++) {
        for (int u = 0; u < KERNEL; u++) {
            for (int v = 0; v < KERNEL; v++) {
                for (int r = 0; r < out; r++, windows += out) {
                    for (int s = 0; s < out; s++) x[(a * side + r + u) * side + v + s] += windows[s];
                }
            }
        }
    }
}

/* y = W windows + b, then relu and the largest of each 2 x 2 pixels */
static inline void convolve(int maps, int window, int out, const float *W, const float *b, const float *windows,
                            float *restrict pooled, int *restrict winner) {
    float y[maps * out * out];
    for (int o = 0; o < maps; o++) {
        for (int i = 0; i < out * out; i++) y[o * out * out + i] = b[o];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, maps, out * out, window, 1.0f, W, window, windows, out * out, 1.0f, y,
                out * out);
    for (int r = 0; r < maps * out / 2; r++) {
        for (int s = 0; s < out / 2; s++) {
            const int at = 2 * r * out + 2 * s, down = at + out;
            int best = at;
            float max = y[at];
            if (y[at + 1] > max) max = y[at + 1], best = at + 1;
            if (y[down] > max) max = y[down], best = down;
            if (y[down + 1] > max) max = y[down + 1], best = down + 1;
            pooled[r * out / 2 + s] = max > 0.0f ? max : 0.0f;
            winner[r * out / 2 + s] = best;
        }
    }
}

static inline void unpool(int n, int pixels, const float *dpooled, const float *pooled, const int *winner, float *d) {
    memset(d, 0, (size_t)pixels * sizeof *d);
    for (int i = 0; i < n; i++) d[winner[i]] = pooled[i] > 0.0f ? dpooled[i] : 0.0f;
}

static inline void update(int maps, int window, int pixels, const float *d, const float *windows, float *W, float *b) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, maps, window, pixels, -RATE, d, pixels, windows, pixels, 1.0f, W,
                window);
    for (int o = 0; o < maps; o++) {
        float sum = 0.0f;
        for (int i = 0; i < pixels; i++) sum += d[o * pixels + i];
        b[o] -= RATE * sum;
    }
}

static void forward(const float *x) {
    static float padded[SIDE1 * SIDE1]; /* the border stays 0 */
    for (int e = 0; e < BATCH; e++) {
        for (int r = 0; r < OUT1; r++)
            memcpy(padded + (r + BORDER) * SIDE1 + BORDER, x + e * PIXELS1 + r * OUT1, OUT1 * sizeof *x);
        im2col(1, SIDE1, OUT1, padded, windows1[e]);
        convolve(MAPS1, WINDOW1, OUT1, model.W1, model.b1, windows1[e], pooled1[e], winner1[e]);
        im2col(MAPS1, SIDE2, OUT2, pooled1[e], windows2[e]);
        convolve(MAPS2, WINDOW2, OUT2, model.W2, model.b2, windows2[e], pooled2[e], winner2[e]);
    }
    dense(BATCH, POOLED2, HIDDEN1, model.W3, model.b3, pooled2[0], y3);
    for (int i = 0; i < BATCH * HIDDEN1; i++) y3[i] = y3[i] > 0.0f ? y3[i] : 0.0f;
    dense(BATCH, HIDDEN1, HIDDEN2, model.W4, model.b4, y3, y4);
    for (int i = 0; i < BATCH * HIDDEN2; i++) y4[i] = y4[i] > 0.0f ? y4[i] : 0.0f;
    dense(BATCH, HIDDEN2, TARGETS, model.W5, model.b5, y4, y5);
}

static void backward(void) {
    static float dwindows[WINDOW2 * PIXELS2], dpooled1[POOLED1];
    dense_backward(BATCH, HIDDEN2, TARGETS, model.W5, d5, d4);
    for (int i = 0; i < BATCH * HIDDEN2; i++) d4[i] = y4[i] > 0.0f ? d4[i] : 0.0f;
    dense_backward(BATCH, HIDDEN1, HIDDEN2, model.W4, d4, d3);
    for (int i = 0; i < BATCH * HIDDEN1; i++) d3[i] = y3[i] > 0.0f ? d3[i] : 0.0f;
    dense_backward(BATCH, POOLED2, HIDDEN1, model.W3, d3, dpooled2[0]);
    for (int e = 0; e < BATCH; e++) {
        unpool(POOLED2, MAPS2 * PIXELS2, dpooled2[e], pooled2[e], winner2[e], dconv2[e]);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, WINDOW2, PIXELS2, MAPS2, 1.0f, model.W2, WINDOW2, dconv2[e], PIXELS2,
                    0.0f, dwindows, PIXELS2);
        col2im(MAPS1, SIDE2, OUT2, dwindows, dpooled1);
        unpool(POOLED1, MAPS1 * PIXELS1, dpooled1, pooled1[e], winner1[e], dconv1[e]);
    }
}

static float step(const float *x, const float *t) {
    forward(x);
    const float loss = judge(y5, t, d5);
    backward();
    dense_add(BATCH, HIDDEN2, TARGETS, -RATE, d5, y4, 1.0f, model.W5, model.b5);
    dense_add(BATCH, HIDDEN1, HIDDEN2, -RATE, d4, y3, 1.0f, model.W4, model.b4);
    dense_add(BATCH, POOLED2, HIDDEN1, -RATE, d3, pooled2[0], 1.0f, model.W3, model.b3);
    for (int e = 0; e < BATCH; e++) {
        update(MAPS2, WINDOW2, PIXELS2, dconv2[e], windows2[e], model.W2, model.b2);
        update(MAPS1, WINDOW1, PIXELS1, dconv1[e], windows1[e], model.W1, model.b1);
    }
    return loss;
}

#include "peer_steps.h"
