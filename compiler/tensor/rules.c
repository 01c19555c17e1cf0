/* Applies rules.def: patterns are parsed by the language's own parser, and matched against expressions.

   Requires: nothing. Ensures: an equal expression, or NULL where no rule applies. */
#include <math.h>

#include "ast/ast.h"
#include "tensor/steps.h"

typedef struct {
    RuleFamily family;
    const char *name, *texts[3]; /* pattern, result, condition */
    const Ast *pattern, *result, *condition;
} Rule;

enum { LETTERS = 26, LOOK_LIMIT = 64, LN_DEPTH = 40 };

typedef struct {
    Expr letter[LETTERS];
    Expr reduction; /* whose indices r stands for */
} Bindings;

struct Rules {
    Program *program;
    Pool *pool;
    Vec(Rule) list;
    int depth;
    int steps; /* left for one expression: patterns that look through names could go on for long */
};

static const Rule table[] = {
#define STABLE(name, pattern, result, condition) {RULES_STABLE, name, {pattern, result, condition}, NULL, NULL, NULL},
#define LN(name, pattern, result, condition) {RULES_LN, name, {pattern, result, condition}, NULL, NULL, NULL},
#define ALGEBRA(name, pattern, result, condition) {RULES_ALGEBRA, name, {pattern, result, condition}, NULL, NULL, NULL},
#define EXACT(name, pattern, result, condition) {RULES_EXACT, name, {pattern, result, condition}, NULL, NULL, NULL},
#include "tensor/rules.def"
#undef STABLE
#undef LN
#undef ALGEBRA
#undef EXACT
};
enum { RULE_COUNT = sizeof table / sizeof *table };

/* All texts as one source of lines  x = text. */
Rules *rules_of(Program *program) {
    if (program->rules != NULL) return program->rules;
    Arena *arena = pool_arena(program->pool);
    Rules *rules = program->rules = NEW(arena, Rules);
    rules->program = program;
    rules->pool = program->pool;
    Text *text = text_new(arena);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        for (int k = 0; k < 3; k++) text_printf(text, "x = %s\n", table[i].texts[k][0] == '\0' ? "true" : table[i].texts[k]);
    }
    AstContext context = {.arena = arena, .names = pool_names(program->pool), .sources = sources_new(arena)};
    context.diagnostics = diagnostics_new(arena, context.sources);
    const char *all = text_string(text);
    AstList items = parse_source(&context, source_add(context.sources, "rules.def", all, strlen(all), true));
    if (items.count != 3 * RULE_COUNT) bug("rules.def: %zu of %d texts parse", items.count, 3 * RULE_COUNT);
    for (size_t i = 0; i < RULE_COUNT; i++) {
        Rule rule = table[i];
        rule.pattern = items.at[3 * i]->x;
        rule.result = items.at[3 * i + 1]->x;
        rule.condition = items.at[3 * i + 2]->x;
        vec_push(arena, &rules->list, rule);
    }
    return rules;
}

/* ---- What an operator of the language is called among the elementary functions */

static bool op_of_ast(const Ast *ast, Op *op) {
    static const struct {
        AstOp written;
        Op op;
    } same[] = {{AST_ADD, OP_ADD},   {AST_SUBTRACT, OP_SUB}, {AST_MULTIPLY, OP_MUL}, {AST_DIVIDE, OP_DIV},
                {AST_POWER, OP_POW}, {AST_NEGATE, OP_NEG},   {AST_AND, OP_AND},      {AST_EQUAL, OP_EQ}};
    if (ast->kind == AST_IF) {
        *op = OP_IF;
        return true;
    }
    if (ast->kind == AST_CALL) return op_find(ast->name, op);
    if (ast->kind != AST_UNARY && ast->kind != AST_BINARY) return false;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (same[i].written == ast->op) {
            *op = same[i].op;
            return true;
        }
    }
    return false;
}

static const Ast *operand(const Ast *ast, int i) {
    if (ast->kind == AST_CALL) return ast->list.at[i];
    return i == 0 ? ast->x : i == 1 ? ast->y : ast->z;
}

static bool number_in(const Ast *ast, double *number) {
    bool negative = ast->kind == AST_UNARY && ast->op == AST_NEGATE && ast->x->kind == AST_NUMBER;
    if (ast->kind != AST_NUMBER && !negative) return false;
    *number = negative ? -ast->x->number : ast->number;
    return true;
}

/* ---- Matching */

/* The definition behind a name, or e itself. */
static Expr look(Rules *rules, Expr e) {
    for (int i = 0; i < LOOK_LIMIT; i++) {
        const Statement *s = e->kind == EXPR_READ && !e->has_default ? e->tensor->definition : NULL;
        if (s == NULL || s->subscripts != NULL || s->scan != NULL || s->value->draws || e->tensor->index_range > 0) return e;
        e = expr_substitute(rules->pool, s->value, s->indices, e->kids, s->count);
    }
    return e;
}

static bool match(Rules *rules, const Ast *pattern, Expr e, Bindings *b, bool looking) {
    double number;
    Op op;
    if (--rules->steps < 0) return false;
    if (pattern->kind == AST_NAME) {
        Expr *letter = &b->letter[pattern->name[0] - 'a'];
        if (*letter == NULL) *letter = e;
        return *letter == e;
    }
    if (looking) e = look(rules, e);
    if (number_in(pattern, &number)) return expr_is(e, number);
    if (pattern->kind == AST_REDUCE) {
        if (e->kind != EXPR_REDUCE || strcmp(reduction_name(e->reduction), pattern->name) != 0) return false;
        b->reduction = e;
        return match(rules, pattern->x, e->kids[0], b, looking);
    }
    if (!op_of_ast(pattern, &op) || !expr_is_op(e, op) || e->integer) return false;
    Bindings before = *b;
    bool all = true;
    for (int i = 0; i < e->count && all; i++) all = match(rules, operand(pattern, i), e->kids[i], b, looking);
    if (all || (op != OP_ADD && op != OP_MUL)) return all;
    *b = before;
    return match(rules, operand(pattern, 0), e->kids[1], b, looking) && match(rules, operand(pattern, 1), e->kids[0], b, looking);
}

/* ---- Building */

static Expr ln(Rules *rules, Expr e);

static Expr build(Rules *rules, const Ast *ast, const Bindings *b) {
    double number;
    Op op;
    if (ast->kind == AST_NAME) return b->letter[ast->name[0] - 'a'];
    if (number_in(ast, &number)) return expr_number(rules->pool, number);
    if (ast->kind == AST_REDUCE) {
        Expr body = build(rules, ast->x, b), from = b->reduction;
        if (body == NULL) return NULL;
        if (strcmp(ast->name, "logsumexp") == 0) return logsumexp_of(rules->program, from->bound, from->bound_count, body);
        return expr_reduce(rules->pool, REDUCE_SUM, from->bound, from->bound_count, body);
    }
    if (ast->kind == AST_CALL && strcmp(ast->name, "ln") == 0) {
        Expr argument = build(rules, ast->list.at[0], b);
        return argument == NULL ? NULL : ln(rules, argument);
    }
    if (!op_of_ast(ast, &op)) bug("rules.def: an operator that has no meaning in a result");
    Expr kids[3];
    for (int i = 0; i < op_info(op)->arity; i++) {
        kids[i] = build(rules, operand(ast, i), b);
        if (kids[i] == NULL) return NULL;
    }
    return expr_op(rules->pool, op, kids);
}

/* ---- Conditions */

static bool contains_logsumexp(Expr e) {
    if (!e->reduces) return false;
    if (e->kind == EXPR_REDUCE && e->reduction == REDUCE_LOGSUMEXP) return true;
    for (int k = 0; k < e->count; k++) {
        if (contains_logsumexp(e->kids[k])) return true;
    }
    return false;
}

static bool is_one_hot(Expr e, Expr reduction) {
    if (reduction->bound_count != 1 || e->kind != EXPR_READ || e->has_default || !e->tensor->facts.one_hot) return false;
    const Index *index = reduction->bound[0];
    Expr last = e->kids[e->tensor->rank - 1];
    for (int i = 0; i + 1 < e->tensor->rank; i++) {
        if (expr_depends(e->kids[i], index)) return false;
    }
    return last->kind == EXPR_INDEX && last->index == index && index->size == e->tensor->shape[e->tensor->rank - 1];
}

/* A recursion such as a[t, k] = ln(e^a[t-1, k] + (e^a[t-1, k-1] default -inf)) begins at ln 0, and so do the tensors that read it. */
typedef struct {
    Pool *pool;
    bool *seen; /* by tensor id */
    bool found;
} Infinite;

static void look_for_infinite(void *context, Expr e) {
    Infinite *search = context;
    if (e->kind == EXPR_CONST && isinf(e->value)) search->found = true;
    if (e->kind != EXPR_READ || e->tensor->definition == NULL || search->seen[e->tensor->id] || search->found) return;
    search->seen[e->tensor->id] = true;
    expr_visit(search->pool, e->tensor->definition->value, look_for_infinite, search);
}

static bool may_be_infinite(Rules *rules, Expr e) {
    Arena *scratch = arena_new();
    Infinite search = {.pool = rules->pool, .seen = NEW_ARRAY(scratch, bool, rules->program->all.count + 1)};
    look_for_infinite(&search, e);
    if (!search.found) expr_visit(rules->pool, e, look_for_infinite, &search);
    arena_free(scratch);
    return search.found;
}

static bool holds(Rules *rules, const Ast *condition, const Bindings *b) {
    if (condition->kind == AST_BOOLEAN) return true;
    if (condition->kind == AST_BINARY) return holds(rules, condition->x, b) && holds(rules, condition->y, b);
    Expr a = b->letter[condition->list.at[0]->name[0] - 'a'];
    const char *name = condition->name;
    if (strcmp(name, "positive") == 0) return is_positive(a);
    if (strcmp(name, "not_negative") == 0) return is_not_negative(a);
    if (strcmp(name, "zero") == 0) {
        Expr log = ln(rules, a);
        return log != NULL && may_be_infinite(rules, log);
    }
    if (strcmp(name, "constant") == 0) return a->kind == EXPR_CONST;
    if (strcmp(name, "apart") == 0) return !expr_depends_any(a, b->reduction->bound, b->reduction->bound_count);
    if (strcmp(name, "one_hot") == 0) return is_one_hot(a, b->reduction);
    if (strcmp(name, "summed") == 0) {
        Expr log = ln(rules, a);
        return log != NULL && contains_logsumexp(log);
    }
    bug("rules.def: there is no condition '%s'", name);
}

/* ---- Applying */

static Expr ln(Rules *rules, Expr e) {
    e = look(rules, e);
    if (e->kind == EXPR_CONST && !e->condition && e->value >= 0) return expr_op1(rules->pool, OP_LOG, e);
    if (++rules->depth > LN_DEPTH) {
        rules->depth--;
        return NULL;
    }
    Expr result = NULL;
    for (size_t i = 0; i < rules->list.count && result == NULL; i++) {
        const Rule *rule = &rules->list.at[i];
        Bindings b = {0};
        if (rule->family != RULES_LN || !match(rules, rule->pattern, e, &b, true) || !holds(rules, rule->condition, &b)) continue;
        result = build(rules, rule->result, &b);
    }
    rules->depth--;
    return result;
}

static Expr apply_family(Rules *rules, RuleFamily family, Expr e, const char **name) {
    for (size_t i = 0; i < rules->list.count; i++) {
        const Rule *rule = &rules->list.at[i];
        Bindings b = {0};
        Op op;
        if (rule->family != family || !op_of_ast(rule->pattern, &op) || !expr_is_op(e, op)) continue;
        if (!match(rules, rule->pattern, e, &b, family == RULES_STABLE)) continue;
        if (!holds(rules, rule->condition, &b)) continue;
        Expr result = build(rules, rule->result, &b);
        if (result == NULL || result == e) continue;
        *name = rule->name;
        return result;
    }
    return NULL;
}

Expr rules_apply(Rules *rules, RuleFamily family, Expr e, const char **name) {
    rules->steps = family == RULES_STABLE ? 20000 : 2000;
    return e->kind == EXPR_OP && !e->condition && !e->integer ? apply_family(rules, family, e, name) : NULL;
}
