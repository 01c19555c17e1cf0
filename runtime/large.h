/* Memory for what is large and read here and there, such as examples in an order that was shuffled. */
#ifndef NNC_LARGE_H
#define NNC_LARGE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `size` bytes, all 0, which free releases; NULL: there are not enough. In large pages where the system has them, so that finding the
   place of a row costs no walk through its tables. */
void *nnc_large_new(size_t size);

#ifdef __cplusplus
}
#endif

#endif
