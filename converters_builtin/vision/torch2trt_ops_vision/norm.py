"""Normalisation with running statistics."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt


@converter("aten._native_batch_norm_legit_no_training.default")
def batch_norm(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    momentum: float,
    eps: float,
) -> tuple[trt.ITensor, None, None]:
    """_native_batch_norm_legit_no_training(Tensor input, ..., float momentum, float eps) -> (Tensor, Tensor, Tensor)"""
    dtype = ctx.call.results[0].dtype
    # one scale and one shift a channel, computed once in full precision
    scale = torch.rsqrt(ctx.const(running_var).float() + eps)
    if weight is not None:
        scale = scale * ctx.const(weight).float()
    shift = -ctx.const(running_mean).float() * scale
    if bias is not None:
        shift = shift + ctx.const(bias).float()
    # without a power: engines compute one by way of a logarithm, even a power of 1, which negative numbers have not
    add, factor = ctx.weights(shift.to(dtype)), ctx.weights(scale.to(dtype))
    layer = ctx.network.add_scale_nd(input, trt.ScaleMode.CHANNEL, shift=add, scale=factor, channel_axis=1)
    return layer.get_output(0), None, None
