#include "member.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

size_t nnc_member_place(const NncMember *member, size_t element) {
    size_t at[8], place = 0;
    if (member->axes == 0) return element;
    for (int i = member->rank - 1; i >= 0; i--) {
        at[i] = element % member->shape[i];
        element /= member->shape[i];
    }
    for (int k = 0; k < member->axes; k++) {
        const NncAxis *axis = &member->layout[k];
        place = place * axis->size + at[axis->axis] / axis->divisor % axis->size;
    }
    return place;
}

void nnc_member_write(const NncProgram *program, const NncMember *member, void *structure, const double *values) {
    char *to = (char *)structure + member->offset;
    if (member->whole) {
        for (size_t i = 0; i < member->count; i++) ((int32_t *)(void *)to)[nnc_member_place(member, i)] = (int32_t)values[i];
    } else if (program->number_size == sizeof(float)) {
        for (size_t i = 0; i < member->count; i++) ((float *)(void *)to)[nnc_member_place(member, i)] = (float)values[i];
    } else {
        for (size_t i = 0; i < member->count; i++) ((double *)(void *)to)[nnc_member_place(member, i)] = values[i];
    }
}

/* By the bytes, because a struct that is const is read through a const pointer. */
static double number_at(const NncProgram *program, const NncMember *member, const char *from, size_t i) {
    i = nnc_member_place(member, i);
    int32_t whole;
    float single;
    double value;
    if (member->whole) {
        memcpy(&whole, from + i * sizeof whole, sizeof whole);
        return whole;
    }
    if (program->number_size == sizeof(float)) {
        memcpy(&single, from + i * sizeof single, sizeof single);
        return (double)single;
    }
    memcpy(&value, from + i * sizeof value, sizeof value);
    return value;
}

void nnc_member_read(const NncProgram *program, const NncMember *member, const void *structure, double *values) {
    for (size_t i = 0; i < member->count; i++)
        values[i] = number_at(program, member, (const char *)structure + member->offset, i);
}

int nnc_member_holds(const NncProgram *program, const NncMember *member, double value) {
    if (member->whole) return value >= (double)INT32_MIN && value <= (double)INT32_MAX && value == floor(value);
    return program->number_size != sizeof(float) || !isfinite(value) || fabs(value) <= (double)FLT_MAX;
}

const NncMember *nnc_member_not_finite(const NncProgram *program, const NncMember *members, size_t count, const void *structure,
                                       double *value) {
    for (size_t m = 0; m < count; m++) {
        if (members[m].whole) continue;
        for (size_t i = 0; i < members[m].count; i++) {
            *value = number_at(program, &members[m], (const char *)structure + members[m].offset, i);
            if (!isfinite(*value)) return &members[m];
        }
    }
    return NULL;
}

void nnc_shape_print(char out[NNC_SHAPE_LENGTH], const size_t *shape, int rank) {
    char *at = out;
    *at++ = '[';
    for (int i = 0; i < rank; i++) at += sprintf(at, "%s%zu", i == 0 ? "" : ", ", shape[i]);
    strcpy(at, "]");
}
