"""Reductions: sums, extremes, norms."""

import math

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import SPECIAL

N = {0: "n"}
#: the reduced dimension is dynamic too
NW = {0: "n", 2: "w"}
NAN = torch.tensor([[float("nan"), 1.0, -1.0], [math.inf, -math.inf, 0.0], [2.0, 3.0, math.inf]])


def dims(name: str, target: str = "", **options) -> list[Case]:
    """The usual ways to name dimensions."""
    call, target = getattr(torch, name), target or f"aten.{name}.default"
    return [
        Case(target, lambda x: call(x, dim=-1), [f32(2, 3, 4)], dynamic=NW, name=f"{name} last", **options),
        Case(target, lambda x: call(x, dim=(0, -2), keepdim=True), [f32(2, 3, 4)], NW, name=f"{name} keep", **options),
        Case(target, lambda x: call(x, dim=()), [f32(2, 3)], N, name=f"{name} no dims", **options),
    ]


CASES = [
    *dims("sum", "aten.sum.dim_IntList"),
    *dims("mean", "aten.mean.dim"),
    *dims("amax"),
    *dims("amin"),
    *dims("nansum", whole=False),
    *dims("any", "aten.any.dims")[1:],
    *dims("all", "aten.all.dims", whole=False)[1:],
    *(
        Case("aten.sum.dim_IntList", lambda x: x.sum(1), [kind(2, 4)], dynamic=N, name=name)
        for name, kind in (("int64", i64), ("int32", i32), ("bool", b8))
    ),
    Case("aten.sum.dim_IntList", lambda x: x.sum(0, dtype=torch.float32), [i64(2, 4)], dynamic=N, name="dtype"),
    Case("aten.sum.dim_IntList", lambda x: x.sum(1, dtype=torch.int64), [f32(2, 4)], name="to int"),
    Case("aten.sum.dim_IntList", lambda x: x.sum(), [f32()], name="scalar"),
    Case("aten.sum.dim_IntList", lambda x: x.sum(0), [torch.ones(0, 3)], name="empty"),
    Case("aten.sum.default", lambda x: x.sum(), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.sum.default", lambda x: x.sum(), [b8(2, 4)], dynamic=N, name="bool", whole=False),
    Case("aten.mean.default", torch.mean, [f32(2, 4)], dynamic=N),
    Case("aten.mean.default", lambda x: x.mean(dtype=torch.float32), [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.mean.dim", lambda x: x.mean(1, dtype=torch.float32), [b8(2, 4)], dynamic=N, name="bools"),
    Case("aten.prod.default", torch.prod, [f32(2, 4)], dynamic=N),
    Case("aten.prod.default", torch.prod, [i32(2, 4)], dynamic=N, name="ints"),
    Case("aten.prod.default", torch.prod, [b8(2, 4)], dynamic=N, name="bools"),
    Case("aten.prod.dim_int", lambda x: x.prod(-1), [f32(2, 3, 4)], dynamic=NW),
    Case("aten.prod.dim_int", lambda x: x.prod(0, keepdim=True, dtype=torch.float32), [i64(2, 4)], N, name="dtype"),
    Case("aten.max.default", torch.max, [f32(2, 4)], dynamic=N),
    Case("aten.max.default", torch.max, [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.max.default", torch.max, [b8(2, 4)], name="bools"),
    Case("aten.min.default", torch.min, [f32(2, 4)], dynamic=N),
    Case("aten.min.default", torch.min, [i32(2, 4)], dynamic=N, name="ints"),
    Case("aten.amax.default", lambda x: x.amax(1), [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.amax.default", lambda x: x.amax(1), [b8(2, 4)], dynamic=N, name="bools"),
    Case("aten.amin.default", lambda x: x.amin((0, 1)), [b8(2, 4)], dynamic=N, name="bools"),
    Case("aten.amax.default", lambda x: x.amax(), [f32()], name="scalar"),
    Case("aten.aminmax.default", lambda x: torch.aminmax(x, dim=1), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.any.default", torch.any, [b8(2, 4)], dynamic=N),
    Case("aten.any.default", torch.any, [NAN], name="nan"),
    Case("aten.any.default", torch.any, [torch.zeros(2, 2)], name="zeros"),
    Case("aten.any.dim", lambda x: x.any(-1), [b8(2, 3, 4)], dynamic=NW),
    Case("aten.any.dim", lambda x: x.any(1, keepdim=True), [i64(2, 4, low=0, high=2)], dynamic=N, name="ints"),
    Case("aten.any.dims", lambda x: x.any((0, 1)), [f32(2, 4)], dynamic=N),
    Case("aten.any.dims", lambda x: torch.ops.aten.any.dims(x), [b8(2, 4)], dynamic=N, name="none"),
    Case("aten.all.default", torch.all, [b8(2, 4)], dynamic=N, whole=False),
    Case("aten.all.dim", lambda x: x.all(1), [i64(2, 4, low=0)], dynamic=N, whole=False),
    Case("aten.logsumexp.default", lambda x: x.logsumexp(1), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.logsumexp.default", lambda x: x.logsumexp((0, 1), True), [f32(2, 4)], N, name="keep", whole=False),
    Case("aten.logsumexp.default", lambda x: x.logsumexp(1), [torch.full((2, 3), -math.inf)], name="-inf", whole=False),
    Case("aten.count_nonzero.default", torch.count_nonzero, [i64(2, 4)], dynamic=N, whole=False),
    Case("aten.count_nonzero.dim_IntList", lambda x: torch.count_nonzero(x, 1), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.nanmean.default", lambda x: x.nanmean(1), [NAN], whole=False),
    *(
        Case(
            "aten.linalg_vector_norm.default",
            lambda x, p=p: torch.linalg.vector_norm(x, p, -1),
            [f32(2, 4)],
            dynamic=N,
            name=f"norm {p}",
            whole=False,
        )
        for p in (0, 1, 2, 3, math.inf, -math.inf)
    ),
    Case("aten.linalg_vector_norm.default", lambda x: x.norm(), [f32(2, 4)], dynamic=N, name="all", whole=False),
    Case("aten.linalg_matrix_norm.str_ord", torch.linalg.matrix_norm, [f32(2, 3, 4)], dynamic=N, whole=False),
    Case("aten.renorm.default", lambda x: x.renorm(2, 0, 1.0), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.trapezoid.dx", torch.trapezoid, [f32(2, 4)], dynamic=N, whole=False),
    *(
        Case(f"aten.{name}.default", lambda x, f=call: f(x), [SPECIAL.to(dtype)], name=f"{what} of {dtype}")
        for dtype in (torch.float32, torch.float16)
        for name, what, call in (
            ("amax", "one dim", lambda x: x.amax(1)),
            ("amin", "dims", lambda x: x.amin((0, 1), keepdim=True)),
            ("max", "all", torch.max),
            ("min", "all", torch.min),
        )
    ),
    Case("aten.aminmax.default", lambda x: x.aminmax(dim=1), [SPECIAL], name="special", whole=False),
]
