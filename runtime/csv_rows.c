#include "csv_rows.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nnc_csv_fail(NncCsvRows *rows, unsigned long line, size_t column, const char *format, ...) {
    NncCsvError *error = rows->error;
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    error->file = rows->number;
    error->line = line;
    error->column = (unsigned long)column;
    return 0;
}

int nnc_csv_no_memory(NncCsvRows *rows) {
    rows->error->memory = 1;
    return nnc_csv_fail(rows, 0, 0, "there is not enough memory for it");
}

const char *nnc_csv_excerpt(char out[NNC_CSV_EXCERPT], const char *text, size_t length) {
    size_t i, shown = length > 40 ? 40 : length;
    for (i = 0; i < shown; i++) out[i] = (char)((unsigned char)text[i] < 32 || text[i] == 127 ? '?' : text[i]);
    strcpy(out + shown, length > 40 ? "..." : "");
    return out;
}

/* ---- Rows */

static int add_field(NncCsvRows *rows, NncCsvField field) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
        NncCsvField *larger = realloc(rows->fields, capacity * sizeof *larger);
        if (larger == NULL) return nnc_csv_no_memory(rows);
        rows->fields = larger;
        rows->capacity = capacity;
    }
    rows->fields[rows->count++] = field;
    return 1;
}

static int at_end_of_line(const NncCsvRows *rows) {
    if (rows->at == rows->length || rows->text[rows->at] == '\n') return 1;
    return rows->text[rows->at] == '\r' && (rows->at + 1 == rows->length || rows->text[rows->at + 1] == '\n');
}

static void next_line(NncCsvRows *rows) {
    if (rows->at < rows->length && rows->text[rows->at] == '\r') rows->at++;
    if (rows->at < rows->length) rows->at++;
    rows->line++;
    rows->line_start = rows->at;
}

static int is_space(char c) { return c == ' ' || c == '\t'; }

static int read_quoted(NncCsvRows *rows, NncCsvField *field) {
    unsigned long line = rows->line;
    field->text = rows->text + ++rows->at;
    for (;; rows->at++) {
        if (rows->at == rows->length) return nnc_csv_fail(rows, line, field->column, "the quote is never closed");
        if (rows->text[rows->at] == '\n') {
            rows->line++;
            rows->line_start = rows->at + 1;
        }
        if (rows->text[rows->at] != '"') continue;
        if (rows->at + 1 < rows->length && rows->text[rows->at + 1] == '"') {
            field->doubled = 1;
            rows->at++;
            continue;
        }
        break;
    }
    field->length = (size_t)(rows->text + rows->at - field->text);
    rows->at++;
    while (rows->at < rows->length && is_space(rows->text[rows->at])) rows->at++;
    if (at_end_of_line(rows) || rows->text[rows->at] == ',') return 1;
    return nnc_csv_fail(rows, rows->line, rows->at - rows->line_start + 1, "a comma was expected after the closing quote");
}

static int read_field(NncCsvRows *rows, NncCsvField *field) {
    size_t start = rows->at, end;
    memset(field, 0, sizeof *field);
    while (start < rows->length && is_space(rows->text[start])) start++;
    field->column = start - rows->line_start + 1;
    if (start < rows->length && rows->text[start] == '"') {
        rows->at = start;
        return read_quoted(rows, field);
    }
    while (!at_end_of_line(rows) && rows->text[rows->at] != ',') {
        if (rows->text[rows->at] == '\0') {
            return nnc_csv_fail(rows, rows->line, rows->at - rows->line_start + 1, "a byte 0: this is not a text file");
        }
        rows->at++;
    }
    end = rows->at;
    if (start > end) start = end;
    while (end > start && is_space(rows->text[end - 1])) end--;
    field->text = rows->text + start;
    field->length = end - start;
    return 1;
}

/* Within the window, whose end may not be that of the file: then it is tried again with more. */
static int row_in_window(NncCsvRows *rows) {
    size_t at;
    for (at = rows->at; at < rows->length && strchr(" \t\r\n", rows->text[at]) != NULL && rows->text[at] != '\0'; at++) {
    }
    if (at == rows->length) {
        rows->at = at;
        return -1;
    }
    rows->count = 0;
    rows->row_line = rows->line;
    for (;;) {
        NncCsvField field;
        if (!read_field(rows, &field) || !add_field(rows, field)) return 0;
        if (at_end_of_line(rows)) break;
        rows->at++;
    }
    next_line(rows);
    return 1;
}

/* Moves the window so that it begins with the row at place `at` of the file, and has more than `length` bytes, if the file has. */
static int move_window(NncCsvRows *rows, size_t at, size_t length) {
    NncFileError problem = {"", 0};
    if (!nnc_file_at(rows->file, at, length + 1, &problem)) {
        rows->error->memory = problem.memory;
        return nnc_csv_fail(rows, 0, 0, "%s", problem.message);
    }
    rows->text = (const char *)rows->file->bytes;
    rows->length = rows->file->length;
    rows->at = rows->line_start = at - rows->file->start;
    return 1;
}

int nnc_csv_start(NncCsvRows *rows, NncFile *file, size_t number) {
    rows->file = file;
    rows->number = number;
    rows->line = 1;
    if (!move_window(rows, 0, 2)) return 0;
    if (rows->length >= 3 && memcmp(rows->text, "\xEF\xBB\xBF", 3) == 0) rows->at = rows->line_start = 3; /* UTF-8's mark */
    return 1;
}

int nnc_csv_row(NncCsvRows *rows) {
    for (;;) {
        size_t start = rows->at, length = rows->length - start;
        unsigned long line = rows->line;
        int state = row_in_window(rows);
        if (rows->at < rows->length || rows->file->ended) return state;
        rows->line = line;
        if (!move_window(rows, rows->file->start + start, 2 * length)) return 0;
    }
}

/* ---- Numbers */

static int same_word(const char *text, size_t length, const char *word) {
    size_t i;
    if (strlen(word) != length) return 0;
    for (i = 0; i < length; i++) {
        if ((text[i] | 32) != word[i]) return 0;
    }
    return 1;
}

static size_t digits(const char *text, size_t length, size_t at) {
    while (at < length && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit before the e. Independent of the locale but for the decimal
   point of strtod, which is that of the C locale unless the program changed it. */
NncCsvSort nnc_csv_number(const NncCsvField *field, double *value) {
    const char *text = field->text;
    size_t length = field->length, at = 0, first, second;
    char copy[64], *large = copy;
    if (length > 0 && (text[0] == '+' || text[0] == '-')) at = 1;
    if (same_word(text + at, length - at, "nan") || same_word(text + at, length - at, "inf") ||
        same_word(text + at, length - at, "infinity")) {
        return NNC_CSV_REFUSED;
    }
    first = digits(text, length, at);
    second = first;
    if (first < length && text[first] == '.') second = digits(text, length, first + 1);
    if (first - at + (second > first ? second - first - 1 : 0) == 0) return NNC_CSV_TEXT;
    at = second;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-')) at++;
        if (digits(text, length, at) == at) return NNC_CSV_TEXT;
        at = digits(text, length, at);
    }
    if (at != length) return NNC_CSV_TEXT;
    if (length >= sizeof copy) large = malloc(length + 1);
    if (large == NULL) return NNC_CSV_REFUSED;
    memcpy(large, text, length);
    large[length] = '\0';
    *value = strtod(large, NULL);
    if (large != copy) free(large);
    return isinf(*value) ? NNC_CSV_REFUSED : NNC_CSV_NUMBER;
}

/* ---- Texts */

int nnc_csv_is(const NncCsvField *field, const char *text) {
    size_t i, n = 0, length = strlen(text);
    for (i = 0; i < field->length; i++, n++) {
        if (n >= length || field->text[i] != text[n]) return 0;
        if (field->doubled && field->text[i] == '"') i++;
    }
    return n == length;
}

char *nnc_csv_text(const NncCsvField *field) {
    char *copy = malloc(field->length + 1);
    size_t i, n = 0;
    if (copy == NULL) return NULL;
    for (i = 0; i < field->length; i++) {
        copy[n++] = field->text[i];
        if (field->doubled && field->text[i] == '"') i++;
    }
    copy[n] = '\0';
    return copy;
}
