/* What passes over nodes share: all expressions of one node, whatever its kind, and indices for loops over a tensor. */
#include "loop/loop.h"

void node_visit(Pool *pool, const Node *node, Visit visit, void *context) {
    const Expr single[] = {node->value, node->low, node->high, node->from};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (single[i] != NULL) expr_visit(pool, single[i], visit, context);
    }
    for (size_t i = 0; i < node->elements.count; i++) expr_visit(pool, node->elements.at[i], visit, context);
    for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++)
        expr_visit(pool, node->subscripts[k], visit, context);
}

Index *index_of_axis(Program *program, const Tensor *tensor, int axis, int64_t size) {
    static const char *const letters[] = {"i", "j", "k", "l", "m", "n", "o", "p"};
    if (tensor->batched && axis == 0) return program->batch;
    return index_new(program->pool, name_of(pool_names(program->pool), letters[axis % 8]), size);
}
