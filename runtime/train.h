/* The training loop of a generated program. */
#ifndef NNC_TRAIN_H
#define NNC_TRAIN_H

#include "checkpoint.h"
#include "display.h"
#include "examples.h"
#include "plot.h"
#include "shuffle.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const NncProgram *program;
    const char *save, *picture; /* where checkpoints and the plot go; NULL: nowhere */
    const char *plane;          /* where the picture of the network's answers goes (decision.h) */
    uint32_t epochs;            /* in all */
    NncData data;               /* of training: which rows, and what was learned */
    NncExamples examples, test;
    NncStanding at;
    void *parameters, *state, *work, *evaluate_work, *predict_work;

    void *kept_parameters, *kept_state; /* the copy to go back to when the loss is not finite */
    uint32_t *order;                    /* the training rows of this epoch */
    NncShuffler shuffler;               /* instead, where examples are decoded as they are wanted, and shuffled */
    size_t chunk;                       /* examples that are trained in one call: whole batches */
    char *in, *target, *out;            /* a chunk */
    double *metrics;                    /* of a chunk, then of NNC_RESULTS */
    NncDisplay display;
    NncPlot plot;
    uint32_t saved_epoch; /* of the last checkpoint that was written here; 0: none */
} NncTraining;

/* Needs program, save, epochs, data, examples and test (rows 0: none), and in shuffler.room the size of a buffer, if there shall be one. Makes the rest, with initial parameters. Returns 1, or 0 with a
   message; nnc_training_free is right in both cases. */
int nnc_training_begin(NncTraining *training, uint64_t seed);
void nnc_training_free(NncTraining *training);

/* The counters in the state: of steps and of epochs done. */
void nnc_training_set_counters(NncTraining *training);

/* From where the training stands to its last epoch. Returns 1, or 0 with messages on standard error. */
int nnc_train(NncTraining *training, NncDisplayKind kind);

/* After a loss that is not finite: finds its step among those that train examples first .. end - 1 from the kept copy
   on, and says what is known about it. */
void nnc_explain_divergence(NncTraining *training, size_t first, size_t end, double loss);

/* Copies parameters and state, and goes back to the copy. */
void nnc_training_keep(NncTraining *training);
void nnc_training_go_back(NncTraining *training);

/* Trains examples first .. first + n - 1 of the epoch, at most a chunk, and says the mean loss. Returns 1; or 0 with a message: they cannot
   be read any more. */
int nnc_training_rows(NncTraining *training, size_t first, size_t n, double *loss, double *metrics);

/* What the network is judged by: the test data, or the held-out examples, or those of training; returns how many, and says which. */
size_t nnc_training_judged(const NncTraining *training, const char **title);
int nnc_training_evaluate(NncTraining *training, NncResults *results);

/* On these examples. *wanted: whether the network has such a table. The names stay the training's. Both return 1, or 0 with a message. */
int nnc_training_confusion(NncTraining *training, NncConfusion *confusion, int *wanted);

/* Whether all parameters and state are finite; else says which is not. */
int nnc_training_is_finite(NncTraining *training);

#ifdef __cplusplus
}
#endif

#endif
