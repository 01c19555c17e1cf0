/* Measures the variant that it is linked with, which defines these three. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

/* Sets parameters and state of the optimizer to those of the start. */
void restart(void);

/* Trains on n examples from number `first` on, in batches in their order. Returns the mean loss. */
double train(size_t first, size_t n);

enum { CHECKED_STEPS = 20 };

/* Prints the nanoseconds of processor time that training takes for one example, the least of many repetitions, and the mean loss of
   the first CHECKED_STEPS steps after a restart. Requires: `examples` is a multiple of `batch`. */
void measure(size_t examples, size_t batch);

#endif
