/* The text of a random model: inputs, a few bindings, losses, and everything else that a model may say. */
#include "writer.h"

static Value *some_value(Writer *w) {
    size_t count = w->values.count;
    return &w->values.at[chance(w, 60) ? count - 1 : (size_t)below(w, (int)count)];
}

static void inputs(Writer *w) {
    for (int i = between(w, 1, 2); i > 0; i--) {
        Value v = {.name = fresh(w, "x")};
        random_shape(w, chance(w, 8) ? 0 : between(w, 1, 3), 6, &v);
        while (points(&v) > 60) v.rank--;
        text_printf(w->body, "input %s%s\n", v.name, axes(w, v.rank, v.shape));
        vec_push(w->arena, &w->values, v);
    }
    if (chance(w, 30)) {
        Value v = {.name = fresh(w, "k"), .range = between(w, 1, 5)};
        random_shape(w, between(w, 0, 2), 4, &v);
        text_printf(w->body, "input %s%s : index(%d)\n", v.name, axes(w, v.rank, v.shape), v.range);
        vec_push(w->arena, &w->values, v);
    }
}

/* ---- Bindings */

static void dense_binding(Writer *w, Value v, const char *name) {
    Value weights = {.rank = 2, .shape = {between(w, 1, 4), v.shape[v.rank - 1]}, .step_axis = -1};
    weights.name = arena_printf(w->arena, "%s.W", name);
    text_printf(w->body, "%s = %s -> dense(%d)\n", name, v.name, weights.shape[0]);
    v.shape[v.rank - 1] = weights.shape[0];
    v.name = name;
    vec_push(w->arena, &w->values, v);
    vec_push(w->arena, &w->weights, weights);
}

static void pipe_binding(Writer *w, Value v, const char *name) {
    text_printf(w->body, "%s = %s", name, v.name);
    for (int i = between(w, 1, 3); i > 0; i--) {
        const char *stage = random_stage(w, &v);
        if (points(&v) > 150) break;
        text_printf(w->body, " -> %s", stage);
    }
    text_put(w->body, "\n");
    v.name = name;
    vec_push(w->arena, &w->values, v);
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
    Scope scope = {.w = w, .scan = -1};
    for (size_t i = 0; i < w->values.count; i++) vec_push(w->arena, &scope.values, w->values.at[i]);
    scan_block(&scope, w->body, "", &made);
    for (size_t i = 0; i < made.count; i++) {
        made.at[i].step_axis = -1;
        vec_push(w->arena, &w->values, made.at[i]);
    }
}

/* An index statement of bindings, and of weights: these are tied. */
static void statement_binding(Writer *w, const char *name) {
    Scope scope = {.w = w, .scan = -1};
    Value v = {.name = name};
    random_shape(w, between(w, 1, 3), 4, &v);
    for (size_t i = 0; i < w->values.count; i++) vec_push(w->arena, &scope.values, w->values.at[i]);
    for (size_t i = 0; i < w->weights.count; i++) vec_push(w->arena, &scope.values, w->weights.at[i]);
    index_statement(&scope, w->body, "", name, v.rank, v.shape);
    vec_push(w->arena, &w->values, v);
}

/* Two values of one shape, or of shapes that differ in the last axis. */
static bool pair_binding(Writer *w, const char *name) {
    static const char *const formats[] = {
        "%s + %s", "%s - %s", "%s * sigmoid(%s)", "max(%s, %s)", "min(%s, %s)", "tanh(%s) / (1.5 + sin(%s))", NULL};
    Value a = *some_value(w), b = w->values.at[below(w, (int)w->values.count)];
    if (a.range > 0 || b.range > 0 || a.rank != b.rank || a.rank == 0) return false;
    for (int i = 0; i + 1 < a.rank; i++) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    const char *format = one_of(w, formats), *first = strstr(format, "%s"), *second = strstr(first + 2, "%s");
    int *last = &a.shape[a.rank - 1], other = b.shape[b.rank - 1];
    if (*last != other || chance(w, 30)) {
        text_printf(w->body, "%s = concat(%s, %s)\n", name, a.name, b.name);
        *last += other;
    } else {
        text_printf(w->body, "%s = %.*s%s%.*s%s%s\n", name, (int)(first - format), format, a.name, (int)(second - first - 2),
                    first + 2, b.name, second + 2);
    }
    a.name = name;
    vec_push(w->arena, &w->values, a);
    return true;
}

/* A layer value: its parameters are shared by two uses. */
static void shared_binding(Writer *w, Value v, const char *name) {
    const char *layer = fresh(w, "shared");
    int n = v.shape[v.rank - 1];
    bool is_step = v.rank >= 2 && chance(w, 40);
    text_printf(w->body, "%s = %s(%d)\n", layer, is_step ? chance(w, 50) ? "rnn" : "gru" : "dense", n);
    const char *between_them = chance(w, 60) ? " -> tanh" : "";
    if (chance(w, 50)) text_printf(w->body, "%s = %s -> %s%s -> %s\n", name, v.name, layer, between_them, layer);
    else text_printf(w->body, "%s = (%s -> %s) + (sin(%s) -> %s%s)\n", name, v.name, layer, v.name, layer, between_them);
    v.name = name;
    vec_push(w->arena, &w->values, v);
}

static void binding(Writer *w) {
    const char *name = fresh(w, "h");
    Value v = *some_value(w);
    int kind = below(w, 100);
    w->binding = name;
    if (kind < 10 && pair_binding(w, name)) return;
    if (kind < 20) statement_binding(w, name);
    else if (kind < 28) scan_binding(w, name);
    else if (kind < 36 && v.rank > 0 && v.range == 0) dense_binding(w, v, name);
    else if (kind < 43 && v.rank > 0 && v.range == 0) shared_binding(w, v, name);
    else pipe_binding(w, v, name);
}

/* ---- What is minimised */

/* Brings the last value to the shape that a target has, and adds a loss. */
static void output_and_loss(Writer *w, int number, Text *losses, Text *metrics) {
    static const char *const plain[] = {
        "mean_squared_error", "half_squared_error", "mean_absolute_error", "huber", "log_cosh", "hinge", NULL};
    static const char *const chances[] = {"cross_entropy", "cross_entropy",      "binary_cross_entropy",
                                          "kl_divergence", "mean_squared_error", NULL};
    Value v = number == 1 ? w->values.at[w->values.count - 1] : *some_value(w);
    const char *output = number == 1 ? "output" : "other", *target = number == 1 ? "t1" : "t2", *activation = "", *loss;
    text_printf(w->body, "%s = %s", output, v.name);
    if (v.range > 0) text_printf(w->body, " -> %s", random_stage(w, &v));
    if (v.rank == 0) text_put(w->body, " -> reshape(1)"), v.rank = 1, v.shape[0] = 1;
    if (v.rank > 2 || (v.rank == 2 && chance(w, 60))) text_put(w->body, " -> flatten"), v.shape[0] = points(&v), v.rank = 1;
    bool told = chance(w, 75);
    if (told) v.shape[v.rank - 1] = between(w, 1, 4), text_printf(w->body, " -> dense(%d)", v.shape[v.rank - 1]);
    int kind = below(w, 10);
    if (kind < 5) activation = " -> softmax", loss = one_of(w, chances);
    else if (kind < 7) activation = " -> sigmoid", loss = chance(w, 50) ? "binary_cross_entropy" : one_of(w, chances);
    else loss = one_of(w, plain), activation = chance(w, 30) ? " -> tanh" : "";
    text_printf(w->body, "%s\n", activation);
    const char *answer = target;
    if (v.rank == 1 && kind < 5 && chance(w, 30)) {
        text_printf(w->body, "target %s : index(%d)\n", target, v.shape[0]);
        answer = arena_printf(w->arena, "one_hot(%s)", target);
    } else {
        text_printf(w->body, "target %s%s\n", target, axes(w, v.rank, v.shape));
    }
    text_printf(losses, "%s%s(%s, %s)", number == 1 ? "" : " + 0.5 * ", loss, output, answer);
    static const char *const reports[] = {"accuracy",           "binary_accuracy",     "top_accuracy",
                                          "mean_squared_error", "mean_absolute_error", NULL};
    if (chance(w, 60)) {
        const char *metric = one_of(w, reports);
        text_printf(metrics, "metric = %s(%s, %s%s)\n", metric, output, answer, metric[0] == 't' ? ", k = 2" : "");
    }
}

static const char *rate(Writer *w, const char *size) {
    static const char *const schedules[] = {"",
                                            " * warm_up(step, 3)",
                                            " * cosine(epoch, 4)",
                                            " * exponential(epoch, 0.9)",
                                            " * step_decay(epoch, 2)",
                                            " * 0.9^epoch",
                                            " / sqrt(step)",
                                            " * (if step > 3 then 0.5 else 1)",
                                            NULL};
    return arena_printf(w->arena, "%s%s", size, chance(w, 50) ? "" : one_of(w, schedules));
}

static void optimizer(Writer *w) {
    static const char *const fast[] = {"sgd", "sgd", "momentum", "nesterov", NULL}, *const slow[] = {"adam",    "adamw",
                                                                                                     "rmsprop", "adagrad",
                                                                                                     "lion",    NULL};
    if (chance(w, 15)) {
        text_put(w->definitions,
                 "optimizer own(rate, mu = 0.8) {\n    state v = 0\n    state u = 1\n\n    v = mu * v + g / (1 + abs(g))\n"
                 "    u = 0.9 * u + 0.1 * v^2\n    w = w - rate * v / sqrt(0.1 + u) - 0.001 * w\n}\n\n");
        text_printf(w->body, "optimizer = own(rate = %s)\n", rate(w, "0.05"));
    } else if (chance(w, 60)) {
        text_printf(w->body, "optimizer = %s(rate = %s)\n", one_of(w, fast), rate(w, "0.05"));
    } else {
        text_printf(w->body, "optimizer = %s(rate = %s)\n", one_of(w, slow), rate(w, "0.01"));
    }
}

static void penalties(Writer *w, Text *losses) {
    for (size_t i = 0; i < w->weights.count; i++) {
        if (chance(w, 30)) text_printf(losses, " + 0.01 * sum_squares(%s)", w->weights.at[i].name);
        else if (chance(w, 20)) text_printf(losses, " + 0.01 * sum_absolute(%s)", w->weights.at[i].name);
    }
    const Value *v = &w->values.at[below(w, (int)w->values.count)];
    if (chance(w, 15) && v->range == 0 && v->rank > 0) text_printf(losses, " + 0.1 * sum_squares(tanh(%s))", v->name);
}

const char *random_model(Arena *arena, uint64_t seed) {
    Writer writer = {.arena = arena, .seed = seed, .definitions = text_new(arena), .body = text_new(arena)}, *w = &writer;
    Text *losses = text_new(arena), *metrics = text_new(arena), *text = text_new(arena);
    inputs(w);
    for (int i = between(w, 1, 5); i > 0; i--) binding(w);
    output_and_loss(w, 1, losses, metrics);
    if (chance(w, 20)) output_and_loss(w, 2, losses, metrics);
    penalties(w, losses);
    text_printf(w->body, "loss = %s\n%s", text_string(losses), text_string(metrics));
    optimizer(w);
    if (w->weights.count > 0 && chance(w, 40))
        text_printf(w->body, "freeze %s\n", w->weights.at[below(w, (int)w->weights.count)].name);
    if (chance(w, 30)) text_put(w->body, "predict output\n");
    text_printf(w->body, "train {\n    batch = %d\n", between(w, 1, 4));
    if (chance(w, 20)) text_printf(w->body, "    clip_norm = %s\n", chance(w, 50) ? "0.1" : "1");
    text_put(w->body, chance(w, 50) ? "    precision = double\n}\n" : "}\n");
    text_printf(text, "model random_%llu\n\n%s%s", (unsigned long long)seed, text_string(w->definitions), text_string(w->body));
    return text_string(text);
}
