/* Names, definitions, and how mistakes are shown. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "elaborate/elaborate.h"

/* ---- Mistakes */

bool in_library(E *e, Span span) { return span.source == 0 || e->context->sources->list.at[span.source].library; }

/* The span itself, or the innermost call in a text of the user's that led there. */
Span shown_span(E *e, Span span) {
    for (Frame *frame = e->frame; frame != NULL && in_library(e, span); frame = frame->caller) span = frame->call;
    return span;
}

const Value *fail(E *e, Span span, const char *format, ...) {
    char message[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    Span shown = shown_span(e, span);
    Frame *frame = e->frame;
    while (frame != NULL && in_library(e, span) && frame->caller != NULL && in_library(e, frame->call)) frame = frame->caller;
    if (in_library(e, span) && frame != NULL && frame->definition != NULL) {
        error_at(e->diagnostics, shown, "in '%s': %s", frame->definition->name, message);
    } else {
        error_at(e->diagnostics, shown, "%s", message);
        bool inside = e->frame != NULL && e->frame->definition != NULL;
        Span outer = inside ? e->frame->call : (Span){0};
        if (inside && !in_library(e, outer) && (outer.begin != shown.begin || outer.source != shown.source)) {
            note_at(e->diagnostics, outer, "in this call of '%s'", e->frame->definition->name);
        }
    }
    return value_error();
}

const char *library_text(E *e, Span span) {
    enum { LONGEST = 80 };
    if (span.source == 0 || !in_library(e, span) || span.end - span.begin > LONGEST) return "";
    return arena_printf(e->arena, ", '%.*s',", (int)(span.end - span.begin),
                        e->context->sources->list.at[span.source].text + span.begin);
}

void also(E *e, Span span, const char *format, ...) {
    if (span.source == 0) return;
    char message[512];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    note_at(e->diagnostics, span, "%s", message);
}

/* ---- Scopes */

Scope *scope_new(E *e, Scope *up, Frame *frame, Name binding) {
    Scope *scope = NEW(e->arena, Scope);
    scope->up = up;
    scope->frame = frame;
    scope->binding = binding != NULL ? binding : up != NULL && up->frame == frame ? up->binding : NULL;
    return scope;
}

Entry *scope_add(E *e, Scope *scope, Entry entry) {
    enum { FEW = 32 }; /* entries that are found as fast without a table */
    vec_push(e->arena, &scope->entries, entry);
    size_t count = scope->entries.count;
    for (size_t i = count == FEW + 1 ? 0 : count - 1; count > FEW && i < count; i++)
        *name_table_at(e->arena, &scope->last, scope->entries.at[i].name) = i + 1;
    return &scope->entries.at[count - 1];
}

static Entry *entry_in(Scope *scope, Name name) {
    if (scope->last.room > 0) {
        size_t found = name_table_get(&scope->last, name);
        return found == 0 ? NULL : &scope->entries.at[found - 1];
    }
    for (size_t i = scope->entries.count; i-- > 0;) {
        if (scope->entries.at[i].name == name) return &scope->entries.at[i];
    }
    return NULL;
}

Entry *scope_find(Scope *scope, Name name) {
    for (; scope != NULL; scope = scope->up) {
        Entry *entry = entry_in(scope, name);
        if (entry != NULL) return entry;
    }
    return NULL;
}

Entry *scope_own(Scope *scope, Name name) {
    for (Frame *frame = scope->frame; scope != NULL && scope->frame == frame; scope = scope->up) {
        Entry *entry = entry_in(scope, name);
        if (entry != NULL) return entry;
    }
    return NULL;
}

void scope_value(E *e, Scope *scope, Name name, const Value *value, Span span) {
    scope_add(e, scope, (Entry){.name = name, .kind = ENTRY_VALUE, .value = value, .span = span});
}

void scope_index(E *e, Scope *scope, Index *index, Span span) {
    scope_add(e, scope, (Entry){.name = index->name, .kind = ENTRY_INDEX, .index = index, .span = span});
}

bool is_reduction(Name name, Reduction *reduction) {
    static const Reduction all[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ARGMAX, REDUCE_ARGMIN};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(name, reduction_name(all[i])) == 0) {
            *reduction = all[i];
            return true;
        }
    }
    return false;
}

const char *near_name(E *e, Scope *scope, Name name) {
    Suggestion suggestion = {.wanted = name};
    for (; scope != NULL; scope = scope->up) {
        for (size_t i = 0; i < scope->entries.count; i++) {
            const Entry *entry = &scope->entries.at[i];
            bool optimizer = entry->kind == ENTRY_DEFINITION && entry->definition->kind == DEFINES_OPTIMIZER;
            if (!optimizer && entry->name != name) suggest(&suggestion, entry->name);
        }
    }
    for (int op = 0; op < OP_COUNT; op++) {
        if (op_info((Op)op)->notation == NOTATION_CALL) suggest(&suggestion, op_info((Op)op)->spelling);
    }
    static const char *const words[] = {"sum",        "prod",      "mean",           "argmax",           "argmin",
                                        "batch_mean", "data_mean", "random_uniform", "random_bernoulli", "training",
                                        "batch_size"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) suggest(&suggestion, words[i]);
    return suggestion.best == NULL ? "" : arena_printf(e->arena, "; did you mean '%s'?", suggestion.best);
}

static const Ast *statement_named(const AstList *body, Name name) {
    for (size_t i = 0; i < body->count; i++) {
        const Ast *ast = body->at[i];
        bool makes = ast->kind == AST_ASSIGN || ast->kind == AST_INPUT || ast->kind == AST_TARGET || ast->kind == AST_PARAM ||
                     ast->kind == AST_STATE;
        const Ast *found = makes && ast->name == name ? ast : ast->kind == AST_SCAN ? statement_named(&ast->body, name) : NULL;
        if (found != NULL) return found;
    }
    return NULL;
}

/* A statement of this name further down in the same body, or NULL. */
static const Ast *written_later(E *e, Name name, const Scope *scope) {
    if (scope->frame == NULL) return NULL;
    return statement_named(scope->frame->definition == NULL ? e->items : &scope->frame->definition->ast->body, name);
}

const Value *undefined(E *e, Name name, Scope *scope, Span span) {
    const Ast *later = written_later(e, name, scope);
    if (later != NULL && later->span.source == span.source && span.begin < later->span.end) {
        bool itself = later->span.begin <= span.begin && span.end <= later->span.end;
        fail(e, span,
             itself ? "'%s' is not defined yet: this is its own definition"
                    : "'%s' is defined only further down; a name is written before it is read",
             name);
        if (!itself) also(e, later->name_span, "it is defined here");
        return value_error();
    }
    if (optimizer_find(e, name) != NULL) return fail(e, span, "'%s' is an optimizer; it stands behind 'optimizer ='", name);
    bool inside = scope->frame != NULL && scope->frame->definition != NULL;
    if (inside && scope_own(e->scope, name) != NULL) {
        fail(e, span,
             "'%s' belongs to the model; a definition sees only its parameters and other definitions, so pass it as an argument",
             name);
        also(e, scope_own(e->scope, name)->span, "it is defined here");
        return value_error();
    }
    if (e->updates && scope_own(e->scope, name) != NULL) {
        fail(e, span, "'%s' belongs to the model; the arguments of an optimizer are numbers, and may depend on step and epoch",
             name);
        also(e, scope_own(e->scope, name)->span, "it is defined here");
        return value_error();
    }
    if (!e->updates && (strcmp(name, "step") == 0 || strcmp(name, "epoch") == 0))
        return fail(e, span, "'%s' is known in an optimizer and its arguments only", name);
    bool optimizer =
        scope->frame != NULL && scope->frame->definition != NULL && scope->frame->definition->kind == DEFINES_OPTIMIZER;
    return fail(e, span, "'%s' is not defined%s", name,
                optimizer ? "; in an optimizer w is the parameter and g its gradient" : near_name(e, scope, name));
}

/* ---- Definitions. Optimizers live in a space of their own: their entries' names carry a blank. */

static Name optimizer_key(E *e, Name name) { return name_of(e->context->names, arena_printf(e->arena, "optimizer %s", name)); }

static void check_parameters(E *e, const Ast *ast) {
    for (size_t i = 0; i < ast->list.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ast->list.at[i]->name == ast->list.at[j]->name) {
                fail(e, ast->list.at[i]->name_span, "'%s' has two parameters named '%s'", ast->name, ast->list.at[i]->name);
                also(e, ast->list.at[j]->name_span, "the first is here");
            }
        }
        if (ast->list.at[i]->rest && i + 1 < ast->list.count) {
            fail(e, ast->list.at[i]->span, "'%s...' takes the remaining arguments, so it must be the last parameter",
                 ast->list.at[i]->name);
        }
    }
}

static void define(E *e, Scope *scope, const Ast *ast) {
    Name key = ast->op == DEFINES_OPTIMIZER ? optimizer_key(e, ast->name) : ast->name;
    Entry *old = entry_in(scope, key);
    if (old != NULL) {
        fail(e, ast->name_span, "'%s' is defined twice", ast->name);
        also(e, old->span, "the first definition is here");
        return;
    }
    size_t errors = e->diagnostics->errors;
    check_parameters(e, ast);
    Definition *definition = NEW(e->arena, Definition);
    *definition =
        (Definition){.kind = ast->op, .name = ast->name, .ast = ast, .scope = scope, .wrong = e->diagnostics->errors > errors};
    scope_add(e, scope, (Entry){.name = key, .kind = ENTRY_DEFINITION, .definition = definition, .span = ast->name_span});
}

static const char *beside(E *e, uint32_t source, const char *path) {
    const char *base = e->context->sources->list.at[source].name;
    const char *slash = strrchr(base, '/');
    if (path[0] == '/' || slash == NULL) return path;
    return arena_printf(e->arena, "%.*s/%s", (int)(slash - base), base, path);
}

static bool listed(const char *path, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], path) == 0) return true;
    }
    return false;
}

const char *real_path(E *e, const char *path) {
    char *found = realpath(path, NULL);
    const char *real = found == NULL ? path : arena_text(e->arena, found, strlen(found));
    free(found);
    return real;
}

static void import(E *e, Scope *scope, const Ast *ast) {
    const char *path = beside(e, ast->span.source, ast->name), *why = NULL;
    const char *real = real_path(e, path);
    if (listed(real, e->importing.at, e->importing.count)) {
        bool itself = strcmp(real, e->importing.at[e->importing.count - 1]) == 0;
        fail(e, ast->name_span, itself ? "'%s' imports itself" : "'%s' is being read already: these files import each other",
             path);
        return;
    }
    if (listed(real, e->imported.at, e->imported.count)) return; /* once is enough */
    vec_push(e->arena, &e->imported, real);
    uint32_t source = source_read(e->context->sources, path, &why);
    if (source == 0) {
        fail(e, ast->name_span, "'%s' cannot be read: %s", path, why);
        return;
    }
    vec_push(e->arena, &e->importing, real);
    AstList items = parse_source(e->context, source);
    for (size_t i = 0; i < items.count; i++) {
        const Ast *item = items.at[i];
        if (item->kind != AST_DEFINITION && item->kind != AST_IMPORT) {
            fail(e, item->span, "an imported file holds definitions only; this belongs into the model");
            also(e, ast->span, "imported here");
        }
    }
    define_all(e, scope, &items);
    e->importing.count--;
}

void define_all(E *e, Scope *scope, const AstList *items) {
    for (size_t i = 0; i < items->count; i++) {
        if (items->at[i]->kind == AST_DEFINITION) define(e, scope, items->at[i]);
        if (items->at[i]->kind == AST_IMPORT) import(e, scope, items->at[i]);
    }
}

Definition *optimizer_find(E *e, Name name) {
    Entry *entry = scope_find(e->user, optimizer_key(e, name));
    return entry == NULL ? NULL : entry->definition;
}
