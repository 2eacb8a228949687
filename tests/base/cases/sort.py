"""Sorting, the k-th, extremes with indices."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import SPECIAL

N = {0: "n"}
NW = {0: "n", 1: "w"}
#: no two are equal, so that every order has one answer
DISTINCT = torch.tensor([[3, -1, 4, 0, -5], [9, 2, 6, -7, 8]])
LARGE = torch.zeros(123_000)
MANY = "at most 122880"


def _with_indices(name: str) -> list[Case]:
    call = getattr(torch, name)
    return [
        Case(f"aten.{name}.dim", lambda x: call(x, -1), [f32(2, 5)], dynamic=NW),
        Case(f"aten.{name}.dim", lambda x: call(x, 0, keepdim=True), [f32(3, 4, 2)], dynamic={2: "c"}, name="keep"),
        Case(f"aten.{name}.dim", lambda x: call(x, 1), [DISTINCT], dynamic=N, name="int64"),
        Case(f"aten.{name}.dim", lambda x: call(x, 1), [DISTINCT.int()], name="int32"),
        Case(f"aten.{name}.dim", lambda x: call(x, 1)[0], [b8(2, 4)], name="bool"),
        Case(f"aten.{name}.dim", lambda x: call(x, 0), [f32(5)], dynamic=N, name="vector"),
        Case(f"aten.{name}.dim", lambda x: call(x, 0), [f32()], name="scalar"),
        Case(f"aten.arg{name}.default", lambda x: getattr(x, f"arg{name}")(-1), [f32(2, 5)], dynamic=NW),
        Case(f"aten.arg{name}.default", lambda x: getattr(x, f"arg{name}")(), [f32(2, 5)], dynamic=NW, name="all"),
        Case(f"aten.arg{name}.default", lambda x: getattr(torch, f"arg{name}")(x, None, True), [DISTINCT], name="keep"),
        Case(f"aten.arg{name}.default", lambda x: getattr(x, f"arg{name}")(0, True), [DISTINCT.int()], name="int32"),
        Case(f"aten.arg{name}.default", lambda x: getattr(x, f"arg{name}")(), [f32()], name="scalar"),
    ]


CASES = [
    *_with_indices("max"),
    *_with_indices("min"),
    Case("aten.topk.default", lambda x: x.topk(3), [f32(2, 5)], dynamic=N),
    Case("aten.topk.default", lambda x: x.topk(2, 0, largest=False), [f32(4, 3)], dynamic={1: "w"}, name="smallest"),
    Case("aten.topk.default", lambda x: x.topk(2), [DISTINCT], dynamic=N, name="int64"),
    Case("aten.topk.default", lambda x: x.topk(2), [f32(5)], dynamic=N, dynamic_min=2, name="vector"),
    Case("aten.topk.default", lambda x: x.topk(1), [f32()], name="scalar"),
    Case("aten.topk.default", lambda x: x.topk(x.shape[0]), [f32(2, 9)], dynamic=N, name="dynamic k"),
    Case("aten.topk.default", lambda x: x.topk(122_900), [LARGE], rejects=MANY, name="large"),
    Case("aten.sort.default", lambda x: x.sort(), [f32(2, 5)], dynamic=NW),
    Case("aten.sort.default", lambda x: x.sort(0, descending=True), [f32(5, 2)], dynamic=NW, name="descending"),
    Case("aten.sort.default", lambda x: x.sort(), [DISTINCT], dynamic=N, name="int64"),
    Case("aten.sort.default", lambda x: x.sort(), [DISTINCT.int()], name="int32"),
    Case("aten.sort.default", lambda x: x.sort()[0], [b8(2, 4)], dynamic=N, name="bool"),
    Case("aten.sort.default", lambda x: x.sort(), [f32()], name="scalar"),
    Case("aten.sort.default", lambda x: x.sort(), [LARGE], rejects=MANY, name="large"),
    Case("aten.sort.default", torch.msort, [f32(5, 2)], dynamic=N, name="msort"),
    Case("aten.sort.default", lambda x: x.argsort(1), [f32(2, 5)], dynamic=N, name="argsort"),
    Case("aten.sort.stable", lambda x: x.sort(dim=1, stable=True), [i64(2, 8)], dynamic=N),
    Case("aten.sort.stable", lambda x: x.sort(stable=True, descending=True), [i32(8)], dynamic=N, name="descending"),
    Case("aten.sort.stable", lambda x: x.sort(stable=True), [LARGE], rejects=MANY, name="large"),
    Case("aten.kthvalue.default", lambda x: x.kthvalue(2), [f32(2, 5)], dynamic=N),
    Case("aten.kthvalue.default", lambda x: x.kthvalue(3, 0, True), [DISTINCT.T], dynamic={1: "w"}, name="keep"),
    Case("aten.kthvalue.default", lambda x: x.kthvalue(1), [f32()], name="scalar"),
    Case("aten.kthvalue.default", lambda x: x.kthvalue(122_900), [LARGE], rejects=MANY, name="large"),
    *(
        Case(f"aten.{target}", call, [SPECIAL.to(dtype)], name=f"special {dtype}")
        for dtype in (torch.float32, torch.float16)
        for target, call in (
            ("max.dim", lambda x: x.max(1)),
            ("min.dim", lambda x: x.min(0, keepdim=True)),
            ("argmax.default", lambda x: x.argmax(1)),
            ("argmin.default", lambda x: x.argmin()),
            # equal ones have no order
            ("kthvalue.default", lambda x: (x.kthvalue(2)[0], x.kthvalue(4)[0])),
            ("sort.default", lambda x: (x.sort()[0], x.sort(descending=True)[0])),
            ("topk.default", lambda x: (x.topk(2)[0], x.topk(3, largest=False)[0])),
        )
    ),
]
