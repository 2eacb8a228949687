"""Division in all of its roundings, and what it leaves."""

from __future__ import annotations

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .rounding import truncated


@converter("aten.div.Tensor", "aten.div.Scalar")
def div(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """div.Tensor(Tensor self, Tensor other) -> Tensor"""
    return lib.div(ctx, input, other, ctx.call.result.dtype)


@converter("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def div_mode(ctx: Context, input: Value, other: Value, rounding_mode: str | None) -> trt.ITensor:
    """div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor"""
    dtype = ctx.call.result.dtype
    if rounding_mode == "floor":
        return lib.floor_divide(ctx, input, other, dtype)
    quotient = lib.div(ctx, input, other, lib.opmath(dtype))
    # TensorRT's division of integers truncates
    return ctx.tensor(quotient if rounding_mode is None else truncated(ctx, quotient), dtype)


@converter("aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor")
def remainder(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """remainder.Tensor(Tensor self, Tensor other) -> Tensor"""
    quotient = lib.floor_divide(ctx, input, other, lib.opmath(ctx.call.result.dtype))
    return _rest(ctx, input, other, quotient)


@converter("aten.fmod.Tensor", "aten.fmod.Scalar")
def fmod(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """fmod.Tensor(Tensor self, Tensor other) -> Tensor"""
    quotient = lib.div(ctx, input, other, lib.opmath(ctx.call.result.dtype))
    return _rest(ctx, input, other, truncated(ctx, quotient))


def _rest(ctx: Context, input: Value, other: Value, quotient: trt.ITensor) -> trt.ITensor:
    """``input - quotient * other``: the sign of ``other`` where the quotient is floored, else that of ``input``.

    Where floats have a quotient next to a whole number, its rounding decides between nothing and all of ``other``.
    """
    dtype = ctx.call.result.dtype
    wide = lib.opmath(dtype)
    return ctx.tensor(lib.sub(ctx, input, lib.mul(ctx, quotient, other, wide), wide), dtype)
