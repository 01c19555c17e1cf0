/* conv.nn and strided.nn by plain loops, as plain_lenet.c: along the rows of an image, with a border of zeros. */
#include "peer.h"

#include <string.h>

#include "conv.h"

static struct { float gain[MAPS][SIDE][SIDE], W[FILTERS][MAPS][KERNEL][KERNEL], b[FILTERS]; } model;

static float padded[BATCH][MAPS][PADDED][PADDED]; /* the border stays 0 */
static float dpadded[MAPS][PADDED][PADDED], y[BATCH][FILTERS][OUT][OUT], dgain[MAPS][SIDE][SIDE];

static void forward(int e, const float x[MAPS][SIDE][SIDE]) {
    for (int a = 0; a < MAPS; a++) {
        for (int r = 0; r < SIDE; r++) {
            for (int s = 0; s < SIDE; s++) padded[e][a][r + PAD][s + PAD] = model.gain[a][r][s] * x[a][r][s];
        }
    }
    for (int o = 0; o < FILTERS; o++) {
        for (int r = 0; r < OUT; r++) {
            float row[OUT];
            for (int s = 0; s < OUT; s++) row[s] = model.b[o];
            for (int a = 0; a < MAPS; a++) {
                for (int u = 0; u < KERNEL; u++) {
                    for (int v = 0; v < KERNEL; v++) {
                        const float *from = &padded[e][a][STRIDE * r + DILATION * u][DILATION * v];
                        for (int s = 0; s < OUT; s++) row[s] += model.W[o][a][u][v] * from[STRIDE * s];
                    }
                }
            }
            memcpy(y[e][o][r], row, sizeof row);
        }
    }
}

/* Mean squared error; y is overwritten with its derivative. */
static float judge(const float t[FILTERS][OUT][OUT], float dy[FILTERS][OUT][OUT]) {
    float loss = 0.0f;
    for (int o = 0; o < FILTERS; o++) {
        for (int r = 0; r < OUT; r++) {
            for (int s = 0; s < OUT; s++) {
                const float difference = dy[o][r][s] - t[o][r][s];
                loss += difference * difference;
                dy[o][r][s] = difference * 2.0f / (TARGETS * BATCH);
            }
        }
    }
    return loss / TARGETS;
}

static void backward(const float x[MAPS][SIDE][SIDE], const float dy[FILTERS][OUT][OUT]) {
    memset(dpadded, 0, sizeof dpadded);
    for (int o = 0; o < FILTERS; o++) {
        for (int a = 0; a < MAPS; a++) {
            for (int r = 0; r < OUT; r++) {
                for (int u = 0; u < KERNEL; u++) {
                    for (int v = 0; v < KERNEL; v++) {
                        float *to = &dpadded[a][STRIDE * r + DILATION * u][DILATION * v];
                        for (int s = 0; s < OUT; s++) to[STRIDE * s] += model.W[o][a][u][v] * dy[o][r][s];
                    }
                }
            }
        }
    }
    for (int a = 0; a < MAPS; a++) {
        for (int r = 0; r < SIDE; r++) {
            for (int s = 0; s < SIDE; s++) dgain[a][r][s] += dpadded[a][r + PAD][s + PAD] * x[a][r][s];
        }
    }
}

static void update(void) {
    for (int o = 0; o < FILTERS; o++) {
        for (int a = 0; a < MAPS; a++) {
            for (int u = 0; u < KERNEL; u++) {
                for (int v = 0; v < KERNEL; v++) {
                    float dW = 0.0f;
                    for (int e = 0; e < BATCH; e++) {
                        for (int r = 0; r < OUT; r++) {
                            const float *from = &padded[e][a][STRIDE * r + DILATION * u][DILATION * v];
                            for (int s = 0; s < OUT; s++) dW += y[e][o][r][s] * from[STRIDE * s];
                        }
                    }
                    model.W[o][a][u][v] -= RATE * dW;
                }
            }
        }
        float db = 0.0f;
        for (int e = 0; e < BATCH; e++) {
            for (int r = 0; r < OUT; r++) {
                for (int s = 0; s < OUT; s++) db += y[e][o][r][s];
            }
        }
        model.b[o] -= RATE * db;
    }
    for (int a = 0; a < MAPS; a++) {
        for (int r = 0; r < SIDE; r++) {
            for (int s = 0; s < SIDE; s++) model.gain[a][r][s] -= RATE * dgain[a][r][s];
        }
    }
}

static float step(const float *x, const float *t) {
    float loss = 0.0f;
    memset(dgain, 0, sizeof dgain);
    for (int e = 0; e < BATCH; e++) {
        const float(*in)[SIDE][SIDE] = (const float(*)[SIDE][SIDE])(x + e * INPUTS);
        forward(e, in);
        loss += judge((const float(*)[OUT][OUT])(t + e * TARGETS), y[e]);
        backward(in, (const float(*)[OUT][OUT])y[e]);
    }
    update();
    return loss;
}

#include "peer_steps.h"
