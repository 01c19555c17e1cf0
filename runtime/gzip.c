/* gzip (RFC 1952): members one behind the other, and perhaps zeros to fill a block. */
#include "gzip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int gzip_fail(NncFileError *error, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    return 0;
}

static int gzip_no_memory(NncFileError *error) { return gzip_fail(error, "there is not enough memory for it"); }

static int check_rest(const NncFile *packed, size_t used, NncFileError *error) {
    size_t i;
    for (i = used; i < packed->length && packed->bytes[i] == 0; i++) {
    }
    if (i == packed->length) return 1;
    return gzip_fail(error, "behind its compressed data, at byte %lu, is something else", (unsigned long)used);
}

static int unpack_members(z_stream *stream, const NncFile *packed, NncFile *file, NncFileError *error) {
    const size_t most = (size_t)1 << 30; /* zlib counts in unsigned int */
    size_t used = 0, capacity = 0;
    for (;;) {
        size_t left = packed->length - used, room, given = left < most ? left : most;
        int state;
        if (file->length == capacity && !nnc_file_grow(file, &capacity, error)) return 0;
        room = capacity - file->length < most ? capacity - file->length : most;
        stream->next_in = packed->bytes + used;
        stream->avail_in = (uInt)given;
        stream->next_out = file->bytes + file->length;
        stream->avail_out = (uInt)room;
        state = inflate(stream, Z_NO_FLUSH);
        used += given - stream->avail_in;
        file->length += room - stream->avail_out;
        if (state == Z_MEM_ERROR) return gzip_no_memory(error);
        if (state == Z_STREAM_END) {
            if (!nnc_file_is_packed(packed->bytes + used, packed->length - used)) return check_rest(packed, used, error);
            if (inflateReset(stream) != Z_OK) return gzip_no_memory(error);
        } else if (state == Z_BUF_ERROR || (state == Z_OK && used == packed->length && stream->avail_out > 0)) {
            return gzip_fail(error, "its compressed data are truncated: they break off at byte %lu", (unsigned long)used);
        } else if (state != Z_OK) {
            return gzip_fail(error, "its compressed data are corrupt before byte %lu: %s", (unsigned long)used,
                             stream->msg != NULL ? stream->msg : "they want a dictionary");
        }
    }
}

int nnc_gzip_unpack(NncFile *file, NncFileError *error) {
    z_stream stream;
    NncFile packed = *file;
    int fine;
    memset(&stream, 0, sizeof stream);
    memset(file, 0, sizeof *file);
    if (inflateInit2(&stream, 15 + 16) == Z_OK) { /* the largest window; gzip's wrapper */
        fine = unpack_members(&stream, &packed, file, error);
        inflateEnd(&stream);
    } else {
        fine = gzip_no_memory(error);
    }
    free(packed.bytes);
    return fine;
}
