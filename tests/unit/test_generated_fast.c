/* Fast C, compiled as `nnc train` does it, against PyTorch. */
#define FAST true
#define SHARE 7
#include "test_generated.c"
