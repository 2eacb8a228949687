"""Symmetric quantization to int8 by TensorRT's own layers, which an engine fuses; all other is PyTorch's arithmetic."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch._subclasses import FakeTensor
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

_INT8: Final = (-128, 127)


def why_no_layer(
    input: torch.Tensor,
    scale: float | torch.Tensor,
    zero_point: float | torch.Tensor | None,
    dtype: torch.dtype = torch.int8,
    axis: int = 0,
) -> str | None:
    """Why TensorRT has no layer that quantizes with these parameters."""
    if isinstance(scale, FakeTensor) or isinstance(zero_point, FakeTensor):
        return "its scale or its zero point is computed at run time"
    if dtype is not torch.int8:
        return "TensorRT quantizes to int8, not to other integers"
    if zero_point is not None and torch.as_tensor(zero_point).any():
        return "TensorRT's zero point is 0"
    scales = torch.as_tensor(scale)
    if scales.dim() and scales.dtype is not torch.float32:
        return "TensorRT's scales are float32"
    if not bool(((scales > 0) & scales.to(torch.float32).isfinite()).all()):
        return "TensorRT's scales are positive"
    return None if -input.dim() <= axis < input.dim() else "TensorRT quantizes no scalars"


def _of_all(
    input: torch.Tensor, scale: float | torch.Tensor, zero_point: int | torch.Tensor, dtype: torch.dtype
) -> str | None:
    return why_no_layer(input, scale, zero_point, dtype)


def _of_channels(
    input: torch.Tensor, scales: torch.Tensor, zero_points: torch.Tensor | None, axis: int, dtype: torch.dtype
) -> str | None:
    return why_no_layer(input, scales, zero_points, dtype, axis)


def quantized(
    ctx: Context, input: Value, scale: float | torch.Tensor, low: int, high: int, axis: int | None = None
) -> trt.ITensor:
    """``input / scale`` rounded to int8, from ``low`` to ``high``; one scale for all, or one for each of an axis."""
    tensor, scales = ctx.tensor(input, torch.float32), torch.as_tensor(scale).to(torch.float32)
    ndim = len(tensor.shape)
    axis = None if axis is None or scales.numel() == 1 else axis % ndim
    along = scales.reshape([-1 if dim == axis else 1 for dim in range(ndim)])
    if (low, high) != _INT8:
        # rounded to whole numbers, the limits are the same as those after the division
        tensor = lib.minimum(ctx, lib.maximum(ctx, tensor, along * low), along * high)
    # TensorRT multiplies by the reciprocal of the float32 scale, PyTorch by the rounded reciprocal of the number
    factor = torch.as_tensor(1.0 / scale).to(torch.float32)
    if not torch.equal(factor, scales.reciprocal()):
        tensor, scales = lib.mul(ctx, tensor, factor.reshape(along.shape)), torch.ones_like(scales)
    layer = ctx.network.add_quantize(tensor, _scales(ctx, scales, axis), trt.int8)
    if axis is not None:
        layer.axis = axis
    return layer.get_output(0)


def dequantized(ctx: Context, input: Value, scale: float | torch.Tensor, axis: int | None = None) -> trt.ITensor:
    """``input * scale`` in float32."""
    tensor, scales = ctx.tensor(input), torch.as_tensor(scale).to(torch.float32)
    axis = None if axis is None or scales.numel() == 1 else axis % len(tensor.shape)
    layer = ctx.network.add_dequantize(tensor, _scales(ctx, scales, axis), trt.float32)
    if axis is not None:
        layer.axis = axis
    return layer.get_output(0)


def _scales(ctx: Context, scales: torch.Tensor, axis: int | None) -> trt.ITensor:
    return ctx.tensor(scales.reshape(()) if axis is None else scales)


@converter(
    "quantized_decomposed.quantize_per_tensor.default",
    "quantized_decomposed.quantize_per_tensor.tensor",
    rejects=_of_all,
)
def quantize_per_tensor(
    ctx: Context,
    input: Value,
    scale: float | torch.Tensor,
    zero_point: int | torch.Tensor,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
) -> trt.ITensor:
    """quantize_per_tensor(Tensor input, float scale, int zero_point, int quant_min, int quant_max, ...) -> Tensor"""
    return quantized(ctx, input, scale, quant_min, quant_max)


@converter("quantized_decomposed.quantize_per_channel.default", rejects=_of_channels)
def quantize_per_channel(
    ctx: Context,
    input: Value,
    scales: torch.Tensor,
    zero_points: torch.Tensor,
    axis: int,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
) -> trt.ITensor:
    """quantize_per_channel(Tensor input, Tensor scales, Tensor zero_points, int axis, ...) -> Tensor"""
    return quantized(ctx, input, scales, quant_min, quant_max, axis)


def _kept_small(input: Value) -> bool:
    """Whether a constant stays int8 in the engine: TensorRT for RTX 1.6.1 builds no convolution of two int8 tensors."""
    return lib.is_runtime(input) or trt.__name__ != "tensorrt_rtx" or lib.ndim_of(input) <= 2


@converter(
    "quantized_decomposed.dequantize_per_tensor.default",
    "quantized_decomposed.dequantize_per_tensor.tensor",
    rejects=_of_all,
    fold=False,
)
def dequantize_per_tensor(
    ctx: Context,
    input: Value,
    scale: float | torch.Tensor,
    zero_point: int | torch.Tensor,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
    out_dtype: torch.dtype | None = None,
) -> Any:
    """dequantize_per_tensor(Tensor input, float scale, int zero_point, ..., *, ScalarType? out_dtype=None) -> Tensor"""
    if not _kept_small(input):
        return ctx.call.target.obj(input, scale, zero_point, quant_min, quant_max, dtype, out_dtype=out_dtype)
    return ctx.tensor(dequantized(ctx, input, scale), ctx.call.result.dtype)


@converter("quantized_decomposed.dequantize_per_channel.default", rejects=_of_channels, fold=False)
def dequantize_per_channel(
    ctx: Context,
    input: Value,
    scales: torch.Tensor,
    zero_points: torch.Tensor | None,
    axis: int,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
    out_dtype: torch.dtype | None = None,
) -> Any:
    """dequantize_per_channel(Tensor input, Tensor scales, Tensor? zero_points, int axis, ...) -> Tensor"""
    if not _kept_small(input):
        return ctx.call.target.obj(input, scales, zero_points, axis, quant_min, quant_max, dtype, out_dtype=out_dtype)
    return ctx.tensor(dequantized(ctx, input, scales, axis), ctx.call.result.dtype)
