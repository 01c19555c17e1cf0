/* Which output is drawn, and where: answers on a grid, and examples, in the units of the data. decision_svg.c draws them. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#endif
#include "decision.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "message.h"
#include "replace.h"

enum { MOST_EXAMPLES = 1500, LARGEST_PICTURE = 280000 /* bytes */, COARSEST_CELL = 10 };

/* ---- What can be drawn */

/* "'x' [4], 's'" */
static void list_inputs(const NncProgram *program, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < program->input_count && used < size; i++) {
        const NncMember *input = &program->inputs[i];
        char shape[NNC_SHAPE_LENGTH] = "";
        if (input->rank > 0) nnc_shape_print(shape, input->shape, input->rank);
        int length = snprintf(out + used, size - used, "%s'%.60s'%s%s%s", i == 0 ? "" : ", ", input->path,
                              *shape == '\0' ? "" : " ", shape, input->whole ? " (an index)" : "");
        used += length > 0 ? (size_t)length : 0;
    }
}

int nnc_decision_may_draw(const NncProgram *program) {
    const NncBlock *block = program->train_data;
    size_t numbers = 0;
    char inputs[300];
    int real = 1;
    for (size_t i = 0; i < program->input_count; i++) {
        numbers += program->inputs[i].count;
        real &= !program->inputs[i].whole;
    }
    if (numbers != 2 || !real) {
        list_inputs(program, inputs, sizeof inputs);
        nnc_message(
            program->name,
            "--plot-decision draws networks whose input is two numbers, one tensor with two elements or two of one; here the "
            "input is %s",
            inputs);
        return 0;
    }
    for (size_t i = 0; i < program->input_count; i++) {
        const NncSource *source = block == NULL ? NULL : nnc_source_of(block, program->inputs[i].path);
        int fine = source != NULL && nnc_data_can_undo(source);
        for (size_t s = 0; fine && s < source->step_count; s++)
            fine = source->steps[s].kind != NNC_DIVIDE_INTO; /* 0 has no place */
        if (fine) continue;
        nnc_message(program->name,
                    "--plot-decision shows the plane in the units of the data, to which the steps of '%s' cannot be taken back",
                    program->inputs[i].path);
        return 0;
    }
    if (program->output_count > 0) return 1;
    nnc_message(program->name, "--plot-decision draws what the network predicts, and it predicts nothing");
    return 0;
}

static const NncMember *target_called(const NncProgram *program, const char *name) {
    for (size_t i = 0; i < program->target_count && name != NULL; i++) {
        if (strcmp(program->targets[i].path, name) == 0) return &program->targets[i];
    }
    return NULL;
}

/* Whether the target is one-hot in all examples: then it is a class, whatever its source. */
static int all_one_hot(NncDecision *d, const NncTraining *t, const NncMember *target, double *numbers) {
    for (size_t row = 0; row < t->examples.rows; row++) {
        size_t ones = 0;
        if (!nnc_examples_gather(t->program, &t->examples, NULL, row, 1, d->in, d->right)) return 0;
        nnc_member_read(t->program, target, d->right, numbers);
        for (size_t i = 0; i < target->count; i++) {
            if (numbers[i] != 0 && numbers[i] != 1) return 0;
            ones += numbers[i] == 1;
        }
        if (ones != 1) return 0;
    }
    return 1;
}

/* What an output is compared with; NULL: it is not known. */
static const NncMember *target_of(const NncProgram *program, size_t output) {
    const NncMember *target = target_called(program, program->compared == NULL ? NULL : program->compared[output]);
    int only = program->target_count == 1 && program->targets[0].count == 1 && program->outputs[output].count == 1;
    return target == NULL && only ? &program->targets[0] : target;
}

/* The output that tells classes apart; else the first that is one number; else the first, and of that its first number. */
static void choose_output(NncDecision *d, const NncTraining *t, double *numbers) {
    const NncProgram *program = d->program;
    if (program->classes > 0) {
        d->output = program->class_output;
        d->classes = program->classes;
        d->target = program->targets[program->class_target].path;
        return;
    }
    for (size_t o = program->output_count; o-- > 0;) {
        if (program->outputs[o].count == 1) d->output = o;
    }
    for (size_t o = program->output_count; o-- > 0;) {
        const NncMember *target = target_of(program, o);
        if (target == NULL || target->rank != 1 || target->count < 2 || !all_one_hot(d, t, target, numbers)) continue;
        d->output = o;
        d->classes = target->count;
    }
    d->target = target_of(program, d->output) == NULL ? NULL : target_of(program, d->output)->path;
}

/* ---- The plane */

static void name_axes(NncDecision *d) {
    for (size_t a = 0; a < 2; a++) {
        const NncMember *input = &d->program->inputs[d->program->input_count == 2 ? a : 0];
        size_t column = d->program->input_count == 2 ? 0 : a;
        const NncArray *array = nnc_array_of(d->data, input->path);
        const char *name = array != NULL && column < array->column_count ? array->columns[column] : NULL;
        if (name != NULL && *name != '\0') snprintf(d->axes[a], sizeof d->axes[a], "%s", name);
        else if (input->count == 2) snprintf(d->axes[a], sizeof d->axes[a], "%s.%zu", input->path, column);
        else snprintf(d->axes[a], sizeof d->axes[a], "%s", input->path);
    }
}

/* Where an input struct lies. */
static void place_of(const NncDecision *d, const char *in, double at[2]) {
    const NncProgram *program = d->program;
    for (size_t i = 0; i < program->input_count; i++) {
        const char *path = program->inputs[i].path;
        nnc_member_read(program, &program->inputs[i], in, at + i);
        nnc_data_undo(nnc_source_of(program->train_data, path), nnc_array_of(d->data, path), at + i);
    }
}

static double right_value(const NncDecision *d, const char *target, double *numbers) {
    const NncMember *member = target_called(d->program, d->target);
    const NncArray *array = member == NULL ? NULL : nnc_array_of(d->data, d->target);
    if (member == NULL) return (double)NAN;
    nnc_member_read(d->program, member, target, numbers);
    if (d->classes > 0) return member->whole ? numbers[0] : (double)nnc_largest(numbers, member->count);
    if (array != NULL) nnc_data_undo(nnc_source_of(d->program->train_data, d->target), array, numbers);
    return numbers[0];
}

/* rows NULL: the first count. */
static int take_examples(NncDecision *d, const NncExamples *from, const uint32_t *rows, size_t count, int result,
                         double *numbers) {
    for (size_t i = 0; i < count; i++) {
        NncDecisionExample example = {.result = result};
        if (!nnc_examples_gather(d->program, from, rows, i, 1, d->in, d->right)) return 0;
        place_of(d, d->in, example.at);
        for (int a = 0; a < 2; a++) {
            d->low[a] = fmin(d->low[a], example.at[a]);
            d->high[a] = fmax(d->high[a], example.at[a]);
        }
        if (i % d->left_out != 0) continue;
        example.value = d->program->target_size == 0 ? (double)NAN : right_value(d, d->right, numbers);
        d->examples[d->example_count++] = example;
    }
    return 1;
}

static int place_examples(NncDecision *d, const NncTraining *t, double *numbers) {
    for (int a = 0; a < 2; a++) d->low[a] = (double)INFINITY, d->high[a] = -(double)INFINITY;
    if (!take_examples(d, &t->examples, t->data.training, t->data.training_count, NNC_TRAINING, numbers) ||
        !take_examples(d, &t->examples, t->data.held_out, t->data.held_out_count, NNC_HELD_OUT, numbers) ||
        !take_examples(d, &t->test, NULL, t->test.rows, NNC_TEST, numbers))
        return 0;
    for (int a = 0; a < 2; a++) { /* a margin; of one number, around it */
        double margin = d->high[a] > d->low[a] ? (d->high[a] - d->low[a]) * 0.08 : fabs(d->low[a]) / 2 + 0.5;
        d->low[a] -= margin;
        d->high[a] += margin;
    }
    return 1;
}

/* ---- The network's answers, a row of the grid at a time */

typedef struct {
    NncBlock block;
    NncSource sources[2];
    double points[2 * NNC_DECISION_COLUMNS];
} DecisionRow;

/* The points of a row as data that stand in the model: they go through the steps of the training data. */
static void row_of_points(const NncDecision *d, size_t row, DecisionRow *r) {
    const NncProgram *program = d->program;
    int tensors = program->input_count == 2;
    double y = d->high[1] - (d->high[1] - d->low[1]) * ((double)row + 0.5) / NNC_DECISION_ROWS;
    for (size_t c = 0; c < NNC_DECISION_COLUMNS; c++) {
        r->points[tensors ? c : 2 * c] = d->low[0] + (d->high[0] - d->low[0]) * ((double)c + 0.5) / NNC_DECISION_COLUMNS;
        r->points[tensors ? NNC_DECISION_COLUMNS + c : 2 * c + 1] = y;
    }
    r->block = (NncBlock){.split = "train", .sources = r->sources, .source_count = program->input_count};
    for (size_t i = 0; i < program->input_count; i++) {
        r->sources[i] = *nnc_source_of(program->train_data, program->inputs[i].path);
        r->sources[i].format = NNC_LITERAL;
        r->sources[i].literal = r->points + i * NNC_DECISION_COLUMNS;
        r->sources[i].literal_rows = NNC_DECISION_COLUMNS;
        r->sources[i].literal_width = tensors ? 1 : 2;
    }
}

static void take_answer(NncDecision *d, size_t cell, const char *out, double *numbers) {
    const NncMember *output = &d->program->outputs[d->output];
    double sum = 0;
    int finite = 1;
    if (d->classes == 0) {
        nnc_output_read(d->program, d->data, d->output, out, numbers);
        d->values[cell] = isfinite(numbers[0]) ? numbers[0] : (double)NAN;
        return;
    }
    nnc_member_read(d->program, output, out, numbers);
    for (size_t i = 0; i < output->count; i++) {
        sum += numbers[i] >= 0 ? numbers[i] : (double)NAN;
        finite &= isfinite(numbers[i]) != 0;
    }
    d->shares &= fabs(sum - 1) < 1e-3;
    d->values[cell] = finite ? (double)nnc_largest(numbers, output->count) : (double)NAN;
    d->certainty[cell] = finite ? numbers[nnc_largest(numbers, output->count)] : (double)NAN;
}

static int answer(NncDecision *d, const NncTraining *t, double *numbers) {
    NncProgram asked = *d->program;
    char *out = calloc(NNC_DECISION_COLUMNS, asked.output_size);
    int fine = out != NULL;
    if (!fine) nnc_message(asked.name, "there is not enough memory for the picture");
    asked.target_size = asked.target_count = 0;
    for (size_t row = 0; row < NNC_DECISION_ROWS && fine; row++) {
        DecisionRow points;
        NncExamples examples = {0};
        NncData data;
        row_of_points(d, row, &points);
        fine = nnc_examples_open(&asked, &points.block, NULL, d->data, 0, 0, &data, &examples);
        if (!fine) break;
        asked.predict(t->parameters, t->predict_work, examples.in, out, NNC_DECISION_COLUMNS);
        for (size_t c = 0; c < NNC_DECISION_COLUMNS; c++)
            take_answer(d, row * NNC_DECISION_COLUMNS + c, out + c * asked.output_size, numbers);
        nnc_examples_free(&examples);
        nnc_data_free(&data);
    }
    free(out);
    return fine;
}

/* ---- The file */

/* As fine as a small file allows. */
static int write_decision(const NncDecision *d, const char *path) {
    NncReplacement replacement = {.message = "there is not enough memory"};
    char *text = NULL;
    size_t length = 0;
    FILE *out;
    int fine = 1;
    for (size_t cell = 1; cell <= COARSEST_CELL && fine && (text == NULL || length > LARGEST_PICTURE); cell++) {
        if (NNC_DECISION_COLUMNS % cell != 0 || NNC_DECISION_ROWS % cell != 0) continue;
        free(text);
        text = NULL;
        out = open_memstream(&text, &length);
        if (out != NULL) nnc_decision_draw(out, d, cell);
        fine = out != NULL && fclose(out) == 0;
    }
    out = fine ? nnc_replace_begin(path, &replacement) : NULL;
    if (out != NULL) fwrite(text, 1, length, out);
    fine = out != NULL && nnc_replace_end(&replacement, 1);
    if (!fine) nnc_message(d->program->name, "%s: %s", path, replacement.message);
    free(text);
    return fine;
}

int nnc_decision_save(const NncTraining *t, const char *path) {
    const NncProgram *program = t->program;
    NncDecision d = {.program = program, .data = &t->data, .shares = 1};
    size_t most = 2, all = t->examples.rows + t->test.rows;
    double *numbers;
    int fine;
    for (size_t i = 0; i < program->target_count; i++) most = program->targets[i].count > most ? program->targets[i].count : most;
    for (size_t i = 0; i < program->output_count; i++) most = program->outputs[i].count > most ? program->outputs[i].count : most;
    numbers = malloc(most * sizeof *numbers);
    d.values = malloc(NNC_DECISION_CELLS * sizeof *d.values);
    d.certainty = malloc(NNC_DECISION_CELLS * sizeof *d.certainty);
    d.left_out = (all + MOST_EXAMPLES - 1) / MOST_EXAMPLES;
    d.examples = calloc(all / d.left_out + NNC_RESULTS, sizeof *d.examples);
    d.in = malloc(program->input_size);
    d.right = malloc(program->target_size + 1);
    fine = numbers != NULL && d.values != NULL && d.certainty != NULL && d.examples != NULL && d.in != NULL && d.right != NULL;
    if (!fine) nnc_message(program->name, "there is not enough memory for the picture");
    if (fine) {
        choose_output(&d, t, numbers);
        name_axes(&d);
        fine = place_examples(&d, t, numbers) && answer(&d, t, numbers) && write_decision(&d, path);
    }
    free(numbers);
    free(d.values);
    free(d.certainty);
    free(d.examples);
    free(d.in);
    free(d.right);
    return fine;
}
