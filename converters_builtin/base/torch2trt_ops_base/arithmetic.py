"""Sums, differences and products with PyTorch's type promotion."""

from __future__ import annotations

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("aten.add.Tensor", "aten.add.Scalar")
def add(ctx: Context, input: Value, other: Value, alpha: float = 1) -> trt.ITensor:
    """add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    dtype = ctx.call.result.dtype
    return lib.add(ctx, input, other if alpha == 1 else lib.mul(ctx, other, alpha, dtype), dtype)


@converter("aten.sub.Tensor", "aten.sub.Scalar")
def sub(ctx: Context, input: Value, other: Value, alpha: float = 1) -> trt.ITensor:
    """sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    dtype = ctx.call.result.dtype
    return lib.sub(ctx, input, other if alpha == 1 else lib.mul(ctx, other, alpha, dtype), dtype)


@converter("aten.mul.Tensor", "aten.mul.Scalar")
def mul(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """mul.Tensor(Tensor self, Tensor other) -> Tensor"""
    return lib.mul(ctx, input, other, ctx.call.result.dtype)
