/* Reading safetensors. The header is JSON of one form only, and nothing else is accepted:

       {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F64", "shape": [2, 3], "data_offsets": [0, 48]}, ...}

   As the format demands, the data of the tensors must fill the rest of the file without gaps or overlaps. */
#include "safetensors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT ((size_t)100 * 1000 * 1000) /* as in the reference implementation */

typedef struct {
    const unsigned char *at, *start, *end;
    NncTensors *tensors;
    size_t tensor_capacity, metadata_capacity;
    struct Extent {
        uint64_t begin, end;
        size_t tensor;
    } * extents; /* tensor_capacity of them */
    NncTensorsError *error;
} Parser;

static int load_fail(NncTensorsError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

static int load_no_memory(NncTensorsError *error) { return load_fail(error, "there is not enough memory for it"); }

static int bad_header(Parser *p, const char *expected) {
    return load_fail(p->error, "the header is corrupt at byte %lu: %s", (unsigned long)(p->at - p->start) + 8, expected);
}

/* ---- JSON */

static void skip_space(Parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) p->at++;
}

/* Takes the character, spaces before it included, if it comes next. */
static int take(Parser *p, char c) {
    skip_space(p);
    if (p->at == p->end || *p->at != (unsigned char)c) return 0;
    p->at++;
    return 1;
}

static int expect(Parser *p, char c) {
    char text[32];
    if (take(p, c)) return 1;
    sprintf(text, "'%c' was expected", c);
    return bad_header(p, text);
}

static int hex4(Parser *p, unsigned long *code) {
    int i;
    *code = 0;
    for (i = 0; i < 4; i++, p->at++) {
        int c = p->at < p->end ? *p->at : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return bad_header(p, "four hexadecimal digits were expected");
        *code = *code * 16 + (unsigned long)digit;
    }
    return 1;
}

static size_t put_utf8(char *out, unsigned long code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* What follows a backslash, at most four bytes. */
static int parse_escape(Parser *p, char *out, size_t *length) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    unsigned long code, low;
    const char *found = p->at < p->end && *p->at != 0 ? strchr(names, *p->at) : NULL;
    if (found != NULL) {
        out[(*length)++] = meant[found - names];
        p->at++;
        return 1;
    }
    if (p->at == p->end || *p->at != 'u') return bad_header(p, "an escape that JSON does not know");
    p->at++;
    if (!hex4(p, &code)) return 0;
    if (code >= 0xD800 && code < 0xDC00) {
        if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u') return bad_header(p, "half of a surrogate pair");
        p->at += 2;
        if (!hex4(p, &low)) return 0;
        if (low < 0xDC00 || low >= 0xE000) return bad_header(p, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return bad_header(p, "half of a surrogate pair");
    }
    if (code == 0) return bad_header(p, "a character 0");
    *length += put_utf8(out + *length, code);
    return 1;
}

/* *text becomes the caller's. */
static int parse_string(Parser *p, char **text) {
    const unsigned char *quote;
    size_t length = 0;
    if (!expect(p, '"')) return 0;
    for (quote = p->at; quote < p->end && *quote != '"'; quote++) {
        if (*quote == '\\' && quote + 1 < p->end) quote++;
    }
    *text = malloc((size_t)(quote - p->at) + 1); /* an escape is never shorter than what it stands for */
    if (*text == NULL) return load_no_memory(p->error);
    while (p->at < p->end && *p->at != '"') {
        int fine = 1;
        if (*p->at < 32) fine = bad_header(p, "a control character in a string");
        else if (*p->at != '\\') (*text)[length++] = (char)*p->at++;
        else if (p->at++, 1) fine = parse_escape(p, *text, &length);
        if (!fine) {
            free(*text);
            *text = NULL;
            return 0;
        }
    }
    (*text)[length] = '\0';
    if (p->at < p->end) {
        p->at++;
        return 1;
    }
    free(*text);
    *text = NULL;
    return bad_header(p, "a string without end");
}

static int parse_number(Parser *p, uint64_t *number) {
    const unsigned char *first;
    skip_space(p);
    first = p->at;
    *number = 0;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        uint64_t digit = (uint64_t)(*p->at - '0');
        if (*number > (UINT64_MAX - digit) / 10) return bad_header(p, "a number that is too large");
        *number = *number * 10 + digit;
        p->at++;
    }
    if (p->at == first) return bad_header(p, "a whole number was expected");
    if (*first == '0' && p->at - first > 1) return bad_header(p, "a number that begins with 0");
    return 1;
}

/* [1, 2, 3]: at most `limit` numbers */
static int parse_numbers(Parser *p, uint64_t *numbers, int limit, int *count) {
    *count = 0;
    if (!expect(p, '[')) return 0;
    if (take(p, ']')) return 1;
    do {
        if (*count == limit) return bad_header(p, "too many numbers");
        if (!parse_number(p, &numbers[(*count)++])) return 0;
    } while (take(p, ','));
    return expect(p, ']');
}

/* ---- The header's meaning */

static size_t stored_bytes(NncElement element) { return element == NNC_F64 ? 8 : element == NNC_F32 ? 4 : 2; }

static int parse_element(Parser *p, const char *name, const char *word, NncElement *element) {
    static const char *const words[] = {"F64", "F32", "F16", "BF16"};
    int i;
    for (i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0) {
            *element = (NncElement)i;
            return 1;
        }
    }
    return load_fail(p->error, "'%.80s' has elements of type '%.20s'; F64, F32, F16 and BF16 can be read", name, word);
}

/* Room for one more item of an array that is counted elsewhere. */
static int load_grow(void **items, size_t *capacity, size_t count, size_t size, NncTensorsError *error) {
    size_t more = *capacity == 0 ? 16 : *capacity * 2;
    void *larger;
    if (count < *capacity) return 1;
    larger = realloc(*items, more * size);
    if (larger == NULL) return load_no_memory(error);
    *items = larger;
    *capacity = more;
    return 1;
}

static int parse_metadata(Parser *p) {
    void *items;
    if (!expect(p, '{')) return 0;
    if (take(p, '}')) return 1;
    do {
        NncMetadata *item;
        items = p->tensors->metadata;
        if (!load_grow(&items, &p->metadata_capacity, p->tensors->metadata_count, sizeof *item, p->error)) return 0;
        p->tensors->metadata = items;
        item = &p->tensors->metadata[p->tensors->metadata_count];
        memset(item, 0, sizeof *item);
        p->tensors->metadata_count++;
        if (!parse_string(p, &item->key) || !expect(p, ':') || !parse_string(p, &item->value)) return 0;
    } while (take(p, ','));
    return expect(p, '}');
}

static int parse_fields(Parser *p, NncTensor *tensor, struct Extent *extent) {
    uint64_t numbers[NNC_TENSOR_RANK];
    int seen_type = 0, seen_shape = 0, seen_offsets = 0, i, count, fine = 1;
    if (!expect(p, '{')) return 0;
    do {
        char *key = NULL, *word = NULL;
        if (!parse_string(p, &key)) return 0;
        if (!expect(p, ':')) {
            fine = 0;
        } else if (strcmp(key, "dtype") == 0 && !seen_type++) {
            fine = parse_string(p, &word) && parse_element(p, tensor->name, word, &tensor->element);
        } else if (strcmp(key, "shape") == 0 && !seen_shape++) {
            fine = parse_numbers(p, numbers, NNC_TENSOR_RANK, &tensor->rank);
            for (i = 0; fine && i < tensor->rank; i++) {
                if (numbers[i] > SIZE_MAX) fine = bad_header(p, "a shape that is too large");
                tensor->shape[i] = (size_t)numbers[i];
            }
        } else if (strcmp(key, "data_offsets") == 0 && !seen_offsets++) {
            fine = parse_numbers(p, numbers, 2, &count);
            if (fine && count != 2) fine = bad_header(p, "two offsets were expected");
            if (fine) extent->begin = numbers[0], extent->end = numbers[1];
        } else {
            fine = bad_header(p, "only dtype, shape and data_offsets may stand here, once each");
        }
        free(key);
        free(word);
        if (!fine) return 0;
    } while (take(p, ','));
    if (!expect(p, '}')) return 0;
    if (!seen_type || !seen_shape || !seen_offsets)
        return load_fail(p->error, "'%.80s' lacks dtype, shape or data_offsets", tensor->name);
    return 1;
}

static int parse_tensor(Parser *p, char *name) {
    size_t number = p->tensors->tensor_count, capacity = p->tensor_capacity;
    void *items = p->tensors->tensors, *extents = p->extents;
    NncTensor *tensor;
    if (!load_grow(&items, &p->tensor_capacity, number, sizeof *tensor, p->error)) {
        free(name);
        return 0;
    }
    p->tensors->tensors = items;
    if (!load_grow(&extents, &capacity, number, sizeof *p->extents, p->error)) {
        free(name);
        return 0;
    }
    p->extents = extents;
    tensor = &p->tensors->tensors[number];
    memset(tensor, 0, sizeof *tensor);
    tensor->name = name;
    p->tensors->tensor_count++;
    p->extents[number].tensor = number;
    return parse_fields(p, tensor, &p->extents[number]);
}

static int parse_header(Parser *p) {
    int seen_metadata = 0;
    if (p->at == p->end || *p->at != '{') return bad_header(p, "'{' was expected");
    p->at++;
    if (!take(p, '}')) {
        do {
            char *name;
            int fine;
            if (!parse_string(p, &name)) return 0;
            if (!expect(p, ':')) {
                free(name);
                return 0;
            }
            if (strcmp(name, "__metadata__") == 0) {
                free(name);
                fine = seen_metadata++ ? bad_header(p, "a second __metadata__") : parse_metadata(p);
            } else {
                fine = parse_tensor(p, name);
            }
            if (!fine) return 0;
        } while (take(p, ','));
        if (!expect(p, '}')) return 0;
    }
    skip_space(p);
    return p->at == p->end ? 1 : bad_header(p, "something follows the closing '}'");
}

/* ---- Checks of the whole */

static int by_begin(const void *a, const void *b) {
    const struct Extent *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Names (size bytes apart) are all different. */
static int check_names(Parser *p, const void *items, size_t size, size_t count) {
    size_t i;
    int fine = 1;
    char **names = malloc((count + 1) * sizeof *names);
    if (names == NULL) return load_no_memory(p->error);
    for (i = 0; i < count; i++)
        memcpy(&names[i], (const char *)items + i * size, sizeof *names); /* the name comes first in both */
    qsort(names, count, sizeof *names, by_text);
    for (i = 1; i < count && fine; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            fine = load_fail(p->error, "the header is corrupt: '%.80s' stands there twice", names[i]);
    }
    free(names);
    return fine;
}

static int check_extents(Parser *p, uint64_t data_length) {
    uint64_t end = 0;
    size_t i;
    int k;
    if (p->tensors->tensor_count > 0) qsort(p->extents, p->tensors->tensor_count, sizeof *p->extents, by_begin);
    for (i = 0; i < p->tensors->tensor_count; i++) {
        const struct Extent *extent = &p->extents[i];
        NncTensor *tensor = &p->tensors->tensors[extent->tensor];
        uint64_t count = 1;
        int empty = 0;
        for (k = 0; k < tensor->rank; k++) empty |= tensor->shape[k] == 0;
        for (k = 0; k < tensor->rank && !empty; k++) {
            if (count > data_length / tensor->shape[k])
                return load_fail(p->error, "'%.80s' has more elements than the file", tensor->name);
            count *= tensor->shape[k];
        }
        tensor->count = empty ? 0 : (size_t)count;
        if (extent->begin != end)
            return load_fail(p->error, "the data of '%.80s' begins at %llu instead of %llu", tensor->name,
                             (unsigned long long)extent->begin, (unsigned long long)end);
        if (extent->end < extent->begin || extent->end > data_length)
            return load_fail(p->error, "the data of '%.80s' ends outside the file", tensor->name);
        if ((extent->end - extent->begin) / stored_bytes(tensor->element) != tensor->count ||
            (extent->end - extent->begin) % stored_bytes(tensor->element) != 0) {
            return load_fail(p->error, "'%.80s' has %lu elements, but %llu bytes of data", tensor->name,
                             (unsigned long)tensor->count, (unsigned long long)(extent->end - extent->begin));
        }
        end = extent->end;
    }
    if (end != data_length)
        return load_fail(p->error, "the file has %llu bytes of data, its tensors %llu", (unsigned long long)data_length,
                         (unsigned long long)end);
    return 1;
}

/* ---- Elements */

static uint64_t little_endian(const unsigned char *bytes, size_t count) {
    uint64_t value = 0;
    while (count > 0) value = value << 8 | bytes[--count];
    return value;
}

static double from_float_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double from_half(uint32_t half) {
    uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3FFu;
    if (exponent == 0) return (sign != 0 ? -1.0 : 1.0) * (double)fraction / 16777216.0;
    return from_float_bits(sign | (exponent == 31u ? 255u : exponent + 112u) << 23 | fraction << 13);
}

static double element_at(const unsigned char *bytes, NncElement element) {
    uint64_t bits = little_endian(bytes, stored_bytes(element));
    double value;
    switch (element) {
    case NNC_F32: return from_float_bits((uint32_t)bits);
    case NNC_F16: return from_half((uint32_t)bits);
    case NNC_BF16: return from_float_bits((uint32_t)bits << 16);
    case NNC_F64: break;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Values, and the tensors in the order of their data. */
static int read_elements(Parser *p, const unsigned char *data) {
    size_t i, k, count = p->tensors->tensor_count;
    NncTensor *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL) return load_no_memory(p->error);
    for (i = 0; i < count; i++) sorted[i] = p->tensors->tensors[p->extents[i].tensor];
    free(p->tensors->tensors);
    p->tensors->tensors = sorted;
    for (i = 0; i < count; i++) {
        const unsigned char *from = data + p->extents[i].begin;
        NncTensor *tensor = &sorted[i];
        if (tensor->count > SIZE_MAX / sizeof(double) - 1) return load_no_memory(p->error);
        tensor->values = malloc((tensor->count + 1) * sizeof *tensor->values);
        if (tensor->values == NULL) return load_no_memory(p->error);
        for (k = 0; k < tensor->count; k++)
            tensor->values[k] = element_at(from + k * stored_bytes(tensor->element), tensor->element);
    }
    return 1;
}

int nnc_safetensors_parse(const unsigned char *bytes, size_t length, NncTensors *tensors, NncTensorsError *error) {
    Parser p = {0};
    uint64_t header;
    int fine;
    memset(tensors, 0, sizeof *tensors);
    if (length < 8) return load_fail(error, "it is too short for a safetensors file: %lu bytes", (unsigned long)length);
    header = little_endian(bytes, 8);
    if (header > length - 8 || header > HEADER_LIMIT)
        return load_fail(error, "it is no safetensors file, or cut off: a header of %llu bytes in a file of %lu",
                         (unsigned long long)header, (unsigned long)length);
    p.at = p.start = bytes + 8;
    p.end = p.at + header;
    p.tensors = tensors;
    p.error = error;
    fine = parse_header(&p) && check_names(&p, tensors->tensors, sizeof *tensors->tensors, tensors->tensor_count) &&
           check_names(&p, tensors->metadata, sizeof *tensors->metadata, tensors->metadata_count) &&
           check_extents(&p, (uint64_t)length - 8 - header) && read_elements(&p, p.end);
    free(p.extents);
    if (!fine) nnc_tensors_free(tensors);
    return fine;
}

int nnc_safetensors_load(const char *path, NncTensors *tensors, NncTensorsError *error) {
    FILE *file = fopen(path, "rb");
    size_t capacity = 1 << 16, length = 0;
    unsigned char *bytes = malloc(capacity);
    int fine = 1;
    memset(tensors, 0, sizeof *tensors);
    if (file == NULL) fine = load_fail(error, "it cannot be opened: %s", strerror(errno));
    else if (bytes == NULL) fine = load_no_memory(error);
    errno = 0;
    while (fine) {
        unsigned char *larger;
        length += fread(bytes + length, 1, capacity - length, file);
        if (length < capacity) break;
        larger = capacity <= SIZE_MAX / 4 ? realloc(bytes, capacity * 2) : NULL;
        if (larger == NULL) fine = load_no_memory(error);
        else bytes = larger, capacity *= 2;
    }
    if (fine && ferror(file)) fine = load_fail(error, "it cannot be read: %s", strerror(errno));
    if (fine) fine = nnc_safetensors_parse(bytes, length, tensors, error);
    free(bytes);
    if (file != NULL) fclose(file);
    return fine;
}
