/* From written expressions to values. */
#include <math.h>

#include "elaborate/elaborate.h"

enum { DEPTH_LIMIT = 600 };
static const long STEP_LIMIT = 4000000;

const Value *as_tensor(E *e, const Value *value, Span span) {
    if (value->kind == VALUE_ERROR || value->kind == VALUE_TENSOR) return value;
    if (value->kind == VALUE_LIST) return list_value(e, value->list);
    const char *name = value->kind == VALUE_ELEMENTARY ? op_info(value->op)->spelling
                       : value->definition != NULL     ? value->definition->name
                                                       : "";
    const char *hint =
        value->kind != VALUE_LAYER ? "" : arena_printf(e->arena, ": write x -> %s(...), or pipe a tensor into its name", name);
    return fail(e, span, "a tensor or a number is expected here%s but %s%s%s is %s%s",
                *library_text(e, span) ? library_text(e, span) : ",", *name ? "'" : "", *name ? name : "this", *name ? "'" : "",
                kind_text(value), hint);
}

const Value *evaluate_tensor(E *e, const Ast *ast, Scope *scope, Mode mode) {
    return as_tensor(e, evaluate(e, ast, scope, mode), ast->span);
}

/* op on each element: shapes agree, or an operand is a single number. */
const Value *elementwise(E *e, Op op, const Value *const *operands, Span span) {
    int arity = op_info(op)->arity;
    const Value *shaped = NULL;
    bool quotient = op == OP_ADD || op == OP_SUB || op == OP_MUL || op == OP_DIV || op == OP_NEG;
    for (int i = 0; i < arity; i++) {
        const Value *x = operands[i];
        if (x->kind == VALUE_ERROR) return x;
        if (x->body->condition != op_wants_condition(op, i)) {
            return fail(e, span, "'%s' wants %s here, not %s", op_info(op)->spelling,
                        x->body->condition ? "a number" : "a condition such as a < b",
                        x->body->condition ? "a condition" : "a number");
        }
        quotient &= x->quotient;
        if (x->rank == 0) continue;
        if (shaped == NULL) shaped = x;
        if (!same_shape(shaped, x))
            return fail(e, span, "'%s' meets shapes %s and %s, which must agree", op_info(op)->spelling, shape_text(e, shaped),
                        shape_text(e, x));
    }
    if ((op == OP_DIV || op == OP_FLOORDIV || op == OP_MOD) && expr_is(operands[1]->body, 0))
        return fail(e, span, "division by zero%s",
                    *library_text(e, span)
                        ? arena_printf(e->arena, " in%.*s", (int)strlen(library_text(e, span)) - 2, library_text(e, span) + 1)
                        : "");
    Value *result = NEW(e->arena, Value);
    result->kind = VALUE_TENSOR;
    result->quotient = quotient;
    if (shaped != NULL) {
        result->rank = shaped->rank;
        result->axes = shaped->axes;
    }
    Expr subscripts[result->rank + 1], kids[3];
    for (int i = 0; i < result->rank; i++) subscripts[i] = expr_index(e->pool, result->axes[i]);
    for (int i = 0; i < arity; i++) kids[i] = operands[i]->rank == 0 ? operands[i]->body : value_at(e, operands[i], subscripts);
    result->body = expr_op(e->pool, op, kids);
    if (result->body->depth > EXPR_DEPTH_LIMIT) {
        return fail(e, span, "this formula becomes too deep when what it uses is inserted; give a part of it a name of its own");
    }
    return result;
}

static Op op_of(const Ast *ast, Mode mode) {
    switch (ast->op) {
    case AST_ADD: return OP_ADD;
    case AST_SUBTRACT: return OP_SUB;
    case AST_MULTIPLY: return OP_MUL;
    case AST_DIVIDE: return mode == AS_SIZE ? OP_FLOORDIV : OP_DIV;
    case AST_MOD: return OP_MOD;
    case AST_POWER: return OP_POW;
    case AST_NEGATE: return OP_NEG;
    case AST_LESS: return OP_LT;
    case AST_LESS_EQUAL: return OP_LE;
    case AST_GREATER: return OP_GT;
    case AST_GREATER_EQUAL: return OP_GE;
    case AST_EQUAL: return OP_EQ;
    case AST_NOT_EQUAL: return OP_NE;
    case AST_AND: return OP_AND;
    case AST_OR: return OP_OR;
    case AST_NOT: return OP_NOT;
    case DEFINES_FUNCTION:
    case DEFINES_LAYER:
    case DEFINES_LOSS:
    case DEFINES_METRIC:
    case DEFINES_OPTIMIZER: break;
    }
    bug("operator %d", (int)ast->op);
}

/* ---- Names */

static const Value *name_value(E *e, const Ast *ast, Scope *scope, Mode mode) {
    Entry *entry = scope_find(scope, ast->name);
    if (entry != NULL && entry->kind == ENTRY_INDEX) {
        return value_scalar(
            e, expr_op2(e->pool, OP_ADD, expr_index(e->pool, entry->index), expr_number(e->pool, (double)entry->index->low)));
    }
    double number;
    if (entry != NULL && entry->member != NULL) return scan_whole_read(e, entry, ast->span);
    if (entry != NULL && entry->kind == ENTRY_VALUE) {
        bool fraction =
            mode == AS_SIZE && entry->value->quotient && value_constant(entry->value, &number) && number != floor(number);
        return fraction ? value_number(e, floor(number + 1e-9)) : entry->value;
    }
    if (entry != NULL && entry->kind == ENTRY_DEFINITION) {
        Value *value = NEW(e->arena, Value);
        value->kind = VALUE_DEFINITION;
        value->definition = entry->definition;
        return value;
    }
    if (strchr(ast->name, '.') != NULL && e->updates)
        return fail(e, ast->span, "an optimizer and its arguments read no parameter by its path; w is the one that is updated");
    if (strchr(ast->name, '.') != NULL) return parameter_reference(e, ast->name, scope, ast->span);
    if (strcmp(ast->name, "inf") == 0) return value_scalar(e, expr_number(e->pool, INFINITY));
    if (strcmp(ast->name, "training") == 0) return value_scalar(e, expr_truth(e->pool, e->training));
    if (strcmp(ast->name, "batch_size") == 0) return value_scalar(e, expr_read(e->pool, e->program->batch_size, NULL, 0, NULL));
    Value *value = NEW(e->arena, Value);
    if (op_find(ast->name, &value->op) && op_info(value->op)->arity == 1) {
        value->kind = VALUE_ELEMENTARY;
        return value;
    }
    Reduction reduction;
    if (is_reduction(ast->name, &reduction) || strcmp(ast->name, "mean") == 0) {
        return fail(e, ast->span, "'%s' is a reduction: write %s(i: ...)", ast->name, ast->name);
    }
    if (is_word(ast->name)) return fail(e, ast->span, "'%s' is a function: write %s(...)", ast->name, ast->name);
    return undefined(e, ast->name, scope, ast->span);
}

static const char *not_a_number(E *e, const Value *value) {
    return value->rank == 0 ? "is a condition" : arena_printf(e->arena, "has shape %s", shape_text(e, value));
}

/* ---- Literals */

static bool fill(E *e, const Ast *ast, int rank, const int64_t *shape, double **out) {
    if (rank == 0) {
        const Value *value = ast->kind == AST_LIST ? NULL : evaluate_tensor(e, ast, e->scope, AS_VALUE);
        if (value != NULL && value->kind == VALUE_ERROR) return false;
        if (value == NULL || !value_constant(value, (*out)++)) {
            fail(e, ast->span,
                 value == NULL ? "this list is nested deeper than the first element"
                               : "a list holds numbers that are known at compile time");
            return false;
        }
        return true;
    }
    if (ast->kind != AST_LIST || (int64_t)ast->list.count != shape[0]) {
        fail(e, ast->span,
             ast->kind == AST_LIST ? "this list has length %zu, but the first one here has length %lld"
                                   : "a list is expected here, as in the elements before",
             ast->list.count, (long long)shape[0]);
        return false;
    }
    for (size_t i = 0; i < ast->list.count; i++) {
        if (!fill(e, ast->list.at[i], rank - 1, shape + 1, out)) return false;
    }
    return true;
}

const Value *list_value(E *e, const Ast *list) {
    enum { MOST = 16 };
    int64_t shape[MOST];
    int rank = 0;
    double count = 1;
    for (const Ast *at = list; at->kind == AST_LIST; at = at->list.at[0]) {
        if (rank == MOST) return fail(e, list->span, "a list may be nested %d deep at most", MOST);
        if (at->list.count == 0) return fail(e, at->span, "a list must have at least one element");
        count *= (double)(shape[rank++] = (int64_t)at->list.count);
    }
    if (count > 16777216)
        return fail(e, list->span, "this list would have %.0f elements; larger tables belong into a file", count);
    double *numbers = NEW_ARRAY(e->arena, double, count), *end = numbers;
    if (!fill(e, list, rank, shape, &end)) return value_error();
    Tensor *tensor = tensor_new(e->program, TENSOR_LITERAL, "literal", rank, shape);
    tensor->literal = numbers;
    tensor->span = list->span;
    return value_tensor(e, tensor);
}

/* ---- Sizes and ranges */

bool evaluate_whole(E *e, const Value *value, Span span, int64_t *number, const char *what) {
    double x;
    if (value->kind == VALUE_ERROR) return false;
    if (!value_constant(value, &x)) {
        fail(e, span, "%s%s must be a number that is known at compile time", what, library_text(e, span));
        return false;
    }
    if (value->quotient && x != floor(x)) x = floor(x + 1e-9);
    if (x != floor(x) || fabs(x) > 2147483647.0) {
        char text[NUMBER_LENGTH];
        number_print(text, x);
        fail(e, span, x != floor(x) ? "%s%s must be a whole number, not %s" : "%s%s is too large: %s", what,
             library_text(e, span), text);
        return false;
    }
    *number = (int64_t)x;
    return true;
}

bool evaluate_size(E *e, const Ast *ast, Scope *scope, int64_t *size, const char *what) {
    if (!evaluate_whole(e, evaluate_tensor(e, ast, scope, AS_SIZE), ast->span, size, what)) return false;
    if (*size >= 1) return true;
    fail(e, ast->span, "%s%s must be at least 1, but this is %lld", what, library_text(e, ast->span), (long long)*size);
    return false;
}

bool evaluate_range(E *e, const Ast *range, Scope *scope, int64_t *low, int64_t *high) {
    if (range->kind != AST_RANGE) {
        fail(e, range->span, "a range such as 0..n is expected here");
        return false;
    }
    if (!evaluate_whole(e, evaluate_tensor(e, range->x, scope, AS_SIZE), range->x->span, low, "the start of a range"))
        return false;
    if (!evaluate_whole(e, evaluate_tensor(e, range->y, scope, AS_SIZE), range->y->span, high, "the end of a range"))
        return false;
    if (*low < *high) return true;
    fail(e, range->span, "the range %lld..%lld is empty (its end does not belong to it)", (long long)*low, (long long)*high);
    return false;
}

/* ---- Reductions */

static bool bind_index(E *e, const Ast *binder, Scope *outer, Scope *scope, Index **made) {
    Entry *old = scope_own(scope, binder->name);
    if (old != NULL && old->kind == ENTRY_INDEX) {
        fail(e, binder->name_span, "index '%s' is bound already", binder->name);
        also(e, old->span, "it is bound here");
        return false;
    }
    int64_t low = 0, high = 0;
    if (binder->kind == AST_BINDER && !evaluate_range(e, binder->x, outer, &low, &high)) return false;
    Index *index = index_new(e->pool, binder->name, high - low);
    index->stated = binder->kind == AST_BINDER;
    index->low = low;
    scope_index(e, scope, index, binder->name_span);
    *made = index;
    return true;
}

static const Value *reduce(E *e, const Ast *ast, Scope *outer, Mode mode) {
    Reduction reduction = REDUCE_SUM;
    bool mean = strcmp(ast->name, "mean") == 0;
    if (!mean && !is_reduction(ast->name, &reduction)) {
        return fail(e, ast->name_span, "'%s' is no reduction; there are sum, prod, mean, max, min, argmax and argmin", ast->name);
    }
    Scope *scope = scope_new(e, outer, outer->frame, NULL);
    int count = (int)ast->list.count;
    Index **bound = NEW_ARRAY(e->arena, Index *, count);
    for (int i = 0; i < count; i++) {
        if (!bind_index(e, ast->list.at[i], outer, scope, &bound[i])) return value_error();
    }
    size_t around = e->around.count;
    for (int i = 0; i < count; i++) vec_push(e->arena, &e->around, bound[i]);
    const Value *body = evaluate_tensor(e, ast->x, scope, mode == AS_SIZE ? AS_VALUE : mode);
    e->around.count = around;
    if (body->kind == VALUE_ERROR) return body;
    if (body->rank != 0)
        return fail(e, ast->x->span, "the body of '%s' must be a number for each index, but has shape %s", ast->name,
                    shape_text(e, body));
    if (body->body->condition)
        return fail(e, ast->x->span, "the body of '%s' must be a number, not a condition; write if ... then 1 else 0", ast->name);
    double points = 1;
    for (int i = 0; i < count; i++) {
        if (!range_known(e, bound[i], ast->list.at[i]->span)) return value_error();
        points *= (double)bound[i]->size;
    }
    if (points > 9e15) return fail(e, ast->span, "'%s' runs over %g points, more than can be counted", ast->name, points);
    Expr result = expr_reduce(e->pool, reduction, bound, count, body->body);
    if (mean) result = expr_op2(e->pool, OP_DIV, result, expr_number(e->pool, points));
    Value *value = NEW(e->arena, Value);
    *value = (Value){.kind = VALUE_TENSOR, .body = result};
    if (reduction == REDUCE_ARGMAX || reduction == REDUCE_ARGMIN) value->index_range = (int64_t)points;
    return value;
}

/* ---- Subscripts */

static bool subscript_of(E *e, const Ast *ast, Scope *scope, Expr *subscript) {
    const Value *value = evaluate_tensor(e, ast, scope, AS_SIZE);
    if (value->kind == VALUE_ERROR) return false;
    if (value->rank != 0 || value->body->condition) {
        fail(e, ast->span, "a subscript must be a number, but this %s", not_a_number(e, value));
        return false;
    }
    if (!value->body->integer) {
        fail(e, ast->span,
             "a subscript is made of indices, sizes and tensors of type index by + - * / and mod, and this%s is not a whole "
             "number",
             library_text(e, ast->span));
        return false;
    }
    *subscript = value->body;
    return true;
}

static const char *what_is_read(E *e, const Ast *base, const Value *value) {
    (void)e;
    return base->name != NULL ? base->name : value->label != NULL ? value->label : "this";
}

/* Notes what the axis says about the index that subscripts it. */
static void learn(E *e, Index *index, const Value *base, int axis, const char *what, bool has_default, Span span) {
    int64_t size = base->axes[axis]->size;
    const char *text = arena_printf(e->arena, "axis %d of '%s'", axis + 1, what);
    if (!has_default) {
        constrain(e, index, size, span, text);
    } else if (index->soft_size == 0) {
        index->soft_size = size;
        index->soft_why = span;
    }
}

static const Value *subscripted(E *e, const Ast *ast, Scope *scope) {
    const Entry *entry = ast->x->kind == AST_NAME ? scope_find(scope, ast->x->name) : NULL;
    const Entry *recurrent = entry != NULL && entry->member != NULL ? entry : NULL; /* a tensor of the scan around */
    const Value *base = recurrent != NULL ? recurrent->value : evaluate_tensor(e, ast->x, scope, AS_VALUE);
    if (base->kind == VALUE_ERROR) return base;
    const char *what = what_is_read(e, ast->x, base);
    int count = (int)ast->list.count;
    if (base->rank == 0) return fail(e, ast->span, "'%s' is a single number and has no axis to subscript", what);
    if (count > base->rank) {
        return fail(e, ast->span, "'%s' has %d %s (shape %s), but %d subscripts", what, base->rank,
                    base->rank == 1 ? "axis" : "axes", shape_text(e, base), count);
    }
    if (ast->y != NULL && base->body->kind != EXPR_READ)
        base = materialise(e, part_name(e, scope, base, "x"), base, ast->x->span);
    const Value *otherwise = ast->y == NULL ? NULL : evaluate_tensor(e, ast->y, scope, AS_VALUE);
    if (base->kind == VALUE_ERROR || (otherwise != NULL && otherwise->kind == VALUE_ERROR)) return value_error();
    if (otherwise != NULL && (otherwise->rank != 0 || otherwise->body->condition))
        return fail(e, ast->y->span, "what stands behind 'default' must be a number, but this %s", not_a_number(e, otherwise));
    Expr subscripts[base->rank];
    bool fine = true;
    for (int i = 0; i < count; i++) {
        const Ast *written = ast->list.at[i];
        if (!subscript_of(e, written, scope, &subscripts[i])) {
            fine = false;
            continue;
        }
        if (written->kind == AST_NAME && subscripts[i]->kind == EXPR_INDEX)
            learn(e, subscripts[i]->index, base, i, what, otherwise != NULL, written->span);
        if (otherwise == NULL)
            vec_push(e->arena, &e->pending,
                     (Pending){what, base->axes[i]->size, subscripts[i], written, i + 1, written->span, e->frame});
    }
    if (!fine || (recurrent != NULL && !scan_read_allowed(e, recurrent, ast, subscripts))) return value_error();
    for (int i = count; i < base->rank; i++) subscripts[i] = expr_index(e->pool, base->axes[i]);
    Value *value = NEW(e->arena, Value);
    *value =
        (Value){.kind = VALUE_TENSOR, .rank = base->rank - count, .axes = base->axes + count, .index_range = base->index_range};
    value->body = value_at(e, base, subscripts);
    if (otherwise != NULL && value->body->kind == EXPR_READ) {
        Expr read = value->body;
        value->body = expr_read(e->pool, read->tensor, read->kids, read->tensor->rank, otherwise->body);
    }
    return value;
}

/* ---- All of them */

/* Operand number i of an operator, which wants a number or a condition. */
static const Value *operand(E *e, Op op, int i, const Ast *ast, Scope *scope, Mode mode) {
    const Value *value = evaluate_tensor(e, ast, scope, mode);
    if (value->kind == VALUE_ERROR || value->body->condition == op_wants_condition(op, i)) return value;
    if (!value->body->condition)
        return fail(e, ast->span, "'%s' wants a condition such as a < b here, not a number", op_info(op)->spelling);
    return fail(e, ast->span, "'%s' wants a number here, not a condition; write if ... then 1 else 0", op_info(op)->spelling);
}

static const Value *evaluate_kind(E *e, const Ast *ast, Scope *scope, Mode mode) {
    const Value *operands[3];
    switch (ast->kind) {
    case AST_NUMBER: return value_number(e, ast->number);
    case AST_BOOLEAN: return value_scalar(e, expr_truth(e->pool, ast->number != 0));
    case AST_NAME: return name_value(e, ast, scope, mode);
    case AST_LIST:
    case AST_STRING: {
        Value *value = NEW(e->arena, Value);
        value->kind = ast->kind == AST_LIST ? VALUE_LIST : VALUE_STRING;
        value->list = ast;
        return value;
    }
    case AST_UNARY:
        operands[0] = operand(e, op_of(ast, mode), 0, ast->x, scope, mode);
        return elementwise(e, op_of(ast, mode), operands, ast->span);
    case AST_BINARY:
        operands[0] = operand(e, op_of(ast, mode), 0, ast->x, scope, mode);
        operands[1] = operand(e, op_of(ast, mode), 1, ast->y, scope, mode);
        return elementwise(e, op_of(ast, mode), operands, ast->span);
    case AST_IF:
        operands[0] = operand(e, OP_IF, 0, ast->x, scope, mode == AS_SIZE ? AS_VALUE : mode);
        if (value_is_scalar(operands[0]) && operands[0]->body->kind == EXPR_CONST && operands[0]->body->condition) {
            return evaluate(e, operands[0]->body->value != 0 ? ast->y : ast->z, scope,
                            mode); /* the other branch need not even make sense */
        }
        operands[1] = operand(e, OP_IF, 1, ast->y, scope, mode);
        operands[2] = operand(e, OP_IF, 2, ast->z, scope, mode);
        return elementwise(e, OP_IF, operands, ast->span);
    case AST_SUBSCRIPT: return subscripted(e, ast, scope);
    case AST_REDUCE: return reduce(e, ast, scope, mode);
    case AST_CALL: return call(e, ast, scope, mode);
    case AST_RANGE: return fail(e, ast->span, "a range can stand only behind 'in' and in columns");
    case AST_ARGUMENT: return fail(e, ast->span, "a named argument can stand only in a call");
    case AST_BINDER: return fail(e, ast->span, "'%s in' binds an index only before the colon of a reduction", ast->name);
    case AST_DOTS:
    case AST_REST:
        return fail(e, ast->span, "'...' can stand only in the shape of a definition's parameter; here each axis has a length");
    case AST_MODEL:
    case AST_IMPORT:
    case AST_INPUT:
    case AST_TARGET:
    case AST_ASSIGN:
    case AST_PARAM:
    case AST_STATE:
    case AST_SCAN:
    case AST_SETTING:
    case AST_PREDICT:
    case AST_FREEZE:
    case AST_DATA:
    case AST_TRAIN:
    case AST_DEFINITION:
    case AST_PARAMETER:
    case AST_RESULT: break;
    }
    return fail(e, ast->span, "this cannot stand in an expression");
}

const Value *evaluate(E *e, const Ast *ast, Scope *scope, Mode mode) {
    if (e->gave_up || e->diagnostics->stop) return value_error();
    if (e->depth >= DEPTH_LIMIT || ++e->steps > STEP_LIMIT) {
        e->gave_up = true;
        return fail(e, ast->span,
                    e->depth >= DEPTH_LIMIT ? "this is nested too deeply, with the definitions that it calls"
                                            : "the model becomes too large when its definitions are inserted");
    }
    e->depth++;
    const Value *value = evaluate_kind(e, ast, scope, mode);
    e->depth--;
    return value;
}
