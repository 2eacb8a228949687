"""Limits: the larger or smaller of two, and clamp."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import activation, cast, elementwise, is_runtime, select, unary

from ._family import Converter, named

E = trt.ElementWiseOperation


def bounded(ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, dtype: torch.dtype) -> trt.ITensor:
    """The larger or smaller of two, NaN where either is: TensorRT gives the other one."""
    result = elementwise(ctx, op, input, other, dtype)
    for value in (input, other) if dtype.is_floating_point else ():
        if is_runtime(value):
            number = cast(ctx, value, dtype)
            result = select(ctx, unary(ctx, trt.UnaryOperation.ISNAN, number), number, result)
    return result


def _extreme(name: str, op: trt.ElementWiseOperation) -> Converter:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return bounded(ctx, op, input, other, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


maximum, minimum = _extreme("maximum", E.MAX), _extreme("minimum", E.MIN)


def _ignoring_nan(name: str, op: trt.ElementWiseOperation) -> Converter:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return elementwise(ctx, op, input, other, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


fmax, fmin = _ignoring_nan("fmax", E.MAX), _ignoring_nan("fmin", E.MIN)


@converter("aten.clamp.default")
def clamp(ctx: Context, input: Any, min: Any = None, max: Any = None) -> trt.ITensor:
    """clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor"""
    if not ctx.call.result.dtype.is_floating_point or is_runtime(min) or is_runtime(max):
        return clamp_tensor(ctx, input, min, max)
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    number = cast(ctx, input, ctx.call.result.dtype)
    return activation(ctx, trt.ActivationType.CLIP, number, float(low), float(high))


@converter("aten.clamp.Tensor")
def clamp_tensor(ctx: Context, input: Any, min: Any = None, max: Any = None) -> trt.ITensor:
    """clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor"""
    dtype = ctx.call.result.dtype
    result = cast(ctx, input, dtype)
    if min is not None:
        result = bounded(ctx, E.MAX, result, min, dtype)
    if max is not None:
        result = bounded(ctx, E.MIN, result, max, dtype)
    return result
