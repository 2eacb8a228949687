"""Factors of small matrices: triangular ones with permutations, and Cholesky's."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .matrices import (
    Eliminated,
    batched,
    chosen_first,
    eliminate,
    entry,
    first_failure,
    identity,
    like_call,
    not_small,
    transposed,
)

Results = tuple["trt.ITensor | None", ...]


def factors_and_pivots(ctx: Context, eliminated: Eliminated, index: int) -> Results:
    """LU and the pivots as LAPACK numbers them, from result ``index`` of the call on; None for what nothing uses."""
    packed = like_call(ctx, eliminated.packed(ctx), index) if ctx.call.uses(index) else None
    return packed, like_call(ctx, _pivots(ctx, eliminated), index + 1) if ctx.call.uses(index + 1) else None


def _pivots(ctx: Context, eliminated: Eliminated) -> trt.ITensor:
    numbers = lib.cat(ctx, eliminated.choices, -1)
    numbers = lib.add(ctx, numbers, torch.arange(1, len(eliminated.choices) + 1))
    return lib.squeeze(ctx, numbers, [len(numbers.shape) - 2])


def zero_pivots(ctx: Context, eliminated: Eliminated) -> trt.ITensor:
    """The number of the first pivot of 0."""
    return first_failure(ctx, [lib.eq(ctx, pivot, 0.0) for pivot in eliminated.diagonal(ctx)])


def _not_small_or_without_pivots(input: torch.Tensor, pivot: bool = True) -> str | None:
    return not_small(input) if pivot else "PyTorch factors without pivots on GPUs alone"


@converter("aten.linalg_lu_factor_ex.default", rejects=_not_small_or_without_pivots)
def lu_factor_ex(ctx: Context, input: Value, *, pivot: bool = True, check_errors: bool = False) -> Results:
    """linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, ...)"""
    eliminated = eliminate(ctx, batched(ctx, input))
    info = like_call(ctx, zero_pivots(ctx, eliminated), 2) if ctx.call.uses(2) else None
    return *factors_and_pivots(ctx, eliminated, 0), info


@converter("aten.linalg_lu.default", rejects=_not_small_or_without_pivots)
def lu(ctx: Context, input: Value, *, pivot: bool = True) -> tuple[trt.ITensor, ...]:
    """linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)"""
    matrix = batched(ctx, input)
    eliminated = eliminate(ctx, matrix)
    packed, ones = eliminated.packed(ctx), torch.ones(matrix.shape[-2:])
    places: trt.ITensor | None = identity(ctx, matrix)
    rows = []
    for choice in eliminated.choices:
        assert places is not None
        chosen, places = chosen_first(ctx, places, choice)
        rows.append(chosen)
    permutation = transposed(ctx, lib.cat(ctx, rows, -2))
    lower = lib.add(ctx, lib.where(ctx, ones.tril(-1).bool(), packed, 0.0), torch.eye(len(ones)))
    upper = lib.where(ctx, ones.triu().bool(), packed, 0.0)
    return like_call(ctx, permutation, 0), like_call(ctx, lower, 1), like_call(ctx, upper, 2)


@converter("aten.linalg_cholesky_ex.default", rejects=not_small)
def cholesky_ex(ctx: Context, input: Value, *, upper: bool = False, check_errors: bool = False) -> Results:
    """linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)

    From where a matrix is not positive definite, its factor is NaN.
    """
    matrix = batched(ctx, input)
    width = matrix.shape[-1]
    rest = transposed(ctx, matrix) if upper else matrix
    columns, failures = [], []
    for index in range(width):
        corner = entry(ctx, rest, 0, 0)
        positive = lib.gt(ctx, corner, 0.0)
        failures.append(lib.logical_not(ctx, positive))
        diagonal = lib.where(ctx, positive, lib.sqrt(ctx, corner), torch.nan)
        left = width - 1 - index
        column = diagonal
        if left:
            below = lib.strided_slice(ctx, rest, {-2: (1, left, 1), -1: (0, 1, 1)})
            below = lib.div(ctx, below, diagonal)
            column = lib.cat(ctx, [diagonal, below], -2)
            others = lib.strided_slice(ctx, rest, {-2: (1, left, 1), -1: (1, left, 1)})
            rest = lib.sub(ctx, others, lib.mul(ctx, below, transposed(ctx, below)))
        columns.append(lib.pad(ctx, column, [0, 0, index, 0]))
    factor = lib.cat(ctx, columns, -1)
    info = like_call(ctx, first_failure(ctx, failures), 1) if ctx.call.uses(1) else None
    return like_call(ctx, transposed(ctx, factor) if upper else factor, 0), info
