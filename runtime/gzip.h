/* Unpacking what gzip packed. A program has gzip.c, which needs zlib, or gzip_none.c, which refuses. */
#ifndef NNC_GZIP_H
#define NNC_GZIP_H

#include "file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Begins with the first of the file's bytes. NULL, and *error, if that cannot be. */
NncGzip *nnc_gzip_open(NncFileError *error);
void nnc_gzip_close(NncGzip *gzip);

/* The next unpacked bytes, at most `most`; fewer only where they end. Returns 1; or 0, and fills *error. */
int nnc_gzip_next(NncGzip *gzip, NncFile *file, unsigned char *to, size_t most, size_t *count, NncFileError *error);

#ifdef __cplusplus
}
#endif

#endif
