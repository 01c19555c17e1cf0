/* How a model is trained: optimizers, what is frozen and predicted, where data come from, settings. */
#include "writer.h"

static const char *rate(Writer *w, const char *size) {
    static const char *const schedules[] = {"",
                                            " * warm_up(step, 3)",
                                            " * cosine(epoch, 4)",
                                            " * cosine(step, 5, low = 0.2)",
                                            " * exponential(epoch, 0.9)",
                                            " * step_decay(epoch, 2)",
                                            " * step_decay(step, every = 3, factor = 0.5)",
                                            " * 0.9^epoch",
                                            " / sqrt(step)",
                                            " * (if step > 3 then 0.5 else 1)",
                                            NULL};
    return arena_printf(w->arena, "%s%s", size, chance(w, 50) ? "" : one_of(w, schedules));
}

/* An optimizer of a user: statements that read the weight, its gradient, and two states. */
static const char *own_optimizer(Writer *w) {
    Scope scope = {.w = w, .scan = -1, .in_optimizer = true};
    static const char *const names[] = {"mu", "w", "u", "g", "v", NULL}, *const first[] = {"0", "0.5", "random_uniform()", NULL};
    const char *name = fresh(w, "optimizer");
    for (int i = 0; names[i] != NULL; i++) vec_push(w->arena, &scope.values, ((Value){.name = names[i], .step_axis = -1}));
    text_printf(w->definitions, "optimizer %s(rate, mu = 0.8) {\n    state v = %s\n    state u = 1\n\n", name, one_of(w, first));
    text_printf(w->definitions, "    v = mu * v + tanh(%s)\n", chance(w, 50) ? "g" : expression(&scope, 2));
    if (chance(w, 30)) text_printf(w->definitions, "    d = if g * v > 0 then %s else g\n", expression(&scope, 1));
    else text_put(w->definitions, "    d = g / (1 + abs(g))\n");
    text_put(w->definitions, "    u = 0.9 * u + 0.1 * v^2\n    w = w - rate * (0.5 * d + v / sqrt(0.1 + u)) - 0.001 * w\n");
    if (chance(w, 30)) text_put(w->definitions, "    v = v * (if step > 2 then 0.9 else 1)\n");
    text_put(w->definitions, "}\n\n");
    return arena_printf(w->arena, "%s(rate = %s)", name, rate(w, "0.05"));
}

static void optimizer(Writer *w) {
    static const char *const fast[] = {"sgd(rate = %s)",      "sgd(%s)", "momentum(rate = %s)", "nesterov(%s, mu = 0.7)",
                                       "nesterov(rate = %s)", NULL},
                             *const slow[] = {"adam(rate = %s)",
                                              "adam(%s, beta1 = 0.8, epsilon = 0.0001)",
                                              "adamw(rate = %s)",
                                              "adamw(rate = %s, decay = 0.1)",
                                              "rmsprop(rate = %s)",
                                              "rmsprop(%s, decay = 0.9)",
                                              "adagrad(rate = %s)",
                                              "lion(rate = %s)",
                                              "lion(rate = %s, decay = 0.1)",
                                              NULL},
                             *const without[] = {"adam", "adam()", "adamw", "lion()", NULL};
    int kind = below(w, 100);
    const char *call = kind < 20   ? own_optimizer(w)
                       : kind < 25 ? one_of(w, without)
                       : kind < 68 ? with(w, one_of(w, fast), rate(w, "0.05"), "")
                                   : with(w, one_of(w, slow), rate(w, "0.01"), "");
    text_printf(w->body, "optimizer = %s\n", call);
}

/* Bindings, layer values, parameters; some of them, or all. */
static void freeze(Writer *w) {
    Words choices = w->learned;
    for (size_t i = 0; i < w->weights.count; i++) vec_push(w->arena, &choices, w->weights.at[i].name);
    if (choices.count == 0) return;
    text_put(w->body, "freeze ");
    for (int i = between(w, 1, 2), at = 0; i > 0; i--, at++)
        text_printf(w->body, "%s%s", at > 0 ? ", " : "", choices.at[below(w, (int)choices.count)]);
    text_put(w->body, "\n");
}

static void predict(Writer *w) {
    const Value *other = some_value(w);
    bool more = chance(w, 40) && strcmp(other->name, "output") != 0 && other->name[0] == 'h';
    text_printf(w->body, "predict output%s%s\n", more ? ", " : "", more ? other->name : "");
}

/* ---- Data: what matters is what the compiler may conclude from it; the judge brings its own */

static bool listed(const Words *words, const char *name) {
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->at[i], name) == 0) return true;
    }
    return false;
}

static const char *rows(Writer *w, const Value *v) {
    Text *text = text_new(w->arena);
    for (int row = 0; row < 2; row++) {
        text_put(text, row == 0 ? "[[" : ", [");
        for (int i = 0; i < points(v); i++)
            text_printf(text, "%s%d", i == 0 ? "" : ", ", v->range > 0 ? below(w, v->range) : between(w, -1, 2));
        text_put(text, "]");
    }
    return arena_printf(w->arena, "%s]", text_string(text));
}

/* Rows that sum to one: of classes, or of shares. */
static const char *class_rows(Writer *w, const Value *v) {
    int last = v->shape[v->rank - 1];
    bool shares = last > 1 && chance(w, 40);
    Text *text = text_new(w->arena);
    for (int row = 0; row < 2; row++) {
        text_put(text, row == 0 ? "[[" : ", [");
        for (int i = 0, winner = 0; i < points(v); i++) {
            if (i % last == 0) winner = below(w, last);
            text_printf(text, "%s%s", i == 0 ? "" : ", ",
                        shares               ? i % last < 2 ? i % last == 0 ? "0.25" : "0.75" : "0"
                        : i % last == winner ? "1"
                                             : "0");
        }
        text_put(text, "]");
    }
    return arena_printf(w->arena, "%s]", text_string(text));
}

static const char *source(Writer *w, const Value *v, bool one_hot, bool literals) {
    static const char *const steps[] = {"", "", " -> standardize", " -> scale(0, 1)", " / 255", " * 2 - 1", NULL};
    int last = v->rank > 0 ? v->shape[v->rank - 1] : 1, whole = points(v);
    if (one_hot && chance(w, 50)) {
        Value classes = {.rank = 1, .shape = {whole / last}, .range = last};
        return arena_printf(w->arena, "%s -> one_hot",
                            literals ? rows(w, &classes)
                                     : arena_printf(w->arena, "csv(\"c.csv\", columns = 0..%d)", whole / last));
    }
    if (one_hot && literals) return class_rows(w, v);
    const char *from = literals        ? rows(w, v)
                       : chance(w, 50) ? arena_printf(w->arena, "csv(\"data.csv\", columns = 1..%d)", whole + 1)
                       : chance(w, 50) ? "npy(\"x.npy\")"
                                       : "idx(\"x.idx\")";
    if (chance(w, 10)) from = arena_printf(w->arena, "bytes(\"text\", window = %d, stride = 1)", whole);
    return v->range > 0 ? from : arena_printf(w->arena, "%s%s", from, one_of(w, steps));
}

static void data(Writer *w) {
    for (int part = 0; part < 2; part++) {
        bool literals = chance(w, 60);
        if (part == 1 && chance(w, 80)) break;
        text_printf(w->body, "data %s {\n", part == 0 ? "train" : "test");
        for (size_t i = 0; i < w->fed.count; i++) {
            const Value *v = &w->fed.at[i];
            text_printf(w->body, "    %s = %s\n", v->name, source(w, v, listed(&w->one_hot, v->name), literals));
        }
        if (part == 0 && chance(w, 20)) text_put(w->body, "    holdout = 0.5\n");
        text_put(w->body, "}\n");
    }
}

void random_training(Writer *w) {
    optimizer(w);
    if (chance(w, 40)) freeze(w);
    if (chance(w, 35)) predict(w);
    if (chance(w, w->one_hot.count > 0 ? 60 : 12)) data(w);
    text_printf(w->body, "train {\n    batch = %d\n", between(w, 1, 4));
    if (chance(w, 20)) text_printf(w->body, "    clip_norm = %s\n", chance(w, 50) ? "0.1" : "1");
    if (chance(w, 10)) text_put(w->body, "    epochs = 3\n    patience = 2\n");
    text_put(w->body, chance(w, 50) ? "    precision = double\n}\n" : "}\n");
}
