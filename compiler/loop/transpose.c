/* Copies of tensors that stand in memory the other way round: square blocks, transposed in registers.

   Requires: a statement that copies, and how both tensors stand. Ensures: a nest of two loops in lanes round each block, which printers
   make of rows of vectors; what is copied is the same.
   Example:  t.copy[b, j] = t[b, j], where neighbours along b shall be neighbours in memory, in vectors of 8:
             for b eight at a time: for j in 0..8 step 8, and the last 8 of 10 once more:
                 in lanes along j: in lanes along b: t.copy[b + lane2, j + lane] := t[b + lane2, j + lane]
   An axis of 6 that stands in memory as 8 is one block: of 6 rows where it is not the inner axis, of 8 numbers where it is. */
#include "loop/lowering.h"
#include "loop/schedule.h"

static const double COPY = 2;                                      /* cycles to copy a number alone, */
static double transposing(int lanes) { return 0.2 + 2.4 / lanes; } /* ... and in a block: small ones are dear */

typedef struct {
    Lowering *l;
    const Statement *s;
    int from, to; /* the axes along which neighbours are neighbours in memory, of what is read and of what is written */
    int lanes;
    bool apart; /* each example is read from a struct of its own: all of a few ones, then of the next */
    Expr at[MOST_AXES];
} Transpose;

/* As many numbers are there, or room for them, where the axis is the inner one. */
static int64_t room_along(const Tensor *t, int axis) {
    bool own =
        t->layout == NULL || panels_of(t) != NULL || t->border != NULL || tensor_is_persistent(t) || (axis == 0 && t->batched);
    return own ? t->shape[axis] : t->layout->axes[t->layout->count - 1].size;
}

/* How many numbers stand in whole blocks along an axis: the last block overlaps, unless an incomplete batch may lack it. */
static int64_t in_blocks(const Tensor *t, int axis, int lanes) {
    int64_t size = t->shape[axis];
    return axis == 0 && t->batched ? size - size % lanes : (size + lanes - 1) / lanes * lanes;
}

/* Do so many neighbours stand side by side, wherever a block begins? In panels, they do as far as these are wide. */
static bool side_by_side(const Tensor *t, int lanes) {
    const LayoutAxis *panels = panels_of(t);
    return panels == NULL || (panels->divisor % lanes == 0 && t->shape[panels->axis] % lanes == 0);
}

int lanes_to_transpose(const LoopProgram *loop, const Tensor *t, const Tensor *of, int from, int to, double *cycles) {
    double all = tensor_points(t), others = all / ((double)t->shape[from] * (double)t->shape[to]);
    int best = 0;
    *cycles = COPY * all;
    for (int lanes = loop->options.target->bytes / (loop->is_double ? 8 : 4); lanes >= 4; lanes /= 2) {
        double blocks = (double)in_blocks(t, from, lanes) * (double)in_blocks(t, to, lanes) * others;
        double rest = all > blocks ? all - blocks : 0, cost = transposing(lanes) * blocks + COPY * rest;
        bool fits =
            lanes <= room_along(of, from) && lanes <= room_along(t, to) && side_by_side(t, lanes) && side_by_side(of, lanes);
        if (!fits || (best > 0 && cost >= *cycles)) continue;
        best = lanes;
        *cycles = cost;
    }
    return best;
}

static void lower_block(Transpose *t, bool single) {
    Lowering *l = t->l;
    Nodes *outer = l->out;
    const int axes[] = {t->from, t->to};
    for (int i = 0; i < 2 && !single; i++) {
        Node *node = node_new(l, NODE_LOOP);
        node->index = index_new(l->pool, name_of(pool_names(l->pool), "lane"), t->lanes);
        node->index->lanes = true;
        if (t->s->indices[axes[i]]->size < t->lanes) node->high = expr_number(l->pool, (double)t->s->indices[axes[i]]->size);
        t->at[axes[i]] = expr_op2(l->pool, OP_ADD, t->at[axes[i]], expr_index(l->pool, node->index));
        l->out = &node->body;
    }
    store(l, t->s->target, t->at, expr_read(l->pool, t->s->value->tensor, t->at, t->s->count, NULL));
    l->out = outer;
}

static void open_others(Transpose *t) {
    for (int k = 0; k < t->s->count; k++) {
        if (k != t->from && k != t->to) open_loops(t->l, &t->s->indices[k], 1, NULL);
    }
}

/* Blocks along the k-th of the two axes; of an incomplete batch, what is left is copied one by one. */
static void lower_blocks(Transpose *t, int k, bool single) {
    Lowering *l = t->l;
    Pool *pool = l->pool;
    Nodes *outer = l->out;
    if (k == 2) {
        Expr at[MOST_AXES];
        for (int i = 0; i < t->s->count; i++) at[i] = t->at[i];
        lower_block(t, single);
        for (int i = 0; i < t->s->count; i++) t->at[i] = at[i];
        return;
    }
    int axis = (k == 0) == t->s->indices[t->from]->batch ? t->from : t->to; /* the batch first: its rest has no blocks */
    Index *index = t->s->indices[axis];
    int64_t lanes = t->lanes, whole = index->size / lanes, blocks = (index->size + lanes - 1) / lanes;
    if (index->size < lanes) whole = blocks;
    if (index->batch) {
        for (int rest = 0; rest < 2; rest++) {
            Node *loop = node_new(l, NODE_LOOP);
            loop->index = index;
            if (rest) loop->rest = t->lanes;
            else loop->step = t->lanes;
            t->at[axis] = expr_index(pool, index);
            l->out = &loop->body;
            if (t->apart) open_others(t);
            lower_blocks(t, k + 1, rest || single);
            l->out = outer;
        }
        return;
    }
    if (single) {
        t->at[axis] = expr_index(pool, index);
        open_loops(l, &index, 1, NULL);
        lower_blocks(t, k + 1, true);
        l->out = outer;
        return;
    }
    const Tensor *both[] = {t->s->target, t->s->value->tensor};
    int64_t panel = 1; /* blocks of one */
    for (int i = 0; i < 2; i++) {
        const LayoutAxis *panels = panels_of(both[i]);
        bool full = panels != NULL && panels->axis == axis && whole == blocks && index->size % panels->divisor == 0;
        if (full) panel = panels->divisor / lanes;
    }
    Index *loops[] = {index_new(pool, index->name, blocks / panel), index_new(pool, index->name, panel)};
    open_loops(l, loops, 2, NULL);
    Expr block = without_single_indices(l, expr_index(pool, loops[0])),
         part = without_single_indices(l, expr_index(pool, loops[1]));
    t->at[axis] = expr_op2(pool, OP_ADD, expr_op2(pool, OP_MUL, block, expr_number(pool, (double)(lanes * panel))),
                           expr_op2(pool, OP_MUL, part, expr_number(pool, (double)lanes)));
    if (whole < blocks) { /* the last block begins earlier */
        Expr first = expr_op2(pool, OP_MIN, t->at[axis], expr_number(pool, (double)(index->size - lanes)));
        t->at[axis] = read_local(l, let(l, "first", index->size, first, true));
    }
    lower_blocks(t, k + 1, false);
    l->out = outer;
}

static bool find_axes(const Lowering *l, const Group *group, Transpose *t) {
    const Statement *s = group->list.at[0];
    Expr read = s->value;
    bool plain = l->loop->options.target->bytes == 0 || !l->unrolls; /* no vectors */
    if (plain || l->step != NULL || group->list.count > 1 || group->update != NULL || s->subscripts != NULL) return false;
    if (read->kind != EXPR_READ || read->has_default || read->tensor->rank != s->count || s->count > MOST_AXES) return false;
    if (s->target->index_range > 0 || read->tensor->ring > 0 || s->target->ring > 0) return false;
    for (int k = 0; k < s->count; k++) {
        if (read->kids[k] != expr_index(l->pool, s->indices[k]) || s->indices[k]->first > 0) return false;
    }
    t->from = inner_axis(read->tensor);
    t->to = inner_axis(s->target);
    if (t->from == t->to) return false;
    t->lanes = lanes_to_transpose(l->loop, s->target, read->tensor, t->from, t->to, &(double){0});
    return t->lanes > 0;
}

bool is_transposed(const Lowering *l, const Group *group) { return find_axes(l, group, &(Transpose){0}); }

bool lower_transposed(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    Transpose t = {.l = l, .s = s};
    Nodes *outer = l->out;
    if (!find_axes(l, group, &t)) return false;
    for (int k = 0; k < s->count; k++) t.at[k] = without_single_indices(l, expr_index(l->pool, s->indices[k]));
    bool examples = s->value->tensor->kind == TENSOR_INPUT || s->value->tensor->kind == TENSOR_TARGET;
    t.apart = examples && (s->indices[t.from]->batch || s->indices[t.to]->batch);
    if (!t.apart) open_others(&t);
    lower_blocks(&t, 0, false);
    l->out = outer;
    return true;
}
