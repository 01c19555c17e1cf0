#!/usr/bin/env python3
"""Reference facts: small .nn models, and what PyTorch makes of them in 20 training steps.

    python3 make.py              writes every fact
    python3 make.py layer_ xor   writes those whose name contains one of the words

Needs torch and nothing else. A fact is one call of fact() below: the text of the model, the shapes of its
parameters and the same network in PyTorch, which supplies forward pass, gradients and update in double precision.
"""
import json, math, struct, sys, textwrap, warnings, zlib
from pathlib import Path
import torch
from torch import nn
import torch.nn.functional as F

HERE = Path(__file__).parent
STEPS = 20
LARGE = 5000            # a larger tensor starts from float32 numbers, and only each 17th element is expected
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
warnings.filterwarnings("ignore", message=".*lr_scheduler.*")


# ---- Files

def write_tensors(path, tensors):
    """safetensors: the length of a JSON header, the header, the numbers"""
    header, body = {}, b""
    for name, (kind, value) in tensors.items():
        numbers = value.detach().flatten().tolist()
        raw = struct.pack("<%d%s" % (len(numbers), {"F64": "d", "F32": "f"}[kind]), *numbers)
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def literal(value, indent):
    """a nested list as .nn writes it, one example a line, or all on one where examples are single numbers"""
    def show(v):
        return "[" + ", ".join(map(show, v)) + "]" if isinstance(v, list) else "%g" % v
    return "[" + (",\n" + " " * indent if value.dim() > 1 else ", ").join(map(show, value.tolist())) + "]"


def write_data(folder, data):
    """the lines of the data block: literals, or columns of data.csv where there are many numbers"""
    if sum(v.numel() for v in data.values()) <= 150:
        return ["    %s = %s" % (n, literal(v, 8 + len(n))) for n, v in data.items()]
    lines, columns, first = [], [], 0
    for name, value in data.items():
        flat = value.reshape(len(value), -1).double()
        whole = bool((flat == flat.round()).all())
        columns.append((flat if whole else flat * 16).round().long())
        last = first + flat.shape[1]
        lines.append('    %s = csv("data.csv", columns = %d..%d)%s' % (name, first, last, "" if whole else " / 16"))
        first = last
    rows = torch.cat(columns, 1).tolist()
    (folder / "data.csv").write_text("".join(",".join(map(str, r)) + "\n" for r in rows))
    return lines


# ---- A fact

def start(path, shape):
    """an initial value: about 1 / sqrt(inputs) for weights, about 1 for gains and variances, small for biases"""
    if isinstance(shape, torch.Tensor):
        return shape
    r = torch.randn(shape)
    if path.endswith("gain"):
        r = 1 + 0.2 * r
    elif path.endswith("variance"):
        r = 0.5 + torch.rand(shape)
    elif len(shape) > 1:
        r = r / math.sqrt(r.numel() / shape[0])
    else:
        r = 0.3 * r
    return r.float().double() if r.numel() > LARGE else r


def is_running(path):
    """a running average: the forward pass changes it, and no gradient"""
    return path.endswith((".average", ".variance", ".running"))


def train(initial, frozen, forward, loss, data, optimizer, rate, batch, clip_norm):
    """20 steps; the loss before each, the loss after the last, and the parameters"""
    p = {k: v.clone().requires_grad_(not is_running(k)) for k, v in initial.items()}
    trained = [v for k, v in p.items() if k not in frozen and not is_running(k)]
    o = optimizer(trained)
    rows = len(next(iter(data.values())))
    batches = math.ceil(rows / batch)
    losses = []
    for step in range(1, STEPS + 2):
        epoch, first = (step - 1) // batches, (step - 1) % batches * batch
        d = {k: v[first:first + batch] for k, v in data.items()}
        o.zero_grad()
        value = loss(p, forward(p, *[v for k, v in d.items() if k[0] != "t"]), d.get("t"))
        losses.append(value)
        if step <= STEPS:
            value.backward()
            if clip_norm:
                nn.utils.clip_grad_norm_(trained, clip_norm)
            if rate:
                o.param_groups[0]["lr"] = rate(step, epoch)
            o.step()
            final = {k: v.detach().clone() for k, v in p.items()}
    return final, torch.stack(losses).detach()


def mse(p, y, t):
    return F.mse_loss(y, t)


def sgd(rate):
    return lambda w: torch.optim.SGD(w, rate)


def fact(name, text, parameters, forward, data, loss=mse, optimizer=None, *, sgd_rate=0.1, rate=None, rows=8, batch=4, frozen=(), lines=None,
         index={}, clip_norm=None):
    """
    text        the model without its name, its inputs, its data; loss and optimizer may be left to their defaults
    parameters  path -> shape, or initial value
    forward     forward(p, x, ...) -> output
    data        name -> shape of one example, or the values; names that begin with t are targets
    loss        loss(p, output, t) -> the loss of a batch
    optimizer   optimizer(parameters) -> one of torch's; without it sgd(rate = sgd_rate), and the text need not say so
    rate        rate(step, epoch) -> the rate of learning, if it changes
    lines       the lines of the data block, for a data.csv that is there already
    index       name -> K for data of whole numbers in 0..K, which are a tensor of type index
    clip_norm   the limit for the norm of all gradients, if there is one
    """
    if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
        return
    torch.manual_seed(zlib.crc32(name.encode()))
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    data = {k: v if isinstance(v, torch.Tensor) else torch.randint(index[k], (rows, *v)) if k in index
            else torch.randint(-32, 33, (rows, *v)) / 16 for k, v in data.items()}
    initial = {k: start(k, v) for k, v in parameters.items()}

    model = ["model " + name.removeprefix("model_"), ""]
    for k, v in data.items():
        axes = "[%s]" % ", ".join(map(str, v.shape[1:])) if v.dim() > 1 else ""
        model += [("target " if k[0] == "t" else "input  ") + k + axes + (" : index(%d)" % index[k] if k in index else "")]
    text = textwrap.dedent(text).strip("\n ")
    model += ["", text]
    if loss is mse and "\nloss " not in text:
        model += ["", "loss      = mean_squared_error(output, t)"]
    if not optimizer:
        model += ["optimizer = sgd(rate = %g)" % sgd_rate]
    model += ["", "data train {", *(lines or write_data(folder, data)), "}", ""]
    settings = {"epochs": "1000", "batch": batch, **({"clip_norm": "%g" % clip_norm} if clip_norm else {}), "shuffle": "false", "seed": 1}
    model += ["train {", *("    %-*s = %s" % (max(map(len, settings)), k, v) for k, v in settings.items()), "}"]
    (folder / "model.nn").write_text("\n".join(model) + "\n")

    setting = frozen, forward, loss, data, optimizer or sgd(sgd_rate), rate, batch, clip_norm
    final, losses = train(initial, *setting)
    check(name, initial, final, losses, setting)
    write_tensors(folder / "initial.safetensors", {k: ("F32" if v.numel() > LARGE else "F64", v) for k, v in initial.items()})
    expected = {k + "/17" if v.numel() > LARGE else k: v.flatten()[::17] if v.numel() > LARGE else v for k, v in final.items()}
    write_tensors(folder / "expected.safetensors", {k: ("F64", v) for k, v in {**expected, "loss": losses}.items()})
    print("%-28s loss %.6f -> %.6f" % (name, losses[0], losses[-1]))


def check(name, initial, final, losses, setting):
    """a fact is worth nothing if it does not move, or if it magnifies the last bits of its arithmetic"""
    assert losses.isfinite().all() and losses.abs().max() < 100, name
    for k in initial:
        assert (k in setting[0]) == bool((initial[k] == final[k]).all()), (name, k)
    near, _ = train({k: v + 1e-12 * torch.randn(v.shape) for k, v in initial.items()}, *setting)
    for k in initial:
        assert (near[k] - final[k]).abs().max() < 1e-10, (name, k, (near[k] - final[k]).abs().max())


# ---- Words for what follows

def weights(path, *shape):
    """W and b of a dense layer or a convolution"""
    return {path + ".W": shape, path + ".b": (shape[0],)}


def dense(p, path, x):
    return F.linear(x, p[path + ".W"], p[path + ".b"])


def after(path, f):
    """a network that begins x -> dense -> tanh; f(p, h) is the rest"""
    return lambda p, x: f(p, dense(p, path, x).tanh())


def two(layer, first="hidden", second="output", between=torch.tanh):
    """the same layer(p, path, x) twice, with parameters of its own"""
    return lambda p, x: layer(p, second, between(layer(p, first, x)))


def sequence_conv(p, path, x, **options):
    """conv1d on [batch, T, n] with W[filters, kernel, n]"""
    return F.conv1d(x.transpose(1, 2), p[path + ".W"].permute(0, 2, 1), p[path + ".b"], **options).transpose(1, 2)


def classes(rows, n):
    """a random class for each example"""
    return F.one_hot(torch.arange(rows) * 7 % n if n > 2 else torch.arange(rows) % n, n).double()


def softmax_cross_entropy(p, y, t):
    """F.cross_entropy of unnormalised y, averaged over all axes but the last"""
    return F.cross_entropy(y.flatten(0, -2), t.flatten(0, -2))


class Written(torch.optim.Optimizer):
    """an optimizer that torch has not: update(w, g, state, rate)"""
    def __init__(self, w, rate, update):
        super().__init__(w, {"lr": rate})
        self.update = update

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                self.update(w, w.grad, self.state[w], group["lr"])


def torch_schedule(kind, rate, **options):
    """the rates that one of torch's schedulers gives at 0, 1, 2, ..."""
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], rate)
    s = kind(o, **options)
    rates = []
    for _ in range(STEPS + 2):
        rates.append(o.param_groups[0]["lr"])
        s.step()
    return rates


# ---- Activations: x -> dense -> f -> dense

def activation(name, f, call=None, scale=1.0, sgd_rate=0.1):
    torch.manual_seed(zlib.crc32(name.encode()))
    fact("activation_" + name, """
        hidden = x      -> dense(6) -> %s
        output = hidden -> dense(2)
        """ % (call or name),
        {**weights("hidden", 6, 4), "hidden.W": scale * torch.randn(6, 4), **weights("output", 2, 6)},
        lambda p, x: dense(p, "output", f(dense(p, "hidden", x))), {"x": (4,), "t": (2,)}, sgd_rate=sgd_rate)

activation("relu", F.relu)
activation("leaky_relu", F.leaky_relu)
activation("leaky_relu_slope", lambda a: F.leaky_relu(a, 0.2), "leaky_relu(slope = 0.2)")
activation("elu", F.elu)
activation("elu_alpha", lambda a: F.elu(a, 0.5), "elu(0.5)")
activation("selu", F.selu, sgd_rate=0.02)
activation("gelu", F.gelu)
activation("silu", F.silu)
activation("mish", F.mish)
activation("softsign", F.softsign)
activation("hard_sigmoid", lambda a: F.relu6(a + 3) / 6)      # F.hardsigmoid computes with a float32 1 / 6
activation("sigmoid", torch.sigmoid)
activation("tanh", torch.tanh)
activation("softplus", F.softplus, sgd_rate=0.02)
activation("softmax", lambda a: F.softmax(a, -1))
activation("log_softmax", lambda a: F.log_softmax(a, -1), sgd_rate=0.02)
activation("sin", torch.sin)
activation("cos", torch.cos)
activation("erf", torch.erf)
activation("exp", torch.exp, scale=0.3, sgd_rate=0.05)
activation("cosh", torch.cosh, scale=0.3, sgd_rate=0.05)
activation("abs", torch.abs, sgd_rate=0.02)


# ---- Shapes: each between two trained layers

fact("shape_flatten", "output = x -> dense(4) -> tanh -> flatten -> dense(2)",
     {**weights("output.dense", 4, 3), **weights("output.dense_2", 2, 20)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh().flatten(1)), {"x": (5, 3), "t": (2,)})
fact("shape_reshape", "output = x -> dense(12) -> tanh -> reshape(3, 4) -> dense(2)",
     {**weights("output.dense", 12, 5), **weights("output.dense_2", 2, 4)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh().reshape(-1, 3, 4)), {"x": (5,), "t": (3, 2)})
fact("shape_transpose", "output = x -> dense(4) -> tanh -> transpose -> dense(2)",
     {**weights("output.dense", 4, 3), **weights("output.dense_2", 2, 5)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh().mT), {"x": (5, 3), "t": (4, 2)})
fact("shape_slice", "output = x -> dense(8) -> tanh -> slice(2, 7) -> dense(2)",
     {**weights("output.dense", 8, 4), **weights("output.dense_2", 2, 5)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()[:, 2:7]), {"x": (4,), "t": (2,)})
fact("shape_concat", """
     output = concat(x -> dense(3) -> tanh, z -> dense(4) -> sigmoid) -> dense(2)
     """, {**weights("output.dense", 3, 4), **weights("output.dense_2", 4, 5), **weights("output.dense_3", 2, 7)},
     lambda p, x, z: dense(p, "output.dense_3", torch.cat([dense(p, "output.dense", x).tanh(), dense(p, "output.dense_2", z).sigmoid()], 1)),
     {"x": (4,), "z": (5,), "t": (2,)})
fact("shape_concat_channels", """
     a      = x -> conv2d(2, kernel = 2) -> tanh
     b      = x -> conv2d(3, kernel = 2) -> sigmoid
     output = concat_channels(a, b) -> flatten -> dense(2)
     """, {**weights("a", 2, 1, 2, 2), **weights("b", 3, 1, 2, 2), **weights("output", 2, 30)},
     lambda p, x: dense(p, "output", torch.cat([F.conv2d(x, p["a.W"], p["a.b"]).tanh(), F.conv2d(x, p["b.W"], p["b.b"]).sigmoid()], 1).flatten(1)),
     {"x": (1, 4, 3), "t": (2,)})
fact("shape_reverse", """
     hidden = x -> dense(4) -> tanh -> reverse
     output = hidden -> flatten -> dense(2)
     """, {**weights("hidden", 4, 3), **weights("output", 2, 20)},
     lambda p, x: dense(p, "output", dense(p, "hidden", x).tanh().flip(1).flatten(1)), {"x": (5, 3), "t": (2,)})
fact("shape_last_step", """
     hidden = x -> conv1d(4) -> tanh
     output = hidden -> last_step -> dense(2)
     """, {**weights("hidden", 4, 3, 3), **weights("output", 2, 4)},
     lambda p, x: dense(p, "output", sequence_conv(p, "hidden", x).tanh()[:, -1]), {"x": (5, 3), "t": (2,)})
fact("shape_upsample", """
     hidden = x -> conv2d(2, kernel = 2) -> tanh -> upsample(3)
     output = hidden -> flatten -> dense(2)
     """, {**weights("hidden", 2, 2, 2, 2), **weights("output", 2, 2 * 9 * 6)},
     lambda p, x: dense(p, "output", F.interpolate(F.conv2d(x, p["hidden.W"], p["hidden.b"]).tanh(), scale_factor=3, mode="nearest").flatten(1)),
     {"x": (2, 4, 3), "t": (2,)}, sgd_rate=0.02)


# ---- Layers on vectors and sequences

fact("layer_dense", "output = x -> dense(5) -> tanh -> dense(2)",
     {**weights("output.dense", 5, 4), **weights("output.dense_2", 2, 5)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()), {"x": (4,), "t": (2,)})


def sequence(name, call, f, parameters, n=4):
    """x[9, 3] -> dense -> the layer -> flatten -> dense"""
    parameters = {"features." + k: v for k, v in parameters.items()}
    forward = lambda p, x: f({k[9:]: v for k, v in p.items() if k[:9] == "features."}, dense(p, "front", x).tanh()).tanh()
    trial = {**weights("front", n, 3), **parameters}
    width = forward({k: torch.zeros(s) for k, s in trial.items()}, torch.zeros(1, 9, 3)).numel()
    fact("layer_" + name, """
        front    = x        -> dense(%d) -> tanh
        features = front    -> %s -> tanh
        output   = features -> flatten -> dense(2)
        """ % (n, call), {**trial, **weights("output", 2, width)},
        lambda p, x: dense(p, "output", forward(p, x).flatten(1)), {"x": (9, 3), "t": (2,)}, sgd_rate=0.05)


def attend(heads, causal):
    def f(p, x):
        mask = torch.ones(x.shape[1], x.shape[1]).triu(1).bool() if causal else None
        x = x.transpose(0, 1)
        n = x.shape[2]
        joined = torch.cat([p[k].reshape(n, n) for k in "QKV"])
        y, _ = F.multi_head_attention_forward(x, x, x, n, heads, joined, None, None, None, False, 0.0,
                                              p["O"].reshape(n, n), None, need_weights=False, attn_mask=mask)
        return y.transpose(0, 1)
    return f


def attend_wide(p, x):
    """two heads, 3 features, width 8"""
    q, k, v = (torch.einsum("eam,bim->beia", p[c], x) for c in "QKV")
    return torch.einsum("oea,beia->bio", p["O"], F.scaled_dot_product_attention(q, k, v, is_causal=True))


def projections(heads, width, n):
    return {**dict.fromkeys("QKV", (heads, width // heads, n)), "O": (width, heads, width // heads)}


sequence("dense_sequence", "dense(5)", lambda p, x: F.linear(x, p["W"], p["b"]), {"W": (5, 4), "b": (5,)})
sequence("position_embedding", "position_embedding", lambda p, x: x + p["P"], {"P": (9, 4)})
for options in ({}, {"stride": 2}, {"pad": 2}, {"kernel": 4, "stride": 3, "pad": 1}):
    k = options.get("kernel", 3)
    sequence("_".join(["conv1d", *(o for o in options if o != "kernel")]),
             "conv1d(%s)" % ", ".join(["5", *("%s = %d" % o for o in options.items())]),
             lambda p, x, o=options: F.conv1d(x.mT, p["W"].permute(0, 2, 1), p["b"], o.get("stride", 1), o.get("pad", 0)).mT,
             {"W": (5, k, 4), "b": (5,)})
sequence("max_pool1d", "max_pool1d(2)", lambda p, x: F.max_pool1d(x.mT, 2).mT, {})
sequence("max_pool1d_stride", "max_pool1d(3, stride = 2)", lambda p, x: F.max_pool1d(x.mT, 3, 2).mT, {})
sequence("avg_pool1d", "avg_pool1d(2)", lambda p, x: F.avg_pool1d(x.mT, 2).mT, {})
sequence("avg_pool1d_stride", "avg_pool1d(4, stride = 1)", lambda p, x: F.avg_pool1d(x.mT, 4, 1).mT, {})
sequence("layer_norm", "layer_norm", lambda p, x: F.layer_norm(x, (4,), p["gain"], p["bias"], 1e-5), {"gain": (4,), "bias": (4,)})
sequence("rms_norm", "rms_norm", lambda p, x: F.rms_norm(x, (4,), p["gain"], 1e-6), {"gain": (4,)})
sequence("attention", "attention(4)", attend(1, False), projections(1, 4, 4))
sequence("attention_heads", "attention(4, heads = 2)", attend(2, False), projections(2, 4, 4))
sequence("attention_causal", "attention(6, heads = 2, causal = true)", attend(2, True), projections(2, 6, 6), n=6)
sequence("attention_wide", "attention(8, heads = 2, causal = true)", attend_wide, projections(2, 8, 3), n=3)

fact("layer_shared", """
     encoder = dense(3)

     a      = x -> encoder -> tanh
     b      = z -> encoder -> sigmoid
     output = concat(a, b) -> dense(2)
     """, {**weights("encoder", 3, 4), **weights("output", 2, 6)},
     lambda p, x, z: dense(p, "output", torch.cat([dense(p, "encoder", x).tanh(), dense(p, "encoder", z).sigmoid()], 1)),
     {"x": (4,), "z": (4,), "t": (2,)})
fact("layer_residual", """
     hidden = x -> dense(5) -> tanh
     output = (hidden + (hidden -> dense(5) -> tanh)) -> dense(2)
     """, {**weights("hidden", 5, 4), **weights("output.dense", 5, 5), **weights("output.dense_2", 2, 5)},
     after("hidden", lambda p, h: dense(p, "output.dense_2", h + dense(p, "output.dense", h).tanh())),
     {"x": (4,), "t": (2,)})
fact("layer_embedding", "output = x -> embedding(3) -> flatten -> dense(2)",
     {"output.embedding.E": (7, 3), **weights("output.dense", 2, 15)},
     lambda p, x: dense(p, "output.dense", F.embedding(x, p["output.embedding.E"]).flatten(1)),
     {"x": (5,), "t": (2,)}, rows=24, index={"x": 7})
fact("layer_embedding_shared", """
     words = embedding(4)

     a      = x -> words -> conv1d(3, kernel = 2) -> tanh -> flatten
     b      = z -> words -> tanh
     output = concat(a, b) -> dense(2)

     loss      = mean_squared_error(output, t)
     optimizer = adam(rate = 0.02)
     """, {"words.E": (9, 4), **weights("a", 3, 2, 4), **weights("output", 2, 13)},
     lambda p, x, z: dense(p, "output", torch.cat([sequence_conv(p, "a", F.embedding(x, p["words.E"])).tanh().flatten(1),
                                                   F.embedding(z, p["words.E"]).tanh()], 1)),
     {"x": (4,), "z": (), "t": (2,)}, optimizer=lambda w: torch.optim.Adam(w, 0.02), index={"x": 9, "z": 9})


def batch_norm(p, path, x, momentum=0.1, epsilon=1e-5):
    """changes the running average and variance, too"""
    return F.batch_norm(x, *(p[path + k] for k in (".average", ".variance", ".gain", ".bias")), True, momentum, epsilon)


def normalized(path, n):
    return {path + k: (n,) for k in (".gain", ".bias", ".average", ".variance")}


def batch_norm_vectors(name, call="batch_norm", rows=16, **options):
    fact("layer_batch_norm" + name, """
        hidden   = x        -> dense(5) -> tanh
        features = hidden   -> %s -> tanh
        output   = features -> dense(2)
        """ % call, {**weights("hidden", 5, 4), **normalized("features", 5), **weights("output", 2, 5)},
        lambda p, x: dense(p, "output", batch_norm(p, "features", dense(p, "hidden", x).tanh(), **options).tanh()),
        {"x": (4,), "t": (2,)}, rows=rows, batch=8)


batch_norm_vectors("")
batch_norm_vectors("_momentum", "batch_norm(momentum = 0.3, epsilon = 0.01)", momentum=0.3, epsilon=0.01)
batch_norm_vectors("_incomplete", rows=13)

BLOCK = """
     layer block(x[n], m) -> y[n] {
         h = x -> dense(m) -> tanh
         y = x + (h -> dense(n))
     }
"""

def block(p, path, x):
    return x + dense(p, path + ".y", dense(p, path + ".h", x).tanh())

def block_weights(path, m, n):
    return {**weights(path + ".h", m, n), **weights(path + ".y", n, m)}

fact("layer_nested", BLOCK + """
     output = x -> block(5) -> block(3) -> dense(2)
     """, {**block_weights("output.block", 5, 4), **block_weights("output.block_2", 3, 4), **weights("output.dense", 2, 4)},
     lambda p, x: dense(p, "output.dense", block(p, "output.block_2", block(p, "output.block", x))), {"x": (4,), "t": (2,)})
fact("layer_nested_deep", BLOCK + """
     layer tower(x[n], m) -> y[m] {
         u = x -> block(3)
         y = u -> block(2) -> tanh -> dense(m)
     }

     hidden = x      -> tower(5) -> tanh
     output = hidden -> tower(2)
     """, {k: v for path, n, m in (("hidden", 4, 5), ("output", 5, 2)) for k, v in
           {**block_weights(path + ".u", 3, n), **block_weights(path + ".y.block", 2, n), **weights(path + ".y.dense", m, n)}.items()},
     two(lambda p, path, x: dense(p, path + ".y.dense", block(p, path + ".y.block", block(p, path + ".u", x)).tanh())), {"x": (4,), "t": (2,)})


# ---- Layers on images

def image(name, call, f, parameters):
    """x[2, 8, 9] -> conv2d -> [4, 7, 8] -> the layer -> flatten -> dense"""
    parameters = {"features." + k: v for k, v in parameters.items()}
    forward = lambda p, x: f({k[9:]: v for k, v in p.items() if k[:9] == "features."}, F.conv2d(x, p["front.W"], p["front.b"]).tanh()).tanh()
    trial = {**weights("front", 4, 2, 2, 2), **parameters}
    width = forward({k: torch.zeros(s) for k, s in trial.items()}, torch.zeros(1, 2, 8, 9)).numel()
    fact("layer_" + name, """
        front    = x        -> conv2d(4, kernel = 2) -> tanh
        features = front    -> %s -> tanh
        output   = features -> flatten -> dense(2)
        """ % call, {**trial, **weights("output", 2, width)},
        lambda p, x: dense(p, "output", forward(p, x).flatten(1)), {"x": (2, 8, 9), "t": (2,)}, sgd_rate=0.02)


def conv2d(**options):
    return lambda p, x: F.conv2d(x, p["W"], p["b"], **options)


image("conv2d", "conv2d(3)", conv2d(), {"W": (3, 4, 3, 3), "b": (3,)})
image("conv2d_pad", "conv2d(2, kernel = 5, pad = 2)", conv2d(padding=2), {"W": (2, 4, 5, 5), "b": (2,)})
image("conv2d_stride", "conv2d(3, stride = 2, pad = 1)", conv2d(stride=2, padding=1), {"W": (3, 4, 3, 3), "b": (3,)})
image("conv2d_groups", "conv2d(6, stride = 3, pad = 2, groups = 2)", conv2d(stride=3, padding=2, groups=2), {"W": (6, 2, 3, 3), "b": (6,)})
image("conv2d_channels", "conv2d(4, kernel = 2, groups = 4)", conv2d(groups=4), {"W": (4, 1, 2, 2), "b": (4,)})
image("conv2d_multiplier", "conv2d(8, kernel = 3, stride = 2, groups = 4)", conv2d(stride=2, groups=4), {"W": (8, 1, 3, 3), "b": (8,)})
image("conv2d_pointwise", "conv2d(3, kernel = 1)", conv2d(), {"W": (3, 4, 1, 1), "b": (3,)})
image("depthwise_conv2d", "depthwise_conv2d", lambda p, x: F.conv2d(x, p["W"][:, None], p["b"], groups=4), {"W": (4, 3, 3), "b": (4,)})
image("depthwise_conv2d_stride", "depthwise_conv2d(5, stride = 2, pad = 2)",
      lambda p, x: F.conv2d(x, p["W"][:, None], p["b"], 2, 2, groups=4), {"W": (4, 5, 5), "b": (4,)})
image("max_pool", "max_pool(2)", lambda p, x: F.max_pool2d(x, 2), {})
image("max_pool_pad", "max_pool(3, stride = 2, pad = 1)", lambda p, x: F.max_pool2d(x, 3, 2, 1), {})
image("avg_pool", "avg_pool(2)", lambda p, x: F.avg_pool2d(x, 2), {})
image("avg_pool_pad", "avg_pool(3, stride = 2, pad = 1)", lambda p, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=True), {})
image("global_max_pool", "global_max_pool", lambda p, x: F.adaptive_max_pool2d(x, 1).flatten(1), {})
image("global_avg_pool", "global_avg_pool", lambda p, x: F.adaptive_avg_pool2d(x, 1).flatten(1), {})

fact("layer_batch_norm_images", """
     # what stands before a normalisation needs no biases: their gradient is 0
     features = x -> conv2d(3, kernel = 2) -> batch_norm -> relu -> conv2d(4) -> batch_norm -> tanh
     output   = features -> global_avg_pool -> dense(2)

     freeze features.conv2d.b, features.conv2d_2.b
     """, {**weights("features.conv2d", 3, 2, 2, 2), **normalized("features.batch_norm", 3), **weights("features.conv2d_2", 4, 3, 3, 3),
           **normalized("features.batch_norm_2", 4), **weights("output", 2, 4)},
     lambda p, x: dense(p, "output", batch_norm(p, "features.batch_norm_2", F.conv2d(
         batch_norm(p, "features.batch_norm", F.conv2d(x, p["features.conv2d.W"], p["features.conv2d.b"])).relu(),
         p["features.conv2d_2.W"], p["features.conv2d_2.b"])).tanh().mean((2, 3))),
     {"x": (2, 6, 7), "t": (2,)}, frozen=("features.conv2d.b", "features.conv2d_2.b"))


# ---- Losses, of a network of two dense layers

SMALL = {**weights("hidden", 5, 4), **weights("output", 3, 5)}

def small(p, x):
    return dense(p, "output", dense(p, "hidden", x).tanh())

def loss(name, f, call=None, end="", t=(3,), x=(4,), extra="", **options):
    fact("loss_" + name, """
        hidden = x      -> dense(5) -> tanh
        output = hidden -> dense(3)%s

        loss      = %s%s
        """ % (end and " -> " + end, call or name + "(output, t)", extra), SMALL, small, {"x": x, "t": t}, f, **options)

SOFT = torch.tensor([[8, 4, 4], [0, 12, 4], [2, 2, 12], [16, 0, 0], [5, 6, 5], [0, 8, 8], [1, 14, 1], [9, 0, 7]]) / 16
SIGNS = torch.tensor([[1, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, 1], [1, -1, -1], [-1, -1, -1], [1, 1, 1], [-1, 1, -1]]).double()

loss("mean_squared_error", lambda p, y, t: F.mse_loss(y, t))
loss("mean_squared_error_sequence", lambda p, y, t: F.mse_loss(y, t), "mean_squared_error(output, t)", x=(5, 4), t=(5, 3))
loss("half_squared_error", lambda p, y, t: F.mse_loss(y, t, reduction="sum") / 2 / len(y))
loss("half_squared_error_sequence", lambda p, y, t: F.mse_loss(y, t, reduction="sum") / 2 / len(y) / 5, "half_squared_error(output, t)", x=(5, 4), t=(5, 3))
loss("mean_absolute_error", lambda p, y, t: F.l1_loss(y, t))
loss("huber", lambda p, y, t: F.huber_loss(y, t), sgd_rate=0.3)
loss("huber_delta", lambda p, y, t: F.huber_loss(y, t, delta=0.4), "huber(output, t, delta = 0.4)", sgd_rate=0.3)
loss("log_cosh", lambda p, y, t: torch.log(torch.cosh(y - t)).mean())
loss("cross_entropy", softmax_cross_entropy, end="softmax", t=classes(8, 3))
loss("cross_entropy_soft", softmax_cross_entropy, "cross_entropy(output, t)", end="softmax", t=SOFT)
loss("cross_entropy_in_loss", softmax_cross_entropy, "cross_entropy(output -> softmax, t)", t=classes(8, 3))
loss("cross_entropy_sequence", softmax_cross_entropy, "cross_entropy(output, t)", end="softmax", x=(4, 4), t=classes(32, 3).reshape(8, 4, 3))
loss("cross_entropy_sigmoid", lambda p, y, t: -(t * F.logsigmoid(y)).sum(-1).mean(), "cross_entropy(output, t)", end="sigmoid", t=SOFT)
loss("negative_log_likelihood", lambda p, y, t: F.nll_loss(F.log_softmax(y, -1), t.argmax(-1)),
     "-sum(i: t[i] * output[i])", end="log_softmax", t=classes(8, 3))
loss("binary_cross_entropy", lambda p, y, t: F.binary_cross_entropy_with_logits(y, t), end="sigmoid", t=(SIGNS + 1) / 2)
loss("binary_cross_entropy_soft", lambda p, y, t: F.binary_cross_entropy_with_logits(y, t), "binary_cross_entropy(output, t)", end="sigmoid", t=SOFT)
loss("binary_cross_entropy_softmax", lambda p, y, t: F.binary_cross_entropy(F.softmax(y, -1), t), "binary_cross_entropy(output, t)", end="softmax", t=SOFT)
loss("hinge", lambda p, y, t: F.margin_ranking_loss(y, torch.zeros_like(y), t, margin=1.0), t=SIGNS)
loss("kl_divergence", lambda p, y, t: F.kl_div(F.log_softmax(y, -1), t, reduction="batchmean"), end="softmax", t=SOFT)
loss("kl_divergence_sequence", lambda p, y, t: F.kl_div(F.log_softmax(y, -1), t, reduction="sum") / len(y) / 2,
     "kl_divergence(output, t)", end="softmax", x=(2, 4), t=torch.stack([SOFT, SOFT.flip(0)], 1))
loss("sum_squares", lambda p, y, t: F.mse_loss(y, t) + 0.02 * p["hidden.W"].square().sum(), "mean_squared_error(output, t)", extra=" + 0.02 * sum_squares(hidden.W)")
loss("sum_absolute", lambda p, y, t: F.mse_loss(y, t) + 0.02 * p["output.W"].abs().sum(), "mean_squared_error(output, t)", extra=" + 0.02 * sum_absolute(output.W)")
loss("penalties", lambda p, y, t: softmax_cross_entropy(p, y, t) + 0.01 * (p["hidden.W"].square().sum() + p["output.W"].abs().sum()) + 0.1 * p["hidden.b"].square().sum(),
     "cross_entropy(output, t)", end="softmax", t=classes(8, 3),
     extra=" + 0.01 * (sum_squares(hidden.W) + sum_absolute(output.W)) + 0.1 * sum_squares(hidden.b)")
loss("penalty_of_activity", lambda p, y, t: F.mse_loss(y, t) + 0.05 * y.square().sum(1).mean(), "mean_squared_error(output, t)", extra=" + 0.05 * sum_squares(output)")
loss("incomplete_batch", lambda p, y, t: softmax_cross_entropy(p, y, t) + 0.01 * p["hidden.W"].square().sum(), "cross_entropy(output, t)",
     end="softmax", t=classes(7, 3), extra=" + 0.01 * sum_squares(hidden.W)", rows=7, batch=3)
loss("cross_entropy_index", lambda p, y, t: F.cross_entropy(y, t), "cross_entropy(output, one_hot(t))", end="softmax", t=(), index={"t": 3})
loss("cross_entropy_index_sequence", lambda p, y, t: F.cross_entropy(y.flatten(0, 1), t.flatten()), "cross_entropy(output, one_hot(t))",
     end="softmax", x=(4, 4), t=(4,), index={"t": 3})
fact("loss_two", """
     hidden = x      -> dense(5) -> tanh
     output = hidden -> dense(3) -> softmax
     other  = hidden -> dense(2)

     loss      = cross_entropy(output, t) + 0.5 * huber(other, x -> slice(0, 2))
     """, {**weights("hidden", 5, 4), **weights("output", 3, 5), **weights("other", 2, 5)},
     lambda p, x: (x, dense(p, "hidden", x).tanh()), {"x": (4,), "t": classes(8, 3)},
     lambda p, y, t: F.cross_entropy(dense(p, "output", y[1]), t) + 0.5 * F.huber_loss(dense(p, "other", y[1]), y[0][:, :2]))
fact("loss_binding", """
     hidden = x -> dense(5) -> tanh

     loss      = mean_squared_error(hidden -> dense(3), t)
     """, {**weights("hidden", 5, 4), **weights("loss", 3, 5)},
     lambda p, x: dense(p, "loss", dense(p, "hidden", x).tanh()), {"x": (4,), "t": (3,)})


# ---- Optimizers and schedules, on the same network

def optimizer(name, call, make, rate=None, prefix="optimizer_", **options):
    fact(prefix + name, """
        hidden = x      -> dense(5) -> tanh
        output = hidden -> dense(3)

        loss      = mean_squared_error(output, t)
        optimizer = %s
        """ % call, SMALL, small, {"x": (4,), "t": (3,)}, optimizer=make, rate=rate, **options)

def lion(rate, decay=0.0, beta1=0.9, beta2=0.99):
    """Chen et al. 2023, algorithm 2"""
    def update(w, g, state, rate):
        m = state.setdefault("m", torch.zeros_like(w))
        c = beta1 * m + (1 - beta1) * g
        w.sub_(rate * (c.sign() + decay * w))
        m.mul_(beta2).add_(g, alpha=1 - beta2)
    return lambda w: Written(w, rate, update)

optimizer("sgd", "sgd(rate = 0.2)", sgd(0.2))
optimizer("sgd_one_by_one", "sgd(0.05)", sgd(0.05), batch=1, rows=5)
optimizer("momentum", "momentum(rate = 0.05)", lambda w: torch.optim.SGD(w, 0.05, momentum=0.9))
optimizer("momentum_mu", "momentum(0.1, mu = 0.6)", lambda w: torch.optim.SGD(w, 0.1, momentum=0.6))
optimizer("nesterov", "nesterov(rate = 0.05)", lambda w: torch.optim.SGD(w, 0.05, momentum=0.9, nesterov=True))
optimizer("nesterov_mu", "nesterov(rate = 0.1, mu = 0.6)", lambda w: torch.optim.SGD(w, 0.1, momentum=0.6, nesterov=True))
optimizer("adagrad", "adagrad(rate = 0.1)", lambda w: torch.optim.Adagrad(w, 0.1))
optimizer("adagrad_epsilon", "adagrad(rate = 0.1, epsilon = 0.1)", lambda w: torch.optim.Adagrad(w, 0.1, eps=0.1))
optimizer("rmsprop", "rmsprop(rate = 0.01)", lambda w: torch.optim.RMSprop(w, 0.01))
optimizer("rmsprop_decay", "rmsprop(rate = 0.02, decay = 0.9, epsilon = 1e-4)", lambda w: torch.optim.RMSprop(w, 0.02, 0.9, 1e-4))
optimizer("adam", "adam(rate = 0.02)", lambda w: torch.optim.Adam(w, 0.02))
optimizer("adam_default", "adam()", lambda w: torch.optim.Adam(w))
optimizer("adam_betas", "adam(0.02, 0.8, 0.95, epsilon = 1e-3)", lambda w: torch.optim.Adam(w, 0.02, (0.8, 0.95), 1e-3))
optimizer("adamw", "adamw(rate = 0.02)", lambda w: torch.optim.AdamW(w, 0.02))
optimizer("adamw_decay", "adamw(rate = 0.02, decay = 0.3, beta1 = 0.7)", lambda w: torch.optim.AdamW(w, 0.02, (0.7, 0.999), weight_decay=0.3))
optimizer("clip_norm", "sgd(rate = 0.2)", sgd(0.2), clip_norm=0.8)
optimizer("clip_norm_adam", "adam(rate = 0.02)", lambda w: torch.optim.Adam(w, 0.02), clip_norm=0.8)
optimizer("lion", "lion(rate = 0.01)", lion(0.01))
optimizer("lion_decay", "lion(rate = 0.01, decay = 0.2, beta1 = 0.8, beta2 = 0.95)", lion(0.01, 0.2, 0.8, 0.95))

def schedule(name, call, rate, make=sgd(0.1), **options):
    optimizer(name, call, make, rate, "schedule_", **options)

S = torch.optim.lr_scheduler
halved = torch_schedule(S.StepLR, 0.2, step_size=3, gamma=0.5)
tenths = torch_schedule(S.StepLR, 0.2, step_size=8, gamma=0.1)
fading = torch_schedule(S.ExponentialLR, 0.2, gamma=0.9)
falling = torch_schedule(S.CosineAnnealingLR, 0.2, T_max=21)
low = torch_schedule(S.CosineAnnealingLR, 0.2, T_max=12, eta_min=0.05)
rising = torch_schedule(S.LinearLR, 0.2, start_factor=1 / 6, total_iters=5)           # 1/6 at 0, 1 at 5 and after

schedule("step_decay", "sgd(rate = 0.2 * step_decay(epoch, 3, factor = 0.5))", lambda step, epoch: halved[epoch])
schedule("step_decay_step", "sgd(rate = 0.2 * step_decay(step, 8))", lambda step, epoch: tenths[step])
schedule("exponential", "sgd(rate = 0.2 * exponential(epoch, 0.9))", lambda step, epoch: fading[epoch])
schedule("exponential_step", "sgd(rate = 0.2 * exponential(step, 0.9))", lambda step, epoch: fading[step])
schedule("cosine", "sgd(rate = 0.2 * cosine(step, 21))", lambda step, epoch: falling[step])
schedule("cosine_low", "sgd(rate = 0.2 * cosine(epoch, 12, low = 0.25))", lambda step, epoch: low[epoch])
schedule("cosine_over", "sgd(rate = 0.2 * cosine(step, 12, low = 0.25))", lambda step, epoch: low[min(step, 12)])
schedule("warm_up", "sgd(rate = 0.2 * warm_up(step, 6))", lambda step, epoch: rising[step - 1])
schedule("warm_up_epoch", "sgd(rate = 0.2 * warm_up(epoch, 6))", lambda step, epoch: rising[epoch - 1] if epoch else 0.0)
schedule("product", "adam(rate = 0.2 * warm_up(step, 6) * cosine(epoch, 21))", lambda step, epoch: rising[step - 1] * falling[epoch] / 0.2,
         lambda w: torch.optim.Adam(w, 0.1))
schedule("incomplete_batch", "momentum(rate = 0.2 * 0.9^epoch, mu = 0.5)", lambda step, epoch: fading[epoch],
         lambda w: torch.optim.SGD(w, 0.2, momentum=0.5), rows=10)


# ---- Freezing and initial values

fact("freeze_binding", """
     hidden = x      -> dense(5) -> tanh
     output = hidden -> dense(3)

     freeze hidden
     """, SMALL, small, {"x": (4,), "t": (3,)}, frozen=("hidden.W", "hidden.b"))
fact("freeze_parameters", """
     output = x -> dense(5) -> tanh -> dense(3)

     freeze output.dense.b, output.dense_2.W
     """, {**weights("output.dense", 5, 4), **weights("output.dense_2", 3, 5)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()), {"x": (4,), "t": (3,)},
     frozen=("output.dense.b", "output.dense_2.W"))
fact("initial_literal", """
     layer scaled(x[n]) -> y[n] {
         param a[n] = 1.5
         param c    = -0.25

         y[i] = tanh(a[i] * x[i] + c)
     }

     output = x -> scaled -> dense(2, W = [[0.5, -0.25, 1], [0.125, 2, -1]], b = [0.1, -0.2])
     """, {"output.scaled.a": torch.full((3,), 1.5), "output.scaled.c": torch.tensor(-0.25),
           "output.dense.W": torch.tensor([[0.5, -0.25, 1], [0.125, 2, -1]]), "output.dense.b": torch.tensor([0.1, -0.2])},
     lambda p, x: dense(p, "output.dense", torch.tanh(p["output.scaled.a"] * x + p["output.scaled.c"])), {"x": (3,), "t": (2,)})


# ---- The models of the documentation. The data.csv of iris, digits, finetune and custom are the beginnings of public
#      data sets; they are read here, not written.

def table(name):
    return [row.split(",") for row in (HERE / name / "data.csv").read_text().split()]

def numbers(rows):
    return torch.tensor([[float(v) for v in row] for row in rows])

def standardized(x):
    return (x - x.mean(0)) / x.std(0, correction=0)

def labels(column):
    names = list(dict.fromkeys(column))
    return F.one_hot(torch.tensor([names.index(v) for v in column])).double()

fact("model_step_by_step", """
     hidden = x      -> dense(2, W = [[0.15, 0.20], [0.25, 0.30]], b = 0.35) -> sigmoid
     output = hidden -> dense(2, W = [[0.40, 0.45], [0.50, 0.55]], b = 0.60) -> sigmoid

     loss      = half_squared_error(output, t)
     optimizer = sgd(rate = 0.5)

     freeze hidden.b, output.b            # the published example keeps the biases fixed
     """, {"hidden.W": torch.tensor([[0.15, 0.20], [0.25, 0.30]]), "hidden.b": torch.full((2,), 0.35),
           "output.W": torch.tensor([[0.40, 0.45], [0.50, 0.55]]), "output.b": torch.full((2,), 0.60)},
     lambda p, x: dense(p, "output", dense(p, "hidden", x).sigmoid()).sigmoid(),
     {"x": torch.tensor([[0.05, 0.10]]), "t": torch.tensor([[0.01, 0.99]])},
     lambda p, y, t: F.mse_loss(y, t, reduction="sum") / 2 / len(y), sgd(0.5), batch=1, frozen=("hidden.b", "output.b"))

fact("model_xor", """
     output = x -> dense(4) -> tanh -> dense(1) -> sigmoid

     loss      = binary_cross_entropy(output, t)
     optimizer = sgd(rate = 0.5)
     metric    = binary_accuracy(output, t)
     """, {**weights("output.dense", 4, 2), **weights("output.dense_2", 1, 4)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()),
     {"x": torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1.0]]), "t": torch.tensor([[0], [1], [1], [0.0]])},
     lambda p, y, t: F.binary_cross_entropy_with_logits(y, t), sgd(0.5))

iris = table("model_iris")[1:]
fact("model_iris", """
     hidden = x      -> dense(16) -> tanh
     output = hidden -> dense(3)  -> softmax

     loss      = cross_entropy(output, t)
     optimizer = adam(rate = 0.01)
     metric    = accuracy(output, t)
     """, {**weights("hidden", 16, 4), **weights("output", 3, 16)}, small,
     {"x": standardized(numbers(r[:4] for r in iris)), "t": labels([r[4] for r in iris])},
     softmax_cross_entropy, lambda w: torch.optim.Adam(w, 0.01), batch=16,
     lines=['    x = csv("data.csv", columns = 0..4) -> standardize', '    t = csv("data.csv", column = "species") -> one_hot'])

def digits(name, more, batch, frozen, make):
    rows = numbers(table(name))
    fact(name, """
        features = x -> dense(32) -> relu
        output   = features -> dense(10) -> softmax
        """ + more, {**weights("features", 32, 64), **weights("output", 10, 32)},
        lambda p, x: dense(p, "output", dense(p, "features", x).relu()),
        {"x": rows[:, :64] / 16, "t": F.one_hot(rows[:, 64].long(), 10).double()}, softmax_cross_entropy, make, batch=batch, frozen=frozen,
        lines=['    x = csv("data.csv", columns = 0..64) / 16', '    t = csv("data.csv", column = 64) -> one_hot'])

digits("model_digits", """
        loss      = cross_entropy(output, t)
        optimizer = momentum(rate = 0.05, mu = 0.9)
        metric    = accuracy(output, t)
        """, 32, (), lambda w: torch.optim.SGD(w, 0.05, momentum=0.9))
digits("model_finetune", """
        freeze features

        loss      = cross_entropy(output, t)
        optimizer = sgd(rate = 0.05)
        metric    = accuracy(output, t)
        """, 1, ("features.W", "features.b"), sgd(0.05))

def rmsprop_momentum(w, g, state, rate, decay=0.9, mu=0.5, epsilon=1e-8):
    s, v = (state.setdefault(k, torch.zeros_like(w)) for k in "sv")
    s.mul_(decay).addcmul_(g, g, value=1 - decay)
    v.mul_(mu).addcdiv_(g, s.sqrt() + epsilon, value=rate)
    w.sub_(v)

diabetes = numbers(table("model_custom")[1:])
fact("model_custom", """
     function swish(x, beta = 1) = x * sigmoid(beta * x)

     # A dense layer with a multiplicative gate.
     layer gated(x[n], units) -> y[units] {
         param V[units, n] = glorot_uniform(n, units)
         param W[units, n] = glorot_uniform(n, units)
         param b[units]    = 0

         gate[j] = sigmoid(sum(i: V[j, i] * x[i]))
         y[j]    = gate[j] * sum(i: W[j, i] * x[i]) + b[j]
     }

     loss log_cosh(y[n], t[n]) = mean(i: log(cosh(y[i] - t[i])))

     optimizer rmsprop_momentum(rate, decay = 0.9, mu = 0.5, epsilon = 1e-8) {
         state s = 0
         state v = 0

         s = decay * s + (1 - decay) * g^2
         v = mu * v + rate * g / (sqrt(s) + epsilon)
         w = w - v
     }

     hidden = x      -> gated(12) -> swish
     output = hidden -> dense(1)

     loss      = log_cosh(output, t) + 0.0001 * sum_squares(hidden.W)
     optimizer = rmsprop_momentum(rate = 0.01 * 0.99^epoch)
     """, {"hidden.V": (12, 10), **weights("hidden", 12, 10), **weights("output", 1, 12)},
     lambda p, x: dense(p, "output", F.silu(torch.sigmoid(F.linear(x, p["hidden.V"])) * F.linear(x, p["hidden.W"]) + p["hidden.b"])),
     {"x": standardized(diabetes[:, :10]), "t": standardized(diabetes[:, 10:])},
     lambda p, y, t: torch.log(torch.cosh(y - t)).mean() + 0.0001 * p["hidden.W"].square().sum(),
     lambda w: Written(w, 0.01, rmsprop_momentum), rate=lambda step, epoch: 0.01 * 0.99 ** epoch, batch=16,
     lines=['    x = csv("data.csv", columns = 0..10) -> standardize', '    t = csv("data.csv", columns = "progression") -> standardize'])

def pictures(name, rows):
    """images of 28 * 28 points of 0..255: two soft spots whose places tell the class, on black; and the classes"""
    torch.manual_seed(rows)
    label = torch.arange(rows) * 7 % 10
    r, s = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    image = torch.zeros(rows, 28, 28)
    for k, turn in ((1, 0.0), (3, 2.0)):
        angle = k * label * 2 * math.pi / 10 + turn
        at = lambda f: (14 + 7 * f(angle) + torch.randn(rows))[:, None, None]
        image += 230 * torch.exp(-((r - at(torch.cos)) ** 2 + (s - at(torch.sin)) ** 2) / 8)
    image = (image + 20 * torch.rand(image.shape) - 12).clamp(0, 255).round().flatten(1)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    (folder / "data.csv").write_text("".join(",".join(map(str, v + [c])) + "\n" for v, c in zip(image.long().tolist(), label.tolist())))
    return image / 255, F.one_hot(label, 10).double()

PICTURES = ['    x = csv("data.csv", columns = 0..784) / 255', '    t = csv("data.csv", column = 784) -> one_hot']
x, t = pictures("model_mnist_mlp", 64)
fact("model_mnist_mlp", """
     output = x -> dense(128) -> relu -> dense(10) -> softmax

     loss      = cross_entropy(output, t)
     optimizer = sgd(rate = 0.3)
     metric    = accuracy(output, t)
     """, {**weights("output.dense", 128, 784), **weights("output.dense_2", 10, 128)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).relu()), {"x": x, "t": t},
     softmax_cross_entropy, sgd(0.3), batch=32, lines=PICTURES)

def lenet(p, x):
    x = F.max_pool2d(F.conv2d(x, p["features.conv2d.W"], p["features.conv2d.b"], padding=2).relu(), 2)
    x = F.max_pool2d(F.conv2d(x, p["features.conv2d_2.W"], p["features.conv2d_2.b"]).relu(), 2)
    x = dense(p, "output.dense", x.flatten(1)).relu()
    return dense(p, "output.dense_3", dense(p, "output.dense_2", x).relu())

x, t = pictures("model_lenet", 32)
fact("model_lenet", """
     features = x
         -> conv2d(6,  kernel = 5, pad = 2) -> relu -> max_pool(2)
         -> conv2d(16, kernel = 5)          -> relu -> max_pool(2)

     output = features -> flatten
         -> dense(120) -> relu
         -> dense(84)  -> relu
         -> dense(10)  -> softmax

     loss      = cross_entropy(output, t)
     optimizer = adam(rate = 0.001)
     metric    = accuracy(output, t)
     """, {**weights("features.conv2d", 6, 1, 5, 5), **weights("features.conv2d_2", 16, 6, 5, 5), **weights("output.dense", 120, 400),
           **weights("output.dense_2", 84, 120), **weights("output.dense_3", 10, 84)}, lenet, {"x": x.reshape(-1, 1, 28, 28), "t": t},
     softmax_cross_entropy, lambda w: torch.optim.Adam(w, 0.001), batch=8, lines=PICTURES)


# ---- What users may write: index arithmetic that no library layer has

fact("user_bilinear", """
     layer bilinear(x[m], z[n], units) -> y[units] {
         param W[units, m, n] = normal(0, 0.3)
         param b[units]       = 0

         y[j] = sum(i, k: W[j, i, k] * x[i] * z[k]) + b[j]
     }

     output = bilinear(x -> dense(3) -> tanh, z, 2)
     """, {**weights("output.dense", 3, 4), **weights("output.bilinear", 2, 3, 5)},
     lambda p, x, z: F.bilinear(dense(p, "output.dense", x).tanh(), z, p["output.bilinear.W"], p["output.bilinear.b"]),
     {"x": (4,), "z": (5,), "t": (2,)})

fact("user_circulant", """
     layer circulant(x[n]) -> y[n] {
         param w[n] = normal(0, 0.3)

         y[i] = sum(k: w[(i - k + n) mod n] * x[k])
     }

     hidden = x      -> circulant -> tanh
     output = hidden -> circulant
     """, {"hidden.w": (6,), "output.w": (6,)},
     two(lambda p, path, x: torch.fft.irfft(torch.fft.rfft(p[path + ".w"]) * torch.fft.rfft(x), 6)), {"x": (6,), "t": (6,)})

fact("user_toeplitz", """
     layer toeplitz(x[n]) -> y[n] {
         param W[2 * n - 1] = normal(0, 0.3)

         y[i] = sum(k: W[i - k + n - 1] * x[k])
     }

     hidden = x      -> toeplitz -> tanh
     output = hidden -> toeplitz
     """, {"hidden.W": (9,), "output.W": (9,)},
     two(lambda p, path, x: F.conv1d(p[path + ".W"][None, None], x.flip(1)[:, None])[0]), {"x": (5,), "t": (5,)})

fact("user_pairs", """
     # how alike each two steps of a sequence are
     function likeness(x[T, n]) -> y[T, T] {
         d[i, j, k] = x[i, k] - x[j, k]
         y[i, j]    = exp(-sum(k: d[i, j, k]^2))
     }

     hidden = x -> dense(3) -> tanh -> likeness
     output = hidden -> flatten -> dense(2)
     """, {**weights("hidden", 3, 2), **weights("output", 2, 16)},
     after("hidden", lambda p, h: dense(p, "output", torch.exp(-(h[:, :, None] - h[:, None]).square().sum(-1)).flatten(1))), {"x": (4, 2), "t": (2,)})

fact("user_pixel_shuffle", """
     function pixel_shuffle(x[c, h, w], f) -> y[c / (f * f), h * f, w * f] {
         y[k, r, s] = x[k * f * f + (r mod f) * f + s mod f, r / f, s / f]
     }

     hidden = x -> conv2d(8, kernel = 2) -> tanh -> pixel_shuffle(2)
     output = hidden -> conv2d(1) -> flatten
     """, {**weights("hidden", 8, 1, 2, 2), **weights("output", 1, 2, 3, 3)},
     lambda p, x: F.conv2d(F.pixel_shuffle(F.conv2d(x, p["hidden.W"], p["hidden.b"]).tanh(), 2), p["output.W"], p["output.b"]).flatten(1),
     {"x": (1, 4, 3), "t": (8,)})

fact("user_pixel_unshuffle", """
     function pixel_unshuffle(x[c, h, w], f) -> y[c * f * f, h / f, w / f] {
         y[k, r, s] = x[k / (f * f), r * f + k / f mod f, s * f + k mod f]
     }

     hidden = x -> conv2d(2, pad = 1) -> tanh -> pixel_unshuffle(2)
     output = hidden -> flatten -> dense(2)
     """, {**weights("hidden", 2, 1, 3, 3), **weights("output", 2, 48)},
     lambda p, x: dense(p, "output", F.pixel_unshuffle(F.conv2d(x, p["hidden.W"], p["hidden.b"], padding=1).tanh(), 2).flatten(1)),
     {"x": (1, 4, 6), "t": (2,)})

fact("user_dilated", """
     layer dilated(x[T, n], filters, kernel = 3, dilation = 1, pad = 0) -> y[T + 2 * pad - dilation * (kernel - 1), filters] {
         param W[filters, kernel, n] = glorot_uniform(n * kernel, filters * kernel)
         param b[filters]            = 0

         y[t, o] = sum(u, i: W[o, u, i] * (x[t + dilation * u - pad, i] default 0)) + b[o]
     }

     hidden = x      -> dilated(4, dilation = 2, pad = 2) -> tanh
     output = hidden -> dilated(2, dilation = 3, pad = 1)
     """, {**weights("hidden", 4, 3, 3), **weights("output", 2, 3, 4)},
     lambda p, x: sequence_conv(p, "output", sequence_conv(p, "hidden", x, dilation=2, padding=2).tanh(), dilation=3, padding=1),
     {"x": (8, 3), "t": (4, 2)})

fact("user_transposed_conv", """
     # each step of the input writes a window of the output; read from the output's side
     layer transposed_conv1d(x[T, n], filters, kernel = 4, stride = 2, pad = 1) -> y[(T - 1) * stride - 2 * pad + kernel, filters] {
         param W[n, filters, kernel] = normal(0, 0.3)
         param b[filters]            = 0

         y[t, o] = b[o] + sum(i, u: if (t + pad - u) mod stride == 0
                                    then W[i, o, u] * (x[(t + pad - u) / stride, i] default 0)
                                    else 0)
     }

     hidden = x      -> dense(4) -> tanh
     output = hidden -> transposed_conv1d(2, kernel = 5, stride = 3)
     """, {**weights("hidden", 4, 3), "output.W": (4, 2, 5), "output.b": (2,)},
     lambda p, x: F.conv_transpose1d(dense(p, "hidden", x).tanh().mT, p["output.W"], p["output.b"], 3, 1).mT, {"x": (4, 3), "t": (12, 2)})

fact("user_outer_pool", """
     function outer_pool(x[T, n]) -> y[n, n] {
         y[i, j] = mean(t: x[t, i] * x[t, j])
     }

     hidden = x -> dense(3) -> tanh
     output = hidden -> outer_pool -> flatten -> dense(2)
     """, {**weights("hidden", 3, 4), **weights("output", 2, 9)},
     after("hidden", lambda p, h: dense(p, "output", torch.bmm(h.mT, h).flatten(1) / 5)), {"x": (5, 4), "t": (2,)})

fact("user_cumulative", """
     function cumulative(x[T, n]) -> y[T, n] {
         y[t, i] = sum(s: if s <= t then x[s, i] else 0)
     }

     hidden = x -> dense(4) -> tanh -> cumulative
     output = hidden -> tanh -> dense(2)
     """, {**weights("hidden", 4, 3), **weights("output", 2, 4)},
     lambda p, x: dense(p, "output", dense(p, "hidden", x).tanh().cumsum(1).tanh()), {"x": (6, 3), "t": (6, 2)})

fact("user_product", """
     layer product(x[n], units) -> y[units] {
         param W[units, n] = uniform(-0.5, 0.5)

         y[j] = prod(i: 1 + W[j, i] * x[i])
     }

     hidden = x      -> dense(3)   -> tanh
     output = hidden -> product(4) -> dense(2)
     """, {**weights("hidden", 3, 4), "output.product.W": (4, 3), **weights("output.dense", 2, 4)},
     lambda p, x: dense(p, "output.dense", torch.prod(1 + p["output.product.W"] * dense(p, "hidden", x).tanh()[:, None], 2)), {"x": (4,), "t": (2,)})

fact("user_relative_attention", """
     layer relative_attention(x[T, n], width) -> y[T, width] {
         param Q[width, n]  = glorot_uniform(n, width)
         param K[width, n]  = glorot_uniform(n, width)
         param V[width, n]  = glorot_uniform(n, width)
         param P[2 * T - 1] = normal(0, 0.5)

         q[i, a] = sum(m: Q[a, m] * x[i, m])
         k[j, a] = sum(m: K[a, m] * x[j, m])
         s[i, j] = sum(a: q[i, a] * k[j, a]) / sqrt(width) + P[i - j + T - 1]
         p       = softmax(s)
         y[i, a] = sum(j: p[i, j] * sum(m: V[a, m] * x[j, m]))
     }

     hidden = x -> relative_attention(4)
     output = hidden -> tanh -> dense(2)
     """, {"hidden.Q": (4, 3), "hidden.K": (4, 3), "hidden.V": (4, 3), "hidden.P": (9,), **weights("output", 2, 4)},
     lambda p, x: dense(p, "output", F.scaled_dot_product_attention(
         *(F.linear(x, p["hidden." + k]) for k in "QKV"), p["hidden.P"][torch.arange(5)[:, None] - torch.arange(5) + 4]).tanh()),
     {"x": (5, 3), "t": (5, 2)})

fact("user_maxout", """
     layer maxout(x[n], units, pieces = 3) -> y[units] {
         param W[units, pieces, n] = glorot_uniform(n, units)
         param b[units, pieces]    = 0

         y[j] = max(k: sum(i: W[j, k, i] * x[i]) + b[j, k])
     }

     hidden = x      -> maxout(4)
     output = hidden -> maxout(2, pieces = 2)
     """, {"hidden.W": (4, 3, 5), "hidden.b": (4, 3), "output.W": (2, 2, 4), "output.b": (2, 2)},
     two(lambda p, path, x: (torch.einsum("jki,bi->bjk", p[path + ".W"], x) + p[path + ".b"]).max(2).values, between=nn.Identity()), {"x": (5,), "t": (2,)})

fact("user_window_max", """
     # the largest and the smallest of three neighbours
     function largest(x[n])  -> y[n - 2] { y[i] = max(u in 0..3: x[i + u]) }
     function smallest(x[n]) -> y[n - 2] { y[i] = min(u in 0..3: x[i + u]) }

     hidden = x -> dense(9) -> tanh
     output = (largest(hidden) * smallest(hidden)) -> dense(2)
     """, {**weights("hidden", 9, 4), **weights("output", 2, 7)},
     after("hidden", lambda p, h: dense(p, "output", F.max_pool1d(h, 3, 1) * -F.max_pool1d(-h, 3, 1))), {"x": (4,), "t": (2,)})

fact("user_response_norm", """
     function local_response_norm(x[c, h, w], size, alpha = 0.0001, beta = 0.75) -> y[c, h, w] {
         y[k, r, s] = x[k, r, s] / (1 + alpha * mean(u in 0..size: (x[k + u - size / 2, r, s] default 0)^2))^beta
     }

     hidden = x -> conv2d(5, kernel = 2) -> tanh -> local_response_norm(3, alpha = 2)
     output = hidden -> flatten -> dense(2)
     """, {**weights("hidden", 5, 1, 2, 2), **weights("output", 2, 30)},
     lambda p, x: dense(p, "output", F.local_response_norm(F.conv2d(x, p["hidden.W"], p["hidden.b"]).tanh(), 3, 2.0, 0.75, 1.0).flatten(1)),
     {"x": (1, 4, 3), "t": (2,)})

fact("user_low_rank", """
     layer low_rank(x[n], units, rank) -> y[units] {
         param U[units, rank] = glorot_uniform(rank, units)
         param V[rank, n]     = glorot_uniform(n, rank)
         param b[units]       = 0

         y[j] = sum(r: U[j, r] * sum(i: V[r, i] * x[i])) + b[j]
     }

     output = x -> low_rank(5, 2) -> tanh -> low_rank(3, rank = 1)
     """, {k: s for path, u, r, n in (("output.low_rank", 5, 2, 6), ("output.low_rank_2", 3, 1, 5))
           for k, s in ((path + ".U", (u, r)), (path + ".V", (r, n)), (path + ".b", (u,)))},
     two(lambda p, path, x: F.linear(F.linear(x, p[path + ".V"]), p[path + ".U"], p[path + ".b"]), "output.low_rank", "output.low_rank_2"), {"x": (6,), "t": (3,)})

fact("user_gated_unit", """
     # half of the outputs decide how much of the other half passes
     layer gated_unit(x[n], units) -> y[units] {
         param W[2 * units, n] = glorot_uniform(n, units)
         param b[2 * units]    = 0

         a[k]             = sum(i: W[k, i] * x[i]) + b[k]
         y[j in 0..units] = a[j] * sigmoid(a[units + j])
     }

     hidden = x      -> gated_unit(4)
     output = hidden -> gated_unit(2)
     """, {**weights("hidden", 8, 3), **weights("output", 4, 4)},
     lambda p, x: F.glu(dense(p, "output", F.glu(dense(p, "hidden", x)))), {"x": (3,), "t": (2,)})

fact("user_tied", """
     hidden = x -> dense(3) -> tanh

     # back through the weights of the encoder; the same statement may stand in a model
     output[i] = sum(j: hidden.W[j, i] * hidden[j])

     loss      = mean_squared_error(output, x)
     """, weights("hidden", 3, 5), lambda p, x: (x, F.linear(dense(p, "hidden", x).tanh(), p["hidden.W"].T)), {"x": (5,)},
     lambda p, y, t: F.mse_loss(y[1], y[0]))

fact("user_tied_layer", """
     layer decoder(h[m], W[m, n]) -> y[n] {
         param c[n] = 0

         y[i] = sum(j: W[j, i] * h[j]) + c[i]
     }

     encoder = dense(3)
     hidden  = x -> encoder -> tanh
     output  = hidden -> decoder(encoder.W)

     loss      = mean_squared_error(output, x)
     """, {**weights("encoder", 3, 5), "output.c": (5,)},
     lambda p, x: (x, F.linear(dense(p, "encoder", x).tanh(), p["encoder.W"].T, p["output.c"])), {"x": (5,)},
     lambda p, y, t: F.mse_loss(y[1], y[0]))

fact("user_layer_in_sum", """
     # a set of rows, each through the same dense layer, then added up
     layer deep_set(x[T, n], units) -> y[units] {
         y[j] = sum(t: tanh(dense(x[t], units)[j]))
     }

     output = x -> deep_set(4) -> dense(2)
     """, {**weights("output.deep_set.y", 4, 3), **weights("output.dense", 2, 4)},
     lambda p, x: dense(p, "output.dense", dense(p, "output.deep_set.y", x).tanh().sum(1)), {"x": (5, 3), "t": (2,)})

fact("user_polynomial", """
     layer quadratic(x[n], units) -> y[units] {
         param W[units, n, n] = normal(0, 0.3)

         y[o] = sum(i, j: if i <= j then W[o, i, j] * x[i] * x[j] else 0)
     }

     output = x -> dense(4) -> tanh -> quadratic(2)
     """, {**weights("output.dense", 4, 3), "output.quadratic.W": (2, 4, 4)},
     after("output.dense", lambda p, h: torch.einsum("oij,bi,bj->bo", p["output.quadratic.W"].triu(), h, h)), {"x": (3,), "t": (2,)})

fact("user_diagonals", """
     # the sums along the diagonals of an image, and a weight for each
     function diagonals(x[h, w]) -> y[h + w - 1] {
         y[d] = sum(r in 0..h: x[r, d - r] default 0)
     }

     hidden = x -> dense(4) -> tanh -> diagonals
     output = hidden -> dense(2)
     """, {**weights("hidden", 4, 3), **weights("output", 2, 8)},
     after("hidden", lambda p, h: dense(p, "output", torch.stack([h.flip(2).diagonal(3 - d, 1, 2).sum(1) for d in range(8)], 1))),
     {"x": (5, 3), "t": (2,)})

fact("user_interleave", """
     function interleave(a[n], b[n]) -> y[2 * n] {
         y[i] = if i mod 2 == 0 then a[i / 2] else b[i / 2]
     }

     a      = x -> dense(3) -> tanh
     b      = x -> dense(3) -> sigmoid
     output = interleave(a, b) -> dense(2)
     """, {**weights("a", 3, 4), **weights("b", 3, 4), **weights("output", 2, 6)},
     lambda p, x: dense(p, "output", torch.stack([dense(p, "a", x).tanh(), dense(p, "b", x).sigmoid()], 2).flatten(1)), {"x": (4,), "t": (2,)})

fact("user_edges", """
     # neighbours of a sequence; before its first step stands the first, after its last a learned number
     layer neighbours(x[T, n]) -> y[T, n] {
         param a[3]   = normal(0, 0.5)
         param end[n] = normal(0, 0.5)

         y[t, i] = a[0] * (x[t - 1, i] default x[0, i]) + a[1] * x[t, i] + a[2] * (x[t + 1, i] default end[i])
     }

     hidden = x      -> neighbours -> tanh
     output = hidden -> neighbours
     """, {"hidden.a": (3,), "hidden.end": (4,), "output.a": (3,), "output.end": (4,)},
     two(lambda p, path, x: torch.einsum("k,kbti->bti", p[path + ".a"], torch.stack(
         [torch.cat([x[:, :1], x[:, :-1]], 1), x, torch.cat([x[:, 1:], p[path + ".end"].expand(len(x), 1, 4)], 1)]))), {"x": (5, 4), "t": (5, 4)})

fact("user_stop", """
     hidden = x -> dense(4) -> tanh
     output = (hidden * stop(sigmoid(hidden)) + stop(hidden)) -> dense(2)
     """, {**weights("hidden", 4, 3), **weights("output", 2, 4)},
     after("hidden", lambda p, h: dense(p, "output", h * h.sigmoid().detach() + h.detach())), {"x": (3,), "t": (2,)})

fact("user_larger_smaller", """
     a      = x -> dense(5)
     b      = x -> dense(5)
     output = (max(a, b) * min(a, 0.5, b)) -> dense(2)
     """, {**weights("a", 5, 4), **weights("b", 5, 4), **weights("output", 2, 5)},
     lambda p, x: dense(p, "output", torch.maximum(dense(p, "a", x), dense(p, "b", x))
                        * torch.minimum(dense(p, "a", x), dense(p, "b", x)).clamp(max=0.5)), {"x": (4,), "t": (2,)})

# ---- Recurrences

def recurrent(module, n, units, names, biases):
    """one of torch's recurrent layers: names of its weights here, in the order of torch's; biases: what is added in each step"""
    layer = module(n, units, batch_first=True).double()

    def f(p, x):
        weights = {"weight_ih_l0": p[names[0]].flatten(0, -2), "weight_hh_l0": p[names[1]].flatten(0, -2),
                   "bias_ih_l0": p["b"].flatten(), "bias_hh_l0": biases(p)}
        return torch.func.functional_call(layer, weights, (x,))[0]
    return f


def gates(count, n, units):
    return {"W": (count, units, n), "U": (count, units, units), "b": (count, units)}


def none(count):
    return lambda p: torch.zeros(count, dtype=torch.double)


sequence("rnn", "rnn(5)", recurrent(nn.RNN, 4, 5, "WU", none(5)), {"W": (5, 4), "U": (5, 5), "b": (5,)})
sequence("gru", "gru(5)", recurrent(nn.GRU, 4, 5, "WU", lambda p: torch.cat([torch.zeros(10, dtype=torch.double), p["d"]])),
         {**gates(3, 4, 5), "d": (5,)})
sequence("lstm", "lstm(5)", recurrent(nn.LSTM, 4, 5, "WU", none(20)), gates(4, 4, 5))
sequence("lstm_one_unit", "lstm(1)", recurrent(nn.LSTM, 4, 1, "WU", none(4)), gates(4, 4, 1))


def under(p, path):
    return {k[len(path) + 1:]: v for k, v in p.items() if k.startswith(path + ".")}


fact("layer_recurrent_stacked", """
     hidden = x      -> dense(3) -> tanh
     output = hidden -> lstm(4) -> gru(3) -> rnn(2) -> dense(1)
     """, {**weights("hidden", 3, 2), **{"output.lstm." + k: v for k, v in gates(4, 3, 4).items()},
           **{"output.gru." + k: v for k, v in {**gates(3, 4, 3), "d": (3,)}.items()},
           "output.rnn.W": (2, 3), "output.rnn.U": (2, 2), "output.rnn.b": (2,), **weights("output.dense", 1, 2)},
     lambda p, x: dense(p, "output.dense", recurrent(nn.RNN, 3, 2, "WU", none(2))(under(p, "output.rnn"), recurrent(
         nn.GRU, 4, 3, "WU", lambda q: torch.cat([torch.zeros(6, dtype=torch.double), q["d"]]))(under(p, "output.gru"), recurrent(
             nn.LSTM, 3, 4, "WU", none(16))(under(p, "output.lstm"), dense(p, "hidden", x).tanh())))),
     {"x": (7, 2), "t": (7, 1)})

fact("layer_lstm_lifted", """
     # one sequence for each of two channels, the same parameters for both
     hidden = x -> lstm(3)
     output = hidden -> flatten -> dense(2)
     """, {**{"hidden." + k: v for k, v in gates(4, 2, 3).items()}, **weights("output", 2, 30)},
     lambda p, x: dense(p, "output", recurrent(nn.LSTM, 2, 3, "WU", none(12))(under(p, "hidden"), x.flatten(0, 1)).reshape(len(x), -1)),
     {"x": (2, 5, 2), "t": (2,)})


# ---- Scans of a user's

def steps(count, f, *start):
    """what f(t, state...) gives first, for each step, stacked behind the batch"""
    out, state = [], start
    for t in range(count):
        state = f(t, *state)
        out.append(state[0])
    return torch.stack(out, 1)


def zeros(x, *shape):
    return torch.zeros(len(x), *shape, dtype=x.dtype)


fact("user_bidirectional", """
     layer both_ways(x[T, n], units) -> y[T, 2 * units] {
         param W[2, units, n]     = glorot_uniform(n, units)
         param U[2, units, units] = glorot_uniform(units, units)

         a[d, t, j] = sum(i: W[d, j, i] * x[t, i])
         scan t { f[t, j] = tanh(a[0, t, j] + sum(k: U[0, j, k] * (f[t-1, k] default 0))) }
         scan t reversed { b[t, j] = tanh(a[1, t, j] + sum(k: U[1, j, k] * (b[t+1, k] default 0))) }
         y[t, j in 0..2 * units] = if j < units then f[t, j] default 0 else b[t, j - units] default 0
     }

     hidden = x      -> both_ways(3)
     output = hidden -> dense(2)
     """, {"hidden.W": (2, 3, 2), "hidden.U": (2, 3, 3), **weights("output", 2, 6)},
     lambda p, x: dense(p, "output", torch.cat([
         steps(6, lambda t, h: (torch.tanh(x[:, t] @ p["hidden.W"][0].T + h @ p["hidden.U"][0].T),), zeros(x, 3)),
         steps(6, lambda t, h: (torch.tanh(x[:, 5 - t] @ p["hidden.W"][1].T + h @ p["hidden.U"][1].T),), zeros(x, 3)).flip(1)], 2)),
     {"x": (6, 2), "t": (6, 2)})

fact("user_leaky_integrator", """
     layer leaky(x[T, n]) -> h[T, n] {
         param a[n] = 1

         scan t { h[t, i] = sigmoid(a[i]) * (h[t-1, i] default 0) + (1 - sigmoid(a[i])) * x[t, i] }
     }

     hidden = x      -> dense(4) -> tanh -> leaky
     output = hidden -> dense(1)
     """, {"hidden.dense.W": (4, 2), "hidden.dense.b": (4,), "hidden.leaky.a": (4,), **weights("output", 1, 4)},
     lambda p, x: dense(p, "output", (lambda v, a: steps(8, lambda t, h: (a * h + (1 - a) * v[:, t],), zeros(x, 4)))(
         dense(p, "hidden.dense", x).tanh(), torch.sigmoid(p["hidden.leaky.a"]))), {"x": (8, 2), "t": (8, 1)})


def second_order(v, a, c):
    y = []
    for t in range(v.shape[1]):
        y.append(torch.tanh(v[:, t] + a * (y[t - 1] if t >= 1 else 0) + c * (y[t - 2] if t >= 2 else 0.1) + 0.1 * (y[t - 4] if t >= 4 else a)))
    return torch.stack(y, 1)


fact("user_second_order", """
     layer oscillator(x[T, n]) -> y[T, n] {
         param a[n] = 0.5
         param c[n] = -0.3

         scan t {
             y[t, i] = tanh(x[t, i] + a[i] * (y[t-1, i] default 0) + c[i] * (y[t-2, i] default 0.1) + 0.1 * (y[t-4, i] default a[i]))
         }
     }

     hidden = x      -> dense(3) -> oscillator
     output = hidden -> flatten -> dense(2)
     """, {"hidden.dense.W": (3, 2), "hidden.dense.b": (3,), "hidden.oscillator.a": (3,), "hidden.oscillator.c": (3,), **weights("output", 2, 21)},
     lambda p, x: dense(p, "output", second_order(dense(p, "hidden.dense", x), p["hidden.oscillator.a"], p["hidden.oscillator.c"]).flatten(1)),
     {"x": (7, 2), "t": (2,)})

fact("user_time_last", """
     # time is the last axis of what the scan computes
     layer running(x[n, T], units) -> h[units, T] {
         param W[units, n]     = glorot_uniform(n, units)
         param U[units, units] = glorot_uniform(units, units)
         param first[units]    = 0

         scan t { h[j, t] = tanh(sum(i: W[j, i] * x[i, t]) + sum(k: U[j, k] * (h[k, t-1] default first[k]))) }
     }

     hidden = x      -> running(4)
     output = hidden -> flatten -> dense(2)
     """, {"hidden.W": (4, 3), "hidden.U": (4, 4), "hidden.first": (4,), **weights("output", 2, 20)},
     lambda p, x: dense(p, "output", steps(5, lambda t, h: (torch.tanh(x[:, :, t] @ p["hidden.W"].T + h @ p["hidden.U"].T),),
                                           p["hidden.first"].expand(len(x), 4)).mT.flatten(1)), {"x": (3, 5), "t": (2,)})

fact("user_fast_weights", """
     # a memory of outer products, asked at each step  (linear attention)
     layer fast_weights(x[T, n], width) -> y[T, width] {
         param Q[width, n] = glorot_uniform(n, width)
         param K[width, n] = glorot_uniform(n, width)
         param V[width, n] = glorot_uniform(n, width)
         param decay       = 0.9

         scan t {
             M[t, a, b] = decay * (M[t-1, a, b] default 0) + sum(i: K[a, i] * x[t, i]) * sum(i: V[b, i] * x[t, i])
             y[t, b]    = sum(a: M[t, a, b] * sum(i: Q[a, i] * x[t, i]))
         }
     }

     hidden = x      -> fast_weights(3)
     output = hidden -> tanh -> dense(2)
     """, {"hidden.Q": (3, 2), "hidden.K": (3, 2), "hidden.V": (3, 2), "hidden.decay": torch.tensor(0.8, dtype=torch.double), **weights("output", 2, 3)},
     lambda p, x: dense(p, "output", (lambda q, k, v, ms: torch.einsum("bta,btac->btc", q, ms(k, v)))(
         *(x @ p["hidden." + c].T for c in "QKV"), lambda k, v: steps(
             6, lambda t, m: (p["hidden.decay"] * m + k[:, t, :, None] * v[:, t, None],), zeros(x, 3, 3))).tanh()), {"x": (6, 2), "t": (6, 2)})

fact("user_layer_in_scan", """
     # layers and functions inside a scan: what they share, they share over time
     layer cell(x[T, n], units) -> h[T, units] {
         param W[units, n]     = glorot_uniform(n, units)
         param U[units, units] = glorot_uniform(units, units)

         scan t {
             g[t, j] = sum(i: W[j, i] * x[t, i]) + sum(k: U[j, k] * (h[t-1, k] default 0))
             p[t, j] = softmax(g[t])[j]
             h[t, j] = gelu(g[t, j]) * p[t, j]
         }
     }

     hidden = x      -> cell(4)
     output = hidden -> layer_norm -> dense(2)
     """, {"hidden.W": (4, 3), "hidden.U": (4, 4), "output.layer_norm.gain": (4,), "output.layer_norm.bias": (4,), **weights("output.dense", 2, 4)},
     lambda p, x: dense(p, "output.dense", F.layer_norm(steps(6, lambda t, h: (
         (lambda g: F.gelu(g) * g.softmax(1))(x[:, t] @ p["hidden.W"].T + h @ p["hidden.U"].T),), zeros(x, 4)), (4,),
         p["output.layer_norm.gain"], p["output.layer_norm.bias"], 1e-5)), {"x": (6, 3), "t": (6, 2)})

fact("user_running_max", """
     hidden = x -> dense(3) -> tanh
     scan t {
         high[t, i]    = max(high[t-1, i] default -2, hidden[t, i])
         average[t, i] = ((average[t-1, i] default 0) * t + hidden[t, i]) / (t + 1)
     }
     output = (high + average) -> dense(2)
     """, {**weights("hidden", 3, 2), **weights("output", 2, 3)},
     lambda p, x: dense(p, "output", (lambda h: h.cummax(1).values + h.cumsum(1) / torch.arange(1, 7)[:, None])(dense(p, "hidden", x).tanh())),
     {"x": (6, 2), "t": (6, 2)})

fact("user_integration", """
     # Euler's method through a field that is learned: time is not an axis of the data
     layer flow(x[n], units) -> y[n] {
         param W[units, n] = glorot_uniform(n, units)
         param V[n, units] = glorot_uniform(units, n)

         scan s in 0..5 {
             a[s, j] = tanh(sum(i: W[j, i] * (z[s-1, i] default x[i])))
             z[s, i] = (z[s-1, i] default x[i]) + 0.3 * sum(j: V[i, j] * a[s, j])
         }
         y[i] = z[4, i]
     }

     hidden = x      -> dense(3) -> flow(4)
     output = hidden -> dense(2)
     """, {**weights("hidden.dense", 3, 2), "hidden.flow.W": (4, 3), "hidden.flow.V": (3, 4), **weights("output", 2, 3)},
     lambda p, x: dense(p, "output", steps(5, lambda t, z: (z + 0.3 * torch.tanh(z @ p["hidden.flow.W"].T) @ p["hidden.flow.V"].T,),
                                           dense(p, "hidden.dense", x))[:, 4]), {"x": (2,), "t": (2,)})

fact("user_scan_of_scan", """
     # the second scan reads all of the first, backwards; a residual around both
     layer there_and_back(x[T, n]) -> y[T, n] {
         param U[n, n] = orthogonal(n, n)
         param V[n, n] = orthogonal(n, n)

         scan t { f[t, j] = tanh(x[t, j] + sum(k: U[j, k] * (f[t-1, k] default 0))) }
         scan t reversed { r[t, j] = tanh(f[t, j] + mean(s: f[s, j]) + sum(k: V[j, k] * (r[t+1, k] default 0))) }
         y[t, j] = x[t, j] + r[t, j]
     }

     hidden = x      -> dense(3) -> there_and_back
     output = hidden -> dense(2)
     """, {**weights("hidden.dense", 3, 2), "hidden.there_and_back.U": (3, 3), "hidden.there_and_back.V": (3, 3), **weights("output", 2, 3)},
     lambda p, x: dense(p, "output", (lambda v: (lambda f: v + steps(6, lambda t, r: (torch.tanh(
         f[:, 5 - t] + f.mean(1) + r @ p["hidden.there_and_back.V"].T),), zeros(x, 3)).flip(1))(
             steps(6, lambda t, h: (torch.tanh(v[:, t] + h @ p["hidden.there_and_back.U"].T),), zeros(x, 3))))(dense(p, "hidden.dense", x))),
     {"x": (6, 2), "t": (6, 2)})


def functions(a):
    return ((torch.sqrt(1 + a ** 2) + torch.log(2 + torch.sin(a)) - torch.cos(2 * a) / (1 + torch.exp(-a)) + a.abs() ** 1.5 + 2 ** (a / 4))
            / torch.cosh(a) + torch.erf(a) * F.softplus(a))

fact("user_functions", """
     a      = x -> dense(5)
     b      = sqrt(1 + a^2) + log(2 + sin(a)) - cos(2 * a) / (1 + exp(-a)) + abs(a)^1.5 + 2^(a / 4)
     output = (b / cosh(a) + erf(a) * softplus(a)) -> dense(2)
     """, {**weights("a", 5, 4), **weights("output", 2, 5)},
     lambda p, x: dense(p, "output", functions(dense(p, "a", x))), {"x": (4,), "t": (2,)}, sgd_rate=0.01)

fact("user_smooth", """
     # a loss of one's own: near the target, and without jumps
     loss smooth(y[n], t[n], strength = 0.1) =
         mean(i: (y[i] - t[i])^2) + strength * sum(i in 0..n - 1: (y[i + 1] - y[i])^2)

     output = x -> dense(5) -> tanh -> dense(6)

     loss      = smooth(output, t, strength = 0.25)
     """, {**weights("output.dense", 5, 4), **weights("output.dense_2", 6, 5)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()), {"x": (4,), "t": (6,)},
     lambda p, y, t: F.mse_loss(y, t) + 0.25 * y.diff(dim=1).square().sum(1).mean())

fact("user_layer_value", """
     # a layer that takes a layer's place: used on every step, and once more on their mean
     function middle(x[T, n]) -> y[n] { y[i] = mean(t: x[t, i]) }

     expand = dense(4)
     steps  = x -> expand -> tanh
     whole  = x -> middle -> expand -> tanh
     output = concat(steps -> middle, whole) -> dense(2)
     """, {**weights("expand", 4, 3), **weights("output", 2, 8)},
     lambda p, x: dense(p, "output", torch.cat([dense(p, "expand", x).tanh().mean(1), dense(p, "expand", x.mean(1)).tanh()], 1)),
     {"x": (5, 3), "t": (2,)})


# ---- Larger models of a user's, that combine what the language has

def conv_lstm(q, x, f):
    def step(t, h, c):
        z = torch.stack([F.conv2d(x[:, t], q["W"][g], q["b"][g], padding=1) + F.conv2d(h, q["U"][g], padding=1) for g in range(4)], 1)
        c = z[:, 1].sigmoid() * c + z[:, 0].sigmoid() * z[:, 2].tanh()
        return z[:, 3].sigmoid() * c.tanh(), c
    return steps(x.shape[1], step, zeros(x, f, *x.shape[3:]), zeros(x, f, *x.shape[3:]))

fact("user_conv_lstm", """
     layer conv_lstm(x[T, c, h, w], filters, kernel = 3) -> y[T, filters, h, w] {
         param W[4, filters, c, kernel, kernel]       = glorot_uniform(c * kernel^2, filters * kernel^2)
         param U[4, filters, filters, kernel, kernel] = glorot_uniform(filters * kernel^2, filters * kernel^2)
         param b[4, filters]                          = 0

         scan t {
             z[t, g, o, r in 0..h, s in 0..w] = sum(a, u, v: W[g, o, a, u, v] * (x[t, a, r + u - kernel / 2, s + v - kernel / 2] default 0))
                              + sum(a, u, v: U[g, o, a, u, v] * (y[t-1, a, r + u - kernel / 2, s + v - kernel / 2] default 0)) + b[g, o]
             m[t, o, r, s]    = sigmoid(z[t, 1, o, r, s]) * (m[t-1, o, r, s] default 0) + sigmoid(z[t, 0, o, r, s]) * tanh(z[t, 2, o, r, s])
             y[t, o, r, s]    = sigmoid(z[t, 3, o, r, s]) * tanh(m[t, o, r, s])
         }
     }

     hidden = x      -> conv_lstm(2)
     output = hidden -> flatten -> dense(2)
     """, {"hidden.W": (4, 2, 1, 3, 3), "hidden.U": (4, 2, 2, 3, 3), "hidden.b": (4, 2), **weights("output", 2, 72)},
     lambda p, x: dense(p, "output", conv_lstm(under(p, "hidden"), x, 2).flatten(1)), {"x": (3, 1, 3, 4), "t": (2,)})

def gru_cell(W, U, b, d, x, h):
    a = torch.einsum("gji,bi->bgj", W, x) + b
    u = torch.einsum("gjk,bk->bgj", U, h)
    r = torch.sigmoid(a[:, 0] + u[:, 0]); z = torch.sigmoid(a[:, 1] + u[:, 1])
    c = torch.tanh(a[:, 2] + r * (u[:, 2] + d))
    return (1 - z) * c + z * h

def gru_run(q, x, units):
    return steps(x.shape[1], lambda t, h: (gru_cell(q["W"], q["U"], q["b"], q["d"], x[:, t], h),), zeros(x, units))

def crf(p, x):
    f = gru_run(under(p, "forth"), x, 3)
    b = gru_run(under(p, "back"), x.flip(1), 3).flip(1)
    return dense(p, "emit", torch.cat([f, b], 2))

def gather(p, x, r, c, a):
    h = dense(p, "h", x).tanh()
    B = torch.arange(len(x))[:, None]
    y = h[B, r, c]
    z = h[B, a[B, r]][:, :, 0] * p["hop.s"]
    return dense(p, "output", torch.cat([y, z], 1))

def crf_loss(p, e, t):
    A, s, T = p["nll.A"], p["nll.start"], e.shape[1]
    a = e[:, 0] + s
    score = a.gather(1, t[:, :1])[:, 0]
    for k in range(1, T):
        a = torch.logsumexp(a[:, :, None] + A, 1) + e[:, k]
        score = score + A[t[:, k - 1], t[:, k]] + e[:, k].gather(1, t[:, k:k + 1])[:, 0]
    return (torch.logsumexp(a, 1) - score).mean() / T

fact("user_crf", """
     # -log of the probability of a sequence of tags: the log-sum-exp over all sequences is a scan  (Lafferty et al. 2001)
     layer crf(e[T, K], tag[T] : index(K)) -> y[1] {
         param A[K, K]  = normal(0, 0.1)
         param start[K] = 0

         scan t { a[t, j] = e[t, j] + (if t == 0 then start[j] else log(sum(i: exp((a[t-1, i] default 0) + A[i, j])))) }
         score[t] = e[t, tag[t]] + (if t == 0 then start[tag[t]] else A[tag[t - 1] default 0, tag[t]])
         y[i]     = (log(sum(k: exp(a[T - 1, k]))) - sum(t: score[t])) / T
     }

     forth = x -> gru(3)
     back  = x -> reverse -> gru(3) -> reverse
     emit  = concat(forth, back) -> dense(4)
     nll   = crf(emit, t)

     loss      = nll[0]
     """, {**{"forth." + k: v for k, v in {**gates(3, 2, 3), "d": (3,)}.items()}, **{"back." + k: v for k, v in {**gates(3, 2, 3), "d": (3,)}.items()},
           **weights("emit", 4, 6), "nll.A": (4, 4), "nll.start": (4,)},
     crf, {"x": (5, 2), "t": (5,)}, crf_loss, index={"t": 4})

def squash(s):
    n = s.square().sum(-1, keepdim=True)
    return n / (1 + n) * s / torch.sqrt(n + 1e-6)

def capsules(p, x):
    u = torch.einsum("ijkm,bim->bijk", p["hidden.W"], dense(p, "front", x).tanh())
    b = torch.zeros(len(x), 4, 3)
    for _ in range(3):
        v = squash(torch.einsum("bij,bijk->bjk", b.softmax(2), u))
        b = b + torch.einsum("bijk,bjk->bij", u, v)
    return torch.sqrt(v.square().sum(-1) + 1e-6)

fact("user_capsules", """
     function squash(s[k]) -> y[k] {
         n    = sum(i: s[i]^2)
         y[i] = n / (1 + n) * s[i] / sqrt(n + 1e-6)
     }
     # routing by agreement: three rounds, of which each reads what the one before agreed on  (Sabour et al. 2017)
     layer capsules(x[m, n], count, width) -> y[count, width] {
         param W[m, count, width, n] = glorot_uniform(n, width)

         u[i, j, k] = sum(a: W[i, j, k, a] * x[i, a])
         scan r in 0..3 {
             c[r, i, j] = softmax(b[r-1, i] default 0)[j]
             s[r, j, k] = sum(i: c[r, i, j] * u[i, j, k])
             v[r, j, k] = squash(s[r, j])[k]
             b[r, i, j] = (b[r-1, i, j] default 0) + sum(k: u[i, j, k] * v[r, j, k])
         }
         y[j, k] = v[2, j, k]
     }

     front  = x     -> dense(3) -> tanh
     hidden = front -> capsules(3, width = 2)
     output[j] = sqrt(sum(k: hidden[j, k]^2) + 1e-6)
     """, {**weights("front", 3, 2), "hidden.W": (4, 3, 2, 3)}, capsules, {"x": (4, 2), "t": (3,)}, sgd_rate=0.3)

def spectral(p, path, x):
    W, u = p[path + ".W"], p[path + ".running"]
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0, eps=1e-12)
        u.copy_(F.normalize(W @ v, dim=0, eps=1e-12))
        u = u.clone()
    return F.linear(x, W / (u @ W @ v), p[path + ".b"])

fact("user_spectral_norm", """
     # W over its largest singular value, which one step of power iteration a training step estimates  (Miyato et al. 2018)
     layer spectral(x[n], units) -> y[units] {
         param W[units, n]    = glorot_uniform(n, units)
         param b[units]       = 0
         state running[units] = normal(0, 1)

         a[i] = sum(j: W[j, i] * running[j])
         v    = stop(a / sqrt(sum(i: a[i]^2)))
         c[j] = sum(i: W[j, i] * v[i])
         running[j] = c[j] / sqrt(sum(k: c[k]^2))
         sigma = sum(i, j: running[j] * W[j, i] * v[i])
         y[j]  = sum(i: W[j, i] * x[i]) / sigma + b[j]
     }

     hidden = x      -> spectral(4) -> tanh
     output = hidden -> spectral(3)
     """, {"hidden.W": (4, 3), "hidden.b": (4,), "hidden.running": (4,), "output.W": (3, 4), "output.b": (3,), "output.running": (3,)},
     two(spectral), {"x": (3,), "t": (3,)})

fact("user_ctc", """
     # -log of the probability of all ways to say a label: blanks between, letters repeated  (Graves et al. 2006)
     loss ctc(p[T, K], t[L] : index(K)) -> y {
         l[s in 0..2 * L + 1] = if s mod 2 == 0 then 0 else t[s / 2] default 0
         skips[s in 0..2 * L + 1] = if s mod 2 == 1 and s >= 3 and not ((t[s / 2] default 0) == (t[s / 2 - 1] default 0)) then 1 else 0
         e[i, s in 0..2 * L + 1] = log(if s mod 2 == 0 then p[i, 0] else p[i, t[s / 2] default 0])
         scan i {
             a[i, s] = e[i, s] + (if i == 0 then (if s < 2 then 0 else -inf)
                 else log(exp(a[i-1, s] default 0) + exp(a[i-1, s-1] default -inf) + (if skips[s] == 1 then exp(a[i-1, s-2] default -inf) else 0)))
         }
         y = -log(exp(a[T - 1, 2 * L]) + exp(a[T - 1, 2 * L - 1])) / L
     }
     output = x -> rnn(4) -> dense(4) -> softmax

     loss      = ctc(output, t)
     """, {"output.rnn.W": (4, 2), "output.rnn.U": (4, 4), "output.rnn.b": (4,), **weights("output.dense", 4, 4)},
     lambda p, x: dense(p, "output.dense", recurrent(nn.RNN, 2, 4, "WU", none(4))(under(p, "output.rnn"), x)), {"x": (7, 2), "t": torch.tensor([[1, 2], [2, 2], [3, 1], [1, 3], [2, 1], [1, 1], [3, 2], [2, 3]])},
     lambda p, y, t: F.ctc_loss(y.log_softmax(2).transpose(0, 1), t, torch.full((len(y),), 7), torch.full((len(y),), 2)), index={"t": 4})

def softdtw(p, y, t):
    Dm = (y[:, :, None] - t[:, None]).square().sum(3)
    n = Dm.shape[1]; R = {}
    for i in range(n):
        for j in range(n):
            if i == j == 0: R[i, j] = Dm[:, 0, 0]; continue
            c = [R[k] for k in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if k in R]
            R[i, j] = Dm[:, i, j] - torch.logsumexp(-torch.stack(c), 0)
    return R[n - 1, n - 1].mean()

fact("user_soft_dtw", """
     # how far two sequences are apart, each free in its speed: a scan over antidiagonals  (Cuturi, Blondel 2017)
     loss soft_dtw(y[T, n], t[T, n]) -> r {
         C[i, j] = sum(k: (y[i, k] - t[j, k])^2)
         scan d in 0..2 * T - 1 {
             R[d, i in 0..T] = (C[i, d - i] default 500) + (if d == 0 then (if i == 0 then 0 else 500)
                 else -log(exp(-(R[d-1, i-1] default 500)) + exp(-(R[d-1, i] default 500)) + exp(-(R[d-2, i-1] default 500))))
         }
         r = R[2 * T - 2, T - 1]
     }
     output = x -> dense(3) -> tanh -> dense(2)

     loss      = soft_dtw(output, t)
     """, {**weights("output.dense", 3, 2), **weights("output.dense_2", 2, 3)},
     lambda p, x: dense(p, "output.dense_2", dense(p, "output.dense", x).tanh()), {"x": (4, 2), "t": (4, 2)}, softdtw, sgd_rate=0.01)

def memory(p, x):
    q = under(p, "hidden")
    M, out = q["first"].expand(len(x), -1, -1), []
    for t in range(5):
        k, v, e = x[:, t] @ q["K"].T, x[:, t] @ q["V"].T, (x[:, t] @ q["E"].T).sigmoid()
        a = torch.softmax(torch.einsum("bsj,bj->bs", M, k), 1)
        M = M * (1 - a[:, :, None] * e[:, None]) + a[:, :, None] * v[:, None]
        out.append(torch.einsum("bs,bsj->bj", a, M))
    return dense(p, "output", torch.stack(out, 1))

fact("user_memory", """
     # a memory of slots, addressed by content, erased and written in each step  (Graves et al. 2014)
     layer turing(x[T, n], slots, width) -> y[T, width] {
         param K[width, n] = glorot_uniform(n, width)
         param V[width, n] = glorot_uniform(n, width)
         param E[width, n] = glorot_uniform(n, width)
         param first[slots, width] = normal(0, 0.5)

         scan t {
             k[t, j] = sum(i: K[j, i] * x[t, i])
             s[t, m] = sum(j: (M[t-1, m, j] default first[m, j]) * k[t, j])
             a[t, m] = softmax(s[t])[m]
             M[t, m, j] = (M[t-1, m, j] default first[m, j]) * (1 - a[t, m] * sigmoid(sum(i: E[j, i] * x[t, i]))) + a[t, m] * sum(i: V[j, i] * x[t, i])
             y[t, j] = sum(m: a[t, m] * M[t, m, j])
         }
     }
     hidden = x -> turing(3, width = 2)
     output = hidden -> dense(2)
     """, {"hidden.K": (2, 3), "hidden.V": (2, 3), "hidden.E": (2, 3), "hidden.first": (3, 2), **weights("output", 2, 2)}, memory, {"x": (5, 3), "t": (5, 2)})

def hard(p, x):
    g = dense(p, "gate", x).softmax(1)
    k = g.argmax(1)
    y = g.gather(1, k[:, None]) * torch.tanh(torch.einsum("bji,bi->bj", p["hidden.W"][k], x) + p["hidden.b"][k])
    return dense(p, "output", y), g, k

def hard_loss(p, o, t):
    y, g, k = o
    share = F.one_hot(k, 3).double().mean(0); m = g.mean(0)
    return F.mse_loss(y, t) + 0.1 * 3 * (share * m).sum()

fact("user_switch", """
     # one expert for each example, the likeliest  (switch transformer), and a loss that keeps all of them busy
     layer chosen(x[n], k : index(K), units) -> y[units] {
         param W[K, units, n] = glorot_uniform(n, units)
         param b[K, units]    = 0

         y[j] = tanh(sum(i: W[k, j, i] * x[i]) + b[k, j])
     }
     loss balance(g[n], k : index(n)) = n * sum(i: batch_mean(if i == k then 1 else 0) * batch_mean(g[i]))

     gate   = x -> dense(3) -> softmax
     best   = argmax(e: gate[e])
     hidden = chosen(x, best, 4) * gate[best]
     output = hidden -> dense(2)

     loss      = mean_squared_error(output, t) + 0.1 * balance(gate, best)
     """, {**weights("gate", 3, 4), "hidden.W": (3, 4, 4), "hidden.b": (3, 4), **weights("output", 2, 4)},
     hard, {"x": (4,), "t": (2,)}, hard_loss, rows=16, batch=8)

def past(p, x):
    q, hs = under(p, "hidden"), []
    for t in range(6):
        if t == 0:
            c = torch.zeros(len(x), 3)
        else:
            H = torch.stack(hs[::-1][:3], 1)
            query = (hs[-1] @ q["A"].T)
            c = torch.einsum("bd,bdk->bk", torch.einsum("bk,bdk->bd", query, H).softmax(1), H)
        hs.append(torch.tanh(x[:, t] @ q["W"].T + c @ q["U"].T))
    return torch.stack(hs, 1)

def learned(w, g, st, rate):
    c = st.setdefault("c", torch.zeros_like(w)); h = st.setdefault("h", torch.full_like(w, 0.1))
    f = torch.sigmoid(1.2 * h - 0.7 * g + 0.5); n = torch.tanh(0.8 * g + 0.3 * h)
    c.copy_(f * c + (1 - f) * n); h.copy_(torch.tanh(c) * torch.sigmoid(2 * g))
    w.sub_(rate * h)

def vq(p, x):
    z = dense(p, "z", x).tanh()
    k = (z[:, None] - p["code.C"]).square().sum(2).argmin(1)
    q = p["code.C"][k]
    return dense(p, "output", z + (q - z).detach()), z, q

fact("user_vector_quantisation", """
     # the nearest of K learned vectors; the gradient goes past it  (van den Oord et al. 2017)
     layer nearest(x[n], K) -> y[n] {
         param C[K, n] = normal(0, 1)
         d[k] = sum(i: (x[i] - C[k, i])^2)
         best = argmin(k: d[k])
         y[i] = C[best, i]
     }
     z      = x -> dense(3) -> tanh
     code   = z -> nearest(4)
     output = (z + stop(code - z)) -> dense(2)

     loss      = mean_squared_error(output, t) + sum_squares(stop(z) - code) + 0.25 * sum_squares(z - stop(code))
     """, {**weights("z", 3, 4), "code.C": 0.5 * torch.tensor([[1., 1, 1], [-1, -1, -1], [1, -1, 1], [-1, 1, -1]]), **weights("output", 2, 3)},
     vq, {"x": (4,), "t": (2,)}, lambda p, o, t: F.mse_loss(o[0], t) + (o[1].detach() - o[2]).square().sum(1).mean() + 0.25 * (o[1] - o[2].detach()).square().sum(1).mean(), rows=24, batch=12)

fact("user_gather", """
     # rows, columns, and one pointer behind another: a tensor read at places that the data say
     function pick(h[T, n], r[k] : index(T), c[k] : index(n)) -> y[k] { y[i] = h[r[i], c[i]] }
     layer hop(h[T, n], r[k] : index(T), a[T] : index(T)) -> y[k] {
         param s[k] = 1
         y[i] = s[i] * h[a[r[i]], 0]
     }
     h      = x -> dense(3) -> tanh
     hop    = hop(h, r, a)
     output = concat(pick(h, r, c), hop) -> dense(2)
     """, {**weights("h", 3, 2), "hop.s": (4,), **weights("output", 2, 8)}, gather, {"x": (5, 2), "r": (4,), "c": (4,), "a": (5,), "t": (2,)}, index={"r": 5, "c": 3, "a": 5})

fact("user_grouped_dilated", """
     layer conv(x[c, h, w], filters, kernel = 3, stride = 1, dilation = 1, groups = 1, top = 0, bottom = 0, left = 0, right = 0)
         -> y[filters, (h + top + bottom - dilation * (kernel - 1) - 1) / stride + 1, (w + left + right - dilation * (kernel - 1) - 1) / stride + 1] {
         param W[filters, c / groups, kernel, kernel] = glorot_uniform(c / groups * kernel^2, filters / groups * kernel^2)
         param b[filters] = 0

         y[o, r, s] = b[o] + sum(a, u, v: W[o, a, u, v] * (x[o / (filters / groups) * (c / groups) + a,
                                                            stride * r + dilation * u - top, stride * s + dilation * v - left] default 0))
     }

     hidden = x      -> conv(4, kernel = 2, stride = 2, dilation = 3, groups = 2, top = 1, bottom = 3, left = 2) -> tanh
     output = hidden -> conv(6, kernel = 2, dilation = 1, groups = 2, right = 2, bottom = 1) -> flatten -> dense(2)
     """, {**weights("hidden", 4, 2, 2, 2), **weights("output.conv", 6, 2, 2, 2), **weights("output.dense", 2, 72)},
     lambda p, x: dense(p, "output.dense", F.conv2d(F.pad(F.conv2d(F.pad(x, (2, 0, 1, 3)), p["hidden.W"], p["hidden.b"], 2, 0, 3, 2).tanh(), (0, 2, 0, 1)),
                                                 p["output.conv.W"], p["output.conv.b"], 1, 0, 1, 2).flatten(1)), {"x": (4, 5, 7), "t": (2,)})

def wide_heads(p, x):
    q, v = (x @ p["output.heads." + k].T for k in "QV")
    s = torch.einsum("bihc,bjc->bhij", q.reshape(-1, 12, 4, 8), x[:, :, :8])
    return torch.einsum("bhij,bjhc->bihc", s.softmax(-1), v.reshape(-1, 12, 4, 8)).flatten(1)

fact("user_grouped_wide", """
     layer heads(x[T, n], width, heads) -> y[T, width] {
         param Q[width, n] = glorot_uniform(n, width)
         param V[width, n] = glorot_uniform(n, width)

         q[i, k] = sum(m: Q[k, m] * x[i, m])
         s[h in 0..heads, i, j] = sum(a in 0..width / heads: q[i, h * (width / heads) + a] * x[j, a])
         p = softmax(s)
         y[i, k] = sum(j: p[k / (width / heads), i, j] * sum(m: V[k, m] * x[j, m]))
     }

     hidden   = x      -> conv2d(32, kernel = 3, pad = 1, groups = 4) -> tanh
     pixels   = hidden -> conv2d(32, kernel = 2, groups = 2)
     sequence = pixels -> reshape(12, 32)
     output   = sequence -> heads(32, 4) -> flatten -> dense(2)
     """, {**weights("hidden", 32, 2, 3, 3), **weights("pixels", 32, 16, 2, 2), "output.heads.Q": (32, 32), "output.heads.V": (32, 32),
           **weights("output.dense", 2, 384)},
     lambda p, x: dense(p, "output.dense", wide_heads(p, F.conv2d(F.conv2d(x, p["hidden.W"], p["hidden.b"], 1, 1, 1, 4).tanh(),
                                                            p["pixels.W"], p["pixels.b"], 1, 0, 1, 2).reshape(-1, 12, 32))),
     {"x": (8, 4, 5), "t": (2,)})

fact("user_siamese", """
     function cosine_similarity(a[n], b[n]) -> s[1] {
         s[i] = sum(k: a[k] * b[k]) / max(sqrt(sum(k: a[k]^2)) * sqrt(sum(k: b[k]^2)), 1e-8)
     }
     loss cosine_margin(s[n], t[n], margin = 0.2) = mean(i: if t[i] > 0 then 1 - s[i] else max(0, s[i] - margin))

     layer encoder(x[T, n], units) -> y[units] {
         h = x -> gru(units) -> tanh
         y = h -> last_step -> dense(units)
     }
     encode = encoder(3)
     output = cosine_similarity(a -> encode, b -> encode)

     loss      = cosine_margin(output, t)
     """, {**{"encode.h." + k: v for k, v in {**gates(3, 2, 3), "d": (3,)}.items()}, **weights("encode.y", 3, 3)},
     lambda p, a, b: tuple(dense(p, "encode.y", gru_run(under(p, "encode.h"), x, 3).tanh()[:, -1]) for x in (a, b)),
     {"a": (4, 2), "b": (4, 2), "t": torch.tensor([[1], [-1], [1], [-1], [-1], [1], [1], [-1.0]])}, lambda p, y, t: F.cosine_embedding_loss(*y, t[:, 0], margin=0.2))
