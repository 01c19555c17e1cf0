/* Which statements of a scan must run step by step: those that wait for themselves, through whatever others (the strongly connected
   components of who reads whom: Tarjan 1972; distribution of loops: Allen, Kennedy 1987). All others run once, before or behind, over
   all steps: what a scan needs of its inputs becomes one product of matrices, and so does the gradient of its parameters.

   Requires: statements of one scan stand together. Ensures: equal mathematics, and each scan is one such component.
   Example:  scan t { z[t, j] = sum(i: W[j, i] * x[t, i]);  h[t, j] = tanh(z[t, j] + h[t-1, j] default 0);  y[t] = sum(j: h[t, j]) }
             becomes  z[t, j] = ...;  scan t { h[t, j] = ... };  y[t] = ...
   At last, `join_scans`: scan t { h[t, j] = ... };  q[t, j] = h[t, j]^2    becomes    scan t { h[t, j] = ...;  q[t, j] = h[t, j]^2 } */
#include "tensor/steps.h"

size_t scan_end(const Statements *list, size_t from) {
    size_t end = from + 1;
    while (list->at[from]->scan != NULL && end < list->count && list->at[end]->scan == list->at[from]->scan) end++;
    return end;
}

size_t scan_begin(const Statements *list, size_t last) {
    size_t begin = last;
    while (list->at[last]->scan != NULL && begin > 0 && list->at[begin - 1]->scan == list->at[last]->scan) begin--;
    return begin;
}

int scan_axis(const Statement *s) {
    for (int i = 0; i < s->count; i++) {
        if (s->indices[i] == s->scan->index) return i;
    }
    bug("%s does not run over the index of its scan", s->target->name);
}

/* ---- Who reads whom */

typedef Vec(size_t) Positions;

typedef struct {
    Arena *arena;
    const Statements *list;
    size_t *position; /* by tensor id: 1 + that of its statement in the list */
    Positions *reads; /* of each statement: positions */
    size_t reader;
    /* Tarjan's algorithm */
    size_t *number, *low, next; /* number: order in which they were met, from 1 */
    bool *waiting;
    Positions stack;
    size_t *component, components; /* component: from 1, those first on which others depend */
} Graph;

static void note_read(void *context, Expr e) {
    Graph *g = context;
    size_t position = e->kind == EXPR_READ ? g->position[e->tensor->id] : 0;
    if (position > 0) vec_push(g->arena, &g->reads[g->reader], position - 1);
}

static void find_component(Graph *g, size_t at) {
    g->number[at] = g->low[at] = ++g->next;
    g->waiting[at] = true;
    vec_push(g->arena, &g->stack, at);
    for (size_t i = 0; i < g->reads[at].count; i++) {
        size_t other = g->reads[at].at[i];
        if (g->number[other] == 0) find_component(g, other);
        else if (!g->waiting[other]) continue;
        if (g->low[other] < g->low[at]) g->low[at] = g->low[other];
    }
    if (g->low[at] != g->number[at]) return;
    g->components++;
    for (size_t top = g->list->count; top != at;) {
        top = g->stack.at[--g->stack.count];
        g->component[top] = g->components;
        g->waiting[top] = false;
    }
}

static Graph graph_of(Program *program, Arena *arena, const Statements *list) {
    Graph g = {.arena = arena, .list = list, .position = NEW_ARRAY(arena, size_t, program->all.count + 1)};
    g.reads = arena_alloc(arena, sizeof *g.reads * (list->count + 1));
    g.number = NEW_ARRAY(arena, size_t, list->count + 1);
    g.low = NEW_ARRAY(arena, size_t, list->count + 1);
    g.waiting = NEW_ARRAY(arena, bool, list->count + 1);
    g.component = NEW_ARRAY(arena, size_t, list->count + 1);
    for (size_t i = 0; i < list->count; i++) g.position[list->at[i]->target->id] = i + 1;
    for (g.reader = 0; g.reader < list->count; g.reader++) {
        const Statement *s = list->at[g.reader];
        expr_visit(program->pool, s->value, note_read, &g);
        for (int k = 0; s->subscripts != NULL && k < s->target->rank; k++)
            expr_visit(program->pool, s->subscripts[k], note_read, &g);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (g.number[i] == 0) find_component(&g, i);
    }
    return g;
}

/* ---- Taking a scan apart */

static void with_index(Program *program, Statement *s, Index *from, Index *to) {
    Index **indices = NEW_ARRAY(pool_arena(program->pool), Index *, s->count + 1);
    for (int i = 0; i < s->count; i++) indices[i] = s->indices[i] == from ? to : s->indices[i];
    s->indices = indices;
    s->value = expr_substitute(program->pool, s->value, &from, (Expr[]){expr_index(program->pool, to)}, 1);
}

static bool is_cycle(const Graph *g, size_t at, size_t members) {
    bool cycle = members > 1;
    for (size_t i = 0; i < g->reads[at].count; i++) cycle |= g->reads[at].at[i] == at;
    return cycle;
}

/* The members of one component get a scan of their own; a statement that waits for nobody gets an index of its own. */
static const Statement *split_off(Program *program, const Graph *g, size_t component, Statements *out) {
    Scan *own = NULL;
    const Scan *first = NULL;
    const Statement *inside = NULL;
    size_t members = 0;
    for (size_t i = 0; i < g->list->count; i++) members += g->component[i] == component;
    for (size_t i = 0; i < g->list->count; i++) {
        Statement *s = g->list->at[i];
        const Scan *old = s->scan;
        if (g->component[i] != component) continue;
        vec_push(pool_arena(program->pool), out, s);
        if (old == NULL) continue;
        if (own == NULL && is_cycle(g, i, members)) {
            own = NEW(pool_arena(program->pool), Scan);
            *own = (Scan){index_like(program->pool, old->index), old->reversed};
            first = old;
        }
        if (own != NULL && old != first) inside = s;
        s->scan = own;
        with_index(program, s, old->index, own != NULL ? own->index : index_like(program->pool, old->index));
    }
    return inside;
}

const Statement *distribute(Program *program, Statements *list) {
    Arena *arena = arena_new();
    Graph g = graph_of(program, arena, list);
    const Statement *inside = NULL;
    bool mixed = false; /* statements of two scans */
    for (size_t i = 0; i < list->count; i++) mixed |= list->at[i]->scan != list->at[0]->scan;
    if (g.components > 1 || mixed || !is_cycle(&g, 0, list->count)) {
        Statements out = {0};
        for (size_t c = 1; c <= g.components; c++) {
            const Statement *found = split_off(program, &g, c, &out);
            if (found != NULL) inside = found;
        }
        *list = out;
    }
    arena_free(arena);
    return inside;
}

void distribute_scans(Program *program, Statements *list) {
    Arena *arena = pool_arena(program->pool);
    Statements out = {0};
    for (size_t i = 0; i < list->count;) {
        size_t end = scan_end(list, i);
        Statements run = {0};
        for (; i < end; i++) vec_push(arena, &run, list->at[i]);
        if (run.at[0]->scan != NULL) distribute(program, &run);
        for (size_t k = 0; k < run.count; k++) vec_push(arena, &out, run.at[k]);
    }
    *list = out;
}

/* ---- Putting together again what only computes with numbers of the same step: while these are at hand */

typedef struct {
    const Scan *scan;
    const size_t *position; /* by tensor id: 1 + that of its statement in the list */
    size_t begin, end;      /* the statements of the scan */
    Index *step;            /* the reader's own index of the steps, or NULL */
    bool fits;
} Join;

static void look_at_step(void *context, Expr e) {
    Join *join = context;
    size_t position = e->kind == EXPR_READ ? join->position[e->tensor->id] : 0;
    join->fits &= position <= join->end && e->kind != EXPR_DRAW;
    if (position <= join->begin || !join->fits) return;
    const Expr at = e->kids[scan_axis(e->tensor->definition)];
    bool same = at->kind == EXPR_INDEX && !e->has_default && (join->step == NULL || join->step == at->index);
    if (same) join->step = at->index;
    join->fits &= same;
}

static bool runs_over(const Statement *s, const Index *step, const Index *of) {
    bool runs = false;
    for (int i = 0; i < s->count; i++) runs |= s->indices[i] == step;
    return runs && step->size == of->size && step->first == of->first;
}

static bool may_join(Program *program, const Statement *s, Join *join) {
    bool plain = s->scan == NULL && s->subscripts == NULL && !s->value->reduces && !tensor_is_persistent(s->target);
    join->step = NULL;
    join->fits = plain;
    if (plain) expr_visit(program->pool, s->value, look_at_step, join);
    return join->fits && join->step != NULL && runs_over(s, join->step, join->scan->index);
}

void join_scans(Program *program, Statements *list) {
    Arena *arena = arena_new();
    size_t *position = NEW_ARRAY(arena, size_t, program->all.count + 1);
    for (size_t begin = 0; begin < list->count; begin++) {
        Join join = {list->at[begin]->scan, position, begin, scan_end(list, begin), NULL, false};
        if (join.scan == NULL) continue;
        for (size_t i = 0; i < list->count; i++) position[list->at[i]->target->id] = i + 1;
        for (size_t i = join.end; i < list->count; i++) {
            Statement *s = list->at[i];
            if (!may_join(program, s, &join)) continue;
            s->scan = join.scan;
            with_index(program, s, join.step, join.scan->index);
            for (size_t k = i; k > join.end; k--) list->at[k] = list->at[k - 1];
            list->at[join.end++] = s;
            for (size_t k = 0; k < list->count; k++) position[list->at[k]->target->id] = k + 1;
        }
        begin = join.end - 1;
    }
    arena_free(arena);
}
