/* Shared by the files of data.c: one source, and some of its rows or all. */
#ifndef NNC_DATA_TABLE_H
#define NNC_DATA_TABLE_H

#include "csv.h"
#include "data.h"
#include "number.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Numbers in files of bytes */

typedef enum { NNC_UNSIGNED, NNC_SIGNED, NNC_REAL } NncElementKind;

typedef struct {
    NncElementKind kind;
    size_t size; /* bytes: 1, 2, 4, 8 */
    int big_endian;
} NncElementType;

double nnc_element_value(const NncElementType *element, const unsigned char *bytes);

/* An array in a file: the first axis counts examples, the others are flattened with the last axis running fastest. */
enum { NNC_AXES_LIMIT = 255 };
typedef struct {
    NncElementType element;
    size_t start; /* the byte of its first element */
    size_t axes[NNC_AXES_LIMIT], rank;
    int first_axis_fastest; /* how the file has them */
} NncElements;

/* ---- One source */

typedef struct {
    char *path;
    size_t rows, size;     /* in bytes */
    NncElements *elements; /* of IDX and NPY */
} NncPart;

typedef struct {
    const NncSource *source;
    size_t number;         /* of the source in its block */
    const NncArray *known; /* what was learned for the tensor before, or NULL */
    NncArray *array;       /* what was learned now */
    NncFile *files;
    NncPart *parts;          /* one for each file */
    size_t part_count, part; /* part: which one is read, and messages are about */
    NncCsv *csv;             /* or NULL */
    NncCsvError csv_error;
    size_t csv_row;         /* the one that comes next */
    size_t rows, raw_width; /* of all files; before the steps */

    /* The rows in memory: all of them or, where that is more than `room`, some. */
    size_t room, first, count, width, steps_done;
    double *values;
    NncDataError *error;
} NncTable;

#if defined(__GNUC__)
#define NNC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define NNC_PRINTF(text, first)
#endif

/* What is wrong, without the file's name, which comes in front. All return 0. at: a row of the source, with the number in it. */
int nnc_table_fail(NncTable *table, const char *format, ...) NNC_PRINTF(2, 3);
int nnc_table_fail_at(NncTable *table, size_t row, size_t number, const char *format, ...) NNC_PRINTF(4, 5);
int nnc_table_fail_line(NncTable *table, unsigned long line, unsigned long column, const char *format, ...) NNC_PRINTF(4, 5);
int nnc_table_no_memory(NncTable *table);

/* nnc_file_at for the file that table->part says. */
int nnc_table_at(NncTable *table, size_t from, size_t length);

/* Opens the files, and fills in rows and raw_width. How many windows of bytes there are in each part is only known when all sources
   are open. whole: the files are read into memory. */
int nnc_table_open(NncTable *table, const char *folder, int whole);
void nnc_table_close(NncTable *table);
size_t nnc_table_stride(const NncSource *source); /* of windows */
void nnc_table_count(NncTable *table);            /* rows of all parts */

/* Reads `count` rows from `first` on to values, as they are before the steps. */
int nnc_table_decode(NncTable *table, size_t first, size_t count, double *values);

/* The header of the file that table->part says. */
int nnc_table_idx_header(NncTable *table, NncElements *elements);
int nnc_table_npy_header(NncTable *table, NncElements *elements);

/* Opens the part, whose header has been read: checks that the file has just as many bytes as that promises. Then decodes some of its
   rows; before: rows of the parts before. */
int nnc_table_open_elements(NncTable *table);
int nnc_table_decode_elements(NncTable *table, size_t before, size_t first, size_t count, double *values);

/* All this for CSV; and the row is read once more. */
int nnc_table_open_csv(NncTable *table);
int nnc_table_decode_csv(NncTable *table, size_t first, size_t count, double *values);
int nnc_table_find_csv(NncTable *table, size_t row);

/* Makes sure that row `first` is in memory, and that the first `steps` steps have been done. */
int nnc_table_load(NncTable *table, size_t first, size_t steps);

/* Goes over all rows for every step that learns something from the rows `training`. */
int nnc_table_learn(NncTable *table, const uint32_t *training, size_t training_count);

/* Runs further steps on the rows in memory. */
int nnc_table_steps(NncTable *table, size_t steps);

/* data_packed.c: packs the whole source into its array, if that may be. */
int nnc_table_pack(NncTable *table);

/* Whether the step depends on the training data. */
int nnc_step_learns(const NncStep *step);

#ifdef __cplusplus
}
#endif

#endif
