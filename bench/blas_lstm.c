/* lstm.nn by hand with a BLAS: the products with the inputs and those of the gradients are one for all steps, that with the state is one
   a step. Arrays are [step][example][number], gates in the order of standard.nn. */
#include "peer.h"

#include "blas.h"
#include "mlp.h"

enum { STEPS = 28, IN = 28, UNITS = 64, GATES = 4 * UNITS };

static struct { float W[GATES * IN], U[GATES * UNITS], b[GATES], V[TARGETS * UNITS], c[TARGETS]; } model;

static float x[STEPS][BATCH][IN], gate[STEPS][BATCH][GATES], dgate[STEPS][BATCH][GATES];
static float h[STEPS + 1][BATCH][UNITS], cell[STEPS + 1][BATCH][UNITS],
    tanh_cell[STEPS][BATCH][UNITS]; /* [0] of h and cell is 0 */
static float dh[BATCH][UNITS], dcell[BATCH][UNITS], y[BATCH * TARGETS], dy[BATCH * TARGETS];

static inline float sigmoid(float a) { return 1.0f / (1.0f + expf(-a)); }

static void forward_step(int t) {
    if (t > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, GATES, UNITS, 1.0f, h[t][0], UNITS, model.U, UNITS, 1.0f,
                    gate[t][0], GATES);
    for (int e = 0; e < BATCH; e++) {
        float *restrict i = gate[t][e], *restrict f = i + UNITS, *restrict g = f + UNITS, *restrict o = g + UNITS;
        for (int k = 0; k < 2 * UNITS; k++) i[k] = sigmoid(i[k]);
        for (int k = 0; k < UNITS; k++) g[k] = tanhf(g[k]);
        for (int k = 0; k < UNITS; k++) {
            o[k] = sigmoid(o[k]);
            cell[t + 1][e][k] = f[k] * cell[t][e][k] + i[k] * g[k];
            tanh_cell[t][e][k] = tanhf(cell[t + 1][e][k]);
            h[t + 1][e][k] = o[k] * tanh_cell[t][e][k];
        }
    }
}

static void backward_step(int t) {
    for (int e = 0; e < BATCH; e++) {
        const float *i = gate[t][e], *f = i + UNITS, *g = f + UNITS, *o = g + UNITS;
        float *restrict d = dgate[t][e];
        for (int k = 0; k < UNITS; k++) {
            const float tc = tanh_cell[t][e][k], dc = dcell[e][k] + dh[e][k] * o[k] * (1.0f - tc * tc);
            d[k] = dc * g[k] * i[k] * (1.0f - i[k]);
            d[UNITS + k] = dc * cell[t][e][k] * f[k] * (1.0f - f[k]);
            d[2 * UNITS + k] = dc * i[k] * (1.0f - g[k] * g[k]);
            d[3 * UNITS + k] = dh[e][k] * tc * o[k] * (1.0f - o[k]);
            dcell[e][k] = dc * f[k];
        }
    }
    if (t > 0) dense_backward(BATCH, UNITS, GATES, model.U, dgate[t][0], dh[0]);
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
    memset(dcell, 0, sizeof dcell);
    for (int t = STEPS - 1; t >= 0; t--) backward_step(t);
    dense_add(STEPS * BATCH, IN, GATES, -RATE, (const float *)dgate, (const float *)x, 1.0f, model.W, model.b);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, GATES, UNITS, (STEPS - 1) * BATCH, -RATE, dgate[1][0], GATES, h[1][0],
                UNITS, 1.0f, model.U, UNITS);
    return loss;
}

#include "peer_steps.h"
