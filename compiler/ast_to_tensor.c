/* The door from what was written to the mathematics: names, shapes, layers inlined, lifting made explicit.

   Requires: parsed items (those with syntax errors left out), and the standard library's.
   Ensures:  a Model whose programs hold `initial`, `forward` and, for training, `update`; every tensor has a fixed shape, every
             index a range, every read lies inside its tensor or has a default.
   Example:  y = x -> dense(2)      with x[3] becomes
             y[b, j] = sum(i: y.W[j, i] * x[b, i]) + y.b[j] */
#include "elaborate/elaborate.h"

extern const char standard_nn[];
extern const size_t standard_nn_length;

/* ---- Items of a model, in order */

static void declare_input(E *e, const Ast *ast) {
    if (scope_own(e->scope, ast->name) != NULL) {
        fail(e, ast->name_span, "'%s' is defined already", ast->name);
        also(e, scope_own(e->scope, ast->name)->span, "it is defined here");
        scope_own(e->scope, ast->name)->value = value_error(); /* which of the two was meant further down, nobody knows */
        return;
    }
    int64_t range = 0;
    bool fine = true;
    if (ast->type != NULL && strcmp(ast->type, "index") != 0) {
        fail(e, ast->type_span, "there is no type '%s'; an input may be of type index(K)", ast->type);
        fine = false;
    } else if (ast->type != NULL) {
        fine = evaluate_size(e, ast->x, e->scope, &range, "the number of values of an index");
    }
    int rank = (int)ast->list.count + 1;
    Index *indices[rank + 1];
    indices[0] = e->program->batch;
    for (int i = 1; i < rank; i++) {
        int64_t size = 1;
        fine &= evaluate_size(e, ast->list.at[i - 1], e->scope, &size, "the length of an axis");
        indices[i] = index_new(e->pool, ast->name, size);
    }
    Tensor *tensor = fine ? new_tensor(e, ast->name, indices, rank, ast->name_span) : NULL;
    if (tensor != NULL) tensor->index_range = range;
    scope_value(e, e->scope, ast->name, tensor == NULL ? value_error() : value_tensor(e, tensor), ast->name_span);
    if (tensor == NULL) return;
    tensor->kind = ast->kind == AST_INPUT ? TENSOR_INPUT : TENSOR_TARGET;
    if (ast->kind == AST_INPUT) vec_push(e->arena, &e->program->inputs, tensor);
    else vec_push(e->arena, &e->program->targets, tensor);
}

typedef struct {
    const E *e;
    size_t from;
    bool others;
} Parts;

static void look_for_others(void *context, Expr read) {
    Parts *parts = context;
    bool known = read->kind != EXPR_READ && read->kind != EXPR_DRAW;
    for (size_t i = parts->from; i < parts->e->program->metrics.count && read->kind == EXPR_READ; i++)
        known |= parts->e->program->metrics.at[i].tensor == read->tensor;
    parts->others |= !known;
}

/* Whether the metric is a function of its data_means, the program's metrics from `from` on. */
static bool reads_parts_alone(E *e, Expr body, size_t from) {
    Parts parts = {e, from, false};
    expr_visit(e->pool, body, look_for_others, &parts);
    return !parts.others;
}

/* loss = ..., metric = ...: one number; what is left of the batch is averaged. */
static Tensor *scalar_setting(E *e, const Ast *ast, const char *what) {
    Scope *scope = scope_new(e, e->scope, e->frame, name_of(e->context->names, what));
    size_t parts = e->program->metrics.count; /* those that follow are this one's */
    e->part = 0;
    const Value *value = evaluate_tensor(e, ast->x, scope, AS_VALUE);
    if (value->kind != VALUE_ERROR) check_pending(e);
    e->pending.count = 0;
    if (value->kind == VALUE_ERROR) return NULL;
    if (value->rank != 0 || value->body->condition) {
        fail(e, ast->x->span, "the %s must be a single number, but this %s %s", what, value->rank != 0 ? "has shape" : "is",
             value->rank != 0 ? shape_text(e, value) : "a condition");
        return NULL;
    }
    Expr body = value->body;
    if (e->in_metric && e->program->metrics.count > parts && !reads_parts_alone(e, body, parts)) {
        fail(e, ast->x->span,
             "with data_mean(...) a metric is calculated once, from means over all examples; what else it reads must stand in a "
             "data_mean, too");
        return NULL;
    }
    if (expr_depends(body, e->program->batch)) body = mean_over(e, &e->program->batch, 1, body);
    const char *name = strcmp(what, "metric") == 0 && value->label != NULL ? value->label : what;
    Tensor *tensor = new_tensor(e, name, NULL, 0, ast->span);
    emit(e, tensor, NULL, 0, body, ast->span);
    return tensor;
}

static const char *setting_name(AstOp op) { return op == DEFINES_LOSS ? "loss" : op == DEFINES_METRIC ? "metric" : "optimizer"; }

static void setting(E *e, const Ast *ast, const Ast **loss, size_t *loss_from) {
    if (ast->op == DEFINES_METRIC) {
        size_t parts = e->program->metrics.count;
        e->in_metric = true;
        Tensor *tensor = scalar_setting(e, ast, "metric");
        e->in_metric = false;
        bool combined = e->program->metrics.count > parts;
        if (tensor != NULL)
            vec_push(e->arena, &e->program->metrics,
                     (Metric){.name = tensor->name, .tensor = tensor, .span = ast->span, .combined = combined});
        return;
    }
    const Ast **old = ast->op == DEFINES_LOSS ? loss : &e->optimizer;
    if (*old != NULL) {
        fail(e, ast->span, "the %s is given twice", setting_name(ast->op));
        also(e, ast->op == DEFINES_LOSS ? e->model->loss_span : e->model->optimizer_span, "the first is here");
        return;
    }
    *old = ast->op == DEFINES_LOSS ? ast : ast->x;
    if (ast->op == DEFINES_OPTIMIZER) {
        e->model->optimizer_span = ast->span;
        return;
    }
    e->model->loss_span = ast->span;
    *loss_from = e->program->forward.count;
    e->program->loss = scalar_setting(e, ast, "loss");
}

static void item(E *e, const Ast *ast, const Ast **loss, size_t *loss_from) {
    switch (ast->kind) {
    case AST_INPUT:
    case AST_TARGET: declare_input(e, ast); return;
    case AST_ASSIGN:
    case AST_PARAM:
    case AST_STATE:
    case AST_SCAN: statement(e, ast, e->scope); return;
    case AST_SETTING: setting(e, ast, loss, loss_from); return;
    case AST_PREDICT:
        if (e->predict != NULL) {
            fail(e, ast->span, "'predict' stands here twice; name all tensors in one: predict a, b");
            also(e, e->predict->span, "the first is here");
            return;
        }
        e->predict = ast;
        return;
    case AST_FREEZE: vec_push(e->arena, &e->freezes, (Ast *)(size_t)ast); return;
    case AST_DATA: elaborate_data(e, ast); return;
    case AST_MODEL:
    case AST_TRAIN:
    case AST_DEFINITION:
    case AST_IMPORT: return; /* read before */
    case AST_NUMBER:
    case AST_BOOLEAN:
    case AST_STRING:
    case AST_NAME:
    case AST_UNARY:
    case AST_BINARY:
    case AST_IF:
    case AST_RANGE:
    case AST_LIST:
    case AST_CALL:
    case AST_ARGUMENT:
    case AST_BINDER:
    case AST_REDUCE:
    case AST_SUBSCRIPT:
    case AST_PARAMETER:
    case AST_RESULT:
    case AST_DOTS:
    case AST_REST: break;
    }
    bug("item of kind %d", (int)ast->kind);
}

/* What must be known before the rest: the model's name, and the batch, which is an axis of almost everything. */
static void items_before(E *e, const AstList *items) {
    const Ast *model = NULL, *train = NULL;
    for (size_t i = 0; i < items->count; i++) {
        const Ast *ast = items->at[i];
        const Ast **first = ast->kind == AST_MODEL ? &model : ast->kind == AST_TRAIN ? &train : NULL;
        if (first == NULL) continue;
        if (*first != NULL) {
            fail(e, ast->span, ast->kind == AST_MODEL ? "the model has a name already" : "'train' stands here twice");
            also(e, (*first)->span, "the first is here");
            continue;
        }
        *first = ast;
        if (ast->kind == AST_TRAIN) elaborate_train(e, ast);
    }
    e->model->name = model != NULL ? model->name : name_of(e->context->names, "model");
    if (strcmp(e->model->name, "nnc") == 0)
        fail(e, model->span, "'nnc' begins the names of the functions that generated C calls: the model needs another name");
}

/* ---- After all items */

static void freeze(E *e) {
    for (size_t i = 0; i < e->freezes.count; i++) {
        for (size_t k = 0; k < e->freezes.at[i]->list.count; k++) {
            const Ast *ref = e->freezes.at[i]->list.at[k];
            Found found = find_parameters(e, e->root, ref->name, true), one = find_parameters(e, e->root, ref->name, false);
            if (one.count > 1) {
                fail(e, ref->span, "'%s' may mean %zu parameters; write the layer's name as well, as in 'binding.layer.%s'",
                     ref->name, one.count, strrchr(ref->name, '.') + 1);
                continue;
            }
            for (size_t p = 0; p < found.count; p++) found.at[p]->frozen = true;
            if (found.count > 0) continue;
            Entry *entry = scope_own(e->scope, name_of_length(e->context->names, ref->name, strcspn(ref->name, ".")));
            if (entry != NULL && entry->kind == ENTRY_VALUE && entry->value->kind == VALUE_ERROR) continue;
            entry = scope_own(e->scope, ref->name);
            if (entry != NULL && entry->kind == ENTRY_VALUE) fail(e, ref->span, "'%s' has no parameters to freeze", ref->name);
            else
                fail(e, ref->span, "there is no parameter or layer '%s'%s", ref->name,
                     *near_parameter(e, e->root, ref->name) != '\0' ? near_parameter(e, e->root, ref->name)
                                                                    : near_name(e, e->scope, ref->name));
        }
    }
}

/* What every split says of a target: `-> one_hot`, or literal rows that sum to one. */
static Facts facts_of(const DataSource *source, int64_t classes) {
    if (source->steps.count > 0) {
        bool last = source->steps.at[source->steps.count - 1].kind == STEP_ONE_HOT;
        return (Facts){.sums_to_one = last, .one_hot = last};
    }
    Facts facts = {.sums_to_one = source->kind == SOURCE_LITERAL && classes > 1,
                   .one_hot = source->kind == SOURCE_LITERAL && classes > 1};
    for (int64_t at = 0; facts.sums_to_one && at < source->rows * source->width; at += classes) {
        double sum = 0;
        for (int64_t i = 0; i < classes; i++) {
            double t = source->literal[at + i];
            sum += t;
            if (t != 0 && t != 1) facts.one_hot = false;
            if (t < 0) facts.sums_to_one = false;
        }
        if (sum != 1) facts.sums_to_one = false;
    }
    facts.one_hot &= facts.sums_to_one;
    return facts;
}

static void learn_facts(E *e) {
    for (size_t t = 0; t < e->program->targets.count; t++) {
        Tensor *target = e->program->targets.at[t];
        bool some = e->model->data.count > 0;
        Facts all = {some, some};
        for (size_t b = 0; b < e->model->data.count; b++) {
            const DataBlock *block = &e->model->data.at[b];
            for (size_t s = 0; s < block->sources.count; s++) {
                if (block->sources.at[s].tensor != target->name) continue;
                Facts facts = facts_of(&block->sources.at[s], target->rank > 1 ? target->shape[target->rank - 1] : 0);
                all.sums_to_one &= facts.sums_to_one;
                all.one_hot &= facts.one_hot;
            }
        }
        target->facts = all;
    }
}

static void check_whole(E *e, const AstList *items, uint32_t source) {
    Span start = items->count > 0 ? items->at[0]->span : (Span){source, 0, 0};
    bool input = false; /* one that failed had its message */
    for (size_t i = 0; i < items->count; i++) input |= items->at[i]->kind == AST_INPUT;
    if (!input) fail(e, start, "the model has no input; write, for example, input x[4]");
    else if (e->program->loss == NULL && e->model->loss_span.source == 0)
        fail(e, start, "the model has no loss; write, for example, loss = mean_squared_error(y, t)");
    else if (e->program->loss == NULL && e->diagnostics->errors == 0) bug("a loss that is wrong, and nobody was told why");
    for (size_t i = 0; i < e->layers.count && e->diagnostics->errors == 0; i++) {
        if (!*e->layers.at[i]->applied && !in_library(e, e->layer_spans.at[i])) {
            warning_at(e->diagnostics, e->layer_spans.at[i], "this layer is never applied to a tensor");
        }
    }
}

static Program *elaborate(AstContext *context, Model *model, const AstList *library, const AstList *items, uint32_t source,
                          int64_t batch, bool training) {
    E elaboration = {
        .context = context, .arena = context->arena, .diagnostics = context->diagnostics, .model = model, .training = training};
    E *e = &elaboration;
    e->pool = pool_new(e->arena, context->names);
    e->program = program_new(e->pool, NULL);
    e->output = &e->program->forward;
    e->root = instance_new(e, NULL, NULL, NULL);
    Frame frame = {.prefix = "", .instance = e->root};
    e->frame = &frame;
    e->library = scope_new(e, NULL, NULL, NULL);
    e->user = scope_new(e, e->library, NULL, NULL);
    e->scope = scope_new(e, e->user, &frame, NULL);
    vec_push(e->arena, &e->importing, real_path(e, model->path));
    e->items = items;
    define_all(e, e->library, library);
    define_all(e, e->user, items);
    items_before(e, items);
    if (batch > 0) model->settings.batch = batch;
    e->program->batch = index_new(e->pool, name_of(context->names, "b"), model->settings.batch);
    e->program->batch->batch = true;
    model->data.count = 0;
    const Ast *loss = NULL;
    size_t loss_from = 0;
    for (size_t i = 0; i < items->count && !context->diagnostics->stop; i++) item(e, items->at[i], &loss, &loss_from);
    e->program->name = model->name;
    e->program->is_double = model->settings.is_double;
    e->part = 0;
    check_whole(e, items, source);
    if (!e->gave_up) {
        name_parameters(e);
        freeze(e);
    }
    learn_facts(e);
    elaborate_outputs(e, loss_from);
    if (training && e->optimizer != NULL) update_states(e, e->root);
    if (e->optimizer != NULL && training) elaborate_optimizer(e);
    return e->program;
}

Model *ast_to_tensor(AstContext *context, const AstList *items, uint32_t source, int64_t batch) {
    Model *model = NEW(context->arena, Model);
    model->path = context->sources->list.at[source].name;
    model->settings = (Settings){.epochs = 10, .batch = 1, .seed = 1, .shuffle = true};
    uint32_t standard = source_add(context->sources, "standard.nn", standard_nn, standard_nn_length, true);
    AstList library = parse_source(context, standard);
    model->training = elaborate(context, model, &library, items, source, batch, true);
    if (context->diagnostics->errors > 0) return NULL;
    size_t shown = context->diagnostics->list.count; /* warnings are given once */
    model->inference = elaborate(context, model, &library, items, source, batch, false);
    context->diagnostics->list.count = context->diagnostics->errors > 0 ? context->diagnostics->list.count : shown;
    return context->diagnostics->errors > 0 ? NULL : model;
}
