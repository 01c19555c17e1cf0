# --plot: a panel for the loss and one for each metric, a curve for each set of examples, a point for each epoch.
cp -r "$SOURCE/examples" .
"$NNC" train examples/03_iris/iris.nn --epochs 7 --plot iris.svg --json >lines
[ "$(wc -l <lines)" = 7 ] # the lines are as without it
head -n 1 iris.svg | grep -q '^<svg xmlns="http://www.w3.org/2000/svg"'
tail -n 1 iris.svg | grep -q '^</svg>$'
[ "$(grep -c '<text class="title".*>\(loss\|accuracy\)</text>' iris.svg)" = 2 ]
grep -q '>training</text>' iris.svg
grep -q '>held out</text>' iris.svg
! grep -q '>test</text>' iris.svg
[ "$(grep '^<path class="curve c[01]" d="M.*L' iris.svg | wc -l)" = 4 ]
for curve in $(grep '^<path class="curve c[01]" d="M.*L' iris.svg | sed 's/.* d="//; s/[^L]//g'); do [ "$curve" = LLLLLL ]; done
! grep -qi 'nan\|inf' iris.svg

# The highest loss is that of the first epoch: its point is the highest, and the curve begins at the axis.
grep -o 'class="curve c0" d="M[^"]*' iris.svg | sed -n 2p | sed 's/.*"M//; s/L/\n/g' >points
[ "$(sort -k 2 -g points | head -n 1)" = "$(head -n 1 points)" ]
grep -q '^70.0 ' points

# One epoch is a point; many are thinned out; a run that diverges is drawn as far as it came.
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
