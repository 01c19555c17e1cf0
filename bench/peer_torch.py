#!/usr/bin/env python3
"""PyTorch, as its users write it: modules, autograd and an optimizer of torch.optim."""
import torch
from torch import nn
from torch.nn import functional

from peer import measure, row, start

torch.set_num_threads(1)


class LastStep(nn.Module):
    """A recurrent layer's last step. Of its two biases the second is another copy of the first, and stays 0: but for gru's candidate."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.trained = slice(0, 0)
        if isinstance(layer, nn.GRU):
            self.trained = slice(2 * layer.hidden_size, None)
            layer.bias_hh_l0.register_hook(self.gradient)
        else:
            layer.bias_hh_l0.requires_grad_(False)
        with torch.no_grad():
            layer.bias_hh_l0.zero_()
        layer.bias_hh_l0.part = self.trained

    def gradient(self, g):
        kept = torch.zeros_like(g)
        kept[self.trained] = g[self.trained]
        return kept

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Scale(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(shape))

    def forward(self, x):
        return self.gain * x


class Mixture(nn.Module):
    def __init__(self, n, experts, units):
        super().__init__()
        self.G = nn.Parameter(torch.empty(experts, n))
        self.W = nn.Parameter(torch.empty(experts * units, n))
        self.b = nn.Parameter(torch.empty(experts * units))
        self.shape = (experts, units)

    def forward(self, x):
        p = torch.softmax(functional.linear(x, self.G), -1)
        return (p.unsqueeze(-1) * torch.tanh(functional.linear(x, self.W, self.b)).unflatten(-1, self.shape)).sum(-2)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.Q, self.K, self.V, self.O = (nn.Parameter(torch.empty(width, width)) for _ in range(4))
        self.heads = heads

    def forward(self, x):
        split = [functional.linear(x, w).unflatten(-1, (self.heads, -1)).transpose(1, 2) for w in (self.Q, self.K, self.V)]
        q, k, v = split
        p = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
        return functional.linear((p @ v).transpose(1, 2).flatten(2), self.O)


def network():
    if row.layers:
        activation = {"RELU": nn.ReLU, "TANH": nn.Tanh, "SIGMOID": nn.Sigmoid}[row.activation]
        layers = []
        for n, units in zip(row.layers, row.layers[1:]):
            layers += [nn.Linear(n, units), activation()]
        return nn.Sequential(*(layers if row.activation == "SIGMOID" else layers[:-1]))
    return {
        "lenet": lambda: nn.Sequential(
            *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        ),
        "conv": lambda: nn.Sequential(Scale(16, 16, 16), nn.Conv2d(16, 32, 3, padding=1)),
        "strided": lambda: nn.Sequential(Scale(16, 16, 16), nn.Conv2d(16, 32, 3, stride=2, dilation=3, padding=3)),
        "lstm": lambda: nn.Sequential(LastStep(nn.LSTM(28, 64, batch_first=True)), nn.Linear(64, 10)),
        "gru": lambda: nn.Sequential(LastStep(nn.GRU(28, 64, batch_first=True)), nn.Linear(64, 10)),
        "experts": lambda: Mixture(128, 4, 64),
        "attention": lambda: Attention(128, 4),
    }[row.network]()


x, t, numbers = start()
x, t, numbers = torch.from_numpy(x), torch.from_numpy(t), torch.from_numpy(numbers)
classes = t.argmax(-1) if row.loss == "cross_entropy" else None
model = network()
optimizer = None


def restart():
    global optimizer
    at = 0
    with torch.no_grad():
        for parameter in model.parameters():
            part = parameter[getattr(parameter, "part", slice(None))]
            part.copy_(numbers[at : at + part.numel()].view_as(part))
            at += part.numel()
    assert at == len(numbers)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=row.rate) if row.adam else torch.optim.SGD(trained, lr=row.rate)


def loss_of(y, step):
    if row.loss == "cross_entropy":
        return functional.cross_entropy(y, classes[step])
    if row.loss == "half_squared_error":
        return 0.5 * ((y - t[step]) ** 2).sum() / row.batch
    return functional.mse_loss(y, t[step])


def train(first, n):
    total = 0.0
    for step in range(first, first + n):
        optimizer.zero_grad()
        loss = loss_of(model(x[step]), step)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / n


measure(restart, train)
