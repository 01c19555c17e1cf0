/* The elementary functions as fast programs use them: in loops that the compiler may vectorise, with sums reordered and multiply-adds
   fused. Within 4 ulp, where the result has all its digits. */
#if defined(__GNUC__) && !defined(__clang__)
#ifdef __x86_64__
#pragma GCC target("fma,avx2")
#undef __FP_FAST_FMAF
#undef __FP_FAST_FMA
#define __FP_FAST_FMAF 1
#define __FP_FAST_FMA 1
#endif
#ifdef __FP_FAST_FMAF
#pragma GCC optimize("O3", "associative-math", "no-signed-zeros", "no-trapping-math")
#endif
#endif
#define NNC_FAST 1

#include "functions.h"
#include "functions_double.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BOUND 4.0 /* ulp */
enum { LANES = 64, STRIDE = 2147 };

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static long double sigmoidl(long double x) { return x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x)); }
static long double softplusl(long double x) { return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))); }

typedef void Floats(float *restrict y, const float *restrict x);
typedef void Doubles(double *restrict y, const double *restrict x);

/* clang-format off */
#define LOOPS(NAME)                                                            \
    static void NAME##_floats(float *restrict y, const float *restrict x) {    \
        for (int i = 0; i < LANES; i++) y[i] = nnc_##NAME##f(x[i]);            \
    }                                                                          \
    static void NAME##_doubles(double *restrict y, const double *restrict x) { \
        for (int i = 0; i < LANES; i++) y[i] = nnc_##NAME(x[i]);               \
    }
LOOPS(exp)
LOOPS(expm1)
LOOPS(log)
LOOPS(sqrt) LOOPS(sigmoid) LOOPS(softplus) LOOPS(tanh) LOOPS(sinh) LOOPS(cosh) LOOPS(erf) LOOPS(sin) LOOPS(cos) LOOPS(tan)
    LOOPS(atan) LOOPS(floor)

        static void pow_floats(float *restrict y, const float *restrict x) {
    for (int i = 0; i < LANES; i++) y[i] = nnc_powf(x[i], 3.7f);
}
static void pow_doubles(double *restrict y, const double *restrict x) {
    for (int i = 0; i < LANES; i++) y[i] = nnc_pow(x[i], 3.7);
}
static double power(double x) { return pow(x, (double)3.7f); }
static long double powerl(long double x) { return powl(x, (long double)3.7); }

#define ROW(NAME, EXACT) \
    { #NAME, NAME##_floats, NAME##_doubles, EXACT, EXACT##l }
static const struct {
    const char *name;
    Floats *floats;
    Doubles *doubles;
    double (*exact)(double);
    long double (*exactl)(long double);
} functions[] = {ROW(exp, exp),         ROW(expm1, expm1),       ROW(log, log),     ROW(sqrt, sqrt),
                 ROW(sigmoid, sigmoid), ROW(softplus, softplus), ROW(tanh, tanh),   ROW(sinh, sinh),
                 ROW(cosh, cosh),       ROW(erf, erf),           ROW(sin, sin),     ROW(cos, cos),
                 ROW(tan, tan),         ROW(atan, atan),         ROW(floor, floor), ROW(pow, power)};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* In ulps of a format of `digits` bits; nothing is promised where the exact result has fewer, or nearly overflows. */
static double error(long double y, long double exact, int digits, int least, long double greatest) {
    int exponent;
    if (isnan(exact)) return isnan(y) ? 0 : INFINITY;
    if (fabsl(exact) > greatest / 2 || (exact != 0 && fabsl(exact) < ldexpl(1, least - 1))) return 0;
    if (isnan(y) || isinf(y)) return INFINITY;
    (void)frexpl(exact, &exponent);
    return exact == 0 ? (y == 0 ? 0 : INFINITY) : (double)ldexpl(fabsl(y - exact), digits - exponent);
}

static void test_floats(void **state) {
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        float x[LANES], y[LANES];
        uint64_t bits = 0;
        while (bits <= UINT32_MAX) {
            for (int i = 0; i < LANES; i++, bits += STRIDE) x[i] = nnc_from_bitsf((uint32_t)bits);
            functions[f].floats(y, x);
            for (int i = 0; i < LANES; i++) {
                double e =
                    error((long double)y[i], (long double)functions[f].exact((double)x[i]), FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX);
                if (!(e < BOUND) && isfinite(x[i])) fail_msg("%sf is off by %g ulp at %a", functions[f].name, e, (double)x[i]);
            }
        }
    }
}

static void test_doubles(void **state) {
    (void)state;
    if (LDBL_MANT_DIG < 64) skip(); /* long double is no wider here */
    for (int f = 0; f < FUNCTIONS; f++) {
        double x[LANES], y[LANES];
        uint64_t bits = 0;
        for (int n = 0; n < 4000; n++) {
            for (int i = 0; i < LANES; i++) {
                bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                x[i] = ldexp((double)(int64_t)bits, -63) * ldexp(1, (int)(bits >> 8 & 31) - 20);
            }
            functions[f].doubles(y, x);
            for (int i = 0; i < LANES; i++) {
                double e = error((long double)y[i], functions[f].exactl((long double)x[i]), DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX);
                if (!(e < BOUND)) fail_msg("%s is off by %g ulp at %a", functions[f].name, e, x[i]);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_floats), cmocka_unit_test(test_doubles)};
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    if (!__builtin_cpu_supports("fma") || !__builtin_cpu_supports("avx2")) {
        print_message("SKIPPED: this processor has no fused multiply-add\n");
        return 0;
    }
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
