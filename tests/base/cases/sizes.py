"""Rows of arithmetic on sizes."""

import math

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32

NM = {0: "n", 1: "m"}


def size(target, call, name="", whole=True):
    return Case(target, call, [f32(5, 6)], dynamic=NM, dynamic_min=3, name=name, static=False, whole=whole)


def choice(name, condition):
    """A condition of two sizes, which shows in the size that it chooses."""
    return size(f"operator.{name}", lambda x: torch.full((2,), torch.sym_ite(condition(*x.shape), *x.shape)))


def _unbiased_variance(x):
    """What training writes to a running variance, for which PyTorch's rule counts the elements."""
    mean, variance = torch.zeros(x.shape[1]), torch.zeros(x.shape[1])
    return F.batch_norm(x, mean, variance, training=True, momentum=1.0), variance


CASES = [
    choice("eq", lambda n, m: n == m + 0),
    choice("ne", lambda n, m: n != m + 0),
    choice("lt", lambda n, m: n < 6),
    choice("gt", lambda n, m: n > 6),
    choice("le", lambda n, m: n <= 5),
    choice("ge", lambda n, m: n >= 6),
    choice("and_", lambda n, m: (n > 5) & (m > 6)),
    choice("or_", lambda n, m: (n > 5) | (m > 6)),
    size("aten.sym_size.int", lambda x: torch.full((2,), x.shape[0])),
    size("aten.sym_size.int", lambda x: x.shape[1], "returned"),
    size("aten.sym_numel.default", lambda x: x.sum() / x.numel(), whole=False),
    size("aten.sym_numel.default", _unbiased_variance, "counted"),
    size("aten.sym_stride.int", lambda x: torch.full((2,), x.stride(0)), whole=False),
    size("aten.sym_storage_offset.default", lambda x: torch.full((2,), x.storage_offset()) + x.shape[0], whole=False),
    size("aten.sym_is_contiguous.default", lambda x: x * 2 if x.is_contiguous() else x, whole=False),
    size("operator.add", lambda x: torch.zeros(x.shape[0] + 2)),
    size("operator.sub", lambda x: torch.zeros(20 - x.shape[0])),
    size("operator.mul", lambda x: torch.zeros(x.shape[0] * x.shape[1])),
    size("operator.floordiv", lambda x: torch.full((2,), x.shape[0] // 2)),
    size("operator.mod", lambda x: torch.full((2,), x.shape[0] % 3)),
    size("operator.neg", lambda x: torch.full((2,), -x.shape[0])),
    size("operator.pow", lambda x: torch.full((2,), x.shape[0] ** 2), "square"),
    size("operator.pow", lambda x: x / x.shape[1] ** 0.5, "root"),
    size("operator.truediv", lambda x: x * (1 / x.shape[1])),
    size("torch.sym_sum", lambda x: torch.full((2,), torch.sym_sum([x.shape[0], x.shape[1], 1]))),
    size("math.ceil", lambda x: torch.full((2,), math.ceil(x.shape[0] / 2))),
    size("math.floor", lambda x: torch.full((2,), math.floor(x.shape[0] / 2))),
    size("math.trunc", lambda x: torch.full((2,), math.trunc(x.shape[0] / 3))),
    size("torch.sym_float", lambda x: x / x.shape[0] ** 0.5),
    size("torch.sym_max", lambda x: torch.zeros(torch.sym_max(x.shape[0], 5))),
    size("torch.sym_min", lambda x: torch.zeros(torch.sym_min(x.shape[0], x.shape[1]))),
    size("torch.sym_ite", lambda x: torch.full((2,), torch.sym_ite(x.shape[0] > 5, x.shape[0], x.shape[1]))),
    size(
        "torch.sym_not",
        lambda x: torch.full((2,), torch.sym_ite(torch.sym_not(x.shape[0] > 5), x.shape[0], x.shape[1])),
    ),
]


def chosen(target, test):
    """A size or the other, by a comparison of both."""

    def call(x):
        return torch.full((2,), torch.sym_ite(test(x.shape[0], x.shape[1]), x.shape[0], x.shape[1]))

    return size(target, call, "chosen")


CASES += [
    chosen("operator.eq", lambda n, m: n == m),
    chosen("operator.ne", lambda n, m: n != m),
    chosen("operator.lt", lambda n, m: n < m),
    chosen("operator.gt", lambda n, m: n + 1 > m),
    chosen("operator.le", lambda n, m: n + 1 <= m),
    chosen("operator.ge", lambda n, m: n >= m),
    chosen("operator.and_", lambda n, m: (n > 4) & (m > 5)),
    chosen("operator.or_", lambda n, m: (n > 6) | (m > 7)),
]
