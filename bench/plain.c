/* What a C programmer writes by hand for dense layers: plain loops over arrays of known size, in an order that a compiler can vectorize;
   libm's functions; no intrinsics, no blocking, no library. Two layers or three: the functions are inlined with their sizes. */
#include "peer.h"

#include <string.h>

#include "mlp.h"
#include "plain.h"

typedef struct {
    float W1[SIZE1 * SIZE0], b1[SIZE1], W2[SIZE2 * SIZE1], b2[SIZE2];
#if LAYERS == 3
    float W3[SIZE3 * SIZE2], b3[SIZE3];
#endif
} Parameters;

static Parameters model;
static float y1[BATCH * SIZE1], y2[BATCH * SIZE2];
static float d1[BATCH * SIZE1], d2[BATCH * SIZE2];
#if LAYERS == 3
static float y3[BATCH * SIZE3], d3[BATCH * SIZE3];
#endif

#ifdef ADAM
static Parameters mean, square;
static float correct_mean, correct_square; /* 1 - beta^step */
static int steps;
#endif

static inline void activate_all(int n, float *y) {
    for (int i = 0; i < n; i++) y[i] = activate(y[i]);
}

/* dx = W' dy, through the activation that gave x */
static inline void backward(int in, int out, const float *restrict W, const float *restrict dy, const float *restrict x,
                            float *restrict dx) {
    for (int e = 0; e < BATCH; e++) {
        for (int i = 0; i < in; i++) dx[e * in + i] = 0.0f;
        for (int j = 0; j < out; j++) {
            for (int i = 0; i < in; i++) dx[e * in + i] += dy[e * out + j] * W[j * in + i];
        }
        for (int i = 0; i < in; i++) dx[e * in + i] *= slope(x[e * in + i]);
    }
}

/* w: one of the parameters of the model */
static inline void apply(float *w, float gradient) {
#ifdef ADAM
    float *m = (float *)&mean + (w - (float *)&model), *v = (float *)&square + (w - (float *)&model);
    *m = 0.9f * *m + 0.1f * gradient;
    *v = 0.999f * *v + 0.001f * gradient * gradient;
    *w -= RATE * (*m / correct_mean) / (sqrtf(*v / correct_square) + 1e-8f);
#else
    *w -= RATE * gradient;
#endif
}

static inline void update(int in, int out, float *W, float *b, const float *restrict dy, const float *restrict x) {
    for (int j = 0; j < out; j++) {
#if BATCH == 1
        for (int i = 0; i < in; i++) apply(&W[j * in + i], dy[j] * x[i]);
        apply(&b[j], dy[j]);
#else
        float dW[in], db = 0.0f;
        memset(dW, 0, sizeof dW);
        for (int e = 0; e < BATCH; e++) {
            for (int i = 0; i < in; i++) dW[i] += dy[e * out + j] * x[e * in + i];
            db += dy[e * out + j];
        }
        for (int i = 0; i < in; i++) apply(&W[j * in + i], dW[i]);
        apply(&b[j], db);
#endif
    }
}

static float step(const float *x, const float *t) {
    float loss;
#ifdef ADAM
    steps++;
    correct_mean = (float)(1.0 - pow(0.9, steps));
    correct_square = (float)(1.0 - pow(0.999, steps));
#endif
    dense(SIZE0, SIZE1, model.W1, model.b1, x, y1);
    activate_all(BATCH * SIZE1, y1);
    dense(SIZE1, SIZE2, model.W2, model.b2, y1, y2);
#if LAYERS == 3
    activate_all(BATCH * SIZE2, y2);
    dense(SIZE2, SIZE3, model.W3, model.b3, y2, y3);
    loss = judge(y3, t, d3);
    backward(SIZE2, SIZE3, model.W3, d3, y2, d2);
    update(SIZE2, SIZE3, model.W3, model.b3, d3, y2);
#else
    loss = judge(y2, t, d2);
#endif
    backward(SIZE1, SIZE2, model.W2, d2, y1, d1);
    update(SIZE1, SIZE2, model.W2, model.b2, d2, y1);
    update(SIZE0, SIZE1, model.W1, model.b1, d1, x);
    return loss;
}

void peer_start(const float *parameters) {
    memcpy(&model, parameters, sizeof model);
#ifdef ADAM
    memset(&mean, 0, sizeof mean);
    memset(&square, 0, sizeof square);
    steps = 0;
#endif
}

double peer_train(const float *x, const float *t, size_t n) {
    double loss = 0.0;
    for (size_t first = 0; first < n; first += BATCH) loss += (double)step(x + first * INPUTS, t + first * TARGETS);
    return loss;
}
