# --dump of every step, --stop, --time and --origins.
model=$SOURCE/tests/facts/model_xor/model.nn
for step in parse tensor stabilize normalize derive simplify loop; do
    "$NNC" "$model" --dump=$step >$step.txt 2>err
    [ -s $step.txt ]
    [ ! -s err ]
    "$NNC" check "$model" --dump=$step --check | cmp - $step.txt
    "$NNC" "$model" --stop=$step >out 2>err
    [ ! -s out ] && [ ! -s err ]
done
"$NNC" - --dump=parse <parse.txt | cmp - parse.txt # what was printed reads as it was
"$NNC" "$model" --dump=derive --origins >origins.txt
# What was chosen for vectors, and what else was considered; nothing where none are written.
"$NNC" compile "$SOURCE/examples/04_digits/digits.nn" --target=x86-64-v3 --math=fast --dump=schedule >schedule.txt
grep -q 'in the lanes of 2 vectors of 8' schedule.txt
grep -q '^        other ways: along .* without vectors' schedule.txt
grep -q '^    features.W: axis 0 innermost, in panels$' schedule.txt
"$NNC" "$model" --dump=schedule | grep -q "^'portable' has no vectors"
# Indices that are taken apart by / and mod keep no sum of convolutions in groups, or of heads of attention, from vectors, batch or not.
for batch in 1 16; do
    "$NNC" compile "$SOURCE/tests/facts/user_grouped_wide/model.nn" --target=x86-64-v4 --batch=$batch --dump=schedule >groups.txt
    grep -A2 'pixels.*= .*sum(\|hidden.*= .*sum(\|heads.*= .*sum(' groups.txt >sums.txt # the update may stand between
    [ "$(grep -c 'sum(' sums.txt)" -ge 20 ]
    if grep -B2 'no vectors' sums.txt; then exit 1; fi
done
rest='loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.01)
data train {
    x = npy("x.npy")
    t = npy("t.npy")
}'
# 24 examples are three vectors of 8, unless these take as long as two of 16.
cat >narrow.nn <<END
model narrow
input x[37]
output = x -> dense(13)
target t[13]
$rest
END
for width in :'3 vectors of 8' -wide:'2 vectors of 16'; do
    "$NNC" compile narrow.nn --target=x86-64-v4${width%:*} --batch=24 --math=fast --dump=schedule >narrow.txt
    grep -A1 'loss_sum.* = sum' narrow.txt | grep -q "in the lanes of ${width#*:};"
done
# Where a step has few of them, they are half as long: such a processor does less beside the longest.
for batch in 1:32 24:64; do
    "$NNC" compile narrow.nn --target=x86-64-v4-wide --batch=${batch%:*} --library -o width >/dev/null
    grep -q "Vectors: .*, of ${batch#*:} bytes (--target=x86-64-v4-wide)" width/narrow.h
done
# What has no sums and computes with a scan's numbers of the same step runs in it: they need not be stored and read again.
"$NNC" compile "$SOURCE/tests/facts/layer_gru/model.nn" --library --target=x86-64-v3 -o joined >/dev/null
grep -q 'float dfeatures_gru_u\[' joined/layer_gru.h
if grep 'float dfeatures_gru_[crz]\[' joined/layer_gru.h; then exit 1; fi
# What a statement computes for one value of an index by which it chooses is read by others.
tr '\n' ' ' <joined/layer_gru.c | tr -s ' ' >joined.txt
grep -q 'dfeatures.d\[i\] = sum(b, t: dfeatures.gru.u\[b, t, 2, i\])' joined.txt
grep -q 'dfeatures.gru.a\[b, t, 1, j\] = dfeatures.gru.u\[b, t, 1, j\]' joined.txt
# ... but only while somebody else does not read all of it.
cat >chosen.nn <<END
model chosen
input x[4]
target t[300]
h = x -> dense(100)
e[j] = exp(h[j])
a[g in 0..3, j in 0..100] = if g == 1 then h[j] else e[j]
d[g in 0..3, j in 0..100] = if g == 2 then a[g, j]^2 else 2 * a[g, j] + 1
q[j] = max(g: a[g, j])
r[j] = min(g: a[g, j])
loss = sum(g, j: d[g, j] * t[100 * g + j]) + sum(j: q[j] * r[j])
optimizer = sgd(rate = 0.00001)
END
for target in portable x86-64-v3; do "$NNC" compile chosen.nn --check --library --target=$target -o chosen >/dev/null; done
# A step of a scan cannot read what another one will choose.
cat >later.nn <<END
model later
input x[6]
target t[5, 3]
h = x -> dense(6)
scan s in 0..5 {
    y[s, j in 0..3] = if s == 4 then h[j] * h[j + 3] else 0.5 * (z[s - 1, j] default 0.1)
    z[s, j in 0..3] = y[s, j] + h[j] * h[j + 3]
}
loss = mean_squared_error(z, t)
END
"$NNC" check later.nn --check --gradients | grep -q 'all derivatives agree'
# A transposed convolution: its weights' gradient goes round the places where its input is, whatever the factors stand in.
cat >transposed.nn <<END
model transposed
layer upward(x[c, h, w], filters, k) -> y[filters, 2 * h + k - 2, 2 * w + k - 2] {
    param W[filters, c, k, k] = glorot_uniform(c * k^2, filters * k^2)
    y[o, r, s] = sum(i, u, v: W[o, i, u, v]
               * (if (r - u) mod 2 == 0 and (s - v) mod 2 == 0 then (x[i, (r - u) / 2, (s - v) / 2] default 0) else 0))
}
input x[3, 4, 4]
output = x -> upward(2, 3) -> flatten -> dense(3)
target t[3]
$rest
END
"$NNC" compile transposed.nn --library --check -o upward >/dev/null
grep -q 'doutput.upward.W\[i, j, k, l\] = sum(b, r, s: doutput.upward\[b, i, k + 2 \* r, l + 2 \* s\]' upward/transposed.c

# Vectors of a size that nothing divides run through a scan and the sums behind it: a few tensors have to move together for that.
cat >recurrent.nn <<END
model recurrent
input x[5, 16]
output = x -> rnn(50) -> last_step -> dense(3)
target t[3]
$rest
END
"$NNC" compile recurrent.nn --target=x86-64-v3 --math=strict --batch=32 --dump=schedule >recurrent
sed -n '/^step/,/^evaluate/p' recurrent | grep -A2 'doutput.rnn.U.* = sum' | grep -q ' in the lanes of '

# What a sum leaves out need not stand in memory, unless another function reads it, too; however much larger than the tensor that is.
cat >beyond.nn <<END
model beyond
input x[4, 14, 14]
output = x -> conv2d(6, kernel = 5) -> relu -> conv2d(16, kernel = 5) -> flatten -> dense(3)
target t[3]
$rest
END
"$NNC" compile beyond.nn --batch=32 --target=x86-64-v4 --math=fast --library -o beyond >/dev/null
grep -q 'float doutput_conv2d_2\[16\]\[6\]\[6\]\[32\];' beyond/beyond.h
"$NNC" compile beyond.nn --batch=32 --target=x86-64-v4 --math=fast --library --gradients -o beyond >/dev/null
grep -q 'float doutput_conv2d_2\[16\]\[14\]\[14\]\[32\];' beyond/beyond.h
# An outer loop leaves out the rows that are in a border, even where these are few; the innermost goes the same way round each time.
cat >few.nn <<END
model few
input x[1, 28, 28]
output = x -> conv2d(6, kernel = 5, pad = 2) -> relu -> flatten -> dense(3)
target t[3]
$rest
END
"$NNC" compile few.nn --batch=32 --target=x86-64-v4 --math=fast --library -o few >/dev/null
grep -q 'for (int u = (0 > 2 - r ? 0 : 2 - r); u < (5 < 30 - r ? 5 : 30 - r); u++)' few/few.c
grep -q 'for (int v = 0; v < 5; v++)' few/few.c
# Loops: of a matrix that does not fit the first cache, a few rows are read once for all examples; terms are added four at a time to what
# is in memory.
cat >large.nn <<END
model large
input x[100]
output = x -> dense(100) -> tanh -> dense(3)
target t[3]
$rest
END
"$NNC" compile large.nn --batch=16 --math=fast --library -o large >/dev/null
grep -A1 'for (int j = 0; j + 8 <= 100; j += 8)' large/large.c | grep -q 'for (int b = 0'
grep -A2 'NNC_UNEVEN_SUMS(sum, sum2' large/large.c | grep -q NNC_ANY_ORDER
grep -q '+= dense \* in\[b\].x\[j\] + dense2 \* in\[b + 1\].x\[j\]' large/large.c
# Nor does the sum of a convolution's gradient ask: its loops begin and end inside the image.
cat >image.nn <<END
model image
input x[1, 28, 28]
output = x -> conv2d(4, kernel = 5, pad = 2) -> flatten -> dense(3)
target t[3]
$rest
END
"$NNC" compile image.nn --library -o image >/dev/null
grep -A9 'conv2d.W\[i, j, k, l\] = sum' image/image.c >gradient.txt
grep -q 'for (int s = (0 > 2 - l ? 0 : 2 - l); s < (28 < 30 - l ? 28 : 30 - l); s++)' gradient.txt
if grep '>= 0' gradient.txt; then exit 1; fi
# Its header counts what such loops do: 40 terms for each of 9 weights, but 4 + 3 + 2 + 1 at either end, 360 forward, 9 + 40 for the rest.
cat >line.nn <<END
model line
layer slide(x[n]) -> y[n] {
    param w[9] = normal(0, 1)
    y[i] = sum(k: w[k] * (x[i + k - 4] default 0))
}
input x[40]
output = x -> slide
target t[40]
$rest
END
"$NNC" compile line.nn --library -o line >/dev/null
grep -q '^ *training step  *[0-9]*  *749 ' line/line.h
# Parameters that are too large for the first cache stand in panels also where these do not divide them; the loop over one ends there.
cat >ragged.nn <<END
model ragged
input x[100]
output = x -> dense(150) -> tanh -> dense(3)
target t[3]
$rest
END
"$NNC" compile ragged.nn --library --target=x86-64-v4 --batch=32 --math=fast -o ragged >/dev/null
grep -q 'float W\[19\]\[100\]\[8\]; /\* .* is \[i / 8\]\[j\]\[i mod 8\]' ragged/ragged.h
# A loop begins and ends for one factor: more would double the text of its ends, one after another.
factors=$(printf '(x[r - k + %d] default 0) * ' $(seq 20 31))
cat >factors.nn <<END
model factors
input x[40]
target t[30]
output[r in 0..30] = sum(k in 0..40: ${factors}1)
loss = mean_squared_error(output, t)
END
"$NNC" compile factors.nn --library -o factors >/dev/null
[ "$(wc -c <factors/factors.c)" -lt 20000 ]
grep -q 'output_row\[r\] += ' factors/factors.c
# Of a sum of which everything lies outside, nothing is left.
cat >outside.nn <<END
layer L(x[n], g[m]) -> y[10] {
    param W[8] = 1
    y[r] = sum(k in 0..8: (x[2 * r + k] default 0) * (g[2 * r + k - 9] default 0) * W[k])
}
input a[4]
g = a -> dense(3)
h = a -> dense(4)
loss = sum_squares(L(h, g))
END
"$NNC" check outside.nn | grep -q '^parameters: 43$'
# The sum of a whole tensor, as of a penalty or a gradient's norm, is one of rows, which stand in lanes.
cat >penalty.nn <<END
model penalty
input x[64]
output = x -> dense(32)
target t[32]
loss = mean_squared_error(output, t) + 0.001 * sum_squares(output.W)
optimizer = sgd(rate = 0.01)
data train {
    x = npy("x.npy")
    t = npy("t.npy")
}
train { clip_norm = 1 }
END
for options in --batch=1 --batch=16 "--batch=16 --math=fast"; do
    "$NNC" compile penalty.nn --target=x86-64-v4 $options --dump=schedule >rows.txt
    [ "$(grep -c '_rows\[i\] = sum(j: ' rows.txt)" -ge 2 ]
    if grep -A1 '_rows\[i\] = sum(j: ' rows.txt | grep 'no vectors'; then exit 1; fi
done
# Nothing asks whether it reads beyond a tensor: borders are drawn step by step, and strides have no conditions in gradients.
for fact in user_conv_lstm user_transposed_conv; do
    "$NNC" compile "$SOURCE/tests/facts/$fact/model.nn" --target=x86-64-v4 --batch=16 --library -o asks >/dev/null
    if grep '>= 0 &&\|>= 0$' asks/$fact.c; then exit 1; fi
done
[ "$(wc -c <origins.txt)" -gt "$(wc -c <derive.txt)" ]

"$NNC" "$model" --time --stop=normalize >out 2>err
[ ! -s out ]
[ "$(grep -c ' ms ' err)" = 4 ]
! grep -q '^derive' err || exit 1

# A step that is never reached prints nothing.
status=0; "$NNC" - --dump=derive <<<'input x[' >out 2>err || status=$?
[ $status = 1 ] && [ ! -s out ] && [ -s err ]

# A sum that is 0 by algebra has no logarithm to be summed in: in C, exp(logsumexp(-inf)) would not be a number.
cat >zeros.nn <<END
model zeros
layer zero(x[n]) -> y[2] {
    param p = normal(0, 0.5)
    y[i] = tanh(sum(j in 0..4: 0.2 * argmax(k in 0..1: p)) / 4)
}
input x[2, 2, 1]
output = x -> zero -> batch_norm -> flatten -> dense(2)
target t[2]
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.01)
END
"$NNC" compile zeros.nn --library --dump=stabilize >stabilized
grep -q "average_next" stabilized
if grep -q "logsumexp" stabilized; then exit 1; fi
