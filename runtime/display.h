/* What a training program shows on standard output: nothing, lines, JSON, or a bar and a chart on a terminal. */
#ifndef NNC_DISPLAY_H
#define NNC_DISPLAY_H

#include <stdio.h>

#include "confusion.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { NNC_QUIET, NNC_LINES, NNC_JSON, NNC_TERMINAL } NncDisplayKind;

typedef struct {
    int given;
    double loss;
    double *metrics;
} NncResults;

enum { NNC_TRAINING, NNC_HELD_OUT, NNC_TEST, NNC_RESULTS };

typedef struct {
    NncDisplayKind kind;
    const NncProgram *program;
    uint32_t first, epochs; /* epochs done before, and to be done in all */
    double started, drawn;  /* on the clock */
    double *losses;         /* of the epochs from first on: the chart */
    size_t loss_count;
    const NncConfusion *confusion; /* of the last epoch; NULL: it is not the last, or there is none */
} NncDisplay;

/* Seconds on a clock that only runs forward. */
double nnc_seconds(void);

/* Lines or, where standard output is a terminal that can redraw, a bar. */
NncDisplayKind nnc_display_choose(int quiet, int json);
void nnc_display_start(NncDisplay *display, NncDisplayKind kind, const NncProgram *program, uint32_t first, uint32_t epochs);

/* In the midst of an epoch (from 1), `share` of which is done, with means so far. */
void nnc_display_within(NncDisplay *display, uint32_t epoch, double share, double loss, const double *metrics);
void nnc_display_epoch(NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds);

/* A line for people: not shown where JSON is written. */
void nnc_display_note(NncDisplay *display, const char *format, uint32_t number);

/* Takes the bar away, so that messages can be written. */
void nnc_display_clear(NncDisplay *display);

/* After the last epoch, results and seconds of which are shown once more under the chart; epoch 0: there was none. */
void nnc_display_end(NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds);

/* Results that are not those of an epoch. */
void nnc_display_evaluation(const NncDisplay *display, const char *title, size_t examples, const NncResults *results);
void nnc_display_free(NncDisplay *display);

/* A curve of `count` values, eight rows high and at most `columns` wide, in block characters or plain ASCII; its scale is logarithmic
   where the values are positive and far apart. */
void nnc_chart_print(FILE *out, const double *values, size_t count, size_t columns, int blocks);

#ifdef __cplusplus
}
#endif

#endif
