"""The pack's converters."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("torch2trt_example.scaled_tanh.default", requires="tensorrt")
def scaled_tanh_as_plugin(ctx: Context, x: Value, scale: float) -> trt.ITensor:
    """scaled_tanh(Tensor x, float scale) -> Tensor"""
    layer = ctx.add_plugin("ScaledTanh", "1", [x], {"scale": scale}, namespace="torch2trt_example")
    output: trt.ITensor = layer.get_output(0)
    return output


@converter("torch2trt_example.scaled_tanh.default")
def scaled_tanh(ctx: Context, x: Value, scale: float) -> trt.ITensor:
    """scaled_tanh(Tensor x, float scale) -> Tensor"""
    # asked where the one above declines: networks of TensorRT for RTX take no plugins.  SCALED_TANH is
    # alpha * tanh(beta * x)
    return lib.activation(ctx, trt.ActivationType.SCALED_TANH, x, alpha=scale, beta=1 / scale)


def overflows(input: torch.Tensor) -> str | None:
    """Why a call is left to the built-in converter."""
    return "x * relu6(x + 3) is beyond float16 from x = 10918 on" if input.dtype is torch.float16 else None


@converter("aten.hardswish.default", rejects=overflows)
def hardswish(ctx: Context, input: Value) -> trt.ITensor:
    """hardswish(Tensor self) -> Tensor"""
    # overrides the built-in one: the formula of the paper, x * relu6(x + 3) / 6
    shifted = lib.add(ctx, input, 3)
    relu6 = lib.activation(ctx, trt.ActivationType.CLIP, shifted, alpha=0, beta=6)
    return lib.div(ctx, lib.mul(ctx, input, relu6), 6)
