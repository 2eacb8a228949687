"""NORMALIZATION (v1, v2, groups) and LRN."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..layers import Node
from .base import Evaluator, Kernel, Prepared, axes_of, widened


def normalization(node: Node) -> Prepared:
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias`` with the biased variance, in fp32.

    With groups the channels (axis 1) are split; mean and variance are those of a group's channels over the axes.  Scale
    and bias broadcast to the input; v1 also takes one number per group, [1, groups, 1, ...], for all channels of the
    group.
    """
    layer = node.layer
    value = node.required(0)
    epsilon, groups, rank = float(layer.epsilon), int(layer.num_groups), value.rank
    axes = axes_of(layer.axes, rank)
    if groups > 1:
        kernel = _grouped(groups, [axis for axis in axes if axis > 1], epsilon)
    elif axes == list(range(rank - len(axes), rank)):
        kernel = _trailing(len(axes), epsilon)
    else:
        kernel = _any_axes(axes, epsilon)
    return Prepared(widened(kernel, value.dtype), (value, node.required(1), node.required(2)))


def _any_axes(axes: list[int], epsilon: float) -> Kernel:
    def evaluate(x: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + epsilon) * scale + bias

    return evaluate


def _trailing(count: int, epsilon: float) -> Kernel:
    def evaluate(x: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        last = x.shape[-count:]
        # one fused call if scale and bias cover just the normalized axes, as in a layer norm
        if scale.numel() == last.numel() == bias.numel() and x.numel():
            return functional.layer_norm(x, last, scale.reshape(last), bias.reshape(last), epsilon)
        return functional.layer_norm(x, last, eps=epsilon) * scale + bias

    return evaluate


def _grouped(groups: int, axes: list[int], epsilon: float) -> Kernel:
    def evaluate(x: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        split = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
        variance, mean = torch.var_mean(split, [2, *(axis + 1 for axis in axes)], correction=0, keepdim=True)
        normal = ((split - mean) * torch.rsqrt(variance + epsilon)).reshape(x.shape)
        return normal * _per_channel(scale, x.shape[1]) + _per_channel(bias, x.shape[1])

    return evaluate


def _per_channel(coefficient: torch.Tensor, channels: int) -> torch.Tensor:
    count = coefficient.shape[1]
    return coefficient if count in (1, channels) else coefficient.repeat_interleave(channels // count, 1)


def lrn(node: Node) -> Prepared:
    """``x / (k + alpha / window * sum of squares) ** beta``, summed over the ``window`` channels around each one."""
    layer = node.layer
    window, alpha, beta, k = int(layer.window_size), float(layer.alpha), float(layer.beta), float(layer.k)
    value = node.required(0)
    axis = value.rank - 3  # channels are the third axis from the end

    def evaluate(x: torch.Tensor) -> torch.Tensor:
        squares = functional.pad((x * x).movedim(axis, -1), ((window - 1) // 2, window // 2))
        total = squares.unfold(-1, window, 1).sum(-1).movedim(-1, axis)
        return x / torch.pow(k + alpha / window * total, beta)

    return Prepared(widened(evaluate, value.dtype), (value,))


EVALUATORS: dict[str, Evaluator] = {"NORMALIZATION": normalization, "LRN": lrn}
