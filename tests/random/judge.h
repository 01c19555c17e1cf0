/* What judge.c is made of. All of it runs in the process of one model. */
#ifndef NNC_TESTS_RANDOM_JUDGE_H
#define NNC_TESTS_RANDOM_JUDGE_H

#include "commands/trainer.h"
#include "compile.h"
#include "program.h"

/* ---- outcome.c: a few steps of training, an evaluation and predictions, as a list of numbers */

typedef struct {
    Arena *arena;
    Vec(double) numbers;
    Vec(const char *) names; /* of each number */
    bool finite;
} Outcome;

/* The numbers of the model's data, which are a function of their names, times 1 + noise * u, -1 < u < 1. Rounded to float before. */
NncData random_data(Arena *arena, const Model *model, double noise);

Outcome interpreted(Arena *arena, const Model *model, const NncData *data, double noise); /* initial values are moved likewise */

/* rounding.c: from here on the model's numbers are those of another rounding, a different one in each round. size: of a last digit. */
void shake_operands(Model *model, double size, int round);

typedef void (*Predict)(const void *parameters, void *work, const void *in, void *out, size_t n);

/* A network in C. predict, and the struct of its answers, is what NncProgram does not tell. */
typedef struct {
    void *library;
    const NncProgram *program;
    Predict predict; /* NULL: there is nothing to predict */
    const NncMember *outputs;
    size_t output_count, output_size, predict_work_size;
} Library;

Outcome executed(Arena *arena, const Model *model, const NncData *data, const Library *library);

/* ---- library.c: from a model to C, and to a library that is loaded */

typedef struct {
    const char *name;
    int32_t unroll;
    bool fast, is_double;
    const char *target;
    const char *compiler[8]; /* and its options */
    int every;               /* one of so many models: odd, so that none of the workers gets them all */
    int64_t micro;           /* examples of a micro-batch, where the batch has more; 0: as usual */
    int threads;             /* that have parts of the batch, of several examples; 0: none */
    bool columns;            /* wherever they can be */
} Form;

/* False, with what the compiler said on standard output, if that fails. Changes the model. */
bool library_build(Arena *arena, Compilation *c, const Form *form, const char *folder, Library *library);

#endif
