/* Loads blocks of one or two sources, x and t, whose files the tests write. */
#ifndef NNC_TEST_DATA_H
#define NNC_TEST_DATA_H

#include "_files.h"
#include "data.h"

static NncData data;
static NncDataError error;
static NncSource x, t; /* the sources of the tests; t only where it has numbers */

/* From this file alone. The name is not copied. */
static void read_from(NncSource *source, const char *file) {
    static const char *names[2];
    const char **name = &names[source == &t];
    *name = file;
    source->files = name;
    source->file_count = 1;
}

static int begin(void **state) {
    (void)state;
    x = (NncSource){.tensor = "x", .width = 1, .classes = 1, .header = -1, .format = NNC_IDX};
    t = (NncSource){.tensor = "t", .width = 1, .classes = 1, .header = -1, .format = NNC_IDX};
    read_from(&x, "x");
    return 0;
}

static void assert_same_rows(NncReader *reader, const NncData *streamed) {
    NncDataError problem;
    for (size_t k = 0; k < 2 * data.rows; k++) {
        size_t row = k < data.rows ? k : 2 * data.rows - 1 - k; /* on, and back */
        for (size_t i = 0; i < data.array_count && (k < data.rows || k % 7 == 0); i++) {
            const double *values = nnc_data_row(reader, i, row, &problem);
            assert_non_null(values);
            assert_memory_equal(values, data.arrays[i].values + row * data.arrays[i].width,
                                data.arrays[i].width * sizeof *values);
        }
    }
    for (size_t i = 0; i < data.array_count; i++) {
        const NncArray *a = &data.arrays[i], *b = &streamed->arrays[i];
        assert_true(a->width == b->width && a->learned_count == b->learned_count && a->class_count == b->class_count);
        for (size_t k = 0; k < a->learned_count; k++)
            assert_memory_equal(a->learned[k], b->learned[k], 2 * a->learned_widths[k] * sizeof(double));
        for (size_t k = 0; k < a->class_count; k++) assert_string_equal(a->classes[k], b->classes[k]);
    }
    assert_int_equal(data.training_count, streamed->training_count);
    assert_memory_equal(data.training, streamed->training, data.training_count * sizeof *data.training);
}

/* All rows in memory, and again row by row: that is the same, and so is what is wrong. */
static int load_from(const NncData *learned_from, double holdout, uint64_t seed) {
    NncSource sources[] = {x, t};
    NncBlock block = {"train", sources, t.files != NULL || t.literal != NULL ? 2 : 1, holdout, 0};
    NncDataError of_stream;
    NncData streamed;
    NncReader *reader;
    int fine = nnc_data_load(&block, files_folder, learned_from, seed, &data, &error);
    assert_int_equal(nnc_data_open(&block, files_folder, learned_from, seed, &streamed, &reader, &of_stream), fine);
    if (fine) assert_same_rows(reader, &streamed);
    else assert_string_equal(of_stream.message, error.message);
    assert_int_equal(of_stream.step, error.step);
    nnc_data_close(reader);
    nnc_data_free(&streamed);
    return fine;
}

static int load(void) { return load_from(NULL, 0, 1); }

static void assert_loaded(size_t rows) {
    if (!load()) fail_msg("%s", error.message);
    assert_int_equal(data.rows, rows);
    assert_int_equal(data.training_count + data.held_out_count, rows);
}

static void assert_array(size_t number, size_t rows, size_t width, const double *expected) {
    assert_int_equal(data.rows, rows);
    assert_int_equal(data.arrays[number].width, width);
    for (size_t i = 0; i < rows * width; i++) assert_true(data.arrays[number].values[i] == expected[i]);
}

static void assert_values(size_t rows, size_t width, const double *expected) {
    assert_loaded(rows);
    assert_array(0, rows, width, expected);
    nnc_data_free(&data);
    assert_null(data.arrays);
}

/* The message of the source x, which begins with the folder of the tests where it begins with '/'. */
static void assert_error(const char *message) {
    char expected[1000];
    snprintf(expected, sizeof expected, "%s%s", message[0] == '/' ? files_folder : "", message);
    assert_int_equal(load(), 0);
    assert_string_equal(error.message, expected);
    assert_int_equal(error.source, 0);
    assert_null(data.arrays);
    assert_null(data.training);
}

static void write_text(const char *name, const char *text) { files_write(name, text, strlen(text)); }

static int end(void **state) {
    (void)state;
    unlink(files_path("x"));
    unlink(files_path("t"));
    return rmdir(files_folder);
}

#endif
