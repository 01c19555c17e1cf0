# A library of strict code trains on a Cortex-M4F, emulated and without an operating system, to the same bits as here.
for command in gcc arm-none-eabi-gcc qemu-system-arm; do
    if ! command -v $command >/dev/null; then
        echo "SKIPPED: $command is missing"
        exit 0
    fi
done
driver=$SOURCE/tests/cli/_cortex_m
arm="arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -ffreestanding -std=c99"

# Tables "inputs | targets", a row each.
echo '0.05 0.1 | 0.01 0.99' >step_by_step.table
printf '%s\n' '0 0 | 0' '0 1 | 1' '1 0 | 1' '1 1 | 0' >xor.table
awk -F, '$1 + 0 > 0 && n++ % 4 == 0 { print $1, $2, $3, $4, "|", $5 == "setosa", $5 == "versicolor", $5 == "virginica" }' \
    "$SOURCE/examples/data/iris.csv" >iris.table
[ "$(wc -l <iris.table)" -ge 30 ]
if grep -q '| 0 0 0' iris.table; then exit 1; fi

# The driver's names for the network's types and functions, and the table as their structs.
write_model() { # MODEL DIRECTORY
    local type metrics=
    if grep -q "${1}_metrics" $2/$1.h; then metrics=", NULL"; fi
    echo "#include \"$1.h\""
    for type in parameters state work input target; do echo "typedef $1_$type ${type^};"; done
    echo "#define init $1_init"
    echo "#define train(p, s, w, in, target, n) $1_train(p, s, w, in, target, n$metrics)"
    echo "enum { BATCH = ${1^^}_BATCH };"
    awk 'function row(text) { gsub(/[0-9.]+/, "(float)&", text); gsub(/ +\(/, ", (", text); sub(/^[ ,]+/, "", text); return "    {{" text "}},\n" }
        { split($0, side, "|"); inputs = inputs row(side[1]); targets = targets row(side[2]) }
        END { printf "static const Input inputs[] = {\n%s};\nstatic const Target targets[] = {\n%s};\n", inputs, targets }' $1.table
}

for model in step_by_step xor iris; do
    for unroll in none full; do
        folder=$model.$unroll
        "$NNC" compile "$SOURCE"/examples/*_$model/$model.nn --math=strict --library --unroll=$unroll -o $folder >/dev/null
        sources=$folder/$model.c
        if [ -e $folder/runtime/random.c ]; then sources="$sources $folder/runtime/random.c"; fi
        write_model $model $folder >$folder/model.h

        gcc -std=c99 -O1 -I $folder -I "$driver" $sources "$driver/train.c" "$driver/host.c" -o $folder/host
        $folder/host >$folder/expected
        if [ -e $model.expected ]; then cmp $folder/expected $model.expected; else cp $folder/expected $model.expected; fi
        cat $folder/expected

        for level in -Os -O3; do
            objects=
            for source in $sources; do
                object=$folder/$(basename $source .c)$level.o
                $arm $level -c $source -o $object
                # Nothing but what every freestanding program must have, and the arithmetic of libgcc.
                if arm-none-eabi-nm -u $object | grep -v ' \(memset\|memcpy\|memmove\|__aeabi_[a-z0-9_]*\|nnc_random_uniform\)$'; then exit 1; fi
                objects="$objects $object"
            done
            $arm $level -nostdlib -nostartfiles -T "$driver/board.ld" -I $folder -I "$driver" $objects "$driver/train.c" "$driver/board.c" \
                -lgcc -o $folder/board.elf
            timeout 60 qemu-system-arm -M mps2-an386 -display none -monitor none -serial null -semihosting-config enable=on,target=native \
                -kernel $folder/board.elf >printed 2>&1 || { cat printed; exit 1; }
            diff printed $folder/expected || { echo "$folder $level: other bits"; exit 1; }
        done
    done
done
