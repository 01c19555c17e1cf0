/* What was learned from the data, as metadata of checkpoints. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#endif
#include "checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "number.h"

/* ---- Writing */

static void print_list(FILE *out, const double *numbers, size_t count) {
    putc('[', out);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) putc(',', out);
        nnc_number_json(out, numbers[i]);
    }
    putc(']', out);
}

static char *learned_text(const NncArray *array, size_t k) {
    char *text = NULL;
    size_t length, columns = array->learned_widths[k];
    FILE *out = open_memstream(&text, &length);
    if (out == NULL) return NULL;
    fputs("{\"subtract\":", out);
    print_list(out, array->learned[k], columns);
    fputs(",\"divide\":", out);
    print_list(out, array->learned[k] + columns, columns);
    putc('}', out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

/* "standardize.x.0"; NULL: there is not enough memory. */
static char *metadata_key(const char *what, const char *tensor, size_t k) {
    size_t room = strlen(what) + strlen(tensor) + 24;
    char *key = malloc(room);
    if (key != NULL) snprintf(key, room, "%s.%s.%zu", what, tensor, k);
    return key;
}

static int describe(NncTensors *file, const char *what, const char *tensor, size_t k, const char *value) {
    char *key = metadata_key(what, tensor, k);
    int fine = key != NULL && value != NULL && nnc_tensors_describe(file, key, value);
    free(key);
    return fine;
}

/* standardize.TENSOR.K of all tensors. */
static int add_learned(NncTensors *file, const NncData *data) {
    for (size_t i = 0; i < data->array_count; i++) {
        const NncArray *array = &data->arrays[i];
        for (size_t k = 0; k < array->learned_count; k++) {
            char *text = learned_text(array, k);
            int fine = describe(file, "standardize", array->tensor, k, text);
            free(text);
            if (!fine) return 0;
        }
    }
    return 1;
}

int nnc_checkpoint_describe_data(NncTensors *file, const NncData *data) {
    if (!add_learned(file, data)) return 0;
    for (size_t i = 0; i < data->array_count; i++) {
        for (size_t k = 0; k < data->arrays[i].class_count; k++) {
            if (!describe(file, "class", data->arrays[i].tensor, k, data->arrays[i].classes[k])) return 0;
        }
    }
    return 1;
}

/* ---- Comparing */

/* Classes under other numbers: what a checkpoint says nothing of is not compared. */
static int same_classes(const NncProgram *program, const char *path, const NncTensors *file, const NncData *data) {
    for (size_t i = 0; i < data->array_count; i++) {
        const NncArray *array = &data->arrays[i];
        for (size_t k = 0; k < array->class_count; k++) {
            char *key = metadata_key("class", array->tensor, k);
            const char *then = key == NULL ? NULL : nnc_tensors_metadata(file, key);
            free(key);
            if (then == NULL || strcmp(then, array->classes[k]) == 0) continue;
            nnc_message(program->name, "%s comes from data whose class %zu of '%s' is '%s', not '%s'", path, k, array->tensor,
                        then, array->classes[k]);
            return 0;
        }
    }
    return 1;
}

int nnc_checkpoint_same_data(const NncProgram *program, const char *path, const NncTensors *file, const NncData *data) {
    NncTensors now = {0};
    int fine = add_learned(&now, data);
    if (!fine) nnc_message(program->name, "there is not enough memory");
    for (size_t i = 0; i < now.metadata_count; i++) {
        const char *key = now.metadata[i].key, *then = nnc_tensors_metadata(file, key);
        if (then != NULL && strcmp(then, now.metadata[i].value) == 0) continue;
        nnc_message(program->name,
                    then == NULL ? "%s does not say how its data were standardized ('%s')"
                                 : "%s comes from data that were standardized differently ('%s')",
                    path, key);
        fine = 0;
    }
    for (size_t i = 0; i < file->metadata_count; i++) {
        const char *key = file->metadata[i].key;
        if (strncmp(key, "standardize.", 12) != 0 || nnc_tensors_metadata(&now, key) != NULL) continue;
        nnc_message(program->name, "%s comes from data that were standardized where these are not ('%s')", path, key);
        fine = 0;
    }
    nnc_tensors_free(&now);
    return fine && same_classes(program, path, file, data);
}

/* ---- Reading */

/* "name":[1,2] -> count numbers */
static const char *read_list(const char *text, const char *name, double *numbers, size_t count) {
    size_t length = strlen(name);
    if (strncmp(text, name, length) != 0) return NULL;
    text += length;
    for (size_t i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text || !isfinite(numbers[i]) || *end != (i + 1 < count ? ',' : ']')) return NULL;
        text = end + 1;
    }
    return text;
}

/* Returns 1; 0: it is not what learned_text writes, or there is not enough memory. */
static int read_learned(const char *text, NncArray *array) {
    size_t columns = 1, k = array->learned_count;
    const char *end = strchr(text, ']'), *at;
    double *learned;
    for (at = text; end != NULL && at < end; at++) columns += *at == ',';
    learned = malloc(2 * columns * sizeof *learned);
    if (learned == NULL) return 0;
    array->learned[k] = learned; /* to be freed, in any case */
    array->learned_widths[k] = columns;
    array->learned_count++;
    at = read_list(text, "{\"subtract\":[", learned, columns);
    if (at != NULL) at = read_list(at, ",\"divide\":[", learned + columns, columns);
    for (size_t i = 0; at != NULL && i < columns; i++) {
        if (learned[columns + i] == 0) at = NULL;
    }
    return at != NULL && strcmp(at, "}") == 0;
}

static int is_learned(const NncStep *step) { return step->kind == NNC_STANDARDIZE || step->kind == NNC_SCALE; }

/* -1: something is missing; 0, with a message: it is wrong. */
static int take_learned(const NncProgram *program, const char *path, const NncTensors *file, const NncSource *source,
                        NncArray *array) {
    array->learned = calloc(source->step_count + 1, sizeof *array->learned);
    array->learned_widths = calloc(source->step_count + 1, sizeof *array->learned_widths);
    for (size_t i = 0; i < source->step_count && array->learned != NULL && array->learned_widths != NULL; i++) {
        char *key = is_learned(&source->steps[i]) ? metadata_key("standardize", source->tensor, array->learned_count) : NULL;
        const char *text = key == NULL ? NULL : nnc_tensors_metadata(file, key);
        int fine = !is_learned(&source->steps[i]) ? 1 : text == NULL ? -1 : read_learned(text, array);
        if (fine == 0) nnc_message(program->name, "%s: '%s' is not how a training run says what it learned", path, key);
        free(key);
        if (fine != 1) return fine;
    }
    return 1;
}

static int take_classes(const NncTensors *file, NncArray *array) {
    for (;;) {
        char *key = metadata_key("class", array->tensor, array->class_count);
        const char *name = key == NULL ? NULL : nnc_tensors_metadata(file, key);
        char **larger = name == NULL ? NULL : realloc(array->classes, (array->class_count + 1) * sizeof *larger);
        free(key);
        if (name == NULL) return 1;
        if (larger == NULL) return 0;
        array->classes = larger;
        larger[array->class_count] = malloc(strlen(name) + 1);
        if (larger[array->class_count] == NULL) return 0;
        strcpy(larger[array->class_count++], name);
    }
}

int nnc_checkpoint_learned(const NncProgram *program, const char *path, const NncTensors *file, const NncBlock *block,
                           NncData *learned) {
    int fine = nnc_tensors_metadata(file, "step") != NULL ? 1 : -1;
    memset(learned, 0, sizeof *learned);
    learned->arrays = calloc(block->source_count + 1, sizeof *learned->arrays);
    for (size_t i = 0; i < block->source_count && learned->arrays != NULL && fine == 1; i++) {
        NncArray *array = &learned->arrays[learned->array_count++];
        array->tensor = block->sources[i].tensor;
        fine = take_learned(program, path, file, &block->sources[i], array);
        if (fine == 1) fine = take_classes(file, array);
    }
    if (fine != 1) nnc_data_free(learned);
    return fine;
}
