/* gru.nn by hand with a BLAS, in the manner of blas_lstm.c. Gates: reset, keep, candidate. */
#include "peer.h"

#include "blas.h"
#include "mlp.h"

enum { STEPS = 28, IN = 28, UNITS = 64, GATES = 3 * UNITS };

static struct { float W[GATES * IN], U[GATES * UNITS], b[GATES], d[UNITS], V[TARGETS * UNITS], c[TARGETS]; } model;

static float x[STEPS][BATCH][IN], gate[STEPS][BATCH][GATES], dgate[STEPS][BATCH][GATES]; /* W x + b, then the gates */
static float state[STEPS][BATCH][GATES], dstate[STEPS][BATCH][GATES];                    /* U h, and d for the candidate */
static float h[STEPS + 1][BATCH][UNITS], dh[BATCH][UNITS];                               /* h[0] is 0 */
static float y[BATCH * TARGETS], dy[BATCH * TARGETS];

static inline float sigmoid(float a) { return 1.0f / (1.0f + expf(-a)); }

static void forward_step(int t) {
    for (int e = 0; e < BATCH; e++) {
        memset(state[t][e], 0, sizeof state[t][e]);
        memcpy(state[t][e] + 2 * UNITS, model.d, sizeof model.d);
    }
    if (t > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, GATES, UNITS, 1.0f, h[t][0], UNITS, model.U, UNITS, 1.0f,
                    state[t][0], GATES);
    for (int e = 0; e < BATCH; e++) {
        const float *u = state[t][e];
        float *restrict r = gate[t][e], *restrict z = r + UNITS, *restrict c = z + UNITS;
        for (int k = 0; k < 2 * UNITS; k++) r[k] = sigmoid(r[k] + u[k]);
        for (int k = 0; k < UNITS; k++) {
            c[k] = tanhf(c[k] + r[k] * u[2 * UNITS + k]);
            h[t + 1][e][k] = (1.0f - z[k]) * c[k] + z[k] * h[t][e][k];
        }
    }
}

static void backward_step(int t) {
    for (int e = 0; e < BATCH; e++) {
        const float *r = gate[t][e], *z = r + UNITS, *c = z + UNITS, *u = state[t][e] + 2 * UNITS;
        float *restrict a = dgate[t][e], *restrict s = dstate[t][e];
        for (int k = 0; k < UNITS; k++) {
            const float dc = dh[e][k] * (1.0f - z[k]) * (1.0f - c[k] * c[k]);
            a[k] = s[k] = dc * u[k] * r[k] * (1.0f - r[k]);
            a[UNITS + k] = s[UNITS + k] = dh[e][k] * (h[t][e][k] - c[k]) * z[k] * (1.0f - z[k]);
            a[2 * UNITS + k] = dc;
            s[2 * UNITS + k] = dc * r[k];
            dh[e][k] *= z[k];
        }
    }
    if (t > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BATCH, UNITS, GATES, 1.0f, dstate[t][0], GATES, model.U, UNITS,
                    1.0f, dh[0], UNITS);
}

static float step(const float *in, const float *target) {
    for (int e = 0; e < BATCH; e++) {
        for (int t = 0; t < STEPS; t++) memcpy(x[t][e], in + (e * STEPS + t) * IN, sizeof x[t][e]);
    }
    dense(STEPS * BATCH, IN, GATES, model.W, model.b, (const float *)x, (float *)gate);
    for (int t = 0; t < STEPS; t++) forward_step(t);
    dense(BATCH, UNITS, TARGETS, model.V, model.c, h[STEPS][0], y);
    const float loss = judge(y, target, dy);
    dense_backward(BATCH, UNITS, TARGETS, model.V, dy, dh[0]);
    dense_add(BATCH, UNITS, TARGETS, -RATE, dy, h[STEPS][0], 1.0f, model.V, model.c);
    for (int t = STEPS - 1; t >= 0; t--) backward_step(t);
    dense_add(STEPS * BATCH, IN, GATES, -RATE, (const float *)dgate, (const float *)x, 1.0f, model.W, model.b);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, GATES, UNITS, (STEPS - 1) * BATCH, -RATE, dstate[1][0], GATES, h[1][0],
                UNITS, 1.0f, model.U, UNITS);
    for (int t = 0; t < STEPS; t++) {
        for (int e = 0; e < BATCH; e++) {
            for (int k = 0; k < UNITS; k++) model.d[k] -= RATE * dstate[t][e][2 * UNITS + k];
        }
    }
    return loss;
}

#include "peer_steps.h"
