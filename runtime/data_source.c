/* Where the numbers of a table come from: files and lists. */
#include "data_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bytes: example k of a file is the `window` bytes from offset + k * stride on */

size_t nnc_table_stride(const NncSource *source) { return source->stride > 0 ? source->stride : source->window; }

static int open_windows(NncTable *table) {
    const NncSource *source = table->source;
    NncPart *part = &table->parts[table->part];
    if (source->window == 0) return nnc_table_fail(table, "a window of 0 bytes holds nothing");
    if (source->offset > part->size || part->size - source->offset < source->window) {
        return nnc_table_fail(table, "a window of %lu byte%s at offset %lu does not fit: there are %lu bytes",
                              (unsigned long)source->window, source->window == 1 ? "" : "s", (unsigned long)source->offset,
                              (unsigned long)part->size);
    }
    part->rows = (part->size - source->offset - source->window) / nnc_table_stride(source) + 1;
    table->raw_width = source->window;
    return 1;
}

static int decode_windows(NncTable *table, size_t first, size_t count, double *values) {
    const NncSource *source = table->source;
    const NncFile *file = &table->files[table->part];
    size_t window = source->window, row, i;
    for (row = first; row < first + count; row++) {
        size_t from = source->offset + row * nnc_table_stride(source);
        const unsigned char *bytes;
        if (!nnc_table_at(table, from, window)) return 0;
        if (file->start + file->length < from + window) return nnc_table_fail(table, "the file is shorter than it was");
        bytes = file->bytes + (from - file->start);
        for (i = 0; i < window; i++) *values++ = bytes[i];
    }
    return 1;
}

/* ---- Opening */

static char *join(const char *folder, const char *file) {
    int alone = folder == NULL || folder[0] == '\0' || file[0] == '/';
    size_t size = strlen(file) + (alone ? 0 : strlen(folder)) + 2;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s%s%s", alone ? "" : folder, alone ? "" : "/", file);
    return path;
}

static int open_parts(NncTable *table, const char *folder, int whole) {
    const NncSource *source = table->source;
    size_t count = source->format == NNC_LITERAL ? 0 : source->file_count;
    table->files = calloc(count + 1, sizeof *table->files);
    table->parts = calloc(count + 1, sizeof *table->parts);
    if (table->files == NULL || table->parts == NULL) return nnc_table_no_memory(table);
    for (; table->part_count < count; table->part_count++) {
        char *path = join(folder, source->files[table->part_count]);
        if (path == NULL) return nnc_table_no_memory(table);
        table->parts[table->part_count].path = path;
        nnc_file_init(&table->files[table->part_count], path, source->format != NNC_NPY, whole);
    }
    return 1;
}

static int open_part(NncTable *table) {
    NncPart *part = &table->parts[table->part];
    NncFile *file = &table->files[table->part];
    NncFileError problem = {"", 0};
    if (!nnc_file_size(file, &part->size, &problem)) {
        table->error->memory = problem.memory;
        return nnc_table_fail(table, "%s", problem.message);
    }
    if (table->source->format == NNC_BYTES) return open_windows(table);
    part->elements = calloc(1, sizeof *part->elements);
    if (part->elements == NULL) return nnc_table_no_memory(table);
    if (table->source->format == NNC_IDX ? !nnc_table_idx_header(table, part->elements)
                                         : !nnc_table_npy_header(table, part->elements))
        return 0;
    return nnc_table_open_elements(table);
}

void nnc_table_count(NncTable *table) {
    size_t i;
    table->rows = 0;
    for (i = 0; i < table->part_count; i++) table->rows += table->parts[i].rows;
}

/* The window of a file that is not read any more would only take up memory. */
static void leave_part(NncTable *table) {
    if (!table->files[table->part].whole) nnc_file_close(&table->files[table->part]);
}

int nnc_table_open(NncTable *table, const char *folder, int whole) {
    const NncSource *source = table->source;
    if (!open_parts(table, folder, whole)) return 0;
    if (source->format == NNC_LITERAL) {
        table->rows = source->literal_rows;
        table->raw_width = source->literal_width;
        return 1;
    }
    if (source->format == NNC_CSV) {
        if (!nnc_table_open_csv(table)) return 0;
    } else {
        for (table->part = 0; table->part < table->part_count; table->part++) {
            if (!open_part(table)) return 0;
            leave_part(table);
        }
        table->part = 0;
    }
    nnc_table_count(table);
    return 1;
}

void nnc_table_close(NncTable *table) {
    size_t i;
    if (table->csv != NULL) nnc_csv_close(table->csv);
    for (i = 0; i < table->part_count; i++) {
        free(table->parts[i].path);
        nnc_file_close(&table->files[i]);
        free(table->parts[i].elements);
    }
    free(table->csv);
    free(table->files);
    free(table->parts);
    free(table->values);
}

/* ---- Decoding */

static int decode_literal(NncTable *table, size_t first, size_t count, double *values) {
    size_t width = table->raw_width;
    if (count * width > 0) memcpy(values, table->source->literal + first * width, count * width * sizeof *values);
    return 1;
}

int nnc_table_decode(NncTable *table, size_t first, size_t count, double *values) {
    size_t before = 0, part, n;
    if (table->source->format == NNC_LITERAL) return decode_literal(table, first, count, values);
    if (table->source->format == NNC_CSV) return nnc_table_decode_csv(table, first, count, values);
    for (part = 0; part < table->part_count && count > 0; before += table->parts[part++].rows) {
        size_t rows = table->parts[part].rows, from = first - before;
        if (from >= rows) continue;
        if (part != table->part) leave_part(table);
        table->part = part;
        n = rows - from < count ? rows - from : count;
        if (table->source->format == NNC_BYTES ? !decode_windows(table, from, n, values)
                                               : !nnc_table_decode_elements(table, before, from, n, values))
            return 0;
        first += n;
        count -= n;
        values += n * table->raw_width;
    }
    return 1;
}
