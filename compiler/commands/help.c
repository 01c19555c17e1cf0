/* nnc help, nnc help NAME: the standard library, from its own text. */
#include "commands/commands.h"

#include <ctype.h>

extern const char standard_nn[];
extern const size_t standard_nn_length;

static const char *kind_name(AstOp op) {
    switch (op) {
    case DEFINES_FUNCTION: return "function";
    case DEFINES_LAYER: return "layer";
    case DEFINES_LOSS: return "loss";
    case DEFINES_METRIC: return "metric";
    case DEFINES_OPTIMIZER: return "optimizer";
    case AST_ADD:
    case AST_SUBTRACT:
    case AST_MULTIPLY:
    case AST_DIVIDE:
    case AST_MOD:
    case AST_POWER:
    case AST_NEGATE:
    case AST_LESS:
    case AST_LESS_EQUAL:
    case AST_GREATER:
    case AST_GREATER_EQUAL:
    case AST_EQUAL:
    case AST_NOT_EQUAL:
    case AST_AND:
    case AST_OR:
    case AST_NOT: break;
    }
    return "";
}

static const struct {
    const char *name, *meaning;
} reductions[] = {
    {"sum", "sum(i: e), the sum of e over all i; of nothing 0"},
    {"prod", "prod(i: e), the product of e over all i; of nothing 1"},
    {"mean", "mean(i: e), the sum over all i, divided by their number"},
    {"max", "max(i: e), the largest e of all i"},
    {"min", "min(i: e), the smallest e of all i"},
    {"argmax", "argmax(i: e), the first i at which e is largest"},
    {"argmin", "argmin(i: e), the first i at which e is smallest"},
};
enum { REDUCTIONS = sizeof reductions / sizeof *reductions };

static AstList read_library(AstContext *context) {
    return parse_source(context, source_add(context->sources, "standard.nn", standard_nn, standard_nn_length, true));
}

/* The section that a definition stands in: the last line "# ---- Title" before it. */
static const char *section_of(Arena *arena, const char *text, size_t before) {
    const char *found = NULL;
    for (const char *at = text;
         (size_t)(at - text) < before && (at = strstr(at, "# ---- ")) != NULL && (size_t)(at - text) < before; at++)
        found = at + 7;
    if (found == NULL) return "";
    size_t length = strcspn(found, "\n");
    const char *colon = memchr(found, '(', length);
    if (colon != NULL) length = (size_t)(colon - found);
    while (length > 0 && isspace((unsigned char)found[length - 1])) length--;
    return arena_text(arena, found, length);
}

static void list_all(AstContext *context, const AstList *items, FILE *out) {
    const char *section = "";
    fputs("The standard library. 'nnc help NAME' shows what an entry computes, its source and its text.\n", out);
    for (size_t i = 0; i < items->count; i++) {
        const Ast *item = items->at[i];
        const char *own = section_of(context->arena, standard_nn, item->span.begin);
        if (strcmp(own, section) != 0) fprintf(out, "\n%s\n   ", own);
        fprintf(out, " %s", item->name);
        section = own;
        bool last =
            i + 1 == items->count || strcmp(section_of(context->arena, standard_nn, items->at[i + 1]->span.begin), own) != 0;
        if (last) fputs("\n", out);
    }
    fputs("\nElementary functions\n   ", out);
    for (int op = 0; op < OP_COUNT; op++) {
        if (op_info((Op)op)->notation == NOTATION_CALL) fprintf(out, " %s", op_info((Op)op)->spelling);
    }
    fputs("\n\nReductions\n   ", out);
    for (int i = 0; i < REDUCTIONS; i++) fprintf(out, " %s", reductions[i].name);
    fputs("\n", out);
}

static void show(AstContext *context, const Ast *item, FILE *out) {
    fprintf(out, "%s %s\n\n%s\n", kind_name(item->op), item->name, ast_doc_comment(context->arena, context->sources, item));
    fprintf(out, "%.*s\n", (int)(item->span.end - item->span.begin), standard_nn + item->span.begin);
}

int command_help(AstContext *context, const char *name, FILE *out) {
    AstList items = read_library(context);
    if (name == NULL) {
        list_all(context, &items, out);
        return 0;
    }
    bool found = false;
    Suggestion suggestion = {.wanted = name};
    for (size_t i = 0; i < items.count; i++) {
        suggest(&suggestion, items.at[i]->name);
        if (strcmp(items.at[i]->name, name) != 0) continue;
        if (found) fputs("\n", out);
        show(context, items.at[i], out);
        found = true;
    }
    for (int i = 0; i < REDUCTIONS; i++) {
        if (strcmp(reductions[i].name, name) != 0) continue;
        fprintf(out, "%sreduction %s\n\n%s\n", found ? "\n" : "", name, reductions[i].meaning);
        found = true;
    }
    Op op;
    if (op_find(name, &op)) {
        fprintf(out, "%selementary function %s\n\nIts derivative: %s\n", found ? "\n" : "", name, op_info(op)->law);
        found = true;
    }
    if (!found) {
        fprintf(stderr, "nnc: the standard library has no '%s'%s%s%s\n", name, suggestion.best != NULL ? "; did you mean '" : "",
                suggestion.best != NULL ? suggestion.best : "",
                suggestion.best != NULL ? "'?" : "; 'nnc help' lists what there is");
    }
    return found ? 0 : 1;
}
