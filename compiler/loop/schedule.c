/* Which index of each statement stands in the lanes of vectors, the register tile, the order of the loops, and how tensors stand in memory.

   Requires: the groups of a routine, fused. Ensures: a choice for each group that vectors make faster; the layouts and copies that these
   need (storage.c). What each way of computing a group wants of its tensors is in ways.c, what it costs in cost.c.
   Method: which axis of each tensor is innermost, and whether it has a copy with another, is found for the whole step at once, by
   coordinate descent: each tensor is changed in turn, alone and with each other, as long as the predicted time falls. It begins from
   several states: all tensors as they are written, all with the batch innermost, all with the next axis innermost, ..., and as they are
   written with all copies that there may be; the best is kept. */
#include "loop/cost.h"
#include "loop/schedule.h"

enum { MOST_STARTS = 5, STATES_KEPT = 256 };

static const double ROW = 0.5, /* cycles to copy a number of a row; transpose.c knows about others */
    APART = 4;                 /* more, to read a number from another line of the cache than the one before it */

/* ---- What a state of the tensors costs */

double cost_of_way(const Planner *planner, const Way *way) {
    double cycles = way->choice.cycles;
    for (int i = 0; i < way->single_count; i++) {
        const Storage *storage = storage_of(planner, way->singles[i].tensor);
        bool by_copy = single_reads_copy(planner, &way->singles[i]);
        cycles += way->singles[i].cycles[by_copy ? storage->copy_inner : storage->inner];
    }
    return cycles;
}

/* Loops run over the target as it stands in memory. */
double cost_without_vectors(const Planner *planner, const Plan *plan) {
    const Statement *s = plan->group->list.at[0];
    double cycles = plan->scalar;
    if (plan->read_count == 0) return cycles;
    uint32_t innermost = UINT32_C(1) << storage_of(planner, s->target)->inner;
    for (int i = 0; i < plan->read_count; i++) {
        const PlainRead *read = &plan->reads[i];
        uint32_t any = 0;
        for (int a = 0; a < read->tensor->rank; a++) any |= read->follows[a];
        bool apart = (any & innermost) != 0 && (read->follows[storage_of(planner, read->tensor)->inner] & innermost) == 0;
        if (apart) cycles += APART * index_product(s->indices, s->count);
    }
    return cycles;
}

static void note_plain_read(void *context, Expr e) {
    Plan *plan = context;
    const Statement *s = plan->group->list.at[0];
    if (e->kind != EXPR_READ || e->tensor->rank < 2 || e->tensor->rank > MOST_AXES || plan->read_count == MOST_SINGLES) return;
    PlainRead *read = &plan->reads[plan->read_count++];
    read->tensor = e->tensor;
    for (int a = 0; a < e->tensor->rank; a++) {
        for (int i = 0; i < s->count; i++) read->follows[a] |= (uint32_t)expr_depends(e->kids[a], s->indices[i]) << i;
    }
}

static void find_plain_reads(Pool *pool, Plan *plan) {
    const Statement *s = plan->group->list.at[0];
    bool plain = s->subscripts == NULL && s->count > 1 && s->count == s->target->rank && s->count <= MOST_INDICES;
    if (plain && !s->value->reduces) expr_visit(pool, s->value, note_plain_read, plan);
}

static const Way *best_below(const Planner *planner, const Plan *plan, double least) {
    const Way *best = NULL;
    for (int i = 0; i < plan->count && plan->ways[plan->by_cost[i]].choice.cycles < least; i++) {
        const Way *way = &plan->ways[plan->by_cost[i]];
        double cycles = cost_of_way(planner, way);
        bool met = cycles < least, by_copy;
        for (int k = 0; k < way->count && met; k++) met = need_is_met(planner, &way->needs[k], &by_copy);
        if (!met) continue;
        best = way;
        least = cycles;
    }
    return best;
}

const Way *best_way(const Planner *planner, const Plan *plan) {
    const Way *best = best_below(planner, plan, plan->scalar);
    return best != NULL || plan->read_count == 0 ? best : best_below(planner, plan, cost_without_vectors(planner, plan));
}

typedef struct {
    Planner *p;
    Vec(Tensor *) tensors; /* that may change */
    Vec(Plan *) * users;   /* by tensor id: the plans whose ways want something of it */
    double cycles;         /* of all, as things stand */
} Search;

/* The search comes by the same states of a plan's tensors again and again. */
typedef struct PlanCosts {
    const Storage *tensors[sizeof(uint64_t)];
    int count;
    uint64_t states[STATES_KEPT]; /* a byte for each tensor: its innermost axis and its copy's, plus 1; 0: none */
    double cycles[STATES_KEPT];
} PlanCosts;

static double cost_of_plan(const Planner *p, Plan *plan) {
    PlanCosts *known = plan->known;
    uint64_t state = 0;
    size_t slot = 0;
    for (int i = 0; known != NULL && i < known->count; i++) {
        const Storage *s = known->tensors[i];
        state = state << 8 | (uint64_t)(s->inner + 1) << 4 | (uint64_t)(s->copy_inner + 1);
    }
    if (state != 0) {
        slot = (state * UINT64_C(0x9E3779B97F4A7C15)) >> 56;
        if (known->states[slot] == state) return known->cycles[slot];
    }
    const Way *way = best_way(p, plan);
    double cycles = way != NULL ? cost_of_way(p, way) : cost_without_vectors(p, plan);
    if (state != 0) {
        known->states[slot] = state;
        known->cycles[slot] = cycles;
    }
    return cycles;
}

static double cost_of_copy(const Search *s, const Tensor *t) {
    const Storage *storage = &s->p->storage[t->id];
    if (storage->copy_inner < 0 || t->copy != NULL) return 0;
    if (storage->inner == storage->copy_inner) return ROW * tensor_points(t);
    double *cycles = &s->p->storage[t->id].copying[storage->inner][storage->copy_inner];
    if (*cycles == 0) lanes_to_transpose(s->p->loop, t, t, storage->inner, storage->copy_inner, cycles);
    return *cycles;
}

static void find_all(Search *s) {
    s->cycles = 0;
    for (size_t i = 0; i < s->p->plans.count; i++) {
        s->p->plans.at[i].cycles = cost_of_plan(s->p, &s->p->plans.at[i]);
        s->cycles += s->p->plans.at[i].cycles;
    }
    for (size_t i = 0; i < s->tensors.count; i++) s->cycles += cost_of_copy(s, s->tensors.at[i]);
}

/* Changes a tensor, and what depends on it. */
static void change(Search *s, const Tensor *t, int inner, int copy_inner) {
    Storage *storage = &s->p->storage[t->id];
    if (storage->inner == inner && storage->copy_inner == copy_inner) return;
    s->cycles -= cost_of_copy(s, t);
    storage->inner = inner;
    storage->copy_inner = copy_inner;
    s->cycles += cost_of_copy(s, t);
    for (size_t i = 0; i < s->users[t->id].count; i++) {
        Plan *plan = s->users[t->id].at[i];
        s->cycles -= plan->cycles;
        plan->cycles = cost_of_plan(s->p, plan);
        s->cycles += plan->cycles;
    }
}

/* ---- The search */

typedef struct {
    int inner, copy_inner;
} Standing;

static Standing standing_of(const Search *s, const Tensor *t) {
    const Storage *storage = &s->p->storage[t->id];
    return (Standing){storage->inner, storage->copy_inner};
}

static void put(Search *s, const Tensor *t, Standing place) { change(s, t, place.inner, place.copy_inner); }

static bool improves(const Search *s, double best) { return s->cycles < best * (1 - 1e-9); }

/* The best place for t, where `other` may follow to any axis of its own. */
static bool move(Search *s, const Tensor *t, const Tensor *other) {
    const Storage *storage = &s->p->storage[t->id];
    Standing first = standing_of(s, t), best = first, others = other == NULL ? first : standing_of(s, other),
             others_best = others;
    double least = s->cycles;
    for (int inner = 0; inner < t->rank; inner++) {
        if (!storage->may_move && inner != first.inner) continue;
        for (int copy = -1; copy < (storage->may_copy ? t->rank : 0); copy++) {
            Standing place = {inner, t->copy != NULL ? first.copy_inner : copy};
            put(s, t, place);
            for (int k = 0; k < (other == NULL ? 1 : other->rank); k++) {
                if (other != NULL) put(s, other, (Standing){k, others.copy_inner});
                if (!improves(s, least)) continue;
                least = s->cycles;
                best = place;
                if (other != NULL) others_best = (Standing){k, others.copy_inner};
            }
        }
    }
    put(s, t, best);
    if (other != NULL) put(s, other, others_best);
    return best.inner != first.inner || best.copy_inner != first.copy_inner || others_best.inner != others.inner;
}

/* Do they meet in a statement? Only such can gain together. */
static bool meet(const Search *s, const Tensor *t, const Tensor *u) {
    for (size_t i = 0; i < s->users[t->id].count; i++) {
        for (size_t k = 0; k < s->users[u->id].count; k++) {
            if (s->users[t->id].at[i] == s->users[u->id].at[k]) return true;
        }
    }
    return false;
}

static void descend(Search *s) {
    for (bool better = true; better;) {
        better = false;
        for (size_t i = 0; i < s->tensors.count; i++) {
            const Tensor *t = s->tensors.at[i];
            better |= move(s, t, NULL);
            for (size_t k = 0; k < s->tensors.count; k++) {
                const Tensor *u = s->tensors.at[k];
                if (k != i && s->p->storage[u->id].may_move && meet(s, t, u)) better |= move(s, t, u);
            }
        }
    }
}

/* State `which`: 0 as written; n: axis n - 1 of each tensor is innermost; the last: as written, with all copies that there may be. */
static void begin(Search *s, int which) {
    bool copies = which == MOST_STARTS - 1;
    if (copies) which = 0;
    for (size_t i = 0; i < s->tensors.count; i++) {
        const Tensor *t = s->tensors.at[i];
        Storage *storage = &s->p->storage[t->id];
        int axis = which == 0 || which > t->rank ? t->rank - 1 : which - 1;
        if (storage->may_move) storage->inner = axis;
        storage->copy_inner = t->copy != NULL                                        ? storage->copy_inner
                              : copies && storage->may_copy && t->rank > 1           ? t->rank - 2
                              : which > 0 && storage->may_copy && !storage->may_move ? axis
                                                                                     : -1;
    }
    find_all(s);
}

static void add_user(Search *s, const Tensor *tensor, Plan *plan) {
    size_t count = s->users[tensor->id].count;
    if (count > 0 && s->users[tensor->id].at[count - 1] == plan) return;
    vec_push(s->p->loop->arena, &s->users[tensor->id], plan);
    if (plan->known == NULL) return;
    bool room = plan->known->count < (int)sizeof(uint64_t);
    if (room) plan->known->tensors[plan->known->count++] = &s->p->storage[tensor->id];
    else plan->known = NULL;
}

static void search(Planner *p) {
    Arena *arena = p->loop->arena;
    Search s = {.p = p};
    s.users = arena_alloc(arena, sizeof *s.users * (p->tensors + 1));
    for (size_t i = 0; i < p->plans.count; i++) {
        Plan *plan = &p->plans.at[i];
        plan->known = NEW(arena, PlanCosts);
        if (plan->read_count > 0) add_user(&s, storage_owner(plan->group->list.at[0]->target), plan);
        for (int k = 0; k < plan->read_count; k++) add_user(&s, storage_owner(plan->reads[k].tensor), plan);
        for (int w = 0; w < plan->count; w++) {
            for (int k = 0; k < plan->ways[w].count; k++) add_user(&s, plan->ways[w].needs[k].tensor, plan);
            for (int k = 0; k < plan->ways[w].single_count; k++) add_user(&s, plan->ways[w].singles[k].tensor, plan);
        }
    }
    for (size_t i = 0; i < p->tensors; i++) {
        Tensor *t = p->program->all.at[i];
        bool moves = p->storage[t->id].may_move && storage_owner(t) == t && t->rank > 1;
        if (s.users[t->id].count > 0 && (moves || p->storage[t->id].may_copy)) vec_push(arena, &s.tensors, t);
    }
    Standing *best = NEW_ARRAY(arena, Standing, s.tensors.count + 1);
    double least = -1;
    for (int start = 0; start < MOST_STARTS; start++) {
        begin(&s, start);
        descend(&s);
        if (least >= 0 && !improves(&s, least)) continue;
        least = s.cycles;
        for (size_t i = 0; i < s.tensors.count; i++) best[i] = standing_of(&s, s.tensors.at[i]);
    }
    for (size_t i = 0; i < s.tensors.count; i++) {
        p->storage[s.tensors.at[i]->id].inner = best[i].inner;
        p->storage[s.tensors.at[i]->id].copy_inner = best[i].copy_inner;
    }
}

/* Straight lines of one example; neighbours in a batch may be lanes instead, where nobody asked for lines. */
static bool lines_may_be_vectors(const Planner *p, const Group *group) {
    return p->loop->options.unroll == UNROLL_AUTO && p->program->batch->size >= LEAST_SIZE && group->list.at[0]->scan == NULL;
}

double least_cycles(LoopProgram *loop, Program *program, const Groups *groups) {
    Planner p = {.loop = loop, .program = program};
    Plan *plan = NEW(loop->arena, Plan);
    bool laid_out = loop->laid_out_training;
    double cycles = 0;
    find_storage(&p, groups);
    loop->laid_out_training = laid_out; /* nothing is chosen */
    for (size_t i = 0; i < groups->count; i++) {
        *plan = (Plan){.group = &groups->at[i]};
        find_ways(&p, plan);
        double scalar = cost_of_scalars(program->pool, plan->group);
        double least = plan->count > 0 ? plan->ways[plan->by_cost[0]].choice.cycles : scalar;
        cycles += least < scalar ? least : scalar;
    }
    return cycles;
}

Groups schedule(LoopProgram *loop, const Routine *routine, const Groups *groups, bool vectors) {
    Planner *p = NEW(loop->arena, Planner);
    *p = (Planner){.loop = loop, .program = routine->program};
    for (int i = 0; i < ROUTINES; i++) {
        const char *name;
        if (loop_routine(loop, i, &name) == routine) p->name = name;
    }
    if (vectors) vec_push(loop->arena, &loop->planners, p);
    find_storage(p, groups);
    p->plans.at = NEW_ARRAY(loop->arena, Plan, groups->count + 1); /* at once: they are large */
    p->plans.count = p->plans.capacity = groups->count;
    for (size_t i = 0; i < groups->count; i++) {
        Plan *plan = &p->plans.at[i];
        plan->group = &groups->at[i];
        plan->scalar = cost_of_scalars(p->program->pool, plan->group);
        if (vectors) find_plain_reads(p->program->pool, plan);
        if (vectors && (!groups->at[i].lines || lines_may_be_vectors(p, &groups->at[i]))) find_ways(p, plan);
    }
    search(p);
    return apply_storage(p, groups);
}
