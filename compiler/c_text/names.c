/* Names: those of the model wherever C allows it. */
#include <ctype.h>

#include "c_text/c_text.h"

static const char *const reserved[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char", "class", "compl",
    "concept", "const", "consteval", "constexpr", "constinit", "const_cast", "continue", "co_await", "co_return", "co_yield", "decltype",
    "default", "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "far", "float", "for",
    "friend", "goto", "huge", "if", "inline", "int", "linux", "long", "mutable", "namespace", "near", "new", "noexcept", "not", "not_eq",
    "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
    "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this", "thread_local", "throw",
    "true", "try", "typedef", "typeid", "typename", "union", "unix", "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while",
    "xor", "xor_eq", "typeof"};

/* Parameters of the generated functions, and locals that every function has. */
static const char *const taken[] = {"model", "state", "work", "in", "target", "out", "examples", "batch_size", "step", "epoch", "seed"};

static bool listed(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) return true;
    }
    return false;
}

const char *c_name(Arena *arena, const char *name) {
    char *out = arena_text(arena, name, strlen(name));
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '.') *at = '_';
    }
    bool bad = listed(out, reserved, sizeof reserved / sizeof *reserved) || out[0] == '_';
    return bad ? arena_printf(arena, "%s_", out[0] == '_' ? arena_printf(arena, "n%s", out) : out) : out;
}

const char *c_upper(Arena *arena, const char *name) {
    char *out = arena_text(arena, name, strlen(name));
    for (char *at = out; *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
    return out;
}

static bool in_scope(const CPrinter *p, const char *name) {
    for (size_t i = 0; i < p->names.count; i++) {
        if (strcmp(p->names.at[i], name) == 0) return true;
    }
    return listed(name, taken, sizeof taken / sizeof *taken);
}

const char *c_declare(CPrinter *p, const void *owner, const char *wanted) {
    Arena *arena = p->text->arena;
    const char *base = c_name(arena, wanted), *name = base;
    for (int copy = 2; in_scope(p, name); copy++) name = arena_printf(arena, "%s%d", base, copy);
    vec_push(arena, &p->names, name);
    vec_push(arena, &p->owners, owner);
    return name;
}

const char *c_declared(const CPrinter *p, const void *owner) {
    for (size_t i = p->owners.count; i-- > 0;) {
        if (p->owners.at[i] == owner) return p->names.at[i];
    }
    return NULL;
}

size_t c_enter(const CPrinter *p) { return p->names.count; }

void c_leave(CPrinter *p, size_t mark) { p->names.count = p->owners.count = mark; }

const char *c_number_type(const LoopProgram *loop) { return loop->is_double ? "double" : "float"; }

const char *c_index_type(int64_t size) { return size <= 32767 ? "int" : "int32_t"; }
