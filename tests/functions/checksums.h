/* Checksums of the elementary functions over fixed arguments: they may not differ between compilers, options and machines.
   Freestanding, so that firmware can compare its own bits: see checksums.c. Blocks of arguments, so that compilers vectorise. */
#include <stdint.h>

#include "functions.h"
#ifndef NNC_FLOAT_ONLY
#include "functions_double.h"
#endif

#ifndef POINTS
#define POINTS 100000UL /* a multiple of BLOCK */
#endif
#ifndef BLOCK
#define BLOCK 100
#endif

/* name, float checksum, double checksum */
/* clang-format off */
#define UNARY(F) \
    F(exp,      0x0254C78CUL, 0x225ABEABUL) \
    F(expm1,    0x007A11CFUL, 0x4F437D0AUL) \
    F(log,      0xE36011A0UL, 0x3BBEF9F6UL) \
    F(sqrt,     0xE79C656FUL, 0x39A98B0FUL) \
    F(sigmoid,  0xC09F7ECDUL, 0xCC929EB9UL) \
    F(softplus, 0x0F3E8502UL, 0x4E68FEC8UL) \
    F(tanh,     0x057D7D01UL, 0xB7698816UL) \
    F(sinh,     0x72EBB2F5UL, 0xE2AD5832UL) \
    F(cosh,     0x34ED048BUL, 0x52714ACFUL) \
    F(erf,      0xF1E2B6CBUL, 0x8DD3C201UL) \
    F(sin,      0x69F3C35DUL, 0xDBD26B1BUL) \
    F(cos,      0x444BAC88UL, 0x7F22852BUL) \
    F(tan,      0x7953938CUL, 0xC8DC05D6UL) \
    F(atan,     0x9E7ABF2FUL, 0x6F6E2382UL) \
    F(floor,    0x5AD8ACE9UL, 0x3E36679CUL) \
    F(abs,      0xFC27C7B0UL, 0x3B1A04A7UL) \
    F(sign,     0xDC21B645UL, 0x15120EC5UL)
#define BINARY(F) \
    F(pow,      0x6F82CC54UL, 0xE261BA16UL) \
    F(mod,      0xE85B1905UL, 0x2F43779EUL)
/* clang-format on */

/* The n-th argument: every bit pattern or, every other time, a number of [-16, 16). `which` tells the arguments of a function
   apart. */
static uint64_t scramble(uint32_t n, uint32_t which) { /* SplitMix64 */
    uint64_t z = (((uint64_t)which << 32) + n + 1U) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static float float_argument(uint32_t n, uint32_t which) {
    const uint32_t bits = (uint32_t)(scramble(n, which) >> 32);
    return ((n & 1U) != 0U) ? nnc_from_bitsf(bits) : (((float)(bits >> 8) * 0x1p-19f) - 16.0f);
}

static uint32_t add_float(uint32_t sum, float y) { /* any NaN is as good as another */
    const uint32_t bits = nnc_bitsf(y);
    return (sum ^ (((bits & 0x7FFFFFFFU) > 0x7F800000U) ? 0x7FC00000U : bits)) * 16777619U;
}

static float float_x[BLOCK], float_z[BLOCK], float_y[BLOCK];

#define FLOAT_CHECKSUM(name, call)                                        \
    static uint32_t name##_float_checksum(void) {                         \
        uint32_t sum = 2166136261U, n, i;                                 \
        for (n = 0; n < POINTS; n += BLOCK) {                             \
            for (i = 0; i < BLOCK; i++) {                                 \
                float_x[i] = float_argument(n + i, 0U);                   \
                float_z[i] = float_argument(n + i, 1U);                   \
            }                                                             \
            for (i = 0; i < BLOCK; i++) float_y[i] = call;                \
            for (i = 0; i < BLOCK; i++) sum = add_float(sum, float_y[i]); \
        }                                                                 \
        return sum;                                                       \
    }
#define UNARY_FLOAT(name, in_float, in_double) FLOAT_CHECKSUM(name, nnc_##name##f(float_x[i]))
#define BINARY_FLOAT(name, in_float, in_double) FLOAT_CHECKSUM(name, nnc_##name##f(float_x[i], float_z[i]))
UNARY(UNARY_FLOAT)
BINARY(BINARY_FLOAT)

#ifndef NNC_FLOAT_ONLY
static double double_argument(uint32_t n, uint32_t which) {
    const uint64_t bits = scramble(n, which);
    return ((n & 1U) != 0U) ? nnc_from_bits(bits) : (((double)(bits >> 11) * 0x1p-48) - 16.0);
}

static uint32_t add_double(uint32_t sum, double y) {
    const uint64_t bits = nnc_bits(y), infinite = UINT64_C(0x7FF0000000000000);
    const uint64_t same = ((bits & UINT64_C(0x7FFFFFFFFFFFFFFF)) > infinite) ? (infinite | (infinite >> 1)) : bits;
    return (((sum ^ (uint32_t)same) * 16777619U) ^ (uint32_t)(same >> 32)) * 16777619U;
}

static double double_x[BLOCK], double_z[BLOCK], double_y[BLOCK];

#define DOUBLE_CHECKSUM(name, call)                                         \
    static uint32_t name##_double_checksum(void) {                          \
        uint32_t sum = 2166136261U, n, i;                                   \
        for (n = 0; n < POINTS; n += BLOCK) {                               \
            for (i = 0; i < BLOCK; i++) {                                   \
                double_x[i] = double_argument(n + i, 0U);                   \
                double_z[i] = double_argument(n + i, 1U);                   \
            }                                                               \
            for (i = 0; i < BLOCK; i++) double_y[i] = call;                 \
            for (i = 0; i < BLOCK; i++) sum = add_double(sum, double_y[i]); \
        }                                                                   \
        return sum;                                                         \
    }
#define UNARY_DOUBLE(name, in_float, in_double) DOUBLE_CHECKSUM(name, nnc_##name(double_x[i]))
#define BINARY_DOUBLE(name, in_float, in_double) DOUBLE_CHECKSUM(name, nnc_##name(double_x[i], double_z[i]))
UNARY(UNARY_DOUBLE)
BINARY(BINARY_DOUBLE)
#endif

static const struct {
    const char *name;
    uint32_t (*checksum)(void);
    uint32_t expected;
} checksums[] = {
#define ROW_FLOAT(name, in_float, in_double) {#name "f", name##_float_checksum, in_float},
    UNARY(ROW_FLOAT) BINARY(ROW_FLOAT)
#ifndef NNC_FLOAT_ONLY
#define ROW_DOUBLE(name, in_float, in_double) {#name, name##_double_checksum, in_double},
        UNARY(ROW_DOUBLE) BINARY(ROW_DOUBLE)
#endif
};
