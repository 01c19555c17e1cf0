/* The ways to compute a group with vectors: which index may stand in lanes, and what that wants of the tensors.

   Requires: a group whose statements share their loops. Ensures: a way for each index of the first statement, and in fast arithmetic
   for each index of its sum, with its register tile and cost. No element is gathered: a read does not depend on the index, or has it,
   and a number that does not depend on it, as the subscript of one axis, which has to be innermost in memory.
   Example:  y[b, o, r, s] = sum(a, u, v: W[o, a, u, v] * (x[b, a, r + u, s + v - 1] default 0)) + c[o]
             in lanes along o: W with axis 0 innermost, x anyhow, with a border of 1 round its last axis;
             along s: x with axis 3 innermost and that border; along b: x with axis 0 innermost; along a: W and x with axis 1 */
#include "loop/cost.h"
#include "loop/schedule.h"

#include <math.h>

#include "tensor/affine.h"
#include "tensor/steps.h"

enum { MOST_LINES = 49, MOST_PERIOD = 4, MANY_VECTORS = 8 /* to which one more, without use, adds little */ };

typedef struct {
    Planner *planner;
    const Group *group;
    Way *way;
    Index *v;
    int64_t reach; /* how many values of v vectors read, those of dead lanes included */
    const Scan *scan;
} Look;

/* ---- What is wanted of a tensor */

static void add_need(Look *look, Need need) {
    Way *way = look->way;
    need.written |= look->group->update != NULL; /* copies are of this example, before the update */
    for (int i = 0; i < way->count; i++) {
        Need *old = &way->needs[i];
        if (old->tensor != need.tensor) continue;
        bool conflict = old->axis >= 0 && need.axis >= 0 && old->axis != need.axis;
        if (conflict) way->possible = false;
        if (need.axis >= 0) old->axis = need.axis;
        if (need.low < old->low) old->low = need.low;
        if (need.high > old->high) old->high = need.high;
        old->as_it_is &= need.as_it_is;
        old->beyond |= need.beyond;
        old->written |= need.written;
        old->anywhere |= need.anywhere;
        return;
    }
    if (way->count == MOST_NEEDS) way->possible = false;
    else way->needs[way->count++] = need;
}

/* The axis whose subscript is v and something that does not depend on it; -1: none differs from lane to lane; -2: it is not that
   simple. */
static int axis_along(Pool *pool, const Tensor *t, const Expr *subscripts, const Choice *c, Expr *offset) {
    int axis = -1;
    for (int i = 0; i < t->rank; i++) {
        if (!differs_in_lanes(pool, subscripts[i], c)) continue;
        Expr rest = expr_op2(pool, OP_SUB, subscripts[i], expr_index(pool, c->along));
        if (axis != -1 || !subscripts[i]->integer || expr_depends(rest, c->along)) return -2;
        *offset = rest;
        axis = i;
    }
    return axis;
}

/* Does each example have a struct of its own? Then neighbours in the batch are apart in memory. */
static bool is_of_examples(const Planner *planner, const Tensor *t) {
    const Program *program = planner->program;
    bool output = false, inference = program == planner->loop->model->inference;
    for (size_t i = 0; i < program->outputs.count && inference; i++) output |= program->outputs.at[i] == t;
    return t->batched && (t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET || output);
}

/* A vector may begin anywhere, and ends where there is room for it. */
static void look_at_element(Look *look, const Tensor *t, const Expr *subscripts, bool written) {
    Expr offset = NULL;
    int axis = axis_along(look->planner->program->pool, t, subscripts, &look->way->choice, &offset);
    if (axis == -1) return;
    if (axis == -2 || (t->ring > 0 && axis == scan_axis(t->definition))) {
        look->way->possible = false;
        return;
    }
    Interval range = interval_of(offset);
    Need need = {.tensor = storage_owner(t),
                 .axis = axis,
                 .written = written || storage_owner(t) != t, /* of what stands as the owner does, there is no copy */
                 .low = range.low,
                 .high = range.high + look->reach};
    bool plain = range.known && range.low == 0 && range.high == 0 && t->shape[axis] == look->v->size;
    bool fits = range.known && range.low >= 0 && need.high <= t->shape[axis];
    need.anywhere = !plain;
    need.as_it_is = fits && !(axis == 0 && is_of_examples(look->planner, t));
    if (!range.known || (!plain && tensor_is_persistent(storage_owner(t)))) look->way->possible = false;
    add_need(look, need);
}

/* Beyond the ends of the tensor, but for its steps, which scans.c tells apart. */
static bool leaves(const Look *look, Expr e) {
    bool out = false;
    for (int i = 0; i < e->tensor->rank; i++) {
        Interval range = interval_of(e->kids[i]);
        bool step = look->scan != NULL && e->kids[i]->free_count == 1 && e->kids[i]->free[0] == look->scan->index;
        bool batch = i == 0 && e->tensor->batched && range.known && range.low >= 0;
        out |= !step && !batch && (!range.known || range.low < 0 || range.high >= e->tensor->shape[i]);
    }
    return out;
}

/* Whole numbers that differ from lane to lane, if at all. */
static bool is_simple(Pool *pool, Expr e, const Choice *c) {
    Op op = e->op;
    return op == OP_ADD || op == OP_SUB || op == OP_MUL || op == OP_NEG || op == OP_IF || op == OP_STOP ||
           op_info(op)->condition || !differs_in_lanes(pool, e, c);
}

static void look_at(void *context, Expr e) {
    Look *look = context;
    switch (e->kind) {
    case EXPR_READ:
        if (is_held(look->group, e->tensor)) return; /* a variable */
        if (e->has_default && leaves(look, e)) {
            const Storage *storage = storage_of(look->planner, e->tensor);
            if (!storage->border) look->way->possible = false;
            add_need(look, (Need){.tensor = storage_owner(e->tensor), .axis = -1, .beyond = true});
        }
        look_at_element(look, e->tensor, e->kids, false);
        return;
    case EXPR_DRAW: look->way->possible &= !expr_depends(e, look->v); return;
    case EXPR_OP:
        if (e->integer && expr_depends(e, look->v))
            look->way->possible &= is_simple(look->planner->program->pool, e, &look->way->choice);
        return;
    case EXPR_REDUCE:
    case EXPR_CONST:
    case EXPR_INDEX: return;
    }
}

/* ---- Widths: vectors of so many lanes, so many at a time; all that share an axis agree, because panels have one width */

bool has_short_vectors(const LoopProgram *loop) { return loop->options.target->bytes < LINE; }
bool multiplies_two_vectors(const LoopProgram *loop) { return loop->options.target->bytes < loop->options.target->rate; }

int vectors_for(const LoopProgram *loop, int64_t size, int *vectors) {
    const Target *target = loop->options.target;
    int most = target->bytes / (loop->is_double ? 8 : 4), lanes = 0;
    double best = 0, least = target->rate / 8.0;
    for (int l = most; l >= 4 || l == most; l /= 2) {
        double cost = (double)((size + l - 1) / l) * (l == most ? l : fmax(l * 1.04, least));
        if (lanes == 0 || cost < best || (cost == best && size <= l)) {
            lanes = l;
            best = cost;
        }
    }
    int64_t count = (size + lanes - 1) / lanes;
    bool alone = !loop->options.fast && !multiplies_two_vectors(loop); /* cost.c: numbers that are read once */
    bool two = count % 2 == 0 || (multiplies_two_vectors(loop) && count % 3 != 0 && count > MANY_VECTORS);
    *vectors = alone ? 1 : two ? 2 : count % 3 == 0 ? 3 : 1;
    return lanes;
}

bool fills_panels(const LoopProgram *loop, const Tensor *tensor, int axis, int64_t *width) {
    int vectors = 1, lanes = vectors_for(loop, tensor->shape[axis], &vectors);
    *width = (int64_t)lanes * vectors;
    bool large = tensor_points(tensor) * (loop->is_double ? 8 : 4) > L1;
    return tensor->shape[axis] > *width && (tensor->shape[axis] % *width == 0 || large);
}

/* ---- Ways */

/* Vectors in which digits of the index are the same in all lanes, where it has digits: as many lanes as divide them. False: too few. */
static bool divide_lanes(Planner *planner, const Group *group, Choice *c) {
    Pool *pool = planner->program->pool;
    int64_t digit = 0, least = c->lanes < LEAST_SIZE ? c->lanes : LEAST_SIZE;
    for (size_t i = 0; i < group->list.count; i++)
        digit = common_divisor(digit, digit_of(pool, group->list.at[i]->value, c->along));
    if (digit == 0) return true;
    while (digit % c->lanes != 0) c->lanes /= 2;
    c->vectors = 1;
    c->block = index_new(pool, c->along->name, (c->along->size + c->lanes - 1) / c->lanes);
    c->lane = index_new(pool, c->along->name, c->lanes);
    return c->lanes >= least;
}

static bool begin_way(Planner *planner, const Group *group, Index *v, int position, Look *look) {
    const Statement *leader = group->list.at[0];
    Way *way = look->way;
    *way = (Way){.choice = {.along = v, .lanes_of = position}, .possible = true};
    look->planner = planner;
    look->group = group;
    look->v = v;
    look->scan = leader->scan;
    if (leader->subscripts != NULL || v->size < LEAST_SIZE || v->first != 0 || (leader->scan != NULL && v == leader->scan->index))
        return false;
    way->choice.lanes = vectors_for(planner->loop, v->size, &way->choice.vectors);
    if (position < 0) way->choice.vectors = 1;
    else if (!divide_lanes(planner, group, &way->choice)) return false;
    if (position < 0 && v->size < way->choice.lanes) return false;
    int64_t width = (int64_t)way->choice.lanes * way->choice.vectors;
    look->reach =
        position < 0 ? v->size : (v->size + width - 1) / width * width; /* terms that are left over are added one by one */
    return true;
}

/* The update in the same loops stands where its parameter is read. */
typedef struct {
    const Tensor *parameter;
    Expr read;
} Where;

static void note_where(void *context, Expr e) {
    Where *where = context;
    if (e->kind == EXPR_READ && e->tensor == where->parameter) where->read = e;
}

static void look_at_update(Look *look) {
    const Group *update = look->group->update;
    Pool *pool = look->planner->program->pool;
    Where where = {.parameter = look->group->updated};
    expr_visit(pool, look->group->list.at[0]->value, note_where, &where);
    for (size_t i = 0; i < update->list.count; i++) {
        const Statement *s = update->list.at[i];
        if (!is_held(update, s->target)) look_at_element(look, s->target, where.read->kids, true);
        expr_visit(pool, expr_substitute(pool, s->value, s->indices, where.read->kids, s->count), look_at, look);
    }
}

/* In lanes along an index of the statements: neighbouring elements. */
static bool find_way_along_elements(Planner *planner, const Group *group, int position, Way *way) {
    Index *v = group->list.at[0]->indices[position];
    Look look = {.way = way};
    if (!begin_way(planner, group, v, position, &look)) return false;
    for (size_t i = 0; i < group->list.count && way->possible; i++) {
        const Statement *s = group->list.at[i];
        Expr at[MOST_INDICES];
        for (int k = 0; k < s->count; k++) at[k] = expr_index(planner->program->pool, s->indices[k]);
        if (!is_held(group, s->target)) look_at_element(&look, s->target, at, true);
        expr_visit(planner->program->pool, s->value, look_at, &look);
    }
    if (group->update != NULL) look_at_update(&look);
    return way->possible;
}

typedef struct {
    Expr sum;
    int reductions;
} OnlySum;

static void note_reduction(void *context, Expr e) {
    OnlySum *only = context;
    if (e->kind != EXPR_REDUCE) return;
    only->reductions++;
    if (e->reduction == REDUCE_SUM) only->sum = e;
}

/* In lanes along an index of the first statement's only sum: each lane adds every so manieth term. */
static bool find_way_along_terms(Planner *planner, const Group *group, Expr sum, int k, Way *way) {
    Look look = {.way = way};
    if (!begin_way(planner, group, sum->bound[k], -1, &look)) return false;
    expr_visit(planner->program->pool, sum->kids[0], look_at, &look);
    if (group->update != NULL) look_at_update(&look);
    return way->possible;
}

static Expr only_value(void *context, Expr e) {
    return e->kind == EXPR_INDEX && is_single(e->index) ? expr_number(context, (double)e->index->first) : e;
}

/* Terms that divisions choose among are written out, one by one: in the order of the sum only if their indices are its last. */
static bool may_unroll(const Planner *planner, Expr sum, const Index *along) {
    Pool *pool = planner->program->pool;
    Expr term =
        expr_replace(pool, sum->kids[0], only_value, pool); /* as lanes.c sees it: (s - l) mod 2 with one l divides s alone */
    bool any = false, last = true;
    double lines = 1;
    for (int k = 0; k < sum->bound_count; k++) {
        bool unrolled = period_of(pool, term, sum->bound[k]) > 1;
        if (unrolled && sum->bound[k] == along) return false;
        if (unrolled) lines *= (double)sum->bound[k]->size;
        last &= unrolled || !any;
        any |= unrolled;
    }
    return lines <= MOST_LINES && (last || planner->loop->options.fast);
}

typedef struct {
    const Planner *planner;
    const Group *group;
    const Index *along;
    int64_t points; /* of a tile, at least */
    bool fits;
} Unrolled;

static void look_at_sum(void *context, Expr e) {
    Unrolled *u = context;
    if (e->kind != EXPR_REDUCE) return;
    const Statement *s = u->group->list.at[0];
    for (int i = 0; i < s->count; i++) {
        int64_t period = period_of(u->planner->program->pool, e->kids[0], s->indices[i]);
        bool step = s->scan != NULL && s->indices[i] == s->scan->index;
        u->points *= period;
        u->fits &= period == 1 || (period <= MOST_PERIOD && !step && !s->indices[i]->batch && s->indices[i] != u->along);
    }
    u->fits &= e->reduction != REDUCE_SUM || may_unroll(u->planner, e, u->along);
}

static void keep_way(Planner *planner, Plan *plan, bool possible) {
    Way *way = &plan->ways[plan->count];
    bool exists = possible;
    Unrolled unrolled = {planner, plan->group, possible ? way->choice.along : NULL, possible ? way->choice.vectors : 1, true};
    if (possible) expr_visit(planner->program->pool, plan->group->list.at[0]->value, look_at_sum, &unrolled);
    exists &= unrolled.fits && unrolled.points <= MOST_POINTS;
    for (int i = 0; i < way->count && exists; i++) {
        const Storage *storage = storage_of(planner, way->needs[i].tensor);
        exists = storage->may_move || way->needs[i].tensor->layout != NULL || way->needs[i].as_it_is ||
                 ((storage->may_copy || storage->copy != NULL) && !way->needs[i].written);
    }
    if (!exists) return;
    choose_tile(planner->loop, planner->program, plan->group, &way->choice);
    find_singles(planner->loop, planner->program, plan->group, way);
    for (int i = 0; i < way->single_count; i++) {
        Single *single = &way->singles[i];
        single->may_be_copy =
            plan->group->update == NULL && has_short_vectors(planner->loop); /* copies are from before the update */
        for (int k = 0; k < way->count; k++) single->may_be_copy &= way->needs[k].tensor != single->tensor;
    }
    plan->count++;
}

void find_ways(Planner *planner, Plan *plan) {
    const Statement *leader = plan->group->list.at[0];
    if (leader->count > MOST_INDICES || leader->subscripts != NULL) return;
    for (int k = 0; k < leader->count && plan->count < MOST_WAYS; k++)
        keep_way(planner, plan, find_way_along_elements(planner, plan->group, k, &plan->ways[plan->count]));
    OnlySum only = {0};
    expr_visit(planner->program->pool, leader->value, note_reduction, &only);
    bool whole = planner->loop->options.fast && only.reductions == 1 && only.sum != NULL;
    for (int k = 0; whole && k < only.sum->bound_count && plan->count < MOST_WAYS; k++)
        keep_way(planner, plan, find_way_along_terms(planner, plan->group, only.sum, k, &plan->ways[plan->count]));
    for (int i = 0; i < plan->count; i++) {
        int at = i;
        for (; at > 0 && plan->ways[plan->by_cost[at - 1]].choice.cycles > plan->ways[i].choice.cycles; at--)
            plan->by_cost[at] = plan->by_cost[at - 1];
        plan->by_cost[at] = i;
    }
}
