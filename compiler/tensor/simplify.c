/* Short formulas, and nothing computed twice.

   Requires: a normalized forward, and backward where the program trains.
   Ensures:  equal mathematics; a reduction stands in a formula at most at one depth; every tensor that is left is read.
   Example:  doutput[b, i] = 1 / batch_size * (2 * (output[b, i] - t[b, i])) / 2    becomes
             doutput[b, i] = (output[b, i] - t[b, i]) / batch_size
             factor = 1 - 0.999^step                                      becomes
             factor = -expm1(-0.0010005 * step)                           since 0.999f, rounded, tells 1 - 0.999 to 5 digits */
#include "tensor/steps.h"

enum { MOST_ROUNDS = 8 };

static bool shorten(Program *program, Rules *rules) {
    bool changed = false;
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            if (s->value == s->settled) continue;
            Expr before = s->value;
            s->value = s->settled = algebra(program, rules, s->value, s);
            changed |= s->value != before;
        }
        normalize_list(program, lists[l]);
    }
    return changed;
}

typedef struct {
    Program *program;
    Rules *rules;
    Statement *statement;
} Context;

static Expr exact(void *context, Expr e) {
    Context *c = context;
    const char *name;
    Expr next = rules_apply(c->rules, RULES_EXACT, e, &name);
    if (next == NULL) return e;
    note_rewrite(c->program, c->statement, name);
    return next;
}

/* Last, when no other rule has to know the formulas that keep more digits. */
void keep_digits(Program *program) {
    Rules *rules = rules_of(program);
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) {
        Context context = {program, rules, all.at[i]};
        all.at[i]->value = expr_rewrite(program->pool, all.at[i]->value, exact, &context);
    }
}

void simplify(Program *program) {
    Rules *rules = rules_of(program);
    remove_unused(program);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        bool changed = shorten(program, rules);
        share_statements(program);
        read_what_is_known(program);
        changed |= inline_cheap(program, rules);
        if (!changed) break;
    }
    if (program->explained) { /* what follows serves machines */
        fuse_reductions(program);
        return;
    }
    share_expensive(program);
    read_what_is_known(program); /* what is kept, at other places */
    share_statements(program);
    fuse_reductions(program);
    sum_in_rows(program);
    update_rows(program);
    read_signs(program);
    read_winners(program);
    keep_digits(program);
    note_recomputed(program);
}
