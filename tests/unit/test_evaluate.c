/* The interpreter against a second one that is too simple to be wrong: a recursive function that follows the definition of each
   node for one element, without plans, lanes or tables. Both run the same statements, hand-made and random. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "tensor/evaluate.h"

/* ---- A program under construction */

typedef struct {
    Arena *arena;
    Names *names;
    Pool *pool;
    Program *program;
    uint64_t seed, drawn;
} Fixture;

static int setup(void **state) {
    Arena *arena = arena_new();
    Fixture *f = NEW(arena, Fixture);
    f->arena = arena;
    f->names = names_new(arena);
    f->pool = pool_new(arena, f->names);
    f->program = program_new(f->pool, name_of(f->names, "model"));
    f->program->batch = index_new(f->pool, name_of(f->names, "b"), 7);
    f->program->batch->batch = true;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    Fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

static double random_number(Fixture *f) { return nnc_random_uniform(f->seed, 99, 0, f->drawn++); }
static int random_below(Fixture *f, int limit) { return (int)(random_number(f) * limit); }

static Tensor *tensor(Fixture *f, TensorKind kind, const char *name, int rank, const int64_t *shape) {
    return tensor_new(f->program, kind, name, rank, shape);
}
static Index *loop(Fixture *f, const char *name, int64_t size) { return index_new(f->pool, name_of(f->names, name), size); }
static Expr at(Fixture *f, Index *index) { return expr_index(f->pool, index); }
static Expr number(Fixture *f, double value) { return expr_number(f->pool, value); }
static Expr plus(Fixture *f, Expr a, Expr b) { return expr_op2(f->pool, OP_ADD, a, b); }
static Expr times(Fixture *f, Expr a, Expr b) { return expr_op2(f->pool, OP_MUL, a, b); }

static void fill(Fixture *f, Machine *machine) {
    for (size_t t = 0; t < f->program->all.count; t++) {
        const Tensor *x = f->program->all.at[t];
        if (x->kind != TENSOR_INPUT && x->kind != TENSOR_PARAMETER) continue;
        double *values = machine_values(machine, x);
        for (int64_t i = 0; i < (int64_t)tensor_points(x); i++) {
            values[i] = x->index_range > 0 ? random_below(f, (int)x->index_range) : random_number(f) * 4 - 2;
        }
    }
}

/* ---- The simple interpreter */

typedef struct {
    Machine *machine; /* for the values of tensors alone */
    int64_t examples;
    uint64_t seed, step;
    struct {
        const Index *index;
        int64_t value;
    } scope[32];
    int depth;
} Naive;

static int64_t extent(const Naive *n, const Index *index) { return index->batch ? n->examples : index->size; }

static double naive(Naive *n, Expr e);

static double *naive_element(Naive *n, const Tensor *tensor, const Expr *subscripts) {
    int64_t flat = 0;
    for (int i = 0; i < tensor->rank; i++) {
        double subscript = naive(n, subscripts[i]);
        int64_t length = i == 0 && tensor->batched ? n->examples : tensor->shape[i];
        if (!(subscript >= 0 && subscript < (double)length)) return NULL;
        flat = flat * tensor->shape[i] + (int64_t)subscript;
    }
    return machine_values(n->machine, tensor) + flat;
}

static double naive_reduce(Naive *n, Expr e, int level, double *best, double *position, double largest) {
    if (level < e->bound_count) {
        double last = 0;
        n->scope[n->depth].index = e->bound[level];
        int slot = n->depth++;
        for (int64_t v = 0; v < extent(n, e->bound[level]); v++) {
            n->scope[slot].value = v;
            last = naive_reduce(n, e, level + 1, best, position, largest);
        }
        n->depth--;
        return last;
    }
    double x = naive(n, e->kids[0]);
    bool smallest = e->reduction == REDUCE_MIN || e->reduction == REDUCE_ARGMIN;
    if (!isnan(largest)) {
        *best += exp(x - largest);
    } else if (e->reduction == REDUCE_SUM) {
        *best += x;
    } else if (e->reduction == REDUCE_PROD) {
        *best *= x;
    } else if (position[0] == 0 || (isnan(x) && !isnan(*best)) || (smallest ? x < *best : x > *best)) {
        *best = x;
        position[1] = position[0];
    }
    position[0]++;
    return 0;
}

static double naive(Naive *n, Expr e) {
    switch (e->kind) {
    case EXPR_CONST: return e->value;
    case EXPR_INDEX:
        for (int i = n->depth; i-- > 0;) {
            if (n->scope[i].index == e->index) return (double)n->scope[i].value;
        }
        fail();
        return 0;
    case EXPR_READ: {
        double *element = naive_element(n, e->tensor, e->kids);
        if (element == NULL && !e->has_default) fail();
        return element != NULL ? *element : naive(n, e->kids[e->count - 1]);
    }
    case EXPR_OP: {
        double kid[3] = {0};
        for (int k = 0; k < e->count; k++) kid[k] = naive(n, e->kids[k]);
        return op_value(e->op, kid[0], kid[1], kid[2]);
    }
    case EXPR_REDUCE: {
        double best = e->reduction == REDUCE_PROD ? 1 : 0, position[2] = {0}, sum = 0, again[2] = {0};
        naive_reduce(n, e, 0, &best, position, NAN);
        if (e->reduction == REDUCE_ARGMAX || e->reduction == REDUCE_ARGMIN) return position[1];
        if (e->reduction != REDUCE_LOGSUMEXP || !isfinite(best)) return best;
        naive_reduce(n, e, 0, &sum, again, best);
        return best + log(sum);
    }
    case EXPR_DRAW: {
        uint64_t point = 0;
        int axes = e->count - (e->draw == DRAW_BERNOULLI);
        for (int k = 0; k < axes; k++) point = point * (uint64_t)e->kids[k]->index->size + (uint64_t)naive(n, e->kids[k]);
        double u = nnc_random_uniform(n->seed, (uint64_t)e->value, n->step, point);
        return e->draw == DRAW_BERNOULLI ? u < naive(n, e->kids[axes]) : u;
    }
    }
    fail();
    return 0;
}

static void naive_statement(Naive *n, const Statement *s, int level) {
    if (level < s->count) {
        n->scope[n->depth].index = s->indices[level];
        int slot = n->depth++;
        for (int64_t v = 0; v < extent(n, s->indices[level]); v++) {
            n->scope[slot].value = v;
            naive_statement(n, s, level + 1);
        }
        n->depth--;
    } else if (s->subscripts != NULL) {
        double *element = naive_element(n, s->target, s->subscripts);
        if (element != NULL) *element += naive(n, s->value);
    } else {
        int64_t flat = 0;
        for (int i = 0; i < s->target->rank; i++) flat = flat * s->target->shape[i] + n->scope[n->depth - s->count + i].value;
        machine_values(n->machine, s->target)[flat] = naive(n, s->value);
    }
}

static bool close_to(double a, double b) { return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-12 * fmax(1, fabs(b)); }

/* Runs the statements in both, with that many examples. */
static void compare(Fixture *f, const Statements *statements, int64_t examples) {
    Machine *fast = machine_new(f->program), *slow = machine_new(f->program);
    f->drawn = 0;
    fill(f, fast);
    f->drawn = 0;
    fill(f, slow);
    for (int round = 0; round < 2; round++) { /* the second with plans that are there already */
        machine_batch(fast, examples);
        machine_batch(slow, examples);
        machine_seed(fast, 5, (uint64_t)round);
        machine_run(fast, statements);
        for (size_t i = 0; i < statements->count; i++) {
            const Statement *s = statements->at[i];
            Naive n = {.machine = slow, .examples = examples, .seed = 5, .step = (uint64_t)round};
            if (s->subscripts != NULL)
                memset(machine_values(slow, s->target), 0, sizeof(double) * (size_t)tensor_points(s->target));
            naive_statement(&n, s, 0);
        }
        for (size_t t = 0; t < f->program->all.count; t++) {
            const Tensor *x = f->program->all.at[t];
            for (int64_t i = 0; i < (int64_t)tensor_points(x); i++) {
                double a = machine_values(fast, x)[i], b = machine_values(slow, x)[i];
                if (!close_to(a, b)) fail_msg("%s[%lld] is %.17g instead of %.17g", x->name, (long long)i, a, b);
            }
        }
    }
    machine_free(fast);
    machine_free(slow);
}

static void add(Fixture *f, Tensor *target, Index *const *indices, int count, Expr value) {
    statement_add(f->program, &f->program->forward, target, indices, count, value, (Origin){0});
}

/* ---- Statements of real networks */

static void test_dense(void **state) {
    Fixture *f = *state;
    Index *b = f->program->batch, *j = loop(f, "j", 50), *i = loop(f, "i", 9);
    Tensor *x = tensor(f, TENSOR_INPUT, "x", 2, (int64_t[]){7, 9}), *W = tensor(f, TENSOR_PARAMETER, "W", 2, (int64_t[]){50, 9});
    Tensor *c = tensor(f, TENSOR_PARAMETER, "c", 1, (int64_t[]){50}), *y = tensor(f, TENSOR_VALUE, "y", 2, (int64_t[]){7, 50});
    x->batched = y->batched = true;
    Expr product = times(f, expr_read(f->pool, W, (Expr[]){at(f, j), at(f, i)}, 2, NULL),
                         expr_read(f->pool, x, (Expr[]){at(f, b), at(f, i)}, 2, NULL));
    Expr sum = expr_reduce(f->pool, REDUCE_SUM, &i, 1, product);
    add(f, y, (Index *[]){b, j}, 2, plus(f, sum, expr_read(f->pool, c, (Expr[]){at(f, j)}, 1, NULL)));
    compare(f, &f->program->forward, 7);
    compare(f, &f->program->forward, 3); /* writes three examples only, as the other does */
}

static void test_convolution(void **state) {
    Fixture *f = *state;
    Index *b = f->program->batch, *o = loop(f, "o", 3), *r = loop(f, "r", 8), *s = loop(f, "s", 6);
    Index *c = loop(f, "c", 2), *u = loop(f, "u", 3), *v = loop(f, "v", 5);
    Tensor *x = tensor(f, TENSOR_INPUT, "x", 4, (int64_t[]){7, 2, 8, 6}),
           *W = tensor(f, TENSOR_PARAMETER, "W", 4, (int64_t[]){3, 2, 3, 5});
    Tensor *y = tensor(f, TENSOR_VALUE, "y", 4, (int64_t[]){7, 3, 8, 6});
    x->batched = y->batched = true;
    Expr row = plus(f, plus(f, at(f, r), at(f, u)), number(f, -1)), column = plus(f, plus(f, at(f, s), at(f, v)), number(f, -2));
    Expr read = expr_read(f->pool, x, (Expr[]){at(f, b), at(f, c), row, column}, 4, at(f, u)); /* any default, not only 0 */
    Expr weight = expr_read(f->pool, W, (Expr[]){at(f, o), at(f, c), at(f, u), at(f, v)}, 4, NULL);
    add(f, y, (Index *[]){b, o, r, s}, 4, expr_reduce(f->pool, REDUCE_SUM, (Index *[]){c, u, v}, 3, times(f, weight, read)));
    compare(f, &f->program->forward, 7);
    compare(f, &f->program->forward, 1);
}

static void test_softmax_and_loss(void **state) {
    Fixture *f = *state;
    Index *b = f->program->batch, *j = loop(f, "j", 10), *k = loop(f, "k", 10);
    Tensor *x = tensor(f, TENSOR_INPUT, "x", 2, (int64_t[]){7, 10}), *y = tensor(f, TENSOR_VALUE, "y", 2, (int64_t[]){7, 10});
    Tensor *loss = tensor(f, TENSOR_VALUE, "loss", 0, NULL), *best = tensor(f, TENSOR_VALUE, "best", 1, (int64_t[]){7});
    Tensor *all = tensor(f, TENSOR_VALUE, "all", 0, NULL);
    x->batched = y->batched = best->batched = true;
    Expr here = expr_read(f->pool, x, (Expr[]){at(f, b), at(f, j)}, 2, NULL),
         there = expr_read(f->pool, x, (Expr[]){at(f, b), at(f, k)}, 2, NULL);
    Expr total = expr_reduce(f->pool, REDUCE_SUM, &k, 1, expr_op1(f->pool, OP_EXP, there));
    add(f, y, (Index *[]){b, j}, 2, expr_op2(f->pool, OP_DIV, expr_op1(f->pool, OP_EXP, here), total));
    add(f, best, &b, 1, expr_reduce(f->pool, REDUCE_ARGMIN, &j, 1, here));
    Expr each = expr_reduce(f->pool, REDUCE_LOGSUMEXP, &j, 1, here);
    Expr sum = expr_reduce(f->pool, REDUCE_SUM, &b, 1, each); /* nested, over the batch */
    add(f, loss, NULL, 0, expr_op2(f->pool, OP_DIV, sum, expr_read(f->pool, f->program->batch_size, NULL, 0, NULL)));
    add(f, all, NULL, 0, expr_reduce(f->pool, REDUCE_ARGMAX, (Index *[]){b, j}, 2, here)); /* a position in two axes */
    compare(f, &f->program->forward, 7);
    compare(f, &f->program->forward, 2);
}

static void test_embedding_and_scatter(void **state) {
    Fixture *f = *state;
    Index *b = f->program->batch, *t = loop(f, "t", 4), *k = loop(f, "k", 3);
    Tensor *token = tensor(f, TENSOR_INPUT, "token", 2, (int64_t[]){7, 4}),
           *E = tensor(f, TENSOR_PARAMETER, "E", 2, (int64_t[]){11, 3});
    Tensor *y = tensor(f, TENSOR_VALUE, "y", 3, (int64_t[]){7, 4, 3}),
           *dE = tensor(f, TENSOR_ADJOINT, "dE", 2, (int64_t[]){11, 3});
    token->batched = y->batched = true;
    token->index_range = 11;
    Expr id = expr_read(f->pool, token, (Expr[]){at(f, b), at(f, t)}, 2, NULL);
    add(f, y, (Index *[]){b, t, k}, 3, expr_read(f->pool, E, (Expr[]){id, at(f, k)}, 2, NULL));
    add(f, dE, (Index *[]){b, t, k}, 3, expr_read(f->pool, y, (Expr[]){at(f, b), at(f, t), at(f, k)}, 3, NULL));
    Statement *scatter = f->program->forward.at[1];
    scatter->subscripts = NEW_ARRAY(f->arena, Expr, 2); /* one row further: the last is outside, and ignored */
    scatter->subscripts[0] = plus(f, id, number(f, 1));
    scatter->subscripts[1] = at(f, k);
    compare(f, &f->program->forward, 7);
    compare(f, &f->program->forward, 5);
}

static void test_in_place_and_draws(void **state) {
    Fixture *f = *state;
    Index *i = loop(f, "i", 300), *b = f->program->batch;
    Tensor *w = tensor(f, TENSOR_PARAMETER, "w", 1, (int64_t[]){300}), *m = tensor(f, TENSOR_STATE, "m", 1, (int64_t[]){300});
    Tensor *mask = tensor(f, TENSOR_VALUE, "mask", 2, (int64_t[]){7, 300}),
           *scaled = tensor(f, TENSOR_VALUE, "scaled", 1, (int64_t[]){300});
    mask->batched = true;
    Expr weight = expr_read(f->pool, w, (Expr[]){at(f, i)}, 1, NULL), memory = expr_read(f->pool, m, (Expr[]){at(f, i)}, 1, NULL);
    add(f, m, &i, 1, plus(f, times(f, number(f, 0.9), memory), expr_draw(f->pool, DRAW_UNIFORM, 4, (Expr[]){at(f, i)}, 1)));
    add(f, w, &i, 1, expr_op2(f->pool, OP_SUB, weight, times(f, number(f, 0.1), memory)));
    add(f, mask, (Index *[]){b, i}, 2, expr_draw(f->pool, DRAW_BERNOULLI, 2, (Expr[]){at(f, b), at(f, i), number(f, 0.3)}, 3));
    Index *j = loop(f, "j", 300);
    Expr norm = expr_reduce(f->pool, REDUCE_SUM, &j, 1,
                            expr_op2(f->pool, OP_POW, expr_read(f->pool, w, (Expr[]){at(f, j)}, 1, NULL), number(f, 2)));
    add(f, scaled, &i, 1, expr_op2(f->pool, OP_DIV, weight, expr_op1(f->pool, OP_SQRT, norm)));
    compare(f, &f->program->forward, 7);
    compare(f, &f->program->forward, 4);
}

/* The same index is bound by two reductions, and also loops outside one of them. */
static void test_shared_indices(void **state) {
    Fixture *f = *state;
    Index *i = loop(f, "i", 6), *j = loop(f, "j", 4);
    Tensor *x = tensor(f, TENSOR_PARAMETER, "x", 2, (int64_t[]){6, 4}), *y = tensor(f, TENSOR_VALUE, "y", 1, (int64_t[]){6});
    Tensor *z = tensor(f, TENSOR_VALUE, "z", 2, (int64_t[]){6, 4});
    Expr read = expr_read(f->pool, x, (Expr[]){at(f, i), at(f, j)}, 2, NULL);
    Expr largest = expr_reduce(f->pool, REDUCE_MAX, &j, 1, read),
         product = expr_reduce(f->pool, REDUCE_PROD, &j, 1, plus(f, read, largest));
    add(f, y, &i, 1, plus(f, largest, product));
    Expr everything = expr_reduce(f->pool, REDUCE_MIN, (Index *[]){i, j}, 2, times(f, read, product));
    add(f, z, (Index *[]){i, j}, 2, plus(f, times(f, everything, read), expr_reduce(f->pool, REDUCE_SUM, &i, 1, read)));
    compare(f, &f->program->forward, 7);
}

/* ---- Values at the edge */

static double edge(Fixture *f, Reduction reduction, const double *values, int count) {
    Index *i = loop(f, "i", count);
    Tensor *x = tensor(f, TENSOR_INPUT, "x", 1, (int64_t[]){count}), *y = tensor(f, TENSOR_VALUE, "y", 0, NULL);
    Statements list = {0};
    statement_add(f->program, &list, y, NULL, 0,
                  expr_reduce(f->pool, reduction, &i, 1, expr_read(f->pool, x, (Expr[]){at(f, i)}, 1, NULL)), (Origin){0});
    Index *j = loop(f, "j", 200); /* the same in lanes */
    Tensor *z = tensor(f, TENSOR_VALUE, "z", 1, (int64_t[]){200});
    Expr either = expr_if(f->pool, expr_op2(f->pool, OP_LT, at(f, j), number(f, 100)),
                          expr_read(f->pool, x, (Expr[]){at(f, i)}, 1, NULL), number(f, 1));
    statement_add(f->program, &list, z, &j, 1, expr_reduce(f->pool, reduction, &i, 1, either), (Origin){0});
    Machine *machine = machine_new(f->program);
    memcpy(machine_values(machine, x), values, sizeof *values * (size_t)count);
    machine_run(machine, &list);
    double result = *machine_values(machine, y), in_lanes = machine_values(machine, z)[99];
    machine_free(machine);
    assert_true(close_to(result, in_lanes));
    return result;
}

static void test_edges(void **state) {
    Fixture *f = *state;
    assert_true(edge(f, REDUCE_ARGMAX, (double[]){1, 3, 2, 3}, 4) == 1);
    assert_true(edge(f, REDUCE_ARGMIN, (double[]){1, 0, 2, 0}, 4) == 1);
    assert_true(edge(f, REDUCE_ARGMAX, (double[]){1, NAN, 5, NAN}, 4) == 1);
    assert_true(edge(f, REDUCE_ARGMIN, (double[]){1, NAN, -5}, 3) == 1);
    assert_true(edge(f, REDUCE_ARGMAX, (double[]){-INFINITY, -INFINITY}, 2) == 0);
    assert_true(isnan(edge(f, REDUCE_MAX, (double[]){1, NAN, 5}, 3)));
    assert_true(isnan(edge(f, REDUCE_MIN, (double[]){NAN, 1, 5}, 3)));
    assert_true(edge(f, REDUCE_LOGSUMEXP, (double[]){-INFINITY, -INFINITY}, 2) == -INFINITY);
    assert_true(edge(f, REDUCE_LOGSUMEXP, (double[]){0, INFINITY}, 2) == INFINITY);
    assert_true(isnan(edge(f, REDUCE_LOGSUMEXP, (double[]){0, NAN}, 2)));
    assert_true(fabs(edge(f, REDUCE_LOGSUMEXP, (double[]){1000, 1000}, 2) - 1000.6931471805599) < 1e-9);
    assert_true(edge(f, REDUCE_PROD, (double[]){2, 3, 4}, 3) == 24);
}

/* A choice selects; it never multiplies by 0. */
static void test_choice(void **state) {
    Fixture *f = *state;
    Index *i = loop(f, "i", 4), *j = loop(f, "j", 4);
    Tensor *y = tensor(f, TENSOR_VALUE, "y", 2, (int64_t[]){4, 4});
    Expr masked = expr_if(f->pool, expr_op2(f->pool, OP_LE, at(f, j), at(f, i)), number(f, 1), number(f, -INFINITY));
    add(f, y, (Index *[]){i, j}, 2, expr_op1(f->pool, OP_EXP, masked));
    compare(f, &f->program->forward, 7);
}

static void test_literal_and_new_value(void **state) {
    Fixture *f = *state;
    Index *i = loop(f, "i", 3);
    Tensor *x = tensor(f, TENSOR_LITERAL, "x", 1, (int64_t[]){3}), *y = tensor(f, TENSOR_VALUE, "y", 1, (int64_t[]){3});
    x->literal = (const double[]){1, 2, 4};
    Expr read = expr_read(f->pool, x, (Expr[]){at(f, i)}, 1, NULL);
    add(f, y, &i, 1, read);
    Machine *machine = machine_new(f->program);
    machine_run(machine, &f->program->forward);
    assert_true(machine_values(machine, y)[2] == 4);
    f->program->forward.at[0]->value = times(f, read, read); /* a step may rewrite a statement that has run */
    machine_run(machine, &f->program->forward);
    assert_true(machine_values(machine, y)[2] == 16);
    machine_free(machine);
}

/* ---- Random statements */

static Expr random_expr(Fixture *f, Tensor *const *tensors, int tensor_count, Index **scope, int scope_count, int depth);

/* Any whole number made of the indices in scope. */
static Expr random_subscript(Fixture *f, Index **scope, int scope_count) {
    Expr sum = number(f, random_below(f, 5) - 2);
    for (int t = random_below(f, 3); t > 0; t--)
        sum = plus(f, sum, times(f, number(f, random_below(f, 5) - 2), at(f, scope[random_below(f, scope_count)])));
    if (random_below(f, 4) == 0) sum = expr_op2(f->pool, OP_FLOORDIV, sum, number(f, 2));
    if (random_below(f, 4) == 0)
        sum = plus(f, sum, expr_op2(f->pool, OP_MOD, at(f, scope[random_below(f, scope_count)]), number(f, 3)));
    return sum;
}

static Expr random_leaf(Fixture *f, Tensor *const *tensors, int tensor_count, Index **scope, int scope_count) {
    int kind = random_below(f, 8);
    if (kind == 0) return number(f, random_number(f) * 2 - 1);
    if (kind == 1) return at(f, scope[random_below(f, scope_count)]);
    if (kind == 2) {
        Index *a = scope[random_below(f, scope_count)], *b = scope[random_below(f, scope_count)];
        return expr_draw(f->pool, DRAW_UNIFORM, random_below(f, 3), (Expr[]){at(f, a), at(f, b)}, 2);
    }
    Tensor *x = tensors[random_below(f, tensor_count)];
    Expr subscripts[4];
    for (int i = 0; i < x->rank; i++) subscripts[i] = random_subscript(f, scope, scope_count);
    if (x->batched) { /* the batch is read at its own index, or near it */
        bool in_scope = false;
        for (int i = 0; i < scope_count; i++) in_scope |= scope[i] == f->program->batch;
        if (!in_scope) return number(f, 0.5);
        subscripts[0] = plus(f, at(f, f->program->batch), number(f, random_below(f, 3) - 1));
    } else if (random_below(f, 4) == 0 && x->rank > 0) { /* a subscript that a tensor gives */
        Tensor *index = tensors[0];
        subscripts[0] = expr_read(f->pool, index, (Expr[]){random_subscript(f, scope, scope_count)}, 1, number(f, -1));
    }
    return expr_read(f->pool, x, subscripts, x->rank, number(f, 0.25));
}

static Expr random_expr(Fixture *f, Tensor *const *tensors, int tensor_count, Index **scope, int scope_count, int depth) {
    static const Op one[] = {OP_NEG, OP_SIN, OP_TANH, OP_ABS, OP_SIGMOID, OP_SOFTPLUS, OP_SIGN, OP_FLOOR},
                    two[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN};
    int kind = depth == 0 ? 0 : random_below(f, 8);
    if (kind == 0) return random_leaf(f, tensors, tensor_count, scope, scope_count);
    if (kind == 1)
        return expr_op1(f->pool, one[random_below(f, 8)], random_expr(f, tensors, tensor_count, scope, scope_count, depth - 1));
    if (kind <= 5) {
        Expr a = random_expr(f, tensors, tensor_count, scope, scope_count, depth - 1),
             b = random_expr(f, tensors, tensor_count, scope, scope_count, depth - 1);
        if (kind < 5) return expr_op2(f->pool, two[random_below(f, 5)], a, b);
        return expr_if(f->pool, expr_op2(f->pool, OP_LT, a, b), b, a);
    }
    Index *bound[2] = {loop(f, "r", 1 + random_below(f, 4)), random_below(f, 3) == 0 ? f->program->batch : loop(f, "q", 2)};
    if (scope_count + 2 > 8) return number(f, 1);
    Index *inner[8];
    memcpy(inner, scope, sizeof *scope * (size_t)scope_count);
    memcpy(inner + scope_count, bound, sizeof bound);
    int count = 1 + random_below(f, 2);
    Expr body = random_expr(f, tensors, tensor_count, inner, scope_count + count, depth - 1);
    return expr_reduce(f->pool, (Reduction)random_below(f, 7), bound, count, body);
}

static void test_random_statements(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        void *own;
        setup(&own);
        Fixture *f = own;
        f->seed = seed;
        Tensor *tensors[4];
        tensors[0] = tensor(f, TENSOR_INPUT, "token", 1, (int64_t[]){9});
        tensors[0]->index_range = 5;
        tensors[1] = tensor(f, TENSOR_INPUT, "x", 2, (int64_t[]){7, 5});
        tensors[1]->batched = true;
        tensors[2] = tensor(f, TENSOR_PARAMETER, "w", 3, (int64_t[]){3, 4, 5});
        tensors[3] = tensor(f, TENSOR_PARAMETER, "s", 0, NULL);
        for (int s = 0; s < 3; s++) {
            Index *indices[3] = {f->program->batch, loop(f, "i", 1 + random_below(f, 40)), loop(f, "j", 1 + random_below(f, 5))};
            int64_t shape[3] = {7, indices[1]->size, indices[2]->size};
            int rank = 1 + random_below(f, 3), from = random_below(f, 2) == 0 && rank < 3 ? 1 : 0;
            Tensor *target = tensor(f, TENSOR_VALUE, "y", rank, shape + from);
            target->batched = from == 0;
            add(f, target, indices + from, rank, random_expr(f, tensors, 4, indices + from, rank, 4));
            if (random_below(f, 3) > 0) continue;
            Statement *scatter = f->program->forward.at[s];
            scatter->subscripts = NEW_ARRAY(f->arena, Expr, rank);
            for (int i = 0; i < rank; i++) scatter->subscripts[i] = random_subscript(f, indices + from, rank);
        }
        uint64_t drawn = f->drawn;
        compare(f, &f->program->forward, 7);
        compare(f, &f->program->forward, 1 + (int64_t)(drawn % 6));
        teardown(&own);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_convolution, setup, teardown),
        cmocka_unit_test_setup_teardown(test_softmax_and_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(test_embedding_and_scatter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_place_and_draws, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_indices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_choice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_literal_and_new_value, setup, teardown),
        cmocka_unit_test(test_random_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
