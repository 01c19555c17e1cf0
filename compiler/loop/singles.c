/* Numbers that the sums of a way read one by one, to all lanes: what the lines of the cache cost that they stand in.

   Requires: the choice of the way. Ensures: its singles, which say for each axis what it costs if neighbours along it are neighbours in
   memory.
   Example:  dQ[e, j, k] = sum(b, i: d[b, e, i, j] * x[b, i, k]), k in lanes: with i innermost, neighbours of the sum share a line of d;
             with b innermost each number is in a line of its own, and its neighbour is read when that line has left the cache. */
#include <math.h>

#include "loop/cost.h"

#include "tensor/affine.h"

enum { SETS = 64 /* of the first cache */ };

static const double LINE_READ = 1.5; /* cycles that a line from the second cache takes, if others are on the way */

/* How many values a subscript has in the tile, in the loops of its sum from the `level`-th on. */
static double values_of(const GroupWork *work, const Choice *c, Expr subscript, int level) {
    const Statement *s = work->group->list.at[0];
    double count = 1;
    for (int i = 0; i < s->count; i++) {
        if (i != c->lanes_of && expr_depends(subscript, s->indices[i])) count *= c->tile[i];
    }
    for (int k = level; k < work->longest->bound_count; k++) {
        if (expr_depends(subscript, work->longest->bound[k])) count *= (double)work->longest->bound[k]->size;
    }
    return count;
}

/* How many lines of the cache are read for it, if neighbours along the axis are neighbours in memory. */
static double lines_of(const GroupWork *work, const Choice *c, Expr read, int axis, int level) {
    double lines = 1, whole = 1;
    for (int a = 0; a < read->tensor->rank; a++) {
        double size = (double)read->tensor->shape[a], count = values_of(work, c, read->kids[a], level);
        if (a == axis && count > 1) {
            Interval range = interval_of(read->kids[a]);
            double apart = (double)(range.high - range.low + 1);
            for (int k = 0; k < read->kids[a]->free_count; k++) apart /= (double)read->kids[a]->free[k]->size;
            size = ceil(size * 4 / LINE);
            count = ceil(count * (apart > 1 && range.known ? apart : 1) * 4 / LINE);
        }
        lines *= count < size ? count : size;
        whole *= size;
    }
    return lines < whole ? lines : whole;
}

/* Do these lines stay in the first cache? Rows that are apart by a large power of two share few places in it (its sets). */
static bool lines_stay(const LoopProgram *loop, const GroupWork *work, const Choice *c, Expr read, int axis, int level) {
    const Tensor *t = read->tensor;
    const double lines = lines_of(work, c, read, axis, level);
    if (!multiplies_two_vectors(loop)) return lines * LINE <= L1;
    double sets = ceil(values_of(work, c, read->kids[axis], level) * 4 / LINE);
    int64_t width;
    int64_t apart = (fills_panels(loop, t, axis, &width) ? width : t->shape[axis]) * (loop->is_double ? 8 : 4);
    for (int a = t->rank - 1; a >= 0; a--) {
        if (a == axis) continue;
        double count = values_of(work, c, read->kids[a], level),
               places = SETS * LINE / (double)common_divisor(apart, SETS * LINE);
        sets *= count < places ? count : places;
        apart *= t->shape[a];
    }
    if (sets > SETS) sets = SETS;
    return lines <= sets * L1 / (SETS * LINE);
}

void find_singles(const LoopProgram *loop, Program *program, const Group *group, Way *way) {
    GroupWork work = work_of_group(program->pool, group);
    const Choice *c = &way->choice;
    const Statement *s = group->list.at[0];
    way->single_count = 0;
    if (work.longest == NULL || c->lanes_of < 0) return;
    bool varies;
    double tiles = share_of_clipped(loop, &work, c, c->tile, &varies) * work.share * index_product(s->indices, s->count);
    for (int i = 0; i < s->count; i++) tiles /= i == c->lanes_of ? c->lanes * c->vectors : c->tile[i];
    for (int i = 0; i < work.read_count && way->single_count < MOST_SINGLES; i++) {
        Expr read = work.reads[i];
        if (read->tensor->rank > MOST_AXES || differs_in_lanes(work.pool, read, c)) continue;
        Single single = {.tensor = storage_owner(read->tensor)};
        bool any = false;
        for (int a = 0; a < read->tensor->rank; a++) {
            int level = 0; /* outside it, nothing is left in the cache from one turn to the next */
            while (level < work.longest->bound_count && !lines_stay(loop, &work, c, read, a, level)) level++;
            double lines = tiles * LINE_READ * lines_of(&work, c, read, a, level);
            for (int k = 0; k < level; k++) lines *= (double)work.longest->bound[k]->size;
            single.cycles[a] = level == 0 ? 0 : lines;
            any |= level > 0;
        }
        if (any) way->singles[way->single_count++] = single;
    }
}
