/* The steps of a source backwards. */
#include "data_table.h"
#include "strict.h"

static int can_undo(const NncStep *step) {
    switch (step->kind) {
    case NNC_ADD:
    case NNC_SUBTRACT:
    case NNC_DIVIDE:
    case NNC_SUBTRACT_FROM:
    case NNC_STANDARDIZE: return 1;
    case NNC_MULTIPLY:
    case NNC_DIVIDE_INTO: return step->low != 0;
    case NNC_SCALE: return step->low != step->high;
    case NNC_ONE_HOT: return 0;
    }
    return 0;
}

/* learned: what was subtracted from the column, and what divided it. */
static double undo_step(const NncStep *step, double x, double subtracted, double divisor) {
    switch (step->kind) {
    case NNC_ADD: return x - step->low;
    case NNC_SUBTRACT: return x + step->low;
    case NNC_MULTIPLY: return x / step->low;
    case NNC_DIVIDE: return x * step->low;
    case NNC_SUBTRACT_FROM: return step->low - x;
    case NNC_DIVIDE_INTO: return step->low / x;
    case NNC_STANDARDIZE: return x * divisor + subtracted;
    case NNC_SCALE: return (x - step->low) / (step->high - step->low) * divisor + subtracted;
    case NNC_ONE_HOT: break;
    }
    return x;
}

int nnc_data_can_undo(const NncSource *source) {
    size_t i = 0;
    while (i < source->step_count && can_undo(&source->steps[i])) i++;
    return i == source->step_count;
}

int nnc_data_undo(const NncSource *source, const NncArray *array, double *values) {
    size_t width = source->width, learned = 0;
    if (!nnc_data_can_undo(source)) return 0;
    for (size_t i = 0; i < source->step_count; i++) {
        if (!nnc_step_learns(&source->steps[i])) continue;
        if (learned == array->learned_count || array->learned_widths[learned] != width) return 0; /* of other data */
        learned++;
    }
    for (size_t i = source->step_count; i-- > 0;) {
        const NncStep *step = &source->steps[i];
        const double *columns = nnc_step_learns(step) ? array->learned[--learned] : NULL;
        for (size_t c = 0; c < width; c++)
            values[c] = undo_step(step, values[c], columns != NULL ? columns[c] : 0, columns != NULL ? columns[width + c] : 1);
    }
    return 1;
}
