"""The bins of boxes: where points in them lie, and which elements of an image are in them."""

from __future__ import annotations

import operator

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Size, Value

F32 = torch.float32


def edges(ctx: Context, rois: Value, spatial_scale: float) -> tuple[trt.ITensor, list[trt.ITensor]]:
    """The boxes' images, and their left, top, right and bottom edges in pixels; each ``(boxes, 1)`` in float32."""
    image, *sides = (lib.narrow(ctx, ctx.tensor(rois, F32), 1, index, 1) for index in range(5))
    return image, [lib.mul(ctx, side, spatial_scale) for side in sides]


def points(ctx: Context, low: trt.ITensor, extent: trt.ITensor, count: int) -> trt.ITensor:
    """``(boxes, count)``: the middles of ``count`` equal parts."""
    fractions = ((torch.arange(count) + 0.5) / count).unsqueeze(0)
    return lib.add(ctx, low, lib.mul(ctx, extent, fractions))


def sample(ctx: Context, volume: trt.ITensor, plane: trt.ITensor, rows: trt.ITensor, cols: trt.ITensor) -> trt.ITensor:
    """Interpolate ``volume (1, C, D, H, W)`` at all ``rows`` and ``cols`` of each box; points outside give 0.

    Args:
        ctx: the context.
        volume: the images.
        plane: ``(boxes, 1 or rows, 1 or columns)``, the plane of each point.
        rows, cols: ``(boxes, count)``.

    Returns:
        ``(1, C, boxes, rows, columns)``.
    """
    ys, xs = lib.unsqueeze(ctx, rows, [2]), lib.unsqueeze(ctx, cols, [1])
    dims = [lib.size(ctx, rows, 0), rows.shape[1], cols.shape[1]]
    inside, grid = [], []
    for position, axis in ((xs, 4), (ys, 3), (plane, 2)):
        size = lib.size(ctx, volume, axis)
        inside.append(_within(ctx, position, size))
        grid.append(lib.unsqueeze(ctx, lib.expand(ctx, _normalized(ctx, position, size), dims), [0, 4]))
    layer = ctx.network.add_grid_sample(ctx.tensor(volume, F32), lib.cat(ctx, grid, 4))
    layer.sample_mode, layer.align_corners = trt.SampleMode.CLAMP, True
    valid = lib.unsqueeze(ctx, lib.mul(ctx, inside[0], inside[1]), [0, 1])
    return lib.mul(ctx, layer.get_output(0), valid)


def _normalized(ctx: Context, position: trt.ITensor, size: Size) -> trt.ITensor:
    """Positions inside of ``0..size - 1`` as -1 to 1."""
    last = lib.size_op(ctx, operator.add, size, -1)
    # no lib.minimum: positions are numbers, and it would select NaN
    clamped = lib.elementwise(ctx, trt.ElementWiseOperation.MIN, lib.relu(ctx, position), last, F32)
    whole = lib.maximum(ctx, last, 1, F32)
    return lib.sub(ctx, lib.div(ctx, lib.mul(ctx, clamped, 2.0), whole), 1.0)


def _within(ctx: Context, position: trt.ITensor, size: Size) -> trt.ITensor:
    """1 where a point is at most one pixel outside."""
    outside = lib.logical_or(ctx, lib.lt(ctx, position, -1.0), lib.gt(ctx, position, size))
    return ctx.tensor(lib.logical_not(ctx, outside), F32)


def rounded(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """To the nearest integer, halves away from zero, as C rounds."""
    away = lib.floor(ctx, lib.add(ctx, lib.abs(ctx, input), 0.5))
    # no lib.sign: coordinates are numbers, and it would select NaN
    return lib.mul(ctx, away, lib.unary(ctx, trt.UnaryOperation.SIGN, input))


def members(ctx: Context, low: trt.ITensor, extent: trt.ITensor, bins: int, count: Size) -> trt.ITensor:
    """``(boxes, bins, elements)``: whether an element of ``0..count - 1`` is in a bin, bins rounded outwards."""
    width = lib.div(ctx, extent, float(bins))
    number = torch.arange(bins, dtype=F32).unsqueeze(0)
    start = lib.add(ctx, lib.floor(ctx, lib.mul(ctx, width, number)), low)
    stop = lib.add(ctx, lib.ceil(ctx, lib.mul(ctx, width, number + 1)), low)
    element = ctx.tensor(lib.arange(ctx, count), F32)
    before = lib.lt(ctx, element, lib.unsqueeze(ctx, start, [2]))
    # for numbers, "not before" is "at or after": one layer less than lib.ge
    return lib.logical_and(ctx, lib.lt(ctx, element, lib.unsqueeze(ctx, stop, [2])), lib.logical_not(ctx, before))


def of_image(ctx: Context, input: Value, image: trt.ITensor) -> trt.ITensor:
    """The image of each box."""
    return lib.index_select(ctx, input, 0, ctx.tensor(lib.squeeze(ctx, image, [1]), torch.int64))


def dynamic_bins(*sizes: int | torch.SymInt) -> str | None:
    """The reason for declining sizes that are not known."""
    known = all(isinstance(size, int) for size in sizes)
    return None if known else "the number of bins or channels is dynamic"
