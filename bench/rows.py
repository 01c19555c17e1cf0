"""What is measured: a row for each network and batch size."""
from dataclasses import dataclass

STEP = 3 * 512 * 1024  # bytes of examples to go round in, if a few batches do not take more: what a second-level cache does not hold


@dataclass(frozen=True)
class Row:
    network: str  # NETWORK.nn
    batch: int
    inputs: int  # numbers of one example
    targets: int
    multiply_adds: int  # of one example's training step, in products of tensors, without borders: what no program can do without
    loss: str  # as the standard library calls it
    layers: tuple = ()  # sizes, of a network of dense layers
    activation: str = ""
    rate: float = 0.01
    adam: bool = False

    @property
    def name(self):
        return f"{self.network} b{self.batch}"

    @property
    def examples(self):
        fit = STEP // (4 * (self.inputs + self.targets) * self.batch)
        return self.batch * max(2, min(512 // self.batch, fit))


def dense(network, batches, layers, activation="RELU", **more):
    """Forward and gradient of the parameters; gradient of what a layer reads, but for the first."""
    products = [3 * a * b for a, b in zip(layers, layers[1:])]
    count = sum(products) - layers[0] * layers[1]
    loss = "half_squared_error" if activation == "SIGMOID" else "cross_entropy"
    return [Row(network, b, layers[0], layers[-1], count, loss, layers, activation, **more) for b in batches]


def other(network, batches, inputs, targets, multiply_adds, loss="mean_squared_error"):
    return [Row(network, b, inputs, targets, multiply_adds, loss) for b in batches]


def recurrent(gates):
    """28 steps of 28 numbers into 64 units, which at the first step are 0."""
    return 28 * 28 * gates * 64 * 2 + 27 * 64 * gates * 64 * 3 + 64 * 10 * 3


LENET = 2 * 6 * 134**2 + 3 * (16 * 6 * 25 * 10**2 + 400 * 120 + 120 * 84 + 84 * 10)  # 134: 28 rows by 5, less the border's

ROWS = [
    *dense("tiny", [1], (2, 2, 2), "SIGMOID", rate=0.5),
    *dense("iris", [1, 16], (4, 16, 3), "TANH"),
    *dense("digits", [1, 32], (64, 32, 10)),
    *dense("odd", [24], (37, 113, 29)),
    *dense("mnist", [1, 32, 64, 128], (784, 128, 10)),
    *dense("big", [64, 128], (784, 512, 512, 10)),
    *dense("big_adam", [128], (784, 512, 512, 10), rate=0.001, adam=True),
    *other("lenet", [1, 32], 28 * 28, 10, LENET, "cross_entropy"),
    *other("conv", [32], 16 * 16 * 16, 32 * 16 * 16, 3 * 16 * 32 * 46**2),
    *other("strided", [32], 16 * 16 * 16, 32 * 8 * 8, 3 * 16 * 32 * 21**2),
    *other("lstm", [32], 28 * 28, 10, recurrent(4), "cross_entropy"),
    *other("gru", [32], 28 * 28, 10, recurrent(3), "cross_entropy"),
    *other("experts", [64], 128, 64, 2 * 4 * 128 * (64 + 1) + 2 * 4 * 64),
    *other("attention", [16], 64 * 128, 64 * 128, (2 * 3 + 3) * 64 * 128**2 + 3 * 2 * 64**2 * 128),
]
