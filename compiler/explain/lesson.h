/* What a training step computes, for readers: each statement as the model has it, how each derivative was found, and what it all
   is for one example. Data; what it looks like is decided by those who print it.

   It is made of a second program of the same model, in which everything that the model names keeps a statement of its own, and so
   does its adjoint: what C computes, but nothing is kept, shared or written elsewhere for the sake of a machine. */
#ifndef NNC_EXPLAIN_LESSON_H
#define NNC_EXPLAIN_LESSON_H

#include "ast/ast.h"
#include "model.h"
#include "tensor/evaluate.h"

/* Where a number that stands in a formula came from: the element that was read, or the reduction. */
typedef struct {
    Expr e;
    double value;
} Reading;

/* One element, as it would be found on paper. Nothing in it depends on an index but those that a reduction in it binds; the batch
   is one example. */
typedef struct {
    Expr element; /* hidden.dense[0, 1]; or a part of a formula */
    Expr formula; /* sums of a few terms are written out; NULL: there is none, or it is `element` itself */
    Vec(Reading) readings;
    Vec(double) terms; /* of a sum whose terms are more than numbers: with the factors that stand before the sum; else none */
    double value;
} Worked;

/* A step of the chain rule: `derived` holds because the loss depends on what it is the derivative of through `readers`. Both as
   they were before anything was simplified. */
typedef struct {
    const Statement *derived;
    Vec(const Statement *) readers;
} Link;

typedef enum { PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE, PHASES } Phase;

typedef struct {
    Phase phase;
    const Statement *statement; /* simplified */
    const Statement *written;   /* forward: as the model has it, if that is another formula; else NULL */
    Vec(Link) links;        /* backward: the last one derives the statement's own target, those before are of parts of formulas */
    bool written_is_worse;  /* it loses digits for this example: `statement` was worked out instead */
    bool simplified;        /* backward: `statement` is shorter than what the last link says */
    unsigned c_line, c_end; /* in the generated C: the first line, or 0, and the one behind the last */
    const Tensor *c_inside; /* it has no line: it stands in the formula of this one, whose line c_line is */
    Vec(Worked) worked;
} Item;

typedef struct {
    const Tensor *tensor;
    double *values; /* before the step; of one example */
    int64_t count;
} Given;

/* One element of a tensor. */
typedef struct {
    const Tensor *tensor;
    int64_t *point; /* without the axis of the batch */
} Element;

typedef struct Lesson {
    Arena *arena;
    const Sources *sources;
    const Model *model;            /* the one that C is made of */
    uint32_t source;               /* its file */
    const Model *own;              /* the one for readers: nothing has been made of it */
    Program *program;              /* its training */
    Vec(Item) items;               /* in the order in which a step runs them */
    Vec(const Statement *) before; /* the forward pass as it was derived */
    const char *c_file;            /* "iris.c", or NULL */
    const char *c_text;
    /* Of the worked example: */
    Machine *machine;      /* NULL: there are no numbers */
    bool has_target;       /* else only what does not depend on it */
    const char *example;   /* "example 0 of the training data" */
    int64_t steps;         /* of training before it */
    Vec(Given) given;      /* inputs, targets, parameters, states: in this order */
    const Element *wanted; /* is worked out, too, however many its tensor has; or NULL */
    Tensor *scratch;
    int digits; /* behind the point */
} Lesson;

/* ---- lesson.c */
/* The items of a parsed file again, for readers. Requires: the model was compiled from them without an error. */
Lesson *lesson_new(AstContext *context, const AstList *items, uint32_t source, int64_t batch, const Model *model);
void lesson_free(Lesson *lesson);
const char *lesson_place(const Lesson *lesson, const Statement *s);  /* "iris.nn:7" */
const Item *lesson_item(const Lesson *lesson, const Tensor *target); /* that defines it (of a parameter: updates it), or NULL */

const Tensor *lesson_adjoint(const Lesson *lesson,
                             const Tensor *tensor); /* what derives the loss by it (or it, if it does); or NULL */

const Tensor *lesson_whole(const Lesson *lesson,
                           const Tensor *part); /* of a part of a formula, what the model names; else the same */

/* ---- generated.c */
unsigned lesson_line_of(const Lesson *lesson, const Item *item,
                        const Element *element);                           /* where straight lines have one for it */
void lesson_find_in_c(Lesson *lesson, const char *file, const char *text); /* requires: text, as generate_files made it */

/* ---- work.c */
/* Runs the step on the one example that the machine holds, and notes what is worked out. */
void lesson_work(Lesson *lesson);
Worked lesson_term(Lesson *lesson, Expr e, double value); /* a part of a formula, by itself: it has no name */
Worked lesson_worked(Lesson *lesson, const Statement *s,
                     const int64_t *point);        /* of a tensor that is not persistent, after lesson_work */
double lesson_value(Lesson *lesson, Expr e);       /* e depends on no index */
int lesson_axes(const Tensor *tensor, int *first); /* first: of them, without the batch's; returns how many */
Expr lesson_element(Lesson *lesson, const Tensor *tensor, const int64_t *point); /* point: without the batch's axis */
const char *lesson_number(const Lesson *lesson, double value);                   /* with the wanted digits */

#endif
