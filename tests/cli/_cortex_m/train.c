/* Trains a network on the data in model.h, which tests/cli/cortex_m.sh writes, and prints what came of it as bits. On a host and on a
   microcontroller alike: needs the network's functions alone. */
#include "train.h"

#include "model.h"

enum { STEPS = 300 };

static Parameters parameters;
static State state;
static Work work;

/* Fowler, Noll, Vo. */
static uint64_t hash(uint64_t so_far, const void *bytes, size_t count) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++) so_far = (so_far ^ byte[i]) * UINT64_C(1099511628211);
    return so_far;
}

static void print_bits(void (*print)(const char *), const char *what, uint64_t bits) {
    char digits[17];
    for (int i = 0; i < 16; i++) digits[i] = "0123456789abcdef"[bits >> (60 - 4 * i) & 15];
    digits[16] = '\0';
    print(what);
    print(" ");
    print(digits);
    print("\n");
}

void train_network(void (*print)(const char *)) {
    const uint64_t start = UINT64_C(1469598103934665603);
    const size_t rows = sizeof inputs / sizeof *inputs;
    uint64_t losses = start;
    float loss = 0;
    size_t first = 0;
    init(&parameters, &state, 7);
    for (int step = 0; step < STEPS; step++) {
        const size_t n = rows - first < BATCH ? rows - first : BATCH;
        loss = train(&parameters, &state, &work, inputs + first, targets + first, n);
        losses = hash(losses, &loss, sizeof loss);
        first = first + n < rows ? first + n : 0;
    }
    print_bits(print, "parameters", hash(start, &parameters, sizeof parameters));
    print_bits(print, "state", hash(start, &state, sizeof state));
    print_bits(print, "losses", losses);
    print_bits(print, "millionths of the last loss", (uint64_t)(loss * 1e6f));
}
