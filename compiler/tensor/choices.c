/* Choices that a formula can do without.

   One that chooses several times by the same condition chooses once: two formulas, each without a choice.

   Example:  (if t == 1 then a else 0) * x - (if t == 1 then 0 else b) * y      becomes      if t == 1 then a * x else -(b * y)
   It is done where it makes hardly more work: what depends on no choice is written twice.

   One that asks whether a subscript is inside, where what is read outside would give the same, does not choose.

   Example:  if t + 1 < 8 then a[t] * (b[t + 1] default 0) else 0      becomes      a[t] * (b[t + 1] default 0) */
#include "tensor/sums.h"

enum { MOST_NODES = 300, MOST_CHOICES = 16 };
static const double MOST_WORK = 1.25; /* of what it was: of two branches one is taken */

typedef struct {
    Expr choices[MOST_CHOICES]; /* each once, however often it stands there */
    int count;
} Choices;

/* Of the formula itself: a reduction has its own. */
static void find_choices(Choices *found, Expr e) {
    if (e->kind == EXPR_REDUCE) return;
    if (expr_is_op(e, OP_IF)) {
        int i = 0;
        while (i < found->count && found->choices[i] != e) i++;
        if (i == found->count && i < MOST_CHOICES) found->choices[found->count++] = e;
    }
    for (int k = 0; k < e->count; k++) find_choices(found, e->kids[k]);
}

static bool chooses_again(const Choices *found, int first) {
    for (int i = first + 1; i < found->count; i++) {
        if (found->choices[i]->kids[0] == found->choices[first]->kids[0]) return true;
    }
    return false;
}

typedef struct {
    Expr condition;
    bool holds;
} Case;

static Expr in_case(void *context, Expr e) {
    const Case *c = context;
    return expr_is_op(e, OP_IF) && e->kids[0] == c->condition ? e->kids[c->holds ? 1 : 2] : e;
}

Expr choose_once(Program *program, Expr e) {
    Choices found = {0};
    if (e->kind != EXPR_OP || e->op == OP_IF || e->nodes > MOST_NODES || e->condition || e->integer || e->reduces) return e;
    find_choices(&found, e);
    for (int i = 0; i < found.count; i++) {
        if (!chooses_again(&found, i)) continue;
        Expr condition = found.choices[i]->kids[0];
        Case yes = {condition, true}, no = {condition, false};
        Expr once = expr_if(program->pool, condition, expr_replace(program->pool, e, in_case, &yes),
                            expr_replace(program->pool, e, in_case, &no));
        if (expr_cost(once) <= MOST_WORK * expr_cost(e)) return once;
    }
    return e;
}

/* ---- Choices that make no difference */

typedef struct {
    Pool *pool;
    Expr fails; /* the comparison that does not hold */
} Failing;

/* Is the read outside where the comparison fails: does it ask just for this? */
static bool is_outside(Pool *pool, Expr read, Expr fails) {
    for (int a = 0; a < read->tensor->rank; a++) {
        Expr size = expr_number(pool, (double)read->tensor->shape[a]);
        if (expr_op2(pool, OP_GE, read->kids[a], expr_number(pool, 0)) == fails) return true;
        if (expr_op2(pool, OP_LT, read->kids[a], size) == fails) return true;
    }
    return false;
}

static Expr where_it_fails(void *context, Expr e) {
    const Failing *f = context;
    bool outside = e->kind == EXPR_READ && e->has_default && is_outside(f->pool, e, f->fails);
    return outside ? e->kids[e->count - 1] : e;
}

static bool fails_alike(Pool *pool, Expr condition, Expr yes, Expr no) {
    if (expr_is_op(condition, OP_AND))
        return fails_alike(pool, condition->kids[0], yes, no) && fails_alike(pool, condition->kids[1], yes, no);
    Failing failing = {pool, condition};
    return expr_replace(pool, yes, where_it_fails, &failing) == no;
}

static void look_for_unsafe(void *context, Expr e) {
    bool *unsafe = context;
    if (e->kind == EXPR_REDUCE || e->kind == EXPR_DRAW) *unsafe = true;
    if (e->kind != EXPR_READ || e->has_default) return;
    for (int a = 0; a < e->tensor->rank; a++) {
        Interval range = interval_of(e->kids[a]);
        *unsafe |= !range.known || range.low < 0 || range.high >= e->tensor->shape[a];
    }
}

Expr needless_choice(Program *program, Expr e) {
    if (!expr_is_op(e, OP_IF) || e->kids[2]->kind != EXPR_CONST || e->kids[1]->nodes > MOST_NODES) return e;
    bool unsafe = false;
    if (!fails_alike(program->pool, e->kids[0], e->kids[1], e->kids[2])) return e;
    expr_visit(program->pool, e->kids[1], look_for_unsafe, &unsafe); /* is everything that it reads there, without the choice? */
    return unsafe ? e : e->kids[1];
}

/* ---- By what is chosen */

typedef struct {
    const Index *index;
    bool chooses;
} Choosing;

static void look_for_choice(void *context, Expr e) {
    Choosing *c = context;
    if (!expr_is_op(e, OP_IF)) return;
    Expr condition = e->kids[0];
    c->chooses |= condition->free_count == 1 && condition->free[0] == c->index && !expr_has_reads(condition);
}

bool expr_chooses_by(Pool *pool, Expr e, const Index *index) {
    Choosing choosing = {.index = index};
    expr_visit(pool, e, look_for_choice, &choosing);
    return choosing.chooses;
}
