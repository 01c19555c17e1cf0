/* The types that the caller owns: parameters and state as trees of structs that follow their paths, work space, and one example's
   inputs, targets and outputs. */
#include "c_text/c_text.h"

static void dimensions(Text *text, const int64_t *shape, int from, int rank) {
    for (int i = from; i < rank; i++) text_printf(text, "[%lld]", (long long)shape[i]);
}

const char *c_member(Arena *arena, const char *path) {
    Text *text = text_new(arena);
    for (const char *at = path; *at != '\0';) { /* each word of the path is a member */
        size_t length = strcspn(at, ".");
        text_put(text, c_name(arena, arena_text(arena, at, length)));
        text_put(text, at[length] == '.' ? "." : "");
        at += length + (at[length] == '.');
    }
    return text_string(text);
}

/* A tensor's path from byte `at` on: the word there, and whether it is the last. */
static const char *word_at(Arena *arena, const Tensor *tensor, size_t at, bool *last) {
    const char *dot = strchr(tensor->name + at, '.');
    *last = dot == NULL;
    return arena_text(arena, tensor->name + at, dot == NULL ? strlen(tensor->name + at) : (size_t)(dot - tensor->name) - at);
}

/* Where the element [i, j] stands, if not row-major: W[j / 32][i][j mod 32]; name NULL: it is the member's. */
static void layout_comment(Text *text, const Tensor *tensor, const char *name) {
    static const char letters[] = "ijklmnop";
    const Layout *layout = tensor->layout;
    if (layout == NULL) return;
    text_printf(text, " /* [");
    for (int a = 0; a < tensor->rank; a++) text_printf(text, "%s%c", a > 0 ? ", " : "", letters[a]);
    text_printf(text, "]%s%s", name != NULL ? " of " : ",", name != NULL ? name : "");
    for (int a = 0; a < tensor->rank; a++) text_printf(text, "%s%lld", a > 0 ? " x " : " ", (long long)tensor->shape[a]);
    text_put(text, name != NULL ? " is " : ", is ");
    for (int k = 0; k < layout->count; k++) {
        const LayoutAxis *axis = &layout->axes[k];
        bool top = axis->divisor * axis->size >= tensor->shape[axis->axis];
        text_printf(text, "[%c", letters[axis->axis]);
        if (axis->before > 0) text_printf(text, " + %lld", (long long)axis->before);
        if (axis->divisor > 1) text_printf(text, " / %lld", (long long)axis->divisor);
        if (!top) text_printf(text, " mod %lld", (long long)axis->size);
        text_put(text, "]");
    }
    text_put(text, " */");
}

/* Members for all tensors of the list, which share their paths up to byte `at`. */
static void tree(Text *text, const LoopProgram *loop, const Tensors *list, size_t at) {
    for (size_t i = 0; i < list->count; i++) {
        bool last, other, known = false;
        const char *word = word_at(loop->arena, list->at[i], at, &last);
        for (size_t k = 0; k < i; k++) known |= strcmp(word_at(loop->arena, list->at[k], at, &other), word) == 0;
        if (known) continue;
        if (last) {
            text_printf(text, "%s %s", c_number_type(loop), c_name(loop->arena, word));
            dimensions(text, tensor_stored(list->at[i])->shape, 0, tensor_stored(list->at[i])->rank);
            text_put(text, ";");
            layout_comment(text, list->at[i], c_name(loop->arena, word));
            text_put(text, "\n");
            continue;
        }
        Tensors inner = {0};
        for (size_t k = i; k < list->count; k++) {
            if (strcmp(word_at(loop->arena, list->at[k], at, &other), word) == 0) vec_push(loop->arena, &inner, list->at[k]);
        }
        text_put(text, "struct {\n");
        text->indent++;
        tree(text, loop, &inner, at + strlen(word) + 1);
        text->indent--;
        text_printf(text, "} %s;\n", c_name(loop->arena, word));
    }
}

static void tree_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Tensors *list,
                        const char *last) {
    text_printf(text, "typedef struct {\n");
    text->indent++;
    tree(text, loop, list, 0); /* first, so that they begin on a line of the cache where the struct does */
    text_put(text, last);
    if (list->count == 0 && *last == '\0') text_put(text, "char none; /* C wants a member */\n");
    text->indent--;
    text_printf(text, "} %s_%s;\n\n", model, what);
}

static void example_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Tensors *list) {
    if (list->count == 0) return;
    text_put(text, "typedef struct {\n");
    text->indent++;
    for (size_t i = 0; i < list->count; i++) {
        const Tensor *t = list->at[i];
        text_printf(text, "%s %s", t->index_range > 0 ? "int32_t" : c_number_type(loop), c_name(loop->arena, t->name));
        dimensions(text, t->shape, 1, t->rank);
        if (t->index_range > 0) text_printf(text, "; /* 0 .. %lld */\n", (long long)t->index_range - 1);
        else text_put(text, ";\n");
    }
    text->indent--;
    text_printf(text, "} %s_%s;\n\n", model, what);
}

bool c_is_output(const Tensors *outputs, const Tensor *tensor) {
    for (size_t i = 0; i < outputs->count; i++) {
        if (outputs->at[i] == tensor) return true;
    }
    return false;
}

/* Where the routine's buffers are: in its work struct, but for what its caller gives. */
bool c_is_given(const LoopProgram *loop, const Routine *routine, const Tensor *t) {
    if (routine == &loop->predict) return c_is_output(&routine->program->outputs, t);
    return routine == &loop->gradient && t->kind == TENSOR_ADJOINT && t->of->kind == TENSOR_PARAMETER;
}

static void member(Text *text, const LoopProgram *loop, const Routine *routine, const Tensor *t) {
    text_printf(text, "%s %s", t->index_range > 0 ? "int32_t" : c_number_type(loop), c_name(loop->arena, t->name));
    dimensions(text, t->shape, 0, t->rank);
    text_put(text, ";");
    layout_comment(text, routine->program->all.at[t->id], NULL);
    text_put(text, "\n");
}

static void space(Text *text, const LoopProgram *loop, const Routine *routine, int number) {
    text_put(text, "union { /* they live at different times */\n");
    text->indent++;
    for (size_t i = 0; i < routine->buffers.count; i++) {
        if (routine->space[routine->buffers.at[i]->id] == number) member(text, loop, routine, routine->buffers.at[i]);
    }
    text->indent--;
    text_printf(text, "} space_%d;\n", number);
}

const char *c_buffer(Arena *arena, const Routine *routine, const Tensor *tensor) {
    int number = routine->space[tensor->id];
    const char *name = c_name(arena, tensor->name);
    return number > 0 ? arena_printf(arena, "work->space_%d.%s", number, name) : arena_printf(arena, "work->%s", name);
}

void c_work_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Routine *routine,
                   const char *last) {
    text_put(text, "typedef struct {\n");
    text->indent++;
    bool none = true, *printed = NEW_ARRAY(loop->arena, bool, routine->spaces + 1);
    for (size_t i = 0; i < routine->buffers.count; i++) {
        const Tensor *t = routine->buffers.at[i];
        int number = routine->space[t->id];
        if (c_is_given(loop, routine, t)) continue;
        none = false;
        if (number == 0) member(text, loop, routine, t);
        else if (!printed[number]) space(text, loop, routine, number);
        printed[number] = true;
    }
    if (none) text_put(text, "char none; /* C wants a member */\n");
    text_put(text, last);
    text->indent--;
    text_printf(text, "} %s_%s;\n\n", model, what);
}

double c_work_bytes(const LoopProgram *loop, const Routine *routine) {
    double bytes = 0, largest[routine->spaces + 1];
    for (int s = 0; s <= routine->spaces; s++) largest[s] = 0;
    for (size_t i = 0; i < routine->buffers.count; i++) {
        const Tensor *t = routine->buffers.at[i];
        int number = routine->space[t->id];
        double own = tensor_points(t) * (t->index_range > 0 || !loop->is_double ? 4 : 8);
        if (c_is_given(loop, routine, t)) continue;
        if (number == 0) bytes += own;
        else if (own > largest[number]) largest[number] = own;
    }
    for (int s = 1; s <= routine->spaces; s++) bytes += largest[s];
    return bytes;
}

void c_structs(Text *text, const LoopProgram *loop, const char *model) {
    const Program *program = loop->model->training;
    text_put(text, "\n/* One example: what the network is given, what it should answer, what it answers. */\n");
    example_struct(text, loop, model, "input", &program->inputs);
    example_struct(text, loop, model, "target", &program->targets);
    example_struct(text, loop, model, "output", &loop->model->inference->outputs);
    text_printf(text, "/* What training finds. Members follow the paths in the model.%s */\n",
                loop_moves_parameters(loop)
                    ? " Where a comment says so, elements stand in another order than the\n   model's, in "
                      "which steps read them faster."
                    : "");
    tree_struct(text, loop, model, "parameters", &program->parameters, "");
    text_printf(text, "/* The optimizer's memory. `step` counts the batches trained on; `epoch` is the caller's, from 0%s. */\n",
                c_state_seed(loop) ? "; `seed` is that of random numbers" : "");
    tree_struct(text, loop, model, "state", &program->states,
                c_state_seed(loop) ? "uint32_t step, epoch;\nuint64_t seed;\n" : "uint32_t step, epoch;\n");
    text_put(text, "/* Space that a call needs; its contents mean nothing between calls. */\n");
    if (loop->initial.buffers.count > 0) c_work_struct(text, loop, model, "init_work", &loop->initial, "");
    c_parts_struct(text, loop, model, "", &loop->step);
    c_parts_struct(text, loop, model, "evaluate_", &loop->evaluate);
    c_parts_struct(text, loop, model, "predict_", &loop->predict);
    if (loop->options.gradients) c_work_struct(text, loop, model, "gradient_work", &loop->gradient, "");
}
