#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 2 * 1024, ALIGN = _Alignof(max_align_t) };

typedef struct Block {
    struct Block *older;
    size_t used, size;
    max_align_t data[];
} Block;

struct Arena {
    Block *newest;
    size_t bytes;
};

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("nnc: out of memory\n", stderr);
        abort();
    }
    return memory;
}

Arena *arena_new(void) { return must(calloc(1, sizeof(Arena))); }

void arena_free(Arena *arena) {
    if (arena == NULL) return;
    for (Block *block = arena->newest; block != NULL;) {
        Block *older = block->older;
        free(block);
        block = older;
    }
    free(arena);
}

void *arena_alloc(Arena *arena, size_t size) {
    if (size > SIZE_MAX / 4) bug("an allocation of %zu bytes", size);
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    Block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        size_t want = block == NULL ? FIRST_BLOCK : block->size < (1u << 22) ? block->size * 2 : block->size;
        if (want < size) want = size;
        Block *fresh = must(calloc(1, sizeof(Block) + want)); /* calloc: what is handed out is zero */
        fresh->older = block;
        fresh->size = want;
        arena->newest = block = fresh;
    }
    void *result = (char *)block->data + block->used;
    block->used += size;
    arena->bytes += size;
    return result;
}

char *arena_text(Arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) memcpy(copy, text, length);
    return copy;
}

char *arena_printf(Arena *arena, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (length < 0) bug("a format that printf refuses: %s", format);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_bytes(const Arena *arena) { return arena->bytes; }

void *vec_grow(Arena *arena, void *at, size_t *capacity, size_t item) {
    size_t larger = *capacity == 0 ? 4 : *capacity * 2;
    void *moved = arena_alloc(arena, larger * item);
    if (*capacity > 0) memcpy(moved, at, *capacity * item);
    *capacity = larger;
    return moved;
}

void bug_at(const char *file, int line, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "nnc: internal error at %s:%d: ", file, line);
    vfprintf(stderr, format, list);
    fputs("\nThis is a mistake in nnc, not in your model. Please report it with the .nn file.\n", stderr);
    va_end(list);
    abort();
}
