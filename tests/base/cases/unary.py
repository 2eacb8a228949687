"""Mathematical functions and rounding."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0, -0.0])
SIGNS = torch.tensor([-1.5, -0.0, 0.0, 2.0, -float("inf"), float("inf"), -3.0])
#: small numbers, for which naive formulas lose every digit
TINY = torch.tensor([1e-7, -3e-6, 2.5e-4, -1e-3, 0.0, 1e-9])


def _function(name: str):
    return (
        getattr(torch.special, name.removeprefix("special_")) if name.startswith("special_") else getattr(torch, name)
    )


def _unary(name: str, low: float = -2, high: float = 2) -> list[Case]:
    call = getattr(torch, name)
    return [Case(f"aten.{name}.default", call, [f32(2, 4, low=low, high=high)], dynamic=N)]


CASES = [
    *(
        case
        for name in ("neg", "abs", "sign", "exp", "erf", "erfc", "sin", "cos", "sinh", "cosh")
        for case in _unary(name)
    ),
    *(case for name in ("atan", "asinh", "floor", "ceil", "round", "trunc", "expm1", "isnan") for case in _unary(name)),
    *(case for name in ("log", "log2", "log10", "sqrt", "rsqrt", "reciprocal") for case in _unary(name, 0.25)),
    *(case for name in ("asin", "acos", "atanh", "tan") for case in _unary(name, -0.9, 0.9)),
    *_unary("acosh", 1.25),
    *_unary("log1p", -0.5),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [i64(2, 4, low=1)], dynamic=N, name="int64")
        for name in (
            "neg",
            "abs",
            "sign",
            "exp",
            "log",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "sin",
            "floor",
            "trunc",
            "log1p",
        )
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [i32(2, 4)], name="int32")
        for name in ("neg", "abs", "sign", "erf", "cos", "ceil", "round", "expm1", "isnan", "isinf")
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [b8(2, 4)], name="bool")
        for name in ("sign", "sqrt", "exp", "erfc", "isinf")
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [NAN], name="nan")
        for name in ("sign", "exp", "log", "sqrt", "expm1", "log1p", "isnan", "isinf", "trunc", "round", "reciprocal")
    ),
    Case("aten.isinf.default", torch.isinf, [f32(2, 4)], dynamic=N),
    Case("aten.expm1.default", torch.expm1, [TINY], name="tiny", rtol=1e-5, atol=0),
    Case("aten.log1p.default", torch.log1p, [TINY], name="tiny", rtol=1e-5, atol=0),
    Case("aten.round.default", torch.round, [torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5])], name="halves to even"),
    Case("aten.round.decimals", lambda x: torch.round(x, decimals=1), [f32(2, 4)], dynamic=N, atol=1e-3),
    Case("aten.round.decimals", lambda x: torch.round(x, decimals=-1), [f32(2, 4, low=-99, high=99)], name="negative"),
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
    *(
        Case(f"aten.{name}.default", _function(name), [f32(2, 4)], dynamic=N, whole=False)
        for name in (
            "sinc",
            "frac",
            "sgn",
            "isfinite",
            "deg2rad",
            "rad2deg",
            "positive",
            "special_expit",
            "special_ndtr",
        )
    ),
    *(
        Case(f"aten.{name}.default", _function(name), [NAN], name="nan", whole=False)
        for name in ("isfinite", "isposinf", "isneginf", "nan_to_num", "special_entr")
    ),
    Case("aten.nan_to_num.default", lambda x: torch.nan_to_num(x, 1.0, 2.0, -3.0), [NAN], whole=False),
    Case("aten.atan2.out", lambda x, y: torch.atan2(x, y, out=x.clone()), [f32(2, 4), f32(2, 4)], NN, whole=False),
    Case("aten.logit.default", lambda x: torch.logit(x, 0.1), [f32(2, 4, low=0, high=1)], dynamic=N, whole=False),
    Case("aten.logaddexp.default", torch.logaddexp, [f32(2, 4), f32(4)], dynamic=[N, None], whole=False),
    Case("aten.logaddexp2.default", torch.logaddexp2, [f32(2, 4), f32(4)], dynamic=[N, None], whole=False),
    Case("aten.xlogy.Tensor", torch.xlogy, [torch.arange(7.0), NAN], name="nan", whole=False),
    Case("aten.xlogy.Tensor", torch.xlogy, [f32(2, 4), f32(4, low=0.5)], dynamic=[N, None], whole=False),
    Case("aten.special_xlog1py.default", torch.special.xlog1py, [f32(2, 4), f32(4, low=0)], whole=False),
    Case("aten.heaviside.default", torch.heaviside, [SIGNS, torch.full((7,), 0.5)], whole=False),
]
