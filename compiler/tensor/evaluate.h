/* The reference interpreter: a tensor program, statement by statement, in double precision. It is the judge of everything
   built later, so it is simple before it is fast; sums run in the order of their indices. */
#ifndef NNC_TENSOR_EVALUATE_H
#define NNC_TENSOR_EVALUATE_H

#include "tensor/program.h"

typedef struct Machine Machine;

/* Storage for every tensor of the program, zeroed; batch_size is the program's largest batch. Freed by machine_free. */
Machine *machine_new(const Program *program);
void machine_free(Machine *machine);

/* The elements of a tensor, row-major in its shape (axis 0 of a batched tensor: the largest batch). Owned by the machine. */
double *machine_values(Machine *machine, const Tensor *tensor);

/* The seed and the step that random draws depend on: a draw is a function of (seed, site, step, point) alone. */
void machine_seed(Machine *machine, uint64_t seed, uint64_t step);

/* How many examples this batch holds, at most the largest; sets the tensor batch_size. */
void machine_batch(Machine *machine, int64_t examples);

/* Runs the statements in order. Any expression is accepted: nested reductions, defaults, scatters. */
void machine_run(Machine *machine, const Statements *statements);

#endif
