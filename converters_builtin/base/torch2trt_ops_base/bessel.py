"""Modified Bessel functions of the first kind, of the orders 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch2trt import Context, lib, trt

from .approximations import Function, Polynomial

Formula = Callable[[Context, trt.ITensor], trt.ITensor]
_SMALL = 8.0  #: where one polynomial ends and the other, of 8 / x, begins


def _scaled(function: Function, odd: bool) -> Formula:
    """The function, which is even or odd, without its growth of exp(|x|)."""
    small = Polynomial((lambda x: function(x) / x) if odd else function, 0.0, _SMALL, 16)
    large = Polynomial(lambda u: function(_SMALL / u) * torch.sqrt(_SMALL / u), 0.0, 1.0, 8)

    def scaled(ctx: Context, x: trt.ITensor) -> trt.ITensor:
        magnitude = lib.abs(ctx, x)
        near, inverse = small(ctx, magnitude), lib.reciprocal(ctx, magnitude)
        far = lib.mul(ctx, large(ctx, lib.mul(ctx, inverse, _SMALL)), lib.sqrt(ctx, inverse))
        if odd:
            near, far = lib.mul(ctx, near, x), lib.where(ctx, lib.lt(ctx, x, 0.0), lib.neg(ctx, far), far)
        return lib.where(ctx, lib.le(ctx, magnitude, _SMALL), near, far)

    return scaled


def _grown(scaled: Formula) -> Formula:
    def grown(ctx: Context, x: trt.ITensor) -> trt.ITensor:
        return lib.mul(ctx, scaled(ctx, x), lib.exp(ctx, lib.abs(ctx, x)))

    return grown


i0e, i1e = _scaled(torch.special.i0e, odd=False), _scaled(torch.special.i1e, odd=True)
i0, i1 = _grown(i0e), _grown(i1e)
