/* A nest of loops round a register tile: some values of two indices at a time, and vectors of values of a third.

   Requires: a choice for the group (schedule.c). Ensures: as lower.c; sums are added in the order of their indices.
   Example, with 2 vectors of 16 values of j and 4 of b:
       for j in 0..4: for b four at a time: in lanes:
           sum_0_0 := 0, ... sum_3_1 := 0
           for i: sum_0_0 := sum_0_0 + W[32 j + lane, i] * x[b, i]; sum_0_1 := sum_0_1 + W[32 j + 16 + lane, i] * x[b, i]; ...
           h[b, 32 j + lane] := sum_0_0 + c[32 j + lane]; ...
   Where the lanes are along an index of the sum, each has a part of it:
       for k in 0..10: in lanes:
           sum := 0;  for i in 0..84, 16 at a time: sum := sum + W[k, i + lane] * x[i + lane]
           whole := sum of the lanes;  for i in 80..84: whole := whole + W[k, i] * x[i] */
#include "loop/cost.h"
#include "loop/tile.h"

static Expr at_tile_point(Tile *t, Expr e, int point) {
    return expr_substitute(t->l->pool, e, t->from, t->to[point], t->group->list.at[0]->count);
}

/* ---- The points of a tile, vectors innermost: those of one row share what they do not depend on */

static void add_points(Tile *t, int position, Expr *to, const char *suffix) {
    const Statement *s = t->group->list.at[0];
    Pool *pool = t->l->pool;
    const Choice *c = t->choice;
    while (position < s->count && position == c->lanes_of) position++;
    if (position < s->count) {
        for (int k = 0; k < t->count[position]; k++) {
            to[position] = expr_op2(pool, OP_ADD, t->base[position], expr_number(pool, k));
            const char *own = t->count[position] > 1 ? arena_printf(t->l->arena, "%s_%d", suffix, k) : suffix;
            add_points(t, position + 1, to, own);
        }
        return;
    }
    for (int v = 0; v < c->vectors; v++) {
        Expr *at = t->to[t->points];
        for (int i = 0; i < s->count; i++) at[i] = to[i];
        if (c->lanes_of >= 0) {
            Expr first = expr_op2(pool, OP_ADD, t->base[c->lanes_of], expr_number(pool, (double)v * c->lanes));
            at[c->lanes_of] = expr_op2(pool, OP_ADD, first, expr_index(pool, t->lane));
        }
        snprintf(t->suffix[t->points], sizeof t->suffix[0], "%s%s", suffix,
                 c->vectors > 1 ? arena_printf(t->l->arena, "_%d", v) : "");
        t->found[t->points] = (ExprMap){.arena = t->l->arena};
        t->points++;
    }
}

/* ---- What several terms read at once is loaded once, and has a name */

typedef struct {
    Tile *t;
    ExprMap count, loaded;
} Loads;

static void count_load(void *context, Expr e) {
    Loads *loads = context;
    if (e->kind == EXPR_READ && e->tensor == loads->t->group->updated) { /* has to be updated first */
        expr_map_put(&loads->count, e, expr_number(loads->t->l->pool, 1));
        return;
    }
    if (e->kind != EXPR_READ || e->tensor->local || !is_wide(e, loads->t->lane)) return;
    Expr seen = expr_map_get(&loads->count, e);
    expr_map_put(&loads->count, e, seen == NULL ? e : expr_number(loads->t->l->pool, 2));
}

static Expr loaded(void *context, Expr e) {
    Loads *loads = context;
    Lowering *l = loads->t->l;
    Expr seen = e->kind == EXPR_READ ? expr_map_get(&loads->count, e) : NULL;
    if (seen == NULL || seen == e) return e;
    Expr known = expr_map_get(&loads->loaded, e);
    if (known != NULL) return known;
    if (e->tensor == loads->t->group->updated) known = lower_update_at(l, loads->t->group->update, e->tensor, e->kids);
    else known = let_read(l, e);
    expr_map_put(&loads->loaded, e, known);
    return known;
}

/* ---- Which points of a tile take turns: 3 numbers by 4 vectors need a register for each of the 3, and one for what is read last */

typedef struct {
    Pool *pool;
    ExprMap users; /* by read: how many points */
    Expr rarest;   /* of one point: the read that fewest others share, but some do */
} Sharing;

static double users_of(const Sharing *sharing, Expr read) {
    Expr users = expr_map_get(&sharing->users, read);
    return users != NULL ? users->value : 0;
}

static void count_users(void *context, Expr e) {
    Sharing *sharing = context;
    if (e->kind == EXPR_READ) expr_map_put(&sharing->users, e, expr_number(sharing->pool, users_of(sharing, e) + 1));
}

static void find_rarest(void *context, Expr e) {
    Sharing *sharing = context;
    if (e->kind != EXPR_READ || users_of(sharing, e) < 2) return;
    if (sharing->rarest == NULL || users_of(sharing, e) < users_of(sharing, sharing->rarest)) sharing->rarest = e;
}

/* Points that share the read of which there are most follow one another, where registers are few: the fewer others stay in them. */
static void order_points(const Tile *t, const Expr *terms, int *order) {
    Sharing sharing = {.pool = t->l->pool, .users = {.arena = t->l->arena}};
    Expr shared[MOST_POINTS];
    bool done[MOST_POINTS] = {false};
    int count = 0;
    bool few = 2 * t->points > t->l->loop->options.target->registers;
    for (int k = 0; k < t->points && few; k++) expr_visit(sharing.pool, terms[k], count_users, &sharing);
    for (int k = 0; k < t->points; k++) {
        sharing.rarest = NULL;
        if (few) expr_visit(sharing.pool, terms[k], find_rarest, &sharing);
        shared[k] = sharing.rarest;
    }
    for (int k = 0; k < t->points; k++) {
        for (int i = k; i < t->points && !done[k]; i++) {
            if (i != k && (done[i] || shared[i] == NULL || shared[i] != shared[k])) continue;
            order[count++] = i;
            if (i != k) done[i] = true;
        }
        done[k] = true;
    }
}

/* sum_k := sum_k + term_k for all points */
static void add_terms(Tile *t, Tensor *const *sums, Expr *terms) {
    Lowering *l = t->l;
    Loads loads = {.t = t, .count = {.arena = l->arena}, .loaded = {.arena = l->arena}};
    int order[MOST_POINTS];
    order_points(t, terms, order);
    for (int k = 0; k < t->points; k++) expr_visit(l->pool, terms[k], count_load, &loads);
    for (int i = 0; i < t->points; i++) {
        int k = order[i];
        Expr term = lowered(l, expr_rewrite(l->pool, terms[k], loaded, &loads));
        Expr sum = read_local(l, sums[k]), more = expr_op2(l->pool, OP_ADD, sum, term);
        if (more != sum) set(l, sums[k], more);
    }
}

/* ---- Sums: one loop for all points */

static void add_unrolled(Tile *t, Expr e, Expr body, int k, Tensor *const *sums) {
    Pool *pool = t->l->pool;
    while (k < e->bound_count && !is_unrolled(t, e, k)) k++;
    if (k < e->bound_count) {
        for (int64_t u = 0; u < e->bound[k]->size; u++)
            add_unrolled(t, e, expr_substitute(pool, body, &e->bound[k], (Expr[]){expr_number(pool, (double)u)}, 1), k + 1, sums);
        return;
    }
    Expr terms[MOST_POINTS];
    for (int i = 0; i < t->points; i++) {
        terms[i] = at_tile_point(t, body, i);
        if (!is_left_out(pool, terms[i])) continue;
        terms[i] = expr_number(pool, 0);
        t->l->own_terms = true;
    }
    add_terms(t, sums, terms);
}

/* Where the sum of a point begins. */
static Expr beginning_of(Tile *t, int k) {
    return t->l->own == NULL ? expr_number(t->l->pool, 0) : at_tile_point(t, t->l->own, k);
}

/* The only term of a sum, and what it is added to. */
static Expr only_term(const Tile *t, Expr e) {
    return t->l->own == NULL ? e->kids[0] : expr_op2(t->l->pool, OP_ADD, t->l->own, e->kids[0]);
}

/* Few sums wait for themselves: in fast arithmetic, each is found in parts that do not. */
static void sum_in_parts(Tile *t, Expr e, int parts) {
    Lowering *l = t->l;
    Index *last = e->bound[e->bound_count - 1];
    Tensor *sums[MOST_PARTS][MOST_POINTS];
    static const char *const letters[MOST_PARTS] = {"", "_b", "_c", "_d"};
    for (int p = 0; p < parts; p++) {
        for (int k = 0; k < t->points; k++)
            sums[p][k] = let(l, arena_printf(l->arena, "sum%s%s", t->suffix[k], letters[p]), 0,
                             p == 0 ? beginning_of(t, k) : expr_number(l->pool, 0), false);
    }
    Nodes *outer = open_sum(t, e, last), *inner = l->out;
    for (int rest = 0; rest < (last->batch || last->size % parts != 0 ? 2 : 1); rest++) {
        l->out = inner;
        Node *loop = node_new(l, NODE_LOOP);
        loop->index = last;
        if (rest) loop->rest = parts;
        else loop->step = parts;
        l->out = &loop->body;
        for (int p = 0; p < (rest ? 1 : parts); p++) add_unrolled(t, e, shifted(l, e->kids[0], last, p), 0, sums[p]);
    }
    l->out = outer;
    for (int k = 0; k < t->points; k++) {
        Expr whole = read_local(l, sums[0][k]);
        for (int p = 1; p < parts; p++) whole = expr_op2(l->pool, OP_ADD, whole, read_local(l, sums[p][k]));
        expr_map_put(&t->found[k], e, whole);
    }
}

static void sum_at_all_points(void *context, Expr e) {
    Tile *t = context;
    Lowering *l = t->l;
    if (e->kind != EXPR_REDUCE) return;
    Tensor *sums[MOST_POINTS];
    if (index_product(e->bound, e->bound_count) == 1) {
        for (int k = 0; k < t->points; k++) expr_map_put(&t->found[k], e, only_term(t, e));
        return;
    }
    bool loops = !is_clipped(t, e) && !is_unrolled(t, e, e->bound_count - 1);
    int parts = l->loop->options.fast && loops ? parts_of_sum(l->pool, e, t->points) : 1;
    if (parts > 1) {
        sum_in_parts(t, e, parts);
        return;
    }
    for (int k = 0; k < t->points; k++) {
        sums[k] = let(l, arena_printf(l->arena, "sum%s", t->suffix[k]), 0, beginning_of(t, k), false);
        expr_map_put(&t->found[k], e, read_local(l, sums[k]));
    }
    Nodes *outer = open_sum(t, e, NULL);
    add_unrolled(t, e, e->kids[0], 0, sums);
    l->out = outer;
}

/* ---- A sum in the lanes: vectors of terms, then the lanes, then what is left over */

static void add_terms_along(Tile *t, Expr e, Tensor *const *sums, Expr along) {
    Index *v = t->choice->along;
    add_unrolled(t, e, expr_substitute(t->l->pool, e->kids[0], &v, &along, 1), 0, sums);
}

static void open_along(Tile *t, bool rest) {
    Node *loop = node_new(t->l, NODE_LOOP);
    loop->index = t->choice->along;
    if (rest) loop->rest = t->choice->lanes;
    else loop->step = t->choice->lanes;
    t->l->out = &loop->body;
}

static void sum_in_lanes(void *context, Expr e) {
    Tile *t = context;
    Lowering *l = t->l;
    Index *v = t->choice->along;
    Nodes *outer = l->out;
    Tensor *sums[MOST_POINTS];
    if (e->kind != EXPR_REDUCE) return;
    bool left_over = v->batch || v->size % t->choice->lanes != 0;
    for (int k = 0; k < t->points; k++) {
        sums[k] = let(l, arena_printf(l->arena, "sum%s", t->suffix[k]), 0, expr_number(l->pool, 0), false);
        sums[k]->lanes = t->choice->lanes;
    }
    open_sum(t, e, v);
    if (v->size > t->choice->lanes || v->batch) open_along(t, false);
    Expr first = v->size > t->choice->lanes || v->batch ? expr_index(l->pool, v) : expr_number(l->pool, 0);
    add_terms_along(t, e, sums, expr_op2(l->pool, OP_ADD, first, expr_index(l->pool, t->lane)));
    l->out = outer;
    for (int k = 0; k < t->points; k++) {
        Node *whole = node_new(l, NODE_LET);
        whole->target = local_new(l->loop, l->routine, arena_printf(l->arena, "whole%s", t->suffix[k]), 0);
        whole->value = read_local(l, sums[k]);
        whole->constant = !left_over && l->own == NULL;
        whole->across_lanes = true;
        sums[k] = whole->target;
        expr_map_put(&t->found[k], e, read_local(l, sums[k]));
        if (l->own != NULL) set(l, sums[k], expr_op2(l->pool, OP_ADD, beginning_of(t, k), read_local(l, sums[k])));
    }
    if (!left_over) return;
    open_along(t, true); /* outermost: of a whole batch nothing is left over */
    open_sum(t, e, v);
    add_terms_along(t, e, sums, expr_index(l->pool, v));
    l->out = outer;
}

/* ---- What follows the sums, or is all: a loop over the points of the tile */

typedef struct {
    Tile *t;
    Expr flat; /* which point, of a tile */
    ExprMap arrays;
} AllPoints;

static Expr of_point(void *context, Expr e) {
    AllPoints *all = context;
    Expr found = e->kind == EXPR_REDUCE ? expr_map_get(&all->arrays, e) : NULL;
    return found != NULL ? found : e;
}

static void gather_sums(void *context, Expr e) {
    AllPoints *all = context;
    Tile *t = all->t;
    Lowering *l = t->l;
    if (e->kind != EXPR_REDUCE) return;
    if (index_product(e->bound, e->bound_count) == 1) {
        expr_map_put(&all->arrays, e, only_term(t, e));
        return;
    }
    Node *node = node_new(l, NODE_LET);
    node->target = local_new(l->loop, l->routine, "sums", 0);
    node->target->array = true;
    node->target->rank = 1;
    node->target->shape = NEW_ARRAY(l->arena, int64_t, 1);
    node->target->shape[0] = t->points;
    node->constant = true;
    for (int k = 0; k < t->points; k++) {
        Expr sum = expr_map_get(&t->found[k], e);
        vec_push(l->arena, &node->elements, sum);
        if (is_wide(sum, l->lane)) node->target->lanes = t->choice->lanes;
    }
    expr_map_put(&all->arrays, e, expr_read(l->pool, node->target, &all->flat, 1, NULL));
}

static void lower_points_in_loops(Tile *t) {
    Lowering *l = t->l;
    const Statement *s = t->group->list.at[0];
    const Choice *c = t->choice;
    Expr to[MOST_INDICES], flat = expr_number(l->pool, 0);
    Index *open[MOST_INDICES];
    int count = 0;
    for (int i = 0; i <= s->count; i++) { /* vectors innermost */
        bool vectors = i == s->count;
        if (!vectors && i == c->lanes_of) continue;
        int position = vectors ? c->lanes_of : i, size = vectors ? c->vectors : t->count[i];
        if (position < 0) continue;
        Expr at = expr_number(l->pool, 0);
        if (size > 1) {
            Index *index = index_new(l->pool, name_of(pool_names(l->pool), vectors ? "vector" : s->indices[i]->name), size);
            open[count++] = index;
            at = expr_index(l->pool, index);
            flat = expr_op2(l->pool, OP_ADD, expr_op2(l->pool, OP_MUL, flat, expr_number(l->pool, size)), at);
        }
        if (vectors)
            at = expr_op2(l->pool, OP_ADD, expr_op2(l->pool, OP_MUL, at, expr_number(l->pool, c->lanes)),
                          expr_index(l->pool, t->lane));
        to[position] = expr_op2(l->pool, OP_ADD, t->base[position], at);
    }
    AllPoints all = {.t = t, .flat = flat, .arrays = {.arena = l->arena}};
    expr_visit(l->pool, t->value, gather_sums, &all);
    Nodes *outer = open_loops(l, open, count, NULL);
    for (Nodes *nodes = outer; nodes != l->out; nodes = &nodes->at[nodes->count - 1]->body)
        nodes->at[nodes->count - 1]->unrolled = true; /* its sums stay in registers */
    lower_element_at(l, t->group, expr_rewrite(l->pool, t->value, of_point, &all), t->from, to, t->group->list.at[0]->count);
    l->out = outer;
}

/* ---- The nest */

static void lower_tile(Tile *t) {
    Lowering *l = t->l;
    Expr to[MOST_INDICES];
    Node *lanes = node_new(l, NODE_LOOP);
    Nodes *outer = l->out;
    Sums sums = {0};
    lanes->index = t->lane;
    l->out = &lanes->body;
    l->lane = t->lane;
    t->points = 0;
    add_points(t, 0, to, "");
    expr_visit(l->pool, t->value, look_at_reduction, &sums);
    bool together = sums.first != NULL && !sums.others, in_loops = t->points > 1 && !sums.others;
    if (together) expr_visit(l->pool, t->value, t->choice->lanes_of < 0 ? sum_in_lanes : sum_at_all_points, t);
    if (in_loops) lower_points_in_loops(t);
    for (int k = 0; k < t->points && !in_loops; k++) {
        l->suffix = t->suffix[k];
        Expr value = together ? expr_rewrite(l->pool, t->value, read_of, &t->found[k]) : t->value;
        lower_element_at(l, t->group, value, t->from, t->to[k], t->group->list.at[0]->count);
    }
    l->lane = NULL;
    l->suffix = NULL;
    l->out = outer;
}

static void open_nest(Tile *t, int level) {
    Lowering *l = t->l;
    const Statement *s = t->group->list.at[0];
    Nodes *outer = l->out;
    if (level == s->count) {
        lower_tile(t);
        return;
    }
    int position = t->choice->order[level];
    Index *index = s->indices[position];
    int64_t size = index->size;
    t->count[position] = 1;
    if (position == t->choice->lanes_of) {
        int64_t width = (int64_t)t->choice->lanes * t->choice->vectors, blocks = (size + width - 1) / width;
        Index *block = index_new(l->pool, index->name, blocks);
        if (blocks > 1) open_loops(l, &block, 1, NULL);
        t->base[position] = blocks > 1
                                ? expr_op2(l->pool, OP_MUL, expr_number(l->pool, (double)width), expr_index(l->pool, block))
                                : expr_number(l->pool, 0);
        open_nest(t, level + 1);
        l->out = outer;
        return;
    }
    int tile = t->choice->tile[position];
    t->base[position] = without_single_indices(l, expr_index(l->pool, index));
    if (tile <= 1 || index == l->step || size - index->first == 1) {
        open_loops(l, &index, 1, NULL);
        open_nest(t, level + 1);
        l->out = outer;
        return;
    }
    if (size >= tile) {
        t->count[position] = tile;
        bool divided = period_of(l->pool, t->value, index) > 1 || digit_of(l->pool, t->value, index) > 0;
        if (size > tile && !index->batch && divided) { /* divisions of tile * block are none, or simpler */
            Index *block = index_new(l->pool, index->name, size / tile);
            open_loops(l, &block, 1, NULL);
            t->base[position] =
                without_single_indices(l, expr_op2(l->pool, OP_MUL, expr_number(l->pool, tile), expr_index(l->pool, block)));
        } else if (size > tile || index->batch) {
            Node *loop = node_new(l, NODE_LOOP);
            loop->index = index;
            loop->step = tile;
            l->out = &loop->body;
        } else {
            t->base[position] = expr_number(l->pool, 0);
        }
        open_nest(t, level + 1);
        l->out = outer;
    }
    if (index->batch) { /* of an incomplete batch */
        Node *rest = node_new(l, NODE_LOOP);
        rest->index = index;
        rest->rest = tile;
        l->out = &rest->body;
        t->count[position] = 1;
        open_nest(t, level + 1);
    } else if (size % tile != 0) {
        t->count[position] = (int)(size % tile);
        t->base[position] = expr_number(l->pool, (double)(size - size % tile));
        open_nest(t, level + 1);
    }
    l->out = outer;
}

static void note_default(void *context, Expr e) { *(bool *)context |= e->kind == EXPR_READ && e->has_default; }

bool lower_in_lanes(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    const Choice *choice = group->choice;
    bool asks = false; /* each lane would have to */
    for (size_t i = 0; i < group->list.count; i++) expr_visit(l->pool, group->list.at[i]->value, note_default, &asks);
    if (choice == NULL || asks) return false;
    Tile t = {.l = l, .group = group, .choice = choice, .value = without_single_indices(l, s->value)};
    for (int i = 0; i < s->count; i++) t.from[i] = s->indices[i];
    t.lane = index_new(l->pool, name_of(pool_names(l->pool), "lane"), choice->lanes);
    t.lane->lanes = true;
    open_nest(&t, 0);
    return true;
}
