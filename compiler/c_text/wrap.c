/* Lines of at most 130 columns, where that can be. A line that is longer goes on, indented once more, behind a comma or before an
   operator, else before a comparison or behind the equals sign; a comment goes on between words, in subscripts only if it must. Texts
   in quotes, subscripts, and lines for the preprocessor stay whole. */
#include "c_text/c_text.h"

enum { COLUMNS = 130 };

static bool begins_with(const char *at, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) return true;
    }
    return false;
}

static bool is_operator(const char *at) {
    static const char *const operators[] = {"+ ", "- ", "* ", "/ ", "? ", ": ", "&& ", "|| "};
    return begins_with(at, operators, sizeof operators / sizeof *operators);
}

static bool compares(const char *at) {
    static const char *const operators[] = {"== ", "!= ", "<= ", ">= ", "< ", "> ", "& ", "| "};
    return begins_with(at, operators, sizeof operators / sizeof *operators);
}

/* Where the line may be cut so that its first part has at most `room` bytes: the last such place, or the first of all; 0: it is nowhere. */
static size_t cut(const char *line, size_t length, size_t indent, size_t room, bool comment) {
    size_t best = 0, other = 0;
    int brackets = 0; /* subscripts stay whole */
    bool quoted = false;
    for (size_t i = indent + 1; i < length && (i <= room || best + other == 0); i++) {
        if (line[i - 1] == '"' && line[i - 2] != '\\') quoted = !quoted;
        if (!quoted) brackets += (line[i - 1] == '[') - (line[i - 1] == ']');
        if (quoted || line[i - 1] != ' ' || strncmp(line + i, "*/", 2) == 0) continue;
        bool after_comma = i >= 2 && line[i - 2] == ',';
        if (brackets > 0) other = comment ? i : other;
        else if (comment || after_comma || is_operator(line + i)) best = i;
        else if (compares(line + i) || (i >= 3 && strncmp(line + i - 3, " = ", 3) == 0)) other = i;
    }
    return best > 0 ? best : other;
}

void c_wrap(Text *text, const char *lines) {
    bool in_comment = false;
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n"), indent = strspn(lines, " ");
        const char *line = lines;
        char *blanks = arena_printf(text->arena, "%*s", (int)indent + 4, "");
        bool comment = in_comment || strncmp(line + indent, "/*", 2) == 0;
        size_t end = length;
        while (end > 0 && line[end - 1] == ' ') end--;
        if (comment) in_comment = !(end >= 2 && strncmp(line + end - 2, "*/", 2) == 0);
        const char *first = "";
        while (length + strlen(first) > COLUMNS && line[indent] != '#') {
            size_t at = cut(line, length, *first == '\0' ? indent : 0, COLUMNS - strlen(first), comment);
            if (at == 0) break;
            size_t shown = at;
            while (shown > 0 && line[shown - 1] == ' ') shown--;
            text_printf(text, "%s%.*s\n", first, (int)shown, line);
            line += at;
            length -= at;
            first = blanks;
            indent = 0;
        }
        text_printf(text, "%s%.*s\n", first, (int)length, line);
        lines = line + length + (line[length] == '\n');
    }
}
