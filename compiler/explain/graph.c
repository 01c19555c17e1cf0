#include "explain/graph.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Nodes: what the model names, on the way to the loss or to what the network answers */

typedef struct {
    const Lesson *lesson;
    const Statement **definition; /* by tensor id: of the forward pass, or NULL */
    const Statement **written;    /* as the model has it, where that is another formula */
    bool *drawn;                  /* by tensor id */
} Graph;

static void draw_from(Graph *g, const Tensor *t);

static void draw_read(void *context, Expr e) {
    if (e->kind == EXPR_READ && e->tensor->kind != TENSOR_SETTING && e->tensor->kind != TENSOR_LITERAL)
        draw_from(context, e->tensor);
}

static void draw_from(Graph *g, const Tensor *t) {
    if (g->drawn[t->id]) return;
    g->drawn[t->id] = true;
    if (g->definition[t->id] != NULL) expr_visit(g->lesson->program->pool, g->definition[t->id]->value, draw_read, g);
    if (g->written[t->id] != NULL) expr_visit(g->lesson->program->pool, g->written[t->id]->value, draw_read, g);
}

static Graph graph_of(const Lesson *lesson) {
    const Program *program = lesson->program;
    size_t count = program->all.count + 1;
    Graph g = {lesson, NEW_ARRAY(lesson->arena, const Statement *, count), NEW_ARRAY(lesson->arena, const Statement *, count),
               NEW_ARRAY(lesson->arena, bool, count)};
    for (size_t i = 0; i < program->forward.count; i++) g.definition[program->forward.at[i]->target->id] = program->forward.at[i];
    for (size_t i = 0; i < lesson->items.count; i++) {
        if (lesson->items.at[i].written != NULL)
            g.written[lesson->items.at[i].statement->target->id] = lesson->items.at[i].written;
    }
    if (program->loss != NULL) draw_from(&g, program->loss);
    for (size_t i = 0; i < program->outputs.count; i++) draw_from(&g, program->outputs.at[i]);
    return g;
}

/* "dense", of the part "dense(2, W = ...)": the last one of its binding. */
static const char *layer_of(const Graph *g, const Tensor *t) {
    const Program *program = g->lesson->program;
    const char *label = NULL;
    for (size_t i = 0; i < program->parts.count; i++) {
        if (program->parts.at[i].binding == t->name) label = program->parts.at[i].label;
    }
    size_t length = label == NULL ? 0 : strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && (label[length] == '(' || label[length] == '\0') ? arena_text(g->lesson->arena, label, length) : NULL;
}

static const char *shape_of(const Graph *g, const Tensor *t) {
    Text *text = text_new(g->lesson->arena);
    int first, axes = lesson_axes(t, &first);
    for (int i = 0; i < axes; i++) text_printf(text, "%s%lld", i > 0 ? " x " : "", (long long)t->shape[first + i]);
    return axes == 0 ? "one number" : text_string(text);
}

static void put_node(Text *text, const Graph *g, const Tensor *t) {
    bool loss = t == g->lesson->program->loss, parameter = tensor_is_persistent(t);
    const char *fill = loss                       ? "#f4b6a6"
                       : t->kind == TENSOR_INPUT  ? "#bcd9f2"
                       : t->kind == TENSOR_TARGET ? "#cfe8c5"
                       : parameter                ? "#f6e3a8"
                                                  : "#e9e9ee";
    const char *layer = layer_of(g, t);
    bool says_layer = layer != NULL && g->definition[t->id] != NULL;
    text_printf(text, "    \"%s\" [class=\"s-%s\", fillcolor=\"%s\", shape=%s, label=\"%s\\n%s%s%s\"];\n", t->name, t->name, fill,
                t->kind == TENSOR_INPUT || t->kind == TENSOR_TARGET ? "ellipse" : "box", t->name, says_layer ? layer : "",
                says_layer ? ", " : "",
                t->frozen ? arena_printf(g->lesson->arena, "%s, frozen", shape_of(g, t)) : shape_of(g, t));
}

/* ---- Edges: to what the model names, through parts of formulas */

typedef struct {
    Graph *g;
    const Tensor *to;
    bool *met;
    Text *text;
} Edges;

static void put_edge(void *context, Expr e) {
    Edges *edges = context;
    if (e->kind != EXPR_READ || e->tensor->kind == TENSOR_SETTING || e->tensor->kind == TENSOR_LITERAL) return;
    const Tensor *from = e->tensor;
    if (edges->met[from->id]) return;
    edges->met[from->id] = true;
    if (from->kind == TENSOR_PART && edges->g->definition[from->id] != NULL) {
        expr_visit(edges->g->lesson->program->pool, edges->g->definition[from->id]->value, put_edge, edges);
        return;
    }
    text_printf(edges->text, "    \"%s\" -> \"%s\"%s;\n", from->name, edges->to->name,
                tensor_is_persistent(from) ? " [color=\"#b59b3a\"]" : "");
}

/* Derivatives flow from what reads the tensor, as it is computed, back to it. */
static void put_derivative(Text *text, Graph *g, const Item *item) {
    const Tensor *adjoint = item->statement->target, *of = adjoint->of;
    if (!g->drawn[of->id] || of->kind == TENSOR_PART) return;
    bool *met = NEW_ARRAY(g->lesson->arena, bool, g->lesson->program->all.count + 1);
    const Link *last = &item->links.at[item->links.count - 1];
    for (size_t i = 0; i < last->readers.count; i++) {
        const Tensor *from = lesson_whole(g->lesson, last->readers.at[i]->target);
        if (from == of || met[from->id] || !g->drawn[from->id]) continue;
        met[from->id] = true;
        text_printf(text,
                    "    \"%s\" -> \"%s\" [class=\"derivative s-%s\", style=dashed, color=\"#c0392b\", fontcolor=\"#c0392b\", "
                    "label=\" %s \", constraint=false];\n",
                    from->name, of->name, adjoint->name, adjoint->name);
    }
}

void graph_dot(Text *text, const Lesson *lesson, bool backward) {
    const Program *program = lesson->program;
    Graph g = graph_of(lesson);
    size_t nodes = 0;
    for (size_t i = 0; i < program->forward.count; i++) nodes += g.drawn[program->forward.at[i]->target->id];
    text_printf(text, "digraph \"%s\" {\n", lesson->model->name);
    text_printf(text, "    rankdir=%s; bgcolor=\"transparent\"; nodesep=0.35; ranksep=0.45;\n", nodes > 7 ? "TB" : "LR");
    text_put(
        text,
        "    node [style=\"rounded,filled\", color=\"#55555f\", fontname=\"Helvetica\", fontsize=12, margin=\"0.14,0.07\"];\n"
        "    edge [color=\"#55555f\", fontname=\"Helvetica\", fontsize=10, arrowsize=0.8];\n");
    for (size_t i = 0; i < program->all.count; i++) {
        const Tensor *t = program->all.at[i];
        if (g.drawn[t->id] && t->kind != TENSOR_PART && t->kind != TENSOR_ADJOINT) put_node(text, &g, t);
    }
    for (size_t i = 0; i < program->forward.count; i++) {
        const Statement *s = program->forward.at[i];
        if (!g.drawn[s->target->id] || s->target->kind == TENSOR_PART) continue;
        Edges edges = {&g, s->target, NEW_ARRAY(lesson->arena, bool, program->all.count + 1), text};
        bool written = g.written[s->target->id] != NULL;
        edges.met[s->target->id] = s->scan == NULL; /* a scan may read its own earlier steps */
        expr_visit(program->pool, written ? g.written[s->target->id]->value : s->value, put_edge, &edges);
    }
    for (size_t i = 0; backward && i < lesson->items.count; i++) {
        if (lesson->items.at[i].links.count > 0) put_derivative(text, &g, &lesson->items.at[i]);
    }
    text_put(text, "}\n");
}

/* ---- Graphviz */

static const char *read_all(Arena *arena, int descriptor) {
    Vec(char) bytes = {0};
    char some[4096];
    for (ssize_t got; (got = read(descriptor, some, sizeof some)) > 0 || (got < 0 && errno == EINTR);) {
        for (ssize_t i = 0; i < got; i++) vec_push(arena, &bytes, some[i]);
    }
    vec_push(arena, &bytes, '\0');
    return bytes.at;
}

const char *graph_svg(Arena *arena, const char *dot, const char **why) {
    FILE *given = tmpfile();
    int ends[2], status = 0;
    *why = "no room for a temporary file";
    if (given == NULL || fputs(dot, given) < 0 || fflush(given) != 0 || pipe(ends) != 0) {
        if (given != NULL) fclose(given);
        return NULL;
    }
    pid_t child = fork();
    if (child == 0) {
        lseek(fileno(given), 0, SEEK_SET);
        dup2(fileno(given), STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("dot", "dot", "-Tsvg", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    const char *svg = child > 0 ? read_all(arena, ends[0]) : "";
    close(ends[0]);
    fclose(given);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    bool fine = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && *svg != '\0';
    bool missing = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127;
    *why = missing ? "Graphviz draws it, and is not installed; Debian has it as graphviz" : "Graphviz could not draw it";
    return fine ? svg : NULL;
}
