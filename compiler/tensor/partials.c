/* The derivatives of the elementary functions: the last columns of ops.def, as expressions. */
#include "tensor/steps.h"

Expr adjoint_product(Pool *pool, Expr s, Expr d) {
    if (expr_is_op(s, OP_IF) && (expr_is(s->kids[1], 0) || expr_is(s->kids[2], 0))) {
        return expr_if(pool, s->kids[0], adjoint_product(pool, s->kids[1], d), adjoint_product(pool, s->kids[2], d));
    }
    return expr_op2(pool, OP_MUL, s, d);
}

static Expr quotient(Pool *pool, Expr s, Expr d) {
    if (expr_is_op(s, OP_IF) && (expr_is(s->kids[1], 0) || expr_is(s->kids[2], 0))) {
        return expr_if(pool, s->kids[0], quotient(pool, s->kids[1], d), quotient(pool, s->kids[2], d));
    }
    return expr_op2(pool, OP_DIV, s, d);
}

/* d(a^b)/da = b a^(b - 1); for a variable b it is 0 where b is 0, also at a = 0 */
static Expr power_slope(Pool *pool, Expr a, Expr b) {
    Expr slope = expr_op2(pool, OP_MUL, b, expr_op2(pool, OP_POW, a, expr_op2(pool, OP_SUB, b, expr_number(pool, 1))));
    if (b->kind == EXPR_CONST) return slope;
    return expr_if(pool, expr_op2(pool, OP_EQ, b, expr_number(pool, 0)), expr_number(pool, 0), slope);
}

void op_partials(Pool *pool, Op op, const Expr *kids, Expr y, Expr s, Expr *out) {
    Expr a = kids[0], b = op_info(op)->arity > 1 ? kids[1] : NULL;
    (void)a, (void)b, (void)y, (void)s;
    out[0] = out[1] = out[2] = NULL;
    switch (op) {
#define NONE NULL
#define NUMBER_(value) expr_number(pool, value)
#define SUM(u, v) expr_op2(pool, OP_ADD, u, v)
#define DIFFERENCE(u, v) expr_op2(pool, OP_SUB, u, v)
#define PRODUCT(u, v) adjoint_product(pool, u, v)
#define QUOTIENT(u, v) quotient(pool, u, v)
#define MINUS(u) expr_op1(pool, OP_NEG, u)
#define SQUARE(u) expr_op2(pool, OP_POW, u, expr_number(pool, 2))
#define FUNCTION(ID, u) expr_op1(pool, OP_##ID, u)
#define POWER_SLOPE(u, v) power_slope(pool, u, v)
#define GREATER(u, v) expr_op2(pool, OP_GT, u, v)
#define GREATER_EQUAL(u, v) expr_op2(pool, OP_GE, u, v)
#define LESS_EQUAL(u, v) expr_op2(pool, OP_LE, u, v)
#define CHOOSE(c, u, v) expr_if(pool, c, u, v)
#define OP1(ID, spelling, notation, result, cost, meaning, law, da) \
    case OP_##ID:                                                   \
        out[0] = da;                                                \
        return;
#define OP2(ID, spelling, notation, result, cost, meaning, law, da, db) \
    case OP_##ID:                                                       \
        out[0] = da, out[1] = db;                                       \
        return;
#define OP3(ID, spelling, notation, result, cost, meaning, law, da, db, dc) \
    case OP_##ID:                                                           \
        out[0] = da, out[1] = db, out[2] = dc;                              \
        return;
#include "tensor/ops.def"
#undef OP1
#undef OP2
#undef OP3
    case OP_COUNT: break;
    }
    bug("no derivative of %d", (int)op);
}
