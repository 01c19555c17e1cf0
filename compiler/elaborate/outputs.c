/* What `predict` returns, and what that is compared with. */
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

/* ---- What outputs are compared with */

static bool same_axes(const Tensor *a, const Tensor *b) {
    return a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

static bool same_subscripts(Expr a, Expr b) {
    bool same = a->kind == EXPR_READ && b->kind == EXPR_READ && a->count == b->count;
    for (int k = 0; same && k < a->count; k++) same = a->kids[k] == b->kids[k];
    return same;
}

typedef struct {
    E *e;
    const Tensor *output, *other;
    Vec(Expr) reads; /* of both */
    bool subtracted; /* one from the other, at the same subscripts */
} Comparison;

static void compare(void *context, Expr node) {
    Comparison *c = context;
    if (node->kind == EXPR_READ && (node->tensor == c->output || node->tensor == c->other))
        vec_push(c->e->arena, &c->reads, node);
    if (!expr_is_op(node, OP_SUB) || !same_subscripts(node->kids[0], node->kids[1])) return;
    const Tensor *a = node->kids[0]->tensor, *b = node->kids[1]->tensor;
    c->subtracted |= (a == c->output && b == c->other) || (a == c->other && b == c->output);
}

/* 2: one is subtracted from the other, element by element; 1: a statement reads both at the same subscripts; 0: neither. */
static int how_compared(E *e, const Tensor *output, const Tensor *other) {
    int best = 0;
    for (size_t s = 0; s < e->program->forward.count && same_axes(output, other); s++) {
        Comparison c = {.e = e, .output = output, .other = other};
        expr_visit(e->pool, e->program->forward.at[s]->value, compare, &c);
        bool both = false;
        for (size_t i = 0; i < c.reads.count; i++) {
            for (size_t k = 0; k < i; k++)
                both |= c.reads.at[i]->tensor != c.reads.at[k]->tensor && same_subscripts(c.reads.at[i], c.reads.at[k]);
        }
        int found = c.subtracted ? 2 : both;
        best = found > best ? found : best;
    }
    return best;
}

/* The target, or of an autoencoder the input, that an output is to be like: not that of another output, and not weights. */
static void find_compared(E *e, Tensor *output) {
    const Tensors *lists[] = {&e->program->targets, &e->program->inputs};
    int best = 0;
    for (int l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            int found = how_compared(e, output, lists[l]->at[i]);
            if (l == 1 && found < 2) continue;
            if (found == best && l == 0) output->compared = NULL; /* which of the two is not known */
            if (found > best) output->compared = lists[l]->at[i];
            best = found > best ? found : best;
        }
    }
}

static void choose_outputs(E *e, size_t loss_from) {
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
        } else if (entry->value->kind == VALUE_TENSOR && entry->value->body->tensor->kind == TENSOR_INPUT) {
            fail(e, name->span, "'%s' is an input, and prediction returns what is calculated from inputs", name->name);
        } else if (entry->value->kind == VALUE_TENSOR) {
            add_output(e, entry->value->body->tensor);
        } else if (entry->value->kind != VALUE_ERROR) {
            fail(e, name->span, "'%s' is %s; 'predict' wants a tensor", name->name, kind_text(entry->value));
        }
    }
}

void elaborate_outputs(E *e, size_t loss_from) {
    choose_outputs(e, loss_from);
    for (size_t i = 0; i < e->program->outputs.count; i++) find_compared(e, e->program->outputs.at[i]);
}
