/* In the place of gzip.c where no data file of the model ends in .gz: the program does without zlib. */
#include "gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nnc_gzip_unpack(NncFile *file, NncFileError *error) {
    snprintf(error->message, sizeof error->message,
             "gzip has packed it, and this program unpacks nothing: its model names no file that ends in .gz");
    free(file->bytes);
    memset(file, 0, sizeof *file);
    return 0;
}
