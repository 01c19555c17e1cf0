#include "examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "large.h"
#include "member.h"
#include "message.h"
#include "number.h"

#define NNC_STREAM_HELPS "with --stream, not all data need be in memory"

static void say_what_is_wrong(const NncProgram *program, const NncBlock *block, const NncDataError *error) {
    const char *place = error->source < block->source_count ? block->sources[error->source].place : NULL;
    if (place != NULL) fprintf(stderr, "%s: error: %s\n", place, error->message);
    else if (block->split != NULL) nnc_message(program->name, "data %s: %s", block->split, error->message);
    else nnc_message(program->name, "%s", error->message);
    if (error->memory) nnc_message(program->name, "%s", NNC_STREAM_HELPS);
}

const NncArray *nnc_array_of(const NncData *data, const char *tensor) {
    for (size_t i = 0; i < data->array_count; i++) {
        if (strcmp(data->arrays[i].tensor, tensor) == 0) return &data->arrays[i];
    }
    return NULL;
}

const NncSource *nnc_source_of(const NncBlock *block, const char *tensor) {
    for (size_t i = 0; i < block->source_count; i++) {
        if (strcmp(block->sources[i].tensor, tensor) == 0) return &block->sources[i];
    }
    return NULL;
}

void nnc_output_read(const NncProgram *program, const NncData *learned, size_t output, const void *out, double *numbers) {
    const char *like = program->compared != NULL ? program->compared[output] : NULL;
    const NncArray *array = like != NULL ? nnc_array_of(learned, like) : NULL;
    const NncSource *source = array != NULL ? nnc_source_of(program->train_data, like) : NULL;
    nnc_member_read(program, &program->outputs[output], out, numbers);
    if (source != NULL && source->width == program->outputs[output].count) nnc_data_undo(source, array, numbers);
}

static int too_large(const NncProgram *program, const NncMember *member, size_t row, double value) {
    char number[NNC_NUMBER_LENGTH];
    nnc_number_print(number, value);
    nnc_message(program->name, "'%s' of example %zu is %s, more than a %s can hold", member->path, row + 1, number,
                member->whole ? "whole number of 32 bits" : "float");
    return 0;
}

/* One tensor of one example. */
static int put_values(const NncProgram *program, const NncMember *member, size_t row, const double *values, char *structure) {
    for (size_t i = 0; i < member->count; i++) {
        if (!nnc_member_holds(program, member, values[i])) return too_large(program, member, row, values[i]);
    }
    nnc_member_write(program, member, structure, values);
    return 1;
}

/* Whether the block gives each of the tensors what it needs. */
static int are_given(const NncProgram *program, const NncBlock *block, const NncData *data, const NncMember *members,
                     size_t count) {
    for (size_t i = 0; i < count; i++) {
        const NncArray *array = nnc_array_of(data, members[i].path);
        if (array != NULL && array->width == members[i].count) continue;
        nnc_message(program->name, "data %s does not give '%s' %zu numbers an example", block->split, members[i].path,
                    members[i].count);
        return 0;
    }
    return 1;
}

/* ---- In memory */

static float *member_in(const NncMember *member, char *structure) { return (float *)(void *)(structure + member->offset); }

static int fill(const NncProgram *program, const NncData *data, const NncMember *members, size_t count, char *structs,
                size_t size) {
    for (size_t i = 0; i < count; i++) {
        const NncArray *array = nnc_array_of(data, members[i].path);
        for (size_t row = 0; row < data->rows; row++) {
            char *to = structs + row * size;
            if (array->bytes != NULL) nnc_data_unpack(array, row, member_in(&members[i], to));
            else if (!put_values(program, &members[i], row, array->values + row * array->width, to)) return 0;
        }
    }
    return 1;
}

static int all_packed(const NncProgram *program, const NncData *data) {
    int packed = program->input_count > 0;
    for (size_t i = 0; i < program->input_count; i++) packed &= nnc_array_of(data, program->inputs[i].path)->bytes != NULL;
    return packed;
}

/* The bytes are the examples' from now on. */
static int take_packed(const NncProgram *program, NncData *data, NncExamples *examples) {
    examples->packed = calloc(program->input_count, sizeof *examples->packed);
    for (size_t i = 0; i < program->input_count && examples->packed != NULL; i++) {
        NncArray *array = (NncArray *)(uintptr_t)nnc_array_of(data, program->inputs[i].path);
        examples->packed[examples->packed_count++] = *array;
        array->bytes = NULL;
    }
    return examples->packed != NULL;
}

static int make_all(const NncProgram *program, NncData *data, NncExamples *examples) {
    int packed = all_packed(program, data);
    if (!packed) examples->in = nnc_large_new(data->rows * program->input_size);
    examples->target = program->target_size > 0 ? nnc_large_new(data->rows * program->target_size) : NULL;
    if ((packed ? !take_packed(program, data, examples) : examples->in == NULL) ||
        (examples->target == NULL && program->target_size > 0)) {
        nnc_message(program->name, "there is not enough memory for the %zu examples", data->rows);
        nnc_message(program->name, "%s", NNC_STREAM_HELPS);
        return 0;
    }
    return (packed || fill(program, data, program->inputs, program->input_count, examples->in, program->input_size)) &&
           fill(program, data, program->targets, program->target_count, examples->target, program->target_size);
}

/* What is needed of the data is in the examples from now on: the numbers would be there twice. */
static void forget_values(NncData *data) {
    for (size_t i = 0; i < data->array_count; i++) {
        free(data->arrays[i].values);
        free(data->arrays[i].bytes);
        data->arrays[i].values = NULL;
        data->arrays[i].bytes = NULL;
    }
}

/* ---- Either way */

int nnc_examples_open(const NncProgram *program, const NncBlock *block, const char *folder, const NncData *learned_from,
                      uint64_t seed, int streamed, NncData *data, NncExamples *examples) {
    NncDataError error = {.step = -1};
    int fine = streamed ? nnc_data_open(block, folder, learned_from, seed, data, &examples->reader, &error)
                        : nnc_data_load_packed(block, folder, learned_from, seed, data, &error);
    examples->block = block;
    examples->rows = data->rows;
    if (!fine) say_what_is_wrong(program, block, &error);
    fine = fine && are_given(program, block, data, program->inputs, program->input_count) &&
           are_given(program, block, data, program->targets, program->target_count) &&
           (streamed || make_all(program, data, examples));
    forget_values(data);
    if (fine) return 1;
    nnc_examples_free(examples);
    nnc_data_free(data);
    return 0;
}

void nnc_examples_free(NncExamples *examples) {
    for (size_t i = 0; i < examples->packed_count; i++) free(examples->packed[i].bytes);
    free(examples->packed);
    free(examples->in);
    free(examples->target);
    nnc_data_close(examples->reader);
    nnc_data_free(&examples->data);
    nnc_given_free(&examples->given);
    memset(examples, 0, sizeof *examples);
}

/* One example, decoded: the tensors of one of its structs. */
static int decode(const NncProgram *program, const NncExamples *examples, size_t row, const NncMember *members, size_t count,
                  char *structure) {
    const NncBlock *block = examples->block;
    NncDataError error = {.step = -1};
    for (size_t i = 0; i < count; i++) {
        size_t source = 0;
        while (strcmp(block->sources[source].tensor, members[i].path) != 0) source++;
        const double *values = nnc_data_row(examples->reader, source, row, &error);
        if (values == NULL) say_what_is_wrong(program, block, &error);
        if (values == NULL || !put_values(program, &members[i], row, values, structure)) return 0;
    }
    return 1;
}

#define LINE 64 /* of a cache */

enum { SOON = 8 /* rows ahead */ };

/* The bytes are on their way while others are copied: rows that were shuffled lie anywhere. */
static void fetch_soon(const void *bytes, size_t size) {
#if defined(__GNUC__)
    for (size_t i = 0; i < size; i += LINE) __builtin_prefetch((const char *)bytes + i);
    __builtin_prefetch((const char *)bytes + size - 1); /* perhaps in one line more */
    __asm__ volatile("" : : "r"(bytes));                /* gcc leaves out calls that do nothing else */
#else
    (void)bytes;
    (void)size;
#endif
}

static void fetch_example_soon(const NncProgram *program, const NncExamples *examples, size_t row) {
    if (examples->in != NULL) fetch_soon(examples->in + row * program->input_size, program->input_size);
    for (size_t k = 0; k < examples->packed_count; k++)
        fetch_soon(examples->packed[k].bytes + row * examples->packed[k].width, examples->packed[k].width);
    if (program->target_size > 0) fetch_soon(examples->target + row * program->target_size, program->target_size);
}

void nnc_examples_expect(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t first,
                         size_t count) {
    if (examples->reader != NULL || rows == NULL) return;
    for (size_t i = first; i < count && i - first < SOON; i++) fetch_example_soon(program, examples, rows[i]);
}

static void copy_row(const NncProgram *program, const NncExamples *examples, size_t row, char *in, char *target) {
    if (examples->in != NULL) memcpy(in, examples->in + row * program->input_size, program->input_size);
    for (size_t k = 0; k < examples->packed_count; k++)
        nnc_data_unpack(&examples->packed[k], row, member_in(&program->inputs[k], in));
    if (program->target_size > 0) memcpy(target, examples->target + row * program->target_size, program->target_size);
}

int nnc_examples_gather(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t first, size_t n,
                        char *in, char *target) {
    for (size_t i = 0; i < n; i++, in += program->input_size, target += program->target_size) {
        size_t row = rows != NULL ? rows[first + i] : first + i;
        if (examples->reader == NULL) {
            if (rows != NULL && i + SOON < n) fetch_example_soon(program, examples, rows[first + i + SOON]);
            copy_row(program, examples, row, in, target);
        } else if (!decode(program, examples, row, program->inputs, program->input_count, in) ||
                   !decode(program, examples, row, program->targets, program->target_count, target)) {
            return 0;
        }
    }
    return 1;
}
