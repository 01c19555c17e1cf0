/* The order of training examples that are decoded as they are wanted: each is drawn from a buffer, in which the next one of the files then
   takes its place. The order depends on the seed, the epoch and the size of the buffer alone. */
#ifndef NNC_SHUFFLE_H
#define NNC_SHUFFLE_H

#include "examples.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t room; /* examples; 0: there is no buffer */
    char *in, *target;
    size_t count;       /* in the buffer */
    size_t read, given; /* in this epoch: into it, and out of it */
    uint64_t drawn;
} NncShuffler;

/* A buffer for `room` examples; returns 1, or 0: there is not enough memory. nnc_shuffler_free is right in both cases. */
int nnc_shuffler_begin(NncShuffler *shuffler, const NncProgram *program, size_t room);
void nnc_shuffler_free(NncShuffler *shuffler);

/* The examples first .. first + n - 1 of an epoch, of those that data->training lists. An epoch begins with first = 0; going back reads it
   again from its beginning. Returns 1, or 0 with a message. */
int nnc_shuffler_take(NncShuffler *shuffler, const NncProgram *program, const NncExamples *examples, const NncData *data,
                      uint64_t seed, uint64_t epoch, size_t first, size_t n, char *in, char *target);

#ifdef __cplusplus
}
#endif

#endif
