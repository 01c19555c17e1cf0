/* Tree nodes, and the comments above definitions. */
#include "ast/ast.h"

#include <limits.h>

Ast *ast_new(Arena *arena, AstKind kind, Span span) {
    Ast *node = NEW(arena, Ast);
    node->kind = kind;
    node->span = span;
    return node;
}

static int deeper(int depth, const Ast *child) { return child != NULL && child->depth > depth ? child->depth : depth; }

/* What no model needs: beyond it a list is refused, so that later steps may keep one entry of it on the stack. */
static int longest_list(const Ast *node, const char **what) {
    switch (node->kind) {
    case AST_CALL: *what = "arguments"; return AST_ARGUMENTS_LIMIT;
    case AST_DEFINITION: *what = "parameters"; return AST_ARGUMENTS_LIMIT;
    case AST_REDUCE: *what = "indices"; return AST_AXES_LIMIT;
    case AST_SUBSCRIPT:
    case AST_ASSIGN: *what = "subscripts"; return AST_AXES_LIMIT;
    case AST_INPUT:
    case AST_TARGET:
    case AST_PARAM:
    case AST_STATE:
    case AST_PARAMETER:
    case AST_RESULT: *what = "axes"; return AST_AXES_LIMIT;
    case AST_NUMBER:
    case AST_BOOLEAN:
    case AST_STRING:
    case AST_NAME:
    case AST_UNARY:
    case AST_BINARY:
    case AST_IF:
    case AST_RANGE:
    case AST_LIST:
    case AST_ARGUMENT:
    case AST_BINDER:
    case AST_MODEL:
    case AST_IMPORT:
    case AST_SCAN:
    case AST_SETTING:
    case AST_PREDICT:
    case AST_FREEZE:
    case AST_DATA:
    case AST_TRAIN:
    case AST_DOTS:
    case AST_REST: break;
    }
    return INT_MAX;
}

Ast *ast_close(Diagnostics *diagnostics, Ast *node) {
    int depth = deeper(deeper(deeper(0, node->x), node->y), node->z);
    for (size_t i = 0; i < node->list.count; i++) depth = deeper(depth, node->list.at[i]);
    for (size_t i = 0; i < node->body.count; i++) depth = deeper(depth, node->body.at[i]);
    node->depth = depth + 1;
    const char *what = "";
    int most = longest_list(node, &what);
    if (node->list.count > (size_t)most) {
        error_at(diagnostics, node->span, "%zu %s are too many; there may be %d", node->list.count, what, most);
        return NULL;
    }
    if (node->depth <= AST_DEPTH_LIMIT) return node;
    error_at(diagnostics, node->span, "this is nested more than %d levels deep; name a part of it and use the name",
             AST_DEPTH_LIMIT);
    return NULL;
}

/* ---- Comments: found in the text, line by line upwards, since the tree has none

       # max_pool, avg_pool: the comment of both
       function max_pool(x[h, w]) -> ... {
           ...
       }
       function avg_pool(x[h, w]) -> ... */

typedef struct {
    const char *begin, *end; /* without blanks around */
    size_t column;           /* from 0 */
} Line;

static Line line_at(const Source *source, size_t number) {
    const char *start = source->text + source->lines[number];
    Line line = {start, source->text + (number + 1 < source->line_count ? source->lines[number + 1] : source->length), 0};
    while (line.begin < line.end && strchr(" \t\r\n", *line.begin) != NULL) line.begin++;
    while (line.end > line.begin && strchr(" \t\r\n", line.end[-1]) != NULL) line.end--;
    line.column = (size_t)(line.begin - start);
    return line;
}

static bool is_comment(Line line) { return line.begin < line.end && *line.begin == '#'; }

static bool begins_definition(Line line) {
    static const char *const words[] = {"function", "layer", "loss", "metric", "optimizer"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]), rest = (size_t)(line.end - line.begin);
        if (rest <= length || memcmp(line.begin, words[i], length) != 0 || strchr(" \t", line.begin[length]) == NULL) continue;
        const char *next = line.begin + length;
        while (next < line.end && strchr(" \t", *next) != NULL) next++;
        return next < line.end && *next != '='; /* `loss = ...` defines nothing */
    }
    return false;
}

/* The line of the last comment above, or 0 (the first line has nothing above it). */
static size_t comment_end(const Source *source, size_t line, size_t column) {
    bool inside = false; /* the block of the definition before */
    while (line-- > 0) {
        Line above = line_at(source, line);
        bool blank = above.begin == above.end;
        if (is_comment(above) && above.column == column && !inside) return line + 1;
        if (blank && !inside) return 0;
        if (blank || above.column > column || is_comment(above)) continue;
        if (*above.begin == '}') inside = true;
        else if (begins_definition(above)) inside = false;
        else if (!inside) return 0;
    }
    return 0;
}

const char *ast_doc_comment(Arena *arena, const Sources *sources, const Ast *definition) {
    if (definition->span.source == 0) return "";
    const Source *source = source_of(sources, definition->span);
    Place place = source_place(sources, definition->span.source, definition->span.begin);
    size_t end = comment_end(source, place.line - 1, place.column - 1);
    size_t first = end;
    while (first > 0 && is_comment(line_at(source, first - 1)) && line_at(source, first - 1).column == place.column - 1) first--;
    Text *text = text_new(arena);
    for (size_t i = first; i < end; i++) {
        Line line = line_at(source, i);
        line.begin++;
        if (line.begin < line.end && *line.begin == ' ') line.begin++;
        text_printf(text, "%s%.*s", i > first ? "\n" : "", (int)(line.end - line.begin), line.begin);
    }
    return text_string(text);
}
