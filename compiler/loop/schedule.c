/* Which index of each statement stands in the lanes of vectors, the register tile, the order of the loops, and how tensors stand in memory.

   Requires: the groups of a routine, fused. Ensures: a choice for each group that vectors make faster; the layouts that these need.
   An index may stand in lanes where every read of the group either does not depend on it, or has it in its innermost place in memory:
   no element is gathered. What is innermost is free for all tensors but inputs, targets and outputs, and is found for the whole step
   at once: each tensor's innermost axis is changed in turn, alone and with each other, as long as the predicted time falls.
   The cost of one choice is in cost.c. */
#include "loop/cost.h"

#include "tensor/affine.h"

enum { MOST_NEEDS = 32, LEAST_SIZE = 4 };

/* One way to compute a group: which axes must be innermost for it. */
typedef struct {
    Choice choice;
    const Tensor *tensors[MOST_NEEDS];
    int axes[MOST_NEEDS];
    int needs;
    bool possible;
} Way;

typedef struct {
    Group *group;
    Way ways[MOST_INDICES];
    int count; /* indices of the first statement */
    double scalar;
} Plan;

typedef struct {
    LoopProgram *loop;
    Program *program;
    Vec(Plan) plans;
    int *inner;     /* by tensor id: the axis that is innermost */
    bool *may_move; /* by tensor id: its layout is ours to choose */
    Vec(Tensor *) movable;
} Planner;

/* ---- What a way needs */

typedef struct {
    Planner *planner;
    Way *way;
    Index *v;
} Look;

/* The optimizer's memory, and gradients, stand in memory as their parameters do. */
static const Tensor *owner(const Tensor *t) {
    bool follows = t->of != NULL && t->of->kind == TENSOR_PARAMETER && t->of->rank == t->rank &&
                   (t->kind == TENSOR_STATE || t->kind == TENSOR_ADJOINT);
    return follows ? t->of : t;
}

static bool is_outside(const Planner *planner, const Tensor *t) { return !planner->may_move[owner(t)->id] && t->layout == NULL; }

static void need(Look *look, const Tensor *t, int axis) {
    Way *w = look->way;
    const Tensor *of = owner(t);
    for (int i = 0; i < w->needs; i++) {
        if (w->tensors[i] != of) continue;
        if (w->axes[i] != axis) w->possible = false;
        return;
    }
    if (w->needs == MOST_NEEDS) {
        w->possible = false;
        return;
    }
    w->tensors[w->needs] = of;
    w->axes[w->needs++] = axis;
}

/* Along which axis does the element move by one with v? -1: it does not depend on it; -2: otherwise. */
static int axis_along(Pool *pool, const Tensor *t, const Expr *subscripts, Index *v) {
    int axis = -1;
    for (int i = 0; i < t->rank; i++) {
        if (!expr_depends(subscripts[i], v)) continue;
        Expr rest = expr_op2(pool, OP_SUB, subscripts[i], expr_index(pool, v));
        if (axis != -1 || !subscripts[i]->integer || expr_depends(rest, v)) return -2;
        axis = i;
    }
    return axis;
}

/* Does each example have a struct of its own? Then neighbours in the batch are apart in memory. */
static bool is_of_examples(const Program *program, const Tensor *t) {
    bool output = false;
    for (size_t i = 0; i < program->outputs.count; i++) output |= program->outputs.at[i] == t;
    return t->batched && (t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET || output);
}

/* A vector may begin where its index does, and ends where the tensor does. */
static void look_at_element(Look *look, const Tensor *t, const Expr *subscripts) {
    int axis = axis_along(look->planner->program->pool, t, subscripts, look->v);
    if (axis == -1) return;
    bool whole = axis >= 0 && subscripts[axis]->kind == EXPR_INDEX && t->shape[axis] == look->v->size;
    bool apart = axis == 0 && is_of_examples(look->planner->program, t);
    if (!whole || apart || t->index_range > 0 || t->ring > 0) look->way->possible = false;
    else need(look, t, axis);
}

static void look_at(void *context, Expr e) {
    Look *look = context;
    switch (e->kind) {
    case EXPR_READ:
        if (e->has_default && expr_depends(e, look->v)) look->way->possible = false;
        else look_at_element(look, e->tensor, e->kids);
        return;
    case EXPR_DRAW: look->way->possible &= !expr_depends(e, look->v); return;
    case EXPR_REDUCE:
        if (e->reduction == REDUCE_ARGMAX || e->reduction == REDUCE_ARGMIN) look->way->possible = false;
        return;
    case EXPR_OP: /* numbers made of the index itself */
        for (int i = 0; i < e->count; i++) {
            if (e->kids[i]->integer && e->kids[i]->kind != EXPR_READ && expr_depends(e->kids[i], look->v) && !e->integer)
                look->way->possible = false;
        }
        return;
    case EXPR_CONST:
    case EXPR_INDEX: return;
    }
}

static void find_way(Planner *planner, const Group *group, int position, Way *way) {
    const Statement *leader = group->list.at[0];
    Index *v = leader->indices[position];
    way->choice.lanes_of = position;
    way->possible = leader->subscripts == NULL && v->size - v->first >= LEAST_SIZE && v->first == 0 &&
                    (leader->scan == NULL || v != leader->scan->index);
    for (size_t i = 0; i < group->list.count && way->possible; i++) {
        const Statement *s = group->list.at[i];
        Expr at[MOST_INDICES];
        Look look = {.planner = planner, .way = way, .v = v};
        if (s->target->index_range > 0 || s->value->kind == EXPR_INDEX || (s->value->integer && expr_depends(s->value, v)))
            way->possible = false;
        for (int k = 0; k < s->count; k++) at[k] = expr_index(planner->program->pool, s->indices[k]);
        if (!is_held(group, s->target)) look_at_element(&look, s->target, at);
        expr_visit(planner->program->pool, s->value, look_at, &look);
    }
}

/* ---- Widths: vectors of so many lanes, so many at a time; all that share an axis agree, because panels have one width */

static int vectors_of(const LoopProgram *loop, int64_t size, int *vectors) {
    int most = loop->options.target->bytes / (loop->is_double ? 8 : 4), lanes = 0;
    double best = 0;
    for (int l = most; l >= 4 || l == most; l /= 2) {
        double cost = (double)((size + l - 1) / l) * (l == most ? l : l * 1.04 < 8 ? 8 : l * 1.04);
        if (lanes == 0 || cost < best) {
            lanes = l;
            best = cost;
        }
    }
    int64_t count = (size + lanes - 1) / lanes;
    *vectors = count % 2 == 0 ? 2 : count % 3 == 0 ? 3 : 1;
    return lanes;
}

static void find_width(Planner *planner, Plan *plan, Way *way) {
    const Index *v = plan->group->list.at[0]->indices[way->choice.lanes_of];
    bool exact = false;
    for (int i = 0; i < way->needs; i++) exact |= is_outside(planner, way->tensors[i]);
    way->choice.lanes = vectors_of(planner->loop, v->size, &way->choice.vectors);
    if (exact && v->size % ((int64_t)way->choice.lanes * way->choice.vectors) != 0) way->possible = false;
}

/* ---- Which ways the layouts allow, and what they cost */

static bool allowed(const Planner *planner, const Way *way) {
    for (int i = 0; i < way->needs && way->possible; i++) {
        if (planner->inner[way->tensors[i]->id] != way->axes[i]) return false;
    }
    return way->possible;
}

static const Way *best_way(const Planner *planner, const Plan *plan) {
    const Way *best = NULL;
    for (int i = 0; i < plan->count; i++) {
        if (allowed(planner, &plan->ways[i]) && (best == NULL || plan->ways[i].choice.cycles < best->choice.cycles))
            best = &plan->ways[i];
    }
    return best != NULL && best->choice.cycles < plan->scalar ? best : NULL;
}

static double total(const Planner *planner) {
    double cycles = 0;
    for (size_t i = 0; i < planner->plans.count; i++) {
        const Way *way = best_way(planner, &planner->plans.at[i]);
        cycles += way != NULL ? way->choice.cycles : planner->plans.at[i].scalar;
    }
    return cycles;
}

static void descend(Planner *p) {
    double best = total(p);
    for (bool better = true; better;) {
        better = false;
        for (size_t i = 0; i < p->movable.count; i++) {
            const Tensor *t = p->movable.at[i];
            for (size_t k = i; k < p->movable.count; k++) { /* k == i: the tensor alone */
                const Tensor *u = p->movable.at[k];
                int t_before = p->inner[t->id], u_before = p->inner[u->id];
                int t_best = t_before, u_best = u_before;
                for (int a = 0; a < t->rank; a++) {
                    for (int b = 0; b < (k == i ? 1 : u->rank); b++) {
                        p->inner[t->id] = a;
                        if (k != i) p->inner[u->id] = b;
                        double cycles = total(p);
                        if (cycles < best * (1 - 1e-9)) {
                            best = cycles;
                            t_best = a;
                            u_best = k != i ? b : a;
                            better = true;
                        }
                    }
                }
                p->inner[u->id] = u_best;
                p->inner[t->id] = t_best;
            }
        }
    }
}

/* ---- Layouts */

static void give_layout(Planner *p, Tensor *t) {
    Arena *arena = p->loop->arena;
    int inner = p->inner[owner(t)->id], vectors = 1;
    int lanes = vectors_of(p->loop, t->shape[inner], &vectors);
    int64_t width = (int64_t)lanes * vectors, blocks = (t->shape[inner] + width - 1) / width;
    bool panels = tensor_is_persistent(owner(t)) && t->rank > 1 && blocks > 1 && t->shape[inner] % width == 0;
    if (inner == t->rank - 1 && !panels && t->shape[inner] % width == 0) return; /* as it is */
    LayoutAxis axes[10];
    int count = 0;
    if (panels) axes[count++] = (LayoutAxis){inner, width, blocks};
    for (int a = 0; a < t->rank; a++) {
        if (a != inner) axes[count++] = (LayoutAxis){a, 1, t->shape[a]};
    }
    axes[count++] = (LayoutAxis){inner, 1, panels ? width : width * blocks};
    t->layout = layout_new(arena, t, axes, count);
}

static bool is_used(const Planner *p, const Tensor *t, const bool *vectored) {
    return vectored[owner(t)->id] && p->may_move[owner(t)->id];
}

/* ---- All together */

static void note_default(void *context, Expr e) {
    if (e->kind == EXPR_READ && e->has_default) ((bool *)context)[e->tensor->id] = false;
}

static void find_movable(Planner *p) {
    Program *program = p->program;
    bool *done = program == p->loop->model->training ? &p->loop->laid_out_training : &p->loop->laid_out_inference, chosen = *done;
    *done = true;
    for (size_t i = 0; i < program->all.count; i++) {
        Tensor *t = program->all.at[i];
        p->inner[t->id] = t->layout != NULL ? inner_axis(t) : t->rank - 1;
        p->may_move[t->id] = !chosen && t->layout == NULL && !(tensor_is_persistent(t) && program != p->loop->model->training) &&
                             t->rank >= 1 && t->rank < 8 && t->index_range == 0 && t->ring == 0 && t->kind != TENSOR_INPUT &&
                             t->kind != TENSOR_TARGET && t->kind != TENSOR_SETTING && t->kind != TENSOR_LITERAL;
    }
    const Statements *lists[] = {&program->forward, &program->backward, &program->update, &program->initial};
    for (size_t l = 0; l < 4; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Statement *s = lists[l]->at[i];
            expr_visit(program->pool, s->value, note_default, p->may_move);
            if (s->subscripts != NULL) p->may_move[s->target->id] = false;
        }
    }
    for (size_t i = 0; i < program->outputs.count; i++) p->may_move[program->outputs.at[i]->id] = false;
    for (size_t i = 0; i < program->all.count; i++) {
        Tensor *t = program->all.at[i];
        if (p->may_move[t->id] && owner(t) == t && t->rank > 1) vec_push(p->loop->arena, &p->movable, t);
    }
}

void schedule(LoopProgram *loop, Program *program, const Groups *groups) {
    Arena *arena = loop->arena;
    Planner p = {.loop = loop, .program = program};
    size_t tensors = program->all.count + 1;
    p.inner = NEW_ARRAY(arena, int, tensors);
    p.may_move = NEW_ARRAY(arena, bool, tensors);
    find_movable(&p);
    for (size_t i = 0; i < groups->count; i++) {
        Plan plan = {.group = &groups->at[i], .count = groups->at[i].list.at[0]->count};
        if (plan.count > MOST_INDICES || groups->at[i].list.at[0]->scan != NULL) plan.count = 0;
        plan.scalar = cost_of_scalars(plan.group);
        for (int k = 0; k < plan.count; k++) {
            Way *way = &plan.ways[k];
            find_way(&p, plan.group, k, way);
            if (way->possible) find_width(&p, &plan, way);
            if (way->possible) choose_tile(loop, program, plan.group, &way->choice);
        }
        vec_push(arena, &p.plans, plan);
    }
    descend(&p);
    bool *vectored = NEW_ARRAY(arena, bool, tensors);
    for (size_t i = 0; i < p.plans.count; i++) {
        const Way *way = best_way(&p, &p.plans.at[i]);
        if (way == NULL) continue;
        p.plans.at[i].group->choice = &way->choice;
        for (int k = 0; k < way->needs; k++) vectored[way->tensors[k]->id] = true;
    }
    for (size_t i = 0; i < program->all.count; i++) {
        if (is_used(&p, program->all.at[i], vectored)) give_layout(&p, program->all.at[i]);
    }
}
