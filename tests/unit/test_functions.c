/* The elementary functions of strict programs: within 2 ulp of libm's in a wider format over all exponents, exact where C says
   so, and the same bits as everywhere (tests/functions/everywhere asks other compilers and machines). */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-trapping-math")
#elif defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../functions/checksums.h"

#define BOUND 2.0 /* ulp */
enum { STRIDE = 2147, PAIRS = 500000, DOUBLES = 100000 };

/* ---- References */

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static long double sigmoidl(long double x) { return x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x)); }
static long double softplusl(long double x) { return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))); }

/* clang-format off */
static const struct {
    const char *name;
    float (*ours_float)(float);
    double (*exact_float)(double);
    double (*ours_double)(double);
    long double (*exact_double)(long double);
} functions[] = {
    {"exp", nnc_expf, exp, nnc_exp, expl},
    {"expm1", nnc_expm1f, expm1, nnc_expm1, expm1l},
    {"log", nnc_logf, log, nnc_log, logl},
    {"sqrt", nnc_sqrtf, sqrt, nnc_sqrt, sqrtl},
    {"sigmoid", nnc_sigmoidf, sigmoid, nnc_sigmoid, sigmoidl},
    {"softplus", nnc_softplusf, softplus, nnc_softplus, softplusl},
    {"tanh", nnc_tanhf, tanh, nnc_tanh, tanhl},
    {"sinh", nnc_sinhf, sinh, nnc_sinh, sinhl},
    {"cosh", nnc_coshf, cosh, nnc_cosh, coshl},
    {"erf", nnc_erff, erf, nnc_erf, erfl},
    {"sin", nnc_sinf, sin, nnc_sin, sinl},
    {"cos", nnc_cosf, cos, nnc_cos, cosl},
    {"tan", nnc_tanf, tan, nnc_tan, tanl},
    {"atan", nnc_atanf, atan, nnc_atan, atanl},
    {"floor", nnc_floorf, floor, nnc_floor, floorl}};
/* clang-format on */
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* The distance of y from the exact value in ulps of a format of `digits` bits; infinite where one is NaN or an infinity and the
   other is not, or a zero has the wrong sign. */
static double error(long double y, long double exact, int digits, int least, long double greatest) {
    int exponent;
    if (isnan(y) || isnan(exact)) return isnan(y) && isnan(exact) ? 0 : INFINITY;
    if (fabsl(exact) > greatest * (1 + ldexpl(1, -digits - 1))) return isinf(y) && (y > 0) == (exact > 0) ? 0 : INFINITY;
    if (isinf(y)) return INFINITY;
    if (y == 0 && exact == 0) return signbit(y) == signbit(exact) ? 0 : INFINITY;
    (void)frexpl(exact, &exponent);
    if (exponent < least) exponent = least;
    return (double)ldexpl(fabsl(y - exact), digits - exponent);
}

static double float_error(float y, double exact) { return error((long double)y, exact, FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX); }
static double double_error(double y, long double exact) { return error(y, exact, DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX); }

static void assert_close(const char *name, double worst, double x) {
    if (worst >= BOUND) fail_msg("%s is off by %g ulp at %a", name, worst, x);
}

/* ---- Tests */

static void test_float(void **state) {
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        double worst = 0;
        float at = 0;
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
            float x = nnc_from_bitsf((uint32_t)bits), y = functions[f].ours_float(x);
            double exact = functions[f].exact_float((double)x), e;
            if (y == (float)exact && y != 0 && isfinite(y)) continue; /* correctly rounded: most */
            e = float_error(y, exact);
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        assert_close(functions[f].name, worst, (double)at);
    }
}

static void test_double(void **state) {
    (void)state;
    if (LDBL_MANT_DIG < 64) skip(); /* long double is no wider here */
    for (int f = 0; f < FUNCTIONS; f++) {
        double worst = 0, at = 0;
        for (uint32_t n = 0; n < DOUBLES; n++) {
            double x = double_argument(n, 3), e;
            if (n % 16 == 2) x = floor(x * 65536) * 1.5707963267948966; /* next to multiples of pi / 2 */
            if (n % 16 == 4) x = x * 47;                                /* to the ends of exp */
            e = double_error(functions[f].ours_double(x), functions[f].exact_double(x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        assert_close(functions[f].name, worst, at);
    }
}

static void test_pow(void **state) {
    double worst = 0, at = 0;
    (void)state;
    for (uint32_t n = 0; n < PAIRS; n++) {
        float x = float_argument(n, 3), y = float_argument(n / 2, 4);
        double e;
        if (n % 3 == 0 && x > 0) y = (float)(104 * (double)y / 16 / log((double)x)); /* results of all sizes */
        if (n % 7 == 0) y = floorf(y);
        e = float_error(nnc_powf(x, y), pow((double)x, (double)y));
        if (e > worst) {
            worst = e;
            at = (double)x;
        }
    }
    assert_close("powf", worst, at);
    if (LDBL_MANT_DIG < 64) return;
    worst = 0;
    for (uint32_t n = 0; n < DOUBLES; n++) {
        double x = double_argument(n, 3), y = double_argument(n / 2, 4), e;
        if (n % 3 == 0 && x > 0) y = 745 * y / 16 / log(x);
        if (n % 7 == 0) y = floor(y);
        e = double_error(nnc_pow(x, y), powl(x, y));
        if (e > worst) {
            worst = e;
            at = x;
        }
    }
    assert_close("pow", worst, at);
}

/* C99's special cases of pow, all pairs; libm knows them. */
static void test_pow_special(void **state) {
    static const double special[] = {0,        -0.0,      1,        -1,       INFINITY, -INFINITY,     NAN,           2,
                                     -2,       3,         -3,       0.5,      -0.5,     1.5,           -1.5,          1e38,
                                     -1e38,    1e-38,     1e-45,    -1e-45,   0x1p60,   -0x1p60,       5e-324,        1e308,
                                     16777215, -16777215, 16777216, 16777217, 0x1p53,   0x1.fffffep-1, -0x1.fffffep-1};
    (void)state;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        for (size_t j = 0; j < sizeof special / sizeof *special; j++) {
            float x = (float)special[i], y = (float)special[j];
            assert_true(float_error(nnc_powf(x, y), pow((double)x, (double)y)) < BOUND);
            assert_true(double_error(nnc_pow(special[i], special[j]), powl(special[i], special[j])) < BOUND);
        }
    }
}

/* Exactly this number, zeros told apart; any NaN for NaN. */
#define SAME(y, expected) assert_true((isnan(y) && isnan(expected)) || ((y) == (expected) && !signbit(y) == !signbit(expected)))

static void test_special(void **state) {
    (void)state;
    for (int f = 0; f < FUNCTIONS; f++) {
        SAME(functions[f].ours_float(NAN), (float)NAN);
        SAME(functions[f].ours_double(NAN), NAN);
        if (functions[f].exact_float == sigmoid || functions[f].exact_float == softplus) continue;
        for (double zero = -1; zero <= 1; zero += 2) {
            double at[] = {copysign(0, zero), copysign(INFINITY, zero)};
            for (int i = 0; i < 2; i++) {
                SAME(functions[f].ours_float((float)at[i]), (float)functions[f].exact_float(at[i]));
                SAME(functions[f].ours_double(at[i]), functions[f].exact_float(at[i]));
            }
        }
    }
    SAME(nnc_logf(1), 0.0F);
    SAME(nnc_log(1), 0.0);
    SAME(nnc_logf(-1), (float)NAN);
    SAME(nnc_sqrtf(-1), (float)NAN);
    SAME(nnc_sigmoidf(0), 0.5F);
    SAME(nnc_sigmoidf(INFINITY), 1.0F);
    SAME(nnc_sigmoidf(-INFINITY), 0.0F);
    SAME(nnc_softplusf(INFINITY), (float)INFINITY);
    SAME(nnc_softplusf(-INFINITY), 0.0F);
    SAME(nnc_tanhf(20), 1.0F);
    SAME(nnc_expf(-104), 0.0F);
    SAME(nnc_expf(-103.9F), FLT_MIN * FLT_EPSILON); /* the least subnormal */
    SAME(nnc_expf(88.75F), (float)INFINITY);
    SAME(nnc_absf(-0.0F), 0.0F);
    SAME(nnc_abs(-INFINITY), INFINITY);
    SAME(nnc_signf(-3), -1.0F);
    SAME(nnc_signf(-0.0F), 0.0F);
    SAME(nnc_sign(5e-324), 1.0);
    SAME(nnc_signf(NAN), 0.0F); /* as the language defines it: (a > 0) - (a < 0) */
}

static void test_mod(void **state) {
    (void)state;
    SAME(nnc_modf(7, 3), 1.0F);
    SAME(nnc_modf(-7, 3), 2.0F);
    SAME(nnc_modf(7, -3), -2.0F);
    SAME(nnc_mod(-0.5, 3), 2.5);
    SAME(nnc_mod(1, 0), NAN);
    for (uint32_t n = 0; n < PAIRS; n++) {
        float a = float_argument(n, 5), b = float_argument(n, 6), quotient = a / b;
        double c = double_argument(n, 5), d = double_argument(n, 6);
        quotient = floorf(quotient) * b; /* each operation rounded */
        SAME(nnc_modf(a, b), a - quotient);
        SAME(nnc_mod(c, d), c - d * floor(c / d));
    }
}

/* Correctly rounded means equal. */
static void test_sqrt(void **state) {
    (void)state;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
        float x = nnc_from_bitsf((uint32_t)bits);
        SAME(nnc_sqrtf(x), sqrtf(x));
    }
    for (uint32_t n = 0; n < PAIRS; n++) {
        double x = double_argument(n, 7);
        SAME(nnc_sqrt(x), sqrt(x));
    }
}

/* Rounding takes no function out of its range. */
static void test_range(void **state) {
    (void)state;
    for (uint32_t n = 0; n < PAIRS; n++) {
        float x = float_argument(n, 8);
        if (isnan(x)) continue;
        assert_true(nnc_sigmoidf(x) >= 0 && nnc_sigmoidf(x) <= 1);
        assert_true(fabsf(nnc_tanhf(x)) <= 1 && fabsf(nnc_erff(x)) <= 1);
        if (isfinite(x)) assert_true(fabsf(nnc_sinf(x)) <= 1 && fabsf(nnc_cosf(x)) <= 1);
        assert_true(nnc_softplusf(x) >= 0 && nnc_softplusf(x) >= x);
    }
}

static void test_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof checksums / sizeof *checksums; i++) {
        uint32_t sum = checksums[i].checksum();
        if (sum != checksums[i].expected) fail_msg("%s: the bits are not those of other machines", checksums[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float),       cmocka_unit_test(test_double),  cmocka_unit_test(test_pow),
        cmocka_unit_test(test_pow_special), cmocka_unit_test(test_special), cmocka_unit_test(test_mod),
        cmocka_unit_test(test_sqrt),        cmocka_unit_test(test_range),   cmocka_unit_test(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
