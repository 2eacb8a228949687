"""Regions of interest: averages and maxima over the bins of boxes.

TensorRT has no layer for them.  Where PyTorch interpolates, one grid sample takes all points of all boxes: the images
of the batch are the planes of a volume, and a point lies exactly in its box's plane.
"""

from __future__ import annotations

import operator

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Value

from .bins import F32, dynamic_bins, edges, members, of_image, points, rounded, sample


def _align_rejects(input: torch.Tensor, pooled_height: int, pooled_width: int, sampling_ratio: int) -> str | None:
    if sampling_ratio <= 0:
        return "sampling_ratio must be positive: by default the number of samples depends on the boxes"
    return dynamic_bins(pooled_height, pooled_width, input.shape[1])


def _mapped_align_rejects(
    call: Call, input: torch.Tensor, pooled_height: int, pooled_width: int, sampling_ratio: int
) -> str | None:
    reason = _mapped_rejects(call, input, pooled_height, pooled_width)
    return reason or _align_rejects(input, pooled_height, pooled_width, sampling_ratio)


def _mapped_rejects(call: Call, input: torch.Tensor, pooled_height: int, pooled_width: int) -> str | None:
    return "the mapping to channels" if call.uses(1) else dynamic_bins(pooled_height, pooled_width, input.shape[1])


def _pool_rejects(call: Call, pooled_height: int, pooled_width: int) -> str | None:
    return "the indices of the maxima" if call.uses(1) else dynamic_bins(pooled_height, pooled_width)


@converter("torchvision.roi_align.default", rejects=_align_rejects)
def roi_align(
    ctx: Context,
    input: trt.ITensor,
    rois: Value,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> trt.ITensor:
    """roi_align(Tensor input, Tensor rois, float spatial_scale, ..., int sampling_ratio, bool aligned) -> Tensor"""
    image, (left, top, right, bottom) = edges(ctx, rois, spatial_scale)
    sides = []
    for low, high, bins in ((top, bottom, pooled_height), (left, right, pooled_width)):
        extent = lib.sub(ctx, high, low)
        if aligned:
            low = lib.sub(ctx, low, 0.5)
        else:
            extent = lib.maximum(ctx, extent, 1.0)
        sides.append(points(ctx, low, extent, bins * sampling_ratio))
    volume = lib.unsqueeze(ctx, lib.permute(ctx, input, [1, 0, 2, 3]), [0])
    samples = sample(ctx, volume, lib.unsqueeze(ctx, image, [2]), sides[0], sides[1])
    return _bin_averages(ctx, samples, sampling_ratio, lib.dtype_of(input))


def _bin_averages(ctx: Context, samples: trt.ITensor, ratio: int, dtype: torch.dtype) -> trt.ITensor:
    """``(1, C, boxes, rows, columns)`` to ``(boxes, C, bins, bins)``: the samples of each bin become one."""
    layer = ctx.network.add_pooling_nd(samples, trt.PoolingType.AVERAGE, (1, ratio, ratio))
    layer.stride_nd = (1, ratio, ratio)
    averages = lib.squeeze(ctx, layer.get_output(0), [0])
    return ctx.tensor(lib.permute(ctx, averages, [1, 0, 2, 3]), dtype)


@converter("torchvision.ps_roi_align.default", rejects=_mapped_align_rejects)
def ps_roi_align(
    ctx: Context,
    input: trt.ITensor,
    rois: Value,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
) -> tuple[trt.ITensor, None]:
    """ps_roi_align(Tensor input, Tensor rois, float spatial_scale, ..., int sampling_ratio) -> (Tensor, Tensor)"""
    image, (left, top, right, bottom) = edges(ctx, rois, spatial_scale)
    sides = []
    for low, high, bins in ((top, bottom, pooled_height), (left, right, pooled_width)):
        extent = lib.sub(ctx, high, low)
        sides.append(points(ctx, lib.sub(ctx, low, 0.5), extent, bins * sampling_ratio))
    # each bin has channels of its own: they are planes of their own
    bins = pooled_height * pooled_width
    batch, height, width = (lib.size(ctx, input, dim) for dim in (0, 2, 3))
    channels = input.shape[1] // bins
    planes = lib.permute(ctx, lib.reshape(ctx, input, [batch, channels, bins, height, width]), [1, 0, 2, 3, 4])
    volume = lib.reshape(ctx, planes, [1, channels, lib.size_op(ctx, operator.mul, batch, bins), height, width])
    number = torch.arange(bins, dtype=F32).reshape(1, pooled_height, pooled_width)
    number = number.repeat_interleave(sampling_ratio, 1).repeat_interleave(sampling_ratio, 2)
    first = lib.mul(ctx, lib.unsqueeze(ctx, image, [2]), float(bins))
    samples = sample(ctx, volume, lib.add(ctx, first, number), sides[0], sides[1])
    return _bin_averages(ctx, samples, sampling_ratio, lib.dtype_of(input)), None


@converter("torchvision.roi_pool.default", rejects=_pool_rejects)
def roi_pool(
    ctx: Context, input: Value, rois: Value, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[trt.ITensor, None]:
    """roi_pool(Tensor input, Tensor rois, float spatial_scale, ..., SymInt pooled_width) -> (Tensor, Tensor)"""
    image, sides = edges(ctx, rois, spatial_scale)
    left, top, right, bottom = (rounded(ctx, side) for side in sides)
    result, dtype = of_image(ctx, input, image), lib.dtype_of(input)
    for low, high, bins in ((left, right, pooled_width), (top, bottom, pooled_height)):
        extent = lib.maximum(ctx, lib.add(ctx, lib.sub(ctx, high, low), 1.0), 1.0)
        inside = lib.unsqueeze(ctx, members(ctx, low, extent, bins, lib.size(ctx, result, 3)), [1, 2])
        masked = lib.where(ctx, inside, lib.unsqueeze(ctx, result, [3]), -torch.inf, dtype)
        # rows become columns: the second turn pools them
        result = lib.permute(ctx, lib.amax(ctx, masked, 4), [0, 1, 3, 2])
    empty = lib.eq(ctx, result, -torch.inf)
    return lib.where(ctx, empty, 0.0, result, dtype), None


@converter("torchvision.ps_roi_pool.default", rejects=_mapped_rejects)
def ps_roi_pool(
    ctx: Context, input: trt.ITensor, rois: Value, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[trt.ITensor, None]:
    """ps_roi_pool(Tensor input, Tensor rois, float spatial_scale, ..., SymInt pooled_width) -> (Tensor, Tensor)"""
    image, sides = edges(ctx, rois, spatial_scale)
    left, top, right, bottom = (rounded(ctx, side) for side in sides)
    batch, height, width = (lib.size(ctx, input, dim) for dim in (0, 2, 3))
    channels = input.shape[1] // (pooled_height * pooled_width)
    split = lib.reshape(ctx, input, [batch, channels, pooled_height, pooled_width, height, width])
    boxes = of_image(ctx, ctx.tensor(split, F32), image)
    weights = []
    for low, high, bins, size in ((top, bottom, pooled_height, height), (left, right, pooled_width, width)):
        extent = lib.maximum(ctx, lib.sub(ctx, high, low), 1.0)
        inside = ctx.tensor(members(ctx, low, extent, bins, size), F32)
        # torchvision's bins never reach the last row and column
        reached = lib.lt(ctx, lib.arange(ctx, size), lib.size_op(ctx, operator.add, size, -1))
        inside = lib.mul(ctx, inside, ctx.tensor(lib.unsqueeze(ctx, reached, [0, 1]), F32))
        count = lib.maximum(ctx, lib.sum(ctx, inside, 2, keepdim=True), 1.0)
        weights.append(lib.div(ctx, inside, count))
    rows = lib.matmul(ctx, lib.unsqueeze(ctx, weights[0], [1, 3, 4]), boxes)
    result = lib.matmul(ctx, rows, lib.unsqueeze(ctx, weights[1], [1, 2, 5]))
    return ctx.tensor(lib.squeeze(ctx, result, [4, 5]), lib.dtype_of(input)), None
