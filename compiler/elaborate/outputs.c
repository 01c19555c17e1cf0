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

/* Targets, and all that is computed from one. */
static Tensors target_side(E *e) {
    Tensors side = {0};
    for (size_t i = 0; i < e->program->targets.count; i++) vec_push(e->arena, &side, e->program->targets.at[i]);
    for (size_t i = 0; i < e->program->forward.count; i++) {
        const Statement *s = e->program->forward.at[i];
        Reads reads = {.e = e, .side = &side};
        expr_visit(e->pool, s->value, look, &reads);
        if (reads.reads_side) vec_push(e->arena, &side, s->target);
    }
    return side;
}

static bool is_metric(const Program *program, const Tensor *tensor) {
    for (size_t m = 0; m < program->metrics.count; m++) {
        if (program->metrics.at[m].tensor == tensor) return true;
    }
    return false;
}

/* Without `predict`: the tensors that the loss reads and that depend on no target. `loss_from` is the first statement of the loss. */
static void outputs_of_loss(E *e, size_t loss_from) {
    Program *program = e->program;
    Tensors side = target_side(e); /* without targets, what the loss statement itself computes */
    for (size_t i = 0; i < program->forward.count; i++) {
        Tensor *target = program->forward.at[i]->target;
        if (target == program->loss || (program->targets.count == 0 && i >= loss_from)) vec_push(e->arena, &side, target);
    }
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        if (!in_list(&side, s->target) || is_metric(program, s->target)) continue;
        Reads reads = {.e = e, .side = &side, .collect = true};
        expr_visit(e->pool, s->value, look, &reads);
    }
}

void elaborate_outputs(E *e, size_t loss_from) {
    if (e->predict == NULL) {
        if (e->program->loss != NULL && e->diagnostics->errors == 0) outputs_of_loss(e, loss_from);
        return;
    }
    Tensors side = target_side(e);
    for (size_t i = 0; i < e->predict->list.count; i++) {
        const Ast *name = e->predict->list.at[i];
        Entry *entry = scope_own(e->scope, name->name);
        if (entry == NULL || entry->kind != ENTRY_VALUE) {
            undefined(e, name->name, e->scope, name->span);
        } else if (entry->value->kind == VALUE_TENSOR &&
                   (entry->value->body->kind != EXPR_READ || !entry->value->body->tensor->batched)) {
            fail(e, name->span, "'%s' is the same for all examples, so there is nothing to predict", name->name);
        } else if (entry->value->kind == VALUE_TENSOR && in_list(&side, entry->value->body->tensor)) {
            fail(e, name->span, "'%s' depends on a target, which is not there when the network predicts", name->name);
        } else if (entry->value->kind == VALUE_TENSOR) {
            add_output(e, entry->value->body->tensor);
        } else if (entry->value->kind != VALUE_ERROR) {
            fail(e, name->span, "'%s' is %s; 'predict' wants a tensor", name->name, kind_text(entry->value));
        }
    }
}
