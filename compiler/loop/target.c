/* The machines that code is written for. A new one is a row. */
#include <string.h>

#include "loop/loop.h"

/* clang-format off */
static const Target targets[] = { /* bytes, registers, bytes in a cycle, from the second cache, side by side */
    {"portable", "C99 loops that the C compiler may make vectors of", 0, 16, 64, 29, 8, ""},
    {"scalar", "C99 loops for a processor without vectors, in less memory", 0, 16, 64, 29, 1, ""},
    {"x86-64-v2", "SSE4.2: vectors of 16 bytes", 16, 16, 64, 29, 1, "-march=x86-64-v2"},
    {"x86-64-v3", "AVX2 and FMA: vectors of 32 bytes", 32, 16, 64, 29, 1, "-march=x86-64-v3"},
    {"x86-64-v4", "AVX-512: vectors of 64 bytes, one in a cycle", 64, 32, 64, 29, 1, "-march=x86-64-v4"},
    {"x86-64-v4-wide", "AVX-512: vectors of 64 bytes, two in a cycle", 64, 32, 128, 48, 1, "-march=x86-64-v4"},
    {"aarch64", "NEON: vectors of 16 bytes", 16, 32, 64, 29, 1, "-march=armv8-a"},
};
/* clang-format on */
enum { TARGETS = sizeof targets / sizeof *targets };

const char *target_names(Arena *arena) {
    Text *text = text_new(arena);
    for (size_t i = 0; i < TARGETS; i++) text_printf(text, "%s%s", i > 0 ? ", " : "", targets[i].name);
    return text_string(text);
}

#if defined(__x86_64__) && defined(__GNUC__)
/* Of Intel's processors with AVX-512 all do, but those for desktops and notebooks, which have no bfloat16 (and whose name is what a
   virtual machine may say of any); of AMD's those from Zen 5 on, the first that can intersect
   vectors. */
static bool multiplies_two_wide_vectors(void) {
    if (__builtin_cpu_is("amd")) return __builtin_cpu_supports("avx512vp2intersect");
    if (__builtin_cpu_is("intel") && __builtin_cpu_supports("avx512bf16")) return true;
    return __builtin_cpu_is("intel") && !__builtin_cpu_is("cannonlake") && !__builtin_cpu_is("icelake-client") &&
           !__builtin_cpu_is("tigerlake") && !__builtin_cpu_is("rocketlake");
}

static const char *native(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return multiplies_two_wide_vectors() ? "x86-64-v4-wide" : "x86-64-v4";
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
