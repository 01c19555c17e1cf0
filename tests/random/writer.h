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
typedef Vec(const char *) Words;

/* A stage that was defined, and may be used once more for the same axes. */
typedef struct {
    const char *stage;
    Value from, to;
    bool closed; /* it takes no other tensor of the model, so that a body may have it */
} Made;

typedef struct {
    Arena *arena;
    uint64_t seed, drawn;
    Text *definitions, *body;
    Values values;    /* bindings and inputs of the model */
    Values weights;   /* parameters that expressions may read by their path */
    Values fed;       /* inputs and targets */
    Words one_hot;    /* targets whose last axis is that of classes: their data may promise it */
    Words learned;    /* bindings that have parameters, and layer values */
    Vec(Made) made;   /* definitions */
    int names;        /* made so far */
    bool odd_used[8]; /* names that C or the compiler might want for itself */
} Writer;

/* ---- writer.c */
int below(Writer *w, int count);                                               /* 0 .. count - 1 */
int between(Writer *w, int low, int high);                                     /* low .. high */
bool chance(Writer *w, int percent);                                           /* true in so many of a hundred cases */
const char *one_of(Writer *w, const char *const *list);                        /* ends in NULL */
const char *fresh(Writer *w, const char *stem);                                /* a name that nothing else has */
const char *fresh_binding(Writer *w);                                          /* likewise; some are words of C */
const char *with(Writer *w, const char *format, const char *a, const char *b); /* format has one "%s" or two */
const Value *some_value(Writer *w);
bool same_axes(const Value *a, const Value *b);
int points(const Value *value);                             /* elements */
const char *axes(Writer *w, int rank, const int *shape);    /* "[3, 4]", or nothing for a number */
void random_shape(Writer *w, int rank, int most, Value *v); /* axes of 1 .. most */

/* ---- What may be read, and the indices */

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
    bool reversed, in_optimizer;
    Values sizes;    /* names of sizes: shape[0] is the number */
    Words functions; /* parameters that are functions of a number */
} Scope;

/* ---- reads.c */

typedef struct {
    const char *text;
    int low, high; /* its values */
} Subscript;

const char *constant(Writer *w);
/* inside: it cannot fall outside; else it got a default, `otherwise` or a random one */
const char *read_value(Scope *scope, const Value *value, const char *otherwise, bool *inside);
const char *read_any(Scope *scope);
Subscript whole_read(Scope *scope, int length);                   /* of a number below `length`; text is NULL if there is none */
const char *size_text(Scope *scope, int size);                    /* a number, or what the sizes say of it */
const char *scope_axes(Scope *scope, int rank, const int *shape); /* "[n, 4]", or nothing for a number */

/* ---- expressions.c: index statements. What they read are the values given; results stay small */

void push_index(Scope *scope, int size);
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
const char *literal(Writer *w, int rank, const int *shape); /* "[[0.5, -1], [0.2, 0.3]]" */

/* ---- values.c: layers and functions that are passed on: stages of such */

const char *random_function(Writer *w); /* of a number, by name */
const char *passing_stage(Writer *w, Value *value);

/* ---- bindings.c */

void random_binding(Writer *w);

/* ---- losses.c: the output, its targets, what is minimised and reported */

void output_and_loss(Writer *w, int number, Text *losses, Text *metrics);
void penalties(Writer *w, Text *losses);

/* ---- training.c: optimizer, what is frozen and predicted, data, settings */

void random_training(Writer *w);

#endif
