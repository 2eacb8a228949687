"""Normalisation: with running statistics, and with those of the batch, of an instance or of a group."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import axes_mask, dtype_of, elementwise, is_runtime, ndim_of, squeeze, unsqueeze

E = trt.ElementWiseOperation


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
    return _with_statistics(ctx, input, weight, bias, running_mean, running_var, eps), None, None


def _with_statistics(
    ctx: Context, input: trt.ITensor, weight: Any, bias: Any, mean: Any, variance: Any, eps: float
) -> trt.ITensor:
    # one scale and one shift a channel, computed once in full precision
    scale = torch.rsqrt(ctx.const(variance).float() + eps)
    if weight is not None:
        scale = scale * ctx.const(weight).float()
    shift = -ctx.const(mean).float() * scale
    if bias is not None:
        shift = shift + ctx.const(bias).float()
    # without a power: engines compute one by way of a logarithm, even a power of 1, which negative numbers have not
    add, factor = (ctx.weights(value.to(dtype_of(input))) for value in (shift, scale))
    layer = ctx.network.add_scale_nd(input, trt.ScaleMode.CHANNEL, shift=add, scale=factor, channel_axis=1)
    return layer.get_output(0)


def _affine(ctx: Context, input: trt.ITensor, scale: Any, shift: Any) -> trt.ITensor:
    """``input * scale + shift``, one number a channel; None leaves one out."""
    dtype = dtype_of(input)
    for op, value in ((E.PROD, scale), (E.SUM, shift)):
        if value is not None:
            input = elementwise(ctx, op, input, _per_channel(ctx, value, ndim_of(input)), dtype)
    return input


def _per_channel(ctx: Context, value: Any, ndim: int) -> Any:
    """A vector in the place of dimension 1."""
    if is_runtime(value):
        return unsqueeze(ctx, value, [0, *range(2, ndim)])
    return value.reshape(1, -1, *(1,) * (ndim - 2))


@converter("aten._native_batch_norm_legit.no_stats")
def batch_norm_of_batch(
    ctx: Context, input: trt.ITensor, weight: Any, bias: Any, training: bool, momentum: float, eps: float
) -> tuple[trt.ITensor, None, None]:
    """_native_batch_norm_legit.no_stats(Tensor input, ..., float momentum, float eps) -> (Tensor, Tensor, Tensor)"""
    axes = [0, *range(2, ndim_of(input))]
    return _affine(ctx, _standardised(ctx, input, axes, eps), weight, bias), None, None


def _standardised(ctx: Context, input: trt.ITensor, axes: list[int], eps: float, groups: int = 1) -> trt.ITensor:
    """Mean 0 and variance 1 over ``axes``, and over the channels of each of ``groups``."""
    dtype, ndim = dtype_of(input), ndim_of(input)
    # scale and shift follow as layers of their own: with groups, releases differ in the shapes they take here
    channels = groups if groups > 1 else 1 if 1 in axes else input.shape[1]
    shape = (1, channels, *(1,) * (ndim - 2))
    ones, zeros = ctx.tensor(torch.ones(shape, dtype=dtype)), ctx.tensor(torch.zeros(shape, dtype=dtype))
    layer = ctx.network.add_normalization(input, ones, zeros, axes_mask(axes, ndim))
    layer.epsilon, layer.num_groups = eps, groups
    return layer.get_output(0)


def _instance_rejects(
    call: Call,
    input: torch.Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> str | None:
    return None if isinstance(input.shape[1], int) else "the number of channels is dynamic"


@converter("aten.instance_norm.default", rejects=_instance_rejects)
def instance_norm(
    ctx: Context,
    input: trt.ITensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> trt.ITensor:
    """instance_norm(Tensor input, Tensor? weight, Tensor? bias, ..., bool cudnn_enabled) -> Tensor

    PyTorch's decomposition folds the batch into the channels, which a dynamic batch cannot follow.
    """
    if not use_input_stats:
        return _with_statistics(ctx, input, weight, bias, running_mean, running_var, eps)
    return _affine(ctx, _standardised(ctx, input, list(range(2, ndim_of(input))), eps), weight, bias)


def _group_rejects(
    call: Call, input: torch.Tensor, weight: Any, bias: Any, n: Any, c: Any, hxw: Any, group: int, eps: float
) -> str | None:
    return None if isinstance(input.shape[1], int) else "the number of channels is dynamic"


@converter("aten.native_group_norm.default", rejects=_group_rejects)
def group_norm(
    ctx: Context, input: trt.ITensor, weight: Any, bias: Any, n: Any, c: Any, hxw: Any, group: int, eps: float
) -> tuple[trt.ITensor, None, None]:
    """native_group_norm(Tensor input, Tensor? weight, Tensor? bias, ..., float eps) -> (Tensor, Tensor, Tensor)"""
    # TensorRT's groups need a dimension beside the channels; one group is all channels together
    flat = ndim_of(input) == 2
    tensor = unsqueeze(ctx, input, [2]) if flat else input
    axes = list(range(1 if group == 1 else 2, ndim_of(tensor)))
    normal = _standardised(ctx, tensor, axes, eps, group)
    return _affine(ctx, squeeze(ctx, normal, [2]) if flat else normal, weight, bias), None, None
