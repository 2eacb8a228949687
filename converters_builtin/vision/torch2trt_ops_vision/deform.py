"""Deformable convolution: a grid sample gathers what each tap of each window reads, a matrix product weighs it."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Tensor, Value

F32 = torch.float32


def _rejects(input: torch.Tensor, weight: torch.Tensor, offset: torch.Tensor) -> str | None:
    known = all(isinstance(size, int) for size in (*weight.shape, *offset.shape[1:], *input.shape[1:]))
    return None if known else "sizes other than the batch are dynamic"


@converter("torchvision.deform_conv2d.default", rejects=_rejects)
def deform_conv2d(
    ctx: Context,
    input: trt.ITensor,
    weight: Tensor,
    offset: Value,
    mask: Value,
    bias: Tensor,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    offset_groups: int,
    use_mask: bool,
) -> trt.ITensor:
    """deform_conv2d(Tensor input, Tensor weight, Tensor offset, ..., SymInt offset_groups, bool use_mask) -> Tensor"""
    dtype, batch = lib.dtype_of(input), lib.size(ctx, input, 0)
    channels, height, width = tuple(input.shape)[1:]
    maps, _, *kernel_size = tuple(weight.shape)
    rows, cols = ctx.call.result.shape[2:]
    taps, images = math.prod(kernel_size), lib.size_op(ctx, operator.mul, batch, offset_groups)
    geometry = (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    offsets = lib.reshape(ctx, ctx.tensor(offset, F32), [images, taps, 2, rows * cols])
    positions = lib.add(ctx, offsets, _positions(kernel_size, (rows, cols), *geometry))
    image = lib.reshape(ctx, ctx.tensor(input, F32), [images, channels // offset_groups, height, width])
    samples = _sample(ctx, image, positions, [images, taps, rows * cols, 1])
    if use_mask:
        masks = lib.reshape(ctx, ctx.tensor(mask, F32), [images, 1, taps, rows * cols])
        samples = lib.mul(ctx, samples, masks)
    patches = lib.reshape(ctx, samples, [batch, groups, channels // groups * taps, rows * cols])
    kernels = lib.reshape(ctx, weight, [1, groups, maps // groups, channels // groups * taps])
    result = lib.reshape(ctx, lib.matmul(ctx, kernels, ctx.tensor(patches, dtype)), [batch, maps, rows, cols])
    shift = lib.reshape(ctx, bias, [1, maps, 1, 1]) if lib.is_runtime(bias) else bias.reshape(1, maps, 1, 1)
    return lib.add(ctx, result, shift, dtype)


def _positions(
    kernel_size: Sequence[int],
    extents: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> torch.Tensor:
    """``(1, taps, 2, rows * cols)``: the row and the column that a tap reads when nothing moves it."""
    axes = [
        (torch.arange(k) * d).unsqueeze(1) + torch.arange(extent) * s - p
        for k, extent, s, p, d in zip(kernel_size, extents, stride, padding, dilation, strict=True)
    ]
    shape = (*kernel_size, *extents)
    row = axes[0][:, None, :, None].expand(shape)
    column = axes[1][None, :, None, :].expand(shape)
    return torch.stack([row, column]).reshape(2, math.prod(kernel_size), -1).transpose(0, 1).unsqueeze(0).float()


def _sample(ctx: Context, image: trt.ITensor, positions: trt.ITensor, dims: Sequence[Size]) -> trt.ITensor:
    """Interpolate at ``positions (images, taps, 2, points)``; ``dims`` are those of one coordinate of the grid."""
    grid = []
    for axis, size in ((1, image.shape[3]), (0, image.shape[2])):
        # -1 and 1 are the outer edges of the first and the last element
        scaled = lib.mul(ctx, lib.narrow(ctx, positions, 2, axis, 1), 2 / size)
        grid.append(lib.reshape(ctx, lib.add(ctx, scaled, 1 / size - 1), dims))
    layer = ctx.network.add_grid_sample(image, lib.cat(ctx, grid, 3))
    layer.sample_mode = trt.SampleMode.FILL
    return layer.get_output(0)  # (images, channels, taps, points)
