/* An update that only scales the gradient needs no gradient of rows that were not read: what is scattered goes into the parameter.

   Requires: a simplified program. Ensures: the same sums in another order.
   Example:  dE[word[b], j] += dy[b, j];  E[i, j] = E[i, j] - 0.1 * dE[i, j]     becomes
             E[word[b], j] += -0.1 * dy[b, j] */
#include "tensor/steps.h"

typedef struct {
    const Tensor *tensor;
    int reads;
    bool persistent;
} Look;

static void look(void *context, Expr e) {
    Look *l = context;
    if (e->kind != EXPR_READ) return;
    l->reads += e->tensor == l->tensor;
    l->persistent |= tensor_is_persistent(e->tensor);
}

static bool at_own_point(Expr e, const Tensor *tensor, const Statement *s) {
    if (e->kind != EXPR_READ || e->tensor != tensor || e->has_default) return false;
    for (int i = 0; i < s->count; i++) {
        if (e->kids[i]->kind != EXPR_INDEX || e->kids[i]->index != s->indices[i]) return false;
    }
    return true;
}

/* w - rate * g: the rate, or NULL */
static Expr rate_of(const Statement *update, const Tensor *gradient) {
    Expr e = update->value;
    if (!expr_is_op(e, OP_SUB) || !at_own_point(e->kids[0], update->target, update) || !expr_is_op(e->kids[1], OP_MUL))
        return NULL;
    for (int k = 0; k < 2; k++) {
        Expr rate = e->kids[1]->kids[k];
        if (at_own_point(e->kids[1]->kids[1 - k], gradient, update) && rate->free_count == 0) return rate;
    }
    return NULL;
}

static const Statement *scatter_of(const Program *program, const Tensor *parameter) {
    for (size_t i = 0; i < program->backward.count; i++) {
        const Statement *s = program->backward.at[i];
        if (s->target->kind == TENSOR_ADJOINT && s->target->of == parameter && s->subscripts != NULL) return s;
    }
    return NULL;
}

static int reads_of(Program *program, const Tensor *tensor) {
    Look l = {.tensor = tensor};
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) expr_visit(program->pool, all.at[i]->value, look, &l);
    return l.reads;
}

void update_rows(Program *program) {
    for (size_t i = 0; i < program->update.count; i++) {
        Statement *update = program->update.at[i];
        const Statement *scatter = update->subscripts == NULL ? scatter_of(program, update->target) : NULL;
        Expr rate = scatter == NULL ? NULL : rate_of(update, scatter->target);
        Look l = {0};
        if (rate == NULL || reads_of(program, scatter->target) != 1) continue;
        expr_visit(program->pool, scatter->value, look, &l);
        if (l.persistent) continue; /* it may have been overwritten by then */
        update->indices = scatter->indices;
        update->count = scatter->count;
        update->subscripts = scatter->subscripts;
        update->value = expr_op1(program->pool, OP_NEG, expr_op2(program->pool, OP_MUL, rate, scatter->value));
        update->note = "only the rows that were read change: there is no gradient of the others";
    }
}
