#include "random.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)       /* 2^64 / golden ratio, odd: the step of the Weyl sequence */
#define SHUFFLE_SITE UINT64_C(0x73687566666C6530) /* "shuffle0": far from the sites of a program, which count from 0 */
#define BELOW_SITE UINT64_C(0x62656C6F77303030)   /* "below000" */

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

/* The next output of `key` that is as likely for each number below `choices`: outputs below 2^64 mod choices would favour small
   numbers. */
static uint32_t next_choice(uint64_t key, uint64_t *drawn, uint64_t choices) {
    uint64_t least = (0 - choices) % choices, number;
    do {
        number = output(key, (*drawn)++);
    } while (number < least);
    return (uint32_t)(number % choices);
}

void nnc_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t count) {
    uint64_t key = key_of(seed, SHUFFLE_SITE, epoch), drawn = 0;
    uint32_t i;
    for (i = 0; i < count; i++) order[i] = i;
    for (i = count; i > 1; i--) {
        uint32_t other = next_choice(key, &drawn, i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

uint32_t nnc_random_below(uint64_t seed, uint64_t epoch, uint64_t *drawn, uint32_t choices) {
    return next_choice(key_of(seed, BELOW_SITE, epoch), drawn, choices);
}
