# nnc train: one program from the cache, its output, accuracy, checkpoints, and what is refused.
rm -rf cache # the runtime is compiled here
xor=$SOURCE/examples/02_xor/xor.nn
digits=$SOURCE/examples/04_digits/digits.nn
iris=$SOURCE/examples/03_iris/iris.nn
refused() { # CODE WORDS COMMAND...: WORDS are in the messages
    local code=$1 words=$2 status=0
    shift 2
    "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; cat err; exit 1; }
    grep -qF -- "$words" err || { cat err; exit 1; }
}
without_seconds() { sed 's/,"seconds":[^,}]*//' "$1"; }
last() { sed -n "\$s/.*\"$1\":\([^,}]*\).*/\1/p"; }

# ---- JSON: an object an epoch, and nothing else; the same but for the seconds

mkdir quiet
cd quiet
"$NNC" train "$xor" --epochs 5 --json >../a.json 2>../a.err
"$NNC" train "$xor" --epochs 5 --json >../b.json
"$NNC" train "$xor" --epochs 5 --quiet >../c
[ -z "$(ls)" ] # nothing is written
cd ..
[ ! -s a.err ] && [ ! -s c ]
[ "$(grep -c '^{"epoch":[0-9]*,"loss":[0-9.e-]*,"binary_accuracy":[0-9.e-]*,"seconds":[0-9.e-]*}$' a.json)" = 5 ]
[ "$(wc -l <a.json)" = 5 ]
diff <(without_seconds a.json) <(without_seconds b.json)
[ "$(find cache/nnc -mindepth 1 -maxdepth 1 -name 'xor-*' | wc -l)" = 1 ]
[ "$(find cache/nnc -mindepth 1 -maxdepth 1 -name 'runtime-*' | wc -l)" = 1 ]
rm cache/nnc/*/program # somebody tidied up
"$NNC" train "$xor" --epochs 1 --quiet
rm cache/nnc/*/runtime/train.o
"$NNC" train "$xor" --epochs 1 --quiet # a program needs no objects
sed 's/tanh/sigmoid/' "$xor" >xor2.nn
"$NNC" train xor2.nn --epochs 1 --quiet
[ -e "$(echo cache/nnc/runtime-*/runtime/train.o)" ] # made again, in the same place
CC='cc -DOPTION' "$NNC" train "$xor" --epochs 1 --quiet # a compiler with an option

# ---- One step of step_by_step in float32, against the published numbers

"$NNC" train "$SOURCE/examples/01_step_by_step/step_by_step.nn" --math=strict --json --save step.safetensors >step.json
cat >look.c <<'C'
#include <math.h>
#include <stdio.h>
#include "safetensors.h"
int main(void) {
    const double hidden[] = {0.1497807161327628, 0.19956143226552567, 0.24975114363236958, 0.29950228726473915},
                 output[] = {0.35891647971788465, 0.4086661860762334, 0.5113012702387375, 0.5613701211079891};
    NncTensors file;
    NncTensorsError error;
    if (!nnc_safetensors_load("step.safetensors", &file, &error)) return puts(error.message), 1;
    const NncTensor *h = NULL, *o = NULL;
    for (size_t i = 0; i < file.tensor_count; i++) {
        const char *end = file.tensors[i].name;
        while (end[0] != '\0' && (end[0] != '.' || end[1] != 'W')) end++;
        if (end[0] != '\0') *(file.tensors[i].name[0] == 'h' ? &h : &o) = &file.tensors[i];
    }
    for (int i = 0; i < 4; i++)
        if (fabs(h->values[i] - hidden[i]) > 6e-8 || fabs(o->values[i] - output[i]) > 6e-8) return printf("%d\n", i), 1;
    return 0;
}
C
runtime=$(dirname "$(ls cache/nnc/step*/runtime/safetensors.h)")
cc -std=c99 -D_POSIX_C_SOURCE=200809L -I"$runtime" look.c "$runtime"/{safetensors,safetensors_load,replace,number}.c -lm -o look
./look
last loss <step.json | awk '{ exit !($1 - 0.2983711087600027 < 6e-8 && 0.2983711087600027 - $1 < 6e-8) }'

# ---- Accuracy, held out: the mean of five seeds

mean() { # MODEL
    for seed in 1 2 3 4 5; do "$NNC" train "$1" --seed $seed --json | last holdout_accuracy; done | awk '{ sum += $1 } END { print sum / NR }'
}
mean "$iris" | awk '{ exit !($1 >= 0.935) }'
program=$(echo cache/nnc/iris-*/program) # the only one so far
mean "$digits" | awk '{ exit !($1 >= 0.96) }'

# ---- Checkpoints: a run that was interrupted ends with the same bits

"$NNC" train "$iris" --epochs 9 --save whole.st --quiet
"$NNC" train "$iris" --epochs 4 --save part.st --quiet
"$NNC" train "$iris" --epochs 9 --resume part.st --save part.st --quiet
cmp whole.st part.st
"$NNC" train "$iris" --epochs 1 --load whole.st --json >loaded.json
"$NNC" train "$iris" --epochs 1 --json >fresh.json
! cmp -s <(without_seconds loaded.json) <(without_seconds fresh.json) || exit 1
sed "s,\.\./data,$SOURCE/examples/data,; s/dense(3)/dense(3, b = 1)/; s/dense(16)/dense(8)/" "$iris" >narrow.nn
refused 1 "has shape [8, 4] in the program, [16, 4] in the file" "$NNC" train narrow.nn --load whole.st
refused 0 "has shape [8, 4] in the program, [16, 4] in the file" "$NNC" train narrow.nn --load whole.st --partial --epochs 1
refused 1 "does not hold" "$NNC" train "$xor" --resume whole.st
head -c 300 whole.st >short.st
refused 1 short.st "$NNC" train "$iris" --load short.st
refused 1 no_such.st "$NNC" train "$iris" --load no_such.st
refused 2 --partial "$NNC" train "$iris" --partial
refused 2 --resume "$NNC" train "$iris" --resume whole.st --load whole.st
refused 1 no/such "$NNC" train "$iris" --save no/such/folder.st

# A full disk, and a kill while it is saved: a checkpoint is whole or absent.
data=$(dirname "$iris")
cp whole.st kept.st
status=0
message=$(ulimit -f 0; "$program" --data "$data" --epochs 12 --resume whole.st --save kept.st --quiet 2>&1) || status=$?
[ $status = 1 ]
case $message in *kept.st*) ;; *) exit 1 ;; esac
cmp whole.st kept.st
[ -z "$(find . -name 'kept.st.*')" ]
for ((i = 0; i < 30; i++)); do
    "$program" --data "$data" --epochs 1000000 --save killed.st --quiet &
    sleep "0.0$((i % 7 + 2))"
    kill -9 $!
    wait $! 2>/dev/null || true
    [ ! -e killed.st ] || "$program" --data "$data" --load killed.st --epochs 0 --quiet
done
[ -e killed.st ]
rm -f killed.st*
for ((i = 0; i < 20; i++)); do # a signal that asks leaves nothing half-written at all
    "$program" --data "$data" --epochs 1000000 --save killed.st --quiet &
    sleep "0.0$((i % 7 + 2))"
    kill -TERM $!
    wait $! 2>/dev/null || true
done
[ "$(echo killed.st*)" = killed.st ]
