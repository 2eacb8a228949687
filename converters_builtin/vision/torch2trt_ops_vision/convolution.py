"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import ints, squeeze, unsqueeze

Ints = int | Sequence[int]


def _dynamic_weight(call: Call, input: Any, weight: torch.Tensor, *args: Any) -> str | None:
    static = all(isinstance(size, int) for size in weight.shape)
    return None if static else "the kernel's shape is dynamic"


@converter("aten.conv1d.default", "aten.conv2d.default", "aten.conv3d.default", rejects=_dynamic_weight)
def conv(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> trt.ITensor:
    """conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=1, ..., SymInt groups=1) -> Tensor"""
    count = len(weight.shape) - 2
    if count == 1:
        return _conv1d(ctx, input, weight, bias, ints(stride, 1), ints(padding, 1), ints(dilation, 1), groups)
    return _convolution(
        ctx, input, weight, bias, ints(stride, count), ints(padding, count), ints(dilation, count), groups
    )


def _conv1d(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> trt.ITensor:
    # TensorRT has no 1-D convolution: a dimension of size 1 at the end makes it 2-D
    wide = unsqueeze(ctx, input, [3])
    kernel = ctx.const(weight).unsqueeze(3)
    result = _convolution(ctx, wide, kernel, bias, (*stride, 1), (*padding, 0), (*dilation, 1), groups)
    return squeeze(ctx, result, [3])


def _convolution(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> trt.ITensor:
    weight = ctx.const(weight)
    shift = ctx.weights(ctx.const(bias)) if bias is not None else None
    layer = ctx.network.add_convolution_nd(input, weight.shape[0], tuple(weight.shape[2:]), ctx.weights(weight), shift)
    layer.stride_nd, layer.padding_nd, layer.dilation_nd = stride, padding, dilation
    layer.num_groups = groups
    return layer.get_output(0)
