/* peer EXAMPLES FILE: measures peer.h's functions from the start in the file, which ours.c wrote. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

static float *start; /* inputs of all examples, targets of all examples, parameters */
static size_t examples;

void restart(void) { peer_start(start + examples * (INPUTS + TARGETS)); }

double train(size_t first, size_t n) {
    return peer_train(start + first * INPUTS, start + examples * INPUTS + first * TARGETS, n) / (double)n;
}

int main(int argc, char **argv) {
    enum { LINE = 64 /* bytes of a cache line */ };
    if (argc != 3) return 2;
    examples = strtoul(argv[1], NULL, 10);
    FILE *file = fopen(argv[2], "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return 1;
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    start = aligned_alloc(LINE, (bytes / LINE + 1) * LINE);
    if (start == NULL || fread(start, 1, bytes, file) != bytes) return 1;
    fclose(file);
    measure(examples, BATCH);
    return 0;
}
