# Metrics that are no means over examples, over data in incomplete batches: against values found by hand, and by awk from predictions.
cat >hand.nn <<'NN'
input  x[1]
target t[1]
output    = x -> dense(1, W = [[1]], b = 0)
loss      = mean_squared_error(output, t)
optimizer = sgd(rate = 0)
metric    = mean_absolute_error(output, t)
metric    = precision(output, t)
metric    = recall(output, t)
metric    = f1(output, t)
metric    = r2(output, t)
metric    = 1 - sqrt(data_mean((output[0] - t[0])^2))
data train {
    x = [[0.9], [0.2], [0.6], [0.7], [0.4], [0.7]]
    t = [[1],   [0],   [0],   [1],   [1],   [0]]
}
train {
    epochs    = 1
    batch     = 4
    precision = double
}
NN
close() { # FIELD VALUE < AN OBJECT
    sed "s/.*\"$1\": *\([^,}]*\).*/\1/" | awk -v wanted="$2" -v error="${3:-1e-12}" '{ exit !(NF == 1 && ($1 - wanted)^2 <= error^2) }'
}
check() { # FILE: TP 2, FP 2, FN 1; squared errors 1.35 of 6, of t the variance is 1/4
    close mean_absolute_error "$(awk 'BEGIN { printf "%.17g", 2.5 / 6 }')" <"$1"
    close precision 0.5 <"$1"
    close recall "$(awk 'BEGIN { printf "%.17g", 2 / 3 }')" <"$1"
    close f1 "$(awk 'BEGIN { printf "%.17g", 4 / 7 }')" <"$1"
    close r2 0.1 <"$1"
    close metric "$(awk 'BEGIN { printf "%.17g", 1 - sqrt(0.225) }')" <"$1"
    ! grep -q _mean\" "$1" || exit 1 # what they are calculated from is not shown
}
"$NNC" train hand.nn --math=strict --json --save hand.st >trained
check trained
"$NNC" evaluate hand.nn --math=strict --load hand.st --json >evaluated
check evaluated
"$NNC" run hand.nn --json | head -n 1 >run
check run
sed 's/x = .*/x = [[0.4], [0.3]]/; s/t = \[.*/t = [[0], [0]]/' hand.nn >nothing.nn # 0 of 0 is 0
"$NNC" train nothing.nn --json >nothing
for metric in precision recall f1; do close $metric 0 <nothing; done

# What is calculated at the end is lowered like all else: a small power is a product, below its formula.
sed 's/^metric.*data_mean.*/metric    = (data_mean(output[0]) - data_mean(t[0]))^3/' hand.nn >cube.nn
"$NNC" compile cube.nn -o cube --quiet --check
! grep -q 'nnc_pow(' cube/model.c || exit 1
sed -n '/_combine(.*{/,/^}/p' cube/model.c >combine
grep -qF 'metrics->r2_mean_3 * metrics->r2_mean_3' combine
grep -qF 'cube.nn:11   metric = (metric_mean - metric_mean_2)^3 */' combine
grep -qF 'metrics->metric = (metrics->metric_mean - metrics->metric_mean_2) * (metrics->metric_mean - metrics->metric_mean_2)' combine
"$NNC" train cube.nn --math=strict --json | close metric "$(awk 'BEGIN { printf "%.17g", (3.5 / 6 - 0.5) ^ 3 }')"

# Three examples, the right classes with probability 1/2, 1/4 and 4/5: the third root of 10. Two steps of two classes each: the same.
cat >perplexity.nn <<'NN'
input  x[2]
target t[2]
output    = x -> dense(2, W = [[1, 0], [0, 1]])
loss      = cross_entropy(output, t)
optimizer = sgd(rate = 0)
metric    = perplexity(output, t)
data train {
    x = [[0.5, 0.5], [0.25, 0.75], [0.2, 0.8]]
    t = [[0],        [0],          [1]] -> one_hot
}
train {
    epochs    = 1
    batch     = 2
    precision = double
}
NN
"$NNC" train perplexity.nn --math=strict --json | close perplexity 2.154434690031884
"$NNC" run perplexity.nn --json | head -n 1 | close perplexity 2.154434690031884
sed 's/x\[2\]/x[3, 2]/; s/t\[2\]/t[3, 2]/; s/x = .*/x = [[0.5, 0.5, 0.25, 0.75, 0.2, 0.8]]/; s/t = \[.*/t = [[1, 0, 1, 0, 0, 1]]/' \
    perplexity.nn >sequence.nn
"$NNC" train sequence.nn --math=strict --json | close perplexity 2.154434690031884

# 70000 examples, which come in several calls and an incomplete batch: from the predictions
awk -v OFS=, 'BEGIN { for (i = 0; i < 70000; i++) print i * 7919 % 1000 / 1000, i * 104729 % 997 / 997, (i * i % 11 + i * 7919 % 1000 / 100 > 9) }' >data.csv
cat >large.nn <<'NN'
input  x[2]
target t[1]
output    = x -> dense(1) -> sigmoid
loss      = binary_cross_entropy(output, t)
optimizer = sgd(rate = 1)
metric    = precision(output, t)
metric    = recall(output, t)
metric    = f1(output, t)
metric    = r2(output, t)
data train {
    x = csv("data.csv", columns = 0..2)
    t = csv("data.csv", column = 2)
}
train {
    epochs    = 1
    batch     = 64
    precision = double
}
NN
"$NNC" train large.nn --math=strict --save large.st --quiet
"$NNC" evaluate large.nn --math=strict --load large.st --json >evaluated
"$NNC" predict large.nn --math=strict --load large.st --data data.csv | tail -n +2 | paste -d, - data.csv | awk -F, '
    { tp += $1 > 0.5 && $4; predicted += $1 > 0.5; right += $4; squares += ($1 - $4)^2; sum += $4; of_squares += $4^2 }
    END { printf "%.17g %.17g %.17g %.17g\n", tp / predicted, tp / right, 2 * tp / (predicted + right),
              1 - squares / (of_squares - sum^2 / NR) }' >wanted
read -r precision recall f1 r2 <wanted
awk '{ exit !($1 > 0.3 && $1 < 0.95 && $2 > 0.3 && $2 < 0.95) }' wanted # it is worth calculating
for metric in precision recall f1 r2; do close $metric "${!metric}" 1e-10 <evaluated; done
