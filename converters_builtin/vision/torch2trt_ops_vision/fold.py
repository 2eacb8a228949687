"""Summing overlapping patches into an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, lib, trt

from .transposed import deconvolve

Ints = Sequence[int]


def _rejects(call: Call) -> str | None:
    return None if all(isinstance(size, int) for size in call.result.shape[-3:]) else "the image's size is dynamic"


@converter("aten.col2im.default", rejects=_rejects)
def col2im(
    ctx: Context,
    input: trt.ITensor,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints,
    padding: Ints,
    stride: Ints,
) -> trt.ITensor:
    """col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, ..., int[2] stride) -> Tensor

    PyTorch's decomposition adds at repeated indices, which TensorRT's scatter cannot.  A transposed convolution sums
    where its windows overlap; here each channel of a patch has a kernel with a single one.
    """
    reaches = [d * (k - 1) + 1 for d, k in zip(dilation, kernel_size, strict=True)]
    padded = [size + 2 * p for size, p in zip(output_size, padding, strict=True)]
    counts = [(size - reach) // s + 1 for size, reach, s in zip(padded, reaches, stride, strict=True)]
    taps = math.prod(kernel_size)
    channels = input.shape[-2] // taps
    batch = lib.size(ctx, input, 0) if len(input.shape) == 3 else 1
    patches = lib.reshape(ctx, input, [batch, channels * taps, *counts])
    kernel = torch.zeros(taps, 1, *reaches)
    for tap in range(taps):
        row, column = divmod(tap, kernel_size[1])
        kernel[tap, 0, row * dilation[0], column * dilation[1]] = 1
    image = deconvolve(ctx, patches, kernel.repeat(channels, 1, 1, 1), None, stride, 0, 0, 1, channels)
    # the windows leave out what the last stride does not reach
    covered = [(count - 1) * s + reach for count, s, reach in zip(counts, stride, reaches, strict=True)]
    sides = [(-p, size - p - end) for p, size, end in zip(padding, padded, covered, strict=True)]
    image = lib.pad(ctx, image, [*sides[1], *sides[0]])
    return image if len(input.shape) == 3 else lib.reshape(ctx, image, [channels, *output_size])
