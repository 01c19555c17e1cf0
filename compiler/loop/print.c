/* The loop program, readable: one line for each node, below the statements that they compute. */
#include "loop/loop.h"

/* Indices are called as in the statement that they come from. */
static void add_names(Arena *arena, IndexNames *names, const Statement *s) {
    IndexNames own = statement_index_names(arena, s);
    for (size_t i = 0; i < own.count; i++) {
        bool known = false;
        for (size_t k = 0; k < names->count; k++) known |= names->at[k].index == own.at[i].index;
        if (!known) vec_push(arena, names, own.at[i]);
    }
}

static const char *name_of_index(const IndexNames *names, const Index *index) {
    for (size_t i = 0; i < names->count; i++) {
        if (names->at[i].index == index) return names->at[i].name;
    }
    return index->name;
}

/* The list, with one more in it: what was called so stands in no line below. */
static IndexNames with_name(Arena *arena, const IndexNames *names, IndexName own) {
    IndexNames result = {0};
    for (size_t i = 0; i < names->count; i++) {
        if (names->at[i].index != own.index && strcmp(names->at[i].name, own.name) != 0) vec_push(arena, &result, names->at[i]);
    }
    vec_push(arena, &result, own);
    return result;
}

/* A loop over a part of a range, or over a digit, has an index of its own: no other loop around it has its name. */
static const char *name_of_loop(Arena *arena, const IndexNames *names, const IndexNames *around, const Index *index) {
    const char *name = name_of_index(names, index);
    for (int copy = 2;; copy++) {
        bool taken = false;
        for (size_t i = 0; i < around->count; i++) taken |= strcmp(around->at[i].name, name) == 0;
        if (!taken) return name;
        name = arena_printf(arena, "%s%d", index->name, copy);
    }
}

static void print_range(Text *text, const Node *loop) {
    long long size = loop->index->size;
    if (loop->index->batch) text_put(text, "the batch");
    else if (loop->rest > 0) text_printf(text, "%lld..%lld", size / loop->rest * loop->rest, size);
    else
        text_printf(text, "%lld..%lld", (long long)loop->index->first,
                    loop->step > 1 && !loop->all ? size / loop->step * loop->step : size);
    if (loop->reversed) text_put(text, " reversed");
    if (loop->index->batch && loop->rest > 0) text_printf(text, ", what is left of groups of %d", loop->rest);
    if (loop->step > 1) text_printf(text, " step %d", loop->step);
    if (loop->within != NULL) text_put(text, loop->beyond ? ", those that are not there" : ", those that are there");
    if (loop->parallel > 0) text_put(text, ", parallel");
    if (loop->meet && !loop->unwaited) text_put(text, ", threads meet behind it");
    if (loop->parallel > 0 && loop->unwaited) text_put(text, ", unwaited");
    if (loop->parallel > 1) text_printf(text, " with %d inside", loop->parallel - 1);
    text_put(text, "\n");
}

/* around: the loops that are open */
static void print_nodes(Text *text, const Nodes *nodes, const IndexNames *names, const IndexNames *around);

static void print_loop(Text *text, const Node *loop, const IndexNames *names, const IndexNames *around) {
    IndexName own = {loop->index, name_of_loop(text->arena, names, around, loop->index)};
    IndexNames inside = with_name(text->arena, names, own), open = with_name(text->arena, around, own);
    text_printf(text, "for %s in ", own.name);
    print_range(text, loop);
    for (int i = 0; i < 2; i++) {
        Expr bound = i == 0 ? loop->low : loop->high;
        if (bound == NULL) continue;
        text_put(text, i == 0 ? "    from " : "    below ");
        expr_print_named(text, bound, names);
        text_put(text, "\n");
    }
    text->indent++;
    print_nodes(text, &loop->body, &inside, &open);
    text->indent--;
}

static void print_block(Text *text, const Node *block, const IndexNames *around) {
    IndexNames names = {0};
    for (size_t i = 0; i < block->statements.count; i++) {
        static const char *const when[] = {"", "in the first step: ", "in the last step: ", "unless it is the last step: "};
        text_printf(text, "# %s", when[block->when]);
        statement_print(text, block->statements.at[i]);
        text_put(text, "\n");
        add_names(text->arena, &names, block->statements.at[i]);
    }
    for (size_t i = 0; i < around->count; i++) names = with_name(text->arena, &names, around->at[i]);
    print_nodes(text, &block->body, &names, around);
}

static void print_nodes(Text *text, const Nodes *nodes, const IndexNames *names, const IndexNames *around) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        switch (node->kind) {
        case NODE_BLOCK: print_block(text, node, around); continue;
        case NODE_LOOP: print_loop(text, node, names, around); continue;
        case NODE_IF:
            text_put(text, "if ");
            expr_print_named(text, node->value, names);
            text_put(text, "\n");
            text->indent++;
            print_nodes(text, &node->body, names, around);
            text->indent--;
            continue;
        case NODE_LET:
            if (node->target->array) {
                text_printf(text, "%s%s[%lld]", node->elements.count > 0 ? "let " : "var ", node->target->name,
                            (long long)node->target->shape[0]);
                for (size_t k = 0; k < node->elements.count; k++) {
                    text_put(text, k == 0 ? " := " : ", ");
                    expr_print_named(text, node->elements.at[k], names);
                }
                text_put(text, "\n");
                continue;
            }
            text_printf(text, "%s%s := %s", node->constant ? "let " : "var ", node->target->name,
                        node->across_lanes ? "all lanes of " : "");
            break;
        case NODE_SET:
            text_printf(text, "%s%s := ", node->kind == NODE_SET ? "" : node->constant ? "let " : "var ", node->target->name);
            break;
        case NODE_STORE:
            text_put(text, node->target->name);
            for (int k = 0; k < node->target->rank; k++) {
                text_put(text, k == 0 ? "[" : ", ");
                expr_print_named(text, node->subscripts[k], names);
            }
            text_put(text, node->target->rank > 0 ? "] := " : " := ");
            break;
        }
        expr_print_named(text, node->value, names);
        text_put(text, "\n");
    }
}

void loop_print(Text *text, LoopProgram *loop) {
    IndexNames none = {0};
    for (int i = 0; i < ROUTINES; i++) {
        const char *name;
        const Routine *routine = loop_routine(loop, i, &name);
        text_printf(text, "%s\n", name);
        text->indent++;
        print_nodes(text, &routine->body, &none, &none);
        text->indent--;
    }
}
