/* Statements whose loops are the same run in one nest: an activation behind its sum, the gates of a recurrent cell side by side.

   Requires: groups in the order in which they run. Ensures: the same values; in a group, only the first statement reduces, or the second,
   too, to the number at the place that the first finds; and what
   one reads of another stands at the point where both are, or was found in an earlier step of their scan. Targets that only their own
   group reads are held: they become variables.
   Example:  z[b, j] = sum(i: W[j, i] * x[b, i]);  h[b, j] = max(z[b, j], 0)       becomes
             for b: for j: { z := sum(...); h[b, j] := max(z, 0) }                 where nothing else reads z
   Straight lines stay as they are, each statement below its own formula; and sums that run several at a time keep their loops to
   themselves: what follows them is vector code only in loops of its own. */
#include "loop/lowering.h"

#include "tensor/steps.h"

enum {
    MOST_FUSED = 16,
    MOST_CHOSEN = 8,
    CALL = 20 /* the cost of a function that is worth a loop of its own, where lanes may compute it */
};

/* ---- Who reads what */

static void count_read(void *context, Expr e) {
    if (e->kind == EXPR_READ) ((int *)context)[e->tensor->id]++;
}

static void never_hold(Lowering *l, const Tensor *tensor) {
    if (tensor != NULL) l->readers[tensor->id] = INT32_MAX / 2;
}

void count_readers(Lowering *l, const Groups *groups) {
    const Program *program = l->program;
    l->readers = NEW_ARRAY(l->arena, int, program->all.count + 1);
    for (size_t i = 0; i < groups->count; i++) {
        const Statements *list = &groups->at[i].list;
        for (size_t k = 0; k < list->count; k++) {
            expr_visit(l->pool, list->at[k]->value, count_read, l->readers);
            for (int a = 0; list->at[k]->subscripts != NULL && a < list->at[k]->target->rank; a++)
                expr_visit(l->pool, list->at[k]->subscripts[a], count_read, l->readers);
        }
    }
    never_hold(l, program->loss);
    for (size_t i = 0; i < program->metrics.count; i++) never_hold(l, program->metrics.at[i].tensor);
    for (size_t i = 0; i < program->outputs.count; i++) {
        if (l->routine == &l->loop->predict) never_hold(l, program->outputs.at[i]);
    }
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        bool result = l->routine == &l->loop->gradient && t->kind == TENSOR_ADJOINT && t->of->kind == TENSOR_PARAMETER;
        if (result || tensor_is_persistent(t) || l->routine == &l->loop->forward) never_hold(l, t);
    }
}

/* ---- May a statement join a group? */

typedef struct {
    const Group *group;
    const Statement *s; /* with the indices of the group */
    const Index *step;  /* of the scan around, or NULL */
    const Tensor *of;   /* a target to look for */
    bool fits, reads, calls;
} Join;

/* Does the group find the tensor; and at this point what the read wants? */
static bool finds(const Group *group, Expr read, bool *here) {
    bool any = false;
    *here = false;
    for (size_t i = 0; i < group->list.count; i++) {
        if (group->list.at[i]->target != read->tensor) continue;
        any = true;
        *here |= at_point(read, group->list.at[i]);
    }
    return any;
}

/* At an earlier step of the scan: another than the one that runs. */
static bool at_other_step(Expr read, const Index *step) {
    if (step == NULL) return false;
    Expr at = read->kids[scan_axis(read->tensor->definition)];
    return !(at->kind == EXPR_INDEX && at->index == step);
}

static void look_at(void *context, Expr e) {
    Join *join = context;
    if (e->kind == EXPR_OP && !e->integer && expr_op_cost(e) >= CALL) join->calls = true;
    if (e->kind == EXPR_DRAW) join->calls = true;
    bool here;
    if (e->kind != EXPR_READ || !finds(join->group, e, &here)) return;
    join->reads = true;
    if (!here && !at_other_step(e, join->step)) join->fits = false;
}

/* Members that read what the new one overwrites must do so at their point. */
static void look_at_target(void *context, Expr e) {
    Join *join = context;
    if (e->kind == EXPR_READ && e->tensor == join->of && !at_point(e, join->s)) join->fits = false;
}

static void note_operand(void *context, Expr e) {
    if (e->kind == EXPR_READ && e->tensor->rank > 0) ((bool *)context)[e->tensor->id] = true;
}

static void look_for_operand(void *context, Expr e) {
    bool **common = context;
    if (e->kind == EXPR_READ && common[0][e->tensor->id]) *common[1] = true;
}

/* Do they have anything in common but their loops? */
static bool related(Lowering *l, const Group *group, const Statement *s) {
    Arena *scratch = arena_new();
    bool *operands = NEW_ARRAY(scratch, bool, l->program->all.count + 1), shared = false;
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *member = group->list.at[i];
        shared |= s->target->kind == TENSOR_STATE && member->target->of == s->target->of;
        expr_visit(l->pool, member->value, note_operand, operands);
    }
    expr_visit(l->pool, s->value, look_for_operand, (bool *[]){operands, &shared});
    arena_free(scratch);
    return shared;
}

static bool same_loops(const Lowering *l, const Statement *a, const Statement *b) {
    int positions[a->count + 1];
    bool same = a->scan == b->scan && a->subscripts == NULL && b->subscripts == NULL && same_point(a, b, positions);
    for (int i = 0; same && i < a->count; i++)
        same = (a->indices[i] == l->step) == (positions[i] >= 0 && b->indices[positions[i]] == l->step);
    return same;
}

static bool is_lines(Lowering *l, Statement *s) {
    Group one = {0};
    const char *why;
    vec_push(l->arena, &one.list, s);
    return l->step != NULL ? l->lines : choose_lines(l, &one, &why);
}

/* The statement as a member of the group, or NULL. */
static Statement *joins(Lowering *l, const Group *group, Statement *s) {
    Statement *leader = group->list.at[0];
    if (group->list.count == MOST_FUSED || s->value->reduces || !same_loops(l, leader, s) || is_lines(l, s) ||
        is_lines(l, leader))
        return NULL;
    Statement *member = with_indices(l->arena, l->program, s, leader);
    Join join = {.group = group, .s = member, .step = l->step, .fits = true};
    expr_visit(l->pool, member->value, look_at, &join);
    bool vectors = l->loop->options.target->bytes > 0;
    if (leader->value->reduces && !join.reads) return NULL;
    if (leader->value->reduces && !vectors && (join.calls || index_together(l, group) != NULL)) return NULL;
    join.of = s->target;
    for (size_t i = 0; i < group->list.count && tensor_is_persistent(s->target); i++) {
        join.s = group->list.at[i];
        expr_visit(l->pool, group->list.at[i]->value, look_at_target, &join);
    }
    return join.fits && (join.reads || related(l, group, member)) ? member : NULL;
}

/* A maximum, and where it stands, are found at once: fast arithmetic, as only the former hands on what is no number. */
static bool joins_winner(Lowering *l, Group *group, Statement *s) {
    Statement *extreme = group->list.at[0];
    bool reduce = extreme->value->kind == EXPR_REDUCE && s->value->kind == EXPR_REDUCE && group->list.count == 1;
    if (!reduce || !l->loop->options.fast || !same_loops(l, extreme, s) || is_lines(l, s) || is_lines(l, extreme)) return false;
    Statement *winner = with_indices(l->arena, l->program, s, extreme);
    if (!wins_there(extreme->value, winner->value)) return false;
    group->list = (Statements){0};
    vec_push(l->arena, &group->list, winner);
    vec_push(l->arena, &group->list, extreme);
    return true;
}

/* ---- A statement that chooses by an index is one for each value of it:

       dz[b, g, j] = (if g == 0 then d_in[b, j] else 0) + (if g == 1 then d_out[b, j] else 0)
   becomes
       dz[b, 0, j] = d_in[b, j];  dz[b, 1, j] = d_out[b, j]
   which may join those that find d_in and d_out. */

static Index *choosing_index(const Lowering *l, const Statement *s) {
    for (int i = 0; i < s->count; i++) {
        bool fits = !s->indices[i]->batch && s->indices[i] != l->step && s->indices[i]->first == 0 && s->indices[i]->size > 1 &&
                    s->indices[i]->size <= MOST_CHOSEN;
        if (fits && expr_chooses_by(l->pool, s->value, s->indices[i])) return s->indices[i];
    }
    return NULL;
}

/* The parts read instead of the statement. */
static void count_parts(Lowering *l, const Statement *s, const Statements *list, size_t first) {
    int *whole = NEW_ARRAY(l->arena, int, l->program->all.count + 1);
    expr_visit(l->pool, s->value, count_read, whole);
    for (size_t i = 0; i < l->program->all.count; i++) l->readers[i] -= whole[i];
    for (size_t i = first; i < list->count; i++) expr_visit(l->pool, list->at[i]->value, count_read, l->readers);
}

/* All of its parts join the group, or none. */
static bool joins_in_parts(Lowering *l, Group *group, const Statement *s) {
    Index *index = s->subscripts == NULL ? choosing_index(l, s) : NULL;
    Group more = *group;
    more.list = (Statements){0};
    for (size_t i = 0; i < group->list.count; i++) vec_push(l->arena, &more.list, group->list.at[i]);
    for (int64_t value = 0; index != NULL && value < index->size; value++) {
        Index *one = index_new(l->pool, name_of(pool_names(l->pool), arena_printf(l->arena, "%d", (int)value)), value + 1);
        one->first = value;
        Statement *part = for_piece(l, s, index, one);
        part->value = expr_substitute(l->pool, part->value, &one, (Expr[]){expr_number(l->pool, (double)value)}, 1);
        part = joins(l, &more, part);
        if (part == NULL) return false;
        vec_push(l->arena, &more.list, part);
    }
    if (index == NULL) return false;
    count_parts(l, s, &more.list, group->list.count);
    *group = more;
    return true;
}

/* ---- Targets that their group alone reads */

typedef struct {
    const Group *group;
    const Tensor *tensor;
    int count;
} Readers;

static void count_here(void *context, Expr e) {
    Readers *r = context;
    bool here = false;
    if (e->kind == EXPR_READ && e->tensor == r->tensor && finds(r->group, e, &here) && here) r->count++;
}

static void find_held(Lowering *l, Group *group) {
    for (size_t i = 0; i < group->list.count; i++) {
        Readers here = {.group = group, .tensor = group->list.at[i]->target};
        for (size_t k = i + 1; k < group->list.count; k++) expr_visit(l->pool, group->list.at[k]->value, count_here, &here);
        if (here.count > 0 && here.count == l->readers[here.tensor->id] && !is_held(group, here.tensor))
            vec_push(l->arena, &group->held, group->list.at[i]->target);
    }
}

Groups fuse(Lowering *l, const Groups *groups) {
    Groups fused = {0};
    int *const readers = l->readers; /* of the statements as they are: other pieces of a scan are fused, too */
    l->readers = NEW_ARRAY(l->arena, int, l->program->all.count + 1);
    memcpy(l->readers, readers, sizeof *readers * (l->program->all.count + 1));
    for (size_t i = 0; i < groups->count; i++) {
        const Group *next = &groups->at[i];
        bool one = next->list.count == 1 && (l->step != NULL || next->list.at[0]->scan == NULL);
        Group *last = fused.count > 0 ? &fused.at[fused.count - 1] : NULL;
        bool open = last != NULL && (l->step != NULL || last->list.at[0]->scan == NULL);
        open = open && last->when == next->when;
        Statement *member = one && open ? joins(l, last, next->list.at[0]) : NULL;
        if (member != NULL) vec_push(l->arena, &last->list, member);
        else if (one && open && joins_winner(l, last, next->list.at[0])) continue;
        else if (!one || !open || !joins_in_parts(l, last, next->list.at[0])) vec_push(l->arena, &fused, *next);
    }
    for (size_t i = 0; i < fused.count; i++) {
        if (l->step != NULL || fused.at[i].list.at[0]->scan == NULL) find_held(l, &fused.at[i]);
    }
    l->readers = readers;
    return fused;
}
