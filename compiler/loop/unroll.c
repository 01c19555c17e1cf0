/* Straight lines instead of loops: each loop of a chosen block becomes a copy of its body for every value of its index. The loop over
   the batch stays: one example at a time.

   Requires: blocks marked `lines`. Ensures: in them no loop is left but those over the batch; sums are expressions of a few terms;
   blocks that grew long are cut, each piece a function of its own.
   Example:  for j in 0..2: var sum := 0; for i in 0..2: sum := sum + W[j, i] * x[i]; y[j] := sum + b[j]
             becomes  y[0] := W[0, 0] * x[0] + W[0, 1] * x[1] + b[0];  y[1] := W[1, 0] * x[0] + W[1, 1] * x[1] + b[1]
   Sums over the batch grow together, several elements in one loop: the points of a block wait for nothing of each other.
   Example:  for j in 0..2: var sum := 0; for b in the batch: sum := sum + d[b, j]; db[j] := sum
             becomes  var sum_0 := 0;  var sum_1 := 0;  for b in the batch: { sum_0 := sum_0 + d[b, 0]; sum_1 := sum_1 + d[b, 1] };
                      db[0] := sum_0;  db[1] := sum_1 */
#include "loop/loop.h"

enum {
    TERMS_IN_A_LINE = 8,
    POINTS_TOGETHER = 16,     /* of sums over the batch: as many as there are registers */
    LINES_IN_A_FUNCTION = 256 /* compilers take more than linear time for longer ones */
};

/* A local variable of the loops, and what stands for it in the lines. */
typedef struct {
    const Tensor *loop_local;
    Tensor *local;  /* declared, or NULL: not yet */
    Expr value;     /* what it is at this point */
    int terms;      /* of value, added since the last line */
    bool in_memory; /* set in a loop over the batch: a real variable */
    bool once;      /* read at one place alone: its value may stand there */
} Local;

typedef Vec(Local) Locals;

enum { ALONE = INT32_MAX };

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Pool *pool;
    Vec(Index *) indices;
    Vec(Expr) values;
    Locals locals;
    size_t
        first_of_point; /* the first index of the points that are together: the names of their variables end in where they stand */
    Nodes *out;
    int lines;
} Unroll;

/* ---- Substitution */

static Local *find_local(Unroll *u, const Tensor *tensor) {
    for (size_t i = u->locals.count; i-- > 0;) {
        if (u->locals.at[i].loop_local == tensor) return &u->locals.at[i];
    }
    return NULL;
}

/* e with the values that indices and local variables have at this point. */
static Expr value_here(Unroll *u, Expr e) {
    if (e->kind == EXPR_INDEX) {
        for (size_t i = u->indices.count; i-- > 0;) {
            if (u->indices.at[i] == e->index) return u->values.at[i];
        }
    }
    Local *local = e->kind == EXPR_READ ? find_local(u, e->tensor) : NULL;
    if (local != NULL) return local->value;
    if (e->count == 0) return e;
    Expr kids[e->count];
    for (int k = 0; k < e->count; k++) kids[k] = value_here(u, e->kids[k]);
    return expr_rebuild(u->pool, e, kids);
}

/* ---- Lines */

static Node *line(Unroll *u, NodeKind kind, Tensor *target, Expr value) {
    Node *node = NEW(u->loop->arena, Node);
    *node = (Node){.kind = kind, .target = target, .value = value};
    vec_push(u->loop->arena, u->out, node);
    u->lines++;
    return node;
}

static const char *name_here(const Unroll *u, const Local *local) {
    Text *name = text_new(u->loop->arena);
    text_put(name, local->loop_local->name);
    for (size_t i = u->first_of_point; i < u->indices.count; i++) {
        if (u->indices.at[i]->size > 1 && u->values.at[i] != NULL) text_printf(name, "_%.0f", u->values.at[i]->value);
    }
    return text_string(name);
}

/* The value so far goes into a variable, where it is not there. */
static void write_down(Unroll *u, Local *local, bool constant) {
    if (local->local != NULL && local->value->kind == EXPR_READ && local->value->tensor == local->local) return;
    if (local->local == NULL) {
        local->local = local_new(u->loop, u->routine, name_here(u, local), local->loop_local->index_range);
        line(u, NODE_LET, local->local, local->value)->constant = constant;
    } else {
        line(u, NODE_SET, local->local, local->value);
    }
    local->value = expr_read(u->pool, local->local, NULL, 0, NULL);
    local->terms = 0;
}

typedef struct {
    const Tensor *tensor;
    int count;
} Reads;

static void count_read(void *context, Expr e) {
    Reads *reads = context;
    reads->count += e->kind == EXPR_READ && e->tensor == reads->tensor;
}

static bool set_under_batch(const Nodes *nodes, const Tensor *local, bool under) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        bool inside = under || (node->kind == NODE_LOOP && node->index->batch);
        if (node->kind == NODE_SET && node->target == local && inside) return true;
        if (set_under_batch(&node->body, local, inside)) return true;
    }
    return false;
}

/* Nodes other than its own settings that read the local, those in loops twice. */
static int places_that_read(const Unroll *u, const Nodes *nodes, const Tensor *local, bool in_loop) {
    int places = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        Reads reads = {.tensor = local};
        if (node->value != NULL && !(node->kind == NODE_SET && node->target == local))
            expr_visit(u->pool, node->value, count_read, &reads);
        places += reads.count * (in_loop ? 2 : 1) + places_that_read(u, &node->body, local, in_loop || node->kind == NODE_LOOP);
    }
    return places;
}

static bool is_short(Expr e) { return e->kind == EXPR_CONST || e->kind == EXPR_READ; }

static void expand(Unroll *u, const Nodes *nodes);
static void expand_some(Unroll *u, const Nodes *nodes, size_t from, size_t to);

static void expand_let(Unroll *u, const Nodes *nodes, const Node *node) {
    if (node->target->array) {
        line(u, NODE_LET, node->target, NULL);
        return;
    }
    Local local = {.loop_local = node->target, .value = value_here(u, node->value), .terms = 1};
    local.in_memory = !node->constant && set_under_batch(nodes, node->target, false);
    local.once = places_that_read(u, nodes, node->target, false) == 1;
    vec_push(u->loop->arena, &u->locals, local);
    Local *here = &u->locals.at[u->locals.count - 1];
    if (local.in_memory || (node->constant && !is_short(local.value) && !local.once)) write_down(u, here, node->constant);
}

static void expand_set(Unroll *u, const Node *node) {
    Local *local = find_local(u, node->target);
    local->value = value_here(u, node->value);
    if (local->in_memory || ++local->terms > TERMS_IN_A_LINE || !expr_is_op(node->value, OP_ADD)) write_down(u, local, false);
}

/* Before a loop over the batch, and where a value is wanted at several places, what is under way is written down. */
static void settle(Unroll *u, const Node *reader) {
    for (size_t i = 0; i < u->locals.count; i++) {
        Local *local = &u->locals.at[i];
        if (local->once || is_short(local->value)) continue;
        Reads reads = {.tensor = local->loop_local};
        if (reader->value != NULL) expr_visit(u->pool, reader->value, count_read, &reads);
        bool own = reader->kind == NODE_SET && reader->target == local->loop_local;
        bool wanted = reader->kind == NODE_LOOP || (reads.count > 0 && !own);
        if (wanted) write_down(u, local, true);
    }
}

/* The line that was written last: for these values of the indices a sum may have no terms. */
static void drop_if_empty(Unroll *u, const Node *loop) {
    if (loop->body.count > 0) return;
    u->out->count--;
    u->lines--;
}

/* The same loop, with nothing inside yet. */
static Node *loop_like(Unroll *u, const Node *node) {
    Node *loop = line(u, NODE_LOOP, NULL, NULL);
    loop->index = node->index;
    loop->step = node->step;
    loop->rest = node->rest;
    loop->reversed = node->reversed;
    return loop;
}

/* The loop over the batch: its body for one point. */
static void expand_batch(Unroll *u, const Node *node) {
    settle(u, node);
    Node *loop = loop_like(u, node);
    Nodes *outer = u->out;
    u->out = &loop->body;
    expand(u, &node->body);
    u->out = outer;
    drop_if_empty(u, loop);
}

static bool is_batch_loop(const Node *node) { return node->kind == NODE_LOOP && node->index->batch; }

/* The body of a nest of loops, where it sums over the batch; or NULL. */
static const Nodes *body_with_batch(const Node *loop) {
    if (loop->step > 1 || loop->rest > 0) return NULL;
    if (loop->body.count == 1 && loop->body.at[0]->kind == NODE_LOOP && !loop->body.at[0]->index->batch)
        return body_with_batch(loop->body.at[0]);
    for (size_t i = 0; i < loop->body.count; i++) {
        if (is_batch_loop(loop->body.at[i])) return &loop->body;
    }
    return NULL;
}

/* One of the points that are together. */
typedef struct {
    Expr *values; /* of the indices of their nest */
    Locals locals;
} Point;

static void go_to(Unroll *u, const Point *point) {
    size_t count = u->indices.count - u->first_of_point;
    for (size_t i = 0; i < count; i++) u->values.at[u->first_of_point + i] = point->values[i];
    u->locals = point->locals;
}

static void expand_together(Unroll *u, const Nodes *body, Point *points, int count) {
    for (size_t from = 0, to; from < body->count; from = to) {
        const Node *node = body->at[from];
        bool batch = is_batch_loop(node);
        for (to = from + 1; to < body->count && !batch && !is_batch_loop(body->at[to]);) to++;
        for (int k = 0; k < count; k++) {
            go_to(u, &points[k]);
            if (batch) settle(u, node);
            else expand_some(u, body, from, to);
            points[k].locals = u->locals;
        }
        if (!batch) continue;
        Node *loop = loop_like(u, node);
        Nodes *outer = u->out;
        u->out = &loop->body;
        for (int k = 0; k < count; k++) {
            go_to(u, &points[k]);
            expand(u, &node->body);
            points[k].locals = u->locals;
        }
        u->out = outer;
        drop_if_empty(u, loop);
    }
}

/* The point of this number of the nest whose indices were pushed last; the outermost starts at `from`. */
static Point point_at(Unroll *u, int64_t from, int64_t number) {
    size_t depth = u->indices.count - u->first_of_point;
    Point point = {.values = NEW_ARRAY(u->loop->arena, Expr, depth)};
    for (size_t i = depth; i-- > 0;) {
        const Index *index = u->indices.at[u->first_of_point + i];
        int64_t size = index->size - index->first;
        point.values[i] = expr_number(u->pool, (double)(i == 0 ? from + number : index->first + number % size));
        number /= size;
    }
    for (size_t i = 0; i < u->locals.count; i++) vec_push(u->loop->arena, &point.locals, u->locals.at[i]);
    return point;
}

static void expand_points(Unroll *u, const Node *nest, const Nodes *body, int64_t from, int64_t to) {
    Locals before = u->locals;
    size_t at = u->first_of_point = u->indices.count;
    int64_t points = to - from;
    for (const Node *node = nest;; node = node->body.at[0]) {
        vec_push(u->loop->arena, &u->indices, node->index);
        vec_push(u->loop->arena, &u->values, NULL);
        if (node != nest) points *= node->index->size - node->index->first;
        if (&node->body == body) break;
    }
    for (int64_t first = 0; first < points; first += POINTS_TOGETHER) {
        Point together[POINTS_TOGETHER];
        int count = (int)(points - first < POINTS_TOGETHER ? points - first : POINTS_TOGETHER);
        u->locals = before;
        for (int k = 0; k < count; k++) together[k] = point_at(u, from, first + k);
        expand_together(u, body, together, count);
    }
    u->first_of_point = ALONE;
    u->locals = before;
    u->indices.count = u->values.count = at;
}

static int64_t first_of(const Node *loop) {
    return loop->rest > 0 ? loop->index->size - loop->index->size % loop->rest : loop->index->first;
}

/* The copies of the loop's body for from .. to - 1. */
static void expand_range(Unroll *u, const Node *node, int64_t from, int64_t to) {
    if (node->low != NULL || node->high != NULL) bug("a loop over %s in straight lines has ends of its own", node->index->name);
    const Nodes *sums = u->first_of_point == ALONE ? body_with_batch(node) : NULL;
    if (sums != NULL) {
        expand_points(u, node, sums, from, to);
        return;
    }
    size_t at = u->indices.count, locals = u->locals.count;
    int64_t step = node->step > 1 ? node->step : 1;
    vec_push(u->loop->arena, &u->indices, node->index);
    vec_push(u->loop->arena, &u->values, NULL);
    for (int64_t k = from; k + step <= to; k += step) {
        u->values.at[at] = expr_number(u->pool, (double)k);
        expand(u, &node->body);
        u->locals.count = locals;
    }
    u->indices.count = u->values.count = at;
}

static void expand_some(Unroll *u, const Nodes *nodes, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        const Node *node = nodes->at[i];
        if (node->kind != NODE_LOOP) settle(u, node);
        switch (node->kind) {
        case NODE_BLOCK: expand(u, &node->body); break;
        case NODE_LOOP:
            if (node->index->batch) expand_batch(u, node);
            else expand_range(u, node, first_of(node), node->index->size);
            break;
        case NODE_IF: bug("straight lines have no columns");
        case NODE_LET: expand_let(u, nodes, node); break;
        case NODE_SET: expand_set(u, node); break;
        case NODE_STORE: {
            Expr value = value_here(u, node->value);
            Node *store = line(u, NODE_STORE, node->target, value);
            store->subscripts = NEW_ARRAY(u->loop->arena, Expr, node->target->rank + 1);
            for (int k = 0; k < node->target->rank; k++) store->subscripts[k] = value_here(u, node->subscripts[k]);
            break;
        }
        }
    }
}

static void expand(Unroll *u, const Nodes *nodes) { expand_some(u, nodes, 0, nodes->count); }

/* ---- Cutting */

/* The first loop that is not over the batch, where the block is one nest down to it, and the loop takes one value after another. */
static const Node *first_loop(const Nodes *nodes) {
    const Node *node = nodes->count == 1 ? nodes->at[0] : NULL;
    if (node == NULL || node->kind != NODE_LOOP) return NULL;
    if (node->index->batch) return first_loop(&node->body);
    return node->step > 1 || node->rest > 0 ? NULL : node;
}

/* A copy of the block for a part of the range of that loop. */
static void expand_part(Unroll *u, const Nodes *nodes, const Node *cut, int64_t from, int64_t to) {
    const Node *node = nodes->at[0];
    if (node == cut) {
        expand_range(u, cut, from, to);
        u->locals.count = 0;
        return;
    }
    Node *loop = loop_like(u, node);
    Nodes *outer = u->out;
    u->out = &loop->body;
    expand_part(u, &node->body, cut, from, to);
    u->out = outer;
    drop_if_empty(u, loop);
}

static Node *piece(Unroll *u, const Node *block, Nodes *blocks) {
    Node *copy = NEW(u->loop->arena, Node);
    *copy = *block;
    copy->body = (Nodes){0};
    copy->scoped = false;
    vec_push(u->loop->arena, blocks, copy);
    u->out = &copy->body;
    u->lines = 0;
    return copy;
}

static void unroll_block(Unroll *u, const Node *block, Nodes *blocks, int *functions) {
    const Node *cut = first_loop(&block->body);
    if (cut == NULL) {
        piece(u, block, blocks);
        expand(u, &block->body);
        u->locals.count = 0;
        return;
    }
    Unroll probe = *u; /* how many lines does one value of the index take? */
    Nodes nowhere = {0};
    piece(&probe, block, &nowhere);
    expand_part(&probe, &block->body, cut, 0, 1);
    int64_t lines = probe.lines > 0 ? probe.lines : 1, size = cut->index->size;
    int64_t step = lines * size <= LINES_IN_A_FUNCTION ? size : lines >= LINES_IN_A_FUNCTION ? 1 : LINES_IN_A_FUNCTION / lines;
    for (int64_t from = 0; from < size; from += step) {
        Node *part = piece(u, block, blocks);
        if (step < size) part->function = ++*functions;
        if (from > 0) part->goes_on = true;
        expand_part(u, &block->body, cut, from, from + step < size ? from + step : size);
    }
}

static bool holds_blocks(const Node *node) {
    return node->kind == NODE_BLOCK || (node->kind == NODE_LOOP && holds_blocks(node->body.at[0]));
}

/* What stands round the tensors of a scan remains loops. */
static void keep_border(Unroll *u, const Node *scan, Node *border, Nodes *blocks) {
    Node *block = NEW(u->loop->arena, Node);
    *block = *scan;
    block->scan = NULL;
    block->lines = false;
    block->goes_on = true;
    block->body = (Nodes){0};
    vec_push(u->loop->arena, &block->body, border);
    vec_push(u->loop->arena, blocks, block);
}

/* Step by step, each statement of a step as a block. */
static void unroll_scan(Unroll *u, const Node *scan, const Nodes *nodes, Nodes *blocks, int *functions) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (!holds_blocks(node)) {
            keep_border(u, scan, node, blocks);
            continue;
        }
        if (node->kind == NODE_BLOCK) {
            Node statement = *node;
            statement.inner = false;
            statement.lines = true;
            unroll_block(u, &statement, blocks, functions);
            continue;
        }
        size_t at = u->indices.count;
        vec_push(u->loop->arena, &u->indices, node->index);
        vec_push(u->loop->arena, &u->values, NULL);
        for (int64_t k = node->index->first; k < node->index->size; k++) {
            int64_t step = node->reversed ? node->index->size - 1 - (k - node->index->first) : k;
            u->values.at[at] = expr_number(u->pool, (double)step);
            unroll_scan(u, scan, &node->body, blocks, functions);
        }
        u->indices.count = u->values.count = at;
    }
}

void unroll(LoopProgram *loop, Routine *routine) {
    Unroll u = {.loop = loop, .routine = routine, .pool = routine->program->pool, .first_of_point = ALONE};
    Nodes blocks = {0};
    int functions = 0;
    for (size_t i = 0; i < routine->body.count; i++) {
        Node *block = routine->body.at[i];
        if (block->lines && block->scan != NULL) unroll_scan(&u, block, &block->body, &blocks, &functions);
        else if (block->lines) unroll_block(&u, block, &blocks, &functions);
        else vec_push(loop->arena, &blocks, block);
    }
    routine->body = blocks;
    routine->functions = functions;
}
