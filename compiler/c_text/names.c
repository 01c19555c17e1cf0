/* Names: those of the model wherever C allows it. */
#include <ctype.h>

#include "c_text/c_text.h"

static const char *const reserved[] = {
    "alignas",     "alignof",   "and",       "and_eq",    "asm",        "auto",         "bitand",       "bitor",
    "bool",        "break",     "case",      "catch",     "char",       "class",        "compl",        "concept",
    "const",       "consteval", "constexpr", "constinit", "const_cast", "continue",     "co_await",     "co_return",
    "co_yield",    "decltype",  "default",   "delete",    "do",         "double",       "dynamic_cast", "else",
    "enum",        "explicit",  "export",    "extern",    "false",      "far",          "float",        "for",
    "friend",      "goto",      "huge",      "if",        "inline",     "int",          "linux",        "long",
    "mutable",     "namespace", "near",      "new",       "noexcept",   "not",          "not_eq",       "nullptr",
    "operator",    "or",        "or_eq",     "private",   "protected",  "public",       "register",     "reinterpret_cast",
    "requires",    "restrict",  "return",    "short",     "signed",     "sizeof",       "static",       "static_assert",
    "static_cast", "struct",    "switch",    "template",  "this",       "thread_local", "throw",        "true",
    "try",         "typedef",   "typeid",    "typename",  "union",      "unix",         "unsigned",     "using",
    "virtual",     "void",      "volatile",  "wchar_t",   "while",      "xor",          "xor_eq",       "typeof",
    "EOF",         "HUGE_VAL",  "INFINITY",  "NAN",       "NULL",       "errno",        "stderr",       "stdin",
    "stdout"};

/* Parameters of the generated functions, and locals that every function has. */
static const char *const taken[] = {"model", "state",  "work", "in",         "target", "out",   "examples", "done",
                                    "batch", "begins", "ends", "batch_size", "step",   "epoch", "seed"};

static bool listed(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (list[i][0] == name[0] && strcmp(list[i], name) == 0) return true;
    }
    return false;
}

/* Is it what c_name makes of a name that begins with an underscore? */
static bool is_moved(const char *name) {
    size_t first = strspn(name, "n"), length = strlen(name);
    return first > 0 && name[first] == '_' && length > first + 1 && name[length - 1] == '_';
}

/* Different names stay different:  float, float_  and  _x, n_x_  become  float_, float__  and  n_x_, nn_x__. */
const char *c_name(Arena *arena, const char *name) {
    char *out = arena_text(arena, name, strlen(name));
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '.') *at = '_';
    }
    if (out[0] == '_' || is_moved(out)) return arena_printf(arena, "n%s_", out);
    size_t length = strlen(out);
    while (length > 0 && out[length - 1] == '_') length--;
    bool bad = listed(arena_text(arena, out, length), reserved, sizeof reserved / sizeof *reserved);
    return bad ? arena_printf(arena, "%s_", out) : out;
}

const char *c_model_file(Arena *arena, const Model *model) {
    const char *slash = strrchr(model->path, '/');
    char *name = arena_text(arena, slash == NULL ? model->path : slash + 1, strlen(slash == NULL ? model->path : slash + 1));
    for (char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("._-+ ", *at) == NULL) *at = '_';
    }
    return name;
}

const char *c_upper(Arena *arena, const char *name) {
    char *out = arena_text(arena, name, strlen(name));
    for (char *at = out; *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
    return out;
}

/* ---- What is in scope */

struct CSlot {
    const void *owner;
    const char *name;
};

static struct CSlot *slot_of(const CScope *scope, const void *owner) {
    size_t at = ((uintptr_t)owner >> 4) * UINT64_C(11400714819323198485) >> 20; /* Knuth's multiplicative hash */
    for (;; at++) {
        struct CSlot *slot = &scope->slots[at & (scope->room - 1)];
        if (slot->owner == owner || slot->owner == NULL) return slot;
    }
}

static void grow(Arena *arena, CScope *scope) {
    struct CSlot *old = scope->slots;
    size_t room = scope->room;
    scope->room = room == 0 ? 64 : 2 * room;
    scope->slots = NEW_ARRAY(arena, struct CSlot, scope->room);
    for (size_t i = 0; i < room; i++) {
        if (old[i].owner != NULL) *slot_of(scope, old[i].owner) = old[i];
    }
}

/* A name that nothing in scope has, and no function's parameter: sum, then sum2, sum3, ... */
const char *c_declare(CPrinter *p, const void *owner, const char *wanted) {
    Arena *arena = p->text->arena;
    Names *names = pool_names(p->program->pool);
    CScope *scope = &p->scope;
    Name base = name_of(names, c_name(arena, wanted)), name = base;
    size_t copies = *name_table_at(arena, &scope->taken, base);
    for (size_t copy = copies + 1;
         copies > 0 || listed(name, taken, sizeof taken / sizeof *taken) || name_table_get(&scope->taken, name) > 0; copy++) {
        copies = 0;
        if (copy > 1) name = name_of(names, arena_printf(arena, "%s%zu", base, copy));
    }
    ++*name_table_at(arena, &scope->taken, base);
    if (name != base) ++*name_table_at(arena, &scope->taken, name);
    if (2 * (scope->used + 1) > scope->room) grow(arena, scope);
    struct CSlot *slot = slot_of(scope, owner);
    scope->used += slot->owner == NULL;
    *slot = (struct CSlot){owner, name};
    vec_push(arena, &scope->declared, ((CDeclared){owner, base, name}));
    return name;
}

const char *c_declared(const CPrinter *p, const void *owner) {
    return p->scope.room == 0 ? NULL : slot_of(&p->scope, owner)->name;
}

size_t c_enter(const CPrinter *p) { return p->scope.declared.count; }

void c_leave(CPrinter *p, size_t mark) {
    CScope *scope = &p->scope;
    while (scope->declared.count > mark) {
        CDeclared *d = &scope->declared.at[--scope->declared.count];
        slot_of(scope, d->owner)->name = NULL; /* the slot stays the owner's */
        --*name_table_at(p->text->arena, &scope->taken, d->base);
        if (d->name != d->base) --*name_table_at(p->text->arena, &scope->taken, d->name);
    }
}

const char *c_number_type(const LoopProgram *loop) { return loop->is_double ? "double" : "float"; }

const char *c_index_type(int64_t size) { return size <= 32767 ? "int" : "int32_t"; }
