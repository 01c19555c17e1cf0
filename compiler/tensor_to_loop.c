/* The door from mathematics to loops: which statements each routine runs, and in which order; loop/lower.c makes nodes of them.

   Requires: a derived and simplified model. Ensures: see loop/loop.h. Changes the model's programs: what a softmax and its log-sum-exp
   have in common becomes statements of their own, rows become tensors, and of scans only the steps that are read are kept. */
#include "loop/evaluate.h"
#include "loop/loop.h"

static void lower_list(LoopProgram *loop, Routine *routine, Program *program, const Statements *list, const bool *wanted) {
    const MicroBatches *micro = micro_of(loop, routine);
    Groups groups = group_each(loop->arena, list);
    if (micro != NULL) groups = in_micro_batches(loop->arena, micro, &groups);
    lower_groups(loop, routine, program, &groups, wanted);
}

/* What is calculated at the end, from means over all examples, is not calculated for a batch. */
static void leave_combining_out(Arena *arena, Program *program) {
    Statements combining = program_combining(arena, program), left = {0};
    for (size_t i = 0; i < program->forward.count; i++) {
        bool out = false;
        for (size_t k = 0; k < combining.count; k++) out |= combining.at[k] == program->forward.at[i];
        if (!out) vec_push(arena, &left, program->forward.at[i]);
    }
    program->forward = left;
}

/* ---- Routines */

static void mark_read(void *context, Expr e) {
    if (e->kind == EXPR_READ) ((bool *)context)[e->tensor->id] = true;
}

/* The statements that `outputs` depend on, by target's id. */
static bool *needed_for(Arena *arena, const Program *program, Tensor *const *outputs, size_t count) {
    bool *needed = NEW_ARRAY(arena, bool, program->all.count + 1);
    for (size_t i = 0; i < count; i++) needed[outputs[i]->id] = true;
    for (size_t end = program->forward.count, i; end > 0; end = i) {
        bool any = false;
        i = scan_begin(&program->forward, end - 1);
        for (size_t k = i; k < end; k++) any |= needed[program->forward.at[k]->target->id];
        for (size_t k = i; k < end && any; k++) expr_visit(program->pool, program->forward.at[k]->value, mark_read, needed);
    }
    return needed;
}

/* Of a micro-batch by itself, where the batch is divided. */
static void lower_search(LoopProgram *loop, Program *training) {
    Statements all = {0};
    for (size_t i = 0; loop->micro != NULL && i < loop->micro->zeros.count; i++)
        vec_push(loop->arena, &all, loop->micro->zeros.at[i]);
    for (size_t i = 0; i < training->forward.count; i++) vec_push(loop->arena, &all, training->forward.at[i]);
    lower_list(loop, &loop->forward, training, &all,
               training->loss == NULL ? NULL : needed_for(loop->arena, training, &training->loss, 1));
}

static void lower_inference(LoopProgram *loop, Program *inference) {
    Arena *arena = loop->arena;
    Vec(Tensor *) judged = {0};
    if (inference->loss != NULL) vec_push(arena, &judged, inference->loss);
    for (size_t i = 0; i < inference->metrics.count; i++) {
        if (!inference->metrics.at[i].combined) vec_push(arena, &judged, inference->metrics.at[i].tensor);
    }
    lower_list(loop, &loop->evaluate, inference, &inference->forward, needed_for(arena, inference, judged.at, judged.count));
    lower_list(loop, &loop->predict, inference, &inference->forward,
               needed_for(arena, inference, inference->outputs.at, inference->outputs.count));
}

Routine *loop_routine(LoopProgram *loop, int which, const char **name) {
    static const char *const names[] = {"initial", "step", "gradient", "evaluate", "predict", "combine", "forward"};
    Routine *routines[] = {&loop->initial, &loop->step,    &loop->gradient, &loop->evaluate,
                           &loop->predict, &loop->combine, &loop->forward};
    if (name != NULL) *name = names[which];
    return routines[which];
}

/* "h.dense" and "h_dense" are one name in most languages: of two the one with dots gets another. Members of structs follow paths and
   stay as they are. */
static void make_names_distinct(Arena *arena, Program *program) {
    NameTable taken = {0};
    for (int dots = 0; dots < 2; dots++) {
        for (size_t i = 0; i < program->all.count; i++) {
            Tensor *t = program->all.at[i];
            bool dotted = strchr(t->name, '.') != NULL;
            bool member = tensor_is_persistent(t) || t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET;
            if (member || t->array || dotted != (dots == 1)) continue;
            for (int copy = 2;; copy++) {
                char *flat = arena_text(arena, t->name, strlen(t->name));
                for (char *at = flat; *at != '\0'; at++) *at = *at == '.' ? '_' : *at;
                size_t *times = name_table_at(arena, &taken, name_of(pool_names(program->pool), flat));
                if ((*times)++ == 0) break;
                tensor_set_name(program, t, name_of(pool_names(program->pool), arena_printf(arena, "%s_%d", t->name, copy)));
            }
        }
    }
}

static bool same_literal(const Tensor *a, const Tensor *b) {
    if (a->rank != b->rank || memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->rank) != 0) return false;
    return memcmp(a->literal, b->literal, sizeof *a->literal * (size_t)tensor_points(a)) == 0;
}

/* Numbers that only inference reads, `if training then ... else x * [1, 2]`, may be called like others that only training reads. */
static void tell_literals_apart(Arena *arena, const Program *training, Program *inference) {
    for (size_t i = 0; i < inference->all.count; i++) {
        Tensor *t = inference->all.at[i];
        bool clash = false;
        for (size_t k = 0; k < training->all.count && t->kind == TENSOR_LITERAL; k++) {
            const Tensor *other = training->all.at[k];
            clash |= strcmp(t->name, other->name) == 0 && (other->kind != TENSOR_LITERAL || !same_literal(t, other));
        }
        if (clash)
            tensor_set_name(inference, t, name_of(pool_names(inference->pool), arena_printf(arena, "inference.%s", t->name)));
    }
}

static void copy_layout(Arena *arena, Tensor *to, const Tensor *from) {
    if (from->layout != NULL) to->layout = layout_new(arena, to, from->layout->axes, from->layout->count);
}

/* Parameters and state stand the same way in memory for all routines. */
static void share_layouts(Arena *arena, const Program *from, const Program *to) {
    for (size_t i = 0; i < to->all.count; i++) {
        for (size_t k = 0; k < from->all.count && tensor_is_persistent(to->all.at[i]); k++) {
            const Tensor *other = from->all.at[k];
            if (tensor_is_persistent(other) && other->name == to->all.at[i]->name) copy_layout(arena, to->all.at[i], other);
        }
    }
}

LoopProgram *tensor_to_loop(Arena *arena, const Model *model, LoopOptions options) {
    LoopProgram *loop = NEW(arena, LoopProgram);
    *loop = (LoopProgram){.arena = arena, .model = model, .options = options, .is_double = model->settings.is_double};
    Program *training = model->training;
    if (loop->options.target == NULL) loop->options.target = target_find("portable");
    Statements combining = program_combining(arena, model->inference);
    leave_combining_out(arena, training);
    leave_combining_out(arena, model->inference);
    share_exponentials(training);
    share_exponentials(model->inference);
    pool_fold_as(training->pool, loop->is_double ? loop_value : loop_value_float); /* what is folded here, loops compute */
    pool_fold_as(model->inference->pool, loop->is_double ? loop_value : loop_value_float);
    join_scans(training, &training->backward); /* of the forward pass, prediction may need the scan without the rest */
    keep_last_steps(training);
    keep_last_steps(model->inference);
    loop->micro = divide_batch(loop, training, options.micro);
    if (loop->micro != NULL) {
        loop->micro_inference = divide_batch(loop, model->inference, loop->micro->size);
        loop->undivided = NULL; /* that may stay whole */
    }
    Groups step = group_statements(arena, training);
    if (loop->micro != NULL) step = in_micro_batches(arena, loop->micro, &step);
    shorten_vectors(loop, training->pool, &step);
    lower_list(loop, &loop->initial, training, &training->initial, NULL);
    lower_groups(loop, &loop->step, training, &step, NULL);
    share_layouts(arena, training, model->inference);
    loop->gradient.program = training;
    if (options.gradients) {
        Statements both = {0};
        for (size_t i = 0; i < training->forward.count; i++) vec_push(arena, &both, training->forward.at[i]);
        for (size_t i = 0; i < training->backward.count; i++) vec_push(arena, &both, training->backward.at[i]);
        lower_list(loop, &loop->gradient, training, &both, NULL);
    }
    lower_search(loop, training);
    lower_inference(loop, model->inference);
    for (int i = 0; i < ROUTINES; i++) {
        Routine *routine = loop_routine(loop, i, NULL);
        const MicroBatches *micro = micro_of(loop, routine);
        if (micro != NULL) routine->rounds = (double)model->settings.batch / (double)micro->size;
    }
    lower_list(loop, &loop->combine, model->inference, &combining, NULL);
    shorten_rings(training);
    shorten_rings(model->inference);
    tell_literals_apart(arena, training, model->inference);
    make_names_distinct(arena, training);
    make_names_distinct(arena, model->inference);
    for (int i = 0; i < ROUTINES; i++) clip_sums(loop_routine(loop, i, NULL));
    lay_out(loop);
    for (int i = 0; i < ROUTINES; i++) {
        Routine *routine = loop_routine(loop, i, NULL);
        digits(loop, routine);
        split(loop, routine);
        unroll(loop, routine);
        bool shared = routine == &loop->step || routine == &loop->evaluate || routine == &loop->predict;
        if (options.threads > 1 && shared) share(loop, routine);
        place(loop, routine);
        if (options.threads > 1 && shared) find_unwaited(loop, routine);
    }
    return loop;
}
