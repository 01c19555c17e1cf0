#define _XOPEN_SOURCE 700 /* terminals */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "display.h"
#include "program.h"
#include "random.h"
#include "safetensors.h"

/* ---- The network and its data */

enum { BATCH = 3, ROWS = 11, TEST_ROWS = 4 };

static double rate = 0.05, noisiness = 0.01;
static uint32_t poisoned_step = UINT32_MAX;
static const char *const metric_names[] = {"mean_absolute_error"};

static double xs[2 * ROWS], ts[ROWS], test_xs[2 * TEST_ROWS], test_ts[TEST_ROWS];
static const NncStep standardize[] = {{NNC_STANDARDIZE, 0, 0}};
static NncSource train_sources[] = {
    {.tensor = "x",
     .width = 2,
     .place = "linear.nn:9:9",
     .literal = xs,
     .literal_rows = ROWS,
     .literal_width = 2,
     .steps = standardize,
     .step_count = 1},
    {.tensor = "t", .width = 1, .place = "linear.nn:10:9", .literal = ts, .literal_rows = ROWS, .literal_width = 1},
};
static NncSource test_sources[] = {
    {.tensor = "x",
     .width = 2,
     .literal = test_xs,
     .literal_rows = TEST_ROWS,
     .literal_width = 2,
     .steps = standardize,
     .step_count = 1},
    {.tensor = "t", .width = 1, .literal = test_ts, .literal_rows = TEST_ROWS, .literal_width = 1},
};
static NncBlock train_block = {"train", train_sources, 2, 0.2, 1};
static const NncBlock test_block = {"test", test_sources, 2, 0, 1};

#define NUMBER float
#define NAMED(name) float_##name
#include "_linear.h"
#undef NUMBER
#undef NAMED
#define NUMBER double
#define NAMED(name) double_##name
#include "_linear.h"

static void make_examples(double *x, double *t, size_t rows, uint64_t site) {
    for (size_t i = 0; i < rows; i++) {
        x[2 * i] = 4 * nnc_random_uniform(3, site, 0, 2 * i);
        x[2 * i + 1] = nnc_random_uniform(3, site, 0, 2 * i + 1) - 5;
        t[i] = 0.7 * x[2 * i] - 2 * x[2 * i + 1] + 0.5 * nnc_random_uniform(3, site, 1, i);
    }
}

static NncProgram with_test(NncProgram program) {
    program.test_data = &test_block;
    return program;
}

/* ---- Running */

static char out[1 << 16], err[1 << 16];
static long file_limit; /* > 0: no file may be longer */

static size_t slurp(const char *path, char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s is missing", path);
    size_t length = fread(bytes, 1, room - 1, file);
    bytes[length] = '\0';
    fclose(file);
    return length;
}

static void redirect(const char *path, int to) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, to);
    close(file);
}

static pid_t start(const NncProgram *program, const char *options, const char *output) {
    fflush(NULL);
    pid_t child = fork();
    if (child != 0) return child;
    char words[500], *argv[32] = {"linear"};
    int argc = 1;
    strcpy(words, options);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) argv[argc++] = word;
    redirect(output, STDOUT_FILENO);
    redirect("err", STDERR_FILENO);
    if (file_limit > 0) {
        struct rlimit limit = {(rlim_t)file_limit, (rlim_t)file_limit};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    int code = nnc_program(program, argc, argv);
    fflush(NULL);
    _exit(code);
}

/* Runs with options that a blank separates; returns the exit code. */
static int run(NncProgram program, const char *options) {
    int status;
    waitpid(start(&program, options, "out"), &status, 0);
    slurp("out", out, sizeof out);
    slurp("err", err, sizeof err);
    if (!WIFEXITED(status)) fail_msg("%s: ended by a signal", options);
    return WEXITSTATUS(status);
}

static void succeeds(NncProgram program, const char *options) {
    int code = run(program, options);
    if (code != 0 || *err != '\0') fail_msg("%s: exit code %d, %s", options, code, err);
}

static void says(const char *text, const char *expected) {
    if (strstr(text, expected) == NULL) fail_msg("'%s' is not in: %s", expected, text);
}

static void fails(NncProgram program, const char *options, int code, const char *message) {
    assert_int_equal(run(program, options), code);
    says(err, message);
    assert_string_equal(out, "");
}

static void same_files(const char *a, const char *b) {
    static char first[1 << 16], second[1 << 16];
    size_t length = slurp(a, first, sizeof first);
    assert_int_equal(length, slurp(b, second, sizeof second));
    assert_memory_equal(first, second, length);
}

/* ---- JSON */

static double field(const char *line, const char *name) {
    char key[100];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(line, key), *end = strchr(line, '\n');
    if (at == NULL || at > end) fail_msg("no field %s in %s", name, line);
    return strtod(at + strlen(key), NULL);
}

/* Takes "seconds" away from all lines: what is left may not vary. */
static char *without_seconds(char *lines) {
    for (char *at; (at = strstr(lines, ",\"seconds\":")) != NULL;) memmove(at, strchr(at, '}'), strlen(strchr(at, '}')) + 1);
    return lines;
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) count += *text == '\n';
    return count;
}

static void test_json(void **state) {
    (void)state;
    static const char *const names[] = {"epoch",
                                        "loss",
                                        "mean_absolute_error",
                                        "holdout_loss",
                                        "holdout_mean_absolute_error",
                                        "test_loss",
                                        "test_mean_absolute_error",
                                        "seconds"};
    succeeds(with_test(float_program()), "--json --epochs 3");
    assert_int_equal(count_lines(out), 3);
    double epoch = 1;
    for (const char *line = out, *at; *line != '\0'; line = at + 1) {
        at = line;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char key[100], *end;
            snprintf(key, sizeof key, "%c\"%s\":", i == 0 ? '{' : ',', names[i]);
            assert_memory_equal(at, key, strlen(key));
            double value = strtod(at + strlen(key), &end);
            assert_true(isfinite(value) && end > at + strlen(key));
            if (i == 0) assert_true(value == epoch++);
            at = end;
        }
        assert_memory_equal(at, "}\n", 2);
        at++;
    }
    NncBlock whole = train_block;
    whole.holdout = 0;
    NncProgram program = float_program();
    program.train_data = &whole;
    program.metric_count = 0;
    succeeds(program, "--json --epochs 1");
    assert_int_equal(strncmp(without_seconds(out), "{\"epoch\":1,\"loss\":", 18), 0);
    assert_null(strchr(out + 18, ',')); /* nothing else */
}

static void test_lines(void **state) {
    (void)state;
    succeeds(with_test(float_program()), "--epochs 2");
    assert_int_equal(count_lines(out), 2);
    assert_int_equal(strncmp(out, "epoch 1  loss ", 14), 0);
    double loss, error, held_out, held_out_error, test, test_error, seconds;
    int end = 0;
    sscanf(strchr(out, '\n') + 1,
           "epoch 2  loss %lf  mean_absolute_error %lf  held out: loss %lf  mean_absolute_error %lf  test: loss %lf  "
           "mean_absolute_error %lf  %lf s\n%n",
           &loss, &error, &held_out, &held_out_error, &test, &test_error, &seconds, &end);
    assert_true(end > 0);
    succeeds(with_test(float_program()), "--epochs 2 --quiet");
    assert_string_equal(out, "");
    succeeds(with_test(float_program()), "--epochs 2 --json");
    const char *line = strchr(out, '\n') + 1;
    assert_true(fabs(field(line, "loss") / loss - 1) < 1e-5 && fabs(field(line, "test_loss") / test - 1) < 1e-5);
}

/* ---- Training: the numbers against a computation of the test's own */

static double W[2], b, velocity[3];

static double expected_epoch(const double *x, const double *t, const uint32_t *order, size_t rows, uint64_t seed,
                             uint32_t epoch) {
    double sum = 0, rate_now = rate / (1 + 0.1 * epoch);
    size_t step = epoch * ((rows + BATCH - 1) / BATCH);
    for (size_t first = 0; first < rows; first += BATCH) {
        size_t n = rows - first < BATCH ? rows - first : BATCH;
        double g[3] = {0, 0, 0}, noise = noisiness * nnc_random_uniform(seed, 1, ++step, 0);
        for (size_t i = 0; i < n; i++) {
            const double *at = x + 2 * order[first + i];
            double d = W[0] * at[0] + W[1] * at[1] + b - t[order[first + i]];
            sum += d * d;
            g[0] += 2 * d * at[0] / (double)n;
            g[1] += 2 * d * at[1] / (double)n;
            g[2] += 2 * d / (double)n;
        }
        double *w[3] = {&W[0], &W[1], &b};
        for (size_t k = 0; k < 3; k++) {
            velocity[k] = 0.5 * velocity[k] + rate_now * (g[k] + (k < 2 ? noise : 0));
            *w[k] -= velocity[k];
        }
    }
    return sum / (double)rows;
}

static void check_training(NncProgram program, double tolerance) {
    const uint64_t seed = program.seed;
    NncData data;
    NncDataError error;
    assert_int_equal(nnc_data_load(program.train_data, NULL, NULL, seed, &data, &error), 1);
    uint32_t *order = calloc(data.rows, sizeof *order);
    succeeds(program, "--json --save trained --epochs 3");
    for (uint64_t i = 0; i < 2; i++) W[i] = nnc_random_uniform(seed, 0, 0, i);
    b = velocity[0] = velocity[1] = velocity[2] = 0;
    const char *line = out;
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        if (program.shuffle) nnc_shuffle(seed, epoch, order, (uint32_t)data.training_count);
        for (size_t i = 0; i < data.training_count; i++) order[i] = data.training[program.shuffle ? order[i] : i];
        double loss = expected_epoch(data.arrays[0].values, data.arrays[1].values, order, data.training_count, seed, epoch),
               held_out = 0;
        for (size_t i = 0; i < data.held_out_count; i++) {
            const double *x = data.arrays[0].values + 2 * data.held_out[i];
            held_out +=
                pow(W[0] * x[0] + W[1] * x[1] + b - data.arrays[1].values[data.held_out[i]], 2) / (double)data.held_out_count;
        }
        assert_true(fabs(field(line, "loss") - loss) <= tolerance * loss);
        if (data.held_out_count > 0) assert_true(fabs(field(line, "holdout_loss") - held_out) <= tolerance * held_out);
        line = strchr(line, '\n') + 1;
    }
    NncTensors file;
    NncTensorsError why;
    assert_int_equal(nnc_safetensors_load("trained", &file, &why), 1);
    for (size_t i = 0; i < 2; i++) assert_true(fabs(nnc_tensors_find(&file, "W")->values[i] - W[i]) <= tolerance * fabs(W[i]));
    assert_true(fabs(nnc_tensors_find(&file, "b")->values[0] - b) <= tolerance * fabs(b));
    assert_int_equal(nnc_tensors_find(&file, "W")->element, program.number_size == 4 ? NNC_F32 : NNC_F64);
    assert_int_equal(nnc_tensors_find(&file, "W")->rank, 2);
    nnc_tensors_free(&file);
    nnc_data_free(&data);
    free(order);
}

static void test_training(void **state) {
    (void)state;
    NncProgram single = float_program(), in_order = double_program();
    in_order.shuffle = 0;
    check_training(single, 1e-4);
    check_training(double_program(), 1e-12);
    check_training(in_order, 1e-12);
}

/* More examples than are trained in one call, and an incomplete batch at the end. */
static void test_many_examples(void **state) {
    (void)state;
    enum { MANY = 30001 };
    double *x = malloc(2 * MANY * sizeof *x), *t = malloc(MANY * sizeof *t);
    make_examples(x, t, MANY, 9);
    NncSource sources[2] = {train_sources[0], train_sources[1]};
    sources[0].literal = x, sources[1].literal = t;
    sources[0].literal_rows = sources[1].literal_rows = MANY;
    NncBlock block = {"train", sources, 2, 0.5, 1};
    NncProgram program = double_program();
    program.train_data = &block;
    rate = 0.001;
    check_training(program, 1e-9);
    block.holdout = 0;
    check_training(program, 1e-9);

    /* With large parameters the copy to go back to is made rarely: the step is found all the same. */
    program.parameters_size = program.state_size = 1 << 19;
    check_training(program, 1e-9);
    for (poisoned_step = 9000; poisoned_step < UINT32_MAX; poisoned_step += 8500) {
        char expected[200];
        uint32_t bad = poisoned_step + 1, epoch = (bad - 1) / 10001 + 1;
        snprintf(expected, sizeof expected,
                 "in step %u (epoch %u) the loss is inf\nlinear: the first tensor that is not finite is 'W'", bad, epoch);
        assert_int_equal(run(program, "--epochs 2 --quiet"), 1);
        says(err, expected);
        if (epoch == 2) break;
    }
    poisoned_step = UINT32_MAX;
    rate = 0.05;
    free(x);
    free(t);
}

/* ---- Going on */

static void check_resuming(NncProgram program) {
    static char whole[1 << 16], parts[1 << 16];
    char options[200];
    program = with_test(program);
    succeeds(program, "--seed 5 --json --save whole");
    strcpy(whole, without_seconds(out));
    for (int epochs = 0; epochs <= 6; epochs++) {
        snprintf(options, sizeof options, "--seed 5 --json --save part --epochs %d", epochs);
        succeeds(program, options);
        strcpy(parts, without_seconds(out));
        succeeds(program, "--resume part --json --save part");
        strcat(parts, without_seconds(out));
        assert_string_equal(parts, whole);
        same_files("part", "whole");
    }
}

static void test_resuming(void **state) {
    (void)state;
    check_resuming(float_program());
    check_resuming(double_program());
    succeeds(double_program(), "--resume whole");
    says(out, "6 epochs were trained before");
    assert_int_equal(count_lines(out), 1);
    succeeds(double_program(), "--resume whole --json --epochs 8");
    assert_int_equal(count_lines(out), 2);
    succeeds(double_program(), "--load whole --json --epochs 1"); /* from the start, but for the parameters */
    assert_true(field(out, "epoch") == 1);
}

static void check_early_stopping(NncProgram program, size_t last) {
    static char whole[sizeof out], parts[sizeof out];
    char options[100];
    program.patience = 2;
    program.epochs = 30;
    succeeds(program, "--json --save whole");
    strcpy(whole, without_seconds(out));
    assert_int_equal(count_lines(whole), last);
    for (size_t epochs = 1; epochs <= last; epochs++) {
        snprintf(options, sizeof options, "--json --save part --epochs %zu", epochs);
        succeeds(program, options);
        strcpy(parts, without_seconds(out));
        succeeds(program, "--json --resume part --save part");
        strcat(parts, without_seconds(out));
        assert_string_equal(parts, whole);
        same_files("part", "whole");
    }
    succeeds(program, "");
    says(out, "no better for 2 epochs: stopped\n");
    succeeds(program, "--resume whole");
    assert_string_equal(out, "no better for 2 epochs: stopped\n");
    program.patience = 0;
    succeeds(program, "--json");
    assert_int_equal(count_lines(out), 30);
}

static void test_early_stopping(void **state) {
    (void)state;
    rate = 0; /* the held-out loss stays */
    check_early_stopping(float_program(), 3);
    rate = -0.01; /* it grows */
    check_early_stopping(double_program(), 3);
    rate = 0.2; /* it falls for a while: the last epochs are those after the best one */
    NncProgram program = float_program();
    program.epochs = 30;
    succeeds(program, "--json");
    size_t best = 0, epoch = 0;
    double least = (double)INFINITY;
    for (const char *line = out; *line != '\0' && epoch < best + 2 + (best == 0); line = strchr(line, '\n') + 1) {
        epoch++;
        if (field(line, "holdout_loss") < least) least = field(line, "holdout_loss"), best = epoch;
    }
    assert_true(best > 1);
    check_early_stopping(program, epoch);
    rate = 0.05;
}

/* ---- Losses that are not finite */

/* The step in which it happens, found with the network's own functions. */
static uint32_t diverges_in(NncProgram program) {
    NncProgram copy = program;
    for (uint32_t step = 1; step < 1000; step++) {
        double metric, loss = 0;
        void *p = calloc(1, program.parameters_size), *s = calloc(1, program.state_size);
        NncData data;
        NncDataError error;
        uint32_t order[ROWS];
        nnc_data_load(program.train_data, NULL, NULL, program.seed, &data, &error);
        copy.init(p, s, program.seed);
        uint32_t batches = (uint32_t)(data.training_count + BATCH - 1) / BATCH;
        for (uint32_t i = 0; i < step; i++) {
            uint32_t epoch = i / batches;
            size_t first = i % batches * BATCH, n = data.training_count - first < BATCH ? data.training_count - first : BATCH;
            float_Input in[BATCH];
            float_Target target[BATCH];
            nnc_shuffle(program.seed, epoch, order, (uint32_t)data.training_count);
            for (size_t k = 0; k < n; k++) {
                uint32_t row = data.training[order[first + k]];
                in[k].x[0] = (float)data.arrays[0].values[2 * row];
                in[k].x[1] = (float)data.arrays[0].values[2 * row + 1];
                target[k].t[0] = (float)data.arrays[1].values[row];
            }
            ((float_State *)s)->epoch = epoch;
            loss = copy.train(p, s, NULL, in, target, n, &metric);
        }
        nnc_data_free(&data);
        free(p);
        free(s);
        if (!isfinite(loss)) return step;
    }
    return 0;
}

static void test_divergence(void **state) {
    (void)state;
    char expected[200];
    NncProgram program = float_program();
    succeeds(program, "--epochs 2 --save good");
    succeeds(program, "--epochs 2 --save kept");
    rate = 1e4;
    uint32_t step = diverges_in(program);
    assert_true(step > 1);
    program.epochs = 1000;
    snprintf(expected, sizeof expected,
             "linear: in step %u (epoch %u) the loss is inf\nlinear: the first tensor that is not finite is '", step,
             (step - 1) / 3 + 1);
    assert_int_equal(run(program, "--save wild"), 1);
    says(err, expected);
    says(err, "a smaller rate, or inputs that are standardized");
    snprintf(expected, sizeof expected, "linear: wild keeps the training up to epoch %u\n", (step - 1) / 3);
    says(err, expected);
    succeeds(program, "--resume wild --epochs 1"); /* it loads, and there is nothing to do */
    assert_int_equal(run(program, "--load good --save good"), 1);
    rate = 0.05;

    /* A parameter that is not finite: in the midst of an epoch, and by its last step, with losses that are finite */
    poisoned_step = 8;
    assert_int_equal(run(program, "--epochs 3 --resume kept --save kept"), 1);
    says(err, "in step 9 (epoch 3) the loss is inf\nlinear: the first tensor that is not finite is 'W'\n");
    says(err, "linear: nothing was saved to kept\n");
    poisoned_step = 9;
    assert_int_equal(run(program, "--epochs 3 --resume kept --save kept"), 1);
    says(err, "after step 9 (epoch 3) 'W' holds inf");
    assert_int_equal(run(program, "--epochs 3 --resume kept"), 1);
    poisoned_step = UINT32_MAX;
    succeeds(program, "--epochs 2 --save again");
    same_files("again", "kept");
}

/* ---- Checkpoints that do not fit */

static NncProgram with_parameters(const NncMember *members) {
    NncProgram program = float_program();
    program.parameters = members;
    return program;
}

static void test_loading(void **state) {
    (void)state;
    static const NncMember renamed[] = {{"V", 0, 2, 2, {1, 2}, 0, 0, {{0, 0, 0}}}, {"b", 8, 1, 1, {1}, 0, 0, {{0, 0, 0}}}};
    static const NncMember reshaped[] = {{"W", 0, 2, 1, {2}, 0, 0, {{0, 0, 0}}}, {"b", 8, 1, 1, {1}, 0, 0, {{0, 0, 0}}}};
    static const NncMember others[] = {{"one.weight", 0, 2, 1, {2}, 0, 0, {{0, 0, 0}}},
                                       {"two.weight", 8, 1, 0, {0}, 0, 0, {{0, 0, 0}}}};
    static const NncMember nothing_alike[] = {{"optimizer.b.u", 0, 1, 1, {1}, 0, 0, {{0, 0, 0}}}};
    succeeds(float_program(), "--save file");
    fails(float_program(), "--load none", 1, "linear: none: it cannot be opened: No such file or directory");
    fails(with_parameters(renamed), "--load file", 1,
          "linear: file does not hold the parameters of this program; --partial takes those that fit\n"
          "linear: 'V' [1, 2] is not in the file\n"
          "linear: the file's 'W' [1, 2] is not in the program\n");
    fails(with_parameters(reshaped), "--load file", 1, "linear: 'W' has shape [2] in the program, [1, 2] in the file\n");
    assert_int_equal(run(with_parameters(renamed), "--load file --partial --epochs 0 --save part"), 0);
    says(err, "linear: 'V' [1, 2] is not in the file\nlinear: the file's 'W' [1, 2] is not in the program\n");
    assert_int_equal(run(with_parameters(others), "--load file --partial"), 0); /* the layer's state fits */
    NncProgram alien = with_parameters(others);
    alien.states = nothing_alike, alien.state_count = 1;
    fails(alien, "--load file --partial", 1, "linear: file holds nothing that fits this program\n");
    fails(alien, "--resume file", 1,
          "linear: file does not hold a training run of this program; --load takes just its parameters\n");
    says(err, "linear: 'optimizer.b.u' [1] is not in the file; did you mean its 'optimizer.b.v'?\n");
    says(err, "linear: the file's 'optimizer.W.v' [1, 2] is not in the program\n");
    fails(double_program(), "--resume file", 1, "linear: 'W' is F64 in the program, F32 in the file\n");
    succeeds(double_program(), "--load file --epochs 0 --save wide");
    NncTensors narrow, wide;
    NncTensorsError why;
    assert_int_equal(nnc_safetensors_load("file", &narrow, &why) + nnc_safetensors_load("wide", &wide, &why), 2);
    static const char *const taken[] = {"W", "b", "norm.mean", "optimizer.W.v"};
    for (size_t i = 0; i < 4; i++) {
        const NncTensor *from = nnc_tensors_find(&narrow, taken[i]), *to = nnc_tensors_find(&wide, taken[i]);
        assert_int_equal(memcmp(from->values, to->values, from->count * sizeof(double)) == 0, i < 3); /* a fresh optimizer */
    }
    nnc_tensors_free(&narrow);
    nnc_tensors_free(&wide);
}

static void write_file(const char *path, NncTensors *file) {
    NncTensorsError why;
    assert_int_equal(nnc_safetensors_save(path, file, &why), 1);
}

static void set_metadata(NncTensors *file, const char *key, const char *value) {
    for (size_t i = 0; i < file->metadata_count; i++) {
        if (strcmp(file->metadata[i].key, key) != 0) continue;
        free(file->metadata[i].value);
        file->metadata[i].value = strcpy(malloc(strlen(value) + 1), value);
        return;
    }
    fail_msg("no metadata %s", key);
}

/* Files whose metadata do not make sense, and other data. */
static void test_resuming_what_does_not_fit(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *message;
    } cases[] = {
        {"step", "x", "does not say where its training stood; --load takes just its parameters"},
        {"step", "-3", "does not say where"},
        {"step", "17", "was saved after step 17 and epoch 6, but these data make 3 steps an epoch"},
        {"epoch", "4294967296", "does not say where"},
        {"seed", "", "does not say where"},
        {"best_epoch", "7", "does not say where"},
        {"best_holdout_loss", "good", "does not say where"},
        {"standardize.x.0", "{}", "comes from data that were standardized differently ('standardize.x.0')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        NncTensors file;
        NncTensorsError why;
        succeeds(float_program(), "--save file");
        assert_int_equal(nnc_safetensors_load("file", &file, &why), 1);
        set_metadata(&file, cases[i].key, cases[i].value);
        write_file("changed", &file);
        nnc_tensors_free(&file);
        fails(float_program(), "--resume changed", 1, cases[i].message);
        succeeds(float_program(), "--load changed");
    }
    for (size_t i = 0; i < ROWS; i++) xs[2 * i] *= 2;
    fails(float_program(), "--resume file", 1, "standardized differently ('standardize.x.0')");
    for (size_t i = 0; i < ROWS; i++) xs[2 * i] /= 2;
    train_sources[0].step_count = 0;
    fails(float_program(), "--resume file", 1, "standardized where these are not ('standardize.x.0')");
    succeeds(float_program(), "--save raw");
    train_sources[0].step_count = 1;
    fails(float_program(), "--resume raw", 1, "does not say how its data were standardized ('standardize.x.0')");
    train_sources[1].literal_rows = ROWS - 1;
    fails(float_program(), "", 1, "linear.nn:10:9: error: 't' has 10 examples, but 'x' (linear.nn:9:9) has 11\n");
    train_sources[1].literal_rows = ROWS;
    double kept = ts[0];
    ts[0] = 1e300;
    fails(float_program(), "", 1, "linear.nn:10:9: error: example 0: 1e+300 is more than a float can hold\n");
    ts[0] = kept;
}

/* ---- Saving */

static int files_that_begin(const char *prefix) {
    char command[100];
    int status;
    snprintf(command, sizeof command, "ls | grep -c '^%s' >count", prefix);
    status = system(command);
    (void)status;
    char text[20];
    slurp("count", text, sizeof text);
    return atoi(text);
}

static void test_saving_that_fails(void **state) {
    (void)state;
    succeeds(float_program(), "--save full.file --epochs 2");
    succeeds(float_program(), "--save full.copy --epochs 2");
    file_limit = 300; /* as on a full disk, but for the words of the message */
    assert_int_equal(run(float_program(), "--resume full.file --save full.file --quiet"), 1);
    file_limit = 0;
    says(err, "linear: full.file: it cannot be written: File too large\n");
    same_files("full.file", "full.copy");
    assert_int_equal(files_that_begin("full"), 2);
    assert_int_equal(run(float_program(), "--quiet --save no/such/folder"), 1);
    says(err, "linear: no/such/folder: it cannot be written: No such file or directory\n");
    fails(float_program(), "--save /dev/full", 1, "linear: /dev/full: it is not a regular file, and is left as it is\n");
    NncProgram program = float_program();
    int status;
    waitpid(start(&program, "", "/dev/full"), &status, 0);
    assert_int_equal(WEXITSTATUS(status), 1);
    slurp("err", err, sizeof err);
    says(err, "linear: standard output: No space left on device\n");
}

/* Killed at any moment, it leaves a checkpoint that loads, and goes on as if nothing had happened. */
static void test_killing(void **state) {
    (void)state;
    enum { TIMES = 50 };
    NncProgram program = float_program();
    for (int i = 0; i < TIMES; i++) {
        NncTensors file;
        NncTensorsError why;
        struct timespec moment = {0, (long)(2e7 * nnc_random_uniform(1, 2, 3, (uint64_t)i))};
        pid_t child = start(&program,
                            access("killed", F_OK) == 0 ? "--quiet --resume killed --save killed --epochs 1000000"
                                                        : "--quiet --save killed --epochs 1000000",
                            "out");
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (access("killed", F_OK) != 0) continue;
        if (!nnc_safetensors_load("killed", &file, &why)) fail_msg("%s", why.message);
        nnc_tensors_free(&file);
    }
    NncTensors file;
    NncTensorsError why;
    char options[100];
    succeeds(program, access("killed", F_OK) == 0 ? "--resume killed --epochs 1" : "--save killed --epochs 1");
    assert_int_equal(nnc_safetensors_load("killed", &file, &why), 1);
    snprintf(options, sizeof options, "--quiet --save whole --epochs %s", nnc_tensors_metadata(&file, "epoch"));
    nnc_tensors_free(&file);
    succeeds(program, options);
    same_files("killed", "whole");
}

/* ---- Options */

static void test_misuse(void **state) {
    (void)state;
    static const struct {
        const char *options, *message;
    } cases[] = {
        {"--epoch", "requires an argument"},
        {"--rate 3", "'--rate'"},
        {"--batch 3", "'--batch'"},
        {"--epochs -1", "--epochs wants a whole number, not '-1'"},
        {"--epochs 1.5", "--epochs wants a whole number, not '1.5'"},
        {"--epochs 99999999999", "--epochs wants a whole number"},
        {"--seed x", "--seed wants a whole number, not 'x'"},
        {"more", "'more' is too much"},
        {"--load a --resume b", "--resume takes everything from its file: it does not go with --load"},
        {"--seed 1 --resume b", "does not go with --seed"},
        {"--partial", "--partial belongs to --load"},
        {"--json --quiet", "choose one"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fails(float_program(), cases[i].options, 2, cases[i].message);
        says(err, "usage: linear [--epochs N]");
        says(err, "'linear --help' says more\n");
    }
    succeeds(float_program(), "--help");
    says(out, "instead of the model's 6\n");
    NncProgram other = float_program();
    other.seed = 9;
    succeeds(other, "--json");
    char *expected = strdup(without_seconds(out));
    succeeds(float_program(), "--json --seed 9");
    assert_string_equal(without_seconds(out), expected);
    free(expected);
}

/* ---- Terminals */

static void check_chart(const double *values, size_t count, size_t columns, int blocks, const char *expected) {
    char text[3000] = "";
    FILE *file = tmpfile();
    nnc_chart_print(file, values, count, columns, blocks);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_chart(void **state) {
    (void)state;
    static const double fall[] = {64, 32, 16, 8, 4, 0}, same[] = {1, 1, (double)NAN, 1}, powers[] = {1e4, 1e3, 1e2, 10, 1, 1e-2};
    check_chart(fall, 6, 24, 0,
                "        64  ##\n"
                "            ##\n"
                "            ##\n"
                "            ##\n"
                "            ####\n"
                "            ####\n"
                "            ######\n"
                "         0  ########....\n");
    check_chart(powers, 6, 2, 1,
                "     1e+04  ██\n"
                "            ██▅▅\n"
                "            ████▃\n"
                "     log    █████\n"
                "            ███████\n"
                "            ███████▆▆\n"
                "            █████████\n"
                "      0.01  █████████▁\n");
    check_chart(same, 4, 15, 0,
                "         1\n"
                "\n"
                "\n"
                "\n"
                "\n"
                "\n"
                "\n"
                "         1  .....   ..\n");
    check_chart(fall, 1, 80, 0, ""); /* a point is no curve */
}

static void test_terminal(void **state) {
    (void)state;
    static const char *const locales[] = {"C", "C.UTF-8"};
    for (int i = 0; i < 2; i++) {
        int terminal = posix_openpt(O_RDWR | O_NOCTTY), status;
        if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) skip();
        setenv("TERM", "xterm", 1);
        setenv("COLUMNS", "70", 1);
        setenv("LC_ALL", locales[i], 1);
        NncProgram program = float_program();
        int kept_open = open(ptsname(terminal), O_RDWR | O_NOCTTY);
        pid_t child = start(&program, "--epochs 40", ptsname(terminal));
        size_t length = 0;
        fcntl(terminal, F_SETFL, O_NONBLOCK);
        for (int ended = 0; !ended;) { /* what is read after the end is all that is left */
            ended = waitpid(child, &status, WNOHANG) != 0;
            for (ssize_t n; (n = read(terminal, out + length, sizeof out - 1 - length)) > 0;) length += (size_t)n;
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        }
        out[length] = '\0';
        close(kept_open);
        close(terminal);
        assert_int_equal(WEXITSTATUS(status), 0);
        says(out, "\repoch 1/40 [....................]   2 %  0:");
        says(out, " left  loss ");
        says(out, "\033[K");
        says(out, i == 0 ? "  #" : "  \xE2\x96\x88");
        says(out, "epoch 40  loss ");
        for (const char *line = strtok(out, "\r\n"); line != NULL; line = strtok(NULL, "\r\n"))
            if (strstr(line, "[.") != NULL) assert_true(strlen(line) <= 69 + 3);
    }
}

static char folder[] = "/tmp/test_program_XXXXXX";

static int enter_folder(void **state) {
    (void)state;
    make_examples(xs, ts, ROWS, 1);
    make_examples(test_xs, test_ts, TEST_ROWS, 2);
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return chdir("/") != 0 || system(command) != 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_many_examples),
        cmocka_unit_test(test_resuming),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_loading),
        cmocka_unit_test(test_resuming_what_does_not_fit),
        cmocka_unit_test(test_saving_that_fails),
        cmocka_unit_test(test_killing),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_chart),
        cmocka_unit_test(test_terminal),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
