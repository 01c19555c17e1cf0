/* What to say about a syntax error.

   In: the tokens, where the grammar stands, and the tokens that it would have taken. Out: one message, and the place where
   parsing goes on. First come the mistakes that show far from where they were made (a bracket that is never closed), then
   those that have a name (a reserved word, a chained comparison), then what was expected:

       y = f(a b)        expected ',' or ')' after 'a', found 'b'
       x =               expected an expression after '=', found end of line */
#include <ctype.h>
#include <stdio.h>

#include "ast/parse.h"

#include "parser.tab.h"

typedef struct {
    const char *text;
    int kind;
    const char *form; /* how a statement with this first word is written */
} Word;

static const Word words[] = {
    {"model", MODEL, "model iris"},
    {"import", IMPORT, "import \"file.nn\""},
    {"input", INPUT, "input x[4]"},
    {"target", TARGET, "target t[3]"},
    {"loss", LOSS, "loss = cross_entropy(output, t)"},
    {"optimizer", OPTIMIZER, "optimizer = adam(rate = 0.01)"},
    {"metric", METRIC, "metric = accuracy(output, t)"},
    {"predict", PREDICT, "predict output"},
    {"freeze", FREEZE, "freeze hidden, output.b"},
    {"data", DATA, "data train { ... }"},
    {"train", TRAIN, "train { ... }"},
    {"function", FUNCTION, "function f(x) = x^2"},
    {"layer", LAYER, "layer f(x[n]) -> y[n] { ... }"},
    {"param", PARAM, "param W[n] = 0"},
    {"state", STATE, "state s = 0"},
    {"scan", SCAN, "scan t { ... }"},
    {"reversed", REVERSED, NULL},
    {"in", IN, NULL},
    {"default", DEFAULT, NULL},
    {"if", IF, NULL},
    {"then", THEN, NULL},
    {"else", ELSE, NULL},
    {"or", OR, NULL},
    {"and", AND, NULL},
    {"not", NOT, NULL},
    {"mod", MOD, NULL},
    {"true", TRUE, NULL},
    {"false", FALSE, NULL},
};
enum { WORDS = sizeof words / sizeof words[0], SHOWN = 40 };

int word_kind(const char *text, size_t length) {
    for (int i = 0; i < WORDS; i++) {
        if (strlen(words[i].text) == length && memcmp(words[i].text, text, length) == 0) return words[i].kind;
    }
    return 0;
}

static const Word *word_of(int kind) {
    for (int i = 0; i < WORDS; i++) {
        if (words[i].kind == kind) return &words[i];
    }
    return NULL;
}

static bool is_item(int kind) {
    const Word *word = word_of(kind);
    return word != NULL && word->form != NULL && kind != PARAM && kind != STATE && kind != SCAN;
}

static const char *spelling(Arena *arena, int kind) {
    static const struct {
        int kind;
        const char *text;
    } signs[] = {
        {ARROW, "->"}, {RANGE, ".."}, {DOTS, "..."}, {LE, "<="}, {GE, ">="}, {EQ, "=="}, {NE, "!="},
    };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (signs[i].kind == kind) return signs[i].text;
    }
    const Word *word = word_of(kind);
    return word != NULL ? word->text : arena_printf(arena, "%c", kind);
}

/* ---- The words of the user, fit to be shown */

static bool inside_character(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

static const char *shown(const Parse *parse, size_t index) {
    const Token *token = &parse->tokens.at[index];
    size_t length = token->end - token->begin, cut = length;
    if (cut > SHOWN) {
        for (cut = SHOWN; cut > 0 && inside_character(parse->text[token->begin + cut]);) cut--;
    }
    char *text = arena_printf(parse->context->arena, "%.*s%s", (int)cut, parse->text + token->begin, cut < length ? "..." : "");
    for (char *c = text; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) *c = ' ';
    }
    return text;
}

static const char *quoted(const Parse *parse, size_t index) {
    return arena_printf(parse->context->arena, parse->tokens.at[index].kind == STRING ? "%s" : "'%s'", shown(parse, index));
}

static const char *found(const Parse *parse) {
    const Token *token = &parse->tokens.at[parse->given];
    if (parse->newline) return "end of line";
    return token->kind == YYEOF ? "end of file" : quoted(parse, parse->given);
}

/* ---- Tokens that are wrong in themselves */

/* A character if the bytes are UTF-8, else the first byte. */
static const char *character(const Parse *parse, const Token *token) {
    const char *text = parse->text + token->begin;
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length > token->end - token->begin) length = 0;
    for (size_t i = 1; i < length; i++) {
        if (!inside_character(text[i])) length = 0;
    }
    if (length == 0 || first < 32 || first == 127) return arena_printf(parse->context->arena, "the byte 0x%02X", first);
    if (length == 2 && first == 0xC2) { /* control characters and the no-break space cannot be seen */
        unsigned code = (unsigned char)text[1];
        if (code <= 0xA0) return arena_printf(parse->context->arena, "the invisible character U+%04X", code);
    }
    return arena_printf(parse->context->arena, "'%.*s'", (int)length, text);
}

static const char *problem_text(const Parse *parse, size_t index) {
    Arena *arena = parse->context->arena;
    const Token *token = &parse->tokens.at[index];
    const char *text = shown(parse, index);
    switch ((Problem)token->problem) {
    case PROBLEM_CHARACTER:
        return arena_printf(arena, "%s cannot stand here%s", character(parse, token),
                            (unsigned char)parse->text[token->begin] < 0x80
                                ? ""
                                : "; outside comments and strings a .nn file is written in ASCII");
    case PROBLEM_OPEN_STRING: return "this string has no closing '\"' on its line";
    case PROBLEM_QUOTES: return "a string stands between double quotes, as in \"file.csv\"";
    case PROBLEM_POINT_FIRST: return arena_printf(arena, "a number has digits on both sides of its point: write 0%s", text);
    case PROBLEM_POINT_LAST: return arena_printf(arena, "a number has digits on both sides of its point: write %s0", text);
    case PROBLEM_NUMBER: return arena_printf(arena, "'%s' is not a number; numbers are written 12, 0.5 or 1e-3", text);
    case PROBLEM_NUMBER_NAME:
        return arena_printf(
            arena, "'%s' is neither a number nor a name: names begin with a letter, and a product is written 2 * x", text);
    case PROBLEM_TOO_LARGE: return arena_printf(arena, "'%s' is larger than any number (1.8e308); infinity is written inf", text);
    case PROBLEM_INSTEAD:
        return arena_printf(arena, "'%s' is not a sign of the language; write '%s'", text, spelling(arena, token->kind));
    case PROBLEM_UPDATE:
        if (index > 0 && token[-1].kind == NAME) {
            const char *name = shown(parse, index - 1);
            return arena_printf(arena, "'%s' is not a sign of the language; write %s = %s %c ...", text, name, name, text[0]);
        }
        return arena_printf(arena, "'%s' is not a sign of the language; write the name again on the right of '='", text);
    case PROBLEM_SEMICOLON: return "a statement ends with its line; there is no ';'";
    case PROBLEM_NONE: break;
    }
    return "this token is wrong";
}

/* A string over several lines looks like two that have no end: the second is silent. */
static bool ends_open_string(Parse *parse, size_t index) {
    size_t begin = parse->open_string;
    parse->open_string = index + 1;
    if (begin == 0) return false;
    for (size_t i = begin; i < index; i++) {
        if (parse->tokens.at[i].kind == STRING) return false;
    }
    parse->open_string = 0;
    return true;
}

void report_problem(Parse *parse, size_t index) {
    parse->failed = true;
    if (parse->tokens.at[index].problem == PROBLEM_SEMICOLON) {
        if (parse->told_semicolon) return;
        parse->told_semicolon = true;
    }
    if (parse->tokens.at[index].problem == PROBLEM_OPEN_STRING && ends_open_string(parse, index)) return;
    error_at(parse->context->diagnostics, token_span(parse, index), "%s", problem_text(parse, index));
}

/* ---- What was expected */

static const char *listed(Parse *parse, const bool expected[TOKEN_CODES]) {
    const char *entries[4];
    size_t count = 0;
    Arena *arena = parse->context->arena;
    for (int kind = 1; kind < TOKEN_CODES && count < 4; kind++) {
        if (expected[kind] && kind != '.' && kind != NL && kind != YYerror && kind != YYUNDEF) {
            entries[count++] = kind == NAME     ? "a name"
                               : kind == STRING ? "a string"
                                                : arena_printf(arena, "'%s'", spelling(arena, kind));
        }
    }
    if (count < 4 && (expected[NL] || expected[YYEOF])) entries[count++] = "the end of the line";
    if (count == 0) return "the end of the file";
    const char *text = entries[0];
    for (size_t i = 1; i < count; i++) text = arena_printf(arena, "%s%s %s", text, i + 1 < count ? "," : " or", entries[i]);
    return text;
}

static const char *name_wanted(const Parse *parse, size_t before) {
    const Word *first = word_of(parse->tokens.at[parse->start].kind);
    switch (parse->tokens.at[before].kind) {
    case ARROW:
        return first != NULL && first->form != NULL && parse->tokens.at[parse->start + 1].kind == NAME
                   ? "a name for the result"
                   : "the name of a function or layer";
    case ':': return "a type such as index(10)";
    case '.': return "a name";
    default: return "a name";
    }
}

static const char *wanted(Parse *parse, const bool expected[TOKEN_CODES]) {
    size_t before = parse->given - 1;
    int kind = parse->given > 0 ? parse->tokens.at[before].kind : 0;
    if (expected[PARAM]) return expected['}'] && !expected[MODEL] ? "a statement or '}'" : "a statement";
    if (expected[NUMBER])
        return kind == '(' && expected[')'] ? "an argument or ')'" : expected[DOTS] ? "a size" : "an expression";
    if (expected[NAME] && kind != 0)
        return expected[')'] ? "a parameter or ')'" : kind == ',' || kind == '(' ? "a parameter" : name_wanted(parse, before);
    if (expected[STRING]) return "a file name in double quotes";
    if (expected[THEN]) return "'then'";
    if (expected[ELSE]) return "'else'";
    if (expected[')']) return expected[','] ? "',' or ')'" : "')'";
    if (expected[']']) return expected[','] ? "',' or ']'" : "']'";
    if (expected['+'] && (expected[NL] || expected['}'])) return "an operator or the end of the line";
    return listed(parse, expected);
}

/* A sentence more, where the mistake is a common one. Begins with a blank or "; ". */
static const char *hint(Parse *parse, const bool expected[TOKEN_CODES]) {
    Arena *arena = parse->context->arena;
    const Token *tokens = parse->tokens.at;
    size_t given = parse->given, start = parse->start;
    int bad = parse->newline ? NL : tokens[given].kind, before = given > 0 ? tokens[given - 1].kind : 0;
    if (bad == NAME && !parse->newline) {
        Suggestion suggestion = {.wanted = tokens[given].name};
        for (int i = 0; i < WORDS; i++) {
            if (expected[words[i].kind] && words[i].kind != IN && words[i].kind != OR) suggest(&suggestion, words[i].text);
        }
        if (suggestion.best != NULL && given != start) return arena_printf(arena, "; did you mean '%s'?", suggestion.best);
    }
    if (given == start + 1 && tokens[start].kind == NAME) {
        Suggestion suggestion = {.wanted = tokens[start].name};
        for (int i = 0; i < WORDS && (bad == NAME || bad == STRING || bad == '{'); i++) {
            if (words[i].form != NULL) suggest(&suggestion, words[i].text);
        }
        if (suggestion.best != NULL) return arena_printf(arena, "; did you mean '%s'?", suggestion.best);
        if (bad == EQ) return "; a name gets its value by '='";
        return "; a statement is written name = expression";
    }
    bool setting = tokens[start].kind == LOSS || tokens[start].kind == METRIC || tokens[start].kind == OPTIMIZER;
    if (setting && given > start + 2 && tokens[start + 1].kind == NAME && tokens[start + 2].kind == '(' && bad != '{') {
        return arena_printf(arena, "; to use one, write: %s", word_of(tokens[start].kind)->form);
    }
    if (bad == '-' && tokens[given + 1].kind == '>' && tokens[given + 1].begin > tokens[given].end)
        return "; there is no blank within '->'";
    bool calculates = bad == '+' || bad == '-' || bad == '*' || bad == '/' || bad == '^';
    if (calculates && expected[ARROW] && !expected['+']) return "; put the pipe in parentheses: (x -> f) * 2";
    if (bad == IF && expected[PARAM]) return "; an 'if' is a value: name = if ... then ... else ...";
    if (before == ELSE || expected[ELSE]) return expected[ELSE] ? "; an 'if' is a value, so it has both branches" : "";
    if (bad == '{' && expected['='] && expected[ARROW]) return "; before a block stands its result, as in -> y[n] { ... }";
    if ((bad == '{' && expected[NUMBER]) || (bad == ',' && expected[')'] && !expected[','] && !expected[NUMBER]))
        return "; a list is written [1, 2]";
    if (bad == '=' && expected[EQ]) return "; a comparison is written '=='";
    if (bad == '+' && expected[NUMBER]) return "; there is no '+' without a left side";
    if (bad == '[' && (before == ')' || before == ']'))
        return before == ']' ? "; subscripts stand together, as in x[1, 2]" : "; give the expression a name and subscript that";
    if (bad == DOTS && !expected[DOTS]) return "; a range is written 0..4";
    if (bad == DEFAULT) return "; 'default' stands behind a read, as in x[i] default 0";
    if (given == start + 1 && word_of(tokens[start].kind) != NULL && word_of(tokens[start].kind)->form != NULL) {
        return arena_printf(arena, ", as in: %s", word_of(tokens[start].kind)->form);
    }
    return "";
}

/* ---- Mistakes that have a name. Each returns whether it was this one. */

static bool bracket_left_open(Parse *parse, size_t bracket) {
    Diagnostics *diagnostics = parse->context->diagnostics;
    error_at(diagnostics, token_span(parse, bracket), "this '%s' is never closed", shown(parse, bracket));
    return true;
}

/* A line that was joined to the one before although it begins a statement. */
static bool line_cut_short(Parse *parse) {
    size_t last = parse->newline ? parse->given - 1 : parse->given;
    size_t line = swallowed_line(parse, parse->start, last);
    if (line == 0) return false;
    size_t bracket = open_bracket(parse, parse->start, line);
    if (bracket != line) {
        bracket_left_open(parse, bracket);
    } else {
        int before = parse->tokens.at[line - 1].kind;
        const char *what = before == ARROW ? "a function or layer" : before == ',' || before == '.' ? "a name" : "an expression";
        error_at(parse->context->diagnostics, after_token(parse, line - 1), "expected %s after %s, found end of line", what,
                 quoted(parse, line - 1));
    }
    resume_at(parse, line);
    return true;
}

static size_t open_brace(const Parse *parse) {
    for (size_t i = parse->brackets.count; i-- > 0;) {
        if (parse->tokens.at[parse->brackets.at[i]].kind == '{') return parse->brackets.at[i];
    }
    return 0;
}

static bool bracket_at_end(Parse *parse) {
    int kind = parse->newline ? NL : parse->tokens.at[parse->given].kind;
    bool closing = kind == '}' && !stray_brace(parse, parse->given);
    bool block = kind == '{' && begins_block(parse, parse->given) && opens_block(parse, parse->start, parse->given);
    if (kind != YYEOF && !closing && !block) return false;
    size_t bracket = open_bracket(parse, parse->start, parse->given);
    if (bracket == parse->given) return false;
    bracket_left_open(parse, bracket);
    resume_after(parse, parse->given);
    return true;
}

/* In a block: the end of the file, or a word that begins an item. */
static bool brace_left_open(Parse *parse, const bool expected[TOKEN_CODES]) {
    int kind = parse->newline ? NL : parse->tokens.at[parse->given].kind;
    if (!expected['}'] || (kind != YYEOF && (!is_item(kind) || parse->given != parse->start))) return false;
    size_t brace = open_brace(parse);
    if (kind == YYEOF || column_of(parse, parse->given) <= indent_of(parse, brace)) {
        bracket_left_open(parse, parse->suspect != 0 ? parse->suspect : brace);
        resume_at(parse, parse->given);
        parse->closes = parse->brackets.count;
    } else {
        error_at(parse->context->diagnostics, token_span(parse, parse->given), "'%s' cannot stand inside a block",
                 word_of(kind)->text);
        note_at(parse->context->diagnostics, token_span(parse, brace), "the block begins here");
        resume_after(parse, parse->given);
    }
    return true;
}

static bool reserved(Parse *parse, const bool expected[TOKEN_CODES]) {
    const Token *token = &parse->tokens.at[parse->given];
    size_t name = parse->given;
    int kind = parse->newline ? NL : token->kind;
    bool assigned = kind == '=' && parse->given == parse->start + 1 && word_of(token[-1].kind) != NULL;
    if (assigned) {
        name--;
    } else {
        bool operator= kind == THEN || kind == ELSE || kind == AND || kind == OR || kind == MOD || kind == DEFAULT;
        bool begins = expected[PARAM]; /* a statement may begin with a name, but most words there are another mistake */
        if (word_of(kind) == NULL || !expected[NAME]) return false;
        if (begins && token[1].kind != '=') return false;
        if (operator&& expected[NUMBER] && !begins) return false;
    }
    const Word *word = word_of(parse->tokens.at[name].kind);
    error_at(parse->context->diagnostics, token_span(parse, name), "'%s' is a word of the language and cannot be a name%s%s",
             word->text, word->form != NULL && assigned ? "; it is used like this: " : "",
             word->form != NULL && assigned ? word->form : "");
    return true;
}

static bool is_comparison(int kind) { return kind == '<' || kind == '>' || kind == LE || kind == GE || kind == EQ || kind == NE; }

static bool has_a_name(Parse *parse, const bool expected[TOKEN_CODES]) {
    Diagnostics *diagnostics = parse->context->diagnostics;
    const Token *token = &parse->tokens.at[parse->given];
    int kind = parse->newline ? NL : token->kind;
    Span span = token_span(parse, parse->given);
    if (reserved(parse, expected)) return true;
    if (is_comparison(kind) && expected[AND]) {
        error_at(diagnostics, span, "comparisons do not chain; write a < b and b < c");
    } else if (kind == RANGE && expected['+']) {
        error_at(diagnostics, span, "a range has one '..'");
    } else if ((kind == ')' || kind == ']') && open_bracket(parse, parse->start, parse->given) == parse->given) {
        error_at(diagnostics, span, "this '%c' closes nothing", kind);
    } else if (kind == '}' && expected[PARAM]) {
        if (parse->orphans > 0) parse->orphans--;
        else error_at(diagnostics, span, "this '}' closes nothing");
    } else if (kind == NAME && strcmp(token->name, "elif") == 0 && expected[ELSE]) {
        error_at(diagnostics, span, "'elif' is written 'else if'");
    } else {
        return false;
    }
    return true;
}

/* ---- The message */

static void say_expected(Parse *parse, const bool expected[TOKEN_CODES]) {
    Diagnostics *diagnostics = parse->context->diagnostics;
    size_t given = parse->given;
    bool at_end = parse->newline || parse->tokens.at[given].kind == YYEOF;
    Span span = at_end && given > 0 ? after_token(parse, given - 1) : token_span(parse, given);
    const char *after =
        given > parse->start || parse->newline ? arena_printf(parse->context->arena, " after %s", quoted(parse, given - 1)) : "";
    error_at(diagnostics, span, "expected %s%s, found %s%s", wanted(parse, expected), after, found(parse), hint(parse, expected));
    size_t bracket = open_bracket(parse, parse->start, given);
    if (bracket == given || !(expected[')'] || expected[']'])) return;
    for (size_t i = bracket + 1; i <= given; i++) { /* it stands on an earlier line, where the reader does not see it */
        if (!parse->tokens.at[i].first) continue;
        note_at(diagnostics, token_span(parse, bracket), "this '%s' is open", shown(parse, bracket));
        break;
    }
}

/* A token that was wrong in itself has had its message, and misleads the grammar. */
static bool told_already(const Parse *parse) {
    size_t given = parse->given;
    return (!parse->newline && parse->tokens.at[given].problem != PROBLEM_NONE) ||
           (given > parse->start && parse->tokens.at[given - 1].problem != PROBLEM_NONE);
}

void report_syntax(Parse *parse, const bool expected[TOKEN_CODES]) {
    bool ended = !parse->newline && parse->tokens.at[parse->given].kind == YYEOF;
    parse->failed = true;
    parse->ended = ended;
    if (line_cut_short(parse) || bracket_at_end(parse) || brace_left_open(parse, expected)) return;
    if (!told_already(parse) && !has_a_name(parse, expected)) say_expected(parse, expected);
    resume_after(parse, parse->given);
}
