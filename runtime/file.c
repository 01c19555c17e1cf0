#include "file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gzip.h"

static int file_fail(NncFileError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

static int file_no_memory(NncFileError *error) { return file_fail(error, "there is not enough memory for it"); }

int nnc_file_grow(NncFile *file, size_t *capacity, NncFileError *error) {
    size_t larger = *capacity == 0 ? 1 << 16 : *capacity * 2;
    unsigned char *bytes = larger > *capacity ? realloc(file->bytes, larger) : NULL;
    if (bytes == NULL) return file_no_memory(error);
    file->bytes = bytes;
    *capacity = larger;
    return 1;
}

static int read_all(FILE *stream, NncFile *file, NncFileError *error) {
    size_t capacity = 0;
    do {
        if (!nnc_file_grow(file, &capacity, error)) return 0;
        errno = 0;
        file->length += fread(file->bytes + file->length, 1, capacity - file->length, stream);
        if (ferror(stream)) return file_fail(error, "it cannot be read: %s", strerror(errno));
    } while (file->length == capacity);
    return 1;
}

int nnc_file_is_packed(const unsigned char *bytes, size_t length) { return length >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B; }

int nnc_file_read(const char *path, int unpack, NncFile *file, NncFileError *error) {
    FILE *stream = fopen(path, "rb");
    int fine;
    memset(file, 0, sizeof *file);
    if (stream == NULL) return file_fail(error, "it cannot be opened: %s", strerror(errno));
    fine = read_all(stream, file, error);
    fclose(stream);
    if (fine && unpack && nnc_file_is_packed(file->bytes, file->length)) fine = nnc_gzip_unpack(file, error);
    if (fine) return 1;
    free(file->bytes);
    memset(file, 0, sizeof *file);
    return 0;
}
