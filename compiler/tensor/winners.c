/* What stands where a maximum was found is that maximum: its derivative needs nothing else of what was compared.

   Requires: a simplified program. Ensures: the same values, where no number is NaN; fewer are read.
   Example:  m[p] = max(u: h[2 * p + u]);  k[p] = argmax(u: h[2 * p + u])
             dz[r] = if h[r] > 0 and r mod 2 == k[r / 2] then dm[r / 2] else 0      becomes
             dz[r] = if m[r / 2] > 0 and r mod 2 == k[r / 2] then dm[r / 2] else 0 */
#include "tensor/steps.h"

typedef struct {
    Program *program;
    Expr found, by; /* what is read of a maximum instead */
} Winner;

static bool is_winner(const Statement *s, Reduction position) {
    return s != NULL && s->value->kind == EXPR_REDUCE && s->value->reduction == position && s->subscripts == NULL;
}

/* The statement that finds the maximum, or minimum, of what `at` finds the place of; or NULL. */
static Statement *extreme_of(Program *program, const Statement *at) {
    Reduction reduction = at->value->reduction == REDUCE_ARGMAX ? REDUCE_MAX : REDUCE_MIN;
    Expr value = expr_reduce(program->pool, reduction, at->value->bound, at->value->bound_count, at->value->kids[0]);
    Expr wanted = canonical(program->pool, value, at->indices, at->count, NULL);
    for (size_t i = 0; i < program->forward.count; i++) {
        Statement *s = program->forward.at[i];
        bool may = is_winner(s, reduction) && s->count == at->count && s->scan == at->scan;
        if (may && canonical(program->pool, s->value, s->indices, s->count, NULL) == wanted) return s;
    }
    return NULL;
}

/* What is compared at this place, the number `flat` of all. */
static Expr compared_at(Program *program, const Statement *at, Expr read, Expr flat) {
    Pool *pool = program->pool;
    const Expr value = at->value;
    int count = at->count + value->bound_count;
    Index *from[count + 1];
    Expr to[count + 1];
    for (int i = 0; i < at->count; i++) {
        from[i] = at->indices[i];
        to[i] = read->kids[i];
    }
    for (int i = value->bound_count - 1; i >= 0; i--) {
        Expr size = expr_number(pool, (double)value->bound[i]->size);
        from[at->count + i] = value->bound[i];
        to[at->count + i] = i == 0 ? flat : expr_op2(pool, OP_MOD, flat, size);
        flat = expr_op2(pool, OP_FLOORDIV, flat, size);
    }
    return expr_substitute(pool, value->kids[0], from, to, count);
}

/* Does the condition say that this is the place of a maximum? Then *w is what stands there. */
static bool finds(Winner *w, Expr condition) {
    for (int k = 0; k < 2 && expr_is_op(condition, OP_AND); k++) {
        if (finds(w, condition->kids[k])) return true;
    }
    for (int k = 0; k < 2 && expr_is_op(condition, OP_EQ); k++) {
        Expr read = condition->kids[k], flat = condition->kids[1 - k];
        const Statement *at = read->kind == EXPR_READ && !read->has_default ? read->tensor->definition : NULL;
        if (!is_winner(at, REDUCE_ARGMAX) && !is_winner(at, REDUCE_ARGMIN)) continue;
        const Statement *extreme = extreme_of(w->program, at);
        if (extreme == NULL || tensor_is_persistent(extreme->target)) continue;
        w->found = compared_at(w->program, at, read, flat);
        w->by = expr_read(w->program->pool, extreme->target, read->kids, at->count, NULL);
        return w->found->kind == EXPR_READ && tensor_points(w->found->tensor) > tensor_points(extreme->target);
    }
    return false;
}

static Expr read_extreme(void *context, Expr e) {
    const Winner *w = context;
    return e == w->found ? w->by : e;
}

static Expr where_it_won(void *context, Expr e) {
    Program *program = context;
    Winner w = {.program = program};
    if (!expr_is_op(e, OP_IF) || !finds(&w, e->kids[0])) return e;
    return expr_if(program->pool, expr_replace(program->pool, e->kids[0], read_extreme, &w),
                   expr_replace(program->pool, e->kids[1], read_extreme, &w), e->kids[2]);
}

void read_winners(Program *program) {
    for (size_t i = 0; i < program->backward.count; i++) {
        Statement *s = program->backward.at[i];
        s->value = expr_replace(program->pool, s->value, where_it_won, program);
    }
}
