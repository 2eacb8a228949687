"""Counting elements by equal bins."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("aten.histc.default")
def histc(ctx: Context, input: Value, bins: int = 100, min: float = 0, max: float = 0) -> trt.ITensor:
    """histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor"""
    values = lib.reshape(ctx, input, [-1])
    low, high = _range(ctx, values, min, max)
    # neither NaN nor infinity is inside
    inside = lib.logical_and(ctx, lib.ge(ctx, values, low), lib.le(ctx, values, high))
    distance = lib.where(ctx, inside, lib.sub(ctx, values, low), 0)
    place = lib.div(ctx, lib.mul(ctx, distance, bins), lib.sub(ctx, high, low))
    # the last bin includes its end
    index = lib.minimum(ctx, ctx.tensor(place, torch.int64), bins - 1)
    row = lib.unsqueeze(ctx, lib.where(ctx, inside, index, -1), [0])
    counts = lib.sum(ctx, lib.eq(ctx, row, torch.arange(bins)[:, None]), 1, dtype=torch.int64)
    return ctx.tensor(counts, ctx.call.result.dtype)


def _range(ctx: Context, values: trt.ITensor, low: float, high: float) -> tuple[Value, Value]:
    """The ends of the bins: those of the values where none are given, and never one point."""
    dtype = lib.dtype_of(values)
    if low != high:
        return torch.tensor(low, dtype=dtype), torch.tensor(high, dtype=dtype)
    lowest, highest = lib.amin(ctx, values), lib.amax(ctx, values)
    room = lib.where(ctx, lib.eq(ctx, lowest, highest), 1, 0, dtype)
    return lib.sub(ctx, lowest, room), lib.add(ctx, highest, room)
