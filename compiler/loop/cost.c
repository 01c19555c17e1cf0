/* A small model of a processor that fuses multiply and add, and issues as many bytes of vectors in a cycle as the target's row says, in one
   vector or in two: 64 mostly.
   Where it may not fuse them, it multiplies and adds at once; but a number that is spread over a vector of 64 bytes takes the adder's
   time, unless it is spread for one product alone, as it is read.

   A tile of A vectors needs, for each step of its sum, A multiply-adds, a load for each vector of an operand and a broadcast for each
   number; and at its end, the rest of the statement for each vector. Traffic: what is read again because it did not stay in the caches. */
#include "loop/cost.h"

#include <math.h>

#include "tensor/affine.h"

enum {
    LATENCY = 4,
    COMPARES = 10, /* for the larger of two numbers */
    CALL = 15,
    ACROSS_LANES = 12,
    TURN = 12, /* to begin a loop whose ends are found as it runs, */
    PLACE = 2, /* and for each place from where it reads */
    ENOUGH_SUMS = 8,
    UNROLLED_UP_TO = 8, /* rounds of a loop, by compilers */
    LARGE_SUMS = 1000000,
    LOOKS_AHEAD = 24,   /* terms: the sums of a tile that has fewer run beside those of the next one */
    FEW_VECTORS = 150,  /* multiply-adds of a step, two vectors in a cycle: with 132 shorter ones were faster, with 190 slower, */
    FEW_ALONE = 900,    /* one in a cycle, one example: 860 faster, 1,900 slower, */
    FEW_IN_ORDER = 3600 /* with the sums of strict arithmetic: 3,200 faster, 80,000 slower */
};

static const double NUMBER_READ = 0.57, /* cycles that a number in all lanes takes: two loads a cycle are seldom reached; */
    ROOM = 0.02;                        /* ... for a vector that is kept: of two tiles that are alike, the one without it */
static const int sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16};
enum { SIZES = sizeof sizes / sizeof *sizes };

int parts_of_sum(Pool *pool, Expr sum, int sums) {
    const Index *last = sum->bound[sum->bound_count - 1];
    int parts = sums <= 2 ? MOST_PARTS : sums <= ENOUGH_SUMS / 2 ? 2 : 1;
    return is_divided(pool, sum->kids[0], last) || last->size < 4 * parts ? 1 : parts;
}

/* ---- What a group does at one point */

static void note_read(void *context, Expr e) {
    GroupWork *work = context;
    if (e->kind != EXPR_READ || e->tensor->rank == 0) return;
    for (int i = 0; i < work->read_count; i++) {
        if (work->reads[i] == e) return;
    }
    if (work->read_count < MOST_READS) work->reads[work->read_count++] = e;
}

/* Of whole numbers they are few, or known when the code is written. */
static double operations_of(Expr e) {
    if (e->kind != EXPR_OP || e->integer) return 0;
    double kids = 0;
    for (int k = 0; k < e->count; k++) kids += operations_of(e->kids[k]);
    bool whole = e->condition ? kids == 0 && e->kids[0]->kind != EXPR_READ : e->op == OP_IF && operations_of(e->kids[0]) == 0;
    return whole ? kids : kids + expr_op_cost(e);
}

static void find_clipped(GroupWork *work, Expr sum, Expr term) {
    if (expr_is_op(term, OP_MUL)) {
        find_clipped(work, sum, term->kids[0]);
        find_clipped(work, sum, term->kids[1]);
    }
    bool zeros = term->kind == EXPR_READ && term->has_default && expr_is(term->kids[term->count - 1], 0);
    for (int a = 0; zeros && a < term->tensor->rank && work->clipped_count < MOST_CLIPPED; a++) {
        ClippedAxis *axis = &work->clipped[work->clipped_count];
        work->clipped_count += find_clipped_axis(work->pool, work->group->list.at[0], sum, term, a, axis);
    }
}

double share_of_clipped(const LoopProgram *loop, const GroupWork *work, const Choice *c, const int *tile, bool *varies) {
    double share = 1;
    *varies = false;
    for (int k = 0; k < work->clipped_count; k++) {
        const ClippedAxis *axis = &work->clipped[k];
        double own = share_along(loop, axis, c, tile);
        *varies |= own < 1 && axis->last && !has_own_terms(loop, axis, c, tile);
        share *= own;
    }
    return share;
}

static void look_at(GroupWork *work, Expr e) {
    if (e->kind == EXPR_REDUCE) {
        double points = index_product(e->bound, e->bound_count), operations = operations_of(e->kids[0]);
        work->sums |= e->reduction == REDUCE_SUM;
        expr_visit(work->pool, e->kids[0], note_read, work);
        if (points > work->terms) work->longest = e->reduction == REDUCE_SUM ? e : NULL;
        if (points > work->terms) work->clipped_count = 0;
        if (points > work->terms && e->reduction == REDUCE_SUM) find_clipped(work, e, e->kids[0]);
        if (points > work->terms) work->terms = points;
        work->body += operations > 1 ? operations : 1;
        return;
    }
    if (e->kind == EXPR_OP && !e->integer) {
        double cost = expr_op_cost(e);
        if (cost >= 20) work->calls++;
        else work->operations += cost;
    }
    if (e->kind == EXPR_READ) work->operations += 0.5;
    for (int k = 0; k < e->count && e->kind != EXPR_READ; k++) look_at(work, e->kids[k]);
}

static void find_periods(void *context, Expr e) {
    GroupWork *work = context;
    const Statement *s = work->group->list.at[0];
    if (e->kind != EXPR_REDUCE || e->reduction != REDUCE_SUM) return;
    for (int i = 0; i < s->count && i < MOST_INDICES; i++) {
        int64_t period = period_of(work->pool, e->kids[0], s->indices[i]);
        work->digit[i] = common_divisor(work->digit[i], digit_of(work->pool, e->kids[0], s->indices[i]));
        if (period > work->period[i]) work->period[i] = period;
        if (period > 1) work->share /= (double)period;
    }
}

GroupWork work_of_group(Pool *pool, const Group *group) {
    GroupWork work = {.pool = pool, .group = group, .share = 1};
    for (int i = 0; i < MOST_INDICES; i++) work.period[i] = 1;
    expr_visit(pool, group->list.at[0]->value, find_periods, &work);
    for (size_t i = 0; i < group->list.count; i++) {
        work.operations++;
        look_at(&work, group->list.at[i]->value);
    }
    return work;
}

void shorten_vectors(LoopProgram *loop, Pool *pool, const Groups *step) {
    double multiply_adds = 0;
    for (size_t i = 0; i < step->count; i++) {
        const GroupWork work = work_of_group(pool, &step->at[i]);
        const Statement *s = step->at[i].list.at[0];
        multiply_adds += index_product(s->indices, s->count) * work.terms * work.body;
    }
    bool joins = multiplies_two_vectors(loop); /* two places to multiply, for each of them */
    int few = joins ? FEW_VECTORS : loop->model->settings.batch > 1 ? 0 : loop->options.fast ? FEW_ALONE : FEW_IN_ORDER;
    if (has_short_vectors(loop) || multiply_adds * (loop->is_double ? 8 : 4) > few * loop->options.target->bytes) return;
    Target *shorter = NEW(loop->arena, Target);
    *shorter = *loop->options.target;
    shorter->bytes /= 2;
    if (joins) shorter->rate /= 2;
    loop->options.target = shorter;
}

typedef struct {
    const Index *row; /* along which sums grow together, and wait for lines of the cache instead of themselves; or NULL */
    double cycles;
} Waiting;

static void count_waiting(void *context, Expr e) {
    Waiting *w = context;
    if (e->kind != EXPR_REDUCE) return;
    double wait = e->reduction != REDUCE_SUM ? COMPARES : w->row == NULL ? LATENCY - 1 : 2.0 * LINE / 4 / (double)w->row->size;
    w->cycles += index_product(e->bound, e->bound_count) * wait;
}

double cost_of_scalars(Pool *pool, const Group *group) {
    double cycles = 0;
    for (size_t i = 0; i < group->list.count; i++) {
        const Statement *s = group->list.at[i];
        const Index *last = s->count > 0 ? s->indices[s->count - 1] : NULL;
        Waiting waiting = {.row = last != NULL && !last->batch && last->size >= ENOUGH_SUMS ? last : NULL};
        expr_visit(pool, s->value, count_waiting, &waiting);
        cycles += index_product(s->indices, s->count) * ((1 + expr_cost(s->value)) * 0.5 + waiting.cycles);
    }
    return cycles;
}

/* ---- One tile */

static double copies(const GroupWork *work, const Choice *c, const int *tile, Expr read, bool *vector) {
    const Statement *s = work->group->list.at[0];
    double count = 1;
    *vector = differs_in_lanes(work->pool, read, c);
    for (int i = 0; i < s->count; i++) {
        if (i == c->lanes_of) count *= *vector ? c->vectors : 1;
        else if (expr_depends(read, s->indices[i])) count *= tile[i];
    }
    return count;
}

/* Does a vector that is as long as a line of the cache begin somewhere inside one? Then two lines are read for it. */
static bool crosses_lines(const LoopProgram *loop, const GroupWork *work, const Choice *c, Expr read) {
    if (c->lanes * (loop->is_double ? 8 : 4) < LINE) return false;
    for (int a = 0; a < read->tensor->rank; a++) {
        if (!expr_depends(read->kids[a], c->along)) continue;
        Expr rest = expr_op2(work->pool, OP_SUB, read->kids[a], expr_index(work->pool, c->along));
        return rest->kind != EXPR_CONST || fmod(rest->value, c->lanes) != 0;
    }
    return false;
}

/* Is what one point of a tile reads read by its neighbour in the next step of the sum? Then compilers keep it. */
static bool is_kept(const GroupWork *work, const int *tile, Expr read) {
    const Statement *s = work->group->list.at[0];
    const Index *last = work->longest == NULL ? NULL : work->longest->bound[work->longest->bound_count - 1];
    bool kept = false;
    for (int a = 0; a < read->tensor->rank && last != NULL; a++) {
        for (int i = 0; i < s->count; i++)
            kept |= tile[i] > 1 && expr_depends(read->kids[a], s->indices[i]) && expr_depends(read->kids[a], last);
    }
    return kept;
}

/* Is the innermost loop of the sum one that stays a loop? What is kept from round to round takes registers from the sums then. */
static bool goes_round(const GroupWork *work) {
    return work->longest != NULL && work->longest->bound[work->longest->bound_count - 1]->size > UNROLLED_UP_TO;
}

static double cost_of_tile(const LoopProgram *loop, const GroupWork *work, const Choice *c, const int *tile) {
    const Statement *s = work->group->list.at[0];
    double accumulators = c->vectors, vectors = 0, scalars = 0, kept = 0, kept_vectors = 0;
    double bytes = c->lanes * (loop->is_double ? 8 : 4), width = fmax(bytes / loop->options.target->rate, 0.5);
    const double vector_read = bytes < LINE ? width : fmax(width, NUMBER_READ); /* a whole line of the cache is one load, too */
    for (int i = 0; i < s->count; i++) accumulators *= i == c->lanes_of ? 1 : tile[i];
    bool summed = c->lanes_of < 0;
    double own = summed ? accumulators * (work->operations + CALL * work->calls + ACROSS_LANES)
                        : accumulators * (work->operations + 7 * work->calls) * width;
    own += 3;
    if (!work->sums) return own + work->terms * fmax(LATENCY, 2 * accumulators * width * work->body); /* the largest of them */
    for (int i = 0; i < work->read_count; i++) {
        bool vector;
        double count = copies(work, c, tile, work->reads[i], &vector);
        if (vector) vectors += count * (crosses_lines(loop, work, c, work->reads[i]) ? 2 : 1);
        else scalars += count;
        if (is_kept(work, tile, work->reads[i])) *(vector ? &kept_vectors : &kept) += count;
    }
    double compute = accumulators * width * work->body, loads = vectors * vector_read + scalars * NUMBER_READ;
    if (!loop->options.fast && width >= 1) compute += accumulators > scalars ? scalars : kept / 2;
    if (loop->options.target->registers <= 16 && goes_round(work)) compute += kept_vectors * ROOM;
    double step = compute > loads ? compute : loads;
    int parts = loop->options.fast && work->longest != NULL ? parts_of_sum(work->pool, work->longest, (int)accumulators) : 1;
    if (step < (double)LATENCY / parts) step = (double)LATENCY / parts;
    step += 0.7 / parts + (accumulators < 8 ? 0.02 * (8 - accumulators) : 0);
    bool varies;
    double terms = work->terms * work->share, left_over = 0;
    if (summed) { /* one by one, what does not fill the lanes */
        double size = (double)c->along->size, ends = fmod(size, c->lanes);
        left_over = terms * ends / size * fmax(LATENCY, 0.5 * fmax(accumulators * work->body, vectors + scalars));
        terms *= (size - ends) / size / c->lanes;
    }
    terms *= share_of_clipped(loop, work, c, tile, &varies);
    double turns = varies ? terms / (double)work->longest->bound[work->longest->bound_count - 1]->size : 0;
    double turn = TURN + PLACE * (vectors + scalars);
    if (multiplies_two_vectors(loop)) turn /= 2;
    return terms * step + left_over + turns * turn + own + 2 * accumulators;
}

/* All tiles, those of what is left over included. */
static double cost_of_all(const LoopProgram *loop, const GroupWork *work, const Choice *c, const int *tile, int position,
                          int *now) {
    const Statement *s = work->group->list.at[0];
    if (position == s->count) return cost_of_tile(loop, work, c, now);
    int64_t size = s->indices[position]->size - s->indices[position]->first;
    if (position == c->lanes_of) {
        int64_t width = (int64_t)c->lanes * c->vectors;
        return (double)((size + width - 1) / width) * cost_of_all(loop, work, c, tile, position + 1, now);
    }
    now[position] = tile[position];
    double cycles = (double)(size / tile[position]) * cost_of_all(loop, work, c, tile, position + 1, now);
    if (size % tile[position] == 0) return cycles;
    bool one_by_one = s->indices[position]->batch; /* lanes.c: of an incomplete batch */
    now[position] = one_by_one ? 1 : (int)(size % tile[position]);
    return cycles + (one_by_one ? (double)(size % tile[position]) : 1) * cost_of_all(loop, work, c, tile, position + 1, now);
}

/* ---- The order of the loops */

static double footprint(const GroupWork *work, const Choice *c, const Tensor *t, const Expr *subscripts, int from) {
    const Statement *s = work->group->list.at[0];
    double elements = 4;
    for (int a = 0; a < t->rank; a++) {
        double extent = 1;
        for (int f = 0; f < subscripts[a]->free_count; f++) {
            const Index *index = subscripts[a]->free[f];
            double range = (double)index->size;
            for (int i = 0; i < s->count; i++) {
                if (s->indices[i] != index) continue;
                bool full = false;
                for (int k = from; k < s->count; k++) full |= c->order[k] == i;
                double step = i == c->lanes_of ? c->lanes * c->vectors : c->tile[i];
                if (!full && step < range) range = step;
            }
            extent += range - 1;
        }
        elements *= extent < (double)t->shape[a] ? extent : (double)t->shape[a];
    }
    return elements;
}

static double traffic(const LoopProgram *loop, const GroupWork *work, const Choice *c, double *moved) {
    const Statement *s = work->group->list.at[0];
    const double caches[] = {L1 * 0.75, L2 * 0.75}, speeds[] = {loop->options.target->second, 16};
    double cycles = 0;
    for (int level = 0; level < 2; level++) {
        int depth = s->count;
        for (; depth > 0; depth--) { /* the outermost loop whose operands all fit */
            double all = 0;
            for (int i = 0; i < work->read_count; i++)
                all += footprint(work, c, work->reads[i]->tensor, work->reads[i]->kids, depth - 1);
            if (all > caches[level]) break;
        }
        for (int i = 0; i < work->read_count; i++) {
            Expr read = work->reads[i];
            double bytes = footprint(work, c, read->tensor, read->kids, depth);
            int above = depth - 1;
            double times = 1;
            for (int k = 0; k < depth; k++) {
                const Index *index = s->indices[c->order[k]];
                double step = c->order[k] == c->lanes_of ? c->lanes * c->vectors : c->tile[c->order[k]];
                times *= (double)index->size > step ? (double)index->size / step : 1;
            }
            for (; above >= 0 && !expr_depends(read, s->indices[c->order[above]]); above--) {
                if (footprint(work, c, read->tensor, read->kids, above + 1) * 2 > caches[level]) break;
                const Index *index = s->indices[c->order[above]];
                double step = c->order[above] == c->lanes_of ? c->lanes * c->vectors : c->tile[c->order[above]];
                times /= (double)index->size > step ? (double)index->size / step : 1;
            }
            cycles += bytes * times / speeds[level];
            if (level == 0) *moved += bytes * times;
        }
    }
    return cycles;
}

static void permute(const LoopProgram *loop, const GroupWork *work, Choice *c, int from, int count, Choice *best, double *least) {
    if (from == count) {
        double bytes = 0, cycles = traffic(loop, work, c, &bytes);
        c->bytes = bytes;
        if (*least < 0 || cycles < *least * (1 - 1e-9)) {
            *least = cycles;
            *best = *c;
        }
        return;
    }
    for (int i = from; i < count; i++) {
        int kept = c->order[from];
        c->order[from] = c->order[i];
        c->order[i] = kept;
        permute(loop, work, c, from + 1, count, best, least);
        kept = c->order[from];
        c->order[from] = c->order[i];
        c->order[i] = kept;
    }
}

static double order_loops(const LoopProgram *loop, const GroupWork *work, Choice *c) {
    const Statement *s = work->group->list.at[0];
    int steps = 0; /* of a scan: its loop is open already */
    for (int i = 0; i < s->count; i++) {
        c->order[i] = i;
        if (s->scan == NULL || s->indices[i] != s->scan->index) continue;
        c->order[i] = 0;
        c->order[0] = i;
        steps = 1;
    }
    if (!work->sums || s->count - steps > 4) return 0;
    Choice best = *c;
    double least = -1;
    permute(loop, work, c, steps, s->count, &best, &least);
    *c = best;
    return least;
}

/* ---- The best tile */

typedef struct {
    LoopProgram *loop;
    const GroupWork *work;
    Choice begins, *choice; /* what is given; what is found */
    int tile[MOST_INDICES];
    double best;
} Search;

static void try_tile(Search *search) {
    int now[MOST_INDICES];
    Choice c = search->begins;
    for (int i = 0; i < MOST_INDICES; i++) c.tile[i] = now[i] = search->tile[i];
    double compute = cost_of_all(search->loop, search->work, &c, search->tile, 0, now);
    if (search->best >= 0 && compute >= search->best) return;
    double memory = order_loops(search->loop, search->work, &c);
    c.cycles = compute > memory ? compute + 0.15 * memory : memory + 0.15 * compute;
    if (search->best >= 0 && c.cycles >= search->best) return;
    search->best = c.cycles;
    *search->choice = c;
}

static void choose_counts(Search *search, int position, int tiled, int accumulators) {
    const Statement *s = search->work->group->list.at[0];
    const int registers = search->loop->options.target->registers / 2 > 12 ? 16 : 12;
    bool small = search->work->terms * index_product(s->indices, s->count) < LARGE_SUMS;
    const int most = search->begins.lanes_of < 0 && small ? ENOUGH_SUMS : registers; /* shorter code */
    if (position == s->count) {
        try_tile(search);
        return;
    }
    int64_t period = search->work->period[position];
    search->tile[position] = (int)period;
    choose_counts(search, position + 1, tiled, accumulators);
    bool step = s->scan != NULL && s->indices[position] == s->scan->index;
    if (position == search->begins.lanes_of || step || tiled == MOST_TILED || !search->work->sums) return;
    for (int k = 1; k < SIZES; k++) { /* of whole periods */
        int64_t size = s->indices[position]->size - s->indices[position]->first, tile = period * sizes[k];
        if (tile > size || sizes[k] * accumulators > most) break;
        if (search->work->digit[position] % tile != 0 || (period > 1 && size % tile != 0)) continue;
        search->tile[position] = (int)tile;
        choose_counts(search, position + 1, tiled + 1, accumulators * sizes[k]);
    }
    search->tile[position] = (int)period;
}

/* Where there is little else to tile, long sums would wait for themselves: strict arithmetic takes several panels of vectors at a time. */
static int most_panels(const LoopProgram *loop, const GroupWork *work, const Choice *c) {
    const Statement *s = work->group->list.at[0];
    double others = 1;
    for (int i = 0; i < s->count; i++) {
        bool step = s->scan != NULL && s->indices[i] == s->scan->index;
        if (i != c->lanes_of && !step) others *= (double)s->indices[i]->size;
    }
    bool waits = !loop->options.fast && work->longest != NULL && work->terms > LOOKS_AHEAD && others < LATENCY;
    return waits && c->lanes_of >= 0 && c->lane == NULL ? ENOUGH_SUMS / c->vectors : 1;
}

void choose_tile(LoopProgram *loop, Program *program, const Group *group, Choice *choice) {
    GroupWork work = work_of_group(program->pool, group);
    const Choice one = *choice;
    const int64_t width = (int64_t)one.lanes * one.vectors;
    Search search = {.loop = loop, .work = &work, .choice = choice, .best = -1};
    for (int panels = 1; panels <= most_panels(loop, &work, &one); panels++) {
        Choice several = one;
        several.vectors *= panels;
        if ((one.along->size + width - 1) / width % panels != 0) continue; /* more lanes that nobody needs */
        int accumulators = several.vectors;
        for (int i = 0; i < MOST_INDICES; i++) {
            search.tile[i] = 1;
            accumulators *= (int)work.period[i]; /* there is no other way */
        }
        search.begins = several;
        choose_counts(&search, 0, 0, accumulators);
    }
    const Statement *s = group->list.at[0];
    choice->operations = index_product(s->indices, s->count) * (work.operations + work.calls + 2 * work.terms * work.body);
}
