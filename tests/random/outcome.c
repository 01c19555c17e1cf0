#define _XOPEN_SOURCE 700
#include "../unit/_generated.h"
#include "../unit/_model.h"

#include "judge.h"

enum { STEPS = 6, METRICS = 64 };

static void note(Outcome *o, const char *name, double value) {
    vec_push(o->arena, &o->numbers, value);
    if (name == NULL) name = "a mean";                                       /* from which metrics are calculated */
    vec_push(o->arena, &o->names, arena_text(o->arena, name, strlen(name))); /* a name of the C is gone with its library */
    o->finite &= isfinite(value);
}

/* ---- Data: two batches and a half, so that each epoch ends with an incomplete one */

static double element(const Tensor *t, bool is_target, size_t i, size_t width) {
    size_t last = t->rank > t->batched ? (size_t)t->shape[t->rank - 1] : 1;
    double u = model_uniform(5, t->name, (int64_t)i);
    if (t->index_range > 0) return floor(u * (double)t->index_range);
    if (!is_target) return (double)(float)model_normal(5, t->name, (int64_t)i);
    if (t->facts.sums_to_one) { /* to a class, or where that is allowed its share to the next one */
        size_t class = (size_t)(model_uniform(5, t->name, (int64_t)(i / last)) * (double)last), at = i % width % last;
        double share = t->facts.one_hot || last == 1 ? 1 : 0.75;
        return at == class ? share : at == (class + 1) % last ? 1 - share : 0;
    }
    return (double)(float)(0.1 + 0.8 * u);
}

static void make_array(Arena *arena, NncArray *array, const Tensor *t, bool is_target, size_t rows, double noise) {
    *array = (NncArray){.tensor = t->name, .width = (size_t)(tensor_points(t) / (double)(t->batched ? t->shape[0] : 1))};
    array->values = NEW_ARRAY(arena, double, rows * array->width);
    for (size_t i = 0; i < rows * array->width; i++) {
        array->values[i] = element(t, is_target, i, array->width);
        if (t->index_range == 0) array->values[i] *= 1 + noise * (2 * model_uniform(6, t->name, (int64_t)i) - 1);
    }
}

NncData random_data(Arena *arena, const Model *model, double noise) {
    const Program *program = model->training;
    size_t rows = (size_t)(model->settings.batch * 5 / 2), inputs = program->inputs.count;
    NncData data = {.rows = rows, .training_count = rows, .array_count = inputs + program->targets.count};
    data.arrays = NEW_ARRAY(arena, NncArray, data.array_count);
    data.training = NEW_ARRAY(arena, uint32_t, rows);
    for (size_t i = 0; i < rows; i++) data.training[i] = (uint32_t)i;
    for (size_t i = 0; i < inputs; i++) make_array(arena, &data.arrays[i], program->inputs.at[i], false, rows, noise);
    for (size_t i = 0; i < program->targets.count; i++)
        make_array(arena, &data.arrays[inputs + i], program->targets.at[i], true, rows, noise);
    return data;
}

static const NncArray *array_of(const NncData *data, const char *name) {
    const NncArray *array = data->arrays;
    while (strcmp(array->tensor, name) != 0) array++;
    return array;
}

/* How many examples are predicted: a batch that is not full, where there is such. */
static size_t predicted(const Model *model) { return (size_t)(model->settings.batch > 1 ? model->settings.batch - 1 : 1); }

/* ---- The interpreter */

static void note_tensors(Outcome *o, Machine *machine, const Tensors *tensors, int64_t examples) {
    for (size_t i = 0; i < tensors->count; i++) {
        const Tensor *t = tensors->at[i];
        double count = tensor_points(t) / (double)(t->batched ? t->shape[0] : 1) * (double)examples;
        for (int64_t e = 0; e < (int64_t)count; e++)
            note(o, t->name, machine_values(machine, t)[t->batched ? e : e % (int64_t)tensor_points(t)]);
    }
}

static void feed(Machine *machine, const Tensors *tensors, const NncData *data, size_t examples) {
    for (size_t i = 0; i < tensors->count; i++) {
        const NncArray *array = array_of(data, tensors->at[i]->name);
        memcpy(machine_values(machine, tensors->at[i]), array->values, sizeof(double) * array->width * examples);
    }
}

static void copy(Machine *to, const Tensors *targets, Machine *from, const Tensors *sources) {
    for (size_t i = 0; i < targets->count; i++) {
        for (size_t k = 0; k < sources->count; k++) {
            if (targets->at[i]->name != sources->at[k]->name) continue;
            memcpy(machine_values(to, targets->at[i]), machine_values(from, sources->at[k]),
                   sizeof(double) * (size_t)tensor_points(targets->at[i]));
        }
    }
}

static void predict(Outcome *o, const Model *model, Trainer *trainer, const NncData *data) {
    const Program *program = model->inference;
    Machine *machine = machine_new(program);
    size_t n = predicted(model);
    machine_batch(machine, (int64_t)n);
    machine_seed(machine, 0, 0);
    copy(machine, &program->parameters, trainer_machine(trainer), &model->training->parameters);
    feed(machine, &program->inputs, data, n);
    feed(machine, &program->targets, data, n);
    machine_run(machine, &program->forward);
    note_tensors(o, machine, &program->outputs, (int64_t)n);
    machine_free(machine);
}

static void move_parameters(Machine *machine, const Tensors *parameters, double noise) {
    for (size_t i = 0; i < parameters->count; i++) {
        double *values = machine_values(machine, parameters->at[i]);
        for (int64_t e = 0; e < (int64_t)tensor_points(parameters->at[i]); e++)
            values[e] *= 1 + noise * (2 * model_uniform(6, parameters->at[i]->name, e) - 1);
    }
}

Outcome interpreted(Arena *arena, const Model *model, const NncData *data, double noise) {
    const Program *program = model->training;
    Outcome o = {.arena = arena, .finite = true};
    Trainer *trainer = trainer_new(model, data, 1);
    double loss, metrics[METRICS];
    move_parameters(trainer_machine(trainer), &program->parameters, noise);
    for (size_t step = 0; step < STEPS && o.finite; step++) {
        note(&o, "loss", trainer_step(trainer));
        for (size_t m = 0; m < program->metrics.count; m++)
            note(&o, program->metrics.at[m].name, *machine_values(trainer_machine(trainer), program->metrics.at[m].tensor));
    }
    note_tensors(&o, trainer_machine(trainer), &program->parameters, 1);
    note_tensors(&o, trainer_machine(trainer), &program->states, 1);
    trainer_evaluate(trainer, data->training, (int64_t)data->rows, &loss, metrics);
    note(&o, "loss held out", loss);
    for (size_t m = 0; m < program->metrics.count; m++) note(&o, program->metrics.at[m].name, metrics[m]);
    predict(&o, model, trainer, data);
    trainer_free(trainer);
    return o;
}

/* ---- The C */

static void fill(const NncProgram *p, const NncData *data, const NncMember *members, size_t count, size_t size, void *examples,
                 size_t row, size_t n) {
    for (size_t i = 0; i < count; i++) {
        const NncArray *array = array_of(data, members[i].path);
        for (size_t k = 0; k < n; k++) {
            for (size_t e = 0; e < array->width; e++)
                put(p, (char *)examples + k * size, &members[i], e, array->values[(row + k) * array->width + e]);
        }
    }
}

static void note_members(Outcome *o, const NncProgram *p, const Tensors *tensors, const NncMember *members, size_t count,
                         const void *structure) {
    for (size_t i = 0; i < tensors->count; i++) {
        size_t m = 0;
        while (m < count && strcmp(members[m].path, tensors->at[i]->name) != 0) m++;
        if (m == count) printf("nothing is called %s\n", tensors->at[i]->name);
        for (size_t e = 0; m < count && e < members[m].count; e++) note(o, members[m].path, get(p, structure, &members[m], e));
    }
}

static void note_metrics(Outcome *o, const NncProgram *p, double *metrics) {
    if (p->combine != NULL) p->combine(metrics);
    for (size_t m = 0; m < p->metric_count; m++) note(o, p->metrics[m], metrics[m]);
}

static void note_predictions(Outcome *o, const Model *model, const Library *library, const void *parameters, const void *in) {
    size_t n = predicted(model);
    void *work = malloc(library->predict_work_size + 1), *out = calloc(n, library->output_size);
    memset(work, 0xFF, library->predict_work_size);
    library->predict(parameters, work, in, out, n);
    for (size_t i = 0; i < library->output_count; i++) {
        for (size_t k = 0; k < n; k++) {
            for (size_t e = 0; e < library->outputs[i].count; e++)
                note(o, library->outputs[i].path,
                     get(library->program, (char *)out + k * library->output_size, &library->outputs[i], e));
        }
    }
    free(work), free(out);
}

Outcome executed(Arena *arena, const Model *model, const NncData *data, const Library *library) {
    const NncProgram *p = library->program;
    const Program *program = model->training;
    Outcome o = {.arena = arena, .finite = true};
    void *parameters = calloc(1, p->parameters_size + 1), *state = calloc(1, p->state_size + 1);
    void *work = malloc(p->work_size + 1), *evaluate_work = malloc(p->evaluate_work_size + 1);
    void *in = calloc(data->rows, p->input_size + 1), *target = calloc(data->rows, p->target_size + 1);
    double metrics[METRICS];
    memset(work, 0xFF, p->work_size); /* NaN: what it holds means nothing */
    memset(evaluate_work, 0xFF, p->evaluate_work_size);
    p->init(parameters, state, 1);
    size_t row = 0;
    uint32_t epoch = 0;
    for (size_t step = 0; step < STEPS; step++) {
        size_t n = data->rows - row < p->batch ? data->rows - row : p->batch;
        fill(p, data, p->inputs, p->input_count, p->input_size, in, row, n);
        fill(p, data, p->targets, p->target_count, p->target_size, target, row, n);
        memcpy((char *)state + p->epoch_offset, &epoch, sizeof epoch);
        note(&o, "loss", p->train(parameters, state, work, in, target, n, metrics));
        note_metrics(&o, p, metrics);
        row += n;
        if (row >= data->rows) row = 0, epoch++;
    }
    note_members(&o, p, &program->parameters, p->parameters, p->parameter_count, parameters);
    note_members(&o, p, &program->states, p->states, p->state_count, state);
    fill(p, data, p->inputs, p->input_count, p->input_size, in, 0, data->rows);
    fill(p, data, p->targets, p->target_count, p->target_size, target, 0, data->rows);
    note(&o, "loss held out", p->evaluate(parameters, state, evaluate_work, in, target, data->rows, metrics));
    note_metrics(&o, p, metrics);
    if (library->predict != NULL) note_predictions(&o, model, library, parameters, in);
    free(parameters), free(state), free(work), free(evaluate_work), free(in), free(target);
    return o;
}
