"""Distances between the rows of matrices."""

from __future__ import annotations

import math

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import cast, compare, elementwise, gather, reduce, unary, unsqueeze

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


def _norm(ctx: Context, difference: trt.ITensor, p: float) -> trt.ITensor:
    """The p-norm over the last dimension."""
    dtype, last = ctx.call.result.dtype, len(difference.shape) - 1
    if p == 0:
        return reduce(ctx, R.SUM, cast(ctx, compare(ctx, E.EQUAL, difference, 0, negate=True), dtype), last)
    size = unary(ctx, U.ABS, difference)
    if math.isinf(p):
        return reduce(ctx, R.MAX, size, last)
    if p == 1:
        return reduce(ctx, R.SUM, size, last)
    if p == 2:
        return unary(ctx, U.SQRT, reduce(ctx, R.SUM, elementwise(ctx, E.PROD, difference, difference), last))
    return elementwise(ctx, E.POW, reduce(ctx, R.SUM, elementwise(ctx, E.POW, size, p), last), 1 / p)


@converter("aten._cdist_forward.default")
def cdist(ctx: Context, x1: trt.ITensor, x2: trt.ITensor, p: float, compute_mode: int | None) -> trt.ITensor:
    """_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor"""
    rows = unsqueeze(ctx, x1, [len(x1.shape) - 1])
    columns = unsqueeze(ctx, x2, [len(x2.shape) - 2])
    return _norm(ctx, elementwise(ctx, E.SUB, rows, columns), p)


@converter(
    "aten._pdist_forward.default",
    rejects=lambda call, input, p=2: None if isinstance(input.shape[0], int) else "the number of rows is dynamic",
)
def pdist(ctx: Context, input: trt.ITensor, p: float = 2) -> trt.ITensor:
    """_pdist_forward(Tensor self, float p=2) -> Tensor"""
    first, second = torch.triu_indices(input.shape[0], input.shape[0], 1)
    return _norm(ctx, elementwise(ctx, E.SUB, gather(ctx, input, first, 0), gather(ctx, input, second, 0)), p)
