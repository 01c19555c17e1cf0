#include "number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *nnc_number_print(char out[NNC_NUMBER_LENGTH], double value) {
    if (isnan(value) || isinf(value)) {
        strcpy(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return out;
    }
    if (fabs(value) < 1e15 && value == floor(value) && (value != 0 || !signbit(value))) {
        snprintf(out, NNC_NUMBER_LENGTH, "%lld", (long long)value);
        return out;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, NNC_NUMBER_LENGTH, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    char *exponent = strchr(out, 'e'); /* 1e-08 is written 1e-8 */
    if (exponent != NULL) {
        char *digits = exponent + 2;
        while (digits[0] == '0' && digits[1] != '\0') memmove(digits, digits + 1, strlen(digits));
    }
    return out;
}

double nnc_number_of_float(float value) {
    char text[NNC_NUMBER_LENGTH];
    double number = (double)value;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        number = strtod(text, NULL);
        if ((float)number >= value && (float)number <= value) break;
    }
    return number;
}

void nnc_number_json(FILE *file, double value) {
    char text[NNC_NUMBER_LENGTH];
    nnc_number_print(text, value);
    fputs(isfinite(value) ? text : "null", file);
}
