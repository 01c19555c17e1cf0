/* From the elements that nodes name to where these stand in memory.

   Requires: the nodes of all routines; layouts that schedule.c chose. Ensures: the shape of a tensor is that of its storage, and nodes
   read and write there.
   Example:  W[j, i] in panels of 32 values of j, W[j / 32][i][j mod 32]:
             for j in 0..4: ... W[32 j + lane, i]      becomes      for j in 0..4: ... W[j, i, lane] */
#include "loop/loop.h"

#include "tensor/affine.h"

int inner_axis(const Tensor *tensor) {
    if (tensor->layout == NULL) return tensor->rank - 1;
    return tensor->layout->axes[tensor->layout->count - 1].axis;
}

const LayoutAxis *panels_of(const Tensor *tensor) {
    const Layout *layout = tensor->layout;
    for (int k = 0; layout != NULL && k + 1 < layout->count; k++) {
        if (layout->axes[k].divisor > 1) return &layout->axes[k];
    }
    return NULL;
}

static void place_at(Pool *pool, const Tensor *tensor, const Expr *logical, Expr *stored) {
    const Layout *layout = tensor->layout;
    for (int k = 0; k < layout->count; k++) {
        const LayoutAxis *a = &layout->axes[k];
        Expr at = logical[a->axis];
        if (a->divisor > 1) at = expr_op2(pool, OP_FLOORDIV, at, expr_number(pool, (double)a->divisor));
        if (a->before > 0) at = expr_op2(pool, OP_ADD, at, expr_number(pool, (double)a->before));
        bool top = a->divisor * a->size >= tensor->shape[a->axis];
        if (!top) at = expr_op2(pool, OP_MOD, at, expr_number(pool, (double)a->size));
        stored[k] = at;
    }
}

Expr is_inside(Pool *pool, const Tensor *tensor, const Expr *subscripts) {
    Expr inside = expr_truth(pool, true), zero = expr_number(pool, 0);
    for (int a = 0; a < tensor->rank; a++) {
        Expr at = subscripts[a], size = expr_number(pool, (double)tensor->shape[a]);
        Interval range = interval_of(at);
        if (tensor->batched && a == 0) continue;
        if (!range.known || range.low < 0) inside = expr_op2(pool, OP_AND, inside, expr_op2(pool, OP_GE, at, zero));
        if (!range.known || range.high >= tensor->shape[a])
            inside = expr_op2(pool, OP_AND, inside, expr_op2(pool, OP_LT, at, size));
    }
    return inside;
}

static Expr stored_read(void *context, Expr e) {
    Pool *pool = context;
    if (e->kind != EXPR_READ || e->tensor->layout == NULL) return e;
    Expr at[sizeof e->tensor->layout->axes / sizeof(LayoutAxis)];
    place_at(pool, e->tensor, e->kids, at);
    Expr read = expr_read(pool, e->tensor->layout->stored, at, e->tensor->layout->count, NULL);
    return e->has_default ? expr_if(pool, is_inside(pool, e->tensor, e->kids), read, e->kids[e->count - 1]) : read;
}

static void lay_out_nodes(Arena *arena, Pool *pool, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->value != NULL) node->value = expr_rewrite(pool, node->value, stored_read, pool);
        for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++) /* the data may say where */
            node->subscripts[k] = expr_rewrite(pool, node->subscripts[k], stored_read, pool);
        if (node->subscripts != NULL && node->target->layout != NULL) {
            Expr *at = NEW_ARRAY(arena, Expr, node->target->layout->count + 1);
            place_at(pool, node->target, node->subscripts, at);
            node->subscripts = at;
            node->target = node->target->layout->stored;
        }
        lay_out_nodes(arena, pool, &node->body);
    }
}

/* Names may have changed since the layouts were chosen. */
static void name_stored(const Program *program) {
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        if (t->layout != NULL) t->layout->stored->name = t->name;
    }
}

void lay_out(LoopProgram *loop) {
    name_stored(loop->model->training);
    name_stored(loop->model->inference);
    for (int i = 0; i < ROUTINES; i++) {
        Routine *routine = loop_routine(loop, i, NULL);
        if (routine->program != NULL) lay_out_nodes(loop->arena, routine->program->pool, &routine->body);
    }
}

Layout *layout_new(Arena *arena, Tensor *tensor, const LayoutAxis *axes, int count) {
    Layout *layout = NEW(arena, Layout);
    Tensor *stored = NEW(arena, Tensor);
    *stored = *tensor;
    stored->rank = count;
    stored->shape = NEW_ARRAY(arena, int64_t, count + 1);
    layout->count = count;
    layout->stored = stored;
    for (int k = 0; k < count; k++) {
        layout->axes[k] = axes[k];
        stored->shape[k] = axes[k].size;
    }
    return layout;
}

void layout_set_border(Arena *arena, Tensor *tensor, const int64_t *before, const int64_t *after, double otherwise) {
    Border *border = NEW(arena, Border);
    border->otherwise = otherwise;
    for (int a = 0; a < tensor->rank; a++) {
        border->before[a] = before[a];
        border->after[a] = after[a];
    }
    tensor->border = border;
}

bool border_covers(Expr read, uint32_t left_out) {
    const Tensor *t = read->tensor;
    if (t->border == NULL || !expr_is(read->kids[read->count - 1], t->border->otherwise)) return false;
    for (int a = 0; a < t->rank; a++) {
        Interval range = interval_of(read->kids[a]);
        bool inside = (a == 0 && t->batched) || (left_out >> a & 1) != 0;
        if (!inside && (!range.known || range.low < -t->border->before[a] || range.high >= t->shape[a] + t->border->after[a]))
            return false;
    }
    return true;
}

const Tensor *tensor_stored(const Tensor *tensor) { return tensor->layout == NULL ? tensor : tensor->layout->stored; }

bool is_wide(Expr e, const Index *lane) {
    if (lane == NULL) return false;
    bool wide = expr_depends(e, lane) || (e->kind == EXPR_READ && e->tensor->lanes > 0);
    for (int k = 0; k < e->count && !wide; k++) wide = is_wide(e->kids[k], lane);
    return wide;
}

static bool nodes_use_lanes(const Nodes *nodes, int lanes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        bool here = node->kind == NODE_LOOP && node->index->lanes && node->index->size == lanes;
        if (here || nodes_use_lanes(&node->body, lanes)) return true;
    }
    return false;
}

static bool nodes_have_tiles(const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        if ((nodes->at[i]->elements.count > 0 && nodes->at[i]->target->lanes > 0) || nodes_have_tiles(&nodes->at[i]->body))
            return true;
    }
    return false;
}

bool loop_has_tiles(const LoopProgram *loop) { return nodes_have_tiles(&loop->step.body); }

static bool nodes_reorder(const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->at[i]->any_order.count > 0 || nodes_reorder(&nodes->at[i]->body)) return true;
    }
    return false;
}

bool loop_reorders_sums(const LoopProgram *loop) {
    const Routine *routines[] = {&loop->initial, &loop->step, &loop->gradient, &loop->evaluate, &loop->predict};
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
        if (nodes_reorder(&routines[i]->body)) return true;
    }
    return false;
}

static bool says_how(const Nodes *nodes) {
    bool any = false;
    for (size_t i = 0; i < nodes->count; i++)
        any |= nodes->at[i]->not_unrolled || nodes->at[i]->independent || says_how(&nodes->at[i]->body);
    return any;
}

bool loop_says_how(const LoopProgram *loop) {
    const Routine *routines[] = {&loop->step, &loop->gradient, &loop->evaluate, &loop->predict};
    bool any = false;
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) any |= says_how(&routines[i]->body);
    return any;
}

bool loop_moves_parameters(const LoopProgram *loop) {
    bool any = false;
    const Tensors *list = &loop->model->training->parameters;
    for (size_t i = 0; i < list->count; i++) any |= list->at[i]->layout != NULL;
    return any;
}

bool loop_uses_lanes(const LoopProgram *loop, int lanes) {
    const Routine *routines[] = {&loop->initial, &loop->step, &loop->gradient, &loop->evaluate, &loop->predict, &loop->forward};
    for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
        if (nodes_use_lanes(&routines[i]->body, lanes)) return true;
    }
    return false;
}

int loop_vector_blocks(const Routine *routine) {
    int count = 0;
    for (size_t i = 0; i < routine->body.count; i++) {
        bool any = false;
        for (int lanes = 2; lanes <= 16; lanes *= 2) any |= nodes_use_lanes(&routine->body.at[i]->body, lanes);
        count += any;
    }
    return count;
}
