"""The pack's converters."""

from __future__ import annotations

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("torch2trt_example.scaled_tanh.default")
def scaled_tanh(ctx: Context, x: Value, scale: float) -> trt.ITensor:
    """scaled_tanh(Tensor x, float scale) -> Tensor"""
    # TensorRT's SCALED_TANH is alpha * tanh(beta * x)
    return lib.activation(ctx, trt.ActivationType.SCALED_TANH, x, alpha=scale, beta=1 / scale)


@converter("aten.hardswish.default")
def hardswish(ctx: Context, input: Value) -> trt.ITensor:
    """hardswish(Tensor self) -> Tensor"""
    # overrides the built-in one: the formula of the paper, x * relu6(x + 3) / 6
    shifted = lib.add(ctx, input, 3)
    relu6 = lib.activation(ctx, trt.ActivationType.CLIP, shifted, alpha=0, beta=6)
    return lib.div(ctx, lib.mul(ctx, input, relu6), 6)
