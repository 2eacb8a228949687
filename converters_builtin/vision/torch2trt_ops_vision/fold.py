"""Summing overlapping patches into an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import cast, dtype_of, pad, reshape, size

Ints = Sequence[int]


def _rejects(
    call: Call, input: torch.Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> str | None:
    return None if all(isinstance(want, int) for want in call.result.shape[-3:]) else "the image's size is dynamic"


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
    rows = list(zip(output_size, padding, reaches, stride, strict=True))
    counts = [(want + 2 * cut - reach) // step + 1 for want, cut, reach, step in rows]
    taps = math.prod(kernel_size)
    channels = input.shape[-2] // taps
    batch = size(ctx, input, 0) if len(input.shape) == 3 else 1
    # TensorRT for RTX builds no transposed convolution of bfloat16
    dtype = torch.float32 if dtype_of(input) == torch.bfloat16 else dtype_of(input)
    patches = reshape(ctx, cast(ctx, input, dtype), [batch, channels * taps, *counts])
    kernel = torch.zeros(taps, 1, *reaches)
    for tap in range(taps):
        row, column = divmod(tap, kernel_size[1])
        kernel[tap, 0, row * dilation[0], column * dilation[1]] = 1
    weights = ctx.weights(kernel.repeat(channels, 1, 1, 1).to(dtype))
    layer = ctx.network.add_deconvolution_nd(patches, channels, tuple(reaches), weights)
    layer.stride_nd, layer.num_groups = tuple(stride), channels
    whole = [(count - 1) * step + reach for count, (_, _, reach, step) in zip(counts, rows, strict=True)]
    sides = [(-cut, want + cut - have) for have, (want, cut, _, _) in zip(whole, rows, strict=True)]
    image = pad(ctx, cast(ctx, layer.get_output(0), dtype_of(input)), [*sides[1], *sides[0]])
    return image if len(input.shape) == 3 else reshape(ctx, image, [channels, *output_size])
