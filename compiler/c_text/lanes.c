/* Expressions whose value differs from lane to lane, and blocks that are transposed, as C with the vector extensions of gcc and clang:
   runtime/lanes.h.in. */
#include "c_text/c_text.h"

const char *c_vector(const CPrinter *p, int lanes) {
    return arena_printf(p->text->arena, "%c%d", p->loop->is_double ? 'd' : 'f', lanes);
}

static const char *own(const CPrinter *p) { return c_vector(p, (int)p->lane->size); }

void c_vector_of(CPrinter *p, Expr e, CKind kind) {
    bool wide = is_wide(e, p->lane);
    if (!wide) text_printf(p->text, kind == C_INTEGER ? "nnc_all_whole_%s(" : "nnc_all_%s(", own(p));
    c_print(p, e, kind, 0);
    if (!wide) text_put(p->text, ")");
}

/* Conditions that are the same in all lanes become masks, too. */
static void mask_of(CPrinter *p, Expr e, int strength) {
    bool wide = is_wide(e, p->lane);
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
static void as_whole(CPrinter *p, Expr e, int strength) { c_print(p, e, C_INTEGER, strength); }
static void as_vector(CPrinter *p, Expr e, int strength) {
    bool wide = is_wide(e, p->lane);
    if (wide) c_print(p, e, C_NUMBER, strength);
    else c_vector_of(p, e, C_NUMBER);
}
static void as_whole_vector(CPrinter *p, Expr e, int strength) {
    bool wide = is_wide(e, p->lane);
    if (wide) c_print(p, e, C_INTEGER, strength);
    else c_vector_of(p, e, C_INTEGER);
}

static void call(CPrinter *p, const char *function, Expr e) {
    text_printf(p->text, "nnc_%s_%s(", function, own(p));
    for (int i = 0; i < e->count; i++) {
        text_put(p->text, i > 0 ? ", " : "");
        c_vector_of(p, e->kids[i], C_NUMBER);
    }
    text_put(p->text, ")");
}

/* if a > b then a else b, and the like, in a lane each; false: e is another choice. */
static bool extreme(CPrinter *p, Expr e, CKind kind) {
    Expr condition = e->kids[0];
    bool above = expr_is_op(condition, OP_GT), below = expr_is_op(condition, OP_LT);
    if (kind == C_INTEGER || (!above && !below)) return false;
    bool first = e->kids[1] == condition->kids[0] && e->kids[2] == condition->kids[1];
    bool second = e->kids[1] == condition->kids[1] && e->kids[2] == condition->kids[0];
    if (!is_wide(condition, p->lane) || (!first && !second)) return false;
    text_printf(p->text, "nnc_%s_%s(", above == first ? "larger" : "smaller", own(p));
    c_vector_of(p, e->kids[1], kind);
    text_put(p->text, ", ");
    c_vector_of(p, e->kids[2], kind);
    text_put(p->text, ")");
    return true;
}

static void choice(CPrinter *p, Expr e, CKind kind, int strength) {
    if (extreme(p, e, kind)) return;
    bool wide = is_wide(e->kids[0], p->lane), wraps = !wide && strength > TERNARY;
    if (wide) text_printf(p->text, kind == C_INTEGER ? "nnc_choose_whole_%s(" : "nnc_choose_%s(", own(p));
    else text_put(p->text, wraps ? "(" : "");
    c_print(p, e->kids[0], C_CONDITION, wide ? 0 : OR);
    text_put(p->text, wide ? ", " : " ? ");
    c_vector_of(p, e->kids[1], kind);
    text_put(p->text, wide ? ", " : " : ");
    c_vector_of(p, e->kids[2], kind);
    text_put(p->text, wide || wraps ? ")" : "");
}

/* Comparisons and the logic of masks; false: e is neither. */
static bool condition(CPrinter *p, Expr e, int strength) {
    if (e->op == OP_AND || e->op == OP_OR) { /* parentheses, because & and | bind otherwise than && */
        text_put(p->text, "(");
        mask_of(p, e->kids[0], PRIMARY);
        text_put(p->text, e->op == OP_AND ? " & " : " | ");
        mask_of(p, e->kids[1], PRIMARY);
        text_put(p->text, ")");
    } else if (e->op == OP_NOT) {
        text_put(p->text, "~");
        mask_of(p, e->kids[0], PRIMARY);
    } else if (op_info(e->op)->condition) {
        bool equality = e->op == OP_EQ || e->op == OP_NE;
        bool whole = e->kids[0]->integer && e->kids[1]->integer;
        between(p, e, op_info(e->op)->spelling, equality ? EQUALITY : RELATION, strength, whole ? as_whole_vector : as_vector);
    } else {
        return false;
    }
    return true;
}

static void operation(CPrinter *p, Expr e, CKind kind, int strength) {
    if (condition(p, e, strength)) return;
    if (e->op == OP_IF) {
        choice(p, e, kind, strength);
    } else if (e->op == OP_STOP) {
        c_print(p, e->kids[0], kind, strength);
    } else if (e->op == OP_NEG) {
        text_put(p->text, UNARY < strength ? "(-" : "-");
        c_print(p, e->kids[0], kind, PRIMARY);
        text_put(p->text, UNARY < strength ? ")" : "");
    } else if (e->op == OP_ADD || e->op == OP_SUB || e->op == OP_MUL || e->op == OP_DIV) {
        bool sum = e->op == OP_ADD || e->op == OP_SUB;
        between(p, e, op_info(e->op)->spelling, sum ? SUM : PRODUCT, strength, kind == C_INTEGER ? as_whole : as_it_is);
    } else {
        call(p, e->op == OP_POW ? "pow" : op_info(e->op)->spelling, e);
    }
}

static void read_lanes(CPrinter *p, Expr e) {
    if (e->tensor->local) {
        c_place(p, e->tensor, e->kids);
        return;
    }
    text_printf(p->text, e->integer ? "nnc_load_whole_%s(&" : "nnc_load_%s(&", own(p));
    c_first_place(p, e->tensor, e->kids);
    text_put(p->text, ")");
}

bool c_loaded_once(CPrinter *p, Expr e) {
    if (!p->loop->options.fast || e->kind != EXPR_READ || e->tensor->local || e->integer || !is_wide(e, p->lane)) return false;
    text_printf(p->text, "nnc_load_once_%s(&", own(p));
    c_first_place(p, e->tensor, e->kids);
    text_put(p->text, ")");
    return true;
}

void c_wide(CPrinter *p, Expr e, CKind wanted, int strength) {
    bool converts = e->integer && wanted == C_NUMBER && !e->condition;
    if (converts) text_printf(p->text, "nnc_number_%s(", own(p));
    if (converts) strength = 0;
    switch (e->kind) {
    case EXPR_READ: read_lanes(p, e); break;
    case EXPR_OP: operation(p, e, e->integer ? C_INTEGER : C_NUMBER, strength); break;
    case EXPR_INDEX: text_printf(p->text, "nnc_lane_%s()", own(p)); break;
    case EXPR_CONST:
    case EXPR_REDUCE:
    case EXPR_DRAW: bug("no vectors for an expression of kind %d", (int)e->kind);
    }
    if (converts) text_put(p->text, ")");
}

void c_first_place(CPrinter *p, const Tensor *tensor, const Expr *subscripts) {
    Expr zero = expr_number(p->program->pool, 0), first[tensor->rank + 1];
    Index *lane = (Index *)(uintptr_t)p->lane;
    for (int i = 0; i < tensor->rank; i++) first[i] = expr_substitute(p->program->pool, subscripts[i], &lane, &zero, 1);
    c_place(p, tensor, first);
}

static long long rows_of(const Node *loop) {
    return (long long)(loop->high != NULL ? loop->high->value : (double)loop->index->size);
}

/* A block of a tensor that stands the other way round: rows of what is read become rows of what is written. */
void c_transposed(CPrinter *p, const Node *along) {
    const Node *across = along->body.at[0], *node = across->body.at[0];
    Pool *pool = p->program->pool;
    const char *v = c_vector(p, (int)along->index->size), *names[] = {"rows", "row"};
    Index *row = index_new(pool, name_of(pool_names(pool), names[1]), along->index->size);
    Tensor rows = {.local = true};
    size_t mark = c_enter(p);
    names[0] = c_declare(p, &rows, names[0]);
    names[1] = c_declare(p, row, names[1]);
    Expr to = expr_index(pool, row), at[node->target->rank + 1];
    const char *head = "NNC_UNROLLED for (int %s = 0; %s < %lld; %s++)\n    ", *row_name = names[1];
    bool fewer = across->high != NULL;
    text_printf(p->text, "nnc_%s %s[%lld]%s;\n", v, names[0], (long long)along->index->size, fewer ? " = {{0}}" : "");
    text_printf(p->text, head, row_name, row_name, rows_of(across), row_name);
    text_printf(p->text, "%s[%s] = ", names[0], row_name);
    p->lane = along->index;
    c_expression(p, expr_substitute(pool, node->value, &(Index *){across->index}, &to, 1), C_NUMBER);
    text_printf(p->text, ";\nnnc_transpose_%s(%s);\n", v, names[0]);
    text_printf(p->text, head, row_name, row_name, rows_of(along), row_name);
    text_printf(p->text, "nnc_store_%s(&", v);
    p->lane = across->index;
    for (int i = 0; i < node->target->rank; i++)
        at[i] = expr_substitute(pool, node->subscripts[i], &(Index *){along->index}, &to, 1);
    c_first_place(p, node->target, at);
    text_printf(p->text, ", %s[%s]);\n", names[0], names[1]);
    p->lane = NULL;
    c_leave(p, mark);
}
