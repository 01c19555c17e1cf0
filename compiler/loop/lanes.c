/* A nest of loops round a register tile: some values of two indices at a time, and vectors of values of a third.

   Requires: a choice for the group (schedule.c). Ensures: as lower.c; sums are added in the order of their indices.
   Example, with 2 vectors of 16 values of j and 4 of b:
       for j in 0..4: for b four at a time: in lanes:
           sum_0_0 := 0, ... sum_3_1 := 0
           for i: sum_0_0 := sum_0_0 + W[32 j + lane, i] * x[b, i]; sum_0_1 := sum_0_1 + W[32 j + 16 + lane, i] * x[b, i]; ...
           h[b, 32 j + lane] := sum_0_0 + c[32 j + lane]; ... */
#include "loop/lowering.h"
#include "loop/schedule.h"

enum { MOST_POINTS = 32 };

typedef struct {
    Lowering *l;
    const Group *group;
    const Choice *choice;
    Index *from[MOST_INDICES]; /* the statement's indices */
    Expr base[MOST_INDICES];   /* where the tile begins along each */
    int count[MOST_INDICES];   /* how many values there */
    Index *lane;
    Expr value; /* of the first statement */
    Expr to[MOST_POINTS][MOST_INDICES];
    char suffix[MOST_POINTS][24];
    int points;
    ExprMap found[MOST_POINTS]; /* by point: what a sum became */
} Tile;

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
        Expr first = expr_op2(pool, OP_ADD, t->base[c->lanes_of], expr_number(pool, (double)v * c->lanes));
        at[c->lanes_of] = expr_op2(pool, OP_ADD, first, expr_index(pool, t->lane));
        snprintf(t->suffix[t->points], sizeof t->suffix[0], "%s%s", suffix,
                 c->vectors > 1 ? arena_printf(t->l->arena, "_%d", v) : "");
        t->found[t->points] = (ExprMap){.arena = t->l->arena};
        t->points++;
    }
}

/* ---- Sums: one loop for all points */

static void sum_at_all_points(void *context, Expr e) {
    Tile *t = context;
    Lowering *l = t->l;
    if (e->kind != EXPR_REDUCE) return;
    Tensor *sums[MOST_POINTS];
    if (index_product(e->bound, e->bound_count) == 1) {
        for (int k = 0; k < t->points; k++) expr_map_put(&t->found[k], e, e->kids[0]);
        return;
    }
    for (int k = 0; k < t->points; k++) {
        sums[k] = let(l, arena_printf(l->arena, "sum%s", t->suffix[k]), 0, expr_number(l->pool, 0), false);
        expr_map_put(&t->found[k], e, read_local(l, sums[k]));
    }
    Nodes *outer = open_loops(l, e->bound, e->bound_count, NULL);
    for (int k = 0; k < t->points; k++) {
        Expr term = lowered(l, at_tile_point(t, e->kids[0], k));
        set(l, sums[k], expr_op2(l->pool, OP_ADD, read_local(l, sums[k]), term));
    }
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
    bool together = sums.first != NULL && !sums.others;
    if (together) expr_visit(l->pool, t->value, sum_at_all_points, t);
    for (int k = 0; k < t->points; k++) {
        l->suffix = t->suffix[k];
        Expr value = together ? expr_rewrite(l->pool, t->value, read_of, &t->found[k]) : t->value;
        lower_element_at(l, t->group, value, t->from, t->to[k]);
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
        if (size > tile || index->batch) {
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

bool lower_in_lanes(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    const Choice *choice = group->choice;
    if (choice == NULL) return false;
    Tile t = {.l = l, .group = group, .choice = choice, .value = without_single_indices(l, s->value)};
    for (int i = 0; i < s->count; i++) t.from[i] = s->indices[i];
    t.lane = index_new(l->pool, name_of(pool_names(l->pool), "lane"), choice->lanes);
    t.lane->lanes = true;
    open_nest(&t, 0);
    return true;
}
