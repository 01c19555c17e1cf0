/* Tables from CSV files. */
#include "data_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail_in_csv(NncTable *table) {
    const NncCsvError *error = &table->csv_error;
    table->part = error->file;
    table->error->memory = error->memory;
    return nnc_table_fail_line(table, error->line, error->column, "%s", error->message);
}

/* ---- Classes */

static void class_list(const NncCsvColumn *column, char *out, size_t size) {
    size_t i, used = 0;
    out[0] = '\0';
    for (i = 0; i < column->class_count && i < 8; i++) {
        int length = snprintf(out + used, size - used, "%s%.40s", i == 0 ? "" : ", ", column->classes[i]);
        if (length < 0 || (size_t)length >= size - used) return;
        used += (size_t)length;
    }
}

/* A column chosen, in which `found` is the first row with a text that is no number. */
static int fail_at_text(NncTable *table, size_t i, size_t found) {
    const NncCsvColumn *column = &table->csv->columns[i];
    char list[200], number[48];
    class_list(column, list, sizeof list);
    snprintf(number, sizeof number, "%lu of those chosen", (unsigned long)i);
    return nnc_table_fail_at(table, found, i,
                             "column %.60s holds text (%s), but '%s' wants numbers; write -> one_hot behind a column of classes",
                             column->name != NULL ? column->name : number, list, table->source->tensor);
}

/* Text in a column that is then calculated with, and not counted, is a mistake. */
static int check_text_columns(NncTable *table) {
    const NncSource *source = table->source;
    NncCsv *csv = table->csv;
    int counted = source->index_range > 0, fine = 1;
    size_t i, row, found = csv->rows;
    double *values;
    char *end;
    for (i = 0; i < source->step_count; i++) counted |= source->steps[i].kind == NNC_ONE_HOT;
    for (i = 0; i < csv->width && csv->columns[i].is_number; i++) {
    }
    if (counted || i == csv->width) return 1;
    values = malloc(csv->width * sizeof *values);
    if (values == NULL) return nnc_table_no_memory(table);
    for (row = 0; row < csv->rows && fine; row++) {
        const char *text;
        fine = nnc_csv_next(csv, values);
        if (!fine || found < csv->rows) continue;
        text = csv->columns[i].classes[(size_t)values[i]];
        if (strtod(text, &end), end == text || *end != '\0') found = row;
    }
    free(values);
    return fine ? fail_at_text(table, i, found < csv->rows ? found : 0) : fail_in_csv(table);
}

/* The classes of the data before, and no others. Several columns of classes have no common numbering that a target could use. */
static int take_known_classes(NncTable *table) {
    const NncArray *known = table->known;
    NncCsvColumn *column = table->csv->columns;
    size_t i;
    if (table->csv->width != 1 || column->is_number || known == NULL || known->class_count == 0) return 1;
    column->classes = calloc(known->class_count, sizeof *column->classes);
    if (column->classes == NULL) return nnc_table_no_memory(table);
    column->class_room = known->class_count;
    column->only_known = table->source->tensor;
    for (i = 0; i < known->class_count; i++) {
        size_t size = strlen(known->classes[i]) + 1;
        column->classes[i] = malloc(size);
        if (column->classes[i] == NULL) return nnc_table_no_memory(table);
        memcpy(column->classes[i], known->classes[i], size);
        column->class_count++;
    }
    return 1;
}

/* ---- Rows */

int nnc_table_open_csv(NncTable *table) {
    const NncSource *source = table->source;
    NncCsvColumns *columns = calloc(source->column_count + 1, sizeof *columns);
    NncCsvHeader header = source->header < 0 ? NNC_CSV_AUTO : source->header > 0 ? NNC_CSV_HEADER : NNC_CSV_NO_HEADER;
    size_t i;
    int fine;
    table->csv = calloc(1, sizeof *table->csv);
    if (columns == NULL || table->csv == NULL) {
        free(columns);
        return nnc_table_no_memory(table);
    }
    for (i = 0; i < source->column_count; i++) {
        columns[i].name = source->columns[i].name;
        columns[i].from = source->columns[i].from;
        columns[i].to = source->columns[i].to;
    }
    fine = nnc_csv_open(table->csv, table->files, table->part_count, columns, source->column_count, header, &table->csv_error);
    free(columns);
    if (!fine) return fail_in_csv(table);
    for (i = 0; i < table->part_count; i++) table->parts[i].rows = table->csv->file_rows[i];
    table->raw_width = table->csv->width;
    if (!check_text_columns(table) || !take_known_classes(table)) return 0;
    return nnc_csv_rewind(table->csv) || fail_in_csv(table);
}

static int skip_rows(NncTable *table, size_t first) {
    if (first < table->csv_row) {
        if (!nnc_csv_rewind(table->csv)) return fail_in_csv(table);
        table->csv_row = 0;
    }
    for (; table->csv_row < first; table->csv_row++) {
        if (!nnc_csv_next(table->csv, NULL)) return fail_in_csv(table);
    }
    return 1;
}

int nnc_table_decode_csv(NncTable *table, size_t first, size_t count, double *values) {
    if (!skip_rows(table, first)) return 0;
    for (; table->csv_row < first + count; table->csv_row++) {
        if (!nnc_csv_next(table->csv, values)) return fail_in_csv(table);
        values += table->raw_width;
    }
    return 1;
}

int nnc_table_find_csv(NncTable *table, size_t row) {
    table->csv_row = row + 1; /* wherever it stands: go back */
    return skip_rows(table, 0) && skip_rows(table, row + 1);
}
