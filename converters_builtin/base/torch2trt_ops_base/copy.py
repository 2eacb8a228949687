"""Copies, casts, and what does nothing at inference."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import broadcast, cast, reshape, size


@converter("aten.clone.default", "aten.alias.default")
def clone(ctx: Context, input: trt.ITensor, memory_format: Any = None) -> trt.ITensor:
    """clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor"""
    return input


@converter("aten._to_copy.default")
def to_copy(
    ctx: Context,
    input: trt.ITensor,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool | None = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> trt.ITensor:
    """_to_copy(Tensor self, *, ScalarType? dtype=None, ..., MemoryFormat? memory_format=None) -> Tensor"""
    return cast(ctx, input, ctx.call.result.dtype)


@converter("prims.convert_element_type.default")
def convert_element_type(ctx: Context, input: trt.ITensor, dtype: Any) -> trt.ITensor:
    """convert_element_type(Tensor a, ScalarType dtype) -> Tensor"""
    # some of PyTorch's decompositions leave it behind
    return cast(ctx, input, dtype)


@converter("aten.copy.default")
def copy(ctx: Context, input: Any, src: Any, non_blocking: bool = False) -> trt.ITensor:
    """copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor"""
    result = ctx.call.result
    dims = [known if isinstance(known, int) else size(ctx, input, dim) for dim, known in enumerate(result.shape)]
    return broadcast(ctx, cast(ctx, src, result.dtype), dims)


@converter("aten._local_scalar_dense.default")
def item(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """_local_scalar_dense(Tensor self) -> Scalar"""
    value = reshape(ctx, input, [])
    return cast(ctx, value, torch.int64) if isinstance(ctx.call.result, torch.SymInt) else value
