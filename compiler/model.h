/* A model with every name resolved: what compile.c hands to the commands.

   The mathematics comes twice, because a definition may ask whether it is `training`: once as the training step, once for
   validation, test and prediction. Parameters of the two programs agree in order, name and shape. */
#ifndef NNC_MODEL_H
#define NNC_MODEL_H

#include "ast/ast.h"
#include "tensor/program.h"

typedef enum { SOURCE_LITERAL, SOURCE_CSV, SOURCE_IDX, SOURCE_NPY, SOURCE_BYTES } SourceKind;

/* Columns of a CSV file: by header name, or by number from .. to - 1. */
typedef struct {
    const char *name; /* NULL: by number */
    int64_t from, to;
    Span span;
} Columns;

typedef enum {
    STEP_ADD,
    STEP_SUBTRACT,
    STEP_MULTIPLY,
    STEP_DIVIDE,
    STEP_SUBTRACT_FROM,
    STEP_DIVIDE_INTO,
    STEP_STANDARDIZE,
    STEP_ONE_HOT,
    STEP_SCALE
} StepKind;

typedef struct {
    StepKind kind;
    double low, high; /* low is the number of the arithmetic steps; x <- low - x for SUBTRACT_FROM */
    Span span;
} DataStep;

/* Where one input or target comes from:  x = csv("a.csv", "b.csv", columns = 0..4) / 16 -> standardize */
typedef struct {
    Name tensor;
    SourceKind kind;
    Vec(const char *) files;   /* as paths to open: relative names are taken from the folder of the .nn file */
    Vec(const char *) written; /* the files' names as the model has them */
    Vec(Columns) columns;      /* CSV; none: all */
    int header;                /* CSV: 1, 0, or -1 to find out */
    double *literal;           /* SOURCE_LITERAL: rows * width numbers */
    int64_t rows, width;
    int64_t window, stride, offset; /* SOURCE_BYTES */
    Vec(DataStep) steps;            /* in order */
    Span span;
} DataSource;

typedef struct {
    Name split; /* "train", "test", ... */
    Vec(DataSource) sources;
    double holdout; /* share of the examples that is kept for validation */
    Span span;
} DataBlock;

typedef struct {
    int64_t epochs, batch, patience; /* patience 0: no early stopping */
    uint64_t seed;
    bool shuffle, is_double;
    double clip_norm; /* the largest norm of all gradients together; 0: they are not limited */
} Settings;

typedef struct {
    Name name;
    const char *path; /* of the .nn file */
    Program *training, *inference;
    Settings settings;
    Vec(DataBlock) data;
    Span loss_span, optimizer_span;
} Model;

/* ast_to_tensor.c: requires a parsed file; ensures a model whose programs hold `initial`, `forward` and (training) the optimizer's
   update as templates. NULL, and diagnostics, if the user made a mistake. batch > 0 overrides the model's own. */
Model *ast_to_tensor(AstContext *context, const AstList *items, uint32_t source, int64_t batch);

#endif
