/* Requires: a model that ast_to_tensor accepted. Ensures: for each input and target as many rows of the tensor's width, index tensors
   within their range, no number that is not finite. */
#include "data.h"

#include <math.h>

#include "csv.h"
#include "random.h"

/* What is being made of one source. */
typedef struct {
    const DataSource *source;
    const Tensor *tensor;
    Arena *arena;
    Diagnostics *diagnostics;
    int64_t rows, width;
    double *values;
    const unsigned long *lines; /* of each row in the file, or NULL */
    DataArray *array;
} Table;

const DataBlock *data_block(const Model *model, const char *split) {
    for (size_t i = 0; i < model->data.count; i++) {
        if (strcmp(model->data.at[i].split, split) == 0) return &model->data.at[i];
    }
    return NULL;
}

/* "iris.csv:7" or "example 6": where a row comes from. */
static const char *place_of_row(const Table *table, int64_t row) {
    if (table->lines == NULL) return arena_printf(table->arena, "example %lld", (long long)row);
    return arena_printf(table->arena, "%s:%lu", table->source->file, table->lines[row]);
}

/* ---- Sources */

static const char *class_list(Arena *arena, const NncCsvColumn *column) {
    Text *text = text_new(arena);
    for (size_t i = 0; i < column->class_count && i < 8; i++) text_printf(text, "%s%s", i == 0 ? "" : ", ", column->classes[i]);
    return text_string(text);
}

/* Keeps the classes of the only column; several columns of classes have no common numbering that a target could use. */
static void keep_classes(Table *table, const NncCsv *csv) {
    if (csv->width != 1 || csv->columns[0].class_count == 0) return;
    size_t count = csv->columns[0].class_count;
    const char **classes = NEW_ARRAY(table->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        classes[i] = arena_text(table->arena, csv->columns[0].classes[i], strlen(csv->columns[0].classes[i]));
    table->array->class_count = (int)count;
    table->array->classes = classes;
}

/* Text in a column that is then calculated with, and not counted, is a mistake. */
static bool check_text_columns(const Table *table, const NncCsv *csv) {
    bool counted = table->tensor->index_range > 0;
    for (size_t i = 0; i < table->source->steps.count; i++) counted |= table->source->steps.at[i].kind == STEP_ONE_HOT;
    for (size_t i = 0; i < csv->width && !counted; i++) {
        if (csv->columns[i].class_count == 0) continue;
        error_at(table->diagnostics, table->source->span,
                 "%s:%lu: column %s holds text (%s), but '%s' wants numbers; write -> one_hot behind a column of classes",
                 table->source->file, csv->lines[0],
                 csv->columns[i].name != NULL ? csv->columns[i].name : arena_printf(table->arena, "%zu of those chosen", i),
                 class_list(table->arena, &csv->columns[i]), table->tensor->name);
        return false;
    }
    return true;
}

static bool read_csv(Table *table) {
    const DataSource *source = table->source;
    NncCsvColumns *columns = NEW_ARRAY(table->arena, NncCsvColumns, source->columns.count + 1);
    for (size_t i = 0; i < source->columns.count; i++) {
        const Columns *c = &source->columns.at[i];
        columns[i] = (NncCsvColumns){c->name, (long)c->from, (long)c->to};
    }
    NncCsv csv;
    NncCsvError error;
    NncCsvHeader header = source->header < 0 ? NNC_CSV_AUTO : source->header > 0 ? NNC_CSV_HEADER : NNC_CSV_NO_HEADER;
    if (!nnc_csv_read(source->file, columns, source->columns.count, header, &csv, &error)) {
        const char *place = error.line == 0     ? ""
                            : error.column == 0 ? arena_printf(table->arena, ":%lu", error.line)
                                                : arena_printf(table->arena, ":%lu:%lu", error.line, error.column);
        error_at(table->diagnostics, source->span, "%s%s: %s", source->file, place, error.message);
        return false;
    }
    table->rows = (int64_t)csv.rows;
    table->width = (int64_t)csv.width;
    table->values = NEW_ARRAY(table->arena, double, csv.rows *csv.width);
    memcpy(table->values, csv.values, csv.rows * csv.width * sizeof *table->values);
    unsigned long *lines = NEW_ARRAY(table->arena, unsigned long, csv.rows);
    memcpy(lines, csv.lines, csv.rows * sizeof *lines);
    table->lines = lines;
    keep_classes(table, &csv);
    bool fine = check_text_columns(table, &csv);
    nnc_csv_free(&csv);
    return fine;
}

static bool unsupported(const Table *table, const char *name) {
    error_at(table->diagnostics, table->source->span, "%s(...) is not supported by 'nnc run' yet", name);
    return false;
}

static bool read_source(Table *table) {
    const DataSource *source = table->source;
    switch (source->kind) {
    case SOURCE_LITERAL:
        table->rows = source->rows;
        table->width = source->width;
        table->values = NEW_ARRAY(table->arena, double, source->rows * source->width);
        memcpy(table->values, source->literal, sizeof(double) * (size_t)(source->rows * source->width));
        return true;
    case SOURCE_CSV: return read_csv(table);
    case SOURCE_IDX: return unsupported(table, "idx");
    case SOURCE_NPY: return unsupported(table, "npy");
    case SOURCE_BYTES: return unsupported(table, "bytes");
    }
    bug("no source of kind %d", (int)source->kind);
}

/* ---- Steps */

static double calculated(const DataStep *step, double x) {
    switch (step->kind) {
    case STEP_ADD: return x + step->low;
    case STEP_SUBTRACT: return x - step->low;
    case STEP_MULTIPLY: return x * step->low;
    case STEP_DIVIDE: return x / step->low;
    case STEP_SUBTRACT_FROM: return step->low - x;
    case STEP_DIVIDE_INTO: return step->low / x;
    case STEP_STANDARDIZE:
    case STEP_ONE_HOT:
    case STEP_SCALE: break;
    }
    bug("step %d is no arithmetic", (int)step->kind);
}

/* For each column what is subtracted and what divides: mean and population deviation, or least value and range. 0 counts as 1. */
static double *learn(const Table *table, const DataStep *step, const uint32_t *rows, int64_t count) {
    double *learned = NEW_ARRAY(table->arena, double, 2 * table->width);
    for (int64_t c = 0; c < table->width; c++) {
        double least = INFINITY, largest = -INFINITY, sum = 0, squares = 0;
        for (int64_t r = 0; r < count; r++) {
            double x = table->values[rows[r] * table->width + c];
            least = fmin(least, x);
            largest = fmax(largest, x);
            sum += x;
        }
        double mean = sum / (double)count;
        for (int64_t r = 0; r < count; r++) {
            double x = table->values[rows[r] * table->width + c] - mean;
            squares += x * x;
        }
        bool standardize = step->kind == STEP_STANDARDIZE;
        double divisor = standardize ? sqrt(squares / (double)count) : largest - least;
        learned[c] = standardize ? mean : least;
        learned[table->width + c] = divisor == 0 ? 1 : divisor;
    }
    return learned;
}

static void apply_learned(Table *table, const DataStep *step, const double *learned) {
    for (int64_t i = 0; i < table->rows * table->width; i++) {
        int64_t column = i % table->width;
        double x = (table->values[i] - learned[column]) / learned[table->width + column];
        table->values[i] = step->kind == STEP_SCALE ? step->low + x * (step->high - step->low) : x;
    }
}

static bool one_hot(Table *table, Span span) {
    int64_t classes = table->tensor->rank > table->tensor->batched ? table->tensor->shape[table->tensor->rank - 1] : 1;
    double points = (double)table->rows * (double)table->width * (double)classes;
    if (points > 1e11) {
        error_at(table->diagnostics, span, "%.0f numbers are too many", points);
        return false;
    }
    double *hot = NEW_ARRAY(table->arena, double, points);
    for (int64_t i = 0; i < table->rows * table->width; i++) {
        double x = table->values[i];
        if (!(x >= 0 && x < (double)classes && x == floor(x))) {
            char number[NUMBER_LENGTH];
            number_print(number, x);
            const char *what =
                table->array->class_count > 0 && x >= 0 && x < table->array->class_count ? table->array->classes[(int)x] : number;
            error_at(table->diagnostics, span, "%s: '%s' is class %s, but '%s' has classes 0 to %lld",
                     place_of_row(table, i / table->width), what, number, table->tensor->name, (long long)classes - 1);
            note_at(table->diagnostics, table->tensor->span, "'%s' is declared here", table->tensor->name);
            return false;
        }
        hot[i * classes + (int64_t)x] = 1;
    }
    table->values = hot;
    table->width *= classes;
    return true;
}

static bool run_steps(Table *table, const Data *data, const DataArray *learned_from) {
    for (size_t i = 0; i < table->source->steps.count; i++) {
        const DataStep *step = &table->source->steps.at[i];
        if (step->kind == STEP_ONE_HOT) {
            if (!one_hot(table, step->span)) return false;
        } else if (step->kind == STEP_STANDARDIZE || step->kind == STEP_SCALE) {
            size_t number = table->array->learned.count;
            bool known = learned_from != NULL && number < learned_from->learned.count;
            double *learned = known ? learned_from->learned.at[number] : learn(table, step, data->training, data->training_count);
            vec_push(table->arena, &table->array->learned, learned);
            apply_learned(table, step, learned);
        } else {
            for (int64_t k = 0; k < table->rows * table->width; k++) table->values[k] = calculated(step, table->values[k]);
        }
    }
    return true;
}

/* ---- Checks */

static bool check_width(const Table *table) {
    int64_t elements = (int64_t)tensor_elements(table->tensor), given = table->width;
    if (given == elements) return true;
    error_at(table->diagnostics, table->source->span, "%s %lld number%s for each example, but '%s' has %lld element%s",
             table->source->file != NULL ? arena_printf(table->arena, "%s gives", table->source->file) : "this list gives",
             (long long)given, given == 1 ? "" : "s", table->tensor->name, (long long)elements, elements == 1 ? "" : "s");
    note_at(table->diagnostics, table->tensor->span, "'%s' is declared here", table->tensor->name);
    return false;
}

static bool check_values(const Table *table) {
    int64_t range = table->tensor->index_range;
    for (int64_t i = 0; i < table->rows * table->width; i++) {
        double x = table->values[i];
        bool fine = range > 0 ? x >= 0 && x < (double)range && x == floor(x) : isfinite(x);
        if (fine) continue;
        char number[NUMBER_LENGTH];
        number_print(number, x);
        if (range > 0) {
            error_at(table->diagnostics, table->source->span, "%s: %s is no index in 0..%lld",
                     place_of_row(table, i / table->width), number, (long long)range);
        } else {
            error_at(table->diagnostics, table->source->span, "%s: %s is not a number to train with",
                     place_of_row(table, i / table->width), number);
        }
        return false;
    }
    return true;
}

/* ---- The block */

static void split(Data *data, double holdout, uint64_t seed, Arena *arena) {
    uint32_t *order = NEW_ARRAY(arena, uint32_t, data->rows);
    bool *held = NEW_ARRAY(arena, bool, data->rows);
    data->held_out_count = (int64_t)floor((double)data->rows * holdout + 0.5);
    if (data->held_out_count >= data->rows) data->held_out_count = data->rows - 1;
    data->training_count = data->rows - data->held_out_count;
    nnc_shuffle(seed, UINT64_MAX, order, (uint32_t)data->rows); /* an epoch that is never reached */
    for (int64_t i = 0; i < data->held_out_count; i++) held[order[i]] = true;
    data->training = NEW_ARRAY(arena, uint32_t, data->training_count);
    data->held_out = NEW_ARRAY(arena, uint32_t, data->held_out_count);
    int64_t training = 0, held_out = 0;
    for (int64_t row = 0; row < data->rows; row++) {
        if (held[row]) data->held_out[held_out++] = (uint32_t)row;
        else data->training[training++] = (uint32_t)row;
    }
}

static const DataSource *source_for(const DataBlock *block, Name tensor) {
    for (size_t i = 0; i < block->sources.count; i++) {
        if (block->sources.at[i].tensor == tensor) return &block->sources.at[i];
    }
    return NULL;
}

static bool same_rows(const Table *tables, size_t count, Diagnostics *diagnostics, int64_t *rows) {
    for (size_t i = 1; i < count; i++) {
        if (tables[i].rows == tables[0].rows) continue;
        error_at(diagnostics, tables[i].source->span, "'%s' has %lld examples, but '%s' has %lld", tables[i].tensor->name,
                 (long long)tables[i].rows, tables[0].tensor->name, (long long)tables[0].rows);
        note_at(diagnostics, tables[0].source->span, "'%s' comes from here", tables[0].tensor->name);
        return false;
    }
    *rows = tables[0].rows;
    if (*rows > 0 && *rows <= INT32_MAX) return true;
    error_at(diagnostics, tables[0].source->span, "%lld examples are too %s", (long long)*rows, *rows == 0 ? "few" : "many");
    return false;
}

bool data_load(const Model *model, const DataBlock *block, const Data *learned_from, uint64_t seed, Arena *arena,
               Diagnostics *diagnostics, Data *data) {
    const Program *program = model->training;
    size_t count = program->inputs.count + program->targets.count;
    bool fine = true;
    *data = (Data){0};
    Table *tables = NEW_ARRAY(arena, Table, count + 1);
    for (size_t i = 0; i < count; i++) vec_push(arena, &data->arrays, (DataArray){0});
    for (size_t i = 0; i < count; i++) {
        const Tensor *tensor = i < program->inputs.count ? program->inputs.at[i] : program->targets.at[i - program->inputs.count];
        data->arrays.at[i].tensor = tensor->name;
        tables[i] = (Table){.source = source_for(block, tensor->name),
                            .tensor = tensor,
                            .arena = arena,
                            .diagnostics = diagnostics,
                            .array = &data->arrays.at[i]};
        if (tables[i].source == NULL)
            error_at(diagnostics, tensor->span, "data %s does not say where '%s' comes from", block->split, tensor->name);
        fine = tables[i].source != NULL && read_source(&tables[i]) && fine;
    }
    if (!fine || !same_rows(tables, count, diagnostics, &data->rows)) return false;
    split(data, block->holdout, seed, arena);
    for (size_t i = 0; i < count; i++) {
        const DataArray *learned = learned_from != NULL ? &learned_from->arrays.at[i] : NULL;
        fine = run_steps(&tables[i], data, learned) && check_width(&tables[i]) && check_values(&tables[i]) && fine;
        data->arrays.at[i].width = tables[i].width;
        data->arrays.at[i].values = tables[i].values;
    }
    return fine;
}
