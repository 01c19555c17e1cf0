/* Columns and rows as nodes: columns.c says what they are.

   Requires: a choice of columns.c. Ensures: each row has all its terms before elements are found of it; columns of elements that are not
   there are 0, and nothing is stored for these. */
#include "loop/columns.h"

/* ---- Columns */

/* The last block has fewer elements, as the last batch may have. */
static bool lacks_some(const Turned *c) { return c->along->batch || c->along->size % c->element->size != 0; }

static Expr beside(const Turned *c) {
    Expr element = expr_index(c->l->pool, c->element);
    return c->blocks == 1 ? element : expr_op2(c->l->pool, OP_ADD, expr_index(c->l->pool, c->along), element);
}

/* A loop over the elements that there are, or over those that the last block lacks. */
static void open_elements(Turned *c, bool beyond) {
    Nodes *outer = open_loops(c->l, &c->element, 1, NULL);
    Node *loop = outer->at[outer->count - 1];
    if (!lacks_some(c)) return;
    loop->within = c->along;
    loop->from = c->blocks == 1 ? expr_number(c->l->pool, 0) : expr_index(c->l->pool, c->along);
    loop->beyond = beyond;
}

/* Threads that share blocks, or loops outside of them, have columns of their own; and blocks do whose columns are found before all steps. */
static int own_place(const Turned *c, Expr *at, int64_t *shape) {
    Pool *pool = c->l->pool;
    int rank = 0;
    if (c->l->loop->options.threads <= 1 && !c->of_all_steps) return 0;
    if (c->blocks > 1) {
        at[rank] = expr_op2(pool, OP_FLOORDIV, expr_index(pool, c->along), expr_number(pool, (double)c->element->size));
        shape[rank++] = c->blocks;
    }
    for (int i = 0; i < c->outside_count; i++) {
        at[rank] = expr_index(pool, c->outside[i]);
        shape[rank++] = c->outside[i]->size;
    }
    return rank;
}

/* The columns that another statement of the scan, or this one in earlier steps, has of the same; or NULL */
static Tensor *found_before(const Turned *c, const Column *column) {
    const Lowering *l = c->l;
    for (size_t i = 0; i < l->of_all_steps.count; i++) {
        const Column *other = l->of_all_steps.at[i];
        bool same = other->read->tensor == column->read->tensor && other->along == column->along && other->of == column->of &&
                    other->elements == column->elements;
        for (int a = 0; a < column->read->tensor->rank && same; a++) {
            bool alike = a == column->along || column->varies[a] || other->read->kids[a] == column->read->kids[a];
            same = other->varies[a] == column->varies[a] && alike;
        }
        if (same) return other->columns;
    }
    return NULL;
}

/* for all of what is read: for e: columns[...][e] := x[b + e, ...] */
static void turn_round(Turned *c, Column *column) {
    Lowering *l = c->l;
    const Expr read = column->read;
    Tensor *t = read->tensor;
    Index *axes[COLUMN_AXES];
    Expr from[COLUMN_AXES], to[3 * COLUMN_AXES];
    int64_t shape[3 * COLUMN_AXES];
    int rank = own_place(c, to, shape), count = 0;
    for (int a = 0; a < t->rank; a++) {
        from[a] = read->kids[a];
        if (!column->varies[a]) continue;
        Index *index = read->kids[a]->kind == EXPR_INDEX ? read->kids[a]->index : NULL;
        bool alone = index != NULL && index->first == 0 && index->size == t->shape[a];
        for (int k = 0; k < count; k++) alone &= axes[k] != index;
        axes[count] = alone ? index : index_of_axis(l->program, t, a, t->shape[a]);
        from[a] = to[rank] = expr_index(l->pool, axes[count++]);
        shape[rank++] = t->shape[a];
    }
    to[rank] = expr_index(l->pool, c->element);
    shape[rank++] = c->element->size;
    column->columns = tensor_new(l->program, TENSOR_PART, arena_printf(l->arena, "%s.columns", t->name), rank, shape);
    /* In a step of a scan it may be read before the first one. */
    Expr inside = is_inside(l->pool, t, from), zero = expr_number(l->pool, 0);
    from[column->along] = beside(c);
    Expr value = expr_if(l->pool, inside, expr_read(l->pool, t, from, t->rank, NULL), zero);
    Nodes *outer = open_loops(l, axes, count, NULL), *inner = l->out;
    open_elements(c, false);
    store(l, column->columns, to, without_single_indices(l, value));
    l->out = inner;
    if (lacks_some(c)) {
        open_elements(c, true);
        store(l, column->columns, to, zero);
    }
    l->out = outer;
}

static Expr read_columns(void *context, Expr e) {
    Turned *c = context;
    Pool *pool = c->l->pool;
    if (e->kind != EXPR_READ || !differs_in_block(c, e)) return e;
    if (is_side_by_side(c, e)) {
        Expr at = beside(c);
        return expr_substitute(pool, e, &c->along, &at, 1);
    }
    const Column *column = column_for(c, e);
    Expr at[3 * COLUMN_AXES];
    int rank = own_place(c, at, (int64_t[3 * COLUMN_AXES]){0});
    for (int a = 0; a < e->tensor->rank; a++) {
        if (column->varies[a]) at[rank++] = e->kids[a];
    }
    at[rank++] = expr_index(pool, c->element);
    return expr_read(pool, column->columns, at, rank, e->has_default ? e->kids[e->count - 1] : NULL);
}

/* ---- Rows that grow together */

typedef struct {
    Turned *c;
    int sum, count; /* of rows */
    Tensor *rows[MOST_ROWS];
    Expr terms[MOST_ROWS]; /* of each row */
    bool asked[MOST_CONDITIONS];
} Rows;

static Expr moved(const Turned *c, Expr e, Expr first, int by) {
    if (c->next == NULL) return e;
    Expr to = expr_op2(c->l->pool, OP_ADD, first, expr_number(c->l->pool, by));
    return expr_substitute(c->l->pool, e, &c->next, &to, 1);
}

/* What can be asked, once these of the sum's loops are open */
static void ask_in_loops(Rows *r, int open) {
    Lowering *l = r->c->l;
    Expr sum = r->c->sums[r->sum], all = expr_truth(l->pool, true);
    for (int i = 0; i < r->c->condition_count[r->sum]; i++) {
        Expr condition = r->c->conditions[r->sum][i];
        bool known = !r->asked[i];
        for (int k = open; k < sum->bound_count && known; k++) known = !expr_depends(condition, sum->bound[k]);
        if (!known) continue;
        all = expr_op2(l->pool, OP_AND, all, condition);
        r->asked[i] = true;
    }
    if (all == expr_truth(l->pool, true)) return;
    Node *node = node_new(l, NODE_IF);
    node->value = without_single_indices(l, all);
    l->out = &node->body;
}

/* The numbers that are asked for: they are the same for all elements. */
static Expr read_questions(Turned *c, ExprMap *found, Expr term) {
    if (expr_is_op(term, OP_MUL)) {
        Expr first = read_questions(c, found, term->kids[0]);
        return expr_op2(c->l->pool, OP_MUL, first, read_questions(c, found, term->kids[1]));
    }
    bool number = expr_is_op(term, OP_IF) && term->kids[1]->kind == EXPR_READ && !expr_depends(term, c->element);
    if (!number) return term;
    if (expr_map_get(found, term) == NULL) {
        const char *name = term->kids[1]->tensor->name, *dot = strrchr(name, '.');
        expr_map_put(found, term, read_local(c->l, let(c->l, dot != NULL ? dot + 1 : name, 0, term, true)));
    }
    return expr_map_get(found, term);
}

/* for e: row[e] += terms of some values of the sum's last index */
static void add_terms(Rows *r, Index *last, Expr const *places, int count) {
    Lowering *l = r->c->l;
    const Expr element = expr_index(l->pool, r->c->element);
    Expr terms[MOST_ROWS][MOST_ROWS];
    ExprMap found = {.arena = l->arena};
    for (int k = 0; k < r->count; k++) {
        for (int i = 0; i < count; i++) {
            Expr term = last != NULL ? expr_substitute(l->pool, r->terms[k], &last, &places[i], 1) : r->terms[k];
            terms[k][i] = read_questions(r->c, &found, without_single_indices(l, term));
        }
    }
    Nodes *outer = open_loops(l, &r->c->element, 1, NULL);
    outer->at[outer->count - 1]->not_unrolled = r->c->element->size <= FEW_ELEMENTS;
    for (int k = 0; k < r->count; k++) {
        Expr row = read_at(l, r->rows[k], &element);
        for (int i = 0; i < count; i++) row = expr_op2(l->pool, OP_ADD, row, lowered(l, terms[k][i]));
        store(l, r->rows[k], &element, row);
    }
}

/* for all points of the sum: rows grow by a term, or by several where nothing is asked on the way */
static void grow(Rows *r) {
    Lowering *l = r->c->l;
    const Expr sum = r->c->sums[r->sum];
    int open = 0;
    ask_in_loops(r, 0);
    for (; open + 1 < sum->bound_count; open++) {
        open_loops(l, &sum->bound[open], 1, NULL);
        ask_in_loops(r, open + 1);
    }
    Index *last = sum->bound[open];
    bool asks = false;
    for (int i = 0; i < r->c->condition_count[r->sum]; i++) asks |= !r->asked[i];
    if (asks || last->batch || last->first > 0) {
        open_loops(l, &last, 1, NULL);
        ask_in_loops(r, open + 1);
        add_terms(r, NULL, NULL, 1);
        return;
    }
    Nodes *inner = l->out;
    const int64_t at_once = last->size <= MOST_ROWS ? last->size : TERMS, rest = last->size % at_once;
    Expr places[MOST_ROWS];
    if (last->size > at_once) {
        Node *loop = node_new(l, NODE_LOOP);
        loop->index = last;
        loop->step = (int)at_once;
        l->out = &loop->body;
        for (int i = 0; i < at_once; i++)
            places[i] = expr_op2(l->pool, OP_ADD, expr_index(l->pool, last), expr_number(l->pool, i));
        add_terms(r, last, places, (int)at_once);
        l->out = inner;
    }
    const int left = (int)(last->size > at_once ? rest : at_once);
    for (int i = 0; i < left; i++) places[i] = expr_number(l->pool, (double)(last->size - left + i));
    if (left > 0) add_terms(r, last, places, left);
}

/* The sums of `count` rows from the `first` on: in found[k], by sum. */
static void grow_rows(Turned *c, int sum, Expr first, int count, ExprMap *found) {
    Lowering *l = c->l;
    Nodes *outer = l->out;
    Expr element = expr_index(l->pool, c->element), term = expr_replace(l->pool, c->terms[sum], read_columns, c);
    Rows r = {.c = c, .sum = sum, .count = count};
    for (int k = 0; k < count; k++) {
        r.rows[k] = tensor_new(l->program, TENSOR_PART, "row", 1, &c->element->size);
        r.rows[k]->array = true;
        r.terms[k] = moved(c, term, first, k);
        Node *row = node_new(l, NODE_LET);
        row->target = r.rows[k];
        vec_push(l->arena, &row->elements, expr_number(l->pool, 0));
        expr_map_put(&found[k], c->sums[sum], read_at(l, r.rows[k], &element));
    }
    grow(&r);
    l->out = outer;
}

static void find_elements(Turned *c, const Group *group, Expr value, Expr first, int count) {
    Lowering *l = c->l;
    ExprMap found[MOST_ROWS];
    for (int k = 0; k < count; k++) found[k] = (ExprMap){.arena = l->arena};
    for (int i = 0; i < c->sum_count; i++) grow_rows(c, i, first, count, found);
    open_elements(c, false);
    for (int k = 0; k < count; k++) {
        Index *from[] = {c->along, c->next};
        const Expr to[] = {beside(c), c->next != NULL ? expr_op2(l->pool, OP_ADD, first, expr_number(l->pool, k)) : NULL};
        lower_element_at(l, group, expr_rewrite(l->pool, value, read_of, &found[k]), from, to, c->next != NULL ? 2 : 1);
    }
}

static void find_all(Turned *c, const Group *group, Expr value) {
    Lowering *l = c->l;
    if (c->next == NULL) {
        find_elements(c, group, value, NULL, 1);
        return;
    }
    const int64_t size = c->next->size, at_once = size <= MOST_ROWS ? size : ROWS, rest = size % at_once;
    Nodes *around = l->out;
    for (int left = 0; left < (rest > 0 ? 2 : 1); left++) {
        Node *loop = NULL;
        l->out = around;
        if (size > at_once) loop = node_new(l, NODE_LOOP);
        if (loop != NULL) {
            loop->index = c->next;
            loop->step = (int)(left ? rest : at_once);
            loop->rest = left ? (int)at_once : 0;
            l->out = &loop->body;
        }
        Expr first = loop != NULL ? expr_index(l->pool, c->next) : expr_number(l->pool, 0);
        find_elements(c, group, value, first, (int)(left ? rest : at_once));
    }
    l->out = around;
}

/* ---- All of it */

static void open_blocks(Turned *c) {
    if (c->blocks == 1) return;
    Node *loop = node_new(c->l, NODE_LOOP);
    loop->index = c->along;
    loop->step = (int)c->element->size;
    loop->all = true;
    c->l->out = &loop->body;
}

static void turn_for_all_steps(Turned *c) {
    Lowering *l = c->l;
    Nodes *outer = l->out;
    for (int i = 0; i < c->column_count; i++) {
        Column *column = &c->columns[i];
        column->columns = found_before(c, column);
        if (column->columns != NULL) continue;
        l->out = l->before_steps;
        open_blocks(c);
        turn_round(c, column);
        Column *kept = NEW(l->arena, Column);
        *kept = *column;
        vec_push(l->arena, &l->of_all_steps, kept);
    }
    l->out = outer;
}

/* Columns, and loops over all indices of the statement but those of the elements and the rows. */
static void open_all(Turned *c) {
    Lowering *l = c->l;
    if (c->of_all_steps) turn_for_all_steps(c);
    open_loops(l, c->outside, c->outside_count, NULL);
    open_blocks(c);
    for (int i = 0; i < c->column_count && !c->of_all_steps; i++) turn_round(c, &c->columns[i]);
    for (int i = 0; i < c->s->count; i++) {
        Index *index = c->s->indices[i];
        if (index != c->along && index != c->next && !is_round_columns(c, index)) open_loops(l, &index, 1, NULL);
    }
}

void grow_in_columns(Turned *c, const Group *group, Expr value) {
    Nodes *outer = c->l->out;
    open_all(c);
    find_all(c, group, value);
    c->l->out = outer;
}
