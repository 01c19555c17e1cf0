/* Arrays by name, and writing them. */
#include "safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replace.h"

static int save_fail(NncTensorsError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

/* What has been written; with file NULL it is only counted. */
typedef struct {
    FILE *file;
    uint64_t length;
} Output;

static void put(Output *out, const void *bytes, size_t count) {
    out->length += count;
    if (out->file != NULL && count > 0) fwrite(bytes, 1, count, out->file); /* errors stay with the stream */
}

static void put_text(Output *out, const char *text) { put(out, text, strlen(text)); }

static void put_number(Output *out, uint64_t number) {
    char text[24];
    sprintf(text, "%llu", (unsigned long long)number);
    put_text(out, text);
}

static void put_string(Output *out, const char *text) {
    char escape[8];
    put_text(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') sprintf(escape, "\\%c", c);
        else if (c < 32) sprintf(escape, "\\u%04x", (unsigned)c);
        else sprintf(escape, "%c", c);
        put_text(out, escape);
    }
    put_text(out, "\"");
}

static size_t saved_bytes(const NncTensor *tensor) { return tensor->element == NNC_F64 ? 8 : 4; }

static void put_header(Output *out, const NncTensors *tensors) {
    size_t i;
    uint64_t offset = 0;
    int k;
    put_text(out, "{");
    if (tensors->metadata_count > 0) put_text(out, "\"__metadata__\":{");
    for (i = 0; i < tensors->metadata_count; i++) {
        put_text(out, i > 0 ? "," : "");
        put_string(out, tensors->metadata[i].key);
        put_text(out, ":");
        put_string(out, tensors->metadata[i].value);
    }
    if (tensors->metadata_count > 0) put_text(out, tensors->tensor_count > 0 ? "}," : "}");
    for (i = 0; i < tensors->tensor_count; i++) {
        const NncTensor *tensor = &tensors->tensors[i];
        put_text(out, i > 0 ? "," : "");
        put_string(out, tensor->name);
        put_text(out, tensor->element == NNC_F64 ? ":{\"dtype\":\"F64\",\"shape\":[" : ":{\"dtype\":\"F32\",\"shape\":[");
        for (k = 0; k < tensor->rank; k++) {
            put_text(out, k > 0 ? "," : "");
            put_number(out, tensor->shape[k]);
        }
        put_text(out, "],\"data_offsets\":[");
        put_number(out, offset);
        put_text(out, ",");
        offset += (uint64_t)tensor->count * saved_bytes(tensor);
        put_number(out, offset);
        put_text(out, "]}");
    }
    put_text(out, "}");
    while (out->length % 8 != 0) put_text(out, " "); /* the data stands at a multiple of 8 */
}

static void put_little_endian(Output *out, uint64_t value, size_t count) {
    unsigned char bytes[8];
    size_t i;
    for (i = 0; i < count; i++) bytes[i] = (unsigned char)(value >> 8 * i & 255u);
    put(out, bytes, count);
}

static void put_elements(Output *out, const NncTensor *tensor) {
    size_t i;
    for (i = 0; i < tensor->count; i++) {
        uint64_t wide;
        uint32_t narrow;
        float rounded = tensor->element == NNC_F32 ? (float)tensor->values[i] : 0;
        memcpy(&wide, &tensor->values[i], sizeof wide);
        memcpy(&narrow, &rounded, sizeof narrow);
        put_little_endian(out, tensor->element == NNC_F64 ? wide : narrow, saved_bytes(tensor));
    }
}

static void put_file(Output *out, const NncTensors *tensors) {
    Output counted = {NULL, 0};
    size_t i;
    put_header(&counted, tensors);
    put_little_endian(out, counted.length, 8);
    put_header(out, tensors);
    for (i = 0; i < tensors->tensor_count; i++) put_elements(out, &tensors->tensors[i]);
}

int nnc_safetensors_save(const char *path, const NncTensors *tensors, NncTensorsError *error) {
    NncReplacement replacement;
    Output out = {NULL, 0};
    size_t i;
    for (i = 0; i < tensors->tensor_count; i++) {
        if (tensors->tensors[i].element != NNC_F64 && tensors->tensors[i].element != NNC_F32)
            return save_fail(error, "'%.80s' can be written as F64 or F32 only", tensors->tensors[i].name);
    }
    out.file = nnc_replace_begin(path, &replacement);
    if (out.file != NULL) put_file(&out, tensors);
    return (out.file != NULL && nnc_replace_end(&replacement, 1)) || save_fail(error, "%s", replacement.message);
}

/* ---- Arrays by name */

const NncTensor *nnc_tensors_find(const NncTensors *tensors, const char *name) {
    size_t i;
    for (i = 0; i < tensors->tensor_count; i++) {
        if (strcmp(tensors->tensors[i].name, name) == 0) return &tensors->tensors[i];
    }
    return NULL;
}

const char *nnc_tensors_metadata(const NncTensors *tensors, const char *key) {
    size_t i;
    for (i = 0; i < tensors->metadata_count; i++) {
        if (strcmp(tensors->metadata[i].key, key) == 0) return tensors->metadata[i].value;
    }
    return NULL;
}

int nnc_tensors_describe(NncTensors *tensors, const char *key, const char *value) {
    NncMetadata *larger = realloc(tensors->metadata, (tensors->metadata_count + 1) * sizeof *larger);
    char *name = malloc(strlen(key) + 1), *text = malloc(strlen(value) + 1);
    if (larger != NULL) tensors->metadata = larger;
    if (larger == NULL || name == NULL || text == NULL) {
        free(name);
        free(text);
        return 0;
    }
    strcpy(name, key);
    strcpy(text, value);
    larger[tensors->metadata_count++] = (NncMetadata){name, text};
    return 1;
}

void nnc_tensors_free(NncTensors *tensors) {
    size_t i;
    for (i = 0; i < tensors->tensor_count; i++) {
        free(tensors->tensors[i].name);
        free(tensors->tensors[i].values);
    }
    for (i = 0; i < tensors->metadata_count; i++) {
        free(tensors->metadata[i].key);
        free(tensors->metadata[i].value);
    }
    free(tensors->tensors);
    free(tensors->metadata);
    memset(tensors, 0, sizeof *tensors);
}
