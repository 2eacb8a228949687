"""Elementwise layers with PyTorch's type promotion and broadcasting."""

from __future__ import annotations

from typing import Any

import torch

from .._trt import trt
from ..network.context import Context
from ._values import ndim_of, promoted

#: TensorRT calculates with neither
_NUMBERS = {torch.bool: torch.int32, torch.uint8: torch.int32}
_ON_BOOLS = (trt.ElementWiseOperation.AND, trt.ElementWiseOperation.OR, trt.ElementWiseOperation.XOR)
_COMPARISONS = (trt.ElementWiseOperation.EQUAL, trt.ElementWiseOperation.LESS, trt.ElementWiseOperation.GREATER)


def number_of(dtype: torch.dtype) -> torch.dtype:
    """``dtype``, or the one that stands in for it in calculations where TensorRT has none of its own."""
    return _NUMBERS.get(dtype, dtype)


def cast(ctx: Context, value: Any, dtype: torch.dtype) -> trt.ITensor:
    """``value`` as a runtime tensor of ``dtype``."""
    return ctx.tensor(value, dtype)


def elementwise(
    ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, dtype: torch.dtype | None = None
) -> trt.ITensor:
    """``input op other``, broadcast, computed in ``dtype`` (by default the promoted dtype)."""
    dtype = dtype or promoted(input, other)
    ndim = max(ndim_of(input), ndim_of(other))
    operands = dtype if op in _ON_BOOLS else number_of(dtype)
    first, second = ctx.tensor(input, operands, ndim), ctx.tensor(other, operands, ndim)
    result = ctx.network.add_elementwise(first, second, op).get_output(0)
    return result if op in _COMPARISONS else ctx.tensor(result, dtype)


def compare(ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, negate: bool = False) -> trt.ITensor:
    """A comparison (EQUAL, LESS, GREATER) as a bool tensor; ``negate`` gives its opposite."""
    result = elementwise(ctx, op, input, other)
    return unary(ctx, trt.UnaryOperation.NOT, result) if negate else result


def unary(ctx: Context, op: trt.UnaryOperation, input: Any, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``op(input)``, computed in ``dtype`` (by default the input's)."""
    return ctx.network.add_unary(ctx.tensor(input, dtype), op).get_output(0)


def activation(
    ctx: Context, op: trt.ActivationType, input: Any, alpha: float | None = None, beta: float | None = None
) -> trt.ITensor:
    """An activation layer with its parameters."""
    layer = ctx.network.add_activation(ctx.tensor(input), op)
    if alpha is not None:
        layer.alpha = alpha
    if beta is not None:
        layer.beta = beta
    return layer.get_output(0)


def select(ctx: Context, condition: Any, input: Any, other: Any, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.where(condition, input, other)``."""
    dtype = dtype or promoted(input, other)
    ndim = max(ndim_of(condition), ndim_of(input), ndim_of(other))
    return ctx.network.add_select(
        ctx.tensor(condition, torch.bool, ndim), ctx.tensor(input, dtype, ndim), ctx.tensor(other, dtype, ndim)
    ).get_output(0)
