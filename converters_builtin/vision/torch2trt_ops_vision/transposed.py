"""What transposed convolutions need besides the layer: TensorRT neither dilates with strides nor pads its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, ConversionError
from torch2trt.lib import is_runtime


def trims(padding: Sequence[int], output_padding: Sequence[int]) -> list[int]:
    """What is cut off at the end of each dimension."""
    return [max(cut - extra, 0) for cut, extra in zip(padding, output_padding, strict=True)]


def dense_kernel(
    ctx: Context,
    weight: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    output_padding: Sequence[int],
) -> tuple[Any, Sequence[int]]:
    """A kernel that gives the same result without both strides and dilation, and without output padding.

    Returns:
        the kernel and its dilation.
    """
    strided = any(step > 1 for step in stride) and any(spread > 1 for spread in dilation)
    # output that lies beyond all windows: windows grow by zeros at their end
    longer = [max(extra - cut, 0) for cut, extra in zip(padding, output_padding, strict=True)]
    if not strided and not any(longer):
        return weight, dilation
    if is_runtime(weight):
        raise ConversionError(
            "a transposed convolution with strides and dilation, or with output_padding beyond its padding, "
            "needs a constant kernel"
        )
    dense = _spread(ctx.const(weight), dilation)
    return torch.nn.functional.pad(dense, [size for extra in reversed(longer) for size in (0, extra)]), [1] * len(
        stride
    )


def _spread(kernel: torch.Tensor, dilation: Sequence[int]) -> torch.Tensor:
    """The kernel with ``dilation - 1`` zeros between its elements."""
    extents = [spread * (size - 1) + 1 for spread, size in zip(dilation, kernel.shape[2:], strict=True)]
    dense = kernel.new_zeros((*kernel.shape[:2], *extents))
    every = [slice(None, None, spread) for spread in dilation]
    dense[(slice(None), slice(None), *every)] = kernel
    return dense
