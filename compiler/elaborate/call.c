/* What a call means: a definition, a layer value, an elementary function, or one of the words that the compiler knows. */
#include "elaborate/elaborate.h"

const Ast *parameter_of(const Definition *definition, Name name) {
    for (size_t i = 0; i < definition->ast->list.count; i++) {
        if (definition->ast->list.at[i]->name == name) return definition->ast->list.at[i];
    }
    return NULL;
}

const Ast *param_of(const Definition *definition, Name name) {
    for (size_t i = 0; i < definition->ast->body.count; i++) {
        const Ast *line = definition->ast->body.at[i];
        if (line->kind == AST_PARAM && line->name == name) return line;
    }
    return NULL;
}

const Value *layer_value(E *e, const Definition *definition, const Arguments *arguments, Instance *instance, Span span) {
    Value *value = NEW(e->arena, Value);
    value->kind = VALUE_LAYER;
    value->definition = definition;
    if (arguments != NULL) value->arguments = *arguments;
    value->instance = instance;
    value->applied = NEW(e->arena, bool);
    vec_push(e->arena, &e->layers, value);
    vec_push(e->arena, &e->layer_spans, span);
    return value;
}

/* Arguments in order; those that name a `param` wait until it is met. False if one is wrong (reported). */
static bool evaluate_arguments(E *e, const Ast *ast, const Definition *definition, Scope *scope, Mode mode,
                               Arguments *arguments) {
    bool fine = true, named = false;
    for (size_t i = 0; i < ast->list.count; i++) {
        const Ast *written = ast->list.at[i];
        Argument argument = {.span = written->span, .scope = scope, .ast = written};
        if (written->kind == AST_ARGUMENT) {
            argument.name = written->name;
            argument.ast = written->x;
            named = true;
        } else if (named) {
            fail(e, written->span, "an argument without a name cannot follow one with a name");
            fine = false;
        }
        bool waits = argument.name != NULL && definition != NULL && parameter_of(definition, argument.name) == NULL &&
                     param_of(definition, argument.name) != NULL;
        if (!waits) {
            argument.value = evaluate(e, argument.ast, scope, mode);
            fine &= argument.value->kind != VALUE_ERROR;
        }
        vec_push(e->arena, arguments, argument);
    }
    return fine;
}

static bool has_argument(const Arguments *arguments, Name name) {
    for (size_t i = 0; i < arguments->count; i++) {
        if (arguments->at[i].name == name) return true;
    }
    return false;
}

static size_t positional(const Arguments *arguments) {
    size_t count = 0;
    for (size_t i = 0; i < arguments->count; i++) count += arguments->at[i].name == NULL;
    return count;
}

/* Is a parameter without a value left, when the arguments without names start at parameter `first`? */
static bool incomplete(const Definition *definition, const Arguments *arguments, size_t first) {
    const AstList *parameters = &definition->ast->list;
    for (size_t i = first; i < parameters->count; i++) {
        const Ast *p = parameters->at[i];
        if (p->y == NULL && !p->rest && i - first >= positional(arguments) && !has_argument(arguments, p->name)) return true;
    }
    return false;
}

/* Outside a pipe, a call that lacks nothing but its first, tensor parameter is a layer value: dense(16), max_pool(2). */
static bool wants_only_its_tensor(const Definition *definition, const Arguments *arguments) {
    const AstList *parameters = &definition->ast->list;
    if (definition->kind != DEFINES_LAYER && definition->kind != DEFINES_FUNCTION) return false;
    if (parameters->count == 0 || !(parameters->at[0]->shaped || parameters->at[0]->type != NULL)) return false;
    if (has_argument(arguments, parameters->at[0]->name) || incomplete(definition, arguments, 1)) return false;
    double number;
    bool first_is_number = positional(arguments) > 0 && value_constant(arguments->at[0].value, &number);
    return incomplete(definition, arguments, 0) || first_is_number;
}

static void begin_part(E *e, const Ast *ast, Name name, Scope *scope) {
    if (!e->summarise || scope->frame->definition != NULL) return;
    Text *text = text_new(e->arena);
    text_put(text, name);
    for (size_t i = 0; i < ast->list.count; i++) {
        text_put(text, i == 0 ? "(" : ", ");
        if (ast->list.at[i]->kind == AST_ARGUMENT) text_printf(text, "%s = ", ast->list.at[i]->name);
        ast_print_expression(text, ast->list.at[i]->kind == AST_ARGUMENT ? ast->list.at[i]->x : ast->list.at[i]);
    }
    if (ast->list.count > 0) text_put(text, ")");
    vec_push(e->arena, &e->program->parts, (Part){.label = text_string(text), .binding = scope->binding});
    e->part = (int)e->program->parts.count;
}

static void end_part(E *e, const Value *value, Scope *scope) {
    if (!e->summarise || scope->frame->definition != NULL || value->kind != VALUE_TENSOR) return;
    Part *part = &e->program->parts.at[e->program->parts.count - 1];
    part->rank = value->rank;
    part->shape = NEW_ARRAY(e->arena, int64_t, value->rank + 1);
    for (int i = 0; i < value->rank; i++) part->shape[i] = value->axes[i]->size;
}

/* Of a call in a pipe, what stands behind the arrow. */
static Span call_span(const Ast *ast) {
    return ast->x == NULL ? ast->span : (Span){ast->span.source, ast->name_span.begin, ast->span.end};
}

static const Value *call_definition(E *e, const Definition *d, const Ast *ast, const Value *piped, Arguments *arguments,
                                    Scope *scope) {
    if (d->kind == DEFINES_OPTIMIZER) return fail(e, ast->name_span, "'%s' is an optimizer", d->name);
    if (piped == NULL && wants_only_its_tensor(d, arguments)) return layer_value(e, d, arguments, NULL, ast->span);
    begin_part(e, ast, d->name, scope);
    Application application = {.definition = d, .piped = piped, .arguments = *arguments, .scope = scope, .span = call_span(ast)};
    if (d->kind == DEFINES_LAYER) {
        Name binding = scope->binding != NULL ? scope->binding : scope->frame->definition->name;
        application.instance = instance_child(e, scope->frame->instance, binding, d->name);
    }
    const Value *value = apply(e, &application);
    end_part(e, value, scope);
    return value;
}

static const Value *call_layer(E *e, const Value *layer, const Ast *ast, const Value *piped, const Arguments *arguments,
                               Scope *scope) {
    const Value *tensor = piped;
    if (piped == NULL && arguments->count == 1 && arguments->at[0].name == NULL) tensor = arguments->at[0].value;
    if (tensor == NULL || (piped != NULL && arguments->count > 0)) {
        return fail(e, call_span(ast),
                    "'%s' is a layer that has its other arguments already: it wants its tensor and nothing else", ast->name);
    }
    *layer->applied = true;
    begin_part(e, ast, layer->definition->name, scope);
    Instance *instance = layer->instance;
    if (instance == NULL && layer->definition->kind == DEFINES_LAYER) {
        Name binding = scope->binding != NULL ? scope->binding : layer->definition->name;
        instance = instance_child(e, scope->frame->instance, binding, layer->definition->name);
    }
    Application application = {.definition = layer->definition,
                               .piped = tensor,
                               .arguments = layer->arguments,
                               .scope = scope,
                               .span = call_span(ast),
                               .instance = instance};
    const Value *value = apply(e, &application);
    end_part(e, value, scope);
    return value;
}

/* ---- Words that the compiler knows: elementary functions, max and min of numbers, stop, random numbers */

static const Value *random_number(E *e, const Ast *ast, const Value *const *operands, int count) {
    bool bernoulli = strcmp(ast->name, "random_bernoulli") == 0;
    if (count != (bernoulli ? 1 : 0))
        return fail(e, call_span(ast),
                    bernoulli ? "'random_bernoulli' takes the probability of a 1" : "'random_uniform' takes no argument");
    if (bernoulli && (operands[0]->rank != 0 || operands[0]->body->condition))
        return fail(e, call_span(ast), "a probability is a number");
    double p;
    if (bernoulli && value_constant(operands[0], &p) && !(p >= 0 && p <= 1)) {
        char number[NUMBER_LENGTH];
        number_print(number, p);
        const char *text = library_text(e, call_span(ast));
        return fail(e, call_span(ast), "a probability is a number from 0 to 1, not %s%s%.*s", number, *text ? ", as in" : "",
                    *text ? (int)strlen(text) - 2 : 0, *text ? text + 1 : "");
    }
    if (e->updates) return fail(e, call_span(ast), "an optimizer draws no random numbers, except where its state begins");
    /* one draw for each point of all indices in scope; of an initial value, for each element */
    Index *points[e->around.count + (size_t)e->point_count + 2];
    int axes = 0;
    if (e->points == NULL) points[axes++] = e->program->batch;
    for (size_t i = e->around_from; i < e->around.count; i++) points[axes++] = e->around.at[i];
    for (int i = 0; i < e->point_count && e->around.count == e->around_from; i++) points[axes++] = e->points[i];
    Expr kids[axes + 1];
    for (int i = 0; i < axes; i++) kids[i] = expr_index(e->pool, points[i]);
    if (bernoulli) kids[axes] = operands[0]->body;
    return value_scalar(e, expr_draw(e->pool, bernoulli ? DRAW_BERNOULLI : DRAW_UNIFORM, e->site++, kids, axes + bernoulli));
}

/* The mean over the examples of the batch. */
static const Value *batch_mean(E *e, const Ast *ast, const Value *const *operands, int count) {
    if (count != 1) return fail(e, call_span(ast), "'batch_mean' takes one argument");
    if (operands[0]->body->condition) return fail(e, call_span(ast), "'batch_mean' wants a number, not a condition");
    if (!expr_depends(operands[0]->body, e->program->batch)) return operands[0];
    Value *mean = NEW(e->arena, Value);
    *mean = *operands[0];
    mean->index_range = 0;
    mean->body = mean_over(e, &e->program->batch, 1, mean->body);
    return mean;
}

/* The mean over all examples that a metric is reported for, and over the axes that the metric is lifted over: known at the end alone. */
static const Value *data_mean(E *e, const Ast *ast, const Value *const *operands, int count) {
    if (!e->in_metric)
        return fail(e, call_span(ast), "'data_mean' belongs to metrics: there is no mean over all examples elsewhere");
    if (count != 1) return fail(e, call_span(ast), "'data_mean' takes one argument");
    if (operands[0]->rank != 0 || operands[0]->body->condition)
        return fail(e, call_span(ast), "'data_mean' wants a number, but this %s %s", operands[0]->rank != 0 ? "has shape" : "is",
                    operands[0]->rank != 0 ? shape_text(e, operands[0]) : "a condition");
    Expr body = operands[0]->body;
    Index *over[e->lifted.count + 2];
    int depth = 0;
    if (expr_depends(body, e->program->batch)) over[depth++] = e->program->batch;
    for (size_t i = 0; i < e->lifted.count; i++) {
        if (expr_depends(body, e->lifted.at[i])) over[depth++] = e->lifted.at[i];
    }
    if (depth < body->free_count)
        return fail(e, call_span(ast),
                    "'data_mean' stands inside a reduction or an index statement; what it is the mean of goes inside: "
                    "data_mean(sum(i: ...))");
    const char *name = e->frame->definition != NULL ? e->frame->definition->name : "metric";
    Tensor *part = new_tensor(e, arena_printf(e->arena, "%s_mean", name), NULL, 0, call_span(ast));
    emit(e, part, NULL, 0, depth > 0 ? mean_over(e, over, depth, body) : body, call_span(ast));
    vec_push(e->arena, &e->program->metrics, (Metric){.name = part->name, .tensor = part, .span = ast->span, .part = true});
    return value_tensor(e, part);
}

static const Value *call_elementary(E *e, const Ast *ast, Op op, const Value *const *operands, int count) {
    int arity = op_info(op)->arity;
    bool many = op == OP_MAX || op == OP_MIN;
    if (many && count == 1)
        return fail(e, call_span(ast), "'%s' of one value: for the %s over an axis write %s(i: x[i])", ast->name,
                    op == OP_MAX ? "largest" : "smallest", ast->name);
    if (many ? count < 2 : count != arity)
        return fail(e, call_span(ast), "'%s' takes %d argument%s, not %d", ast->name, arity, arity == 1 ? "" : "s", count);
    const Value *value = operands[0];
    for (int i = 1; many && i < count; i++)
        value = elementwise(e, op, (const Value *const[]){value, operands[i]}, call_span(ast));
    return many ? value : labelled(e, elementwise(e, op, operands, call_span(ast)), ast->name);
}

bool is_word(Name name) {
    static const char *const words[] = {"random_uniform", "random_bernoulli", "batch_mean", "data_mean", "mean"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], name) == 0) return true;
    }
    Op op;
    Reduction reduction;
    return op_find(name, &op) || is_reduction(name, &reduction);
}

static const Value *call_word(E *e, const Ast *ast, const Value *piped, const Arguments *arguments, Scope *scope,
                              const Value *named) {
    int count = (int)arguments->count + (piped != NULL);
    const Value *operands[count + 1];
    for (int i = 0; i < count; i++) {
        bool first = piped != NULL && i == 0;
        const Argument *argument = first ? NULL : &arguments->at[i - (piped != NULL)];
        if (argument != NULL && argument->name != NULL)
            return fail(e, argument->span, "the arguments of '%s' have no names", ast->name);
        operands[i] = as_tensor(e, first ? piped : argument->value, first ? ast->x->span : argument->span);
        if (operands[i]->kind == VALUE_ERROR) return operands[i];
    }
    Op op;
    if (named != NULL || op_find(ast->name, &op)) {
        if (named != NULL) op = named->op;
        begin_part(e, ast, op_info(op)->spelling, scope);
        const Value *value = call_elementary(e, ast, op, operands, count);
        end_part(e, value, scope);
        return value;
    }
    if (strcmp(ast->name, "random_uniform") == 0 || strcmp(ast->name, "random_bernoulli") == 0)
        return random_number(e, ast, operands, count);
    if (strcmp(ast->name, "batch_mean") == 0) return batch_mean(e, ast, operands, count);
    if (strcmp(ast->name, "data_mean") == 0) return data_mean(e, ast, operands, count);
    return fail(e, call_span(ast), "'%s' is a reduction and needs an index: write %s(i: x[i])", ast->name, ast->name);
}

const Value *call(E *e, const Ast *ast, Scope *scope, Mode mode) {
    const Value *piped = ast->x == NULL ? NULL : evaluate(e, ast->x, scope, AS_VALUE);
    if (piped != NULL && piped->kind == VALUE_LIST) piped = list_value(e, piped->list);
    Entry *entry = scope_find(scope, ast->name);
    const Value *named = entry != NULL && entry->kind == ENTRY_VALUE ? entry->value : NULL;
    const Definition *definition = entry != NULL && entry->kind == ENTRY_DEFINITION ? entry->definition : NULL;
    if (named != NULL && named->kind == VALUE_ERROR) return named;
    if (named != NULL && named->kind == VALUE_DEFINITION) definition = named->definition;
    bool callable =
        entry == NULL || definition != NULL || (named != NULL && (named->kind == VALUE_LAYER || named->kind == VALUE_ELEMENTARY));
    if (!callable) {
        fail(e, ast->name_span, "'%s' is %s, not a function or a layer", ast->name,
             named != NULL ? kind_text(named) : "an index");
        also(e, entry->span, "it is defined here");
        return value_error();
    }
    Arguments arguments = {0};
    bool fine = evaluate_arguments(e, ast, definition, scope, mode, &arguments);
    if (entry == NULL && !is_word(ast->name))
        return undefined(e, ast->name, scope, ast->name_span); /* whatever its arguments are */
    if (!fine || (piped != NULL && piped->kind == VALUE_ERROR)) return value_error();
    if (named != NULL && named->kind == VALUE_LAYER) return call_layer(e, named, ast, piped, &arguments, scope);
    if (definition != NULL) return call_definition(e, definition, ast, piped, &arguments, scope);
    return call_word(e, ast, piped, &arguments, scope, named);
}
