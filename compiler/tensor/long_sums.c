/* The sum of a whole tensor as a sum of the sums of its rows: one number cannot be computed in lanes, or by threads, those of many
   rows can, and added in this order they are the same bits however many at a time.

   Requires: a normalized program for machines. Ensures: equal mathematics; rows have statements of their own.
   Example:  loss = sum(i, j: W[i, j]^2)   becomes   loss_rows[i] = sum(j: W[i, j]^2);  loss = sum(i: loss_rows[i]) */
#include "tensor/steps.h"

enum { LEAST_TERMS = 64, LEAST_ROWS = 8 };

typedef struct {
    Program *program;
    Statements *out;
    const Statement *statement;
} Rows;

static Expr in_rows(void *context, Expr e) {
    Rows *r = context;
    Pool *pool = r->program->pool;
    int row = 0, count = 0;
    if (e->kind != EXPR_REDUCE || e->reduction != REDUCE_SUM || e->free_count > 0 || e->kids[0]->reduces || e->kids[0]->draws)
        return e;
    while (row < e->bound_count && e->bound[row]->size < LEAST_ROWS) row++;
    if (e->bound_count < 2 || row == e->bound_count || index_product(e->bound, e->bound_count) < LEAST_TERMS) return e;
    Index *rest[e->bound_count], *rows = e->bound[row];
    for (int i = 0; i < e->bound_count; i++) {
        if (i != row) rest[count++] = e->bound[i];
    }
    Expr sum = part_for(r->program, r->out, r->statement, expr_reduce(pool, REDUCE_SUM, rest, count, e->kids[0]), "rows");
    return expr_reduce(pool, REDUCE_SUM, &rows, 1, sum);
}

void sum_in_rows(Program *program) {
    Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        Statements out = {0};
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            Rows rows = {program, &out, s};
            if (s->count == 0 && s->value->reduces) s->value = expr_rewrite(program->pool, s->value, in_rows, &rows);
            vec_push(pool_arena(program->pool), &out, s);
        }
        *lists[l] = out;
    }
}
