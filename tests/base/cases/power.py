"""Powers."""

import torch
from torch2trt.testing import Case, f32, i32, i64

N = {0: "n"}
NN = [N, N]
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0])

CASES = [
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
    Case("aten.pow.Tensor_Scalar", lambda x: x**63, [i64(2, 4)], dynamic=N, name="int that overflows"),
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
    # in float64, which is float32 in a network
    Case("aten.float_power.Tensor_Scalar", lambda x: torch.float_power(x, 2), [f32(2, 4)], dynamic=N, whole=False),
]
