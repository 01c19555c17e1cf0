/* The bytes of a file, seen through a window: all of them at once, or a part that moves along. A file that gzip packed (it begins with
   the bytes 1F 8B) is unpacked, if that is wanted: then places are those in what it was before. */
#ifndef NNC_FILE_H
#define NNC_FILE_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NncGzip NncGzip;

typedef struct {
    const char *path; /* not copied */
    int unpack, whole;
    unsigned char *bytes; /* the window */
    size_t start, length; /* where in the file it begins, and how many bytes it has */
    int ended;            /* the file ends where the window does */
    /* the rest is the business of file.c and gzip.c */
    size_t capacity;
    FILE *stream;
    NncGzip *gzip; /* NULL: the file is not packed */
    unsigned char head[2];
    size_t head_count, head_taken;
} NncFile;

/* What is wrong, in a sentence without a full stop that does not name the file. */
typedef struct {
    char message[200];
    int memory; /* there is not enough of it */
} NncFileError;

/* Opens nothing yet. whole: the window shall have all bytes, so that the file is read once. */
void nnc_file_init(NncFile *file, const char *path, int unpack, int whole);

/* Moves the window so that it has the bytes from `from` on, at least `length` of them or as many as there are. Going on from where the window
   ended is cheap; going back reads what gzip packed from its start. Returns 1; or 0, and fills *error. */
int nnc_file_at(NncFile *file, size_t from, size_t length, NncFileError *error);

/* How many bytes there are. A file that can be read only once, such as a pipe, is refused unless it is to be read whole. */
int nnc_file_size(NncFile *file, size_t *size, NncFileError *error);

/* Releases the window, and closes the file: nnc_file_at opens it again. */
void nnc_file_close(NncFile *file);

/* Whether bytes begin as gzip's do. */
int nnc_file_is_packed(const unsigned char *bytes, size_t length);

/* For gzip.c: the next bytes as they are in the file, at most `most`; fewer only where it ends. */
int nnc_file_next(NncFile *file, unsigned char *to, size_t most, size_t *count, NncFileError *error);

#ifdef __cplusplus
}
#endif

#endif
