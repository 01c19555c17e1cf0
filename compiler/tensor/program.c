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

static bool name_taken(const Program *program, Name name) {
    for (size_t i = 0; i < program->all.count; i++) {
        if (program->all.at[i]->name == name) return true;
    }
    return false;
}

static Name unused_name(const Program *program, const char *wanted) {
    Name name = name_of(pool_names(program->pool), wanted);
    for (int copy = 2; name_taken(program, name); copy++) {
        name = name_of(pool_names(program->pool), arena_printf(pool_arena(program->pool), "%s_%d", wanted, copy));
    }
    return name;
}

void tensor_rename(Program *program, Tensor *tensor, const char *name) {
    if (strcmp(tensor->name, name) != 0) tensor->name = unused_name(program, name);
}

Tensor *tensor_new(Program *program, TensorKind kind, const char *name, int rank, const int64_t *shape) {
    Arena *arena = pool_arena(program->pool);
    Tensor *tensor = NEW(arena, Tensor);
    tensor->name = unused_name(program, name);
    tensor->kind = kind;
    tensor->id = (uint32_t)program->all.count;
    tensor->rank = rank;
    tensor->shape = NEW_ARRAY(arena, int64_t, rank + 1);
    for (int i = 0; i < rank; i++) tensor->shape[i] = shape[i];
    vec_push(arena, &program->all, tensor);
    return tensor;
}

bool tensor_is_persistent(const Tensor *tensor) { return tensor->kind == TENSOR_PARAMETER || tensor->kind == TENSOR_STATE; }

static double product(const int64_t *shape, int rank) {
    double result = 1;
    for (int i = 0; i < rank; i++) result *= (double)shape[i];
    return result;
}

double tensor_elements(const Tensor *tensor) { return product(tensor->shape + tensor->batched, tensor->rank - tensor->batched); }
double tensor_points(const Tensor *tensor) { return product(tensor->shape, tensor->rank); }

Statement *statement_add(Program *program, Statements *list, Tensor *target, Index *const *indices, int count, Expr value, Origin origin) {
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
