#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "number.h"
#include "random.h"

static void prints(double value, const char *expected) {
    char out[NNC_NUMBER_LENGTH];
    nnc_number_print(out, value);
    assert_string_equal(out, expected);
}

static void test_printing(void **state) {
    (void)state;
    prints(0, "0");
    prints(-0.0, "-0");
    prints(0.1, "0.1");
    prints(0.1 + 0.2, "0.30000000000000004");
    prints(1e-8, "1e-8");
    prints(120, "120");
    prints(999999999999999, "999999999999999");
    prints(1e15, "1e+15");
    prints(1e300, "1e+300");
    prints(5e-324, "5e-324");
    prints(-1.7976931348623157e308, "-1.7976931348623157e+308");
    prints((double)NAN, "nan");
    prints((double)INFINITY, "inf");
    prints(-(double)INFINITY, "-inf");
}

/* Any bits that are a number read back as these bits. */
static void test_reading_back(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = 0;
        for (uint64_t part = 0; part < 3; part++) bits = bits << 22 | (uint64_t)(nnc_random_uniform(1, 0, i, part) * 16777216.0);
        double value, again;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        char out[NNC_NUMBER_LENGTH];
        nnc_number_print(out, value);
        again = strtod(out, NULL);
        assert_memory_equal(&again, &value, sizeof value);
    }
}

static void test_json(void **state) {
    (void)state;
    char line[100] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    nnc_number_json(file, 0.5);
    nnc_number_json(file, (double)NAN);
    nnc_number_json(file, -(double)INFINITY);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_string_equal(line, "0.5nullnull");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printing),
        cmocka_unit_test(test_reading_back),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
