# nnc run: one network, its data in every format, plain and packed: the same losses.
model() { # X T
    cat <<MODEL
input x[2]
target t[1]
output = x -> dense(3) -> tanh -> dense(1) -> sigmoid
loss = mean_squared_error(output, t)
optimizer = sgd(rate = 0.5)
data train {
    x = $1
    t = $2
}
train {
    epochs = 2
    batch = 3
}
MODEL
}

x='\0\0\0\1\1\0\1\1'
t='\0\1\1\0'
npy() { # SHAPE ORDER: the header in 118 bytes
    printf '\x93NUMPY\1\0\x76\0%-117s\n' "{'descr': '|u1', 'fortran_order': $2, 'shape': $1, }"
}
mkdir data
printf '\0\0\10\2\0\0\0\4\0\0\0\2%b' "$x" >data/x.idx
printf '\0\0\10\1\0\0\0\4%b' "$t" >data/t.idx
{ npy '(4, 2)' False; printf "$x"; } >data/x.npy
{ npy '(2, 2, 2)' True; printf '\0\0\0\0'; } >data/zeros.npy
{ npy '(4, 2)' True; printf '\0\0\1\1\0\1\0\1'; } >data/x_fortran.npy
{ npy '(4,)' False; printf "$t"; } >data/t.npy
printf 'head\0\0\0\0\1\1\1\0\1\1\1\0' >data/rows.bin # x1 x2 t, four times
printf 'a,b,t\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n' >data/rows.csv
gzip -k data/*.idx data/*.bin data/*.csv

model '[[0, 0], [0, 1], [1, 0], [1, 1]]' '[[0], [1], [1], [0]]' >list.nn
"$NNC" run list.nn >expected
compare() { # X T
    model "$1" "$2" >model.nn
    "$NNC" run model.nn | cmp - expected
}
compare 'idx("data/x.idx")' 'idx("data/t.idx")'
compare 'idx("data/x.idx.gz")' 'npy("data/t.npy")'
compare 'npy("data/x.npy")' 'idx("data/t.idx.gz")'
compare 'npy("data/x_fortran.npy") * 2 / 2' '1 - (1 - npy("data/t.npy"))'
for packed in '' .gz; do
    compare "bytes(\"data/rows.bin$packed\", window = 2, offset = 4, stride = 3)" "bytes(\"data/rows.bin$packed\", window = 1, offset = 6, stride = 3)"
    compare "csv(\"data/rows.csv$packed\", columns = 0..2)" "csv(\"data/rows.csv$packed\", column = \"t\")"
done

# Several files, one behind the other, each with its own header; the second may be packed where the first is not.
for rows in '1 3' '3 1'; do # of each of the two files
    set -- $rows
    printf '\0\0\10\2\0\0\0\'$1'\0\0\0\2%b' "${x:0:$((4 * $1))}" >data/x1.idx
    printf '\0\0\10\2\0\0\0\'$2'\0\0\0\2%b' "${x:$((4 * $1))}" >data/x2.idx
    { npy "($1, 1)" False; printf "${t:0:$((2 * $1))}"; } >data/t1.npy
    { npy "($2, 1)" True; printf "${t:$((2 * $1))}"; } >data/t2.npy
    head -n $(($1 + 1)) data/rows.csv >data/1.csv
    { head -n 1 data/rows.csv; tail -n $2 data/rows.csv; } >data/2.csv
    head -c $((4 + 3 * $1)) data/rows.bin >data/1.bin
    { printf 'head'; tail -c $((3 * $2)) data/rows.bin; } >data/2.bin
    gzip -kf data/x2.idx data/2.csv data/2.bin
    compare 'idx("data/x1.idx", "data/x2.idx")' 'npy("data/t1.npy", "data/t2.npy")'
    compare 'idx("data/x1.idx", "data/x2.idx.gz")' 'csv("data/1.csv", "data/2.csv", column = 2)'
    compare 'csv("data/1.csv", "data/2.csv.gz", columns = 0..2)' 'csv("data/1.csv", "data/2.csv.gz", column = "t")'
    compare 'bytes("data/1.bin", "data/2.bin.gz", window = 2, offset = 4, stride = 3)' \
        'bytes("data/1.bin", "data/2.bin.gz", window = 1, offset = 6, stride = 3)'
done

# What is wrong is said with the place in the model, and that of the other half.
refused() { # X T < MESSAGES
    local status=0
    model "$1" "$2" >model.nn
    "$NNC" run model.nn >out 2>err || status=$?
    [ $status = 1 ]
    [ ! -s out ]
    diff - err
}
printf '\0\0\10\1\0\0\0\3\0\1\1' >data/three.idx
refused 'npy("data/x.npy")' 'idx("data/three.idx")' <<'END'
model.nn:8:9: error: data/three.idx: 't' has 3 examples, but 'x' has 4
        t = idx("data/three.idx")
            ^~~~~~~~~~~~~~~~~~~~~
model.nn:7:9: note: 'x' comes from here
        x = npy("data/x.npy")
            ^~~~~~~~~~~~~~~~~
END
refused 'npy("data/x.npy")' 'idx("data/x.idx")' <<'END'
model.nn:8:9: error: data/x.idx: it gives 2 numbers for each example, but 't' has 1 element
        t = idx("data/x.idx")
            ^~~~~~~~~~~~~~~~~
model.nn:2:8: note: 't' is declared here
    target t[1]
           ^
END
refused 'npy("data/zeros.npy")' 'npy("data/t.npy")' <<'END'
model.nn:7:9: error: data/zeros.npy: its header promises 8 elements of 1 byte, 8 bytes, but behind it are 4: the file is truncated
        x = npy("data/zeros.npy")
            ^~~~~~~~~~~~~~~~~~~~~
END
refused 'npy("data/none.npy")' 'npy("data/t.npy")' <<'END'
model.nn:7:9: error: data/none.npy: it cannot be opened: No such file or directory
        x = npy("data/none.npy")
            ^~~~~~~~~~~~~~~~~~~~
END
printf '\0\0\10\3\0\0\0\1\0\0\0\1\0\0\0\2\0\1' >data/deep.idx
refused 'idx("data/x.idx", "data/deep.idx")' 'idx("data/t.idx")' <<'END'
model.nn:7:9: error: data/deep.idx: its examples are of shape [1, 2], but those of data/x.idx are of shape [2]
        x = idx("data/x.idx", "data/deep.idx")
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
END
refused 'idx("data/x.idx", "data/none.idx")' 'idx("data/t.idx")' <<'END'
model.nn:7:9: error: data/none.idx: it cannot be opened: No such file or directory
        x = idx("data/x.idx", "data/none.idx")
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
END
refused 'idx("data/x.idx", "data/x.idx")' 'idx("data/t.idx", "data/three.idx")' <<'END'
model.nn:8:9: error: data/t.idx: 't' has 7 examples in 2 files, but 'x' has 8
        t = idx("data/t.idx", "data/three.idx")
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
model.nn:7:9: note: 'x' comes from here
        x = idx("data/x.idx", "data/x.idx")
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
END
printf 'a,c,t\n1,1,0\n' >data/other.csv
refused 'csv("data/rows.csv", "data/other.csv", columns = 0..2)' 'idx("data/t.idx")' <<'END'
model.nn:7:9: error: data/other.csv:1:3: here is 'c', but the header of data/rows.csv has 'b'
        x = csv("data/rows.csv", "data/other.csv", columns = 0..2)
            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
END
refused '1 / npy("data/x.npy")' 'npy("data/t.npy")' <<'END'
model.nn:7:9: error: data/x.npy: example 0, number 0: inf is not a number to train with
        x = 1 / npy("data/x.npy")
            ^~~~~~~~~~~~~~~~~~~~~
END
