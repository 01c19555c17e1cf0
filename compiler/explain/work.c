/* Numbers: what each statement is for one example, element by element, as it would be worked out on paper.

   Requires: the machine holds one example, and parameters and state as they are before the step. Ensures: the step has run on it,
   and each item knows a few of its elements, with what they read at that moment (an update reads what it then overwrites). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "explain/lesson.h"

enum {
    WRITTEN_OUT = 6, /* terms of a sum: more are one number */
    ALL_SHOWN = 8,   /* elements of a tensor */
    FEW_SHOWN = 2,   /* of a larger one */
    TERMS_SHOWN = 8
};

/* ---- Elements */

int lesson_axes(const Tensor *tensor, int *first) {
    *first = tensor->batched;
    return tensor->rank - tensor->batched;
}

Expr lesson_element(Lesson *lesson, const Tensor *tensor, const int64_t *point) {
    Expr subscripts[tensor->rank + 1];
    int first, axes = lesson_axes(tensor, &first);
    if (first > 0) subscripts[0] = expr_number(lesson->program->pool, 0);
    for (int i = 0; i < axes; i++) subscripts[first + i] = expr_number(lesson->program->pool, (double)point[i]);
    return expr_read(lesson->program->pool, (Tensor *)tensor, subscripts, tensor->rank, NULL);
}

double lesson_value(Lesson *lesson, Expr e) {
    if (e->kind == EXPR_CONST) return e->value;
    Statement *s = NEW(lesson->arena, Statement);
    *s = (Statement){.target = lesson->scratch, .value = e};
    Statements one = {0};
    vec_push(lesson->arena, &one, s);
    machine_run(lesson->machine, &one);
    return *machine_values(lesson->machine, lesson->scratch);
}

/* As many digits behind the point as are wanted; of a number that is exact with fewer, these alone. */
const char *lesson_number(const Lesson *lesson, double value) {
    char *text = arena_alloc(lesson->arena, 400), shortest[NUMBER_LENGTH], all[NUMBER_LENGTH];
    snprintf(shortest, sizeof shortest, "%.15g", value);
    number_print(all, value);
    const char *point = strchr(shortest, '.');
    bool is_it = strtod(shortest, NULL) == value || strlen(shortest) + 3 < strlen(all); /* 0.3775, not 0.37750000000000006 */
    bool exact = is_it && strchr(shortest, 'e') == NULL && (point == NULL || (int)strlen(point + 1) <= lesson->digits);
    double size = fabs(value);
    if (value == 0) return "0";     /* and not -0 */
    if (isnan(value)) return "nan"; /* and not -nan */
    if (!isfinite(value) || exact) snprintf(text, 400, "%s", shortest);
    else if (size < 1e-5 || size >= 1e15) snprintf(text, 400, "%.*e", lesson->digits, value);
    else snprintf(text, 400, "%.*f", lesson->digits, value);
    return text;
}

/* ---- One example: the batch's index is 0, and there is one of it; sums of a few terms are written out */

static Expr combine(Pool *pool, Reduction reduction, Expr a, Expr b) {
    switch (reduction) {
    case REDUCE_SUM: return expr_op2(pool, OP_ADD, a, b);
    case REDUCE_PROD: return expr_op2(pool, OP_MUL, a, b);
    case REDUCE_MAX: return expr_op2(pool, OP_MAX, a, b);
    case REDUCE_MIN: return expr_op2(pool, OP_MIN, a, b);
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN:
    case REDUCE_LOGSUMEXP: break;
    }
    return NULL;
}

static Expr write_out(Pool *pool, Expr e, Index *const *bound, int count, Expr body) {
    Expr result = NULL;
    for (int64_t i = 0, points = (int64_t)index_product(bound, count); i < points; i++) {
        Expr to[count];
        int64_t rest = i;
        for (int k = count - 1; k >= 0; k--) {
            to[k] = expr_number(pool, (double)(rest % bound[k]->size));
            rest /= bound[k]->size;
        }
        Expr term = expr_substitute(pool, body, bound, to, count);
        result = result == NULL ? term : combine(pool, e->reduction, result, term);
    }
    return result;
}

static Expr for_one(void *context, Expr e) {
    const Lesson *lesson = context;
    Pool *pool = lesson->program->pool;
    if (e->kind == EXPR_READ && e->tensor == lesson->program->batch_size) return expr_number(pool, 1);
    if (e->kind != EXPR_REDUCE) return e;
    Index *bound[e->bound_count];
    int count = 0;
    Expr body = e->kids[0];
    for (int i = 0; i < e->bound_count; i++) {
        if (e->bound[i]->batch) body = expr_substitute(pool, body, &e->bound[i], (Expr[]){expr_number(pool, 0)}, 1);
        else bound[count++] = e->bound[i];
    }
    if (count == 0 && e->reduction == REDUCE_LOGSUMEXP) return body;
    if (count == 0 && (e->reduction == REDUCE_ARGMAX || e->reduction == REDUCE_ARGMIN)) return expr_number(pool, 0);
    if (count == 0) return body;
    bool few = index_product(bound, count) <= WRITTEN_OUT && e->reduction != REDUCE_ARGMAX && e->reduction != REDUCE_ARGMIN &&
               e->reduction != REDUCE_LOGSUMEXP;
    return few ? write_out(pool, e, bound, count, body) : expr_reduce(pool, e->reduction, bound, count, body);
}

/* ---- What stands in a formula as a number */

typedef struct {
    Lesson *lesson;
    Worked *worked;
} Noting;

static void note_readings(Noting *noting, Expr e) {
    Worked *w = noting->worked;
    bool number = (e->kind == EXPR_READ || e->kind == EXPR_REDUCE || e->kind == EXPR_DRAW) && e->free_count == 0;
    for (size_t i = 0; number && i < w->readings.count; i++) {
        if (w->readings.at[i].e == e) return;
    }
    if (number) vec_push(noting->lesson->arena, &w->readings, ((Reading){e, lesson_value(noting->lesson, e)}));
    for (int k = 0; !number && k < e->count; k++) note_readings(noting, e->kids[k]);
}

typedef struct {
    Lesson *lesson;
    Worked *worked;
    bool plain; /* every term so far is a number or a name */
    bool many;
} Terms;

static void find_terms(Terms *t, Expr e, double factor) {
    if (t->many) return;
    if (expr_is_op(e, OP_ADD) || expr_is_op(e, OP_SUB)) {
        find_terms(t, e->kids[0], factor);
        find_terms(t, e->kids[1], e->op == OP_SUB ? -factor : factor);
        return;
    }
    if (expr_is_op(e, OP_NEG)) {
        find_terms(t, e->kids[0], -factor);
        return;
    }
    bool sum_left = e->kind == EXPR_OP && (e->op == OP_MUL || e->op == OP_DIV) &&
                    (expr_is_op(e->kids[0], OP_ADD) || expr_is_op(e->kids[0], OP_SUB) || expr_is_op(e->kids[0], OP_NEG));
    if (sum_left && e->kids[1]->kind == EXPR_CONST) {
        find_terms(t, e->kids[0], e->op == OP_MUL ? factor * e->kids[1]->value : factor / e->kids[1]->value);
        t->plain = false;
        return;
    }
    if (expr_is_op(e, OP_MUL) && e->kids[0]->kind == EXPR_CONST && expr_is_op(e->kids[1], OP_ADD)) {
        find_terms(t, e->kids[1], factor * e->kids[0]->value);
        t->plain = false;
        return;
    }
    t->plain &= e->kind != EXPR_OP && fabs(factor) == 1;
    t->many |= t->worked->terms.count == TERMS_SHOWN;
    if (!t->many) vec_push(t->lesson->arena, &t->worked->terms, factor * lesson_value(t->lesson, e));
}

static Worked work_out(Lesson *lesson, const Statement *s, const int64_t *point) {
    Pool *pool = lesson->program->pool;
    Worked worked = {.element = lesson_element(lesson, s->target, point)};
    Expr to[s->count + 1], value = s->value;
    for (int i = 0, axis = 0; i < s->count; i++) to[i] = expr_number(pool, s->indices[i]->batch ? 0 : (double)point[axis++]);
    value = expr_substitute(pool, value, s->indices, to, s->count);
    worked.formula = expr_replace(pool, value, for_one, lesson);
    Noting noting = {lesson, &worked};
    note_readings(&noting, worked.formula);
    Terms terms = {lesson, &worked, true, false};
    find_terms(&terms, worked.formula, 1);
    if (terms.plain || terms.many || worked.terms.count < 2) worked.terms.count = 0;
    return worked;
}

Worked lesson_term(Lesson *lesson, Expr e, double value) {
    Worked worked = {.element = e, .value = value};
    Noting noting = {lesson, &worked};
    note_readings(&noting, e);
    return worked;
}

Worked lesson_worked(Lesson *lesson, const Statement *s, const int64_t *point) {
    Worked worked = work_out(lesson, s, point);
    worked.value = lesson_value(lesson, worked.element);
    return worked;
}

/* ---- The step */

static void point_of(const Tensor *tensor, int64_t flat, int64_t *point) {
    int first, axes = lesson_axes(tensor, &first);
    for (int i = axes - 1; i >= 0; i--) {
        point[i] = flat % tensor->shape[first + i];
        flat /= tensor->shape[first + i];
    }
}

static const int64_t *point_in(Expr element, Arena *arena) {
    int first, axes = lesson_axes(element->tensor, &first);
    int64_t *point = NEW_ARRAY(arena, int64_t, axes + 1);
    for (int i = 0; i < axes; i++) point[i] = (int64_t)element->kids[first + i]->value;
    return point;
}

/* The statement as it is, element by element, the wanted one last. A scatter says of no element what it sums, and a draw is a number:
   their elements have values alone. */
static void work_item(Lesson *lesson, Item *item) {
    const Statement *s = item->written != NULL && !item->written->value->draws ? item->written : item->statement;
    double elements = tensor_elements(s->target);
    int64_t count = elements <= ALL_SHOWN ? (int64_t)elements : FEW_SHOWN;
    bool wanted = lesson->wanted != NULL && lesson->wanted->tensor == s->target;
    for (int64_t i = 0; i < count + wanted; i++) {
        int64_t own[s->target->rank + 1];
        const int64_t *point = i < count ? own : lesson->wanted->point;
        if (i < count) point_of(s->target, i, own);
        bool has_formula = s->subscripts == NULL && !s->value->draws;
        Worked worked = has_formula ? work_out(lesson, s, point) : (Worked){.element = lesson_element(lesson, s->target, point)};
        vec_push(lesson->arena, &item->worked, worked);
    }
}

/* What came of it. A formula of the model that loses digits, where the one that is computed does not, would only confuse. */
static void note_values(Lesson *lesson, Item *item) {
    for (size_t i = 0; i < item->worked.count; i++) {
        Worked *w = &item->worked.at[i];
        w->value = lesson_value(lesson, w->element);
        if (item->written == NULL || w->formula == NULL) continue;
        double written = lesson_value(lesson, w->formula);
        if (fabs(written - w->value) <= 1e-9 * fabs(w->value)) continue;
        item->written_is_worse = true;
        *w = lesson_worked(lesson, item->statement, point_in(w->element, lesson->arena));
    }
}

static void run_items(Lesson *lesson, size_t from, size_t to) {
    Statements list = {0};
    for (size_t i = from; i < to; i++) vec_push(lesson->arena, &list, (Statement *)lesson->items.at[i].statement);
    machine_run(lesson->machine, &list);
}

static void note_given(Lesson *lesson, const Tensors *tensors) {
    for (size_t i = 0; i < tensors->count; i++) {
        const Tensor *t = tensors->at[i];
        Given given = {.tensor = t, .count = (int64_t)tensor_elements(t)};
        given.values = NEW_ARRAY(lesson->arena, double, given.count);
        memcpy(given.values, machine_values(lesson->machine, t), sizeof(double) * (size_t)given.count);
        vec_push(lesson->arena, &lesson->given, given);
    }
}

typedef struct {
    const bool *unknown;
    bool found;
} Unknown;

static void look_for_unknown(void *context, Expr e) {
    Unknown *u = context;
    u->found |= e->kind == EXPR_READ && u->unknown[e->tensor->id];
}

/* What depends on a target that was not given has no value. */
static bool is_unknown(Lesson *lesson, const Statement *s, bool *unknown) {
    Unknown u = {unknown, false};
    expr_visit(lesson->program->pool, s->value, look_for_unknown, &u);
    if (u.found) unknown[s->target->id] = true;
    return u.found;
}

/* Parameters and state as they were before the step: later questions are about what was derived for them. */
static void restore_given(Lesson *lesson) {
    for (size_t i = 0; i < lesson->given.count; i++) {
        const Given *given = &lesson->given.at[i];
        memcpy(machine_values(lesson->machine, given->tensor), given->values, sizeof(double) * (size_t)given->count);
    }
}

void lesson_work(Lesson *lesson) {
    const Program *program = lesson->program;
    bool *unknown = NEW_ARRAY(lesson->arena, bool, program->all.count + 1);
    note_given(lesson, &program->inputs);
    if (lesson->has_target) note_given(lesson, &program->targets);
    note_given(lesson, &program->parameters);
    note_given(lesson, &program->states);
    for (size_t i = 0; !lesson->has_target && i < program->targets.count; i++) unknown[program->targets.at[i]->id] = true;
    for (size_t i = 0, end; i < lesson->items.count; i = end) {
        const Scan *scan = lesson->items.at[i].statement->scan;
        bool any = false;
        for (end = i + 1; scan != NULL && end < lesson->items.count && lesson->items.at[end].statement->scan == scan;) end++;
        for (size_t k = i; k < end; k++) any |= is_unknown(lesson, lesson->items.at[k].statement, unknown);
        if (any) continue;
        bool overwrites = tensor_is_persistent(lesson->items.at[i].statement->target);
        if (!overwrites) run_items(lesson, i, end);
        for (size_t k = i; k < end; k++) work_item(lesson, &lesson->items.at[k]);
        if (overwrites) run_items(lesson, i, end);
        for (size_t k = i; k < end; k++) note_values(lesson, &lesson->items.at[k]);
    }
    restore_given(lesson);
}
