/* Every derivative against differences of the loss, as it is before any step has touched the mathematics: the program after the
   step `tensor` is moved, the program after `simplify` says what it thinks of that.

   The definitions of the standard library come from the table below, each in several settings, behind a trained layer (so that what
   flows into the definition is tested too). The models of tests/gradients are a user's: index arithmetic that no library has. Each
   is also followed through the steps (neither the loss nor what the optimizer makes of the parameters may change), and the library's
   with every choice of frozen parameters. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "_failures.h"
#include "_model.h"

enum { ELEMENTS = 24, ATTEMPTS = 10 };
#ifdef NNC_CHECK /* sanitizers see as much where the numbers are others */
enum { SEEDS = 1, MASKED = 2 };
#else
enum { SEEDS = 3, MASKED = 4 };
#endif

/* ---- Differences */

static double loss_at(ModelRun *run, double *place, double value) {
    *place = value;
    return model_loss(run);
}

/* Two central differences, extrapolated to h^4. Where a kink lies between, they disagree, and smaller steps are tried. */
static double measured(ModelRun *run, double *place) {
    double value = *place, h = 1e-3 * fmax(1, fabs(value)), best = 0, least = INFINITY, coarse = 0;
    for (int attempt = 0; attempt <= ATTEMPTS; attempt++, h /= 2) {
        double above = value + h, below = value - h;
        double fine = (loss_at(run, place, above) - loss_at(run, place, below)) / (above - below), apart = fabs(fine - coarse);
        if (attempt > 0 && apart < least) {
            least = apart;
            best = (4 * fine - coarse) / 3;
            if (apart <= 1e-7 * fabs(fine)) break;
        }
        coarse = fine;
    }
    *place = value;
    return best;
}

static void compare_parameter(const char *name, ModelRun *plain, const ModelRun *derived, const Tensor *parameter) {
    const Tensor *moved = model_find(plain, parameter->name);
    const double *gradient = model_gradient(derived, parameter);
    int64_t points = (int64_t)tensor_points(parameter), stride = (points + ELEMENTS - 1) / ELEMENTS;
    double largest = 0, truth[ELEMENTS];
    for (int64_t i = 0; i < points; i++) {
        if (i % stride == 0) truth[i / stride] = measured(plain, machine_values(plain->machine, moved) + i);
        largest = fmax(largest, fmax(gradient == NULL ? 0 : fabs(gradient[i]), i % stride == 0 ? fabs(truth[i / stride]) : 0));
    }
    for (int64_t i = 0; i < points; i += stride) {
        double a = gradient == NULL ? 0 : gradient[i], b = truth[i / stride];
        if (fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b)) + 1e-8 * largest) continue;
        failed(name, "d%s at %lld is %.12g, but the loss moves by %.12g", parameter->name, (long long)i, a, b);
        return;
    }
    if (largest == 0) failed(name, "nothing moves when %s does: this tests nothing", parameter->name);
}

/* ---- Steps */

static bool near(double a, double b, double relative, double scale) {
    return a == b || fabs(a - b) <= relative * fmax(fmax(fabs(a), fabs(b)), scale);
}

/* The gradients of all parameters, one after the other; then the parameters, as the optimizer makes them. */
static double *gradients_and_update(ModelRun *run) {
    Program *program = run->program;
    size_t count = 0;
    machine_run(run->machine, &program->backward);
    for (size_t p = 0; p < program->parameters.count; p++) count += (size_t)tensor_points(program->parameters.at[p]);
    double *all = calloc(2 * count + 1, sizeof *all), *to = all;
    for (size_t p = 0; p < program->parameters.count; p++) {
        const double *gradient = model_gradient(run, program->parameters.at[p]);
        size_t points = (size_t)tensor_points(program->parameters.at[p]);
        if (gradient != NULL) memcpy(to, gradient, sizeof *to * points);
        to += points;
    }
    machine_run(run->machine, &program->update);
    for (size_t p = 0; p < program->parameters.count; p++) {
        size_t points = (size_t)tensor_points(program->parameters.at[p]);
        memcpy(to, machine_values(run->machine, program->parameters.at[p]), sizeof *to * points);
        to += points;
    }
    return all;
}

/* Returns the number of values. */
static size_t compare_all(const char *name, const char *what, const Program *program, const double *before, const double *after) {
    size_t count = 0;
    for (size_t p = 0; p < program->parameters.count; p++) {
        const Tensor *t = program->parameters.at[p];
        int64_t points = (int64_t)tensor_points(t);
        double largest = 0;
        for (int64_t k = 0; k < points; k++) largest = fmax(largest, fabs(before[k]));
        for (int64_t k = 0; k < points; k++) {
            if (near(before[k], after[k], 1e-10, 1e-2 * largest)) continue;
            failed(name, "%s%s at %lld is %.17g after derive, %.17g after simplify", what, t->name, (long long)k, before[k],
                   after[k]);
            break;
        }
        before += points;
        after += points;
        count += (size_t)points;
    }
    return count;
}

static void follow_steps(const char *name, const char *text, uint64_t seed) {
    static const struct {
        const char *name;
        void (*run)(Program *);
    } steps[] = {{"stabilize", stabilize}, {"normalize", normalize}, {"derive", differentiate}, {"simplify", simplify}};
    ModelRun run = model_new(text, "tensor");
    double *derived = NULL;
    if (run.program != NULL) model_fill(&run, seed);
    double first = run.program != NULL ? model_loss(&run) : 0;
    for (size_t i = 0; run.program != NULL && i < sizeof steps / sizeof *steps; i++) {
        model_step(&run, steps[i].run);
        model_fill(&run, seed);
        double loss = model_loss(&run);
        if (!isfinite(loss) || !near(loss, first, 1e-12, 0))
            failed(name, "the loss is %.17g after %s instead of %.17g", loss, steps[i].name, first);
        if (strcmp(steps[i].name, "derive") == 0) derived = gradients_and_update(&run);
    }
    if (derived != NULL) {
        double *simplified = gradients_and_update(&run);
        size_t count = compare_all(name, "d", run.program, derived, simplified);
        compare_all(name, "updated ", run.program, derived + count, simplified + count);
        free(simplified);
    }
    free(derived);
    model_free(&run);
}

static void check_model(const char *name, const char *text) {
    ModelRun plain = model_new(text, "tensor"), derived = model_new(text, "simplify");
    for (uint64_t seed = 1; seed <= SEEDS && plain.program != NULL && derived.program != NULL; seed++) {
        model_fill(&plain, seed);
        model_fill(&derived, seed);
        double loss = model_loss(&derived);
        machine_run(derived.machine, &derived.program->backward);
        if (!isfinite(loss)) failed(name, "the loss is %g", loss);
        for (size_t p = 0; isfinite(loss) && p < derived.program->parameters.count; p++) {
            const Tensor *parameter = derived.program->parameters.at[p];
            if (!parameter->frozen && !parameter->running) compare_parameter(name, &plain, &derived, parameter);
        }
    }
    if (plain.program == NULL || derived.program == NULL) failed(name, "does not compile");
    model_free(&plain);
    model_free(&derived);
    follow_steps(name, text, 11);
}

/* ---- Frozen parameters: no adjoint of them, nor of anything that depends on frozen parameters and data alone */

typedef struct {
    const bool *on;
    bool found;
} Reading;

static void meet(void *context, Expr e) {
    Reading *reading = context;
    if (e->kind == EXPR_READ) reading->found |= reading->on[e->tensor->id];
}

/* After `derive`, where every tensor still has the statement that it was derived from. */
static void check_frozen(const char *name, const Program *program) {
    bool *trained = calloc(program->all.count, sizeof *trained), any = false;
    for (size_t p = 0; p < program->parameters.count; p++) {
        const Tensor *t = program->parameters.at[p];
        any |= trained[t->id] = !t->frozen && !t->running;
        if (t->frozen && model_adjoint(program, t) != NULL) failed(name, "%s is frozen, but d%s exists", t->name, t->name);
        for (size_t u = 0; t->frozen && u < program->update.count; u++) {
            const Tensor *target = program->update.at[u]->target;
            if (target == t || target->of == t) failed(name, "%s is frozen, but %s is updated", t->name, target->name);
        }
    }
    bool more = true; /* statements of a scan read what stands below them, at earlier steps */
    while (more) {
        more = false;
        for (size_t i = 0; i < program->forward.count; i++) {
            Reading reading = {.on = trained};
            const Tensor *target = program->forward.at[i]->target;
            expr_visit(program->pool, program->forward.at[i]->value, meet, &reading);
            more |= reading.found && !trained[target->id];
            trained[target->id] |= reading.found;
        }
    }
    for (size_t i = 0; i < program->backward.count; i++) {
        const Tensor *t = program->backward.at[i]->target;
        if (!any) failed(name, "all is frozen, but %s is computed", t->name);
        if (t->kind == TENSOR_ADJOINT && !trained[t->of->id])
            failed(name, "%s is computed, but %s cannot move", t->name, t->of->name);
    }
    free(trained);
}

static void compare_with_whole(const char *name, ModelRun *run, const ModelRun *whole) {
    Program *program = run->program;
    model_fill(run, 5);
    model_loss(run);
    machine_run(run->machine, &program->backward);
    for (size_t p = 0; p < program->parameters.count; p++) {
        const Tensor *t = program->parameters.at[p];
        const double *a = model_gradient(run, t), *b = model_gradient(whole, whole->program->parameters.at[p]);
        double largest = 0;
        if (t->frozen || t->running) continue;
        for (int64_t i = 0; b != NULL && i < (int64_t)tensor_points(t); i++) largest = fmax(largest, fabs(b[i]));
        for (int64_t i = 0; i < (int64_t)tensor_points(t); i++) {
            if (a != NULL && b != NULL && near(a[i], b[i], 1e-14, largest)) continue;
            failed(name, "d%s at %lld is %.17g, but %.17g when nothing is frozen", t->name, (long long)i, a == NULL ? 0 : a[i],
                   b == NULL ? 0 : b[i]);
            break;
        }
    }
}

static void check_masks(const char *name, const char *text) {
    ModelRun whole = model_new(text, "simplify");
    if (whole.program == NULL) {
        failed(name, "does not compile");
        model_free(&whole);
        return;
    }
    model_fill(&whole, 5);
    model_loss(&whole);
    machine_run(whole.machine, &whole.program->backward);
    size_t all = whole.program->parameters.count, count = all < MASKED ? all : MASKED, room = strlen(text) + 1000;
    char *masked = malloc(room);
    for (unsigned mask = 1; mask < 1u << count; mask++) {
        size_t length = (size_t)snprintf(masked, room, "%s\nfreeze ", text);
        const char *between = "";
        for (size_t k = 0; k < count; k++) { /* the first and the last ones */
            const Tensor *t = whole.program->parameters.at[k < count / 2 ? k : all - count + k];
            if ((mask >> k & 1) == 0) continue;
            length += (size_t)snprintf(masked + length, room - length, "%s%s", between, t->name);
            between = ", ";
        }
        snprintf(masked + length, room - length, "\n");
        ModelRun run = model_new(masked, "derive");
        if (run.program != NULL) {
            check_frozen(name, run.program);
            model_step(&run, simplify);
            compare_with_whole(name, &run, &whole);
        } else {
            failed(name, "does not compile with mask %u", mask);
        }
        model_free(&run);
    }
    free(masked);
    model_free(&whole);
}

/* ---- The standard library */

typedef struct {
    const char *input, *before, *body;
    const char *loss; /* NULL: a smooth function of all elements of `output`, another one for each */
} Definition;

#define VECTOR(body) {"input x[6]", "h = x -> dense(6)", body, NULL},
#define SEQUENCE(body) {"input x[5, 4]", "h = x -> dense(4)", body, NULL},
#define IMAGE(body) {"input x[4, 7, 6]", "h = x -> dense(6)", body, NULL},
#define TARGET(loss) {"input x[4]\ntarget t[5]", "output = x -> dense(5)", "", loss},
#define CHANCE(body, loss) {"input x[4]\ntarget t[5]", "h = x -> dense(5)", body, loss},
#define SENTENCE(body, loss) {"input x[3, 4]\ntarget t[3, 5]", "h = x -> dense(5)", body, loss},

/* clang-format off */
static const Definition definitions[] = {
    /* activations and elementary functions */
    VECTOR("output = h -> relu")
    VECTOR("output = h -> leaky_relu")
    VECTOR("output = h -> leaky_relu(0.3)")
    VECTOR("output = h -> elu")
    VECTOR("output = h -> elu(0.4)")
    VECTOR("output = h -> selu")
    VECTOR("output = h -> gelu")
    VECTOR("output = h -> silu")
    VECTOR("output = h -> mish")
    VECTOR("output = h -> softsign")
    VECTOR("output = 4 * h -> hard_sigmoid")
    VECTOR("output = h -> softmax")
    VECTOR("output = h -> log_softmax")
    SEQUENCE("output = h -> softmax")
    SEQUENCE("output = h -> log_softmax")
    VECTOR("output = h -> sigmoid")
    VECTOR("output = h -> tanh")
    VECTOR("output = h -> softplus")
    VECTOR("output = h -> exp")
    VECTOR("output = h -> sin")
    VECTOR("output = h -> cos")
    VECTOR("output = h -> sinh")
    VECTOR("output = h -> cosh")
    VECTOR("output = h -> atan")
    VECTOR("output = h -> abs")
    VECTOR("output = h -> erf")
    VECTOR("output = (0.3 * sin(h)) -> tan")
    VECTOR("output = (abs(h) + 0.5) -> log")
    VECTOR("output = (abs(h) + 0.5) -> sqrt")
    VECTOR("output = (abs(h) + 0.5)^(0.3 * h) + h^3 + h^2 + (abs(h) + 1)^-2 + (abs(h) + 0.1)^0.5")
    VECTOR("output = max(h, 0.3) * min(h, 0.2) + max(h, 2 * h) + h / (1 + h^2) - (1 - h)")
    VECTOR("output = floor(h) * h + sign(h) * h")
    /* shapes */
    IMAGE("output = h * h -> flatten")
    IMAGE("output = h -> reshape(7, 24)")
    IMAGE("output = h -> reshape(2, 3, 4, 7)")
    VECTOR("output = h -> reshape(1, 2, 3)")
    SEQUENCE("output = h -> transpose")
    IMAGE("output = h -> transpose")
    SEQUENCE("output = h -> slice(1, 3)")
    VECTOR("output = h -> slice(4, 6)")
    SEQUENCE("output = concat(h, 2 * x)")
    SEQUENCE("output = concat(x, h * h)")
    SEQUENCE("output = concat(h, h -> slice(0, 1))")
    IMAGE("output = concat_channels(h, x)")
    IMAGE("output = concat_channels(x, h -> sin)")
    SEQUENCE("output = h -> reverse")
    SEQUENCE("output = h -> last_step")
    IMAGE("output = h -> upsample(2)")
    IMAGE("output = h -> upsample(3)")
    /* dense layers */
    VECTOR("output = h -> dense(1)")
    SEQUENCE("output = h -> dense(3)")
    IMAGE("output = h -> dense(2)")
    SEQUENCE("output = h -> position_embedding")
    VECTOR("output = h -> tanh -> dense(3) -> sigmoid -> dense(2)")
    /* convolutions */
    SEQUENCE("output = h -> conv1d(3)")
    SEQUENCE("output = h -> conv1d(3, stride = 2)")
    SEQUENCE("output = h -> conv1d(2, kernel = 2, pad = 1)")
    SEQUENCE("output = h -> conv1d(2, kernel = 3, stride = 2, pad = 1)")
    SEQUENCE("output = h -> conv1d(2, kernel = 2, stride = 3, pad = 2)")
    SEQUENCE("output = h -> conv1d(3, kernel = 1)")
    SEQUENCE("output = h -> conv1d(3, kernel = 5)")
    IMAGE("output = h -> conv2d(3)")
    IMAGE("output = h -> conv2d(2, stride = 2, pad = 1)")
    IMAGE("output = h -> conv2d(2, kernel = 2, stride = 3, pad = 2)")
    IMAGE("output = h -> conv2d(3, kernel = 1)")
    IMAGE("output = h -> conv2d(2, kernel = 5, pad = 2)")
    IMAGE("output = h -> conv2d(4, groups = 2)")
    IMAGE("output = h -> conv2d(8, groups = 4, stride = 2)")
    IMAGE("output = h -> conv2d(2, groups = 2, pad = 1, kernel = 2)")
    IMAGE("output = h -> conv2d(4, kernel = 2, stride = 3, pad = 2, groups = 2)")
    IMAGE("output = h -> conv2d(4, kernel = 1, groups = 4)")
    IMAGE("output = h -> depthwise_conv2d")
    IMAGE("output = h -> depthwise_conv2d(3, stride = 2, pad = 1)")
    IMAGE("output = h -> depthwise_conv2d(2, stride = 3)")
    /* pooling */
    IMAGE("output = h -> max_pool(2)")
    IMAGE("output = h -> max_pool(3)")
    IMAGE("output = h -> max_pool(3, stride = 1)")
    IMAGE("output = h -> max_pool(3, stride = 2, pad = 1)")
    IMAGE("output = h -> max_pool(2, stride = 3)")
    IMAGE("output = h -> avg_pool(2)")
    IMAGE("output = h -> avg_pool(3, stride = 1)")
    IMAGE("output = h -> avg_pool(3, stride = 2, pad = 1)")
    IMAGE("output = h -> avg_pool(2, stride = 3)")
    SEQUENCE("output = h -> max_pool1d(2)")
    SEQUENCE("output = h -> max_pool1d(3, stride = 1)")
    SEQUENCE("output = h -> avg_pool1d(2)")
    SEQUENCE("output = h -> avg_pool1d(3, 2)")
    IMAGE("output = h -> global_max_pool")
    IMAGE("output = h -> global_avg_pool")
    VECTOR("output = h -> global_max_pool")
    SEQUENCE("output = h -> global_avg_pool")
    /* normalisation and attention */
    SEQUENCE("output = h -> layer_norm")
    VECTOR("output = h -> layer_norm(epsilon = 0.1)")
    SEQUENCE("output = h -> rms_norm")
    VECTOR("output = h -> rms_norm(epsilon = 0.1)")
    SEQUENCE("output = h -> attention(4)")
    SEQUENCE("output = h -> attention(6, heads = 3)")
    SEQUENCE("output = h -> attention(4, heads = 2, causal = true)")
    SEQUENCE("output = h -> attention(2, causal = true)")
    SEQUENCE("output = h + (h -> layer_norm -> attention(4, heads = 2, causal = true))")
    /* losses */
    TARGET("mean_squared_error(output, t)")
    TARGET("half_squared_error(output, t)")
    TARGET("mean_absolute_error(output, t)")
    TARGET("huber(output, t)")
    TARGET("huber(output, t, delta = 0.4)")
    TARGET("log_cosh(output, t)")
    TARGET("hinge(output, t)")
    TARGET("hinge(output, 2 * t - 1)")
    TARGET("mean_squared_error(output, t) + 0.01 * sum_squares(output.W) + 0.02 * sum_absolute(output.b)")
    TARGET("half_squared_error(output, t) + 0.1 * sum_squares(output)")
    CHANCE("output = h -> softmax", "cross_entropy(output, t)")
    CHANCE("output = h -> softmax", "kl_divergence(output, t)")
    CHANCE("output = h -> softmax", "mean_squared_error(output, t)")
    CHANCE("output = h -> sigmoid", "binary_cross_entropy(output, t)")
    CHANCE("output = h -> softmax", "binary_cross_entropy(output, t)")
    CHANCE("output = h -> sigmoid", "cross_entropy(output, t)")
    CHANCE("output = h -> log_softmax", "-sum(i: t[i] * output[i])")
    SENTENCE("output = h -> softmax", "cross_entropy(output, t)")
    SENTENCE("output = h -> softmax", "kl_divergence(output, t)")
    SENTENCE("output = h -> sigmoid", "binary_cross_entropy(output, t)")
    SENTENCE("output = h", "mean_squared_error(output, t)")
    SENTENCE("output = h", "huber(output, t)")
};
/* clang-format on */
enum { DEFINITIONS = sizeof definitions / sizeof *definitions };

static char *text_of(const Definition *d) {
    static const char smooth[] = "flat = output -> flatten\nloss = sum(i: sin(flat[i] + 0.1 * i) * (1 + 0.3 * flat[i]))";
    size_t room = 1000 + strlen(d->body);
    char *text = malloc(room);
    snprintf(text, room, "model m\n%s\n%s\n%s\n%s%s\noptimizer = sgd(rate = 0.1)\n", d->input, d->before, d->body,
             d->loss == NULL ? smooth : "loss = ", d->loss == NULL ? "" : d->loss);
    return text;
}

static const char *name_of_definition(const Definition *d) { return d->loss == NULL ? d->body : d->loss; }

static void each_definition(void (*check)(const char *, const char *)) {
    failures = 0;
    for (size_t i = 0; i < DEFINITIONS; i++) {
        char *text = text_of(&definitions[i]);
        check(name_of_definition(&definitions[i]), text);
        free(text);
    }
    assert_int_equal(failures, 0);
}

static void test_library(void **state) {
    (void)state;
    each_definition(check_model);
}

static void test_frozen(void **state) {
    (void)state;
    each_definition(check_masks);
}

/* ---- A user's models */

static char *file_text(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    if (file == NULL || fread(text, 1, (1 << 16) - 1, file) == 0) fail_msg("%s cannot be read", path);
    fclose(file);
    return text;
}

static void test_users(void **state) {
    (void)state;
    const char *folder = NNC_SOURCE_DIR "/tests/gradients";
    DIR *directory = opendir(folder);
    int models = 0;
    failures = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        char path[1024];
        if (end == NULL || strcmp(end, ".nn") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *text = file_text(path);
        check_model(entry->d_name, text);
        check_masks(entry->d_name, text);
        free(text);
        models++;
    }
    if (directory != NULL) closedir(directory);
    assert_true(models >= 15);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_users),
    };
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
