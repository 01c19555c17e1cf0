/* Numbers as text: the shortest decimal that reads back as the same number. */
#ifndef NNC_NUMBER_H
#define NNC_NUMBER_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NNC_NUMBER_LENGTH = 32 }; /* room for any number and the zero behind it */

/* "0.1", "1e-8", "120", "nan", "inf", "-inf"; in the locale "C", which programs are in that do not call setlocale for numbers. */
const char *nnc_number_print(char out[NNC_NUMBER_LENGTH], double value);

/* The double with the fewest digits among those that round to the same float: 0.9759 for the float 0.9758999943733215. */
double nnc_number_of_float(float value);

/* As JSON: null where the number is not finite. */
void nnc_number_json(FILE *file, double value);

#ifdef __cplusplus
}
#endif

#endif
