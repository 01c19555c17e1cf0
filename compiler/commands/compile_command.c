/* nnc compile MODEL: C files in a folder, or one file. */
#include <stdio.h>

#include "commands/commands.h"
#include "commands/generate.h"
#include "data.h"
#include "loop_to_c.h"

static void say_command(LoopProgram *loop, const OutputFiles *files, const char *folder, bool program) {
    const char *m = loop->model->name;
    printf("wrote %zu files to %s/\n", files->count, folder);
    if (!program) return;
    const char *f = *folder == '/' || *folder == '.' ? folder : arena_printf(loop->arena, "./%s", folder);
    const char *word = generate_shell_word(loop->arena, folder),
               *slash = strrchr(loop->model->path, '/'); /* the program finds data from the model's folder */
    printf("  cc %s %s/*.c %s/runtime/*.c -lm%s -o %s/%s && %s/%s", c_flags(loop), word, word,
           generate_needs_zlib(loop) ? " -lz" : "", word, m, generate_shell_word(loop->arena, f), m);
    if (slash != NULL)
        printf(" --data %s",
               generate_shell_word(loop->arena, arena_text(loop->arena, loop->model->path, (size_t)(slash - loop->model->path))));
    putchar('\n');
}

int command_compile(LoopProgram *loop, const Sources *sources, const OutputOptions *options, Diagnostics *diagnostics) {
    Arena *arena = loop->arena;
    const Model *model = loop->model;
    bool program = !options->library, fine;
    if (program && data_to_train(model, diagnostics) == NULL) {
        note_at(diagnostics, (Span){0}, "--library writes the network without a program that trains it");
        return 1;
    }
    if (options->single_file) {
        OutputFiles files = {0};
        const char *path = options->output != NULL ? options->output : arena_printf(arena, "%s.c", model->name);
        vec_push(arena, &files, (OutputFile){path, generate_single_file(loop, sources, program, path)});
        fine = write_files(arena, NULL, &files);
        if (fine && !options->quiet) printf("wrote %s; its first line says how to compile it\n", path);
    } else {
        const char *folder = options->output != NULL ? options->output : model->name;
        OutputFiles files = generate_files(loop, sources, program);
        fine = write_files(arena, folder, &files);
        if (fine && !options->quiet) say_command(loop, &files, folder, program);
    }
    return fine ? 0 : 1;
}
