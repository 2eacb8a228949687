"""Distances between tensors, and between the rows of matrices."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import cast, compare, elementwise, old_gather, ndim_of, opmath, reduce, unary, unsqueeze

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


def _norm(ctx: Context, difference: trt.ITensor, p: float, dims: int | None = -1) -> trt.ITensor:
    """The p-norm over ``dims`` (None is all) in the dtype of the result, computed in float32 for 16-bit numbers."""
    dtype = ctx.call.result.dtype
    size = unary(ctx, U.ABS, cast(ctx, difference, opmath(dtype)))
    if p == 0:
        size = cast(ctx, compare(ctx, E.EQUAL, size, 0, negate=True), opmath(dtype))
    if math.isinf(p):
        result = reduce(ctx, R.MAX if p > 0 else R.MIN, size, dims)
    elif p in (0, 1):
        result = reduce(ctx, R.SUM, size, dims)
    elif p == 2:
        result = unary(ctx, U.SQRT, reduce(ctx, R.SUM, elementwise(ctx, E.PROD, size, size), dims))
    else:
        result = elementwise(ctx, E.POW, reduce(ctx, R.SUM, elementwise(ctx, E.POW, size, p), dims), 1 / p)
    return cast(ctx, result, dtype)


@converter("aten.dist.default")
def dist(ctx: Context, input: Any, other: Any, p: float = 2) -> trt.ITensor:
    """dist(Tensor self, Tensor other, Scalar p=2) -> Tensor"""
    return _norm(ctx, elementwise(ctx, E.SUB, input, other), p, None)


@converter("aten._cdist_forward.default")
def cdist(ctx: Context, x1: Any, x2: Any, p: float, compute_mode: int | None) -> trt.ITensor:
    """_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor"""
    ndim = max(ndim_of(x1), ndim_of(x2))
    rows = unsqueeze(ctx, ctx.tensor(x1, ndim=ndim), [ndim - 1])
    columns = unsqueeze(ctx, ctx.tensor(x2, ndim=ndim), [ndim - 2])
    return _norm(ctx, elementwise(ctx, E.SUB, rows, columns), p)


@converter(
    "aten._pdist_forward.default",
    rejects=lambda call, input, p=2: None if isinstance(input.shape[0], int) else "the number of rows is dynamic",
)
def pdist(ctx: Context, input: trt.ITensor, p: float = 2) -> trt.ITensor:
    """_pdist_forward(Tensor self, float p=2) -> Tensor"""
    first, second = torch.triu_indices(input.shape[0], input.shape[0], 1)
    return _norm(ctx, elementwise(ctx, E.SUB, old_gather(ctx, input, first, 0), old_gather(ctx, input, second, 0)), p)
