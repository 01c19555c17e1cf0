# The inference function gives the bits of the forward pass that training and evaluation run, and nnc predict prints them;
# batch_norm and dropout are those of PyTorch's eval mode.
cp -r "$SOURCE/examples" .

# A metric that shows one output at a time: with a target that is 1 there, the sum adds zeros.
cat >probe.nn <<'NN'
metric probe(p[n], t[n]) = sum(i: p[i] * t[i])
NN
cat >driver.c <<'C'
#define main program_main
#include MAIN
#undef main
#include "runtime/member.h"
#include "runtime/number.h"
#include "runtime/predict.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static NncTraining t;
static double found[8];

static int differs(const char *what, size_t row, size_t k, double value, double output) {
    if (memcmp(&value, &output, sizeof value) == 0) return 0;
    printf("%s, row %zu, class %zu: %.9g instead of %.9g\n", what, row, k, value, output);
    return 1;
}

int main(int argc, char **argv) { /* CHECKPOINT FOLDER [training]: with it, the forward pass of training is the same */
    const NncProgram *p = &PROGRAM;
    const NncMember *output = &p->outputs[p->class_output], *target = &p->targets[p->class_target];
    NncTensors file;
    double numbers[128], hot[128];
    if (argc < 3) return 1;
    t.program = p;
    if (!nnc_examples_open(p, p->train_data, argv[2], NULL, p->seed, 0, &t.data, &t.examples) ||
        !nnc_training_begin(&t, p->seed) || !nnc_checkpoint_open(p, argv[1], &file) ||
        !nnc_checkpoint_load(p, argv[1], &file, 0, NULL, t.parameters, t.state))
        return 1;
    size_t probe = p->metric_count - 1;
    char *right = calloc(1, p->target_size);
    for (size_t row = 0; row < t.examples.rows; row++) {
        const char *in = t.examples.in + row * p->input_size;
        p->predict(t.parameters, t.predict_work, in, t.out, 1);
        nnc_member_read(p, output, t.out, numbers);
        for (size_t k = 0; k < p->classes; k++) {
            for (size_t i = 0; i < p->classes; i++) hot[i] = i == k;
            if (target->whole) hot[0] = (double)k;
            nnc_member_write(p, target, right, hot);
            p->evaluate(t.parameters, t.state, t.evaluate_work, in, right, 1, found);
            if (differs("evaluate", row, k, found[probe], numbers[k])) return 1;
            if (argc < 4) continue;
            p->train(t.parameters, t.state, t.work, in, right, 1, found); /* at rate 0 */
            if (differs("train", row, k, found[probe], numbers[k])) return 1;
        }
        for (size_t k = 0; k < p->classes; k++) {
            printf(k == 0 ? "[" : ",");
            nnc_number_json(stdout, nnc_number_of_float((float)numbers[k]));
        }
        puts("]");
    }
    return 0;
}
C

compare() { # NAME MODEL LINES CSV [training]: trains MODEL, then compares; CSV: the examples as a file, LINES of it
    local name=$1 model=$2 csv=$4 folder=${2%/*}
    "$NNC" train "$model" --math=strict --epochs 5 --save "$name.st" --quiet
    { sed '/^optimizer/d; /^loss/q' "$model"; cat probe.nn; echo 'optimizer = sgd(rate = 0)'
      echo "metric = probe(output, ${6-t})"; sed '1,/^loss/d; /^optimizer/d; /^metric/d' "$model"; } >"$folder/${name}_probe.nn"
    sed -i "s/^model .*/model ${name}_probe/" "$folder/${name}_probe.nn"
    "$NNC" compile "$folder/${name}_probe.nn" -o "$name" --quiet
    cc -O0 -DMAIN="\"$name/${name}_probe_main.c\"" -DPROGRAM="${name}_probe_program" -I"$name" -I. driver.c "$name/${name}_probe.c" \
        "$name"/runtime/*.c -lm -o "$name/driver"
    "$name/driver" "$name.st" "$folder" ${5:+"$5"} >"$name.expected" || { tail -n 1 "$name.expected"; exit 1; }
    [ "$(wc -l <"$name.expected")" = "$3" ]
    "$NNC" predict "$model" --math=strict --load "$name.st" --data "$csv" --json | sed 's/.*"output":\(.*\)}/\1/' | diff - "$name.expected"
}

compare iris examples/03_iris/iris.nn 150 examples/data/iris.csv training
compare digits examples/04_digits/digits.nn 1797 examples/data/digits.csv training
cp examples/data/iris.csv .
cat >normal.nn <<'NN'
model normal
input  x[4]
target t[3]
hidden = x -> dense(16) -> batch_norm -> relu -> dropout(0.3)
output = hidden -> dense(3) -> softmax
loss = cross_entropy(output, t)
optimizer = adam(rate = 0.01)
data train {
    x = csv("iris.csv", columns = 0..4) -> standardize
    t = csv("iris.csv", column = "species") -> one_hot
}
train { batch = 7 }
NN
compare normal ./normal.nn 150 iris.csv
awk -v OFS=, 'BEGIN { for (i = 0; i < 90; i++) print i * 7 % 11, i * 5 % 11, i * i % 11, (i * 12 + i * i) % 6 }' >tokens.csv
cat >tokens.nn <<'NN'
model tokens
input  word[3] : index(11)
target t       : index(6)
output = word -> embedding(5) -> flatten -> dense(6) -> softmax
loss = cross_entropy(output, one_hot(t))
optimizer = sgd(rate = 0.1)
data train {
    word = csv("tokens.csv", columns = 0..3)
    t    = csv("tokens.csv", column = 3)
}
train { batch = 4 }
NN
compare tokens ./tokens.nn 90 tokens.csv training 'one_hot(t)'

# ---- PyTorch 2.5.1, in double precision: Linear(4, 5), Tanh, BatchNorm1d(5), Tanh, Dropout(0.5), Linear(5, 2), in eval mode

fact=$SOURCE/tests/facts/layer_batch_norm
sed 's/batch_norm -> tanh/batch_norm -> tanh -> dropout(0.5)/; s/^train {/&\n    precision = double/' "$fact/model.nn" >eval.nn
cat >eval.csv <<'END'
0.125,-1.75,-0.0625,-0.1875
-1.25,-0.75,0.3125,-0.4375
1.3125,0.125,-1.6875,0.8125
2,-1.9375,1.6875,-0.1875
END
cat >torch.csv <<'END'
0.21446949895691725,-0.20138647166349719
-0.10104913337817756,-0.34212617646212529
1.0883268187011172,0.42725855021331816
0.56750159558906399,-0.2843714694042504
END
"$NNC" predict eval.nn --load "$fact/initial.safetensors" --data eval.csv >ours.csv
head -n 1 ours.csv | diff - <(echo output.0,output.1)
tail -n +2 ours.csv | paste -d, - torch.csv | awk -F, '
    { if (NF != 4 || ($1 - $3)^2 > 1e-26 || ($2 - $4)^2 > 1e-26) { print; wrong = 1 } } END { exit wrong || NR != 4 }'
