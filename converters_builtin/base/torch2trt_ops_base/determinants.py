"""Determinants of small matrices, from their pivots."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .factors import factors_and_pivots
from .matrices import Eliminated, batched, eliminate, like_call, not_small

Results = tuple["trt.ITensor | None", ...]


@converter("aten._linalg_det.default", rejects=not_small)
def det(ctx: Context, input: Value) -> Results:
    """_linalg_det(Tensor A) -> (Tensor result, Tensor LU, Tensor pivots)"""
    eliminated = eliminate(ctx, batched(ctx, input))
    pivots = [*eliminated.diagonal(ctx), *_signs(ctx, eliminated)]
    return like_call(ctx, _product(ctx, pivots), 0), *factors_and_pivots(ctx, eliminated, 1)


@converter("aten._linalg_slogdet.default", rejects=not_small)
def slogdet(ctx: Context, input: Value) -> Results:
    """_linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet, Tensor LU, Tensor pivots)"""
    eliminated = eliminate(ctx, batched(ctx, input))
    pivots = eliminated.diagonal(ctx)
    sign = _product(ctx, [*(lib.sign(ctx, pivot) for pivot in pivots), *_signs(ctx, eliminated)])
    logarithms = [lib.log(ctx, lib.abs(ctx, pivot)) for pivot in pivots]
    total = _without_matrix(ctx, functools.reduce(lambda one, other: lib.add(ctx, one, other), logarithms))
    return like_call(ctx, sign, 0), like_call(ctx, total, 1), *factors_and_pivots(ctx, eliminated, 2)


def _signs(ctx: Context, eliminated: Eliminated) -> list[trt.ITensor]:
    """-1 for every two rows that changed places."""
    return [lib.where(ctx, lib.eq(ctx, c, 0), 1.0, -1.0, torch.float32) for c in eliminated.choices[:-1]]


def _product(ctx: Context, factors: Sequence[trt.ITensor]) -> trt.ITensor:
    return _without_matrix(ctx, functools.reduce(lambda one, other: lib.mul(ctx, one, other), factors))


def _without_matrix(ctx: Context, entries: trt.ITensor) -> trt.ITensor:
    ndim = len(entries.shape)
    return lib.squeeze(ctx, entries, [ndim - 2, ndim - 1])
