#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void nnc_message(const char *program, const char *format, ...) {
    va_list list;
    fprintf(stderr, "%s: ", program);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    putc('\n', stderr);
}

static int least(int a, int b) { return a < b ? a : b; }

int nnc_slip(const char *from, const char *to) {
    enum { LONGEST = 63 };
    int before[LONGEST + 1] = {0}, last[LONGEST + 1], row[LONGEST + 1];
    size_t m = strlen(from), n = strlen(to);
    int limit = m <= 3 ? 1 : m <= 7 ? 2 : 3;
    if (m > LONGEST || n > LONGEST) return 0;
    for (size_t j = 0; j <= n; j++) last[j] = (int)j;
    for (size_t i = 1; i <= m; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = least(last[j - 1] + (from[i - 1] != to[j - 1]), least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) row[j] = least(row[j], before[j - 2] + 1);
        }
        memcpy(before, last, (n + 1) * sizeof *last);
        memcpy(last, row, (n + 1) * sizeof *row);
    }
    return last[n] <= limit && (size_t)last[n] < m ? last[n] : 0;
}
