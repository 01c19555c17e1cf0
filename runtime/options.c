#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

static const char usage[] =
    "usage: %s [--epochs N] [--seed N] [--load FILE [--partial] | --resume FILE] [--save FILE]\n"
    "       [--plot FILE] [--plot-decision FILE] [--data FOLDER] [--stream[=N]]\n"
    "       [--json | --quiet]\n"
    "       %s --predict --examples FILE --load FILE [--output FILE] [--data FOLDER] [--stream] [--json]\n"
    "       %s --evaluate [--examples FILE] --load FILE [--data FOLDER] [--stream] [--json]\n";

static const char details[] =
    "\n"
    "  --predict      do not train, but write what the network answers\n"
    "  --evaluate     do not train, but say loss and metrics on test, held-out or else training data\n"
    "  --examples FILE  to read instead of the model's data\n"
    "  --output FILE  for predictions, instead of standard output\n"
    "  --epochs N     train N epochs in all, instead of the model's %lu\n"
    "  --seed N       the seed of all random numbers, instead of the model's %llu\n"
    "  --load FILE    start from the parameters in a safetensors file\n"
    "  --partial      take from it what fits, and list the rest\n"
    "  --resume FILE  go on with the training that saved the file, as if it had not been interrupted\n"
    "  --save FILE    write a checkpoint after every epoch\n"
    "  --plot FILE    draw loss and metrics over the epochs, as SVG\n"
    "  --plot-decision FILE  draw the answers over the plane of the two inputs, with the examples\n"
    "  --data FOLDER  where the model's data files are, instead of the current folder\n"
    "  --stream[=N]   read examples when they are wanted, again in each epoch, instead of having all in memory;\n"
    "                 to train, they are shuffled in a buffer of N examples (%d)\n"
    "  --json         an object for each epoch instead of a line\n"
    "  --quiet        nothing but errors\n"
    "  --help         print this\n";

enum {
    EPOCHS = 256,
    SEED,
    LOAD,
    PARTIAL,
    RESUME,
    SAVE,
    PLOT,
    PLANE,
    DATA,
    JSON,
    QUIET,
    PREDICT,
    EVALUATE,
    EXAMPLES,
    OUTPUT,
    STREAM
};
enum { USUAL_BUFFER = 10000 };

static const struct option known[] = {{"epochs", required_argument, NULL, EPOCHS},
                                      {"seed", required_argument, NULL, SEED},
                                      {"load", required_argument, NULL, LOAD},
                                      {"partial", no_argument, NULL, PARTIAL},
                                      {"resume", required_argument, NULL, RESUME},
                                      {"save", required_argument, NULL, SAVE},
                                      {"plot", required_argument, NULL, PLOT},
                                      {"plot-decision", required_argument, NULL, PLANE},
                                      {"data", required_argument, NULL, DATA},
                                      {"json", no_argument, NULL, JSON},
                                      {"quiet", no_argument, NULL, QUIET},
                                      {"predict", no_argument, NULL, PREDICT},
                                      {"evaluate", no_argument, NULL, EVALUATE},
                                      {"examples", required_argument, NULL, EXAMPLES},
                                      {"output", required_argument, NULL, OUTPUT},
                                      {"stream", optional_argument, NULL, STREAM},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

static int misuse(const NncProgram *program, const char *format, const char *word) {
    if (format != NULL) nnc_message(program->name, format, word);
    fprintf(stderr, usage, program->name, program->name, program->name);
    fprintf(stderr, "'%s --help' says more\n", program->name);
    return 2;
}

/* Digits alone: strtoull would take a sign, too. */
static int whole_number(const char *text, uint64_t limit, uint64_t *number) {
    char *end;
    unsigned long long value;
    if (*text < '0' || *text > '9') return 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    *number = value;
    return errno == 0 && *end == '\0' && value <= limit;
}

static int one_option(const NncProgram *program, int option, NncOptions *options, int *has_seed) {
    uint64_t number = 0;
    switch (option) {
    case EPOCHS:
        if (!whole_number(optarg, INT32_MAX, &number)) return misuse(program, "--epochs wants a whole number, not '%s'", optarg);
        options->epochs = (uint32_t)number;
        break;
    case SEED:
        if (!whole_number(optarg, UINT64_MAX, &number)) return misuse(program, "--seed wants a whole number, not '%s'", optarg);
        options->seed = number;
        *has_seed = 1;
        break;
    case STREAM:
        if (optarg == NULL) number = USUAL_BUFFER;
        else if (!whole_number(optarg, INT32_MAX, &number) || number == 0)
            return misuse(program, "--stream wants a whole number from 1 on, not '%s'", optarg);
        options->stream = (uint32_t)number;
        break;
    case LOAD: options->load = optarg; break;
    case PARTIAL: options->partial = 1; break;
    case RESUME: options->resume = optarg; break;
    case SAVE: options->save = optarg; break;
    case PLOT: options->plot = optarg; break;
    case PLANE: options->plot_decision = optarg; break;
    case DATA: options->data = optarg; break;
    case JSON: options->json = 1; break;
    case QUIET: options->quiet = 1; break;
    case PREDICT: options->predict = 1; break;
    case EVALUATE: options->evaluate = 1; break;
    case EXAMPLES: options->examples = optarg; break;
    case OUTPUT: options->output = optarg; break;
    case 'h':
        printf(usage, program->name, program->name, program->name);
        printf(details, (unsigned long)program->epochs, (unsigned long long)program->seed, USUAL_BUFFER);
        return 0;
    default: return misuse(program, NULL, NULL); /* getopt_long has said why */
    }
    return -1;
}

/* Options that go together; NULL, or what does not. */
static const char *why_not(const NncOptions *o, int has_seed) {
    int trains = !o->predict && !o->evaluate;
    if (o->resume != NULL && o->load != NULL) return "--resume takes everything from its file: it does not go with --load";
    if (o->resume != NULL && has_seed) return "--resume goes on with the seed of its file: it does not go with --seed";
    if (o->partial && o->load == NULL) return "--partial belongs to --load";
    if (o->json && o->quiet) return "--json writes to standard output, and --quiet does not: choose one";
    if (o->predict && o->evaluate) return "--predict or --evaluate: one of them";
    if (!trains && o->load == NULL) return "--predict and --evaluate want --load";
    if (!trains && (o->partial || o->save != NULL || o->resume != NULL || o->plot != NULL || o->plot_decision != NULL))
        return "--predict and --evaluate do not train";
    if (o->predict && o->examples == NULL) return "--predict wants --examples";
    if (trains && o->examples != NULL) return "--examples belongs to --predict and --evaluate";
    return o->output != NULL && !o->predict ? "--output belongs to --predict" : NULL;
}

int nnc_options_parse(const NncProgram *program, int argc, char **argv, NncOptions *options) {
    int has_seed = 0;
    const char *why;
    *options = (NncOptions){.epochs = program->epochs, .seed = program->seed};
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        int code = one_option(program, option, options, &has_seed);
        if (code >= 0) return code;
    }
    if (optind < argc) return misuse(program, "'%s' is too much", argv[optind]);
    why = why_not(options, has_seed);
    if (why != NULL) return misuse(program, "%s", why);
    return -1;
}
