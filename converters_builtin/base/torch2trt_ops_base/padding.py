"""Padding with a constant."""

from __future__ import annotations

from collections.abc import Sequence

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value


@converter("aten.constant_pad_nd.default")
def constant_pad_nd(ctx: Context, input: Value, pad: Sequence[Size], value: float = 0) -> trt.ITensor:
    """constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor"""
    return lib.pad(ctx, input, pad, fill=value)
