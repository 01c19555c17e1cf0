/* What the hand-written networks of dense layers share: activation and loss. */
#ifndef BENCH_MLP_H
#define BENCH_MLP_H

#include <math.h>

#if defined SIGMOID
static inline float activate(float x) { return 1.0f / (1.0f + expf(-x)); }
static inline float slope(float y) { return y * (1.0f - y); }
#elif defined TANH
static inline float activate(float x) { return tanhf(x); }
static inline float slope(float y) { return 1.0f - y * y; }
#elif defined RELU
static inline float activate(float x) { return x > 0.0f ? x : 0.0f; }
static inline float slope(float y) { return y > 0.0f ? 1.0f : 0.0f; }
#endif

/* The loss of a batch, summed over its examples. d: derivative of its mean with respect to y, the last layer's sums. */
#ifdef SIGMOID

/* Half the squared error of sigmoids. */
static inline float judge(const float *restrict y, const float *restrict t, float *restrict d) {
    float loss = 0.0f;
    for (int i = 0; i < BATCH * TARGETS; i++) {
        float a = activate(y[i]), difference = a - t[i];
        loss += 0.5f * difference * difference;
        d[i] = difference * slope(a) / BATCH;
    }
    return loss;
}

#else

/* Cross-entropy of a softmax, where exactly one target is 1. */
static inline float judge(const float *restrict y, const float *restrict t, float *restrict d) {
    float loss = 0.0f;
    for (int b = 0; b < BATCH; b++, y += TARGETS, t += TARGETS, d += TARGETS) {
        float max = y[0], sum = 0.0f, answer = 0.0f, p[TARGETS];
        for (int j = 1; j < TARGETS; j++) max = y[j] > max ? y[j] : max;
        for (int j = 0; j < TARGETS; j++) {
            p[j] = expf(y[j] - max);
            sum += p[j];
            answer += t[j] * y[j];
        }
        for (int j = 0; j < TARGETS; j++) d[j] = (p[j] / sum - t[j]) / BATCH;
        loss += max + logf(sum) - answer;
    }
    return loss;
}

#endif

#endif
