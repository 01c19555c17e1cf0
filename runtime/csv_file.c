/* CSV from a file: the whole of it is read, then parsed (csv.c). */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"

int nnc_csv_read(const char *path, const NncCsvColumns *columns, size_t column_count, NncCsvHeader header, NncCsv *csv,
                 NncCsvError *error) {
    NncFile file;
    NncFileError problem;
    int fine;
    memset(csv, 0, sizeof *csv);
    memset(error, 0, sizeof *error);
    if (!nnc_file_read(path, 1, &file, &problem)) {
        strcpy(error->message, problem.message);
        return 0;
    }
    fine = nnc_csv_parse((const char *)file.bytes, file.length, columns, column_count, header, csv, error);
    free(file.bytes);
    return fine;
}
