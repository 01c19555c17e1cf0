# Threads: strict training has the same bits with any number of them, on every run, and without OpenMP; the C is clean with it and without.
# Models are as wide as it takes for threads to be worth it. Waiting without turning keeps tests apart that run at the same time.
export OMP_WAIT_POLICY=passive
strict=(-std=c99 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Wmissing-prototypes -Werror)
cp -r "$SOURCE/examples" .

# A last batch that is not full, dropout, running averages.
cat >wide.nn <<'MODEL'
model wide
input x[64]
target t[10]
output = x -> dense(96) -> batch_norm -> relu -> dropout(0.1) -> dense(10) -> softmax
loss = cross_entropy(output, t)
optimizer = adam(rate = 0.01)
metric = accuracy(output, t)
data train {
    x = csv("examples/data/digits.csv", columns = 0..64) / 16
    t = csv("examples/data/digits.csv", column = 64) -> one_hot
    holdout = 0.1
}
train {
    epochs = 2
    batch  = 500
}
MODEL

# A scan, with threads in each of its steps; borders of a convolution.
cat >rows.nn <<'MODEL'
model rows
input x[8, 8]
target t[10]
image  = x -> reshape(1, 8, 8) -> conv2d(6, kernel = 3, pad = 1) -> relu -> max_pool(2) -> flatten
steps  = x -> lstm(48) -> last_step
scores = (image -> dense(10)) + (steps -> dense(10))
output = scores -> softmax
loss = cross_entropy(output, t)
optimizer = momentum(rate = 0.05)
data train {
    x = csv("examples/data/digits.csv", columns = 0..64) / 16
    t = csv("examples/data/digits.csv", column = 64) -> one_hot
}
train {
    epochs = 1
    batch  = 400
}
MODEL

# With OpenMP and without it; what only an optimizer sees, and gcc warns of, is sought in the one that has threads.
is_clean() { # COMPILER FILE FLAG...
    local cc=$1 file=$2
    shift 2
    $cc "${strict[@]}" "$@" -fsyntax-only $file
    if ! echo 'int main(void) { return 0; }' | $cc -fopenmp -xc - -o probe 2>/dev/null; then
        echo "SKIPPED: $cc has no OpenMP"
    elif [ $cc = gcc ]; then
        $cc "${strict[@]}" "$@" -fopenmp -c $file -o out.o
    else
        $cc "${strict[@]}" "$@" -fopenmp -fsyntax-only $file
    fi
}

quick="cc -O1"
for model in wide rows; do
    if [ $model = wide ]; then target=native; else target=portable; fi
    for threads in 1 2 3; do
        "$NNC" train $model.nn --math=strict --target=$target --cc "$quick" --threads $threads --save $threads.st --json |
            sed 's/,"seconds.*//' >$threads.json
        cmp 1.st $threads.st
        cmp 1.json $threads.json
        "$NNC" predict $model.nn --math=strict --target=$target --cc "$quick" --threads $threads --load 1.st \
            --data examples/data/digits.csv >$threads.csv
        cmp 1.csv $threads.csv
    done
    rm ./*.st
    "$NNC" compile $model.nn --library --quiet --threads 2 -o $model.2
    grep -q '^    *#pragma omp for' $model.2/$model.c
    grep -q '^    *#pragma omp single' $model.2/$model.c
    grep -q '^   Threads: 2 .*-fopenmp' $model.2/$model.h
    for math in strict fast; do
        "$NNC" compile $model.nn --library --quiet --threads 2 --math=$math -o $model.$math
        for cc in gcc clang; do
            if ! command -v $cc >/dev/null; then
                echo "SKIPPED: $cc is missing"
                continue
            fi
            is_clean $cc $model.$math/$model.c
        done
    done
done

# Fast arithmetic: the same on every run.
for run in a b; do "$NNC" train wide.nn --math=fast --cc "$quick" --threads 2 --save $run.st --quiet; done
cmp a.st b.st

# Fast arithmetic, few gradients beside what an example needs: parts of the batch, each in micro-batches, too, where it is large. The last
# batch has fewer parts, of which one is not full. The same bits on every run and without OpenMP; nearly the losses of one thread.
cat >parts.nn <<'MODEL'
model parts
input x[8, 8]
target t[10]
image  = x -> reshape(1, 8, 8) -> conv2d(12, kernel = 3, pad = 1) -> relu -> conv2d(24, kernel = 3) -> relu -> max_pool(2) -> flatten
steps  = x -> gru(24) -> last_step -> dropout(0.1)
late   = steps -> dense(10)
scores = (image -> dense(10)) + late
output = scores -> softmax
loss = cross_entropy(output, t) + 0.01 * sum_squares(late.W)
optimizer = adam(rate = 0.003)
metric = accuracy(output, t)
data train {
    x = csv("examples/data/digits.csv", columns = 0..64) / 16
    t = csv("examples/data/digits.csv", column = 64) -> one_hot
    holdout = 0.3
}
train {
    epochs = 1
    batch  = 400
}
MODEL
numbers() { sed -n '/"epoch"/{s/,"confusion.*//;s/,"seconds.*//;p}' "$1" | tr -c '0-9.e\n-' ' ' | tr -s ' ' '\n' | grep '[0-9]'; }
predict() { "$NNC" predict parts.nn --math=fast --target=$target --cc "$quick" "$@" --load 1.st --data examples/data/digits.csv; }
near() { # two lists of numbers
    [ "$(wc -l <"$1")" -ge "$4" ]
    [ "$(wc -l <"$1")" = "$(wc -l <"$2")" ]
    paste "$1" "$2" | awk -v within=$3 '{ d = $1 - $2; if (d < 0) d = -d; if (!(d <= within)) exit 1 }'
}
for target in portable native; do
    "$NNC" train parts.nn --math=fast --target=$target --cc "$quick" --save 1.st --json >1.json
    numbers 1.json >1.txt
    predict | cut -d, -f2- | tr , '\n' | grep '^[0-9.e-]*$' >1.csv
    for threads in 2 3; do
        "$NNC" compile parts.nn --quiet --math=fast --target=$target --threads $threads -o in_parts.$threads
        grep -q "parts_part part\[$threads\];" in_parts.$threads/parts.h
        grep -q "^   Threads: $threads, each with up to $(((400 + threads - 1) / threads)) examples of a batch" in_parts.$threads/parts.h
        grep -q 'parts_add(&work->part\[0\], &work->part\[part\]);' in_parts.$threads/parts.c
        grep -q 'parts_evaluate_add(&work->part\[0\], &work->part\[part\]);' in_parts.$threads/parts.c
        grep -q "parts_predict_part part\[$threads\];" in_parts.$threads/parts.h
        for run in a $([ $threads = 3 ] || echo b); do
            "$NNC" train parts.nn --math=fast --target=$target --cc "$quick" --threads $threads --save $run.st --json |
                sed 's/,"seconds.*//' >$run.json
        done
        if [ $threads = 2 ]; then
            cmp a.st b.st
            cmp a.json b.json
        fi
        numbers a.json >a.txt
        near 1.txt a.txt 0.004 4
        predict --threads $threads | cut -d, -f2- | tr , '\n' | grep '^[0-9.e-]*$' >a.csv
        near 1.csv a.csv 0.0001 1797
        [ $target = portable ] || grep -q PARTS_MICRO_BATCH in_parts.$threads/parts.c
        for cc in gcc clang; do
            command -v $cc >/dev/null || continue
            march=$([ $target = portable ] || echo -march=native)
            is_clean $cc in_parts.$threads/parts.c $march
        done
    done
done
"$NNC" compile parts.nn --single-file --quiet --math=fast --threads 3 -o parts.c
command=$(sed -n '1s,^/\* \(.*\) \*/$,\1,p' parts.c)
case $command in cc\ *-fopenmp\ *) ;; *) exit 1 ;; esac
for command in "$command" "${command/ -fopenmp / }"; do
    bash -c "${command/-O3/-O1}"
    ./parts --data . --save "with${#command}.st" --quiet
done
cmp with*.st
# A loss that is nothing but a sum over the batch: callers want that of all parts.
sed 's/^loss = .*/loss = batch_size * cross_entropy(output, t)/' parts.nn >whole.nn
for threads in 1 2; do
    "$NNC" train whole.nn --math=fast --cc "$quick" --threads $threads --json >$threads.json
    numbers $threads.json >$threads.txt
done
near 1.txt 2.txt 2 4
# The same network in strict arithmetic, and one whose gradients are many, share loops.
"$NNC" compile parts.nn --quiet --math=strict --threads 2 --library -o in_parts.strict
! grep -q 'parts_part' in_parts.strict/parts.h || exit 1
sed 's/^output = .*/output = x -> dense(400) -> relu -> dense(400) -> relu -> dense(10) -> softmax/' wide.nn >many.nn
"$NNC" compile many.nn --quiet --math=fast --threads 2 --library -o many
! grep -q 'wide_part' many/wide.h || exit 1
grep -q 'pragma omp for' many/wide.c

# One file, whose first comment compiles it; with one thread, and where nothing is worth sharing, nothing is said of OpenMP.
"$NNC" compile wide.nn --single-file --quiet --threads 2 -o one.c
command=$(sed -n '1s,^/\* \(.*\) \*/$,\1,p' one.c)
case $command in cc\ *-fopenmp\ *) ;; *) exit 1 ;; esac
bash -c "$command"
./wide --data . --save with.st --quiet
command=${command/-O2/-O0}
bash -c "${command/ -fopenmp/}"
./wide --data . --save without.st --quiet
cmp with.st without.st
"$NNC" compile wide.nn --quiet -o plain
"$NNC" compile wide.nn --quiet --threads 1 -o plain.1
diff -r plain plain.1
# What one thread runs without the others, of which straight lines became functions of their own.
cat >pieces.nn <<'MODEL'
model pieces
input x[2, 3, 2]
target t[5]
output = x -> conv2d(16, kernel = 5, pad = 5) -> flatten -> dense(5)
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.003)
data train {
    x = npy("x.npy")
    t = npy("t.npy")
}
MODEL
"$NNC" compile pieces.nn --quiet --threads 2 --batch 32 --math=strict --target=x86-64-v3 --unroll=400 --library -o pieces
grep -q '^static void pieces_evaluate_batch_2' pieces/pieces.c
case $(uname -m) in
x86_64) ${CC:-cc} -std=c99 -O0 -fsyntax-only -Wall -Wextra -Werror -fopenmp -march=x86-64-v3 pieces/pieces.c ;;
esac
"$NNC" compile examples/02_xor/xor.nn --quiet --threads 4 -o small | { ! grep fopenmp; }
! grep -q 'pragma omp' small/xor.c || exit 1

for wrong in 0 -1 two 2x 1025; do
    status=0
    "$NNC" compile wide.nn --threads $wrong 2>err || status=$?
    [ "$status" = 2 ]
    grep -q -e '--threads' err
done
status=0
"$NNC" run wide.nn --threads 2 2>err || status=$?
[ "$status" = 2 ]

# Threads share a loop that calls functions, or take it together with the one around it: nothing stands between OpenMP's line and the loop.
cat >functions.nn <<'MODEL'
model functions
input x[640]
target t[10]
output = x -> dense(4096) -> tanh -> dense(960) -> tanh -> dense(10) -> softmax
loss = cross_entropy(output, t)
optimizer = sgd(rate = 0.01)
MODEL
for batch in 1 3; do
    for math in strict fast; do
        "$NNC" compile functions.nn --library --batch=$batch --math=$math --threads=2 --quiet -o functions
        [ $batch = 1 ] || grep -A2 'omp for' functions/functions.c | grep -q 'for (int i = 0; i < 4096; i++)'
        for cc in gcc clang; do
            if ! command -v $cc >/dev/null; then continue; fi
            $cc -std=c99 -O0 -fsyntax-only -Wall -Wextra -Werror -fopenmp functions/functions.c
        done
    done
done
