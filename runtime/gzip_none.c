/* In the place of gzip.c where no data file of the model ends in .gz: the program does without zlib. */
#include "gzip.h"

#include <stdio.h>

NncGzip *nnc_gzip_open(NncFileError *error) {
    snprintf(error->message, sizeof error->message,
             "gzip has packed it, and this program unpacks nothing: its model names no file that ends in .gz");
    return NULL;
}

void nnc_gzip_close(NncGzip *gzip) { (void)gzip; }

int nnc_gzip_next(NncGzip *gzip, NncFile *file, unsigned char *to, size_t most, size_t *count, NncFileError *error) {
    (void)gzip, (void)file, (void)to, (void)most, (void)error;
    *count = 0;
    return 1;
}
