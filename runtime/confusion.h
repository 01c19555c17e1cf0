/* Which classes a network takes for which others. */
#ifndef NNC_CONFUSION_H
#define NNC_CONFUSION_H

#include <stdio.h>

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_CONFUSION_CLASSES = 20 }; /* a table of more is not read by anybody */

typedef struct {
    size_t classes;
    uint64_t counts[NNC_CONFUSION_CLASSES * NNC_CONFUSION_CLASSES]; /* [the true class][the predicted one] */
    char *const *names;                                             /* NULL: there are none but the numbers */
    const char *data;                                               /* "held out" */
} NncConfusion;

/* Whether the network has a table like this: it tells classes apart, and not too many of them. */
int nnc_confusion_is_wanted(const NncProgram *program);

/* Adds n examples: target structs, and what was predicted. */
void nnc_confusion_add(const NncProgram *program, NncConfusion *confusion, const char *target, const char *out, size_t n);

/* The class with the largest of the numbers; the first on a tie. */
size_t nnc_largest(const double *numbers, size_t count);

/* As a table at most `columns` wide, if the numbers leave a choice; as the field "confusion" of an object: a list of rows. */
void nnc_confusion_print(FILE *file, const NncConfusion *confusion, size_t columns);
void nnc_confusion_json(FILE *file, const NncConfusion *confusion);

#ifdef __cplusplus
}
#endif

#endif
