/* Parameters in safetensors files, by their paths: hidden.W, optimizer.hidden.W.m */
#ifndef NNC_COMMANDS_PARAMETERS_H
#define NNC_COMMANDS_PARAMETERS_H

#include "base/diagnostic.h"
#include "data.h"
#include "tensor/evaluate.h"

/* Every parameter must be there in its shape: else one error lists all that differs, and nothing is changed. The state of layers (not
   the optimizer's memory) is taken too, where it is there. */
bool parameters_load(const char *path, const Program *program, Machine *machine, Arena *arena, Diagnostics *diagnostics);

/* Writes parameters and state, all F64, with the metadata step, epoch, seed, and what was learned from the data. */
bool parameters_save(const char *path, const Program *program, Machine *machine, int64_t step, int64_t epoch, uint64_t seed,
                     const NncData *data, Arena *arena, Diagnostics *diagnostics);

#endif
