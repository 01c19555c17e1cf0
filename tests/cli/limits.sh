# Inputs that nobody writes: each ends soon, with exit code 0 or 1, and never with a crash.
repeat() { head -c "$1" /dev/zero | sed "s|\x0|$2|g"; } # COUNT TEXT
head='input x[4]
target t[4]'
tail='loss = mean_squared_error(x, t)'

ends() { # CODE PATTERN FILE
    local status=0
    timeout 60 "$NNC" check "$3" >out 2>err || status=$?
    [ $status = "$1" ] || { head -c 300 err; exit 1; }
    grep -q -- "$2" err out || { head -c 300 err; exit 1; }
}
# deep NAME PATTERN BEFORE BETWEEN AFTER: 200,000 times
deep() {
    { echo "$head"; echo "y = $(repeat 200000 "$3")$4$(repeat 200000 "$5")"; echo "$tail"; } >"$1.nn"
    ends 1 "$2" "$1.nn"
}
deep parentheses 'nested too deeply' '(' x ')'
deep calls 'nested too deeply' 'exp(' x ')'
deep minus 'nested too deeply' - x ''
deep power 'nested too deeply' 'x^' x ''
deep sums 'nested more than' 'x + ' x ''
deep lists 'nested too deeply' '[' 1 ']'
deep conditions 'nested too deeply' 'if 1>0 then 1 else ' 2 ''
deep pipes 'nested more than' '' x ' -> exp'
deep open 'never closed\|nested' '(' '' ''

# Size: 4 MiB and no more.
repeat 10000000 '#' >ten.nn
ends 1 'larger than 4 MiB' ten.nn
{ repeat 3900000 '#'; echo; echo "$head"; echo "$tail"; } >comment.nn
ends 0 'model model' comment.nn
{ echo "$head"; echo "y = x$(repeat 970000 ' + 1')"; echo "$tail"; } >line.nn
ends 1 'nested more than' line.nn
{ echo "$head"; repeat 100000 n; echo ' = x -> dense(4)'; echo "loss = mean_squared_error($(repeat 100000 n), t)"; } >name.nn
ends 0 'parameters: 20' name.nn

# No text at all.
head -c 200000 "$NNC" >binary.nn
ends 1 'error' binary.nn
head -c 100000 /dev/zero >zeros.nn
ends 1 'zero byte' zeros.nn
repeat 200000 '{' >braces.nn
ends 1 'error' braces.nn
repeat 100000 'x = f(\n' >open_calls.nn
ends 1 'error' open_calls.nn

# Definitions that double each other, and chains of them.
doubling() { # FIRST RULE
    echo "$1"
    for i in $(seq 60); do echo "${2//%/f$((i - 1))}" | sed "s/@/f$i/"; done
    echo "$head"
    echo 'loss = mean_squared_error(x -> f60, t)'
}
doubling 'function f0(x) = x + 1' 'function @(x) = %(%(x))' >functions.nn
ends 1 'too deep' functions.nn
doubling 'function f0(x[n]) -> y[n] { y[i] = x[i] + 1 }' 'function @(x[n]) -> y[n] { y = %(%(x)) }' >bodies.nn
ends 1 'too large' bodies.nn
doubling 'layer f0(x[n]) -> y[n] { param b = 0
y[i] = x[i] + b }' 'layer @(x[n]) -> y[n] { y = %(%(x)) }' >layers.nn
ends 1 'too large' layers.nn
{ echo 'function f0(x) = x'; for i in $(seq 2000); do echo "function f$i(x) = f$((i - 1))(x)"; done; echo "$head"; echo 'loss = mean_squared_error(f2000(x), t)'; } >chain.nn
ends 1 'nested too deeply, with the definitions' chain.nn

# Many: time grows with the size, not with its square.
{ echo "$head"; echo 'y0 = x'; for i in $(seq 20000); do echo "y$i = y$((i - 1)) + 1"; done; echo 'loss = mean_squared_error(y20000, t)'; } >statements.nn
timeout 60 "$NNC" --stop=normalize statements.nn
{ echo "$head"; for i in $(seq 20000); do echo "y$i = z$i"; done; echo "$tail"; } >undefined.nn
ends 1 'more than 20 errors' undefined.nn
[ "$(grep -c ': error:' err)" = 20 ]
{ echo "input x[$(repeat 100000 '1, ')1]"; } >axes.nn
ends 1 'axes are too many' axes.nn
{ echo "$head"; echo "y = reshape(x, $(repeat 100000 '1, ')1)"; echo "$tail"; } >arguments.nn
ends 1 'arguments are too many' arguments.nn
