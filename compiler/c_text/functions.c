/* Functions: their heads, which parameters they need, and the pieces of those that became too long. */
#include "c_text/c_text.h"

static void print_settings(CPrinter *p, const Routine *routine, const bool *uses) {
    const char *type = c_number_type(p->loop);
    const Program *program = routine->program;
    if (uses[program->batch_size->id])
        text_printf(p->text, "const %s batch_size = (%s)%s;\n", type, type, c_is_divided(p) ? "batch" : "examples");
    if (uses[program->step->id]) text_printf(p->text, "const %s step = (%s)state->step;\n", type, type);
    if (uses[program->epoch->id]) text_printf(p->text, "const %s epoch = (%s)state->epoch;\n", type, type);
}

static const char *const parameter_names[C_PARAMETERS] = {"model", "state", "work",   "in",   "target",   "out", "examples",
                                                          "done",  "batch", "begins", "ends", "gradient", "seed"};

static bool runs_over_batch(const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if ((node->kind == NODE_LOOP && node->index->batch) || runs_over_batch(&node->body)) return true;
    }
    return false;
}

/* Those that tell in which steps, or micro-batches, blocks run. */
static void find_conditions(const CPrinter *p, const Nodes *blocks, bool needs[C_PARAMETERS]) {
    for (size_t i = 0; i < blocks->count; i++) {
        When when = blocks->at[i]->when;
        bool last = when == IF_LAST, divided = c_is_divided(p);
        if (divided && !c_asks(p, when)) continue;
        needs[divided ? C_DONE : C_BEGINS] |= when == IF_FIRST;
        needs[divided ? C_DONE : C_ENDS] |= last || when == UNLESS_LAST;
        needs[C_EXAMPLES] |= divided && last;
        needs[C_BATCH] |= divided && last;
    }
}

/* Which parameters the statements need that use these tensors. */
static void find_needs(const CPrinter *p, const Routine *routine, const Nodes *blocks, const bool *uses,
                       bool needs[C_PARAMETERS]) {
    const Program *program = routine->program;
    for (size_t i = 0; i < blocks->count; i++)
        needs[routine == &p->loop->initial ? C_SEED : C_STATE] |=
            c_draws(&blocks->at[i]->statements) && program == p->loop->model->training;
    needs[C_DONE] |= program->done != NULL && uses[program->done->id];
    needs[c_is_divided(p) ? C_BATCH : C_EXAMPLES] |= uses[program->batch_size->id];
    needs[C_EXAMPLES] |= runs_over_batch(blocks);
    for (size_t i = 0; i < routine->buffers.count; i++) {
        if (!uses[routine->buffers.at[i]->id]) continue;
        if (c_is_given(p->loop, routine, routine->buffers.at[i])) needs[C_OUT] = needs[C_GRADIENT] = true;
        else needs[C_WORK] = true;
    }
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        if (!uses[i]) continue;
        needs[C_MODEL] |= t->kind == TENSOR_PARAMETER;
        needs[C_IN] |= t->kind == TENSOR_INPUT;
        needs[C_TARGET] |= t->kind == TENSOR_TARGET;
        needs[C_STATE] |= t->kind == TENSOR_STATE || t == program->step || t == program->epoch;
        needs[C_EXAMPLES] |= t->batched && t->shape[0] > 1;
    }
}

/* A routine as functions: piece 0 is the routine itself, which calls the others. */
typedef struct {
    Nodes blocks;
    const bool *uses;         /* by tensor id */
    bool needs[C_PARAMETERS]; /* of piece 0: what any of them needs */
} Piece;

static const Nodes *blocks_of(const Routine *routine, const CHead *head) {
    return head->blocks != NULL ? head->blocks : &routine->body;
}

static Piece *pieces_of(CPrinter *p, const Routine *routine, const CHead *head) {
    Arena *arena = p->text->arena;
    Piece *pieces = NEW_ARRAY(arena, Piece, routine->functions + 1);
    const Nodes *blocks = blocks_of(routine, head);
    for (size_t i = 0; i < blocks->count; i++) vec_push(arena, &pieces[blocks->at[i]->function].blocks, blocks->at[i]);
    find_conditions(p, blocks, pieces[0].needs);
    for (int k = 0; k <= routine->functions; k++) {
        pieces[k].uses = loop_uses(arena, routine, &pieces[k].blocks);
        find_needs(p, routine, &pieces[k].blocks, pieces[k].uses, pieces[k].needs);
        for (int i = 0; i < C_PARAMETERS; i++) {
            pieces[k].needs[i] &= head->parameters[i] != NULL;
            pieces[0].needs[i] |= pieces[k].needs[i];
        }
    }
    return pieces;
}

static void print_parameters(CPrinter *p, const CHead *head, const bool *needs) {
    int count = 0;
    for (int i = 0; i < C_PARAMETERS; i++) {
        if (head->parameters[i] != NULL && (needs[i] || head->fixed))
            text_printf(p->text, "%s%s", count++ == 0 ? "" : ", ", head->parameters[i]);
    }
    text_put(p->text, count == 0 ? "void) {\n" : ") {\n");
    for (int i = 0; i < C_OTHER && head->fixed; i++) {
        if (head->parameters[i] != NULL && !needs[i]) text_printf(p->text, "    (void)%s;\n", parameter_names[i]);
    }
}

static const char *call(Arena *arena, const char *name, const bool *needs, const char *work, const char *first) {
    const char *arguments = "";
    for (int i = 0; i < C_OTHER; i++) {
        bool moves = i == C_IN || i == C_TARGET || i == C_OUT;
        if (needs[i])
            arguments = arena_printf(arena, "%s%s%s%s", arguments, *arguments == '\0' ? "" : ", ",
                                     i == C_WORK && work != NULL ? work : parameter_names[i], moves ? first : "");
    }
    return arena_printf(arena, "%s(%s);\n", name, arguments);
}

const char *c_call(CPrinter *p, const CHead *head, const char *first) {
    const char *call_of_one = call(p->text->arena, head->name, p->needs, head->work, first);
    bool parts = loop_parts(p->loop, p->routine) > 1; /* which are called by threads */
    if (loop_parallel_blocks(p->routine) == 0 || parts) return call_of_one;
    return arena_printf(p->text->arena, "#pragma omp parallel num_threads(%d)\n%s", p->loop->options.threads, call_of_one);
}

/* A piece of a routine that became too long for one function: NAME_step_3. */
static void print_piece(CPrinter *p, const Routine *routine, const CHead *head, const Piece *piece, int number) {
    CHead own = *head;
    own.fixed = false;
    c_leave(p, 0);
    text_printf(p->text, "static void %s_%d(", head->name, number);
    print_parameters(p, &own, piece->needs);
    p->text->indent++;
    print_settings(p, routine, piece->uses);
    p->piece = true;
    c_nodes(p, &piece->blocks);
    p->piece = false;
    p->text->indent--;
    text_put(p->text, "}\n\n");
}

void c_body(CPrinter *p, const Routine *routine) {
    p->program = routine->program;
    p->routine = routine;
    p->backwards = NULL;
    c_leave(p, 0);
    p->text->indent++;
    c_nodes(p, &routine->body);
    p->text->indent--;
}

void c_function(CPrinter *p, const Routine *routine, const CHead *head) {
    p->program = routine->program;
    p->routine = routine;
    p->places = NEW_ARRAY(p->text->arena, const char *, routine->program->all.count + 1);
    p->backwards = NULL;
    const Nodes *blocks = blocks_of(routine, head);
    for (size_t i = blocks->count; i-- > 0;) {
        const Node *block = blocks->at[i];
        if (block->statements.at[0]->target->kind == TENSOR_ADJOINT && block->when != IF_FIRST) p->backwards = block;
    }
    const Piece *pieces = pieces_of(p, routine, head);
    p->needs = pieces[0].needs;
    for (int k = 1; k <= routine->functions; k++) {
        if (pieces[k].blocks.count > 0) print_piece(p, routine, head, &pieces[k], k);
    }
    c_leave(p, 0);
    if (head->comment != NULL && p->annotate > 0) text_printf(p->text, "/* %s */\n", head->comment);
    text_printf(p->text, "%s%s%s(", head->type, head->type[strlen(head->type) - 1] == (char)42 ? "" : " ", head->name);
    print_parameters(p, head, p->needs);
    p->text->indent++;
    print_settings(p, routine, pieces[0].uses);
    p->calls = NEW_ARRAY(p->text->arena, const char *, routine->functions + 1);
    for (int k = 1; k <= routine->functions; k++)
        p->calls[k] = call(p->text->arena, arena_printf(p->text->arena, "%s_%d", head->name, k), pieces[k].needs, NULL, "");
    c_nodes(p, blocks);
    p->calls = NULL;
    if (head->returns != NULL) text_printf(p->text, "return %s;\n", head->returns);
    p->text->indent--;
    text_put(p->text, "}\n\n");
}
