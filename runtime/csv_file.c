/* CSV from a file: the whole of it is read, then parsed (csv.c). */
#include "csv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int csv_file_fail(NncCsvError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    error->line = error->column = 0;
    return 0;
}

static char *read_file(FILE *file, size_t *length) {
    size_t capacity = 1 << 16;
    char *text = malloc(capacity);
    *length = 0;
    while (text != NULL) {
        char *larger;
        *length += fread(text + *length, 1, capacity - *length, file);
        if (*length < capacity) return text;
        capacity *= 2;
        larger = realloc(text, capacity);
        if (larger == NULL) free(text);
        text = larger;
    }
    return NULL;
}

int nnc_csv_read(const char *path, const NncCsvColumns *columns, size_t column_count, NncCsvHeader header, NncCsv *csv,
                 NncCsvError *error) {
    FILE *file = fopen(path, "rb");
    size_t length;
    char *text;
    int fine;
    memset(csv, 0, sizeof *csv);
    if (file == NULL) return csv_file_fail(error, "it cannot be opened: %s", strerror(errno));
    errno = 0;
    text = read_file(file, &length);
    if (text == NULL) {
        fine = csv_file_fail(error, "there is not enough memory for it");
    } else if (ferror(file)) {
        fine = csv_file_fail(error, "it cannot be read: %s", strerror(errno));
    } else if (length >= 2 && (unsigned char)text[0] == 0x1F && (unsigned char)text[1] == 0x8B) {
        fine = csv_file_fail(error, "it is compressed: unpack it with gunzip first");
    } else {
        fine = nnc_csv_parse(text, length, columns, column_count, header, csv, error);
    }
    free(text);
    fclose(file);
    return fine;
}
