/* Loops whose iterations threads share.

   Requires: nodes as unroll.c leaves them. Ensures: all threads run the routine; `parallel` of loops whose iterations are independent:
   none writes what another one reads or writes, in memory or in a local variable; `alone` of what one thread runs while the others
   wait; `unwaited` of both, where what follows does not depend on them. No sum is split, so each number is found by the same operations
   in the same order with any number of threads, and on every run: the bits are those of one thread.
   Example, for 2 threads:
       for i in 0..128, parallel           each row is written by one iteration
           for b in the batch              all of them would add to the same row: stays as it is
               for j in 0..784: row[j] := row[j] + d[b, i] * x[b, j]
   Which loop: the one that is predicted to end first; a nest of small loops is shared as a whole. What takes no longer than threads take
   to meet is left to one. */
#include "loop/loop.h"

#include <string.h>

#include "tensor/affine.h"

/* Operations, or vectors of them, in the time that it takes ... */
enum {
    WAIT = 25000,   /* ... threads to meet, before a loop and behind it, and to get what the others wrote: 1 to 10 microseconds */
    LONELY = 2000,  /* ... a thread to get what the others wrote, where they meet anyway */
    MEETING = 2000, /* ... threads to meet that are about to, anyway */
    UPDATING = 200, /* ... a thread to get what others wrote of an update, behind which they need not meet */
    START = 50,     /* ... a thread to find its part of a loop */
};
static const double HARDLY = 0.05, /* a difference that is not worth another loop */
    LEAST_SAVED = 0.35;            /* of a routine's time, or one thread runs it */

/* ---- Independence: along some axis, each iteration has a window of its own in all tensors that are written */

/* Along one axis, all reads and writes are at  factor * index + low .. factor * index + high, divided by `unit`. */
typedef struct {
    bool known;
    int64_t factor, low, high, unit;
} Window;

typedef struct {
    bool written, persistent;
    int rank;
    Window *axes; /* NULL: not touched yet */
} Touched;

typedef struct {
    Arena *scratch;
    Pool *pool;
    Index *index;
    Touched *touched; /* by tensor id */
    bool *own;        /* by id of the local variable, from FIRST_LOCAL, or of the array: declared in the loop */
    bool carried;     /* an iteration sets a variable that is not its own */
} Look;

static Window window_along(Look *look, Expr subscript) {
    Affine affine;
    int64_t factor = 0;
    if (expr_is_op(subscript, OP_FLOORDIV) && subscript->kids[1]->kind == EXPR_CONST && subscript->kids[1]->value >= 1) {
        /* The quotient times the unit is what was divided, or up to unit - 1 less. */
        Window window = window_along(look, subscript->kids[0]);
        window.known &= window.unit == 1;
        window.unit = (int64_t)subscript->kids[1]->value;
        window.low -= window.unit - 1;
        return window;
    }
    if (!affine_of(look->pool, subscript, &affine)) return (Window){0};
    for (size_t i = 0; i < affine.terms.count; i++) {
        Expr term = affine.terms.at[i].term;
        if (term->kind == EXPR_INDEX && term->index == look->index) factor = affine.terms.at[i].coefficient;
        else if (expr_depends(term, look->index)) return (Window){0};
    }
    Interval rest = interval_of(expr_substitute(look->pool, subscript, &look->index, (Expr[]){expr_number(look->pool, 0)}, 1));
    return (Window){rest.known && factor != 0, factor, rest.low, rest.high, 1};
}

static void touch(Look *look, const Tensor *tensor, const Expr *subscripts, bool writes) {
    Touched *t = &look->touched[tensor->id];
    bool first = t->axes == NULL;
    t->written |= writes;
    t->rank = tensor->rank;
    t->persistent = tensor_is_persistent(tensor);
    if (first) t->axes = NEW_ARRAY(look->scratch, Window, tensor->rank + 1);
    for (int k = 0; k < tensor->rank; k++) {
        Window *all = &t->axes[k];
        if (!first && !all->known) continue;
        Window here = window_along(look, subscripts[k]);
        if (first) *all = here;
        all->known &= here.known && here.factor == all->factor && here.unit == all->unit;
        if (here.low < all->low) all->low = here.low;
        if (here.high > all->high) all->high = here.high;
    }
}

static void touch_read(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ || e->tensor->local || (e->tensor->array && look->own[e->tensor->id])) return;
    touch(look, e->tensor, e->kids, false);
}

static void look_at_nodes(Look *look, const Nodes *nodes, bool *own_locals) {
    for (size_t i = 0; i < nodes->count && !look->carried; i++) {
        const Node *node = nodes->at[i];
        const Tensor *t = node->target;
        node_visit(look->pool, node, touch_read, look);
        switch (node->kind) {
        case NODE_BLOCK:
        case NODE_IF:
        case NODE_LOOP: look_at_nodes(look, &node->body, own_locals); break;
        case NODE_LET:
            if (t->array && !t->local) look->own[t->id] = true;
            else own_locals[t->id - FIRST_LOCAL] = true;
            break;
        case NODE_SET: look->carried |= !own_locals[t->id - FIRST_LOCAL]; break;
        case NODE_STORE:
            if (!t->local && !(t->array && look->own[t->id])) touch(look, t, node->subscripts, true);
            break;
        }
    }
}

static bool is_apart(const Window *w, int64_t step) {
    return w->known && w->high - w->low < step * (w->factor < 0 ? -w->factor : w->factor);
}

/* *keeps: iterations write parameters along their first axis. */
static bool is_independent(LoopProgram *loop, const Routine *routine, const Node *node, bool *keeps) {
    Arena *scratch = arena_new();
    size_t tensors = routine->program->all.count;
    Look look = {.scratch = scratch,
                 .pool = routine->program->pool,
                 .index = node->index,
                 .touched = NEW_ARRAY(scratch, Touched, tensors + 1),
                 .own = NEW_ARRAY(scratch, bool, tensors + 1)};
    look_at_nodes(&look, &node->body, NEW_ARRAY(scratch, bool, loop->locals + 1));
    bool independent = !look.carried;
    int64_t step = node->step > 1 ? node->step : 1;
    *keeps = false;
    for (size_t i = 0; i < tensors && independent; i++) {
        const Touched *t = &look.touched[i];
        if (!t->written) continue;
        independent = false;
        for (int k = 0; k < t->rank && !independent; k++) independent = is_apart(&t->axes[k], step);
        *keeps |= t->persistent && t->rank > 0 && is_apart(&t->axes[0], step);
    }
    arena_free(scratch);
    return independent;
}

/* ---- Choice */

typedef struct {
    double alone, shared; /* by one thread; by all of them, as marked */
} Time;

static void unmark(const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        nodes->at[i]->parallel = 0;
        nodes->at[i]->meet = false;
        unmark(&nodes->at[i]->body);
    }
}

static Time share_nodes(LoopProgram *loop, Routine *routine, const Nodes *nodes, double wait);

static double wait_of(const LoopProgram *loop) { return loop->options.wait > 0 ? loop->options.wait : WAIT; }

/* The time of so many iterations, when each thread does its part. */
static double shared_time(const LoopProgram *loop, double iterations, double each) {
    int64_t threads = loop->options.threads, most = ((int64_t)iterations + threads - 1) / threads;
    return (double)most * each;
}

/* The loop that is the whole body of this one, or NULL. */
static Node *only_loop(const Node *node) {
    Node *inside = node->body.count == 1 ? node->body.at[0] : NULL;
    return inside != NULL && inside->kind == NODE_LOOP && !inside->index->lanes ? inside : NULL;
}

/* Parameters stay in the caches of one thread where it is always the one that updates the same part: the first axis, if that costs
   hardly more. Iterations of all loops from node to this one are independent. */
static Node *keeping_loop(LoopProgram *loop, const Routine *routine, Node *node, double time, double most, double wait) {
    double around = loop_turns(node);
    bool keeps;
    for (Node *at = only_loop(node); at != NULL; at = only_loop(at)) {
        double turns = loop_turns(at);
        if (!is_independent(loop, routine, at, &keeps)) return NULL;
        if (keeps && wait + around * (START + shared_time(loop, turns, time / (around * turns))) < most) return at;
        around *= turns;
    }
    return NULL;
}

static Time share_loop(LoopProgram *loop, Routine *routine, Node *node, double wait) {
    Time body = share_nodes(loop, routine, &node->body, wait);
    double iterations = 1;
    Time time = {loop_turns(node) * body.alone, loop_turns(node) * body.shared};
    bool keeps_here = false, keeps;
    int levels = 0, level = 1;
    for (const Node *at = node; at != NULL && time.alone > wait && is_independent(loop, routine, at, &keeps);
         at = only_loop(at)) {
        iterations *= loop_turns(at);
        double shared = wait + shared_time(loop, iterations, time.alone / iterations);
        if (shared < time.shared * (levels > 0 ? 1 - HARDLY : 1)) {
            time.shared = shared;
            levels = level;
        }
        if (level++ == 1) keeps_here = keeps;
    }
    if (levels == 0) return time;
    unmark(&node->body);
    Node *inside = keeps_here ? NULL : keeping_loop(loop, routine, node, time.alone, time.shared * (1 + HARDLY), wait);
    node->meet = inside != NULL;
    *(inside != NULL ? &inside->parallel : &node->parallel) = inside != NULL ? 1 : levels;
    return time;
}

/* Each thread has variables of its own: what one of them sets is not seen by the others. */
static bool has_variables(const Nodes *nodes) {
    bool any = false;
    for (size_t i = 0; i < nodes->count; i++) any |= nodes->at[i]->kind == NODE_LET || nodes->at[i]->kind == NODE_SET;
    return any;
}

/* Elements that straight lines find become variables, and long ones are functions of their own. */
static bool is_for_one(const Node *node) {
    return node->kind == NODE_BLOCK && (node->function > 0 || (node->lines && node->body.count > 1));
}

static Time share_nodes(LoopProgram *loop, Routine *routine, const Nodes *nodes, double wait) {
    Time time = {0};
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        Time own = {0};
        if (node->kind == NODE_LOOP && !node->index->lanes) own = share_loop(loop, routine, node, wait);
        else own = share_nodes(loop, routine, &node->body, wait);
        if (node->value != NULL && node->kind != NODE_IF) {
            double operations = 1 + expr_cost(node->value);
            own.alone = own.shared = operations / loop->options.target->side_by_side;
        }
        if (is_for_one(node)) {
            unmark(&node->body);
            own.shared = own.alone;
        }
        time.alone += own.alone;
        time.shared += own.shared;
    }
    if (has_variables(nodes)) {
        unmark(nodes);
        time.shared = time.alone;
    }
    return time;
}

/* ---- What is left to one thread */

static int count_parallel(const Nodes *nodes) {
    int count = 0;
    for (size_t i = 0; i < nodes->count; i++) count += (nodes->at[i]->parallel > 0) + count_parallel(&nodes->at[i]->body);
    return count;
}

bool loop_is_shared(const Node *node) { return node->parallel > 0 || count_parallel(&node->body) > 0; }

static void leave_alone(const Nodes *nodes) {
    for (size_t from = 0, to; from < nodes->count; from = to) {
        Node *node = nodes->at[from];
        to = from + 1;
        if (loop_is_shared(node)) {
            if (node->parallel == 0) leave_alone(&node->body);
            continue;
        }
        while (to < nodes->count && !loop_is_shared(nodes->at[to])) to++;
        node->alone = (int)(to - from);
    }
}

/* Between loops that are shared, threads meet behind what one of them runs, too: there it need not be as long to be shared. Where one
   thread would run several statements without a pause, they meet before and behind what is shared of these. */
static void share_lonely(LoopProgram *loop, Routine *routine, const Nodes *nodes) {
    for (size_t from = 0, to; from < nodes->count; from = to) {
        to = from + 1;
        if (loop_is_shared(nodes->at[from])) continue;
        while (to < nodes->count && !loop_is_shared(nodes->at[to])) to++;
        double least = to - from > 1 ? LONELY + 2 * MEETING : LONELY, wait = wait_of(loop) < least ? wait_of(loop) : least;
        for (size_t i = from; i < to; i++) {
            const Nodes alone = {.at = &nodes->at[i], .count = 1};
            share_nodes(loop, routine, &alone, wait);
        }
    }
}

/* What all threads run: of a step in which they have parts of the batch, the update. */
static Nodes blocks_for_all(const LoopProgram *loop, const Routine *routine) {
    Nodes blocks = {0};
    for (size_t i = 0; i < routine->body.count; i++) {
        bool own = loop_parts(loop, routine) > 1 && routine->body.at[i]->when != IF_LAST;
        if (!own) vec_push(loop->arena, &blocks, routine->body.at[i]);
    }
    return blocks;
}

void share(LoopProgram *loop, Routine *routine) {
    const Nodes blocks = blocks_for_all(loop, routine);
    bool together = loop_parts(loop, routine) > 1;
    Time time = share_nodes(loop, routine, &blocks, together ? UPDATING : wait_of(loop));
    if (!together && time.shared > time.alone * (1 - LEAST_SAVED)) unmark(&blocks);
    if (loop_parallel_blocks(routine) > 0) share_lonely(loop, routine, &blocks);
    if (loop_parallel_blocks(routine) > 0 || together) leave_alone(&blocks);
}

/* ---- Where threads go on without waiting for each other: what follows neither reads nor writes what they have not finished writing, nor
   writes what they may still read */

typedef struct {
    Routine *routine;
    Node *last;           /* behind it they may go on; NULL: they have just met */
    bool *reads, *writes; /* since they met, by place in memory */
    bool *its_reads, *its_writes;
    size_t places;
} Going;

/* Tensors that share their space have one place. */
static size_t place_of(const Going *g, const Tensor *t) {
    int space = g->routine->space[t->id];
    return space > 0 ? g->routine->program->all.count + (size_t)space : (size_t)t->id;
}

static void note_place_read(void *context, Expr e) {
    Going *g = context;
    if (e->kind == EXPR_READ && !e->tensor->local && !e->tensor->array) g->its_reads[place_of(g, e->tensor)] = true;
}

static void note_places(Going *g, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        node_visit(g->routine->program->pool, node, note_place_read, g);
        if (node->kind == NODE_STORE && !node->target->local && !node->target->array)
            g->its_writes[place_of(g, node->target)] = true;
        note_places(g, &node->body);
    }
}

/* The next nodes that threads share, or that one of them runs. They meet inside where `behind`, the node that can say that they go on, is
   NULL. */
static void go_through(Going *g, const Nodes *nodes, Node *behind) {
    bool conflict = g->last == NULL;
    memset(g->its_reads, 0, g->places * sizeof *g->its_reads);
    memset(g->its_writes, 0, g->places * sizeof *g->its_writes);
    note_places(g, nodes);
    for (size_t i = 0; i < g->places; i++)
        conflict |= (g->its_writes[i] && (g->reads[i] || g->writes[i])) || (g->its_reads[i] && g->writes[i]);
    if (g->last != NULL) g->last->unwaited = !conflict;
    for (size_t i = 0; i < g->places; i++) {
        g->reads[i] = g->its_reads[i] || (g->reads[i] && !conflict);
        g->writes[i] = g->its_writes[i] || (g->writes[i] && !conflict);
    }
    g->last = behind;
}

static void go_through_all(Going *g, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        size_t count = node->alone > 0 ? (size_t)node->alone : 1;
        const Nodes here = {.at = &nodes->at[i], .count = count};
        bool shared = node->parallel > 0 || node->meet || node->alone > 0;
        if (!shared && node->kind == NODE_BLOCK) go_through_all(g, &node->body);
        else go_through(g, &here, shared ? node : NULL);
        i += count - 1;
    }
}

void find_unwaited(const LoopProgram *loop, Routine *routine) {
    const Nodes blocks = blocks_for_all(loop, routine);
    if (loop_parallel_blocks(routine) == 0) return;
    Arena *scratch = arena_new();
    Going g = {.routine = routine, .places = routine->program->all.count + (size_t)routine->spaces + 1};
    g.reads = NEW_ARRAY(scratch, bool, g.places);
    g.writes = NEW_ARRAY(scratch, bool, g.places);
    g.its_reads = NEW_ARRAY(scratch, bool, g.places);
    g.its_writes = NEW_ARRAY(scratch, bool, g.places);
    go_through_all(&g, &blocks);
    if (g.last != NULL) g.last->unwaited = true; /* they meet behind the routine */
    arena_free(scratch);
}

int loop_parallel_blocks(const Routine *routine) {
    int count = 0;
    for (size_t i = 0; i < routine->body.count; i++) count += loop_is_shared(routine->body.at[i]);
    return count;
}

bool loop_uses_threads(LoopProgram *loop) {
    bool any = false;
    for (int i = 0; i < ROUTINES; i++) any |= loop_parallel_blocks(loop_routine(loop, i, NULL)) > 0;
    return any || loop_parts(loop, &loop->step) > 1;
}
