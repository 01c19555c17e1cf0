#define _XOPEN_SOURCE 700
#include "../unit/_generated.h"

#include "c_text/c_text.h"
#include "judge.h"

/* What the tests need to know beside NncProgram: predict, and where its answers stand. No time is lost on making it fast. */
static void print_door(Text *door, const Model *model) {
    const char *m = model->name;
    const Tensors *outputs = &model->inference->outputs;
    text_printf(
        door,
        "#ifdef __clang__\n#pragma clang optimize off\n#elif defined __OPTIMIZE__\n#pragma GCC optimize(\"O0\")\n#endif\n"
        "#include \"runtime/program.h\"\nint unused_main(int, char **);\n#define main unused_main\n#include \"%s_main.c\"\n"
        "int nnc_program(const NncProgram *p, int argc, char **argv) { return p == NULL || argc == 0 || argv == NULL; }\n"
        "const NncProgram *the_program(void);\nconst NncProgram *the_program(void) { return &%s_program; }\n",
        m, m);
    if (outputs->count == 0) return;
    text_printf(
        door,
        "void the_predict(const void *, void *, const void *, void *, size_t);\n"
        "void the_predict(const void *model, void *work, const void *in, void *out, size_t n) { %s_predict(model, work, in, "
        "out, n); }\nextern const NncMember the_outputs[];\nconst NncMember the_outputs[] = {\n",
        m);
    for (size_t i = 0; i < outputs->count; i++) {
        const Tensor *t = outputs->at[i];
        text_printf(door, "    {\"%s\", offsetof(%s_output, %s), %.0f, 0, {0}, %d, 0, {{0, 0, 0}}},\n", t->name, m,
                    c_name(door->arena, t->name), tensor_points(t) / (double)(t->batched ? t->shape[0] : 1), t->index_range > 0);
    }
    text_printf(
        door,
        "};\nextern const size_t the_sizes[];\nconst size_t the_sizes[] = {%zu, sizeof(%s_output), sizeof(%s_predict_work)};\n",
        outputs->count, m, m);
}

static bool load(Library *library, const char *path) {
    library->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const NncProgram *(*the_program)(void) = NULL;
    if (library->library == NULL) return printf("%s\n", dlerror()), false;
    *(void **)(void *)&the_program = dlsym(library->library, "the_program");
    *(void **)(void *)&library->predict = dlsym(library->library, "the_predict");
    library->outputs = dlsym(library->library, "the_outputs");
    const size_t *sizes = dlsym(library->library, "the_sizes");
    if (sizes != NULL) {
        library->output_count = sizes[0];
        library->output_size = sizes[1];
        library->predict_work_size = sizes[2];
    }
    library->program = the_program != NULL ? the_program() : NULL;
    return library->program != NULL;
}

bool library_build(Arena *arena, Compilation *c, const Form *form, const char *folder, Library *library) {
    const char *m = c->model->name, *why = NULL;
    *library = (Library){0};
    c->model->settings.is_double = form->is_double;
    LoopProgram *loop = tensor_to_loop(arena, c->model,
                                       (LoopOptions){.unroll = form->unroll,
                                                     .fast = form->fast,
                                                     .target = target_find(form->target),
                                                     .micro = form->micro,
                                                     .threads = form->threads,
                                                     .parts = form->threads > 0,
                                                     .columns = form->columns});
    if (!loop_check(loop, &why)) return printf("%s\n", why), false;
    Generated g = {.arena = arena, .build = folder};
    Text *header = text_new(arena), *source = text_new(arena), *program = text_new(arena), *door = text_new(arena);
    loop_to_c_header(header, loop);
    loop_to_c_source(source, loop, c->context.sources);
    loop_to_c_program(program, loop, c->context.sources);
    print_door(door, c->model);
    Vec(const char *) words = {0};
    for (int i = 0; form->compiler[i] != NULL; i++) vec_push(arena, &words, form->compiler[i]);
    bool is_gcc = strcmp(form->compiler[0], "gcc") == 0; /* the others know fewer options */
    for (size_t i = is_gcc ? 0 : 3; i < sizeof generated_flags / sizeof *generated_flags && is_gcc; i++)
        vec_push(arena, &words, generated_flags[i]);
    const char *path = arena_printf(arena, "%s/library.so", folder);
    const char *const rest[] = {"-std=c99",
                                "-fPIC",
                                "-shared",
                                "-I" NNC_SOURCE_DIR,
                                "-I" NNC_SOURCE_DIR "/runtime",
                                "-I" NNC_BINARY_DIR,
                                "-o",
                                path,
                                arena_printf(arena, "%s/%s.c", folder, m),
                                arena_printf(arena, "%s/door.c", folder),
                                NNC_SOURCE_DIR "/runtime/random.c",
                                NULL};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) vec_push(arena, &words, rest[i]);
    bool written = generated_write(&g, arena_printf(arena, "%s.h", m), header) &&
                   generated_write(&g, arena_printf(arena, "%s.c", m), source) &&
                   generated_write(&g, arena_printf(arena, "%s_main.c", m), program) && generated_write(&g, "door.c", door);
    unlink(path);
    return written && run(words.at) && load(library, path);
}
