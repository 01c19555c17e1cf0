/* Sums that grow in rows, side by side in memory (lower.c says when). */
#include "loop/lowering.h"

enum { MOST_AXES = 8, SHORT_ARRAY = 64, ARRAY_OF_A_THREAD = 4096, TERMS_AT_A_TIME = 4 };

typedef struct {
    Index *across;
    Tensor *target; /* the first row grows in the target itself where it may, the others in buffers of their own */
    Index *const *indices;
    const char *name;
} Row;

/* The factors that are the same for all of a row, read before it: else the C compiler has to prove that the row does not overwrite them. */
Expr read_first(Lowering *l, Expr e, const Index *across) {
    bool read = e->kind == EXPR_READ && !e->has_default && e->tensor->rank > 0 && !e->tensor->local;
    if (read && !expr_depends(e, across)) return let_read(l, e);
    if (!expr_is_op(e, OP_MUL) || e->integer) return e;
    Expr a = read_first(l, e->kids[0], across);
    return expr_op2(l->pool, OP_MUL, a, read_first(l, e->kids[1], across));
}

static bool is_plain_product(Expr e) {
    return expr_is_op(e, OP_MUL) && !expr_is_op(e->kids[0], OP_MUL) && !expr_is_op(e->kids[1], OP_MUL);
}

/* for all points of the sum: for all of the row: row := row + term; several terms, where the innermost index of the sum is long. Fast
   arithmetic adds these before it adds them to the row. */
static void grow(Lowering *l, Tensor *row, const Expr *at, Index *across, Expr reduce) {
    Index *last = reduce->bound[reduce->bound_count - 1];
    Expr body = reduce->kids[0];
    bool fast = l->loop->options.fast, long_enough = last->size >= 2 * TERMS_AT_A_TIME && (fast || is_plain_product(body));
    bool several = long_enough && expr_depends(body, last) && body->nodes <= 40;
    open_loops(l, reduce->bound, reduce->bound_count - several, NULL);
    Nodes *inner = l->out;
    for (int rest = several ? 0 : 1; rest < 2; rest++) {
        const int count = rest ? 1 : TERMS_AT_A_TIME;
        Expr terms[TERMS_AT_A_TIME];
        if (several && rest && !last->batch && last->size % TERMS_AT_A_TIME == 0) return;
        l->out = inner;
        if (several) {
            Node *loop = node_new(l, NODE_LOOP);
            loop->index = last;
            if (rest) loop->rest = TERMS_AT_A_TIME;
            else loop->step = TERMS_AT_A_TIME;
            l->out = &loop->body;
        }
        for (int k = 0; k < count; k++) {
            terms[k] = shifted(l, body, last, k);
            if (!row->array) terms[k] = read_first(l, terms[k], across);
        }
        Nodes *around = open_loops(l, &across, 1, NULL);
        around->at[around->count - 1]->not_unrolled = l->unrolls && across->size >= LEAST_VECTOR && across->size <= FEW_ELEMENTS;
        Expr sum = fast ? lowered(l, terms[0]) : read_at(l, row, at);
        for (int k = fast ? 1 : 0; k < count; k++) sum = expr_op2(l->pool, OP_ADD, sum, lowered(l, terms[k]));
        store(l, row, at, fast ? expr_op2(l->pool, OP_ADD, read_at(l, row, at), sum) : sum);
    }
}

static Expr grow_row(Lowering *l, Row *row, Expr reduce) {
    Tensor *tensor = row->across->size <= SHORT_ARRAY ? NULL : row->target; /* a short one stays in registers */
    Expr at[MOST_AXES];
    for (int i = 0; tensor != NULL && i < tensor->rank; i++) at[i] = expr_index(l->pool, row->indices[i]);
    if (tensor == NULL) {
        tensor = tensor_new(l->program, TENSOR_PART, arena_printf(l->arena, "%s_row", row->name), 1, &row->across->size);
        bool threads = l->loop->options.threads > 1; /* each needs a row of its own */
        tensor->array = row->across->size <= (threads ? ARRAY_OF_A_THREAD : SHORT_ARRAY);
        at[0] = expr_index(l->pool, row->across);
    }
    Node *declared = tensor->array ? node_new(l, NODE_LET) : NULL;
    if (declared != NULL) declared->target = tensor;
    row->target = NULL;
    Nodes *outer = l->out;
    if (l->own == NULL && declared != NULL) {
        vec_push(l->arena, &declared->elements, expr_number(l->pool, 0));
    } else if (l->own == NULL || l->own != read_at(l, tensor, at)) {
        open_loops(l, &row->across, 1, NULL);
        store(l, tensor, at, l->own != NULL ? l->own : expr_number(l->pool, 0));
        l->out = outer;
    }
    grow(l, tensor, at, row->across, reduce);
    l->out = outer;
    return read_at(l, tensor, at);
}

void look_at_reduction(void *context, Expr e) {
    Sums *sums = context;
    sums->leaves |= e->kind == EXPR_READ && e->has_default;
    if (e->kind != EXPR_REDUCE) return;
    if (e->reduction != REDUCE_SUM) {
        sums->others = true;
        return;
    }
    if (sums->first == NULL) sums->first = e;
    if (sums->count < LOOKED_AT) sums->sums[sums->count++] = e;
}

/* Do most terms have operands side by side along the index? */
static bool most_run_along(Lowering *l, const Sums *sums, Index *index) {
    double along = 0, apart = 0;
    for (int i = 0; i < sums->count; i++) {
        const Expr sum = sums->sums[i];
        double terms = index_product(sum->bound, sum->bound_count);
        if (runs_along(l, sum->kids[0], index)) along += terms;
        else if (expr_depends(sum->kids[0], index)) apart += terms;
    }
    return along > apart;
}

/* The index of the statement along which its sums are to grow: the longest whose operands lie side by side, if it is longer than the
   index of the sum itself that could run innermost. */
Index *row_index(Lowering *l, const Statement *s) {
    Sums sums = {0};
    expr_visit(l->pool, s->value, look_at_reduction, &sums);
    if (sums.first == NULL || sums.others || s->subscripts != NULL || s->count > MOST_AXES) return NULL;
    bool best_in_target = false;
    Index *best = NULL, *inner = sums.first->bound[sums.first->bound_count - 1];
    double points = index_product(sums.first->bound, sums.first->bound_count);
    for (int i = 0; i < s->count; i++) {
        Index *index = s->indices[i];
        if (index->batch || index == l->step || index->size - index->first < SHORT_ROW || !most_run_along(l, &sums, index))
            continue;
        bool in_target = i == (s->count == s->target->rank ? inner_axis(s->target) : s->count - 1); /* side by side there, too */
        if (best != NULL && !in_target && (best_in_target || index->size <= best->size)) continue;
        best = index;
        best_in_target = in_target;
    }
    if (best == NULL || points < 2) return NULL;
    return runs_along(l, sums.first->kids[0], inner) && inner->size > best->size ? NULL : best;
}

Expr read_of(void *context, Expr e) {
    Expr read = expr_map_get(context, e);
    return read != NULL ? read : e;
}

typedef struct {
    Lowering *l;
    Row *row;
    ExprMap read;
} Rows;

static void grow_rows(void *context, Expr e) {
    Rows *rows = context;
    if (e->kind == EXPR_REDUCE) expr_map_put(&rows->read, e, grow_row(rows->l, rows->row, e));
}

/* The loops of the statement are open but for the one across; returns false where the rows are all there is to do. */
bool sums_across(Lowering *l, const Group *group, Index *across, Expr *value) {
    Statement *s = group->list.at[0];
    bool in_target = !is_held(group, s->target) && s->target->index_range == 0 && s->target->ring == 0 &&
                     !expr_reads(l->pool, s->value, s->target);
    Row row = {.across = across, .target = in_target ? s->target : NULL, .indices = s->indices, .name = s->target->name};
    Rows rows = {.l = l, .row = &row, .read = {.arena = l->arena}};
    expr_visit(l->pool, *value, grow_rows, &rows);
    *value = expr_rewrite(l->pool, *value, read_of, &rows.read);
    Expr own[s->count + 1];
    for (int i = 0; i < s->count; i++) own[i] = expr_index(l->pool, s->indices[i]);
    return !in_target || *value != read_at(l, s->target, own);
}
