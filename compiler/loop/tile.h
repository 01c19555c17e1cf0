/* Shared by lanes.c, which makes a nest of loops round a register tile, and clip.c, which says where its sums begin and end. */
#ifndef NNC_LOOP_TILE_H
#define NNC_LOOP_TILE_H

#include "loop/lowering.h"
#include "loop/schedule.h"

typedef struct {
    Lowering *l;
    const Group *group;
    const Choice *choice;
    Index *from[MOST_INDICES]; /* the statement's indices */
    Expr base[MOST_INDICES];   /* where the tile begins along each */
    int count[MOST_INDICES];   /* how many values there */
    Index *lane;
    Expr value; /* of the first statement */
    Expr to[MOST_POINTS][MOST_INDICES];
    char suffix[MOST_POINTS][24];
    int points;
    ExprMap found[MOST_POINTS]; /* by point: what a sum became */
} Tile;

/* ---- clip.c */
bool is_unrolled(Tile *t, Expr sum, int k); /* does each value of its k-th index have lines of its own? */
bool is_left_out(Pool *pool, Expr term);    /* is it 0, because a factor is read in a border of zeros? */
bool is_clipped(Tile *t, Expr sum);         /* do some of its terms lie in a border of zeros, along its last index? */
Nodes *open_sum(Tile *t, Expr sum, const Index *except); /* as open_loops, over the terms that are not left out */

#endif
