/* The reference interpreter: runs the passes that plan.c makes of a statement.

   Requires: statements of the machine's program. Ensures: each target holds what its statement says; reductions are folded in
   the order of their bound indices, the first outermost. Memory comes from the machine's arena, and goes with it. */
#include "tensor/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"
#include "tensor/plan.h"

struct Machine {
    Arena *arena;
    const Program *program;
    Storage storage;
    uint64_t seed, step;
    int64_t examples;
    Plan **plans; /* open addressing on the statement's address, a power of two */
    size_t plan_count, plan_size;
};

/* ---- Storage */

Machine *machine_new(const Program *program) {
    Arena *arena = arena_new();
    Machine *machine = NEW(arena, Machine);
    machine->arena = arena;
    machine->program = program;
    for (size_t i = 0; i < program->all.count; i++) {
        if (program->all.at[i]->id >= machine->storage.count) machine->storage.count = program->all.at[i]->id + (size_t)1;
    }
    machine->storage.data = NEW_ARRAY(arena, double *, machine->storage.count);
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *tensor = program->all.at[i];
        double points = tensor_points(tensor);
        if (points > 1e12) bug("%s has %g elements", tensor->name, points);
        double *data = calloc(points > 0 ? (size_t)points : 1, sizeof *data);
        if (data == NULL) bug("no memory for the %.0f elements of %s", points, tensor->name);
        if (tensor->literal != NULL) memcpy(data, tensor->literal, (size_t)points * sizeof *data);
        machine->storage.data[tensor->id] = data;
    }
    machine_batch(machine, program->batch != NULL ? program->batch->size : 1);
    return machine;
}

void machine_free(Machine *machine) {
    if (machine == NULL) return;
    for (size_t i = 0; i < machine->storage.count; i++) free(machine->storage.data[i]);
    arena_free(machine->arena);
}

double *machine_values(Machine *machine, const Tensor *tensor) {
    if (tensor->id >= machine->storage.count || machine->storage.data[tensor->id] == NULL) {
        bug("%s is not a tensor of the machine's program", tensor->name);
    }
    return machine->storage.data[tensor->id];
}

void machine_seed(Machine *machine, uint64_t seed, uint64_t step) {
    machine->seed = seed;
    machine->step = step;
}

void machine_batch(Machine *machine, int64_t examples) {
    const Program *program = machine->program;
    if (examples < 1 || (program->batch != NULL && examples > program->batch->size)) bug("a batch of %lld", (long long)examples);
    machine->examples = examples;
    if (program->batch_size != NULL) *machine_values(machine, program->batch_size) = (double)examples;
}

/* Over the first n lanes, in groups of a fixed size that compilers turn into vectors. n is a multiple of it: lanes beyond the
   last point repeat that point, so that whatever is read there exists. */
enum { GROUP = 8 };
#define FOR_LANES(l, n)                                 \
    for (int group_ = 0; group_ < (n); group_ += GROUP) \
        for (int l = group_; l < group_ + GROUP; l++)

static int64_t extent_of(const Machine *machine, const Index *index) { return index->batch ? machine->examples : index->size; }

/* ---- Elements of tensors */

/* What of an access depends on the lanes alone. */
static void anchor(const Pass *pass, Access *access, int n) {
    FOR_LANES(l, n) access->base[l] = 0;
    for (int a = 0; a < access->rank; a++) {
        Axis *axis = &access->axes[a];
        for (size_t t = 0; t < axis->lanes.count; t++) {
            const int64_t *where = pass->where[axis->lanes.at[t].position];
            int64_t factor = axis->lanes.at[t].coefficient;
            if (axis->base != NULL) {
                FOR_LANES(l, n) axis->base[l] = (t == 0 ? 0 : axis->base[l]) + factor * where[l];
            }
            if (axis->nodes.count > 0) continue;
            factor *= axis->stride;
            FOR_LANES(l, n) access->base[l] += factor * where[l];
        }
        if (axis->base == NULL) continue;
        if (axis->lanes.count == 0) memset(axis->base, 0, sizeof *axis->base * (size_t)n);
        axis->low = axis->high = axis->base[0];
        FOR_LANES(l, n) {
            axis->low = axis->base[l] < axis->low ? axis->base[l] : axis->low;
            axis->high = axis->base[l] > axis->high ? axis->base[l] : axis->high;
        }
    }
    access->same = access->consecutive = true;
    FOR_LANES(l, n) {
        access->same &= access->base[l] == access->base[0];
        access->consecutive &= access->base[l] == access->base[0] + l;
    }
}

/* Adds a subscript that other numbers decide. They may come from data: anything is possible, not-a-number too. */
static void locate_by_nodes(const Axis *axis, int64_t offset, int64_t length, int n, int64_t *address) {
    FOR_LANES(l, n) {
        double subscript = (double)(axis->base[l] + offset);
        for (size_t t = 0; t < axis->nodes.count; t++) {
            subscript += (double)axis->nodes.at[t].coefficient * axis->nodes.at[t].node->values[l];
        }
        bool inside = subscript >= 0 && subscript < (double)length && address[l] >= 0;
        address[l] = inside ? address[l] + axis->stride * (int64_t)subscript : -1;
    }
}

/* How far the loops have moved an access beyond its base: the sum of the strides, and each axis by itself. */
static int64_t moved_by(const Pass *pass, const Access *access, int64_t *moved) {
    int64_t sum = 0;
    for (int a = 0; a < access->rank; a++) {
        const Axis *axis = &access->axes[a];
        moved[a] = axis->constant;
        for (size_t t = 0; t < axis->loops.count; t++)
            moved[a] += axis->loops.at[t].coefficient * pass->at[axis->loops.at[t].position];
        if (axis->nodes.count == 0) sum += moved[a] * axis->stride;
    }
    return sum;
}

static int64_t length_of(const Machine *machine, const Axis *axis) { return axis->batch ? machine->examples : axis->length; }

/* May the axis, moved so far, be outside at some lane? */
static bool leaves(const Machine *machine, const Axis *axis, int64_t moved) {
    return axis->nodes.count > 0 || (axis->checked && (axis->low + moved < 0 || axis->high + moved >= length_of(machine, axis)));
}

/* The address for each lane, -1 where a subscript is outside. */
static void locate(const Machine *machine, const Pass *pass, const Access *access, int n, int64_t *address) {
    int64_t moved[access->rank + 1], sum = moved_by(pass, access, moved);
    FOR_LANES(l, n) address[l] = access->base[l] + sum;
    for (int a = 0; a < access->rank; a++) {
        const Axis *axis = &access->axes[a];
        if (axis->nodes.count > 0 || !leaves(machine, axis, moved[a])) continue;
        uint64_t length = (uint64_t)length_of(machine, axis);
        FOR_LANES(l, n) address[l] = (uint64_t)(axis->base[l] + moved[a]) < length ? address[l] : -1;
    }
    for (int a = 0; a < access->rank; a++) { /* these add to an address, so that they come last */
        const Axis *axis = &access->axes[a];
        if (axis->nodes.count > 0) locate_by_nodes(axis, moved[a], length_of(machine, axis), n, address);
    }
}

static void read_elements(const Machine *machine, const Pass *pass, Node *node, int n) {
    const Access *access = node->access;
    const double *data = access->data;
    double *restrict out = node->values;
    int64_t moved[access->rank + 1], sum = moved_by(pass, access, moved), address[LANES];
    bool outside = false;
    for (int a = 0; a < access->rank; a++) outside |= leaves(machine, &access->axes[a], moved[a]);
    if (!outside) {
        const int64_t *base = access->base;
        if (access->same) {
            double value = data[base[0] + sum];
            FOR_LANES(l, n) out[l] = value;
        } else if (access->consecutive) {
            memcpy(out, data + (base[0] + sum), sizeof *out * (size_t)n);
        } else {
            FOR_LANES(l, n) out[l] = data[base[l] + sum];
        }
        return;
    }
    locate(machine, pass, access, n, address);
    const double *otherwise = node->e->kind == EXPR_READ && node->e->has_default ? node->kids[0]->values : NULL;
    FOR_LANES(l, n) {
        if (address[l] < 0 && otherwise == NULL) bug("%s is read outside its shape", access->tensor->name);
        out[l] = address[l] >= 0 ? data[address[l]] : otherwise[l];
    }
}

/* ---- Nodes */

/* One loop for each row of the table of elementary functions. */
static void apply(Op op, int n, const double *restrict x, const double *restrict y, const double *restrict z,
                  double *restrict out) {
    switch (op) {
#define OP1(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID:                                               \
        FOR_LANES(l, n) {                                       \
            double a = x[l];                                    \
            out[l] = meaning;                                   \
        }                                                       \
        return;
#define OP2(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID:                                               \
        FOR_LANES(l, n) {                                       \
            double a = x[l], b = y[l];                          \
            out[l] = meaning;                                   \
        }                                                       \
        return;
#define OP3(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID:                                               \
        FOR_LANES(l, n) {                                       \
            double a = x[l], b = y[l], c = z[l];                \
            out[l] = meaning;                                   \
        }                                                       \
        return;
#include "tensor/ops.def"
#undef OP1
#undef OP2
#undef OP3
    case OP_COUNT: break;
    }
    bug("no elementary function %d", (int)op);
}

static void draw(const Machine *machine, Node *node, int n) {
    bool bernoulli = node->e->draw == DRAW_BERNOULLI;
    int axes = node->e->count - bernoulli;
    FOR_LANES(l, n) {
        uint64_t point = 0;
        for (int k = 0; k < axes; k++) point = point * (uint64_t)node->extents[k] + (uint64_t)node->kids[k]->values[l];
        double number = nnc_random_uniform(machine->seed, (uint64_t)node->e->value, machine->step, point);
        node->values[l] = bernoulli ? number < node->kids[axes]->values[l] : number;
    }
}

static void evaluate(const Machine *machine, const Pass *pass, Node *node, int lanes) {
    int n = node->uniform ? GROUP : lanes, arity;
    switch (node->e->kind) {
    case EXPR_CONST: return;
    case EXPR_INDEX:
        FOR_LANES(l, n) node->values[l] = (double)(node->uniform ? pass->at[node->position] : pass->where[node->position][l]);
        break;
    case EXPR_READ:
    case EXPR_REDUCE: read_elements(machine, pass, node, n); break;
    case EXPR_OP:
        arity = node->e->count;
        apply(node->e->op, n, node->kids[0]->values, arity > 1 ? node->kids[1]->values : NULL,
              arity > 2 ? node->kids[2]->values : NULL, node->values);
        break;
    case EXPR_DRAW: draw(machine, node, n); break;
    }
    for (int l = n; l < lanes; l++) node->values[l] = node->values[0];
}

static void run_level(const Machine *machine, const Pass *pass, int level, int n) {
    for (size_t i = level == 0 ? 0 : pass->level_end[level - 1]; i < pass->level_end[level]; i++) {
        evaluate(machine, pass, pass->steps.at[i], n);
    }
}

/* ---- Reductions */

static double neutral(Reduction reduction) {
    switch (reduction) {
    case REDUCE_SUM: return 0;
    case REDUCE_PROD: return 1;
    case REDUCE_MAX:
    case REDUCE_ARGMAX:
    case REDUCE_LOGSUMEXP: return -INFINITY; /* of the first round, which finds the largest term */
    case REDUCE_MIN:
    case REDUCE_ARGMIN: return INFINITY;
    }
    bug("no reduction %d", (int)reduction);
}

/* Does v win over the best so far? The first of equals stays, and the first not-a-number wins over all. */
static bool wins(bool smallest, double v, double best) {
    return smallest ? v < best || (isnan(v) && !isnan(best)) : v > best || (isnan(v) && !isnan(best));
}

/* Takes one term, number `position`, into an accumulator. */
static void fold_one(Reduction reduction, double value, double position, double *total, double *winner) {
    switch (reduction) {
    case REDUCE_SUM: *total += value; return;
    case REDUCE_PROD: *total *= value; return;
    case REDUCE_MAX:
    case REDUCE_LOGSUMEXP:
    case REDUCE_MIN:
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN:
        if (!wins(reduction == REDUCE_MIN || reduction == REDUCE_ARGMIN, value, *total)) return;
        *total = value;
        *winner = position;
        return;
    }
}

/* Takes term number `position` of each lane into its accumulator. */
static void fold(Reduction reduction, const double *restrict value, double position, int n, double *restrict total,
                 double *restrict winner) {
    if (reduction == REDUCE_SUM) {
        FOR_LANES(l, n) total[l] += value[l];
    } else {
        FOR_LANES(l, n) fold_one(reduction, value[l], position, &total[l], &winner[l]);
    }
}

/* Both rounds of a logarithm of a sum, or the one of the others: all terms, for n lanes. `largest` is NULL in the first. */
static void run_loops(const Machine *machine, const Pass *pass, int n, const double *largest, double *total, double *winner) {
    double position = 0;
    for (int k = pass->fixed; k < pass->loop_count; k++) {
        pass->at[k] = 0;
        if (extent_of(machine, pass->loops[k]) == 0) return;
    }
    for (int moved = pass->fixed + 1;;) {
        for (int level = moved; level <= pass->loop_count; level++) run_level(machine, pass, level, n);
        if (largest == NULL) {
            fold(pass->reduction, pass->value->values, position, n, total, winner);
        } else {
            FOR_LANES(l, n) total[l] += exp(pass->value->values[l] - largest[l]);
        }
        position++;
        int k = pass->loop_count;
        while (k > pass->fixed && ++pass->at[k - 1] == extent_of(machine, pass->loops[k - 1])) pass->at[--k] = 0;
        if (k == pass->fixed) return;
        moved = k;
    }
}

static void reduce(const Machine *machine, const Pass *pass, int n, double *out) {
    double total[LANES], winner[LANES] = {0};
    FOR_LANES(l, n) total[l] = neutral(pass->reduction);
    run_loops(machine, pass, n, NULL, total, winner);
    bool position = pass->reduction == REDUCE_ARGMAX || pass->reduction == REDUCE_ARGMIN;
    memcpy(out, position ? winner : total, sizeof *out * (size_t)n);
    if (pass->reduction != REDUCE_LOGSUMEXP) return;
    double sum[LANES] = {0};
    run_loops(machine, pass, n, total, sum, winner);
    FOR_LANES(l, n) { /* infinities and not-a-number stay what they are */
        if (isfinite(total[l])) out[l] = total[l] + log(sum[l]);
    }
}

/* ---- Passes */

/* The values of the lane indices at the flat points first .. first + n - 1. */
static void place_lanes(const Pass *pass, const int64_t *extents, int64_t first, int n) {
    int64_t digits[pass->lane_count + 1], rest = first;
    for (int k = pass->lane_count - 1; k >= 0; k--) {
        digits[k] = rest % extents[k];
        rest /= extents[k];
    }
    for (int l = 0; l < n; l++) {
        for (int k = 0; k < pass->lane_count; k++) pass->where[k][l] = digits[k];
        for (int k = pass->lane_count - 1; k >= 0 && ++digits[k] == extents[k]; k--) digits[k] = 0;
    }
    for (int l = n; l % GROUP != 0; l++) {
        for (int k = 0; k < pass->lane_count; k++) pass->where[k][l] = pass->where[k][n - 1];
    }
}

/* The accumulator of a folded pass: one point at a time, its terms in lanes that follow one another. */
typedef struct {
    double total, winner;
    int64_t position, terms;
} Folding;

static void fold_lanes(const Pass *pass, Folding *folding, int n, const int64_t *address) {
    for (int l = 0; l < n; l++) {
        if (folding->position == 0) *folding = (Folding){neutral(pass->reduction), 0, 0, folding->terms};
        fold_one(pass->reduction, pass->value->values[l], (double)folding->position, &folding->total, &folding->winner);
        if (++folding->position < folding->terms) continue;
        bool position = pass->reduction == REDUCE_ARGMAX || pass->reduction == REDUCE_ARGMIN;
        pass->store->data[address[l]] = position ? folding->winner : folding->total;
        folding->position = 0;
    }
}

static void run_pass(const Machine *machine, const Pass *pass) {
    int64_t extents[pass->lane_count + 1], points = 1, address[LANES];
    double reduced[LANES];
    Folding folding = {.terms = 1};
    for (int k = 0; k < pass->lane_count; k++) points *= extents[k] = extent_of(machine, pass->lanes[k]);
    for (int k = 0; k < pass->bound_count; k++) folding.terms *= extent_of(machine, pass->bound[k]);
    for (int64_t first = 0; first < points; first += LANES) {
        int n = points - first < LANES ? (int)(points - first) : LANES;
        int wide = (n + GROUP - 1) / GROUP * GROUP;
        place_lanes(pass, extents, first, n);
        for (size_t i = 0; i < pass->accesses.count; i++) anchor(pass, pass->accesses.at[i], wide);
        for (int level = 0; level <= pass->fixed; level++) run_level(machine, pass, level, wide);
        locate(machine, pass, pass->store, wide, address);
        if (pass->folded) {
            fold_lanes(pass, &folding, n, address);
            continue;
        }
        const double *value = pass->value->values;
        if (pass->reduces) {
            reduce(machine, pass, wide, reduced);
            value = reduced;
        }
        double *data = pass->store->data;
        for (int l = 0; l < n; l++) {
            if (pass->scatters) {
                if (address[l] >= 0) data[address[l]] += value[l];
            } else {
                if (address[l] < 0) bug("%s is written outside its shape", pass->store->tensor->name);
                data[address[l]] = value[l];
            }
        }
    }
}

/* ---- Plans */

static size_t slot_of(Plan *const *plans, size_t size, const Statement *statement) {
    size_t slot = ((uintptr_t)statement >> 4) * 0x9E3779B97F4A7C15u >> 16 & (size - 1);
    while (plans[slot] != NULL && plans[slot]->statement != statement) slot = (slot + 1) & (size - 1);
    return slot;
}

static const Plan *plan_of(Machine *machine, const Statement *statement) {
    if (machine->plan_count * 2 >= machine->plan_size) {
        size_t size = machine->plan_size == 0 ? 64 : machine->plan_size * 2;
        Plan **plans = NEW_ARRAY(machine->arena, Plan *, size);
        for (size_t i = 0; i < machine->plan_size; i++) {
            Plan *plan = machine->plans[i];
            if (plan != NULL) plans[slot_of(plans, size, plan->statement)] = plan;
        }
        machine->plans = plans;
        machine->plan_size = size;
    }
    size_t slot = slot_of(machine->plans, machine->plan_size, statement);
    Plan *plan = machine->plans[slot];
    if (plan == NULL) machine->plan_count++;
    if (plan == NULL || plan->value != statement->value) {
        plan = plan_new(machine->arena, machine->program->pool, &machine->storage, statement);
        machine->plans[slot] = plan;
    }
    return plan;
}

static void run_statement(Machine *machine, const Statement *statement) {
    const Plan *plan = plan_of(machine, statement);
    if (statement->subscripts != NULL && !tensor_is_persistent(statement->target)) {
        memset(machine_values(machine, statement->target), 0, sizeof(double) * (size_t)tensor_points(statement->target));
    }
    for (size_t k = 0; k < plan->passes.count; k++) run_pass(machine, plan->passes.at[k]);
}

static void run_step(Machine *machine, const Statement *statement, int64_t step) {
    const Plan *plan = plan_of(machine, statement);
    for (size_t k = 0; k < plan->passes.count; k++) {
        plan->passes.at[k]->at[0] = step;
        run_pass(machine, plan->passes.at[k]);
    }
}

void machine_run(Machine *machine, const Statements *statements) {
    for (size_t i = 0, end; i < statements->count; i = end) {
        const Scan *scan = statements->at[i]->scan;
        end = scan_end(statements, i);
        if (scan == NULL) run_statement(machine, statements->at[i]);
        for (int64_t t = 0; scan != NULL && t < scan->index->size; t++) {
            for (size_t k = i; k < end; k++) run_step(machine, statements->at[k], scan->reversed ? scan->index->size - 1 - t : t);
        }
    }
}
