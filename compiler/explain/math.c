/* Formulas in two dimensions, as LaTeX and as MathML: fractions, powers, sums with their ranges. One walk, two tables of marks. */
#include <stdlib.h>

#include "explain/style.h"

enum { LOWEST = 0, SUM = 6, PRODUCT = 7, POWER = 9, PRIMARY = 10 };
enum { INFIXES = 12 };

/* What stands before, between and behind parts. %s in `symbol` is the tensor's name. */
struct Markup {
    const char *number[2], *index[2], *word[2];
    const char *symbol[2];  /* a tensor's name */
    const char *mention[2]; /* round a name and its subscripts: %s is what they are of */
    const char *below[3];   /* name, subscripts */
    const char *fraction[3], *power[3], *root[2], *parentheses[2], *bars[2], *floors[2];
    const char *range[4];       /* a large sign: sign, lower, upper, body follows */
    const char *over[3];        /* a large sign with indices below it */
    const char *under[3];       /* the same of a function's name */
    const char *cases[4];       /* if c then a else b:  before a, before c, before b, behind all */
    const char *infix[INFIXES]; /* + - * mod < <= > >= == != and or */
    const char *partial, *sum, *prod, *comma, *sign, *negation, *otherwise;
    bool escapes; /* an underscore in a name wants a backslash */
};

/* clang-format off */
const Markup markup_latex = {
    .number = {"", ""}, .index = {"", ""}, .word = {"\\operatorname{", "}"},
    .symbol = {"\\mathrm{", "}"}, .mention = {"", ""},
    .below = {"", "_{", "}"},
    .fraction = {"\\frac{", "}{", "}"}, .power = {"{", "}^{", "}"}, .root = {"\\sqrt{", "}"},
    .parentheses = {"\\left(", "\\right)"}, .bars = {"\\left|", "\\right|"}, .floors = {"\\left\\lfloor ", "\\right\\rfloor "},
    .range = {"", "_{", "}^{", "} "},
    .under = {"\\operatorname*{", "}_{", "} "},
    .cases = {"\\begin{cases} ", " & \\text{if } ", " \\\\ ", " & \\text{otherwise} \\end{cases}"},
    .infix = {" + ", " - ", " \\cdot ", " \\bmod ", " < ", " \\le ", " > ", " \\ge ", " = ", " \\ne ",
              "\\text{ and }", "\\text{ or }"},
    .over = {"", "_{", "} "},
    .partial = "\\partial ", .sum = "\\sum", .prod = "\\prod", .comma = ", ", .sign = "-", .negation = "\\text{not }",
    .otherwise = "\\text{ or, outside, }", .escapes = true};

const Markup markup_mathml = {
    .number = {"<mn>", "</mn>"}, .index = {"<mi>", "</mi>"}, .word = {"<mi>", "</mi>"},
    .symbol = {"<mi mathvariant=\"normal\">", "</mi>"}, .mention = {"<mrow data-s=\"%s\">", "</mrow>"},
    .below = {"<msub>", "<mrow>", "</mrow></msub>"},
    .fraction = {"<mfrac><mrow>", "</mrow><mrow>", "</mrow></mfrac>"},
    .power = {"<msup><mrow>", "</mrow><mrow>", "</mrow></msup>"}, .root = {"<msqrt>", "</msqrt>"},
    .parentheses = {"<mrow><mo>(</mo>", "<mo>)</mo></mrow>"}, .bars = {"<mrow><mo>|</mo>", "<mo>|</mo></mrow>"},
    .floors = {"<mrow><mo>&#8970;</mo>", "<mo>&#8971;</mo></mrow>"},
    .range = {"<munderover>", "<mrow>", "</mrow><mrow>", "</mrow></munderover>"},
    .under = {"<munder><mi>", "</mi><mrow>", "</mrow></munder>"},
    .cases = {"<mrow><mo>{</mo><mtable><mtr><mtd>", "</mtd><mtd><mtext>if&#160;</mtext>", "</mtd></mtr><mtr><mtd>",
              "</mtd><mtd><mtext>otherwise</mtext></mtd></mtr></mtable></mrow>"},
    .infix = {"<mo>+</mo>", "<mo>&#8722;</mo>", "<mo>&#183;</mo>", "<mo>mod</mo>", "<mo>&lt;</mo>", "<mo>&#8804;</mo>",
              "<mo>&gt;</mo>", "<mo>&#8805;</mo>", "<mo>=</mo>", "<mo>&#8800;</mo>", "<mtext>&#160;and&#160;</mtext>",
              "<mtext>&#160;or&#160;</mtext>"},
    .over = {"<munder>", "<mrow>", "</mrow></munder>"},
    .partial = "<mo>&#8706;</mo>", .sum = "<mo>&#8721;</mo>", .prod = "<mo>&#8719;</mo>", .comma = "<mo>,</mo>", .sign = "&#8722;",
    .negation = "<mtext>not&#160;</mtext>", .otherwise = "<mtext>&#160;or, outside,&#160;</mtext>"};
/* clang-format on */

typedef struct {
    Text *text;
    const Markup *m;
    const Printing *how;
    IndexNames names;
    const char *loss; /* the name of what is derived */
} Math;

static void print(Math *p, Expr e, int strength);

static void put(Math *p, const char *words) { text_put(p->text, words); }

/* A name in LaTeX: an underscore would be a subscript. Those of MathML hold no character that is special there. */
static const char *escaped(const Math *p, const char *name) {
    if (!p->m->escapes) return name;
    Text *text = text_new(p->text->arena);
    for (; *name != '\0'; name++) text_printf(text, *name == '_' ? "\\_" : "%c", *name);
    return text_string(text);
}

static const char *index_name(Math *p, const Index *index) {
    for (size_t i = 0; i < p->names.count; i++) {
        if (p->names.at[i].index == index) return p->names.at[i].name;
    }
    const char *name = index->name;
    for (int copy = 2, taken = 1; taken; copy++) {
        taken = 0;
        for (size_t i = 0; i < p->names.count; i++) taken |= strcmp(p->names.at[i].name, name) == 0;
        if (taken) name = arena_printf(p->text->arena, "%s%d", index->name, copy);
    }
    vec_push(p->text->arena, &p->names, ((IndexName){index, name}));
    return name;
}

static void print_number(Math *p, const char *number, int strength) {
    bool wrap = *number == '-' && strength > SUM;
    const char *power = strchr(number, 'e');
    if (wrap) put(p, p->m->parentheses[0]);
    const char *sign = *number == '-' ? p->m->sign : "";
    number += *number == '-';
    if (power == NULL) {
        text_printf(p->text, "%s%s%s%s", p->m->number[0], sign, number, p->m->number[1]);
    } else { /* 1.5e-07: 1.5 * 10^-7 */
        text_printf(p->text, "%s%s%.*s%s%s", p->m->number[0], sign, (int)(power - number), number, p->m->number[1],
                    p->m->infix[2]);
        text_printf(p->text, "%s%s10%s%s%s%d%s%s", p->m->power[0], p->m->number[0], p->m->number[1], p->m->power[1],
                    p->m->number[0], atoi(power + 1), p->m->number[1], p->m->power[2]);
    }
    if (wrap) put(p, p->m->parentheses[1]);
}

static void print_indices(Math *p, Index *const *indices, int count) {
    for (int i = 0; i < count; i++)
        text_printf(p->text, "%s%s%s%s", i > 0 ? p->m->comma : "", p->m->index[0], index_name(p, indices[i]), p->m->index[1]);
}

static void begin_mention(Math *p, const Tensor *t) {
    if (strstr(p->m->mention[0], "%s") == NULL) {
        put(p, p->m->mention[0]);
        return;
    }
    size_t before = (size_t)(strstr(p->m->mention[0], "%s") - p->m->mention[0]);
    text_printf(p->text, "%.*s%s%s", (int)before, p->m->mention[0], t->name, p->m->mention[0] + before + 2);
}

/* subscripts: of e, or where it is NULL the loops of a statement */
static void print_element(Math *p, const Tensor *t, Expr e, Index *const *indices) {
    int first = p->how != NULL && p->how->one_example && t->batched;
    bool adjoint = t->kind == TENSOR_ADJOINT;
    const Tensor *named = adjoint ? t->of : t;
    begin_mention(p, t);
    if (adjoint) {
        put(p, p->m->fraction[0]);
        text_printf(p->text, "%s%s%s%s", p->m->partial, p->m->symbol[0], escaped(p, p->loss), p->m->symbol[1]);
        put(p, p->m->fraction[1]);
        put(p, p->m->partial);
    }
    bool below = t->rank > first;
    if (below) put(p, p->m->below[0]);
    text_printf(p->text, "%s%s%s", p->m->symbol[0], escaped(p, named->name), p->m->symbol[1]);
    if (below) {
        put(p, p->m->below[1]);
        for (int i = first; i < t->rank; i++) {
            if (i > first) put(p, p->m->comma);
            if (e != NULL) print(p, e->kids[i], LOWEST);
            else print_indices(p, indices + i, 1);
        }
        put(p, p->m->below[2]);
    }
    if (adjoint) put(p, p->m->fraction[2]);
    put(p, p->m->mention[1]);
}

/* Operators between two operands, in the order of Markup's `infix`. */
static const struct {
    Op op;
    int strength;
    bool associative;
} infixes[INFIXES] = {{OP_ADD, SUM, true}, {OP_SUB, SUM, false}, {OP_MUL, PRODUCT, true}, {OP_MOD, PRODUCT, false},
                      {OP_LT, 5, false},   {OP_LE, 5, false},    {OP_GT, 5, false},       {OP_GE, 5, false},
                      {OP_EQ, 5, false},   {OP_NE, 5, false},    {OP_AND, 3, true},       {OP_OR, 2, true}};

static bool print_infix(Math *p, Expr e, int strength) {
    int which = 0;
    while (which < INFIXES && infixes[which].op != e->op) which++;
    if (which == INFIXES) return false;
    int own = infixes[which].strength;
    if (own < strength) put(p, p->m->parentheses[0]);
    print(p, e->kids[0], own);
    put(p, p->m->infix[which]);
    print(p, e->kids[1], infixes[which].associative ? own : own + 1);
    if (own < strength) put(p, p->m->parentheses[1]);
    return true;
}

static void print_call(Math *p, Expr e) {
    text_printf(p->text, "%s%s%s%s", p->m->word[0], op_info(e->op)->spelling, p->m->word[1], p->m->parentheses[0]);
    for (int k = 0; k < e->count; k++) {
        if (k > 0) put(p, p->m->comma);
        print(p, e->kids[k], LOWEST);
    }
    put(p, p->m->parentheses[1]);
}

static void print_between(Math *p, const char *const *marks, Expr e) {
    put(p, marks[0]);
    print(p, e, LOWEST);
    put(p, marks[1]);
}

static void print_fraction(Math *p, Expr a, Expr b) {
    put(p, p->m->fraction[0]);
    print(p, a, LOWEST);
    put(p, p->m->fraction[1]);
    print(p, b, LOWEST);
    put(p, p->m->fraction[2]);
}

static void print_power(Math *p, Expr e) {
    put(p, p->m->power[0]);
    print(p, e->kids[0], PRIMARY);
    put(p, p->m->power[1]);
    print(p, e->kids[1], LOWEST);
    put(p, p->m->power[2]);
}

static void print_choice(Math *p, Expr e) {
    put(p, p->m->cases[0]);
    print(p, e->kids[1], LOWEST);
    put(p, p->m->cases[1]);
    print(p, e->kids[0], LOWEST);
    put(p, p->m->cases[2]);
    print(p, e->kids[2], LOWEST);
    put(p, p->m->cases[3]);
}

/* A sign before its operand: of a difference, or of a condition. */
static void print_prefix(Math *p, Expr e, const char *sign, int own) {
    put(p, sign);
    print(p, e->kids[0], own);
}

static void print_op(Math *p, Expr e, int strength) {
    const Markup *m = p->m;
    if (print_infix(p, e, strength)) return;
    bool power = e->op == OP_POW, fraction = e->op == OP_DIV, minus = e->op == OP_NEG;
    bool wrap = (power && strength > POWER) || (fraction && strength >= POWER) || (minus && strength > SUM);
    if (wrap) put(p, m->parentheses[0]);
    if (power) print_power(p, e);
    else if (fraction) print_fraction(p, e->kids[0], e->kids[1]);
    else if (minus) print_prefix(p, e, m->infix[1], PRODUCT);
    else if (e->op == OP_NOT) print_prefix(p, e, m->negation, PRIMARY);
    else if (e->op == OP_SQRT) print_between(p, m->root, e->kids[0]);
    else if (e->op == OP_ABS) print_between(p, m->bars, e->kids[0]);
    else if (e->op == OP_FLOOR) print_between(p, m->floors, e->kids[0]);
    else if (e->op == OP_IF) print_choice(p, e);
    else if (e->op != OP_FLOORDIV) print_call(p, e);
    else {
        put(p, m->floors[0]);
        print_fraction(p, e->kids[0], e->kids[1]);
        put(p, m->floors[1]);
    }
    if (wrap) put(p, m->parentheses[1]);
}

static void print_reduction(Math *p, Expr e, int strength) {
    const Markup *m = p->m;
    const char *sign = e->reduction == REDUCE_SUM ? m->sum : e->reduction == REDUCE_PROD ? m->prod : NULL;
    bool wrap = strength >= PRODUCT;
    if (wrap) put(p, m->parentheses[0]);
    if (sign != NULL && e->bound_count == 1 && !e->bound[0]->batch) {
        text_printf(p->text, "%s%s%s", m->range[0], sign, m->range[1]);
        print_indices(p, e->bound, 1);
        text_printf(p->text, "%s%s0%s%s%s%lld%s%s", m->infix[8], m->number[0], m->number[1], m->range[2], m->number[0],
                    (long long)e->bound[0]->size - 1, m->number[1], m->range[3]);
    } else {
        if (sign != NULL) text_printf(p->text, "%s%s%s", m->over[0], sign, m->over[1]);
        else text_printf(p->text, "%s%s%s", m->under[0], reduction_name(e->reduction), m->under[1]);
        print_indices(p, e->bound, e->bound_count);
        put(p, sign != NULL ? m->over[2] : m->under[2]);
    }
    print(p, e->kids[0], PRODUCT);
    if (wrap) put(p, m->parentheses[1]);
}

static void print(Math *p, Expr e, int strength) {
    const char *number = p->how != NULL && p->how->number != NULL ? p->how->number(p->how->context, e) : NULL;
    char digits[NUMBER_LENGTH];
    if (number != NULL) {
        print_number(p, number, strength);
        return;
    }
    switch (e->kind) {
    case EXPR_CONST:
        number_print(digits, e->value);
        if (e->condition) text_printf(p->text, "%s%s%s", p->m->word[0], e->value != 0 ? "true" : "false", p->m->word[1]);
        else print_number(p, digits, strength);
        return;
    case EXPR_INDEX: text_printf(p->text, "%s%s%s", p->m->index[0], index_name(p, e->index), p->m->index[1]); return;
    case EXPR_READ:
        if (e->has_default) put(p, p->m->parentheses[0]);
        print_element(p, e->tensor, e, NULL);
        if (!e->has_default) return;
        put(p, p->m->otherwise);
        print(p, e->kids[e->count - 1], PRIMARY);
        put(p, p->m->parentheses[1]);
        return;
    case EXPR_OP: print_op(p, e, strength); return;
    case EXPR_REDUCE: print_reduction(p, e, strength); return;
    case EXPR_DRAW:
        text_printf(p->text, "%srandom%s%s", p->m->word[0], p->m->word[1], p->m->parentheses[0]);
        for (int k = 0; k < e->count; k++) {
            if (k > 0) put(p, p->m->comma);
            print(p, e->kids[k], LOWEST);
        }
        put(p, p->m->parentheses[1]);
        return;
    }
}

static const char *loss_of(const Lesson *lesson) { return lesson->program->loss != NULL ? lesson->program->loss->name : "loss"; }

void math_print(Text *text, const Markup *markup, const Lesson *lesson, Expr e, const Printing *how) {
    Math p = {.text = text, .m = markup, .how = how, .loss = loss_of(lesson)};
    print(&p, e, LOWEST);
}

/* One term of a sum behind `width` characters of its line; returns how many there are then. */
static size_t print_term(Math *p, Expr e, const char *sign, const char *line_break, size_t width) {
    enum { MOST = 84 };
    Text *plain = text_new(p->text->arena);
    expr_print_as(plain, e, p->how);
    size_t own = strlen(text_string(plain)) + 3;
    if (width > 0 && width + own > MOST && line_break != NULL) {
        put(p, line_break);
        width = 0;
    }
    put(p, sign);
    print(p, e, *sign == '\0' ? LOWEST : SUM + 1);
    return width + own;
}

static size_t print_terms(Math *p, Expr e, const char *sign, const char *line_break, size_t width) {
    if (!expr_is_op(e, OP_ADD) && !expr_is_op(e, OP_SUB)) return print_term(p, e, sign, line_break, width);
    width = print_terms(p, e->kids[0], sign, line_break, width);
    return e->op == OP_ADD ? print_terms(p, e->kids[1], p->m->infix[0], line_break, width)
                           : print_term(p, e->kids[1], p->m->infix[1], line_break, width);
}

void math_print_broken(Text *text, const Markup *markup, const Lesson *lesson, Expr e, const Printing *how,
                       const char *line_break) {
    Math p = {.text = text, .m = markup, .how = how, .loss = loss_of(lesson)};
    print_terms(&p, e, "", line_break, 0);
}

void math_print_number(Text *text, const Markup *markup, const char *digits) {
    Math p = {.text = text, .m = markup};
    print_number(&p, digits, LOWEST);
}

void math_print_statement(Text *text, const Markup *markup, const Lesson *lesson, const Statement *s, const char *equals,
                          const char *line_break) {
    Math p = {.text = text, .m = markup, .loss = loss_of(lesson)};
    if (s->subscripts == NULL) {
        print_element(&p, s->target, NULL, s->indices);
    } else { /* a scatter */
        Expr at = expr_read(lesson->program->pool, s->target, s->subscripts, s->target->rank, NULL);
        print_element(&p, s->target, at, NULL);
    }
    text_put(text, equals);
    print_terms(&p, s->value, "", line_break, 0);
}
