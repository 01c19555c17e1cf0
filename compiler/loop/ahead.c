/* At batch 1 an update reads and writes each weight for one term of a sum, and the next example's forward pass reads them all again: both
   run in one pass.

   Requires: the fused groups of a training step of one example. Ensures: where a first layer F, which reads nothing but the example and
   parameters, reads a large parameter W, F runs by itself for the first example of a call alone; for the next ones it runs at the end
   of the step before, over that example, in the loops of W's update G. So all parameters are up to date after each call, and each number is
   found by the same operations.
   Example:  F: h[j] = sum(i: W[j, i] * x[i]);  ...;  G: W[j, i] = W[j, i] - 0.1 * d[j] * x[i]        becomes
             begins: h[j] = sum(i: W[j, i] * x[i])
             ...
             not ends: for j: sum := 0; for i: W[j, i] := W[j, i] - 0.1 * d[j] * x[i]; sum := sum + W[j, i] * next x[i];  h[j] := sum
             ends: W[j, i] = W[j, i] - 0.1 * d[j] * x[i] */
#include "loop/lowering.h"

enum { WORTH_IT = 1024 /* elements of W */ };

typedef struct {
    const Tensor *parameter;
    Expr read; /* of it */
    int reads;
    bool fits;
} Look;

static void look_at_operand(void *context, Expr e) {
    Look *look = context;
    if (e->kind == EXPR_DRAW) look->fits = false;
    if (e->kind != EXPR_READ) return;
    look->fits &= e->tensor->kind == TENSOR_INPUT || e->tensor->kind == TENSOR_PARAMETER;
    if (e->tensor != look->parameter) return;
    look->reads++;
    look->read = e;
}

/* All but the first may read what the others found at the same point. */
static void look_at_follower(void *context, Expr e) {
    Look *look = context;
    bool own = e->kind == EXPR_READ && e->tensor->kind != TENSOR_INPUT && e->tensor->kind != TENSOR_PARAMETER;
    if (!own) look_at_operand(context, e);
    if (own && e->tensor->kind == TENSOR_SETTING) look->fits = false;
    if (e->kind == EXPR_READ && e->tensor == look->parameter) look->fits = false;
}

/* Does the group read each element of the parameter once, in its only sum, and nothing that a step finds? */
static Expr only_read(Pool *pool, const Group *f, const Tensor *parameter) {
    const Statement *s = f->list.at[0];
    Look look = {.parameter = parameter, .fits = s->subscripts == NULL && s->scan == NULL};
    Sums sums = {0};
    expr_visit(pool, s->value, look_at_operand, &look);
    for (size_t i = 1; i < f->list.count; i++) expr_visit(pool, f->list.at[i]->value, look_at_follower, &look);
    expr_visit(pool, s->value, look_at_reduction, &sums);
    if (!look.fits || look.reads != 1 || sums.first == NULL || sums.others ||
        !expr_depends_any(look.read, sums.first->bound, sums.first->bound_count))
        return NULL;
    int axes = 0; /* indices of the target and of the sum, one for each axis of the parameter */
    for (int i = 0; i < s->count; i++) axes += s->indices[i]->size > 1;
    for (int i = 0; i < sums.first->bound_count; i++) axes += sums.first->bound[i]->size > 1;
    for (int a = 0; a < parameter->rank; a++) {
        if (look.read->has_default || look.read->kids[a]->kind != EXPR_INDEX ||
            look.read->kids[a]->index->size != parameter->shape[a])
            return NULL;
        for (int b = 0; b < a; b++) {
            if (look.read->kids[a] == look.read->kids[b]) return NULL;
        }
        axes -= parameter->shape[a] > 1;
    }
    return axes == 0 ? look.read : NULL;
}

/* The parameter that the group updates, element by element; NULL: it is not such a group. */
static const Tensor *updated_by(Pool *pool, const Group *g) {
    const Tensor *found = NULL;
    for (size_t i = 0; i < g->list.count; i++) {
        const Statement *s = g->list.at[i];
        Sums sums = {0};
        expr_visit(pool, s->value, look_at_reduction, &sums);
        bool one = sums.first == NULL || index_product(sums.first->bound, sums.first->bound_count) == 1;
        if (!one || sums.others || s->subscripts != NULL || s->scan != NULL || s->value->draws) return NULL;
        if (s->target->kind == TENSOR_PARAMETER && found != NULL) return NULL;
        if (s->target->kind == TENSOR_PARAMETER) found = s->target;
    }
    return found != NULL && tensor_points(found) >= WORTH_IT ? found : NULL;
}

static Expr of_next(void *context, Expr e) {
    Pool *pool = context;
    if (e->kind != EXPR_READ || e->tensor->kind != TENSOR_INPUT) return e;
    Expr at[e->tensor->rank + 1];
    for (int i = 0; i < e->tensor->rank; i++) at[i] = e->kids[i];
    at[0] = expr_number(pool, 1); /* the example behind this one */
    return expr_read(pool, e->tensor, at, e->tensor->rank, e->has_default ? e->kids[e->count - 1] : NULL);
}

static Group for_next(Lowering *l, const Group *f) {
    Group next = *f;
    next.list = (Statements){0};
    for (size_t i = 0; i < f->list.count; i++) {
        Statement *s = NEW(l->arena, Statement);
        *s = *f->list.at[i];
        s->value = expr_replace(l->pool, s->value, of_next, l->pool);
        vec_push(l->arena, &next.list, s);
    }
    return next;
}

Groups look_ahead(Lowering *l, const Groups *groups) {
    Groups result = {0}, last = {0};
    for (size_t i = 0; i < groups->count; i++) {
        Group group = groups->at[i];
        const Tensor *parameter = updated_by(l->pool, &group);
        for (size_t k = 0; k < i && parameter != NULL && !group.lines; k++) {
            Expr read = result.at[k].when == ALWAYS && !result.at[k].lines ? only_read(l->pool, &result.at[k], parameter) : NULL;
            if (read == NULL) continue;
            Group next = for_next(l, &result.at[k]);
            next.update = NEW(l->arena, Group);
            *next.update = group;
            next.updated = parameter;
            next.when = UNLESS_LAST;
            result.at[k].when = IF_FIRST;
            group.when = IF_LAST;
            vec_push(l->arena, &last, next);
            break;
        }
        vec_push(l->arena, &result, group);
    }
    for (size_t i = 0; i < last.count; i++) vec_push(l->arena, &result, last.at[i]);
    return result;
}
