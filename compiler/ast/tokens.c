/* Tokens on their way to the grammar.

   In: parse->tokens, where line ends have left only the mark `first`. Out: the same tokens one at a time, and NL where a
   statement ends; after an error, parsing goes on where the next statement is likely to begin.

       y = a +       # ends in an operator: goes on
           f(b,      # a bracket is open: goes on
             c)
         -> g        # begins with an operator: goes on
       z = 1         # NL before this line

   Indentation means nothing until there is an error: then a line that stands no further right than its statement, and
   that looks like a statement, is taken for one. */
#include "ast/parse.h"

#include "parser.tab.h"

Span token_span(const Parse *parse, size_t index) {
    return (Span){parse->source, parse->tokens.at[index].begin, parse->tokens.at[index].end};
}

Span after_token(const Parse *parse, size_t index) {
    return (Span){parse->source, parse->tokens.at[index].end, parse->tokens.at[index].end};
}

unsigned column_of(const Parse *parse, size_t index) {
    return source_place(parse->context->sources, parse->source, parse->tokens.at[index].begin).column;
}

unsigned indent_of(const Parse *parse, size_t index) {
    while (index > 0 && !parse->tokens.at[index].first) index--;
    return column_of(parse, index);
}

/* ---- Where lines end */

static bool can_end(int kind) {
    switch (kind) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '^':
    case '=':
    case '<':
    case '>':
    case LE:
    case GE:
    case EQ:
    case NE:
    case ARROW:
    case RANGE:
    case ',':
    case ':':
    case '.':
    case '(':
    case '[':
    case '{':
    case NL:
    case IF:
    case THEN:
    case ELSE:
    case AND:
    case OR:
    case NOT:
    case MOD:
    case DEFAULT:
    case IN: return false;
    default: return true;
    }
}

static bool continues(int kind) {
    switch (kind) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '^':
    case '=':
    case '<':
    case '>':
    case LE:
    case GE:
    case EQ:
    case NE:
    case ARROW:
    case RANGE:
    case '{':
    case THEN:
    case ELSE:
    case AND:
    case OR:
    case MOD:
    case DEFAULT: return true;
    default: return false;
    }
}

/* Brackets aside. */
static bool ends_before(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    return index > 0 && token->first && can_end(token[-1].kind) && !continues(token->kind);
}

static bool opens(int kind) { return kind == '(' || kind == '[' || kind == '{'; }
static bool closes(int kind) { return kind == ')' || kind == ']' || kind == '}'; }

static int innermost(const Parse *parse) {
    return parse->brackets.count == 0 ? 0 : parse->tokens.at[parse->brackets.at[parse->brackets.count - 1]].kind;
}

/* Called when the grammar asks for the token behind a bracket, for only then it has accepted the bracket. */
static void follow_bracket(Parse *parse) {
    if (parse->bracket == 0) return;
    size_t index = parse->bracket - 1;
    parse->bracket = 0;
    const Token *token = &parse->tokens.at[index];
    if (opens(token->kind)) vec_push(parse->scratch, &parse->brackets, index);
    if (!closes(token->kind) || parse->brackets.count == 0) return;
    size_t open = parse->brackets.at[--parse->brackets.count];
    if (token->kind == '}' && token->first && parse->suspect == 0 && column_of(parse, index) != indent_of(parse, open)) {
        parse->suspect = open;
    }
}

int token_next(YYSTYPE *value, Span *where, Parse *parse) {
    size_t index = parse->next;
    const Token *token = &parse->tokens.at[index];
    follow_bracket(parse);
    *where = index > 0 ? after_token(parse, index - 1) : (Span){parse->source, 0, 0};
    parse->given = index;
    if (parse->closes > 0) {
        parse->closes--;
        if (parse->brackets.count > 0) parse->brackets.count--;
        return '}';
    }
    bool in_brackets = innermost(parse) == '(' || innermost(parse) == '[';
    if (parse->force_newline || (!parse->newline && !in_brackets && ends_before(parse, index))) {
        parse->force_newline = false;
        parse->newline = parse->fresh = true;
        return NL;
    }
    parse->newline = false;
    if (parse->fresh) parse->start = index;
    parse->fresh = token->kind == '{' || token->kind == '}' || token->kind == NL;
    if (token->kind != YYEOF) parse->next++;
    *where = token_span(parse, index);
    if (opens(token->kind) || closes(token->kind)) parse->bracket = index + 1;
    if (token->problem != PROBLEM_NONE) report_problem(parse, index);
    if (token->kind == YYerror) resume_after(parse, index);
    if (token->kind == NUMBER) value->number = token->number;
    if (token->kind == NAME || token->kind == STRING) value->name = token->name;
    return token->kind;
}

/* ---- After an error */

size_t open_bracket(const Parse *parse, size_t start, size_t end) {
    Vec(size_t) open = {0};
    for (size_t i = start; i < end; i++) {
        int kind = parse->tokens.at[i].kind;
        if (kind == '(' || kind == '[') vec_push(parse->scratch, &open, i);
        else if (open.count > 0 && (kind == ')' || kind == ']')) open.count--;
    }
    return open.count > 0 ? open.at[open.count - 1] : end;
}

bool opens_block(const Parse *parse, size_t start, size_t end) {
    switch (parse->tokens.at[start].kind) {
    case DATA:
    case TRAIN:
    case FUNCTION:
    case LAYER:
    case LOSS:
    case METRIC:
    case OPTIMIZER:
    case SCAN: break;
    default: return false;
    }
    size_t depth = 0;
    for (size_t i = start; i < end; i++) { /* layer f(x) = ...: no block */
        int kind = parse->tokens.at[i].kind;
        if (kind == '=' && depth == 0) return false;
        if (kind == '(' || kind == '[') depth++;
        if ((kind == ')' || kind == ']') && depth > 0) depth--;
    }
    return true;
}

/* A '{' with statements behind it, not one that slipped in. */
bool begins_block(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    if (token->kind != '{') return false;
    switch (token[1].kind) {
    case PARAM:
    case STATE:
    case SCAN:
    case '}': return true;
    case NAME: return token[1].first || token[2].kind == '=' || token[2].kind == '[';
    default: return token[1].first;
    }
}

bool stray_brace(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    if (token->kind != '}' || token->first || token[1].first || token[1].kind == '}') return false;
    enum { FAR = 200 }; /* tokens; so that a line of nothing but braces takes no quadratic time */
    for (size_t i = index; i > 0 && index - i < FAR; i--) {
        if (parse->tokens.at[i].first) return true;
        if (parse->tokens.at[i].kind == '{') return false;
    }
    return true;
}

/* The next '}' on the line, or the first token of the next line. */
static size_t closing_on_line(const Parse *parse, size_t index) {
    do index++;
    while (parse->tokens.at[index].kind != '}' && !parse->tokens.at[index].first);
    return index;
}

bool begins_line_item(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    if (!token->first) return false;
    int next = token->kind == YYEOF ? YYEOF : token[1].kind;
    switch (token->kind) {
    case '}': return true;
    case IMPORT: return next == STRING;
    case TRAIN: return next == '{';
    case DATA: return next == NAME || next == TRAIN;
    case LOSS:
    case METRIC:
    case OPTIMIZER: return next == NAME || next == '=';
    case MODEL:
    case INPUT:
    case TARGET:
    case PREDICT:
    case FREEZE:
    case FUNCTION:
    case LAYER:
    case PARAM:
    case STATE:
    case SCAN: return next == NAME;
    default: return false;
    }
}

/* x = ..., or x[...] = ... */
static bool begins_assignment(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    if (token->kind != NAME) return false;
    if (token[1].kind == '=') return true;
    if (token[1].kind != '[') return false;
    size_t depth = 0;
    for (token++; token->kind != YYEOF && !token->first; token++) {
        if (opens(token->kind)) depth++;
        if (closes(token->kind) && --depth == 0) return token[1].kind == '=';
    }
    return false;
}

/* The bracket around `line` is closed further down: then the line may well belong inside. */
static bool closed_later(const Parse *parse, size_t line) {
    enum { FAR = 5000 }; /* tokens; nobody closes a bracket beyond, and many brackets must not take quadratic time */
    size_t depth = 0;
    for (size_t i = line; i < line + FAR; i++) {
        int kind = parse->tokens.at[i].kind;
        if (kind == YYEOF || kind == '{' || begins_line_item(parse, i)) return false;
        if (kind == '(' || kind == '[') depth++;
        if ((kind == ')' || kind == ']') && depth-- == 0) return true;
    }
    return true;
}

size_t swallowed_line(const Parse *parse, size_t start, size_t bad) {
    unsigned column = indent_of(parse, start);
    Vec(size_t) open = {0};
    size_t checked = bad; /* the bracket that `closed` speaks of */
    bool closed = false;
    for (size_t i = start; i <= bad; i++) {
        const Token *token = &parse->tokens.at[i];
        if (i > start && begins_line_item(parse, i)) return i;
        bool like = i > start && token->first && token->kind == NAME && column_of(parse, i) <= column;
        if (like && open.count == 0 && begins_assignment(parse, i)) return i;
        if (like && open.count > 0 && (i == bad || begins_assignment(parse, i))) {
            size_t bracket = open.at[open.count - 1];
            if (bracket != checked) closed = closed_later(parse, i);
            checked = bracket;
            if (!closed) return i;
        }
        if (token->kind == '(' || token->kind == '[') vec_push(parse->scratch, &open, i);
        if (open.count > 0 && (token->kind == ')' || token->kind == ']')) open.count--;
    }
    return 0;
}

void resume_at(Parse *parse, size_t index) {
    enum { PATIENCE = 3 }; /* errors in a row at one token: a bracket and a brace before it, and its own */
    int kind = parse->tokens.at[index].kind;
    if (kind != '{' && opens_block(parse, parse->start, index)) parse->orphans++;
    parse->stuck = parse->resumed == index ? parse->stuck + 1 : 0;
    if (parse->stuck >= PATIENCE && kind != YYEOF) kind = parse->tokens.at[++index].kind;
    while (parse->brackets.count > 0 && parse->brackets.at[parse->brackets.count - 1] >= parse->start) parse->brackets.count--;
    parse->resumed = parse->next = index;
    parse->bracket = 0;
    parse->force_newline = kind != '{';
    parse->newline = false;
    parse->failed = true;
}

/* Whether parsing can go on at this token; brackets and braces are those that the statement has left open. */
static bool good_place(const Parse *parse, size_t index, unsigned column, size_t brackets, size_t braces) {
    const Token *token = &parse->tokens.at[index];
    if (index > parse->start && token->first) {
        bool left = column_of(parse, index) <= column;
        if (left && (begins_assignment(parse, index) || (begins_line_item(parse, index) && token->kind != '}'))) return true;
        if (braces == 0 && (begins_line_item(parse, index) || (brackets == 0 && ends_before(parse, index)))) return true;
    }
    if (braces > 0) return false;
    if (begins_block(parse, index)) return opens_block(parse, parse->start, index);
    if (token->kind != '}' || stray_brace(parse, index)) return false;
    for (size_t i = 0; i < parse->brackets.count; i++) { /* it closes a block that was open before the statement */
        if (parse->brackets.at[i] < parse->start && parse->tokens.at[parse->brackets.at[i]].kind == '{') return true;
    }
    return false;
}

void resume_after(Parse *parse, size_t bad) {
    size_t brackets = 0, braces = 0, i = parse->start, closing = 0;
    unsigned column = indent_of(parse, i);
    for (; parse->tokens.at[i].kind != YYEOF; i++) {
        int kind = parse->tokens.at[i].kind;
        if (i >= bad && good_place(parse, i, column, brackets, braces)) break;
        if (kind == '{' && closing <= i) closing = closing_on_line(parse, i);
        if (kind == '{' && (closing == i + 1 || parse->tokens.at[closing].kind == '}')) braces++;
        if (kind == '}' && braces > 0) braces--;
        if (kind == '(' || kind == '[') brackets++;
        if ((kind == ')' || kind == ']') && brackets > 0) brackets--;
    }
    resume_at(parse, i);
}
