/* The network as a graph: what the model names, and what each is computed from. */
#ifndef NNC_EXPLAIN_GRAPH_H
#define NNC_EXPLAIN_GRAPH_H

#include "explain/lesson.h"

/* In the language of Graphviz. Each node is of the class "s-" and the tensor's name, as is the arrow of its derivative. backward:
   derivatives flow along dashed arrows. */
void graph_dot(Text *text, const Lesson *lesson, bool backward);

/* Draws it as SVG, if Graphviz is installed: else NULL, and *why, a sentence without a full stop. */
const char *graph_svg(Arena *arena, const char *dot, const char **why);

#endif
