/* The tensor program as mathematics, in the notation of the language. */
#include <stdio.h>
#include <stdlib.h>

#include "tensor/affine.h"
#include "tensor/program.h"

enum { LOWEST = 0, ABOVE_IF = 2, SUM = 6, PRODUCT = 7, PRIMARY = 10 };

/* Within one statement two indices of the same name are told apart: i, i2. */
typedef struct {
    Text *text;
    Vec(const Index *) seen;
    Vec(const char *) shown;
    const Printing *how; /* NULL: as the program has it */
} Printer;

/* As readers would write it: 1 - 0.9 is 0.1, not 0.09999999999999998, though 1/3 has all its digits. */
static void print_number(Text *text, double value) {
    char digits[NUMBER_LENGTH], all[NUMBER_LENGTH];
    snprintf(digits, sizeof digits, "%.15g", value);
    double rounded = strtod(digits, NULL);
    number_print(digits, rounded);
    number_print(all, value);
    text_put(text, strlen(digits) + 3 < strlen(all) ? digits : all);
}

static bool taken(const Printer *p, const char *name) {
    for (size_t i = 0; i < p->shown.count; i++) {
        if (strcmp(p->shown.at[i], name) == 0) return true;
    }
    return false;
}

static const char *index_text(Printer *p, const Index *index) {
    for (size_t i = 0; i < p->seen.count; i++) {
        if (p->seen.at[i] == index) return p->shown.at[i];
    }
    const char *name = index->name;
    for (int copy = 2; taken(p, name); copy++) name = arena_printf(p->text->arena, "%s%d", index->name, copy);
    vec_push(p->text->arena, &p->seen, index);
    vec_push(p->text->arena, &p->shown, name);
    return name;
}

static void print(Printer *p, Expr e, int strength, bool subscript);

static void print_list(Printer *p, const Expr *list, int count, bool subscript) {
    for (int i = 0; i < count; i++) {
        if (i > 0) text_put(p->text, ", ");
        print(p, list[i], LOWEST, subscript);
    }
}

static void print_indices(Printer *p, Index *const *indices, int count) {
    for (int i = 0; i < count; i++) text_printf(p->text, "%s%s", i > 0 ? ", " : "", index_text(p, indices[i]));
}

static void print_op(Printer *p, Expr e, int strength, bool subscript) {
    const OpInfo *info = op_info(e->op);
    bool call = info->notation == NOTATION_CALL;
    int own = call ? PRIMARY : info->notation == NOTATION_WORDS ? 1 : info->strength;
    if (e->op == OP_FLOORDIV && !subscript) {
        text_put(p->text, "floor(");
        print(p, e->kids[0], PRODUCT, true);
        text_put(p->text, " / ");
        print(p, e->kids[1], PRODUCT + 1, true);
        text_put(p->text, ")");
        return;
    }
    if (own < strength) text_put(p->text, "(");
    if (call) {
        text_printf(p->text, "%s(", info->spelling);
        print_list(p, e->kids, e->count, false);
        text_put(p->text, ")");
    } else if (info->notation == NOTATION_PREFIX) {
        text_printf(p->text, "%s%s", info->spelling, e->op == OP_NOT ? " " : "");
        print(p, e->kids[0], own, subscript);
    } else if (info->notation == NOTATION_INFIX) {
        bool power = e->op == OP_POW;
        print(p, e->kids[0], power || op_info(e->op)->condition ? own + 1 : own, subscript);
        text_printf(p->text, power ? "%s" : " %s ", e->op == OP_FLOORDIV ? "/" : info->spelling);
        print(p, e->kids[1], power ? own - 1 : own + 1, subscript);
    } else {
        text_put(p->text, "if ");
        print(p, e->kids[0], ABOVE_IF, false);
        text_put(p->text, " then ");
        print(p, e->kids[1], ABOVE_IF, false);
        text_put(p->text, " else ");
        print(p, e->kids[2], LOWEST, false);
    }
    if (own < strength) text_put(p->text, ")");
}

static void print_read(Printer *p, Expr e) {
    int first = p->how != NULL && p->how->one_example && e->tensor->batched;
    text_put(p->text, e->tensor->name);
    if (e->tensor->rank == first) return;
    text_put(p->text, "[");
    print_list(p, e->kids + first, e->tensor->rank - first, true);
    text_put(p->text, "]");
}

static void print(Printer *p, Expr e, int strength, bool subscript) {
    const char *number = p->how != NULL && p->how->number != NULL ? p->how->number(p->how->context, e) : NULL;
    if (number != NULL) {
        text_printf(p->text, *number == '-' && strength > SUM ? "(%s)" : "%s", number);
        return;
    }
    switch (e->kind) {
    case EXPR_CONST:
        if (e->condition) {
            text_put(p->text, e->value != 0 ? "true" : "false");
        } else {
            bool wrap = e->value < 0 && strength > SUM + 2;
            if (wrap) text_put(p->text, "(");
            print_number(p->text, e->value);
            if (wrap) text_put(p->text, ")");
        }
        return;
    case EXPR_INDEX: text_put(p->text, index_text(p, e->index)); return;
    case EXPR_READ:
        if (e->has_default && strength > LOWEST) text_put(p->text, "(");
        print_read(p, e);
        if (e->has_default) {
            text_put(p->text, " default ");
            print(p, e->kids[e->count - 1], PRIMARY, false);
            if (strength > LOWEST) text_put(p->text, ")");
        }
        return;
    case EXPR_OP: print_op(p, e, strength, subscript); return;
    case EXPR_REDUCE:
        text_printf(p->text, "%s(", reduction_name(e->reduction));
        print_indices(p, e->bound, e->bound_count);
        text_put(p->text, ": ");
        print(p, e->kids[0], LOWEST, false);
        text_put(p->text, ")");
        return;
    case EXPR_DRAW:
        text_printf(p->text, "random_%s#%d(", e->draw == DRAW_UNIFORM ? "uniform" : "bernoulli", (int)e->value);
        print_list(p, e->kids, e->count, true);
        text_put(p->text, ")");
        return;
    }
}

void expr_print(Text *text, Expr e) {
    Printer p = {.text = text};
    print(&p, e, LOWEST, false);
}

void expr_print_named(Text *text, Expr e, const IndexNames *names) {
    Printer p = {.text = text};
    for (size_t i = 0; i < names->count; i++) {
        vec_push(text->arena, &p.seen, names->at[i].index);
        vec_push(text->arena, &p.shown, names->at[i].name);
    }
    print(&p, e, LOWEST, false);
}

void expr_print_as(Text *text, Expr e, const Printing *how) {
    Printer p = {.text = text, .how = how};
    print(&p, e, LOWEST, false);
}

static void print_statement(Printer *p, const Statement *s) {
    text_put(p->text, s->target->name);
    if (s->target->rank > 0) {
        text_put(p->text, "[");
        if (s->subscripts == NULL) print_indices(p, s->indices, s->count);
        else print_list(p, s->subscripts, s->target->rank, true);
        text_put(p->text, "]");
    }
    text_put(p->text, s->subscripts == NULL && !s->adds ? " = " : " += ");
    print(p, s->value, LOWEST, false);
}

void statement_print(Text *text, const Statement *statement) {
    Printer p = {.text = text};
    print_statement(&p, statement);
}

IndexNames statement_index_names(Arena *arena, const Statement *statement) {
    Printer p = {.text = text_new(arena)};
    IndexNames names = {0};
    print_statement(&p, statement);
    for (size_t i = 0; i < p.seen.count; i++) vec_push(arena, &names, ((IndexName){p.seen.at[i], p.shown.at[i]}));
    return names;
}

static void print_origin(Text *text, const Sources *sources, const Statement *s) {
    const char *rule = s->origin.rule != NULL && s->origin.rule[0] != '\0' ? s->origin.rule : "as written";
    if (s->origin.span.source == 0) text_printf(text, "    # %s\n", rule);
    else text_printf(text, "    # line %u: %s\n", source_place(sources, s->origin.span.source, s->origin.span.begin).line, rule);
    for (size_t i = 0; i < s->rewrites.count; i++) text_printf(text, "    # rewritten: %s\n", s->rewrites.at[i]);
    if (s->note != NULL) text_printf(text, "    # %s\n", s->note);
}

static void print_list_of(Text *text, const Sources *origins, const char *title, const Statements *list) {
    if (list->count == 0) return;
    text_printf(text, "%s\n", title);
    text->indent++;
    for (size_t i = 0; i < list->count;) {
        const Scan *scan = list->at[i]->scan;
        size_t end = scan_end(list, i);
        if (scan != NULL) {
            text_printf(text, "scan %s%s {\n", scan->index->name, scan->reversed ? " reversed" : "");
            text->indent++;
        }
        for (; i < end; i++) {
            statement_print(text, list->at[i]);
            text_put(text, "\n");
            if (origins != NULL) print_origin(text, origins, list->at[i]);
        }
        if (scan == NULL) continue;
        text->indent--;
        text_put(text, "}\n");
    }
    text->indent--;
}

static void print_tensors(Text *text, const char *word, const Tensors *list) {
    for (size_t i = 0; i < list->count; i++) {
        const Tensor *t = list->at[i];
        text_printf(text, "%s %s", word, t->name);
        for (int a = 0; a < t->rank; a++) {
            text_put(text, a == 0 ? "[" : ", ");
            if (a == 0 && t->batched) text_put(text, "batch");
            else text_printf(text, "%lld", (long long)t->shape[a]);
        }
        text_printf(text, "%s%s\n", t->rank > 0 ? "]" : "", t->running ? " running" : t->frozen ? " frozen" : "");
    }
}

void program_print(Text *text, const Program *program, const Sources *origins) {
    print_tensors(text, "input", &program->inputs);
    print_tensors(text, "target", &program->targets);
    print_tensors(text, "param", &program->parameters);
    print_tensors(text, "state", &program->states);
    print_list_of(text, origins, "initial", &program->initial);
    print_list_of(text, origins, "forward", &program->forward);
    print_list_of(text, origins, "backward", &program->backward);
    print_list_of(text, origins, "update", &program->update);
}
