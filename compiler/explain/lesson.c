#include "explain/lesson.h"

#include "tensor/steps.h"

/* ---- The program for readers */

/* Statements as they are at some step: later steps change them in place. */
typedef struct {
    Vec(Statement *) of; /* by tensor id, or NULL */
} Snapshot;

static void remember(Arena *arena, Snapshot *snapshot, const Statements *list) {
    for (size_t i = 0; i < list->count; i++) {
        Statement *copy = NEW(arena, Statement);
        *copy = *list->at[i];
        while (snapshot->of.count <= copy->target->id) vec_push(arena, &snapshot->of, NULL);
        snapshot->of.at[copy->target->id] = copy;
    }
}

static const Statement *remembered(const Snapshot *snapshot, const Tensor *tensor) {
    return tensor->id < snapshot->of.count ? snapshot->of.at[tensor->id] : NULL;
}

/* ---- Through which statements a derivative came */

typedef struct {
    Lesson *lesson;
    const Snapshot *derived, *forward;
    Item *item;
    bool *met; /* by tensor id */
} Linking;

static void link_to(Linking *l, const Statement *derived);

static void link_part(void *context, Expr e) {
    Linking *l = context;
    if (e->kind != EXPR_READ || e->tensor->kind != TENSOR_ADJOINT || e->tensor->of->kind != TENSOR_PART) return;
    if (l->met[e->tensor->id]) return;
    const Statement *part = remembered(l->derived, e->tensor);
    if (part != NULL) link_to(l, part);
}

/* Does the loss depend on it? A part whose derivative is that of the whole, and has no other name, is what its readers are. */
static bool has_adjoint(const Linking *l, const Tensor *tensor) {
    Pool *pool = l->lesson->program->pool;
    if (tensor == l->lesson->program->loss) return true;
    for (size_t i = 0; i < l->derived->of.count; i++) {
        const Statement *s = l->derived->of.at[i];
        if (s != NULL && s->target->kind == TENSOR_ADJOINT && s->target->of == tensor) return true;
    }
    for (size_t i = 0; tensor->kind == TENSOR_PART && i < l->forward->of.count; i++) {
        const Statement *s = l->forward->of.at[i];
        if (s != NULL && s->target != tensor && derivative_flows(pool, s->value, tensor) && has_adjoint(l, s->target))
            return true;
    }
    return false;
}

/* What `derived` reads comes first, as far as the model has no name for it. */
static void link_to(Linking *l, const Statement *derived) {
    Pool *pool = l->lesson->program->pool;
    Link link = {.derived = derived};
    l->met[derived->target->id] = true;
    expr_visit(pool, derived->value, link_part, l);
    for (size_t i = 0; i < l->forward->of.count; i++) {
        const Statement *reader = l->forward->of.at[i];
        if (reader != NULL && derivative_flows(pool, reader->value, derived->target->of) && has_adjoint(l, reader->target))
            vec_push(l->lesson->arena, &link.readers, reader);
    }
    vec_push(l->lesson->arena, &l->item->links, link);
}

/* ---- Items */

static void add(Lesson *lesson, Phase phase, const Statement *s, Item item) {
    item.phase = phase;
    item.statement = s;
    vec_push(lesson->arena, &lesson->items, item);
}

static void add_items(Lesson *lesson, const Snapshot *written, const Snapshot *forward, const Snapshot *derived) {
    const Program *program = lesson->program;
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i], *before = remembered(written, s->target);
        bool same = before != NULL && canonical(program->pool, before->value, before->indices, before->count, NULL) ==
                                          canonical(program->pool, s->value, s->indices, s->count, NULL);
        add(lesson, PHASE_FORWARD, s, (Item){.written = same ? NULL : before});
    }
    for (size_t i = 0; i < program->backward.count; i++) {
        const Statement *s = program->backward.at[i], *before = remembered(derived, s->target);
        Item item = {0};
        Linking linking = {lesson, derived, forward, &item, NEW_ARRAY(lesson->arena, bool, program->all.count)};
        if (before != NULL && s->target->kind == TENSOR_ADJOINT) link_to(&linking, before);
        item.simplified = before != NULL && before->value != s->value;
        add(lesson, PHASE_BACKWARD, s, item);
    }
    for (size_t i = 0; i < program->update.count; i++) add(lesson, PHASE_UPDATE, program->update.at[i], (Item){0});
}

Lesson *lesson_new(AstContext *context, const AstList *items, uint32_t source, int64_t batch, const Model *model) {
    Arena *arena = context->arena;
    Lesson *lesson = NEW(arena, Lesson);
    Snapshot written = {0}, forward = {0}, derived = {0};
    size_t said = context->diagnostics->list.count; /* warnings come once */
    Model *again = ast_to_tensor(context, items, source, batch);
    context->diagnostics->list.count = said;
    if (again == NULL) bug("the model was compiled once, but not twice");
    Program *program = again->training;
    *lesson = (Lesson){.arena = arena,
                       .sources = context->sources,
                       .model = model,
                       .source = source,
                       .own = again,
                       .program = program,
                       .digits = 9};
    program->explained = true;
    remember(arena, &written, &program->forward);
    stabilize(program);
    normalize(program);
    differentiate(program);
    drop_plain_parts(program);
    remember(arena, &forward, &program->forward);
    remember(arena, &derived, &program->backward);
    for (size_t i = 0; i < forward.of.count; i++) {
        if (forward.of.at[i] != NULL) vec_push(arena, &lesson->before, forward.of.at[i]);
    }
    simplify(program);
    lesson->scratch = tensor_new(program, TENSOR_PART, "value", 0, NULL);
    add_items(lesson, &written, &forward, &derived);
    return lesson;
}

void lesson_free(Lesson *lesson) {
    if (lesson != NULL) machine_free(lesson->machine);
}

const char *lesson_place(const Lesson *lesson, const Statement *s) {
    if (s->origin.span.source == 0) return NULL;
    const char *path = source_of(lesson->sources, s->origin.span)->name, *slash = strrchr(path, '/');
    return arena_printf(lesson->arena, "%s:%u", slash != NULL ? slash + 1 : path,
                        source_place(lesson->sources, s->origin.span.source, s->origin.span.begin).line);
}

const Item *lesson_item(const Lesson *lesson, const Tensor *target) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        if (lesson->items.at[i].statement->target == target) return &lesson->items.at[i];
    }
    return NULL;
}

const Tensor *lesson_adjoint(const Lesson *lesson, const Tensor *tensor) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Tensor *target = lesson->items.at[i].statement->target;
        if (target->kind == TENSOR_ADJOINT && (target->of == tensor || target == tensor)) return target;
    }
    return NULL;
}

const Tensor *lesson_whole(const Lesson *lesson, const Tensor *part) {
    Pool *pool = lesson->program->pool;
    for (size_t i = 0; i < lesson->items.count && part->kind == TENSOR_PART; i++) {
        const Item *item = &lesson->items.at[i];
        const Tensor *target = item->statement->target;
        if (item->phase == PHASE_FORWARD && target != part && expr_reads(pool, item->statement->value, part))
            return lesson_whole(lesson, target);
    }
    for (size_t i = 0; i < lesson->before.count && part->kind == TENSOR_PART;
         i++) { /* it is gone: its formula went into another */
        const Statement *s = lesson->before.at[i];
        if (s->target != part && expr_reads(pool, s->value, part)) return lesson_whole(lesson, s->target);
    }
    return part;
}
