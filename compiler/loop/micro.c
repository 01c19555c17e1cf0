/* Gradient accumulation: a batch that is too large for the second cache is taken in micro-batches, whose gradients are added up. What one of
   them needs stays in the cache from its forward pass to its backward pass, and the work space has room for one alone.

   Requires: a simplified training program. Ensures, where a batch may be divided: statements over its examples are for one micro-batch; a
   sum over the batch begins at 0 and adds a part of its terms with each; what depends on such sums, as the update, runs once, at the end.
   Example:  dW[j, i] = sum(b: dh[b, j] * x[b, i]);  W[j, i] = W[j, i] - 0.1 * dW[j, i]        becomes
             first:          dW[j, i] = 0
             each:           dW[j, i] += sum(b: dh[b, j] * x[b, i])
             after the last: W[j, i] = W[j, i] - 0.1 * dW[j, i]
   The sum begins at what its target is, so the same numbers are added in the same order as for the whole batch: strict arithmetic has the
   same bits. A batch may not be divided where an example waits for a sum over all others, as behind a batch normalisation. */
#include "loop/cost.h"
#include "loop/schedule.h"

#include "tensor/steps.h"

/* When it is known: it depends on no example; on one; on the terms of a sum over them; on the whole sum. */
typedef enum { ONCE, EACH, SUMMED, AFTER } Phase;

typedef struct {
    Arena *arena;
    Program *program;
    Pool *pool;
    Phase *phase;           /* by tensor id */
    bool in_order;          /* terms are added in the order of the whole batch */
    bool divides;           /* nothing is in the way so far */
    const Statement *waits; /* what is in the way */
    /* of one statement: */
    bool reads_examples, reads_sums;
    Exprs sums;           /* over the batch */
    Vec(Index *) indices; /* over the batch, of all statements */
} Micro;

static bool over_batch(const Expr e) {
    for (int i = 0; e->kind == EXPR_REDUCE && i < e->bound_count; i++) {
        if (e->bound[i]->batch) return true;
    }
    return false;
}

static void look_for_batch(void *context, Expr e) { *(bool *)context |= over_batch(e); }

static void look(void *context, Expr e) {
    Micro *m = context;
    if (e->kind == EXPR_READ) {
        Phase phase = m->phase[e->tensor->id];
        m->reads_examples |= phase == EACH;
        m->reads_sums |= phase == SUMMED || phase == AFTER;
        if (phase == EACH) m->divides &= e->kids[0]->kind == EXPR_INDEX && e->kids[0]->index->batch;
    }
    if (e->kind == EXPR_REDUCE) { /* a sum over the batch in another one is not taken apart */
        bool nested = false;
        expr_visit(m->pool, e->kids[0], look_for_batch, &nested);
        m->divides &= !nested;
    }
    if (over_batch(e)) {
        m->divides &= e->reduction == REDUCE_SUM && (!m->in_order || e->bound[0]->batch);
        vec_push(m->arena, &m->sums, e);
    }
}

static bool scatters_examples(const Statement *s) {
    for (int i = 0; i < s->count; i++) {
        if (s->subscripts != NULL && s->indices[i]->batch) return true;
    }
    return false;
}

/* Does anything under a sum over the batch wait for another one? */
static void look_inside(Micro *m) {
    for (size_t i = 0; i < m->sums.count; i++) {
        Micro body = *m;
        body.sums = (Exprs){0};
        body.reads_sums = false;
        expr_visit(m->pool, m->sums.at[i]->kids[0], look, &body);
        m->divides &= body.divides && !body.reads_sums;
    }
}

static Phase phase_of(Micro *m, const Statement *s) {
    bool persistent = tensor_is_persistent(s->target);
    m->reads_examples = m->reads_sums = false;
    m->sums = (Exprs){0};
    expr_visit(m->pool, s->value, look, m);
    for (int k = 0; s->subscripts != NULL && k < s->target->rank; k++) expr_visit(m->pool, s->subscripts[k], look, m);
    bool sums = m->sums.count > 0;
    look_inside(m);
    if (s->target->batched || scatters_examples(s)) {
        m->divides &= !sums && !m->reads_sums && !persistent && (!m->in_order || s->indices[0]->batch);
        return s->target->batched ? EACH : SUMMED;
    }
    m->divides &= s->scan == NULL && s->subscripts == NULL && (sums || !m->reads_examples);
    if (sums) return persistent || s->value->kind != EXPR_REDUCE ? AFTER : SUMMED;
    return persistent || m->reads_sums ? AFTER : ONCE;
}

/* May the batch be divided? Finds the phase of each tensor. */
static bool find_phases(Micro *m) {
    const Program *program = m->program;
    const Statements *lists[] = {&program->forward, &program->backward, &program->update};
    m->phase = NEW_ARRAY(m->arena, Phase, program->all.count + 1);
    m->divides = true;
    for (size_t i = 0; i < program->all.count; i++) m->phase[program->all.at[i]->id] = program->all.at[i]->batched ? EACH : ONCE;
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count && m->divides; i++) {
            const Statement *s = lists[l]->at[i];
            Phase phase = phase_of(m, s);
            m->waits = s;
            if (l == 2) m->divides &= phase == ONCE || phase == AFTER;
            if (l == 2) phase = AFTER; /* what depends on the number of the step alone, too */
            if (!tensor_is_persistent(s->target)) m->phase[s->target->id] = phase; /* parameters are those from before the step */
        }
    }
    return m->divides;
}

/* ---- Fast arithmetic: what a sum over the batch adds for each example alike, it adds as often as there are examples:
        sum(b: l / batch_size + p[b])       becomes       batch_size * (l / batch_size) + sum(b: p[b])
   l, itself a sum over the batch, is known at its end alone. */

static Expr pulled(void *context, Expr e) {
    Program *program = context;
    Expr body = e->kind == EXPR_REDUCE ? e->kids[0] : NULL;
    bool over_batch_alone = body != NULL && e->reduction == REDUCE_SUM && e->bound_count == 1 && e->bound[0]->batch;
    if (!over_batch_alone || (!expr_is_op(body, OP_ADD) && !expr_is_op(body, OP_SUB))) return e;
    Expr sums[2];
    for (int k = 0; k < 2; k++) {
        Expr kid = body->kids[k];
        sums[k] = expr_depends(kid, e->bound[0])
                      ? pulled(program, expr_reduce(program->pool, REDUCE_SUM, e->bound, 1, kid))
                      : expr_op2(program->pool, OP_MUL, expr_read(program->pool, program->batch_size, NULL, 0, NULL), kid);
    }
    return expr_op2(program->pool, body->op, sums[0], sums[1]);
}

/* Does that make it possible to divide the batch? If not, all stays as it is. */
static bool pull_apart(Micro *m) {
    Statements *list = &m->program->forward;
    Expr *before = NEW_ARRAY(m->arena, Expr, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        before[i] = list->at[i]->value;
        list->at[i]->value = expr_replace(m->pool, before[i], pulled, m->program);
    }
    const Statement *waits = m->waits;
    if (find_phases(m)) return true;
    for (size_t i = 0; i < list->count; i++) list->at[i]->value = before[i];
    m->waits = waits;
    return false;
}

/* ---- Sums that grow from one micro-batch to the next */

typedef struct {
    Micro *m;
    MicroBatches *micro;
    Statements list; /* the new one */
    ExprMap found;   /* for each sum over the batch: what reads it */
} Dividing;

static void begin_at_zero(Dividing *d, const Statement *s) {
    Tensor *target = s->target;
    Statement *zero = NEW(d->m->arena, Statement);
    Index **indices = NEW_ARRAY(d->m->arena, Index *, target->rank + 1);
    for (int i = 0; i < target->rank; i++) indices[i] = index_of_axis(d->m->program, target, i, target->shape[i]);
    *zero = (Statement){.target = target, .indices = indices, .count = target->rank, .origin = s->origin};
    zero->value = expr_number(d->m->pool, 0);
    vec_push(d->m->arena, &d->micro->zeros, zero);
}

/* One micro-batch alone has all terms of its part. */
static void grow(Dividing *d, Statement *s) {
    if (d->micro->share == d->micro->size) return;
    begin_at_zero(d, s);
    s->adds = true;
}

static Expr replaced(void *context, Expr e) {
    Expr found = expr_map_get(context, e);
    return found != NULL ? found : e;
}

/* A sum in a formula, as -sum(b: ...) / batch_size, becomes a tensor. */
static void take_apart(Dividing *d, Statement *s) {
    const Exprs sums = d->m->sums;
    for (size_t i = 0; i < sums.count; i++) {
        if (expr_map_get(&d->found, sums.at[i]) != NULL) continue;
        expr_map_put(&d->found, sums.at[i], part_for(d->m->program, &d->list, s, sums.at[i], "sum"));
        grow(d, d->list.at[d->list.count - 1]);
    }
    s->value = expr_replace(d->m->pool, s->value, replaced, &d->found);
}

static void divide(Dividing *d, Statements *list) {
    d->list = (Statements){0};
    for (size_t i = 0; i < list->count; i++) {
        Statement *s = list->at[i];
        Phase phase = phase_of(d->m, s);
        if (phase == SUMMED) grow(d, s);
        if (phase == AFTER && d->m->sums.count > 0) take_apart(d, s);
        vec_push(d->m->arena, &d->list, s);
    }
    *list = d->list;
}

/* ---- The batch of the program is a micro-batch; random numbers go on where the one before it ended */

static void note_index(Micro *m, Index *index) {
    if (!index->batch || index->size == 0) return;
    for (size_t i = 0; i < m->indices.count; i++) {
        if (m->indices.at[i] == index) return;
    }
    vec_push(m->arena, &m->indices, index);
}

static void note_bound(void *context, Expr e) {
    for (int i = 0; e->kind == EXPR_REDUCE && i < e->bound_count; i++) note_index(context, e->bound[i]);
}

static void find_indices(Micro *m) {
    const Statements *lists[] = {&m->program->forward, &m->program->backward, &m->program->update};
    note_index(m, m->program->batch);
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Statement *s = lists[l]->at[i];
            for (int k = 0; k < s->count; k++) note_index(m, s->indices[k]);
            expr_visit(m->pool, s->value, note_bound, m);
        }
    }
}

static void set_size(const Micro *m, int64_t size) {
    for (size_t i = 0; i < m->indices.count; i++) m->indices.at[i]->size = size;
    for (size_t i = 0; i < m->program->all.count; i++) {
        if (m->program->all.at[i]->batched) m->program->all.at[i]->shape[0] = size;
    }
}

static Expr draw_on(void *context, Expr e) {
    Program *program = context;
    if (e->kind != EXPR_DRAW) return e;
    Expr kids[e->count + 1];
    for (int i = 0; i < e->count; i++) {
        bool batch = e->kids[i]->kind == EXPR_INDEX && e->kids[i]->index->batch;
        kids[i] = batch ? expr_op2(program->pool, OP_ADD, e->kids[i], expr_read(program->pool, program->done, NULL, 0, NULL))
                        : e->kids[i];
    }
    return expr_draw(program->pool, e->draw, (int)e->value, kids, e->count);
}

static void draw_what_is_left(Program *program, int64_t batch) {
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    program->done = tensor_new(program, TENSOR_SETTING, "done", 0, NULL);
    program->done->index_range = batch;
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            if (s->value->draws) s->value = expr_replace(program->pool, s->value, draw_on, program);
        }
    }
}

/* ---- How many examples */

enum {
    LEAST_USE = 16, /* multiply-adds of an example for each weight: below, weights are read for many examples at a time */
    WEIGHTS = 16    /* times the weights: what a micro-batch needs, or reading and adding to them for each takes too long */
};
static const double LARGE = 2.75, /* times the second cache: batches of 2.4 lose little there, of 2.8 a sixth */
    FEW = 0.1,                    /* a share of multiply-adds that does not matter */
    AS_FAST = 1.04,               /* what the model may say of a few examples at a time, by what it says of full vectors, ... */
    OF_LARGE = 1.16,              /* ... and where the batch is large: it knows little of what the caches win */
    NOT_LANES = 1.02;             /* what it says of half a vector of examples, where they are in the lanes of no vector */

typedef struct {
    const Statement *s;
    double points; /* multiply-adds for one example, in one step of a scan */
    bool few;      /* for some weight */
} Use;

static double product_for_example(Index *const *indices, int count, const Statement *s) {
    double points = 1;
    for (int i = 0; i < count; i++) {
        bool step = s->scan != NULL && indices[i] == s->scan->index;
        if (!indices[i]->batch && !step) points *= (double)indices[i]->size;
    }
    return points;
}

static void note_terms(void *context, Expr e) {
    Use *use = context;
    if (e->kind != EXPR_REDUCE) return;
    double points =
        product_for_example(use->s->indices, use->s->count, use->s) * product_for_example(e->bound, e->bound_count, use->s);
    if (points > use->points) use->points = points;
}

static void note_weight(void *context, Expr e) {
    Use *use = context;
    bool weight = e->kind == EXPR_READ && !e->tensor->batched && e->tensor->rank > 1;
    if (weight && use->points < LEAST_USE * tensor_points(e->tensor)) use->few = true;
}

/* Is the work of an example such that it pays to read weights for that one alone? */
static bool uses_weights_often(const Micro *m) {
    const Program *program = m->program;
    const Statements *lists[] = {&program->forward, &program->backward};
    double few = 0, all = 0;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Use use = {.s = lists[l]->at[i]};
            if (!use.s->value->reduces) continue;
            expr_visit(m->pool, use.s->value, note_terms, &use);
            expr_visit(m->pool, use.s->value, note_weight, &use);
            if (!use.s->target->batched) use.few |= use.points < LEAST_USE * tensor_points(use.s->target);
            double times = use.s->scan != NULL ? (double)use.s->scan->index->size : 1;
            all += times * use.points;
            few += use.few ? times * use.points : 0;
        }
    }
    return few <= FEW * all;
}

/* What a model says of the time for one example, if all tensors stood as each sum wants them. */
static double cycles_for_example(LoopProgram *loop, const Micro *m, const Groups *sums, int64_t size) {
    set_size(m, size);
    return least_cycles(loop, m->program, sums) / (double)size;
}

/* The statements with sums of a step. */
static Groups groups_with_sums(const Micro *m) {
    const Statements *lists[] = {&m->program->forward, &m->program->backward};
    Groups sums = {0};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Group one = {0};
            vec_push(m->arena, &one.list, lists[l]->at[i]);
            if (lists[l]->at[i]->value->reduces) vec_push(m->arena, &sums, one);
        }
    }
    return sums;
}

/* All, where they fit the second cache; a few, but as many as are worth an addition to each gradient, where neither weights nor lanes ask
   for more; half as many as a vector has lanes, where lanes do not ask for more; or as many as fill two vectors. */
static int64_t choose_size(LoopProgram *loop, const Micro *m, int64_t batch) {
    const int64_t whole = m->program->batch->size;
    const int bytes = loop->is_double ? 8 : 4;
    double example = 0, weights = 0; /* bytes */
    if (loop->options.target->bytes == 0 || loop->options.unroll != UNROLL_AUTO) return batch;
    for (size_t i = 0; i < m->program->all.count; i++) {
        const Tensor *t = m->program->all.at[i];
        if (t->batched) example += bytes * tensor_points(t) / (double)whole;
        if (m->phase[t->id] == SUMMED && t->rank > 1) weights += bytes * tensor_points(t);
    }
    bool large = (double)batch * example > LARGE * L2;
    if ((double)batch * example < L2) return batch;
    int64_t few = 1, vectors = 2 * loop->options.target->bytes / bytes, half = vectors / 4;
    while ((double)few * example < 2 * weights) few *= 2;
    bool suits_few = few < vectors && few < batch && uses_weights_often(m);
    bool suits_half = large && half < batch && (double)half * example > WEIGHTS * weights;
    if (suits_few || suits_half) {
        const Groups sums = groups_with_sums(m);
        double with_vectors = cycles_for_example(loop, m, &sums, vectors), most = (large ? OF_LARGE : AS_FAST) * with_vectors;
        suits_few = suits_few && cycles_for_example(loop, m, &sums, few) < most;
        suits_half = suits_half && !suits_few && cycles_for_example(loop, m, &sums, half) < NOT_LANES * with_vectors;
        set_size(m, whole);
    }
    if (suits_few) return few;
    if (suits_half) return half;
    bool pays = large && (double)vectors * example > WEIGHTS * weights;
    return pays && vectors < batch ? vectors : batch;
}

/* ---- Threads: each has a part of the batch, and gradients of its own, which are added in the order of the parts. That takes fast
   arithmetic. Else threads share loops, which find each gradient once, but they meet behind every statement, and read what others wrote. */

static const double LEAST_PART = 50000, /* multiply-adds of a part, or vectors of them: less is over before threads have met */
    ADDED_MEANWHILE = 15000;            /* bytes of gradients that are added in the time that sharing a statement costs */

static bool suits_parts(const LoopProgram *loop, const Micro *m, int64_t share) {
    const Statements *lists[] = {&m->program->forward, &m->program->backward};
    const int bytes = loop->is_double ? 8 : 4,
              lanes = (loop->options.target->bytes > 0 ? loop->options.target->rate : LINE / 2) / bytes;
    double operations = 0, sums = 0, statements = 0;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const Statement *s = lists[l]->at[i];
            Group one = {0};
            vec_push(m->arena, &one.list, lists[l]->at[i]);
            const GroupWork work = work_of_group(m->pool, &one);
            statements += s->scan != NULL ? (double)s->scan->index->size : 1;
            operations += index_product(s->indices, s->count) * work.terms * work.body;
        }
    }
    for (size_t i = 0; i < m->program->all.count; i++) {
        const Tensor *t = m->program->all.at[i];
        if (m->phase[t->id] == SUMMED) sums += bytes * tensor_points(t);
    }
    operations *= (double)share / (double)m->program->batch->size / lanes;
    return operations >= LEAST_PART && sums <= ADDED_MEANWHILE * statements;
}

const MicroBatches *micro_of(const LoopProgram *loop, const Routine *routine) {
    if (routine == &loop->step) return loop->micro;
    return routine == &loop->evaluate || routine == &loop->predict ? loop->micro_inference : NULL;
}

int loop_parts(const LoopProgram *loop, const Routine *routine) {
    const MicroBatches *micro = micro_of(loop, routine);
    return micro != NULL ? micro->parts : 1;
}

static void find_occasions(const Micro *m, size_t phases, MicroBatches *micro) {
    micro->when = NEW_ARRAY(m->arena, When, m->program->all.count + 1);
    for (size_t i = 0; i < phases; i++) micro->when[i] = m->phase[i] == ONCE ? IF_FIRST : m->phase[i] == AFTER ? IF_LAST : ALWAYS;
    for (size_t i = 0; i < phases; i++) {
        if (tensor_is_persistent(m->program->all.at[i])) micro->when[m->program->all.at[i]->id] = IF_LAST;
    }
}

Groups in_micro_batches(Arena *arena, const MicroBatches *micro, const Groups *step) {
    Groups all = {0};
    for (size_t i = 0; i < micro->zeros.count; i++) {
        Group zero = {.when = IF_FIRST};
        vec_push(arena, &zero.list, micro->zeros.at[i]);
        vec_push(arena, &all, zero);
    }
    for (int last = 0; last < (micro->parts > 1 ? 2 : 1); last++) { /* behind all parts runs what needs them all */
        for (size_t i = 0; i < step->count; i++) {
            Group group = step->at[i];
            group.when = micro->when[group.list.at[0]->target->id];
            if (micro->parts == 1 || (group.when == IF_LAST) == (last == 1)) vec_push(arena, &all, group);
        }
    }
    return all;
}

MicroBatches *divide_batch(LoopProgram *loop, Program *program, int64_t size) {
    Micro m = {.arena = loop->arena, .program = program, .pool = program->pool, .in_order = !loop->options.fast};
    const int64_t batch = loop->model->settings.batch, threads = loop->options.threads > 1 ? loop->options.threads : 1;
    int64_t share = (batch + threads - 1) / threads;
    bool trains = program == loop->model->training,
         parts = threads > 1 && loop->options.fast && loop->options.unroll == UNROLL_AUTO;
    if (size >= batch || batch == 1 || (threads > 1 && !parts) || loop->options.gradients) return NULL;
    if (!find_phases(&m) && !(loop->options.fast && pull_apart(&m))) {
        loop->undivided = m.waits;
        return NULL;
    }
    find_indices(&m);
    if (size == 0) size = choose_size(loop, &m, share);
    if (size >= batch || (parts && trains && !loop->options.parts && !suits_parts(loop, &m, share))) return NULL;
    MicroBatches *micro = NEW(loop->arena, MicroBatches);
    size_t phases = program->all.count;
    micro->size = size;
    micro->share = share;
    micro->parts = (int)((batch + share - 1) / share);
    Dividing dividing = {.m = &m, .micro = micro, .found = {.arena = loop->arena}};
    divide(&dividing, &program->forward);
    divide(&dividing, &program->backward);
    set_size(&m, size);
    draw_what_is_left(program, batch);
    find_occasions(&m, phases, micro);
    return micro;
}
