#include "predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "given.h"
#include "member.h"
#include "message.h"
#include "number.h"
#include "quote.h"
#include "replace.h"

/* ---- What was learned, and what is given */

/* A file that does not say what was learned from the data goes with the training data as they are now. */
static int find_learned(NncTraining *t, const NncOptions *options, const NncTensors *file, NncData *learned) {
    const NncProgram *program = t->program;
    NncExamples unwanted = {0};
    int found = nnc_checkpoint_learned(program, options->load, file, program->train_data, learned);
    if (found >= 0) return found;
    found =
        nnc_examples_open(program, program->train_data, options->data, NULL, t->at.seed, options->stream > 0, learned, &unwanted);
    nnc_examples_free(&unwanted);
    if (!found)
        nnc_message(program->name, "%s does not say what was learned from the training data, so these are read", options->load);
    return found;
}

/* The examples in options->examples. */
static int load_given(const NncProgram *program, const NncOptions *options, const NncBlock *like, int targets,
                      const NncData *learned, NncExamples *examples) {
    NncProgram asked = *program;
    if (!targets) asked.target_size = asked.target_count = 0;
    if (nnc_given_make(program, like, options->examples, targets, &examples->given) &&
        nnc_examples_open(&asked, &examples->given.block, NULL, learned, 0, options->stream > 0, &examples->data, examples))
        return 1;
    nnc_examples_free(examples);
    return 0;
}

/* The seed of the training that wrote the file tells which examples it held out. */
static int find_seed(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    NncStanding standing = {.seed = options->seed};
    if (nnc_tensors_metadata(file, "step") != NULL && !nnc_checkpoint_standing(t->program, options->load, file, NULL, &standing))
        return 0;
    t->at.seed = standing.seed;
    return 1;
}

static int begin_with(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    return nnc_training_begin(t, t->at.seed) &&
           nnc_checkpoint_load(t->program, options->load, file, 0, NULL, t->parameters, t->state);
}

/* ---- Predictions */

typedef struct {
    const NncProgram *program;
    const NncData *learned;
    const NncArray *classes; /* their names, or NULL */
    const char *class_name;  /* the column of the class */
    const char *share_name;  /* the column beside it */
    double *numbers;         /* room for those of any output */
    FILE *file;
    int json;
} Writer;

/* With the digits of the network's type: the shortest text that is read back as the same bits. */
static void write_number(Writer *w, const NncMember *output, double value) {
    char text[NNC_NUMBER_LENGTH];
    if (!output->whole && w->program->number_size == sizeof(float)) value = nnc_number_of_float((float)value);
    if (w->json) nnc_number_json(w->file, value);
    else fputs(nnc_number_print(text, value), w->file);
}

static void write_class(Writer *w, size_t class) {
    void (*put)(FILE *, const char *) = w->json ? nnc_quote_json : nnc_quote_csv;
    if (w->classes != NULL && class < w->classes->class_count) put(w->file, w->classes->classes[class]);
    else fprintf(w->file, "%zu", class);
}

static int is_class_output(const Writer *w, size_t output) {
    return w->program->classes > 0 && output == w->program->class_output;
}

/* "output", or "output.0.1" for element [0, 1] of several. */
static void write_names(Writer *w, const NncMember *output) {
    for (size_t i = 0; i < output->count; i++) {
        size_t left = i, stride = output->count;
        if (i > 0) putc(',', w->file);
        nnc_quote_csv(w->file, output->path);
        for (int a = 0; a < output->rank && output->count > 1; a++) {
            stride /= output->shape[a];
            fprintf(w->file, ".%zu", left / stride);
            left %= stride;
        }
    }
}

static void write_header(Writer *w) {
    for (size_t o = 0; o < w->program->output_count; o++) {
        if (o > 0) putc(',', w->file);
        if (is_class_output(w, o)) {
            nnc_quote_csv(w->file, w->class_name);
            fprintf(w->file, ",%s", w->share_name);
        } else {
            write_names(w, &w->program->outputs[o]);
        }
    }
    putc('\n', w->file);
}

static void write_row(Writer *w, const char *out) {
    for (size_t o = 0; o < w->program->output_count; o++) {
        const NncMember *output = &w->program->outputs[o];
        nnc_output_read(w->program, w->learned, o, out, w->numbers);
        if (o > 0) putc(',', w->file);
        if (is_class_output(w, o)) {
            size_t class = nnc_largest(w->numbers, output->count);
            write_class(w, class);
            putc(',', w->file);
            write_number(w, output, w->numbers[class]);
            continue;
        }
        for (size_t i = 0; i < output->count; i++) {
            if (i > 0) putc(',', w->file);
            write_number(w, output, w->numbers[i]);
        }
    }
    putc('\n', w->file);
}

/* A tensor as lists in lists. */
static void write_lists(Writer *w, const NncMember *output, int axis, const double *numbers, size_t count) {
    if (axis == output->rank) {
        write_number(w, output, numbers[0]);
        return;
    }
    size_t part = count / output->shape[axis];
    for (size_t i = 0; i < output->shape[axis]; i++) {
        putc(i == 0 ? '[' : ',', w->file);
        write_lists(w, output, axis + 1, numbers + i * part, part);
    }
    putc(']', w->file);
}

static void write_object(Writer *w, const char *out) {
    for (size_t o = 0; o < w->program->output_count; o++) {
        const NncMember *output = &w->program->outputs[o];
        nnc_output_read(w->program, w->learned, o, out, w->numbers);
        putc(o == 0 ? '{' : ',', w->file);
        if (is_class_output(w, o)) {
            size_t class = nnc_largest(w->numbers, output->count);
            nnc_quote_json(w->file, w->class_name);
            putc(':', w->file);
            write_class(w, class);
            fprintf(w->file, ",\"%s\":", w->share_name);
            write_number(w, output, w->numbers[class]);
            putc(',', w->file);
        }
        nnc_quote_json(w->file, output->path);
        putc(':', w->file);
        write_lists(w, output, 0, w->numbers, output->count);
    }
    fputs("}\n", w->file);
}

/* Whether all rows of the output are shares of 1. */
static int are_probabilities(Writer *w, const char *out, size_t rows) {
    const NncMember *output = &w->program->outputs[w->program->class_output];
    for (size_t row = 0; row < rows; row++) {
        double sum = 0;
        nnc_member_read(w->program, output, out + row * w->program->output_size, w->numbers);
        for (size_t i = 0; i < output->count; i++) sum += w->numbers[i] >= 0 ? w->numbers[i] : (double)NAN;
        if (!(fabs(sum - 1) < 1e-3)) return 0;
    }
    return 1;
}

/* By the column's name where the model chooses it by name, else by the target's. */
static const char *name_of_class(const NncProgram *program) {
    const char *target = program->targets[program->class_target].path;
    const NncBlock *block = program->train_data;
    for (size_t i = 0; i < block->source_count; i++) {
        const NncSource *source = &block->sources[i];
        if (strcmp(source->tensor, target) == 0 && source->column_count == 1 && source->columns[0].name != NULL)
            return source->columns[0].name;
    }
    return target;
}

/* ---- A chunk of examples at a time, so that neither they nor the answers need be in memory */

/* The network's answers to the next examples, in t->out; returns how many, or 0 with a message: they cannot be read any more. */
static size_t answer_chunk(NncTraining *t, size_t first) {
    NncProgram asked = *t->program;
    size_t n = t->examples.rows - first < t->chunk ? t->examples.rows - first : t->chunk;
    asked.target_size = asked.target_count = 0;
    if (!nnc_examples_gather(&asked, &t->examples, NULL, first, n, t->in, NULL)) return 0;
    asked.predict(t->parameters, t->predict_work, t->in, t->out, n);
    return n;
}

/* How the number beside a class is called: that takes all answers, before the first is written. */
static int name_share(NncTraining *t, Writer *w) {
    int shares = 1;
    for (size_t first = 0, n; first < t->examples.rows && shares; first += n) {
        n = answer_chunk(t, first);
        if (n == 0) return 0;
        shares = are_probabilities(w, t->out, n);
    }
    w->share_name = shares ? "probability" : "score";
    return 1;
}

static int write_answers(NncTraining *t, Writer *w, int in_place) {
    if (!w->json) write_header(w);
    for (size_t first = 0, n; first < t->examples.rows; first += n) {
        n = answer_chunk(t, first);
        if (n == 0 || (in_place && nnc_replace_interrupted())) return 0;
        for (size_t row = 0; row < n; row++) (w->json ? write_object : write_row)(w, t->out + row * t->program->output_size);
    }
    return 1;
}

static int write_all(NncTraining *t, const NncOptions *options, double *numbers) {
    const NncProgram *program = t->program;
    Writer w = {.program = program, .learned = &t->data, .numbers = numbers, .file = stdout, .json = options->json};
    NncReplacement replacement;
    int fine;
    if (program->classes > 0) {
        w.classes = nnc_array_of(&t->data, program->targets[program->class_target].path);
        w.class_name = name_of_class(program);
        if (!name_share(t, &w)) return 0;
    }
    if (options->output == NULL) return write_answers(t, &w, 0);
    w.file = nnc_replace_begin(options->output, &replacement);
    fine = w.file == NULL || write_answers(t, &w, 1);
    if (w.file != NULL && nnc_replace_end(&replacement, fine)) return 1;
    if (fine) nnc_message(program->name, "%s: %s", options->output, replacement.message);
    return 0;
}

int nnc_predict(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    const NncProgram *program = t->program;
    double *numbers;
    size_t most = 1;
    int fine;
    if (program->train_data == NULL || program->output_count == 0) {
        nnc_message(program->name, program->output_count == 0 ? "the network predicts nothing"
                                                              : "there is no data block that says how to read examples");
        return 0;
    }
    if (options->output != NULL && !nnc_checkpoint_may_save(program, options->output)) return 0;
    if (!find_seed(t, options, file) || !find_learned(t, options, file, &t->data) ||
        !load_given(program, options, program->train_data, 0, &t->data, &t->examples) || !begin_with(t, options, file))
        return 0;
    for (size_t o = 0; o < program->output_count; o++) most = program->outputs[o].count > most ? program->outputs[o].count : most;
    numbers = malloc(most * sizeof *numbers);
    if (numbers == NULL) nnc_message(program->name, "there is not enough memory for the predictions");
    fine = numbers != NULL && write_all(t, options, numbers);
    free(numbers);
    return fine;
}

/* ---- Evaluation */

static int load_examples(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    const NncProgram *program = t->program;
    const NncBlock *test = program->test_data, *train = program->train_data;
    NncData learned;
    int fine;
    if (!find_learned(t, options, file, &t->data)) return 0;
    if (options->examples != NULL) return load_given(program, options, test != NULL ? test : train, 1, &t->data, &t->test);
    if (test != NULL)
        return nnc_examples_open(program, test, options->data, &t->data, t->at.seed, options->stream > 0, &t->test.data,
                                 &t->test);
    learned = t->data; /* the new data say which examples are held out */
    fine = nnc_examples_open(program, train, options->data, &learned, t->at.seed, options->stream > 0, &t->data, &t->examples);
    nnc_data_free(&learned);
    return fine;
}

int nnc_evaluate(NncTraining *t, const NncOptions *options, const NncTensors *file) {
    NncDisplay display = {.kind = options->json ? NNC_JSON : NNC_LINES, .program = t->program};
    NncConfusion confusion;
    NncResults results = {0, 0, NULL};
    const char *title;
    size_t count;
    int wanted;
    if (t->program->train_data == NULL) {
        nnc_message(t->program->name, "there is no data block that says how to read examples");
        return 0;
    }
    if (!find_seed(t, options, file) || !load_examples(t, options, file) || !begin_with(t, options, file)) return 0;
    results.metrics = t->metrics + t->program->metric_count;
    if (!nnc_training_evaluate(t, &results) || !nnc_training_confusion(t, &confusion, &wanted)) return 0;
    count = nnc_training_judged(t, &title);
    if (wanted) display.confusion = &confusion;
    if (options->examples != NULL) confusion.data = options->examples;
    nnc_display_evaluation(&display, options->examples != NULL ? options->examples : title, count, &results);
    return 1;
}
