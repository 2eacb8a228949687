"""Powers."""

from __future__ import annotations

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

#: beyond it every power of an integer but those of 0, 1 and -1 overflows
_MOST_BITS = 64


@converter("aten.pow.Tensor_Tensor", "aten.pow.Tensor_Scalar", "aten.pow.Scalar")
def pow_(ctx: Context, input: Value, exponent: Value) -> trt.ITensor:
    """pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor"""
    dtype = ctx.call.result.dtype
    if isinstance(exponent, (int, float)) and lib.is_runtime(input):
        result = _without_logarithm(ctx, ctx.tensor(input, dtype), exponent, dtype.is_floating_point)
        if result is not None:
            return result
    return lib.pow(ctx, input, exponent, dtype)


def _without_logarithm(ctx: Context, base: trt.ITensor, exponent: float, floating: bool) -> trt.ITensor | None:
    """The usual exponents: exact, and right for negative bases too; None for others."""
    if exponent in (1, 2, 3) or (not floating and 0 < exponent < _MOST_BITS):
        return _by_products(ctx, base, int(exponent))
    if not floating:
        return None
    if exponent in (0.5, -0.5):
        return lib.sqrt(ctx, base) if exponent > 0 else lib.rsqrt(ctx, base)
    return lib.reciprocal(ctx, base) if exponent == -1 else None


def _by_products(ctx: Context, base: trt.ITensor, exponent: int) -> trt.ITensor:
    """By squaring: what overflows keeps its lowest bits, as in PyTorch."""
    if exponent == 1:
        return base
    square = lib.mul(ctx, base, base)
    root = _by_products(ctx, square, exponent // 2)
    return lib.mul(ctx, root, base) if exponent % 2 else root


@converter("aten.exp2.default")
def exp2(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """exp2(Tensor self) -> Tensor"""
    return lib.pow(ctx, 2, input, ctx.call.result.dtype)


@converter("aten.ldexp.Tensor")
def ldexp(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """ldexp.Tensor(Tensor self, Tensor other) -> Tensor"""
    dtype = ctx.call.result.dtype
    wide = lib.opmath(dtype)  # the power alone may leave the range of 16 bits
    return ctx.tensor(lib.mul(ctx, input, lib.pow(ctx, 2, other, wide), wide), dtype)
