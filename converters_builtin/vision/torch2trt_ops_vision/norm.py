"""Normalization: with running statistics, and with those of the batch, of an instance or of a group."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Size, Value


@converter("aten._native_batch_norm_legit_no_training.default")
def batch_norm(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value,
    running_var: Value,
    momentum: float,
    eps: float,
) -> tuple[trt.ITensor | None, ...]:
    """_native_batch_norm_legit_no_training(Tensor input, ..., float momentum, float eps) -> (Tensor, Tensor, Tensor)"""
    # PyTorch's other results have no elements
    others = (ctx.tensor(torch.empty(0)) if ctx.call.uses(index) else None for index in (1, 2))
    return _with_running_statistics(ctx, input, weight, bias, running_mean, running_var, eps), *others


def _statistics_used(call: Call) -> str | None:
    return "the statistics are results too" if call.uses(1) or call.uses(2) else None


@converter("aten._native_batch_norm_legit.no_stats", rejects=_statistics_used)
def batch_norm_no_stats(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[trt.ITensor, None, None]:
    """_native_batch_norm_legit.no_stats(Tensor input, ..., float momentum, float eps) -> (Tensor, Tensor, Tensor)"""
    normalized = _normalize(ctx, input, [0, *range(2, len(input.shape))], eps, input.shape[1])
    return _affine(ctx, normalized, weight, bias, lib.dtype_of(input)), None, None


def _rejects(input: torch.Tensor) -> str | None:
    return None if isinstance(input.shape[1], int) else "the number of channels is dynamic"


@converter("aten.instance_norm.default", rejects=_rejects)
def instance_norm(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value,
    running_var: Value,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> trt.ITensor:
    """instance_norm(Tensor input, Tensor? weight, Tensor? bias, ..., bool cudnn_enabled) -> Tensor

    PyTorch's decomposition folds the batch into the channels, which a dynamic batch cannot follow.
    """
    if use_input_stats:
        normalized = _normalize(ctx, input, range(2, len(input.shape)), eps, input.shape[1])
        return _affine(ctx, normalized, weight, bias, lib.dtype_of(input))
    return _with_running_statistics(ctx, input, weight, bias, running_mean, running_var, eps)


def _group_rejects(call: Call, input: torch.Tensor) -> str | None:
    return _statistics_used(call) or _rejects(input)


@converter("aten.native_group_norm.default", rejects=_group_rejects)
def group_norm(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    n: Size,
    c: int,
    hxw: Size,
    group: int,
    eps: float,
) -> tuple[trt.ITensor, None, None]:
    """native_group_norm(Tensor input, Tensor? weight, Tensor? bias, ..., float eps) -> (Tensor, Tensor, Tensor)"""
    # not the layer's own groups: of 32 of them TensorRT for RTX 1.6.1 builds engines that no GPU of compute
    # capability 9.0 runs
    grouped = lib.reshape(ctx, input, [n, group, lib.size_op(ctx, operator.mul, hxw, c // group)])
    normalized = lib.reshape(ctx, _normalize(ctx, grouped, [2], eps), lib.sizes(ctx, input))
    return _affine(ctx, normalized, weight, bias, lib.dtype_of(input)), None, None


def _normalize(ctx: Context, input: trt.ITensor, axes: Sequence[int], eps: float, channels: int = 1) -> trt.ITensor:
    """Mean 0 and variance 1 over ``axes``, of each of the ``channels`` that are not among these."""
    ndim, dtype = len(input.shape), lib.dtype_of(input)
    shape = (1, channels, *(1,) * (ndim - 2))
    ones, zeros = ctx.tensor(torch.ones(shape, dtype=dtype)), ctx.tensor(torch.zeros(shape, dtype=dtype))
    layer = ctx.network.add_normalization(input, ones, zeros, lib.axes_mask(axes, ndim))
    layer.epsilon = eps
    return layer.get_output(0)


def _affine(
    ctx: Context, input: trt.ITensor, weight: Value | None, bias: Value | None, dtype: torch.dtype
) -> trt.ITensor:
    """``input * weight + bias``, one of each a channel."""
    if weight is not None:
        input = lib.mul(ctx, input, _per_channel(ctx, weight, len(input.shape)), dtype)
    return input if bias is None else lib.add(ctx, input, _per_channel(ctx, bias, len(input.shape)), dtype)


def _per_channel(ctx: Context, value: Value, ndim: int) -> Value:
    """A vector in the place of dimension 1."""
    if isinstance(value, torch.Tensor):
        return value.reshape(1, -1, *(1,) * (ndim - 2))
    return lib.unsqueeze(ctx, value, [0, *range(2, ndim)])


def _with_running_statistics(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    eps: float,
) -> trt.ITensor:
    """One scale and one shift a channel, computed here once in full precision where all of them are constants."""
    if any(value is not None and lib.is_runtime(value) for value in (weight, bias, mean, variance)):
        return _with_computed_statistics(ctx, input, weight, bias, mean, variance, eps)
    scale = torch.rsqrt(ctx.const(variance).float() + eps)
    if weight is not None:
        scale = scale * ctx.const(weight).float()
    shift = -ctx.const(mean).float() * scale
    if bias is not None:
        shift = shift + ctx.const(bias).float()
    # without power=: engines compute even x**1 through a logarithm, NaN for x < 0
    shifts, scales = (ctx.weights(value.to(lib.dtype_of(input))) for value in (shift, scale))
    layer = ctx.network.add_scale_nd(input, trt.ScaleMode.CHANNEL, shift=shifts, scale=scales, channel_axis=1)
    return layer.get_output(0)


def _with_computed_statistics(
    ctx: Context,
    input: trt.ITensor,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    eps: float,
) -> trt.ITensor:
    """The formula in float32, for weights or statistics that are computed when the engine runs."""
    ndim, dtype = len(input.shape), torch.float32
    rstd = lib.rsqrt(ctx, lib.add(ctx, _per_channel(ctx, variance, ndim), eps, dtype))
    centered = lib.sub(ctx, input, _per_channel(ctx, mean, ndim), dtype)
    result = _affine(ctx, lib.mul(ctx, centered, rstd), weight, bias, dtype)
    return ctx.tensor(result, lib.dtype_of(input))
