/* The files of runtime/, inside the compiler: it finds them wherever it is installed. */
#ifndef NNC_RUNTIME_FILES_H
#define NNC_RUNTIME_FILES_H

#include <stddef.h>

typedef struct {
    const char *name, *text;
} RuntimeFile;

extern const RuntimeFile runtime_files[]; /* sorted by name; made by CMakeLists.txt */
extern const size_t runtime_file_count;

#endif
