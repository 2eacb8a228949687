"""Copies, casts, and what does nothing at inference."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .float8 import cast


@converter("aten.clone.default", "aten.alias.default")
def clone(ctx: Context, input: trt.ITensor, memory_format: torch.memory_format | None = None) -> trt.ITensor:
    """clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor"""
    return input


@converter("aten._to_copy.default")
def to_copy(
    ctx: Context,
    input: trt.ITensor,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
    non_blocking: bool = False,
    memory_format: torch.memory_format | None = None,
) -> trt.ITensor:
    """_to_copy(Tensor self, *, ScalarType? dtype=None, ..., MemoryFormat? memory_format=None) -> Tensor"""
    return cast(ctx, input, ctx.call.result.dtype)


@converter("prims.convert_element_type.default")
def convert_element_type(ctx: Context, input: trt.ITensor, dtype: torch.dtype) -> trt.ITensor:
    """convert_element_type(Tensor a, ScalarType dtype) -> Tensor"""
    # some of PyTorch's decompositions leave it behind
    return cast(ctx, input, dtype)


@converter("aten.copy.default")
def copy(ctx: Context, input: Value, src: Value, non_blocking: bool = False) -> trt.ITensor:
    """copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor"""
    result = ctx.call.result
    dims = [
        known if isinstance(known, int) else lib.size(ctx, ctx.tensor(input), dim)
        for dim, known in enumerate(result.shape)
    ]
    return lib.expand(ctx, ctx.tensor(src, result.dtype), dims)


@converter("aten._local_scalar_dense.default")
def item(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """_local_scalar_dense(Tensor self) -> Scalar"""
    number = ctx.call.result
    # cast first: views of bytes are refused
    value = input if isinstance(number, torch.SymFloat) else ctx.tensor(input, torch.int64)
    return lib.reshape(ctx, value, [])
