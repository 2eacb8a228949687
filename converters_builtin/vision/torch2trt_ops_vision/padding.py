"""Padding: one slice that reaches beyond its input, in each of TensorRT's ways to read there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size

S = trt.SampleMode


def _pad(name: str, mode: trt.SampleMode) -> Callable[..., trt.ITensor]:
    """One slice; PyTorch's decomposition gathers once a dimension."""

    def convert(ctx: Context, input: trt.ITensor, padding: Sequence[Size]) -> trt.ITensor:
        return lib.pad(ctx, input, padding, mode)

    return converter(f"aten.{name}.default", name=name)(convert)


reflection_pad1d, replication_pad1d = _pad("reflection_pad1d", S.REFLECT), _pad("replication_pad1d", S.CLAMP)
reflection_pad2d, replication_pad2d = _pad("reflection_pad2d", S.REFLECT), _pad("replication_pad2d", S.CLAMP)
reflection_pad3d, replication_pad3d = _pad("reflection_pad3d", S.REFLECT), _pad("replication_pad3d", S.CLAMP)
circular_pad = _pad("_pad_circular", S.WRAP)
