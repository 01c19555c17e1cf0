/* Sums that grow in rows and read beyond the border of a tensor: the columns in which nothing is read outside are rows; those next to
   the border are summed one by one, and ask.

   Requires: a group whose first statement's sums may run across the index. Ensures: as lower.c.
   Example:  y[s] = sum(v in 0..3: W[v] * (x[s + v - 1] default 0)) for s in 0..28      becomes
             s in 0..1: sums of W[v] * (if s + v - 1 >= 0 ...);  s in 1..27: a row that grows;  s in 27..28: sums again
   Where that would be most of the columns, and what stands beyond the border is 0, terms.c leaves it out of the row instead. The other
   loops are cut by split.c. */
#include "loop/lowering.h"

#include "tensor/affine.h"

enum { LEAST_ROW = 4 };

typedef struct {
    Pool *pool;
    Index *index;
    int64_t from, to;  /* of the columns in which all reads are inside along the index */
    bool known, zeros; /* what stands beyond the ends is 0 */
} Interior;

static void look_at(void *context, Expr e) {
    Interior *in = context;
    if (e->kind != EXPR_READ || !e->has_default) return;
    in->zeros &= expr_is(e->kids[e->count - 1], 0);
    for (int i = 0; i < e->tensor->rank; i++) {
        if (!expr_depends(e->kids[i], in->index)) continue;
        Expr rest = expr_op2(in->pool, OP_SUB, e->kids[i], expr_index(in->pool, in->index));
        Interval range = interval_of(rest);
        in->known &= !expr_depends(rest, in->index) && range.known;
        if (!in->known) return;
        if (-range.low > in->from) in->from = (int64_t)-range.low;
        if (e->tensor->shape[i] - range.high < in->to) in->to = (int64_t)(e->tensor->shape[i] - range.high);
    }
}

static void lower_columns(Lowering *l, const Group *group, Index *across, int64_t from, int64_t to) {
    Group piece = {.held = group->held};
    Index *index = index_like(l->pool, across);
    if (from >= to) return;
    index->first = from;
    index->size = to;
    index->id = across->id; /* stands where the other stood */
    index->piece_of = across;
    for (size_t i = 0; i < group->list.count; i++)
        vec_push(l->arena, &piece.list, for_piece(l, group->list.at[i], across, index));
    lower_loops(l, &piece, false);
}

bool lower_borders(Lowering *l, const Group *group, Index *across) {
    Interior in = {.pool = l->pool, .index = across, .to = across->size, .known = across->first == 0, .zeros = true};
    expr_visit(l->pool, group->list.at[0]->value, look_at, &in);
    bool whole = in.from <= 0 && in.to >= across->size, most = 2 * (in.to - in.from) >= across->size;
    if (!in.known || whole || in.to - in.from < LEAST_ROW || (in.zeros && !most)) return false;
    lower_columns(l, group, across, 0, in.from);
    lower_columns(l, group, across, in.from, in.to);
    lower_columns(l, group, across, in.to, across->size);
    return true;
}
