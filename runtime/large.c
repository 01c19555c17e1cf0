#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* madvise */
#endif
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#endif
#include "large.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 1 << 21 };

void *nnc_large_new(size_t size) {
    void *memory = NULL;
    if (size < LARGE_PAGE) return calloc(size + 1, 1);
    if (posix_memalign(&memory, LARGE_PAGE, size) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, size, MADV_HUGEPAGE); /* or it is as before */
#endif
    return memset(memory, 0, size);
}
