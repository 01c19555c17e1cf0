/* The promises of program.h, executable. */
#include "tensor/affine.h"
#include "tensor/program.h"

typedef struct {
    const Program *program;
    const Statement *statement;
    const bool *defined; /* by tensor id */
    const char *why;
} Check;

static const char *complaint(const Check *check, const char *what, const char *name) {
    return arena_printf(pool_arena(check->program->pool), "statement of %s: %s %s", check->statement->target->name, what, name);
}

/* In a scan: at an earlier step, or at this one of what stands above. */
static bool is_earlier(const Check *check, Expr read) {
    const Scan *scan = check->statement->scan;
    int axis = -1;
    for (int i = 0; i < read->tensor->rank; i++) {
        if (read->tensor->definition->indices[i] == scan->index) axis = i;
    }
    if (axis < 0) return false;
    Pool *pool = check->program->pool;
    Expr distance = expr_op2(pool, OP_SUB, read->kids[axis], expr_index(pool, scan->index));
    if (distance->kind != EXPR_CONST) return false;
    return distance->value == 0 ? check->defined[read->tensor->id] : (distance->value > 0) == scan->reversed;
}

/* Of the axis as the statements see it: of a tensor whose last steps alone are kept, the shape has only these. */
static int64_t length_of(const Tensor *t, int axis) {
    bool steps = t->ring > 0 && t->definition->indices[axis] == t->definition->scan->index;
    return steps ? t->definition->indices[axis]->size : t->shape[axis];
}

static void check_node(void *context, Expr e) {
    Check *check = context;
    if (check->why != NULL || e->kind != EXPR_READ) return;
    const Statement *definition = e->tensor->definition;
    if (check->statement->scan != NULL && definition != NULL && definition->scan == check->statement->scan) {
        if (!is_earlier(check, e)) check->why = complaint(check, "reads at a later step of its scan", e->tensor->name);
    } else if (!tensor_is_persistent(e->tensor) && !check->defined[e->tensor->id])
        check->why = complaint(check, "reads before its definition", e->tensor->name);
    for (int i = 0; i < e->tensor->rank && !e->has_default; i++) {
        Interval range = interval_of(e->kids[i]);
        bool batch = e->kids[i]->kind == EXPR_INDEX && e->kids[i]->index->batch && i == 0 && e->tensor->batched;
        if (!batch && (!range.known || range.low < 0 || range.high >= length_of(e->tensor, i)))
            check->why = complaint(check, "reads outside of", e->tensor->name);
    }
}

static void check_statement(Check *check, bool *defined) {
    const Statement *s = check->statement;
    Tensor *target = s->target;
    for (int i = 0; i < s->value->free_count && check->why == NULL; i++) {
        bool bound = false;
        for (int k = 0; k < s->count; k++) bound |= s->indices[k] == s->value->free[i];
        if (!bound) check->why = complaint(check, "has a free index", s->value->free[i]->name);
    }
    if (s->value->condition) check->why = complaint(check, "has a condition as", "value");
    if (s->subscripts == NULL && s->count != target->rank) check->why = complaint(check, "has other indices than axes", "");
    for (int i = 0; check->why == NULL && s->subscripts == NULL && i < s->count; i++) {
        if (s->indices[i]->size != length_of(target, i))
            check->why = complaint(check, "does not fill axis of index", s->indices[i]->name);
        if (s->indices[i]->batch != (i == 0 && target->batched))
            check->why = complaint(check, "has the batch elsewhere than first, at index", s->indices[i]->name);
    }
    if (s->scan != NULL) {
        bool runs = false;
        for (int i = 0; i < s->count; i++) runs |= s->indices[i] == s->scan->index;
        if (!runs) check->why = complaint(check, "does not run over the index of its scan:", s->scan->index->name);
    }
    expr_visit(check->program->pool, s->value, check_node, check);
    for (int i = 0; s->subscripts != NULL && i < target->rank; i++)
        expr_visit(check->program->pool, s->subscripts[i], check_node, check);
    if (!tensor_is_persistent(target)) {
        if (defined[target->id]) check->why = complaint(check, "defines again", target->name);
        if (target->definition != s) check->why = complaint(check, "is not the definition of", target->name);
        defined[target->id] = true;
    }
}

bool program_check(const Program *program, const char **why) {
    bool *defined = NEW_ARRAY(pool_arena(program->pool), bool, program->all.count + 1);
    bool derived = program->backward.count > 0;
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        bool given =
            t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET || t->kind == TENSOR_SETTING || t->kind == TENSOR_LITERAL;
        defined[t->id] =
            given || (t->kind == TENSOR_ADJOINT && !derived); /* update is written before the gradients are derived */
    }
    Check check = {.program = program, .defined = defined};
    const Statements *lists[] = {&program->initial, &program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < 4; l++) {
        for (size_t i = 0; i < lists[l]->count && check.why == NULL; i++) {
            check.statement = lists[l]->at[i];
            check_statement(&check, defined);
        }
    }
    *why = check.why;
    return check.why == NULL;
}
