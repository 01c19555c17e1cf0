/* Fast C, compiled as `nnc train` does it, against PyTorch. */
#define FAST true
#define SHARE 5
#include "test_generated.c"
