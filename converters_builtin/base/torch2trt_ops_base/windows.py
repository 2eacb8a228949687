"""Rolling, diagonals and sliding windows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import (
    Size,
    arange,
    elementwise,
    old_gather,
    is_runtime,
    permute,
    reshape,
    size,
    size_math,
    sizes,
    strided_slice,
    unsqueeze,
)

E = trt.ElementWiseOperation


@converter("aten.roll.default")
def roll(ctx: Context, input: trt.ITensor, shifts: Sequence[Size], dims: Sequence[int] = ()) -> trt.ITensor:
    """roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor"""
    if not dims:
        flat = reshape(ctx, input, [-1])
        return reshape(ctx, _rolled(ctx, flat, {0: shifts[0]}), sizes(ctx, input))
    totals: dict[int, Size] = {}
    for shift, dim in zip(shifts, dims, strict=True):
        dim %= len(input.shape)
        totals[dim] = size_math(ctx, E.SUM, totals[dim], shift) if dim in totals else shift
    return _rolled(ctx, input, totals)


def _rolled(ctx: Context, input: trt.ITensor, shifts: dict[int, Size]) -> trt.ITensor:
    """A slice that begins at ``-shift`` and goes round the end."""
    ranges = {}
    for dim, shift in shifts.items():
        length = size(ctx, input, dim)
        start = size_math(ctx, E.SUB, 0, shift)
        if is_runtime(start) or start < 0 or not is_runtime(length):
            turns = size_math(ctx, E.FLOOR_DIV, start, length)
            start = size_math(ctx, E.SUB, start, size_math(ctx, E.PROD, turns, length))
        ranges[dim] = (start, length, 1)
    return strided_slice(ctx, input, ranges, trt.SampleMode.WRAP)


@converter("aten.diagonal.default")
def diagonal(ctx: Context, input: trt.ITensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> trt.ITensor:
    """diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)"""
    flat, _ = flat_matrices(ctx, input, dim1, dim2)
    known = ctx.call.result.shape[-1]
    start, count, step = diagonal_range(ctx, input, offset, dim1, dim2)
    return strided_slice(ctx, flat, {-1: (start, known if isinstance(known, int) else count, step)})


def flat_matrices(ctx: Context, input: trt.ITensor, dim1: int, dim2: int) -> tuple[trt.ITensor, list[int]]:
    """The matrices of two dimensions, each as one row in the last dimension, and the order of dimensions before that.

    A diagonal of a matrix is a slice of its row.
    """
    ndim = len(input.shape)
    pair = [dim1 % ndim, dim2 % ndim]
    order = [dim for dim in range(ndim) if dim not in pair] + pair
    return reshape(ctx, permute(ctx, input, order), [size(ctx, input, dim) for dim in order[:-2]] + [-1]), order


def diagonal_range(ctx: Context, input: trt.ITensor, offset: int, dim1: int, dim2: int) -> tuple[Size, Size, Size]:
    """Where in a matrix's row a diagonal begins, how many elements it has and how far they are apart."""
    rows, columns = size(ctx, input, dim1), size(ctx, input, dim2)
    right, down = max(offset, 0), max(-offset, 0)
    count = size_math(ctx, E.MIN, size_math(ctx, E.SUB, rows, down), size_math(ctx, E.SUB, columns, right))
    start = size_math(ctx, E.SUM, size_math(ctx, E.PROD, columns, down), right)
    return start, size_math(ctx, E.MAX, count, 0), size_math(ctx, E.SUM, columns, 1)


@converter("aten.unfold.default")
def unfold(ctx: Context, input: trt.ITensor, dimension: int, size: int, step: int) -> trt.ITensor:
    """unfold(Tensor(a) self, int dimension, SymInt size, SymInt step) -> Tensor(a)"""
    ndim = len(input.shape)
    if not ndim:
        return reshape(ctx, input, [1])
    dim = dimension % ndim
    windows = ctx.call.result.shape[dim]
    if isinstance(windows, int):
        index = ctx.tensor(torch.arange(windows)[:, None] * step + torch.arange(size))
    else:
        span = size_math(ctx, E.SUB, _length(ctx, input, dim), size)
        count = size_math(ctx, E.SUM, size_math(ctx, E.FLOOR_DIV, span, step), 1)
        starts = unsqueeze(ctx, arange(ctx, count, 0, step), [1])
        index = elementwise(ctx, E.SUM, starts, arange(ctx, size))
    taken = old_gather(ctx, input, index, dim)
    return permute(ctx, taken, [d for d in range(ndim + 1) if d != dim + 1] + [dim + 1])


#: the argument ``size`` of unfold hides the function
_length = size
