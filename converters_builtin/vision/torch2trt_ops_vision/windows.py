"""Maxima over windows by comparing strided slices: dilation, integers and indices, which TensorRT's pooling lacks."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Size


@dataclass(frozen=True, slots=True)
class Window:
    """The window of one dimension, and how many of them there are: an int, or None where it is computed."""

    kernel_size: int
    stride: int
    padding: int
    dilation: int
    count: int | None

    @property
    def reach(self) -> int:
        """The extent of the dilated window."""
        return self.dilation * (self.kernel_size - 1) + 1


#: by dimension, counted from the end: -1 is the last
Windows = Mapping[int, Window]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A padded tensor with windows over its last dimensions."""

    padded: trt.ITensor
    windows: Windows
    counts: Mapping[int, Size]

    def at(self, ctx: Context, *offsets: int) -> trt.ITensor:
        """What lies at these offsets of each window."""
        ranges: dict[int, tuple[Size, Size, Size]] = {
            dim: (offset * window.dilation, self.counts[dim], window.stride)
            for offset, (dim, window) in zip(offsets, self.windows.items(), strict=True)
        }
        return lib.strided_slice(ctx, self.padded, ranges)


def _lay_out(ctx: Context, input: trt.ITensor, windows: Windows, fill: float) -> _Layout:
    counts: dict[int, Size] = {}
    amounts: list[Size] = []
    for dim in range(-1, min(windows) - 1, -1):
        window = windows.get(dim)
        if window is None:
            amounts += [0, 0]
            continue
        size = lib.size(ctx, input, dim)
        count: Size | None = window.count
        if count is None:
            room = lib.size_op(ctx, operator.add, size, 2 * window.padding - window.reach)
            count = lib.size_op(ctx, operator.add, lib.size_op(ctx, operator.floordiv, room, window.stride), 1)
        counts[dim] = count
        beyond = lib.size_op(ctx, operator.sub, lib.size_op(ctx, operator.mul, count, window.stride), size)
        after = lib.size_op(ctx, operator.add, beyond, window.reach - window.stride - window.padding)
        amounts += [window.padding, after if lib.is_runtime(after) else max(after, 0)]
    return _Layout(lib.pad(ctx, input, amounts, fill=fill), windows, counts)


def maximum(ctx: Context, input: trt.ITensor, windows: Windows) -> trt.ITensor:
    """The maxima of all windows, one dimension after the other."""
    lowest = lib.neutral_element(trt.ReduceOperation.MAX, lib.dtype_of(input))
    for dim, window in windows.items():
        line = _lay_out(ctx, input, {dim: window}, lowest)
        input = line.at(ctx, 0)
        for offset in range(1, window.kernel_size):
            # no lib.maximum: TensorRT's own pooling passes over NaN too
            input = lib.elementwise(ctx, trt.ElementWiseOperation.MAX, input, line.at(ctx, offset))
    return input


def maximum_with_indices(
    ctx: Context, input: trt.ITensor, windows: Windows, numbers: torch.Tensor | None = None
) -> tuple[trt.ITensor, trt.ITensor]:
    """The maxima and where they lie in the flattened last dimensions, one dimension after the other.

    As in PyTorch, the first of equals counts, the last of several NaN, and nothing of the padding.

    Args:
        ctx: the context.
        input: the tensor.
        windows: those of its last dimensions.
        numbers: the indices of the elements, by default those of their places.
    """
    spatial = tuple(input.shape)[-len(windows) :]
    numbers = torch.arange(torch.Size(spatial).numel()).reshape(spatial) if numbers is None else numbers
    lowest = lib.neutral_element(trt.ReduceOperation.MAX, lib.dtype_of(input))
    best, best_index = input, ctx.tensor(numbers, ndim=len(input.shape))
    # rows first: of equals in two rows, the one in the upper row comes first
    for dim in sorted(windows, reverse=True):
        line = {dim: windows[dim]}
        values, indices = _lay_out(ctx, best, line, lowest), _lay_out(ctx, best_index, line, -1)
        best, best_index = values.at(ctx, 0), indices.at(ctx, 0)
        for offset in range(1, windows[dim].kernel_size):
            value, index = values.at(ctx, offset), indices.at(ctx, offset)
            better = lib.logical_or(ctx, lib.gt(ctx, value, best), lib.lt(ctx, best_index, 0))
            if lib.dtype_of(value).is_floating_point:
                better = lib.logical_or(ctx, better, lib.isnan(ctx, value))
            best, best_index = lib.where(ctx, better, value, best), lib.where(ctx, better, index, best_index)
    return best, lib.expand(ctx, best_index, lib.sizes(ctx, best))
