"""Limits: the larger or smaller of two, and clamp."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, cast, elementwise, is_runtime, named, select, unary

E = trt.ElementWiseOperation


def bounded(ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, dtype: torch.dtype) -> trt.ITensor:
    """The larger or smaller of two, NaN where either is: TensorRT gives the first operand then."""
    result = elementwise(ctx, op, input, other, dtype)
    return _where_nan(ctx, other, other, result, dtype)


def _where_nan(ctx: Context, test: Any, chosen: Any, otherwise: Any, dtype: torch.dtype) -> trt.ITensor:
    """``chosen`` where ``test`` is NaN; constants and integers are taken to be numbers."""
    if not dtype.is_floating_point or not is_runtime(test):
        return ctx.tensor(otherwise, dtype)
    return select(ctx, unary(ctx, trt.UnaryOperation.ISNAN, cast(ctx, test, dtype)), chosen, otherwise, dtype)


def _extreme(name: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return bounded(ctx, op, input, other, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


maximum, minimum = _extreme("maximum", E.MAX), _extreme("minimum", E.MIN)


def _ignoring_nan(name: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        number = _where_nan(ctx, other, input, elementwise(ctx, op, input, other, dtype), dtype)
        return _where_nan(ctx, input, other, number, dtype)

    return named(name, f"aten.{name}.default")(convert)


fmax, fmin = _ignoring_nan("fmax", E.MAX), _ignoring_nan("fmin", E.MIN)


@converter("aten.clamp.default", "aten.clamp.Tensor")
def clamp(ctx: Context, input: Any, min: Any = None, max: Any = None) -> trt.ITensor:
    """clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor"""
    dtype = ctx.call.result.dtype
    # not the activation CLIP, which makes a number of NaN
    result = cast(ctx, input, dtype)
    if min is not None:
        result = bounded(ctx, E.MAX, result, min, dtype)
    if max is not None:
        result = bounded(ctx, E.MIN, result, max, dtype)
    return result
