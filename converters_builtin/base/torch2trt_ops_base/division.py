"""Division in all of its roundings, and what it leaves."""

from __future__ import annotations

import math

import torch
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
        return ctx.tensor(_floored(ctx, input, other, dtype), dtype)
    quotient = lib.div(ctx, input, other, lib.opmath(dtype))
    # TensorRT's division of integers truncates
    return ctx.tensor(quotient if rounding_mode is None else truncated(ctx, quotient), dtype)


def _floored(ctx: Context, input: Value, other: Value, dtype: torch.dtype) -> trt.ITensor:
    """PyTorch's floor of the quotient, which is none of an infinite number, and -1 of opposite signs by infinity."""
    quotient = lib.floor_divide(ctx, input, other, dtype)
    if not dtype.is_floating_point:
        return quotient
    if _may_be_infinite(other):
        opposite = lib.ne(ctx, lib.lt(ctx, input, 0), lib.lt(ctx, other, 0))
        below = lib.logical_and(ctx, opposite, lib.gt(ctx, lib.abs(ctx, input, dtype), 0))
        by_infinity = lib.logical_and(ctx, lib.isinf(ctx, other, dtype), below)
        quotient = lib.where(ctx, by_infinity, -1, quotient, dtype)
    if _may_be_infinite(input):
        # division by zero gives infinity
        undefined = lib.logical_and(ctx, lib.isinf(ctx, input, dtype), lib.ne(ctx, other, 0))
        quotient = lib.where(ctx, undefined, math.nan, quotient, dtype)
    return quotient


def _may_be_infinite(value: Value) -> bool:
    return lib.is_runtime(value) or bool(torch.as_tensor(value).isinf().any())


@converter("aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor")
def remainder(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """remainder.Tensor(Tensor self, Tensor other) -> Tensor"""
    input, other = _rounded(ctx, input), _rounded(ctx, other)
    return _rest(ctx, input, other, _floored(ctx, input, other, lib.opmath(ctx.call.result.dtype)))


@converter("aten.fmod.Tensor", "aten.fmod.Scalar")
def fmod(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """fmod.Tensor(Tensor self, Tensor other) -> Tensor"""
    input, other = _rounded(ctx, input), _rounded(ctx, other)
    quotient = lib.div(ctx, input, other, lib.opmath(ctx.call.result.dtype))
    return _rest(ctx, input, other, truncated(ctx, quotient))


def _rounded(ctx: Context, value: Value) -> Value:
    """Numbers as they are in the dtype of the result, in which PyTorch takes remainders."""
    return value if lib.is_runtime(value) else torch.as_tensor(value).to(ctx.call.result.dtype)


def _rest(ctx: Context, input: Value, other: Value, quotient: trt.ITensor) -> trt.ITensor:
    """``input - quotient * other``: the sign of ``other`` where the quotient is floored, else that of ``input``.

    Where floats have a quotient next to a whole number, its rounding decides between nothing and all of ``other``; one
    of more than 24 bits leaves nothing.
    """
    dtype = ctx.call.result.dtype
    wide = lib.opmath(dtype)
    product = lib.mul(ctx, quotient, other, wide)
    if dtype.is_floating_point and _may_be_infinite(other):
        product = lib.where(ctx, lib.eq(ctx, quotient, 0), 0, product, wide)
    return ctx.tensor(lib.sub(ctx, input, product, wide), dtype)
