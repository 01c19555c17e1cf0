/* For evaluate.c alone: how the interpreter runs a statement.

   A statement becomes passes. Each reduction is a pass of its own, which fills a table over the reduction's free indices; the
   last pass fills the target:

       y[b, j] = sum(i: W[j, i] * x[b, i]) + c[j]      table[b, j] = sum(i: W[j, i] * x[b, i])
                                                       y[b, j]     = table[b, j] + c[j]

   A pass goes through the points of its lanes (here b, j), flat and row-major, LANES at a time: a node is evaluated for all of
   them by one loop. Bound indices (here i) are loops around that, and a node is evaluated again only when an index on which it
   depends has moved. Where there are few points and long reductions (a loss), bound indices are lanes as well (`folded`). The index of a scan is
   a loop that stands still (`fixed`): its passes run for one value of it. */
#ifndef NNC_TENSOR_PLAN_H
#define NNC_TENSOR_PLAN_H

#include "tensor/program.h"

enum { LANES = 128 };

typedef struct Node Node;

typedef struct {
    int position; /* in the lanes or loops of the pass */
    Node *node;   /* or, where this is not NULL, any integer expression */
    int64_t coefficient;
} Term;

/* One subscript:  constant + lane terms + loop terms + node terms. */
typedef struct {
    Vec(Term) lanes, loops, nodes;
    int64_t constant;
    int64_t stride, length;
    bool batch;        /* outside from the number of examples on */
    bool checked;      /* may be outside */
    int64_t *base;     /* of each lane: its lane terms, if the axis is checked or has nodes */
    int64_t low, high; /* the least and the largest of them */
} Axis;

/* The element of a tensor at each lane. */
typedef struct {
    const Tensor *tensor;
    double *data;
    int rank;
    Axis *axes;
    int64_t *base;          /* of each lane: the part of the address that no loop or node moves */
    bool same, consecutive; /* all of them are the same; or each is one more than the last */
} Access;

struct Node {
    Expr e;
    int level;    /* 0: depends on no loop; else 1 + the position of the innermost loop that it depends on */
    bool uniform; /* the same for all lanes */
    int position; /* EXPR_INDEX: in the lanes or loops */
    Access *access;
    Node **kids;      /* EXPR_READ: what is read outside; EXPR_OP, EXPR_DRAW: all */
    int64_t *extents; /* EXPR_DRAW: of each axis of the point */
    double values[LANES];
};

typedef struct {
    Index **lanes, **loops;
    int lane_count, loop_count;
    int64_t **where; /* [lane index][lane]: its value */
    int64_t *at;     /* [loop]: its value */
    int fixed;       /* 1: loop 0 is the index of a scan, else 0 */
    bool reduces, folded, scatters;
    Reduction reduction;
    Index *const *bound; /* of the reduction, whether they are lanes or loops */
    int bound_count;
    Vec(Node *) nodes; /* by id, to find them */
    Vec(Node *) steps; /* those to be evaluated, by level; within one, children first */
    size_t *level_end; /* [level]: one past its last step */
    Vec(Access *) accesses;
    Node *value; /* the reduction's body, or the statement's value */
    Access *store;
} Pass;

/* A statement, ready to run. `value` tells whether the statement has changed since. */
typedef struct {
    const Statement *statement;
    Expr value;
    Vec(Pass *) passes;
} Plan;

/* The storage of each tensor, by id. */
typedef struct {
    double **data;
    size_t count;
} Storage;

Plan *plan_new(Arena *arena, Pool *pool, const Storage *storage, const Statement *statement);

#endif
