/* What a source does with its numbers: arithmetic, standardize, scale, one_hot. */
#include "data_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "strict.h"

static void calculate(NncArray *array, size_t rows, const NncStep *step) {
    double *x = array->values, low = step->low;
    size_t i, count = rows * array->width;
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

/* For each column what is subtracted and what divides: mean and population deviation, or least value and range. 0 counts as 1. */
static void learn(const NncArray *array, const NncStep *step, const uint32_t *rows, size_t count, double *learned) {
    size_t width = array->width, c, r;
    for (c = 0; c < width; c++) {
        double least = (double)INFINITY, largest = -(double)INFINITY, sum = 0, squares = 0, mean, divisor;
        for (r = 0; r < count; r++) {
            double x = array->values[rows[r] * width + c];
            least = fmin(least, x);
            largest = fmax(largest, x);
            sum += x;
        }
        mean = sum / (double)count;
        for (r = 0; r < count; r++) {
            double x = array->values[rows[r] * width + c] - mean;
            squares += x * x;
        }
        divisor = step->kind == NNC_STANDARDIZE ? sqrt(squares / (double)count) : largest - least;
        learned[c] = step->kind == NNC_STANDARDIZE ? mean : least;
        learned[width + c] = divisor == 0 ? 1 : divisor;
    }
}

static void apply_learned(NncArray *array, size_t rows, const NncStep *step, const double *learned) {
    size_t width = array->width, row, c;
    for (row = 0; row < rows; row++) {
        for (c = 0; c < width; c++) {
            double *x = &array->values[row * width + c];
            *x = (*x - learned[c]) / learned[width + c];
            if (step->kind == NNC_SCALE) *x = step->low + *x * (step->high - step->low);
        }
    }
}

/* Standardize or scale, by what was learned before where that is known. */
static int learned_step(NncTable *table, const NncStep *step, const uint32_t *training, size_t training_count) {
    NncArray *array = table->array;
    const NncArray *known = table->known;
    size_t number = array->learned_count;
    double *learned;
    int is_known = known != NULL && number < known->learned_count;
    if (is_known && known->learned_widths[number] != array->width) {
        return nnc_table_fail(table, "%s was learned for %lu numbers of '%s', but here it has %lu",
                              step->kind == NNC_SCALE ? "scale" : "standardize", (unsigned long)known->learned_widths[number],
                              table->source->tensor, (unsigned long)array->width);
    }
    learned = malloc((2 * array->width + 1) * sizeof *learned);
    if (learned == NULL) return nnc_table_no_memory(table);
    array->learned[number] = learned;
    array->learned_widths[number] = array->width;
    array->learned_count++;
    if (is_known) memcpy(learned, known->learned[number], 2 * array->width * sizeof *learned);
    else learn(array, step, training, training_count, learned);
    apply_learned(array, table->rows, step, learned);
    return 1;
}

static int no_class(NncTable *table, size_t i) {
    const NncArray *array = table->array;
    double x = array->values[i];
    char number[NNC_NUMBER_LENGTH];
    const char *what = nnc_number_print(number, x);
    if (array->class_count > 0 && x >= 0 && x < (double)array->class_count) what = array->classes[(size_t)x];
    table->error->shape = 1;
    return nnc_table_fail_at(table, i / array->width, i % array->width, "'%.60s' is class %s, but '%s' has classes 0 to %ld",
                             what, number, table->source->tensor, (long)table->source->classes - 1);
}

static int one_hot(NncTable *table) {
    NncArray *array = table->array;
    size_t classes = table->source->classes, count = table->rows * array->width, i;
    double points = (double)count * (double)classes, *hot;
    if (points > 1e11) return nnc_table_fail(table, "%.0f numbers are too many", points);
    for (i = 0; i < count; i++) {
        double x = array->values[i];
        if (!(x >= 0 && x < (double)classes && x == floor(x))) return no_class(table, i);
    }
    hot = calloc(count * classes + 1, sizeof *hot);
    if (hot == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < count; i++) hot[i * classes + (size_t)array->values[i]] = 1;
    free(array->values);
    array->values = hot;
    array->width *= classes;
    return 1;
}

int nnc_table_steps(NncTable *table, const uint32_t *training, size_t training_count) {
    const NncSource *source = table->source;
    NncArray *array = table->array;
    size_t i;
    array->learned = calloc(source->step_count + 1, sizeof *array->learned);
    array->learned_widths = calloc(source->step_count + 1, sizeof *array->learned_widths);
    if (array->learned == NULL || array->learned_widths == NULL) return nnc_table_no_memory(table);
    for (i = 0; i < source->step_count; i++) {
        const NncStep *step = &source->steps[i];
        int fine = 1;
        table->error->step = (int)i; /* where one fails */
        if (step->kind == NNC_ONE_HOT) fine = one_hot(table);
        else if (step->kind == NNC_STANDARDIZE || step->kind == NNC_SCALE)
            fine = learned_step(table, step, training, training_count);
        else calculate(array, table->rows, step);
        if (!fine) return 0;
    }
    table->error->step = -1;
    return 1;
}
