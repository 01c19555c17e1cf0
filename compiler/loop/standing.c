/* How parameters stand in memory where C has no vectors of its own.

   Requires: the groups of a training step, fused; what earlier routines did does not say where a parameter stands. Ensures: where the sums
   of a step are so much faster if another axis of a parameter is innermost that it is worth a comment in the header, it is; the
   optimizer's memory follows.
   Example:  hidden.dense[b, j] = sum(i: W[j, i] * x[b, i])  of one example, one sum after the other, waits for each addition;
             with W standing as W[i][j], the sums of all j grow together, in order (rows.c). */
#include "loop/lowering.h"
#include "loop/schedule.h"

#include <math.h>

/* Cycles of a step that are saved, and their share of all in sums, at least: else a parameter stands as it is written */
static const double SAVED = 200, SAVED_SHARE = 0.1;
/* ... to change a parameter, whose neighbours in memory are so few that C compilers make no vectors of them, or more */
static const double CHANGING_FEW = 1, CHANGING_MANY = 0.3;

typedef struct {
    Lowering *l;
    const Groups *groups; /* those of a scan's steps, too */
    double *cycles;       /* of each, as things stand */
} Standing;

static double cycles_of(const Standing *s, const Group *group) {
    const Scan *scan = group->list.at[0]->scan;
    if (group->lines) return 0;
    s->l->step = scan != NULL ? scan->index : NULL;
    double cycles = cycles_of_sums(s->l, group) * (scan != NULL ? (double)scan->index->size : 1);
    const Tensor *target = group->list.at[0]->target, *owner = storage_owner(target);
    s->l->step = NULL;
    if (owner->kind != TENSOR_PARAMETER || owner->rank == 0) return cycles;
    bool few = owner->shape[inner_axis(owner)] <= FEW_ELEMENTS;
    return cycles + tensor_points(owner) * (few ? CHANGING_FEW : CHANGING_MANY);
}

static void stand(const Standing *s, const Tensor *owner, int inner) {
    const Program *program = s->l->program;
    for (size_t i = 0; i < program->all.count; i++) {
        Tensor *t = program->all.at[i];
        LayoutAxis axes[MOST_AXES];
        int count = 0;
        if (storage_owner(t) != owner) continue;
        for (int a = 0; a < t->rank; a++) {
            if (a != inner) axes[count++] = (LayoutAxis){a, 1, t->shape[a], 0};
        }
        axes[count++] = (LayoutAxis){inner, 1, t->shape[inner], 0};
        t->layout = inner == t->rank - 1 ? NULL : layout_new(s->l->arena, t, axes, count);
    }
}

static bool is_read(const Standing *s, const Group *group, const Tensor *t) {
    bool read = false;
    for (size_t i = 0; i < group->list.count; i++) read |= expr_reads(s->l->pool, group->list.at[i]->value, t);
    return read;
}

static void choose(Standing *s, const Tensor *t, double all) {
    const size_t count = s->groups->count;
    bool *touched = NEW_ARRAY(s->l->arena, bool, count + 1);
    double now = 0, least;
    int best = t->rank - 1;
    for (size_t i = 0; i < count; i++) {
        const Group *group = &s->groups->at[i];
        touched[i] = s->cycles[i] > 0 && (is_read(s, group, t) || storage_owner(group->list.at[0]->target) == t);
        if (touched[i]) now += s->cycles[i];
    }
    least = s->l->loop->options.columns ? now : now - fmax(SAVED, SAVED_SHARE * all);
    for (int inner = 0; inner + 1 < t->rank; inner++) {
        double cycles = 0;
        if (t->shape[inner] <= FEW_ELEMENTS) continue; /* C compilers make few vectors of such, or none */
        stand(s, t, inner);
        for (size_t i = 0; i < count; i++) cycles += touched[i] ? cycles_of(s, &s->groups->at[i]) : 0;
        if (cycles >= least) continue;
        least = cycles;
        best = inner;
    }
    stand(s, t, best);
    for (size_t i = 0; i < count; i++) s->cycles[i] = touched[i] ? cycles_of(s, &s->groups->at[i]) : s->cycles[i];
}

void choose_standing(Lowering *l, const Groups *groups) {
    Standing s = {l, groups, NEW_ARRAY(l->arena, double, groups->count + 1)};
    double all = 0;
    for (size_t i = 0; i < groups->count; i++) all += s.cycles[i] = cycles_of(&s, &groups->at[i]);
    for (size_t i = 0; i < l->program->all.count; i++) {
        const Tensor *t = l->program->all.at[i];
        if (t->kind == TENSOR_PARAMETER && t->rank > 1 && t->rank <= MOST_AXES) choose(&s, t, all);
    }
}
