"""Distances between tensors, and between the rows of matrices."""

from __future__ import annotations

import math

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


def _norm(ctx: Context, difference: trt.ITensor, p: float, dim: int | None = -1) -> trt.ITensor:
    """The p-norm over ``dim`` (None is all) in the dtype of the result, computed in float32 for 16-bit numbers."""
    dtype = ctx.call.result.dtype
    wide = lib.opmath(dtype)
    magnitude = lib.abs(ctx, difference, wide)
    if math.isinf(p) and dim is not None:  # between rows, PyTorch passes over NaN, and TensorRT sometimes does
        numbers = lib.where(ctx, lib.isnan(ctx, magnitude), 0.0, magnitude)
        result = lib.reduce(ctx, trt.ReduceOperation.MAX, numbers, dim)
    elif math.isinf(p):
        result = (lib.amax if p > 0 else lib.amin)(ctx, magnitude, dim)
    elif p == 0:
        differ = ctx.tensor(lib.ne(ctx, magnitude, 0), wide)
        # between rows, what differs by NaN counts as that
        differ = differ if dim is None else lib.where(ctx, lib.isnan(ctx, magnitude), magnitude, differ)
        result = lib.sum(ctx, differ, dim)
    elif p == 1:
        result = lib.sum(ctx, magnitude, dim)
    elif p == 2:
        result = lib.sqrt(ctx, lib.sum(ctx, lib.mul(ctx, magnitude, magnitude), dim))
    else:
        result = lib.pow(ctx, lib.sum(ctx, lib.pow(ctx, magnitude, p), dim), 1 / p)
    return ctx.tensor(result, dtype)


@converter("aten.dist.default")
def dist(ctx: Context, input: Value, other: Value, p: float = 2) -> trt.ITensor:
    """dist(Tensor self, Tensor other, Scalar p=2) -> Tensor"""
    return _norm(ctx, lib.sub(ctx, input, other), p, None)


@converter("aten._cdist_forward.default")
def cdist(ctx: Context, x1: Value, x2: Value, p: float, compute_mode: int | None) -> trt.ITensor:
    """_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor"""
    ndim = max(lib.ndim_of(x1), lib.ndim_of(x2))
    rows = lib.unsqueeze(ctx, ctx.tensor(x1, ndim=ndim), [ndim - 1])
    columns = lib.unsqueeze(ctx, ctx.tensor(x2, ndim=ndim), [ndim - 2])
    return _norm(ctx, lib.sub(ctx, rows, columns), p)


def _dynamic_rows(input: torch.Tensor) -> str | None:
    return None if isinstance(input.shape[0], int) else "the number of rows is dynamic"


@converter("aten._pdist_forward.default", rejects=_dynamic_rows)
def pdist(ctx: Context, input: trt.ITensor, p: float = 2) -> trt.ITensor:
    """_pdist_forward(Tensor self, float p=2) -> Tensor"""
    count = input.shape[0]
    first, second = torch.triu_indices(count, count, 1)
    return _norm(ctx, lib.sub(ctx, lib.index_select(ctx, input, 0, first), lib.index_select(ctx, input, 0, second)), p)
