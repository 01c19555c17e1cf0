/* Layers in the model, as a tree, and the paths of their parameters:

       hidden.W              the binding holds one layer with parameters
       features.conv2d_2.b   it holds more: the layer's name, numbered in order of evaluation
       block.inner.W         a layer inside a layer */
#include "elaborate/elaborate.h"

static Siblings *siblings_of(E *e, Instance *parent, Name binding) {
    size_t *at = name_table_at(e->arena, &parent->of_binding, binding);
    if (*at == 0) {
        vec_push(e->arena, &parent->siblings, (Siblings){0});
        *at = parent->siblings.count;
    }
    return &parent->siblings.at[*at - 1];
}

Instance *instance_new(E *e, Instance *parent, Name binding, Name name) {
    Instance *instance = NEW(e->arena, Instance);
    instance->parent = parent;
    instance->binding = binding;
    instance->name = name;
    if (parent == NULL) return instance;
    vec_push(e->arena, &parent->children, (Child){binding, instance});
    vec_push(e->arena, &siblings_of(e, parent, binding)->all, instance);
    return instance;
}

/* The next layer under this binding. When a shared layer is elaborated again (instance_restart), the children that it made the
   first time are met again, in the same order. */
Instance *instance_child(E *e, Instance *instance, Name binding, Name name) {
    Siblings *siblings = siblings_of(e, instance, binding);
    if (siblings->pass != instance->pass) siblings->met = 0;
    siblings->pass = instance->pass;
    size_t met = siblings->met++;
    if (met < siblings->all.count) return siblings->all.at[met];
    return instance_new(e, instance, binding, name);
}

void instance_restart(Instance *instance) { instance->pass++; }

static bool owns(const Instance *instance) {
    if (instance->parameters.count > 0) return true;
    for (size_t i = 0; i < instance->children.count; i++) {
        if (owns(instance->children.at[i].instance)) return true;
    }
    return false;
}

/* The layer's name among those that share its binding; *alone if it is the only one with parameters. */
static const char *label(E *e, const Instance *instance, bool *alone) {
    int same = 0, all = 0, position = 0;
    const Siblings *siblings = siblings_of(e, instance->parent, instance->binding);
    for (size_t i = 0; i < siblings->all.count; i++) {
        const Instance *child = siblings->all.at[i];
        if (!owns(child)) continue;
        all++;
        if (child->name == instance->name) same++;
        if (child == instance) position = same;
    }
    *alone = all < 2;
    return position <= 1 ? instance->name : arena_printf(e->arena, "%s_%d", instance->name, position);
}

/* The words of a path; those that may be left out are marked. */
typedef struct {
    const char *word;
    bool optional;
} Word;
typedef Vec(Word) Words;

static void words_of(E *e, const Instance *instance, Words *words) {
    if (instance->parent == NULL) return;
    words_of(e, instance->parent, words);
    bool alone;
    const char *name = label(e, instance, &alone);
    vec_push(e->arena, words, (Word){instance->binding, false});
    vec_push(e->arena, words, (Word){name, alone});
}

static const char *path_of(E *e, const Words *words, const char *last) {
    Text *text = text_new(e->arena);
    for (size_t i = 0; i < words->count; i++) {
        if (!words->at[i].optional) text_printf(text, "%s.", words->at[i].word);
    }
    text_put(text, last);
    return text_string(text);
}

typedef void (*Each)(void *context, Words *words, const Owned *owned);

static void each_parameter(E *e, const Instance *instance, Each each, void *context) {
    Words words = {0};
    words_of(e, instance, &words);
    for (size_t i = 0; i < instance->parameters.count; i++) each(context, &words, &instance->parameters.at[i]);
    for (size_t i = 0; i < instance->children.count; i++) each_parameter(e, instance->children.at[i].instance, each, context);
}

static void give_name(void *context, Words *words, const Owned *owned) {
    E *e = context;
    tensor_set_name(e->program, owned->tensor, name_of(e->context->names, path_of(e, words, owned->name)));
}

void name_parameters(E *e) { each_parameter(e, e->root, give_name, e); }

void update_states(E *e, const Instance *instance) {
    for (size_t i = 0; i < instance->parameters.count; i++) {
        const Owned *owned = &instance->parameters.at[i];
        Tensor *state = owned->tensor;
        if (owned->now == NULL || state->frozen) continue;
        const Value *now = owned->now;
        Origin origin = {.span = state->span, .inner = state->span, .rule = "update"};
        statement_add(e->program, &e->program->update, state, now->axes, now->rank, now->body, origin);
    }
    for (size_t i = 0; i < instance->children.count; i++) update_states(e, instance->children.at[i].instance);
}

/* ---- References */

typedef struct {
    E *e;
    char *wanted[16];
    size_t count, skip; /* skip: words of the paths that lie above the frame in which the reference stands */
    bool whole_bindings;
    Found exact, loose;
    Suggestion *suggestion;
} Reference;

/* wanted[0..count) in order among the words; the first must be the first, and the last the parameter (or, for a whole binding, the rest
   of the path is free). */
static bool matches(const Reference *r, const Words *words, const char *last, bool exact) {
    size_t at = 0;
    for (size_t i = r->skip; i < words->count && at < r->count; i++) {
        if (strcmp(words->at[i].word, r->wanted[at]) == 0) at++;
        else if (i == r->skip || (exact && !words->at[i].optional)) return false;
    }
    if (at == r->count) return r->whole_bindings;
    return at + 1 == r->count && strcmp(last, r->wanted[at]) == 0;
}

static void consider(void *context, Words *words, const Owned *owned) {
    Reference *r = context;
    if (r->suggestion != NULL) {
        suggest(r->suggestion, path_of(r->e, words, owned->name));
        return;
    }
    if (matches(r, words, owned->name, true)) vec_push(r->e->arena, &r->exact, owned->tensor);
    if (matches(r, words, owned->name, false)) vec_push(r->e->arena, &r->loose, owned->tensor);
}

static size_t depth_of(const Instance *instance) {
    size_t depth = 0;
    for (; instance->parent != NULL; instance = instance->parent) depth += 2;
    return depth;
}

Found find_parameters(E *e, Instance *root, Name path, bool whole_bindings) {
    Reference r = {.e = e, .skip = depth_of(root), .whole_bindings = whole_bindings};
    char *copy = arena_text(e->arena, path, strlen(path)), *word = copy;
    for (char *at = copy;; at++) {
        if (*at != '.' && *at != '\0') continue;
        bool end = *at == '\0';
        *at = '\0';
        if (r.count == 16) return (Found){0};
        r.wanted[r.count++] = word;
        word = at + 1;
        if (end) break;
    }
    each_parameter(e, root, consider, &r);
    return r.exact.count > 0 ? r.exact : r.loose;
}

const char *near_parameter(E *e, Instance *root, Name path) {
    Suggestion suggestion = {.wanted = path};
    Reference r = {.e = e, .suggestion = &suggestion};
    each_parameter(e, root, consider, &r);
    return suggestion.best == NULL ? "" : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best);
}

typedef struct {
    E *e;
    const Tensor *tensor;
    const char *path;
} Path;

static void note_path(void *context, Words *words, const Owned *owned) {
    Path *p = context;
    if (owned->tensor == p->tensor) p->path = path_of(p->e, words, owned->name);
}

const Value *parameter_reference(E *e, Name path, Scope *scope, Span span) {
    Found found = find_parameters(e, scope->frame->instance, path, false);
    if (found.count == 1) return value_tensor(e, found.at[0]);
    if (found.count == 0)
        return fail(e, span, "there is no parameter '%s'%s", path, near_parameter(e, scope->frame->instance, path));
    Path first = {e, found.at[0], ""}, second = {e, found.at[1], ""};
    each_parameter(e, scope->frame->instance, note_path, &first);
    each_parameter(e, scope->frame->instance, note_path, &second);
    return fail(e, span, "'%s' may mean %zu parameters; write '%s' or '%s'%s", path, found.count, first.path, second.path,
                found.count > 2 ? ", for example" : "");
}
