/* Integer arithmetic on indices: subscripts, guards, ranges.

   Normal form of an integer expression: c1 * t1 + c2 * t2 + ... + constant, where each term t is an index, a div, a mod, a
   read of an index tensor or another integer expression that is not a sum; indices first, by id. The constructors keep every
   integer expression in it, so a view of it is read off, not computed. */
#ifndef NNC_TENSOR_AFFINE_H
#define NNC_TENSOR_AFFINE_H

#include "tensor/expression.h"

typedef struct {
    Expr term;
    int64_t coefficient;
} AffineTerm;

typedef struct {
    Vec(AffineTerm) terms;
    int64_t constant;
} Affine;

/* The normal form of an integer expression. False where it is not affine in exact 53-bit arithmetic. */
bool affine_of(Pool *pool, Expr e, Affine *affine);

/* The same, but only if every term is an index. */
bool affine_in_indices(Pool *pool, Expr e, Affine *affine);
Expr affine_expr(Pool *pool, const Affine *affine);

/* The values that an integer expression can take, over all values of its indices. */
typedef struct {
    bool known;
    int64_t low, high; /* both can be taken */
} Interval;
Interval interval_of(Expr e);

/* For expr_op alone: op applied to integer kids, in normal form; NULL if there is nothing to normalise. */
Expr affine_op(Pool *pool, Op op, const Expr *kids);

/* For affine.c alone: a node as it is, without identities. */
Expr expr_op_raw(Pool *pool, Op op, const Expr *kids);

#endif
