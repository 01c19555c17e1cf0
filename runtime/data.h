/* The examples that a network is trained or tested on: what the sources of a data block give, after their steps, as one array of
   numbers for each input and target. */
#ifndef NNC_DATA_H
#define NNC_DATA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What is asked for: tables that a compiler writes */

typedef enum { NNC_LITERAL, NNC_CSV, NNC_IDX, NNC_NPY, NNC_BYTES } NncFormat;

/* Columns of a CSV file: by header name or, where name is NULL, numbers from .. to - 1, counted from 0. */
typedef struct {
    const char *name;
    long from, to;
} NncColumns;

typedef enum {
    NNC_ADD,
    NNC_SUBTRACT,
    NNC_MULTIPLY,
    NNC_DIVIDE,
    NNC_SUBTRACT_FROM,
    NNC_DIVIDE_INTO, /* with low; low - x and low / x */
    NNC_STANDARDIZE, /* (x - mean) / deviation, by column */
    NNC_ONE_HOT,     /* as many numbers as the tensor has classes */
    NNC_SCALE        /* least .. largest to low .. high, by column */
} NncStepKind;

typedef struct {
    NncStepKind kind;
    double low, high;
} NncStep;

/* Where one input or target comes from, and what it must fit. */
typedef struct {
    const char *tensor;
    size_t width;       /* numbers of one example */
    size_t classes;     /* of one_hot: the length of the tensor's last axis, 1 for a scalar */
    size_t index_range; /* > 0: whole numbers in 0 .. index_range - 1 */
    const char *place;  /* "iris.nn:14:9", where the model says so; NULL: unknown */
    NncFormat format;
    const char *const *files; /* paths as the model has them: their examples follow each other */
    size_t file_count;
    const NncColumns *columns;
    size_t column_count; /* 0: all */
    int header;          /* CSV: 1, 0, or -1 to find out */
    const double *literal;
    size_t literal_rows, literal_width;
    size_t window, stride, offset; /* of NNC_BYTES; stride 0: as long as the window */
    const NncStep *steps;
    size_t step_count;
} NncSource;

typedef struct {
    const char *split; /* "train", "test" */
    const NncSource *sources;
    size_t source_count;
    double holdout; /* share of the examples that is kept for validation */
    int is_float;   /* the numbers go to a network whose type is float: they must fit */
} NncBlock;

/* ---- What comes of it */

/* factor * byte + shift, in two parts (data_packed.c). */
typedef struct {
    float factor, shift, factor_rest, shift_rest;
} NncLine;

typedef struct {
    const char *tensor;
    size_t width;
    double *values;       /* rows * width; NULL: they are packed */
    unsigned char *bytes; /* rows * width of them, from which nnc_data_unpack makes numbers; NULL: they are not packed */
    NncLine line;
    size_t class_count; /* texts of a CSV column, in order of first appearance; 0 where there are none */
    char **classes;
    size_t column_count; /* of a CSV file: their names in its header, each of which may be NULL; 0: there are none */
    char **columns;
    size_t learned_count; /* of standardize and scale, in order: what is subtracted from each column, then what divides it */
    double **learned;
    size_t *learned_widths; /* columns of each */
} NncArray;

typedef struct {
    size_t rows, array_count;
    NncArray *arrays;              /* as the block lists its sources */
    uint32_t *training, *held_out; /* rows, ascending */
    size_t training_count, held_out_count;
} NncData;

/* What is wrong, in a sentence without a full stop that names the file, its line and column where there are any; the place of the
   source in the model is not in it. source: which source of the block; step: which of its steps, or -1; shape: the tensor's
   declaration disagrees; other: the source that disagrees, or -1. */
typedef struct {
    char message[600];
    size_t source;
    int step, shape, other;
    int memory; /* there is not enough of it */
} NncDataError;

/* Reads a block. folder: where relative file names start, NULL for the current folder. learned_from: the data whose means, deviations
   and classes apply here too (those of the training block, or of a checkpoint: only `learned` and `classes` of its arrays are read),
   or NULL; where it has classes, texts are numbered as there, and others are refused. seed: of the holdout. Returns 1 and fills
   *data, which nnc_data_free releases; or returns 0 and fills *error, and there is nothing to release. The tensors' names in *data
   are the block's, which must outlive it. gzip may have packed any file but those of NPY. Sources that cut the same files of bytes at
   one stride get as many windows of each file as fit for all. Ensures: every array has `rows` rows of its source's width, index tensors
   within their range, no number that is not finite or more than the network can hold. */
int nnc_data_load(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                  NncDataError *error);

/* The same, but numbers that a file holds as bytes, and that the steps calculate with alike, may stay packed. */
int nnc_data_load_packed(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                         NncDataError *error);

/* The numbers of a row of an array that is packed: the same floats that its values would be. */
void nnc_data_unpack(const NncArray *array, size_t row, float *to);

void nnc_data_free(NncData *data);

/* The same without room for all rows at once: they are decoded as they are wanted. */
typedef struct NncReader NncReader;

/* Like nnc_data_load, with the same checks and the same results, but for the values of the arrays, which are NULL: *reader, which
   nnc_data_close releases, has them. The block must outlive it. */
int nnc_data_open(const NncBlock *block, const char *folder, const NncData *learned_from, uint64_t seed, NncData *data,
                  NncReader **reader, NncDataError *error);

/* The numbers of one row of a source, good until the next call for this source; NULL, and *error is filled, if a file has changed or
   cannot be read any more. Rows in ascending order are read on in the files; what lies between is skipped. */
const double *nnc_data_row(NncReader *reader, size_t source, size_t row, NncDataError *error);
void nnc_data_close(NncReader *reader);

/* Whether all steps of the source can be undone. */
int nnc_data_can_undo(const NncSource *source);

/* Takes the numbers of one example from behind the steps of a source to what they were before: back to the units of the file. array: what
   the steps learned. Returns 1; or 0 and changes nothing where a step cannot be undone: one_hot, a product with 0. */
int nnc_data_undo(const NncSource *source, const NncArray *array, double *values);

#ifdef __cplusplus
}
#endif

#endif
