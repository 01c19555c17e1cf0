/* Each folder of tests/facts is a model, the values from which it starts, and what PyTorch makes of them in 20 steps. The same code
   trains here as in `nnc run`. Arguments choose among the facts:  test_facts layer_ lenet */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/parameters.h"
#include "commands/trainer.h"
#include "compile.h"
#include "safetensors.h"

enum { STEPS = 20, SHOWN = 3 };
static const double TOLERANCE = 1e-9;

typedef struct {
    const char *name;
    Compilation *compilation;
    Arena *arena;
    int differences;
} Fact;

static void differ(Fact *fact, const char *what, size_t element, double actual, double expected) {
    if (fact->differences++ < SHOWN) printf("    %s[%zu] is %.17g instead of %.17g\n", what, element, actual, expected);
}

static void compare(Fact *fact, const char *what, size_t element, double actual, double expected) {
    if (!(fabs(actual - expected) <= TOLERANCE * fmax(1, fabs(expected)))) differ(fact, what, element, actual, expected);
}

/* `hidden.W`, or every 17th element of it as `hidden.W/17`. */
static void compare_parameter(Fact *fact, Machine *machine, const Tensor *parameter, const NncTensors *expected) {
    const char *sampled = arena_printf(fact->arena, "%s/17", parameter->name);
    const NncTensor *stored = nnc_tensors_find(expected, parameter->name);
    size_t stride = 1;
    if (stored == NULL) {
        stored = nnc_tensors_find(expected, sampled);
        stride = 17;
    }
    size_t points = (size_t)tensor_points(parameter);
    if (stored == NULL || stored->count != (points + stride - 1) / stride) {
        printf("    expected.safetensors does not hold %s of %zu elements\n", parameter->name, points);
        fact->differences++;
        return;
    }
    for (size_t i = 0; i < stored->count; i++)
        compare(fact, parameter->name, i * stride, machine_values(machine, parameter)[i * stride], stored->values[i]);
}

static void train(Fact *fact, const NncData *data, const char *initial, const NncTensors *expected) {
    Compilation *c = fact->compilation;
    const Program *program = c->model->training;
    Trainer *trainer = trainer_new(c->model, data, c->model->settings.seed);
    Machine *machine = trainer_machine(trainer);
    const NncTensor *losses = nnc_tensors_find(expected, "loss");
    if (losses == NULL || losses->count != STEPS + 1) {
        puts("    expected.safetensors does not hold loss[21]");
        fact->differences++;
    } else if (parameters_load(initial, program, machine, fact->arena, c->context.diagnostics)) {
        for (size_t step = 0; step < STEPS; step++) compare(fact, "loss", step, trainer_step(trainer), losses->values[step]);
        compare(fact, "loss", STEPS, trainer_look_ahead(trainer), losses->values[STEPS]);
        for (size_t p = 0; p < program->parameters.count; p++)
            compare_parameter(fact, machine, program->parameters.at[p], expected);
    }
    trainer_free(trainer);
}

static bool check_fact(const char *folder, const char *name) {
    Fact fact = {.name = name, .compilation = compilation_new()};
    Compilation *c = fact.compilation;
    Diagnostics *diagnostics = c->context.diagnostics;
    fact.arena = c->context.arena;
    const char *why;
    c->source = source_read(c->context.sources, arena_printf(fact.arena, "%s/%s/model.nn", folder, name), &why);
    c->options.check = true;
    NncTensors expected;
    NncTensorsError error;
    bool fine = true;
    if (c->source == 0) {
        printf("    model.nn: %s\n", why);
        fine = false;
    } else if (!nnc_safetensors_load(arena_printf(fact.arena, "%s/%s/expected.safetensors", folder, name), &expected, &error)) {
        printf("    expected.safetensors: %s\n", error.message);
        fine = false;
    } else {
        NncData data;
        const DataBlock *block = NULL;
        fine = compile(c, stdout) && (block = data_block(c->model, "train")) != NULL &&
               data_load(c->model, block, NULL, c->model->settings.seed, fact.arena, diagnostics, &data);
        if (fine) {
            train(&fact, &data, arena_printf(fact.arena, "%s/%s/initial.safetensors", folder, name), &expected);
            nnc_data_free(&data);
        }
        nnc_tensors_free(&expected);
    }
    diagnostics_print(diagnostics, stdout, false);
    fine = fine && fact.differences == 0 && diagnostics->errors == 0;
    printf("%s %s\n", fine ? "ok    " : "FAILED", name);
    if (fact.differences > SHOWN) printf("    and %d more\n", fact.differences - SHOWN);
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
    const char *folder = NNC_SOURCE_DIR "/tests/facts";
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        printf("there is no %s\n", folder);
        return 1;
    }
    Arena *arena = arena_new();
    Vec(char *) names = {0};
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat status;
        const char *model = arena_printf(arena, "%s/%s/model.nn", folder, entry->d_name);
        if (stat(model, &status) != 0 || !is_chosen(entry->d_name, count, words)) continue;
        vec_push(arena, &names, arena_text(arena, entry->d_name, strlen(entry->d_name)));
    }
    closedir(directory);
    if (names.count > 0) qsort(names.at, names.count, sizeof *names.at, by_name);
    size_t failed = 0;
    for (size_t i = 0; i < names.count; i++) failed += !check_fact(folder, names.at[i]);
    printf("%zu of %zu facts hold\n", names.count - failed, names.count);
    bool fine = failed == 0 && names.count > 0;
    arena_free(arena);
    return fine ? 0 : 1;
}
