"""Masks: choosing and writing what is true."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import (
    Size,
    arange,
    broadcast,
    cast,
    compare,
    concat,
    elementwise,
    old_gather,
    is_runtime,
    narrow,
    permute,
    reshape,
    select,
    size,
    sizes,
    squeeze,
    unsqueeze,
)

from .indexing import Indices, index_
from .search import count_true, running_sum

E = trt.ElementWiseOperation
#: TensorRT for RTX has the layer, and no kernel for it
DATA_DEPENDENT = "tensorrt>=10.0"


def values_of_true(ctx: Context, mask: trt.ITensor, values: trt.ITensor, dim: int) -> trt.ITensor:
    """For every element of ``mask``, in a row, the value that is its own where it is true.

    The k-th true element gets the k-th of ``values`` along ``dim``.
    """
    seen = running_sum(ctx, cast(ctx, reshape(ctx, mask, [-1]), torch.int64))
    return old_gather(ctx, values, elementwise(ctx, E.MAX, elementwise(ctx, E.SUB, seen, 1), 0), dim)


@converter("aten.masked_scatter.default")
def masked_scatter(ctx: Context, input: Any, mask: Any, source: Any) -> trt.ITensor:
    """masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor"""
    tensor = ctx.tensor(input)
    lengths = sizes(ctx, tensor)
    mask = broadcast(ctx, mask, lengths)
    values = values_of_true(ctx, mask, reshape(ctx, source, [-1]), 0)
    return select(ctx, mask, reshape(ctx, values, lengths), tensor)


@converter("aten.nonzero_static.default")
def nonzero_static(ctx: Context, input: Any, size: Size, fill_value: int = -1) -> trt.ITensor:
    """nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor"""
    tensor = ctx.tensor(input)
    lengths = sizes(ctx, tensor)
    flat = cast(ctx, reshape(ctx, tensor, [-1]), torch.bool)
    seen = running_sum(ctx, cast(ctx, flat, torch.int64))
    wanted = unsqueeze(ctx, arange(ctx, size, 1), [1])
    # the k-th true element comes after all those up to which fewer than k are true
    position = count_true(ctx, compare(ctx, E.LESS, seen, wanted))
    coordinates = []
    rest = position
    for length in reversed(lengths):
        quotient = elementwise(ctx, E.FLOOR_DIV, rest, length)
        coordinates.append(elementwise(ctx, E.SUB, rest, elementwise(ctx, E.PROD, quotient, length)))
        rest = quotient
    found = concat(ctx, [unsqueeze(ctx, column, [1]) for column in reversed(coordinates)], 1)
    # beyond the last true element the first coordinate has run over its length
    return select(ctx, unsqueeze(ctx, compare(ctx, E.EQUAL, rest, 0), [1]), found, fill_value, torch.int64)


@converter("aten.nonzero.default", requires=DATA_DEPENDENT)
def nonzero(ctx: Context, input: Any) -> trt.ITensor:
    """nonzero(Tensor self) -> Tensor"""
    coordinates = ctx.network.add_non_zero(ctx.tensor(input)).get_output(0)
    return permute(ctx, cast(ctx, coordinates, torch.int64), [1, 0])


@converter("aten.index.Tensor", requires=DATA_DEPENDENT)
def index_mask(ctx: Context, input: Any, indices: Indices) -> trt.ITensor:
    """index.Tensor(Tensor self, Tensor?[] indices) -> Tensor"""
    whole: list[Any] = []
    for index in indices:
        if not is_runtime(index) or index.dtype != trt.bool:
            whole.append(index)
            continue
        coordinates = nonzero(ctx, index)
        whole += [squeeze(ctx, narrow(ctx, coordinates, 1, dim, 1), [1]) for dim in range(len(index.shape))]
    return index_(ctx, input, whole)


@converter("aten.masked_select.default", requires=DATA_DEPENDENT)
def masked_select(ctx: Context, input: Any, mask: Any) -> trt.ITensor:
    """masked_select(Tensor self, Tensor mask) -> Tensor"""
    values, mask = ctx.tensor(input), ctx.tensor(mask)
    lengths = _broadcast_sizes(ctx, values, mask)
    rows = nonzero(ctx, reshape(ctx, broadcast(ctx, mask, lengths), [-1]))
    return old_gather(ctx, reshape(ctx, broadcast(ctx, values, lengths), [-1]), squeeze(ctx, rows, [1]), 0)


def _broadcast_sizes(ctx: Context, *tensors: trt.ITensor) -> list[Size]:
    ndim = max(len(tensor.shape) for tensor in tensors)
    lengths: list[Size] = [1] * ndim
    for tensor in tensors:
        for dim in range(-len(tensor.shape), 0):
            # a dynamic size is never 1 for PyTorch
            if tensor.shape[dim] != 1:
                lengths[dim] = size(ctx, tensor, dim)
    return lengths
