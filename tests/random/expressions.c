/* Random index statements: reductions in reductions, conditions, random numbers, and scans. Functions that grow are given something
   small, so that nothing overflows and differences are exact. */
#include "writer.h"

enum { LONGEST_LOOP = 400 }; /* points of all indices in scope */

/* ---- Reductions */

static const char *index_name(const Scope *scope) {
    static const char *const names[] = {"i", "j", "k", "l", "m", "n", "o", "p"};
    return names[scope->count];
}

void push_index(Scope *scope, int size) {
    scope->indices[scope->count] = (RandomIndex){.name = index_name(scope), .size = size};
    scope->count++;
}

static int points_in_scope(const Scope *scope) {
    int product = 1;
    for (int i = 0; i < scope->count; i++) product *= scope->indices[i].size;
    return product;
}

/* "i in 0..4", or "i" where that is known */
static const char *range(Scope *scope, int i) {
    const RandomIndex *index = &scope->indices[i];
    bool known = index->told && !index->contradicted && chance(scope->w, 50);
    return known ? index->name : arena_printf(scope->w->arena, "%s in 0..%s", index->name, size_text(scope, index->size));
}

/* The length of some axis, so that an index can stand there alone. */
static int likely_size(Scope *scope) {
    Writer *w = scope->w;
    for (int tries = 0; tries < 4 && scope->values.count > 0; tries++) {
        const Value *value = &scope->values.at[below(w, (int)scope->values.count)];
        if (value->rank > 0 && chance(w, 80)) return value->shape[below(w, value->rank)];
    }
    return between(w, 1, 4);
}

static const char *reduction(Scope *scope, int depth) {
    static const char *const kinds[] = {"sum", "sum", "sum", "mean", "max", "min", "prod", "argmax", "argmin", NULL};
    Writer *w = scope->w;
    const char *kind = one_of(w, kinds);
    bool two = chance(w, 20) && kind[0] != 'a' && scope->count < 5;
    int first = scope->count, size = likely_size(scope), other = two ? between(w, 1, 3) : 1;
    if (points_in_scope(scope) * size * other > LONGEST_LOOP || scope->count >= 6) return read_any(scope);
    push_index(scope, size);
    if (two) push_index(scope, other);
    bool is_window = kind[0] == 'm' && kind[1] != 'e' && scope->values.count > 0 && chance(w, 25), inside;
    const char *body;
    if (is_window)
        body = read_value(scope, &scope->values.at[below(w, (int)scope->values.count)], kind[1] == 'a' ? "-inf" : "inf", &inside);
    else body = expression(scope, depth - 1);
    if (kind[0] == 'p') body = arena_printf(w->arena, "1 + 0.3 * tanh(%s)", body);
    const char *over = range(scope, first);
    if (size > 1 && chance(w, 8))
        over = arena_printf(w->arena, "%s in 1..%s", scope->indices[first].name, size_text(scope, size));
    if (two) over = arena_printf(w->arena, "%s, %s", over, range(scope, first + 1));
    scope->count = first;
    const char *text = arena_printf(w->arena, "%s(%s: %s)", kind, over, body);
    if (is_window) return arena_printf(w->arena, "tanh(%s)", text);
    if (strcmp(kind, "sum") == 0 && size * other > 1) text = arena_printf(w->arena, "(%s / %d)", text, size * other);
    return kind[0] == 'a' ? arena_printf(w->arena, "(0.2 * %s)", text) : text;
}

/* ---- Conditions */

static const char *condition(Scope *scope, int depth) {
    static const char *const orders[] = {"<", "<=", ">", ">=", NULL}, *const equals[] = {"==", "!=", "<", ">=", NULL};
    Writer *w = scope->w;
    int kind = below(w, 10);
    if (depth > 0 && kind < 2)
        return arena_printf(w->arena, "%s %s %s", condition(scope, 0), kind == 0 ? "and" : "or", condition(scope, 0));
    if (kind == 2) return arena_printf(w->arena, "not (%s)", condition(scope, 0));
    if (kind == 3 && !scope->in_optimizer) return chance(w, 80) ? "training" : chance(w, 50) ? "true" : "false";
    if (kind == 4 && scope->sizes.count > 0)
        return arena_printf(w->arena, "%s %s %d", scope->sizes.at[0].name, one_of(w, equals), below(w, 5));
    if (kind == 5) {
        Subscript whole = whole_read(scope, 9);
        if (whole.text != NULL) return arena_printf(w->arena, "%s %s %d", whole.text, one_of(w, equals), below(w, 4));
    }
    if (kind < 7 && scope->count > 0) {
        const RandomIndex *index = &scope->indices[below(w, scope->count)], *other = &scope->indices[below(w, scope->count)];
        if (index != other && chance(w, 50))
            return arena_printf(w->arena, "%s %s %s", index->name, one_of(w, equals), other->name);
        return arena_printf(w->arena, "%s %s %d", index->name, one_of(w, equals), below(w, index->size));
    }
    return arena_printf(w->arena, "%s %s %s", expression(scope, depth - 1), one_of(w, orders), constant(w));
}

/* ---- Expressions */

static const char *leaf(Scope *scope) {
    Writer *w = scope->w;
    int kind = below(w, 20);
    if (kind == 0) return constant(w);
    if (kind == 1 && scope->count > 0) return arena_printf(w->arena, "(0.2 * %s)", scope->indices[below(w, scope->count)].name);
    if (scope->in_optimizer) return read_any(scope);
    if (kind == 2 && chance(w, 50)) {
        static const char *const draws[] = {"random_uniform()", "random_bernoulli(0.6)", "normal(0, 0.2)", "uniform(-0.5, 0.5)",
                                            NULL};
        return one_of(w, draws);
    }
    if (kind == 3 && scope->sizes.count > 0 && chance(w, 30))
        return arena_printf(w->arena, "(0.1 * %s)", scope->sizes.at[0].name);
    if (kind == 4 && scope->scan < 0 && chance(w, 25))
        return arena_printf(w->arena, chance(w, 70) ? "batch_mean(%s)" : "(batch_mean(%s) * batch_size / 4)", read_any(scope));
    return read_any(scope);
}

static const char *call(Scope *scope, int depth) {
    static const char *const functions[] = {"tanh(%s)",
                                            "sigmoid(%s)",
                                            "sin(%s)",
                                            "cos(%s)",
                                            "atan(%s)",
                                            "erf(%s)",
                                            "softplus(%s)",
                                            "abs(%s)",
                                            "sqrt(1 + (%s)^2)",
                                            "exp(-(%s)^2)",
                                            "log(1.5 + (%s)^2)",
                                            "exp(tanh(%s))",
                                            "stop(%s)",
                                            "(0.5 * floor(%s))",
                                            "sign(%s)",
                                            "((%s) mod 1.5)",
                                            "(0.2 * (%s)^2)",
                                            "expm1(tanh(%s))",
                                            "(2^tanh(%s))",
                                            "sinh(sin(%s))",
                                            "cosh(sin(%s))",
                                            "tan(0.5 * tanh(%s))",
                                            "(-%s)",
                                            "(1 / (1.5 + tanh(%s)))",
                                            "relu(%s)",
                                            "gelu(%s)",
                                            "silu(%s)",
                                            "mish(%s)",
                                            "elu(%s)",
                                            "selu(0.5 * %s)",
                                            "hard_sigmoid(3 * %s)",
                                            "leaky_relu(%s, slope = 0.2)",
                                            "softsign(%s)",
                                            "share(%s, 1.5)",
                                            "(1 - sigmoid(%s))",
                                            "log(sigmoid(%s))",
                                            "((1.5 + tanh(%s))^-1.5)"};
    if (scope->functions.count > 0 && chance(scope->w, 40))
        return arena_printf(scope->w->arena, "%s(%s)", scope->functions.at[below(scope->w, (int)scope->functions.count)],
                            expression(scope, depth - 1));
    const char *format = functions[below(scope->w, (int)(sizeof functions / sizeof *functions))], *mark = strstr(format, "%s");
    return arena_printf(scope->w->arena, "%.*s%s%s", (int)(mark - format), format, expression(scope, depth - 1), mark + 2);
}

const char *expression(Scope *scope, int depth) {
    Writer *w = scope->w;
    if (depth <= 0) return leaf(scope);
    int kind = below(w, 100);
    if (kind < 12) return leaf(scope);
    if (kind < 34) return reduction(scope, depth);
    if (kind < 54) return call(scope, depth);
    const char *a = expression(scope, depth - 1);
    if (kind < 62) {
        const char *which = condition(scope, 1);
        if (chance(w, 20))
            return arena_printf(w->arena, "(if %s then %s else if %s then %s else %s)", which, a, condition(scope, 0),
                                leaf(scope), expression(scope, depth - 1));
        return arena_printf(w->arena, "(if %s then %s else %s)", which, a, expression(scope, depth - 1));
    }
    const char *b = expression(scope, depth - 1);
    if (kind < 74) return arena_printf(w->arena, "(%s + %s)", a, b);
    if (kind < 82) return arena_printf(w->arena, "(%s - %s)", a, b);
    if (kind < 92) return arena_printf(w->arena, "(%s * %s)", a, b);
    if (kind < 95) return arena_printf(w->arena, "(%s / (1.2 + (%s)^2))", a, b);
    if (kind == 95) return arena_printf(w->arena, "max(%s, %s, %s)", a, b, leaf(scope));
    return arena_printf(w->arena, kind < 98 ? "max(%s, %s)" : "min(%s, %s)", a, b);
}

/* ---- Statements */

/* The left side of a statement for the first `rank` indices from `first` on. */
static const char *left_side(Scope *scope, const char *name, int rank) {
    Text *text = text_new(scope->w->arena);
    text_put(text, name);
    for (int i = 0; i < rank; i++)
        text_printf(text, "%s%s", i == 0 ? "[" : ", ", i == scope->scan ? scope->indices[i].name : range(scope, i));
    return arena_printf(scope->w->arena, "%s%s", text_string(text), rank == 0 ? "" : "]");
}

static const char *squashed(Writer *w, const char *value) {
    static const char *const functions[] = {"tanh(%s)",     "tanh(%s)",       "sin(%s)", "sigmoid(%s)",
                                            "softsign(%s)", "1.3 * tanh(%s)", NULL};
    if (chance(w, 25)) return value;
    const char *format = one_of(w, functions), *mark = strstr(format, "%s");
    return arena_printf(w->arena, "%.*s%s%s", (int)(mark - format), format, value, mark + 2);
}

void index_statement(Scope *scope, Text *text, const char *indent, const char *name, int rank, const int *shape) {
    for (int i = 0; i < rank; i++) push_index(scope, shape[i]);
    const char *value = squashed(scope->w, expression(scope, 3));
    text_printf(text, "%s%s = %s\n", indent, left_side(scope, name, rank), value);
    scope->count = 0;
}

void winners_statement(Scope *scope, Text *text, const char *indent, const char *name) {
    Writer *w = scope->w;
    Value winners = {.name = name, .range = between(w, 1, 4), .step_axis = -1};
    random_shape(w, between(w, 0, 2), 4, &winners);
    for (int i = 0; i < winners.rank; i++) push_index(scope, winners.shape[i]);
    push_index(scope, winners.range);
    const char *body = expression(scope, 2), *over = range(scope, winners.rank), *kind = chance(w, 60) ? "argmax" : "argmin";
    text_printf(text, "%s%s = %s(%s: %s)\n", indent, left_side(scope, name, winners.rank), kind, over, body);
    scope->count = 0;
    vec_push(w->arena, &scope->values, winners);
}

/* Statements that read each other, and themselves, at earlier steps. */
void scan_block(Scope *scope, Text *text, const char *indent, Values *made) {
    Writer *w = scope->w;
    size_t outside = scope->values.count;
    bool told = false, contradicted = false;
    Text *inner = text_new(w->arena);
    scope->reversed = chance(w, 35);
    for (size_t i = 0; i < made->count; i++) vec_push(w->arena, &scope->values, made->at[i]);
    for (size_t i = 0; i < made->count; i++) {
        const Value *value = &made->at[i];
        bool inside;
        for (int k = 0; k < value->rank; k++) push_index(scope, value->shape[k]);
        scope->scan = value->step_axis;
        scope->indices[scope->scan].name = "t";
        const char *earlier = read_value(scope, &scope->values.at[outside + (size_t)below(w, (int)made->count)], NULL, &inside);
        const char *rest = expression(scope, 2);
        told |= scope->indices[scope->scan].told;
        contradicted |= scope->indices[scope->scan].contradicted;
        text_printf(inner, "%s    %s = tanh(0.6 * %s + %s)\n", indent, left_side(scope, value->name, value->rank), earlier, rest);
        scope->count = 0;
        scope->scan = -1;
        scope->values.at[outside + i].above = true;
    }
    int steps = made->at[0].shape[made->at[0].step_axis];
    bool known = told && !contradicted && chance(w, 60);
    text_printf(text, "%sscan t%s%s {\n%s%s}\n", indent, known ? "" : arena_printf(w->arena, " in 0..%d", steps),
                scope->reversed ? " reversed" : "", text_string(inner), indent);
    for (size_t i = outside; i < scope->values.count; i++) scope->values.at[i].step_axis = -1;
}
