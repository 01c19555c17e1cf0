/* nnc check MODEL: what the network consists of, as Keras' summary shows it.

   Multiply-adds are those of the derived and simplified program, for one example: products that stand in a sum count one, everything
   else counts its operations; what is done once a batch (the update, say) is not in it. */
#include "commands/commands.h"

#include "tensor/steps.h"

typedef struct {
    Pool *pool;
    double products; /* multiply-adds */
} Work;

/* Multiplications and divisions of one element, reductions times their size; shared parts count once. */
static double work_of(Expr e, ExprMap *seen, Arena *arena) {
    if (expr_map_get(seen, e) != NULL) return 0;
    expr_map_put(seen, e, e);
    double work = 0;
    for (int k = 0; k < e->count; k++) work += work_of(e->kids[k], seen, arena);
    if (e->kind == EXPR_OP && !e->integer && (e->op == OP_MUL || e->op == OP_DIV || (e->op == OP_POW && expr_is(e->kids[1], 2))))
        work += 1;
    if (e->kind == EXPR_REDUCE) {
        for (int i = 0; i < e->bound_count; i++) {
            if (!e->bound[i]->batch) work *= (double)e->bound[i]->size; /* for one example */
        }
    }
    return work;
}

static double work_of_statement(const Statement *s) {
    Arena *arena = arena_new();
    ExprMap seen = {.arena = arena};
    double points = 1;
    bool batched = false;
    for (int i = 0; i < s->count; i++) {
        batched |= s->indices[i]->batch;
        if (!s->indices[i]->batch) points *= (double)s->indices[i]->size;
    }
    bool over_batch = false;
    if (s->value->kind == EXPR_REDUCE) {
        for (int i = 0; i < s->value->bound_count; i++) over_batch |= s->value->bound[i]->batch;
    }
    double work = batched || over_batch ? points * work_of(s->value, &seen, arena) : 0;
    arena_free(arena);
    return work;
}

static double work_of_part(const Statements *list, int part) {
    double work = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (part < 0 || list->at[i]->part == part) work += work_of_statement(list->at[i]);
    }
    return work;
}

static const char *shape_of(Arena *arena, const int64_t *shape, int rank) {
    Text *text = text_new(arena);
    for (int i = 0; i < rank; i++) text_printf(text, "%s%lld", i > 0 ? ", " : "", (long long)shape[i]);
    return rank == 0 ? "number" : arena_printf(arena, "[%s]", text_string(text));
}

static double count_parameters(const Tensors *list, bool frozen_only) {
    double count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!list->at[i]->running && (!frozen_only || list->at[i]->frozen)) count += tensor_points(list->at[i]);
    }
    return count;
}

static void row(Text *text, const char *a, const char *b, const char *c, const char *d, const char *e, const char *f) {
    if (strlen(b) > 36) b = arena_printf(text->arena, "%.33s...", b);
    text_printf(text, "%-12s %-36s %-14s %12s %14s %14s\n", a, b, c, d, e, f);
}

void command_summary(const Model *model, FILE *out) {
    const Program *program = model->training;
    Arena *arena = arena_new();
    Text *text = text_new(arena);
    text_printf(text, "model %s\n\n", model->name);
    row(text, "name", "layer", "shape", "parameters", "forward", "backward");
    const Tensors *fed[] = {&program->inputs, &program->targets};
    for (int l = 0; l < 2; l++) {
        for (size_t i = 0; i < fed[l]->count; i++) {
            const Tensor *t = fed[l]->at[i];
            row(text, t->name, l == 0 ? "input" : "target", shape_of(arena, t->shape + 1, t->rank - 1), "", "", "");
        }
    }
    const char *last = "";
    for (size_t i = 0; i < program->parts.count; i++) {
        const Part *part = &program->parts.at[i];
        const char *binding = part->binding == NULL ? "" : part->binding;
        bool own = part->parameters.count > 0;
        row(text, strcmp(binding, last) == 0 ? "" : binding, part->label, shape_of(arena, part->shape, part->rank),
            own ? number_grouped(arena, count_parameters(&part->parameters, false)) : "",
            number_grouped(arena, work_of_part(&program->forward, (int)i + 1)),
            number_grouped(arena, work_of_part(&program->backward, (int)i + 1)));
        last = binding;
    }
    text_put(text, "\n");
    int width = 24;
    for (size_t i = 0; i < program->parameters.count; i++) {
        if ((int)strlen(program->parameters.at[i]->name) > width) width = (int)strlen(program->parameters.at[i]->name);
    }
    for (size_t i = 0; i < program->parameters.count; i++) {
        const Tensor *t = program->parameters.at[i];
        text_printf(text, "  %-*s %-20s %12s%s\n", width, t->name, shape_of(arena, t->shape, t->rank),
                    number_grouped(arena, tensor_points(t)),
                    t->running  ? "   running"
                    : t->frozen ? "   frozen"
                                : "");
    }
    text_printf(text, "\nparameters: %s", number_grouped(arena, count_parameters(&program->parameters, false)));
    if (count_parameters(&program->parameters, true) > 0)
        text_printf(text, ", frozen: %s", number_grouped(arena, count_parameters(&program->parameters, true)));
    text_printf(text, "\nmultiply-adds for each example: %s forward, %s backward\n",
                number_grouped(arena, work_of_part(&program->forward, -1)),
                number_grouped(arena, work_of_part(&program->backward, -1)));
    fputs(text_string(text), out);
    arena_free(arena);
}
