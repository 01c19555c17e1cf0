# LeNet learns from a tenth of MNIST, which is in the folder that NNC_MNIST names, or beside the example's model.
mnist=${NNC_MNIST:-$SOURCE/examples/07_lenet/mnist}
if [ ! -e "$mnist/train-images-idx3-ubyte.gz" ]; then
    echo "SKIPPED: $mnist does not hold the files of MNIST (NNC_MNIST may name another folder)"
    exit 0
fi
mkdir mnist
part() { # FILE COUNT BYTES: its first COUNT examples, of so many bytes
    local header=8
    [ "$3" = 1 ] || header=16
    gzip -dc "$mnist/$1" >whole
    {
        head -c 4 whole
        printf "\\0\\0\\$(printf %o $(($2 / 256)))\\$(printf %o $(($2 % 256)))"
        tail -c +9 whole | head -c $((header - 8 + $2 * $3))
    } | gzip >"mnist/$1"
}
part train-images-idx3-ubyte.gz 6000 784
part train-labels-idx1-ubyte.gz 6000 1
part t10k-images-idx3-ubyte.gz 1000 784
part t10k-labels-idx1-ubyte.gz 1000 1
cp "$SOURCE/examples/07_lenet/lenet.nn" .
"$NNC" train lenet.nn --epochs 2 --json >out
cat out
sed -n '$s/.*"test_accuracy":\([^,}]*\).*/\1/p' out | awk '{ exit !($1 >= 0.92) }'
