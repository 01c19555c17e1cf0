# nnc predict and nnc evaluate: classes and numbers, where the data come from, and what is refused.
examples=$SOURCE/examples
iris=$examples/03_iris/iris.nn
refused() { # CODE WORDS COMMAND...: WORDS are in the messages, and nothing is on standard output
    local code=$1 words=$2 status=0
    shift 2
    "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; cat err; exit 1; }
    [ ! -s out ]
    grep -qF -- "$words" err || { cat err; exit 1; }
}
same() { diff - "$1"; }

# ---- Classes, by their names; data may stand in other columns, if the model names its own

"$NNC" train "$iris" --math=strict --save iris.st --quiet
cut -d, -f1-4 "$examples/data/iris.csv" | sed -n '1,2p;60p;130p' >flowers.csv
"$NNC" predict "$iris" --math=strict --load iris.st --data flowers.csv >answers.csv
same answers.csv <<'END'
species,probability
setosa,0.9997527
versicolor,0.99976057
virginica,0.9997212
END
"$NNC" predict "$iris" --math=strict --load iris.st --data flowers.csv -o written.csv >out
[ ! -s out ]
cmp written.csv answers.csv
[ "$(echo written.csv*)" = written.csv ]
"$NNC" predict "$iris" --math=strict --load iris.st --data flowers.csv --json | head -n 1 | same <(
    echo '{"species":"setosa","probability":0.9997527,"output":[0.9997527,0.00024729676,3.6157112e-11]}')
tail -n +2 flowers.csv >bare.csv # without a header
"$NNC" predict "$iris" --math=strict --load iris.st --data bare.csv | cmp - answers.csv
head -n 1 bare.csv >one.csv # the network's own mean and deviation, not those of one line
"$NNC" predict "$iris" --math=strict --load iris.st --data one.csv | same <(head -n 2 answers.csv)
gzip -k flowers.csv # zlib is linked where the given file wants it, whatever its name
"$NNC" predict "$iris" --math=strict --load iris.st --data flowers.csv.gz | cmp - answers.csv
cp flowers.csv.gz packed.csv
"$NNC" predict "$iris" --math=strict --load iris.st --data packed.csv | cmp - answers.csv
gzip -c "$examples/data/iris.csv" >iris.csv.gz
"$NNC" evaluate "$iris" --load iris.st --data iris.csv.gz | sed 's/iris.csv.gz//' >packed
"$NNC" evaluate "$iris" --load iris.st --data "$examples/data/iris.csv" | sed "s,$examples/data/iris.csv,," | cmp - packed

# Neither takes an optimizer, nor anything that is trained; but the columns and steps of the data stand in the model alone.
sed '/^optimizer/d; s,\.\./data,'"$examples/data," "$iris" >answering.nn
"$NNC" predict answering.nn --math=strict --load iris.st --data flowers.csv | cmp - answers.csv
"$NNC" evaluate answering.nn --load iris.st --data iris.csv.gz | sed 's/iris.csv.gz//' | cmp - packed
(cat "$iris" && echo 'freeze hidden, output') >frozen.nn
"$NNC" predict frozen.nn --math=strict --load iris.st --data flowers.csv | cmp - answers.csv
sed '/^data/,/^}/d' answering.nn >blind.nn
refused 1 'it says how examples are read: which columns each input has, and their steps' \
    "$NNC" predict blind.nn --load iris.st --data flowers.csv

# What was learned is in the checkpoint: the training data may be gone. A file of another program goes with the training data.
sed "s,\.\./data/iris.csv,gone.csv,; s/columns = 0\.\.4/columns = [\"sepal_length\", 1, \"petal_length\", 3]/" "$iris" >gone.nn
"$NNC" predict gone.nn --math=strict --load iris.st --data flowers.csv | cmp - answers.csv
paste -d, <(cut -d, -f3 flowers.csv) <(cut -d, -f2 flowers.csv) <(cut -d, -f1 flowers.csv) <(cut -d, -f4 flowers.csv) >turned.csv
"$NNC" predict gone.nn --math=strict --load iris.st --data turned.csv | cmp - answers.csv
refused 1 'gone.csv: it cannot be opened' "$NNC" evaluate gone.nn --load iris.st
"$NNC" run "$iris" --save run.st >out
"$NNC" predict gone.nn --math=strict --load run.st --data flowers.csv | cut -d, -f1 | cmp - <(cut -d, -f1 answers.csv)
cat >strip.c <<'C'
#include <stdio.h>
#include <string.h>
#include "safetensors.h"
int main(int argc, char **argv) { /* FROM TO [KEY VALUE]: without metadata, but for one */
    NncTensors file;
    NncTensorsError error;
    if (argc < 3 || !nnc_safetensors_load(argv[1], &file, &error)) return 1;
    file.metadata_count = 0;
    if (argc > 4 && (!nnc_tensors_describe(&file, "step", "1") || !nnc_tensors_describe(&file, "epoch", "1") ||
                     !nnc_tensors_describe(&file, "seed", "7") || !nnc_tensors_describe(&file, argv[3], argv[4])))
        return 1;
    return !nnc_safetensors_save(argv[2], &file, &error);
}
C
runtime=$(dirname "$(ls cache/nnc/iris*/runtime/safetensors.h | head -n 1)")
cc -std=c99 -I"$runtime" strip.c "$runtime"/{safetensors,safetensors_load,number,replace}.c -lm -o strip
./strip iris.st bare.st
"$NNC" predict "$iris" --math=strict --load bare.st --data flowers.csv | cmp - answers.csv
refused 1 'does not say what was learned from the training data, so these are read' "$NNC" predict gone.nn --load bare.st --data flowers.csv
for odd in '{}' '{"subtract":[1,2],"divide":[1]}' '{"subtract":[1],"divide":[0]}' '{"subtract":[1],"divide":[1]},' '{"subtract":[null],"divide":[1]}'; do
    ./strip iris.st odd.st standardize.x.0 "$odd"
    refused 1 "odd.st: 'standardize.x.0' is not how a training run says what it learned" \
        "$NNC" predict "$iris" --load odd.st --data flowers.csv
done
./strip iris.st odd.st standardize.x.0 '{"subtract":[1],"divide":[2]}'
refused 1 "standardize was learned for 1 numbers of 'x', but here it has 4" "$NNC" predict "$iris" --load odd.st --data flowers.csv

# Names with what CSV and JSON quote; a run goes on only with classes under the same numbers.
printf 'a,b\n0,"x, ""y"""\n1,z\n0,"x, ""y"""\n1,z\n' >names.csv
cat >names.nn <<'NN'
input  x[1]
target t[2]
output = x -> dense(2) -> softmax
loss   = cross_entropy(output, t)
optimizer = sgd(rate = 10)
data train {
    x = csv("names.csv", column = "a")
    t = csv("names.csv", column = "b") -> one_hot
}
train { epochs = 200 }
NN
"$NNC" train names.nn --save names.st --quiet
"$NNC" predict names.nn --load names.st --data names.csv | sed 's/,[0-9.e-]*$//' | same <(printf 'b,probability\n"x, ""y"""\nz\n"x, ""y"""\nz\n')
"$NNC" predict names.nn --load names.st --data names.csv --json | grep -qF '{"b":"x, \"y\"","probability":'
printf 'a,b\n1,z\n0,"x, ""y"""\n' >names.csv
refused 1 "names.st comes from data whose class 0 of 't' is 'x, \"y\"', not 'z'" "$NNC" train names.nn --resume names.st --epochs 300
printf 'a,b\n1,z\n0,w\n' >other.csv
refused 1 "other.csv:3:3: the data that 't' was trained with have no class 'w'" "$NNC" evaluate names.nn --load names.st --data other.csv

# ---- Numbers: all outputs, elements by their subscripts; logits are no probabilities

cat >numbers.nn <<'NN'
input  x[2]
input  s
target t[2, 2]
y = x -> dense(4, W = [[1, 0], [0, 1], [2, 0], [0, 2]]) -> reshape(2, 2)
z = s + 1
loss = mean_squared_error(y, t) + z^2
predict y, z
optimizer = sgd(rate = 0)
data train {
    x = [[1, 2], [3, 4]] * 2
    s = [1, 2]
    t = [[1, 2, 3, 4], [5, 6, 7, 8]]
}
train { epochs = 1 }
NN
printf '1,2,5\n3,4,6.5\n' >numbers.csv
"$NNC" train numbers.nn --save numbers.st --quiet
"$NNC" predict numbers.nn --load numbers.st --data numbers.csv | same <(printf 'y.0.0,y.0.1,y.1.0,y.1.1,z\n2,4,4,8,6\n6,8,12,16,7.5\n')
"$NNC" predict numbers.nn --load numbers.st --data numbers.csv --json | same <(
    printf '{"y":[[2,4],[4,8]],"z":6}\n{"y":[[6,8],[12,16]],"z":7.5}\n')
sed 's/ -> softmax//; s/cross_entropy/mean_squared_error/' names.nn >logits.nn
"$NNC" predict logits.nn --load names.st --data names.csv | head -n 1 | same <(echo b,score)

# What the loss compares with data comes back in the units of the data. The weights are such that y = x where both are in steps of the
# data, which are undone in reverse: t was (t / 2 - 1) and then from its least .. largest to -1 .. 1.
cat >units.nn <<'NN'
input  x[2]
input  w[2]
target t[2]
y = x -> dense(2, W = [[1, 0], [0, 1]])
z = y -> dense(1, W = [[1, 1]])
loss = sum(i: w[i] * (y[i] - t[i])^2) + 0 * z[0]
predict y, z
optimizer = sgd(rate = 0)
data train {
    x = [[-1, -1], [1, 1], [0, 0.5]]
    w = [[1, 1], [1, 1], [1, 1]] / 4
    t = [[10, 0], [30, 8], [20, 4]] / 2 - 1 -> scale(-1, 1)
}
train { epochs = 1 }
NN
"$NNC" train units.nn --save units.st --quiet
printf '%s,1,1\n' -1,-1 1,1 0,0.5 2,0 >units.csv
"$NNC" predict units.nn --load units.st --data units.csv | same <(printf 'y.0,y.1,z\n10,0,-2\n30,8,2\n20,6,0.5\n40,4,2\n')
printf '2\n-2\n' >two.csv
while read -r first second source; do # what 2 and -2 are in the data; the mean is 4, the deviation 2; a product with 0 cannot be undone
    sed "s@x\[2\]@x[1]@; s@t\[2\]@t[1]@; /^input  w/d; /^z/d; s@dense(2, .*@dense(1, W = [[1]])@; s@^loss.*@loss = sum(i: abs(t[i] - y[i]))@
         s@, z@@; s@x = .*@x = [[1], [2]]@; / w = /d; s@t = .*@t = $source@" units.nn >step.nn
    "$NNC" train step.nn --save step.st --quiet
    "$NNC" predict step.nn --load step.st --data two.csv | same <(printf 'y\n%s\n%s\n' "$first" "$second")
done <<'END'
8 0 [[2], [6]] -> standardize
8 0 [[2], [6]] -> scale(-1, 1)
0.5 -1.5 [[2], [6]] * 2 + 1
1 5 3 - [[2], [6]]
3 -3 6 / [[2], [6]]
2 -2 [[2], [6]] * 0
END

# ---- Files that are no CSV files: one of the model's format, or a CSV file with a column for each number

printf '\0\0\10\2\0\0\0\2\0\0\0\2\1\2\3\4' >x.idx
printf '\0\0\10\1\0\0\0\2\0\1' >t.idx
sed 's/x\[1\]/x[2]/; s/csv("names.csv", column = "a")/idx("x.idx") \/ 2/; s/csv("names.csv", column = "b")/idx("t.idx")/' names.nn >arrays.nn
"$NNC" train arrays.nn --save arrays.st --quiet
"$NNC" predict arrays.nn --load arrays.st --data x.idx >from_idx
printf '1,2\n3,4\n' >x.csv
"$NNC" predict arrays.nn --load arrays.st --data x.csv | cmp - from_idx
printf '1,2,0\n3,4,1\n' >xt.csv
"$NNC" evaluate arrays.nn --load arrays.st --data xt.csv --json | sed 's/"data":[^,]*//' >from_csv
"$NNC" evaluate arrays.nn --load arrays.st --json | sed 's/"data":[^,]*//' | cmp - from_csv
refused 1 "x.idx: the model reads 'x' and 't' from files of their own; a CSV file can give both" \
    "$NNC" evaluate arrays.nn --load arrays.st --data x.idx

# ---- Evaluation: as the last epoch of training says; which rows are right

"$NNC" train "$iris" --math=strict --save iris.st --json | tail -n 1 >last
"$NNC" evaluate "$iris" --math=strict --load iris.st --json >evaluated
for field in loss accuracy; do
    [ "$(sed 's/.*"holdout_'$field'":\([^,]*\).*/\1/' last)" = "$(sed 's/.*"'$field'":\([^,]*\).*/\1/' evaluated)" ]
done
[ "$(sed 's/.*\("confusion".*\),"seconds.*/\1/' last)" = "$(sed 's/.*\("confusion".*\)}/\1/' evaluated)" ]
grep -q '^{"data":"held out","examples":30,.*"classes":\["setosa","versicolor","virginica"\]}$' evaluated
COLUMNS=80 "$NNC" evaluate "$iris" --math=strict --load iris.st --data "$examples/data/iris.csv" >table
sed 's,[^ ]*/iris.csv,iris.csv,' table | same <(cat <<'END'
iris.csv: loss 0.0471391  accuracy 0.986667  (150 examples)
iris.csv: a row for each class, a column for what it was taken for
                setosa  versicolor   virginica
setosa              50           0           0
versicolor           0          49           1
virginica            0           1          49
END
)
COLUMNS=30 "$NNC" evaluate "$iris" --math=strict --load iris.st --data "$examples/data/iris.csv" | tail -n 4 | same <(cat <<'END'
     0   1   2
0   50   0   0  setosa
1    0  49   1  versicolor
2    0   1  49  virginica
END
)
"$NNC" train "$iris" --math=strict >lines
! grep -q 'a row for each class' lines || exit 1 # on a terminal alone
if command -v script >/dev/null && script -qc true /dev/null >/dev/null 2>&1; then
    TERM=xterm script -qc "'$NNC' train '$iris' --math=strict" /dev/null | tr -d '\r' | tail -n 3 | head -n 1 | grep -q '^setosa  *12  *0  *0$'
fi
cat >>names.nn <<'NN'
data test {
    x = csv("test.csv", column = "a")
    t = csv("test.csv", column = "b") -> one_hot
}
NN
printf 'a,b\n1,z\n0,z\n0,"x, ""y"""\n' >test.csv
"$NNC" evaluate names.nn --load names.st --json | grep -qF '{"data":"test","examples":3,' # the numbers of the checkpoint's classes
"$NNC" evaluate names.nn --load names.st --json | grep -qF '"confusion":[[1,0],[1,1]]'

# ---- What is refused leaves no file

refused 2 "'nnc predict' wants the parameters: --load FILE" "$NNC" predict "$iris" --data flowers.csv
refused 2 "'nnc predict' wants the examples: --data FILE" "$NNC" predict "$iris" --load iris.st
refused 2 "--epochs belongs to 'nnc train'" "$NNC" predict "$iris" --load iris.st --data flowers.csv --epochs 1
refused 2 "--data belongs to 'nnc predict' or 'nnc evaluate'" "$NNC" train "$iris" --data flowers.csv
printf '5.1,3.5,1.4,0.2\n4.9,3.0,xx,1\n1,2,3,4\n' >bad.csv
refused 1 "bad.csv:2:9: 'xx' is not a number" "$NNC" predict "$iris" --load iris.st --data bad.csv -o no.csv
printf '5.1,3.5,1.4,0.2\n4.9,3.0,1\n' >bad.csv
refused 1 "bad.csv:2: the line has 3 fields" "$NNC" predict "$iris" --load iris.st --data bad.csv -o no.csv
refused 1 "none.csv: it cannot be opened" "$NNC" predict "$iris" --load iris.st --data none.csv -o no.csv
refused 1 "no column is called 'species'" "$NNC" evaluate "$iris" --load iris.st --data flowers.csv
refused 1 "iris.st does not hold the parameters of this program" "$NNC" predict names.nn --load iris.st --data names.csv -o no.csv
! grep -q -- --partial err || exit 1 # which belongs to training
./strip iris.st odd.st best_holdout_loss x
refused 1 "odd.st does not say where its training stood" "$NNC" evaluate "$iris" --load odd.st
! grep -q -- '--load takes' err || exit 1
refused 1 "no/such.csv: it cannot be written" "$NNC" predict "$iris" --load iris.st --data flowers.csv -o no/such.csv
refused 1 "/dev/null: it is not a regular file" "$NNC" predict "$iris" --load iris.st --data flowers.csv -o /dev/null
[ ! -e no.csv ]
program=$(ls cache/nnc/iris-*/program | head -n 1)
status=0
message=$(ulimit -f 0; "$program" --predict --load iris.st --examples flowers.csv --output written.csv 2>&1) || status=$?
[ $status = 1 ]
[ "$message" = "iris: written.csv: it cannot be written: File too large" ]
cmp written.csv answers.csv
[ "$(echo written.csv*)" = written.csv ]
