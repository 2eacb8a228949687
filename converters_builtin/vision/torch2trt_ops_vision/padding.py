"""Padding: one slice that reaches beyond its input, in each of TensorRT's ways to read there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch2trt import Context, trt
from torch2trt.lib import dtype_of, is_runtime, sizes

from ._family import Converter, named
from ._sizes import minus, plus

S = trt.SampleMode


def extend(ctx: Context, input: Any, pad: Sequence[Any], mode: trt.SampleMode, value: Any = None) -> trt.ITensor:
    """``input`` with ``pad`` elements, as ``F.pad`` takes them, before and after each of its last dimensions."""
    tensor = ctx.tensor(input)
    length = sizes(ctx, tensor)
    start: list[Any] = [0] * len(length)
    for index in range(len(pad) // 2):
        before, after = pad[2 * index], pad[2 * index + 1]
        dim = len(length) - 1 - index
        start[dim] = minus(ctx, before)
        length[dim] = plus(ctx, length[dim], plus(ctx, before, after))
    fixed_start, fixed_length = (tuple(0 if is_runtime(dim) else dim for dim in dims) for dims in (start, length))
    layer = ctx.network.add_slice(tensor, fixed_start, fixed_length, (1,) * len(length))
    layer.mode = mode
    for index, dims in ((1, start), (2, length)):
        if any(map(is_runtime, dims)):
            layer.set_input(index, ctx.shape(dims))
    if value is not None:
        layer.set_input(4, ctx.tensor(value, dtype_of(tensor)))
    return layer.get_output(0)


def _mirrored(name: str, mode: trt.SampleMode) -> Converter:
    """PyTorch's decomposition gathers once a dimension."""

    def convert(ctx: Context, input: trt.ITensor, padding: Sequence[Any]) -> trt.ITensor:
        return extend(ctx, input, padding, mode)

    return named(name, f"aten.{name}.default")(convert)


reflection_pad1d, replication_pad1d = _mirrored("reflection_pad1d", S.REFLECT), _mirrored("replication_pad1d", S.CLAMP)
reflection_pad2d, replication_pad2d = _mirrored("reflection_pad2d", S.REFLECT), _mirrored("replication_pad2d", S.CLAMP)
reflection_pad3d, replication_pad3d = _mirrored("reflection_pad3d", S.REFLECT), _mirrored("replication_pad3d", S.CLAMP)
circular_pad = _mirrored("_pad_circular", S.WRAP)
