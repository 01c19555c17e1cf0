/* Layers and functions of a user: several tensors, numbers and functions as arguments, parameters, state, statements, scans, and the
   library's layers in their bodies. */
#include "writer.h"

static const char *const size_names[] = {"a", "b", "c", "d"}, *const other_size_names[] = {"aa", "bb", "cc", "dd"};

static void parameter(Writer *w, Scope *scope, Text *text) {
    static const char *const initial[] = {
        "uniform(-1, 1)",   "normal(0, 0.5)",       "normal(0, 0.5)",      "0.3", "he_normal(3)",
        "lecun_uniform(2)", "glorot_uniform(2, 3)", "glorot_normal(2, 2)", NULL};
    Value p = {.name = fresh(w, "p")};
    random_shape(w, between(w, 0, 3), 4, &p);
    text_printf(text, "    param %s%s = %s\n", p.name, scope_axes(scope, p.rank, p.shape),
                chance(w, 12) ? literal(w, p.rank, p.shape) : one_of(w, initial));
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
    text_printf(text, "    state %s%s = %s\n", s.name, scope_axes(scope, s.rank, s.shape), chance(w, 50) ? "0" : "0.5");
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
    for (size_t i = 0; i < w->made.count; i++) {
        if (!w->made.at[i].closed || !same_axes(&w->made.at[i].from, x) || !chance(w, 60)) continue;
        text_printf(text, "    %s = %s -> %s\n", v.name, x->name, w->made.at[i].stage);
        const char *name = v.name;
        v = w->made.at[i].to;
        v.name = name;
        v.step_axis = -1;
        vec_push(w->arena, &scope->values, v);
        return;
    }
    v.shape[v.rank - 1] = between(w, 1, 4);
    const char *format = one_of(w, formats), *mark = strstr(format, "%s"), *units = strstr(format, "%d");
    text_printf(text, "    %s = %.*s%s%.*s%s%s\n", v.name, (int)(mark - format), format, x->name, (int)(units - mark - 2),
                mark + 2, size_text(scope, v.shape[v.rank - 1]), units + 2);
    vec_push(w->arena, &scope->values, v);
}

/* Whole tensors: no indices. */
static void whole_statement(Writer *w, Scope *scope, Text *text) {
    static const char *const formats[] = {"%s -> softmax",
                                          "tanh(%s) * 0.5 + %s",
                                          "sigmoid(%s - 0.3)",
                                          "%s -> log_softmax",
                                          "max(%s, 0.2 * %s)",
                                          "%s -> reverse",
                                          "if training then %s else 0.9 * %s",
                                          NULL};
    Value v = scope->values.at[below(w, (int)scope->values.count)];
    const char *format = one_of(w, formats), *from = v.name;
    if (v.range > 0 || v.rank == 0 || v.step_axis >= 0 || (v.rank < 2 && strstr(format, "reverse") != NULL)) return;
    v.name = fresh(w, "v");
    text_printf(text, "    %s = %s\n", v.name, with(w, format, from, from));
    vec_push(w->arena, &scope->values, v);
}

static void statement(Writer *w, Scope *scope, Text *text) {
    Value v = {.name = fresh(w, "v")};
    random_shape(w, between(w, 0, 3), 4, &v);
    index_statement(scope, text, "    ", v.name, v.rank, v.shape);
    vec_push(w->arena, &scope->values, v);
}

/* ---- The head: what the definition takes, and what the call gives */

typedef struct {
    Scope scope;
    Text *head, *call;
    int lifted; /* leading axes over which it is mapped */
    int whole;  /* of the axes of x, those from this one on are one axis; or -1 */
    int shape[AXES], rank;
} Head;

static void size(Writer *w, Scope *scope, const char *name, int number) {
    vec_push(w->arena, &scope->sizes, ((Value){.name = name, .shape = {number}}));
}

/* x, with a name for each axis: of all, of the last ones, or of the last ones taken together. */
static Value piped(Writer *w, Head *h, const Value *value) {
    Value x = *value;
    x.name = "x";
    h->whole = -1;
    if (x.rank > 1 && chance(w, 35)) {
        h->lifted = between(w, 1, x.rank - 1);
        x.rank -= h->lifted;
        memmove(x.shape, x.shape + h->lifted, sizeof *x.shape * (size_t)x.rank);
    } else if (x.rank > 0 && x.range == 0 && chance(w, 15)) {
        h->whole = below(w, x.rank > 2 ? 2 : x.rank);
        for (int i = h->whole + 1; i < x.rank; i++) x.shape[h->whole] *= x.shape[i];
        x.rank = h->whole + 1;
    }
    text_put(h->head, "x");
    for (int i = 0; i < x.rank; i++) {
        bool nameless = i == h->whole && i == 0 && chance(w, 30),
             same = i == 1 && h->whole < 0 && x.shape[0] == x.shape[1] && chance(w, 50);
        text_printf(h->head, "%s%s%s", i == 0 ? "[" : ", ", nameless ? "" : size_names[same ? 0 : i], i == h->whole ? "..." : "");
        if (same) continue;
        if (!nameless) size(w, &h->scope, size_names[i], x.shape[i]);
        else h->whole = -1;
    }
    text_printf(h->head, "%s%s", x.rank > 0 ? "]" : "", x.range > 0 ? " : index(K)" : "");
    if (x.range > 0) size(w, &h->scope, "K", x.range);
    vec_push(w->arena, &h->scope.values, x);
    return x;
}

/* Another tensor of the model, a number with a default, a function. */
static void arguments(Writer *w, Head *h, const Value *value) {
    Value z = *some_value(w);
    const char *given = z.name;
    bool lifted = h->lifted > 0 && z.rank >= h->lifted && memcmp(z.shape, value->shape, sizeof *z.shape * (size_t)h->lifted) == 0;
    if (chance(w, lifted ? 70 : 25)) {
        if (lifted) { /* over the same axes */
            z.rank -= h->lifted;
            memmove(z.shape, z.shape + h->lifted, sizeof *z.shape * (size_t)z.rank);
        }
        z.name = "z";
        z.step_axis = -1;
        text_put(h->head, ", z");
        for (int i = 0; i < z.rank; i++) {
            text_printf(h->head, "%s%s", i == 0 ? "[" : ", ", other_size_names[i]);
            size(w, &h->scope, other_size_names[i], z.shape[i]);
        }
        text_printf(h->head, "%s%s", z.rank > 0 ? "]" : "", z.range > 0 ? " : index(L)" : "");
        text_printf(h->call, ", %s%s", chance(w, 30) ? "z = " : "", given);
        vec_push(w->arena, &h->scope.values, z);
    }
    bool named = strstr(text_string(h->call), "=") != NULL;
    if (chance(w, 12)) {
        text_put(h->head, ", act");
        text_printf(h->call, ", %s%s", named ? "act = " : "", random_function(w));
        vec_push(w->arena, &h->scope.functions, "act");
    }
    if (chance(w, 15)) {
        text_put(h->head, ", r = 0.4");
        if (chance(w, 50)) text_printf(h->call, ", r = %s", chance(w, 50) ? "-0.6" : "2 / 3");
        vec_push(w->arena, &h->scope.values, ((Value){.name = "r", .step_axis = -1}));
    }
    if (chance(w, 20)) {
        int units = between(w, 1, 4);
        text_printf(h->head, ", units = %d", chance(w, 50) ? units : 3);
        text_printf(h->call, ", units = %d", units);
        size(w, &h->scope, "units", units);
    }
}

/* The result: its axes, and in the body perhaps some of them as one. */
static Value result_of(Writer *w, Head *h, const Value *value, const Value *x) {
    Value result = {.name = "y"};
    if (h->whole >= 0 && chance(w, 60)) { /* y[a, b...] */
        result = *x;
        result.name = "y";
        text_put(h->head, ") -> y");
        for (int i = 0; i < x->rank; i++)
            text_printf(h->head, "%s%s%s", i == 0 ? "[" : ", ", size_names[i], i == h->whole ? "..." : "");
        text_put(h->head, "] {\n");
        h->rank = value->rank;
        memcpy(h->shape, value->shape, sizeof h->shape);
        return result;
    }
    random_shape(w, between(w, 1, 3 - (h->lifted > 2 ? 2 : h->lifted)), 5, &result);
    text_printf(h->head, ") -> y%s {\n", scope_axes(&h->scope, result.rank, result.shape));
    h->rank = h->lifted + result.rank;
    memcpy(h->shape, value->shape, sizeof h->shape);
    memcpy(h->shape + h->lifted, result.shape, sizeof *h->shape * (size_t)result.rank);
    return result;
}

static void body(Writer *w, Head *h, Text *text, bool is_layer, const Value *x, Value *result) {
    bool ranged = x->range > 0;
    for (int i = is_layer ? between(w, 1, 3) : 0; i > 0; i--) parameter(w, &h->scope, text);
    if (is_layer && h->lifted == 0 && x->rank > 0 && !ranged && chance(w, 20)) state(w, &h->scope, text, x);
    for (int i = between(w, 0, 3); i > 0; i--) {
        int kind = below(w, 10);
        if (kind < 3) scan(w, &h->scope, text, NULL);
        else if (kind < 5) winners_statement(&h->scope, text, "    ", fresh(w, "w"));
        else if (kind < 6 && is_layer && x->rank > 0 && !ranged) inner_layer(w, &h->scope, text, x);
        else if (kind < 7) whole_statement(w, &h->scope, text);
        else statement(w, &h->scope, text);
    }
    if (chance(w, 25)) scan(w, &h->scope, text, result);
    else index_statement(&h->scope, text, "    ", "y", result->rank, result->shape);
}

const char *random_definition(Writer *w, Value *value) {
    for (size_t i = 0; i < w->made.count; i++) {
        if (!same_axes(&w->made.at[i].from, value) || !chance(w, 50)) continue;
        *value = w->made.at[i].to;
        return w->made.at[i].stage;
    }
    Made made = {.from = *value};
    bool is_layer = chance(w, 75);
    Head h = {.scope = {.w = w, .scan = -1}, .head = text_new(w->arena), .call = text_new(w->arena)};
    Text *text = text_new(w->arena);
    const char *name = fresh(w, is_layer ? "layer" : "function");
    text_printf(h.head, "%s %s(", is_layer ? "layer" : "function", name);
    Value x = piped(w, &h, value);
    arguments(w, &h, value);
    Value result = result_of(w, &h, value, &x);
    body(w, &h, text, is_layer, &x, &result);
    text_printf(w->definitions, "%s%s}\n\n", text_string(h.head), text_string(text));
    value->rank = h.rank;
    memcpy(value->shape, h.shape, sizeof h.shape);
    value->range = 0;
    const char *call = text_string(h.call);
    made.to = *value;
    made.closed = strstr(text_string(h.head), ", z") == NULL;
    made.stage = call[0] == '\0' ? name : arena_printf(w->arena, "%s(%s)", name, call + 2);
    if (is_layer) vec_push(w->arena, &w->made, made);
    return made.stage;
}

const char *random_scalar_function(Writer *w) {
    Scope scope = {.w = w, .scan = -1};
    Value u = {.name = "u", .step_axis = -1}, v = {.name = "v", .step_axis = -1};
    const char *name = fresh(w, "function");
    vec_push(w->arena, &scope.values, v);
    vec_push(w->arena, &scope.values, u);
    const char *body_text = expression(&scope, 2);
    text_printf(w->definitions, "function %s(u, v = 0.5) = tanh(%s + u * v)\n\n", name, body_text);
    return name;
}
