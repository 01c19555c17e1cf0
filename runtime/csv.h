/* Reads numbers and classes from CSV files (RFC 4180: quoted fields, CRLF; comma; spaces around numbers are fine), row by row, as if
   they were one file. Each has a header or none has, and headers are equal.

   A column in which most fields are numbers is a column of numbers: a field that is not one is an error. Any other column holds
   classes: equal texts get the same number, counted from 0 in order of first appearance. Blank lines at the end do not count. */
#ifndef NNC_CSV_H
#define NNC_CSV_H

#include "csv_rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which columns: the one of this name in the header or, where name is NULL, numbers from .. to - 1, counted from 0. */
typedef struct {
    const char *name;
    long from, to;
} NncCsvColumns;

/* NNC_CSV_AUTO: first lines are headers if the first file's has text where the lines below have numbers, or if a column is chosen by
   name. */
typedef enum { NNC_CSV_AUTO = -1, NNC_CSV_NO_HEADER = 0, NNC_CSV_HEADER = 1 } NncCsvHeader;

typedef struct {
    const char *name; /* from the header, or NULL */
    size_t place;     /* in its line, from 0 */
    int is_number;
    size_t class_count, class_room; /* texts so far; 0: a column of numbers, or nothing has been read yet */
    char **classes;
    const char *only_known; /* not NULL: other classes are an error, which names this tensor */
} NncCsvColumn;

typedef struct {
    size_t rows, width;    /* of all files; of those chosen */
    size_t *file_rows;     /* of each file */
    NncCsvColumn *columns; /* width of them */
    /* the rest is the business of csv.c */
    NncFile *files;
    size_t file_count, file_width;
    int named;
    char **header;
    NncCsvRows at;
    NncCsvError *error;
} NncCsv;

/* Goes over the files once, to learn how many rows there are and which columns are numbers; then stands before the first row. Chosen are
   these columns, in that order; column_count 0 means all. The files stay the caller's, and are needed until nnc_csv_close, which is
   right in any case. Returns 1; or 0, and fills *error, which later calls fill, too. */
int nnc_csv_open(NncCsv *csv, NncFile *files, size_t file_count, const NncCsvColumns *columns, size_t column_count,
                 NncCsvHeader header, NncCsvError *error);
void nnc_csv_close(NncCsv *csv);

/* Back before the first row. */
int nnc_csv_rewind(NncCsv *csv);

/* Reads the next row, and goes behind it; there must be one. values: width numbers; NULL: they are not wanted. */
int nnc_csv_next(NncCsv *csv, double *values);

/* Where the row read last has the value of a chosen column. */
void nnc_csv_place(const NncCsv *csv, size_t column, unsigned long *line, unsigned long *place);

#ifdef __cplusplus
}
#endif

#endif
