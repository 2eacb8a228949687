"""Reductions, softmax and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .._trt import trt
from ..network.context import Context
from ._elementwise import number_of
from ._shape import squeeze, unsqueeze
from ._values import dtype_of, ndim_of


def axes_mask(dims: int | Sequence[int] | None, ndim: int) -> int:
    """TensorRT's bit mask of dimensions; None or an empty sequence stands for all."""
    chosen = (dims,) if isinstance(dims, int) else tuple(dims or range(ndim))
    return sum({1 << (dim % ndim) for dim in chosen}) if ndim else 0


def reduce(
    ctx: Context,
    op: trt.ReduceOperation,
    input: Any,
    dims: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: torch.dtype | None = None,
) -> trt.ITensor:
    """A reduction over ``dims`` (all by default), computed in ``dtype``."""
    dtype = dtype or dtype_of(input)
    tensor = ctx.tensor(input, number_of(dtype))
    if len(tensor.shape):
        tensor = ctx.network.add_reduce(tensor, op, axes_mask(dims, len(tensor.shape)), keepdim).get_output(0)
    return ctx.tensor(tensor, dtype)


def softmax(ctx: Context, input: Any, dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.softmax(input, dim, dtype)``."""
    tensor = ctx.tensor(input, dtype)
    ndim = len(tensor.shape)
    # the layer takes two dimensions or more
    extra = list(range(max(2 - ndim, 0)))
    layer = ctx.network.add_softmax(unsqueeze(ctx, tensor, extra) if extra else tensor)
    layer.axes = axes_mask(dim % max(ndim, 1) + len(extra) if ndim else 1, ndim + len(extra))
    return squeeze(ctx, layer.get_output(0), extra)


def matmul(
    ctx: Context, input: Any, other: Any, *, transpose_input: bool = False, transpose_other: bool = False
) -> trt.ITensor:
    """The matrix product of the last two dimensions, leading ones broadcast; a rank of 1 is a vector."""
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
