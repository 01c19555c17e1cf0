/* Messages about a table, and the rows of it that are in memory. */
#include "data_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is wrong */

/* "iris.csv:7: what is wrong"; of a very long path the end. */
static int table_fail(NncTable *table, const char *place, const char *format, va_list list) {
    const size_t longest = 200;
    NncDataError *error = table->error;
    const char *path = table->part < table->part_count ? table->files[table->part].path : "";
    size_t length = strlen(path), used;
    if (length > longest) path += length - longest;
    used = (size_t)snprintf(error->message, sizeof error->message, "%s%s%s%s", length > longest ? "..." : "", path, place,
                            path[0] != '\0' || place[0] != '\0' ? ": " : "");
    vsnprintf(error->message + used, sizeof error->message - used, format, list);
    error->source = table->number;
    return 0;
}

int nnc_table_fail(NncTable *table, const char *format, ...) {
    va_list list;
    va_start(list, format);
    table_fail(table, "", format, list);
    va_end(list);
    return 0;
}

/* Counts the row from the start of its file. */
static size_t row_in_part(NncTable *table, size_t row) {
    for (table->part = 0; table->part + 1 < table->part_count && row >= table->parts[table->part].rows; table->part++)
        row -= table->parts[table->part].rows;
    return row;
}

int nnc_table_fail_at(NncTable *table, size_t row, size_t number, const char *format, ...) {
    char place[100];
    va_list list;
    size_t example = row_in_part(table, row), used;
    if (table->csv != NULL) {
        unsigned long line, column;
        if (!nnc_table_find_csv(table, row)) return 0;
        nnc_csv_place(table->csv, number, &line, &column);
        snprintf(place, sizeof place, ":%lu:%lu", line, column);
    } else {
        used = (size_t)snprintf(place, sizeof place, "%sexample %lu", table->part_count > 0 ? ": " : "", (unsigned long)example);
        if (table->part_count > 0 && table->width > 1)
            snprintf(place + used, sizeof place - used, ", number %lu", (unsigned long)number);
    }
    va_start(list, format);
    table_fail(table, place, format, list);
    va_end(list);
    return 0;
}

int nnc_table_fail_line(NncTable *table, unsigned long line, unsigned long column, const char *format, ...) {
    char place[60] = "";
    va_list list;
    if (line > 0) snprintf(place, sizeof place, column > 0 ? ":%lu:%lu" : ":%lu", line, column);
    va_start(list, format);
    table_fail(table, place, format, list);
    va_end(list);
    return 0;
}

int nnc_table_no_memory(NncTable *table) {
    table->error->memory = 1;
    return nnc_table_fail(table, "there is not enough memory for it");
}

/* ---- Bytes, and rows in memory */

int nnc_table_at(NncTable *table, size_t from, size_t length) {
    NncFileError problem = {"", 0};
    if (nnc_file_at(&table->files[table->part], from, length, &problem)) return 1;
    table->error->memory = problem.memory;
    return nnc_table_fail(table, "%s", problem.message);
}

int nnc_table_load(NncTable *table, size_t first, size_t steps) {
    size_t count = table->rows - first < table->room ? table->rows - first : table->room;
    int here = first >= table->first && first - table->first < table->count;
    if (here && table->steps_done <= steps) return nnc_table_steps(table, steps);
    free(table->values);
    table->count = 0;
    table->values = NULL;
    if (table->raw_width == 0 || count <= (size_t)-1 / sizeof(double) / table->raw_width)
        table->values = malloc(count * table->raw_width == 0 ? 1 : count * table->raw_width * sizeof(double));
    if (table->values == NULL) return nnc_table_no_memory(table);
    table->width = table->raw_width;
    table->steps_done = 0;
    if (!nnc_table_decode(table, first, count, table->values)) return 0;
    table->first = first;
    table->count = count;
    return nnc_table_steps(table, steps);
}
