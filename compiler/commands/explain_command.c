/* nnc explain MODEL: what was derived, formula by formula, and with numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands/commands.h"
#include "commands/generate.h"
#include "commands/parameters.h"
#include "commands/trainer.h"
#include "explain/html.h"

typedef struct {
    const ExplainOptions *options;
    Lesson *lesson;
    const Model *model;
    Arena *arena;
    Diagnostics *diagnostics;
} Explaining;

static bool refuse(Explaining *e, const char *message) {
    error_at(e->diagnostics, (Span){0}, "%s", message);
    return false;
}

/* ---- Parameters: as they begin, as in a file, or as K steps of training leave them */

/* Both machines are of the lesson's program. */
static void copy_all(Explaining *e, Machine *from, const Tensors *list) {
    for (size_t i = 0; i < list->count; i++) {
        const Tensor *t = list->at[i];
        memcpy(machine_values(e->lesson->machine, t), machine_values(from, t), sizeof(double) * (size_t)tensor_points(t));
    }
}

static void set(Machine *machine, const Tensor *tensor, double value) {
    if (tensor != NULL) *machine_values(machine, tensor) = value;
}

static bool begin(Explaining *e, uint64_t seed) {
    Lesson *lesson = e->lesson;
    Program *program = lesson->program;
    lesson->machine = machine_new(program);
    machine_seed(lesson->machine, seed, 0);
    machine_run(lesson->machine, &program->initial);
    return e->options->load == NULL || parameters_load(e->options->load, program, lesson->machine, e->arena, e->diagnostics);
}

static bool train(Explaining *e, const NncData *data, uint64_t seed) {
    const Program *program = e->lesson->program;
    Trainer *trainer = trainer_new(e->lesson->own, data, seed);
    Machine *machine = trainer_machine(trainer);
    bool fine = e->options->load == NULL || parameters_load(e->options->load, program, machine, e->arena, e->diagnostics);
    for (int64_t i = 0; fine && i < e->options->step; i++) {
        if (isfinite(trainer_step(trainer))) continue;
        fine = refuse(e, arena_printf(e->arena, "in step %lld of training the loss is not finite: a smaller rate may help",
                                      (long long)i + 1));
    }
    if (fine) {
        copy_all(e, machine, &program->parameters);
        copy_all(e, machine, &program->states);
        set(e->lesson->machine, program->epoch, (double)trainer_epoch(trainer));
        e->lesson->steps = trainer_steps(trainer);
    }
    trainer_free(trainer);
    return fine;
}

/* ---- The example: a row of the data, or numbers from the command line */

static const Tensor *of_name(const Tensors *list, Name name) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i]->name == name) return list->at[i];
    }
    return NULL;
}

static bool take_row(Explaining *e, const NncData *data) {
    const Program *program = e->lesson->program;
    if (e->options->sample >= (int64_t)data->rows) {
        return refuse(e, arena_printf(e->arena, "--sample %lld: the data have %zu example%s, counted from 0",
                                      (long long)e->options->sample, data->rows, data->rows == 1 ? "" : "s"));
    }
    for (size_t a = 0; a < data->array_count; a++) {
        const NncArray *array = &data->arrays[a];
        const Tensor *t = of_name(&program->inputs, array->tensor);
        if (t == NULL) t = of_name(&program->targets, array->tensor);
        if (t == NULL) continue;
        memcpy(machine_values(e->lesson->machine, t), array->values + (size_t)e->options->sample * array->width,
               sizeof(double) * array->width);
    }
    e->lesson->has_target = true;
    e->lesson->example = arena_printf(e->arena, "example %lld of the training data", (long long)e->options->sample);
    return true;
}

/* What the data promise of a target, and formulas rely on. */
static bool keeps_promise(Explaining *e, const char *option, const Tensor *t, const double *values, int64_t count) {
    int64_t last = t->rank > t->batched ? t->shape[t->rank - 1] : 1;
    for (int64_t row = 0; t->facts.sums_to_one && row < count; row += last) {
        double sum = 0;
        bool fine = true;
        for (int64_t i = 0; i < last; i++) {
            sum += values[row + i];
            fine &= values[row + i] >= 0 && (!t->facts.one_hot || values[row + i] == 0 || values[row + i] == 1);
        }
        if (fine && fabs(sum - 1) < 1e-6) continue;
        return refuse(e, arena_printf(e->arena,
                                      t->facts.one_hot ? "%s: the data promise that one number of '%s' is 1 and the others 0"
                                                       : "%s: the data promise that the numbers of '%s' add up to 1",
                                      option, t->name));
    }
    return true;
}

/* "0.05,0.1", or "x=0.05,0.1" where there are several inputs. */
static bool take_numbers(Explaining *e, const char *option, const char *words, const Tensors *list, bool *given) {
    const char *equals = strchr(words, '='), *at = equals == NULL ? words : equals + 1;
    size_t which = 0;
    if (equals == NULL && list->count != 1) {
        const char *example = list->count > 0 ? list->at[0]->name : "x";
        return refuse(e,
                      arena_printf(e->arena,
                                   list->count == 0 ? "%s: the model has none" : "%s: the model has several: write %s %s=1,2,3",
                                   option, option, example));
    }
    if (equals != NULL) {
        while (which < list->count && strncmp(list->at[which]->name, words, (size_t)(equals - words)) != 0) which++;
        if (which == list->count || strlen(list->at[which]->name) != (size_t)(equals - words))
            return refuse(e, arena_printf(e->arena, "%s: there is no '%.*s'", option, (int)(equals - words), words));
    }
    const Tensor *t = list->at[which];
    double *values = machine_values(e->lesson->machine, t);
    int64_t wanted = (int64_t)tensor_elements(t), count = 0;
    for (char *end; *at != '\0'; at = end) {
        double value = strtod(at, &end);
        if (end == at || !isfinite(value) || (*end != '\0' && *end != ',' && *end != ' '))
            return refuse(e, arena_printf(e->arena, "%s: '%s' is not a list of numbers, as 0.5,-1,2", option, words));
        if (t->index_range > 0 && (value != floor(value) || value < 0 || value >= (double)t->index_range))
            return refuse(e, arena_printf(e->arena, "%s: %s wants whole numbers from 0 to %lld", option, t->name,
                                          (long long)t->index_range - 1));
        if (count < wanted) values[count] = value;
        count++;
        while (*end == ',' || *end == ' ') end++;
    }
    if (count != wanted)
        return refuse(
            e, arena_printf(e->arena, "%s: %s has %lld numbers, not %lld", option, t->name, (long long)wanted, (long long)count));
    given[which] = true;
    return keeps_promise(e, option, t, values, wanted);
}

static bool take_all(Explaining *e, const char *option, size_t count, const char *const *words, const Tensors *list,
                     bool needed) {
    bool given[list->count + 1];
    memset(given, 0, sizeof given);
    for (size_t i = 0; i < count; i++) {
        if (!take_numbers(e, option, words[i], list, given)) return false;
    }
    for (size_t i = 0; i < list->count && needed; i++) {
        if (!given[i]) return refuse(e, arena_printf(e->arena, "%s: '%s' has no numbers", option, list->at[i]->name));
    }
    return true;
}

static bool take_given(Explaining *e) {
    const ExplainOptions *o = e->options;
    const Program *program = e->lesson->program;
    e->lesson->has_target = program->targets.count == 0 || o->targets.count > 0;
    e->lesson->example = o->targets.count > 0 ? "the given input and target" : "the given input";
    return take_all(e, "--x", o->inputs.count, o->inputs.at, &program->inputs, true) &&
           take_all(e, "--t", o->targets.count, o->targets.at, &program->targets, o->targets.count > 0);
}

/* Without training, an optimizer is not needed. */
static const DataBlock *block_of(Explaining *e) {
    const DataBlock *block = e->options->step == 0 ? data_block(e->model, "train") : NULL;
    return block != NULL ? block : data_to_train(e->model, e->diagnostics);
}

static bool with_data(Explaining *e, uint64_t seed) {
    const DataBlock *block = block_of(e);
    NncData data;
    if (block == NULL || !data_load(e->model, block, NULL, seed, e->arena, e->diagnostics, &data)) return false;
    bool fine = e->options->step == 0 || train(e, &data, seed);
    fine = fine && (e->options->inputs.count > 0 ? take_given(e) : take_row(e, &data));
    nnc_data_free(&data);
    return fine;
}

static bool work(Explaining *e) {
    const ExplainOptions *o = e->options;
    uint64_t seed = o->has_seed ? o->seed : e->model->settings.seed;
    if (!begin(e, seed)) return false;
    Lesson *lesson = e->lesson;
    if (!(o->inputs.count > 0 && o->step == 0 ? take_given(e) : with_data(e, seed))) return false;
    machine_batch(lesson->machine, 1);
    machine_seed(lesson->machine, seed, (uint64_t)lesson->steps + 1);
    set(lesson->machine, lesson->program->step, (double)lesson->steps + 1);
    lesson_work(lesson);
    return true;
}

/* ---- The command */

static const struct {
    const char *name, *end;    /* of file names */
    const Style *style;        /* or NULL, and */
    void (*compose)(Out *out); /* what composes it itself */
} formats[] = {{"text", ".txt", &style_text, NULL},
               {"markdown", ".md", &style_markdown, NULL},
               {"latex", ".tex", &style_latex, NULL},
               {"html", ".html", NULL, compose_page},
               {"json", ".json", NULL, compose_json}};
enum { FORMATS = sizeof formats / sizeof *formats };

const char *explain_formats(Arena *arena) {
    Text *text = text_new(arena);
    for (size_t i = 0; i < FORMATS; i++) text_printf(text, "%s%s", i > 0 ? ", " : "", formats[i].name);
    return text_string(text);
}

bool explain_has_format(const char *name) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) return true;
    }
    return false;
}

const char *explain_format_of_file(const char *path) {
    const char *slash = path == NULL ? NULL : strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *dot = name == NULL ? NULL : strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < FORMATS; i++) {
        if (strcmp(dot, formats[i].end) == 0) return formats[i].name;
    }
    return dot == NULL ? formats[0].name : NULL;
}

static void print_explanation(Out *out, const char *format) {
    size_t which = 0;
    while (strcmp(formats[which].name, format) != 0) which++;
    const Style *style = formats[which].style;
    if (style == NULL) formats[which].compose(out);
    else if (out->lesson->wanted != NULL) compose_element(out, style, out->lesson->wanted);
    else compose(out, style);
}

int command_explain(Lesson *lesson, LoopProgram *loop, const ExplainOptions *options, Diagnostics *diagnostics) {
    Arena *arena = lesson->arena;
    Explaining e = {options, lesson, lesson->model, arena, diagnostics};
    const char *file = arena_printf(arena, "%s.c", lesson->model->name);
    OutputFiles files = generate_files(loop, lesson->sources, false);
    for (size_t i = 0; i < files.count; i++) {
        if (strcmp(files.at[i].name, file) == 0) lesson_find_in_c(lesson, file, files.at[i].text);
    }
    lesson->digits = options->digits;
    Element element;
    if (options->element != NULL) {
        const char *wrong = element_parse(lesson, options->element, &element);
        if (wrong != NULL) return !refuse(&e, wrong);
        lesson->wanted = &element;
    }
    if (options->numbers && !work(&e)) return 1;
    Text *text = text_new(arena);
    Out out = {.text = text, .lesson = lesson};
    print_explanation(&out, options->format);
    if (options->output == NULL || strcmp(options->output, "-") == 0) {
        fputs(text_string(text), stdout);
        return 0;
    }
    OutputFiles written = {0};
    vec_push(arena, &written, (OutputFile){options->output, text_string(text)});
    return write_files(arena, NULL, &written) ? 0 : 1;
}
