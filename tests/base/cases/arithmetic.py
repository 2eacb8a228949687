"""Sums, products, divisions, powers and limits, with type promotion."""

import torch
from torch2trt.testing import Case, Sample, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
#: neither a zero nor a quotient near a whole number
AWAY = torch.tensor([[1.5, -2.25, 3.5, -0.75], [-4.5, 0.625, -1.125, 2.75]])
BY = torch.tensor([[0.7, 0.7, -1.3, -1.3], [1.9, -0.4, -0.4, 1.1]])
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0])
OTHER = torch.tensor([0.5, float("nan"), -2.0, 3.0, 0.25, -0.0])
INTS = torch.tensor([[7, -7, 8, -8], [5, -5, 0, 1]])
DIVISORS = torch.tensor([[3, 3, -3, -3], [5, 2, 4, -2]])

CASES = [
    Case("aten.add.Tensor", lambda x, y: x + y, [i64(2, 4), i32(4)], dynamic=[N, None], name="ints"),
    Case("aten.add.Tensor", lambda x, y: x + y, [b8(2, 4), b8(2, 4)], dynamic=NN, name="bools"),
    Case("aten.add.Tensor", lambda x, y: x + y, [b8(2, 4), i32(4)], name="bool and int"),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 1, 4), f32(3, 1)], dynamic=[N, None], name="broadcast"),
    Case("aten.add.Tensor", lambda x: x + 1.5, [i64(2, 4)], dynamic=N, name="int and float number"),
    Case("aten.add.Tensor", lambda x: 2 + x, [f32(2, 4)], dynamic=N, name="number"),
    Case("aten.add.Tensor", lambda x: x + x.shape[0], [f32(2, 4)], dynamic=N, name="size"),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 4), f32()], dynamic=[N, None], name="scalar tensor"),
    Case("aten.add.Tensor", lambda x: x + 1, [Sample((2, 4), torch.uint8, 0, 255)], dynamic=N, name="uint8"),
    Case("aten.div.Tensor", lambda x: x / 255, [Sample((2, 4), torch.uint8, 0, 255)], dynamic=N, name="uint8"),
    Case("aten.add.Scalar", lambda x: torch.ops.aten.add.Scalar(x, 2, 3), [f32(2, 4)], dynamic=N),
    Case("aten.sub.Tensor", lambda x, y: torch.sub(x, y, alpha=3), [f32(2, 4), f32(2, 1)], dynamic=NN),
    Case("aten.sub.Tensor", lambda x, y: x - y, [i64(2, 4), i64(4)], dynamic=[N, None], name="ints"),
    Case("aten.sub.Tensor", lambda x: 1 - x, [i32(2, 4)], dynamic=N, name="number first"),
    Case("aten.sub.Scalar", lambda x: torch.ops.aten.sub.Scalar(x, 2), [f32(2, 4)], dynamic=N),
    Case("aten.rsub.Scalar", lambda x: torch.rsub(x, 2), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.mul.Tensor", torch.mul, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.mul.Tensor", torch.mul, [b8(2, 4), b8(2, 4)], dynamic=NN, name="bools"),
    Case("aten.mul.Tensor", torch.mul, [f32(2, 4), b8(2, 4)], dynamic=NN, name="float and bool"),
    Case("aten.mul.Tensor", torch.mul, [i64(2, 4), i32(2, 4)], dynamic=NN, name="ints"),
    Case("aten.mul.Scalar", lambda x: torch.ops.aten.mul.Scalar(x, 2.5), [f32(2, 4)], dynamic=N),
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
    *(
        Case("aten.pow.Tensor_Scalar", lambda x, e=e: x**e, [f32(2, 4)], dynamic=N, name=f"to the {e}")
        for e in (2, 3, 1, 0, 4, -1, 2.0)
    ),
    *(
        Case("aten.pow.Tensor_Scalar", lambda x, e=e: x**e, [f32(2, 4, low=0.25)], dynamic=N, name=f"to the {e}")
        for e in (0.5, -0.5, 1.7, -2)
    ),
    Case("aten.pow.Tensor_Scalar", lambda x: x**2, [i64(2, 4)], dynamic=N, name="int"),
    Case("aten.pow.Tensor_Scalar", lambda x: x**5, [i32(2, 4)], dynamic=N, name="int to the 5"),
    Case("aten.pow.Tensor_Scalar", lambda x: x**0.5, [i64(2, 4, low=0)], name="root of ints"),
    Case("aten.pow.Tensor_Scalar", lambda x: x**2, [NAN], name="nan"),
    Case("aten.pow.Tensor_Tensor", torch.pow, [f32(2, 4, low=0.25), f32(4)], dynamic=[N, None]),
    Case("aten.pow.Tensor_Tensor", torch.pow, [f32(2, 4), i64(4, low=0)], dynamic=[N, None], name="int exponent"),
    Case("aten.pow.Tensor_Tensor", torch.pow, [i64(2, 4), i64(2, 4, low=0)], dynamic=NN, name="ints"),
    Case("aten.pow.Scalar", lambda x: torch.pow(2, x), [f32(2, 4)], dynamic=N),
    Case("aten.pow.Scalar", lambda x: 3**x, [i64(2, 4, low=0)], dynamic=N, name="ints"),
    Case("aten.square.default", torch.square, [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.exp2.default", torch.exp2, [f32(2, 4)], dynamic=N),
    Case("aten.exp2.default", torch.exp2, [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.ldexp.Tensor", torch.ldexp, [f32(2, 4), i64(2, 4)], dynamic=NN),
    Case("aten.maximum.default", torch.maximum, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.maximum.default", torch.maximum, [i64(2, 4), i32(4)], dynamic=[N, None], name="ints"),
    Case("aten.maximum.default", torch.maximum, [b8(2, 4), b8(4)], name="bools"),
    Case("aten.maximum.default", torch.maximum, [NAN, OTHER], name="nan"),
    Case("aten.minimum.default", torch.minimum, [f32(2, 4), f32(2, 1)], dynamic=NN),
    Case("aten.minimum.default", torch.minimum, [b8(2, 4), b8(4)], name="bools"),
    Case("aten.minimum.default", torch.minimum, [NAN, OTHER], name="nan"),
    Case(
        "aten.minimum.default", lambda x: torch.min(x, torch.tensor(0.5, dtype=x.dtype)), [f32(2, 4)], name="constant"
    ),
    Case("aten.fmax.default", torch.fmax, [NAN, OTHER]),
    Case("aten.fmax.default", torch.fmax, [f32(2, 4), f32(4)], dynamic=[N, None], name="floats"),
    Case("aten.fmin.default", torch.fmin, [NAN, OTHER]),
    Case("aten.fmin.default", torch.fmin, [i64(2, 4), i64(4)], dynamic=[N, None], name="ints"),
    Case("aten.clamp.default", lambda x: x.clamp(-0.5, 1), [f32(2, 4)], dynamic=N),
    Case("aten.clamp.default", lambda x: x.clamp(min=0.25), [f32(2, 4)], dynamic=N, name="min"),
    Case("aten.clamp.default", lambda x: x.clamp(max=0.25), [f32(2, 4)], dynamic=N, name="max"),
    Case("aten.clamp.default", lambda x: x.clamp(-1, 1), [NAN], name="nan"),
    Case("aten.clamp.default", lambda x: x.clamp(-2, 3), [i64(2, 4)], dynamic=N, name="int64"),
    Case("aten.clamp.default", lambda x: x.clamp(max=3), [i32(2, 4)], dynamic=N, name="int32"),
    Case("aten.clamp.default", lambda x: x.clamp(-0.5, 1.5), [i64(2, 4)], name="int to float"),
    Case("aten.clamp.default", lambda x: x.clamp(0, x.shape[0] - 1), [i64(4, 3)], dynamic=N, name="to a size"),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, y, y + 1), [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, max=y), [i64(2, 4), i64(4)], dynamic=[N, None], name="max"),
    Case("aten.clamp.Tensor", lambda x, y: torch.clamp(x, y), [NAN, OTHER], name="nan"),
    Case("aten.clamp_min.default", lambda x: x.clamp_min(0.5), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.clamp_max.default", lambda x: x.clamp_max(0.5), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.addcmul.default", lambda x, y: torch.addcmul(x, y, y, value=2), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.addcdiv.default", lambda x, y: torch.addcdiv(x, x, y), [f32(2, 4), f32(4, low=1)], whole=False),
    Case("aten.lerp.Scalar", lambda x, y: torch.lerp(x, y, 0.3), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.lerp.Tensor", torch.lerp, [f32(2, 4), f32(4), f32(2, 1, low=0)], [N, None, N], whole=False),
    Case("aten.true_divide.Tensor", torch.true_divide, [i64(2, 4), i64(4, low=1)], [N, None], whole=False),
    Case(
        "aten.float_power.Tensor_Scalar", lambda x: torch.float_power(x, 2), [f32(2, 4)], rejects="float64", whole=False
    ),
]
