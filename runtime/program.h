/* What NAME_main.c tells about a network, and the program around it: options, data, training loop, checkpoints. */
#ifndef NNC_PROGRAM_H
#define NNC_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the elements of a tensor stand in memory, if not row-major: axis k of an array counts  index[axis] / divisor mod size. */
typedef struct {
    int axis;
    size_t divisor, size;
} NncAxis;

/* A tensor inside one of the structs of NAME.h: numbers of the network's type. */
typedef struct {
    const char *path; /* "hidden.W", "optimizer.hidden.W.m" */
    size_t offset;    /* in bytes, from the start of the struct */
    size_t count;     /* numbers */
    int rank;
    size_t shape[8];
    int whole; /* int32_t instead of the network's type */
    int axes;  /* of its layout; 0: row-major */
    NncAxis layout[10];
} NncMember;

typedef struct {
    const char *name;
    size_t number_size; /* of the network's type: 4 (float) or 8 (double) */

    /* The structs of NAME.h. The caller of the functions below owns them. */
    size_t parameters_size, state_size, work_size, evaluate_work_size, predict_work_size;
    /* Of one example; target_size 0: the network has no target; output_size 0: it predicts nothing. */
    size_t input_size, target_size, output_size;
    const NncMember *parameters, *states, *inputs, *targets, *outputs; /* states: "optimizer.*", and the layers' own */
    size_t parameter_count, state_count, input_count, target_count, output_count;
    /* A network that tells classes apart: one of its outputs has a number for each of so many classes, and one of its targets is the
       class, as an index or in one-hot form. 0: it does not. */
    size_t classes, class_output, class_target;
    /* For each output the target or input that the loss compares it with, element by element, or NULL: it is an estimate of that, in the
       same units. NULL: there is none of them. */
    const char *const *compared;
    /* Counters in the state, uint32_t: steps done, which train counts, and epochs done, which the program sets. Of a network that draws
       random numbers, the seed, uint64_t; 0: it does not. */
    size_t step_offset, epoch_offset, seed_offset;
    const char *const *metrics; /* their names; NULL: of one that is not shown, from which others are calculated */
    size_t metric_count;

    /* The functions of NAME.h. n examples, in batches of the network's size, in their order. train updates parameters and state and adds
       nothing up between calls; both return the mean loss over the n examples and write the means of the metrics. */
    void (*init)(void *parameters, void *state, uint64_t seed);
    double (*train)(void *parameters, void *state, void *work, const void *in, const void *target, size_t n, double *metrics);
    double (*evaluate)(const void *parameters, const void *state, void *work, const void *in, const void *target, size_t n,
                       double *metrics);
    /* Calculates metrics that are no means over examples from those that are; NULL: there are none. */
    void (*combine)(double *metrics);
    void (*predict)(const void *parameters, void *work, const void *in, void *out, size_t n);
    /* The name of the first tensor of the forward pass over at most one batch that holds a NaN or an infinity; NULL: there is none. */
    const char *(*first_not_finite)(const void *parameters, const void *state, const void *in, const void *target, size_t n);

    /* The settings of the model. */
    size_t batch;
    uint32_t epochs, patience; /* patience 0: no early stopping */
    uint64_t seed;
    int shuffle;
    const NncBlock *train_data, *test_data; /* NULL where there is none */
} NncProgram;

/* Trains, predicts or evaluates as the options say; returns the exit code: 0; 1 for bad data, a bad checkpoint or a loss that is not finite; 2 for options that are
   not understood. */
int nnc_program(const NncProgram *program, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
