"""Verbs that combine the elements of dimensions: reductions, running sums, softmax and matrix products."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from .._trt import trt
from ..network.context import Context
from .pointwise import isnan, where
from .shape import at_least_2d, squeeze
from .values import Value, compute_dtype, dtype_of, ndim_of

_R = trt.ReduceOperation


class Reduction(Protocol):
    """A verb that reduces dimensions."""

    def __call__(
        self,
        ctx: Context,
        input: Value,
        dim: int | Sequence[int] | None = None,
        keepdim: bool = False,
        dtype: torch.dtype | None = None,
    ) -> trt.ITensor:
        """The reduction over ``dim`` (all dimensions by default), computed in ``dtype``, by default the input's."""
        ...


def axes_mask(dims: int | Sequence[int] | None, ndim: int) -> int:
    """TensorRT's bit mask of dimensions; None or an empty sequence stands for all."""
    chosen = (dims,) if isinstance(dims, int) else tuple(dims or range(ndim))
    return builtins.sum({1 << (dim % ndim) for dim in chosen}) if ndim else 0


def reduce(
    ctx: Context,
    op: trt.ReduceOperation,
    input: Value,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: torch.dtype | None = None,
) -> trt.ITensor:
    """One reduction (TensorRT's ``IReduceLayer``) over ``dim`` (all by default), computed in ``dtype``."""
    dtype = dtype or dtype_of(input)
    tensor = ctx.tensor(input, compute_dtype(dtype))
    if len(tensor.shape):
        tensor = ctx.network.add_reduce(tensor, op, axes_mask(dim, len(tensor.shape)), keepdim).get_output(0)
    return ctx.tensor(tensor, dtype)


def _reduce_keeping_nan(
    ctx: Context,
    op: trt.ReduceOperation,
    input: Value,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: torch.dtype | None = None,
) -> trt.ITensor:
    result = reduce(ctx, op, input, dim, keepdim, dtype)
    if not dtype_of(input).is_floating_point:
        return result
    # TensorRT passes over NaN
    undefined = reduce(ctx, _R.MAX, isnan(ctx, input), dim, keepdim)
    return where(ctx, undefined, math.nan, result, dtype_of(result))


def _reduction(
    name: str,
    op: trt.ReduceOperation,
    by: Callable[..., trt.ITensor] = reduce,
    rule: str = "computed in ``dtype``, by default the input's.",
) -> Reduction:
    def verb(
        ctx: Context,
        input: Value,
        dim: int | Sequence[int] | None = None,
        keepdim: bool = False,
        dtype: torch.dtype | None = None,
    ) -> trt.ITensor:
        return by(ctx, op, input, dim, keepdim, dtype)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, dim, keepdim)``, {rule}"
    return verb


def _extreme(name: str, op: trt.ReduceOperation) -> Reduction:
    return _reduction(name, op, _reduce_keeping_nan, "NaN where there is one; ``reduce`` passes over NaN.")


sum, prod, mean = _reduction("sum", _R.SUM), _reduction("prod", _R.PROD), _reduction("mean", _R.AVG)
amax, amin = _extreme("amax", _R.MAX), _extreme("amin", _R.MIN)


def neutral_element(op: trt.ReduceOperation, dtype: torch.dtype) -> float:
    """The number of ``dtype`` that changes nothing in a reduction by SUM, AVG, PROD, MAX or MIN."""
    if op in (_R.SUM, _R.AVG):
        return 0
    if op == _R.PROD:
        return 1
    low, high = (-math.inf, math.inf) if dtype.is_floating_point else (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
    return low if op == _R.MAX else high


def cumsum(ctx: Context, input: Value, dim: int) -> trt.ITensor:
    """``torch.cumsum(input, dim)`` of a tensor that is no scalar (TensorRT's ``ICumulativeLayer``)."""
    tensor = ctx.tensor(input)
    axis = ctx.tensor(torch.tensor(dim % len(tensor.shape)))
    return ctx.network.add_cumulative(tensor, axis, trt.CumulativeOperation.SUM, False, False).get_output(0)


def softmax(ctx: Context, input: Value, dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.softmax(input, dim, dtype)``."""
    tensor, added = at_least_2d(ctx, ctx.tensor(input, dtype))
    ndim = max(ndim_of(input), 1)
    layer = ctx.network.add_softmax(tensor)
    # counted from the end, a dimension keeps its number
    layer.axes = axes_mask(dim % ndim - ndim, len(tensor.shape))
    return squeeze(ctx, layer.get_output(0), added)


def matmul(
    ctx: Context, input: Value, other: Value, *, transpose_input: bool = False, transpose_other: bool = False
) -> trt.ITensor:
    """``torch.matmul(input, other)``: the last two dimensions, leading ones broadcast; a rank of 1 is a vector."""
    ndim = max(ndim_of(input), ndim_of(other))
    ops = []
    operands = []
    for value, transposed in ((input, transpose_input), (other, transpose_other)):
        vector = ndim_of(value) == 1
        operands.append(ctx.tensor(value, ndim=ndim - 1 if vector and ndim > 1 else ndim if not vector else 1))
        ops.append(
            trt.MatrixOperation.VECTOR
            if vector
            else trt.MatrixOperation.TRANSPOSE
            if transposed
            else trt.MatrixOperation.NONE
        )
    return ctx.network.add_matrix_multiply(operands[0], ops[0], operands[1], ops[1]).get_output(0)
