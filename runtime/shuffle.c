#include "shuffle.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

int nnc_shuffler_begin(NncShuffler *s, const NncProgram *program, size_t room) {
    s->room = room;
    s->in = calloc(room + 1, program->input_size);
    s->target = calloc(room + 1, program->target_size + 1);
    return s->in != NULL && s->target != NULL;
}

void nnc_shuffler_free(NncShuffler *s) {
    free(s->in);
    free(s->target);
    memset(s, 0, sizeof *s);
}

/* The next training examples, into the buffer from place `to` on. */
static int read_on(NncShuffler *s, const NncProgram *program, const NncExamples *examples, const NncData *data, size_t to,
                   size_t n) {
    if (!nnc_examples_gather(program, examples, data->training, s->read, n, s->in + to * program->input_size,
                             s->target + to * program->target_size))
        return 0;
    s->read += n;
    return 1;
}

static void copy_example(const NncProgram *program, char *in, char *target, const char *from_in, const char *from_target) {
    memcpy(in, from_in, program->input_size);
    if (program->target_size > 0) memcpy(target, from_target, program->target_size);
}

/* One example out of the buffer, which has one; the next one of the files, or else the last of the buffer, takes its place. */
static int draw(NncShuffler *s, const NncProgram *program, const NncExamples *examples, const NncData *data, uint64_t seed,
                uint64_t epoch, char *in, char *target) {
    size_t i = nnc_random_below(seed, epoch, &s->drawn, (uint32_t)s->count);
    char *from_in = s->in + i * program->input_size, *from_target = s->target + i * program->target_size;
    copy_example(program, in, target, from_in, from_target);
    s->given++;
    if (s->read < data->training_count) return read_on(s, program, examples, data, i, 1);
    s->count--;
    if (i < s->count)
        copy_example(program, from_in, from_target, s->in + s->count * program->input_size,
                     s->target + s->count * program->target_size);
    return 1;
}

int nnc_shuffler_take(NncShuffler *s, const NncProgram *program, const NncExamples *examples, const NncData *data, uint64_t seed,
                      uint64_t epoch, size_t first, size_t n, char *in, char *target) {
    if (first == 0 || first < s->given) {
        s->read = s->given = 0;
        s->drawn = 0;
        s->count = data->training_count < s->room ? data->training_count : s->room;
        if (!read_on(s, program, examples, data, 0, s->count)) return 0;
    }
    while (s->given < first) {
        if (!draw(s, program, examples, data, seed, epoch, in, target)) return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (!draw(s, program, examples, data, seed, epoch, in + i * program->input_size, target + i * program->target_size))
            return 0;
    }
    return 1;
}
