/* Random models, and what is expected of each: see README.md. */
#ifndef NNC_TESTS_RANDOM_MODELS_H
#define NNC_TESTS_RANDOM_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* ---- generate.c: the text of a model, a function of the seed. What stands below the mark is a file that the model imports */

#define IMPORTED_FILE "definitions.nn"
#define IMPORTED_MARK "# ---- " IMPORTED_FILE "\n"

const char *random_model(Arena *arena, uint64_t seed);

/* ---- judge.c */

typedef enum {
    JUDGED_FINE,
    JUDGED_REFUSED,    /* with a diagnostic: the generator asked for too much */
    JUDGED_NOT_FINITE, /* a loss that nothing can be compared with */
    JUDGED_WRONG
} Judgement;

typedef struct {
    Judgement judgement;
    const char *check; /* of JUDGED_WRONG: the name of the check that failed first */
    const char *words; /* what it printed */
} Verdict;

/* Judges a model in a process of its own, so that a crash or a loop without end are findings like others. `effort` chooses which
   compilers the C meets: 0 the quick one alone, otherwise more of them for some numbers than for others. `only`, if not NULL, is the one
   check that matters. Files are written below `folder`. */
Verdict judge(Arena *arena, const char *text, uint64_t effort, const char *only, const char *folder);

/* ---- shrink.c: a smaller model for which `still` holds, found by leaving out and simplifying for so many seconds */

const char *shrink(Arena *arena, const char *text, bool (*still)(void *context, const char *text), void *context, int seconds);

#endif
