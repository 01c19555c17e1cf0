# --plot: a panel for the loss and one for each metric, a curve for each set of examples, a point for each epoch.
cp -r "$SOURCE/examples" .
"$NNC" train examples/03_iris/iris.nn --epochs 7 --plot iris.svg --json >lines
[ "$(wc -l <lines)" = 7 ] # the lines are as without it
head -n 1 iris.svg | grep -q '^<svg xmlns="http://www.w3.org/2000/svg"'
tail -n 1 iris.svg | grep -q '^</svg>$'
[ "$(grep -c '<text class="title".*>\(loss\|accuracy\)</text>' iris.svg)" = 2 ]
grep -q '>training</text>' iris.svg
grep -q '>held out</text>' iris.svg
! grep -q '>test</text>' iris.svg || exit 1
[ "$(grep '^<path class="curve c[01]" d="M.*L' iris.svg | wc -l)" = 4 ]
for curve in $(grep '^<path class="curve c[01]" d="M.*L' iris.svg | sed 's/.* d="//; s/[^L]//g'); do [ "$curve" = LLLLLL ]; done
! grep -qi 'nan\|inf' iris.svg || exit 1

# The highest loss is that of the first epoch: its point is the highest, and the curve begins at the axis.
grep -o 'class="curve c0" d="M[^"]*' iris.svg | sed -n 2p | sed 's/.*"M//; s/L/\n/g' >points
[ "$(sort -k 2 -g points | head -n 1)" = "$(head -n 1 points)" ]
grep -q '^70.0 ' points

# One epoch is a point; many are thinned out; a run that diverges is drawn as far as it came.
# A metric that is calculated from parts has one panel, they have none.
sed 's/^metric .*/metric = r2(output, t)/' examples/03_iris/iris.nn >examples/03_iris/parts.nn
"$NNC" train examples/03_iris/parts.nn --epochs 2 --plot parts.svg --quiet
grep -c '<g transform' parts.svg | grep -qx 2
grep -q 'class="title" x="[0-9]*" y="20">r2<' parts.svg

"$NNC" train examples/03_iris/iris.nn --epochs 1 --plot one.svg --quiet
[ "$(grep -c '<circle' one.svg)" = 4 ]
"$NNC" train examples/02_xor/xor.nn --epochs 2500 --plot xor.svg --quiet
[ "$(grep -o 'L' xor.svg | wc -l)" -lt 2000 ] # two curves
sed 's/adam(.*)/sgd(rate = 1e20)/; s/-> softmax//; s/cross_entropy/mean_squared_error/; s#\.\./data/#examples/data/#' examples/03_iris/iris.nn >wild.nn
if "$NNC" train wild.nn --epochs 50 --plot wild.svg --quiet 2>err; then exit 1; fi
grep -q 'the loss is' err

# What cannot be written is said, and nothing is left.
mkdir folder
if "$NNC" train examples/03_iris/iris.nn --epochs 1 --plot folder --quiet 2>err; then exit 1; fi
grep -q 'folder: it is not a regular file' err
if "$NNC" train examples/03_iris/iris.nn --epochs 1 --plot no/such/iris.svg --quiet 2>err; then exit 1; fi
grep -q 'no/such/iris.svg: it cannot be written: No such file or directory' err
[ -z "$(ls | grep tmp || true)" ]

# ---- --plot-decision: the answers over the plane of two inputs. The plane is 480 by 420, its corner at 70, 34.

well_formed() { # the tags of a file are closed in order, and no text could be markup
    if command -v xmllint >/dev/null; then xmllint --noout "$1"; fi
    head -n 1 "$1" | grep -q '^<svg xmlns="http://www.w3.org/2000/svg"'
    tail -n 1 "$1" | grep -q '^</svg>$'
    [ "$(wc -c <"$1")" -lt 300000 ]
    ! grep -qi 'nan\|inf\|script' "$1" || exit 1
}

# Classes: 0 left of the middle, 1 right of it, and so sure that no cell but those at the border is pale. Examples lie at 8% from the edges
# of the plane, which is in the units of the file: 0 and 10 across, 100 and 300 upwards; the first row is that of the largest.
printf 'left & right,"a <b>",kind\n0,100,one\n10,300,"t & <o>"\n0,300,one\n10,100,"t & <o>"\n' >plane.csv
cat >plane.nn <<'NN'
model plane
input  x[2]
target t[2]
output = x -> dense(2, W = [[-900, 0], [900, 0]]) -> softmax
loss      = cross_entropy(output, t)
optimizer = sgd(rate = 0)
data train {
    x = csv("plane.csv", columns = 0..2) -> standardize
    t = csv("plane.csv", column = "kind") -> one_hot
}
data test {
    x = csv("test.csv", columns = 0..2) -> standardize
    t = csv("test.csv", column = "kind") -> one_hot
}
train { epochs = 1 }
NN
printf 'a,b,kind\n5,200,one\n' >test.csv
"$NNC" train plane.nn --plot-decision plane.svg --quiet
well_formed plane.svg
grep '^<path stroke' plane.svg >looks
[ "$(wc -l <looks)" = 2 ]
[ "$(sed -n '1s/.* d="//p' looks | grep -o 'M[^M"]*' | sort -u | wc -l)" = 210 ]
[ "$(sed -n '1s/.* d="//p' looks | grep -o 'M[^M"]*' | grep -vc '^M70 [0-9]*h240$')" = 0 ]
[ "$(sed -n '2s/.* d="//p' looks | grep -o 'M[^M"]*' | grep -c '^M310 [0-9]*h240$')" = 210 ]
x1=$(awk 'BEGIN { printf "%.1f", 70 + 480 * 0.08 / 1.16 }') x2=$(awk 'BEGIN { printf "%.1f", 70 + 480 * 1.08 / 1.16 }')
y1=$(awk 'BEGIN { printf "%.1f", 34 + 420 * 1.08 / 1.16 }') y2=$(awk 'BEGIN { printf "%.1f", 34 + 420 * 0.08 / 1.16 }')
blue=$(grep -B 1 '>one</text>' plane.svg | grep -o 'fill="#[0-9a-f]*"') orange=$(grep -B 1 '>t &amp; &lt;o&gt;</text>' plane.svg | grep -o 'fill="#[0-9a-f]*"')
[ -n "$blue" ] && [ -n "$orange" ] && [ "$blue" != "$orange" ] || { cat plane.svg | cut -c 1-100; exit 1; }
grep -q "href=\"#training\" x=\"$x1\" y=\"$y1\" $blue" plane.svg
grep -q "href=\"#training\" x=\"$x2\" y=\"$y2\" $orange" plane.svg
grep -q "href=\"#training\" x=\"$x1\" y=\"$y2\" $blue" plane.svg
grep -q "href=\"#training\" x=\"$x2\" y=\"$y1\" $orange" plane.svg
grep -q "href=\"#test\" x=\"310.0\" y=\"244.0\" $blue" plane.svg
[ "$(grep -c '<use' plane.svg)" = 7 ] # and two in the legend
grep -q '<text class="title" [^>]*>plane: output</text>' plane.svg
grep -q '>left &amp; right</text>' plane.svg
grep -q '>a &lt;b&gt;</text>' plane.svg
cp plane.svg first.svg
"$NNC" train plane.nn --plot-decision plane.svg --quiet
cmp plane.svg first.svg

# One number: y = 2 a + b / 5 in the units of the data. The contour lines are where y is what their scale says.
cat >number.nn <<'NN'
input  a
input  b
target t
y = 2 * a + b + 0 * sum(i: dense(reshape(b, 1), 1)[i])
loss      = (y - t)^2
optimizer = sgd(rate = 0)
data train {
    a = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]
    b = [0, 50, 10, 20, 30, 40, 25, 35, 45, 15] / 5
    t = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 2
    holdout = 0.2
}
train { epochs = 1 }
NN
sed -i 's/^y = .*/y = a + b \/ 2 + 0 * (reshape(b, 1) -> dense(1) -> sum_of)/; 1i function sum_of(v[n]) = sum(i: v[i])' number.nn
"$NNC" train number.nn --plot-decision number.svg --quiet
well_formed number.svg
[ "$(grep -c '<use href="#held-out"' number.svg)" = 3 ] # one in the legend
[ "$(grep -c '<use href="#training"' number.svg)" = 9 ]
grep -o 'class="axis" d="M570 [^>]*><text[^>]*>[^<]*' number.svg | sed 's/.*>//' >scale
grep -o 'class="contour" d="[^"]*' number.svg | sed 's/.*"//' >contours
[ "$(wc -l <contours)" -gt 2 ]
# the axes: a from -0.8 to 10.8, b from -4 to 54; y is a + b / 10, in the data half of it, as the target is twice
while read -r contour; do
    sed 's/[ML]/\n/g' <<<"$contour" | awk -v scale="$(tr '\n' ' ' <scale)" 'NF == 2 {
        y = (-0.8 + 11.6 * ($1 - 70) / 480 + (54 - 58 * ($2 - 34) / 420) / 10) / 2
        level = level == "" ? sprintf("%.1f", y) : level
        if ((y - level)^2 > 0.0001) bad = 1
        count++
    }
    END { exit bad || count < 4 || index(" " scale, " " level + 0 " ") == 0 }'
done <contours

# A binary answer: contours at tenths, one half is the boundary. Four examples, in the colours of the ends of the scale.
"$NNC" train examples/02_xor/xor.nn --math=strict --plot-decision xor.svg --plot loss.svg --quiet
well_formed xor.svg
[ "$(grep -c '<path class="contour boundary"' xor.svg)" = 1 ]
[ "$(grep '<use' xor.svg | sort | uniq -c | grep -c 'href="#training"')" = 5 ]
[ "$(grep '<use' xor.svg | grep -o 'fill=.*' | sort | uniq -c | awk '{ printf "%s ", $1 }')" = "2 1 2 " ]
grep -q '>x.0</text>' xor.svg
[ -e loss.svg ]

# However wild, and however many examples: the file stays small. Numbers that are not finite have no colour.
awk 'BEGIN { for (i = 0; i < 40000; i++) print i * 7919 % 1000 / 1000 "," i * 104729 % 997 / 997 "," i % 2 }' >many.csv
cat >wild.nn <<'NN'
input  x[2]
target t[1]
y = x -> dense(1) -> sigmoid
z[i] = sin(1e4 * x[0] * x[1]) + log(x[i] - 0.1)
loss      = binary_cross_entropy(y, t)
predict z, y
optimizer = sgd(rate = 0)
data train {
    x = csv("many.csv", columns = 0..2)
    t = csv("many.csv", column = 2)
}
train { epochs = 1 }
NN
"$NNC" train wild.nn --plot-decision wild.svg --quiet
well_formed wild.svg
grep -q '>model: y</text>' wild.svg # the first output that is one number
grep -q '>1 of 2 outputs</text>' wild.svg
grep -q '>1 of 27 is shown</text>' wild.svg
sed 's/predict z, y/predict z/' wild.nn >wilder.nn
"$NNC" train wilder.nn --plot-decision wild.svg --quiet
well_formed wild.svg
grep -q '>model: z.0</text>' wild.svg
sed -i 's/predict z/w = log(x[0] - 100)\npredict w/' wilder.nn
"$NNC" train wilder.nn --plot-decision wild.svg --quiet
well_formed wild.svg
[ "$(grep -c '^<path stroke' wild.svg)" = 0 ]

# What has no such picture is said before the training.
without() { # WORDS MODEL
    if "$NNC" train "$2" --plot-decision no.svg --json >out 2>err; then exit 1; fi
    grep -qF -- "$1" err || { cat err; exit 1; }
    [ ! -s out ] && [ ! -e no.svg ]
}
without "two numbers, one tensor with two elements or two of one; here the input is 'x' [4]" examples/03_iris/iris.nn
sed 's/^input  a/input a : index(11)/; s/a + b/b/' number.nn >index.nn
without "here the input is 'a' (an index), 'b'" index.nn
sed 's/\[0, 1, 2, 3, 4, 5, 6, 7, 8, 10\]/& * 0/' number.nn >zero.nn
without "the steps of 'a' cannot be taken back" zero.nn
if "$NNC" train number.nn --plot-decision folder --quiet 2>err; then exit 1; fi
grep -q 'folder: it is not a regular file' err
status=0
"$NNC" evaluate number.nn --load x --plot-decision no.svg 2>err || status=$?
[ $status = 2 ]
