/* How far rounding may move a result: every number that a statement reads is moved by a random part of its last digits, as in Monte
   Carlo arithmetic (D. S. Parker, "Monte Carlo Arithmetic: exploiting randomness in floating-point arithmetic", 1997).

   Example: a derivative that is 0 by algebra is 3e-18 in one order of additions, -1e-18 in another, and Adam divides it by its own
   size. No change of the data shows that; a change of the operands does. In later rounds nothing is moved in every other step, by chance:
   sign(0) is 0, and sign of what is left of 0 is not, and where the steps after it depend on that, both have to be seen. */
#include "judge.h"

enum { FIRST_SITE = 1 << 16 /* of random numbers: those of models have smaller ones */ };

typedef struct {
    Pool *pool;
    double size;
    int site;
    int pauses; /* > 0: the site that says in which steps nothing is moved */
} Shake;

static Expr shake_operand(void *context, Expr e) {
    Shake *shake = context;
    if (e->kind != EXPR_READ || e->tensor->index_range > 0) return e;
    Expr point[e->free_count + 1];
    for (int i = 0; i < e->free_count; i++) point[i] = expr_index(shake->pool, e->free[i]);
    Expr u = expr_draw(shake->pool, DRAW_UNIFORM, shake->site++, point, e->free_count);
    Expr around_zero = expr_op2(shake->pool, OP_SUB, u, expr_number(shake->pool, 0.5));
    if (shake->pauses > 0) {
        Expr half = expr_number(shake->pool, 0.5), chance = expr_draw(shake->pool, DRAW_UNIFORM, shake->pauses, NULL, 0);
        around_zero = expr_if(shake->pool, expr_op2(shake->pool, OP_LT, chance, half), expr_number(shake->pool, 0), around_zero);
    }
    Expr factor = expr_op2(shake->pool, OP_ADD, expr_number(shake->pool, 1),
                           expr_op2(shake->pool, OP_MUL, expr_number(shake->pool, 2 * shake->size), around_zero));
    return expr_op2(shake->pool, OP_MUL, e, factor);
}

static void shake_program(Shake *shake, Program *program) {
    const Statements *lists[] = {&program->forward, &program->backward, &program->update};
    shake->pool = program->pool;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            Statement *s = lists[l]->at[i];
            bool has_winner = s->value->kind == EXPR_REDUCE; /* a whole number, found among real ones */
            if (s->target->index_range == 0 || has_winner) s->value = expr_rewrite(shake->pool, s->value, shake_operand, shake);
        }
    }
}

void shake_operands(Model *model, double size, int round) {
    Shake shake = {.size = size, .site = FIRST_SITE * (1 + round), .pauses = round % 2 == 1 ? FIRST_SITE - round : 0};
    shake_program(&shake, model->training);
    shake_program(&shake, model->inference);
}
