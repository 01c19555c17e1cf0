/* The loop program, run: the same bits as strict C. */
#ifndef NNC_LOOP_EVALUATE_H
#define NNC_LOOP_EVALUATE_H

#include "loop/loop.h"

typedef struct LoopMachine LoopMachine;

/* For routines of one of the two programs; inputs, parameters and state stay between runs. */
LoopMachine *loop_machine_new(const LoopProgram *loop, const Program *program);
void loop_machine_free(LoopMachine *machine);

/* The elements of a tensor, row-major, for reading and writing: doubles that hold numbers of the program's type. */
double *loop_values(LoopMachine *machine, const Tensor *tensor);

/* Runs a routine on so many examples; step and epoch are tensors that the caller sets. */
void loop_run(LoopMachine *machine, const Routine *routine, int64_t examples, uint64_t seed);

/* An operation on numbers, as strict C of a double, of a float network has it. */
double loop_value(Op op, double a, double b, double c);
double loop_value_float(Op op, double a, double b, double c);

#endif
