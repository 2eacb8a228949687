"""Padding: one slice that reaches beyond its input, in each of TensorRT's ways to read there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch2trt import Context, trt
from torch2trt.lib import ConverterFunction, named, pad

S = trt.SampleMode


def _mirrored(name: str, mode: trt.SampleMode) -> ConverterFunction:
    """PyTorch's decomposition gathers once a dimension."""

    def convert(ctx: Context, input: trt.ITensor, padding: Sequence[Any]) -> trt.ITensor:
        return pad(ctx, input, padding, mode)

    return named(name, f"aten.{name}.default")(convert)


reflection_pad1d, replication_pad1d = _mirrored("reflection_pad1d", S.REFLECT), _mirrored("replication_pad1d", S.CLAMP)
reflection_pad2d, replication_pad2d = _mirrored("reflection_pad2d", S.REFLECT), _mirrored("replication_pad2d", S.CLAMP)
reflection_pad3d, replication_pad3d = _mirrored("reflection_pad3d", S.REFLECT), _mirrored("replication_pad3d", S.CLAMP)
circular_pad = _mirrored("_pad_circular", S.WRAP)
