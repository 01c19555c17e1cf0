/* Sentences to whoever runs a generated program: on standard error, each line begins with the program's name. */
#ifndef NNC_MESSAGE_H
#define NNC_MESSAGE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void nnc_message(const char *program, const char *format, ...);

/* The number of letters to change, insert, delete or swap to get from one name to the other, where it is small enough for a slip of
   the pen; else 0. Equal names: 0. */
int nnc_slip(const char *from, const char *to);

#ifdef __cplusplus
}
#endif

#endif
