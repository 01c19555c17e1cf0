# nnc train: the same checks as nnc run before anything is compiled; a program without data says so.
cat >model.nn <<'MODEL'
model first
input x[2]
target t[1]
output = x -> dense(1)
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.1)
data train {
    x = [[0, 1], [1, 0]]
    t = [[0], [1]]
}
MODEL
"$NNC" train model.nn --math=strict >first.txt
grep -q '^epoch 10  loss ' first.txt
[ -n "$(ls "$XDG_CACHE_HOME/nnc")" ]

refused() { # PATTERN MODEL
    local status=0
    "$NNC" train "$2" >out 2>err || status=$?
    [ $status = 1 ] && [ ! -s out ]
    grep -q "$1" err
}
grep -v '^optimizer' model.nn >still.nn
refused 'the model has no optimizer' still.nn
sed '/^data/,$d' model.nn >nothing.nn
refused "the model has no block 'data train'" nothing.nn

"$NNC" compile nothing.nn --quiet
cc first/*.c first/runtime/*.c -lm -lz -o nothing
status=0; ./nothing >out 2>err || status=$?
[ $status = 1 ] && [ ! -s out ]
grep -q "the model has no block 'data train'" err
