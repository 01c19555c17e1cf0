/* What a trained network answers, and how well. */
#ifndef NNC_PREDICT_H
#define NNC_PREDICT_H

#include "options.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Both take parameters, and what was learned from the data, from the file that options->load names. Return 1, or 0 with messages; who
   calls releases what the training holds. */

/* Writes a row for each example of options->examples: the class and its probability, or the numbers of the outputs. */
int nnc_predict(NncTraining *training, const NncOptions *options, const NncTensors *file);

/* Loss and metrics over options->examples, or the test data, or the held-out examples, or those of training. */
int nnc_evaluate(NncTraining *training, const NncOptions *options, const NncTensors *file);

#ifdef __cplusplus
}
#endif

#endif
