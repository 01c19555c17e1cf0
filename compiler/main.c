/* The command line: words to options, errors to exit codes. The only file that calls exit().

   Exit codes: 0 success, 1 the user's mistake (in a model, in data), 2 misuse of the command line. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/commands.h"
#include "compile.h"

static const char usage[] =
    "usage: nnc check MODEL [--gradients [--all]] [--batch N] [--seed N] [--json]\n"
    "       nnc run MODEL [--steps N] [--load FILE] [--save FILE] [--batch N] [--seed N] [--json]\n"
    "       nnc help [NAME]\n"
    "       nnc [check] MODEL --dump=STEP\n"
    "       nnc --version | --help\n";

static const char details[] =
    "\n"
    "nnc reads a network from a .nn file, derives its gradients symbolically, and checks and trains it.\n"
    "MODEL is a .nn file, or - for standard input.\n"
    "\n"
    "commands\n"
    "  check          check the model, and show its layers, shapes, parameters and operations\n"
    "    --gradients  compare every derivative with central differences\n"
    "    --all        every element, however large the parameter\n"
    "  run            train in the interpreter: slow, and exact to double precision\n"
    "    --steps N    N steps of one batch each, instead of the model's epochs\n"
    "    --load FILE  start from the parameters in a safetensors file\n"
    "    --save FILE  write the parameters at the end\n"
    "  help [NAME]    the standard library: all entries, or one with its formula, source and text\n"
    "\n"
    "options\n"
    "  --batch N      examples in a batch, instead of the model's own\n"
    "  --seed N       the seed of all random numbers, instead of the model's own\n"
    "  --json         results as JSON, one object a line\n"
    "  --dump=STEP    print the program after a step: parse, tensor, stabilize, normalize, derive or simplify\n"
    "  --origins      in a dump, say where each statement comes from\n"
    "  --stop=STEP    do not go beyond a step\n"
    "  --time         say how long each step took\n"
    "  --check        verify after each step what it promises\n"
    "  --version      print the version\n"
    "  --help         print this\n";

enum { DUMP = 256, ORIGINS, STOP, TIME, CHECK, GRADIENTS, ALL, STEPS, LOAD, SAVE, BATCH, SEED, JSON, VERSION };

static const struct option options[] = {
    {"dump", required_argument, NULL, DUMP}, {"origins", no_argument, NULL, ORIGINS}, {"stop", required_argument, NULL, STOP},
    {"time", no_argument, NULL, TIME}, {"check", no_argument, NULL, CHECK}, {"gradients", no_argument, NULL, GRADIENTS},
    {"all", no_argument, NULL, ALL}, {"steps", required_argument, NULL, STEPS}, {"load", required_argument, NULL, LOAD},
    {"save", required_argument, NULL, SAVE}, {"batch", required_argument, NULL, BATCH}, {"seed", required_argument, NULL, SEED},
    {"json", no_argument, NULL, JSON}, {"version", no_argument, NULL, VERSION}, {"help", no_argument, NULL, 'h'}, {0}};

typedef struct {
    const char *command, *model;
    CompileOptions compile;
    RunOptions run;
    CheckOptions check;
    bool gradients, used_run, used_check;
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
    if (errno != 0 || end == text || *end != '\0' || value < least || value > INT32_MAX) misuse("%s wants a whole number", option);
    return value;
}

static void check_step(const char *name) {
    if (!compile_has_step(name)) misuse("there is no step '%s'; the steps are parse, tensor, stabilize, normalize, derive and simplify", name);
}

static void one_option(Arguments *a, int option) {
    switch (option) {
    case DUMP: check_step(a->compile.dump = optarg); return;
    case STOP: check_step(a->compile.stop = optarg); return;
    case ORIGINS: a->compile.origins = true; return;
    case TIME: a->compile.time = true; return;
    case CHECK: a->compile.check = true; return;
    case GRADIENTS: a->gradients = a->used_check = true; return;
    case ALL: a->check.all = a->used_check = true; return;
    case STEPS: a->run.steps = whole_number(optarg, "--steps", 0); a->used_run = true; return;
    case LOAD: a->run.load = optarg; a->used_run = true; return;
    case SAVE: a->run.save = optarg; a->used_run = true; return;
    case BATCH: a->compile.batch = whole_number(optarg, "--batch", 1); return;
    case SEED:
        a->run.seed = a->check.seed = (uint64_t)whole_number(optarg, "--seed", 0);
        a->run.has_seed = a->check.has_seed = true;
        return;
    case JSON: a->run.json = a->check.json = true; return;
    case VERSION: puts("nnc " NNC_VERSION); exit(written(0));
    case 'h': fputs(usage, stdout); fputs(details, stdout); exit(written(0));
    default: fprintf(stderr, "%s'nnc --help' says more\n", usage); exit(2);
    }
}

static Arguments parse_arguments(int argc, char **argv) {
    Arguments a = {.run = {.steps = -1}};
#ifdef NNC_CHECK
    a.compile.check = true;
#endif
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) one_option(&a, option);
    const char *words[3] = {0};
    int count = argc - optind;
    for (int i = 0; i < count && i < 3; i++) words[i] = argv[optind + i];
    if (count == 0) misuse("%s", "a command and a model are wanted");
    bool command = strcmp(words[0], "check") == 0 || strcmp(words[0], "run") == 0 || strcmp(words[0], "help") == 0;
    a.command = command ? words[0] : "check";
    a.model = words[command ? 1 : 0];
    if (!command && count > 1) misuse("there is no command '%s'", words[0]);
    if (count > 2) misuse("'%s' is too much", words[2]);
    bool help = strcmp(a.command, "help") == 0, run = strcmp(a.command, "run") == 0;
    if (a.model == NULL && !help) misuse("'nnc %s' wants a model", a.command);
    if (a.used_run && !run) misuse("%s", "--steps, --load and --save belong to 'nnc run'");
    if (a.used_check && (run || help)) misuse("%s", "--gradients and --all belong to 'nnc check'");
    if (a.check.all && !a.gradients) misuse("%s", "--all belongs to --gradients");
    return a;
}

static int compile_and_run(Compilation *c, const Arguments *a) {
    const char *why = NULL;
    c->options = a->compile;
    c->source = source_read(c->context.sources, a->model, &why);
    if (c->source == 0) {
        fprintf(stderr, "nnc: %s: %s\n", a->model, why);
        return 1;
    }
    if (!compile(c, stdout)) return 1;
    if (a->compile.dump != NULL || a->compile.stop != NULL) return 0;
    if (strcmp(a->command, "run") == 0) return command_run(c->model, &a->run, c->context.diagnostics);
    if (a->gradients) return command_check_gradients(c->model, &a->check, c->context.diagnostics);
    command_summary(c->model, stdout);
    return 0;
}

int main(int argc, char **argv) {
    Arguments arguments = parse_arguments(argc, argv);
    Compilation *c = compilation_new();
    int code = strcmp(arguments.command, "help") == 0 ? command_help(&c->context, arguments.model, stdout) : compile_and_run(c, &arguments);
    diagnostics_print(c->context.diagnostics, stderr, isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
    if (c->context.diagnostics->errors > 0) code = 1;
    compilation_free(c);
    return written(code);
}
