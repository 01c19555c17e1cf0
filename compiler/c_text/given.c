/* What the functions of a file share: numbers that the model gives, and functions that draw random ones. */
#include "c_text/c_text.h"

/* ---- Numbers that the model gives */

static void print_elements(Text *text, const Tensor *tensor, int axis, const double **next, bool is_double) {
    if (axis == tensor->rank) {
        c_literal(text, *(*next)++, is_double);
        return;
    }
    text_put(text, "{");
    for (int64_t i = 0; i < tensor->shape[axis]; i++) {
        if (i > 0) text_put(text, ", ");
        print_elements(text, tensor, axis + 1, next, is_double);
    }
    text_put(text, "}");
}

void c_literals(Text *text, const LoopProgram *loop, const char *prefix, const Routine *const *routines, size_t count) {
    Tensors used = {0}; /* of training and of inference: equal names are equal numbers */
    for (size_t r = 0; r < count; r++) {
        const Tensors *all = &routines[r]->program->all;
        for (size_t i = 0; i < all->count; i++) {
            Tensor *t = all->at[i];
            bool known = t->kind != TENSOR_LITERAL || !routines[r]->uses[t->id];
            for (size_t k = 0; k < used.count && !known; k++)
                known = used.at[k]->name == t->name || strcmp(used.at[k]->name, t->name) == 0;
            if (!known) vec_push(text->arena, &used, t);
        }
    }
    for (size_t i = 0; i < used.count; i++) {
        const Tensor *t = used.at[i];
        const double *next = t->literal;
        text_printf(text, "static const %s %s_%s", c_number_type(loop), prefix, c_name(loop->arena, t->name));
        for (int a = 0; a < t->rank; a++) text_printf(text, "[%lld]", (long long)t->shape[a]);
        text_put(text, " = ");
        print_elements(text, t, 0, &next, loop->is_double);
        text_put(text, ";\n\n");
    }
}

/* A random number depends on the seed, the place in the model, the step and the element: it can be drawn again. */
void c_random(Text *text, const LoopProgram *loop, const char *m, const Statements *lists, size_t count) {
    const char *number = c_number_type(loop);
    bool uniform = false, bernoulli = false;
    for (size_t l = 0; l < count; l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            uniform |= expr_draws(loop->model->training->pool, lists[l].at[i]->value, DRAW_UNIFORM);
            bernoulli |= expr_draws(loop->model->training->pool, lists[l].at[i]->value, DRAW_BERNOULLI);
        }
    }
    if (uniform) {
        text_printf(text, "static %s %s_uniform(uint64_t seed, uint64_t site, uint64_t step, uint64_t point) {\n", number, m);
        text_printf(text, "    return (%s)nnc_random_uniform(seed, site, step, point);\n}\n\n", number);
    }
    if (bernoulli) {
        text_printf(text, "static %s %s_bernoulli(uint64_t seed, uint64_t site, uint64_t step, uint64_t point, double p) {\n",
                    number, m);
        text_put(text, "    return nnc_random_uniform(seed, site, step, point) < p ? 1 : 0;\n}\n\n");
    }
}

bool c_state_seed(const LoopProgram *loop) { return c_draws(&loop->model->training->forward); }

bool c_draws(const Statements *list) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i]->value->draws) return true;
    }
    return false;
}
