"""Layer normalisation; RMS normalisation comes apart into base's operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import axes_mask, cast, dtype_of, elementwise, reduce, unary

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


@converter("aten.layer_norm.default")
def layer_norm(
    ctx: Context,
    input: Any,
    normalized_shape: Sequence[Any],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> trt.ITensor:
    """layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, ...) -> Tensor"""
    return _normalized(ctx, input, normalized_shape, weight, bias, eps)


@converter("aten.native_layer_norm.default")
def native_layer_norm(
    ctx: Context, input: Any, normalized_shape: Sequence[Any], weight: Any, bias: Any, eps: float
) -> tuple[trt.ITensor | None, ...]:
    """native_layer_norm(Tensor input, SymInt[] normalized_shape, ..., float eps) -> (Tensor, Tensor, Tensor)"""
    result = _normalized(ctx, input, normalized_shape, weight, bias, eps)
    if not (ctx.call.uses(1) or ctx.call.uses(2)):
        return result, None, None
    dims = range(-len(normalized_shape), 0)
    full = cast(ctx, input, torch.float32)
    mean = reduce(ctx, R.AVG, full, dims, keepdim=True)
    centred = elementwise(ctx, E.SUB, full, mean)
    variance = reduce(ctx, R.AVG, elementwise(ctx, E.PROD, centred, centred), dims, keepdim=True)
    deviation = unary(ctx, U.RECIP, unary(ctx, U.SQRT, elementwise(ctx, E.SUM, variance, eps)))
    _, mean_wanted, deviation_wanted = ctx.call.results
    return result, cast(ctx, mean, mean_wanted.dtype), cast(ctx, deviation, deviation_wanted.dtype)


def _normalized(
    ctx: Context, input: Any, normalized_shape: Sequence[Any], weight: Any, bias: Any, eps: float
) -> trt.ITensor:
    # the layer takes one dtype, PyTorch also half-precision inputs with weights in full precision
    dtype = dtype_of(input if weight is None else weight)
    tensor = ctx.tensor(input, dtype)
    ndim, count = len(tensor.shape), len(normalized_shape)
    shape = [size if isinstance(size, int) else 1 for size in normalized_shape]
    scale = ctx.tensor(torch.ones(shape) if weight is None else weight, dtype, ndim)
    shift = ctx.tensor(torch.zeros(shape) if bias is None else bias, dtype, ndim)
    # before TensorRT 10.15 there is only the first version, which differs in group normalisation alone
    add = getattr(ctx.network, "add_normalization_v2", None) or ctx.network.add_normalization
    layer = add(tensor, scale, shift, axes_mask(range(ndim - count, ndim), ndim))
    layer.epsilon = eps
    return cast(ctx, layer.get_output(0), ctx.call.results[0].dtype)
