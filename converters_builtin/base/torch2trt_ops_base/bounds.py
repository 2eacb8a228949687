"""Limits: the larger or smaller of two, and clamp."""

from __future__ import annotations

from collections.abc import Callable

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

E = trt.ElementWiseOperation


@converter("aten.maximum.default")
def maximum(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """maximum(Tensor self, Tensor other) -> Tensor"""
    return lib.maximum(ctx, input, other, ctx.call.result.dtype)


@converter("aten.minimum.default")
def minimum(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """minimum(Tensor self, Tensor other) -> Tensor"""
    return lib.minimum(ctx, input, other, ctx.call.result.dtype)


def _ignoring_nan(name: str, op: trt.ElementWiseOperation) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        result = lib.elementwise(ctx, op, input, other, dtype)
        for value, instead in ((other, input), (input, other)):
            if dtype.is_floating_point:
                result = lib.where(ctx, lib.isnan(ctx, value, dtype), instead, result, dtype)
        return result

    return converter(f"aten.{name}.default", name=name)(convert)


fmax, fmin = _ignoring_nan("fmax", E.MAX), _ignoring_nan("fmin", E.MIN)


@converter("aten.clamp.default", "aten.clamp.Tensor")
def clamp(ctx: Context, input: Value, min: Value | None = None, max: Value | None = None) -> trt.ITensor:
    """clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor"""
    dtype = ctx.call.result.dtype
    # not the activation CLIP, which makes a number of NaN
    result = ctx.tensor(input, dtype)
    if min is not None:
        result = lib.maximum(ctx, result, min, dtype)
    return result if max is None else lib.minimum(ctx, result, max, dtype)
