/* The command line: words to options, errors to exit codes. The only file that calls exit().

   Exit codes: 0 success, 1 the user's mistake (in a model, in data), 2 misuse of the command line. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"
#include "compile.h"
#include "explain/lesson.h"
#include "usage.h"

/* ---- Options, and the commands that they belong to */

enum {
    IS_CHECK = 1,
    IS_COMPILE = 2,
    IS_TRAIN = 4,
    IS_RUN = 8,
    IS_HELP = 16,
    IS_PREDICT = 32,
    IS_EVALUATE = 64,
    IS_EXPLAIN = 128,
    IS_GRAPH = 256
};
enum { USES_PROGRAM = IS_TRAIN | IS_PREDICT | IS_EVALUATE }; /* of generated C, compiled */

static const struct {
    const char *name;
    int bit;
} commands[] = {{"check", IS_CHECK},     {"compile", IS_COMPILE},   {"train", IS_TRAIN},
                {"predict", IS_PREDICT}, {"evaluate", IS_EVALUATE}, {"run", IS_RUN},
                {"explain", IS_EXPLAIN}, {"graph", IS_GRAPH},       {"help", IS_HELP}};

enum {
    DUMP = 256,
    ORIGINS,
    STOP,
    TIME,
    CHECK,
    GRADIENTS,
    ALL,
    STEPS,
    LOAD,
    SAVE,
    DATA,
    BATCH,
    SEED,
    JSON,
    VERSION,
    LIBRARY,
    SINGLE_FILE,
    ANNOTATE,
    EPOCHS,
    PARTIAL,
    RESUME,
    QUIET,
    PLOT,
    PLOT_DECISION,
    STREAM,
    CC,
    MATH,
    UNROLL,
    TARGET,
    THREADS,
    MICRO_BATCH,
    FORMAT,
    SAMPLE,
    INPUT,
    TARGET_NUMBERS,
    STEP,
    ELEMENT,
    DIGITS,
    BACKWARD
};

static const struct option options[] = {{"dump", required_argument, NULL, DUMP},
                                        {"origins", no_argument, NULL, ORIGINS},
                                        {"stop", required_argument, NULL, STOP},
                                        {"time", no_argument, NULL, TIME},
                                        {"check", no_argument, NULL, CHECK},
                                        {"gradients", no_argument, NULL, GRADIENTS},
                                        {"all", no_argument, NULL, ALL},
                                        {"steps", required_argument, NULL, STEPS},
                                        {"load", required_argument, NULL, LOAD},
                                        {"save", required_argument, NULL, SAVE},
                                        {"data", required_argument, NULL, DATA},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"seed", required_argument, NULL, SEED},
                                        {"json", no_argument, NULL, JSON},
                                        {"version", no_argument, NULL, VERSION},
                                        {"help", no_argument, NULL, 'h'},
                                        {"output", required_argument, NULL, 'o'},
                                        {"library", no_argument, NULL, LIBRARY},
                                        {"single-file", no_argument, NULL, SINGLE_FILE},
                                        {"annotate", required_argument, NULL, ANNOTATE},
                                        {"epochs", required_argument, NULL, EPOCHS},
                                        {"partial", no_argument, NULL, PARTIAL},
                                        {"resume", required_argument, NULL, RESUME},
                                        {"plot", required_argument, NULL, PLOT},
                                        {"plot-decision", required_argument, NULL, PLOT_DECISION},
                                        {"stream", optional_argument, NULL, STREAM},
                                        {"quiet", no_argument, NULL, QUIET},
                                        {"cc", required_argument, NULL, CC},
                                        {"math", required_argument, NULL, MATH},
                                        {"unroll", required_argument, NULL, UNROLL},
                                        {"target", required_argument, NULL, TARGET},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"micro-batch", required_argument, NULL, MICRO_BATCH},
                                        {"format", required_argument, NULL, FORMAT},
                                        {"sample", required_argument, NULL, SAMPLE},
                                        {"x", required_argument, NULL, INPUT},
                                        {"t", required_argument, NULL, TARGET_NUMBERS},
                                        {"step", required_argument, NULL, STEP},
                                        {"element", required_argument, NULL, ELEMENT},
                                        {"digits", required_argument, NULL, DIGITS},
                                        {"backward", no_argument, NULL, BACKWARD},
                                        {0}};

static const struct {
    int option, commands;
} belongs[] = {{GRADIENTS, IS_CHECK | IS_COMPILE},
               {ALL, IS_CHECK},
               {'o', IS_COMPILE | IS_PREDICT | IS_EXPLAIN | IS_GRAPH},
               {LIBRARY, IS_COMPILE},
               {SINGLE_FILE, IS_COMPILE},
               {ANNOTATE, IS_COMPILE},
               {EPOCHS, IS_TRAIN},
               {PARTIAL, IS_TRAIN},
               {RESUME, IS_TRAIN},
               {PLOT, IS_TRAIN},
               {PLOT_DECISION, IS_TRAIN},
               {STREAM, USES_PROGRAM},
               {CC, USES_PROGRAM},
               {QUIET, IS_TRAIN | IS_COMPILE},
               {STEPS, IS_RUN},
               {LOAD, USES_PROGRAM | IS_RUN | IS_EXPLAIN},
               {DATA, IS_PREDICT | IS_EVALUATE},
               {SAVE, IS_TRAIN | IS_RUN},
               {MATH, IS_COMPILE | USES_PROGRAM},
               {UNROLL, IS_COMPILE | USES_PROGRAM},
               {TARGET, IS_COMPILE | USES_PROGRAM},
               {THREADS, IS_COMPILE | USES_PROGRAM},
               {MICRO_BATCH, IS_COMPILE | USES_PROGRAM},
               {FORMAT, IS_EXPLAIN},
               {SAMPLE, IS_EXPLAIN},
               {INPUT, IS_EXPLAIN},
               {TARGET_NUMBERS, IS_EXPLAIN},
               {STEP, IS_EXPLAIN},
               {ELEMENT, IS_EXPLAIN},
               {DIGITS, IS_EXPLAIN},
               {BACKWARD, IS_GRAPH},
               {SEED, IS_CHECK | IS_TRAIN | IS_RUN | IS_EXPLAIN},
               {JSON, IS_CHECK | USES_PROGRAM | IS_RUN | IS_EXPLAIN}};

typedef struct {
    const char *model;
    int command; /* one of IS_... */
    CompileOptions compile;
    RunOptions run;
    CheckOptions check;
    OutputOptions output;
    TrainOptions train;
    ExplainOptions explain;
    GraphOptions graph;
    bool gradients, has_math, partial, resume, data;
    int used[sizeof options / sizeof *options]; /* options, in order */
    int used_count;
} Arguments;

static _Noreturn void misuse(const char *format, const char *word) {
    fputs("nnc: ", stderr);
    fprintf(stderr, format, word);
    fprintf(stderr, "\n%s'nnc --help' says more\n", usage);
    exit(2);
}

/* The exit code, once all output has been written: a full disk makes it 1. */
static int written(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "nnc: standard output: %s\n", strerror(errno));
    return 1;
}

static int64_t whole_number(const char *text, const char *option, int64_t least) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > INT32_MAX)
        misuse("%s wants a whole number", option);
    return value;
}

static const char *step_of(Arena *arena, const char *name) {
    if (!compile_has_step(name))
        misuse("%s", arena_printf(arena, "there is no step '%s'; the steps are %s", name, compile_steps(arena)));
    return name;
}

static const Target *target_of(Arena *arena, const char *word) {
    const Target *target = target_find(word);
    if (target == NULL) misuse("%s", arena_printf(arena, "there is no target '%s': native, %s", word, target_names(arena)));
    return target;
}

static int threads_of(const char *word) {
    enum { MOST = 1024 };
    int64_t threads = whole_number(word, "--threads", 1);
    if (threads > MOST) misuse("--threads is at most 1024, not %s", word);
    return (int)threads;
}

static const char *format_of(Arena *arena, const char *name) {
    if (!explain_has_format(name))
        misuse("%s", arena_printf(arena, "there is no format '%s'; the formats are %s", name, explain_formats(arena)));
    return name;
}

static int digits_of(const char *word) {
    enum { MOST = 17 };
    int64_t digits = whole_number(word, "--digits", 1);
    if (digits > MOST) misuse("--digits is at most 17, not %s", word);
    return (int)digits;
}

static int32_t unroll_of(const char *word) {
    if (strcmp(word, "none") == 0) return UNROLL_NONE;
    if (strcmp(word, "auto") == 0) return UNROLL_AUTO;
    if (strcmp(word, "full") == 0) return UNROLL_FULL;
    return (int32_t)whole_number(word, "--unroll (full, none, auto or N)", 1);
}

static bool fast_of(const char *word) {
    if (strcmp(word, "strict") != 0 && strcmp(word, "fast") != 0) misuse("--math is strict or fast, not '%s'", word);
    return strcmp(word, "fast") == 0;
}

/* For the program that is trained: it has the same option. */
static void pass(Arguments *a, Arena *arena, const char *option, const char *value) {
    vec_push(arena, &a->train.pass, option);
    if (value != NULL) vec_push(arena, &a->train.pass, value);
}

static void one_option(Arguments *a, Arena *arena, int option) {
    if (a->used_count < (int)(sizeof a->used / sizeof *a->used)) a->used[a->used_count++] = option;
    switch (option) {
    case DUMP: a->compile.dump = step_of(arena, optarg); return;
    case STOP: a->compile.stop = step_of(arena, optarg); return;
    case ORIGINS: a->compile.origins = true; return;
    case TIME: a->compile.time = true; return;
    case CHECK: a->compile.check = true; return;
    case GRADIENTS: a->gradients = a->compile.loop.gradients = true; return;
    case ALL: a->check.all = true; return;
    case STEPS: a->run.steps = whole_number(optarg, "--steps", 0); return;
    case LOAD:
        a->run.load = a->explain.load = optarg;
        pass(a, arena, "--load", optarg);
        return;
    case SAVE:
        a->run.save = optarg;
        pass(a, arena, "--save", optarg);
        return;
    case BATCH: a->compile.batch = whole_number(optarg, "--batch", 1); return;
    case SEED:
        a->run.seed = a->check.seed = a->explain.seed = (uint64_t)whole_number(optarg, "--seed", 0);
        a->run.has_seed = a->check.has_seed = a->explain.has_seed = true;
        pass(a, arena, "--seed", optarg);
        return;
    case JSON:
        a->run.json = a->check.json = true;
        a->explain.format = "json";
        pass(a, arena, "--json", NULL);
        return;
    case DATA:
        a->data = true;
        a->train.examples = optarg;
        pass(a, arena, "--examples", optarg);
        return;
    case 'o': a->output.output = a->explain.output = a->graph.output = optarg; return;
    case FORMAT: a->explain.format = format_of(arena, optarg); return;
    case SAMPLE:
        a->explain.sample = whole_number(optarg, "--sample", 0);
        a->explain.has_sample = true;
        return;
    case INPUT: vec_push(arena, &a->explain.inputs, optarg); return;
    case TARGET_NUMBERS: vec_push(arena, &a->explain.targets, optarg); return;
    case STEP: a->explain.step = whole_number(optarg, "--step", 0); return;
    case ELEMENT: a->explain.element = optarg; return;
    case DIGITS: a->explain.digits = digits_of(optarg); return;
    case BACKWARD: a->graph.backward = true; return;
    case LIBRARY: a->output.library = true; return;
    case SINGLE_FILE: a->output.single_file = true; return;
    case ANNOTATE: a->compile.loop.annotate = (int)whole_number(optarg, "--annotate (0, 1 or 2)", 0); return;
    case EPOCHS:
        whole_number(optarg, "--epochs", 0);
        pass(a, arena, "--epochs", optarg);
        return;
    case PARTIAL:
        a->partial = true;
        pass(a, arena, "--partial", NULL);
        return;
    case RESUME:
        a->resume = true;
        pass(a, arena, "--resume", optarg);
        return;
    case PLOT: pass(a, arena, "--plot", optarg); return;
    case PLOT_DECISION: pass(a, arena, "--plot-decision", optarg); return;
    case STREAM:
        if (optarg != NULL) whole_number(optarg, "--stream", 1);
        pass(a, arena, optarg != NULL ? arena_printf(arena, "--stream=%s", optarg) : "--stream", NULL);
        return;
    case QUIET:
        a->output.quiet = a->train.quiet = true;
        pass(a, arena, "--quiet", NULL);
        return;
    case CC: a->train.cc = optarg; return;
    case MATH:
        a->compile.loop.fast = fast_of(optarg);
        a->has_math = true;
        return;
    case TARGET: a->compile.loop.target = target_of(arena, optarg); return;
    case THREADS: a->compile.loop.threads = threads_of(optarg); return;
    case MICRO_BATCH: a->compile.loop.micro = whole_number(optarg, "--micro-batch", 1); return;
    case UNROLL: a->compile.loop.unroll = unroll_of(optarg); return;
    case VERSION: puts("nnc " NNC_VERSION); exit(written(0));
    case 'h':
        fputs(usage, stdout);
        fputs(usage_details, stdout);
        fputs(usage_shared, stdout);
        exit(written(0));
    default: fprintf(stderr, "%s'nnc --help' says more\n", usage); exit(2);
    }
}

static const char *option_name(int option) {
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (options[i].val == option) return options[i].name;
    }
    return "";
}

/* "'nnc train' or 'nnc run'" */
static void check_belongs(const Arguments *a, Arena *arena, int option) {
    for (size_t b = 0; b < sizeof belongs / sizeof *belongs; b++) {
        if (belongs[b].option != option || (belongs[b].commands & a->command) != 0) continue;
        const char *owners = "";
        for (size_t c = 0; c < sizeof commands / sizeof *commands; c++) {
            if ((belongs[b].commands & commands[c].bit) != 0)
                owners = arena_printf(arena, "%s%s'nnc %s'", owners, *owners == '\0' ? "" : " or ", commands[c].name);
        }
        misuse("%s", arena_printf(arena, "--%s belongs to %s", option_name(option), owners));
    }
}

/* nnc predict, nnc evaluate: what they want, and what the program is told. */
static void complete_judging(Arguments *a, Arena *arena, const char *command) {
    if (a->run.load == NULL) misuse("'nnc %s' wants the parameters: --load FILE", command);
    if (a->command == IS_PREDICT && !a->data) misuse("'nnc %s' wants the examples: --data FILE", command);
    pass(a, arena, a->command == IS_PREDICT ? "--predict" : "--evaluate", NULL);
    if (a->output.output != NULL) pass(a, arena, "--output", a->output.output);
}

/* Numbers come from an example of the data, or from the command line. */
static void complete_explaining(Arguments *a) {
    ExplainOptions *e = &a->explain;
    if (e->has_sample && e->inputs.count > 0)
        misuse("%s", "--sample takes an example of the data, --x one from the command line: one of them");
    if (e->targets.count > 0 && e->inputs.count == 0) misuse("%s", "--t belongs to --x");
    e->numbers = e->has_sample || e->inputs.count > 0 || e->step > 0 || e->load != NULL;
    if (e->format == NULL) e->format = explain_format_of_file(e->output);
    if (e->format == NULL)
        misuse("-o %s: a name that ends in .txt, .md, .tex, .html or .json, or --format, says the format", e->output);
}

static Arguments parse_arguments(Arena *arena, int argc, char **argv) {
    Arguments a = {.run = {.steps = -1}, .explain = {.digits = 9}, .compile = {.loop = {.unroll = UNROLL_AUTO, .annotate = 1}}};
#ifdef NNC_CHECK
    a.compile.check = true;
#endif
    for (int option; (option = getopt_long(argc, argv, "ho:", options, NULL)) != -1;) one_option(&a, arena, option);
    int count = argc - optind;
    char **words = argv + optind;
    if (count == 0) misuse("%s", "a command and a model are wanted");
    for (size_t c = 0; c < sizeof commands / sizeof *commands; c++) {
        if (strcmp(words[0], commands[c].name) == 0) a.command = commands[c].bit;
    }
    bool named = a.command != 0;
    if (!named) a.command = IS_CHECK;
    a.model = count > named ? words[named] : NULL;
    if (!named && count > 1) misuse("there is no command '%s'", words[0]);
    if (count > 2) misuse("'%s' is too much", words[2]);
    if (a.model == NULL && a.command != IS_HELP) misuse("'nnc %s' wants a model", words[0]);
    a.train.trains = a.command == IS_TRAIN;
    a.train.command = a.command == IS_TRAIN ? "train" : words[0];
    a.compile.lower = (a.command & (IS_COMPILE | USES_PROGRAM | IS_EXPLAIN)) != 0;
    if ((a.command & USES_PROGRAM) != 0 && !a.has_math) a.compile.loop.fast = true;
    if ((a.command & USES_PROGRAM) != 0 && a.compile.loop.target == NULL) a.compile.loop.target = target_find("native");
    if (!a.compile.lower) a.compile.loop.unroll = UNROLL_NONE;
    for (int i = 0; i < a.used_count; i++) check_belongs(&a, arena, a.used[i]);
    if (a.check.all && !a.gradients) misuse("%s", "--all belongs to --gradients");
    if (a.partial && a.run.load == NULL) misuse("%s", "--partial belongs to --load");
    if (a.resume && a.run.load != NULL) misuse("%s", "--resume goes on where a run ended, --load starts anew: one of them");
    if ((a.command & (IS_PREDICT | IS_EVALUATE)) != 0) complete_judging(&a, arena, words[0]);
    if (a.command == IS_EXPLAIN) complete_explaining(&a);
    if (a.command == IS_GRAPH && !graph_has_format(a.graph.output))
        misuse("-o FILE: a graph is written to a file that ends in .svg or .dot, not to %s", a.graph.output);
    if (a.compile.loop.micro > 0 && (a.compile.loop.threads > 1 || a.compile.loop.gradients))
        misuse("--micro-batch and --%s exclude each other", a.compile.loop.gradients ? "gradients" : "threads");
    if (a.compile.loop.annotate > 2) misuse("%s", "--annotate is 0, 1 or 2");
    return a;
}

/* Warnings and errors, once. */
static void say(Diagnostics *diagnostics) {
    diagnostics_print(diagnostics, stderr, isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
    diagnostics->list.count = 0;
}

/* Would the model be overwritten? */
static bool is_output(const Arguments *a, const char *model) {
    struct stat output, source;
    return a->output.output != NULL && stat(a->output.output, &output) == 0 && S_ISREG(output.st_mode) &&
           stat(model, &source) == 0 && output.st_dev == source.st_dev && output.st_ino == source.st_ino;
}

static int compile_and_run(Compilation *c, const Arguments *a) {
    const char *why = NULL;
    c->options = a->compile;
    if (is_output(a, a->model)) {
        fprintf(stderr, "nnc: -o %s: that is the model itself\n", a->output.output);
        return 1;
    }
    c->source = source_read(c->context.sources, a->model, &why);
    if (c->source == 0) {
        fprintf(stderr, "nnc: %s: %s\n", a->model, why);
        return 1;
    }
    if (!compile(c, stdout)) return 1;
    if (a->compile.dump != NULL || a->compile.stop != NULL) return 0;
    if (a->command == IS_COMPILE) return command_compile(c->loop, c->context.sources, &a->output, c->context.diagnostics);
    if ((a->command & USES_PROGRAM) != 0) {
        say(c->context.diagnostics); /* the program takes over */
        return command_train(c->loop, c->context.sources, &a->train, c->context.diagnostics);
    }
    if (a->command == IS_EXPLAIN || a->command == IS_GRAPH) {
        Lesson *lesson = lesson_new(&c->context, &c->items, c->source, c->options.batch, c->model);
        int code = a->command == IS_EXPLAIN ? command_explain(lesson, c->loop, &a->explain, c->context.diagnostics)
                                            : command_graph(lesson, &a->graph);
        lesson_free(lesson);
        return code;
    }
    if (a->command == IS_RUN) return command_run(c->model, &a->run, c->context.diagnostics);
    if (a->gradients) return command_check_gradients(c->model, &a->check, c->context.diagnostics);
    command_summary(c->model, stdout);
    return 0;
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
    Compilation *c = compilation_new();
    Arguments arguments = parse_arguments(c->context.arena, argc, argv);
    int code = arguments.command == IS_HELP ? command_help(&c->context, arguments.model, stdout) : compile_and_run(c, &arguments);
    say(c->context.diagnostics);
    if (c->context.diagnostics->errors > 0) code = 1;
    compilation_free(c);
    return written(code);
}
