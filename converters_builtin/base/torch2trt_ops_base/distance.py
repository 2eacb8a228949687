"""Distances between the rows of matrices."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import cast, compare, elementwise, ndim_of, opmath, reduce, unary, unsqueeze

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


def _norm(ctx: Context, input: trt.ITensor, p: float, dims: int | None) -> trt.ITensor:
    """The ``p``-norm over ``dims`` (all by default), in the dtype of the result."""
    dtype = ctx.call.result.dtype
    size = unary(ctx, U.ABS, cast(ctx, input, opmath(dtype)))
    if p in (0, 1, math.inf):
        if p == 0:
            size = cast(ctx, compare(ctx, E.EQUAL, size, 0.0, negate=True), opmath(dtype))
        return cast(ctx, reduce(ctx, R.MAX if p == math.inf else R.SUM, size, dims), dtype)
    if p == 2:
        return cast(ctx, unary(ctx, U.SQRT, reduce(ctx, R.SUM, elementwise(ctx, E.PROD, size, size), dims)), dtype)
    total = reduce(ctx, R.SUM, elementwise(ctx, E.POW, size, p), dims)
    return cast(ctx, elementwise(ctx, E.POW, total, 1 / p), dtype)


@converter("aten.dist.default")
def dist(ctx: Context, input: Any, other: Any, p: float = 2) -> trt.ITensor:
    """dist(Tensor self, Tensor other, Scalar p=2) -> Tensor"""
    return _norm(ctx, elementwise(ctx, E.SUB, input, other), p, None)


@converter("aten._cdist_forward.default")
def cdist(ctx: Context, x1: Any, x2: Any, p: float, compute_mode: int | None) -> trt.ITensor:
    """_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor"""
    ndim = max(ndim_of(x1), ndim_of(x2))
    rows, columns = ctx.tensor(x1, ndim=ndim), ctx.tensor(x2, ndim=ndim)
    pairs = elementwise(ctx, E.SUB, unsqueeze(ctx, rows, [ndim - 1]), unsqueeze(ctx, columns, [ndim - 2]))
    return _norm(ctx, pairs, p, -1)


def _dynamic_rows(call: Call, input: Any, p: float = 2) -> str | None:
    return None if isinstance(input.shape[0], int) else "the number of rows is dynamic"


@converter("aten._pdist_forward.default", rejects=_dynamic_rows)
def pdist(ctx: Context, input: trt.ITensor, p: float = 2) -> trt.ITensor:
    """_pdist_forward(Tensor self, float p=2) -> Tensor"""
    first, second = torch.triu_indices(input.shape[0], input.shape[0], 1)
    rows, others = (ctx.network.add_gather(input, ctx.tensor(i.clone()), 0).get_output(0) for i in (first, second))
    return _norm(ctx, elementwise(ctx, E.SUB, rows, others), p, 1)
