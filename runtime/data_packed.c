/* Numbers that a file has as bytes and that all are calculated with alike stay bytes: a quarter of the memory, and of the time it takes
   to come from there. The number is factor * byte + shift. Floats find it to their last bit where factor and shift come in two parts: what is
   made of the first parts is exact, and what is made of the second ones is far smaller (Dekker, A Floating-Point Technique for Extending
   the Available Precision, 1971). All 256 bytes are tried before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data_table.h"
#include "large.h"
#include "strict.h"

enum { BYTE_VALUES = 256 };

#if defined(__GNUC__) && !defined(__clang__) /* vectors of it */
#pragma GCC push_options
#pragma GCC optimize("O3")
#endif
void nnc_data_unpack(const NncArray *array, size_t row, float *restrict to) {
    const unsigned char *restrict from = array->bytes + row * array->width;
    const NncLine line = array->line;
    size_t width = array->width, i;
    if (line.shift == 0 && line.shift_rest == 0) {
        for (i = 0; i < width; i++) to[i] = (float)from[i] * line.factor + (float)from[i] * line.factor_rest;
    } else {
        for (i = 0; i < width; i++) {
            float number = (float)from[i];
            to[i] = (number * line.factor + line.shift) + (number * line.factor_rest + line.shift_rest);
        }
    }
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

static int has_bytes(const NncTable *table) {
    const NncElements *a;
    size_t part;
    if (table->source->index_range > 0) return 0;
    if (table->source->format == NNC_BYTES) return 1;
    for (part = 0; part < table->part_count; part++) {
        a = table->parts[part].elements;
        if (a == NULL || a->element.kind != NNC_UNSIGNED || a->element.size != 1 || a->first_axis_fastest) return 0;
    }
    return table->source->format == NNC_IDX || table->source->format == NNC_NPY;
}

/* Through the values of the first byte and the last. The first parts are multiples of what the last bit of the largest value counts. */
static void find_line(NncLine *line, const double values[BYTE_VALUES]) {
    double shift = values[0], factor = (values[BYTE_VALUES - 1] - shift) / (BYTE_VALUES - 1), unit;
    int exponent = 0;
    frexp(fmax(fabs(values[0]), fabs(values[BYTE_VALUES - 1])), &exponent);
    unit = ldexp(1, exponent - 24);
    line->factor = (float)(rint(factor / unit) * unit);
    line->shift = (float)(rint(shift / unit) * unit);
    line->factor_rest = (float)(factor - (double)line->factor);
    line->shift_rest = (float)(shift - (double)line->shift);
}

/* What the steps make of each byte: factor * byte + shift, to the last bit of a float? */
static int has_line(NncTable *table, NncArray *array) {
    NncTable all = *table;
    unsigned char bytes[BYTE_VALUES];
    NncArray tried = {.width = BYTE_VALUES, .bytes = bytes};
    float numbers[BYTE_VALUES];
    double values[BYTE_VALUES];
    size_t i;
    int byte, fits = 1;
    for (i = 0; i < table->source->step_count; i++) {
        NncStepKind kind = table->source->steps[i].kind;
        if (kind != NNC_ADD && kind != NNC_SUBTRACT && kind != NNC_MULTIPLY && kind != NNC_DIVIDE && kind != NNC_SUBTRACT_FROM)
            return 0;
    }
    for (byte = 0; byte < BYTE_VALUES; byte++) values[byte] = byte;
    all.values = values;
    all.count = BYTE_VALUES;
    all.width = 1;
    all.steps_done = 0;
    nnc_table_steps(&all, table->source->step_count); /* none of these fails */
    find_line(&array->line, values);
    tried.line = array->line;
    for (byte = 0; byte < BYTE_VALUES; byte++) bytes[byte] = (unsigned char)byte;
    nnc_data_unpack(&tried, 0, numbers);
    for (byte = 0; byte < BYTE_VALUES; byte++) {
        float value = (float)values[byte];
        fits &= isfinite(value) && memcmp(&value, &numbers[byte], sizeof value) == 0; /* -0 is not 0 */
    }
    return fits;
}

/* The bytes of a row, in the window of its file; NULL: the file cannot be read. */
static const unsigned char *row_of_part(NncTable *table, size_t row) {
    const NncSource *source = table->source;
    const NncElements *a = table->parts[table->part].elements;
    const NncFile *file = &table->files[table->part];
    size_t width = table->raw_width, from;
    from = a != NULL ? a->start + row * width : source->offset + row * nnc_table_stride(source);
    return nnc_table_at(table, from, width) ? file->bytes + (from - file->start) : NULL;
}

int nnc_table_pack(NncTable *table) {
    NncArray *array = table->array;
    size_t width = table->raw_width, row, at = 0;
    if (!has_bytes(table) || !has_line(table, array)) return 1;
    array->bytes = nnc_large_new(table->rows * width);
    if (array->bytes == NULL) return nnc_table_no_memory(table);
    for (table->part = 0; table->part < table->part_count; table->part++) {
        for (row = 0; row < table->parts[table->part].rows; row++) {
            const unsigned char *bytes = row_of_part(table, row);
            if (bytes == NULL) return 0;
            memcpy(array->bytes + at, bytes, width);
            at += width;
        }
    }
    table->part = 0;
    table->width = width;
    return 1;
}
