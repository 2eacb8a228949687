"""Rows of arithmetic on sizes."""

import math

import torch
from torch2trt.testing import Case, f32

NM = {0: "n", 1: "m"}


def size(target, call, name="", whole=True):
    return Case(target, call, [f32(5, 6)], dynamic=NM, dynamic_min=3, name=name, static=False, whole=whole)


CASES = [
    size("aten.sym_size.int", lambda x: torch.full((2,), x.shape[0])),
    size("aten.sym_size.int", lambda x: x.shape[1], "returned"),
    size("aten.sym_numel.default", lambda x: x.sum() / x.numel(), whole=False),
    size("operator.add", lambda x: torch.zeros(x.shape[0] + 2)),
    size("operator.sub", lambda x: torch.zeros(20 - x.shape[0])),
    size("operator.mul", lambda x: torch.zeros(x.shape[0] * x.shape[1])),
    size("operator.floordiv", lambda x: torch.full((2,), x.shape[0] // 2)),
    size("operator.mod", lambda x: torch.full((2,), x.shape[0] % 3)),
    size("operator.neg", lambda x: torch.full((2,), -x.shape[0])),
    size("operator.pow", lambda x: torch.full((2,), x.shape[0] ** 2), "square"),
    size("operator.pow", lambda x: x / x.shape[1] ** 0.5, "root"),
    size("operator.truediv", lambda x: x * (1 / x.shape[1])),
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
