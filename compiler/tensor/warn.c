/* What is allowed, and hardly ever meant: the logarithm of scores.

   Requires: stable forms; what they could not make of a logarithm is left. Ensures: a warning where a logarithm is taken of a sum of
   products with parameters, which is negative as often as not.
   Example:  output = x -> dense(10)
             loss = cross_entropy(output, t)           wants probabilities: x -> dense(10) -> softmax */
#include "tensor/steps.h"

typedef struct {
    const Tensor *of; /* the scores that a logarithm was found of, or NULL */
} Warn;

static bool has_parameter(Expr product) {
    if (product->kind == EXPR_READ) return product->tensor->kind == TENSOR_PARAMETER;
    return expr_is_op(product, OP_MUL) && (has_parameter(product->kids[0]) || has_parameter(product->kids[1]));
}

static bool is_score(Expr e) {
    const Statement *s = e->kind == EXPR_READ && !e->has_default ? e->tensor->definition : NULL;
    if (s != NULL) return s->subscripts == NULL && s->scan == NULL && is_score(s->value);
    if (expr_is_op(e, OP_ADD) || expr_is_op(e, OP_SUB)) return is_score(e->kids[0]) || is_score(e->kids[1]);
    if (expr_is_op(e, OP_NEG)) return is_score(e->kids[0]);
    return e->kind == EXPR_REDUCE && e->reduction == REDUCE_SUM && expr_is_op(e->kids[0], OP_MUL) && has_parameter(e->kids[0]);
}

static void look_at(void *context, Expr e) {
    Warn *w = context;
    if (w->of == NULL && expr_is_op(e, OP_LOG) && e->kids[0]->kind == EXPR_READ && is_score(e->kids[0]))
        w->of = e->kids[0]->tensor;
}

void warn_of_logarithms(Program *program, Diagnostics *diagnostics) {
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        Warn w = {NULL};
        expr_visit(program->pool, s->value, look_at, &w);
        if (w.of == NULL) continue;
        warning_at(
            diagnostics, s->origin.span,
            "this takes the logarithm of '%s', a sum of products with parameters, which may be negative; put softmax or sigmoid "
            "after it to make probabilities of it",
            w.of->name);
    }
}
