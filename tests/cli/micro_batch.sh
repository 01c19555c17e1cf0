# Micro-batches: gradients that are added up over parts of a batch are those of the whole: the same bits in strict arithmetic.
cp -r "$SOURCE/examples" .
network() { # name, another setting; its layers come from standard input
    cat >"$1.nn" <<END
model $1
input x[64]
target t[10]
$(cat)
loss = cross_entropy(output, t)
optimizer = momentum(rate = 0.02)
metric = accuracy(output, t)
data train {
    x = csv("examples/data/digits.csv", columns = 0..64) / 16
    t = csv("examples/data/digits.csv", column = 64) -> one_hot
}
train {
    batch = 11
    shuffle = false
    ${2-}
}
END
}
network images <<END
output = x -> reshape(1, 8, 8) -> conv2d(4, kernel = 3, pad = 1) -> relu -> max_pool(2) -> flatten -> dense(10) -> softmax
END
# Random numbers go on from one micro-batch to the next; the length of the whole gradient is limited.
network dropped "clip_norm = 0.5" <<END
output = x -> dense(24) -> tanh -> dropout(0.3) -> dense(10) -> softmax
END
network steps <<END
output = x -> reshape(8, 8) -> gru(9) -> last_step -> dense(10) -> softmax
END
# A layer that several others share: its gradient is a sum of sums, and what few elements have is in straight lines.
network shared <<END
layer twice(x[n], f) -> y[n] { y = x -> f -> tanh -> f }
output = x -> dense(6) -> twice(dense(6)) -> dense(10) -> softmax
END

# Each number of the one by that of the other, and what is not a number.
agree() { # file, file, relative difference
    tr -c '0-9.eE+\n-' ' ' <"$1" >one
    tr -c '0-9.eE+\n-' ' ' <"$2" >two
    paste one two | awk -v most="$3" '
        { for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); m = most * (1 + ($i < 0 ? -$i : $i)); if (d > m || -d > m) exit 1 } n += NF }
        END { if (n < 4) exit 1 }'
}
train() { # model, name, options: losses, metrics and predictions
    model=$1 name=$2
    shift 2
    "$NNC" train "$model.nn" --epochs 1 --cc "${CC:-cc} -O1" --save "$name.st" --json "$@" | sed 's/,"seconds.*//' >"$name"
    head -30 examples/data/digits.csv >some.csv
    "$NNC" predict "$model.nn" --load "$name.st" --data some.csv >>"$name"
}
for model in images dropped steps shared; do
    train $model whole --math=strict --target=portable
    for options in "--micro-batch=1 --target=portable" "--micro-batch=3 --target=native"; do
        train $model parts $options --math=strict
        cmp whole parts
        cmp whole.st parts.st
    done
    train $model parts --micro-batch=3 --target=native --math=fast
    agree whole parts 2e-3
done
train shared parts --micro-batch=4 --target=portable --unroll=full --math=strict
cmp whole.st parts.st
if agree whole some.csv 2e-3; then exit 1; fi # it can tell

# The C says so, compiles without a warning, and needs less memory.
work() { sed -n 's/^ *images_work *\([0-9,]*\)$/\1/p' "$1/images.h" | tr -d ,; }
"$NNC" compile images.nn --quiet --check -o whole.c.d
for size in 1 4; do
    "$NNC" compile images.nn --quiet --check --micro-batch $size -o parts.c.d
    grep -q "enum { IMAGES_MICRO_BATCH = $size };" parts.c.d/images.h
    grep -q 'if (done + examples == batch) {' parts.c.d/images.c
    ${CC:-cc} -std=c99 -O1 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -fsyntax-only parts.c.d/*.c
    test $((2 * $(work parts.c.d))) -lt "$(work whole.c.d)"
done
"$NNC" compile images.nn --quiet --micro-batch 11 -o same.c.d
cmp whole.c.d/images.c same.c.d/images.c

# By itself where a batch is too large for the second cache, with vectors: a convolution one image at a time, a recurrent network as many
# as fill vectors or, if these are long and its units fill them, half of one. Not where weights are what is large, nor where all examples
# are needed at once.
large() { # name, input, layers, target
    cat >"$1.nn" <<END
model $1
input x[$2]
target t[10]
output = x -> $3 -> dense(10) -> softmax
loss = cross_entropy(output, t)
optimizer = sgd(rate = 0.01)
train { batch = 64 }
END
    "$NNC" compile "$1.nn" --library --quiet --check --target=${4-x86-64-v3} --math=fast -o "$1"
    sed -n 's/.*MICRO_BATCH = \([0-9]*\) .*/\1/p' "$1/$1.h"
}
test "$(large conv "8, 32, 32" "conv2d(16, kernel = 3, pad = 1) -> relu -> global_avg_pool")" = 1
test "$(large recurrent "32, 24" "lstm(64) -> last_step")" = 16
test "$(large recurrent "32, 24" "lstm(64) -> last_step" x86-64-v4)" = 8
test "$(large recurrent "32, 24" "lstm(36) -> last_step" x86-64-v4)" = 32
test "$(large wide "784" "dense(512) -> relu -> dense(512) -> relu")" = ""
test "$(large normal "8, 32, 32" "conv2d(16, kernel = 3, pad = 1) -> batch_norm -> relu -> global_avg_pool")" = ""

# A loss that adds a mean over the batch to what each example has: in fast arithmetic, the mean is added once.
network both <<END
h = x -> dense(12) -> tanh
output = h -> dense(10) -> softmax
END
sed -i 's/^loss = .*/loss = cross_entropy(output, t) + 0.01 * sum_absolute(h)/' both.nn
train both whole --math=strict --target=portable
train both parts --micro-batch=4 --target=portable --math=fast
agree whole parts 2e-3
if "$NNC" compile both.nn --micro-batch 4 -o nothing 2>err; then exit 1; fi
grep -q "error: 'loss.*' needs all examples .* or --math=fast, which may reorder sums" err
cat >token.nn <<END
input token[5] : index(7)
target next : index(7)
output = token -> embedding(4) -> flatten -> dense(7) -> softmax
loss = cross_entropy(output, one_hot(next))
optimizer = sgd(rate = 0.5)
train { batch = 8 }
END
if "$NNC" compile token.nn --library --micro-batch 2 -o nothing 2>err; then exit 1; fi
grep -q "error: 'output.embedding.E' changes with each example .* another optimizer" err
sed 's/sgd(/momentum(/' token.nn >moved.nn
"$NNC" compile moved.nn --library --quiet --micro-batch 2 --check -o moved

# What cannot be divided, and what excludes each other.
"$NNC" compile normal.nn --library --quiet --micro-batch 64 -o all
if "$NNC" compile normal.nn --micro-batch 8 -o nothing 2>err; then exit 1; fi
grep -q "normal.nn:4:.*error: 'output.batch_norm.v.*' needs all examples of a batch at once" err
test ! -e nothing
for other in --threads=2 --gradients; do
    code=0
    "$NNC" compile images.nn --micro-batch 2 $other -o nothing 2>err || code=$?
    test $code = 2
    grep -q -e "--micro-batch and ${other%=*} exclude each other" err
done
