/* Layers and functions of a user: parameters, state, statements, scans, and the library's layers in their bodies. */
#include "writer.h"

static const char *size_names[] = {"a", "b", "c", "d"};

static void parameter(Writer *w, Scope *scope, Text *text) {
    static const char *const initial[] = {
        "uniform(-1, 1)", "normal(0, 0.5)", "normal(0, 0.5)", "0.3", "glorot_uniform(2, 3)", "he_normal(3)", NULL};
    Value p = {.name = fresh(w, "p")};
    random_shape(w, between(w, 0, 3), 4, &p);
    text_printf(text, "    param %s%s = %s\n", p.name, axes(w, p.rank, p.shape), one_of(w, initial));
    vec_push(w->arena, &scope->values, p);
}

/* A running mean of what was read, and reads of it. */
static void state(Writer *w, Scope *scope, Text *text, const Value *x) {
    static const char *const letters[] = {"i", "j", "k", "l"};
    Value s = *x;
    s.name = fresh(w, "s");
    Text *subscripts = text_new(w->arena);
    for (int i = 0; i < s.rank; i++) text_printf(subscripts, "%s%s", i == 0 ? "" : ", ", letters[i]);
    const char *at = text_string(subscripts);
    text_printf(text, "    state %s%s = %s\n", s.name, axes(w, s.rank, s.shape), chance(w, 50) ? "0" : "0.5");
    text_printf(text, "    %s[%s] = 0.8 * %s[%s] + 0.2 * batch_mean(%s(%s[%s]))\n", s.name, at, s.name, at,
                chance(w, 50) ? "tanh" : "sin", x->name, at);
    vec_push(w->arena, &scope->values, s);
    if (chance(w, 60)) {
        Value m = s;
        m.name = fresh(w, "m");
        text_printf(text, "    %s[%s] = if training then tanh(%s[%s] - batch_mean(%s[%s])) else tanh(%s[%s] - %s[%s])\n", m.name,
                    at, x->name, at, x->name, at, x->name, at, s.name, at);
        vec_push(w->arena, &scope->values, m);
    }
    w->has_state = true;
}

static void scan(Writer *w, Scope *scope, Text *text, Value *result) {
    Values made = {0};
    int count = chance(w, 55) ? 1 : between(w, 2, 3), steps = result != NULL ? 0 : between(w, 1, 6);
    for (int i = 0; i < count; i++) {
        Value v;
        if (i == 0 && result != NULL) {
            v = *result;
            v.step_axis = below(w, v.rank);
            steps = v.shape[v.step_axis];
        } else {
            v = (Value){.name = fresh(w, "h")};
            random_shape(w, between(w, 1, 2), 4, &v);
            v.step_axis = chance(w, 80) ? 0 : below(w, v.rank);
            v.shape[v.step_axis] = steps;
        }
        vec_push(w->arena, &made, v);
    }
    scan_block(scope, text, "    ", &made);
}

/* A layer of the library in the body: its parameters get a path of three parts. */
static void inner_layer(Writer *w, Scope *scope, Text *text, const Value *x) {
    static const char *const formats[] = {"%s -> dense(%d)", "%s -> dense(%d) -> tanh", "%s -> layer_norm -> dense(%d)",
                                          "tanh(%s) -> dense(%d)", NULL};
    Value v = *x;
    v.name = fresh(w, "q");
    v.shape[v.rank - 1] = between(w, 1, 4);
    const char *format = one_of(w, formats), *mark = strstr(format, "%s"), *units = strstr(format, "%d");
    text_printf(text, "    %s = %.*s%s%.*s%d%s\n", v.name, (int)(mark - format), format, x->name, (int)(units - mark - 2),
                mark + 2, v.shape[v.rank - 1], units + 2);
    vec_push(w->arena, &scope->values, v);
}

static void statement(Writer *w, Scope *scope, Text *text) {
    Value v = {.name = fresh(w, "v")};
    random_shape(w, between(w, 0, 3), 4, &v);
    index_statement(scope, text, "    ", v.name, v.rank, v.shape);
    vec_push(w->arena, &scope->values, v);
}

const char *random_definition(Writer *w, Value *value) {
    bool is_layer = chance(w, 75), ranged = value->range > 0;
    Scope scope = {.w = w, .scan = -1};
    Text *text = text_new(w->arena);
    const char *name = fresh(w, is_layer ? "layer" : "function");
    Value x = *value, result = {.name = "y"};
    x.name = "x";
    if (x.rank > 1 && chance(w, 35)) { /* mapped over the leading axes */
        int lifted = between(w, 1, x.rank - 1);
        x.rank -= lifted;
        memmove(x.shape, x.shape + lifted, sizeof *x.shape * (size_t)x.rank);
    }
    int lifted = value->rank - x.rank, most = 5;
    random_shape(w, between(w, 1, 3 - (lifted > 2 ? 2 : lifted)), most, &result);
    text_printf(text, "%s %s(x", is_layer ? "layer" : "function", name);
    for (int i = 0; i < x.rank; i++) text_printf(text, "%s%s", i == 0 ? "[" : ", ", size_names[i]);
    text_printf(text, "%s%s) -> y%s {\n", x.rank > 0 ? "]" : "", ranged ? " : index(K)" : "", axes(w, result.rank, result.shape));
    vec_push(w->arena, &scope.values, x);
    for (int i = is_layer ? between(w, 1, 3) : 0; i > 0; i--) parameter(w, &scope, text);
    if (is_layer && lifted == 0 && x.rank > 0 && !ranged && chance(w, 20)) state(w, &scope, text, &x);
    for (int i = between(w, 0, 3); i > 0; i--) {
        int kind = below(w, 10);
        if (kind < 3) scan(w, &scope, text, NULL);
        else if (kind < 5) winners_statement(&scope, text, "    ", fresh(w, "w"));
        else if (kind < 6 && is_layer && x.rank > 0 && !ranged) inner_layer(w, &scope, text, &x);
        else statement(w, &scope, text);
    }
    if (chance(w, 25)) scan(w, &scope, text, &result);
    else index_statement(&scope, text, "    ", "y", result.rank, result.shape);
    text_put(text, "}\n\n");
    text_put(w->definitions, text_string(text));
    for (int i = 0; i < result.rank; i++) value->shape[lifted + i] = result.shape[i];
    value->rank = lifted + result.rank;
    value->range = 0;
    return name;
}

const char *random_scalar_function(Writer *w) {
    Scope scope = {.w = w, .scan = -1};
    Value u = {.name = "u", .step_axis = -1}, v = {.name = "v", .step_axis = -1};
    const char *name = fresh(w, "function");
    vec_push(w->arena, &scope.values, v);
    vec_push(w->arena, &scope.values, u);
    const char *body = expression(&scope, 2);
    text_printf(w->definitions, "function %s(u, v = 0.5) = tanh(%s + u * v)\n\n", name, body);
    return name;
}
