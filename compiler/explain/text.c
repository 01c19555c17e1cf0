/* An explanation for a terminal. */
#include <math.h>

#include "explain/style.h"

enum { WIDTH = 100 };

/* Breaks at spaces, the rest indented. */
static void wrapped(Text *text, int indent, int hanging, const char *words) {
    int column = indent;
    text_printf(text, "%*s", indent, "");
    while (*words != '\0') {
        size_t length = strcspn(words + 1, " ") + 1;
        if (column + (int)length > WIDTH && column > hanging) {
            text_printf(text, "\n%*s", hanging, "");
            column = hanging;
            words += *words == ' ';
            length = strcspn(words + (*words != '\0'), " ") + (*words != '\0');
        }
        text_printf(text, "%.*s", (int)length, words);
        column += (int)length;
        words += length;
    }
    text_put(text, "\n");
}

static const char *plain(Arena *arena, const char *words) {
    char *copy = arena_text(arena, words, strlen(words)), *to = copy;
    for (; *words != '\0'; words++) {
        if (*words != '`') *to++ = *words;
    }
    *to = '\0';
    return copy;
}

static void underlined(Out *out, const char *title, char with) {
    text_printf(out->text, "%s\n", title);
    for (size_t i = 0; title[i] != '\0'; i++) text_printf(out->text, "%c", with);
    text_put(out->text, "\n");
}

static void begin(Out *out, const char *title) { underlined(out, title, '='); }

static void section(Out *out, const char *title) {
    text_put(out->text, "\n");
    underlined(out, title, '-');
}

static void item(Out *out, const Item *item, const char *aside) {
    const char *name = item->statement->target->name;
    text_printf(out->text, "\n%s", name);
    if (aside != NULL) text_printf(out->text, "%*s%s", (int)(strlen(name) < 36 ? 40 - strlen(name) : 4), "", aside);
    text_put(out->text, "\n");
}

static void paragraph(Out *out, const char *words) { wrapped(out->text, 2, 2, plain(out->lesson->arena, words)); }

static const char *text_of(Out *out, const Statement *s) {
    Text *text = text_new(out->lesson->arena);
    statement_print(text, s);
    return text_string(text);
}

static void statement(Out *out, const Statement *s) { wrapped(out->text, 4, 8, text_of(out, s)); }

static void link(Out *out, const Link *link) {
    Arena *arena = out->lesson->arena;
    const char *law = law_of(link->derived);
    for (size_t i = 0; i < link->readers.count; i++)
        wrapped(out->text, 4, 8, arena_printf(arena, "%s %s", i == 0 ? "because" : "    and", text_of(out, link->readers.at[i])));
    wrapped(out->text, 8, 12, text_of(out, link->derived));
    if (*law != '\0') wrapped(out->text, 12, 12, law);
}

static void worked(Out *out, const Worked *w) {
    Arena *arena = out->lesson->arena;
    Numbers names = {out->lesson, NULL}, values = {out->lesson, w};
    const Printing symbols = {true, number_in, &names}, numbers = {true, number_in, &values};
    Text *left = text_new(arena), *first = text_new(arena), *second = text_new(arena);
    expr_print_as(left, w->element, &symbols);
    const char *value = lesson_number(out->lesson, w->value), *name = text_string(left);
    int indent = 4 + (int)strlen(name);
    Expr formula = w->formula != NULL ? w->formula : w->element;
    if ((w->formula == NULL && w->element->kind == EXPR_READ) || formula->kind == EXPR_CONST) {
        wrapped(out->text, 4, indent, arena_printf(arena, "%s = %s", name, value));
        return;
    }
    expr_print_as(first, formula, &symbols);
    expr_print_as(second, formula, &numbers);
    if (w->formula != NULL) wrapped(out->text, 4, indent + 5, arena_printf(arena, "%s = %s", name, text_string(first)));
    else wrapped(out->text, 4, indent = 8, name);
    if (worked_says_more(out->lesson, w))
        wrapped(out->text, indent + 1, indent + 5, arena_printf(arena, "= %s", text_string(second)));
    if (w->terms.count > 0) {
        Text *terms = text_new(arena);
        for (size_t i = 0; i < w->terms.count; i++) {
            const char *term = lesson_number(out->lesson, w->terms.at[i]);
            bool minus = signbit(w->terms.at[i]); /* - 0, too: the formula has it so */
            text_printf(terms, "%s%s", i == 0 ? "" : minus ? " - " : " + ", term + (i > 0 && *term == '-'));
        }
        wrapped(out->text, indent + 1, indent + 5, arena_printf(arena, "= %s", text_string(terms)));
    }
    wrapped(out->text, indent + 1, indent + 5, arena_printf(arena, "= %s", value));
}

static void given(Out *out, const Given *g) { wrapped(out->text, 4, 8, given_text(out->lesson, g)); }

const Style style_text = {.name = "text",
                          .begin = begin,
                          .section = section,
                          .item = item,
                          .paragraph = paragraph,
                          .statement = statement,
                          .link = link,
                          .worked = worked,
                          .given = given};
