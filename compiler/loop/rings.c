/* A tensor of a scan of which only the last steps are ever read needs room for these alone: step t stands at t mod their number.

   Requires: a simplified program. Ensures: `ring` of such tensors, which lower.c obeys: it stores and reads at t mod ring.
   Example:  scan s in 0..40 { X[s, i] = f(X[s-1, i] default b[i]) };  W[i] = X[39, i]       with X[40, n] becomes
             X[s mod 2, i] = f(if s >= 1 then X[(s-1) mod 2, i] else b[i]);  W[i] = X[1, i]   with X[2, n] */
#include "loop/loop.h"

#include "tensor/affine.h"
#include "tensor/steps.h"

typedef struct {
    Program *program;
    const Statement *reader;
    Tensor *tensor; /* looked at */
    int axis;
    int64_t room; /* steps that must be kept; more than there are: all */
} Look;

static void look_at(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ || e->tensor != look->tensor) return;
    const Scan *scan = look->tensor->definition->scan;
    int64_t steps = look->tensor->shape[look->axis], needed = steps;
    Expr at = e->kids[look->axis];
    if (look->reader->scan == scan) {
        Expr distance = expr_op2(look->program->pool, OP_SUB, at, expr_index(look->program->pool, scan->index));
        if (distance->kind == EXPR_CONST) needed = (int64_t)(distance->value < 0 ? -distance->value : distance->value) + 1;
    } else if (at->kind == EXPR_CONST && !e->has_default) {
        needed = scan->reversed ? (int64_t)at->value + 1 : steps - (int64_t)at->value;
    }
    if (needed > look->room) look->room = needed;
}

static bool is_result(const Program *program, const Tensor *tensor) {
    for (size_t i = 0; i < program->outputs.count; i++) {
        if (program->outputs.at[i] == tensor) return true;
    }
    return false;
}

/* Does only the step put the tensor outside? Then `if` may ask for it alone. */
static void asks_for_more(void *context, Expr e) {
    Look *look = context;
    if (e->kind != EXPR_READ || e->tensor != look->tensor || !e->has_default) return;
    for (int i = 0; i < e->tensor->rank; i++) {
        Interval range = interval_of(e->kids[i]);
        bool batch = i == 0 && e->tensor->batched;
        if (i != look->axis && !batch && (!range.known || range.low < 0 || range.high >= e->tensor->shape[i]))
            look->room = e->tensor->shape[look->axis];
    }
}

static void find_room(Program *program, const Statements *all, const Statement *s) {
    Look look = {.program = program, .tensor = s->target, .axis = scan_axis(s), .room = 1};
    for (size_t i = 0; i < all->count; i++) {
        look.reader = all->at[i];
        expr_visit(program->pool, all->at[i]->value, look_at, &look);
        expr_visit(program->pool, all->at[i]->value, asks_for_more, &look);
        for (int k = 0; all->at[i]->subscripts != NULL && k < all->at[i]->target->rank; k++)
            expr_visit(program->pool, all->at[i]->subscripts[k], look_at, &look);
    }
    if (look.room < s->target->shape[look.axis]) s->target->ring = look.room;
}

void keep_last_steps(Program *program) {
    Statements all = program_statements(program);
    for (size_t i = 0; i < program->initial.count; i++) vec_push(pool_arena(program->pool), &all, program->initial.at[i]);
    for (size_t i = 0; i < all.count; i++) {
        const Statement *s = all.at[i];
        if (s->scan != NULL && s->target != program->loss && !is_result(program, s->target)) find_room(program, &all, s);
    }
}

Expr read_ring(Pool *pool, Expr e) {
    Tensor *tensor = e->tensor;
    int axis = scan_axis(tensor->definition);
    Expr kids[tensor->rank], at = e->kids[axis], inside = expr_truth(pool, true);
    for (int i = 0; i < tensor->rank; i++) kids[i] = e->kids[i];
    kids[axis] = expr_op2(pool, OP_MOD, at, expr_number(pool, (double)tensor->ring));
    Expr read = expr_read(pool, tensor, kids, tensor->rank, NULL);
    if (!e->has_default) return read;
    Interval range = interval_of(at);
    if (range.low < 0) inside = expr_op2(pool, OP_GE, at, expr_number(pool, 0));
    if (range.high >= tensor->shape[axis])
        inside = expr_op2(pool, OP_AND, inside, expr_op2(pool, OP_LT, at, expr_number(pool, (double)tensor->shape[axis])));
    return expr_if(pool, inside, read, e->kids[e->count - 1]);
}

void shorten_rings(Program *program) {
    for (size_t i = 0; i < program->all.count; i++) {
        Tensor *t = program->all.at[i];
        if (t->ring > 0) t->shape[scan_axis(t->definition)] = t->ring;
    }
}
