/* What was written: the tree that the parser builds, before any name has a meaning.

   One node type for everything; what its fields hold depends on the kind:

     kind            fields
     --------------- -----------------------------------------------------------------------------------
     NUMBER          number
     BOOLEAN         number (0 or 1)
     STRING          name (the text between the quotes)
     NAME            name ("hidden", or "hidden.W": a path is one name)
     UNARY           op, x                          - or not
     BINARY          op, x, y
     IF              x (condition), y, z
     RANGE           x, y                           x .. y
     LIST            list                           [1, 2]
     CALL            name, x (what was piped in, or NULL), list (arguments)
                     `a -> f(b)` is CALL f with x = a; `a -> f` likewise, with `bare` set; a call without a pipe has x = NULL
     ARGUMENT        name, x                        name = x, among the arguments of a call
     BINDER          name, x (RANGE)                i in 0..n, among arguments, binders and left subscripts
     REDUCE          name, list (NAME or BINDER each), x (body)        sum(i, j in 0..3: body)
     SUBSCRIPT       x (base: NAME, CALL or REDUCE), list, y (what stands behind `default`, or NULL)

     MODEL           name
     IMPORT          name (the path)
     INPUT, TARGET   name, list (shape), type (word behind ':' or NULL), x (its argument)
     ASSIGN          name, list (left subscripts: NAME, BINDER; anything else is refused later), indexed, x (value)
     PARAM, STATE    name, list (shape), x (initial value)
     SCAN            name, x (RANGE or NULL), reversed, body
     SETTING         op (DEFINES_LOSS, DEFINES_OPTIMIZER or DEFINES_METRIC), x
     PREDICT, FREEZE list (NAME each)
     DATA            name, body (ASSIGN each)
     TRAIN           body (ASSIGN each)
     DEFINITION      op (DEFINES_*), name, list (PARAMETER each), and either x (behind '=') or y (RESULT or NULL) and body
     PARAMETER       name, list (shape), shaped (brackets were written), type, x (the type's argument),
                     y (default value or NULL), rest (`shape...`: takes the remaining arguments)
     RESULT          name, list (shape)
     DOTS            x[...] in a shape
     REST            name; `n...` in a shape */
#ifndef NNC_AST_H
#define NNC_AST_H

#include "base/diagnostic.h"
#include "base/names.h"
#include "base/text.h"

typedef enum {
    AST_NUMBER,
    AST_BOOLEAN,
    AST_STRING,
    AST_NAME,
    AST_UNARY,
    AST_BINARY,
    AST_IF,
    AST_RANGE,
    AST_LIST,
    AST_CALL,
    AST_ARGUMENT,
    AST_BINDER,
    AST_REDUCE,
    AST_SUBSCRIPT,
    AST_MODEL,
    AST_IMPORT,
    AST_INPUT,
    AST_TARGET,
    AST_ASSIGN,
    AST_PARAM,
    AST_STATE,
    AST_SCAN,
    AST_SETTING,
    AST_PREDICT,
    AST_FREEZE,
    AST_DATA,
    AST_TRAIN,
    AST_DEFINITION,
    AST_PARAMETER,
    AST_RESULT,
    AST_DOTS,
    AST_REST
} AstKind;

typedef enum {
    AST_ADD,
    AST_SUBTRACT,
    AST_MULTIPLY,
    AST_DIVIDE,
    AST_MOD,
    AST_POWER,
    AST_NEGATE,
    AST_LESS,
    AST_LESS_EQUAL,
    AST_GREATER,
    AST_GREATER_EQUAL,
    AST_EQUAL,
    AST_NOT_EQUAL,
    AST_AND,
    AST_OR,
    AST_NOT,
    DEFINES_FUNCTION,
    DEFINES_LAYER,
    DEFINES_LOSS,
    DEFINES_METRIC,
    DEFINES_OPTIMIZER
} AstOp;

typedef struct Ast Ast;
typedef Vec(Ast *) AstList;

struct Ast {
    AstKind kind;
    AstOp op;
    Span span;      /* the whole construct */
    Span name_span; /* the name alone, where there is one */
    int depth;      /* 1 + the largest of the children: kept below AST_DEPTH_LIMIT, so that walks may recurse */
    Name name;
    double number;
    bool indexed, reversed, shaped, rest, bare;
    Name type;
    Span type_span;
    Ast *x, *y, *z;
    AstList list, body;
};

enum { AST_DEPTH_LIMIT = 500, AST_AXES_LIMIT = 64, AST_ARGUMENTS_LIMIT = 1000 };

/* A node whose children are not yet set. Set them, then call ast_close, which finds depth. */
Ast *ast_new(Arena *arena, AstKind kind, Span span);

/* Finds the depth of a node from its children. Beyond a limit (depth, axes, arguments) reports an error once (at the node) and
   returns NULL; the parser then gives up. */
Ast *ast_close(Diagnostics *diagnostics, Ast *node);

/* Everything that parsing needs. */
typedef struct {
    Arena *arena;
    Names *names;
    Sources *sources;
    Diagnostics *diagnostics;
} AstContext;

/* Parses one source (grammar/parser.y). Returns its items in the order in which they were written; items with a syntax
   error are left out, and the error is in the diagnostics. Never crashes, whatever the bytes. */
AstList parse_source(AstContext *context, uint32_t source);

/* Prints the tree as .nn text that parses to the same tree: canonical spacing, parentheses only where they are needed. */
void ast_print(Text *text, const AstList *items);
void ast_print_expression(Text *text, const Ast *expression);

/* The comment lines that stand directly above a definition, without '#', or "". Definitions that follow one another without a
   blank line share the comment above the first. */
const char *ast_doc_comment(Arena *arena, const Sources *sources, const Ast *definition);

#endif
