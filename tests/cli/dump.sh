# --dump of every step, --stop, --time and --origins.
model=$SOURCE/tests/facts/model_xor/model.nn
for step in parse tensor stabilize normalize derive simplify loop; do
    "$NNC" "$model" --dump=$step >$step.txt 2>err
    [ -s $step.txt ]
    [ ! -s err ]
    "$NNC" check "$model" --dump=$step --check | cmp - $step.txt
    "$NNC" "$model" --stop=$step >out 2>err
    [ ! -s out ] && [ ! -s err ]
done
"$NNC" - --dump=parse <parse.txt | cmp - parse.txt # what was printed reads as it was
"$NNC" "$model" --dump=derive --origins >origins.txt
[ "$(wc -c <origins.txt)" -gt "$(wc -c <derive.txt)" ]

"$NNC" "$model" --time --stop=normalize >out 2>err
[ ! -s out ]
[ "$(grep -c ' ms ' err)" = 4 ]
! grep -q '^derive' err || exit 1

# A step that is never reached prints nothing.
status=0; "$NNC" - --dump=derive <<<'input x[' >out 2>err || status=$?
[ $status = 1 ] && [ ! -s out ] && [ -s err ]
