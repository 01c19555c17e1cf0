#include "measure.h"

#include <stdio.h>
#include <time.h>

enum { LEAST_REPETITIONS = 5, MOST_REPETITIONS = 200 };

#define ENOUGH 0.15 /* seconds for all repetitions */
#define SHORT 0.002 /* seconds that one repetition should take at least */

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds for so many passes over all examples. */
static double passes_take(long passes, size_t examples) {
    double start = now();
    for (long i = 0; i < passes; i++) train(0, examples);
    return now() - start;
}

void measure(size_t examples, size_t batch) {
    double loss = 0.0, seconds, least = 1e9, all = 0.0;
    restart();
    for (size_t step = 0; step < CHECKED_STEPS; step++) loss += train(step * batch % examples, batch);

    long passes = 1;
    while ((seconds = passes_take(passes, examples)) < SHORT)
        passes = seconds > SHORT / 100 ? (long)((double)passes * SHORT / seconds) + 1 : passes * 10;
    for (int i = 0; i < LEAST_REPETITIONS || (i < MOST_REPETITIONS && all < ENOUGH); i++) {
        restart();
        seconds = passes_take(passes, examples);
        all += seconds;
        if (seconds < least) least = seconds;
    }
    printf("%.4f %.9g\n", least / (double)passes / (double)examples * 1e9, loss / CHECKED_STEPS);
}
