/* What / and mod of whole numbers mean for tiles and lanes: strides, seen from the other side, as (r - u) mod 2, and digits of an index,
   as o / 8. A tile has as many values as the divisions take to come out the same again, or such that digits are the same all over. */
#include "loop/cost.h"

typedef struct {
    const Index *index;
    int64_t period, digit;
    bool company; /* the index is divided together with something else */
    bool asks;    /* ... and the answer decides something: else it only says where to read */
} Divisions;

enum { WORTH_UNROLLING = 4 /* steps, where nothing is decided */ };

int64_t common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* i, or i / c: what the divisor of the latter is, is seen where it stands itself. */
static bool is_alone(Expr e, const Index *index) {
    if (expr_is_op(e, OP_FLOORDIV) && e->kids[1]->kind == EXPR_CONST) e = e->kids[0];
    return e->kind == EXPR_INDEX && e->index == index;
}

static bool divides(Expr e, const Index *index) {
    bool division =
        e->kind == EXPR_OP && e->integer && (e->op == OP_MOD || e->op == OP_FLOORDIV) && e->kids[1]->kind == EXPR_CONST;
    return division && expr_depends(e, index);
}

static bool divides_within(Expr e, const Index *index) {
    bool found = divides(e, index);
    for (int k = 0; k < e->count && !found && expr_depends(e, index); k++) found = divides_within(e->kids[k], index);
    return found;
}

static void look_at_division(void *context, Expr e) {
    Divisions *d = context;
    d->asks |= e->kind == EXPR_OP && e->condition && divides_within(e, d->index);
    if (!divides(e, d->index)) return;
    int64_t by = (int64_t)e->kids[1]->value;
    d->company |= !is_alone(e->kids[0], d->index);
    d->period *= by / common_divisor(d->period, by);
    if (e->kids[0]->kind == EXPR_INDEX) d->digit = common_divisor(d->digit, by);
}

static Divisions divisions_of(Pool *pool, Expr e, const Index *index) {
    Divisions d = {.index = index, .period = 1};
    expr_visit(pool, e, look_at_division, &d);
    return d;
}

bool is_divided(Pool *pool, Expr e, const Index *index) { return divisions_of(pool, e, index).period > 1; }

int64_t period_of(Pool *pool, Expr e, const Index *index) {
    Divisions d = divisions_of(pool, e, index);
    return d.company && (d.asks || d.period <= WORTH_UNROLLING) ? d.period : 1;
}

int64_t digit_of(Pool *pool, Expr e, const Index *index) {
    Divisions d = divisions_of(pool, e, index);
    return d.company ? 0 : d.digit;
}

bool differs_in_lanes(Pool *pool, Expr e, const Choice *c) {
    if (c->lane == NULL || !expr_depends(e, c->along)) return expr_depends(e, c->along);
    Index *along = c->along;
    Expr first = expr_op2(pool, OP_MUL, expr_number(pool, c->lanes), expr_index(pool, c->block));
    Expr at = expr_op2(pool, OP_ADD, first, expr_index(pool, c->lane));
    return expr_depends(expr_substitute(pool, e, &along, &at, 1), c->lane);
}
