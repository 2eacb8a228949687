"""CONVOLUTION and DECONVOLUTION, 1 to 3 spatial axes, kernel and bias as weights or as tensors."""

from __future__ import annotations

import torch
from torch.nn import functional

from .. import weights
from ..layers import Node
from .base import Argument, Evaluator, Prepared, widened
from .padding import Window, pad, window_of

_CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_DECONVOLVE = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def convolution(node: Node) -> Prepared:
    """Cross-correlation; weights are (K, C / groups, ...)."""
    spatial = node.required(0).rank - 2
    window, groups, maps = window_of(node, "kernel_size_nd", spatial), node.layer.num_groups, node.layer.num_output_maps
    convolve = _CONVOLVE[spatial]

    def direct(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return convolve(x, kernel, bias, window.stride, window.pre, window.dilation, groups)

    def padded(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        sides = [(pre, post + overhang) for pre, post, overhang in window.paddings(tuple(x.shape[2:]))]
        return convolve(pad(x, sides), kernel, bias, window.stride, 0, window.dilation, groups)

    arguments = _kernel_and_bias(node, window, (maps, -1), maps)
    kernel = direct if window.symmetric else padded
    return Prepared(widened(kernel, node.required(0).dtype, on_cuda=False), arguments)


def deconvolution(node: Node) -> Prepared:
    """The gradient of a convolution; weights are (C, K / groups, ...).

    Padding trims the output.  With a SAME mode the output's extent is the input's times the stride.  The rounding modes
    make no difference, because the output's extent is exact.
    """
    spatial = node.required(0).rank - 2
    window, groups, maps = window_of(node, "kernel_size_nd", spatial), node.layer.num_groups, node.layer.num_output_maps
    deconvolve = _DECONVOLVE[spatial]

    def evaluate(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        whole = deconvolve(x, kernel, None, window.stride, 0, 0, groups, window.dilation)
        trimmed = pad(whole, [(-pre, -post) for pre, post in _trims(window)])
        return trimmed if bias is None else trimmed + bias.reshape(-1, *(1,) * spatial)

    arguments = _kernel_and_bias(node, window, (-1, maps // groups), maps)
    return Prepared(widened(evaluate, node.required(0).dtype, on_cuda=False), arguments)


def _trims(window: Window) -> list[tuple[int, int]]:
    if not window.mode.startswith("SAME"):
        return list(zip(window.pre, window.post, strict=True))
    trims = []
    for size, stride in zip(window.effective_kernel, window.stride, strict=True):
        total = max(size - stride, 0)
        smaller, larger = total // 2, total - total // 2
        trims.append((smaller, larger) if window.mode == "SAME_UPPER" else (larger, smaller))
    return trims


def _kernel_and_bias(node: Node, window: Window, leading: tuple[int, int], maps: int) -> tuple[Argument, ...]:
    # the getter of static weights may fail if an input takes their place, so the inputs come first
    kernel: Argument = node.input(1)
    if kernel is None:
        kernel = weights.read(node.layer.kernel, (*leading, *window.kernel))
    bias: Argument = node.input(2)
    if bias is None:
        bias = weights.optional(node.layer.bias, (maps,))
    return node.required(0), kernel, bias


EVALUATORS: dict[str, Evaluator] = {"CONVOLUTION": convolution, "DECONVOLUTION": deconvolution}
