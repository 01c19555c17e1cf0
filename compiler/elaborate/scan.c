/* scan t { ... }: statements that run in order for each t, and read what they found at earlier steps.

   A statement may read another that stands below it, so shapes are found before anything is elaborated: from what is declared, from
   ranges that are written, and from the axes that an index subscripts alone. A shape that is still open then, as behind a call, is
   found when its statement is elaborated, if nothing above reads it. Elaboration checks them all as everywhere else. Tensors of a
   scan have the axes of all that the scan is lifted over. */
#include "elaborate/elaborate.h"

struct Member {
    const Ast *ast;
    Index **own; /* one for each left subscript; size 0: not yet known */
    int count, time;
    Tensor *tensor;
    bool reversed;
    bool found;      /* computed by a statement above */
    bool read_early; /* at an earlier step, before it was found */
};

typedef struct {
    E *e;
    const Ast *ast;
    Scope *scope; /* around the scan */
    Index *index;
    bool reversed;
    Vec(Member *) members;
} Scanning;

static Member *member_named(const Scanning *s, Name name) {
    for (size_t i = 0; i < s->members.count; i++) {
        if (s->members.at[i]->ast->name == name) return s->members.at[i];
    }
    return NULL;
}

/* ---- The left sides */

static bool add_member(Scanning *s, const Ast *ast) {
    E *e = s->e;
    if (ast->kind == AST_SCAN) {
        fail(e, ast->name_span,
             "a scan cannot stand inside another: write the steps of both as one scan, or, if it does not wait for the steps "
             "around it, "
             "as a layer");
        return false;
    }
    if (ast->kind != AST_ASSIGN) {
        fail(e, ast->span, "'%s' stands above the scan, not in it", ast->kind == AST_PARAM ? "param" : "state");
        return false;
    }
    if (!ast->indexed) {
        fail(e, ast->span,
             "in a scan stand statements for each %s, as in %s[%s] = ...; what is the same at all steps stands above it",
             s->ast->name, ast->name, s->ast->name);
        return false;
    }
    Entry *old = scope_own(s->scope, ast->name);
    if (old != NULL && !(old->kind == ENTRY_VALUE && old->value->kind == VALUE_ERROR)) {
        fail(e, ast->name_span,
             old->state != NULL ? "the state '%s' cannot be assigned in a scan"
                                : "'%s' is defined already, and a name means one thing",
             ast->name);
        also(e, old->span, "it is defined here");
        return false;
    }
    const Member *twice = member_named(s, ast->name);
    if (twice != NULL) {
        fail(e, ast->name_span, "'%s' is defined already, and a name means one thing", ast->name);
        also(e, twice->ast->name_span, "it is defined here");
        return false;
    }
    Member *m = NEW(e->arena, Member);
    *m = (Member){.ast = ast, .count = (int)ast->list.count, .time = -1};
    m->own = NEW_ARRAY(e->arena, Index *, m->count + 1);
    if (!left_side(e, ast, s->scope, scope_new(e, s->scope, s->scope->frame, ast->name), m->own, s->index)) return false;
    for (int i = 0; i < m->count; i++) {
        if (m->own[i] != s->index) continue;
        if (m->time >= 0) {
            fail(e, ast->list.at[i]->span, "index '%s' stands here twice", s->ast->name);
            return false;
        }
        m->time = i;
    }
    vec_push(e->arena, &s->members, m);
    if (m->time >= 0) return true;
    fail(e, ast->span, "'%s' needs the index of the scan on its left side, as in %s[%s, ...]", ast->name, ast->name,
         s->ast->name);
    return false;
}

/* ---- Shapes, from the axes that an index subscripts alone */

static int64_t length_of_axis(const Scanning *s, Name tensor, int axis) {
    const Member *m = member_named(s, tensor);
    if (m != NULL) return axis < m->count ? m->own[axis]->size : 0;
    const Entry *entry = scope_find(s->scope, tensor);
    bool shaped = entry != NULL && entry->kind == ENTRY_VALUE && entry->value->kind == VALUE_TENSOR && axis < entry->value->rank;
    return shaped ? entry->value->axes[axis]->size : 0;
}

typedef struct {
    const Scanning *s;
    Name index;
    bool with_default; /* those reads count, too */
    int64_t size;
    Span why;
    const char *why_axis;
} Search;

static void search(Search *x, const Ast *ast) {
    if (ast == NULL || x->size > 0) return;
    if (ast->kind == AST_SUBSCRIPT && ast->x->kind == AST_NAME && (ast->y == NULL || x->with_default)) {
        for (size_t i = 0; i < ast->list.count && x->size == 0; i++) {
            const Ast *subscript = ast->list.at[i];
            if (subscript->kind != AST_NAME || subscript->name != x->index) continue;
            x->size = length_of_axis(x->s, ast->x->name, (int)i);
            x->why = subscript->span;
            x->why_axis = arena_printf(x->s->e->arena, "axis %zu of '%s'", i + 1, ast->x->name);
        }
    }
    search(x, ast->x), search(x, ast->y), search(x, ast->z);
    for (size_t i = 0; i < ast->list.count; i++) search(x, ast->list.at[i]);
}

static bool find_size(const Scanning *s, Index *index, const Ast *in, bool with_default) {
    Search x = {.s = s, .index = index->name, .with_default = with_default};
    if (index->size > 0) return false;
    search(&x, in);
    if (x.size == 0) return false;
    index->size = x.size;
    index->why = x.why;
    index->why_axis = x.why_axis;
    return true;
}

static bool find_some(const Scanning *s, bool with_default) {
    bool found = false;
    for (size_t i = 0; i < s->members.count; i++) {
        const Member *m = s->members.at[i];
        for (int k = 0; k < m->count; k++) found |= find_size(s, m->own[k], m->ast->x, with_default);
    }
    return found;
}

static void find_shapes(Scanning *s) {
    while (find_some(s, false) || find_some(s, true)) continue;
}

static bool shape_known(const Member *m) {
    bool known = true;
    for (int k = 0; k < m->count; k++) known &= m->own[k]->size > 0;
    return known;
}

/* Reports the index of a member that has no range. */
static bool shape_found(Scanning *s, const Member *m) {
    for (int k = 0; k < m->count; k++) {
        const Ast *written = m->ast->list.at[k];
        bool open = m->own[k]->size == 0 && m->own[k]->soft_size == 0;
        if (m->own[k] == s->index && open) {
            fail(s->e, s->ast->name_span,
                 "the range of index '%s' is not known, because it subscripts no axis alone; write 'scan %s in 0..n'",
                 written->name, written->name);
            return false;
        }
        if (!range_known(s->e, m->own[k], written->span)) return false;
    }
    return true;
}

/* A statement that reads a member of unknown shape is silent; where nothing else was wrong, the shape is what is missing. */
static void shape_missing(Scanning *s) {
    for (size_t i = 0; i < s->members.count && s->e->diagnostics->errors == 0; i++) shape_found(s, s->members.at[i]);
}

/* ---- Tensors */

/* All indices of a member's tensor: the batch, those around, its own. */
static int all_indices(const Scanning *s, const Member *m, Index **all) {
    const E *e = s->e;
    int count = 0;
    if (e->points == NULL) all[count++] = e->program->batch;
    for (size_t i = e->around_from; i < e->around.count; i++) all[count++] = e->around.at[i];
    for (int i = 0; i < m->count; i++) all[count++] = m->own[i];
    return count;
}

/* What the member's name stands for. */
static void name_tensor(Scanning *s, Member *m) {
    E *e = s->e;
    Index *all[e->around.count + (size_t)m->count + 2];
    int64_t shape[m->count + 1];
    int lifted = all_indices(s, m, all) - m->count;
    for (int i = 0; i < m->count; i++) shape[i] = m->own[i]->size;
    Value *value = value_new(e, m->count, shape);
    for (int i = 0; i < m->count; i++) all[lifted + i] = value->axes[i];
    value->body = tensor_at(e->program, m->tensor, all);
    value->index_range = m->tensor->index_range;
    Entry *entry = scope_own(s->scope, m->ast->name);
    entry->value = value;
    entry->member = m;
    entry->scan = s->index;
}

static bool make_tensor(Scanning *s, Member *m) {
    E *e = s->e;
    Index *all[e->around.count + (size_t)m->count + 2];
    for (size_t i = e->around_from; i < e->around.count; i++) {
        if (!range_known(e, e->around.at[i], m->ast->span)) return false;
    }
    int count = all_indices(s, m, all);
    m->tensor = new_tensor(e, local_name(e, s->scope, m->ast->name), all, count, m->ast->name_span);
    if (m->tensor == NULL) return false;
    name_tensor(s, m);
    return true;
}

/* Tensors for the members whose shapes are known by now; reads of the others stay silent until theirs are. */
static bool make_tensors(Scanning *s) {
    bool fine = true;
    find_shapes(s);
    for (size_t i = 0; i < s->members.count && fine; i++) {
        Member *m = s->members.at[i];
        if (m->tensor == NULL && shape_known(m)) fine = make_tensor(s, m);
    }
    return fine;
}

/* ---- Reads inside */

/* What is read at `subscripts` must have been found: at an earlier step, or at this one above. */
bool scan_read_allowed(E *e, const Entry *entry, const Ast *ast, const Expr *subscripts) {
    Member *m = entry->member;
    Name t = entry->scan->name, name = entry->name;
    const char *earlier = arena_printf(e->arena, "%s%s1", t, m->reversed ? "+" : "-");
    if (m->time >= (int)ast->list.count) {
        fail(e, ast->span, "inside its scan '%s' can be read step by step only, as in %s[%s, ...]", name, name, earlier);
        return false;
    }
    Expr distance = expr_op2(e->pool, OP_SUB, subscripts[m->time], expr_index(e->pool, entry->scan));
    Span span = ast->list.at[m->time]->span;
    bool known = distance->kind == EXPR_CONST;
    if (known && distance->value == 0 && m->found) return true;
    if (known && distance->value == 0) {
        fail(e, span, "'%s' is not yet known at step %s: it is computed %s; an earlier step is %s[%s] default ...", name, t,
             m->ast->span.begin <= ast->span.begin && ast->span.end <= m->ast->span.end ? "by this statement" : "further down",
             name, earlier);
        return false;
    }
    if (known && (distance->value > 0) == m->reversed) {
        m->read_early |= !m->found;
        return true;
    }
    fail(e, span,
         known ? "inside its scan '%s' can be read at %s and other earlier steps, not at one that is yet to come"
               : "inside its scan '%s' can be read a fixed number of steps back only, as in %s[%s]",
         name, known ? earlier : name, earlier);
    return false;
}

const Value *scan_whole_read(E *e, const Entry *entry, Span span) {
    return fail(e, span,
                "inside its scan '%s' can be read step by step only, as in %s[%s%s1]; all of it can be read behind the scan",
                entry->name, entry->name, entry->scan->name, entry->member->reversed ? "+" : "-");
}

/* ---- The scan */

static bool compute(Scanning *s, Member *m) {
    E *e = s->e;
    Scope *scope = scope_new(e, s->scope, s->scope->frame, m->ast->name);
    scope_index(e, scope, s->index, s->ast->name_span);
    for (int i = 0; i < m->count; i++) {
        if (i != m->time) scope_index(e, scope, m->own[i], m->ast->list.at[i]->span);
    }
    const Value *value = index_value(e, m->ast, scope, m->own, m->count);
    if (value->kind == VALUE_ERROR) shape_missing(s);
    if (value->kind == VALUE_ERROR || !shape_found(s, m) || !make_tensors(s)) return false;
    check_pending(e);
    if (value->index_range > 0 && !m->read_early) {
        m->tensor->index_range = value->index_range;
        name_tensor(s, m);
    }
    Index *all[e->around.count + (size_t)m->count + 2];
    int count = all_indices(s, m, all);
    emit(e, m->tensor, all, count, value->body, m->ast->span);
    m->found = true;
    return true;
}

/* After a mistake the names of a scan stay silent. */
static void silence(E *e, const AstList *body, Scope *scope) {
    for (size_t i = 0; i < body->count; i++) {
        const Ast *item = body->at[i];
        if (item->kind == AST_SCAN) {
            silence(e, &item->body, scope);
            continue;
        }
        Entry *entry = scope_own(scope, item->name);
        if (entry == NULL) scope_value(e, scope, item->name, value_error(), item->name_span);
        else if (entry->kind == ENTRY_VALUE && entry->state == NULL) entry->value = value_error();
    }
}

void scan_statement(E *e, const Ast *ast, Scope *scope) {
    Scanning s = {.e = e, .ast = ast, .scope = scope, .reversed = ast->reversed};
    Entry *taken = scope_own(scope, ast->name);
    int64_t low = 0, high = 0;
    size_t before = scope->entries.count;
    bool fine = taken == NULL || taken->kind != ENTRY_INDEX;
    if (!fine) fail(e, ast->name_span, "index '%s' is bound already", ast->name);
    if (fine && ast->body.count == 0) {
        fail(e, ast->span, "this scan computes nothing: in it stand statements for each %s, as in h[%s] = ...", ast->name,
             ast->name);
        fine = false;
    }
    fine = fine && (ast->x == NULL || evaluate_range(e, ast->x, scope, &low, &high));
    if (fine && low != 0) {
        fail(e, ast->x->span, "the range of a scan starts at 0: its tensors have no elements before it");
        fine = false;
    }
    s.index = index_new(e->pool, ast->name, high);
    s.index->stated = high > 0;
    for (size_t i = 0; i < ast->body.count && fine; i++) fine = add_member(&s, ast->body.at[i]);
    for (size_t i = 0; i < s.members.count && fine; i++) {
        s.members.at[i]->reversed = ast->reversed;
        scope_value(e, scope, s.members.at[i]->ast->name, value_error(), s.members.at[i]->ast->name_span);
    }
    fine = fine && make_tensors(&s);
    Statements *output = e->output, own = {0};
    e->output = &own;
    for (size_t i = 0; i < s.members.count && fine; i++) fine = compute(&s, s.members.at[i]);
    e->output = output;
    for (size_t i = before; i < scope->entries.count; i++) scope->entries.at[i].member = NULL;
    if (!fine) silence(e, &ast->body, scope);
    check_pending(e);
    if (!fine) return;
    Scan *scan = NEW(e->arena, Scan);
    *scan = (Scan){s.index, ast->reversed};
    for (size_t i = 0; i < own.count; i++) {
        bool runs = false;
        for (int k = 0; k < own.at[i]->count; k++) runs |= own.at[i]->indices[k] == s.index;
        if (own.at[i]->scan == NULL && runs) own.at[i]->scan = scan;
    }
    if (distribute(e->program, &own) != NULL) {
        fail(e, ast->span, "a scan inside this one waits for its steps: write the steps of both as one scan");
        return;
    }
    for (size_t i = 0; i < own.count; i++) vec_push(e->arena, output, own.at[i]);
}
