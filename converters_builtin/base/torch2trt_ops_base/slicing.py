"""Parts of a tensor along its dimensions."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .sizes import depends_on_values


@converter("aten.select.int", "aten.select_copy.int")
def select(ctx: Context, input: Value, dim: int, index: Size) -> trt.ITensor:
    """select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)"""
    tensor = ctx.tensor(input)
    index = from_end(ctx, tensor, dim, index)
    if lib.is_runtime(index):
        # an index that was read from a tensor may be on the GPU, where no slice can begin at it
        return lib.index_select(ctx, tensor, dim, index)
    return lib.squeeze(ctx, lib.narrow(ctx, tensor, dim, index, 1), [dim % len(tensor.shape)])


@converter("aten.slice.Tensor", "aten.slice_copy.Tensor")
def slice_(
    ctx: Context, input: Value, dim: int = 0, start: Size | None = None, end: Size | None = None, step: Size = 1
) -> trt.ITensor:
    """slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)"""
    tensor = ctx.tensor(input)
    begin, stop = bounds(ctx, tensor, dim, start, end)
    if not lib.is_runtime(begin) and begin == 0 and not lib.is_runtime(step) and step == 1 and _is_open(end):
        return tensor
    known = ctx.call.result.shape[dim]
    if isinstance(known, int) and depends_on_values(*ctx.call.args[2:3]):
        # an input that a slice begins at would have to be in host memory, with a range for the profile
        return lib.index_select(ctx, tensor, dim, lib.arange(ctx, known, begin, step))
    length = known if isinstance(known, int) else count_steps(ctx, begin, stop, step)
    return lib.strided_slice(ctx, tensor, {dim: (begin, length, step)})


def bounds(ctx: Context, input: trt.ITensor, dim: int, start: Size | None, end: Size | None) -> tuple[Size, Size]:
    """Where a slice begins and ends, as slices understand it: from the end where negative, and inside of the input."""
    begin = 0 if start is None else _bounded(ctx, input, dim, start)
    return begin, lib.size(ctx, input, dim) if end is None or _is_open(end) else _bounded(ctx, input, dim, end)


def count_steps(ctx: Context, begin: Size, stop: Size, step: Size) -> Size:
    """``ceil((stop - begin) / step)``, at least 0."""
    span: Size = lib.size_op(ctx, operator.sub, stop, begin)
    if lib.is_runtime(step) or step != 1:
        span = lib.size_op(ctx, operator.add, span, lib.size_op(ctx, operator.sub, step, 1))
        span = lib.size_op(ctx, operator.floordiv, span, step)
    length: Size = lib.size_op(ctx, max, span, 0)
    return length


def _is_open(end: Size | None) -> bool:
    return end is None or (not lib.is_runtime(end) and end == sys.maxsize)


def from_end(ctx: Context, input: trt.ITensor, dim: int, index: Size) -> Size:
    """``index``, counted from the end where it is negative."""
    if not lib.is_runtime(index) and index >= 0:
        return index
    wrapped: Size = lib.size_op(ctx, operator.add, lib.size(ctx, input, dim), index)
    return lib.where(ctx, lib.lt(ctx, index, 0), wrapped, index) if lib.is_runtime(index) else wrapped


def _bounded(ctx: Context, input: trt.ITensor, dim: int, index: Size) -> Size:
    if not lib.is_runtime(index) and index == 0:
        return 0
    inside = lib.size_op(ctx, max, from_end(ctx, input, dim, index), 0)
    bounded: Size = lib.size_op(ctx, min, inside, lib.size(ctx, input, dim))
    return bounded


@converter("aten.split_with_sizes.default")
def split_with_sizes(ctx: Context, input: Value, split_sizes: Sequence[Size], dim: int = 0) -> list[trt.ITensor]:
    """split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]"""
    pieces: list[trt.ITensor] = []
    start: Size = 0
    for result, split_size in zip(ctx.call.results, split_sizes, strict=True):
        length = result.shape[dim] if isinstance(result.shape[dim], int) else split_size
        pieces.append(lib.narrow(ctx, input, dim, start, length))
        start = lib.size_op(ctx, operator.add, start, length)
    return pieces


@converter("aten.flip.default")
def flip(ctx: Context, input: trt.ITensor, dims: Sequence[int]) -> trt.ITensor:
    """flip(Tensor self, int[] dims) -> Tensor"""
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for dim in dims if lib.ndim_of(input) else ():  # a single number has a dimension 0 in PyTorch
        length = lib.size(ctx, input, dim)
        last = lib.size_op(ctx, operator.sub, length, 1)
        # TensorRT wants to start inside of a tensor without elements too
        ranges[dim] = (lib.size_op(ctx, max, last, 0), length, -1)
    return lib.strided_slice(ctx, input, ranges) if ranges else input
