/* The blocks `data` and `train`: settings and sources, checked as far as they can be without opening a file. */
#include <math.h>
#include <stdio.h>

#include "elaborate/elaborate.h"

/* ---- train { ... } */

static bool number_of(E *e, const Ast *ast, double *number) {
    const Value *value = evaluate_tensor(e, ast, e->scope, AS_VALUE);
    if (value->kind == VALUE_ERROR) return false;
    if (value_constant(value, number)) return true;
    fail(e, ast->span, "a number that is known at compile time is expected here");
    return false;
}

static bool whole_of(E *e, const Ast *line, int64_t least, int64_t *number) {
    const char *what = arena_printf(e->arena, "'%s'", line->name);
    if (!evaluate_whole(e, evaluate_tensor(e, line->x, e->scope, AS_SIZE), line->x->span, number, what)) return false;
    if (*number >= least) return true;
    fail(e, line->x->span, "'%s' must be at least %lld", line->name, (long long)least);
    return false;
}

static bool truth_of(E *e, const Ast *ast, bool *truth) {
    const Value *value = evaluate_tensor(e, ast, e->scope, AS_VALUE);
    if (value->kind == VALUE_ERROR) return false;
    if (value->rank == 0 && value->body->kind == EXPR_CONST && value->body->condition) {
        *truth = value->body->value != 0;
        return true;
    }
    fail(e, ast->span, "true or false is expected here");
    return false;
}

static const char *const known_settings[] = {"epochs", "batch", "seed", "shuffle", "patience", "precision", "clip_norm"};

static void unknown_setting(E *e, const Ast *line) {
    Suggestion suggestion = {.wanted = line->name};
    for (size_t i = 0; i < sizeof known_settings / sizeof *known_settings; i++) suggest(&suggestion, known_settings[i]);
    if (suggestion.best != NULL)
        fail(e, line->name_span, "there is no setting '%s'; did you mean '%s'?", line->name, suggestion.best);
    else
        fail(e, line->name_span,
             "there is no setting '%s'; there are epochs, batch, seed, shuffle, patience, precision and clip_norm", line->name);
}

static void one_setting(E *e, const Ast *line) {
    Settings *settings = &e->model->settings;
    int64_t seed;
    if (strcmp(line->name, "epochs") == 0) {
        whole_of(e, line, 0, &settings->epochs);
    } else if (strcmp(line->name, "batch") == 0) {
        whole_of(e, line, 1, &settings->batch);
    } else if (strcmp(line->name, "patience") == 0) {
        whole_of(e, line, 0, &settings->patience);
    } else if (strcmp(line->name, "seed") == 0) {
        if (whole_of(e, line, 0, &seed)) settings->seed = (uint64_t)seed;
    } else if (strcmp(line->name, "shuffle") == 0) {
        truth_of(e, line->x, &settings->shuffle);
    } else if (strcmp(line->name, "precision") == 0) {
        bool is_double = line->x->kind == AST_NAME && strcmp(line->x->name, "double") == 0;
        if (!is_double && (line->x->kind != AST_NAME || strcmp(line->x->name, "float") != 0))
            fail(e, line->x->span, "'precision' is float or double");
        settings->is_double = is_double;
    } else if (strcmp(line->name, "clip_norm") == 0) {
        const Value *value = evaluate_tensor(e, line->x, e->scope, AS_VALUE);
        double limit;
        if (value->kind == VALUE_ERROR) return;
        if (!value_constant(value, &limit) || !(limit > 0) || limit > 1e300)
            fail(e, line->x->span, "'clip_norm' is a number above 0 that is known at compile time");
        else settings->clip_norm = limit;
    } else {
        unknown_setting(e, line);
    }
}

static bool is_setting(E *e, const Ast *block, size_t i, const char *what) {
    const Ast *line = block->body.at[i];
    if (line->kind != AST_ASSIGN || line->indexed) {
        fail(e, line->span, "in a %s block each line is 'name = value'", what);
        return false;
    }
    for (size_t j = 0; j < i; j++) {
        if (block->body.at[j]->name != line->name) continue;
        fail(e, line->name_span, "'%s' is given twice", line->name);
        also(e, block->body.at[j]->name_span, "it is given here already");
        return false;
    }
    return true;
}

void elaborate_train(E *e, const Ast *ast) {
    for (size_t i = 0; i < ast->body.count && !e->diagnostics->stop; i++) {
        if (is_setting(e, ast, i, "train")) one_setting(e, ast->body.at[i]);
    }
}

/* ---- data train { x = csv(...) / 16 -> one_hot } */

static const char *data_path(E *e, const Ast *text) {
    const char *base = e->model->path, *slash = strrchr(base, '/');
    if (text->name[0] == '/' || slash == NULL) return text->name;
    return arena_printf(e->arena, "%.*s/%s", (int)(slash - base), base, text->name);
}

static bool add_columns(E *e, const Ast *ast, DataSource *source) {
    Columns columns = {.span = ast->span};
    if (ast->kind == AST_LIST) {
        for (size_t i = 0; i < ast->list.count; i++) {
            if (!add_columns(e, ast->list.at[i], source)) return false;
        }
        return true;
    }
    if (ast->kind == AST_STRING) {
        columns.name = ast->name;
    } else if (ast->kind == AST_RANGE) {
        if (!evaluate_range(e, ast, e->scope, &columns.from, &columns.to)) return false;
    } else {
        if (!evaluate_whole(e, evaluate_tensor(e, ast, e->scope, AS_SIZE), ast->span, &columns.from, "a column")) return false;
        columns.to = columns.from + 1;
    }
    if (columns.name == NULL && columns.from < 0) {
        fail(e, ast->span, "columns are counted from 0");
        return false;
    }
    vec_push(e->arena, &source->columns, columns);
    return true;
}

typedef struct {
    const char *name;
    SourceKind kind;
    const char *arguments[4];
} Reader;
static const Reader readers[] = {
    {"csv", SOURCE_CSV, {"columns", "column", "header"}},
    {"idx", SOURCE_IDX, {0}},
    {"npy", SOURCE_NPY, {0}},
    {"bytes", SOURCE_BYTES, {"window", "stride", "offset"}},
};

static bool reader_argument(E *e, const Reader *reader, const Ast *argument, DataSource *source) {
    bool known = false;
    Suggestion suggestion = {.wanted = argument->name};
    for (size_t i = 0; i < 4 && reader->arguments[i] != NULL; i++) {
        known |= strcmp(reader->arguments[i], argument->name) == 0;
        suggest(&suggestion, reader->arguments[i]);
    }
    if (!known) {
        fail(e, argument->span, "'%s' has no argument '%s'%s", reader->name, argument->name,
             suggestion.best == NULL ? "" : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best));
        return false;
    }
    if (strncmp(argument->name, "column", 6) == 0) return add_columns(e, argument->x, source);
    if (strcmp(argument->name, "header") == 0) {
        bool header = false;
        if (!truth_of(e, argument->x, &header)) return false;
        source->header = header;
        return true;
    }
    if (strcmp(argument->name, "window") == 0) return whole_of(e, argument, 1, &source->window);
    if (strcmp(argument->name, "stride") == 0) return whole_of(e, argument, 1, &source->stride);
    return whole_of(e, argument, 0, &source->offset);
}

static bool read_file(E *e, const Ast *ast, DataSource *source) {
    const Reader *reader = NULL;
    Suggestion suggestion = {.wanted = ast->name};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(readers[i].name, ast->name) == 0) reader = &readers[i];
        suggest(&suggestion, readers[i].name);
    }
    if (reader == NULL) {
        fail(e, ast->name_span,
             suggestion.best == NULL ? "'%s' is no data source; there are csv, idx, npy, bytes and literal lists"
                                     : "'%s' is no data source; did you mean '%s'?",
             ast->name, suggestion.best);
        return false;
    }
    source->kind = reader->kind;
    if (ast->list.count == 0 || ast->list.at[0]->kind != AST_STRING) {
        fail(e, ast->span, "'%s' wants the name of its file first, as in %s(\"file\")", ast->name, ast->name);
        return false;
    }
    for (size_t i = 0; i < ast->list.count; i++) {
        const Ast *argument = ast->list.at[i];
        if (argument->kind == AST_STRING && source->files.count == i) {
            vec_push(e->arena, &source->written, argument->name);
            vec_push(e->arena, &source->files, data_path(e, argument));
            continue;
        }
        if (argument->kind != AST_ARGUMENT) {
            fail(e, argument->span,
                 argument->kind == AST_STRING ? "the names of the files of '%s' come first, before other arguments"
                                              : "behind the file's name the arguments of '%s' have names",
                 ast->name);
            return false;
        }
        if (!reader_argument(e, reader, argument, source)) return false;
    }
    if (source->kind == SOURCE_BYTES && source->window == 0) {
        fail(e, ast->span, "'bytes' wants a window, the number of bytes in an example: window = 32");
        return false;
    }
    return true;
}

static bool source_of_expression(E *e, const Ast *ast, DataSource *source);

static bool transformed(E *e, const Ast *ast, DataSource *source) {
    if (!source_of_expression(e, ast->x, source)) return false;
    DataStep step = {.span = ast->name_span};
    size_t wanted = 0;
    if (strcmp(ast->name, "one_hot") == 0) step.kind = STEP_ONE_HOT;
    else if (strcmp(ast->name, "standardize") == 0) step.kind = STEP_STANDARDIZE;
    else if (strcmp(ast->name, "scale") == 0) step.kind = STEP_SCALE, wanted = 2;
    else {
        Suggestion suggestion = {.wanted = ast->name};
        suggest(&suggestion, "one_hot");
        suggest(&suggestion, "standardize");
        suggest(&suggestion, "scale");
        if (suggestion.best != NULL)
            fail(e, ast->name_span, "data cannot go through '%s'; did you mean '%s'?", ast->name, suggestion.best);
        else
            fail(e, ast->name_span,
                 "data cannot go through '%s'; there are one_hot, standardize and scale(low, high), and arithmetic with numbers",
                 ast->name);
        return false;
    }
    if (ast->list.count != wanted) {
        fail(e, ast->span, wanted == 0 ? "'%s' takes no argument" : "'%s' takes two numbers: scale(low, high)", ast->name);
        return false;
    }
    if (wanted == 2 && (!number_of(e, ast->list.at[0], &step.low) || !number_of(e, ast->list.at[1], &step.high))) return false;
    vec_push(e->arena, &source->steps, step);
    return true;
}

static bool arithmetic(E *e, const Ast *ast, DataSource *source) {
    bool number_first = ast->x->kind == AST_NUMBER || ast->x->kind == AST_UNARY;
    DataStep step = {.span = ast->span};
    if (!source_of_expression(e, number_first ? ast->y : ast->x, source) ||
        !number_of(e, number_first ? ast->x : ast->y, &step.low))
        return false;
    if (ast->op == AST_ADD) step.kind = STEP_ADD;
    else if (ast->op == AST_SUBTRACT) step.kind = number_first ? STEP_SUBTRACT_FROM : STEP_SUBTRACT;
    else if (ast->op == AST_MULTIPLY) step.kind = STEP_MULTIPLY;
    else if (ast->op == AST_DIVIDE) step.kind = number_first ? STEP_DIVIDE_INTO : STEP_DIVIDE;
    else {
        fail(e, ast->span, "data can be changed by + - * / and a number");
        return false;
    }
    if (step.kind == STEP_DIVIDE && step.low == 0) {
        fail(e, ast->y->span, "division by zero");
        return false;
    }
    vec_push(e->arena, &source->steps, step);
    return true;
}

static bool literal(E *e, const Ast *ast, DataSource *source) {
    const Value *value = list_value(e, ast);
    if (value->kind == VALUE_ERROR) return false;
    const Tensor *tensor = value->body->tensor;
    source->kind = SOURCE_LITERAL;
    source->rows = tensor->shape[0];
    source->width = (int64_t)(tensor_points(tensor) / (double)source->rows);
    source->literal = NEW_ARRAY(e->arena, double, tensor_points(tensor));
    memcpy(source->literal, tensor->literal, sizeof(double) * (size_t)tensor_points(tensor));
    return true;
}

static bool source_of_expression(E *e, const Ast *ast, DataSource *source) {
    if (ast->kind == AST_LIST) return literal(e, ast, source);
    if (ast->kind == AST_CALL && ast->x != NULL) return transformed(e, ast, source);
    if (ast->kind == AST_CALL) return read_file(e, ast, source);
    if (ast->kind == AST_BINARY) return arithmetic(e, ast, source);
    if (ast->kind == AST_STRING) {
        const char *dot = strrchr(ast->name, '.');
        const char *reader = dot != NULL && (strcmp(dot, ".npy") == 0 || strcmp(dot, ".idx") == 0) ? dot + 1 : "csv";
        fail(e, ast->span, "a file is read by naming its format: %s(\"%s\")", reader, ast->name);
        return false;
    }
    fail(e, ast->span,
         "a data source is expected here: csv(\"...\"), idx(\"...\"), npy(\"...\"), bytes(\"...\") or a list of examples");
    return false;
}

/* How many numbers the source gives for an example, or -1 where only the file knows. */
static int64_t width_of(const DataSource *source) {
    int64_t width = 0;
    if (source->kind == SOURCE_LITERAL) width = source->width;
    else if (source->kind == SOURCE_BYTES) width = source->window;
    else if (source->kind != SOURCE_CSV || source->columns.count == 0) return -1;
    for (size_t i = 0; source->kind == SOURCE_CSV && i < source->columns.count; i++) {
        width += source->columns.at[i].name != NULL ? 1 : source->columns.at[i].to - source->columns.at[i].from;
    }
    return width;
}

static bool is_one_hot(const DataSource *source) {
    return source->steps.count > 0 && source->steps.at[source->steps.count - 1].kind == STEP_ONE_HOT;
}

static Tensor *fed_tensor(E *e, Name name) {
    for (size_t i = 0; i < e->program->inputs.count; i++) {
        if (e->program->inputs.at[i]->name == name) return e->program->inputs.at[i];
    }
    for (size_t i = 0; i < e->program->targets.count; i++) {
        if (e->program->targets.at[i]->name == name) return e->program->targets.at[i];
    }
    return NULL;
}

static void one_source(E *e, const Ast *line, DataBlock *block) {
    Tensor *tensor = fed_tensor(e, line->name);
    Entry *known = scope_own(e->scope, line->name);
    if (known != NULL && known->kind == ENTRY_VALUE && known->value->kind == VALUE_ERROR) return;
    if (tensor == NULL && known != NULL) {
        fail(e, line->name_span, "'%s' is computed, and only an input or a target is read from data", line->name);
        also(e, known->span, "it is defined here");
        return;
    }
    if (tensor == NULL) {
        Suggestion suggestion = {.wanted = line->name};
        for (size_t i = 0; i < e->program->inputs.count; i++) suggest(&suggestion, e->program->inputs.at[i]->name);
        for (size_t i = 0; i < e->program->targets.count; i++) suggest(&suggestion, e->program->targets.at[i]->name);
        suggest(&suggestion, "holdout");
        fail(e, line->name_span, "there is no input or target '%s'%s", line->name,
             suggestion.best == NULL ? "" : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best));
        return;
    }
    DataSource source = {.tensor = line->name, .header = -1, .span = line->x->span};
    if (!source_of_expression(e, line->x, &source)) return;
    double elements = tensor_elements(tensor);
    int64_t width = width_of(&source);
    if (is_one_hot(&source) && tensor->index_range > 0) {
        fail(e, source.steps.at[source.steps.count - 1].span,
             "'%s' is of type index and takes the classes themselves: leave '-> one_hot' out", line->name);
        return;
    }
    if (is_one_hot(&source)) {
        double classes = tensor->rank > tensor->batched ? (double)tensor->shape[tensor->rank - 1] : 1;
        elements /= classes;
        if (tensor->rank == tensor->batched)
            fail(e, line->span, "'%s' is a single number and cannot hold a one-hot class", line->name);
    }
    if (width >= 0 && (double)width != elements) {
        const char *unit = is_one_hot(&source) ? "class" : "number", *many = is_one_hot(&source) ? "es" : "s";
        fail(e, line->x->span, "this gives %lld %s%s for each example, but '%s' has %.0f%s", (long long)width, unit,
             width == 1 ? "" : many, line->name, elements,
             is_one_hot(&source) ? ": its last axis is one class in one-hot form" : "");
        also(e, tensor->span, "'%s' is declared here", line->name);
    }
    vec_push(e->arena, &block->sources, source);
}

void elaborate_data(E *e, const Ast *ast) {
    for (size_t i = 0; i < e->model->data.count; i++) {
        if (strcmp(e->model->data.at[i].split, ast->name) != 0) continue;
        fail(e, ast->name_span, "'data %s' stands here twice", ast->name);
        also(e, e->model->data.at[i].span, "the first is here");
        return;
    }
    if (strcmp(ast->name, "train") != 0 && strcmp(ast->name, "test") != 0) {
        fail(e, ast->name_span, "there is no data block '%s'; there are 'data train' and 'data test'", ast->name);
        return;
    }
    DataBlock block = {.split = ast->name, .span = ast->span};
    size_t errors = e->diagnostics->errors;
    for (size_t i = 0; i < ast->body.count && !e->diagnostics->stop; i++) {
        const Ast *line = ast->body.at[i];
        if (!is_setting(e, ast, i, "data")) continue;
        if (strcmp(line->name, "holdout") != 0) {
            one_source(e, line, &block);
        } else if (number_of(e, line->x, &block.holdout) && !(block.holdout >= 0 && block.holdout < 1)) {
            fail(e, line->x->span, "'holdout' is a share of the examples, at least 0 and below 1");
        }
    }
    const Tensors *lists[] = {&e->program->inputs, &e->program->targets};
    for (int l = 0; l < 2 && e->diagnostics->errors == errors; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            bool given = false;
            for (size_t k = 0; k < block.sources.count; k++) given |= block.sources.at[k].tensor == lists[l]->at[i]->name;
            if (!given) fail(e, ast->name_span, "'data %s' does not say where '%s' comes from", ast->name, lists[l]->at[i]->name);
        }
    }
    vec_push(e->arena, &e->model->data, block);
}
