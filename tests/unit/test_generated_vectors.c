/* C with vectors, strict in double and float, against PyTorch. */
#define TARGET "native"
#define SHARE 9
#include "test_generated.c"
