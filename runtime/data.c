/* Sources are opened (data_source.c, data_csv.c, data_idx.c, data_npy.c), the examples split, the steps learned and run (data_steps.c),
   the results checked. */
#include "data.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_table.h"
#include "random.h"
#include "strict.h"

struct NncReader {
    const NncBlock *block;
    NncTable *tables; /* as many as the block has sources */
    NncData *data;    /* while it is opened */
    NncDataError *error;
};

/* Where the rows are: decoded when they are wanted; in memory; in memory, and packed where that may be. */
typedef enum { IN_FILES, IN_MEMORY, PACKED } Keeping;

static int reader_no_memory(NncReader *reader) {
    reader->error->memory = 1;
    snprintf(reader->error->message, sizeof reader->error->message, "there is not enough memory for the data");
    return 0;
}

/* ---- What is read */

static const NncArray *known_array(const NncData *data, const char *tensor) {
    size_t i;
    for (i = 0; data != NULL && i < data->array_count; i++) {
        if (strcmp(data->arrays[i].tensor, tensor) == 0) return &data->arrays[i];
    }
    return NULL;
}

/* Of a source that is not in memory as a whole: enough rows to make decoding worth while. In an array whose first axis runs fastest, the
   numbers of an example lie far apart. */
enum { ROOM_BYTES = 1 << 16, ROOM_BYTES_APART = 1 << 22 };

static size_t room_of(const NncTable *table) {
    size_t width = table->raw_width > table->source->width ? table->raw_width : table->source->width;
    int apart = table->source->format == NNC_NPY && table->parts[0].elements->first_axis_fastest;
    size_t room = (size_t)(apart ? ROOM_BYTES_APART : ROOM_BYTES) / sizeof(double) / (width + 1);
    return room == 0 ? 1 : room;
}

static int open_tables(NncReader *reader, const char *folder, const NncData *learned_from, Keeping keeping) {
    const NncBlock *block = reader->block;
    size_t count = block->source_count, i;
    reader->tables = calloc(count + 1, sizeof *reader->tables);
    reader->data->arrays = calloc(count + 1, sizeof *reader->data->arrays);
    if (reader->tables == NULL || reader->data->arrays == NULL) return reader_no_memory(reader);
    reader->data->array_count = count;
    for (i = 0; i < count; i++) {
        NncTable *table = &reader->tables[i];
        table->source = &block->sources[i];
        table->number = i;
        table->known = known_array(learned_from, table->source->tensor);
        table->array = &reader->data->arrays[i];
        table->array->tensor = table->source->tensor;
        table->error = reader->error;
        if (!nnc_table_open(table, folder, keeping != IN_FILES)) return 0;
        table->room = keeping != IN_FILES ? (size_t)-1 : room_of(table);
    }
    return 1;
}

/* Sources that cut the same files at one stride belong together, window by window. */
static int same_cut(const NncTable *a, const NncTable *b) {
    size_t i;
    if (a->source->format != NNC_BYTES || b->source->format != NNC_BYTES || a->part_count != b->part_count) return 0;
    for (i = 0; i < a->part_count; i++) {
        if (strcmp(a->parts[i].path, b->parts[i].path) != 0) return 0;
    }
    return nnc_table_stride(a->source) == nnc_table_stride(b->source);
}

/* Of each file, there are as many windows as fit for all. */
static void cut_windows(NncReader *reader) {
    size_t count = reader->block->source_count, i, k, part;
    for (i = 0; i < count; i++) {
        for (k = 0; k < count; k++) {
            NncTable *a = &reader->tables[i], *b = &reader->tables[k];
            if (!same_cut(a, b)) continue;
            for (part = 0; part < a->part_count; part++) {
                if (b->parts[part].rows < a->parts[part].rows) a->parts[part].rows = b->parts[part].rows;
            }
            nnc_table_count(a);
        }
    }
}

/* ---- Rows */

static int same_rows(NncReader *reader) {
    NncTable *first = &reader->tables[0], *table;
    const char *place = first->source->place;
    size_t i, rows = first->rows;
    char files[40] = "";
    for (i = 1; i < reader->block->source_count; i++) {
        table = &reader->tables[i];
        if (table->rows == rows) continue;
        reader->error->other = 0;
        if (table->part_count > 1) snprintf(files, sizeof files, " in %lu files", (unsigned long)table->part_count);
        return nnc_table_fail(table, "'%s' has %lu example%s%s, but '%s'%s%s%s has %lu", table->source->tensor,
                              (unsigned long)table->rows, table->rows == 1 ? "" : "s", files, first->source->tensor,
                              place != NULL ? " (" : "", place != NULL ? place : "", place != NULL ? ")" : "",
                              (unsigned long)rows);
    }
    reader->data->rows = rows;
    if (rows > 0 && rows <= INT32_MAX) return 1;
    return nnc_table_fail(first, "%lu examples are too %s", (unsigned long)rows, rows == 0 ? "few" : "many");
}

static int split(NncReader *reader, uint64_t seed) {
    NncData *data = reader->data;
    size_t rows = data->rows, i, training = 0, held_out = 0;
    uint32_t *order = malloc(rows * sizeof *order), row;
    char *held = calloc(rows, 1);
    data->held_out_count = (size_t)floor((double)rows * reader->block->holdout + 0.5);
    if (data->held_out_count >= rows) data->held_out_count = rows - 1;
    data->training_count = rows - data->held_out_count;
    data->training = malloc(data->training_count * sizeof *data->training);
    data->held_out = malloc((data->held_out_count + 1) * sizeof *data->held_out);
    if (order != NULL && held != NULL && data->training != NULL && data->held_out != NULL) {
        nnc_shuffle(seed, UINT64_MAX, order, (uint32_t)rows); /* an epoch that is never reached */
        for (i = 0; i < data->held_out_count; i++) held[order[i]] = 1;
        for (row = 0; row < rows; row++) {
            if (held[row]) data->held_out[held_out++] = row;
            else data->training[training++] = row;
        }
    }
    free(order);
    free(held);
    return training > 0 ? 1 : reader_no_memory(reader);
}

/* ---- Checks */

static int check_source_width(NncTable *table) {
    size_t elements = table->source->width, given = table->width;
    if (given == elements) return 1;
    table->error->shape = 1;
    return nnc_table_fail(table, "%s %lu number%s for each example, but '%s' has %lu element%s",
                          table->part_count > 0 ? "it gives" : "this list gives", (unsigned long)given, given == 1 ? "" : "s",
                          table->source->tensor, (unsigned long)elements, elements == 1 ? "" : "s");
}

/* Of the rows in memory. */
static int check_values(NncTable *table, int is_float) {
    size_t range = table->source->index_range, i;
    char number[NNC_NUMBER_LENGTH];
    for (i = 0; i < table->count * table->width; i++) {
        double x = table->values[i];
        int fits = !is_float || fabs(x) <= (double)FLT_MAX;
        size_t row = table->first + i / table->width;
        if (range > 0 ? x >= 0 && x < (double)range && x == floor(x) : isfinite(x) && fits) continue;
        if (range > 0) {
            return nnc_table_fail_at(table, row, i % table->width, "%s is no index in 0..%lu", nnc_number_print(number, x),
                                     (unsigned long)range);
        }
        return nnc_table_fail_at(table, row, i % table->width,
                                 isfinite(x) ? "%s is more than a float can hold" : "%s is not a number to train with",
                                 nnc_number_print(number, x));
    }
    return 1;
}

/* The classes of the only column; several columns of classes have no common numbering that a target could use. */
static int keep_classes(NncTable *table) {
    const NncCsvColumn *column;
    NncArray *array = table->array;
    if (table->csv == NULL || table->csv->width != 1 || table->csv->columns->class_count == 0) return 1;
    column = table->csv->columns;
    array->classes = calloc(column->class_count, sizeof *array->classes);
    if (array->classes == NULL) return nnc_table_no_memory(table);
    for (; array->class_count < column->class_count; array->class_count++) {
        size_t size = strlen(column->classes[array->class_count]) + 1;
        char *copy = malloc(size);
        if (copy == NULL) return nnc_table_no_memory(table);
        array->classes[array->class_count] = memcpy(copy, column->classes[array->class_count], size);
    }
    return 1;
}

/* The names in the header. */
static int keep_names(NncTable *table) {
    NncArray *array = table->array;
    size_t i;
    if (table->csv == NULL) return 1;
    array->columns = calloc(table->csv->width + 1, sizeof *array->columns);
    if (array->columns == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < table->csv->width; i++) {
        const char *name = table->csv->columns[i].name;
        char *copy = name == NULL ? NULL : malloc(strlen(name) + 1);
        if (name != NULL && copy == NULL) return nnc_table_no_memory(table);
        array->columns[array->column_count++] = name == NULL ? NULL : strcpy(copy, name);
    }
    return 1;
}

static int check_table(NncTable *table, int is_float, Keeping keeping) {
    size_t first;
    if (keeping == PACKED && is_float && !nnc_table_pack(table)) return 0;
    if (table->array->bytes != NULL && !check_source_width(table)) return 0;
    for (first = 0; first < table->rows && table->array->bytes == NULL; first += table->count) {
        if (!nnc_table_load(table, first, table->source->step_count)) return 0;
        if (!check_source_width(table) || !check_values(table, is_float)) return 0;
    }
    table->array->width = table->width;
    return keep_classes(table) && keep_names(table);
}

/* ---- The block */

static int open_reader(NncReader *reader, const char *folder, const NncData *learned_from, uint64_t seed, Keeping keeping) {
    const NncBlock *block = reader->block;
    const NncData *data = reader->data;
    size_t i;
    if (block->source_count == 0) {
        snprintf(reader->error->message, sizeof reader->error->message, "data %s has no source", block->split);
        return 0;
    }
    if (!open_tables(reader, folder, learned_from, keeping)) return 0;
    cut_windows(reader);
    if (!same_rows(reader) || !split(reader, seed)) return 0;
    for (i = 0; i < block->source_count; i++) {
        NncTable *table = &reader->tables[i];
        if (!nnc_table_learn(table, data->training, data->training_count) || !check_table(table, block->is_float, keeping))
            return 0;
    }
    return 1;
}

/* NULL: it went wrong. */
static NncReader *new_reader(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed,
                             Keeping keeping, NncData *data, NncDataError *error) {
    NncReader *reader = calloc(1, sizeof *reader);
    memset(data, 0, sizeof *data);
    memset(error, 0, sizeof *error);
    error->step = error->other = -1;
    if (reader == NULL) {
        snprintf(error->message, sizeof error->message, "there is not enough memory for the data");
        return NULL;
    }
    reader->block = block;
    reader->data = data;
    reader->error = error;
    if (open_reader(reader, folder, learned_from, seed, keeping)) return reader;
    nnc_data_close(reader);
    nnc_data_free(data);
    return NULL;
}

static int load(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, Keeping keeping,
                NncData *data, NncDataError *error) {
    NncReader *reader = new_reader(block, folder, learned_from, seed, keeping, data, error);
    size_t i;
    for (i = 0; reader != NULL && i < block->source_count; i++) {
        data->arrays[i].values = reader->tables[i].values;
        reader->tables[i].values = NULL;
    }
    nnc_data_close(reader);
    return reader != NULL;
}

int nnc_data_load(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                  NncDataError *error) {
    return load(block, folder, learned_from, seed, IN_MEMORY, data, error);
}

int nnc_data_load_packed(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                         NncDataError *error) {
    return load(block, folder, learned_from, seed, PACKED, data, error);
}

int nnc_data_open(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                  NncReader **reader, NncDataError *error) {
    *reader = new_reader(block, folder, learned_from, seed, IN_FILES, data, error);
    return *reader != NULL;
}

const double *nnc_data_row(NncReader *reader, size_t source, size_t row, NncDataError *error) {
    NncTable *table = &reader->tables[source];
    table->error = error;
    if (!nnc_table_load(table, row, table->source->step_count)) return NULL;
    return table->values + (row - table->first) * table->width;
}

void nnc_data_close(NncReader *reader) {
    size_t i;
    if (reader == NULL) return;
    for (i = 0; reader->tables != NULL && i < reader->block->source_count; i++) nnc_table_close(&reader->tables[i]);
    free(reader->tables);
    free(reader);
}

void nnc_data_free(NncData *data) {
    size_t i, k;
    for (i = 0; i < data->array_count; i++) {
        NncArray *array = &data->arrays[i];
        for (k = 0; k < array->class_count; k++) free(array->classes[k]);
        for (k = 0; k < array->column_count; k++) free(array->columns[k]);
        for (k = 0; k < array->learned_count; k++) free(array->learned[k]);
        free(array->values);
        free(array->bytes);
        free(array->classes);
        free(array->columns);
        free(array->learned);
        free(array->learned_widths);
    }
    free(data->arrays);
    free(data->training);
    free(data->held_out);
    memset(data, 0, sizeof *data);
}
