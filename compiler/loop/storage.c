/* How tensors stand in memory: what may be chosen, and the statements as they were chosen for.

   Requires: choices for groups. Ensures: layouts, of which the last axis is the one that vectors run along; a border round tensors that
   are read beyond their ends, so that those reads need not ask, as far as sums do not leave out what lies there (clip.c); copies of
   tensors that two groups want to stand differently, or that belong to the user: a statement that copies, and groups that read the copy.
   Example:  x[b, i] given as it is, read in lanes along b        becomes
             x.copy[b, i] = x[b, i], which stands as x.copy[i][b];  ... x.copy[b, i] ...
   Parameters of more vectors than a tile has stand in panels: W[j, i] as W[j / 32][i][j mod 32]. So does what sums read, and the work
   space keeps, where vectors are shorter than a line of the cache: rows that are apart by a power of two share few places in it. */
#include "loop/cost.h"
#include "loop/schedule.h"

#include "tensor/affine.h"
#include "tensor/steps.h"

enum { MOST_BORDER = 32 /* a tensor with its border is at most so many times as large */ };

const Tensor *storage_owner(const Tensor *t) {
    bool follows = t->of != NULL && t->of->kind == TENSOR_PARAMETER && t->of->rank == t->rank &&
                   (t->kind == TENSOR_STATE || t->kind == TENSOR_ADJOINT);
    return follows ? t->of : t;
}

Storage *storage_of(const Planner *planner, const Tensor *t) { return &planner->storage[storage_owner(t)->id]; }

/* An earlier routine chose how the tensor stands: is there room for these vectors? */
static bool has_room(const Tensor *t, const Need *need) {
    const Layout *layout = t->layout;
    if (need->axis < 0) return true;
    if (layout == NULL) return need->low >= 0 && need->high <= t->shape[need->axis];
    const LayoutAxis *inner = &layout->axes[layout->count - 1], *panels = panels_of(t);
    if (panels != NULL) return !need->anywhere && need->high <= panels->size * inner->size;
    return -need->low <= inner->before && need->high + inner->before <= inner->size;
}

bool need_is_met(const Planner *planner, const Need *need, bool *by_copy) {
    const Storage *s = storage_of(planner, need->tensor);
    bool stands = need->tensor->layout != NULL ? has_room(need->tensor, need) : need->as_it_is;
    bool own = (s->may_move || stands) &&
               !(need->beyond && tensor_is_persistent(need->tensor)); /* its border would have to be in files, too */
    bool other = !need->written && s->copy_inner >= 0 && (s->copy == NULL || has_room(s->copy, need));
    *by_copy = false;
    if (own && (need->axis < 0 || need->axis == s->inner)) return true;
    *by_copy = other && (need->axis < 0 || need->axis == s->copy_inner);
    return *by_copy;
}

bool single_reads_copy(const Planner *planner, const Single *single) {
    const Storage *s = storage_of(planner, single->tensor);
    return single->may_be_copy && s->copy_inner >= 0 && single->cycles[s->copy_inner] < single->cycles[s->inner];
}

/* ---- What may be chosen */

typedef struct {
    Planner *planner;
    const Scan *scan;
    const Group *group; /* whose way was chosen, or NULL */
    const Way *way;
} Look;

/* Is the element one of the tensor, but perhaps for its step? */
static bool only_step_leaves(Expr e, int step) {
    for (int i = 0; i < e->tensor->rank; i++) {
        Interval range = interval_of(e->kids[i]);
        bool batch = i == 0 && e->tensor->batched;
        if (i != step && !batch && (!range.known || range.low < 0 || range.high >= e->tensor->shape[i])) return false;
    }
    return true;
}

/* Borders are wide enough for all that read beyond them. */
static void look_for_border(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ || !e->has_default) return;
    Storage *storage = storage_of(look->planner, e->tensor);
    Expr otherwise = e->kids[e->count - 1];
    const Scan *own = e->tensor->definition != NULL ? e->tensor->definition->scan : NULL;
    int step = own != NULL && own == look->scan ? scan_axis(e->tensor->definition) : -1; /* scans.c asks for it */
    if (step >= 0 && only_step_leaves(e, step)) return;
    bool fits = e->tensor->rank <= MOST_AXES && e->tensor->ring == 0 && otherwise->kind == EXPR_CONST &&
                (storage->otherwise == NULL || storage->otherwise == otherwise);
    storage->otherwise = otherwise;
    for (int i = 0; i < e->tensor->rank && fits; i++) {
        Interval range = interval_of(e->kids[i]);
        int64_t after = range.high - (e->tensor->shape[i] - 1);
        if ((i == 0 && e->tensor->batched) || i == step) continue;
        if (look->way != NULL && leaves_out(look->planner, look->group, &look->way->choice, e, i)) continue;
        fits = range.known;
        if (fits && -range.low > storage->before[i]) storage->before[i] = -range.low;
        if (fits && after > storage->after[i]) storage->after[i] = after;
    }
    storage->border &= fits;
}

static bool is_small_enough(const Tensor *t, const Storage *storage) {
    double with = 1, without = 1;
    for (int i = 0; i < t->rank; i++) {
        without *= (double)t->shape[i];
        with *= (double)(t->shape[i] + storage->before[i] + storage->after[i]);
    }
    return with <= MOST_BORDER * without;
}

static bool may_move(const Planner *p, const Tensor *t, bool chosen) {
    bool elsewhere = tensor_is_persistent(t) && p->program != p->loop->model->training;
    return !chosen && t->layout == NULL && !elsewhere && t->rank >= 1 && t->rank < MOST_AXES && t->kind != TENSOR_INPUT &&
           t->kind != TENSOR_TARGET && t->kind != TENSOR_SETTING && t->kind != TENSOR_LITERAL;
}

static bool may_copy(const Tensor *t, bool chosen) {
    bool in_scan = t->definition != NULL && t->definition->scan != NULL;
    return !chosen && !in_scan && storage_owner(t) == t && t->rank >= 1 && t->rank < MOST_AXES && t->ring == 0 &&
           t->kind != TENSOR_SETTING && t->kind != TENSOR_LITERAL;
}

void find_storage(Planner *p, const Groups *groups) {
    Program *program = p->program;
    bool *done = program == p->loop->model->training ? &p->loop->laid_out_training : &p->loop->laid_out_inference, chosen = *done;
    *done = true;
    p->chooses = !chosen;
    p->tensors = program->all.count;
    p->storage = NEW_ARRAY(p->loop->arena, Storage, program->all.count + 1);
    for (size_t i = 0; i < program->all.count; i++) {
        Tensor *t = program->all.at[i];
        p->storage[t->id] = (Storage){.may_move = may_move(p, t, chosen),
                                      .may_copy = may_copy(t, chosen),
                                      .inner = t->layout != NULL ? inner_axis(t) : t->rank - 1,
                                      .copy_inner = t->copy != NULL ? inner_axis(t->copy) : -1,
                                      .copy = t->copy,
                                      .border = true};
    }
    for (size_t i = 0; i < groups->count; i++) {
        for (size_t k = 0; k < groups->at[i].list.count; k++) {
            const Statement *s = groups->at[i].list.at[k];
            expr_visit(program->pool, s->value, look_for_border, &(Look){.planner = p, .scan = s->scan});
            if (s->subscripts != NULL) p->storage[s->target->id].may_move = p->storage[s->target->id].may_copy = false;
        }
    }
    bool given = program == p->loop->model->inference; /* what is predicted goes where the caller says */
    for (size_t i = 0; i < program->outputs.count && given; i++) p->storage[program->outputs.at[i]->id].may_move = false;
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        Storage *s = &p->storage[t->id];
        s->border &= s->otherwise != NULL && is_small_enough(t, s);
    }
}

/* ---- Layouts */

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/* What vectors of the chosen ways read and write along the innermost axis. */
typedef struct {
    int64_t low, high; /* how far they reach */
    bool anywhere;     /* they may begin where a panel does not end */
    bool summed;       /* a sum reads them */
} Reach;

static void find_reach(const Planner *p, const Tensor *owner, bool copy, Reach *reach) {
    for (size_t i = 0; i < p->plans.count; i++) {
        const Way *way = best_way(p, &p->plans.at[i]);
        for (int k = 0; way != NULL && k < way->count; k++) {
            const Need *need = &way->needs[k];
            bool by_copy;
            if (need->tensor != owner || need->axis < 0 || !need_is_met(p, need, &by_copy) || by_copy != copy) continue;
            reach->low = -at_least(-reach->low, -need->low);
            reach->high = at_least(reach->high, need->high);
            reach->anywhere |= need->anywhere;
            reach->summed |= p->plans.at[i].group->list.at[0]->value->reduces;
        }
    }
}

/* What has no vectors takes the index of an axis apart by other divisors than panels do, or puts it together: a / b, a mod b, 48 p + i. */
typedef struct {
    Pool *pool;
    const Tensor *tensor;
    int axis;
    const Index *index; /* of the axis, where the statement writes it */
    bool any;
} Divided;

static void look_for_division(void *context, Expr e) {
    Divided *d = context;
    bool division = expr_is_op(e, OP_FLOORDIV) || expr_is_op(e, OP_MOD);
    d->any |= division && d->index != NULL && e->integer && expr_depends(e, d->index);
    if (e->kind == EXPR_READ && e->tensor == d->tensor) d->any |= e->kids[d->axis]->kind != EXPR_INDEX;
}

static bool is_divided_without_vectors(const Planner *p, const Tensor *t, int axis) {
    Divided d = {p->program->pool, t, axis, NULL, false};
    for (size_t i = 0; i < p->plans.count && !d.any; i++) {
        const Group *group = p->plans.at[i].group;
        for (size_t k = 0; best_way(p, &p->plans.at[i]) == NULL && k < group->list.count; k++) {
            const Statement *s = group->list.at[k];
            d.index = s->target == t && s->subscripts == NULL && axis < s->count ? s->indices[axis] : NULL;
            expr_visit(d.pool, s->value, look_for_division, &d);
        }
    }
    return d.any;
}

static int64_t steps_kept(const Tensor *t, int axis) {
    return t->ring > 0 && axis == scan_axis(t->definition) ? t->ring : t->shape[axis];
}

static void give_layout(const Planner *p, const Tensor *of, Tensor *t, bool copy) {
    const Storage *s = storage_of(p, of);
    int inner = copy ? s->copy_inner : s->inner;
    int64_t width;
    bool fills = fills_panels(p->loop, t, inner, &width);
    bool persistent = tensor_is_persistent(storage_owner(t)), border = s->border && !persistent, bare = true;
    int64_t before[MOST_AXES] = {0}, after[MOST_AXES] = {0};
    Reach reach = {.low = 0, .high = t->shape[inner]};
    find_reach(p, storage_owner(of), copy, &reach);
    for (int a = 0; a < t->rank && border; a++) {
        before[a] = s->before[a];
        after[a] = s->after[a];
    }
    before[inner] = at_least(before[inner], -reach.low);
    after[inner] = at_least(after[inner], reach.high - t->shape[inner]);
    for (int a = 0; a < t->rank; a++) bare &= before[a] == 0 && after[a] == 0;
    bool examples = inner == 0 && t->batched && !copy; /* of which there may be fewer */
    bool work = multiplies_two_vectors(p->loop) && reach.summed && !reach.anywhere && bare && !examples;
    bool rows = tensor_points(t) > (double)t->shape[inner];
    work = work && t->shape[inner] % width == 0 && (copy || !is_divided_without_vectors(p, t, inner));
    bool panels = rows && fills && (persistent || work);
    const Scan *scan = t->definition != NULL ? t->definition->scan : NULL;
    int step = scan != NULL ? scan_axis(t->definition) : -1; /* outermost: what a step works on stands together */
    if (step == inner) step = -1;
    if (inner == t->rank - 1 && !panels && step <= 0 && bare && !border) return;
    LayoutAxis axes[MOST_AXES + 2];
    int count = 0;
    if (step >= 0) axes[count++] = (LayoutAxis){step, 1, steps_kept(t, step) + before[step] + after[step], before[step]};
    if (panels) axes[count++] = (LayoutAxis){inner, width, (t->shape[inner] + width - 1) / width, 0};
    for (int a = 0; a < t->rank; a++) {
        if (a != inner && a != step) axes[count++] = (LayoutAxis){a, 1, steps_kept(t, a) + before[a] + after[a], before[a]};
    }
    axes[count++] =
        (LayoutAxis){inner, 1, panels ? width : t->shape[inner] + before[inner] + after[inner], panels ? 0 : before[inner]};
    t->layout = layout_new(p->loop->arena, t, axes, count);
    if (border) layout_set_border(p->loop->arena, t, s->before, s->after, s->otherwise->value);
}

static const Way *way_of(const Planner *p, const Group *group) {
    for (size_t k = 0; k < p->plans.count; k++) {
        if (p->plans.at[k].group == group) return best_way(p, &p->plans.at[k]);
    }
    return NULL;
}

/* Borders only as wide as they are read, now that it is known which sums leave out what lies outside. Where other functions read the same
   tensors, they may leave out less. */
static void narrow_borders(Planner *p, const Groups *groups) {
    p->narrows = p->chooses && p->program == p->loop->model->training && !p->loop->options.gradients;
    if (!p->narrows) return;
    for (size_t i = 0; i < p->tensors; i++) {
        Storage *s = &p->storage[p->program->all.at[i]->id];
        for (int a = 0; a < MOST_AXES; a++) s->before[a] = s->after[a] = 0;
    }
    for (size_t i = 0; i < groups->count; i++) {
        const Group *group = &groups->at[i];
        Look look = {.planner = p, .group = group, .way = way_of(p, group), .scan = group->list.at[0]->scan};
        for (size_t k = 0; k < group->list.count; k++)
            expr_visit(p->program->pool, group->list.at[k]->value, look_for_border, &look);
        look.way = NULL;
        for (size_t k = 0; group->update != NULL && k < group->update->list.count; k++)
            expr_visit(p->program->pool, group->update->list.at[k]->value, look_for_border, &look);
    }
}

/* ---- Statements that read where it was chosen */

typedef struct {
    Planner *planner;
    const Way *way; /* of the group, or NULL */
    const Group *group;
    bool leaves_out;
} Redirect;

static bool reads_copy(const Redirect *r, Expr e) {
    bool by_copy = false;
    for (int i = 0; r->way != NULL && i < r->way->count; i++) {
        if (r->way->needs[i].tensor == e->tensor && r->planner->storage[e->tensor->id].copy != NULL)
            need_is_met(r->planner, &r->way->needs[i], &by_copy);
    }
    for (int i = 0; r->way != NULL && i < r->way->single_count; i++) {
        if (r->way->singles[i].tensor == e->tensor && r->planner->storage[e->tensor->id].copy != NULL)
            by_copy |= single_reads_copy(r->planner, &r->way->singles[i]);
    }
    return by_copy;
}

/* Is all that is read inside of the tensor or of its border? */
static bool stands_in_memory(Redirect *r, Expr e, Expr read) {
    uint32_t left_out = 0;
    if (border_covers(read, 0)) return true;
    if (r->way == NULL || !r->planner->narrows || read->tensor->border == NULL) return false;
    for (int a = 0; a < e->tensor->rank; a++) left_out |= (uint32_t)leaves_out(r->planner, r->group, &r->way->choice, e, a) << a;
    bool covered = border_covers(read, left_out);
    r->leaves_out |= covered;
    return covered;
}

static Expr redirected(void *context, Expr e) {
    Redirect *r = context;
    if (e->kind != EXPR_READ || e->tensor->local) return e;
    Tensor *from = reads_copy(r, e) ? r->planner->storage[e->tensor->id].copy : e->tensor;
    Expr otherwise = e->has_default ? e->kids[e->count - 1] : NULL;
    const Scan *scan = from->definition != NULL ? from->definition->scan : NULL;
    bool unfinished = scan != NULL && scan == r->group->list.at[0]->scan; /* what is outside depends on the step: scans.c */
    Pool *pool = r->planner->program->pool;
    Expr read = expr_read(pool, from, e->kids, from->rank, otherwise);
    bool asks = read->kind == EXPR_READ && read->has_default && !unfinished;
    return asks && stands_in_memory(r, e, read) ? expr_read(pool, from, e->kids, from->rank, NULL) : read;
}

static void redirect_group(Planner *p, Group *group, const Way *way) {
    Redirect r = {p, way, group, false};
    Statements list = {0};
    for (size_t i = 0; i < group->list.count; i++) {
        Statement *s = group->list.at[i], *other = s;
        Expr value = expr_replace(p->program->pool, s->value, redirected, &r);
        if (value != s->value) {
            other = NEW(p->loop->arena, Statement);
            *other = *s;
            other->value = value;
        }
        vec_push(p->loop->arena, &list, other);
    }
    group->list = list;
    group->leaves_out = r.leaves_out;
    if (group->update == NULL) return;
    Group *update = NEW(p->loop->arena, Group);
    *update = *group->update;
    redirect_group(p, update, NULL);
    group->update = update;
}

/* ---- Copies */

static Tensor *copy_new(Planner *p, Tensor *of) {
    Program *program = p->program;
    Tensor *copy = tensor_new(program, TENSOR_PART, arena_printf(p->loop->arena, "%s.copy", of->name), of->rank, of->shape);
    copy->batched = of->batched;
    copy->index_range = of->index_range;
    copy->span = of->span;
    return copy;
}

static Statement *copying(Planner *p, Tensor *copy, Tensor *of) {
    Statement *s = NEW(p->loop->arena, Statement);
    Index **indices = NEW_ARRAY(p->loop->arena, Index *, of->rank + 1);
    for (int a = 0; a < of->rank; a++) indices[a] = index_of_axis(p->program, of, a, of->shape[a]);
    *s = (Statement){.target = copy,
                     .indices = indices,
                     .count = of->rank,
                     .value = tensor_at(p->program, of, indices),
                     .origin = {.span = of->span, .rule = "copied"},
                     .note = "stands in memory as those who read it want it"};
    return s;
}

/* Copies of what is there before the routine begins stand first, others behind the group that finds what they copy. */
static void add_copies(Planner *p, Groups *out, const Group *after) {
    for (size_t i = 0; i < p->tensors; i++) {
        Tensor *t = p->program->all.at[i];
        bool here = t->definition == NULL && after == NULL;
        for (size_t k = 0; after != NULL && k < after->list.count; k++)
            here |= after->list.at[k]->target == t && t->definition != NULL;
        if (p->storage[t->id].copy == NULL || !here) continue;
        bool once = p->program->done != NULL && !t->batched; /* it stays the same for all of a batch */
        Group group = {.when = after != NULL ? after->when : once ? IF_FIRST : ALWAYS};
        vec_push(p->loop->arena, &group.list, copying(p, p->storage[t->id].copy, t));
        vec_push(p->loop->arena, out, group);
    }
}

/* Does a chosen way want something of the tensor, or of its copy? */
static bool is_wanted(const Planner *p, const Tensor *t, bool copy) {
    for (size_t i = 0; i < p->plans.count; i++) {
        const Way *way = best_way(p, &p->plans.at[i]);
        for (int k = 0; way != NULL && k < way->count; k++) {
            bool by_copy = false;
            if (way->needs[k].tensor == t && need_is_met(p, &way->needs[k], &by_copy) && by_copy == copy) return true;
        }
        for (int k = 0; way != NULL && k < way->single_count; k++) {
            if (way->singles[k].tensor == t && copy && single_reads_copy(p, &way->singles[k])) return true;
        }
    }
    return false;
}

/* The loops of what has no sums follow what they write as it stands in memory. */
static void order_by_storage(const Statement *s, Choice *choice) {
    const Layout *layout = s->target->layout;
    bool done[MOST_INDICES] = {false};
    int count = 0;
    if (layout == NULL || s->value->reduces || s->count != s->target->rank) return;
    for (int k = 0; k < layout->count; k++) {
        int axis = layout->axes[k].axis;
        if (!done[axis]) choice->order[count++] = axis;
        done[axis] = true;
    }
}

Groups apply_storage(Planner *p, const Groups *groups) {
    Groups out = {0};
    narrow_borders(p, groups);
    for (size_t i = 0; i < p->tensors; i++) {
        Tensor *t = p->program->all.at[i];
        Storage *s = &p->storage[t->id];
        if (storage_of(p, t)->may_move && is_wanted(p, storage_owner(t), false)) give_layout(p, t, t, false);
        bool copied = s->copy_inner >= 0 && is_wanted(p, t, true);
        if (copied && t->copy == NULL) {
            t->copy = copy_new(p, t);
            give_layout(p, t, t->copy, true);
        }
        s->copy = copied ? t->copy : NULL;
    }
    add_copies(p, &out, NULL);
    for (size_t i = 0; i < groups->count; i++) {
        Group group = groups->at[i];
        const Way *way = way_of(p, &groups->at[i]);
        group.choice = way == NULL ? NULL : &way->choice;
        if (way != NULL) order_by_storage(group.list.at[0], &p->plans.at[i].ways[way - p->plans.at[i].ways].choice);
        redirect_group(p, &group, way);
        vec_push(p->loop->arena, &out, group);
        add_copies(p, &out, &group);
    }
    return out;
}
