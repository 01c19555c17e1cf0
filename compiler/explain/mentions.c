/* The .nn source and the generated C, with marks round everything that the explanation has a name for. */
#include <ctype.h>
#include <stdlib.h>

#include "c_text/c_text.h"
#include "explain/html.h"

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* ---- The model */

typedef struct {
    uint32_t begin, end;
    const char *names; /* separated by spaces */
} Mark;

typedef struct {
    const Lesson *lesson;
    Vec(Mark) list;
} Marks;

static void mark_in_line(Marks *marks, uint32_t begin, uint32_t end, const char *name) {
    for (size_t i = 0; i < marks->list.count; i++) {
        Mark *old = &marks->list.at[i];
        if (old->begin != begin || old->end != end) continue;
        old->names = arena_printf(marks->lesson->arena, "%s %s", old->names, name);
        return;
    }
    vec_push(marks->lesson->arena, &marks->list, ((Mark){begin, end, name}));
}

/* Line by line, from its first word on. */
static void mark(Marks *marks, Span span, const char *name) {
    if (span.source != marks->lesson->source) return;
    const char *text = source_of(marks->lesson->sources, span)->text;
    for (uint32_t begin = span.begin, end; begin < span.end; begin = end + 1) {
        while (begin < span.end && text[begin] == ' ') begin++;
        for (end = begin; end < span.end && text[end] != '\n'; end++) continue;
        if (end > begin) mark_in_line(marks, begin, end, name);
    }
}

/* The definition of each tensor, and of its derivative; what the compiler made of a formula is where the formula stands. */
static void mark_definitions(Marks *marks) {
    const Lesson *lesson = marks->lesson;
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Statement *s = lesson->items.at[i].statement;
        if (lesson->items.at[i].phase != PHASE_BACKWARD) mark(marks, s->origin.span, s->target->name);
    }
    for (size_t i = 0; i < lesson->program->all.count; i++) {
        const Tensor *t = lesson->program->all.at[i];
        if (t->kind == TENSOR_PARAMETER || t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET) mark(marks, t->span, t->name);
        if (t->kind != TENSOR_ADJOINT || lesson_item(lesson, t) == NULL) continue;
        const Statement *of = t->of->definition;
        mark(marks, of != NULL ? of->origin.span : t->of->span, t->name);
    }
}

/* Names that the model writes: x, hidden */
static void mark_names(Marks *marks, const Source *source) {
    const Lesson *lesson = marks->lesson;
    for (uint32_t i = 0; i < source->length;) {
        if (source->text[i] == '#') { /* a comment */
            while (i < source->length && source->text[i] != '\n') i++;
            continue;
        }
        uint32_t end = i;
        while (end < source->length && (is_word(source->text[end]) || (source->text[end] == '.' && end > i))) end++;
        for (size_t k = 0; end > i && k < lesson->program->all.count; k++) {
            const Tensor *t = lesson->program->all.at[k];
            bool named = t->kind != TENSOR_LITERAL && t->kind != TENSOR_SETTING && t->kind != TENSOR_PART && t != lesson->scratch;
            if (named && strlen(t->name) == end - i && strncmp(t->name, source->text + i, end - i) == 0)
                mark(marks, (Span){marks->lesson->source, i, end}, t->name);
        }
        i = end > i ? end : i + 1;
    }
}

static int outer_first(const void *a, const void *b) {
    const Mark *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end > y->end ? -1 : x->end < y->end;
}

static void put_char(Text *text, char c) { html_text(text, (char[]){c, '\0'}); }

/* Marks stand in one another, and each ends on its line: one that reaches further, or out of another, is left out. */
void html_model(Text *text, const Lesson *lesson) {
    Marks marks = {.lesson = lesson};
    const Source *source = source_of(lesson->sources, (Span){lesson->source, 0, 0});
    mark_definitions(&marks);
    mark_names(&marks, source);
    qsort(marks.list.at, marks.list.count, sizeof *marks.list.at, outer_first);
    uint32_t ends[64];
    size_t open = 0, next = 0;
    unsigned line = 1;
    text_printf(text, "<span class=\"l\" id=\"n%u\">", line);
    for (uint32_t i = 0; i < source->length; i++) {
        while (open > 0 && ends[open - 1] <= i) {
            text_put(text, "</span>");
            open--;
        }
        for (; next < marks.list.count && marks.list.at[next].begin <= i; next++) {
            const Mark *m = &marks.list.at[next];
            bool fits = m->begin == i && open < 64 && (open == 0 || m->end <= ends[open - 1]) &&
                        memchr(source->text + i, '\n', m->end - i) == NULL;
            if (!fits) continue;
            text_printf(text, "<span data-s=\"%s\" tabindex=\"0\">", m->names);
            ends[open++] = m->end;
        }
        if (source->text[i] != '\n') {
            put_char(text, source->text[i]);
        } else {
            for (; open > 0; open--) text_put(text, "</span>");
            text_put(text, "</span>\n");
            if (i + 1 < source->length) text_printf(text, "<span class=\"l\" id=\"n%u\">", ++line);
        }
    }
    for (; open > 0; open--) text_put(text, "</span>");
    if (source->length > 0 && source->text[source->length - 1] != '\n') text_put(text, "</span>\n");
}

/* ---- The C */

typedef struct {
    const Lesson *lesson;
    Names *names;
    NameTable known; /* 1 + position in the program, by the name that C has for the tensor */
} CNames;

static void learn(CNames *c) {
    const Program *program = c->lesson->program;
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        if (t->kind == TENSOR_LITERAL || t->kind == TENSOR_SETTING || t == c->lesson->scratch) continue;
        *name_table_at(c->lesson->arena, &c->known, name_of(c->names, c_name(c->lesson->arena, t->name))) = i + 1;
    }
}

static const Tensor *look_up(const CNames *c, const char *word, size_t length) {
    size_t found = name_table_get(&c->known, name_of_length(c->names, word, length));
    return found == 0 ? NULL : c->lesson->program->all.at[found - 1];
}

/* "model->hidden.W", "hidden_dense_0": the element of a tensor that is a variable ends in its subscripts. */
static const Tensor *tensor_of(const CNames *c, const char *word, size_t length) {
    static const char *const owners[] = {"model", "work", "state", "gradient", "out", "in", "target"};
    char flat[300];
    size_t count = 0, from = 0;
    if (length >= sizeof flat) return NULL;
    for (size_t i = 0; i < length; i++) {
        if (word[i] == '-' || word[i] == '.') flat[count++] = '_';
        else if (word[i] != '>') flat[count++] = word[i];
        bool owner = from == 0 && count > 0 && flat[count - 1] == '_' && (word[i] == '-' || word[i] == '.');
        for (size_t o = 0; owner && o < sizeof owners / sizeof *owners; o++) {
            if (strlen(owners[o]) == count - 1 && strncmp(owners[o], flat, count - 1) == 0) from = count;
        }
    }
    if (count > 0 && flat[0] == '_' && word[0] == '.') from = 1; /* in[0].x */
    const Tensor *t = look_up(c, flat + from, count - from);
    while (t == NULL && count > from && isdigit((unsigned char)flat[count - 1])) {
        size_t end = count;
        while (end > from && isdigit((unsigned char)flat[end - 1])) end--;
        if (end == from || flat[end - 1] != '_') break;
        count = end - 1;
        t = look_up(c, flat + from, count - from);
    }
    return t;
}

static size_t word_length(const char *at) {
    size_t length = *at == '.' ? 1 : 0;
    for (;;) {
        size_t start = length;
        while (is_word(at[length])) length++;
        if (length == start) return start > 0 && !is_word(at[start - 1]) ? 0 : start;
        if (at[length] == '.' && is_word(at[length + 1])) length++;
        else if (at[length] == '-' && at[length + 1] == '>' && is_word(at[length + 2])) length += 2;
        else return length;
    }
}

/* The items whose code the line belongs to; *first: it begins there. */
static const char *items_at(const Lesson *lesson, unsigned line, bool *first) {
    const char *names = "";
    *first = false;
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (line < item->c_line || line >= item->c_end || item->c_inside != NULL) continue;
        names = arena_printf(lesson->arena, "%s%s%s", names, *names != '\0' ? " " : "", item->statement->target->name);
        *first |= line == item->c_line;
    }
    return names;
}

void html_generated(Text *text, const Lesson *lesson) {
    CNames c = {lesson, pool_names(lesson->program->pool), {0}};
    learn(&c);
    unsigned line = 1;
    for (const char *at = lesson->c_text; *at != '\0'; line++) {
        bool first;
        const char *names = items_at(lesson, line, &first);
        text_printf(text, "<span class=\"l\" id=\"c%u\"", line);
        if (*names != '\0') text_printf(text, " data-s=\"%s\"%s", names, first ? " tabindex=\"0\"" : "");
        text_put(text, ">");
        char before = ' ';
        while (*at != '\0' && *at != '\n') {
            bool begins = (isalpha((unsigned char)*at) || *at == '_' || (*at == '.' && before == ']')) && !is_word(before);
            size_t length = begins ? word_length(at) : 0;
            const Tensor *t = length > 0 ? tensor_of(&c, at, length) : NULL;
            if (length == 0) length = 1;
            if (t != NULL) text_printf(text, "<span data-s=\"%s\">", t->name);
            for (size_t i = 0; i < length; i++) put_char(text, at[i]);
            if (t != NULL) text_put(text, "</span>");
            before = at[length - 1];
            at += length;
        }
        text_put(text, "</span>\n");
        at += *at == '\n';
    }
}
