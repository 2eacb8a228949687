"""Padding shared by convolution, deconvolution and pooling."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..network import Node
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
    def reach(self) -> tuple[int, ...]:
        """The extent of the dilated window."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def symmetric(self) -> bool:
        """Whether the padding is known beforehand and equal on both sides, as torch's own operators take it."""
        return self.mode == "EXPLICIT_ROUND_DOWN" and self.pre == self.post and min(self.pre) >= 0

    def paddings(self, extents: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """(before, after, overhang) of each spatial axis for a sliding window over ``extents``.

        The overhang is what rounding the output up adds behind the padding.
        """
        found = []
        for extent, reach, stride, pre, post in zip(extents, self.reach, self.stride, self.pre, self.post, strict=True):
            if self.mode.startswith("SAME"):
                total = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
                less, more = total // 2, total - total // 2
                found.append((less, more, 0) if self.mode == "SAME_UPPER" else (more, less, 0))
            else:
                room = extent + pre + post - reach
                short = -room % stride if self.mode == "EXPLICIT_ROUND_UP" else 0
                found.append((pre, post, short))
        return found


def window_of(node: Node, size: str, spatial: int) -> Window:
    """Read the window of a convolution, deconvolution or pooling layer; ``size`` names its extent's attribute."""
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
    """Pad the last axes by (before, after) each, first axis first; negative amounts trim."""
    if not any(before or after for before, after in sides):
        return x
    flat = [amount for pair in reversed(sides) for amount in pair]
    return functional.pad(x, flat, value=value)
