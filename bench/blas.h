/* A dense layer on n examples by products of matrices; for one example of matrix and vector. W: out x in. */
#ifndef BENCH_BLAS_H
#define BENCH_BLAS_H

#include <cblas.h>
#include <string.h>

/* y = W x + b */
static inline void dense(int n, int in, int out, const float *W, const float *b, const float *x, float *y) {
    for (int e = 0; e < n; e++) memcpy(y + e * out, b, (size_t)out * sizeof *b);
    if (n == 1) cblas_sgemv(CblasRowMajor, CblasNoTrans, out, in, 1.0f, W, in, x, 1, 1.0f, y, 1);
    else cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1.0f, x, in, W, in, 1.0f, y, out);
}

/* dx = W' dy */
static inline void dense_backward(int n, int in, int out, const float *W, const float *dy, float *dx) {
    if (n == 1) cblas_sgemv(CblasRowMajor, CblasTrans, out, in, 1.0f, W, in, dy, 1, 0.0f, dx, 1);
    else cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, in, out, 1.0f, dy, out, W, in, 0.0f, dx, in);
}

/* W = keep W + factor dy x', b likewise: keep 1 and factor -rate for plain gradient descent, 0 and 1 for the gradient */
static inline void dense_add(int n, int in, int out, float factor, const float *dy, const float *x, float keep, float *W,
                             float *b) {
    if (n == 1 && keep == 1.0f) cblas_sger(CblasRowMajor, out, in, factor, dy, 1, x, 1, W, in);
    else cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, n, factor, dy, out, x, in, keep, W, in);
    for (int j = 0; j < out; j++) b[j] *= keep;
    for (int e = 0; e < n; e++) {
        for (int j = 0; j < out; j++) b[j] += factor * dy[e * out + j];
    }
}

#endif
