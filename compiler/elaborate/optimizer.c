/* The optimizer, once for each trained parameter: w is its value, g its gradient, `state` its memory.

   Elementwise, so each statement runs over the parameter's indices:

       hidden.W[i, j] = hidden.W[i, j] - 0.1 * dhidden.W[i, j]              sgd(rate = 0.1) */
#include "elaborate/elaborate.h"

static bool state_named(E *e, Name parameter, Name state, Tensor **found) {
    const char *name = arena_printf(e->arena, "optimizer.%s.%s", parameter, state);
    for (size_t i = 0; i < e->program->states.count; i++) {
        if (strcmp(e->program->states.at[i]->name, name) == 0) {
            *found = e->program->states.at[i];
            return true;
        }
    }
    return false;
}

typedef struct {
    const Definition *definition;
    Scope *scope;
    Tensor *parameter, *gradient;
    Index **indices;
} Update;

static const Value *element(E *e, const Update *u, Tensor *tensor) {
    return value_scalar(e, tensor_at(e->program, tensor, u->indices));
}

static void set(E *e, Scope *scope, Name name, const Value *value, Span span) {
    Entry *old = scope_own(scope, name);
    if (old != NULL) old->value = value;
    else scope_value(e, scope, name, value, span);
}

static const Value *number_for_each(E *e, const Ast *ast, Scope *scope) {
    const Value *value = evaluate_tensor(e, ast, scope, AS_VALUE);
    if (value->kind != VALUE_ERROR && (value->rank != 0 || value->body->condition)) {
        return fail(e, ast->span, "an optimizer works on single elements, but this %s",
                    value->rank == 0 ? "is a condition" : arena_printf(e->arena, "has shape %s", shape_text(e, value)));
    }
    return value;
}

static void update_state(E *e, const Ast *ast, Update *u) {
    if (ast->list.count > 0) {
        fail(e, ast->span, "the state of an optimizer has no axes: there is one for each element of each parameter");
        set(e, u->scope, ast->name, value_error(), ast->name_span);
        return;
    }
    if (scope_own(u->scope, ast->name) != NULL) {
        fail(e, ast->name_span, "'%s' is defined already", ast->name);
        also(e, scope_own(u->scope, ast->name)->span, "it is defined here");
        return;
    }
    Statements *output = e->output;
    size_t around = e->around.count;
    e->output = &e->program->initial;
    e->around.count = e->around_from; /* as for a parameter: a random number is drawn for each element */
    e->updates = false;
    const Value *initial = number_for_each(e, ast->x, u->scope);
    e->output = output;
    e->around.count = around;
    e->updates = true;
    if (initial->kind == VALUE_ERROR) return;
    Tensor *p = u->parameter;
    Tensor *state =
        tensor_new(e->program, TENSOR_STATE, arena_printf(e->arena, "optimizer.%s.%s", p->name, ast->name), p->rank, p->shape);
    state->of = p;
    state->span = shown_span(e, ast->name_span);
    vec_push(e->arena, &e->program->states, state);
    Origin origin = {.span = shown_span(e, ast->span), .inner = ast->span, .rule = ""};
    statement_add(e->program, &e->program->initial, state, u->indices, p->rank, initial->body, origin);
    set(e, u->scope, ast->name, element(e, u, state), ast->name_span);
}

static void update_name(E *e, const Ast *ast, Update *u) {
    Tensor *target = NULL, *p = u->parameter;
    if (ast->indexed) {
        fail(e, ast->span, "an optimizer works on single elements: nothing in it has a subscript");
        return;
    }
    if (strcmp(ast->name, "g") == 0 || parameter_of(u->definition, ast->name) != NULL) {
        fail(e, ast->name_span, "'%s' cannot be changed in an optimizer", ast->name);
        return;
    }
    const Value *value = number_for_each(e, ast->x, u->scope);
    if (value->kind == VALUE_ERROR) return;
    if (strcmp(ast->name, "w") == 0) target = p;
    else if (!state_named(e, p->name, ast->name, &target)) {
        target =
            tensor_new(e->program, TENSOR_PART, arena_printf(e->arena, "optimizer.%s.%s", p->name, ast->name), p->rank, p->shape);
    }
    Origin origin = {.span = shown_span(e, ast->span), .inner = ast->span, .rule = "update"};
    statement_add(e->program, &e->program->update, target, u->indices, p->rank, value->body, origin);
    set(e, u->scope, ast->name, element(e, u, target), ast->name_span);
}

/* ---- Arguments: numbers that may depend on step and epoch */

static void bind_arguments(E *e, const Ast *ast, const Definition *d, Scope *scope) {
    Scope *outer = scope_new(e, e->user, e->frame, NULL);
    scope_value(e, outer, name_of(e->context->names, "step"), value_tensor(e, e->program->step), (Span){0});
    scope_value(e, outer, name_of(e->context->names, "epoch"), value_tensor(e, e->program->epoch), (Span){0});
    size_t position = 0;
    for (size_t i = 0; i < ast->list.count; i++) {
        const Ast *written = ast->list.at[i];
        bool named = written->kind == AST_ARGUMENT;
        const Ast *p = named                           ? parameter_of(d, written->name)
                       : position < d->ast->list.count ? d->ast->list.at[position++]
                                                       : NULL;
        if (p == NULL) {
            if (!named)
                fail(e, written->span, "'%s' takes %zu argument%s", d->name, d->ast->list.count,
                     d->ast->list.count == 1 ? "" : "s");
            else no_such_parameter(e, d, written->name, written->span);
            continue;
        }
        if (scope_own(scope, p->name) != NULL) {
            fail(e, written->span, "'%s' is given twice", p->name);
            continue;
        }
        scope_value(e, scope, p->name, number_for_each(e, named ? written->x : written, outer), written->span);
    }
    for (size_t k = 0; k < d->ast->list.count; k++) {
        const Ast *p = d->ast->list.at[k];
        if (scope_own(scope, p->name) != NULL) continue;
        if (p->y == NULL)
            fail(e, ast->span, "'%s' needs a value for '%s', as in %s(%s = 0.01)", d->name, p->name, d->name, p->name);
        scope_value(e, scope, p->name, p->y == NULL ? value_error() : number_for_each(e, p->y, scope), p->span);
    }
}

/* clip_norm: all gradients are multiplied by min(1, limit / (norm + 1e-6)), where norm is that of all of them as one vector (Pascanu,
   Mikolov, Bengio 2013, algorithm 1; the 1e-6 is PyTorch's). */
static Expr clip_scale(E *e, const Tensors *gradients) {
    Program *program = e->program;
    Expr squares = expr_number(e->pool, 0);
    static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
    for (size_t i = 0; i < gradients->count; i++) {
        Tensor *g = gradients->at[i];
        Index *indices[g->rank + 1];
        for (int k = 0; k < g->rank; k++)
            indices[k] = index_new(e->pool, name_of(e->context->names, letters[k % 6]), g->shape[k]);
        Expr square = expr_op2(e->pool, OP_POW, tensor_at(program, g, indices), expr_number(e->pool, 2));
        squares = expr_op2(e->pool, OP_ADD, squares, expr_reduce(e->pool, REDUCE_SUM, indices, g->rank, square));
    }
    Origin origin = {.span = e->model->optimizer_span, .inner = e->model->optimizer_span, .rule = "update"};
    Tensor *norm = tensor_new(program, TENSOR_VALUE, "gradient_norm", 0, NULL),
           *scale = tensor_new(program, TENSOR_VALUE, "gradient_scale", 0, NULL);
    statement_add(program, &program->update, norm, NULL, 0, expr_op1(e->pool, OP_SQRT, squares), origin);
    Expr share = expr_op2(e->pool, OP_DIV, expr_number(e->pool, e->model->settings.clip_norm),
                          expr_op2(e->pool, OP_ADD, tensor_at(program, norm, NULL), expr_number(e->pool, 1e-6)));
    statement_add(program, &program->update, scale, NULL, 0, expr_op2(e->pool, OP_MIN, expr_number(e->pool, 1), share), origin);
    return tensor_at(program, scale, NULL);
}

static Tensors make_gradients(E *e) {
    Tensors gradients = {0};
    for (size_t i = 0; i < e->program->parameters.count; i++) {
        Tensor *p = e->program->parameters.at[i];
        if (p->frozen || p->running) continue;
        Tensor *gradient = tensor_new(e->program, TENSOR_ADJOINT, arena_printf(e->arena, "d%s", p->name), p->rank, p->shape);
        gradient->of = p;
        vec_push(e->arena, &gradients, gradient);
    }
    return gradients;
}

static void update_parameter(E *e, const Ast *ast, const Definition *d, Tensor *gradient, Expr scale) {
    Program *program = e->program;
    Tensor *parameter = gradient->of;
    Frame *frame = NEW(e->arena, Frame);
    *frame = (Frame){.caller = e->frame, .definition = d, .call = ast->span, .prefix = "optimizer", .instance = e->root};
    Update u = {.definition = d, .parameter = parameter, .indices = NEW_ARRAY(e->arena, Index *, parameter->rank + 1)};
    static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
    for (int i = 0; i < parameter->rank; i++)
        u.indices[i] = index_new(e->pool, name_of(e->context->names, letters[i % 6]), parameter->shape[i]);
    u.gradient = gradient;
    u.scope = scope_new(e, d->scope, frame, NULL);
    Statements *output = e->output;
    e->output = &program->update;
    e->updates = true;
    e->points = u.indices;
    e->point_count = parameter->rank;
    bind_arguments(e, ast, d, u.scope);
    for (int i = 0; i < parameter->rank; i++) vec_push(e->arena, &e->around, u.indices[i]);
    Names *names = e->context->names;
    scope_value(e, u.scope, name_of(names, "step"), value_tensor(e, program->step), (Span){0});
    scope_value(e, u.scope, name_of(names, "epoch"), value_tensor(e, program->epoch), (Span){0});
    scope_value(e, u.scope, name_of(names, "w"), element(e, &u, parameter), (Span){0});
    const Value *g = element(e, &u, u.gradient);
    if (scale != NULL) g = value_scalar(e, expr_op2(e->pool, OP_MUL, scale, g->body));
    scope_value(e, u.scope, name_of(names, "g"), g, (Span){0});
    e->frame = frame;
    for (size_t i = 0; i < d->ast->body.count; i++) {
        const Ast *line = d->ast->body.at[i];
        if (line->kind == AST_STATE) update_state(e, line, &u);
        else if (line->kind == AST_ASSIGN) update_name(e, line, &u);
        else
            fail(e, line->span,
                 "an optimizer holds only 'state' and name = value; a number of its own is a parameter, as in %s(rate, mu = 0.9)",
                 d->name);
        if (line->kind == AST_PARAM) set(e, u.scope, line->name, value_error(), line->name_span);
    }
    e->frame = frame->caller;
    e->around.count = e->around_from;
    e->points = NULL;
    e->point_count = 0;
    e->output = output;
    e->updates = false;
}

void elaborate_optimizer(E *e) {
    const Ast *ast = e->optimizer;
    if (ast->kind == AST_NAME || (ast->kind == AST_CALL && ast->x == NULL)) {
        const Definition *d = optimizer_find(e, ast->name);
        if (d == NULL) {
            Suggestion suggestion = {.wanted = ast->name};
            for (Scope *scope = e->user; scope != NULL; scope = scope->up) {
                for (size_t i = 0; i < scope->entries.count; i++) {
                    const Entry *entry = &scope->entries.at[i];
                    if (entry->kind == ENTRY_DEFINITION && entry->definition->kind == DEFINES_OPTIMIZER)
                        suggest(&suggestion, entry->definition->name);
                }
            }
            fail(e, ast->span, "there is no optimizer '%s'%s", ast->name,
                 suggestion.best == NULL ? "" : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best));
            return;
        }
        Tensors gradients = make_gradients(e);
        Expr scale = e->model->settings.clip_norm > 0 && gradients.count > 0 ? clip_scale(e, &gradients) : NULL;
        for (size_t i = 0; i < gradients.count && !e->diagnostics->stop; i++) update_parameter(e, ast, d, gradients.at[i], scale);
        return;
    }
    fail(e, ast->span, "an optimizer is expected here, as in sgd(rate = 0.1)");
}
