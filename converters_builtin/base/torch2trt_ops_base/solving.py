"""Solutions of small systems of linear equations, and inverses.

What PyTorch calls singular gives infinities and NaN.
"""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .factors import factors_and_pivots, zero_pivots
from .matrices import (
    batched,
    broadcast,
    chosen_first,
    eliminate,
    identity,
    like_call,
    not_small,
    substitute,
    transposed,
)

Results = tuple["trt.ITensor | None", ...]


@converter("aten.linalg_inv_ex.default", rejects=not_small)
def inv_ex(ctx: Context, input: Value, *, check_errors: bool = False) -> Results:
    """linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)"""
    matrix = batched(ctx, input)
    eliminated = eliminate(ctx, matrix, identity(ctx, matrix))
    inverse = substitute(ctx, eliminated.packed(ctx), lib.cat(ctx, eliminated.right, -2), upper=True, unit=False)
    info = like_call(ctx, zero_pivots(ctx, eliminated), 1) if ctx.call.uses(1) else None
    return like_call(ctx, inverse, 0), info


@converter("aten._linalg_solve_ex.default", rejects=not_small)
def solve_ex(ctx: Context, input: Value, other: Value, *, left: bool = True, check_errors: bool = False) -> Results:
    """_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, ...) -> (Tensor result, Tensor LU, ...)"""
    vectors = _is_of_vectors(*ctx.call.args[:2])
    right: Value = lib.unsqueeze(ctx, other, [lib.ndim_of(other)]) if vectors else other
    matrix, right = broadcast(ctx, *(ctx.tensor(value) if left else transposed(ctx, value) for value in (input, right)))
    eliminated = eliminate(ctx, matrix, right)
    result = substitute(ctx, eliminated.packed(ctx), lib.cat(ctx, eliminated.right, -2), upper=True, unit=False)
    result = result if left else transposed(ctx, result)
    result = lib.squeeze(ctx, result, [len(result.shape) - 1] if vectors else [])
    info = like_call(ctx, zero_pivots(ctx, eliminated), 3) if ctx.call.uses(3) else None
    return like_call(ctx, result, 0), *factors_and_pivots(ctx, eliminated, 1), info


def _is_of_vectors(input: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether the right side is one vector, or one for each matrix."""
    return other.dim() == 1 or (input.dim() - 1 == other.dim() and tuple(other.shape) == tuple(input.shape[:-1]))


@converter("aten.linalg_solve_triangular.default", rejects=not_small)
def solve_triangular(
    ctx: Context, input: Value, other: Value, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> trt.ITensor:
    """linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, ...) -> Tensor"""
    if not left:
        input, other, upper = transposed(ctx, input), transposed(ctx, other), not upper
    result = substitute(ctx, *broadcast(ctx, input, other), upper=upper, unit=unitriangular)
    return like_call(ctx, result if left else transposed(ctx, result), 0)


@converter("aten.triangular_solve.default", rejects=lambda coefficients: not_small(coefficients))
def triangular_solve(
    ctx: Context,
    input: Value,
    coefficients: Value,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> Results:
    """triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, ...) -> (Tensor, Tensor)"""
    triangle = transposed(ctx, coefficients) if transpose else ctx.tensor(coefficients)
    matrix, right = broadcast(ctx, triangle, input)
    result = substitute(ctx, matrix, right, upper=upper != transpose, unit=unitriangular)
    copied = broadcast(ctx, coefficients, input)[0]
    return like_call(ctx, result, 0), like_call(ctx, copied, 1) if ctx.call.uses(1) else None


def _not_small_or_adjoint(input: torch.Tensor, left: bool = True, adjoint: bool = False) -> str | None:
    return not_small(input) if left and not adjoint else "only left=True without adjoint is worked out"


@converter("aten.linalg_lu_solve.default", rejects=_not_small_or_adjoint)
def lu_solve(
    ctx: Context, input: Value, pivots: Value, other: Value, *, left: bool = True, adjoint: bool = False
) -> trt.ITensor:
    """linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor"""
    packed, right = broadcast(ctx, input, other)
    column = lib.unsqueeze(ctx, ctx.tensor(pivots, torch.int64), [lib.ndim_of(pivots)])
    numbers, _ = broadcast(ctx, column, right)
    rest: trt.ITensor | None = right
    rows = []
    for index in range(packed.shape[-1]):
        assert rest is not None
        choice = lib.sub(ctx, lib.narrow(ctx, numbers, -2, index, 1), index + 1)
        chosen, rest = chosen_first(ctx, rest, choice)
        rows.append(chosen)
    half = substitute(ctx, packed, lib.cat(ctx, rows, -2), upper=False, unit=True)
    return like_call(ctx, substitute(ctx, packed, half, upper=True, unit=False), 0)


@converter("aten.cholesky_solve.default", rejects=lambda input2: not_small(input2))
def cholesky_solve(ctx: Context, input: Value, input2: Value, upper: bool = False) -> trt.ITensor:
    """cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor"""
    lower, right = broadcast(ctx, transposed(ctx, input2) if upper else input2, input)
    return like_call(ctx, _by_halves(ctx, lower, right), 0)


@converter("aten.cholesky_inverse.default", rejects=not_small)
def cholesky_inverse(ctx: Context, input: Value, upper: bool = False) -> trt.ITensor:
    """cholesky_inverse(Tensor self, bool upper=False) -> Tensor"""
    lower = batched(ctx, transposed(ctx, input) if upper else input)
    return like_call(ctx, _by_halves(ctx, lower, identity(ctx, lower)), 0)


def _by_halves(ctx: Context, lower: trt.ITensor, right: trt.ITensor) -> trt.ITensor:
    """The solution of ``lower @ lower.mT @ x = right``."""
    half = substitute(ctx, lower, right, upper=False, unit=False)
    return substitute(ctx, transposed(ctx, lower), half, upper=True, unit=False)
