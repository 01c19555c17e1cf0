# Vectors: with them, strict training has the same bits as without; checkpoints know no target.
cp -r "$SOURCE/examples" .
for model in 03_iris/iris 04_digits/digits 02_xor/xor 05_custom/custom; do
    "$NNC" train "examples/$model.nn" --epochs 3 --math=strict --save plain.st --json | sed 's/,"seconds.*//' >plain
    "$NNC" train "examples/$model.nn" --epochs 3 --math=strict --save vectors.st --target=native --json | sed 's/,"seconds.*//' >vectors
    cmp plain vectors
    cmp plain.st vectors.st
    rm plain.st vectors.st
done

# A checkpoint of one goes on in the other.
"$NNC" train examples/03_iris/iris.nn --epochs 6 --math=strict --save whole.st --quiet
"$NNC" train examples/03_iris/iris.nn --epochs 4 --math=strict --save part.st --target=native --quiet
"$NNC" train examples/03_iris/iris.nn --epochs 6 --math=strict --resume part.st --save part.st --quiet
cmp whole.st part.st
"$NNC" predict examples/03_iris/iris.nn --math=strict --load whole.st --data examples/data/iris.csv >plain
"$NNC" predict examples/03_iris/iris.nn --math=strict --load whole.st --data examples/data/iris.csv --target=native >vectors
cmp plain vectors

# One file, whose first comment compiles it.
"$NNC" compile examples/04_digits/digits.nn --single-file --target=native --math=fast --quiet -o digits.c
command=$(sed -n '1s,^/\* \(.*\) \*/$,\1,p' digits.c)
case $command in cc\ *) ;; *) exit 1 ;; esac
bash -c "$command"
./digits --data examples/04_digits --epochs 2 --json | grep -q '"epoch":2'

status=0
"$NNC" compile examples/02_xor/xor.nn --target=pdp11 2>err || status=$?
[ "$status" = 2 ]
grep -q "there is no target 'pdp11'" err
