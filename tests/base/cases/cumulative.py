"""Cumulative operators."""

import math

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import SPECIAL

N = {0: "n"}
NW = {0: "n", 1: "w"}
NAN = torch.tensor([[1.0, float("nan"), 3.0, 2.0], [2.0, 2.0, -math.inf, math.inf]])


def _cumulative(name: str) -> list[Case]:
    call = getattr(torch, name)
    return [
        Case(f"aten.{name}.default", lambda x: call(x, -1), [f32(2, 5)], dynamic=NW),
        Case(f"aten.{name}.default", lambda x: call(x, 0), [f32(3, 2)], dynamic=NW, name="first"),
        Case(f"aten.{name}.default", lambda x: call(x, 0), [f32()], name="scalar"),
    ]


CASES = [
    *_cumulative("cumsum"),
    *_cumulative("cumprod"),
    *_cumulative("logcumsumexp"),
    *_cumulative("cummax"),
    *_cumulative("cummin"),
    *(
        Case(
            f"aten.{name}.default",
            lambda x, name=name: getattr(torch, name)(x, 1),
            [kind(2, 5)],
            dynamic=N,
            name=kind.__name__,
        )
        for name in ("cumsum", "cumprod", "cummax", "cummin")
        for kind in (i64, i32, b8)
    ),
    Case("aten.cumsum.default", lambda x: x.cumsum(0, dtype=torch.float32), [i64(2, 4)], dynamic=N, name="dtype"),
    Case("aten.cumprod.default", lambda x: x.cumprod(0), [f32(1, 4)], name="one"),
    Case("aten.cummax.default", lambda x: x.cummax(1), [NAN], name="nan"),
    Case("aten.cummin.default", lambda x: x.cummin(1), [NAN], name="nan"),
    Case("aten.logcumsumexp.default", lambda x: x.logcumsumexp(1), [NAN[1:]], name="infinities"),
    Case("aten.logcumsumexp.default", lambda x: x.logcumsumexp(0), [torch.tensor([-90.0, 0.0, 90.0])], name="range"),
    Case("aten.cumulative_trapezoid.dx", torch.cumulative_trapezoid, [f32(2, 4)], dynamic=N, whole=False),
    *(
        Case(f"aten.{name}.default", lambda x, name=name: getattr(torch, name)(x, 1), [SPECIAL], name="special")
        for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
    ),
]
