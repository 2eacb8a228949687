"""Quantization and back, as models in quantization-aware training have it.

NaN becomes the lowest number that is quantized to, as in PyTorch.  So does in PyTorch on a CPU, by channels, what no
int64 holds: here it becomes the highest or the lowest one, as its sign says.
"""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .layers import dequantized, quantized, spread, why_no_layer
from .small import small_constant


def _whole(zero_point: Value) -> str | None:
    floating = isinstance(zero_point, torch.Tensor) and zero_point.is_floating_point()
    return "its zero points are no whole numbers" if floating else None


def _like(input: torch.Tensor, *parameters: Any, **more: Any) -> torch.Tensor:
    return torch.empty_like(input)


# as functions, which PyTorch cannot trace with dynamic sizes, and as the operators of programs that were exported
@converter("torch.fake_quantize_per_tensor_affine", rejects=_whole, fold=False, shape_rule=_like)
@converter(
    "aten.fake_quantize_per_tensor_affine.default",
    "aten.fake_quantize_per_tensor_affine.tensor_qparams",
    rejects=_whole,
    fold=False,
)
def fake_quantize_per_tensor_affine(
    ctx: Context, input: Value, scale: Value, zero_point: Value, quant_min: int, quant_max: int
) -> trt.ITensor:
    """fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min, ...) -> Tensor"""
    return _there_and_back(ctx, input, scale, zero_point, quant_min, quant_max)


@converter("torch.fake_quantize_per_channel_affine", rejects=_whole, fold=False, shape_rule=_like)
@converter("aten.fake_quantize_per_channel_affine.default", rejects=_whole, fold=False)
def fake_quantize_per_channel_affine(
    ctx: Context, input: Value, scale: Value, zero_point: Value, axis: int, quant_min: int, quant_max: int
) -> trt.ITensor:
    """fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, ...) -> Tensor"""
    return _there_and_back(ctx, input, scale, zero_point, quant_min, quant_max, axis)


def _there_and_back(
    ctx: Context, input: Value, scale: Value, zero_point: Value, low: int, high: int, axis: int | None = None
) -> trt.ITensor:
    dtype, ndim = ctx.call.result.dtype, lib.ndim_of(input)
    if not any(map(lib.is_runtime, (input, scale, zero_point))) and (
        small := _of_constants(ctx, ctx.const(input), _along(ctx, scale, zero_point, axis, ndim), low, high, dtype)
    ):
        return small
    tensor = ctx.tensor(input, torch.float32)
    scales, zero_points = (ctx.tensor(value, torch.float32) for value in _along(ctx, scale, zero_point, axis, ndim))
    missing = lib.isnan(ctx, tensor)
    if _has_layers(ctx, scale, zero_point, low, high, axis):
        tensor = lib.where(ctx, missing, lib.mul(ctx, scales, low, torch.float32), tensor)
        codes = quantized(ctx, tensor, ctx.const(scale).to(torch.float32), low, high, axis)
        return dequantized(ctx, codes, ctx.const(scale), dtype, axis)
    steps = lib.round(ctx, lib.mul(ctx, tensor, lib.reciprocal(ctx, scales)))
    codes = lib.add(ctx, steps, zero_points, torch.float32)
    codes = lib.minimum(ctx, lib.maximum(ctx, codes, float(low)), float(high))
    codes = lib.where(ctx, missing, float(low), codes, torch.float32)
    return ctx.tensor(lib.mul(ctx, lib.sub(ctx, codes, zero_points, torch.float32), scales), dtype)


def _of_constants(
    ctx: Context, input: torch.Tensor, parameters: list[Any], low: int, high: int, dtype: torch.dtype
) -> trt.ITensor | None:
    """Weights of a model in quantization-aware training, which are small in the engine."""
    scales, zero_points = (parameter.to(torch.float32) for parameter in parameters)
    steps = (input.to(torch.float32) * scales.reciprocal()).round() + zero_points
    return small_constant(ctx, steps.nan_to_num(low, high, low).clamp(low, high), scales, zero_points, dtype)


def _along(ctx: Context, scale: Value, zero_point: Value, axis: int | None, ndim: int) -> list[Value]:
    """Parameters in a shape that broadcasts along ``axis``."""
    axis = None if axis is None else axis % ndim
    dims = [] if axis is None else [-1 if dim == axis else 1 for dim in range(ndim)]
    return [
        lib.reshape(ctx, value, dims) if lib.is_runtime(value) else spread(ctx.const(value), axis, len(dims))
        for value in (scale, zero_point)
    ]


def _has_layers(ctx: Context, scale: Value, zero_point: Value, low: int, high: int, axis: int | None) -> bool:
    if lib.is_runtime(scale) or lib.is_runtime(zero_point) or low < -128 or high > 127:
        return False
    return why_no_layer(ctx.call.args[0], scale, zero_point, axis=axis or 0) is None
