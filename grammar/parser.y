/* The .nn language: LALR(1), no conflicts, no %expect.

   In: the tokens of one source (compiler/ast/tokens.c gives NL only where a statement can end).
   Out: the items as trees (compiler/ast/ast.h); those with a syntax error are left out.

       y[j] = a + 2     ->   ASSIGN y [NAME j] (BINARY + (NAME a) (NUMBER 2))

   A list is left-recursive, an expression level is one rule. What one token of lookahead cannot tell apart is accepted
   here and told apart by name resolution:
     - a condition and a number               one expression grammar; 'if', 'and', 'not' want conditions
     - a range                                an expression; legal in columns, binders and left subscripts
     - what may stand on the left, or in a block of a kind
   "sum(i, j: e)" and "f(a, b)" read the same list; what stands before ':' is checked when the ':' has been seen.

   After an error the parser falls back to the innermost `error`, and the tokens go on where token_next thinks that the
   next statement, or the block of this one, begins: so 'resume' finds what it expects, and nothing is reported twice. */
%define api.pure full
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%param {Parse *parse}

%code requires {
#include "ast/parse.h"

typedef struct {
    AstList list;
    bool written;
} Shape;

typedef struct {
    Name name;
    Span span;
    Ast *of;
} Type;

typedef Vec(Name) Parts; /* a.b.c before it is one name */
}

%union {
    Name name;
    double number;
    AstOp op;
    bool flag;
    Ast *node;
    AstList list;
    Shape shape;
    Type type;
    Parts names;
}

%code {
#define yylex token_next
#define YYMAXDEPTH 10000
#define YYLLOC_DEFAULT(current, rhs, count)                                                         \
    ((current) = (count) > 0 ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, count))                    \
                             : (Span){YYRHSLOC(rhs, 0).source, YYRHSLOC(rhs, 0).end, YYRHSLOC(rhs, 0).end})

/* A node with these fields, or the end of the parse when the tree has become too deep. */
#define MAKE(result, ...)                                                     \
    do {                                                                      \
        if (((result) = make(parse, (Ast){__VA_ARGS__})) == NULL) YYABORT;    \
    } while (0)
#define PUSH(result, list, node)                                  \
    do {                                                          \
        vec_push(parse->context->arena, &(list), node);           \
        (result) = (list);                                        \
    } while (0)

static Ast *make(Parse *parse, Ast fields);
static Name path(Parse *parse, Parts parts);
static AstList indices(Parse *parse, AstList arguments);
static void only_settings(Parse *parse, const AstList *body, const char *what);
static void keep(Parse *parse, Ast *item);
static void yyerror(Span *where, Parse *parse, const char *message);
}

%initial-action { @$ = (Span){parse->source, 0, 0}; }

%token MODEL IMPORT INPUT TARGET LOSS OPTIMIZER METRIC PREDICT FREEZE DATA TRAIN FUNCTION LAYER
%token PARAM STATE SCAN REVERSED IN DEFAULT IF THEN ELSE OR AND NOT MOD TRUE FALSE
%token ARROW "->" RANGE ".." DOTS "..." LE "<=" GE ">=" EQ "==" NE "!=" NL
%token <name> NAME STRING
%token <number> NUMBER

%type <op> setting kind compare
%type <flag> direction
%type <name> split
%type <shape> shape
%type <type> type
%type <names> ref
%type <list> axes refs params parameters block statements subscripts arguments list exprs
%type <node> item definition statement line axis path tensor parameter result subscript argument expr pipe disjunction
%type <node> conjunction negation comparison range sum term unary power primary other callee
%start file
%%

file: items ;
items: item { keep(parse, $1); } | items NL item { keep(parse, $3); } ; /* an item may be empty, so blank lines need no rule */

item: %empty                { $$ = NULL; }
  | MODEL NAME              { MAKE($$, .kind = AST_MODEL, .span = @$, .name = $2, .name_span = @2); }
  | IMPORT STRING           { MAKE($$, .kind = AST_IMPORT, .span = @$, .name = $2, .name_span = @2); }
  | INPUT NAME shape type   { MAKE($$, .kind = AST_INPUT, .span = @$, .name = $2, .name_span = @2, .list = $3.list,
                                   .type = $4.name, .type_span = $4.span, .x = $4.of); }
  | TARGET NAME shape type  { MAKE($$, .kind = AST_TARGET, .span = @$, .name = $2, .name_span = @2, .list = $3.list,
                                   .type = $4.name, .type_span = $4.span, .x = $4.of); }
  | setting '=' expr        { MAKE($$, .kind = AST_SETTING, .span = @$, .op = $1, .x = $3); }
  | PREDICT refs            { MAKE($$, .kind = AST_PREDICT, .span = @$, .list = $2); }
  | FREEZE refs             { MAKE($$, .kind = AST_FREEZE, .span = @$, .list = $2); }
  | DATA split block        { only_settings(parse, &$3, "data");
                              MAKE($$, .kind = AST_DATA, .span = @$, .name = $2, .name_span = @2, .body = $3); }
  | TRAIN block             { only_settings(parse, &$2, "train");
                              MAKE($$, .kind = AST_TRAIN, .span = @$, .body = $2); }
  | definition
  | statement
  | error again resume      { $$ = NULL; } ;

split: NAME | TRAIN         { $$ = name_of(parse->context->names, "train"); } ;
setting: LOSS               { $$ = DEFINES_LOSS; }
  | METRIC                  { $$ = DEFINES_METRIC; }
  | OPTIMIZER               { $$ = DEFINES_OPTIMIZER; } ;
kind: LOSS                  { $$ = DEFINES_LOSS; }
  | METRIC                  { $$ = DEFINES_METRIC; }
  | FUNCTION                { $$ = DEFINES_FUNCTION; }
  | LAYER                   { $$ = DEFINES_LAYER; } ;

definition:
    kind NAME '(' params ')' '=' expr
                            { MAKE($$, .kind = AST_DEFINITION, .span = @$, .op = $1, .name = $2, .name_span = @2, .list = $4, .x = $7); }
  | kind NAME '(' params ')' "->" result block
                            { MAKE($$, .kind = AST_DEFINITION, .span = @$, .op = $1, .name = $2, .name_span = @2, .list = $4, .y = $7, .body = $8); }
  | OPTIMIZER NAME '(' params ')' block
                            { MAKE($$, .kind = AST_DEFINITION, .span = @$, .op = DEFINES_OPTIMIZER, .name = $2, .name_span = @2, .list = $4, .body = $6); } ;
result: NAME shape          { MAKE($$, .kind = AST_RESULT, .span = @$, .name = $1, .name_span = @1, .list = $2.list); } ;

type: %empty                { $$ = (Type){0}; }
  | ':' NAME '(' expr ')'   { $$ = (Type){$2, @2, $4}; } ;
shape: %empty               { $$ = (Shape){0}; }
  | '[' axes ']'            { $$ = (Shape){$2, true}; } ;
axes: axis                  { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | axes ',' axis           { PUSH($$, $1, $3); } ;
axis: expr
  | "..."                   { MAKE($$, .kind = AST_DOTS, .span = @$); }
  | NAME "..."              { MAKE($$, .kind = AST_REST, .span = @$, .name = $1, .name_span = @1); } ;

ref: NAME                   { $$ = (Parts){0}; PUSH($$, $$, $1); }
  | ref '.' NAME            { PUSH($$, $1, $3); } ;
path: ref                   { MAKE($$, .kind = AST_NAME, .span = @$, .name = path(parse, $1), .name_span = @1); } ;
refs: tensor                { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | refs ',' tensor         { PUSH($$, $1, $3); } ;
tensor: path
  | LOSS '.' ref            { MAKE($$, .kind = AST_NAME, .span = @$, .name_span = @$, /* layers in `loss = ...` own parameters too */
                                   .name = name_of(parse->context->names, arena_printf(parse->scratch, "loss.%s", path(parse, $3)))); } ;

params: %empty              { $$ = (AstList){0}; }
  | parameters ;
parameters: parameter       { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | parameters ',' parameter { PUSH($$, $1, $3); } ;
parameter:
    NAME shape type         { MAKE($$, .kind = AST_PARAMETER, .span = @$, .name = $1, .name_span = @1, .list = $2.list,
                                   .shaped = $2.written, .type = $3.name, .type_span = $3.span, .x = $3.of); }
  | NAME shape type '=' expr { MAKE($$, .kind = AST_PARAMETER, .span = @$, .name = $1, .name_span = @1, .list = $2.list,
                                   .shaped = $2.written, .type = $3.name, .type_span = $3.span, .x = $3.of, .y = $5); }
  | NAME "..."              { MAKE($$, .kind = AST_PARAMETER, .span = @$, .name = $1, .name_span = @1, .rest = true); } ;

block: '{' statements '}'   { $$ = $2; } ;
statements: line            { $$ = (AstList){0}; if ($1 != NULL) PUSH($$, $$, $1); }
  | statements NL line      { $$ = $1; if ($3 != NULL) PUSH($$, $$, $3); } ;
line: %empty                { $$ = NULL; }
  | statement
  | error again resume      { $$ = NULL; } ;

again: %empty               { if (parse->ended || parse->context->diagnostics->stop) YYABORT; yyclearin; yyerrok; } ;
resume: %empty | block      { (void)$1; } ;

statement:
    NAME '=' expr           { MAKE($$, .kind = AST_ASSIGN, .span = @$, .name = $1, .name_span = @1, .x = $3); }
  | NAME '[' subscripts ']' '=' expr
                            { MAKE($$, .kind = AST_ASSIGN, .span = @$, .name = $1, .name_span = @1, .list = $3, .indexed = true, .x = $6); }
  | PARAM NAME shape '=' expr
                            { MAKE($$, .kind = AST_PARAM, .span = @$, .name = $2, .name_span = @2, .list = $3.list, .x = $5); }
  | STATE NAME shape '=' expr
                            { MAKE($$, .kind = AST_STATE, .span = @$, .name = $2, .name_span = @2, .list = $3.list, .x = $5); }
  | SCAN NAME direction block
                            { MAKE($$, .kind = AST_SCAN, .span = @$, .name = $2, .name_span = @2, .reversed = $3, .body = $4); }
  | SCAN NAME IN range direction block
                            { MAKE($$, .kind = AST_SCAN, .span = @$, .name = $2, .name_span = @2, .x = $4, .reversed = $5, .body = $6); } ;
direction: %empty           { $$ = false; }
  | REVERSED                { $$ = true; } ;
subscripts: subscript       { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | subscripts ',' subscript { PUSH($$, $1, $3); } ;
subscript: expr
  | NAME IN range           { MAKE($$, .kind = AST_BINDER, .span = @$, .name = $1, .name_span = @1, .x = $3); } ;

arguments: %empty           { $$ = (AstList){0}; }
  | list ;
list: argument              { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | list ',' argument       { PUSH($$, $1, $3); } ;
argument: expr
  | NAME '=' expr           { MAKE($$, .kind = AST_ARGUMENT, .span = @$, .name = $1, .name_span = @1, .x = $3); }
  | NAME IN range           { MAKE($$, .kind = AST_BINDER, .span = @$, .name = $1, .name_span = @1, .x = $3); } ;
exprs: expr                 { $$ = (AstList){0}; PUSH($$, $$, $1); }
  | exprs ',' expr          { PUSH($$, $1, $3); } ;

expr: pipe
  | IF expr THEN expr ELSE expr { MAKE($$, .kind = AST_IF, .span = @$, .x = $2, .y = $4, .z = $6); } ;
pipe: disjunction
  | pipe "->" ref           { MAKE($$, .kind = AST_CALL, .span = @$, .name = path(parse, $3), .name_span = @3, .x = $1, .bare = true); }
  | pipe "->" ref '(' arguments ')'
                            { MAKE($$, .kind = AST_CALL, .span = @$, .name = path(parse, $3), .name_span = @3, .x = $1, .list = $5); } ;
disjunction: conjunction
  | disjunction OR conjunction { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_OR, .x = $1, .y = $3); } ;
conjunction: negation
  | conjunction AND negation { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_AND, .x = $1, .y = $3); } ;
negation: comparison
  | NOT negation            { MAKE($$, .kind = AST_UNARY, .span = @$, .op = AST_NOT, .x = $2); } ;
comparison: range
  | range compare range     { MAKE($$, .kind = AST_BINARY, .span = @$, .op = $2, .x = $1, .y = $3); } ;
compare: '<'                { $$ = AST_LESS; }
  | '>'                     { $$ = AST_GREATER; }
  | "<="                    { $$ = AST_LESS_EQUAL; }
  | ">="                    { $$ = AST_GREATER_EQUAL; }
  | "=="                    { $$ = AST_EQUAL; }
  | "!="                    { $$ = AST_NOT_EQUAL; } ;
range: sum
  | sum ".." sum            { MAKE($$, .kind = AST_RANGE, .span = @$, .x = $1, .y = $3); } ;
sum: term
  | sum '+' term            { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_ADD, .x = $1, .y = $3); }
  | sum '-' term            { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_SUBTRACT, .x = $1, .y = $3); } ;
term: unary
  | term '*' unary          { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_MULTIPLY, .x = $1, .y = $3); }
  | term '/' unary          { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_DIVIDE, .x = $1, .y = $3); }
  | term MOD unary          { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_MOD, .x = $1, .y = $3); } ;
unary: power
  | '-' unary               { MAKE($$, .kind = AST_UNARY, .span = @$, .op = AST_NEGATE, .x = $2); } ;
power: primary
  | primary '^' unary       { MAKE($$, .kind = AST_BINARY, .span = @$, .op = AST_POWER, .x = $1, .y = $3); } ;

primary: NUMBER             { MAKE($$, .kind = AST_NUMBER, .span = @$, .number = $1); }
  | STRING                  { MAKE($$, .kind = AST_STRING, .span = @$, .name = $1); }
  | TRUE                    { MAKE($$, .kind = AST_BOOLEAN, .span = @$, .number = 1); }
  | FALSE                   { MAKE($$, .kind = AST_BOOLEAN, .span = @$, .number = 0); }
  | '(' expr ')'            { $$ = $2; }
  | '[' exprs ']'           { MAKE($$, .kind = AST_LIST, .span = @$, .list = $2); }
  | callee
  | callee '[' exprs ']'    { MAKE($$, .kind = AST_SUBSCRIPT, .span = @$, .x = $1, .list = $3); }
  | callee '[' exprs ']' DEFAULT other
                            { MAKE($$, .kind = AST_SUBSCRIPT, .span = @$, .x = $1, .list = $3, .y = $6); } ;
other: primary
  | '-' primary             { MAKE($$, .kind = AST_UNARY, .span = @$, .op = AST_NEGATE, .x = $2); } ; /* a product wants parentheses */
callee: path
  | ref '(' arguments ')'   { MAKE($$, .kind = AST_CALL, .span = @$, .name = path(parse, $1), .name_span = @1, .list = $3); }
  | ref '(' list ':' expr ')'
                            { MAKE($$, .kind = AST_REDUCE, .span = @$, .name = path(parse, $1), .name_span = @1,
                                   .list = indices(parse, $3), .x = $5); } ;

%%

static Ast *make(Parse *parse, Ast fields) {
    Ast *node = ast_new(parse->context->arena, fields.kind, fields.span);
    *node = fields;
    return ast_close(parse->context->diagnostics, node);
}

/* An item without an error is kept. By now the lookahead is its line end, so the next item's tokens are not yet seen. */
static void keep(Parse *parse, Ast *item) {
    if (item != NULL && !parse->failed) vec_push(parse->context->arena, &parse->items, item);
    parse->failed = false;
    parse->suspect = 0;
}

static void refuse(Parse *parse, Span span, const char *why) {
    error_at(parse->context->diagnostics, span, "%s", why);
    parse->failed = true;
}

static Name path(Parse *parse, Parts parts) {
    if (parts.count == 1) return parts.at[0];
    size_t length = parts.count - 1;
    for (size_t i = 0; i < parts.count; i++) length += strlen(parts.at[i]);
    char *text = arena_alloc(parse->scratch, length + 1), *end = text;
    for (size_t i = 0; i < parts.count; i++) {
        if (i > 0) *end++ = '.';
        size_t part = strlen(parts.at[i]);
        memcpy(end, parts.at[i], part);
        end += part;
    }
    return name_of_length(parse->context->names, text, length);
}

/* What stands before the ':' of a reduction. */
static AstList indices(Parse *parse, AstList arguments) {
    for (size_t i = 0; i < arguments.count; i++) {
        const Ast *argument = arguments.at[i];
        if (argument->kind == AST_BINDER) continue;
        if (argument->kind == AST_NAME && strchr(argument->name, '.') == NULL) continue;
        refuse(parse, argument->span, "before the ':' stand names of indices, as in sum(i: x[i]) or sum(i in 0..4: x[i])");
    }
    return arguments;
}

static void only_settings(Parse *parse, const AstList *body, const char *what) {
    for (size_t i = 0; i < body->count; i++) {
        const Ast *entry = body->at[i];
        if (entry->kind == AST_ASSIGN && !entry->indexed) continue;
        refuse(parse, entry->span, arena_printf(parse->context->arena, "the block of '%s' holds only entries of the form name = value", what));
    }
}

static int yyreport_syntax_error(const yypcontext_t *context, Parse *parse) {
    yysymbol_kind_t symbols[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);
    if (count == YYENOMEM) return YYENOMEM;
    bool wanted[YYNTOKENS] = {false}, expected[TOKEN_CODES] = {false};
    for (int i = 0; i < count; i++) wanted[symbols[i]] = true;
    for (int code = 0; code <= YYMAXUTOK && code < TOKEN_CODES; code++) {
        if (YYTRANSLATE(code) != YYSYMBOL_YYUNDEF) expected[code] = wanted[YYTRANSLATE(code)];
    }
    report_syntax(parse, expected);
    return 0;
}

/* Bison's own words come only when its stack has reached YYMAXDEPTH. */
static void yyerror(Span *where, Parse *parse, const char *message) {
    (void)message;
    error_at(parse->context->diagnostics, *where, "this is nested too deeply; name a part of it and use the name");
    parse->ended = true;
}

AstList parse_source(AstContext *context, uint32_t number) {
    const Source *source = &context->sources->list.at[number];
    Parse parse = {.context = context, .text = source->text, .source = number, .fresh = true};
    Span start = {number, 0, 0};
    if (source->length > SOURCE_LIMIT) {
        error_at(context->diagnostics, start, "this file is larger than %d MiB", SOURCE_LIMIT / (1024 * 1024));
        return parse.items;
    }
    parse.length = (uint32_t)source->length;
    parse.scratch = arena_new();
    if (tokens_read(&parse)) yyparse(&parse); /* its result says nothing: it is 0 after recovery too */
    arena_free(parse.scratch);
    return parse.items;
}
