"""Rounding."""

import torch
from torch2trt.testing import Case, f32, i32, i64

from .unary import NAN, unary

N = {0: "n"}

CASES = [
    *(unary(name) for name in ("floor", "ceil", "round", "trunc")),
    Case("aten.floor.default", torch.floor, [i64(2, 4, low=1)], dynamic=N, name="int64"),
    Case("aten.trunc.default", torch.trunc, [i64(2, 4, low=1)], dynamic=N, name="int64"),
    Case("aten.ceil.default", torch.ceil, [i32(2, 4)], name="int32"),
    Case("aten.round.default", torch.round, [i32(2, 4)], name="int32"),
    Case("aten.trunc.default", torch.trunc, [NAN], name="nan"),
    Case("aten.round.default", torch.round, [NAN], name="nan"),
    Case("aten.round.default", torch.round, [torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5])], name="halves to even"),
    Case("aten.round.decimals", lambda x: torch.round(x, decimals=1), [f32(2, 4)], dynamic=N, atol=1e-3),
    Case("aten.round.decimals", lambda x: torch.round(x, decimals=-1), [f32(2, 4, low=-99, high=99)], name="negative"),
    Case("aten.frac.default", torch.frac, [f32(2, 4)], dynamic=N, whole=False),
]
