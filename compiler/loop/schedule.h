/* How each statement of a routine is computed on a machine with vectors: shared by ways.c, schedule.c and storage.c, which choose, cost.c,
   which says what a choice costs, and lanes.c, which obeys. */
#ifndef NNC_LOOP_SCHEDULE_H
#define NNC_LOOP_SCHEDULE_H

#include "loop/loop.h"

enum {
    MOST_TILED = 2,
    MOST_INDICES = 10,
    LEAST_SIZE = 4, /* of an index that stands in lanes */
    MOST_NEEDS = 32,
    MOST_SINGLES = 8,
    MOST_AXES = 8,
    MOST_WAYS = 16,
    MOST_POINTS = 32 /* of a tile */,
    MOST_PARTS = 4 /* of a sum */,
    LINE = 64 /* bytes of the cache */
};

/* Positions are those of the indices of the group's first statement. */
typedef struct Choice {
    Index *along;             /* the index whose values stand in lanes */
    int lanes_of;             /* its position; -1: the sum of the first statement runs over it, and each lane has a part of it */
    int lanes, vectors;       /* of each vector; how many vectors at a time */
    Index *block, *lane;      /* where `along` is divided: it is lanes * block + lane; else NULL */
    int tile[MOST_INDICES];   /* how many values of each index at a time, 1 for most */
    int order[MOST_INDICES];  /* of the loops, outermost first */
    double cycles;            /* what the model predicts, for all points */
    double operations, bytes; /* ...: bytes that come from the second cache to the first */
} Choice;

/* What a way wants of a tensor: that its axis be innermost in memory (-1: any), with room from `low` on and up to `high`. */
typedef struct {
    const Tensor *tensor;
    int axis;
    int64_t low, high;
    bool as_it_is; /* the tensor of the user's data will do where its innermost axis is the one */
    bool beyond;   /* it is read beyond its ends */
    bool written;  /* a copy will not do */
    bool anywhere; /* vectors may begin where a panel does not end */
} Need;

/* Numbers that the sums of a way read one by one, to all lanes: each takes a line of the cache where its neighbours in memory are not
   read soon. */
typedef struct {
    const Tensor *tensor;
    double cycles[MOST_AXES]; /* that takes, if this axis is the innermost */
    bool may_be_copy;         /* nothing else of the way says where to read it */
} Single;

/* One way to compute a group. */
typedef struct {
    Choice choice;
    Need needs[MOST_NEEDS];
    Single singles[MOST_SINGLES];
    int count, single_count;
    bool possible;
} Way;

/* What a statement without sums reads, one number after the other. */
typedef struct {
    const Tensor *tensor;
    uint32_t follows[MOST_AXES]; /* by axis: a bit for each index of the statement on which its subscript depends */
} PlainRead;

typedef struct {
    Group *group;
    Way ways[MOST_WAYS];
    int count, by_cost[MOST_WAYS]; /* from the cheapest on, if all is as they want it */
    PlainRead reads[MOST_SINGLES];
    int read_count;
    double scalar, cycles;   /* without vectors, if all is read in the order of memory; as things stand */
    struct PlanCosts *known; /* schedule.c */
} Plan;

/* What may be chosen for a tensor, and is, by its id. */
typedef struct {
    bool may_move, may_copy; /* its layout is ours to choose; it may have a copy with another */
    int inner, copy_inner;   /* the innermost axis of the tensor, and of its copy, -1: it has none */
    bool border;             /* is read beyond its ends, where everything is `otherwise` */
    Expr otherwise;
    int64_t before[MOST_AXES], after[MOST_AXES]; /* how far */
    Tensor *copy;
    double copying[MOST_AXES][MOST_AXES]; /* cycles, from one innermost axis to another, as far as they are known; else 0 */
} Storage;

typedef struct Planner {
    LoopProgram *loop;
    Program *program;
    const char *name; /* of the routine */
    bool chooses;     /* the first routine of the program: layouts are its choice */
    bool narrows;     /* no other routine reads the same tensors: borders are only as wide as this one needs them */
    Vec(Plan) plans;
    Storage *storage; /* by tensor id */
    size_t tensors;
} Planner;

/* The optimizer's memory, and gradients, stand in memory as their parameters do. */
const Tensor *storage_owner(const Tensor *t);
Storage *storage_of(const Planner *planner, const Tensor *t);

/* Are the target's vectors shorter than a line of the cache? Does it multiply two of them in a cycle? Some of what the model knows was
   measured with such vectors only. */
bool has_short_vectors(const LoopProgram *loop);
bool multiplies_two_vectors(const LoopProgram *loop);

/* How many lanes and vectors at a time suit an index of this size. */
int vectors_for(const LoopProgram *loop, int64_t size, int *vectors);

/* Would it stand in several panels, which are as wide as a tile, with this axis innermost? The last may be filled in part, if the tensor is
   too large for the first cache. *width: of one of them. */
bool fills_panels(const LoopProgram *loop, const Tensor *tensor, int axis, int64_t *width);

/* transpose.c: how many lanes blocks have that are transposed in registers, where neighbours along `from` of tensor `of` are to be
   neighbours along `to` of its copy t; 0: there are none, the axes are too short, or the panels of either too narrow. *cycles: what the
   copy costs. Where layouts are still to be chosen, t and `of` are the same. */
int lanes_to_transpose(const LoopProgram *loop, const Tensor *t, const Tensor *of, int from, int to, double *cycles);

/* ways.c: all ways to compute the group, and what they cost. */
void find_ways(Planner *planner, Plan *plan);

/* storage.c: what may move; layouts and copies as they were chosen: statements read and write there. */
void find_storage(Planner *planner, const Groups *groups);
Groups apply_storage(Planner *planner, const Groups *groups);
bool need_is_met(const Planner *planner, const Need *need, bool *by_copy);
bool single_reads_copy(const Planner *planner, const Single *single); /* as things stand, that is the faster one */
const Way *best_way(const Planner *planner, const Plan *plan);
double cost_of_way(const Planner *planner, const Way *way); /* as things stand */
double cost_without_vectors(const Planner *planner, const Plan *plan);

/* schedule.c: what the groups of the training program cost if each found its tensors as it wants them. */
double least_cycles(LoopProgram *loop, Program *program, const Groups *groups);

/* schedule.c: writes layouts into the tensors, and choices into the groups; the result has copies, too. Without vectors, statements
   read where earlier routines of the program have put things. */
Groups schedule(LoopProgram *loop, const Routine *routine, const Groups *groups, bool vectors);

#endif
