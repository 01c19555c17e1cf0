/* Reverse-mode differentiation, statement by statement (Griewank, Walther 2008, ch. 3; in index notation: Laue et al. 2018).

   Requires: a normalized forward; parameters to train are those that are not frozen.
   Ensures:  backward defines dA for every trained parameter A, and for every tensor between one and the loss; nothing else. What only
             frozen parameters would need does not exist.
   Example:  y[b, j] = sum(i: W[j, i] * x[b, i])   contributes   dW[j, i] = sum(b: dy[b, j] * x[b, i])

   Tensors are visited from the last to the first, so that when dA is written all statements that read A have been met; each of
   its reads A[f] in  Y[i] = sum(r: E)  contributes  dY[i] * dE/dA[f], summed over the indices that f does not fix (gather.c).
   The adjoints of a scan are a scan in the other direction: what h[t-1] was read for at t comes to dh[t] from t + 1. */
#include "tensor/steps.h"

typedef struct {
    const Statement *reader;
    Expr read; /* the EXPR_READ */
    Expr adjoint, seed;
    Index **indices; /* of the reader: its loops, then what it reduces over */
    int count;
    const char *laws;
} Contribution;

typedef struct {
    Program *program;
    Pool *pool;
    Arena *arena;
    bool *active;                      /* by tensor id: depends on a trained parameter, and the loss depends on it */
    Tensor **adjoint;                  /* by tensor id */
    Tensor **winner;                   /* of max and min: which point won; of prod: the product of the others */
    Vec(Contribution) * contributions; /* by tensor id */
} Derivation;

/* Through which children can a derivative flow? */
static bool flows(Expr e, int kid) {
    if (e->kind == EXPR_READ) return e->has_default && kid == e->count - 1;
    if (e->kind == EXPR_REDUCE) return e->reduction != REDUCE_ARGMAX && e->reduction != REDUCE_ARGMIN;
    if (e->kind != EXPR_OP || e->kids[kid]->condition || e->integer) return false;
    return !op_info(e->op)->condition && e->op != OP_STOP && e->op != OP_SIGN && e->op != OP_FLOOR && e->op != OP_FLOORDIV;
}

typedef void (*EachRead)(void *context, Expr read);

static void each_flow(Expr e, ExprMap *seen, EachRead each, void *context) {
    if (expr_map_get(seen, e) != NULL) return;
    expr_map_put(seen, e, e);
    if (e->kind == EXPR_READ) each(context, e);
    for (int k = 0; k < e->count; k++) {
        if (flows(e, k)) each_flow(e->kids[k], seen, each, context);
    }
}

static void is_the_tensor(void *context, Expr read) {
    const Tensor **wanted = context;
    if (read->tensor == *wanted) *wanted = NULL;
}

bool derivative_flows(Pool *pool, Expr e, const Tensor *from) {
    ExprMap seen = {.arena = pool_arena(pool)};
    each_flow(e, &seen, is_the_tensor, &from);
    return from == NULL;
}

/* ---- What must be derived */

typedef struct {
    const bool *on;
    bool found;
    bool *mark;
} Flow;

static void is_on(void *context, Expr read) {
    Flow *flow = context;
    flow->found |= flow->on[read->tensor->id];
}

static void set_mark(void *context, Expr read) { ((Flow *)context)->mark[read->tensor->id] = true; }

static void find_active(Derivation *d) {
    Program *program = d->program;
    bool *needed = NEW_ARRAY(d->arena, bool, program->all.count);
    for (size_t i = 0; i < program->parameters.count; i++) {
        d->active[program->parameters.at[i]->id] = !program->parameters.at[i]->frozen && !program->parameters.at[i]->running;
    }
    for (size_t i = 0, end; i < program->forward.count; i = end) { /* a scan, all together: its statements read each other */
        Flow flow = {.on = d->active};
        ExprMap seen = {.arena = d->arena};
        end = scan_end(&program->forward, i);
        for (size_t k = i; k < end; k++) each_flow(program->forward.at[k]->value, &seen, is_on, &flow);
        for (size_t k = i; k < end; k++) d->active[program->forward.at[k]->target->id] = flow.found;
    }
    needed[program->loss->id] = true;
    for (size_t end = program->forward.count, i; end > 0; end = i) {
        Flow flow = {.mark = needed};
        ExprMap seen = {.arena = d->arena};
        bool any = false;
        i = scan_begin(&program->forward, end - 1);
        for (size_t k = i; k < end; k++) any |= needed[program->forward.at[k]->target->id];
        for (size_t k = i; k < end && any; k++) each_flow(program->forward.at[k]->value, &seen, set_mark, &flow);
    }
    for (size_t i = 0; i < program->all.count; i++) d->active[i] = d->active[i] && needed[i];
}

/* ---- max, min and prod need more of the forward pass than their result */

static Expr flat_point(Pool *pool, Index *const *indices, int count) {
    Expr flat = expr_number(pool, 0);
    for (int i = 0; i < count; i++) {
        flat = expr_op2(pool, OP_ADD, expr_op2(pool, OP_MUL, flat, expr_number(pool, (double)indices[i]->size)),
                        expr_index(pool, indices[i]));
    }
    return flat;
}

static Tensor *auxiliary(Derivation *d, Statements *out, const Statement *s, const char *what, Index *const *indices, int count,
                         Expr value) {
    int64_t shape[count + 1];
    for (int i = 0; i < count; i++) shape[i] = indices[i]->size;
    Tensor *tensor = tensor_new(d->program, TENSOR_PART, arena_printf(d->arena, "%s_%s", s->target->name, what), count, shape);
    tensor->batched = count > 0 && indices[0]->batch;
    tensor->span = s->target->span;
    Origin origin = s->origin;
    origin.from = s;
    origin.rule = arena_printf(d->arena, "the backward pass of %s needs it", s->target->name);
    Statement *made = statement_add(d->program, out, tensor, indices, count, value, origin);
    made->part = s->part;
    made->scan = s->scan;
    return tensor;
}

/* The product over all points but this one: prod(k': if k' == k then 1 else e(k')), exact where a factor is 0. */
static Expr product_of_others(Pool *pool, Expr reduce) {
    int count = reduce->bound_count;
    Index *other[count];
    Expr to[count], here = expr_truth(pool, true);
    for (int i = 0; i < count; i++) {
        other[i] = index_like(pool, reduce->bound[i]);
        to[i] = expr_index(pool, other[i]);
        here = expr_op2(pool, OP_AND, here, expr_op2(pool, OP_EQ, to[i], expr_index(pool, reduce->bound[i])));
    }
    Expr body = expr_substitute(pool, reduce->kids[0], reduce->bound, to, count);
    return expr_reduce(pool, REDUCE_PROD, other, count, expr_if(pool, here, expr_number(pool, 1), body));
}

static void prepare_forward(Derivation *d) {
    Statements out = {0};
    for (size_t i = 0; i < d->program->forward.count; i++) {
        Statement *s = d->program->forward.at[i];
        vec_push(d->arena, &out, s);
        Expr e = s->value;
        if (e->kind != EXPR_REDUCE || !d->active[s->target->id]) continue;
        if (e->reduction == REDUCE_MAX || e->reduction == REDUCE_MIN) {
            bool max = e->reduction == REDUCE_MAX;
            Expr winner = expr_reduce(d->pool, max ? REDUCE_ARGMAX : REDUCE_ARGMIN, e->bound, e->bound_count, e->kids[0]);
            Tensor *tensor = auxiliary(d, &out, s, max ? "argmax" : "argmin", s->indices, s->count, winner);
            tensor->index_range = (int64_t)index_product(e->bound, e->bound_count);
            d->winner[s->target->id] = tensor;
        } else if (e->reduction == REDUCE_PROD) {
            Index *indices[s->count + e->bound_count];
            for (int k = 0; k < s->count; k++) indices[k] = s->indices[k];
            for (int k = 0; k < e->bound_count; k++) indices[s->count + k] = e->bound[k];
            d->winner[s->target->id] =
                auxiliary(d, &out, s, "others", indices, s->count + e->bound_count, product_of_others(d->pool, e));
        }
    }
    d->program->forward = out;
}

/* ---- One statement: the adjoint of every read in it */

typedef struct {
    Expr node;
    Vec(Expr) parts;  /* of its adjoint */
    const char *laws; /* by which they were found, all the way down to it */
} Node;
typedef struct {
    Arena *arena;
    ExprMap number;
    Vec(Node) nodes;
} Sweep;

static void collect(Sweep *sweep, Pool *pool, Expr e) {
    if (expr_map_get(&sweep->number, e) != NULL) return;
    expr_map_put(&sweep->number, e, expr_number(pool, (double)sweep->nodes.count));
    vec_push(sweep->arena, &sweep->nodes, (Node){.node = e, .laws = ""});
    for (int k = 0; k < e->count; k++) {
        if (flows(e, k)) collect(sweep, pool, e->kids[k]);
    }
}

typedef struct {
    const Derivation *d;
    bool found;
} Activity;

static void look_for_active(void *context, Expr e) {
    Activity *activity = context;
    activity->found |= e->kind == EXPR_READ && activity->d->active[e->tensor->id];
}

static bool is_active(const Derivation *d, Expr e) {
    Activity activity = {d, false};
    expr_visit(d->pool, e, look_for_active, &activity);
    return activity.found;
}

/* The rule by which e was derived; a shorter one where its second operand does not move. */
static const char *law_of(const Derivation *d, Expr e) {
    if (e->op == OP_ADD || e->op == OP_SUB || e->op == OP_NEG) return "";
    if (e->op == OP_POW && expr_is(e->kids[1], 2)) return "(a^2)' = 2 * a * a'";
    if (e->op == OP_POW && e->kids[1]->kind == EXPR_CONST) return "(a^c)' = c * a^(c - 1) * a'";
    if (e->op == OP_DIV && !is_active(d, e->kids[1])) return "(a / c)' = a' / c";
    return op_info(e->op)->law;
}

/* more: one or several, separated by "; " */
static const char *with_laws(Arena *arena, const char *laws, const char *more) {
    while (*more != '\0') {
        const char *end = strstr(more, "; ");
        const char *law = end == NULL ? more : arena_text(arena, more, (size_t)(end - more));
        if (strstr(laws, law) == NULL) laws = laws[0] == '\0' ? law : arena_printf(arena, "%s; %s", laws, law);
        more = end == NULL ? "" : end + 2;
    }
    return laws;
}

static void give(Derivation *d, Sweep *sweep, Expr node, Expr adjoint, const char *laws) {
    Expr number = adjoint == NULL || expr_is(adjoint, 0) ? NULL : expr_map_get(&sweep->number, node);
    if (number == NULL) return;
    Node *to = &sweep->nodes.at[(size_t)number->value];
    vec_push(sweep->arena, &to->parts, adjoint);
    to->laws = with_laws(d->arena, to->laws, laws);
}

/* Pairwise, so that a node with a thousand uses does not become a thousand levels deep. */
static Expr total(Pool *pool, const Expr *parts, size_t count) {
    if (count <= 8) {
        Expr sum = parts[0];
        for (size_t i = 1; i < count; i++) sum = expr_op2(pool, OP_ADD, sum, parts[i]);
        return sum;
    }
    return expr_op2(pool, OP_ADD, total(pool, parts, count / 2), total(pool, parts + count / 2, count - count / 2));
}

static Expr inside(Pool *pool, Expr read) {
    Expr guard = expr_truth(pool, true);
    for (int i = 0; i < read->tensor->rank; i++) {
        Expr size = expr_number(pool, (double)read->tensor->shape[i]);
        guard = expr_op2(pool, OP_AND, guard, expr_op2(pool, OP_GE, read->kids[i], expr_number(pool, 0)));
        guard = expr_op2(pool, OP_AND, guard, expr_op2(pool, OP_LT, read->kids[i], size));
    }
    return guard;
}

static int by_id_downwards(const Node *a, const Node *b) { return a->node->id > b->node->id ? -1 : a->node->id < b->node->id; }

static void sort_nodes(Sweep *sweep) {
    Node *at = sweep->nodes.at;
    size_t count = sweep->nodes.count;
    for (size_t gap = count / 2; gap > 0; gap /= 2) { /* Shell 1959 */
        for (size_t i = gap; i < count; i++) {
            for (size_t j = i; j >= gap && by_id_downwards(&at[j], &at[j - gap]) < 0; j -= gap) {
                Node swap = at[j];
                at[j] = at[j - gap];
                at[j - gap] = swap;
            }
        }
    }
}

/* The adjoints of all reads in `value`, whose own adjoint is `seed`; where the value itself is wanted, `result` reads it. laws: by which
   `seed` was found. */
static void derive_value(Derivation *d, const Statement *s, Expr value, Expr seed, Expr given, Expr result, Index **indices,
                         int count, const char *laws) {
    Arena *arena = arena_new();
    Sweep sweep = {.arena = arena, .number = {.arena = arena}};
    collect(&sweep, d->pool, value);
    sort_nodes(&sweep);
    for (size_t i = 0; i < sweep.nodes.count; i++)
        expr_map_put(&sweep.number, sweep.nodes.at[i].node, expr_number(d->pool, (double)i));
    give(d, &sweep, value, seed, laws);
    for (size_t i = 0; i < sweep.nodes.count; i++) {
        Node *node = &sweep.nodes.at[i];
        Expr e = node->node;
        if (node->parts.count == 0) continue;
        Expr adjoint = total(d->pool, node->parts.at, node->parts.count);
        if (e->kind == EXPR_READ) {
            if (e->has_default) {
                Expr guard = inside(d->pool, e);
                give(d, &sweep, e->kids[e->count - 1], expr_if(d->pool, guard, expr_number(d->pool, 0), adjoint), node->laws);
            }
            if (!d->active[e->tensor->id]) continue;
            Contribution c = {.reader = s,
                              .read = e,
                              .adjoint = adjoint,
                              .seed = given,
                              .indices = indices,
                              .count = count,
                              .laws = node->laws};
            vec_push(d->arena, &d->contributions[e->tensor->id], c);
        } else if (e->kind == EXPR_OP) {
            Expr out[3];
            op_partials(d->pool, e->op, e->kids, e == value && result != NULL ? result : e, adjoint, out);
            const char *down = with_laws(d->arena, node->laws, law_of(d, e));
            for (int k = 0; k < e->count; k++) {
                if (flows(e, k)) give(d, &sweep, e->kids[k], out[k], down);
            }
        }
    }
    arena_free(arena);
}

static void derive_statement(Derivation *d, const Statement *s) {
    Expr value = s->value, result = tensor_at(d->program, s->target, s->indices);
    bool reduces = value->kind == EXPR_REDUCE;
    int count = s->count + (reduces ? value->bound_count : 0);
    Index **indices = NEW_ARRAY(d->arena, Index *, count + 1);
    for (int i = 0; i < s->count; i++) indices[i] = s->indices[i];
    for (int i = s->count; i < count; i++) indices[i] = value->bound[i - s->count];
    Expr given =
        s->target == d->program->loss ? expr_number(d->pool, 1) : tensor_at(d->program, d->adjoint[s->target->id], s->indices);
    Expr seed = given;
    if (!reduces) {
        derive_value(d, s, value, seed, given, result, indices, count, "");
        return;
    }
    Tensor *winner = d->winner[s->target->id];
    Expr body = value->kids[0], zero = expr_number(d->pool, 0);
    const char *law = "";
    switch (value->reduction) {
    case REDUCE_SUM: break;
    case REDUCE_LOGSUMEXP:
        law = "logsumexp(a)' = sum(exp(a - logsumexp(a)) * a')";
        seed = adjoint_product(d->pool, seed, expr_op1(d->pool, OP_EXP, expr_op2(d->pool, OP_SUB, body, result)));
        break;
    case REDUCE_MAX:
    case REDUCE_MIN: {
        law = value->reduction == REDUCE_MAX ? "max(a)' = a' of the largest a" : "min(a)' = a' of the smallest a";
        Expr won = expr_op2(d->pool, OP_EQ, flat_point(d->pool, value->bound, value->bound_count),
                            tensor_at(d->program, winner, s->indices));
        seed = expr_if(d->pool, won, seed, zero);
        break;
    }
    case REDUCE_PROD:
        law = "prod(a)' = sum(a' * product of the others)";
        seed = adjoint_product(d->pool, seed, tensor_at(d->program, winner, indices));
        break;
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN: return;
    }
    derive_value(d, s, body, seed, given, NULL, indices, count, law);
}

/* ---- dA, from all that reads A */

/* target[what was read] += the contribution, over all indices of its reader */
static Statement *scatter(Derivation *d, Tensor *target, const Contribution *c, Origin origin) {
    Statement *s = statement_add(d->program, &d->program->backward, target, c->indices, c->count, c->adjoint, origin);
    s->subscripts = NEW_ARRAY(d->arena, Expr, target->rank + 1);
    for (int i = 0; i < target->rank; i++) s->subscripts[i] = c->read->kids[i];
    return s;
}

static Tensor *adjoint_of(Derivation *d, Tensor *tensor) {
    Tensor *adjoint = d->adjoint[tensor->id];
    if (adjoint == NULL) {
        const char *name = arena_printf(d->arena, "d%s", tensor->name);
        adjoint = tensor_new(d->program, TENSOR_ADJOINT, name, tensor->rank, tensor->shape);
        adjoint->of = tensor;
        adjoint->batched = tensor->batched;
    }
    adjoint->span = tensor->span;
    return d->adjoint[tensor->id] = adjoint;
}

/* scan: that of the adjoint, or NULL */
static void write_adjoint(Derivation *d, Tensor *tensor, const Scan *scan) {
    Program *program = d->program;
    Tensor *adjoint = adjoint_of(d, tensor);
    Index *axes[tensor->rank + 1];
    static const char *const letters[] = {"i", "j", "k", "l", "m", "o"};
    for (int i = 0; i < tensor->rank; i++) {
        const Statement *s = tensor->definition;
        axes[i] = s != NULL ? index_like(d->pool, s->indices[i])
                            : index_new(d->pool, name_of(pool_names(d->pool), letters[i % 6]), tensor->shape[i]);
    }
    Expr value = expr_number(d->pool, 0);
    Origin origin = {.span = tensor->span, .rule = "no part of the loss"};
    int part = 0;
    const char *through = "", *laws = "";
    Vec(Expr) terms = {0};
    Vec(const Contribution *) scattered = {0}; /* which element they go to the data say */
    for (size_t i = 0; i < d->contributions[tensor->id].count; i++) {
        const Contribution *c = &d->contributions[tensor->id].at[i];
        int step = scan != NULL && c->reader->scan == tensor->definition->scan ? scan_axis(tensor->definition) : -1;
        Expr term = gathered(d->pool, tensor, axes, c->indices, c->count, c->read->kids, c->adjoint, c->seed, step);
        if (term == NULL) vec_push(d->arena, &scattered, c);
        else vec_push(d->arena, &terms, term);
        origin.span = c->reader->origin.span;
        origin.inner = c->reader->origin.inner;
        origin.from = c->reader;
        part = c->reader->part;
        if (strstr(through, c->reader->target->name) == NULL)
            through = arena_printf(d->arena, "%s%s%s", through, *through ? ", " : "", c->reader->target->name);
        laws = with_laws(d->arena, laws, c->laws);
    }
    bool scatters = scattered.count == 1 && terms.count == 0;
    for (size_t i = 0; i < scattered.count && !scatters; i++) {
        Tensor *rows =
            tensor_new(program, TENSOR_PART, arena_printf(d->arena, "%s_rows", adjoint->name), tensor->rank, tensor->shape);
        rows->batched = tensor->batched;
        rows->span = tensor->span;
        scatter(d, rows, scattered.at[i], (Origin){.span = origin.span, .from = scattered.at[i]->reader, .rule = "chain rule"});
        vec_push(d->arena, &terms, tensor_at(program, rows, axes));
    }
    if (scatters) {
        origin.rule = arena_printf(d->arena, "chain rule through %s%s%s", through, *laws ? ": " : "", laws);
        scatter(d, adjoint, scattered.at[0], origin)->part = part;
        return;
    }
    if (terms.count > 0) {
        value = total(d->pool, terms.at, terms.count);
        origin.rule = arena_printf(d->arena, "chain rule through %s%s%s", through, *laws ? ": " : "", laws);
    }
    if (scan != NULL) {
        int axis = scan_axis(tensor->definition);
        value = expr_substitute(d->pool, value, &axes[axis], (Expr[]){expr_index(d->pool, scan->index)}, 1);
        axes[axis] = scan->index;
    }
    if (tensor->batched) { /* the batch has one index in the whole program */
        value = expr_substitute(d->pool, value, axes, (Expr[]){expr_index(d->pool, program->batch)}, 1);
        axes[0] = program->batch;
    }
    Statement *s = statement_add(program, &program->backward, adjoint, axes, tensor->rank, value, origin);
    s->part = part;
    s->scan = scan;
}

/* All readers of what the scan computes have been met but its own statements, which come first. */
static void derive_scan(Derivation *d, size_t begin, size_t end) {
    const Statements *forward = &d->program->forward;
    const Scan *scan = forward->at[begin]->scan;
    Scan *back = NEW(d->arena, Scan);
    *back = (Scan){index_like(d->pool, scan->index), !scan->reversed};
    for (size_t i = begin; i < end; i++) {
        if (d->active[forward->at[i]->target->id]) adjoint_of(d, forward->at[i]->target);
    }
    for (size_t i = end; i-- > begin;) {
        if (d->active[forward->at[i]->target->id]) derive_statement(d, forward->at[i]);
    }
    for (size_t i = end; i-- > begin;) {
        if (d->active[forward->at[i]->target->id]) write_adjoint(d, forward->at[i]->target, back);
    }
}

/* A winner that only chooses among what the scan computes is in it, too, and has no adjoint. */
static bool any_active(const Derivation *d, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
        if (d->active[d->program->forward.at[i]->target->id]) return true;
    }
    return false;
}

void differentiate(Program *program) {
    if (program->loss == NULL) return;
    size_t room = program->all.count + 2 * program->forward.count + 1;
    Derivation derivation = {.program = program, .pool = program->pool, .arena = pool_arena(program->pool)};
    Derivation *d = &derivation;
    d->active = NEW_ARRAY(d->arena, bool, room);
    d->adjoint = NEW_ARRAY(d->arena, Tensor *, room);
    d->winner = NEW_ARRAY(d->arena, Tensor *, room);
    d->contributions = arena_alloc(d->arena, sizeof *d->contributions * room);
    for (size_t i = 0; i < program->all.count; i++) { /* the optimizer named those of parameters */
        if (program->all.at[i]->kind == TENSOR_ADJOINT) d->adjoint[program->all.at[i]->of->id] = program->all.at[i];
    }
    find_active(d);
    prepare_forward(d);
    distribute_scans(program, &program->forward);
    for (size_t end = program->forward.count, i; end > 0; end = i) {
        const Statement *s = program->forward.at[end - 1];
        i = scan_begin(&program->forward, end - 1);
        if (!any_active(d, i, end)) continue;
        if (s->scan != NULL) {
            derive_scan(d, i, end);
            continue;
        }
        if (s->target != program->loss) write_adjoint(d, s->target, NULL);
        derive_statement(d, s);
    }
    for (size_t i = program->parameters.count; i-- > 0;) {
        if (!program->parameters.at[i]->frozen && !program->parameters.at[i]->running)
            write_adjoint(d, program->parameters.at[i], NULL);
    }
    distribute_scans(program, &program->backward);
}
