/* Where tensors live: in the caller's structs (inputs, parameters, state, outputs), in local variables, or in the work space.

   Requires: the routine's blocks in their final order. Ensures: `uses`, and `buffers`: what the work space holds. What straight lines
   compute and read in one function alone is in local variables, and every constant is read.
   Example:  hidden[0, 0] := sigmoid(...);  y[0, 0] := W[0, 0] * hidden[0, 0]    becomes
             let hidden_0 := sigmoid(...);  let y_0 := W[0, 0] * hidden_0 */
#include <math.h>
#include <stdlib.h>

#include "loop/loop.h"

enum { MOST_VARIABLES = 4096 /* of one tensor */ };

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Pool *pool;
    bool *in_memory;     /* by tensor id */
    int *home;           /* by tensor id: the scope that it is used in */
    bool **written;      /* by tensor id: which elements are written so far */
    Tensor ***variables; /* by tensor id: the variable of each element */
    int scope;           /* a function, or what one thread runs without the others */
    bool straight;
} Placement;

static bool is_computed(const Tensor *t) {
    return !t->array && (t->kind == TENSOR_VALUE || t->kind == TENSOR_PART || t->kind == TENSOR_ADJOINT);
}

static bool constant_point(const Tensor *tensor, const Expr *subscripts, size_t *point) {
    *point = 0;
    for (int i = 0; i < tensor->rank; i++) {
        if (subscripts[i]->kind != EXPR_CONST) return false;
        *point = *point * (size_t)tensor->shape[i] + (size_t)subscripts[i]->value;
    }
    return true;
}

/* ---- What may be in variables: elements with constant subscripts, written once, in straight lines of one function */

static void look(Placement *p, const Tensor *tensor, const Expr *subscripts, bool straight) {
    size_t point;
    if (tensor->local) return;
    bool elsewhere = p->home[tensor->id] != 0 && p->home[tensor->id] != p->scope;
    p->home[tensor->id] = p->scope;
    if (!straight || elsewhere || !constant_point(tensor, subscripts, &point)) p->in_memory[tensor->id] = true;
}

static void look_at_read(void *context, Expr e) {
    Placement *p = context;
    if (e->kind == EXPR_READ) look(p, e->tensor, e->kids, p->straight && !e->has_default);
}

static void look_at_store(Placement *p, const Node *node, bool straight) {
    size_t point;
    const Tensor *t = node->target;
    look(p, t, node->subscripts, straight && is_computed(t) && tensor_points(t) <= MOST_VARIABLES);
    if (p->in_memory[t->id] || !constant_point(t, node->subscripts, &point)) return;
    if (p->written[t->id] == NULL) p->written[t->id] = NEW_ARRAY(p->loop->arena, bool, tensor_points(t));
    p->in_memory[t->id] |= p->written[t->id][point];
    p->written[t->id][point] = true;
}

static void look_at_nodes(Placement *p, const Nodes *nodes, bool straight) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        p->straight = straight && node->kind != NODE_BLOCK;
        node_visit(p->pool, node, look_at_read, p);
        if (node->kind == NODE_STORE) look_at_store(p, node, straight);
        look_at_nodes(p, &node->body, node->kind == NODE_BLOCK ? node->lines : false);
    }
}

/* Functions are 1 to their number; the routine itself has one scope, or more where its blocks are shared by threads. */
static void look_at_blocks(Placement *p) {
    const Nodes *blocks = &p->routine->body;
    int scope = p->routine->functions + 1;
    for (size_t i = 0; i < blocks->count; i++) {
        const Node *block = blocks->at[i];
        bool other = p->routine->program->done != NULL && i > 0 && block->when != blocks->at[i - 1]->when;
        if (block->alone > 0 || loop_is_shared(block) || other) scope++;
        p->scope = block->function > 0 ? block->function : scope;
        look_at_nodes(p, &(Nodes){.at = &blocks->at[i], .count = 1}, false);
    }
}

/* What the caller or the functions around it read. */
static void keep_results(Placement *p) {
    const Program *program = p->routine->program;
    if (program->loss != NULL) p->in_memory[program->loss->id] = true;
    for (size_t i = 0; i < program->metrics.count; i++) p->in_memory[program->metrics.at[i].tensor->id] = true;
    if (p->routine == &p->loop->predict) {
        for (size_t i = 0; i < program->outputs.count; i++) p->in_memory[program->outputs.at[i]->id] = true;
    }
    for (size_t i = 0; p->routine == &p->loop->gradient && i < program->all.count; i++) {
        p->in_memory[i] |= program->all.at[i]->kind == TENSOR_ADJOINT && program->all.at[i]->of->kind == TENSOR_PARAMETER;
    }
}

/* ---- Variables */

static Tensor *variable_for(Placement *p, const Tensor *t, const Expr *subscripts) {
    Text *name = text_new(p->loop->arena);
    text_put(name, t->name);
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] > 1) text_printf(name, "_%.0f", subscripts[i]->value);
    }
    return local_new(p->loop, p->routine, text_string(name), t->index_range);
}

static Expr read_variable(void *context, Expr e) {
    Placement *p = context;
    size_t point;
    if (e->kind != EXPR_READ || e->tensor->local || p->variables[e->tensor->id] == NULL) return e;
    if (!constant_point(e->tensor, e->kids, &point)) bug("'%s' is read at no constant point", e->tensor->name);
    return expr_read(p->pool, p->variables[e->tensor->id][point], NULL, 0, NULL);
}

static void use_variables(Placement *p, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->value != NULL) node->value = expr_replace(p->pool, node->value, read_variable, p);
        use_variables(p, &node->body);
        size_t point;
        const Tensor *t = node->target;
        if (node->kind != NODE_STORE || p->in_memory[t->id] || !constant_point(t, node->subscripts, &point)) continue;
        if (p->variables[t->id] == NULL) p->variables[t->id] = NEW_ARRAY(p->loop->arena, Tensor *, tensor_points(t));
        node->kind = NODE_LET;
        node->constant = true;
        node->target = p->variables[t->id][point] = variable_for(p, t, node->subscripts);
        node->subscripts = NULL;
    }
}

static void find_variables(Placement *p) {
    size_t tensors = p->routine->program->all.count + 1;
    p->in_memory = NEW_ARRAY(p->loop->arena, bool, tensors);
    p->home = NEW_ARRAY(p->loop->arena, int, tensors);
    p->written = NEW_ARRAY(p->loop->arena, bool *, tensors);
    p->variables = NEW_ARRAY(p->loop->arena, Tensor **, tensors);
    keep_results(p);
    look_at_blocks(p);
    for (size_t i = 0; i < p->routine->program->all.count; i++) p->in_memory[i] |= p->written[i] == NULL;
    use_variables(p, &p->routine->body);
}

/* ---- Variables that nothing reads: elements that their readers leave out */

typedef struct {
    Pool *pool;
    bool *wanted; /* by id of the local variable, from FIRST_LOCAL */
    bool more;    /* has one been found? */
} Reading;

static void want(void *context, Expr e) {
    Reading *reading = context;
    if (e->kind != EXPR_READ || !e->tensor->local || reading->wanted[e->tensor->id - FIRST_LOCAL]) return;
    reading->wanted[e->tensor->id - FIRST_LOCAL] = reading->more = true;
}

static bool is_unread(const Reading *reading, const Node *node) {
    bool sets = (node->kind == NODE_LET || node->kind == NODE_SET) && node->target->local;
    return sets && !reading->wanted[node->target->id - FIRST_LOCAL];
}

/* What reaches a tensor: a sum that only adds to itself does not. */
static void find_wanted(Reading *reading, const Nodes *nodes) {
    for (size_t i = nodes->count; i-- > 0;) {
        if (is_unread(reading, nodes->at[i])) continue;
        node_visit(reading->pool, nodes->at[i], want, reading);
        find_wanted(reading, &nodes->at[i]->body);
    }
}

static void drop_unread(const Reading *reading, Nodes *nodes) {
    size_t kept = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        size_t before = node->body.count;
        drop_unread(reading, &node->body);
        bool empty = (node->kind == NODE_LOOP || node->kind == NODE_IF) && before > 0 && node->body.count == 0;
        if (!empty && !is_unread(reading, node)) nodes->at[kept++] = node;
    }
    nodes->count = kept;
}

/* ---- Uses, and the buffers of the work space */

typedef struct {
    const Routine *routine;
    bool *uses;
    Tensors *buffers; /* or NULL */
    Arena *arena;
} Uses;

static void use(Uses *u, Tensor *tensor) {
    if (tensor->local) return;
    if (!u->uses[tensor->id] && is_computed(tensor) && u->buffers != NULL) vec_push(u->arena, u->buffers, tensor);
    u->uses[tensor->id] = true;
}

static void use_read(void *context, Expr e) {
    if (e->kind == EXPR_READ) use(context, e->tensor);
}

static void use_nodes(Uses *u, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        node_visit(u->routine->program->pool, node, use_read, u);
        if (node->target != NULL) use(u, node->target);
        use_nodes(u, &node->body);
    }
}

bool *loop_uses(Arena *arena, const Routine *routine, const Nodes *nodes) {
    Uses uses = {.routine = routine, .uses = NEW_ARRAY(arena, bool, routine->program->all.count + 1)};
    use_nodes(&uses, nodes);
    return uses.uses;
}

/* ---- Buffers that live at different times share their space */

enum { WORTH_SHARING = 256 /* bytes */, CACHE_LINE = 64 };

typedef struct {
    Tensor *tensor;
    int first, last; /* blocks */
    double bytes;
} Life;

typedef Vec(Life) Lives;

static double bytes_of(const LoopProgram *loop, const Tensor *t) {
    return tensor_points(t) * (t->index_range > 0 || !loop->is_double ? 4 : 8);
}

/* What is found once for all micro-batches of a batch lives as long as they run. */
static void keep_through_rounds(const Routine *routine, Lives *lives) {
    int last = 0;
    for (size_t b = 0; b < routine->body.count; b++) last = routine->body.at[b]->when == ALWAYS ? (int)b : last;
    for (size_t b = 0; b < routine->body.count; b++) {
        const Node *block = routine->body.at[b];
        for (size_t k = 0; k < block->statements.count && block->when == IF_FIRST; k++) {
            for (size_t i = 0; i < lives->count; i++) {
                Life *life = &lives->at[i];
                if (life->tensor->id != block->statements.at[k]->target->id) continue;
                life->first = 0;
                life->last = life->last > last ? life->last : last;
            }
        }
    }
}

static Lives find_lives(Placement *p) {
    Lives lives = {0};
    const Routine *routine = p->routine;
    int *where = NEW_ARRAY(p->loop->arena, int, routine->program->all.count + 1); /* 1 + position in lives */
    for (size_t i = 0; i < routine->buffers.count; i++) {
        Tensor *t = routine->buffers.at[i];
        vec_push(p->loop->arena, &lives, ((Life){t, -1, -1, bytes_of(p->loop, t)}));
        where[t->id] = (int)lives.count;
    }
    for (size_t b = 0; b < routine->body.count; b++) {
        Nodes one = {0};
        Arena *scratch = arena_new();
        vec_push(scratch, &one, routine->body.at[b]);
        const bool *uses = loop_uses(scratch, routine, &one);
        for (size_t i = 0; i < lives.count; i++) {
            if (!uses[lives.at[i].tensor->id]) continue;
            if (lives.at[i].first < 0) lives.at[i].first = (int)b;
            lives.at[i].last = (int)b;
        }
        arena_free(scratch);
    }
    if (routine->program->done != NULL) keep_through_rounds(routine, &lives);
    return lives;
}

static int largest_first(const void *a, const void *b) {
    const Life *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->tensor->id < y->tensor->id ? -1 : 1;
}

static bool overlap(const Life *a, const Life *b) { return a->first <= b->last && b->first <= a->last; }

/* Numbers in the order of first use; what shares with nobody needs none. */
static void number_spaces(Routine *routine, const Lives *lives, const int *space, int spaces) {
    int users[spaces + 1], number[spaces + 1], of_tensor;
    for (int s = 0; s <= spaces; s++) users[s] = number[s] = 0;
    for (size_t i = 0; i < lives->count; i++) users[space[i]]++;
    for (size_t b = 0; b < routine->buffers.count; b++) {
        of_tensor = 0;
        for (size_t i = 0; i < lives->count; i++) {
            if (lives->at[i].tensor == routine->buffers.at[b]) of_tensor = space[i];
        }
        if (of_tensor == 0 || users[of_tensor] < 2) continue;
        if (number[of_tensor] == 0) number[of_tensor] = ++routine->spaces;
        routine->space[routine->buffers.at[b]->id] = number[of_tensor];
    }
}

/* First fit, the largest first. Results that are read after the routine stay by themselves. */
static void share_spaces(Placement *p, const bool *kept) {
    Routine *routine = p->routine;
    Lives lives = find_lives(p);
    Arena *arena = p->loop->arena;
    int *space = NEW_ARRAY(arena, int, lives.count + 1), spaces = 0; /* of each life */
    routine->space = NEW_ARRAY(arena, int, routine->program->all.count + 1);
    if (lives.count > 0) qsort(lives.at, lives.count, sizeof *lives.at, largest_first);
    for (size_t i = 0; i < lives.count; i++) {
        if (kept[lives.at[i].tensor->id] || lives.at[i].bytes < WORTH_SHARING) continue;
        for (int s = 1; s <= spaces && space[i] == 0; s++) {
            bool fits = true;
            for (size_t k = 0; k < i; k++) fits &= space[k] != s || !overlap(&lives.at[i], &lives.at[k]);
            if (fits) space[i] = s;
        }
        if (space[i] == 0) space[i] = ++spaces;
    }
    number_spaces(routine, &lives, space, spaces);
}

/* What does not fill lines of the cache stands last, so that vectors of the others do not reach into two of them. */
static void put_scraps_last(const LoopProgram *loop, Routine *routine) {
    double bytes[routine->spaces + 1];
    Tensors ordered = {0};
    for (int s = 0; s <= routine->spaces; s++) bytes[s] = 0;
    for (size_t i = 0; i < routine->buffers.count; i++) {
        const Tensor *t = routine->buffers.at[i];
        bytes[routine->space[t->id]] = fmax(bytes[routine->space[t->id]], bytes_of(loop, t));
    }
    for (int scraps = 0; scraps < 2; scraps++) {
        for (size_t i = 0; i < routine->buffers.count; i++) {
            Tensor *t = routine->buffers.at[i];
            int number = routine->space[t->id];
            bool whole = fmod(number > 0 ? bytes[number] : bytes_of(loop, t), CACHE_LINE) == 0;
            if (whole == (scraps == 0)) vec_push(loop->arena, &ordered, t);
        }
    }
    routine->buffers = ordered;
}

void place(LoopProgram *loop, Routine *routine) {
    Placement placement = {.loop = loop, .routine = routine, .pool = routine->program->pool};
    bool *kept = NEW_ARRAY(loop->arena, bool, routine->program->all.count + 1);
    placement.in_memory = kept;
    keep_results(&placement);
    find_variables(&placement);
    Reading reading = {.pool = placement.pool, .wanted = NEW_ARRAY(loop->arena, bool, loop->locals + 1)};
    do {
        reading.more = false;
        find_wanted(&reading, &routine->body);
    } while (reading.more);
    drop_unread(&reading, &routine->body);
    Uses uses = {.routine = routine, .arena = loop->arena, .buffers = &routine->buffers};
    uses.uses = routine->uses = NEW_ARRAY(loop->arena, bool, routine->program->all.count + 1);
    use_nodes(&uses, &routine->body);
    if (routine != &loop->forward) share_spaces(&placement, kept);
    else routine->space = NEW_ARRAY(loop->arena, int, routine->program->all.count + 1);
    if (loop->options.target->bytes > 0) put_scraps_last(loop, routine);
}
