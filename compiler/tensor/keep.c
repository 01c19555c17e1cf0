/* What several statements need is computed once, and kept for them, where keeping (a store and a load, about four operations) is
   cheaper than computing it again; cheaper parts are computed again. The same for what does not depend on all loops of its statement:
   it is computed before them. Each choice is written into the statement's note. */
#include <stdlib.h>

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
    vec_push(survey->arena, &survey->list,
             (Candidate){.key = key,
                         .cost = cost,
                         .uses = 1,
                         .hoisted = hoisted,
                         .list = survey->in_list,
                         .at = survey->in_statement,
                         .first = e});
}

/* Loops around each node: a node inside a reduction runs for its indices too. */
static void survey_value(Survey *survey, Expr value, int loops) {
    survey->loops = loops + (value->kind == EXPR_REDUCE ? value->bound_count : 0);
    expr_visit(survey->program->pool, value->kind == EXPR_REDUCE ? value->kids[0] : value, consider, survey);
}

/* ---- Choosing: the dearest first; a part of one that is chosen waits for the next round */

static int dearest_first(const void *a, const void *b) {
    const Candidate *x = a, *y = b;
    if (x->cost != y->cost) return x->cost > y->cost ? -1 : 1;
    return x->key->id < y->key->id ? -1 : x->key->id > y->key->id;
}

typedef struct {
    Expr part;
    bool found;
} Inside;

static void look_inside(void *context, Expr e) {
    Inside *inside = context;
    inside->found |= e == inside->part;
}

static bool contains(Program *program, Expr whole, Expr part) {
    Inside inside = {.part = part};
    if (part->id < whole->id) expr_visit(program->pool, whole, look_inside, &inside);
    return inside.found;
}

/* ---- Replacing, all choices of a round at once */

typedef struct {
    Program *program;
    ExprMap number; /* canonical -> position in chosen */
    Vec(Candidate) chosen;
    Vec(Expr) read;      /* what reads the part at the indices of `first` */
    Vec(Index **) order; /* those indices, by position of the canonical ones */
} Round;

static Expr replace(void *context, Expr e) {
    Round *r = context;
    if (e->kind != EXPR_OP || e->condition || e->integer || e->draws || e->reduces) return e;
    Index *order[e->free_count + 1];
    Expr number = expr_map_get(&r->number, canonical(r->program->pool, e, NULL, 0, order));
    if (number == NULL) return e;
    size_t which = (size_t)number->value;
    Expr to[e->free_count + 1];
    for (int k = 0; k < e->free_count; k++) to[k] = expr_index(r->program->pool, order[k]);
    return expr_substitute(r->program->pool, r->read.at[which], r->order.at[which], to, e->free_count);
}

static void make_parts(Round *r, Statements *const *lists) {
    Arena *arena = pool_arena(r->program->pool);
    for (size_t l = 0; l < 3; l++) {
        Statements out = {0};
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *user = lists[l]->at[i];
            for (size_t k = 0; k < r->chosen.count; k++) {
                const Candidate *c = &r->chosen.at[k];
                if (c->list != l || c->at != i) continue;
                bool scalar = l == 2 && c->first->free_count == 0;
                const OpInfo *info = op_info(c->first->op);
                Expr read = part_for(r->program, &out, user, c->first, info->notation == NOTATION_CALL ? info->spelling : "part");
                if (scalar) tensor_rename(r->program, read->tensor, "optimizer.factor");
                r->read.at[k] = read;
                read->tensor->definition->note =
                    c->uses > 1
                        ? arena_printf(arena, "kept: %d places need it, and computing it again would cost %.0f operations",
                                       c->uses, c->cost)
                        : "computed once, before the loops that it does not depend on";
            }
            vec_push(arena, &out, user);
        }
        *lists[l] = out;
    }
}

/* A part that is an expression and nothing else: what it is for is not replaced by another part. */
static bool is_for_itself(const Statement *s) {
    return s->target->kind == TENSOR_PART && s->value->kind == EXPR_OP && s->value->free_count == s->count;
}

static void replace_in(Round *r, Statement *s) {
    Pool *pool = r->program->pool;
    if (!is_for_itself(s)) {
        s->value = expr_rewrite(pool, s->value, replace, r);
        return;
    }
    Expr kids[s->value->count + 1];
    for (int k = 0; k < s->value->count; k++) kids[k] = expr_rewrite(pool, s->value->kids[k], replace, r);
    s->value = expr_rebuild(pool, s->value, kids);
}

static bool keep_round(Program *program) {
    Arena *arena = arena_new();
    Survey survey = {.program = program, .arena = arena, .number = {.arena = arena}};
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (survey.in_list = 0; survey.in_list < 3; survey.in_list++) {
        survey.persistent_may_change = survey.in_list == 2;
        for (survey.in_statement = 0; survey.in_statement < lists[survey.in_list]->count; survey.in_statement++) {
            const Statement *s = lists[survey.in_list]->at[survey.in_statement];
            survey.loops = s->count;
            if (!is_for_itself(s)) survey_value(&survey, s->value, s->count);
            else
                for (int k = 0; k < s->value->count; k++) expr_visit(program->pool, s->value->kids[k], consider, &survey);
        }
    }
    if (survey.list.count > 0) qsort(survey.list.at, survey.list.count, sizeof *survey.list.at, dearest_first);
    Round r = {.program = program, .number = {.arena = arena}};
    for (size_t i = 0; i < survey.list.count; i++) {
        const Candidate *c = &survey.list.at[i];
        bool waits = c->uses < 2 && !c->hoisted;
        for (size_t k = 0; k < r.chosen.count && !waits; k++)
            waits = contains(program, r.chosen.at[k].key, c->key) || contains(program, r.chosen.at[k].first, c->first);
        if (waits) continue;
        Index **order = NEW_ARRAY(arena, Index *, c->first->free_count + 1);
        canonical(program->pool, c->first, NULL, 0, order);
        expr_map_put(&r.number, c->key, expr_number(program->pool, (double)r.chosen.count));
        vec_push(arena, &r.chosen, *c);
        vec_push(arena, &r.order, order);
        vec_push(arena, &r.read, NULL);
    }
    size_t tensors = program->all.count;
    make_parts(&r, lists);
    for (size_t l = 0; l < 3 && r.chosen.count > 0; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            if (lists[l]->at[i]->target->id < tensors) replace_in(&r, lists[l]->at[i]);
        }
    }
    for (size_t l = 0; l < 3; l++) distribute_scans(program, lists[l]);
    bool found = r.chosen.count > 0;
    arena_free(arena);
    return found;
}

/* ---- What is computed again is said, too */

typedef struct {
    Program *program;
    ExprMap forward; /* canonical subexpressions of the forward pass */
    Expr again;      /* the largest of them met in a statement */
} Again;

static bool cheap_part(Expr e) {
    return e->kind == EXPR_OP && !e->condition && !e->integer && !e->draws && !e->reduces && e->free_count > 0 &&
           expr_cost(e) >= 1;
}

static void remember(void *context, Expr e) {
    Again *a = context;
    if (cheap_part(e)) expr_map_put(&a->forward, canonical(a->program->pool, e, NULL, 0, NULL), e);
}

static void recognise(void *context, Expr e) {
    Again *a = context;
    if (!cheap_part(e) || expr_map_get(&a->forward, canonical(a->program->pool, e, NULL, 0, NULL)) == NULL) return;
    if (a->again == NULL || expr_cost(e) > expr_cost(a->again)) a->again = e;
}

void note_recomputed(Program *program) {
    Arena *arena = arena_new();
    Again again = {.program = program, .forward = {.arena = arena}};
    for (size_t i = 0; i < program->forward.count; i++)
        expr_visit(program->pool, program->forward.at[i]->value, remember, &again);
    for (size_t i = 0; i < program->backward.count; i++) {
        Statement *s = program->backward.at[i];
        again.again = NULL;
        expr_visit(program->pool, s->value, recognise, &again);
        if (again.again == NULL) continue;
        Text *text = text_new(pool_arena(program->pool));
        text_put(text, "computed again, which is cheaper than keeping it: ");
        expr_print(text, again.again);
        s->note = text_string(text);
    }
    arena_free(arena);
}

enum { MOST_ROUNDS = 40 };

void share_expensive(Program *program) {
    for (int round = 0; round < MOST_ROUNDS && keep_round(program); round++) {
    }
}
