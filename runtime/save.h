/* Files that appear complete or not at all. */
#ifndef NNC_SAVE_H
#define NNC_SAVE_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes by `write` to a temporary file beside `path`, which takes its name once every byte is on disk; who interrupts the program waits
   so long. Returns 1; or 0, with the reason in why[0 .. size - 1], a sentence without a full stop, and nothing is left behind. Errors of
   the stream are looked for afterwards: `write` need not. */
int nnc_save(const char *path, void (*write)(FILE *out, const void *context), const void *context, char *why, size_t size);

#ifdef __cplusplus
}
#endif

#endif
