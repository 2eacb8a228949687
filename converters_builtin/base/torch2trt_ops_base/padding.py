"""Padding with a constant."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import Size, is_runtime, size, size_math, strided_slice

E = trt.ElementWiseOperation


@converter("aten.constant_pad_nd.default")
def constant_pad_nd(ctx: Context, input: trt.ITensor, pad: Sequence[Size], value: float = 0) -> trt.ITensor:
    """constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor"""
    ranges = {}
    # pairs of before and after, the last dimension first
    for dim, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True), start=1):
        if is_runtime(before) or is_runtime(after) or before or after:
            length = size_math(ctx, E.SUM, size(ctx, input, -dim), size_math(ctx, E.SUM, before, after))
            ranges[-dim] = (size_math(ctx, E.SUB, 0, before), length, 1)
    if not ranges:
        return input
    fill = ctx.tensor(torch.tensor(value, dtype=ctx.call.result.dtype))
    return strided_slice(ctx, input, ranges, trt.SampleMode.FILL, fill)
