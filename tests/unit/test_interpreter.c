/* The C that the compiler writes, against the interpreter: models of the examples, the facts and tests/gradients, with data from a
   formula, step by step for 50 steps, or 8 where the network is large, and then what both predict. Arguments are models instead:
   test_interpreter path/to/model.nn */
#define _XOPEN_SOURCE 700
#include "_generated.h"
#include "_model.h"

#include "commands/trainer.h"
#include "random.h"

enum {
    STEPS = 50,
    STEPS_OF_LARGE = 8,   /* of networks with more than */
    LARGE = 10000,        /* parameters */
    STRAIGHT_LINES = 3000 /* parameters; larger networks are unrolled where auto does */
};

typedef Vec(char *) Paths;

/* ---- Data from a formula: inputs from a normal distribution, targets in 0.1 .. 0.9 or one-hot; all of them floats */

static double element(const Tensor *t, bool is_target, size_t i, size_t width) {
    size_t last = t->rank > t->batched ? (size_t)t->shape[t->rank - 1] : 1;
    double u = model_uniform(5, t->name, (int64_t)i);
    if (t->index_range > 0) return floor(u * (double)t->index_range);
    if (!is_target) return (double)(float)model_normal(5, t->name, (int64_t)i);
    if (t->facts.sums_to_one) return i % width % last == (size_t)(model_uniform(5, t->name, (int64_t)(i / last)) * (double)last);
    return (double)(float)(0.1 + 0.8 * u);
}

static void make_array(Arena *arena, NncArray *array, const Tensor *t, bool is_target, size_t rows) {
    *array = (NncArray){.tensor = t->name, .width = (size_t)(tensor_points(t) / (double)(t->batched ? t->shape[0] : 1))};
    array->values = NEW_ARRAY(arena, double, rows * array->width);
    for (size_t i = 0; i < rows * array->width; i++) array->values[i] = element(t, is_target, i, array->width);
}

/* Two batches and a half, so that each epoch ends with an incomplete one. */
static NncData make_data(Arena *arena, const Model *model) {
    const Program *program = model->training;
    size_t rows = (size_t)(model->settings.batch * 5 / 2), inputs = program->inputs.count;
    NncData data = {.rows = rows, .training_count = rows, .array_count = inputs + program->targets.count};
    data.arrays = NEW_ARRAY(arena, NncArray, data.array_count);
    data.training = NEW_ARRAY(arena, uint32_t, rows);
    for (size_t i = 0; i < rows; i++) data.training[i] = (uint32_t)i;
    for (size_t i = 0; i < inputs; i++) make_array(arena, &data.arrays[i], program->inputs.at[i], false, rows);
    for (size_t i = 0; i < program->targets.count; i++)
        make_array(arena, &data.arrays[inputs + i], program->targets.at[i], true, rows);
    return data;
}

/* ---- Training in both */

static void fill(const NncProgram *p, const NncData *data, const NncMember *members, size_t count, size_t size, void *examples,
                 size_t row, size_t n) {
    for (size_t i = 0; i < count; i++) {
        const NncArray *array = data->arrays;
        while (strcmp(array->tensor, members[i].path) != 0) array++;
        for (size_t k = 0; k < n; k++) {
            for (size_t e = 0; e < array->width; e++)
                put(p, (char *)examples + k * size, &members[i], e, array->values[(row + k) * array->width + e]);
        }
    }
}

/* The tensors of a struct, and what the interpreter has under their names. */
static void compare(Generated *g, Trainer *trainer, const NncMember *members, size_t count, const void *structure,
                    const Tensors *tensors) {
    for (size_t i = 0; i < tensors->count; i++) {
        const double *expected = machine_values(trainer_machine(trainer), tensors->at[i]);
        size_t m = 0;
        while (m < count && strcmp(members[m].path, tensors->at[i]->name) != 0) m++;
        if (m == count) {
            printf("    nothing is called %s\n", tensors->at[i]->name);
            g->differences++;
        }
        for (size_t e = 0; m < count && e < members[m].count; e++)
            differ(g, members[m].path, e, get(g->program, structure, &members[m], e), expected[e]);
    }
}

/* ---- What both answer, with the parameters that the interpreter has found */

static double *values_in(Machine *machine, const Tensors *tensors, const char *name) {
    for (size_t i = 0; i < tensors->count; i++) {
        if (strcmp(tensors->at[i]->name, name) == 0) return machine_values(machine, tensors->at[i]);
    }
    return NULL;
}

static void compare_answers(Generated *g, Machine *machine, const Tensors *outputs, const char *answers, size_t n) {
    const NncProgram *p = g->program;
    for (size_t i = 0; i < p->output_count; i++) {
        const NncMember *member = &p->outputs[i];
        const double *expected = values_in(machine, outputs, member->path);
        for (size_t k = 0; k < n * member->count && expected != NULL; k++)
            differ(g, member->path, k, get(p, answers + k / member->count * p->output_size, member, k % member->count),
                   expected[k]);
        g->differences += expected == NULL;
    }
}

static void check_answers(Generated *g, const Model *model, Trainer *trainer, const NncData *data) {
    const NncProgram *p = g->program;
    const Program *program = model->inference;
    if (p->output_count == 0) return;
    Machine *machine = machine_new(program);
    char *parameters = calloc(1, p->parameters_size + 1), *work = malloc(p->predict_work_size + 1);
    char *in = calloc(data->rows, p->input_size + 1), *out = malloc(data->rows * p->output_size);
    memset(work, 0xFF, p->predict_work_size);
    memset(out, 0xFF, data->rows * p->output_size);
    for (size_t i = 0; i < p->parameter_count; i++) {
        const double *from = values_in(trainer_machine(trainer), &model->training->parameters, p->parameters[i].path);
        double *to = values_in(machine, &program->parameters, p->parameters[i].path);
        for (size_t e = 0; e < p->parameters[i].count; e++) put(p, parameters, &p->parameters[i], e, from[e]);
        if (to != NULL) memcpy(to, from, sizeof *to * p->parameters[i].count);
    }
    fill(p, data, p->inputs, p->input_count, p->input_size, in, 0, data->rows);
    p->predict(parameters, work, in, out, data->rows);
    for (size_t row = 0; row < data->rows; row += p->batch) {
        size_t n = data->rows - row < p->batch ? data->rows - row : p->batch;
        machine_batch(machine, (int64_t)n);
        for (size_t i = 0; i < data->array_count; i++) {
            const NncArray *array = &data->arrays[i];
            double *to = values_in(machine, &program->inputs, array->tensor);
            if (to != NULL) memcpy(to, array->values + row * array->width, sizeof *to * n * array->width);
        }
        machine_run(machine, &program->forward);
        compare_answers(g, machine, &program->outputs, out + row * p->output_size, n);
    }
    machine_free(machine);
    free(parameters), free(work), free(in), free(out);
}

static void check_training(Generated *g, const Model *model, const NncData *data, size_t steps) {
    const NncProgram *p = g->program;
    Trainer *trainer = trainer_new(model, data, 1);
    void *parameters = calloc(1, p->parameters_size), *state = calloc(1, p->state_size), *work = malloc(p->work_size + 1);
    void *in = calloc(p->batch, p->input_size + 1), *target = calloc(p->batch, p->target_size + 1);
    double metrics[16];
    memset(work, 0xFF, p->work_size); /* NaN: what it holds means nothing */
    p->init(parameters, state, 1);
    size_t row = 0;
    for (size_t step = 0; step < steps && g->differences == 0; step++) {
        size_t n = data->rows - row < p->batch ? data->rows - row : p->batch;
        uint32_t epoch = (uint32_t)trainer_epoch(trainer);
        fill(p, data, p->inputs, p->input_count, p->input_size, in, row, n);
        fill(p, data, p->targets, p->target_count, p->target_size, target, row, n);
        memcpy((char *)state + p->epoch_offset, &epoch, sizeof epoch);
        double expected = trainer_step(trainer);
        if (!isfinite(expected)) {
            printf("    the loss of step %zu is not finite\n", step);
            g->differences++;
        }
        differ(g, "loss", step, p->train(parameters, state, work, in, target, n, metrics), expected);
        row = row + n < data->rows ? row + n : 0;
    }
    compare(g, trainer, p->parameters, p->parameter_count, parameters, &model->training->parameters);
    compare(g, trainer, p->states, p->state_count, state, &model->training->states);
    check_answers(g, model, trainer, data);
    trainer_free(trainer);
    free(parameters), free(state), free(work), free(in), free(target);
}

/* The models of tests/gradients take such steps that their losses are soon chaotic: in small ones rounding errors stay small. */
static uint32_t read_model(Compilation *c, const char *path) {
    const char *why;
    uint32_t source = source_read(c->context.sources, path, &why);
    if (source == 0 || strstr(path, "tests/gradients/") == NULL) return source;
    Text *slow = text_new(c->context.arena);
    const char *text = c->context.sources->list.at[source].text, *fast = "rate = 0.1)", *at;
    for (; (at = strstr(text, fast)) != NULL; text = at + strlen(fast))
        text_printf(slow, "%.*srate = 0.001)", (int)(at - text), text);
    text_put(slow, text);
    return source_add(c->context.sources, path, text_string(slow), strlen(text_string(slow)), false);
}

typedef enum { LOOPS, LINES, FAST_LINES } Shape;

/* batch 0: the model's own */
static bool check_model(const char *path, bool is_double, Shape shape, int64_t batch, const char *build) {
    Generated g = {.arena = arena_new(),
                   .compilation = compilation_new(),
                   .build = build,
                   .optimize = "-O0",
                   .quick = is_double,
                   .tolerance = !is_double            ? 2e-5
                                : shape == FAST_LINES ? 1e-9
                                                      : 1e-11};
    Compilation *c = g.compilation, *judge = compilation_new(); /* the interpreter's own, of which nothing is lowered */
    c->options.batch = judge->options.batch = batch;
    c->source = read_model(c, path);
    judge->source = read_model(judge, path);
    bool fine = c->source != 0 && compile(c, stdout) && compile(judge, stdout);
    if (fine) {
        double parameters = 0;
        for (size_t i = 0; i < c->model->training->parameters.count; i++)
            parameters += tensor_points(c->model->training->parameters.at[i]);
        c->model->settings.is_double = is_double;
        judge->model->settings.shuffle = false;
        NncData data = make_data(g.arena, judge->model);
        LoopOptions options = {.unroll = shape == LOOPS                 ? UNROLL_NONE
                                         : parameters <= STRAIGHT_LINES ? UNROLL_FULL
                                                                        : UNROLL_AUTO,
                               .fast = shape == FAST_LINES};
        fine = generated_build(&g, options);
        if (fine) check_training(&g, judge->model, &data, parameters > LARGE ? STEPS_OF_LARGE : STEPS);
        if (g.library != NULL) dlclose(g.library);
    }
    fine = fine && g.differences == 0;
    static const char *const shapes[] = {"loops", "lines", "fast lines"};
    if (!fine) printf("FAILED %s: %s, %s, batch %d\n", path, is_double ? "double" : "float", shapes[shape], (int)batch);
    fflush(stdout);
    compilation_free(c);
    compilation_free(judge);
    arena_free(g.arena);
    return fine;
}

/* ---- Models */

/* The models in a folder, and in its folders where their names begin with `prefix`. */
static void find_models(Arena *arena, const char *folder, const char *prefix, Paths *paths) {
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        const char *name = entry->d_name;
        size_t length = strlen(name);
        char *path = arena_printf(arena, "%s/%s", folder, name);
        if (length > 3 && strcmp(name + length - 3, ".nn") == 0) vec_push(arena, paths, path);
        else if (prefix != NULL && name[0] != '.' && strncmp(name, prefix, strlen(prefix)) == 0)
            find_models(arena, path, NULL, paths);
    }
    if (directory != NULL) closedir(directory);
}

/* ---- Random models: layers that share their parameters, penalties that read them, frozen parts, every optimizer. Their parameters are
   read in many places, and overwritten in the same step: nothing may read what is new too early. */

enum { RANDOM_MODELS = 12 };

static int choose(int model, int site, int count) {
    return (int)(nnc_random_uniform(11, (uint64_t)model, (uint64_t)site, 0) * count);
}

static void write_random_model(Text *text, int k) {
    static const char *const activations[] = {"tanh", "sigmoid", "softplus", "silu"};
    static const char *const optimizers[] = {"sgd(rate = 0.05)",      "momentum(rate = 0.02, mu = 0.9)",
                                             "nesterov(rate = 0.02)", "adam(rate = 0.01)",
                                             "rmsprop(rate = 0.01)",  "adamw(rate = 0.01)"};
    int units = 2 + choose(k, 1, 4), depth = 1 + choose(k, 2, 3), shared = choose(k, 3, 3);
    text_printf(text, "model random_%d\ninput x[%d]\ntarget t[%d]\n", k, 2 + choose(k, 4, 3), 1 + choose(k, 5, 3));
    text_printf(text, "again = dense(%d)\nh0 = x -> dense(%d) -> %s\n", units, units, activations[choose(k, 6, 4)]);
    for (int i = 1; i <= depth; i++) {
        const char *layer = i <= shared ? "again" : arena_printf(text->arena, "dense(%d)", units);
        const char *skip = choose(k, 20 + i, 3) == 0 ? arena_printf(text->arena, " + h%d", i - 1) : "";
        text_printf(text, "s%d = h%d -> %s -> %s\nh%d = s%d%s\n", i, i - 1, layer, activations[choose(k, 10 + i, 4)], i, i, skip);
    }
    text_printf(text, "output = h%d -> dense(%d)\n", depth, 1 + choose(k, 5, 3));
    text_printf(text, "loss = half_squared_error(output, t)%s%s\n", choose(k, 7, 2) == 0 ? " + 0.01 * sum_squares(output.W)" : "",
                choose(k, 8, 3) == 0 ? " + 0.02 * sum_squares(h0.W)" : "");
    if (choose(k, 9, 4) == 0) text_put(text, "freeze h0.b\n");
    text_printf(text, "optimizer = %s\ntrain { batch = %d }\n", optimizers[choose(k, 30, 6)], 1 + choose(k, 31, 3));
}

static size_t check_random_models(Arena *arena, const char *build) {
    size_t failed = 0;
    for (int k = 0; k < RANDOM_MODELS; k += EVERY) {
        Text *text = text_new(arena);
        const char *path = arena_printf(arena, "%s/random_%d.nn", build, k);
        write_random_model(text, k);
        FILE *file = fopen(path, "w");
        bool written = file != NULL && fputs(text_string(text), file) >= 0 && fclose(file) == 0;
        bool fine = written && check_model(path, true, k % 2 == 0 ? LINES : LOOPS, 1, build) &&
                    check_model(path, k % 3 == 0, k % 2 == 1 ? LINES : LOOPS, 0, build);
        if (!fine) printf("%s\n", text_string(text));
        failed += !fine;
    }
    return failed;
}

int main(int count, char **words) {
    Arena *arena = arena_new();
    char build[] = "/tmp/nnc_test_XXXXXX";
    if (mkdtemp(build) == NULL) return 1;
    Paths paths = {0};
    for (int i = 1; i < count; i++) vec_push(arena, &paths, words[i]);
    if (count == 1) {
        find_models(arena, NNC_SOURCE_DIR "/examples", "", &paths);
        find_models(arena, NNC_SOURCE_DIR "/tests/gradients", NULL, &paths);
    }
    size_t failed = 0;
    for (size_t i = 0; i < paths.count; i += EVERY) { /* each precision with each shape of the code and batch, in two models */
        bool even = i / EVERY % 2 == 0;
        failed += !check_model(paths.at[i], true, even ? LOOPS : LINES, even ? 0 : 1, build);
        failed += !check_model(paths.at[i], false, even ? LINES : LOOPS, even ? 0 : 1, build);
        bool small = strstr(paths.at[i], "tests/gradients/") != NULL;
        if (small) failed += !check_model(paths.at[i], true, FAST_LINES, 0, build);
    }
    if (count == 1) failed += check_random_models(arena, build);
    printf("%zu models, %zu failures\n", paths.count, failed);
    run((const char *const[]){"rm", "-rf", build, NULL});
    arena_free(arena);
    return failed == 0 && paths.count > 6 - (size_t)(count > 1) * 6 ? 0 : 1;
}
