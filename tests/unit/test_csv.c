#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "csv.h"
#include "random.h"

static NncCsv csv;
static NncCsvError error;
static double *values; /* of all rows */
static NncFile file;
static unsigned long lines[10]; /* of the first rows */

static void close_csv(void) {
    nnc_csv_close(&csv);
    free(values);
    values = NULL;
}

/* All rows of a text in memory, which need not end in a NUL. */
static int parse_bytes(const char *text, size_t length, const NncCsvColumns *columns, size_t count, NncCsvHeader header) {
    file = (NncFile){.path = "text", .whole = 1, .ended = 1, .bytes = (unsigned char *)text, .length = length};
    int fine = nnc_csv_open(&csv, &file, 1, columns, count, header, &error);
    if (fine) values = malloc(csv.rows * csv.width * sizeof *values);
    for (size_t row = 0; fine && row < csv.rows; row++) {
        fine = nnc_csv_next(&csv, values + row * csv.width);
        if (row < 10) lines[row] = csv.at.row_line;
    }
    if (!fine) close_csv();
    return fine;
}

static int parse(const char *text, const NncCsvColumns *columns, size_t count, NncCsvHeader header) {
    return parse_bytes(text, strlen(text), columns, count, header);
}

static void assert_values(const double *expected, size_t rows, size_t width) {
    assert_int_equal(csv.rows, rows);
    assert_int_equal(csv.width, width);
    for (size_t i = 0; i < rows * width; i++) assert_true(values[i] == expected[i]);
    close_csv();
}

static void assert_error(const char *text, const NncCsvColumns *columns, size_t count, NncCsvHeader header, const char *message,
                         unsigned long line, unsigned long column) {
    assert_int_equal(parse(text, columns, count, header), 0);
    assert_string_equal(error.message, message);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
}

static void test_numbers(void **state) {
    (void)state;
    assert_int_equal(parse("1,-2.5, 3e2 \n+.5,6.,\"7\"\n", NULL, 0, NNC_CSV_AUTO), 1);
    assert_values((double[]){1, -2.5, 300, 0.5, 6, 7}, 2, 3);
    assert_int_equal(parse("1,2\r\n3,4\r\n\r\n  \n\n", NULL, 0, NNC_CSV_AUTO), 1);
    assert_values((double[]){1, 2, 3, 4}, 2, 2);
    assert_int_equal(parse("\xEF\xBB\xBF"
                           "1\n2",
                           NULL, 0, NNC_CSV_AUTO),
                     1);
    assert_values((double[]){1, 2}, 2, 1);
    assert_int_equal(
        parse("0.1000000000000000055511151231257827021181583404541015625000000000000000000000000\n", NULL, 0, NNC_CSV_AUTO), 1);
    assert_values((double[]){0.1}, 1, 1);
}

static void test_header_is_found(void **state) {
    (void)state;
    const char *text = "a,b,kind\n1,2,x\n3,4,y\n5,6,x\n";
    assert_int_equal(parse(text, NULL, 0, NNC_CSV_AUTO), 1);
    assert_string_equal(csv.columns[1].name, "b");
    assert_int_equal(csv.columns[0].class_count, 0);
    assert_int_equal(csv.columns[2].class_count, 2);
    assert_string_equal(csv.columns[2].classes[0], "x");
    assert_string_equal(csv.columns[2].classes[1], "y");
    assert_int_equal(lines[0], 2);
    assert_values((double[]){1, 2, 0, 3, 4, 1, 5, 6, 0}, 3, 3);
    /* the column of text alone: the others show that there is a header */
    assert_int_equal(parse(text, &(NncCsvColumns){NULL, 2, 3}, 1, NNC_CSV_AUTO), 1);
    assert_values((double[]){0, 1, 0}, 3, 1);
    assert_int_equal(parse(text, &(NncCsvColumns){"kind", 0, 0}, 1, NNC_CSV_AUTO), 1);
    assert_values((double[]){0, 1, 0}, 3, 1);
    assert_int_equal(parse(text, (NncCsvColumns[]){{"b", 0, 0}, {NULL, 0, 2}}, 2, NNC_CSV_AUTO), 1);
    assert_values((double[]){2, 1, 2, 4, 3, 4, 6, 5, 6}, 3, 3);
}

static void test_header_is_said(void **state) {
    (void)state;
    assert_int_equal(parse("1,2\n3,4\n", NULL, 0, NNC_CSV_HEADER), 1);
    assert_string_equal(csv.columns[0].name, "1");
    assert_values((double[]){3, 4}, 1, 2);
    assert_int_equal(parse("yes\nno\nyes\n", NULL, 0, NNC_CSV_AUTO), 1); /* text only: nothing tells a header */
    assert_values((double[]){0, 1, 0}, 3, 1);
    assert_int_equal(parse("yes\nno\nyes\n", NULL, 0, NNC_CSV_HEADER), 1);
    assert_values((double[]){0, 1}, 2, 1);
    assert_error("a\n1\n2\n", NULL, 0, NNC_CSV_NO_HEADER, "'a' is not a number, as most of its column are", 1, 1);
    assert_error("1\n2\n", &(NncCsvColumns){"a", 0, 0}, 1, NNC_CSV_NO_HEADER,
                 "a column is chosen by name, but the file has no header", 0, 0);
}

static void test_quotes(void **state) {
    (void)state;
    assert_int_equal(
        parse("n,\"a \"\"b\"\"\"\n1,\"x,y\"\n2,\"two\nlines\"\n3,\"x,y\"\n4,\"say \"\"hi\"\"\"\n", NULL, 0, NNC_CSV_AUTO), 1);
    assert_string_equal(csv.columns[1].name, "a \"b\"");
    assert_int_equal(csv.columns[1].class_count, 3);
    assert_string_equal(csv.columns[1].classes[0], "x,y");
    assert_string_equal(csv.columns[1].classes[1], "two\nlines");
    assert_string_equal(csv.columns[1].classes[2], "say \"hi\"");
    assert_int_equal(lines[2], 5);
    assert_values((double[]){1, 0, 2, 1, 3, 0, 4, 2}, 4, 2);
    assert_error("1,\"2\n3,4\n", NULL, 0, NNC_CSV_AUTO, "the quote is never closed", 1, 3);
    assert_error("1,\"2\"x\n", NULL, 0, NNC_CSV_AUTO, "a comma was expected after the closing quote", 1, 6);
}

static void test_what_is_wrong(void **state) {
    (void)state;
    assert_error("", NULL, 0, NNC_CSV_AUTO, "the file is empty", 0, 0);
    assert_error(" \r\n\n", NULL, 0, NNC_CSV_AUTO, "the file is empty", 0, 0);
    assert_error("a,b\n", NULL, 0, NNC_CSV_HEADER, "the file has a header, but no data", 0, 0);
    assert_error("1,2\n3\n", NULL, 0, NNC_CSV_AUTO, "the line has 1 field, the first line has 2", 2, 0);
    assert_error("1,2\n3,4,5\n", NULL, 0, NNC_CSV_AUTO, "the line has 3 fields, the first line has 2", 2, 0);
    assert_error("1,2\n\n3,4\n", NULL, 0, NNC_CSV_AUTO, "the line is empty", 2, 0);
    assert_error("1,2\n3,4\n5,oops\n7,8\n", NULL, 0, NNC_CSV_AUTO, "'oops' is not a number, as most of its column are", 3, 3);
    assert_error("1,2\n3,\n5,6\n", NULL, 0, NNC_CSV_AUTO, "a number is missing", 2, 3);
    assert_error("1,2\n3,NaN\n5,6\n", NULL, 0, NNC_CSV_AUTO, "'NaN' is not a number to train with", 2, 3);
    assert_error("1\n-inf\n", NULL, 0, NNC_CSV_AUTO, "'-inf' is not a number to train with", 2, 1);
    assert_error("1\n1e999\n", NULL, 0, NNC_CSV_AUTO, "1e999 is too large", 2, 1);
    assert_error("1,2\n", &(NncCsvColumns){NULL, 2, 3}, 1, NNC_CSV_AUTO, "there is no column 2: the line has 2, numbered from 0",
                 1, 0);
    assert_error("1,2\n", &(NncCsvColumns){NULL, 0, 4}, 1, NNC_CSV_AUTO,
                 "there are no columns 0..4: the line has 2, numbered from 0", 1, 0);
    assert_error("a,bee\n1,2\n", &(NncCsvColumns){"be", 0, 0}, 1, NNC_CSV_AUTO, "no column is called 'be'; there are: a, bee", 1,
                 0);
    assert_error("a,a\n1,2\n", &(NncCsvColumns){"a", 0, 0}, 1, NNC_CSV_AUTO, "2 columns are called 'a'", 1, 0);
    assert_int_equal(parse_bytes("1\0002\n", 4, NULL, 0, NNC_CSV_AUTO), 0);
    assert_string_equal(error.message, "a byte 0: this is not a text file");
}

/* A column that no one reads may hold anything. */
static void test_unused_columns(void **state) {
    (void)state;
    assert_int_equal(parse("1,nan\n2,x\n3,5\n", &(NncCsvColumns){NULL, 0, 1}, 1, NNC_CSV_AUTO), 1);
    assert_values((double[]){1, 2, 3}, 3, 1);
}

/* Long header: the list of names in a message ends. */
static void test_many_columns(void **state) {
    (void)state;
    static char text[40000];
    size_t n = 0;
    for (int i = 0; i < 2000; i++) n += (size_t)sprintf(text + n, "%scolumn_%d", i == 0 ? "" : ",", i);
    n += (size_t)sprintf(text + n, "\n1");
    for (int i = 1; i < 2000; i++) n += (size_t)sprintf(text + n, ",%d", i);
    assert_int_equal(parse_bytes(text, n, &(NncCsvColumns){"colum_3", 0, 0}, 1, NNC_CSV_AUTO), 0);
    assert_non_null(strstr(error.message, "column_0, column_1"));
    assert_non_null(strstr(error.message, "..."));
    assert_int_equal(parse_bytes(text, n, &(NncCsvColumns){"column_1999", 0, 0}, 1, NNC_CSV_AUTO), 1);
    assert_values((double[]){1999}, 1, 1);
}

/* Whatever the bytes: an answer, no crash (run with sanitizers). */
static void test_any_bytes(void **state) {
    (void)state;
    static const char letters[] = "01,,,\n\n\r\"\" .e-xna";
    for (uint64_t seed = 0; seed < 20000; seed++) {
        char *text = malloc(64);
        size_t length = (size_t)(nnc_random_uniform(seed, 0, 0, 0) * 64);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[(size_t)(nnc_random_uniform(seed, 1, 0, i) * (double)(sizeof letters))];
        char *exact = malloc(length + 1);
        memcpy(exact, text, length);
        char *tight = realloc(exact, length > 0 ? length : 1); /* so that one byte too far is noticed */
        NncCsvColumns some = {seed % 3 == 0 ? "x" : NULL, 0, 1 + (long)(seed % 2)};
        if (parse_bytes(tight, length, &some, seed % 4 == 0 ? 0 : 1, (NncCsvHeader)((int)(seed % 3) - 1))) {
            for (size_t i = 0; i < csv.rows * csv.width; i++) assert_true(isfinite(values[i]));
            close_csv();
        } else {
            assert_true(error.message[0] != '\0');
        }
        free(tight);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_header_is_found), cmocka_unit_test(test_header_is_said),
        cmocka_unit_test(test_quotes),       cmocka_unit_test(test_what_is_wrong),   cmocka_unit_test(test_unused_columns),
        cmocka_unit_test(test_many_columns), cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
