/* gzip (RFC 1952): members one behind the other, and perhaps zeros to fill a block. */
#include "gzip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct NncGzip {
    z_stream stream;
    unsigned char packed[1 << 16];
    size_t before; /* packed bytes that are not in `packed` any more */
    int file_ended, ended;
};

static int gzip_fail(NncFileError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

static int gzip_no_memory(NncFileError *error) {
    error->memory = 1;
    return gzip_fail(error, "there is not enough memory for it");
}

NncGzip *nnc_gzip_open(NncFileError *error) {
    NncGzip *gzip = calloc(1, sizeof *gzip);
    if (gzip != NULL) gzip->stream.next_in = gzip->packed;
    if (gzip != NULL && inflateInit2(&gzip->stream, 15 + 16) == Z_OK) return gzip; /* the largest window; gzip's wrapper */
    free(gzip);
    gzip_no_memory(error);
    return NULL;
}

void nnc_gzip_close(NncGzip *gzip) {
    if (gzip == NULL) return;
    inflateEnd(&gzip->stream);
    free(gzip);
}

/* Where in the file the next packed byte stands. */
static size_t gzip_place(const NncGzip *gzip) { return gzip->before + (size_t)(gzip->stream.next_in - gzip->packed); }

/* At least two packed bytes, if there are as many left. */
static int more_packed(NncGzip *gzip, NncFile *file, NncFileError *error) {
    z_stream *stream = &gzip->stream;
    size_t left = stream->avail_in, count;
    if (left >= 2 || gzip->file_ended) return 1;
    gzip->before = gzip_place(gzip);
    if (left > 0) gzip->packed[0] = *stream->next_in;
    if (!nnc_file_next(file, gzip->packed + left, sizeof gzip->packed - left, &count, error)) return 0;
    gzip->file_ended = count < sizeof gzip->packed - left;
    stream->next_in = gzip->packed;
    stream->avail_in = (uInt)(left + count);
    return 1;
}

static int check_rest(NncGzip *gzip, NncFile *file, NncFileError *error) {
    z_stream *stream = &gzip->stream;
    size_t used = gzip_place(gzip);
    for (;;) {
        for (; stream->avail_in > 0; stream->avail_in--) {
            if (*stream->next_in++ != 0)
                return gzip_fail(error, "behind its compressed data, at byte %lu, is something else", (unsigned long)used);
        }
        if (gzip->file_ended) return 1;
        if (!more_packed(gzip, file, error)) return 0;
    }
}

/* A member has ended: another one follows, or nothing. */
static int next_member(NncGzip *gzip, NncFile *file, NncFileError *error) {
    if (!more_packed(gzip, file, error)) return 0;
    if (nnc_file_is_packed(gzip->stream.next_in, gzip->stream.avail_in))
        return inflateReset(&gzip->stream) == Z_OK || gzip_no_memory(error);
    gzip->ended = 1;
    return check_rest(gzip, file, error);
}

int nnc_gzip_next(NncGzip *gzip, NncFile *file, unsigned char *to, size_t most, size_t *count, NncFileError *error) {
    const size_t limit = (size_t)1 << 30; /* zlib counts in unsigned int */
    z_stream *stream = &gzip->stream;
    *count = 0;
    while (*count < most && !gzip->ended) {
        size_t room = most - *count < limit ? most - *count : limit;
        int state;
        if (!more_packed(gzip, file, error)) return 0;
        stream->next_out = to + *count;
        stream->avail_out = (uInt)room;
        state = inflate(stream, Z_NO_FLUSH);
        *count += room - stream->avail_out;
        if (state == Z_MEM_ERROR) return gzip_no_memory(error);
        if (state == Z_STREAM_END) {
            if (!next_member(gzip, file, error)) return 0;
        } else if (state == Z_BUF_ERROR ||
                   (state == Z_OK && gzip->file_ended && stream->avail_in == 0 && stream->avail_out > 0)) {
            return gzip_fail(error, "its compressed data are truncated: they break off at byte %lu",
                             (unsigned long)gzip_place(gzip));
        } else if (state != Z_OK) {
            return gzip_fail(error, "its compressed data are corrupt before byte %lu: %s", (unsigned long)gzip_place(gzip),
                             stream->msg != NULL ? stream->msg : "they want a dictionary");
        }
    }
    return 1;
}
