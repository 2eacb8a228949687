"""Quotients and remainders."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, Sample, b8, f32, i64

from ._special import OTHER, SPECIAL

N = {0: "n"}
NN = [N, N]
WIDE = f32(2, 6, low=-8, high=8)
#: neither a zero nor a quotient near a whole number
AWAY = torch.tensor([[1.5, -2.25, 3.5, -0.75], [-4.5, 0.625, -1.125, 2.75]])
BY = torch.tensor([[0.7, 0.7, -1.3, -1.3], [1.9, -0.4, -0.4, 1.1]])
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0])
INTS = torch.tensor([[7, -7, 8, -8], [5, -5, 0, 1]])
DIVISORS = torch.tensor([[3, 3, -3, -3], [5, 2, 4, -2]])

CASES = [
    Case("aten.div.Tensor", F.softsign, [WIDE], dynamic=N, name="softsign"),
    Case("aten.div.Tensor", lambda x: x / 255, [Sample((2, 4), torch.uint8, 0, 255)], dynamic=N, name="uint8"),
    Case("aten.div.Tensor", lambda x: x / torch.full((4,), 2.5, dtype=x.dtype), [f32(2, 4)], dynamic=N),
    Case("aten.div.Tensor", torch.div, [i64(2, 4), i64(2, 4, low=1)], dynamic=NN, name="ints"),
    Case("aten.div.Tensor", lambda x: x / True, [b8(2, 4)], name="bools"),
    Case("aten.div.Tensor", torch.div, [NAN, torch.zeros(6)], name="by zero"),
    Case("aten.div.Scalar", lambda x: torch.ops.aten.div.Scalar(x, 3), [f32(2, 4)], dynamic=N),
    Case("aten.div.Scalar_mode", lambda x: torch.ops.aten.div.Scalar_mode(x, 3, rounding_mode="trunc"), [INTS]),
    *(
        Case(
            "aten.div.Tensor_mode", lambda x, y, m=mode: torch.div(x, y, rounding_mode=m), [x, y], name=f"{mode} {kind}"
        )
        for mode in ("floor", "trunc", None)
        for kind, x, y in (
            ("float", AWAY, BY),
            ("half", AWAY.half(), BY.half()),
            ("int64", INTS, DIVISORS),
            ("int32", INTS.int(), DIVISORS.int()),
        )
    ),
    Case("aten.div.Tensor_mode", lambda x: x // 2, [i64(2, 4)], dynamic=N, name="by a number"),
    Case("aten.div.Tensor_mode", lambda x, y: x // y, [f32(2, 4), i64(4, low=2)], dynamic=[N, None], name="promoted"),
    Case("aten.floor_divide.default", lambda x: x // 0.4, [AWAY], whole=False),
    Case("aten.remainder.Tensor", torch.remainder, [AWAY, BY]),
    Case("aten.remainder.Tensor", torch.remainder, [AWAY.half(), BY.half()], name="half", atol=5e-3),
    Case("aten.remainder.Tensor", torch.remainder, [INTS, DIVISORS], name="int64", dynamic=NN),
    Case("aten.remainder.Tensor", torch.remainder, [INTS.int(), DIVISORS.int()], name="int32"),
    Case("aten.remainder.Scalar", lambda x: x % 3, [i64(2, 4)], dynamic=N),
    Case("aten.remainder.Scalar", lambda x: x % -0.4, [AWAY], name="negative"),
    Case("aten.remainder.Scalar_Tensor", lambda x: torch.remainder(7, x), [DIVISORS], dynamic=N),
    Case("aten.fmod.Tensor", torch.fmod, [AWAY, BY]),
    Case("aten.fmod.Tensor", torch.fmod, [INTS, DIVISORS], name="int64", dynamic=NN),
    Case("aten.fmod.Scalar", lambda x: torch.fmod(x, 3), [i64(2, 4)], dynamic=N),
    Case("aten.fmod.Scalar", lambda x: torch.fmod(x, -0.4), [AWAY], name="negative"),
    Case("aten.true_divide.Tensor", torch.true_divide, [i64(2, 4), i64(4, low=1)], [N, None], whole=False),
    Case("aten.div.Tensor", F.normalize, [f32(2, 4)], dynamic=N, name="normalize"),
    *(
        Case(f"aten.{target}", call, [SPECIAL.to(dtype), OTHER.to(dtype)], name=f"special {dtype}")
        for dtype in (torch.float32, torch.float16)
        for target, call in (
            ("div.Tensor_mode", lambda x, y: (x // y, x // 2, x // -torch.inf)),
            ("remainder.Tensor", torch.remainder),
            ("remainder.Scalar", lambda x, y: (x % 2, x % torch.inf, x % -torch.inf)),
            ("fmod.Tensor", torch.fmod),
            ("fmod.Scalar", lambda x, y: (x.fmod(2), x.fmod(-torch.inf))),
        )
    ),
]
