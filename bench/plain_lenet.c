/* lenet.nn by plain loops, as plain.c: in an order that a compiler can vectorize, along the rows of an image. */
#include "peer.h"

#include <string.h>

#include "mlp.h"
#include "plain.h"

/* Convolution: side of the image, with its border; windows of KERNEL x KERNEL; side of the result */
enum { KERNEL = 5, BORDER = 2, SIDE0 = 28, SIDE1 = 32, OUT1 = 28, MAPS1 = 6, SIDE2 = 14, OUT2 = 10, MAPS2 = 16, SIDE3 = 5 };
enum { POOLED = MAPS2 * SIDE3 * SIDE3, HIDDEN1 = 120, HIDDEN2 = 84 };

static struct {
    float W1[MAPS1][1][KERNEL][KERNEL], b1[MAPS1], W2[MAPS2][MAPS1][KERNEL][KERNEL], b2[MAPS2];
    float W3[HIDDEN1 * POOLED], b3[HIDDEN1], W4[HIDDEN2 * HIDDEN1], b4[HIDDEN2], W5[TARGETS * HIDDEN2], b5[TARGETS];
} model;

static float padded[BATCH][1][SIDE1][SIDE1]; /* the border stays 0 */
static float conv1[BATCH][MAPS1][OUT1][OUT1], pooled1[BATCH][MAPS1][SIDE2][SIDE2];
static float conv2[BATCH][MAPS2][OUT2][OUT2], pooled2[BATCH][MAPS2][SIDE3][SIDE3];
static float dconv1[BATCH][MAPS1][OUT1][OUT1], dpooled1[BATCH][MAPS1][SIDE2][SIDE2];
static float dconv2[BATCH][MAPS2][OUT2][OUT2], dpooled2[BATCH][MAPS2][SIDE3][SIDE3];
static float y3[BATCH * HIDDEN1], y4[BATCH * HIDDEN2], y5[BATCH * TARGETS];
static float d3[BATCH * HIDDEN1], d4[BATCH * HIDDEN2], d5[BATCH * TARGETS];

/* y = relu(W * x + b) for one example: from `in` maps, `maps` of them */
static inline void convolve(int in, int maps, int side, int out, const float W[maps][in][KERNEL][KERNEL], const float *b,
                            const float x[in][side][side], float y[maps][out][out]) {
    for (int o = 0; o < maps; o++) {
        for (int r = 0; r < out; r++) {
            float row[out];
            for (int s = 0; s < out; s++) row[s] = b[o];
            for (int a = 0; a < in; a++) {
                for (int u = 0; u < KERNEL; u++) {
                    for (int v = 0; v < KERNEL; v++) {
                        for (int s = 0; s < out; s++) row[s] += W[o][a][u][v] * x[a][r + u][s + v];
                    }
                }
            }
            for (int s = 0; s < out; s++) y[o][r][s] = row[s] > 0.0f ? row[s] : 0.0f;
        }
    }
}

static inline void pool(int maps, int out, const float x[maps][2 * out][2 * out], float y[maps][out][out]) {
    for (int o = 0; o < maps; o++) {
        for (int r = 0; r < out; r++) {
            for (int s = 0; s < out; s++) {
                float max = x[o][2 * r][2 * s];
                if (x[o][2 * r][2 * s + 1] > max) max = x[o][2 * r][2 * s + 1];
                if (x[o][2 * r + 1][2 * s] > max) max = x[o][2 * r + 1][2 * s];
                if (x[o][2 * r + 1][2 * s + 1] > max) max = x[o][2 * r + 1][2 * s + 1];
                y[o][r][s] = max;
            }
        }
    }
}

/* To the first of the largest, through relu */
static inline void unpool(int maps, int out, const float x[maps][2 * out][2 * out], const float y[maps][out][out],
                          const float dy[maps][out][out], float dx[maps][2 * out][2 * out]) {
    memset(dx, 0, sizeof(float) * (size_t)(maps * 4 * out * out));
    for (int o = 0; o < maps; o++) {
        for (int r = 0; r < out; r++) {
            for (int s = 0; s < out; s++) {
                if (y[o][r][s] <= 0.0f) continue;
                for (int k = 0; k < 4; k++) {
                    if (x[o][2 * r + k / 2][2 * s + k % 2] != y[o][r][s]) continue;
                    dx[o][2 * r + k / 2][2 * s + k % 2] = dy[o][r][s];
                    break;
                }
            }
        }
    }
}

static inline void convolve_backward(int in, int maps, int side, int out, const float W[maps][in][KERNEL][KERNEL],
                                     const float dy[maps][out][out], float dx[in][side][side]) {
    memset(dx, 0, sizeof(float) * (size_t)(in * side * side));
    for (int o = 0; o < maps; o++) {
        for (int a = 0; a < in; a++) {
            for (int r = 0; r < out; r++) {
                for (int u = 0; u < KERNEL; u++) {
                    for (int v = 0; v < KERNEL; v++) {
                        for (int s = 0; s < out; s++) dx[a][r + u][s + v] += W[o][a][u][v] * dy[o][r][s];
                    }
                }
            }
        }
    }
}

static inline void convolve_update(int in, int maps, int side, int out, float W[maps][in][KERNEL][KERNEL], float *b,
                                   const float dy[BATCH][maps][out][out], const float x[BATCH][in][side][side]) {
    for (int o = 0; o < maps; o++) {
        for (int a = 0; a < in; a++) {
            for (int u = 0; u < KERNEL; u++) {
                for (int v = 0; v < KERNEL; v++) {
                    float dW = 0.0f;
                    for (int e = 0; e < BATCH; e++) {
                        for (int r = 0; r < out; r++) {
                            for (int s = 0; s < out; s++) dW += dy[e][o][r][s] * x[e][a][r + u][s + v];
                        }
                    }
                    W[o][a][u][v] -= RATE * dW;
                }
            }
        }
        float db = 0.0f;
        for (int e = 0; e < BATCH; e++) {
            for (int r = 0; r < out; r++) {
                for (int s = 0; s < out; s++) db += dy[e][o][r][s];
            }
        }
        b[o] -= RATE * db;
    }
}

static inline void relu(int n, float *y) {
    for (int i = 0; i < n; i++) y[i] = y[i] > 0.0f ? y[i] : 0.0f;
}

/* dx = W' dy, through the relu that gave x */
static inline void dense_backward(int in, int out, const float *restrict W, const float *restrict dy, const float *restrict x,
                                  float *restrict dx) {
    for (int e = 0; e < BATCH; e++) {
        for (int i = 0; i < in; i++) dx[e * in + i] = 0.0f;
        for (int j = 0; j < out; j++) {
            for (int i = 0; i < in; i++) dx[e * in + i] += dy[e * out + j] * W[j * in + i];
        }
        for (int i = 0; i < in; i++) dx[e * in + i] = x[e * in + i] > 0.0f ? dx[e * in + i] : 0.0f;
    }
}

static inline void dense_update(int in, int out, float *restrict W, float *restrict b, const float *restrict dy,
                                const float *restrict x) {
    for (int j = 0; j < out; j++) {
        float dW[in], db = 0.0f;
        memset(dW, 0, sizeof dW);
        for (int e = 0; e < BATCH; e++) {
            for (int i = 0; i < in; i++) dW[i] += dy[e * out + j] * x[e * in + i];
            db += dy[e * out + j];
        }
        for (int i = 0; i < in; i++) W[j * in + i] -= RATE * dW[i];
        b[j] -= RATE * db;
    }
}

static float step(const float *x, const float *t) {
    for (int e = 0; e < BATCH; e++) {
        for (int r = 0; r < SIDE0; r++) memcpy(&padded[e][0][r + BORDER][BORDER], x + (e * SIDE0 + r) * SIDE0, SIDE0 * sizeof *x);
        convolve(1, MAPS1, SIDE1, OUT1, model.W1, model.b1, padded[e], conv1[e]);
        pool(MAPS1, SIDE2, conv1[e], pooled1[e]);
        convolve(MAPS1, MAPS2, SIDE2, OUT2, model.W2, model.b2, pooled1[e], conv2[e]);
        pool(MAPS2, SIDE3, conv2[e], pooled2[e]);
    }
    dense(POOLED, HIDDEN1, model.W3, model.b3, &pooled2[0][0][0][0], y3);
    relu(BATCH * HIDDEN1, y3);
    dense(HIDDEN1, HIDDEN2, model.W4, model.b4, y3, y4);
    relu(BATCH * HIDDEN2, y4);
    dense(HIDDEN2, TARGETS, model.W5, model.b5, y4, y5);
    const float loss = judge(y5, t, d5);
    dense_backward(HIDDEN2, TARGETS, model.W5, d5, y4, d4);
    dense_backward(HIDDEN1, HIDDEN2, model.W4, d4, y3, d3);
    dense_backward(POOLED, HIDDEN1, model.W3, d3, &pooled2[0][0][0][0], &dpooled2[0][0][0][0]);
    for (int e = 0; e < BATCH; e++) {
        unpool(MAPS2, SIDE3, conv2[e], pooled2[e], dpooled2[e], dconv2[e]);
        convolve_backward(MAPS1, MAPS2, SIDE2, OUT2, model.W2, dconv2[e], dpooled1[e]);
        unpool(MAPS1, SIDE2, conv1[e], pooled1[e], dpooled1[e], dconv1[e]);
    }
    dense_update(HIDDEN2, TARGETS, model.W5, model.b5, d5, y4);
    dense_update(HIDDEN1, HIDDEN2, model.W4, model.b4, d4, y3);
    dense_update(POOLED, HIDDEN1, model.W3, model.b3, d3, &pooled2[0][0][0][0]);
    convolve_update(MAPS1, MAPS2, SIDE2, OUT2, model.W2, model.b2, dconv2, pooled1);
    convolve_update(1, MAPS1, SIDE1, OUT1, model.W1, model.b1, dconv1, padded);
    return loss;
}

#include "peer_steps.h"
