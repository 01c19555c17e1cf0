/* Sums of many elements at a time: C without vectors, where what elements read does not stand side by side in memory.

   C compilers make vectors of a loop over elements, but not of one over the terms of a sum, which may not be added out of order, nor of
   one in which neighbours read numbers that lie apart. So the numbers of several elements along one index, examples for example, are
   turned round first: they stand side by side, and the sums of these elements grow together:

       for b, 32 at a time:
           for i: for e: columns[i][e] := x[b + e, i]
           for j, 4 at a time:
               row := 0; row2 := 0; ...
               for i: for e: row[e] += W[j, i] * columns[i][e]; row2[e] += W[j + 1, i] * columns[i][e]; ...
               for e: hidden.dense[b + e, j] := row[e]; ...

   The same for weights of a convolution, whose gradient has neighbours that read other channels.
   Requires: what lower.c would lower without vectors. Ensures: the same numbers are added in the same order. Terms that are 0, because
   they read beyond an end of a tensor, are not asked for in the loop over elements, but before it. In a step of a scan, columns have
   what the sums read in this step; those of parameters, which are the same in all steps, are found before the first one. */
#include "loop/columns.h"

#include "loop/cost.h"
#include "tensor/affine.h"

#include <math.h>

/* Cycles */
static const double TURNING = 1.6, /* for a number that is turned round */
    GROWING = 1.5 / LANES,         /* for a term of a row */
    WAITING = 6,                   /* from one term of a row to the next, which needs the sum so far */
    LOOPING = 1,                   /* for a loop */
    ASKING = 0.5,                  /* for a number of a row that may not be there */
    STORING = 1.5,                 /* a result away from those beside it */
    READING = 0.5 / LANES,         /* for a number of a column that rows do not share */
    ONE_BY_ONE = 0.8,              /* for a term of a sum that is no row, ... */
    ASKED = 1,                     /* ... or which asks, ... */
    ASKED_AT_ENDS = 0.5,           /* ... or is one of a row whose ends ask */
    WORTH = 1000,                  /* that are saved ... */
    WORTH_SHARE = 0.2;             /* ... of all */

/* ---- What sums read */

bool is_round_columns(const Turned *c, const Index *index) {
    bool found = index == c->l->step;
    for (int i = 0; i < c->outside_count; i++) found |= c->outside[i] == index;
    return found;
}

static void look_for_read(void *found, Expr e) { *(bool *)found |= e->kind == EXPR_READ || e->kind == EXPR_DRAW; }

/* Is it another for each of the elements that stand side by side? Digits of the index that all of a block share are not: in a block of 8
   or fewer, i / 8 is that of the first one. */
bool differs_in_block(const Turned *c, Expr e) {
    if (e->kind == EXPR_INDEX || !expr_depends(e, c->along)) return expr_depends(e, c->along);
    bool digit = expr_is_op(e, OP_FLOORDIV) && e->kids[0] == expr_index(c->l->pool, c->along) && e->kids[1]->kind == EXPR_CONST;
    if (digit && c->blocks > 1 && fmod(e->kids[1]->value, (double)c->element->size) == 0) return false;
    bool differs = false;
    for (int k = 0; k < e->count && !differs; k++) differs = differs_in_block(c, e->kids[k]);
    return differs;
}

static bool varies(const Turned *c, Expr subscript) {
    for (int i = 0; i < subscript->free_count; i++) {
        if (!is_round_columns(c, subscript->free[i])) return true;
    }
    return false;
}

/* The axis along which the read moves with the index, from one end to the other; -1: there is none, or more than one */
static int axis_along(Pool *pool, Expr read, Index *index) {
    int found = -1, count = 0;
    for (int a = 0; a < read->tensor->rank; a++) {
        if (!expr_depends(read->kids[a], index)) continue;
        if (read->kids[a] == expr_index(pool, index) && index->size <= read->tensor->shape[a]) found = a;
        count++;
    }
    return count == 1 ? found : -1;
}

/* Neighbours stand side by side as it is. */
bool is_side_by_side(const Turned *c, Expr read) {
    const int inner = inner_axis(read->tensor);
    Interval range = interval_of(read->kids[inner]);
    bool inside = range.known && range.low >= 0 && range.high < read->tensor->shape[inner];
    return runs_along(c->l, read, c->along) && inside && c->along->size % c->element->size == 0 && !c->along->batch;
}

static void look_at_operand(void *context, Expr e) {
    Turned *c = context;
    if (e->kind == EXPR_REDUCE || e->kind == EXPR_DRAW) c->suits = false;
    if (e->kind != EXPR_READ || !differs_in_block(c, e)) return;
    const Tensor *t = e->tensor;
    c->suits &= !t->local && t->index_range == 0 && t->ring == 0 && t->rank > 0 && t->rank <= COLUMN_AXES;
    if (!c->suits || is_side_by_side(c, e)) return;
    c->suits = axis_along(c->l->pool, e, c->along) >= 0 && c->read_count < COLUMN_READS;
    if (c->suits) c->reads[c->read_count++] = e;
}

static bool asks_indices(const Turned *c, Expr condition) {
    bool reads = differs_in_block(c, condition);
    expr_visit(c->l->pool, condition, look_for_read, &reads);
    return !reads;
}

static void ask(Turned *c, int sum, Expr condition) {
    for (int i = 0; i < c->condition_count[sum]; i++) {
        if (c->conditions[sum][i] == condition) return;
    }
    c->suits &= c->condition_count[sum] < MOST_CONDITIONS;
    if (c->suits) c->conditions[sum][c->condition_count[sum]++] = condition;
}

/* All that is asked is asked before the loop over elements; but what the next row asks for a number that is the same for all elements,
   decides that number: what is left of the condition. */
static Expr ask_before(Turned *c, int sum, Expr condition, bool number) {
    Pool *pool = c->l->pool;
    if (expr_is_op(condition, OP_AND)) {
        Expr first = ask_before(c, sum, condition->kids[0], number);
        return expr_op2(pool, OP_AND, first, ask_before(c, sum, condition->kids[1], number));
    }
    if (number && c->next != NULL && expr_depends(condition, c->next)) return condition;
    if (condition != expr_truth(pool, true)) ask(c, sum, condition);
    return expr_truth(pool, true);
}

static Expr without_defaults(Turned *c, int sum, Expr term) {
    Pool *pool = c->l->pool;
    if (expr_is_op(term, OP_MUL)) {
        Expr first = without_defaults(c, sum, term->kids[0]);
        return expr_op2(pool, OP_MUL, first, without_defaults(c, sum, term->kids[1]));
    }
    if (term->kind != EXPR_READ || !term->has_default) return term;
    Expr left = ask_before(c, sum, is_inside(pool, term->tensor, term->kids), !differs_in_block(c, term));
    Expr read = expr_read(pool, term->tensor, term->kids, term->tensor->rank, NULL);
    return expr_if(pool, left, read, expr_number(pool, 0));
}

/* The term without the questions that are the same for all elements, where it is 0 if the answer is no. */
static Expr without_questions(Turned *c, int sum, Expr term) {
    while (expr_is_op(term, OP_IF) && asks_indices(c, term->kids[0]) && expr_is(term->kids[2], 0)) {
        ask_before(c, sum, term->kids[0], false);
        term = term->kids[1];
    }
    return is_product(term) ? without_defaults(c, sum, term) : term;
}

/* The index stands in subscripts alone. */
static bool only_reads_along(const Index *along, Expr e) {
    if (!expr_depends(e, along)) return true;
    bool only = e->kind != EXPR_INDEX;
    int first = e->kind == EXPR_READ ? e->tensor->rank : 0; /* what it is by default */
    for (int k = first; k < e->count && only; k++) only = only_reads_along(along, e->kids[k]);
    return only;
}

static void look_at_sum(void *context, Expr e) {
    Turned *c = context;
    if (e->kind != EXPR_REDUCE) return;
    double points = index_product(e->bound, e->bound_count);
    c->suits &=
        c->sum_count < MOST_SUMS && e->reduction == REDUCE_SUM && points >= LEAST_TERMS && only_reads_along(c->along, e->kids[0]);
    if (!c->suits) return;
    c->sums[c->sum_count++] = e;
    c->work += points;
    expr_visit(c->l->pool, e->kids[0], look_at_operand, c);
}

static void look_for_question(void *found, Expr e) { *(bool *)found |= expr_is_op(e, OP_IF); }

/* What is asked, if the rows of this index grow together; returns whether that may be. */
static bool ask_for(Turned *c, Index *next) {
    c->next = next;
    for (int s = 0; s < c->sum_count; s++) {
        c->condition_count[s] = 0;
        c->terms[s] = without_questions(c, s, c->sums[s]->kids[0]);
        for (int i = 0; i < c->condition_count[s]; i++) {
            c->suits &= !differs_in_block(c, c->conditions[s][i]);
            if (next != NULL && expr_depends(c->conditions[s][i], next)) return false;
        }
    }
    return true;
}

/* ---- Loops, and columns */

/* All that is read has an axis for the index: its elements need not be turned round together. */
static bool is_in_all(const Turned *c, Index *index) {
    bool all = index != c->along && index != c->l->step && c->read_count > 0;
    for (int r = 0; r < c->read_count && all; r++) all = axis_along(c->l->pool, c->reads[r], index) >= 0;
    return all;
}

/* All that is turned round are numbers of parameters, at places that depend neither on the step nor on what steps find: that is done
   once for all steps. */
static bool is_of_all_steps(const Turned *c) {
    bool all = c->l->step != NULL && c->l->loop->options.threads <= 1 && c->read_count > 0;
    for (int r = 0; r < c->read_count && all; r++) {
        Expr read = c->reads[r];
        bool varies = read->tensor->kind != TENSOR_PARAMETER;
        for (int a = 0; a < read->tensor->rank; a++) {
            varies |= expr_depends(read->kids[a], c->l->step);
            expr_visit(c->l->pool, read->kids[a], look_for_read, &varies);
        }
        all = !varies;
    }
    return all;
}

Column *column_for(Turned *c, Expr read) {
    for (int i = 0; i < c->column_count; i++) {
        const Column *column = &c->columns[i];
        bool same = column->read->tensor == read->tensor && read->kids[column->along] == column->read->kids[column->along];
        for (int a = 0; same && a < read->tensor->rank; a++)
            same = column->varies[a] ? varies(c, read->kids[a]) : column->read->kids[a] == read->kids[a];
        if (same) return &c->columns[i];
    }
    return NULL;
}

static void add_column(Turned *c, Expr read) {
    if (column_for(c, read) != NULL) return;
    c->suits &= c->column_count < MOST_COLUMNS;
    if (!c->suits) return;
    Column *column = &c->columns[c->column_count++];
    double numbers = 1;
    *column = (Column){
        .read = read, .along = axis_along(c->l->pool, read, c->along), .of = c->along->size, .elements = c->element->size};
    for (int a = 0; a < read->tensor->rank; a++) {
        column->varies[a] = a != column->along && varies(c, read->kids[a]);
        numbers *= column->varies[a] ? (double)read->tensor->shape[a] : 1;
    }
    c->suits &= numbers * (double)c->element->size <= MOST_NUMBERS;
    c->numbers += numbers;
}

static bool is_in_columns(const Turned *c, const Index *index) {
    bool any = false;
    for (int i = 0; i < c->column_count; i++) any |= expr_depends(c->columns[i].read, index);
    return any;
}

/* The rows ask for numbers, each for its own. */
static bool asks_for_numbers(const Turned *c) {
    bool any = false;
    for (int s = 0; s < c->sum_count; s++) expr_visit(c->l->pool, c->terms[s], look_for_question, &any);
    return any;
}

static double cost_of(const Turned *c) {
    double width = (double)((c->element->size + LANES - 1) / LANES * LANES),
           filled = (double)c->along->size / ((double)c->blocks * width);
    double asking = c->next != NULL && asks_for_numbers(c) ? ASKING : 0,
           sharing = c->next != NULL && is_in_columns(c, c->next) ? READING : 0;
    double rows = c->next == NULL ? 1 : c->next->size < ROWS ? (double)c->next->size : ROWS, numbers = rows * width;
    double growing = (fmax((GROWING + sharing) * numbers, WAITING) + LOOPING + asking * rows) / numbers;
    const Statement *s = c->s;
    double turning = c->numbers * TURNING / (c->of_all_steps ? (double)s->scan->index->size : 1);
    double results = s->indices[inner_axis(s->target)] == c->along ? 0 : 1; /* for an element: they lie apart */
    for (int i = 0; i < s->count; i++) {
        if (s->indices[i] != c->along && s->indices[i] != c->l->step) results *= (double)s->indices[i]->size;
    }
    return (c->work * growing + turning + results * STORING) / filled;
}

/* Rows of neighbours share what they read of the columns; or at least the loop. */
static void choose_next(Turned *c) {
    Index *best = NULL;
    double least = INFINITY;
    for (int i = c->s->count - 1; i >= -1; i--) {
        Index *index = i >= 0 ? c->s->indices[i] : NULL;
        bool open = index != NULL &&
                    (index->batch || index->first > 0 || is_single(index) || index == c->along || is_round_columns(c, index));
        if (open || !ask_for(c, index)) continue;
        double cost = cost_of(c);
        if (cost < least) {
            best = index;
            least = cost;
        }
    }
    ask_for(c, best);
}

/* How many elements at a time: whole vectors, few of which are not filled in the last block, and long loops. Where digits of the index
   are asked for, as many as share them. */
static int64_t elements_of(const Turned *c, Expr value) {
    const Index *along = c->along;
    const int64_t digit = digit_of(c->l->pool, value, along);
    int64_t best = LANES;
    double least = INFINITY;
    for (int64_t count = LANES; count <= MOST_ELEMENTS; count += LANES) {
        double time = (double)((along->size + count - 1) / count * (count + LANES / 2));
        if (time >= least || digit % count != 0) continue;
        least = time;
        best = count;
    }
    return digit % best != 0 && digit <= MOST_ELEMENTS ? digit : best;
}

static bool suits(Turned *c, Index *along, Expr value) {
    const Statement *s = c->s;
    c->along = along;
    c->suits = along != c->l->step && along->size >= LEAST_ELEMENTS && along->first == 0;
    if (!c->suits) return false;
    c->element = index_new(c->l->pool, name_of(pool_names(c->l->pool), "e"), elements_of(c, value));
    c->blocks = (along->size + c->element->size - 1) / c->element->size;
    expr_visit(c->l->pool, value, look_at_sum, c);
    if (!c->suits || c->sum_count == 0) return false;
    c->of_all_steps = is_of_all_steps(c);
    for (int i = 0; i < s->count; i++) {
        Index *index = s->indices[i];
        if (index == along || index == c->l->step) continue;
        c->work *= (double)index->size;
        if (c->outside_count < COLUMN_AXES && !is_single(index) && !c->of_all_steps && is_in_all(c, index))
            c->outside[c->outside_count++] = index;
    }
    for (int r = 0; r < c->read_count && c->suits; r++) add_column(c, c->reads[r]);
    double all = c->numbers * (double)(c->blocks * c->element->size); /* of threads, which have columns of their own */
    for (int i = 0; i < c->outside_count; i++) c->numbers *= (double)c->outside[i]->size;
    for (int i = 0; i < c->outside_count; i++) all *= (double)c->outside[i]->size;
    c->suits &= c->l->loop->options.threads <= 1 || all <= MOST_NUMBERS;
    choose_next(c);
    return c->suits;
}

/* ---- Choice */

static double time_of(const Turned *c) { return cost_of(c) * (double)c->along->size; }

/* A sum without columns, for each of its terms; `across`: rows grow along it, or NULL. */
static double cost_of_term(Lowering *l, const Group *group, Expr sum, Index *across, bool leaves) {
    Index *last = sum->bound[sum->bound_count - 1];
    bool lanes = l->loop->options.fast && runs_along(l, sum->kids[0], last);
    bool apart = across != NULL && expr_depends(sum->kids[0], across) && !runs_along(l, sum->kids[0], across);
    if (leaves) return across == NULL ? ASKED : ASKED_AT_ENDS;
    if (apart) return ONE_BY_ONE;
    int64_t row = across != NULL ? across->size : 1;
    if (across == NULL && lanes) row = index_together(l, group) != NULL ? last->size : LANES;
    if (row > FEW_ELEMENTS) return GROWING;
    return row % LANES == 0 || across != NULL ? ONE_BY_ONE / 2 : ONE_BY_ONE;
}

typedef struct {
    Lowering *l;
    const Group *group;
    Index *across;
    bool leaves;
} Without;

static double cost_of_sums(const Without *w, Expr e, double times) {
    double cost = 0;
    if (e->kind == EXPR_REDUCE) {
        times *= index_product(e->bound, e->bound_count);
        cost = times * cost_of_term(w->l, w->group, e, w->across, w->leaves);
    }
    for (int k = 0; k < e->count && e->reduces; k++) cost += cost_of_sums(w, e->kids[k], times);
    return cost;
}

static double time_without(Lowering *l, const Group *group, Expr value, const Sums *sums) {
    const Statement *s = group->list.at[0];
    const Without without = {l, group, row_index(l, s), sums->leaves};
    double elements = 1;
    for (int i = 0; i < s->count; i++) elements *= s->indices[i] == l->step ? 1 : (double)s->indices[i]->size;
    return cost_of_sums(&without, value, elements);
}

/* The index along which it takes least, if that is so much less than without columns that it is worth the text. */
static bool choose(Turned *best, const Group *group, Expr value) {
    Lowering *l = best->l;
    const Statement *s = group->list.at[0];
    Sums sums = {0};
    expr_visit(l->pool, value, look_at_reduction, &sums);
    if (sums.first == NULL || sums.others) return false;
    const double steps = l->step != NULL ? (double)s->scan->index->size : 1;
    double without = time_without(l, group, value, &sums), least = without - fmax(WORTH / steps, WORTH_SHARE * without);
    if (l->loop->options.columns) least = INFINITY;
    for (int i = 0; i < s->count; i++) {
        Turned c = {.l = l, .s = s};
        if (!suits(&c, s->indices[i], value) || time_of(&c) >= least) continue;
        least = time_of(&c);
        *best = c;
    }
    return best->s != NULL;
}

double cycles_of_sums(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    Expr value = without_single_indices(l, s->value);
    Sums sums = {0};
    Turned best = {.l = l};
    expr_visit(l->pool, value, look_at_reduction, &sums);
    if (sums.first == NULL || s->subscripts != NULL) return 0;
    return choose(&best, group, value) ? time_of(&best) : time_without(l, group, value, &sums);
}

bool lower_in_columns(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    const bool may = l->loop->options.target->side_by_side > 1 && l->unrolls && l->own == NULL && s->subscripts == NULL;
    Expr value = without_single_indices(l, s->value);
    Turned best = {.l = l};
    if (!may || !choose(&best, group, value)) return false;
    l->turned = (int)(best.element->size < best.along->size ? best.element->size : best.along->size);
    l->turned_zeros = best.blocks == 1 ? (int)best.element->size - l->turned : 0;
    l->turned_along = best.along;
    grow_in_columns(&best, group, value);
    return true;
}
