/* Which intermediate results deserve a name.

   inline_cheap: a part or adjoint that is a constant, or elementwise and read once, is written where it is read; so is one that only
   scales another, where the formula does not grow by it.
   fuse_reductions: a reduction that is read once, at the same point, goes back into the formula that it was taken from. */
#include "tensor/steps.h"

typedef struct {
    Statement *reader;
    Expr read; /* the only one, or NULL where there are more */
    int reads, inside_reductions;
    bool with_default;
    bool gone; /* was inserted into its reader: what it reads is counted anew in the next round */
} Use;

typedef struct {
    Program *program;
    Use *uses; /* by tensor id */
    Statement *reader;
    ExprMap *seen;
} Count;

static void count_reads(Count *c, Expr e, bool inside) {
    if (expr_map_get(c->seen, e) != NULL) return;
    expr_map_put(c->seen, e, e);
    if (e->kind == EXPR_READ) {
        Use *use = &c->uses[e->tensor->id];
        use->reads++;
        use->read = use->reads == 1 ? e : NULL;
        use->reader = c->reader;
        use->inside_reductions += inside;
        use->with_default |= e->has_default;
    }
    for (int k = 0; k < e->count; k++) {
        bool subscript = e->kind == EXPR_READ && k < e->tensor->rank;
        count_reads(c, e->kids[k], inside || e->kind == EXPR_REDUCE || subscript);
        if (subscript) count_reads(c, e->kids[k], true);
    }
}

static Use *find_uses(Program *program) {
    Arena *arena = pool_arena(program->pool);
    Use *uses = NEW_ARRAY(arena, Use, program->all.count);
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) {
        Arena *scratch = arena_new();
        ExprMap seen = {.arena = scratch};
        Count c = {.program = program, .uses = uses, .reader = all.at[i], .seen = &seen};
        count_reads(&c, all.at[i]->value, false);
        for (int k = 0; all.at[i]->subscripts != NULL && k < all.at[i]->target->rank; k++)
            count_reads(&c, all.at[i]->subscripts[k], true);
        arena_free(scratch);
    }
    if (program->loss != NULL) uses[program->loss->id].reads += 2;
    for (size_t i = 0; i < program->metrics.count; i++) uses[program->metrics.at[i].tensor->id].reads += 2;
    for (size_t i = 0; i < program->outputs.count; i++) uses[program->outputs.at[i]->id].reads += 2;
    return uses;
}

static bool compilers_own(const Program *program, const Statement *s) {
    const Tensor *t = s->target;
    return s->subscripts == NULL && (t->kind == TENSOR_PART || (t->kind == TENSOR_ADJOINT && t->of->kind != TENSOR_PARAMETER)) &&
           !s->value->draws && !tensor_is_explained(program, t);
}

/* Is each element read at one point only: are the subscripts all loops of the reader, each once? */
static bool once_for_each_point(const Statement *reader, Expr read) {
    int loops = reader->count + (reader->value->kind == EXPR_REDUCE ? reader->value->bound_count : 0);
    if (read->has_default || read->tensor->rank != loops) return false;
    for (int i = 0; i < read->tensor->rank; i++) {
        if (read->kids[i]->kind != EXPR_INDEX || read->kids[i]->index->size != read->tensor->shape[i]) return false;
        for (int k = 0; k < i; k++) {
            if (read->kids[k] == read->kids[i]) return false;
        }
    }
    return true;
}

/* ---- Writing a definition where its tensor is read */

typedef struct {
    Pool *pool;
    const Statement *definition;
} Insertion;

static Expr insert(void *context, Expr e) {
    Insertion *i = context;
    if (e->kind != EXPR_READ || e->tensor != i->definition->target || e->has_default)
        return e; /* outside, the definition says nothing */
    return expr_substitute(i->pool, i->definition->value, i->definition->indices, e->kids, i->definition->count);
}

static void insert_into(Program *program, Statement *reader, const Statement *definition) {
    Insertion insertion = {program->pool, definition};
    reader->value = expr_rewrite(program->pool, reader->value, insert, &insertion);
    for (size_t r = 0; r < definition->rewrites.count; r++) note_rewrite(program, reader, definition->rewrites.at[r]);
}

static void insert_everywhere(Program *program, const Statement *definition) {
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) {
        if (expr_reads(program->pool, all.at[i]->value, definition->target)) insert_into(program, all.at[i], definition);
    }
}

/* if k == class then 1 else 0: whoever multiplies by it and sums wants one element (reductions.c) */
static bool is_indicator(Expr e) {
    if (!expr_is_op(e, OP_IF) || !expr_is(e->kids[1], 1) || !expr_is(e->kids[2], 0) || !expr_is_op(e->kids[0], OP_EQ))
        return false;
    Expr a = e->kids[0]->kids[0], b = e->kids[0]->kids[1];
    return (a->kind == EXPR_INDEX && b->kind == EXPR_READ && b->integer) ||
           (b->kind == EXPR_INDEX && a->kind == EXPR_READ && a->integer);
}

void insert_indicators(Program *program) {
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        if (s->subscripts == NULL && is_indicator(s->value)) insert_everywhere(program, s);
    }
}

/* ---- May it? */

/* Is what the definition reads overwritten before the reader? Persistent tensors change in `update` alone, behind all else. */
static bool overwritten_between(Program *program, const Statement *definition, const Statement *reader) {
    const Statements *update = &program->update;
    size_t from = update->count, to = update->count;
    for (size_t i = 0; i < update->count; i++) {
        if (update->at[i] == definition) from = i + 1;
        if (update->at[i] == reader) to = i;
    }
    if (to == update->count) return false;
    for (size_t i = from == update->count ? 0 : from; i < to; i++) {
        if (expr_reads(program->pool, definition->value, update->at[i]->target)) return true;
    }
    return false;
}

static bool is_constant(const Statement *s) { return s->value->free_count == 0 && expr_cost(s->value) <= 8; }

/* dm[b, k] = dv[k]: to read the other costs nothing */
static bool is_broadcast(const Statement *s) {
    Expr e = s->value;
    if (e->kind != EXPR_READ || e->has_default || tensor_is_persistent(e->tensor) || e->count >= s->count) return false;
    for (int i = 0; i < e->count; i++) {
        if (e->kids[i]->kind != EXPR_INDEX) return false;
    }
    return true;
}

static bool worth_inlining(Program *program, const Statement *s, const Use *uses) {
    const Use *use = &uses[s->target->id];
    if (!compilers_own(program, s) || s->value->reduces || use->reads == 0 || use->with_default) return false;
    if (is_constant(s) || is_broadcast(s)) return true;
    return use->reads == 1 && use->read != NULL && !uses[use->reader->target->id].gone &&
           once_for_each_point(use->reader, use->read) && !overwritten_between(program, s, use->reader);
}

/* a[i, j] = c[i, j] needs no second name. */
static bool is_copy(const Program *program, const Statement *s) {
    Expr e = s->value;
    if (!compilers_own(program, s) || e->kind != EXPR_READ || e->has_default || tensor_is_persistent(e->tensor) ||
        e->tensor->rank != s->count)
        return false;
    for (int i = 0; i < s->count; i++) {
        if (e->kids[i]->kind != EXPR_INDEX || e->kids[i]->index != s->indices[i] || e->tensor->shape[i] != s->target->shape[i])
            return false;
    }
    return true;
}

static bool drop_copies(Program *program) {
    Tensor **alias = NEW_ARRAY(pool_arena(program->pool), Tensor *, program->all.count);
    bool found = false;
    Statements *lists[] = {&program->forward, &program->backward};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Statement *s = lists[l]->at[i];
            if (!is_copy(program, s)) continue;
            Tensor *of = s->value->tensor;
            alias[s->target->id] = alias[of->id] != NULL ? alias[of->id] : of;
            found = true;
        }
    }
    if (found) replace_tensors(program, alias);
    if (found) remove_unused(program);
    return found;
}

/* a[i] = c * x[i] or x[i] / c, with a c that is the same for all i */
static bool only_scales(const Statement *s) {
    Expr e = s->value;
    if (expr_is_op(e, OP_NEG)) return e->kids[0]->kind == EXPR_READ;
    if (expr_is_op(e, OP_DIV)) return e->kids[0]->kind == EXPR_READ && e->kids[1]->free_count == 0;
    return expr_is_op(e, OP_MUL) && e->kids[1]->kind == EXPR_READ && e->kids[0]->free_count == 0;
}

static bool move_scale(Program *program, Rules *rules, const Statement *s, const Use *uses) {
    const Use *use = &uses[s->target->id];
    if (!compilers_own(program, s) || !only_scales(s) || use->read == NULL || use->with_default ||
        uses[use->reader->target->id].gone)
        return false;
    if (overwritten_between(program, s, use->reader)) return false;
    Statement trial = {.target = use->reader->target, .value = use->reader->value};
    insert_into(program, &trial, s);
    trial.value = algebra(program, rules, trial.value, &trial);
    if (expr_cost(trial.value) > expr_cost(use->reader->value)) return false;
    use->reader->value = trial.value;
    for (size_t r = 0; r < trial.rewrites.count; r++) note_rewrite(program, use->reader, trial.rewrites.at[r]);
    return true;
}

bool inline_cheap(Program *program, Rules *rules) {
    bool changed = drop_copies(program);
    Use *uses = find_uses(program);
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            bool moved = move_scale(program, rules, s, uses);
            if (!moved && !worth_inlining(program, s, uses)) continue;
            if (moved) {
            } else if (is_constant(s) || is_broadcast(s)) insert_everywhere(program, s);
            else insert_into(program, uses[s->target->id].reader, s);
            uses[s->target->id].gone = true;
            changed = true;
        }
    }
    if (changed) remove_unused(program);
    return changed;
}

/* For readers: the derivative of a part says nothing where there is no such part. */
static bool derivative_is_explained(const Program *program, const Tensor *part) {
    for (size_t i = 0; program->explained && i < program->backward.count; i++) {
        const Tensor *t = program->backward.at[i]->target;
        if (t->kind == TENSOR_ADJOINT && t->of == part) return true;
    }
    return false;
}

static void fuse(Program *program, bool adjoints) {
    for (bool changed = true; changed;) {
        changed = false;
        Use *uses = find_uses(program);
        Statements *lists[] = {&program->forward, &program->backward, &program->update};
        for (size_t l = 0; l < 3; l++) {
            for (size_t i = 0; i < lists[l]->count; i++) {
                Statement *s = lists[l]->at[i];
                Use *use = &uses[s->target->id];
                bool once = use->reads == 1 && use->read != NULL && use->inside_reductions == 0 &&
                            use->reader->value->kind != EXPR_REDUCE &&
                            use->reader->subscripts == NULL; /* no tiles of a scatter */
                bool second =
                    once && use->reader->count == 0 && use->reader->value->reduces; /* no lanes for two sums of one number */
                if (second && !program->explained) continue;
                if (!adjoints && s->target->kind == TENSOR_ADJOINT) continue;
                if (!compilers_own(program, s) || !s->value->reduces || !once || s->scan != use->reader->scan ||
                    !once_for_each_point(use->reader, use->read) || derivative_is_explained(program, s->target))
                    continue;
                if (uses[use->reader->target->id].gone || overwritten_between(program, s, use->reader)) continue;
                insert_into(program, use->reader, s);
                use->gone = changed = true;
            }
        }
        remove_unused(program);
    }
}

void fuse_reductions(Program *program) { fuse(program, true); }

void drop_plain_parts(Program *program) {
    drop_copies(program);
    fuse(program, false);
}
