# nnc run: the same losses again, also after saving and loading.
cat >model.nn <<'MODEL'
input x[2]
target t[1]
hidden = x -> dense(3) -> tanh
output = hidden -> dense(1) -> sigmoid
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.5)
metric = binary_accuracy(output, t)
data train {
    x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    t = [[0], [1], [1], [0]]
}
train {
    epochs = 3
    batch = 4
    shuffle = false
}
MODEL

"$NNC" run model.nn --steps 6 >six.txt
"$NNC" run model.nn --steps 6 | cmp - six.txt
[ "$(grep -c '^step ' six.txt)" = 6 ]

# Three steps, saved; three more from there.
"$NNC" run model.nn --steps 3 --save half.safetensors >first.txt
"$NNC" run model.nn --steps 3 --load half.safetensors >second.txt
losses() { sed -n 's/^step [0-9]*  *loss //p' "$@"; }
cat first.txt second.txt >both.txt
diff <(losses six.txt) <(losses both.txt)

# Saving what was loaded gives the same file, but for the counts of steps and epochs.
"$NNC" run model.nn --steps 0 --load half.safetensors --save again.safetensors >/dev/null
without_step() { sed 's/"\(step\|epoch\)":"[0-9]*"//g' "$1"; }
cmp <(without_step half.safetensors) <(without_step again.safetensors)

# Another seed, other numbers; the same seed, the same.
! "$NNC" run model.nn --steps 6 --seed 7 | cmp -s - six.txt || exit 1
"$NNC" run model.nn --steps 6 --seed 1 | cmp - six.txt

# Parameters of another model do not fit.
sed 's/dense(3)/dense(4)/' model.nn >wide.nn
status=0; "$NNC" run wide.nn --steps 1 --load half.safetensors >out 2>err || status=$?
[ $status = 1 ]
grep -q 'half.safetensors' err

# A loss that becomes infinite stops the run and saves nothing.
sed 's/loss = .*/loss = mean_squared_error(exp(exp(exp(exp(10 * hidden -> dense(1))))), t)/' model.nn >wild.nn
sed 's/(10 \* hidden -> dense(1))/(10 + (hidden -> dense(1)))/' wild.nn >wilder.nn
status=0; "$NNC" run wilder.nn --steps 3 --save wild.safetensors >out 2>err || status=$?
[ $status = 1 ]
grep -q 'in step 1 the loss is' err
[ ! -e wild.safetensors ]

# A derivative that is 0 by algebra is a sum of others that are not: rounding leaves something of it.
cat >zero.nn <<'END'
layer same(x[n]) -> y[3] {
    param p = 0
    y[i in 0..3] = p
}
input x[6]
target t[2]
h      = x -> same
output = h -> layer_norm -> dense(2)
loss   = mean(i: output[i] * t[i])
freeze output
END
"$NNC" check zero.nn --gradients >zero
grep -q 'all derivatives agree' zero

# JSON, one object a line.
"$NNC" run model.nn --steps 2 --json >steps.json
"$NNC" run model.nn --json >epochs.json
"$NNC" check model.nn --gradients --json >gradients.json
if command -v python3 >/dev/null; then
    for file in steps epochs gradients; do
        python3 -c 'import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert lines
for line in lines: assert isinstance(json.loads(line), dict), line' $file.json
    done
else
    echo "SKIPPED: python3 is missing, the JSON is not parsed"
fi

# Random numbers in validation are the same each time, in the interpreter and in C.
cat >drawn.nn <<'END'
input  x[2]
target t[1]
y         = (x + random_uniform()) -> dense(1)
loss      = mean_squared_error(y, t)
optimizer = sgd(rate = 0)
data train {
    x = [[0, 1], [1, 0], [-1, 0.5], [0.3, 0.1], [0.2, 0.9]]
    t = [[0.3], [0.1], [0.9], [0.5], [0.2]]
    holdout = 0.4
}
train {
    epochs    = 3
    batch     = 2
    precision = double
}
END
"$NNC" run drawn.nn --json | grep -o '"held_out".*' | grep -o '"loss": *[0-9.]\{10\}' | grep -o '[0-9.]*$' >drawn.run
[ "$(sort -u drawn.run | wc -l)" = 1 ]
"$NNC" train drawn.nn --json | grep -o '"holdout_loss": *[0-9.]\{10\}' | grep -o '[0-9.]*$' | cmp - drawn.run
