/* The user's mistakes: collected here while compilation goes on to find more.

   A message looks like this (colour on a terminal only):

       iris.nn:7:21: error: 'sigmod' is not defined; did you mean 'sigmoid'?
           hidden = x -> sigmod
                         ^~~~~~
       iris.nn:3:8: note: ...

   At most 20 errors are kept. An error at a span that already has one is dropped: one message per cause. */
#ifndef NNC_BASE_DIAGNOSTIC_H
#define NNC_BASE_DIAGNOSTIC_H

#include <stdio.h>

#include "base/source.h"

typedef enum { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE } Severity;

typedef struct Diagnostic {
    Severity severity;
    Span span;
    const char *message;
    struct Diagnostic *note; /* further places, in order */
} Diagnostic;

typedef struct {
    Arena *arena;
    const Sources *sources;
    Vec(Diagnostic *) list;
    size_t errors; /* found, those beyond the limit included */
    bool dropped;  /* the last error was dropped: its notes go too */
    bool stop;     /* the limit is reached: a step may give up */
} Diagnostics;

enum { ERROR_LIMIT = 20 };

Diagnostics *diagnostics_new(Arena *arena, const Sources *sources);

void error_at(Diagnostics *diagnostics, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));
void warning_at(Diagnostics *diagnostics, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A second place for the message that came last. */
void note_at(Diagnostics *diagnostics, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints all, in order of their places. */
void diagnostics_print(const Diagnostics *diagnostics, FILE *file, bool colour);

#endif
