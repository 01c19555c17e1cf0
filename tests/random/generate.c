/* The text of a random model: inputs, a few bindings, losses, and everything else that a model may say. */
#include "writer.h"

static void inputs(Writer *w) {
    for (int i = between(w, 1, 2); i > 0; i--) {
        Value v = {.name = fresh(w, "x")};
        random_shape(w, chance(w, 8) ? 0 : between(w, 1, 3), 6, &v);
        while (points(&v) > 60) v.rank--;
        vec_push(w->arena, &w->values, v);
    }
    if (chance(w, 30)) {
        Value v = {.name = fresh(w, "k"), .range = between(w, 1, 5)};
        random_shape(w, between(w, 0, 2), 4, &v);
        vec_push(w->arena, &w->values, v);
    }
    for (size_t i = 0; i < w->values.count; i++) {
        const Value *v = &w->values.at[i];
        text_printf(w->body, "input %s%s", v->name, axes(w, v->rank, v->shape));
        if (v->range > 0) text_printf(w->body, " : index(%d)", v->range);
        text_put(w->body, "\n");
        vec_push(w->arena, &w->fed, *v);
    }
}

const char *random_model(Arena *arena, uint64_t seed) {
    Writer writer = {.arena = arena, .seed = seed, .definitions = text_new(arena), .body = text_new(arena)}, *w = &writer;
    Text *losses = text_new(arena), *metrics = text_new(arena), *text = text_new(arena);
    inputs(w);
    for (int i = between(w, 1, 5); i > 0; i--) random_binding(w);
    output_and_loss(w, 1, losses, metrics);
    if (chance(w, 20)) output_and_loss(w, 2, losses, metrics);
    penalties(w, losses);
    text_printf(w->body, "loss = %s\n%s", text_string(losses), text_string(metrics));
    random_training(w);
    const char *definitions = text_string(w->definitions), *body = text_string(w->body);
    text_printf(text, "model random_%llu\n\n", (unsigned long long)seed);
    if (definitions[0] != '\0' && chance(w, 8))
        text_printf(text, "import \"" IMPORTED_FILE "\"\n\n%s\n" IMPORTED_MARK "%s", body, definitions);
    else text_printf(text, "%s%s", definitions, body);
    return text_string(text);
}
