/* nnc train MODEL, nnc predict MODEL, nnc evaluate MODEL: C, the system's compiler, and the program takes over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/build.h"
#include "commands/commands.h"
#include "../runtime/file.h"
#include "data.h"
#include "loop_to_c.h"

/* The folder of the model: the program finds the data from there. */
static const char *folder_of(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? "." : slash == path ? "/" : arena_text(arena, path, (size_t)(slash - path));
}

/* Whether gzip has packed a file. A pipe is not looked into: what is read from it is gone. */
static bool is_packed(const char *path) {
    unsigned char bytes[2];
    struct stat status;
    bool regular = path != NULL && stat(path, &status) == 0 && S_ISREG(status.st_mode);
    FILE *file = regular ? fopen(path, "rb") : NULL;
    size_t length = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file != NULL) fclose(file);
    return nnc_file_is_packed(bytes, length);
}

int command_train(LoopProgram *loop, const Sources *sources, const TrainOptions *options, Diagnostics *diagnostics) {
    Arena *arena = loop->arena;
    const Model *model = loop->model;
    const DataBlock *block = options->trains ? data_to_train(model, diagnostics) : data_to_judge(model, diagnostics);
    if (block == NULL) return 1;
    loop->options.unpack = is_packed(options->examples);
    OutputFiles files = generate_files(loop, sources, true);
    const BuildOptions build = {.cc = options->cc,
                                .fast = loop->options.fast,
                                .level = c_level(loop),
                                .vectors = loop->options.target->bytes > 0,
                                .threads = loop_uses_threads(loop),
                                .zlib = generate_needs_zlib(loop),
                                .quiet = options->quiet};
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
