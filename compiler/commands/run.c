/* nnc run: what is printed, and when to stop. The work is the trainer's. */
#include <math.h>
#include <stdio.h>

#include "commands/commands.h"
#include "commands/parameters.h"
#include "commands/trainer.h"

/* ---- Lines: `step 1  loss 0.25`, or {"step": 1, "loss": 0.25} */

static void print_number(double value, bool json) {
    char number[NUMBER_LENGTH];
    number_print(number, value);
    fputs(json && !isfinite(value) ? "null" : number, stdout);
}

static void print_field(const char *name, double value, bool json) {
    printf(json ? ", \"%s\": " : "  %s ", name);
    print_number(value, json);
}

static void print_step(const RunOptions *options, int64_t step, double loss) {
    printf(options->json ? "{\"step\": %lld" : "step %lld", (long long)step);
    print_field("loss", loss, options->json);
    puts(options->json ? "}" : "");
}

static void print_end(const RunOptions *options, int64_t steps, double loss) {
    if (options->json) printf("{\"after\": %lld", (long long)steps);
    else printf("after %lld step%s", (long long)steps, steps == 1 ? "" : "s");
    print_field("loss", loss, options->json);
    puts(options->json ? "}" : "");
}

/* Of an epoch: six digits are enough for people, and do not depend on the last bit of a machine's exp. */
static void print_summary(const char *name, double value, bool json) {
    if (json) print_field(name, value, json);
    else printf("  %s %.6g", name, value);
}

static void print_results(const Program *program, double loss, const double *metrics, bool json) {
    print_summary("loss", loss, json);
    for (size_t m = 0; m < program->metrics.count; m++) {
        if (!program->metrics.at[m].part) print_summary(program->metrics.at[m].name, metrics[m], json);
    }
}

/* ---- Training */

typedef struct {
    const Model *model;
    const RunOptions *options;
    Diagnostics *diagnostics;
    Arena *arena;
    const NncData *data;
    Trainer *trainer;
} Run;

static void diverged(Run *run, double loss) {
    const Tensor *tensor = trainer_culprit(run->trainer);
    char number[NUMBER_LENGTH];
    number_print(number, loss);
    error_at(run->diagnostics, run->model->loss_span, "in step %lld the loss is %s", (long long)trainer_steps(run->trainer) + 1,
             number);
    note_at(run->diagnostics, tensor->span, "the first tensor that is not finite is '%s'; a smaller rate may help", tensor->name);
}

static bool run_steps(Run *run) {
    for (int64_t i = 0; i < run->options->steps; i++) {
        double loss = trainer_step(run->trainer);
        if (!isfinite(loss)) {
            diverged(run, loss);
            return false;
        }
        print_step(run->options, trainer_steps(run->trainer), loss);
    }
    return true;
}

/* Trains for one epoch; means over its examples. */
static bool run_epoch(Run *run, double *loss, double *metrics) {
    const Program *program = run->model->training;
    *loss = 0;
    for (size_t m = 0; m < program->metrics.count; m++) metrics[m] = 0;
    for (int64_t i = 0, batches = trainer_batches(run->trainer); i < batches; i++) {
        double of_batch = trainer_step(run->trainer);
        if (!isfinite(of_batch)) {
            diverged(run, of_batch);
            return false;
        }
        double examples = (double)trainer_examples(run->trainer);
        *loss += examples * of_batch;
        for (size_t m = 0; m < program->metrics.count; m++) {
            metrics[m] += examples * *machine_values(trainer_machine(run->trainer), program->metrics.at[m].tensor);
        }
    }
    *loss /= (double)run->data->training_count;
    for (size_t m = 0; m < program->metrics.count; m++) metrics[m] /= (double)run->data->training_count;
    trainer_combine(trainer_machine(run->trainer), program, metrics);
    return true;
}

static bool run_epochs(Run *run) {
    const Program *program = run->model->training, *inference = run->model->inference;
    const Settings *settings = &run->model->settings;
    bool json = run->options->json;
    double *metrics = NEW_ARRAY(run->arena, double, program->metrics.count + inference->metrics.count);
    double best = INFINITY;
    int64_t best_epoch = 0;
    for (int64_t epoch = 1; epoch <= settings->epochs; epoch++) {
        double loss;
        if (!run_epoch(run, &loss, metrics)) return false;
        printf(json ? "{\"epoch\": %lld" : "epoch %lld", (long long)epoch);
        print_results(program, loss, metrics, json);
        if (run->data->held_out_count > 0) {
            trainer_evaluate(run->trainer, run->data->held_out, (int64_t)run->data->held_out_count, &loss, metrics);
            fputs(json ? ", \"held_out\": {\"examples\": " : "  held out:", stdout);
            if (json) printf("%zu", run->data->held_out_count);
            print_results(inference, loss, metrics, json);
            if (json) putchar('}');
        }
        puts(json ? "}" : "");
        if (run->data->held_out_count == 0 || settings->patience == 0) continue;
        if (loss < best) {
            best = loss;
            best_epoch = epoch;
        } else if (epoch - best_epoch >= settings->patience) {
            if (!json) printf("no better for %lld epochs: stopped\n", (long long)settings->patience);
            break;
        }
    }
    return true;
}

static void print_classes(const NncData *data) {
    for (size_t i = 0; i < data->array_count; i++) {
        const NncArray *array = &data->arrays[i];
        for (size_t k = 0; k < array->class_count; k++)
            printf("%s%s %zu %s", k == 0 ? array->tensor : "", k == 0 ? ":" : ",", k, array->classes[k]);
        if (array->class_count > 0) putchar('\n');
    }
}

static bool run_all(Run *run, uint64_t seed) {
    const RunOptions *options = run->options;
    const Program *program = run->model->training;
    Machine *machine = trainer_machine(run->trainer);
    if (options->load != NULL && !parameters_load(options->load, program, machine, run->arena, run->diagnostics)) return false;
    if (!options->json) print_classes(run->data);
    if (!(options->steps >= 0 ? run_steps(run) : run_epochs(run))) return false;
    int64_t steps = trainer_steps(run->trainer);
    print_end(options, steps, trainer_look_ahead(run->trainer));
    return options->save == NULL || parameters_save(options->save, program, machine, steps, trainer_epoch(run->trainer), seed,
                                                    run->data, run->arena, run->diagnostics);
}

int command_run(Model *model, const RunOptions *options, Diagnostics *diagnostics) {
    const DataBlock *block = data_to_train(model, diagnostics);
    if (block == NULL) return 1;
    Arena *arena = arena_new();
    uint64_t seed = options->has_seed ? options->seed : model->settings.seed;
    NncData data;
    bool fine = data_load(model, block, NULL, seed, arena, diagnostics, &data);
    if (fine) {
        Run run = {model, options, diagnostics, arena, &data, trainer_new(model, &data, seed)};
        fine = run_all(&run, seed);
        trainer_free(run.trainer);
        nnc_data_free(&data);
    }
    arena_free(arena);
    return fine ? 0 : 1;
}
