/* Each reduction becomes the whole right side of a statement of its own, over exactly the indices that it depends on: what does not
   depend on an index is computed once, not once for each of its values.

   Requires: forward as ast_to_tensor made it.
   Ensures:  a value is either reduce(r: body) without a reduction in body, or has no reduction at all. Equal statements are one.
   Example:  y[b, i] = exp(x[b, i]) / sum(j: exp(x[b, j]))   becomes
             y_sum[b] = sum(j: exp(x[b, j]));  y[b, i] = exp(x[b, i]) / y_sum[b] */
#include "tensor/steps.h"

typedef struct {
    Program *program;
    Statements *out;
    const Statement *statement;
    const Expr *root; /* a reduction that may stay */
} Hoist;

static Expr hoist(void *context, Expr e) {
    Hoist *h = context;
    return e->kind == EXPR_REDUCE ? part_for(h->program, h->out, h->statement, e, reduction_name(e->reduction)) : e;
}

static int add_axis(Index **axes, int count, Index *index) {
    for (int i = 0; i < count; i++) {
        if (axes[i] == index) return count;
    }
    axes[count] = index;
    return count + 1;
}

/* The free indices of e: the batch first, then in the order in which the statement has them. */
static void order_axes(Index **axes, const Statement *from, Expr e) {
    int count = 0;
    for (int i = 0; i < e->free_count; i++) {
        if (e->free[i]->batch) count = add_axis(axes, count, e->free[i]);
    }
    for (int i = 0; i < from->count; i++) {
        if (expr_depends(e, from->indices[i])) count = add_axis(axes, count, from->indices[i]);
    }
    for (int i = 0; i < e->free_count; i++) count = add_axis(axes, count, e->free[i]);
}

/* A new tensor that holds e at all points of its free indices; returns what reads it there. */
Expr part_for(Program *program, Statements *out, const Statement *from, Expr e, const char *what) {
    Index *axes[e->free_count + 1];
    int64_t shape[e->free_count + 1];
    order_axes(axes, from, e);
    for (int i = 0; i < e->free_count; i++) shape[i] = axes[i]->size;
    const char *name = arena_printf(pool_arena(program->pool), "%s_%s", from->target->name, what);
    Tensor *part = tensor_new(program, TENSOR_PART, name, e->free_count, shape);
    part->batched = e->free_count > 0 && axes[0]->batch;
    part->span = from->target->span;
    if (e->kind == EXPR_REDUCE && (e->reduction == REDUCE_ARGMAX || e->reduction == REDUCE_ARGMIN)) {
        part->index_range = (int64_t)index_product(e->bound, e->bound_count);
    }
    Statement *s = statement_add(program, out, part, axes, e->free_count, e, from->origin);
    s->part = from->part;
    s->scan = from->scan;
    return tensor_at(program, part, axes);
}

void normalize_list(Program *program, Statements *list) {
    Statements out = {0};
    for (size_t i = 0; i < list->count; i++) {
        Statement *s = list->at[i];
        Hoist h = {.program = program, .out = &out, .statement = s};
        if (!s->value->reduces) {
        } else if (s->value->kind == EXPR_REDUCE) {
            Expr body = expr_rewrite(program->pool, s->value->kids[0], hoist, &h);
            s->value = expr_reduce(program->pool, s->value->reduction, s->value->bound, s->value->bound_count, body);
        } else {
            s->value = expr_rewrite(program->pool, s->value, hoist, &h);
        }
        vec_push(pool_arena(program->pool), &out, s);
    }
    *list = out;
    distribute_scans(program, list);
}

/* A random number is drawn once, and kept for all who need it: the backward pass sees the mask of the forward pass. */
static Expr hoist_draw(void *context, Expr e) {
    Hoist *h = context;
    return e->kind == EXPR_DRAW ? part_for(h->program, h->out, h->statement, e, "random") : e;
}

void hoist_draws(Program *program) {
    Statements out = {0};
    for (size_t i = 0; i < program->forward.count; i++) {
        Statement *s = program->forward.at[i];
        Hoist h = {.program = program, .out = &out, .statement = s};
        if (s->value->draws && s->value->kind != EXPR_DRAW) s->value = expr_rewrite(program->pool, s->value, hoist_draw, &h);
        vec_push(pool_arena(program->pool), &out, s);
    }
    program->forward = out;
    distribute_scans(program, &program->forward);
}

void normalize(Program *program) {
    normalize_list(program, &program->forward);
    share_statements(program);
}
