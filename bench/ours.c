/* Measures a network that nnc compiled. Linked with NAME.c and NAME_main.c instead of the runtime's program: the `main` of NAME_main.c
   comes here with the tables of the network, so nothing here knows a network.

       ours EXAMPLES         measures it on so many examples
       ours EXAMPLES FILE    writes examples and initial parameters, by which the peers start from the same: 32-bit numbers, those of
                             all examples for each input, then for each target, then the parameters, each row-major */
#include "runtime/member.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

enum { LINE = 64 /* bytes of a cache line, on which arrays begin */, SEED = 1 };

static const NncProgram *network;
static char *parameters, *state, *work, *in, *target;
static char *first_parameters, *first_state;

static char *allocate(size_t bytes) {
    char *got = aligned_alloc(LINE, (bytes / LINE + 1) * LINE);
    if (got == NULL) exit(1);
    return memset(got, 0, bytes);
}

/* xorshift64 (Marsaglia), from -1 to 1 */
static double draw(void) {
    static uint64_t random = UINT64_C(88172645463325252);
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return (double)(random >> 40) / 8388608.0 - 1.0;
}

static const NncSource *source_of(const NncMember *member) {
    const NncSource *source = network->train_data->sources;
    while (strcmp(source->tensor, member->path) != 0) source++;
    return source;
}

/* One example: random numbers or, where the model says one_hot, a random class. */
static void make(const NncMember *member, double *values) {
    const NncSource *source = source_of(member);
    bool one_hot = source->step_count > 0 && source->steps[source->step_count - 1].kind == NNC_ONE_HOT;
    for (size_t i = 0; i < member->count; i++) values[i] = one_hot ? 0.0 : draw();
    if (one_hot) values[(size_t)((draw() + 1.0) / 2.0 * (double)member->count)] = 1.0;
}

static void write_numbers(FILE *file, const double *values, size_t count) {
    for (size_t i = 0; file != NULL && i < count; i++) {
        float number = (float)values[i];
        fwrite(&number, sizeof number, 1, file);
    }
}

static void make_all(const NncMember *members, size_t count, char *examples, size_t size, size_t n, FILE *file) {
    for (size_t m = 0; m < count; m++) {
        double *values = malloc(members[m].count * sizeof *values);
        for (size_t i = 0; values != NULL && i < n; i++) {
            make(&members[m], values);
            nnc_member_write(network, &members[m], examples + i * size, values);
            write_numbers(file, values, members[m].count);
        }
        free(values);
    }
}

static void write_parameters(FILE *file) {
    for (size_t m = 0; m < network->parameter_count; m++) {
        double *values = malloc(network->parameters[m].count * sizeof *values);
        if (values == NULL) exit(1);
        nnc_member_read(network, &network->parameters[m], first_parameters, values);
        write_numbers(file, values, network->parameters[m].count);
        free(values);
    }
}

void restart(void) {
    memcpy(parameters, first_parameters, network->parameters_size);
    memcpy(state, first_state, network->state_size);
}

double train(size_t first, size_t n) {
    return network->train(parameters, state, work, in + first * network->input_size, target + first * network->target_size, n,
                          NULL);
}

int nnc_program(const NncProgram *program, int argc, char **argv) {
    if (argc < 2) return 2;
    size_t examples = strtoul(argv[1], NULL, 10);
    FILE *file = argc > 2 ? fopen(argv[2], "wb") : NULL;
    network = program;
    parameters = allocate(network->parameters_size);
    first_parameters = allocate(network->parameters_size);
    state = allocate(network->state_size);
    first_state = allocate(network->state_size);
    work = allocate(network->work_size);
    in = allocate(network->input_size * examples);
    target = allocate(network->target_size * examples);
    network->init(first_parameters, first_state, SEED);
    make_all(network->inputs, network->input_count, in, network->input_size, examples, file);
    make_all(network->targets, network->target_count, target, network->target_size, examples, file);
    if (argc == 2) {
        measure(examples, network->batch);
        return 0;
    }
    if (file == NULL) return 1;
    write_parameters(file);
    return fclose(file) == 0 ? 0 : 1;
}
