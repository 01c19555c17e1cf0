/* Reads numbers and classes from a CSV file (RFC 4180: quoted fields, CRLF; comma; spaces around numbers are fine), which gzip may
   have packed.

   A column in which most fields are numbers is a column of numbers: a field that is not one is an error. Any other column holds
   classes: equal texts get the same number, counted from 0 in order of first appearance. Blank lines at the end do not count. */
#ifndef NNC_CSV_H
#define NNC_CSV_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which columns: the one of this name in the header or, where name is NULL, numbers from .. to - 1, counted from 0. */
typedef struct {
    const char *name;
    long from, to;
} NncCsvColumns;

/* NNC_CSV_AUTO: the first line is a header if it has text where the lines below have numbers, or if a column is chosen by name. */
typedef enum { NNC_CSV_AUTO = -1, NNC_CSV_NO_HEADER = 0, NNC_CSV_HEADER = 1 } NncCsvHeader;

typedef struct {
    char *name;         /* from the header, or NULL */
    size_t class_count; /* 0: a column of numbers */
    char **classes;
} NncCsvColumn;

typedef struct {
    size_t rows, width;
    double *values;        /* rows * width, row by row */
    unsigned long *lines;  /* of each row: its line in the file, from 1 */
    unsigned *places;      /* of each value: the column of its field, in bytes from 1 */
    NncCsvColumn *columns; /* width of them */
} NncCsv;

/* What is wrong, in a sentence without a full stop. line and column (in bytes) count from 1; 0: no place. */
typedef struct {
    char message[400];
    unsigned long line, column;
} NncCsvError;

/* Reads the columns chosen, in that order; column_count 0 means all. Returns 1 and fills *csv, which nnc_csv_free releases; or
   returns 0 and fills *error, and there is nothing to release. */
int nnc_csv_read(const char *path, const NncCsvColumns *columns, size_t column_count, NncCsvHeader header, NncCsv *csv,
                 NncCsvError *error);

/* The same for text in memory, which need not end in a NUL and is not kept. */
int nnc_csv_parse(const char *text, size_t length, const NncCsvColumns *columns, size_t column_count, NncCsvHeader header,
                  NncCsv *csv, NncCsvError *error);

void nnc_csv_free(NncCsv *csv);

#ifdef __cplusplus
}
#endif

#endif
