/* A formula that chooses several times by the same condition chooses once: two formulas, each without a choice.

   Example:  (if t == 1 then a else 0) * x - (if t == 1 then 0 else b) * y      becomes      if t == 1 then a * x else -(b * y)
   It is done where it makes hardly more work: what depends on no choice is written twice. */
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
