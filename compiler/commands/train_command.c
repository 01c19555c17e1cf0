/* nnc train MODEL: C into a cache, the system's compiler, and the program takes over.

   The cache is $XDG_CACHE_HOME/nnc or ~/.cache/nnc; a program stands there under a number made from all that it is compiled from, so
   that the same model with the same options is compiled once. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/commands.h"
#include "commands/generate.h"
#include "data.h"

typedef Vec(const char *) Words;

/* FNV-1a (Fowler, Noll, Vo), 64 bits */
static uint64_t hash_text(uint64_t hash, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) hash = (hash ^ *at) * UINT64_C(1099511628211);
    return (hash ^ 0xFF) * UINT64_C(1099511628211);
}

static bool make_folders(char *path) {
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') continue;
        char kept = *at;
        *at = '\0';
        bool fine = mkdir(path, 0777) == 0 || errno == EEXIST;
        *at = kept;
        if (!fine || kept == '\0') return fine;
    }
}

/* In a folder that all may write somebody else could have put a program there before us. */
static bool is_ours(const char *folder) {
    struct stat found;
    mkdir(folder, 0700);
    return lstat(folder, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == getuid() && (found.st_mode & 022) == 0;
}

/* NULL: there is none that is safe. */
static const char *cache_folder(Arena *arena) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && *cache == '/') return arena_printf(arena, "%s/nnc", cache);
    if (home != NULL && *home == '/') return arena_printf(arena, "%s/.cache/nnc", home);
    const char *folder = arena_printf(arena, "/tmp/nnc-%ld", (long)getuid());
    return is_ours(folder) ? folder : NULL;
}

static void add_flags(Arena *arena, Words *words, bool is_fast, const char *cc) {
    vec_push(arena, words, cc);
    static const char *const strict[] = {"-std=c99", "-O3", "-fno-math-errno", "-fno-trapping-math"};
    static const char *const fast[] = {"-std=c99",           "-O3",
                                       "-march=native",      "-fopenmp-simd",
                                       "-ffp-contract=fast", "-fno-math-errno",
                                       "-fno-trapping-math", "-fno-signed-zeros"};
    if (is_fast) {
        for (size_t i = 0; i < sizeof fast / sizeof *fast; i++) vec_push(arena, words, fast[i]);
    } else {
        for (size_t i = 0; i < sizeof strict / sizeof *strict; i++) vec_push(arena, words, strict[i]);
    }
    vec_push(arena, words, "-D_POSIX_C_SOURCE=200809L");
}

/* Runs a command without a shell; what it says goes to standard error. */
static int run(const char *const *words) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(words[0], (char *const *)(uintptr_t)words);
        fprintf(stderr, "nnc: %s: %s; --cc names another C compiler\n", words[0], strerror(errno));
        _exit(127);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void remove_work(Arena *arena, const OutputFiles *files, const char *work) {
    for (size_t i = 0; i < files->count; i++) unlink(arena_printf(arena, "%s/%s", work, files->at[i].name));
    unlink(arena_printf(arena, "%s/program", work));
    rmdir(arena_printf(arena, "%s/runtime", work));
    rmdir(work);
}

/* The folder, or just its program where the folder is there: another run was faster, or somebody removed the program. */
static bool take_place(const char *work, const char *made, const char *folder, const char *program) {
    if (access(made, X_OK) == 0 && (rename(work, folder) == 0 || rename(made, program) == 0)) return true;
    fprintf(stderr, "nnc: %s: %s\n", program, strerror(errno));
    return false;
}

/* Compiles in a folder of this process, which takes its place when it is done: two runs at once do not disturb each other. */
static bool build(Arena *arena, const OutputFiles *files, bool zlib, const TrainOptions *options, bool is_fast, const char *cc,
                  const char *folder, const char *program) {
    char *work = arena_printf(arena, "%s.%ld", folder, (long)getpid()), *made = arena_printf(arena, "%s/program", work);
    if (!make_folders(work)) {
        fprintf(stderr, "nnc: %s: %s; XDG_CACHE_HOME may name a folder for compiled programs\n", work, strerror(errno));
        return false;
    }
    Words words = {0};
    add_flags(arena, &words, is_fast, cc);
    bool fine = write_files(arena, work, files);
    for (size_t i = 0; i < files->count; i++) {
        size_t length = strlen(files->at[i].name);
        if (strcmp(files->at[i].name + length - 2, ".c") == 0)
            vec_push(arena, &words, arena_printf(arena, "%s/%s", work, files->at[i].name));
    }
    if (zlib) vec_push(arena, &words, "-lz");
    const char *const rest[] = {"-lm", "-o", made, NULL};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) vec_push(arena, &words, rest[i]);
    if (fine && isatty(STDERR_FILENO) && !options->quiet) fprintf(stderr, "compiling ...");
    fine = fine && run(words.at) == 0;
    if (isatty(STDERR_FILENO) && !options->quiet) fprintf(stderr, "\r\033[K");
    fine = fine && take_place(work, made, folder, program);
    remove_work(arena, files, work); /* what has not taken its place */
    return fine;
}

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
    const char *cc = options->cc != NULL ? options->cc : getenv("CC") != NULL && *getenv("CC") != '\0' ? getenv("CC") : "cc";
    uint64_t hash = hash_text(UINT64_C(14695981039346656037), loop->options.fast ? "fast" : "strict");
    hash = hash_text(hash, cc);
    for (size_t i = 0; i < files.count; i++) hash = hash_text(hash_text(hash, files.at[i].name), files.at[i].text);
    const char *cache = cache_folder(arena);
    if (cache == NULL) {
        fprintf(stderr,
                "nnc: /tmp/nnc-%ld belongs to somebody else; HOME or XDG_CACHE_HOME may name a folder for compiled programs\n",
                (long)getuid());
        return 1;
    }
    const char *folder = arena_printf(arena, "%s/%s-%016" PRIx64, cache, model->name, hash),
               *program = arena_printf(arena, "%s/program", folder);
    if (access(program, X_OK) != 0 &&
        !build(arena, &files, generate_needs_zlib(model), options, loop->options.fast, cc, folder, program)) {
        fprintf(stderr, "nnc: the C compiler could not make the program\n");
        return 1;
    }
    Words words = {0};
    vec_push(arena, &words, arena_printf(arena, "nnc train %s", model->path));
    vec_push(arena, &words, "--data");
    vec_push(arena, &words, folder_of(arena, model->path));
    for (size_t i = 0; i < options->pass.count; i++) vec_push(arena, &words, options->pass.at[i]);
    vec_push(arena, &words, NULL);
    fflush(stdout);
    execv(program, (char *const *)(uintptr_t)words.at);
    fprintf(stderr, "nnc: %s: %s\n", program, strerror(errno));
    return 1;
}
