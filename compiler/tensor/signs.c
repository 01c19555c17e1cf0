/* What relu saw is positive where what relu gave is: for its derivative nothing else has to be kept.

   Requires: a simplified program. Ensures: the same values; a tensor that relu and its derivative alone read is read by relu alone.
   Example:  h[i] = if z[i] > 0 then z[i] else 0;  dz[i] = if z[i] > 0 then dh[i] else 0     becomes
             h[i] = if z[i] > 0 then z[i] else 0;  dz[i] = if h[i] > 0 then dh[i] else 0 */
#include "tensor/steps.h"

/* z, where the statement is  if z > 0 then z else 0  or  ... else c * z  with c > 0, at its own point; or NULL */
static const Tensor *rectified(const Statement *s) {
    Expr e = s->value;
    if (!expr_is_op(e, OP_IF) || !expr_is_op(e->kids[0], OP_GT) || !expr_is(e->kids[0]->kids[1], 0)) return NULL;
    Expr z = e->kids[0]->kids[0], below = e->kids[2];
    bool scaled =
        expr_is_op(below, OP_MUL) && below->kids[0]->kind == EXPR_CONST && below->kids[0]->value > 0 && below->kids[1] == z;
    if (z->kind != EXPR_READ || z->has_default || e->kids[1] != z || !(expr_is(below, 0) || scaled)) return NULL;
    bool stays = !tensor_is_persistent(z->tensor) && !tensor_is_persistent(s->target); /* whatever is updated in between */
    bool own = stays && s->subscripts == NULL && z->tensor->rank == s->count && z->tensor->definition != NULL;
    for (int i = 0; i < s->count && own; i++) own = z->kids[i]->kind == EXPR_INDEX && z->kids[i]->index == s->indices[i];
    return own ? z->tensor : NULL;
}

typedef struct {
    Pool *pool;
    const Tensor *from, *to;
    bool reads; /* `from`, for something else */
} Signs;

static Expr with_sign(void *context, Expr e) {
    const Signs *s = context;
    if (!expr_is_op(e, OP_GT) || e->kids[0]->kind != EXPR_READ || e->kids[0]->tensor != s->from || e->kids[0]->has_default)
        return e;
    Expr read = expr_read(s->pool, (Tensor *)(uintptr_t)s->to, e->kids[0]->kids, s->to->rank, NULL);
    return expr_is(e->kids[1], 0) ? expr_op2(s->pool, OP_GT, read, e->kids[1]) : e;
}

static void note_read(void *context, Expr e) {
    Signs *s = context;
    s->reads |= e->kind == EXPR_READ && e->tensor == s->from;
}

void read_signs(Program *program) {
    Statements all = program_statements(program);
    for (size_t i = 0; i < all.count; i++) {
        const Statement *relu = all.at[i];
        Signs signs = {program->pool, rectified(relu), relu->target, false};
        if (signs.from == NULL || signs.from == relu->target) continue;
        for (size_t k = 0; k < all.count; k++) {
            const Statement *s = all.at[k];
            bool later = k > i && (s->scan == NULL || s->scan != relu->scan);
            if (k != i)
                expr_visit(program->pool, later ? expr_replace(program->pool, s->value, with_sign, &signs) : s->value, note_read,
                           &signs);
        }
        for (size_t k = i + 1; k < all.count && !signs.reads; k++)
            all.at[k]->value = expr_replace(program->pool, all.at[k]->value, with_sign, &signs);
    }
}
