"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch2trt import Call, Context, converter, trt
from torch2trt.lib import ints, reduce

Ints = int | Sequence[int]


def _max_rejects(
    call: Call,
    input: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> str | None:
    return None if set(ints(dilation, 1)) == {1} else "TensorRT has no dilated pooling"


def _average_rejects(
    call: Call,
    input: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> str | None:
    return None if divisor_override is None else "TensorRT's average has no divisor_override"


def _adaptive_rejects(call: Call, input: Any, output_size: Sequence[Any]) -> str | None:
    pairs = zip(input.shape[-len(output_size) :], output_size, strict=True)
    for have, want in pairs:
        if want == 1:
            continue
        if not isinstance(have, int) or not isinstance(want, int):
            return "an adaptive pooling of a dynamic size to other than 1"
        if have % want:
            return f"windows of {have} elements for {want} results differ in size"
    return None


@converter("aten.max_pool2d_with_indices.default", "aten.max_pool3d_with_indices.default", rejects=_max_rejects)
def max_pool(
    ctx: Context,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> tuple[trt.ITensor, None]:
    """max_pool2d_with_indices(Tensor self, int[2] kernel_size, ..., bool ceil_mode=False) -> (Tensor, Tensor)"""
    layer = _pool(ctx, trt.PoolingType.MAX, input, kernel_size, stride, padding, ceil_mode)
    return layer.get_output(0), None


@converter("aten.avg_pool2d.default", "aten.avg_pool3d.default", rejects=_average_rejects)
def avg_pool(
    ctx: Context,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> trt.ITensor:
    """avg_pool2d(Tensor self, int[2] kernel_size, ..., int? divisor_override=None) -> Tensor"""
    layer = _pool(ctx, trt.PoolingType.AVERAGE, input, kernel_size, stride, padding, ceil_mode)
    layer.average_count_excludes_padding = not count_include_pad
    return layer.get_output(0)


def _pool(
    ctx: Context,
    kind: trt.PoolingType,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
) -> trt.IPoolingLayer:
    count = len(input.shape) - 2
    layer = ctx.network.add_pooling_nd(input, kind, ints(kernel_size, count))
    layer.stride_nd = ints(stride or kernel_size, count)
    layer.padding_nd = ints(padding, count)
    if ceil_mode:
        layer.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_UP
    return layer


@converter("aten._adaptive_avg_pool2d.default", "aten._adaptive_avg_pool3d.default", rejects=_adaptive_rejects)
def adaptive_avg_pool(ctx: Context, input: trt.ITensor, output_size: Sequence[Any]) -> trt.ITensor:
    """_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor"""
    count = len(output_size)
    have = tuple(input.shape)[-count:]
    if all(size == 1 for size in output_size):
        return reduce(ctx, trt.ReduceOperation.AVG, input, range(-count, 0), keepdim=True)
    window = [size // want for size, want in zip(have, output_size, strict=True)]
    return _pool(ctx, trt.PoolingType.AVERAGE, input, window, window, 0, False).get_output(0)
