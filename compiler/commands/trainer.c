#include "commands/trainer.h"

#include <math.h>

#include "random.h"

struct Trainer {
    Arena *arena;
    const Model *model;
    const NncData *data;
    uint64_t seed;
    Machine *machine, *inference; /* inference: made when it is first needed */
    int64_t steps, examples, ordered_epoch;
    uint32_t *order; /* the training rows in the order of ordered_epoch */
};

static void set(Machine *machine, const Tensor *tensor, double value) {
    if (tensor != NULL) *machine_values(machine, tensor) = value;
}

Trainer *trainer_new(const Model *model, const NncData *data, uint64_t seed) {
    Arena *arena = arena_new();
    Trainer *trainer = NEW(arena, Trainer);
    *trainer = (Trainer){.arena = arena, .model = model, .data = data, .seed = seed, .ordered_epoch = -1};
    trainer->machine = machine_new(model->training);
    trainer->order = NEW_ARRAY(arena, uint32_t, data->training_count);
    machine_seed(trainer->machine, seed, 0);
    machine_run(trainer->machine, &model->training->initial);
    return trainer;
}

void trainer_free(Trainer *trainer) {
    if (trainer == NULL) return;
    machine_free(trainer->machine);
    machine_free(trainer->inference);
    arena_free(trainer->arena);
}

int64_t trainer_steps(const Trainer *trainer) { return trainer->steps; }

int64_t trainer_batches(const Trainer *trainer) {
    return ((int64_t)trainer->data->training_count + trainer->model->settings.batch - 1) / trainer->model->settings.batch;
}

int64_t trainer_epoch(const Trainer *trainer) { return trainer->steps / trainer_batches(trainer); }
int64_t trainer_examples(const Trainer *trainer) { return trainer->examples; }
Machine *trainer_machine(Trainer *trainer) { return trainer->machine; }

/* ---- Batches */

static const Tensor *fed_tensor(const Program *program, Name name) {
    for (size_t i = 0; i < program->inputs.count; i++) {
        if (program->inputs.at[i]->name == name) return program->inputs.at[i];
    }
    for (size_t i = 0; i < program->targets.count; i++) {
        if (program->targets.at[i]->name == name) return program->targets.at[i];
    }
    return NULL; /* the program does not need it */
}

static void feed(const NncData *data, Machine *machine, const Program *program, const uint32_t *rows, int64_t count) {
    machine_batch(machine, count);
    for (size_t a = 0; a < data->array_count; a++) {
        const NncArray *array = &data->arrays[a];
        const Tensor *tensor = fed_tensor(program, array->tensor);
        if (tensor == NULL) continue;
        double *values = machine_values(machine, tensor);
        for (int64_t i = 0; i < count; i++) {
            memcpy(values + (size_t)i * array->width, array->values + rows[i] * array->width, sizeof *values * array->width);
        }
    }
}

/* The rows of an epoch: shuffled by seed and epoch alone, or as the data has them. */
static void put_in_order(Trainer *trainer, int64_t epoch) {
    const NncData *data = trainer->data;
    if (trainer->ordered_epoch == epoch) return;
    trainer->ordered_epoch = epoch;
    if (trainer->model->settings.shuffle)
        nnc_shuffle(trainer->seed, (uint64_t)epoch, trainer->order, (uint32_t)data->training_count);
    for (size_t i = 0; i < data->training_count; i++) {
        trainer->order[i] = data->training[trainer->model->settings.shuffle ? trainer->order[i] : i];
    }
}

/* Runs the forward pass on the batch of the next step. */
static double forward(Trainer *trainer) {
    const Program *program = trainer->model->training;
    int64_t batch = trainer->model->settings.batch, batches = trainer_batches(trainer);
    int64_t epoch = trainer->steps / batches, first = trainer->steps % batches * batch;
    int64_t left = (int64_t)trainer->data->training_count - first;
    put_in_order(trainer, epoch);
    trainer->examples = left < batch ? left : batch;
    machine_seed(trainer->machine, trainer->seed, (uint64_t)trainer->steps + 1);
    feed(trainer->data, trainer->machine, program, trainer->order + first, trainer->examples);
    set(trainer->machine, program->step, (double)(trainer->steps + 1));
    set(trainer->machine, program->epoch, (double)epoch);
    machine_run(trainer->machine, &program->forward);
    return *machine_values(trainer->machine, program->loss);
}

double trainer_step(Trainer *trainer) {
    const Program *program = trainer->model->training;
    double loss = forward(trainer);
    if (!isfinite(loss)) return loss;
    machine_run(trainer->machine, &program->backward);
    machine_run(trainer->machine, &program->update);
    trainer->steps++;
    return loss;
}

double trainer_look_ahead(Trainer *trainer) { return forward(trainer); }

/* ---- Inference */

static void copy_by_name(Trainer *trainer, const Tensors *to, const Tensors *from) {
    for (size_t i = 0; i < to->count; i++) {
        for (size_t k = 0; k < from->count; k++) {
            const Tensor *target = to->at[i], *source = from->at[k];
            if (target->name != source->name) continue;
            memcpy(machine_values(trainer->inference, target), machine_values(trainer->machine, source),
                   sizeof(double) * (size_t)tensor_points(target));
        }
    }
}

void trainer_combine(Machine *machine, const Program *program, double *metrics) {
    Arena *arena = arena_new();
    Statements combining = program_combining(arena, program);
    for (size_t m = 0; m < program->metrics.count; m++) *machine_values(machine, program->metrics.at[m].tensor) = metrics[m];
    machine_run(machine, &combining);
    for (size_t m = 0; m < program->metrics.count; m++) metrics[m] = *machine_values(machine, program->metrics.at[m].tensor);
    arena_free(arena);
}

void trainer_evaluate(Trainer *trainer, const uint32_t *rows, int64_t count, double *loss, double *metrics) {
    const Program *program = trainer->model->inference, *training = trainer->model->training;
    int64_t batch = trainer->model->settings.batch;
    if (trainer->inference == NULL) trainer->inference = machine_new(program);
    Machine *machine = trainer->inference;
    copy_by_name(trainer, &program->parameters, &training->parameters);
    copy_by_name(trainer, &program->states, &training->states);
    machine_seed(machine, 0, 0); /* the same numbers each time, as in C */
    set(machine, program->step, (double)trainer->steps);
    set(machine, program->epoch, (double)trainer_epoch(trainer));
    *loss = 0;
    for (size_t m = 0; m < program->metrics.count; m++) metrics[m] = 0;
    for (int64_t first = 0; first < count; first += batch) {
        int64_t n = count - first < batch ? count - first : batch;
        feed(trainer->data, machine, program, rows + first, n);
        machine_run(machine, &program->forward);
        if (program->loss != NULL) *loss += (double)n * *machine_values(machine, program->loss);
        for (size_t m = 0; m < program->metrics.count; m++)
            metrics[m] += (double)n * *machine_values(machine, program->metrics.at[m].tensor);
    }
    *loss /= (double)count;
    for (size_t m = 0; m < program->metrics.count; m++) metrics[m] /= (double)count;
    trainer_combine(machine, program, metrics);
}

/* ---- Numbers that are none */

static bool holds(Trainer *trainer, const Tensor *tensor, bool infinity) {
    const double *values = machine_values(trainer->machine, tensor);
    int64_t points = (int64_t)(tensor_elements(tensor) * (tensor->batched ? (double)trainer->examples : 1));
    for (int64_t i = 0; i < points; i++) {
        if (infinity ? isinf(values[i]) : isnan(values[i])) return true;
    }
    return false;
}

const Tensor *trainer_culprit(Trainer *trainer) {
    const Program *program = trainer->model->training;
    for (int infinity = 0; infinity <= 1; infinity++) {
        for (size_t i = 0; i < program->parameters.count; i++) {
            if (holds(trainer, program->parameters.at[i], infinity)) return program->parameters.at[i];
        }
        for (size_t i = 0; i < program->forward.count; i++) {
            if (holds(trainer, program->forward.at[i]->target, infinity)) return program->forward.at[i]->target;
        }
    }
    return program->loss;
}
