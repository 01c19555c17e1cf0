/* Statements of the model and of bodies: names, index statements, parameters. */
#include <stdlib.h>

#include "elaborate/elaborate.h"

static bool is_new(E *e, const Ast *ast, Scope *scope) {
    Entry *old = scope_own(scope, ast->name);
    if (old == NULL || (old->kind == ENTRY_VALUE && old->value->kind == VALUE_ERROR)) return true;
    fail(e, ast->name_span, "'%s' is defined already, and a name means one thing", ast->name);
    also(e, old->span, "it is defined here");
    if (old->kind == ENTRY_VALUE) old->value = value_error(); /* which of the two was meant further down, nobody knows */
    return false;
}

/* What is assigned to the result must have the declared shape. */
static bool fits_result(E *e, Name name, Span span, const Value *value, Scope *scope) {
    Frame *frame = scope->frame;
    if (frame->result == NULL || name != frame->result) return true;
    bool same = value->rank == frame->result_rank;
    for (int i = 0; same && i < value->rank; i++) same = value->axes[i]->size == frame->result_shape[i];
    if (same) return true;
    Value *declared = value_new(e, frame->result_rank, frame->result_shape);
    fail(e, span, "the result '%s' is declared with shape %s, but this is %s", name, shape_text(e, declared),
         shape_text(e, value));
    also(e, frame->definition->ast->y->span, "it is declared here");
    return false;
}

/* ---- name = value */

static void assign_name(E *e, const Ast *ast, Scope *outer) {
    Scope *scope = scope_new(e, outer, outer->frame, ast->name);
    size_t first_own = e->program->all.count;
    bool summarised = e->summarise;
    e->summarise = outer == e->scope;
    const Value *value = evaluate(e, ast->x, scope, AS_VALUE);
    e->summarise = summarised;
    if (value->kind == VALUE_LIST) value = list_value(e, value->list);
    if (value->kind == VALUE_LAYER || (value->kind == VALUE_DEFINITION && value->definition->kind == DEFINES_LAYER)) {
        Instance *instance = instance_child(e, outer->frame->instance, ast->name, value->definition->name);
        Value *owner = NEW(e->arena, Value);
        *owner = *(value->kind == VALUE_LAYER ? value : layer_value(e, value->definition, NULL, NULL, ast->x->span));
        owner->instance = instance;
        value = owner;
    }
    if (value->kind == VALUE_STRING) value = fail(e, ast->x->span, "a text can stand only in data sources");
    if (value->kind == VALUE_TENSOR && fits_result(e, ast->name, ast->x->span, value, scope)) {
        value = materialise(e, local_name(e, scope, ast->name), value, ast->name_span);
        bool names_it = value->kind == VALUE_TENSOR && value->body->kind == EXPR_READ && value->body->tensor->id >= first_own &&
                        value->body->tensor->kind == TENSOR_VALUE;
        if (names_it) { /* what the last layer computed has no better name than the binding */
            tensor_rename(e->program, value->body->tensor, local_name(e, scope, ast->name));
            value->body->tensor->span = shown_span(e, ast->name_span);
        }
        check_pending(e);
    }
    if (is_new(e, ast, outer)) scope_value(e, outer, ast->name, value, ast->name_span);
}

/* ---- name[i, j] = value */

static bool left_index(E *e, const Ast *written, Scope *outer, Scope *scope, Index **made) {
    if (written->kind != AST_NAME && written->kind != AST_BINDER) {
        fail(e, written->span, "on the left stands the name of an index, as in y[i, j] = ...");
        return false;
    }
    Entry *old = scope_own(scope, written->name);
    if (old != NULL && old->kind == ENTRY_INDEX) {
        fail(e, written->name_span, "index '%s' stands here twice", written->name);
        return false;
    }
    int64_t low = 0, high = 0;
    if (written->kind == AST_BINDER && !evaluate_range(e, written->x, outer, &low, &high)) return false;
    if (low != 0) {
        fail(e, written->span, "a range on the left starts at 0: the tensor has no elements before it");
        return false;
    }
    Index *index = index_new(e->pool, written->name, high);
    if (high > 0) {
        index->why = written->span;
        index->why_axis = "the range that is written here";
        index->stated = true; /* axes that it reads may be longer */
    }
    scope_index(e, scope, index, written->name_span);
    *made = index;
    return true;
}

static int by_id(const void *a, const void *b) {
    const Index *x = *(Index *const *)a, *y = *(Index *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The indices on the left, and what the declaration of the result says of them. `scan`: an index that may stand among them. */
bool left_side(E *e, const Ast *ast, Scope *outer, Scope *scope, Index **indices, Index *scan) {
    Frame *frame = outer->frame;
    int own = (int)ast->list.count;
    bool is_result = frame->result != NULL && ast->name == frame->result;
    if (is_result && own != frame->result_rank) {
        fail(e, ast->span, "the result '%s' is declared with %d %s, but has %d subscript%s here", ast->name, frame->result_rank,
             frame->result_rank == 1 ? "axis" : "axes", own, own == 1 ? "" : "s");
        also(e, frame->definition->ast->y->span, "it is declared here");
        return false;
    }
    for (int i = 0; i < own; i++) {
        const Ast *written = ast->list.at[i];
        if (scan != NULL && written->kind == AST_NAME && written->name == scan->name) indices[i] = scan;
        else if (!left_index(e, written, outer, scope, &indices[i])) return false;
        if (!is_result) continue;
        const char *axis = arena_printf(e->arena, "axis %d of the result '%s'", i + 1, ast->name);
        if (indices[i]->stated && indices[i]->size != frame->result_shape[i]) {
            fail(e, written->span, "%s has length %lld, but this range has %lld", axis, (long long)frame->result_shape[i],
                 (long long)indices[i]->size);
            return false;
        }
        if (!indices[i]->stated && !constrain(e, indices[i], frame->result_shape[i], written->span, axis)) return false;
    }
    return true;
}

const Value *index_value(E *e, const Ast *ast, Scope *scope, Index *const *indices, int count) {
    size_t around = e->around.count;
    for (int i = 0; i < count; i++) vec_push(e->arena, &e->around, indices[i]);
    const Value *value = evaluate_tensor(e, ast->x, scope, AS_VALUE);
    e->around.count = around;
    if (value->kind == VALUE_ERROR) return value;
    if (value->rank != 0)
        return fail(e, ast->x->span, "the right side must be a number for each index, but has shape %s", shape_text(e, value));
    if (value->body->condition)
        return fail(e, ast->x->span, "the right side must be a number, not a condition; write if ... then 1 else 0");
    return value;
}

static const Value *index_statement(E *e, const Ast *ast, Scope *outer) {
    Scope *scope = scope_new(e, outer, outer->frame, ast->name);
    Frame *frame = outer->frame;
    int own = (int)ast->list.count;
    Index *indices[own + 1];
    if (!left_side(e, ast, outer, scope, indices, NULL)) return value_error();
    size_t errors = e->diagnostics->errors;
    const Value *value = index_value(e, ast, scope, indices, own);
    if (value->kind == VALUE_ERROR) return value;
    for (int i = 0; i < own; i++) {
        if (!range_known(e, indices[i], ast->list.at[i]->span)) return value_error();
    }
    check_pending(e);
    if (e->diagnostics->errors > errors) return value_error(); /* of ranges that disagree one is wrong, and the shape with it */
    int count = 0;
    Index *all[value->body->free_count + own + 1];
    for (int i = 0; i < value->body->free_count; i++) {
        bool mine = false;
        for (int k = 0; k < own; k++) mine |= indices[k] == value->body->free[i];
        if (!mine) all[count++] = value->body->free[i];
    }
    qsort(all, (size_t)count, sizeof *all, by_id);
    Expr body = value->body;
    bool is_result = frame->result != NULL && ast->name == frame->result;
    int axes = is_result && frame->rest_is_nothing ? own - 1 : own; /* of the tensor: the last one may be none */
    if (axes < own) body = expr_substitute(e->pool, body, &indices[axes], (Expr[]){expr_number(e->pool, 0)}, 1);
    for (int k = 0; k < axes; k++) all[count++] = indices[k];
    Tensor *tensor = new_tensor(e, local_name(e, scope, ast->name), all, count, ast->name_span);
    if (tensor == NULL) return value_error();
    tensor->index_range = value->index_range;
    emit(e, tensor, all, count, body, ast->span);
    int64_t shape[own + 1];
    for (int i = 0; i < own; i++) shape[i] = indices[i]->size;
    Value *named = value_new(e, own, shape);
    for (int i = 0; i < axes; i++) all[count - axes + i] = named->axes[i];
    named->body = tensor_at(e->program, tensor, all);
    named->index_range = tensor->index_range;
    return named;
}

/* ---- param name[shape] = initial value, and state */

static Owned *owned_by(Instance *instance, Name name) {
    for (size_t i = 0; i < instance->parameters.count; i++) {
        if (instance->parameters.at[i].name == name) return &instance->parameters.at[i];
    }
    return NULL;
}

typedef struct {
    const E *e;
    size_t from; /* the statements of the initial value, in program->initial */
    const Tensor *found;
} Early;

/* Initial values are found before there are data, and before anything else is computed. */
static void find_early(void *context, Expr read) {
    Early *early = context;
    if (read->kind != EXPR_READ) return;
    const Tensor *t = read->tensor;
    const Statements *initial = &early->e->program->initial;
    bool known = t->kind == TENSOR_PARAMETER || t->kind == TENSOR_LITERAL;
    for (size_t i = early->from; i < initial->count; i++) known |= initial->at[i]->target == t;
    if (!known) early->found = t;
}

static void check_early(E *e, size_t from, Expr body, Span span) {
    Early early = {.e = e, .from = from};
    for (size_t i = from; i < e->program->initial.count; i++)
        expr_visit(e->pool, e->program->initial.at[i]->value, find_early, &early);
    expr_visit(e->pool, body, find_early, &early);
    if (early.found == NULL) return;
    bool data = early.found->kind == TENSOR_INPUT || early.found->kind == TENSOR_TARGET || early.found == e->program->batch_size;
    if (data) fail(e, span, "an initial value cannot depend on the data");
    else fail(e, span, "an initial value is found before the first step, and cannot depend on what a step computes");
}

static void initialise(E *e, const Ast *ast, Scope *scope, Tensor *tensor) {
    const Ast *written = ast->x;
    Scope *where = scope;
    Frame *frame = scope->frame;
    for (size_t i = 0; i < frame->overrides.count; i++) {
        if (frame->overrides.at[i].name != ast->name) continue;
        written = frame->overrides.at[i].ast;
        where = frame->overrides.at[i].scope;
    }
    Index *points[tensor->rank + 1];
    Expr subscripts[tensor->rank + 1];
    static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
    for (int i = 0; i < tensor->rank; i++) {
        points[i] = index_new(e->pool, name_of(e->context->names, letters[i % 6]), tensor->shape[i]);
        subscripts[i] = expr_index(e->pool, points[i]);
    }
    Statements *output = e->output;
    Index *const *outer_points = e->points;
    int outer_count = e->point_count;
    size_t around_from = e->around_from;
    size_t from = e->program->initial.count;
    e->around_from = e->around.count;
    e->output = &e->program->initial;
    e->points = points;
    e->point_count = tensor->rank;
    Frame *inner = e->frame;
    if (where != scope) e->frame = where->frame;
    const Value *value = evaluate_tensor(e, written, where, AS_VALUE);
    e->frame = inner;
    e->around_from = around_from;
    e->points = outer_points;
    e->point_count = outer_count;
    if (value->kind == VALUE_TENSOR && value->body->condition) value = fail(e, written->span, "an initial value is a number");
    bool fits = value->kind == VALUE_TENSOR && (value->rank == 0 || value->rank == tensor->rank);
    for (int i = 0; fits && i < value->rank; i++) fits = value->axes[i]->size == tensor->shape[i];
    if (value->kind == VALUE_TENSOR && !fits) {
        fail(e, written->span, "the initial value has shape %s, but '%s' has shape %s", shape_text(e, value), ast->name,
             shape_text(e, value_tensor(e, tensor)));
    }
    if (fits) {
        Expr body = value->rank == 0 ? value->body : value_at(e, value, subscripts);
        check_early(e, from, body, written->span);
        emit(e, tensor, points, tensor->rank, body, ast->span);
    }
    check_pending(e);
    e->output = output;
}

/* `param` and `state` */
static void declare_parameter(E *e, const Ast *ast, Scope *scope) {
    Frame *frame = scope->frame;
    bool running = ast->kind == AST_STATE;
    if (frame->definition == NULL || frame->definition->kind != DEFINES_LAYER) {
        fail(e, ast->span, running ? "'state' can stand only in a layer or an optimizer" : "'param' can stand only in a layer");
        if (scope_own(scope, ast->name) == NULL) scope_value(e, scope, ast->name, value_error(), ast->name_span);
        return;
    }
    if (!is_new(e, ast, scope)) return;
    int rank = (int)ast->list.count;
    int64_t shape[rank + 1];
    double elements = 1;
    bool fine = true;
    for (int i = 0; i < rank; i++) {
        fine &= evaluate_size(e, ast->list.at[i], scope, &shape[i], "the length of an axis");
        if (fine) elements *= (double)shape[i];
    }
    if (fine && elements > 2147483647.0) {
        fail(e, ast->span, "'%s' would have %.0f elements; a tensor may have at most 2147483647", ast->name, elements);
        fine = false;
    }
    if (!fine) {
        scope_value(e, scope, ast->name, value_error(), ast->name_span);
        return;
    }
    const Owned *owned = owned_by(frame->instance, ast->name);
    Tensor *tensor = owned != NULL ? owned->tensor : NULL;
    if (tensor == NULL) {
        tensor = tensor_new(e->program, TENSOR_PARAMETER, local_name(e, scope, ast->name), rank, shape);
        tensor->span = shown_span(e, ast->name_span);
        tensor->running = running;
        vec_push(e->arena, &frame->instance->parameters, (Owned){.name = ast->name, .tensor = tensor});
        vec_push(e->arena, &e->program->parameters, tensor);
        if (e->part > 0) vec_push(e->arena, &e->program->parts.at[e->part - 1].parameters, tensor);
        initialise(e, ast, scope, tensor);
    }
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) same = tensor->shape[i] == shape[i];
    if (!same) {
        Value *wanted = value_new(e, rank, shape);
        fail(e, ast->span, "this layer is shared, and its parameter '%s' would have shapes %s and %s", ast->name,
             shape_text(e, value_tensor(e, tensor)), shape_text(e, wanted));
        if (in_library(e, ast->span)) also(e, tensor->span, "the first shape comes from here");
    }
    const Value *value = owned != NULL && owned->now != NULL ? owned->now : value_tensor(e, tensor);
    if (!fits_result(e, ast->name, ast->span, value, scope)) value = value_error();
    scope_value(e, scope, ast->name, same ? value : value_error(), ast->name_span);
    if (running && same) scope->entries.at[scope->entries.count - 1].state = tensor;
}

/* ---- state = value, in training: a new value for what reads the state from here on, and for the next step. No gradient passes. */

static void assign_state(E *e, const Ast *ast, Scope *scope, Tensor *state) {
    if (!e->training) return;
    Scope *own = scope_new(e, scope, scope->frame, ast->name);
    const Value *value = ast->indexed ? index_statement(e, ast, scope) : evaluate_tensor(e, ast->x, own, AS_VALUE);
    if (value->kind == VALUE_ERROR) return;
    if (!ast->indexed && value->body->condition) {
        fail(e, ast->x->span, "a state is a number, not a condition");
        return;
    }
    if (!same_shape(value, value_tensor(e, state))) {
        fail(e, ast->span, "the state '%s' has shape %s, but this is %s", ast->name, shape_text(e, value_tensor(e, state)),
             shape_text(e, value));
        return;
    }
    bool varies = false;
    for (int i = 0; i < value->body->free_count; i++) {
        bool axis = false;
        for (int a = 0; a < value->rank; a++) axis |= value->axes[a] == value->body->free[i];
        varies |= !axis;
    }
    if (varies) {
        fail(e, ast->span,
             "the state '%s' would be another for each example, or each place where the layer is applied; average over the batch "
             "with batch_mean(...), and over axes with mean",
             ast->name);
        return;
    }
    const char *name = arena_printf(e->arena, "%s_next", local_name(e, scope, ast->name));
    const Value *now = value;
    if (ast->indexed) {
        Tensor *next = value->body->tensor;
        tensor_rename(e->program, next, name);
        next->definition->value = expr_op1(e->pool, OP_STOP, next->definition->value);
    } else {
        Value *stopped = NEW(e->arena, Value);
        *stopped = *value;
        stopped->body = expr_op1(e->pool, OP_STOP, value->body);
        now = materialise(e, name, stopped, ast->name_span);
    }
    check_pending(e);
    owned_by(scope->frame->instance, ast->name)->now = now;
    scope_own(scope, ast->name)->value = now;
}

void statement(E *e, const Ast *ast, Scope *scope) {
    size_t reads = e->pending.count, errors = e->diagnostics->errors;
    Entry *old = ast->kind == AST_ASSIGN ? scope_own(scope, ast->name) : NULL;
    if (ast->kind == AST_PARAM || ast->kind == AST_STATE) {
        declare_parameter(e, ast, scope);
    } else if (old != NULL && old->state != NULL) {
        assign_state(e, ast, scope, old->state);
    } else if (ast->kind == AST_SCAN) {
        scan_statement(e, ast, scope);
    } else if (ast->kind == AST_ASSIGN && !ast->indexed) {
        assign_name(e, ast, scope);
    } else if (ast->kind == AST_ASSIGN) {
        const Value *value = index_statement(e, ast, scope);
        if (is_new(e, ast, scope)) scope_value(e, scope, ast->name, value, ast->name_span);
    } else {
        fail(e, ast->span, "this cannot stand here");
    }
    if (e->diagnostics->errors > errors && e->pending.count > reads)
        e->pending.count = reads; /* what it read says nothing any more */
}
