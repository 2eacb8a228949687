"""Arithmetic on dynamic sizes."""

import math

import torch
from torch2trt.testing import Case, f32, i64

N = {0: "n"}


def _with_size(function):
    """A number computed from a dynamic size, used as a number."""
    return lambda x: x * function(x.shape[0])


CASES = [
    Case("aten.sym_size.int", _with_size(lambda n: n), [f32(4, 2)], N, static=False),
    Case("aten._local_scalar_dense.default", lambda x: x * x.amax().item(), [f32(4, 2)], dynamic=N),
    Case("aten._local_scalar_dense.default", lambda x, y: x * y.item(), [f32(4, 2), i64(1, 1)], [N, None], name="int"),
    Case("operator.add", _with_size(lambda n: n + 2), [f32(4, 2)], N, static=False),
    Case("operator.sub", _with_size(lambda n: 7 - n), [f32(4, 2)], N, static=False),
    Case("operator.mul", lambda x: x + x.numel(), [f32(4, 2)], N, static=False),
    Case("operator.floordiv", _with_size(lambda n: n // 3), [f32(4, 2)], N, static=False),
    Case("operator.truediv", _with_size(lambda n: n / 3), [f32(4, 2)], N, static=False),
    Case("operator.mod", _with_size(lambda n: n % 3), [f32(4, 2)], N, static=False),
    Case("operator.neg", _with_size(lambda n: -n), [f32(4, 2)], N, static=False),
    Case("operator.pow", _with_size(lambda n: n**2), [f32(4, 2)], N, static=False),
    Case("operator.pow", _with_size(lambda n: n**-0.5), [f32(4, 2)], N, name="root", static=False),
    Case("torch.sym_max", _with_size(lambda n: torch.sym_max(n, 5)), [f32(4, 2)], N, static=False),
    Case("torch.sym_min", _with_size(lambda n: torch.sym_min(n, 5)), [f32(4, 2)], N, static=False),
    Case("torch.sym_sum", _with_size(lambda n: torch.sym_sum([n, n, 1])), [f32(4, 2)], N, static=False),
    Case("math.ceil", _with_size(lambda n: math.ceil(n / 3)), [f32(4, 2)], N, static=False),
    Case("math.floor", _with_size(lambda n: math.floor(n / 3)), [f32(4, 2)], N, static=False),
    Case("math.trunc", _with_size(lambda n: math.trunc(n / 3)), [f32(4, 2)], N, static=False),
    Case(
        "math.ceil",
        lambda x: x[:1].expand(math.ceil(x.shape[0] / 2), 2),
        [f32(4, 2)],
        dynamic=N,
        dynamic_min=3,
        name="shape",
        whole=False,
    ),
    Case(
        "operator.mod",
        lambda x: x[:1].expand(x.shape[0] % 3 + 2, 2),
        [f32(4, 2)],
        dynamic=N,
        dynamic_min=3,
        name="shape",
        whole=False,
    ),
    Case(
        "operator.neg",
        lambda x: x[:1].expand(-(x.shape[0] // -2), 2),
        [f32(4, 2)],
        dynamic=N,
        dynamic_min=3,
        name="shape",
        whole=False,
    ),
    Case("torch.sym_float", lambda x: x * torch.sym_float(x.shape[0]), [f32(4, 2)], N, static=False),
]
