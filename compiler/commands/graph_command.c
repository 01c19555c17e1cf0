/* nnc graph MODEL: a picture of the network. */
#include <stdio.h>

#include "commands/commands.h"
#include "commands/generate.h"
#include "explain/graph.h"

static bool ends_in(const char *path, const char *end) {
    size_t length = strlen(path), tail = strlen(end);
    return length > tail && strcmp(path + length - tail, end) == 0;
}

bool graph_has_format(const char *path) {
    return path == NULL || strcmp(path, "-") == 0 || ends_in(path, ".svg") || ends_in(path, ".dot");
}

int command_graph(const Lesson *lesson, const GraphOptions *options) {
    Text *dot = text_new(lesson->arena);
    graph_dot(dot, lesson, options->backward);
    if (options->output == NULL || strcmp(options->output, "-") == 0) {
        fputs(text_string(dot), stdout);
        return 0;
    }
    const char *text = text_string(dot), *why = NULL;
    if (ends_in(options->output, ".svg")) text = graph_svg(lesson->arena, text, &why);
    if (text == NULL) {
        fprintf(stderr, "nnc: %s: %s\n", options->output, why);
        if (strstr(why, "installed") != NULL) fputs("nnc: -o FILE.dot writes the graph for it\n", stderr);
        return 1;
    }
    OutputFiles files = {0};
    vec_push(lesson->arena, &files, (OutputFile){options->output, text});
    return write_files(lesson->arena, NULL, &files) ? 0 : 1;
}
