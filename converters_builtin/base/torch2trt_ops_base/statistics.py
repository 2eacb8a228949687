"""Variances."""

from __future__ import annotations

from collections.abc import Sequence

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("aten.var.correction")
def var(
    ctx: Context,
    input: trt.ITensor,
    dim: Sequence[int] | None = None,
    correction: float | None = None,
    keepdim: bool = False,
) -> trt.ITensor:
    """var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor"""
    dtype = ctx.call.results[0].dtype
    tensor = ctx.tensor(input, lib.opmath(dtype))
    deviation = lib.sub(ctx, tensor, lib.mean(ctx, tensor, dim, keepdim=True))
    squares = lib.sum(ctx, lib.mul(ctx, deviation, deviation), dim, keepdim)
    degrees = _degrees_of_freedom(ctx, tensor, dim, 1 if correction is None else correction)
    return ctx.tensor(lib.div(ctx, squares, degrees), dtype)


@converter("aten.var_mean.correction")
def var_mean(
    ctx: Context,
    input: trt.ITensor,
    dim: Sequence[int] | None = None,
    correction: float | None = None,
    keepdim: bool = False,
) -> tuple[trt.ITensor, trt.ITensor]:
    """var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, ...) -> (Tensor, Tensor)"""
    dtype = ctx.call.results[0].dtype
    tensor = ctx.tensor(input, lib.opmath(dtype))
    mean = ctx.tensor(lib.mean(ctx, tensor, dim, keepdim), dtype)
    return var(ctx, tensor, dim, correction, keepdim), mean


def _degrees_of_freedom(ctx: Context, input: trt.ITensor, dim: Sequence[int] | None, correction: float) -> Value:
    """How many elements go into one variance, less the correction, and not below zero."""
    count = lib.size_product(ctx, [lib.size(ctx, input, index) for index in dim or range(len(input.shape))])
    if not lib.is_runtime(count):
        return max(count - correction, 0)
    dtype = lib.dtype_of(input)
    return lib.maximum(ctx, lib.sub(ctx, count, correction, dtype), 0, dtype)
