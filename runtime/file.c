#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* fseeko */
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include "file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "gzip.h"

enum { BLOCK = 1 << 16 }; /* what a window has at least, where the file has as much */

static int file_fail(NncFileError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

static int file_no_memory(NncFileError *error) {
    error->memory = 1;
    return file_fail(error, "there is not enough memory for it");
}

int nnc_file_is_packed(const unsigned char *bytes, size_t length) { return length >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B; }

void nnc_file_init(NncFile *file, const char *path, int unpack, int whole) {
    memset(file, 0, sizeof *file);
    file->path = path;
    file->unpack = unpack;
    file->whole = whole;
}

static void close_stream(NncFile *file) {
    if (file->stream != NULL) fclose(file->stream);
    nnc_gzip_close(file->gzip);
    file->stream = NULL;
    file->gzip = NULL;
}

void nnc_file_close(NncFile *file) {
    close_stream(file);
    free(file->bytes);
    nnc_file_init(file, file->path, file->unpack, file->whole);
}

/* ---- Bytes in their order */

int nnc_file_next(NncFile *file, unsigned char *to, size_t most, size_t *count, NncFileError *error) {
    for (*count = 0; *count < most && file->head_taken < file->head_count;) to[(*count)++] = file->head[file->head_taken++];
    errno = 0;
    *count += fread(to + *count, 1, most - *count, file->stream);
    return !ferror(file->stream) || file_fail(error, "it cannot be read: %s", strerror(errno));
}

/* At the first byte. */
static int open_stream(NncFile *file, NncFileError *error) {
    file->stream = fopen(file->path, "rb");
    if (file->stream == NULL) return file_fail(error, "it cannot be opened: %s", strerror(errno));
    file->start = file->length = file->head_count = file->head_taken = 0;
    file->ended = 0;
    if (!nnc_file_next(file, file->head, sizeof file->head, &file->head_count, error)) return 0;
    if (!file->whole && fseeko(file->stream, 0, SEEK_CUR) != 0)
        return file_fail(error, "it can be read only once, and must be read again and again where it is not kept in memory");
    if (!file->unpack || !nnc_file_is_packed(file->head, file->head_count)) return 1;
    file->gzip = nnc_gzip_open(error);
    return file->gzip != NULL;
}

/* As many bytes as the window has room for. */
static int fill_window(NncFile *file, size_t room, NncFileError *error) {
    size_t most = room - file->length, count;
    int fine = file->gzip == NULL ? nnc_file_next(file, file->bytes + file->length, most, &count, error)
                                  : nnc_gzip_next(file->gzip, file, file->bytes + file->length, most, &count, error);
    if (!fine) return 0;
    file->length += count;
    file->ended = count < most;
    return 1;
}

static int make_room(NncFile *file, size_t room, NncFileError *error) {
    unsigned char *bytes;
    if (room <= file->capacity) return 1;
    bytes = realloc(file->bytes, room);
    if (bytes == NULL) return file_no_memory(error);
    file->bytes = bytes;
    file->capacity = room;
    return 1;
}

/* ---- The window */

static int read_whole(NncFile *file, NncFileError *error) {
    size_t room = BLOCK;
    int fine = open_stream(file, error);
    for (; fine && !file->ended; room *= 2) {
        fine = room > file->length ? make_room(file, room, error) : file_no_memory(error);
        fine = fine && fill_window(file, room, error);
    }
    close_stream(file);
    return fine;
}

static int seek(NncFile *file, size_t from, NncFileError *error) {
    file->head_taken = file->head_count; /* the stream does not wait behind them any more */
    if (fseeko(file->stream, (off_t)from, SEEK_SET) != 0) return file_fail(error, "it cannot be read: %s", strerror(errno));
    file->start = from;
    file->length = 0;
    file->ended = 0;
    return 1;
}

/* Packed bytes come in their order only. */
static int go_to_packed(NncFile *file, size_t from, NncFileError *error) {
    if (from < file->start) {
        close_stream(file);
        if (!open_stream(file, error)) return 0;
    }
    while (from > file->start + file->length && !file->ended) {
        file->start += file->length;
        file->length = 0;
        if (!make_room(file, BLOCK, error) || !fill_window(file, BLOCK, error)) return 0;
    }
    return 1;
}

int nnc_file_at(NncFile *file, size_t from, size_t length, NncFileError *error) {
    size_t dropped, room;
    int next;
    if (file->whole) return file->ended || read_whole(file, error);
    if (file->stream == NULL && !open_stream(file, error)) return 0;
    if (from >= file->start && (file->ended || length <= file->start + file->length - from)) {
        if (file->ended || from <= file->start + file->length) return 1;
    }
    next = from >= file->start && from <= file->start + file->length; /* or a jump, behind which no one knows what is wanted */
    if (!next && !(file->gzip != NULL ? go_to_packed(file, from, error) : seek(file, from, error))) return 0;
    if (from > file->start + file->length) return 1; /* the file has ended */
    dropped = from - file->start;
    if (dropped > 0) memmove(file->bytes, file->bytes + dropped, file->length - dropped);
    file->start = from;
    file->length -= dropped;
    room = length > BLOCK || (!next && file->gzip == NULL) ? length : BLOCK;
    return room <= file->length || (make_room(file, room, error) && fill_window(file, room, error));
}

int nnc_file_size(NncFile *file, size_t *size, NncFileError *error) {
    off_t end;
    if (!nnc_file_at(file, 0, 1, error)) return 0;
    if (!file->whole && file->gzip == NULL) {
        if (fseeko(file->stream, 0, SEEK_END) != 0 || (end = ftello(file->stream)) < 0)
            return file_fail(error, "its length cannot be found: %s", strerror(errno));
        *size = (size_t)end;
        return seek(file, 0, error);
    }
    while (!file->ended) {
        if (!nnc_file_at(file, file->start + file->length, BLOCK, error)) return 0;
    }
    *size = file->start + file->length;
    return 1;
}
