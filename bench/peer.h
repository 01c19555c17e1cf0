/* A network written by hand, or with a library, as bench.py asks for it: INPUTS and TARGETS numbers of an example, BATCH. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stddef.h>

/* Parameters in the order of the .nn file, each row-major. Sets the optimizer's memory to that of the start, too. */
void peer_start(const float *parameters);

/* Trains on n examples, in batches in their order. Returns the sum of their losses. */
double peer_train(const float *x, const float *t, size_t n);

#endif
