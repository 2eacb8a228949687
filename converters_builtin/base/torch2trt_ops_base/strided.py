"""Strides of memory, which TensorRT does not have: only what is a choice of elements of a contiguous tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Value

from .index_put import scatter_rows


def _no_fixed_layout(
    call: Call, input: torch.Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> str | None:
    if not all(isinstance(size, int) for size in (*input.shape, *call.result.shape, input.storage_offset())):
        return "as_strided is about memory, which has no fixed layout where sizes are dynamic"
    if not input.is_contiguous():
        return "as_strided of a tensor that is not contiguous"
    positions = _positions(input, size, stride, storage_offset)
    inside = not positions.numel() or (int(positions.min()) >= 0 and int(positions.max()) < input.numel())
    return None if inside else "as_strided reaches beyond its tensor, into what it is a view of"


@converter("aten.as_strided.default", rejects=_no_fixed_layout)
def as_strided(
    ctx: Context, input: trt.ITensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> trt.ITensor:
    """as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)"""
    positions = _positions(ctx.call.args[0], size, stride, storage_offset)
    return lib.index_select(ctx, lib.reshape(ctx, input, [-1]), 0, positions)


@converter("aten.as_strided_scatter.default", rejects=_no_fixed_layout)
def as_strided_scatter(
    ctx: Context,
    input: Value,
    src: Value,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> trt.ITensor:
    """as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, ...) -> Tensor"""
    positions = _positions(ctx.call.args[0], size, stride, storage_offset).reshape(-1)
    written = scatter_rows(ctx, lib.reshape(ctx, input, [-1]), positions, lib.reshape(ctx, src, [-1]))
    return lib.reshape(ctx, written, ctx.call.result.shape)


def _positions(
    input: torch.Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None
) -> torch.Tensor:
    """Where the result's elements are among those of ``input``, which may itself begin within its memory."""
    first = 0 if storage_offset is None else storage_offset - int(input.storage_offset())
    extent = 1 + sum(max(n - 1, 0) * apart for n, apart in zip(size, stride, strict=True))
    return torch.as_strided(torch.arange(first, first + extent), size, stride)
