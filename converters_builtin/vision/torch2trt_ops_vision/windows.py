"""Maxima over windows by comparing strided slices: dilation, integers and indices, which TensorRT's pooling lacks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch2trt import Context, trt
from torch2trt.lib import (
    broadcast,
    dtype_of,
    elementwise,
    is_runtime,
    pad,
    select,
    size,
    size_math,
    sizes,
    strided_slice,
)

E = trt.ElementWiseOperation


@dataclass(frozen=True, slots=True)
class Window:
    """The window of one dimension, and how many of them there are: an int, or None where it is computed."""

    kernel: int
    stride: int
    padding: int
    dilation: int
    count: int | None

    @property
    def reach(self) -> int:
        """The extent of the dilated window."""
        return self.dilation * (self.kernel - 1) + 1


#: by dimension, counted from the end: -1 is the last
Windows = Mapping[int, Window]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A padded tensor with windows over its last dimensions."""

    padded: Any
    windows: Windows
    counts: Mapping[int, Any]

    def at(self, ctx: Context, *offsets: int) -> trt.ITensor:
        """What lies at these offsets of each window."""
        ranges = {
            dim: (offset * window.dilation, self.counts[dim], window.stride)
            for offset, (dim, window) in zip(offsets, self.windows.items(), strict=True)
        }
        return strided_slice(ctx, self.padded, ranges)


def _lay_out(ctx: Context, input: Any, windows: Windows, outside: float) -> _Layout:
    counts: dict[int, Any] = {}
    sides: list[Any] = []
    for dim in range(-1, min(windows) - 1, -1):
        window = windows.get(dim)
        if window is None:
            sides += [0, 0]
            continue
        have = size(ctx, input, dim)
        count: Any = window.count
        if count is None:
            room = size_math(ctx, E.SUM, have, 2 * window.padding - window.reach)
            count = size_math(ctx, E.SUM, size_math(ctx, E.FLOOR_DIV, room, window.stride), 1)
        counts[dim] = count
        beyond = size_math(ctx, E.SUB, size_math(ctx, E.PROD, count, window.stride), have)
        after = size_math(ctx, E.SUM, beyond, window.reach - window.stride - window.padding)
        sides += [window.padding, after if is_runtime(after) else max(after, 0)]
    return _Layout(pad(ctx, input, sides, fill=outside), windows, counts)


def _lowest(dtype: torch.dtype) -> float:
    """What loses every comparison."""
    return -torch.inf if dtype.is_floating_point else torch.iinfo(dtype).min


def maximum(ctx: Context, input: trt.ITensor, windows: Windows) -> trt.ITensor:
    """The maxima of all windows, one dimension after the other."""
    for dim, window in windows.items():
        line = _lay_out(ctx, input, {dim: window}, _lowest(dtype_of(input)))
        input = line.at(ctx, 0)
        for offset in range(1, window.kernel):
            input = elementwise(ctx, E.MAX, input, line.at(ctx, offset))
    return input


def maximum_with_indices(ctx: Context, input: trt.ITensor, windows: Windows) -> tuple[trt.ITensor, trt.ITensor]:
    """The maxima and where they lie in the flattened last dimensions; the first of equals counts, as in PyTorch."""
    ndim, spatial = len(input.shape), tuple(input.shape)[-len(windows) :]
    numbers = torch.arange(torch.Size(spatial).numel()).reshape((1,) * (ndim - len(windows)) + spatial)
    values = _lay_out(ctx, input, windows, _lowest(dtype_of(input)))
    places = _lay_out(ctx, ctx.tensor(numbers), windows, 0)
    first = (0,) * len(windows)
    best, index = values.at(ctx, *first), places.at(ctx, *first)
    for offsets in itertools.product(*(range(window.kernel) for window in windows.values())):
        if offsets == first:
            continue
        value, place = values.at(ctx, *offsets), places.at(ctx, *offsets)
        better = elementwise(ctx, E.GREATER, value, best)
        best, index = select(ctx, better, value, best), select(ctx, better, place, index)
    return best, broadcast(ctx, index, sizes(ctx, best))
