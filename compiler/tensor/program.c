/* Tensors and statements: building them and asking about them. */
#include "tensor/program.h"

#include <stdlib.h>

Program *program_new(Pool *pool, Name name) {
    Program *program = NEW(pool_arena(pool), Program);
    program->pool = pool;
    program->name = name;
    program->batch_size = tensor_new(program, TENSOR_SETTING, "batch_size", 0, NULL);
    program->step = tensor_new(program, TENSOR_SETTING, "step", 0, NULL);
    program->epoch = tensor_new(program, TENSOR_SETTING, "epoch", 0, NULL);
    return program;
}

static size_t *taken(Program *program, Name name) { return name_table_at(pool_arena(program->pool), &program->taken, name); }

static Name unused_name(Program *program, const char *wanted) {
    Arena *arena = pool_arena(program->pool);
    Name first = name_of(pool_names(program->pool), wanted), name = first;
    if (name_table_get(&program->taken, name) == 0) return name;
    size_t *next = name_table_at(arena, &program->next, first);
    for (size_t copy = *next < 2 ? 2 : *next;; copy++) {
        name = name_of(pool_names(program->pool), arena_printf(arena, "%s_%zu", wanted, copy));
        *next = copy;
        if (name_table_get(&program->taken, name) == 0) return name;
    }
}

/* x_7 is free again: the next copy of x may get it. */
static void free_name(Program *program, Name name) {
    --*taken(program, name);
    size_t length = strlen(name), digits = length;
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') digits--;
    if (digits < 2 || digits == length || name[digits - 1] != '_' || length - digits > 9) return;
    Name first = name_of_length(pool_names(program->pool), name, digits - 1);
    size_t copy = (size_t)atoi(name + digits);
    if (copy < name_table_get(&program->next, first)) *name_table_at(pool_arena(program->pool), &program->next, first) = copy;
}

void tensor_rename(Program *program, Tensor *tensor, const char *name) {
    if (strcmp(tensor->name, name) != 0) tensor_set_name(program, tensor, unused_name(program, name));
}

void tensor_set_name(Program *program, Tensor *tensor, Name name) {
    free_name(program, tensor->name);
    ++*taken(program, name);
    tensor->name = name;
}

Tensor *tensor_new(Program *program, TensorKind kind, const char *name, int rank, const int64_t *shape) {
    Arena *arena = pool_arena(program->pool);
    Tensor *tensor = NEW(arena, Tensor);
    tensor->name = unused_name(program, name);
    ++*taken(program, tensor->name);
    tensor->kind = kind;
    tensor->id = (uint32_t)program->all.count;
    tensor->rank = rank;
    tensor->shape = NEW_ARRAY(arena, int64_t, rank + 1);
    for (int i = 0; i < rank; i++) tensor->shape[i] = shape[i];
    vec_push(arena, &program->all, tensor);
    return tensor;
}

bool tensor_is_persistent(const Tensor *tensor) { return tensor->kind == TENSOR_PARAMETER || tensor->kind == TENSOR_STATE; }

bool tensor_is_explained(const Program *program, const Tensor *tensor) {
    const Tensor *named = tensor->kind == TENSOR_ADJOINT ? tensor->of : tensor;
    return program->explained && named->kind == TENSOR_VALUE;
}

static double product(const int64_t *shape, int rank) {
    double result = 1;
    for (int i = 0; i < rank; i++) result *= (double)shape[i];
    return result;
}

double tensor_elements(const Tensor *tensor) { return product(tensor->shape + tensor->batched, tensor->rank - tensor->batched); }
double tensor_points(const Tensor *tensor) { return product(tensor->shape, tensor->rank); }

Statement *statement_add(Program *program, Statements *list, Tensor *target, Index *const *indices, int count, Expr value,
                         Origin origin) {
    Arena *arena = pool_arena(program->pool);
    Statement *statement = NEW(arena, Statement);
    statement->target = target;
    statement->indices = NEW_ARRAY(arena, Index *, count);
    for (int i = 0; i < count; i++) statement->indices[i] = indices[i];
    statement->count = count;
    statement->value = value;
    statement->origin = origin;
    if (!tensor_is_persistent(target)) target->definition = statement;
    vec_push(arena, list, statement);
    return statement;
}

Expr tensor_at(Program *program, Tensor *tensor, Index *const *indices) {
    Expr subscripts[tensor->rank + 1];
    for (int i = 0; i < tensor->rank; i++) subscripts[i] = expr_index(program->pool, indices[i]);
    return expr_read(program->pool, tensor, subscripts, tensor->rank, NULL);
}

typedef struct {
    const Tensor *tensor;
    bool found;
} Search;

static void look(void *context, Expr e) {
    Search *search = context;
    if (e->kind == EXPR_READ && e->tensor == search->tensor) search->found = true;
}

bool expr_reads(Pool *pool, Expr e, const Tensor *tensor) {
    Search search = {.tensor = tensor};
    expr_visit(pool, e, look, &search);
    return search.found;
}

Statements program_statements(const Program *program) {
    Statements all = {0};
    const Statements *lists[] = {&program->forward, &program->backward, &program->update};
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) vec_push(pool_arena(program->pool), &all, lists[l]->at[i]);
    }
    return all;
}

/* ---- Metrics */

static void mark_read(void *context, Expr e) {
    if (e->kind == EXPR_READ) ((bool *)context)[e->tensor->id] = true;
}

Statements program_combining(Arena *arena, const Program *program) {
    Statements found = {0};
    bool *needed = NEW_ARRAY(arena, bool, program->all.count + 1), *part = NEW_ARRAY(arena, bool, program->all.count + 1);
    for (size_t i = 0; i < program->metrics.count; i++) {
        needed[program->metrics.at[i].tensor->id] |= program->metrics.at[i].combined;
        part[program->metrics.at[i].tensor->id] |= program->metrics.at[i].part;
    }
    Statements backwards = {0};
    for (size_t i = program->forward.count; i-- > 0;) {
        Statement *s = program->forward.at[i];
        if (!needed[s->target->id] || part[s->target->id]) continue;
        expr_visit(program->pool, s->value, mark_read, needed);
        vec_push(arena, &backwards, s);
    }
    for (size_t i = backwards.count; i-- > 0;) vec_push(arena, &found, backwards.at[i]);
    return found;
}
