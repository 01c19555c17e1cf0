/* The C that the compiler writes, against PyTorch: each fact of tests/facts is compiled to C, with the strictest flags, loaded, and
   trained for 20 steps, in double or in float, every second one in both. Arguments choose among the facts:  test_generated layer_ lenet */
#define _XOPEN_SOURCE 700
#include "_generated.h"

#include "data.h"
#include "loop/evaluate.h"
#include "safetensors.h"

#ifndef FAST
#define FAST false /* true: test_generated_fast.c */
#endif
#ifndef SHARE
#define SHARE 1 /* one fact of so many: compilers take their time */
#endif
#ifndef TARGET
#define TARGET "portable" /* "native": test_generated_vectors.c */
#endif

enum { STEPS = 20, STEPS_BESIDE = 3 };

static void fill(const NncProgram *p, const NncData *data, size_t first_array, const NncMember *members, size_t count,
                 size_t size, void *examples, int64_t row, int64_t n) {
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

/* The member as it stands in memory, as the machine's values do: one number behind the other. */
static NncMember flat(const NncMember *member, size_t away) {
    return (NncMember){.offset = member->offset + away, .whole = member->whole};
}

static void copy_in(const Generated *g, const void *structure, const NncMember *members, size_t count, const Tensors *list,
                    size_t example, size_t size) {
    for (size_t i = 0; i < count; i++) {
        double *values = loop_values(g->machine, tensor_called(list, members[i].path)) + example * members[i].count;
        const NncMember at = flat(&members[i], example * size);
        for (size_t e = 0; e < members[i].count; e++) values[e] = get(g->program, structure, &at, e);
    }
}

/* One step from where the C stands; returns the loss. */
static double step_beside(const Generated *g, const void *parameters, const void *state, const void *in, const void *target,
                          size_t n, size_t step, uint32_t epoch) {
    const NncProgram *p = g->program;
    const Program *program = g->loop->step.program;
    copy_in(g, parameters, p->parameters, p->parameter_count, &program->parameters, 0, 0);
    copy_in(g, state, p->states, p->state_count, &program->states, 0, 0);
    for (size_t k = 0; k < n; k++) {
        copy_in(g, in, p->inputs, p->input_count, &program->inputs, k, p->input_size);
        copy_in(g, target, p->targets, p->target_count, &program->targets, k, p->target_size);
    }
    *loop_values(g->machine, program->step) = (double)(step + 1);
    *loop_values(g->machine, program->epoch) = epoch;
    loop_run(g->machine, &g->loop->step, (int64_t)n, 1);
    return *loop_values(g->machine, program->loss);
}

static void compare_bits(Generated *g, const void *structure, const NncMember *members, size_t count, const Tensors *list) {
    for (size_t i = 0; i < count; i++) {
        const double *values = loop_values(g->machine, tensor_called(list, members[i].path));
        const NncMember at = flat(&members[i], 0);
        for (size_t e = 0; e < members[i].count; e++) {
            double c = get(g->program, structure, &at, e);
            if (memcmp(&c, &values[e], sizeof c) != 0 && g->differences++ < 3)
                printf("    %s[%zu] is %.17g in C, %.17g evaluated\n", members[i].path, e, c, values[e]);
        }
    }
}

/* ---- Training */

/* Large facts store every 17th element, under PATH/17. */
static void compare_parameters(Generated *g, const void *parameters, const NncTensors *expected) {
    const NncProgram *p = g->program;
    for (size_t i = 0; i < p->parameter_count; i++) {
        const NncMember *member = &p->parameters[i];
        size_t stride = 1;
        const NncTensor *stored = nnc_tensors_find(expected, member->path);
        if (stored == NULL) {
            stored = nnc_tensors_find(expected, arena_printf(g->arena, "%s/17", member->path));
            stride = 17;
        }
        for (size_t e = 0; stored != NULL && e < stored->count; e++)
            differ(g, member->path, e * stride, get(p, parameters, member, e * stride), stored->values[e]);
    }
}

static void check_training(Generated *g, const NncData *data, const NncTensors *initial, const NncTensors *expected) {
    const NncProgram *p = g->program;
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
        bool looks = step < STEPS_BESIDE && !g->loop->options.fast && g->loop->options.target->bytes == 0;
        double beside = looks ? step_beside(g, parameters, state, in, target, (size_t)n, step, epoch) : 0;
        double loss = p->train(parameters, state, work, in, target, (size_t)n, metrics);
        differ(g, "loss", step, loss, losses->values[step]);
        if (looks) {
            if (n == 1 && beside != loss && g->differences++ < 3)
                printf("    loss is %.17g in C, %.17g evaluated\n", loss, beside);
            compare_bits(g, parameters, p->parameters, p->parameter_count, &g->loop->step.program->parameters);
            compare_bits(g, state, p->states, p->state_count, &g->loop->step.program->states);
        }
        first += n;
        if (first >= rows) first = 0, epoch++;
    }
    compare_parameters(g, parameters, expected);
    free(parameters), free(state), free(work), free(in), free(target);
}

static bool check_fact(Arena *arena, const char *folder, const char *name, bool is_double, LoopOptions options,
                       const char *build_folder, bool thorough, bool quick) {
    Generated g = {.arena = arena,
                   .compilation = compilation_new(),
                   .build = build_folder,
                   .optimize = options.fast ? thorough ? "-O3" : "-O2"
                               : thorough   ? "-O1"
                                            : "-O0", /* cli.bits has other levels */
                   .quick = quick && !thorough && options.target->bytes == 0,
                   .tolerance = is_double      ? 1e-9
                                : options.fast ? 1e-3 /* reordered sums, magnified by adam and its kin in the worst case */
                                               : 2e-5};
    Compilation *c = g.compilation;
    const char *why;
    c->source = source_read(c->context.sources, arena_printf(arena, "%s/%s/model.nn", folder, name), &why);
    NncData data;
    NncTensors initial, expected;
    NncTensorsError error;
    bool fine = c->source != 0 && compile(c, stdout) &&
                data_load(c->model, data_block(c->model, "train"), NULL, 1, c->context.arena, c->context.diagnostics, &data);
    fine = fine && nnc_safetensors_load(arena_printf(arena, "%s/%s/initial.safetensors", folder, name), &initial, &error);
    fine = fine && nnc_safetensors_load(arena_printf(arena, "%s/%s/expected.safetensors", folder, name), &expected, &error);
    if (fine) {
        c->model->settings.is_double = is_double;
        fine = generated_build(&g, options);
        if (fine) g.machine = loop_machine_new(g.loop, c->model->training);
        if (fine) check_training(&g, &data, &initial, &expected);
        loop_machine_free(g.machine);
        if (g.library != NULL) dlclose(g.library);
        nnc_tensors_free(&initial);
        nnc_tensors_free(&expected);
        nnc_data_free(&data);
    }
    fine = fine && g.differences == 0;
    if (!fine) printf("FAILED %s in %s%s\n", name, options.fast ? "fast " : "", is_double ? "double" : "float");
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
        if (stat(model, &status) == 0 && is_chosen(entry->d_name, count, words))
            vec_push(arena, &names, arena_text(arena, entry->d_name, strlen(entry->d_name)));
    }
    closedir(directory);
    if (names.count > 0) qsort(names.at, names.count, sizeof *names.at, by_name);
    size_t failed = 0;
    const Target *target = target_find(TARGET);
    LoopOptions loops = {.target = target, .unroll = UNROLL_NONE, .annotate = 1, .gradients = true},
                automatic = {.target = target, .unroll = UNROLL_AUTO, .annotate = 2},
                fast = {.target = target, .unroll = UNROLL_AUTO, .fast = true};
    for (size_t i = 0; i < names.count; i += SHARE * EVERY) {
        size_t turn = i / (SHARE * EVERY) % 4;
        bool thorough = turn == 0; /* better optimized, with warnings that need it */
        bool in_double = !FAST && turn != 2, in_float = FAST || turn != 1;
        failed += in_double && !check_fact(arena, folder, names.at[i], true, loops, build_folder, thorough, true);
        failed += in_float && !check_fact(arena, folder, names.at[i], false, FAST ? fast : automatic, build_folder,
                                          FAST && thorough, !FAST && turn == 3);
    }
    printf("%zu facts, %zu failures\n", (names.count + SHARE * EVERY - 1) / (SHARE * EVERY), failed);
    run((const char *const[]){"rm", "-rf", build_folder, NULL});
    arena_free(arena);
    return failed == 0 && names.count > 0 ? 0 : 1;
}
