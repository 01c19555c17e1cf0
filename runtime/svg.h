/* What pictures as SVG share: scales with round ticks, and text. */
#ifndef NNC_SVG_H
#define NNC_SVG_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_AXIS_TICKS = 12 };

typedef struct {
    double low, high; /* of the axis */
    int logarithmic;
    double ticks[NNC_AXIS_TICKS];
    int count;
} NncScale;

/* About `wanted` ticks at round numbers, from one not above low to one not below high. */
void nnc_scale_even(NncScale *scale, double low, double high, int wanted);

/* The same, but the axis ends at low and high, and so do the ticks. */
void nnc_scale_within(NncScale *scale, double low, double high, int wanted);

/* Numbers at the middles of cells, from the top left; NaN: there is none. */
typedef struct {
    const double *values;
    size_t columns, rows, step; /* every so-manieth is looked at, and the last */
    double left, top, cell;     /* where they lie, and how large a cell is */
} NncGrid;

/* A path of this class where the numbers pass a level, if they do. */
void nnc_svg_contour(FILE *out, const NncGrid *grid, double level, const char *class_name);

/* Text between tags: what has a meaning in XML is escaped, and what may not stand there is a question mark. */
void nnc_svg_text(FILE *out, const char *text);

#ifdef __cplusplus
}
#endif

#endif
