/* Writing checkpoints, and what their metadata say. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* stat */
#endif
#include "checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "member.h"
#include "message.h"
#include "number.h"

int nnc_checkpoint_may_save(const NncProgram *program, const char *path) {
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode)) return 1;
    nnc_message(program->name, "%s: it is not a regular file, and is left as it is", path);
    return 0;
}

/* ---- Metadata */

static int add_whole(NncTensors *file, const char *key, uint64_t number) {
    char text[24];
    sprintf(text, "%llu", (unsigned long long)number);
    return nnc_tensors_describe(file, key, text);
}

static int add_standing(NncTensors *file, const NncStanding *standing) {
    char best[NNC_NUMBER_LENGTH];
    nnc_number_print(best, standing->best_loss);
    return add_whole(file, "step", standing->step) && add_whole(file, "epoch", standing->epoch) &&
           add_whole(file, "seed", standing->seed) && (standing->stream == 0 || add_whole(file, "stream", standing->stream)) &&
           (standing->best_epoch == 0 ||
            (add_whole(file, "best_epoch", standing->best_epoch) && nnc_tensors_describe(file, "best_holdout_loss", best)));
}

static int whole_metadata(const NncTensors *file, const char *key, uint64_t limit, uint64_t *number) {
    const char *text = nnc_tensors_metadata(file, key);
    char *end;
    unsigned long long value;
    if (text == NULL || *text < '0' || *text > '9') return 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    *number = value;
    return errno == 0 && *end == '\0' && value <= limit;
}

int nnc_checkpoint_standing(const NncProgram *program, const char *path, const NncTensors *file, const char *instead,
                            NncStanding *standing) {
    uint64_t step, epoch, best_epoch = 0, stream = 0;
    const char *best = nnc_tensors_metadata(file, "best_holdout_loss");
    char *end = NULL;
    int fine = whole_metadata(file, "step", UINT32_MAX, &step) && whole_metadata(file, "epoch", UINT32_MAX, &epoch) &&
               whole_metadata(file, "seed", UINT64_MAX, &standing->seed);
    if (fine && best != NULL) fine = whole_metadata(file, "best_epoch", epoch, &best_epoch);
    if (fine && nnc_tensors_metadata(file, "stream") != NULL) fine = whole_metadata(file, "stream", INT32_MAX, &stream);
    standing->best_loss = best == NULL ? (double)INFINITY : strtod(best, &end);
    if (!fine || (best != NULL && (end == best || *end != '\0'))) {
        nnc_message(program->name, "%s does not say where its training stood%s%s", path, instead != NULL ? "; " : "",
                    instead != NULL ? instead : "");
        return 0;
    }
    standing->step = (uint32_t)step;
    standing->epoch = (uint32_t)epoch;
    standing->best_epoch = (uint32_t)best_epoch;
    standing->stream = (uint32_t)stream;
    return 1;
}

/* ---- Tensors */

static char *copy_of(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    return copy == NULL ? NULL : strcpy(copy, text);
}

static int add_tensors(const NncProgram *program, NncTensors *file, const NncMember *members, size_t count,
                       const void *structure) {
    for (size_t i = 0; i < count; i++) {
        const NncMember *member = &members[i];
        NncTensor *tensor = &file->tensors[file->tensor_count++];
        *tensor = (NncTensor){.rank = member->rank, .count = member->count};
        tensor->element = member->whole || program->number_size != sizeof(float) ? NNC_F64 : NNC_F32;
        memcpy(tensor->shape, member->shape, sizeof tensor->shape);
        tensor->name = copy_of(member->path);
        tensor->values = malloc((member->count + 1) * sizeof *tensor->values);
        if (tensor->name == NULL || tensor->values == NULL) return 0;
        nnc_member_read(program, member, structure, tensor->values);
    }
    return 1;
}

int nnc_checkpoint_save(const NncProgram *program, const char *path, const NncData *data, const NncStanding *standing,
                        const void *parameters, const void *state) {
    NncTensors file = {0};
    NncTensorsError why = {"there is not enough memory"};
    int fine = nnc_checkpoint_may_save(program, path);
    if (!fine) return 0;
    file.tensors = calloc(program->parameter_count + program->state_count + 1, sizeof *file.tensors);
    fine = file.tensors != NULL && add_standing(&file, standing) && nnc_checkpoint_describe_data(&file, data) &&
           add_tensors(program, &file, program->parameters, program->parameter_count, parameters) &&
           add_tensors(program, &file, program->states, program->state_count, state) && nnc_safetensors_save(path, &file, &why);
    if (!fine) nnc_message(program->name, "%s: %s", path, why.message);
    nnc_tensors_free(&file);
    return fine;
}
