/* The elementary functions in float: the same bits from every compiler and on every machine with IEEE arithmetic.

   Only + - * / and comparisons of IEEE binary32, integers, and bits seen through a union. No libm, no libc, no double, no
   state. The including file must keep the arithmetic as written: no fused multiply-add, no -ffast-math, FLT_EVAL_METHOD 0.

   Accuracy: below 2 ulp for every float, subnormal arguments and results included (an ulp is the distance of the floats round
   the true value; 2^-149 below 2^-126). "Max" is the greatest error among all 2^32 floats, found by
   tests/functions/exhaustive.c. NaN gives NaN (which one is the machine's choice), overflow gives infinity, underflow is
   gradual. f(0) is exact, with the sign of the zero where f is odd.

   Most functions are one path with choices at its end, so that compilers can vectorise a loop of them (gcc only with
   -fno-trapping-math, which changes no value). The same text, with vectors for its numbers, gives the functions of vectors:
   compiler/lanes.cmake makes lanes_f4.h, f8 and f16 of what stands between the lines ==== below, and says what that text must
   look like. Coefficients marked [S] come from Sollya 8.0, fpminimax on the relative error:
   tests/functions/coefficients.sollya prints them and their errors.

   One file above 500 lines: what includes it, a generated network, needs nothing else.

   Literature
     Cody and Waite, Software Manual for the Elementary Functions, 1980: argument reduction by a constant in parts
     Dekker, A floating-point technique for extending the available precision, Numerische Mathematik 18, 1971: sums and products
       in two parts
     Payne and Hanek, Radian reduction for trigonometric functions, SIGNUM Newsletter 18, 1983
     Tang, Table-driven implementation of the exponential function, ACM TOMS 15, 1989, and of the logarithm, TOMS 16, 1990
     Muller, Elementary Functions, 3rd edition, 2016
     fdlibm, Sun Microsystems, 1993: the break points of atan, the reciprocal in tan */
#ifndef NNC_FUNCTIONS_H
#define NNC_FUNCTIONS_H

#include <stdint.h>

#ifdef __FAST_MATH__
#error "functions.h needs arithmetic as written: compile without -ffast-math"
#endif

/* Fast arithmetic (NNC_FAST, which a network defines before it includes this): the including file may have sums reordered where the
   machine fuses multiply and add (NNC_FUSED). What follows keeps its accuracy then, below 4 ulp, by fused operations, or is compiled
   as written by itself. Nothing is promised of results that nearly overflow or are below 2^-126, nor of a zero's sign. */
#ifndef NNC_AS_WRITTEN
#if defined(NNC_FAST) && defined(__GNUC__) && defined(__FP_FAST_FMAF) && defined(__FP_FAST_FMA)
#define NNC_FUSED 1
#endif
#if defined(NNC_FAST) && defined(__GNUC__) && !defined(__clang__)
#define NNC_AS_WRITTEN __attribute__((optimize("no-associative-math", "fp-contract=off")))
#else
#define NNC_AS_WRITTEN
#endif
#endif

typedef char nnc_float_is_binary32[(sizeof(float) == 4U) ? 1 : -1];

/* ---- Bits */

static inline uint32_t nnc_bitsf(float x) {
    union {
        float number;
        uint32_t bits;
    } u;
    u.number = x;
    return u.bits;
}

static inline float nnc_from_bitsf(uint32_t bits) {
    union {
        uint32_t bits;
        float number;
    } u;
    u.bits = bits;
    return u.number;
}

static inline float nnc_infinityf(void) { return nnc_from_bitsf(0x7F800000U); }
static inline float nnc_nanf(void) { return nnc_from_bitsf(0x7FC00000U); }

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* |x|: exact. */
static inline float nnc_absf(float x) { return nnc_from_bitsf(nnc_bitsf(x) & 0x7FFFFFFFU); }

/* |x| with the sign of y: exact. */
static inline float nnc_with_signf(float x, float y) {
    return nnc_from_bitsf((nnc_bitsf(x) & 0x7FFFFFFFU) | (nnc_bitsf(y) & 0x80000000U));
}

/* x rounded towards 0 to 12 bits, so that products of two such numbers are exact. */
static inline float nnc_upperf(float x) { return nnc_from_bitsf(nnc_bitsf(x) & 0xFFFFF000U); }

/* a * b - product, where product = a * b rounded: exact unless it underflows (Dekker 1971, the split by bits). */
static inline float nnc_product_errorf(float a, float b, float product) {
#ifdef NNC_FUSED
    return __builtin_fmaf(a, b, -product);
#else
    const float ah = nnc_upperf(a);
    const float al = a - ah;
    const float bh = nnc_upperf(b);
    const float bl = b - bh;
    return (((ah * bh - product) + ah * bl) + al * bh) + al * bl;
#endif
}

/* ---- Steps */

/* The sign: 1, 0 or -1; 0 for NaN. */
static inline float nnc_signf(float x) {
    const float above = (x > 0.0f) ? 1.0f : 0.0f;
    return (x < 0.0f) ? -1.0f : above;
}

/* The greatest integer <= x: exact. Adding and subtracting 2^23 rounds |x| to an integer. */
static inline float nnc_floorf(float x) {
    const float a = nnc_absf(x);
#ifdef NNC_FUSED
    const float rounded = nnc_with_signf((__builtin_fmaf(a, 0.5f, 0x1p22f) - 0x1p22f) * 2.0f, x);
#else
    const float rounded = nnc_with_signf((a + 8388608.0f) - 8388608.0f, x);
#endif
    const float below = rounded - 1.0f;
    const float whole = (rounded > x) ? below : rounded;
    return (a < 8388608.0f) ? whole : x;
}

/* a - b * floor(a / b), each operation rounded; not C's fmod (nor its modf). The result has the sign of b. */
static inline float nnc_modf(float a, float b) { return a - (b * nnc_floorf(a / b)); }

/* ==== Scalars */

/* ---- Choices */

/* The larger, the smaller; the first of two equals; NaN if one of them is (fast arithmetic: if b is). */
#ifdef NNC_FAST
static inline float nnc_maxf(float a, float b) { return (a > b) ? a : b; }
static inline float nnc_minf(float a, float b) { return (a < b) ? a : b; }
#else
static inline float nnc_maxf(float a, float b) { return (a >= b) ? a : ((b > a) ? b : (a + b)); }
static inline float nnc_minf(float a, float b) { return (a <= b) ? a : ((b < a) ? b : (a + b)); }
#endif

/* a where the condition holds, else b: by their bits. (A loop of ?: is wrongly vectorised by gcc 12 where several share a condition.) */
static inline float nnc_choosef(int condition, float a, float b) {
    const uint32_t mask = 0U - (uint32_t)(condition != 0);
    return nnc_from_bitsf((nnc_bitsf(a) & mask) | (nnc_bitsf(b) & ~mask));
}

/* ---- Square root */

/* sqrt(x), correctly rounded. Two steps of Newton towards 1 / sqrt from the exponent halved, one towards sqrt; then S, the
   result as an integer of 24 bits, is at most 1 off, and the remainder N - S^2, which fits 32 bits, says which way.
   Microcontrollers with the instruction use it, which has the same bits. (On larger machines a loop of these lines is
   vectorised, and __builtin_sqrtf may be a call of libm.) */
static inline float nnc_sqrtf(float x) {
#if defined(__GNUC__) && defined(__ARM_FP) && ((__ARM_FP & 4) != 0) && defined(__ARM_ARCH_PROFILE) && (__ARM_ARCH_PROFILE == 'M')
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
#elif defined(__GNUC__) && defined(__riscv_flen) && defined(__riscv_fdiv)
    float root;
    __asm__("fsqrt.s %0, %1" : "=f"(root) : "f"(x));
    return root;
#else
    const int tiny = x < 0x1p-126f;
    const float scaled = x * 0x1p24f;
    const float normal = tiny ? scaled : x;
    const uint32_t bits = nnc_bitsf(normal);
    const uint32_t even = (bits >> 23) & 1U; /* an even exponent; the bias is odd */
    const uint32_t fraction = bits & 0x007FFFFFU;
    const float m = nnc_from_bitsf(fraction | ((128U - even) << 23)); /* 1 <= m < 4 */
    const float half = 0.5f * m;
    const float y0 = nnc_from_bitsf(0x5F3759DFU - (nnc_bitsf(m) >> 1));
    const float y1 = y0 * (1.5f - ((half * y0) * y0));
    const float y2 = y1 * (1.5f - ((half * y1) * y1));
    const float s0 = m * y2;
#ifdef NNC_FUSED
    const float s1 = s0 + (__builtin_fmaf(-s0, s0, m) * (0.5f * y2));
#else
    const float s1 = s0 + ((m - (s0 * s0)) * (0.5f * y2));
#endif
    const uint32_t s = (uint32_t)(int32_t)(s1 * 8388608.0f);
    const uint32_t n = (fraction | 0x00800000U) << (24U - even); /* modulo 2^32, and so is the remainder */
    const uint32_t remainder = (n - (s * s)) + 0x10000000U;
    const uint32_t up = (remainder > (0x10000000U + s)) ? 1U : 0U;
    const uint32_t down = (remainder <= (0x10000000U - s)) ? 1U : 0U;
    const uint32_t exponent = ((bits >> 23) + 127U) >> 1;
    const uint32_t result = (((exponent - (tiny ? 13U : 1U)) << 23) + s + up) - down;
    const float root = nnc_from_bitsf(result);
    const float other = (x < 0.0f) ? nnc_from_bitsf(0x7FC00000U) : x; /* negative; zero, infinite, NaN */
    const float positive = (x > 0.0f) ? root : other;
    return (x > 0x1.fffffep127f) ? x : positive;
#endif
}

/* ---- Exponential and logarithm */

/* Limits: what is no number stays what it is. */
static inline float nnc_at_leastf(float x, float low) { return (x < low) ? low : x; }
static inline float nnc_at_mostf(float x, float high) { return (x > high) ? high : x; }

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* r in [-ln 2 / 2, ln 2 / 2] and *sum = k + 1.5 * 2^23 with x = k ln 2 + r, for -105 <= x <= 91 (Cody and Waite: k times the upper
   part of ln 2 is exact); beyond, neither means anything. Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the sum. */
static inline float nnc_exp_reducef(float x, float *sum) {
#ifdef NNC_FUSED
    const float shifted = __builtin_fmaf(x, 0x1.715476p0f, 0x1.8p23f);
    const float k = shifted - 0x1.8p23f;
    *sum = shifted;
    return __builtin_fmaf(k, -0x1.7f7d1cp-20f, __builtin_fmaf(k, -0x1.62e4p-1f, x));
#else
    const float shifted = (x * 0x1.715476p0f) + 0x1.8p23f;
    const float k = shifted - 0x1.8p23f;
    *sum = shifted;
    return (x - (k * 0x1.62e4p-1f)) - (k * 0x1.7f7d1cp-20f);
#endif
}

/* exp(r): [S] degree 6, relative error below 2^-28.2; Estrin's order. */
static inline float nnc_exp_of_restf(float r) {
    const float r2 = r * r;
    const float low = 0x1.fffffap-2f + (r * 0x1.555492p-3f);
    const float middle = 0x1.555a26p-5f + (r * 0x1.123988p-7f);
    const float q = low + (r2 * (middle + (r2 * 0x1.694cd2p-10f)));
#ifdef NNC_FAST
    return (1.0f + r) + (r2 * q); /* a shorter chain, and one more rounding */
#else
    return 1.0f + (r + (r2 * q));
#endif
}

#ifndef NNC_SCALES /* where an instruction does what follows, to vectors: lanes.h.in */
/* y 2^k from k + 1.5 * 2^23: 2^k in two factors, so that the second one alone rounds, at overflow and underflow; in fast arithmetic they
   meet each other first, beside what makes y: infinite from 2^127.5 on. */
static inline float nnc_scalef(float y, float sum) {
    const uint32_t n = nnc_bitsf(sum) - (0x4B400000U - 254U);
    const uint32_t half = n >> 1;
    const float lower = nnc_from_bitsf(half << 23);
    const float upper = nnc_from_bitsf((n - half) << 23);
#ifdef NNC_FAST
    return y * (lower * upper);
#else
    return (y * lower) * upper;
#endif
}

/* 2^k, and y 2^k, where they are normal numbers for certain. */
static inline float nnc_powerf(float sum) { return nnc_from_bitsf((nnc_bitsf(sum) - (0x4B400000U - 127U)) << 23); }
static inline float nnc_scale_normalf(float y, float sum) { return y * nnc_powerf(sum); }
#endif

/* exp(x). Limits take fewer instructions than choices, but all else waits for them. Max 0.99 ulp. */
static inline float nnc_expf(float x) {
    float sum;
#ifdef NNC_VECTORS
    const float r = nnc_exp_reducef(nnc_at_mostf(nnc_at_leastf(x, -104.0f), 89.0f), &sum);
    return nnc_scalef(nnc_exp_of_restf(r), sum);
#else
    const float r = nnc_exp_reducef(x, &sum);
    const float y = nnc_scalef(nnc_exp_of_restf(r), sum);
    const float finite = (x > 89.0f) ? nnc_infinityf() : y;
    return (x < -104.0f) ? 0.0f : finite;
#endif
}

/* exp(-|x|), for the functions below. */
static inline float nnc_exp_minusf(float x) {
    float sum;
    const float a = -nnc_absf(x);
    const float r = nnc_exp_reducef(nnc_at_leastf(a, -104.0f), &sum);
    return nnc_scalef(nnc_exp_of_restf(r), sum);
}

/* exp(|x|) / 2, for the hyperbolic functions: overflows no earlier than they do. */
static inline float nnc_exp_halff(float x) {
    float sum;
    const float a = nnc_absf(x);
    const float r = nnc_exp_reducef(nnc_at_mostf(a, 90.0f), &sum);
    return nnc_scalef(nnc_exp_of_restf(r), sum - 1.0f);
}

/* exp(r) - 1 - r for |r| <= ln 2 / 2: [S] degree 6, relative error of exp(r) - 1 below 2^-26.1. */
static inline float nnc_expm1_tailf(float r) {
    const float r2 = r * r;
    const float low = 0x1.fffffep-2f + (r * 0x1.5554bp-3f);
    const float middle = 0x1.555716p-5f + (r * 0x1.12279ep-7f);
    const float q = low + (r2 * (middle + (r2 * 0x1.6b7376p-10f)));
    return r2 * q;
}

/* exp(x) - 1 = 2^k (exp(r) - 1 + 1 - 2^-k). Max 1.32 ulp. */
static inline float nnc_expm1f(float x) {
    float sum;
    const float r = nnc_exp_reducef(nnc_at_mostf(nnc_at_leastf(x, -20.0f), 89.0f), &sum);
    const uint32_t n = nnc_bitsf(sum) - (0x4B400000U - 254U);
    const float tail = nnc_expm1_tailf(r);
    const uint32_t inverse = (n > 380U) ? 0U : ((381U - n) << 23);
    const float missing = 1.0f - nnc_from_bitsf(inverse);
#ifdef NNC_FUSED
    const float rest = (n == 254U) ? 0.0f : missing;
    const float y = (r + rest) + tail;
#else
    const float y = (r + missing) + tail;
#endif
    const uint32_t half = n >> 1;
    return nnc_with_signf((y * nnc_from_bitsf(half << 23)) * nnc_from_bitsf((n - half) << 23), x);
}

/* log(1 + f) + k ln 2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1 and an integer k: [S] f - f^2/2 + f^3 P(f), degree 10, relative
   error below 2^-26.7. */
static inline float nnc_log_finishf(float f, float k) {
    const float f2 = f * f;
    const float f4 = f2 * f2;
    const float p3 = 0x1.55552ep-2f + (f * -0x1.000216p-2f);
    const float p5 = 0x1.99b034p-3f + (f * -0x1.548186p-3f);
    const float p7 = 0x1.21cd2cp-3f + (f * -0x1.0c0eb4p-3f);
    const float p9 = 0x1.0ae6ep-3f + (f * -0x1.4c628cp-4f);
    const float p = (p3 + (f2 * p5)) + (f4 * (p7 + (f2 * p9)));
    const float tail = (f2 * (f * p)) + (k * 0x1.7f7d1cp-20f);
    return (k * 0x1.62e4p-1f) + (f - ((0.5f * f2) - tail));
}

/* log(x): x = 2^k m with m next to 1, from the bits (Tang 1990, without the table). Max 0.91 ulp. */
static inline float nnc_logf(float x) {
    const int tiny = x < 0x1p-126f;
    const float scaled = x * 0x1p23f;
    const float normal = tiny ? scaled : x;
    const uint32_t bits = nnc_bitsf(normal) + (0x3F800000U - 0x3F3504F3U);
    const float m = nnc_from_bitsf((bits & 0x007FFFFFU) + 0x3F3504F3U); /* sqrt(1/2) <= m < sqrt(2) */
    const uint32_t bias = tiny ? 150U : 127U;
    const int32_t k = (int32_t)((bits >> 23) - bias);
    const float y = nnc_log_finishf(m - 1.0f, (float)k);
    const float negative = (x < 0.0f) ? nnc_nanf() : -nnc_infinityf();
    const float finite = (x > 0.0f) ? y : negative;
    return (x <= 0x1.fffffep127f) ? finite : x;
}

/* ---- Activations */

/* 1 / (1 + exp(-x)), from z = exp(-|x|) on both sides; z - z^2 / (1 + z) loses less than z / (1 + z) where z is small. Max
   1.87 ulp. */
static inline float nnc_sigmoidf(float x) {
#ifdef NNC_FAST
    /* (2 - t) / (2 - t + 2^k (2 + t)), t = 2 tanh(r / 2), because exp(r) is (2 + t) / (2 - t): [S] odd, degree 5, relative error below
       2^-24.2. A shorter chain, and two more roundings: max 2.56 ulp. At the limits 2^k is 0 or infinite, and the quotient 1 or 0. */
    float sum;
    const float r = nnc_exp_reducef(-nnc_at_mostf(nnc_at_leastf(x, -89.0f), 88.0f), &sum);
    const float r2 = r * r;
    const float t = r + ((r * r2) * (-0x1.554fecp-4f + (r2 * 0x1.0c80a8p-7f)));
    const float below = 2.0f - t;
    return below / (below + ((2.0f + t) * nnc_powerf(sum)));
#else
    const float z = nnc_exp_minusf(x);
    const float above = (x < 0.0f) ? z : 1.0f;
    const float q = above / (1.0f + z);
    const float small = z - (z * q);
    const float negative = (z < 0.5f) ? small : q;
    return (x < 0.0f) ? negative : q;
#endif
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + z), z = exp(-|x|): log of (1 + z) / 2 where that is nearer to 1. Max 1.70 ulp. */
static inline float nnc_softplusf(float x) {
    const float z = nnc_exp_minusf(x);
    const float halved = (z - 1.0f) * 0.5f;
    const int upper = z > 0x1.a82798p-2f;
    const float f = upper ? halved : z;
    const float k = upper ? 1.0f : 0.0f;
    return nnc_at_leastf(x, 0.0f) + nnc_log_finishf(f, k);
}

/* tanh(x): up to 0.625 [S] odd, degree 11, relative error below 2^-27.8; above, 1 - 2 / (exp(2|x|) + 1) (Cody and Waite).
   Max 1.34 ulp. */
static inline float nnc_tanhf(float x) {
#ifdef NNC_FAST
    /* (s - 1 + t (s + 1)) / (s + 1 + t (s - 1)), where x = k ln 2 / 2 + r, s = 2^k and t = tanh(r): the sum of two arguments, the first
       of which has tanh (s - 1) / (s + 1). [S] odd, degree 5, relative error below 2^-24.2. One path for all; max 2.54 ulp. */
    const float inside = nnc_at_mostf(nnc_at_leastf(x, -10.0f), 10.0f);
#ifdef NNC_FUSED
    const float sum = __builtin_fmaf(inside, 0x1.715476p1f, 0x1.8p23f);
    const float k = sum - 0x1.8p23f;
    const float r = __builtin_fmaf(k, -0x1.62e43p-2f, inside); /* k is at most 29: one part of ln 2 is enough */
#else
    const float sum = (inside * 0x1.715476p1f) + 0x1.8p23f;
    const float k = sum - 0x1.8p23f;
    const float r = (inside - (k * 0x1.62e4p-2f)) - (k * 0x1.7f7d1cp-21f);
#endif
    const float r2 = r * r;
    const float t = r + ((r * r2) * (-0x1.554fecp-2f + (r2 * 0x1.0c8076p-3f)));
    const float scale = nnc_powerf(sum);
    return ((scale - 1.0f) + (t * (scale + 1.0f))) / ((scale + 1.0f) + (t * (scale - 1.0f)));
#else
    float sum;
    const float a = nnc_absf(x);
    const float z = a * a;
    const float z2 = z * z;
    const float p3 = -0x1.555532p-2f + (z * 0x1.1106fcp-3f);
    const float p7 = -0x1.b836e8p-5f + (z * 0x1.52034ep-6f);
    const float p = p3 + (z2 * (p7 + (z2 * -0x1.75438ap-8f)));
    const float small = a + (a * (z * p));
    const float r = nnc_exp_reducef(nnc_at_mostf(a, 10.0f) * 2.0f, &sum); /* above, it is 1 */
    const float large = 1.0f - (2.0f / (nnc_scale_normalf(nnc_exp_of_restf(r), sum) + 1.0f));
    const float y = (a < 0.625f) ? small : large;
    return nnc_with_signf(y, x);
#endif
}

/* sinh(x): up to 1 [S] odd, degree 9, relative error below 2^-31.4; above, h - 1 / (4 h), h = exp(|x|) / 2. Max 1.63 ulp. */
static inline float nnc_sinhf(float x) {
    const float a = nnc_absf(x);
    const float z = a * a;
    const float p = 0x1.1110eap-7f + (z * (0x1.a01c22p-13f + (z * 0x1.76771ep-19f)));
    const float small = a + (a * (z * (0x1.555556p-3f + (z * p))));
    const float h = nnc_exp_halff(x);
    const float large = h - (0.25f / h);
    const float y = (a < 1.0f) ? small : large;
    return nnc_with_signf(y, x);
}

/* cosh(x) = h + 1 / (4 h), h = exp(|x|) / 2. Max 1.44 ulp. */
static inline float nnc_coshf(float x) {
    const float h = nnc_exp_halff(x);
    return h + (0.25f / h);
}

/* erf(x): up to 0.9 [S] odd, degree 13, relative error below 2^-30.2; above, 1 - exp(L), where L approximates log erfc on
   [0.9, 3.95]: [S] degree 7, relative error below 2^-24.1. Max 1.60 ulp. */
static inline float nnc_erff(float x) {
    float sum;
    const float a = nnc_absf(x);
    const float z = a * a;
    const float p9 = 0x1.54bb3ap-8f + (z * (-0x1.a9e392p-11f + (z * 0x1.5bd58cp-14f)));
    const float p = -0x1.812742p-2f + (z * (0x1.ce2decp-4f + (z * (-0x1.b80cdap-6f + (z * p9)))));
    const float small = a + (a * (0x1.06eba8p-3f + (z * p)));
    const float c = nnc_at_mostf(a, 3.95f);
    const float l4 = 0x1.84467ap-6f + (c * (-0x1.e7adaap-9f + (c * (0x1.772a22p-12f + (c * -0x1.07059ep-16f)))));
    const float l = -0x1.20c1c2p0f + (c * (-0x1.45ae52p-1f + (c * (-0x1.b0e01ep-4f + (c * l4)))));
    const float r = nnc_exp_reducef(-0x1.8fe6fcp-13f + (c * l), &sum);
    const float large = 1.0f - nnc_scale_normalf(nnc_exp_of_restf(r), sum);
    const float y = (a < 0.9f) ? small : large;
    return nnc_with_signf(y, x);
}

/* ==== Scalars */

/* ---- Circular functions */

/* |x| for |x| >= 402, modulo pi/2, by integers (after Payne and Hanek): the 24 bits of x times those 96 bits of 2/pi that matter
   give quadrant and fraction; the nearest that a float comes to a multiple of pi/2 leaves more than 30 bits right. */
NNC_AS_WRITTEN static inline float nnc_reduce_largef(float a, uint32_t *quadrant, float *low) {
    static const uint32_t two_over_pi[8] = {0x00000000U, 0xA2F9836EU, 0x4E441529U, 0xFC2757D1U,
                                            0xF534DDC0U, 0xDB629599U, 0x3C439041U, 0xFE5163ABU};
    const uint32_t bits = nnc_bitsf(a);
    const uint32_t m = (bits & 0x007FFFFFU) | 0x00800000U;
    const uint32_t start = (bits >> 23) - 120U; /* a = m 2^(e - 150): the first bit of 2/pi needed, one word of zeros before it */
    const uint32_t at = start >> 5;
    const uint32_t by = start & 31U;
    const uint64_t first = ((uint64_t)two_over_pi[at] << 32) | two_over_pi[at + 1U];
    const uint64_t second = ((uint64_t)two_over_pi[at + 1U] << 32) | two_over_pi[at + 2U];
    const uint64_t third = ((uint64_t)two_over_pi[at + 2U] << 32) | two_over_pi[at + 3U];
    const uint32_t w0 = (uint32_t)((first << by) >> 32);
    const uint32_t w1 = (uint32_t)((second << by) >> 32);
    const uint32_t w2 = (uint32_t)((third << by) >> 32);
    const uint64_t turns = ((uint64_t)(m * w0) << 32) + ((uint64_t)m * w1) + (((uint64_t)m * w2) >> 32); /* in pi/2 * 2^-62 */
    const uint32_t nearest = (uint32_t)((turns + ((uint64_t)1U << 61)) >> 62);
    const uint64_t rest = turns - ((uint64_t)nearest << 62);
    const uint32_t negative = (uint32_t)(rest >> 63);
    uint64_t size = (negative != 0U) ? ((uint64_t)0U - rest) : rest;
    uint32_t exponent = 127U + 1U; /* of size as a fraction of pi/2, times 2^63 / 2^62 */
    uint32_t upper;
    uint32_t lower;
    uint64_t radians;
    float hi;
    float lo;
    float scale;
    while ((size >> 63) == 0U) {
        size <<= 1;
        exponent -= 1U;
    }
    upper = (uint32_t)(size >> 32);
    lower = (uint32_t)size;
    radians = ((uint64_t)upper * 0xC90FDAA2U) + (((uint64_t)lower * 0xC90FDAA2U) >> 32) + (((uint64_t)upper * 0x2168C234U) >> 32);
    scale = nnc_from_bitsf((exponent << 23) | (negative << 31));
    hi = (float)(uint32_t)(radians >> 40) * (scale * 0x1p-22f);
    lo = (float)((uint32_t)(radians >> 16) & 0x00FFFFFFU) * (scale * 0x1p-46f);
    *quadrant = nearest;
    *low = lo - ((hi + lo) - hi);
    return hi + lo;
}

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

static inline int nnc_is_largef(float a) { return !(a < 402.0f); } /* or NaN */

/* The same of other a: Cody and Waite with pi/2 in three parts; the products with the first two are exact. */
static inline float nnc_reduce_smallf(float a, uint32_t *quadrant, float *low) {
#ifdef NNC_FUSED
    const float shifted = __builtin_fmaf(a, 0x1.45f306p-1f, 0x1.8p23f);
    const float n = shifted - 0x1.8p23f;
    const float b = __builtin_fmaf(n, -0x1.922p0f, a);
    const float c = __builtin_fmaf(n, 0x1.2aeep-18f, b);
    *quadrant = nnc_bitsf(shifted) & 3U;
    *low = 0.0f;
    return __builtin_fmaf(n, 0x1.e973dcp-35f, c);
#else
    const float shifted = (a * 0x1.45f306p-1f) + 0x1.8p23f;
    const float n = shifted - 0x1.8p23f;
    const float b = a - (n * 0x1.922p0f);
    const float c = n * -0x1.2aeep-18f;
    const float hi = b - c;
    const float lo = ((b - hi) - c) - (n * -0x1.e973dcp-35f);
    const float result = hi + lo;
    *quadrant = nnc_bitsf(shifted) & 3U;
    *low = (hi - result) + lo;
    return result;
#endif
}

/* sin(r + low), |r| <= pi/4: [S] odd, degree 7, relative error below 2^-28. */
static inline float nnc_sin_finishf(float r, float low) {
    const float z = r * r;
    const float p = -0x1.555546p-3f + (z * (0x1.110778p-7f + (z * -0x1.9953fep-13f)));
    return r + ((r * (z * p)) + (low - (0.5f * z * low)));
}

/* cos(r + low), |r| <= pi/4: [S] even, degree 8, relative error below 2^-33. */
static inline float nnc_cos_finishf(float r, float low) {
    const float z = r * r;
    const float p = 0x1.55554ap-5f + (z * (-0x1.6c0c2ap-10f + (z * 0x1.99e91p-16f)));
    return 1.0f - ((0.5f * z) - ((z * (z * p)) - (r * low)));
}

/* sin(x) and cos(x) of what is known of |x|: its quadrant, and where it stands in it. */
static inline float nnc_sin_atf(float x, uint32_t quadrant, float r, float low) {
    const float y = ((quadrant & 1U) != 0U) ? nnc_cos_finishf(r, low) : nnc_sin_finishf(r, low);
    return nnc_from_bitsf(nnc_bitsf(y) ^ ((quadrant & 2U) << 30) ^ (nnc_bitsf(x) & 0x80000000U));
}
static inline float nnc_cos_atf(uint32_t quadrant, float r, float low) {
    const float y = ((quadrant & 1U) != 0U) ? nnc_sin_finishf(r, low) : nnc_cos_finishf(r, low);
    return nnc_from_bitsf(nnc_bitsf(y) ^ (((quadrant + 1U) & 2U) << 30));
}

/* ==== Scalars */

/* |x| = n pi/2 + result + *low, |result| <= pi/4; *quadrant is n modulo 4. */
static inline float nnc_reducef(float x, uint32_t *quadrant, float *low) {
    const float a = nnc_absf(x);
    float result;
    if (!nnc_is_largef(a)) {
        result = nnc_reduce_smallf(a, quadrant, low);
    } else if (a <= 0x1.fffffep127f) {
        result = nnc_reduce_largef(a, quadrant, low);
    } else {
        result = a - a; /* NaN */
        *quadrant = 0U;
        *low = 0.0f;
    }
    return result;
}

/* sin(x). Max 1.03 ulp. */
static inline float nnc_sinf(float x) {
    uint32_t quadrant;
    float low;
    const float r = nnc_reducef(x, &quadrant, &low);
    return nnc_sin_atf(x, quadrant, r, low);
}

/* cos(x). Max 1.03 ulp. */
static inline float nnc_cosf(float x) {
    uint32_t quadrant;
    float low;
    const float r = nnc_reducef(x, &quadrant, &low);
    return nnc_cos_atf(quadrant, r, low);
}

/* tan(x): [S] odd, degree 15, relative error below 2^-29.6; in odd quadrants -1 / tan, with the error of the quotient corrected
   (fdlibm). Max 1.43 ulp. */
NNC_AS_WRITTEN static inline float nnc_tanf(float x) {
    uint32_t quadrant;
    float low;
    const float r = nnc_reducef(x, &quadrant, &low);
    const float z = r * r;
    const float p9 = 0x1.5cc664p-6f + (z * (0x1.62ad1cp-7f + (z * (0x1.af6e06p-14f + (z * 0x1.1e6b6p-8f)))));
    const float p = 0x1.55556p-2f + (z * (0x1.110dap-3f + (z * (0x1.bad946p-5f + (z * p9)))));
    const float tail = (r * (z * p)) + (low + (z * low));
    float y = r + tail;
    if ((quadrant & 1U) != 0U) {
        const float upper = nnc_upperf(y);
        const float lower = tail - (upper - r);
        const float quotient = -1.0f / y;
        const float t = nnc_upperf(quotient);
        y = t + (quotient * ((1.0f + (t * upper)) + (t * lower)));
    }
    return nnc_from_bitsf(nnc_bitsf(y) ^ (nnc_bitsf(x) & 0x80000000U));
}

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* atan(x) = atan(c) + atan((x - c) / (1 + c x)) with c = 0, 1/2, 1, 3/2, infinity (fdlibm's break points), then [S] odd,
   degree 11, relative error below 2^-29.6 on [0, 7/16]. Max 0.85 ulp. */
static inline float nnc_atanf(float x) {
    const float a = nnc_absf(x);
    const int c0 = a < 0.4375f;
    const int c1 = a < 0.6875f;
    const int c2 = a < 1.1875f;
    const int c3 = a < 2.4375f;
    const float above3 = c3 ? (a - 1.5f) : -1.0f;
    const float above2 = c2 ? (a - 1.0f) : above3;
    const float above1 = c1 ? ((2.0f * a) - 1.0f) : above2;
    const float below3 = c3 ? (1.0f + (1.5f * a)) : a;
    const float below2 = c2 ? (a + 1.0f) : below3;
    const float below1 = c1 ? (2.0f + a) : below2;
    const float above0 = c0 ? a : above1;
    const float below0 = c0 ? 1.0f : below1;
    const float t = above0 / below0;
    const float hi3 = c3 ? 0x1.f730bep-1f : 0x1.921fb6p0f;
    const float hi2 = c2 ? 0x1.921fb6p-1f : hi3;
    const float hi1 = c1 ? 0x1.dac67p-2f : hi2;
    const float lo3 = c3 ? -0x1.afc12cp-26f : -0x1.777a5cp-25f;
    const float lo2 = c2 ? -0x1.777a5cp-26f : lo3;
    const float lo1 = c1 ? 0x1.586ed4p-28f : lo2;
    const float hi0 = c0 ? 0.0f : hi1;
    const float lo0 = c0 ? 0.0f : lo1;
    const float z = t * t;
    const float p7 = -0x1.236f0ep-3f + (z * (0x1.add5dp-4f + (z * -0x1.dd365ap-5f)));
    const float s = t * (z * (-0x1.555542p-2f + (z * (0x1.998df8p-3f + (z * p7)))));
    return nnc_with_signf(hi0 + (t + (s + lo0)), x);
}

/* ---- Power */

/* x^y = exp(y log|x|) with the logarithm in two parts (Dekker 1971): x = 2^k m, c = 1 or 3/2 near m, s = (m - c) / (m + c) and
   log(m / c) = 2 s (1 + s^2/3 + s^4 R(s^2)), R [S], relative error below 2^-44. Special cases as in C99, F.9.4.4: x^0 = 1 and
   1^y = 1 even for NaN; a negative number to a power that is not an integer is NaN. Max 1.15 ulp (20 million random pairs). */
NNC_AS_WRITTEN static inline float nnc_powf(float x, float y) {
    float exponent_sum;
    const float a = nnc_absf(x);
    const float b = nnc_absf(y);
    /* the sign of the result */
    const float small = (b < 16777216.0f) ? b : 0.0f;
    const uint32_t whole = (uint32_t)(int32_t)small;
    const int32_t truncated = (int32_t)(whole);
    const int broken = (float)truncated < small;
    const uint32_t sign = (broken || ((whole & 1U) == 0U)) ? 0U : (nnc_bitsf(x) & 0x80000000U);
    /* a = 2^k m, 0.866 <= m < 1.733 */
    const int tiny = a < 0x1p-126f;
    const float scaled = a * 0x1p24f;
    const float normal = tiny ? scaled : a;
    const uint32_t bits = nnc_bitsf(normal);
    const uint32_t fraction = bits & 0x007FFFFFU;
    const int middle = (fraction >= 0x001CC471U) && (fraction < 0x005DB3D7U); /* sqrt(3/2) and sqrt(3) */
    const uint32_t next = (fraction >= 0x005DB3D7U) ? 1U : 0U;
    const float m = nnc_from_bitsf(fraction | ((127U - next) << 23));
    const uint32_t bias = tiny ? 151U : 127U;
    const int32_t exponent = (int32_t)((bits >> 23) + next - bias);
    const float k = (float)exponent;
    const float c = middle ? 1.5f : 1.0f;
    /* s + s_low */
    const float above = m - c;
    const float below = m + c;
    const float below_low = m - (below - c);
    const float s = above / below;
    const float sb = s * below;
    const float s_low = (((above - sb) - nnc_product_errorf(s, below, sb)) - (s * below_low)) / below;
    /* w + w_low = z/3 + z^2 R, z + z_low = s^2 */
    const float z = s * s;
    const float z_low = nnc_product_errorf(s, s, z) + (2.0f * (s * s_low));
    const float third = z * 0x1.555556p-2f;
    const float third_low = (nnc_product_errorf(z, 0x1.555556p-2f, third) + (z * -0x1.555556p-27f)) + (z_low * 0x1.555556p-2f);
    const float r = 0x1.99999ep-3f + (z * (0x1.248a94p-3f + (z * 0x1.cf8b2ep-4f)));
    const float w_tail = third_low + ((z * z) * r);
    const float w = third + w_tail;
    const float w_low = (third - w) + w_tail;
    /* half + half_low = log(m / c) / 2 = s + s w */
    const float sw = s * w;
    const float sw_low = (nnc_product_errorf(s, w, sw) + (s * w_low)) + (s_low * w);
    const float half = s + sw;
    const float half_low = ((s - half) + sw) + (s_low + sw_low);
    /* l + l_low = log(a) */
    const float log_c = middle ? 0x1.9f34p-2f : 0.0f;
    const float log_c_low = middle ? -0x1.c13406p-18f : 0.0f;
    const float base = (k * 0x1.62e4p-1f) + log_c;
    const float base_low = (k * 0x1.7f7d1cp-20f) + log_c_low;
    const float sum = base + (2.0f * half);
    const float sum_low = ((base - sum) + (2.0f * half)) + ((2.0f * half_low) + base_low);
    const float l = sum + sum_low;
    const float l_low = (sum - l) + sum_low;
    /* y log(a), kept where exp is neither 0 nor infinity for certain */
    const float y2 = nnc_at_leastf(nnc_at_mostf(y, 0x1p33f), -0x1p33f);
    const float p = y2 * l;
    const float p_low = nnc_product_errorf(y2, l, p) + (y2 * l_low);
    const int inside = (p > -104.0f) && (p < 89.0f);
    const float p2 = nnc_at_mostf(nnc_at_leastf(p, -104.0f), 89.0f);
    const float p2_low = inside ? p_low : 0.0f;
    const float rest = nnc_exp_reducef(p2, &exponent_sum) + p2_low;
    const float power = nnc_scalef(nnc_exp_of_restf(rest), exponent_sum);
    /* special cases */
    const uint32_t magnitude = nnc_bitsf(a);
    const float at_zero = (y < 0.0f) ? nnc_infinityf() : 0.0f;
    const float at_infinity = (y < 0.0f) ? 0.0f : nnc_infinityf();
    const float ends = (magnitude == 0U) ? at_zero : at_infinity;
    const float size = ((magnitude == 0U) || (magnitude == 0x7F800000U)) ? ends : power;
    const float signed_size = nnc_from_bitsf(nnc_bitsf(size) | sign);
    const int undefined = (x < 0.0f) && broken && (magnitude != 0x7F800000U);
    const float proper = undefined ? nnc_nanf() : signed_size;
    const int nan = !(a <= nnc_infinityf()) || !(b <= nnc_infinityf());
    const float known = nan ? (x + y) : proper;
    const int one = (nnc_bitsf(x) == 0x3F800000U) || (nnc_bitsf(b) == 0U);
    return one ? 1.0f : known;
}

/* ==== Scalars */

#endif
