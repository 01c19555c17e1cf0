/* For tests that compile a model from text and run it at a random point that does not depend on what the compiler made of it. */
#ifndef NNC_TESTS_MODEL_H
#define NNC_TESTS_MODEL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "random.h"
#include "tensor/evaluate.h"

typedef struct {
    Compilation *compilation;
    Program *program;
    Machine *machine;
} ModelRun;

/* Compiles as far as `stop` (NULL: all steps), with a batch of 3. program is NULL after an error, which is printed. */
static inline ModelRun model_new(const char *text, const char *stop) {
    ModelRun run = {.compilation = compilation_new()};
    Compilation *c = run.compilation;
    c->source = source_add(c->context.sources, "model.nn", text, strlen(text), false);
    c->options = (CompileOptions){.stop = stop, .check = true, .batch = 3};
    if (compile(c, stdout)) {
        run.program = c->model->training;
        run.machine = machine_new(run.program);
    } else {
        diagnostics_print(c->context.diagnostics, stderr, false);
        fprintf(stderr, "%s\n", text);
    }
    return run;
}

static inline void model_free(ModelRun *run) {
    if (run->machine != NULL) machine_free(run->machine);
    compilation_free(run->compilation);
}

/* One more step on what was compiled so far. */
static inline void model_step(ModelRun *run, void (*step)(Program *)) {
    const char *why;
    machine_free(run->machine);
    step(run->program);
    if (!program_check(run->program, &why)) bug("%s", why);
    run->machine = machine_new(run->program);
}

static inline uint64_t model_hash(const char *name) {
    uint64_t hash = 1469598103934665603u; /* Fowler, Noll, Vo */
    for (; *name != '\0'; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash >> 1;
}

static inline double model_uniform(uint64_t seed, const char *name, int64_t element) {
    return nnc_random_uniform(seed, model_hash(name), 7, (uint64_t)element);
}

static inline double model_normal(uint64_t seed, const char *name, int64_t element) {
    double radius = sqrt(-2 * log(1 - model_uniform(seed, name, 2 * element)));
    return radius * cos(6.283185307179586 * model_uniform(seed, name, 2 * element + 1));
}

/* The point is a function of the seed and the names of the tensors: parameters are their initial values + 0.3 N(0, 1), inputs N(0, 1),
   targets uniform in 0.1 .. 0.9, or one-hot where the program relies on it. */
static inline void model_fill(ModelRun *run, uint64_t seed) {
    Program *program = run->program;
    machine_seed(run->machine, seed, 0);
    machine_run(run->machine, &program->initial);
    for (size_t p = 0; p < program->parameters.count; p++) {
        const Tensor *t = program->parameters.at[p];
        for (int64_t i = 0; i < (int64_t)tensor_points(t); i++)
            machine_values(run->machine, t)[i] += 0.3 * model_normal(seed, t->name, i);
    }
    for (size_t p = 0; p < program->inputs.count; p++) {
        const Tensor *t = program->inputs.at[p];
        for (int64_t i = 0; i < (int64_t)tensor_points(t); i++) {
            double u = model_uniform(seed, t->name, i);
            machine_values(run->machine, t)[i] =
                t->index_range > 0 ? floor(u * (double)t->index_range) : model_normal(seed, t->name, i);
        }
    }
    for (size_t p = 0; p < program->targets.count; p++) {
        const Tensor *t = program->targets.at[p];
        int64_t last = t->rank > t->batched ? t->shape[t->rank - 1] : 1;
        double *values = machine_values(run->machine, t);
        for (int64_t i = 0; i < (int64_t)tensor_points(t); i++) {
            double u = model_uniform(seed, t->name, i);
            if (t->index_range > 0) values[i] = floor(u * (double)t->index_range);
            else if (t->facts.sums_to_one)
                values[i] = i % last == (int64_t)(model_uniform(seed, t->name, i / last) * (double)last);
            else values[i] = 0.1 + 0.8 * u;
        }
    }
    machine_batch(run->machine, program->batch != NULL ? program->batch->size : 1);
    machine_seed(run->machine, seed, 1);
    *machine_values(run->machine, program->step) = 1;
    *machine_values(run->machine, program->epoch) = 0;
}

static inline double model_loss(ModelRun *run) {
    machine_run(run->machine, &run->program->forward);
    return *machine_values(run->machine, run->program->loss);
}

static inline Tensor *model_find(const ModelRun *run, const char *name) {
    for (size_t i = 0; i < run->program->all.count; i++) {
        if (strcmp(run->program->all.at[i]->name, name) == 0) return run->program->all.at[i];
    }
    return NULL;
}

static inline const Tensor *model_adjoint(const Program *program, const Tensor *tensor) {
    for (size_t i = 0; i < program->all.count; i++) {
        if (program->all.at[i]->kind == TENSOR_ADJOINT && program->all.at[i]->of == tensor) return program->all.at[i];
    }
    return NULL;
}

/* dloss / d tensor after forward and backward; NULL where there is none. */
static inline const double *model_gradient(const ModelRun *run, const Tensor *tensor) {
    const Tensor *adjoint = model_adjoint(run->program, tensor);
    return adjoint == NULL || adjoint->definition == NULL ? NULL : machine_values(run->machine, adjoint);
}

#endif
