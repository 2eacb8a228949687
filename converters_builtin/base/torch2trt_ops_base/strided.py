"""Strides of memory, which TensorRT does not have: only what is a choice of elements of a contiguous tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import old_gather, reshape

from .index_put import scatter_rows


def _only_static(call: Call, input: torch.Tensor, *args: Any) -> str | None:
    if not all(isinstance(size, int) for size in (*input.shape, *call.result.shape)):
        return "as_strided is about memory, which has no fixed layout where sizes are dynamic"
    return None if input.is_contiguous() else "as_strided of a tensor that is not contiguous"


@converter("aten.as_strided.default", rejects=_only_static)
def as_strided(
    ctx: Context, input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> trt.ITensor:
    """as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)"""
    return old_gather(ctx, reshape(ctx, input, [-1]), _positions(size, stride, storage_offset), 0)


@converter("aten.as_strided_scatter.default", rejects=_only_static)
def as_strided_scatter(
    ctx: Context, input: Any, src: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> trt.ITensor:
    """as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, ...) -> Tensor"""
    positions = _positions(size, stride, storage_offset).reshape(-1)
    written = scatter_rows(ctx, reshape(ctx, input, [-1]), positions, reshape(ctx, src, [-1]))
    return reshape(ctx, written, ctx.call.result.shape)


def _positions(size: Sequence[int], stride: Sequence[int], storage_offset: int | None) -> torch.Tensor:
    return torch.as_strided(torch.arange(_extent(size, stride, storage_offset)), size, stride, storage_offset or 0)


def _extent(size: Sequence[int], stride: Sequence[int], storage_offset: int | None) -> int:
    return 1 + (storage_offset or 0) + sum(max(n - 1, 0) * step for n, step in zip(size, stride, strict=True))
