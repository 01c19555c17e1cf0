/* Makes a model smaller while what is wrong with it stays wrong: leaves out lines and blocks, stages of pipes, operands, calls, and makes
   whole numbers smaller. It knows no more of the language than brackets and operators; what is no model any more does not hold. */
#include <ctype.h>
#include <time.h>

#include "random_models.h"

/* text[from .. to) becomes `by`. */
typedef struct {
    size_t from, to;
    const char *by;
} Change;
typedef Vec(Change) Changes;

static void propose(Arena *arena, Changes *changes, size_t from, size_t to, const char *by) {
    vec_push(arena, changes, (Change){from, to, by});
}

/* ---- Lines, and blocks from "{" to the line "}" */

static size_t line_end(const char *text, size_t at) {
    while (text[at] != '\0' && text[at] != '\n') at++;
    return text[at] == '\n' ? at + 1 : at;
}

static size_t block_end(const char *text, size_t at) {
    int depth = 0;
    do {
        size_t end = line_end(text, at);
        for (; at < end; at++) depth += (text[at] == '{') - (text[at] == '}');
    } while (depth > 0 && text[at] != '\0');
    return at;
}

static void propose_lines(Arena *arena, const char *text, Changes *changes) {
    for (size_t at = 0, end; text[at] != '\0'; at = end) {
        end = line_end(text, at);
        size_t block = block_end(text, at);
        propose(arena, changes, at, block, "");
    }
}

/* ---- Stages of pipes */

static void propose_stages(Arena *arena, const char *text, Changes *changes) {
    for (const char *at = text; (at = strstr(at, " -> ")) != NULL; at++) {
        const char *end = at + 4;
        int depth = 0;
        for (; *end != '\0' && *end != '\n' && (depth > 0 || (*end != ')' && strncmp(end, " -> ", 4) != 0)); end++)
            depth += (*end == '(') - (*end == ')');
        propose(arena, changes, (size_t)(at - text), (size_t)(end - text), "");
    }
}

/* ---- Operands */

static const char *copy(Arena *arena, const char *text, size_t from, size_t to) {
    return arena_printf(arena, "%.*s", (int)(to - from), text + from);
}

/* What stands in from .. to without brackets around it: one of its operands is enough. `whole` .. `whole_end` is replaced. */
static void propose_operands(Arena *arena, const char *text, size_t from, size_t to, size_t whole, size_t whole_end,
                             Changes *changes) {
    static const char *const operators[] = {" + ",    " - ", " * ", " / ",   " default ", " then ",
                                            " else ", ", ",  ": ",  " mod ", " and ",     " or "};
    int depth = 0;
    size_t begin = from;
    propose(arena, changes, whole, whole_end, "0.5");
    for (size_t at = from; at <= to; at++) {
        size_t length = 0;
        if (at < to) depth += (strchr("([", text[at]) != NULL) - (strchr(")]", text[at]) != NULL);
        for (size_t k = 0; at < to && depth == 0 && k < sizeof operators / sizeof *operators; k++) {
            if (strncmp(text + at, operators[k], strlen(operators[k])) == 0) length = strlen(operators[k]);
        }
        if (at < to && length == 0) continue;
        if (begin != whole || at != whole_end) {
            propose(arena, changes, whole, whole_end, arena_printf(arena, "(%s)", copy(arena, text, begin, at)));
            propose(arena, changes, whole, whole_end, copy(arena, text, begin, at));
        }
        begin = at + length;
        if (length > 0) at += length - 1;
    }
}

static void propose_groups(Arena *arena, const char *text, Changes *changes) {
    for (size_t at = 0; text[at] != '\0'; at++) {
        if (strncmp(text + at, " = ", 3) == 0) {
            size_t end = line_end(text, at);
            propose_operands(arena, text, at + 3, end - 1, at + 3, end - 1, changes);
        }
        if (text[at] != '(') continue;
        int depth = 0;
        size_t end = at, begin = at;
        do depth += (text[end] == '(') - (text[end] == ')');
        while (text[end++] != '\0' && depth > 0);
        if (depth > 0) continue;
        while (begin > 0 && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '_')) begin--;
        propose_operands(arena, text, at + 1, end - 1, begin, end, changes);
    }
}

/* ---- Numbers */

static void propose_numbers(Arena *arena, const char *text, Changes *changes) {
    for (size_t at = 1; text[at] != '\0'; at++) {
        char before = text[at - 1];
        if (!isdigit((unsigned char)text[at]) || isalnum((unsigned char)before) || before == '_') continue;
        size_t end = at;
        long number = 0;
        for (; isdigit((unsigned char)text[end]); end++) number = number * 10 + (text[end] - '0');
        if (number > 1 && number < 1000 && !(before == '.' && at > 1 && isdigit((unsigned char)text[at - 2]))) {
            propose(arena, changes, at, end, "1");
            if (number > 2) propose(arena, changes, at, end, arena_printf(arena, "%ld", number - 1));
        } else if (number == 1) {
            propose(arena, changes, at, end, "0");
        }
        at = end - 1;
    }
}

/* A size of an axis often stands in several places: all of them at once. */
static const char *with_all(Arena *arena, const char *text, int from, int to) {
    Text *out = text_new(arena);
    for (size_t at = 0; text[at] != '\0'; at++) {
        bool alone = text[at] == '0' + from && at > 0 && !isalnum((unsigned char)text[at - 1]) && text[at - 1] != '_' &&
                     !isdigit((unsigned char)text[at + 1]) && text[at + 1] != '.' && (strchr("[ (.", text[at - 1]) != NULL);
        text_printf(out, "%c", alone ? '0' + to : text[at]);
    }
    return text_string(out);
}

const char *shrink(Arena *arena, const char *text, bool (*still)(void *context, const char *text), void *context, int seconds) {
    time_t end = time(NULL) + seconds;
    bool smaller = true;
    while (smaller && time(NULL) < end) {
        smaller = false;
        Changes changes = {0};
        for (size_t next = 0; time(NULL) < end; next++) {
            if (changes.count == 0) {
                propose_lines(arena, text, &changes);
                propose_stages(arena, text, &changes);
                propose_groups(arena, text, &changes);
                propose_numbers(arena, text, &changes);
            }
            if (next >= changes.count) break;
            const Change *c = &changes.at[next];
            if (c->to - c->from < strlen(c->by) ||
                strncmp(text + c->from, c->by, strlen(c->by) + (c->to - c->from > strlen(c->by))) == 0)
                continue;
            const char *candidate = arena_printf(arena, "%s%s%s", copy(arena, text, 0, c->from), c->by, text + c->to);
            if (strcmp(candidate, text) == 0 || !still(context, candidate)) continue;
            text = candidate;
            smaller = true;
            changes = (Changes){0};
            if (next > 0) next--;
        }
        for (int from = 6; from > 1 && time(NULL) < end; from--) {
            const char *candidate = with_all(arena, text, from, from - 1);
            if (strcmp(candidate, text) == 0 || !still(context, candidate)) continue;
            text = candidate;
            smaller = true;
        }
    }
    return text;
}
