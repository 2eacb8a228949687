"""Transposed convolutions: TensorRT neither dilates them with strides nor pads their output."""

from __future__ import annotations

import torch
from torch2trt import Context, ConversionError, converter, lib, trt
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
        weight, dilation = _dense_kernel(weight, lib.ints(dilation, count), beyond), 1
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


def _dense_kernel(weight: Tensor, dilation: tuple[int, ...], beyond: list[int]) -> torch.Tensor:
    """The kernel with zeros between its elements instead of a dilation, and ``beyond`` zeros at its ends."""
    if lib.is_runtime(weight):
        raise ConversionError(
            "a transposed convolution with strides and dilation, or with output_padding beyond its padding, "
            "needs a constant kernel"
        )
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    extents = [reach + size for reach, size in zip(reaches, beyond, strict=True)]
    dense = weight.new_zeros((*weight.shape[:2], *extents))
    taps = [slice(None, reach, d) for reach, d in zip(reaches, dilation, strict=True)]
    dense[(slice(None), slice(None), *taps)] = weight
    return dense
