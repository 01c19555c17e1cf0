# Warnings do not refuse a model: exit code 0, each shown once.
cat >model.nn <<'MODEL'
input  x[1, 8, 8]
target t[10]
encoder = dense(8)
output  = x -> conv2d(2) -> dense(10) -> softmax
loss    = cross_entropy(output, t)
MODEL
"$NNC" check model.nn >out 2>err
cat >expected <<'END_OF_WARNINGS'
model.nn:3:11: warning: this layer is never applied to a tensor
    encoder = dense(8)
              ^~~~~~~~
model.nn:5:11: warning: 'cross_entropy' is averaged over leading axes of 'p' (shape [2, 6, 10]) that 't' does not have; is '-> flatten' missing?
    loss    = cross_entropy(output, t)
              ^~~~~~~~~~~~~~~~~~~~~~~~
END_OF_WARNINGS
diff expected err
[ -s out ]
