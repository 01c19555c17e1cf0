/* The commands that train and check in the interpreter. Each prints its results on standard output and returns the exit code, 0 or
   1; what the user did wrong is left in the diagnostics, which the caller prints. */
#ifndef NNC_COMMANDS_H
#define NNC_COMMANDS_H

#include "loop/loop.h"
#include "model.h"

typedef struct Lesson Lesson; /* explain/lesson.h */

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

typedef struct {
    const char *format, *output; /* output: a file, or NULL */
    bool numbers;                /* of an example, too */
    bool has_sample;
    int64_t sample;                    /* of the training data */
    Vec(const char *) inputs, targets; /* or these numbers: "0.5,1" or "x=0.5,1" */
    int64_t step;                      /* so many steps of training before it */
    const char *load;                  /* parameters, or NULL */
    const char *element;               /* "hidden.W[0, 1]", or NULL */
    int digits;
    bool has_seed;
    uint64_t seed;
} ExplainOptions;

/* nnc explain MODEL: what a step of training computes, and how each derivative was found. */
int command_explain(Lesson *lesson, LoopProgram *loop, const ExplainOptions *options, Diagnostics *diagnostics);
bool explain_has_format(const char *name);
const char *explain_formats(Arena *arena);            /* all, separated by ", " */
const char *explain_format_of_file(const char *path); /* by its end; path may be NULL. NULL: that says nothing */

typedef struct {
    const char *output; /* NAME.svg, NAME.dot, or NULL: DOT on standard output */
    bool backward;
} GraphOptions;

/* nnc graph MODEL: the network as a picture. */
bool graph_has_format(const char *path); /* by its end */
int command_graph(const Lesson *lesson, const GraphOptions *options);

/* nnc help, nnc help NAME (name NULL: the list of all entries). */
int command_help(AstContext *context, const char *name, FILE *out);

#endif
