/* nnc check --gradients: every derivative that the compiler found is compared with what the loss does when the parameter moves.

   At a random point: parameters as they begin, moved by 0.1 N(0, 1) so that no bias is zero; inputs from N(0, 1). The loss is
   measured at w +- h and w +- h/2, and Richardson's extrapolation of the two differences is right to h^4. Where they disagree a
   kink (of a relu, of a maximum) may lie between: then h is halved, and the pair that agrees best is taken. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/commands.h"
#include "random.h"
#include "tensor/evaluate.h"

enum { EXAMPLES = 3, SAMPLE = 512, ATTEMPTS = 8 };
/* What two derivatives may differ by: of themselves, of their tensor's largest, and of the largest of all (a derivative that is 0 by
   algebra, as that of a bias before batch normalisation, is a sum of rounding errors). */
static const double RELATIVE = 1e-6, OF_LARGEST = 1e-8, OF_ALL = 1e-12;

typedef struct {
    const Model *model;
    const Program *program;
    const CheckOptions *options;
    Machine *machine;
    Arena *arena;
    uint64_t seed, drawn;
    double largest;              /* derivative of all */
    double rounding;             /* what the sums of derivatives on the way leave of one that is 0 */
    Statements stopped, forward; /* forward: the program's, but stop(e) reads what `stopped` computed once */
    Vec(const Tensor *) * reads; /* of each statement of forward */
} Check;

/* ---- A random point */

static double uniform(Check *check) { return nnc_random_uniform(check->seed, UINT64_C(0x636865636B), 0, check->drawn++); }

/* Box and Muller 1958. */
static double normal(Check *check) {
    double radius = sqrt(-2 * log(1 - uniform(check)));
    return radius * cos(6.283185307179586 * uniform(check));
}

static void randomize(Check *check, const Tensor *tensor, bool target) {
    double *values = machine_values(check->machine, tensor);
    int64_t points = (int64_t)tensor_points(tensor), last = tensor->rank > tensor->batched ? tensor->shape[tensor->rank - 1] : 1;
    for (int64_t i = 0; i < points; i++) {
        if (tensor->index_range > 0) values[i] = floor(uniform(check) * (double)tensor->index_range);
        else if (target && tensor->facts.sums_to_one) values[i] = 0;
        else values[i] = target ? 0.1 + 0.8 * uniform(check) : normal(check);
    }
    if (!target || !tensor->facts.sums_to_one || tensor->index_range > 0) return;
    for (int64_t i = 0; i < points; i += last) values[i + (int64_t)(uniform(check) * (double)last)] = 1;
}

static void choose_point(Check *check) {
    const Program *program = check->program;
    int64_t batch = program->batch != NULL ? program->batch->size : 1;
    machine_seed(check->machine, check->seed, 0);
    machine_run(check->machine, &program->initial);
    for (size_t p = 0; p < program->parameters.count; p++) {
        double *values = machine_values(check->machine, program->parameters.at[p]);
        for (int64_t i = 0, n = (int64_t)tensor_points(program->parameters.at[p]); i < n; i++) values[i] += 0.1 * normal(check);
    }
    for (size_t i = 0; i < program->inputs.count; i++) randomize(check, program->inputs.at[i], false);
    for (size_t i = 0; i < program->targets.count; i++) randomize(check, program->targets.at[i], true);
    machine_batch(check->machine, batch < EXAMPLES ? batch : EXAMPLES);
    machine_seed(check->machine, check->seed, 1);
    *machine_values(check->machine, program->step) = 1;
    *machine_values(check->machine, program->epoch) = 0;
}

/* ---- stop(e): no derivative flows through it, so it must not move when a parameter does */

typedef struct {
    Check *check;
    Program *program;
    Span span;
} Stopping;

static Expr stop(void *context, Expr e) {
    Stopping *stopping = context;
    if (!expr_is_op(e, OP_STOP)) return e;
    Program *program = stopping->program;
    Index *indices[e->free_count + 1];
    int64_t shape[e->free_count + 1];
    int rank = 0;
    bool batched = program->batch != NULL && expr_depends(e, program->batch);
    if (batched) indices[rank++] = program->batch;
    for (int i = 0; i < e->free_count; i++) {
        if (e->free[i] != program->batch) indices[rank++] = e->free[i];
    }
    for (int i = 0; i < rank; i++) shape[i] = indices[i]->size;
    Tensor *tensor = tensor_new(program, TENSOR_PART, "stopped", rank, shape);
    tensor->batched = batched;
    statement_add(program, &stopping->check->stopped, tensor, indices, rank, e->kids[0], (Origin){.span = stopping->span});
    return tensor_at(program, tensor, indices);
}

/* Requires that no machine exists yet: tensors are added to the program. */
static void hold_stopped(Check *check, Program *program) {
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *statement = program->forward.at[i];
        Stopping stopping = {check, program, statement->origin.span};
        Statement *copy = NEW(check->arena, Statement);
        *copy = *statement;
        copy->value = expr_rewrite(program->pool, statement->value, stop, &stopping);
        vec_push(check->arena, &check->forward, copy);
    }
}

/* ---- What must run again when a parameter moves */

typedef struct {
    Check *check;
    size_t statement;
} Reading;

static void note_read(void *context, Expr e) {
    Reading *reading = context;
    if (e->kind == EXPR_READ) vec_push(reading->check->arena, &reading->check->reads[reading->statement], e->tensor);
}

static void find_reads(Check *check) {
    const Statements *forward = &check->forward;
    check->reads = arena_alloc(check->arena, sizeof *check->reads * (forward->count + 1));
    for (size_t i = 0; i < forward->count; i++) {
        Reading reading = {check, i};
        const Statement *statement = forward->at[i];
        expr_visit(check->program->pool, statement->value, note_read, &reading);
        for (int k = 0; statement->subscripts != NULL && k < statement->target->rank; k++) {
            expr_visit(check->program->pool, statement->subscripts[k], note_read, &reading);
        }
    }
}

/* The statements on the way from the parameter to the loss. */
static Statements on_the_way(Check *check, const Tensor *parameter) {
    const Statements *forward = &check->forward;
    bool *moved = NEW_ARRAY(check->arena, bool, check->program->all.count),
         *needed = NEW_ARRAY(check->arena, bool, check->program->all.count);
    bool *runs = NEW_ARRAY(check->arena, bool, forward->count);
    Statements list = {0};
    moved[parameter->id] = true;
    needed[check->program->loss->id] = true;
    for (size_t i = 0, end; i < forward->count; i = end) { /* a scan, all together */
        bool any = false;
        end = scan_end(forward, i);
        for (size_t s = i; s < end; s++) {
            for (size_t k = 0; k < check->reads[s].count; k++) any |= moved[check->reads[s].at[k]->id];
        }
        for (size_t s = i; s < end; s++) moved[forward->at[s]->target->id] |= runs[s] = any;
    }
    for (size_t i = forward->count, end; i > 0;) {
        bool any = false;
        end = i;
        i = scan_begin(forward, end - 1);
        for (size_t s = i; s < end; s++) any |= runs[s] && needed[forward->at[s]->target->id];
        for (size_t s = i; s < end; s++) {
            runs[s] = any;
            for (size_t k = 0; any && k < check->reads[s].count; k++) needed[check->reads[s].at[k]->id] = true;
        }
    }
    for (size_t i = 0; i < forward->count; i++) {
        if (runs[i]) vec_push(check->arena, &list, forward->at[i]);
    }
    return list;
}

/* ---- One derivative */

static double loss_at(Check *check, const Statements *statements, double *place, double value) {
    *place = value;
    machine_run(check->machine, statements);
    return *machine_values(check->machine, check->program->loss);
}

static double difference(Check *check, const Statements *statements, double *place, double value, double h) {
    double above = value + h, below = value - h; /* as they are after rounding */
    return (loss_at(check, statements, place, above) - loss_at(check, statements, place, below)) / (above - below);
}

/* Small, for the sake of kinks, but so large that the rounding of the loss (of many steps, in a recurrent network) stays below what is
   tolerated. */
static double first_step(double loss, double scale) {
    double needed = 32 * DBL_EPSILON * fabs(loss) / (OF_LARGEST * scale);
    return needed > 1e-2 ? 1e-2 : needed > 1e-4 ? needed : 1e-4; /* a scale of 0 gives the largest */
}

/* *rounding: what the loss' rounding leaves of a difference that is 0. */
static double measure(Check *check, const Statements *statements, double *place, double step, double scale, double *rounding) {
    double value = *place, best = 0, least = INFINITY, h = step * fmax(1, fabs(value));
    double coarse = difference(check, statements, place, value, h);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        h /= 2;
        double fine = difference(check, statements, place, value, h), result = (4 * fine - coarse) / 3,
               disagreement = fabs(fine - coarse);
        if (attempt == 0 || disagreement < least) {
            best = result;
            least = disagreement;
            *rounding = 4 * DBL_EPSILON * fabs(*machine_values(check->machine, check->program->loss)) / h;
        }
        if (disagreement <= RELATIVE / 4 * fabs(result) + OF_LARGEST / 4 * scale) break;
        coarse = fine;
    }
    *place = value;
    return best;
}

/* ---- A parameter */

typedef struct {
    int64_t checked, wrong, worst; /* worst: the element where the two differ most */
    double relative, derived, measured;
} Findings;

static const Tensor *adjoint_of(const Program *program, const Tensor *parameter) {
    for (size_t i = 0; i < program->all.count; i++) {
        if (program->all.at[i]->kind == TENSOR_ADJOINT && program->all.at[i]->of == parameter) return program->all.at[i];
    }
    return NULL; /* the loss does not depend on it: 0 */
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t *choose_elements(Check *check, const Tensor *parameter, int64_t *count) {
    uint32_t points = (uint32_t)tensor_points(parameter);
    uint32_t *elements = NEW_ARRAY(check->arena, uint32_t, points);
    nnc_shuffle(check->seed, parameter->id, elements, points);
    *count = check->options->all || points <= SAMPLE ? points : SAMPLE;
    qsort(elements, (size_t)*count, sizeof *elements, ascending);
    return elements;
}

/* Of a parameter, or of any tensor on the way to one. */
static double largest_derivative(Check *check, bool of_parameter) {
    double largest = 0;
    for (size_t i = 0; i < check->program->all.count; i++) {
        const Tensor *t = check->program->all.at[i];
        if (t->kind != TENSOR_ADJOINT || t->definition == NULL || (of_parameter && t->of->kind != TENSOR_PARAMETER)) continue;
        const double *values = machine_values(check->machine, t);
        for (int64_t k = 0; k < (int64_t)tensor_points(t); k++) largest = fmax(largest, fabs(values[k]));
    }
    return largest;
}

static Findings check_parameter(Check *check, const Tensor *parameter) {
    Findings found = {0};
    const Tensor *adjoint = adjoint_of(check->program, parameter);
    const double *derived = adjoint != NULL ? machine_values(check->machine, adjoint) : NULL;
    double *values = machine_values(check->machine, parameter), largest = 0, worst = -1;
    int64_t points = (int64_t)tensor_points(parameter);
    for (int64_t i = 0; derived != NULL && i < points; i++) largest = fmax(largest, fabs(derived[i]));
    Statements statements = on_the_way(check, parameter);
    uint32_t *elements = choose_elements(check, parameter, &found.checked);
    double *measured = NEW_ARRAY(check->arena, double, found.checked);
    double loss = *machine_values(check->machine, check->program->loss), scale = largest, step = first_step(loss, scale);
    double *rounding = NEW_ARRAY(check->arena, double, found.checked);
    for (int64_t i = 0; i < found.checked; i++) {
        measured[i] = measure(check, &statements, values + elements[i], step, scale, &rounding[i]);
        largest = fmax(largest, fabs(measured[i]));
    }
    machine_run(check->machine, &statements); /* with the parameter as it was */
    for (int64_t i = 0; i < found.checked; i++) {
        double a = derived != NULL ? derived[elements[i]] : 0, b = measured[i], distance = fabs(a - b);
        double tolerated = RELATIVE * fmax(fabs(a), fabs(b)) + OF_LARGEST * largest + OF_ALL * check->largest + check->rounding;
        bool fine = distance <= tolerated + rounding[i];
        found.wrong += !fine;
        if (distance <= worst) continue;
        worst = isnan(distance) ? INFINITY : distance;
        found.worst = elements[i];
        found.derived = a;
        found.measured = b;
        found.relative = distance == 0 ? 0 : distance / largest;
    }
    return found;
}

/* ---- Printing */

static const char *element_name(Arena *arena, const Tensor *tensor, int64_t element) {
    int64_t at[tensor->rank + 1];
    for (int i = tensor->rank - 1; i >= 0; i--) {
        at[i] = element % tensor->shape[i];
        element /= tensor->shape[i];
    }
    Text *text = text_new(arena);
    for (int i = 0; i < tensor->rank; i++) text_printf(text, "%s%lld", i == 0 ? "" : ", ", (long long)at[i]);
    return text_string(text);
}

static const char *shape_of(Arena *arena, const Tensor *tensor) {
    Text *text = text_new(arena);
    for (int i = 0; i < tensor->rank; i++) text_printf(text, "%s%lld", i == 0 ? "" : ", ", (long long)tensor->shape[i]);
    return text_string(text);
}

static const char *number(Arena *arena, double value, bool json) {
    char *out = arena_alloc(arena, NUMBER_LENGTH);
    number_print(out, value);
    return json && !isfinite(value) ? "null" : out;
}

static void print_findings(Check *check, const Tensor *parameter, const Findings *found, int width) {
    Arena *arena = check->arena;
    bool json = check->options->json;
    const char *shape = shape_of(arena, parameter), *element = element_name(arena, parameter, found->worst);
    const char *derived = number(arena, found->derived, json), *measured = number(arena, found->measured, json);
    if (json) {
        printf("{\"parameter\": \"%s\", \"shape\": [%s], \"checked\": %lld, \"wrong\": %lld, \"largest_difference\": %s, \"at\": "
               "[%s], \"derived\": %s, "
               "\"measured\": %s}\n",
               parameter->name, shape, (long long)found->checked, (long long)found->wrong, number(arena, found->relative, json),
               element, derived, measured);
        return;
    }
    printf("%-*s  [%s]  %lld of %.0f checked, largest difference %.1e at [%s]: %s derived, %s measured", width, parameter->name,
           shape, (long long)found->checked, tensor_points(parameter), found->relative, element, derived, measured);
    if (found->wrong > 0) printf("  WRONG: %lld", (long long)found->wrong);
    putchar('\n');
}

static int check_all(Check *check, Diagnostics *diagnostics) {
    const Program *program = check->program;
    int64_t wrong = 0, checked = 0;
    int width = 0;
    choose_point(check);
    machine_run(check->machine, &program->forward);
    machine_run(check->machine, &program->backward);
    machine_run(check->machine, &check->stopped);
    double loss = *machine_values(check->machine, program->loss);
    if (!isfinite(loss)) {
        error_at(diagnostics, check->model->loss_span, "at a random point the loss is not finite: nothing can be measured there");
        return 1;
    }
    check->largest = largest_derivative(check, true);
    check->rounding = 64 * DBL_EPSILON * largest_derivative(check, false);
    find_reads(check);
    for (size_t p = 0; p < program->parameters.count; p++) {
        int length = (int)strlen(program->parameters.at[p]->name);
        width = length > width ? length : width;
    }
    for (size_t p = 0; p < program->parameters.count; p++) {
        const Tensor *parameter = program->parameters.at[p];
        if (parameter->frozen || parameter->running) continue;
        Findings found = check_parameter(check, parameter);
        print_findings(check, parameter, &found, width);
        wrong += found.wrong;
        checked += found.checked;
    }
    if (check->options->json) printf("{\"checked\": %lld, \"wrong\": %lld}\n", (long long)checked, (long long)wrong);
    else if (wrong == 0) puts("all derivatives agree");
    else printf("%lld of %lld derivatives disagree\n", (long long)wrong, (long long)checked);
    return wrong == 0 ? 0 : 1;
}

int command_check_gradients(Model *model, const CheckOptions *options, Diagnostics *diagnostics) {
    if (model->training->loss == NULL) {
        error_at(diagnostics, (Span){0}, "the model has no loss to differentiate");
        return 1;
    }
    Arena *arena = arena_new();
    Check check = {.model = model,
                   .program = model->training,
                   .options = options,
                   .arena = arena,
                   .seed = options->has_seed ? options->seed : model->settings.seed};
    hold_stopped(&check, model->training);
    check.machine = machine_new(model->training);
    int code = check_all(&check, diagnostics);
    machine_free(check.machine);
    arena_free(arena);
    return code;
}
