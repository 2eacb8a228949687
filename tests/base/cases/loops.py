"""PyTorch's loops over functions, as loops and, where they are short, step by step."""

import torch
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch._higher_order_ops.map import map as map_over
from torch2trt.testing import Case, b8, f32, i64

from ._versions import POINTWISE

N = {0: "n"}
NM = {0: "n", 1: "m"}
HALVES = (torch.float32, torch.float16, torch.bfloat16)
SINGLE = (torch.float32,)
torch.manual_seed(0)


def _row(target, **common):
    def row(name, call, inputs, **options):
        return Case(f"higher_order.{target}", call, inputs, name=name, **common, **options)

    return row


while_row, scan_row, map_row = map(_row, ("while_loop", "scan", "map_impl"))
associative = _row("associative_scan", xfail=POINTWISE)


class Powers(nn.Module):
    """A layer applied until the numbers are large, or ten times."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        def going(step, y):
            return (step < 10) & (y.abs().amax() < 6)

        def body(step, y):
            return step + 1, self.linear(y) + y

        return while_loop(going, body, (torch.tensor(0), x))


def _fibonacci(a, b):
    """Values that change places."""
    return while_loop(lambda i, a, b: i < 7, lambda i, a, b: (i + 1, b.clone(), a + b), (torch.tensor(2), a, b))


def _collatz(n):
    """A conditional in a loop; a bool that goes round."""

    def body(n, steps, going):
        n = torch.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, (n,))
        return n, steps + 1, n > 1

    return while_loop(lambda n, steps, going: going.clone(), body, (n, torch.zeros_like(n), n > 1))


def _squares(x):
    """A loop in a loop."""

    def inner(j, i, y):
        return j + 1, i.clone(), y + j

    def outer(i, y):
        _, _, y = while_loop(lambda j, i, y: j < i, inner, (torch.zeros_like(i), i, y))
        return i + 1, y

    return while_loop(lambda i, y: i < 4, outer, (torch.tensor(0), x))[1]


def _as_many_as_rows(x):
    return while_loop(lambda i, y: i < x.shape[0], lambda i, y: (i + 1, y + x[0]), (torch.tensor(0), x[0] * 0))


def _never(x):
    return while_loop(lambda i, y: i < 0, lambda i, y: (i + 1, y.exp()), (torch.tensor(0), x.sin()))


class Recurrent(nn.Module):
    """A recurrent layer of one's own: closures over parameters, a state, an output of each step."""

    def __init__(self):
        super().__init__()
        self.input, self.state = nn.Linear(3, 4), nn.Linear(4, 4, bias=False)

    def forward(self, x, h):
        def step(h, row):
            h = torch.tanh(self.input(row) + self.state(h))
            return h, h * 2

        return scan(step, h, x)


def _several(x, ids):
    """A dict of states and of inputs, of several dtypes."""

    def step(state, row):
        total = state["total"] + row["x"]
        state = {"total": total, "best": torch.maximum(state["best"], row["ids"])}
        return state, (total.amax(0), row["ids"] > 0)

    return scan(step, {"total": x[0] * 0, "best": ids[0] - 1}, {"x": x, "ids": ids})


def _cond_in_scan(x):
    def step(h, row):
        h = torch.cond(row.sum() > 0, lambda h, row: h + row, lambda h, row: h * 0.5, (h, row))
        return h, h.sin()

    return scan(step, torch.zeros(2), x)


def _scan_in_cond(x):
    def running(x):
        return scan(lambda h, row: (h + row, h * row), x[0] * 0, x)[1]

    return torch.cond(x.sum() > 0, running, lambda x: x.neg(), (x,))


def _constant_outputs(x):
    """Outputs and states that do not depend on the step."""
    return scan(lambda h, row: (torch.ones(2), (h * row, torch.full((3,), 2.0), x.amax(0))), torch.zeros(2), x)


def _constant_inputs(x):
    return scan(lambda h, row: (h * 0.5 + row, h + 1), x, torch.arange(12.0).reshape(6, 2))


def _sums(a, b):
    return a + b


def _linear_recurrence(first, second):
    return first[0] * second[0], first[1] * second[0] + second[1]


class Mapped(nn.Module):
    """A module for each element, and a tensor that all share."""

    def __init__(self):
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(4), nn.Linear(4, 3)

    def forward(self, x, y):
        return map_over(lambda row, y: (self.linear(self.norm(row)), row @ y), x, y)


def of_one(function, **options):
    return lambda x: associative_scan(function, x, combine_mode="pointwise", **options)


def of_two(function, **options):
    return lambda x, y: associative_scan(function, (x, y), combine_mode="pointwise", **options)


CASES = [
    while_row("module", Powers(), [f32(2, 4)], dynamic=N, dtypes=HALVES),
    while_row("changing places", _fibonacci, [i64(3), i64(3, low=0)], dynamic=[N, N]),
    while_row("conditional inside", _collatz, [torch.tensor(6)]),
    while_row("conditional inside, no step", _collatz, [torch.tensor(1)]),
    while_row("loop inside", _squares, [f32(2, 3)], dynamic=N),
    while_row("size", _as_many_as_rows, [f32(3, 2)], dynamic=N),
    while_row("never", _never, [f32(2, 3)], dynamic=N),
    while_row(
        "small integers",
        lambda x: while_loop(lambda x: x[0] < 250, lambda x: (x + 77,), (x,)),
        [torch.tensor([3, 190], dtype=torch.uint8)],
    ),
    scan_row("recurrent", Recurrent(), [f32(6, 2, 3), f32(2, 4)], dynamic=[NM, {0: "m"}], dtypes=HALVES),
    scan_row("recurrent, short", Recurrent(), [f32(3, 2, 3), f32(2, 4)], dynamic=[{1: "m"}, {0: "m"}], dtypes=HALVES),
    scan_row("one step", Recurrent(), [f32(1, 2, 3), f32(2, 4)]),
    scan_row("several", _several, [f32(6, 2), i64(6, 2)], dynamic=[N, N]),
    scan_row("reduced", _several, [f32(6, 2, 3), i64(6, 2)]),
    scan_row(
        "reduced, dynamic",
        _several,
        [f32(6, 2, 3), i64(6, 2)],
        dynamic=[N, N],
        static=False,
        rejects="reductions over up to 6 elements",
    ),
    scan_row("reduced, short", _several, [f32(4, 2, 3), i64(4, 2)]),
    scan_row("numbers", lambda x: scan(lambda h, v: (h * 0.5 + v, h - v), x[0] * 0, x), [f32(5)], dynamic=N),
    scan_row(
        "reversed", lambda x: scan(lambda h, v: (h * 0.5 + v, h - v), x[0] * 0, x, reverse=True), [f32(5, 2)], dynamic=N
    ),
    scan_row(
        "axis",
        lambda x: scan(lambda h, v: (h * 0.5 + v, h - v), x[:, 0] * 0, x, dim=1),
        [f32(2, 5, 3)],
        dynamic={1: "n"},
    ),
    scan_row("conditional inside", _cond_in_scan, [f32(6, 2)], dynamic=N),
    scan_row("conditional inside, short", _cond_in_scan, [f32(3, 2)]),
    scan_row("in a branch", _scan_in_cond, [f32(6, 2, low=0.1)], dynamic=N),
    scan_row("in a branch not taken", _scan_in_cond, [f32(6, 2, high=-0.1)], dynamic=N),
    scan_row("constant outputs", _constant_outputs, [f32(6, 2)], dynamic=N, dtypes=SINGLE),
    scan_row("constant outputs, short", _constant_outputs, [f32(3, 2)], dtypes=SINGLE),
    scan_row("constant inputs", _constant_inputs, [f32(2)], dtypes=SINGLE),
    scan_row(
        "nan",
        lambda x: scan(lambda h, v: (h.maximum(v), h + v), x[0], x),
        [torch.tensor([1.0, float("nan"), 2.0, 3.0, -float("inf")])],
    ),
    scan_row(
        "small integers",
        lambda x: scan(lambda h, v: (h + v, h * v), x[0], x),
        [torch.arange(100, 106, dtype=torch.uint8)],
    ),
    associative("sum", of_one(_sums, dim=0), [f32(6, 2)], dynamic=NM, dtypes=HALVES),
    associative("sum, short", of_one(_sums, dim=0), [f32(3, 2)], dtypes=HALVES),
    associative("one", of_one(_sums, dim=0), [f32(1, 2)]),
    associative("reversed", of_one(_sums, dim=1, reverse=True), [f32(2, 6)], dynamic=NM),
    associative("recurrence", of_two(_linear_recurrence, dim=1), [f32(2, 6, 3), f32(2, 6, 3)], dynamic=[NM, NM]),
    associative("integers", of_one(torch.maximum, dim=0), [i64(6, 2)], dynamic=N),
    associative("bool", of_one(torch.logical_xor, dim=0), [b8(6, 2)], dynamic=N),
    associative("nan first", of_one(torch.mul, dim=0), [torch.tensor([float("inf"), 0.0, 1.0, 1.0, 1.0, 1.0])]),
    map_row("module", Mapped(), [f32(6, 2, 4), f32(4, 2)], dynamic=[NM, {1: "k"}], dtypes=HALVES),
    map_row("module, short", Mapped(), [f32(3, 2, 4), f32(4, 2)], dtypes=HALVES),
    map_row("numbers", lambda x: map_over(lambda v: v * 2, x), [f32(6)], dynamic=N),
    map_row("integers", lambda x: map_over(lambda v: (v + 1, v > 0), x), [i64(6, 2)], dynamic=N),
    map_row(
        "dict",
        lambda x, y: map_over(lambda d: {"s": d["x"] + d["y"]}, {"x": x, "y": y}),
        [f32(6, 2), f32(6, 2)],
        dynamic=[N, N],
    ),
    map_row(
        "scan inside",
        lambda x: map_over(lambda r: scan(lambda h, v: (h + v, h * v), r[0] * 0, r)[1], x),
        [f32(6, 5, 2)],
        dynamic=NM,
    ),
]
