/* Training in the interpreter, one step at a time: what `nnc run` does between its lines, and what tests compare with facts.

   A step is a function of the parameters, the seed and its number alone: the order of the examples and all random draws follow from
   these, so that a run can be repeated from any step. */
#ifndef NNC_COMMANDS_TRAINER_H
#define NNC_COMMANDS_TRAINER_H

#include "data.h"
#include "tensor/evaluate.h"

typedef struct Trainer Trainer;

/* Requires a model with loss, optimizer and derivatives, and data for it, which outlive the trainer. Runs the initial values. */
Trainer *trainer_new(const Model *model, const NncData *data, uint64_t seed);
void trainer_free(Trainer *trainer);

/* Trains on the next batch; returns its loss before the update. A loss that is not finite changes no parameter. */
double trainer_step(Trainer *trainer);

/* The loss of the next batch, forward only. */
double trainer_look_ahead(Trainer *trainer);

int64_t trainer_steps(const Trainer *trainer);    /* done so far */
int64_t trainer_batches(const Trainer *trainer);  /* in an epoch */
int64_t trainer_epoch(const Trainer *trainer);    /* of the next step, from 0 */
int64_t trainer_examples(const Trainer *trainer); /* in the batch that ran last */

/* The machine of the training program: parameters live here, and all values of the last step. */
Machine *trainer_machine(Trainer *trainer);

/* Loss and metrics (in the order of the inference program) over some rows of the data, in inference mode: their means over the
   examples. `metrics` has room for all. */
void trainer_evaluate(Trainer *trainer, const uint32_t *rows, int64_t count, double *loss, double *metrics);

/* Means of the parts of metrics, as averaged over examples, become what is calculated from them. */
void trainer_combine(Machine *machine, const Program *program, double *metrics);

/* After a loss that is not finite: the first tensor of the step that holds a NaN or, where none does, an infinity. */
const Tensor *trainer_culprit(Trainer *trainer);

#endif
