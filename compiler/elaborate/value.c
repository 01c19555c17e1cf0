/* Values: shapes with a rule for each element. */
#include <math.h>
#include <stdlib.h>

#include "elaborate/elaborate.h"

static const Value the_error = {.kind = VALUE_ERROR};

const Value *value_error(void) { return &the_error; }

const Value *value_scalar(E *e, Expr body) {
    Value *value = NEW(e->arena, Value);
    value->kind = VALUE_TENSOR;
    value->body = body;
    return value;
}

const Value *value_number(E *e, double number) {
    Value *value = NEW(e->arena, Value);
    value->kind = VALUE_TENSOR;
    value->body = expr_number(e->pool, number);
    value->quotient = number == floor(number);
    return value;
}

Value *value_new(E *e, int rank, const int64_t *shape) {
    Value *value = NEW(e->arena, Value);
    value->kind = VALUE_TENSOR;
    value->rank = rank;
    value->axes = NEW_ARRAY(e->arena, Index *, rank + 1);
    static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
    for (int i = 0; i < rank; i++) value->axes[i] = index_new(e->pool, name_of(e->context->names, letters[i % 6]), shape[i]);
    return value;
}

const Value *value_tensor(E *e, Tensor *tensor) {
    Value *value = value_new(e, tensor->rank - tensor->batched, tensor->shape + tensor->batched);
    Index *indices[tensor->rank + 1];
    for (int i = 0; i < tensor->rank; i++)
        indices[i] = tensor->batched && i == 0 ? e->program->batch : value->axes[i - tensor->batched];
    value->body = tensor_at(e->program, tensor, indices);
    value->index_range = tensor->index_range;
    return value;
}

Expr value_at(E *e, const Value *value, const Expr *subscripts) {
    return expr_substitute(e->pool, value->body, value->axes, subscripts, value->rank);
}

bool value_is_scalar(const Value *value) { return value->kind == VALUE_TENSOR && value->rank == 0; }

bool value_constant(const Value *value, double *number) {
    if (!value_is_scalar(value) || value->body->kind != EXPR_CONST || value->body->condition) return false;
    *number = value->body->value;
    return true;
}

bool same_shape(const Value *a, const Value *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->axes[i]->size != b->axes[i]->size) return false;
    }
    return true;
}

const char *shape_text(E *e, const Value *value) {
    if (value->rank == 0) return "a single number";
    Text *text = text_new(e->arena);
    for (int i = 0; i < value->rank; i++) text_printf(text, "%s%lld", i == 0 ? "[" : ", ", (long long)value->axes[i]->size);
    text_put(text, "]");
    return text_string(text);
}

const char *kind_text(const Value *value) {
    switch (value->kind) {
    case VALUE_ERROR: return "an error";
    case VALUE_TENSOR: return value->rank == 0 ? (value->body->condition ? "a condition" : "a number") : "a tensor";
    case VALUE_LIST: return "a list";
    case VALUE_STRING: return "a text";
    case VALUE_DEFINITION: return value->definition->kind == DEFINES_LAYER ? "a layer" : "a function";
    case VALUE_ELEMENTARY: return "a function";
    case VALUE_LAYER: return "a layer that still wants its tensor";
    }
    bug("no value of kind %d", (int)value->kind);
}

const Value *labelled(E *e, const Value *value, Name label) {
    if (value->kind != VALUE_TENSOR || value->label == label) return value;
    Value *copy = NEW(e->arena, Value);
    *copy = *value;
    copy->label = label;
    return copy;
}

/* ---- Names of tensors: "hidden" for a binding, "hidden.dense" for what dense gives on the way to it, "hidden.attention.q" for
   what attention calls q */

const char *local_name(E *e, Scope *scope, const char *name) {
    Frame *frame = scope->frame;
    if (frame->prefix[0] == '\0') return name;
    return name == frame->result ? frame->prefix : arena_printf(e->arena, "%s.%s", frame->prefix, name);
}

const char *part_name(E *e, Scope *scope, const Value *value, const char *otherwise) {
    const char *prefix = scope->frame->prefix, *last = value->label != NULL ? value->label : otherwise;
    if (scope->binding == NULL || scope->binding == scope->frame->result) {
        return prefix[0] == '\0' ? last : arena_printf(e->arena, "%s.%s", prefix, last);
    }
    return arena_printf(e->arena, "%s%s%s.%s", prefix, prefix[0] == '\0' ? "" : ".", scope->binding, last);
}

enum { LARGEST_RANK = 128 };

Tensor *new_tensor(E *e, const char *name, Index *const *indices, int count, Span span) {
    int64_t shape[count + 1];
    shape[0] = 0;
    double elements = 1;
    for (int i = 0; i < count; i++) elements *= (double)(shape[i] = indices[i]->size);
    if (count > LARGEST_RANK) {
        fail(e, span, "'%s' would have %d axes; a tensor may have at most %d", name, count, LARGEST_RANK);
        return NULL;
    }
    if (elements > 2147483647.0) {
        fail(e, span, "'%s' would have %.0f elements; a tensor may have at most 2147483647", name, elements);
        return NULL;
    }
    Tensor *tensor = tensor_new(e->program, TENSOR_VALUE, name, count, shape);
    tensor->batched = count > 0 && indices[0]->batch;
    tensor->span = shown_span(e, span);
    return tensor;
}

Statement *emit(E *e, Tensor *target, Index *const *indices, int count, Expr value, Span span) {
    Origin origin = {.span = shown_span(e, span), .inner = span, .rule = ""};
    Statement *statement = statement_add(e->program, e->output, target, indices, count, value, origin);
    statement->part = e->part;
    return statement;
}

static int by_id(const void *a, const void *b) {
    const Index *x = *(Index *const *)a, *y = *(Index *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The value of a plain read of a whole tensor, indices in order: it has a name already. */
static bool is_whole_tensor(const Value *value, Index *const *indices, int count) {
    Expr body = value->body;
    if (body->kind != EXPR_READ || body->has_default || body->tensor->rank != count) return false;
    for (int i = 0; i < count; i++) {
        if (body->kids[i]->kind != EXPR_INDEX || body->kids[i]->index != indices[i]) return false;
        if (body->tensor->shape[i] != indices[i]->size) return false;
    }
    return true;
}

const Value *materialise(E *e, const char *name, const Value *value, Span span) {
    if (value->kind != VALUE_TENSOR || value->body->condition || value->body->kind == EXPR_CONST) return value;
    int count = 0;
    Index *indices[value->body->free_count + value->rank + 1];
    for (int i = 0; i < value->body->free_count; i++) { /* what it depends on from outside comes first */
        bool own = false;
        for (int a = 0; a < value->rank; a++) own |= value->axes[a] == value->body->free[i];
        if (!own) indices[count++] = value->body->free[i];
    }
    qsort(indices, (size_t)count, sizeof *indices, by_id);
    for (int a = 0; a < value->rank; a++) indices[count++] = value->axes[a];
    if (is_whole_tensor(value, indices, count)) return value;
    for (int i = 0; i < count; i++) {
        if (!range_known(e, indices[i], span)) return value_error();
    }
    Tensor *tensor = new_tensor(e, name, indices, count, span);
    if (tensor == NULL) return value_error();
    tensor->index_range = value->index_range;
    emit(e, tensor, indices, count, value->body, span);
    Value *named = NEW(e->arena, Value);
    *named = *value;
    named->body = tensor_at(e->program, tensor, indices);
    return named;
}

/* The mean of body over the indices, as a sum over fresh ones. Over the batch it is a mean over the examples that are present. */
Expr mean_over(E *e, Index *const *indices, int count, Expr body) {
    Index *fresh[count + 1];
    Expr to[count + 1];
    Expr number = expr_number(e->pool, 1);
    for (int i = 0; i < count; i++) {
        fresh[i] = index_like(e->pool, indices[i]);
        to[i] = expr_index(e->pool, fresh[i]);
        Expr size = indices[i]->batch ? expr_read(e->pool, e->program->batch_size, NULL, 0, NULL)
                                      : expr_number(e->pool, (double)indices[i]->size);
        number = expr_op2(e->pool, OP_MUL, number, size);
    }
    Expr sum = expr_reduce(e->pool, REDUCE_SUM, fresh, count, expr_substitute(e->pool, body, indices, to, count));
    return expr_op2(e->pool, OP_DIV, sum, number);
}

/* ---- Ranges of indices */

bool constrain(E *e, Index *index, int64_t size, Span span, const char *axis) {
    if (index->stated) return true;
    if (index->size == 0) {
        index->size = size;
        index->why = span;
        index->why_axis = axis;
        return true;
    }
    if (index->size == size) return true;
    if (in_library(e, index->why)) { /* a second place that the user does not know: all in one sentence */
        fail(e, span, "index '%s' runs over %s, which has length %lld, and over %s, which has length %lld", index->name,
             index->why_axis, (long long)index->size, axis, (long long)size);
        return false;
    }
    fail(e, span, "index '%s' runs over 0..%lld, but %s has length %lld", index->name, (long long)index->size, axis,
         (long long)size);
    also(e, index->why, "its range comes from here: %s has length %lld", index->why_axis, (long long)index->size);
    return false;
}

bool range_known(E *e, Index *index, Span span) {
    if (index->size > 0) return true;
    if (index->soft_size > 0) {
        index->size = index->soft_size;
        return true;
    }
    fail(e, span, "the range of index '%s' is not known, because it subscripts no axis alone; write '%s in 0..n'", index->name,
         index->name);
    return false;
}

void check_pending(E *e) {
    Frame *current = e->frame;
    size_t kept = 0;
    for (size_t i = 0; i < e->pending.count; i++, e->frame = current) {
        const Pending *read = &e->pending.at[i];
        bool known = true;
        for (int k = 0; k < read->subscript->free_count; k++) known &= read->subscript->free[k]->size > 0;
        if (!known) { /* it belongs to a statement around this one */
            e->pending.at[kept++] = *read;
            continue;
        }
        Interval range = interval_of(read->subscript);
        if (range.known && range.low >= 0 && range.high < read->size) continue;
        e->frame = read->frame;
        Text *text = text_new(e->arena);
        if (expr_depends(read->subscript, e->program->batch)) ast_print_expression(text, read->written);
        else expr_print(text, read->subscript);
        const char *hint = in_library(e, read->span) ? "" : "; say what is read there with 'default'";
        if (!range.known) {
            fail(e, read->span, "axis %d of '%s' has length %lld, and what is read at '%s' cannot be bounded", read->axis,
                 read->what, (long long)read->size, text_string(text));
            continue;
        }
        if (range.low == range.high) {
            fail(e, read->span, "%lld lies outside axis %d of '%s', which is 0..%lld%s", (long long)range.low, read->axis,
                 read->what, (long long)read->size, hint);
            continue;
        }
        fail(e, read->span, "'%s' runs over %lld..%lld, outside axis %d of '%s', which is 0..%lld%s", text_string(text),
             (long long)range.low, (long long)range.high + 1, read->axis, read->what, (long long)read->size, hint);
    }
    e->pending.count = kept;
}
