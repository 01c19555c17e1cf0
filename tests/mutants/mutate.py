"""The mutants of a source file: each is one small change of its text that keeps the lines where they are.

    mutations(path, text)    [(begin, end, replacement, kind)], in the order of the text

What is in comments, messages, preprocessor lines, assertions and calls of bug() is left alone, and so are
the prices in ops.def: another one is another choice, not another value.
"""
import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:\\\n|[^\n])*)
      |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[uUlLfF]*)
      |(?P<name>[A-Za-z_]\w*)
      |(?P<sign>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}\[\]])
      |(?P<other>.)""",
    re.X | re.S | re.M,
)

INFIX = {
    "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["/"],
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "&": ["|"], "|": ["&"], "<<": [">>"], ">>": ["<<"],
    "+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="], "&=": ["|="], "|=": ["&="], "++": ["--"], "--": ["++"],
}  # fmt: skip
WORDS = {
    "true": ["false"], "false": ["true"],
    # of ops.def and of formulas that are built in C
    "SUM": ["DIFFERENCE"], "DIFFERENCE": ["SUM"], "PRODUCT": ["QUOTIENT"], "QUOTIENT": ["PRODUCT"],
    "GREATER": ["GREATER_EQUAL"], "GREATER_EQUAL": ["GREATER"], "LESS_EQUAL": ["GREATER_EQUAL"],
    "SIN": ["COS"], "COS": ["SIN"], "SINH": ["COSH"], "COSH": ["SINH"],
    "OP_ADD": ["OP_SUB"], "OP_SUB": ["OP_ADD"], "OP_MUL": ["OP_DIV"], "OP_DIV": ["OP_MUL"], "OP_AND": ["OP_OR"], "OP_OR": ["OP_AND"],
    "OP_LT": ["OP_LE"], "OP_LE": ["OP_LT"], "OP_GT": ["OP_GE"], "OP_GE": ["OP_GT"], "OP_EQ": ["OP_NE"], "OP_NE": ["OP_EQ"],
    "OP_MAX": ["OP_MIN"], "OP_MIN": ["OP_MAX"], "OP_FLOORDIV": ["OP_MOD"], "OP_MOD": ["OP_FLOORDIV"],
    "EXPR_SUM": ["EXPR_PROD"], "break": [""], "continue": [""],
}  # fmt: skip
LEFT_ALONE = ("bug", "assert", "static_assert", "_Static_assert", "error_at", "sizeof")
NOT_STATEMENTS = {"return", "if", "for", "while", "do", "switch", "case", "default", "goto", "break", "continue", "else", "typedef",
                  "static", "const", "enum", "struct", "extern", "void", "int", "bool", "double", "char", "size_t"}  # fmt: skip


class Token:
    def __init__(self, kind, text, begin):
        self.kind, self.text, self.begin, self.end = kind, text, begin, begin + len(text)


def tokens_of(text):
    found = []
    for match in TOKEN.finditer(text):
        if match.lastgroup != "skip":
            found.append(Token(match.lastgroup, match.group(), match.start()))
    return found


def partners(tokens):
    """For each bracket the token that it belongs to."""
    open_, other = [], {}
    for i, token in enumerate(tokens):
        if token.text in "([{" and token.kind == "sign":
            open_.append(i)
        elif token.text in ")]}" and token.kind == "sign" and open_:
            other[i] = open_.pop()
            other[other[i]] = i
    return other


def left_alone(tokens, other):
    """The tokens between the brackets of calls that are no part of what is computed."""
    alone = set()
    for i, token in enumerate(tokens[:-1]):
        if token.text in LEFT_ALONE and i + 1 in other:
            alone.update(range(i, other[i + 1] + 1))
    return alone


def other_number(text):
    if text == "0":
        return ["1"]
    if text == "1":
        return ["0", "2"]
    if re.fullmatch(r"\d+", text):
        return [str(int(text) + 1)]
    if re.fullmatch(r"\d*\.\d+", text):
        return [repr(float(text) + 1)]
    return []


def blank(text):
    """Nothing, in as many lines."""
    return "\n" * text.count("\n")


def arguments(tokens, other, i):
    """The arguments of the call whose opening bracket is tokens[i]: ranges of tokens."""
    found, begin, at = [], i + 1, i + 1
    while at < other[i]:
        if at in other and other[at] > at:
            at = other[at]
        elif tokens[at].text == ",":
            found.append((begin, at))
            begin = at + 1
        at += 1
    found.append((begin, at))
    return [(a, b) for a, b in found if a < b]


def statement_end(tokens, other, i):
    """The `;` of the call or assignment that begins at tokens[i], or None where there is a declaration or something else."""
    if tokens[i].kind != "name" or tokens[i].text in NOT_STATEMENTS or tokens[i].text in LEFT_ALONE:
        return None
    tokens, at = tokens + [Token("sign", "}", 0)] * 2, i + 1
    while tokens[at].text in (".", "->") or (tokens[at].text in "[(" and at in other):
        at = at + 2 if tokens[at].text in (".", "->") else other[at] + 1
    if tokens[at].text not in ("=", ";", "+=", "-=", "*=", "/=", "&=", "|=", "++", "--"):
        return None
    while tokens[at].text != ";":
        if tokens[at].text in ")]}":
            return None
        at = other[at] + 1 if at in other else at + 1
    return at


def of_c(text):
    tokens = tokens_of(text)
    other = partners(tokens)
    alone = left_alone(tokens, other)
    end = Token("sign", ";", len(text))
    for i, token in enumerate(tokens):
        if i in alone:
            continue
        before, after = tokens[i - 1] if i > 0 else end, tokens[i + 1] if i + 1 < len(tokens) else end

        def change(words, kind):
            return [(token.begin, token.end, word, kind) for word in words]

        if token.kind == "number":
            yield from change(other_number(token.text), "constant")
        elif token.kind == "name" and token.text in WORDS:
            yield from change(WORDS[token.text], "word")
        elif token.kind == "sign":
            spaced = text[token.begin - 1 : token.begin] in " \n" and text[token.end : token.end + 1] in (" ", "\n")
            if token.text in ("++", "--") or (spaced and token.text in INFIX):
                yield from change(INFIX.get(token.text, []), "operator")
            elif token.text in "-!" and not spaced and token.text in ("-", "!"):
                yield from change([""], "sign")
        if token.text in ("if", "while") and i + 1 in other:
            begin, last = tokens[i + 1].end, tokens[other[i + 1]].begin
            yield (begin, last, "!(" + text[begin:last] + ")", "condition")
        if before.text in (";", "{", "}", ")", "else", ":"):
            last = statement_end(tokens, other, i)
            if last is not None:
                whole = text[token.begin : tokens[last].end]
                yield (token.begin, tokens[last].end, ";" + blank(whole), "deletion")
        if token.kind == "name" and after.text == "(" and i + 1 in other and token.text not in NOT_STATEMENTS:
            found = arguments(tokens, other, i + 1)
            for (a, b), (c, d) in zip(found, found[1:]):
                one, two = text[tokens[a].begin : tokens[b - 1].end], text[tokens[c].begin : tokens[d - 1].end]
                if one != two:
                    between = text[tokens[b - 1].end : tokens[c].begin]
                    yield (tokens[a].begin, tokens[d - 1].end, two + between + one, "swap")


def of_ops(text):
    """Meanings and partials: what a row OPn(ID, "spelling", notation, result, cost, meaning, "law", partials) has from its sixth column on."""
    tokens = tokens_of(text)
    other = partners(tokens)
    columns = []
    for i, token in enumerate(tokens):
        if re.fullmatch(r"OP[123]", token.text) and i + 1 in other:
            columns += [(tokens[a].begin, tokens[b - 1].end) for a, b in arguments(tokens, other, i + 1)[5:]]
    for begin, end, replacement, kind in of_c(text):
        if any(a <= begin and end <= b for a, b in columns):
            yield (begin, end, replacement, kind)
    for token, after in zip(tokens, tokens[1:]):
        if token.text in ("a", "b", "y") and any(a <= token.begin < b for a, b in columns):
            yield (token.begin, token.end, {"a": "b", "b": "a", "y": "a"}[token.text], "word")
        if token.text == "MINUS":
            yield (token.begin, token.end, "", "sign")


FORMULA = re.compile(r"\d+\.?\d*|[A-Za-z_]+|[-+*/^]")
FUNCTIONS = {"exp": "log", "log": "exp", "ln": "log", "tanh": "sigmoid", "sigmoid": "tanh", "sin": "cos", "cos": "sin",
             "sqrt": "abs", "abs": "sqrt", "positive": "not_negative", "not_negative": "constant", "sum": "prod"}  # fmt: skip


def of_rules(text):
    """Pattern, result and condition of FAMILY("name", "pattern", "result", "condition")."""
    for row in re.finditer(r'^[A-Z]+\((".*")\)$', text, re.M):
        strings = [m for m in re.finditer(r'"([^"]*)"', row.group(1))]
        offset = row.start(1)
        for column, string in enumerate(strings[1:], 1):
            begin = offset + string.start(1)
            if column == 3 and string.group(1):
                yield (begin, offset + string.end(1), "", "condition")
            for word in FORMULA.finditer(string.group(1)):
                at, one = begin + word.start(), word.group()
                if one in INFIX or one == "^":
                    binary = string.group(1)[word.end() : word.end() + 1] == " "
                    yield (at, at + 1, {"^": "*"}.get(one) or INFIX[one][0] if binary else "", "operator" if binary else "sign")
                elif one[0].isdigit():
                    for number in other_number(one):
                        yield (at, at + len(one), number, "constant")
                elif one in FUNCTIONS:
                    yield (at, at + len(one), FUNCTIONS[one], "word")
                elif one in "abcd":
                    yield (at, at + 1, {"a": "b", "b": "a", "c": "a", "d": "a"}[one], "word")


def mutations(path, text):
    of = of_ops if path.endswith("ops.def") else of_rules if path.endswith("rules.def") else of_c
    found = {m for m in of(text) if text[m[0] : m[1]] != m[2]}
    return sorted(found)
