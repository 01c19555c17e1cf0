/* Constructors: check, share, and apply the identities that no reader misses. */
#include "tensor/expression.h"

#include <math.h>
#include <stdlib.h>

#include "tensor/affine.h"
#include "tensor/program.h"

enum { SMALL_NUMBERS = 1024 };

struct Pool {
    Arena *arena;
    Names *names;
    struct Slot {
        const ExprNode *e;
        uint32_t hash;
    } * slots; /* open addressing; a power of two, at least twice as many as nodes */
    size_t size, count;
    Expr small[SMALL_NUMBERS]; /* the numbers from 0 */
    uint32_t *marks, walk;     /* by id: the last walk that came by */
    size_t marks_size;
    bool walking;
    uint32_t indices;
    Vec(Index *) standard;
    double (*fold)(Op op, double a, double b, double c); /* the value of an operation on numbers */
};

Pool *pool_new(Arena *arena, Names *names) {
    Pool *pool = NEW(arena, Pool);
    pool->arena = arena;
    pool->names = names;
    pool->size = 1024;
    pool->fold = op_value;
    pool->slots = NEW_ARRAY(arena, struct Slot, pool->size);
    return pool;
}

void pool_fold_as(Pool *pool, double (*fold)(Op op, double a, double b, double c)) { pool->fold = fold; }

Arena *pool_arena(Pool *pool) { return pool->arena; }
Names *pool_names(Pool *pool) { return pool->names; }
size_t pool_indices(const Pool *pool) { return pool->indices; }
size_t pool_count(const Pool *pool) { return pool->count; }

Index *index_new(Pool *pool, Name name, int64_t size) {
    Index *index = NEW(pool->arena, Index);
    index->name = name;
    index->size = size;
    index->id = pool->indices++;
    return index;
}

Index *index_like(Pool *pool, const Index *index) {
    Index *fresh = index_new(pool, index->name, index->size);
    fresh->batch = index->batch;
    return fresh;
}

Index *pool_standard_index(Pool *pool, Name name) {
    for (size_t i = 0; i < pool->standard.count; i++) {
        if (pool->standard.at[i]->name == name) return pool->standard.at[i];
    }
    vec_push(pool->arena, &pool->standard, index_new(pool, name, 0));
    return pool->standard.at[pool->standard.count - 1];
}

/* ---- Sharing */

static uint32_t mix(uint32_t h, uint64_t x) {
    x *= 0x9E3779B97F4A7C15u;
    return (h ^ (uint32_t)(x >> 32)) * 0x85EBCA6Bu + (uint32_t)x;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t hash_of(const ExprNode *e) {
    uint32_t h = mix((uint32_t)e->kind * 31u + (uint32_t)e->op, bits_of(e->value));
    h = mix(h, (uint64_t)e->reduction * 8 + (uint64_t)e->draw * 4 + (e->condition ? 2 : 0) + (e->has_default ? 1 : 0));
    if (e->index != NULL) h = mix(h, e->index->id + 1u);
    if (e->tensor != NULL) h = mix(h, e->tensor->id + 7u);
    for (int i = 0; i < e->count; i++) h = mix(h, e->kids[i]->id);
    for (int i = 0; i < e->bound_count; i++) h = mix(h, e->bound[i]->id);
    return h;
}

static bool same(const ExprNode *a, const ExprNode *b) {
    return a->hash == b->hash && a->kind == b->kind && a->op == b->op && a->reduction == b->reduction && a->draw == b->draw &&
           a->condition == b->condition && a->has_default == b->has_default && bits_of(a->value) == bits_of(b->value) &&
           a->index == b->index && a->tensor == b->tensor && a->count == b->count && a->bound_count == b->bound_count &&
           (a->count == 0 || memcmp(a->kids, b->kids, sizeof *a->kids * (size_t)a->count) == 0) &&
           (a->bound_count == 0 || memcmp(a->bound, b->bound, sizeof *a->bound * (size_t)a->bound_count) == 0);
}

/* Where the node that is equal to *draft stands, or would stand. */
static struct Slot *find_slot(struct Slot *slots, size_t size, const ExprNode *draft) {
    size_t at = draft->hash & (size - 1);
    while (slots[at].e != NULL && !(slots[at].hash == draft->hash && same(slots[at].e, draft))) at = (at + 1) & (size - 1);
    return &slots[at];
}

static void grow(Pool *pool) {
    size_t size = pool->size * 4;
    struct Slot *slots = NEW_ARRAY(pool->arena, struct Slot, size);
    for (size_t i = 0; i < pool->size; i++) {
        if (pool->slots[i].e == NULL) continue;
        size_t at = pool->slots[i].hash & (size - 1);
        while (slots[at].e != NULL) at = (at + 1) & (size - 1);
        slots[at] = pool->slots[i];
    }
    pool->slots = slots;
    pool->size = size;
}

/* The union of the children's free indices without the bound ones, by id. */
static void find_free(Pool *pool, ExprNode *e) {
    int most = e->index != NULL;
    const ExprNode *largest = NULL;
    for (int k = 0; k < e->count; k++) {
        most += e->kids[k]->free_count;
        if (largest == NULL || e->kids[k]->free_count > largest->free_count) largest = e->kids[k];
    }
    if (most == 0) return;
    Index **all = malloc(sizeof *all * (size_t)most);
    if (all == NULL) bug("no memory for %d indices", most);
    int count = 0;
    if (e->index != NULL) all[count++] = e->index;
    for (int k = 0; k < e->count; k++) {
        for (int i = 0; i < e->kids[k]->free_count; i++) {
            Index *index = e->kids[k]->free[i];
            bool known = false;
            for (int b = 0; b < e->bound_count; b++) known |= e->bound[b] == index;
            int at = count;
            while (!known && at > 0 && all[at - 1]->id >= index->id) {
                at--;
                known = all[at] == index;
            }
            if (known) continue;
            memmove(all + at + 1, all + at, sizeof *all * (size_t)(count - at));
            all[at] = index;
            count++;
        }
    }
    if (largest != NULL && largest->free_count == count && memcmp(largest->free, all, sizeof *all * (size_t)count) == 0) {
        e->free = largest->free;
    } else {
        Index **kept = NEW_ARRAY(pool->arena, Index *, count);
        if (count > 0) memcpy(kept, all, sizeof *all * (size_t)count);
        e->free = kept;
    }
    e->free_count = count;
    free(all);
}

/* The one node that is equal to *draft, whose kids and bound may lie on the caller's stack. */
static Expr shared(Pool *pool, ExprNode *draft) {
    draft->hash = hash_of(draft);
    struct Slot *slot = find_slot(pool->slots, pool->size, draft);
    if (slot->e != NULL) return slot->e;
    if (pool->count * 2 >= pool->size) {
        grow(pool);
        slot = find_slot(pool->slots, pool->size, draft);
    }
    ExprNode *e = NEW(pool->arena, ExprNode);
    *e = *draft;
    if (e->count > 0) {
        Expr *kids = NEW_ARRAY(pool->arena, Expr, e->count);
        memcpy(kids, draft->kids, sizeof *kids * (size_t)e->count);
        e->kids = kids;
    }
    if (e->bound_count > 0) {
        Index **bound = NEW_ARRAY(pool->arena, Index *, e->bound_count);
        memcpy(bound, draft->bound, sizeof *bound * (size_t)e->bound_count);
        e->bound = bound;
    }
    e->id = (uint32_t)pool->count++;
    e->nodes = 1;
    for (int k = 0; k < e->count; k++) {
        if (e->nodes <= 1000) e->nodes += e->kids[k]->nodes;
        if (e->kids[k]->depth >= e->depth) e->depth = e->kids[k]->depth + 1;
        e->draws |= e->kids[k]->draws;
        e->reduces |= e->kids[k]->reduces;
    }
    find_free(pool, e);
    *slot = (struct Slot){e, e->hash};
    return e;
}

/* ---- Marks: what a walk has seen */

bool pool_marks_begin(Pool *pool) {
    if (pool->walking) return false;
    if (pool->marks_size < pool->count || pool->walk == UINT32_MAX) {
        pool->marks_size = pool->count * 2;
        pool->marks = NEW_ARRAY(pool->arena, uint32_t, pool->marks_size);
        pool->walk = 0;
    }
    pool->walk++;
    return pool->walking = true;
}

bool pool_mark(Pool *pool, Expr e) {
    bool first = pool->marks[e->id] != pool->walk;
    pool->marks[e->id] = pool->walk;
    return first;
}

void pool_marks_end(Pool *pool) { pool->walking = false; }

/* ---- Leaves */

Expr expr_number(Pool *pool, double value) {
    if (value == 0) value = 0; /* no negative zero: it would print as the same number and not be shared */
    bool small = value >= 0 && value < SMALL_NUMBERS && value == (double)(int)value;
    if (small && pool->small[(int)value] != NULL) return pool->small[(int)value];
    ExprNode draft = {.kind = EXPR_CONST, .value = value, .integer = fabs(value) < 9e15 && value == floor(value)};
    Expr e = shared(pool, &draft);
    if (small) pool->small[(int)value] = e;
    return e;
}

Expr expr_truth(Pool *pool, bool value) {
    ExprNode draft = {.kind = EXPR_CONST, .value = value, .condition = true};
    return shared(pool, &draft);
}

Expr expr_index(Pool *pool, Index *index) {
    ExprNode draft = {.kind = EXPR_INDEX, .index = index, .integer = true};
    return shared(pool, &draft);
}

Expr expr_read(Pool *pool, Tensor *tensor, const Expr *subscripts, int count, Expr otherwise) {
    if (count != tensor->rank) bug("%s has %d axes, but %d subscripts", tensor->name, tensor->rank, count);
    Expr kids[count + 1];
    for (int i = 0; i < count; i++) kids[i] = subscripts[i];
    bool can_be_outside = false; /* a default that is never read is dropped */
    if (otherwise != NULL) {
        for (int i = 0; i < count; i++) {
            Interval range = interval_of(subscripts[i]);
            can_be_outside |= !range.known || range.low < 0 || range.high >= tensor->shape[i];
            if (range.known && (range.high < 0 || range.low >= tensor->shape[i])) return otherwise;
        }
    }
    kids[count] = otherwise;
    ExprNode draft = {.kind = EXPR_READ,
                      .tensor = tensor,
                      .kids = kids,
                      .count = count + can_be_outside,
                      .has_default = can_be_outside,
                      .integer = tensor->index_range > 0 && (!can_be_outside || otherwise->integer)};
    return shared(pool, &draft);
}

/* ---- Operations */

static bool is_number(Expr e) { return e->kind == EXPR_CONST && !e->condition; }

bool expr_is(Expr e, double value) { return is_number(e) && e->value == value; }
bool expr_is_op(Expr e, Op op) { return e->kind == EXPR_OP && e->op == op; }
bool expr_is_true(Expr e) { return e->kind == EXPR_CONST && e->condition && e->value != 0; }
static bool is_false(Expr e) { return e->kind == EXPR_CONST && e->condition && e->value == 0; }

/* A comparison of integers that comes out the same for all indices. */
static Expr decided(Pool *pool, Op op, Expr a, Expr b) {
    if (a == b) return expr_truth(pool, op == OP_LE || op == OP_GE || op == OP_EQ);
    Interval x = interval_of(a), y = interval_of(b);
    if (!x.known || !y.known) return NULL;
    bool below = x.high<y.low, not_above = x.high <= y.low, above = x.low> y.high, not_below = x.low >= y.high;
    bool yes = (op == OP_LT && below) || (op == OP_LE && not_above) || (op == OP_GT && above) || (op == OP_GE && not_below) ||
               (op == OP_NE && (below || above));
    bool no = (op == OP_LT && not_below) || (op == OP_LE && above) || (op == OP_GT && not_above) || (op == OP_GE && below) ||
              (op == OP_EQ && (below || above));
    return yes ? expr_truth(pool, true) : no ? expr_truth(pool, false) : NULL;
}

/* The identities of one operation; NULL where none applies. */
static Expr identity(Pool *pool, Op op, const Expr *kid) {
    Expr a = kid[0], b = op_info(op)->arity > 1 ? kid[1] : NULL;
    if (op == OP_ADD && expr_is(a, 0)) return b;
    if ((op == OP_ADD || op == OP_SUB) && expr_is(b, 0)) return a;
    if (op == OP_SUB && expr_is(a, 0)) return expr_op1(pool, OP_NEG, b);
    if (op == OP_SUB && a == b) return expr_number(pool, 0);
    if (op == OP_MUL && (expr_is(a, 0) || expr_is(b, 0))) return expr_number(pool, 0);
    if (op == OP_MUL && expr_is(a, 1)) return b;
    if ((op == OP_MUL || op == OP_DIV || op == OP_POW) && expr_is(b, 1)) return a;
    if (op == OP_MUL && expr_is(a, -1)) return expr_op1(pool, OP_NEG, b);
    if (op == OP_MUL && expr_is(b, -1)) return expr_op1(pool, OP_NEG, a);
    if (op == OP_DIV && expr_is(a, 0) && !expr_is(b, 0)) return a;
    if (op == OP_POW && expr_is(b, 0)) return expr_number(pool, 1);
    if ((op == OP_NEG || op == OP_NOT) && expr_is_op(a, op)) return a->kids[0];
    if (op == OP_STOP && (a->kind == EXPR_CONST || a->kind == EXPR_INDEX || expr_is_op(a, OP_STOP))) return a;
    if (op == OP_AND && (expr_is_true(a) || is_false(b))) return b;
    if (op == OP_AND && (expr_is_true(b) || is_false(a) || a == b)) return a;
    if (op == OP_OR && (expr_is_true(a) || is_false(b))) return a;
    if (op == OP_OR && (expr_is_true(b) || is_false(a))) return b;
    if ((op == OP_MAX || op == OP_MIN) && a == b && a->integer) return a; /* of numbers it is a rule: rules.def */
    if ((op == OP_MAX && expr_is(a, -INFINITY)) || (op == OP_MIN && expr_is(a, INFINITY))) return b;
    if ((op == OP_MAX && expr_is(b, -INFINITY)) || (op == OP_MIN && expr_is(b, INFINITY))) return a;
    if (op == OP_IF && expr_is_true(a)) return b;
    if (op == OP_IF && is_false(a)) return kid[2];
    if (op == OP_IF && b == kid[2]) return b;
    return NULL;
}

static bool integer_op(Op op) {
    return op == OP_ADD || op == OP_SUB || op == OP_MUL || op == OP_NEG || op == OP_MOD || op == OP_FLOORDIV || op == OP_MAX ||
           op == OP_MIN || op == OP_IF || op == OP_STOP || op == OP_ABS || op == OP_FLOOR || op == OP_SIGN;
}

Expr expr_op_raw(Pool *pool, Op op, const Expr *kids) {
    const OpInfo *info = op_info(op);
    bool integer = integer_op(op);
    for (int i = 0; i < info->arity; i++) integer &= kids[i]->integer || op_wants_condition(op, i);
    ExprNode draft = {
        .kind = EXPR_OP, .op = op, .kids = kids, .count = info->arity, .condition = info->condition, .integer = integer};
    return shared(pool, &draft);
}

Expr expr_op(Pool *pool, Op op, const Expr *kids) {
    const OpInfo *info = op_info(op);
    bool constant = true, integer = true;
    for (int i = 0; i < info->arity; i++) {
        if (kids[i]->condition != op_wants_condition(op, i))
            bug("argument %d of '%s' is of the wrong kind", i + 1, info->spelling);
        constant &= kids[i]->kind == EXPR_CONST;
        integer &= kids[i]->integer || op_wants_condition(op, i);
    }
    if (constant) {
        bool whole = integer && (integer_op(op) || op == OP_FLOORDIV || info->condition);
        double value = (whole ? op_value : pool->fold)(op, kids[0]->value, info->arity > 1 ? kids[1]->value : 0,
                                                       info->arity > 2 ? kids[2]->value : 0);
        if (!isnan(value)) return info->condition ? expr_truth(pool, value != 0) : expr_number(pool, value);
    }
    Expr simpler = identity(pool, op, kids);
    if (simpler == NULL && integer && info->condition && info->arity == 2 && !op_wants_condition(op, 0)) {
        simpler = decided(pool, op, kids[0], kids[1]);
    }
    if (simpler == NULL && integer && integer_op(op)) simpler = affine_op(pool, op, kids);
    return simpler != NULL ? simpler : expr_op_raw(pool, op, kids);
}

Expr expr_op1(Pool *pool, Op op, Expr a) { return expr_op(pool, op, (Expr[]){a}); }
Expr expr_op2(Pool *pool, Op op, Expr a, Expr b) { return expr_op(pool, op, (Expr[]){a, b}); }
Expr expr_if(Pool *pool, Expr condition, Expr yes, Expr no) { return expr_op(pool, OP_IF, (Expr[]){condition, yes, no}); }

Expr expr_reduce(Pool *pool, Reduction reduction, Index *const *bound, int count, Expr body) {
    if (body->condition) bug("a reduction over conditions");
    bool position = reduction == REDUCE_ARGMAX || reduction == REDUCE_ARGMIN;
    if (count == 0 && !position) return body;
    if (position && index_product(bound, count) == 1) return expr_number(pool, 0); /* the first of one */
    if (reduction == REDUCE_SUM && expr_is(body, 0)) return body;
    ExprNode draft = {.kind = EXPR_REDUCE,
                      .reduction = reduction,
                      .kids = &body,
                      .count = 1,
                      .bound = bound,
                      .bound_count = count,
                      .reduces = true,
                      .integer = position};
    return shared(pool, &draft);
}

Expr expr_draw(Pool *pool, Draw draw, int site, const Expr *kids, int count) {
    ExprNode draft = {.kind = EXPR_DRAW, .draw = draw, .value = site, .kids = kids, .count = count, .draws = true};
    return shared(pool, &draft);
}

/* ---- Questions */

bool expr_depends(Expr e, const Index *index) {
    for (int i = 0; i < e->free_count; i++) {
        if (e->free[i] == index) return true;
    }
    return false;
}

bool expr_has_reads(Expr e) {
    bool any = e->kind == EXPR_READ;
    for (int k = 0; k < e->count && !any; k++) any = expr_has_reads(e->kids[k]);
    return any;
}

bool expr_depends_any(Expr e, Index *const *indices, int count) {
    for (int i = 0; i < count; i++) {
        if (expr_depends(e, indices[i])) return true;
    }
    return false;
}

double index_product(Index *const *indices, int count) {
    double product = 1;
    for (int i = 0; i < count; i++) product *= (double)indices[i]->size;
    return product;
}

double expr_op_cost(Expr e) {
    bool square = e->op == OP_POW && expr_is(e->kids[1], 2), cube = e->op == OP_POW && expr_is(e->kids[1], 3);
    return square ? 1 : cube ? 2 : op_info(e->op)->cost;
}

typedef struct {
    ExprMap seen;
    bool one_example;
} Cost;

static double cost_of(Cost *cost, Expr e) {
    if (expr_map_get(&cost->seen, e) != NULL) return 0;
    expr_map_put(&cost->seen, e, e);
    double sum = 0;
    for (int k = 0; k < e->count; k++) sum += cost_of(cost, e->kids[k]);
    if (e->kind == EXPR_OP && !e->integer) return sum + expr_op_cost(e);
    if (e->kind == EXPR_REDUCE) { /* at least two points: what can leave a sum should, also where its range happens to be 1 */
        double points = 1;
        for (int i = 0; i < e->bound_count; i++)
            points *= cost->one_example && e->bound[i]->batch ? 1 : (double)e->bound[i]->size;
        return (sum + 1) * (points < 2 && !cost->one_example ? 2 : points);
    }
    if (e->kind == EXPR_DRAW) return sum + 10;
    return sum;
}

static double cost_from_scratch(Expr e, bool one_example) {
    Arena *arena = arena_new();
    Cost counting = {.seen = {.arena = arena}, .one_example = one_example};
    double cost = cost_of(&counting, e);
    arena_free(arena);
    return cost;
}

double expr_cost(Expr e) { return cost_from_scratch(e, false); }

double expr_cost_for_example(Expr e) { return cost_from_scratch(e, true); }
