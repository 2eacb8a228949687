"""Deformable convolution: a grid sample gathers what each tap of each window reads, a matrix product weighs it."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import cast, concat, dtype_of, elementwise, is_runtime, matmul, narrow, reshape, size, size_math

E = trt.ElementWiseOperation
F32 = torch.float32


def _rejects(call: Call, input: torch.Tensor, weight: torch.Tensor, offset: torch.Tensor, *args: Any) -> str | None:
    known = all(isinstance(size, int) for size in (*weight.shape, *offset.shape[1:], *input.shape[1:]))
    return None if known else "sizes other than the batch are dynamic"


@converter("torchvision.deform_conv2d.default", rejects=_rejects)
def deform_conv2d(
    ctx: Context,
    input: Any,
    weight: Any,
    offset: Any,
    mask: Any,
    bias: Any,
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
    dtype, batch = dtype_of(input), size(ctx, input, 0)
    channels, height, width = tuple(input.shape)[1:]
    maps, _, *kernel = tuple(weight.shape)
    rows, cols = ctx.call.result.shape[2:]
    taps, many = kernel[0] * kernel[1], size_math(ctx, E.PROD, batch, offset_groups)
    still = _positions(kernel, (rows, cols), (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w))
    moved = elementwise(ctx, E.SUM, reshape(ctx, cast(ctx, offset, F32), [many, taps, 2, rows * cols]), still)
    grid = [
        reshape(ctx, _normalised(ctx, narrow(ctx, moved, 2, axis, 1), extent), [many, taps, rows * cols, 1])
        for axis, extent in ((1, width), (0, height))
    ]
    image = reshape(ctx, cast(ctx, input, F32), [many, channels // offset_groups, height, width])
    layer = ctx.network.add_grid_sample(image, concat(ctx, grid, 3))
    layer.sample_mode = trt.SampleMode.FILL
    read = layer.get_output(0)  # (many, channels, taps, rows * cols)
    if use_mask:
        read = elementwise(ctx, E.PROD, read, reshape(ctx, cast(ctx, mask, F32), [many, 1, taps, rows * cols]))
    patches = cast(ctx, reshape(ctx, read, [batch, groups, channels // groups * taps, rows * cols]), dtype)
    kernels = reshape(ctx, weight, [1, groups, maps // groups, channels // groups * taps])
    result = reshape(ctx, matmul(ctx, kernels, patches), [batch, maps, rows, cols])
    shift = reshape(ctx, bias, [1, maps, 1, 1]) if is_runtime(bias) else bias.reshape(1, maps, 1, 1)
    return elementwise(ctx, E.SUM, result, shift, dtype)


def _positions(kernel: Any, extents: Any, stride: Any, padding: Any, dilation: Any) -> torch.Tensor:
    """``(1, taps, 2, rows * cols)``: the row and the column that a tap reads when nothing moves it."""
    axes = [
        (torch.arange(taps) * spread).unsqueeze(1) + torch.arange(count) * step - before
        for taps, count, step, before, spread in zip(kernel, extents, stride, padding, dilation, strict=True)
    ]
    shape = (*kernel, *extents)
    row = axes[0][:, None, :, None].expand(shape)
    column = axes[1][None, :, None, :].expand(shape)
    return torch.stack([row, column]).reshape(2, kernel[0] * kernel[1], -1).transpose(0, 1).unsqueeze(0).float()


def _normalised(ctx: Context, position: Any, extent: int) -> trt.ITensor:
    """Positions as the grid has them: -1 and 1 are the outer edges of the first and the last element."""
    return elementwise(ctx, E.SUM, elementwise(ctx, E.PROD, position, 2 / extent), 1 / extent - 1)
