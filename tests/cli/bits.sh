# Strict generated code: the same checkpoints and the same JSON lines, to the last bit, from every compiler, at every level of
# optimization, with loops and with straight lines. The runtime is compiled once for each compiler (gcc twice), the network for each shape.
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Wmissing-prototypes -Werror"
# What each of them adds: recurrence both ways, several statements that wait for each other, a border, causal attention, running
# averages, tokens, random numbers, adam.
facts="layer_lstm user_bidirectional user_fast_weights layer_conv2d_pad layer_attention_causal layer_batch_norm layer_embedding
    layer_max_pool_pad optimizer_adamw"
models="step_by_step xor iris digits autoencoder $facts"
cp -r "$SOURCE/examples" .
for fact in $facts; do
    cp -r "$SOURCE/tests/facts/$fact" examples/00_$fact
    mv examples/00_$fact/model.nn examples/00_$fact/$fact.nn
done

for model in $models; do
    for unroll in none auto full; do
        "$NNC" compile examples/*_$model/$model.nn --math=strict --unroll=$unroll -o $model.$unroll >/dev/null
    done
    if cmp -s $model.auto/$model.c $model.full/$model.c; then touch $model.auto/same; fi
done

missing() { # COMMAND WHAT
    ! command -v "$1" >/dev/null && echo "SKIPPED: $1 is missing: $2"
}

# ---- The same bits

# musl's compiler does not look where zlib's header is.
mkdir zlib
if command -v gcc >/dev/null; then
    cp $(echo '#include <zlib.h>' | gcc -xc -M - | grep -o '[^ ]*/z[a-z]*\.h') zlib
    zlib_archive=$(gcc -print-file-name=libz.a)
fi

# build WHERE COMMAND...: the programs MODEL.UNROLL/WHERE
build() {
    local where=$1 model unroll libraries="-lm -lz"
    shift
    if [ "$1" = musl-gcc ]; then libraries="-lm $zlib_archive"; fi
    mkdir $where
    case $where in # another level is no other runtime
    gcc_fast) cp gcc_native/*.o $where ;;
    clang) cp clang_native/*.o $where ;;
    *) for file in digits.none/runtime/*.c; do "$@" -c $file -o $where/$(basename $file .c).o; done ;;
    esac
    for model in $models; do
        for unroll in none auto full; do
            is_wanted $where $model.$unroll || continue
            "$@" $model.$unroll/$model.c $model.$unroll/${model}_main.c $where/*.o -o $model.$unroll/$where $libraries
        done
    done
}

# Straight lines of thousands of multiplications take optimizers half a minute; auto mixes what none and full have.
is_wanted() {
    [ ! -e $2/same ] || return
    case $1:$2 in
    *:autoencoder.full | *_native:iris.full | musl:iris.full | *_native:autoencoder.* | tcc:autoencoder.* | musl:autoencoder.*) return 1 ;;
    musl:*_*.* | gcc_fast:*_*.*) [ $2 = step_by_step.none ] || return 1 ;;
    *:layer_conv2d_pad.full | clang:*_*.* | clang:autoencoder.*) return 1 ;;
    gcc_native:layer_attention* | clang_native:layer_conv2d* | gcc_plain:layer_attention*.full) return 1 ;;
    gcc_plain:* | tcc:*) ;;
    *:*.auto | *:digits.full | *:layer_*.full | *:user_*.full | *:optimizer_*.full) return 1 ;;
    esac
}

# train WHERE: each program; their results must be those of the program that was first
train() {
    local model unroll
    for model in $models; do
        for unroll in none auto full; do
            is_wanted $1 $model.$unroll || continue
            rm -f saved
            (cd examples/*_$model && ../../$model.$unroll/$1 --epochs 5 --json --save ../../saved) |
                sed 's/,"seconds":[^,}]*//' >lines
            [ "$(wc -l <lines)" = 5 ]
            [ -e $model.saved ] || { mv saved $model.saved; mv lines $model.lines; continue; }
            cmp saved $model.saved || { echo "$model.$unroll by $1: other parameters"; exit 1; }
            diff lines $model.lines || { echo "$model.$unroll by $1: other lines"; exit 1; }
        done
    done
}

same_bits() { # WHERE COMMAND...
    if missing $2 "the bits of ${*:2}"; then return; fi
    build "$@"
    train $1
}
same_bits gcc_plain gcc -O0 $strict
same_bits gcc_native gcc -O3 -std=gnu17 -march=native # fuses multiplications and additions where it may
same_bits gcc_fast gcc -O2
same_bits clang_native clang -O3 -march=native
same_bits clang clang -O2
same_bits tcc tcc
same_bits musl musl-gcc -static -O2 -I zlib

# What would change the bits is refused.
if ! missing gcc "wrong flags"; then
    if gcc -ffast-math -fsyntax-only iris.none/iris.c 2>err; then exit 1; fi
    grep -q 'without -ffast-math' err
fi

# ---- No warnings of clang; gcc_plain had gcc's.

if ! missing clang "warnings"; then
    clang $strict -fsyntax-only digits.none/runtime/*.c
    for model in $models; do
        for unroll in none full; do
            [ $model.$unroll = layer_conv2d_pad.full ] || clang $strict -fsyntax-only $model.$unroll/*.c
        done
    done
fi

# The headers are C++, too.
if ! missing g++ "headers as C++"; then
    for model in $models; do
        "$NNC" compile examples/*_$model/$model.nn --library --gradients -o $model.library >/dev/null
        for header in $model.none/$model.h $model.library/$model.h; do
            g++ -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ $header
        done
    done
fi
