/* Goes over the text twice: first to learn how many rows there are and which columns are numbers, then to read them. */
#include "csv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *text; /* between the quotes, if there are any */
    size_t length, column;
    int doubled; /* holds "" for " */
} Field;

typedef struct {
    const char *text;
    size_t length, at, line_start;
    unsigned long line;
    Field *fields; /* of the row that was read last */
    size_t count, capacity;
    unsigned long row_line;
    NncCsvError *error;
} Reader;

static int csv_fail(NncCsvError *error, unsigned long line, size_t column, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    error->line = line;
    error->column = (unsigned long)column;
    return 0;
}

static int csv_no_memory(NncCsvError *error) { return csv_fail(error, 0, 0, "there is not enough memory for it"); }

/* For messages: at most 40 bytes of a field. */
enum { EXCERPT = 48 };
static const char *excerpt(char out[EXCERPT], const char *text, size_t length) {
    size_t i, shown = length > 40 ? 40 : length;
    for (i = 0; i < shown; i++) out[i] = (char)((unsigned char)text[i] < 32 || text[i] == 127 ? '?' : text[i]);
    strcpy(out + shown, length > 40 ? "..." : "");
    return out;
}

/* ---- Rows */

static int add_field(Reader *reader, Field field) {
    if (reader->count == reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 16 : reader->capacity * 2;
        Field *larger = realloc(reader->fields, capacity * sizeof *larger);
        if (larger == NULL) return csv_no_memory(reader->error);
        reader->fields = larger;
        reader->capacity = capacity;
    }
    reader->fields[reader->count++] = field;
    return 1;
}

static int at_end_of_line(const Reader *reader) {
    if (reader->at == reader->length || reader->text[reader->at] == '\n') return 1;
    return reader->text[reader->at] == '\r' && (reader->at + 1 == reader->length || reader->text[reader->at + 1] == '\n');
}

static void next_line(Reader *reader) {
    if (reader->at < reader->length && reader->text[reader->at] == '\r') reader->at++;
    if (reader->at < reader->length) reader->at++;
    reader->line++;
    reader->line_start = reader->at;
}

static int is_space(char c) { return c == ' ' || c == '\t'; }

static int read_quoted(Reader *reader, Field *field) {
    unsigned long line = reader->line;
    field->text = reader->text + ++reader->at;
    for (;; reader->at++) {
        if (reader->at == reader->length) return csv_fail(reader->error, line, field->column, "the quote is never closed");
        if (reader->text[reader->at] == '\n') {
            reader->line++;
            reader->line_start = reader->at + 1;
        }
        if (reader->text[reader->at] != '"') continue;
        if (reader->at + 1 < reader->length && reader->text[reader->at + 1] == '"') {
            field->doubled = 1;
            reader->at++;
            continue;
        }
        break;
    }
    field->length = (size_t)(reader->text + reader->at - field->text);
    reader->at++;
    while (reader->at < reader->length && is_space(reader->text[reader->at])) reader->at++;
    if (at_end_of_line(reader) || reader->text[reader->at] == ',') return 1;
    return csv_fail(reader->error, reader->line, reader->at - reader->line_start + 1,
                    "a comma was expected after the closing quote");
}

static int read_field(Reader *reader, Field *field) {
    size_t start = reader->at, end;
    memset(field, 0, sizeof *field);
    while (start < reader->length && is_space(reader->text[start])) start++;
    field->column = start - reader->line_start + 1;
    if (start < reader->length && reader->text[start] == '"') {
        reader->at = start;
        return read_quoted(reader, field);
    }
    while (!at_end_of_line(reader) && reader->text[reader->at] != ',') {
        if (reader->text[reader->at] == '\0') {
            return csv_fail(reader->error, reader->line, reader->at - reader->line_start + 1,
                            "a byte 0: this is not a text file");
        }
        reader->at++;
    }
    end = reader->at;
    if (start > end) start = end;
    while (end > start && is_space(reader->text[end - 1])) end--;
    field->text = reader->text + start;
    field->length = end - start;
    return 1;
}

/* Reads a row. 1: here it is; 0: an error; -1: there is none left. */
static int next_row(Reader *reader) {
    size_t at;
    for (at = reader->at; at < reader->length && strchr(" \t\r\n", reader->text[at]) != NULL && reader->text[at] != '\0'; at++) {
    }
    if (at == reader->length) return -1;
    reader->count = 0;
    reader->row_line = reader->line;
    for (;;) {
        Field field;
        if (!read_field(reader, &field) || !add_field(reader, field)) return 0;
        if (at_end_of_line(reader)) break;
        reader->at++;
    }
    next_line(reader);
    return 1;
}

static void rewind_to(Reader *reader, size_t at, unsigned long line) {
    reader->at = reader->line_start = at;
    reader->line = line;
}

/* ---- Numbers */

typedef enum { NUMBER, TEXT, REFUSED } Sort; /* REFUSED: nan, inf and what no double can hold */

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
static Sort number_of(const Field *field, double *value) {
    const char *text = field->text;
    size_t length = field->length, at = 0, first, second;
    char copy[64], *large = copy;
    if (length > 0 && (text[0] == '+' || text[0] == '-')) at = 1;
    if (same_word(text + at, length - at, "nan") || same_word(text + at, length - at, "inf") ||
        same_word(text + at, length - at, "infinity")) {
        return REFUSED;
    }
    first = digits(text, length, at);
    second = first;
    if (first < length && text[first] == '.') second = digits(text, length, first + 1);
    if (first - at + (second > first ? second - first - 1 : 0) == 0) return TEXT;
    at = second;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-')) at++;
        if (digits(text, length, at) == at) return TEXT;
        at = digits(text, length, at);
    }
    if (at != length) return TEXT;
    if (length >= sizeof copy) large = malloc(length + 1);
    if (large == NULL) return REFUSED;
    memcpy(large, text, length);
    large[length] = '\0';
    *value = strtod(large, NULL);
    if (large != copy) free(large);
    return isinf(*value) ? REFUSED : NUMBER;
}

/* ---- Columns */

typedef struct {
    size_t *at; /* which fields of a row are wanted */
    size_t count;
    int *is_number;
    size_t file_width;
} Selection;

static int name_is(const Field *field, const char *name) {
    size_t i, n = 0, length = strlen(name);
    for (i = 0; i < field->length; i++, n++) {
        if (n >= length || field->text[i] != name[n]) return 0;
        if (field->doubled && field->text[i] == '"') i++;
    }
    return n == length;
}

static char *text_of(const Field *field) {
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

/* The number of the column called `name` in the header, which is the row read last. */
static int find_name(Reader *reader, const char *name, size_t *found) {
    char list[200] = "", shown[EXCERPT], wanted[EXCERPT];
    size_t i, times = 0, used = 0;
    for (i = 0; i < reader->count; i++) {
        Field *field = &reader->fields[i];
        if (name_is(field, name)) {
            *found = i;
            times++;
        }
        if (used + EXCERPT + 8 < sizeof list) {
            int last = used + 2 * EXCERPT + 8 >= sizeof list && i + 1 < reader->count;
            excerpt(shown, field->text, field->length);
            used += (size_t)sprintf(list + used, "%s%s%s", i == 0 ? "" : ", ", shown, last ? ", ..." : "");
            if (last) used = sizeof list;
        }
    }
    if (times == 1) return 1;
    excerpt(wanted, name, strlen(name));
    if (times > 1)
        return csv_fail(reader->error, reader->row_line, 0, "%lu columns are called '%s'", (unsigned long)times, wanted);
    return csv_fail(reader->error, reader->row_line, 0, "no column is called '%s'; there are: %s", wanted, list);
}

static int select_columns(Reader *reader, const NncCsvColumns *columns, size_t column_count, Selection *selection) {
    size_t i, total = 0, n = 0;
    NncCsvColumns all = {NULL, 0, 0};
    selection->file_width = reader->count;
    all.to = (long)reader->count;
    if (column_count == 0) {
        columns = &all;
        column_count = 1;
    }
    for (i = 0; i < column_count; i++) {
        const NncCsvColumns *c = &columns[i];
        if (c->name == NULL && (c->from < 0 || c->to <= c->from || (size_t)c->to > reader->count)) {
            if (c->to == c->from + 1) {
                return csv_fail(reader->error, reader->row_line, 0, "there is no column %ld: the line has %lu, numbered from 0",
                                c->from, (unsigned long)reader->count);
            }
            return csv_fail(reader->error, reader->row_line, 0,
                            "there are no columns %ld..%ld: the line has %lu, numbered from 0", c->from, c->to,
                            (unsigned long)reader->count);
        }
        total += c->name != NULL ? 1 : (size_t)(c->to - c->from);
    }
    selection->count = total;
    selection->at = calloc(total + 1, sizeof *selection->at);
    selection->is_number = calloc(total + 1, sizeof *selection->is_number);
    if (selection->at == NULL || selection->is_number == NULL) return csv_no_memory(reader->error);
    for (i = 0; i < column_count; i++) {
        long k;
        if (columns[i].name != NULL && !find_name(reader, columns[i].name, &selection->at[n++])) return 0;
        for (k = columns[i].from; columns[i].name == NULL && k < columns[i].to; k++) selection->at[n++] = (size_t)k;
    }
    return 1;
}

/* ---- The first time through: rows, and which of the file's columns are numbers */

typedef struct {
    size_t rows, width;
    size_t *numbers; /* of each column, first line excepted: how many fields are numbers */
} Survey;

static int check_width(Reader *reader, size_t width) {
    if (reader->count == width) return 1;
    if (reader->count == 1 && reader->fields[0].length == 0)
        return csv_fail(reader->error, reader->row_line, 0, "the line is empty");
    return csv_fail(reader->error, reader->row_line, 0, "the line has %lu field%s, the first line has %lu",
                    (unsigned long)reader->count, reader->count == 1 ? "" : "s", (unsigned long)width);
}

static int survey_file(Reader *reader, Survey *survey) {
    int state;
    while ((state = next_row(reader)) == 1) {
        size_t i;
        double value;
        if (survey->rows == 0) {
            survey->width = reader->count;
            survey->numbers = calloc(reader->count, sizeof *survey->numbers);
            if (survey->numbers == NULL) return csv_no_memory(reader->error);
        } else {
            if (!check_width(reader, survey->width)) return 0;
            for (i = 0; i < reader->count; i++) survey->numbers[i] += number_of(&reader->fields[i], &value) != TEXT;
        }
        survey->rows++;
    }
    if (state == 0) return 0;
    return survey->rows > 0 ? 1 : csv_fail(reader->error, 0, 0, "the file is empty");
}

/* Is the first line, which was read last, a header? */
static int looks_like_header(const Reader *reader, const Survey *survey, const NncCsvColumns *columns, size_t column_count) {
    size_t i;
    double value;
    for (i = 0; i < column_count; i++) {
        if (columns[i].name != NULL) return 1;
    }
    for (i = 0; i < reader->count; i++) {
        if (survey->numbers[i] * 2 > survey->rows - 1 && number_of(&reader->fields[i], &value) == TEXT) return 1;
    }
    return 0;
}

/* ---- The second time: values */

static int class_of(Reader *reader, NncCsvColumn *column, const Field *field, size_t *capacity, double *value) {
    size_t i;
    for (i = 0; i < column->class_count; i++) {
        if (name_is(field, column->classes[i])) break;
    }
    *value = (double)i;
    if (i < column->class_count) return 1;
    if (memchr(field->text, 0, field->length) != NULL)
        return csv_fail(reader->error, reader->row_line, field->column, "a byte 0: this is not a text file");
    if (column->class_count == *capacity) {
        size_t larger = *capacity == 0 ? 8 : *capacity * 2;
        char **classes = realloc(column->classes, larger * sizeof *classes);
        if (classes == NULL) return csv_no_memory(reader->error);
        column->classes = classes;
        *capacity = larger;
    }
    column->classes[i] = text_of(field);
    if (column->classes[i] == NULL) return csv_no_memory(reader->error);
    column->class_count++;
    return 1;
}

static int read_value(Reader *reader, const Field *field, double *value) {
    char shown[EXCERPT];
    Sort sort = number_of(field, value);
    if (sort == NUMBER) return 1;
    excerpt(shown, field->text, field->length);
    if (field->length == 0) return csv_fail(reader->error, reader->row_line, field->column, "a number is missing");
    if (sort == TEXT)
        return csv_fail(reader->error, reader->row_line, field->column, "'%s' is not a number, as most of its column are", shown);
    if (strpbrk(shown, "0123456789") != NULL)
        return csv_fail(reader->error, reader->row_line, field->column, "%s is too large", shown);
    return csv_fail(reader->error, reader->row_line, field->column, "'%s' is not a number to train with", shown);
}

static int read_rows(Reader *reader, const Selection *selection, NncCsv *csv, size_t *capacities) {
    size_t row, i;
    for (row = 0; row < csv->rows; row++) {
        if (next_row(reader) != 1) return 0;
        csv->lines[row] = reader->row_line;
        for (i = 0; i < csv->width; i++) {
            const Field *field = &reader->fields[selection->at[i]];
            double *value = &csv->values[row * csv->width + i];
            csv->places[row * csv->width + i] = (unsigned)field->column;
            if (selection->is_number[i] ? !read_value(reader, field, value)
                                        : !class_of(reader, &csv->columns[i], field, &capacities[i], value))
                return 0;
        }
    }
    return 1;
}

static int allocate(NncCsv *csv, const Reader *reader, const Selection *selection, int named, NncCsvError *error) {
    size_t i;
    if (csv->width != 0 && csv->rows > (size_t)-1 / sizeof(double) / csv->width) return csv_no_memory(error);
    csv->values = malloc(csv->rows * csv->width * sizeof *csv->values);
    csv->lines = malloc(csv->rows * sizeof *csv->lines);
    csv->places = malloc(csv->rows * csv->width * sizeof *csv->places);
    csv->columns = calloc(csv->width, sizeof *csv->columns);
    if (csv->values == NULL || csv->lines == NULL || csv->places == NULL || csv->columns == NULL) return csv_no_memory(error);
    for (i = 0; named && i < csv->width; i++) {
        csv->columns[i].name = text_of(&reader->fields[selection->at[i]]);
        if (csv->columns[i].name == NULL) return csv_no_memory(error);
    }
    return 1;
}

static int csv_parse(Reader *reader, Survey *survey, Selection *selection, const NncCsvColumns *columns, size_t column_count,
                     NncCsvHeader header, NncCsv *csv) {
    size_t start = 0, i, *capacities;
    double value;
    int named, fine;
    if (reader->length >= 3 && memcmp(reader->text, "\xEF\xBB\xBF", 3) == 0) start = 3; /* the byte order mark of UTF-8 */
    rewind_to(reader, start, 1);
    if (!survey_file(reader, survey)) return 0;
    rewind_to(reader, start, 1);
    if (next_row(reader) != 1) return 0;
    named = header == NNC_CSV_AUTO ? looks_like_header(reader, survey, columns, column_count) : header == NNC_CSV_HEADER;
    for (i = 0; i < column_count; i++) {
        if (columns[i].name != NULL && !named)
            return csv_fail(reader->error, 0, 0, "a column is chosen by name, but the file has no header");
    }
    if (!select_columns(reader, columns, column_count, selection)) return 0;
    csv->rows = survey->rows - (size_t)named;
    csv->width = selection->count;
    if (csv->rows == 0) return csv_fail(reader->error, 0, 0, "the file has a header, but no data");
    if (!allocate(csv, reader, selection, named, reader->error)) return 0;
    for (i = 0; i < selection->count; i++) {
        size_t at = selection->at[i], numbers = survey->numbers[at];
        if (!named) numbers += number_of(&reader->fields[at], &value) != TEXT;
        selection->is_number[i] = numbers * 2 > csv->rows;
    }
    if (!named) rewind_to(reader, start, 1);
    capacities = calloc(csv->width, sizeof *capacities);
    if (capacities == NULL) return csv_no_memory(reader->error);
    fine = read_rows(reader, selection, csv, capacities);
    free(capacities);
    return fine;
}

int nnc_csv_parse(const char *text, size_t length, const NncCsvColumns *columns, size_t column_count, NncCsvHeader header,
                  NncCsv *csv, NncCsvError *error) {
    Reader reader = {0};
    Survey survey = {0};
    Selection selection = {0};
    int fine;
    memset(csv, 0, sizeof *csv);
    memset(error, 0, sizeof *error);
    reader.text = text;
    reader.length = length;
    reader.error = error;
    fine = csv_parse(&reader, &survey, &selection, columns, column_count, header, csv);
    free(reader.fields);
    free(survey.numbers);
    free(selection.at);
    free(selection.is_number);
    if (!fine) nnc_csv_free(csv);
    return fine;
}

void nnc_csv_free(NncCsv *csv) {
    size_t i, k;
    for (i = 0; csv->columns != NULL && i < csv->width; i++) {
        for (k = 0; k < csv->columns[i].class_count; k++) free(csv->columns[i].classes[k]);
        free(csv->columns[i].classes);
        free(csv->columns[i].name);
    }
    free(csv->values);
    free(csv->lines);
    free(csv->places);
    free(csv->columns);
    memset(csv, 0, sizeof *csv);
}
