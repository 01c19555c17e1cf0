/* The tensors inside the structs of a network, whatever the type of their numbers. */
#ifndef NNC_MEMBER_H
#define NNC_MEMBER_H

#include "program.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_SHAPE_LENGTH = 8 * 22 + 3 };

/* Which number of the array in the struct is the tensor's element of this number, row-major. */
size_t nnc_member_place(const NncMember *member, size_t element);

/* count numbers into, or out of, the tensor inside a struct. */
void nnc_member_write(const NncProgram *program, const NncMember *member, void *structure, const double *values);
void nnc_member_read(const NncProgram *program, const NncMember *member, const void *structure, double *values);

/* Whether the network's type can hold the number. */
int nnc_member_holds(const NncProgram *program, const NncMember *member, double value);

/* The first of the members that holds a NaN or an infinity, and one of these in *value; or NULL. */
const NncMember *nnc_member_not_finite(const NncProgram *program, const NncMember *members, size_t count, const void *structure,
                                       double *value);

/* "[4, 2]" */
void nnc_shape_print(char out[NNC_SHAPE_LENGTH], const size_t *shape, int rank);

#ifdef __cplusplus
}
#endif

#endif
