/* One element of a tensor: what it is, through which paths the loss depends on it, and from where its derivative comes: the largest
   terms, and what the largest is itself made of, back to the loss. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain/style.h"
#include "tensor/steps.h"

enum {
    TERMS_SHOWN = 4,    /* of a sum */
    TERMS_FOLLOWED = 4, /* of more, only the largest */
    MOST_TERMS = 4096,  /* that are found one by one */
    PATHS_SHOWN = 12,
    TRAILS_SHOWN = 12,
    MOST_PATHS = 1000, /* that are counted */
    LONGEST_WAY = 200
};

/* ---- "hidden.W[0, 1]" */

static const Tensor *find_tensor(const Program *program, const Tensor *scratch, const char *name, size_t length,
                                 Suggestion *suggestion) {
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        if (t->kind == TENSOR_LITERAL || t->kind == TENSOR_SETTING || t == scratch) continue;
        if (strlen(t->name) == length && strncmp(t->name, name, length) == 0) return t;
        if (t->kind != TENSOR_PART) suggest(suggestion, t->name);
    }
    return NULL;
}

const char *element_parse(Lesson *lesson, const char *words, Element *element) {
    Arena *arena = lesson->arena;
    size_t length = strcspn(words, "[");
    Suggestion suggestion = {.wanted = arena_text(arena, words, length)};
    const Tensor *t = find_tensor(lesson->program, lesson->scratch, words, length, &suggestion);
    if (t == NULL) {
        return suggestion.best == NULL
                   ? arena_printf(arena, "--element: there is no '%s'", suggestion.wanted)
                   : arena_printf(arena, "--element: there is no '%s'; did you mean '%s'?", suggestion.wanted, suggestion.best);
    }
    int first, axes = lesson_axes(t, &first), count = 0;
    *element = (Element){.tensor = t, .point = NEW_ARRAY(arena, int64_t, axes + 1)};
    const char *at = words + length;
    while (*at == '[' || *at == ',') {
        char *end;
        long long value = strtoll(at + 1, &end, 10);
        if (end == at + 1) break;
        if (count < axes && (value < 0 || value >= t->shape[first + count])) {
            return arena_printf(arena, "--element: subscript %d of '%s' goes from 0 to %lld, and is %lld", count + 1, t->name,
                                (long long)t->shape[first + count] - 1, value);
        }
        if (count < axes) element->point[count] = value;
        count++;
        for (at = end; isspace((unsigned char)*at);) at++;
    }
    if (strcmp(at, axes > 0 ? "]" : "") == 0 && count == axes) return NULL;
    Text *text = text_new(arena);
    text_printf(text, "--element: '%s' has %d subscript%s", t->name, axes, axes == 1 ? "" : "s");
    if (axes > 0) {
        text_printf(text, ": write '%s[", t->name);
        for (int i = 0; i < axes; i++) text_printf(text, "%s0", i > 0 ? ", " : "");
        text_put(text, "]'");
    }
    return text_string(text);
}

/* ---- Paths from a tensor to the loss, through what the model names */

typedef Vec(const Tensor *) Readers;

typedef struct {
    Lesson *lesson;
    const Tensor *way[LONGEST_WAY];
    Vec(const char *) shown;
    double count;
} Ways;

/* A part's adjoint may have gone into that of something else. */
static bool leads_to_loss(const Lesson *lesson, const Tensor *t) {
    return t == lesson->program->loss || t->kind == TENSOR_PART || lesson_adjoint(lesson, t) != NULL;
}

/* What the model names and reads t, itself or in a part of its formula. */
static void find_readers(const Lesson *lesson, const Tensor *t, bool *met, Readers *readers) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Statement *s = lesson->items.at[i].statement;
        if (lesson->items.at[i].phase != PHASE_FORWARD || met[s->target->id] || !leads_to_loss(lesson, s->target)) continue;
        if (!derivative_flows(lesson->program->pool, s->value, t)) continue;
        met[s->target->id] = true;
        if (s->target->kind == TENSOR_PART) find_readers(lesson, s->target, met, readers);
        else vec_push(lesson->arena, readers, s->target);
    }
}

static void note_way(Ways *ways, int length) {
    ways->count++;
    if (ways->shown.count == PATHS_SHOWN) return;
    Text *text = text_new(ways->lesson->arena);
    for (int i = 0; i < length; i++) text_printf(text, "%s`%s`", i > 0 ? " -> " : "", ways->way[i]->name);
    vec_push(ways->lesson->arena, &ways->shown, text_string(text));
}

static void walk(Ways *ways, const Tensor *t, int length) {
    Lesson *lesson = ways->lesson;
    if (length == LONGEST_WAY || ways->count >= MOST_PATHS) return;
    ways->way[length++] = t;
    if (t == lesson->program->loss) {
        note_way(ways, length);
        return;
    }
    Readers readers = {0};
    bool *met = NEW_ARRAY(lesson->arena, bool, lesson->program->all.count + 1);
    for (int i = 0; i < length; i++) met[ways->way[i]->id] = true;
    find_readers(lesson, t, met, &readers);
    for (size_t i = 0; i < readers.count; i++) walk(ways, readers.at[i], length);
}

static void say_paths(Out *out, const Style *style, const Tensor *t) {
    if (t == out->lesson->program->loss) {
        style->paragraph(out, "It is the loss itself.");
        return;
    }
    Ways *ways = NEW(out->lesson->arena, Ways);
    ways->lesson = out->lesson;
    walk(ways, t, 0);
    if (ways->count == 0) {
        style->paragraph(out, arena_printf(out->lesson->arena,
                                           "No derivative flows through `%s`: the loss, as it is computed, does not read it, or "
                                           "only where none passes, as in a condition.",
                                           t->name));
        return;
    }
    style->paragraph(out,
                     arena_printf(out->lesson->arena, "The loss depends on `%s` through %s:", t->name,
                                  ways->count == 1            ? "one path"
                                  : ways->count >= MOST_PATHS ? "1000 paths or more"
                                                              : arena_printf(out->lesson->arena, "%.0f paths", ways->count)));
    for (size_t i = 0; i < ways->shown.count; i++) style->paragraph(out, ways->shown.at[i]);
    if ((double)ways->shown.count < ways->count) style->paragraph(out, "and more.");
}

/* ---- The terms of a derivative */

typedef struct {
    Expr e; /* closed */
    double value;
} Term;

typedef Vec(Term) Terms;

typedef struct {
    Lesson *lesson;
    Terms terms;
    bool many;
} Splitting;

static void split(Splitting *s, Expr e);

static void split_sum(Splitting *s, Expr e) {
    Pool *pool = s->lesson->program->pool;
    double points = index_product(e->bound, e->bound_count);
    s->many |= points > MOST_TERMS || s->terms.count > MOST_TERMS;
    if (s->many) return;
    for (int64_t i = 0; i < (int64_t)points; i++) {
        Expr to[e->bound_count];
        int64_t rest = i;
        for (int k = e->bound_count - 1; k >= 0; k--) {
            to[k] = expr_number(pool, (double)(rest % e->bound[k]->size));
            rest /= e->bound[k]->size;
        }
        split(s, expr_substitute(pool, e->kids[0], e->bound, to, e->bound_count));
    }
}

static void split(Splitting *s, Expr e) {
    if (e->kind == EXPR_REDUCE && e->reduction == REDUCE_SUM) {
        split_sum(s, e);
    } else if (expr_is_op(e, OP_ADD)) {
        split(s, e->kids[0]);
        split(s, e->kids[1]);
    } else if (expr_is_op(e, OP_SUB)) {
        split(s, e->kids[0]);
        split(s, expr_op1(s->lesson->program->pool, OP_NEG, e->kids[1]));
    } else if (expr_is_op(e, OP_NEG) && (expr_is_op(e->kids[0], OP_ADD) || expr_is_op(e->kids[0], OP_SUB))) {
        Expr sum = e->kids[0];
        split(s, expr_op1(s->lesson->program->pool, OP_NEG, sum->kids[0]));
        split(s, sum->op == OP_ADD ? expr_op1(s->lesson->program->pool, OP_NEG, sum->kids[1]) : sum->kids[1]);
    } else {
        vec_push(s->lesson->arena, &s->terms, ((Term){e, lesson_value(s->lesson, e)}));
    }
}

static int largest_first(const void *a, const void *b) {
    const Term *x = a, *y = b;
    if (fabs(x->value) != fabs(y->value)) return fabs(x->value) > fabs(y->value) ? -1 : 1;
    return x->e->id < y->e->id ? -1 : x->e->id > y->e->id;
}

/* ---- Elements that are still to be explained, each once */

typedef struct {
    Lesson *lesson;
    Exprs found; /* reads of adjoints */
} Agenda;

static void find_adjoints(void *context, Expr e) {
    Agenda *agenda = context;
    if (e->kind != EXPR_READ || e->tensor->kind != TENSOR_ADJOINT || e->free_count > 0) return;
    for (int k = 0; k < e->count; k++) {
        if (e->kids[k]->kind != EXPR_CONST) return; /* which element it is the data say */
    }
    for (size_t i = 0; i < agenda->found.count; i++) {
        if (agenda->found.at[i] == e) return;
    }
    vec_push(agenda->lesson->arena, &agenda->found, e);
}

static Element element_of(Lesson *lesson, Expr read) {
    int first, axes = lesson_axes(read->tensor, &first);
    Element element = {read->tensor, NEW_ARRAY(lesson->arena, int64_t, axes + 1)};
    for (int i = 0; i < axes; i++) element.point[i] = (int64_t)read->kids[first + i]->value;
    return element;
}

static void say_terms(Out *out, const Style *style, const Terms *terms, size_t nonzero) {
    style->paragraph(out, arena_printf(out->lesson->arena, "This is a sum of %zu terms, of which %zu %s not 0%s", terms->count,
                                       nonzero, nonzero == 1 ? "is" : "are",
                                       nonzero > TERMS_SHOWN ? "; the largest come first:"
                                       : nonzero > 0         ? ":"
                                                             : "."));
    for (size_t i = 0; i < nonzero && i < TERMS_SHOWN; i++) {
        Worked term = lesson_term(out->lesson, terms->at[i].e, terms->at[i].value);
        style->worked(out, &term);
    }
}

static void say_line(Out *out, const Style *style, const Item *item, const Element *element) {
    unsigned line = lesson_line_of(out->lesson, item, element);
    if (line > 0) style->paragraph(out, arena_printf(out->lesson->arena, "In C: `%s:%u`.", out->lesson->c_file, line));
}

/* Says the element of an adjoint. What its terms read goes on the agenda: of all, if they are few, else of the largest. */
static void say_element(Out *out, const Style *style, const Element *element, Agenda *agenda) {
    Lesson *lesson = out->lesson;
    const Item *item = lesson_item(lesson, element->tensor);
    if (item == NULL) return;
    style->statement(out, item->statement);
    say_line(out, style, item, element);
    if (item->statement->subscripts != NULL) { /* which terms are its own the data say */
        Expr here = lesson_element(lesson, element->tensor, element->point);
        style->worked(out, &(Worked){.element = here, .value = lesson_value(lesson, here)});
        return;
    }
    Worked worked = lesson_worked(lesson, item->statement, element->point);
    Splitting s = {.lesson = lesson};
    split(&s, worked.formula);
    style->worked(out, &worked);
    Agenda behind = {.lesson = lesson};
    for (size_t i = 0; i < s.terms.count; i++) expr_visit(lesson->program->pool, s.terms.at[i].e, find_adjoints, &behind);
    if (s.many || behind.found.count == 0) return; /* it is where the derivatives begin */
    qsort(s.terms.at, s.terms.count, sizeof *s.terms.at, largest_first);
    size_t nonzero = 0;
    while (nonzero < s.terms.count && s.terms.at[nonzero].value != 0) nonzero++;
    if (s.terms.count > 1) say_terms(out, style, &s.terms, nonzero);
    for (size_t i = 0; i < nonzero && i < (nonzero <= TERMS_FOLLOWED ? nonzero : 1); i++)
        expr_visit(lesson->program->pool, s.terms.at[i].e, find_adjoints, agenda);
}

/* ---- Paths of single numbers: along each, the product of how much a step moves the next */

typedef struct {
    Lesson *lesson;
    Expr way[LONGEST_WAY]; /* reads of adjoints */
    double factor[LONGEST_WAY];
    Vec(const char *) shown;
    double sum;
    bool many; /* or a formula that is no sum of products with one derivative each */
} Trails;

static Expr as_one(void *context, Expr e) {
    const Lesson *lesson = ((Trails *)context)->lesson;
    bool adjoint = e->kind == EXPR_READ && e->tensor->kind == TENSOR_ADJOINT;
    return adjoint ? expr_number(lesson->program->pool, 1) : e;
}

static void put_moved(Text *text, const Lesson *lesson, Expr adjoint) {
    const Printing symbols = {.one_example = true};
    const Tensor *of = adjoint->tensor->of;
    text_put(text, "`");
    expr_print_as(text, expr_read(lesson->program->pool, (Tensor *)of, adjoint->kids, of->rank, NULL), &symbols);
    text_put(text, "` -> ");
}

static void note_trail(Trails *t, int length) {
    Lesson *lesson = t->lesson;
    Text *text = text_new(lesson->arena);
    double product = 1;
    for (int i = 0; i < length; i++) put_moved(text, lesson, t->way[i]);
    text_printf(text, "`%s`: ", lesson->program->loss->name);
    for (int i = 0; i < length; i++) {
        const char *digits = lesson_number(lesson, t->factor[i]);
        product *= t->factor[i];
        text_printf(text, *digits == '-' && i > 0 ? "%s(%s)" : "%s%s", i > 0 ? " * " : "", digits);
    }
    if (length > 1) text_printf(text, " = %s", lesson_number(lesson, product));
    t->sum += product;
    vec_push(lesson->arena, &t->shown, text_string(text));
}

static void follow(Trails *t, Expr adjoint, int length) {
    Lesson *lesson = t->lesson;
    const Item *item = lesson_item(lesson, adjoint->tensor);
    t->many |= length == LONGEST_WAY || item == NULL || item->statement->subscripts != NULL;
    if (t->many) return;
    t->way[length] = adjoint;
    Splitting s = {.lesson = lesson};
    split(&s, lesson_worked(lesson, item->statement, element_of(lesson, adjoint).point).formula);
    t->many |= s.many;
    double begins = 0; /* what no other derivative stands in: the loss itself reads it */
    for (size_t i = 0; i < s.terms.count && !t->many; i++) {
        if (s.terms.at[i].value == 0) continue;
        Agenda reads = {.lesson = lesson};
        expr_visit(lesson->program->pool, s.terms.at[i].e, find_adjoints, &reads);
        t->many |= reads.found.count > 1 || t->shown.count == TRAILS_SHOWN;
        if (reads.found.count == 0) begins += s.terms.at[i].value;
        if (reads.found.count != 1 || t->many) continue;
        t->factor[length] = lesson_value(lesson, expr_replace(lesson->program->pool, s.terms.at[i].e, as_one, t));
        follow(t, reads.found.at[0], length + 1);
    }
    t->factor[length] = begins;
    if (begins != 0 && !t->many) note_trail(t, length + 1);
}

static void say_trails(Out *out, const Style *style, const Element *element, double derivative) {
    Trails *t = NEW(out->lesson->arena, Trails);
    t->lesson = out->lesson;
    follow(t, lesson_element(out->lesson, element->tensor, element->point), 0);
    if (t->many || fabs(t->sum - derivative) > 1e-9 * fabs(derivative) + 1e-15) return; /* too many to be followed one by one */
    style->paragraph(out, "Number by number, with how much each moves the next, and their product:");
    for (size_t i = 0; i < t->shown.count; i++) style->paragraph(out, t->shown.at[i]);
    if (t->shown.count > 1)
        style->paragraph(out, arena_printf(out->lesson->arena, "Together %s.", lesson_number(out->lesson, t->sum)));
}

/* ---- All of it */

static void say_own(Out *out, const Style *style, const Element *element, Phase phase, const char *words) {
    for (size_t i = 0; i < out->lesson->items.count; i++) {
        const Item *item = &out->lesson->items.at[i];
        if (item->phase != phase || item->statement->target != element->tensor || item->statement->subscripts != NULL) continue;
        style->section(out, words);
        style->statement(out, item->written != NULL && !item->written_is_worse ? item->written : item->statement);
        say_line(out, style, item, element);
        if (item->worked.count > 0) style->worked(out, &item->worked.at[item->worked.count - 1]);
    }
}

void compose_element(Out *out, const Style *style, const Element *element) {
    Lesson *lesson = out->lesson;
    Arena *arena = lesson->arena;
    const Tensor *t = element->tensor->kind == TENSOR_ADJOINT ? element->tensor->of : element->tensor,
                 *adjoint = lesson_adjoint(lesson, t);
    Element here = {adjoint, element->point};
    Text *name = text_new(arena);
    const Printing symbols = {.one_example = true};
    expr_print_as(name, lesson_element(lesson, t, element->point), &symbols);
    style->begin(out, arena_printf(arena, "%s: %s, and its derivative", lesson->model->name, text_string(name)));
    if (lesson->machine != NULL) style->paragraph(out, numbers_are(lesson));
    say_own(out, style, element, PHASE_FORWARD, "What it is");
    style->section(out, "Through what the loss depends on it");
    say_paths(out, style, t);
    style->section(out, "Its derivative");
    if (adjoint == NULL) {
        style->paragraph(out, t == lesson->program->loss ? "It is 1." : "None is computed: no trained parameter needs it.");
    } else if (lesson->machine == NULL || !lesson->has_target) {
        style->statement(out, lesson_item(lesson, adjoint)->statement);
        style->paragraph(out, "With `--sample N` each term has its value.");
    } else {
        Agenda agenda = {.lesson = lesson};
        say_trails(out, style, &here, lesson_value(lesson, lesson_element(lesson, adjoint, element->point)));
        say_element(out, style, &here, &agenda);
        for (size_t i = 0; i < agenda.found.count && i < LONGEST_WAY; i++) {
            Text *of = text_new(arena);
            expr_print_as(of, agenda.found.at[i], &symbols);
            style->paragraph(out, arena_printf(arena, "where `%s` is:", text_string(of)));
            Element next = element_of(lesson, agenda.found.at[i]);
            say_element(out, style, &next, &agenda);
        }
    }
    say_own(out, style, element, PHASE_UPDATE, "What becomes of it");
    if (t->kind == TENSOR_PARAMETER) say_batch(out, style);
    if (style->end != NULL) style->end(out);
}
