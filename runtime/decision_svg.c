/* The picture of nnc_decision_save. The plane is opaque and light, so that it and the examples look the same on a light or a dark page;
   text follows the page. Colours of classes are those of Okabe and Ito (2008), which the colour-blind tell apart. */
#include "decision.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLANE_WIDTH = 2 * NNC_DECISION_COLUMNS, /* two units to a cell */
    PLANE_HEIGHT = 2 * NNC_DECISION_ROWS,
    PLANE_LEFT = 70,
    PLANE_TOP = 34,
    PLANE_BOTTOM = PLANE_TOP + PLANE_HEIGHT,
    LEGEND_LEFT = PLANE_LEFT + PLANE_WIDTH + 20,
    DECISION_WIDTH = LEGEND_LEFT + 150,
    DECISION_HEIGHT = PLANE_BOTTOM + 64,
    LEGEND_CLASSES = 14,
    LEGEND_TEXT = 18, /* letters */
    SHADES = 5,       /* of a class */
    BANDS = 4         /* from a contour line to the next */
};

typedef struct {
    double red, green, blue;
} Colour;

static const Colour white = {255, 255, 255};

static Colour mixed(Colour a, Colour b, double share) {
    return (Colour){a.red + (b.red - a.red) * share, a.green + (b.green - a.green) * share, a.blue + (b.blue - a.blue) * share};
}

static unsigned hex_of(Colour c) {
    return (unsigned)(c.red + 0.5) << 16 | (unsigned)(c.green + 0.5) << 8 | (unsigned)(c.blue + 0.5);
}

/* Of more classes than there are such colours, hues as far apart as the golden ratio puts them. */
static Colour class_colour(size_t class) {
    static const Colour known[] = {{0, 114, 178}, {230, 159, 0}, {0, 158, 115}, {213, 94, 0}, {204, 121, 167}, {86, 180, 233}};
    double hue, part;
    if (class < sizeof known / sizeof *known) return known[class];
    hue = fmod((double)class * 0.6180339887498949, 1) * 3;
    part = hue - floor(hue);
    part = 200 * part;
    return hue < 1 ? (Colour){200 - part, part, 90} : hue < 2 ? (Colour){90, 200 - part, part} : (Colour){part, 90, 200 - part};
}

/* From blue over white to orange. */
static Colour number_colour(const NncScale *scale, double value) {
    static const Colour blue = {0, 114, 178}, orange = {213, 94, 0};
    double share = (value - scale->low) / (scale->high - scale->low);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return share < 0.5 ? mixed(blue, white, 2 * share) : mixed(white, orange, 2 * share - 1);
}

/* ---- The plane: cells of one look are one path, whose lines are as wide as a cell */

typedef struct {
    FILE *out;
    const NncDecision *d;
    size_t cell, looks;
    NncScale scale; /* of numbers */
    int binary;     /* numbers are shares of 1, and what is right is 0 or 1 */
} Painter;

/* In the middle of a cell. */
static double value_at(const Painter *p, const double *values, size_t row, size_t column) {
    return values[(row * p->cell + p->cell / 2) * NNC_DECISION_COLUMNS + column * p->cell + p->cell / 2];
}

/* The class and its shade, or the band of the number; p->looks: there is no number. */
static size_t look_of_cell(const Painter *p, size_t row, size_t column) {
    double value = value_at(p, p->d->values, row, column), share;
    size_t step;
    if (isnan(value)) return p->looks;
    if (p->d->classes == 0) {
        share = (value - p->scale.low) / (p->scale.high - p->scale.low) * (double)p->looks;
        step = share < 0 ? 0 : (size_t)share;
        return step < p->looks ? step : p->looks - 1;
    }
    share = p->d->shares ? value_at(p, p->d->certainty, row, column) * (double)p->d->classes - 1 : (double)p->d->classes - 1;
    share *= SHADES / ((double)p->d->classes - 1); /* from 0, where all classes are as probable, to SHADES */
    step = share < 0 ? 0 : (size_t)share;
    return (size_t)value * SHADES + (step < SHADES ? step : SHADES - 1);
}

static Colour look_colour(const Painter *p, size_t look) {
    double middle = ((double)look + 0.5) / (double)p->looks;
    if (p->d->classes > 0) return mixed(white, class_colour(look / SHADES), 0.15 + 0.12 * (double)(look % SHADES));
    return mixed(number_colour(&p->scale, p->scale.low + (p->scale.high - p->scale.low) * middle), white, 0.35);
}

static void paint_look(const Painter *p, const size_t *looks, size_t look) {
    size_t columns = NNC_DECISION_COLUMNS / p->cell, rows = NNC_DECISION_ROWS / p->cell, wide = 2 * p->cell;
    fprintf(p->out, "<path stroke=\"#%06x\" d=\"", hex_of(look_colour(p, look)));
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0, end; c < columns; c = end) {
            for (end = c + 1; end < columns && looks[row * columns + end] == looks[row * columns + c];) end++;
            if (looks[row * columns + c] != look) continue;
            fprintf(p->out, "M%zu %zuh%zu", PLANE_LEFT + c * wide, PLANE_TOP + row * wide + p->cell, (end - c) * wide);
        }
    }
    fputs("\"/>\n", p->out);
}

static void paint_plane(const Painter *p) {
    size_t cells = NNC_DECISION_CELLS / (p->cell * p->cell), columns = NNC_DECISION_COLUMNS / p->cell;
    size_t *looks = malloc(cells * sizeof *looks);
    char *used = calloc(p->looks + 1, 1);
    for (size_t i = 0; i < cells && looks != NULL && used != NULL; i++) {
        looks[i] = look_of_cell(p, i / columns, i % columns);
        used[looks[i]] = 1;
    }
    fprintf(p->out, "<g class=\"plane\" stroke-width=\"%zu\" shape-rendering=\"crispEdges\">\n", 2 * p->cell);
    for (size_t look = 0; look < p->looks && looks != NULL && used != NULL; look++) {
        if (used[look]) paint_look(p, looks, look);
    }
    fputs("</g>\n", p->out);
    free(looks);
    free(used);
}

static void draw_contours(const Painter *p) {
    const NncGrid grid = {.values = p->d->values,
                          .columns = NNC_DECISION_COLUMNS,
                          .rows = NNC_DECISION_ROWS,
                          .step = 2 * p->cell,
                          .left = PLANE_LEFT,
                          .top = PLANE_TOP,
                          .cell = 2};
    for (int i = 0; i < p->scale.count && p->d->classes == 0; i++) {
        int boundary = p->binary && fabs(p->scale.ticks[i] - 0.5) < 1e-9;
        nnc_svg_contour(p->out, &grid, p->scale.ticks[i], boundary ? "contour boundary" : "contour");
    }
}

/* ---- Examples: training filled, held out a ring, test the frame of a square */

static const char markers[] = "<defs><circle id=\"training\" class=\"marker\" r=\"3.5\"/>\n"
                              "<path id=\"held-out\" class=\"marker\" d=\"M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0z"
                              "M-1.9 0a1.9 1.9 0 1 0 3.8 0a1.9 1.9 0 1 0-3.8 0z\"/>\n"
                              "<path id=\"test\" class=\"marker\" d=\"M-4-4h8v8h-8zM-1.8-1.8h3.6v3.6h-3.6z\"/></defs>\n";

static void draw_marker(FILE *out, int result, double x, double y, unsigned colour) {
    static const char *const names[NNC_RESULTS] = {"training", "held-out", "test"};
    fprintf(out, "<use href=\"#%s\" x=\"%.1f\" y=\"%.1f\" fill=\"#%06x\"/>\n", names[result], x, y, colour);
}

static Colour right_colour(const Painter *p, double value) {
    static const Colour unknown = {119, 119, 119};
    if (isnan(value)) return unknown;
    return p->d->classes > 0 ? class_colour((size_t)value) : number_colour(&p->scale, value);
}

static double plane_x(const NncDecision *d, double at) {
    return PLANE_LEFT + (at - d->low[0]) / (d->high[0] - d->low[0]) * PLANE_WIDTH;
}

static double plane_y(const NncDecision *d, double at) {
    return PLANE_BOTTOM - (at - d->low[1]) / (d->high[1] - d->low[1]) * PLANE_HEIGHT;
}

static void draw_examples(const Painter *p) {
    const NncDecision *d = p->d;
    for (size_t i = 0; i < d->example_count; i++) {
        const NncDecisionExample *e = &d->examples[i];
        draw_marker(p->out, e->result, plane_x(d, e->at[0]), plane_y(d, e->at[1]), hex_of(right_colour(p, e->value)));
    }
}

/* ---- Axes and legend */

static void draw_axes(const Painter *p) {
    const NncDecision *d = p->d;
    NncScale x, y;
    nnc_scale_within(&x, d->low[0], d->high[0], 6);
    nnc_scale_within(&y, d->low[1], d->high[1], 6);
    for (int i = 0; i < x.count; i++)
        fprintf(p->out, "<path class=\"axis\" d=\"M%.1f %dv5\"/><text class=\"middle\" x=\"%.1f\" y=\"%d\">%g</text>\n",
                plane_x(d, x.ticks[i]), PLANE_BOTTOM, plane_x(d, x.ticks[i]), PLANE_BOTTOM + 18, x.ticks[i]);
    for (int i = 0; i < y.count; i++)
        fprintf(p->out, "<path class=\"axis\" d=\"M%d %.1fh-5\"/><text class=\"end\" x=\"%d\" y=\"%.1f\">%g</text>\n", PLANE_LEFT,
                plane_y(d, y.ticks[i]), PLANE_LEFT - 8, plane_y(d, y.ticks[i]) + 4, y.ticks[i]);
    fprintf(p->out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", PLANE_LEFT, PLANE_TOP, PLANE_BOTTOM, PLANE_LEFT + PLANE_WIDTH);
    fprintf(p->out, "<text class=\"middle name\" x=\"%d\" y=\"%d\">", PLANE_LEFT + PLANE_WIDTH / 2, PLANE_BOTTOM + 36);
    nnc_svg_text(p->out, d->axes[0]);
    fprintf(p->out, "</text>\n<text class=\"middle name\" transform=\"translate(16 %d) rotate(-90)\">",
            PLANE_TOP + PLANE_HEIGHT / 2);
    nnc_svg_text(p->out, d->axes[1]);
    fputs("</text>\n", p->out);
}

/* A long name is cut off between two characters. */
static void legend_text(const Painter *p, int y, const char *text) {
    char line[4 * LEGEND_TEXT + 8];
    size_t letters = 0, length = 0;
    for (; text[length] != '\0' && length < 4 * LEGEND_TEXT; length++) {
        if (((unsigned char)text[length] & 0xC0) != 0x80 && letters++ == LEGEND_TEXT) break;
    }
    memcpy(line, text, length);
    strcpy(line + length, text[length] == '\0' ? "" : "...");
    fprintf(p->out, "<text x=\"%d\" y=\"%d\">", LEGEND_LEFT + 24, y);
    nnc_svg_text(p->out, line);
    fputs("</text>\n", p->out);
}

/* Of numbers that are 0 or 1 the names of these, if they have any. */
static int draw_class_names(const Painter *p, int y) {
    const NncArray *array = p->d->target == NULL ? NULL : nnc_array_of(p->d->data, p->d->target);
    size_t classes = p->d->classes, shown;
    char number[32];
    if (p->binary) classes = array != NULL && array->class_count == 2 ? 2 : 0;
    shown = classes > LEGEND_CLASSES ? LEGEND_CLASSES - 1 : classes;
    for (size_t k = 0; k < shown; k++, y += 20) {
        Colour colour = p->binary ? number_colour(&p->scale, (double)k) : class_colour(k);
        fprintf(p->out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" fill=\"#%06x\"/>", LEGEND_LEFT, y - 11,
                hex_of(colour));
        sprintf(number, "%zu", k);
        legend_text(p, y, array != NULL && k < array->class_count ? array->classes[k] : number);
    }
    if (shown == classes) return y;
    sprintf(number, "and %zu more", classes - shown);
    legend_text(p, y, number);
    return y + 20;
}

/* The colours of numbers, lowest at the bottom. */
static int draw_number_scale(const Painter *p, int y) {
    enum { SCALE_HEIGHT = 200 };
    double part = (double)SCALE_HEIGHT / (double)p->looks;
    fputs("<g shape-rendering=\"crispEdges\">", p->out);
    for (size_t look = 0; look < p->looks; look++)
        fprintf(p->out, "<rect x=\"%d\" y=\"%.1f\" width=\"14\" height=\"%.1f\" fill=\"#%06x\"/>", LEGEND_LEFT,
                y + SCALE_HEIGHT - ((double)look + 1) * part, part + 0.1, hex_of(look_colour(p, look)));
    fputs("</g>\n", p->out);
    for (int i = 0; i < p->scale.count; i++) {
        double at = y + SCALE_HEIGHT * (1 - (p->scale.ticks[i] - p->scale.low) / (p->scale.high - p->scale.low));
        fprintf(p->out, "<path class=\"axis\" d=\"M%d %.1fh18\"/><text x=\"%d\" y=\"%.1f\">%g</text>\n", LEGEND_LEFT, at,
                LEGEND_LEFT + 24, at + 4, p->scale.ticks[i]);
    }
    return y + SCALE_HEIGHT + 30;
}

static void draw_legend(const Painter *p) {
    static const char *const names[NNC_RESULTS] = {"training", "held out", "test"};
    const NncDecision *d = p->d;
    int y = PLANE_TOP + 12, has[NNC_RESULTS] = {0};
    char words[60];
    if (d->classes == 0) y = draw_number_scale(p, y - 6);
    y = draw_class_names(p, y);
    if (d->classes > 0 && d->shares) {
        legend_text(p, y, "darker: more");
        legend_text(p, y + 15, "probable");
        y += 35;
    }
    y += 10;
    for (size_t i = 0; i < d->example_count; i++) has[d->examples[i].result] = 1;
    for (int r = 0; r < NNC_RESULTS; r++) {
        if (!has[r]) continue;
        draw_marker(p->out, r, LEGEND_LEFT + 7, y - 4, 0x555555);
        legend_text(p, y, names[r]);
        y += 20;
    }
    if (d->left_out == 1) return;
    sprintf(words, "1 of %zu is shown", d->left_out);
    legend_text(p, y, words);
}

/* "first: output", or the first number of several: "first: output.0". */
static void draw_title(const Painter *p, const char *element) {
    const NncMember *output = &p->d->program->outputs[p->d->output];
    char part[32] = "";
    if (p->d->classes == 0 && output->count > 1) {
        for (int a = 0; a < output->rank && strlen(part) + 3 < sizeof part; a++) strcat(part, ".0");
    }
    fputs(element, p->out);
    nnc_svg_text(p->out, p->d->program->name);
    fputs(": ", p->out);
    nnc_svg_text(p->out, output->path);
    fputs(part, p->out);
}

/* ---- The picture */

static void find_number_scale(Painter *p) {
    double low = (double)INFINITY, high = -(double)INFINITY;
    int known = 0, shares = 1;
    for (size_t i = 0; i < NNC_DECISION_CELLS; i++) {
        double v = p->d->values[i];
        if (isnan(v)) continue;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    shares = low >= 0 && high <= 1;
    for (size_t i = 0; i < p->d->example_count; i++) {
        double v = p->d->examples[i].value;
        if (isnan(v)) continue;
        known = 1;
        shares &= v == 0 || v == 1;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    p->binary = known && shares;
    if (p->binary) nnc_scale_even(&p->scale, 0, 1, 10);
    else if (low <= high) nnc_scale_even(&p->scale, low, high, 6);
    else nnc_scale_even(&p->scale, 0, 1, 10); /* no number is finite */
}

void nnc_decision_draw(FILE *out, const NncDecision *d, size_t cell) {
    Painter p = {.out = out, .d = d, .cell = cell, .looks = d->classes * SHADES};
    if (d->classes == 0) {
        find_number_scale(&p);
        p.looks = (size_t)(p.scale.count > 1 ? p.scale.count - 1 : 1) * BANDS;
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n",
            DECISION_WIDTH, DECISION_HEIGHT);
    draw_title(&p, "<title>");
    fputs(" over the plane of the inputs</title>\n"
          "<style>text{fill:#222}.title{font-weight:bold}.end{text-anchor:end}.middle{text-anchor:middle}.axis{fill:none;stroke:#"
          "222}\n"
          ".contour{fill:none;stroke:#222;stroke-opacity:.45;stroke-linecap:round}.boundary{stroke-width:2.5;stroke-opacity:.8}\n"
          ".marker{stroke:#222;stroke-width:.8;fill-rule:evenodd}\n"
          "@media(prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#ddd}}</style>\n",
          out);
    fprintf(out, "<text class=\"title\" x=\"%d\" y=\"20\">", PLANE_LEFT);
    draw_title(&p, "");
    fputs("</text>\n", out);
    fputs(markers, out);
    paint_plane(&p);
    draw_contours(&p);
    draw_axes(&p);
    draw_examples(&p);
    draw_legend(&p);
    if (d->program->output_count > 1)
        fprintf(out, "<text class=\"end\" x=\"%d\" y=\"%d\">1 of %zu outputs</text>\n", PLANE_LEFT + PLANE_WIDTH, 20,
                d->program->output_count);
    fputs("</svg>\n", out);
}
