#include "display.h"

#include <math.h>
#include <string.h>

enum { ROWS = 8, WIDEST = 60, LABEL = 10 };

/* The mean of the values that share a column; values that are not finite are left out. */
static double column_mean(const double *values, size_t count, size_t column, size_t columns) {
    size_t first = column * count / columns, end = (column + 1) * count / columns, finite = 0;
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

void nnc_chart_print(FILE *out, const double *values, size_t count, size_t columns, int blocks) {
    double means[WIDEST], least = (double)INFINITY, most = -(double)INFINITY;
    size_t width = columns < LABEL + 12 ? 10 : columns - LABEL - 2;
    width = width > WIDEST ? WIDEST : width;
    width = width > count ? count : width;
    for (size_t i = 0; i < width; i++) {
        means[i] = column_mean(values, count, i, width);
        if (means[i] < least) least = means[i];
        if (means[i] > most) most = means[i];
    }
    if (count < 2 || !(least <= most)) return; /* a point is no curve */
    for (int row = ROWS - 1; row >= 0; row--) {
        char line[WIDEST * 3 + 1] = "";
        for (size_t i = 0; i < width; i++) {
            double share = most > least ? (means[i] / 2 - least / 2) / (most / 2 - least / 2) : 0; /* halves do not overflow */
            strcat(line, cell(isnan(share) ? 0 : 1 + (int)(share * (ROWS * 8 - 1)), row * 8, blocks));
        }
        for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; end--) line[end - 1] = '\0';
        if (row == ROWS - 1) fprintf(out, "%*.4g", LABEL, most);
        else if (row == 0) fprintf(out, "%*.4g", LABEL, least);
        else fprintf(out, "%*s", LABEL, "");
        fprintf(out, "%s%s\n", *line == '\0' ? "" : "  ", line);
    }
}
