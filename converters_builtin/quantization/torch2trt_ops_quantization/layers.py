"""TensorRT's quantize and dequantize layers by the parameters that PyTorch's operators have."""

from __future__ import annotations

from typing import Final

import torch
from torch._subclasses import FakeTensor
from torch2trt import Context, lib, trt
from torch2trt.lib import Value

from .small import small_constant

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


def quantized(
    ctx: Context, input: Value, scale: float | torch.Tensor, low: int, high: int, axis: int | None = None
) -> trt.ITensor:
    """``input / scale`` rounded to int8, from ``low`` to ``high``; one scale for all, or one for each of an axis."""
    tensor, scales = ctx.tensor(input, torch.float32), torch.as_tensor(scale).to(torch.float32)
    ndim = len(tensor.shape)
    axis = None if axis is None or scales.numel() == 1 else axis % ndim
    along = spread(scales, axis, ndim)
    if (low, high) != _INT8:
        # rounded to whole numbers, the limits are the same as those after the division
        tensor = lib.minimum(ctx, lib.maximum(ctx, tensor, along * low), along * high)
    # TensorRT multiplies by the reciprocal of the float32 scale, PyTorch by the rounded reciprocal of the number
    factor = torch.as_tensor(1.0 / scale).to(torch.float32)
    if not torch.equal(factor, scales.reciprocal()):
        tensor, scales = lib.mul(ctx, tensor, factor.reshape(along.shape)), torch.ones_like(scales)
    return lib.quantize(ctx, tensor, scales if axis is not None else scales.reshape(()), axis=axis)


def dequantized(
    ctx: Context, input: Value, scale: float | torch.Tensor, dtype: torch.dtype, axis: int | None = None
) -> trt.ITensor:
    """``input * scale``, where ``input`` has no more than 256 values; a constant stays small in the engine."""
    scales, ndim = torch.as_tensor(scale).to(torch.float32), lib.ndim_of(input)
    axis = None if axis is None or scales.numel() == 1 else axis % ndim
    if isinstance(input, torch.Tensor):
        small = small_constant(ctx, input, spread(scales, axis, ndim), None, dtype)
        return ctx.tensor(input * spread(scales, axis, ndim), dtype) if small is None else small
    return lib.dequantize(ctx, input, scales if axis is not None else scales.reshape(()), dtype, axis)


def spread(values: torch.Tensor, axis: int | None, ndim: int) -> torch.Tensor:
    """One value, or one for each of an axis, in a shape that broadcasts to ``ndim`` dimensions."""
    return values.reshape([-1 if dim == axis else 1 for dim in range(ndim)])
