/* The rows of a CSV file as texts, one after the other. */
#ifndef NNC_CSV_ROWS_H
#define NNC_CSV_ROWS_H

#include "file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong, in a sentence without a full stop. file: which of several; line and column (in bytes) count from 1; 0: no place. */
typedef struct {
    char message[400];
    size_t file;
    unsigned long line, column;
    int memory; /* there is not enough of it */
} NncCsvError;

typedef struct {
    const char *text; /* between the quotes, if there are any */
    size_t length, column;
    int doubled; /* holds "" for " */
} NncCsvField;

typedef struct {
    NncFile *file;
    size_t number;    /* of the file, for errors */
    const char *text; /* the file's window */
    size_t length, at, line_start;
    unsigned long line;
    NncCsvField *fields; /* of the row that was read last; good until the next one */
    size_t count, capacity;
    unsigned long row_line;
    NncCsvError *error;
} NncCsvRows;

/* Goes before the first row of a file. */
int nnc_csv_start(NncCsvRows *rows, NncFile *file, size_t number);

/* Reads a row. 1: here it is; 0: an error; -1: there is none left. */
int nnc_csv_row(NncCsvRows *rows);

/* Returns 0. */
int nnc_csv_fail(NncCsvRows *rows, unsigned long line, size_t column, const char *format, ...);
int nnc_csv_no_memory(NncCsvRows *rows);

/* For messages: at most 40 bytes of a field. */
enum { NNC_CSV_EXCERPT = 48 };
const char *nnc_csv_excerpt(char out[NNC_CSV_EXCERPT], const char *text, size_t length);

/* Whether the field holds this text; a copy of what it holds, or NULL. */
int nnc_csv_is(const NncCsvField *field, const char *text);
char *nnc_csv_text(const NncCsvField *field);

typedef enum { NNC_CSV_NUMBER, NNC_CSV_TEXT, NNC_CSV_REFUSED } NncCsvSort; /* refused: nan, inf and what no double can hold */
NncCsvSort nnc_csv_number(const NncCsvField *field, double *value);

#ifdef __cplusplus
}
#endif

#endif
