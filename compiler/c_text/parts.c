/* Threads that have parts of the batch: each finds the gradients of its own; they are added in the order of the parts; then threads share
   the loops of the update. Without OpenMP, the parts run one after the other, and their sums are added in the same order. */
#include "c_text/c_text.h"

#include <math.h>

enum { CACHE_LINE = 64 };

/* ---- What the parts need */

static double bytes_apart(const LoopProgram *loop, const Routine *routine) {
    double over = fmod(c_work_bytes(loop, routine), CACHE_LINE);
    return over > 0 && loop_parts(loop, routine) > 1 ? CACHE_LINE - over : 0;
}

double c_parts_bytes(const LoopProgram *loop, const Routine *routine) {
    return loop_parts(loop, routine) * (c_work_bytes(loop, routine) + bytes_apart(loop, routine));
}

void c_parts_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Routine *routine) {
    Arena *arena = text->arena;
    double apart = bytes_apart(loop, routine);
    const char *last =
        apart == 0
            ? ""
            : arena_printf(
                  arena, "char apart[%.0f]; /* so that the next one begins on a line of the cache, if this one does */\n", apart);
    bool parts = loop_parts(loop, routine) > 1;
    c_work_struct(text, loop, model, arena_printf(arena, "%s%s", what, parts ? "part" : "work"), routine, last);
    if (parts)
        text_printf(text,
                    "typedef struct {\n    %s_%spart part[%d]; /* of a batch, each with what one thread needs for it */\n} "
                    "%s_%swork;\n\n",
                    model, what, loop_parts(loop, routine), model, what);
}

/* ---- Their sums */

/* A sum over the batch: no example's own, found with each micro-batch, and read by what runs behind all parts, or by the caller. */
static bool is_sum(const LoopProgram *loop, const Routine *routine, const Tensor *t) {
    const Program *program = routine->program;
    bool found = false, read = program->loss != NULL && program->loss->id == t->id;
    for (size_t i = 0; i < program->metrics.count; i++) read |= program->metrics.at[i].tensor->id == t->id;
    for (size_t i = 0; i < routine->body.count; i++) {
        const Node *block = routine->body.at[i];
        const Nodes one = {.at = &routine->body.at[i], .count = 1};
        bool writes = false;
        for (size_t k = 0; k < block->statements.count; k++) writes |= block->statements.at[k]->target->id == t->id;
        if (block->when == IF_LAST) read |= !writes && loop_uses(loop->arena, routine, &one)[t->id];
        else found |= writes && block->when == ALWAYS;
    }
    return found && read && !t->batched;
}

static void print_sum(CPrinter *p, const Tensor *t) {
    Text *text = p->text;
    const char *here = c_buffer(text->arena, p->routine, t), *there = arena_printf(text->arena, "more%s", here + strlen("work"));
    const char *at = "";
    if (t->rank == 0) {
        text_printf(text, "#pragma omp master\n%s += %s;\n", here, there);
        return;
    }
    text_put(text, "#pragma omp for schedule(static) nowait");
    text_put(text, t->rank > 2 ? arena_printf(text->arena, " collapse(%d)\n", t->rank - 1) : "\n");
    for (int a = 0; a < t->rank; a++) {
        text_printf(text, "for (int %c = 0; %c < %lld; %c++) {\n", 'i' + a, 'i' + a, (long long)t->shape[a], 'i' + a);
        text->indent++;
        at = arena_printf(text->arena, "%s[%c]", at, 'i' + a);
    }
    text_printf(text, "%s%s += %s%s;\n", here, at, there, at);
    for (int a = 0; a < t->rank; a++) {
        text->indent--;
        text_put(text, "}\n");
    }
}

/* False: there are none. */
static bool print_sums(CPrinter *p, const char *what) {
    const char *m = p->model;
    Text *text = p->text;
    bool any = false;
    for (size_t i = 0; i < p->routine->buffers.count; i++) any |= is_sum(p->loop, p->routine, p->routine->buffers.at[i]);
    if (!any) return false;
    if (p->annotate > 0)
        text_put(text, "/* What another part of the batch has found is added. All threads call this, and share its loops in the "
                       "same way each\n"
                       "   time, so that none has to wait for another. */\n");
    text_printf(text, "static void %s_%sadd(%s_%spart *restrict work, const %s_%spart *restrict more) {\n", m, what, m, what, m,
                what);
    text->indent++;
    for (size_t i = 0; i < p->routine->buffers.count; i++) {
        if (is_sum(p->loop, p->routine, p->routine->buffers.at[i])) print_sum(p, p->routine->buffers.at[i]);
    }
    text->indent--;
    text_put(text, "}\n\n");
    return true;
}

/* ---- A batch */

/* All micro-batches of all parts. */
static const char *run_parts(CPrinter *p, const CHead *head) {
    const MicroBatches *micro = micro_of(p->loop, p->routine);
    Arena *arena = p->text->arena;
    const char *m = c_upper(arena, p->model), *room = micro->share > micro->size ? "begin" : "done";
    CHead of_part = *head;
    of_part.work = arena_printf(arena, "&work->part[%s / %s_PART]", room, m);
    const char *call = c_call(p, &of_part, " + first + done");
    bool counts = strstr(call, ", examples") != NULL;
    if (micro->share == micro->size) {
        const char *count =
            arena_printf(arena, "        const int examples = batch - done < %s_PART ? batch - done : %s_PART;\n", m, m);
        return arena_printf(arena, "    for (int done = 0; done < batch; done += %s_PART) {\n%s        %s    }\n", m,
                            counts ? count : "", call);
    }
    const char *count = arena_printf(
        arena, "            const int examples = end - done < %s_MICRO_BATCH ? end - done : %s_MICRO_BATCH;\n", m, m);
    return arena_printf(
        arena,
        "    for (int begin = 0; begin < batch; begin += %s_PART) {\n"
        "        const int end = batch - begin < %s_PART ? batch : begin + %s_PART;\n"
        "        for (int done = begin; done < end; done += %s_MICRO_BATCH) {\n%s            %s        }\n    }\n",
        m, m, m, m, counts ? count : "", call);
}

static Nodes blocks_when(const CPrinter *p, const Routine *routine, bool last) {
    Nodes blocks = {0};
    for (size_t i = 0; i < routine->body.count; i++) {
        if ((routine->body.at[i]->when == IF_LAST) == last) vec_push(p->text->arena, &blocks, routine->body.at[i]);
    }
    return blocks;
}

const char *c_parts_functions(CPrinter *p, const Routine *routine, const CHead *head, const char *what, const CHead *last) {
    Arena *arena = p->text->arena;
    const Nodes of_part = blocks_when(p, routine, false), of_all = blocks_when(p, routine, true);
    CHead part = *head, behind = *last;
    part.blocks = &of_part;
    c_function(p, routine, &part);
    const char *run = run_parts(p, &part), *after = "";
    if (print_sums(p, what))
        after = arena_printf(arena,
                             "    for (int part = 1; part * %s_PART < batch; part++)\n"
                             "        %s_%sadd(&work->part[0], &work->part[part]);\n",
                             c_upper(arena, p->model), p->model, what);
    if (of_all.count > 0) {
        behind.blocks = &of_all;
        behind.work = "&work->part[0]";
        c_function(p, routine, &behind);
        after = arena_printf(arena, "%s    #pragma omp barrier\n    %s", after, c_call(p, &behind, ""));
    }
    return arena_printf(arena, "#pragma omp parallel num_threads(%d)\n{\n    #pragma omp for schedule(static, 1)\n%s%s}\n",
                        loop_parts(p->loop, routine), run, after);
}
