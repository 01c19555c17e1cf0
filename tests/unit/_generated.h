/* For tests of the C that the compiler writes: a compiled model becomes a shared library with the strictest flags, and is loaded.
   The file that includes this defines _XOPEN_SOURCE as 700 first. */
#ifndef NNC_TESTS_GENERATED_H
#define NNC_TESTS_GENERATED_H

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"
#include "program.h"

#include "compile.h"
#include "loop_to_c.h"

/* With sanitizers some of the models are enough: what a compiler makes of the C does not depend on how nnc was built. */
#ifdef NNC_CHECK
enum { EVERY = 7 };
#else
enum { EVERY = 1 };
#endif

typedef struct {
    Arena *arena;
    Compilation *compilation;
    const char *build, *optimize; /* a folder; a flag */
    bool quick;                   /* by a compiler that takes a tenth of the time and says nothing of doubtful C */
    void *library;
    const NncProgram *program;
    LoopProgram *loop;
    struct LoopMachine *machine; /* for those that run the loop program beside the C */
    double tolerance;            /* of differ, relative for numbers above 1 */
    int differences;
} Generated;

/* ---- From the model to a loaded program */

static inline bool generated_write(const Generated *g, const char *name, Text *text) {
    FILE *file = fopen(arena_printf(g->arena, "%s/%s", g->build, name), "w");
    return file != NULL && fputs(text_string(text), file) >= 0 && fclose(file) == 0;
}

static inline bool run(const char *const *words) {
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *const generated_flags[] = {"-std=c99",
                                              "-fPIC",
                                              "-shared",
                                              "-Wall",
                                              "-Wextra",
                                              "-Wpedantic",
                                              "-Wconversion",
                                              "-Wshadow",
                                              "-Wdouble-promotion",
                                              "-Wmissing-prototypes",
                                              "-Werror"};

/* Those of `nnc train`. */
static const char *const fast_flags[] = {"-std=c99",         "-fPIC",
                                         "-shared",          "-march=native",
                                         "-fopenmp-simd",    "-ffp-contract=fast",
                                         "-fno-math-errno",  "-fno-trapping-math",
                                         "-fno-signed-zeros"};

static inline const char *generated_compiler(bool quick) {
    static int has_tcc = -1;
    if (getenv("CC") != NULL) return getenv("CC");
    if (has_tcc < 0) has_tcc = system("command -v tcc >/dev/null") == 0;
    return quick && has_tcc ? "tcc" : "cc";
}

/* Ensures on success: g->library, which dlclose closes, and g->program. */
static inline bool generated_build(Generated *g, LoopOptions options) {
    const char *m = g->compilation->model->name;
    Arena *arena = g->arena;
    LoopProgram *loop = tensor_to_loop(arena, g->compilation->model, options);
    const char *why = NULL;
    g->loop = loop;
    if (!loop_check(loop, &why)) {
        printf("    %s\n", why);
        return false;
    }
    Text *header = text_new(arena), *source = text_new(arena), *program = text_new(arena), *door = text_new(arena);
    loop_to_c_header(header, loop);
    loop_to_c_source(source, loop, g->compilation->context.sources);
    loop_to_c_program(program, loop, g->compilation->context.sources);
    text_printf(door,
                "#include \"runtime/program.h\"\nint unused_main(int, char **);\nconst NncProgram *the_program(void);\n#define "
                "main unused_main\n#include \"%s_main.c\"\n",
                m);
    text_printf(door, "const NncProgram *the_program(void) { return &%s_program; }\n", g->compilation->model->name);
    text_put(door,
             "int nnc_program(const NncProgram *p, int argc, char **argv) { return p == NULL || argc == 0 || argv == NULL; }\n");
    bool fine = generated_write(g, arena_printf(arena, "%s.h", m), header) &&
                generated_write(g, arena_printf(arena, "%s.c", m), source) &&
                generated_write(g, arena_printf(arena, "%s_main.c", m), program) && generated_write(g, "door.c", door);
    Vec(const char *) words = {0};
    vec_push(arena, &words, generated_compiler(g->quick));
    const char *const *flags = options.fast ? fast_flags : generated_flags;
    size_t count = options.fast ? sizeof fast_flags / sizeof *fast_flags : sizeof generated_flags / sizeof *generated_flags;
    for (size_t i = 0; i < count; i++) vec_push(arena, &words, flags[i]);
    if (options.target != NULL && options.target->bytes > 0) vec_push(arena, &words, "-march=native");
    const char *library = arena_printf(arena, "%s/%s_%d%d%d.so", g->build, m, loop->is_double, options.fast, (int)options.unroll);
    const char *const rest[] = {g->optimize,
                                "-I" NNC_SOURCE_DIR,
                                "-I" NNC_SOURCE_DIR "/runtime",
                                "-I" NNC_BINARY_DIR,
                                "-o",
                                library,
                                arena_printf(arena, "%s/%s.c", g->build, m),
                                arena_printf(arena, "%s/door.c", g->build),
                                NNC_SOURCE_DIR "/runtime/random.c",
                                NULL};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) vec_push(arena, &words, rest[i]);
    g->library = fine && run(words.at) ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
    const NncProgram *(*the_program)(void) = NULL;
    if (g->library != NULL) *(void **)(void *)&the_program = dlsym(g->library, "the_program");
    g->program = the_program != NULL ? the_program() : NULL;
    return g->program != NULL;
}

/* ---- Numbers in the generated structs */

static inline void put(const NncProgram *p, void *structure, const NncMember *member, size_t element, double value) {
    char *at = (char *)structure + member->offset;
    element = nnc_member_place(member, element);
    if (member->whole) ((int32_t *)(void *)at)[element] = (int32_t)value;
    else if (p->number_size == 8) ((double *)(void *)at)[element] = value;
    else ((float *)(void *)at)[element] = (float)value;
}

static inline double get(const NncProgram *p, const void *structure, const NncMember *member, size_t element) {
    const char *at = (const char *)structure + member->offset;
    element = nnc_member_place(member, element);
    if (member->whole) return ((const int32_t *)(const void *)at)[element];
    return p->number_size == 8 ? ((const double *)(const void *)at)[element] : (double)((const float *)(const void *)at)[element];
}

static inline void differ(Generated *g, const char *what, size_t element, double actual, double expected) {
    if (actual == expected || fabs(actual - expected) <= g->tolerance * fmax(1, fabs(expected))) return;
    if (g->differences++ < 3) printf("    %s[%zu] is %.17g instead of %.17g\n", what, element, actual, expected);
}

#endif
