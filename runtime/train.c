#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#endif
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decision.h"
#include "message.h"
#include "random.h"
#include "strict.h"

#define KEEP_AFTER 32
#define CHUNK_BYTES ((size_t)256 * 1024) /* of examples: enough to make a call worth while, few enough for a cache */

/* ---- Memory */

/* Zeroed, and on a cache line. */
static void *new_struct(size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, size + 1) != 0) return NULL;
    return memset(memory, 0, size);
}

static size_t examples_in_chunk(const NncProgram *program, size_t rows) {
    size_t batches = CHUNK_BYTES / (program->batch * (program->input_size + program->target_size) + 1);
    size_t examples = (batches == 0 ? 1 : batches) * program->batch,
           all = (rows + program->batch - 1) / program->batch * program->batch;
    return examples < all ? examples : all;
}

/* No more than there are to train on. */
static size_t buffer_room(const NncTraining *t) {
    return t->shuffler.room < t->data.training_count ? t->shuffler.room : t->data.training_count;
}

int nnc_training_begin(NncTraining *t, uint64_t seed) {
    const NncProgram *program = t->program;
    t->at = (NncStanding){.seed = seed, .stream = t->at.stream, .best_loss = (double)INFINITY};
    t->chunk = examples_in_chunk(program, t->examples.rows > t->test.rows ? t->examples.rows : t->test.rows);
    t->parameters = new_struct(program->parameters_size);
    t->state = new_struct(program->state_size);
    t->work = new_struct(program->work_size);
    t->evaluate_work = new_struct(program->evaluate_work_size);
    t->predict_work = new_struct(program->predict_work_size);
    t->kept_parameters = new_struct(program->parameters_size);
    t->kept_state = new_struct(program->state_size);
    t->in = new_struct(t->chunk * program->input_size);
    t->target = new_struct(t->chunk * program->target_size);
    t->out = new_struct(t->chunk * program->output_size);
    t->order = calloc(t->data.training_count + 1, sizeof *t->order);
    t->metrics = calloc((1 + NNC_RESULTS) * program->metric_count + 1, sizeof *t->metrics);
    if (!t->parameters || !t->state || !t->work || !t->evaluate_work || !t->predict_work || !t->kept_parameters ||
        !t->kept_state || !t->in || !t->target || !t->out || !t->order || !t->metrics) {
        nnc_message(program->name, "there is not enough memory to train");
        return 0;
    }
    if (t->shuffler.room > 0 && !nnc_shuffler_begin(&t->shuffler, program, buffer_room(t))) {
        nnc_message(program->name, "there is not enough memory for a buffer of %zu examples; --stream=N makes it smaller",
                    buffer_room(t));
        return 0;
    }
    program->init(t->parameters, t->state, seed);
    return 1;
}

void nnc_training_free(NncTraining *t) {
    void *const all[] = {t->parameters, t->state,      t->work, t->evaluate_work, t->kept_parameters, t->predict_work,
                         t->out,        t->kept_state, t->in,   t->target,        t->order,           t->metrics};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    nnc_shuffler_free(&t->shuffler);
    nnc_display_free(&t->display);
    nnc_plot_free(&t->plot);
}

void nnc_training_set_counters(NncTraining *t) {
    memcpy((char *)t->state + t->program->step_offset, &t->at.step, sizeof t->at.step);
    memcpy((char *)t->state + t->program->epoch_offset, &t->at.epoch, sizeof t->at.epoch);
    if (t->program->seed_offset != 0) memcpy((char *)t->state + t->program->seed_offset, &t->at.seed, sizeof t->at.seed);
}

void nnc_training_keep(NncTraining *t) {
    memcpy(t->kept_parameters, t->parameters, t->program->parameters_size);
    memcpy(t->kept_state, t->state, t->program->state_size);
}

void nnc_training_go_back(NncTraining *t) {
    memcpy(t->parameters, t->kept_parameters, t->program->parameters_size);
    memcpy(t->state, t->kept_state, t->program->state_size);
}

/* ---- An epoch */

/* Shuffled by seed and epoch alone, or as the data has them. */
static void put_in_order(NncTraining *t) {
    const NncData *data = &t->data;
    if (t->shuffler.room > 0) return;
    if (t->program->shuffle) nnc_shuffle(t->at.seed, t->at.epoch, t->order, (uint32_t)data->training_count);
    for (size_t i = 0; i < data->training_count; i++) t->order[i] = data->training[t->program->shuffle ? t->order[i] : i];
}

int nnc_training_rows(NncTraining *t, size_t first, size_t n, double *loss, double *metrics) {
    int fine = t->shuffler.room > 0 ? nnc_shuffler_take(&t->shuffler, t->program, &t->examples, &t->data, t->at.seed, t->at.epoch,
                                                        first, n, t->in, t->target)
                                    : nnc_examples_gather(t->program, &t->examples, t->order, first, n, t->in, t->target);
    if (t->shuffler.room == 0) nnc_examples_expect(t->program, &t->examples, t->order, first + n, t->data.training_count);
    if (fine) *loss = t->program->train(t->parameters, t->state, t->work, t->in, t->target, n, metrics);
    return fine;
}

/* Adds the means of n examples, as sums. */
static void add(NncTraining *t, NncResults *sums, double loss, const double *metrics, size_t n) {
    sums->loss += (double)n * loss;
    for (size_t m = 0; m < t->program->metric_count; m++) sums->metrics[m] += (double)n * metrics[m];
}

static void start(NncTraining *t, NncResults *results) {
    results->given = 1;
    results->loss = 0;
    for (size_t m = 0; m < t->program->metric_count; m++) results->metrics[m] = 0;
}

static void divide(NncTraining *t, NncResults *results, size_t n) {
    results->loss /= (double)n;
    for (size_t m = 0; m < t->program->metric_count; m++) results->metrics[m] /= (double)n;
    if (t->program->combine != NULL) t->program->combine(results->metrics);
}

static void show_progress(NncTraining *t, const NncResults *sums, size_t done) {
    if (t->display.kind != NNC_TERMINAL) return;
    for (size_t m = 0; m < t->program->metric_count; m++) t->metrics[m] = sums->metrics[m] / (double)done;
    if (t->program->combine != NULL) t->program->combine(t->metrics);
    nnc_display_within(&t->display, t->at.epoch + 1, (double)done / (double)t->data.training_count, sums->loss / (double)done,
                       t->metrics);
}

/* The copy to go back to is renewed when a multiple of its own bytes of examples has been trained: copying then costs little even where a
   chunk is small beside the parameters. */
static int train_epoch(NncTraining *t, NncResults *results) {
    const NncProgram *program = t->program;
    size_t count = t->data.training_count, kept_at = 0, n;
    double loss;
    put_in_order(t);
    start(t, results);
    for (size_t first = 0; first < count; first += n) {
        n = count - first < t->chunk ? count - first : t->chunk;
        size_t since = (first - kept_at) * (program->input_size + program->target_size);
        if (first == 0 || since >= KEEP_AFTER * (program->parameters_size + program->state_size)) {
            nnc_training_keep(t);
            kept_at = first;
        }
        if (!nnc_training_rows(t, first, n, &loss, t->metrics)) return 0;
        if (!isfinite(loss)) {
            nnc_display_clear(&t->display);
            nnc_explain_divergence(t, kept_at, first + n, loss);
            return 0;
        }
        add(t, results, loss, t->metrics, n);
        show_progress(t, results, first + n);
    }
    divide(t, results, count);
    return 1;
}

/* What the network is evaluated on. */
typedef struct {
    const NncExamples *examples;
    const uint32_t *rows; /* NULL: all of them */
    size_t count;
    const char *in, *target; /* a chunk */
} Judged;

static Judged held_out_part(const NncTraining *t) {
    return (Judged){.examples = &t->examples, .rows = t->data.held_out, .count = t->data.held_out_count};
}

static Judged test_part(const NncTraining *t) { return (Judged){.examples = &t->test, .count = t->test.rows}; }

/* Examples first .. first + n - 1 of the part. */
static int take_chunk(NncTraining *t, Judged *part, size_t first, size_t n) {
    const NncProgram *program = t->program;
    part->in = t->in;
    part->target = t->target;
    if (part->rows != NULL || part->examples->in == NULL)
        return nnc_examples_gather(program, part->examples, part->rows, first, n, t->in, t->target);
    part->in = part->examples->in + first * program->input_size;
    if (program->target_size > 0) part->target = part->examples->target + first * program->target_size;
    return 1;
}

static int evaluate_part(NncTraining *t, Judged part, NncResults *results) {
    size_t n;
    if (part.count == 0) return 1;
    start(t, results);
    for (size_t first = 0; first < part.count; first += n) {
        n = part.count - first < t->chunk ? part.count - first : t->chunk;
        if (!take_chunk(t, &part, first, n)) return 0;
        double loss = t->program->evaluate(t->parameters, t->state, t->evaluate_work, part.in, part.target, n, t->metrics);
        add(t, results, loss, t->metrics, n);
    }
    divide(t, results, part.count);
    return 1;
}

/* ---- What the network is judged by */

static Judged judged_part(const NncTraining *t) {
    if (t->test.rows > 0) return test_part(t);
    if (t->data.held_out_count > 0) return held_out_part(t);
    return (Judged){.examples = &t->examples, .rows = t->data.training, .count = t->data.training_count};
}

size_t nnc_training_judged(const NncTraining *t, const char **title) {
    *title = t->test.rows > 0 ? "test" : t->data.held_out_count > 0 ? "held out" : "training";
    return judged_part(t).count;
}

int nnc_training_evaluate(NncTraining *t, NncResults *results) { return evaluate_part(t, judged_part(t), results); }

int nnc_training_confusion(NncTraining *t, NncConfusion *confusion, int *wanted) {
    const NncProgram *program = t->program;
    const NncArray *array;
    Judged part = judged_part(t);
    size_t n;
    *wanted = nnc_confusion_is_wanted(program);
    if (!*wanted) return 1;
    nnc_training_judged(t, &confusion->data);
    array = nnc_array_of(&t->data, program->targets[program->class_target].path);
    memset(confusion->counts, 0, sizeof confusion->counts);
    confusion->classes = program->classes;
    confusion->names = array != NULL && array->class_count >= program->classes ? array->classes : NULL;
    for (size_t first = 0; first < part.count; first += n) {
        n = part.count - first < t->chunk ? part.count - first : t->chunk;
        if (!take_chunk(t, &part, first, n)) return 0;
        program->predict(t->parameters, t->predict_work, part.in, t->out, n);
        nnc_confusion_add(program, confusion, part.target, t->out, n);
    }
    return 1;
}

/* ---- All epochs */

/* Early stopping: whether the held-out loss was best too long ago. */
static int is_enough(const NncTraining *t) {
    uint32_t patience = t->program->patience;
    return t->data.held_out_count > 0 && patience > 0 && t->at.epoch > 0 && t->at.epoch - t->at.best_epoch >= patience;
}

static int save(NncTraining *t) {
    if (t->save == NULL) return 1;
    if (!nnc_checkpoint_save(t->program, t->save, &t->data, &t->at, t->parameters, t->state)) return 0;
    t->saved_epoch = t->at.epoch;
    return 1;
}

static int end_epoch(NncTraining *t, NncResults results[NNC_RESULTS]) {
    memcpy(&t->at.step, (char *)t->state + t->program->step_offset, sizeof t->at.step);
    t->at.epoch++;
    nnc_training_set_counters(t);
    if (!evaluate_part(t, held_out_part(t), &results[NNC_HELD_OUT]) || !evaluate_part(t, test_part(t), &results[NNC_TEST]))
        return 0;
    if (results[NNC_HELD_OUT].given && results[NNC_HELD_OUT].loss < t->at.best_loss) {
        t->at.best_loss = results[NNC_HELD_OUT].loss;
        t->at.best_epoch = t->at.epoch;
    }
    return 1;
}

static int train_epochs(NncTraining *t, NncDisplayKind kind) {
    NncResults results[NNC_RESULTS] = {{0, 0, NULL}};
    NncConfusion confusion;
    uint32_t before = t->at.epoch;
    double seconds = 0;
    int fine = 1, wanted = 0;
    for (size_t r = 0; r < NNC_RESULTS; r++) results[r].metrics = t->metrics + (r + 1) * t->program->metric_count;
    nnc_display_start(&t->display, kind, t->program, before, t->epochs);
    if (before > 0 && before >= t->epochs)
        nnc_display_note(&t->display, "%lu epochs were trained before; --epochs says how many there shall be in all", before);
    while (fine && t->at.epoch < t->epochs && !is_enough(t)) {
        double started = nnc_seconds();
        if (!train_epoch(t, &results[NNC_TRAINING])) return 0;
        seconds = nnc_seconds() - started;
        if (!end_epoch(t, results)) return 0;
        if ((t->at.epoch >= t->epochs || is_enough(t)) && !nnc_training_confusion(t, &confusion, &wanted)) return 0;
        if (wanted) t->display.confusion = &confusion;
        nnc_display_epoch(&t->display, t->at.epoch, results, seconds);
        if (t->picture != NULL) nnc_plot_add(&t->plot, t->at.epoch, results);
        fine = nnc_training_is_finite(t) && save(t);
    }
    if (!fine) return 0;
    if (is_enough(t)) nnc_display_note(&t->display, "no better for %lu epochs: stopped", t->program->patience);
    nnc_display_end(&t->display, t->at.epoch > before ? t->at.epoch : 0, results, seconds);
    return t->at.epoch > before || save(t);
}

/* A run that fails is drawn, too, as far as it came. */
int nnc_train(NncTraining *t, NncDisplayKind kind) {
    int fine;
    t->plot.program = t->program;
    fine = train_epochs(t, kind);
    if (fine && t->plane != NULL && !nnc_decision_save(t, t->plane)) fine = 0;
    return (t->picture == NULL || t->plot.epochs == 0 || nnc_plot_save(&t->plot, t->picture)) && fine;
}
