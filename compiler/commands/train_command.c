/* nnc train MODEL, nnc predict MODEL, nnc evaluate MODEL: C, the system's compiler, and the program takes over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/build.h"
#include "commands/commands.h"
#include "data.h"

/* The folder of the model: the program finds the data from there. */
static const char *folder_of(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "." : slash == path ? "/" : arena_text(arena, path, (size_t)(slash - path));
}

int command_train(LoopProgram *loop, const Sources *sources, const TrainOptions *options, Diagnostics *diagnostics) {
    Arena *arena = loop->arena;
    const Model *model = loop->model;
    if (data_to_train(model, diagnostics) == NULL) return 1;
    OutputFiles files = generate_files(loop, sources, true);
    const BuildOptions build = {
        .cc = options->cc, .fast = loop->options.fast, .zlib = generate_needs_zlib(model), .quiet = options->quiet};
    const char *program = build_program(arena, model->name, &files, &build);
    if (program == NULL) return 1;
    Vec(const char *) words = {0};
    vec_push(arena, &words, arena_printf(arena, "nnc %s %s", options->command, model->path));
    vec_push(arena, &words, "--data");
    vec_push(arena, &words, folder_of(arena, model->path));
    for (size_t i = 0; i < options->pass.count; i++) vec_push(arena, &words, options->pass.at[i]);
    vec_push(arena, &words, NULL);
    fflush(stdout);
    execv(program, (char *const *)(uintptr_t)words.at);
    fprintf(stderr, "nnc: %s: %s\n", program, strerror(errno));
    return 1;
}
