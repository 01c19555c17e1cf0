/* One expression as C. Whole numbers (indices and what is made of them) stay whole, and become floating-point where a number is wanted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "c_text/c_text.h"
#include "tensor/affine.h"

void c_literal(Text *text, double value, bool is_double) {
    if (!is_double) value = (double)(float)value; /* infinite where float has nothing as large */
    if (isinf(value) || isnan(value)) {
        text_printf(text, "%s%s()",
                    isnan(value) ? "nnc_nan"
                    : value > 0  ? "nnc_infinity"
                                 : "-nnc_infinity",
                    is_double ? "" : "f");
        return;
    }
    char out[NUMBER_LENGTH];
    if (is_double) {
        number_print(out, value);
    } else {
        for (int digits = 1; digits <= 9; digits++) {
            snprintf(out, sizeof out, "%.*g", digits, value);
            if (strtof(out, NULL) == (float)value) break;
        }
        char *exponent = strchr(out, 'e'); /* 1e-08 is written 1e-8 */
        while (exponent != NULL && exponent[2] == '0' && exponent[3] != '\0')
            memmove(exponent + 2, exponent + 3, strlen(exponent + 2));
        if (fabs(value) >= 10 && fabs(value) < 1e7 && value == floor(value)) snprintf(out, sizeof out, "%.0f", value);
    }
    text_put(text, out);
    if (strpbrk(out, ".e") == NULL) text_put(text, ".0");
    if (!is_double) text_put(text, "f");
}

static void print(CPrinter *p, Expr e, CKind wanted, int strength) { c_print(p, e, wanted, strength); }

static bool is_whole(Expr e) { return e->integer && e->kind != EXPR_CONST; }

/* Do the operands of a comparison stay whole? */
static CKind kind_of_operands(Expr e) {
    if (op_wants_condition(e->op, 0)) return C_CONDITION;
    return e->kids[0]->integer && e->kids[1]->integer && (is_whole(e->kids[0]) || is_whole(e->kids[1])) ? C_INTEGER : C_NUMBER;
}

/* exp: nnc_expf in float, nnc_exp in double */
static void call(CPrinter *p, const char *function, const Expr *kids, int count, CKind kind) {
    text_printf(p->text, "nnc_%s%s(", function, p->loop->is_double ? "" : "f");
    for (int i = 0; i < count; i++) {
        if (i > 0) text_put(p->text, ", ");
        print(p, kids[i], kind, 0);
    }
    text_put(p->text, ")");
}

static void infix(CPrinter *p, Expr e, const char *sign, int own, CKind kind, int strength) {
    if (own < strength) text_put(p->text, "(");
    print(p, e->kids[0], kind, own);
    text_printf(p->text, " %s ", sign);
    print(p, e->kids[1], kind, own + 1);
    if (own < strength) text_put(p->text, ")");
}

/* Does it compare what is found as it runs? Then lanes of a vector decide differently. */
static bool compares_numbers(Expr e) {
    if (expr_is_op(e, OP_AND) || expr_is_op(e, OP_OR) || expr_is_op(e, OP_NOT)) {
        bool any = false;
        for (int i = 0; i < e->count; i++) any |= compares_numbers(e->kids[i]);
        return any;
    }
    return e->kind == EXPR_OP && e->count == 2 && (kind_of_operands(e) == C_NUMBER || expr_has_reads(e));
}

static bool calls(Expr e) {
    bool any = e->kind == EXPR_DRAW || (e->kind == EXPR_OP && !e->integer && op_info(e->op)->cost >= 20);
    for (int i = 0; i < e->count && !any; i++) any = calls(e->kids[i]);
    return any;
}

/* Both branches are calculated, where that is little work. */
static void choice(CPrinter *p, Expr e) {
    text_printf(p->text, "nnc_choose%s(", p->loop->is_double ? "" : "f");
    print(p, e->kids[0], C_CONDITION, 0);
    for (int i = 1; i < 3; i++) {
        text_put(p->text, ", ");
        print(p, e->kids[i], C_NUMBER, 0);
    }
    text_put(p->text, ")");
}

static void ternary(CPrinter *p, Expr e, CKind kind, int strength) {
    bool constants = e->kids[1]->kind == EXPR_CONST && e->kids[2]->kind == EXPR_CONST;
    if (kind == C_NUMBER && compares_numbers(e->kids[0]) && !constants && !calls(e->kids[1]) && !calls(e->kids[2])) {
        choice(p, e);
        return;
    }
    if (strength > TERNARY) text_put(p->text, "(");
    print(p, e->kids[0], C_CONDITION, OR);
    text_put(p->text, " ? ");
    print(p, e->kids[1], kind, OR);
    text_put(p->text, " : ");
    print(p, e->kids[2], kind, TERNARY);
    if (strength > TERNARY) text_put(p->text, ")");
}

/* Of whole numbers, rounding down as C does only above 0:  floor(a / 4) + c = (a + 4 n) / 4 - (n - c),  a mod 4 = (a + 4 n) % 4 */
static void division(CPrinter *p, Expr e, int64_t more, int strength) {
    Interval range = interval_of(e->kids[0]);
    bool div = e->op == OP_FLOORDIV;
    if (!range.known || e->kids[1]->kind != EXPR_CONST) bug("a division of whole numbers without bounds");
    int64_t by = (int64_t)e->kids[1]->value, turns = range.low < 0 ? (-range.low + by - 1) / by : 0,
            rest = more - (div ? turns : 0);
    int own = rest != 0 ? SUM : PRODUCT;
    if (own < strength) text_put(p->text, "(");
    print(p, expr_op2(p->program->pool, OP_ADD, e->kids[0], expr_number(p->program->pool, (double)(turns * by))), C_INTEGER,
          PRODUCT);
    text_printf(p->text, " %s %lld", div ? "/" : "%", (long long)by);
    if (rest != 0) text_printf(p->text, " %c %lld", rest < 0 ? '-' : '+', (long long)(rest < 0 ? -rest : rest));
    if (own < strength) text_put(p->text, ")");
}

/* A quotient and a constant, both of whole numbers: they are written as one. */
static bool quotient_and_more(CPrinter *p, Expr e, int strength) {
    Expr a = e->kids[0], b = e->kids[1];
    if (!is_whole(e) || !expr_is_op(a, OP_FLOORDIV) || b->kind != EXPR_CONST || interval_of(a->kids[0]).low >= 0) return false;
    division(p, a, (int64_t)(e->op == OP_ADD ? b->value : -b->value), strength);
    return true;
}

/* Of whole numbers: max(a, b) is a > b ? a : b, and so on. */
static void whole_choice(CPrinter *p, Expr e, int strength) {
    Expr a = e->kids[0];
    if (e->op == OP_FLOOR) {
        print(p, a, C_INTEGER, strength);
        return;
    }
    bool two = e->op == OP_MAX || e->op == OP_MIN;
    if (strength > TERNARY) text_put(p->text, "(");
    print(p, a, C_INTEGER, RELATION + 1);
    text_put(p->text, e->op == OP_MIN ? " < " : " > ");
    if (two) print(p, e->kids[1], C_INTEGER, RELATION + 1);
    else text_put(p->text, "0");
    text_put(p->text, " ? ");
    if (e->op == OP_SIGN) text_put(p->text, "1");
    else print(p, a, C_INTEGER, OR);
    text_put(p->text, " : ");
    if (two) {
        print(p, e->kids[1], C_INTEGER, TERNARY);
    } else if (e->op == OP_ABS) {
        text_put(p->text, "-");
        print(p, a, C_INTEGER, PRIMARY);
    } else { /* sign */
        print(p, a, C_INTEGER, RELATION + 1);
        text_put(p->text, " < 0 ? -1 : 0");
    }
    if (strength > TERNARY) text_put(p->text, ")");
}

static void print_op(CPrinter *p, Expr e, CKind wanted, int strength) {
    CKind kind = is_whole(e) ? C_INTEGER : C_NUMBER;
    switch (e->op) {
    case OP_ADD:
    case OP_SUB:
        if (!quotient_and_more(p, e, strength)) infix(p, e, e->op == OP_ADD ? "+" : "-", SUM, kind, strength);
        return;
    case OP_MUL: infix(p, e, "*", PRODUCT, kind, strength); return;
    case OP_DIV: infix(p, e, "/", PRODUCT, C_NUMBER, strength); return;
    case OP_NEG:
        if (UNARY < strength) text_put(p->text, "(");
        text_put(p->text, "-");
        print(p, e->kids[0], kind, PRIMARY);
        if (UNARY < strength) text_put(p->text, ")");
        return;
    case OP_FLOORDIV:
    case OP_MOD:
        if (is_whole(e)) division(p, e, 0, strength);
        else call(p, "mod", e->kids, 2, C_NUMBER);
        return;
    case OP_LT: infix(p, e, "<", RELATION, kind_of_operands(e), strength); return;
    case OP_LE: infix(p, e, "<=", RELATION, kind_of_operands(e), strength); return;
    case OP_GT: infix(p, e, ">", RELATION, kind_of_operands(e), strength); return;
    case OP_GE: infix(p, e, ">=", RELATION, kind_of_operands(e), strength); return;
    case OP_EQ: infix(p, e, "==", EQUALITY, kind_of_operands(e), strength); return;
    case OP_NE: infix(p, e, "!=", EQUALITY, kind_of_operands(e), strength); return;
    case OP_AND: infix(p, e, "&&", AND, C_CONDITION, strength); return;
    case OP_OR: /* with parentheses around && */
        if (OR < strength) text_put(p->text, "(");
        print(p, e->kids[0], C_CONDITION, EQUALITY);
        text_put(p->text, " || ");
        print(p, e->kids[1], C_CONDITION, EQUALITY);
        if (OR < strength) text_put(p->text, ")");
        return;
    case OP_NOT:
        text_put(p->text, "!");
        print(p, e->kids[0], C_CONDITION, PRIMARY);
        return;
    case OP_IF: ternary(p, e, wanted, strength); return;
    case OP_STOP: print(p, e->kids[0], kind, strength); return;
    case OP_MAX:
    case OP_MIN:
    case OP_ABS:
    case OP_SIGN:
    case OP_FLOOR:
        if (is_whole(e)) whole_choice(p, e, strength);
        else call(p, op_info(e->op)->spelling, e->kids, e->count, C_NUMBER);
        return;
    case OP_POW:
    case OP_EXP:
    case OP_LOG:
    case OP_SQRT:
    case OP_SIN:
    case OP_COS:
    case OP_TAN:
    case OP_TANH:
    case OP_SINH:
    case OP_COSH:
    case OP_ATAN:
    case OP_ERF:
    case OP_EXPM1:
    case OP_SIGMOID:
    case OP_SOFTPLUS: call(p, e->op == OP_POW ? "pow" : op_info(e->op)->spelling, e->kids, e->count, C_NUMBER); return;
    case OP_COUNT: break;
    }
    bug("no C for operation %d", (int)e->op);
}

/* ---- Reads */

static void subscripts(CPrinter *p, const Expr *list, int from, int count) {
    for (int i = from; i < count; i++) {
        text_put(p->text, "[");
        print(p, list[i], C_INTEGER, 0);
        text_put(p->text, "]");
    }
}

/* What stands before the subscripts; of what each example has its own of, `[b]` comes between: out[b].p[i]. */
static const char *place_name(CPrinter *p, const Tensor *tensor) {
    Arena *arena = p->text->arena;
    const char *name = c_name(arena, tensor->name);
    switch (tensor->kind) {
    case TENSOR_INPUT: return "in";
    case TENSOR_TARGET: return "target";
    case TENSOR_PARAMETER: return arena_printf(arena, "model->%s", c_member(arena, tensor->name));
    case TENSOR_STATE: return arena_printf(arena, "state->%s", c_member(arena, tensor->name));
    case TENSOR_SETTING: return name;
    case TENSOR_LITERAL: return arena_printf(arena, "%s_%s", p->model, name);
    case TENSOR_VALUE:
    case TENSOR_PART:
    case TENSOR_ADJOINT: break;
    }
    if (p->outputs != NULL && c_is_output(p->outputs, tensor)) return "out";
    bool gradient = p->gradients && tensor->of != NULL && tensor->of->kind == TENSOR_PARAMETER;
    return gradient ? arena_printf(arena, "gradient->%s", c_member(arena, tensor->of->name))
                    : c_buffer(arena, p->routine, tensor);
}

void c_place(CPrinter *p, const Tensor *tensor, const Expr *list) {
    const char *local = c_declared(p, tensor);
    if (local != NULL || tensor->local) {
        text_put(p->text, local != NULL ? local : tensor->name);
        if (tensor->array) subscripts(p, list, 0, tensor->rank);
        return;
    }
    if (p->places[tensor->id] == NULL) p->places[tensor->id] = place_name(p, tensor);
    const char *place = p->places[tensor->id];
    text_put(p->text, place);
    bool of_example =
        tensor->kind == TENSOR_INPUT || tensor->kind == TENSOR_TARGET || (p->outputs != NULL && strcmp(place, "out") == 0);
    if (of_example) {
        text_put(p->text, "[");
        print(p, list[0], C_INTEGER, 0);
        text_printf(p->text, "].%s", c_name(p->text->arena, tensor->name));
    }
    subscripts(p, list, of_example, tensor->rank);
}

/* Where can the subscripts be outside? Conditions, joined by &&. */
static void guard(CPrinter *p, Expr e) {
    bool first = true;
    for (int i = 0; i < e->tensor->rank; i++) {
        Interval range = interval_of(e->kids[i]);
        bool batch = e->tensor->batched && i == 0;
        if (!batch && (!range.known || range.low < 0)) {
            text_put(p->text, first ? "" : " && ");
            print(p, e->kids[i], C_INTEGER, RELATION);
            text_put(p->text, " >= 0");
            first = false;
        }
        if (!batch && (!range.known || range.high >= e->tensor->shape[i])) {
            text_put(p->text, first ? "" : " && ");
            print(p, e->kids[i], C_INTEGER, RELATION);
            text_printf(p->text, " < %lld", (long long)e->tensor->shape[i]);
            first = false;
        }
    }
    if (first) text_put(p->text, "1");
}

static void print_read(CPrinter *p, Expr e, int strength) {
    if (!e->has_default) {
        c_place(p, e->tensor, e->kids);
        return;
    }
    if (strength > TERNARY) text_put(p->text, "(");
    guard(p, e);
    bool converts = e->tensor->index_range > 0 && !e->integer; /* whole numbers, but for the default */
    text_put(p->text, converts ? arena_printf(p->text->arena, " ? (%s)", c_number_type(p->loop)) : " ? ");
    c_place(p, e->tensor, e->kids);
    text_put(p->text, " : ");
    print(p, e->kids[e->count - 1], e->integer ? C_INTEGER : C_NUMBER, TERNARY);
    if (strength > TERNARY) text_put(p->text, ")");
}

static void print_draw(CPrinter *p, Expr e) {
    const char *when = p->routine == &p->loop->initial           ? "seed, %d, 0"
                       : p->program == p->loop->model->inference ? "0, %d, 0"
                                                                 : "state->seed, %d, state->step";
    bool bernoulli = e->draw == DRAW_BERNOULLI;
    text_printf(p->text, "%s_%s(%s, (uint64_t)(", p->model, bernoulli ? "bernoulli" : "uniform",
                arena_printf(p->text->arena, when, (int)e->value));
    print(p, e->kids[0], C_INTEGER, 0);
    text_put(p->text, ")");
    if (bernoulli) text_put(p->text, ", ");
    if (bernoulli && e->kids[1]->kind == EXPR_CONST) c_literal(p->text, e->kids[1]->value, true); /* the exact probability */
    else if (bernoulli) print(p, e->kids[1], C_NUMBER, 0);
    text_put(p->text, ")");
}

void c_print(CPrinter *p, Expr e, CKind wanted, int strength) {
    if (is_wide(e, p->lane)) {
        c_wide(p, e, wanted, strength);
        return;
    }
    bool convert = wanted == C_NUMBER && is_whole(e) && !expr_is_op(e, OP_IF);
    if (convert) text_printf(p->text, "(%s)", c_number_type(p->loop));
    if (convert) strength = PRIMARY;
    switch (e->kind) {
    case EXPR_CONST:
        if (e->condition) text_put(p->text, e->value != 0 ? "1" : "0");
        else if (wanted == C_INTEGER)
            text_printf(p->text, e->value < 0 && strength > UNARY ? "(%lld)" : "%lld", (long long)e->value);
        else {
            bool wrap = e->value < 0 && strength > UNARY;
            if (wrap) text_put(p->text, "(");
            c_literal(p->text, e->value, p->loop->is_double);
            if (wrap) text_put(p->text, ")");
        }
        return;
    case EXPR_INDEX: text_put(p->text, c_declared(p, e->index)); return;
    case EXPR_READ: print_read(p, e, strength); return;
    case EXPR_OP: print_op(p, e, wanted, strength); return;
    case EXPR_DRAW: print_draw(p, e); return;
    case EXPR_REDUCE: break;
    }
    bug("a reduction is left in the loop program");
}

void c_expression(CPrinter *p, Expr e, CKind wanted) { print(p, e, wanted, 0); }
