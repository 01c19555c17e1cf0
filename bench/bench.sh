#!/usr/bin/env bash
# ./dev bench [pattern]: README.md says what is measured. The rows whose "net batch" matches the pattern.
set -eu
cd "$(dirname "$0")/.."

pattern=${1-.}
starts=${BENCH_STARTS-5}
cc=${CC-gcc}
nnc=build/release/nnc
folder=build/bench

plain_flags=(-std=c99 -O3 -march=native -ffast-math)
# Those of `nnc train`, and for strict arithmetic the machine's own instructions, too.
fast_flags=(-std=c99 -O3 -march=native -fopenmp-simd -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-signed-zeros)
strict_flags=(-std=c99 -O3 -march=native -ffp-contract=off -fno-math-errno -fno-trapping-math)

# generated MODE: C of nnc for the row, and its program
generated() {
    local mode=$1
    shift
    "$nnc" compile "bench/$net.nn" --library --math="$mode" --batch "$batch" --quiet -o "$work/$mode"
    (cd "$work/$mode" && for file in "$net.c" runtime/*.c; do
        if [ -e "$file" ]; then "$cc" "$@" -D_POSIX_C_SOURCE=200809L -c "$file"; fi
    done)
    "$cc" -std=c11 -O2 -D_POSIX_C_SOURCE=200809L "${sizes[@]}" -DNET="$net" -DHEADER="\"$work/$mode/$net.h\"" -I. \
        bench/bench.c "$work/$mode"/*.o -lm -o "$work/bench-$mode"
}

by_hand() {
    "$cc" "${plain_flags[@]}" "${sizes[@]}" -c bench/plain.c -o "$work/plain.o"
    "$cc" -std=c11 -O2 -D_POSIX_C_SOURCE=200809L "${sizes[@]}" bench/bench.c "$work/plain.o" -lm -o "$work/bench-plain"
}

# row NET INPUTS HIDDEN OUTPUTS ACTIVATION RATE EXAMPLES BATCH...
row() {
    local net=$1 batch work sizes variant start
    local shape=(-DINPUTS="$2" -DHIDDEN="$3" -DOUTPUTS="$4" -D"$5" -DRATE="$6" -DEXAMPLES="$7")
    shift 7
    for batch in "$@"; do
        echo "$net $batch" | grep -Eq -- "$pattern" || continue
        work=$folder/$net-$batch
        sizes=("${shape[@]}" -DBATCH="$batch")
        rm -rf "$work"
        mkdir -p "$work"
        by_hand
        generated fast "${fast_flags[@]}"
        generated strict "${strict_flags[@]}"
        # The variants take turns, so that a machine that slows down slows them all.
        for ((start = 0; start < starts; start++)); do
            for variant in plain fast strict; do echo "$variant $("$work/bench-$variant")"; done
        done >"$work/times"
        awk -v net="$net" -v batch="$batch" '
            { if (!($1 in ns) || $2 < ns[$1]) ns[$1] = $2; loss[$1] = $3 }
            function apart(a, b) { return (a > b ? a - b : b - a) > 1e-6 * (b > 1 ? b : 1) || a != a + 0 || b != b + 0 }
            END {
                printf "%-8s %5d %12.1f %12.1f %9.2f %12.1f %9.2f\n", net, batch, ns["plain"], ns["fast"], ns["fast"] / ns["plain"], \
                    ns["strict"], ns["strict"] / ns["plain"]
                if (apart(loss["fast"], loss["plain"]) || apart(loss["strict"], loss["plain"])) {
                    printf "bench: losses differ: plain %s, fast %s, strict %s\n", loss["plain"], loss["fast"], loss["strict"] >"/dev/stderr"
                    exit 1
                }
            }' "$work/times"
    done
}

printf '%-8s %5s %12s %12s %9s %12s %9s\n' net batch "plain ns" "fast ns" "to plain" "strict ns" "to plain"
row tiny 2 2 2 SIGMOID 0.5f 128 1 32
row iris 4 16 3 TANH 0.01f 160 1 16 32
row digits 64 32 10 RELU 0.01f 1792 1 32
row mnist 784 128 10 RELU 0.01f 512 1 32 128
