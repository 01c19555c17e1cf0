/* A definition applied to its arguments: parameters are bound, extra axes are lifted over, the body is elaborated. */
#include "elaborate/elaborate.h"

/* ---- Arguments to parameters */

static const Value *given(const Application *a, size_t position, Name name, Span *span) {
    size_t at = 0;
    if (a->piped != NULL && at++ == position) return a->piped;
    for (size_t i = 0; i < a->arguments.count; i++) {
        const Argument *argument = &a->arguments.at[i];
        if (argument->name == name || (argument->name == NULL && at++ == position)) {
            *span = argument->span;
            return argument->value;
        }
    }
    return NULL;
}

const Value *no_such_parameter(E *e, const Definition *d, Name name, Span span) {
    Suggestion suggestion = {.wanted = name};
    Text *all = text_new(e->arena);
    size_t count = d->ast->list.count;
    for (size_t i = 0; i < count; i++) {
        suggest(&suggestion, d->ast->list.at[i]->name);
        text_printf(all, "%s%s", i == 0 ? "; it has " : i + 1 < count ? ", " : " and ", d->ast->list.at[i]->name);
    }
    for (size_t i = 0; i < d->ast->body.count; i++) {
        if (d->ast->body.at[i]->kind == AST_PARAM) suggest(&suggestion, d->ast->body.at[i]->name);
    }
    return fail(e, span, "'%s' has no parameter '%s'%s", d->name, name,
                suggestion.best == NULL ? text_string(all) : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best));
}

static bool check_arguments(E *e, const Application *a, Frame *frame) {
    const Definition *d = a->definition;
    size_t count = d->ast->list.count, by_position = a->piped != NULL;
    bool rest = count > 0 && d->ast->list.at[count - 1]->rest;
    for (size_t i = 0; i < a->arguments.count; i++) by_position += a->arguments.at[i].name == NULL;
    if (by_position > count && !rest) {
        fail(e, a->span, "'%s' takes %zu argument%s, not %zu%s", d->name, count, count == 1 ? "" : "s", by_position,
             a->piped != NULL ? "; what is piped in is the first" : "");
        if (!in_library(e, d->ast->name_span)) also(e, d->ast->name_span, "it is defined here");
        return false;
    }
    bool fine = true;
    for (size_t i = 0; i < a->arguments.count; i++) {
        const Argument *argument = &a->arguments.at[i];
        if (argument->name == NULL) continue;
        const Ast *parameter = parameter_of(d, argument->name);
        bool twice = false;
        for (size_t j = 0; j < i; j++) twice |= a->arguments.at[j].name == argument->name;
        for (size_t j = 0; j < by_position && j < count; j++) twice |= d->ast->list.at[j]->name == argument->name;
        if (twice) {
            fail(e, argument->span, "'%s' is given twice", argument->name);
            fine = false;
        } else if (parameter == NULL && param_of(d, argument->name) == NULL) {
            no_such_parameter(e, d, argument->name, argument->span);
            fine = false;
        } else if (parameter == NULL) {
            vec_push(e->arena, &frame->overrides, *argument);
        }
    }
    return fine;
}

/* ---- Shapes */

/* A length against what the definition calls it: a new name is bound, anything else must agree. `axis` is -1 for the number of values
   of a tensor of type index. */
static bool bind_size(E *e, const Ast *written, int64_t size, Scope *scope, const Ast *parameter, const Definition *d, int axis,
                      Span span) {
    bool values = axis < 0;
    if (written->kind == AST_NAME && strchr(written->name, '.') == NULL && scope_own(scope, written->name) == NULL) {
        scope_value(e, scope, written->name, value_number(e, (double)size), written->span);
        Entry *entry = &scope->entries.at[scope->entries.count - 1];
        entry->why = span;
        entry->of = parameter->name;
        return true;
    }
    int64_t wanted;
    if (!evaluate_size(e, written, scope, &wanted, values ? "the number of values of an index" : "the length of an axis"))
        return false;
    if (wanted == size) return true;
    Text *text = text_new(e->arena), *what = text_new(e->arena);
    ast_print_expression(text, written);
    bool plain = written->kind == AST_NUMBER;
    if (!values) text_printf(what, "axis %d of ", axis + 1);
    text_printf(what, "'%s' in '%s' has %s %s%lld", parameter->name, d->name, values ? "values in" : "length",
                values ? "0.." : "", (long long)size);
    fail(e, span, "%s, but %s%s%s%lld is expected", text_string(what), values && plain ? "0.." : "",
         plain ? "" : text_string(text), plain ? "" : " = ", (long long)wanted);
    Entry *entry = written->kind == AST_NAME ? scope_own(scope, written->name) : NULL;
    if (entry != NULL && entry->of != NULL && entry->of != parameter->name && !in_library(e, entry->why)) {
        also(e, entry->why, "%s = %lld comes from '%s', which is this", written->name, (long long)wanted, entry->of);
    }
    return false;
}

/* The digits of one flat index in the mixed radix of a shape, the last axis running fastest. */
static void digits_of(E *e, Expr flat, const int64_t *shape, int rank, Expr *digits) {
    double width = 1;
    for (int i = rank; i-- > 0;) {
        Expr digit = width == 1 ? flat : expr_op2(e->pool, OP_FLOORDIV, flat, expr_number(e->pool, width));
        digits[i] = i == 0 ? digit : expr_op2(e->pool, OP_MOD, digit, expr_number(e->pool, (double)shape[i]));
        width *= (double)shape[i];
    }
}

static Expr flat_of(E *e, Index *const *axes, int rank) {
    Expr flat = expr_number(e->pool, 0);
    for (int i = 0; i < rank; i++) {
        flat = expr_op2(e->pool, OP_ADD, expr_op2(e->pool, OP_MUL, flat, expr_number(e->pool, (double)axes[i]->size)),
                        expr_index(e->pool, axes[i]));
    }
    return flat;
}

/* value with all axes from `kept` on seen as one */
static const Value *flattened(E *e, const Value *value, int kept) {
    int64_t shape[kept + 1], rest[value->rank + 1];
    double length = 1;
    for (int i = 0; i < value->rank; i++) {
        if (i < kept) shape[i] = value->axes[i]->size;
        else length *= (double)(rest[i - kept] = value->axes[i]->size);
    }
    shape[kept] = (int64_t)length;
    Value *flat = value_new(e, kept + 1, shape);
    Expr subscripts[value->rank + 1];
    for (int i = 0; i < kept; i++) subscripts[i] = expr_index(e->pool, flat->axes[i]);
    digits_of(e, expr_index(e->pool, flat->axes[kept]), rest, value->rank - kept, subscripts + kept);
    flat->body = value_at(e, value, subscripts);
    flat->index_range = value->index_range;
    return flat;
}

static bool bind_shape(E *e, Name name, const Value *value, int kept, Scope *scope, const Ast *parameter, const Definition *d,
                       Span span) {
    int rank = value->rank - kept;
    int64_t *shape = NEW_ARRAY(e->arena, int64_t, rank + 1);
    double length = 1;
    for (int i = 0; i < rank; i++) length *= (double)(shape[i] = value->axes[kept + i]->size);
    if (length > 2147483647.0) {
        fail(e, span, "'%s' has too many elements: %.0f", parameter->name, length);
        return false;
    }
    if (name == NULL) return true; /* x[...]: the length has no name */
    for (size_t i = 0; i < scope->entries.count; i++) {
        const Entry *old = &scope->entries.at[i];
        if (old->kind != ENTRY_SHAPE || old->name != name) continue;
        bool same = old->rank == rank;
        for (int k = 0; same && k < rank; k++) same = old->shape[k] == shape[k];
        if (!same) {
            fail(e, span, "the last axes of '%s' in '%s' are %s, but %s = %s is expected", parameter->name, d->name,
                 rank > 0 ? shape_text(e, value_new(e, rank, shape)) : "none", name,
                 old->rank > 0 ? shape_text(e, value_new(e, old->rank, old->shape)) : "none");
            if (!in_library(e, old->why)) also(e, old->why, "%s comes from '%s', which is this", name, old->of);
        }
        return same;
    }
    scope_add(e, scope,
              (Entry){.name = name,
                      .kind = ENTRY_SHAPE,
                      .rank = rank,
                      .shape = shape,
                      .span = parameter->span,
                      .why = span,
                      .of = parameter->name});
    scope_value(e, scope, name, value_number(e, length), parameter->span);
    return true;
}

static Entry *shape_named(Scope *scope, Name name) {
    for (size_t i = 0; i < scope->entries.count; i++) {
        if (scope->entries.at[i].kind == ENTRY_SHAPE && scope->entries.at[i].name == name) return &scope->entries.at[i];
    }
    return NULL;
}

/* ---- Lifting */

typedef struct {
    Index **indices; /* one for each extra axis, or NULL before the first argument that has any */
    int count;
    const Value *by; /* the argument that brought them */
    Name by_name;
    Name shared; /* a tensor that has no extra axes */
} Lifted;

static bool lift(E *e, Lifted *lifted, const Value **value, int own, const Ast *parameter, const Definition *d, Span span) {
    int extra = (*value)->rank - own;
    if (extra == 0) {
        if (own > 0) lifted->shared = parameter->name;
        return true;
    }
    static const char *const letters[] = {"p", "q", "r", "s"};
    if (lifted->indices == NULL) {
        lifted->indices = NEW_ARRAY(e->arena, Index *, extra);
        lifted->count = extra;
        lifted->by = *value;
        lifted->by_name = parameter->name;
        for (int i = 0; i < extra; i++)
            lifted->indices[i] = index_new(e->pool, name_of(e->context->names, letters[i % 4]), (*value)->axes[i]->size);
    }
    bool same = lifted->count == extra;
    for (int i = 0; same && i < extra; i++) same = lifted->indices[i]->size == (*value)->axes[i]->size;
    if (!same) {
        fail(e, span,
             "'%s' is applied along the leading axes of its arguments, but those of '%s' (shape %s) and '%s' (shape %s) differ",
             d->name, lifted->by_name, shape_text(e, lifted->by), parameter->name, shape_text(e, *value));
        return false;
    }
    int64_t shape[own + 1];
    for (int i = 0; i < own; i++) shape[i] = (*value)->axes[extra + i]->size;
    Value *inner = value_new(e, own, shape);
    Expr subscripts[extra + own + 1];
    for (int i = 0; i < extra; i++) subscripts[i] = expr_index(e->pool, lifted->indices[i]);
    for (int i = 0; i < own; i++) subscripts[extra + i] = expr_index(e->pool, inner->axes[i]);
    inner->body = value_at(e, *value, subscripts);
    inner->index_range = (*value)->index_range;
    inner->quotient = (*value)->quotient && own == 0;
    *value = inner;
    return true;
}

/* ---- One parameter */

static const Value *bind_tensor(E *e, const Application *a, const Ast *p, const Value *value, Scope *scope, Lifted *lifted,
                                Span span) {
    const Definition *d = a->definition;
    value = as_tensor(e, value, span);
    if (value->kind == VALUE_ERROR) return value;
    if (value->body->condition) return fail(e, span, "'%s' of '%s' is a number or tensor, not a condition", p->name, d->name);
    if (p->type != NULL) {
        if (strcmp(p->type, "index") != 0)
            return fail(e, p->type_span, "there is no type '%s'; a parameter may be of type index(K)", p->type);
        if (value->index_range == 0)
            return fail(e, span, "'%s' of '%s' must be a tensor of type index, as 'input k[5] : index(10)' declares one", p->name,
                        d->name);
        if (!bind_size(e, p->x, value->index_range, scope, p, d, -1, span)) return value_error();
    }
    if (value->rank > 0 && p->list.count > 0) value = materialise(e, part_name(e, a->scope, value, p->name), value, span);
    if (value->kind == VALUE_ERROR) return value;
    int axes = (int)p->list.count;
    const Ast *last = axes > 0 ? p->list.at[axes - 1] : NULL;
    bool rest = last != NULL && (last->kind == AST_REST || last->kind == AST_DOTS);
    int own = rest ? axes - 1 : axes;
    for (int i = 0; i < own; i++) {
        if (p->list.at[i]->kind == AST_REST || p->list.at[i]->kind == AST_DOTS)
            return fail(e, p->list.at[i]->span, "'...' stands for all remaining axes, so it must come last");
    }
    if (value->rank < own) {
        return fail(e, span, "'%s' of '%s' has %d %s, but this %s %s%s", p->name, d->name, own, own == 1 ? "axis" : "axes",
                    value->rank == 0 ? "is" : "has shape", shape_text(e, value),
                    value->index_range > 0 && p->type == NULL ? "; 'one_hot' makes a row of numbers of each index" : "");
    }
    if (rest) {
        if (!bind_shape(e, last->kind == AST_REST ? last->name : NULL, value, own, scope, p, d, span)) return value_error();
        value = flattened(e, value, own);
    } else if (!lift(e, lifted, &value, own, p, d, span)) {
        return value_error();
    }
    for (int i = 0; i < own; i++) {
        if (!bind_size(e, p->list.at[i], value->axes[i]->size, scope, p, d, i, span)) return value_error();
    }
    return value;
}

static bool bind_parameters(E *e, const Application *a, Scope *scope, Lifted *lifted) {
    const AstList *parameters = &a->definition->ast->list;
    for (size_t i = 0; i < parameters->count; i++) {
        const Ast *p = parameters->at[i];
        if (p->rest) continue;
        Span span = a->span;
        const Value *value = given(a, i, p->name, &span);
        if (value == NULL && p->y == NULL) {
            if (p->shaped) fail(e, a->span, "'%s' needs a tensor for '%s'", a->definition->name, p->name);
            else
                fail(e, a->span, "'%s' needs a value for '%s', as in %s(%s = ...)", a->definition->name, p->name,
                     a->definition->name, p->name);
            if (!in_library(e, p->span)) also(e, p->span, "'%s' is declared here", p->name);
            return false;
        }
        if (value == NULL) value = evaluate(e, p->y, scope, AS_VALUE);
        bool passes =
            !p->shaped && p->type == NULL && (value->kind != VALUE_TENSOR || value->body->condition) && value->kind != VALUE_LIST;
        if (!passes) value = bind_tensor(e, a, p, value, scope, lifted, span);
        if (value->kind == VALUE_ERROR) return false;
        scope_value(e, scope, p->name, value, span);
    }
    return true;
}

/* `shape...`: the remaining arguments are sizes */
static bool bind_rest(E *e, const Application *a, Scope *scope) {
    const AstList *parameters = &a->definition->ast->list;
    if (parameters->count == 0 || !parameters->at[parameters->count - 1]->rest) return true;
    const Ast *p = parameters->at[parameters->count - 1];
    size_t position = a->piped != NULL;
    int64_t *shape = NEW_ARRAY(e->arena, int64_t, a->arguments.count + 1);
    int rank = 0;
    double length = 1;
    for (size_t i = 0; i < a->arguments.count; i++) {
        const Argument *argument = &a->arguments.at[i];
        if (argument->name != NULL || position++ < parameters->count - 1) continue;
        if (!evaluate_whole(e, as_tensor(e, argument->value, argument->span), argument->span, &shape[rank], "a size"))
            return false;
        if (shape[rank] < 1) {
            fail(e, argument->span, "a size must be at least 1");
            return false;
        }
        length *= (double)shape[rank++];
    }
    if (rank == 0 || length > 2147483647.0) {
        fail(e, a->span, rank == 0 ? "'%s' wants at least one size" : "'%s': this shape has too many elements",
             a->definition->name);
        return false;
    }
    scope_add(e, scope, (Entry){.name = p->name, .kind = ENTRY_SHAPE, .rank = rank, .shape = shape, .span = p->span});
    scope_value(e, scope, p->name, value_number(e, length), p->span);
    return true;
}

/* ---- The body and its result */

static bool declare_result(E *e, Frame *frame, Scope *scope, const Ast *result) {
    frame->result = result->name;
    frame->result_shape = NEW_ARRAY(e->arena, int64_t, result->list.count + 1);
    for (size_t i = 0; i < result->list.count; i++) {
        const Ast *axis = result->list.at[i];
        Entry *shape = axis->kind == AST_REST ? shape_named(scope, axis->name) : NULL;
        if (axis->kind == AST_DOTS || (axis->kind == AST_REST && (shape == NULL || i + 1 < result->list.count))) {
            fail(e, axis->span, "the result may end in `s...` where `s...` is among the parameters");
            return false;
        }
        int64_t size = 1;
        for (int k = 0; shape != NULL && k < shape->rank; k++) size *= shape->shape[k];
        if (shape == NULL && !evaluate_size(e, axis, scope, &size, "the length of an axis")) return false;
        frame->rest_is_nothing = shape != NULL && shape->rank == 0;
        frame->result_shape[frame->result_rank++] = size;
    }
    return true;
}

/* y[c, s...]: the last, flat axis becomes those of s again */
static const Value *unflattened(E *e, const Value *value, const Ast *result, Scope *scope) {
    size_t count = result->list.count;
    if (count == 0 || result->list.at[count - 1]->kind != AST_REST) return value;
    Entry *rest = shape_named(scope, result->list.at[count - 1]->name);
    int kept = value->rank - 1;
    int64_t shape[kept + rest->rank + 1];
    for (int i = 0; i < kept; i++) shape[i] = value->axes[i]->size;
    for (int i = 0; i < rest->rank; i++) shape[kept + i] = rest->shape[i];
    Value *wide = value_new(e, kept + rest->rank, shape);
    Expr subscripts[kept + 1];
    for (int i = 0; i < kept; i++) subscripts[i] = expr_index(e->pool, wide->axes[i]);
    subscripts[kept] = flat_of(e, wide->axes + kept, rest->rank);
    wide->body = value_at(e, value, subscripts);
    wide->index_range = value->index_range;
    return wide;
}

static const Value *elaborate_body(E *e, const Definition *d, Frame *frame, Scope *scope) {
    if (d->ast->x != NULL) return evaluate_tensor(e, d->ast->x, scope, AS_VALUE);
    if (!declare_result(e, frame, scope, d->ast->y)) return value_error();
    size_t errors = e->diagnostics->errors;
    for (size_t i = 0; i < d->ast->body.count && !e->diagnostics->stop; i++) statement(e, d->ast->body.at[i], scope);
    if (e->diagnostics->errors > errors) return value_error();
    Entry *entry = scope_own(scope, frame->result);
    if (entry == NULL || entry->kind != ENTRY_VALUE)
        return fail(e, d->ast->y->name_span, "'%s' never sets its result '%s'", d->name, frame->result);
    if (entry->value->kind != VALUE_TENSOR) return as_tensor(e, entry->value, d->ast->y->name_span);
    return unflattened(e, entry->value, d->ast->y, scope);
}

/* A loss or metric gives one number: its mean over what it is lifted over, and in the model over the batch as well. */
static const Value *averaged(E *e, const Value *value, const Lifted *lifted, const Application *a) {
    if (value->rank != 0)
        return fail(e, a->span, "'%s' must give one number, but gives shape %s", a->definition->name, shape_text(e, value));
    Index *over[lifted->count + 2];
    int count = 0;
    if (a->scope->frame->definition == NULL && expr_depends(value->body, e->program->batch)) over[count++] = e->program->batch;
    for (int i = 0; i < lifted->count; i++) {
        if (!e->in_metric || expr_depends(value->body, lifted->indices[i]))
            over[count++] = lifted->indices[i]; /* else a data_mean is over it */
    }
    if (a->scope->frame->definition == NULL && lifted->count > 0 && lifted->shared != NULL) {
        warning_at(e->diagnostics, a->span,
                   "'%s' is averaged over leading axes of '%s' (shape %s) that '%s' does not have; is '-> flatten' missing?",
                   a->definition->name, lifted->by_name, shape_text(e, lifted->by), lifted->shared);
    }
    return count == 0 ? value : value_scalar(e, mean_over(e, over, count, value->body));
}

static const Value *with_lifted_axes(E *e, const Value *value, const Lifted *lifted) {
    int rank = lifted->count + value->rank;
    int64_t shape[rank + 1];
    for (int i = 0; i < rank; i++) shape[i] = i < lifted->count ? lifted->indices[i]->size : value->axes[i - lifted->count]->size;
    Value *wide = value_new(e, rank, shape);
    Expr subscripts[rank + 1];
    for (int i = 0; i < rank; i++) subscripts[i] = expr_index(e->pool, wide->axes[i]);
    Expr body = value_at(e, value, subscripts + lifted->count);
    wide->body = expr_substitute(e->pool, body, lifted->indices, subscripts, lifted->count);
    wide->index_range = value->index_range;
    return wide;
}

static const char *prefix_of(E *e, const Application *a) {
    const char *outer = a->scope->frame->prefix;
    Name binding = a->scope->binding == a->scope->frame->result ? NULL : a->scope->binding;
    const char *dot = outer[0] == '\0' ? "" : ".";
    if (binding == NULL) return arena_printf(e->arena, "%s%s%s", outer, dot, a->definition->name);
    return arena_printf(e->arena, "%s%s%s.%s", outer, dot, binding, a->definition->name);
}

const Value *apply(E *e, const Application *a) {
    const Definition *d = a->definition;
    if (d->wrong) return value_error();
    for (Frame *frame = e->frame; frame != NULL; frame = frame->caller) {
        if (frame->definition == d)
            return fail(e, a->span, "'%s' calls itself; definitions are inserted where they are called, so this would never end",
                        d->name);
    }
    Frame *frame = NEW(e->arena, Frame);
    *frame = (Frame){.caller = e->frame, .definition = d, .call = a->span, .prefix = prefix_of(e, a)};
    e->steps += (long)strlen(frame->prefix) / 4; /* what is nested deeply costs more */
    frame->instance = a->instance != NULL ? a->instance : a->scope->frame->instance;
    if (a->instance != NULL) instance_restart(a->instance);
    if (!check_arguments(e, a, frame)) return value_error();
    Scope *scope = scope_new(e, d->scope, frame, a->instance != NULL ? NULL : a->scope->binding);
    Lifted lifted = {0};
    if (!bind_parameters(e, a, scope, &lifted) || !bind_rest(e, a, scope)) return value_error();
    e->frame = frame;
    size_t around = e->around.count, outer = e->lifted.count;
    for (int i = 0; i < lifted.count; i++) {
        vec_push(e->arena, &e->around, lifted.indices[i]);
        vec_push(e->arena, &e->lifted, lifted.indices[i]);
    }
    const Value *value = elaborate_body(e, d, frame, scope);
    e->around.count = around;
    e->lifted.count = outer;
    e->frame = frame->caller;
    if (value->kind == VALUE_ERROR) return value;
    if (d->kind == DEFINES_LOSS || d->kind == DEFINES_METRIC) value = averaged(e, value, &lifted, a);
    else if (lifted.count > 0) value = with_lifted_axes(e, value, &lifted);
    return labelled(e, value, d->name);
}
