"""Sums, differences and products with PyTorch's type promotion."""

from __future__ import annotations

from collections.abc import Callable

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("aten.add.Tensor", "aten.add.Scalar")
def add(ctx: Context, input: Value, other: Value, alpha: float = 1) -> trt.ITensor:
    """add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return _with_multiple(ctx, lib.add, input, other, alpha)


@converter("aten.sub.Tensor", "aten.sub.Scalar")
def sub(ctx: Context, input: Value, other: Value, alpha: float = 1) -> trt.ITensor:
    """sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"""
    return _with_multiple(ctx, lib.sub, input, other, alpha)


def _with_multiple(
    ctx: Context, verb: Callable[..., trt.ITensor], input: Value, other: Value, alpha: float
) -> trt.ITensor:
    """``verb(input, alpha * other)``, rounded once."""
    dtype = ctx.call.result.dtype
    if alpha == 1:
        return verb(ctx, input, other, dtype)
    wide = lib.opmath(dtype)
    return ctx.tensor(verb(ctx, input, lib.mul(ctx, other, alpha, wide), wide), dtype)


@converter("aten.mul.Tensor", "aten.mul.Scalar")
def mul(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """mul.Tensor(Tensor self, Tensor other) -> Tensor"""
    return lib.mul(ctx, input, other, ctx.call.result.dtype)
