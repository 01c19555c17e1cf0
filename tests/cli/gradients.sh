# nnc check --gradients: derivatives that are 0 by symmetry, where differences leave rounding, more of it at smaller steps.
cat >symmetric.nn <<'END'
model zero_by_symmetry
input x[2]

h = x -> dense(3) -> tanh
s[i in 0..4] = mean(j: sigmoid(h[j]))
output = s -> softmax
target t[4]
loss = 0.001 * sum_squares(output - t)
optimizer = sgd(rate = 0.1)
END
for seed in 1 2 3 4 5 6; do "$NNC" check symmetric.nn --gradients --seed $seed | tail -n 1; done | sort | uniq -c | grep -qx ' *6 all derivatives agree'
