/* Blocks, loops, local variables and stores as C. */
#include "c_text/c_text.h"

/* "for (int i = 0; i < 784; i++)", four at a time "for (int j = 0; j + 4 <= 10; j += 4)", the rest "for (int j = 8; j < 10; j++)" */
static void print_bound(CPrinter *p, Expr bound, int64_t otherwise) {
    if (bound == NULL) text_printf(p->text, "%lld", (long long)otherwise);
    else c_print(p, bound, C_INTEGER, RELATION + 1);
}

/* "for (int u = 0 > r - 9 ? 0 : r - 9; u < (5 < r + 1 ? 5 : r + 1); u++)" */
static void print_clipped_head(CPrinter *p, const Node *node, const char *name) {
    text_printf(p->text, "for (%s %s = ", c_index_type(node->index->size), name);
    print_bound(p, node->low, node->index->first);
    text_printf(p->text, "; %s < ", name);
    print_bound(p, node->high, node->index->size);
    text_printf(p->text, "; %s++) {\n", name);
}

/* "for (int e = 0; e < (32 < examples - b ? 32 : examples - b); e++)", and those that are not there: "for (int e = examples - b; e < 32; ..." */
static void print_head_within(CPrinter *p, const Node *node, const char *name) {
    Text *left = text_new(p->text->arena), *outer = p->text;
    p->text = left;
    if (node->within->batch) text_put(left, "examples");
    else text_printf(left, "%lld", (long long)node->within->size);
    if (node->from->kind != EXPR_CONST) {
        text_put(left, " - ");
        c_print(p, node->from, C_INTEGER, SUM + 1);
    }
    p->text = outer;
    const long long size = node->index->size;
    const char *there = text_string(left);
    text_printf(p->text, "for (%s %s = %s; %s < ", c_index_type(size), name, node->beyond ? there : "0", name);
    if (node->beyond) text_printf(p->text, "%lld", size);
    else if (node->from->kind == EXPR_CONST) text_put(p->text, there);
    else text_printf(p->text, "(%lld < %s ? %lld : %s)", size, there, size, there);
    text_printf(p->text, "; %s++) {\n", name);
}

static void print_loop_head(CPrinter *p, const Node *node, const char *name) {
    Arena *arena = p->text->arena;
    int64_t size = node->index->size;
    const char *type = c_index_type(size), *end = node->index->batch ? "examples" : arena_printf(arena, "%lld", (long long)size);
    const char *from = arena_printf(arena, "%lld", (long long)node->index->first);
    const char *first = node->rest == 0      ? from
                        : node->index->batch ? arena_printf(arena, "examples - examples %% %d", node->rest)
                                             : arena_printf(arena, "%lld", (long long)(size - size % node->rest));
    if (node->step > 1 && !node->all && p->loop->options.threads > 1) { /* the form that OpenMP understands */
        const char *last = node->index->batch ? arena_printf(arena, "examples - %d", node->step)
                                              : arena_printf(arena, "%lld", (long long)(size - node->step));
        text_printf(p->text, "for (%s %s = %s; %s <= %s; %s += %d) {\n", type, name, first, name, last, name, node->step);
        return;
    }
    if (node->step > 1) {
        const char *whole = node->all ? name : arena_printf(arena, "%s + %d", name, node->step);
        text_printf(p->text, "for (%s %s = %s; %s %s %s; %s += %d) {\n", type, name, first, whole, node->all ? "<" : "<=", end,
                    name, node->step);
        return;
    }
    if (node->reversed) {
        text_printf(p->text, "for (%s %s = %lld; %s >= %s; %s--) {\n", type, name, (long long)size - 1, name, from, name);
        return;
    }
    text_printf(p->text, "for (%s %s = %s; %s < %s; %s++) {\n", type, name, first, name, end, name);
}

/* What lanes do at once needs no loop. */
static void print_lanes(CPrinter *p, const Node *node) {
    const Node *first = node->body.at[0];
    if (first->kind == NODE_LOOP && first->index->lanes) {
        c_transposed(p, node);
        return;
    }
    p->lane = node->index;
    c_nodes(p, &node->body);
    p->lane = NULL;
}

static void look_for_choice(void *context, Expr e) { *(bool *)context |= expr_is_op(e, OP_IF) || e->has_default; }

static bool chooses(const CPrinter *p, const Nodes *nodes) {
    bool any = false;
    for (size_t i = 0; i < nodes->count; i++) {
        node_visit(p->program->pool, nodes->at[i], look_for_choice, &any);
        any |= chooses(p, &nodes->at[i]->body);
    }
    return any;
}

/* The line before a loop that sums in any order, for runtime/sums.h; returns whether its body has one, too. */
static bool print_any_order(CPrinter *p, const Node *node) {
    enum { ONE = 8, ALL = 16 /* numbers: one vector of AVX, and all vectors there are */ };
    const int64_t count = node->index->size - node->index->first;
    bool clipped = node->low != NULL || node->high != NULL, filled = (count == ONE || count % ALL == 0) && !clipped;
    bool own = count >= ALL && !clipped && !chooses(p, &node->body);
    text_put(p->text, !own ? "NNC_SHORT_SUMS(" : filled && !node->index->batch ? "NNC_SUMS(" : "NNC_UNEVEN_SUMS(");
    for (size_t i = 0; i < node->any_order.count; i++)
        text_printf(p->text, "%s%s", i == 0 ? "" : ", ", c_declared(p, node->any_order.at[i]));
    text_put(p->text, ")\n");
    return own;
}

static void print_loop(CPrinter *p, const Node *node) {
    size_t mark = c_enter(p);
    if (node->index->lanes) {
        print_lanes(p, node);
        return;
    }
    const char *name =
        c_declared(p, node->index) != NULL ? c_declared(p, node->index) : c_declare(p, node->index, node->index->name);
    bool any_order = node->any_order.count > 0 && print_any_order(p, node);
    if (node->parallel > 0) {
        text_printf(p->text, "#pragma omp for schedule(static)%s", p->unwaited || node->unwaited ? " nowait" : "");
        if (node->parallel > 1) text_printf(p->text, " collapse(%d)", node->parallel);
        text_put(p->text, "\n");
    }
    if (node->parallel > 0) p->taken = node->parallel;
    const char *how = node->unrolled       ? "NNC_UNROLLED "
                      : node->independent  ? "NNC_INDEPENDENT "
                      : node->not_unrolled ? "NNC_NOT_UNROLLED "
                                           : "";
    text_put(p->text, p->taken > 0 ? "" : how);
    p->taken -= p->taken > 0;
    if (node->within != NULL) print_head_within(p, node, name);
    else if (node->low != NULL || node->high != NULL) print_clipped_head(p, node, name);
    else print_loop_head(p, node, name);
    p->text->indent++;
    if (any_order) text_put(p->text, "NNC_ANY_ORDER\n");
    p->unwaited |= node->meet;
    c_nodes(p, &node->body);
    p->unwaited &= !node->meet;
    p->text->indent--;
    text_put(p->text, "}\n");
    if (node->meet && !node->unwaited) text_put(p->text, "#pragma omp barrier\n");
    c_leave(p, mark);
}

static void print_if(CPrinter *p, const Node *node) {
    size_t mark = c_enter(p);
    text_put(p->text, "if (");
    c_print(p, node->value, C_INTEGER, 0);
    text_put(p->text, ") {\n");
    p->text->indent++;
    c_nodes(p, &node->body);
    p->text->indent--;
    text_put(p->text, "}\n");
    c_leave(p, mark);
}

static CKind kind_of(const Tensor *tensor) { return tensor->index_range > 0 ? C_INTEGER : C_NUMBER; }

static const char *type_of(const CPrinter *p, const Tensor *local) {
    bool whole = local->index_range > 0;
    if (local->lanes == 0) return whole ? "int32_t" : c_number_type(p->loop);
    return arena_printf(p->text->arena, whole ? "nnc_mask_%s" : "nnc_%s", c_vector(p, local->lanes));
}

/* const nnc_f16 sums[4] = {sum_0_0, sum_0_1, sum_1_0, sum_1_1}; */
static void print_array(CPrinter *p, const Node *node) {
    const Tensor *array = node->target;
    text_printf(p->text, "%s%s %s[%lld]", node->constant ? "const " : "", type_of(p, array), c_declare(p, array, array->name),
                (long long)array->shape[0]);
    for (size_t k = 0; k < node->elements.count; k++) {
        text_put(p->text, k == 0 ? " = {" : ", ");
        if (array->lanes > 0) c_vector_of(p, node->elements.at[k], kind_of(array));
        else c_expression(p, node->elements.at[k], kind_of(array));
    }
    text_put(p->text, node->elements.count > 0 ? "};\n" : ";\n");
}

/* Sums of a tile begin together: nnc_f16 sum_0 = {0}, sum_1 = {0}; returns how many there are. */
static size_t print_beginnings(CPrinter *p, const Nodes *nodes, size_t from) {
    size_t count = 0;
    for (; from + count < nodes->count; count++) {
        const Node *node = nodes->at[from + count], *first = nodes->at[from];
        bool begins = node->kind == NODE_LET && node->alone == 0 && !node->constant && node->target->lanes > 0 &&
                      !node->target->array && node->value == first->value && node->value->kind == EXPR_CONST &&
                      node->target->lanes == first->target->lanes && node->target->index_range == first->target->index_range;
        if (!begins) break;
    }
    for (size_t i = 0; i < count && count > 1; i++) {
        const Node *node = nodes->at[from + i];
        if (i == 0) text_printf(p->text, "%s ", type_of(p, node->target));
        text_printf(p->text, "%s%s = ", i > 0 ? ", " : "", c_declare(p, node->target, node->target->name));
        if (node->value->value == 0) text_put(p->text, "{0}");
        else c_vector_of(p, node->value, kind_of(node->target));
    }
    if (count > 1) text_put(p->text, ";\n");
    return count > 1 ? count : 0;
}

static void print_let(CPrinter *p, const Node *node) {
    if (node->target->array) {
        print_array(p, node);
        return;
    }
    const char *type = type_of(p, node->target);
    Text *outer = p->text, *value = text_new(outer->arena);
    p->text = value; /* the value is printed before the name is in scope */
    if (node->across_lanes) {
        text_printf(value, "nnc_sum_%s(", c_vector(p, node->value->tensor->lanes));
        c_expression(p, node->value, C_NUMBER);
        text_put(value, ")");
    } else if (node->target->lanes > 0) {
        if (!node->constant || !c_loaded_once(p, node->value)) c_vector_of(p, node->value, kind_of(node->target));
    } else {
        c_expression(p, node->value, kind_of(node->target));
    }
    p->text = outer;
    const char *name = c_declare(p, node->target, node->target->name);
    text_printf(p->text, "%s%s %s = ", node->constant ? "const " : "", type, name);
    text_put(p->text, text_string(value));
    text_put(p->text, ";\n");
}

/* sum = sum + x reads better as sum += x, and is the same */
static bool changes_itself(const Node *node, Op op) {
    Expr e = node->value;
    if (!expr_is_op(e, op) || e->kids[0]->kind != EXPR_READ || e->kids[0]->tensor != node->target || e->kids[0]->has_default)
        return false;
    for (int i = 0; node->subscripts != NULL && i < node->target->rank; i++) {
        if (e->kids[0]->kids[i] != node->subscripts[i]) return false;
    }
    return true;
}

/* nnc_store_f16(&work->h[b][16 * j], sum) */
static void print_vector_store(CPrinter *p, const Node *node) {
    CKind kind = kind_of(node->target);
    text_printf(p->text, kind == C_INTEGER ? "nnc_store_whole_%s(&" : "nnc_store_%s(&", c_vector(p, (int)p->lane->size));
    c_first_place(p, node->target, node->subscripts);
    text_put(p->text, ", ");
    c_vector_of(p, node->value, kind);
    text_put(p->text, ");\n");
}

static bool stores_lanes(const CPrinter *p, const Node *node) {
    bool any = false;
    for (int i = 0; p->lane != NULL && node->subscripts != NULL && i < node->target->rank; i++)
        any |= expr_depends(node->subscripts[i], p->lane);
    return any;
}

static void print_assignment(CPrinter *p, const Node *node) {
    if (stores_lanes(p, node)) {
        print_vector_store(p, node);
        return;
    }
    bool adds = changes_itself(node, OP_ADD), subtracts = changes_itself(node, OP_SUB);
    c_place(p, node->target, node->subscripts);
    text_put(p->text, adds ? " += " : subtracts ? " -= " : " = ");
    if (node->target->lanes > 0 && !adds && !subtracts) c_vector_of(p, node->value, kind_of(node->target));
    else c_expression(p, adds || subtracts ? node->value->kids[1] : node->value, kind_of(node->target));
    text_put(p->text, ";\n");
}

static void print_backwards(CPrinter *p) {
    if (p->annotate == 0) return;
    if (!text_ends_in(p->text, "{\n")) text_put(p->text, "\n");
    text_put(p->text, "/* ---- Backwards: dx is the derivative of the loss with respect to x, by the chain rule */\n");
}

bool c_is_divided(const CPrinter *p) { return micro_of(p->loop, p->routine) != NULL; }

/* Of a part that is one micro-batch, that is the first; the update of all parts is a function of its own. */
bool c_asks(const CPrinter *p, When when) {
    const MicroBatches *micro = micro_of(p->loop, p->routine);
    if (micro == NULL || micro->parts == 1) return when != ALWAYS;
    return when == IF_FIRST && micro->share > micro->size;
}

static const char *const occasions[] = {
    [ALWAYS] = "",
    [IF_FIRST] = "For the first example of a call; for the others this is done at the end of the step before:\n   ",
    [IF_LAST] = "After the last example of a call:\n   ",
    [UNLESS_LAST] =
        "Unless it was the last: weights are read once, for their update and for the next example, which is in[1]:\n   "};

/* What stands side by side: "examples", "values of o" */
static const char *elements_of(CPrinter *p, const Node *block) {
    IndexNames names = statement_index_names(p->text->arena, block->statements.at[0]);
    if (block->turned_along->batch) return "examples";
    const char *name = block->turned_along->name;
    for (size_t i = 0; i < names.count; i++) {
        if (names.at[i].index == block->turned_along) name = names.at[i].name;
    }
    return arena_printf(p->text->arena, "values of %s", name);
}

/* The formulas that the block computes, in the names of the model, and where they come from. */
static void print_formulas(CPrinter *p, const Node *block) {
    if (p->annotate == 0) return;
    for (size_t i = 0; i < block->statements.count; i++) {
        const Statement *s = block->statements.at[i];
        Text *formula = text_new(p->text->arena);
        statement_print(formula, s);
        bool first = i == 0 && !text_ends_in(p->text, "{\n");
        text_put(p->text, first ? "\n/* " : i == 0 ? "/* " : "   ");
        if (i == 0 && !c_is_divided(p)) text_put(p->text, occasions[block->when]);
        if (s->origin.span.source != 0) {
            text_printf(p->text, "%s:%u   ", c_model_file(p->text->arena, p->loop->model),
                        source_place(p->sources, s->origin.span.source, s->origin.span.begin).line);
        }
        text_put(p->text, text_string(formula));
        if (p->annotate > 1) {
            if (*s->origin.rule != '\0') text_printf(p->text, "\n       %s", s->origin.rule);
            for (size_t r = 0; r < s->rewrites.count; r++) text_printf(p->text, "\n       rewritten: %s", s->rewrites.at[r]);
            if (s->note != NULL) text_printf(p->text, "\n       %s", s->note);
        }
        text_put(p->text, i + 1 < block->statements.count ? "\n" : "");
    }
    if (p->annotate > 1 && block->choice != NULL) text_printf(p->text, "\n       %s", block->choice);
    if (block->own_terms)
        text_put(p->text, "\n   Each element has the terms that are not 0: those with an index out of range are left out.");
    if (block->turned > 0) {
        text_printf(p->text, "\n   %d %s at a time", block->turned, elements_of(p, block));
        if (block->turned_zeros > 0) text_printf(p->text, ", with zeros up to %d", block->turned + block->turned_zeros);
        text_put(p->text, ": what they read stands side by side, so that their sums, each in its order, can be vectors.");
    }
    text_put(p->text, " */\n");
}

static bool is_cut(const Nodes *nodes, const Index *index) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        if ((node->index != NULL && node->index->piece_of == index) || is_cut(&node->body, index)) return true;
    }
    return false;
}

/* A scan: its statements stand below, each with its formula. */
static void print_scan_head(CPrinter *p, const Scan *scan) {
    if (p->annotate == 0) return;
    const char *name = scan->index->name;
    text_printf(p->text, "%s/* ", text_ends_in(p->text, "{\n") ? "" : "\n");
    if (scan->reversed) text_printf(p->text, "Step by step, from %s = %lld down to 0", name, (long long)scan->index->size - 1);
    else text_printf(p->text, "Step by step, from %s = 0 to %lld", name, (long long)scan->index->size - 1);
    text_put(p->text, ": each step needs what the one before it found. */\n");
}

static void print_for_steps_head(CPrinter *p) {
    if (p->annotate == 0) return;
    text_printf(
        p->text,
        "%s/* Before the first step: copies of parameters that all steps read, turned round: neighbours stand side by side. */\n",
        text_ends_in(p->text, "{\n") ? "" : "\n");
}

static const char *const conditions[] = {[IF_FIRST] = "begins", [IF_LAST] = "ends", [UNLESS_LAST] = "!ends"};
static void print_block(CPrinter *p, const Node *node) {
    if (node == p->backwards) print_backwards(p);
    if (node->scan != NULL) print_scan_head(p, node->scan);
    else if (node->for_steps) print_for_steps_head(p);
    else print_formulas(p, node);
    size_t mark = c_enter(p);
    for (size_t i = 0; i < node->statements.count && !node->lines && node->scan == NULL;
         i++) { /* loop variables are called as in the formula */
        IndexNames names = statement_index_names(p->text->arena, node->statements.at[i]);
        for (size_t k = 0; k < names.count; k++) {
            if (c_declared(p, names.at[k].index) == NULL && !is_cut(&node->body, names.at[k].index))
                c_declare(p, names.at[k].index, names.at[k].name);
        }
    }
    bool asks = node->when != ALWAYS && !c_is_divided(p), braces = node->scoped || asks;
    if (asks) text_printf(p->text, "if (%s) ", conditions[node->when]);
    if (braces) {
        text_put(p->text, "{\n");
        p->text->indent++;
    }
    c_nodes(p, &node->body);
    if (braces) {
        p->text->indent--;
        text_put(p->text, "}\n");
    }
    if (braces || !node->lines) c_leave(p, mark); /* what straight lines find is in scope to the end of the function */
    if (p->after_block != NULL && !node->inner) p->after_block(p, node);
}

static void print_node(CPrinter *p, const Node *node) {
    switch (node->kind) {
    case NODE_BLOCK:
        if (p->calls != NULL && node->function > 0) text_put(p->text, p->calls[node->function]);
        else print_block(p, node);
        break;
    case NODE_LOOP: print_loop(p, node); break;
    case NODE_IF: print_if(p, node); break;
    case NODE_LET: print_let(p, node); break;
    case NODE_SET:
    case NODE_STORE: print_assignment(p, node); break;
    }
}

static size_t enter_alone(CPrinter *p, const Node *node) {
    text_printf(p->text, "%s#pragma omp single%s\n{\n", text_ends_in(p->text, "{\n") ? "" : "\n",
                node->unwaited ? " nowait" : "");
    p->text->indent++;
    return c_enter(p);
}

static void leave_alone(CPrinter *p, size_t mark) {
    c_leave(p, mark);
    p->text->indent--;
    text_put(p->text, "}\n");
}

/* Blocks that run once for a batch that is divided stand under one condition; returns how many. */
static size_t print_once(CPrinter *p, const Nodes *nodes, size_t from) {
    When when = nodes->at[from]->when;
    size_t count = 0, mark = c_enter(p);
    if (nodes->at[from]->kind != NODE_BLOCK || !c_is_divided(p) || !c_asks(p, when) || p->calls == NULL)
        return 0; /* NULL: a piece, which is called so */
    bool parts = loop_parts(p->loop, p->routine) > 1;
    if (p->annotate > 0)
        text_printf(p->text, "%s/* ---- Once for %s, %s examples */\n", text_ends_in(p->text, "{\n") ? "" : "\n",
                    parts ? "the part of a batch" : "the batch", when == IF_FIRST ? "before its first" : "after its last");
    if (parts) text_printf(p->text, "if (done %% %s_PART == 0) {\n", c_upper(p->text->arena, p->model));
    else text_put(p->text, when == IF_FIRST ? "if (done == 0) {\n" : "if (done + examples == batch) {\n");
    p->text->indent++;
    for (; from + count < nodes->count && nodes->at[from + count]->when == when; count++) print_node(p, nodes->at[from + count]);
    p->text->indent--;
    text_put(p->text, "}\n");
    c_leave(p, mark);
    return count;
}

void c_nodes(CPrinter *p, const Nodes *nodes) {
    size_t mark = 0;
    int left = 0; /* of those that one thread runs */
    for (size_t i = 0; i < nodes->count; i++) {
        size_t begun = print_beginnings(p, nodes, i);
        if (begun == 0) begun = print_once(p, nodes, i);
        if (begun > 0) {
            i += begun - 1;
            continue;
        }
        const Node *node = nodes->at[i];
        if (node->alone > 0 && !p->piece) {
            mark = enter_alone(p, node);
            left = node->alone;
        }
        print_node(p, node);
        if (left > 0 && --left == 0) leave_alone(p, mark);
    }
}
