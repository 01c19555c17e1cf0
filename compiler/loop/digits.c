/* An index that is taken apart by / and mod becomes the indices that it is made of: a loop of its own for each digit.

   Requires: nodes as lower.c made them. Ensures: the same elements in the same order.
   Example:  for i in 0..400: y[i] := a[i / 25, i / 5 mod 5, i mod 5]                                 becomes
             for p in 0..16: for q in 0..5: for r in 0..5: y[25 * p + 5 * q + r] := a[p, q, r]
   Where the first divisor does not divide the size, the second loop ends earlier the last time. Where the divisors do not divide each
   other, or the index stands below / and mod with company, the loop stays. What becomes straight lines needs no other loops. */
#include <stdlib.h>

#include "loop/loop.h"

enum { MOST_DIGITS = 6 };

typedef struct {
    const Index *index;
    int64_t divisors[MOST_DIGITS];
    int count;
    bool fits;
} Digits;

static void add_divisor(Digits *d, double divisor) {
    for (int i = 0; i < d->count; i++) {
        if ((double)d->divisors[i] == divisor) return;
    }
    if (d->count == MOST_DIGITS || divisor > (double)d->index->size) d->fits = false;
    else if (divisor < (double)d->index->size) d->divisors[d->count++] = (int64_t)divisor;
}

static bool is_division(Expr e, const Digits *d) {
    return (expr_is_op(e, OP_FLOORDIV) || expr_is_op(e, OP_MOD)) && e->integer && expr_depends(e, d->index);
}

static bool is_alone(Expr e, const Digits *d) { return e->kind == EXPR_INDEX && e->index == d->index; }

/* i / a, i mod a, i / a mod b */
static void look_at(void *context, Expr e) {
    Digits *d = context;
    if (!is_division(e, d)) return;
    Expr what = e->kids[0], by = e->kids[1];
    if (by->kind != EXPR_CONST || by->value < 2) d->fits = false;
    else if (is_alone(what, d)) add_divisor(d, by->value);
    else if (expr_is_op(e, OP_MOD) && expr_is_op(what, OP_FLOORDIV) && is_alone(what->kids[0], d) &&
             what->kids[1]->kind == EXPR_CONST)
        add_divisor(d, what->kids[1]->value * by->value);
    else d->fits = false;
}

static void look_at_nodes(Pool *pool, Digits *d, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        node_visit(pool, node, look_at, d);
        look_at_nodes(pool, d, &node->body);
    }
}

static int largest_first(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static bool found(Digits *d) {
    if (!d->fits || d->count == 0) return false;
    qsort(d->divisors, (size_t)d->count, sizeof *d->divisors, largest_first);
    bool divide = true;
    for (int i = 1; i < d->count; i++) divide &= d->divisors[i - 1] % d->divisors[i] == 0;
    int64_t size = d->index->size, place = d->count == 1 ? 1 : d->divisors[1];
    return divide && (size % d->divisors[0] == 0 || size % place == 0);
}

static void substitute(Pool *pool, const Nodes *nodes, Index *from, Expr to) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->value != NULL) node->value = expr_substitute(pool, node->value, &from, &to, 1);
        if (node->low != NULL) node->low = expr_substitute(pool, node->low, &from, &to, 1);
        if (node->high != NULL) node->high = expr_substitute(pool, node->high, &from, &to, 1);
        if (node->from != NULL) node->from = expr_substitute(pool, node->from, &from, &to, 1);
        for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++)
            node->subscripts[k] = expr_substitute(pool, node->subscripts[k], &from, &to, 1);
        substitute(pool, &node->body, from, to);
    }
}

/* The loop becomes one over the first digit, with loops over the others inside. */
static void take_apart(LoopProgram *loop, Pool *pool, Node *node, const Digits *d) {
    static const char *const letters[] = {"p", "q", "r", "s", "u", "v", "w"};
    Index *whole = node->index, *first = NULL;
    Nodes body = node->body;
    Expr sum = expr_number(pool, 0);
    for (int i = 0; i <= d->count; i++) {
        int64_t above = i == 0 ? whole->size : d->divisors[i - 1], place = i == d->count ? 1 : d->divisors[i];
        Index *digit = index_new(pool, name_of(pool_names(pool), letters[i]), (above + place - 1) / place);
        Expr term = expr_op2(pool, OP_MUL, expr_number(pool, (double)place), expr_index(pool, digit));
        sum = expr_op2(pool, OP_ADD, sum, term);
        if (i > 0) {
            Node *inner = NEW(loop->arena, Node);
            inner->kind = NODE_LOOP;
            node->body = (Nodes){0};
            vec_push(loop->arena, &node->body, inner);
            node = inner;
        }
        node->index = digit;
        if (i == 0) first = digit;
        if (i != 1 || whole->size % above == 0) continue;
        Expr before = expr_op2(pool, OP_MUL, expr_number(pool, (double)(above / place)), expr_index(pool, first));
        Expr left = expr_op2(pool, OP_SUB, expr_number(pool, (double)(whole->size / place)), before);
        node->high = expr_op2(pool, OP_MIN, expr_number(pool, (double)(above / place)), left);
    }
    substitute(pool, &body, whole, sum);
    node->body = body;
}

static void digits_of(LoopProgram *loop, Pool *pool, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->kind == NODE_BLOCK && node->lines) continue;
        bool plain = node->kind == NODE_LOOP && !node->index->batch && !node->reversed && node->index->first == 0 &&
                     node->step == 0 && node->rest == 0 && node->low == NULL && node->high == NULL && node->within == NULL;
        Digits d = {.index = node->index, .fits = plain};
        if (plain) look_at_nodes(pool, &d, &node->body);
        if (found(&d)) take_apart(loop, pool, node, &d);
        digits_of(loop, pool, &node->body);
    }
}

void digits(LoopProgram *loop, Routine *routine) { digits_of(loop, routine->program->pool, &routine->body); }
