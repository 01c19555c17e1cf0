# The functions of vectors: in strict arithmetic the bits of the functions of one number, in fast arithmetic within 4 ulp, from each
# compiler, for each vector that this machine has. tests/functions/lanes.c compares them.
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Werror"
fast="-std=c99 -DNNC_FAST=1 -fno-math-errno -fno-trapping-math -fno-signed-zeros" # those of nnc train, but for what may be left out

case $(uname -m) in
x86_64) targets="x86-64-v2:sse4_2:f4,d2 x86-64-v3:fma:f8,d4 x86-64-v4:avx512vl:f16,d8,f8,d4,f4,d2" ;;
aarch64) targets="armv8-a:asimd:f4,d2" ;;
*) echo "SKIPPED: no vectors are known of $(uname -m)" && exit 0 ;;
esac

lanes() { # VECTOR COMPILER OPTION...
    local vector=$1 double=
    shift
    case $vector in d*) double=-DDOUBLES ;; esac
    "$@" $double -DV="$vector" -I"${NNC%/*}/runtime" -I"$SOURCE/runtime" "$SOURCE/tests/functions/lanes.c" -o lanes -lm
    ./lanes || { echo "$vector: $*"; exit 1; }
}

# Vectors that are wider than the machine's compile, too.
case $(uname -m) in
x86_64)
    for vector in f16 d8; do
        type=float
        if [ $vector = d8 ]; then type=double; fi
        echo "#include \"lanes_$vector.h\"" >odd.c
        echo "$type odd(const $type *x) { return nnc_sum_$vector(nnc_load_once_$vector(x)); }" >>odd.c
        for option in -O0 -O1 -mno-fma; do
            ${CC:-cc} $fast -Wno-psabi -march=x86-64-v3 $option -c -I"${NNC%/*}/runtime" -I"$SOURCE/runtime" odd.c -o odd.o
        done
    done
    ;;
esac

for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null; then
        echo "SKIPPED: $compiler is missing: its vectors are not compared"
        continue
    fi
    for target in $targets; do
        IFS=: read -r march feature vectors <<<"$target"
        if ! grep -qw "$feature" /proc/cpuinfo; then
            echo "SKIPPED: this machine is no $march: the vectors $vectors are not compared"
            continue
        fi
        for vector in ${vectors//,/ }; do
            lanes $vector $compiler $strict -O3 -march=$march
            lanes $vector $compiler $fast -O3 -ffp-contract=fast -march=$march
        done
        widest=${vectors%%,*}
        lanes $widest $compiler $strict -O0 -march=$march -DPOINTS=20000
        lanes $widest $compiler $strict -O2 -std=gnu17 -fno-math-errno -fno-trapping-math -march=$march
        lanes $widest $compiler $fast -O2 -march=$march
    done
done
