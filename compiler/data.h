/* The examples that a model is trained or tested on: what the sources of a data block give, after their steps, as one array of
   numbers for each input and target. */
#ifndef NNC_DATA_H
#define NNC_DATA_H

#include "model.h"

typedef struct {
    Name tensor;
    int64_t width;   /* numbers of one example */
    double *values;  /* rows * width */
    int class_count; /* texts of a CSV column, in order of first appearance; 0 where there are none */
    const char *const *classes;
    Vec(double *)
        learned; /* of each standardize and scale step, in order: for each column what is subtracted, then what divides */
} DataArray;

typedef struct {
    int64_t rows;
    Vec(DataArray) arrays;         /* inputs, then targets, as the program lists them */
    uint32_t *training, *held_out; /* rows, ascending */
    int64_t training_count, held_out_count;
} Data;

/* The block of that name, or NULL. */
const DataBlock *data_block(const Model *model, const char *split);

/* Opens the files of a block. learned_from: the data of the training block where this is another one, whose means and deviations
   apply here too; else NULL. Everything lives in the arena. Returns false, with diagnostics, if the data are not what the model
   wants; a message about a file names its line. */
bool data_load(const Model *model, const DataBlock *block, const Data *learned_from, uint64_t seed, Arena *arena,
               Diagnostics *diagnostics, Data *data);

#endif
