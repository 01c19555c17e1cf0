/* Goes over the files twice: first to learn how many rows there are and which columns are numbers, then to read them. */
#include "csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Columns */

/* The number of the column called `name` in the header, which is the row read last. */
static int find_name(NncCsvRows *rows, const char *name, size_t *found) {
    char list[200] = "", shown[NNC_CSV_EXCERPT], wanted[NNC_CSV_EXCERPT];
    size_t i, times = 0, used = 0;
    for (i = 0; i < rows->count; i++) {
        NncCsvField *field = &rows->fields[i];
        if (nnc_csv_is(field, name)) {
            *found = i;
            times++;
        }
        if (used + NNC_CSV_EXCERPT + 8 < sizeof list) {
            int last = used + 2 * NNC_CSV_EXCERPT + 8 >= sizeof list && i + 1 < rows->count;
            nnc_csv_excerpt(shown, field->text, field->length);
            used += (size_t)sprintf(list + used, "%s%s%s", i == 0 ? "" : ", ", shown, last ? ", ..." : "");
            if (last) used = sizeof list;
        }
    }
    if (times == 1) return 1;
    nnc_csv_excerpt(wanted, name, strlen(name));
    if (times > 1) return nnc_csv_fail(rows, rows->row_line, 0, "%lu columns are called '%s'", (unsigned long)times, wanted);
    return nnc_csv_fail(rows, rows->row_line, 0, "no column is called '%s'; there are: %s", wanted, list);
}

static int check_columns(NncCsvRows *rows, const NncCsvColumns *c) {
    if (c->name != NULL || (c->from >= 0 && c->to > c->from && (size_t)c->to <= rows->count)) return 1;
    if (c->to == c->from + 1) {
        return nnc_csv_fail(rows, rows->row_line, 0, "there is no column %ld: the line has %lu, numbered from 0", c->from,
                            (unsigned long)rows->count);
    }
    return nnc_csv_fail(rows, rows->row_line, 0, "there are no columns %ld..%ld: the line has %lu, numbered from 0", c->from,
                        c->to, (unsigned long)rows->count);
}

/* From the first line of the first file, which was read last. */
static int select_columns(NncCsv *csv, const NncCsvColumns *columns, size_t column_count) {
    NncCsvRows *rows = &csv->at;
    NncCsvColumns all = {NULL, 0, 0};
    size_t i, n = 0;
    all.to = (long)rows->count;
    if (column_count == 0) {
        columns = &all;
        column_count = 1;
    }
    for (i = 0; i < column_count; i++) {
        if (!check_columns(rows, &columns[i])) return 0;
        csv->width += columns[i].name != NULL ? 1 : (size_t)(columns[i].to - columns[i].from);
    }
    csv->columns = calloc(csv->width + 1, sizeof *csv->columns);
    if (csv->columns == NULL) return nnc_csv_no_memory(rows);
    for (i = 0; i < column_count; i++) {
        long k;
        if (columns[i].name != NULL && !find_name(rows, columns[i].name, &csv->columns[n++].place)) return 0;
        for (k = columns[i].from; columns[i].name == NULL && k < columns[i].to; k++) csv->columns[n++].place = (size_t)k;
    }
    return 1;
}

/* ---- The first time through: rows, and which of the files' columns are numbers */

typedef struct {
    size_t rows;
    size_t *numbers, *first; /* of each column, first lines excepted, and in first lines: how many fields are numbers */
    int *text;               /* of each column of the first file: whether its first line has text there */
} Survey;

static int check_width(NncCsv *csv) {
    NncCsvRows *rows = &csv->at;
    const char *many = rows->count == 1 ? "" : "s";
    if (rows->count == csv->file_width) return 1;
    if (rows->count == 1 && rows->fields[0].length == 0) return nnc_csv_fail(rows, rows->row_line, 0, "the line is empty");
    if (rows->number > 0)
        return nnc_csv_fail(rows, rows->row_line, 0, "the line has %lu field%s, the first line of %.150s has %lu",
                            (unsigned long)rows->count, many, csv->files[0].path, (unsigned long)csv->file_width);
    return nnc_csv_fail(rows, rows->row_line, 0, "the line has %lu field%s, the first line has %lu", (unsigned long)rows->count,
                        many, (unsigned long)csv->file_width);
}

/* The first line of the first file. */
static int begin_survey(NncCsv *csv, Survey *survey) {
    NncCsvRows *rows = &csv->at;
    size_t i;
    double value;
    csv->file_width = rows->count;
    survey->numbers = calloc(rows->count, sizeof *survey->numbers);
    survey->first = calloc(rows->count, sizeof *survey->first);
    survey->text = calloc(rows->count, sizeof *survey->text);
    csv->header = calloc(rows->count + 1, sizeof *csv->header);
    if (survey->numbers == NULL || survey->first == NULL || survey->text == NULL || csv->header == NULL)
        return nnc_csv_no_memory(rows);
    for (i = 0; i < rows->count; i++) {
        survey->text[i] = nnc_csv_number(&rows->fields[i], &value) == NNC_CSV_TEXT;
        csv->header[i] = nnc_csv_text(&rows->fields[i]);
        if (csv->header[i] == NULL) return nnc_csv_no_memory(rows);
    }
    return 1;
}

static int survey_file(NncCsv *csv, size_t number, Survey *survey) {
    NncCsvRows *rows = &csv->at;
    int state;
    if (!nnc_csv_start(rows, &csv->files[number], number)) return 0;
    while ((state = nnc_csv_row(rows)) == 1) {
        size_t *numbers = csv->file_rows[number] == 0 ? survey->first : survey->numbers, i;
        double value;
        if (csv->header == NULL && !begin_survey(csv, survey)) return 0;
        if (!check_width(csv)) return 0;
        numbers = csv->file_rows[number] == 0 ? survey->first : survey->numbers;
        for (i = 0; i < rows->count; i++) numbers[i] += nnc_csv_number(&rows->fields[i], &value) != NNC_CSV_TEXT;
        csv->file_rows[number]++;
        survey->rows++;
    }
    if (!csv->files[number].whole) nnc_file_close(&csv->files[number]);
    return state != 0 && (csv->file_rows[number] > 0 || nnc_csv_fail(rows, 0, 0, "the file is empty"));
}

/* Are first lines headers? */
static int looks_like_header(const NncCsv *csv, const Survey *survey, const NncCsvColumns *columns, size_t column_count) {
    size_t i;
    for (i = 0; i < column_count; i++) {
        if (columns[i].name != NULL) return 1;
    }
    for (i = 0; i < csv->file_width; i++) {
        if (survey->numbers[i] * 2 > survey->rows - csv->file_count && survey->text[i]) return 1;
    }
    return 0;
}

static int first_row(NncCsvRows *rows) {
    int state = nnc_csv_row(rows);
    return state < 0 ? nnc_csv_fail(rows, 0, 0, "the file is empty") : state;
}

/* The header of a file is the row that was read last. */
static int check_header(NncCsv *csv) {
    NncCsvRows *rows = &csv->at;
    char said[NNC_CSV_EXCERPT], wanted[NNC_CSV_EXCERPT];
    size_t i;
    for (i = 0; i < csv->file_width; i++) {
        const NncCsvField *field = &rows->fields[i];
        if (nnc_csv_is(field, csv->header[i])) continue;
        nnc_csv_excerpt(said, field->text, field->length);
        nnc_csv_excerpt(wanted, csv->header[i], strlen(csv->header[i]));
        return nnc_csv_fail(rows, rows->row_line, field->column, "here is '%s', but the header of %.150s has '%s'", said,
                            csv->files[0].path, wanted);
    }
    return 1;
}

/* ---- The second time: values */

static int class_of(NncCsvRows *rows, NncCsvColumn *column, const NncCsvField *field, double *value) {
    size_t i;
    char shown[NNC_CSV_EXCERPT];
    for (i = 0; i < column->class_count; i++) {
        if (nnc_csv_is(field, column->classes[i])) break;
    }
    *value = (double)i;
    if (i < column->class_count) return 1;
    if (memchr(field->text, 0, field->length) != NULL)
        return nnc_csv_fail(rows, rows->row_line, field->column, "a byte 0: this is not a text file");
    if (column->only_known != NULL)
        return nnc_csv_fail(rows, rows->row_line, field->column, "the data that '%.100s' was trained with have no class '%s'",
                            column->only_known, nnc_csv_excerpt(shown, field->text, field->length));
    if (column->class_count == column->class_room) {
        size_t larger = column->class_room == 0 ? 8 : column->class_room * 2;
        char **classes = realloc(column->classes, larger * sizeof *classes);
        if (classes == NULL) return nnc_csv_no_memory(rows);
        column->classes = classes;
        column->class_room = larger;
    }
    column->classes[i] = nnc_csv_text(field);
    if (column->classes[i] == NULL) return nnc_csv_no_memory(rows);
    column->class_count++;
    return 1;
}

static int read_value(NncCsvRows *rows, const NncCsvField *field, double *value) {
    char shown[NNC_CSV_EXCERPT];
    NncCsvSort sort = nnc_csv_number(field, value);
    if (sort == NNC_CSV_NUMBER) return 1;
    nnc_csv_excerpt(shown, field->text, field->length);
    if (field->length == 0) return nnc_csv_fail(rows, rows->row_line, field->column, "a number is missing");
    if (sort == NNC_CSV_TEXT)
        return nnc_csv_fail(rows, rows->row_line, field->column, "'%s' is not a number, as most of its column are", shown);
    if (strpbrk(shown, "0123456789") != NULL) return nnc_csv_fail(rows, rows->row_line, field->column, "%s is too large", shown);
    return nnc_csv_fail(rows, rows->row_line, field->column, "'%s' is not a number to train with", shown);
}

/* Before the first row of a file, behind its header. */
static int enter_file(NncCsv *csv, size_t number) {
    NncCsvRows *rows = &csv->at;
    if (!nnc_csv_start(rows, &csv->files[number], number)) return 0;
    if (!csv->named) return 1;
    return first_row(rows) && check_width(csv) && (number == 0 || check_header(csv));
}

int nnc_csv_rewind(NncCsv *csv) { return enter_file(csv, 0); }

int nnc_csv_next(NncCsv *csv, double *values) {
    NncCsvRows *rows = &csv->at;
    size_t i;
    int state;
    while ((state = nnc_csv_row(rows)) == -1) {
        if (!rows->file->whole) nnc_file_close(rows->file);
        if (rows->number + 1 == csv->file_count) return nnc_csv_fail(rows, rows->line, 0, "the file is shorter than it was");
        if (!enter_file(csv, rows->number + 1)) return 0;
    }
    if (state == 0 || !check_width(csv)) return 0;
    for (i = 0; i < csv->width && values != NULL; i++) {
        NncCsvColumn *column = &csv->columns[i];
        const NncCsvField *field = &rows->fields[column->place];
        if (column->is_number ? !read_value(rows, field, &values[i]) : !class_of(rows, column, field, &values[i])) return 0;
    }
    return 1;
}

void nnc_csv_place(const NncCsv *csv, size_t column, unsigned long *line, unsigned long *place) {
    *line = csv->at.row_line;
    *place = column < csv->width ? (unsigned long)csv->at.fields[csv->columns[column].place].column : 0;
}

/* ---- Opening and closing */

static int open_columns(NncCsv *csv, const Survey *survey, const NncCsvColumns *columns, size_t column_count,
                        NncCsvHeader header) {
    NncCsvRows *rows = &csv->at;
    size_t i;
    csv->named = header == NNC_CSV_AUTO ? looks_like_header(csv, survey, columns, column_count) : header == NNC_CSV_HEADER;
    rows->number = 0;
    for (i = 0; i < column_count; i++) {
        if (columns[i].name != NULL && !csv->named)
            return nnc_csv_fail(rows, 0, 0, "a column is chosen by name, but the file has no header");
    }
    if (!nnc_csv_start(rows, &csv->files[0], 0) || !first_row(rows)) return 0;
    if (!select_columns(csv, columns, column_count)) return 0;
    csv->rows = survey->rows - (csv->named ? csv->file_count : 0);
    for (i = 0; i < csv->file_count && csv->named; i++) csv->file_rows[i]--;
    if (csv->rows == 0) return nnc_csv_fail(rows, 0, 0, "the file has a header, but no data");
    for (i = 0; i < csv->width; i++) {
        size_t place = csv->columns[i].place, numbers = survey->numbers[place] + (csv->named ? 0 : survey->first[place]);
        csv->columns[i].is_number = numbers * 2 > csv->rows;
        csv->columns[i].name = csv->named ? csv->header[place] : NULL;
    }
    for (i = 1; i < csv->file_count && csv->named; i++) { /* headers agree */
        if (!enter_file(csv, i)) return 0;
        if (!csv->files[i].whole) nnc_file_close(&csv->files[i]);
    }
    return nnc_csv_rewind(csv);
}

int nnc_csv_open(NncCsv *csv, NncFile *files, size_t file_count, const NncCsvColumns *columns, size_t column_count,
                 NncCsvHeader header, NncCsvError *error) {
    Survey survey = {0, NULL, NULL, NULL};
    size_t i;
    int fine = 1;
    memset(csv, 0, sizeof *csv);
    memset(error, 0, sizeof *error);
    csv->files = files;
    csv->file_count = file_count;
    csv->at.error = error;
    csv->file_rows = calloc(file_count + 1, sizeof *csv->file_rows);
    if (csv->file_rows == NULL) return nnc_csv_no_memory(&csv->at);
    for (i = 0; i < file_count && fine; i++) fine = survey_file(csv, i, &survey);
    fine = fine && open_columns(csv, &survey, columns, column_count, header);
    free(survey.numbers);
    free(survey.first);
    free(survey.text);
    return fine;
}

void nnc_csv_close(NncCsv *csv) {
    size_t i, k;
    for (i = 0; csv->columns != NULL && i < csv->width; i++) {
        for (k = 0; k < csv->columns[i].class_count; k++) free(csv->columns[i].classes[k]);
        free(csv->columns[i].classes);
    }
    for (i = 0; csv->header != NULL && i < csv->file_width; i++) free(csv->header[i]);
    free(csv->header);
    free(csv->columns);
    free(csv->file_rows);
    free(csv->at.fields);
    memset(csv, 0, sizeof *csv);
}
