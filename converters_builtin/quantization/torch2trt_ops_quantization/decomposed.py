"""Operators of ``quantized_decomposed``, symmetric and to int8, by TensorRT's own layers, which an engine fuses.

All other is PyTorch's arithmetic.
"""

from __future__ import annotations

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import Value

from .layers import dequantized, quantized, why_no_layer


def _of_all(
    input: torch.Tensor, scale: float | torch.Tensor, zero_point: int | torch.Tensor, dtype: torch.dtype
) -> str | None:
    return why_no_layer(input, scale, zero_point, dtype)


def _of_channels(
    input: torch.Tensor, scales: torch.Tensor, zero_points: torch.Tensor | None, axis: int, dtype: torch.dtype
) -> str | None:
    return why_no_layer(input, scales, zero_points, dtype, axis)


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
) -> trt.ITensor:
    """dequantize_per_tensor(Tensor input, float scale, int zero_point, ..., *, ScalarType? out_dtype=None) -> Tensor"""
    return dequantized(ctx, input, scale, ctx.call.result.dtype)


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
) -> trt.ITensor:
    """dequantize_per_channel(Tensor input, Tensor scales, Tensor? zero_points, int axis, ...) -> Tensor"""
    return dequantized(ctx, input, scales, ctx.call.result.dtype, axis)
