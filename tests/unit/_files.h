/* Files for tests that read them: each in a folder of its own, gone after the last test. */
#ifndef NNC_TEST_FILES_H
#define NNC_TEST_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char files_folder[] = "/tmp/nnc_test_XXXXXX";

static int files_begin(void **state) {
    (void)state;
    return mkdtemp(files_folder) == NULL;
}

static const char *files_path(const char *name) {
    static char path[sizeof files_folder + 300];
    snprintf(path, sizeof path, "%s/%s", files_folder, name);
    return path;
}

static void files_write(const char *name, const void *bytes, size_t length) {
    FILE *file = fopen(files_path(name), "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) abort();
}

/* Packs as gzip does; returns the length. */
static size_t files_pack(const void *bytes, size_t length, unsigned char *out, size_t room) {
    z_stream stream = {0};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) abort();
    deflateEnd(&stream);
    return stream.total_out;
}

#endif
