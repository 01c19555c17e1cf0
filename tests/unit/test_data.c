/* Sources, steps and checks; the formats of arrays are in test_data_formats.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_data.h"
#include "random.h"

/* ---- Bytes */

static void test_bytes(void **state) {
    (void)state;
    unsigned char packed[100];
    write_text("x", "\x01\x02\x03\x04\x05\x06\x07\xFF");
    x.format = NNC_BYTES;
    x.window = x.width = 3;
    assert_values(2, 3, (double[]){1, 2, 3, 4, 5, 6});
    x.offset = 2;
    assert_values(2, 3, (double[]){3, 4, 5, 6, 7, 255});
    x.stride = 2;
    x.offset = 1;
    assert_values(3, 3, (double[]){2, 3, 4, 4, 5, 6, 6, 7, 255});
    x.offset = 5;
    assert_values(1, 3, (double[]){6, 7, 255});
    x.offset = 6;
    assert_error("/x: a window of 3 bytes at offset 6 does not fit: there are 8 bytes");
    x.offset = SIZE_MAX;
    assert_int_equal(load(), 0);
    x.offset = 0;
    x.window = SIZE_MAX;
    assert_int_equal(load(), 0);
    x.window = x.width = x.stride = 3;
    files_write("x", packed, files_pack("abcdefg", 7, packed, sizeof packed));
    assert_values(2, 3, (double[]){97, 98, 99, 100, 101, 102});
    files_write("x", packed, 15);
    assert_error("/x: its compressed data are truncated: they break off at byte 15");
    write_text("x", "");
    assert_error("/x: a window of 3 bytes at offset 0 does not fit: there are 0 bytes");
}

/* The windows of one file go together; those of two files, or of two strides, may not. */
static void test_windows_together(void **state) {
    (void)state;
    write_text("x", "abcdefghij");
    x.format = t.format = NNC_BYTES;
    read_from(&t, "x");
    x.window = x.width = 4;
    x.stride = t.stride = 1;
    t.window = t.width = 1;
    t.offset = 4;
    assert_loaded(6);
    assert_true(data.arrays[0].values[5 * 4] == 'f');
    assert_true(data.arrays[1].values[5] == 'j');
    nnc_data_free(&data);
    t.window = t.width = 4; /* the largest offset decides */
    t.offset = 1;
    assert_loaded(6);
    nnc_data_free(&data);
    x.stride = t.stride = 0;
    t.offset = 3;
    assert_loaded(1);
    nnc_data_free(&data);
    t.window = t.width = 1;
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "/x: 't' has 7 examples, but 'x' has 2"));
    assert_int_equal(error.source, 1);
    assert_int_equal(error.other, 0);
    x.place = "a.nn:2:9";
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "/x: 't' has 7 examples, but 'x' (a.nn:2:9) has 2"));
    t.stride = 4;
    t.offset = 10;
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "/x: a window of 1 byte at offset 10 does not fit: there are 10 bytes"));
    write_text("t", "xy");
    read_from(&t, "t");
    t.offset = 0;
    t.stride = 1;
    assert_loaded(2);
    nnc_data_free(&data);
}

/* ---- Several files, one behind the other */

static void read_from_both(NncSource *source) {
    static const char *const names[] = {"x", "t"};
    source->files = names;
    source->file_count = 2;
}

/* No window lies across the border, and of each file there are as many as fit for all sources. */
static void test_windows_of_files(void **state) {
    (void)state;
    write_text("x", "abcde");
    write_text("t", "ABCDEFG");
    x.format = t.format = NNC_BYTES;
    x.window = x.width = 2;
    read_from_both(&x);
    assert_values(5, 2, (double[]){'a', 'b', 'c', 'd', 'A', 'B', 'C', 'D', 'E', 'F'});
    x.stride = t.stride = t.window = t.width = 1;
    t.offset = 3;
    read_from_both(&t);
    assert_loaded(2 + 4);
    assert_array(0, 6, 2, (double[]){'a', 'b', 'b', 'c', 'A', 'B', 'B', 'C', 'C', 'D', 'D', 'E'});
    assert_array(1, 6, 1, (double[]){'d', 'e', 'D', 'E', 'F', 'G'});
    nnc_data_free(&data);
    t.offset = 5;
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "/x: a window of 1 byte at offset 5 does not fit: there are 5 bytes"));
}

/* Classes in order of first appearance over all files; what a column is, all files decide. */
static void test_csv_files(void **state) {
    (void)state;
    const NncColumns first = {NULL, 0, 1}, kind = {"kind", 0, 0};
    write_text("x", "a,kind\n1,red\n2,blue\n");
    write_text("t", "a,kind\n7,blue\n8,green\n9,red\n");
    x.format = NNC_CSV;
    read_from_both(&x);
    x.columns = &first;
    x.column_count = 1;
    assert_values(5, 1, (double[]){1, 2, 7, 8, 9});
    const NncStep steps[] = {{NNC_STANDARDIZE, 0, 0}};
    x.steps = steps;
    x.step_count = 1;
    assert_loaded(5);
    assert_true(data.arrays[0].learned[0][0] == 27.0 / 5);
    nnc_data_free(&data);
    x.step_count = 0;
    x.columns = &kind;
    x.index_range = 3;
    assert_loaded(5);
    assert_array(0, 5, 1, (double[]){0, 1, 1, 2, 0});
    assert_int_equal(data.arrays[0].class_count, 3);
    assert_string_equal(data.arrays[0].classes[2], "green");
    nnc_data_free(&data);
    x.index_range = 2;
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "/t:3:3: 2 is no index in 0..2"));
}

static void assert_error_in(const char *first, const char *second, const char *message) {
    write_text("x", first);
    write_text("t", second);
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, message));
}

static void test_csv_files_refused(void **state) {
    (void)state;
    x.format = NNC_CSV;
    read_from_both(&x);
    assert_error_in("a\n1\n", "b\n2\n", "/t:1:1: here is 'b', but the header of ");
    assert_error_in("a\n1\n", "2\n3\n", "/t:1:1: here is '2', but the header of ");
    assert_error_in("1\n2\n", "a\n3\n", "/t:1:1: 'a' is not a number, as most of its column are");
    assert_error_in("a\n1\n", "a,b\n2,3\n", "/t:1: the line has 2 fields, the first line of ");
    assert_error_in("1\n2\n", "", "/t: the file is empty");
    assert_error_in("1\n2\n", "3\n\"4\n", "/t:2:1: the quote is never closed");
    assert_error_in("a\n1\n2\n", "a\n3\nx\n", "/t:3:1: 'x' is not a number, as most of its column are");
    x.header = 1;
    assert_error_in("a\n", "a\n", "/x: the file has a header, but no data");
    write_text("t", "a\n5\n");
    assert_values(1, 1, (double[]){5}); /* the first file has no row */
}

/* ---- Lists and CSV */

static void literal(NncSource *source, const double *values, size_t rows, size_t width) {
    source->format = NNC_LITERAL;
    source->files = NULL;
    source->literal = values;
    source->literal_rows = rows;
    source->literal_width = source->width = width;
}

static void test_literal(void **state) {
    (void)state;
    const double values[] = {1, 2, 3, 4, 5, INFINITY};
    literal(&x, values, 2, 2);
    assert_values(2, 2, values);
    x.width = 3;
    assert_error("this list gives 2 numbers for each example, but 'x' has 3 elements");
    assert_int_equal(error.shape, 1);
    assert_int_equal(error.step, -1);
    literal(&x, values, 2, 3);
    assert_error("example 1: inf is not a number to train with");
    literal(&x, values, 0, 3);
    assert_error("0 examples are too few");
}

static void test_csv(void **state) {
    (void)state;
    const NncColumns last = {NULL, 2, 3}, named = {"b", 0, 0};
    unsigned char packed[100];
    const char *text = "a,b,kind\n1,2,red\n3,4,blue\n5,6,red\n";
    write_text("x", text);
    x.format = NNC_CSV;
    x.columns = &named;
    x.column_count = 1;
    assert_values(3, 1, (double[]){2, 4, 6});
    x.columns = &last;
    assert_error(
        "/x:2:5: column kind holds text (red, blue), but 'x' wants numbers; write -> one_hot behind a column of classes");
    x.index_range = 2;
    assert_loaded(3);
    assert_array(0, 3, 1, (double[]){0, 1, 0});
    assert_int_equal(data.arrays[0].class_count, 2);
    assert_string_equal(data.arrays[0].classes[1], "blue");
    nnc_data_free(&data);
    x.index_range = 1;
    assert_error("/x:3:5: 1 is no index in 0..1");
    x.index_range = 0;
    x.column_count = 0;
    x.header = 0;
    assert_error("/x:1:1: 'a' is not a number, as most of its column are");
    x.columns = &named;
    x.column_count = 1;
    assert_error("/x: a column is chosen by name, but the file has no header");
    x.header = -1;
    files_write("x", packed, files_pack(text, strlen(text), packed, sizeof packed));
    assert_values(3, 1, (double[]){2, 4, 6});
    write_text("x", "1,2\n3\n");
    x.column_count = 0;
    assert_error("/x:2: the line has 1 field, the first line has 2");
    write_text("x", "1,2\n3,4\n");
    assert_error("/x: it gives 2 numbers for each example, but 'x' has 1 element");
    assert_int_equal(error.shape, 1);
}

static void test_files(void **state) {
    (void)state;
    NncFormat formats[] = {NNC_CSV, NNC_IDX, NNC_NPY, NNC_BYTES};
    x.window = 1;
    for (int i = 0; i < 4; i++) {
        x.format = formats[i];
        read_from(&x, "missing");
        assert_error("/missing: it cannot be opened: No such file or directory");
        read_from(&x, "/missing");
        assert_int_equal(load(), 0);
        assert_string_equal(error.message, "/missing: it cannot be opened: No such file or directory");
        read_from(&x, "");
        assert_error("/: it cannot be read: Is a directory");
        read_from(&x, "missing");
        NncBlock block = {"train", &x, 1, 0, 0};
        assert_int_equal(nnc_data_load(&block, NULL, NULL, 1, &data, &error), 0);
        assert_string_equal(error.message, "missing: it cannot be opened: No such file or directory");
    }
    char path[1000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    read_from(&x, path);
    assert_int_equal(load(), 0);
    assert_non_null(strstr(error.message, "aaa: it cannot be opened: File name too long"));
    NncBlock empty = {"test", NULL, 0, 0, 0};
    assert_int_equal(nnc_data_load(&empty, NULL, NULL, 1, &data, &error), 0);
    assert_string_equal(error.message, "data test has no source");
}

/* ---- Steps */

static void test_arithmetic(void **state) {
    (void)state;
    const double values[] = {1, 2};
    const NncStep steps[] = {{NNC_ADD, 1, 0},    {NNC_MULTIPLY, 6, 0},      {NNC_SUBTRACT, 2, 0}, /* 10 16 */
                             {NNC_DIVIDE, 2, 0}, {NNC_SUBTRACT_FROM, 6, 0}, {NNC_DIVIDE_INTO, 4, 0}};
    literal(&x, values, 2, 1);
    x.steps = steps;
    x.step_count = 6;
    assert_values(2, 1, (double[]){4, -2});
    const NncStep pole[] = {{NNC_SUBTRACT, 2, 0}, {NNC_DIVIDE_INTO, 1, 0}};
    x.steps = pole;
    x.step_count = 2;
    assert_error("example 1: inf is not a number to train with");
}

static void test_standardize_and_scale(void **state) {
    (void)state;
    const double values[] = {1, 5, 3, 5, 5, 5, 7, 5};
    const NncStep steps[] = {{NNC_STANDARDIZE, 0, 0}, {NNC_SCALE, -1, 1}, {NNC_STANDARDIZE, 0, 0}};
    double deviation = sqrt(5), d = (7 - 4) / deviation;
    literal(&x, values, 4, 2);
    x.steps = steps;
    x.step_count = 1;
    assert_values(4, 2, (double[]){-d, 0, (3 - 4) / deviation, 0, 1 / deviation, 0, d, 0});
    x.steps = steps + 1;
    assert_loaded(4);
    assert_array(0, 4, 2, (double[]){-1, -1, -1 + 2 * (2.0 / 6), -1, -1 + 2 * (4.0 / 6), -1, 1, -1});
    assert_int_equal(data.arrays[0].learned_count, 1);
    assert_int_equal(data.arrays[0].learned_widths[0], 2);
    assert_true(data.arrays[0].learned[0][0] == 1 && data.arrays[0].learned[0][1] == 5);
    assert_true(data.arrays[0].learned[0][2] == 6 && data.arrays[0].learned[0][3] == 1);
    nnc_data_free(&data);
    /* what is held out teaches nothing */
    literal(&x, values, 8, 1);
    x.steps = steps;
    assert_int_equal(load_from(NULL, 0.5, 3), 1);
    double mean = 0;
    for (size_t i = 0; i < 4; i++) mean += values[data.training[i]];
    assert_true(data.arrays[0].learned[0][0] == mean / 4);
    nnc_data_free(&data);
}

static void test_learned_from(void **state) {
    (void)state;
    const double others[] = {2, 4, 6};
    const NncStep steps[] = {{NNC_STANDARDIZE, 0, 0}, {NNC_ADD, 1, 0}, {NNC_SCALE, -1, 1}};
    double first[] = {10, 2}, second[] = {0, 4}, *learned[] = {first, second};
    size_t widths[] = {1, 1};
    NncArray arrays[] = {{.tensor = "t"}, {.tensor = "x", .learned_count = 2, .learned = learned, .learned_widths = widths}};
    NncData checkpoint = {.array_count = 2, .arrays = arrays};
    literal(&x, others, 3, 1);
    x.steps = steps;
    x.step_count = 3;
    assert_int_equal(load_from(&checkpoint, 0, 1), 1);
    /* -4 -3 -2, then -3 -2 -1, then -1 + x / 4 * 2 */
    assert_array(0, 3, 1, (double[]){-2.5, -2, -1.5});
    assert_int_equal(data.arrays[0].learned_count, 2);
    assert_true(data.arrays[0].learned[1][1] == 4);
    nnc_data_free(&data);
    arrays[1].learned_count = 1; /* the other one is learned here: -3 .. -1 */
    assert_int_equal(load_from(&checkpoint, 0, 1), 1);
    assert_array(0, 3, 1, (double[]){-1, 0, 1});
    nnc_data_free(&data);
    widths[0] = 3;
    assert_int_equal(load_from(&checkpoint, 0, 1), 0);
    assert_string_equal(error.message, "standardize was learned for 3 numbers of 'x', but here it has 1");
    assert_int_equal(error.step, 0);
}

/* The classes of test data are numbered as those of the training data. */
static void test_learned_classes(void **state) {
    (void)state;
    const NncStep hot = {NNC_ONE_HOT, 0, 0};
    x.format = NNC_CSV;
    x.steps = &hot;
    x.step_count = 1;
    x.classes = x.width = 3;
    write_text("x", "red\ngreen\nblue\n");
    assert_loaded(3);
    NncData training = data;
    write_text("x", "blue\nred\n");
    assert_int_equal(load_from(&training, 0, 1), 1);
    assert_array(0, 2, 3, (double[]){0, 0, 1, 1, 0, 0});
    assert_int_equal(data.arrays[0].class_count, 3);
    assert_string_equal(data.arrays[0].classes[2], "blue");
    nnc_data_free(&data);
    write_text("x", "blue\nred\nblack\n");
    assert_int_equal(load_from(&training, 0, 1), 0);
    assert_non_null(strstr(error.message, "/x:3:1: the data that 'x' was trained with have no class 'black'"));
    nnc_data_free(&training);
}

static void test_one_hot(void **state) {
    (void)state;
    const double values[] = {0, 2, 1, 0};
    const NncStep hot = {NNC_ONE_HOT, 0, 0};
    literal(&x, values, 2, 2);
    x.steps = &hot;
    x.step_count = 1;
    x.classes = 3;
    x.width = 6;
    assert_values(2, 6, (double[]){1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0});
    x.classes = 2;
    assert_error("example 0: '2' is class 2, but 'x' has classes 0 to 1");
    assert_int_equal(error.step, 0);
    assert_int_equal(error.shape, 1);
    x.classes = SIZE_MAX / 2;
    assert_error("36893488147419103232 numbers are too many");
    begin(state);
    files_write("x", "\0\0\x08\1\0\0\0\3\0\x09\x0A", 11);
    x.steps = &hot;
    x.step_count = 1;
    x.classes = x.width = 10;
    assert_error("/x: example 2: '10' is class 10, but 'x' has classes 0 to 9");
    x.format = NNC_CSV;
    x.classes = x.width = 2;
    write_text("x", "a\nb\nc\n");
    assert_error("/x:3:1: 'c' is class 2, but 'x' has classes 0 to 1");
    write_text("x", "0\n0.5\n");
    assert_error("/x:2:1: '0.5' is class 0.5, but 'x' has classes 0 to 1");
}

static void test_holdout(void **state) {
    (void)state;
    double values[100];
    for (int i = 0; i < 100; i++) values[i] = i;
    literal(&x, values, 100, 1);
    assert_int_equal(load_from(NULL, 0.2, 7), 1);
    assert_int_equal(data.held_out_count, 20);
    assert_int_equal(data.training_count, 80);
    uint32_t order[100];
    char held[100] = {0};
    nnc_shuffle(7, UINT64_MAX, order, 100);
    for (int i = 0; i < 20; i++) held[order[i]] = 1;
    size_t training = 0, held_out = 0;
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(held[i] ? data.held_out[held_out++] : data.training[training++], i);
    nnc_data_free(&data);
    x.literal_rows = 1; /* one is left to train on */
    assert_int_equal(load_from(NULL, 0.9, 7), 1);
    assert_int_equal(data.training_count, 1);
    assert_int_equal(data.held_out_count, 0);
    nnc_data_free(&data);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes),
        TEST(test_windows_together),
        TEST(test_windows_of_files),
        TEST(test_csv_files),
        TEST(test_csv_files_refused),
        TEST(test_literal),
        TEST(test_csv),
        TEST(test_files),
        TEST(test_arithmetic),
        TEST(test_standardize_and_scale),
        TEST(test_learned_from),
        TEST(test_learned_classes),
        TEST(test_one_hot),
        TEST(test_holdout),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
