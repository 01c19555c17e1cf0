#include "quote.h"

#include <string.h>

void nnc_quote_csv(FILE *file, const char *text) {
    size_t length = strlen(text);
    int plain = text[strcspn(text, ",\"\r\n")] == '\0' && length > 0 && strchr(" \t", text[0]) == NULL &&
                strchr(" \t", text[length - 1]) == NULL;
    if (plain) {
        fputs(text, file);
        return;
    }
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"') putc('"', file);
        putc(*text, file);
    }
    putc('"', file);
}

void nnc_quote_json(FILE *file, const char *text) {
    putc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ') fprintf(file, "\\u%04x", (unsigned)c);
        else if (c == '"' || c == '\\') fprintf(file, "\\%c", c);
        else putc(c, file);
    }
    putc('"', file);
}
