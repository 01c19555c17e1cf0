/* Numbers as files of bytes hold them, for IDX and NPY. */
#include "data_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
static double half_value(uint64_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), sign = bits >> 15 ? -1 : 1;
    if (exponent == 31) return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, -24);
    return sign * ldexp(fraction + 1024, exponent - 25);
}

static double real_value(uint64_t bits, size_t size) {
    if (size == 2) return half_value(bits);
    if (size == 4) {
        uint32_t half = (uint32_t)bits;
        float number;
        memcpy(&number, &half, sizeof number);
        return (double)number;
    } else {
        double number;
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

double nnc_element_value(const NncElementType *element, const unsigned char *bytes) {
    size_t size = element->size, i;
    uint64_t bits = 0, sign = UINT64_C(1) << (8 * size - 1);
    for (i = 0; i < size; i++) bits = bits << 8 | bytes[element->big_endian ? i : size - 1 - i];
    if (element->kind == NNC_REAL) return real_value(bits, size);
    if (element->kind == NNC_UNSIGNED || (bits & sign) == 0) return (double)bits;
    return -(double)((~bits & (sign - 1)) + 1); /* two's complement */
}

/* ---- Headers against files */

static int check_length(NncTable *table, const NncElements *a, size_t elements) {
    size_t there = table->parts[table->part].size - a->start, size = a->element.size, wanted = elements * size;
    if (there == wanted) return 1;
    return nnc_table_fail(table, "its header promises %lu elements of %lu byte%s, %lu bytes, but behind it are %lu%s",
                          (unsigned long)elements, (unsigned long)size, size == 1 ? "" : "s", (unsigned long)wanted,
                          (unsigned long)there, there < wanted ? ": the file is truncated" : "");
}

/* "[28, 28]"; of many axes the first. */
static const char *print_axes(const NncElements *a, char *out, size_t size) {
    size_t axis, used = (size_t)snprintf(out, size, "[");
    for (axis = 1; axis < a->rank && used + 30 < size; axis++)
        used += (size_t)snprintf(out + used, size - used, "%s%lu", axis == 1 ? "" : ", ", (unsigned long)a->axes[axis]);
    snprintf(out + used, size - used, axis < a->rank ? ", ...]" : "]");
    return out;
}

/* Behind the first axis, all files have the same. */
static int check_shape(NncTable *table, const NncElements *a) {
    const NncElements *first = table->parts[0].elements;
    char shape[120], wanted[120];
    size_t axis;
    for (axis = 1; axis < a->rank && axis < first->rank && a->axes[axis] == first->axes[axis]; axis++) {
    }
    if (axis >= a->rank && axis >= first->rank) return 1;
    return nnc_table_fail(table, "its examples are of shape %s, but those of %.120s are of shape %s",
                          print_axes(a, shape, sizeof shape), table->files[0].path, print_axes(first, wanted, sizeof wanted));
}

int nnc_table_open_elements(NncTable *table) {
    const NncElements *a = table->parts[table->part].elements;
    size_t width = 1, axis, rows = a->axes[0], none = rows == 0;
    for (axis = 1; axis < a->rank; axis++) {
        if (a->axes[axis] != 0 && width > (size_t)-1 / a->axes[axis])
            return nnc_table_fail(table, "its header promises more numbers than a file can hold");
        width *= a->axes[axis];
        none |= a->axes[axis] == 0;
    }
    if (!none && rows > (size_t)-1 / a->element.size / width)
        return nnc_table_fail(table, "its header promises more numbers than a file can hold");
    if (!check_length(table, a, none ? 0 : rows * width)) return 0;
    if (none && rows > 0) return nnc_table_fail(table, "its examples hold no numbers: an axis has length 0");
    if (!check_shape(table, a)) return 0;
    table->raw_width = width;
    table->parts[table->part].rows = rows;
    return 1;
}

/* ---- Numbers */

/* Where, counted in elements, the file has element `column` of its row 0, if the first axis runs fastest. */
static size_t place_in_file(const NncElements *a, size_t column) {
    size_t place = 0, axis;
    for (axis = a->rank - 1; axis > 0; axis--) {
        place = (place + column % a->axes[axis]) * a->axes[axis - 1];
        column /= a->axes[axis];
    }
    return place;
}

/* `count` numbers that lie behind each other in the file, from element `place` on; to every `stride`-th of values. */
static int decode_run(NncTable *table, const NncElements *a, size_t place, size_t count, double *values, size_t stride) {
    const NncFile *file = &table->files[table->part];
    size_t size = a->element.size, from = a->start + place * size, i;
    const unsigned char *bytes;
    if (!nnc_table_at(table, from, count * size)) return 0;
    if (file->start + file->length < from + count * size) return nnc_table_fail(table, "the file is shorter than it was");
    bytes = file->bytes + (from - file->start);
    for (i = 0; i < count; i++) values[i * stride] = nnc_element_value(&a->element, bytes + i * size);
    return 1;
}

static int check_finite(NncTable *table, const NncElements *a, size_t before, size_t first, size_t count, const double *values) {
    size_t width = table->raw_width, i;
    char number[NNC_NUMBER_LENGTH];
    for (i = 0; i < count * width; i++) {
        size_t row = first + i / width, column = i % width;
        size_t place = a->first_axis_fastest ? place_in_file(a, column) + row : row * width + column;
        if (isfinite(values[i])) continue;
        return nnc_table_fail_at(table, before + row, column, "%s, at byte %lu, is not a number to train with",
                                 nnc_number_print(number, values[i]), (unsigned long)(a->start + place * a->element.size));
    }
    return 1;
}

int nnc_table_decode_elements(NncTable *table, size_t before, size_t first, size_t count, double *values) {
    const NncElements *a = table->parts[table->part].elements;
    size_t width = table->raw_width, column, row;
    if (a->first_axis_fastest) {
        for (column = 0; column < width; column++) {
            if (!decode_run(table, a, place_in_file(a, column) + first, count, values + column, width)) return 0;
        }
    } else {
        for (row = 0; row < count; row++) {
            if (!decode_run(table, a, (first + row) * width, width, values + row * width, 1)) return 0;
        }
    }
    return a->element.kind != NNC_REAL || check_finite(table, a, before, first, count, values);
}
