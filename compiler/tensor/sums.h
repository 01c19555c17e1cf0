/* Sums and products in a normal form, shared by sums.c and reductions.c.

       sum     coefficient * product + coefficient * product + ...
       product base^power * base^power * ...          (a quotient has negative powers) */
#ifndef NNC_TENSOR_SUMS_H
#define NNC_TENSOR_SUMS_H

#include "tensor/steps.h"

typedef struct {
    Expr base;
    double power;
} Factor;

typedef struct {
    double over, under; /* the coefficient is over / under, so that x / 3 stays a division */
    Vec(Factor) factors;
} Term;

typedef struct {
    Program *program;
    Pool *pool;
    Arena *arena;
    bool expand, too_large;
    Vec(Term) terms;
} Sum;

#define ONE_TERM ((Term){.over = 1, .under = 1})

/* sum += scale * e. Sets too_large beyond some dozens of terms; `expand` multiplies products of sums out. */
void sum_read(Sum *sum, Expr e, const Term *scale);
void sum_add(Sum *sum, Term term);
Term sum_take_common(Sum *sum);    /* what all terms have in common is taken out of them */
Expr sum_write(Sum *sum);          /* the terms as they are */
Expr sum_write_factored(Sum *sum); /* common factors in front */

void term_multiply(Arena *arena, Term *term, Expr e, double power); /* looks into products and quotients */
void term_multiply_factor(Arena *arena, Term *term, Expr base, double power);
Expr term_write(Pool *pool, const Term *term);                           /* without its sign */
Expr term_times(Pool *pool, Arena *arena, const Term *term, Expr inner); /* with its sign */

Expr cheaper(Expr a, Expr b);                     /* b if it costs less */
Expr shorter_sum(Program *program, Expr e);       /* of an arithmetic node (sums.c) */
Expr shorter_reduction(Program *program, Expr e); /* reductions.c */

/* reductions.c: the condition without the k-th of the parts that `and` joins; *part: that part. NULL: it has fewer. */
Expr condition_without(Pool *pool, Expr condition, size_t k, Expr *part);
Expr sum_over_multiples(Pool *pool, Expr e); /* strides.c; the same sum, if it is none */

/* choices.c: e, or the same with one choice where it chooses several times by one condition. */
Expr choose_once(Program *program, Expr e);
Expr needless_choice(Program *program, Expr e); /* what e chooses, if the choice makes no difference; else e */

#endif
