/* What is expected of every model: steps that do not change its loss, derivatives that agree with differences of the loss, and C, in
   all its forms, that agrees with the interpreter on losses, metrics, parameters, state and predictions of a few steps.

   What rounding errors alone may do to a number is measured: the interpreter runs a second time with data and parameters that differ in
   their last digits. Where a number then moves (a derivative that is 0 by algebra, and its sign in an optimizer), it is not asked to agree
   better. What disagrees nevertheless is compared with what another rounding of every operand does (rounding.c). */
#define _XOPEN_SOURCE 700
#include "../unit/_model.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/commands.h"
#include "judge.h"
#include "random_models.h"
#include "tensor/steps.h"

enum {
    SECONDS = 60 /* of processor time */,
    POINTS = 3,
    ROUNDINGS = 10 /* of what disagrees: a tie may have several winners */,
    LONG_LINES = 300 /* operations; compilers take long over all lines */
};
enum {
    CODE_REFUSED = 10,
    CODE_NOT_FINITE,
    CODE_WRONG = 20
}; /* how a judge's process ends: CODE_WRONG + the number of the check */

#define FAST_FLAGS "-O2", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"
#define VECTOR_FLAGS "-O1", "-march=native", "-fno-math-errno", "-fno-trapping-math"
/* clang-format off */
static const Form forms[] = {
    {"loops, tcc",             UNROLL_NONE, false, true,  "portable", {"tcc"},                 1, 0, 0, false},
    {"lines, tcc",             UNROLL_FULL, false, true,  "portable", {"tcc"},                 1, 0, 0, false},
    {"auto, gcc -O0",          UNROLL_AUTO, false, true,  "portable", {"gcc", "-O0"},          7, 0, 0, false},
    {"vectors, gcc -O1",       UNROLL_NONE, false, true,  "native",   {"gcc", VECTOR_FLAGS},  11, 0, 0, false},
    {"fast vectors, gcc -O1",  UNROLL_AUTO, true,  true,  "native",   {"gcc", VECTOR_FLAGS},  13, 0, 0, false},
    {"float vectors, clang",   UNROLL_NONE, false, false, "native",   {"clang", VECTOR_FLAGS}, 31, 0, 0, false},
    {"float loops, tcc",       UNROLL_NONE, false, false, "portable", {"tcc"},                 3, 0, 0, false},
    {"fast lines, tcc",        UNROLL_FULL, true,  true,  "portable", {"tcc"},                 5, 0, 0, false},
    {"fast loops, gcc -O2",    UNROLL_NONE, true,  true,  "portable", {"gcc", FAST_FLAGS},    37, 0, 0, false},
    {"loops, gcc -O2",         UNROLL_NONE, false, true,  "portable", {"gcc", "-O2"},         53, 0, 0, false},
    {"float lines, gcc -O0",   LONG_LINES,  false, false, "portable", {"gcc", "-O0"},         17, 0, 0, false},
    {"lines, clang -O1",       LONG_LINES,  false, true,  "portable", {"clang", "-O1"},       49, 0, 0, false},
    {"fast auto, clang -O2",   UNROLL_AUTO, true,  true,  "portable", {"clang", FAST_FLAGS},  61, 0, 0, false},
    {"one by one, tcc",        UNROLL_NONE, false, true,  "portable", {"tcc"},                 3, 1, 0, false},
    {"one by one, lines, tcc", UNROLL_AUTO, false, true,  "portable", {"tcc"},                 7, 1, 0, false},
    {"two by two, vectors",    UNROLL_AUTO, true,  true,  "native",   {"gcc", VECTOR_FLAGS},  23, 2, 0, false},
    {"columns, tcc",           UNROLL_NONE, false, true,  "portable", {"tcc"},                 3, 0, 0, true},
    {"float columns, gcc",     UNROLL_NONE, false, false, "portable", {"gcc", "-O1"},         11, 0, 0, true},
    {"fast columns, gcc -O2",  UNROLL_NONE, true,  true,  "portable", {"gcc", FAST_FLAGS},    29, 0, 0, true},
    {"scalar, tcc",            UNROLL_NONE, false, true,  "scalar",   {"tcc"},                 9, 0, 0, false},
    {"columns one by one",     UNROLL_NONE, false, true,  "portable", {"tcc"},                 9, 1, 0, true},
    {"columns in parts, tcc",  UNROLL_NONE, true,  true,  "portable", {"tcc"},                 7, 0, 2, true},
    {"in parts, tcc",          UNROLL_AUTO, true,  true,  "portable", {"tcc"},                 5, 0, 2, false},
    {"in parts, vectors",      UNROLL_AUTO, true,  true,  "native",   {"gcc", VECTOR_FLAGS},  19, 0, 3, false},
};
/* clang-format on */
enum {
    FORMS = sizeof forms / sizeof *forms,
    CHECK_CRASH = 0,
    CHECK_STEPS,
    CHECK_GRADIENTS,
    CHECK_FORMS,
    CHECKS = CHECK_FORMS + FORMS
};

static const char *check_name(int check) {
    static const char *const names[] = {"crash", "steps", "gradients"};
    return check < CHECK_FORMS ? names[check] : forms[check - CHECK_FORMS].name;
}

/* ---- In the process of one model */

static Compilation *compiled(const char *text) {
    Compilation *c = compilation_new();
    c->source = source_add(c->context.sources, "model.nn", text, strlen(text), false);
    c->options.check = true;
    if (compile(c, stdout)) return c;
    diagnostics_print(c->context.diagnostics, stdout, false);
    return NULL;
}

/* How far another rounding of every operand moves the loss: far, where sign() of what is 0 by algebra is asked for. */
static double rounding_of_loss(const char *text, double loss) {
    double furthest = 0;
    for (int round = 0; round < ROUNDINGS; round++) {
        ModelRun run = model_new(text, "tensor");
        shake_operands(run.compilation->model, 1e-15, round);
        machine_free(run.machine);
        run.machine = machine_new(run.program);
        model_fill(&run, 11);
        furthest = fmax(furthest, fabs(model_loss(&run) - loss));
        model_free(&run);
    }
    return furthest;
}

/* The loss, as the steps leave it. */
static bool steps_agree(const char *text) {
    static const struct {
        const char *name;
        void (*run)(Program *);
    } steps[] = {{"stabilize", stabilize}, {"normalize", normalize}, {"derive", differentiate}, {"simplify", simplify}};
    ModelRun run = model_new(text, "tensor");
    if (run.program == NULL) _exit(CODE_REFUSED);
    model_fill(&run, 11);
    double first = model_loss(&run);
    if (!isfinite(first)) _exit(CODE_NOT_FINITE);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        model_step(&run, steps[i].run);
        model_fill(&run, 11);
        double loss = model_loss(&run);
        if (fabs(loss - first) <= 1e-10 * fmax(1, fabs(first))) continue;
        if (fabs(loss - first) <= 1000 * rounding_of_loss(text, first)) continue;
        printf("the loss is %.17g after %s, %.17g before\n", loss, steps[i].name, first);
        return false;
    }
    model_free(&run);
    return true;
}

/* At one of a few points: near a kink differences may be wrong. */
static bool gradients_agree(Compilation *c) {
    for (uint64_t seed = 1; seed <= POINTS; seed++) {
        CheckOptions options = {.has_seed = true, .seed = seed};
        int code = command_check_gradients(c->model, &options, c->context.diagnostics);
        if (c->context.diagnostics->errors > 0) _exit(CODE_NOT_FINITE);
        if (code == 0) return true;
    }
    return false;
}

static bool outcomes_agree(const Outcome *actual, const Outcome *expected, const double *noise, double tolerance, bool quiet) {
    int wrong = 0;
    if (actual->numbers.count != expected->numbers.count) {
        if (!quiet) printf("%zu numbers instead of %zu\n", actual->numbers.count, expected->numbers.count);
        return false;
    }
    for (size_t i = 0; i < actual->numbers.count; i++) {
        double a = actual->numbers.at[i], b = expected->numbers.at[i];
        if (fabs(a - b) <= tolerance * fmax(1, fabs(b)) + 1000 * noise[i]) continue;
        if (wrong++ < 5 && !quiet) printf("number %zu, of %s, is %.17g instead of %.17g\n", i, actual->names.at[i], a, b);
    }
    return wrong == 0;
}

static void add_noise(double *noise, const Outcome *expected, const Outcome *moved) {
    for (size_t i = 0; i < expected->numbers.count; i++) {
        double apart = fabs(expected->numbers.at[i] - moved->numbers.at[i]);
        if (apart > noise[i]) noise[i] = apart;
    }
}

/* What the C in this form finds; of no numbers if it cannot be built. */
static Outcome outcome_of(Arena *arena, const char *text, const Form *form, const Model *model, const NncData *data,
                          const char *folder) {
    Compilation *c = compiled(text);
    Library library;
    Outcome outcome = {0};
    if (library_build(arena, c, form, folder, &library)) outcome = executed(arena, model, data, &library);
    if (library.library != NULL) dlclose(library.library);
    compilation_free(c);
    return outcome;
}

static bool same_bits(const Outcome *actual, const Outcome *expected, const char *name) {
    for (size_t i = 0; i < expected->numbers.count; i++) {
        double a = actual->numbers.at[i], b = expected->numbers.at[i];
        if (a == b || memcmp(&a, &b, sizeof a) == 0) continue; /* 0 times -1 is 0 where the 0 is known when compiling, else -0 */
        printf("number %zu, of %s, is %.17g, but %.17g as %s\n", i, actual->names.at[i], actual->numbers.at[i],
               expected->numbers.at[i], name);
        return false;
    }
    return true;
}

/* What the interpreter finds, and how much of it may be rounding; of no numbers before it ran. */
typedef struct {
    Compilation *judge; /* its own: nothing of it is lowered */
    NncData data;
    Outcome expected;
    double *noise, size;
    bool shaken;
    Outcome strict; /* of the first strict form */
} Reference;

static void find_reference(Arena *arena, const char *text, Reference *r, bool is_double) {
    r->judge = compiled(text);
    r->judge->model->settings.shuffle = false;
    r->size = is_double ? 1e-15 : 3e-7;
    r->data = random_data(arena, r->judge->model, 0);
    NncData moved = random_data(arena, r->judge->model, r->size);
    r->expected = interpreted(arena, r->judge->model, &r->data, 0);
    Outcome other = interpreted(arena, r->judge->model, &moved, r->size);
    if (!r->expected.finite || !other.finite) _exit(CODE_NOT_FINITE);
    r->noise = NEW_ARRAY(arena, double, r->expected.numbers.count);
    add_noise(r->noise, &r->expected, &other);
}

static void round_otherwise(Arena *arena, const char *text, Reference *r) {
    for (int round = 0; round < ROUNDINGS && !r->shaken; round++) {
        Compilation *c = compiled(text);
        c->model->settings.shuffle = false;
        shake_operands(c->model, r->size, round);
        NncData data = random_data(arena, c->model, 0); /* the names are this model's own */
        Outcome other = interpreted(arena, c->model, &data, 0);
        if (!other.finite) _exit(CODE_NOT_FINITE);
        add_noise(r->noise, &r->expected, &other);
        compilation_free(c);
    }
    r->shaken = true;
}

static bool form_agrees(Arena *arena, const char *text, const Form *form, const char *folder, Reference references[2]) {
    Reference *r = &references[form->is_double];
    if (r->judge == NULL) find_reference(arena, text, r, form->is_double);
    const Model *model = r->judge->model;
    Outcome actual = outcome_of(arena, text, form, model, &r->data, folder);
    double tolerance = !form->is_double ? 1e-4 : form->fast ? 1e-9 : 1e-11;
    if (actual.numbers.count == 0) return false;
    if (!outcomes_agree(&actual, &r->expected, r->noise, tolerance, true)) {
        round_otherwise(arena, text, r);
        if (!outcomes_agree(&actual, &r->expected, r->noise, tolerance, false)) return false;
    }
    const Form *first = forms;
    while (first->fast || first->is_double != form->is_double) first++;
    if (form == first) r->strict = actual;
    if (form->fast || form == first) return true;
    if (r->strict.numbers.count == 0) r->strict = outcome_of(arena, text, first, model, &r->data, folder);
    return same_bits(&actual, &r->strict, first->name);
}

static bool has_compiler(const Form *form) { return strcmp(form->compiler[0], "tcc") != 0 || access("/usr/bin/tcc", X_OK) == 0; }

static int judge_here(Arena *arena, const char *text, uint64_t effort, const char *only, const char *folder) {
    Compilation *c = compiled(text);
    if (c == NULL) return CODE_REFUSED;
    Reference references[2] = {{0}}; /* in float, in double */
    for (int check = CHECK_STEPS; check < CHECKS; check++) {
        const Form *form = check >= CHECK_FORMS ? &forms[check - CHECK_FORMS] : NULL;
        if (only != NULL && strcmp(only, check_name(check)) != 0) continue;
        if (only == NULL && form != NULL && (effort % (uint64_t)form->every != 0 || !has_compiler(form))) continue;
        bool fine = check == CHECK_STEPS       ? steps_agree(text)
                    : check == CHECK_GRADIENTS ? gradients_agree(c)
                                               : form_agrees(arena, text, form, folder, references);
        if (!fine) return CODE_WRONG + check;
    }
    return 0;
}

/* ---- Around it */

static const char *contents(Arena *arena, const char *path) {
    Text *text = text_new(arena);
    char part[4096];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(part, sizeof part, file) != NULL) text_put(text, part);
    if (file != NULL) fclose(file);
    return text_string(text);
}

/* Leaves a file that the model imports in the working directory, from where it is read, and returns the model alone. */
static const char *without_imported(Arena *arena, const char *text) {
    const char *mark = strstr(text, IMPORTED_MARK);
    if (mark == NULL) return text;
    FILE *file = fopen(IMPORTED_FILE, "w");
    if (file == NULL) return text;
    fputs(mark + strlen(IMPORTED_MARK), file);
    fclose(file);
    return arena_text(arena, text, (size_t)(mark - text));
}

Verdict judge(Arena *arena, const char *text, uint64_t effort, const char *only, const char *folder) {
    const char *log = arena_printf(arena, "%s/log", folder);
    int status = 0;
    mkdir(folder, 0700);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(out, 1);
        dup2(out, 2);
        setrlimit(RLIMIT_CPU, &(struct rlimit){SECONDS, SECONDS});
        if (chdir(folder) != 0) _exit(CODE_WRONG);
        int code = judge_here(arena, without_imported(arena, text), effort, only, folder);
        fflush(stdout);
        _exit(code);
    }
    while (waitpid(child, &status, 0) < 0) continue;
    Verdict verdict = {.judgement = JUDGED_WRONG, .check = check_name(CHECK_CRASH), .words = contents(arena, log)};
    if (!WIFEXITED(status)) return verdict;
    int code = WEXITSTATUS(status);
    if (code == 0) verdict.judgement = JUDGED_FINE;
    else if (code == CODE_REFUSED) verdict.judgement = JUDGED_REFUSED;
    else if (code == CODE_NOT_FINITE) verdict.judgement = JUDGED_NOT_FINITE;
    else if (code >= CODE_WRONG && code < CODE_WRONG + CHECKS) verdict.check = check_name(code - CODE_WRONG);
    return verdict;
}
