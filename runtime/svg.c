#include "svg.h"

#include <math.h>
#include <string.h>

/* 1, 2 or 5 times a power of ten: the least that is not below `least`. */
static double round_step(double least) {
    double power = pow(10, floor(log10(least)));
    return least <= power ? power : least <= 2 * power ? 2 * power : least <= 5 * power ? 5 * power : 10 * power;
}

void nnc_scale_even(NncScale *scale, double low, double high, int wanted) {
    double step;
    *scale = (NncScale){0};
    if (!(high > low)) low -= fabs(low) / 2 + 0.5, high += fabs(high) / 2 + 0.5;
    step = round_step((high - low) / wanted);
    scale->low = floor(low / step) * step;
    scale->high = ceil(high / step) * step;
    for (int i = 0; scale->low + i * step <= scale->high + step / 2 && scale->count < NNC_AXIS_TICKS; i++)
        scale->ticks[scale->count++] = fabs(scale->low + i * step) < step / 2 ? 0 : scale->low + i * step;
}

void nnc_scale_within(NncScale *scale, double low, double high, int wanted) {
    nnc_scale_even(scale, low, high, wanted);
    if (!(high > low)) return;
    scale->low = low;
    scale->high = high;
    while (scale->count > 0 && scale->ticks[scale->count - 1] > high) scale->count--;
    while (scale->count > 0 && scale->ticks[0] < low)
        memmove(scale->ticks, scale->ticks + 1, (size_t)--scale->count * sizeof *scale->ticks);
}

/* How many bytes the character of UTF-8 has that begins here; 0: it is none, or one that XML does not allow. */
static size_t character_length(const unsigned char *at) {
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    if (length == 1) return at[0] >= ' ' && at[0] != 0x7F;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90)) return 0; /* longer than need be */
    if ((at[0] == 0xED && at[1] > 0x9F) || (at[0] == 0xF4 && at[1] > 0x8F)) return 0; /* no characters */
    return at[0] == 0xEF && at[1] == 0xBF && at[2] > 0xBD ? 0 : length;
}

void nnc_svg_text(FILE *out, const char *text) {
    for (size_t length; *text != '\0'; text += length > 0 ? length : 1) {
        length = character_length((const unsigned char *)text);
        if (length == 0) putc('?', out);
        else if (*text == '&') fputs("&amp;", out);
        else if (*text == '<') fputs("&lt;", out);
        else if (*text == '>') fputs("&gt;", out);
        else fwrite(text, 1, length, out);
    }
}

/* ---- Contour lines: marching squares, with straight lines inside a square */

typedef struct {
    double x, y;
} Spot;

static Spot crossing(Spot a, Spot b, double at_a, double at_b, double level) {
    double share = (level - at_a) / (at_b - at_a);
    return (Spot){a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
}

/* The sides of a square in order: each is crossed where one end is below the level and the other is not. Four crossings are joined so that
   the mean of the corners is on the side that it belongs to. */
static size_t cross_square(const NncGrid *grid, size_t row, size_t column, double level, Spot found[4]) {
    double v[4], mean = 0;
    Spot corners[4];
    size_t count = 0;
    for (size_t i = 0; i < 4; i++) {
        size_t r = i < 2 ? row : row + grid->step, c = i == 0 || i == 3 ? column : column + grid->step;
        r = r < grid->rows ? r : grid->rows - 1;
        c = c < grid->columns ? c : grid->columns - 1;
        v[i] = grid->values[r * grid->columns + c];
        mean += v[i] / 4;
        corners[i] = (Spot){grid->left + ((double)c + 0.5) * grid->cell, grid->top + ((double)r + 0.5) * grid->cell};
    }
    if (isnan(mean)) return 0;
    for (size_t i = 0; i < 4; i++) {
        size_t next = (i + 1) % 4;
        if ((v[i] < level) != (v[next] < level)) found[count++] = crossing(corners[i], corners[next], v[i], v[next], level);
    }
    if (count == 4 && (v[0] < level) != (mean < level)) { /* around corners 0 and 2 instead of 1 and 3 */
        Spot first = found[0];
        memmove(found, found + 1, 3 * sizeof *found);
        found[3] = first;
    }
    return count;
}

void nnc_svg_contour(FILE *out, const NncGrid *grid, double level, const char *class_name) {
    int lines = 0;
    for (size_t row = 0; row + 1 < grid->rows; row += grid->step) {
        for (size_t c = 0; c + 1 < grid->columns; c += grid->step) {
            Spot found[4];
            size_t count = cross_square(grid, row, c, level, found);
            for (size_t k = 0; k + 1 < count; k += 2) {
                if (lines++ == 0) fprintf(out, "<path class=\"%s\" d=\"", class_name);
                fprintf(out, "M%.1f %.1fL%.1f %.1f", found[k].x, found[k].y, found[k + 1].x, found[k + 1].y);
            }
        }
    }
    if (lines > 0) fputs("\"/>\n", out);
}
