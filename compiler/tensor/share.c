/* What is computed once: statements and subexpressions that are equal up to the names of their indices. */
#include "tensor/steps.h"

#include <math.h>

/* ---- Canonical names of indices: the k-th index to appear, of this size, is one and the same object in every expression */

typedef struct {
    Pool *pool;
    Vec(Index *) from;
    Vec(Index *) to;
    ExprMap done, seen;
} Canon;

static Index *standard_index(Pool *pool, const Index *like, size_t position) {
    Name name = name_of(pool_names(pool), arena_printf(pool_arena(pool), "%zu of %lld%s", position, (long long)like->size,
                                                       like->batch ? " batch" : ""));
    Index *known = pool_standard_index(pool, name);
    if (known->size == 0) {
        known->size = like->size;
        known->batch = like->batch;
    }
    return known;
}

static Index *renamed(Canon *c, Index *index) {
    for (size_t i = 0; i < c->from.count; i++) {
        if (c->from.at[i] == index) return c->to.at[i];
    }
    Index *to = standard_index(c->pool, index, c->from.count);
    vec_push(c->done.arena, &c->from, index);
    vec_push(c->done.arena, &c->to, to);
    return to;
}

static void meet(Canon *c, Expr e) {
    if ((e->free_count == 0 && !e->reduces) || expr_map_get(&c->seen, e) != NULL) return;
    expr_map_put(&c->seen, e, e);
    if (e->kind == EXPR_INDEX) renamed(c, e->index);
    for (int k = 0; k < e->count; k++) meet(c, e->kids[k]);
    for (int i = 0; i < e->bound_count; i++) renamed(c, e->bound[i]);
}

static Expr rename_all(Canon *c, Expr e) {
    if (e->kind == EXPR_INDEX) return expr_index(c->pool, renamed(c, e->index));
    if (e->free_count == 0 && !e->reduces) return e;
    Expr known = expr_map_get(&c->done, e);
    if (known != NULL) return known;
    Expr kids[e->count + 1];
    for (int k = 0; k < e->count; k++) kids[k] = rename_all(c, e->kids[k]);
    Expr result;
    if (e->kind == EXPR_REDUCE) {
        Index *bound[e->bound_count];
        for (int i = 0; i < e->bound_count; i++) bound[i] = renamed(c, e->bound[i]);
        result = expr_reduce(c->pool, e->reduction, bound, e->bound_count, kids[0]);
    } else {
        result = expr_rebuild(c->pool, e, kids);
    }
    expr_map_put(&c->done, e, result);
    return result;
}

Expr canonical(Pool *pool, Expr e, Index *const *first, int count, Index **order) {
    Arena *arena = arena_new();
    Canon c = {.pool = pool, .done = {.arena = arena}, .seen = {.arena = arena}};
    for (int i = 0; i < count; i++) renamed(&c, first[i]);
    meet(&c, e);
    Expr result = rename_all(&c, e);
    int at = 0;
    for (size_t i = 0; order != NULL && i < c.from.count; i++) {
        if (expr_depends(e, c.from.at[i])) order[at++] = c.from.at[i];
    }
    arena_free(arena);
    return result;
}

/* ---- Replacing tensors */

typedef struct {
    Pool *pool;
    Tensor *const *alias;
    bool found;
} Aliases;

static void look_for_alias(void *context, Expr e) {
    Aliases *a = context;
    if (e->kind == EXPR_READ && a->alias[e->tensor->id] != NULL) a->found = true;
}

static Expr replace(void *context, Expr e) {
    const Aliases *a = context;
    if (e->kind != EXPR_READ || a->alias[e->tensor->id] == NULL) return e;
    Tensor *to = a->alias[e->tensor->id];
    return expr_read(a->pool, to, e->kids, to->rank, e->has_default ? e->kids[e->count - 1] : NULL);
}

/* Reads of a tensor that has an alias become reads of the alias. */
static void replace_in(Program *program, Statement *s, Tensor *const *alias) {
    Aliases aliases = {.pool = program->pool, .alias = alias};
    expr_visit(program->pool, s->value, look_for_alias, &aliases);
    if (aliases.found) s->value = expr_rewrite(program->pool, s->value, replace, &aliases);
}

void replace_tensors(Program *program, Tensor *const *alias) {
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) replace_in(program, all.at[i], alias);
    for (size_t i = 0; i < program->outputs.count; i++) {
        Tensor *to = alias[program->outputs.at[i]->id];
        if (to != NULL) program->outputs.at[i] = to;
    }
}

static bool may_vanish(const Program *program, const Tensor *tensor) {
    if (tensor == program->loss || tensor_is_explained(program, tensor)) return false;
    for (size_t i = 0; i < program->metrics.count; i++) {
        if (program->metrics.at[i].tensor == tensor) return false;
    }
    bool predicts = program->backward.count == 0 && program->update.count == 0;
    for (size_t i = 0; predicts && i < program->outputs.count; i++) { /* two that are equal have two names */
        if (program->outputs.at[i] == tensor) return false;
    }
    return tensor->kind != TENSOR_ADJOINT || tensor->of->kind != TENSOR_PARAMETER;
}

static bool same_tensor_shape(const Tensor *a, const Tensor *b) {
    if (a->rank != b->rank || a->index_range != b->index_range) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i]) return false;
    }
    return true;
}

void share_statements(Program *program) {
    Arena *arena = arena_new();
    ExprMap known = {.arena = arena};
    Vec(Tensor *) owners = {0};
    Tensor **alias = NEW_ARRAY(arena, Tensor *, program->all.count);
    Statements *lists[] = {&program->forward, &program->backward};
    for (size_t l = 0; l < 2; l++) {
        size_t kept = 0;
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            replace_in(program, s, alias);
            lists[l]->at[kept++] = s;
            if (s->subscripts != NULL || s->value->draws || s->value->kind == EXPR_CONST) continue;
            Expr key = canonical(program->pool, s->value, s->indices, s->count, NULL);
            Expr number = expr_map_get(&known, key);
            Tensor *owner = number == NULL ? NULL : owners.at[(size_t)number->value];
            if (owner == NULL) {
                expr_map_put(&known, key, expr_number(program->pool, (double)owners.count));
                vec_push(arena, &owners, s->target);
            } else if (may_vanish(program, s->target) && same_tensor_shape(owner, s->target)) {
                alias[s->target->id] = owner;
                kept--;
            }
        }
        lists[l]->count = kept;
    }
    replace_tensors(program, alias);
    arena_free(arena);
}

/* ---- Reading what is known: a statement's value; or what it is where it chooses by an index, for each value of that

       z[b, g, j] = if g == 0 then a[b, j] * c[b, j] else d[b, j];  w[j] = sum(b: a[b, j] * c[b, j])      becomes
       ...                                                          w[j] = sum(b: z[b, 0, j]) */

enum { MOST_CHOSEN = 8 };

typedef struct {
    const Statement *s;
    const Index *chosen; /* where this index is `at`; or NULL */
    int64_t at;
    Expr value; /* is this */
} KnownValue;

typedef struct {
    Program *program;
    Arena *arena;
    ExprMap known; /* canonical value -> number in values */
    Vec(KnownValue) values;
    const Scan *scan; /* of the statement that is rewritten */
} Known;

/* The statement that computes e; subscripts[i] receives what its i-th index is there: of those there may be one more than e has. NULL:
   there is none. */
static const Statement *who_knows(const Known *k, Expr e, Expr *subscripts) {
    Pool *pool = k->program->pool;
    Index *order[e->free_count + 1];
    Expr number = expr_map_get(&k->known, canonical(pool, e, NULL, 0, order));
    if (number == NULL) return NULL;
    const KnownValue *v = &k->values.at[(size_t)number->value];
    Index *theirs[e->free_count + 1];
    canonical(pool, v->value, NULL, 0, theirs);
    for (int i = 0; i < v->s->count; i++) {
        if (v->s->indices[i] == v->chosen) subscripts[i] = expr_number(pool, (double)v->at);
        for (int f = 0; f < e->free_count; f++) {
            if (theirs[f] == v->s->indices[i]) subscripts[i] = expr_index(pool, order[f]);
        }
    }
    return v->s;
}

typedef struct {
    Expr read, by;
} OnlyRead;

static void note_first_read(void *context, Expr e) {
    OnlyRead *only = context;
    if (e->kind == EXPR_READ && only->read == NULL) only->read = e;
}

static Expr replace_read(void *context, Expr e) {
    const OnlyRead *only = context;
    return e == only->read ? only->by : e;
}

/* f(A[i + 1] default d), where K[i] = f(A[i]), is K[i + 1] default f(d): nothing else in f varies. */
static Expr read_neighbour(const Known *k, Expr e) {
    Pool *pool = k->program->pool;
    OnlyRead only = {0};
    expr_visit(pool, e, note_first_read, &only);
    Expr read = only.read;
    if (e->reduces || read == NULL || !read->has_default || read->kids[read->count - 1]->kind != EXPR_CONST) return e;
    only.by = read->kids[read->count - 1];
    Expr otherwise = expr_rewrite(pool, e, replace_read, &only);
    Expr plain[read->tensor->rank + 1], subscripts[e->free_count + 1];
    for (int a = 0; a < read->tensor->rank; a++) {
        Expr at = read->kids[a];
        plain[a] = at->free_count == 0 ? at : expr_index(pool, at->free[0]);
        bool moved = at->free_count == 1 && expr_op2(pool, OP_SUB, at, plain[a])->kind == EXPR_CONST;
        for (int b = 0; b < a; b++) moved &= plain[b] != plain[a];
        if (at->free_count != 0 && (!moved || at->free[0]->size != read->tensor->shape[a])) return e;
    }
    only.by = expr_read(pool, read->tensor, plain, read->tensor->rank, NULL);
    Expr unmoved = expr_rewrite(pool, e, replace_read, &only);
    if (otherwise->kind != EXPR_CONST || !isfinite(otherwise->value) || unmoved == e || unmoved->free_count != e->free_count)
        return e;
    const Statement *s = who_knows(k, unmoved, subscripts);
    if (s == NULL || (s->scan != NULL && s->scan == k->scan)) return e; /* its other steps may be yet to come */
    for (int i = 0; i < s->count; i++) {
        for (int a = 0; a < read->tensor->rank; a++) {
            if (subscripts[i] == plain[a]) subscripts[i] = read->kids[a];
        }
    }
    return expr_read(pool, s->target, subscripts, s->count, otherwise);
}

static Expr read_known(const Known *k, Expr e) {
    if (e->kind == EXPR_CONST || e->kind == EXPR_INDEX || e->kind == EXPR_READ || e->condition || e->free_count == 0) return e;
    Expr subscripts[e->free_count + 1];
    const Statement *s = who_knows(k, e, subscripts);
    return s != NULL ? expr_read(k->program->pool, s->target, subscripts, s->count, NULL) : read_neighbour(k, e);
}

/* The largest parts first; what is left may be known when its parts are reads. */
static Expr read_in(const Known *k, ExprMap *done, Expr e) {
    Expr known = expr_map_get(done, e), result = known != NULL ? known : read_known(k, e);
    if (known == NULL && result == e) {
        Expr kids[e->count + 1];
        for (int c = 0; c < e->count; c++) kids[c] = read_in(k, done, e->kids[c]);
        result = expr_rebuild(k->program->pool, e, kids);
        if (result != e) result = read_known(k, result);
    }
    expr_map_put(done, e, result);
    return result;
}

static void learn(Known *k, KnownValue v) {
    int count = v.s->count - (v.chosen != NULL);
    bool useful = (v.value->kind == EXPR_OP || v.value->kind == EXPR_REDUCE) && v.value->free_count == count && count > 0;
    Expr key = useful ? canonical(k->program->pool, v.value, NULL, 0, NULL) : NULL;
    if (!useful || expr_map_get(&k->known, key) != NULL) return;
    expr_map_put(&k->known, key, expr_number(k->program->pool, (double)k->values.count));
    vec_push(k->arena, &k->values, v);
}

/* What the statement computes, and what that is for each value of an index by which it chooses. */
static void learn_all(Known *k, const Statement *s, Expr value) {
    Pool *pool = k->program->pool;
    learn(k, (KnownValue){.s = s, .value = value});
    for (int i = 0; i < s->count; i++) {
        Index *index = s->indices[i];
        bool step = s->scan != NULL && index == s->scan->index; /* others are yet to come, or gone */
        if (step || index->batch || index->size < 2 || index->size > MOST_CHOSEN || !expr_chooses_by(pool, value, index))
            continue;
        for (int64_t at = 0; at < index->size; at++) {
            Expr one = expr_substitute(pool, value, &index, (Expr[]){expr_number(pool, (double)at)}, 1);
            learn(k, (KnownValue){.s = s, .chosen = index, .at = at, .value = one});
        }
        return;
    }
}

void read_what_is_known(Program *program) {
    Arena *arena = arena_new();
    Known k = {.program = program, .arena = arena, .known = {.arena = arena}};
    Statements *lists[] = {&program->forward, &program->backward};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            Expr kids[s->value->count + 1], written = s->value;
            ExprMap done = {.arena = arena};
            k.scan = s->scan;
            for (int c = 0; c < written->count; c++) kids[c] = read_in(&k, &done, written->kids[c]);
            s->value = expr_rebuild(program->pool, written, kids);
            if (s->subscripts != NULL || s->value->draws || tensor_is_persistent(s->target)) continue;
            learn_all(&k, s, s->value);
            if (s->value != written) learn_all(&k, s, written);
        }
    }
    arena_free(arena);
}

/* ---- Removing what nobody reads */

static void need(void *context, Expr e) {
    if (e->kind == EXPR_READ) ((bool *)context)[e->tensor->id] = true;
}

/* A scan waits for itself: all of it is needed, or nothing. */
static void need_whole_scan(Program *program, const Statements *list, size_t last, bool *needed) {
    size_t begin = scan_begin(list, last);
    bool any = false;
    for (size_t i = begin; i <= last; i++) any |= needed[list->at[i]->target->id];
    for (size_t i = begin; i <= last && any && begin < last; i++) {
        needed[list->at[i]->target->id] = true;
        expr_visit(program->pool, list->at[i]->value, need, needed);
    }
}

void remove_unused(Program *program) {
    bool *needed = NEW_ARRAY(pool_arena(program->pool), bool, program->all.count + 1);
    if (program->loss != NULL) needed[program->loss->id] = true;
    for (size_t i = 0; i < program->metrics.count; i++) needed[program->metrics.at[i].tensor->id] = true;
    bool predicts = program->backward.count == 0 && program->update.count == 0;
    for (size_t i = 0; predicts && i < program->outputs.count; i++) needed[program->outputs.at[i]->id] = true;
    Statements *lists[] = {&program->update, &program->backward, &program->forward};
    for (size_t l = 0; l < 3; l++) {
        distribute_scans(program, lists[l]); /* what a scan no longer waits for may be unused */
        size_t kept = lists[l]->count;
        for (size_t i = lists[l]->count; i-- > 0;) {
            Statement *s = lists[l]->at[i];
            if (i + 1 == scan_end(lists[l], i)) need_whole_scan(program, lists[l], i, needed);
            bool gradient = s->target->kind == TENSOR_ADJOINT && s->target->of->kind == TENSOR_PARAMETER;
            bool kept_anyway = gradient || tensor_is_persistent(s->target) || tensor_is_explained(program, s->target);
            if (!needed[s->target->id] && !kept_anyway) continue;
            expr_visit(program->pool, s->value, need, needed);
            for (int k = 0; s->subscripts != NULL && k < s->target->rank; k++)
                expr_visit(program->pool, s->subscripts[k], need, needed);
            lists[l]->at[--kept] = s;
        }
        if (kept > 0) memmove(lists[l]->at, lists[l]->at + kept, sizeof *lists[l]->at * (lists[l]->count - kept));
        lists[l]->count -= kept;
    }
}
