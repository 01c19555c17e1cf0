/* A picture of a training run: loss and metrics over the epochs, as SVG. */
#ifndef NNC_PLOT_H
#define NNC_PLOT_H

#include "display.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const NncProgram *program;
    uint32_t first; /* the epoch of the first values, from 1 */
    size_t epochs;  /* so many have been added */
    double *values; /* of each epoch, of each of NNC_RESULTS: the loss, then the metrics; NaN: not given */
} NncPlot;

/* Adds the results of an epoch; they follow one another. Without memory they are left out. */
void nnc_plot_add(NncPlot *plot, uint32_t epoch, const NncResults results[NNC_RESULTS]);

/* Writes the picture to a file that appears complete or not at all. Returns 1, or 0 with a message. */
int nnc_plot_save(const NncPlot *plot, const char *path);
void nnc_plot_free(NncPlot *plot);

#ifdef __cplusplus
}
#endif

#endif
