/* Interned names: equal text is the same pointer, so names are compared with ==. */
#ifndef NNC_BASE_NAMES_H
#define NNC_BASE_NAMES_H

#include "base/arena.h"

typedef const char *Name;
typedef struct Names Names;

Names *names_new(Arena *arena);
Name name_of(Names *names, const char *text);
Name name_of_length(Names *names, const char *text, size_t length);

/* How many single-letter edits (insert, delete, change, swap of neighbours) lead from one word to the other
   (Damerau 1964, optimal string alignment); more than `limit` is given as limit + 1. */
int edit_distance(const char *from, const char *to, int limit);

/* A candidate that a reader would take for a slip of the pen, or NULL: feed all, then read `best`. */
typedef struct {
    const char *wanted, *best;
    int distance;
} Suggestion;
void suggest(Suggestion *suggestion, const char *candidate);

/* Numbers by name. Zero-initialised it is empty; a name that was never put has the number 0. */
typedef struct {
    struct NameSlot *slots; /* open addressing by the pointer, a power of two */
    size_t count, room;
} NameTable;

size_t name_table_get(const NameTable *table, Name name);
size_t *name_table_at(Arena *arena, NameTable *table, Name name); /* to be changed; good until the next call */

#endif
