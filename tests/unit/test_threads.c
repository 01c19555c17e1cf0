/* Loops that threads share: every iteration is run by name, with all numbers in the place of its indices, and what it reads and writes is
   written down. No element that one iteration writes may be touched by another, of the same loop or of what follows without a meeting.
   The compiler decides this by arithmetic on ranges; here the elements themselves are compared. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compile.h"

enum { MOST_OPEN = 32, SLOTS = 1 << 20 };

/* An element. */
typedef struct {
    uint64_t key; /* 0: free */
    int64_t iteration;
    bool written, by_many;
} Touched;

typedef struct {
    Pool *pool;
    Index *open[MOST_OPEN]; /* indices of the loops around, and their values */
    Expr values[MOST_OPEN];
    int count;
    int64_t iteration;
    Touched *touched;
    Vec(const Tensor *) own; /* variables that are declared inside */
    Arena *arena;
    const Routine *routine;
    const Tensor **in_space; /* by number of the space: what is in it since threads met */
    bool goes_on;            /* they have not met behind what came last */
    int races, loops, unwaited;
} Races;

/* Before what threads share, or one of them runs. */
static void begin(Races *r, const Node *node) {
    r->unwaited += r->goes_on;
    if (!r->goes_on) {
        memset(r->touched, 0, sizeof *r->touched * SLOTS);
        memset(r->in_space, 0, sizeof *r->in_space * (size_t)(r->routine->spaces + 1));
    }
    r->goes_on = node->unwaited;
}

static bool is_own(const Races *r, const Tensor *t) {
    for (size_t i = 0; i < r->own.count; i++) {
        if (r->own.at[i] == t) return true;
    }
    return false;
}

static void touch_key(Races *r, uint64_t key, bool writes) {
    size_t at = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 44) % SLOTS;
    while (r->touched[at].key != 0 && r->touched[at].key != key) at = (at + 1) % SLOTS;
    Touched *t = &r->touched[at];
    if (t->key == 0) *t = (Touched){.key = key, .iteration = r->iteration};
    t->written |= writes;
    t->by_many |= t->iteration != r->iteration;
    r->races += t->written && t->by_many;
}

/* Where the data say which element it is, all are one. */
static void touch(Races *r, const Tensor *t, const Expr *subscripts, bool writes) {
    uint64_t flat = 0;
    const Tensor **space = &r->in_space[r->routine->space[t->id]];
    r->races += space != r->in_space && *space != NULL && *space != t;
    *space = t;
    for (int k = 0; k < t->rank; k++) {
        Expr at = expr_substitute(r->pool, subscripts[k], r->open, r->values, r->count);
        double place = at->kind == EXPR_CONST ? at->value : 0;
        if (place < 0 || place >= (double)t->shape[k]) return; /* outside: the default */
        flat = flat * (uint64_t)t->shape[k] + (uint64_t)place;
    }
    touch_key(r, ((uint64_t)t->id + 1) << 40 | flat, writes);
}

static void touch_read(void *context, Expr e) {
    Races *r = context;
    if (e->kind == EXPR_READ && !e->tensor->local && !is_own(r, e->tensor)) touch(r, e->tensor, e->kids, false);
}

static void run_nodes(Races *r, const Nodes *nodes);

static int64_t first_of(const Node *loop) {
    return loop->rest > 0 ? loop->index->size - loop->index->size % loop->rest : loop->index->first;
}

/* Calls for each value of the loop's index. */
static void each(Races *r, const Node *loop, int64_t most, void (*call)(Races *r, const Node *loop, int left), int left) {
    int64_t step = loop->step > 1 ? loop->step : 1, done = 0;
    assert_true(r->count < MOST_OPEN);
    r->open[r->count++] = loop->index;
    for (int64_t i = first_of(loop); i + step <= loop->index->size && done < most; i += step, done++) {
        r->values[r->count - 1] = expr_number(r->pool, (double)i);
        call(r, loop, left);
    }
    r->count--;
}

static void run_body(Races *r, const Node *loop, int left) {
    (void)left;
    run_nodes(r, &loop->body);
}

static void run_nodes(Races *r, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->value != NULL) expr_visit(r->pool, node->value, touch_read, r);
        for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++)
            expr_visit(r->pool, node->subscripts[k], touch_read, r);
        switch (node->kind) {
        case NODE_BLOCK:
        case NODE_IF: run_nodes(r, &node->body); break;
        case NODE_LOOP:
            assert_int_equal(node->parallel, 0);
            each(r, node, INT64_MAX, run_body, 0);
            break;
        case NODE_LET:
            if (!is_own(r, node->target)) vec_push(r->arena, &r->own, node->target);
            break;
        case NODE_SET: r->races += !is_own(r, node->target); break;
        case NODE_STORE:
            if (!is_own(r, node->target)) touch(r, node->target, node->subscripts, true);
            break;
        }
    }
}

/* `left` more loops inside belong to the nest that is shared. */
static void run_iteration(Races *r, const Node *loop, int left) {
    if (left > 0) {
        each(r, loop->body.at[0], INT64_MAX, run_iteration, left - 1);
        return;
    }
    r->iteration++;
    r->own.count = 0;
    run_nodes(r, &loop->body);
}

static void find_loops(Races *r, const Nodes *nodes);

static void find_inside(Races *r, const Node *loop, int left) {
    (void)left;
    find_loops(r, &loop->body);
}

/* Where they meet behind a loop around the one that they share, iterations of both may run at the same time. */
static int loops_to_shared(const Node *node) {
    assert_int_equal(node->body.count, 1);
    return node->body.at[0]->parallel > 0 ? 1 : 1 + loops_to_shared(node->body.at[0]);
}

/* Threads meet behind a shared loop, if it does not say that they go on. Of loops around it two values are enough. */
static void find_loops(Races *r, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->alone > 0) {
            const Nodes here = {.at = &nodes->at[i], .count = (size_t)node->alone};
            begin(r, node);
            r->iteration++;
            r->own.count = 0;
            run_nodes(r, &here);
            i += here.count - 1;
        } else if (node->parallel > 0 || node->meet) {
            begin(r, node);
            each(r, node, INT64_MAX, run_iteration, node->meet ? loops_to_shared(node) : node->parallel - 1);
            r->loops++;
        } else if (node->kind == NODE_LOOP && loop_is_shared(node)) {
            r->goes_on = false;
            each(r, node, 2, find_inside, 0);
        } else {
            find_loops(r, &node->body);
        }
    }
}

static int unwaited; /* of all models: how often threads go on without waiting */

/* The number of races; *loops gets how many loops are shared. */
static int races_of(const char *text, const char *target, bool fast, int64_t batch, int wait, int *loops) {
    Compilation *c = compilation_new();
    c->source = source_add(c->context.sources, "model.nn", text, strlen(text), false);
    c->options = (CompileOptions){.check = true, .batch = batch, .lower = true};
    c->options.loop = (LoopOptions){
        .target = target_find(target), .fast = fast, .unroll = UNROLL_AUTO, .threads = 2, .wait = wait, .columns = wait > 0};
    Races r = {.arena = arena_new(), .touched = calloc(SLOTS, sizeof *r.touched)};
    if (!compile(c, stdout)) diagnostics_print(c->context.diagnostics, stderr, false);
    assert_non_null(c->loop);
    for (int i = 0; i < ROUTINES; i++) {
        const Routine *routine = loop_routine(c->loop, i, NULL);
        if (routine->program == NULL) continue;
        r.pool = routine->program->pool;
        r.routine = routine;
        r.in_space = NEW_ARRAY(r.arena, const Tensor *, routine->spaces + 1);
        r.goes_on = false;
        if (loop_parallel_blocks(routine) > 0) find_loops(&r, &routine->body);
    }
    *loops = r.loops;
    unwaited += r.unwaited;
    free(r.touched);
    arena_free(r.arena);
    compilation_free(c);
    return r.races;
}

#ifndef NNC_RACES_OF_FILES
static const struct {
    const char *name, *text;
    int64_t batch;
} models[] = {
    {"dense",
     "input x[33]\ntarget t[7]\n"
     "output = x -> dense(70) -> tanh -> dropout(0.2) -> dense(7) -> softmax\n"
     "loss = cross_entropy(output, t)\noptimizer = adam(rate = 0.1)\n",
     19},
    {"batch norm",
     "input x[40]\ntarget t[7]\n"
     "output = x -> dense(33) -> batch_norm -> relu -> dense(7) -> softmax\n"
     "loss = cross_entropy(output, t)\noptimizer = momentum(rate = 0.1)\n",
     21},
    {"convolution",
     "input x[2, 12, 12]\ntarget t[5]\n"
     "output = x -> conv2d(6, kernel = 3, pad = 1) -> relu -> max_pool(2) -> conv2d(8, kernel = 3) -> flatten\n"
     "  -> dense(5) -> softmax\n"
     "loss = cross_entropy(output, t)\noptimizer = sgd(rate = 0.1)\n",
     3},
    {"recurrence",
     "input x[3, 9]\ntarget t[4]\n"
     "output = x -> lstm(24) -> last_step -> dense(4) -> softmax\n"
     "loss = cross_entropy(output, t)\noptimizer = sgd(rate = 0.1)\n",
     5},
    {"tokens",
     "input x[8] : index(11)\ntarget t[8] : index(11)\n"
     "output = x -> embedding(16) -> attention(16, heads = 2, causal = true) -> layer_norm -> dense(11) -> softmax\n"
     "loss = cross_entropy(output, one_hot(t))\noptimizer = adamw(rate = 0.1)\n",
     3},
};

static void test_no_races(void **state) {
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        for (int vectors = 0; vectors < 2; vectors++) {
            const char *target = vectors ? "x86-64-v4" : "portable";
            int loops, races = races_of(models[m].text, target, vectors, models[m].batch, 1, &loops);
            if (races > 0 || loops == 0) print_error("%s, %s: %d races in %d loops\n", models[m].name, target, races, loops);
            assert_int_equal(races, 0);
            assert_true(loops > 0);
        }
    }
    assert_true(unwaited > 20);
}

/* What takes no time is not shared. */
static void test_small_models(void **state) {
    (void)state;
    int loops;
    assert_int_equal(races_of("input x[2]\ntarget t[1]\noutput = x -> dense(2) -> sigmoid -> dense(1) -> sigmoid\n"
                              "loss = mean_squared_error(output, t)\noptimizer = sgd(rate = 0.1)\n",
                              "portable", false, 4, 0, &loops),
                     0);
    assert_int_equal(loops, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_races), cmocka_unit_test(test_small_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
