/* What an explanation looks like: compose.c says what stands in it, and in which order; a Style how that is written. */
#ifndef NNC_EXPLAIN_STYLE_H
#define NNC_EXPLAIN_STYLE_H

#include "explain/lesson.h"

/* What was explained already. */
enum { MOST_FUNCTIONS = 8 };
typedef struct {
    bool function[MOST_FUNCTIONS], logsumexp;
} Met;

typedef struct {
    Text *text;
    Lesson *lesson;
    Met met;
} Out;

/* Words may hold `code` between back quotes; nothing else in them is special. */
typedef struct {
    const char *name;     /* of --format */
    bool two_dimensional; /* its formulas have fractions, and derivatives in them */
    void (*begin)(Out *out, const char *title);
    void (*end)(Out *out);
    void (*section)(Out *out, const char *title);
    void (*item)(Out *out, const Item *item, const char *aside); /* the heading of an item; aside: where it stands, or NULL */
    void (*paragraph)(Out *out, const char *words);
    void (*statement)(Out *out, const Statement *s);
    void (*link)(Out *out, const Link *link);
    void (*worked)(Out *out, const Worked *worked);
    void (*given)(Out *out, const Given *given);
} Style;

extern const Style style_text, style_markdown, style_latex;

void compose(Out *out, const Style *style);
void compose_json(Out *out);

/* ---- element.c */
/* "hidden.W[0, 1]": NULL, and *element; or what is wrong with it. */
const char *element_parse(Lesson *lesson, const char *words, Element *element);
void compose_element(Out *out, const Style *style, const Element *element); /* of the lesson's `wanted` */

const char *law_of(const Statement *derived); /* "sigmoid(a)' = sigmoid(a) * (1 - sigmoid(a)) * a'", or "" */

/* How elements and the numbers in formulas are printed: of one example, and where `worked` is given, as the numbers that they
   are. */
typedef struct {
    const Lesson *lesson;
    const Worked *worked;
} Numbers;
const char *number_in(void *numbers, Expr e); /* Printing's number */

const char *given_text(const Lesson *lesson, const Given *g); /* W = [[0.1, 0.2], [0.3, 0.4]] */
const char *numbers_are(const Lesson *lesson);                /* those of which example, and when: a sentence */

void say_batch(Out *out, const Style *style); /* that a step of training is another one, where it is */

/* Does the formula with numbers in it say more than its value? */
bool worked_says_more(const Lesson *lesson, const Worked *worked);

/* ---- math.c: formulas in two dimensions */
typedef struct Markup Markup;
extern const Markup markup_latex, markup_mathml;
void math_print(Text *text, const Markup *markup, const Lesson *lesson, Expr e, const Printing *how);
void math_print_number(Text *text, const Markup *markup, const char *digits); /* 1.5e-07 as 1.5 * 10^-7 */
/* The same; where a sum becomes long, `line_break` stands before a term. */
void math_print_broken(Text *text, const Markup *markup, const Lesson *lesson, Expr e, const Printing *how,
                       const char *line_break);
void math_print_statement(Text *text, const Markup *markup, const Lesson *lesson, const Statement *s, const char *equals,
                          const char *line_break);

#endif
