/* The functions in lanes, for one vector (-DV=f16) as one compiler makes them with its options. Strict: the same bits as the functions
   of one number. Fast (-DNNC_FAST): within 4 ulp of libm's in a wider format, where the result has all its digits.
   tests/cli/lanes.sh asks compilers, options and vectors; ends with the number of functions that fail. */
#if defined(NNC_FAST)
#if defined(__GNUC__) && !defined(__clang__) && defined(__FP_FAST_FMAF) && defined(__FP_FAST_FMA)
#pragma GCC optimize("associative-math", "no-signed-zeros", "no-trapping-math")
#endif
#elif defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#define NAME_2(a, b) a##b
#define NAME_1(a, b) NAME_2(a, b)
#define TEXT_2(a) #a
#define TEXT_1(a) TEXT_2(a)
#include TEXT_1(NAME_1(lanes_, V).h)

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CALL_2(name, vector) nnc_##name##_##vector
#define CALL_1(name, vector) CALL_2(name, vector)
#define LANES_OF(name) CALL_1(name, V)
typedef CALL_1(lanes, V) Lanes;

/* Number: float or double, and long double or a double that is wider. */
#ifdef DOUBLES
typedef double Number;
typedef long double Wide;
typedef uint64_t Bits;
#define SCALAR(name) nnc_##name
#define WIDE(name) name##l
#define FROM_BITS nnc_from_bits
#define BITS nnc_bits
enum { DIGITS = DBL_MANT_DIG, LEAST = DBL_MIN_EXP };
#define GREATEST ((Wide)DBL_MAX)
static const double sizes[] = {1, 30, 800, 3e7};
#else
typedef float Number;
typedef double Wide;
typedef uint32_t Bits;
#define SCALAR(name) nnc_##name##f
#define WIDE(name) name
#define FROM_BITS nnc_from_bitsf
#define BITS nnc_bitsf
enum { DIGITS = FLT_MANT_DIG, LEAST = FLT_MIN_EXP };
#define GREATEST ((Wide)FLT_MAX)
static const double sizes[] = {1, 16, 104, 2000};
#endif
enum { COUNT = sizeof(Lanes) / sizeof(Number) };
#ifndef POINTS
#define POINTS 200000
#endif

static Wide sigmoid(Wide x) { return x >= 0 ? 1 / (1 + WIDE(exp)(-x)) : WIDE(exp)(x) / (1 + WIDE(exp)(x)); }
static Wide softplus(Wide x) { return (x > 0 ? x : 0) + WIDE(log1p)(WIDE(exp)(-WIDE(fabs)(x))); }
static Wide sign(Wide x) { return (x > 0) - (x < 0); }

/* clang-format off */
#define UNARY(ROW)               \
    ROW(exp, WIDE(exp))          \
    ROW(expm1, WIDE(expm1))      \
    ROW(log, WIDE(log))          \
    ROW(sqrt, WIDE(sqrt))        \
    ROW(sin, WIDE(sin))          \
    ROW(cos, WIDE(cos))          \
    ROW(tan, WIDE(tan))          \
    ROW(tanh, WIDE(tanh))        \
    ROW(sinh, WIDE(sinh))        \
    ROW(cosh, WIDE(cosh))        \
    ROW(atan, WIDE(atan))        \
    ROW(abs, WIDE(fabs))         \
    ROW(sign, sign)              \
    ROW(floor, WIDE(floor))      \
    ROW(erf, WIDE(erf))          \
    ROW(sigmoid, sigmoid)        \
    ROW(softplus, softplus)
/* clang-format on */

#define ROW_LOOP(name, exact)                                            \
    static void name##_lanes(Lanes *y, const Lanes *x, const Lanes *z) { \
        (void)z;                                                         \
        y->all = LANES_OF(name)(x->all);                                 \
    }                                                                    \
    static Number name##_scalar(Number x, Number z) {                    \
        (void)z;                                                         \
        return SCALAR(name)(x);                                          \
    }                                                                    \
    static Wide name##_exact(Wide x, Wide z) {                           \
        (void)z;                                                         \
        return exact(x);                                                 \
    }
UNARY(ROW_LOOP)
static void pow_lanes(Lanes *y, const Lanes *x, const Lanes *z) { y->all = LANES_OF(pow)(x->all, z->all); }
static Number pow_scalar(Number x, Number z) { return SCALAR(pow)(x, z); }
static Wide pow_exact(Wide x, Wide z) { return WIDE(pow)(x, z); }

/* Of two numbers, and exact: each operation rounds, or none does. */
static Number nnc_larger(Number x, Number z) { return x > z ? x : z; }
static Number nnc_smaller(Number x, Number z) { return x < z ? x : z; }
#define nnc_largerf nnc_larger
#define nnc_smallerf nnc_smaller
/* clang-format off */
#define PAIR(ROW) ROW(mod) ROW(max) ROW(min) ROW(larger) ROW(smaller) ROW(at_least) ROW(at_most)
/* clang-format on */
#define PAIR_LOOP(name)                                                                                             \
    static void name##_lanes(Lanes *y, const Lanes *x, const Lanes *z) { y->all = LANES_OF(name)(x->all, z->all); } \
    static Number name##_scalar(Number x, Number z) { return SCALAR(name)(x, z); }
PAIR(PAIR_LOOP)

#define ROW_TABLE(name, exact) {#name, name##_lanes, name##_scalar, name##_exact},
#define PAIR_TABLE(name) {#name, name##_lanes, name##_scalar, NULL},
static const struct {
    const char *name;
    void (*lanes)(Lanes *y, const Lanes *x, const Lanes *z);
    Number (*scalar)(Number x, Number z);
    Wide (*exact)(Wide x, Wide z); /* NULL: nothing to be near to */
} functions[] = {UNARY(ROW_TABLE) PAIR(PAIR_TABLE){"pow", pow_lanes, pow_scalar, pow_exact}};

/* ---- Arguments: special ones, all exponents, and where the functions bend. Neighbours differ, so that lanes decide differently. */

/* clang-format off */
static const double special[] = {
    0, -0.0, 1, -1, HUGE_VAL, -HUGE_VAL, (double)NAN, 0.5, -0.5, 2, -2, 3, -3, 1e-45, -1e-45, 1e-40, -1e-40, 0x1p-126,
    1e38, -1e38, 1e300, -1e300, 5e-324, 0x1.fffffep127, 0x1.fffffffffffffp1023, 1e-310, 16777215, 16777217, 88.7,
    -103.97, -87.5, 709.7, -745.1, 402, 401.9, 0.625, 0.9, 3.95, -20, 0x1p52
};
/* clang-format on */
enum { SPECIAL = sizeof special / sizeof *special };

static uint64_t scramble(uint64_t n) { /* SplitMix64 */
    uint64_t z = (n + 1U) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static Number argument(uint64_t n, uint64_t which) {
    const uint64_t bits = scramble(2 * n + which);
    if (n < SPECIAL * SPECIAL) return (Number)special[which == 0 ? n % SPECIAL : n / SPECIAL];
    if (n % 5 == 0) return FROM_BITS((Bits)(bits >> (64 - 8 * sizeof(Number))));
    return (Number)(ldexp((double)(int64_t)bits, -63) * sizes[n % 5 - 1]);
}

/* ---- Judgement */

static int same(Number a, Number b) { return (isnan(a) && isnan(b)) || BITS(a) == BITS(b); }

/* In ulps; nothing is promised where the exact result has fewer digits or nearly overflows. */
static double error(Wide y, Wide exact) {
    int exponent;
    if (isnan(exact)) return isnan(y) ? 0 : HUGE_VAL;
    if (isinf(exact)) return y == exact ? 0 : HUGE_VAL;
    if (exact == 0) return y == 0 ? 0 : HUGE_VAL;
    if (WIDE(fabs)(exact) > GREATEST / 2 || WIDE(fabs)(exact) < WIDE(ldexp)(1, LEAST - 1)) return 0;
    if (isnan(y) || isinf(y)) return HUGE_VAL;
    (void)WIDE(frexp)(exact, &exponent);
    return (double)WIDE(ldexp)(WIDE(fabs)(y - exact), DIGITS - exponent);
}

static int fails(size_t f, Number x, Number z, Number y) {
#ifdef NNC_FAST
    const double e = functions[f].exact == NULL ? 0 : error((Wide)y, functions[f].exact((Wide)x, (Wide)z));
    const int wrong = !(e < 4);
#else
    const double e =
        functions[f].exact == NULL || sizeof(Wide) == sizeof(Number) ? 0 : error((Wide)y, functions[f].exact((Wide)x, (Wide)z));
    const int wrong = !same(y, functions[f].scalar(x, z)) || !(e < 2);
#endif
    if (wrong) printf("%s_%s(%a, %a) = %a, off by %g ulp\n", functions[f].name, TEXT_1(V), (double)x, (double)z, (double)y, e);
    return wrong;
}

int main(void) {
    int failures = 0;
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        int failed = 0;
        for (uint64_t n = 0; n < POINTS && !failed; n += COUNT) {
            Lanes x, y, z;
            for (uint64_t i = 0; i < COUNT; i++) {
                x.each[i] = argument(n + i, 0);
                z.each[i] = argument(n + i, 1);
            }
            functions[f].lanes(&y, &x, &z);
            for (int i = 0; i < COUNT && !failed; i++) failed = fails(f, x.each[i], z.each[i], y.each[i]);
        }
        failures += failed;
    }
    return failures;
}
