#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

Text *text_new(Arena *arena) {
    Text *text = NEW(arena, Text);
    text->arena = arena;
    text->line_start = 1;
    return text;
}

static void put_byte(Text *text, char byte) {
    if (text->line_start && byte != '\n') {
        for (int i = 0; i < text->indent * 4; i++) vec_push(text->arena, &text->bytes, ' ');
        text->line_start = 0;
    }
    vec_push(text->arena, &text->bytes, byte);
    if (byte == '\n') text->line_start = 1;
}

void text_put(Text *text, const char *words) {
    for (; *words != '\0'; words++) put_byte(text, *words);
}

void text_printf(Text *text, const char *format, ...) {
    char small[256];
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(small, sizeof small, format, list);
    va_end(list);
    if (length < 0) bug("a format that printf refuses: %s", format);
    if ((size_t)length < sizeof small) {
        text_put(text, small);
    } else {
        char *large = arena_alloc(text->arena, (size_t)length + 1);
        vsnprintf(large, (size_t)length + 1, format, again);
        text_put(text, large);
    }
    va_end(again);
}

const char *text_string(Text *text) {
    vec_push(text->arena, &text->bytes, '\0');
    text->bytes.count--;
    return text->bytes.at;
}

void number_print(char out[NUMBER_LENGTH], double value) { nnc_number_print(out, value); }

void text_number(Text *text, double value) {
    char out[NUMBER_LENGTH];
    number_print(out, value);
    text_put(text, out);
}

const char *number_grouped(Arena *arena, double count) {
    const char *digits = arena_printf(arena, "%.0f", count);
    size_t length = strlen(digits);
    Text *text = text_new(arena);
    for (size_t i = 0; i < length; i++) {
        text_printf(text, "%c%s", digits[i], (length - i) % 3 == 1 && i + 1 < length ? "," : "");
    }
    return text_string(text);
}
