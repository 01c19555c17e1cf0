/* An explanation as HTML, its formulas in MathML. */
#include <math.h>

#include "explain/html.h"

void html_text(Text *text, const char *words) {
    for (; *words != '\0'; words++) {
        if (*words == '<') text_put(text, "&lt;");
        else if (*words == '>') text_put(text, "&gt;");
        else if (*words == '&') text_put(text, "&amp;");
        else if (*words == '"') text_put(text, "&quot;");
        else text_printf(text, "%c", *words);
    }
}

/* Where a name is explained, or NULL. A parameter is where it is updated. The page of one element explains no other. */
static const char *anchor_of(const Lesson *lesson, const char *name) {
    for (size_t i = 0; lesson->wanted == NULL && i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (strcmp(item->statement->target->name, name) == 0)
            return arena_printf(lesson->arena, "%s-%s", item->phase == PHASE_UPDATE ? "u" : "s", name);
    }
    return NULL;
}

/* "iris.c:61" is line 61 of the C. */
static const char *line_in(const Lesson *lesson, const char *words) {
    size_t length = strlen(lesson->c_file);
    bool is_line = strncmp(words, lesson->c_file, length) == 0 && words[length] == ':' && words[length + 1] != '\0';
    return is_line && words[length + 1 + strspn(words + length + 1, "0123456789")] == '\0' ? words + length + 1 : NULL;
}

/* `code`, and what it means where it is a name. */
static void words_(Out *out, const char *words) {
    bool code = false;
    while (*words != '\0') {
        size_t length = strcspn(words, "`");
        const char *part = arena_text(out->lesson->arena, words, length);
        const char *anchor = code ? anchor_of(out->lesson, part) : NULL, *line = code ? line_in(out->lesson, part) : NULL;
        if (line != NULL) text_printf(out->text, "<a href=\"#c%s\">", line);
        if (anchor != NULL) text_printf(out->text, "<a href=\"#%s\" data-s=\"%s\">", anchor, part);
        html_text(out->text, part);
        if (anchor != NULL || line != NULL) text_put(out->text, "</a>");
        words += length;
        if (*words == '`') {
            text_put(out->text, code ? "</code>" : "<code>");
            code = !code;
            words++;
        }
    }
}

static void begin(Out *out, const char *title) { (void)out, (void)title; } /* the page has it */

static void section(Out *out, const char *title) {
    text_put(out->text, "<h2>");
    html_text(out->text, title);
    text_put(out->text, "</h2>\n");
}

/* What is defined in an imported file has no line on this page. */
static void put_place(Out *out, const Item *item) {
    const Statement *s = item->statement;
    const char *line = lesson_place(out->lesson, s), *colon = line == NULL ? NULL : strrchr(line, ':');
    if (colon == NULL) return;
    bool here = s->origin.span.source == out->lesson->source;
    if (here) text_printf(out->text, "<a href=\"#n%s\">", colon + 1);
    html_text(out->text, line);
    text_put(out->text, here ? "</a> " : " ");
}

static void item(Out *out, const Item *item, const char *aside) {
    const char *name = item->statement->target->name;
    bool first = true; /* a state that is updated twice has one place of its own */
    for (const Item *before = out->lesson->items.at; before < item; before++)
        first &= before->statement->target != item->statement->target;
    (void)aside;
    text_put(out->text, "<h3");
    if (first) text_printf(out->text, " id=\"%s\"", anchor_of(out->lesson, name));
    text_printf(out->text, " tabindex=\"0\" data-s=\"%s\"><code>%s</code><small>", name, name);
    put_place(out, item);
    if (item->c_line > 0) text_printf(out->text, "<a href=\"#c%u\">%s:%u</a>", item->c_line, out->lesson->c_file, item->c_line);
    if (item->c_inside != NULL)
        text_printf(out->text, ", inside <a href=\"#%s\">%s</a>", anchor_of(out->lesson, item->c_inside->name),
                    item->c_inside->name);
    text_put(out->text, "</small></h3>\n");
}

static void paragraph(Out *out, const char *words) {
    text_put(out->text, "<p>");
    words_(out, words);
    text_put(out->text, "</p>\n");
}

static void formula(Out *out, const Statement *s, const char *before) {
    text_put(out->text, "<div><math displaystyle=\"true\">");
    if (before != NULL) text_printf(out->text, "<mtext>%s&#160;</mtext>", before);
    math_print_statement(out->text, &markup_mathml, out->lesson, s, s->subscripts == NULL ? "<mo>=</mo>" : "<mo>+=</mo>", NULL);
    text_put(out->text, "</math></div>\n");
}

static void statement(Out *out, const Statement *s) {
    text_put(out->text, "<div class=\"formula\">");
    formula(out, s, NULL);
    text_put(out->text, "</div>\n");
}

static void link(Out *out, const Link *link) {
    text_put(out->text, "<div class=\"link\">");
    for (size_t i = 0; i < link->readers.count; i++) formula(out, link->readers.at[i], i == 0 ? "because" : "and");
    formula(out, link->derived, NULL);
    if (*law_of(link->derived) != '\0') paragraph(out, arena_printf(out->lesson->arena, "by `%s`", law_of(link->derived)));
    text_put(out->text, "</div>\n");
}

static void line_begin(Out *out, bool next) {
    text_printf(out->text, "<div%s><math displaystyle=\"true\">", next ? " class=\"next\"" : "");
}
static void line_end(Out *out) { text_put(out->text, "</math></div>\n"); }
static void number(Out *out, const char *digits) { math_print_number(out->text, &markup_mathml, digits); }

static void worked(Out *out, const Worked *w) {
    const Lesson *lesson = out->lesson;
    Numbers names = {lesson, NULL}, values = {lesson, w};
    const Printing symbols = {true, number_in, &names}, numbers = {true, number_in, &values};
    Expr formula = w->formula != NULL ? w->formula : w->element;
    bool says_more = worked_says_more(lesson, w), own_line = says_more || (w->formula != NULL && formula->kind != EXPR_CONST);
    text_put(out->text, "<div class=\"worked\">");
    line_begin(out, false);
    math_print(out->text, &markup_mathml, lesson, w->element, &symbols);
    if (w->formula != NULL && formula->kind != EXPR_CONST) {
        text_put(out->text, "<mo>=</mo>");
        math_print(out->text, &markup_mathml, lesson, formula, &symbols);
    }
    if (says_more) {
        line_end(out);
        line_begin(out, true);
        text_put(out->text, "<mo>=</mo>");
        math_print(out->text, &markup_mathml, lesson, formula, &numbers);
    }
    if (w->terms.count > 0) {
        line_end(out);
        line_begin(out, true);
        text_put(out->text, "<mo>=</mo>");
        for (size_t i = 0; i < w->terms.count; i++) {
            const char *digits = lesson_number(lesson, w->terms.at[i]);
            bool minus = signbit(w->terms.at[i]);
            if (i > 0) text_put(out->text, minus ? "<mo>&#8722;</mo>" : "<mo>+</mo>");
            number(out, digits + (i > 0 && *digits == '-'));
        }
    }
    if (own_line) {
        line_end(out);
        line_begin(out, true);
    }
    text_put(out->text, "<mo>=</mo>");
    number(out, lesson_number(lesson, w->value));
    line_end(out);
    text_put(out->text, "</div>\n");
}

static void given(Out *out, const Given *g) {
    text_printf(out->text, "<p class=\"given\"><code data-s=\"%s\">", g->tensor->name);
    html_text(out->text, given_text(out->lesson, g));
    text_put(out->text, "</code></p>\n");
}

const Style style_html = {.name = "html",
                          .two_dimensional = true,
                          .begin = begin,
                          .section = section,
                          .item = item,
                          .paragraph = paragraph,
                          .statement = statement,
                          .link = link,
                          .worked = worked,
                          .given = given};
