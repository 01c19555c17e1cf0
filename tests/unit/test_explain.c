/* What `nnc explain` says, number by number.

   Every derivative that it prints is compared with what the loss does: the element is moved, in the statement that computes it, and the
   statements after it run again. The worked example of step_by_step is compared with the one that most introductions to backpropagation
   print (Mazur 2015, "A Step by Step Backpropagation Example"). Formulas that are worked out must give the value that they stand for.

   Arguments are folders of models to be tried instead:  test_explain ~/models */
#include <dirent.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "_failures.h"
#include "_model.h"
#include "explain/lesson.h"

enum { ATTEMPTS = 14 };

static long compared;

/* ---- A lesson on a random example */

static Lesson *lesson_of(Compilation *c, const char *path, bool random_point) {
    const char *why = NULL;
    c->source = source_read(c->context.sources, path, &why);
    if (c->source == 0) fail_msg("%s: %s", path, why);
    if (!compile(c, stdout)) {
        diagnostics_print(c->context.diagnostics, stderr, false);
        fail_msg("%s does not compile", path);
    }
    Lesson *lesson = lesson_new(&c->context, &c->items, c->source, 0, c->model);
    Program *program = lesson->program;
    const char *wrong = NULL;
    if (!program_check(program, &wrong)) fail_msg("%s: %s", path, wrong);
    lesson->machine = machine_new(program);
    lesson->has_target = true;
    lesson->example = "an example";
    ModelRun run = {.program = program, .machine = lesson->machine};
    model_fill(&run, 3);
    if (!random_point) machine_run(lesson->machine, &program->initial);
    machine_batch(lesson->machine, 1);
    return lesson;
}

/* ---- Differences */

/* The loss where the element is larger by h. */
static double loss_with(Lesson *lesson, Expr element, double h) {
    Program *program = lesson->program;
    Pool *pool = program->pool;
    const Tensor *t = element->tensor;
    int64_t flat = 0;
    for (int i = 0; i < t->rank; i++) flat = flat * t->shape[i] + (int64_t)element->kids[i]->value;
    Statement *moved = t->definition;
    Expr before = moved != NULL ? moved->value : NULL;
    double *place = machine_values(lesson->machine, t), value = place[flat];
    if (moved == NULL) {
        place[flat] = value + h;
    } else {
        Expr here = expr_truth(pool, true);
        for (int i = 0; i < t->rank; i++)
            here = expr_op2(pool, OP_AND, here, expr_op2(pool, OP_EQ, expr_index(pool, moved->indices[i]), element->kids[i]));
        moved->value = expr_op2(pool, OP_ADD, before, expr_if(pool, here, expr_number(pool, h), expr_number(pool, 0)));
    }
    machine_run(lesson->machine, &program->forward);
    if (moved != NULL) moved->value = before;
    else place[flat] = value;
    return *machine_values(lesson->machine, program->loss);
}

/* Two central differences, extrapolated to h^4; where a kink lies between, smaller steps are tried. *rounding: what that of the loss may
   make of a difference. */
static double measured(Lesson *lesson, Expr element, double *rounding) {
    double h = 1e-3, best = 0, least = INFINITY, coarse = 0;
    for (int attempt = 0; attempt <= ATTEMPTS; attempt++, h /= 2) {
        double fine = (loss_with(lesson, element, h) - loss_with(lesson, element, -h)) / (2 * h), apart = fabs(fine - coarse);
        if (attempt > 0 && apart < least) {
            least = apart;
            best = (4 * fine - coarse) / 3;
            *rounding = 16 * DBL_EPSILON * fabs(*machine_values(lesson->machine, lesson->program->loss)) / h;
            if (apart <= 1e-7 * fabs(fine)) break;
        }
        coarse = fine;
    }
    return best;
}

/* Two maxima that are equal, a relu of 0: the slopes on both sides are others, and either is right. */
static bool is_kink(Lesson *lesson, Expr element, double said) {
    const double h = 1e-5, here = loss_with(lesson, element, 0), right = (loss_with(lesson, element, h) - here) / h,
                 left = (here - loss_with(lesson, element, -h)) / h, scale = fmax(fabs(left), fabs(right));
    bool one_of_them = fabs(said - left) <= 1e-3 * scale || fabs(said - right) <= 1e-3 * scale;
    return fabs(left - right) > 0.01 * scale && one_of_them;
}

/* ---- Every number of a lesson */

static Expr moved_element(Lesson *lesson, const Worked *w) {
    const Tensor *of = w->element->tensor->of;
    return expr_read(lesson->program->pool, (Tensor *)of, w->element->kids, of->rank, NULL);
}

static void compare_derivatives(const char *name, Lesson *lesson) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        const Tensor *t = item->statement->target;
        if (item->phase != PHASE_BACKWARD || t->kind != TENSOR_ADJOINT) continue;
        if (t->of->kind == TENSOR_PART && lesson_item(lesson, t->of) == NULL) continue; /* it went into another formula */
        double largest = 0;
        for (size_t w = 0; w < item->worked.count; w++) largest = fmax(largest, fabs(item->worked.at[w].value));
        for (size_t w = 0; w < item->worked.count; w++) {
            double rounding = 0, said = item->worked.at[w].value;
            double truth = measured(lesson, moved_element(lesson, &item->worked.at[w]), &rounding);
            compared++;
            if (fabs(said - truth) <= 1e-6 * fmax(fabs(said), fabs(truth)) + 1e-8 * largest + rounding) continue;
            if (is_kink(lesson, moved_element(lesson, &item->worked.at[w]), said)) continue;
            failed(name, "%s: element %zu is said to be %.12g, but the loss moves by %.12g", t->name, w, said, truth);
        }
    }
}

static void compare_formulas(const char *name, Lesson *lesson) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        for (size_t k = 0; k < item->worked.count; k++) {
            const Worked *w = &item->worked.at[k];
            if (w->formula == NULL) continue;
            double value = lesson_value(lesson, w->formula), sum = 0;
            bool updated = item->phase == PHASE_UPDATE; /* reads what later statements overwrite */
            if (!updated && fabs(value - w->value) > 1e-9 * fmax(1, fabs(value)))
                failed(name, "%s is %.12g, but its formula gives %.12g", item->statement->target->name, w->value, value);
            for (size_t t = 0; t < w->terms.count; t++) sum += w->terms.at[t];
            if (w->terms.count > 0 && fabs(sum - w->value) > 1e-9 * fmax(1, fabs(sum)))
                failed(name, "%s is %.12g, but its terms add up to %.12g", item->statement->target->name, w->value, sum);
        }
    }
}

/* What the model names has an item, and what lies between a trained parameter and the loss has a derivative; each derivative says through
   which statements it came. */
static void compare_items(const char *name, const Lesson *lesson) {
    const Program *program = lesson->program;
    for (size_t i = 0; i < program->parameters.count; i++) {
        const Tensor *p = program->parameters.at[i];
        bool found = p->frozen || p->running;
        for (size_t k = 0; k < lesson->items.count; k++) found |= lesson->items.at[k].statement->target->of == p;
        if (!found) failed(name, "nothing is said of the derivative of %s", p->name);
    }
    for (size_t k = 0; k < lesson->items.count; k++) {
        const Item *item = &lesson->items.at[k];
        if (item->statement->target->kind != TENSOR_ADJOINT) continue;
        bool zero = expr_is(item->statement->value, 0); /* the loss does not depend on it */
        if (!zero && (item->links.count == 0 || item->links.at[item->links.count - 1].readers.count == 0))
            failed(name, "%s comes from nowhere", item->statement->target->name);
    }
}

static void explain_model(const char *path) {
    Compilation *c = compilation_new();
    Lesson *lesson = lesson_of(c, path, true);
    lesson_work(lesson);
    compare_items(path, lesson);
    compare_formulas(path, lesson);
    compare_derivatives(path, lesson);
    lesson_free(lesson);
    compilation_free(c);
}

static void explain_folder(const char *folder) {
    char path[1000];
    DIR *directory = opendir(folder);
    if (directory == NULL) fail_msg("%s cannot be read", folder);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".nn") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        explain_model(path);
    }
    closedir(directory);
}

static void test_examples(void **state) {
    static const char *const folders[] = {"01_step_by_step", "02_xor",   "03_iris",      "04_digits",           "05_custom",
                                          "06_finetune",     "07_lenet", "08_char_lstm", "09_tiny_transformer", "10_autoencoder"};
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[1000];
        snprintf(folder, sizeof folder, "%s/examples/%s", getenv("SOURCE"), folders[i]);
        explain_folder(folder);
    }
    printf("%ld derivatives were compared\n", compared);
    assert_true(compared > 300);
    assert_int_equal(failures, 0);
}

static void test_models_of_users(void **state) {
    char folder[1000];
    (void)state;
    snprintf(folder, sizeof folder, "%s/tests/gradients", getenv("SOURCE"));
    explain_folder(folder);
    assert_int_equal(failures, 0);
}

/* ---- The published example */

static double value_of(const Lesson *lesson, Phase phase, const char *name, size_t which) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (item->phase == phase && strcmp(item->statement->target->name, name) == 0) return item->worked.at[which].value;
    }
    fail_msg("%s is not there", name);
    return 0;
}

static double term_of(const Lesson *lesson, const char *name, size_t which) {
    for (size_t i = 0; i < lesson->items.count; i++) {
        const Item *item = &lesson->items.at[i];
        if (strcmp(item->statement->target->name, name) == 0 && item->worked.at[0].terms.count > which)
            return item->worked.at[0].terms.at[which];
    }
    fail_msg("%s has no such term", name);
    return 0;
}

static void test_published_example(void **state) {
    char path[1000];
    (void)state;
    snprintf(path, sizeof path, "%s/examples/01_step_by_step/step_by_step.nn", getenv("SOURCE"));
    Compilation *c = compilation_new();
    Lesson *lesson = lesson_of(c, path, false);
    double *x = machine_values(lesson->machine, lesson->program->inputs.at[0]);
    double *t = machine_values(lesson->machine, lesson->program->targets.at[0]);
    x[0] = 0.05, x[1] = 0.1, t[0] = 0.01, t[1] = 0.99;
    lesson_work(lesson);
    static const struct {
        Phase phase;
        const char *name;
        size_t which;
        double value, tolerance;
    } published[] = {
        {PHASE_FORWARD, "hidden.dense", 0, 0.3775, 1e-12},        {PHASE_FORWARD, "hidden", 0, 0.593269992, 5e-10},
        {PHASE_FORWARD, "hidden", 1, 0.596884378, 5e-10},         {PHASE_FORWARD, "output.dense", 0, 1.105905967, 5e-10},
        {PHASE_FORWARD, "output", 0, 0.751365070, 5e-10},         {PHASE_FORWARD, "output", 1, 0.772928465, 5e-10},
        {PHASE_FORWARD, "loss", 0, 0.298371109, 5e-10},           {PHASE_BACKWARD, "doutput", 0, 0.741365070, 5e-10},
        {PHASE_BACKWARD, "doutput.dense", 0, 0.138498562, 5e-10}, {PHASE_BACKWARD, "doutput.W", 0, 0.08216704056423077, 1e-16},
        {PHASE_BACKWARD, "dhidden.W", 0, 0.000438568, 5e-10},     {PHASE_UPDATE, "output.W", 0, 0.35891648, 5e-9},
        {PHASE_UPDATE, "output.W", 1, 0.408666186, 5e-10},        {PHASE_UPDATE, "output.W", 2, 0.511301270, 5e-10},
        {PHASE_UPDATE, "output.W", 3, 0.561370121, 5e-10},        {PHASE_UPDATE, "hidden.W", 0, 0.149780716, 5e-10},
        {PHASE_UPDATE, "hidden.W", 1, 0.19956143, 5e-9},          {PHASE_UPDATE, "hidden.W", 2, 0.24975114, 5e-9},
        {PHASE_UPDATE, "hidden.W", 3, 0.29950229, 5e-9}};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        double value = value_of(lesson, published[i].phase, published[i].name, published[i].which);
        if (fabs(value - published[i].value) > published[i].tolerance)
            fail_msg("%s, element %zu, is %.17g instead of %.17g", published[i].name, published[i].which, value,
                     published[i].value);
    }
    assert_true(fabs(term_of(lesson, "loss", 0) - 0.274811083) < 5e-10);
    assert_true(fabs(term_of(lesson, "loss", 1) - 0.023560026) < 5e-10);
    lesson_free(lesson);
    compilation_free(c);
}

static const char *chosen;

static void test_chosen(void **state) {
    (void)state;
    explain_folder(chosen);
    printf("%ld derivatives were compared\n", compared);
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv) {
    int failed_runs = 0;
    for (int i = 1; i < argc; i++) {
        const struct CMUnitTest test[] = {cmocka_unit_test(test_chosen)};
        chosen = argv[i];
        failed_runs += cmocka_run_group_tests(test, NULL, NULL);
    }
    if (argc > 1) return failed_runs;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published_example), cmocka_unit_test(test_examples),
                                       cmocka_unit_test(test_models_of_users)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
