/* Unpacking what gzip packed. A program has gzip.c, which needs zlib, or gzip_none.c, which refuses. */
#ifndef NNC_GZIP_H
#define NNC_GZIP_H

#include "file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes are replaced by what they were before they were packed. Returns 1; or 0, and fills *error. */
int nnc_gzip_unpack(NncFile *file, NncFileError *error);

#ifdef __cplusplus
}
#endif

#endif
