# --stream: examples are decoded while training. Without shuffling that is the same training, to the bit, from data of every format.
cp -r "$SOURCE/examples/data" data
sed -n '1,800p' data/digits.csv >data/1.csv
sed -n '801,$p' data/digits.csv | gzip >data/2.csv.gz
model() { # X T TEST_X TEST_T
    cat <<MODEL
model streamed
input x[$width]
target t[$classes]
hidden = x -> dense(8) -> tanh
output = hidden -> dense($classes) -> softmax
loss = cross_entropy(output, t)
optimizer = adam(rate = 0.01)
metric = accuracy(output, t)
data train {
    x = $1
    t = $2 -> one_hot
    holdout = 0.2
}
data test {
    x = $3
    t = $4 -> one_hot
}
train {
    epochs = 2
    batch = 32
    seed = 3
    shuffle = $shuffle
}
MODEL
}
train() { # OPTIONS...: what is said, without times
    "$NNC" train model.nn --math=strict "$@" | sed 's/  [0-9.]* s$//'
}
same() { # X T TEST_X TEST_T
    model "$@" >model.nn
    train --save memory.safetensors >memory
    train --save stream.safetensors --stream=3 >stream
    [ "$(grep -c '^epoch . .*held out: .*test: ' memory)" = 2 ]
    diff memory stream
    cmp memory.safetensors stream.safetensors
    "$NNC" evaluate model.nn --math=strict --load memory.safetensors >memory
    "$NNC" evaluate model.nn --math=strict --load memory.safetensors --stream >stream
    diff memory stream
    "$NNC" predict model.nn --math=strict --load memory.safetensors --data "$questions" -o memory.csv
    "$NNC" predict model.nn --math=strict --load memory.safetensors --data "$questions" -o stream.csv --stream
    [ "$(wc -l <memory.csv)" -gt 100 ]
    cmp memory.csv stream.csv
}
shuffle=false width=64 classes=10 questions=data/2.csv.gz # more than are read at once
two='"data/1.csv", "data/2.csv.gz"'
same "csv($two, columns = 0..64) / 16 -> standardize" "csv($two, column = 64)" \
    'csv("data/1.csv", columns = 0..64) / 16 -> standardize' 'csv("data/1.csv", column = 64)'
width=4 classes=3 questions=data/iris.csv
iris='"data/iris.csv"'
same "csv($iris, columns = 0..4) -> scale(-1, 1)" "csv($iris, column = 4)" "csv($iris, columns = 0..4) -> scale(-1, 1)" "csv($iris, column = 4)"
train --stream >stream
grep -q '^t: 0 setosa, 1 versicolor, 2 virginica$' stream

# The other formats: 3 bytes for each of 200 examples, and a class.
width=3 classes=4
for i in $(seq 200); do printf "\\$(printf %o $((i * 7 % 251)))\\$(printf %o $((i * 11 % 251)))\\$(printf %o $((i * 13 % 251)))"; done >x
for i in $(seq 200); do printf "\\$(printf %o $((i * 3 % 4)))"; done >t
{ printf '\0\0\10\2\0\0\0\310\0\0\0\3'; cat x; } >data/x.idx
{ printf '\0\0\10\1\0\0\0\310'; cat t; } >data/t.idx
gzip -k data/x.idx
npy() { printf '\x93NUMPY\1\0\x76\0%-117s\n' "{'descr': '|u1', 'fortran_order': $2, 'shape': $1, }"; }
{ npy '(200, 3)' True; cat x; } >data/x.npy
{ npy '(200,)' False; cat t; } >data/t.npy
questions=data/x.idx.gz same 'idx("data/x.idx.gz") / 255' 'npy("data/t.npy")' 'idx("data/x.idx") / 255' 'idx("data/t.idx")'
questions=data/x.npy same 'npy("data/x.npy", "data/x.npy") -> standardize' 'idx("data/t.idx", "data/t.idx")' 'npy("data/x.npy") -> standardize' 'idx("data/t.idx")'
questions=x same 'bytes("x", window = 3) -> standardize' 'bytes("t", window = 1)' 'bytes("x", window = 3) -> standardize' 'npy("data/t.npy")'

# What the number beside a class is called depends on all answers, those of the last chunk too.
cat >scores.nn <<'MODEL'
input x[3]
target t[3]
output = x -> dense(3, W = [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0)
data train {
    x = [[1, 0, 0]]
    t = [[0]] -> one_hot
}
train { epochs = 1 }
MODEL
"$NNC" train scores.nn --save scores.safetensors --quiet
{ yes 0.5,0.25,0.25 | head -n 12000; echo 3,2,1; } >scores.csv
for how in "" --stream; do
    "$NNC" predict scores.nn --load scores.safetensors --data scores.csv $how | sed -n '1p;$p' | tr '\n' ' ' | grep -qx 't,score 0,3 '
    head -n 12000 scores.csv >shares.csv
    "$NNC" predict scores.nn --load scores.safetensors --data shares.csv $how | sed -n '1p;$p' | tr '\n' ' ' | grep -qx 't,probability 0,0.5 '
done

# Shuffled, the order depends on seed, epoch and buffer: a run that was interrupted goes on with the same bits.
shuffle=true width=64 classes=10
model "csv($two, columns = 0..64) / 16 -> standardize" "csv($two, column = 64)" \
    'csv("data/1.csv", columns = 0..64) / 16 -> standardize' 'csv("data/1.csv", column = 64)' >model.nn
train --stream=100 --save whole.safetensors >whole
train --stream=100 --save parts.safetensors --epochs 1 >parts
cp parts.safetensors one.safetensors
train --resume parts.safetensors --save parts.safetensors >>parts
diff whole parts
cmp whole.safetensors parts.safetensors
train --resume one.safetensors --stream=100 --save again.safetensors >again
cmp whole.safetensors again.safetensors
train --stream=10 --save other.safetensors >other
! cmp -s whole.safetensors other.safetensors || exit 1
train --stream --save all.safetensors >all # the buffer is larger than the data
grep -q '^epoch 2 .* accuracy 0\.[89]' all
refused() { # CODE MESSAGE COMMAND...
    local status=0 code=$1 message=$2
    shift 2
    "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; cat err; exit 1; }
    grep -qF -- "$message" err || { cat err; exit 1; }
}
refused 1 'one.safetensors was trained with --stream=100, and goes on with that' "$NNC" train model.nn --math=strict --resume one.safetensors --stream=7
train --save memory.safetensors --epochs 1 >memory
refused 1 'memory.safetensors was trained without --stream, and goes on without it' "$NNC" train model.nn --math=strict --resume memory.safetensors --stream
refused 2 '--stream wants a whole number' "$NNC" train model.nn --stream=0
refused 2 '--stream wants a whole number' "$NNC" train model.nn --stream=x
"$NNC" evaluate model.nn --math=strict --load whole.safetensors --data data/1.csv >memory
"$NNC" evaluate model.nn --math=strict --load whole.safetensors --data data/1.csv --stream >stream
diff memory stream

# A loss that is not finite: the step is found again in the stream, and it is the one of training in memory.
shuffle=false
model "csv($two, columns = 0..64) * 1e30" "csv($two, column = 64)" 'csv("data/1.csv", columns = 0..64)' 'csv("data/1.csv", column = 64)' |
    sed 's/-> tanh//; s/adam(.*)/sgd(rate = 1e8)/' >model.nn
refused 1 'the loss is' "$NNC" train model.nn --math=strict
mv err expected
refused 1 'the loss is' "$NNC" train model.nn --math=strict --stream=3
diff expected err

# What is wrong is said as it is without --stream; and what can be read only once cannot be streamed.
model "csv($two, columns = 0..64)" 'csv("data/bad.csv", column = 64)' 'csv("data/1.csv", columns = 0..64)' 'csv("data/1.csv", column = 64)' >model.nn
sed '1000s/,[0-9]*$/,ten/' data/digits.csv >data/bad.csv
refused 1 "data/bad.csv:1000:" "$NNC" train model.nn --math=strict
mv err expected
refused 1 "data/bad.csv:1000:" "$NNC" train model.nn --math=strict --stream
diff expected err
model 'csv("/dev/stdin", columns = 0..64)' 'csv("data/1.csv", column = 64)' 'csv("data/1.csv", columns = 0..64)' 'csv("data/1.csv", column = 64)' >model.nn
piped() { cat data/1.csv | "$NNC" train model.nn --math=strict "$@"; }
piped >out
refused 1 '/dev/stdin: it can be read only once' piped --stream

# Data larger than memory: 80 MB, packed, for a program that may have 40 MB. It says what helps, and that does help.
head -c 80000000 /dev/zero | gzip >data/zeros.gz
cat >model.nn <<'MODEL'
model zeros
input x[1000]
target t[1]
output = x -> dense(1)
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.1)
data train {
    x = bytes("data/zeros.gz", window = 1000)
    t = bytes("data/zeros.gz", window = 1, stride = 1000) + 1
    holdout = 0.1
}
train {
    epochs = 1
    batch = 100
}
MODEL
"$NNC" compile model.nn -o zeros --quiet
cc -O1 zeros/*.c zeros/runtime/*.c -lm -lz -o program
limited() { (ulimit -v 40000; exec ./program "$@"); }
refused 1 'with --stream, not all data need be in memory' limited
grep -q 'model.nn:8:9: error: data/zeros.gz: there is not enough memory for it' err
limited --stream=1000 --save zeros.safetensors >said
grep -q '^epoch 1  loss .*  held out: loss ' said
limited --evaluate --load zeros.safetensors --stream >said
grep -q '^held out: loss .*(8000 examples)$' said
