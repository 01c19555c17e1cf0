/* Which statements share their loops. In training, the gradient of a parameter and the optimizer's statements for it run together, an
   element at a time: the gradient is used where it is found and needs no buffer.

       doutput.W[i, j] = sum(b: ...)                                 for i, j:  g = sum(b: ...)
       optimizer.output.W.v[i, j] = 0.9 * v[i, j] + doutput.W[i, j]             v[i, j] = 0.9 * v[i, j] + g
       output.W[i, j] = output.W[i, j] - 0.1 * v[i, j]                          W[i, j] = W[i, j] - 0.1 * v[i, j]

   All gradients are taken before any update: a gradient moves down to its update only if nothing that it reads was overwritten on
   the way, its own element excepted. */
#include "loop/loop.h"

typedef struct {
    Arena *arena;
    Program *program;
    const bool *written; /* by tensor id: persistent, and overwritten before */
    const bool *to_come; /* a part of the update that is computed later */
    const Group *group;
    bool fits;
} Look;

bool is_single(const Index *index) { return index->size == index->first + 1; }

bool at_point(Expr read, const Statement *s) {
    int axis = 0;
    for (int i = 0; i < s->count; i++) {
        const Index *index = s->indices[i];
        Expr at = axis < read->tensor->rank ? read->kids[axis] : NULL;
        bool own = at != NULL && at->kind == EXPR_INDEX && at->index == index;
        own |= at != NULL && is_single(index) && expr_is(at, (double)index->first);
        if (!own && !is_single(index)) return false;
        axis += own;
    }
    return axis == read->tensor->rank && !read->has_default;
}

static bool same_range(const Index *a, const Index *b) {
    return a->size == b->size && a->first == b->first && a->batch == b->batch;
}

bool same_point(const Statement *a, const Statement *b, int *positions) {
    int at = 0;
    for (int i = 0; i < a->count; i++) {
        while (at < b->count && is_single(b->indices[at]) && !same_range(a->indices[i], b->indices[at])) at++;
        bool meets = at < b->count && same_range(a->indices[i], b->indices[at]);
        if (!meets && !is_single(a->indices[i])) return false;
        positions[i] = meets ? at++ : -1;
    }
    while (at < b->count && is_single(b->indices[at])) at++;
    return at == b->count;
}

bool is_held(const Group *group, const Tensor *tensor) {
    for (size_t i = 0; i < group->held.count; i++) {
        if (group->held.at[i] == tensor) return true;
    }
    return false;
}

static bool written_in(const Group *group, const Tensor *tensor) {
    for (size_t i = 0; i < group->list.count; i++) {
        if (group->list.at[i]->target == tensor) return true;
    }
    return false;
}

/* ---- Is the adjoint read by the parameter's own update alone, element by element? */

typedef struct {
    const Tensor *adjoint;
    const Statement *reader;
    const Tensor *parameter;
    bool alone, read;
} Readers;

static void note_reader(void *context, Expr e) {
    Readers *r = context;
    if (e->kind != EXPR_READ || e->tensor != r->adjoint) return;
    const Tensor *target = r->reader->target;
    bool own = target == r->parameter || (target->kind == TENSOR_STATE && target->of == r->parameter);
    r->read = true;
    r->alone &= own && !r->reader->value->reduces && r->reader->subscripts == NULL && at_point(e, r->reader);
}

static bool for_update_alone(Program *program, const Statement *gradient) {
    const Tensor *adjoint = gradient->target;
    if (adjoint->kind != TENSOR_ADJOINT || adjoint->of->kind != TENSOR_PARAMETER) return false;
    Readers readers = {.adjoint = adjoint, .parameter = adjoint->of, .alone = true};
    const Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            readers.reader = lists[l]->at[i];
            expr_visit(program->pool, readers.reader->value, note_reader, &readers);
        }
    }
    return readers.alone && readers.read;
}

/* A gradient may be wanted by callers alone, who have a function of their own. */
static bool is_read(Program *program, const Tensor *tensor) {
    const Statements *lists[] = {&program->backward, &program->update};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Statement *s = lists[l]->at[i];
            if (expr_reads(program->pool, s->value, tensor)) return true;
            for (int k = 0; s->subscripts != NULL && k < s->target->rank; k++) {
                if (expr_reads(program->pool, s->subscripts[k], tensor)) return true;
            }
        }
    }
    return false;
}

/* ---- May it run there? */

static void reads_overwritten(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ) return;
    if (look->written[e->tensor->id] || look->to_come[e->tensor->id]) look->fits = false;
    if (written_in(look->group, e->tensor) && !at_point(e, look->group->list.at[0])) look->fits = false;
}

Statement *with_indices(Arena *arena, Program *program, const Statement *s, const Statement *leader) {
    Statement *same = NEW(arena, Statement);
    Expr to[s->count + 1];
    int positions[s->count + 1];
    *same = *s;
    same->indices = NEW_ARRAY(arena, Index *, s->count + 1);
    if (!same_point(s, leader, positions)) bug("%s and %s have no loops in common", s->target->name, leader->target->name);
    for (int i = 0; i < s->count; i++) {
        same->indices[i] = positions[i] < 0 ? s->indices[i] : leader->indices[positions[i]];
        to[i] = expr_index(program->pool, same->indices[i]);
    }
    same->value = expr_substitute(program->pool, s->value, s->indices, to, s->count);
    return same;
}

static bool in_group(const Group *group, const Statement *s) { return written_in(group, s->target); }

/* What stands between the updates of a group runs after them: it may not read what they write. */
static bool passes_over(Look *look, const Group *group, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        const Statement *s = look->program->update.at[i];
        for (size_t k = 1; k < group->list.count && !in_group(group, s); k++) {
            if (expr_reads(look->program->pool, s->value, group->list.at[k]->target)) return false;
        }
    }
    return true;
}

/* The gradient, and all updates that belong to its parameter; false where they cannot run together. */
static bool join(Look *look, Statement *gradient, Group *group) {
    const Tensor *parameter = gradient->target->of;
    size_t first = look->program->update.count, last = 0;
    vec_push(look->arena, &group->list, gradient);
    vec_push(look->arena, &group->held, gradient->target);
    for (size_t i = 0; i < look->program->update.count; i++) {
        const Statement *s = look->program->update.at[i];
        if (s->target != parameter && !(s->target->kind == TENSOR_STATE && s->target->of == parameter)) continue;
        bool same = s->count == gradient->count && s->subscripts == NULL && gradient->subscripts == NULL && !s->value->reduces;
        for (int k = 0; same && k < s->count; k++) same = same_range(s->indices[k], gradient->indices[k]);
        if (!same) return false;
        vec_push(look->arena, &group->list, with_indices(look->arena, look->program, s, gradient));
        first = i < first ? i : first;
        last = i;
    }
    if (!passes_over(look, group, first, last)) return false;
    look->group = group;
    look->fits = true;
    for (size_t i = 0; i < group->list.count; i++)
        expr_visit(look->program->pool, group->list.at[i]->value, reads_overwritten, look);
    return look->fits;
}

/* Of the update: what depends on nothing but settings, as 1 - 0.9^step, runs before all the rest. */
static void reads_more(void *context, Expr e) {
    if (e->kind == EXPR_READ && e->tensor->kind != TENSOR_SETTING) *(bool *)context = true;
}

static bool is_schedule(const Program *program, const Statement *s) {
    bool more = tensor_is_persistent(s->target);
    expr_visit(program->pool, s->value, reads_more, &more);
    return !more;
}

/* The statement, or the scan, that stands at `at`; returns what stands behind it. */
static size_t add_next(Arena *arena, Groups *groups, const Statements *list, size_t at) {
    Group group = {0};
    size_t end = scan_end(list, at);
    for (; at < end; at++) vec_push(arena, &group.list, list->at[at]);
    vec_push(arena, groups, group);
    return end;
}

static void add_alone(Arena *arena, Groups *groups, Statement *s) {
    Group group = {0};
    vec_push(arena, &group.list, s);
    vec_push(arena, groups, group);
}

Groups group_each(Arena *arena, const Statements *list) {
    Groups groups = {0};
    for (size_t i = 0; i < list->count;) i = add_next(arena, &groups, list, i);
    return groups;
}

Groups group_statements(Arena *arena, Program *program) {
    Groups early = {0}, late = {0};
    bool *written = NEW_ARRAY(arena, bool, program->all.count + 1), *done = NEW_ARRAY(arena, bool, program->all.count + 1);
    bool *to_come = NEW_ARRAY(arena, bool, program->all.count + 1);
    for (size_t i = 0; i < program->update.count; i++) {
        Statement *s = program->update.at[i];
        done[s->target->id] = is_schedule(program, s);
        to_come[s->target->id] = !done[s->target->id] && !tensor_is_persistent(s->target);
        if (done[s->target->id]) add_alone(arena, &late, s);
    }
    Statement **gradient = NEW_ARRAY(arena, Statement *, program->all.count + 1); /* by parameter's id: what may be in place */
    for (size_t i = 0; i < program->backward.count; i++) {
        Statement *s = program->backward.at[i];
        if (program->done == NULL && for_update_alone(program, s)) gradient[s->target->of->id] = s;
    }
    bool *joined = NEW_ARRAY(arena, bool, program->all.count + 1); /* by adjoint's id */
    for (size_t i = 0; i < program->update.count; i++) {
        Statement *s = program->update.at[i];
        const Tensor *owner = s->target->kind == TENSOR_PARAMETER ? s->target : s->target->of;
        if (done[s->target->id]) continue;
        Group group = {0};
        Look look = {.arena = arena, .program = program, .written = written, .to_come = to_come};
        if (owner != NULL && gradient[owner->id] != NULL && join(&look, gradient[owner->id], &group)) {
            joined[gradient[owner->id]->target->id] = true;
            for (size_t k = 1; k < group.list.count; k++)
                done[group.list.at[k]->target->id] = written[group.list.at[k]->target->id] = true;
            vec_push(arena, &late, group);
        } else {
            if (owner != NULL) gradient[owner->id] = NULL; /* what has begun alone goes on alone */
            written[s->target->id] = tensor_is_persistent(s->target);
            to_come[s->target->id] = false;
            add_alone(arena, &late, s);
        }
    }
    for (size_t i = 0; i < program->forward.count;) i = add_next(arena, &early, &program->forward, i);
    for (size_t i = 0; i < program->backward.count;) {
        const Statement *s = program->backward.at[i];
        if (!joined[s->target->id] && is_read(program, s->target)) i = add_next(arena, &early, &program->backward, i);
        else i++;
    }
    for (size_t i = 0; i < late.count; i++) vec_push(arena, &early, late.at[i]);
    return early;
}
