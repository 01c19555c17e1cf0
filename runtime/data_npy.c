/* NPY, the format of numpy.save, versions 1.0 to 3.0 (NEP 1): \x93NUMPY, two bytes of version, the length of the header, the
   header, the elements. The header is a Python dictionary,

       {'descr': '<f8', 'fortran_order': False, 'shape': (150, 4), } */
#include "data_table.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    NncTable *table;
    NncElements *elements;
    const unsigned char *bytes;
    size_t at, end; /* of the header, in bytes */
    char type[32];  /* descr */
    int given[3];   /* descr, fortran_order, shape */
} NpyHeader;

static int npy_corrupt(NpyHeader *header, const char *expected) {
    return nnc_table_fail(header->table, "its header is corrupt at byte %lu: %s", (unsigned long)header->at, expected);
}

/* The next byte that is not a space, or 0 at the end. */
static int npy_peek(NpyHeader *header) {
    const unsigned char *bytes = header->bytes;
    while (header->at < header->end && (bytes[header->at] == ' ' || bytes[header->at] == '\n')) header->at++;
    return header->at < header->end ? bytes[header->at] : 0;
}

static int npy_take(NpyHeader *header, char c) {
    if (npy_peek(header) != c) return 0;
    header->at++;
    return 1;
}

static int npy_expect(NpyHeader *header, char c) {
    char expected[] = "'?' was expected";
    expected[1] = c;
    return npy_take(header, c) || npy_corrupt(header, expected);
}

static int npy_text(NpyHeader *header, char *out, size_t size) {
    int quote = npy_peek(header);
    size_t length = 0;
    if (quote != '\'' && quote != '"') return npy_corrupt(header, "a text in quotes was expected");
    for (header->at++; header->at < header->end; header->at++) {
        int c = header->bytes[header->at];
        if (c == quote) {
            out[length] = '\0';
            header->at++;
            return 1;
        }
        if (c < 32 || c > 126 || c == '\\' || length + 1 == size) break;
        out[length++] = (char)c;
    }
    return npy_corrupt(header, "the text in quotes should have ended");
}

static int npy_truth(NpyHeader *header, int *truth) {
    const char *words[] = {"False", "True"};
    npy_peek(header);
    for (*truth = 0; *truth <= 1; ++*truth) {
        size_t length = strlen(words[*truth]);
        if (header->end - header->at < length || memcmp(header->bytes + header->at, words[*truth], length) != 0) continue;
        header->at += length;
        return 1;
    }
    return npy_corrupt(header, "True or False was expected");
}

static int npy_axis(NpyHeader *header) {
    size_t number = 0;
    int c = npy_peek(header);
    if (header->elements->rank == NNC_AXES_LIMIT) return npy_corrupt(header, "there are too many axes");
    if (c < '0' || c > '9') return npy_corrupt(header, "the length of an axis was expected");
    for (; header->at < header->end && (c = header->bytes[header->at]) >= '0' && c <= '9'; header->at++) {
        if (number > ((size_t)-1 - 9) / 10) return npy_corrupt(header, "the axis is too long");
        number = number * 10 + (size_t)(c - '0');
    }
    npy_take(header, 'L'); /* as Python 2 wrote it */
    header->elements->axes[header->elements->rank++] = number;
    return 1;
}

static int npy_shape(NpyHeader *header) {
    if (!npy_expect(header, '(')) return 0;
    while (!npy_take(header, ')')) {
        if (!npy_axis(header)) return 0;
        if (!npy_take(header, ',') && npy_peek(header) != ')') return npy_corrupt(header, "',' or ')' was expected");
    }
    return 1;
}

static int npy_entry(NpyHeader *header) {
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    char key[32];
    int i;
    if (!npy_text(header, key, sizeof key) || !npy_expect(header, ':')) return 0;
    for (i = 0; i < 3 && strcmp(keys[i], key) != 0; i++) {
    }
    if (i == 3 || header->given[i]) return npy_corrupt(header, "'descr', 'fortran_order' and 'shape' stand here, once each");
    header->given[i] = 1;
    if (i == 0 && npy_peek(header) == '[') return nnc_table_fail(header->table, "its elements are records, and not numbers");
    return i == 0   ? npy_text(header, header->type, sizeof header->type)
           : i == 1 ? npy_truth(header, &header->elements->first_axis_fastest)
                    : npy_shape(header);
}

static int npy_dictionary(NpyHeader *header) {
    if (!npy_expect(header, '{')) return 0;
    while (!npy_take(header, '}')) {
        if (!npy_entry(header)) return 0;
        if (!npy_take(header, ',') && npy_peek(header) != '}') return npy_corrupt(header, "',' or '}' was expected");
    }
    if (!header->given[0] || !header->given[1] || !header->given[2])
        return npy_corrupt(header, "'descr', 'fortran_order' and 'shape' must all have come");
    return npy_peek(header) == 0 && header->at == header->end ? 1 : npy_corrupt(header, "the header should have ended");
}

/* '<f8': the order of its bytes (< little, > big, = the machine's, | does not matter), kind and size. */
static int npy_element(NpyHeader *header) {
    NncElementType *element = &header->elements->element;
    static const char known[] = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8";
    const uint16_t one = 1;
    const char *type = header->type;
    char order = '=', *place;
    if (type[0] != '\0' && strchr("<>=|", type[0]) != NULL) order = *type++;
    place = strlen(type) == 2 ? strstr(known, type) : NULL;
    if (place == NULL || (place - known) % 3 != 0)
        return nnc_table_fail(header->table, "its elements are of type '%s', and not one of %s", header->type, known);
    element->kind = type[0] == 'i' ? NNC_SIGNED : type[0] == 'f' ? NNC_REAL : NNC_UNSIGNED;
    element->size = (size_t)(type[1] - '0');
    element->big_endian = order == '>' || (order != '<' && *(const unsigned char *)&one == 0);
    return 1;
}

/* Where the header starts and ends. */
static int npy_prologue(NpyHeader *header) {
    NncTable *table = header->table;
    const unsigned char *bytes;
    const size_t size = table->parts[table->part].size;
    NncElementType field = {NNC_UNSIGNED, 2, 0};
    size_t length;
    if (!nnc_table_at(table, 0, 12)) return 0;
    bytes = table->files[table->part].bytes;
    if (nnc_file_is_packed(bytes, size)) return nnc_table_fail(table, "it is compressed: unpack it with gunzip first");
    if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0)
        return nnc_table_fail(
            table, "it is an archive, such as numpy.savez makes: unpack it with unzip, and name one of its .npy files");
    if (size < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return nnc_table_fail(table, "it is no NPY file: it does not begin with \\x93NUMPY");
    if (size < 8) return nnc_table_fail(table, "it is truncated: it has only %lu bytes", (unsigned long)size);
    if (bytes[6] < 1 || bytes[6] > 3)
        return nnc_table_fail(table, "it is in version %d.%d of the NPY format; 1.0, 2.0 and 3.0 are known", bytes[6], bytes[7]);
    if (bytes[6] > 1) field.size = 4;
    if (size < 8 + field.size) return nnc_table_fail(table, "it is truncated: it has only %lu bytes", (unsigned long)size);
    header->at = 8 + field.size;
    length = (size_t)nnc_element_value(&field, bytes + 8);
    if (length > size - header->at) {
        return nnc_table_fail(table, "it is truncated: its header has %lu bytes, of which %lu are there", (unsigned long)length,
                              (unsigned long)(size - header->at));
    }
    header->end = header->at + length;
    if (!nnc_table_at(table, 0, header->end)) return 0;
    header->bytes = table->files[table->part].bytes;
    return 1;
}

int nnc_table_npy_header(NncTable *table, NncElements *elements) {
    NpyHeader header;
    memset(&header, 0, sizeof header);
    header.table = table;
    header.elements = elements;
    if (!npy_prologue(&header) || !npy_dictionary(&header) || !npy_element(&header)) return 0;
    if (elements->rank == 0)
        return nnc_table_fail(table, "it holds a single number, and not an array whose first axis counts examples");
    elements->start = header.end;
    return 1;
}
