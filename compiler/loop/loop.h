/* The loop program: what the generated code does, statement by statement, before it is text in any language.

   Expressions are those of the mathematics (tensor/expression.h) without reductions: a read is a load from a buffer or a local
   variable, an index is a loop variable. Around them stand loops of constant range (a loop over the batch runs over the examples
   that are there), local variables and stores. Decisions about order, storage and unrolling are made on this form, so that
   printers decide nothing.

       { hidden.dense[b, j] = sum(i: hidden.W[j, i] * x[b, i]) + hidden.b[j]
         for b in the batch
           for j in 0..16
             var sum := 0
             for i in 0..4
               sum := sum + hidden.W[j, i] * x[b, i]
             hidden.dense[b, j] := sum + hidden.b[j] } */
#ifndef NNC_LOOP_H
#define NNC_LOOP_H

#include "model.h"

typedef enum {
    NODE_BLOCK, /* the loops of one or more statements of the mathematics: `statements` */
    NODE_LOOP,  /* index runs over first .. size - 1, or over the examples of the batch */
    NODE_LET,   /* declares the local variable `target` with a first value; `constant` if it is never set again */
    NODE_IF,    /* runs its body where the condition `value` holds */
    NODE_SET,   /* gives the local variable `target` a new value */
    NODE_STORE  /* target[subscripts] := value */
} NodeKind;

/* In which steps of a call a block runs: ahead.c; of a batch that is divided, in which of its micro-batches: micro.c. */
typedef enum { ALWAYS, IF_FIRST, IF_LAST, UNLESS_LAST } When;

typedef struct Node Node;
typedef Vec(Node *) Nodes;
struct Node {
    NodeKind kind;
    Statements statements;     /* of a block: what it computes */
    const char *choice;        /* of a block: how, and why; NULL where there was nothing to choose */
    int function;              /* of a block: > 0: it stands in a function of its own, with the other blocks of this number */
    When when;                 /* of a block */
    bool lines;                /* of a block: straight lines */
    bool goes_on;              /* of a block: the next piece of the one before */
    int turned;                /* of a block: > 0: so many elements stand side by side in its columns (columns.c), ... */
    const Index *turned_along; /* ... along this index, ... */
    int turned_zeros;          /* ... and so many zeros with them */
    bool own_terms;            /* of a block: sums of some elements leave out terms that those of others have, as they are 0 */
    bool scoped;               /* of a block: its local variables are its own */
    const Scan *scan;          /* of a block: its loop over the index of this scan has a block for each statement, `inner` */
    bool inner;
    bool for_steps; /* of a block in a scan's: what all steps read, found before them */
    Index *index;
    int step;            /* of a loop: 0 is 1; else so many values of the index at a time, while there are as many left */
    bool all;            /* of a loop with a step: the last time there may be fewer */
    int rest;            /* of a loop: > 0: it runs over what a loop with this step leaves */
    Expr low, high;      /* of a loop: it runs from here to below there; NULL: as the index says */
    const Index *within; /* of a loop: over what there is of this index from the place `from` on, or over what its size lacks */
    Expr from;
    bool beyond;       /* ... the latter */
    bool unrolled;     /* of a loop: to be written out by the C compiler */
    bool not_unrolled; /* of a loop: not to be written out by the C compiler, which is to make vectors of it */
    bool independent;  /* of a loop: no turn reads what another one writes, and vectors of it are worth while */
    bool reversed;     /* of a loop: from the last value down to the first */
    int parallel;      /* of a loop: > 0: threads share its iterations, and those of so many - 1 loops that are all of its body */
    bool meet;         /* of a loop: threads that share a loop in it do not wait for each other there, but behind this one */
    int alone;         /* > 0: one thread runs this node and so many - 1 behind it in its list, while the others wait */
    bool unwaited;     /* of what threads share, or one of them runs: they go on behind it without waiting for each other */
    Tensors any_order; /* of a loop: variables that sum in it, in any order */
    Tensor *target;    /* a local variable is a tensor of rank 0 and kind TENSOR_PART that no statement defines */
    Expr *subscripts;
    Expr value;
    bool constant;
    Exprs elements;    /* of a local variable that is an array: its first values, the others 0; none: it has none yet */
    bool across_lanes; /* of a local variable: it is the sum of the value's lanes */
    Nodes body;        /* of blocks, loops and conditions */
};

void node_visit(Pool *pool, const Node *node, Visit visit,
                void *context); /* node.c: its own expressions, not those in its body */
Index *index_of_axis(Program *program, const Tensor *tensor, int axis, int64_t size); /* a new one, or that of the batch */

/* One function of the generated code. */
typedef struct {
    Program *program;
    Nodes body;      /* blocks */
    double rounds;   /* how often its blocks run for a batch, but for those that run once; 0: once, too */
    Tensors buffers; /* what the work space holds, in order of first use */
    int *space;      /* by tensor id: > 0: the number of the space that it shares with others that live at other times */
    int spaces;
    bool *uses;    /* by tensor id: read or written */
    int functions; /* pieces of it that are functions of their own: 1 to this number */
} Routine;

/* How much is straight-line code: statements of up to so many operations for one example. */
enum { UNROLL_NONE = 0, UNROLL_AUTO = -1, UNROLL_FULL = INT32_MAX, LINES_UP_TO = 64 /* auto */ };

/* ---- target.c: what a machine can do, a row each */
typedef struct {
    const char *name, *what;
    int bytes;         /* of a vector; 0: no vectors are written, the C compiler may make some */
    int registers;     /* that hold vectors */
    int rate;          /* bytes of vectors that it multiplies and adds in a cycle, in two vectors or in one */
    int second;        /* bytes that come from the second cache in a cycle */
    int side_by_side;  /* numbers that the C compiler's own vectors have, roughly; 1: it makes none */
    const char *flags; /* for gcc and clang */
} Target;
const Target *target_find(const char *name); /* or NULL */
const char *target_names(Arena *arena);

/* How a tensor stands in memory: axis k of the storage counts  (index[axis] + before) / divisor mod size  of the tensor's own index. */
typedef struct {
    int axis;
    int64_t divisor, size, before;
} LayoutAxis;
typedef struct Layout {
    int count;
    LayoutAxis axes[10];
    Tensor *stored; /* what nodes read and write: the same tensor, with the shape of its storage */
} Layout;

/* A tensor in memory may have elements round those of its own, which are all `otherwise`: they are read beyond its ends. */
typedef struct Border {
    int64_t before[8], after[8];
    double otherwise;
} Border;

typedef struct {
    const Target *target;
    bool fast; /* reductions may be reordered, multiply-adds fused */
    int32_t unroll;
    int threads;    /* that share the work, if more than 1 */
    int64_t micro;  /* examples of a micro-batch; 0: as many as suit the model */
    int wait;       /* operations in the time that it takes them to meet; 0: as usual */
    bool parts;     /* in fast arithmetic they have parts of the batch, however little there is to do */
    bool columns;   /* sums grow in columns wherever they can, and parameters stand as suits them, however little it helps */
    bool gradients; /* a function that returns gradients is wanted */
    int annotate;   /* comments in the generated code: 0 none, 1 formulas, 2 and the rules that they were found by */
    bool unpack;    /* its program reads what gzip has packed, whatever the names of the model's files */
} LoopOptions;

/* micro.c: a batch that is divided. Requires and ensures: see there. */
typedef struct {
    int64_t size;  /* examples of a micro-batch, which is the batch of the training program then */
    int64_t share; /* examples of a part of the batch, which one thread has; the batch, if there is one part */
    int parts;
    Statements zeros; /* where its sums over the batch begin */
    When *when;       /* by tensor id: when it is found */
} MicroBatches;

typedef struct {
    Arena *arena;
    const Model *model;
    LoopOptions options;
    bool is_double;
    MicroBatches *micro, *micro_inference; /* of training, and of what only reads parameters; NULL: batches are not divided */
    const Statement *undivided;            /* what needs all of a batch at once, or NULL */
    bool laid_out_training, laid_out_inference; /* layouts were chosen: once, for all routines */
    int locals;                                 /* variables made so far */
    Vec(struct Planner *) planners;             /* of routines with vectors: what schedule.c chose */
    Routine initial;                            /* parameters and state before the first step */
    Routine step;                               /* one step of training on one batch */
    Routine gradient;                           /* loss and gradients of one batch, without an update */
    Routine evaluate;                           /* loss and metrics of one batch, in inference */
    Routine predict;                            /* outputs of one batch: needs no target */
    Routine combine;                            /* metrics that are calculated from means over all examples, in inference */
    Routine
        forward; /* what the loss of training needs, every tensor in a buffer of its own: to look for the first that is not finite */
} LoopProgram;

enum { FIRST_LOCAL = 1 << 24 };

enum { ROUTINES = 7 };
Routine *loop_routine(LoopProgram *loop, int which, const char **name);

/* tensor_to_loop.c: requires simplified programs; ensures a loop program in which every reduction is a loop, in the order of its indices
   (so that strict code adds in source order), every tensor a buffer, and no parameter is read after it was overwritten. */
LoopProgram *tensor_to_loop(Arena *arena, const Model *model, LoopOptions options);

/* ---- The steps of tensor_to_loop.c, and after it */

/* group.c: the statements of a training step in the order in which they run, in groups that share their loops. Requires the lists of
   a simplified program. Ensures: gradient and update of a parameter are one group, and the gradient is in no buffer, where nothing
   else reads it and nothing that it reads was overwritten before. */
typedef struct Group Group;
typedef Vec(Group) Groups;
struct Group {
    Statements list; /* of one scan, or of one nest of loops: the first may reduce, the others follow it at the same point */
    Tensors held;    /* targets that are needed here alone, at their own point: variables */
    Groups *steps;   /* of a scan: what runs in each step, as it was planned; NULL: it was not */
    When when;       /* ahead.c: in which steps of a call it runs */
    Group *update;   /* ...: runs in the same loops, where `updated` is read */
    const Tensor *updated;
    bool lines;                  /* straight lines will be made of it */
    bool leaves_out;             /* storage.c: tensors do not stand in memory where sums of its vectors leave them out */
    const struct Choice *choice; /* schedule.c: how its vectors run; NULL: it has none */
};
Groups group_statements(Arena *arena, Program *program);

/* cost.c: a processor that multiplies two vectors of 64 bytes in a cycle joins two of its three places of arithmetic for one of them, so
   that little is done beside them. Where a step has few, and rather waits for each result, vectors half as long are faster. So they are for one
   example on a processor that multiplies one such vector in a cycle, or two that are half as long: more sums are found beside each other, and
   what they end in has fewer lanes to add up. */
void shorten_vectors(LoopProgram *loop, Pool *pool, const Groups *step);
/* micro.c: size examples at a time, 0: as many as suit the program; NULL: the batch stays whole. */
MicroBatches *divide_batch(LoopProgram *loop, Program *program, int64_t size);
Groups in_micro_batches(Arena *arena, const MicroBatches *micro,
                        const Groups *step); /* the groups of a step, and when they run */
const MicroBatches *micro_of(const LoopProgram *loop, const Routine *routine);
int loop_parts(const LoopProgram *loop, const Routine *routine); /* of the batch, which threads have in it; 1: the whole */

Groups group_each(Arena *arena, const Statements *list); /* each statement, or scan, by itself */
bool is_held(const Group *group, const Tensor *tensor);
bool is_single(const Index *index); /* has it one value? */
/* Is the read at the statement's own point, and have both the same loops? Indices with one value may be missing on either side. */
bool at_point(Expr read, const Statement *s);
bool same_point(const Statement *a, const Statement *b, int *positions); /* of b's index for each of a's; -1: it has none */
Statement *with_indices(Arena *arena, Program *program, const Statement *s,
                        const Statement *leader); /* the same, over the leader's: they have the same point */

/* rings.c: tensors of scans keep only the steps that are read. */
void keep_last_steps(Program *program); /* finds how many */
Expr read_ring(Pool *pool, Expr read);  /* a read of such a tensor, at the place where the step stands */
void shorten_rings(Program *program);   /* when all reads are such */

/* lower.c: the nodes of those groups whose first statement's target is wanted (by tensor id; NULL: of all): once for each routine. */
void lower_groups(LoopProgram *loop, Routine *routine, Program *program, const Groups *groups, const bool *wanted);

/* terms.c: sums without the terms that are 0 beyond the ends of a tensor. */
void clip_sums(const Routine *routine);

/* layout.c: nodes read and write where elements stand in memory; once for all routines. */
void lay_out(LoopProgram *loop);
Layout *layout_new(Arena *arena, Tensor *tensor, const LayoutAxis *axes, int count);
void layout_set_border(Arena *arena, Tensor *tensor, const int64_t *before, const int64_t *after, double otherwise);
/* Needs a read with a default not ask? left_out: a bit for each axis along which it never lies outside. */
bool border_covers(Expr read, uint32_t left_out);
bool is_product(Expr term); /* of numbers in memory or in the text, which are 0 where they read outside: terms.c */
Expr is_inside(Pool *pool, const Tensor *tensor, const Expr *subscripts); /* a condition; the batch is always inside */
const Tensor *tensor_stored(const Tensor *tensor);                        /* with the shape that it has in memory */
const LayoutAxis *panels_of(const Tensor *tensor); /* of panels, which stand one after another; NULL: it has none */
int inner_axis(const Tensor *tensor);              /* along which neighbours are neighbours in memory; -1 for a scalar */

/* digits.c: an index under / and mod becomes several. */
void digits(LoopProgram *loop, Routine *routine);

/* split.c: loops in pieces, where an index decides whether reads lie inside. */
void split(LoopProgram *loop, Routine *routine);

/* unroll.c: straight lines instead of loops, one example at a time. */
void unroll(LoopProgram *loop, Routine *routine);

/* threads.c: loops whose iterations threads share; and, when it is known what stands where, which of them need not wait behind what. Of a
   step in which they have parts of the batch: in the update. */
void share(LoopProgram *loop, Routine *routine);
void find_unwaited(const LoopProgram *loop, Routine *routine);

/* A new local variable; its id is FIRST_LOCAL and the number of those before it. Variables of different scopes may share a name. */
Tensor *local_new(LoopProgram *loop, const Routine *routine, const char *name, int64_t index_range);

/* place.c: finds `uses`, `buffers` and `space`; what straight-line code computes in one function alone becomes local variables. */
void place(LoopProgram *loop, Routine *routine);

bool loop_is_shared(const Node *node);                    /* do threads share it, or loops in it? */
int loop_parallel_blocks(const Routine *routine);         /* how many blocks have loops that threads share */
bool loop_uses_threads(LoopProgram *loop);                /* is there any? */
bool is_wide(Expr e, const Index *lane);                  /* does it differ from lane to lane? lane NULL: nothing does */
int loop_vector_blocks(const Routine *routine);           /* how many blocks have vectors */
bool loop_has_tiles(const LoopProgram *loop);             /* do several sums of a step share a loop, in registers? */
bool loop_reorders_sums(const LoopProgram *loop);         /* do loops sum in any order, which their printer says? */
bool loop_says_how(const LoopProgram *loop);              /* the C compiler is told of which loops to make vectors: loops.h */
bool loop_moves_parameters(const LoopProgram *loop);      /* does one stand in memory otherwise than it is written? */
bool loop_uses_lanes(const LoopProgram *loop, int lanes); /* are there vectors of so many numbers? */

/* The tensors that the nodes read or write, by id. */
bool *loop_uses(Arena *arena, const Routine *routine, const Nodes *nodes);

/* check.c: the promises above, executable. */
bool loop_check(LoopProgram *loop, const char **why);

/* print.c */
void loop_print(Text *text, LoopProgram *loop);

/* report.c: how statements run with vectors, and why */
void schedule_print(Text *text, const LoopProgram *loop);

/* count.c: what a routine costs for one full batch. */
typedef struct {
    double additions, multiplications, divisions, comparisons, calls;
} Costs;
Costs loop_costs(const Routine *routine);
double loop_turns(const Node *loop); /* iterations, of a full batch */

#endif
