/* Shared by columns.c, which chooses what stands side by side, and grow.c, which writes it as nodes. */
#ifndef NNC_LOOP_COLUMNS_H
#define NNC_LOOP_COLUMNS_H

#include "loop/lowering.h"

enum {
    MOST_COLUMNS = 4, /* tensors that are turned round for a statement */
    COLUMN_READS = 8, /* of these */
    LEAST_TERMS = 4,  /* of a sum: fewer are over before a row has begun */
    MOST_SUMS = 4,    /* of an element */
    COLUMN_AXES = 8,
    MOST_CONDITIONS = 8, /* of a sum */
    LEAST_ELEMENTS = 5,  /* fewer would fill half a vector */
    LANES = 8,           /* few elements are as many as fill vectors */
    MOST_ELEMENTS = 32,
    ROWS = 4,             /* that grow in one loop, ... */
    MOST_ROWS = 6,        /* ... or as many as there are */
    TERMS = 4,            /* that are added to them at once, or as many as there are */
    MOST_NUMBERS = 524288 /* in columns */
};

/* What sums read of the elements: x[b, i] stands in columns[i][e]. */
typedef struct Column {
    Expr read;                /* the first one that reads it */
    int along;                /* the axis of the index whose elements stand side by side */
    bool varies[COLUMN_AXES]; /* an axis of the columns */
    int64_t of, elements;     /* the size of that index, and how many of them */
    Tensor *columns;
} Column;

typedef struct {
    Lowering *l;
    const Statement *s;
    Index *along, *element;      /* elements of this index stand side by side: element of them at a time */
    Index *next;                 /* rows of this index grow together; or NULL */
    int64_t blocks;              /* of the index along */
    Index *outside[COLUMN_AXES]; /* loops in which columns are turned round anew */
    int outside_count;
    Expr reads[COLUMN_READS], sums[MOST_SUMS], terms[MOST_SUMS]; /* terms[i] is that of sums[i] without what is asked before */
    Expr conditions[MOST_SUMS][MOST_CONDITIONS];
    int read_count, sum_count, condition_count[MOST_SUMS], column_count;
    Column columns[MOST_COLUMNS];
    double numbers, work; /* for each element: what is turned round, and the terms of its sums */
    bool of_all_steps;    /* what is turned round is the same in all steps of the scan around */
    bool suits;
} Turned;

/* ---- columns.c */

bool is_round_columns(const Turned *c, const Index *index); /* is its loop round the columns? */
bool differs_in_block(const Turned *c, Expr e);             /* from one of the elements side by side to the next? */
bool is_side_by_side(const Turned *c, Expr read);           /* without columns */
Column *column_for(Turned *c, Expr read);                   /* NULL: it has none */

/* ---- grow.c: the group's statements with columns, behind what is there; `value` is that of the first without indices of one value */
void grow_in_columns(Turned *c, const Group *group, Expr value);

#endif
