#include <sys/stat.h>

#include "commands/parameters.h"

#include "checkpoint.h"

static const Span nowhere = {0, 0, 0};

static bool same_shape(const Tensor *tensor, const NncTensor *stored) {
    if (tensor->rank != stored->rank) return false;
    for (int i = 0; i < tensor->rank; i++) {
        if ((uint64_t)tensor->shape[i] != stored->shape[i]) return false;
    }
    return true;
}

static const char *shape_of(Arena *arena, const Tensor *tensor) {
    Text *text = text_new(arena);
    for (int i = 0; i < tensor->rank; i++) text_printf(text, "%s%lld", i == 0 ? "" : ", ", (long long)tensor->shape[i]);
    return text_string(text);
}

static const char *stored_shape(Arena *arena, const NncTensor *stored) {
    Text *text = text_new(arena);
    for (int i = 0; i < stored->rank; i++) text_printf(text, "%s%zu", i == 0 ? "" : ", ", stored->shape[i]);
    return text_string(text);
}

static bool is_parameter(const Program *program, const char *name) {
    for (size_t i = 0; i < program->parameters.count; i++) {
        if (strcmp(program->parameters.at[i]->name, name) == 0) return true;
    }
    return false;
}

/* What a reader would take for the missing one: near in spelling, or of the same shape and last name. */
static const char *near_name(const NncTensors *file, const Program *program, const Tensor *missing) {
    Suggestion suggestion = {.wanted = missing->name};
    const char *dot = strrchr(missing->name, '.'), *alike = NULL;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const NncTensor *stored = &file->tensors[i];
        if (is_parameter(program, stored->name) || strncmp(stored->name, "optimizer.", 10) == 0) continue;
        suggest(&suggestion, stored->name);
        const char *end = strrchr(stored->name, '.');
        if (alike == NULL && dot != NULL && end != NULL && strcmp(dot, end) == 0 && same_shape(missing, stored))
            alike = stored->name;
    }
    return suggestion.best != NULL ? suggestion.best : alike;
}

static void report(const char *path, const NncTensors *file, const Program *program, Arena *arena, Diagnostics *diagnostics) {
    error_at(diagnostics, nowhere, "%s does not hold the parameters of this model", path);
    for (size_t i = 0; i < program->parameters.count; i++) {
        const Tensor *tensor = program->parameters.at[i];
        const NncTensor *stored = nnc_tensors_find(file, tensor->name);
        if (stored == NULL) {
            const char *other = near_name(file, program, tensor);
            note_at(diagnostics, nowhere, "'%s' [%s] is not in the file%s", tensor->name, shape_of(arena, tensor),
                    other == NULL ? "" : arena_printf(arena, "; did you mean its '%s'?", other));
        } else if (!same_shape(tensor, stored)) {
            note_at(diagnostics, nowhere, "'%s' has shape [%s] in the model, [%s] in the file", tensor->name,
                    shape_of(arena, tensor), stored_shape(arena, stored));
        }
    }
    for (size_t i = 0; i < file->tensor_count; i++) {
        const NncTensor *stored = &file->tensors[i];
        if (is_parameter(program, stored->name) || strncmp(stored->name, "optimizer.", 10) == 0) continue;
        note_at(diagnostics, nowhere, "the file's '%s' [%s] is no parameter of the model", stored->name,
                stored_shape(arena, stored));
    }
}

static void take(const NncTensors *file, Machine *machine, const Tensor *tensor) {
    const NncTensor *stored = nnc_tensors_find(file, tensor->name);
    if (stored != NULL && same_shape(tensor, stored))
        memcpy(machine_values(machine, tensor), stored->values, sizeof(double) * stored->count);
}

bool parameters_load(const char *path, const Program *program, Machine *machine, Arena *arena, Diagnostics *diagnostics) {
    NncTensors file;
    NncTensorsError why;
    if (!nnc_safetensors_load(path, &file, &why)) {
        error_at(diagnostics, nowhere, "%s: %s", path, why.message);
        return false;
    }
    bool fine = true;
    for (size_t i = 0; i < program->parameters.count; i++) {
        const NncTensor *stored = nnc_tensors_find(&file, program->parameters.at[i]->name);
        fine &= stored != NULL && same_shape(program->parameters.at[i], stored);
    }
    if (fine) {
        for (size_t i = 0; i < program->parameters.count; i++) take(&file, machine, program->parameters.at[i]);
        for (size_t i = 0; i < program->states.count; i++) {
            if (program->states.at[i]->of == NULL) take(&file, machine, program->states.at[i]);
        }
    } else {
        report(path, &file, program, arena, diagnostics);
    }
    nnc_tensors_free(&file);
    return fine;
}

static NncTensor entry(Arena *arena, Machine *machine, const Tensor *tensor) {
    NncTensor stored = {.name = arena_text(arena, tensor->name, strlen(tensor->name)),
                        .element = NNC_F64,
                        .rank = tensor->rank,
                        .count = (size_t)tensor_points(tensor),
                        .values = machine_values(machine, tensor)};
    for (int i = 0; i < tensor->rank && i < NNC_TENSOR_RANK; i++) stored.shape[i] = (size_t)tensor->shape[i];
    return stored;
}

static bool save(const char *path, const Program *program, Machine *machine, const NncTensors *described, Arena *arena,
                 Diagnostics *diagnostics) {
    NncTensors file = {.metadata_count = described->metadata_count,
                       .metadata = described->metadata,
                       .tensors = NEW_ARRAY(arena, NncTensor, program->parameters.count + program->states.count)};
    const Tensors *lists[] = {&program->parameters, &program->states};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Tensor *tensor = lists[l]->at[i];
            if (tensor->rank > NNC_TENSOR_RANK) {
                error_at(diagnostics, tensor->span, "'%s' has %d axes; a file holds at most %d", tensor->name, tensor->rank,
                         NNC_TENSOR_RANK);
                return false;
            }
            file.tensors[file.tensor_count++] = entry(arena, machine, tensor);
        }
    }
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) { /* saving renames: it would put a file in the place of a device */
        error_at(diagnostics, nowhere, "%s: it is not a regular file, and is left as it is", path);
        return false;
    }
    NncTensorsError why;
    if (nnc_safetensors_save(path, &file, &why)) return true;
    error_at(diagnostics, nowhere, "%s: %s", path, why.message);
    return false;
}

bool parameters_save(const char *path, const Program *program, Machine *machine, int64_t step, int64_t epoch, uint64_t seed,
                     const NncData *data, Arena *arena, Diagnostics *diagnostics) {
    NncTensors described = {0};
    bool fine = nnc_tensors_describe(&described, "step", arena_printf(arena, "%lld", (long long)step)) &&
                nnc_tensors_describe(&described, "epoch", arena_printf(arena, "%lld", (long long)epoch)) &&
                nnc_tensors_describe(&described, "seed", arena_printf(arena, "%llu", (unsigned long long)seed)) &&
                nnc_checkpoint_describe_data(&described, data);
    if (fine) fine = save(path, program, machine, &described, arena, diagnostics);
    else error_at(diagnostics, nowhere, "%s: there is not enough memory", path);
    nnc_tensors_free(&described);
    return fine;
}
