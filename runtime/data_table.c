/* Messages about a table, and its memory. */
#include "data_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "iris.csv:7: what is wrong"; of a very long path the end. */
static int table_fail(NncTable *table, const char *place, const char *format, va_list list) {
    const size_t longest = 200;
    NncDataError *error = table->error;
    const char *path = table->path != NULL ? table->path : "";
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

int nnc_table_fail_place(NncTable *table, const char *place, const char *format, ...) {
    va_list list;
    va_start(list, format);
    table_fail(table, place, format, list);
    va_end(list);
    return 0;
}

int nnc_table_fail_at(NncTable *table, size_t row, size_t element, const char *format, ...) {
    char place[100];
    va_list list;
    int used;
    if (table->lines != NULL) {
        snprintf(place, sizeof place, ":%lu:%u", table->lines[row], table->places[row * table->array->width + element]);
    } else {
        used = snprintf(place, sizeof place, "%sexample %lu", table->path != NULL ? ": " : "", (unsigned long)row);
        if (table->path != NULL && table->array->width > 1)
            snprintf(place + used, sizeof place - (size_t)used, ", number %lu", (unsigned long)element);
    }
    va_start(list, format);
    table_fail(table, place, format, list);
    va_end(list);
    return 0;
}

int nnc_table_no_memory(NncTable *table) { return nnc_table_fail(table, "there is not enough memory for it"); }

int nnc_table_allocate(NncTable *table, size_t rows, size_t width) {
    if (width != 0 && rows > (size_t)-1 / sizeof(double) / width) return nnc_table_no_memory(table);
    table->array->values = malloc(rows * width == 0 ? 1 : rows * width * sizeof(double));
    if (table->array->values == NULL) return nnc_table_no_memory(table);
    table->rows = rows;
    table->array->width = width;
    return 1;
}
