/* The elementary functions in double, for models that say `precision = double`: the same bits from every compiler and on every
   machine with IEEE arithmetic. Everything that functions.h says of float holds here of binary64: the same methods, sources
   and special cases, below 2 ulp for every argument. A machine whose double is not binary64 (AVR) cannot compile this file.
   Arm cores with Thumb-2 and without double arithmetic (Cortex-M3, M4) differ in rare last bits: subtraction in libgcc (12.2)
   is not IEEE's there where the exponents are 32 or more apart, as in 1 - 0x1.3356768d49f23p-33. Cortex-M0 and M7 and RISC-V,
   soft and hard, agree.

   One file above 500 lines, as functions.h and for its reason.

   "Max" is the greatest error found by tests/functions/random_double.c against MPFR: a million arguments a function over all
   exponents and where the function is neither constant nor the identity. [S] are coefficients from Sollya 8.0, fpminimax on
   the relative error (tests/functions/coefficients.sollya). */
#ifndef NNC_FUNCTIONS_DOUBLE_H
#define NNC_FUNCTIONS_DOUBLE_H

#include <stdint.h>

#ifdef __FAST_MATH__
#error "functions_double.h needs arithmetic as written: compile without -ffast-math"
#endif

/* Fast arithmetic: as in functions.h. */
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

typedef char nnc_double_is_binary64[(sizeof(double) == 8U) ? 1 : -1];

/* ---- Bits */

static inline uint64_t nnc_bits(double x) {
    union {
        double number;
        uint64_t bits;
    } u;
    u.number = x;
    return u.bits;
}

static inline double nnc_from_bits(uint64_t bits) {
    union {
        uint64_t bits;
        double number;
    } u;
    u.bits = bits;
    return u.number;
}

static inline double nnc_infinity(void) { return nnc_from_bits(UINT64_C(0x7FF0000000000000)); }
static inline double nnc_nan(void) { return nnc_from_bits(UINT64_C(0x7FF8000000000000)); }

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* |x|: exact. */
static inline double nnc_abs(double x) { return nnc_from_bits(nnc_bits(x) & UINT64_C(0x7FFFFFFFFFFFFFFF)); }

/* |x| with the sign of y: exact. */
static inline double nnc_with_sign(double x, double y) {
    return nnc_from_bits((nnc_bits(x) & UINT64_C(0x7FFFFFFFFFFFFFFF)) | (nnc_bits(y) & UINT64_C(0x8000000000000000)));
}

/* x rounded towards 0 to 26 bits, so that products of two such numbers are exact. */
static inline double nnc_upper(double x) { return nnc_from_bits(nnc_bits(x) & UINT64_C(0xFFFFFFFFF8000000)); }

/* a * b - product, where product = a * b rounded: within 2^-106 |a * b| unless it underflows (Dekker 1971, the split by bits). */
static inline double nnc_product_error(double a, double b, double product) {
#ifdef NNC_FUSED
    return __builtin_fma(a, b, -product);
#else
    const double ah = nnc_upper(a);
    const double al = a - ah;
    const double bh = nnc_upper(b);
    const double bl = b - bh;
    return (((ah * bh - product) + ah * bl) + al * bh) + al * bl;
#endif
}

/* ==== Scalars */

/* The upper half of the 128 bits of a * b; the lower half is a * b in C. */
static inline uint64_t nnc_upper_product(uint64_t a, uint64_t b) {
    const uint64_t mask = UINT64_C(0xFFFFFFFF);
    const uint64_t low = (a & mask) * (b & mask);
    const uint64_t cross = ((a >> 32) * (b & mask)) + (low >> 32);
    const uint64_t other = ((a & mask) * (b >> 32)) + (cross & mask);
    return ((a >> 32) * (b >> 32)) + (cross >> 32) + (other >> 32);
}

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* ---- Steps */

/* The sign: 1, 0 or -1; 0 for NaN. */
static inline double nnc_sign(double x) {
    const double above = (x > 0.0) ? 1.0 : 0.0;
    return (x < 0.0) ? -1.0 : above;
}

/* The greatest integer <= x: exact. Adding and subtracting 2^52 rounds |x| to an integer. */
static inline double nnc_floor(double x) {
    const double a = nnc_abs(x);
#ifdef NNC_FUSED
    const double rounded = nnc_with_sign((__builtin_fma(a, 0.5, 0x1p51) - 0x1p51) * 2.0, x);
#else
    const double rounded = nnc_with_sign((a + 0x1p52) - 0x1p52, x);
#endif
    const double below = rounded - 1.0;
    const double whole = (rounded > x) ? below : rounded;
    return (a < 0x1p52) ? whole : x;
}

/* a - b * floor(a / b), each operation rounded; not C's fmod (nor modf). The result has the sign of b. */
static inline double nnc_mod(double a, double b) { return a - (b * nnc_floor(a / b)); }

/* ==== Scalars */

/* ---- Choices */

/* The larger, the smaller; the first of two equals; NaN if one of them is. */
static inline double nnc_max(double a, double b) { return (a >= b) ? a : ((b > a) ? b : (a + b)); }
static inline double nnc_min(double a, double b) { return (a <= b) ? a : ((b < a) ? b : (a + b)); }

/* a where the condition holds, else b: by their bits. (A loop of ?: is wrongly vectorised by gcc 12 where several share a condition.) */
static inline double nnc_choose(int condition, double a, double b) {
    const uint64_t mask = UINT64_C(0) - (uint64_t)(condition != 0);
    return nnc_from_bits((nnc_bits(a) & mask) | (nnc_bits(b) & ~mask));
}

/* ---- Square root */

/* sqrt(x), correctly rounded: as in functions.h, with three steps towards 1 / sqrt and the remainder modulo 2^64. */
static inline double nnc_sqrt(double x) {
#if defined(__GNUC__) && defined(__ARM_FP) && ((__ARM_FP & 8) != 0) && defined(__ARM_ARCH_PROFILE) && (__ARM_ARCH_PROFILE == 'M')
    double root;
    __asm__("vsqrt.f64 %P0, %P1" : "=w"(root) : "w"(x));
    return root;
#elif defined(__GNUC__) && defined(__riscv_flen) && (__riscv_flen >= 64) && defined(__riscv_fdiv)
    double root;
    __asm__("fsqrt.d %0, %1" : "=f"(root) : "f"(x));
    return root;
#else
    const int tiny = x < 0x1p-1022;
    const double scaled = x * 0x1p54;
    const double normal = tiny ? scaled : x;
    const uint64_t bits = nnc_bits(normal);
    const uint64_t even = (bits >> 52) & 1U; /* an even exponent; the bias is odd */
    const uint64_t fraction = bits & UINT64_C(0x000FFFFFFFFFFFFF);
    const double m = nnc_from_bits(fraction | ((1024U - even) << 52)); /* 1 <= m < 4 */
    const double half = 0.5 * m;
    const double y0 = nnc_from_bits(UINT64_C(0x5FE6EB50C7B537A9) - (nnc_bits(m) >> 1));
    const double y1 = y0 * (1.5 - ((half * y0) * y0));
    const double y2 = y1 * (1.5 - ((half * y1) * y1));
    const double y3 = y2 * (1.5 - ((half * y2) * y2));
    const double s0 = m * y3;
#ifdef NNC_FUSED
    const double s1 = s0 + (__builtin_fma(-s0, s0, m) * (0.5 * y3));
#else
    const double s1 = s0 + ((m - (s0 * s0)) * (0.5 * y3));
#endif
    const uint64_t s = (uint64_t)(int64_t)(s1 * 0x1p52);
    const uint64_t n = (fraction | UINT64_C(0x0010000000000000)) << (53U - even);
    const uint64_t remainder = (n - (s * s)) + UINT64_C(0x1000000000000000);
    const uint64_t up = (remainder > (UINT64_C(0x1000000000000000) + s)) ? 1U : 0U;
    const uint64_t down = (remainder <= (UINT64_C(0x1000000000000000) - s)) ? 1U : 0U;
    const uint64_t exponent = ((bits >> 52) + 1023U) >> 1;
    const uint64_t result = (((exponent - (tiny ? 28U : 1U)) << 52) + s + up) - down;
    const double root = nnc_from_bits(result);
    const double other = (x < 0.0) ? nnc_from_bits(UINT64_C(0x7FF8000000000000)) : x; /* negative; zero, infinite, NaN */
    const double positive = (x > 0.0) ? root : other;
    return (x > 0x1.fffffffffffffp1023) ? x : positive;
#endif
}

/* ---- Exponential and logarithm */

/* Limits: what is no number stays what it is. */
static inline double nnc_at_least(double x, double low) { return (x < low) ? low : x; }
static inline double nnc_at_most(double x, double high) { return (x > high) ? high : x; }

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* r in [-ln 2 / 2, ln 2 / 2] and *sum = k + 1.5 * 2^52 with x = k ln 2 + r, for -746 <= x <= 711; beyond, neither means anything. */
static inline double nnc_exp_reduce(double x, double *sum) {
#ifdef NNC_FUSED
    const double shifted = __builtin_fma(x, 0x1.71547652b82fep0, 0x1.8p52);
    const double k = shifted - 0x1.8p52;
    *sum = shifted;
    return __builtin_fma(k, -0x1.ef35793c7673p-45, __builtin_fma(k, -0x1.62e42fefa38p-1, x));
#else
    const double shifted = (x * 0x1.71547652b82fep0) + 0x1.8p52;
    const double k = shifted - 0x1.8p52;
    *sum = shifted;
    return (x - (k * 0x1.62e42fefa38p-1)) - (k * 0x1.ef35793c7673p-45);
#endif
}

/* exp(r): [S] degree 11, relative error below 2^-57.9; Estrin's order. */
static inline double nnc_exp_of_rest(double r) {
    const double r2 = r * r;
    const double r4 = r2 * r2;
    const double p2 = 0x1.000000000000ap-1 + (r * 0x1.55555555554fep-3);
    const double p4 = 0x1.55555555506acp-5 + (r * 0x1.1111111126b2ep-7);
    const double p6 = 0x1.6c16c1847c94ap-10 + (r * 0x1.a01a012ffa32bp-13);
    const double p8 = 0x1.a019994c1311ep-16 + (r * 0x1.71df18b9a1062p-19);
    const double p10 = 0x1.28ae10fca39b6p-22 + (r * 0x1.ad937209d2824p-26);
    const double q = (p2 + (r2 * p4)) + (r4 * ((p6 + (r2 * p8)) + (r4 * p10)));
    return 1.0 + (r + (r2 * q));
}

#ifndef NNC_SCALES /* where an instruction does what follows, to vectors: lanes.h.in */
/* y 2^k from k + 1.5 * 2^52: 2^k in two factors, so that the second one alone rounds. */
static inline double nnc_scale(double y, double sum) {
    const uint64_t n = nnc_bits(sum) - (UINT64_C(0x4338000000000000) - 2046U);
    const uint64_t half = n >> 1;
    return (y * nnc_from_bits(half << 52)) * nnc_from_bits((n - half) << 52);
}

/* 2^k, and y 2^k, where they are normal numbers for certain. */
static inline double nnc_power(double sum) {
    return nnc_from_bits((nnc_bits(sum) - (UINT64_C(0x4338000000000000) - 1023U)) << 52);
}
static inline double nnc_scale_normal(double y, double sum) { return y * nnc_power(sum); }
#endif

/* exp(x). Limits take fewer instructions than choices, but all else waits for them. Max 0.95 ulp. */
static inline double nnc_exp(double x) {
    double sum;
#ifdef NNC_VECTORS
    const double r = nnc_exp_reduce(nnc_at_most(nnc_at_least(x, -746.0), 710.0), &sum);
    return nnc_scale(nnc_exp_of_rest(r), sum);
#else
    const double r = nnc_exp_reduce(x, &sum);
    const double y = nnc_scale(nnc_exp_of_rest(r), sum);
    const double finite = (x > 710.0) ? nnc_infinity() : y;
    return (x < -746.0) ? 0.0 : finite;
#endif
}

/* exp(-|x|), for the functions below. */
static inline double nnc_exp_minus(double x) {
    double sum;
    const double a = -nnc_abs(x);
    const double r = nnc_exp_reduce(nnc_at_least(a, -746.0), &sum);
    return nnc_scale(nnc_exp_of_rest(r), sum);
}

/* exp(|x|) / 2, for the hyperbolic functions: overflows no earlier than they do. */
static inline double nnc_exp_half(double x) {
    double sum;
    const double a = nnc_abs(x);
    const double r = nnc_exp_reduce(nnc_at_most(a, 711.0), &sum);
    return nnc_scale(nnc_exp_of_rest(r), sum - 1.0);
}

/* exp(x) - 1 = 2^k (exp(r) - 1 + 1 - 2^-k): [S] exp(r) - 1 in degree 11, relative error below 2^-55.6. Max 1.66 ulp. */
static inline double nnc_expm1(double x) {
    double sum;
    const double r = nnc_exp_reduce(nnc_at_most(nnc_at_least(x, -40.0), 710.0), &sum);
    const uint64_t n = nnc_bits(sum) - (UINT64_C(0x4338000000000000) - 2046U);
    const double r2 = r * r;
    const double r4 = r2 * r2;
    const double p2 = 0x1.0000000000005p-1 + (r * 0x1.555555555553bp-3);
    const double p4 = 0x1.5555555552101p-5 + (r * 0x1.1111111118834p-7);
    const double p6 = 0x1.6c16c17f336cp-10 + (r * 0x1.a01a0177f3ca6p-13);
    const double p8 = 0x1.a019a6914c09ap-16 + (r * 0x1.71de80fa36f19p-19);
    const double p10 = 0x1.28a2a1b3c047fp-22 + (r * 0x1.ae77aa5a5b9e6p-26);
    const double q = (p2 + (r2 * p4)) + (r4 * ((p6 + (r2 * p8)) + (r4 * p10)));
    const uint64_t inverse = (n > 3068U) ? 0U : ((3069U - n) << 52);
    const double missing = 1.0 - nnc_from_bits(inverse);
#ifdef NNC_FUSED
    const double rest = (n == 2046U) ? 0.0 : missing;
    const double y = __builtin_fma(r2, q, r + rest);
#else
    const double y = (r + missing) + (r2 * q);
#endif
    const uint64_t half = n >> 1;
    return nnc_with_sign((y * nnc_from_bits(half << 52)) * nnc_from_bits((n - half) << 52), x);
}

/* log(1 + f) + k ln 2 for sqrt(1/2) - 1 <= f <= sqrt(2) - 1 and an integer k: 2 atanh(s), s = f / (2 + f), [S] odd in s,
   degree 15, relative error below 2^-59.5, arranged as f - (f^2/2 - s (f^2/2 + R)) (fdlibm). */
static inline double nnc_log_finish(double f, double k) {
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double w = z * z;
    const double odd =
        0x1.5555555555593p-1 + (w * (0x1.2492494224e8ap-2 + (w * (0x1.74664887e824p-3 + (w * 0x1.2f103aea15906p-3)))));
    const double even = 0x1.999999997fa39p-2 + (w * (0x1.c71c51dcf77aep-3 + (w * 0x1.39a0b4d917878p-3)));
    const double r = z * (odd + (z * even));
    const double half = 0.5 * (f * f);
    const double tail = (s * (half + r)) + (k * 0x1.ef35793c7673p-45);
    return (k * 0x1.62e42fefa38p-1) + (f - (half - tail));
}

/* log(x): x = 2^k m with m next to 1, from the bits. Max 0.80 ulp. */
static inline double nnc_log(double x) {
    const int tiny = x < 0x1p-1022;
    const double scaled = x * 0x1p52;
    const double normal = tiny ? scaled : x;
    const uint64_t bits = nnc_bits(normal) + (UINT64_C(0x3FF0000000000000) - UINT64_C(0x3FE6A09E667F3BCD));
    const double m =
        nnc_from_bits((bits & UINT64_C(0x000FFFFFFFFFFFFF)) + UINT64_C(0x3FE6A09E667F3BCD)); /* sqrt(1/2) <= m < sqrt(2) */
    const double bias = tiny ? 0x18000000000433p0 : 0x180000000003ffp0;
    const double k =
        nnc_from_bits((bits >> 52) | UINT64_C(0x4338000000000000)) - bias; /* the bits are those of an integer + 1.5 * 2^52 */
    const double y = nnc_log_finish(m - 1.0, k);
    const double negative = (x < 0.0) ? nnc_nan() : -nnc_infinity();
    const double finite = (x > 0.0) ? y : negative;
    return (x <= 0x1.fffffffffffffp1023) ? finite : x;
}

/* ---- Activations */

/* 1 / (1 + exp(-x)), from z = exp(-|x|) on both sides; z - z^2 / (1 + z) loses less than z / (1 + z) where z is small. Max
   1.68 ulp. */
static inline double nnc_sigmoid(double x) {
    const double z = nnc_exp_minus(x);
    const double above = (x < 0.0) ? z : 1.0;
    const double q = above / (1.0 + z);
    const double small = z - (z * q);
    const double negative = (z < 0.5) ? small : q;
    return (x < 0.0) ? negative : q;
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + z), z = exp(-|x|): log of (1 + z) / 2 where that is nearer to 1. Max 1.63 ulp. */
static inline double nnc_softplus(double x) {
    const double z = nnc_exp_minus(x);
    const double halved = (z - 1.0) * 0.5;
    const int upper = z > 0x1.a827999fcef32p-2;
    const double f = upper ? halved : z;
    const double k = upper ? 1.0 : 0.0;
    return nnc_at_least(x, 0.0) + nnc_log_finish(f, k);
}

/* tanh(x): up to 0.625 [S] odd, degree 25, relative error below 2^-61.2; above, 1 - 2 / (exp(2|x|) + 1). Max 1.32 ulp. */
static inline double nnc_tanh(double x) {
    double sum;
    const double a = nnc_abs(x);
    const double z = a * a;
    const double w = z * z;
    const double w2 = w * w;
    const double p3 = -0x1.5555555555552p-2 + (z * 0x1.1111111110c47p-3);
    const double p7 = -0x1.ba1ba1b9d0a45p-5 + (z * 0x1.664f487082986p-6);
    const double p11 = -0x1.226e32c67d409p-7 + (z * 0x1.d6d358ad7df71p-9);
    const double p15 = -0x1.7d9c1dc35643ap-10 + (z * 0x1.350ac76a04e4p-11);
    const double p19 = -0x1.f10a7e9aaaa15p-13 + (z * 0x1.7ffb1eab2da2fp-14);
    const double p23 = -0x1.fa3daf2e3e952p-16 + (z * 0x1.950debd145126p-18);
    const double p = (p3 + (w * p7)) + (w2 * ((p11 + (w * p15)) + (w2 * (p19 + (w * p23)))));
    const double small = a + (a * (z * p));
    const double r = nnc_exp_reduce(nnc_at_most(a, 20.0) * 2.0, &sum); /* above, it is 1 */
    const double large = 1.0 - (2.0 / (nnc_scale_normal(nnc_exp_of_rest(r), sum) + 1.0));
    const double y = (a < 0.625) ? small : large;
    return nnc_with_sign(y, x);
}

/* sinh(x): up to 1 [S] odd, degree 15, relative error below 2^-61.6; above, h - 1 / (4 h), h = exp(|x|) / 2. Max 1.60 ulp. */
static inline double nnc_sinh(double x) {
    const double a = nnc_abs(x);
    const double z = a * a;
    const double p9 =
        0x1.71de3a40565e2p-19 + (z * (0x1.ae646b4d5f193p-26 + (z * (0x1.6118df717749ap-33 + (z * 0x1.b52ebddfa9c4fp-41)))));
    const double p = 0x1.5555555555556p-3 + (z * (0x1.111111111104p-7 + (z * (0x1.a01a01a0318d8p-13 + (z * p9)))));
    const double small = a + (a * (z * p));
    const double h = nnc_exp_half(x);
    const double large = h - (0.25 / h);
    const double y = (a < 1.0) ? small : large;
    return nnc_with_sign(y, x);
}

/* cosh(x) = h + 1 / (4 h), h = exp(|x|) / 2. Max 1.41 ulp. */
static inline double nnc_cosh(double x) {
    const double h = nnc_exp_half(x);
    return h + (0.25 / h);
}

/* erf(x): up to 0.9 [S] odd, degree 23, relative error below 2^-56.1; above, 1 - exp(-x^2) Q(t), t = (x - 2) / (x + 2) (the
   substitution of Shepherd and Laframboise, Mathematics of Computation 36, 1981), [S] degree 15, relative error below 2^-51.7
   on [0.9, 6]. Max 1.39 ulp. */
static inline double nnc_erf(double x) {
    double sum;
    const double a = nnc_abs(x);
    const double z = a * a;
    const double p17 =
        0x1.b9a016460077p-20 + (z * (-0x1.5ce0577594023p-23 + (z * (0x1.dd8a5be3d0cdfp-27 + (z * -0x1.c0b578e1a5f2dp-31)))));
    const double p9 = 0x1.565bcd02c1b2fp-8 +
                      (z * (-0x1.c02db1e40bd8fp-11 + (z * (0x1.f9a2e7095533ap-14 + (z * (-0x1.f4cd4379d8236p-17 + (z * p17)))))));
    const double p = -0x1.812746b0379c5p-2 + (z * (0x1.ce2f21a0418d6p-4 + (z * (-0x1.b82ce312390b6p-6 + (z * p9)))));
    const double small = a + (a * (0x1.06eba8214db68p-3 + (z * p)));
    const double c = nnc_at_most(a, 6.0);
    const double t = (c - 2.0) / (c + 2.0);
    const double q10 =
        0x1.ce615cb75dd01p-16 +
        (t * (-0x1.d071a60f79a52p-16 +
              (t * (-0x1.d98feb4d4a859p-17 +
                    (t * (0x1.05d412685cd8ep-19 + (t * (0x1.066d84345596cp-18 + (t * -0x1.6e78b9e918b01p-24)))))))));
    const double q5 =
        0x1.ca95ed5e41d64p-8 +
        (t * (-0x1.bc259dba4a39bp-11 +
              (t * (-0x1.016b64a485d51p-10 + (t * (0x1.6d57023743956p-15 + (t * (0x1.6dae91b369182p-13 + (t * q10)))))))));
    const double q =
        0x1.058671b52c775p-2 +
        (t * (-0x1.b57034efd3f71p-2 +
              (t * (0x1.eeea7dc8a7ed4p-3 + (t * (-0x1.437f0b68c229ep-4 + (t * (0x1.e947158cf0349p-9 + (t * q5)))))))));
    const double r = nnc_exp_reduce(-(c * c), &sum);
    const double large = 1.0 - (nnc_scale_normal(nnc_exp_of_rest(r), sum) * q);
    const double y = (a < 0.9) ? small : large;
    return nnc_with_sign(y, x);
}

/* ==== Scalars */

/* ---- Circular functions */

/* |x| for |x| >= 2^20 pi/2, modulo pi/2, by integers (after Payne and Hanek): the 53 bits of x times those 192 bits of 2/pi
   that matter give quadrant and fraction; the nearest that a double comes to a multiple of pi/2 leaves 64 bits right. */
NNC_AS_WRITTEN static inline double nnc_reduce_large(double a, uint64_t *quadrant, double *low) {
    static const uint64_t two_over_pi[20] = {
        UINT64_C(0x0000000000000000), UINT64_C(0xA2F9836E4E441529), UINT64_C(0xFC2757D1F534DDC0), UINT64_C(0xDB6295993C439041),
        UINT64_C(0xFE5163ABDEBBC561), UINT64_C(0xB7246E3A424DD2E0), UINT64_C(0x06492EEA09D1921C), UINT64_C(0xFE1DEB1CB129A73E),
        UINT64_C(0xE88235F52EBB4484), UINT64_C(0xE99C7026B45F7E41), UINT64_C(0x3991D639835339F4), UINT64_C(0x9C845F8BBDF9283B),
        UINT64_C(0x1FF897FFDE05980F), UINT64_C(0xEF2F118B5A0A6D1F), UINT64_C(0x6D367ECF27CB09B7), UINT64_C(0x4F463F669E5FEA2D),
        UINT64_C(0x7527BAC7EBE5F17B), UINT64_C(0x3D0739F78A5292EA), UINT64_C(0x6BFB5FB11F8D5D08), UINT64_C(0x56033046FC7B6BAB)};
    const uint64_t bits = nnc_bits(a);
    const uint64_t m = (bits & UINT64_C(0x000FFFFFFFFFFFFF)) | UINT64_C(0x0010000000000000);
    const uint32_t start =
        (uint32_t)(bits >> 52) - 1013U; /* a = m 2^(e - 1075): the first bit of 2/pi needed, one word of zeros before it */
    const uint32_t at = start >> 6;
    const uint32_t by = start & 63U;
    const uint64_t w0 = (two_over_pi[at] << by) | ((two_over_pi[at + 1U] >> 1) >> (63U - by));
    const uint64_t w1 = (two_over_pi[at + 1U] << by) | ((two_over_pi[at + 2U] >> 1) >> (63U - by));
    const uint64_t w2 = (two_over_pi[at + 2U] << by) | ((two_over_pi[at + 3U] >> 1) >> (63U - by));
    const uint64_t carry = nnc_upper_product(m, w2);
    const uint64_t lower = (m * w1) + carry;
    const uint64_t upper = (m * w0) + nnc_upper_product(m, w1) + ((lower < carry) ? 1U : 0U); /* in pi/2 * 2^-62 */
    const uint64_t nearest = ((upper + (UINT64_C(1) << 61)) >> 62);
    const uint64_t rest = upper - (nearest << 62);
    const uint64_t negative = rest >> 63;
    uint64_t size = (negative != 0U) ? (~rest + ((lower == 0U) ? 1U : 0U)) : rest;
    uint64_t small = (negative != 0U) ? (0U - lower) : lower;
    uint64_t exponent = 1024U;
    uint64_t radians;
    double hi;
    double lo;
    double scale;
    while ((size >> 63) == 0U) {
        size = (size << 1) | (small >> 63);
        small <<= 1;
        exponent -= 1U;
    }
    radians = nnc_upper_product(size, UINT64_C(0xC90FDAA22168C234));
    scale = nnc_from_bits((exponent << 52) | (negative << 63));
    hi = (double)(radians >> 11) * (scale * 0x1p-51);
    lo = (double)(radians & 0x7FFU) * (scale * 0x1p-62);
    *quadrant = nearest;
    *low = lo - ((hi + lo) - hi);
    return hi + lo;
}

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

static inline int nnc_is_large(double a) { return !(a < 1647099.0); } /* or NaN */

/* The same of other a: Cody and Waite with pi/2 in four parts; the products with the first three are exact. */
static inline double nnc_reduce_small(double a, uint64_t *quadrant, double *low) {
#ifdef NNC_FUSED
    const double shifted = __builtin_fma(a, 0x1.45f306dc9c883p-1, 0x1.8p52);
    const double n = shifted - 0x1.8p52;
    const double b = __builtin_fma(n, -0x1.921fb544p0, a);
    const double c = __builtin_fma(n, -0x1.0b4611a6p-34, b);
    const double d = __builtin_fma(n, -0x1.3198a2ep-69, c);
    *quadrant = nnc_bits(shifted) & 3U;
    *low = 0.0;
    return __builtin_fma(n, -0x1.b839a252049c1p-104, d);
#else
    const double shifted = (a * 0x1.45f306dc9c883p-1) + 0x1.8p52;
    const double n = shifted - 0x1.8p52;
    const double b = a - (n * 0x1.921fb544p0);
    const double c = n * 0x1.0b4611a6p-34;
    const double d = n * 0x1.3198a2ep-69;
    const double hi = b - c;
    const double next = hi - d;
    const double lo = (((b - hi) - c) + ((hi - next) - d)) - (n * 0x1.b839a252049c1p-104);
    const double result = next + lo;
    *quadrant = nnc_bits(shifted) & 3U;
    *low = (next - result) + lo;
    return result;
#endif
}

/* sin(r + low), |r| <= pi/4: [S] odd, degree 13, relative error below 2^-57.9. */
static inline double nnc_sin_finish(double r, double low) {
    const double z = r * r;
    const double p9 = 0x1.71de355f05599p-19 + (z * (-0x1.ae5e5471f55p-26 + (z * 0x1.5d8e3511cda67p-33)));
    const double p = -0x1.5555555555548p-3 + (z * (0x1.111111110f75dp-7 + (z * (-0x1.a01a019bf222ep-13 + (z * p9)))));
    return r + ((r * (z * p)) + (low - (0.5 * z * low)));
}

/* cos(r + low), |r| <= pi/4: [S] even, degree 14, relative error below 2^-64. */
static inline double nnc_cos_finish(double r, double low) {
    const double z = r * r;
    const double p10 = -0x1.27e4f7f19d4b2p-22 + (z * (0x1.1ee9dbd0d86a6p-29 + (z * -0x1.8fa681e385241p-37)));
    const double p = 0x1.555555555554bp-5 + (z * (-0x1.6c16c16c15016p-10 + (z * (0x1.a01a019c8f3eep-16 + (z * p10)))));
    return 1.0 - ((0.5 * z) - ((z * (z * p)) - (r * low)));
}

/* sin(x) and cos(x) of what is known of |x|: its quadrant, and where it stands in it. */
static inline double nnc_sin_at(double x, uint64_t quadrant, double r, double low) {
    const double y = ((quadrant & 1U) != 0U) ? nnc_cos_finish(r, low) : nnc_sin_finish(r, low);
    return nnc_from_bits(nnc_bits(y) ^ ((quadrant & 2U) << 62) ^ (nnc_bits(x) & UINT64_C(0x8000000000000000)));
}

static inline double nnc_cos_at(uint64_t quadrant, double r, double low) {
    const double y = ((quadrant & 1U) != 0U) ? nnc_sin_finish(r, low) : nnc_cos_finish(r, low);
    return nnc_from_bits(nnc_bits(y) ^ (((quadrant + 1U) & 2U) << 62));
}

/* ==== Scalars */

/* |x| = n pi/2 + result + *low, |result| <= pi/4; *quadrant is n modulo 4. */
static inline double nnc_reduce(double x, uint64_t *quadrant, double *low) {
    const double a = nnc_abs(x);
    double result;
    if (!nnc_is_large(a)) {
        result = nnc_reduce_small(a, quadrant, low);
    } else if (a <= 0x1.fffffffffffffp1023) {
        result = nnc_reduce_large(a, quadrant, low);
    } else {
        result = a - a; /* NaN */
        *quadrant = 0U;
        *low = 0.0;
    }
    return result;
}

/* sin(x). Max 1.02 ulp. */
static inline double nnc_sin(double x) {
    uint64_t quadrant;
    double low;
    const double r = nnc_reduce(x, &quadrant, &low);
    return nnc_sin_at(x, quadrant, r, low);
}

/* cos(x). Max 0.99 ulp. */
static inline double nnc_cos(double x) {
    uint64_t quadrant;
    double low;
    const double r = nnc_reduce(x, &quadrant, &low);
    return nnc_cos_at(quadrant, r, low);
}

/* tan(x): [S] odd, degree 31, relative error below 2^-60; in odd quadrants -1 / tan, with the error of the quotient corrected
   (fdlibm). Max 1.28 ulp. */
NNC_AS_WRITTEN static inline double nnc_tan(double x) {
    uint64_t quadrant;
    double low;
    const double r = nnc_reduce(x, &quadrant, &low);
    const double z = r * r;
    const double p25 =
        -0x1.9ca0db37adc8fp-16 + (z * (0x1.90c1517a84f65p-15 + (z * (-0x1.901ed1dae354ep-16 + (z * 0x1.45a45859278ap-17)))));
    const double p17 = 0x1.34c2fe3fa91d4p-11 +
                       (z * (0x1.fecd718de0458p-13 + (z * (0x1.606572cbefa51p-14 + (z * (0x1.167a0b1011bb8p-14 + (z * p25)))))));
    const double p9 = 0x1.664f485fc4558p-6 +
                      (z * (0x1.226e3a2ffaf05p-7 + (z * (0x1.d6d2f4961d15fp-9 + (z * (0x1.7db0db73cbfb8p-10 + (z * p17)))))));
    const double p = 0x1.555555555555dp-2 + (z * (0x1.11111111106dep-3 + (z * (0x1.ba1ba1bab2331p-5 + (z * p9)))));
    const double tail = (r * (z * p)) + (low + (z * low));
    double y = r + tail;
    if ((quadrant & 1U) != 0U) {
        const double upper = nnc_upper(y);
        const double lower = tail - (upper - r);
        const double quotient = -1.0 / y;
        const double t = nnc_upper(quotient);
        y = t + (quotient * ((1.0 + (t * upper)) + (t * lower)));
    }
    return nnc_from_bits(nnc_bits(y) ^ (nnc_bits(x) & UINT64_C(0x8000000000000000)));
}

/* ==== Lanes: from here to the next line of this kind the text is that of vectors, too. */

/* atan(x) = atan(c) + atan((x - c) / (1 + c x)) with c = 0, 1/2, 1, 3/2, infinity (fdlibm's break points), then [S] odd,
   degree 23, relative error below 2^-57.7 on [0, 7/16]. Max 0.83 ulp. */
static inline double nnc_atan(double x) {
    const double a = nnc_abs(x);
    const int c0 = a < 0.4375;
    const int c1 = a < 0.6875;
    const int c2 = a < 1.1875;
    const int c3 = a < 2.4375;
    const double above3 = c3 ? (a - 1.5) : -1.0;
    const double above2 = c2 ? (a - 1.0) : above3;
    const double above1 = c1 ? ((2.0 * a) - 1.0) : above2;
    const double below3 = c3 ? (1.0 + (1.5 * a)) : a;
    const double below2 = c2 ? (a + 1.0) : below3;
    const double below1 = c1 ? (2.0 + a) : below2;
    const double above0 = c0 ? a : above1;
    const double below0 = c0 ? 1.0 : below1;
    const double t = above0 / below0;
    const double hi3 = c3 ? 0x1.f730bd281f69bp-1 : 0x1.921fb54442d18p0;
    const double hi2 = c2 ? 0x1.921fb54442d18p-1 : hi3;
    const double hi1 = c1 ? 0x1.dac670561bb4fp-2 : hi2;
    const double lo3 = c3 ? 0x1.007887af0cbbdp-56 : 0x1.1a62633145c07p-54;
    const double lo2 = c2 ? 0x1.1a62633145c07p-55 : lo3;
    const double lo1 = c1 ? 0x1.a2b7f222f65e2p-56 : lo2;
    const double hi0 = c0 ? 0.0 : hi1;
    const double lo0 = c0 ? 0.0 : lo1;
    const double z = t * t;
    const double p19 = -0x1.979c055061298p-5 + (z * (0x1.2b0ce47dc3f6ap-5 + (z * -0x1.0a68895fffb95p-6)));
    const double p11 = -0x1.745cdb8c1587ep-4 +
                       (z * (0x1.3b0f1ea612469p-4 + (z * (-0x1.10d5ee70d7f39p-4 + (z * (0x1.dddca1412e2fbp-5 + (z * p19)))))));
    const double p = -0x1.555555555550bp-2 +
                     (z * (0x1.999999998e7b4p-3 + (z * (-0x1.2492491ff177fp-3 + (z * (0x1.c71c6fda4d8e3p-4 + (z * p11)))))));
    const double s = t * (z * p);
    return nnc_with_sign(hi0 + (t + (s + lo0)), x);
}

/* ---- Power */

/* x^y = exp(y log|x|) with the logarithm in two parts, as in functions.h; R [S], relative error below 2^-78. Max 1.13 ulp. */
NNC_AS_WRITTEN static inline double nnc_pow(double x, double y) {
    double exponent_sum;
    const double a = nnc_abs(x);
    const double b = nnc_abs(y);
    /* the sign of the result */
    const double small = (b < 0x1p53) ? b : 0.0;
    const uint64_t whole = (uint64_t)(int64_t)small;
    const int64_t truncated = (int64_t)(whole);
    const int broken = (double)truncated < small;
    const uint64_t sign = (broken || ((whole & 1U) == 0U)) ? 0U : (nnc_bits(x) & UINT64_C(0x8000000000000000));
    /* a = 2^k m, 0.866 <= m < 1.733 */
    const int tiny = a < 0x1p-1022;
    const double scaled = a * 0x1p54;
    const double normal = tiny ? scaled : a;
    const uint64_t bits = nnc_bits(normal);
    const uint64_t fraction = bits & UINT64_C(0x000FFFFFFFFFFFFF);
    const int middle =
        (fraction >= UINT64_C(0x3988E1409212E)) && (fraction < UINT64_C(0xBB67AE8584CAA)); /* sqrt(3/2) and sqrt(3) */
    const uint64_t next = (fraction >= UINT64_C(0xBB67AE8584CAA)) ? 1U : 0U;
    const double m = nnc_from_bits(fraction | ((1023U - next) << 52));
    const double bias = tiny ? 0x18000000000435p0 : 0x180000000003ffp0;
    const double k = nnc_from_bits(((bits >> 52) + next) | UINT64_C(0x4338000000000000)) - bias;
    const double c = middle ? 1.5 : 1.0;
    /* s + s_low */
    const double above = m - c;
    const double below = m + c;
    const double below_low = m - (below - c);
    const double s = above / below;
    const double sb = s * below;
    const double s_low = (((above - sb) - nnc_product_error(s, below, sb)) - (s * below_low)) / below;
    /* w + w_low = z/3 + z^2 R, z + z_low = s^2 */
    const double z = s * s;
    const double z_low = nnc_product_error(s, s, z) + (2.0 * (s * s_low));
    const double third = z * 0x1.5555555555555p-2;
    const double third_low =
        (nnc_product_error(z, 0x1.5555555555555p-2, third) + (z * 0x1.5555555555555p-56)) + (z_low * 0x1.5555555555555p-2);
    const double r11 =
        0x1.745d16820915p-4 + (z * (0x1.3b1433eb8b573p-4 + (z * (0x1.10df235b01fb2p-4 + (z * 0x1.f630a67f1be87p-5)))));
    const double r = 0x1.999999999999ap-3 + (z * (0x1.2492492492246p-3 + (z * (0x1.c71c71c7c2eddp-4 + (z * r11)))));
    const double w_tail = third_low + ((z * z) * r);
    const double w = third + w_tail;
    const double w_low = (third - w) + w_tail;
    /* half + half_low = log(m / c) / 2 = s + s w */
    const double sw = s * w;
    const double sw_low = (nnc_product_error(s, w, sw) + (s * w_low)) + (s_low * w);
    const double half = s + sw;
    const double half_low = ((s - half) + sw) + (s_low + sw_low);
    /* l + l_low = log(a) */
    const double log_c = middle ? 0x1.9f323ecbfap-2 : 0.0;
    const double log_c_low = middle ? -0x1.ed03525ca2643p-44 : 0.0;
    const double base = (k * 0x1.62e42fefa38p-1) + log_c;
    const double base_low = (k * 0x1.ef35793c7673p-45) + log_c_low;
    const double sum = base + (2.0 * half);
    const double sum_low = ((base - sum) + (2.0 * half)) + ((2.0 * half_low) + base_low);
    const double l = sum + sum_low;
    const double l_low = (sum - l) + sum_low;
    /* y log(a), kept where exp is neither 0 nor infinity for certain */
    const double y2 = nnc_at_least(nnc_at_most(y, 0x1p65), -0x1p65);
    const double p = y2 * l;
    const double p_low = nnc_product_error(y2, l, p) + (y2 * l_low);
    const int inside = (p > -746.0) && (p < 710.0);
    const double p2 = nnc_at_most(nnc_at_least(p, -746.0), 710.0);
    const double p2_low = inside ? p_low : 0.0;
    const double rest = nnc_exp_reduce(p2, &exponent_sum) + p2_low;
    const double power = nnc_scale(nnc_exp_of_rest(rest), exponent_sum);
    /* special cases */
    const uint64_t infinite = nnc_bits(nnc_infinity());
    const uint64_t magnitude = nnc_bits(a);
    const double at_zero = (y < 0.0) ? nnc_infinity() : 0.0;
    const double at_infinity = (y < 0.0) ? 0.0 : nnc_infinity();
    const double ends = (magnitude == 0U) ? at_zero : at_infinity;
    const double size = ((magnitude == 0U) || (magnitude == infinite)) ? ends : power;
    const double signed_size = nnc_from_bits(nnc_bits(size) | sign);
    const int undefined = (x < 0.0) && broken && (magnitude != infinite);
    const double proper = undefined ? nnc_nan() : signed_size;
    const int nan = (magnitude > infinite) || (nnc_bits(b) > infinite);
    const int one = (nnc_bits(x) == UINT64_C(0x3FF0000000000000)) || (nnc_bits(b) == 0U);
    const double known = nan ? (x + y) : proper;
    return one ? 1.0 : known;
}

/* ==== Scalars */

#endif
