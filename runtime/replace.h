/* A file that appears complete or not at all: it is written beside its place, and renamed once it is on disk. Who interrupts the
   program waits so long: else a temporary file would stay. One at a time. */
#ifndef NNC_REPLACE_H
#define NNC_REPLACE_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *path;
    char *name; /* of the temporary file */
    FILE *file;
    char message[200]; /* what is wrong, in a sentence without a full stop that does not name the file */
} NncReplacement;

/* Where to write; NULL, with a message and nothing to end. */
FILE *nnc_replace_begin(const char *path, NncReplacement *replacement);

/* Does somebody who wants to interrupt the program wait for it? Then there is no more to write. */
int nnc_replace_interrupted(void);

/* Puts the file in its place or, where it is not wanted or cannot be written, leaves what was there. Returns whether it is in its
   place; else there is a message, if it was wanted. */
int nnc_replace_end(NncReplacement *replacement, int wanted);

#ifdef __cplusplus
}
#endif

#endif
