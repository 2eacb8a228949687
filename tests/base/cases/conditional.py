"""torch.cond: predicates of values, of sizes and of constants, and what branches take and give back."""

import torch
from torch import nn
from torch2trt.testing import Case, b8, f32, i64

N = {0: "n"}
HALVES = (torch.float32, torch.float16, torch.bfloat16)
YES, NO = torch.tensor(True), torch.tensor(False)
torch.manual_seed(0)


def row(name, call, inputs, **options):
    return Case("higher_order.cond", call, inputs, name=name, **options)


class Gate(nn.Module):
    """A large branch and a small one, by a value."""

    def __init__(self):
        super().__init__()
        self.small = nn.Linear(4, 4)
        self.large = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 4))

    def forward(self, x, flag):
        return torch.cond(flag, lambda y: self.large(y), lambda y: self.small(y) * 2, (x,))


class Convolutions(nn.Module):
    """Branches whose converters need constant weights; one normalizes with statistics."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.SiLU())

    def forward(self, x, flag):
        return torch.cond(flag, self.first, self.second, (x,))


class Buffers(nn.Module):
    """Buffers of a branch's own, one of small integers, that no argument of it is."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))
        self.register_buffer("places", torch.tensor([2, 0], dtype=torch.uint8))

    def forward(self, x, flag):
        return torch.cond(
            flag, lambda x: x + self.table[self.places.long()].sum(0), lambda x: x * self.table[0].cos(), (x,)
        )


class Nested(nn.Module):
    """A conditional in a branch of another."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        def inner(x):
            return torch.cond(x.amax() > 1, lambda x: self.linear(x).exp(), lambda x: x - self.linear.bias, (x,))

        return torch.cond(x.sum() > 0, inner, lambda x: self.linear(x).sin(), (x,))


def _by_length(x):
    return torch.cond(x.shape[0] > 3, lambda x: x.cumsum(0), lambda x: x * x.shape[0], (x,))


def _sizes(x, y):
    """Sizes that a branch has from outside."""
    n = y.shape[0]
    return torch.cond(x.sum() > 0, lambda x: x.repeat(n, 1).sum(0) + n, lambda x: x.sum(0) / n, (x,))


def _several(x, ids):
    return torch.cond(
        ids.sum() > 0,
        lambda x, ids: {"a": x.relu(), "b": (ids + 1, ids > 0)},
        lambda x, ids: {"a": x.neg(), "b": (ids * 2, ids < 0)},
        (x, ids),
    )


def _given_back(x):
    """Branches that compute nothing of what they return, or return constants."""
    return torch.cond(
        x.sum() > 0,
        lambda x: (x.clone(), torch.ones(3), x.sum(0)),
        lambda x: (x + 0, torch.zeros(3) + x[0, 0], torch.full((4,), 2.0)),
        (x,),
    )


def _shared(x):
    """A constant of the model that both branches use, and the model itself."""
    offset = torch.arange(4.0)
    y = torch.cond(x.sum() > 0, lambda x: x + offset, lambda x: x * offset, (x,))
    return y - offset


def _twice(x):
    """Two conditionals in a row, the second on what the first gives."""
    y = torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))
    return torch.cond(y.sum() > 1, torch.exp, torch.neg, (y,))


def _unused(x):
    return torch.cond(x.sum() > 0, lambda x: (x + 1, x.exp()), lambda x: (x - 1, x.sin()), (x,))[0]


def _one_element(x):
    return torch.cond((x[:1, 0] > 0), torch.sin, torch.cos, (x,))


def _small_integers(x):
    return torch.cond(x.sum() > 0, lambda x: x * 200, lambda x: x - 100, (x,))


def _nan(x):
    """NaN is not greater than 0, and what the other branch makes of it does not matter."""
    return torch.cond(x.sum() > 0, torch.log, torch.sign, (x,))


X = f32(2, 4)
POSITIVE, NEGATIVE = f32(2, 4, low=0.1), f32(2, 4, high=-0.1)

CASES = [
    row("modules, yes", Gate(), [X, YES], dynamic=N, dtypes=HALVES),
    row("modules, no", Gate(), [X, NO], dynamic=N, dtypes=HALVES),
    row("convolutions, yes", Convolutions(), [f32(2, 3, 6, 5), YES], dynamic={0: "n", 2: "h"}),
    row("convolutions, no", Convolutions(), [f32(2, 3, 6, 5), NO], dynamic={0: "n", 2: "h"}),
    row("buffers, yes", Buffers(), [X, YES], dynamic=N, dtypes=(torch.float32,)),
    row("buffers, no", Buffers(), [X, NO], dynamic=N, dtypes=(torch.float32,)),
    row("nested, yes", Nested(), [POSITIVE], dynamic=N),
    row("nested, no", Nested(), [NEGATIVE], dynamic=N),
    row("size", _by_length, [f32(3, 4)], dynamic=N, static=False),
    row("sizes from outside", _sizes, [POSITIVE, f32(3)], dynamic=[N, {0: "m"}]),
    row("sizes from outside, no", _sizes, [NEGATIVE, f32(3)], dynamic=[N, {0: "m"}]),
    row("several results, yes", _several, [X, i64(3, low=1)], dynamic=[N, {0: "m"}]),
    row("several results, no", _several, [X, i64(3, high=0)], dynamic=[N, {0: "m"}]),
    row("given back, yes", _given_back, [POSITIVE], dynamic=N, dtypes=(torch.float32,)),
    row("given back, no", _given_back, [NEGATIVE], dynamic=N, dtypes=(torch.float32,)),
    row("shared constant, yes", _shared, [POSITIVE], dynamic=N, dtypes=(torch.float32,)),
    row("shared constant, no", _shared, [NEGATIVE], dynamic=N, dtypes=(torch.float32,)),
    row("two", _twice, [POSITIVE], dynamic=N),
    row("unused result", _unused, [X], dynamic=N),
    row("one element", _one_element, [POSITIVE], dynamic=N),
    row("bool", lambda x: torch.cond(x.any(), lambda x: ~x, torch.clone, (x,)), [b8(2, 3)], dynamic=N),
    row("small integers, yes", _small_integers, [i64(5, low=1).make().to(torch.uint8)]),
    row("small integers, no", _small_integers, [torch.zeros(5, dtype=torch.uint8)]),
    row("nan", _nan, [torch.tensor([float("nan"), 1.0, -2.0])]),
    row("no operands", lambda x: x + torch.cond(x.sum() > 0, lambda: torch.ones(4), lambda: torch.zeros(4)), [X]),
]
