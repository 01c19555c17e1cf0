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
