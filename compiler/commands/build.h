/* Programs from C, by the system's compiler, kept in a cache. */
#ifndef NNC_BUILD_H
#define NNC_BUILD_H

#include "commands/generate.h"

typedef struct {
    const char *cc;    /* NULL: $CC, or cc. A name or path, or several words: the rest are options */
    bool fast;         /* arithmetic */
    const char *level; /* -O2, -O3 */
    bool vectors;      /* of the machine that it runs on */
    bool threads;      /* OpenMP */
    bool zlib;
    bool quiet; /* no progress on a terminal */
} BuildOptions;

/* The path of the program that the files of generate_files() are compiled to, under the model's name; or NULL, with a message on
   standard error. */
const char *build_program(Arena *arena, const char *model, const OutputFiles *files, const BuildOptions *options);

#endif
