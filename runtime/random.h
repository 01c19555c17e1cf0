/* Random numbers without state: a draw is a function of where it is drawn, so that every order of evaluation, every backend
   and the backward pass see the same numbers.

   The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): its
   finaliser mixes seed, site and step into a key, then the key plus the point's place on the Weyl sequence into the draw.
   Freestanding: needs <stdint.h> alone. */
#ifndef NNC_RANDOM_H
#define NNC_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A number in [0, 1), a multiple of 2^-24: exact in float and double alike.
   seed: the model's; site: which random expression of the program; step: which training step; point: which element. */
double nnc_random_uniform(uint64_t seed, uint64_t site, uint64_t step, uint64_t point);

/* Writes a permutation of 0 .. count - 1 to order, all of them equally likely (Fisher and Yates). */
void nnc_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t count);

/* A number below `choices`, all of them equally likely: one of a sequence for each seed and epoch, along which *drawn counts from 0. */
uint32_t nnc_random_below(uint64_t seed, uint64_t epoch, uint64_t *drawn, uint32_t choices);

#ifdef __cplusplus
}
#endif

#endif
