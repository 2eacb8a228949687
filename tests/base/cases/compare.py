"""Comparisons, logic, bits and choices."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), 0.0, 2.0])
OTHER = torch.tensor([0.5, float("nan"), -1.0, float("inf"), -0.0, 1.0])
COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")
BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor")
EXTREMES = torch.tensor([0, -1, 1, 2**62, -(2**63), 2**63 - 1, -12345678901, 6])
MASKS = torch.tensor([-1, 5, -8, 2**62 + 3, -1, -(2**63), 98765432109, 3])


def _op(name: str):
    return getattr(torch, name)


def _overload(name: str, overload: str):
    return getattr(getattr(torch.ops.aten, name), overload)


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
    *(Case(f"aten.{b}.Tensor", _op(b), [b8(2, 4), b8(4)], dynamic=[N, None], name="bools") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [i64(2, 4), i32(4)], dynamic=[N, None], name="ints") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [EXTREMES, MASKS], name="extremes") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [EXTREMES.int(), MASKS.int()], name="int32") for b in BITWISE),
    *(Case(f"aten.{b}.Scalar", lambda x, b=b: _op(b)(x, 6), [i64(2, 4)], dynamic=N) for b in BITWISE),
    *(Case(f"aten.{b}.Scalar", lambda x, b=b: _op(b)(x, True), [b8(2, 4)], name="bools") for b in BITWISE),
    *(Case(f"aten.{b}.Scalar_Tensor", lambda x, b=b: _op(b)(6, x), [i32(2, 4)], dynamic=N) for b in BITWISE),
    Case("aten.bitwise_not.default", torch.bitwise_not, [b8(2, 4)], dynamic=N, name="bools"),
    Case("aten.bitwise_not.default", torch.bitwise_not, [EXTREMES], name="ints"),
    *(
        case
        for side, sign in (("left", "l"), ("right", "r"))
        for case in (
            Case(
                f"aten.bitwise_{side}_shift.Tensor", _op(f"bitwise_{side}_shift"), [i64(2, 4), i64(4, low=0)], [N, None]
            ),
            Case(
                f"aten.bitwise_{side}_shift.Tensor_Scalar",
                lambda x, s=side: _op(f"bitwise_{s}_shift")(x, 3),
                [i32(2, 4)],
            ),
            Case(
                f"aten.bitwise_{side}_shift.Scalar_Tensor",
                lambda x, s=side: _op(f"bitwise_{s}_shift")(9, x),
                [i64(4, low=0)],
            ),
            Case(f"aten.__{sign}shift__.Tensor", _overload(f"__{sign}shift__", "Tensor"), [i64(2, 4), i64(4, low=0)]),
            Case(
                f"aten.__{sign}shift__.Scalar",
                lambda x, s=sign: _overload(f"__{s}shift__", "Scalar")(x, 2),
                [i64(2, 4)],
                dynamic=N,
            ),
        )
    ),
    Case("aten.where.self", torch.where, [b8(2, 4), f32(2, 4), f32(4)], dynamic=[N, N, None]),
    Case("aten.where.self", torch.where, [b8(2, 1), i64(2, 4), f32(4)], dynamic=[N, N, None], name="promoted"),
    Case("aten.where.self", torch.where, [b8(2, 4), b8(2, 4), b8(4)], dynamic=[N, N, None], name="bools"),
    Case("aten.where.self", lambda c, x: torch.where(c, x, 0.5), [b8(2, 4), f32(2, 4)], dynamic=NN, name="number"),
    Case("aten.where.ScalarSelf", lambda c, x: torch.where(c, 1.0, x), [b8(2, 4), f32(2, 4)], dynamic=NN, whole=False),
    Case("aten.masked_fill.Scalar", lambda x, m: x.masked_fill(m, -torch.inf), [f32(2, 4), b8(2, 4)], NN, whole=False),
    Case("aten.isclose.default", torch.isclose, [NAN, OTHER], whole=False),
    Case("aten.isin.Tensor_Tensor", torch.isin, [i64(2, 4), i64(3)], dynamic=[N, None], whole=False),
]
