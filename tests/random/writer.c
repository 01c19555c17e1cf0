#include "writer.h"

#include "../../runtime/random.h"

int below(Writer *w, int count) { return (int)(nnc_random_uniform(w->seed, UINT64_C(0x6D6F64656C), 0, w->drawn++) * count); }
int between(Writer *w, int low, int high) { return low + below(w, high - low + 1); }
bool chance(Writer *w, int percent) { return below(w, 100) < percent; }

const char *one_of(Writer *w, const char *const *list) {
    int count = 0;
    while (list[count] != NULL) count++;
    return list[below(w, count)];
}

const char *fresh(Writer *w, const char *stem) { return arena_printf(w->arena, "%s%d", stem, ++w->names); }

const char *fresh_binding(Writer *w) {
    static const char *const odd[] = {"double", "out", "work", "dh1", "loss_sum", "size_t", "epoch", "batch"};
    int which = below(w, 8);
    if (!chance(w, 8) || w->odd_used[which]) return fresh(w, "h");
    w->odd_used[which] = true;
    return odd[which];
}

const char *with(Writer *w, const char *format, const char *a, const char *b) {
    const char *first = strstr(format, "%s"), *second = strstr(first + 2, "%s");
    if (second == NULL) return arena_printf(w->arena, "%.*s%s%s", (int)(first - format), format, a, first + 2);
    return arena_printf(w->arena, "%.*s%s%.*s%s%s", (int)(first - format), format, a, (int)(second - first - 2), first + 2, b,
                        second + 2);
}

const Value *some_value(Writer *w) {
    size_t count = w->values.count;
    return &w->values.at[chance(w, 60) ? count - 1 : (size_t)below(w, (int)count)];
}

bool same_axes(const Value *a, const Value *b) {
    return a->rank == b->rank && a->range == b->range && memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->rank) == 0;
}

int points(const Value *value) {
    int product = 1;
    for (int i = 0; i < value->rank; i++) product *= value->shape[i];
    return product;
}

const char *axes(Writer *w, int rank, const int *shape) {
    Text *text = text_new(w->arena);
    for (int i = 0; i < rank; i++) text_printf(text, "%s%d", i == 0 ? "[" : ", ", shape[i]);
    return rank == 0 ? "" : arena_printf(w->arena, "%s]", text_string(text));
}

void random_shape(Writer *w, int rank, int most, Value *v) {
    v->rank = rank;
    v->step_axis = -1;
    for (int i = 0; i < rank; i++) v->shape[i] = between(w, 1, most);
}
