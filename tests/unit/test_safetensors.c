#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"
#include "safetensors.h"

static NncTensors tensors;
static NncTensorsError error;

/* A file of this header, with `data` bytes behind it. */
static int parse(const char *header, size_t data) {
    size_t length = strlen(header);
    unsigned char *bytes = calloc(1, 8 + length + data);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++) bytes[8 + length + i] = (unsigned char)(i + 1);
    int fine = nnc_safetensors_parse(bytes, 8 + length + data, &tensors, &error);
    free(bytes);
    return fine;
}

static void refused(const char *header, size_t data, const char *message) {
    assert_int_equal(parse(header, data), 0);
    if (strstr(error.message, message) == NULL) fail_msg("'%s' is not in: %s", message, error.message);
    assert_null(tensors.tensors);
}

static void test_reading(void **state) {
    (void)state;
    assert_int_equal(
        parse("{\"__metadata__\":{\"step\":\"7\"},\n \"b\" : {\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[8,16]},"
              "\"a\\u00e9\\ud83d\\ude00\\n\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}   ",
              16),
        1);
    assert_int_equal(tensors.tensor_count, 2);
    assert_string_equal(tensors.tensors[0].name, "a\xC3\xA9\xF0\x9F\x98\x80\n");
    assert_int_equal(tensors.tensors[0].count, 1);
    assert_int_equal(tensors.tensors[1].rank, 1);
    assert_string_equal(nnc_tensors_metadata(&tensors, "step"), "7");
    assert_null(nnc_tensors_metadata(&tensors, "epoch"));
    assert_ptr_equal(nnc_tensors_find(&tensors, "b"), &tensors.tensors[1]);
    assert_null(nnc_tensors_find(&tensors, "c"));
    nnc_tensors_free(&tensors);
    assert_int_equal(parse("{}", 0), 1);
    nnc_tensors_free(&tensors);
    assert_int_equal(parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[3,0,9999999999],\"data_offsets\":[0,0]}}", 0), 1);
    assert_int_equal(tensors.tensors[0].count, 0);
    nnc_tensors_free(&tensors);
}

static void test_half_precision(void **state) {
    (void)state;
    const char *header = "{\"h\":{\"dtype\":\"F16\",\"shape\":[6],\"data_offsets\":[0,12]},\"b\":{\"dtype\":\"BF16\",\"shape\":["
                         "2],\"data_offsets\":[12,16]}}";
    const uint16_t numbers[] = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x3F80, 0xC2F7};
    const double expected[] = {1, -2, 0x1p-24, 65504, INFINITY, 0, 1, -123.5};
    size_t length = strlen(header);
    unsigned char file[256] = {(unsigned char)length};
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < 8; i++) {
        file[8 + length + 2 * i] = (unsigned char)(numbers[i] & 255);
        file[9 + length + 2 * i] = (unsigned char)(numbers[i] >> 8);
    }
    assert_int_equal(nnc_safetensors_parse(file, 8 + length + 16, &tensors, &error), 1);
    for (size_t i = 0; i < 8; i++)
        assert_true((i < 6 ? tensors.tensors[0].values[i] : tensors.tensors[1].values[i - 6]) == expected[i]);
    nnc_tensors_free(&tensors);
}

static void test_what_is_refused(void **state) {
    (void)state;
#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
    refused("", 0, "corrupt at byte 8");
    refused("{" A "}", 7, "ends outside the file");
    refused("{" A "}", 9, "has 9 bytes of data, its tensors 8");
    refused("{" A "," A "}", 8, "twice");
    refused("{" A "} x", 8, "something follows");
    refused("{" A, 8, "'}' was expected");
    refused(" {" A "}", 8, "'{' was expected");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "has 3 elements, but 8 bytes");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "has 1 elements, but 8 bytes");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "begins at 4 instead of 0");
    refused("{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "begins at 4 instead of 8");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "begins at 8");
    refused("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "'I64'");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "lacks");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "once each");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", 8, "once each");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", 8, "too many numbers");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "a whole number was expected");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "']' was expected");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]}}", 8, "begins with 0");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}", 8, "too large");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8,
            "more elements than the file");
    refused("{\"a\\x\":1}", 0, "an escape that JSON does not know");
    refused("{\"a\\u12g4\":1}", 0, "four hexadecimal digits");
    refused("{\"a\\ud800\":1}", 0, "surrogate");
    refused("{\"a\\udc00\":1}", 0, "surrogate");
    refused("{\"a\\u0000\":1}", 0, "a character 0");
    refused("{\"a\n\":1}", 0, "control character");
    refused("{\"a", 0, "a string without end");
    refused("{\"a\\", 0, "JSON does not know");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "'\"' was expected");
    refused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "a second __metadata__");
    assert_int_equal(nnc_safetensors_parse((const unsigned char *)"1234567", 7, &tensors, &error), 0);
    assert_int_equal(nnc_safetensors_parse((const unsigned char *)"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F{}", 10, &tensors, &error), 0);
    assert_int_equal(nnc_safetensors_load("/no/such/file", &tensors, &error), 0);
    assert_string_equal(error.message, "it cannot be opened: No such file or directory");
}

/* ---- Saving */

static unsigned char *contents(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(65536);
    assert_non_null(file);
    *length = fread(bytes, 1, 65536, file);
    fclose(file);
    return bytes;
}

static int files_in(const char *folder) {
    DIR *directory = opendir(folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static NncTensors sample(void) {
    static double w[] = {1.5, -0.1, 0, 1e300, 5e-324, INFINITY}, loss[] = {0.25}, empty[1];
    static char name_w[] = "hidden.W", name_loss[] = "l\"o\\ss\n", name_empty[] = "e", key[] = "step", value[] = "12";
    static NncTensor list[3];
    static NncMetadata metadata[1];
    list[0] = (NncTensor){name_w, NNC_F64, 2, {2, 3}, 6, w};
    list[1] = (NncTensor){name_loss, NNC_F32, 0, {0}, 1, loss};
    list[2] = (NncTensor){name_empty, NNC_F64, 1, {0}, 0, empty};
    metadata[0] = (NncMetadata){key, value};
    return (NncTensors){3, 1, list, metadata};
}

static void test_saving(void **state) {
    (void)state;
    char folder[] = "/tmp/test_safetensors_XXXXXX", path[64], other[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    snprintf(other, sizeof other, "%s/b.safetensors", folder);
    NncTensors written = sample();
    assert_int_equal(nnc_safetensors_save(path, &written, &error), 1);
    assert_int_equal(nnc_safetensors_save(path, &written, &error), 1); /* over the old one */
    assert_int_equal(nnc_safetensors_save(other, &written, &error), 1);
    assert_int_equal(files_in(folder), 2);
    size_t length, other_length;
    unsigned char *bytes = contents(path, &length), *other_bytes = contents(other, &other_length);
    assert_int_equal(length, other_length);
    assert_memory_equal(bytes, other_bytes, length);
    assert_int_equal((length - 6 * 8 - 4) % 8, 0);
    free(bytes);
    free(other_bytes);
    assert_int_equal(nnc_safetensors_load(path, &tensors, &error), 1);
    assert_int_equal(tensors.tensor_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const NncTensor *a = &written.tensors[i], *b = nnc_tensors_find(&tensors, a->name);
        assert_non_null(b);
        assert_int_equal(a->element, b->element);
        assert_int_equal(a->rank, b->rank);
        assert_int_equal(a->count, b->count);
        if (a->count > 0) assert_memory_equal(a->values, b->values, a->count * sizeof(double));
    }
    assert_string_equal(nnc_tensors_metadata(&tensors, "step"), "12");
    nnc_tensors_free(&tensors);
    remove(path);
    remove(other);
    rmdir(folder);
}

static void test_failing_to_save(void **state) {
    (void)state;
    char folder[] = "/tmp/test_safetensors_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    NncTensors written = sample();
    snprintf(path, sizeof path, "%s/none/a", folder);
    assert_int_equal(nnc_safetensors_save(path, &written, &error), 0);
    assert_string_equal(error.message, "it cannot be written: No such file or directory");
    assert_int_equal(nnc_safetensors_save(folder, &written, &error), 0); /* a folder cannot be replaced */
    assert_int_equal(files_in(folder), 0);
    rmdir(folder);
}

/* Changed, cut and lengthened files: an answer, no crash (run with sanitizers). */
static void test_corruption(void **state) {
    (void)state;
    char folder[] = "/tmp/test_safetensors_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a", folder);
    NncTensors written = sample();
    assert_int_equal(nnc_safetensors_save(path, &written, &error), 1);
    size_t length;
    unsigned char *bytes = contents(path, &length);
    remove(path);
    rmdir(folder);
    static const char letters[] = "{}[]\",:\\u0189F -";
    for (uint64_t seed = 0; seed < 50000; seed++) {
        uint64_t drawn = 0;
#define DRAW(limit) ((size_t)(nnc_random_uniform(seed, 0, 0, drawn++) * (double)(limit)))
        size_t cut = DRAW(4) == 0 ? DRAW(length + 1) : length;
        unsigned char *changed = malloc(cut > 0 ? cut : 1);
        memcpy(changed, bytes, cut);
        for (size_t i = DRAW(4); i > 0 && cut > 0; i--) {
            size_t at = DRAW(cut < 300 ? cut : 300);
            changed[at] = (unsigned char)(DRAW(2) == 0 ? (int)DRAW(256) : letters[DRAW(sizeof letters - 1)]);
        }
        if (nnc_safetensors_parse(changed, cut, &tensors, &error)) nnc_tensors_free(&tensors);
        else assert_true(error.message[0] != '\0' && tensors.tensors == NULL);
        free(changed);
    }
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading), cmocka_unit_test(test_half_precision),  cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_saving),  cmocka_unit_test(test_failing_to_save), cmocka_unit_test(test_corruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
