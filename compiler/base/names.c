#include "base/names.h"

#include <stdint.h>

struct Names {
    Arena *arena;
    Name *slots; /* open addressing, a power of two */
    size_t count, size;
};

Names *names_new(Arena *arena) {
    Names *names = NEW(arena, Names);
    names->arena = arena;
    names->size = 512;
    names->slots = NEW_ARRAY(arena, Name, names->size);
    return names;
}

static uint64_t hash(const char *text, size_t length) { /* FNV-1a */
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    return h;
}

static size_t slot_of(Name *slots, size_t size, const char *text, size_t length) {
    size_t slot = hash(text, length) & (size - 1);
    while (slots[slot] != NULL && (strncmp(slots[slot], text, length) != 0 || slots[slot][length] != '\0')) {
        slot = (slot + 1) & (size - 1);
    }
    return slot;
}

static void grow(Names *names) {
    size_t size = names->size * 2;
    Name *slots = NEW_ARRAY(names->arena, Name, size);
    for (size_t i = 0; i < names->size; i++) {
        Name name = names->slots[i];
        if (name != NULL) slots[slot_of(slots, size, name, strlen(name))] = name;
    }
    names->slots = slots;
    names->size = size;
}

Name name_of_length(Names *names, const char *text, size_t length) {
    if (names->count * 2 >= names->size) grow(names);
    size_t slot = slot_of(names->slots, names->size, text, length);
    if (names->slots[slot] == NULL) {
        names->slots[slot] = arena_text(names->arena, text, length);
        names->count++;
    }
    return names->slots[slot];
}

Name name_of(Names *names, const char *text) { return name_of_length(names, text, strlen(text)); }

/* ---- Tables */

struct NameSlot {
    Name name;
    size_t number;
};

static struct NameSlot *table_slot(const NameTable *table, Name name) {
    size_t at = (size_t)((uint64_t)(uintptr_t)name * 0x9E3779B97F4A7C15u >> 24) & (table->room - 1);
    while (table->slots[at].name != NULL && table->slots[at].name != name) at = (at + 1) & (table->room - 1);
    return &table->slots[at];
}

size_t name_table_get(const NameTable *table, Name name) { return table->room == 0 ? 0 : table_slot(table, name)->number; }

size_t *name_table_at(Arena *arena, NameTable *table, Name name) {
    if (2 * (table->count + 1) > table->room) {
        NameTable wide = {.count = table->count, .room = table->room == 0 ? 16 : 2 * table->room};
        wide.slots = NEW_ARRAY(arena, struct NameSlot, wide.room);
        for (size_t i = 0; i < table->room; i++) {
            if (table->slots[i].name != NULL) *table_slot(&wide, table->slots[i].name) = table->slots[i];
        }
        *table = wide;
    }
    struct NameSlot *slot = table_slot(table, name);
    if (slot->name == NULL) table->count++;
    slot->name = name;
    return &slot->number;
}

/* ---- Suggestions */

static int least(int a, int b) { return a < b ? a : b; }

int edit_distance(const char *from, const char *to, int limit) {
    enum { LONGEST = 63 };
    size_t m = strlen(from), n = strlen(to);
    if (m > LONGEST || n > LONGEST) return strcmp(from, to) == 0 ? 0 : limit + 1;
    int before[LONGEST + 1], last[LONGEST + 1], row[LONGEST + 1];
    for (size_t j = 0; j <= n; j++) last[j] = (int)j;
    memset(before, 0, sizeof before);
    for (size_t i = 1; i <= m; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int change = last[j - 1] + (from[i - 1] != to[j - 1]);
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        memcpy(before, last, sizeof last);
        memcpy(last, row, sizeof row);
    }
    return least(last[n], limit + 1);
}

void suggest(Suggestion *suggestion, const char *candidate) {
    size_t length = strlen(suggestion->wanted);
    int limit = length <= 3 ? 1 : length <= 7 ? 2 : 3;
    int distance = edit_distance(suggestion->wanted, candidate, limit);
    if (distance > limit || (size_t)distance >= length) return;
    if (suggestion->best == NULL || distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
