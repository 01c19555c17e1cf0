/* IDX and NPY, built byte by byte; then whatever bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_data.h"
#include "random.h"

/* ---- Bytes of formats */

static unsigned char bytes[70000];
static size_t length;

static void put(const void *from, size_t count) {
    memcpy(bytes + length, from, count);
    length += count;
}

/* A number of that many bytes, the first one the highest or the lowest. */
static void put_bits(uint64_t bits, size_t size, int big_endian) {
    for (size_t i = 0; i < size; i++) bytes[length++] = (unsigned char)(bits >> 8 * (big_endian ? size - 1 - i : i));
}

static uint64_t bits_of(double value, size_t size) {
    float single = (float)value;
    uint32_t half;
    uint64_t bits;
    memcpy(&half, &single, sizeof half);
    memcpy(&bits, &value, sizeof bits);
    return size == 4 ? half : bits;
}

static void put_idx(int type, size_t rank, const uint32_t *axes) {
    x.format = NNC_IDX;
    length = 0;
    put((unsigned char[]){0, 0, (unsigned char)type, (unsigned char)rank}, 4);
    for (size_t i = 0; i < rank; i++) put_bits(axes[i], 4, 1);
}

static void put_npy_header(int version, const char *header) {
    x.format = NNC_NPY;
    length = 0;
    put("\x93NUMPY", 6);
    put((unsigned char[]){(unsigned char)version, 0}, 2);
    put_bits(strlen(header), version == 1 ? 2 : 4, 0);
    put(header, strlen(header));
}

static void put_npy(int version, const char *type, int fortran, const char *shape) {
    char header[400];
    sprintf(header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type, fortran ? "True" : "False", shape);
    size_t used = strlen(header), end = (used + 12 + 64) / 64 * 64;
    while (used + (version == 1 ? 11 : 13) < end) header[used++] = ' ';
    strcpy(header + used, "\n");
    put_npy_header(version, header);
}

static void save(void) { files_write("x", bytes, length); }

/* ---- IDX */

typedef struct {
    int type;
    size_t size;
    double values[4];
} IdxType;

static const IdxType idx_types[] = {
    {0x08, 1, {0, 1, 128, 255}},
    {0x09, 1, {0, -1, -128, 127}},
    {0x0B, 2, {0, -2, -32768, 32767}},
    {0x0C, 4, {0, -3, -2147483648.0, 2147483647}},
    {0x0D, 4, {0, -0.5, 1.5e-45, 3.4028234663852886e38}},
    {0x0E, 8, {0.1, -1e300, 5e-324, 1.7976931348623157e308}},
};

static void put_idx_values(const IdxType *type) {
    for (int i = 0; i < 4; i++) {
        double value = type->values[i];
        put_bits(type->type >= 0x0D ? bits_of(value, type->size) : (uint64_t)(int64_t)value, type->size, 1);
    }
}

static void test_idx_types(void **state) {
    (void)state;
    unsigned char packed[400];
    for (size_t i = 0; i < sizeof idx_types / sizeof *idx_types; i++) {
        double expected[4];
        for (int k = 0; k < 4; k++)
            expected[k] = idx_types[i].type == 0x0D ? (double)(float)idx_types[i].values[k] : idx_types[i].values[k];
        put_idx(idx_types[i].type, 1, (uint32_t[]){4});
        put_idx_values(&idx_types[i]);
        save();
        x.width = 1;
        assert_values(4, 1, expected);
        put_idx(idx_types[i].type, 3, (uint32_t[]){2, 1, 2});
        put_idx_values(&idx_types[i]);
        files_write("x", packed, files_pack(bytes, length, packed, sizeof packed));
        x.width = 2;
        assert_values(2, 2, expected);
    }
}

static void test_idx_refused(void **state) {
    (void)state;
    put_idx(0x08, 2, (uint32_t[]){2, 3});
    put("abcdef", 6);
    x.width = 3;
    length--;
    save();
    assert_error("/x: its header promises 6 elements of 1 byte, 6 bytes, but behind it are 5: the file is truncated");
    length += 2;
    save();
    assert_error("/x: its header promises 6 elements of 1 byte, 6 bytes, but behind it are 7");
    length = 11;
    save();
    assert_error("/x: it is truncated: the header of an array with 2 axes has 12 bytes, and the file has 11");
    length = 3;
    save();
    assert_error("/x: it is no IDX file: it has only 3 bytes");
    length = 0;
    save();
    assert_error("/x: it is no IDX file: it has only 0 bytes");
    write_text("x", "a,b\n1,2\n");
    assert_error("/x: it is no IDX file: it begins with the bytes 61 2C 62 0A, not with 00 00");
    put_idx(0x0A, 1, (uint32_t[]){1});
    save();
    assert_error("/x: its elements are of type 0x0A, which IDX does not know (byte 2)");
    put_idx(0x08, 0, NULL);
    save();
    assert_error("/x: it has no axis (byte 3), and the first would count the examples");
    put_idx(0x08, 2, (uint32_t[]){0, 3});
    save();
    assert_error("/x: 0 examples are too few");
    put_idx(0x08, 3, (uint32_t[]){3, 2, 0});
    save();
    assert_error("/x: its examples hold no numbers: an axis has length 0");
    put_idx(0x0E, 2, (uint32_t[]){4294967295, 4});
    save();
    assert_error("/x: its header promises 17179869180 elements of 8 bytes, 137438953440 bytes, but behind it are 0: the file is "
                 "truncated");
    put_idx(0x0E, 2, (uint32_t[]){4294967295, 4294967295});
    save();
    assert_error("/x: its header promises more numbers than a file can hold");
    put_idx(0x08, 3, (uint32_t[]){1, 4294967295, 4294967295});
    put_bits(0xFFFFFFFF, 4, 1);
    bytes[3] = 4;
    save();
    assert_error("/x: its header promises more numbers than a file can hold");
}

/* ---- NPY */

typedef struct {
    const char *type;
    size_t size;
    uint64_t bits[4];
    double values[4];
} NpyType;

static const NpyType npy_types[] = {
    {"b1", 1, {0, 1, 1, 0}, {0, 1, 1, 0}},
    {"i1", 1, {0, 0xFF, 0x80, 0x7F}, {0, -1, -128, 127}},
    {"i2", 2, {1, 0xFFFF, 0x8000, 0x7FFF}, {1, -1, -32768, 32767}},
    {"i4", 4, {1, 0xFFFFFFFE, 0x80000000, 0x7FFFFFFF}, {1, -2, -2147483648.0, 2147483647}},
    {"i8", 8, {1, UINT64_MAX, UINT64_C(1) << 63, 1 << 20}, {1, -1, -9223372036854775808.0, 1048576}},
    {"u1", 1, {0, 1, 0x80, 0xFF}, {0, 1, 128, 255}},
    {"u2", 2, {0, 1, 0x8000, 0xFFFF}, {0, 1, 32768, 65535}},
    {"u4", 4, {0, 1, 0x80000000, 0xFFFFFFFF}, {0, 1, 2147483648.0, 4294967295.0}},
    {"u8", 8, {0, 1, UINT64_C(1) << 63, 258}, {0, 1, 9223372036854775808.0, 258}},
    {"f2", 2, {0x3C00, 0xC000, 0x0001, 0x7BFF}, {1, -2, 5.9604644775390625e-8, 65504}},
    {"f2", 2, {0x3555, 0x8000, 0x0400, 0x03FF}, {0.333251953125, 0, 6.103515625e-5, 6.097555160522461e-5}},
    {"f4", 4, {0x3F800000, 0xC0490FDB, 0, 0x00000001}, {1, -3.1415927410125732, 0, 1.401298464324817e-45}},
    {"f8", 8, {0x3FF0000000000000, 0x3FB999999999999A, 0x8000000000000001, 0}, {1, 0.1, -5e-324, 0}},
};

static void test_npy_types(void **state) {
    (void)state;
    const uint16_t one = 1;
    int machine_is_big = *(const unsigned char *)&one == 0;
    const char orders[] = "<>=|";
    for (size_t i = 0; i < sizeof npy_types / sizeof *npy_types; i++) {
        for (const char *order = orders; *order != '\0'; order++) {
            for (int version = 1; version <= 3; version++) {
                char type[8] = {*order};
                strcat(type, npy_types[i].type);
                int big = *order == '>' || (*order != '<' && machine_is_big);
                put_npy(version, type, 0, "(2, 2)");
                for (int k = 0; k < 4; k++) put_bits(npy_types[i].bits[k], npy_types[i].size, big);
                save();
                x.width = 2;
                assert_values(2, 2, npy_types[i].values);
                put_npy(version, type, 1, "(4,)");
                for (int k = 0; k < 4; k++) put_bits(npy_types[i].bits[k], npy_types[i].size, big);
                save();
                x.width = 1;
                assert_values(4, 1, npy_types[i].values);
            }
        }
    }
}

static void test_npy_orders(void **state) {
    (void)state;
    double expected[24];
    /* 100 i + 10 j + k at [i, j, k] of [2, 3, 4] */
    for (int i = 0; i < 24; i++) expected[i] = 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4;
    put_npy(1, "|u1", 0, "(2, 3, 4)");
    for (int i = 0; i < 24; i++) put_bits((uint64_t)expected[i], 1, 0);
    save();
    x.width = 12;
    assert_values(2, 12, expected);
    put_npy(1, "<i2", 1, "(2, 3, 4)");
    for (uint64_t k = 0; k < 4; k++) {
        for (uint64_t j = 0; j < 3; j++) {
            for (uint64_t i = 0; i < 2; i++) put_bits(100 * i + 10 * j + k, 2, 0);
        }
    }
    save();
    assert_values(2, 12, expected);
    put_npy(1, "<i2", 1, "(2, 3)");
    for (uint64_t i = 0; i < 6; i++) put_bits(i, 2, 0);
    save();
    x.width = 3;
    assert_values(2, 3, (double[]){0, 2, 4, 1, 3, 5});
    /* keys in any order, other quotes, no commas at the end, the L of Python 2 */
    put_npy_header(1, "{\"shape\":(1L,2L),'fortran_order':False,\"descr\":'u1'}");
    put("\x01\x02", 2);
    save();
    x.width = 2;
    assert_values(1, 2, (double[]){1, 2});
}

static void refuse_npy_header(const char *header, const char *message) {
    put_npy_header(1, header);
    put("12345678", 8);
    save();
    assert_error(message);
}

static void test_npy_headers_refused(void **state) {
    (void)state;
    refuse_npy_header("", "/x: its header is corrupt at byte 10: '{' was expected");
    refuse_npy_header("{", "/x: its header is corrupt at byte 11: a text in quotes was expected");
    refuse_npy_header("{'descr", "/x: its header is corrupt at byte 17: the text in quotes should have ended");
    refuse_npy_header("{'descr' '<f8'}", "/x: its header is corrupt at byte 19: ':' was expected");
    refuse_npy_header("{'name': 1}",
                      "/x: its header is corrupt at byte 18: 'descr', 'fortran_order' and 'shape' stand here, once each");
    refuse_npy_header("{'descr': '<f8' 'shape'}", "/x: its header is corrupt at byte 26: ',' or '}' was expected");
    refuse_npy_header("{'descr': '<f8'}",
                      "/x: its header is corrupt at byte 26: 'descr', 'fortran_order' and 'shape' must all have come");
    refuse_npy_header("{'fortran_order': Fals}", "/x: its header is corrupt at byte 28: True or False was expected");
    refuse_npy_header("{'shape': 3}", "/x: its header is corrupt at byte 20: '(' was expected");
    refuse_npy_header("{'shape': (3 4)}", "/x: its header is corrupt at byte 23: ',' or ')' was expected");
    refuse_npy_header("{'shape': (-3, 4)}", "/x: its header is corrupt at byte 21: the length of an axis was expected");
    refuse_npy_header("{'shape': (3", "/x: its header is corrupt at byte 22: ',' or ')' was expected");
    refuse_npy_header("{'shape': (30000000000000000000,)}", "/x: its header is corrupt at byte 40: the axis is too long");
    refuse_npy_header("{'descr': [('a', '<f8')]}", "/x: its elements are records, and not numbers");
    refuse_npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} 1",
                      "/x: its header is corrupt at byte 66: the header should have ended");
    refuse_npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': ()}",
                      "/x: it holds a single number, and not an array whose first axis counts examples");
    refuse_npy_header("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}",
                      "/x: its elements are of type '<c16', and not one of b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8");
    refuse_npy_header("{'descr': '', 'fortran_order': False, 'shape': (1,)}",
                      "/x: its elements are of type '', and not one of b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8");
    refuse_npy_header("{'descr': '1 ', 'fortran_order': False, 'shape': (1,)}",
                      "/x: its elements are of type '1 ', and not one of b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8");
    refuse_npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 1)}",
                      "/x: its header promises more numbers than a file can hold");
    refuse_npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4294967296, 4294967296)}",
                      "/x: its header promises more numbers than a file can hold");
}

static void test_npy_refused(void **state) {
    (void)state;
    unsigned char packed[400];
    put_npy(1, "<f8", 0, "(2, 3)");
    for (int i = 0; i < 6; i++) put_bits(bits_of(i, 8), 8, 0);
    x.width = 3;
    files_write("x", bytes, length - 1);
    assert_error("/x: its header promises 6 elements of 8 bytes, 48 bytes, but behind it are 47: the file is truncated");
    files_write("x", bytes, length + 1);
    assert_error("/x: its header promises 6 elements of 8 bytes, 48 bytes, but behind it are 49");
    files_write("x", bytes, 40);
    assert_error("/x: it is truncated: its header has 118 bytes, of which 30 are there");
    files_write("x", bytes, 9);
    assert_error("/x: it is truncated: it has only 9 bytes");
    files_write("x", bytes, 7);
    assert_error("/x: it is truncated: it has only 7 bytes");
    files_write("x", bytes, 5);
    assert_error("/x: it is no NPY file: it does not begin with \\x93NUMPY");
    files_write("x", packed, files_pack(bytes, length, packed, sizeof packed));
    assert_error("/x: it is compressed: unpack it with gunzip first");
    write_text("x", "PK\x03\x04 and more");
    assert_error("/x: it is an archive, such as numpy.savez makes: unpack it with unzip, and name one of its .npy files");
    bytes[6] = 4;
    save();
    assert_error("/x: it is in version 4.0 of the NPY format; 1.0, 2.0 and 3.0 are known");
    bytes[6] = 1;
    memset(bytes + length - 16, 0xFF, 8);
    save();
    assert_error("/x: example 1, number 1: nan, at byte 160, is not a number to train with");
    put_npy(1, ">f2", 0, "(2,)");
    put("\x00\x00\xFC\x00", 4);
    save();
    x.width = 1;
    assert_error("/x: example 1: -inf, at byte 130, is not a number to train with");
}

/* ---- Arrays that are larger than what is in memory when they are decoded row by row: [rows, 1000] in two files */

enum { LARGE_WIDTH = 1000, LARGE_ROWS = 700, FIRST_ROWS = 300 };
static unsigned char large[LARGE_ROWS * LARGE_WIDTH + 200], large_packed[sizeof large + 10000];

static unsigned char large_value(size_t row, size_t column) { return (unsigned char)((row * 7 + column * 13) % 251); }

/* Behind the header in bytes: rows first .. end - 1. */
static void save_large(const char *name, size_t first, size_t end, int first_axis_fastest, int pack) {
    size_t n = length, rows = end - first;
    memcpy(large, bytes, length);
    for (size_t i = 0; i < rows * LARGE_WIDTH; i++)
        large[n++] =
            first_axis_fastest ? large_value(first + i % rows, i / rows) : large_value(first + i / LARGE_WIDTH, i % LARGE_WIDTH);
    if (pack) files_write(name, large_packed, files_pack(large, n, large_packed, sizeof large_packed));
    else files_write(name, large, n);
}

static void assert_large(void) {
    static const char *const names[] = {"x", "t"};
    x.files = names;
    x.file_count = 2;
    x.width = LARGE_WIDTH;
    assert_loaded(LARGE_ROWS);
    for (size_t i = 0; i < LARGE_ROWS * LARGE_WIDTH; i++)
        assert_true(data.arrays[0].values[i] == large_value(i / LARGE_WIDTH, i % LARGE_WIDTH));
    nnc_data_free(&data);
}

static void test_large(void **state) {
    (void)state;
    for (int pack = 0; pack < 2; pack++) {
        put_idx(0x08, 2, (uint32_t[]){FIRST_ROWS, LARGE_WIDTH});
        save_large("x", 0, FIRST_ROWS, 0, pack);
        put_idx(0x08, 2, (uint32_t[]){LARGE_ROWS - FIRST_ROWS, LARGE_WIDTH});
        save_large("t", FIRST_ROWS, LARGE_ROWS, 0, pack);
        assert_large();
        length = 0;
        save_large("x", 0, FIRST_ROWS, 0, pack);
        save_large("t", FIRST_ROWS, LARGE_ROWS, 0, pack);
        x.format = NNC_BYTES;
        x.window = LARGE_WIDTH;
        assert_large();
    }
    put_npy(1, "|u1", 1, "(300, 1000)");
    save_large("x", 0, FIRST_ROWS, 1, 0);
    put_npy(1, "|u1", 0, "(400, 1000)");
    save_large("t", FIRST_ROWS, LARGE_ROWS, 0, 0);
    assert_large(); /* the first of them decides how many rows are read at once */
    put_npy(1, "|u1", 1, "(700, 1000)");
    save_large("x", 0, LARGE_ROWS, 1, 0);
    put_npy(1, "|u1", 1, "(0, 1000)");
    files_write("t", bytes, length);
    assert_large();
}

/* ---- Whatever the bytes: an answer, no crash (run with sanitizers) */

static uint64_t draws;
static size_t draw(size_t below) { return (size_t)(nnc_random_uniform(1, 2, 3, draws++) * (double)below); }

static void mutate(const unsigned char *valid, size_t size) {
    static unsigned char changed[70000];
    memcpy(changed, valid, size);
    for (size_t i = 0, count = draw(4); i < count; i++) {
        size_t at = draw(draw(2) ? size : size < 140 ? size : 140); /* headers twice as often */
        if (draw(2)) changed[at] ^= (unsigned char)(1 << draw(8));
        else changed[at] = (unsigned char)draw(256);
    }
    files_write("x", changed, draw(3) == 0 ? draw(size + 1) : size);
    if (!load()) {
        assert_true(error.message[0] != '\0');
        assert_null(data.arrays);
        return;
    }
    for (size_t i = 0; i < data.rows * data.arrays[0].width; i++) assert_true(isfinite(data.arrays[0].values[i]));
    nnc_data_free(&data);
}

static void test_any_bytes(void **state) {
    (void)state;
    static unsigned char packed[70000];
    const char *types[] = {"|u1", "<f4", ">f8", "<f2", "<i8"};
    enum { VARIANTS = 1500 };
    x.width = 6;
    for (int i = 0; i < VARIANTS; i++) {
        const IdxType *type = &idx_types[i % 6];
        put_idx(type->type, 3, (uint32_t[]){4, 3, 2});
        for (int k = 0; k < 6; k++) put_idx_values(type);
        mutate(bytes, length);
        mutate(packed, files_pack(bytes, length, packed, sizeof packed));
        put_npy(1 + i % 3, types[i % 5], i % 2, "(4, 3, 2)");
        for (int k = 0; k < 24; k++) put_bits((uint64_t)k, types[i % 5][2] == '1' ? 1 : (size_t)(types[i % 5][2] - '0'), 0);
        mutate(bytes, length);
        x.format = NNC_BYTES;
        x.window = 6;
        x.stride = (size_t)(i % 8);
        x.offset = (size_t)(i % 5);
        mutate(bytes, length);
        mutate(packed, files_pack(bytes, length, packed, sizeof packed));
        x.format = NNC_CSV;
        const char *text = "a,b,c,d,e,f\n1,2,3,4,5,6\n-1.5,2e3,\"3\",4,5,6\n";
        mutate((const unsigned char *)text, strlen(text));
        mutate(packed, files_pack(text, strlen(text), packed, sizeof packed));
    }
}

/* ---- Packed: the bytes of the file, and how they become numbers */

enum { PACKED_ROWS = 8, PACKED_WIDTH = 37 };

/* Loads x both ways, which must agree to the last bit of each float. */
static int is_packed(const NncStep *steps, size_t count) {
    NncData packed;
    NncBlock block = {"train", &x, 1, 0.25, 1};
    x.width = PACKED_WIDTH;
    x.steps = steps;
    x.step_count = count;
    if (!nnc_data_load(&block, files_folder, NULL, 1, &data, &error)) fail_msg("%s", error.message);
    if (!nnc_data_load_packed(&block, files_folder, NULL, 1, &packed, &error)) fail_msg("%s", error.message);
    assert_int_equal(packed.rows, data.rows);
    assert_int_equal(packed.arrays[0].width, PACKED_WIDTH);
    assert_memory_equal(packed.training, data.training, data.training_count * sizeof *data.training);
    assert_true((packed.arrays[0].bytes == NULL) != (packed.arrays[0].values == NULL));
    int found = packed.arrays[0].bytes != NULL;
    for (size_t row = 0; row < data.rows && found; row++) {
        float numbers[PACKED_WIDTH];
        nnc_data_unpack(&packed.arrays[0], row, numbers);
        for (size_t i = 0; i < PACKED_WIDTH; i++) assert_true(numbers[i] == (float)data.arrays[0].values[row * PACKED_WIDTH + i]);
    }
    nnc_data_free(&packed);
    nnc_data_free(&data);
    return found;
}

static void put_all_bytes(void) {
    for (unsigned i = 0; i < PACKED_ROWS * PACKED_WIDTH; i++) bytes[length++] = (unsigned char)(i * 7);
}

static void test_packed(void **state) {
    (void)state;
    static const NncStep pixels[] = {{NNC_DIVIDE, 255, 0}},
                         centred[] = {{NNC_DIVIDE, 255, 0}, {NNC_SUBTRACT, 0.5, 0}, {NNC_MULTIPLY, 2, 0}},
                         known[] = {{NNC_DIVIDE, 255, 0}, {NNC_SUBTRACT, 0.1307, 0}, {NNC_DIVIDE, 0.3081, 0}},
                         negative[] = {{NNC_DIVIDE, 255, 0}, {NNC_SUBTRACT_FROM, 1, 0}}, far[] = {{NNC_ADD, 1e6, 0}},
                         small[] = {{NNC_MULTIPLY, 1e-30, 0}}, zero[] = {{NNC_MULTIPLY, 0, 0}},
                         inverse[] = {{NNC_ADD, 1, 0}, {NNC_DIVIDE_INTO, 1, 0}}, learned[] = {{NNC_STANDARDIZE, 0, 0}},
                         scaled[] = {{NNC_SCALE, 0, 1}}, subnormal[] = {{NNC_MULTIPLY, 1e-44, 0}};
    put_idx(0x08, 2, (uint32_t[]){PACKED_ROWS, PACKED_WIDTH});
    put_all_bytes();
    save();
    assert_true(is_packed(NULL, 0));
    assert_true(is_packed(pixels, 1));
    assert_true(is_packed(centred, 3));
    assert_true(is_packed(known, 3));
    assert_true(is_packed(negative, 2));
    assert_true(is_packed(far, 1));
    assert_true(is_packed(small, 1));
    assert_true(is_packed(zero, 1));
    is_packed(subnormal, 1); /* if so, to the last bit */
    assert_false(is_packed(inverse, 2));
    assert_false(is_packed(learned, 1));
    assert_false(is_packed(scaled, 1));
    put_idx(0x09, 2, (uint32_t[]){PACKED_ROWS, PACKED_WIDTH}); /* signed */
    put_all_bytes();
    save();
    assert_false(is_packed(pixels, 1));
    for (int fortran = 0; fortran < 2; fortran++) {
        put_npy(1, "|u1", fortran, "(8, 37)");
        put_all_bytes();
        save();
        assert_true(is_packed(pixels, 1) == !fortran);
    }
    x.format = NNC_BYTES;
    x.window = PACKED_WIDTH;
    x.stride = 11;
    x.offset = 5;
    assert_true(is_packed(pixels, 1));
}

/* ---- The real thing: NNC_MNIST is a folder with the four files of MNIST */

static void test_mnist(void **state) {
    (void)state;
    const char *folder = getenv("NNC_MNIST");
    if (folder == NULL) {
        puts("SKIPPED: NNC_MNIST does not name the folder of MNIST");
        skip();
    }
    const NncStep divide = {NNC_DIVIDE, 255, 0}, hot = {NNC_ONE_HOT, 0, 0};
    read_from(&x, "t10k-images-idx3-ubyte.gz");
    x.width = 784;
    x.steps = &divide;
    x.step_count = 1;
    read_from(&t, "t10k-labels-idx1-ubyte.gz");
    t.width = t.classes = 10;
    t.steps = &hot;
    t.step_count = 1;
    NncSource sources[] = {x, t};
    NncBlock block = {"test", sources, 2, 0, 0};
    if (!nnc_data_load(&block, folder, NULL, 1, &data, &error)) fail_msg("%s", error.message);
    assert_int_equal(data.rows, 10000);
    double ones = 0, classes[10] = {0};
    for (size_t i = 0; i < 100000; i++) classes[i % 10] += data.arrays[1].values[i];
    for (int i = 0; i < 10; i++) ones += classes[i];
    assert_true(ones == 10000 && classes[0] == 980 && classes[1] == 1135 && classes[9] == 1009);
    assert_true(data.arrays[1].values[7] == 1); /* the first digit is a 7 */
    nnc_data_free(&data);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_idx_types),  TEST(test_idx_refused),         TEST(test_npy_types),
        TEST(test_npy_orders), TEST(test_npy_headers_refused), TEST(test_npy_refused),
        TEST(test_large),      TEST(test_any_bytes),           TEST(test_packed),
        TEST(test_mnist),
    };
    return cmocka_run_group_tests(tests, files_begin, end);
}
