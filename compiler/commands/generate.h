/* The C files that a model becomes, with all that they include. */
#ifndef NNC_GENERATE_H
#define NNC_GENERATE_H

#include "loop/loop.h"

typedef struct {
    const char *name; /* in its folder */
    const char *text;
} OutputFile;
typedef Vec(OutputFile) OutputFiles;

/* NAME.h and NAME.c, the runtime files that they include and, if there is to be a program, NAME_main.c and the rest of the runtime. */
OutputFiles generate_files(LoopProgram *loop, const Sources *sources, bool program);

/* The same in one file. Its first comment is the command that compiles it. */
const char *generate_single_file(LoopProgram *loop, const Sources *sources, bool program, const char *name);

/* Whether the program must be linked with zlib: a data file of the model ends in .gz, or one that it will be given is packed. */
bool generate_needs_zlib(const LoopProgram *loop);

/* A file name as a word of a command: in quotes where it needs them. */
const char *generate_shell_word(Arena *arena, const char *name);

/* Writes all files or none: each goes to a temporary file first, is on disk, and takes its place when all are there. Makes the folders
   that it needs, where the one above is there. False, with a message on standard error, if that fails. */
bool write_files(Arena *arena, const char *folder, const OutputFiles *files);

#endif
