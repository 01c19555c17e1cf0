/* The output and its targets, losses and metrics of the library and of a user. */
#include "writer.h"

/* "(y[a], t[a])" and an expression of an element of both. */
static const char *own_term(Writer *w, int length) {
    Scope scope = {.w = w, .scan = -1};
    Value n = {.name = "a", .shape = {length}}, y = {.name = "y", .rank = 1, .shape = {length}, .step_axis = -1}, t = y;
    t.name = "t";
    vec_push(w->arena, &scope.sizes, n);
    vec_push(w->arena, &scope.values, t);
    vec_push(w->arena, &scope.values, y);
    push_index(&scope, length);
    return arena_printf(w->arena, "(y[i] - t[i])^2 * (1 + 0.3 * sin(%s))", expression(&scope, 2));
}

static const char *own_loss(Writer *w, int length) {
    const char *name = fresh(w, "loss"), *term = own_term(w, length);
    if (chance(w, 50)) text_printf(w->definitions, "loss %s(y[a], t[a]) = mean(i: %s)\n\n", name, term);
    else text_printf(w->definitions, "loss %s(y[a], t[a]) -> e {\n    d[i] = %s\n    e = sum(i: d[i]) / a\n}\n\n", name, term);
    return name;
}

static const char *own_metric(Writer *w, int length) {
    static const char *const forms[] = {"data_mean(%s) / (1 + data_mean(%s))", "sqrt(1 + data_mean(%s)^2)", "%s",
                                        "if data_mean(%s) > 0.1 then 1 else 0.5", NULL};
    const char *name = fresh(w, "metric"), *mean = arena_printf(w->arena, "mean(i: %s)", own_term(w, length));
    text_printf(w->definitions, "metric %s(y[a], t[a]) = %s\n\n", name, with(w, one_of(w, forms), mean, "mean(i: t[i]^2)"));
    return name;
}

/* What the output is compared with; declares a target where there is one. */
static const char *answer_of(Writer *w, const char *target, const Value *output, bool is_chance) {
    int last = output->shape[output->rank - 1], kind = below(w, 100);
    Value t = *output;
    t.name = target;
    if (is_chance && kind < 30) {
        t.rank--;
        t.range = last;
        text_printf(w->body, "target %s%s : index(%d)\n", target, axes(w, t.rank, t.shape), last);
        vec_push(w->arena, &w->fed, t);
        if (chance(w, 25)) return arena_printf(w->arena, "(0.9 * one_hot(%s) + %.3f)", target, 0.1 / last);
        return arena_printf(w->arena, "one_hot(%s)", target);
    }
    if (is_chance && kind < 36 && output->rank == 1) {
        const char *winner = fresh(w, "w");
        text_printf(w->body, "%s = argmax(i in 0..%d: sin(3 * i + 1))\n", winner, last);
        return arena_printf(w->arena, "one_hot(%s)", winner);
    }
    if (kind >= 94) return literal(w, output->rank, output->shape);
    if (is_chance && kind >= 88) {
        text_printf(w->body, "%s = stop(%s) -> softmax\n", target, literal(w, output->rank, output->shape));
        return target;
    }
    text_printf(w->body, "target %s%s\n", target, axes(w, t.rank, t.shape));
    vec_push(w->arena, &w->fed, t);
    if (is_chance) vec_push(w->arena, &w->one_hot, target);
    return target;
}

static const char *random_metric(Writer *w, const char *output, const char *answer, const Value *v, bool is_chance) {
    static const char *const reports[] = {"accuracy",
                                          "binary_accuracy",
                                          "top_accuracy",
                                          "mean_squared_error",
                                          "mean_absolute_error",
                                          "precision",
                                          "recall",
                                          "f1",
                                          "huber",
                                          NULL},
                             *const of_chances[] = {"accuracy", "accuracy", "perplexity", "top_accuracy", "kl_divergence", NULL};
    const char *metric = is_chance && chance(w, 40) ? one_of(w, of_chances) : one_of(w, reports);
    if (!is_chance && answer[0] == 't' && points(v) > 1 && chance(w, 15)) metric = "r2";
    if (chance(w, 15)) metric = own_metric(w, v->shape[v->rank - 1]);
    return arena_printf(w->arena, "metric = %s(%s, %s%s)\n", metric, output, answer, metric[0] == 't' ? ", k = 2" : "");
}

/* Brings a value to the shape that a target has, and adds a loss. */
void output_and_loss(Writer *w, int number, Text *losses, Text *metrics) {
    static const char *const plain[] = {
        "mean_squared_error", "half_squared_error", "mean_absolute_error", "huber", "log_cosh", "hinge", "huber", NULL};
    static const char *const chances[] = {"cross_entropy", "cross_entropy",      "binary_cross_entropy",
                                          "kl_divergence", "mean_squared_error", NULL};
    Value v = number == 1 ? w->values.at[w->values.count - 1] : *some_value(w);
    const char *output = number == 1 ? "output" : "other", *activation = "", *loss;
    text_printf(w->body, "%s = %s", output, v.name);
    if (v.range > 0) text_printf(w->body, " -> %s", random_stage(w, &v));
    if (v.rank == 0) text_put(w->body, " -> reshape(1)"), v.rank = 1, v.shape[0] = 1;
    if (v.rank > 2 || (v.rank == 2 && chance(w, 60))) text_put(w->body, " -> flatten"), v.shape[0] = points(&v), v.rank = 1;
    if (chance(w, 75)) {
        v.shape[v.rank - 1] = between(w, 1, 4), text_printf(w->body, " -> dense(%d)", v.shape[v.rank - 1]);
        vec_push(w->arena, &w->learned, output);
    }
    int kind = below(w, 10);
    if (kind < 5) activation = " -> softmax", loss = one_of(w, chances);
    else if (kind < 7) activation = " -> sigmoid", loss = chance(w, 50) ? "binary_cross_entropy" : one_of(w, chances);
    else loss = one_of(w, plain), activation = chance(w, 30) ? " -> tanh" : "";
    text_printf(w->body, "%s\n", activation);
    if (chance(w, 15)) loss = own_loss(w, v.shape[v.rank - 1]);
    const char *answer = answer_of(w, number == 1 ? "t1" : "t2", &v, kind < 5), *factor = number == 1 ? "" : " + 0.5 * ";
    v.name = output;
    if (answer[0] == 't' && chance(w, 6)) text_printf(losses, "%ssum_squares(%s - %s)", factor, output, answer);
    else if (answer[0] == 't' && v.rank == 1 && chance(w, 6))
        text_printf(losses, "%smean(i: (%s[i] - %s[i])^2)", factor, output, answer);
    else
        text_printf(losses, "%s%s(%s, %s%s)", factor, loss, output, answer,
                    strcmp(loss, "huber") == 0 && chance(w, 50) ? ", delta = 0.3" : "");
    if (v.rank == 1 && chance(w, 6)) text_printf(losses, " + 0.1 * half_squared_error(%s -> dense(1), [0.4])", output);
    while (chance(w, 45)) text_put(metrics, random_metric(w, output, answer, &v, kind < 5));
    vec_push(w->arena, &w->values, v);
}

void penalties(Writer *w, Text *losses) {
    for (size_t i = 0; i < w->weights.count; i++) {
        if (chance(w, 30)) text_printf(losses, " + 0.01 * sum_squares(%s)", w->weights.at[i].name);
        else if (chance(w, 20)) text_printf(losses, " + 0.01 * sum_absolute(%s)", w->weights.at[i].name);
    }
    const Value *v = &w->values.at[below(w, (int)w->values.count)];
    if (chance(w, 15) && v->range == 0 && v->rank > 0) text_printf(losses, " + 0.1 * sum_squares(tanh(%s))", v->name);
}
