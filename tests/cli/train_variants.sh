# nnc train: batches of any size, no epochs, double precision; and MNIST, if NNC_MNIST names the folder with its files.
cat >model.nn <<'MODEL'
input x[2]
target t[2]
output = x -> dense(2) -> softmax
loss = cross_entropy(output, t)
optimizer = sgd(rate = 0.1)
data train {
    x = csv("d.csv", columns = 0..2)
    t = csv("d.csv", column = 2) -> one_hot
}
train {
    epochs = 3
    batch = 2
}
MODEL

printf '1,2,0\n3,4,1\n5,6,0\n' >d.csv

# ---- Batches, epochs, precision

"$NNC" train model.nn --batch 1 --quiet
"$NNC" train model.nn --batch 1000 --quiet
"$NNC" train model.nn --epochs 0 --save zero.st >out
[ ! -s out ] || ! grep -q epoch out
"$NNC" train model.nn --load zero.st --quiet
sed 's/^train {/train {\n    precision = double/' model.nn >double.nn
"$NNC" train double.nn --json >out
[ "$(wc -l <out)" = 3 ]

# ---- MNIST, where it is

if [ -z "${NNC_MNIST-}" ] || [ ! -e "$NNC_MNIST/train-images-idx3-ubyte.gz" ]; then
    echo "SKIPPED: NNC_MNIST is not a folder with the files of MNIST"
    exit 0
fi
cat >mnist.nn <<MODEL
input x[784]
target t[10]
output = x -> dense(128) -> relu -> dense(10) -> softmax
loss = cross_entropy(output, t)
optimizer = sgd(rate = 0.3)
metric = accuracy(output, t)
data train {
    x = idx("$NNC_MNIST/train-images-idx3-ubyte.gz") / 255
    t = idx("$NNC_MNIST/train-labels-idx1-ubyte.gz") -> one_hot
}
data test {
    x = idx("$NNC_MNIST/t10k-images-idx3-ubyte.gz") / 255
    t = idx("$NNC_MNIST/t10k-labels-idx1-ubyte.gz") -> one_hot
}
train {
    epochs = 5
    batch = 64
    seed = 1
}
MODEL
"$NNC" train mnist.nn --json | sed -n '$s/.*"test_accuracy":\([^,}]*\).*/\1/p' | awk '{ exit !($1 >= 0.972) }'
