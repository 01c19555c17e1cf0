/* C with vectors, strict in double or float, against PyTorch. */
#define TARGET "native"
#define SHARE 9
#include "test_generated.c"
