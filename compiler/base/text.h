/* Text under construction: a growing string with indentation, and numbers as a reader wants them. */
#ifndef NNC_BASE_TEXT_H
#define NNC_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/arena.h"
#include "number.h"

typedef struct {
    Arena *arena;
    Vec(char) bytes;
    int indent;     /* levels of four spaces, put before the first byte of each line */
    int line_start; /* nonzero when the next byte begins a line */
} Text;

Text *text_new(Arena *arena);
void text_put(Text *text, const char *words);
bool text_ends_in(const Text *text, const char *end);
void text_printf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_string(Text *text); /* NUL-terminated, in the arena */

/* The shortest decimal that reads back as the same double:  0.1, 3, 1e-5, inf */
enum { NUMBER_LENGTH = NNC_NUMBER_LENGTH };
void number_print(char out[NUMBER_LENGTH], double value);
void text_number(Text *text, double value);
const char *number_grouped(Arena *arena, double count); /* 101770 as 101,770 */

#endif
