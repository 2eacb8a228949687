"""The pack's converters."""

from __future__ import annotations

from torch2trt import Context, converter, trt
from torch2trt.lib import activation, elementwise

A, E = trt.ActivationType, trt.ElementWiseOperation


@converter("torch2trt_example.scaled_tanh.default")
def scaled_tanh(ctx: Context, x: trt.ITensor, scale: float) -> trt.ITensor:
    """scaled_tanh(Tensor x, float scale) -> Tensor"""
    # TensorRT's SCALED_TANH is alpha * tanh(beta * x)
    return activation(ctx, A.SCALED_TANH, x, scale, 1 / scale)


@converter("aten.hardswish.default")
def hardswish(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """hardswish(Tensor self) -> Tensor"""
    # overrides the built-in one: the formula of the paper, x * relu6(x + 3) / 6
    shifted = elementwise(ctx, E.SUM, input, 3)
    return elementwise(ctx, E.DIV, elementwise(ctx, E.PROD, input, activation(ctx, A.CLIP, shifted, 0, 6)), 6)
