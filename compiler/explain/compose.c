/* What stands in an explanation. */
#include "explain/style.h"

const char *law_of(const Statement *derived) {
    const char *rule = derived->origin.rule, *colon = rule == NULL ? NULL : strstr(rule, ": ");
    return colon == NULL ? "" : colon + 2;
}

const char *number_in(void *context, Expr e) {
    const Numbers *numbers = context;
    if (numbers->worked == NULL) return NULL;
    for (size_t i = 0; i < numbers->worked->readings.count; i++) {
        const Reading *reading = &numbers->worked->readings.at[i];
        if (reading->e == e) return lesson_number(numbers->lesson, reading->value);
    }
    return NULL;
}

const char *numbers_are(const Lesson *lesson) {
    if (lesson->steps == 0)
        return arena_printf(lesson->arena, "Numbers are those of %s alone, before the first step of training.", lesson->example);
    return arena_printf(lesson->arena, "Numbers are those of %s alone, after %lld step%s of training.", lesson->example,
                        (long long)lesson->steps, lesson->steps == 1 ? "" : "s");
}

bool worked_says_more(const Lesson *lesson, const Worked *w) {
    Expr formula = w->formula != NULL ? w->formula : w->element;
    if (formula->kind == EXPR_CONST || (w->formula == NULL && formula->kind == EXPR_READ)) return false;
    Numbers values = {lesson, w};
    const Printing numbers = {true, number_in, &values};
    Text *text = text_new(lesson->arena);
    expr_print_as(text, formula, &numbers);
    return strcmp(text_string(text), lesson_number(lesson, w->value)) != 0;
}

const char *given_text(const Lesson *lesson, const Given *g) {
    enum { SHOWN = 16 };
    Text *text = text_new(lesson->arena);
    int first, axes = lesson_axes(g->tensor, &first);
    text_printf(text, "%s%s = ", g->tensor->name, g->tensor->frozen ? " (frozen)" : "");
    int64_t shown = g->count <= SHOWN ? g->count : SHOWN / 2;
    for (int64_t i = 0; i < shown; i++) {
        int64_t row = 1;
        text_put(text, i > 0 ? ", " : "");
        for (int a = axes; a-- > 0;) {
            row *= g->tensor->shape[first + a];
            if (i % row == 0) text_put(text, "[");
        }
        text_put(text, lesson_number(lesson, g->values[i]));
        row = 1;
        for (int a = axes; a-- > 0;) {
            row *= g->tensor->shape[first + a];
            if ((i + 1) % row == 0) text_put(text, "]");
        }
    }
    if (shown < g->count) text_printf(text, ", ... (%s numbers)", number_grouped(lesson->arena, (double)g->count));
    return text_string(text);
}

/* ---- Where something stands */

static const char *aside_of(const Lesson *lesson, const Item *item) {
    const char *model = lesson_place(lesson, item->statement);
    const char *aside = model != NULL ? model : "";
    if (item->c_line > 0 && item->c_inside == NULL)
        aside = arena_printf(lesson->arena, "%s%s%s:%u", aside, *aside != '\0' ? ", " : "", lesson->c_file, item->c_line);
    if (item->c_line > 0 && item->c_inside != NULL)
        aside = arena_printf(lesson->arena, "%s%s%s:%u, inside %s", aside, *aside != '\0' ? ", " : "", lesson->c_file,
                             item->c_line, item->c_inside->name);
    return *aside != '\0' ? aside : NULL;
}

/* ---- Through what the loss depends on a tensor */

typedef Vec(const Tensor *) Readers;

static bool holds(const Readers *names, const Tensor *t) {
    for (size_t i = 0; i < names->count; i++) {
        if (names->at[i] == t) return true;
    }
    return false;
}

static void say_through(Out *out, const Style *style, const Item *item) {
    Readers names = {0};
    Arena *arena = out->lesson->arena;
    const Link *last = &item->links.at[item->links.count - 1];
    for (size_t i = 0; i < last->readers.count; i++) {
        const Tensor *reader = lesson_whole(out->lesson, last->readers.at[i]->target);
        if (!holds(&names, reader)) vec_push(arena, &names, reader);
    }
    Text *text = text_new(arena);
    text_printf(text, "`%s` changes the loss through ", item->statement->target->of->name);
    for (size_t i = 0; i < names.count; i++)
        text_printf(text, "%s`%s`", i == 0 ? "" : i + 1 == names.count ? " and " : ", ", names.at[i]->name);
    text_put(text, names.count == 0 ? "nothing: the derivative is 0." : ".");
    style->paragraph(out, text_string(text));
}

/* ---- Items */

static void say_rewrites(Out *out, const Style *style, const Statement *s) {
    if (s->rewrites.count == 0) return;
    Text *text = text_new(out->lesson->arena);
    text_put(text, "Rules used: ");
    for (size_t i = 0; i < s->rewrites.count; i++) text_printf(text, "%s`%s`", i > 0 ? "; " : "", s->rewrites.at[i]);
    text_put(text, ".");
    style->paragraph(out, text_string(text));
}

static void say_worked(Out *out, const Style *style, const Item *item) {
    for (size_t i = 0; i < item->worked.count; i++) style->worked(out, &item->worked.at[i]);
}

/* Functions that a formula has in place of what the model wrote, or that have no name at school. */
static const struct {
    Op op;
    const char *what;
} functions[] = {{OP_SIGMOID, "`sigmoid(a)` is `1 / (1 + exp(-a))`: between 0 and 1, and 1/2 at 0."},
                 {OP_SOFTPLUS, "`softplus(a)` is `ln(1 + exp(a))`, written so that no exponential overflows."},
                 {OP_TANH, "`tanh(a)` is `(exp(a) - exp(-a)) / (exp(a) + exp(-a))`: between -1 and 1, and 0 at 0."},
                 {OP_ERF, "`erf` is the error function, an integral of the bell curve."}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };
_Static_assert((int)FUNCTIONS <= (int)MOST_FUNCTIONS, "Met has room for all");

static void look_for_functions(void *context, Expr e) {
    Met *met = context;
    for (int i = 0; i < FUNCTIONS; i++) met->function[i] |= expr_is_op(e, functions[i].op);
    met->logsumexp |= e->kind == EXPR_REDUCE && e->reduction == REDUCE_LOGSUMEXP;
}

/* Each where it is met first. */
static void say_functions(Out *out, const Style *style, const Item *item) {
    Met now = {.logsumexp = false}, *met = &out->met;
    expr_visit(out->lesson->program->pool, item->statement->value, look_for_functions, &now);
    if (item->written != NULL) expr_visit(out->lesson->program->pool, item->written->value, look_for_functions, &now);
    for (int i = 0; i < FUNCTIONS; i++) {
        if (now.function[i] && !met->function[i]) style->paragraph(out, functions[i].what);
        met->function[i] |= now.function[i];
    }
    if (now.logsumexp && !met->logsumexp)
        style->paragraph(out,
                         "`logsumexp(j: a)` is the logarithm of the sum of all `exp(a)`, found so that none of them overflows.");
    met->logsumexp |= now.logsumexp;
}

static void forward_item(Out *out, const Style *style, const Item *item) {
    const Statement *s = item->statement;
    if (s->target->kind == TENSOR_PART)
        style->paragraph(out, arena_printf(out->lesson->arena, "A part of `%s`.", lesson_whole(out->lesson, s->target)->name));
    if (item->written != NULL) style->statement(out, item->written);
    if (item->written != NULL && !item->written_is_worse) say_worked(out, style, item);
    if (item->written != NULL) style->paragraph(out, "It is computed as");
    style->statement(out, s);
    say_rewrites(out, style, s);
    say_functions(out, style, item);
    if (item->written == NULL || item->written_is_worse) say_worked(out, style, item);
}

static void backward_item(Out *out, const Style *style, const Item *item) {
    if (item->links.count == 0) { /* what the derivatives need beside the chain rule */
        style->statement(out, item->statement);
        return;
    }
    say_through(out, style, item);
    for (size_t i = 0; i < item->links.count; i++) style->link(out, &item->links.at[i]);
    if (item->simplified) {
        style->paragraph(out, item->links.count > 1 ? "Together:" : "Simplified:");
        style->statement(out, item->statement);
        say_rewrites(out, style, item->statement);
    }
}

static void say_more(Out *out, const Style *style, const Item *item) {
    const Tensor *t = item->statement->target, *named = t->kind == TENSOR_ADJOINT ? t->of : t;
    double more = tensor_elements(t) - (double)item->worked.count;
    if (item->worked.count == 0 || more <= 0) return;
    style->paragraph(out, arena_printf(out->lesson->arena, "and %s more; `--element '%s[...]'` works out any of them.",
                                       number_grouped(out->lesson->arena, more), named->name));
}

static void say_scan(Out *out, const Style *style, const Scan *scan) {
    style->paragraph(
        out, arena_printf(out->lesson->arena, "Step by step, for `%s` = %s: it may read what %s steps found.", scan->index->name,
                          scan->reversed ? arena_printf(out->lesson->arena, "%lld, ..., 1, 0", (long long)scan->index->size - 1)
                                         : arena_printf(out->lesson->arena, "0, 1, ..., %lld", (long long)scan->index->size - 1),
                          scan->reversed ? "later" : "earlier"));
}

static void one_item(Out *out, const Style *style, const Item *item) {
    style->item(out, item, aside_of(out->lesson, item));
    if (item->statement->scan != NULL) say_scan(out, style, item->statement->scan);
    if (item->phase == PHASE_FORWARD) forward_item(out, style, item);
    else if (item->phase == PHASE_BACKWARD) backward_item(out, style, item);
    else style->statement(out, item->statement);
    if (item->phase != PHASE_FORWARD) say_worked(out, style, item);
    say_more(out, style, item);
}

/* ---- The whole */

static const char *optimizer_of(const Lesson *lesson) {
    Span span = lesson->model->optimizer_span;
    if (span.source == 0) return "";
    return arena_text(lesson->arena, source_of(lesson->sources, span)->text + span.begin, span.end - span.begin);
}

void say_batch(Out *out, const Style *style) {
    const Lesson *lesson = out->lesson;
    if (lesson->machine == NULL || lesson->model->settings.batch <= 1) return;
    style->paragraph(
        out, arena_printf(lesson->arena,
                          "In training, derivatives are means over the %lld examples of a batch. Here it is one example alone, "
                          "and so is the step.",
                          (long long)lesson->model->settings.batch));
}

static void introduce(Out *out, const Style *style, Phase phase) {
    static const char *const titles[] = {"Forward pass: from the input to the loss",
                                         "Backward pass: from the loss to the parameters", "Update: a step downhill"};
    style->section(out, titles[phase]);
    if (phase == PHASE_FORWARD) {
        style->paragraph(out, "What the network answers, and how wrong that is: the loss.");
    } else if (phase == PHASE_BACKWARD) {
        if (style->two_dimensional)
            style->paragraph(
                out,
                "In formulas, the derivative of the loss with respect to `a` is a fraction with two signs ∂. Its other name, "
                "in words and in the C, is `da`.");
        style->paragraph(
            out,
            "`da` is the derivative of the loss with respect to `a`: by how much the loss grows when `a` grows, for a "
            "small change and divided by it. The chain rule finds it from the derivatives of all that `a` is used for: "
            "where the loss depends on `a` through `y`, `da` is `dy` times the derivative of `y` with respect to `a`, and "
            "where it does so in several ways, their sum. So it begins at the loss, whose own derivative is 1, and goes back, "
            "statement by statement. `loss_sum` and names like it are parts of a formula.");
    } else {
        style->paragraph(
            out, arena_printf(out->lesson->arena,
                              "Each parameter moves against its derivative: where a larger value would make the loss larger, "
                              "it becomes smaller. The optimizer says how far: `%s`.",
                              optimizer_of(out->lesson)));
        say_batch(out, style);
    }
}

static void say_given(Out *out, const Style *style) {
    const Lesson *lesson = out->lesson;
    if (lesson->machine == NULL) return;
    style->section(out, "What is given");
    style->paragraph(out, numbers_are(lesson));
    if (!lesson->has_target) style->paragraph(out, "There is no target, so that only what does not depend on it has a value.");
    for (size_t i = 0; i < lesson->given.count; i++) style->given(out, &lesson->given.at[i]);
}

void compose(Out *out, const Style *style) {
    const Lesson *lesson = out->lesson;
    style->begin(out, arena_printf(lesson->arena, "%s: a step of training, explained", lesson->model->name));
    say_given(out, style);
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (i == 0 || item->phase != lesson->items.at[i - 1].phase) introduce(out, style, item->phase);
        one_item(out, style, item);
    }
    if (style->end != NULL) style->end(out);
}
