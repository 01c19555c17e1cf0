/* C with vectors, strict in double and float, against PyTorch. */
#define TARGET "native"
#define SHARE 7
#include "test_generated.c"
