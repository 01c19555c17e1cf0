/* Fast C, compiled as `nnc train` does it, against PyTorch. */
#define FAST true
#include "test_generated.c"
