/* The options of a generated program. */
#ifndef NNC_OPTIONS_H
#define NNC_OPTIONS_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t epochs;
    uint64_t seed;
    uint32_t stream; /* examples in the buffer of --stream; 0: all are in memory */
    const char *load, *resume, *save, *data, *plot, *plot_decision, *examples, *output;
    int partial, json, quiet, predict, evaluate;
} NncOptions;

/* Fills *options from the command line over the settings of the model. Returns -1, or the code to exit with at once: 0 after --help, 2
   after a message about what was not understood. */
int nnc_options_parse(const NncProgram *program, int argc, char **argv, NncOptions *options);

#ifdef __cplusplus
}
#endif

#endif
