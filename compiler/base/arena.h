/* Memory for one compilation: allocated piece by piece, freed all at once.
   Nothing that lives in an arena is freed by itself, so ownership needs no thought:
   whoever made the arena frees it when the compilation is over. */
#ifndef NNC_BASE_ARENA_H
#define NNC_BASE_ARENA_H

#include <stddef.h>
#include <string.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *arena);

/* Zeroed, aligned for any type. Never returns NULL: without memory the process is aborted with a message. */
void *arena_alloc(Arena *arena, size_t size);

/* A copy of `length` bytes of text, with a NUL behind it. */
char *arena_text(Arena *arena, const char *text, size_t length);

/* printf into the arena. */
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes handed out so far (for --time). */
size_t arena_bytes(const Arena *arena);

#define NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define NEW_ARRAY(arena, Type, count) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(count)))

/* A growing array in an arena:  Vec(int) v = {0};  vec_push(arena, &v, 7);  v.at[0] == 7, v.count == 1 */
#define Vec(Type)               \
    struct {                    \
        Type *at;               \
        size_t count, capacity; \
    }

#define vec_push(arena, vec, ...)                                                          \
    do {                                                                                   \
        if ((vec)->count == (vec)->capacity) {                                             \
            (vec)->at = vec_grow((arena), (vec)->at, &(vec)->capacity, sizeof *(vec)->at); \
        }                                                                                  \
        (vec)->at[(vec)->count++] = (__VA_ARGS__);                                         \
    } while (0)

void *vec_grow(Arena *arena, void *at, size_t *capacity, size_t item);

/* Our own mistakes, as opposed to the user's: says where, and aborts. */
_Noreturn void bug_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
