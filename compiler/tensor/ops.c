/* The table of elementary functions as data. */
#include <math.h>

#include "tensor/expression.h"

enum { NUMBER_RESULT = 0, CONDITION_RESULT = 1 };

static const OpInfo table[OP_COUNT] = {
#define INFIX(strength) NOTATION_INFIX, strength
#define PREFIX(strength) NOTATION_PREFIX, strength
#define CALL NOTATION_CALL, 0
#define WORDS NOTATION_WORDS, 0
#define NUMBER NUMBER_RESULT
#define CONDITION CONDITION_RESULT
#define ROW(ID, ARITY, ...) [OP_##ID] = ROW_(#ID, ARITY, __VA_ARGS__)
#define ROW_(id, arity, spelling, notation, strength, result, cost, law) \
    { id, spelling, law, arity, strength, notation, result, cost }
#define OP1(ID, spelling, notation, result, cost, meaning, law, ...) ROW(ID, 1, spelling, notation, result, cost, law),
#define OP2(ID, spelling, notation, result, cost, meaning, law, ...) ROW(ID, 2, spelling, notation, result, cost, law),
#define OP3(ID, spelling, notation, result, cost, meaning, law, ...) ROW(ID, 3, spelling, notation, result, cost, law),
#include "tensor/ops.def"
#undef OP1
#undef OP2
#undef OP3
};

const OpInfo *op_info(Op op) { return &table[op]; }

double op_value(Op op, double a, double b, double c) {
    (void)b, (void)c;
    switch (op) {
/* clang-format off */
#define OP1(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID: return meaning;
#define OP2(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID: return meaning;
#define OP3(ID, spelling, notation, result, cost, meaning, ...) \
    case OP_##ID: return meaning;
/* clang-format on */
#include "tensor/ops.def"
#undef OP1
#undef OP2
#undef OP3
    case OP_COUNT: break;
    }
    bug("no elementary function %d", (int)op);
}

bool op_wants_condition(Op op, int argument) {
    return op == OP_AND || op == OP_OR || op == OP_NOT || (op == OP_IF && argument == 0);
}

bool op_find(const char *spelling, Op *found) {
    for (int op = 0; op < OP_COUNT; op++) {
        if (table[op].notation == NOTATION_CALL && strcmp(table[op].spelling, spelling) == 0) {
            *found = (Op)op;
            return true;
        }
    }
    return false;
}

const char *reduction_name(Reduction reduction) {
    switch (reduction) {
    case REDUCE_SUM: return "sum";
    case REDUCE_PROD: return "prod";
    case REDUCE_MAX: return "max";
    case REDUCE_MIN: return "min";
    case REDUCE_ARGMAX: return "argmax";
    case REDUCE_ARGMIN: return "argmin";
    case REDUCE_LOGSUMEXP: return "logsumexp";
    }
    bug("no reduction %d", (int)reduction);
}
