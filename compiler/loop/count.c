/* What a routine costs: operations on numbers, for a full batch. Whole-number arithmetic of subscripts does not count. */
#include <math.h>

#include "loop/loop.h"

typedef struct {
    Costs *costs;
    double times;
} Count;

static void count_op(void *context, Expr e) {
    Count *c = context;
    if (e->kind == EXPR_DRAW) c->costs->calls += c->times;
    if (e->kind != EXPR_OP || e->integer) return;
    switch (e->op) {
    case OP_ADD:
    case OP_SUB: c->costs->additions += c->times; break;
    case OP_MUL: c->costs->multiplications += c->times; break;
    case OP_DIV: c->costs->divisions += c->times; break;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_EQ:
    case OP_NE:
    case OP_MAX:
    case OP_MIN:
    case OP_SIGN: c->costs->comparisons += c->times; break;
    case OP_NEG:
    case OP_ABS:
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_IF:
    case OP_STOP: break;
    case OP_POW:
    case OP_MOD:
    case OP_FLOORDIV:
    case OP_EXP:
    case OP_LOG:
    case OP_SQRT:
    case OP_SIN:
    case OP_COS:
    case OP_TAN:
    case OP_TANH:
    case OP_SINH:
    case OP_COSH:
    case OP_ATAN:
    case OP_FLOOR:
    case OP_ERF:
    case OP_EXPM1:
    case OP_SIGMOID:
    case OP_SOFTPLUS: c->costs->calls += c->times; break;
    case OP_COUNT: break;
    }
}

double loop_turns(const Node *loop) {
    int64_t size = loop->index->size - loop->index->first;
    if (loop->beyond) return 0;
    if (loop->all) return ceil((double)size / loop->step);
    if (loop->rest > 0 && loop->step > 1) return 1;
    return (double)(loop->rest > 0 ? size % loop->rest : loop->step > 1 ? size / loop->step : size);
}

/* ---- Loops that begin or end where the loops around them say: what they do on average */

enum { MOST_LOOPS = 32, MOST_CASES = 4096 };

typedef struct {
    Pool *pool;
    const Node *at[MOST_LOOPS]; /* from the outermost */
    int count;
} Around;

static double value_of(const Around *around, const int64_t *values, Expr e, bool *known) {
    double kid[3] = {0};
    if (e->kind == EXPR_CONST) return e->value;
    for (int i = around->count - 1; i >= 0 && e->kind == EXPR_INDEX; i--) {
        if (around->at[i]->index == e->index) return (double)values[i];
    }
    *known &= e->kind == EXPR_OP && (e->integer || e->condition);
    for (int k = 0; k < e->count && *known; k++) kid[k] = value_of(around, values, e->kids[k], known);
    return *known ? op_value(e->op, kid[0], kid[1], kid[2]) : 0;
}

/* How often a loop turns, added up for all values of the indices around that its ends depend on, and how many these are. */
static bool add_cases(const Around *around, int position, int64_t *values, const Node *loop, double *sum, int *cases) {
    bool known = true;
    if (position == around->count) {
        double low = loop->low != NULL ? value_of(around, values, loop->low, &known) : (double)loop->index->first;
        double high = loop->high != NULL ? value_of(around, values, loop->high, &known) : (double)loop->index->size;
        *sum += high > low ? high - low : 0;
        return known && ++*cases <= MOST_CASES;
    }
    const Node *at = around->at[position];
    bool matters =
        (loop->low != NULL && expr_depends(loop->low, at->index)) || (loop->high != NULL && expr_depends(loop->high, at->index));
    if (!matters) return add_cases(around, position + 1, values, loop, sum, cases);
    int64_t size = at->index->size, step = at->step > 1 ? at->step : 1;
    values[position] = at->rest > 0 ? size - size % at->rest : at->index->first;
    for (; values[position] + step <= size && known; values[position] += step)
        known = add_cases(around, position + 1, values, loop, sum, cases);
    return known;
}

/* In what share of all cases a condition holds: as a loop that turns once or not at all */
static double share_of(const Around *around, const Node *node) {
    const Node once = {.low = expr_number(around->pool, 0), .high = node->value};
    int64_t values[MOST_LOOPS] = {0};
    double sum = 0;
    int cases = 0;
    return add_cases(around, 0, values, &once, &sum, &cases) && cases > 0 ? sum / cases : 1;
}

static double turns_of(const Around *around, const Node *loop) {
    int64_t values[MOST_LOOPS] = {0};
    double sum = 0;
    int cases = 0;
    if (loop->low == NULL && loop->high == NULL) return loop_turns(loop);
    return add_cases(around, 0, values, loop, &sum, &cases) && cases > 0 ? sum / cases : loop_turns(loop);
}

static void count_nodes(Around *around, const Nodes *nodes, double times, Costs *costs) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->when == UNLESS_LAST) continue;
        Count count = {costs, times};
        if (node->value != NULL) expr_visit(around->pool, node->value, count_op, &count);
        double turns = node->kind == NODE_LOOP ? turns_of(around, node) : node->kind == NODE_IF ? share_of(around, node) : 1;
        bool nests = node->kind == NODE_LOOP && around->count < MOST_LOOPS;
        if (nests) around->at[around->count++] = node;
        count_nodes(around, &node->body, times * turns, costs);
        around->count -= nests;
    }
}

Costs loop_costs(const Routine *routine) {
    Costs costs = {0};
    Around around = {.pool = routine->program->pool};
    for (size_t i = 0; i < routine->body.count; i++) {
        bool again = routine->rounds > 0 && routine->body.at[i]->when == ALWAYS;
        count_nodes(&around, &(Nodes){.at = &routine->body.at[i], .count = 1}, again ? routine->rounds : 1, &costs);
    }
    return costs;
}
