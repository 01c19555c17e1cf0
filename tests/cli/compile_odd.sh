# Odd models as C, with the flags of a strict project: lists, tensors whose names differ in a dot, nothing to predict, no parameters,
# reads that may lie outside, numbers beyond float; and as programs.
strict=(-std=c99 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Wmissing-prototypes -Werror)

model() { # NAME < the lines of a model
    { echo "model $1" && cat && echo 'optimizer = sgd(rate = 0.1)'; } >"$1.nn"
}

compiles() { # MODEL OPTION...
    rm -rf out
    "$NNC" compile "$1.nn" --library --quiet -o out "${@:2}"
    gcc "${strict[@]}" -c "out/$1.c" -o out.o
}

model lists <<'NN'
input  x[3]
target t[3]
y    = (x -> dense(3)) * [1, 2, 3]
loss = mean_squared_error(y, t)
data train {
    x = [[1, 0, 1]]
    t = [[2, 1, 1]]
}
NN
model dots <<'NN'
input  x[2]
target t[1]
h       = x -> dense(2) -> tanh
h_dense = h -> dense(1)
loss    = mean_squared_error(h_dense -> tanh, t)
data train {
    x = [[1, 0], [0, 1], [1, 1]]
    t = [[1], [0], [0.5]]
}
train { batch = 2 }
NN
model nothing_to_predict <<'NN'
input x[2]
loss = sum_squares(x -> dense(1))
data train { x = [[1, 2]] }
NN
model joined <<'NN'
input  a[3]
input  b[2]
target t[2]
y    = concat(a, b) -> dense(2)
loss = mean_squared_error(y, t)
data train {
    a = [[1, 2, 3], [3, 2, 1]]
    b = [[1, 2], [2, 1]]
    t = [[1, 0], [0, 1]]
}
train { batch = 3 }
NN
model windows <<'NN'
input  x[2, 7, 6]
target t[2]
y    = x -> conv2d(3, kernel = 5, pad = 2) -> max_pool(3, stride = 2, pad = 1) -> conv2d(2, stride = 2, pad = 1) -> flatten -> dense(2)
loss = mean_squared_error(y, t)
NN
model large_numbers <<'NN'
input  x[2]
target t[2]
y    = (x -> dense(2)) * 1e38 * 1e38 * 1e-50
loss = mean_squared_error(y, t)
NN
model noisy <<'NN'
input  x[3]
target t[2]
y    = x -> dense(4) -> batch_norm -> dropout(0.4) -> dense(2)
loss = mean_squared_error(y, t)
data train {
    x = [[1, 2, 3], [3, 2, 1], [0, 1, 0]]
    t = [[1, 0], [0, 1], [1, 1]]
}
train { batch = 2 }
NN
for name in lists dots nothing_to_predict joined windows large_numbers noisy; do
    for options in --unroll=none --unroll=full '--math=fast --unroll=none' '--gradients --batch 1'; do
        # shellcheck disable=SC2086
        compiles $name $options
    done
done
for name in lists dots nothing_to_predict joined noisy; do
    "$NNC" train $name.nn --epochs 2 --quiet
    "$NNC" compile $name.nn --single-file --quiet -o one.c
    $(head -1 one.c | sed 's|^/\* \(.*\) \*/|\1|') -Wall -Wextra -Wshadow -Werror -O0
    ./$name --epochs 2 --quiet
done

{ echo 'model fixed' && grep -v dense <<'NN'; } >fixed.nn
input  x[3]
target t[3]
y    = x -> tanh
loss = mean_squared_error(y, t)
NN
compiles fixed
echo 'freeze y' | cat dots.nn - | sed 's/freeze y/freeze h, h_dense/' >frozen.nn
! "$NNC" train frozen.nn 2>err || exit 1
grep -q 'all parameters are frozen' err

# The same bits however the loops are cut
for unroll in none full; do "$NNC" train noisy.nn --math=strict --unroll=$unroll --epochs 5 --quiet --save $unroll.st; done
cmp none.st full.st

# The first tensor that is not finite is one that the loss needs
model infinite <<'NN'
input  x[1]
target t[1]
y      = x -> dense(1, W = 1, b = 0)
z      = exp(y)
loss   = sum_squares(z)
metric = sum_squares(z * t)
predict z
data train {
    x = [[1000]]
    t = [[0]]
}
NN
! "$NNC" train infinite.nn 2>err || exit 1
grep -q "the first tensor that is not finite is 'z'" err

# A compiler that is not there is reported once; what is named with one comes last
! XDG_CACHE_HOME=$PWD/empty "$NNC" train lists.nn --cc no_such_cc 2>err || exit 1
[ "$(grep -c 'no_such_cc: No such' err)" = 1 ]
cat >logging <<'SH'
#!/bin/sh
echo "$*" >>log
exec gcc "$@"
SH
chmod +x logging
"$NNC" train lists.nn --cc "$PWD/logging -O1" --quiet --epochs 1
grep -q -- '-O3 .*-O1 .*lists.c' log
! grep -q -- '-O1 .*-O[23]' log || exit 1
