/* What a source does with its numbers: arithmetic, standardize, scale, one_hot. */
#include "data_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strict.h"

static void calculate(NncTable *table, const NncStep *step) {
    double *x = table->values, low = step->low;
    size_t i, count = table->count * table->width;
    switch (step->kind) {
    case NNC_ADD:
        for (i = 0; i < count; i++) x[i] = x[i] + low;
        return;
    case NNC_SUBTRACT:
        for (i = 0; i < count; i++) x[i] = x[i] - low;
        return;
    case NNC_MULTIPLY:
        for (i = 0; i < count; i++) x[i] = x[i] * low;
        return;
    case NNC_DIVIDE:
        for (i = 0; i < count; i++) x[i] = x[i] / low;
        return;
    case NNC_SUBTRACT_FROM:
        for (i = 0; i < count; i++) x[i] = low - x[i];
        return;
    case NNC_DIVIDE_INTO:
        for (i = 0; i < count; i++) x[i] = low / x[i];
        return;
    case NNC_STANDARDIZE:
    case NNC_ONE_HOT:
    case NNC_SCALE: return;
    }
}

/* ---- What is learned */

int nnc_step_learns(const NncStep *step) { return step->kind == NNC_STANDARDIZE || step->kind == NNC_SCALE; }

/* Which of the learned steps this one is. */
static size_t learned_number(const NncTable *table, size_t step) {
    size_t i, number = 0;
    for (i = 0; i < step; i++) number += nnc_step_learns(&table->source->steps[i]) ? 1 : 0;
    return number;
}

/* Adds up over the rows in memory that train. low and high, of each column: the first time sums, or least and largest values; the
   second time the sum of squares around the mean, which is in low. */
static void add_rows(const NncTable *table, const NncStep *step, int second, const uint32_t *training, size_t training_count,
                     double *low, double *high) {
    size_t width = table->width, c, r;
    for (r = 0; r < training_count && training[r] < table->first + table->count; r++) {
        const double *x = table->values + (training[r] - table->first) * width;
        for (c = 0; c < width; c++) {
            if (step->kind == NNC_SCALE) {
                low[c] = fmin(low[c], x[c]);
                high[c] = fmax(high[c], x[c]);
            } else if (second) {
                high[c] += (x[c] - low[c]) * (x[c] - low[c]);
            } else {
                low[c] += x[c];
            }
        }
    }
}

static int go_over_rows(NncTable *table, size_t number, int second, const uint32_t *training, size_t training_count, double *low,
                        double *high) {
    size_t first, used = 0;
    for (first = 0; first < table->rows; first += table->count) {
        if (!nnc_table_load(table, first, number)) return 0;
        add_rows(table, &table->source->steps[number], second, training + used, training_count - used, low, high);
        while (used < training_count && training[used] < table->first + table->count) used++;
    }
    return 1;
}

/* For each column what is subtracted and what divides: mean and population deviation, or least value and range. 0 counts as 1. */
static int learn(NncTable *table, size_t number, const uint32_t *training, size_t training_count, double *learned) {
    const NncStep *step = &table->source->steps[number];
    size_t width = table->width, c;
    double *low = learned, *high = learned + width, count = (double)training_count;
    int standardizes = step->kind == NNC_STANDARDIZE;
    for (c = 0; c < width; c++) {
        low[c] = standardizes ? 0 : (double)INFINITY;
        high[c] = standardizes ? 0 : -(double)INFINITY;
    }
    if (!go_over_rows(table, number, 0, training, training_count, low, high)) return 0;
    for (c = 0; c < width && standardizes; c++) low[c] /= count;
    if (standardizes && !go_over_rows(table, number, 1, training, training_count, low, high)) return 0;
    for (c = 0; c < width; c++) {
        high[c] = standardizes ? sqrt(high[c] / count) : high[c] - low[c];
        if (high[c] == 0) high[c] = 1;
    }
    return 1;
}

/* By what was learned before where that is known. */
static int learn_step(NncTable *table, size_t step, const uint32_t *training, size_t training_count) {
    NncArray *array = table->array;
    const NncArray *known = table->known;
    size_t number = array->learned_count, width;
    double *learned;
    int is_known = known != NULL && number < known->learned_count;
    if (!nnc_table_load(table, 0, step)) return 0;
    table->error->step = (int)step;
    width = table->width;
    if (is_known && known->learned_widths[number] != width) {
        return nnc_table_fail(table, "%s was learned for %lu numbers of '%s', but here it has %lu",
                              table->source->steps[step].kind == NNC_SCALE ? "scale" : "standardize",
                              (unsigned long)known->learned_widths[number], table->source->tensor, (unsigned long)width);
    }
    learned = malloc((2 * width + 1) * sizeof *learned);
    if (learned == NULL) return nnc_table_no_memory(table);
    array->learned[number] = learned;
    array->learned_widths[number] = width;
    array->learned_count++;
    table->error->step = -1;
    if (!is_known) return learn(table, step, training, training_count, learned);
    memcpy(learned, known->learned[number], 2 * width * sizeof *learned);
    return 1;
}

int nnc_table_learn(NncTable *table, const uint32_t *training, size_t training_count) {
    const NncSource *source = table->source;
    NncArray *array = table->array;
    size_t i;
    array->learned = calloc(source->step_count + 1, sizeof *array->learned);
    array->learned_widths = calloc(source->step_count + 1, sizeof *array->learned_widths);
    if (array->learned == NULL || array->learned_widths == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < source->step_count; i++) {
        if (nnc_step_learns(&source->steps[i]) && !learn_step(table, i, training, training_count)) return 0;
    }
    return 1;
}

/* ---- The steps */

static void apply_learned(NncTable *table, const NncStep *step, const double *learned) {
    size_t width = table->width, row, c;
    for (row = 0; row < table->count; row++) {
        for (c = 0; c < width; c++) {
            double *x = &table->values[row * width + c];
            *x = (*x - learned[c]) / learned[width + c];
            if (step->kind == NNC_SCALE) *x = step->low + *x * (step->high - step->low);
        }
    }
}

static int no_class(NncTable *table, size_t i) {
    const NncCsvColumn *column = table->csv != NULL && table->csv->width == 1 ? table->csv->columns : NULL;
    double x = table->values[i];
    char number[NNC_NUMBER_LENGTH];
    const char *what = nnc_number_print(number, x);
    if (column != NULL && x >= 0 && x < (double)column->class_count) what = column->classes[(size_t)x];
    table->error->shape = 1;
    return nnc_table_fail_at(table, table->first + i / table->width, i % table->width,
                             "'%.60s' is class %s, but '%s' has classes 0 to %ld", what, number, table->source->tensor,
                             (long)table->source->classes - 1);
}

static int one_hot(NncTable *table) {
    size_t classes = table->source->classes, count = table->count * table->width, i;
    double points = (double)table->rows * (double)table->width * (double)classes, *hot;
    if (points > 1e11) return nnc_table_fail(table, "%.0f numbers are too many", points);
    for (i = 0; i < count; i++) {
        double x = table->values[i];
        if (!(x >= 0 && x < (double)classes && x == floor(x))) return no_class(table, i);
    }
    hot = calloc(count * classes + 1, sizeof *hot);
    if (hot == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < count; i++) hot[i * classes + (size_t)table->values[i]] = 1;
    free(table->values);
    table->values = hot;
    table->width *= classes;
    return 1;
}

int nnc_table_steps(NncTable *table, size_t steps) {
    for (; table->steps_done < steps; table->steps_done++) {
        const NncStep *step = &table->source->steps[table->steps_done];
        table->error->step = (int)table->steps_done; /* where one fails */
        if (nnc_step_learns(step)) apply_learned(table, step, table->array->learned[learned_number(table, table->steps_done)]);
        else if (step->kind != NNC_ONE_HOT) calculate(table, step);
        else if (!one_hot(table)) return 0;
        table->error->step = -1;
    }
    return 1;
}
