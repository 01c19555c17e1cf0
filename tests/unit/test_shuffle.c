/* The buffer out of which streamed examples are drawn. Examples are their own numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shuffle.h"

enum { ROWS = 500 };

typedef struct {
    double x;
} Input;
typedef struct {
    double t;
} Target;

static const NncMember input = {"x", 0, 1, 0, {0}, 0, 0, {{0, 0, 0}}}, target = {"t", 0, 1, 0, {0}, 0, 0, {{0, 0, 0}}};
static const NncProgram program = {.name = "shuffled",
                                   .number_size = sizeof(double),
                                   .input_size = sizeof(Input),
                                   .target_size = sizeof(Target),
                                   .inputs = &input,
                                   .targets = &target,
                                   .input_count = 1,
                                   .target_count = 1};
static double numbers[ROWS];
static NncSource sources[] = {
    {.tensor = "x", .width = 1, .format = NNC_LITERAL, .literal = numbers, .literal_rows = ROWS, .literal_width = 1},
    {.tensor = "t", .width = 1, .format = NNC_LITERAL, .literal = numbers, .literal_rows = ROWS, .literal_width = 1}};
static const NncStep negate = {NNC_SUBTRACT_FROM, 0, 0};
static NncBlock block = {"train", sources, 2, 0, 0};
static NncData data;
static NncExamples examples;
static NncShuffler shuffler;
static Input in[ROWS];
static Target targets[ROWS];

static void begin(double holdout, size_t room) {
    for (size_t i = 0; i < ROWS; i++) numbers[i] = (double)i;
    sources[1].steps = &negate;
    sources[1].step_count = 1;
    block.holdout = holdout;
    assert_int_equal(nnc_examples_open(&program, &block, NULL, NULL, 5, 1, &data, &examples), 1);
    assert_int_equal(nnc_shuffler_begin(&shuffler, &program, room), 1);
}

static void end(void) {
    nnc_shuffler_free(&shuffler);
    nnc_examples_free(&examples);
    nnc_data_free(&data);
}

static void take(uint64_t seed, uint64_t epoch, size_t first, size_t n) {
    assert_int_equal(nnc_shuffler_take(&shuffler, &program, &examples, &data, seed, epoch, first, n, (char *)(in + first),
                                       (char *)(targets + first)),
                     1);
}

/* Every training example once, none earlier than the buffer can have it, with its own target. */
static void assert_epoch(size_t room) {
    char seen[ROWS] = {0};
    size_t place[ROWS];
    for (size_t i = 0; i < data.training_count; i++) place[data.training[i]] = i;
    for (size_t k = 0; k < data.training_count; k++) {
        size_t row = (size_t)in[k].x;
        assert_true(targets[k].t == -in[k].x);
        assert_false(seen[row]);
        seen[row] = 1;
        assert_true(place[row] < k + room);
    }
    for (size_t i = 0; i < data.held_out_count; i++) assert_false(seen[data.held_out[i]]);
}

static void test_each_once(void **state) {
    (void)state;
    const size_t rooms[] = {1, 2, 50, 400, 499, 500, 1000};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        for (int held = 0; held < 2; held++) {
            begin(held ? 0.2 : 0, rooms[i]);
            for (uint64_t epoch = 0; epoch < 3; epoch++) {
                take(1, epoch, 0, data.training_count);
                assert_epoch(rooms[i]);
            }
            end();
        }
    }
}

/* A buffer of one example leaves the order; a large one does not, and the order depends on seed and epoch alone, not on the pieces that
   are taken, nor on what was taken before. */
static void test_order(void **state) {
    (void)state;
    static Input first[ROWS];
    begin(0, 1);
    take(1, 0, 0, ROWS);
    for (size_t k = 0; k < ROWS; k++) assert_true(in[k].x == (double)k);
    end();
    begin(0, 100);
    take(1, 0, 0, ROWS);
    memcpy(first, in, sizeof in);
    size_t moved = 0;
    for (size_t k = 0; k < ROWS; k++) moved += in[k].x != (double)k;
    assert_true(moved > ROWS * 9 / 10);
    take(1, 1, 0, ROWS);
    assert_memory_not_equal(first, in, sizeof in);
    take(2, 0, 0, ROWS);
    assert_memory_not_equal(first, in, sizeof in);
    memset(in, 0, sizeof in);
    for (size_t k = 0; k < ROWS; k += 20) take(1, 0, k, 20);
    assert_memory_equal(first, in, sizeof in);
    memset(in + 60, 0, 100 * sizeof *in);
    take(1, 0, 60, 100); /* back, as a search for the step that went wrong does */
    assert_memory_equal(first, in, sizeof in);
    take(1, 0, 300, 10); /* and on, over some */
    assert_memory_equal(first, in, sizeof in);
    end();
}

/* With a buffer for all of them, each example is as likely in each place. */
static void test_places(void **state) {
    (void)state;
    enum { EPOCHS = 2000, PARTS = 5 };
    double count[PARTS][PARTS] = {{0}}, expected = (double)EPOCHS * ROWS / (PARTS * PARTS), chi_square = 0;
    begin(0, ROWS);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        take(1, epoch, 0, ROWS);
        for (size_t k = 0; k < ROWS; k++) count[k * PARTS / ROWS][(size_t)in[k].x * PARTS / ROWS]++;
    }
    for (int c = 0; c < PARTS * PARTS; c++) {
        double off = count[c / PARTS][c % PARTS] - expected;
        chi_square += off * off / expected;
    }
    assert_true(chi_square <
                (PARTS - 1) * (PARTS - 1) + 5 * 6); /* mean and 5 deviations, of 16 degrees of freedom, are 16 and 28 */
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_once), cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
