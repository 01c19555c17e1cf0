/* The loop program, readable: one line for each node. */
#include "loop/loop.h"

static void print_nodes(Text *text, const Nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        const Node *node = nodes->at[i];
        switch (node->kind) {
        case NODE_BLOCK:
            for (size_t k = 0; k < node->statements.count; k++) {
                text_put(text, "# ");
                statement_print(text, node->statements.at[k]);
                text_put(text, "\n");
            }
            print_nodes(text, &node->body);
            continue;
        case NODE_LOOP:
            if (node->index->batch) text_printf(text, "for %s in the batch\n", node->index->name);
            else if (node->rest > 0) text_printf(text, "for %s in %lld..%lld\n", node->index->name, (long long)(node->index->size / node->rest * node->rest), (long long)node->index->size);
            else if (node->step > 1) text_printf(text, "for %s in 0..%lld step %d\n", node->index->name, (long long)(node->index->size / node->step * node->step), node->step);
            else text_printf(text, "for %s in 0..%lld\n", node->index->name, (long long)node->index->size);
            text->indent++;
            print_nodes(text, &node->body);
            text->indent--;
            continue;
        case NODE_LET:
            if (node->target->array) {
                text_printf(text, "var %s[%lld]\n", node->target->name, (long long)node->target->shape[0]);
                continue;
            }
            text_printf(text, "%s%s := ", node->constant ? "let " : "var ", node->target->name);
            break;
        case NODE_SET: text_printf(text, "%s%s := ", node->kind == NODE_SET ? "" : node->constant ? "let " : "var ", node->target->name); break;
        case NODE_STORE:
            text_put(text, node->target->name);
            for (int k = 0; k < node->target->rank; k++) {
                text_put(text, k == 0 ? "[" : ", ");
                expr_print(text, node->subscripts[k]);
            }
            text_put(text, node->target->rank > 0 ? "] := " : " := ");
            break;
        }
        expr_print(text, node->value);
        text_put(text, "\n");
    }
}

void loop_print(Text *text, LoopProgram *loop) {
    for (int i = 0; i < ROUTINES; i++) {
        const char *name;
        const Routine *routine = loop_routine(loop, i, &name);
        text_printf(text, "%s\n", name);
        text->indent++;
        print_nodes(text, &routine->body);
        text->indent--;
    }
}
