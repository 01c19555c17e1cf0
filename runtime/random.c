#include "random.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)       /* 2^64 / golden ratio, odd: the step of the Weyl sequence */
#define SHUFFLE_SITE UINT64_C(0x73687566666C6530) /* "shuffle0": far from the sites of a program, which count from 0 */

/* The finaliser of SplitMix64 (Stafford's variant 13): a bijection in which each input bit changes half of the output. */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The n-th output of the SplitMix64 that starts at `key`. */
static uint64_t output(uint64_t key, uint64_t n) { return mix(key + (n + 1) * GOLDEN); }

static uint64_t key_of(uint64_t seed, uint64_t site, uint64_t step) { return output(output(output(0, seed), site), step); }

double nnc_random_uniform(uint64_t seed, uint64_t site, uint64_t step, uint64_t point) {
    return (double)(output(key_of(seed, site, step), point) >> 40) * (1.0 / 16777216.0);
}

void nnc_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t count) {
    uint64_t key = key_of(seed, SHUFFLE_SITE, epoch), drawn = 0;
    uint32_t i;
    for (i = 0; i < count; i++) order[i] = i;
    for (i = count; i > 1; i--) {
        uint64_t choices = i, least = (0 - choices) % choices, number; /* outputs below 2^64 mod i would favour small numbers */
        uint32_t other, kept = order[i - 1];
        do {
            number = output(key, drawn++);
        } while (number < least);
        other = (uint32_t)(number % choices);
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
