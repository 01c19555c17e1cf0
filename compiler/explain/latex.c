/* An explanation as a LaTeX document, and as Markdown whose formulas are LaTeX between dollar signs, as most viewers show them. */
#include <math.h>

#include "explain/style.h"

/* ---- Formulas: lines of an `aligned`, the same for both */

static const char next_line[] = " \\\\\n &\\quad";

static void formula_begin(Out *out, bool document) {
    text_put(out->text, document ? "\\begin{align*}\n" : "$$\n\\begin{aligned}\n");
}
static void formula_end(Out *out, bool document) { text_put(out->text, document ? "\\end{align*}\n" : "\\end{aligned}\n$$\n"); }

static void one_statement(Out *out, const Statement *s) {
    math_print_statement(out->text, &markup_latex, out->lesson, s,
                         s->subscripts == NULL ? " &= " : " &\\mathrel{+}= ", next_line);
}

static void statement_(Out *out, const Statement *s, bool document) {
    formula_begin(out, document);
    one_statement(out, s);
    text_put(out->text, "\n");
    formula_end(out, document);
}

static void link_(Out *out, const Link *link, bool document) {
    formula_begin(out, document);
    for (size_t i = 0; i < link->readers.count; i++) {
        text_put(out->text, i == 0 ? "\\text{because}\\quad " : "\\text{and}\\quad ");
        one_statement(out, link->readers.at[i]);
        text_put(out->text, " \\\\\n");
    }
    one_statement(out, link->derived);
    text_put(out->text, "\n");
    formula_end(out, document);
}

static void worked_(Out *out, const Worked *w, bool document) {
    const Lesson *lesson = out->lesson;
    Numbers names = {lesson, NULL}, values = {lesson, w};
    const Printing symbols = {true, number_in, &names}, numbers = {true, number_in, &values};
    formula_begin(out, document);
    math_print(out->text, &markup_latex, lesson, w->element, &symbols);
    Expr formula = w->formula != NULL ? w->formula : w->element;
    if (w->formula != NULL && formula->kind != EXPR_CONST) {
        text_put(out->text, " &= ");
        math_print_broken(out->text, &markup_latex, lesson, formula, &symbols, next_line);
        text_put(out->text, " \\\\\n");
    }
    if (worked_says_more(lesson, w)) {
        text_put(out->text, " &= ");
        math_print_broken(out->text, &markup_latex, lesson, formula, &numbers, next_line);
        text_put(out->text, " \\\\\n");
    }
    if (w->terms.count > 0) {
        text_put(out->text, " &= ");
        for (size_t i = 0; i < w->terms.count; i++) {
            const char *term = lesson_number(lesson, w->terms.at[i]);
            bool minus = signbit(w->terms.at[i]);
            text_put(out->text, i == 0 ? "" : minus ? " - " : " + ");
            math_print_number(out->text, &markup_latex, term + (i > 0 && *term == '-'));
        }
        text_put(out->text, " \\\\\n");
    }
    text_put(out->text, " &= ");
    math_print_number(out->text, &markup_latex, lesson_number(lesson, w->value));
    text_put(out->text, "\n");
    formula_end(out, document);
}

static void given_(Out *out, const Given *g, bool document) {
    enum { SHOWN = 12 };
    formula_begin(out, document);
    Text *name = text_new(out->lesson->arena);
    for (const char *c = g->tensor->name; *c != '\0'; c++) text_printf(name, *c == '_' ? "\\_" : "%c", *c);
    text_printf(out->text, "\\mathrm{%s} &= \\left(", text_string(name));
    for (int64_t i = 0; i < g->count && i < SHOWN; i++) {
        text_put(out->text, i > 0 ? ", " : "");
        math_print_number(out->text, &markup_latex, lesson_number(out->lesson, g->values[i]));
    }
    text_printf(out->text, "%s\\right)\n", g->count > SHOWN ? ", \\dots" : "");
    formula_end(out, document);
}

/* ---- LaTeX */

static void latex_words(Text *text, const char *words) {
    bool code = false;
    for (; *words != '\0'; words++) {
        if (*words == '`') {
            text_put(text, code ? "}" : "\\texttt{");
            code = !code;
        } else if (strncmp(words, "∂", 3) == 0) {
            text_put(text, "$\\partial$");
            words += 2;
        } else if (*words == '^') {
            text_put(text, "\\textasciicircum{}");
        } else if (*words == '\\' || *words == '~') {
            text_put(text, *words == '~' ? "\\textasciitilde{}" : "\\textbackslash{}");
        } else if ((unsigned char)*words >= 0x80) { /* fonts of other scripts are not LaTeX's own */
            if (((unsigned char)words[1] & 0xC0) != 0x80) text_put(text, "?");
        } else if (strchr("_%&#{}$", *words) != NULL) {
            text_printf(text, "\\%c", *words);
        } else {
            text_printf(text, "%c", *words);
        }
    }
}

static void latex_begin(Out *out, const char *title) {
    text_put(out->text, "\\documentclass{article}\n\\usepackage[a4paper, margin=15mm]{geometry}\n\\usepackage{amsmath}\n"
                        "\\setlength{\\parindent}{0pt}\n\\allowdisplaybreaks\n\\begin{document}\n\\small\n\\title{");
    latex_words(out->text, title);
    text_put(out->text, "}\n\\author{}\\date{}\n\\maketitle\n");
}

static void latex_end(Out *out) { text_put(out->text, "\\end{document}\n"); }

static void latex_section(Out *out, const char *title) {
    text_put(out->text, "\n\\section*{");
    latex_words(out->text, title);
    text_put(out->text, "}\n");
}

static void latex_item(Out *out, const Item *item, const char *aside) {
    text_put(out->text, "\n\\subsection*{\\texttt{");
    latex_words(out->text, item->statement->target->name);
    text_put(out->text, "}\\hfill\\normalfont\\small ");
    if (aside != NULL) latex_words(out->text, aside);
    text_put(out->text, "}\n");
}

static void latex_paragraph(Out *out, const char *words) {
    latex_words(out->text, words);
    text_put(out->text, "\n\n");
}

static void latex_statement(Out *out, const Statement *s) { statement_(out, s, true); }
static void latex_worked(Out *out, const Worked *w) { worked_(out, w, true); }
static void latex_given(Out *out, const Given *g) { given_(out, g, true); }
static void latex_link(Out *out, const Link *link) {
    link_(out, link, true);
    if (*law_of(link->derived) != '\0') latex_paragraph(out, arena_printf(out->lesson->arena, "by `%s`", law_of(link->derived)));
}

const Style style_latex = {.name = "latex",
                           .two_dimensional = true,
                           .begin = latex_begin,
                           .end = latex_end,
                           .section = latex_section,
                           .item = latex_item,
                           .paragraph = latex_paragraph,
                           .statement = latex_statement,
                           .link = latex_link,
                           .worked = latex_worked,
                           .given = latex_given};

/* ---- Markdown */

static void markdown_begin(Out *out, const char *title) { text_printf(out->text, "# %s\n", title); }
static void markdown_section(Out *out, const char *title) { text_printf(out->text, "\n## %s\n\n", title); }
static void markdown_item(Out *out, const Item *item, const char *aside) {
    text_printf(out->text, "\n### `%s`\n\n", item->statement->target->name);
    if (aside != NULL) text_printf(out->text, "%s\n\n", aside);
}
static void markdown_paragraph(Out *out, const char *words) { text_printf(out->text, "%s\n\n", words); }
static void markdown_statement(Out *out, const Statement *s) {
    statement_(out, s, false);
    text_put(out->text, "\n");
}
static void markdown_worked(Out *out, const Worked *w) {
    worked_(out, w, false);
    text_put(out->text, "\n");
}
static void markdown_given(Out *out, const Given *g) {
    given_(out, g, false);
    text_put(out->text, "\n");
}
static void markdown_link(Out *out, const Link *link) {
    link_(out, link, false);
    if (*law_of(link->derived) != '\0') text_printf(out->text, "\nby `%s`\n", law_of(link->derived));
    text_put(out->text, "\n");
}

const Style style_markdown = {.name = "markdown",
                              .two_dimensional = true,
                              .begin = markdown_begin,
                              .section = markdown_section,
                              .item = markdown_item,
                              .paragraph = markdown_paragraph,
                              .statement = markdown_statement,
                              .link = markdown_link,
                              .worked = markdown_worked,
                              .given = markdown_given};
