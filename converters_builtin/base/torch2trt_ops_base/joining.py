"""Joining tensors, and writing one into a slice of another."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .slicing import bounds, count_steps, from_end
from .windows import diagonal_range, flat_matrices


@converter("aten.cat.default")
def cat(ctx: Context, tensors: Sequence[trt.ITensor | torch.Tensor], dim: int = 0) -> trt.ITensor:
    """cat(Tensor[] tensors, int dim=0) -> Tensor"""
    # PyTorch passes over legacy tensors of shape (0,)
    parts = [tensor for tensor in tensors if tuple(tensor.shape) != (0,) or ctx.call.result.dim() == 1]
    return lib.cat(ctx, parts, dim, ctx.call.result.dtype)


@converter("aten.slice_scatter.default")
def slice_scatter(
    ctx: Context,
    input: Value,
    src: Value,
    dim: int = 0,
    start: Size | None = None,
    end: Size | None = None,
    step: Size = 1,
) -> trt.ITensor:
    """slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, ...) -> Tensor"""
    tensor = ctx.tensor(input)
    begin, stop = bounds(ctx, tensor, dim, start, end)
    known = ctx.call.args[1].shape[dim]
    length = known if isinstance(known, int) else count_steps(ctx, begin, stop, step)
    return _replaced(ctx, tensor, src, dim, begin, length, step)


@converter("aten.select_scatter.default")
def select_scatter(ctx: Context, input: Value, src: Value, dim: int, index: Size) -> trt.ITensor:
    """select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor"""
    tensor = ctx.tensor(input)
    axis = dim % len(tensor.shape)
    index = from_end(ctx, tensor, dim, index)
    source = lib.unsqueeze(ctx, src, [axis])
    if not lib.is_runtime(index):
        return _replaced(ctx, tensor, source, dim, index, 1, 1)
    positions = lib.unsqueeze(ctx, lib.arange(ctx, lib.size(ctx, tensor, dim)), range(1, len(tensor.shape) - axis))
    return lib.where(ctx, lib.eq(ctx, positions, index), source, tensor, ctx.call.result.dtype)


@converter("aten.diagonal_scatter.default")
def diagonal_scatter(
    ctx: Context, input: Value, src: Value, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> trt.ITensor:
    """diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor"""
    tensor = ctx.tensor(input)
    flat, order = flat_matrices(ctx, tensor, dim1, dim2)
    written = _replaced(ctx, flat, src, -1, *diagonal_range(ctx, tensor, offset, dim1, dim2))
    whole = lib.reshape(ctx, written, [lib.size(ctx, tensor, dim) for dim in order])
    return lib.permute(ctx, whole, [order.index(dim) for dim in range(len(order))])


def _replaced(
    ctx: Context, input: trt.ITensor, src: Value, dim: int, start: Size, length: Size, step: Size
) -> trt.ITensor:
    """``input`` with ``length`` elements of a dimension, from ``start`` in steps of ``step``, taken from ``src``."""
    source = ctx.tensor(src, ctx.call.result.dtype)
    total = lib.size(ctx, input, dim)
    # an input that tells where the parts before and after end would have to be in host memory, with a known range
    if lib.is_runtime(start) or lib.is_runtime(step) or step != 1:
        index = _interleaved(ctx, total, start, length, step)
        return lib.index_select(ctx, lib.cat(ctx, [input, source], dim), dim, index)
    stop = lib.size_op(ctx, operator.add, start, length)
    before, after = (
        [lib.narrow(ctx, input, dim, first, count)] if lib.is_runtime(count) or count else []
        for first, count in ((0, start), (stop, lib.size_op(ctx, operator.sub, total, stop)))
    )
    return lib.cat(ctx, [*before, source, *after], dim)


def _interleaved(ctx: Context, total: Size, start: Size, length: Size, step: Size) -> Value:
    """Where in ``input`` followed by ``src`` each element of the result is."""
    if isinstance(total, int) and isinstance(start, int) and isinstance(length, int) and isinstance(step, int):
        index = torch.arange(total)
        index[start : start + length * step : step] = torch.arange(total, total + length)
        return index
    position = lib.arange(ctx, total)
    offset = lib.sub(ctx, position, start)
    steps = lib.floor_divide(ctx, offset, step)
    inside = lib.logical_and(ctx, lib.gt(ctx, steps, -1), lib.lt(ctx, steps, length))
    on_step = lib.eq(ctx, lib.mul(ctx, steps, step), offset)
    return lib.where(ctx, lib.logical_and(ctx, inside, on_step), lib.add(ctx, steps, total), position, torch.int64)
