/* The machines that code is written for. A new one is a row. */
#include <string.h>

#include "loop/loop.h"

static const Target targets[] = {
    {"portable", "C99 loops that the C compiler may make vectors of", 0, 16, ""},
    {"x86-64-v2", "SSE4.2: vectors of 16 bytes", 16, 16, "-march=x86-64-v2"},
    {"x86-64-v3", "AVX2 and FMA: vectors of 32 bytes", 32, 16, "-march=x86-64-v3"},
    {"x86-64-v4", "AVX-512: vectors of 64 bytes", 64, 32, "-march=x86-64-v4"},
    {"aarch64", "NEON: vectors of 16 bytes", 16, 32, "-march=armv8-a"},
};
enum { TARGETS = sizeof targets / sizeof *targets };

const Target *target_at(size_t i) { return i < TARGETS ? &targets[i] : NULL; }

#if defined(__x86_64__) && defined(__GNUC__)
static const char *native(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "x86-64-v4";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "x86-64-v3";
    return __builtin_cpu_supports("sse4.2") ? "x86-64-v2" : "portable";
}
#elif defined(__aarch64__)
static const char *native(void) { return "aarch64"; }
#else
static const char *native(void) { return "portable"; }
#endif

const Target *target_find(const char *name) {
    if (strcmp(name, "native") == 0) name = native();
    for (size_t i = 0; i < TARGETS; i++) {
        if (strcmp(targets[i].name, name) == 0) return &targets[i];
    }
    return NULL;
}
