/* A picture of what a network answers over the plane of its inputs, which are two numbers, with the examples on top. */
#ifndef NNC_DECISION_H
#define NNC_DECISION_H

#include "svg.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_DECISION_COLUMNS = 240, NNC_DECISION_ROWS = 210, NNC_DECISION_CELLS = NNC_DECISION_COLUMNS * NNC_DECISION_ROWS };

typedef struct {
    double at[2]; /* in the plane */
    double value; /* the class or the number that is right; NaN: it is not known */
    int result;   /* NNC_TRAINING, NNC_HELD_OUT or NNC_TEST */
} NncDecisionExample;

typedef struct {
    const NncProgram *program;
    const NncData *data;    /* of training: names and what was learned */
    char axes[2][80];       /* their names */
    double low[2], high[2]; /* of the plane, in the units of the data */
    size_t output;          /* the one that is drawn */
    size_t classes;         /* it has a number for each; 0: its first number is drawn */
    const char *target;     /* what it is compared with, or NULL */
    int shares;             /* its numbers sum to 1 */
    double *values;         /* of each cell, from the top left: the class, or the number; NaN: it is not finite */
    double *certainty;      /* with classes: the number of that class */
    NncDecisionExample *examples;
    char *in, *right;               /* structs of one example */
    size_t example_count, left_out; /* of every left_out examples one is there */
} NncDecision;

/* Whether the network has such a picture; else says what it takes. */
int nnc_decision_may_draw(const NncProgram *program);

/* Of a network that has one, as it is now. Writes the file whole or not at all. Returns 1, or 0 with a message. */
int nnc_decision_save(const NncTraining *training, const char *path);

/* As SVG. cell: so many cells in each direction are one; the picture is coarser and smaller. */
void nnc_decision_draw(FILE *out, const NncDecision *decision, size_t cell);

#ifdef __cplusplus
}
#endif

#endif
