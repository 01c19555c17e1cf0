/* What several statements need is computed once, and kept for them, where keeping (a store and a load, about four operations) is
   cheaper than computing it again; cheaper parts are computed again. The same for what does not depend on all loops of its statement:
   it is computed before them. Each choice is written into the statement's note. */
#include "tensor/steps.h"

enum { KEEP_FROM = 8 /* operations: below, computing again costs no more than a store and its loads */ };

typedef struct {
    Expr key; /* canonical */
    double cost;
    int uses;        /* distinct places */
    bool hoisted;    /* stands under loops that it does not depend on */
    size_t list, at; /* the first statement that uses it */
    Expr first;      /* as it stands there */
} Candidate;

typedef struct {
    Program *program;
    Arena *arena;
    Vec(Candidate) list;
    ExprMap number; /* canonical -> position in list */
    size_t in_list, in_statement;
    int loops;
    bool persistent_may_change;
} Survey;

static void reads_persistent(void *context, Expr e) {
    if (e->kind == EXPR_READ && (tensor_is_persistent(e->tensor) || e->tensor->kind == TENSOR_ADJOINT)) *(bool *)context = true;
}

static void consider(void *context, Expr e) {
    Survey *survey = context;
    if (e->kind != EXPR_OP || e->condition || e->integer || e->draws || e->reduces) return;
    double cost = expr_cost(e);
    if (cost < KEEP_FROM) return;
    bool persistent = false;
    if (survey->persistent_may_change) expr_visit(survey->program->pool, e, reads_persistent, &persistent);
    if (persistent) return;
    bool hoisted = e->free_count < survey->loops;
    Expr key = canonical(survey->program->pool, e, NULL, 0, NULL);
    Expr number = expr_map_get(&survey->number, key);
    if (number != NULL) {
        survey->list.at[(size_t)number->value].uses++;
        survey->list.at[(size_t)number->value].hoisted |= hoisted;
        return;
    }
    expr_map_put(&survey->number, key, expr_number(survey->program->pool, (double)survey->list.count));
    vec_push(survey->arena, &survey->list, (Candidate){.key = key, .cost = cost, .uses = 1, .hoisted = hoisted, .list = survey->in_list, .at = survey->in_statement, .first = e});
}

/* Loops around each node: a node inside a reduction runs for its indices too. */
static void survey_value(Survey *survey, Expr value, int loops) {
    survey->loops = loops + (value->kind == EXPR_REDUCE ? value->bound_count : 0);
    expr_visit(survey->program->pool, value->kind == EXPR_REDUCE ? value->kids[0] : value, consider, survey);
}

static bool best_candidate(const Survey *survey, Candidate *best) {
    bool found = false;
    for (size_t i = 0; i < survey->list.count; i++) {
        const Candidate *c = &survey->list.at[i];
        if (c->uses < 2 && !c->hoisted) continue;
        if (!found || c->cost > best->cost) *best = *c;
        found = true;
    }
    return found;
}

typedef struct {
    Program *program;
    Expr key;
    Tensor *part;
    Index **order; /* the indices of the part, by position of the canonical ones */
    int count;
} Replacement;

static Expr replace(void *context, Expr e) {
    Replacement *r = context;
    if (e->kind != EXPR_OP || e->condition || e->integer || e->free_count != r->count) return e;
    Index *order[r->count + 1];
    if (canonical(r->program->pool, e, NULL, 0, order) != r->key) return e;
    Expr subscripts[r->count + 1]; /* the part's axes are ordered by index id, order[] by appearance */
    for (int axis = 0; axis < r->count; axis++) {
        for (int k = 0; k < r->count; k++) {
            if (r->order[k] == r->part->definition->indices[axis]) subscripts[axis] = expr_index(r->program->pool, order[k]);
        }
    }
    return expr_read(r->program->pool, r->part, subscripts, r->count, NULL);
}

static void keep(Program *program, const Candidate *c) {
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    Statements before = {0}, after = {0};
    Arena *arena = pool_arena(program->pool);
    Statement *user = lists[c->list]->at[c->at];
    Replacement r = {.program = program, .key = c->key, .count = c->first->free_count};
    r.order = NEW_ARRAY(arena, Index *, r.count + 1);
    canonical(program->pool, c->first, NULL, 0, r.order);
    for (size_t i = 0; i < c->at; i++) vec_push(arena, &before, lists[c->list]->at[i]);
    Expr read = part_for(program, &before, user, c->first, op_info(c->first->op)->notation == NOTATION_CALL ? op_info(c->first->op)->spelling : "part");
    r.part = read->tensor;
    r.part->definition->note = c->uses > 1 ? arena_printf(arena, "kept: %d places need it, and computing it again would cost %.0f operations", c->uses, c->cost)
                                           : "computed once, before the loops that it does not depend on";
    for (size_t i = c->at; i < lists[c->list]->count; i++) vec_push(arena, &after, lists[c->list]->at[i]);
    for (size_t i = 0; i < after.count; i++) vec_push(arena, &before, after.at[i]);
    *lists[c->list] = before;
    for (size_t l = c->list; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            if (s != r.part->definition) s->value = expr_rewrite(program->pool, s->value, replace, &r);
        }
    }
}

void share_expensive(Program *program) {
    for (int round = 0; round < 10000; round++) {
        Arena *arena = arena_new();
        Survey survey = {.program = program, .arena = arena, .number = {.arena = arena}};
        Statements *lists[] = {&program->forward, &program->backward, &program->update};
        for (survey.in_list = 0; survey.in_list < 3; survey.in_list++) {
            survey.persistent_may_change = survey.in_list == 2;
            for (survey.in_statement = 0; survey.in_statement < lists[survey.in_list]->count; survey.in_statement++) {
                const Statement *s = lists[survey.in_list]->at[survey.in_statement];
                bool is_part = s->target->kind == TENSOR_PART && s->value->kind == EXPR_OP && s->value->free_count == s->count;
                if (is_part) { /* its own value is what it is for; parts of it may still be shared */
                    survey.loops = s->count;
                    for (int k = 0; k < s->value->count; k++) expr_visit(program->pool, s->value->kids[k], consider, &survey);
                } else {
                    survey_value(&survey, s->value, s->count);
                }
            }
        }
        Candidate best = {0};
        bool found = best_candidate(&survey, &best);
        arena_free(arena);
        if (!found) return;
        keep(program, &best);
    }
}
