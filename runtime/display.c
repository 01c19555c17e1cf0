#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* clock_gettime, isatty */
#endif
#include "display.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "number.h"
#include "quote.h"

static const double redraws_per_second = 10;

double nnc_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static size_t terminal_columns(void) {
    const char *variable = getenv("COLUMNS");
    long columns = variable == NULL ? 0 : strtol(variable, NULL, 10);
#ifdef TIOCGWINSZ
    struct winsize size;
    if (columns <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
#endif
    return columns > 0 ? (size_t)columns : 80;
}

NncDisplayKind nnc_display_choose(int quiet, int json) {
    const char *terminal = getenv("TERM");
    if (json) return NNC_JSON;
    if (quiet) return NNC_QUIET;
    return isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0 ? NNC_TERMINAL : NNC_LINES;
}

void nnc_display_start(NncDisplay *display, NncDisplayKind kind, const NncProgram *program, uint32_t first, uint32_t epochs) {
    memset(display, 0, sizeof *display);
    display->kind = kind;
    display->program = program;
    display->first = first;
    display->epochs = epochs;
    display->started = nnc_seconds();
}

void nnc_display_free(NncDisplay *display) {
    free(display->losses);
    display->losses = NULL;
}

/* ---- On a terminal */

void nnc_display_clear(NncDisplay *display) {
    if (display->kind != NNC_TERMINAL || display->drawn <= 0) return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
}

void nnc_display_within(NncDisplay *display, uint32_t epoch, double share, double loss, const double *metrics) {
    enum { BAR = 20 };
    char line[400], bar[BAR + 1];
    size_t columns;
    double now, done, left; /* left: seconds */
    if (display->kind != NNC_TERMINAL) return;
    now = nnc_seconds();
    if (now - display->drawn < 1 / redraws_per_second) return;
    display->drawn = now;
    done = ((double)(epoch - 1 - display->first) + share) / (double)(display->epochs - display->first);
    left = (now - display->started) * (1 - done) / done;
    if (!(left < 1e6)) left = 1e6;
    for (int i = 0; i < BAR; i++) bar[i] = (double)i + 0.5 < done * BAR ? '#' : '.';
    bar[BAR] = '\0';
    snprintf(line, sizeof line, "epoch %lu/%lu [%s] %3.0f %%  %ld:%02ld left  loss %-10.6g", (unsigned long)epoch,
             (unsigned long)display->epochs, bar, 100 * done, (long)left / 60, (long)left % 60, loss);
    for (size_t m = 0; m < display->program->metric_count; m++) {
        if (display->program->metrics[m] == NULL) continue;
        snprintf(line + strlen(line), sizeof line - strlen(line), "  %.100s %-8.4g", display->program->metrics[m], metrics[m]);
        break; /* there is room for one */
    }
    columns = terminal_columns();
    if (columns < sizeof line) line[columns - 1] = '\0'; /* a line that wraps could not be redrawn */
    printf("\r%s\033[K", line);
    fflush(stdout);
}

static void remember(NncDisplay *display, double loss) {
    size_t count = display->loss_count;
    if ((count & (count - 1)) == 0) { /* room is doubled at powers of two */
        double *larger = realloc(display->losses, (count == 0 ? 1 : count * 2) * sizeof *larger);
        if (larger == NULL) return;
        display->losses = larger;
    }
    display->losses[display->loss_count++] = loss;
}

/* ---- An epoch */

static void print_results(const NncDisplay *display, const char *title, const NncResults *results) {
    if (!results->given) return;
    printf("%s loss %.6g", title, results->loss);
    for (size_t m = 0; m < display->program->metric_count; m++) {
        if (display->program->metrics[m] != NULL) printf("  %s %.6g", display->program->metrics[m], results->metrics[m]);
    }
}

static void print_line(const NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds) {
    printf("epoch %lu", (unsigned long)epoch);
    print_results(display, " ", &results[NNC_TRAINING]);
    print_results(display, "  held out:", &results[NNC_HELD_OUT]);
    print_results(display, "  test:", &results[NNC_TEST]);
    printf("  %.2f s\n", seconds);
}

static void print_field(const char *prefix, const char *name, double value) {
    printf(",\"%s%s\":", prefix, name);
    nnc_number_json(stdout, value);
}

/* A float network's results have the digits of a float. */
static void print_result(const NncDisplay *display, const char *prefix, const char *name, double value) {
    print_field(prefix, name, display->program->number_size == sizeof(float) ? nnc_number_of_float((float)value) : value);
}

static void print_json_results(const NncDisplay *display, const char *prefix, const NncResults *results) {
    print_result(display, prefix, "loss", results->loss);
    for (size_t m = 0; m < display->program->metric_count; m++) {
        if (display->program->metrics[m] != NULL)
            print_result(display, prefix, display->program->metrics[m], results->metrics[m]);
    }
}

static void print_json(const NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds) {
    static const char *const prefixes[NNC_RESULTS] = {"", "holdout_", "test_"};
    printf("{\"epoch\":%lu", (unsigned long)epoch);
    for (int r = 0; r < NNC_RESULTS; r++) {
        if (results[r].given) print_json_results(display, prefixes[r], &results[r]);
    }
    if (display->confusion != NULL) nnc_confusion_json(stdout, display->confusion);
    print_field("", "seconds", seconds);
    puts("}");
}

void nnc_display_epoch(NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds) {
    switch (display->kind) {
    case NNC_QUIET: return;
    case NNC_LINES: print_line(display, epoch, results, seconds); break;
    case NNC_JSON: print_json(display, epoch, results, seconds); break;
    case NNC_TERMINAL: remember(display, results[NNC_TRAINING].loss); return;
    }
    fflush(stdout); /* whoever reads a pipe sees an epoch when it is over */
}

void nnc_display_note(NncDisplay *display, const char *format, uint32_t number) {
    if (display->kind == NNC_QUIET || display->kind == NNC_JSON) return;
    nnc_display_clear(display);
    printf(format, (unsigned long)number);
    putchar('\n');
}

void nnc_display_end(NncDisplay *display, uint32_t epoch, const NncResults results[NNC_RESULTS], double seconds) {
    if (display->kind != NNC_TERMINAL || epoch == 0) return;
    nnc_display_clear(display);
    nnc_chart_print(stdout, display->losses, display->loss_count, terminal_columns(), strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
    print_line(display, epoch, results, seconds);
    if (display->confusion != NULL) nnc_confusion_print(stdout, display->confusion, terminal_columns());
}

void nnc_display_evaluation(const NncDisplay *display, const char *title, size_t examples, const NncResults *results) {
    if (display->kind == NNC_JSON) {
        fputs("{\"data\":", stdout);
        nnc_quote_json(stdout, title);
        printf(",\"examples\":%zu", examples);
        print_json_results(display, "", results);
        if (display->confusion != NULL) nnc_confusion_json(stdout, display->confusion);
        puts("}");
        return;
    }
    printf("%s:", title);
    print_results(display, "", results);
    printf("  (%zu example%s)\n", examples, examples == 1 ? "" : "s");
    if (display->confusion != NULL) nnc_confusion_print(stdout, display->confusion, terminal_columns());
}
