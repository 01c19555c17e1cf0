/* The texts that a compilation reads, and places in them. */
#ifndef NNC_BASE_SOURCE_H
#define NNC_BASE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Half-open range of bytes in one source. source 0 means "nowhere" (built in). */
typedef struct {
    uint32_t source, begin, end;
} Span;

typedef struct {
    const char *name; /* as the user wrote it: shown in messages */
    const char *text; /* NUL-terminated, but may also hold NUL bytes before `length` */
    size_t length;
    bool library;    /* the standard library: its errors are shown at the user's call */
    uint32_t *lines; /* offset of each line's first byte */
    size_t line_count;
} Source;

typedef struct {
    Arena *arena;
    Vec(Source) list; /* list.at[0] is "nowhere" */
} Sources;

enum { SOURCE_LIMIT = 4 * 1024 * 1024 }; /* bytes; larger .nn files are refused: data belongs into a CSV file */

Sources *sources_new(Arena *arena);

/* Takes over text that is already in memory and outlives the compilation. Returns the source's number. */
uint32_t source_add(Sources *sources, const char *name, const char *text, size_t length, bool library);

/* Reads a file ("-" is standard input). Returns its number, or 0 with *why set to a sentence without a full stop. */
uint32_t source_read(Sources *sources, const char *path, const char **why);

typedef struct {
    unsigned line, column; /* from 1; the column counts bytes */
} Place;
Place source_place(const Sources *sources, uint32_t source, uint32_t offset);

const Source *source_of(const Sources *sources, Span span);
Span span_join(Span first, Span last);

#endif
