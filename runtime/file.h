/* A whole file in memory. One that gzip packed (it begins with the bytes 1F 8B) is unpacked, if that is wanted. */
#ifndef NNC_FILE_H
#define NNC_FILE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    unsigned char *bytes; /* to be freed */
    size_t length;
} NncFile;

/* What is wrong, in a sentence without a full stop that does not name the file. */
typedef struct {
    char message[200];
} NncFileError;

/* Returns 1 and fills *file; or returns 0 and fills *error, and there is nothing to free. */
int nnc_file_read(const char *path, int unpack, NncFile *file, NncFileError *error);

/* Whether bytes begin as gzip's do. */
int nnc_file_is_packed(const unsigned char *bytes, size_t length);

/* Doubles the room for the bytes of a file. Returns 1; or 0, and fills *error. */
int nnc_file_grow(NncFile *file, size_t *capacity, NncFileError *error);

#ifdef __cplusplus
}
#endif

#endif
