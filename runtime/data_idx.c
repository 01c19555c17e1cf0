/* IDX, the format of MNIST (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"): two bytes 0, the type, the
   number of axes, their lengths in 4 bytes each, the elements; all big-endian, the last axis running fastest. */
#include "data_table.h"

static int idx_element(int type, NncElementType *element) {
    static const struct {
        int type;
        NncElementKind kind;
        size_t size;
    } types[] = {{0x08, NNC_UNSIGNED, 1}, {0x09, NNC_SIGNED, 1}, {0x0B, NNC_SIGNED, 2},
                 {0x0C, NNC_SIGNED, 4},   {0x0D, NNC_REAL, 4},   {0x0E, NNC_REAL, 8}};
    size_t i;
    for (i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].type != type) continue;
        element->kind = types[i].kind;
        element->size = types[i].size;
        element->big_endian = 1;
        return 1;
    }
    return 0;
}

int nnc_table_idx_header(NncTable *table, NncElements *elements) {
    const NncElementType length = {NNC_UNSIGNED, 4, 1};
    const size_t size = table->parts[table->part].size;
    const unsigned char *bytes;
    size_t rank, i;
    if (!nnc_table_at(table, 0, 4 + 4 * NNC_AXES_LIMIT)) return 0;
    bytes = table->files[table->part].bytes;
    if (size < 4) return nnc_table_fail(table, "it is no IDX file: it has only %lu bytes", (unsigned long)size);
    if (bytes[0] != 0 || bytes[1] != 0) {
        return nnc_table_fail(table, "it is no IDX file: it begins with the bytes %02X %02X %02X %02X, not with 00 00", bytes[0],
                              bytes[1], bytes[2], bytes[3]);
    }
    if (!idx_element(bytes[2], &elements->element))
        return nnc_table_fail(table, "its elements are of type 0x%02X, which IDX does not know (byte 2)", bytes[2]);
    rank = bytes[3];
    if (rank == 0) return nnc_table_fail(table, "it has no axis (byte 3), and the first would count the examples");
    if (size < 4 + 4 * rank) {
        return nnc_table_fail(table, "it is truncated: the header of an array with %lu ax%s has %lu bytes, and the file has %lu",
                              (unsigned long)rank, rank == 1 ? "is" : "es", (unsigned long)(4 + 4 * rank), (unsigned long)size);
    }
    for (i = 0; i < rank; i++) elements->axes[i] = (size_t)nnc_element_value(&length, bytes + 4 + 4 * i);
    elements->rank = rank;
    elements->start = 4 + 4 * rank;
    return 1;
}
