"""POOLING: maximum, average and a blend of both, over two or three spatial axes."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ..layers import Node
from .base import Evaluator, Kernel, Prepared, in_fp32, widened
from .padding import Window, pad, window_of

_MAX = {2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE = {2: functional.avg_pool2d, 3: functional.avg_pool3d}


def pooling(node: Node) -> Prepared:
    """Pool over the last axes; all others are batch axes.

    Padding never wins a maximum.  An average divides by the overlap of the window with the input, or with the padded
    input if ``average_count_excludes_padding`` is off; the overhang of rounding up never counts.
    """
    layer = node.layer
    spatial = len(tuple(layer.window_size_nd))
    window = window_of(node, "window_size_nd", spatial)
    kind, exclusive, blend = layer.type.name, bool(layer.average_count_excludes_padding), float(layer.blend_factor)
    maximum, average = _maximum(window, spatial), _average(window, spatial, exclusive)

    def blended(x: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = (1 - blend) * maximum(x) + blend * average(x)
        return mixed

    kernel = {"MAX": maximum, "AVERAGE": average, "MAX_AVERAGE_BLEND": blended}[kind]
    value = node.required(0)
    if not value.dtype.is_floating_point:
        return Prepared(in_fp32(kernel, value.dtype), (value,))
    return Prepared(widened(kernel, value.dtype), (value,))


def _native(window: Window) -> bool:
    # torch refuses padding of more than half the window
    return window.symmetric and all(p <= k // 2 for p, k in zip(window.pre, window.kernel, strict=True))


def _maximum(window: Window, spatial: int) -> Kernel:
    pool = _MAX[spatial]

    def direct(x: torch.Tensor) -> torch.Tensor:
        return pool(x, window.kernel, window.stride, window.pre)

    def padded(x: torch.Tensor) -> torch.Tensor:
        sides = [(pre, post + overhang) for pre, post, overhang in window.paddings(tuple(x.shape[-spatial:]))]
        return pool(pad(x, sides, -math.inf), window.kernel, window.stride)

    return direct if _native(window) else padded


def _average(window: Window, spatial: int, exclusive: bool) -> Kernel:
    pool = _AVERAGE[spatial]

    def direct(x: torch.Tensor) -> torch.Tensor:
        return pool(x, window.kernel, window.stride, window.pre, False, not exclusive)

    def padded(x: torch.Tensor) -> torch.Tensor:
        paddings = window.paddings(tuple(x.shape[-spatial:]))
        sides = [(pre, post + overhang) for pre, post, overhang in paddings]
        total = pool(pad(x, sides), window.kernel, window.stride, divisor_override=1)
        counted = torch.ones((1, *x.shape[-spatial:]), dtype=x.dtype, device=x.device)
        if not exclusive:
            counted = pad(counted, [(pre, post) for pre, post, _ in paddings], 1.0)
            sides = [(0, overhang) for _, _, overhang in paddings]
        count = pool(pad(counted, sides), window.kernel, window.stride, divisor_override=1)
        return total / count[0]

    return direct if _native(window) else padded


EVALUATORS: dict[str, Evaluator] = {"POOLING": pooling}
