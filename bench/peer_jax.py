#!/usr/bin/env python3
"""JAX: all steps of a pass are one compiled function, except where a step by itself is faster."""
import jax
import jax.numpy as jnp
from jax import lax

from peer import measure, row, start

LOOP_OUTSIDE = ("lenet", "conv", "strided")  # XLA has a slower convolution inside loops
SAME = ("NCHW", "OIHW", "NCHW")


def dense(x, W, b):
    return x @ W.T + b


def conv(x, W, b, pad, stride=1, dilation=1):
    window = {"window_strides": (stride,) * 2, "padding": [(pad, pad)] * 2, "rhs_dilation": (dilation,) * 2}
    return lax.conv_general_dilated(x, W, dimension_numbers=SAME, **window) + b[:, None, None]


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def mlp(p, x):
    activation = {"RELU": jax.nn.relu, "TANH": jnp.tanh, "SIGMOID": jax.nn.sigmoid}[row.activation]
    for i in range(0, len(p), 2):
        x = dense(x, p[i], p[i + 1])
        if i + 2 < len(p) or row.activation == "SIGMOID":
            x = activation(x)
    return x


def lenet(p, x):
    x = max_pool(jax.nn.relu(conv(x, p[0], p[1], 2)))
    x = max_pool(jax.nn.relu(conv(x, p[2], p[3], 0))).reshape(len(x), -1)
    x = jax.nn.relu(dense(x, p[4], p[5]))
    return dense(jax.nn.relu(dense(x, p[6], p[7])), p[8], p[9])


def lstm(p, x):
    W, U, b, V, c = p
    a = (x @ W.reshape(256, 28).T + b.reshape(256)).swapaxes(0, 1)

    def step(carry, a):
        h, cell = carry
        i, f, g, o = jnp.split(a + h @ U.reshape(256, 64).T, 4, -1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(cell), cell), None

    zero = jnp.zeros((len(x), 64))
    (h, _), _ = lax.scan(step, (zero, zero), a)
    return dense(h, V, c)


def gru(p, x):
    W, U, b, d, V, c = p
    a = (x @ W.reshape(192, 28).T + b.reshape(192)).swapaxes(0, 1)

    def step(h, a):
        (r, z, n), (ur, uz, un) = jnp.split(a, 3, -1), jnp.split(h @ U.reshape(192, 64).T, 3, -1)
        r, z = jax.nn.sigmoid(r + ur), jax.nn.sigmoid(z + uz)
        return (1 - z) * jnp.tanh(n + r * (un + d)) + z * h, None

    h, _ = lax.scan(step, jnp.zeros((len(x), 64)), a)
    return dense(h, V, c)


def experts(p, x):
    G, W, b = p
    y = jnp.tanh(x @ W.reshape(256, 128).T + b.reshape(256)).reshape(-1, 4, 64)
    return (jax.nn.softmax(x @ G.T)[..., None] * y).sum(-2)


def attention(p, x):
    Q, K, V, O = (w.reshape(128, 128) for w in p)
    q, k, v = ((x @ w.T).reshape(-1, 64, 4, 32).swapaxes(1, 2) for w in (Q, K, V))
    s = jax.nn.softmax(q @ k.swapaxes(-1, -2) / 32**0.5)
    return (s @ v).swapaxes(1, 2).reshape(-1, 64, 128) @ O.T


# Shapes of the parameters in the order of the .nn file, and the network.
NETWORKS = {
    "lenet": ([(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)], lenet),
    "conv": ([(16, 16, 16), (32, 16, 3, 3), (32,)], lambda p, x: conv(p[0] * x, p[1], p[2], 1)),
    "strided": ([(16, 16, 16), (32, 16, 3, 3), (32,)], lambda p, x: conv(p[0] * x, p[1], p[2], 3, 2, 3)),
    "lstm": ([(4, 64, 28), (4, 64, 64), (4, 64), (10, 64), (10,)], lstm),
    "gru": ([(3, 64, 28), (3, 64, 64), (3, 64), (64,), (10, 64), (10,)], gru),
    "experts": ([(4, 128), (4, 64, 128), (4, 64)], experts),
    "attention": ([(4, 32, 128)] * 3 + [(128, 4, 32)], attention),
}
MLP = [shape for n, units in zip(row.layers, row.layers[1:]) for shape in ((units, n), (units,))]
shapes, network = NETWORKS.get(row.network, (MLP, mlp))


def loss_of(p, x, t):
    y = network(p, x)
    if row.loss == "cross_entropy":
        return -(t * jax.nn.log_softmax(y)).sum(-1).mean()
    if row.loss == "half_squared_error":
        return 0.5 * ((y - t) ** 2).sum(-1).mean()
    return ((y - t) ** 2).mean()


def update(state, g):
    p, m, v, step = state
    if not row.adam:
        return jax.tree.map(lambda w, g: w - row.rate * g, p, g), m, v, step
    step += 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = -jnp.expm1(step * jnp.log(0.9)), -jnp.expm1(step * jnp.log(0.999))
    return jax.tree.map(lambda w, m, v: w - row.rate * (m / a) / (jnp.sqrt(v / b) + 1e-8), p, m, v), m, v, step


def step(state, example):
    loss, g = jax.value_and_grad(loss_of)(state[0], *example)
    return update(state, g), loss


scan = jax.jit(lambda state, x, t: lax.scan(step, state, (x, t)))
one = jax.jit(step)


x, t, numbers = start()
x, t = jnp.asarray(x), jnp.asarray(t)
batches = list(zip(x, t)) if row.network in LOOP_OUTSIDE else None
state = None


def restart():
    global state
    at, p = 0, []
    for shape in shapes:
        count = int(jnp.prod(jnp.array(shape)))
        p.append(jnp.asarray(numbers[at : at + count].reshape(shape)))
        at += count
    assert at == len(numbers)
    zero = jax.tree.map(jnp.zeros_like, p) if row.adam else []
    state = (p, zero, zero, 0.0)


def train(first, n):
    global state
    if batches is None:
        part = (x, t) if n == len(x) else (x[first : first + n], t[first : first + n])
        state, losses = scan(state, *part)
        return float(losses.mean())
    losses = []
    for batch in batches[first : first + n]:
        state, loss = one(state, batch)
        losses.append(loss)
    return sum(map(float, losses)) / n


measure(restart, train)
