/* Texts as fields of CSV and as strings of JSON. */
#ifndef NNC_QUOTE_H
#define NNC_QUOTE_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In quotes where a reader would take it for something else: RFC 4180, and blanks at an end, which csv.c leaves out. */
void nnc_quote_csv(FILE *file, const char *text);

void nnc_quote_json(FILE *file, const char *text);

#ifdef __cplusplus
}
#endif

#endif
