/* Stable forms: softmax and cross-entropy become log-sum-exp, sigmoid and binary cross-entropy softplus, however they were written.

   Requires: forward as ast_to_tensor made it. Ensures: equal mathematics; no exp that can overflow, and no log of a number that can
   underflow, where rules.def knows better.
   Example:  -sum(i: t[b, i] * log(y[b, i]))   with  y[b, i] = exp(x[b, i]) / sum(j: exp(x[b, j]))   becomes
             -sum(i: t[b, i] * (x[b, i] - logsumexp(j: x[b, j]))) */
#include "tensor/steps.h"

typedef struct {
    Program *program;
    Rules *rules;
    Statement *statement;
} Context;

static Expr stable(void *context, Expr e) {
    Context *c = context;
    const char *name = NULL;
    Expr next = rules_apply(c->rules, RULES_STABLE, e, &name);
    if (next == NULL) return e;
    note_rewrite(c->program, c->statement, name);
    return algebra(c->program, c->rules, next, c->statement);
}

void stabilize(Program *program) {
    Rules *rules = rules_of(program);
    hoist_draws(program);
    insert_indicators(program);
    for (size_t i = 0; i < program->forward.count; i++) {
        Statement *s = program->forward.at[i];
        if (s->value->draws) continue;
        Context context = {program, rules, s};
        for (int round = 0; round < 8; round++) { /* what one rule writes may be what another looks for */
            Expr before = s->value;
            s->value = expr_rewrite(program->pool, s->value, stable, &context);
            if (s->value == before) break;
        }
    }
}
