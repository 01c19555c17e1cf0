/* The pipeline, from bytes to the loop program. No globals: two compilations run in two threads. */
#ifndef NNC_COMPILE_H
#define NNC_COMPILE_H

#include "loop/loop.h"

typedef struct {
    const char *dump; /* print the program after this step, or NULL */
    const char *stop; /* do not go beyond this step, or NULL */
    bool time;        /* say on standard error how long each step took, and what memory it has */
    bool check;       /* verify what each step promises */
    int64_t batch;    /* > 0: instead of the model's own */
    bool origins;     /* dumps say where each statement comes from */
    bool lower;       /* C is wanted: run the last step, too; otherwise only if it is to be dumped or stopped at */
    LoopOptions loop;
} CompileOptions;

typedef struct {
    AstContext context;
    uint32_t source;
    AstList items;
    Model *model;      /* NULL until names are resolved */
    LoopProgram *loop; /* NULL until the last step */
    CompileOptions options;
} Compilation;

Compilation *compilation_new(void);
void compilation_free(Compilation *compilation);

/* Is there a step of this name? `compile_steps` lists them, separated by ", ". */
bool compile_has_step(const char *name);
const char *compile_steps(Arena *arena);

/* Requires: compilation->source was read. Runs the pipeline; what options ask to see is printed on `out`.
   True if it came to its end (or to --stop) without an error; errors are in the diagnostics. */
bool compile(Compilation *compilation, FILE *out);

#endif
