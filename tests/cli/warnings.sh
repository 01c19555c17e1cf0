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

# A newcomer from a library whose cross-entropy takes scores.
cat >scores.nn <<'MODEL'
input  x[4]
target t[3]
output = x -> dense(5) -> relu -> dense(3)
loss   = cross_entropy(output, t)
MODEL
"$NNC" check scores.nn 2>err
cat >expected <<'END_OF_WARNINGS'
scores.nn:4:1: warning: this takes the logarithm of 'output', a sum of products with parameters, which may be negative; put softmax or sigmoid after it to make probabilities of it
    loss   = cross_entropy(output, t)
    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
END_OF_WARNINGS
diff expected err
sed 's/dense(3)/dense(3) -> softmax/' scores.nn >probabilities.nn
"$NNC" check probabilities.nn 2>err
[ ! -s err ]
