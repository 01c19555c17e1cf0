/* Where tensors live: in the caller's structs (inputs, parameters, state, outputs), in local variables, or in the work space.

   Requires: the routine's blocks in their final order. Ensures: `uses`, and `buffers`: what the work space holds. What straight lines
   compute and read in one function alone is in local variables.
   Example:  hidden[0, 0] := sigmoid(...);  y[0, 0] := W[0, 0] * hidden[0, 0]    becomes
             let hidden_0 := sigmoid(...);  let y_0 := W[0, 0] * hidden_0 */
#include "loop/loop.h"

enum { MOST_VARIABLES = 4096 /* of one tensor */ };

typedef struct {
    LoopProgram *loop;
    Routine *routine;
    Pool *pool;
    bool *in_memory;     /* by tensor id */
    int *home;           /* by tensor id: 1 + the function that it is used in */
    bool **written;      /* by tensor id: which elements are written so far */
    Tensor ***variables; /* by tensor id: the variable of each element */
    int function;
    bool straight;
} Placement;

bool loop_is_local(const Routine *routine, const Tensor *tensor) {
    if (tensor->local) return true;
    for (size_t i = 0; i < routine->in_place.count; i++) {
        if (routine->in_place.at[i] == tensor) return true;
    }
    return false;
}

static bool is_computed(const Tensor *t) { return t->kind == TENSOR_VALUE || t->kind == TENSOR_PART || t->kind == TENSOR_ADJOINT; }

static bool constant_point(const Tensor *tensor, const Expr *subscripts, size_t *point) {
    *point = 0;
    for (int i = 0; i < tensor->rank; i++) {
        if (subscripts[i]->kind != EXPR_CONST) return false;
        *point = *point * (size_t)tensor->shape[i] + (size_t)subscripts[i]->value;
    }
    return true;
}

/* ---- What may be in variables: elements with constant subscripts, written once, in straight lines of one function */

static void look(Placement *p, const Tensor *tensor, const Expr *subscripts, bool straight) {
    size_t point;
    if (loop_is_local(p->routine, tensor)) return;
    bool elsewhere = p->home[tensor->id] != 0 && p->home[tensor->id] != p->function + 1;
    p->home[tensor->id] = p->function + 1;
    if (!straight || elsewhere || !constant_point(tensor, subscripts, &point)) p->in_memory[tensor->id] = true;
}

static void look_at_read(void *context, Expr e) {
    Placement *p = context;
    if (e->kind == EXPR_READ) look(p, e->tensor, e->kids, p->straight && !e->has_default);
}

static void look_at_store(Placement *p, const Node *node, bool straight) {
    size_t point;
    const Tensor *t = node->target;
    look(p, t, node->subscripts, straight && is_computed(t) && tensor_points(t) <= MOST_VARIABLES);
    if (p->in_memory[t->id] || !constant_point(t, node->subscripts, &point)) return;
    if (p->written[t->id] == NULL) p->written[t->id] = NEW_ARRAY(p->loop->arena, bool, tensor_points(t));
    p->in_memory[t->id] |= p->written[t->id][point];
    p->written[t->id][point] = true;
}

static void look_at_nodes(Placement *p, const Nodes *nodes, bool straight) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->kind == NODE_BLOCK) p->function = node->function;
        p->straight = straight && node->kind != NODE_BLOCK;
        if (node->value != NULL) expr_visit(p->pool, node->value, look_at_read, p);
        for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++) expr_visit(p->pool, node->subscripts[k], look_at_read, p);
        if (node->kind == NODE_STORE) look_at_store(p, node, straight);
        look_at_nodes(p, &node->body, node->kind == NODE_BLOCK ? node->lines : false);
    }
}

/* What the caller or the functions around it read. */
static void keep_results(Placement *p) {
    const Program *program = p->routine->program;
    if (program->loss != NULL) p->in_memory[program->loss->id] = true;
    for (size_t i = 0; i < program->metrics.count; i++) p->in_memory[program->metrics.at[i].tensor->id] = true;
    if (p->routine == &p->loop->predict) {
        for (size_t i = 0; i < program->outputs.count; i++) p->in_memory[program->outputs.at[i]->id] = true;
    }
    for (size_t i = 0; p->routine == &p->loop->gradient && i < program->all.count; i++) {
        p->in_memory[i] |= program->all.at[i]->kind == TENSOR_ADJOINT && program->all.at[i]->of->kind == TENSOR_PARAMETER;
    }
}

/* ---- Variables */

static Tensor *variable_for(Placement *p, const Tensor *t, const Expr *subscripts) {
    Text *name = text_new(p->loop->arena);
    text_put(name, t->name);
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] > 1) text_printf(name, "_%.0f", subscripts[i]->value);
    }
    return local_new(p->loop, p->routine, text_string(name), t->index_range);
}

static Expr read_variable(void *context, Expr e) {
    Placement *p = context;
    size_t point;
    if (e->kind != EXPR_READ || loop_is_local(p->routine, e->tensor) || p->variables[e->tensor->id] == NULL) return e;
    if (!constant_point(e->tensor, e->kids, &point)) bug("'%s' is read at no constant point", e->tensor->name);
    return expr_read(p->pool, p->variables[e->tensor->id][point], NULL, 0, NULL);
}

static void use_variables(Placement *p, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        Node *node = nodes->at[i];
        if (node->value != NULL) node->value = expr_replace(p->pool, node->value, read_variable, p);
        use_variables(p, &node->body);
        size_t point;
        const Tensor *t = node->target;
        if (node->kind != NODE_STORE || p->in_memory[t->id] || !constant_point(t, node->subscripts, &point)) continue;
        if (p->variables[t->id] == NULL) p->variables[t->id] = NEW_ARRAY(p->loop->arena, Tensor *, tensor_points(t));
        node->kind = NODE_LET;
        node->constant = true;
        node->target = p->variables[t->id][point] = variable_for(p, t, node->subscripts);
        node->subscripts = NULL;
    }
}

static void find_variables(Placement *p) {
    size_t tensors = p->routine->program->all.count + 1;
    p->in_memory = NEW_ARRAY(p->loop->arena, bool, tensors);
    p->home = NEW_ARRAY(p->loop->arena, int, tensors);
    p->written = NEW_ARRAY(p->loop->arena, bool *, tensors);
    p->variables = NEW_ARRAY(p->loop->arena, Tensor **, tensors);
    keep_results(p);
    look_at_nodes(p, &p->routine->body, false);
    for (size_t i = 0; i < p->routine->program->all.count; i++) p->in_memory[i] |= p->written[i] == NULL;
    use_variables(p, &p->routine->body);
}

/* ---- Uses, and the buffers of the work space */

typedef struct {
    const Routine *routine;
    bool *uses;
    Tensors *buffers; /* or NULL */
    Arena *arena;
} Uses;

static void use(Uses *u, Tensor *tensor) {
    if (loop_is_local(u->routine, tensor)) return;
    if (!u->uses[tensor->id] && is_computed(tensor) && u->buffers != NULL) vec_push(u->arena, u->buffers, tensor);
    u->uses[tensor->id] = true;
}

static void use_read(void *context, Expr e) {
    if (e->kind == EXPR_READ) use(context, e->tensor);
}

static void use_nodes(Uses *u, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if (node->value != NULL) expr_visit(u->routine->program->pool, node->value, use_read, u);
        if (node->target != NULL) use(u, node->target);
        for (int k = 0; node->subscripts != NULL && k < node->target->rank; k++) expr_visit(u->routine->program->pool, node->subscripts[k], use_read, u);
        use_nodes(u, &node->body);
    }
}

bool *loop_uses(Arena *arena, const Routine *routine, const Nodes *nodes) {
    Uses uses = {.routine = routine, .uses = NEW_ARRAY(arena, bool, routine->program->all.count + 1)};
    use_nodes(&uses, nodes);
    return uses.uses;
}

void place(LoopProgram *loop, Routine *routine) {
    Placement placement = {.loop = loop, .routine = routine, .pool = routine->program->pool};
    find_variables(&placement);
    Uses uses = {.routine = routine, .arena = loop->arena, .buffers = &routine->buffers};
    uses.uses = routine->uses = NEW_ARRAY(loop->arena, bool, routine->program->all.count + 1);
    use_nodes(&uses, &routine->body);
}
