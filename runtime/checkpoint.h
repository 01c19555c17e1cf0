/* Checkpoints: safetensors files with the parameters, the state of optimizer and layers, and where the training stands.

   Metadata: step, epoch (both done so far) and seed; stream, the size of the buffer from which examples were drawn; best_epoch and best_holdout_loss, for early stopping, where examples are held
   out; standardize.TENSOR.K, what step K of the tensor's data that learns (standardize or scale, from 0) has learned:
   {"subtract":[...],"divide":[...]}, a number for each column; class.TENSOR.K, the text in the data that is class K. Equal training gives
   equal bytes. */
#ifndef NNC_CHECKPOINT_H
#define NNC_CHECKPOINT_H

#include "program.h"
#include "safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a training stands, beside its parameters and state. */
typedef struct {
    uint64_t seed;
    uint32_t step, epoch, best_epoch; /* best_epoch 0: none yet */
    uint32_t stream;                  /* examples in the buffer of --stream, out of which they are drawn; 0: there is none */
    double best_loss;                 /* on the held-out examples */
} NncStanding;

/* All return 1, or 0 after messages on standard error. instead: what else the user may do, for the message; NULL: nothing. */

int nnc_checkpoint_open(const NncProgram *program, const char *path, NncTensors *file);

/* Every parameter must be there in its shape, or nothing is changed; the state of layers is taken where it is there. partial: takes
   what fits, at least one, and says what does not. */
int nnc_checkpoint_load(const NncProgram *program, const char *path, const NncTensors *file, int partial, const char *instead,
                        void *parameters, void *state);

/* Where the training stood that wrote the file. */
int nnc_checkpoint_standing(const NncProgram *program, const char *path, const NncTensors *file, const char *instead,
                            NncStanding *standing);

/* The metadata about the data, added to a file that is to be written. Returns 1; 0: there is not enough memory. */
int nnc_checkpoint_describe_data(NncTensors *file, const NncData *data);

/* And back: of the arrays that the block names, what was learned, and classes. -1, without a message: the file does not say. */
int nnc_checkpoint_learned(const NncProgram *program, const char *path, const NncTensors *file, const NncBlock *block,
                           NncData *learned);

/* Whether the data were standardized when the file was written as they are now, and their classes have the same numbers: else its
   parameters mean something else. */
int nnc_checkpoint_same_data(const NncProgram *program, const char *path, const NncTensors *file, const NncData *data);

/* Parameters and state, which must all be there in their shapes and types, and from the same data as above. */
int nnc_checkpoint_resume(const NncProgram *program, const char *path, const NncTensors *file, const NncData *data,
                          void *parameters, void *state);

int nnc_checkpoint_save(const NncProgram *program, const char *path, const NncData *data, const NncStanding *standing,
                        const void *parameters, const void *state);

/* Whether the path is free or a regular file: saving renames, and would put a file in the place of a device. */
int nnc_checkpoint_may_save(const NncProgram *program, const char *path);

#ifdef __cplusplus
}
#endif

#endif
