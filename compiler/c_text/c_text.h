/* C as text: names, expressions and struct types. Shared by the files that print generated code; nothing is decided here. */
#ifndef NNC_C_TEXT_H
#define NNC_C_TEXT_H

#include "loop/loop.h"

/* What one routine prints with. Names of loop variables and locals are unique in their nest, and never those of
   the functions' parameters: model, state, work, in, target, out, examples. */
typedef struct {
    const void *owner;
    Name base, name;
} CDeclared;
typedef struct {
    NameTable taken;     /* by name: how often it is declared, in itself or as the base of sum2, sum3 */
    struct CSlot *slots; /* from owners to names: open addressing, a power of two */
    size_t used, room;
    Vec(CDeclared) declared; /* in order */
} CScope;

typedef struct CPrinter CPrinter;
struct CPrinter {
    Text *text;
    const LoopProgram *loop;
    const Program *program;
    const Routine *routine;
    const Sources *sources; /* of the .nn lines in comments */
    const char *model;
    const Tensors *outputs; /* tensors that live in out[b], or NULL */
    bool gradients;         /* adjoints of parameters live in gradient->path */
    const bool *needs;      /* of the last c_function: the parameters that it has */
    const Node *backwards;  /* the first block of the backward pass, or NULL */
    const Index *lane;      /* inside a vector: the index of its lanes */
    bool unwaited;          /* inside a loop behind which threads meet */
    int taken;              /* loops that OpenMP takes together, still to be printed: nothing may stand before them */
    const char **calls;     /* by number: of functions that stand for blocks; NULL: of none */
    bool piece;             /* of a routine is printed: who calls it says which thread runs it */
    int annotate;           /* 0: no comments, 1: formulas, 2: and the rules that they were found by */
    void (*after_block)(CPrinter *p, const Node *block); /* or NULL */
    CScope scope;                                        /* indices and local variables */
    const char **places;                                 /* by tensor id: what c_place prints before the subscripts, or NULL */
};

/* What functions are given, in this order. */
typedef enum {
    C_MODEL,
    C_STATE,
    C_WORK,
    C_IN,
    C_TARGET,
    C_OUT,
    C_EXAMPLES,
    C_DONE,   /* of a batch that is divided: how many had the micro-batches before, ... */
    C_BATCH,  /* ... and how many there are */
    C_BEGINS, /* is it the first step of a call, ... */
    C_ENDS,   /* ... the last? */
    C_GRADIENT,
    C_SEED,
    C_OTHER,
    C_PARAMETERS
} CParameter;

/* The head of a function. One of our own has those of its parameters that it needs; one that others call has all of them. */
typedef struct {
    const char *type, *name, *returns;    /* "static void", "iris_step"; what it returns, or NULL */
    const char *comment;                  /* or NULL */
    const char *parameters[C_PARAMETERS]; /* "const iris_input *restrict in", or NULL */
    bool fixed;                           /* it has all of them */
    const Nodes *blocks;                  /* of the routine; NULL: all */
    const char *work;                     /* what callers give as its work space; NULL: theirs */
} CHead;

/* ---- names.c */
const char *c_name(Arena *arena, const char *name); /* "hidden.dense" -> hidden_dense; words of C and C++ get an underscore */
const char *c_model_file(Arena *arena, const Model *model); /* its name, without what could end a comment or continue a line */
const char *c_upper(Arena *arena, const char *name);
const char *c_declare(CPrinter *p, const void *owner,
                      const char *wanted); /* a name for an index or a local, in scope until c_leave */
const char *c_declared(const CPrinter *p, const void *owner);
size_t c_enter(const CPrinter *p);
void c_leave(CPrinter *p, size_t mark);
const char *c_number_type(const LoopProgram *loop);
const char *c_index_type(int64_t size);

/* ---- expression.c */
typedef enum { C_NUMBER, C_INTEGER, C_CONDITION } CKind;
enum { TERNARY = 1, OR = 2, AND = 3, EQUALITY = 4, RELATION = 5, SUM = 6, PRODUCT = 7, UNARY = 8, PRIMARY = 9 }; /* strengths */
void c_expression(CPrinter *p, Expr e, CKind wanted);
void c_place(CPrinter *p, const Tensor *tensor, const Expr *subscripts); /* an lvalue: w->hidden_dense[b][j] */
void c_literal(Text *text, double value, bool is_double);

/* ---- lanes.c: vectors */
const char *c_vector(const CPrinter *p, int lanes);                            /* "f16": of 16 floats */
void c_wide(CPrinter *p, Expr e, CKind wanted, int strength);                  /* one that differs by lane */
void c_first_place(CPrinter *p, const Tensor *tensor, const Expr *subscripts); /* of the first lane */
void c_transposed(CPrinter *p, const Node *along);                             /* a loop in lanes round another one: a block */
void c_vector_of(CPrinter *p, Expr e, CKind kind);                             /* any number, as a vector */
bool c_loaded_once(CPrinter *p, Expr e); /* a vector that several expressions read; false: it is not in memory, or strict */
void c_print(CPrinter *p, Expr e, CKind wanted, int strength);

/* ---- statements.c, functions.c, given.c */
void c_nodes(CPrinter *p, const Nodes *nodes);
bool c_is_divided(const CPrinter *p);      /* is the routine's batch divided into micro-batches? */
bool c_asks(const CPrinter *p, When when); /* ... do its functions have to ask whether blocks run in this one? */
void c_function(CPrinter *p, const Routine *routine, const CHead *head);
void c_body(CPrinter *p, const Routine *routine); /* of a function that the caller begins and ends, with p->places as they are */
const char *c_call(CPrinter *p, const CHead *head, const char *first); /* of the last c_function: f(model, in + first) */
bool c_draws(const Statements *list);
/* What functions of a file share, under names that begin with `prefix`: lists of the model that routines read, and functions that draw
   random numbers for the statements of the lists. */
void c_literals(Text *text, const LoopProgram *loop, const char *prefix, const Routine *const *routines, size_t count);
void c_random(Text *text, const LoopProgram *loop, const char *prefix, const Statements *lists, size_t count);
bool c_state_seed(const LoopProgram *loop); /* training draws random numbers: the state holds the seed */

/* ---- parts.c: threads that have parts of the batch */
/* The work space of a routine, `what`_work: of all parts, of which each is a `what`_part; or of the routine itself, if there are none. */
void c_parts_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Routine *routine);
double c_parts_bytes(const LoopProgram *loop, const Routine *routine);
/* The routine's functions: for a part, head; what adds the sums of another, NAME_`what`add; and what runs behind all, `last`, if anything
   does. Returns how to run them on a batch. */
const char *c_parts_functions(CPrinter *p, const Routine *routine, const CHead *head, const char *what, const CHead *last);

/* ---- description.c: the comment at the top of NAME.h */
void c_description(Text *text, LoopProgram *loop);

/* ---- wrap.c */
void c_wrap(Text *text, const char *lines);

/* ---- program.c: NAME_main.c */
void c_program(Text *text, LoopProgram *loop, const Sources *sources);

/* ---- structs.c */
const char *c_member(Arena *arena, const char *path); /* "hidden.W" as members of the structs, with the names that C allows */
bool c_is_output(const Tensors *outputs, const Tensor *tensor);
bool c_is_given(const LoopProgram *loop, const Routine *routine, const Tensor *t);
const char *c_buffer(Arena *arena, const Routine *routine, const Tensor *tensor); /* "work->hidden", "work->space_1.hidden" */
void c_work_struct(Text *text, const LoopProgram *loop, const char *model, const char *what, const Routine *routine,
                   const char *last);                                 /* `last`: a line that is its last member, or "" */
double c_work_bytes(const LoopProgram *loop, const Routine *routine); /* what it takes */
void c_structs(Text *text, const LoopProgram *loop, const char *model);

#endif
