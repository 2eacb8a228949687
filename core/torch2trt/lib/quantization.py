"""Verbs for quantized tensors: TensorRT's own layers, which an engine fuses with the products beside them."""

from __future__ import annotations

import torch

from .._trt import trt
from ..dtypes import to_trt
from ..network.context import Context
from .values import Value


def quantize(
    ctx: Context, input: Value, scale: Value, dtype: torch.dtype = torch.int8, axis: int | None = None
) -> trt.ITensor:
    """``input / scale`` in ``dtype`` (int8 or float8_e4m3fn): rounded to nearest even, and saturated.

    ``scale`` is one number, a vector along ``axis``, or a tensor of the input's rank with one number for each block.
    """
    layer = ctx.network.add_quantize(ctx.tensor(input), ctx.tensor(scale), to_trt(dtype))
    if axis is not None:
        layer.axis = axis
    return layer.get_output(0)


def dequantize(
    ctx: Context, input: Value, scale: Value, dtype: torch.dtype = torch.float32, axis: int | None = None
) -> trt.ITensor:
    """``input * scale``, computed in float32 and rounded once to ``dtype``; ``scale`` is as in :func:`quantize`.

    A constant ``input`` stays as small in the engine as it is.
    """
    layer = ctx.network.add_dequantize(ctx.tensor(input), ctx.tensor(scale), to_trt(dtype))
    if axis is not None:
        layer.axis = axis
    return layer.get_output(0)
