/* Random doubles through each double function, against MPFR: the greatest errors that runtime/functions_double.h states. By
   hand:

       cc -O2 -ffp-contract=off -Iruntime tests/functions/random_double.c -o random -lmpfr -lgmp -lm && ./random [COUNT] */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <mpfr.h>

#include "functions_double.h"

static mpfr_t u, v, w;

static int sigmoid(mpfr_t y, const mpfr_t x, mpfr_rnd_t round) {
    mpfr_neg(u, x, round);
    mpfr_exp(u, u, round);
    mpfr_add_ui(u, u, 1, round);
    return mpfr_ui_div(y, 1, u, round);
}

static int softplus(mpfr_t y, const mpfr_t x, mpfr_rnd_t round) {
    mpfr_abs(u, x, round);
    mpfr_neg(u, u, round);
    mpfr_exp(u, u, round);
    mpfr_log1p(u, u, round);
    return mpfr_sgn(x) > 0 ? mpfr_add(y, x, u, round) : mpfr_set(y, u, round);
}

static const struct {
    const char *name;
    double (*ours)(double);
    int (*exact)(mpfr_t, const mpfr_t, mpfr_rnd_t);
    double range; /* half of the arguments are uniform in [-range, range] */
} functions[] = {{"exp", nnc_exp, mpfr_exp, 746},  {"log", nnc_log, mpfr_log, 3},
                 {"sqrt", nnc_sqrt, mpfr_sqrt, 4}, {"sigmoid", nnc_sigmoid, sigmoid, 40},
                 {"tanh", nnc_tanh, mpfr_tanh, 2}, {"sinh", nnc_sinh, mpfr_sinh, 5},
                 {"cosh", nnc_cosh, mpfr_cosh, 5}, {"softplus", nnc_softplus, softplus, 40},
                 {"sin", nnc_sin, mpfr_sin, 100},  {"cos", nnc_cos, mpfr_cos, 100},
                 {"tan", nnc_tan, mpfr_tan, 100},  {"atan", nnc_atan, mpfr_atan, 4},
                 {"erf", nnc_erf, mpfr_erf, 4},    {"expm1", nnc_expm1, mpfr_expm1, 3}};

static uint64_t state = 1;

static uint64_t random_bits(void) { /* SplitMix64 */
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(double range) { return ((double)(random_bits() >> 11) * 0x1p-52 - 1) * range; }

/* The distance of y from w in ulps. */
static double error(double y) {
    double exact = mpfr_get_d(w, MPFR_RNDN);
    int exponent = mpfr_regular_p(w) ? (int)mpfr_get_exp(w) : -2000;
    if (isnan(y) || isnan(exact)) return isnan(y) && isnan(exact) ? 0 : INFINITY;
    if (isinf(exact) || isinf(y)) return isinf(exact) && isinf(y) && y * exact > 0 ? 0 : INFINITY;
    if (y == 0 && exact == 0) return 0;
    mpfr_sub_d(v, w, y, MPFR_RNDN);
    mpfr_mul_2si(v, v, 53 - (exponent < -1021 ? -1021 : exponent), MPFR_RNDN);
    return fabs(mpfr_get_d(v, MPFR_RNDN));
}

int main(int count, char **arguments) {
    long points = count > 1 ? atol(arguments[1]) : 1000000;
    mpfr_t a, b;
    double worst, at = 0, power = 0;
    mpfr_inits2(120, u, v, w, a, b, (mpfr_ptr)0);
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        worst = 0;
        for (long i = 0; i < points; i++) {
            double x = i % 2 ? uniform(functions[f].range) : nnc_from_bits(random_bits()), e;
            if (i % 8 == 2) x = floor(uniform(0x1p20)) * 1.5707963267948966; /* next to the multiples of pi/2 */
            if (i % 8 == 4) x = uniform(1);
            mpfr_set_d(a, x, MPFR_RNDN);
            functions[f].exact(w, a, MPFR_RNDN);
            e = error(functions[f].ours(x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        printf("%-8s max %.4f ulp at %a\n", functions[f].name, worst, at);
        fflush(stdout);
    }
    worst = 0;
    for (long i = 0; i < points; i++) {
        double x = i % 2 ? fabs(uniform(2)) : nnc_from_bits(random_bits() >> 1), y = uniform(745) / log(x), e;
        if (i % 5 == 0) y = nnc_from_bits(random_bits());
        mpfr_set_d(a, x, MPFR_RNDN);
        mpfr_set_d(b, y, MPFR_RNDN);
        mpfr_pow(w, a, b, MPFR_RNDN);
        e = error(nnc_pow(x, y));
        if (e > worst) {
            worst = e;
            at = x;
            power = y;
        }
    }
    printf("%-8s max %.4f ulp at %a, %a\n", "pow", worst, at, power);
    mpfr_clears(u, v, w, a, b, (mpfr_ptr)0);
    return 0;
}
