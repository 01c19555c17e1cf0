/* The bindings of a model: pipes, index statements, scans, literals, layer values, and several tensors in one expression. */
#include "writer.h"

static void keep(Writer *w, Value v, const char *name) {
    v.name = name;
    vec_push(w->arena, &w->values, v);
}

static bool has_parameters(const char *stages) {
    static const char *const words[] = {"dense(", "conv", "rnn(", "gru(", "lstm(", "attention(", "_norm", "embedding(", NULL};
    for (int i = 0; words[i] != NULL; i++) {
        if (strstr(stages, words[i]) != NULL) return true;
    }
    return false;
}

static Scope model_scope(Writer *w) {
    Scope scope = {.w = w, .scan = -1};
    for (size_t i = 0; i < w->values.count; i++) vec_push(w->arena, &scope.values, w->values.at[i]);
    for (size_t i = 0; i < w->weights.count; i++) vec_push(w->arena, &scope.values, w->weights.at[i]);
    return scope;
}

static void dense_binding(Writer *w, Value v, const char *name) {
    Value weights = {.rank = 2, .shape = {between(w, 1, 4), v.shape[v.rank - 1]}, .step_axis = -1};
    weights.name = arena_printf(w->arena, "%s.W", name);
    text_printf(w->body, "%s = %s -> dense(%d)\n", name, v.name, weights.shape[0]);
    v.shape[v.rank - 1] = weights.shape[0];
    vec_push(w->arena, &w->learned, name);
    vec_push(w->arena, &w->weights, weights);
    keep(w, v, name);
}

/* The first stage may be written as a call: f(x, 2) for x -> f(2). */
static const char *applied(Writer *w, const char *to, const char *stage) {
    if (!chance(w, 15)) return arena_printf(w->arena, "%s -> %s", to, stage);
    const char *arguments = strchr(stage, '(');
    if (arguments == NULL) return arena_printf(w->arena, "%s(%s)", stage, to);
    return arena_printf(w->arena, "%.*s(%s%s%s", (int)(arguments - stage), stage, to, arguments[1] == ')' ? "" : ", ",
                        arguments + 1);
}

static void pipe_binding(Writer *w, Value v, const char *name) {
    const char *pipe = v.name;
    for (int i = between(w, 1, 3), at = 0; i > 0; i--, at++) {
        const char *stage = random_stage(w, &v);
        if (points(&v) > 150) break;
        pipe = at == 0 ? applied(w, pipe, stage) : arena_printf(w->arena, "%s -> %s", pipe, stage);
    }
    text_printf(w->body, "%s = %s\n", name, pipe);
    if (has_parameters(pipe)) vec_push(w->arena, &w->learned, name);
    keep(w, v, name);
}

static void scan_binding(Writer *w, const char *name) {
    Values made = {0};
    int steps = between(w, 1, 6);
    for (int i = between(w, 1, 2); i > 0; i--) {
        Value v = {.name = i > 1 ? fresh(w, "h") : name};
        random_shape(w, between(w, 1, 2), 4, &v);
        v.step_axis = 0;
        v.shape[0] = steps;
        vec_push(w->arena, &made, v);
    }
    Scope scope = model_scope(w);
    scan_block(&scope, w->body, "", &made);
    for (size_t i = 0; i < made.count; i++) {
        made.at[i].step_axis = -1;
        vec_push(w->arena, &w->values, made.at[i]);
    }
}

/* An index statement of bindings, and of weights: these are tied. */
static void statement_binding(Writer *w, const char *name) {
    Scope scope = model_scope(w);
    Value v = {.name = name};
    random_shape(w, between(w, 1, 3), 4, &v);
    index_statement(&scope, w->body, "", name, v.rank, v.shape);
    keep(w, v, name);
}

/* The place of a maximum; what is read by it has it among its subscripts. */
static void winners_binding(Writer *w, const char *name) {
    Scope scope = model_scope(w);
    winners_statement(&scope, w->body, "", name);
    vec_push(w->arena, &w->values, scope.values.at[scope.values.count - 1]);
}

/* Two values of one shape, or of shapes that differ in the last axis. */
static bool pair_binding(Writer *w, const char *name) {
    static const char *const formats[] = {"%s + %s",       "%s - %s",     "%s * sigmoid(%s)",
                                          "max(%s, %s)",   "min(%s, %s)", "tanh(%s) / (1.5 + sin(%s))",
                                          "%s + stop(%s)", NULL};
    Value a = *some_value(w), b = w->values.at[below(w, (int)w->values.count)];
    if (a.range > 0 || b.range > 0 || a.rank != b.rank || a.rank == 0) return false;
    if (a.rank >= 2 && memcmp(a.shape + 1, b.shape + 1, sizeof *a.shape * (size_t)(a.rank - 1)) == 0 && chance(w, 40)) {
        text_printf(w->body, "%s = concat_channels(%s, %s)\n", name, a.name, b.name);
        a.shape[0] += b.shape[0];
        keep(w, a, name);
        return true;
    }
    for (int i = 0; i + 1 < a.rank; i++) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    int *last = &a.shape[a.rank - 1], other = b.shape[b.rank - 1];
    if (*last != other || chance(w, 30)) {
        text_printf(w->body, "%s = concat(%s, %s)\n", name, a.name, b.name);
        *last += other;
    } else {
        const char *format = one_of(w, formats);
        if (chance(w, 15)) format = arena_printf(w->arena, "%s(%%s, v = %%s)", random_scalar_function(w));
        text_printf(w->body, "%s = %s\n", name, with(w, format, a.name, b.name));
    }
    keep(w, a, name);
    return true;
}

/* Numbers that are written in the model: by name, or in an expression of whole tensors. */
static void literal_binding(Writer *w, Value v, const char *name) {
    static const char *const formats[] = {"%s + %s", "%s * %s", "tanh(%s - 0.5 * %s)", NULL};
    const char *numbers = literal(w, v.rank, v.shape);
    if (v.rank == 0 || points(&v) > 24) {
        v.rank = between(w, 1, 2);
        v.shape[0] = between(w, 1, 3);
        v.shape[1] = between(w, 1, 3);
        text_printf(w->body, "%s = %s\n", name, literal(w, v.rank, v.shape));
        v.range = 0;
    } else if (v.range == 0) {
        text_printf(w->body, "%s = %s\n", name, with(w, one_of(w, formats), v.name, numbers));
    } else {
        const char *constant = fresh(w, "c");
        text_printf(w->body, "%s = %s\n%s = 0.2 * %s + %s\n", constant, numbers, name, v.name, constant);
        v.range = 0;
    }
    keep(w, v, name);
}

/* Fewer subscripts than axes. */
static void row_binding(Writer *w, Value v, const char *name) {
    int first = below(w, v.shape[0]);
    text_printf(w->body, "%s = %s[%d", name, v.name, first);
    v.rank--;
    memmove(v.shape, v.shape + 1, sizeof *v.shape * (size_t)v.rank);
    if (v.rank > 1 && chance(w, 30)) {
        text_printf(w->body, ", %d", below(w, v.shape[0]));
        v.rank--;
        memmove(v.shape, v.shape + 1, sizeof *v.shape * (size_t)v.rank);
    }
    text_put(w->body, "]\n");
    keep(w, v, name);
}

/* A layer value: its parameters are shared by two uses. */
static void shared_binding(Writer *w, Value v, const char *name) {
    const char *layer = fresh(w, "shared"), *between_them = chance(w, 60) ? " -> tanh" : "";
    if (chance(w, 50)) { /* any stage */
        Value to = v;
        const char *stage = random_stage(w, &to);
        text_printf(w->body, "%s = %s\n%s = (%s -> %s) + (sin(%s) -> %s%s)\n", layer, stage, name, v.name, layer, v.name, layer,
                    to.range == 0 ? between_them : "");
        if (has_parameters(stage)) vec_push(w->arena, &w->learned, layer);
        to.range = 0;
        keep(w, to, name);
        return;
    }
    int n = v.shape[v.rank - 1];
    bool is_step = v.rank >= 2 && chance(w, 40);
    text_printf(w->body, "%s = %s(%d)\n", layer, is_step ? chance(w, 50) ? "rnn" : "gru" : "dense", n);
    vec_push(w->arena, &w->learned, layer);
    if (chance(w, 50)) text_printf(w->body, "%s = %s -> %s%s -> %s\n", name, v.name, layer, between_them, layer);
    else text_printf(w->body, "%s = (%s -> %s) + (sin(%s) -> %s%s)\n", name, v.name, layer, v.name, layer, between_them);
    keep(w, v, name);
}

void random_binding(Writer *w) {
    const char *name = fresh_binding(w);
    Value v = *some_value(w);
    int kind = below(w, 100);
    bool is_real = v.rank > 0 && v.range == 0;
    if (kind < 12 && pair_binding(w, name)) return;
    if (kind < 20) statement_binding(w, name);
    else if (kind < 28) scan_binding(w, name);
    else if (kind < 30) winners_binding(w, name);
    else if (kind < 34) literal_binding(w, v, name);
    else if (kind < 36 && v.rank > 1) row_binding(w, v, name);
    else if (kind < 43 && is_real) dense_binding(w, v, name);
    else if (kind < 50 && is_real) shared_binding(w, v, name);
    else pipe_binding(w, v, name);
}
