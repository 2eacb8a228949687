"""Functions that take several layers."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import OTHER, SPECIAL
from .unary import NAN, _function, unary

N = {0: "n"}
NN = [N, N]
#: PyTorch has no scaled complements of the error function in float16 on the CPU
F32, HALF = (torch.float32,), (torch.float32, torch.float16)
SIGNS = torch.tensor([-1.5, -0.0, 0.0, 2.0, -float("inf"), float("inf"), -3.0])
#: small numbers, for which naive formulas lose every digit
TINY = torch.tensor([1e-7, -3e-6, 2.5e-4, -1e-3, 0.0, 1e-9])

#: close to the ends, where the inverse of the error function grows
WITHIN = torch.tensor(
    [-1.0, -0.9999999, -0.99, -0.5, -1e-6, -0.0, 0.0, 1e-30, 0.3, 0.9, 0.999, 0.9999999, 1.0, 1.5, -2.0]
)
#: each side of where one approximation ends and the next begins, of zeros and of poles
POINTS = torch.tensor(
    [1e-30, 1e-3, 0.5, 0.999, 1.0, 1.001, 1.4616, 1.999, 2.0, 2.001, 2.999, 3.0, 5.999, 6.0, 7.999, 8.0, 8.001]
    + [20.0, 88.0, 95.0, 1e3, 1e10, 1e30, 3e38]
)
NEGATIVE = torch.tensor(
    [-1e-30, -1e-3, -0.5, -0.999, -1.001, -1.5, -2.457, -2.75, -3.5, -7.999, -8.001, -20.5, -95.0, -1e3]
)
POLES = torch.tensor([0.0, -0.0, -1.0, -2.0, -100.0, -1e10])
#: each with the points that it is tried at besides
SPECIAL_FUNCTIONS = (
    ("erfinv", [WITHIN]),
    ("special_erfcx", [POINTS, NEGATIVE]),
    ("lgamma", [POINTS, NEGATIVE, POLES]),
    ("digamma", [POINTS, NEGATIVE, POLES]),
    ("i0", [POINTS, NEGATIVE]),
    ("special_i0e", [POINTS, NEGATIVE]),
    ("special_i1", [POINTS, NEGATIVE]),
    ("special_i1e", [POINTS, NEGATIVE]),
)


def special(name: str, tried: list[torch.Tensor]) -> list[Case]:
    call, target = _function(name), f"aten.{name}.default"
    return [
        Case(target, call, [f32(2, 4, low=-0.9, high=0.9)], dynamic=N, dtypes=F32 if name == "special_erfcx" else HALF),
        Case(target, call, [i64(2, 4)], name="int64"),
        *(Case(target, call, [values], name=f"points {index}") for index, values in enumerate([NAN, *tried])),
    ]


CASES = [
    *(case for name, tried in SPECIAL_FUNCTIONS for case in special(name, tried)),
    *(
        Case("aten.polygamma.default", lambda x, order=order: torch.polygamma(order, x), [*inputs], N, name=name)
        for order in (0, 1)
        for name, inputs in (
            (f"{order}", [f32(2, 4)]),
            (f"{order} positive", [POINTS]),
            # next to a pole PyTorch loses digits of order 1
            (f"{order} negative", [NEGATIVE[:9]]),
            (f"{order} zeros", [POLES[:2]]),
        )
    ),
    Case("aten.polygamma.default", lambda x: torch.polygamma(2, x), [f32(4)], rejects="orders 0 and 1", name="2"),
    Case("aten.angle.default", torch.angle, [f32(2, 4)], dynamic=N),
    Case("aten.angle.default", torch.angle, [i64(2, 4)], dynamic=N, name="int64"),
    Case("aten.angle.default", torch.angle, [b8(2, 4)], name="bool"),
    Case("aten.angle.default", torch.angle, [NAN], name="nan"),
    Case("aten.mvlgamma.default", lambda x: torch.mvlgamma(x, 3), [f32(2, 4, low=1.5, high=9)], dynamic=N, whole=False),
    Case("aten.special_log_ndtr.default", torch.special.log_ndtr, [f32(2, 4)], dynamic=N, dtypes=F32, whole=False),
    Case("aten.special_log_ndtr.default", torch.special.log_ndtr, [NEGATIVE], whole=False, name="negative"),
    Case("aten.special_log_ndtr.default", torch.special.log_ndtr, [NAN], whole=False, name="nan"),
    Case("aten.logaddexp.default", torch.logaddexp, [SPECIAL, OTHER], whole=False, name="special"),
    Case("aten.logaddexp2.default", torch.logaddexp2, [SPECIAL, OTHER], whole=False, name="special"),
    Case("aten.xlogy.Tensor", torch.xlogy, [SPECIAL, OTHER], whole=False, name="special"),
    Case("aten.special_xlog1py.default", torch.special.xlog1py, [SPECIAL, OTHER], whole=False, name="special"),
    Case("aten.sinc.default", torch.sinc, [NAN], whole=False, name="nan"),
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
