/* Shorter formulas: the rules of rules.def, then sums and products (sums.c) and reductions (reductions.c), until nothing changes. */
#include <math.h>

#include "tensor/sums.h"

/* ---- Signs */

static bool sign_known(Expr e, bool strictly, int depth) {
    if (depth > 12 || e->condition) return false;
    if (e->kind == EXPR_CONST) return strictly ? e->value > 0 : e->value >= 0;
    if (e->kind == EXPR_INDEX) return !strictly;
    if (e->kind == EXPR_READ) {
        bool size = e->tensor->kind == TENSOR_SETTING && (!strictly || strcmp(e->tensor->name, "epoch") != 0);
        return size || (!strictly && !e->has_default && (e->tensor->facts.sums_to_one || e->tensor->index_range > 0));
    }
    if (e->kind == EXPR_REDUCE) {
        return e->reduction != REDUCE_LOGSUMEXP && e->reduction != REDUCE_ARGMAX && e->reduction != REDUCE_ARGMIN &&
               sign_known(e->kids[0], strictly, depth + 1);
    }
    if (e->kind != EXPR_OP) return false;
    if (e->op == OP_EXP || e->op == OP_COSH || e->op == OP_SIGMOID || e->op == OP_SOFTPLUS) return true;
    if (!strictly && (e->op == OP_ABS || e->op == OP_SQRT)) return true;
    if (!strictly && e->op == OP_POW && expr_is(e->kids[1], 2)) return true;
    if (e->op == OP_SQRT || e->op == OP_POW) return sign_known(e->kids[0], strictly, depth + 1);
    if (e->op == OP_ADD && strictly) {
        return (sign_known(e->kids[0], true, depth + 1) && sign_known(e->kids[1], false, depth + 1)) ||
               (sign_known(e->kids[0], false, depth + 1) && sign_known(e->kids[1], true, depth + 1));
    }
    if (e->op == OP_IF) return sign_known(e->kids[1], strictly, depth + 1) && sign_known(e->kids[2], strictly, depth + 1);
    if (e->op != OP_ADD && e->op != OP_MUL && e->op != OP_DIV) return false;
    return sign_known(e->kids[0], strictly, depth + 1) && sign_known(e->kids[1], strictly, depth + 1);
}

bool is_positive(Expr e) { return sign_known(e, true, 0); }
bool is_not_negative(Expr e) { return sign_known(e, false, 0); }

/* ---- All together */

void note_rewrite(Program *program, Statement *statement, const char *rule) {
    for (size_t i = 0; i < statement->rewrites.count; i++) {
        if (strcmp(statement->rewrites.at[i], rule) == 0) return;
    }
    vec_push(pool_arena(program->pool), &statement->rewrites, rule);
}

typedef struct {
    Program *program;
    Rules *rules;
    Statement *statement;
} Context;

static Expr step(void *context, Expr e) {
    Context *c = context;
    if ((e->integer && e->kind != EXPR_REDUCE) || e->condition) return e;
    for (int round = 0; round < 20; round++) {
        const char *name = NULL;
        Expr next = rules_apply(c->rules, RULES_ALGEBRA, e, &name);
        if (next == NULL) break;
        note_rewrite(c->program, c->statement, name);
        e = next;
        if (e->kind != EXPR_OP) return e;
    }
    Expr chosen = needless_choice(c->program, e);
    if (chosen != e) {
        note_rewrite(c->program, c->statement, "no choice where both are the same");
        return chosen;
    }
    if (e->kind == EXPR_REDUCE) {
        Expr next = shorter_reduction(c->program, e);
        if (next != e) note_rewrite(c->program, c->statement, "what does not depend on the index of a sum stands before it");
        return next;
    }
    if (!expr_is_op(e, OP_ADD) && !expr_is_op(e, OP_SUB) && !expr_is_op(e, OP_MUL) && !expr_is_op(e, OP_DIV) &&
        !expr_is_op(e, OP_NEG))
        return e;
    Expr next = shorter_sum(c->program, e), once = choose_once(c->program, next);
    if (next != e) note_rewrite(c->program, c->statement, "sums and products collected");
    if (once != next) note_rewrite(c->program, c->statement, "one choice instead of several");
    return once;
}

Expr algebra(Program *program, Rules *rules, Expr e, Statement *noted) {
    enum { MOST_ROUNDS = 6 }; /* what one rewrite brings together another may shorten */
    Context context = {program, rules, noted};
    for (int round = 0; round < MOST_ROUNDS; round++) {
        Expr before = e;
        e = expr_rewrite(program->pool, e, step, &context);
        if (e == before) break;
    }
    return e;
}
