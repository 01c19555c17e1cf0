#include "confusion.h"

#include <string.h>

#include "member.h"
#include "quote.h"

int nnc_confusion_is_wanted(const NncProgram *program) {
    return program->classes > 0 && program->classes <= NNC_CONFUSION_CLASSES;
}

size_t nnc_largest(const double *numbers, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (numbers[i] > numbers[best]) best = i;
    }
    return best;
}

void nnc_confusion_add(const NncProgram *program, NncConfusion *confusion, const char *target, const char *out, size_t n) {
    const NncMember *right = &program->targets[program->class_target], *answer = &program->outputs[program->class_output];
    double numbers[NNC_CONFUSION_CLASSES];
    size_t row, column;
    for (size_t i = 0; i < n; i++) {
        nnc_member_read(program, right, target + i * program->target_size, numbers);
        row = right->whole ? (size_t)numbers[0] : nnc_largest(numbers, confusion->classes);
        nnc_member_read(program, answer, out + i * program->output_size, numbers);
        column = nnc_largest(numbers, confusion->classes);
        confusion->counts[row * confusion->classes + column]++;
    }
}

/* ---- A table */

/* A class by its name, cut off, without what could move the cursor; without a name, by its number. Returns how many columns it takes. */
enum { CLASS_LABEL = 64 };
static size_t class_label(const NncConfusion *confusion, size_t class, int named, char out[CLASS_LABEL]) {
    enum { LONGEST = 12 };
    size_t columns = 0, used = 0;
    const char *name = named && confusion->names != NULL ? confusion->names[class] : NULL;
    if (name == NULL) return (size_t)sprintf(out, "%zu", class);
    for (; *name != '\0' && used < CLASS_LABEL - 1; name++) {
        unsigned char c = (unsigned char)*name;
        if ((c & 0xC0) != 0x80 && columns++ == LONGEST) break; /* else it goes on with a character of UTF-8 */
        out[used++] = c < ' ' || c == 127 ? '?' : *name;
    }
    out[used] = '\0';
    return columns > LONGEST ? (size_t)LONGEST : columns;
}

static size_t table_width(const NncConfusion *confusion, int named) {
    size_t width = 1, length;
    char text[CLASS_LABEL];
    for (size_t i = 0; i < confusion->classes * confusion->classes; i++) {
        length = (size_t)sprintf(text, "%llu", (unsigned long long)confusion->counts[i]);
        if (length > width) width = length;
    }
    for (size_t i = 0; i < confusion->classes; i++) {
        length = class_label(confusion, i, named, text);
        if (length > width) width = length;
    }
    return width;
}

static void put_blanks(FILE *file, size_t count) {
    while (count-- > 0) putc(' ', file);
}

void nnc_confusion_print(FILE *file, const NncConfusion *confusion, size_t columns) {
    size_t k = confusion->classes, width = table_width(confusion, 1), length;
    int named = width + (width + 2) * k <= columns;
    char text[CLASS_LABEL], number[24];
    if (!named) width = table_width(confusion, 0); /* the names stand behind the rows */
    fprintf(file, "%s: a row for each class, a column for what it was taken for\n", confusion->data);
    put_blanks(file, width);
    for (size_t i = 0; i < k; i++) {
        length = class_label(confusion, i, named, text);
        put_blanks(file, width + 2 - length);
        fputs(text, file);
    }
    putc('\n', file);
    for (size_t row = 0; row < k; row++) {
        length = class_label(confusion, row, named, text);
        fputs(text, file);
        put_blanks(file, width - length);
        for (size_t i = 0; i < k; i++) {
            length = (size_t)sprintf(number, "%llu", (unsigned long long)confusion->counts[row * k + i]);
            put_blanks(file, width + 2 - length);
            fputs(number, file);
        }
        if (!named && confusion->names != NULL) {
            class_label(confusion, row, 1, text);
            fprintf(file, "  %s", text);
        }
        putc('\n', file);
    }
}

void nnc_confusion_json(FILE *file, const NncConfusion *confusion) {
    size_t k = confusion->classes;
    fputs(",\"confusion\":[", file);
    for (size_t row = 0; row < k; row++) {
        fputs(row == 0 ? "[" : ",[", file);
        for (size_t i = 0; i < k; i++)
            fprintf(file, "%s%llu", i == 0 ? "" : ",", (unsigned long long)confusion->counts[row * k + i]);
        putc(']', file);
    }
    putc(']', file);
    if (confusion->names == NULL) return;
    for (size_t i = 0; i < k; i++) {
        fputs(i == 0 ? ",\"classes\":[" : ",", file);
        nnc_quote_json(file, confusion->names[i]);
    }
    putc(']', file);
}
