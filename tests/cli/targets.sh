# Vectors: with them, strict training has the same bits as without; checkpoints know no target.
cp -r "$SOURCE/examples" .
quick="${CC:-cc} -O1"
# A network on the digits, whose layers come from standard input.
network() { # name, batch, optimizer, another setting
    cat >"$1.nn" <<END
model $1
input x[64]
target t[10]
$(cat)
loss = cross_entropy(output, t)
optimizer = $3
data train {
    x = csv("examples/data/digits.csv", columns = 0..64) / 16
    t = csv("examples/data/digits.csv", column = 64) -> one_hot
}
train {
    batch = $2
    ${4-}
}
END
}

# Borders, strides from both sides, maxima and their positions, a batch that is not full.
network images 24 "adam(rate = 0.01)" <<END
output = x -> reshape(1, 8, 8) -> conv2d(5, kernel = 3, pad = 1) -> relu -> max_pool(2) -> conv2d(18, kernel = 3, stride = 2, pad = 1)
    -> tanh -> flatten -> dense(10) -> softmax
END

# What a step of a scan reads of itself is this step's, what it reads of earlier ones is not.
network steps 7 "momentum(rate = 0.05)" <<END
layer lookback(x[T, n], width) -> y[T, width] {
    param W[width, n] = glorot_uniform(n, width)
    scan t {
        a[t, j] = tanh(sum(i: W[j, i] * x[t, i]) + 0.5 * (y[t - 2, j] default 0.25))
        y[t, j] = 0.5 * (a[t - 1, j] default 0.5) - 0.5 * a[t, j]
    }
}
output = x -> reshape(8, 8) -> lookback(12) -> gru(9) -> last_step -> dense(10) -> softmax
END

# Its steps are of more kinds than its loop has pieces, and read beyond the width of earlier ones: the first steps read what stands in
# memory before all steps.
network first 4 "sgd(rate = 0.05)" <<END
layer later(x[r, n]) -> y[r, 5] {
    param p[3, 4] = normal(0, 1)
    param w[3] = normal(0, 1)
    scan t in 0..5 {
        y[q, t] = tanh(0.6 * (h[q, t - 3, 0] default -0.4) + ((h[q, t - 2, t / 2] default 0.7) - 0.5)
            * ((h[q, t - 1, t] default 0.7) - (p[2 * t, t] default -0.4)))
        h[q in 0..r, t, j in 0..4] = tanh(0.6 * y[q, t]
            + sum(k in 0..3: if x[q, t mod 2] <= 0.3 then w[k] else if j >= t then (x[q, j - 1] default 0) else 0.7) / 3)
    }
}
output = x -> dense(16) -> reshape(2, 8) -> later -> flatten -> dense(10) -> softmax
END

# Where a gradient belongs is found by the step itself.
network found 16 "momentum(rate = 0.05)" <<END
layer strongest(x[c, n]) -> y[c] {
    at[i] = argmax(j: x[i, j])
    y[i] = x[i, at[i]] + 0.5 * x[i, (at[i] + 1) mod n]
}
output = x -> dense(160) -> tanh -> reshape(10, 16) -> strongest -> dense(10) -> softmax
END

# One example at a time: the first layer runs where it was updated, for the next one; all its units at once, the last vector not full.
network single 1 "adam(rate = 0.001)" <<END
output = x -> dense(44) -> relu -> dense(10) -> softmax
END
"$NNC" compile single.nn --math=strict --target=x86-64-v3 --dump=schedule | grep -A2 'output.dense.b, j. = .*x.1, i' | grep -q 'j in the lanes of 6 vectors of 8'

# Panels of 8, of which blocks of 8 are transposed: larger ones would read beyond the panel.
network narrow 1 "sgd(rate = 0.01)" <<END
output = x -> dense(120) -> relu -> dense(84) -> relu -> dense(10) -> softmax
END

# Few channels stand in memory as a whole vector of them: what transposes them has as many rows as there are.
network few 20 "sgd(rate = 0.05)" <<END
output = x -> reshape(1, 8, 8) -> conv2d(6, kernel = 3, pad = 1) -> tanh -> conv2d(5, kernel = 3) -> relu -> flatten -> dense(6) -> tanh
    -> dense(10) -> softmax
END
"$NNC" compile few.nn --target=x86-64-v4 --math=fast --quiet -o few
grep -A1 'row < 6; row++' few/few.c | grep -q '= nnc_load_f8'  # fewer are read than written,
grep -A1 'row < 6; row++' few/few.c | grep -q '  nnc_store_f8' # or fewer are written than read

# Sums that leave out what lies outside, whose tensors have no border then; one that has no loop to do so; a factor whose tensor has a
# border of infinity; a border of no width.
network outside 8 "sgd(rate = 0.05)" <<END
output = x -> reshape(4, 4, 4) -> conv2d(8, kernel = 1, pad = 1) -> tanh -> conv2d(6, kernel = 5) -> relu -> conv2d(9, kernel = 2)
    -> flatten -> dense(10) -> softmax
END
network infinity 16 "sgd(rate = 0.05)" <<END
layer f(x[h, w, c], k2) -> y[h, w, k2] {
    param Q[h, w, c, k2] = glorot_uniform(c, c)
    m[k] = max(u in 0..3: (Q[u - 1, 0, 0, k] default -inf))
    y[r, s, k] = sum(u in 0..h, v in 0..w, j: (x[r - u + 3, s - v + 3, j] default 0) * Q[u, v, j, k]) + m[k]
}
output = x -> reshape(4, 4, 4) -> f(8) -> tanh -> f(12) -> flatten -> dense(10) -> softmax
END
network narrowed 8 "sgd(rate = 0.05)" <<END
layer f(x[n, c]) -> y[9, 7] {
    param W2[5, 5, 7] = glorot_uniform(9, 7)
    param W3[4, 5, 7] = glorot_uniform(9, 7)
    y[i in 0..9, k in 0..7] = tanh(sum(u in 0..9, j in 0..5: x[u, j] * (W2[i - u + 3, j, k] default 0))
                            + sum(u in 0..4, j in 0..5: (x[i + 3 * u + 2, j] default 0) * W3[u, j, k]))
}
output = x -> dense(45) -> tanh -> reshape(9, 5) -> f -> flatten -> dense(10) -> softmax
END

# What sums read, and the work space keeps, in panels; steps outside of them; an incomplete batch in a copy's.
network panels 22 "momentum(rate = 0.05)" <<END
output = x -> reshape(8, 8) -> lstm(32) -> flatten -> dense(64) -> tanh -> dense(32) -> relu -> dense(10) -> softmax
END

# Parameters whose last panel is not full: sums over it end there, too.
network ragged 22 "adam(rate = 0.01)" <<END
output = x -> dense(150) -> relu -> dense(100) -> tanh -> dense(10) -> softmax
END

# Gradients stand in memory as their parameters do, also where a copy of these stands otherwise.
network clipped 7 "sgd(rate = 0.05)" "clip_norm = 0.02" <<END
output = x -> dense(33) -> relu -> dense(10) -> softmax
END

# A statement in strips of columns, of which one reads beyond its tensor: the others are short, and sums in each go along together.
network strips 9 "sgd(rate = 0.05)" <<END
layer mixed(x[m, w]) -> y[m, w] {
    param Q[m, m] = glorot_uniform(m, m)
    param K[w, w] = glorot_uniform(w, w)
    y[p, j] = sum(i: (x[i, j + 3] default 0) * Q[p, i]) + sum(l: x[p, l] * K[l, j])
}
output = x -> dense(96) -> reshape(12, 8) -> mixed -> tanh -> flatten -> dense(10) -> softmax
END

# Fast arithmetic finds a maximum where it finds its place; strict arithmetic does not, as only the maximum hands on what is no number.
"$NNC" compile images.nn --target=x86-64-v3 --math=fast --quiet -o pools
"$NNC" compile images.nn --target=x86-64-v3 --math=strict --quiet -o pools_in_order
grep -A1 ' = argmax(' pools/images.c | grep -q '^ *images.nn.* = max('
test "$(grep -c 'const nnc_f8 candidate' pools/images.c)" -ge 1
if grep -A1 ' = argmax(' pools_in_order/images.c | grep -q '^ *images.nn.* = max('; then exit 1; fi

# Terms that a stride chooses, at several places of each kind at a time.
network strides 1 "sgd(rate = 0.05)" <<END
output = x -> reshape(1, 8, 8) -> conv2d(8, kernel = 3, pad = 1) -> tanh -> conv2d(8, kernel = 3, stride = 2, pad = 1) -> relu
    -> flatten -> dense(10) -> softmax
END
"$NNC" compile strides.nn --target=x86-64-v3 --math=fast --dump=schedule >strides
grep -A1 'mod 2 == 0' strides | grep -q '2 of r at a time, 4 of s at a time'

# A tile of all columns of a small image, the outer two with a term less each.
network small 6 "sgd(rate = 0.05)" <<END
output = x -> reshape(4, 4, 4) -> conv2d(16, kernel = 3, pad = 1) -> tanh -> conv2d(16, kernel = 3, pad = 1) -> relu -> flatten
    -> dense(10) -> softmax
END
"$NNC" compile small.nn --target=x86-64-v4 --math=fast --quiet -o small
sed -n '/output.conv2d_2\[b, o, r, s\] = sum/,$p' small/small.c | sed '/ sums\[/q' >tile
sums=$(grep -o 'sum_[0-9_]* = {0}' tile | wc -l)
test "$sums" -ge 8
test $((sums * 10 / 4)) = "$(grep -c ' sum_.* += ' tile)"

# A stride along an axis of which the kernel has one value: the terms that the other stride chooses are not the last of the sum.
network order 3 "sgd(rate = 0.05)" <<END
layer widen(x[k, h, w]) -> y[9, 2 * h + 1, 2 * w - 1] {
    param W[9, k, 5, 1] = glorot_uniform(k, 9)
    y[o in 0..9, r in 0..2 * h + 1, s in 0..2 * w - 1] = sum(a in 0..k, u in 0..5, v in 0..1:
        if (r + 2 - u) mod 2 == 0 and (s - v) mod 2 == 0 then W[o, a, u, v] * (x[a, (r + 2 - u) / 2, (s - v) / 2] default 0) else 0)
}
output = x -> reshape(8, 4, 2) -> widen -> tanh -> flatten -> dense(10) -> softmax
END

# One example whose long sums would wait for themselves: several panels of vectors at a time, where sums may not be taken apart.
network waits 1 "momentum(rate = 0.02)" <<END
output = x -> dense(160) -> tanh -> dense(96) -> relu -> dense(10) -> softmax
END
"$NNC" compile waits.nn --target=x86-64-v4 --dump=schedule | grep -A4 'output.dense_2\[b, j\] = ' >waits
grep -q 'j in the lanes of 6 vectors of 16' waits

# ... and without vectors, where the first layer's parameters stand in memory as its sums grow: all units of the next input together.
"$NNC" compile waits.nn --quiet -o waits_in_rows
grep -q 'W\[64\]\[160\]; /\* \[i, j\] of W 160 x 64 is \[j\]\[i\] \*/' waits_in_rows/waits.h
grep -A1 'for (int i = 0; i + 4 <= 64; i += 4)' waits_in_rows/waits.c | grep -q 'const float x = in\[0\].x\[i\];'
"$NNC" compile waits.nn --quiet --target=scalar -o waits_in_rows
grep -q 'W\[160\]\[64\];$' waits_in_rows/waits.h

# Gradients stand in memory as their parameters do: a step of plain gradient descent is one rate times them, all in the same order.
network descends 1 "sgd(rate = 0.5)" <<END
output = x -> dense(160) -> tanh -> dense(10) -> softmax
END
"$NNC" compile descends.nn --library --gradients --quiet -o descends
grep -q 'W\[64\]\[160\]; /\*' descends/descends.h
cat >descends/main.c <<'END'
#include "descends.h"
static descends_parameters before, after, gradient;
static descends_state state;
static descends_gradient_work gradient_work;
static descends_work work;
int main(void) {
    static descends_input x;
    static descends_target t;
    const float *from = (float *)&before, *to = (float *)&after, *slope = (float *)&gradient;
    int wrong = 0, steep = 0;
    descends_init(&before, &state, 3);
    after = before;
    for (int i = 0; i < 64; i++) x.x[i] = (float)(i * 37 % 11) / 11.0f;
    t.t[3] = 1;
    descends_gradient(&before, &state, &gradient_work, &x, &t, 1, &gradient);
    descends_train(&after, &state, &work, &x, &t, 1);
    for (unsigned i = 0; i < sizeof before / sizeof *from; i++) {
        wrong += from[i] - 0.5f * slope[i] != to[i];
        steep += slope[i] != 0;
    }
    return wrong > 0 || steep < 10000;
}
END
${CC:-cc} -std=c99 -O1 -ffp-contract=off descends/main.c descends/descends.c descends/runtime/random.c -lm -o descends/program
descends/program

# Without vectors, strict arithmetic takes 25 of these examples at a time, and the last batch one by one: sums in each step of a scan, sums in
# the sum of another index, two numbers of an example in a term, a sum of a few elements.
network turned 50 "momentum(rate = 0.05)" <<END
layer pairs(x[n], units) -> y[units] {
    param W[units, n] = glorot_uniform(n, units)
    y[j] = sum(i: W[j, i] * x[i] * x[(i + 1) mod n]) - sum(i: W[j, i] * x[i])
}
layer experts(x[n], count, units) -> y[units] {
    param W[count, units, n] = glorot_uniform(n, units)
    y[j] = sum(e in 0..count: tanh(sum(i: W[e, j, i] * x[i])))
}
output = x -> reshape(8, 8) -> gru(20) -> last_step -> pairs(104) -> experts(4, 18) -> dense(10) -> softmax
END
"$NNC" compile turned.nn --quiet -o turned
grep -q 'for (int b = 0; b < examples; b += 32)' turned/turned.c
grep -q 'for (int e = 0; e < (32 < examples - b ? 32 : examples - b); e++)' turned/turned.c
for tensor in x hidden output_gru output_pairs output_experts; do grep -o "${tensor}[a-z_]*_columns" turned/turned.c | head -1; done >columns
test "$(wc -l <columns)" -ge 4
"$NNC" compile turned.nn --quiet --target=scalar -o turned
! grep -q '_columns' turned/turned.c || exit 1

# Parameters that all steps of a scan read are turned round once, before the first step: for two examples, in blocks, by several statements.
network recurrent 2 "momentum(rate = 0.05)" <<END
output = x -> reshape(8, 8) -> gru(20) -> rnn(36) -> last_step -> dense(10) -> softmax
END
"$NNC" compile recurrent.nn --quiet -o recurrent
test "$(grep -c 'Before the first step: copies of parameters that all steps read' recurrent/recurrent.c)" -ge 3 # to train, evaluate, predict
grep -A20 'Before the first step' recurrent/recurrent.c | grep -q 'rnn_U_columns\[j / [0-9]*\]\[k\]\[e\] = model->output.rnn.U\[j + e\]\[k\];'

# ... of which some read a part only.
network ranges 1 "sgd(rate = 0.003)" <<END
layer parts(x[T, n]) -> y[T, 48] {
    param V[48, 48] = glorot_uniform(48, 48)
    scan t {
        f[t, j in 0..30] = tanh(sum(k: V[j, k] * (y[t - 1, k] default 0.5)))
        g[t, j in 0..32] = tanh(sum(k: V[j, k] * (y[t - 1, k] default 0.25)))
        h[t, j in 0..24] = tanh(sum(k: V[j, k] * (y[t - 1, k] default 0.75)))
        y[t, j in 0..48] = tanh(sum(k: V[j, k] * (y[t - 1, k] default 0.5)) + (f[t, j] default 0) + (g[t, j] default 0) + (h[t, j] default 0)
            + (x[t, j] default 0))
    }
}
output = x -> reshape(8, 8) -> parts -> last_step -> dense(10) -> softmax
END

# ... but not at a place that the first step itself finds.
network places 1 "sgd(rate = 0.003)" <<END
layer chosen(x[T, n]) -> y[T, 40] {
    param U[3, 40, 40] = glorot_uniform(40, 40)
    scan t {
        at[t] = argmax(g in 0..3: x[t, g + 2] + (y[t - 1, g] default 0))
        y[t, j in 0..40] = tanh(sum(k in 0..40: U[at[t], j, k] * (y[t - 1, k] default 0.5)) + (x[t, j] default 0))
    }
}
output = x -> reshape(8, 8) -> chosen -> last_step -> dense(10) -> softmax
END

# ... and along other indices: channels of convolutions with borders and strides, for 3 examples that are too few.
channels='layer strided(x[c, h, w], filters, kernel) -> y[filters, (h + 1) / 2, (w + 1) / 2] {
    param W[filters, c, kernel, kernel] = glorot_uniform(c * kernel^2, filters * kernel^2)
    y[o, r, s] = sum(a, u, v: W[o, a, u, v] * (x[a, 2 * r + u - 2, 2 * s + v - 2] default 0))
}
output = x -> reshape(1, 8, 8) -> conv2d(7, kernel = 5, pad = 2) -> tanh -> strided(11, kernel = 5) -> tanh -> conv2d(19, kernel = 3)
  -> flatten -> dense(10) -> softmax'
echo "$channels" | network channels 7 "momentum(rate = 0.005)"
echo "$channels" | network channels3 3 "momentum(rate = 0.003)"
"$NNC" compile channels.nn --quiet -o channels
"$NNC" compile channels3.nn --quiet -o channels3
for elements in '7 examples' '7 values of i' '19 values of i'; do grep -q "   $elements at a time" channels/channels.c; done
for elements in '7 values of o' '11 values of o' '19 values of o'; do grep -q "   $elements at a time" channels3/channels3.c; done
grep -q 'if (2 [*] r + u - 2 >= 0 && 2 [*] r + u - 2 < 8) {' channels/channels.c
grep -q 'const float .* = s + l - 2 >= 0 ?\|const float .* = s - [12] >= 0 ?' channels3/channels3.c

# Digits of an index that all elements side by side share: channels of one group.
network grouped 5 "momentum(rate = 0.02)" <<END
output = x -> reshape(4, 4, 4) -> conv2d(24, kernel = 3, pad = 1, groups = 2) -> tanh -> conv2d(16, kernel = 2, groups = 4) -> flatten
    -> dense(10) -> softmax
END
"$NNC" compile grouped.nn --quiet -o grouped
grep -q '   12 values of i at a time' grouped/grouped.c
grep -q 'reshape_2\[b\]\[2 [*] (i / 12)\]' grouped/grouped.c

targets=
for target in x86-64-v2:sse4_2 x86-64-v3:avx2 x86-64-v4:avx512dq x86-64-v4-wide:avx512dq aarch64:asimd; do
    if grep -qw "${target#*:}" /proc/cpuinfo; then targets="$targets ${target%:*}"
    else echo "SKIPPED: this machine is no ${target%:*}" >&2
    fi
done
train() { # model, epochs, targets: the same words and the same checkpoint from all of them
    for target in portable $3; do
        "$NNC" train "$1.nn" --epochs "$2" --math=strict --cc "$quick" --save $target.st --target=$target --json |
            sed 's/,"seconds.*//' >$target
        cmp portable $target
        cmp portable.st $target.st
    done
}
for model in examples/03_iris/iris examples/04_digits/digits examples/05_custom/custom examples/02_xor/xor; do train $model 3 "$targets"; done
for model in images steps first found single clipped panels ragged strips strides few outside infinity narrowed small waits order; do
    # x86-64-v2, of 4 lanes, and x86-64-v4-wide take turns.
    if [ "${skipped-}" = x86-64-v2 ]; then skipped=x86-64-v4-wide; else skipped=x86-64-v2; fi
    train $model 1 "$(echo "$targets " | sed "s/ $skipped / /")"
done
for model in turned recurrent ranges places channels channels3 grouped; do train $model 1 scalar; done # what has columns, and what has none

# Where a number that is not finite comes from, of tensors in panels.
"$NNC" compile panels.nn --target=x86-64-v3 --math=fast --quiet -o panels
grep -q 'output_tanh\[4\]\[22\]\[16\]' panels/panels.h
grep -q 'output_lstm_sigmoid\[8\]\[2\]\[22\]\[16\]' panels/panels.h
case $targets in
*x86-64-v3*)
    ${CC:-cc} -std=c99 -O0 -Wall -Wextra -Werror -march=x86-64-v3 -D_POSIX_C_SOURCE=200809L -fsyntax-only panels/*.c
    ;;
esac

# A checkpoint of one goes on in the other.
"$NNC" train examples/03_iris/iris.nn --epochs 6 --math=strict --cc "$quick" --save whole.st --target=portable --quiet
"$NNC" train examples/03_iris/iris.nn --epochs 4 --math=strict --cc "$quick" --save part.st --target=native --quiet
"$NNC" train examples/03_iris/iris.nn --epochs 6 --math=strict --cc "$quick" --resume part.st --save part.st --target=portable --quiet
cmp whole.st part.st
"$NNC" predict examples/03_iris/iris.nn --math=strict --cc "$quick" --load whole.st --data examples/data/iris.csv --target=portable >plain
"$NNC" predict examples/03_iris/iris.nn --math=strict --cc "$quick" --load whole.st --data examples/data/iris.csv --target=native >vectors
cmp plain vectors

# What is predicted reads a tensor otherwise than what is evaluated, for which it stands in panels.
network shifted 3 "sgd(rate = 0.1)" <<END
h = x -> dense(128) -> tanh
output = h -> dense(128) -> relu -> dense(10) -> softmax
extra[i in 0..56] = 2 * h[i + 5] + h[i + 3]
predict output, extra
END
head -4 examples/data/digits.csv >four.csv
"$NNC" train shifted.nn --epochs 1 --math=strict --cc "$quick" --save shifted.st --target=portable --quiet
for target in portable $targets; do
    "$NNC" predict shifted.nn --math=strict --cc "$quick" --load shifted.st --data four.csv --target=$target >$target
    cmp portable $target
done

# A border of infinity is no number that is not finite.
network infinite 24 "sgd(rate = 1e30)" <<END
layer least(x[c, h, w]) -> y[c, h, w] {
    y[k, r, s] = min(u in 0..3, v in 0..3: x[k, r + u - 1, s + v - 1] default inf)
}
output = x -> reshape(1, 8, 8) -> conv2d(16, kernel = 3, pad = 1) -> least -> flatten -> dense(10) -> softmax
END
for target in portable $targets; do
    if "$NNC" train infinite.nn --epochs 1 --math=strict --cc "$quick" --quiet --target=$target 2>err; then exit 1; fi
    grep -q "not finite is 'output.dense'" err
done

# 0 times infinity is no number, wherever a sum's loops begin and end.
network beyond 8 "sgd(rate = 0.1)" <<END
layer window(x[n]) -> y[30] {
    param W[30] = uniform(-0.3, 0.3)
    y[r] = sum(k in 0..40: (W[k - r] default 0) * (x[k - r] default inf))
}
output = x -> dense(30) -> window -> dense(10) -> softmax
END
for target in portable $targets; do
    if "$NNC" train beyond.nn --epochs 1 --math=strict --cc "$quick" --quiet --target=$target 2>err; then exit 1; fi
    grep -q "in step 1 (epoch 1) the loss is nan" err
done

# Sums whose terms are chosen by a division, in lanes; a scan in straight lines, of a tensor that vectors read beyond its ends.
for fact in user_transposed_conv user_running_max; do
    for target in x86-64-v2 x86-64-v3 x86-64-v4 x86-64-v4-wide; do
        "$NNC" compile "$SOURCE/tests/facts/$fact/model.nn" --library --check --math=fast --target=$target --quiet -o checked
    done
done

# An index by / and mod that do not divide its size: the last time, its inner loop ends earlier; also in straight lines, and threads.
cat >taken.nn <<END
model taken
layer twice(x[n]) -> y[2 * n - 1] {
    param w[n] = normal(0, 1)
    param v[2 * n - 1] = normal(0, 1)
    y[i] = sum(j in 0..2 * n - 1: w[j / 2] * v[j]) * x[i / 2]
}
input x[20]
output = x -> twice
target t[39]
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.1)
END
for options in --unroll=none --unroll=full "--target=x86-64-v3 --batch=9" "--target=x86-64-v4 --batch=16 --threads=2"; do
    "$NNC" compile taken.nn --library --check --quiet $options -o taken
done
grep -q '; q < (2 < 39 - 2 \* p ? 2 : 39 - 2 \* p); q++)' taken/taken.c
cat >chosen_by_mod.nn <<END
input x[4]
target t[1]
y = sum(i: x[i] * x[i mod 3])
output = reshape(y, 1) -> dense(1)
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.001)
data train {
    x = [[1, 2, 3, 4], [0, 1, 0, 1], [1, 1, 0, 0]]
    t = [[1], [2], [3]]
}
END
for unroll in none auto full; do "$NNC" train chosen_by_mod.nn --epochs 3 --math=strict --json --unroll=$unroll | grep -o '"loss":[0-9.]*'; done |
    sort | uniq -c | grep -c '^ *3 ' | grep -qx 3

# What computes with a scan and with targets is no part of what prediction needs of the scan.
cat >errors.nn <<END
input x[3, 2]
target t[3, 2]
output = x -> gru(2)
e = abs(output - t)
loss = mean(s: sum(j: e[s, j]) * max(j: e[s, j]))
optimizer = sgd(rate = 0.1)
data train {
    x = [[1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 1]]
    t = [[1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]
}
END
for target in portable native; do "$NNC" train errors.nn --epochs 2 --math=strict --json --target=$target | sed 's/,"seconds.*//'; done | sort | uniq -c | grep -c '^ *2 ' | grep -qx 2

# A statement that chooses by an index is in parts only where the index alone decides; each part reads what the whole reads once.
cat >constant.nn <<END
input x[1, 1]
output = x -> dense(4) -> softmax
winner = argmax(i in 0..4: 0.4)
loss = kl_divergence(output, one_hot(winner)) + 0 * sum(i in 0..4: if i == 1 then winner else 2 * winner)
optimizer = sgd(rate = 0.1)
END
for batch in 1 3 8; do
    "$NNC" compile constant.nn --library --check --unroll=none --target=x86-64-v4 --batch $batch --quiet -o checked 2>said
done
cat >parts.nn <<END
input x[2]
target t[6]
h = x -> dense(2)
e[j] = exp(h[j])
w[g in 0..3, j in 0..2] = if g == 1 then h[j] else e[j]
loss = sum(g, j: w[g, j] * t[2 * g + j]) + sum(j: e[j])
optimizer = sgd(rate = 0.02)
data train {
    x = [[0.5, 1], [-1, 0.3]]
    t = [[1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 1]]
}
train { epochs = 3 }
END
"$NNC" train parts.nn --math=strict --save parts.st --quiet
for unroll in none full; do "$NNC" evaluate parts.nn --load parts.st --math=strict --unroll=$unroll; done | uniq | wc -l | grep -qx 1

# Straight lines that choose by whole numbers: gcc 12 makes wrong vectors of ?:, so that the bits were others.
cat >chosen.nn <<END
input x[3]
target t_[2]
pre = x -> dense(48) -> reshape(6, 4, 2)
y[t, j] = sigmoid(pre[t, 2, j]) + sigmoid(pre[t, 2, j]) + tanh(pre[t, 1, j])
w0[g in 0..4, t in 0..6, j in 0..2] = if g == 1 then (1 - pre[t, 2, j])^2 else pre[t, 2, j] * pre[t, 2, j]
m0[t, j] = max(g: tanh(w0[g, t, j]))
f[t, j] = y[t, j] + pre[t, 3, j] + pre[t, 2, j] + w0[2, t, j] + m0[t, j]
output = f -> flatten -> dense(2)
loss = mean_squared_error(output, t_)
optimizer = momentum(rate = 0.0001)
data train {
    x = csv("examples/data/iris.csv", columns = 0..3) / 8
    t_ = csv("examples/data/iris.csv", columns = 2..4) / 8
}
train {
    epochs = 1
    batch = 17
    precision = double
}
END
for how in "chosen.nn --unroll=full" narrow.nn; do
    for target in portable native; do
        "$NNC" train $how --math=strict --target=$target --epochs 1 --json | grep -o '"loss":[0-9.]*'
    done | uniq | wc -l | grep -qx 1
done

# One file, whose first comment compiles it.
"$NNC" compile examples/04_digits/digits.nn --single-file --target=native --math=fast --quiet -o digits.c
command=$(sed -n '1s,^/\* \(.*\) \*/$,\1,p' digits.c)
case $command in cc\ *) ;; *) exit 1 ;; esac
bash -c "$command"
./digits --data examples/04_digits --epochs 2 --json | grep -q '"epoch":2'

status=0
"$NNC" compile examples/02_xor/xor.nn --target=pdp11 2>err || status=$?
[ "$status" = 2 ]
grep -q "there is no target 'pdp11'" err
