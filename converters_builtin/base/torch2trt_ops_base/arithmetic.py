"""Binary arithmetic with PyTorch's type promotion."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import cast, elementwise, unary

from ._family import Converter, named

E = trt.ElementWiseOperation


@converter("aten.add.Tensor", "aten.add.Scalar")
def add(ctx: Context, input: Any, other: Any, alpha: float = 1) -> trt.ITensor:
    """add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return _sum(ctx, E.SUM, input, other, alpha)


@converter("aten.sub.Tensor", "aten.sub.Scalar")
def sub(ctx: Context, input: Any, other: Any, alpha: float = 1) -> trt.ITensor:
    """sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return _sum(ctx, E.SUB, input, other, alpha)


@converter("aten.rsub.Tensor", "aten.rsub.Scalar")
def rsub(ctx: Context, input: Any, other: Any, alpha: float = 1) -> trt.ITensor:
    """rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return _sum(ctx, E.SUB, other, input, alpha)


def _sum(ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, alpha: float) -> trt.ITensor:
    dtype = ctx.call.result.dtype
    if alpha != 1:
        other = elementwise(ctx, E.PROD, other, alpha, dtype)
    return elementwise(ctx, op, input, other, dtype)


def _binary(name: str, op: trt.ElementWiseOperation, *overloads: str) -> Converter:
    """Computed in the dtype of the result."""

    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return elementwise(ctx, op, input, other, ctx.call.result.dtype)

    return named(name, *(f"aten.{name}.{overload}" for overload in overloads))(convert)


mul = _binary("mul", E.PROD, "Tensor", "Scalar")
maximum, minimum = _binary("maximum", E.MAX, "default"), _binary("minimum", E.MIN, "default")
pow_ = _binary("pow", E.POW, "Tensor_Tensor", "Tensor_Scalar", "Scalar")


@converter("aten.div.Tensor", "aten.div.Scalar")
def div(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """div.Tensor(Tensor self, Tensor other) -> Tensor"""
    return elementwise(ctx, E.DIV, input, other, ctx.call.result.dtype)


@converter("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def div_mode(ctx: Context, input: Any, other: Any, rounding_mode: str | None) -> trt.ITensor:
    """div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor"""
    dtype = ctx.call.result.dtype
    if rounding_mode == "floor":
        return elementwise(ctx, E.FLOOR_DIV, input, other, dtype)
    quotient = elementwise(ctx, E.DIV, input, other, dtype)
    if rounding_mode is None or not dtype.is_floating_point:
        return quotient  # TensorRT's integer division truncates
    floor = unary(ctx, trt.UnaryOperation.FLOOR, unary(ctx, trt.UnaryOperation.ABS, quotient))
    return elementwise(ctx, E.PROD, floor, unary(ctx, trt.UnaryOperation.SIGN, quotient))


@converter("aten.clamp.default", "aten.clamp.Tensor")
def clamp(ctx: Context, input: Any, min: Any = None, max: Any = None) -> trt.ITensor:
    """clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor"""
    dtype = ctx.call.result.dtype
    result = cast(ctx, input, dtype)
    if min is not None:
        result = elementwise(ctx, E.MAX, result, min, dtype)
    if max is not None:
        result = elementwise(ctx, E.MIN, result, max, dtype)
    return result


def _logical(name: str, op: trt.ElementWiseOperation) -> Converter:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return elementwise(ctx, op, input, other, torch.bool)

    return named(name, f"aten.{name}.default")(convert)


logical_and, logical_or = _logical("logical_and", E.AND), _logical("logical_or", E.OR)
logical_xor = _logical("logical_xor", E.XOR)
