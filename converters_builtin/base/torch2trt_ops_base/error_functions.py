"""The inverse of the error function, and its complement scaled by exp(x * x)."""

from __future__ import annotations

import math

import torch
from torch2trt import Context, lib, trt

from .approximations import Polynomial

#: of w = -log(1 - x * x), what erfinv has more than x; and of the square root of w, where x is next to 1
_INVERSE = Polynomial(lambda w: _inverse(w), 0.0, 5.0, 10)
_INVERSE_NEAR_ONE = Polynomial(lambda root: _inverse(root * root), math.sqrt(5), 4.1, 8)


def _inverse(w: torch.Tensor) -> torch.Tensor:
    x = torch.sqrt(-torch.expm1(-w))
    result: torch.Tensor = torch.special.erfinv(x) / x
    return result


def erfinv(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """``torch.special.erfinv(x)``."""
    w = lib.neg(ctx, lib.log(ctx, lib.mul(ctx, lib.sub(ctx, 1.0, x), lib.add(ctx, 1.0, x))))
    near = _INVERSE_NEAR_ONE(ctx, lib.sqrt(ctx, w))
    result = lib.mul(ctx, lib.where(ctx, lib.lt(ctx, w, 5.0), _INVERSE(ctx, w), near), x)
    magnitude = lib.abs(ctx, x)
    # the sign of infinity, and nothing beyond
    result = lib.where(ctx, lib.eq(ctx, magnitude, 1.0), lib.mul(ctx, x, math.inf), result)
    return lib.where(ctx, lib.gt(ctx, magnitude, 1.0), math.nan, result)


#: scaled so that it stays finite; of t = 1 / (1 + x / 2)
_ERFCX = Polynomial(lambda t: torch.special.erfcx(2 / t - 2) / t, 0.0, 1.0, 14)


def erfcx(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """``torch.special.erfcx(x)``."""
    t = lib.reciprocal(ctx, lib.add(ctx, lib.mul(ctx, lib.abs(ctx, x), 0.5), 1.0))
    positive = lib.mul(ctx, _ERFCX(ctx, t), t)
    mirrored = lib.sub(ctx, lib.mul(ctx, lib.exp(ctx, lib.mul(ctx, x, x)), 2.0), positive)
    return lib.where(ctx, lib.lt(ctx, x, 0.0), mirrored, positive)
