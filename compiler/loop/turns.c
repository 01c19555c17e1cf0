/* Loops over elements whose turns may run in any order, and are worth vectors: those that call elementary functions.

   Requires: a loop that was just opened round elements of a group, whose sums are found. Ensures: it is marked independent only if no
   turn reads what another one writes: C compilers that do not see that by themselves are told so (runtime/loops.h). */
#include "loop/cost.h"
#include "loop/lowering.h"

typedef struct {
    const Group *group;
    const Index *index;
    bool apart;
} Turns;

static void look_at_turn(void *context, Expr e) {
    Turns *turns = context;
    for (size_t i = 0; e->kind == EXPR_READ && i < turns->group->list.count; i++) {
        const Statement *s = turns->group->list.at[i];
        if (s->target != e->tensor) continue;
        for (int a = 0; a < s->count; a++) {
            bool own = e->kids[a]->kind == EXPR_INDEX && e->kids[a]->index == s->indices[a];
            turns->apart &= s->indices[a] != turns->index || own;
        }
    }
}

/* Its elements stand side by side, and each takes long. */
static bool is_independent(Lowering *l, const Group *group, const Index *index) {
    const Statement *s = group->list.at[0];
    Turns turns = {group, index, true};
    bool may = l->unrolls && l->loop->options.target->side_by_side > 1 && s->subscripts == NULL && index->size >= LEAST_VECTOR &&
               !index->batch && s->count == s->target->rank && s->indices[inner_axis(s->target)] == index;
    if (!may || work_of_group(l->pool, group).calls == 0) return false;
    for (size_t i = 0; i < group->list.count; i++) {
        may &= group->list.at[i]->count == s->count && (i == 0 || !group->list.at[i]->value->reduces);
        expr_visit(l->pool, group->list.at[i]->value, look_at_turn, &turns);
    }
    return may && turns.apart;
}

void mark_independent(Lowering *l, const Group *group, Nodes *outer) {
    if (l->out == outer) return;
    Node *loop = outer->at[outer->count - 1];
    while (&loop->body != l->out) loop = loop->body.at[loop->body.count - 1];
    loop->independent = is_independent(l, group, loop->index);
}
