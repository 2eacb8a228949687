"""Strides of memory, which TensorRT does not have: only what is a choice of elements of a contiguous tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Value

from .index_put import scatter_rows


def _no_fixed_layout(call: Call, input: torch.Tensor) -> str | None:
    if not all(isinstance(size, int) for size in (*input.shape, *call.result.shape)):
        return "as_strided is about memory, which has no fixed layout where sizes are dynamic"
    return None if input.is_contiguous() else "as_strided of a tensor that is not contiguous"


@converter("aten.as_strided.default", rejects=_no_fixed_layout)
def as_strided(
    ctx: Context, input: trt.ITensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> trt.ITensor:
    """as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)"""
    return lib.index_select(ctx, lib.reshape(ctx, input, [-1]), 0, _positions(size, stride, storage_offset or 0))


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
    positions = _positions(size, stride, storage_offset or 0).reshape(-1)
    written = scatter_rows(ctx, lib.reshape(ctx, input, [-1]), positions, lib.reshape(ctx, src, [-1]))
    return lib.reshape(ctx, written, ctx.call.result.shape)


def _positions(size: Sequence[int], stride: Sequence[int], storage_offset: int) -> torch.Tensor:
    extent = 1 + storage_offset + sum(max(n - 1, 0) * apart for n, apart in zip(size, stride, strict=True))
    return torch.as_strided(torch.arange(extent), size, stride, storage_offset)
