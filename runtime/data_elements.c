/* Numbers as files of bytes hold them, for IDX and NPY. */
#include "data_table.h"

#include <math.h>
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

/* Where, counted in elements, the file has element `column` of example `row`. */
static size_t place_in_file(const size_t *axes, size_t rank, size_t row, size_t column, int first_axis_fastest, size_t width) {
    size_t place = 0, axis;
    if (!first_axis_fastest) return row * width + column;
    for (axis = rank - 1; axis > 0; axis--) {
        place = (place + column % axes[axis]) * axes[axis - 1];
        column /= axes[axis];
    }
    return place + row;
}

static int check_length(NncTable *table, size_t start, size_t elements, size_t size) {
    size_t there = table->length - start, wanted = elements * size;
    if (there == wanted) return 1;
    return nnc_table_fail(table, "its header promises %lu elements of %lu byte%s, %lu bytes, but behind it are %lu%s",
                          (unsigned long)elements, (unsigned long)size, size == 1 ? "" : "s", (unsigned long)wanted,
                          (unsigned long)there, there < wanted ? ": the file is truncated" : "");
}

int nnc_table_elements(NncTable *table, size_t start, const NncElementType *element, const size_t *axes, size_t rank,
                       int first_axis_fastest) {
    size_t width = 1, axis, row, column, rows = axes[0], none = rows == 0;
    double *value;
    for (axis = 1; axis < rank; axis++) {
        if (axes[axis] != 0 && width > (size_t)-1 / axes[axis])
            return nnc_table_fail(table, "its header promises more numbers than a file can hold");
        width *= axes[axis];
        none |= axes[axis] == 0;
    }
    if (!none && rows > (size_t)-1 / element->size / width)
        return nnc_table_fail(table, "its header promises more numbers than a file can hold");
    if (!check_length(table, start, none ? 0 : rows * width, element->size)) return 0;
    if (none && rows > 0) return nnc_table_fail(table, "its examples hold no numbers: an axis has length 0");
    if (!nnc_table_allocate(table, rows, width)) return 0;
    value = table->array->values;
    for (row = 0; row < rows; row++) {
        for (column = 0; column < width; column++) {
            size_t place = place_in_file(axes, rank, row, column, first_axis_fastest, width);
            double x = nnc_element_value(element, table->bytes + start + place * element->size);
            char number[NNC_NUMBER_LENGTH];
            if (!isfinite(x)) {
                return nnc_table_fail_at(table, row, column, "%s, at byte %lu, is not a number to train with",
                                         nnc_number_print(number, x), (unsigned long)(start + place * element->size));
            }
            *value++ = x;
        }
    }
    return 1;
}
