/* How each statement of a routine is computed on a machine with vectors: shared by schedule.c, which chooses, and lanes.c, which obeys. */
#ifndef NNC_LOOP_SCHEDULE_H
#define NNC_LOOP_SCHEDULE_H

#include "loop/loop.h"

enum { MOST_TILED = 2, MOST_INDICES = 10 };

/* Positions are those of the statement's indices. */
typedef struct Choice {
    int lanes_of;            /* the index whose values stand in lanes */
    int lanes, vectors;      /* of each vector; how many vectors at a time */
    int tile[MOST_INDICES];  /* how many values of each index at a time, 1 for most */
    int order[MOST_INDICES]; /* of the loops, outermost first */
    double cycles;           /* what the model predicts, for all points */
} Choice;

/* schedule.c: writes layouts into the tensors, and choices into the groups. */
void schedule(LoopProgram *loop, Program *program, const Groups *groups);

#endif
