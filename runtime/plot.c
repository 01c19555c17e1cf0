/* One panel for the loss and one for each metric, below each other, with a curve for each set of examples. Colours are those of Okabe
   and Ito (2008), which the colour-blind tell apart; text and lines follow the reader's light or dark background. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>

#include "message.h"
#include "replace.h"
#include "svg.h"

enum {
    PLOT_WIDTH = 720,
    PANEL_HEIGHT = 240,
    PANEL_LEFT = 70,
    PANEL_RIGHT = 20,
    PANEL_TOP = 34,
    PANEL_BOTTOM = 40,
    CURVE_POINTS = 1000
};

static size_t quantities(const NncPlot *plot) { return 1 + plot->program->metric_count; }

static double plotted(const NncPlot *plot, size_t epoch, int result, size_t quantity) {
    return plot->values[(epoch * NNC_RESULTS + (size_t)result) * quantities(plot) + quantity];
}

void nnc_plot_add(NncPlot *plot, uint32_t epoch, const NncResults results[NNC_RESULTS]) {
    size_t row = NNC_RESULTS * quantities(plot), count = plot->epochs;
    if ((count & (count - 1)) == 0) { /* room is doubled at powers of two */
        double *larger = realloc(plot->values, (count == 0 ? 1 : count * 2) * row * sizeof *larger);
        if (larger == NULL) return;
        plot->values = larger;
    }
    if (count == 0) plot->first = epoch;
    for (int r = 0; r < NNC_RESULTS; r++) {
        double *to = plot->values + count * row + (size_t)r * quantities(plot);
        to[0] = results[r].given ? results[r].loss : (double)NAN;
        for (size_t m = 0; m < plot->program->metric_count; m++)
            to[1 + m] = results[r].given ? results[r].metrics[m] : (double)NAN;
    }
    plot->epochs++;
}

void nnc_plot_free(NncPlot *plot) {
    free(plot->values);
    plot->values = NULL;
}

/* ---- Scales */

static void powers_of_ten(NncScale *scale, double low, double high) {
    double from = floor(log10(low)), to = ceil(log10(high)), step = ceil((to - from) / (NNC_AXIS_TICKS - 1));
    scale->logarithmic = 1;
    to = from + ceil((to - from) / step) * step;
    scale->low = pow(10, from);
    scale->high = pow(10, to);
    for (double power = from; power <= to + 0.5; power += step) scale->ticks[scale->count++] = pow(10, power);
}

/* Logarithmic where the values are positive and far apart. */
static int find_scale(const NncPlot *plot, size_t quantity, NncScale *scale) {
    double low = (double)INFINITY, high = -(double)INFINITY;
    *scale = (NncScale){0};
    for (size_t e = 0; e < plot->epochs; e++) {
        for (int r = 0; r < NNC_RESULTS; r++) {
            double v = plotted(plot, e, r, quantity);
            if (!isfinite(v)) continue;
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    }
    if (!(low <= high)) return 0;
    if (low > 0 && high / low >= 100) powers_of_ten(scale, low, high);
    else nnc_scale_even(scale, low, high, 5);
    return 1;
}

static double plot_y(const NncScale *scale, double v) {
    double share =
        scale->logarithmic ? log(v / scale->low) / log(scale->high / scale->low) : (v - scale->low) / (scale->high - scale->low);
    return PANEL_TOP + (1 - share) * (PANEL_HEIGHT - PANEL_TOP - PANEL_BOTTOM);
}

static double plot_x(const NncScale *epochs, double epoch) {
    return PANEL_LEFT + (epoch - epochs->low) / (epochs->high - epochs->low) * (PLOT_WIDTH - PANEL_LEFT - PANEL_RIGHT);
}

/* ---- SVG */

static void plot_axes(FILE *out, const NncPlot *plot, const NncScale *epochs, const NncScale *scale, size_t quantity) {
    fprintf(out, "<text class=\"title\" x=\"%d\" y=\"20\">", PANEL_LEFT);
    nnc_svg_text(out, quantity == 0 ? "loss" : plot->program->metrics[quantity - 1]);
    fputs("</text>\n", out);
    for (int i = 0; i < scale->count; i++) {
        double y = plot_y(scale, scale->ticks[i]);
        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", PANEL_LEFT, y, PLOT_WIDTH - PANEL_RIGHT);
        fprintf(out, "<text class=\"end\" x=\"%d\" y=\"%.1f\">%g</text>\n", PANEL_LEFT - 8, y + 4, scale->ticks[i]);
    }
    for (int i = 0; i < epochs->count; i++) {
        double x = plot_x(epochs, epochs->ticks[i]);
        if (epochs->ticks[i] != floor(epochs->ticks[i])) continue;
        fprintf(out, "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%g</text>\n", x, PANEL_HEIGHT - PANEL_BOTTOM + 18,
                epochs->ticks[i]);
    }
    fprintf(out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", PANEL_LEFT, PANEL_TOP, PANEL_HEIGHT - PANEL_BOTTOM,
            PLOT_WIDTH - PANEL_RIGHT);
    fprintf(out, "<text class=\"end\" x=\"%d\" y=\"%d\">epoch</text>\n", PLOT_WIDTH - PANEL_RIGHT, PANEL_HEIGHT - 6);
}

static int has_curve(const NncPlot *plot, int result) {
    for (size_t e = 0; e < plot->epochs; e++) {
        if (!isnan(plotted(plot, e, result, 0))) return 1;
    }
    return 0;
}

/* A point for each epoch, or of many epochs each so-manieth and the last. */
static void plot_curve(FILE *out, const NncPlot *plot, const NncScale *epochs, const NncScale *scale, int result,
                       size_t quantity) {
    size_t step = (plot->epochs + CURVE_POINTS - 1) / CURVE_POINTS, points = 0;
    double x = 0, y = 0;
    fprintf(out, "<path class=\"curve c%d\" d=\"", result);
    for (size_t e = 0; e < plot->epochs; e++) {
        double v = plotted(plot, e, result, quantity);
        if (!isfinite(v) || (e % step != 0 && e + 1 != plot->epochs)) continue;
        x = plot_x(epochs, (double)plot->first + (double)e);
        y = plot_y(scale, v);
        fprintf(out, "%s%.1f %.1f", points++ == 0 ? "M" : "L", x, y);
    }
    fputs("\"/>\n", out);
    if (points == 1) fprintf(out, "<circle class=\"point c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", result, x, y);
}

static void plot_legend(FILE *out, const NncPlot *plot) {
    static const char *const names[NNC_RESULTS] = {"training", "held out", "test"};
    int x = PLOT_WIDTH - PANEL_RIGHT;
    for (int r = NNC_RESULTS - 1; r >= 0; r--) {
        if (!has_curve(plot, r)) continue;
        fprintf(out, "<path class=\"curve c%d\" d=\"M%d 16h18\"/><text x=\"%d\" y=\"20\">%s</text>\n", r, x - 90, x - 66,
                names[r]);
        x -= 100;
    }
}

/* Parts of other metrics have no name, and no panel. */
static int has_panel(const NncPlot *plot, size_t quantity) {
    return quantity == 0 || plot->program->metrics[quantity - 1] != NULL;
}

static void write_plot(FILE *out, const NncPlot *plot) {
    NncScale epochs, scale;
    size_t panels = 0, panel = 0;
    for (size_t q = 0; q < quantities(plot); q++) panels += has_panel(plot, q) != 0;
    nnc_scale_within(&epochs, plot->first, (double)plot->first + (double)plot->epochs - 1, 10);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" role=\"img\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n",
            PLOT_WIDTH, PANEL_HEIGHT * panels);
    fputs("<title>", out);
    nnc_svg_text(out, plot->program->name);
    fputs(": loss and metrics over the epochs</title>\n"
          "<style>text{fill:#222}.title{font-weight:bold}.end{text-anchor:end}.middle{text-anchor:middle}\n"
          ".grid,.axis{fill:none;stroke:#222}.grid{stroke-opacity:.15}.curve{fill:none;stroke-width:2}\n"
          ".c0{stroke:#0072b2}.c1{stroke:#e69f00}.c2{stroke:#009e73}.point{stroke-width:2}\n"
          "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid,.axis{stroke:#ddd}.c0{stroke:#56b4e9}}</style>\n",
          out);
    for (size_t q = 0; q < quantities(plot); q++) {
        if (!has_panel(plot, q)) continue;
        fprintf(out, "<g transform=\"translate(0 %zu)\">\n", panel++ * PANEL_HEIGHT);
        if (q == 0) plot_legend(out, plot);
        if (find_scale(plot, q, &scale)) {
            plot_axes(out, plot, &epochs, &scale, q);
            for (int r = 0; r < NNC_RESULTS; r++) {
                if (has_curve(plot, r)) plot_curve(out, plot, &epochs, &scale, r, q);
            }
        }
        fputs("</g>\n", out);
    }
    fputs("</svg>\n", out);
}

int nnc_plot_save(const NncPlot *plot, const char *path) {
    NncReplacement replacement;
    FILE *out = nnc_replace_begin(path, &replacement);
    if (out != NULL) write_plot(out, plot);
    if (out != NULL && nnc_replace_end(&replacement, 1)) return 1;
    nnc_message(plot->program->name, "%s: %s", path, replacement.message);
    return 0;
}
