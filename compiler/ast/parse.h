/* Shared by the parts of parsing, and by nobody else:

     grammar/lexer.l         bytes -> tokens, all of them at once (tokens_read)
     compiler/ast/tokens.c   tokens -> the grammar, one at a time: where lines end, where parsing goes on after an error
     grammar/parser.y        tokens -> tree
     compiler/ast/syntax.c   words for what went wrong

   Keeping all tokens makes line joining and recovery a matter of looking at neighbours: nothing is lexed twice. */
#ifndef NNC_AST_PARSE_H
#define NNC_AST_PARSE_H

#include "ast/ast.h"

/* What a lexer finds wrong with a token. It is reported when the token reaches the grammar, so that one
   that is skipped after another error in its statement stays silent. */
typedef enum {
    PROBLEM_NONE,
    PROBLEM_CHARACTER,   /* é @ */
    PROBLEM_OPEN_STRING, /* "abc */
    PROBLEM_QUOTES,      /* 'abc' */
    PROBLEM_POINT_FIRST, /* .5 */
    PROBLEM_POINT_LAST,  /* 5. */
    PROBLEM_NUMBER,      /* 1.2.3 */
    PROBLEM_NUMBER_NAME, /* 12abc */
    PROBLEM_TOO_LARGE,   /* 1e999 */
    PROBLEM_INSTEAD,     /* && for `and`: the token's kind is what was meant */
    PROBLEM_UPDATE,      /* += */
    PROBLEM_SEMICOLON
} Problem;

typedef struct {
    short kind; /* a token of parser.y; YYerror where nothing sensible was meant */
    unsigned char problem;
    bool first; /* on its line */
    uint32_t begin, end;
    union {
        Name name;
        double number;
    };
} Token;

typedef struct Parse {
    AstContext *context;
    Arena *scratch; /* dies with the parse: tokens and the bracket stack */
    const char *text;
    uint32_t source;
    uint32_t length;

    Vec(Token) tokens;    /* the last is YYEOF */
    Vec(size_t) brackets; /* the tokens ( [ { that are open */
    size_t bracket;       /* 1 + the bracket that was given last, and is not in `brackets` yet; 0: none */
    size_t resumed;       /* where parsing went on last, and how often in a row */
    unsigned stuck;
    size_t next;        /* what the grammar gets next */
    size_t given;       /* what it got last, or the token behind the line end that it got last */
    size_t start;       /* the first token of this statement */
    size_t suspect;     /* a '{' whose '}' stood in another column; 0: none */
    size_t open_string; /* 1 + the last token that is a string without end; 0: none */
    size_t orphans;     /* '}' to come whose '{' was missed already */
    size_t closes;      /* '}' to be given that nobody wrote */
    bool newline;       /* a line end was given last */
    bool force_newline; /* give one next, whatever stands there */
    bool fresh;         /* the next token begins a statement */
    bool ended;         /* the end of the file came as a surprise, or nesting was too deep: give up */
    bool failed;        /* there was an error in this item */
    bool told_semicolon, told_comment;
    AstList items;
} Parse;

/* lexer.l: fills `tokens`. Returns false when the bytes are no text; that is reported. */
bool tokens_read(Parse *parse);

/* tokens.c: the grammar's yylex. */
union YYSTYPE;
int token_next(union YYSTYPE *value, Span *where, Parse *parse);

Span token_span(const Parse *parse, size_t index);
Span after_token(const Parse *parse, size_t index); /* the empty place behind it */
unsigned column_of(const Parse *parse, size_t index);
unsigned indent_of(const Parse *parse, size_t index); /* column of the first token on the line */

/* The innermost ( or [ that tokens start..end-1 leave open; `end` when there is none. */
size_t open_bracket(const Parse *parse, size_t start, size_t end);
bool opens_block(const Parse *parse, size_t start, size_t end); /* the statement start..end-1 still lacks a { } */
bool begins_block(const Parse *parse, size_t index);            /* a '{' with statements behind it */
bool stray_brace(const Parse *parse, size_t index);             /* a '}' amid a line that it cannot close */
bool begins_line_item(const Parse *parse, size_t index);        /* a line that no bracket can hold: `input x`, `}` */

/* Where a joined line looks like a statement of its own, between the statement's start and `bad`: the line before
   it was cut short, or left a bracket open. 0: nowhere. */
size_t swallowed_line(const Parse *parse, size_t start, size_t bad);

/* Parsing goes on at this token, with a line end before it (a '{' excepted). */
void resume_at(Parse *parse, size_t index);
/* ... at the statement after the one that holds token `bad`, or at the block that belongs to it. */
void resume_after(Parse *parse, size_t bad);

/* syntax.c */
enum { TOKEN_CODES = 320 };
void report_syntax(Parse *parse, const bool expected[TOKEN_CODES]);
void report_problem(Parse *parse, size_t index);
int word_kind(const char *text, size_t length); /* the token of a reserved word; 0: none */

#endif
