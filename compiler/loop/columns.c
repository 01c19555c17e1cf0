/* Sums of many examples at a time: strict arithmetic without vectors, where the terms of a sum are neighbours in memory.

   Such terms may not be added out of order, so C compilers make no vectors of them. What several examples have is turned round first: the
   same number of all of them stands side by side, and their sums grow together:

       for b, 32 at a time:
           for i: for e: columns[i][e] := x[b + e, i]
           for j, 4 at a time:
               for e: row[e] := 0; row2[e] := 0; ...
               for i: for e: row[e] += W[j, i] * columns[i][e]; row2[e] += W[j + 1, i] * columns[i][e]; ...
               for e: hidden.dense[b + e, j] := row[e]; ...

   Requires: what lower.c runs several elements at a time. Ensures: the same numbers are added in the same order; examples that are left
   over are as in lower.c. In a step of a scan, columns have what the sums read in this step. */
#include "loop/lowering.h"

enum {
    MOST_COLUMNS = 4,     /* tensors that are turned round for a statement */
    MOST_NUMBERS = 16384, /* ... of one example */
    MOST_SUMS = 4,        /* of an element */
    MOST_AXES = 8,
    LEAST_EXAMPLES = 17, /* gcc writes out loops of 16, and makes no vectors then */
    MOST_EXAMPLES = 32,
    ELEMENTS = 4,  /* of each of them */
    LEAST_USES = 8 /* of a number that is turned round, in terms */
};

/* What sums read of the examples: x[b, i] stands in columns[i][e]. */
typedef struct {
    Expr read;              /* the first one that reads it */
    bool varies[MOST_AXES]; /* inside of the loop over examples: an axis of the columns */
    Tensor *columns;
} Column;

typedef struct {
    Lowering *l;
    const Statement *s;
    Index *batch, *element;
    int64_t shares; /* of the batch, each of which has columns of its own: for threads */
    Column columns[MOST_COLUMNS];
    Expr sums[MOST_SUMS];
    int count, sum_count;
    double numbers, terms; /* of one example, that are turned round, and that they are for */
    bool suits;
} Turned;

static bool varies(const Turned *c, Expr subscript) {
    for (int i = 0; i < subscript->free_count; i++) {
        if (subscript->free[i] != c->l->step) return true;
    }
    return false;
}

static Column *column_of(Turned *c, Expr read) {
    for (int i = 0; i < c->count; i++) {
        const Column *column = &c->columns[i];
        bool same = column->read->tensor == read->tensor;
        for (int a = 1; same && a < read->tensor->rank; a++)
            same = column->varies[a] ? varies(c, read->kids[a]) : column->read->kids[a] == read->kids[a];
        if (same) return &c->columns[i];
    }
    return NULL;
}

static void look_at_operand(void *context, Expr e) {
    Turned *c = context;
    if (e->kind == EXPR_REDUCE || e->kind == EXPR_DRAW) c->suits = false;
    if (e->kind != EXPR_READ || !expr_depends(e, c->batch)) return;
    const Tensor *t = e->tensor;
    c->suits &= t->batched && !t->local && !e->has_default && t->index_range == 0 && t->rank > 1 && t->rank <= MOST_AXES &&
                e->kids[0] == expr_index(c->l->pool, c->batch);
    for (int a = 1; a < t->rank && c->suits; a++) c->suits = !expr_depends(e->kids[a], c->batch);
    if (!c->suits || column_of(c, e) != NULL) return;
    c->suits = c->count < MOST_COLUMNS;
    if (!c->suits) return;
    Column *column = &c->columns[c->count++];
    double numbers = 1;
    *column = (Column){.read = e};
    for (int a = 1; a < t->rank; a++) {
        column->varies[a] = varies(c, e->kids[a]);
        numbers *= column->varies[a] ? (double)t->shape[a] : 1;
    }
    c->suits = numbers > 1 && numbers <= MOST_NUMBERS;
    c->numbers += numbers;
}

static void look_at_sum(void *context, Expr e) {
    Turned *c = context;
    if (e->kind != EXPR_REDUCE) return;
    c->suits &= c->sum_count < MOST_SUMS;
    for (int i = 0; i < e->bound_count; i++) c->suits &= !e->bound[i]->batch;
    if (!c->suits) return;
    c->sums[c->sum_count++] = e;
    c->terms += index_product(e->bound, e->bound_count);
    expr_visit(c->l->pool, e->kids[0], look_at_operand, c);
}

/* How many examples at a time: a share of the batch, if there is one. */
static int64_t examples_of(int64_t batch) {
    for (int64_t e = MOST_EXAMPLES; e >= LEAST_EXAMPLES; e--) {
        if (batch % e == 0) return e;
    }
    return MOST_EXAMPLES;
}

static bool suits(Turned *c, Expr value) {
    const Lowering *l = c->l;
    const Statement *s = c->s;
    bool strict = !l->loop->options.fast && l->loop->options.target->bytes == 0 && l->unrolls;
    c->suits = strict && s->count > 1 && s->indices[0]->batch && s->indices[0]->size >= LEAST_EXAMPLES && l->own == NULL;
    if (!c->suits) return false;
    c->batch = s->indices[0];
    expr_visit(l->pool, value, look_at_sum, c);
    for (int i = 1; i < s->count; i++) c->terms *= s->indices[i] == l->step ? 1 : (double)s->indices[i]->size;
    return c->suits && c->count > 0 && c->terms >= LEAST_USES * c->numbers;
}

static Expr beside(const Turned *c) {
    return expr_op2(c->l->pool, OP_ADD, expr_index(c->l->pool, c->batch), expr_index(c->l->pool, c->element));
}

/* Where the columns of these examples begin: how many subscripts that takes. */
static int share_of(const Turned *c, Expr *at) {
    if (c->shares == 1) return 0;
    at[0] =
        expr_op2(c->l->pool, OP_FLOORDIV, expr_index(c->l->pool, c->batch), expr_number(c->l->pool, (double)c->element->size));
    return 1;
}

/* for all of what is read: for e: columns[...][e] := x[b + e, ...] */
static void turn_round(Turned *c, Column *column) {
    Lowering *l = c->l;
    const Expr read = column->read;
    Tensor *t = read->tensor;
    Index *axes[MOST_AXES];
    Expr from[MOST_AXES], to[MOST_AXES + 1];
    int64_t shape[MOST_AXES + 1] = {c->shares};
    int rank = share_of(c, to), count = 0;
    from[0] = beside(c);
    for (int a = 1; a < t->rank; a++) {
        from[a] = read->kids[a];
        if (!column->varies[a]) continue;
        const Index *index = read->kids[a]->kind == EXPR_INDEX ? read->kids[a]->index : NULL;
        bool alone = index != NULL && index->first == 0 && index->size == t->shape[a];
        for (int k = 0; k < count; k++) alone &= axes[k] != index;
        axes[count] = alone ? read->kids[a]->index : index_of_axis(l->program, t, a, t->shape[a]);
        from[a] = to[rank] = expr_index(l->pool, axes[count++]);
        shape[rank++] = t->shape[a];
    }
    to[rank] = expr_index(l->pool, c->element);
    shape[rank++] = c->element->size;
    column->columns = tensor_new(l->program, TENSOR_PART, arena_printf(l->arena, "%s.columns", t->name), rank, shape);
    Nodes *outer = open_loops(l, axes, count, NULL);
    open_loops(l, &c->element, 1, NULL);
    store(l, column->columns, to, expr_read(l->pool, t, from, t->rank, NULL));
    l->out = outer;
}

static Expr read_columns(void *context, Expr e) {
    Turned *c = context;
    if (e->kind != EXPR_READ || !expr_depends(e, c->batch)) return e;
    const Column *column = column_of(c, e);
    Expr at[MOST_AXES + 1];
    int rank = share_of(c, at);
    for (int a = 1; a < e->tensor->rank; a++) {
        if (column->varies[a]) at[rank++] = e->kids[a];
    }
    at[rank] = expr_index(c->l->pool, c->element);
    return read_at(c->l, column->columns, at);
}

/* The sums of `count` elements, of all examples: in found[k], by sum. */
static void grow(Turned *c, Index *index, int count, ExprMap *found) {
    Lowering *l = c->l;
    Nodes *outer = l->out;
    Expr element = expr_index(l->pool, c->element);
    for (int i = 0; i < c->sum_count; i++) {
        const Expr sum = c->sums[i], body = expr_replace(l->pool, sum->kids[0], read_columns, c);
        Tensor *rows[ELEMENTS];
        for (int k = 0; k < count; k++) {
            rows[k] = tensor_new(l->program, TENSOR_PART, "row", 1, &c->element->size);
            rows[k]->array = true;
            node_new(l, NODE_LET)->target = rows[k];
            expr_map_put(&found[k], sum, read_at(l, rows[k], &element));
        }
        open_loops(l, &c->element, 1, NULL);
        for (int k = 0; k < count; k++) store(l, rows[k], &element, expr_number(l->pool, 0));
        l->out = outer;
        open_loops(l, sum->bound, sum->bound_count, NULL);
        Expr terms[ELEMENTS];
        for (int k = 0; k < count; k++) terms[k] = read_first(l, shifted(l, body, index, k), c->element);
        open_loops(l, &c->element, 1, NULL);
        for (int k = 0; k < count; k++)
            store(l, rows[k], &element, expr_op2(l->pool, OP_ADD, read_at(l, rows[k], &element), lowered(l, terms[k])));
        l->out = outer;
    }
}

static void find_elements(Turned *c, const Group *group, Expr value, Index *index, int count) {
    Lowering *l = c->l;
    ExprMap found[ELEMENTS];
    for (int k = 0; k < count; k++) found[k] = (ExprMap){.arena = l->arena};
    grow(c, index, count, found);
    open_loops(l, &c->element, 1, NULL);
    for (int k = 0; k < count; k++) {
        Index *from[] = {c->batch, index};
        const Expr to[] = {beside(c), expr_op2(l->pool, OP_ADD, expr_index(l->pool, index), expr_number(l->pool, k))};
        lower_element_at(l, group, expr_rewrite(l->pool, value, read_of, &found[k]), from, to, 2);
    }
}

bool lower_in_columns(Lowering *l, const Group *group, Index *index) {
    const Statement *s = group->list.at[0];
    Turned c = {.l = l, .s = s};
    Expr value = without_single_indices(l, s->value);
    const int count = index->size < ELEMENTS ? (int)index->size : ELEMENTS;
    if (!suits(&c, value)) return false;
    c.element = index_new(l->pool, name_of(pool_names(l->pool), "e"), examples_of(c.batch->size));
    l->turned = (int)c.element->size;
    c.shares = l->loop->options.threads > 1 ? c.batch->size / c.element->size : 1;
    Nodes *outer = l->out;
    for (int rest = 0; rest < 2; rest++) {
        l->out = outer;
        Node *examples = node_new(l, NODE_LOOP);
        examples->index = c.batch;
        if (rest) examples->rest = (int)c.element->size;
        else examples->step = (int)c.element->size;
        l->out = &examples->body;
        if (rest) {
            lower_together(l, group, index, s->indices + 1, s->count - 1);
            break;
        }
        for (int i = 0; i < c.count; i++) turn_round(&c, &c.columns[i]);
        open_loops(l, s->indices + 1, s->count - 1, index);
        Nodes *around = l->out;
        for (int left = 0; left < (index->size % count == 0 ? 1 : 2); left++) {
            l->out = around;
            Node *elements = node_new(l, NODE_LOOP);
            elements->index = index;
            if (left) elements->rest = count;
            else elements->step = count;
            l->out = &elements->body;
            find_elements(&c, group, value, index, left ? 1 : count);
        }
    }
    l->out = outer;
    return true;
}
