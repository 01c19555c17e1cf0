/* Walks over expressions: substitution, bottom-up rewriting, visiting. All share what they have done through a map. */
#include <stdlib.h>

#include "tensor/expression.h"

/* ---- ExprMap: open addressing on ids */

static size_t slot_of(const Expr *keys, size_t size, Expr key) {
    size_t slot = (key->id * 2654435761u) & (size - 1);
    while (keys[slot] != NULL && keys[slot] != key) slot = (slot + 1) & (size - 1);
    return slot;
}

Expr expr_map_get(const ExprMap *map, Expr key) {
    return map->size == 0 ? NULL : map->values[slot_of(map->keys, map->size, key)];
}

void expr_map_put(ExprMap *map, Expr key, Expr value) {
    if (map->count * 2 >= map->size) {
        ExprMap larger = {.arena = map->arena, .size = map->size == 0 ? 16 : map->size * 2};
        larger.keys = NEW_ARRAY(map->arena, Expr, larger.size);
        larger.values = NEW_ARRAY(map->arena, Expr, larger.size);
        for (size_t i = 0; i < map->size; i++) {
            if (map->keys[i] != NULL) expr_map_put(&larger, map->keys[i], map->values[i]);
        }
        *map = larger;
    }
    size_t slot = slot_of(map->keys, map->size, key);
    if (map->keys[slot] == NULL) map->count++;
    map->keys[slot] = key;
    map->values[slot] = value;
}

/* ---- Rebuilding */

Expr expr_rebuild(Pool *pool, Expr e, const Expr *kids) {
    bool changed = false;
    for (int k = 0; k < e->count; k++) changed |= kids[k] != e->kids[k];
    if (!changed) return e;
    switch (e->kind) {
    case EXPR_CONST:
    case EXPR_INDEX: return e;
    case EXPR_READ:
        return expr_read(pool, e->tensor, kids, e->count - e->has_default, e->has_default ? kids[e->count - 1] : NULL);
    case EXPR_OP: return expr_op(pool, e->op, kids);
    case EXPR_REDUCE: return expr_reduce(pool, e->reduction, e->bound, e->bound_count, kids[0]);
    case EXPR_DRAW: return expr_draw(pool, e->draw, (int)e->value, kids, e->count);
    }
    bug("no expression of kind %d", (int)e->kind);
}

typedef struct {
    Pool *pool;
    Index *const *from;
    const Expr *to;
    int count;
    ExprMap done;
    bool small;
} Substitution;

/* Would an index that is put in be caught by a reduction that binds it? */
static bool captures(const Substitution *s, Expr reduce) {
    for (int i = 0; i < s->count; i++) {
        if (expr_depends(reduce, s->from[i]) && expr_depends_any(s->to[i], reduce->bound, reduce->bound_count)) return true;
    }
    return false;
}

static Expr with_fresh_bound(Pool *pool, Expr reduce) {
    Index *fresh[reduce->bound_count];
    Expr to[reduce->bound_count];
    for (int i = 0; i < reduce->bound_count; i++) {
        fresh[i] = index_like(pool, reduce->bound[i]);
        to[i] = expr_index(pool, fresh[i]);
    }
    Expr body = expr_substitute(pool, reduce->kids[0], reduce->bound, to, reduce->bound_count);
    return expr_reduce(pool, reduce->reduction, fresh, reduce->bound_count, body);
}

enum { FEW = 128 }; /* nodes: walking them again costs less than a map of what was seen */

static Expr substitute(Substitution *s, Expr e) {
    if (!expr_depends_any(e, s->from, s->count)) return e;
    if (e->kind == EXPR_INDEX) {
        for (int i = 0; i < s->count; i++) {
            if (s->from[i] == e->index) return s->to[i];
        }
    }
    Expr known = s->small ? NULL : expr_map_get(&s->done, e);
    if (known != NULL) return known;
    Expr kids[e->count], result;
    if (e->kind == EXPR_REDUCE && captures(s, e)) {
        result = substitute(s, with_fresh_bound(s->pool, e));
    } else {
        for (int k = 0; k < e->count; k++) kids[k] = substitute(s, e->kids[k]);
        result = expr_rebuild(s->pool, e, kids);
    }
    if (!s->small) expr_map_put(&s->done, e, result);
    return result;
}

Expr expr_substitute(Pool *pool, Expr e, Index *const *from, const Expr *to, int count) {
    if (!expr_depends_any(e, from, count)) return e;
    Substitution s = {.pool = pool, .from = from, .to = to, .count = count, .small = e->nodes <= FEW};
    if (s.small) return substitute(&s, e);
    s.done.arena = arena_new();
    Expr result = substitute(&s, e);
    arena_free(s.done.arena);
    return result;
}

typedef struct {
    Pool *pool;
    Rewrite rewrite;
    void *context;
    bool small;
    ExprMap done;
} Rewriting;

static Expr rewritten(Rewriting *r, Expr e) {
    Expr known = r->small ? NULL : expr_map_get(&r->done, e);
    if (known != NULL) return known;
    Expr kids[e->count + 1];
    for (int k = 0; k < e->count; k++) kids[k] = rewritten(r, e->kids[k]);
    Expr result = r->rewrite(r->context, expr_rebuild(r->pool, e, kids));
    if (!r->small) expr_map_put(&r->done, e, result);
    return result;
}

static Expr rewrite_with_map(Pool *pool, Expr e, Rewrite rewrite, void *context) {
    Arena *arena = arena_new();
    Rewriting r = {.pool = pool, .rewrite = rewrite, .context = context, .done = {.arena = arena}};
    Expr result = rewritten(&r, e);
    arena_free(arena);
    return result;
}

Expr expr_rewrite(Pool *pool, Expr e, Rewrite rewrite, void *context) { return rewrite_with_map(pool, e, rewrite, context); }

Expr expr_replace(Pool *pool, Expr e, Rewrite rewrite, void *context) {
    Rewriting r = {.pool = pool, .rewrite = rewrite, .context = context, .small = e->nodes <= FEW};
    return r.small ? rewritten(&r, e) : rewrite_with_map(pool, e, rewrite, context);
}

static void visit(Pool *pool, Expr e, Visit f, void *context) {
    if (!pool_mark(pool, e)) return;
    for (int k = 0; k < e->count; k++) visit(pool, e->kids[k], f, context);
    f(context, e);
}

static void visit_with_map(ExprMap *seen, Expr e, Visit f, void *context) {
    if (expr_map_get(seen, e) != NULL) return;
    expr_map_put(seen, e, e);
    for (int k = 0; k < e->count; k++) visit_with_map(seen, e->kids[k], f, context);
    f(context, e);
}

void expr_visit(Pool *pool, Expr e, Visit f, void *context) {
    if (pool_marks_begin(pool)) {
        visit(pool, e, f, context);
        pool_marks_end(pool);
        return;
    }
    Arena *arena = arena_new(); /* called by a visitor */
    visit_with_map(&(ExprMap){.arena = arena}, e, f, context);
    arena_free(arena);
}

typedef struct {
    Draw draw;
    bool found;
} Drawing;

static void look_for_draw(void *context, Expr e) {
    Drawing *drawing = context;
    drawing->found |= e->kind == EXPR_DRAW && e->draw == drawing->draw;
}

bool expr_draws(Pool *pool, Expr e, Draw draw) {
    Drawing drawing = {.draw = draw};
    if (e->draws) expr_visit(pool, e, look_for_draw, &drawing);
    return drawing.found;
}
