"""Fractional max pooling: windows of one size whose distances vary with random numbers that are given."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value, ints


def _rejects(input: torch.Tensor, output_size: Sequence[int | torch.SymInt]) -> str | None:
    sizes = [*input.shape[-len(output_size) :], *output_size]
    return None if all(isinstance(size, int) for size in sizes) else "fractional pooling of dynamic sizes"


@converter("aten.fractional_max_pool2d.default", "aten.fractional_max_pool3d.default", rejects=_rejects)
def fractional_max_pool(
    ctx: Context, input: trt.ITensor, kernel_size: Sequence[int], output_size: Sequence[int], random_samples: Value
) -> tuple[trt.ITensor, trt.ITensor]:
    """fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) -> ..."""
    count = len(output_size)
    added = [0] if len(input.shape) == count + 1 else []
    tensor = lib.unsqueeze(ctx, input, added)
    batch, spatial = lib.sizes(ctx, tensor)[:2], tuple(tensor.shape)[2:]
    kernel_size = ints(kernel_size, count)
    index = _first_elements(ctx, random_samples, spatial, output_size, kernel_size)
    rows = lib.reshape(ctx, tensor, [*batch, math.prod(spatial)])
    index = lib.reshape(ctx, lib.expand(ctx, index, [*batch, *output_size]), [*batch, math.prod(output_size)])
    best, best_index = lib.gather(ctx, rows, 2, index), index
    strides = [math.prod(spatial[dim + 1 :]) for dim in range(count)]
    for offsets in itertools.islice(itertools.product(*map(range, kernel_size)), 1, None):
        place = lib.add(ctx, index, sum(o * s for o, s in zip(offsets, strides, strict=True)))
        value = lib.gather(ctx, rows, 2, place)
        # as in PyTorch, the first of equals counts, and the last of several NaN
        better = lib.logical_or(ctx, lib.gt(ctx, value, best), lib.isnan(ctx, value))
        best, best_index = lib.where(ctx, better, value, best), lib.where(ctx, better, place, best_index)
    values, indices = (lib.reshape(ctx, one, [*batch, *output_size]) for one in (best, best_index))
    return lib.squeeze(ctx, values, added), lib.squeeze(ctx, indices, added)


def _first_elements(
    ctx: Context, samples: Value, spatial: Sequence[int], output_size: Sequence[int], kernel_size: Sequence[int]
) -> trt.ITensor:
    """``(batch, channels, *output_size)``: where in the flattened input each window begins."""
    count = len(spatial)
    index: Value = 0
    for dim, (size, windows, kernel) in enumerate(zip(spatial, output_size, kernel_size, strict=True)):
        # PyTorch's first number is for the width of images, and for the depth of volumes
        sample = lib.narrow(ctx, samples, 2, count - 1 - dim if count == 2 else dim, 1)
        starts = _starts(ctx, sample, size - kernel, windows)
        others = [2 + other for other in range(count) if other != dim]
        offset = lib.mul(ctx, lib.unsqueeze(ctx, starts, others), math.prod(spatial[dim + 1 :]))
        index = lib.add(ctx, index, offset)
    return ctx.tensor(index)


def _starts(ctx: Context, sample: trt.ITensor, last: int, windows: int) -> trt.ITensor:
    """``(batch, channels, windows)``: where the windows of one dimension begin, the last one at its end."""
    end = lib.expand(ctx, torch.tensor(last), lib.sizes(ctx, sample))
    if windows == 1:
        return end
    dtype = lib.dtype_of(sample)
    distance = torch.tensor(last / (windows - 1), dtype=dtype)
    steps = torch.arange(windows - 1, dtype=dtype)
    moved, first = (lib.mul(ctx, place, distance) for place in (lib.add(ctx, sample, steps), sample))
    begun = lib.sub(ctx, ctx.tensor(moved, torch.int64), ctx.tensor(first, torch.int64))
    return lib.cat(ctx, [begun, end], 2)
