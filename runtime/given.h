/* Examples from one file that is given when the program runs, read as the model reads its own data. */
#ifndef NNC_GIVEN_H
#define NNC_GIVEN_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    NncBlock block; /* for nnc_data_load; it has no name */
    const char *path;
    NncSource *sources;
    NncColumns *columns;
} NncGiven;

/* The sources of the block `like` for all inputs and, if they are wanted, targets, but from the file. What the model reads from CSV
   files has the same columns there. What it does not read from CSV files comes from a file of the same format or, where that
   is a list or the file's name ends in .csv, from a CSV file that has a column for each number, one tensor after another. Returns 1, or 0
   with a message; nnc_given_free is right in both cases. The path and the block are not copied, and *given is not
   either. */
int nnc_given_make(const NncProgram *program, const NncBlock *like, const char *path, int targets, NncGiven *given);
void nnc_given_free(NncGiven *given);

#ifdef __cplusplus
}
#endif

#endif
