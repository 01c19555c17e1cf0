# No invalid access and no leak, in models that compile and in models that do not.
if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: valgrind is missing"
    exit 0
fi
if ldd "$NNC" | grep -q 'lib[a-z]*san'; then
    echo "SKIPPED: nnc is built with sanitizers, which see more"
    exit 0
fi
end=$((SECONDS + 60)) # what is not done by then is left out
clean() { # CODE COMMAND...
    local code=$1 status=0
    shift
    [ $SECONDS -lt $end ] || { echo "LEFT OUT: $*"; return 0; }
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=all --error-exitcode=99 "$@" >out 2>err || status=$?
    [ $status = "$code" ] || { echo "exit code $status: $*"; head -40 err; exit 1; }
}
clean 0 "$NNC" help dense
clean 1 "$NNC" help dens
for model in "$SOURCE"/tests/facts/model_*/model.nn; do clean 0 "$NNC" check "$model"; done
clean 0 "$NNC" run "$SOURCE/tests/facts/model_xor/model.nn" --steps 2 --save w.safetensors
clean 0 "$NNC" run "$SOURCE/tests/facts/model_xor/model.nn" --steps 1 --load w.safetensors
cd "$SOURCE/tests/wrong"
for model in several.nn syntax_several.nn import_cycle.nn call_recursive_mutual.nn definition_wrong_inside.nn data_columns.nn syntax_nested_too_deeply.nn; do
    out=/dev/null
    status=0
    [ $SECONDS -lt $end ] || break
    valgrind --quiet --leak-check=full --errors-for-leak-kinds=all --error-exitcode=99 "$NNC" check $model >/dev/null 2>&1 || status=$?
    [ $status = 1 ] || { echo "exit code $status: $model"; exit 1; }
done
