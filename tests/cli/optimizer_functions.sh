# A function in an optimizer may have a body of statements, and a scan: it is the same as its formula, in the interpreter and in C.
cat >rest.nn <<'END'
input  x[2]
target t[1]
y         = x -> dense(3, W = [[0.1, 0.2], [0.3, -0.1], [0.2, 0.5]]) -> tanh -> dense(1, W = [[0.5, -0.3, 0.1]])
loss      = mean_squared_error(y, t)
optimizer = careful(0.1)
data train {
    x = [[0, 1], [1, 0], [-1, 0.5]]
    t = [[0.3], [0.1], [0.9]]
}
train {
    epochs    = 10
    batch     = 3
    shuffle   = false
    precision = double
}
END
cat - rest.nn >formula.nn <<'END'
optimizer careful(rate) {
    w = w - rate * (g / (1 + g * g) + (1 + g / 2 + g^2 / 4 + g^3 / 8))
}
END
cat - rest.nn >body.nn <<'END'
function shrunk(v) -> y {
    a = v * v
    y = v / (1 + a)
}
function powers(v) -> y {
    scan k in 0..3 { p[k] = (p[k-1] default 1) * v / 2 }
    y = 1 + sum(k: p[k])
}
optimizer careful(rate) {
    w = w - rate * (shrunk(g) + powers(g))
}
END
for model in formula body; do
    "$NNC" run $model.nn --json | grep -o '"loss": *[0-9.]\{12\}' >$model.run
    "$NNC" train $model.nn --math=strict --json | grep -o '"loss": *[0-9.]\{12\}' >$model.train
done
cmp formula.run body.run
cmp formula.train body.train

# A sum that grows in rows reads what it is to overwrite: the row stands elsewhere (80 is more than an array in registers).
{
    cat <<'END'
optimizer remembering(rate) {
    state v = 0
    v = 0.5 * mean(i in 0..2: max(i, v)) + g
    w = w - rate * v
}
END
    sed 's/x\[2\]/x[80]/; s/^y .*/y = x -> dense(1)/; s/careful(0.1)/remembering(0.01)/; s/x = \[\[.*/x = npy("x.npy")/' rest.nn
} >rows.nn
{ printf '\x93NUMPY\1\0\x76\0%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 80), }"; head -c 240 /dev/zero | tr '\0' '\1'; } >x.npy
"$NNC" run rows.nn --json | grep '"epoch"' | grep -o '"loss": *[0-9.]\{12\}' | tr -d ' ' >rows.run
"$NNC" train rows.nn --math=strict --target=portable --json | grep -o '"loss": *[0-9.]\{12\}' | tr -d ' ' >rows.train
[ "$(wc -l <rows.run)" = 10 ]
cmp rows.run rows.train
