/* What plain.c and plain_lenet.c have in common. */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

/* y = W x + b for each example */
static inline void dense(int in, int out, const float *restrict W, const float *restrict b, const float *restrict x,
                         float *restrict y) {
    for (int e = 0; e < BATCH; e++) {
        for (int j = 0; j < out; j++) {
            float sum = b[j];
            for (int i = 0; i < in; i++) sum += W[j * in + i] * x[e * in + i];
            y[e * out + j] = sum;
        }
    }
}

#endif
