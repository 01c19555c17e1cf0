#include "base/diagnostic.h"

#include <stdarg.h>
#include <stdlib.h>

Diagnostics *diagnostics_new(Arena *arena, const Sources *sources) {
    Diagnostics *diagnostics = NEW(arena, Diagnostics);
    diagnostics->arena = arena;
    diagnostics->sources = sources;
    return diagnostics;
}

static const char *formatted(Arena *arena, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) bug("a message that printf refuses: %s", format);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, list);
    return text;
}

static bool same_span(Span a, Span b) { return a.source == b.source && a.begin == b.begin && a.end == b.end; }

static void add(Diagnostics *diagnostics, Severity severity, Span span, const char *format, va_list list) {
    diagnostics->dropped = true;
    if (severity == SEVERITY_ERROR) {
        for (size_t i = 0; i < diagnostics->list.count; i++) {
            Diagnostic *old = diagnostics->list.at[i];
            if (old->severity == SEVERITY_ERROR && same_span(old->span, span)) return;
        }
        diagnostics->errors++;
        diagnostics->stop = diagnostics->errors > ERROR_LIMIT;
        if (diagnostics->errors > ERROR_LIMIT) return;
    }
    Diagnostic *diagnostic = NEW(diagnostics->arena, Diagnostic);
    diagnostic->severity = severity;
    diagnostic->span = span;
    diagnostic->message = formatted(diagnostics->arena, format, list);
    vec_push(diagnostics->arena, &diagnostics->list, diagnostic);
    diagnostics->dropped = false;
}

void error_at(Diagnostics *diagnostics, Span span, const char *format, ...) {
    va_list list;
    va_start(list, format);
    add(diagnostics, SEVERITY_ERROR, span, format, list);
    va_end(list);
}

void warning_at(Diagnostics *diagnostics, Span span, const char *format, ...) {
    va_list list;
    va_start(list, format);
    add(diagnostics, SEVERITY_WARNING, span, format, list);
    va_end(list);
}

void note_at(Diagnostics *diagnostics, Span span, const char *format, ...) {
    if (diagnostics->dropped || diagnostics->list.count == 0) return;
    Diagnostic **tail = &diagnostics->list.at[diagnostics->list.count - 1]->note;
    while (*tail != NULL) tail = &(*tail)->note;
    *tail = NEW(diagnostics->arena, Diagnostic);
    (*tail)->severity = SEVERITY_NOTE;
    (*tail)->span = span;
    va_list list;
    va_start(list, format);
    (*tail)->message = formatted(diagnostics->arena, format, list);
    va_end(list);
}

/* ---- Printing */

enum { SHOWN = 100, BEFORE = 40 }; /* bytes of a long line that are shown, and how many of them before the span */

static bool continues_character(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* One byte of source: what a terminal would act on is shown as '?', a tab as a space. */
static void put_byte(FILE *file, char c) {
    unsigned char byte = (unsigned char)c;
    fputc(byte == '\t' ? ' ' : byte < 32 || byte == 127 ? '?' : byte, file);
}

static void print_line(FILE *file, const Source *source, Span span, Place place, bool colour) {
    size_t first = source->lines[place.line - 1];
    size_t last = place.line < source->line_count ? source->lines[place.line] - 1u : source->length;
    if (last > first && source->text[last - 1] == '\r') last--;
    size_t from = first, to = last;
    if (to - from > SHOWN) {
        if (span.begin > first + BEFORE) from = span.begin - BEFORE;
        if (to > from + SHOWN) to = from + SHOWN;
        while (from > first && continues_character(source->text[from])) from--;
        while (to < last && continues_character(source->text[to])) to++;
    }
    fprintf(file, "    %s", from > first ? "..." : "");
    for (size_t i = from; i < to; i++) put_byte(file, source->text[i]);
    fprintf(file, "%s\n    %s", to < last ? "..." : "", from > first ? "   " : "");
    for (size_t i = from; i < span.begin && i < to; i++) {
        if (!continues_character(source->text[i])) fputc(' ', file);
    }
    fprintf(file, "%s^", colour ? "\033[1;32m" : "");
    for (size_t i = span.begin + 1u; i < span.end && i < to; i++) {
        if (!continues_character(source->text[i])) fputc('~', file);
    }
    fprintf(file, "%s\n", colour ? "\033[0m" : "");
}

static void print_one(const Diagnostics *diagnostics, const Diagnostic *diagnostic, FILE *file, bool colour) {
    static const char *const word[] = {"error", "warning", "note"};
    static const char *const paint[] = {"\033[1;31m", "\033[1;35m", "\033[1;36m"};
    Span span = diagnostic->span;
    if (span.source != 0) {
        Place place = source_place(diagnostics->sources, span.source, span.begin);
        const Source *source = source_of(diagnostics->sources, span);
        fprintf(file, "%s%s:%u:%u: %s", colour ? "\033[1m" : "", source->name, place.line, place.column, colour ? "\033[0m" : "");
    }
    fprintf(file, "%s%s:%s %s\n", colour ? paint[diagnostic->severity] : "", word[diagnostic->severity], colour ? "\033[0m" : "",
            diagnostic->message);
    if (span.source != 0) {
        print_line(file, source_of(diagnostics->sources, span), span, source_place(diagnostics->sources, span.source, span.begin),
                   colour);
    }
}

typedef struct {
    const Diagnostic *diagnostic;
    size_t order;
} Ordered;

static int by_place(const void *a, const void *b) {
    const Ordered *x = a, *y = b;
    Span p = x->diagnostic->span, q = y->diagnostic->span;
    if (p.source != q.source) return p.source < q.source ? -1 : 1;
    if (p.begin != q.begin) return p.begin < q.begin ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void diagnostics_print(const Diagnostics *diagnostics, FILE *file, bool colour) {
    size_t count = diagnostics->list.count;
    if (count == 0) return;
    Ordered *sorted = NEW_ARRAY(diagnostics->arena, Ordered, count);
    for (size_t i = 0; i < count; i++) sorted[i] = (Ordered){diagnostics->list.at[i], i};
    qsort(sorted, count, sizeof *sorted, by_place);
    for (size_t i = 0; i < count; i++) {
        for (const Diagnostic *d = sorted[i].diagnostic; d != NULL; d = d->note) print_one(diagnostics, d, file, colour);
    }
    if (diagnostics->errors > ERROR_LIMIT) fprintf(file, "nnc: more than %d errors, the rest is not shown\n", ERROR_LIMIT);
}
