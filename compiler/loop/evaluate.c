/* Runs a loop program node by node, in its own number type, rounding every operation as strict code does: the judge of the printers.
   Elementary functions are the runtime's. Slow. */
#include "loop/evaluate.h"

#include <math.h>

#include "functions.h"
#include "functions_double.h"
#include "random.h"
#include "tensor/affine.h"

struct LoopMachine {
    Arena *arena;
    const LoopProgram *loop;
    const Routine *routine;
    double **values;  /* by tensor id: row-major */
    double *locals;   /* by local's number */
    double **arrays;  /* ... of those that are arrays */
    int64_t *indices; /* by index id */
    size_t index_room;
    int64_t examples;
    uint64_t seed, step; /* of random numbers */
};

/* ---- Memory */

double *loop_values(LoopMachine *m, const Tensor *tensor) {
    if (tensor->local && tensor->array) {
        double **array = &m->arrays[tensor->id - FIRST_LOCAL];
        if (*array == NULL) *array = NEW_ARRAY(m->arena, double, tensor->shape[0]);
        return *array;
    }
    if (tensor->local) return &m->locals[tensor->id - FIRST_LOCAL];
    if (m->values[tensor->id] == NULL) {
        size_t points = (size_t)tensor_points(tensor);
        m->values[tensor->id] = NEW_ARRAY(m->arena, double, points);
        for (size_t i = 0; i < points; i++) m->values[tensor->id][i] = NAN; /* nothing may read it before it is written */
        if (tensor->kind == TENSOR_LITERAL) memcpy(m->values[tensor->id], tensor->literal, sizeof(double) * points);
        if (tensor->kind == TENSOR_LITERAL && !m->loop->is_double) {
            for (size_t i = 0; i < points; i++) m->values[tensor->id][i] = (double)(float)tensor->literal[i];
        }
    }
    return m->values[tensor->id];
}

LoopMachine *loop_machine_new(const LoopProgram *loop, const Program *program) {
    Arena *arena = arena_new();
    LoopMachine *m = NEW(arena, LoopMachine);
    *m = (LoopMachine){.arena = arena, .loop = loop};
    m->values = NEW_ARRAY(arena, double *, program->all.count + 1);
    m->locals = NEW_ARRAY(arena, double, (size_t)loop->locals + 1);
    m->arrays = NEW_ARRAY(arena, double *, (size_t)loop->locals + 1);
    m->index_room = pool_indices(program->pool);
    m->indices = NEW_ARRAY(arena, int64_t, m->index_room + 1);
    return m;
}

void loop_machine_free(LoopMachine *m) {
    if (m != NULL) arena_free(m->arena);
}

/* ---- Expressions */

static double evaluate(LoopMachine *m, Expr e);

static double rounded(bool is_double, double x) { return is_double ? x : (double)(float)x; }

#define EITHER(function) (is_double ? nnc_##function(a) : (double)nnc_##function##f((float)a))
#define EITHER2(function) (is_double ? nnc_##function(a, b) : (double)nnc_##function##f((float)a, (float)b))

static double function(bool is_double, Op op, double a, double b, double c) {
    switch (op) {
    case OP_POW: return EITHER2(pow);
    case OP_MOD: return EITHER2(mod);
    case OP_MAX: return EITHER2(max);
    case OP_MIN: return EITHER2(min);
    case OP_EXP: return EITHER(exp);
    case OP_LOG: return EITHER(log);
    case OP_SQRT: return EITHER(sqrt);
    case OP_SIN: return EITHER(sin);
    case OP_COS: return EITHER(cos);
    case OP_TAN: return EITHER(tan);
    case OP_TANH: return EITHER(tanh);
    case OP_SINH: return EITHER(sinh);
    case OP_COSH: return EITHER(cosh);
    case OP_ATAN: return EITHER(atan);
    case OP_ABS: return EITHER(abs);
    case OP_SIGN: return EITHER(sign);
    case OP_FLOOR: return EITHER(floor);
    case OP_EXPM1: return EITHER(expm1);
    case OP_ERF: return EITHER(erf);
    case OP_SIGMOID: return EITHER(sigmoid);
    case OP_SOFTPLUS: return EITHER(softplus);
    /* exact, or rounded once: a double of two floats, rounded to float, is the float (Figueroa 1995) */
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_NEG: return rounded(is_double, op_value(op, a, b, c));
    case OP_FLOORDIV:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_EQ:
    case OP_NE:
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_IF:
    case OP_STOP: return op_value(op, a, b, c);
    case OP_COUNT: break;
    }
    bug("no function %d", (int)op);
}

double loop_value(Op op, double a, double b, double c) { return function(true, op, a, b, c); }

double loop_value_float(Op op, double a, double b, double c) {
    return function(false, op, rounded(false, a), rounded(false, b), rounded(false, c));
}

static bool find_point(LoopMachine *m, const Tensor *tensor, const Expr *subscripts, size_t *point) {
    *point = 0;
    if (tensor->local && !tensor->array) return true;
    for (int i = 0; i < tensor->rank; i++) {
        double at = evaluate(m, subscripts[i]);
        if (at < 0 || at >= (double)tensor->shape[i]) return false;
        *point = *point * (size_t)tensor->shape[i] + (size_t)at;
    }
    return true;
}

static double draw(LoopMachine *m, Expr e) {
    double number = nnc_random_uniform(m->seed, (uint64_t)e->value, m->step, (uint64_t)evaluate(m, e->kids[0]));
    if (e->draw == DRAW_UNIFORM) return number;
    return number < (e->kids[1]->kind == EXPR_CONST ? e->kids[1]->value : evaluate(m, e->kids[1]));
}

static double evaluate(LoopMachine *m, Expr e) {
    switch (e->kind) {
    case EXPR_CONST: return e->integer ? e->value : rounded(m->loop->is_double, e->value);
    case EXPR_INDEX: return (double)m->indices[e->index->id];
    case EXPR_READ: {
        size_t point;
        if (find_point(m, e->tensor, e->kids, &point)) return loop_values(m, e->tensor)[point];
        if (!e->has_default) bug("'%s' is read outside", e->tensor->name);
        return evaluate(m, e->kids[e->count - 1]);
    }
    case EXPR_OP: {
        if (e->op == OP_IF) return evaluate(m, e->kids[evaluate(m, e->kids[0]) != 0 ? 1 : 2]);
        double kids[3] = {0};
        for (int k = 0; k < e->count; k++) kids[k] = evaluate(m, e->kids[k]);
        return e->integer ? op_value(e->op, kids[0], kids[1], kids[2])
                          : function(m->loop->is_double, e->op, kids[0], kids[1], kids[2]);
    }
    case EXPR_DRAW: return draw(m, e);
    case EXPR_REDUCE: break;
    }
    bug("a reduction is left in the loop program");
}

/* ---- Nodes */

static void run_nodes(LoopMachine *m, const Nodes *nodes);

static void run_loop(LoopMachine *m, const Node *node) {
    int64_t end = node->index->batch ? m->examples : node->index->size, step = node->step > 1 ? node->step : 1;
    int64_t first = node->rest > 0 ? end - end % node->rest : node->index->first;
    if (node->low != NULL) first = (int64_t)evaluate(m, node->low);
    if (node->high != NULL) end = (int64_t)evaluate(m, node->high);
    if (node->within != NULL) {
        int64_t left = (node->within->batch ? m->examples : node->within->size) - (int64_t)evaluate(m, node->from);
        if (node->beyond) first = left;
        else if (left < end) end = left;
    }
    for (int64_t i = end - 1; i >= first && node->reversed; i--) {
        m->indices[node->index->id] = i;
        run_nodes(m, &node->body);
    }
    if (node->reversed) return;
    for (int64_t i = first; i + (node->all ? 1 : step) <= end; i += step) {
        m->indices[node->index->id] = i;
        run_nodes(m, &node->body);
    }
}

static void run_nodes(LoopMachine *m, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        size_t point;
        switch (node->kind) {
        case NODE_BLOCK: /* one step, which is the first and the last */
            if (node->when != UNLESS_LAST) run_nodes(m, &node->body);
            break;
        case NODE_LOOP: run_loop(m, node); break;
        case NODE_IF:
            if (evaluate(m, node->value) != 0) run_nodes(m, &node->body);
            break;
        case NODE_LET:
            if (node->across_lanes) bug("lanes are evaluated one by one: there is no sum of all");
            for (int64_t k = 0; node->elements.count > 0 && k < node->target->shape[0]; k++)
                loop_values(m, node->target)[k] = k < (int64_t)node->elements.count ? evaluate(m, node->elements.at[k]) : 0;
            if (node->target->array) break;
            *loop_values(m, node->target) = evaluate(m, node->value);
            break;
        case NODE_SET: *loop_values(m, node->target) = evaluate(m, node->value); break;
        case NODE_STORE:
            if (!find_point(m, node->target, node->subscripts, &point)) bug("'%s' is written outside", node->target->name);
            loop_values(m, node->target)[point] = evaluate(m, node->value);
            break;
        }
    }
}

void loop_run(LoopMachine *m, const Routine *routine, int64_t examples, uint64_t seed) {
    if (micro_of(m->loop, routine) != NULL) bug("a batch that is divided is not evaluated");
    m->routine = routine;
    m->examples = examples;
    bool training = routine->program == m->loop->model->training;
    m->seed = training ? seed : 0;
    m->step = training && routine != &m->loop->initial ? (uint64_t)*loop_values(m, routine->program->step) : 0;
    *loop_values(m, routine->program->batch_size) = (double)examples;
    run_nodes(m, &routine->body);
}
