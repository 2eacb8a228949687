"""The bins of boxes: where points in them lie, and which elements of an image are in them."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, trt
from torch2trt.lib import (
    activation,
    arange,
    broadcast,
    cast,
    compare,
    concat,
    elementwise,
    narrow,
    size,
    size_math,
    squeeze,
    unary,
    unsqueeze,
)

E, U = trt.ElementWiseOperation, trt.UnaryOperation
F32 = torch.float32


def columns(ctx: Context, rois: Any, spatial_scale: float) -> tuple[trt.ITensor, list[trt.ITensor]]:
    """The boxes' images, and their left, top, right and bottom edges in pixels; each ``(boxes, 1)`` in float32."""
    image, *edges = (narrow(ctx, cast(ctx, rois, F32), 1, index, 1) for index in range(5))
    return image, [elementwise(ctx, E.PROD, edge, spatial_scale, F32) for edge in edges]


def points(ctx: Context, low: Any, extent: Any, count: int) -> trt.ITensor:
    """``(boxes, count)``: the middles of ``count`` equal parts."""
    fractions = ((torch.arange(count) + 0.5) / count).unsqueeze(0)
    return elementwise(ctx, E.SUM, low, elementwise(ctx, E.PROD, extent, fractions))


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
    ys, xs = unsqueeze(ctx, rows, [2]), unsqueeze(ctx, cols, [1])
    dims = [size(ctx, rows, 0), rows.shape[1], cols.shape[1]]
    inside, grid = [], []
    for value, axis in ((xs, 4), (ys, 3), (plane, 2)):
        extent = size(ctx, volume, axis)
        inside.append(_within(ctx, value, extent))
        grid.append(unsqueeze(ctx, broadcast(ctx, _normalised(ctx, value, extent), dims), [0, 4]))
    layer = ctx.network.add_grid_sample(cast(ctx, volume, F32), concat(ctx, grid, 4))
    layer.sample_mode, layer.align_corners = trt.SampleMode.CLAMP, True
    valid = unsqueeze(ctx, elementwise(ctx, E.PROD, inside[0], inside[1]), [0, 1])
    return elementwise(ctx, E.PROD, layer.get_output(0), valid)


def _normalised(ctx: Context, value: Any, extent: Any) -> trt.ITensor:
    """Positions inside of ``0..extent - 1`` as -1 to 1."""
    last = size_math(ctx, E.SUM, extent, -1)
    clamped = elementwise(ctx, E.MIN, activation(ctx, trt.ActivationType.RELU, value), last, F32)
    whole = elementwise(ctx, E.MAX, last, 1, F32)
    return elementwise(ctx, E.SUB, elementwise(ctx, E.DIV, elementwise(ctx, E.PROD, clamped, 2.0), whole), 1.0)


def _within(ctx: Context, value: Any, extent: Any) -> trt.ITensor:
    """1 where a point is at most one pixel outside."""
    outside = elementwise(
        ctx,
        E.OR,
        compare(ctx, E.LESS, value, -1.0),
        elementwise(ctx, E.GREATER, value, extent, F32),
    )
    return cast(ctx, unary(ctx, U.NOT, outside), F32)


def rounded(ctx: Context, value: Any) -> trt.ITensor:
    """To the nearest integer, halves away from zero, as C rounds."""
    away = unary(ctx, U.FLOOR, elementwise(ctx, E.SUM, unary(ctx, U.ABS, value), 0.5))
    return elementwise(ctx, E.PROD, away, unary(ctx, U.SIGN, value))


def members(ctx: Context, low: Any, extent: Any, bins: int, count: Any) -> trt.ITensor:
    """``(boxes, bins, elements)``: whether an element of ``0..count - 1`` is in a bin, bins rounded outwards."""
    width = elementwise(ctx, E.DIV, extent, float(bins))
    number = torch.arange(bins, dtype=F32).unsqueeze(0)
    edges = [
        elementwise(ctx, E.SUM, unary(ctx, op, elementwise(ctx, E.PROD, width, number + offset)), low)
        for op, offset in ((U.FLOOR, 0), (U.CEIL, 1))
    ]
    start, stop = (unsqueeze(ctx, edge, [2]) for edge in edges)
    element = cast(ctx, arange(ctx, count), F32)
    before = elementwise(ctx, E.LESS, element, start)
    return elementwise(ctx, E.AND, elementwise(ctx, E.LESS, element, stop), unary(ctx, U.NOT, before))


def of_image(ctx: Context, input: Any, image: trt.ITensor) -> trt.ITensor:
    """The image of each box."""
    index = cast(ctx, squeeze(ctx, image, [1]), torch.int64)
    return ctx.network.add_gather(ctx.tensor(input), index, 0).get_output(0)


def static(*sizes: Any) -> str | None:
    """The reason for declining sizes that are not known."""
    known = all(isinstance(size, int) for size in sizes)
    return None if known else "the number of bins or channels is dynamic"
