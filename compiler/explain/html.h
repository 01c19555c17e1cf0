#ifndef NNC_EXPLAIN_HTML_H
#define NNC_EXPLAIN_HTML_H

#include "explain/style.h"

extern const Style style_html; /* what stands in the page's first view */

/* With the characters that are special in HTML written as it wants them. */
void html_text(Text *text, const char *words);

/* ---- mentions.c: names in a text, each between marks that say of what they are */
void html_model(Text *text, const Lesson *lesson);     /* the .nn source */
void html_generated(Text *text, const Lesson *lesson); /* the C */

/* ---- page.c */
void compose_page(Out *out);

#endif
