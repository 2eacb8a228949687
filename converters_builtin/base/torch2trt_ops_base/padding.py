"""Padding with a constant."""

from __future__ import annotations

from collections.abc import Sequence

from torch2trt import Context, converter, trt
from torch2trt.lib import Size
from torch2trt.lib import pad as pad_


@converter("aten.constant_pad_nd.default")
def constant_pad_nd(ctx: Context, input: trt.ITensor, pad: Sequence[Size], value: float = 0) -> trt.ITensor:
    """constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor"""
    return pad_(ctx, input, pad, fill=value)
