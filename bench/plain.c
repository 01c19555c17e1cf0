/* What a C programmer writes by hand for a network with one hidden layer: plain loops over arrays of known size, in an order that a
   compiler can vectorize; libm's functions; no intrinsics, no blocking, no library. nnc's output is measured against it. */
#include "plain.h"

#include <math.h>

plain_parameters plain;

static float hidden[BATCH][HIDDEN], output[BATCH][OUTPUTS];
static float doutput[BATCH][OUTPUTS], dhidden[BATCH][HIDDEN];

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

static void forward(const float x[][INPUTS]) {
    for (int b = 0; b < BATCH; b++) {
        for (int j = 0; j < HIDDEN; j++) {
            float sum = plain.b1[j];
            for (int i = 0; i < INPUTS; i++) sum += plain.W1[j][i] * x[b][i];
            hidden[b][j] = activate(sum);
        }
    }
    for (int b = 0; b < BATCH; b++) {
        for (int j = 0; j < OUTPUTS; j++) {
            float sum = plain.b2[j];
            for (int i = 0; i < HIDDEN; i++) sum += plain.W2[j][i] * hidden[b][i];
            output[b][j] = sum;
        }
    }
}

#ifdef SIGMOID

/* Half the squared error: the sum of the batch. doutput is its derivative. */
static float judge(const float t[][OUTPUTS]) {
    float loss = 0.0f;
    for (int b = 0; b < BATCH; b++) {
        for (int j = 0; j < OUTPUTS; j++) {
            float y = activate(output[b][j]), difference = y - t[b][j];
            loss += 0.5f * difference * difference;
            doutput[b][j] = difference * slope(y) / BATCH;
        }
    }
    return loss;
}

#else

/* Cross-entropy of a softmax, where exactly one target is 1. */
static float judge(const float t[][OUTPUTS]) {
    float loss = 0.0f;
    for (int b = 0; b < BATCH; b++) {
        float max = output[b][0], sum = 0.0f, answer = 0.0f, p[OUTPUTS];
        for (int j = 1; j < OUTPUTS; j++) max = output[b][j] > max ? output[b][j] : max;
        for (int j = 0; j < OUTPUTS; j++) {
            p[j] = expf(output[b][j] - max);
            sum += p[j];
            answer += t[b][j] * output[b][j];
        }
        for (int j = 0; j < OUTPUTS; j++) doutput[b][j] = (p[j] / sum - t[b][j]) / BATCH;
        loss += max + logf(sum) - answer;
    }
    return loss;
}

#endif

static void backward(void) {
    for (int b = 0; b < BATCH; b++) {
        for (int i = 0; i < HIDDEN; i++) dhidden[b][i] = 0.0f;
        for (int j = 0; j < OUTPUTS; j++) {
            for (int i = 0; i < HIDDEN; i++) dhidden[b][i] += doutput[b][j] * plain.W2[j][i];
        }
        for (int i = 0; i < HIDDEN; i++) dhidden[b][i] *= slope(hidden[b][i]);
    }
}

#if BATCH == 1

static void update(const float x[][INPUTS]) {
    for (int j = 0; j < OUTPUTS; j++) {
        for (int i = 0; i < HIDDEN; i++) plain.W2[j][i] -= RATE * doutput[0][j] * hidden[0][i];
        plain.b2[j] -= RATE * doutput[0][j];
    }
    for (int j = 0; j < HIDDEN; j++) {
        for (int i = 0; i < INPUTS; i++) plain.W1[j][i] -= RATE * dhidden[0][j] * x[0][i];
        plain.b1[j] -= RATE * dhidden[0][j];
    }
}

#else

static void update(const float x[][INPUTS]) {
    for (int j = 0; j < OUTPUTS; j++) {
        float dW[HIDDEN] = {0}, db = 0.0f;
        for (int b = 0; b < BATCH; b++) {
            for (int i = 0; i < HIDDEN; i++) dW[i] += doutput[b][j] * hidden[b][i];
            db += doutput[b][j];
        }
        for (int i = 0; i < HIDDEN; i++) plain.W2[j][i] -= RATE * dW[i];
        plain.b2[j] -= RATE * db;
    }
    for (int j = 0; j < HIDDEN; j++) {
        float dW[INPUTS] = {0}, db = 0.0f;
        for (int b = 0; b < BATCH; b++) {
            for (int i = 0; i < INPUTS; i++) dW[i] += dhidden[b][j] * x[b][i];
            db += dhidden[b][j];
        }
        for (int i = 0; i < INPUTS; i++) plain.W1[j][i] -= RATE * dW[i];
        plain.b1[j] -= RATE * db;
    }
}

#endif

float plain_train(const float x[][INPUTS], const float t[][OUTPUTS], int n) {
    float loss = 0.0f;
    for (int first = 0; first < n; first += BATCH) {
        forward(x + first);
        loss += judge(t + first);
        backward();
        update(x + first);
    }
    return loss / (float)n;
}
