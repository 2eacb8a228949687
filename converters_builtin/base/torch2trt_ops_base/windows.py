"""Rolling, diagonals and sliding windows."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .sizes import depends_on_values


@converter("aten.roll.default")
def roll(ctx: Context, input: Value, shifts: Sequence[Size], dims: Sequence[int] = ()) -> trt.ITensor:
    """roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor"""
    tensor = ctx.tensor(input)
    if not dims:
        flat = lib.reshape(ctx, tensor, [-1])
        return lib.reshape(ctx, _rolled(ctx, flat, {0: shifts[0]}), lib.sizes(ctx, tensor))
    totals: dict[int, Size] = {}
    for shift, dim in zip(shifts, dims, strict=True):
        dim %= len(tensor.shape)
        totals[dim] = lib.size_op(ctx, operator.add, totals[dim], shift) if dim in totals else shift
    return _rolled(ctx, tensor, totals)


def _rolled(ctx: Context, input: trt.ITensor, shifts: Mapping[int, Size]) -> trt.ITensor:
    """A slice that begins at ``-shift`` and goes round the end."""
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for dim, shift in shifts.items():
        length = lib.size(ctx, input, dim)
        start: Size = lib.size_op(ctx, operator.sub, 0, shift)
        if lib.is_runtime(start) or start < 0 or not lib.is_runtime(length):
            # the remainder, which is not negative
            turns = lib.size_op(ctx, operator.floordiv, start, lib.size_op(ctx, max, length, 1))
            start = lib.size_op(ctx, operator.sub, start, lib.size_op(ctx, operator.mul, turns, length))
        if depends_on_values(*ctx.call.args[1]):
            # an input that a slice begins at would have to be in host memory, with a range for the profile
            place = lib.arange(ctx, length, start)
            inside = lib.where(ctx, lib.lt(ctx, place, length), place, lib.sub(ctx, place, length))
            input = lib.index_select(ctx, input, dim, inside)
        else:
            ranges[dim] = (start, length, 1)
    return lib.strided_slice(ctx, input, ranges, trt.SampleMode.WRAP) if ranges else input


@converter("aten.diagonal.default")
def diagonal(ctx: Context, input: trt.ITensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> trt.ITensor:
    """diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)"""
    flat, _ = flat_matrices(ctx, input, dim1, dim2)
    known = ctx.call.result.shape[-1]
    start, length, step = diagonal_range(ctx, input, offset, dim1, dim2)
    return lib.strided_slice(ctx, flat, {-1: (start, known if isinstance(known, int) else length, step)})


def flat_matrices(ctx: Context, input: trt.ITensor, dim1: int, dim2: int) -> tuple[trt.ITensor, list[int]]:
    """The matrices of two dimensions, each as one row in the last dimension, and the order of dimensions before that.

    A diagonal of a matrix is a slice of its row.
    """
    ndim = len(input.shape)
    pair = [dim1 % ndim, dim2 % ndim]
    order = [dim for dim in range(ndim) if dim not in pair] + pair
    batch = [lib.size(ctx, input, dim) for dim in order[:-2]]
    return lib.reshape(ctx, lib.permute(ctx, input, order), [*batch, -1]), order


def diagonal_range(ctx: Context, input: trt.ITensor, offset: int, dim1: int, dim2: int) -> tuple[Size, Size, Size]:
    """Where in a matrix's row a diagonal begins, how many elements it has and how far they are apart."""
    rows, columns = lib.size(ctx, input, dim1), lib.size(ctx, input, dim2)
    right, down = max(offset, 0), max(-offset, 0)
    length = lib.size_op(
        ctx, min, lib.size_op(ctx, operator.sub, rows, down), lib.size_op(ctx, operator.sub, columns, right)
    )
    start = lib.size_op(ctx, operator.add, lib.size_op(ctx, operator.mul, columns, down), right)
    return start, lib.size_op(ctx, max, length, 0), lib.size_op(ctx, operator.add, columns, 1)


@converter("aten.unfold.default")
def unfold(ctx: Context, input: trt.ITensor, dimension: int, size: int, step: int) -> trt.ITensor:
    """unfold(Tensor(a) self, int dimension, SymInt size, SymInt step) -> Tensor(a)"""
    ndim = len(input.shape)
    if not ndim:
        return lib.reshape(ctx, input, [1])
    dim = dimension % ndim
    windows = ctx.call.result.shape[dim]
    index: Value
    if isinstance(windows, int):
        index = torch.arange(windows)[:, None] * step + torch.arange(size)
    else:
        span = lib.size_op(ctx, operator.sub, lib.size(ctx, input, dim), size)
        count = lib.size_op(ctx, operator.add, lib.size_op(ctx, operator.floordiv, span, step), 1)
        starts = lib.unsqueeze(ctx, lib.arange(ctx, count, 0, step), [1])
        index = lib.add(ctx, starts, lib.arange(ctx, size))
    taken = lib.index_select(ctx, input, dim, index)
    return lib.permute(ctx, taken, [d for d in range(ndim + 1) if d != dim + 1] + [dim + 1])
