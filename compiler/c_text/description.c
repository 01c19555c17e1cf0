/* What stands at the top of NAME.h: the network, what a step costs, what its caller has to give, and how the code was made. */
#include "c_text/c_text.h"

static void print_costs(Text *text, const char *what, const Routine *routine, double examples) {
    Costs c = loop_costs(routine);
    Arena *arena = text->arena;
    text_printf(text, "     %-22s %14s %15s %10s %12s %10s\n", what, number_grouped(arena, c.additions / examples),
                number_grouped(arena, c.multiplications / examples), number_grouped(arena, c.divisions / examples),
                number_grouped(arena, c.comparisons / examples), number_grouped(arena, c.calls / examples));
}

static double bytes_of(const LoopProgram *loop, const Tensors *list, double counters) {
    double bytes = counters;
    for (size_t i = 0; i < list->count; i++)
        bytes += tensor_points(tensor_stored(list->at[i])) * (list->at[i]->index_range > 0 || !loop->is_double ? 4 : 8);
    return bytes;
}

/* Of one example. */
static double example_bytes(const LoopProgram *loop, const Tensors *list) {
    double bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const Tensor *t = list->at[i];
        double elements = tensor_points(t) / (t->batched ? (double)t->shape[0] : 1);
        bytes += elements * (t->index_range > 0 || !loop->is_double ? 4 : 8);
    }
    return bytes;
}

/* Which statements of the training step are straight lines, and by which rule. */
static void print_choice(Text *text, LoopProgram *loop) {
    int32_t limit = loop->options.unroll;
    int lines = 0, all = 0;
    for (size_t i = 0; i < loop->step.body.count; i++) {
        const Node *block = loop->step.body.at[i];
        all += !block->goes_on;
        lines += !block->goes_on && block->lines;
    }
    const char *rule = limit == UNROLL_NONE   ? "none"
                       : limit == UNROLL_FULL ? "full"
                       : limit == UNROLL_AUTO ? "auto"
                                              : arena_printf(text->arena, "%d", (int)limit);
    const char *which = limit == UNROLL_NONE || limit == UNROLL_FULL
                            ? ""
                            : arena_printf(text->arena, ", of up to %d operations for an example",
                                           limit == UNROLL_AUTO ? LINES_UP_TO : (int)limit);
    text_printf(text, "\n   Straight lines: %d of the %d blocks of the training step%s (--unroll=%s)%s.\n", lines, all, which,
                rule, lines < all ? "; the rest are loops" : "");
    const Target *target = loop->options.target;
    if (target->bytes > 0)
        text_printf(text, "   Vectors: %d of the blocks, of %d bytes (--target=%s); they need gcc or clang.\n",
                    loop_vector_blocks(&loop->step), target->bytes, target->name);
    if (loop->micro != NULL && loop->micro->share > loop->micro->size)
        text_printf(text, "   Micro-batches: gradients are found of %lld example%s at a time, and added up over the batch%s.\n",
                    (long long)loop->micro->size, loop->micro->size > 1 ? "s" : "",
                    loop->options.micro > 0 ? arena_printf(text->arena, " (--micro-batch=%lld)", (long long)loop->options.micro)
                    : loop_parts(loop, &loop->step) > 1 ? ", because a part of it is too large for the caches"
                                                        : ", which as a whole is too large for the caches");
    if (loop_parts(loop, &loop->step) > 1)
        text_printf(
            text,
            "   Threads: %d, each with up to %lld examples of a batch (--threads=%d); they need -fopenmp, without it there "
            "is one.\n",
            loop->micro->parts, (long long)loop->micro->share, loop->options.threads);
    else if (loop->options.threads > 1)
        text_printf(text, "   Threads: %d share loops of %d of the blocks (--threads=%d)%s.\n", loop->options.threads,
                    loop_parallel_blocks(&loop->step), loop->options.threads,
                    loop_uses_threads(loop) ? "; they need -fopenmp, without it there is one" : "");
}

void c_description(Text *text, LoopProgram *loop) {
    const Program *program = loop->model->training;
    const char *m = loop->model->name;
    Arena *arena = loop->arena;
    double parameters = 0, batch = (double)loop->model->settings.batch;
    for (size_t i = 0; i < program->parameters.count; i++) parameters += tensor_points(program->parameters.at[i]);
    text_printf(text, "/* %s, a network and its training step. Written by nnc from %s.\n\n", m, c_model_file(arena, loop->model));
    for (size_t i = 0; i < program->parts.count; i++) {
        const Part *part = &program->parts.at[i];
        text_printf(text, "     %-40s -> ", part->label);
        for (int a = 0; a < part->rank; a++) text_printf(text, "%s%lld", a == 0 ? "" : " x ", (long long)part->shape[a]);
        text_put(text, part->rank == 0 ? "1\n" : "\n");
    }
    text_printf(text, "\n   %s parameters of type %s, batches of %s. Operations for one example:\n\n",
                number_grouped(arena, parameters), c_number_type(loop), number_grouped(arena, batch));
    text_printf(text, "     %-22s %14s %15s %10s %12s %10s\n", "", "additions", "multiplications", "divisions", "comparisons",
                "functions");
    print_costs(text, "prediction", &loop->predict, batch);
    print_costs(text, "training step", &loop->step, batch);
    const struct {
        const char *what;
        double bytes;
    } structs[] = {{"parameters", bytes_of(loop, &program->parameters, 0)},
                   {"state", bytes_of(loop, &program->states, c_state_seed(loop) ? 16 : 8)},
                   {"init_work", c_work_bytes(loop, &loop->initial)},
                   {"work", c_parts_bytes(loop, &loop->step)},
                   {"evaluate_work", c_parts_bytes(loop, &loop->evaluate)},
                   {"predict_work", c_parts_bytes(loop, &loop->predict)},
                   {"gradient_work", loop->options.gradients ? c_work_bytes(loop, &loop->gradient) : 0},
                   {"input, for one example", example_bytes(loop, &program->inputs)},
                   {"target, for one example", example_bytes(loop, &program->targets)},
                   {"output, for one example", example_bytes(loop, &loop->model->inference->outputs)}};
    text_put(text, "\n   Bytes, all of them the caller's; nothing is allocated, nothing is global, and what a function gets must "
                   "not overlap:\n\n");
    int width = (int)strlen(m) + 25;
    for (size_t i = 0; i < sizeof structs / sizeof *structs; i++) {
        if (structs[i].bytes > 0)
            text_printf(text, "     %-*s %12s\n", width, arena_printf(arena, "%s_%s", m, structs[i].what),
                        number_grouped(arena, structs[i].bytes));
    }
    print_choice(text, loop);
    text_printf(text, "   Arithmetic is %s. */\n",
                loop->options.fast ? "fast: sums may be reordered"
                                   : "strict: the same seed gives the same bits on every machine");
}
