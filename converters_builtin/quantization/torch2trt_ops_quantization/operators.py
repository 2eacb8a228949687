"""The pack's own operators: numbers in a small dtype, and numbers of such.

Models that this pack quantizes are written in them, and what a model computes of small constants becomes one.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Tensor

from .small import laid_out, small_constant

#: the least and the greatest number of each dtype that TensorRT quantizes to
RANGES: Final = {torch.int8: (-128, 127), torch.float8_e4m3fn: (-448, 448)}
_QUANTIZE: Final = "(Tensor input, Tensor scale, int low, int high, ScalarType dtype) -> Tensor"
_DEQUANTIZE: Final = "(Tensor codes, Tensor? scale, Tensor? zero, ScalarType dtype) -> Tensor"


@torch.library.custom_op("torch2trt_quantization::quantize", mutates_args=(), schema=_QUANTIZE)
def quantize(input: torch.Tensor, scale: torch.Tensor, low: int, high: int, dtype: torch.dtype) -> torch.Tensor:
    """``input / scale`` from ``low`` to ``high`` in a small dtype.

    Args:
        input: floating-point numbers.
        scale: broadcasts to the input.
        low: the least number.
        high: the greatest number.
        dtype: int8 or float8_e4m3fn.
    """
    # as TensorRT has it, a product with the reciprocal
    steps = input.to(torch.float32) * scale.to(torch.float32).reciprocal()
    return (steps if dtype.is_floating_point else steps.round()).clamp(low, high).to(dtype)


@torch.library.custom_op("torch2trt_quantization::dequantize", mutates_args=(), schema=_DEQUANTIZE)
def dequantize(
    codes: torch.Tensor, scale: torch.Tensor | None, zero: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor:
    """``(codes - zero) * scale``, computed in float32 and rounded once.

    Args:
        codes: numbers that a small dtype holds, whatever dtype they have.
        scale: broadcasts to the codes; None for 1.
        zero: broadcasts to the codes; None for 0.
        dtype: of the result.
    """
    numbers = codes.to(torch.float32, copy=True)
    numbers = numbers if zero is None else numbers - zero.to(torch.float32)
    return (numbers if scale is None else numbers * scale.to(torch.float32)).to(dtype)


@quantize.register_fake
def _(input: torch.Tensor, scale: torch.Tensor, low: int, high: int, dtype: torch.dtype) -> Any:
    return input.new_empty(input.shape, dtype=dtype)


@dequantize.register_fake
def _(codes: torch.Tensor, scale: Any, zero: Any, dtype: torch.dtype) -> Any:
    return codes.new_empty(codes.shape, dtype=dtype)


def _no_scalars(call: Call) -> str | None:
    return None if call.args[0].dim() else "TensorRT quantizes no scalars"


def _other_dtype(call: Call, dtype: torch.dtype) -> str | None:
    return _no_scalars(call) if dtype in RANGES else "TensorRT quantizes to int8 and float8_e4m3fn"


@converter("torch2trt_quantization.quantize.default", rejects=_other_dtype)
def convert_quantize(
    ctx: Context, input: Tensor, scale: Tensor, low: int, high: int, dtype: torch.dtype
) -> trt.ITensor:
    """quantize(Tensor input, Tensor scale, int low, int high, ScalarType dtype) -> Tensor"""
    tensor, scales, axis = ctx.tensor(input, torch.float32), scale, None
    if (low, high) != RANGES[dtype]:
        limits = (lib.mul(ctx, scale, float(limit), torch.float32) for limit in (low, high))
        tensor = lib.minimum(ctx, lib.maximum(ctx, tensor, next(limits)), next(limits))
    if not lib.is_runtime(scale):
        scales, axis = laid_out(scale.to(torch.float32), ctx.call.result.shape)
    if lib.is_runtime(scales) or scales.dim() > 1:  # blocks of what is computed at run time
        tensor, scales = lib.mul(ctx, tensor, lib.reciprocal(ctx, scale), torch.float32), torch.ones(())
    return lib.quantize(ctx, tensor, scales, dtype, axis)


@converter("torch2trt_quantization.dequantize.default", rejects=_no_scalars, fold=False)
def convert_dequantize(
    ctx: Context, codes: Tensor, scale: Tensor | None, zero: Tensor | None, dtype: torch.dtype
) -> Any:
    """dequantize(Tensor codes, Tensor? scale, Tensor? zero, ScalarType dtype) -> Tensor"""
    if isinstance(codes, torch.Tensor) and not lib.is_runtime(scale) and not lib.is_runtime(zero):
        small = small_constant(ctx, codes, scale, zero, dtype)
        return dequantize(codes, scale, zero, dtype) if small is None else small
    if zero is None and isinstance(scale, torch.Tensor) and lib.dtype_of(codes) in RANGES:
        scales, axis = laid_out(scale.to(torch.float32), ctx.call.result.shape)
        return lib.dequantize(ctx, codes, scales, dtype, axis)
    numbers = lib.dequantize(ctx, codes, 1.0) if lib.dtype_of(codes) in RANGES else ctx.tensor(codes, torch.float32)
    numbers = numbers if zero is None else lib.sub(ctx, numbers, zero, torch.float32)
    return ctx.tensor(numbers if scale is None else lib.mul(ctx, numbers, scale, torch.float32), dtype)
