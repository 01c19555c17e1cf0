/* Shared by the steps of the tensor program. */
#ifndef NNC_TENSOR_STEPS_H
#define NNC_TENSOR_STEPS_H

#include "base/diagnostic.h"
#include "tensor/affine.h"
#include "tensor/program.h"

typedef struct Rules Rules;

/* ---- normalize.c */
Expr part_for(Program *program, Statements *out, const Statement *from, Expr e, const char *what);
void normalize_list(Program *program, Statements *list);
void hoist_draws(Program *program);

/* ---- share.c */
/* e with its indices renamed in order of appearance: equal up to the names of indices is then equal. The given indices come
   first, in their order; `order` (room for e->free_count) receives the free indices of e in the order of their new names. */
Expr canonical(Pool *pool, Expr e, Index *const *first, int count, Index **order);
void share_statements(Program *program);   /* statements that are equal up to the names of indices become one */
void read_what_is_known(Program *program); /* a subexpression that an earlier statement computes is read */
void remove_unused(Program *program);
void replace_tensors(Program *program,
                     Tensor *const *alias); /* by tensor id: reads of one become reads of the other, of the same shape */

/* ---- gather.c */
/* The value at target[axes] of   target[subscripts] += value  summed over all indices: subscripts are inverted, a scatter becomes a
   gather. NULL where they cannot be: they read an index tensor, at points that nothing else fixes. step: inside a scan, the axis of its
   steps, where no scatter can stand; else -1. */
Expr gathered(Pool *pool, const Tensor *target, Index *const *axes, Index *const *indices, int count, const Expr *subscripts,
              Expr value, Expr seed, int step);

/* ---- algebra.c, sums.c, reductions.c */
Expr algebra(Program *program, Rules *rules, Expr e, Statement *noted); /* an equal expression that costs less, or e */
Expr logsumexp_of(Program *program, Index *const *bound, int count, Expr body);
bool is_positive(Expr e); /* > 0 for all data, as far as can be seen */
bool is_not_negative(Expr e);
void note_rewrite(Program *program, Statement *statement, const char *rule);

/* ---- choices.c */
bool expr_chooses_by(Pool *pool, Expr e, const Index *index); /* is there a choice by the index alone, whatever the data are? */

/* ---- rules.c: rules.def */
Rules *rules_of(Program *program);
typedef enum { RULES_STABLE, RULES_LN, RULES_ALGEBRA, RULES_EXACT } RuleFamily;
Expr rules_apply(Rules *rules, RuleFamily family, Expr e, const char **name); /* NULL where no rule applies */

/* ---- warn.c */
void warn_of_logarithms(Program *program, Diagnostics *diagnostics);

/* ---- scan.c */
/* Scans keep only statements that wait for themselves: the others move before or behind. */
void distribute_scans(Program *program, Statements *list);
/* The same for statements that are all in one scan, or in none; NULL, or a statement of a scan inside a scan that waits for it. */
const Statement *distribute(Program *program, Statements *list);
int scan_axis(const Statement *s); /* the position of the scan's index among its indices */

/* ---- partials.c */
/* The adjoints of the arguments of y = op(kids), whose own adjoint is s; NULL where nothing flows. */
void op_partials(Pool *pool, Op op, const Expr *kids, Expr y, Expr s, Expr *out);
Expr adjoint_product(Pool *pool, Expr s, Expr d); /* if c then s else 0, times d: never forms 0 * inf */

/* ---- differentiate.c */
/* Does a derivative flow where e reads the tensor? Not through a condition, or stop. */
bool derivative_flows(Pool *pool, Expr e, const Tensor *from);

/* ---- simplify.c */
void keep_digits(Program *program);

/* ---- inline.c */
bool inline_cheap(Program *program, Rules *rules); /* true if something changed */
void insert_indicators(Program *program);
void fuse_reductions(Program *program);
void drop_plain_parts(Program *program); /* for readers: what only repeats something else, and sums that nothing else reads */

/* ---- long_sums.c */
void sum_in_rows(Program *program);

/* ---- rows.c */
void update_rows(Program *program);

/* winners.c: what won a maximum is read from there. */
void read_winners(Program *program);

/* signs.c: whether relu's derivative is 0 is read from what relu gave. */
void read_signs(Program *program);

/* ---- exponentials.c: what is subtracted from the body of a log-sum-exp whose largest number is this: where the condition of a sum holds
   nowhere, all of them are -inf, and -inf - -inf would not be a number. */
Expr finite_shift(Pool *pool, Expr body, Expr largest);

/* ---- keep.c */
void share_expensive(Program *program);
void note_recomputed(Program *program); /* in the notes of statements */

#endif
