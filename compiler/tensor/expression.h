/* The mathematics of one element: immutable index expressions.

   An Expr says how one number is found from the elements of tensors:  sum(i: W[j, i] * x[b, i]) + c[j].
   Equal expressions are the same pointer (hash-consing; Ershov 1958, Filliatre and Conchon 2006), so equality is `==`, and a
   parent's id is larger than its children's: reverse order is `id` downwards. Expressions are built only by the
   constructors below, which check and apply identities that no reader misses (constants are computed, 0 + x, 1 * x, ...)
   and keep integer arithmetic on indices in one normal form (affine.h). All other rewriting is simplify's. */
#ifndef NNC_TENSOR_EXPRESSION_H
#define NNC_TENSOR_EXPRESSION_H

#include "base/names.h"
#include "base/source.h"

/* An index has identity, not only a name: two loops over `i` have two of them. It runs over 0 .. size - 1; in the loop program a
   part of a range may begin later. */
typedef struct Index {
    Name name;
    uint32_t id;
    int64_t size;  /* 0 until inferred */
    int64_t first; /* in the loop program: where it begins */
    bool lanes;    /* in the loop program: its values are found at once, in the lanes of a vector */
    bool batch;    /* runs over the examples of this batch: their number is the setting batch_size, size only its largest value */
    const struct Index *piece_of; /* a part of its range, in the loop program */
    /* for ast_to_tensor alone: */
    int64_t low; /* the name stands for low + index (`i in low..high`) */
    bool stated; /* the range was written, axes need not agree */
    Span why;    /* what gave the index its size */
    const char *why_axis;
    int64_t soft_size; /* an axis read with `default`: gives the size if nothing else does */
    Span soft_why;
} Index;

typedef struct Tensor Tensor; /* program.h */

typedef enum {
    EXPR_CONST,  /* value */
    EXPR_INDEX,  /* index */
    EXPR_READ,   /* tensor, kids: one subscript for each axis, then what is read outside, if has_default */
    EXPR_OP,     /* op, kids */
    EXPR_REDUCE, /* reduction over bound; kid 0 is the body */
    EXPR_DRAW    /* a random number: kids are the point (one for each axis of the draw), then p if the draw is Bernoulli; site */
} ExprKind;

typedef enum {
#define OP1(ID, ...) OP_##ID,
#define OP2(ID, ...) OP_##ID,
#define OP3(ID, ...) OP_##ID,
#include "tensor/ops.def"
#undef OP1
#undef OP2
#undef OP3
    OP_COUNT
} Op;

typedef enum { REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ARGMAX, REDUCE_ARGMIN, REDUCE_LOGSUMEXP } Reduction;
typedef enum { DRAW_UNIFORM, DRAW_BERNOULLI } Draw;

typedef const struct ExprNode *Expr;
typedef struct ExprNode { /* there may be millions of them */
    ExprKind kind : 8;
    Op op : 8;               /* EXPR_OP */
    Reduction reduction : 8; /* EXPR_REDUCE */
    Draw draw : 8;           /* EXPR_DRAW */
    bool condition;          /* true or false instead of a number */
    bool integer;            /* a whole number whatever the data: constants, indices, and + - * / mod of them */
    bool has_default;        /* EXPR_READ */
    bool draws;              /* a random number is drawn somewhere in it */
    bool reduces;            /* a reduction stands somewhere in it */
    uint32_t id, hash;
    int depth;
    int nodes;                          /* as a tree; of large ones some number above 1000 */
    int count, bound_count, free_count; /* of kids, bound, free */
    double value;                       /* EXPR_CONST; the site of EXPR_DRAW */
    Index *index;
    Tensor *tensor;
    const Expr *kids;
    Index *const *bound;
    Index *const *free; /* the indices that it depends on, by id */
} ExprNode;

enum { EXPR_DEPTH_LIMIT = 1500 }; /* ast_to_tensor refuses deeper ones, so that walks may recurse */

typedef Vec(Expr) Exprs;

typedef struct Pool Pool;
Pool *pool_new(Arena *arena, Names *names);
/* From here on operations on numbers have these values, instead of those of op_value. Whole numbers stay exact. */
void pool_fold_as(Pool *pool, double (*fold)(Op op, double a, double b, double c));
Arena *pool_arena(Pool *pool);
Names *pool_names(Pool *pool);
size_t pool_count(const Pool *pool); /* expressions built so far: ids are below it */
size_t pool_indices(const Pool *pool);

/* For walks that come by each expression once: begin (false: another walk is under way), mark (true: for the first time), end. */
bool pool_marks_begin(Pool *pool);
bool pool_mark(Pool *pool, Expr e);
void pool_marks_end(Pool *pool);

Index *index_new(Pool *pool, Name name, int64_t size);
Index *pool_standard_index(Pool *pool, Name name); /* one for each name; size 0 when it is new */
Index *index_like(Pool *pool, const Index *index); /* a new one of the same name, size and batch */

/* ---- Constructors */
Expr expr_number(Pool *pool, double value);
Expr expr_truth(Pool *pool, bool value);
Expr expr_index(Pool *pool, Index *index);
Expr expr_read(Pool *pool, Tensor *tensor, const Expr *subscripts, int count, Expr otherwise); /* otherwise may be NULL */
Expr expr_op(Pool *pool, Op op, const Expr *kids); /* as many kids as the table says */
Expr expr_op1(Pool *pool, Op op, Expr a);
Expr expr_op2(Pool *pool, Op op, Expr a, Expr b);
Expr expr_if(Pool *pool, Expr condition, Expr yes, Expr no);
Expr expr_reduce(Pool *pool, Reduction reduction, Index *const *bound, int count, Expr body);
Expr expr_draw(Pool *pool, Draw draw, int site, const Expr *kids, int count);

/* ---- Questions */
bool expr_is(Expr e, double value); /* the number `value` */
bool expr_is_op(Expr e, Op op);
bool expr_is_true(Expr e);
bool expr_draws(Pool *pool, Expr e, Draw draw); /* is such a random number drawn in it? */
bool expr_depends(Expr e, const Index *index);
bool expr_has_reads(Expr e); /* does it, or do its subscripts, read any tensor? */
bool expr_depends_any(Expr e, Index *const *indices, int count);
double expr_op_cost(Expr e); /* of an operation, its kids not counted: what the table says, but a^2 and a^3 are products */
double expr_cost(Expr e);    /* operations for one element, shared parts once, reductions times their size */
double expr_cost_for_example(Expr e);                   /* the same, of sums over the batch one term */
double index_product(Index *const *indices, int count); /* number of points */

/* ---- Rewriting */
/* Replaces indices by expressions, all at once. */
Expr expr_substitute(Pool *pool, Expr e, Index *const *from, const Expr *to, int count);

/* Rebuilds e with its children replaced; identities of the constructors apply. */
Expr expr_rebuild(Pool *pool, Expr e, const Expr *kids);

/* Bottom-up: calls `rewrite` on each node once, after its children were rewritten; returning the node keeps it. */
typedef Expr (*Rewrite)(void *context, Expr node);
Expr expr_rewrite(Pool *pool, Expr e, Rewrite rewrite, void *context);

/* The same for a `rewrite` that depends on the node alone, and may be called on it more than once. */
Expr expr_replace(Pool *pool, Expr e, Rewrite rewrite, void *context);

/* Calls `visit` on each distinct node, children first. */
typedef void (*Visit)(void *context, Expr node);
void expr_visit(Pool *pool, Expr e, Visit visit, void *context);

/* A map from expressions to expressions. */
typedef struct {
    Arena *arena;
    Expr *keys, *values;
    size_t count, size;
} ExprMap;
Expr expr_map_get(const ExprMap *map, Expr key);
void expr_map_put(ExprMap *map, Expr key, Expr value);

/* ---- The table of elementary functions */
typedef enum { NOTATION_INFIX, NOTATION_PREFIX, NOTATION_CALL, NOTATION_WORDS } Notation;
typedef struct {
    const char *id, *spelling, *law;
    int arity, strength; /* strength: how tightly an operator binds */
    Notation notation;
    bool condition; /* gives true or false */
    double cost;
} OpInfo;
const OpInfo *op_info(Op op);
double op_value(Op op, double a, double b, double c);
bool op_wants_condition(Op op, int argument);
bool op_find(const char *spelling, Op *found); /* a function that a model may call */
const char *reduction_name(Reduction reduction);

#endif
