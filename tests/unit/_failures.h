/* For tests that compare many things, and tell of the first that are wrong. */
#ifndef NNC_TESTS_FAILURES_H
#define NNC_TESTS_FAILURES_H

#include <stdarg.h>
#include <stdio.h>

enum { FAILURES_SHOWN = 12 };

static int failures;

static void failed(const char *model, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void failed(const char *model, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (failures++ < FAILURES_SHOWN) {
        fprintf(stderr, "%s: ", model);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
    }
    va_end(arguments);
}

#endif
