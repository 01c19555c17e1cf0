/* Where the loops of a sum begin and end: terms that are 0 because a factor is read where its tensor has a border of zeros are left out.

   Requires: a tile whose base is known. Ensures: loops over all terms that are not 0 at some point of the tile.
   Example, for 2 values of r at a time, with d[10, 10] and its border:
       sum(u in 0..5: d[r - u, s] * W[u])     becomes     for u from max(0, r - 9) to below min(5, r + 2) */
#include "loop/cost.h"
#include "loop/tile.h"

#include <math.h>

#include "tensor/affine.h"

enum {
    FAR = 1024,        /* numbers: what lies so far apart is in other pages of memory, and often in the same places of a cache */
    LEAST_OWN = 8,     /* points of a tile with terms of their own: fewer sums wait for themselves */
    MOST_WRITTEN = 128 /* multiply-adds of such a tile */
};
static const double CLIP_UP_TO = 0.9, /* of the terms, where the loop is the innermost: else it is faster with constant ends */
    CLIP_OUTER_UP_TO = 0.98,          /* ... where it is not */
    OWN_UP_TO = 0.95,                 /* ... and else points do not have terms of their own, ... */
    OWN = 1.04; /* ... which take somewhat longer than those that all have: operands change from line to line */

/* One axis of a factor says  c u + rest, which has to be in 0 .. size - 1; over the points of a tile, rest is in least .. most. */
typedef struct {
    Tile *t;
    const Index *u;
    Expr low, high; /* u from low to below high */
    bool infinite;  /* 0 times a factor may be no number: no term is left out */
} Clip;

/* The least or the largest value of e over the tile's points; `largest` turns where an index has a negative coefficient. NULL: unknown. */
static Expr extreme_of(Tile *t, Expr e, bool largest) {
    Pool *pool = t->l->pool;
    const Statement *s = t->group->list.at[0];
    Affine affine;
    if (!affine_in_indices(pool, e, &affine)) return NULL;
    Expr result = expr_number(pool, (double)affine.constant);
    for (size_t k = 0; k < affine.terms.count; k++) {
        const Index *index = affine.terms.at[k].term->index;
        int64_t c = affine.terms.at[k].coefficient, count = -1;
        int position = 0;
        for (int i = 0; i < s->count; i++) {
            if (t->from[i] != index) continue;
            position = i;
            count = i == t->choice->lanes_of ? (int64_t)t->choice->lanes * t->choice->vectors : t->count[i];
        }
        if (count < 0) return NULL;
        Expr at = t->base[position];
        if ((c > 0) == largest) at = expr_op2(pool, OP_ADD, at, expr_number(pool, (double)(count - 1)));
        result = expr_op2(pool, OP_ADD, result, expr_op2(pool, OP_MUL, expr_number(pool, (double)c), at));
    }
    return result;
}

bool find_clipped_axis(Pool *pool, const Statement *s, Expr sum, Expr factor, int a, ClippedAxis *axis) {
    Affine affine;
    *axis = (ClippedAxis){.pool = pool, .s = s, .factor = factor, .size = factor->tensor->shape[a], .position = -1, .of = -1};
    if (!affine_in_indices(pool, factor->kids[a], &affine)) return false;
    axis->constant = affine.constant;
    for (size_t k = 0; k < affine.terms.count; k++) {
        const Index *index = affine.terms.at[k].term->index;
        bool known = false;
        for (int i = 0; i < sum->bound_count && axis->of < 0; i++) {
            if (sum->bound[i] != index) continue;
            axis->u = affine.terms.at[k].coefficient;
            axis->bound = index->size;
            axis->of = i;
            axis->last = i == sum->bound_count - 1;
            known = true;
        }
        for (int i = 0; i < s->count && axis->position < 0 && !known; i++) {
            if (s->indices[i] != index) continue;
            axis->f = affine.terms.at[k].coefficient;
            axis->position = i;
            known = true;
        }
        if (!known) return false;
    }
    return axis->of >= 0 && axis->position >= 0;
}

static double share_of_points(const ClippedAxis *axis, int64_t points) {
    int64_t inside = 0;
    for (int64_t at = 0; at < points; at++) {
        for (int64_t i = 0; i < axis->bound; i++) {
            int64_t place = axis->f * at + axis->u * i + axis->constant;
            inside += place >= 0 && place < axis->size;
        }
    }
    return (double)inside / (double)(points * axis->bound);
}

bool has_own_terms(const LoopProgram *loop, const ClippedAxis *axis, const Choice *c, const int *tile) {
    int64_t points = c->vectors, size = axis->s->indices[axis->position]->size;
    for (int i = 0; i < axis->s->count; i++) points *= i == c->lanes_of ? 1 : tile[i];
    bool whole = axis->position != c->lanes_of && tile[axis->position] == size && !axis->s->indices[axis->position]->batch;
    bool room = 2 * points <= loop->options.target->registers;
    return whole && room && axis->last && points >= LEAST_OWN && axis->bound * points <= MOST_WRITTEN &&
           share_of_points(axis, size) <= OWN_UP_TO;
}

double share_along(const LoopProgram *loop, const ClippedAxis *axis, const Choice *c, const int *tile) {
    const Statement *s = axis->s;
    if (has_own_terms(loop, axis, c, tile)) return OWN * share_of_points(axis, s->indices[axis->position]->size);
    int64_t step = axis->position == c->lanes_of ? (int64_t)c->lanes * c->vectors : tile[axis->position], tiles = 0, terms = 0;
    for (int64_t at = 0; at < s->indices[axis->position]->size; at += step, tiles++) {
        int64_t first = axis->f * at + axis->constant, last = axis->f * (at + step - 1) + axis->constant;
        for (int64_t i = 0; i < axis->bound; i++)
            terms += axis->u * i + (first > last ? first : last) >= 0 && axis->u * i + (first < last ? first : last) < axis->size;
    }
    double share = (double)terms / (double)(tiles * axis->bound);
    return share > (axis->last ? CLIP_UP_TO : CLIP_OUTER_UP_TO) ? 1 : share;
}

/* The first u after those with  |c| u <= e. */
static Expr quotient(Pool *pool, Expr e, int64_t c) {
    Expr by = expr_number(pool, (double)(c > 0 ? c : -c));
    return expr_op2(pool, OP_ADD, expr_op2(pool, OP_FLOORDIV, e, by), expr_number(pool, 1));
}

/* OP_MAX or OP_MIN of two, or that one alone which it always is. */
static Expr one_of(Pool *pool, Op op, Expr a, Expr b) {
    Interval ahead = interval_of(op == OP_MAX ? expr_op2(pool, OP_SUB, a, b) : expr_op2(pool, OP_SUB, b, a));
    if (ahead.known && ahead.low >= 0) return a;
    return ahead.known && ahead.high <= 0 ? b : expr_op2(pool, op, a, b);
}

/* c u >= -most, c u <= size - 1 - least; the other way round where c < 0 */
void clip_loop(Pool *pool, Expr *low, Expr *high, int64_t c, Expr least, Expr most, int64_t size) {
    Expr count = expr_number(pool, (double)size), above = expr_op2(pool, OP_SUB, least, count), below = most;
    if (c > 0) {
        above = expr_op2(pool, OP_SUB, expr_number(pool, -1), most);
        below = expr_op2(pool, OP_SUB, expr_op2(pool, OP_SUB, count, expr_number(pool, 1)), least);
    }
    *low = one_of(pool, OP_MAX, *low, quotient(pool, above, c));
    *high = one_of(pool, OP_MIN, *high, quotient(pool, below, c));
}

static void clip_by(Clip *clip, Expr sum, Expr term, int axis) {
    Pool *pool = clip->t->l->pool;
    const Statement *s = clip->t->group->list.at[0];
    const Choice *choice = clip->t->choice;
    const LoopProgram *loop = clip->t->l->loop;
    const Border *border = term->tensor->border;
    const int64_t size = term->tensor->shape[axis];
    Expr subscript = term->kids[axis];
    Interval range = interval_of(subscript);
    bool stands = range.known && range.low >= -border->before[axis] && range.high < size + border->after[axis];
    ClippedAxis clipped;
    Affine affine;
    int64_t c = 0;
    if (!expr_depends(subscript, clip->u) || (range.known && range.low >= 0 && range.high < size)) return;
    bool known = find_clipped_axis(pool, s, sum, term, axis, &clipped);
    if (clip->infinite || (known && share_along(loop, &clipped, choice, choice->tile) == 1)) {
        if (!stands) bug("'%s' is read where nothing stands", term->tensor->name);
        return;
    }
    if (!affine_in_indices(pool, subscript, &affine)) return;
    for (size_t k = 0; k < affine.terms.count; k++) {
        if (affine.terms.at[k].term->index == clip->u) c = affine.terms.at[k].coefficient;
    }
    Expr u = expr_op2(pool, OP_MUL, expr_number(pool, (double)c), expr_index(pool, (Index *)(uintptr_t)clip->u));
    Expr rest = expr_op2(pool, OP_SUB, subscript, u);
    Expr least = extreme_of(clip->t, rest, false), most = extreme_of(clip->t, rest, true);
    if ((least == NULL || most == NULL || least != most) && !stands) bug("'%s' is read where nothing stands", term->tensor->name);
    if (least == NULL || most == NULL) return;
    clip_loop(pool, &clip->low, &clip->high, c, least, most, size);
}

static void clip_by_factors(Clip *clip, Expr sum, Expr term) {
    if (expr_is_op(term, OP_MUL)) {
        clip_by_factors(clip, sum, term->kids[0]);
        clip_by_factors(clip, sum, term->kids[1]);
    }
    bool zeros =
        term->kind == EXPR_READ && !term->has_default && term->tensor->border != NULL && term->tensor->border->otherwise == 0;
    for (int a = 0; zeros && a < term->tensor->rank; a++) clip_by(clip, sum, term, a);
}

/* 0 times it is no number. */
static void look_for_infinity(void *infinite, Expr e) {
    if (e->kind == EXPR_READ && e->tensor->border != NULL) *(bool *)infinite |= !isfinite(e->tensor->border->otherwise);
}

static void clip_by_sum(Clip *clip, Expr sum) {
    expr_visit(clip->t->l->pool, sum->kids[0], look_for_infinity, &clip->infinite);
    clip_by_factors(clip, sum, sum->kids[0]);
}

/* ---- Terms that are written out, one by one */

static bool is_factor_with_zeros(Expr e) {
    return e->kind == EXPR_READ && !e->has_default && e->tensor->border != NULL && e->tensor->border->otherwise == 0;
}

static bool has_factor_for_points(const Tile *t, Expr sum, Expr term, int k) {
    if (expr_is_op(term, OP_MUL))
        return has_factor_for_points(t, sum, term->kids[0], k) || has_factor_for_points(t, sum, term->kids[1], k);
    const Statement *s = t->group->list.at[0];
    bool any = false;
    for (int a = 0; is_factor_with_zeros(term) && a < term->tensor->rank; a++) {
        ClippedAxis axis;
        any |= find_clipped_axis(t->l->pool, s, sum, term, a, &axis) && axis.of == k &&
               has_own_terms(t->l->loop, &axis, t->choice, t->choice->tile);
    }
    return any;
}

/* Where divisions by u choose terms, or where each point of the tile has its own. */
bool is_unrolled(Tile *t, Expr e, int k) {
    if (period_of(t->l->pool, e->kids[0], e->bound[k]) > 1) return true;
    bool infinite = false;
    expr_visit(t->l->pool, e->kids[0], look_for_infinity, &infinite);
    return !infinite && e->bound[k] != t->choice->along && has_factor_for_points(t, e, e->kids[0], k);
}

/* One factor is read where there is a border of zeros for certain. */
static bool is_zero(Expr term) {
    if (expr_is_op(term, OP_MUL)) return is_zero(term->kids[0]) || is_zero(term->kids[1]);
    bool outside = false;
    for (int a = 0; is_factor_with_zeros(term) && a < term->tensor->rank; a++) {
        Interval range = interval_of(term->kids[a]);
        outside |= range.known && (range.high < 0 || range.low >= term->tensor->shape[a]);
    }
    return outside;
}

bool is_left_out(Pool *pool, Expr term) {
    bool infinite = false;
    expr_visit(pool, term, look_for_infinity, &infinite);
    return !infinite && is_zero(term);
}

/* ---- What need not stand in memory, because no term is left that reads it */

typedef struct {
    const Planner *planner;
    const Group *group;
    const Choice *choice;
    Expr read;
    int axis;
    bool any, all; /* a sum has it; and all that do leave out what lies outside */
    bool found, infinite;
} Outside;

static void look_for_read(void *context, Expr e) {
    Outside *outside = context;
    outside->found |= e == outside->read;
}

static bool reads(const Outside *outside, Expr e) {
    Outside look = {.read = outside->read};
    expr_visit(outside->planner->program->pool, e, look_for_read, &look);
    return look.found;
}

static bool only_multiplies(const Outside *outside, Expr term) {
    if (term == outside->read) return true;
    if (!expr_is_op(term, OP_MUL)) return !reads(outside, term);
    return only_multiplies(outside, term->kids[0]) && only_multiplies(outside, term->kids[1]);
}

/* Its tensor may have a border of infinity, though it is not read here: look_for_infinity. */
static void look_for_infinite_border(void *context, Expr e) {
    Outside *outside = context;
    Expr otherwise = e->kind == EXPR_READ && !e->tensor->local ? storage_of(outside->planner, e->tensor)->otherwise : NULL;
    outside->infinite |= otherwise != NULL && (otherwise->kind != EXPR_CONST || !isfinite(otherwise->value));
}

static bool sum_leaves_out(const Outside *outside, Expr sum) {
    Pool *pool = outside->planner->program->pool;
    const Statement *s = outside->group->list.at[0];
    const Choice *c = outside->choice;
    ClippedAxis clipped;
    Outside look = {.planner = outside->planner};
    if (sum->reduction != REDUCE_SUM || !only_multiplies(outside, sum->kids[0]) ||
        !find_clipped_axis(pool, s, sum, outside->read, outside->axis, &clipped))
        return false;
    expr_visit(pool, sum->kids[0], look_for_infinite_border, &look);
    bool loops =
        !is_single(sum->bound[clipped.of]) && period_of(pool, sum->kids[0], sum->bound[clipped.of]) == 1; /* open_clipped */
    return loops && !look.infinite && clipped.position != c->lanes_of && c->tile[clipped.position] == 1 &&
           share_along(outside->planner->loop, &clipped, c, c->tile) < 1;
}

static void look_at_sum(void *context, Expr e) {
    Outside *outside = context;
    if (e->kind != EXPR_REDUCE || !reads(outside, e->kids[0])) return;
    outside->any = true;
    outside->all &= sum_leaves_out(outside, e);
}

bool leaves_out(const Planner *planner, const Group *group, const Choice *c, Expr read, int axis) {
    Outside outside = {.planner = planner, .group = group, .choice = c, .read = read, .axis = axis, .all = true};
    if (c->lanes_of < 0 || group->list.at[0]->scan != NULL || !read->has_default || !expr_is(read->kids[read->count - 1], 0))
        return false;
    for (size_t i = 0; i < group->list.count; i++)
        expr_visit(planner->program->pool, group->list.at[i]->value, look_at_sum, &outside);
    return outside.any && outside.all;
}

/* ---- Fast arithmetic: what lies far apart in memory is summed by outer loops, what lies together by inner ones */

typedef struct {
    const Index *u;
    int64_t apart; /* numbers from one value of u to the next, at most */
} Distance;

static void look_at_distance(void *context, Expr e) {
    Distance *distance = context;
    if (e->kind != EXPR_READ) return;
    const Tensor *stored = tensor_stored(e->tensor);
    int64_t stride = 1;
    for (int k = stored->rank - 1; k >= 0; k--) {
        const LayoutAxis *at = e->tensor->layout != NULL ? &e->tensor->layout->axes[k] : NULL;
        bool panels = at != NULL && at->divisor > 1, depends = expr_depends(e->kids[at != NULL ? at->axis : k], distance->u);
        if (depends && !panels && stride > distance->apart) distance->apart = stride;
        stride *= stored->shape[k];
    }
}

static bool is_far(Tile *t, Expr sum, const Index *u) {
    Distance distance = {.u = u, .apart = 0};
    expr_visit(t->l->pool, sum->kids[0], look_at_distance, &distance);
    return distance.apart >= FAR;
}

/* ---- Loops over the terms */

static void open_clipped(Tile *t, Expr e, Index *u, const Index *except) {
    Lowering *l = t->l;
    Nodes *before = open_loops(l, &u, 1, except);
    if (l->out == before) return;
    Expr low = expr_number(l->pool, 0), high = expr_number(l->pool, (double)u->size);
    Clip clip = {.t = t, .u = u, .low = low, .high = high};
    clip_by_sum(&clip, e);
    Node *loop = before->at[before->count - 1];
    if (clip.low != low) loop->low = clip.low;
    if (clip.high != high) loop->high = clip.high;
}

/* As open_loops. */
Nodes *open_sum(Tile *t, Expr e, const Index *except) {
    Nodes *outer = t->l->out;
    bool fast = t->l->loop->options.fast;
    for (int turn = fast ? 0 : 1; turn < 2; turn++) {
        for (int i = 0; i < e->bound_count; i++) {
            if (is_unrolled(t, e, i) || (fast && is_far(t, e, e->bound[i]) != (turn == 0))) continue;
            open_clipped(t, e, e->bound[i], except);
        }
    }
    return outer;
}

bool is_clipped(Tile *t, Expr e) {
    Expr low = expr_number(t->l->pool, 0), high = expr_number(t->l->pool, (double)e->bound[e->bound_count - 1]->size);
    Clip clip = {.t = t, .u = e->bound[e->bound_count - 1], .low = low, .high = high};
    clip_by_sum(&clip, e);
    return clip.low != low || clip.high != high;
}
