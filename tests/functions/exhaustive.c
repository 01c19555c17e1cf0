/* Every float through each float function of one argument, against libm in double: the greatest errors that
   runtime/functions.h states. Slow (about a minute a function) and therefore by hand:

       cc -O2 -ffp-contract=off -Iruntime tests/functions/exhaustive.c -o exhaustive -lm && ./exhaustive [FUNCTION...] */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "functions.h"

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }

static const struct {
    const char *name;
    float (*ours)(float);
    double (*exact)(double);
} functions[] = {
    {"exp", nnc_expf, exp},    {"log", nnc_logf, log},       {"sqrt", nnc_sqrtf, sqrt},   {"sigmoid", nnc_sigmoidf, sigmoid},
    {"tanh", nnc_tanhf, tanh}, {"sinh", nnc_sinhf, sinh},    {"cosh", nnc_coshf, cosh},   {"softplus", nnc_softplusf, softplus},
    {"sin", nnc_sinf, sin},    {"cos", nnc_cosf, cos},       {"tan", nnc_tanf, tan},      {"atan", nnc_atanf, atan},
    {"erf", nnc_erff, erf},    {"expm1", nnc_expm1f, expm1}, {"floor", nnc_floorf, floor}};

/* The distance in ulps; infinite where one is NaN or infinite and the other is not. */
static double error(float y, double exact) {
    float rounded = (float)exact;
    union {
        double number;
        uint64_t bits;
    } ulp;
    if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
    if (y == rounded && isinf(y)) return 0;
    if (isinf(y)) return fabs(copysign(0x1p128, y) - exact) / 0x1p104; /* overflow instead of the greatest float */
    if (isinf(exact)) return INFINITY;
    if (y == 0 && rounded == 0 && signbit(y) != signbit(rounded)) return INFINITY;
    ulp.number = fabs(exact) < 0x1p-126 ? 0x1p-126 : exact;
    ulp.bits = (ulp.bits & UINT64_C(0x7FF0000000000000)) - (UINT64_C(23) << 52);
    return fabs(y - exact) / ulp.number;
}

int main(int count, char **names) {
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        int wanted = count < 2;
        double worst = 0;
        float at = 0;
        for (int i = 1; i < count; i++) wanted |= strcmp(names[i], functions[f].name) == 0;
        if (!wanted) continue;
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits++) {
            float x = nnc_from_bitsf((uint32_t)bits);
            double e = error(functions[f].ours(x), functions[f].exact(x));
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
        printf("%-8s max %.4f ulp at %a\n", functions[f].name, worst, (double)at);
        fflush(stdout);
    }
    return 0;
}
