/* Shared by the files that make nodes of statements: lower.c, fuse.c, scans.c, reduce.c, rows.c, and others. */
#ifndef NNC_LOOP_LOWERING_H
#define NNC_LOOP_LOWERING_H

#include "loop/loop.h"

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Program *program;
    Pool *pool;
    Arena *arena;
    Nodes *out;                              /* where nodes go */
    bool unrolls;                            /* it may have straight lines and vectors: those that look for mistakes have none */
    Index *step;                             /* of the scan around, whose loop is open, or NULL */
    bool lines;                              /* ... and whether it becomes straight lines */
    Nodes *before_steps;                     /* ... and what goes before that loop; or NULL */
    Vec(const struct Column *) of_all_steps; /* columns.c: those that are found there */
    const char *suffix;                      /* of the names of variables, which says where in a tile they stand; or NULL */
    const Index *lane;                       /* inside a vector: the index of its lanes */
    Expr own;                                /* of a statement that adds: its target's element, where its sum begins; or NULL */
    Expr begins_at;                          /* the same, of the element that is lowered next */
    bool own_terms;                          /* of the block: terms were left out */
    int turned;                              /* of the block: how many elements stand side by side; 0: none */
    const Index *turned_along;
    int turned_zeros; /* that fill them up */
    Expr winner_of;   /* of the element: the argmax or argmin that was found, or NULL; ... */
    Expr winner;      /* ... and the number that won */
    int *readers;     /* by tensor id: how often it is read in the routine; those that more than statements read have many */
} Lowering;

enum {
    SHORT_ROW = 4,
    LONG_SUM = 8,
    VERY_LONG_SUM = 100,
    LOOKED_AT = 8,
    LEAST_VECTOR = 8,
    FEW_ELEMENTS = 16, /* gcc writes out loops of 16, and makes no vectors then */
    SHORT_GROUP = 2,   /* statements */
    LEAST_AT_A_TIME = 3,
    FAST_AT_A_TIME = 8, /* elements whose sums run in one loop: of sums in lanes, ... */
    MOST_AT_A_TIME = 10 /* ... of others */
};

typedef struct {
    Expr first;           /* reduction */
    Expr sums[LOOKED_AT]; /* the first ones */
    int count;
    bool others; /* a reduction that is no sum */
    bool leaves; /* a read may lie outside: split.c cuts its loops */
} Sums;

/* ---- fuse.c: what runs in the same loops */
void count_readers(Lowering *l, const Groups *groups);
Groups fuse(Lowering *l, const Groups *groups);

/* ---- ahead.c */
Groups look_ahead(Lowering *l, const Groups *groups);

/* ---- scans.c */
void lower_scan(Lowering *l, const Group *group);
Groups with_steps(Lowering *l, const Groups *groups);     /* instead of each scan, the groups of its steps; ... */
Groups without_steps(Lowering *l, const Groups *planned); /* ... and back */
void lower_group(Lowering *l, const Group *group);
Statement *for_piece(Lowering *l, const Statement *s, Index *whole,
                     Index *piece); /* the statement for a part of an index's range */
/* Borders of what the group writes, in the group's own loops where these fit: l->out has them from the `first` node on. */
void draw_borders(Lowering *l, const Group *group, size_t first);
bool choose_lines(Lowering *l, const Group *group, const char **why);
Index *index_together(Lowering *l,
                      const Group *group); /* of a statement whose sums run several at a time in a loop over it, or NULL */

/* ---- borders.c: what its file says; false: there is no border along the index */
bool lower_borders(Lowering *l, const Group *group, Index *across);
void lower_loops(Lowering *l, const Group *group, bool lines);

/* ---- lower.c, for lanes.c and columns.c: the statements of the group at one point; `first` is what the first became */
void lower_element_at(Lowering *l, const Group *group, Expr first, Index *const *from, const Expr *to, int count);
/* All statements of the group at this point; the value that `wanted` has then. */
Expr lower_update_at(Lowering *l, const Group *group, const Tensor *wanted, const Expr *to);

/* ---- turns.c: of the loop that was opened last, if any was since l->out was `outer` */
void mark_independent(Lowering *l, const Group *group, Nodes *outer);

/* ---- columns.c; false: that is not for this statement */
bool lower_in_columns(Lowering *l, const Group *group);
double cycles_of_sums(Lowering *l, const Group *group); /* in columns or without; 0: it has none */

/* ---- standing.c */
void choose_standing(Lowering *l, const Groups *groups);

/* ---- lanes.c; false: no vectors are wanted */
bool lower_in_lanes(Lowering *l, const Group *group);

/* ---- transpose.c; false: the statement does not copy, or not from one axis to another */
bool is_transposed(const Lowering *l, const Group *group);
bool lower_transposed(Lowering *l, const Group *group);

/* ---- reduce.c: nodes, and values without reductions */
/* Is the one the number that the other, an argmax or argmin, finds? */
bool wins_there(const Expr extreme, const Expr winner);
Node *node_new(Lowering *l, NodeKind kind);
Expr read_local(Lowering *l, Tensor *local);
Tensor *let(Lowering *l, const char *name, int64_t index_range, Expr value, bool constant);
Expr let_read(Lowering *l, Expr read); /* a constant of that value, named as the last part of the tensor's name */
void set(Lowering *l, Tensor *local, Expr value);
/* Opens loops over the indices; returns what to give to `out` when they are closed. An index with one value needs no loop. */
Nodes *open_loops(Lowering *l, Index *const *indices, int count, const Index *except);
void store(Lowering *l, Tensor *target, const Expr *subscripts, Expr value);
Expr read_at(Lowering *l, Tensor *target, const Expr *subscripts);
Expr without_single_indices(Lowering *l, Expr e);
Expr with_flat_draws(Lowering *l,
                     Expr e); /* the points of random numbers as one number each, before indices are cut into pieces */
Expr shifted(Lowering *l, Expr e, Index *index, int by);
bool runs_along(Lowering *l, Expr e, Index *index); /* are all its reads neighbours in memory along the index? */
void may_sum_in_any_order(Lowering *l, Nodes *outer, Expr reduce, Tensor *sum);
Expr lowered(Lowering *l, Expr e); /* e without reductions and small powers: what they need is written before it */

/* ---- rows.c: sums of a whole row, which grow together */
void look_at_reduction(void *sums, Expr e);
Index *row_index(Lowering *l, const Statement *s); /* along which the sums of the statement are to grow, or NULL */
bool sums_across(Lowering *l, const Group *group, Index *across, Expr *value); /* false: the rows are all there is to do */
Expr read_first(Lowering *l, Expr e, const Index *across); /* its factors that are the same for all of a row, read now */
Expr read_of(void *map, Expr e);                           /* what an ExprMap has for e, or e */

#endif
