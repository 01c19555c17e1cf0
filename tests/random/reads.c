/* What an expression reads: subscripts of all kinds, with defaults where they may fall outside. */
#include "writer.h"

/* ---- Subscripts */

static int floor_divide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* e + c i + d j */
static Subscript affine(Scope *scope, int length) {
    static const int factors[] = {1, 1, 1, 1, 2, 2, 3, -1, -1, -2};
    Writer *w = scope->w;
    Text *terms = text_new(w->arena);
    int count = scope->count == 0 ? 0 : between(w, 1, scope->count > 1 ? 2 : 1), last = -1, low = 0, high = 0;
    for (int k = 0; k < count; k++) {
        int i = below(w, scope->count), factor = factors[below(w, 10)], reach = factor * (scope->indices[i].size - 1);
        if (i == last) continue;
        last = i;
        text_put(terms, factor < 0 ? " - " : " + ");
        if (factor * factor > 1) text_printf(terms, "%d * ", factor < 0 ? -factor : factor);
        text_put(terms, scope->indices[i].name);
        if (reach < 0) low += reach;
        else high += reach;
    }
    int constant = chance(w, 60)   ? -low
                   : chance(w, 50) ? length - 1 - high
                                   : between(w, -2, 3); /* begins, ends inside, or anywhere */
    if (last < 0) constant = chance(w, 85) ? below(w, length) : between(w, -1, length);
    const char *text = text_string(terms);
    if (text[0] != '\0' && text[1] == '+' && constant == 0) text += 3;
    else text = arena_printf(w->arena, "%d%s", constant, text);
    return (Subscript){text, low + constant, high + constant};
}

static Subscript subscript(Scope *scope, int length) {
    Writer *w = scope->w;
    int kind = below(w, 100);
    for (int tries = 0; kind < 60 && scope->count > 0 && tries < 6; tries++) {
        RandomIndex *index = &scope->indices[below(w, scope->count)];
        if (index->size > length && tries < 5) continue;
        if (index->size < length && tries < 3) continue;
        if (index->size == length) index->told = true;
        else index->contradicted = true;
        return (Subscript){index->name, 0, index->size - 1};
    }
    if (kind < 70 && (kind >= 60 || chance(w, 30))) {
        Subscript s = whole_read(scope, length);
        if (s.text != NULL) return s;
    }
    Subscript s = affine(scope, length);
    if (kind >= 97) {
        int inner = between(w, 2, 4), by = between(w, 2, 3);
        return (Subscript){arena_printf(w->arena, "((%s) mod %d) / %d", s.text, inner, by), 0, (inner - 1) / by};
    }
    if (kind >= 94) {
        int by = between(w, 2, 3), low = floor_divide(s.low, by), high = floor_divide(s.high, by);
        return (Subscript){arena_printf(w->arena, "%d * ((%s) / %d) + (%s) mod %d", by, s.text, by, s.text, by), by * low,
                           by * high + by - 1};
    }
    if (kind >= 89) {
        int by = between(w, 2, 3);
        return (Subscript){arena_printf(w->arena, "(%s) / %d", s.text, by), floor_divide(s.low, by), floor_divide(s.high, by)};
    }
    if (kind >= 78) {
        int by = chance(w, 80) ? between(w, 1, length) : length + 1;
        return (Subscript){arena_printf(w->arena, "(%s) mod %d", s.text, by), 0, by - 1};
    }
    return s;
}

/* ---- Sizes */

const char *size_text(Scope *scope, int size) {
    Writer *w = scope->w;
    if (scope->sizes.count > 0 && chance(w, 60)) {
        const Value *named = &scope->sizes.at[below(w, (int)scope->sizes.count)];
        int number = named->shape[0];
        if (number == size) return named->name;
        if (size == 2 * number && chance(w, 70)) return arena_printf(w->arena, "2 * %s", named->name);
        if (size == number / 2 && chance(w, 70)) return arena_printf(w->arena, "%s / 2", named->name);
        if (size == number + 1 && chance(w, 50)) return arena_printf(w->arena, "%s + 1", named->name);
        if (size == number - 1 && chance(w, 50)) return arena_printf(w->arena, "%s - 1", named->name);
    }
    return arena_printf(w->arena, "%d", size);
}

const char *scope_axes(Scope *scope, int rank, const int *shape) {
    Text *text = text_new(scope->w->arena);
    for (int i = 0; i < rank; i++) text_printf(text, "%s%s", i == 0 ? "[" : ", ", size_text(scope, shape[i]));
    return rank == 0 ? "" : arena_printf(scope->w->arena, "%s]", text_string(text));
}

/* ---- Reads */

const char *constant(Writer *w) {
    static const char *const list[] = {"0.5", "0.3", "-0.4", "1", "0.7", "-0.2", "0", NULL};
    return one_of(w, list);
}

static const char *default_of(Scope *scope) {
    Writer *w = scope->w;
    return chance(w, 75) ? constant(w) : arena_printf(w->arena, "(%s)", expression(scope, 0));
}

/* The step of a tensor of the scan: this one where it stands above, else an earlier one. */
static Subscript step_of(Scope *scope, const Value *value) {
    Writer *w = scope->w;
    const char *t = scope->indices[scope->scan].name;
    int last = scope->indices[scope->scan].size - 1, offset = value->above && chance(w, 50) ? 0
                                                              : chance(w, 60)               ? 1
                                                                                            : between(w, 2, 3);
    if (offset == 0) return (Subscript){t, 0, last};
    return scope->reversed ? (Subscript){arena_printf(w->arena, "%s + %d", t, offset), offset, last + offset}
                           : (Subscript){arena_printf(w->arena, "%s - %d", t, offset), -offset, last - offset};
}

const char *read_value(Scope *scope, const Value *value, const char *otherwise, bool *inside) {
    Writer *w = scope->w;
    RandomIndex before[8];
    memcpy(before, scope->indices, sizeof before);
    Text *text = text_new(w->arena);
    *inside = true;
    text_put(text, value->name);
    for (int i = 0; i < value->rank; i++) {
        Subscript s = value->step_axis == i ? step_of(scope, value) : subscript(scope, value->shape[i]);
        text_printf(text, "%s%s", i == 0 ? "[" : ", ", s.text);
        *inside &= s.low >= 0 && s.high < value->shape[i];
    }
    if (value->rank > 0) text_put(text, "]");
    if (*inside) return text_string(text);
    for (int i = 0; i < scope->count; i++) { /* a read with a default tells no range */
        scope->indices[i].told = before[i].told;
    }
    return arena_printf(w->arena, "(%s default %s)", text_string(text), otherwise != NULL ? otherwise : default_of(scope));
}

/* A whole number that was read, for a subscript: of an input, or the place of a maximum. */
Subscript whole_read(Scope *scope, int length) {
    Writer *w = scope->w;
    for (int tries = 0; tries < 4 && scope->values.count > 0; tries++) {
        const Value *value = &scope->values.at[below(w, (int)scope->values.count)];
        bool inside;
        if (value->range == 0 || value->range > length || value->step_axis >= 0) continue;
        return (Subscript){read_value(scope, value, arena_printf(w->arena, "%d", below(w, value->range)), &inside), 0,
                           value->range - 1};
    }
    return (Subscript){0};
}

const char *read_any(Scope *scope) {
    Writer *w = scope->w;
    if (scope->values.count == 0) return constant(w);
    const Value *value = &scope->values.at[below(w, (int)scope->values.count)];
    if (chance(w, 40)) value = &scope->values.at[scope->values.count - 1];
    bool inside;
    const char *read = read_value(scope, value, value->range > 0 ? "1" : NULL, &inside);
    return value->range > 0 ? arena_printf(w->arena, "(0.3 * %s)", read) : read;
}
