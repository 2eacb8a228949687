"""Bits and shifts."""

import torch
from torch2trt.testing import Case, b8, i32, i64

N = {0: "n"}
BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor")
EXTREMES = torch.tensor([0, -1, 1, 2**62, -(2**63), 2**63 - 1, -12345678901, 6])
MASKS = torch.tensor([-1, 5, -8, 2**62 + 3, -1, -(2**63), 98765432109, 3])


def _op(name: str):
    return getattr(torch, name)


def _overload(name: str, overload: str):
    return getattr(getattr(torch.ops.aten, name), overload)


#: numbers of every size, and shifts by less than none, and by all of their bits and more
FAR = (torch.tensor([-(2**31), -300, -300, 77, 2**30 + 5, 1]), torch.tensor([31, -1, 40, 31, 30, 62]))


CASES = [
    Case("aten.bitwise_right_shift.Tensor", torch.bitwise_right_shift, [n.int() for n in FAR], name="beyond int32"),
    Case("aten.bitwise_right_shift.Tensor", torch.bitwise_right_shift, FAR, name="beyond"),
    Case("aten.bitwise_right_shift.Tensor", torch.bitwise_right_shift, [FAR[0], FAR[1] + 1], name="beyond int64"),
    Case(
        "aten.bitwise_right_shift.Tensor_Scalar", lambda x: torch.bitwise_right_shift(x, 31), [FAR[0].int()], name="31"
    ),
    Case("aten.bitwise_right_shift.Tensor_Scalar", lambda x: torch.bitwise_right_shift(x, -1), [FAR[0]], name="-1"),
    *(Case(f"aten.{b}.Tensor", _op(b), [b8(2, 4), b8(4)], dynamic=[N, None], name="bools") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [i64(2, 4), i32(4)], dynamic=[N, None], name="ints") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [EXTREMES, MASKS], name="extremes") for b in BITWISE),
    *(Case(f"aten.{b}.Tensor", _op(b), [EXTREMES.int(), MASKS.int()], name="int32") for b in BITWISE),
    *(Case(f"aten.{b}.Scalar", lambda x, b=b: _op(b)(x, 6), [i64(2, 4)], dynamic=N) for b in BITWISE),
    *(Case(f"aten.{b}.Scalar", lambda x, b=b: _op(b)(x, True), [b8(2, 4)], name="bools") for b in BITWISE),
    *(
        Case(f"aten.{b}.Scalar", lambda x, b=b: _op(b)(x, False), [b8(2, 4)], dynamic=N, name="and false")
        for b in BITWISE
    ),
    *(
        Case(f"aten.{b}.Tensor", lambda x, b=b: _op(b)(torch.tensor(True), x), [b8(2, 4)], dynamic=N, name="true")
        for b in BITWISE
    ),
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
]
