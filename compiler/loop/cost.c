/* A small model of a processor that fuses multiply and add, and issues one vector of 64 bytes, or two of 32, in a cycle.
   Where it may not fuse them, it multiplies and adds at once; but a number that is spread over a vector of 64 bytes takes the adder's
   time, unless it is spread for one product alone, as it is read.

   A tile of A vectors needs, for each step of its sum, A multiply-adds, a load for each vector of an operand and a broadcast for each
   number; and at its end, the rest of the statement for each vector. Traffic: what is read again because it did not stay in the caches. */
#include "loop/cost.h"

#include <math.h>

#include "tensor/affine.h"

enum {
    L1 = 32768,
    SETS = 64, /* of it */
    L2 = 1 << 20,
    LATENCY = 4,
    COMPARES = 10, /* for the larger of two numbers */
    CALL = 15,
    ACROSS_LANES = 12,
    MOST_READS = 64,
    MOST_CLIPPED = 4,
    TURN = 12, /* to begin a loop whose ends are found as it runs, */
    PLACE = 2, /* and for each place from where it reads */
    ENOUGH_SUMS = 8,
    UNROLLED_UP_TO = 8, /* rounds of a loop, by compilers */
    LARGE_SUMS = 1000000
};

static const double LINE_READ = 1.5, /* cycles that a line from the second cache takes, if others are on the way; */
    NUMBER_READ = 0.57,              /* ... that a number in all lanes takes: two loads a cycle are seldom reached; */
    ROOM = 0.02;                     /* ... for a vector that is kept: of two tiles that are alike, the one without it */
static const int sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16};
enum { SIZES = sizeof sizes / sizeof *sizes };

int parts_of_sum(Pool *pool, Expr sum, int sums) {
    const Index *last = sum->bound[sum->bound_count - 1];
    int parts = sums <= 2 ? MOST_PARTS : sums <= ENOUGH_SUMS / 2 ? 2 : 1;
    return is_divided(pool, sum->kids[0], last) || last->size < 4 * parts ? 1 : parts;
}

/* ---- What a group does at one point */

typedef struct {
    Pool *pool;
    const Group *group;
    int64_t period[MOST_INDICES];      /* of the sums, along each index; */
    int64_t digit[MOST_INDICES];       /* what its tiles must divide, 0: nothing */
    Expr longest;                      /* the largest sum, or NULL */
    double share;                      /* of their terms, if divisions leave some out */
    ClippedAxis clipped[MOST_CLIPPED]; /* where its factors are read beyond the ends of tensors */
    int clipped_count;
    Expr reads[MOST_READS]; /* in the sums */
    int read_count;
    double operations, calls; /* of the element, outside its sums */
    double terms;             /* of the largest sum */
    double body;              /* operations for one term, the multiply-add counted once */
    bool sums;
} Look;

static void note_read(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ || e->tensor->rank == 0) return;
    for (int i = 0; i < look->read_count; i++) {
        if (look->reads[i] == e) return;
    }
    if (look->read_count < MOST_READS) look->reads[look->read_count++] = e;
}

/* Of whole numbers they are few, or known when the code is written. */
static double operations_of(Expr e) {
    if (e->kind != EXPR_OP || e->integer) return 0;
    double kids = 0;
    for (int k = 0; k < e->count; k++) kids += operations_of(e->kids[k]);
    bool whole = e->condition ? kids == 0 && e->kids[0]->kind != EXPR_READ : e->op == OP_IF && operations_of(e->kids[0]) == 0;
    return whole ? kids : kids + expr_op_cost(e);
}

static void find_clipped(Look *look, Expr sum, Expr term) {
    if (expr_is_op(term, OP_MUL)) {
        find_clipped(look, sum, term->kids[0]);
        find_clipped(look, sum, term->kids[1]);
    }
    bool zeros = term->kind == EXPR_READ && term->has_default && expr_is(term->kids[term->count - 1], 0);
    for (int a = 0; zeros && a < term->tensor->rank && look->clipped_count < MOST_CLIPPED; a++) {
        ClippedAxis *axis = &look->clipped[look->clipped_count];
        look->clipped_count +=
            find_clipped_axis(look->pool, look->group->list.at[0], sum, term->kids[a], term->tensor->shape[a], axis);
    }
}

/* The share of the terms that are not left out; and is the innermost loop then one whose ends differ from tile to tile? */
static double share_of_clipped(const Look *look, const Choice *c, const int *tile, bool *varies) {
    double share = 1;
    *varies = false;
    for (int k = 0; k < look->clipped_count; k++) {
        double own = share_along(&look->clipped[k], look->group->list.at[0], c, tile);
        *varies |= own < 1 && look->clipped[k].of == look->longest->bound_count - 1;
        share *= own;
    }
    return share;
}

static void look_at(Look *look, Expr e) {
    if (e->kind == EXPR_REDUCE) {
        double points = index_product(e->bound, e->bound_count), operations = operations_of(e->kids[0]);
        look->sums |= e->reduction == REDUCE_SUM;
        expr_visit(look->pool, e->kids[0], note_read, look);
        if (points > look->terms) look->longest = e->reduction == REDUCE_SUM ? e : NULL;
        if (points > look->terms) look->clipped_count = 0;
        if (points > look->terms && e->reduction == REDUCE_SUM) find_clipped(look, e, e->kids[0]);
        if (points > look->terms) look->terms = points;
        look->body += operations > 1 ? operations : 1;
        return;
    }
    if (e->kind == EXPR_OP && !e->integer) {
        double cost = expr_op_cost(e);
        if (cost >= 20) look->calls++;
        else look->operations += cost;
    }
    if (e->kind == EXPR_READ) look->operations += 0.5;
    for (int k = 0; k < e->count && e->kind != EXPR_READ; k++) look_at(look, e->kids[k]);
}

static void find_periods(void *context, Expr e) {
    Look *look = context;
    const Statement *s = look->group->list.at[0];
    if (e->kind != EXPR_REDUCE || e->reduction != REDUCE_SUM) return;
    for (int i = 0; i < s->count && i < MOST_INDICES; i++) {
        int64_t period = period_of(look->pool, e->kids[0], s->indices[i]);
        look->digit[i] = common_divisor(look->digit[i], digit_of(look->pool, e->kids[0], s->indices[i]));
        if (period > look->period[i]) look->period[i] = period;
        if (period > 1) look->share /= (double)period;
    }
}

static Look look_at_group(Pool *pool, const Group *group) {
    Look look = {.pool = pool, .group = group, .share = 1};
    for (int i = 0; i < MOST_INDICES; i++) look.period[i] = 1;
    expr_visit(pool, group->list.at[0]->value, find_periods, &look);
    for (size_t i = 0; i < group->list.count; i++) {
        look.operations++;
        look_at(&look, group->list.at[i]->value);
    }
    return look;
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

static double copies(const Look *look, const Choice *c, const int *tile, Expr read, bool *vector) {
    const Statement *s = look->group->list.at[0];
    double count = 1;
    *vector = differs_in_lanes(look->pool, read, c);
    for (int i = 0; i < s->count; i++) {
        if (i == c->lanes_of) count *= *vector ? c->vectors : 1;
        else if (expr_depends(read, s->indices[i])) count *= tile[i];
    }
    return count;
}

/* Does a vector that is as long as a line of the cache begin somewhere inside one? Then two lines are read for it. */
static bool crosses_lines(const LoopProgram *loop, const Look *look, const Choice *c, Expr read) {
    if (c->lanes * (loop->is_double ? 8 : 4) < LINE) return false;
    for (int a = 0; a < read->tensor->rank; a++) {
        if (!expr_depends(read->kids[a], c->along)) continue;
        Expr rest = expr_op2(look->pool, OP_SUB, read->kids[a], expr_index(look->pool, c->along));
        return rest->kind != EXPR_CONST || fmod(rest->value, c->lanes) != 0;
    }
    return false;
}

/* Is what one point of a tile reads read by its neighbour in the next step of the sum? Then compilers keep it. */
static bool is_kept(const Look *look, const int *tile, Expr read) {
    const Statement *s = look->group->list.at[0];
    const Index *last = look->longest == NULL ? NULL : look->longest->bound[look->longest->bound_count - 1];
    bool kept = false;
    for (int a = 0; a < read->tensor->rank && last != NULL; a++) {
        for (int i = 0; i < s->count; i++)
            kept |= tile[i] > 1 && expr_depends(read->kids[a], s->indices[i]) && expr_depends(read->kids[a], last);
    }
    return kept;
}

/* Is the innermost loop of the sum one that stays a loop? What is kept from round to round takes registers from the sums then. */
static bool goes_round(const Look *look) {
    return look->longest != NULL && look->longest->bound[look->longest->bound_count - 1]->size > UNROLLED_UP_TO;
}

static double cost_of_tile(const LoopProgram *loop, const Look *look, const Choice *c, const int *tile) {
    const Statement *s = look->group->list.at[0];
    double accumulators = c->vectors, width = c->lanes * (loop->is_double ? 8 : 4) / 64.0, vectors = 0, scalars = 0, kept = 0,
           kept_vectors = 0;
    if (width < 0.5) width = 0.5;
    for (int i = 0; i < s->count; i++) accumulators *= i == c->lanes_of ? 1 : tile[i];
    bool summed = c->lanes_of < 0;
    double own = summed ? accumulators * (look->operations + CALL * look->calls + ACROSS_LANES)
                        : accumulators * (look->operations + 7 * look->calls) * width;
    own += 3;
    if (!look->sums) return own + look->terms * fmax(LATENCY, 2 * accumulators * width * look->body); /* the largest of them */
    for (int i = 0; i < look->read_count; i++) {
        bool vector;
        double count = copies(look, c, tile, look->reads[i], &vector);
        if (vector) vectors += count * (crosses_lines(loop, look, c, look->reads[i]) ? 2 : 1);
        else scalars += count;
        if (is_kept(look, tile, look->reads[i])) *(vector ? &kept_vectors : &kept) += count;
    }
    double compute = accumulators * width * look->body, loads = vectors * width + scalars * NUMBER_READ;
    if (!loop->options.fast && width >= 1) compute += accumulators > scalars ? scalars : kept / 2;
    if (has_short_vectors(loop) && goes_round(look)) compute += kept_vectors * ROOM;
    double step = compute > loads ? compute : loads;
    int parts = loop->options.fast && look->longest != NULL ? parts_of_sum(look->pool, look->longest, (int)accumulators) : 1;
    if (step < (double)LATENCY / parts) step = (double)LATENCY / parts;
    step += 0.7 / parts + (accumulators < 8 ? 0.02 * (8 - accumulators) : 0);
    bool varies;
    double terms = look->terms * look->share, left_over = 0;
    if (summed) { /* one by one, what does not fill the lanes */
        double size = (double)c->along->size, ends = fmod(size, c->lanes);
        left_over = terms * ends / size * fmax(LATENCY, 0.5 * fmax(accumulators * look->body, vectors + scalars));
        terms *= (size - ends) / size / c->lanes;
    }
    terms *= share_of_clipped(look, c, tile, &varies);
    double turns = varies ? terms / (double)look->longest->bound[look->longest->bound_count - 1]->size : 0;
    double turn = TURN + PLACE * (vectors + scalars);
    if (has_short_vectors(loop)) turn /= 2;
    return terms * step + left_over + turns * turn + own + 2 * accumulators;
}

/* All tiles, those of what is left over included. */
static double cost_of_all(const LoopProgram *loop, const Look *look, const Choice *c, const int *tile, int position, int *now) {
    const Statement *s = look->group->list.at[0];
    if (position == s->count) return cost_of_tile(loop, look, c, now);
    int64_t size = s->indices[position]->size - s->indices[position]->first;
    if (position == c->lanes_of) {
        int64_t width = (int64_t)c->lanes * c->vectors;
        return (double)((size + width - 1) / width) * cost_of_all(loop, look, c, tile, position + 1, now);
    }
    now[position] = tile[position];
    double cycles = (double)(size / tile[position]) * cost_of_all(loop, look, c, tile, position + 1, now);
    if (size % tile[position] == 0) return cycles;
    bool one_by_one = s->indices[position]->batch; /* lanes.c: of an incomplete batch */
    now[position] = one_by_one ? 1 : (int)(size % tile[position]);
    return cycles + (one_by_one ? (double)(size % tile[position]) : 1) * cost_of_all(loop, look, c, tile, position + 1, now);
}

/* ---- The order of the loops */

static double footprint(const Look *look, const Choice *c, const Tensor *t, const Expr *subscripts, int from) {
    const Statement *s = look->group->list.at[0];
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

static double traffic(const Look *look, const Choice *c, double *moved) {
    const Statement *s = look->group->list.at[0];
    const double caches[] = {L1 * 0.75, L2 * 0.75}, speeds[] = {29, 16};
    double cycles = 0;
    for (int level = 0; level < 2; level++) {
        int depth = s->count;
        for (; depth > 0; depth--) { /* the outermost loop whose operands all fit */
            double all = 0;
            for (int i = 0; i < look->read_count; i++)
                all += footprint(look, c, look->reads[i]->tensor, look->reads[i]->kids, depth - 1);
            if (all > caches[level]) break;
        }
        for (int i = 0; i < look->read_count; i++) {
            Expr read = look->reads[i];
            double bytes = footprint(look, c, read->tensor, read->kids, depth);
            int above = depth - 1;
            double times = 1;
            for (int k = 0; k < depth; k++) {
                const Index *index = s->indices[c->order[k]];
                double step = c->order[k] == c->lanes_of ? c->lanes * c->vectors : c->tile[c->order[k]];
                times *= (double)index->size > step ? (double)index->size / step : 1;
            }
            for (; above >= 0 && !expr_depends(read, s->indices[c->order[above]]); above--) {
                if (footprint(look, c, read->tensor, read->kids, above + 1) * 2 > caches[level]) break;
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

static void permute(const Look *look, Choice *c, int from, int count, Choice *best, double *least) {
    if (from == count) {
        double bytes = 0, cycles = traffic(look, c, &bytes);
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
        permute(look, c, from + 1, count, best, least);
        kept = c->order[from];
        c->order[from] = c->order[i];
        c->order[i] = kept;
    }
}

static double order_loops(const Look *look, Choice *c) {
    const Statement *s = look->group->list.at[0];
    int steps = 0; /* of a scan: its loop is open already */
    for (int i = 0; i < s->count; i++) {
        c->order[i] = i;
        if (s->scan == NULL || s->indices[i] != s->scan->index) continue;
        c->order[i] = 0;
        c->order[0] = i;
        steps = 1;
    }
    if (!look->sums || s->count - steps > 4) return 0;
    Choice best = *c;
    double least = -1;
    permute(look, c, steps, s->count, &best, &least);
    *c = best;
    return least;
}

/* ---- The best tile */

typedef struct {
    LoopProgram *loop;
    const Look *look;
    Choice *choice;
    int tile[MOST_INDICES];
    double best;
} Search;

static void try_tile(Search *search) {
    int now[MOST_INDICES];
    Choice c = *search->choice;
    for (int i = 0; i < MOST_INDICES; i++) c.tile[i] = now[i] = search->tile[i];
    double compute = cost_of_all(search->loop, search->look, &c, search->tile, 0, now);
    if (search->best >= 0 && compute >= search->best) return;
    double memory = order_loops(search->look, &c);
    c.cycles = compute > memory ? compute + 0.15 * memory : memory + 0.15 * compute;
    if (search->best >= 0 && c.cycles >= search->best) return;
    search->best = c.cycles;
    *search->choice = c;
}

static void choose_counts(Search *search, int position, int tiled, int accumulators) {
    const Statement *s = search->look->group->list.at[0];
    const int registers = search->loop->options.target->registers / 2 > 12 ? 16 : 12;
    bool small = search->look->terms * index_product(s->indices, s->count) < LARGE_SUMS;
    const int most = search->choice->lanes_of < 0 && small ? ENOUGH_SUMS : registers; /* shorter code */
    if (position == s->count) {
        try_tile(search);
        return;
    }
    int64_t period = search->look->period[position];
    search->tile[position] = (int)period;
    choose_counts(search, position + 1, tiled, accumulators);
    if (period > 1) return;
    bool step = s->scan != NULL && s->indices[position] == s->scan->index;
    if (position == search->choice->lanes_of || step || tiled == MOST_TILED || !search->look->sums) return;
    for (int k = 1; k < SIZES; k++) {
        int64_t size = s->indices[position]->size - s->indices[position]->first;
        if (sizes[k] > size || sizes[k] * accumulators > most) break;
        if (search->look->digit[position] % sizes[k] != 0) continue;
        search->tile[position] = sizes[k];
        choose_counts(search, position + 1, tiled + 1, accumulators * sizes[k]);
    }
    search->tile[position] = 1;
}

void choose_tile(LoopProgram *loop, Program *program, const Group *group, Choice *choice) {
    Look look = look_at_group(program->pool, group);
    Search search = {.loop = loop, .look = &look, .choice = choice, .best = -1};
    for (int i = 0; i < MOST_INDICES; i++) search.tile[i] = 1;
    int accumulators = choice->vectors;
    for (int i = 0; i < MOST_INDICES; i++) accumulators *= (int)look.period[i]; /* there is no other way */
    choose_counts(&search, 0, 0, accumulators);
    const Statement *s = group->list.at[0];
    choice->operations = index_product(s->indices, s->count) * (look.operations + look.calls + 2 * look.terms * look.body);
}

/* ---- Numbers that are read one by one */

/* How many values a subscript has in the tile, in the loops of its sum from the `level`-th on. */
static double values_of(const Look *look, const Choice *c, Expr subscript, int level) {
    const Statement *s = look->group->list.at[0];
    double count = 1;
    for (int i = 0; i < s->count; i++) {
        if (i != c->lanes_of && expr_depends(subscript, s->indices[i])) count *= c->tile[i];
    }
    for (int k = level; k < look->longest->bound_count; k++) {
        if (expr_depends(subscript, look->longest->bound[k])) count *= (double)look->longest->bound[k]->size;
    }
    return count;
}

/* How many lines of the cache are read for it, if neighbours along the axis are neighbours in memory. */
static double lines_of(const Look *look, const Choice *c, Expr read, int axis, int level) {
    double lines = 1, whole = 1;
    for (int a = 0; a < read->tensor->rank; a++) {
        double size = (double)read->tensor->shape[a], count = values_of(look, c, read->kids[a], level);
        if (a == axis && count > 1) {
            Interval range = interval_of(read->kids[a]);
            double apart = (double)(range.high - range.low + 1);
            for (int k = 0; k < read->kids[a]->free_count; k++) apart /= (double)read->kids[a]->free[k]->size;
            size = ceil(size * 4 / LINE);
            count = ceil(count * (apart > 1 && range.known ? apart : 1) * 4 / LINE);
        }
        lines *= count < size ? count : size;
        whole *= size;
    }
    return lines < whole ? lines : whole;
}

/* Do these lines stay in the first cache? Rows that are apart by a large power of two share few places in it (its sets). */
static bool lines_stay(const LoopProgram *loop, const Look *look, const Choice *c, Expr read, int axis, int level) {
    const Tensor *t = read->tensor;
    const double lines = lines_of(look, c, read, axis, level);
    if (!has_short_vectors(loop)) return lines * LINE <= L1;
    double sets = ceil(values_of(look, c, read->kids[axis], level) * 4 / LINE);
    int vectors;
    int64_t width = vectors_for(loop, t->shape[axis], &vectors) * (int64_t)vectors, row = t->shape[axis];
    bool panels = row > width && row % width == 0; /* storage.c */
    int64_t apart = (panels ? width : row) * (loop->is_double ? 8 : 4);
    for (int a = t->rank - 1; a >= 0; a--) {
        if (a == axis) continue;
        double count = values_of(look, c, read->kids[a], level),
               places = SETS * LINE / (double)common_divisor(apart, SETS * LINE);
        sets *= count < places ? count : places;
        apart *= t->shape[a];
    }
    if (sets > SETS) sets = SETS;
    return lines <= sets * L1 / (SETS * LINE);
}

void find_singles(const LoopProgram *loop, Program *program, const Group *group, Way *way) {
    Look look = look_at_group(program->pool, group);
    const Choice *c = &way->choice;
    const Statement *s = group->list.at[0];
    way->single_count = 0;
    if (look.longest == NULL || c->lanes_of < 0) return;
    bool varies;
    double tiles = share_of_clipped(&look, c, c->tile, &varies) * look.share * index_product(s->indices, s->count);
    for (int i = 0; i < s->count; i++) tiles /= i == c->lanes_of ? c->lanes * c->vectors : c->tile[i];
    for (int i = 0; i < look.read_count && way->single_count < MOST_SINGLES; i++) {
        Expr read = look.reads[i];
        if (read->tensor->rank > MOST_AXES || differs_in_lanes(look.pool, read, c)) continue;
        Single single = {.tensor = storage_owner(read->tensor)};
        bool any = false;
        for (int a = 0; a < read->tensor->rank; a++) {
            int level = 0; /* outside it, nothing is left in the cache from one turn to the next */
            while (level < look.longest->bound_count && !lines_stay(loop, &look, c, read, a, level)) level++;
            double lines = tiles * LINE_READ * lines_of(&look, c, read, a, level);
            for (int k = 0; k < level; k++) lines *= (double)look.longest->bound[k]->size;
            single.cycles[a] = level == 0 ? 0 : lines;
            any |= level > 0;
        }
        if (any) way->singles[way->single_count++] = single;
    }
}
