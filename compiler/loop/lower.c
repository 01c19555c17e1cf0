/* Statements become nodes: each index and each reduction a loop.

   Requires: groups of statements in the order in which they run. Ensures: no reduction is left; terms are added in the order of their
   indices, but where fast arithmetic says otherwise.
   Order: the loops of a statement are its indices, outermost first. A sum either runs innermost into a local variable; or, where its
   operands lie side by side along an index of the target, that index runs innermost and the sums of a whole row grow together:

       for j: sum := 0; for i: sum += W[j, i] * x[i]               operands side by side along i
       for j: row[i] := 0 for all i; for b: for i: row[i] += d[b, j] * x[b, i]         ... along i, an index of the target

   Both add the same numbers in the same order. The second is vector code without reordering a single addition. Columns
   of numbers that are turned round make the first such code, too (columns.c). */
#include "loop/cost.h"
#include "loop/lowering.h"
#include "loop/schedule.h"

#include "tensor/affine.h"
#include "tensor/steps.h"

#include <math.h>

/* ---- Groups of statements */

/* Where the statement's element stands along an axis of its target. */
static Expr axis_of(const Lowering *l, const Statement *s, int axis) {
    Expr at = expr_index(l->pool, s->indices[axis]);
    if (s->target->ring == 0 || s->indices[axis] != l->step) return at;
    return expr_op2(l->pool, OP_MOD, at, expr_number(l->pool, (double)s->target->ring));
}

/* ---- One element of a group: the values of its statements, one after another. What only the group reads becomes a variable: where it
   is read at the point at which it was found, not at another step of a scan. */

typedef struct {
    const Group *group;
    Expr *variables; /* of each statement, or NULL */
} Element;

static Expr variable_for(void *context, Expr e) {
    const Element *element = context;
    for (size_t i = 0; e->kind == EXPR_READ && i < element->group->list.count; i++) {
        const Statement *s = element->group->list.at[i];
        if (s->target == e->tensor && element->variables[i] != NULL && at_point(e, s)) return element->variables[i];
    }
    return e;
}

/* A sum ends in a variable anyway, which gets the name of what it is; one of the group has its name. */
static Expr hold(Lowering *l, const Statement *s, Expr value, Expr const *variables, size_t count) {
    bool has_one = value->kind == EXPR_READ && (value->tensor->local || value->tensor->array);
    for (size_t i = 0; i < count; i++) {
        if (variables[i] == value) return value;
    }
    const char *name = arena_printf(l->arena, "%s%s", s->target->name, l->suffix == NULL ? "" : l->suffix);
    if (!has_one) return read_local(l, let(l, name, s->target->index_range, value, true));
    value->tensor->name = name_of(pool_names(l->pool), name);
    return value;
}

/* A vector by a number: the number's reciprocal is found once, before the loops. */
static Expr by_reciprocal(void *context, Expr e) {
    Lowering *l = context;
    if (!expr_is_op(e, OP_DIV) || !is_wide(e->kids[0], l->lane) || is_wide(e->kids[1], l->lane)) return e;
    return expr_op2(l->pool, OP_MUL, e->kids[0], expr_op2(l->pool, OP_DIV, expr_number(l->pool, 1), e->kids[1]));
}

/* `first` is what the first statement became; the element stands where `to` says instead of at the indices `from`. */
static Expr lower_element(Lowering *l, const Group *group, Expr first, bool stored, Index *const *from, const Expr *to, int count,
                          const Tensor *wanted) {
    Expr variables[group->list.count], found = NULL;
    for (size_t i = 0; i < group->list.count; i++) variables[i] = NULL;
    l->winner_of = NULL;
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *s = group->list.at[i];
        if (i == 0 && stored) continue;
        Element element = {group, variables};
        Expr value = first, at[s->target->rank + 1];
        if (i > 0) value = without_single_indices(l, expr_replace(l->pool, s->value, variable_for, &element));
        if (count > 0) value = expr_substitute(l->pool, value, from, to, count);
        if (l->lane != NULL && l->loop->options.fast) value = expr_rewrite(l->pool, value, by_reciprocal, l);
        bool begins = i == 0 && l->own != NULL && value->kind == EXPR_REDUCE;
        if (begins) l->begins_at = count > 0 ? expr_substitute(l->pool, l->own, from, to, count) : l->own;
        value = lowered(l, value);
        if (is_held(group, s->target)) {
            variables[i] = hold(l, s, value, variables, i);
            continue;
        }
        bool held = s->target == wanted || (l->lane != NULL && i + 1 < group->list.count);
        if (held) variables[i] = value = hold(l, s, value, variables, i);
        if (s->target == wanted) found = value;
        for (int k = 0; k < s->target->rank; k++) at[k] = expr_substitute(l->pool, axis_of(l, s, k), from, to, count);
        store(l, s->target, at, value);
    }
    return found;
}

void lower_element_at(Lowering *l, const Group *group, Expr first, Index *const *from, const Expr *to, int count) {
    lower_element(l, group, first, false, from, to, count, NULL);
}

Expr lower_update_at(Lowering *l, const Group *group, const Tensor *wanted, const Expr *to) {
    const Statement *s = group->list.at[0];
    return lower_element(l, group, without_single_indices(l, s->value), false, s->indices, to, s->count, wanted);
}

/* ---- Several elements at a time: their sums run in one loop, share operands, and do not wait for each other */

static const double ADDING = 4, /* cycles until the sum is there, */
    MULTIPLYING = 0.5;          /* and a term's share of the multiplier */

typedef struct {
    Lowering *l;
    Index *index;
    int count;
    ExprMap found[MOST_AT_A_TIME]; /* for each of the elements: the sum's variable */
} Together;

/* Lanes of a vector hide the latency of additions, too. Where sums may not be split into lanes, each waits for its last addition: as many as
   are found meanwhile, of which few are left over; but no more than all there are, or five, so that the text stays short. */
static int count_together(const Lowering *l, const Group *group, const Index *index) {
    bool few = group->list.count <= SHORT_GROUP && work_of_group(l->pool, group).calls == 0;
    const int most = few && index->size <= MOST_AT_A_TIME ? MOST_AT_A_TIME : MOST_AT_A_TIME / 2;
    int best = LEAST_AT_A_TIME;
    double least = INFINITY;
    if (l->loop->options.fast) return FAST_AT_A_TIME;
    for (int count = LEAST_AT_A_TIME; count <= most && count <= index->size; count++) {
        double time = fmax(ADDING, count * MULTIPLYING) * (double)(index->size / count) + ADDING * (double)(index->size % count);
        if (time >= least) continue;
        least = time;
        best = count;
    }
    return best;
}

/* Where the index stands for the k-th of so many elements: all there are need no loop. */
static Expr place_together(Lowering *l, Index *index, int count, int k) {
    if (index->size == count) return expr_number(l->pool, k);
    return expr_op2(l->pool, OP_ADD, expr_index(l->pool, index), expr_number(l->pool, k));
}

static Expr put_together(Lowering *l, Expr e, Index *index, int count, int k) {
    Expr to = place_together(l, index, count, k);
    return expr_substitute(l->pool, e, &index, &to, 1);
}

static void sum_together(void *context, Expr e) {
    Together *t = context;
    Lowering *l = t->l;
    if (e->kind != EXPR_REDUCE) return;
    Tensor *sums[MOST_AT_A_TIME];
    for (int k = 0; k < t->count; k++) {
        Expr first = l->own != NULL ? put_together(l, l->own, t->index, t->count, k) : expr_number(l->pool, 0);
        sums[k] = let(l, "sum", 0, first, false);
        expr_map_put(&t->found[k], e, read_local(l, sums[k]));
    }
    Nodes *outer = open_loops(l, e->bound, e->bound_count, NULL);
    for (int k = 0; k < t->count; k++) {
        may_sum_in_any_order(l, outer, e, sums[k]);
        set(l, sums[k],
            expr_op2(l->pool, OP_ADD, read_local(l, sums[k]), lowered(l, put_together(l, e->kids[0], t->index, t->count, k))));
    }
    l->out = outer;
}

/* The last index of the statement, where its sums are long: where it has few values they must be so long that it is worth the text. */
Index *index_together(Lowering *l, const Group *group) {
    const Statement *s = group->list.at[0];
    if (row_index(l, s) != NULL) return NULL;
    Sums sums = {0};
    expr_visit(l->pool, s->value, look_at_reduction, &sums);
    Index *last = s->count > 0 ? s->indices[s->count - 1] : NULL;
    bool fits = s->subscripts == NULL && sums.first != NULL && !sums.others && !sums.leaves && last != NULL && !last->batch &&
                last != l->step;
    if (!fits || last->first > 0 || last->size < (l->loop->options.fast ? 2 * FAST_AT_A_TIME : LEAST_AT_A_TIME)) return NULL;
    double terms = index_product(sums.first->bound, sums.first->bound_count);
    if (terms < (last->size < FAST_AT_A_TIME ? VERY_LONG_SUM : LONG_SUM)) return NULL;
    return expr_depends(sums.first->kids[0], last) ? last : NULL;
}

typedef struct {
    const Index *index, *around;
    bool large;
} Again;

static void read_again(void *context, Expr e) {
    Again *again = context;
    if (e->kind == EXPR_READ && expr_depends(e, again->index) && !expr_depends(e, again->around))
        again->large |= tensor_points(e->tensor) * 4 > L1;
}

/* The other loops run inside where each of their turns would read anew what does not stay in the first cache. */
static bool runs_outside(const Lowering *l, const Statement *s, const Index *index) {
    Again again = {.index = index};
    for (int i = 0; i < s->count && again.around == NULL; i++) {
        if (!is_single(s->indices[i]) && s->indices[i] != index && s->indices[i] != l->step) again.around = s->indices[i];
    }
    if (again.around != NULL) expr_visit(l->pool, s->value, read_again, &again);
    return again.large;
}

static void lower_together(Lowering *l, const Group *group, Index *index) {
    const Statement *s = group->list.at[0];
    int count = count_together(l, group, index);
    bool outside = runs_outside(l, s, index);
    Expr value = without_single_indices(l, s->value);
    if (!outside) open_loops(l, s->indices, s->count, index);
    Nodes *outer = l->out;
    if (index->size > count) {
        Node *loop = node_new(l, NODE_LOOP);
        loop->index = index;
        loop->step = count;
        l->out = &loop->body;
    }
    if (outside) open_loops(l, s->indices, s->count, index);
    Together together = {.l = l, .index = index, .count = count};
    for (int k = 0; k < count; k++) together.found[k].arena = l->arena;
    expr_visit(l->pool, value, sum_together, &together);
    for (int k = 0; k < count; k++) {
        Expr to = place_together(l, index, count, k);
        lower_element(l, group, expr_rewrite(l->pool, value, read_of, &together.found[k]), false, &index, &to, 1, NULL);
    }
    l->out = outer;
    if (index->size % count == 0) return;
    Node *rest = node_new(l, NODE_LOOP);
    rest->index = index;
    rest->rest = count;
    l->out = &rest->body;
    if (outside) open_loops(l, s->indices, s->count, index);
    lower_element(l, group, value, false, NULL, NULL, 0, NULL);
}

/* ---- Straight lines or loops: loops of a vector's length beat straight lines from about thirty multiply-adds on */

bool choose_lines(Lowering *l, const Group *group, const char **why) {
    double operations = 0;
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *s = group->list.at[i];
        const Tensor *stored = tensor_stored(s->target);
        double points = 1, written = s->target->batched ? 1 / (double)s->target->shape[0] : 1;
        for (int k = 0; k < s->count; k++) points *= s->indices[k]->batch ? 1 : (double)s->indices[k]->size;
        for (int a = 0; a < stored->rank && s->target->border != NULL; a++) written *= (double)stored->shape[a];
        operations += points * (1 + expr_cost_for_example(s->value)) + (written > points ? written - points : 0);
    }
    int32_t limit = l->loop->options.unroll;
    if (!l->unrolls || limit == UNROLL_NONE) return false;
    if (limit == UNROLL_AUTO) limit = LINES_UP_TO;
    bool lines = operations <= (double)limit || l->loop->options.unroll == UNROLL_FULL;
    *why = arena_printf(l->arena, "%s: %.0f operations for an example, %s the limit of %d", lines ? "straight lines" : "loops",
                        operations, operations <= (double)limit ? "within" : "above", limit);
    return lines;
}

/* target[subscripts] += value, which the data say where; what lies outside adds 0 to the first element. The target of a gradient begins
   at 0, a parameter from what it is. */
static void lower_scatter(Lowering *l, const Statement *s) {
    Tensor *target = s->target;
    Nodes *outer = l->out;
    Expr at[target->rank + 1], inside = is_inside(l->pool, target, s->subscripts), zero = expr_number(l->pool, 0);
    if (!tensor_is_persistent(target) && !s->adds) {
        Index *axes[target->rank + 1];
        for (int i = 0; i < target->rank; i++) {
            axes[i] = index_of_axis(l->program, target, i, target->shape[i]);
            at[i] = expr_index(l->pool, axes[i]);
        }
        open_loops(l, axes, target->rank, NULL);
        store(l, target, at, zero);
        l->out = outer;
    }
    for (int i = 0; i < target->rank; i++) at[i] = expr_if(l->pool, inside, s->subscripts[i], zero);
    open_loops(l, s->indices, s->count, NULL);
    Expr value = lowered(l, without_single_indices(l, expr_if(l->pool, inside, s->value, zero)));
    store(l, target, at, expr_op2(l->pool, OP_ADD, read_at(l, target, at), value));
    l->out = outer;
}

/* Neighbours in memory are written one after another: the loops of a statement may stand in any order. */
static void order_by_storage(const Statement *s, Index **ordered) {
    const Layout *layout = s->target->layout;
    bool any = layout != NULL && layout->count == s->count && s->subscripts == NULL;
    for (int k = 0; k < s->count; k++) ordered[k] = s->indices[any ? layout->axes[k].axis : k];
}

static void lower_nest(Lowering *l, const Group *group, bool lines) {
    Statement *s = group->list.at[0];
    Index *across = lines ? NULL : row_index(l, s), *together = lines ? NULL : index_together(l, group);
    Expr value = without_single_indices(l, s->value);
    Nodes *outer = l->out;
    if (!lines && (lower_in_lanes(l, group) || lower_transposed(l, group))) {
        l->out = outer;
        return;
    }
    if (group->leaves_out) bug("'%s' has no vectors any more", s->target->name);
    if (group->update != NULL) lower_loops(l, group->update, lines); /* one after the other, then */
    if (!lines && lower_in_columns(l, group)) return;
    if (across != NULL && lower_borders(l, group, across)) return;
    if (together != NULL) {
        lower_together(l, group, together);
        l->out = outer;
        return;
    }
    Index *ordered[s->count + 1];
    order_by_storage(s, ordered);
    open_loops(l, ordered, s->count, across);
    bool stored = across != NULL && !sums_across(l, group, across, &value);
    if (!stored || group->list.count > 1) {
        if (across != NULL) open_loops(l, &across, 1, NULL);
        if (!lines && (across != NULL || !value->reduces)) mark_independent(l, group, outer);
        lower_element(l, group, value, stored, NULL, NULL, 0, NULL);
    }
    l->out = outer;
}

/* The nest of loops of a group; where its sums read beyond a border, one for each piece. */
void lower_loops(Lowering *l, const Group *group, bool lines) {
    const Statement *s = group->list.at[0];
    Expr at[s->target->rank + 1], outer = l->own;
    for (int i = 0; i < s->target->rank && s->adds; i++) at[i] = expr_index(l->pool, s->indices[i]);
    l->own = s->adds ? read_at(l, s->target, at) : NULL;
    lower_nest(l, group, lines);
    l->own = outer;
}

/* ---- What stands round a tensor's own elements */

/* What strips there are: of the whole tensor; of a step of the scan around; what is before and after all steps. */
typedef enum { WHOLE_BORDER, BORDER_OF_STEP, BORDER_OF_STEPS } Strips;

typedef struct {
    Lowering *l;
    const Statement *of;
    Strips strips;
    int step;            /* the axis of the scan's steps, or -1 */
    Index **own, **wide; /* of each axis: over the tensor's elements; over all that stand in memory */
} Strip;

/* The last loop of a list, if it runs over just this index: what is drawn may be drawn in it. */
static Node *loop_to_join(const Nodes *list, size_t from, const Index *index) {
    Node *last = list->count > from ? list->at[list->count - 1] : NULL;
    bool all = last != NULL && last->kind == NODE_LOOP && last->index == index && last->step == 0 && last->rest == 0 &&
               last->low == NULL && last->high == NULL && !last->reversed;
    return all ? last : NULL;
}

/* One strip: along axis `across` it is `count` wide and begins at `low`. Along the axes before it there are the tensor's own elements,
   unless nobody else draws the corners, along those behind it all that stand in memory. It is drawn in the loops that write the
   elements beside it, while they are in the cache, as far as these loops run over the same: those that begin at `first`, or later. */
static void draw_strip(const Strip *strip, int across, int64_t low, int64_t count, size_t first) {
    Lowering *l = strip->l;
    Tensor *t = strip->of->target;
    Nodes *outer = l->out;
    Index *indices[t->rank], *ordered[t->rank];
    Expr at[t->rank];
    int loops = 0, joined = 0;
    if (count == 0) return;
    for (int a = 0; a < t->rank; a++) {
        bool own = a < across && strip->strips != BORDER_OF_STEPS;
        indices[a] = a == across ? index_of_axis(l->program, t, a, count) : own ? strip->own[a] : strip->wide[a];
        at[a] = expr_op2(l->pool, OP_ADD, expr_index(l->pool, indices[a]),
                         expr_number(l->pool, a == across ? (double)low
                                              : own       ? 0
                                                          : -(double)t->border->before[a]));
        if (a == strip->step && strip->strips == BORDER_OF_STEP) at[a] = expr_index(l->pool, l->step);
    }
    for (int k = 0; k < t->layout->count; k++) {
        int a = t->layout->axes[k].axis;
        bool open = a == strip->step && strip->strips == BORDER_OF_STEP;
        if (!open && !is_single(indices[a])) ordered[loops++] = indices[a];
    }
    for (Node *loop; joined < loops && (loop = loop_to_join(l->out, joined == 0 ? first : 0, ordered[joined])) != NULL; joined++)
        l->out = &loop->body;
    open_loops(l, ordered + joined, loops - joined, NULL);
    store(l, t, at, expr_number(l->pool, t->border->otherwise));
    l->out = outer;
}

static void draw_border(Lowering *l, const Statement *s, Strips strips, size_t first) {
    Tensor *t = s->target;
    Index *own[t->rank + 1], *wide[t->rank + 1];
    Strip strip = {l, s, strips, s->scan != NULL ? scan_axis(t->definition) : -1, own, wide};
    for (int a = 0; a < t->rank; a++) {
        bool known =
            s->subscripts == NULL && s->count == t->rank && s->indices[a]->first == 0 && s->indices[a]->size == t->shape[a];
        own[a] = known ? s->indices[a] : index_of_axis(l->program, t, a, t->shape[a]);
        bool bare = t->border->before[a] == 0 && t->border->after[a] == 0;
        wide[a] = bare ? own[a] : index_of_axis(l->program, t, a, t->border->before[a] + t->shape[a] + t->border->after[a]);
    }
    for (int k = t->layout->count - 1; k >= 0; k--) { /* those in the innermost loops first */
        int a = t->layout->axes[k].axis;
        if (strips == BORDER_OF_STEP ? a == strip.step : strips == BORDER_OF_STEPS && a != strip.step) continue;
        draw_strip(&strip, a, -t->border->before[a], t->border->before[a], first);
        draw_strip(&strip, a, t->shape[a], t->border->after[a], first);
    }
}

void draw_borders(Lowering *l, const Group *group, size_t first) {
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *s = group->list.at[i];
        bool before = i > 0 && group->list.at[i - 1]->target == s->target; /* its parts stand side by side */
        Strips strips = l->step != NULL                           ? BORDER_OF_STEP
                        : s->scan != NULL && group->steps != NULL ? BORDER_OF_STEPS
                                                                  : WHOLE_BORDER;
        if (s->target->border != NULL && !is_held(group, s->target) && !before) draw_border(l, s, strips, first);
    }
}

static bool is_lanes(const Node *node) { return node->kind == NODE_LOOP && node->index->lanes; }

void lower_group(Lowering *l, const Group *group) {
    Statement *s = group->list.at[0];
    if (s->scan != NULL && l->step == NULL) {
        lower_scan(l, group);
        return;
    }
    Node *block = node_new(l, NODE_BLOCK);
    block->statements = group->list;
    for (size_t i = 0; group->update != NULL && i < group->update->list.count; i++)
        vec_push(l->arena, &block->statements, group->update->list.at[i]);
    block->when = group->when;
    block->inner = l->step != NULL;
    Nodes *outer = l->out;
    l->out = &block->body;
    if (s->subscripts != NULL) {
        lower_scatter(l, s);
        l->out = outer;
        return;
    }
    bool zeros = group->when == IF_FIRST && s->value->kind == EXPR_CONST; /* where sums of a batch that is divided begin */
    bool lines = block->inner ? l->lines
                 : zeros      ? false
                              : group->choice == NULL && !is_transposed(l, group) && choose_lines(l, group, &block->choice);
    block->lines = lines && !block->inner;
    l->own_terms = false;
    l->turned = 0;
    lower_loops(l, group, lines);
    block->own_terms = l->own_terms;
    block->turned = l->turned;
    block->turned_along = l->turned_along;
    block->turned_zeros = l->turned_zeros;
    if (!block->inner) draw_borders(l, group, 0);
    block->scoped = block->body.count > 1 || (block->body.count == 1 && is_lanes(block->body.at[0]));
    l->out = outer;
}

void lower_groups(LoopProgram *loop, Routine *routine, Program *program, const Groups *groups, const bool *wanted) {
    Lowering l = {
        .loop = loop, .routine = routine, .program = program, .pool = program->pool, .arena = loop->arena, .out = &routine->body};
    l.unrolls = routine != &loop->forward && routine != &loop->initial;
    routine->program = program;
    Groups all = {0};
    for (size_t i = 0; i < groups->count; i++) {
        if (wanted == NULL || wanted[groups->at[i].list.at[0]->target->id]) vec_push(l.arena, &all, groups->at[i]);
    }
    count_readers(&l, &all);
    Groups fused = fuse(&l, &all);
    const Target *target = loop->options.target;
    bool vectors = target->bytes > 0 && routine != &loop->initial;
    bool rows = target->bytes == 0 && target->side_by_side > 1 && routine == &loop->step;
    for (size_t i = 0; i < fused.count && (vectors || rows); i++)
        fused.at[i].lines = choose_lines(&l, &fused.at[i], &(const char *){NULL});
    if (rows) {
        Groups steps = with_steps(&l, &fused);
        choose_standing(&l, &steps);
    }
    if (vectors) {
        bool ahead = routine == &loop->step && loop->model->settings.batch == 1 && loop->options.threads <= 1;
        if (ahead) fused = look_ahead(&l, &fused);
        Groups plain = with_steps(&l, &fused), planned = schedule(loop, routine, &plain, l.unrolls);
        fused = without_steps(&l, &planned);
    }
    for (size_t i = 0; i < fused.count; i++) lower_group(&l, &fused.at[i]);
}
