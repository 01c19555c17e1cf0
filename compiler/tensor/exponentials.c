/* What a log-sum-exp and a softmax of the same numbers have in common is computed once.

   Requires: a simplified program. Ensures: equal mathematics; a logsumexp whose softmax is wanted, too, is written out.
   Example:  l[b] = logsumexp(j: z[b, j]);  p[b, i] = exp(z[b, i] - l[b])      becomes
             l_max[b] = max(j: z[b, j]);  l_exp[b, j] = exp(z[b, j] - l_max[b]);  l_sum[b] = sum(j: l_exp[b, j])
             l[b] = l_max[b] + log(l_sum[b])
             p[b, i] = l_exp[b, i] / l_sum[b] */
#include <math.h>

#include "tensor/steps.h"

static const double LEAST_SHIFT = -3e38; /* a float */

typedef struct {
    Program *program;
    const Statement *of; /* l[b] = logsumexp(j: z[b, j]) */
    Tensor *exponential, *sum;
    bool found;
} Search;

/* e = exp(z[.., i] - l[..]), at the indices of l's statement: the index i, or NULL */
static Index *softmax_index(const Search *s, Expr e) {
    Pool *pool = s->program->pool;
    const Statement *of = s->of;
    if (!expr_is_op(e, OP_EXP) || !expr_is_op(e->kids[0], OP_SUB)) return NULL;
    Expr z = e->kids[0]->kids[0], l = e->kids[0]->kids[1];
    if (l->kind != EXPR_READ || l->tensor != of->target || l->has_default) return NULL;
    for (int i = 0; i < z->free_count; i++) {
        Index *from[of->count + 1];
        Expr to[of->count + 1];
        for (int k = 0; k < of->count; k++) {
            from[k] = of->indices[k];
            to[k] = l->kids[k];
        }
        from[of->count] = of->value->bound[0];
        to[of->count] = expr_index(pool, z->free[i]);
        bool of_l = false; /* an index of l is not the one that runs */
        for (int k = 0; k < of->count; k++) of_l |= expr_depends(l->kids[k], z->free[i]);
        if (!of_l && z->free[i]->size == from[of->count]->size &&
            expr_substitute(pool, of->value->kids[0], from, to, of->count + 1) == z)
            return z->free[i];
    }
    return NULL;
}

static void look(void *context, Expr e) {
    Search *s = context;
    s->found |= softmax_index(s, e) != NULL;
}

static Expr use(void *context, Expr e) {
    Search *s = context;
    Index *index = softmax_index(s, e);
    if (index == NULL) return e;
    Expr l = e->kids[0]->kids[1], at[s->of->count + 1];
    for (int k = 0; k < s->of->count; k++) at[k] = l->kids[k];
    at[s->of->count] = expr_index(s->program->pool, index);
    Expr exponential = expr_read(s->program->pool, s->exponential, at, s->of->count + 1, NULL);
    return expr_op2(s->program->pool, OP_DIV, exponential, expr_read(s->program->pool, s->sum, at, s->of->count, NULL));
}

static Tensor *part(const Search *s, Statements *out, const char *what, Index *const *indices, int count, Expr value) {
    int64_t shape[count + 1];
    for (int i = 0; i < count; i++) shape[i] = indices[i]->size;
    Tensor *tensor = tensor_new(s->program, TENSOR_PART,
                                arena_printf(pool_arena(s->program->pool), "%s_%s", s->of->target->name, what), count, shape);
    tensor->batched = s->of->target->batched;
    Statement *made = statement_add(s->program, out, tensor, indices, count, value, s->of->origin);
    made->part = s->of->part;
    made->scan = s->of->scan;
    return tensor;
}

static void note_minus_infinity(void *context, Expr e) { *(bool *)context |= expr_is(e, -INFINITY); }

Expr finite_shift(Pool *pool, Expr body, Expr largest) {
    bool possible = false;
    expr_visit(pool, body, note_minus_infinity, &possible);
    return possible ? expr_op2(pool, OP_MAX, largest, expr_number(pool, LEAST_SHIFT)) : largest;
}

/* The statements that take the place of l's. */
static void write_out(Search *s, Statement *of, Statements *out) {
    Pool *pool = s->program->pool;
    Index *j = of->value->bound[0], *all[of->count + 1], *own = index_like(pool, j);
    Expr body = of->value->kids[0], to = expr_index(pool, own);
    for (int k = 0; k < of->count; k++) all[k] = of->indices[k];
    all[of->count] = own;
    Tensor *max = part(s, out, "max", all, of->count, expr_reduce(pool, REDUCE_MAX, &j, 1, body));
    Expr largest = tensor_at(s->program, max, all);
    s->exponential =
        part(s, out, "exp", all, of->count + 1,
             expr_op1(pool, OP_EXP,
                      expr_op2(pool, OP_SUB, expr_substitute(pool, body, &j, &to, 1), finite_shift(pool, body, largest))));
    Expr one = expr_substitute(pool, tensor_at(s->program, s->exponential, all), &own, (Expr[]){expr_index(pool, j)}, 1);
    s->sum = part(s, out, "sum", all, of->count, expr_reduce(pool, REDUCE_SUM, &j, 1, one));
    of->value = expr_op2(pool, OP_ADD, largest, expr_op1(pool, OP_LOG, tensor_at(s->program, s->sum, all)));
    vec_push(pool_arena(pool), out, of);
}

void share_exponentials(Program *program) {
    Statements out = {0};
    Statements *lists[] = {&program->forward, &program->backward};
    for (size_t i = 0; i < program->forward.count; i++) {
        Statement *s = program->forward.at[i];
        Search search = {.program = program, .of = s};
        bool fits = s->value->kind == EXPR_REDUCE && s->value->reduction == REDUCE_LOGSUMEXP && s->value->bound_count == 1 &&
                    s->subscripts == NULL;
        for (size_t l = 0; l < 2 && fits; l++) {
            for (size_t k = 0; k < lists[l]->count; k++) expr_visit(program->pool, lists[l]->at[k]->value, look, &search);
        }
        if (!search.found) {
            vec_push(pool_arena(program->pool), &out, s);
            continue;
        }
        Expr kept = s->value;
        write_out(&search, s, &out);
        Expr written = s->value;
        s->value = kept; /* what is looked for is told by it */
        for (size_t l = 0; l < 2; l++) {
            for (size_t k = 0; k < lists[l]->count; k++)
                lists[l]->at[k]->value = expr_rewrite(program->pool, lists[l]->at[k]->value, use, &search);
        }
        s->value = written;
    }
    program->forward = out;
}
