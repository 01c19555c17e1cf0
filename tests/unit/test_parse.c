/* The parser: what is read, how it is printed again, what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ast/ast.h"

typedef struct {
    Arena *arena;
    AstContext context;
    AstList items;
    const char *printed, *errors;
} Parsed;

/* Errors as "line:column: message", one a line, in the order of their places. */
static const char *error_lines(Arena *arena, const AstContext *context) {
    Text *text = text_new(arena);
    const Diagnostics *diagnostics = context->diagnostics;
    for (size_t i = 0; i < diagnostics->list.count; i++) {
        const Diagnostic *d = diagnostics->list.at[i];
        Place place = source_place(context->sources, d->span.source, d->span.begin);
        text_printf(text, "%u:%u: %s\n", place.line, place.column, d->message);
    }
    return text_string(text);
}

static Parsed parse_bytes(const char *bytes, size_t length) {
    Parsed p = {.arena = arena_new()};
    Sources *sources = sources_new(p.arena);
    p.context = (AstContext){p.arena, names_new(p.arena), sources, diagnostics_new(p.arena, sources)};
    p.items = parse_source(&p.context, source_add(sources, "test.nn", bytes, length, false));
    Text *text = text_new(p.arena);
    ast_print(text, &p.items);
    p.printed = text_string(text);
    p.errors = error_lines(p.arena, &p.context);
    return p;
}

static Parsed parse(const char *text) { return parse_bytes(text, strlen(text)); }

static void check_print(const char *text, const char *printed) {
    Parsed p = parse(text);
    assert_string_equal(p.errors, "");
    assert_string_equal(p.printed, printed);
    Parsed again = parse(p.printed);
    assert_string_equal(again.errors, "");
    assert_string_equal(again.printed, printed);
    arena_free(again.arena);
    arena_free(p.arena);
}

static void check_same(const char *text) { check_print(text, text); }

static void check_errors(const char *text, const char *errors) {
    Parsed p = parse(text);
    assert_string_equal(p.errors, errors);
    arena_free(p.arena);
}

/* ---- Lines and tokens */

static void lines_join(void **state) {
    (void)state;
    check_print("x = a +\n  b", "x = a + b\n");
    check_print("x = a\n  + b\n  -> f\n\n  # comment\n\n  -> g", "x = a + b -> f -> g\n");
    check_print("x = f(a,\nb\n)", "x = f(a, b)\n");
    check_print("x = [\n1,\n2\n]\ny = 1", "x = [1, 2]\ny = 1\n");
    check_print("x = if a\n then b\n else c", "x = if a then b else c\n");
    check_print("x = if a then\n b else\n c", "x = if a then b else c\n");
    check_print("x = if a\nand b\nor not\nc then 1 else 2", "x = if a and b or not c then 1 else 2\n");
    check_print("x = y[1]\n default 2\n mod\n 3", "x = (y[1] default 2) mod 3\n");
    check_print("x\n= 1\ny =\n2", "x = 1\ny = 2\n");
    check_print("function f(x)\n = x", "function f(x) = x\n");
    check_print("train\n{\n}", "train {\n}\n");
    check_print("x = 1 # + 2\ny = 2", "x = 1\ny = 2\n");
    check_print("x = nothing\ny = order\nz = elsewhere\n", "x = nothing\ny = order\nz = elsewhere\n");
    check_print("x = 1\ndefaults = 2\nthenceforth = 3\nandy = 4\norder = 5\nmodel_ = 6\n",
                "x = 1\ndefaults = 2\nthenceforth = 3\nandy = 4\norder = 5\nmodel_ = 6\n");
}

static void bytes_of_a_file(void **state) {
    (void)state;
    check_print("", "");
    check_print("\n\n# only a comment", "");
    check_print("\xEF\xBB\xBFmodel a\r\nx\t=\t1\r\n", "model a\nx = 1\n");
    check_print("x = \"h\xC3\xA9\" # \xE2\x86\x92 \xFF\n", "x = \"h\xC3\xA9\"\n");
    check_errors("model a\r# b",
                 "1:8: a carriage return without a line feed: save the file with line ends as on Unix or Windows\n");
    check_errors("\xFF\xFEm", "1:1: this file is encoded as UTF-16; a .nn file is plain text: save it as UTF-8\n");
    Parsed p = parse_bytes("x = 1\n\0y = 2\n", 13);
    assert_string_equal(p.errors, "2:1: this file holds a zero byte, so it is not a text file\n");
    assert_int_equal(p.items.count, 0);
    arena_free(p.arena);
}

static void numbers(void **state) {
    (void)state;
    check_print("x = [12, 0.5, 1e-3, 1E+20, 0.10, 007, inf, -inf]", "x = [12, 0.5, 0.001, 1e+20, 0.1, 7, inf, -inf]\n");
    check_print("x = [0..4, 0.5..1.5, 0 .. n, 1e3..2e3]", "x = [0..4, 0.5..1.5, 0..n, 1000..2000]\n");
    check_errors("x = .5", "1:5: a number has digits on both sides of its point: write 0.5\n");
    check_errors("x = 5. + 1", "1:5: a number has digits on both sides of its point: write 5.0\n");
    check_errors("x = 1.2.3", "1:5: '1.2.3' is not a number; numbers are written 12, 0.5 or 1e-3\n");
    check_errors("x = 0.5.", "1:5: a number has digits on both sides of its point: write 0.5.0\n");
    check_errors("x = 12abc",
                 "1:5: '12abc' is neither a number nor a name: names begin with a letter, and a product is written 2 * x\n");
    check_errors("x = 1e",
                 "1:5: '1e' is neither a number nor a name: names begin with a letter, and a product is written 2 * x\n");
    check_errors("x = 1e999", "1:5: '1e999' is larger than any number (1.8e308); infinity is written inf\n");
}

/* ---- Every construct */

static void expressions(void **state) {
    (void)state;
    check_same("x = a + b - c * d / e mod f\n");
    check_same("x = (a + b) * -c^2\n");
    check_print("x = (a * b) * (c * d) - (e - (f - g))", "x = a * b * (c * d) - (e - (f - g))\n");
    check_print("x = ((a))^((b^c))", "x = a^b^c\n");
    check_same("x = (a^b)^-c\n");
    check_same("x = (-a)^2 - --a\n");
    check_same("x = if not a < b and (c or d == e) then 1 else if f != g then 2 else 3\n");
    check_same("x = (if a then b else c) + 1\n");
    check_same("x = (a < b) == (c >= d)\n");
    check_same("x = not (not a) < b\n");
    check_same("x = [[1, 2], [true, \"text\"]]\n");
    check_same("x = a -> f -> g() -> h.i(1, k = 2, j in 0..3)\n");
    check_same("x = (a -> f) + (b -> g)\n");
    check_print("x = (a -> f) -> g", "x = a -> f -> g\n");
    check_same("x = sum(i, j in 0..3: W[j, i] * x[i]) + max(a, b)\n");
    check_same("x = sum(i: a[i])[k] + f(a)[1]\n");
    check_print("x = a[i] default 0", "x = a[i] default 0\n");
    check_print("x = a[i] default -b[j] * 2", "x = (a[i] default -b[j]) * 2\n");
    check_same("x = a[i] default -(b[j] default 0)\n");
    check_same("x = a[i] default (1 + 2)\n");
    check_print("x = hidden . W", "x = hidden.W\n");
}

static void items(void **state) {
    (void)state;
    check_same("model iris\nimport \"file.nn\"\ninput x[4]\ninput y\ninput text[32] : index(128)\ntarget t[3]\n");
    check_same("loss = f(a)\noptimizer = sgd(rate = 0.1)\nmetric = g\npredict a, b.c\nfreeze hidden, output.dense_2.b, loss.W\n");
    check_same("data train {\n    x = csv(\"a\", columns = 0..4)\n    holdout = 0.2\n}\n\ndata test {\n}\n\ntrain {\n    epochs "
               "= 1\n}\n");
    check_print("train { a = 1 }", "train {\n    a = 1\n}\n");
    check_same("function f(x, p = 0.5, n...) = x\nloss l(y[n], t[n]) = y\nmetric m(y[...]) = y\n");
    check_same("layer f(x[c, s...], token : index(K), n = 2) -> y[c / 2, s...] {\n    param W[c, 2] = 1\n    state s = 0\n    "
               "y[k, i in 0..2] = x[k, i]\n}\n");
    check_same("optimizer o(rate) {\n    w = w - rate * g\n}\n\nfunction f(x) -> y {\n    y = x\n}\n");
    check_same("scan t {\n    h[t] = h[t - 1]\n}\n\nscan t in 0..4 reversed {\n    scan s reversed {\n        h = 1\n    }\n}\n");
}

static void fields_and_spans(void **state) {
    (void)state;
    const char *text = "y[j] = (a + b) * a.c -> f\nlayer g(x[n] : index(K) = 1) -> z { z = x }";
    Parsed p = parse(text);
    assert_int_equal(p.items.count, 2);
    const Ast *y = p.items.at[0], *g = p.items.at[1];
    assert_int_equal(y->kind, AST_ASSIGN);
    assert_true(y->indexed && y->span.begin == 0 && y->span.end == 25 && y->name_span.end == 1);
    const Ast *call = y->x, *product = call->x;
    assert_true(call->kind == AST_CALL && call->bare && call->span.begin == 7 && call->span.end == 25 &&
                call->name_span.begin == 24);
    assert_true(product->op == AST_MULTIPLY && product->span.begin == 7 && product->span.end == 20);
    assert_true(product->x->op == AST_ADD && product->x->span.begin == 8 && product->x->span.end == 13);
    assert_true(product->y->name == name_of(p.context.names, "a.c") && product->y->span.source == y->span.source);
    assert_int_equal(y->depth, 5);
    const Ast *x = g->list.at[0];
    assert_true(g->op == DEFINES_LAYER && g->y->kind == AST_RESULT && g->body.count == 1 && g->x == NULL);
    assert_true(x->shaped && !x->rest && strcmp(x->type, "index") == 0 && x->x->kind == AST_NAME && x->y->number == 1);
    arena_free(p.arena);
}

static void documentation(void **state) {
    (void)state;
    Parsed p = parse("# not this\n\n# one\n#  two\nfunction f(x) = x\nfunction g(x) -> y {\n    # inner\n    y = x\n\n}\nlayer "
                     "h(x) -> y {\n}\n\nfunction i(x) = x\n"
                     "# a value\nv = 3\nfunction j(x) = x\n");
    assert_string_equal(p.errors, "");
    const char *expected[] = {"one\n two", "one\n two", "one\n two", "", "a value", ""};
    for (size_t k = 0; k < 6; k++) assert_string_equal(ast_doc_comment(p.arena, p.context.sources, p.items.at[k]), expected[k]);
    arena_free(p.arena);
}

/* ---- Round trips */

static const char *const models[] = {
    "model iris\ninput  x[4]\ntarget t[3]\nhidden = x      -> dense(16) -> tanh\noutput = hidden -> dense(3)  -> softmax\n"
    "loss      = cross_entropy(output, t)\noptimizer = adam(rate = 0.01)\nmetric    = accuracy(output, t)\n"
    "data train {\n    x = csv(\"iris.csv\", columns = 0..4) -> standardize\n    t = csv(\"iris.csv\", column = \"species\") -> "
    "one_hot\n    holdout = 0.2\n}\n",
    "features = x\n    -> conv2d(6,  kernel = 5, pad = 2) -> relu -> max_pool(2)\n    -> conv2d(16, kernel = 5)          -> relu "
    "-> max_pool(2)\n",
    "hidden = x      -> dense(2, W = [[0.15, 0.20], [0.25, 0.30]], b = 0.35) -> sigmoid\nfreeze hidden.b, output.b            # "
    "fixed\n",
    "layer lstm(x[T, n], units) -> h[T, units] {\n    param W[4, units, n]     = glorot_uniform(n, units)\n    scan t {\n"
    "        z[t, g, j] = sum(i: W[g, j, i] * x[t, i])\n                   + sum(k: U[g, j, k] * (h[t-1, k] default 0)) + b[g, "
    "j]\n    }\n}\n",
    "layer attention(x[T, d], width) -> y[T, width] {\n    s[i, j] = if j <= i then sum(a: q[i, a] * sum(k: K[a, k] * x[j, k])) "
    "/ sqrt(width) else -inf\n    p       = softmax(s)\n}\n"
    "attended = embedded + (embedded -> layer_norm -> attention(32))\n",
    "optimizer rmsprop_momentum(rate, decay = 0.9, mu = 0.5, epsilon = 1e-8) {\n    state s = 0\n\n    s = decay * s + (1 - "
    "decay) * g^2\n    v = mu * v + rate * g / (sqrt(s) + epsilon)\n}\n",
    "function max_pool(x[h, w], size, stride = size, pad = 0)\n    -> y[(h + 2 * pad - size) / stride + 1, w] {\n"
    "    y[r, s] = max(u in 0..size, v in 0..size: x[stride * r + u - pad, stride * s + v - pad] default -inf)\n}\n",
};

static void check_round_trip(const char *text, size_t length) {
    Parsed first = parse_bytes(text, length), second = parse(first.printed);
    assert_string_equal(first.errors, "");
    assert_true(first.items.count > 0);
    assert_string_equal(second.errors, "");
    assert_string_equal(first.printed, second.printed);
    arena_free(first.arena);
    arena_free(second.arena);
}

static void models_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) check_round_trip(models[i], strlen(models[i]));
}

static void library_round_trip(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sources *sources = sources_new(arena);
    const char *why;
    uint32_t number = source_read(sources, NNC_SOURCE_DIR "/compiler/standard.nn", &why);
    if (number == 0) {
        arena_free(arena);
        skip();
    }
    check_round_trip(sources->list.at[number].text, sources->list.at[number].length);
    arena_free(arena);
}

/* ---- Mistakes */

static void something_else_was_expected(void **state) {
    (void)state;
    check_errors("x =\noptimizer = adam()", "1:4: expected an expression after '=', found end of line\n");
    check_errors("x =\ny = 3", "1:4: expected an expression after '=', found end of line\n");
    check_errors("x =", "1:4: expected an expression after '=', found end of file\n");
    check_errors("y = f(a b)", "1:9: expected ',' or ')' after 'a', found 'b'\n");
    check_errors("y = [1 2]", "1:8: expected ',' or ']' after '1', found '2'\n");
    check_errors("x = 3 4", "1:7: expected an operator or the end of the line after '3', found '4'\n");
    check_errors("x = a -> 3", "1:10: expected the name of a function or layer after '->', found '3'\n");
    check_errors("3 = x", "1:1: expected a statement, found '3'\n");
    check_errors("model 3", "1:7: expected a name after 'model', found '3', as in: model iris\n");
    check_errors("import foo",
                 "1:8: expected a file name in double quotes after 'import', found 'foo', as in: import \"file.nn\"\n");
    check_errors("x = if a then b",
                 "1:16: expected 'else' after 'b', found end of line; an 'if' is a value, so it has both branches\n");
    check_errors("layr f(x) = 3", "1:6: expected '=' or '[' after 'layr', found 'f'; did you mean 'layer'?\n");
    check_errors("v = if a the b else c", "1:10: expected 'then' after 'a', found 'the'; did you mean 'then'?\n");
    check_errors("dense(3)", "1:6: expected '=' or '[' after 'dense', found '('; a statement is written name = expression\n");
    check_errors("x = (1, 2)", "1:7: expected ')' after '1', found ','; a list is written [1, 2]\n");
    check_errors(
        "x = a[1][2]",
        "1:9: expected an operator or the end of the line after ']', found '['; subscripts stand together, as in x[1, 2]\n");
    check_errors("function f(x) {\n    y = 3\n}\n",
                 "1:15: expected '=' or '->' after ')', found '{'; before a block stands its result, as in -> y[n] { ... }\n");
    check_errors("x = a default 0", "1:7: expected an operator or the end of the line after 'a', found 'default'; 'default' "
                                    "stands behind a read, as in x[i] default 0\n");
}

static void brackets(void **state) {
    (void)state;
    check_errors("y = (sum(i: x[i]) + b\nz = 3\nw = 4\n", "1:5: this '(' is never closed\n");
    check_errors("y = f(a,\nz = 3\nw = 4\n", "1:6: this '(' is never closed\n");
    check_errors("y = [1, 2\ninput x[3]\n", "1:5: this '[' is never closed\n");
    check_errors("y = f(", "1:6: this '(' is never closed\n");
    check_errors("y = f(a\n   + b\n", "1:6: this '(' is never closed\n");
    check_errors("layer f(x) -> y {\n    y = sum(i: x[i]\n}\nz = 1", "2:12: this '(' is never closed\n");
    check_errors("layer f(x) -> y {\n    y = x\n\ninput z[4]\n", "1:17: this '{' is never closed\n");
    check_errors("layer f(x) -> y {\n    scan t {\n        h = 3\n}\ninput x[3]\n", "2:12: this '{' is never closed\n");
    check_errors("train {\n    epochs = 1\n", "1:7: this '{' is never closed\n");
    check_errors("x = 3)\n}\ny = 1]",
                 "1:6: this ')' closes nothing\n2:1: this '}' closes nothing\n3:6: this ']' closes nothing\n");
    check_errors("x = (1]\n", "1:7: expected ')' after '1', found ']'\n");
    /* a line that is not indented may still belong inside */
    check_print("x = f(\na = 1,\nb = 2)\n", "x = f(a = 1, b = 2)\n");
    check_errors("x = f(\na = 1,\nb = = 2)\ny = 1", "3:5: expected an expression after '=', found '='\n");
}

static void words_of_the_language(void **state) {
    (void)state;
    check_errors("input loss[3]", "1:7: 'loss' is a word of the language and cannot be a name\n");
    check_errors("x = f(input)", "1:7: 'input' is a word of the language and cannot be a name\n");
    check_errors("state = 3", "1:1: 'state' is a word of the language and cannot be a name; it is used like this: state s = 0\n");
    check_errors("layer f(x) -> y {\n    input z\n}", "2:5: 'input' cannot stand inside a block\n");
    check_errors("x = if then 3 else 4", "1:8: expected an expression after 'if', found 'then'\n");
}

static void signs_of_other_languages(void **state) {
    (void)state;
    check_errors("x = a && b || !c",
                 "1:7: '&&' is not a sign of the language; write 'and'\n1:12: '||' is not a sign of the language; write 'or'\n"
                 "1:15: '!' is not a sign of the language; write 'not'\n");
    check_errors("w += 3", "1:3: '+=' is not a sign of the language; write w = w + ...\n");
    check_errors("x = a ** 2", "1:7: '**' is not a sign of the language; write '^'\n");
    check_errors("x = a \xC3\x97 b", "1:7: '\xC3\x97' is not a sign of the language; write '*'\n");
    check_errors("x = 1; y = 2;", "1:6: a statement ends with its line; there is no ';'\n");
    check_errors("x = 1 // one\n// two", "1:7: a comment begins with '#'; a quotient has a single '/'\n");
    check_errors("x = 'a'", "1:5: a string stands between double quotes, as in \"file.csv\"\n");
    check_errors("x = \"a\ny = 2", "1:5: this string has no closing '\"' on its line\n");
    check_errors("x = \"a\n  b\"\ny = 2 3", "1:5: this string has no closing '\"' on its line\n3:7: expected an operator or the "
                                            "end of the line after '2', found '3'\n");
    check_errors("x = @", "1:5: '@' cannot stand here\n");
    check_errors("x = \x01", "1:5: the byte 0x01 cannot stand here\n");
    check_errors("gr\xC3\xB6\xC3\x9F"
                 "e = 1",
                 "1:3: '\xC3\xB6' cannot stand here; outside comments and strings a .nn file is written in ASCII\n");
    check_errors("x = if a = b then 1 else 2", "1:10: expected 'then' after 'a', found '='; a comparison is written '=='\n");
    check_errors("x = if a < b < c then 1 else 2", "1:14: comparisons do not chain; write a < b and b < c\n");
    check_errors("x = 0..1..2", "1:9: a range has one '..'\n");
}

static void accepted_and_refused_later(void **state) {
    (void)state;
    check_errors("x = sum(i + 1, j: y)",
                 "1:9: before the ':' stand names of indices, as in sum(i: x[i]) or sum(i in 0..4: x[i])\n");
    check_errors("x = sum(j.k: y)", "1:9: before the ':' stand names of indices, as in sum(i: x[i]) or sum(i in 0..4: x[i])\n");
    check_errors("train { y[i] = 3 }", "1:9: the block of 'train' holds only entries of the form name = value\n");
}

static void recovery(void **state) {
    (void)state;
    /* one message for each mistake; what has none is kept, what has one is left out */
    Parsed p = parse(
        "a = = 1\nb = 2\nlayer f(x -> y {\n    c = = 3\n    d = 4\n}\ne = f(,\n  1)\ng = 5\ntrain\n    epochs = 1\n}\nh = 6\n");
    assert_string_equal(p.errors, "1:5: expected an expression after '=', found '='\n"
                                  "3:11: expected ',' or ')' after 'x', found '->'\n"
                                  "4:9: expected an expression after '=', found '='\n"
                                  "7:7: expected an argument or ')' after '(', found ','\n"
                                  "10:6: expected '{' after 'train', found end of line, as in: train { ... }\n");
    assert_string_equal(p.printed, "b = 2\ng = 5\nepochs = 1\nh = 6\n");
    arena_free(p.arena);
    Text *text = text_new(arena_new());
    for (int i = 0; i < 100; i++) text_put(text, "x = = 1\n");
    p = parse(text_string(text));
    assert_int_equal(p.context.diagnostics->errors, ERROR_LIMIT + 1);
    arena_free(p.arena);
    arena_free(text->arena);
}

/* ---- Limits */

static void check_repeated(const char *head, const char *part, size_t times, const char *error) {
    Arena *arena = arena_new();
    size_t length = strlen(head), more = strlen(part);
    char *text = arena_alloc(arena, length + more * times + 1);
    memcpy(text, head, length);
    for (size_t i = 0; i < times; i++) memcpy(text + length + i * more, part, more);
    Parsed p = parse_bytes(text, length + more * times);
    if (error == NULL) {
        assert_string_equal(p.errors, "");
    } else {
        assert_int_equal(p.context.diagnostics->list.count, 1);
        assert_non_null(strstr(p.errors, error));
    }
    arena_free(p.arena);
    arena_free(arena);
}

static void limits(void **state) {
    (void)state;
    check_repeated("x = ", "(", 200000, "nested too deeply");
    check_repeated("x = ", "[", 4000000, "nested too deeply");
    check_repeated("x = ", "-", 200000, "nested too deeply");
    check_repeated("x = a", "^a", 200000, "nested too deeply");
    check_repeated("x = a", "+a", 1000000, "nested more than 500 levels deep");
    check_repeated("x = a", " -> a", 100000, "nested more than 500 levels deep");
    check_repeated("x = f(1", ", 1", 300000, "never closed");
    check_repeated("", "scan t {", 100000, "nested too deeply");
    check_repeated("", "\n", SOURCE_LIMIT, NULL);
    check_repeated("", "x = 1\n", 100000, NULL);
    check_repeated("x = a", ".a", 500000, NULL);
    check_repeated("", "{", 1000000, "expected a statement");
    check_repeated("x = 1 ", "@", 1000000, "cannot stand here");
    check_repeated("x = if a then b ", "else if a then b ", 10, "expected 'else'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_join),
        cmocka_unit_test(bytes_of_a_file),
        cmocka_unit_test(numbers),
        cmocka_unit_test(expressions),
        cmocka_unit_test(items),
        cmocka_unit_test(fields_and_spans),
        cmocka_unit_test(documentation),
        cmocka_unit_test(models_round_trip),
        cmocka_unit_test(library_round_trip),
        cmocka_unit_test(something_else_was_expected),
        cmocka_unit_test(brackets),
        cmocka_unit_test(words_of_the_language),
        cmocka_unit_test(signs_of_other_languages),
        cmocka_unit_test(accepted_and_refused_later),
        cmocka_unit_test(recovery),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
