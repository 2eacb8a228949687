"""Transposed convolutions: TensorRT neither dilates them with strides nor pads their output."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Tensor

from .convolution import Ints, conv, dynamic_kernel


def _rejects(input: torch.Tensor, weight: torch.Tensor, transposed: bool) -> str | None:
    return dynamic_kernel(input, weight) if transposed else "the convolution is not transposed"


@converter("aten.convolution.default", rejects=_rejects)
def conv_transpose(
    ctx: Context,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    transposed: bool,
    output_padding: Ints,
    groups: int,
) -> trt.ITensor:
    """convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, ..., SymInt groups) -> Tensor"""
    count = len(weight.shape) - 2
    extra = [o - p for o, p in zip(lib.ints(output_padding, count), lib.ints(padding, count), strict=True)]
    # output_padding takes back what padding cuts off at the end, or reaches beyond
    cut, beyond = [max(-size, 0) for size in extra], [max(size, 0) for size in extra]
    strided_and_dilated = max(lib.ints(stride, count)) > 1 and max(lib.ints(dilation, count)) > 1
    if strided_and_dilated or any(beyond):
        weight, dilation = _dense_kernel(ctx, weight, lib.ints(dilation, count), beyond), 1
    return deconvolve(ctx, input, weight, bias, stride, padding, cut, dilation, groups)


def deconvolve(
    ctx: Context,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Ints,
    pre_padding: Ints,
    post_padding: Ints,
    dilation: Ints,
    groups: int,
) -> trt.ITensor:
    """TensorRT's layer, whose padding cuts off the ends of the result."""
    dtype, add = lib.dtype_of(input), ctx.network.add_deconvolution_nd
    if dtype == torch.bfloat16:  # TensorRT for RTX builds none of bfloat16
        input = ctx.tensor(input, torch.float32)
    result = conv(ctx, add, input, weight, bias, stride, pre_padding, post_padding, dilation, groups)
    return ctx.tensor(result, dtype)


def _dense_kernel(ctx: Context, weight: Tensor, dilation: tuple[int, ...], beyond: list[int]) -> Tensor:
    """The kernel with zeros between its elements instead of a dilation, and ``beyond`` zeros at its ends."""
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    extents = [reach + size for reach, size in zip(reaches, beyond, strict=True)]
    if lib.is_runtime(weight):
        return _dense_runtime_kernel(ctx, weight, dilation, extents)
    dense = weight.new_zeros((*weight.shape[:2], *extents))
    taps = [slice(None, reach, d) for reach, d in zip(reaches, dilation, strict=True)]
    places = (slice(None), slice(None), *taps)
    dense[places] = weight
    return dense


def _dense_runtime_kernel(
    ctx: Context, weight: trt.ITensor, dilation: tuple[int, ...], extents: list[int]
) -> trt.ITensor:
    """Each element followed by its zeros, then cut or filled up at the ends."""
    for dim, (d, extent) in enumerate(zip(dilation, extents, strict=True), start=2):
        before, (k, *after) = tuple(weight.shape)[:dim], tuple(weight.shape)[dim:]
        # in two dimensions: elements by zeros
        rows = lib.pad(ctx, lib.reshape(ctx, weight, [*before, k, 1, *after]), [0, 0] * len(after) + [0, d - 1])
        spread = lib.reshape(ctx, rows, [*before, k * d, *after])
        weight = lib.pad(ctx, spread, [0, 0] * len(after) + [0, extent - k * d])
    return weight
