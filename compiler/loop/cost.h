/* cost.c: what a choice costs on the target, in cycles, and the best register tile for an index in lanes. */
#ifndef NNC_LOOP_COST_H
#define NNC_LOOP_COST_H

#include "loop/schedule.h"

/* ---- divisions.c */

int64_t common_divisor(int64_t a, int64_t b); /* the greatest; of 0 and b: b */

/* 1, or the least number of steps along the index after which all divisions of whole numbers in e come out the same again: for
   e = (r - 3 u + 1) mod 2, 2 along r and along u. Also 1 where they only say where to read, and come out the same too seldom. */
int64_t period_of(Pool *pool, Expr e, const Index *index);

/* What divides all divisors of the index where it is divided by itself, as o / 8 or o mod 16: e has the same digits for all values of a
   tile that divides it, too, and begins at a multiple of itself. 0: it is not divided so. */
int64_t digit_of(Pool *pool, Expr e, const Index *index);

bool is_divided(Pool *pool, Expr e, const Index *index); /* by itself or together with something else */

/* Does it differ from lane to lane? o / 8 does not in vectors of 8 values of o. */
bool differs_in_lanes(Pool *pool, Expr e, const Choice *c);

/* ---- clip.c */

/* A factor is read beyond a tensor's ends, where it is 0: with index `position` of the statement and bound index `of` of its sum,
   u * bound + f * index + constant  has to be in 0 .. size - 1. */
typedef struct {
    Pool *pool;
    const Statement *s;
    Expr factor;
    int64_t u, f, constant, bound, size;
    int position, of;
    bool last; /* the bound index is the sum's last */
} ClippedAxis;

/* Of a factor in a sum of s, the axis a. False: it depends on other indices, too. */
bool find_clipped_axis(Pool *pool, const Statement *s, Expr sum, Expr factor, int a, ClippedAxis *axis);

/* Does a tile have all of the statement's index, and each of its points the terms that are not 0 there, written out one by one? */
bool has_own_terms(const LoopProgram *loop, const ClippedAxis *axis, const Choice *c, const int *tile);

/* The share of the terms that are not left out, as they are 0 all over a tile, on the average, or at a point that has its own; 1: it is
   too large for leaving out the others to pay. */
double share_along(const LoopProgram *loop, const ClippedAxis *axis, const Choice *c, const int *tile);

/* For a loop over u from *low to below *high: later and sooner, so that  c u + rest  is in 0 .. size - 1 for some rest of least .. most. */
void clip_loop(Pool *pool, Expr *low, Expr *high, int64_t c, Expr least, Expr most, int64_t size);

/* Are all terms left out in which the read lies outside its tensor along the axis? It is a factor in sums of the group, where it is 0. */
bool leaves_out(const Planner *planner, const Group *group, const Choice *c, Expr read, int axis);

/* ---- cost.c */

enum { L1 = 32768 /* bytes of the first cache */, L2 = 1 << 20 /* of the second */, MOST_READS = 64, MOST_CLIPPED = 4 };

/* What a group does at one point. */
typedef struct {
    Pool *pool;
    const Group *group;
    int64_t period[MOST_INDICES];      /* of the sums, along each index; */
    int64_t digit[MOST_INDICES];       /* what its tiles must divide, 0: nothing */
    Expr longest;                      /* the largest sum, or NULL */
    double share;                      /* of their terms, if divisions leave some out */
    ClippedAxis clipped[MOST_CLIPPED]; /* where its factors are read beyond the ends of tensors */
    int clipped_count;
    Expr reads[MOST_READS]; /* in the sums */
    int read_count;
    double operations, calls; /* of the element, outside its sums */
    double terms;             /* of the largest sum */
    double body;              /* operations for one term, the multiply-add counted once */
    bool sums;
} GroupWork;

GroupWork work_of_group(Pool *pool, const Group *group);

/* The share of the terms that are not left out; and is the innermost loop then one whose ends differ from tile to tile? */
double share_of_clipped(const LoopProgram *loop, const GroupWork *work, const Choice *c, const int *tile, bool *varies);

/* Of how many parts each of so many sums at a time is to consist, so that additions need not wait for each other: fast arithmetic. */
int parts_of_sum(Pool *pool, Expr sum, int sums);

double cost_of_scalars(Pool *pool, const Group *group); /* of loops as they are */

/* Requires: lanes_of, lanes and vectors of the choice. Ensures: tile, order and cycles. */
void choose_tile(LoopProgram *loop, Program *program, const Group *group, Choice *choice);

/* ---- singles.c */

/* Requires: the choice of the way. Ensures: its singles. */
void find_singles(const LoopProgram *loop, Program *program, const Group *group, Way *way);

#endif
