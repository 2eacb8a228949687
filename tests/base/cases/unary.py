"""Mathematical functions."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NAN = torch.tensor([float("nan"), 1.0, -1.0, float("inf"), -float("inf"), 0.0, -0.0])


def _function(name: str):
    return (
        getattr(torch.special, name.removeprefix("special_")) if name.startswith("special_") else getattr(torch, name)
    )


def unary(name: str, low: float = -2, high: float = 2) -> Case:
    return Case(f"aten.{name}.default", getattr(torch, name), [f32(2, 4, low=low, high=high)], dynamic=N)


CASES = [
    *(unary(name) for name in ("neg", "abs", "sign", "exp", "erf", "sin", "cos", "sinh", "cosh")),
    *(unary(name) for name in ("atan", "asinh", "isnan")),
    *(unary(name, 0.25) for name in ("log", "sqrt", "rsqrt", "reciprocal")),
    *(unary(name, -0.9, 0.9) for name in ("asin", "acos", "atanh", "tan")),
    unary("acosh", 1.25),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [i64(2, 4, low=1)], dynamic=N, name="int64")
        for name in ("neg", "abs", "sign", "exp", "log", "sqrt", "rsqrt", "reciprocal", "sin")
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [i32(2, 4)], name="int32")
        for name in ("neg", "abs", "sign", "erf", "cos", "isnan", "isinf")
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [b8(2, 4)], name="bool")
        for name in ("sign", "sqrt", "exp", "isinf")
    ),
    *(
        Case(f"aten.{name}.default", getattr(torch, name), [NAN], name="nan")
        for name in ("sign", "exp", "log", "sqrt", "isnan", "isinf", "reciprocal")
    ),
    Case("aten.isinf.default", torch.isinf, [f32(2, 4)], dynamic=N),
    *(
        Case(f"aten.{name}.default", _function(name), [f32(2, 4)], dynamic=N, whole=False)
        for name in ("sinc", "sgn", "isfinite", "deg2rad", "rad2deg", "positive", "special_ndtr")
    ),
    *(
        Case(f"aten.{name}.default", _function(name), [NAN], name="nan", whole=False)
        for name in ("isfinite", "isposinf", "isneginf", "nan_to_num", "special_entr")
    ),
    Case("aten.nan_to_num.default", lambda x: torch.nan_to_num(x, 1.0, 2.0, -3.0), [NAN], whole=False),
    Case("aten.logit.default", lambda x: torch.logit(x, 0.1), [f32(2, 4, low=0, high=1)], dynamic=N, whole=False),
]
