"""Variances."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import cast, elementwise, is_runtime, opmath, reduce, size

E, R = trt.ElementWiseOperation, trt.ReduceOperation


@converter("aten.var.correction")
def var(
    ctx: Context,
    input: trt.ITensor,
    dim: Sequence[int] | None = None,
    correction: float | None = None,
    keepdim: bool = False,
) -> trt.ITensor:
    """var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor"""
    return _moments(ctx, input, dim, correction, keepdim)[0]


@converter("aten.var_mean.correction")
def var_mean(
    ctx: Context,
    input: trt.ITensor,
    dim: Sequence[int] | None = None,
    correction: float | None = None,
    keepdim: bool = False,
) -> tuple[trt.ITensor, trt.ITensor]:
    """var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, ...) -> (Tensor, Tensor)"""
    return _moments(ctx, input, dim, correction, keepdim)


def _moments(
    ctx: Context, input: trt.ITensor, dim: Sequence[int] | None, correction: float | None, keepdim: bool
) -> tuple[trt.ITensor, trt.ITensor]:
    dtype = ctx.call.results[0].dtype
    number = cast(ctx, input, opmath(dtype))
    distance = elementwise(ctx, E.SUB, number, reduce(ctx, R.AVG, number, dim, True))
    squares = reduce(ctx, R.SUM, elementwise(ctx, E.PROD, distance, distance), dim, keepdim)
    degrees = _degrees_of_freedom(ctx, input, dim, 1 if correction is None else correction, opmath(dtype))
    variance = elementwise(ctx, E.DIV, squares, degrees)
    return cast(ctx, variance, dtype), cast(ctx, reduce(ctx, R.AVG, number, dim, keepdim), dtype)


def _degrees_of_freedom(
    ctx: Context, input: trt.ITensor, dim: Sequence[int] | None, correction: float, dtype: torch.dtype
) -> trt.ITensor:
    """How many elements go into one variance, less the correction, and not below zero."""
    count = ctx.tensor(1.0, dtype)
    known = 1
    for index in dim or range(len(input.shape)):
        length = size(ctx, input, index)
        if is_runtime(length):
            count = elementwise(ctx, E.PROD, count, length, dtype)
        else:
            known *= length
    count = elementwise(ctx, E.PROD, count, known, dtype)
    return elementwise(ctx, E.MAX, elementwise(ctx, E.SUB, count, correction, dtype), 0, dtype)
