/* The commands that train and check in the interpreter. Each prints its results on standard output and returns the exit code, 0 or
   1; what the user did wrong is left in the diagnostics, which the caller prints. */
#ifndef NNC_COMMANDS_H
#define NNC_COMMANDS_H

#include "loop/loop.h"
#include "model.h"

typedef struct {
    int64_t steps;           /* < 0: the model's epochs */
    const char *load, *save; /* safetensors files, or NULL */
    bool has_seed;           /* else the model's own */
    uint64_t seed;
    bool json; /* a line of JSON for each line of text */
} RunOptions;

/* nnc run MODEL: trains in double precision, statement by statement. */
int command_run(Model *model, const RunOptions *options, Diagnostics *diagnostics);

typedef struct {
    bool all; /* every element of every parameter, instead of 512 of each */
    bool has_seed;
    uint64_t seed;
    bool json;
} CheckOptions;

/* nnc check --gradients MODEL: the derivatives that the compiler found against differences of the loss. */
int command_check_gradients(Model *model, const CheckOptions *options, Diagnostics *diagnostics);

/* nnc check MODEL: layers, shapes, parameters, operations. */
void command_summary(const Model *model, FILE *out);

typedef struct {
    const char *output; /* folder or file; NULL: the model's name */
    bool library, single_file, quiet;
} OutputOptions;

/* nnc compile MODEL: the network as C, with the program around it unless a library is wanted. */
int command_compile(LoopProgram *loop, const Sources *sources, const OutputOptions *options, Diagnostics *diagnostics);

typedef struct {
    const char *command; /* "train", "predict", "evaluate": for its usage */
    const char *cc;      /* NULL: $CC, or cc */
    bool quiet;
    bool trains;            /* else it predicts or evaluates */
    const char *examples;   /* the file that it then reads, or NULL */
    Vec(const char *) pass; /* options for the program */
} TrainOptions;

/* nnc train MODEL, predict and evaluate: compiles the C, and becomes the program. Returns only if that fails. */
int command_train(LoopProgram *loop, const Sources *sources, const TrainOptions *options, Diagnostics *diagnostics);

/* nnc help, nnc help NAME (name NULL: the list of all entries). */
int command_help(AstContext *context, const char *name, FILE *out);

#endif
