/* Sums leave out the terms that are 0 because a factor is read beyond the ends of its tensor: their loops begin and end where they have
   to, and nothing asks. (Those of register tiles: clip.c.)

   Requires: nodes as lower.c made them. Ensures: the same sums of the terms that are left, in the same order.
   Example:  for r in 0..28: sum := sum + d[r] * (x[r + k - 2] default 0)      becomes
             for r from max(0, 2 - k) to below min(28, 30 - k): sum := sum + d[r] * x[r + k - 2]
   Each axis is for the innermost loop that moves along it. Where most values of the longest index need not ask, split.c cuts that one
   instead, as constant ends are worth more; but a sum that is long itself pays. Then the read goes on asking, as it does where a loop
   begins or ends for another axis already, or where another factor might be infinite, of which 0 times is no number. */
#include "loop/cost.h"
#include "loop/loop.h"

#include <math.h>

#include "tensor/affine.h"

enum { MOST_LOOPS = 8, LEAST_LAST = 24 /* values of a last loop that is worth more short than with constant ends */ };

typedef struct {
    Pool *pool;
    Node *loops[MOST_LOOPS]; /* of the sum, outermost first */
    int count;
    bool rows; /* the last is that of a row, whose sums grow together */
} Terms;

/* Is the subscript inside, whatever the others are, for half of the values of this index, which moves it by c? */
static bool is_mostly_inside(Pool *pool, Expr subscript, int64_t size, Index *index, int64_t c) {
    Expr along = expr_op2(pool, OP_MUL, expr_number(pool, (double)c), expr_index(pool, index));
    Interval rest = interval_of(expr_op2(pool, OP_SUB, subscript, along));
    int64_t inside = 0;
    for (int64_t i = 0; i < index->size && rest.known; i++) inside += c * i + rest.low >= 0 && c * i + rest.high < size;
    return 2 * inside >= index->size;
}

/* The loop that keeps the subscript inside, and by how much a step of it moves; -1: none does. */
static int loop_for(const Terms *t, Expr subscript, int64_t size, int64_t *c) {
    Affine affine;
    Index *longest = NULL;
    int64_t by = 0;
    int found = -1;
    if (!affine_in_indices(t->pool, subscript, &affine)) return -1;
    for (size_t k = 0; k < affine.terms.count; k++) {
        Index *index = affine.terms.at[k].term->index;
        if (longest == NULL || index->size > longest->size) {
            longest = index;
            by = affine.terms.at[k].coefficient;
        }
        for (int i = found + 1; i < t->count; i++) {
            if (t->loops[i]->index != index) continue;
            *c = affine.terms.at[k].coefficient;
            found = i;
        }
    }
    if (found < 0 || t->loops[found]->index->batch || t->loops[found]->low != NULL) return -1;
    if (!is_mostly_inside(t->pool, subscript, size, longest, by)) return found;
    if (t->loops[found]->index->size < longest->size) return -1;
    return found + 1 == t->count && (t->rows || longest->size < LEAST_LAST) ? -1 : found;
}

static bool is_inside_along(Expr subscript, int64_t size) {
    Interval range = interval_of(subscript);
    return range.known && range.low >= 0 && range.high < size;
}

static bool may_clip(const Terms *t, Expr read) {
    uint32_t used = 0;
    for (int a = 0; a < read->tensor->rank; a++) {
        if (is_inside_along(read->kids[a], read->tensor->shape[a])) continue;
        int at = loop_for(t, read->kids[a], read->tensor->shape[a], &(int64_t){0});
        if (at < 0 || (used & UINT32_C(1) << at) != 0) return false;
        used |= UINT32_C(1) << at;
    }
    return true;
}

/* A product of numbers that stand in memory or in the text: none of them is the logarithm of what lies outside. */
bool is_product(Expr term) {
    if (expr_is_op(term, OP_MUL)) return is_product(term->kids[0]) && is_product(term->kids[1]);
    if (term->kind == EXPR_READ && term->has_default) return expr_is(term->kids[term->count - 1], 0);
    if (term->kind == EXPR_READ) return term->tensor->border == NULL || isfinite(term->tensor->border->otherwise);
    return term->kind == EXPR_CONST && isfinite(term->value);
}

static void clip_axis(Terms *t, Expr subscript, int64_t size) {
    Pool *pool = t->pool;
    int64_t c = 0;
    Node *loop = t->loops[loop_for(t, subscript, size, &c)];
    Expr along = expr_op2(pool, OP_MUL, expr_number(pool, (double)c), expr_index(pool, loop->index));
    Expr rest = expr_op2(pool, OP_SUB, subscript, along);
    if (loop->low == NULL) loop->low = expr_number(pool, 0);
    if (loop->high == NULL) loop->high = expr_number(pool, (double)loop->index->size);
    clip_loop(pool, &loop->low, &loop->high, c, rest, rest, size);
}

/* The term without the questions that the loops answer now. */
static Expr clip_term(Terms *t, Expr term) {
    if (expr_is_op(term, OP_MUL) && !term->integer) {
        Expr first = clip_term(t, term->kids[0]);
        return expr_op2(t->pool, OP_MUL, first, clip_term(t, term->kids[1]));
    }
    if (term->kind != EXPR_READ || !term->has_default || !expr_is(term->kids[term->count - 1], 0) || !may_clip(t, term))
        return term;
    for (int a = 0; a < term->tensor->rank; a++) {
        if (!is_inside_along(term->kids[a], term->tensor->shape[a])) clip_axis(t, term->kids[a], term->tensor->shape[a]);
    }
    return expr_read(t->pool, term->tensor, term->kids, term->tensor->rank, NULL);
}

static bool is_whole(const Node *loop) {
    return loop->index->first == 0 && loop->step == 0 && loop->rest == 0 && loop->low == NULL && loop->high == NULL &&
           !loop->index->lanes && !loop->reversed;
}

/* for ...: for ...: sum := sum + term;  or a row of them: row[s] := row[s] + term */
static void clip_sum(Terms t, Node *node) {
    for (; node->kind == NODE_LOOP && node->body.count == 1 && is_whole(node) && t.count < MOST_LOOPS; node = node->body.at[0])
        t.loops[t.count++] = node;
    if ((node->kind != NODE_SET && node->kind != NODE_STORE) || t.count == 0 || !expr_is_op(node->value, OP_ADD)) return;
    Expr sum = node->value->kids[0], term = node->value->kids[1];
    bool same = sum->kind == EXPR_READ && sum->tensor == node->target && !sum->has_default;
    t.rows = node->kind == NODE_STORE;
    for (int a = 0; same && t.rows && a < sum->tensor->rank; a++) same = sum->kids[a] == node->subscripts[a];
    if (same && is_product(term)) node->value = expr_op2(t.pool, OP_ADD, sum, clip_term(&t, term));
}

static void clip_nodes(Pool *pool, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->kind == NODE_BLOCK && node->lines) continue;
        if (node->kind == NODE_LOOP) clip_sum((Terms){.pool = pool}, node);
        clip_nodes(pool, &node->body);
    }
}

void clip_sums(const Routine *routine) { clip_nodes(routine->program->pool, &routine->body); }
