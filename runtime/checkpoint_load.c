/* Reading checkpoints: into parameters and state, if they fit; else saying what differs. */
#include "checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "member.h"
#include "message.h"

int nnc_checkpoint_open(const NncProgram *program, const char *path, NncTensors *file) {
    NncTensorsError why;
    if (nnc_safetensors_load(path, file, &why)) return 1;
    nnc_message(program->name, "%s: %s", path, why.message);
    return 0;
}

/* ---- What fits */

static int same_shape(const NncMember *member, const NncTensor *stored) {
    return member->rank == stored->rank &&
           memcmp(member->shape, stored->shape, (size_t)member->rank * sizeof *member->shape) == 0;
}

/* The first number that is not finite, or that the network's type cannot hold; or count. */
static size_t first_unfit(const NncProgram *program, const NncMember *member, const NncTensor *stored) {
    size_t i = 0;
    while (i < stored->count && isfinite(stored->values[i]) && nnc_member_holds(program, member, stored->values[i])) i++;
    return i;
}

static NncElement element_of(const NncProgram *program, const NncMember *member) {
    return member->whole || program->number_size != sizeof(float) ? NNC_F64 : NNC_F32;
}

/* exact: the bits, too, must be the same. */
static int fits(const NncProgram *program, const NncMember *member, const NncTensor *stored, int exact) {
    return stored != NULL && same_shape(member, stored) && (!exact || stored->element == element_of(program, member)) &&
           first_unfit(program, member, stored) == stored->count;
}

static int of_optimizer(const char *name) { return strncmp(name, "optimizer.", 10) == 0; }

static const NncMember *find(const NncMember *members, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].path, name) == 0) return &members[i];
    }
    return NULL;
}

static int is_known(const NncProgram *program, const char *name) {
    return find(program->parameters, program->parameter_count, name) != NULL ||
           find(program->states, program->state_count, name) != NULL;
}

/* ---- What differs */

/* What a reader would take for the missing one: near in spelling, or of the same shape and last name. */
static const char *near_name(const NncProgram *program, const NncTensors *file, const NncMember *missing) {
    const char *dot = strrchr(missing->path, '.'), *alike = NULL, *best = NULL;
    int distance = 0;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const NncTensor *stored = &file->tensors[i];
        const char *end = strrchr(stored->name, '.');
        int slip = nnc_slip(missing->path, stored->name);
        if (is_known(program, stored->name) || of_optimizer(stored->name) != of_optimizer(missing->path)) continue;
        if (slip > 0 && (best == NULL || slip < distance)) best = stored->name, distance = slip;
        if (alike == NULL && dot != NULL && end != NULL && strcmp(dot, end) == 0 && same_shape(missing, stored))
            alike = stored->name;
    }
    return best != NULL ? best : alike;
}

static void say_difference(const NncProgram *program, const NncTensors *file, const NncMember *member) {
    static const char *const elements[] = {[NNC_F64] = "F64", [NNC_F32] = "F32", [NNC_F16] = "F16", [NNC_BF16] = "BF16"};
    const NncTensor *stored = nnc_tensors_find(file, member->path);
    char here[NNC_SHAPE_LENGTH], there[NNC_SHAPE_LENGTH];
    nnc_shape_print(here, member->shape, member->rank);
    if (stored == NULL) {
        const char *other = near_name(program, file, member);
        nnc_message(program->name, "'%s' %s is not in the file%s%s%s", member->path, here,
                    other == NULL ? "" : "; did you mean its '", other == NULL ? "" : other, other == NULL ? "" : "'?");
        return;
    }
    nnc_shape_print(there, stored->shape, stored->rank);
    if (!same_shape(member, stored))
        nnc_message(program->name, "'%s' has shape %s in the program, %s in the file", member->path, here, there);
    else if (first_unfit(program, member, stored) < stored->count)
        nnc_message(program->name, "'%s' holds %g in the file%s", member->path,
                    stored->values[first_unfit(program, member, stored)],
                    isfinite(stored->values[first_unfit(program, member, stored)]) ? ", more than the program's numbers can"
                                                                                   : ", which is no number to train with");
    else
        nnc_message(program->name, "'%s' is %s in the program, %s in the file", member->path,
                    elements[element_of(program, member)], elements[stored->element]);
}

/* What of the file the program does not know. exact: the memory of the optimizer matters. */
static void say_unknown(const NncProgram *program, const NncTensors *file, int exact) {
    for (size_t i = 0; i < file->tensor_count; i++) {
        const NncTensor *stored = &file->tensors[i];
        char shape[NNC_SHAPE_LENGTH];
        if (is_known(program, stored->name) || (of_optimizer(stored->name) && !exact)) continue;
        nnc_shape_print(shape, stored->shape, stored->rank);
        nnc_message(program->name, "the file's '%s' %s is not in the program", stored->name, shape);
    }
}

/* ---- Lists of members */

typedef struct {
    const NncMember *members;
    size_t count;
    void *structure;
    int optional; /* what is not in the file stays as it is */
} List;

/* Whether a member must be looked at: with `exact` each, else all but the memory of the optimizer. */
static int wanted(const List *list, const NncMember *member, const NncTensors *file, int exact) {
    if (exact) return 1;
    if (of_optimizer(member->path)) return 0;
    return !list->optional || nnc_tensors_find(file, member->path) != NULL;
}

static size_t count_misfits(const NncProgram *program, const NncTensors *file, const List *list, int exact) {
    size_t misfits = 0;
    for (size_t i = 0; i < list->count; i++) {
        const NncMember *member = &list->members[i];
        if (wanted(list, member, file, exact)) misfits += !fits(program, member, nnc_tensors_find(file, member->path), exact);
    }
    return misfits;
}

static void say_misfits(const NncProgram *program, const NncTensors *file, const List *list, int exact) {
    for (size_t i = 0; i < list->count; i++) {
        const NncMember *member = &list->members[i];
        if (wanted(list, member, file, exact) && !fits(program, member, nnc_tensors_find(file, member->path), exact))
            say_difference(program, file, member);
    }
}

/* Takes what fits; returns how many. */
static size_t take_tensor(const NncProgram *program, const NncTensors *file, const List *list, int exact) {
    size_t taken = 0;
    for (size_t i = 0; i < list->count; i++) {
        const NncMember *member = &list->members[i];
        const NncTensor *stored = nnc_tensors_find(file, member->path);
        if (!wanted(list, member, file, exact) || !fits(program, member, stored, exact)) continue;
        nnc_member_write(program, member, list->structure, stored->values);
        taken++;
    }
    return taken;
}

static void say_differences(const NncProgram *program, const NncTensors *file, const List lists[2], int exact) {
    for (int l = 0; l < 2; l++) say_misfits(program, file, &lists[l], exact);
    say_unknown(program, file, exact);
}

int nnc_checkpoint_load(const NncProgram *program, const char *path, const NncTensors *file, int partial, const char *instead,
                        void *parameters, void *state) {
    const List lists[2] = {{program->parameters, program->parameter_count, parameters, 0},
                           {program->states, program->state_count, state, !partial}};
    size_t misfits = count_misfits(program, file, &lists[0], 0) + count_misfits(program, file, &lists[1], 0), taken = 0;
    if (misfits > 0 && !partial) {
        nnc_message(program->name, "%s does not hold the parameters of this program%s%s", path, instead != NULL ? "; " : "",
                    instead != NULL ? instead : "");
        say_differences(program, file, lists, 0);
        return 0;
    }
    for (int l = 0; l < 2; l++) taken += take_tensor(program, file, &lists[l], 0);
    if (partial) say_differences(program, file, lists, 0);
    if (partial && taken == 0) nnc_message(program->name, "%s holds nothing that fits this program", path);
    return !partial || taken > 0;
}

int nnc_checkpoint_resume(const NncProgram *program, const char *path, const NncTensors *file, const NncData *data,
                          void *parameters, void *state) {
    const List lists[2] = {{program->parameters, program->parameter_count, parameters, 0},
                           {program->states, program->state_count, state, 0}};
    size_t misfits = count_misfits(program, file, &lists[0], 1) + count_misfits(program, file, &lists[1], 1);
    for (size_t i = 0; i < file->tensor_count; i++) misfits += !is_known(program, file->tensors[i].name);
    if (misfits > 0) {
        nnc_message(program->name, "%s does not hold a training run of this program; --load takes just its parameters", path);
        say_differences(program, file, lists, 1);
        return 0;
    }
    if (!nnc_checkpoint_same_data(program, path, file, data)) return 0;
    for (int l = 0; l < 2; l++) take_tensor(program, file, &lists[l], 1);
    return 1;
}
