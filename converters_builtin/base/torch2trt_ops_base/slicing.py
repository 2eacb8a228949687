"""Parts of a tensor along its dimensions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import (
    Size,
    elementwise,
    old_gather,
    is_runtime,
    narrow,
    select,
    size,
    size_math,
    squeeze,
    strided_slice,
)

E = trt.ElementWiseOperation


@converter("aten.select.int", "aten.select_copy.int")
def select_(ctx: Context, input: trt.ITensor, dim: int, index: Size) -> trt.ITensor:
    """select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)"""
    index = _from_end(ctx, input, dim, index)
    if is_runtime(index):
        # an index that was read from a tensor may be on the GPU, where no slice can begin at it
        return old_gather(ctx, input, index, dim)
    return squeeze(ctx, narrow(ctx, input, dim, index, 1), [dim % len(input.shape)])


@converter("aten.slice.Tensor", "aten.slice_copy.Tensor")
def slice_(
    ctx: Context, input: trt.ITensor, dim: int = 0, start: Size = None, end: Size = None, step: Size = 1
) -> trt.ITensor:
    """slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)"""
    begin, stop = bounds(ctx, input, dim, start, end)
    if not is_runtime(begin) and begin == 0 and not is_runtime(step) and step == 1 and _whole(end):
        return input
    known = ctx.call.result.shape[dim]
    count = known if isinstance(known, int) else count_steps(ctx, begin, stop, step)
    return strided_slice(ctx, input, {dim: (begin, count, step)})


def bounds(ctx: Context, input: trt.ITensor, dim: int, start: Size | None, end: Size | None) -> tuple[Size, Size]:
    """Where a slice begins and ends, as slices understand it: from the end where negative, and inside of the input."""
    begin = 0 if start is None else _bounded(ctx, input, dim, start)
    return begin, size(ctx, input, dim) if _whole(end) else _bounded(ctx, input, dim, end)


def count_steps(ctx: Context, begin: Size, stop: Size, step: Size) -> Size:
    """``ceil((stop - begin) / step)``, at least 0."""
    span = size_math(ctx, E.SUB, stop, begin)
    if is_runtime(step) or step != 1:
        span = size_math(ctx, E.FLOOR_DIV, size_math(ctx, E.SUM, span, size_math(ctx, E.SUB, step, 1)), step)
    return size_math(ctx, E.MAX, span, 0)


def _whole(end: Size | None) -> bool:
    return end is None or (not is_runtime(end) and end == sys.maxsize)


def _from_end(ctx: Context, input: trt.ITensor, dim: int, index: Size) -> Size:
    """``index``, counted from the end where it is negative."""
    if not is_runtime(index):
        return index if index >= 0 else size_math(ctx, E.SUM, size(ctx, input, dim), index)
    return select(ctx, elementwise(ctx, E.LESS, index, 0), size_math(ctx, E.SUM, size(ctx, input, dim), index), index)


def _bounded(ctx: Context, input: trt.ITensor, dim: int, index: Size) -> Size:
    if not is_runtime(index) and index == 0:
        return 0
    inside = size_math(ctx, E.MAX, _from_end(ctx, input, dim, index), 0)
    return size_math(ctx, E.MIN, inside, size(ctx, input, dim))


@converter("aten.split_with_sizes.default")
def split_with_sizes(ctx: Context, input: trt.ITensor, split_sizes: Sequence[Size], dim: int = 0) -> list[trt.ITensor]:
    """split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]"""
    pieces: list[Any] = []
    start: Size = 0
    for piece, given in zip(ctx.call.results, split_sizes, strict=True):
        length = piece.shape[dim] if isinstance(piece.shape[dim], int) else given
        pieces.append(narrow(ctx, input, dim, start, length))
        start = size_math(ctx, E.SUM, start, length)
    return pieces


@converter("aten.flip.default")
def flip(ctx: Context, input: trt.ITensor, dims: Sequence[int]) -> trt.ITensor:
    """flip(Tensor self, int[] dims) -> Tensor"""
    ranges = {}
    for dim in dims:
        length = size(ctx, input, dim)
        ranges[dim] = (size_math(ctx, E.SUB, length, 1), length, -1)
    return strided_slice(ctx, input, ranges) if ranges else input
