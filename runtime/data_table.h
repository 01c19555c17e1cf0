/* Shared by the files of data.c: what is being made of one source. */
#ifndef NNC_DATA_TABLE_H
#define NNC_DATA_TABLE_H

#include "data.h"
#include "number.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const NncSource *source;
    size_t number;         /* of the source in its block */
    const NncArray *known; /* what was learned for the tensor before, or NULL */
    NncArray *array;       /* width and values so far */
    size_t rows;
    char *path;
    unsigned long *lines; /* of each row in a CSV file, or NULL */
    unsigned *places;     /* of each of its values: the column in its line */
    unsigned char *bytes; /* of the file while it is read, or NULL */
    size_t length;
    NncDataError *error;
} NncTable;

#if defined(__GNUC__)
#define NNC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define NNC_PRINTF(text, first)
#endif

/* What is wrong, without the file's name, which comes in front. All return 0. The place: ":7:4", or a row with the number
   in it. */
int nnc_table_fail(NncTable *table, const char *format, ...) NNC_PRINTF(2, 3);
int nnc_table_fail_place(NncTable *table, const char *place, const char *format, ...) NNC_PRINTF(3, 4);
int nnc_table_fail_at(NncTable *table, size_t row, size_t number, const char *format, ...) NNC_PRINTF(4, 5);
int nnc_table_no_memory(NncTable *table);

/* Room for rows * width numbers, which the caller fills. */
int nnc_table_allocate(NncTable *table, size_t rows, size_t width);

/* Fills in rows, width and values from the source. Windows of bytes are left to nnc_table_windows, which needs to know how many
   rows there are: nnc_table_window_count, for this source alone. */
int nnc_table_read(NncTable *table);
int nnc_table_window_count(NncTable *table, size_t *count);
int nnc_table_windows(NncTable *table, size_t count);

/* From table->bytes. */
int nnc_table_read_idx(NncTable *table);
int nnc_table_read_npy(NncTable *table);

/* Runs the steps. training: the rows to learn from. */
int nnc_table_steps(NncTable *table, const uint32_t *training, size_t training_count);

/* ---- Numbers in files of bytes */

typedef enum { NNC_UNSIGNED, NNC_SIGNED, NNC_REAL } NncElementKind;

typedef struct {
    NncElementKind kind;
    size_t size; /* bytes: 1, 2, 4, 8 */
    int big_endian;
} NncElementType;

double nnc_element_value(const NncElementType *element, const unsigned char *bytes);

/* An array behind a header that ends at byte `start`: the first axis counts examples, the others are flattened with the last axis
   running fastest. first_axis_fastest: how the file has them. Checks that the file has just as many bytes. */
enum { NNC_AXES_LIMIT = 255 };
int nnc_table_elements(NncTable *table, size_t start, const NncElementType *element, const size_t *axes, size_t rank,
                       int first_axis_fastest);

#ifdef __cplusplus
}
#endif

#endif
