/* The library's layers and functions, each where its argument has the axes that it asks for. */
#include "writer.h"

const char *random_activation(Writer *w) {
    static const char *const activations[] = {
        "tanh", "sigmoid", "relu",     "leaky_relu",   "leaky_relu(0.2)", "elu",         "elu(alpha = 0.5)", "selu", "gelu",
        "silu", "mish",    "softsign", "hard_sigmoid", "softmax",         "log_softmax", "softplus",         "sin",  "atan",
        "erf",  "abs",     NULL};
    return one_of(w, activations);
}

const char *literal(Writer *w, int rank, const int *shape) {
    static const char *const numbers[] = {"0.5", "-0.3", "1", "0.2", "0", "-1.5", "0.7", NULL};
    if (rank == 0) return one_of(w, numbers);
    Text *text = text_new(w->arena);
    for (int i = 0; i < shape[0]; i++) text_printf(text, "%s%s", i == 0 ? "[" : ", ", literal(w, rank - 1, shape + 1));
    return arena_printf(w->arena, "%s]", text_string(text));
}

static int last_of(const Value *v) { return v->shape[v->rank - 1]; }

/* Few, and at times more than vectors have lanes: then weights stand in panels. */
static int units_of_layer(Writer *w) { return chance(w, 7) ? between(w, 9, 40) : between(w, 1, 5); }

static const char *dense_stage(Writer *w, int *n) {
    static const char *const initial[] = {
        "normal(0, 0.4)", "glorot_normal(3, 4)", "lecun_normal(2)", "he_uniform(4)", "lecun_uniform(3)", "0.2", NULL};
    int from = *n, to = *n = units_of_layer(w);
    if (chance(w, 15)) return arena_printf(w->arena, "dense(%d, W = %s)", to, one_of(w, initial));
    if (chance(w, 10)) return arena_printf(w->arena, "dense(%d, b = %s)", to, literal(w, chance(w, 50), n));
    if (chance(w, 6)) return arena_printf(w->arena, "dense(%d, W = %s)", to, literal(w, 2, (const int[]){to, from}));
    if (chance(w, 6)) return arena_printf(w->arena, "dense(%d, W = orthogonal(%d, %d))", to, to, from);
    return arena_printf(w->arena, chance(w, 10) ? "dense(units = %d)" : "dense(%d)", to);
}

static const char *vector_stage(Writer *w, Value *v) {
    int *n = &v->shape[v->rank - 1], first, last;
    switch (below(w, 9)) {
    case 0: return "layer_norm";
    case 1: return "rms_norm";
    case 2: return chance(w, 50) ? "dropout" : "dropout(p = 0.3)";
    case 3:
        first = below(w, *n);
        last = between(w, first + 1, *n);
        *n = last - first;
        return arena_printf(w->arena, "slice(%d, %d)", first, last);
    case 4:
        if (chance(w, 50)) return arena_printf(w->arena, "%s(%s)", random_scalar_function(w), chance(w, 50) ? "" : "v = 0.3");
        return random_scalar_function(w);
    case 5: return v->rank <= 3 ? chance(w, 70) ? "batch_norm" : "batch_norm(momentum = 0.3, epsilon = 0.01)" : "layer_norm";
    default: return dense_stage(w, n);
    }
}

/* The length that a window leaves, or 0. */
static int windows(int length, int kernel, int stride, int pad) {
    return length + 2 * pad < kernel ? 0 : (length + 2 * pad - kernel) / stride + 1;
}

static const char *sequence_stage(Writer *w, Value *v) {
    int *T = &v->shape[v->rank - 2], *n = &v->shape[v->rank - 1], units = units_of_layer(w), t, heads;
    int kernel = between(w, 1, 3), stride = between(w, 1, 3), pad = below(w, 3);
    switch (below(w, 14)) {
    case 0:
    case 1:
        if ((t = windows(*T, kernel, stride, pad)) == 0) break;
        *T = t;
        *n = units;
        return arena_printf(w->arena, "conv1d(%d, kernel = %d, stride = %d, pad = %d)", units, kernel, stride, pad);
    case 2: *n = units; return arena_printf(w->arena, "rnn(%d)", units);
    case 3: *n = units; return arena_printf(w->arena, "gru(%d)", units);
    case 4: *n = units; return arena_printf(w->arena, "lstm(%d)", units);
    case 5:
    case 6:
        heads = between(w, 1, 2);
        *n = heads * between(w, 1, 2);
        return arena_printf(w->arena, "attention(%d%s%s)", *n, heads > 1 ? ", heads = 2" : "",
                            chance(w, 50) ? ", causal = true" : "");
    case 7: return "position_embedding";
    case 8: t = *T, *T = *n, *n = t; return "transpose";
    case 9:
    case 10:
        kernel = kernel > *T ? *T : kernel;
        *T = windows(*T, kernel, stride, 0);
        return arena_printf(w->arena, "%s_pool1d(%d, stride = %d)", chance(w, 50) ? "max" : "avg", kernel, stride);
    case 11: return "reverse";
    case 12:
        *T = *n;
        v->rank--;
        return "last_step";
    default: break;
    }
    if (*T * *n > 8) return "reverse";
    *T *= 2;
    *n *= 2;
    return "upsample(2)";
}

static const char *image_stage(Writer *w, Value *v) {
    int *c = &v->shape[v->rank - 3], *h = c + 1, *s = c + 2, kernel = between(w, 1, 3), stride = between(w, 1, 2),
        pad = below(w, 2);
    int rows = windows(*h, kernel, stride, pad), columns = windows(*s, kernel, stride, pad), kind = below(w, 6), groups = 1;
    bool pooled = rows > 0 && columns > 0;
    switch (kind) {
    case 0:
    case 1:
    case 2:
        if (!pooled) break;
        if (kind == 2)
            return *h = rows, *s = columns,
                   arena_printf(w->arena, "depthwise_conv2d(%d, stride = %d, pad = %d)", kernel, stride, pad);
        if (*c % 2 == 0 && chance(w, 60)) groups = 2;
        *h = rows;
        *s = columns;
        *c = groups * between(w, 1, 2);
        return arena_printf(w->arena, "conv2d(%d, kernel = %d, stride = %d, pad = %d, groups = %d)", *c, kernel, stride, pad,
                            groups);
    case 3:
    case 4:
        if (pad >= kernel) pad = 0, rows = windows(*h, kernel, stride, 0), columns = windows(*s, kernel, stride, 0);
        if (rows == 0 || columns == 0) break;
        *h = rows;
        *s = columns;
        return arena_printf(w->arena, "%s_pool(%d, stride = %d, pad = %d)", chance(w, 50) ? "max" : "avg", kernel, stride, pad);
    default: break;
    }
    if (v->rank > 3) return "tanh";
    v->rank = 1;
    return chance(w, 50) ? "global_max_pool" : "global_avg_pool";
}

static const char *shape_stage(Writer *w, Value *v) {
    int whole = points(v);
    if (v->rank == 1 && whole % 2 == 0 && chance(w, 70)) {
        *v = (Value){.name = v->name, .rank = 2, .shape = {whole / 2, 2}, .step_axis = -1};
        if (chance(w, 50)) *v = (Value){.name = v->name, .rank = 3, .shape = {2, 1, whole / 2}, .step_axis = -1};
        const char *name = "reshape";
        if (chance(w, 25)) {
            name = fresh(w, "function");
            text_printf(w->definitions, "function %s(x[n...], shape...) -> y[shape...] {\n    y[i] = x[n - 1 - i] + 0.1\n}\n\n",
                        name);
        }
        return v->rank == 2 ? arena_printf(w->arena, "%s(%d, 2)", name, whole / 2)
                            : arena_printf(w->arena, "%s(2, 1, %d)", name, whole / 2);
    }
    if (v->rank > 1) {
        *v = (Value){.name = v->name, .rank = 1, .shape = {whole}, .step_axis = -1};
        return "flatten";
    }
    return random_activation(w);
}

const char *random_stage(Writer *w, Value *v) {
    int kind = below(w, 100);
    if (v->range > 0) {
        if (chance(w, 30)) return random_definition(w, v);
        bool learned = v->rank < AXES && chance(w, 75);
        int width = learned ? between(w, 1, 3) : v->range;
        v->shape[v->rank++] = width;
        v->range = 0;
        return learned ? arena_printf(w->arena, "embedding(%d)", width) : "one_hot";
    }
    if (v->rank == 0) return v->rank = 1, v->shape[0] = 1, "reshape(1)";
    if (kind < 25) return random_definition(w, v);
    if (kind < 31) return passing_stage(w, v);
    if (v->rank >= 3 && kind < 50) return image_stage(w, v);
    if (v->rank >= 2 && kind < 75) return sequence_stage(w, v);
    if (kind < 80) return shape_stage(w, v);
    if (kind < 88) return last_of(v) > 0 ? random_activation(w) : "tanh";
    return vector_stage(w, v);
}
