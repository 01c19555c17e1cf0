/* Prints how many floating-point operations a second one core can do, in GFLOP/s: independent chains of fused multiply-adds in registers,
   enough of them to hide the latency. Of several runs the best. */
#include <stdio.h>
#include <time.h>

#if defined __AVX512F__
enum { BYTES = 64 };
#elif defined __AVX__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif

enum { LANES = BYTES / sizeof(float), CHAINS = 12, STEPS = 1000000, RUNS = 20 };

typedef float Vector __attribute__((vector_size(BYTES)));

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The empty assembly says that the chain is used: without it the compiler may merge chains, or drop them. */
#if defined __x86_64__
#define KEEP(x) __asm__ volatile("" : "+v"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#endif

static float run(Vector factor, Vector term) {
    Vector chain[CHAINS], sum = {0};
    float total = 0.0f;
#pragma GCC unroll 16
    for (int k = 0; k < CHAINS; k++) chain[k] = factor + (float)k;
    for (int i = 0; i < STEPS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < CHAINS; k++) {
            chain[k] = chain[k] * factor + term;
            KEEP(chain[k]);
        }
    }
#pragma GCC unroll 16
    for (int k = 0; k < CHAINS; k++) sum += chain[k];
    for (int k = 0; k < LANES; k++) total += sum[k];
    return total;
}

int main(void) {
    Vector factor = {0}, term = {0};
    volatile float sink = 0.0f;
    double least = 1e9;
    factor += 0.999f;
    term += 0.001f;
    for (int i = 0; i < RUNS; i++) {
        double start = now();
        sink = sink + run(factor, term);
        double seconds = now() - start;
        if (seconds < least) least = seconds;
    }
    printf("%.2f\n", 2.0 * LANES * CHAINS * STEPS / least * 1e-9);
    return 0;
}
