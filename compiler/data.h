/* The examples that a model is trained or tested on: its data blocks as the runtime reads them. */
#ifndef NNC_COMPILER_DATA_H
#define NNC_COMPILER_DATA_H

#include "../runtime/data.h"
#include "model.h"

/* The block of that name, or NULL. */
const DataBlock *data_block(const Model *model, const char *split);

/* The block that the model is trained on. A model that can be trained says how its loss is found, how it falls, and on what: else
   NULL, with a diagnostic. */
const DataBlock *data_to_train(const Model *model, Diagnostics *diagnostics);

/* The block that says how a model that was trained reads examples, to predict or to evaluate: it need not have what training takes. NULL,
   with a diagnostic. */
const DataBlock *data_to_judge(const Model *model, Diagnostics *diagnostics);

/* Opens the files of a block. learned_from: the data of the training block where this is another one, whose means, deviations and
   classes apply here too; else NULL. Arrays: inputs, then targets, as the program lists them, whose names they have. Returns true,
   and the data are to be released by nnc_data_free; or false, with diagnostics, if the data are not what the model wants. */
bool data_load(const Model *model, const DataBlock *block, const NncData *learned_from, uint64_t seed, Arena *arena,
               Diagnostics *diagnostics, NncData *data);

#endif
