"""Powers."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import cast, elementwise, is_runtime, opmath, unary

E, U = trt.ElementWiseOperation, trt.UnaryOperation


@converter("aten.pow.Tensor_Tensor", "aten.pow.Tensor_Scalar", "aten.pow.Scalar")
def pow_(ctx: Context, input: Any, exponent: Any) -> trt.ITensor:
    """pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor"""
    dtype = ctx.call.result.dtype
    if isinstance(exponent, (int, float)) and is_runtime(input):
        short = _short(ctx, cast(ctx, input, dtype), exponent, dtype.is_floating_point)
        if short is not None:
            return short
    return elementwise(ctx, E.POW, input, exponent, dtype)


def _short(ctx: Context, base: trt.ITensor, exponent: float, floating: bool) -> trt.ITensor | None:
    """The usual exponents without logarithms: exact, and the same for negative bases."""
    if exponent == 1:
        return base
    if exponent in (2, 3):
        square = elementwise(ctx, E.PROD, base, base)
        return square if exponent == 2 else elementwise(ctx, E.PROD, square, base)
    if floating and exponent in (0.5, -0.5):
        root = unary(ctx, U.SQRT, base)
        return root if exponent > 0 else unary(ctx, U.RECIP, root)
    return unary(ctx, U.RECIP, base) if floating and exponent == -1 else None


@converter("aten.exp2.default")
def exp2(ctx: Context, input: Any) -> trt.ITensor:
    """exp2(Tensor self) -> Tensor"""
    return elementwise(ctx, E.POW, 2, input, ctx.call.result.dtype)


@converter("aten.ldexp.Tensor")
def ldexp(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """ldexp.Tensor(Tensor self, Tensor other) -> Tensor"""
    dtype = ctx.call.result.dtype
    wide = opmath(dtype)  # the power alone may leave the range of 16 bits
    power = elementwise(ctx, E.POW, 2, other, wide)
    return cast(ctx, elementwise(ctx, E.PROD, input, power, wide), dtype)
