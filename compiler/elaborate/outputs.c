/* What `predict` returns. */
#include "elaborate/elaborate.h"

static bool in_list(const Tensors *list, const Tensor *tensor) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i] == tensor) return true;
    }
    return false;
}

static void add_output(E *e, Tensor *tensor) {
    if (!in_list(&e->program->outputs, tensor)) vec_push(e->arena, &e->program->outputs, tensor);
}

typedef struct {
    E *e;
    const Tensors *side;
    bool reads_side, collect;
} Reads;

static void look(void *context, Expr node) {
    Reads *reads = context;
    if (node->kind != EXPR_READ) return;
    if (in_list(reads->side, node->tensor)) reads->reads_side = true;
    else if (reads->collect && node->tensor->kind == TENSOR_VALUE && node->tensor->batched) add_output(reads->e, node->tensor);
}

/* Without `predict`: the tensors that the loss reads and that depend on no target. `loss_from` is the first statement of the loss. */
static void outputs_of_loss(E *e, size_t loss_from) {
    Program *program = e->program;
    Tensors side = {0}; /* what depends on a target; without targets, what the loss statement itself computes */
    for (size_t i = 0; i < program->targets.count; i++) vec_push(e->arena, &side, program->targets.at[i]);
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        Reads reads = {.e = e, .side = &side};
        expr_visit(e->pool, s->value, look, &reads);
        if (reads.reads_side || s->target == program->loss || (program->targets.count == 0 && i >= loss_from)) vec_push(e->arena, &side, s->target);
    }
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        bool metric = false;
        for (size_t m = 0; m < program->metrics.count; m++) metric |= program->metrics.at[m].tensor == s->target;
        if (!in_list(&side, s->target) || metric) continue;
        Reads reads = {.e = e, .side = &side, .collect = true};
        expr_visit(e->pool, s->value, look, &reads);
    }
}

void elaborate_outputs(E *e, size_t loss_from) {
    if (e->predict == NULL) {
        if (e->program->loss != NULL && e->diagnostics->errors == 0) outputs_of_loss(e, loss_from);
        return;
    }
    for (size_t i = 0; i < e->predict->list.count; i++) {
        const Ast *name = e->predict->list.at[i];
        Entry *entry = scope_own(e->scope, name->name);
        if (entry == NULL || entry->kind != ENTRY_VALUE) {
            undefined(e, name->name, e->scope, name->span);
        } else if (entry->value->kind == VALUE_TENSOR && (entry->value->body->kind != EXPR_READ || !entry->value->body->tensor->batched)) {
            fail(e, name->span, "'%s' does not depend on the input, so there is nothing to predict", name->name);
        } else if (entry->value->kind == VALUE_TENSOR) {
            add_output(e, entry->value->body->tensor);
        } else if (entry->value->kind != VALUE_ERROR) {
            fail(e, name->span, "'%s' is %s; 'predict' wants a tensor", name->name, kind_text(entry->value));
        }
    }
}
