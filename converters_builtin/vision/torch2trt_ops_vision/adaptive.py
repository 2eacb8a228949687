"""Adaptive pooling: windows that differ in size when the sizes do not divide."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .pooling import pool
from .windows import Window, maximum_with_indices


def _even_windows(input: trt.ITensor | torch.Tensor, output_size: Sequence[Size]) -> list[int] | None:
    """The sizes of the windows where they are all known and equal."""
    windows = []
    for size, count in zip(tuple(input.shape)[-len(output_size) :], output_size, strict=True):
        if not isinstance(size, int) or not isinstance(count, int) or min(size, count) <= 0 or size % count:
            return None
        windows.append(size // count)
    return windows


def _average_rejects(input: torch.Tensor) -> str | None:
    return None if input.dtype.is_floating_point else "TensorRT averages floating-point numbers only"


# the public ones whole: PyTorch's decomposition of a global average restrides a channels-last result
@converter(
    "aten.adaptive_avg_pool2d.default",
    "aten.adaptive_avg_pool3d.default",
    "aten._adaptive_avg_pool2d.default",
    "aten._adaptive_avg_pool3d.default",
    rejects=_average_rejects,
)
def adaptive_avg_pool(ctx: Context, input: trt.ITensor, output_size: Sequence[Size]) -> trt.ITensor:
    """adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor"""
    dims = range(-len(output_size), 0)
    if all(not lib.is_runtime(count) and count == 1 for count in output_size):
        return lib.mean(ctx, input, dims, keepdim=True)
    if windows := _even_windows(input, output_size):
        return pool(ctx, trt.PoolingType.AVERAGE, input, windows, windows, 0)
    for dim, count in zip(dims, output_size, strict=True):
        weights = _average_matrix(ctx, input, dim, count)
        if dim == -1:
            input = lib.matmul(ctx, input, weights, transpose_other=True)
        elif dim == -2:
            input = lib.matmul(ctx, weights, input)
        else:
            # the third dimension from the end changes places with the second
            order = [*range(len(input.shape) - 3), -2, -3, -1]
            input = lib.permute(ctx, lib.matmul(ctx, weights, lib.permute(ctx, input, order)), order)
    return input


def _average_matrix(ctx: Context, input: trt.ITensor, dim: int, count: Size) -> Value:
    """The matrix ``(count, size)`` that averages the windows of one dimension."""
    size, dtype = lib.size(ctx, input, dim), lib.dtype_of(input)
    if not lib.is_runtime(size) and not lib.is_runtime(count):
        columns = torch.nn.functional.adaptive_avg_pool1d(torch.eye(size), count)  # (size, count)
        return columns.t().contiguous().to(dtype)
    inside, start, end = _membership(ctx, size, count)
    return ctx.tensor(lib.div(ctx, inside, lib.sub(ctx, end, start), torch.float32), dtype)


def _membership(ctx: Context, size: Size, count: Size) -> tuple[trt.ITensor, trt.ITensor, trt.ITensor]:
    """Which elements lie in which window, as bools ``(count, size)``, and where windows start and end."""
    number = lib.unsqueeze(ctx, lib.arange(ctx, count), [1])
    first, beyond = lib.mul(ctx, number, size), lib.mul(ctx, lib.add(ctx, number, 1), size)
    start = lib.floor_divide(ctx, first, count)
    end = lib.floor_divide(ctx, lib.add(ctx, beyond, lib.size_op(ctx, operator.sub, count, 1)), count)
    element = lib.arange(ctx, size)
    return lib.logical_and(ctx, lib.ge(ctx, element, start), lib.lt(ctx, element, end)), start, end


def _maximum_rejects(input: torch.Tensor, output_size: Sequence[int]) -> str | None:
    known = all(isinstance(size, int) for size in input.shape[-len(output_size) :])
    return None if known else "the maximum over windows of dynamic sizes"


@converter("aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default", rejects=_maximum_rejects)
def adaptive_max_pool(
    ctx: Context, input: trt.ITensor, output_size: Sequence[int]
) -> tuple[trt.ITensor, trt.ITensor | None]:
    """adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)"""
    if ctx.call.uses(1):
        return _maximum_with_indices(ctx, input, output_size)
    if windows := _even_windows(input, output_size):
        return pool(ctx, trt.PoolingType.MAX, input, windows, windows, 0), None
    for dim, count in zip(range(-len(output_size), 0), output_size, strict=True):
        parts = [
            lib.amax(ctx, lib.narrow(ctx, input, dim, start, end - start), dim, keepdim=True)
            for start, end in _bounds(input.shape[dim], count)
        ]
        input = lib.cat(ctx, parts, dim)
    return input, None


def _bounds(size: int, count: int) -> list[tuple[int, int]]:
    """Where each window of one dimension starts and ends."""
    return [(index * size // count, -(-(index + 1) * size // count)) for index in range(count)]


def _maximum_with_indices(
    ctx: Context, input: trt.ITensor, output_size: Sequence[int]
) -> tuple[trt.ITensor, trt.ITensor]:
    spatial = tuple(input.shape)[-len(output_size) :]
    numbers = torch.arange(math.prod(spatial)).reshape(spatial)
    windows = {}
    for dim, size, count in zip(range(-len(output_size), 0), spatial, output_size, strict=True):
        bounds = _bounds(size, count)
        longest = max((end - start for start, end in bounds), default=1)
        # shorter windows have their last element twice, which changes neither the maximum nor its index
        places = [min(start + offset, end - 1) for start, end in bounds for offset in range(longest)]
        if places != list(range(size)):
            input = lib.index_select(ctx, input, dim, torch.tensor(places))
            numbers = numbers.index_select(dim, torch.tensor(places))
        windows[dim] = Window(longest, longest, 0, 1, count)
    return maximum_with_indices(ctx, input, windows, numbers)
