"""Joining tensors, and writing one into a slice of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import (
    Size,
    arange,
    compare,
    concat,
    elementwise,
    old_gather,
    is_runtime,
    narrow,
    permute,
    reshape,
    select,
    size,
    size_math,
)

from .slicing import bounds, count_steps
from .windows import diagonal_range, flat_matrices

E = trt.ElementWiseOperation


@converter("aten.cat.default")
def cat(ctx: Context, tensors: Sequence[Any], dim: int = 0) -> trt.ITensor:
    """cat(Tensor[] tensors, int dim=0) -> Tensor"""
    # PyTorch passes over legacy tensors of shape (0,)
    parts = [tensor for tensor in tensors if tuple(tensor.shape) != (0,) or ctx.call.result.dim() == 1]
    return concat(ctx, parts, dim, ctx.call.result.dtype)


@converter("aten.slice_scatter.default")
def slice_scatter(
    ctx: Context, input: Any, src: Any, dim: int = 0, start: Size = None, end: Size = None, step: Size = 1
) -> trt.ITensor:
    """slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, ...) -> Tensor"""
    tensor = ctx.tensor(input)
    begin, stop = bounds(ctx, tensor, dim, start, end)
    known = ctx.call.args[1].shape[dim]
    count = known if isinstance(known, int) else count_steps(ctx, begin, stop, step)
    return _replaced(ctx, tensor, src, dim, (begin, count, step))


@converter("aten.diagonal_scatter.default")
def diagonal_scatter(ctx: Context, input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> trt.ITensor:
    """diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor"""
    tensor = ctx.tensor(input)
    flat, order = flat_matrices(ctx, tensor, dim1, dim2)
    written = _replaced(ctx, flat, src, -1, diagonal_range(ctx, tensor, offset, dim1, dim2))
    whole = reshape(ctx, written, [size(ctx, tensor, dim) for dim in order])
    return permute(ctx, whole, [order.index(dim) for dim in range(len(order))])


def _replaced(ctx: Context, input: trt.ITensor, src: Any, dim: int, where: tuple[Size, Size, Size]) -> trt.ITensor:
    """``input`` with ``start, count, step`` of a dimension taken from ``src``."""
    start, count, step = where
    src = ctx.tensor(src, ctx.call.result.dtype)
    length = size(ctx, input, dim)
    if not is_runtime(step) and step == 1:
        stop = size_math(ctx, E.SUM, start, count)
        ends = [(0, start), (stop, size_math(ctx, E.SUB, length, stop))]
        before, after = (
            [] if not is_runtime(long) and long == 0 else [narrow(ctx, input, dim, first, long)] for first, long in ends
        )
        return concat(ctx, [*before, src, *after], dim)
    return old_gather(ctx, concat(ctx, [input, src], dim), _interleaved(ctx, length, start, count, step), dim)


def _interleaved(ctx: Context, length: Size, start: Size, count: Size, step: Size) -> Any:
    """Where in ``input`` followed by ``src`` each element of the result is."""
    if not any(map(is_runtime, (length, start, count, step))):
        index = torch.arange(length)
        index[start : start + count * step : step] = torch.arange(length, length + count)
        return index
    position = arange(ctx, length)
    offset = elementwise(ctx, E.SUB, position, start)
    turn = elementwise(ctx, E.FLOOR_DIV, offset, step)
    inside = elementwise(ctx, E.AND, compare(ctx, E.GREATER, turn, -1), compare(ctx, E.LESS, turn, count))
    on_step = compare(ctx, E.EQUAL, elementwise(ctx, E.PROD, turn, step), offset)
    return select(
        ctx, elementwise(ctx, E.AND, inside, on_step), elementwise(ctx, E.SUM, turn, length), position, torch.int64
    )
