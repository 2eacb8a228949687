"""Layer normalization; RMS normalization comes apart into base's operators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value


@converter("aten.layer_norm.default")
def layer_norm(
    ctx: Context,
    input: Value,
    normalized_shape: Sequence[Size],
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> trt.ITensor:
    """layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, ...) -> Tensor"""
    weight, bias, ndim = 1 if weight is None else weight, 0 if bias is None else bias, lib.ndim_of(input)
    # the layer takes one dtype; PyTorch also takes half-precision inputs with weights in full precision
    x, scale, shift = (ctx.tensor(value, lib.result_type(input, weight), ndim) for value in (input, weight, bias))
    # the second version of the layer, from TensorRT 10.15 on, differs in group normalization alone
    layer = ctx.network.add_normalization(x, scale, shift, lib.axes_mask(range(-len(normalized_shape), 0), ndim))
    layer.epsilon = eps
    return ctx.tensor(layer.get_output(0), ctx.call.results[0].dtype)


@converter("aten.native_layer_norm.default")
def native_layer_norm(
    ctx: Context,
    input: Value,
    normalized_shape: Sequence[Size],
    weight: Value | None,
    bias: Value | None,
    eps: float,
) -> tuple[trt.ITensor | None, ...]:
    """native_layer_norm(Tensor input, SymInt[] normalized_shape, ..., float eps) -> (Tensor, Tensor, Tensor)"""
    result = layer_norm(ctx, input, normalized_shape, weight, bias, eps)
    if not (ctx.call.uses(1) or ctx.call.uses(2)):
        return result, None, None
    dims = range(-len(normalized_shape), 0)
    x = ctx.tensor(input, torch.float32)
    mean = lib.mean(ctx, x, dims, keepdim=True)
    centered = lib.sub(ctx, x, mean)
    variance = lib.mean(ctx, lib.mul(ctx, centered, centered), dims, keepdim=True)
    rstd = lib.rsqrt(ctx, lib.add(ctx, variance, eps))
    _, expected_mean, expected_rstd = ctx.call.results
    return result, ctx.tensor(mean, expected_mean.dtype), ctx.tensor(rstd, expected_rstd.dtype)
