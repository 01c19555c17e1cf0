/* What a routine costs: operations on numbers, for a full batch. Whole-number arithmetic of subscripts does not count. */
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
    return (double)(loop->rest > 0 ? size % loop->rest : loop->step > 1 ? size / loop->step : size);
}

static void count_nodes(const Routine *routine, const Nodes *nodes, double times, Costs *costs) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->when == UNLESS_LAST) continue;
        Count count = {costs, times};
        if (node->value != NULL) expr_visit(routine->program->pool, node->value, count_op, &count);
        count_nodes(routine, &node->body, times * (node->kind == NODE_LOOP ? loop_turns(node) : 1), costs);
    }
}

Costs loop_costs(const Routine *routine) {
    Costs costs = {0};
    count_nodes(routine, &routine->body, 1, &costs);
    return costs;
}
