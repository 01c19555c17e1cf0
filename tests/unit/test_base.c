/* Arenas, names, places, numbers and the layout of messages. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/diagnostic.h"
#include "base/names.h"
#include "base/text.h"

static void arenas(void **state) {
    (void)state;
    Arena *arena = arena_new();
    for (size_t size = 0; size < 300000; size = size * 3 + 1) {
        unsigned char *bytes = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(bytes[i], 0);
        if (size > 0) memset(bytes, 255, size);
    }
    assert_true(arena_bytes(arena) > 200000);
    assert_string_equal(arena_text(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_printf(arena, "%d %s", 7, "x"), "7 x");
    Vec(int) numbers = {0};
    for (int i = 0; i < 1000; i++) vec_push(arena, &numbers, i);
    assert_int_equal(numbers.count, 1000);
    for (int i = 0; i < 1000; i++) assert_int_equal(numbers.at[i], i);
    arena_free(arena);
    arena_free(NULL);
}

static void interned_names(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    Name first = name_of(names, "n7");
    for (int i = 0; i < 5000; i++) (void)name_of(names, arena_printf(arena, "n%d", i));
    assert_ptr_equal(first, name_of_length(names, "n77", 2));
    assert_ptr_not_equal(first, name_of(names, "n77"));
    assert_string_equal(name_of(names, ""), "");
    arena_free(arena);
}

static void suggestions(void **state) {
    (void)state;
    assert_int_equal(edit_distance("sigmoid", "sigmoid", 3), 0);
    assert_int_equal(edit_distance("sigmod", "sigmoid", 3), 1);
    assert_int_equal(edit_distance("simgoid", "sigmoid", 3), 1);
    assert_int_equal(edit_distance("abc", "xyz", 2), 3);
    assert_int_equal(edit_distance("", "ab", 3), 2);
    Suggestion suggestion = {.wanted = "sigmod"};
    suggest(&suggestion, "softmax");
    assert_null(suggestion.best);
    suggest(&suggestion, "sigmoid");
    suggest(&suggestion, "sigma");
    assert_string_equal(suggestion.best, "sigmoid");
}

static void places(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sources *sources = sources_new(arena);
    uint32_t source = source_add(sources, "a.nn", "ab\n\nc", 5, false);
    const struct {
        uint32_t offset;
        unsigned line, column;
    } expected[] = {{0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {4, 3, 1}, {5, 3, 2}};
    for (size_t i = 0; i < 5; i++) {
        Place place = source_place(sources, source, expected[i].offset);
        assert_int_equal(place.line, expected[i].line);
        assert_int_equal(place.column, expected[i].column);
    }
    Span joined = span_join((Span){source, 3, 4}, (Span){source, 0, 2});
    assert_true(joined.begin == 0 && joined.end == 4);
    assert_int_equal(span_join((Span){0}, (Span){source, 1, 2}).begin, 1);
    const char *why = NULL;
    assert_int_equal(source_read(sources, "/nonexistent/file.nn", &why), 0);
    assert_non_null(why);
    assert_int_equal(source_read(sources, "/", &why), 0);
    assert_string_equal(why, "it is a directory");
    arena_free(arena);
}

static void numbers(void **state) {
    (void)state;
    const struct {
        double value;
        const char *text;
    } expected[] = {
        {0, "0"},
        {3, "3"},
        {-3, "-3"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e-5, "1e-5"},
        {100, "100"},
        {123456789, "123456789"},
        {1e20, "1e+20"},
        {1.5e300, "1.5e+300"},
        {HUGE_VAL, "inf"},
    };
    char out[NUMBER_LENGTH];
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        number_print(out, expected[i].value);
        assert_string_equal(out, expected[i].text);
    }
}

static void indented_text(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Text *text = text_new(arena);
    text_put(text, "a {\n");
    text->indent++;
    text_printf(text, "%s = ", "b");
    text_number(text, 0.5);
    text_put(text, "\n\n");
    text->indent--;
    text_put(text, "}");
    assert_string_equal(text_string(text), "a {\n    b = 0.5\n\n}");
    char *large = arena_alloc(arena, 1001);
    memset(large, 'x', 1000);
    text = text_new(arena);
    text_printf(text, "%s", large);
    assert_int_equal(strlen(text_string(text)), 1000);
    arena_free(arena);
}

/* What diagnostics_print writes. */
static const char *printed(Arena *arena, const Diagnostics *diagnostics) {
    FILE *file = tmpfile();
    assert_non_null(file);
    diagnostics_print(diagnostics, file, false);
    long length = ftell(file);
    char *text = arena_alloc(arena, (size_t)length + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)length, file), length);
    fclose(file);
    return text;
}

static void messages(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sources *sources = sources_new(arena);
    const char *model = "input x[4]\n\thidden = x -> sigmod\n";
    uint32_t source = source_add(sources, "iris.nn", model, strlen(model), false);
    Diagnostics *diagnostics = diagnostics_new(arena, sources);
    assert_string_equal(printed(arena, diagnostics), "");
    error_at(diagnostics, (Span){source, 26, 32}, "'%s' is not defined", "sigmod");
    note_at(diagnostics, (Span){source, 6, 7}, "here");
    error_at(diagnostics, (Span){source, 26, 32}, "a second one for this place is dropped");
    note_at(diagnostics, (Span){source, 0, 1}, "and so is its note");
    warning_at(diagnostics, (Span){source, 6, 10}, "odd");
    error_at(diagnostics, (Span){0}, "nowhere");
    assert_int_equal(diagnostics->errors, 2);
    assert_string_equal(printed(arena, diagnostics),
                        "error: nowhere\n"
                        "iris.nn:1:7: warning: odd\n    input x[4]\n          ^~~~\n"
                        "iris.nn:2:16: error: 'sigmod' is not defined\n     hidden = x -> sigmod\n                   ^~~~~~\n"
                        "iris.nn:1:7: note: here\n    input x[4]\n          ^\n");
    arena_free(arena);
}

static void long_lines_and_many_errors(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sources *sources = sources_new(arena);
    char *text = arena_alloc(arena, 1001);
    memset(text, 'x', 1000);
    text[500] = '\033';
    uint32_t source = source_add(sources, "a.nn", text, 1000, false);
    Diagnostics *diagnostics = diagnostics_new(arena, sources);
    error_at(diagnostics, (Span){source, 500, 1000}, "long");
    const char *out = printed(arena, diagnostics);
    assert_true(strlen(out) < 300);
    assert_null(strchr(out, '\033'));
    assert_non_null(strstr(out, "    ...x"));
    for (uint32_t i = 0; i < 50; i++) error_at(diagnostics, (Span){source, i, i + 1}, "more");
    assert_true(diagnostics->stop);
    assert_int_equal(diagnostics->list.count, ERROR_LIMIT);
    assert_non_null(strstr(printed(arena, diagnostics), "nnc: more than 20 errors, the rest is not shown\n"));
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arenas),      cmocka_unit_test(interned_names),
        cmocka_unit_test(suggestions), cmocka_unit_test(places),
        cmocka_unit_test(numbers),     cmocka_unit_test(indented_text),
        cmocka_unit_test(messages),    cmocka_unit_test(long_lines_and_many_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
