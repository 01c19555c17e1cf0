# The command line: exit code 2 and the usage for what it does not understand, 0 for help.
expect() { # CODE PATTERN COMMAND...: the pattern stands on standard error, or for code 0 on standard output
    local code=$1 pattern=$2 status=0
    shift 2
    "$@" >out 2>err || status=$?
    [ $status = "$code" ]
    if [ "$code" = 0 ]; then
        grep -q -- "$pattern" out
        [ ! -s err ]
    else
        grep -q -- "$pattern" err
        [ ! -s out ]
    fi
}
printf 'input x[2]\ntarget t[1]\nloss = mean_squared_error(x -> dense(1), t)\n' >model.nn

expect 0 '^nnc [0-9]*\.[0-9]*\.[0-9]*$' "$NNC" --version
expect 0 '^usage: nnc check MODEL' "$NNC" --help
expect 0 '^usage: nnc check MODEL' "$NNC" -h
expect 0 'cross_entropy' "$NNC" help
expect 0 'the first i at which e is largest' "$NNC" help argmax
expect 0 '^layer dense' "$NNC" help dense
expect 0 'elementary function exp' "$NNC" help exp
expect 0 '^optimizer adam' "$NNC" help adam
expect 0 '^parameters: 3' "$NNC" check model.nn
expect 0 '^parameters: 3' "$NNC" model.nn
expect 1 "no 'dens'; did you mean 'dense'" "$NNC" help dens
expect 1 "no 'qqqqqqq'; 'nnc help' lists" "$NNC" help qqqqqqq

expect 2 'a command and a model are wanted' "$NNC"
expect 2 "there is no command 'chekc'" "$NNC" chekc model.nn
expect 2 "'nnc check' wants a model" "$NNC" check
expect 2 "'nnc run' wants a model" "$NNC" run
expect 2 "'b.nn' is too much" "$NNC" check a.nn b.nn
expect 2 'unrecognized option' "$NNC" check --frobnicate model.nn
expect 2 'requires an argument' "$NNC" check model.nn --dump
expect 2 "there is no step 'lower'; the steps are" "$NNC" model.nn --dump=lower
expect 2 "there is no step 'lower'; the steps are" "$NNC" model.nn --stop=lower
expect 2 "--steps wants a whole number" "$NNC" run model.nn --steps 1.5
expect 2 "--steps wants a whole number" "$NNC" run model.nn --steps -1
expect 2 "--steps wants a whole number" "$NNC" run model.nn --steps 99999999999999999999
expect 2 "--batch wants a whole number" "$NNC" run model.nn --batch 0
expect 2 "--seed wants a whole number" "$NNC" run model.nn --seed ''
expect 2 "belongs to 'nnc run'" "$NNC" check model.nn --steps 3
expect 2 "belongs to 'nnc check'" "$NNC" run model.nn --gradients
expect 2 "--all belongs to --gradients" "$NNC" check model.nn --all
