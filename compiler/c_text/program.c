/* NAME_main.c: tables that tell the runtime's program about the network and its data. Its functions are in runtime/program.h. */
#include "c_text/c_text.h"

#include <math.h>

/* ---- Texts and numbers as C */

static const char *c_text(Arena *arena, const char *words) {
    Text *text = text_new(arena);
    text_put(text, "\"");
    for (const unsigned char *at = (const unsigned char *)words; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\' || *at == '?') text_printf(text, "\\%c", *at);
        else if (*at < ' ' || *at > '~') text_printf(text, "\\%03o", (unsigned)*at);
        else text_printf(text, "%c", *at);
    }
    text_put(text, "\"");
    return text_string(text);
}

static const char *c_double(Arena *arena, double value) {
    Text *text = text_new(arena);
    c_literal(text, value, true);
    return text_string(text);
}

/* ---- Tensors in the structs */

static void print_layout(Text *text, const Layout *layout) {
    int count = layout == NULL ? 0 : layout->count;
    text_printf(text, "%d, {%s", count, count == 0 ? "{0, 0, 0}" : "");
    for (int k = 0; k < count; k++) {
        const LayoutAxis *a = &layout->axes[k];
        text_printf(text, "%s{%d, %lld, %lld}", k > 0 ? ", " : "", a->axis, (long long)a->divisor, (long long)a->size);
    }
    text_put(text, "}},\n");
}

static void print_members(Text *text, const char *name, const char *type, const Tensors *list, bool batched) {
    if (list->count == 0) return;
    text_printf(text, "static const NncMember %s[] = {\n", name);
    for (size_t i = 0; i < list->count; i++) {
        const Tensor *t = list->at[i];
        int first = batched ? 1 : 0;
        double count = 1;
        for (int a = first; a < t->rank; a++) count *= (double)t->shape[a];
        text_printf(text, "    {%s, offsetof(%s, %s), %.0f, %d, {", c_text(text->arena, t->name), type,
                    batched ? c_name(text->arena, t->name) : c_member(text->arena, t->name), count, t->rank - first);
        for (int a = first; a < t->rank; a++) text_printf(text, "%s%lld", a == first ? "" : ", ", (long long)t->shape[a]);
        text_printf(text, "%s}, %d, ", t->rank == first ? "0" : "", t->index_range > 0);
        print_layout(text, t->layout);
    }
    text_put(text, "};\n\n");
}

/* ---- Data */

static const DataBlock *block_of(const Model *model, const char *split) {
    for (size_t i = 0; i < model->data.count; i++) {
        if (strcmp(model->data.at[i].split, split) == 0) return &model->data.at[i];
    }
    return NULL;
}

static const DataSource *source_for(const DataBlock *block, const Tensor *tensor) {
    for (size_t i = 0; i < block->sources.count; i++) {
        if (block->sources.at[i].tensor == tensor->name) return &block->sources.at[i];
    }
    return NULL;
}

static void print_files(Text *text, const DataSource *source, const char *name) {
    if (source->written.count == 0) return;
    text_printf(text, "static const char *const %s_files[] = {", name);
    for (size_t i = 0; i < source->written.count; i++)
        text_printf(text, "%s%s", i == 0 ? "" : ", ", c_text(text->arena, source->written.at[i]));
    text_put(text, "};\n");
}

static void print_columns(Text *text, const DataSource *source, const char *name) {
    if (source->columns.count == 0) return;
    text_printf(text, "static const NncColumns %s_columns[] = {", name);
    for (size_t i = 0; i < source->columns.count; i++) {
        const Columns *c = &source->columns.at[i];
        text_printf(text, "%s{%s, %lld, %lld}", i == 0 ? "" : ", ", c->name == NULL ? "NULL" : c_text(text->arena, c->name),
                    (long long)c->from, (long long)c->to);
    }
    text_put(text, "};\n");
}

static void print_steps(Text *text, const DataSource *source, const char *name) {
    static const char *const kinds[] = {"NNC_ADD",         "NNC_SUBTRACT",    "NNC_MULTIPLY", "NNC_DIVIDE", "NNC_SUBTRACT_FROM",
                                        "NNC_DIVIDE_INTO", "NNC_STANDARDIZE", "NNC_ONE_HOT",  "NNC_SCALE"};
    if (source->steps.count == 0) return;
    text_printf(text, "static const NncStep %s_steps[] = {", name);
    for (size_t i = 0; i < source->steps.count; i++) {
        const DataStep *s = &source->steps.at[i];
        text_printf(text, "%s{%s, %s, %s}", i == 0 ? "" : ", ", kinds[s->kind], c_double(text->arena, s->low),
                    c_double(text->arena, s->high));
    }
    text_put(text, "};\n");
}

static void print_numbers(Text *text, const DataSource *source, const char *name) {
    if (source->kind != SOURCE_LITERAL) return;
    text_printf(text, "static const double %s_numbers[] = {", name);
    for (int64_t i = 0; i < source->rows * source->width; i++) {
        text_printf(text, "%s%s", i == 0 ? "" : i % 12 == 0 ? ",\n    " : ", ", c_double(text->arena, source->literal[i]));
    }
    text_put(text, "};\n");
}

static void print_source(Text *text, const Tensor *tensor, const DataSource *source, const char *name, const char *model_name,
                         const Sources *sources) {
    static const char *const formats[] = {"NNC_LITERAL", "NNC_CSV", "NNC_IDX", "NNC_NPY", "NNC_BYTES"};
    double width = 1;
    for (int a = 1; a < tensor->rank; a++) width *= (double)tensor->shape[a];
    long long classes = tensor->rank > 1 ? (long long)tensor->shape[tensor->rank - 1] : 1;
    Place place = source_place(sources, source->span.source, source->span.begin);
    const char *said = arena_printf(text->arena, "%s:%u:%u", model_name, place.line, place.column);
    text_printf(text, "    {.tensor = %s, .width = %.0f, .classes = %lld, .index_range = %lld, .place = %s,\n     .format = %s",
                c_text(text->arena, tensor->name), width, classes, (long long)tensor->index_range, c_text(text->arena, said),
                formats[source->kind]);
    if (source->files.count > 0) text_printf(text, ", .files = %s_files, .file_count = %zu", name, source->files.count);
    if (source->columns.count > 0) text_printf(text, ", .columns = %s_columns, .column_count = %zu", name, source->columns.count);
    if (source->kind == SOURCE_CSV) text_printf(text, ", .header = %d", source->header);
    if (source->kind == SOURCE_LITERAL)
        text_printf(text, ", .literal = %s_numbers, .literal_rows = %lld, .literal_width = %lld", name, (long long)source->rows,
                    (long long)source->width);
    if (source->kind == SOURCE_BYTES)
        text_printf(text, ", .window = %lld, .stride = %lld, .offset = %lld", (long long)source->window,
                    (long long)source->stride, (long long)source->offset);
    if (source->steps.count > 0) text_printf(text, ", .steps = %s_steps, .step_count = %zu", name, source->steps.count);
    text_put(text, "},\n");
}

static void print_block(Text *text, const LoopProgram *loop, const DataBlock *block, const Sources *sources) {
    const Model *model = loop->model;
    const Tensors *lists[] = {&model->training->inputs, &model->training->targets};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const DataSource *source = source_for(block, lists[l]->at[i]);
            const char *name = arena_printf(text->arena, "%s_%s", block->split, c_name(text->arena, lists[l]->at[i]->name));
            if (source == NULL) continue;
            print_files(text, source, name);
            print_columns(text, source, name);
            print_steps(text, source, name);
            print_numbers(text, source, name);
        }
    }
    text_printf(text, "static const NncSource %s_sources[] = {\n", block->split);
    size_t count = 0;
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const DataSource *source = source_for(block, lists[l]->at[i]);
            if (source == NULL) continue;
            print_source(text, lists[l]->at[i], source,
                         arena_printf(text->arena, "%s_%s", block->split, c_name(text->arena, lists[l]->at[i]->name)),
                         strrchr(model->path, '/') == NULL ? model->path : strrchr(model->path, '/') + 1, sources);
            count++;
        }
    }
    text_printf(text, "};\nstatic const NncBlock %s_data = {\"%s\", %s_sources, %zu, %s, %d};\n\n", block->split, block->split,
                block->split, count, c_double(text->arena, block->holdout), !loop->is_double);
}

/* ---- The network's functions, in the types that the runtime calls */

static void print_calls(Text *text, const LoopProgram *loop) {
    const char *m = loop->model->name;
    const Program *program = loop->model->training;
    bool target = program->targets.count > 0, metrics = program->metrics.count > 0;
    const char *targets = target ? ", target" : "", *unused = target ? "" : "    (void)target;\n";
    const char *found = metrics ? ", &found" : "", *convert = loop->is_double ? "" : "(double)";
    Text *copy = text_new(text->arena);
    for (size_t i = 0; i < program->metrics.count; i++)
        text_printf(copy, "    metrics[%zu] = %sfound.%s;\n", i, convert, c_name(text->arena, program->metrics.at[i].name));
    if (!metrics) text_put(copy, "    (void)metrics;\n");
    const char *results = metrics ? arena_printf(text->arena, "    %s_metrics found = {0};\n", m) : "";
    text_put(text, "static void init(void *model, void *state, uint64_t seed) {\n");
    bool work = loop->initial.buffers.count > 0;
    if (work) text_printf(text, "    static %s_init_work work;\n", m);
    text_printf(text, "    %s_init(model, state, %sseed);\n}\n\n", m, work ? "&work, " : "");
    text_put(text, "static double train(void *model, void *state, void *work, const void *in, const void *target, size_t n, "
                   "double *metrics) {\n");
    text_printf(text, "%s    const double loss = %s%s_train(model, state, work, in%s, n%s);\n%s%s    return loss;\n}\n\n",
                results, convert, m, targets, found, text_string(copy), unused);
    text_put(text, "static double evaluate(const void *model, const void *state, void *work, const void *in, const void *target, "
                   "size_t n,\n                       double *metrics) {\n");
    text_printf(text,
                "%s    const double loss = %s%s_evaluate(model, work, in%s, n%s);\n%s%s    (void)state;\n    return loss;\n}\n\n",
                results, convert, m, targets, found, text_string(copy), unused);
    if (loop->combine.body.count > 0) {
        text_printf(text, "static void combine(double *metrics) {\n    %s_metrics found = {0};\n", m);
        for (size_t i = 0; i < program->metrics.count; i++)
            text_printf(text, "    found.%s = (%s)metrics[%zu];\n", c_name(text->arena, program->metrics.at[i].name),
                        c_number_type(loop), i);
        text_printf(text, "    %s_combine(&found);\n%s}\n\n", m, text_string(copy));
    }
    if (loop->model->inference->outputs.count > 0)
        text_printf(text,
                    "static void predict(const void *model, void *work, const void *in, void *out, size_t n) {\n    "
                    "%s_predict(model, work, in, out, n);\n}\n\n",
                    m);
}

/* The forward pass of training once more, with a look at each result. Where examples do not stand one after another, what is not theirs
   is 0, or a border, of -infinity perhaps; of +infinity, no look can tell. */
static void look_at_tensor(CPrinter *p, const Tensor *t) {
    if (t->index_range > 0 || (t->border != NULL && t->border->otherwise == INFINITY)) return;
    double points = 1;
    const Tensor *stored = tensor_stored(t);
    bool examples = t->batched && t->layout == NULL, masks = t->border != NULL && isinf(t->border->otherwise);
    for (int a = examples ? 1 : 0; a < stored->rank; a++) points *= (double)stored->shape[a];
    const char *member = c_name(p->text->arena, t->name), *first = "";
    for (int a = 0; a < stored->rank; a++) first = arena_printf(p->text->arena, "%s[0]", first);
    text_printf(p->text, "if (holds(&work->%s%s, %s%.0f, %s)) return %s;\n", member, first, examples ? "(size_t)examples * " : "",
                points, masks ? "0" : "any", c_text(p->text->arena, t->name));
}

static void look_at_result(CPrinter *p, const Node *block) {
    for (size_t i = 0; i < block->statements.count; i++) look_at_tensor(p, block->statements.at[i]->target);
}

/* Of a batch that is divided, by itself in each micro-batch. */
static void print_search_in_rounds(Text *text, const LoopProgram *loop, bool target) {
    int size = (int)loop->micro->size;
    text_printf(text,
                "    const %s_input *const all_in = in;\n%s"
                "    for (int any = 0; any < 2; any++) {\n"
                "        for (size_t done = 0; done < n; done += %d) {\n"
                "            const int examples = n - done < %d ? (int)(n - done) : %d;\n"
                "            const char *found = search(model, state, &work, all_in + done%s, examples, (int)done, any);\n"
                "            if (found != NULL) return found;\n        }\n    }\n    return NULL;\n}\n\n",
                loop->model->name,
                target ? arena_printf(text->arena, "    const %s_target *const all_targets = target;\n", loop->model->name) : "",
                size, size, size, target ? ", all_targets + done" : "");
}

static void print_search(Text *text, LoopProgram *loop, const Sources *sources) {
    const char *m = loop->model->name, *number = c_number_type(loop);
    bool target = loop->model->training->targets.count > 0;
    text_put(text, "/* ---- Where a number that is not finite comes from: the forward pass, with a look at each result */\n\n");
    c_work_struct(text, loop, m, "values", &loop->forward, "");
    c_literals(text, loop, "search", (const Routine *const[]){&loop->forward}, 1);
    Statements searched = {0}; /* fewer than those of a step: metrics have a part of their own */
    for (size_t i = 0; i < loop->forward.body.count; i++) {
        const Statements *list = &loop->forward.body.at[i]->statements;
        for (size_t k = 0; k < list->count; k++) vec_push(text->arena, &searched, list->at[k]);
    }
    c_random(text, loop, "search", &searched, 1);
    text_printf(text,
                "/* Is one of the numbers NaN or +infinity, or (any) -infinity, which masks use? */\nstatic int holds(const %s "
                "*numbers, size_t count, int any) {\n",
                number);
    text_put(text, "    for (size_t i = 0; i < count; i++) {\n");
    text_printf(text, "        const %s difference = numbers[i] - numbers[i]; /* NaN for what is not finite */\n", number);
    text_put(text, "        if (!(difference >= 0) && (any || !(numbers[i] < 0))) return 1;\n    }\n    return 0;\n}\n\n");
    CPrinter p = {.text = text, .loop = loop, .model = "search", .sources = sources, .after_block = look_at_result};
    const CHead head = {"static const char *", "search", "NULL", .fixed = true,
                        .parameters = {[C_MODEL] = arena_printf(text->arena, "const %s_parameters *model", m),
                                       [C_STATE] = arena_printf(text->arena, "const %s_state *state", m),
                                       [C_WORK] = arena_printf(text->arena, "%s_values *work", m),
                                       [C_IN] = arena_printf(text->arena, "const %s_input *in", m),
                                       [C_TARGET] = target ? arena_printf(text->arena, "const %s_target *target", m) : NULL,
                                       [C_EXAMPLES] = "int examples",
                                       [C_DONE] = loop->micro != NULL ? "int done" : NULL,
                                       [C_OTHER] = "int any"}};
    c_function(&p, &loop->forward, &head);
    text_put(text, "static const char *first_not_finite(const void *model, const void *state, const void *in, const void "
                   "*target, size_t n) {\n");
    text_printf(text, "    static %s_values work;\n%s", m, target ? "" : "    (void)target;\n");
    if (loop->micro == NULL)
        text_printf(text,
                    "    const char *found = search(model, state, &work, in%s, (int)n, 0);\n    return "
                    "found != NULL ? found : search(model, state, &work, in%s, (int)n, 1);\n}\n\n",
                    target ? ", target" : "", target ? ", target" : "");
    else print_search_in_rounds(text, loop, target);
}

/* The class that a target gives, as an index or in one-hot form, out of `classes`. */
static bool is_class(const Tensor *target, int64_t classes) {
    if (target->index_range > 0) return target->rank == 1 && target->index_range == classes;
    return target->facts.one_hot && target->rank == 2 && target->shape[1] == classes;
}

/* An output with a number for each class, and the target that says which class is right: the first that fit. */
static void print_classes(Text *text, const Model *model) {
    const Tensors *outputs = &model->inference->outputs, *targets = &model->training->targets;
    for (size_t o = 0; o < outputs->count; o++) {
        const Tensor *output = outputs->at[o];
        if (output->rank != 2 || output->shape[1] < 2 || output->index_range > 0) continue;
        for (size_t t = 0; t < targets->count; t++) {
            if (!is_class(targets->at[t], output->shape[1])) continue;
            text_printf(text, "    .classes = %lld,\n    .class_output = %zu,\n    .class_target = %zu,\n",
                        (long long)output->shape[1], o, t);
            return;
        }
    }
}

/* The data that outputs are compared with; nothing where there are none. */
static bool print_compared(Text *text, const Tensors *outputs) {
    bool any = false;
    for (size_t i = 0; i < outputs->count; i++) any |= outputs->at[i]->compared != NULL;
    if (any) text_put(text, "static const char *const compared[] = {");
    for (size_t i = 0; i < outputs->count && any; i++) {
        const Tensor *data = outputs->at[i]->compared;
        text_printf(text, "%s%s", i == 0 ? "" : ", ", data == NULL ? "NULL" : c_text(text->arena, data->name));
    }
    if (any) text_put(text, "};\n\n");
    return any;
}

static void print_table(Text *text, const LoopProgram *loop, const DataBlock *train, const DataBlock *test) {
    const Model *model = loop->model;
    const Program *program = model->training;
    const Tensors *outputs = &model->inference->outputs;
    const Settings *s = &model->settings;
    const char *m = model->name;
    if (program->metrics.count > 0) text_put(text, "static const char *const metrics[] = {");
    for (size_t i = 0; i < program->metrics.count; i++)
        text_printf(text, "%s%s", i == 0 ? "" : ", ",
                    program->metrics.at[i].part ? "NULL" : c_text(text->arena, program->metrics.at[i].name));
    if (program->metrics.count > 0) text_put(text, "};\n\n");
    bool compared = print_compared(text, outputs);
    text_printf(text, "static const NncProgram %s_program = {\n    .name = \"%s\",\n    .number_size = sizeof(%s),\n", m, m,
                c_number_type(loop));
    text_printf(text, "    .parameters_size = sizeof(%s_parameters),\n    .state_size = sizeof(%s_state),\n", m, m);
    text_printf(text,
                "    .work_size = sizeof(%s_work),\n    .evaluate_work_size = sizeof(%s_evaluate_work),\n    .input_size = "
                "sizeof(%s_input),\n",
                m, m, m);
    if (program->targets.count > 0) text_printf(text, "    .target_size = sizeof(%s_target),\n", m);
    if (outputs->count > 0)
        text_printf(text, "    .predict_work_size = sizeof(%s_predict_work),\n    .output_size = sizeof(%s_output),\n", m, m);
    const struct {
        const char *name, *count;
        const Tensors *list;
    } lists[] = {{"parameters", "parameter_count", &program->parameters},
                 {"states", "state_count", &program->states},
                 {"inputs", "input_count", &program->inputs},
                 {"targets", "target_count", &program->targets},
                 {"outputs", "output_count", outputs}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (lists[i].list->count > 0)
            text_printf(text, "    .%s = %s,\n    .%s = %zu,\n", lists[i].name, lists[i].name, lists[i].count,
                        lists[i].list->count);
    }
    print_classes(text, model);
    if (compared) text_put(text, "    .compared = compared,\n");
    text_printf(text, "    .step_offset = offsetof(%s_state, step),\n    .epoch_offset = offsetof(%s_state, epoch),\n", m, m);
    if (c_state_seed(loop)) text_printf(text, "    .seed_offset = offsetof(%s_state, seed),\n", m);
    if (program->metrics.count > 0)
        text_printf(text, "    .metrics = metrics,\n    .metric_count = %zu,\n", program->metrics.count);
    text_put(text,
             "    .init = init,\n    .train = train,\n    .evaluate = evaluate,\n    .first_not_finite = first_not_finite,\n");
    if (outputs->count > 0) text_put(text, "    .predict = predict,\n");
    if (loop->combine.body.count > 0) text_put(text, "    .combine = combine,\n");
    text_printf(
        text,
        "    .batch = %s_BATCH,\n    .epochs = %lld,\n    .patience = %lld,\n    .seed = UINT64_C(%llu),\n    .shuffle = %d,\n",
        c_upper(text->arena, m), (long long)s->epochs, (long long)s->patience, (unsigned long long)s->seed, s->shuffle);
    if (train != NULL) text_put(text, "    .train_data = &train_data,\n");
    if (test != NULL) text_put(text, "    .test_data = &test_data,\n");
    text_put(text, "};\n\n");
}

void c_program(Text *text, LoopProgram *loop, const Sources *sources) {
    const Model *model = loop->model;
    const Program *program = model->training;
    const char *m = model->name;
    const DataBlock *train = block_of(model, "train"), *test = block_of(model, "test");
    text_printf(text, "/* The program around %s: what the runtime must know of the network and its data. Written by nnc. */\n",
                m);
    text_printf(text, "#include \"%s.h\"\n\n#include \"runtime/%s\"\n#include \"runtime/program.h\"\n%s\n", m,
                loop->is_double ? "functions_double.h" : "functions.h",
                c_state_seed(loop) ? "#include \"runtime/random.h\"\n" : "");
    text_put(text, "/* ---- The tensors of the structs */\n\n");
    print_members(text, "parameters", arena_printf(text->arena, "%s_parameters", m), &program->parameters, false);
    print_members(text, "states", arena_printf(text->arena, "%s_state", m), &program->states, false);
    print_members(text, "inputs", arena_printf(text->arena, "%s_input", m), &program->inputs, true);
    print_members(text, "targets", arena_printf(text->arena, "%s_target", m), &program->targets, true);
    print_members(text, "outputs", arena_printf(text->arena, "%s_output", m), &model->inference->outputs, true);
    text_put(text, "/* ---- Data */\n\n");
    if (train != NULL) print_block(text, loop, train, sources);
    if (test != NULL) print_block(text, loop, test, sources);
    text_put(text, "/* ---- The network's functions */\n\n");
    print_calls(text, loop);
    print_search(text, loop, sources);
    text_put(text, "/* ---- The program */\n\n");
    print_table(text, loop, train, test);
    text_printf(text, "int main(int argc, char **argv) { return nnc_program(&%s_program, argc, argv); }\n", m);
}
