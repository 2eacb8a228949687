"""Elementwise layers with PyTorch's type promotion and broadcasting."""

from __future__ import annotations

from typing import Any

import torch

from .._trt import trt
from ..context import Context
from ._values import ndim_of, promoted


def cast(ctx: Context, value: Any, dtype: torch.dtype) -> trt.ITensor:
    """``value`` as a runtime tensor of ``dtype``."""
    return ctx.tensor(value, dtype)


def elementwise(
    ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, dtype: torch.dtype | None = None
) -> trt.ITensor:
    """``input op other``, broadcast, computed in ``dtype`` (by default the promoted dtype)."""
    dtype = dtype or promoted(input, other)
    ndim = max(ndim_of(input), ndim_of(other))
    first, second = ctx.tensor(input, dtype, ndim), ctx.tensor(other, dtype, ndim)
    return ctx.network.add_elementwise(first, second, op).get_output(0)


def compare(ctx: Context, op: trt.ElementWiseOperation, input: Any, other: Any, negate: bool = False) -> trt.ITensor:
    """A comparison (EQUAL, LESS, GREATER) as a bool tensor; ``negate`` gives its opposite."""
    dtype = promoted(input, other)
    # TensorRT compares numbers only
    result = elementwise(ctx, op, input, other, torch.int32 if dtype is torch.bool else dtype)
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
