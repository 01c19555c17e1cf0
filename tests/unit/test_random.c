/* The generator is checked where programs use it: neighbouring points, sites, steps and seeds. Seeds are fixed, so that a failure
   is a change of the generator and never bad luck. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"

enum { CELLS = 16, DRAWS = 65536 };

/* One of four ways to go from a draw to its neighbour. */
static double draw(int along, uint64_t i) {
    uint64_t at[4] = {7, 3, 1, 5}; /* seed, site, step, point */
    at[along] += i;
    return nnc_random_uniform(at[0], at[1], at[2], at[3]);
}

/* Within 5 standard deviations of a chi-square of that many degrees of freedom. */
static void assert_plausible(double chi_square, double freedom) {
    assert_true(fabs(chi_square - freedom) < 5 * sqrt(2 * freedom));
}

static void test_range(void **state) {
    (void)state;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = draw((int)(i % 4), i);
        assert_true(u >= 0 && u < 1);
        assert_true(u * 16777216 == floor(u * 16777216));
        assert_true((double)(float)u == u);
    }
}

static void test_equidistribution(void **state) {
    (void)state;
    for (int along = 0; along < 4; along++) {
        double count[CELLS * CELLS] = {0}, chi_square = 0, expected = (double)DRAWS / (CELLS * CELLS);
        for (uint64_t i = 0; i < DRAWS; i++) count[(int)(draw(along, i) * CELLS * CELLS)]++;
        for (int c = 0; c < CELLS * CELLS; c++) chi_square += (count[c] - expected) * (count[c] - expected) / expected;
        assert_plausible(chi_square, CELLS * CELLS - 1);
    }
}

/* Pairs of neighbours, at several distances, fill the square evenly: sites and steps count from 0, points are rows of an array. */
static void test_pairs(void **state) {
    (void)state;
    const uint64_t distances[] = {1, 2, 3, 16, 28, 256, 65536};
    for (int along = 0; along < 4; along++) {
        for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
            static double count[CELLS][CELLS];
            memset(count, 0, sizeof count);
            double chi_square = 0, expected = (double)DRAWS / (CELLS * CELLS);
            for (uint64_t i = 0; i < DRAWS; i++)
                count[(int)(draw(along, i) * CELLS)][(int)(draw(along, i + distances[d]) * CELLS)]++;
            for (int x = 0; x < CELLS; x++) {
                for (int y = 0; y < CELLS; y++) chi_square += (count[x][y] - expected) * (count[x][y] - expected) / expected;
            }
            assert_plausible(chi_square, CELLS * CELLS - 1);
        }
    }
}

/* Exchanging the arguments must not give the same numbers. */
static void test_no_symmetry(void **state) {
    (void)state;
    int equal = 0;
    for (uint64_t a = 0; a < 64; a++) {
        for (uint64_t b = 0; b < a; b++) {
            equal += nnc_random_uniform(a, b, 0, 0) == nnc_random_uniform(b, a, 0, 0);
            equal += nnc_random_uniform(0, a, b, 0) == nnc_random_uniform(0, b, a, 0);
            equal += nnc_random_uniform(0, 0, a, b) == nnc_random_uniform(0, 0, b, a);
        }
    }
    assert_int_equal(equal, 0);
}

/* The low bits too: each of the 24 is set in half of the draws. */
static void test_bits(void **state) {
    (void)state;
    double chi_square = 0;
    for (int bit = 0; bit < 24; bit++) {
        double set = 0;
        for (uint64_t i = 0; i < DRAWS; i++) set += (uint32_t)(draw(3, i) * 16777216) >> bit & 1;
        chi_square += (set - DRAWS / 2.0) * (set - DRAWS / 2.0) / (DRAWS / 4.0);
    }
    assert_plausible(chi_square, 24);
}

/* These are promised: runs are repeated on other machines, and by generated programs. */
static void test_known_values(void **state) {
    (void)state;
    assert_true(nnc_random_uniform(0, 0, 0, 0) * 16777216 == 2175092);
    assert_true(nnc_random_uniform(7, 1, 2, 3) * 16777216 == 9334451);
}

static void test_shuffle(void **state) {
    (void)state;
    enum { COUNT = 5, PERMUTATIONS = 120, TRIES = 60000 };
    static double seen[3125];
    uint32_t order[COUNT];
    for (uint64_t epoch = 0; epoch < TRIES; epoch++) {
        nnc_shuffle(1, epoch, order, COUNT);
        int code = 0, members = 0;
        for (int i = 0; i < COUNT; i++) {
            assert_true(order[i] < COUNT);
            code = code * COUNT + (int)order[i];
            members |= 1 << order[i];
        }
        assert_int_equal(members, 31);
        seen[code]++;
    }
    double chi_square = 0, expected = (double)TRIES / PERMUTATIONS;
    int different = 0;
    for (int c = 0; c < 3125; c++) {
        if (seen[c] == 0) continue;
        different++;
        chi_square += (seen[c] - expected) * (seen[c] - expected) / expected;
    }
    assert_int_equal(different, PERMUTATIONS);
    assert_plausible(chi_square, PERMUTATIONS - 1);
    nnc_shuffle(1, 0, order, 0);
    nnc_shuffle(1, 0, order, 1);
    assert_int_equal(order[0], 0);
}

/* Each number is as likely as another, each draw is independent of the last, and the sequence depends on seed and epoch alone. */
static void test_below(void **state) {
    (void)state;
    enum { CHOICES = 7 };
    double count[CHOICES][CHOICES] = {{0}}, chi_square = 0, expected = (double)DRAWS / (CHOICES * CHOICES);
    uint64_t drawn = 0, again = 0, other = 0;
    size_t last = 0, equal = 0;
    for (int i = 0; i < DRAWS; i++) {
        size_t number = nnc_random_below(3, 1, &drawn, CHOICES);
        assert_true(number < CHOICES);
        assert_int_equal(number, nnc_random_below(3, 1, &again, CHOICES));
        equal += number == nnc_random_below(3, 2, &other, CHOICES);
        count[last][number]++;
        last = number;
    }
    for (int c = 0; c < CHOICES * CHOICES; c++) chi_square += pow(count[c / CHOICES][c % CHOICES] - expected, 2) / expected;
    assert_plausible(chi_square, CHOICES * CHOICES - 1);
    assert_true(fabs((double)equal - DRAWS / 7.0) < 5 * sqrt(DRAWS / 7.0));
    assert_int_equal(nnc_random_below(3, 1, &drawn, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),        cmocka_unit_test(test_below),       cmocka_unit_test(test_equidistribution),
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_no_symmetry), cmocka_unit_test(test_bits),
        cmocka_unit_test(test_known_values), cmocka_unit_test(test_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
