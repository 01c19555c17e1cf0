/* The tree as .nn text.

   In: what the parser built. Out: text that parses to the same tree, each item on a line of its own:

       ASSIGN y (BINARY * (BINARY + a b) c)     ->   y = (a + b) * c

   A read with 'default' is put into parentheses wherever it is an operand: `x[i] default 0 + 1` would parse, but mislead. */
#include "ast/ast.h"

/* How tightly a construct holds together; an operand that holds less gets parentheses. */
typedef enum { ANY, DEFAULTED, PIPE, OR, AND, NOT, COMPARISON, RANGE, SUM, PRODUCT, NEGATIVE, POWER, PRIMARY } Level;

typedef struct {
    const char *sign;
    Level level, left, right;
} Operator;

static Operator operator_of(AstOp op) {
    switch (op) {
    case AST_ADD: return (Operator){"+", SUM, SUM, PRODUCT};
    case AST_SUBTRACT: return (Operator){"-", SUM, SUM, PRODUCT};
    case AST_MULTIPLY: return (Operator){"*", PRODUCT, PRODUCT, NEGATIVE};
    case AST_DIVIDE: return (Operator){"/", PRODUCT, PRODUCT, NEGATIVE};
    case AST_MOD: return (Operator){"mod", PRODUCT, PRODUCT, NEGATIVE};
    case AST_POWER: return (Operator){"^", POWER, PRIMARY, NEGATIVE};
    case AST_LESS: return (Operator){"<", COMPARISON, RANGE, RANGE};
    case AST_LESS_EQUAL: return (Operator){"<=", COMPARISON, RANGE, RANGE};
    case AST_GREATER: return (Operator){">", COMPARISON, RANGE, RANGE};
    case AST_GREATER_EQUAL: return (Operator){">=", COMPARISON, RANGE, RANGE};
    case AST_EQUAL: return (Operator){"==", COMPARISON, RANGE, RANGE};
    case AST_NOT_EQUAL: return (Operator){"!=", COMPARISON, RANGE, RANGE};
    case AST_AND: return (Operator){"and", AND, AND, NOT};
    case AST_OR: return (Operator){"or", OR, OR, AND};
    case AST_NOT: return (Operator){"not ", NOT, NOT, NOT};
    case AST_NEGATE: return (Operator){"-", NEGATIVE, NEGATIVE, NEGATIVE};
    case DEFINES_FUNCTION: return (Operator){"function", ANY, ANY, ANY};
    case DEFINES_LAYER: return (Operator){"layer", ANY, ANY, ANY};
    case DEFINES_LOSS: return (Operator){"loss", ANY, ANY, ANY};
    case DEFINES_METRIC: return (Operator){"metric", ANY, ANY, ANY};
    case DEFINES_OPTIMIZER: return (Operator){"optimizer", ANY, ANY, ANY};
    }
    bug("an operator %d", (int)op);
}

static Level level_of(const Ast *e) {
    if (e->kind == AST_IF) return ANY;
    if (e->kind == AST_SUBSCRIPT && e->y != NULL) return DEFAULTED;
    if (e->kind == AST_CALL && e->x != NULL) return PIPE;
    if (e->kind == AST_RANGE) return RANGE;
    if (e->kind == AST_UNARY || e->kind == AST_BINARY) return operator_of(e->op).level;
    return PRIMARY;
}

static void put_expression(Text *text, const Ast *e, Level least);
static void put_body(Text *text, const AstList *body);

static void put_list(Text *text, const char *open, const AstList *list, const char *close) {
    text_put(text, open);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) text_put(text, ", ");
        put_expression(text, list->at[i], ANY);
    }
    text_put(text, close);
}

static void put_call(Text *text, const Ast *e) {
    if (e->x != NULL) {
        put_expression(text, e->x, PIPE);
        text_put(text, " -> ");
    }
    text_put(text, e->name);
    if (!e->bare) put_list(text, "(", &e->list, ")");
}

static void put_subscript(Text *text, const Ast *e) {
    put_expression(text, e->x, PRIMARY);
    put_list(text, "[", &e->list, "]");
    if (e->y == NULL) return;
    text_put(text, " default ");
    bool negative = e->y->kind == AST_UNARY && e->y->op == AST_NEGATE;
    if (negative) text_put(text, "-");
    put_expression(text, negative ? e->y->x : e->y, PRIMARY);
}

static void put_binary(Text *text, const Ast *e) {
    Operator operator= operator_of(e->op);
    put_expression(text, e->x, operator.left);
    if (e->op == AST_POWER) text_put(text, "^");
    else text_printf(text, " %s ", operator.sign);
    put_expression(text, e->y, operator.right);
}

/* input x[4] : index(3) = 0 */
static void put_declared(Text *text, const Ast *e) {
    text_put(text, e->name);
    if (e->list.count > 0) put_list(text, "[", &e->list, "]");
    if (e->type == NULL) return;
    text_printf(text, " : %s(", e->type);
    put_expression(text, e->x, ANY);
    text_put(text, ")");
}

static void put_parameter(Text *text, const Ast *e) {
    put_declared(text, e);
    if (e->rest) text_put(text, "...");
    if (e->y == NULL) return;
    text_put(text, " = ");
    put_expression(text, e->y, ANY);
}

static void put_definition(Text *text, const Ast *e) {
    text_printf(text, "%s %s", operator_of(e->op).sign, e->name);
    put_list(text, "(", &e->list, ")");
    if (e->x != NULL) {
        text_put(text, " = ");
        put_expression(text, e->x, ANY);
        return;
    }
    if (e->y != NULL) {
        text_put(text, " -> ");
        put_expression(text, e->y, ANY);
    }
    put_body(text, &e->body);
}

static void put_scan(Text *text, const Ast *e) {
    text_printf(text, "scan %s", e->name);
    if (e->x != NULL) {
        text_put(text, " in ");
        put_expression(text, e->x, RANGE);
    }
    if (e->reversed) text_put(text, " reversed");
    put_body(text, &e->body);
}

static void put_assign(Text *text, const char *word, const Ast *e) {
    text_printf(text, "%s%s", word, e->name);
    if (e->list.count > 0) put_list(text, "[", &e->list, "]");
    text_put(text, " = ");
    put_expression(text, e->x, ANY);
}

static void put_bare(Text *text, const Ast *e) {
    switch (e->kind) {
    case AST_NUMBER: text_number(text, e->number); break;
    case AST_BOOLEAN: text_put(text, e->number != 0 ? "true" : "false"); break;
    case AST_STRING: text_printf(text, "\"%s\"", e->name); break;
    case AST_NAME: text_put(text, e->name); break;
    case AST_UNARY:
        text_put(text, operator_of(e->op).sign);
        put_expression(text, e->x, operator_of(e->op).right);
        break;
    case AST_BINARY: put_binary(text, e); break;
    case AST_IF:
        text_put(text, "if ");
        put_expression(text, e->x, ANY);
        text_put(text, " then ");
        put_expression(text, e->y, ANY);
        text_put(text, " else ");
        put_expression(text, e->z, ANY);
        break;
    case AST_RANGE:
        put_expression(text, e->x, SUM);
        text_put(text, "..");
        put_expression(text, e->y, SUM);
        break;
    case AST_LIST: put_list(text, "[", &e->list, "]"); break;
    case AST_CALL: put_call(text, e); break;
    case AST_ARGUMENT:
        text_printf(text, "%s = ", e->name);
        put_expression(text, e->x, ANY);
        break;
    case AST_BINDER:
        text_printf(text, "%s in ", e->name);
        put_expression(text, e->x, RANGE);
        break;
    case AST_REDUCE:
        text_put(text, e->name);
        put_list(text, "(", &e->list, ": ");
        put_expression(text, e->x, ANY);
        text_put(text, ")");
        break;
    case AST_SUBSCRIPT: put_subscript(text, e); break;
    case AST_MODEL: text_printf(text, "model %s", e->name); break;
    case AST_IMPORT: text_printf(text, "import \"%s\"", e->name); break;
    case AST_INPUT:
        text_put(text, "input ");
        put_declared(text, e);
        break;
    case AST_TARGET:
        text_put(text, "target ");
        put_declared(text, e);
        break;
    case AST_ASSIGN: put_assign(text, "", e); break;
    case AST_PARAM: put_assign(text, "param ", e); break;
    case AST_STATE: put_assign(text, "state ", e); break;
    case AST_SCAN: put_scan(text, e); break;
    case AST_SETTING:
        text_printf(text, "%s = ", operator_of(e->op).sign);
        put_expression(text, e->x, ANY);
        break;
    case AST_PREDICT: put_list(text, "predict ", &e->list, ""); break;
    case AST_FREEZE: put_list(text, "freeze ", &e->list, ""); break;
    case AST_DATA:
        text_printf(text, "data %s", e->name);
        put_body(text, &e->body);
        break;
    case AST_TRAIN:
        text_put(text, "train");
        put_body(text, &e->body);
        break;
    case AST_DEFINITION: put_definition(text, e); break;
    case AST_PARAMETER: put_parameter(text, e); break;
    case AST_RESULT: put_declared(text, e); break;
    case AST_DOTS: text_put(text, "..."); break;
    case AST_REST: text_printf(text, "%s...", e->name); break;
    }
}

static void put_expression(Text *text, const Ast *e, Level least) {
    bool parentheses = level_of(e) < least;
    if (parentheses) text_put(text, "(");
    put_bare(text, e);
    if (parentheses) text_put(text, ")");
}

static void put_body(Text *text, const AstList *body) {
    text_put(text, " {\n");
    text->indent++;
    for (size_t i = 0; i < body->count; i++) {
        put_bare(text, body->at[i]);
        text_put(text, "\n");
    }
    text->indent--;
    text_put(text, "}");
}

/* An empty line stands around what has a block. */
static bool has_block(const Ast *item) {
    return item->kind == AST_DATA || item->kind == AST_TRAIN || item->kind == AST_SCAN ||
           (item->kind == AST_DEFINITION && item->x == NULL);
}

void ast_print(Text *text, const AstList *items) {
    for (size_t i = 0; i < items->count; i++) {
        if (i > 0 && (has_block(items->at[i]) || has_block(items->at[i - 1]))) text_put(text, "\n");
        put_bare(text, items->at[i]);
        text_put(text, "\n");
    }
}

void ast_print_expression(Text *text, const Ast *expression) { put_expression(text, expression, ANY); }
