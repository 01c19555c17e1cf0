#include "display.h"

#include <math.h>
#include <string.h>

enum { ROWS = 8, WIDEST = 60, LABEL = 10 };

/* The mean of the values that share a column, of which there may be more than values; what is not finite is left out. */
static double column_mean(const double *values, size_t count, size_t column, size_t columns) {
    size_t first = column * count / columns, end = (column + 1) * count / columns, finite = 0;
    end = end > first ? end : first + 1;
    double sum = 0;
    for (size_t i = first; i < end; i++) {
        if (!isfinite(values[i])) continue;
        sum += values[i] / (double)(end - first); /* divided first: a sum of large numbers could overflow */
        finite++;
    }
    return finite == 0 ? (double)NAN : sum * (double)(end - first) / (double)finite;
}

/* One character of a column that is filled up to `height` eighths of a row, in a row whose lower edge is at `floor` eighths. */
static const char *cell(int height, int floor, int blocks) {
    static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int filled = height - floor;
    filled = filled < 0 ? 0 : filled > 8 ? 8 : filled;
    if (blocks) return eighths[filled];
    return filled == 0 ? " " : filled < 5 ? "." : "#";
}

/* How high a value stands between the least and the most, 0 to 1. */
static double height_of(double value, double least, double most, int logarithmic) {
    if (logarithmic) return log(value / least) / log(most / least);
    return most > least ? (value / 2 - least / 2) / (most / 2 - least / 2) : value - least; /* halves do not overflow */
}

static void print_row(FILE *out, const char *label, const double *heights, size_t width, int row, int blocks) {
    char line[WIDEST * 3 + 1] = "";
    size_t end;
    for (size_t i = 0; i < width; i++)
        strcat(line, cell(isnan(heights[i]) ? 0 : 1 + (int)(heights[i] * (ROWS * 8 - 1)), row * 8, blocks));
    for (end = strlen(line); end > 0 && line[end - 1] == ' ';) line[--end] = '\0';
    if (end == 0 && *label == '\0') putc('\n', out);
    else fprintf(out, "%*s%s%s\n", LABEL, label, end == 0 ? "" : "  ", line);
}

void nnc_chart_print(FILE *out, const double *values, size_t count, size_t columns, int blocks) {
    double heights[WIDEST], least = (double)INFINITY, most = -(double)INFINITY;
    size_t width = columns < LABEL + 12 ? 10 : columns - LABEL - 2;
    int logarithmic;
    width = width > WIDEST ? WIDEST : width;
    if (count < 2) return; /* a point is no curve */
    for (size_t i = 0; i < width; i++) {
        heights[i] = column_mean(values, count, i, width);
        if (heights[i] < least) least = heights[i];
        if (heights[i] > most) most = heights[i];
    }
    if (!(least <= most)) return;
    logarithmic = least > 0 && most / least >= 100 && isfinite(most / least);
    for (size_t i = 0; i < width; i++) heights[i] = height_of(heights[i], least, most, logarithmic);
    for (int row = ROWS - 1; row >= 0; row--) {
        char label[32] = "";
        if (row == ROWS - 1 || row == 0) sprintf(label, "%.4g", row == 0 ? least : most);
        else if (row == ROWS / 2 && logarithmic) strcpy(label, "log  ");
        print_row(out, label, heights, width, row, blocks);
    }
}
