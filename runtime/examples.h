/* Examples as a network takes them, its input and target structs one after another: all in memory, or decoded when they are wanted. */
#ifndef NNC_EXAMPLES_H
#define NNC_EXAMPLES_H

#include "given.h"
#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t rows;
    char *in, *target; /* all of them; in: NULL where they are packed; target: NULL where the network has none */
    NncArray *packed;  /* the inputs, one after the other, where they are; else NULL */
    size_t packed_count;
    NncReader *reader; /* NULL: they are in memory; else all these are NULL */
    const NncBlock *block;
    NncData data;   /* of examples that are not to train on: not used otherwise */
    NncGiven given; /* likewise */
} NncExamples;

/* nnc_data_load, or where `streamed` nnc_data_open, with a message on standard error: returns 1 and fills *data, whose values are not
   there, and *examples, which nnc_examples_free releases; or 0, and there is nothing to release. The block and *data must outlive the
   examples. */
int nnc_examples_open(const NncProgram *program, const NncBlock *block, const char *folder, const NncData *learned_from,
                      uint64_t seed, int streamed, NncData *data, NncExamples *examples);
void nnc_examples_free(NncExamples *examples);

/* The array of the tensor; NULL: there is none. */
const NncArray *nnc_array_of(const NncData *data, const char *tensor);

/* The source of the tensor; NULL: the block does not give it. */
const NncSource *nnc_source_of(const NncBlock *block, const char *tensor);

/* The numbers of an output, in the units of the data that the loss compares it with where that is known, and their steps can be undone;
   else as the network has them. learned: of the training data. out: the output struct of an example. */
void nnc_output_read(const NncProgram *program, const NncData *learned, size_t output, const void *out, double *numbers);

/* Copies rows[first] .. rows[first + n - 1], or where rows is NULL first .. first + n - 1, to in and target. Returns 1; or 0 with a
   message, which can only be where they are decoded: then ascending rows cost least. */
int nnc_examples_gather(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t first, size_t n,
                        char *in, char *target);

/* rows[first] and those behind it, of `count`, are gathered soon: the first few are on their way into the cache meanwhile. */
void nnc_examples_expect(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t first,
                         size_t count);

#ifdef __cplusplus
}
#endif

#endif
