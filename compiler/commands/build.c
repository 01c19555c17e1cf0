/* Programs from C, by the system's compiler, kept in a cache.

   The cache is $XDG_CACHE_HOME/nnc or ~/.cache/nnc. A folder in it has a number made from all that its contents are compiled from: the
   same model with the same options is compiled once, and each file of the runtime once for all models. Each is made under the name of
   this process and takes its place when it is complete: two runs at once do not disturb each other. */
#include "commands/build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime_files.h"

typedef Vec(const char *) Words;

typedef struct {
    Arena *arena;
    const BuildOptions *options;
    const char *cache;
    Words cc;         /* the compiler, and options that were named with it */
    const char *made; /* of what is under way: its folder for the time being */
    Words commands;   /* words, NULL behind each command */
} Build;

/* ---- The cache */

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

static const char *cache_folder(Arena *arena) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && *cache == '/') return arena_printf(arena, "%s/nnc", cache);
    if (home != NULL && *home == '/') return arena_printf(arena, "%s/.cache/nnc", home);
    const char *folder = arena_printf(arena, "/tmp/nnc-%ld", (long)getuid());
    if (is_ours(folder)) return folder;
    fprintf(stderr, "nnc: %s belongs to somebody else; HOME or XDG_CACHE_HOME may name a folder for compiled programs\n", folder);
    return NULL;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits */
static uint64_t hash_text(uint64_t hash, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) hash = (hash ^ *at) * UINT64_C(1099511628211);
    return (hash ^ 0xFF) * UINT64_C(1099511628211);
}

/* What tells processors apart: code for this machine's own instructions may not run on another that shares the cache. */
static uint64_t hash_processor(uint64_t hash) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[8192];
    while (file != NULL && fgets(line, sizeof line, file) != NULL && *line != '\n') {
        static const char *const keys[] = {"vendor_id", "model name", "flags", "Features", "CPU implementer", "CPU part", "isa"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            if (strncmp(line, keys[i], strlen(keys[i])) == 0) hash = hash_text(hash, line);
        }
    }
    if (file != NULL) fclose(file);
    return hash;
}

/* All of the runtime, whichever of its files a model needs. */
static uint64_t hash_runtime(uint64_t hash, bool zlib) {
    for (size_t i = 0; i < runtime_file_count; i++)
        hash = hash_text(hash_text(hash, runtime_files[i].name), runtime_files[i].text);
    return hash_text(hash, zlib ? "zlib" : "");
}

static uint64_t hash_files(uint64_t hash, const OutputFiles *files) {
    for (size_t i = 0; i < files->count; i++) hash = hash_text(hash_text(hash, files->at[i].name), files->at[i].text);
    return hash;
}

/* ---- Commands, without a shell */

static void add(Build *b, const char *word) { vec_push(b->arena, &b->commands, word); }

static void add_all(Build *b, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) add(b, words[i]);
}

/* What the compiler says goes to standard error. */
static pid_t start(const char *const *words) {
    fflush(stdout);
    pid_t child = fork();
    if (child != 0) return child;
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(words[0], (char *const *)(uintptr_t)words);
    fprintf(stderr, "nnc: %s: %s; --cc names another C compiler\n", words[0], strerror(errno));
    _exit(127);
}

static bool finish(pid_t child) {
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs all commands that were added, and forgets them: the first alone, which tells whether there is such a compiler, then one for each
   processor at a time. */
static bool run(Build *b) {
    enum { MOST = 64 };
    pid_t running[MOST];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t started = 0, finished = 0, most = processors < 1 ? 1 : processors > MOST ? MOST : (size_t)processors;
    bool fine = true;
    for (size_t i = 0; i < b->commands.count && fine; i++) {
        if (i > 0 && b->commands.at[i - 1] != NULL) continue;
        if (started - finished == (finished == 0 ? 1 : most)) fine &= finish(running[finished++ % MOST]);
        if (fine) running[started++ % MOST] = start(&b->commands.at[i]);
    }
    while (finished < started) fine &= finish(running[finished++ % MOST]);
    b->commands.count = 0;
    return fine;
}

/* The compiler's name is one word if there is such a file, else what stands between blanks. */
static void split_compiler(Build *b) {
    const char *variable = getenv("CC"), *cc = b->options->cc;
    if (cc == NULL) cc = variable != NULL && *variable != '\0' ? variable : "cc";
    if (access(cc, X_OK) == 0) {
        vec_push(b->arena, &b->cc, cc);
        return;
    }
    for (cc += strspn(cc, " "); *cc != '\0'; cc += strspn(cc, " ")) {
        size_t length = strcspn(cc, " ");
        vec_push(b->arena, &b->cc, arena_text(b->arena, cc, length));
        cc += length;
    }
    if (b->cc.count == 0) vec_push(b->arena, &b->cc, "cc");
}

static void begin_command(Build *b) { add(b, b->cc.at[0]); }

/* What was named with the compiler comes behind our own options, and wins. */
static void add_own_options(Build *b) { add_all(b, b->cc.at + 1, b->cc.count - 1); }

/* ---- Making a folder of the cache */

static bool ends_in(const char *name, const char *end) {
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

static const char *object_of(Build *b, const char *folder, const char *source) {
    return arena_printf(b->arena, "%s/%.*so", folder, (int)strlen(source) - 1, source);
}

static void remove_made(Build *b, const OutputFiles *files) {
    for (size_t i = 0; i < files->count; i++) {
        unlink(arena_printf(b->arena, "%s/%s", b->made, files->at[i].name));
        unlink(object_of(b, b->made, files->at[i].name));
    }
    unlink(arena_printf(b->arena, "%s/program", b->made));
    rmdir(arena_printf(b->arena, "%s/runtime", b->made));
    rmdir(b->made);
}

static bool begin_folder(Build *b, const char *folder, const OutputFiles *files) {
    char *made = arena_printf(b->arena, "%s.%ld", folder, (long)getpid());
    b->made = made;
    if (make_folders(made)) return write_files(b->arena, made, files);
    fprintf(stderr, "nnc: %s: %s; XDG_CACHE_HOME may name a folder for compiled programs\n", made, strerror(errno));
    return false;
}

/* The folder takes its place, or just its file `last` where the folder is there: another run was faster, or somebody removed the file. */
static bool take_place(Build *b, const char *folder, const char *last) {
    const char *made = arena_printf(b->arena, "%s/%s", b->made, last), *there = arena_printf(b->arena, "%s/%s", folder, last);
    if (access(made, R_OK) == 0 && (rename(b->made, folder) == 0 || rename(made, there) == 0)) return true;
    fprintf(stderr, "nnc: %s: %s\n", there, strerror(errno));
    return false;
}

static const char *const language[] = {"-std=c99", "-D_POSIX_C_SOURCE=200809L"};

static bool is_missing(Build *b, const char *folder, const char *name) {
    return ends_in(name, ".c") && access(object_of(b, folder, name), R_OK) != 0;
}

/* Objects of the runtime that are not there yet; they are the same for all models and machines. */
static bool build_runtime(Build *b, const char *folder, const OutputFiles *runtime) {
    bool fine = begin_folder(b, folder, runtime);
    for (size_t i = 0; fine && i < runtime->count; i++) {
        const char *name = runtime->at[i].name;
        if (!is_missing(b, folder, name)) continue;
        begin_command(b);
        add_all(b, language, 2);
        add(b, "-O2");
        add_own_options(b);
        const char *const rest[] = {"-c", arena_printf(b->arena, "%s/%s", b->made, name), "-o", object_of(b, b->made, name),
                                    NULL};
        add_all(b, rest, sizeof rest / sizeof *rest);
    }
    fine = fine && run(b);
    for (size_t i = 0; fine && i < runtime->count; i++) {
        if (is_missing(b, folder, runtime->at[i].name)) fine = take_place(b, folder, object_of(b, "", runtime->at[i].name) + 1);
    }
    remove_made(b, runtime); /* what has not taken its place */
    return fine;
}

static bool build_model(Build *b, const char *folder, const OutputFiles *files, const OutputFiles *runtime, const char *objects) {
    static const char *const strict[] = {"-fno-math-errno", "-fno-trapping-math", "-march=native"};
    static const char *const fast[] = {"-march=native",   "-fopenmp-simd",      "-ffp-contract=fast",
                                       "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"};
    bool fine = begin_folder(b, folder, files);
    begin_command(b);
    add_all(b, language, 2);
    add(b, b->options->level);
    if (b->options->fast) add_all(b, fast, sizeof fast / sizeof *fast);
    else add_all(b, strict, sizeof strict / sizeof *strict - !b->options->vectors);
    if (b->options->threads) add(b, "-fopenmp");
    add_own_options(b);
    for (size_t i = 0; i < files->count; i++) {
        if (ends_in(files->at[i].name, ".c") && strchr(files->at[i].name, '/') == NULL)
            add(b, arena_printf(b->arena, "%s/%s", b->made, files->at[i].name));
    }
    for (size_t i = 0; i < runtime->count; i++) {
        if (ends_in(runtime->at[i].name, ".c")) add(b, object_of(b, objects, runtime->at[i].name));
    }
    if (b->options->zlib) add(b, "-lz");
    const char *const rest[] = {"-lm", "-o", arena_printf(b->arena, "%s/program", b->made), NULL};
    add_all(b, rest, sizeof rest / sizeof *rest);
    fine = fine && run(b) && take_place(b, folder, "program");
    remove_made(b, files);
    return fine;
}

static bool has_objects(Build *b, const char *folder, const OutputFiles *runtime) {
    bool all = true;
    for (size_t i = 0; i < runtime->count; i++) all &= !is_missing(b, folder, runtime->at[i].name);
    return all;
}

const char *build_program(Arena *arena, const char *model, const OutputFiles *files, const BuildOptions *options) {
    Build b = {.arena = arena, .options = options, .cache = cache_folder(arena)};
    if (b.cache == NULL) return NULL;
    split_compiler(&b);
    OutputFiles runtime = {0};
    for (size_t i = 0; i < files->count; i++) {
        if (strncmp(files->at[i].name, "runtime/", 8) == 0) vec_push(arena, &runtime, files->at[i]);
    }
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < b.cc.count; i++) hash = hash_text(hash, b.cc.at[i]);
    const char *objects = arena_printf(arena, "%s/runtime-%016" PRIx64, b.cache, hash_runtime(hash, options->zlib));
    hash = options->fast ? hash_processor(hash_text(hash, "fast")) : hash_text(hash, "strict");
    const char *folder = arena_printf(arena, "%s/%s-%016" PRIx64, b.cache, model, hash_files(hash, files)),
               *program = arena_printf(arena, "%s/program", folder);
    if (access(program, X_OK) == 0) return program;
    bool show = isatty(STDERR_FILENO) && !options->quiet;
    if (show) fprintf(stderr, "compiling ...");
    bool fine = (has_objects(&b, objects, &runtime) || build_runtime(&b, objects, &runtime)) &&
                build_model(&b, folder, files, &runtime, objects);
    if (show) fprintf(stderr, "\r\033[K");
    if (!fine) fprintf(stderr, "nnc: the C compiler could not make the program; --target=portable asks less of it\n");
    return fine ? program : NULL;
}
