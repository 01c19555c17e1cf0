/* Where each statement stands in the generated C: its formula is a comment there, and the code comes right behind. */
#include <ctype.h>

#include "c_text/c_text.h"
#include "explain/lesson.h"

static const char *next_line(const char *line) {
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

/* A line of a comment that begins with "FILE:LINE   TARGET"; the first one may begin with the target alone. */
static bool begins_with(const char *line, const Tensor *target, bool first) {
    while (*line == ' ' || *line == '/' || *line == '*') line++;
    size_t place = strcspn(line, " \n"), length = strlen(target->name);
    bool has_place = place > 0 && isdigit((unsigned char)line[place - 1]) && memchr(line, ':', place) != NULL;
    if (has_place && strncmp(line + place, "   ", 3) == 0) line += place + 3;
    else if (!first) return false; /* a formula that goes on */
    if (strncmp(line, target->name, length) != 0) return false;
    return line[length] == '[' || strncmp(line + length, " = ", 3) == 0 || strncmp(line + length, " += ", 4) == 0;
}

typedef struct {
    const char *begin, *end; /* the function that runs a step */
    unsigned line;
} Region;

static Region step_of(const char *text) {
    static const char heading[] = "/* One step of training on one batch";
    const char *found = strstr(text, heading);
    Region region = {.begin = found != NULL ? found : text, .line = 1};
    for (const char *c = text; c < region.begin; c++) region.line += *c == '\n';
    const char *end = found != NULL ? strstr(found, "\n}\n") : NULL;
    region.end = end != NULL ? end : region.begin + strlen(region.begin);
    return region;
}

/* The first line of code behind the comment; 0 where there is none. */
static unsigned line_of(const Region *region, const Tensor *target) {
    unsigned number = region->line;
    bool inside = false, found = false;
    for (const char *line = region->begin; line < region->end; line = next_line(line), number++) {
        size_t length = strcspn(line, "\n");
        const char *words = line + strspn(line, " ");
        bool opens = strncmp(words, "/*", 2) == 0, closes = length >= 2 && strncmp(line + length - 2, "*/", 2) == 0;
        if (found && !inside && !opens) return number;
        if ((inside || opens) && begins_with(line, target, opens)) found = true;
        inside = (inside || opens) && !closes;
    }
    return 0;
}

/* An item whose formula reads the target, and whose place is known. */
static const Item *reader_of(const Lesson *lesson, const Tensor *target) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (item->c_line > 0 && item->statement->target != target &&
            expr_reads(lesson->program->pool, item->statement->value, target))
            return item;
    }
    return NULL;
}

/* The line behind the code of a statement: an empty one, or the next comment. */
static unsigned end_of(const char *text, unsigned from) {
    unsigned number = 1;
    for (const char *line = text; *line != '\0'; line = next_line(line), number++) {
        const char *words = line + strspn(line, " ");
        if (number > from && (*words == '\n' || strncmp(words, "/*", 2) == 0)) return number;
    }
    return number;
}

void lesson_find_in_c(Lesson *lesson, const char *file, const char *text) {
    Region region = step_of(text);
    lesson->c_file = file;
    lesson->c_text = text;
    for (size_t i = 0; i < lesson->items.count; i++) {
        lesson->items.at[i].c_line = line_of(&region, lesson->items.at[i].statement->target);
    }
    for (bool found = true; found;) { /* what stands inside of something that stands inside of something else */
        found = false;
        for (size_t i = lesson->items.count; i-- > 0;) {
            Item *item = &lesson->items.at[i];
            const Item *reader = item->c_line == 0 ? reader_of(lesson, item->statement->target) : NULL;
            if (reader == NULL) continue;
            item->c_inside = reader->c_inside != NULL ? reader->c_inside : reader->statement->target;
            item->c_line = reader->c_line;
            found = true;
        }
    }
    for (size_t i = 0; i < lesson->items.count; i++) {
        if (lesson->items.at[i].c_line > 0) lesson->items.at[i].c_end = end_of(text, lesson->items.at[i].c_line);
    }
}

/* The word in the line, not inside of another one; or NULL. What stands behind it. */
static const char *behind_word(const char *line, const char *word) {
    for (const char *at = line; (at = strstr(at, word)) != NULL; at++) {
        if (at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) return at + strlen(word);
    }
    return NULL;
}

enum { PLACES = 3 }; /* where an element of an array may stand */

/* How well a line says that it computes the element: a sum that grows is where its terms are, a variable may only begin there. */
static int fitness(const char *line, const char *variable, const char *const *places) {
    const char *behind = behind_word(line, variable);
    if (behind != NULL && strncmp(behind, " += ", 4) == 0) return 4;
    if (behind != NULL && strncmp(behind, " = ", 3) == 0)
        return strcmp(behind, " = 0.0f;") == 0 || strcmp(behind, " = 0.0;") == 0 ? 1 : 3;
    for (int i = 0; i < PLACES; i++) {
        behind = behind_word(line, places[i]);
        if (behind != NULL &&
            (strncmp(behind, " = ", 3) == 0 || strncmp(behind, " -= ", 4) == 0 || strncmp(behind, " += ", 4) == 0))
            return 2;
    }
    return 0;
}

/* In straight lines, an element is a variable that ends in its subscripts, or an element of an array. What stands inside of another
   formula is where the same element of that one is. */
unsigned lesson_line_of(const Lesson *lesson, const Item *item, const Element *element) {
    if (item->c_line == 0) return 0;
    const Tensor *t = item->c_inside != NULL ? item->c_inside : element->tensor;
    const Tensor *of = t->kind == TENSOR_ADJOINT && t->of->kind == TENSOR_PARAMETER ? t->of : t;
    const char *dot = strrchr(of->name, '.');
    Text *variable = text_new(lesson->arena), *member = text_new(lesson->arena), *buffer = text_new(lesson->arena),
         *alone = text_new(lesson->arena);
    text_put(variable, c_name(lesson->arena, t->name));
    text_put(member, dot != NULL ? dot + 1 : of->name);
    text_printf(buffer, "%s%s", c_name(lesson->arena, t->name), t->batched ? "[b]" : "");
    text_printf(alone, "%s%s", c_name(lesson->arena, t->name), t->batched ? "[0]" : "");
    int first, axes = lesson_axes(element->tensor, &first);
    for (int i = 0; i < axes; i++) {
        text_printf(variable, "_%lld", (long long)element->point[i]);
        text_printf(member, "[%lld]", (long long)element->point[i]);
        text_printf(buffer, "[%lld]", (long long)element->point[i]);
        text_printf(alone, "[%lld]", (long long)element->point[i]);
    }
    const char *const places[PLACES] = {text_string(member), text_string(buffer), text_string(alone)};
    unsigned number = 1, best = item->c_line;
    int fits = 0;
    for (const char *line = lesson->c_text; number < item->c_end; number++, line = next_line(line)) {
        if (number < item->c_line) continue;
        int fit = fitness(arena_text(lesson->arena, line, strcspn(line, "\n")), text_string(variable), places);
        if (fit > fits) best = number;
        if (fit > fits) fits = fit;
    }
    return best;
}
