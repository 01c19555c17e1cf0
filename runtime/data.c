/* Sources are read (data_source.c, data_idx.c, data_npy.c), the examples split, the steps run (data_steps.c), the results
   checked. */
#include "data.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_table.h"
#include "random.h"
#include "strict.h"

typedef struct {
    const NncBlock *block;
    NncTable *tables; /* as many as the block has sources */
    NncData *data;
    NncDataError *error;
} Loader;

static int loader_no_memory(Loader *loader) {
    snprintf(loader->error->message, sizeof loader->error->message, "there is not enough memory for the data");
    return 0;
}

/* ---- What is read */

static char *join(const char *folder, const char *file) {
    int alone = folder == NULL || folder[0] == '\0' || file[0] == '/';
    size_t size = strlen(file) + (alone ? 0 : strlen(folder)) + 2;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s%s%s", alone ? "" : folder, alone ? "" : "/", file);
    return path;
}

static const NncArray *known_array(const NncData *data, const char *tensor) {
    size_t i;
    for (i = 0; data != NULL && i < data->array_count; i++) {
        if (strcmp(data->arrays[i].tensor, tensor) == 0) return &data->arrays[i];
    }
    return NULL;
}

static int make_tables(Loader *loader, const char *folder, const NncData *learned_from) {
    const NncBlock *block = loader->block;
    size_t count = block->source_count, i;
    loader->tables = calloc(count + 1, sizeof *loader->tables);
    loader->data->arrays = calloc(count + 1, sizeof *loader->data->arrays);
    if (loader->tables == NULL || loader->data->arrays == NULL) return loader_no_memory(loader);
    loader->data->array_count = count;
    for (i = 0; i < count; i++) {
        NncTable *table = &loader->tables[i];
        table->source = &block->sources[i];
        table->number = i;
        table->known = known_array(learned_from, table->source->tensor);
        table->array = &loader->data->arrays[i];
        table->array->tensor = table->source->tensor;
        table->error = loader->error;
        if (table->source->format == NNC_LITERAL) continue;
        table->path = join(folder, table->source->file);
        if (table->path == NULL) return loader_no_memory(loader);
    }
    return 1;
}

static int read_tables(Loader *loader) {
    size_t i;
    for (i = 0; i < loader->block->source_count; i++) {
        NncTable *table = &loader->tables[i];
        if (!nnc_table_read(table)) return 0;
        if (table->source->format == NNC_BYTES) continue;
        free(table->bytes);
        table->bytes = NULL;
    }
    return 1;
}

/* Sources that cut one file at one stride belong together, window by window: there are as many as fit for all. */
static int same_cut(const NncTable *a, const NncTable *b) {
    size_t stride_a = a->source->stride > 0 ? a->source->stride : a->source->window;
    size_t stride_b = b->source->stride > 0 ? b->source->stride : b->source->window;
    return b->source->format == NNC_BYTES && strcmp(a->path, b->path) == 0 && stride_a == stride_b;
}

static int cut_windows(Loader *loader) {
    size_t i, k, count, other;
    for (i = 0; i < loader->block->source_count; i++) {
        NncTable *table = &loader->tables[i];
        if (table->source->format != NNC_BYTES) continue;
        if (!nnc_table_window_count(table, &count)) return 0;
        for (k = 0; k < loader->block->source_count; k++) {
            if (!same_cut(table, &loader->tables[k])) continue;
            if (!nnc_table_window_count(&loader->tables[k], &other)) return 0;
            if (other < count) count = other;
        }
        if (!nnc_table_windows(table, count)) return 0;
    }
    return 1;
}

/* ---- Rows */

static int same_rows(Loader *loader) {
    NncTable *first = &loader->tables[0], *table;
    const char *place = first->source->place;
    size_t i, rows = first->rows;
    for (i = 1; i < loader->block->source_count; i++) {
        table = &loader->tables[i];
        if (table->rows == rows) continue;
        loader->error->other = 0;
        return nnc_table_fail(table, "'%s' has %lu example%s, but '%s'%s%s%s has %lu", table->source->tensor,
                              (unsigned long)table->rows, table->rows == 1 ? "" : "s", first->source->tensor,
                              place != NULL ? " (" : "", place != NULL ? place : "", place != NULL ? ")" : "",
                              (unsigned long)rows);
    }
    loader->data->rows = rows;
    if (rows > 0 && rows <= INT32_MAX) return 1;
    return nnc_table_fail(first, "%lu examples are too %s", (unsigned long)rows, rows == 0 ? "few" : "many");
}

static int split(Loader *loader, uint64_t seed) {
    NncData *data = loader->data;
    size_t rows = data->rows, i, training = 0, held_out = 0;
    uint32_t *order = malloc(rows * sizeof *order), row;
    char *held = calloc(rows, 1);
    data->held_out_count = (size_t)floor((double)rows * loader->block->holdout + 0.5);
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
    return training > 0 ? 1 : loader_no_memory(loader);
}

/* ---- Checks */

static int check_source_width(NncTable *table) {
    size_t elements = table->source->width, given = table->array->width;
    if (given == elements) return 1;
    table->error->shape = 1;
    return nnc_table_fail(table, "%s %lu number%s for each example, but '%s' has %lu element%s",
                          table->path != NULL ? "it gives" : "this list gives", (unsigned long)given, given == 1 ? "" : "s",
                          table->source->tensor, (unsigned long)elements, elements == 1 ? "" : "s");
}

static int check_values(NncTable *table, int is_float) {
    const NncArray *array = table->array;
    size_t range = table->source->index_range, i;
    char number[NNC_NUMBER_LENGTH];
    for (i = 0; i < table->rows * array->width; i++) {
        double x = array->values[i];
        int fits = !is_float || fabs(x) <= (double)FLT_MAX;
        if (range > 0 ? x >= 0 && x < (double)range && x == floor(x) : isfinite(x) && fits) continue;
        if (range > 0) {
            return nnc_table_fail_at(table, i / array->width, i % array->width, "%s is no index in 0..%lu",
                                     nnc_number_print(number, x), (unsigned long)range);
        }
        return nnc_table_fail_at(table, i / array->width, i % array->width,
                                 isfinite(x) ? "%s is more than a float can hold" : "%s is not a number to train with",
                                 nnc_number_print(number, x));
    }
    return 1;
}

/* ---- The block */

static int load(Loader *loader, const char *folder, const NncData *learned_from, uint64_t seed) {
    size_t i;
    if (loader->block->source_count == 0) {
        snprintf(loader->error->message, sizeof loader->error->message, "data %s has no source", loader->block->split);
        return 0;
    }
    if (!make_tables(loader, folder, learned_from)) return 0;
    if (!read_tables(loader) || !cut_windows(loader) || !same_rows(loader) || !split(loader, seed)) return 0;
    for (i = 0; i < loader->block->source_count; i++) {
        NncTable *table = &loader->tables[i];
        if (!nnc_table_steps(table, loader->data->training, loader->data->training_count)) return 0;
        if (!check_source_width(table) || !check_values(table, loader->block->is_float)) return 0;
    }
    return 1;
}

int nnc_data_load(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                  NncDataError *error) {
    Loader loader;
    size_t i;
    int fine;
    memset(&loader, 0, sizeof loader);
    memset(data, 0, sizeof *data);
    memset(error, 0, sizeof *error);
    loader.block = block;
    loader.data = data;
    loader.error = error;
    error->step = error->other = -1;
    fine = load(&loader, folder, learned_from, seed);
    for (i = 0; loader.tables != NULL && i < block->source_count; i++) {
        free(loader.tables[i].path);
        free(loader.tables[i].lines);
        free(loader.tables[i].places);
        free(loader.tables[i].bytes);
    }
    free(loader.tables);
    if (!fine) nnc_data_free(data);
    return fine;
}

void nnc_data_free(NncData *data) {
    size_t i, k;
    for (i = 0; i < data->array_count; i++) {
        NncArray *array = &data->arrays[i];
        for (k = 0; k < array->class_count; k++) free(array->classes[k]);
        for (k = 0; k < array->column_count; k++) free(array->columns[k]);
        for (k = 0; k < array->learned_count; k++) free(array->learned[k]);
        free(array->values);
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
