/* Examples as a network takes them: its input and target structs, one after another. */
#ifndef NNC_EXAMPLES_H
#define NNC_EXAMPLES_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t rows;
    char *in, *target; /* target: NULL where the network has none */
} NncExamples;

/* nnc_data_load with a message on standard error: returns 1, or 0 and there is nothing to release. */
int nnc_block_load(const NncProgram *program, const NncBlock *block, const char *folder, const NncData *learned_from,
                   uint64_t seed, NncData *data);

/* The array of the tensor; NULL: there is none. */
const NncArray *nnc_array_of(const NncData *data, const char *tensor);

/* The source of the tensor; NULL: the block does not give it. */
const NncSource *nnc_source_of(const NncBlock *block, const char *tensor);

/* The numbers of an output, in the units of the data that the loss compares it with where that is known, and their steps can be undone;
   else as the network has them. learned: of the training data. out: the output struct of an example. */
void nnc_output_read(const NncProgram *program, const NncData *learned, size_t output, const void *out, double *numbers);

/* Returns 1, or 0 with a message on standard error and nothing to release. */
int nnc_examples_make(const NncProgram *program, const NncBlock *block, const NncData *data, NncExamples *examples);
void nnc_examples_free(NncExamples *examples);

/* Copies rows[0] .. rows[n - 1] to in and target. */
void nnc_examples_gather(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t n, char *in,
                         char *target);

#ifdef __cplusplus
}
#endif

#endif
