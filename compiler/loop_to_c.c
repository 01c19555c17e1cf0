/* The door from the loop program to C: prints, decides nothing. NAME.h holds the types and entry points, NAME.c the functions. */
#include "loop_to_c.h"

#include "c_text/c_text.h"

/* Words that many lines of the output share. */
typedef struct {
    const char *model, *upper, *number, *feed, *metrics;
    const char *init; /* the parameters of NAME_init */
} Words;

static Words words_of(const LoopProgram *loop) {
    Arena *arena = loop->arena;
    const char *m = loop->model->name;
    bool target = loop->model->training->targets.count > 0;
    return (Words){
        .model = m,
        .upper = c_upper(arena, m),
        .number = c_number_type(loop),
        .feed = arena_printf(arena, "const %s_input *in%s", m, target ? arena_printf(arena, ", const %s_target *target", m) : ""),
        .init = arena_printf(arena, "%s_parameters *model, %s_state *state, %suint64_t seed", m, m,
                             loop->initial.buffers.count > 0 ? arena_printf(arena, "%s_init_work *work, ", m) : ""),
        .metrics = loop->model->training->metrics.count > 0 ? arena_printf(arena, ", %s_metrics *metrics", m) : "",
    };
}

/* ---- Entry points: batches of the network's size, and means over all examples */

static void line(Text *text, const char *format, const char *a, const char *b, const char *c) {
    text_printf(text, format, a, b, c);
    text_put(text, "\n");
}

/* A batch that is divided has a call for each micro-batch. */
static const char *call_of_batch(CPrinter *p, const Words *w, const Routine *routine, const CHead *head) {
    bool divided = micro_of(p->loop, routine) != NULL;
    const char *call = c_call(p, head, divided ? " + first + done" : " + first"), *m = w->upper, *count = "";
    if (!divided) return call;
    if (strstr(call, ", examples") != NULL)
        count = arena_printf(p->text->arena,
                             "const int examples = batch - done < %s_MICRO_BATCH ? batch - done : %s_MICRO_BATCH;\n    ", m, m);
    return arena_printf(p->text->arena, "for (int done = 0; done < batch; done += %s_MICRO_BATCH) {\n    %s%s}\n", m, count,
                        call);
}

/* The functions of a routine, head's, whose work space is NAME_`what`work; and where threads have parts of the batch, what runs behind
   all of them, `last`. Returns how to run them on a batch. */
static const char *print_functions(CPrinter *p, const Words *w, const Routine *routine, CHead head, const char *what,
                                   CHead last) {
    Arena *arena = p->text->arena;
    bool parts = loop_parts(p->loop, routine) > 1;
    head.parameters[C_WORK] = arena_printf(arena, "%s_%s%s *restrict work", w->model, what, parts ? "part" : "work");
    if (!parts) {
        c_function(p, routine, &head);
        return call_of_batch(p, w, routine, &head);
    }
    last.type = head.type;
    for (int i = 0; i < C_PARAMETERS; i++) {
        if (last.parameters[i] == NULL) last.parameters[i] = head.parameters[i];
    }
    return c_parts_functions(p, routine, &head, what, &last);
}

/* The variable that has the number of a batch's examples. */
static const char *examples_of(const char *call) { return strstr(call, "< batch;") != NULL ? "batch" : "examples"; }

static void print_mean_over_batches(Text *text, const Words *w, const Metric *metrics, size_t count, const char *call) {
    Arena *arena = text->arena;
    const char *examples = examples_of(call);
    bool any_combined = false;
    line(text, "%s total = 0;", w->number, "", "");
    if (count > 0) line(text, "%s_metrics sums = {0};", w->model, "", "");
    line(text, "for (size_t first = 0; first < n; first += %s_BATCH) {", w->upper, "", "");
    text->indent++;
    line(text, "const int %s = n - first < %s_BATCH ? (int)(n - first) : %s_BATCH;", examples, w->upper, w->upper);
    if (strstr(call, "begins") != NULL)
        line(text, "const int begins = first == 0, ends = n - first <= %s_BATCH;", w->upper, "", "");
    text_put(text, call);
    const char *work = strstr(call, "work->part") != NULL ? "work->part[0]." : "work->";
    line(text, "total += %sloss * (%s)%s;", work, w->number, examples);
    for (size_t i = 0; i < count; i++) {
        const char *name = c_name(arena, metrics[i].name), *tensor = c_name(arena, metrics[i].tensor->name);
        if (metrics[i].combined) continue;
        any_combined |= metrics[i].part;
        text_printf(text, "sums.%s += %s%s * (%s)%s;\n", name, work, tensor, w->number, examples);
    }
    text->indent--;
    text_put(text, "}\n");
    if (count > 0) text_put(text, "if (metrics != NULL && n > 0) {\n");
    text->indent++;
    for (size_t i = 0; i < count; i++) {
        const char *name = c_name(arena, metrics[i].name);
        if (!metrics[i].combined) text_printf(text, "metrics->%s = sums.%s / (%s)n;\n", name, name, w->number);
    }
    if (any_combined) line(text, "%s_combine(metrics);", w->model, "", "");
    text->indent--;
    if (count > 0) text_put(text, "}\n");
    line(text, "return n > 0 ? total / (%s)n : 0;", w->number, "", "");
}

/* Metrics that are no means over examples, from those that are. */
static void print_combine(CPrinter *p, const Words *w) {
    const Routine *combine = &p->loop->combine;
    const Program *program = combine->program;
    if (combine->body.count == 0) return;
    p->places = NEW_ARRAY(p->text->arena, const char *, program->all.count + 1);
    for (size_t i = 0; i < program->metrics.count; i++)
        p->places[program->metrics.at[i].tensor->id] =
            arena_printf(p->text->arena, "metrics->%s", c_name(p->text->arena, program->metrics.at[i].name));
    text_printf(p->text, "void %s_combine(%s_metrics *metrics) {\n", w->model, w->model);
    c_body(p, combine);
    text_put(p->text, "}\n\n");
}

/* Parameters of an entry point that the call inside does not pass on, and no other line uses. */
static void print_unused(Text *text, const char *call, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        const char *at = strstr(call, names[i]);
        while (at != NULL && (at == call || (at[-1] != '(' && at[-1] != ' ') || strchr(" ,)", at[length]) == NULL))
            at = strstr(at + 1, names[i]);
        bool part = strcmp(names[i], "work") == 0 && strstr(call, "work->part") != NULL;
        if (at == NULL && !part) text_printf(text, "(void)%s;\n", names[i]);
    }
}

static const char *const training_parameters[] = {"model", "in", "target"}, *const prediction_parameters[] = {"model", "work",
                                                                                                              "in", "out"};

/* A compiler that makes one function of this and the step keeps in mind that what they write overlaps nothing. */
static void print_train(Text *text, const Words *w, const Program *program, const char *call) {
    text_printf(text, "%s %s_train(%s_parameters *restrict model, %s_state *state, %s_work *restrict work, %s, size_t n%s) {\n",
                w->number, w->model, w->model, w->model, w->model, w->feed, w->metrics);
    text->indent++;
    print_unused(text, call, training_parameters, program->targets.count > 0 ? 3 : 2);
    print_mean_over_batches(text, w, program->metrics.at, program->metrics.count,
                            arena_printf(text->arena, "state->step++;\n%s", call));
    text->indent--;
    text_put(text, "}\n\n");
}

static void print_evaluate(Text *text, const Words *w, const Program *program, const char *call) {
    text_printf(text, "%s %s_evaluate(const %s_parameters *model, %s_evaluate_work *restrict work, %s, size_t n%s) {\n",
                w->number, w->model, w->model, w->model, w->feed, w->metrics);
    text->indent++;
    print_unused(text, call, training_parameters, program->targets.count > 0 ? 3 : 2);
    print_mean_over_batches(text, w, program->metrics.at, program->metrics.count, call);
    text->indent--;
    text_put(text, "}\n\n");
}

static void print_predict(Text *text, const Words *w, const char *call) {
    text_printf(text,
                "void %s_predict(const %s_parameters *model, %s_predict_work *restrict work, const %s_input *in, "
                "%s_output *restrict out, size_t n) {\n",
                w->model, w->model, w->model, w->model, w->model);
    text->indent++;
    print_unused(text, call, prediction_parameters, 4);
    line(text, "for (size_t first = 0; first < n; first += %s_BATCH) {", w->upper, "", "");
    text->indent++;
    if (strstr(call, ", examples") != NULL || strcmp(examples_of(call), "batch") == 0)
        line(text, "const int %s = n - first < %s_BATCH ? (int)(n - first) : %s_BATCH;", examples_of(call), w->upper, w->upper);
    text_put(text, call);
    text->indent -= 2;
    text_put(text, "    }\n}\n\n");
}

/* ---- The files */

/* A register tile has a use for each register there is. gcc would keep in them what the next round of a loop reads again, and, where there
   are 16, also constants and what it reads early, and a tile's sums in memory; where there are 32, it takes a loop that needs fewer for one
   that does not matter, and keeps a vector that all its sums read in memory. */
static const char *keep_registers(const LoopProgram *loop) {
    bool vectors = loop->options.target->bytes > 0, few = vectors && loop->options.target->registers <= 16;
    bool tiles = loop_has_tiles(loop);
    if (few && tiles) return "\"no-gcse\", \"no-predictive-commoning\", \"no-tree-pre\", ";
    if (few) return loop->options.fast ? "" : "\"no-gcse\", ";
    return arena_printf(loop->arena, "%s%s", tiles && vectors ? "\"ira-region=all\", " : "",
                        tiles && !loop->options.fast ? "\"no-predictive-commoning\", " : "");
}

/* Choices in functions.h are made of results that are found anyway: gcc makes vectors of a loop of these only if it may compute what is
   not chosen, which could raise a flag, but changes no value. clang always may. */
static void print_strict_arithmetic(Text *text, const LoopProgram *loop) {
    text_put(text, "/* The same bits on every machine: no fused multiply-add, no extended precision, nothing reordered. */\n"
                   "#if defined(__clang__)\n"
                   "#pragma STDC FP_CONTRACT OFF\n"
                   "#elif defined(__GNUC__)\n");
    text_printf(
        text,
        "#pragma GCC optimize(%s\"fp-contract=off\", \"no-trapping-math\") /* the latter for vectors: it changes no result */\n",
        keep_registers(loop));
    text_put(text, "#endif\n"
                   "#if defined(__FAST_MATH__)\n"
                   "#error \"compile this file without -ffast-math: it computes the same bits everywhere\"\n"
                   "#endif\n"
                   "#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16 /* of halves */\n"
                   "#error \"this machine computes in another precision than the types say: for x86, add -msse2 -mfpmath=sse\"\n"
                   "#endif\n\n");
}

/* Vectors that we wrote gain nothing from -O3, which takes several times as long; what is left to the compiler does, and counts in small
   networks. */
const char *c_level(LoopProgram *loop) {
    enum { LARGE = 2000000 /* multiplications in a step */ };
    bool large = loop->options.target->bytes > 0 && loop_costs(&loop->step).multiplications > LARGE;
    return large ? "-O2" : "-O3";
}

const char *c_flags(LoopProgram *loop) {
    const Target *target = loop->options.target;
    const char *flags =
        loop->options.fast ? "-O3 -march=native -fopenmp-simd -fno-math-errno -fno-trapping-math -fno-signed-zeros" : "-O2";
    if (target->bytes > 0)
        flags = arena_printf(loop->arena, "%s %s -fno-math-errno -fno-trapping-math%s", c_level(loop), target->flags,
                             loop->options.fast ? " -fopenmp-simd -fno-signed-zeros" : "");
    return loop_uses_threads(loop) ? arena_printf(loop->arena, "%s -fopenmp", flags) : flags;
}

/* A compiler that reorders a tile's sums wants more registers than there are. */
static void print_fast_arithmetic(Text *text, const LoopProgram *loop) {
    text_printf(text, "/* Fast arithmetic: sums may be reordered, multiply-adds fused.%s%s */\n",
                loop->options.target->bytes > 0 ? "" : " Compile with -O3 -march=native -fopenmp-simd.",
                loop_reorders_sums(loop) ? "\n   NNC_SUMS and its kin tell compilers of which loops: see runtime/sums.h." : "");
    text_put(text, "#if defined(__GNUC__)\n"
                   "#pragma GCC diagnostic ignored \"-Wunknown-pragmas\"\n"
                   "#endif\n"
                   "#if defined(__GNUC__) && !defined(__clang__) && defined(__FP_FAST_FMAF) && defined(__FP_FAST_FMA)\n");
    text_printf(text, "#pragma GCC optimize(%s%s\"no-signed-zeros\", \"no-trapping-math\")\n", keep_registers(loop),
                loop_has_tiles(loop) ? "" : "\"associative-math\", ");
    if (!loop_has_tiles(loop)) text_put(text, "#define NNC_REORDERS 1 /* the compiler reorders sums by itself */\n");
    text_put(text, "#endif\n"
                   "#define NNC_FAST 1\n\n");
}

#define WITHOUT_OPENMP \
    "#if defined(__GNUC__) && !defined(_OPENMP)\n#pragma GCC diagnostic ignored \"-Wunknown-pragmas\"\n#endif\n\n"

static const char threads_alike[] =
    "/* Threads share loops with \"#pragma omp for\": compile with -fopenmp. Without it, one thread computes the same%s.\n"
    "   \"nowait\": what follows does not depend on it, so they go on without waiting for each other. */\n" WITHOUT_OPENMP;

static const char threads_with_parts[] = "/* Threads have parts of a batch: compile with -fopenmp. Each runs the step on its "
                                         "part, in a work space of its own. Then all of\n"
                                         "   them add what they have found, and update the parameters: there they share loops "
                                         "with \"#pragma omp for\", and do not wait for\n"
                                         "   each other (\"nowait\") where what follows does not depend on it. Without OpenMP, "
                                         "one thread computes the same. */\n" WITHOUT_OPENMP;

static const char *gradient_parameters(Arena *arena, const char *m, const char *feed) {
    return arena_printf(
        arena,
        "const %s_parameters *model, const %s_state *state, %s_gradient_work *work, %s, int examples, %s_parameters *gradient", m,
        m, m, feed, m);
}

static void print_source(Text *text, LoopProgram *loop, const Sources *sources) {
    Words w = words_of(loop);
    const char *m = w.model;
    const Model *model = loop->model;
    CPrinter p = {.text = text, .loop = loop, .model = m, .sources = sources, .annotate = loop->options.annotate};
    text_printf(text, "/* %s: the network's functions, described in %s.h. Written by nnc from %s. */\n", m, m,
                c_model_file(loop->arena, model));
    if (loop->options.target->bytes > 0)
        text_printf(text, "/* Vectors for %s: cc %s -c %s.c */\n", loop->options.target->name, c_flags(loop), m);
    if (loop->options.fast) print_fast_arithmetic(text, loop);
    else print_strict_arithmetic(text, loop);
    if (loop_moves_parameters(loop))
        text_printf(text, "/* An element that formulas call W[j, i] may stand at W[i][j], or elsewhere: %s.h says where. */\n\n",
                    m);
    if (loop_parts(loop, &loop->step) > 1) text_put(text, threads_with_parts);
    else if (loop_uses_threads(loop)) text_printf(text, threads_alike, loop->options.fast ? "" : " bits");
    bool draws = c_draws(&model->training->initial) || c_draws(&model->training->forward) || c_draws(&model->inference->forward);
    text_printf(text, "#include \"%s.h\"\n\n#include \"runtime/%s\"\n%s%s%s", m,
                loop->is_double ? "functions_double.h" : "functions.h",
                loop_says_how(loop) ? "#include \"runtime/loops.h\" /* tells compilers of which loops to make vectors */\n" : "",
                draws ? "#include \"runtime/random.h\"\n" : "", loop_reorders_sums(loop) ? "#include \"runtime/sums.h\"\n" : "");
    for (int lanes = 2; lanes <= 16; lanes *= 2) {
        if (loop_uses_lanes(loop, lanes))
            text_printf(text, "#include \"runtime/lanes_%c%d.h\"\n", loop->is_double ? 'd' : 'f', lanes);
    }
    text_put(text, "\n");
    const Routine *const routines[] = {&loop->initial, &loop->step, &loop->gradient, &loop->evaluate, &loop->predict};
    c_literals(text, loop, m, routines, sizeof routines / sizeof *routines);
    const Statements drawing[] = {model->training->initial, model->training->forward, model->inference->forward};
    c_random(text, loop, m, drawing, 3);
    Arena *arena = loop->arena;
    const char *in = arena_printf(arena, "const %s_input *restrict in", m), *examples = "int examples";
    const char *target = model->training->targets.count > 0 ? arena_printf(arena, "const %s_target *restrict target", m) : NULL;
    const char *constant = arena_printf(arena, "const %s_parameters *restrict model", m);
    CHead head = {"static void", arena_printf(arena, "%s_initial_values", m),
                  .comment = "Parameters and state before the first step.",
                  .parameters = {[C_MODEL] = arena_printf(arena, "%s_parameters *model", m),
                                 [C_STATE] = arena_printf(arena, "%s_state *state", m),
                                 [C_WORK] = arena_printf(arena, "%s_init_work *work", m),
                                 [C_SEED] = "uint64_t seed"}};
    bool initial = loop->initial.body.count > 0;
    if (initial) c_function(&p, &loop->initial, &head);
    text_printf(text,
                "void %s_init(%s) {\n%s%s    state->step = 0;\n    "
                "state->epoch = 0;\n%s%s%s}\n\n",
                m, w.init, model->training->parameters.count > 0 ? "" : "    (void)model;\n",
                c_draws(&model->training->initial) || c_state_seed(loop) ? "" : "    (void)seed;\n",
                c_state_seed(loop) ? "    state->seed = seed;\n" : "", initial ? "    " : "",
                initial ? c_call(&p, &head, "") : "");
    print_combine(&p, &w);
    const char *model_to_write = arena_printf(arena, "%s_parameters *restrict model", m);
    bool parts = loop_parts(loop, &loop->step) > 1;
    head = (CHead){
        "static void", arena_printf(arena, "%s_step", m),
        .comment =
            parts ? "Some examples of a part of a batch: the forward pass, the loss and its gradient."
            : loop->micro == NULL
                ? "One step of training on one batch: the forward pass, the loss, its gradient, and the update."
                : "Some examples of a batch: the forward pass, the loss and its gradient; behind the last ones the update.",
        .parameters = {[C_MODEL] = parts ? constant : model_to_write,
                       [C_STATE] = arena_printf(arena, "%s%s_state *restrict state", parts ? "const " : "", m),
                       [C_IN] = in,
                       [C_TARGET] = target,
                       [C_EXAMPLES] = examples,
                       [C_DONE] = "int done",
                       [C_BATCH] = "int batch",
                       [C_BEGINS] = "int begins",
                       [C_ENDS] = "int ends"}};
    CHead last = {.name = arena_printf(arena, "%s_update", m),
                  .comment = "Behind all parts of a batch, whose sums the first one has now: the loss, and the update.",
                  .parameters = {[C_MODEL] = model_to_write, [C_STATE] = arena_printf(arena, "%s_state *restrict state", m)}};
    print_train(text, &w, model->training, print_functions(&p, &w, &loop->step, head, "", last));
    head =
        (CHead){"static void", arena_printf(arena, "%s_evaluate_batch", m), .comment = "The loss of one batch, and its metrics.",
                .parameters = {[C_MODEL] = constant,
                               [C_IN] = in,
                               [C_TARGET] = target,
                               [C_EXAMPLES] = examples,
                               [C_DONE] = "int done",
                               [C_BATCH] = "int batch"}};
    last = (CHead){.name = arena_printf(arena, "%s_evaluate_all", m),
                   .comment = "Behind all parts of a batch, whose sums the first one has now."};
    print_evaluate(text, &w, model->inference, print_functions(&p, &w, &loop->evaluate, head, "evaluate_", last));
    p.outputs = &model->inference->outputs;
    head = (CHead){"static void", arena_printf(arena, "%s_predict_batch", m), .comment = "The outputs for one batch.",
                   .parameters = {[C_MODEL] = constant,
                                  [C_IN] = in,
                                  [C_OUT] = arena_printf(arena, "%s_output *restrict out", m),
                                  [C_EXAMPLES] = examples,
                                  [C_DONE] = "int done",
                                  [C_BATCH] = "int batch"}};
    if (model->inference->outputs.count > 0)
        print_predict(text, &w, print_functions(&p, &w, &loop->predict, head, "predict_", (CHead){0}));
    p.outputs = NULL;
    if (!loop->options.gradients) return;
    p.gradients = true;
    head = (CHead){w.number, arena_printf(arena, "%s_gradient", m), "work->loss", .fixed = true,
                   .parameters = {[C_MODEL] = arena_printf(arena, "const %s_parameters *model", m),
                                  [C_STATE] = arena_printf(arena, "const %s_state *state", m),
                                  [C_WORK] = arena_printf(arena, "%s_gradient_work *work", m),
                                  [C_IN] = arena_printf(arena, "const %s_input *in", m),
                                  [C_TARGET] = target == NULL ? NULL : arena_printf(arena, "const %s_target *target", m),
                                  [C_EXAMPLES] = examples,
                                  [C_GRADIENT] = arena_printf(arena, "%s_parameters *gradient", m)}};
    c_function(&p, &loop->gradient, &head);
}

static void print_header(Text *text, LoopProgram *loop) {
    Words w = words_of(loop);
    const char *m = w.model;
    const Program *program = loop->model->training;
    c_description(text, loop);
    text_printf(text, "#ifndef %s_H\n#define %s_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n", w.upper, w.upper);
    text_put(text, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    text_printf(text, "enum { %s_BATCH = %lld }; /* examples in a batch */\n", w.upper, (long long)loop->model->settings.batch);
    if (loop_parts(loop, &loop->step) > 1)
        text_printf(text,
                    "enum { %s_PART = %lld }; /* each thread has up to so many examples of a batch, and finds their gradients, "
                    "which are added up */\n",
                    w.upper, (long long)loop->micro->share);
    if (loop->micro != NULL && loop->micro->share > loop->micro->size)
        text_printf(text, "enum { %s_MICRO_BATCH = %lld }; /* of so many are the gradients found at a time, and added up */\n",
                    w.upper, (long long)loop->micro->size);
    c_structs(text, loop, m);
    if (program->metrics.count > 0) {
        text_put(text, "typedef struct {\n");
        for (size_t i = 0; i < program->metrics.count; i++)
            text_printf(text, "    %s %s;\n", w.number, c_name(loop->arena, program->metrics.at[i].name));
        text_printf(text, "} %s_metrics;\n\n", m);
    }
    bool metrics = program->metrics.count > 0;
    text_printf(text,
                "/* Initial values of parameters and state. The same seed gives the same values everywhere. */\nvoid "
                "%s_init(%s);\n\n",
                m, w.init);
    text_printf(text,
                "/* Trains on n examples, in batches in their order: parameters and state are those after the last one. Returns "
                "the mean loss, each\n   batch's before its own update%s. */\n",
                metrics ? "; metrics (NULL: not wanted) gets the means of the same outputs" : "");
    text_printf(text, "%s %s_train(%s_parameters *model, %s_state *state, %s_work *work, %s, size_t n%s);\n\n", w.number, m, m, m,
                m, w.feed, w.metrics);
    text_printf(text, "/* Returns the mean loss over n examples%s, without training. */\n",
                metrics ? "; metrics (NULL: not wanted) gets the means" : "");
    text_printf(text, "%s %s_evaluate(const %s_parameters *model, %s_evaluate_work *work, %s, size_t n%s);\n\n", w.number, m, m,
                m, w.feed, w.metrics);
    if (loop->combine.body.count > 0)
        text_printf(
            text,
            "/* Metrics that are no means over examples, from members that are (NAME_mean): for who averages these over several "
            "calls. */\nvoid %s_combine(%s_metrics *metrics);\n\n",
            m, m);
    if (loop->model->inference->outputs.count > 0)
        text_printf(text,
                    "/* What the network answers for n examples. */\nvoid %s_predict(const %s_parameters *model, %s_predict_work "
                    "*work, const %s_input *in, %s_output *out, size_t n);\n\n",
                    m, m, m, m, m);
    if (loop->options.gradients) {
        text_printf(text,
                    "/* Returns the loss of one batch of 1 to %s_BATCH examples, and writes its derivative with respect to each "
                    "trained parameter; frozen\n   parameters are left alone. Updates nothing. */\n",
                    w.upper);
        text_printf(text, "%s %s_gradient(%s);\n\n", w.number, m, gradient_parameters(loop->arena, m, w.feed));
    }
    text_put(text, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

void loop_to_c_header(Text *text, LoopProgram *loop) {
    Text *lines = text_new(loop->arena);
    print_header(lines, loop);
    c_wrap(text, text_string(lines));
}

void loop_to_c_source(Text *text, LoopProgram *loop, const Sources *sources) {
    Text *lines = text_new(loop->arena);
    print_source(lines, loop, sources);
    c_wrap(text, text_string(lines));
}

void loop_to_c_program(Text *text, LoopProgram *loop, const Sources *sources) {
    Text *lines = text_new(loop->arena);
    c_program(lines, loop, sources);
    c_wrap(text, text_string(lines));
}
