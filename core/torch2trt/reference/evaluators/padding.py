"""Padding shared by convolution, deconvolution and pooling."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..layers import Node
from .base import required_dims


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a layer; ``mode`` is the name of the ``trt.PaddingMode``."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pre: tuple[int, ...]
    post: tuple[int, ...]
    mode: str

    @property
    def effective_kernel(self) -> tuple[int, ...]:
        """The extents of the dilated kernel."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def symmetric(self) -> bool:
        """Whether the padding is explicit and equal on both sides, as torch's own operators take it."""
        return self.mode == "EXPLICIT_ROUND_DOWN" and self.pre == self.post and min(self.pre) >= 0

    def paddings(self, extents: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """(pre, post, overhang) of each spatial axis for a sliding window over ``extents``.

        The overhang is what rounding the output's extent up adds after the padding.
        """
        paddings = []
        axes = zip(extents, self.effective_kernel, self.stride, self.pre, self.post, strict=True)
        for extent, size, stride, pre, post in axes:
            if self.mode.startswith("SAME"):
                total = max((-(-extent // stride) - 1) * stride + size - extent, 0)
                smaller, larger = total // 2, total - total // 2
                paddings.append((smaller, larger, 0) if self.mode == "SAME_UPPER" else (larger, smaller, 0))
            else:
                travel = extent + pre + post - size
                overhang = -travel % stride if self.mode == "EXPLICIT_ROUND_UP" else 0
                paddings.append((pre, post, overhang))
        return paddings


def window_of(node: Node, size: str, spatial: int) -> Window:
    """Read the window of a convolution, deconvolution or pooling layer; ``size`` is the attribute with its extents."""
    layer = node.layer
    dilation = required_dims(node, layer.dilation_nd) if hasattr(layer, "dilation_nd") else (1,) * spatial
    return Window(
        required_dims(node, getattr(layer, size)),
        required_dims(node, layer.stride_nd),
        dilation,
        required_dims(node, layer.pre_padding),
        required_dims(node, layer.post_padding),
        layer.padding_mode.name,
    )


def pad(x: torch.Tensor, sides: list[tuple[int, int]], value: float = 0.0) -> torch.Tensor:
    """Pad the last axes by (pre, post) each, first axis first; negative amounts trim."""
    if not any(pre or post for pre, post in sides):
        return x
    flat = [amount for pair in reversed(sides) for amount in pair]
    return functional.pad(x, flat, value=value)
