# The examples that read a text learn more of it than how often which character follows which other one.
if ! command -v bible >/dev/null; then
    echo "SKIPPED: bible (of the package bible-kjv) is missing: there is no text to learn"
    exit 0
fi
bible -f Mat1:1-Acts28:31 >text.txt
[ "$(wc -c <text.txt)" -ge 500000 ]
if LC_ALL=C grep -q '[^ -~]' text.txt; then exit 1; fi # ASCII alone

# The entropy of a character, in nats, when the one before it is known.
bigrams=$(od -An -v -tu1 text.txt | awk '
    { for (i = 1; i <= NF; i++) { if (NR > 1 || i > 1) { pair[last, $i]++; first[last]++; n++ } last = $i } }
    END { for (p in pair) { split(p, c, SUBSEP); h -= pair[p] * log(pair[p] / first[c[1]]) } print h / n }')

learns() { # FOLDER MODEL MARGIN OPTION...: the loss of the last epoch is so much lower
    local folder=$1 model=$2 margin=$3
    shift 3
    cp "$SOURCE/examples/$folder/$model.nn" .
    "$NNC" train "$model.nn" --json "$@" >"$model.json"
    tail -n 1 "$model.json"
    sed -n '$s/.*"loss":\([^,}]*\).*/\1/p' "$model.json" |
        awk -v bigrams="$bigrams" -v margin="$margin" '{ print bigrams - $1; if (!($1 <= bigrams - margin)) exit 1 }'
}
learns 08_char_lstm char_lstm 0.6 --save char_lstm.safetensors
learns 09_tiny_transformer tiny_transformer 0.4

# What the network writes is mostly words of the text.
sed -n '/^```c generate.c/,/^```$/p' "$SOURCE/examples/08_char_lstm/README.md" | sed '1d;$d' >generate.c
"$NNC" compile char_lstm.nn --quiet
cc -O2 generate.c char_lstm/char_lstm.c char_lstm/runtime/*.c -lm -o generate
./generate >written
words() { tr -cs A-Za-z '\n' <"$1" | grep -E '..' | sort; }
words text.txt | uniq >known
[ "$(words written | wc -l)" -ge 50 ]
[ $((2 * $(words written | join - known | wc -l))) -ge "$(words written | wc -l)" ]
