/* What the files of the generator share: a stream of choices, and the tensors that may be read. */
#ifndef NNC_TESTS_RANDOM_WRITER_H
#define NNC_TESTS_RANDOM_WRITER_H

#include "random_models.h"

enum { AXES = 4 };

/* Something with elements: an input, a binding, a parameter, a tensor of a definition's body. */
typedef struct {
    const char *name;
    int rank, shape[AXES];
    int range;     /* > 0: whole numbers in 0 .. range - 1 */
    int step_axis; /* of a tensor of the scan that is being written: the axis of its steps; else -1 */
    int above;     /* likewise: written above, so that its element of the same step may be read */
} Value;
typedef Vec(Value) Values;

typedef struct {
    Arena *arena;
    uint64_t seed, drawn;
    Text *definitions, *body;
    Values values;       /* bindings and inputs of the model */
    Values weights;      /* parameters that expressions may read by their path */
    const char *binding; /* the one that is being written */
    int names;           /* made so far */
    bool has_state;      /* some layer has running statistics */
} Writer;

/* ---- writer.c */
int below(Writer *w, int count);                            /* 0 .. count - 1 */
int between(Writer *w, int low, int high);                  /* low .. high */
bool chance(Writer *w, int percent);                        /* true in so many of a hundred cases */
const char *one_of(Writer *w, const char *const *list);     /* ends in NULL */
const char *fresh(Writer *w, const char *stem);             /* a name that nothing else has */
int points(const Value *value);                             /* elements */
const char *axes(Writer *w, int rank, const int *shape);    /* "[3, 4]", or nothing for a number */
void random_shape(Writer *w, int rank, int most, Value *v); /* axes of 1 .. most */

/* ---- expressions.c: index statements. What they read are the values given; results stay small */

typedef struct {
    const char *name;
    int size;
    bool told, contradicted; /* an axis of its size, of another size, has it alone as its subscript */
} RandomIndex;

typedef struct {
    Writer *w;
    Values values;
    RandomIndex indices[8];
    int count;
    int scan; /* which of the indices is that of a scan, or -1 */
    bool reversed;
} Scope;

const char *expression(Scope *scope, int depth);
void index_statement(Scope *scope, Text *text, const char *indent, const char *name, int rank, const int *shape);
void winners_statement(Scope *scope, Text *text, const char *indent,
                       const char *name);                                    /* w[i] = argmax(...), which may be read then */
void scan_block(Scope *scope, Text *text, const char *indent, Values *made); /* made: with the axis of their steps */

/* ---- definitions.c: layers and functions made of them */

/* Writes a definition for the value; returns the stage that calls it, and makes the value the result. */
const char *random_definition(Writer *w, Value *value);
const char *random_scalar_function(Writer *w); /* the name of a function of numbers */

/* ---- stages.c: what may stand behind a pipe */

const char *random_stage(Writer *w, Value *value);
const char *random_activation(Writer *w);

#endif
