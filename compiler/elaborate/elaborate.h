/* From names to mathematics: the inside of ast_to_tensor, shared by the files of this folder.

   A value is a shape and a rule for its elements: axes (formal indices) and a body in which they stand. Applying it to
   subscripts is substitution. A body may depend on further indices from outside, and that is all there is to lifting: a
   definition given a tensor with extra leading axes is elaborated with these axes as fresh indices, which simply appear in what it
   builds; when it returns they become axes again. The batch is the oldest such index, and nobody writes it. */
#ifndef NNC_ELABORATE_H
#define NNC_ELABORATE_H

#include "model.h"
#include "tensor/affine.h"
#include "tensor/steps.h"

typedef struct Definition Definition;
typedef struct Scope Scope;
typedef struct Frame Frame;
typedef struct Instance Instance;
typedef struct Value Value;
typedef struct Member Member; /* scan.c: a tensor of the scan that is being elaborated */

struct Definition {
    AstOp kind; /* DEFINES_* */
    Name name;
    const Ast *ast;
    Scope *scope; /* the names that its body sees: the library's or the model's */
    bool wrong;   /* reported: a call of it stays silent */
};

typedef enum {
    VALUE_ERROR,  /* a mistake that was reported already: whatever it meets stays silent */
    VALUE_TENSOR, /* numbers: axes and body; rank 0 is a number or a condition */
    VALUE_LIST,   /* [1, 2], not yet asked for its shape */
    VALUE_STRING,
    VALUE_DEFINITION, /* a function or layer by its name */
    VALUE_ELEMENTARY, /* an elementary function by its name */
    VALUE_LAYER       /* a layer that still wants its tensor: dense(16) */
} ValueKind;

typedef struct {
    Name name; /* NULL: by position */
    const Value *value;
    const Ast *ast; /* an initial value for a param: evaluated in `scope` when the param is met, once for each element */
    Scope *scope;
    Span span;
} Argument;
typedef Vec(Argument) Arguments;

struct Value {
    ValueKind kind;
    int rank;
    Index **axes;
    Expr body;
    int64_t index_range; /* > 0: whole numbers below it */
    bool quotient;       /* a constant made of whole numbers by + - * /: as a size it is rounded down */
    Name label;          /* the definition whose result it is: names what is computed from it */
    const Ast *list;     /* VALUE_LIST, VALUE_STRING */
    Op op;               /* VALUE_ELEMENTARY */
    const Definition *definition;
    Arguments arguments;
    Instance *instance; /* VALUE_LAYER: owns its parameters */
    bool *applied;      /* VALUE_LAYER: set when a tensor was piped in */
};

/* ---- Scopes: what a name means */
typedef enum { ENTRY_VALUE, ENTRY_INDEX, ENTRY_DEFINITION, ENTRY_SHAPE } EntryKind;
typedef struct {
    Name name;
    EntryKind kind;
    const Value *value;
    Index *index;
    Definition *definition;
    Member *member; /* inside its scan */
    Index *scan;    /* ... and the index of that */
    Tensor *state;  /* the layer's state that has this name, or NULL */
    int rank;       /* ENTRY_SHAPE: what `n...` stands for */
    int64_t *shape;
    Span span; /* where it was written */
    Span why;  /* a size: the argument that it comes from; source 0: none */
    Name of;   /* ... and the parameter which that is */
} Entry;

struct Scope {
    Scope *up;
    Frame *frame;
    Name binding; /* the statement's name: layers called in it are its instances */
    Vec(Entry) entries;
    NameTable last; /* of many entries: 1 + the position of the last of each name */
};

/* One body under elaboration: the model's, or a definition's at one call. */
struct Frame {
    Frame *caller;
    const Definition *definition; /* NULL: the model */
    Span call;
    Instance *instance;
    const char *prefix;  /* of names: "hidden.dense" */
    Arguments overrides; /* arguments that replace the initial value of a param */
    Name result;         /* the name behind -> , or NULL */
    int result_rank;
    int64_t *result_shape; /* with `s...` as one axis */
    bool rest_is_nothing;  /* that axis stands for none: s... of a tensor that has no more axes */
};

/* ---- Layers and their parameters */
typedef struct {
    Name name;
    Tensor *tensor;
    const Value *now; /* of a state that was assigned in this step: its new value */
} Owned;
typedef struct {
    Name binding;
    Instance *instance;
} Child;
typedef struct {
    Vec(Instance *) all; /* in order */
    size_t met, pass;    /* how many of them in this pass, see instance_child */
} Siblings;
struct Instance {
    Instance *parent;
    Name name, binding;
    Vec(Child) children;
    Vec(Owned) parameters;
    Vec(Siblings) siblings; /* the children by binding */
    NameTable of_binding;   /* 1 + the position in it */
    size_t pass;            /* over the body, when a shared layer is elaborated again */
};

/* A read that must lie inside its tensor, once all ranges are known. */
typedef struct {
    const char *what;
    int64_t size;
    Expr subscript;
    const Ast *written; /* the same */
    int axis;
    Span span;
    Frame *frame; /* in which it stands */
} Pending;

typedef struct {
    AstContext *context;
    Arena *arena;
    Diagnostics *diagnostics;
    Model *model;
    Program *program;
    Pool *pool;
    bool training;
    int64_t largest_batch;
    Scope *library, *user, *scope; /* scope: the model's own names */
    Instance *root;
    Frame *frame;         /* innermost */
    Statements *output;   /* where statements go: forward, a parameter's initial value, or the update */
    Index *const *points; /* in an initial value and in an optimizer: the parameter's indices, else NULL */
    int point_count, site;
    Vec(Index *) around; /* the indices in scope, outermost first: of lifted axes, left sides and reductions */
    Vec(Index *) lifted; /* those of lifted axes alone */
    bool in_metric;      /* a metric of the model is under way */
    size_t around_from;  /* those of an initial value begin here */
    Vec(Pending) pending;
    const AstList *items;
    const Ast *optimizer;
    AstList freezes;
    const Ast *predict;
    bool summarise; /* calls in the model are the parts of the summary */
    int depth;      /* of nested evaluation */
    long steps;     /* of evaluation, so that definitions that double each other do not run for ever */
    int part;
    bool gave_up;
    bool updates;              /* in an optimizer, but for the initial value of its state */
    Vec(const Value *) layers; /* layer values, to warn of those that are never applied */
    Vec(Span) layer_spans;
    Vec(const char *) imported, importing; /* files, by their real paths */
} Elaboration;

typedef Elaboration E;
typedef enum { AS_VALUE, AS_SIZE } Mode; /* AS_SIZE: `/` rounds down, indices may stand */

/* ---- Mistakes (scope.c). An error in a library body is shown at the user's call. */
const Value *fail(E *e, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));
void also(E *e, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));
Span shown_span(E *e, Span span);
bool in_library(E *e, Span span);
const char *
library_text(E *e,
             Span span); /* ", 'units'," where the text at the span is the library's, which the user does not see; else "" */
const Value *undefined(E *e, Name name, Scope *scope, Span span);

/* ---- Scopes (scope.c) */
Scope *scope_new(E *e, Scope *up, Frame *frame, Name binding);
Entry *scope_find(Scope *scope, Name name);
Entry *scope_own(Scope *scope, Name name); /* in this scope and those of the same body */
Entry *scope_add(E *e, Scope *scope, Entry entry);
void scope_value(E *e, Scope *scope, Name name, const Value *value, Span span);
void scope_index(E *e, Scope *scope, Index *index, Span span);
const char *near_name(E *e, Scope *scope, Name name); /* "; did you mean 'x'?" or "" */
bool is_reduction(Name name, Reduction *reduction);
void define_all(E *e, Scope *scope, const AstList *items); /* definitions and imports */
Definition *optimizer_find(E *e, Name name);
const char *real_path(E *e, const char *path); /* one name for each file */

/* ---- Values (value.c) */
const Value *value_error(void);
const Value *labelled(E *e, const Value *value, Name label);
const Value *value_scalar(E *e, Expr body);
const Value *value_number(E *e, double number);
const Value *value_tensor(E *e, Tensor *tensor);        /* all axes but the batch */
Value *value_new(E *e, int rank, const int64_t *shape); /* fresh axes, no body */
Expr value_at(E *e, const Value *value, const Expr *subscripts);
bool value_is_scalar(const Value *value);
bool value_constant(const Value *value, double *number);
bool same_shape(const Value *a, const Value *b);
const char *shape_text(E *e, const Value *value); /* "[3, 4]", or "a number" */
const char *kind_text(const Value *value);
/* A tensor for the value, unless it is one already: a statement in e->output. */
const Value *materialise(E *e, const char *name, const Value *value, Span span);
Statement *emit(E *e, Tensor *target, Index *const *indices, int count, Expr value, Span span);
Tensor *new_tensor(E *e, const char *name, Index *const *indices, int count,
                   Span span); /* NULL after a reported error: too large */
Expr mean_over(E *e, Index *const *indices, int count, Expr body);
bool constrain(E *e, Index *index, int64_t size, Span span, const char *axis);
bool range_known(E *e, Index *index, Span span);
void check_pending(E *e);
const char *local_name(E *e, Scope *scope, const char *name);                         /* of what is named in this body */
const char *part_name(E *e, Scope *scope, const Value *value, const char *otherwise); /* of what is only passed on */

/* ---- Expressions (expression.c) */
const Value *evaluate(E *e, const Ast *ast, Scope *scope, Mode mode);
const Value *evaluate_tensor(E *e, const Ast *ast, Scope *scope,
                             Mode mode); /* numbers or conditions, else an error is reported */
const Value *as_tensor(E *e, const Value *value, Span span);
const Value *elementwise(E *e, Op op, const Value *const *operands, Span span);
bool evaluate_size(E *e, const Ast *ast, Scope *scope, int64_t *size, const char *what); /* at least 1 */
bool evaluate_range(E *e, const Ast *range, Scope *scope, int64_t *low, int64_t *high);
bool evaluate_whole(E *e, const Value *value, Span span, int64_t *number, const char *what);
const Value *list_value(E *e, const Ast *list); /* a tensor from a literal */

/* ---- Calls (call.c) */
const Value *call(E *e, const Ast *ast, Scope *scope, Mode mode);
bool is_word(Name name); /* one that the compiler knows as a function */
const Value *layer_value(E *e, const Definition *definition, const Arguments *arguments, Instance *instance, Span span);

/* One definition applied to its arguments (apply.c). */
typedef struct {
    const Definition *definition;
    const Value *piped; /* the first argument, or NULL */
    Arguments arguments;
    Scope *scope;       /* the caller's */
    Instance *instance; /* of a layer */
    Span span;
} Application;
const Value *apply(E *e, const Application *application);
const Ast *parameter_of(const Definition *definition, Name name); /* the PARAMETER, or NULL */
const Ast *param_of(const Definition *definition, Name name);     /* the `param` statement in its body, or NULL */
const Value *no_such_parameter(E *e, const Definition *definition, Name name, Span span);

/* ---- Statements (statement.c) */
void statement(E *e, const Ast *ast, Scope *scope);
bool left_side(E *e, const Ast *ast, Scope *outer, Scope *scope, Index **indices, Index *scan);
/* The right side of an index statement, whose left side is in scope: a number for each point. */
const Value *index_value(E *e, const Ast *ast, Scope *scope, Index *const *indices, int count);

/* ---- Scans (scan.c) */
void scan_statement(E *e, const Ast *ast, Scope *scope);
bool scan_read_allowed(E *e, const Entry *entry, const Ast *ast, const Expr *subscripts); /* of a tensor inside its scan */
const Value *scan_whole_read(E *e, const Entry *entry, Span span);                        /* always a mistake */

/* ---- Instances (instance.c) */
Instance *instance_new(E *e, Instance *parent, Name binding, Name name);
Instance *instance_child(E *e, Instance *instance, Name binding, Name name);
void instance_restart(Instance *instance); /* a shared layer is elaborated again */
void name_parameters(E *e);
void update_states(E *e, const Instance *instance); /* what was assigned to states of layers is theirs after the step */
/* The parameters that a path such as hidden.W, block.dense.b or (for freeze) hidden means. */
typedef Vec(Tensor *) Found;
Found find_parameters(E *e, Instance *root, Name path, bool whole_bindings);
const Value *parameter_reference(E *e, Name path, Scope *scope, Span span); /* NULL if the path is none */
const char *near_parameter(E *e, Instance *root, Name path);

/* ---- The rest of a model (settings.c, optimizer.c) */
void elaborate_data(E *e, const Ast *ast);
void elaborate_train(E *e, const Ast *ast);
void elaborate_optimizer(E *e);
void elaborate_outputs(E *e, size_t loss_from);

#endif
