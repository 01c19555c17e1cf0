/* The tensor program: named tensors of fixed shape, and statements that say how each element is found.

       target[i, j] = value            for all i, j

   A program is what one training step computes, in order: `forward` (loss and metrics included), `backward` (the adjoint of
   every tensor that a trained parameter needs), `update` (optimizer), and once, before the first step, `initial`.
   Persistent tensors (parameters, state) are written by `initial` and `update` only; every other tensor has exactly one
   defining statement, which stands before all that read it. Statements of one scan stand together: they run in order for each
   value of its index, and may read what the others, or they themselves, found at earlier values. */
#ifndef NNC_TENSOR_PROGRAM_H
#define NNC_TENSOR_PROGRAM_H

#include "base/text.h"
#include "tensor/expression.h"

typedef struct Statement Statement;

typedef enum {
    TENSOR_INPUT,
    TENSOR_TARGET,
    TENSOR_PARAMETER,
    TENSOR_STATE,   /* optimizer memory and running statistics: persistent, not trained */
    TENSOR_SETTING, /* a scalar that the caller gives: batch_size, step, epoch */
    TENSOR_LITERAL, /* numbers written in the model: `literal` */
    TENSOR_VALUE,   /* named in a model or a definition */
    TENSOR_PART,    /* made by the compiler: a part of a formula */
    TENSOR_ADJOINT  /* the derivative of the loss with respect to `of` */
} TensorKind;

/* What is known of a tensor's elements. */
typedef struct {
    bool sums_to_one; /* along the last axis, and nothing is negative */
    bool one_hot;     /* and all but one are 0 */
} Facts;

struct Tensor {
    Name name; /* unique in the program; parameters and state: their path ("hidden.W", "optimizer.hidden.W.m") */
    TensorKind kind;
    uint32_t id;
    int rank;
    int64_t *shape;              /* axis 0 of a batched tensor has the largest batch */
    bool batched;                /* axis 0 is the batch */
    int64_t index_range;         /* > 0: its elements are whole numbers in 0 .. index_range - 1 */
    int64_t ring;                /* > 0: in the loop program, only so many steps of its scan are kept */
    const struct Layout *layout; /* in the loop program: how its elements stand in memory; NULL: row-major */
    const struct Border *border; /* in the loop program: what stands round them; NULL: nothing */
    Tensor *copy;                /* in the loop program: the same elements, otherwise in memory; NULL: there is none */
    int lanes;                   /* of a variable of the loop program: a vector of so many numbers */
    Facts facts;
    bool frozen;  /* a parameter that is not updated */
    bool running; /* a layer's state: a parameter that no gradient changes, but assignments in training, as running statistics */
    bool local;   /* a variable of the loop program: of rank 0, and not among the program's tensors */
    bool array;   /* an array that is a variable of the loop program */
    Tensor *of;   /* the tensor that this is the adjoint, or the optimizer's memory, of */
    Tensor *compared;      /* of an output: the target or input that the loss compares it with, element by element; or NULL */
    Statement *definition; /* NULL for inputs, settings, literals and persistent tensors */
    const double *literal; /* TENSOR_LITERAL: the elements, row-major */
    Span span;             /* where it got its name */
};

/* Where a statement comes from. */
typedef struct {
    Span span;             /* in the user's model */
    Span inner;            /* in the definition that was inlined there, or nowhere */
    const Statement *from; /* the statement that it was derived from, or NULL */
    const char *rule;      /* how: "" as written, "chain rule", "update", ... */
} Origin;

/* t runs over 0 .. size - 1, or from the last down to 0. */
typedef struct {
    Index *index;
    bool reversed;
} Scan;

struct Statement {
    Tensor *target;
    Index **indices; /* the loops: one for each axis of the target, unless subscripts are given */
    int count;
    Expr *subscripts; /* NULL: the target's element is target[indices]. Else a scatter: += over all indices, outside ignored */
    Expr value;
    const Scan *scan; /* NULL: it runs once; else for each value of the scan's index, which is one of `indices` */
    Origin origin;
    bool adds;                  /* in the loop program: its sum, or scatter, begins at what the target is, not at 0 */
    int part;                   /* 1 + position in the program's parts, 0: none */
    Vec(const char *) rewrites; /* the rules of rules.def that were applied, in order */
    Expr settled;               /* the value when algebra had nothing left to do */
    const char *note;           /* a choice that readers should see: "kept for the backward pass" */
};

typedef Vec(Statement *) Statements;
typedef Vec(Tensor *) Tensors;

typedef struct {
    Name name;
    Tensor *tensor; /* rank 0: of one batch, to be averaged over the examples */
    Span span;
    bool part;     /* a data_mean: not a metric itself, but what combined ones, which come later, are calculated from */
    bool combined; /* calculated once, at the end, from the averages of such parts */
} Metric;

/* One layer, activation or statement of the model, for the summary: what stands between two arrows. */
typedef struct {
    const char *label; /* "dense(16)" */
    Name binding;
    int rank; /* of its result for one example */
    int64_t *shape;
    Tensors parameters;
} Part;

typedef struct {
    Pool *pool;
    Name name;      /* of the model */
    bool is_double; /* precision = double */
    bool explained; /* for readers: what the model names, and the adjoint of it, keeps a statement of its own */
    Index *batch;
    Tensors inputs, targets, parameters, states; /* states: optimizer memory and layer state */
    Tensor *batch_size, *step, *epoch;
    Tensor *done; /* in the loop program, of a batch that is divided: how many examples the micro-batches before had; or NULL */
    Tensor *loss; /* rank 0, or NULL */
    Vec(Metric) metrics;
    Tensors outputs; /* what `predict` returns */
    Tensors all;
    NameTable taken; /* how many tensors have a name */
    NameTable next;  /* of `name`: name_2 to name_(next - 1) are taken */
    Statements initial, forward, backward, update;
    Vec(Part) parts;
    struct Rules *rules; /* rules.c: rules.def, parsed */
} Program;

Program *program_new(Pool *pool, Name name);

/* A tensor of a name that no other has: `name`, or name_2, name_3, ... */
Tensor *tensor_new(Program *program, TensorKind kind, const char *name, int rank, const int64_t *shape);
void tensor_rename(Program *program, Tensor *tensor, const char *name);
void tensor_set_name(Program *program, Tensor *tensor, Name name); /* as it is, even if another has it */
bool tensor_is_persistent(const Tensor *tensor);
bool tensor_is_explained(const Program *program, const Tensor *tensor); /* a program for readers keeps it */

/* What calculates the combined metrics from their parts, in order. */
Statements program_combining(Arena *arena, const Program *program);

double tensor_elements(const Tensor *tensor); /* of one example where batched */
double tensor_points(const Tensor *tensor);   /* all */

/* Appends target[indices] = value. The tensor's definition is set unless it is persistent. */
Statement *statement_add(Program *program, Statements *list, Tensor *target, Index *const *indices, int count, Expr value,
                         Origin origin);

/* A statement over fresh indices; `indices` receives them (rank of the target). */
Expr tensor_at(Program *program, Tensor *tensor, Index *const *indices);

/* Does e read the tensor? */
bool expr_reads(Pool *pool, Expr e, const Tensor *tensor);

/* All statements in the order in which a step runs them: forward, backward, update. The list is a copy. */
Statements program_statements(const Program *program);

/* The end of the run of statements of one scan that begins at `from`: from + 1 where that one is in no scan. */
size_t scan_end(const Statements *list, size_t from);
size_t scan_begin(const Statements *list, size_t last); /* and the beginning of the one that ends with `last` */

/* scan.c: what has no sums and reads a scan at its own step only runs with it, step by step, while these numbers are at hand. */
void join_scans(Program *program, Statements *list);

/* ---- Steps (each says what it requires and ensures in its file) */
void stabilize(Program *program);          /* stabilize.c: stable forms by rules.def, looking through names */
void normalize(Program *program);          /* normalize.c: each reduction a statement of its own; shared; unused ones gone */
void differentiate(Program *program);      /* differentiate.c: backward */
void share_exponentials(Program *program); /* exponentials.c: a softmax and its log-sum-exp share their exponentials */
void simplify(Program *program);           /* simplify.c: algebra, sharing, what is kept and what is computed again */
bool program_check(const Program *program, const char **why); /* check.c: the promises above, executable */

/* ---- Printing (print.c) */
void program_print(Text *text, const Program *program, const Sources *origins); /* origins NULL: not where statements come from */
void statement_print(Text *text, const Statement *statement);

/* What statement_print calls the indices: i, and i2 where there is another i. */
typedef struct {
    const Index *index;
    const char *name;
} IndexName;
typedef Vec(IndexName) IndexNames;
IndexNames statement_index_names(Arena *arena, const Statement *statement);
void expr_print(Text *text, Expr e); /* indices by name, disambiguated within e */
void expr_print_named(Text *text, Expr e, const IndexNames *names);

/* As a worked example on paper has it. */
typedef struct {
    bool one_example;                             /* the batch is one example: no axis for it */
    const char *(*number)(void *context, Expr e); /* what stands for e, or NULL: what it says; or NULL */
    void *context;
} Printing;
void expr_print_as(Text *text, Expr e, const Printing *how);

#endif
