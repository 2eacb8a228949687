"""Sizes and indices: Python's own numbers where they are known, 0-d int64 tensors where they are dynamic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from .._trt import trt
from ..network.context import Context, is_runtime
from .pointwise import elementwise
from .values import Size, Value

_E = trt.ElementWiseOperation
_LAYERS: Final[dict[Callable[[Any, Any], Any], Any]] = {
    operator.add: _E.SUM,
    operator.sub: _E.SUB,
    operator.mul: _E.PROD,
    operator.floordiv: _E.FLOOR_DIV,
    min: _E.MIN,
    max: _E.MAX,
}


def size(ctx: Context, input: trt.ITensor, dim: int) -> Size:
    """``input.size(dim)``."""
    known = input.shape[dim]
    if known >= 0:
        return known
    dim = dim % len(input.shape)
    shape = ctx.network.add_shape(input).get_output(0)
    return ctx.network.add_gather(shape, ctx.tensor(torch.tensor(dim)), 0).get_output(0)


def sizes(ctx: Context, input: trt.ITensor) -> list[Size]:
    """``input.size()``."""
    return [size(ctx, input, dim) for dim in range(len(input.shape))]


def size_op(ctx: Context, op: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
    """``op(first, second)`` of sizes or indices, constant ones in Python, others as a layer.

    Args:
        ctx: the context.
        op: ``operator.add``, ``sub``, ``mul``, ``floordiv``, ``min`` or ``max``.
        first, second: ints, constant int64 tensors, or int64 runtime tensors.
    """
    if is_runtime(first) or is_runtime(second):
        return elementwise(ctx, _LAYERS[op], first, second, torch.int64)
    return op(first, second)


def size_product(ctx: Context, dims: Sequence[Size]) -> Size:
    """The product of sizes; 1 for none."""
    total: Size = 1
    for dim in dims:
        total = dim if not is_runtime(total) and total == 1 else size_op(ctx, operator.mul, total, dim)
    return total


def arange(ctx: Context, length: Size, start: Value = 0, step: Value = 1) -> trt.ITensor:
    """``length`` int64 numbers: ``start``, ``start + step``, …"""
    if not is_runtime(length) and not is_runtime(start) and not is_runtime(step):
        return ctx.tensor(torch.arange(length) * step + start)
    layer = ctx.network.add_fill((1,), trt.FillOperation.LINSPACE, trt.int64)
    layer.set_input(0, ctx.shape([length]))
    layer.set_input(1, ctx.tensor(start, torch.int64))
    layer.set_input(2, ctx.tensor(step, torch.int64, ndim=1))
    return layer.get_output(0)
