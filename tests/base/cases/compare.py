"""Comparisons, logic and choices."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
NN = [N, N]
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), 0.0, 2.0])
OTHER = torch.tensor([0.5, float("nan"), -1.0, float("inf"), -0.0, 1.0])
SIGNS = torch.tensor([-1.5, -0.0, 0.0, 2.0, -float("inf"), float("inf"), -3.0])
COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")


def _op(name: str):
    return getattr(torch, name)


CASES = [
    *(Case(f"aten.{c}.Tensor", _op(c), [f32(2, 4), f32(4)], dynamic=[N, None]) for c in COMPARISONS),
    *(Case(f"aten.{c}.Tensor", _op(c), [NAN, OTHER], name="nan") for c in COMPARISONS),
    *(Case(f"aten.{c}.Tensor", _op(c), [i64(2, 4), i32(4)], dynamic=[N, None], name="ints") for c in COMPARISONS),
    *(Case(f"aten.{c}.Tensor", _op(c), [b8(2, 4), b8(2, 4)], dynamic=NN, name="bools") for c in COMPARISONS),
    *(Case(f"aten.{c}.Scalar", lambda x, c=c: _op(c)(x, 1), [i64(2, 4)], dynamic=N) for c in COMPARISONS),
    *(Case(f"aten.{c}.Scalar", lambda x, c=c: _op(c)(x, 0.5), [i64(2, 4)], name="promoted") for c in COMPARISONS),
    Case("aten.eq.Scalar", lambda x: x == 1, [b8(2, 4)], name="bool and number"),
    Case("aten.lt.Tensor", lambda x: x < x.shape[0], [i64(4, 3)], dynamic=N, name="a size", whole=False),
    *(
        Case(f"aten.logical_{c}.default", _op(f"logical_{c}"), [kind(2, 4), kind(4)], dynamic=[N, None], name=name)
        for c in ("and", "or", "xor")
        for name, kind in (("bools", b8), ("ints", i64), ("floats", f32))
    ),
    Case("aten.logical_not.default", torch.logical_not, [b8(2, 4)], dynamic=N),
    Case("aten.logical_not.default", torch.logical_not, [i64(2, 4)], name="ints"),
    Case("aten.logical_not.default", torch.logical_not, [NAN], name="nan"),
    Case("aten.where.self", torch.where, [b8(2, 4), f32(2, 4), f32(4)], dynamic=[N, N, None]),
    Case("aten.where.self", torch.where, [b8(2, 1), i64(2, 4), f32(4)], dynamic=[N, N, None], name="promoted"),
    Case("aten.where.self", torch.where, [b8(2, 4), b8(2, 4), b8(4)], dynamic=[N, N, None], name="bools"),
    Case("aten.where.self", lambda c, x: torch.where(c, x, 0.5), [b8(2, 4), f32(2, 4)], dynamic=NN, name="number"),
    Case("aten.where.self", torch.where, [b8(3, 4), f32(3, 4), f32(4)], [N, N, None], name="where", whole=False),
    Case(
        "aten.where.self",
        lambda m, x, y: torch.where(m, x, y),
        [b8(3, 1), i64(3, 4), f32(4)],
        name="int_float",
        whole=False,
    ),
    Case(
        "aten.where.ScalarOther",
        lambda x: torch.where(x > 0, x, 1),
        [f32(3, 4)],
        dynamic=N,
        name="scalar",
        whole=False,
    ),
    Case("aten.where.ScalarSelf", lambda c, x: torch.where(c, 1.0, x), [b8(2, 4), f32(2, 4)], dynamic=NN, whole=False),
    Case("aten.masked_fill.Scalar", lambda x, m: x.masked_fill(m, -torch.inf), [f32(2, 4), b8(2, 4)], NN, whole=False),
    Case(
        "aten.masked_fill.Scalar",
        lambda x, m: x.masked_fill(m, 2),
        [f32(3, 4), b8(3, 1)],
        dynamic=[NM, N],
        name="rows",
        whole=False,
    ),
    Case("aten.isclose.default", torch.isclose, [NAN, OTHER], whole=False),
    Case("aten.isin.Tensor_Tensor", torch.isin, [i64(2, 4), i64(3)], dynamic=[N, None], whole=False),
    Case(
        "aten.one_hot.default", lambda x: torch.nn.functional.one_hot(x, 6), [i64(2, 3, low=0)], dynamic=N, whole=False
    ),
    Case("aten.heaviside.default", torch.heaviside, [SIGNS, torch.full((7,), 0.5)], whole=False),
]
