/* Where the numbers of a table come from: files and lists. */
#include "data_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "file.h"

/* ---- CSV */

static void class_list(const NncCsvColumn *column, char *out, size_t size) {
    size_t i, used = 0;
    out[0] = '\0';
    for (i = 0; i < column->class_count && i < 8; i++) {
        int length = snprintf(out + used, size - used, "%s%.40s", i == 0 ? "" : ", ", column->classes[i]);
        if (length < 0 || (size_t)length >= size - used) return;
        used += (size_t)length;
    }
}

/* Text in a column that is then calculated with, and not counted, is a mistake. */
static int check_text_columns(NncTable *table, const NncCsv *csv) {
    const NncSource *source = table->source;
    int counted = source->index_range > 0;
    char list[200], number[48], *end;
    size_t i, text, row;
    for (i = 0; i < source->step_count; i++) counted |= source->steps[i].kind == NNC_ONE_HOT;
    for (i = 0; i < csv->width && !counted; i++) {
        if (csv->columns[i].class_count == 0) continue;
        class_list(&csv->columns[i], list, sizeof list);
        snprintf(number, sizeof number, "%lu of those chosen", (unsigned long)i);
        for (text = 0; text + 1 < csv->columns[i].class_count; text++) { /* the first that is no number */
            if (strtod(csv->columns[i].classes[text], &end), end == csv->columns[i].classes[text] || *end != '\0') break;
        }
        for (row = 0; row + 1 < table->rows && table->array->values[row * csv->width + i] != (double)text;) row++;
        return nnc_table_fail_at(
            table, row, i, "column %.60s holds text (%s), but '%s' wants numbers; write -> one_hot behind a column of classes",
            csv->columns[i].name != NULL ? csv->columns[i].name : number, list, source->tensor);
    }
    return 1;
}

/* Numbers the classes of the file as the data before did. */
static int renumber(NncTable *table) {
    NncArray *array = table->array;
    const NncArray *known = table->known;
    size_t i, row, *numbers = malloc(array->class_count * sizeof *numbers);
    int fine = numbers != NULL || nnc_table_no_memory(table);
    for (i = 0; i < array->class_count && fine; i++) {
        for (numbers[i] = 0; numbers[i] < known->class_count; numbers[i]++) {
            if (strcmp(known->classes[numbers[i]], array->classes[i]) == 0) break;
        }
        if (numbers[i] < known->class_count) continue;
        for (row = 0; array->values[row] != (double)i; row++) {
        }
        fine = nnc_table_fail_at(table, row, 0, "the data that '%s' was trained with have no class '%.60s'",
                                 table->source->tensor, array->classes[i]);
    }
    for (row = 0; row < table->rows && fine; row++) array->values[row] = (double)numbers[(size_t)array->values[row]];
    free(numbers);
    return fine;
}

static int copy_classes(NncTable *table, const NncArray *from) {
    NncArray *array = table->array;
    size_t i;
    for (i = 0; i < array->class_count; i++) free(array->classes[i]);
    free(array->classes);
    array->class_count = 0;
    array->classes = calloc(from->class_count, sizeof *array->classes);
    if (array->classes == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < from->class_count; i++) {
        size_t size = strlen(from->classes[i]) + 1;
        array->classes[i] = malloc(size);
        if (array->classes[i] == NULL) return nnc_table_no_memory(table);
        memcpy(array->classes[i], from->classes[i], size);
        array->class_count++;
    }
    return 1;
}

/* Keeps the classes of the only column; several columns of classes have no common numbering that a target could use. */
static int keep_classes(NncTable *table, NncCsv *csv) {
    if (csv->width != 1 || csv->columns[0].class_count == 0) return 1;
    table->array->class_count = csv->columns[0].class_count;
    table->array->classes = csv->columns[0].classes;
    csv->columns[0].class_count = 0;
    csv->columns[0].classes = NULL;
    if (table->known == NULL || table->known->class_count == 0) return 1;
    return renumber(table) && copy_classes(table, table->known);
}

/* The names in the header, which go on from the file's columns to the array. */
static int keep_names(NncTable *table, NncCsv *csv) {
    NncArray *array = table->array;
    size_t i;
    array->columns = calloc(csv->width + 1, sizeof *array->columns);
    if (array->columns == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < csv->width; i++) {
        array->columns[i] = csv->columns[i].name;
        csv->columns[i].name = NULL;
    }
    array->column_count = csv->width;
    return 1;
}

static int fail_in_csv(NncTable *table, const NncCsvError *error) {
    char place[48] = "";
    if (error->line != 0) snprintf(place, sizeof place, error->column != 0 ? ":%lu:%lu" : ":%lu", error->line, error->column);
    return nnc_table_fail_place(table, place, "%s", error->message);
}

static int read_csv(NncTable *table) {
    const NncSource *source = table->source;
    NncCsvColumns *columns = calloc(source->column_count + 1, sizeof *columns);
    NncCsvHeader header = source->header < 0 ? NNC_CSV_AUTO : source->header > 0 ? NNC_CSV_HEADER : NNC_CSV_NO_HEADER;
    NncCsv csv;
    NncCsvError error;
    size_t i;
    int fine;
    if (columns == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < source->column_count; i++) {
        columns[i].name = source->columns[i].name;
        columns[i].from = source->columns[i].from;
        columns[i].to = source->columns[i].to;
    }
    fine = nnc_csv_read(table->path, columns, source->column_count, header, &csv, &error);
    free(columns);
    if (!fine) return fail_in_csv(table, &error);
    table->rows = csv.rows;
    table->lines = csv.lines;
    table->places = csv.places;
    table->array->width = csv.width;
    table->array->values = csv.values;
    csv.lines = NULL;
    csv.places = NULL;
    csv.values = NULL;
    fine = check_text_columns(table, &csv) && keep_classes(table, &csv) && keep_names(table, &csv);
    nnc_csv_free(&csv);
    return fine;
}

/* ---- Bytes: example k is the `window` bytes from offset + k * stride on */

static size_t stride_of(const NncSource *source) { return source->stride > 0 ? source->stride : source->window; }

int nnc_table_window_count(NncTable *table, size_t *count) {
    const NncSource *source = table->source;
    if (source->window == 0) return nnc_table_fail(table, "a window of 0 bytes holds nothing");
    if (source->offset > table->length || table->length - source->offset < source->window) {
        return nnc_table_fail(table, "a window of %lu byte%s at offset %lu does not fit: there are %lu bytes",
                              (unsigned long)source->window, source->window == 1 ? "" : "s", (unsigned long)source->offset,
                              (unsigned long)table->length);
    }
    *count = (table->length - source->offset - source->window) / stride_of(source) + 1;
    return 1;
}

int nnc_table_windows(NncTable *table, size_t count) {
    const NncSource *source = table->source;
    size_t row, i;
    if (!nnc_table_allocate(table, count, source->window)) return 0;
    for (row = 0; row < count; row++) {
        const unsigned char *window = table->bytes + source->offset + row * stride_of(source);
        for (i = 0; i < source->window; i++) table->array->values[row * source->window + i] = window[i];
    }
    return 1;
}

/* ---- Any */

static int read_bytes(NncTable *table) {
    NncFile file;
    NncFileError error;
    if (!nnc_file_read(table->path, table->source->format != NNC_NPY, &file, &error))
        return nnc_table_fail(table, "%s", error.message);
    table->bytes = file.bytes;
    table->length = file.length;
    return 1;
}

int nnc_table_read(NncTable *table) {
    const NncSource *source = table->source;
    switch (source->format) {
    case NNC_LITERAL:
        if (!nnc_table_allocate(table, source->literal_rows, source->literal_width)) return 0;
        memcpy(table->array->values, source->literal, source->literal_rows * source->literal_width * sizeof(double));
        return 1;
    case NNC_CSV: return read_csv(table);
    case NNC_IDX: return read_bytes(table) && nnc_table_read_idx(table);
    case NNC_NPY: return read_bytes(table) && nnc_table_read_npy(table);
    case NNC_BYTES: return read_bytes(table);
    }
    return nnc_table_fail(table, "there is no format %d", (int)source->format);
}
