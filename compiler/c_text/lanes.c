/* Expressions whose value differs from lane to lane, as C with the vector extensions of gcc and clang: runtime/lanes.h.in. */
#include "c_text/c_text.h"

const char *c_vector(const CPrinter *p, int lanes) {
    return arena_printf(p->text->arena, "%c%d", p->loop->is_double ? 'd' : 'f', lanes);
}

bool c_is_wide(const CPrinter *p, Expr e) {
    if (p->lane == NULL) return false;
    bool wide = expr_depends(e, p->lane) || (e->kind == EXPR_READ && e->tensor->lanes > 0);
    for (int k = 0; k < e->count && !wide; k++) wide = c_is_wide(p, e->kids[k]);
    return wide;
}

static const char *own(const CPrinter *p) { return c_vector(p, (int)p->lane->size); }

void c_vector_of(CPrinter *p, Expr e) {
    bool wide = c_is_wide(p, e);
    if (!wide) text_printf(p->text, "nnc_all_%s(", own(p));
    c_print(p, e, C_NUMBER, 0);
    if (!wide) text_put(p->text, ")");
}

/* Conditions that are the same in all lanes become masks, too. */
static void mask_of(CPrinter *p, Expr e, int strength) {
    bool wide = c_is_wide(p, e);
    if (!wide) text_printf(p->text, "nnc_all_mask_%s(", own(p));
    c_print(p, e, C_CONDITION, wide ? strength : 0);
    if (!wide) text_put(p->text, ")");
}

static void between(CPrinter *p, Expr e, const char *sign, int strength, int outer, void (*print)(CPrinter *, Expr, int)) {
    if (strength < outer) text_put(p->text, "(");
    print(p, e->kids[0], strength);
    text_printf(p->text, " %s ", sign);
    print(p, e->kids[1], strength + 1);
    if (strength < outer) text_put(p->text, ")");
}

static void as_it_is(CPrinter *p, Expr e, int strength) { c_print(p, e, C_NUMBER, strength); }
static void as_vector(CPrinter *p, Expr e, int strength) {
    bool wide = c_is_wide(p, e);
    if (wide) c_print(p, e, C_NUMBER, strength);
    else c_vector_of(p, e);
}

static void call(CPrinter *p, const char *function, Expr e) {
    text_printf(p->text, "nnc_%s_%s(", function, own(p));
    for (int i = 0; i < e->count; i++) {
        text_put(p->text, i > 0 ? ", " : "");
        c_vector_of(p, e->kids[i]);
    }
    text_put(p->text, ")");
}

static void choice(CPrinter *p, Expr e, int strength) {
    bool wide = c_is_wide(p, e->kids[0]), wraps = !wide && strength > TERNARY;
    if (wide) text_printf(p->text, "nnc_choose_%s(", own(p));
    else text_put(p->text, wraps ? "(" : "");
    c_print(p, e->kids[0], C_CONDITION, wide ? 0 : OR);
    text_put(p->text, wide ? ", " : " ? ");
    c_vector_of(p, e->kids[1]);
    text_put(p->text, wide ? ", " : " : ");
    c_vector_of(p, e->kids[2]);
    text_put(p->text, wide || wraps ? ")" : "");
}

static void operation(CPrinter *p, Expr e, int strength) {
    switch (e->op) {
    case OP_ADD: between(p, e, "+", SUM, strength, as_it_is); return;
    case OP_SUB: between(p, e, "-", SUM, strength, as_it_is); return;
    case OP_MUL: between(p, e, "*", PRODUCT, strength, as_it_is); return;
    case OP_DIV: between(p, e, "/", PRODUCT, strength, as_it_is); return;
    case OP_NEG:
        text_put(p->text, UNARY < strength ? "(-" : "-");
        c_print(p, e->kids[0], C_NUMBER, PRIMARY);
        text_put(p->text, UNARY < strength ? ")" : "");
        return;
    case OP_LT: between(p, e, "<", RELATION, strength, as_vector); return;
    case OP_LE: between(p, e, "<=", RELATION, strength, as_vector); return;
    case OP_GT: between(p, e, ">", RELATION, strength, as_vector); return;
    case OP_GE: between(p, e, ">=", RELATION, strength, as_vector); return;
    case OP_EQ: between(p, e, "==", EQUALITY, strength, as_vector); return;
    case OP_NE: between(p, e, "!=", EQUALITY, strength, as_vector); return;
    case OP_AND: /* of masks; parentheses, because they bind otherwise than && */
    case OP_OR:
        text_put(p->text, "(");
        mask_of(p, e->kids[0], PRIMARY);
        text_put(p->text, e->op == OP_AND ? " & " : " | ");
        mask_of(p, e->kids[1], PRIMARY);
        text_put(p->text, ")");
        return;
    case OP_NOT:
        text_put(p->text, "~");
        mask_of(p, e->kids[0], PRIMARY);
        return;
    case OP_IF: choice(p, e, strength); return;
    case OP_STOP: c_print(p, e->kids[0], C_NUMBER, strength); return;
    case OP_MAX:
    case OP_MIN:
    case OP_ABS:
    case OP_SIGN:
    case OP_FLOOR:
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
    case OP_SOFTPLUS:
    case OP_MOD: call(p, op_info(e->op)->spelling, e); return;
    case OP_POW: call(p, "pow", e); return;
    case OP_FLOORDIV:
    case OP_COUNT: break;
    }
    bug("no vectors for operation %d", (int)e->op);
}

void c_wide(CPrinter *p, Expr e, int strength) {
    switch (e->kind) {
    case EXPR_READ:
        if (e->tensor->local) {
            text_put(p->text, c_declared(p, e->tensor));
            return;
        }
        text_printf(p->text, "nnc_load_%s(&", own(p));
        c_first_place(p, e->tensor, e->kids);
        text_put(p->text, ")");
        return;
    case EXPR_OP: operation(p, e, strength); return;
    case EXPR_CONST:
    case EXPR_INDEX:
    case EXPR_REDUCE:
    case EXPR_DRAW: break;
    }
    bug("no vectors for an expression of kind %d", (int)e->kind);
}

void c_first_place(CPrinter *p, const Tensor *tensor, const Expr *subscripts) {
    Expr zero = expr_number(p->program->pool, 0), first[tensor->rank + 1];
    Index *lane = (Index *)(uintptr_t)p->lane;
    for (int i = 0; i < tensor->rank; i++) first[i] = expr_substitute(p->program->pool, subscripts[i], &lane, &zero, 1);
    c_place(p, tensor, first);
}
