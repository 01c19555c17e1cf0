/* The C that the compiler writes, against PyTorch: each fact of tests/facts is compiled to C, with the strictest flags, loaded, and
   trained for 20 steps, in double and in float. Arguments choose among the facts:  test_generated layer_ lenet */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"

#include "compile.h"
#include "data.h"
#include "loop/evaluate.h"
#include "loop_to_c.h"
#include "safetensors.h"

enum { STEPS = 20, STEPS_BESIDE = 3 };

typedef struct {
    Arena *arena;
    Compilation *compilation;
    const char *name, *build;
    const NncProgram *program;
    LoopProgram *loop;
    LoopMachine *machine; /* runs the loop program beside the C */
    int differences;
} Fact;

/* ---- From the model to a loaded program */

static bool write_text(const Fact *fact, const char *name, Text *text) {
    FILE *file = fopen(arena_printf(fact->arena, "%s/%s", fact->build, name), "w");
    return file != NULL && fputs(text_string(text), file) >= 0 && fclose(file) == 0;
}

static bool run(const char *const *words) {
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *const strict_flags[] = {"-std=c99", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow",
                                           "-Wdouble-promotion", "-Wmissing-prototypes", "-Werror"};

static void *build(Fact *fact, LoopOptions options) {
    const char *m = fact->compilation->model->name;
    Arena *arena = fact->arena;
    LoopProgram *loop = tensor_to_loop(arena, fact->compilation->model, options);
    const char *why = NULL;
    fact->loop = loop;
    if (!loop_check(loop, &why)) {
        printf("    %s\n", why);
        return NULL;
    }
    Text *header = text_new(arena), *source = text_new(arena), *program = text_new(arena), *door = text_new(arena);
    loop_to_c_header(header, loop);
    loop_to_c_source(source, loop, fact->compilation->context.sources);
    loop_to_c_program(program, loop, fact->compilation->context.sources);
    text_printf(door, "#include \"runtime/program.h\"\nint unused_main(int, char **);\nconst NncProgram *the_program(void);\n#define main unused_main\n#include \"%s_main.c\"\n", m);
    text_put(door, "const NncProgram *the_program(void) { return &program; }\n");
    text_put(door, "int nnc_program(const NncProgram *p, int argc, char **argv) { return p == NULL || argc == 0 || argv == NULL; }\n");
    bool fine = write_text(fact, arena_printf(arena, "%s.h", m), header) && write_text(fact, arena_printf(arena, "%s.c", m), source) &&
                write_text(fact, arena_printf(arena, "%s_main.c", m), program) && write_text(fact, "door.c", door);
    Vec(const char *) words = {0};
    vec_push(arena, &words, getenv("CC") != NULL ? getenv("CC") : "cc");
    for (size_t i = 0; i < sizeof strict_flags / sizeof *strict_flags; i++) vec_push(arena, &words, strict_flags[i]);
    const char *library = arena_printf(arena, "%s/%s_%d.so", fact->build, m, loop->is_double);
    const char *const rest[] = {"-I", NNC_SOURCE_DIR, "-o", library, arena_printf(arena, "%s/%s.c", fact->build, m),
                                arena_printf(arena, "%s/door.c", fact->build), NNC_SOURCE_DIR "/runtime/random.c", NULL};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) vec_push(arena, &words, rest[i]);
    return fine && run(words.at) ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/* ---- Numbers in the generated structs */

static void put(const NncProgram *p, void *structure, const NncMember *member, size_t element, double value) {
    char *at = (char *)structure + member->offset;
    if (member->whole) ((int32_t *)(void *)at)[element] = (int32_t)value;
    else if (p->number_size == 8) ((double *)(void *)at)[element] = value;
    else ((float *)(void *)at)[element] = (float)value;
}

static double get(const NncProgram *p, const void *structure, const NncMember *member, size_t element) {
    const char *at = (const char *)structure + member->offset;
    return p->number_size == 8 ? ((const double *)(const void *)at)[element] : (double)((const float *)(const void *)at)[element];
}

static void differ(Fact *fact, const char *what, size_t element, double actual, double expected) {
    double tolerance = (fact->program->number_size == 8 ? 1e-9 : 2e-5) * fmax(1, fabs(expected));
    if (fabs(actual - expected) <= tolerance) return;
    if (fact->differences++ < 3) printf("    %s[%zu] is %.9g instead of %.9g\n", what, element, actual, expected);
}

static void fill(const NncProgram *p, const NncData *data, size_t first_array, const NncMember *members, size_t count, size_t size, void *examples, int64_t row, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        for (size_t i = 0; i < count; i++) {
            const double *values = data->arrays[first_array + i].values + (size_t)(row + k) * members[i].count;
            for (size_t e = 0; e < members[i].count; e++) put(p, (char *)examples + (size_t)k * size, &members[i], e, values[e]);
        }
    }
}

/* ---- The loop program, evaluated: the same bits */

static Tensor *tensor_called(const Tensors *list, const char *path) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i]->name, path) == 0) return list->at[i];
    }
    return NULL;
}

static void copy_in(const Fact *fact, const void *structure, const NncMember *members, size_t count, const Tensors *list, size_t example, size_t size) {
    for (size_t i = 0; i < count; i++) {
        double *values = loop_values(fact->machine, tensor_called(list, members[i].path)) + example * members[i].count;
        const NncMember at = {.offset = members[i].offset + example * size, .whole = members[i].whole};
        for (size_t e = 0; e < members[i].count; e++) values[e] = get(fact->program, structure, &at, e);
    }
}

/* One step from where the C stands; returns the loss. */
static double step_beside(const Fact *fact, const void *parameters, const void *state, const void *in, const void *target, size_t n, size_t step, uint32_t epoch) {
    const NncProgram *p = fact->program;
    const Program *program = fact->loop->step.program;
    copy_in(fact, parameters, p->parameters, p->parameter_count, &program->parameters, 0, 0);
    copy_in(fact, state, p->states, p->state_count, &program->states, 0, 0);
    for (size_t k = 0; k < n; k++) {
        copy_in(fact, in, p->inputs, p->input_count, &program->inputs, k, p->input_size);
        copy_in(fact, target, p->targets, p->target_count, &program->targets, k, p->target_size);
    }
    *loop_values(fact->machine, program->step) = (double)(step + 1);
    *loop_values(fact->machine, program->epoch) = epoch;
    loop_run(fact->machine, &fact->loop->step, (int64_t)n, 1);
    return *loop_values(fact->machine, program->loss);
}

static void compare_bits(Fact *fact, const void *structure, const NncMember *members, size_t count, const Tensors *list) {
    for (size_t i = 0; i < count; i++) {
        const double *values = loop_values(fact->machine, tensor_called(list, members[i].path));
        for (size_t e = 0; e < members[i].count; e++) {
            double c = get(fact->program, structure, &members[i], e);
            if (memcmp(&c, &values[e], sizeof c) != 0 && fact->differences++ < 3) printf("    %s[%zu] is %.17g in C, %.17g evaluated\n", members[i].path, e, c, values[e]);
        }
    }
}

/* ---- Training */

/* Large facts store every 17th element, under PATH/17. */
static void compare_parameters(Fact *fact, const void *parameters, const NncTensors *expected) {
    const NncProgram *p = fact->program;
    for (size_t i = 0; i < p->parameter_count; i++) {
        const NncMember *member = &p->parameters[i];
        size_t stride = 1;
        const NncTensor *stored = nnc_tensors_find(expected, member->path);
        if (stored == NULL) {
            stored = nnc_tensors_find(expected, arena_printf(fact->arena, "%s/17", member->path));
            stride = 17;
        }
        for (size_t e = 0; stored != NULL && e < stored->count; e++) differ(fact, member->path, e * stride, get(p, parameters, member, e * stride), stored->values[e]);
    }
}

static void check_training(Fact *fact, const NncData *data, const NncTensors *initial, const NncTensors *expected) {
    const NncProgram *p = fact->program;
    void *parameters = calloc(1, p->parameters_size), *state = calloc(1, p->state_size), *work = malloc(p->work_size);
    void *in = calloc(p->batch, p->input_size), *target = calloc(p->batch, p->target_size + 1);
    double metrics[16];
    memset(work, 0xFF, p->work_size); /* NaN: what it holds means nothing */
    p->init(parameters, state, 1);
    for (size_t i = 0; i < p->parameter_count; i++) {
        const NncTensor *stored = nnc_tensors_find(initial, p->parameters[i].path);
        for (size_t e = 0; stored != NULL && e < stored->count; e++) put(p, parameters, &p->parameters[i], e, stored->values[e]);
    }
    const NncTensor *losses = nnc_tensors_find(expected, "loss");
    int64_t rows = (int64_t)data->rows, first = 0;
    uint32_t epoch = 0;
    for (size_t step = 0; step < STEPS; step++) {
        int64_t n = rows - first < (int64_t)p->batch ? rows - first : (int64_t)p->batch;
        fill(p, data, 0, p->inputs, p->input_count, p->input_size, in, first, n);
        fill(p, data, p->input_count, p->targets, p->target_count, p->target_size, target, first, n);
        memcpy((char *)state + p->epoch_offset, &epoch, sizeof epoch);
        double beside = step < STEPS_BESIDE ? step_beside(fact, parameters, state, in, target, (size_t)n, step, epoch) : 0;
        double loss = p->train(parameters, state, work, in, target, (size_t)n, metrics);
        differ(fact, "loss", step, loss, losses->values[step]);
        if (step < STEPS_BESIDE) {
            if (n == 1 && beside != loss && fact->differences++ < 3) printf("    loss is %.17g in C, %.17g evaluated\n", loss, beside);
            compare_bits(fact, parameters, p->parameters, p->parameter_count, &fact->loop->step.program->parameters);
            compare_bits(fact, state, p->states, p->state_count, &fact->loop->step.program->states);
        }
        first += n;
        if (first >= rows) first = 0, epoch++;
    }
    compare_parameters(fact, parameters, expected);
    free(parameters), free(state), free(work), free(in), free(target);
}

static bool check_fact(Arena *arena, const char *folder, const char *name, bool is_double, LoopOptions options, const char *build_folder) {
    Fact fact = {.arena = arena, .compilation = compilation_new(), .name = name, .build = build_folder};
    Compilation *c = fact.compilation;
    const char *why;
    c->source = source_read(c->context.sources, arena_printf(arena, "%s/%s/model.nn", folder, name), &why);
    NncData data;
    NncTensors initial, expected;
    NncTensorsError error;
    bool fine = c->source != 0 && compile(c, stdout) && data_load(c->model, data_block(c->model, "train"), NULL, 1, c->context.arena, c->context.diagnostics, &data);
    fine = fine && nnc_safetensors_load(arena_printf(arena, "%s/%s/initial.safetensors", folder, name), &initial, &error);
    fine = fine && nnc_safetensors_load(arena_printf(arena, "%s/%s/expected.safetensors", folder, name), &expected, &error);
    if (fine) {
        c->model->settings.is_double = is_double;
        void *library = build(&fact, options);
        const NncProgram *(*the_program)(void) = NULL;
        fine = library != NULL;
        if (fine) *(void **)(void *)&the_program = dlsym(library, "the_program");
        if (fine) fact.program = the_program();
        if (fine) fact.machine = loop_machine_new(fact.loop, c->model->training);
        if (fine) check_training(&fact, &data, &initial, &expected);
        loop_machine_free(fact.machine);
        if (fine) dlclose(library);
        nnc_tensors_free(&initial);
        nnc_tensors_free(&expected);
        nnc_data_free(&data);
    }
    fine = fine && fact.differences == 0;
    if (!fine) printf("FAILED %s in %s\n", name, is_double ? "double" : "float");
    fflush(stdout);
    compilation_free(c);
    return fine;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_chosen(const char *name, int count, char **words) {
    for (int i = 1; i < count; i++) {
        if (strstr(name, words[i]) != NULL) return true;
    }
    return count <= 1;
}

int main(int count, char **words) {
    Arena *arena = arena_new();
    const char *folder = NNC_SOURCE_DIR "/tests/facts";
    char build_folder[] = "/tmp/nnc_test_XXXXXX";
    DIR *directory = opendir(folder);
    if (directory == NULL || mkdtemp(build_folder) == NULL) return 1;
    Vec(char *) names = {0};
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat status;
        const char *model = arena_printf(arena, "%s/%s/model.nn", folder, entry->d_name);
        if (stat(model, &status) == 0 && is_chosen(entry->d_name, count, words)) vec_push(arena, &names, arena_text(arena, entry->d_name, strlen(entry->d_name)));
    }
    closedir(directory);
    if (names.count > 0) qsort(names.at, names.count, sizeof *names.at, by_name);
    size_t failed = 0;
    LoopOptions loops = {.unroll = UNROLL_NONE, .annotate = 1, .gradients = true}, automatic = {.unroll = UNROLL_AUTO, .annotate = 2};
    for (size_t i = 0; i < names.count; i++) {
        failed += !check_fact(arena, folder, names.at[i], true, loops, build_folder);
        failed += !check_fact(arena, folder, names.at[i], false, automatic, build_folder);
    }
    printf("%zu facts, %zu failures\n", names.count, failed);
    run((const char *const[]){"rm", "-rf", build_folder, NULL});
    arena_free(arena);
    return failed == 0 && names.count > 0 ? 0 : 1;
}
