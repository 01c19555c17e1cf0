# Files that cannot be read or written: exit code 1, one sentence, and nothing half-written.
refused() { # PATTERN COMMAND...
    local pattern=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ $status = 1 ]
    grep -q -- "$pattern" err
    [ ! -s out ]
}
cat >model.nn <<'MODEL'
input x[2]
target t[1]
loss = mean_squared_error(x -> dense(1), t)
optimizer = sgd(0.1)
data train {
    x = [[0, 1], [1, 0]]
    t = [[1], [0]]
}
MODEL

refused '^nnc: missing.nn: No such file or directory$' "$NNC" check missing.nn
refused '^nnc: .: it is a directory$' "$NNC" check .
refused 'Not a directory' "$NNC" check model.nn/model.nn
if [ "$(id -u)" != 0 ]; then
    cp model.nn locked.nn
    chmod 000 locked.nn
    refused 'Permission denied' "$NNC" check locked.nn
fi

# Standard input; its name in messages.
"$NNC" check - <model.nn | grep -q '^parameters: 3'
"$NNC" - <model.nn | grep -q '^parameters: 3'
refused '^<stdin>:1:5: error' "$NNC" check - <<<'x = = 1'
refused 'has no input' "$NNC" check - </dev/null

# Data is looked for beside the model, and only when it runs.
mkdir -p deep
printf 'input x[2]\ntarget t[1]\nloss = mean_squared_error(x -> dense(1), t)\noptimizer = sgd(0.1)\ndata train {\n    x = csv("d.csv", columns = 0..2)\n    t = csv("d.csv", column = 2)\n}\n' >deep/csv.nn
"$NNC" check deep/csv.nn >/dev/null
refused 'deep/d.csv: ' "$NNC" run deep/csv.nn
printf '0,1,1\n1,0,0\n' >deep/d.csv
"$NNC" run deep/csv.nn --steps 1 >/dev/null

# What cannot be saved or loaded.
status=0; "$NNC" run model.nn --steps 1 --save nowhere/w.safetensors >out 2>err || status=$?
[ $status = 1 ]
grep -q 'nowhere' err
refused 'absent.safetensors' "$NNC" run model.nn --steps 1 --load absent.safetensors
echo 'this is no file of parameters' >broken.safetensors
refused 'broken.safetensors' "$NNC" run model.nn --steps 1 --load broken.safetensors
before=$(ls)
echo keep >kept.safetensors
sed 's/dense(1)/dnse(1)/' model.nn >wrong.nn
refused "did you mean 'dense'" "$NNC" run wrong.nn --steps 1 --save kept.safetensors
[ "$(cat kept.safetensors)" = keep ]
rm kept.safetensors wrong.nn
[ "$(ls)" = "$before" ]

# Only a regular file is replaced by a saved one: a pipe here, where a device would be lost for good.
mkfifo pipe
status=0; "$NNC" run model.nn --steps 1 --save pipe >out 2>err || status=$?
[ $status = 1 ]
grep -q 'pipe: it is not a regular file' err
[ -p pipe ]
rm pipe

# A full disk is told of.
if [ -c /dev/full ]; then
    for command in "check model.nn" "help" "model.nn --dump=derive" "run model.nn --steps 2" "--help"; do
        status=0
        # shellcheck disable=SC2086
        "$NNC" $command >/dev/full 2>err || status=$?
        [ $status = 1 ]
        grep -q 'standard output: No space left on device' err
    done
fi
