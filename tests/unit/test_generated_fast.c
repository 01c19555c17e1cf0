/* Fast C, compiled as `nnc train` does it, against PyTorch. */
#define FAST true
#define SHARE 9
#include "test_generated.c"
