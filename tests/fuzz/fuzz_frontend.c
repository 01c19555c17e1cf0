/* Arbitrary bytes through the whole pipeline, and back through the printer: nothing may crash, hang or leak.

   An input that says `import` is only parsed, so that no file is read. What parses must print to text that parses to the same text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool holds(const uint8_t *data, size_t size, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(data + i, word, length) == 0) return true;
    }
    return false;
}

static Compilation *begin(const char *name, const char *text, size_t length) {
    Compilation *c = compilation_new();
    c->source = source_add(c->context.sources, name, text, length, false);
    return c;
}

/* Parses and prints; NULL after an error. */
static char *printed(const char *text, size_t length) {
    Compilation *c = begin("fuzz.nn", text, length);
    AstList items = parse_source(&c->context, c->source);
    char *copy = NULL;
    if (c->context.diagnostics->errors == 0) {
        Text *out = text_new(c->context.arena);
        ast_print(out, &items);
        copy = strdup(text_string(out));
    }
    compilation_free(c);
    return copy;
}

static void round_trip(const char *text, size_t length) {
    char *once = printed(text, length);
    if (once == NULL) return;
    char *twice = printed(once, strlen(once));
    if (twice == NULL || strcmp(once, twice) != 0) {
        fprintf(stderr, "what was printed:\n%s\nis read as:\n%s\n", once, twice == NULL ? "an error" : twice);
        abort();
    }
    free(once);
    free(twice);
}

static void whole(const char *text, size_t length, FILE *nowhere) {
    Compilation *c = begin("fuzz.nn", text, length);
    c->options = (CompileOptions){.check = true, .dump = "simplify"};
    bool fine = compile(c, nowhere);
    if (!fine && c->context.diagnostics->errors == 0) abort(); /* it failed and nobody was told why */
    diagnostics_print(c->context.diagnostics, nowhere, false);
    compilation_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    if (nowhere == NULL && (nowhere = fopen("/dev/null", "w")) == NULL) return 0;
    char *text = malloc(size + 1); /* a copy of its own, so that a read beyond its end is seen */
    if (text == NULL) return 0;
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    round_trip(text, size);
    if (!holds(data, size, "import")) whole(text, size, nowhere);
    free(text);
    return 0;
}
