/* From options to data, a start for the parameters, and training; or to what parameters are worth. */
#include "program.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"
#include "message.h"
#include "options.h"
#include "predict.h"
#include "train.h"

/* ---- Data */

static int load_data(NncTraining *t, const NncOptions *options) {
    const NncProgram *program = t->program;
    int streamed = options->stream > 0 || t->at.stream > 0;
    if (program->train_data == NULL) {
        nnc_message(program->name, "there are no data to train on");
        return 0;
    }
    if (!nnc_examples_open(program, program->train_data, options->data, NULL, t->at.seed, streamed, &t->data, &t->examples))
        return 0;
    if (t->data.training_count == 0) {
        nnc_message(program->name, "data %s leaves no examples to train on", program->train_data->split);
        return 0;
    }
    return program->test_data == NULL ||
           nnc_examples_open(program, program->test_data, options->data, &t->data, t->at.seed, streamed, &t->test.data, &t->test);
}

static void print_classes(const NncData *data) {
    for (size_t i = 0; i < data->array_count; i++) {
        const NncArray *array = &data->arrays[i];
        for (size_t k = 0; k < array->class_count; k++)
            printf("%s%s %zu %s", k == 0 ? array->tensor : "", k == 0 ? ":" : ",", k, array->classes[k]);
        if (array->class_count > 0) putchar('\n');
    }
}

/* ---- The start */

/* A checkpoint stands at the end of an epoch, or the order of the examples could not be taken up again. */
static int stands_after_epoch(const NncTraining *t, const char *path, const NncStanding *at) {
    uint64_t batches = (t->data.training_count + t->program->batch - 1) / t->program->batch;
    if ((uint64_t)at->epoch * batches == at->step) return 1;
    nnc_message(t->program->name, "%s was saved after step %lu and epoch %lu, but these data make %llu steps an epoch", path,
                (unsigned long)at->step, (unsigned long)at->epoch, (unsigned long long)batches);
    return 0;
}

static int take_start(NncTraining *t, const NncOptions *options, const NncTensors *file, const NncStanding *standing) {
    if (options->load != NULL)
        return nnc_checkpoint_load(t->program, options->load, file, options->partial, "--partial takes those that fit",
                                   t->parameters, t->state);
    if (options->resume == NULL) return 1;
    if (!nnc_checkpoint_resume(t->program, options->resume, file, &t->data, t->parameters, t->state)) return 0;
    if (!stands_after_epoch(t, options->resume, standing)) return 0;
    t->at = *standing;
    nnc_training_set_counters(t);
    return 1;
}

/* A run goes on with the buffer that it began with, or its examples would come in another order. */
static int same_stream(const NncTraining *t, const NncOptions *options, const NncStanding *standing) {
    if (options->resume == NULL || options->stream == 0 || options->stream == standing->stream || !t->program->shuffle) return 1;
    if (standing->stream > 0)
        nnc_message(t->program->name, "%s was trained with --stream=%lu, and goes on with that", options->resume,
                    (unsigned long)standing->stream);
    else nnc_message(t->program->name, "%s was trained without --stream, and goes on without it", options->resume);
    return 0;
}

static int run(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    NncDisplayKind kind = nnc_display_choose(options->quiet, options->json);
    NncStanding standing = {.seed = options->seed, .stream = t->program->shuffle ? options->stream : 0};
    if (options->resume != NULL &&
        !nnc_checkpoint_standing(t->program, options->resume, file, "--load takes just its parameters", &standing))
        return 0;
    if (!same_stream(t, options, &standing)) return 0;
    t->at = standing;
    t->shuffler.room = standing.stream;
    if (!load_data(t, options) || !nnc_training_begin(t, standing.seed) || !take_start(t, options, file, &standing)) return 0;
    if (kind == NNC_LINES || kind == NNC_TERMINAL) print_classes(&t->data);
    return nnc_train(t, kind);
}

/* The exit code, once all output has been written: a full disk makes it 1. */
static int written(const NncProgram *program, int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    nnc_message(program->name, "standard output: %s", strerror(errno));
    return code == 0 ? 1 : code;
}

int nnc_program(const NncProgram *program, int argc, char **argv) {
    NncOptions options;
    NncTensors file = {0};
    NncTraining training = {.program = program};
    const char *path;
    int fine, code = nnc_options_parse(program, argc, argv, &options);
    if (code >= 0) return written(program, code);
#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
#endif
    setlocale(LC_CTYPE, ""); /* whether the terminal shows block characters; numbers keep their point */
    training.save = options.save;
    training.picture = options.plot;
    training.plane = options.plot_decision;
    training.epochs = options.epochs;
    path = options.load != NULL ? options.load : options.resume;
    fine = (options.save == NULL || nnc_checkpoint_may_save(program, options.save)) &&
           (options.plot == NULL || nnc_checkpoint_may_save(program, options.plot)) &&
           (options.plot_decision == NULL ||
            (nnc_decision_may_draw(program) && nnc_checkpoint_may_save(program, options.plot_decision))) &&
           (path == NULL || nnc_checkpoint_open(program, path, &file)) &&
           (options.predict    ? nnc_predict(&training, &options, &file)
            : options.evaluate ? nnc_evaluate(&training, &options, &file)
                               : run(&training, &options, &file));
    nnc_training_free(&training);
    nnc_examples_free(&training.examples);
    nnc_examples_free(&training.test);
    nnc_data_free(&training.data);
    nnc_tensors_free(&file);
    return written(program, fine ? 0 : 1);
}
