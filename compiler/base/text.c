#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Text *text_new(Arena *arena) {
    Text *text = NEW(arena, Text);
    text->arena = arena;
    text->line_start = 1;
    return text;
}

static void put_bytes(Text *text, const char *bytes, size_t count) {
    while (text->bytes.capacity - text->bytes.count < count) {
        text->bytes.at = vec_grow(text->arena, text->bytes.at, &text->bytes.capacity, 1);
    }
    memcpy(text->bytes.at + text->bytes.count, bytes, count);
    text->bytes.count += count;
}

void text_put(Text *text, const char *words) {
    while (*words != '\0') {
        size_t length = strcspn(words, "\n");
        for (int i = 0; length > 0 && text->line_start && i < text->indent; i++) put_bytes(text, "    ", 4);
        text->line_start = words[length] == '\n';
        length += text->line_start != 0;
        put_bytes(text, words, length);
        words += length;
    }
}

bool text_ends_in(const Text *text, const char *end) {
    size_t length = strlen(end);
    return text->bytes.count >= length && memcmp(text->bytes.at + text->bytes.count - length, end, length) == 0;
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
