"""Functions that take several layers."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import OTHER, SPECIAL
from .unary import NAN, unary

N = {0: "n"}
NN = [N, N]
SIGNS = torch.tensor([-1.5, -0.0, 0.0, 2.0, -float("inf"), float("inf"), -3.0])
#: small numbers, for which naive formulas lose every digit
TINY = torch.tensor([1e-7, -3e-6, 2.5e-4, -1e-3, 0.0, 1e-9])

CASES = [
    *(unary(name) for name in ("erfc", "expm1")),
    *(unary(name, 0.25) for name in ("log2", "log10")),
    unary("log1p", -0.5),
    Case("aten.log1p.default", torch.log1p, [i64(2, 4, low=1)], dynamic=N, name="int64"),
    Case("aten.expm1.default", torch.expm1, [i32(2, 4)], name="int32"),
    Case("aten.erfc.default", torch.erfc, [b8(2, 4)], name="bool"),
    Case("aten.expm1.default", torch.expm1, [NAN], name="nan"),
    Case("aten.log1p.default", torch.log1p, [NAN], name="nan"),
    Case("aten.expm1.default", torch.expm1, [TINY], name="tiny", rtol=1e-5, atol=0),
    Case("aten.log1p.default", torch.log1p, [TINY], name="tiny", rtol=1e-5, atol=0),
    Case("aten.signbit.default", torch.signbit, [SIGNS]),
    Case("aten.signbit.default", torch.signbit, [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.copysign.Tensor", torch.copysign, [f32(2, 4), f32(2, 4)], dynamic=NN),
    Case("aten.copysign.Tensor", torch.copysign, [torch.arange(7.0), SIGNS], name="zeros"),
    Case("aten.copysign.Scalar", lambda x: torch.copysign(x, -2), [i64(2, 4)], dynamic=N),
    Case("aten.hypot.default", torch.hypot, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.hypot.default", torch.hypot, [SIGNS, NAN], name="nan"),
    Case("aten.atan2.default", torch.atan2, [f32(2, 4), f32(2, 4)], dynamic=NN),
    Case("aten.atan2.default", torch.atan2, [f32(2, 4), i64(4)], dynamic=[N, None], name="promoted"),
    Case(
        "aten.atan2.default",
        torch.atan2,
        [SIGNS.repeat_interleave(7), SIGNS.repeat(7)],
        name="quadrants and infinities",
    ),
    Case("aten.atan2.out", lambda x, y: torch.atan2(x, y, out=x.clone()), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.logaddexp.default", torch.logaddexp, [f32(2, 4), f32(4)], dynamic=[N, None], whole=False),
    Case("aten.logaddexp2.default", torch.logaddexp2, [f32(2, 4), f32(4)], dynamic=[N, None], whole=False),
    Case("aten.xlogy.Tensor", torch.xlogy, [torch.arange(7.0), NAN], name="nan", whole=False),
    Case("aten.xlogy.Tensor", torch.xlogy, [f32(2, 4), f32(4, low=0.5)], dynamic=[N, None], whole=False),
    Case("aten.special_xlog1py.default", torch.special.xlog1py, [f32(2, 4), f32(4, low=0)], whole=False),
    Case("aten.hypot.default", torch.hypot, [SPECIAL, OTHER], name="special"),
    Case("aten.hypot.default", torch.hypot, [torch.tensor([3e30, 0.0]), torch.tensor([4e30, 0.0])], name="large"),
    Case("aten.atan2.default", torch.atan2, [SPECIAL, OTHER], name="special"),
]
