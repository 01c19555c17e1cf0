/* Requires: a model that ast_to_tensor accepted. Ensures: for each input and target as many rows of the tensor's width, index tensors
   within their range, no number that is not finite. */
#include "data.h"

const DataBlock *data_block(const Model *model, const char *split) {
    for (size_t i = 0; i < model->data.count; i++) {
        if (strcmp(model->data.at[i].split, split) == 0) return &model->data.at[i];
    }
    return NULL;
}

static const DataSource *source_for(const DataBlock *block, Name tensor) {
    for (size_t i = 0; i < block->sources.count; i++) {
        if (block->sources.at[i].tensor == tensor) return &block->sources.at[i];
    }
    return NULL;
}

static NncFormat format_of(SourceKind kind) {
    switch (kind) {
    case SOURCE_LITERAL: return NNC_LITERAL;
    case SOURCE_CSV: return NNC_CSV;
    case SOURCE_IDX: return NNC_IDX;
    case SOURCE_NPY: return NNC_NPY;
    case SOURCE_BYTES: return NNC_BYTES;
    }
    bug("no source of kind %d", (int)kind);
}

static NncStepKind step_kind_of(StepKind kind) {
    switch (kind) {
    case STEP_ADD: return NNC_ADD;
    case STEP_SUBTRACT: return NNC_SUBTRACT;
    case STEP_MULTIPLY: return NNC_MULTIPLY;
    case STEP_DIVIDE: return NNC_DIVIDE;
    case STEP_SUBTRACT_FROM: return NNC_SUBTRACT_FROM;
    case STEP_DIVIDE_INTO: return NNC_DIVIDE_INTO;
    case STEP_STANDARDIZE: return NNC_STANDARDIZE;
    case STEP_ONE_HOT: return NNC_ONE_HOT;
    case STEP_SCALE: return NNC_SCALE;
    }
    bug("no step of kind %d", (int)kind);
}

static NncSource runtime_source(const DataSource *source, const Tensor *tensor, Arena *arena) {
    NncColumns *columns = NEW_ARRAY(arena, NncColumns, source->columns.count + 1);
    NncStep *steps = NEW_ARRAY(arena, NncStep, source->steps.count + 1);
    for (size_t i = 0; i < source->columns.count; i++) {
        const Columns *c = &source->columns.at[i];
        columns[i] = (NncColumns){c->name, (long)c->from, (long)c->to};
    }
    for (size_t i = 0; i < source->steps.count; i++) {
        const DataStep *step = &source->steps.at[i];
        steps[i] = (NncStep){step_kind_of(step->kind), step->low, step->high};
    }
    return (NncSource){.tensor = tensor->name,
                       .width = (size_t)tensor_elements(tensor),
                       .classes = tensor->rank > tensor->batched ? (size_t)tensor->shape[tensor->rank - 1] : 1,
                       .index_range = (size_t)tensor->index_range,
                       .format = format_of(source->kind),
                       .files = source->files.at,
                       .file_count = source->files.count,
                       .columns = columns,
                       .column_count = source->columns.count,
                       .header = source->header,
                       .literal = source->literal,
                       .literal_rows = (size_t)source->rows,
                       .literal_width = (size_t)source->width,
                       .window = (size_t)source->window,
                       .stride = (size_t)source->stride,
                       .offset = (size_t)source->offset,
                       .steps = steps,
                       .step_count = source->steps.count};
}

bool data_load(const Model *model, const DataBlock *block, const NncData *learned_from, uint64_t seed, Arena *arena,
               Diagnostics *diagnostics, NncData *data) {
    const Program *program = model->training;
    size_t count = program->inputs.count + program->targets.count, errors = diagnostics->errors;
    NncSource *sources = NEW_ARRAY(arena, NncSource, count + 1);
    const Tensor **tensors = NEW_ARRAY(arena, const Tensor *, count + 1);
    const DataSource **from = NEW_ARRAY(arena, const DataSource *, count + 1);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = i < program->inputs.count ? program->inputs.at[i] : program->targets.at[i - program->inputs.count];
        from[i] = source_for(block, tensors[i]->name);
        if (from[i] != NULL) sources[i] = runtime_source(from[i], tensors[i], arena);
        else
            error_at(diagnostics, tensors[i]->span, "data %s does not say where '%s' comes from", block->split, tensors[i]->name);
    }
    if (diagnostics->errors > errors) return false;
    NncDataError error;
    NncBlock wanted = {block->split, sources, count, block->holdout, 0};
    if (nnc_data_load(&wanted, NULL, learned_from, seed, data, &error)) return true;
    if (count == 0) {
        error_at(diagnostics, block->span, "%s", error.message);
        return false;
    }
    const DataSource *source = from[error.source];
    error_at(diagnostics, error.step >= 0 ? source->steps.at[error.step].span : source->span, "%s", error.message);
    if (error.memory) note_at(diagnostics, source->span, "'nnc train --stream' need not have all data in memory");
    if (error.shape) note_at(diagnostics, tensors[error.source]->span, "'%s' is declared here", tensors[error.source]->name);
    if (error.other >= 0) note_at(diagnostics, from[error.other]->span, "'%s' comes from here", tensors[error.other]->name);
    return false;
}

const DataBlock *data_to_train(const Model *model, Diagnostics *diagnostics) {
    const DataBlock *block = data_block(model, "train");
    Span nowhere = {0};
    if (model->training->loss == NULL) error_at(diagnostics, nowhere, "the model has no loss to minimise");
    else if (model->optimizer_span.source == 0)
        error_at(diagnostics, model->loss_span, "the model has no optimizer; write, for example, optimizer = sgd(rate = 0.1)");
    else if (model->training->update.count == 0)
        error_at(diagnostics, model->optimizer_span,
                 model->training->parameters.count > 0 ? "the optimizer has nothing to train: all parameters are frozen"
                                                       : "the optimizer has nothing to train: the model has no parameters");
    else if (block == NULL) error_at(diagnostics, nowhere, "the model has no block 'data train'");
    else return block;
    return NULL;
}

const DataBlock *data_to_judge(const Model *model, Diagnostics *diagnostics) {
    const DataBlock *block = data_block(model, "train");
    Span nowhere = {0};
    if (block != NULL) return block;
    error_at(diagnostics, nowhere, "the model has no block 'data train'");
    note_at(diagnostics, nowhere,
            "it says how examples are read: which columns each input has, and their steps; the files that it names need not be "
            "there");
    return NULL;
}
