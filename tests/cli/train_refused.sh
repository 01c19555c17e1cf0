# nnc train: bad data, a loss that is not finite, compilers and caches that do not work.
refused() { # CODE WORDS COMMAND...: WORDS are in the messages
    local code=$1 words=$2 status=0
    shift 2
    "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; cat err; exit 1; }
    grep -qF -- "$words" err || { cat err; exit 1; }
}
cat >model.nn <<'MODEL'
input x[2]
target t[2]
output = x -> dense(2) -> softmax
loss = cross_entropy(output, t)
optimizer = sgd(rate = 0.1)
data train {
    x = csv("d.csv", columns = 0..2)
    t = csv("d.csv", column = 2) -> one_hot
}
train {
    epochs = 3
    batch = 2
}
MODEL

# ---- Bad data: the program was compiled when they were good, and names file, line and column

good='1,2,0\n3,4,1\n5,6,0\n'
printf "$good" >d.csv
"$NNC" train model.nn --quiet
bad() { # WORDS BYTES: of d.csv
    printf "$2" >d.csv
    refused 1 "$1" "$NNC" train model.nn
    [ ! -s out ]
}
bad 'd.csv:2:3' '1,2,0\n3,four,1\n5,6,0\n7,8,1\n'
bad 'd.csv:2' '1,2,0\n3,4\n'
bad 'd.csv:2:3' '1,2,0\n3,nan,1\n'
bad 'd.csv:2:3' '1,2,0\n3,,1\n'
bad 'd.csv:2:3: 1e+39 is more than a float can hold' '1,2,0\n3,1e39,1\n'
bad 'd.csv:3:5' '1,2,0\n3,4,1\n5,6,2\n'
bad 'd.csv' ''
rm d.csv
refused 1 'd.csv' "$NNC" train model.nn
printf "$good" >d.csv

# ---- A loss that is not finite: where, in which step, what helps; the checkpoint before it stays

sed 's/rate = 0.1/rate = 1e30/; s/-> softmax//; s/cross_entropy/mean_squared_error/' model.nn >wild.nn
refused 1 'the loss is' "$NNC" train wild.nn --epochs 50 --save wild.st
grep -q 'in step [0-9]* (epoch [0-9]*)' err
grep -q "the first tensor that is not finite is '" err
grep -q 'a smaller rate' err

# ---- The C compiler and the cache

sed 's/epochs = 3/epochs = 4/' model.nn >other.nn
for cc in no_such_cc false true 'gcc -m32' '; touch shell' '$(touch shell)'; do refused 1 'the C compiler could not make the program' "$NNC" train other.nn --cc "$cc"; done
[ ! -e shell ]
[ "$(find cache/nnc -mindepth 1 -maxdepth 1 | grep -c '\.[0-9]*$')" = 0 ] # no half-built folder
touch a_file
refused 1 'Not a directory' env XDG_CACHE_HOME="$PWD/a_file" "$NNC" train other.nn
"$NNC" train other.nn --json >one & # two at once
"$NNC" train other.nn --json >two
wait $!
diff <(sed 's/,"seconds.*//' one) <(sed 's/,"seconds.*//' two)
[ "$(find cache/nnc -mindepth 1 -maxdepth 1 | grep -c '\.[0-9]*$')" = 0 ]
env -u XDG_CACHE_HOME HOME="$PWD/home" "$NNC" train other.nn --quiet
[ -d home/.cache/nnc ]
for change in '/^optimizer/d' '/^data/,/^}/d'; do
    sed "$change" model.nn >less.nn
    refused 1 'the model has no' "$NNC" train less.nn
done
