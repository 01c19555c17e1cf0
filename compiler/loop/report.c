/* What schedule.c chose for each statement, and why: nnc compile MODEL --target=NAME --dump=schedule */
#include "loop/schedule.h"

static const char *const kinds[] = {"", "thousand ", "million ", "billion "};

/* 1234567 as "1.2 million " */
static void print_amount(Text *text, double amount, const char *what) {
    int k = 0;
    for (; k < 3 && amount >= 10000; k++) amount /= 1000;
    text_printf(text, "%.*f %s%s", amount < 100 && k > 0 ? 1 : 0, amount, kinds[k], what);
}

static const char *index_called(const IndexNames *names, const Index *index) {
    for (size_t i = 0; i < names->count; i++) {
        if (names->at[i].index == index) return names->at[i].name;
    }
    return index->name;
}

static void print_way(Text *text, const Statement *s, const Choice *c, const IndexNames *names) {
    text_printf(text, "%s in the lanes of %d vector%s of %d", index_called(names, c->along), c->vectors,
                c->vectors > 1 ? "s" : "", c->lanes);
    if (c->lanes_of < 0) text_put(text, ", which are added at the end");
    for (int i = 0; i < s->count; i++) {
        if (c->tile[i] > 1) text_printf(text, ", %d of %s at a time", c->tile[i], index_called(names, s->indices[i]));
    }
    text_put(text, "; loops");
    for (int i = 0; i < s->count; i++) text_printf(text, "%s %s", i > 0 ? "," : "", index_called(names, s->indices[c->order[i]]));
    text_put(text, "\n");
}

static double print_plan(Text *text, const Planner *p, const Plan *plan) {
    const Way *best = best_way(p, plan);
    const Statement *leader = plan->group->list.at[0];
    IndexNames names = statement_index_names(text->arena, leader);
    for (size_t i = 0; i < plan->group->list.count; i++) {
        statement_print(text, plan->group->list.at[i]);
        text_put(text, "\n");
    }
    text->indent++;
    if (best != NULL) print_way(text, leader, &best->choice, &names);
    else text_put(text, plan->group->lines ? "straight lines\n" : "no vectors\n");
    double cycles = best != NULL ? cost_of_way(p, best) : cost_without_vectors(p, plan);
    print_amount(text, cycles, "cycles");
    if (best != NULL) {
        text_put(text, ", ");
        print_amount(text, best->choice.operations, "operations");
        text_put(text, ", ");
        print_amount(text, best->choice.bytes, "bytes from the second cache\n");
        text_put(text, "other ways:");
        for (int i = 0; i < plan->count; i++) {
            if (&plan->ways[i] != best)
                text_printf(text, " along %s %.2f times,", index_called(&names, plan->ways[i].choice.along),
                            cost_of_way(p, &plan->ways[i]) / cycles);
        }
        text_printf(text, " without vectors %.1f times", plan->scalar / cycles);
    }
    text_put(text, "\n");
    text->indent--;
    return cycles;
}

static bool has_border(const Tensor *t) {
    bool any = false;
    for (int a = 0; a < t->rank && t->border != NULL; a++) any |= t->border->before[a] > 0 || t->border->after[a] > 0;
    return any;
}

static void print_tensors(Text *text, const Planner *p) {
    for (size_t i = 0; i < p->tensors; i++) {
        const Tensor *t = p->program->all.at[i];
        const Tensor *both[] = {t, t->copy};
        for (int k = 0; k < 2; k++) {
            if (both[k] == NULL || (both[k]->layout == NULL && k == 0)) continue;
            text_printf(text, "%s: ", both[k]->name);
            const Layout *layout = both[k]->layout;
            text_printf(text, "axis %d innermost%s%s\n", inner_axis(both[k]), has_border(both[k]) ? ", with a border" : "",
                        layout != NULL && layout->count > both[k]->rank ? ", in panels" : "");
        }
    }
}

void schedule_print(Text *text, const LoopProgram *loop) {
    for (size_t i = 0; i < loop->planners.count; i++) {
        const Planner *p = loop->planners.at[i];
        text_printf(text, "%s\n", p->name);
        text->indent++;
        double cycles = 0;
        for (size_t k = 0; k < p->plans.count; k++) cycles += print_plan(text, p, &p->plans.at[k]);
        print_amount(text, cycles, "cycles in all\n");
        if (p->chooses) print_tensors(text, p);
        text->indent--;
    }
    if (loop->planners.count == 0)
        text_printf(text, "'%s' has no vectors: the C compiler may make some\n", loop->options.target->name);
}
