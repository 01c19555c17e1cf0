#include "examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "message.h"
#include "number.h"

int nnc_block_load(const NncProgram *program, const NncBlock *block, const char *folder, const NncData *learned_from,
                   uint64_t seed, NncData *data) {
    NncDataError error = {.step = -1};
    const char *place;
    if (nnc_data_load(block, folder, learned_from, seed, data, &error)) return 1;
    memset(data, 0, sizeof *data);
    place = error.source < block->source_count ? block->sources[error.source].place : NULL;
    if (place != NULL) fprintf(stderr, "%s: error: %s\n", place, error.message);
    else nnc_message(program->name, "data %s: %s", block->split, error.message);
    return 0;
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

/* One tensor of all examples. */
static int fill(const NncProgram *program, const NncBlock *block, const NncData *data, const NncMember *member, char *structs,
                size_t size) {
    const NncArray *array = nnc_array_of(data, member->path);
    if (array == NULL || array->width != member->count) {
        nnc_message(program->name, "data %s does not give '%s' %zu numbers an example", block->split, member->path,
                    member->count);
        return 0;
    }
    for (size_t row = 0; row < data->rows; row++) {
        const double *values = array->values + row * array->width;
        for (size_t i = 0; i < array->width; i++) {
            if (!nnc_member_holds(program, member, values[i])) return too_large(program, member, row, values[i]);
        }
        nnc_member_write(program, member, structs + row * size, values);
    }
    return 1;
}

int nnc_examples_make(const NncProgram *program, const NncBlock *block, const NncData *data, NncExamples *examples) {
    int fine = 1;
    examples->rows = data->rows;
    examples->in = calloc(data->rows + 1, program->input_size);
    examples->target = program->target_size > 0 ? calloc(data->rows + 1, program->target_size) : NULL;
    if (examples->in == NULL || (examples->target == NULL && program->target_size > 0)) {
        nnc_message(program->name, "there is not enough memory for the %zu examples of data %s", data->rows, block->split);
        fine = 0;
    }
    for (size_t i = 0; i < program->input_count && fine; i++)
        fine = fill(program, block, data, &program->inputs[i], examples->in, program->input_size);
    for (size_t i = 0; i < program->target_count && fine; i++)
        fine = fill(program, block, data, &program->targets[i], examples->target, program->target_size);
    if (!fine) nnc_examples_free(examples);
    return fine;
}

void nnc_examples_free(NncExamples *examples) {
    free(examples->in);
    free(examples->target);
    memset(examples, 0, sizeof *examples);
}

void nnc_examples_gather(const NncProgram *program, const NncExamples *examples, const uint32_t *rows, size_t n, char *in,
                         char *target) {
    for (size_t i = 0; i < n; i++)
        memcpy(in + i * program->input_size, examples->in + rows[i] * program->input_size, program->input_size);
    for (size_t i = 0; i < n && program->target_size > 0; i++)
        memcpy(target + i * program->target_size, examples->target + rows[i] * program->target_size, program->target_size);
}
