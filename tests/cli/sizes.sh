# The sizes that a header states are those of its types.
command -v cc >/dev/null || { echo "SKIPPED: cc is missing"; exit 0; }
for fact in layer_attention_heads layer_lstm layer_conv2d_pad layer_batch_norm layer_embedding optimizer_adam user_ctc; do
    "$NNC" compile "$SOURCE/tests/facts/$fact/model.nn" --library --gradients --quiet -o $fact
    # "     layer_lstm_work    1,234": a type, then its size
    sed -n "/^   Bytes/,/^   [^ ]/s/^     \\(${fact}_[a-z_]*\\).* \\([0-9,]*\\)\$/\\1 \\2/p" $fact/$fact.h | tr -d , >$fact.sizes
    [ "$(wc -l <$fact.sizes)" -ge 8 ]
    {
        echo "#include \"$fact/$fact.h\""
        while read -r type bytes; do echo "typedef char ${type}_is_$bytes[sizeof($type) == $bytes ? 1 : -1];"; done <$fact.sizes
    } >$fact.c
    cc -fsyntax-only $fact.c
done
