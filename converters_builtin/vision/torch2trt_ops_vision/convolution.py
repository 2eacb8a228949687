"""Convolutions, plain and transposed, of one to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import cast, ints, is_runtime, squeeze, unsqueeze

from .transposed import dense_kernel, trims

Ints = int | Sequence[int]
Layer: TypeAlias = "trt.IConvolutionLayer | trt.IDeconvolutionLayer"


def _kernel_rejects(
    call: Call,
    input: Any,
    weight: torch.Tensor,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> str | None:
    return _shape_rejects(input, weight)


def _padding_rejects(
    call: Call,
    input: Any,
    weight: torch.Tensor,
    bias: Any = None,
    stride: Ints = 1,
    padding: str = "valid",
    dilation: Ints = 1,
    groups: int = 1,
) -> str | None:
    return _shape_rejects(input, weight)


def _shape_rejects(input: torch.Tensor, weight: torch.Tensor) -> str | None:
    if not all(isinstance(size, int) for size in weight.shape):
        return "the kernel's shape is dynamic"
    if not isinstance(input.shape[-weight.dim() + 1], int):
        return "the number of channels is dynamic"
    return None


@converter("aten.convolution.default", rejects=_kernel_rejects)
def convolution(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> trt.ITensor:
    """convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, ..., SymInt groups) -> Tensor"""
    count = len(weight.shape) - 2
    step, before, spread = ints(stride, count), ints(padding, count), ints(dilation, count)
    if not transposed:
        return _window(ctx, input, weight, bias, step, before, before, spread, groups)
    extra = ints(output_padding, count)
    kernel, dense = dense_kernel(ctx, weight, step, before, spread, extra)
    return _window(ctx, input, kernel, bias, step, before, trims(before, extra), dense, groups, transposed=True)


@converter("aten.conv1d.padding", "aten.conv2d.padding", "aten.conv3d.padding", rejects=_padding_rejects)
def conv_padding(
    ctx: Context,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: str = "valid",
    dilation: Ints = 1,
    groups: int = 1,
) -> trt.ITensor:
    """conv2d.padding(Tensor input, Tensor weight, ..., str padding="valid", ..., SymInt groups=1) -> Tensor

    PyTorch pads unequal sides with a copy; TensorRT's layer pads each side by itself.
    """
    count = len(weight.shape) - 2
    spread = ints(dilation, count)
    total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(spread, weight.shape[2:], strict=True)]
    before, after = [size // 2 for size in total], [size - size // 2 for size in total]
    batched = len(input.shape) == count + 2
    tensor = input if batched else unsqueeze(ctx, input, [0])
    result = _window(ctx, tensor, weight, bias, ints(stride, count), before, after, spread, groups)
    return result if batched else squeeze(ctx, result, [0])


def _window(
    ctx: Context,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    transposed: bool = False,
) -> trt.ITensor:
    """The layer itself, on constant or computed kernels; ``before`` and ``after`` are the padding of each side."""
    flat = len(weight.shape) == 3
    if flat:
        # TensorRT has no 1-D convolution: a dimension of size 1 at the end makes it 2-D
        input = unsqueeze(ctx, input, [3])
        weight = unsqueeze(ctx, weight, [3]) if is_runtime(weight) else weight.unsqueeze(3)
        stride, before, after, dilation = (*stride, 1), (*before, 0), (*after, 0), (*dilation, 1)
    dtype = ctx.call.result.dtype
    if transposed and dtype == torch.bfloat16:
        dtype = torch.float32  # TensorRT for RTX builds no transposed convolution of bfloat16
    input = ctx.tensor(input, dtype)
    empty = trt.Weights(input.dtype)
    add = ctx.network.add_deconvolution_nd if transposed else ctx.network.add_convolution_nd
    maps = weight.shape[1] * groups if transposed else weight.shape[0]
    layer: Layer = add(
        input,
        maps,
        tuple(weight.shape[2:]),
        empty if is_runtime(weight) else ctx.weights(weight.to(dtype)),
        empty if bias is None or is_runtime(bias) else ctx.weights(bias.to(dtype)),
    )
    for index, value in ((1, weight), (2, bias)):
        if is_runtime(value):
            layer.set_input(index, cast(ctx, value, dtype))
    layer.stride_nd, layer.dilation_nd, layer.num_groups = tuple(stride), tuple(dilation), groups
    layer.pre_padding, layer.post_padding = tuple(before), tuple(after)
    result = cast(ctx, layer.get_output(0), ctx.call.result.dtype)
    return squeeze(ctx, result, [3]) if flat else result
