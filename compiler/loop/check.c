/* The promises of loop.h, executable: reductions are gone; indices and local variables are used where they are declared; a work buffer
   is written before it is read; after a parameter or a state was overwritten, only its own block reads it. */
#include "loop/loop.h"

typedef struct {
    const Routine *routine;
    Vec(const void *) scope; /* indices and local variables */
    bool *buffered;          /* by tensor id: written so far */
    bool *overwritten;       /* by tensor id: persistent, and written by an earlier block */
    const Node *block;
    const char *why;
    Arena *arena;
} Check;

static bool in_scope(const Check *c, const void *owner) {
    for (size_t i = c->scope.count; i-- > 0;) {
        if (c->scope.at[i] == owner) return true;
    }
    return false;
}

static void complain(Check *c, const char *what, const char *name) {
    const char *target = c->block != NULL ? c->block->statements.at[0]->target->name : "";
    if (c->why == NULL) c->why = arena_printf(c->arena, "loops of %s: %s %s", target, what, name);
}

static bool written_here(const Check *c, const Tensor *tensor) {
    for (size_t i = 0; i < c->block->statements.count; i++) {
        if (c->block->statements.at[i]->target->id == tensor->id) return true; /* as it is stored */
    }
    return false;
}

static void check_node(void *context, Expr e) {
    Check *c = context;
    if (e->kind == EXPR_REDUCE) complain(c, "a reduction is left", "");
    if (e->kind == EXPR_INDEX && !in_scope(c, e->index)) complain(c, "there is no loop over", e->index->name);
    if (e->kind != EXPR_READ) return;
    const Tensor *t = e->tensor;
    if (t->local) {
        if (!in_scope(c, t)) complain(c, "out of scope is", t->name);
    } else if (t->kind == TENSOR_VALUE || t->kind == TENSOR_PART || t->kind == TENSOR_ADJOINT) {
        if (!c->buffered[t->id]) complain(c, "reads before anything writes", t->name);
    } else if (c->overwritten[t->id] && !written_here(c, t) && c->block->when != UNLESS_LAST) {
        complain(c, "reads after its update", t->name);
    }
}

static void check_nodes(Check *c, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count && c->why == NULL; i++) {
        const Node *node = nodes->at[i];
        size_t mark = c->scope.count;
        if (node->kind == NODE_BLOCK && !node->for_steps) c->block = node;
        for (size_t s = 0; node->scan != NULL && s < node->statements.count; s++) /* what is read at earlier steps */
            c->buffered[node->statements.at[s]->target->id] = true;
        node_visit(c->routine->program->pool, node, check_node, c);
        bool begins = node->kind == NODE_LET && node->elements.count > 0 && !node->target->local;
        if (node->kind == NODE_STORE || begins) c->buffered[node->target->id] = true;
        if (node->kind == NODE_SET && !in_scope(c, node->target)) complain(c, "out of scope is", node->target->name);
        if (node->kind == NODE_LOOP && (node->step > 1 || node->rest > 0) && node->index->first > 0)
            complain(c, "several at a time, but not from 0 on:", node->index->name);
        if (node->kind == NODE_LOOP) vec_push(c->arena, &c->scope, node->index);
        check_nodes(c, &node->body);
        if (node->kind == NODE_LOOP || node->kind == NODE_IF || (node->kind == NODE_BLOCK && node->scoped)) c->scope.count = mark;
        if (node->kind == NODE_LET) vec_push(c->arena, &c->scope, node->target);
        for (size_t s = 0; node->kind == NODE_BLOCK && s < node->statements.count; s++) {
            const Tensor *t = node->statements.at[s]->target;
            if (tensor_is_persistent(t)) c->overwritten[t->id] = true;
        }
    }
}

/* In the update itself, what was updated may be read: m, then the parameter that reads m. Gradients may not. */
static bool is_update(const Routine *routine, const Node *block) {
    for (size_t i = 0; i < routine->program->update.count; i++) {
        if (routine->program->update.at[i]->target == block->statements.at[0]->target) return true;
    }
    return false;
}

static void check_routine(Check *c, const Routine *routine, bool combines) {
    const Program *program = routine->program;
    size_t tensors = program->all.count + 1;
    c->routine = routine;
    c->buffered = NEW_ARRAY(c->arena, bool, tensors);
    c->overwritten = NEW_ARRAY(c->arena, bool, tensors);
    for (size_t i = 0; i < program->metrics.count; i++) /* the means are given */
        c->buffered[program->metrics.at[i].tensor->id] = combines && !program->metrics.at[i].combined;
    bool *kept = c->overwritten, *nothing = NEW_ARRAY(c->arena, bool, tensors);
    for (size_t i = 0; i < routine->body.count && c->why == NULL; i++) {
        Nodes one = {0};
        vec_push(c->arena, &one, routine->body.at[i]);
        c->overwritten = is_update(routine, routine->body.at[i]) ? nothing : kept;
        check_nodes(c, &one);
        for (size_t t = 0; t < tensors; t++) {
            kept[t] |= nothing[t];
            nothing[t] = false;
        }
    }
}

bool loop_check(LoopProgram *loop, const char **why) {
    Check c = {.arena = loop->arena};
    for (int i = 0; i < ROUTINES && c.why == NULL; i++) {
        c.scope.count = 0;
        const Routine *routine = loop_routine(loop, i, NULL);
        if (routine != &loop->initial) check_routine(&c, routine, routine == &loop->combine);
    }
    *why = c.why;
    return c.why == NULL;
}
