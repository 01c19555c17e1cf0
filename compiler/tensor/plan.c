/* From a statement to passes (plan.h). Requires: a statement that program_check accepts; every tensor that it reads has storage.
   Ensures: passes that stand in the order in which they must run. */
#include "tensor/plan.h"

#include "tensor/affine.h"

typedef struct {
    Arena *arena;
    Pool *pool;
    const Storage *storage;
    Index *scan; /* the index of the statement's scan, or NULL */
    Plan *plan;
    struct {
        Expr *at;
        size_t count, capacity;
    } reductions; /* those that have a table */
    Vec(Tensor *) tables;
    Vec(double *) table_data;
} Planner;

static Node *node_of(Planner *planner, Pass *pass, Expr e);

static int position_of(Index *const *indices, int count, const Index *index) {
    for (int i = 0; i < count; i++) {
        if (indices[i] == index) return i;
    }
    return -1;
}

/* ---- Access */

static bool reads_any(Expr e) {
    if (e->kind == EXPR_READ) return true;
    for (int k = 0; k < e->count; k++) {
        if (reads_any(e->kids[k])) return true;
    }
    return false;
}

static void add_term(Planner *planner, Pass *pass, Axis *axis, Expr e, int64_t coefficient) {
    int lane = -1, loop = -1;
    if (e->kind == EXPR_INDEX) {
        lane = position_of(pass->lanes, pass->lane_count, e->index);
        loop = position_of(pass->loops, pass->loop_count, e->index);
        if (lane < 0 && loop < 0) bug("the index %s is not in scope", e->index->name);
    }
    if (lane >= 0) {
        vec_push(planner->arena, &axis->lanes, (Term){.position = lane, .coefficient = coefficient});
    } else if (loop >= 0) {
        vec_push(planner->arena, &axis->loops, (Term){.position = loop, .coefficient = coefficient});
    } else {
        vec_push(planner->arena, &axis->nodes, (Term){.node = node_of(planner, pass, e), .coefficient = coefficient});
    }
}

static void plan_axis(Planner *planner, Pass *pass, Axis *axis, Expr subscript) {
    Affine affine;
    if (affine_of(planner->pool, subscript, &affine)) {
        axis->constant = affine.constant;
        for (size_t i = 0; i < affine.terms.count; i++) {
            add_term(planner, pass, axis, affine.terms.at[i].term, affine.terms.at[i].coefficient);
        }
    } else {
        add_term(planner, pass, axis, subscript, 1);
    }
    /* Numbers read from data keep their promised range only as far as the data does: these are always checked. */
    Interval range = interval_of(subscript);
    axis->checked = reads_any(subscript) || !range.known || range.low < 0 || range.high >= axis->length ||
                    (axis->batch && !(subscript->kind == EXPR_INDEX && subscript->index->batch));
    if (axis->checked || axis->nodes.count > 0) axis->base = NEW_ARRAY(planner->arena, int64_t, LANES);
}

static Access *plan_access(Planner *planner, Pass *pass, const Tensor *tensor, double *data, const Expr *subscripts) {
    Access *access = NEW(planner->arena, Access);
    access->tensor = tensor;
    access->data = data;
    access->rank = tensor->rank;
    access->axes = NEW_ARRAY(planner->arena, Axis, tensor->rank);
    access->base = NEW_ARRAY(planner->arena, int64_t, LANES);
    int64_t stride = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        Axis *axis = &access->axes[i];
        axis->stride = stride;
        axis->length = tensor->shape[i];
        axis->batch = tensor->batched && i == 0;
        plan_axis(planner, pass, axis, subscripts[i]);
        stride *= tensor->shape[i];
    }
    vec_push(planner->arena, &pass->accesses, access);
    return access;
}

static double *data_of(const Planner *planner, const Tensor *tensor) {
    if (tensor->id >= planner->storage->count || planner->storage->data[tensor->id] == NULL) {
        bug("%s has no storage: it is not in the machine's program", tensor->name);
    }
    return planner->storage->data[tensor->id];
}

/* ---- Passes */

static Pass *pass_new(Planner *planner, Index *const *lanes, int lane_count, Expr reduce) {
    Pass *pass = NEW(planner->arena, Pass);
    if (reduce != NULL) {
        pass->reduces = true;
        pass->reduction = reduce->reduction;
        pass->bound = reduce->bound;
        pass->bound_count = reduce->bound_count;
        double points = index_product(lanes, lane_count), terms = index_product(reduce->bound, reduce->bound_count);
        /* the logarithm of a sum goes through its terms twice, which a fold cannot */
        pass->folded = points < LANES / 4 && terms > points && reduce->reduction != REDUCE_LOGSUMEXP;
    }
    pass->fixed = planner->scan != NULL;
    pass->lanes = NEW_ARRAY(planner->arena, Index *, lane_count + pass->bound_count);
    pass->loops = NEW_ARRAY(planner->arena, Index *, pass->fixed + pass->bound_count);
    pass->at = NEW_ARRAY(planner->arena, int64_t, pass->fixed + pass->bound_count);
    if (pass->fixed) pass->loops[pass->loop_count++] = planner->scan;
    for (int i = 0; i < lane_count; i++) {
        if (lanes[i] != planner->scan) pass->lanes[pass->lane_count++] = lanes[i];
    }
    for (int i = 0; i < pass->bound_count; i++) {
        if (pass->folded) pass->lanes[pass->lane_count++] = pass->bound[i];
        else pass->loops[pass->loop_count++] = pass->bound[i];
    }
    pass->where = NEW_ARRAY(planner->arena, int64_t *, pass->lane_count);
    for (int i = 0; i < pass->lane_count; i++) pass->where[i] = NEW_ARRAY(planner->arena, int64_t, LANES);
    return pass;
}

/* Steps by level, and the pass is added to the plan: those on which it depends stand there already. */
static void pass_finish(Planner *planner, Pass *pass) {
    Node **sorted = NEW_ARRAY(planner->arena, Node *, pass->steps.count);
    size_t count = 0;
    pass->level_end = NEW_ARRAY(planner->arena, size_t, pass->loop_count + 1);
    for (int level = 0; level <= pass->loop_count; level++) {
        for (size_t i = 0; i < pass->steps.count; i++) {
            if (pass->steps.at[i]->level == level) sorted[count++] = pass->steps.at[i];
        }
        pass->level_end[level] = count;
    }
    pass->steps.at = sorted;
    vec_push(planner->arena, &planner->plan->passes, pass);
}

/* The number of the table that holds a reduction's value for all its free indices. */
static size_t table_of(Planner *planner, Expr reduce) {
    for (size_t i = 0; i < planner->reductions.count; i++) {
        if (planner->reductions.at[i] == reduce) return i;
    }
    Arena *arena = planner->arena;
    Tensor *table = NEW(arena, Tensor);
    table->name = reduction_name(reduce->reduction);
    table->rank = reduce->free_count;
    table->shape = NEW_ARRAY(arena, int64_t, reduce->free_count);
    Expr subscripts[reduce->free_count + 1];
    for (int i = 0; i < reduce->free_count; i++) {
        table->shape[i] = reduce->free[i]->size;
        subscripts[i] = expr_index(planner->pool, reduce->free[i]);
    }
    double *data = NEW_ARRAY(arena, double, index_product(reduce->free, reduce->free_count));
    Pass *pass = pass_new(planner, reduce->free, reduce->free_count, reduce);
    pass->value = node_of(planner, pass, reduce->kids[0]);
    pass->store = plan_access(planner, pass, table, data, subscripts);
    pass_finish(planner, pass);
    vec_push(arena, &planner->reductions, reduce);
    vec_push(arena, &planner->tables, table);
    vec_push(arena, &planner->table_data, data);
    return planner->reductions.count - 1;
}

/* ---- Nodes */

/* Where e stands among the nodes, or should: by id. */
static size_t place_of(const Pass *pass, Expr e) {
    size_t low = 0, high = pass->nodes.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pass->nodes.at[middle]->e->id < e->id) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void plan_kids(Planner *planner, Pass *pass, Node *node, const Expr *kids, int count) {
    node->kids = NEW_ARRAY(planner->arena, Node *, count);
    for (int k = 0; k < count; k++) node->kids[k] = node_of(planner, pass, kids[k]);
}

static void plan_draw(Planner *planner, Node *node) {
    int axes = node->e->count - (node->e->draw == DRAW_BERNOULLI);
    node->extents = NEW_ARRAY(planner->arena, int64_t, axes);
    for (int k = 0; k < axes; k++) {
        Interval range = interval_of(node->e->kids[k]);
        if (!range.known || range.low < 0) bug("a random number at a point without bounds");
        node->extents[k] = range.high + 1;
    }
}

static void plan_table_read(Planner *planner, Pass *pass, Node *node) {
    Expr e = node->e, subscripts[e->free_count + 1];
    size_t table = table_of(planner, e);
    for (int i = 0; i < e->free_count; i++) subscripts[i] = expr_index(planner->pool, e->free[i]);
    node->access = plan_access(planner, pass, planner->tables.at[table], planner->table_data.at[table], subscripts);
}

static Node *node_of(Planner *planner, Pass *pass, Expr e) {
    size_t place = place_of(pass, e);
    if (place < pass->nodes.count && pass->nodes.at[place]->e == e) return pass->nodes.at[place];
    Node *node = NEW(planner->arena, Node);
    node->e = e;
    node->uniform = !expr_depends_any(e, pass->lanes, pass->lane_count);
    for (int i = 0; i < pass->loop_count; i++) {
        if (expr_depends(e, pass->loops[i])) node->level = i + 1;
    }
    switch (e->kind) {
    case EXPR_CONST:
        for (int l = 0; l < LANES; l++) node->values[l] = e->value;
        break;
    case EXPR_INDEX:
        node->position = node->uniform ? position_of(pass->loops, pass->loop_count, e->index)
                                       : position_of(pass->lanes, pass->lane_count, e->index);
        if (node->position < 0) bug("the index %s is not in scope", e->index->name);
        break;
    case EXPR_READ:
        plan_kids(planner, pass, node, e->kids + e->tensor->rank, e->has_default);
        node->access = plan_access(planner, pass, e->tensor, data_of(planner, e->tensor), e->kids);
        break;
    case EXPR_OP: plan_kids(planner, pass, node, e->kids, e->count); break;
    case EXPR_REDUCE: plan_table_read(planner, pass, node); break;
    case EXPR_DRAW:
        plan_kids(planner, pass, node, e->kids, e->count);
        plan_draw(planner, node);
        break;
    }
    /* the kids have been added since */
    place = place_of(pass, e);
    vec_push(planner->arena, &pass->nodes, NULL);
    memmove(pass->nodes.at + place + 1, pass->nodes.at + place, sizeof(Node *) * (pass->nodes.count - 1 - place));
    pass->nodes.at[place] = node;
    if (e->kind != EXPR_CONST) vec_push(planner->arena, &pass->steps, node);
    return node;
}

/* A reduction over the very points of the statement needs no table. */
static bool fills_target(const Statement *statement) {
    if (statement->value->kind != EXPR_REDUCE || statement->subscripts != NULL) return false;
    for (int i = 0; i < statement->count; i++) {
        if (!expr_depends(statement->value, statement->indices[i])) return false;
    }
    return true;
}

Plan *plan_new(Arena *arena, Pool *pool, const Storage *storage, const Statement *statement) {
    Plan *plan = NEW(arena, Plan);
    plan->statement = statement;
    plan->value = statement->value;
    Planner planner = {.arena = arena, .pool = pool, .storage = storage, .plan = plan};
    if (statement->scan != NULL) planner.scan = statement->scan->index;
    Tensor *target = statement->target;
    Expr reduce = fills_target(statement) ? statement->value : NULL;
    Pass *pass = pass_new(&planner, statement->indices, statement->count, reduce);
    pass->scatters = statement->subscripts != NULL;
    pass->value = node_of(&planner, pass, reduce != NULL ? reduce->kids[0] : statement->value);
    if (!pass->scatters && statement->count != target->rank)
        bug("%s has %d axes, but %d loops", target->name, target->rank, statement->count);
    Expr plain[target->rank + 1];
    for (int i = 0; i < target->rank && !pass->scatters; i++) plain[i] = expr_index(pool, statement->indices[i]);
    pass->store = plan_access(&planner, pass, target, data_of(&planner, target), pass->scatters ? statement->subscripts : plain);
    pass_finish(&planner, pass);
    return plan;
}
