#define _XOPEN_SOURCE 700 /* realpath */
#include "commands/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c_text/c_text.h"
#include "loop_to_c.h"
#include "runtime_files.h"

/* ---- Which files */

static bool draws(const Model *model) {
    return c_draws(&model->training->initial) || c_draws(&model->training->forward) || c_draws(&model->inference->forward);
}

static bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

bool generate_needs_zlib(const LoopProgram *loop) {
    const Model *model = loop->model;
    if (loop->options.unpack) return true;
    for (size_t b = 0; b < model->data.count; b++) {
        for (size_t i = 0; i < model->data.at[b].sources.count; i++) {
            const DataSource *source = &model->data.at[b].sources.at[i];
            for (size_t f = 0; f < source->files.count; f++) {
                if (ends_in(source->files.at[f], ".gz")) return true;
            }
        }
    }
    return false;
}

/* The network's functions need the elementary functions of their type, and random numbers for initial values; a program all but the
   elementary functions of the other type. */
static bool uses_vectors(const LoopProgram *loop, const char *name) {
    for (int lanes = 2; lanes <= 16; lanes *= 2) {
        bool same = strcmp(name, arena_printf(loop->arena, "lanes_%c%d.h", loop->is_double ? 'd' : 'f', lanes)) == 0;
        if (same) return loop_uses_lanes(loop, lanes);
    }
    return false;
}

static bool is_wanted(const LoopProgram *loop, const char *name, bool program) {
    if (strcmp(name, generate_needs_zlib(loop) ? "gzip_none.c" : "gzip.c") == 0) return false;
    if (strcmp(name, "functions.h") == 0) return !loop->is_double;
    if (strcmp(name, "functions_double.h") == 0) return loop->is_double;
    if (strcmp(name, "sums.h") == 0) return loop_reorders_sums(loop);
    if (strcmp(name, "loops.h") == 0) return loop_says_how(loop);
    if (strncmp(name, "lanes_", 6) == 0) return uses_vectors(loop, name);
    return program || (draws(loop->model) && (strcmp(name, "random.h") == 0 || strcmp(name, "random.c") == 0));
}

static const char *text_of(LoopProgram *loop, const Sources *sources, void (*print)(Text *, LoopProgram *, const Sources *)) {
    Text *text = text_new(loop->arena);
    print(text, loop, sources);
    return text_string(text);
}

static void print_header(Text *text, LoopProgram *loop, const Sources *sources) {
    (void)sources;
    loop_to_c_header(text, loop);
}

OutputFiles generate_files(LoopProgram *loop, const Sources *sources, bool program) {
    OutputFiles files = {0};
    Arena *arena = loop->arena;
    const char *m = loop->model->name;
    vec_push(arena, &files, (OutputFile){arena_printf(arena, "%s.h", m), text_of(loop, sources, print_header)});
    vec_push(arena, &files, (OutputFile){arena_printf(arena, "%s.c", m), text_of(loop, sources, loop_to_c_source)});
    if (program)
        vec_push(arena, &files, (OutputFile){arena_printf(arena, "%s_main.c", m), text_of(loop, sources, loop_to_c_program)});
    for (size_t i = 0; i < runtime_file_count; i++) {
        const RuntimeFile *file = &runtime_files[i];
        if (!is_wanted(loop, file->name, program)) continue;
        const char *name =
            strcmp(file->name, "gzip_none.c") == 0 ? "gzip.c" : file->name; /* one replaces the other in a folder, too */
        vec_push(arena, &files, (OutputFile){arena_printf(arena, "runtime/%s", name), file->text});
    }
    return files;
}

/* ---- One file of many: each text once, where it is first included */

typedef struct {
    Text *out, *system; /* system: #include <...>, once each, before everything */
    const OutputFiles *files;
    bool *done;
} Merge;

static void merge(Merge *m, size_t which);

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool merge_include(Merge *m, const char *line, size_t length) {
    if (length < 10 || strncmp(line, "#include \"", 10) != 0) return false;
    const char *name = base_name(arena_text(m->out->arena, line + 10, strcspn(line + 10, "\"")));
    for (size_t i = 0; i < m->files->count; i++) {
        if (strcmp(base_name(m->files->at[i].name), name) == 0) merge(m, i);
    }
    return true;
}

static void merge(Merge *m, size_t which) {
    if (m->done[which]) return;
    m->done[which] = true;
    text_printf(m->out, "\n/* ======== %s ======== */\n\n", m->files->at[which].name);
    for (const char *line = m->files->at[which].text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (!merge_include(m, line, length) && strncmp(line, "#define _", 9) != 0)
            text_printf(m->out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

const char *generate_shell_word(Arena *arena, const char *name) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+,./:@%=-";
    if (*name == '-') name = arena_printf(arena, "./%s", name);
    if (*name != '\0' && name[strspn(name, plain)] == '\0') return name;
    Text *text = text_new(arena);
    text_put(text, "'");
    for (; *name != '\0'; name++) text_printf(text, *name == '\'' ? "'\\''" : "%c", *name);
    text_put(text, "'");
    return text_string(text);
}

const char *generate_single_file(LoopProgram *loop, const Sources *sources, bool program, const char *name) {
    OutputFiles files = generate_files(loop, sources, program);
    Merge m = {.out = text_new(loop->arena), .files = &files, .done = NEW_ARRAY(loop->arena, bool, files.count)};
    text_printf(m.out, "/* cc %s %s%s%s%s */\n", c_flags(loop), generate_shell_word(loop->arena, base_name(name)),
                program ? generate_needs_zlib(loop) ? " -lm -lz" : " -lm" : "", program ? " -o " : " -c",
                program ? loop->model->name : "");
    text_put(m.out, "#if defined(__clang__) /* headers that stand here have more than this network needs */\n"
                    "#pragma clang diagnostic ignored \"-Wunused-function\"\n#endif\n");
    if (program) text_put(m.out, "#define _POSIX_C_SOURCE 200809L\n");
    for (int last = 0; last < 2;
         last++) { /* the network first, then the runtime, then the program, whose names nothing may hide */
        for (size_t i = 0; i < files.count; i++) {
            if (ends_in(files.at[i].name, ".c") && ends_in(files.at[i].name, "_main.c") == (last == 1)) merge(&m, i);
        }
    }
    return text_string(m.out);
}

/* ---- Writing */

typedef Vec(const char *) Folders;

/* Writes without waiting for the disk; returns the descriptor, or -1. */
static int write_one(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    size_t length = strlen(text), done = 0;
    while (descriptor >= 0 && done < length) {
        ssize_t wrote = write(descriptor, text + done, length - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) break;
        done += (size_t)wrote;
    }
    if (descriptor < 0 || done == length) return descriptor;
    int why = errno;
    close(descriptor);
    errno = why;
    return -1;
}

static bool on_disk(int descriptor) {
    bool fine = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP; /* a pipe has no disk */
    int why = errno;
    fine = close(descriptor) == 0 && fine;
    if (!fine && why != 0) errno = why;
    return fine;
}

/* A file that is there already and holds the same is left alone. */
static bool is_same(Arena *arena, const char *path, const char *text) {
    size_t length = strlen(text), got = 0;
    struct stat status;
    int descriptor = open(path, O_RDONLY);
    bool same = descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size == length;
    char *bytes = same ? arena_alloc(arena, length + 1) : NULL;
    for (ssize_t some; same && got < length && (some = read(descriptor, bytes + got, length - got)) > 0;) got += (size_t)some;
    if (descriptor >= 0) close(descriptor);
    return same && got == length && memcmp(bytes, text, length) == 0;
}

/* The folder of a file, if it is not there. */
static bool make_folder(Arena *arena, const char *path, Folders *made) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return true;
    const char *folder = arena_text(arena, path, (size_t)(slash - path));
    if (mkdir(folder, 0777) == 0) vec_push(arena, made, folder);
    else if (errno != EEXIST) return false;
    return true;
}

/* What rename would find out too late, when other files have their places. */
static bool may_replace(const char *path) {
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode)) return true;
    errno = EISDIR;
    return false;
}

/* A device or a pipe is written to: nothing can take its place. */
static bool is_stream(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

/* The file that a symbolic link stands for. */
static const char *resolved(Arena *arena, const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0 || !S_ISLNK(found.st_mode)) return path;
    char *real = realpath(path, NULL);
    const char *result = real != NULL ? arena_text(arena, real, strlen(real)) : path;
    free(real);
    return result;
}

typedef struct {
    const char *path, *temporary, *text;
    int descriptor;
} Writing;

static bool complain(const char *path) {
    fprintf(stderr, "nnc: %s: %s\n", path, strerror(errno));
    return false;
}

bool write_files(Arena *arena, const char *folder, const OutputFiles *files) {
    Vec(Writing) list = {0};
    Folders folders = {0};
    for (size_t i = 0; i < files->count; i++) {
        Writing w = {.text = files->at[i].text, .descriptor = -1};
        w.path = resolved(arena, folder == NULL ? files->at[i].name : arena_printf(arena, "%s/%s", folder, files->at[i].name));
        w.temporary = is_stream(w.path) ? w.path : arena_printf(arena, "%s.%ld.tmp", w.path, (long)getpid());
        if (w.temporary == w.path || !is_same(arena, w.path, w.text)) vec_push(arena, &list, w);
    }
    bool fine = true;
    size_t made = 0, placed = 0;
    for (; fine && made < list.count; made++) { /* all are under way before the first one is waited for */
        fine = make_folder(arena, list.at[made].path, &folders) && may_replace(list.at[made].path);
        if (fine) list.at[made].descriptor = write_one(list.at[made].temporary, list.at[made].text);
        fine = (fine && list.at[made].descriptor >= 0) || complain(list.at[made].path);
    }
    for (size_t i = 0; i < made; i++) {
        if (list.at[i].descriptor >= 0 && !on_disk(list.at[i].descriptor)) fine = complain(list.at[i].path);
    }
    while (fine && placed < list.count) {
        const Writing *w = &list.at[placed];
        fine = w->temporary == w->path || rename(w->temporary, w->path) == 0 || complain(w->path);
        placed += fine;
    }
    for (size_t i = placed; i < made; i++) {
        if (list.at[i].temporary != list.at[i].path) unlink(list.at[i].temporary);
    }
    for (size_t i = folders.count; !fine && i-- > 0;) rmdir(folders.at[i]);
    return fine;
}
