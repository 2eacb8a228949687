"""Elimination and substitution in small matrices, row after row, on batches of any shape.

Each row takes some 30 layers.  They are elementwise, so that engines compute them in full float32, where their matrix
products are TF32.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Size, Value

WIDEST = 16  #: rows of a matrix


def not_small(input: torch.Tensor) -> str | None:
    """Why this is no batch of small square matrices."""
    rows: int | torch.SymInt = input.shape[-2]
    columns: int | torch.SymInt = input.shape[-1]
    if not isinstance(rows, int) or not isinstance(columns, int):
        return "the matrices have a dynamic size"
    if rows != columns:
        return f"the matrices are not square, but {rows} by {columns}"
    if not 0 < rows <= WIDEST:
        return f"matrices of 1 to {WIDEST} rows are worked out row by row, these have {rows}"
    return None


def batched(ctx: Context, input: Value) -> trt.ITensor:
    """The matrices with a batch dimension at least, which a top-k needs."""
    return ctx.tensor(input, ndim=3)


def like_call(ctx: Context, result: trt.ITensor, index: int) -> trt.ITensor:
    """A result without the batch dimension that PyTorch's has not, in its dtype."""
    wanted = ctx.call.results[index]
    extra = len(result.shape) - wanted.dim()
    return ctx.tensor(lib.squeeze(ctx, result, range(extra)), wanted.dtype)


def transposed(ctx: Context, input: Value) -> trt.ITensor:
    """``input.mT``."""
    ndim = lib.ndim_of(input)
    return lib.permute(ctx, input, [*range(ndim - 2), ndim - 1, ndim - 2])


def broadcast(ctx: Context, first: Value, second: Value) -> tuple[trt.ITensor, trt.ITensor]:
    """Two batches of matrices with equal batch dimensions, of which there is one at least."""
    ndim = max(lib.ndim_of(first), lib.ndim_of(second), 3)
    one, other = ctx.tensor(first, ndim=ndim), ctx.tensor(second, ndim=ndim)
    dims: list[Size] = [lib.size(ctx, one if one.shape[d] != 1 else other, d) for d in range(ndim - 2)]
    stretched = [lib.expand(ctx, tensor, [*dims, *tensor.shape[-2:]]) for tensor in (one, other)]
    return stretched[0], stretched[1]


def identity(ctx: Context, like: trt.ITensor) -> trt.ITensor:
    """The identity for every matrix of a batch."""
    return lib.expand(ctx, torch.eye(like.shape[-1]), lib.sizes(ctx, like))


def row(ctx: Context, input: trt.ITensor, index: int) -> trt.ITensor:
    """One row, as a matrix."""
    return lib.narrow(ctx, input, -2, index, 1)


def entry(ctx: Context, input: trt.ITensor, index: int, column: int) -> trt.ITensor:
    """One entry, as a matrix."""
    return lib.strided_slice(ctx, input, {-2: (index, 1, 1), -1: (column, 1, 1)})


def chosen_first(ctx: Context, rows: trt.ITensor, choice: trt.ITensor) -> tuple[trt.ITensor, trt.ITensor | None]:
    """The row of each matrix at ``choice`` (…, 1, 1), and those below the first, which has taken its place."""
    count = rows.shape[-2]
    if count == 1:
        return rows, None
    dims = [*lib.sizes(ctx, rows)[:-2], 1, lib.size(ctx, rows, -1)]
    chosen = lib.gather(ctx, rows, -2, lib.expand(ctx, choice, dims))
    positions = torch.arange(1, count)[:, None]
    below = lib.narrow(ctx, rows, -2, 1, count - 1)
    return chosen, lib.where(ctx, lib.eq(ctx, positions, choice), row(ctx, rows, 0), below)


@dataclass(slots=True)
class Eliminated:
    """Gauss's elimination with the largest pivot of each column: row by row, what has become of the matrices."""

    #: the rows of L below and of U on and above the diagonal
    rows: list[trt.ITensor] = field(default_factory=list)
    #: the rows of what stood to the right, with the same operations applied
    right: list[trt.ITensor] = field(default_factory=list)
    #: (…, 1, 1), for each row the one that it changed places with, counted from itself
    choices: list[trt.ITensor] = field(default_factory=list)

    def packed(self, ctx: Context) -> trt.ITensor:
        """L without its diagonal and U in one matrix."""
        return lib.cat(ctx, self.rows, -2)

    def diagonal(self, ctx: Context) -> list[trt.ITensor]:
        """The pivots (…, 1, 1)."""
        return [lib.narrow(ctx, each, -1, index, 1) for index, each in enumerate(self.rows)]


def eliminate(ctx: Context, matrix: trt.ITensor, right: trt.ITensor | None = None) -> Eliminated:
    """Eliminate what is below the diagonal of each matrix (…, n, n), with ``right`` (…, n, m) beside it."""
    width = matrix.shape[-1]
    rest: trt.ITensor | None = matrix if right is None else lib.cat(ctx, [matrix, right], -1)
    result = Eliminated()
    for column in range(width):
        assert rest is not None
        choice = _largest(ctx, lib.narrow(ctx, rest, -1, column, 1))
        pivot_row, below = chosen_first(ctx, rest, choice)
        result.choices.append(choice)
        result.rows.append(lib.narrow(ctx, pivot_row, -1, 0, width))
        if right is not None:
            result.right.append(_from(ctx, pivot_row, width))
        rest = None if below is None else _cleared(ctx, below, pivot_row, column)
    return result


def _largest(ctx: Context, column: trt.ITensor) -> trt.ITensor:
    """Where the largest magnitude of a column stands, the first of equal ones."""
    if column.shape[-2] == 1:
        return lib.expand(ctx, torch.tensor(0), [*lib.sizes(ctx, column)[:-2], 1, 1])
    # how TensorRT orders NaN is not said; whatever the pivot, the result is NaN
    keys = lib.where(ctx, lib.isnan(ctx, column), torch.inf, lib.abs(ctx, column))
    layer = ctx.network.add_topk(keys, trt.TopKOperation.MAX, 1, lib.axes_mask(-2, len(column.shape)))
    return ctx.tensor(layer.get_output(1), torch.int64)


def _cleared(ctx: Context, below: trt.ITensor, pivot_row: trt.ITensor, column: int) -> trt.ITensor:
    """The rows below a pivot without their part of it, whose factor stands in its place."""
    pivot = lib.narrow(ctx, pivot_row, -1, column, 1)
    ratio = lib.div(ctx, lib.narrow(ctx, below, -1, column, 1), pivot)
    # below a pivot of 0 there are only others
    factor = lib.where(ctx, lib.eq(ctx, pivot, 0.0), 0.0, ratio)
    parts = [lib.narrow(ctx, below, -1, 0, column)] if column else []
    parts.append(factor)
    if below.shape[-1] != column + 1:
        product = lib.mul(ctx, factor, _from(ctx, pivot_row, column + 1))
        parts.append(lib.sub(ctx, _from(ctx, below, column + 1), product))
    return lib.cat(ctx, parts, -1)


def _from(ctx: Context, input: trt.ITensor, column: int) -> trt.ITensor:
    count = lib.size_op(ctx, operator.sub, lib.size(ctx, input, -1), column)
    return lib.narrow(ctx, input, -1, column, count)


def substitute(ctx: Context, triangle: trt.ITensor, right: trt.ITensor, *, upper: bool, unit: bool) -> trt.ITensor:
    """The solution of ``triangle @ x = right`` for batches of equal sizes; the other triangle is not looked at."""
    width = triangle.shape[-1]
    rest, solved = right, []
    for done, index in enumerate(reversed(range(width)) if upper else range(width)):
        left = width - 1 - done
        solution = row(ctx, rest, left if upper else 0)
        if not unit:
            solution = lib.div(ctx, solution, entry(ctx, triangle, index, index))
        solved.append(solution)
        if left:
            start = 0 if upper else index + 1
            column = lib.strided_slice(ctx, triangle, {-2: (start, left, 1), -1: (index, 1, 1)})
            others = lib.narrow(ctx, rest, -2, 0 if upper else 1, left)
            rest = lib.sub(ctx, others, lib.mul(ctx, column, solution))
    return lib.cat(ctx, solved[::-1] if upper else solved, -2)


def first_failure(ctx: Context, failures: list[trt.ITensor]) -> trt.ITensor:
    """The number, from 1, of the first failure (…, 1, 1) of each matrix of a batch; 0 for none."""
    result = lib.where(ctx, failures[-1], len(failures), 0, torch.int32)
    for number, failed in reversed(list(enumerate(failures[:-1], start=1))):
        result = lib.where(ctx, failed, number, result, torch.int32)
    ndim = len(result.shape)
    return lib.squeeze(ctx, result, [ndim - 2, ndim - 1])
