/* The pipeline as a table: a row for each step. Everything that can be said of a step follows from its row: --dump=STEP, --stop=STEP,
   --time and --check. */
#include "compile.h"

#include <time.h>

#include "tensor/steps.h"

typedef struct {
    const char *name, *what;
    bool (*run)(Compilation *);
    void (*print)(const Compilation *, Text *);
} Step;

/* ---- The steps */

static bool parse(Compilation *c) {
    c->items = parse_source(&c->context, c->source);
    return c->context.diagnostics->errors == 0;
}

static bool resolve(Compilation *c) {
    c->model = ast_to_tensor(&c->context, &c->items, c->source, c->options.batch);
    return c->model != NULL;
}

static bool on_both(Compilation *c, void (*step)(Program *)) {
    step(c->model->training);
    step(c->model->inference);
    return true;
}

static bool run_stabilize(Compilation *c) {
    on_both(c, stabilize);
    warn_of_logarithms(c->model->training, c->context.diagnostics);
    return true;
}
static bool run_normalize(Compilation *c) { return on_both(c, normalize); }
static bool run_simplify(Compilation *c) { return on_both(c, simplify); }

static bool run_derive(Compilation *c) {
    differentiate(c->model->training);
    return true;
}

static bool lower(Compilation *c) {
    c->loop = tensor_to_loop(c->context.arena, c->model, c->options.loop);
    const Statement *waits = c->loop->undivided;
    if (c->options.loop.micro == 0 || waits == NULL) return true;
    error_at(c->context.diagnostics, waits->origin.span,
             "'%s' %s, so --micro-batch cannot divide it: leave that option out, or take %s", waits->target->name,
             tensor_is_persistent(waits->target) ? "changes with each example of a batch"
                                                 : "needs all examples of a batch at once",
             tensor_is_persistent(waits->target) ? "another optimizer, as momentum"
             : c->options.loop.fast              ? "a smaller batch"
                                                 : "a smaller batch, or --math=fast, which may reorder sums");
    return false;
}

static void print_ast(const Compilation *c, Text *text) { ast_print(text, &c->items); }
static void print_program(const Compilation *c, Text *text) {
    program_print(text, c->model->training, c->options.origins ? c->context.sources : NULL);
}
static void print_loop(const Compilation *c, Text *text) { loop_print(text, c->loop); }
static bool run_nothing(Compilation *c) { return c->loop != NULL; }
static void print_schedule(const Compilation *c, Text *text) { schedule_print(text, c->loop); }

static const Step steps[] = {
    {"parse", "the text, as it was understood", parse, print_ast},
    {"tensor", "names resolved, layers inlined: index statements", resolve, print_program},
    {"stabilize", "stable forms: log-sum-exp and its kin", run_stabilize, print_program},
    {"normalize", "each reduction a statement of its own", run_normalize, print_program},
    {"derive", "the chain rule: an adjoint for every tensor that a parameter needs", run_derive, print_program},
    {"simplify", "short formulas; what is shared, kept or computed again", run_simplify, print_program},
    {"loop", "loops or straight lines, buffers, updates in place", lower, print_loop},
    {"schedule", "how loops run with vectors, and why: chosen while loops are made", run_nothing, print_schedule},
};
enum { STEP_COUNT = sizeof steps / sizeof *steps };

bool compile_has_step(const char *name) {
    for (size_t i = 0; i < STEP_COUNT; i++) {
        if (strcmp(steps[i].name, name) == 0) return true;
    }
    return false;
}

const char *compile_steps(Arena *arena) {
    Text *text = text_new(arena);
    for (size_t i = 0; i < STEP_COUNT; i++) text_printf(text, "%s%s", i > 0 ? ", " : "", steps[i].name);
    return text_string(text);
}

/* ---- Running them */

Compilation *compilation_new(void) {
    Arena *arena = arena_new();
    Compilation *c = NEW(arena, Compilation);
    c->context = (AstContext){.arena = arena, .names = names_new(arena), .sources = sources_new(arena)};
    c->context.diagnostics = diagnostics_new(arena, c->context.sources);
    return c;
}

void compilation_free(Compilation *compilation) {
    if (compilation != NULL) arena_free(compilation->context.arena);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void verify(const Compilation *c, const Step *step) {
    const char *why = NULL;
    if (c->model == NULL) return;
    if (!program_check(c->model->training, &why) || !program_check(c->model->inference, &why))
        bug("after step '%s': %s", step->name, why);
    if (c->loop != NULL && !loop_check(c->loop, &why)) bug("after step '%s': %s", step->name, why);
}

enum { MATHEMATICS = STEP_COUNT - 2 }; /* steps before loops */

static bool names_loops(const char *name) {
    bool found = false;
    for (size_t i = MATHEMATICS; i < STEP_COUNT && name != NULL; i++) found |= strcmp(name, steps[i].name) == 0;
    return found;
}

bool compile(Compilation *c, FILE *out) {
    bool lower = c->options.lower || names_loops(c->options.dump) || names_loops(c->options.stop);
    for (size_t i = 0; i < (lower ? STEP_COUNT : MATHEMATICS);
         i++) { /* the interpreter judges what is lowered, and sees nothing of it */
        const Step *step = &steps[i];
        double start = seconds();
        bool fine = step->run(c);
        if (c->options.time) {
            fprintf(stderr, "%-10s %8.3f ms %8.2f MB   %s\n", step->name, (seconds() - start) * 1e3,
                    (double)arena_bytes(c->context.arena) / 1e6, step->what);
        }
        if (!fine) return false;
        if (c->options.check) verify(c, step);
        if (c->options.dump != NULL && strcmp(c->options.dump, step->name) == 0) {
            Text *text = text_new(c->context.arena);
            step->print(c, text);
            fputs(text_string(text), out);
        }
        if (c->options.stop != NULL && strcmp(c->options.stop, step->name) == 0) return true;
    }
    return true;
}
