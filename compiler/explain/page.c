/* One HTML file: the explanation, the graph, the model and the C, side by side, and the explanation as data. */
#include "explain/graph.h"
#include "explain/html.h"

extern const char page_css[], page_js[];

static void begin_view(Text *text, const char *id, const char *title) {
    text_printf(text, "<section class=\"view\" id=\"%s\" tabindex=\"0\" aria-label=\"%s\">\n", id, title);
}

/* Without Graphviz, its text. What stands before <svg> is of no use inside a page. */
static void put_graph(Out *out) {
    const char *why = NULL;
    Text *dot = text_new(out->lesson->arena);
    graph_dot(dot, out->lesson, out->lesson->program->loss != NULL);
    const char *svg = graph_svg(out->lesson->arena, text_string(dot), &why);
    const char *begin = svg != NULL ? strstr(svg, "<svg") : NULL;
    if (begin != NULL) {
        text_put(out->text, begin);
        return;
    }
    text_put(out->text, "<p>");
    html_text(out->text, why);
    text_put(out->text, ". The graph, for it:</p>\n<pre>");
    html_text(out->text, text_string(dot));
    text_put(out->text, "</pre>\n");
}

/* Nothing in it may end the element that it stands in. */
static void put_data(Out *out) {
    Out data = {.text = text_new(out->lesson->arena), .lesson = out->lesson};
    compose_json(&data);
    text_put(out->text, "<script type=\"application/json\" id=\"data\">");
    for (const char *c = text_string(data.text); *c != '\0'; c++)
        text_printf(out->text, c[0] == '<' && c[1] == '/' ? "<\\" : "%c", *c);
    text_put(out->text, "</script>\n");
}

void compose_page(Out *out) {
    Lesson *lesson = out->lesson;
    Text *text = out->text;
    const char *name = lesson->model->name;
    text_printf(text,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<link rel=\"icon\" href=\"data:,\">\n<title>%s: a step of training, explained</title>\n<style>\n",
                name);
    text_put(text, page_css);
    text_printf(
        text,
        "</style>\n</head>\n<body>\n<header><h1>%s: a step of training, explained</h1>\n"
        "<p>The same symbol lights up in all views, under the pointer or with the keyboard: Tab goes from one to the next, "
        "Escape puts the light out.</p></header>\n<main>\n",
        name);
    begin_view(text, "explanation", "Explanation");
    if (lesson->wanted != NULL) compose_element(out, &style_html, lesson->wanted);
    else compose(out, &style_html);
    text_put(text, "</section>\n");
    begin_view(text, "graph", "Graph");
    text_put(text, "<h2>Graph</h2>\n");
    put_graph(out);
    text_put(text, "</section>\n");
    begin_view(text, "model", "Model");
    text_printf(text, "<h2>%s.nn</h2>\n<pre>", name);
    html_model(text, lesson);
    text_put(text, "</pre>\n</section>\n");
    begin_view(text, "generated", "Generated C");
    text_printf(text, "<h2>%s</h2>\n<pre>", lesson->c_file);
    html_generated(text, lesson);
    text_put(text, "</pre>\n</section>\n</main>\n");
    put_data(out);
    text_put(text, "<script>\n");
    text_put(text, page_js);
    text_put(text, "</script>\n</body>\n</html>\n");
}
