"""What the peers in Python share: the start that ours.c wrote, and measure.c's way of measuring."""
import sys
import time

import numpy

from rows import ROWS

CHECKED_STEPS = 20
LEAST_REPETITIONS, ENOUGH = 5, 0.15  # repetitions and seconds, at least one of these

# Shapes of one example's input and target, where they are no rows of numbers.
SHAPES = {
    "lenet": ((1, 28, 28), (10,)),
    "conv": ((16, 16, 16), (32, 16, 16)),
    "strided": ((16, 16, 16), (32, 8, 8)),
    "lstm": ((28, 28), (10,)),
    "gru": ((28, 28), (10,)),
    "attention": ((64, 128), (64, 128)),
}

row = next(row for row in ROWS if row.name == sys.argv[1])


def start():
    """x[step, example of the batch, ...], t likewise, and the parameters as one array."""
    numbers = numpy.fromfile(sys.argv[2], numpy.float32)
    n, steps = row.examples, row.examples // row.batch
    one, answer = SHAPES.get(row.network, ((row.inputs,), (row.targets,)))
    x, t, parameters = numpy.split(numbers, [n * row.inputs, n * (row.inputs + row.targets)])
    return x.reshape(steps, row.batch, *one), t.reshape(steps, row.batch, *answer), parameters


def measure(restart, train):
    """train(first, n): n steps from number `first` on, and their mean loss."""
    steps = row.examples // row.batch
    restart()
    loss = sum(train(i % steps, 1) for i in range(CHECKED_STEPS)) / CHECKED_STEPS
    train(0, steps)
    taken = []
    while len(taken) < LEAST_REPETITIONS or sum(taken) < ENOUGH:
        restart()
        start = time.process_time()
        train(0, steps)
        taken.append(time.process_time() - start)
    print(f"{min(taken) / row.examples * 1e9:.4f} {loss:.9g}")
