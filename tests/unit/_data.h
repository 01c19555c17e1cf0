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

static int load_from(const NncData *learned_from, double holdout, uint64_t seed) {
    NncSource sources[] = {x, t};
    NncBlock block = {"train", sources, t.files != NULL || t.literal != NULL ? 2 : 1, holdout, 0};
    return nnc_data_load(&block, files_folder, learned_from, seed, &data, &error);
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
