/* An explanation for programs: the same items, formulas in the language's notation, numbers with all their digits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain/style.h"
#include "quote.h"

static void quoted(Text *text, const char *words) {
    char *json = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&json, &length);
    if (out == NULL) bug("no memory");
    nnc_quote_json(out, words);
    fclose(out);
    text_put(text, json);
    free(json);
}

static void number(Text *text, double value) {
    if (isfinite(value)) text_number(text, value);
    else text_put(text, "null");
}

static void field(Text *text, const char *name, const char *words) {
    text_printf(text, "\"%s\": ", name);
    quoted(text, words);
}

static const char *statement_text(Out *out, const Statement *s) {
    Text *text = text_new(out->lesson->arena);
    statement_print(text, s);
    return text_string(text);
}

static const char *formula_text(Out *out, Expr e, const Worked *worked) {
    Text *text = text_new(out->lesson->arena);
    Numbers numbers = {out->lesson, worked};
    const Printing how = {true, number_in, &numbers};
    expr_print_as(text, e, &how);
    return text_string(text);
}

static void put_shape(Text *text, const Tensor *tensor) {
    int first, axes = lesson_axes(tensor, &first);
    text_put(text, "\"shape\": [");
    for (int i = 0; i < axes; i++) text_printf(text, "%s%lld", i > 0 ? ", " : "", (long long)tensor->shape[first + i]);
    text_put(text, "]");
}

static void put_given(Out *out, const Given *g) {
    Text *text = out->text;
    text_put(text, "{");
    field(text, "name", g->tensor->name);
    text_put(text, ", ");
    put_shape(text, g->tensor);
    text_put(text, ", \"values\": [");
    for (int64_t i = 0; i < g->count; i++) {
        if (i > 0) text_put(text, ", ");
        number(text, g->values[i]);
    }
    text_put(text, "]}");
}

static void put_link(Out *out, const Link *link) {
    Text *text = out->text;
    text_put(text, "{\"because\": [");
    for (size_t i = 0; i < link->readers.count; i++) {
        if (i > 0) text_put(text, ", ");
        quoted(text, statement_text(out, link->readers.at[i]));
    }
    text_put(text, "], ");
    field(text, "formula", statement_text(out, link->derived));
    text_put(text, ", ");
    field(text, "rule", law_of(link->derived));
    text_put(text, "}");
}

static void put_worked(Out *out, const Worked *w) {
    Text *text = out->text;
    text_put(text, "{");
    field(text, "element", formula_text(out, w->element, NULL));
    if (w->formula != NULL) {
        text_put(text, ", ");
        field(text, "formula", formula_text(out, w->formula, NULL));
        text_put(text, ", ");
        field(text, "numbers", formula_text(out, w->formula, w));
    }
    for (size_t i = 0; i < w->terms.count; i++) {
        text_put(text, i == 0 ? ", \"terms\": [" : ", ");
        number(text, w->terms.at[i]);
    }
    text_put(text, w->terms.count > 0 ? "], \"value\": " : ", \"value\": ");
    number(text, w->value);
    text_put(text, "}");
}

static void put_item(Out *out, const Item *item) {
    static const char *const phases[PHASES] = {"forward", "backward", "update"};
    Text *text = out->text;
    const Statement *s = item->statement;
    const char *line = lesson_place(out->lesson, s);
    text_put(text, "{");
    field(text, "phase", phases[item->phase]);
    text_put(text, ", ");
    field(text, "name", s->target->name);
    text_put(text, ", ");
    put_shape(text, s->target);
    if (s->target->kind == TENSOR_ADJOINT) {
        text_put(text, ", ");
        field(text, "derivative_of", s->target->of->name);
    }
    text_put(text, ", ");
    if (item->written != NULL) {
        field(text, "written", statement_text(out, item->written));
        text_put(text, ", ");
    }
    field(text, "formula", statement_text(out, s));
    text_put(text, ", \"chain\": [");
    for (size_t i = 0; i < item->links.count; i++) {
        if (i > 0) text_put(text, ", ");
        put_link(out, &item->links.at[i]);
    }
    text_put(text, "], \"rules\": [");
    for (size_t i = 0; i < s->rewrites.count; i++) {
        if (i > 0) text_put(text, ", ");
        quoted(text, s->rewrites.at[i]);
    }
    text_put(text, "]");
    if (line != NULL) {
        text_put(text, ", ");
        field(text, "model_line", line);
    }
    if (item->c_line > 0) text_printf(text, ", \"c_line\": %u", item->c_line);
    if (item->c_inside != NULL) {
        text_put(text, ", ");
        field(text, "c_inside", item->c_inside->name);
    }
    text_put(text, ", \"worked\": [");
    for (size_t i = 0; i < item->worked.count; i++) {
        if (i > 0) text_put(text, ", ");
        put_worked(out, &item->worked.at[i]);
    }
    text_put(text, "]}");
}

static bool is_wanted(const Lesson *lesson, const Item *item) {
    const Tensor *t = item->statement->target;
    return lesson->wanted == NULL || lesson->wanted->tensor == t ||
           (t->kind == TENSOR_ADJOINT && t->of == lesson->wanted->tensor);
}

void compose_json(Out *out) {
    const Lesson *lesson = out->lesson;
    Text *text = out->text;
    text_put(text, "{");
    field(text, "model", lesson->model->name);
    if (lesson->c_file != NULL) {
        text_put(text, ", ");
        field(text, "c_file", lesson->c_file);
    }
    if (lesson->machine != NULL) {
        text_put(text, ", ");
        field(text, "example", lesson->example);
        text_printf(text, ", \"steps\": %lld", (long long)lesson->steps);
    }
    text_put(text, ",\n\"given\": [");
    for (size_t i = 0; i < lesson->given.count; i++) {
        text_put(text, i > 0 ? ",\n  " : "\n  ");
        put_given(out, &lesson->given.at[i]);
    }
    text_put(text, "],\n\"items\": [");
    bool any = false;
    for (size_t i = 0; i < lesson->items.count; i++) {
        if (!is_wanted(lesson, &lesson->items.at[i])) continue;
        text_put(text, any ? ",\n  " : "\n  ");
        put_item(out, &lesson->items.at[i]);
        any = true;
    }
    text_put(text, "]}\n");
}
