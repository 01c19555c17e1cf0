#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_files.h"
#include "csv.h"
#include "file.h"

static NncFile file;
static NncFileError error;
static unsigned char text[300000], packed[400000];
static size_t packed_length;

/* A text too long for one buffer, that cannot be packed into a few bytes. */
static int make_files(void **state) {
    uint32_t x = 1;
    if (files_begin(state)) return 1;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
    packed_length = files_pack(text, sizeof text, packed, sizeof packed);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(files_path("a"));
    return rmdir(files_folder);
}

/* The whole of it. */
static int read_file(const char *path, int unpack) {
    error = (NncFileError){"", 0};
    nnc_file_init(&file, path, unpack, 1);
    if (nnc_file_at(&file, 0, 0, &error)) return 1;
    nnc_file_close(&file);
    return 0;
}

/* The same through a window, which must show these bytes of the file. */
static void assert_window(size_t from, size_t length, const unsigned char *expected, size_t expected_length) {
    size_t there = from >= expected_length ? 0 : expected_length - from < length ? expected_length - from : length;
    assert_int_equal(nnc_file_at(&file, from, length, &error), 1);
    if (there == 0) return;
    assert_true(file.start <= from && from + there <= file.start + file.length);
    assert_memory_equal(file.bytes + (from - file.start), expected + from, there);
    assert_true(there == length || (file.ended && file.start + file.length == expected_length));
}

static void assert_windows(const void *expected, size_t length) {
    size_t size;
    nnc_file_init(&file, files_path("a"), 1, 0);
    assert_window(0, 10, expected, length);
    assert_window(5, 100000, expected, length);
    assert_int_equal(nnc_file_size(&file, &size, &error), 1);
    assert_int_equal(size, length);
    for (size_t from = 0; from <= length; from += 30011) assert_window(from, 1 + from % 7, expected, length);
    for (size_t from = length; from > 20000; from -= 20000) assert_window(from, from % 3 * 50000, expected, length);
    for (size_t from = 3; from < length; from += 70001) assert_window(from, 200, expected, length);
    assert_window(length + 70000, 1, expected, length);
    nnc_file_close(&file);
    assert_window(7, 3, expected, length); /* opened again */
    assert_true(file.capacity <= 200000);
    nnc_file_close(&file);
}

static void assert_read(const void *bytes, size_t length, const void *expected, size_t expected_length) {
    files_write("a", bytes, length);
    assert_int_equal(read_file(files_path("a"), 1), 1);
    assert_int_equal(file.length, expected_length);
    if (expected_length > 0) assert_memory_equal(file.bytes, expected, expected_length);
    nnc_file_close(&file);
    assert_windows(expected, expected_length);
}

static void assert_refused(const void *bytes, size_t length, const char *message) {
    files_write("a", bytes, length);
    assert_int_equal(read_file(files_path("a"), 1), 0);
    assert_string_equal(error.message, message);
    assert_null(file.bytes);
}

static void test_plain(void **state) {
    (void)state;
    assert_read("", 0, "", 0);
    assert_read("abc", 3, "abc", 3);
    assert_read(text, sizeof text, text, sizeof text);
    assert_read(text, 1 << 16, text, 1 << 16);
    assert_read(text, 1 << 17, text, 1 << 17);
    assert_read("\x1F", 1, "\x1F", 1);
}

static void test_packed(void **state) {
    (void)state;
    static unsigned char both[sizeof packed * 2], twice[sizeof text * 2];
    assert_read(packed, packed_length, text, sizeof text);
    files_write("a", packed, packed_length);
    assert_int_equal(read_file(files_path("a"), 0), 1);
    assert_int_equal(file.length, packed_length);
    nnc_file_close(&file);
    /* one behind the other, as cat makes them, and filled up with zeros */
    memcpy(both, packed, packed_length);
    memcpy(both + packed_length, packed, packed_length);
    memcpy(twice, text, sizeof text);
    memcpy(twice + sizeof text, text, sizeof text);
    assert_read(both, 2 * packed_length, twice, sizeof twice);
    assert_read(both, 2 * packed_length + 100, twice, sizeof twice);
    unsigned char nothing[64];
    assert_read(nothing, files_pack("", 0, nothing, sizeof nothing), "", 0);
}

static void test_refused(void **state) {
    (void)state;
    char message[200];
    for (size_t length = 2; length < packed_length; length += length < 40 ? 1 : 9973) {
        sprintf(message, "its compressed data are truncated: they break off at byte %zu", length);
        assert_refused(packed, length, message);
    }
    assert_refused("\x1F\x8B\x07\x00", 4, "its compressed data are corrupt before byte 4: unknown compression method");
    packed[packed_length - 5] ^= 1;
    sprintf(message, "its compressed data are corrupt before byte %zu: incorrect data check", packed_length - 4);
    assert_refused(packed, packed_length, message);
    packed[packed_length - 5] ^= 1;
    packed[packed_length] = 'x';
    sprintf(message, "behind its compressed data, at byte %zu, is something else", packed_length);
    assert_refused(packed, packed_length + 1, message);
    assert_int_equal(read_file("/no/such/file", 1), 0);
    assert_string_equal(error.message, "it cannot be opened: No such file or directory");
    assert_int_equal(read_file(files_folder, 1), 0);
    assert_string_equal(error.message, "it cannot be read: Is a directory");
}

static void test_packed_csv(void **state) {
    (void)state;
    NncCsv csv;
    NncCsvError csv_error;
    double row[2];
    size_t length = files_pack("a,b\n1,2\n3,4\n", 12, packed, sizeof packed);
    files_write("a", packed, length);
    nnc_file_init(&file, files_path("a"), 1, 1);
    assert_int_equal(nnc_csv_open(&csv, &file, 1, NULL, 0, NNC_CSV_AUTO, &csv_error), 1);
    assert_int_equal(csv.rows, 2);
    assert_true(nnc_csv_next(&csv, row) && nnc_csv_next(&csv, row) && row[1] == 4);
    nnc_csv_close(&csv);
    nnc_file_close(&file);
    files_write("a", packed, length - 1);
    assert_int_equal(nnc_csv_open(&csv, &file, 1, NULL, 0, NNC_CSV_AUTO, &csv_error), 0);
    assert_non_null(strstr(csv_error.message, "its compressed data are truncated"));
    assert_int_equal(csv_error.line, 0);
    nnc_csv_close(&csv);
    nnc_file_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_packed_csv),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
