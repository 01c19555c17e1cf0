# Names that C, its headers, the generated functions or the runtime use for something else: the model may have them.
model() { # MODEL INPUT HIDDEN METRIC TARGET PARAMETER
    cat <<MODEL
model $1
layer own(a_[n_], units) -> y_[units] {
    param $6[units, n_] = glorot_uniform(n_, units)
    y_[j_] = sum(i_: $6[j_, i_] * a_[i_])
}
metric $4(o_[m_], q_[m_]) = mean(i_: abs(o_[i_] - q_[i_]))
input $2[2]
target $5[1]
$3 = $2 -> own(4) -> tanh
final = $3 -> dense(1) -> sigmoid
loss = mean_squared_error(final, $5)
optimizer = adam(rate = 0.05)
metric = $4(final, $5)
data train {
    $2 = [[0, 0], [0, 1], [1, 0], [1, 1]]
    $5 = [[0], [1], [1], [0]]
}
train {
    epochs = 2
    batch = 2
}
MODEL
}
# Compiles NAME.c and NAME_main.c; the runtime, once for all, is linked.
builds() {
    model "$@" >model.nn
    rm -rf folder
    "$NNC" compile model.nn -o folder --quiet
    cc -std=c99 -Wall -Wextra -Werror -O0 -D_POSIX_C_SOURCE=200809L folder/*.c runtime/*.o -lm -o program
    ./program --json | sed 's/"'"$4"'"/"metric"/; s/,"seconds.*//' >losses
    if [ -e expected ]; then diff expected losses; else cp losses expected; fi
}
model plain x h acc t W >model.nn
"$NNC" compile model.nn -o plain --quiet
mkdir runtime
for file in plain/runtime/*.c; do cc -std=c99 -O0 -D_POSIX_C_SOURCE=200809L -c "$file" -o "runtime/$(basename "$file" .c).o"; done
builds plain x h acc t W
for name in main float program chart options csv file printf x NULL int32_t; do builds $name x h acc t W; done
# Each word in five places, one place on for each word.
words=(work out models states examples total sums metrics first n b infinity i k found value count size memcpy float double size_t
    numbers holds search init program main values NULL NAN INFINITY memory errno expf unix stdin last batch j x_y under_)
for ((at = 0; at + 4 < ${#words[@]}; at += 5)); do
    builds some "${words[@]:at:1}" "${words[@]:at+1:1}" "${words[@]:at+2:1}" "${words[@]:at+3:1}" "${words[@]:at+4:1}"
done
long=$(printf 'a%.0s' {1..200})
builds "m$long" "x$long" "h$long" "r$long" "t$long" "p$long"
builds some _x _y _z _w _v
! grep -w '_[v-z]_*' folder/some.h || exit 1 # these belong to C
# The runtime's own prefix is refused.
status=0
model nnc x h acc t W >model.nn
"$NNC" compile model.nn -o nnc 2>err || status=$?
[ $status = 1 ]
grep -q "model.nn:1:1: error: 'nnc' begins" err
