# nnc explain and nnc graph, as users call them.
examples=$SOURCE/examples
step=$examples/01_step_by_step/step_by_step.nn

judge() { # Python; what it would read is read without it, too
    if command -v python3 >/dev/null; then python3 "$@"; else
        echo "SKIPPED: python3 is missing"
        [ -t 0 ] || cat >/dev/null
    fi
}

refused() { # exit code, words of the message, command
    local code=$1 words=$2 got=0
    shift 2
    "$@" >out 2>err || got=$?
    [ $got = "$code" ] || { echo "exit code $got: $*"; cat err; exit 1; }
    grep -qF -- "$words" err || { echo "not said: $words"; cat err; exit 1; }
}

# The numbers of the published example, to nine digits.
"$NNC" explain "$step" --sample 0 >explained
for number in 0.3775 0.593269992 0.596884378 1.105905967 0.751365070 0.772928465 0.274811083 0.023560026 0.298371109 0.138498562 \
    0.082167041 0.000438568 0.149780716 0.199561432 0.249751144 0.299502287 0.358916480 0.408666186 0.511301270 0.561370121; do
    grep -qF " $number" explained || { echo "$number is missing"; exit 1; }
done
"$NNC" explain "$step" --sample 0 --digits 17 | grep -qF 0.08216704056423077
"$NNC" explain "$step" --x 0.05,0.1 --t '0.01 0.99' | diff <(sed 's/example 0 of the training data/the given input and target/' explained) -

# Lines: of the model, and of the C that nnc compile writes.
"$NNC" compile "$step" -o c --quiet
line=$(grep -o 'step_by_step.c:[0-9]*$' explained | head -n 1 | cut -d: -f2)
sed -n "${line}p" c/step_by_step.c | grep -q 'hidden_dense_0 = model->hidden.W'
grep -q '^hidden.dense .*step_by_step.nn:8, ' explained
grep -q 'inside doutput.dense$' explained

# Without a target, what depends on it has no number; without numbers there are formulas alone.
"$NNC" explain "$step" --x 0.05,0.1 | grep -q '= 0.751365070'
"$NNC" explain "$step" --x 0.05,0.1 | { ! grep -q 'doutput.*\[0\] *='; }
"$NNC" explain "$step" | { ! grep -q '0\.5932'; }

# After training: the numbers of nnc run.
"$NNC" explain "$step" --sample 0 --step 3 --digits 17 >later
loss=$("$NNC" run "$step" --steps 3 --json | grep -o '"after": 3, "loss": [0-9.e-]*' | sed 's/.*: //')
grep -qF "= ${loss:0:15}" later
"$NNC" run "$step" --steps 3 --save three.safetensors >/dev/null
"$NNC" explain "$step" --sample 0 --load three.safetensors --digits 17 | grep -qF "= ${loss:0:12}"

# One element.
"$NNC" explain "$step" --sample 0 --element 'hidden.W[0, 1]' >element
grep -qF 'hidden.W -> hidden.dense -> hidden -> output.dense -> output -> loss' element
grep -qF 'This is a sum of 2 terms, of which 2 are not 0:' element
grep -qF '= 0.199561432' element
"$NNC" explain "$step" --element 'output.W[1,0]' | grep -qF 'doutput.W[i, j] = sum(b: doutput.dense[b, i] * hidden[b, j])'

# A format follows the name of the file; what is there is replaced in one go.
"$NNC" explain "$step" --sample 0 -o e.json
judge -c '
import json
e = json.load(open("e.json"))
w = {i["name"]: i for i in e["items"] if i["phase"] == "backward"}["doutput.W"]
assert abs(w["worked"][0]["value"] - 0.08216704056423077) < 1e-16, w
assert w["derivative_of"] == "output.W" and w["chain"][-1]["rule"] == "(a * b)'"'"' = a'"'"' * b + a * b'"'"'", w
assert [g["values"] for g in e["given"]][:2] == [[0.05, 0.1], [0.01, 0.99]]'
for end in txt md tex; do "$NNC" explain "$step" --sample 0 -o "e.$end"; done
diff explained e.txt
grep -qF '\begin{document}' e.tex
grep -qF '\frac{\partial \mathrm{loss}}{\partial \mathrm{output.W}_{i, j}}' e.md
"$NNC" explain "$step" --format=latex | diff - <("$NNC" explain "$step" --format=latex)
ls | grep -q tmp && exit 1

# Every example, in every format. LaTeX and Markdown: what is opened is closed.
for model in "$examples"/*/*.nn; do
    for format in text markdown latex json; do
        "$NNC" explain "$model" --format=$format >any
        [ -s any ]
    done
    "$NNC" explain "$model" --format=json | judge -m json.tool >/dev/null
    "$NNC" explain "$model" --format=latex | judge -c '
import re, sys
text = sys.stdin.read().replace("\\{", "").replace("\\}", "")
assert text.count("{") == text.count("}")
assert text.count("\\left") - text.count("\\leftarrow") == text.count("\\right"), (text.count("\\left"), text.count("\\right"))
assert text.count("\\begin{") == text.count("\\end{")'
done

# Mistakes.
refused 1 "'hidden.W' goes from 0 to 1, and is 3" "$NNC" explain "$step" --sample 0 --element 'hidden.W[3,0]'
refused 1 "did you mean 'hidden.W'?" "$NNC" explain "$step" --sample 0 --element 'hiden.W[0,0]'
refused 1 "write 'hidden.W[0, 0]'" "$NNC" explain "$step" --element hidden.W
refused 1 'the data have 1 example, counted from 0' "$NNC" explain "$step" --sample 1
refused 1 'x has 2 numbers, not 3' "$NNC" explain "$step" --x 1,2,3
refused 1 'is not a list of numbers' "$NNC" explain "$step" --x 1,two
refused 1 "there is no 'y'" "$NNC" explain "$step" --x y=1,2
refused 2 "there is no format 'pdf'" "$NNC" explain "$step" --format=pdf
refused 2 '--t belongs to --x' "$NNC" explain "$step" --t 1,2
refused 2 'one of them' "$NNC" explain "$step" --sample 0 --x 1,2
refused 2 '--element belongs to' "$NNC" run "$step" --element x
refused 2 'at most 17' "$NNC" explain "$step" --digits 18
refused 1 'No such file' "$NNC" explain "$step" -o no/where/e.txt

refused 1 'the model itself' "$NNC" explain "$step" --format=text -o "$step"
refused 2 'says the format' "$NNC" explain "$step" -o e.nn
refused 1 "one number of 't' is 1" "$NNC" explain "$examples/03_iris/iris.nn" --x 1,2,3,4 --t 0.5,0.5,0
refused 1 'No space left' "$NNC" explain "$step" --format=text -o /dev/full
[ -c /dev/full ]
ln -s e.txt link.txt
"$NNC" explain "$step" -o link.txt
[ -L link.txt ] && diff link.txt <("$NNC" explain "$step")
"$NNC" explain "$step" -o - | diff - link.txt

# Models with initial values that are calculated, with steps, conditions, parts in parts, formulas that no derivative passes.
cat >odd.nn <<'MODEL'
input  x[3, 2]
target t[2]
r = x -> rnn(2)
h[i] = r[2, i]
stopped = stop(h)
both[i] = (if h[i] > 0 then h[i] * stopped[i] else floor(h[i]) + h[i]) - 2 * h[i]
value[i] = both[i] + 1
loss = mean_squared_error(value, t)
optimizer = adam(rate = 0.1)
data train {
    x = [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [1, 2, 3, 4, 5, 6]]
    t = [[1, 0], [0, 1]]
}
train { batch = 2 }
MODEL
"$NNC" explain odd.nn --sample 1 --step 2 >odd
grep -qF 'h changes the loss through both.' odd
"$NNC" explain odd.nn --sample 0 --element 'value[1]' | grep -qF 'dvalue[1]'
"$NNC" explain odd.nn --element loss | grep -qF 'It is 1.'
"$NNC" explain odd.nn --element 'stopped[0]' | grep -qF 'None is computed: no trained parameter needs it.'
"$NNC" graph odd.nn --backward | { ! grep -q '"stopped" -> "h" .class="derivative'; }

# An update stands where it is, not where a comment goes on with the name of what it updates.
"$NNC" explain "$examples/10_autoencoder/autoencoder.nn" --json | judge -c '
import json, sys
lines = {(i["phase"], i["name"]): i.get("c_line") for i in json.load(sys.stdin)["items"]}
assert lines["update", "output.dense_2.W"] == lines["backward", "doutput.dense_2.W"], lines'

# The graph: every node that an arrow names is there.
for model in "$examples"/*/*.nn; do
    "$NNC" graph "$model" --backward | judge -c '
import re, sys
text = sys.stdin.read()
nodes = set(re.findall(r"^    \"([^\"]+)\" \[class", text, re.M))
arrows = re.findall(r"^    \"([^\"]+)\" -> \"([^\"]+)\"", text, re.M)
assert arrows and all(a in nodes and b in nodes for a, b in arrows), arrows'
done
"$NNC" graph "$step" --backward -o g.dot
grep -qF '"loss" -> "output" [class="derivative s-doutput", style=dashed' g.dot
"$NNC" graph "$step" | { ! grep -q dashed; }
refused 2 'ends in .svg or .dot' "$NNC" graph "$step" -o g.png
if command -v dot >/dev/null; then
    "$NNC" graph "$step" -o g.svg
    judge -c 'import xml.dom.minidom as m; assert m.parse("g.svg").getElementsByTagName("ellipse")'
else
    echo "SKIPPED: no Graphviz"
fi
mkdir without
refused 1 'not installed' env PATH=without "$NNC" graph "$step" -o h.svg
[ ! -e h.svg ]
