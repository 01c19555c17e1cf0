#define _POSIX_C_SOURCE 200809L
#include "base/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

Sources *sources_new(Arena *arena) {
    Sources *sources = NEW(arena, Sources);
    sources->arena = arena;
    source_add(sources, "built in", "", 0, true);
    return sources;
}

static void find_lines(Arena *arena, Source *source) {
    size_t count = 1;
    for (size_t i = 0; i < source->length; i++) count += source->text[i] == '\n';
    source->lines = NEW_ARRAY(arena, uint32_t, count);
    source->line_count = 1;
    for (size_t i = 0; i < source->length; i++) {
        if (source->text[i] == '\n') source->lines[source->line_count++] = (uint32_t)(i + 1);
    }
}

uint32_t source_add(Sources *sources, const char *name, const char *text, size_t length, bool library) {
    Source source = {.name = name, .text = text, .length = length, .library = library};
    find_lines(sources->arena, &source);
    vec_push(sources->arena, &sources->list, source);
    return (uint32_t)(sources->list.count - 1);
}

uint32_t source_read(Sources *sources, const char *path, const char **why) {
    bool standard_input = strcmp(path, "-") == 0;
    struct stat status;
    if (!standard_input && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        *why = "it is a directory";
        return 0;
    }
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (file == NULL) {
        *why = strerror(errno);
        return 0;
    }
    char *text = malloc(SOURCE_LIMIT + 1);
    if (text == NULL) bug("no memory for a source of %d bytes", SOURCE_LIMIT);
    size_t length = fread(text, 1, SOURCE_LIMIT + 1, file);
    const char *error = ferror(file) ? strerror(errno) : NULL;
    if (!standard_input) fclose(file);
    uint32_t number = 0;
    if (error != NULL) {
        *why = error;
    } else if (length > SOURCE_LIMIT) {
        *why = "it is larger than 4 MiB; numbers that belong to the data can be read with csv(\"...\")";
    } else {
        const char *name = standard_input ? "<stdin>" : arena_text(sources->arena, path, strlen(path));
        number = source_add(sources, name, arena_text(sources->arena, text, length), length, false);
    }
    free(text);
    return number;
}

Place source_place(const Sources *sources, uint32_t number, uint32_t offset) {
    const Source *source = &sources->list.at[number];
    size_t low = 0, high = source->line_count; /* the line lies in low..high */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (source->lines[middle] <= offset) low = middle;
        else high = middle;
    }
    return (Place){.line = (unsigned)low + 1, .column = offset - source->lines[low] + 1};
}

const Source *source_of(const Sources *sources, Span span) { return &sources->list.at[span.source]; }

Span span_join(Span first, Span last) {
    if (first.source == 0) return last;
    if (last.source != first.source) return first;
    return (Span){first.source, first.begin < last.begin ? first.begin : last.begin, first.end > last.end ? first.end : last.end};
}
