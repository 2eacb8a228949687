"""Regions of interest: averages and maxima over the bins of boxes.

TensorRT has no layer for them.  Where PyTorch interpolates, one grid sample takes all points of all boxes: the images
of the batch are the planes of a volume, and a point lies exactly in its box's plane.
"""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    arange,
    cast,
    dtype_of,
    elementwise,
    matmul,
    permute,
    reduce,
    reshape,
    select,
    size,
    size_math,
    squeeze,
    unsqueeze,
)

from .bins import columns, members, of_image, points, rounded, sample, static

E, R = trt.ElementWiseOperation, trt.ReduceOperation
F32 = torch.float32
_SAMPLING = "sampling_ratio must be positive: by default the number of samples depends on the boxes"


def _align_rejects(input: Any, pooled_height: Any, pooled_width: Any, sampling_ratio: int) -> str | None:
    return static(pooled_height, pooled_width, input.shape[1]) or (_SAMPLING if sampling_ratio <= 0 else None)


@converter("torchvision.roi_align.default", rejects=_align_rejects)
def roi_align(
    ctx: Context,
    input: Any,
    rois: Any,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> trt.ITensor:
    """roi_align(Tensor input, Tensor rois, float spatial_scale, ..., int sampling_ratio, bool aligned) -> Tensor"""
    image, (left, top, right, bottom) = columns(ctx, rois, spatial_scale)
    sides = []
    for low, high, bins in ((top, bottom, pooled_height), (left, right, pooled_width)):
        extent = elementwise(ctx, E.SUB, high, low)
        if aligned:
            low = elementwise(ctx, E.SUB, low, 0.5)
        else:
            extent = elementwise(ctx, E.MAX, extent, 1.0)
        sides.append(points(ctx, low, extent, bins * sampling_ratio))
    volume = unsqueeze(ctx, permute(ctx, input, [1, 0, 2, 3]), [0])
    found = sample(ctx, volume, unsqueeze(ctx, image, [2]), sides[0], sides[1])
    return _averaged(ctx, found, sampling_ratio, dtype_of(input))


def _averaged(ctx: Context, found: trt.ITensor, ratio: int, dtype: torch.dtype) -> trt.ITensor:
    """``(1, C, boxes, rows, columns)`` to ``(boxes, C, bins, bins)``: the samples of each bin become one."""
    layer = ctx.network.add_pooling_nd(found, trt.PoolingType.AVERAGE, (1, ratio, ratio))
    layer.stride_nd = (1, ratio, ratio)
    return cast(ctx, permute(ctx, squeeze(ctx, layer.get_output(0), [0]), [1, 0, 2, 3]), dtype)


def _mapped_align_rejects(
    call: Call, input: Any, pooled_height: Any, pooled_width: Any, sampling_ratio: int
) -> str | None:
    reason = _mapped_rejects(call, input, pooled_height, pooled_width)
    return reason or (_SAMPLING if sampling_ratio <= 0 else None)


def _mapped_rejects(call: Call, input: Any, pooled_height: Any, pooled_width: Any) -> str | None:
    return static(pooled_height, pooled_width, input.shape[1]) or ("the mapping to channels" if call.uses(1) else None)


@converter("torchvision.ps_roi_align.default", rejects=_mapped_align_rejects)
def ps_roi_align(
    ctx: Context,
    input: Any,
    rois: Any,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
) -> tuple[trt.ITensor, None]:
    """ps_roi_align(Tensor input, Tensor rois, float spatial_scale, ..., int sampling_ratio) -> (Tensor, Tensor)"""
    image, (left, top, right, bottom) = columns(ctx, rois, spatial_scale)
    sides = []
    for low, high, bins in ((top, bottom, pooled_height), (left, right, pooled_width)):
        extent = elementwise(ctx, E.SUB, high, low)
        sides.append(points(ctx, elementwise(ctx, E.SUB, low, 0.5), extent, bins * sampling_ratio))
    # each bin has channels of its own: they are planes of their own
    bins, batch = pooled_height * pooled_width, size(ctx, input, 0)
    height, width = size(ctx, input, 2), size(ctx, input, 3)
    channels = input.shape[1] // bins
    planes = permute(ctx, reshape(ctx, input, [batch, channels, bins, height, width]), [1, 0, 2, 3, 4])
    volume = reshape(ctx, planes, [1, channels, size_math(ctx, E.PROD, batch, bins), height, width])
    number = torch.arange(bins, dtype=F32).reshape(1, pooled_height, pooled_width)
    number = number.repeat_interleave(sampling_ratio, 1).repeat_interleave(sampling_ratio, 2)
    first = elementwise(ctx, E.PROD, unsqueeze(ctx, image, [2]), float(bins))
    found = sample(ctx, volume, elementwise(ctx, E.SUM, first, number), sides[0], sides[1])
    return _averaged(ctx, found, sampling_ratio, dtype_of(input)), None


def _pool_rejects(call: Call, pooled_height: Any, pooled_width: Any) -> str | None:
    return static(pooled_height, pooled_width) or ("the indices of the maxima" if call.uses(1) else None)


@converter("torchvision.roi_pool.default", rejects=_pool_rejects)
def roi_pool(
    ctx: Context, input: Any, rois: Any, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[trt.ITensor, None]:
    """roi_pool(Tensor input, Tensor rois, float spatial_scale, ..., SymInt pooled_width) -> (Tensor, Tensor)"""
    image, edges = columns(ctx, rois, spatial_scale)
    left, top, right, bottom = (rounded(ctx, edge) for edge in edges)
    result = of_image(ctx, input, image)
    for low, high, bins in ((left, right, pooled_width), (top, bottom, pooled_height)):
        extent = elementwise(ctx, E.MAX, elementwise(ctx, E.SUM, elementwise(ctx, E.SUB, high, low), 1.0), 1.0)
        inside = unsqueeze(ctx, members(ctx, low, extent, bins, size(ctx, result, 3)), [1, 2])
        masked = select(ctx, inside, unsqueeze(ctx, result, [3]), -torch.inf, dtype_of(result))
        # rows become columns: the second turn pools them
        result = permute(ctx, reduce(ctx, R.MAX, masked, 4), [0, 1, 3, 2])
    empty = elementwise(ctx, E.EQUAL, result, -torch.inf, dtype_of(result))
    return select(ctx, empty, 0.0, result, dtype_of(result)), None


@converter("torchvision.ps_roi_pool.default", rejects=_mapped_rejects)
def ps_roi_pool(
    ctx: Context, input: Any, rois: Any, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[trt.ITensor, None]:
    """ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, ..., SymInt pooled_width) -> (Tensor, Tensor)"""
    image, edges = columns(ctx, rois, spatial_scale)
    left, top, right, bottom = (rounded(ctx, edge) for edge in edges)
    batch, height, width = (size(ctx, input, dim) for dim in (0, 2, 3))
    channels = input.shape[1] // (pooled_height * pooled_width)
    split = reshape(ctx, input, [batch, channels, pooled_height, pooled_width, height, width])
    chosen = of_image(ctx, cast(ctx, split, F32), image)
    weights = []
    for low, high, bins, end in ((top, bottom, pooled_height, height), (left, right, pooled_width, width)):
        extent = elementwise(ctx, E.MAX, elementwise(ctx, E.SUB, high, low), 1.0)
        inside = cast(ctx, members(ctx, low, extent, bins, end), F32)
        # torchvision's bins never reach the last row and column
        reached = elementwise(ctx, E.LESS, arange(ctx, end), size_math(ctx, E.SUM, end, -1))
        inside = elementwise(ctx, E.PROD, inside, cast(ctx, unsqueeze(ctx, reached, [0, 1]), F32))
        count = elementwise(ctx, E.MAX, reduce(ctx, R.SUM, inside, 2, keepdim=True), 1.0)
        weights.append(elementwise(ctx, E.DIV, inside, count))
    rows = matmul(ctx, unsqueeze(ctx, weights[0], [1, 3, 4]), chosen)
    result = matmul(ctx, rows, unsqueeze(ctx, weights[1], [1, 2, 5]))
    return cast(ctx, squeeze(ctx, result, [4, 5]), dtype_of(input)), None
