"""Convolutions of one to three dimensions; the transposed ones are in :mod:`.transposed`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Tensor

Ints: TypeAlias = int | Sequence[int]
Layer: TypeAlias = "trt.IConvolutionLayer | trt.IDeconvolutionLayer"


def dynamic_kernel(input: torch.Tensor, weight: torch.Tensor) -> str | None:
    """The reason for declining sizes that TensorRT's layers fix."""
    known = all(isinstance(size, int) for size in (*weight.shape, input.shape[1 - weight.dim()]))
    return None if known else "the kernel's shape or the number of channels is dynamic"


def _rejects(input: torch.Tensor, weight: torch.Tensor, transposed: bool) -> str | None:
    return "the convolution is transposed" if transposed else dynamic_kernel(input, weight)


@converter("aten.convolution.default", rejects=_rejects)
def convolution(ctx: Context, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Ints, padding: Ints,
                dilation: Ints, transposed: bool, output_padding: Ints, groups: int) -> trt.ITensor:  # fmt: skip
    """convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, ..., SymInt groups) -> Tensor"""
    return conv(ctx, ctx.network.add_convolution_nd, input, weight, bias, stride, padding, padding, dilation, groups)


@converter("aten.conv1d.padding", "aten.conv2d.padding", "aten.conv3d.padding", rejects=dynamic_kernel)
def conv_padding(ctx: Context, input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
                 padding: str = "valid", dilation: Ints = 1, groups: int = 1) -> trt.ITensor:  # fmt: skip
    """conv2d.padding(Tensor input, Tensor weight, ..., str padding="valid", ..., SymInt groups=1) -> Tensor

    PyTorch pads unequal sides with a copy; TensorRT's layer pads each side by itself.
    """
    kernel_size, dilation = weight.shape[2:], lib.ints(dilation, len(weight.shape) - 2)
    total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel_size, strict=True)]
    before, after = [size // 2 for size in total], [size - size // 2 for size in total]
    return conv(ctx, ctx.network.add_convolution_nd, input, weight, bias, stride, before, after, dilation, groups)


def conv(ctx: Context, add: Callable[..., Layer], input: Tensor, weight: Tensor, bias: Tensor | None,
         stride: Ints, pre_padding: Ints, post_padding: Ints, dilation: Ints, groups: int) -> trt.ITensor:  # fmt: skip
    """The layer that ``add`` adds, with a constant or computed kernel."""
    count, dtype = len(weight.shape) - 2, lib.dtype_of(input)
    geometry = [lib.ints(values, count) for values in (stride, pre_padding, post_padding, dilation)]
    # TensorRT's layers need a batch and two spatial dimensions: dimensions of size 1 stand in for missing ones
    added = [0] * (len(input.shape) == count + 1) + [3] * (count == 1)
    tensor = lib.unsqueeze(ctx, input, added)
    if count == 1:
        weight = weight.unsqueeze(3) if isinstance(weight, torch.Tensor) else lib.unsqueeze(ctx, weight, [3])
        geometry = [(*values, neutral) for values, neutral in zip(geometry, (1, 0, 0, 1), strict=True)]
    empty = trt.Weights(tensor.dtype)
    kernel, shift = (ctx.weights(v.to(dtype)) if isinstance(v, torch.Tensor) else empty for v in (weight, bias))
    layer = add(tensor, ctx.call.result.shape[-count - 1], tuple(weight.shape[2:]), kernel, shift)
    for index, value in ((1, weight), (2, bias)):
        if lib.is_runtime(value):
            layer.set_input(index, ctx.tensor(value, dtype))
    layer.stride_nd, layer.pre_padding, layer.post_padding, layer.dilation_nd = geometry
    layer.num_groups = groups
    return lib.squeeze(ctx, layer.get_output(0), added)
