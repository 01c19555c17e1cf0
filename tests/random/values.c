/* Functions and layers that are passed on like numbers, and what calls them: elementwise, in whole, in a reduction, in a scan. */
#include "writer.h"

const char *random_function(Writer *w) {
    static const char *const functions[] = {"tanh", "sin", "relu", "gelu", "softsign", "sigmoid", "elu", "stop", "erf", NULL};
    return chance(w, 30) ? random_scalar_function(w) : one_of(w, functions);
}

/* A layer or function that leaves the axes of x[.., n] as they are. */
static const char *inner_of(Writer *w, int n, bool is_sequence) {
    static const char *const others[] = {"layer_norm", "softmax", "rms_norm", "tanh", "dropout", NULL}, *const sequences[] = {
                                                                                                            "reverse",
                                                                                                            "position_embedding",
                                                                                                            NULL};
    if (chance(w, 50)) return arena_printf(w->arena, "dense(%d%s)", n, chance(w, 20) ? ", b = 0.2" : "");
    if (is_sequence && chance(w, 40)) return arena_printf(w->arena, "%s(%d)", chance(w, 50) ? "rnn" : "gru", n);
    return is_sequence && chance(w, 50) ? one_of(w, sequences) : one_of(w, others);
}

/* The names of what is passed stand once in each body. */
static const char *const bodies[] = {
    "function %s(x, f) = f(0.5 * f(x)) + 0.3 * x\n\n",
    "function %s(x[n], f) -> y[n] {\n    y[i] = f(x[i]) * (f(x[n - 1 - i]) + 1)\n}\n\n",
    "function %s(x[n...], f) = f(sum(i: x[i]) / n) * x[0]\n\n",
    "layer %s(x[n], inner) -> y[n] {\n    h    = x -> inner\n    y[i] = x[i] + 0.5 * h[i]\n}\n\n",
    "layer %s(x[n], inner) -> y[n] {\n    param gain[n] = 0.7\n\n    y = (x -> inner -> tanh -> inner) * gain + x\n}\n\n",
    "layer %s(x[n], inner, outer = tanh) -> y[n] {\n    y = x -> inner -> outer\n}\n\n",
    "layer %s(x[T, n], inner) -> y[T, n] {\n    y = x -> inner -> tanh\n}\n\n",
    "layer %s(x[T, n]) -> y[T, 2] {\n    judge   = dense(2)\n    y[t, j] = sum(s: judge(x[t] * x[s])[j]) / T\n}\n\n",
    "layer %s(x[T, n], units = 3) -> h[T, units] {\n    cell = dense(units)\n    back = dense(units)\n\n    scan t {\n"
    "        a[t, j] = back(x[t])[j]\n        h[t, j] = tanh(cell(x[t])[j] + 0.5 * a[t, j] * (h[t-1, j] default 0.1))\n    "
    "}\n}\n\n",
    "layer %s(x[T, n], f) -> h[T, n] {\n    scan t reversed {\n        h[t, i] = 0.5 * f(x[t, i] + (h[t+1, i] default x[t, n - 1 "
    "- i]))\n"
    "    }\n}\n\n",
};
enum { SCALAR, VECTOR_FUNCTION, WHOLE, RESIDUAL, TWICE, CHAIN, SEQUENCE, RELATION, CELLS, WAVE, BODIES };

static const char *argument(Writer *w, int body, const Value *v) {
    int n = v->shape[v->rank - 1];
    switch (body) {
    case RESIDUAL:
    case TWICE: return inner_of(w, n, false);
    case CHAIN:
        return chance(w, 50) ? inner_of(w, n, false)
                             : arena_printf(w->arena, "%s, outer = %s", inner_of(w, n, false), inner_of(w, n, false));
    case SEQUENCE: return inner_of(w, n, true);
    case RELATION: return "";
    case CELLS: return "units = 3";
    default: return random_function(w);
    }
}

const char *passing_stage(Writer *w, Value *v) {
    int body = below(w, BODIES);
    if (v->rank < 2 && body >= SEQUENCE) body = below(w, SEQUENCE);
    if (body == WHOLE && v->rank > 1) body = SCALAR;
    const char *name = fresh(w, "passing"), *passed = argument(w, body, v);
    text_put(w->definitions, with(w, bodies[body], name, ""));
    if (body == WHOLE) v->rank = 0;
    if (body == RELATION) v->shape[v->rank - 1] = 2;
    if (body == CELLS) v->shape[v->rank - 1] = 3;
    if (passed[0] == '\0') return name;
    return arena_printf(w->arena, "%s(%s)", name, passed);
}
